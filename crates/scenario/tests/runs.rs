//! How the runner handles small files: the end of a run, expectations, refusals. Each is read and run from its text.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;

use mxlab_language::WorldDirectory;
use mxlab_scenario::exchange::Exchange;
use mxlab_scenario::registry;
use mxlab_scenario::run::{CellRun, End, RunOptions, run_cell};
use mxlab_sim::Bounds;

fn try_run(text: &str) -> Result<CellRun, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let worlds = WorldDirectory { directory: root.join("scenarios/worlds"), shown: "scenarios/worlds".to_owned() };
    let loaded =
        mxlab_language::read("test.toml", text, &worlds, &registry::ids()).map_err(|wrong| wrong.render(false))?;
    let options = RunOptions {
        id: "test".into(),
        reproduce: String::new(),
        seed: 1,
        until: None,
        bounds: Bounds::default(),
        packets: 0,
    };
    run_cell(&loaded.cells[0], &loaded.sources, &Exchange, &options).map_err(|wrong| wrong.render(false))
}

#[track_caller]
fn run(text: &str) -> CellRun {
    try_run(text).unwrap_or_else(|wrong| panic!("{wrong}"))
}

#[track_caller]
fn holds(text: &str) -> CellRun {
    let run = run(text);
    assert_eq!(run.result.end, End::Finished);
    let failures: Vec<&str> = run.result.failures.iter().map(|failure| failure.message.as_str()).collect();
    assert!(failures.is_empty(), "{}\n{}", failures.join("\n"), run.record.story());
    run
}

#[track_caller]
fn fails(text: &str, saying: &[&str]) {
    let run = run(text);
    let failures: Vec<&str> = run.result.failures.iter().map(|failure| failure.message.as_str()).collect();
    let failures = failures.join("\n");
    for part in saying {
        assert!(failures.contains(part), "`{part}` is not in\n{failures}\n{}", run.record.story());
    }
}

#[track_caller]
fn refused(text: &str, saying: &str) {
    let wrong = try_run(text).map(|run| run.record.story()).unwrap_err();
    assert!(wrong.contains(saying), "{wrong}");
}

const SEND: &str = r#"
[[at]]
send = { from = "ann@contoso.example", to = ["bo@fabrikam.example"] }
"#;
const DELIVERED: &str = "[[expect]]\ndelivered = { to = \"bo@fabrikam.example\" }\n";

fn outbound(declarations: &str, rest: &str) -> String {
    format!("title = \"test\"\nworld = \"outbound\"\n{declarations}\n{rest}")
}

#[test]
fn a_run_ends_when_everything_is_at_rest() {
    let run = holds(&outbound("", &format!("{SEND}{DELIVERED}")));
    assert!(run.result.virtual_seconds < 300, "{}", run.result.virtual_seconds);
    // An open window of a `never` keeps it going.
    let never = "[[never]]\nwithin = \"+6h\"\nbounced = { to = \"bo@fabrikam.example\" }\n";
    let run = holds(&outbound("", &format!("{SEND}{DELIVERED}{never}")));
    assert!((21_600..22_000).contains(&run.result.virtual_seconds), "{}", run.result.virtual_seconds);
}

#[test]
fn messages_one_an_hour_are_all_sent() {
    let send = "[[at]]\nsend = { id = \"hourly\", from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], count = 60, every = \"1h\" }\n";
    let last = "[[expect]]\nafter = \"+58h\"\ndelivered = { message = \"hourly\" }\n";
    let run = holds(&outbound("", &format!("{send}{last}")));
    assert_eq!(
        run.record.story().matches("mx1         takes the message").count()
            + run.record.story().matches("mx1     takes the message").count(),
        60
    );
}

#[test]
fn a_host_that_is_down_sends_nothing_and_the_run_ends_all_the_same() {
    let text = "title = \"test\"\nworld = \"inbound\"\n[host.mail]\nclient.sign = []\n[zone.\"contoso.example\"]\nwithout = [\"_dmarc TXT\"]\n\
        [[at]]\nrestart = { host = \"mail\", down = \"1h\" }\n\
        [[at]]\ntime = \"+10m\"\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
        [[never]]\ndelivered = { to = \"bo@fabrikam.example\" }\n";
    let run = holds(text);
    assert!(run.record.story().contains("it cannot be sent: mail is down"), "{}", run.record.story());
    assert!(run.result.virtual_seconds < 7_200, "{}", run.result.virtual_seconds);
}

#[test]
fn a_session_typed_by_hand_has_to_go_as_written() {
    let session = |before: &str, lines: &str| {
        let dialogue = format!("dialogue = {{ host = \"mx1\", via = \"user\", lines = '''{lines}''' }}");
        outbound("[host.user]", &format!("{before}[[at]]\n{dialogue}\n[[never]]\ndelivered = {{}}\n"))
    };
    holds(&session("", "S: 220 mx1\nC: NOOP\nS: 250\nC: QUIT\nS: 221"));
    fails(&session("", "S: 220\nC: NOOP\nS: 550"), &["expected a reply that begins `550`, got `250"]);
    fails(&session("", "S: 220\nC: QUIT\nS: 221\nS: 250"), &["got `connection closed`"]);
    let down = "[[at]]\nrestart = { host = \"user\", down = \"1h\" }\n";
    fails(&session(down, "S: 220"), &["this session did not come to its end"]);
    let nobody = "[[at]]\nfault = { kind = \"refused\", host = \"mx1\" }\n";
    fails(&session(nobody, "S: 220"), &["there is no session: connection refused"]);
    refused(&session("", "220 mx1"), "this begins with neither");
}

#[test]
fn a_plain_client_goes_to_the_servers_of_each_domain() {
    let text = "title = \"test\"\n\
        [zone.\"fabrikam.example\"]\nrecords = '''\n@ MX 10 mx1\nmx1 A {mx1}\n'''\n\
        [zone.\"adatum.example\"]\nrecords = '''\n@ MX 10 mx2\nmx2 A {mx2}\n'''\n\
        [host]\nmx1.smtp = {}\nmx2.smtp = {}\nmail.client = {}\n\
        [[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\", \"eve@adatum.example\"] }\n\
        [[expect]]\ndelivered = { to = \"bo@fabrikam.example\", host = \"mx1\" }\n\
        [[expect]]\ndelivered = { to = \"eve@adatum.example\", host = \"mx2\" }\n\
        [[never]]\ndelivered = { to = \"eve@adatum.example\", host = \"mx1\" }\n";
    holds(text);
}

#[test]
fn an_actor_that_was_restarted_is_told_in_order() {
    let text = outbound(
        "",
        &format!(
            "[[at]]\nfault = {{ kind = \"refused\", host = \"mx1\", until = \"+2h\" }}\n{SEND}\
             [[at]]\ntime = \"+14m58s\"\nrestart = {{ host = \"sender\", down = \"2s\" }}\n{DELIVERED}"
        ),
    );
    let run = holds(&text);
    let position =
        |part: &str| run.record.story().find(part).unwrap_or_else(|| panic!("no {part} in\n{}", run.record.story()));
    assert!(position("stays queued: 450 4.4.316") < position("finds the message"), "{}", run.record.story());
}

#[test]
fn what_goes_by_in_clear_is_known_by_recipient_and_message() {
    let declarations = "[zone.\"fabrikam.example\"]\nsigned = false\n[host.mx1.smtp]\ntls = \"none\"\n";
    let send = "[[at]]\nsend = { id = \"m\", from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n";
    holds(&outbound(declarations, &format!("{send}[[expect]]\nin-clear = {{ message = \"m\" }}\n")));
    fails(
        &outbound(declarations, &format!("{send}[[never]]\nin-clear = {{ message = \"m\" }}\n")),
        &["never expected: in clear"],
    );
    fails(
        &outbound("", &format!("{send}[[expect]]\nin-clear = {{ message = \"m\" }}\n")),
        &["no command or message was sent in clear"],
    );
}

#[test]
fn a_message_with_its_own_message_id_is_found_by_its_id() {
    let message = "[message.own]\ntext = '''\nFrom: {from}\nTo: {to}\nSubject: x\nMessage-ID: <own@contoso.example>\n\nHello\n'''\n";
    let send = "[[at]]\nsend = { id = \"m\", from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], message = \"own\" }\n";
    holds(&outbound(message, &format!("{send}[[expect]]\ndelivered = {{ message = \"m\" }}\n")));
}

#[test]
fn security_is_known_for_a_host_with_another_name() {
    // The sender knows the server by its alias: RFC 7672 §2.2.2.
    let declarations = "[zone.\"fabrikam.example\"]\nrecords = '''\n@ MX 10 alias\nalias CNAME mx1\n'''\n";
    let expect = "[[expect]]\ndelivered = { to = \"bo@fabrikam.example\", security = \"dane\", attempts = 1 }\n";
    holds(&outbound(declarations, &format!("{SEND}{expect}")));
}

#[test]
fn the_nearest_is_about_the_same_recipient() {
    let declarations =
        "[cert.old]\n[zone.\"fabrikam.example\"]\nrecords = '_25._tcp.mx1 TLSA 3 1 1 {spki-sha256:old}'\n";
    let saying =
        ["no message for bo@fabrikam.example was delivered", "gives up on bo@fabrikam.example after 26 attempts"];
    fails(&outbound(declarations, &format!("{SEND}{DELIVERED}")), &saying);
}

#[test]
fn attempts_are_those_within_the_window() {
    let fault = "[[at]]\nfault = { kind = \"refused\", host = \"mx1\", until = \"+4h\" }\n";
    let expect = "[[expect]]\nafter = \"+1h\"\nwithin = \"+3h\"\nattempted = { to = \"bo@fabrikam.example\", times = [\"+1h30m\", \"+2h30m\"] }\n";
    holds(&outbound("", &format!("{fault}{SEND}{expect}")));
}

#[test]
fn signatures_keep_the_end_that_is_not_changed() {
    let declarations = "[zone.\"fabrikam.example\"]\nsigned-until = \"+1h\"\n";
    let rest = "[[at]]\ntime = \"+10m\"\npublish = { zone = \"fabrikam.example\", signed-from = \"-2d\" }\n\
        [[at]]\ntime = \"+2h\"\nlookup = { name = \"fabrikam.example\", type = \"MX\" }\n\
        [[expect]]\nresolved = { name = \"fabrikam.example\", type = \"MX\", status = \"bogus\", reason = \"rrsig-expired\" }\n";
    holds(&outbound(declarations, rest));
}

#[test]
fn a_fault_of_a_name_server_affects_its_zones() {
    let servers = "[zone.\"fabrikam.example\"]\nservers = [\"dns\"]\n[host.dns]\ndns = {}\n";
    let lookup = "[[at]]\nlookup = { name = \"fabrikam.example\", type = \"MX\" }\n";
    let expect = "[[expect]]\nresolved = { name = \"fabrikam.example\", type = \"MX\", status = \"servfail\" }\n";
    let fault = "[[at]]\nfault = { kind = \"servfail\", server = \"dns\" }\n";
    holds(&outbound(servers, &format!("{fault}{lookup}{expect}")));
    // An owner may be written in full without its final dot.
    let fault =
        "[[at]]\nfault = { kind = \"servfail\", zone = \"fabrikam.example\", owner = \"mx1.fabrikam.example\" }\n";
    let lookup = "[[at]]\nlookup = { name = \"mx1.fabrikam.example\", type = \"A\" }\n";
    let expect = "[[expect]]\nresolved = { name = \"mx1.fabrikam.example\", type = \"A\", status = \"servfail\" }\n";
    holds(&outbound("", &format!("{fault}{lookup}{expect}")));
}

#[test]
fn the_most_work_of_a_lookup_is_counted() {
    let lookups = "[[at]]\nlookup = { name = \"fabrikam.example\", type = \"MX\" }\n[[at]]\ntime = \"+1s\"\nlookup = { name = \"fabrikam.example\", type = \"MX\" }\n";
    let with = |expect: &str| outbound("", &format!("{lookups}[[expect]]\n{expect}\n"));
    // Three zones: the keys of each, the DS of two, the MX record.
    holds(&with("cost = { signature-checks = 6, dns-queries = \"3..\", hashes = 0 }"));
    holds(&with("cost = { signature-checks = \"..6\" }\n[[never]]\ncost = { signature-checks = \"7..\" }"));
    fails(
        &with("cost = { signature-checks = \"..5\" }"),
        &["signature-checks: 6 at most, at +0s: resolved MX fabrikam"],
    );
    fails(&with("cost = { hashes = 1 }"), &["the costliest lookup needed hashes = 1"]);
    fails(
        &with("cost = { dns-queries = 5 }\n[[never]]\ncost = { signature-checks = 6 }"),
        &["never expected: the costliest lookup needed signature-checks = 6"],
    );
    // The second lookup is answered from the cache: nothing is resolved again.
    fails(&with("after = \"+1s\"\ncost = { hashes = 0 }"), &["nothing was looked up"]);
}

#[test]
fn of_two_clock_shifts_the_later_acts() {
    let shift = |at: &str, shift: &str, until: &str| {
        format!(
            "[[at]]\ntime = \"{at}\"\nfault = {{ kind = \"clock-shift\", host = \"sender\", shift = \"{shift}\", until = \"{until}\" }}\n"
        )
    };
    let send = |at: &str, id: &str| {
        format!(
            "[[at]]\ntime = \"{at}\"\nsend = {{ id = \"{id}\", from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }}\n"
        )
    };
    // Signatures begin a day before the epoch: two days before it they are not valid yet.
    let script = [
        shift("+0s", "-2d", "+3m"),
        shift("+1m", "+1h", "+2m"),
        send("+90s", "during-both"),
        send("+150s", "during-first"),
        send("+4m", "after"),
    ];
    let expect = "[[expect]]\nwithin = \"+100s\"\ndelivered = { message = \"during-both\" }\n\
        [[expect]]\nafter = \"+150s\"\nwithin = \"+160s\"\nresolved = { type = \"MX\", status = \"bogus\", reason = \"rrsig-not-yet-valid\" }\n\
        [[expect]]\nafter = \"+4m\"\nwithin = \"+4m10s\"\ndelivered = { message = \"after\" }\n";
    holds(&outbound("[resolver]\ncache = false\n", &format!("{}{expect}", script.concat())));
}

/// Contoso asks for reports; `rest` has the expectations.
fn reporting(rest: &str) -> String {
    format!(
        "title = \"test\"\nworld = \"inbound\"\nhost.mail.smtp = {{}}\n\
        [zone.\"contoso.example\"]\nrecords = '_dmarc TXT \"v=DMARC1; p=reject; rua=mailto:d@contoso.example\"'\n{SEND}{rest}"
    )
}

#[test]
fn reports_are_counted_and_waited_for() {
    // A report that cannot be delivered at once is tried again, and the run continues that long.
    let down = "[[at]]\ntime = \"+15h\"\nfault = { kind = \"refused\", host = \"mail\", until = \"+16h10m\" }\n";
    let reported = "[[expect]]\nwithin = \"+16h6m\"\n\
        reported = { domain = \"contoso.example\", kind = \"dmarc\", day = 2026-03-02, successful = 1, failed = 0 }\n";
    let later = "[[expect]]\ndelivered = { to = \"d@contoso.example\", message = \"dmarc-report\", attempts = 2 }\n";
    holds(&reporting(&format!("{down}{reported}{later}")));
    let counts = reported.replace("successful = 1", "successful = \"2..\"");
    fails(
        &reporting(&counts),
        &["kind = dmarc, day = 2026-03-02, successful = 2.., failed = 0", "where successful = 1"],
    );
    // Without a window nothing keeps the run going until the day is over.
    fails(&reporting(&reported.replace("within = \"+16h6m\"\n", "")), &["no report was sent"]);
}

/// A temporarily wrong clock loses no report and repeats none: a repeated day has another report.
#[test]
fn reports_survive_clocks_that_are_set() {
    let shift = |at: &str, by: &str, until: &str| {
        format!(
            "[[at]]\ntime = \"{at}\"\nfault = {{ kind = \"clock-shift\", host = \"receiver\", shift = \"{by}\", until = \"{until}\" }}\n"
        )
    };
    let send = |at: &str, id: &str| {
        format!(
            "[[at]]\ntime = \"{at}\"\nsend = {{ id = \"{id}\", from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }}\n"
        )
    };
    let reported = |after: &str, within: &str, day: &str, count: u32| {
        format!(
            "[[expect]]\nafter = \"{after}\"\nwithin = \"{within}\"\nreported = {{ domain = \"contoso.example\", kind = \"dmarc\", day = {day}, successful = {count} }}\n"
        )
    };
    // Five days ahead for ten minutes, in which a message comes: the day seems over, and the next one ends as it should.
    let ahead = [
        shift("+1h", "+5d", "+1h10m"),
        send("+1h5m", "early"),
        send("+17h", "next-day"),
        reported("+1h", "+1h10m", "2026-03-02", 1),
        reported("+40h5m", "+40h6m", "2026-03-03", 1),
    ];
    holds(&reporting(&ahead.concat()));
    // Set ahead while it waits, and not set back: midnight comes earlier.
    holds(&reporting(&[shift("+1h", "+10h", "+30h"), reported("+6h5m", "+7h", "2026-03-02", 1)].concat()));
    // Set back over midnight: the day that was over has another report.
    let back = [
        shift("+16h10m", "-30m", "+17h"),
        send("+16h15m", "again"),
        send("+16h16m", "and-again"),
        reported("+16h5m", "+16h6m", "2026-03-02", 1),
        reported("+16h35m", "+17h10m", "2026-03-02", 2),
    ];
    let run = holds(&reporting(&back.concat()));
    let story = run.record.story();
    let ids: std::collections::BTreeSet<&str> = story.lines().filter(|line| line.contains("<report_id>")).collect();
    assert_eq!(ids.len(), 2, "{story}");
}

#[test]
fn a_step_that_cannot_be_done_is_shown_at_its_entry() {
    let rest = format!(
        "[[at]]\npublish = {{ zone = \"fabrikam.example\", add = 'x CNAME a..{{name:mx1}}' }}\n{SEND}{DELIVERED}"
    );
    refused(&outbound("", &rest), "this step cannot be done");
}

#[test]
fn what_would_be_ignored_is_refused() {
    let with = |declarations: &str| outbound(declarations, &format!("{SEND}{DELIVERED}"));
    let not_honoured = "title = \"test\"\nworld = \"end-to-end\"\n[tenant.fabrikam]\nhonor-dmarc = false\n";
    refused(&format!("{not_honoured}{SEND}{DELIVERED}"), "a tenant that does not honour DMARC is not supported yet");
    let change = "[host.mx1]\nclient.after-sign = [\"reencoded\"]\n";
    refused(&with(change), "the change `reencoded` is not supported yet");
    refused(&with("[sender]\nmta-sts = \"opportunistic\"\n"), "MTA-STS is not supported yet");
    refused(&with("[host.mx1]\nhostile = true\n"), "a hostile host is not supported yet");
    let sts = "[zone.\"fabrikam.example\"]\nrecords = '_mta-sts TXT \"v=STSv1; id=1;\"'\n";
    refused(&with(sts), "an MTA-STS policy");
    let report =
        |fields: &str| reporting(&format!("[[never]]\nreported = {{ domain = \"contoso.example\"{fields} }}\n"));
    refused(&report(""), "a report of any kind (without `kind = \"dmarc\"`) is not supported yet");
    refused(&report(", kind = \"tls\""), "this report is not supported yet");
    refused(&report(", kind = \"dmarc\", policy = \"sts\""), "`policy` is not supported yet");
    let stop = format!("{SEND}[[at]]\nrestart = {{ host = \"mx1\", how = \"stop\" }}\n{DELIVERED}");
    refused(&outbound("", &stop), "an orderly stop is not supported yet");
    let times = format!("[[at]]\nfault = {{ kind = \"refused\", host = \"mx1\", times = 2 }}\n{SEND}{DELIVERED}");
    refused(&outbound("", &times), "for a number of times is not supported yet");
}

/// Fabrikam has a second server of the same preference.
const EQUAL_HOSTS: &str = "host.mx2.smtp = {}\n[zone.\"fabrikam.example\"]\nsigned = false\n\
    records = '''\n@ MX 10 mx1\n@ MX 10 mx2\nmx1 A {mx1}\nmx2 A {mx2}\n'''\n";
/// How long a packet to Fabrikam takes is drawn for each.
const JITTER: &str = "link.road = { between = [\"sender\", \"mx1\"], latency = \"10ms\", jitter = \"5ms\" }\n";
const SENSITIVE: &str = "seed-sensitive = \"a draw\"\n";

#[test]
fn a_draw_that_may_show_is_said_in_the_file() {
    let text = |declarations: &str| outbound(declarations, &format!("{SEND}{DELIVERED}"));
    fails(
        &text(EQUAL_HOSTS),
        &["the order of equal MX hosts was drawn from the seed", "say why", "`seed-sensitive = "],
    );
    fails(&text(JITTER), &["jitter was drawn from the seed"]);
    for draws in [EQUAL_HOSTS, JITTER] {
        assert_eq!(holds(&text(&format!("{SENSITIVE}{draws}"))).result.undrawn, None);
    }
    // One host of each preference, or a link that always takes as long, leaves nothing to be drawn.
    holds(&text(&EQUAL_HOSTS.replace("10 mx2", "20 mx2")));
    holds(&text(&JITTER.replace(", jitter = \"5ms\"", "")));
}

#[test]
fn what_a_power_loss_leaves_is_no_draw() {
    let refused = "[[at]]\nfault = { kind = \"refused\", host = \"mx1\", until = \"+1h\" }\n";
    let off = "[[at]]\ntime = \"+20m\"\nrestart = { host = \"sender\", how = \"power-loss\" }\n";
    holds(&outbound("", &format!("{refused}{SEND}{off}{DELIVERED}")));
}

#[test]
fn seed_sensitive_without_a_draw_has_no_effect() {
    let run = holds(&outbound(SENSITIVE, &format!("{SEND}{DELIVERED}")));
    let undrawn = run.result.undrawn.unwrap();
    assert_eq!((undrawn.code.as_str(), undrawn.line), ("seed-sensitive", Some(3)));
    assert!(undrawn.message.contains("remove `seed-sensitive`"), "{}", undrawn.message);
    // A file without the key has nothing to remove.
    assert_eq!(holds(&outbound("", &format!("{SEND}{DELIVERED}"))).result.undrawn, None);
}
