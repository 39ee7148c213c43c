//! Every message for a mistake, as it is shown. The inputs are the files of the reference, each with one mistake.
//! Mistakes in zones are in `zone_messages.rs`.

#[macro_use]
mod common;

use common::{DELIVERED, ONE_MESSAGE, Worlds, edited, rendered, worlds};
use mxlab_language::{WorldSource, read};

#[test]
fn keys_and_types() {
    check!("misspelt-key", "01", "within   = \"+1m\"" => "withn    = \"+1m\"");
    check!("wrong-type", "11", "\"{honor}\"" => "\"yes\"", "[\"policy.matrix\", \"policy.reject-text\", \"policy.quarantine\", \"policy.junk\"]" => "\"policy.matrix\"");
    check!("two-verbs", "01", "example\"] }\n" => "example\"] }\nheal = \"x\"\n");
    check!("no-verb", "13", "\nbounced = { to = \"bo@fabrikam.example\" }" => "");
    check!("missing", "01", "to = [\"bo@fabrikam.example\"] }\n" => "message = \"plain\" }\n");
}

#[test]
fn scalars_and_words() {
    check!("bad-duration-bad-time", "02", "\"5m\"" => "\"5min\"", "+3h\" }" => "+3 h\" }");
    check!("unknown-fault", "04", "\"starttls-stripped\"" => "\"startls-stripped\"");
    check!("malformed-code", "04", "4.7.321" => "4.7.321 starttls");
}

#[test]
fn names() {
    check!("unknown-reference", "01", "spki-sha256:mx1-2025" => "spki-sha256:mx1-2052");
    check!("unknown-address", "13", "bounced = { to = \"bo@" => "bounced = { to = \"bob@");
    check!("same-full-name", "14", "mallory.hostile" => "hop6 = { name = \"hop2.example\" }\nmallory.hostile");
    check!("ambiguous", "12", "message = \"by-24\", " => "");
    check!("unknown-axis", "13", "{how}" => "{hwo}");
    check!("unknown-axis-value", "04", "\"dane\" }\nwithin" => "\"tls\" }\nwithin");
}

#[test]
fn faults_and_axes() {
    check!("not-for-this", "03", "server = \"{stale}\"" => "stage = \"rcpt\"");
    check!("unused-axis", "13", "{how}" => "kill");
    let bare = edited(
        "04",
        &[
            (
                "[[expect]]                               # without DNSSEC the attack succeeds: that is what DANE is for\n",
                "",
            ),
            (
                "when     = { signed = \"plain\" }\nin-clear = { to = \"bo@fabrikam.example\", seen-by = \"mallory\" }\n",
                "",
            ),
        ],
    );
    let loaded = read("example.toml", &bare, &worlds(), common::BEHAVIOURS).expect("a warning stops nothing");
    insta::assert_snapshot!("bare-cell", loaded.warnings.to_string());
}

#[test]
fn toml() {
    check!("declared-twice", "12", "next-24 = { ip = \"198.51.101.77\", ptr = \"none\" }\n" => "next-24 = { ip = \"198.51.101.77\", ptr = \"none\" }\nno-ptr  = { ip = \"203.0.113.9\" }\n");
    check!("not-toml", "01", "[[expect]]\nwithin   = \"+1m\"" => "[[expect]\nwithin   = \"+1m\"");
    let braces = "title = \"A table over several lines\"\n\n[[at]]\nsend = {\n  from = \"ann@contoso.example\",\n  to = [\"bo@fabrikam.example\"]\n}\n";
    insta::assert_snapshot!("braces-over-several-lines", rendered(braces, &worlds()));
    let newer =
        "title = \"\\e[0m\"\nepoch = 2026-03-02T08:00Z\n[[at]]\nsend = { to = [\n  { a = 1, },\n], from = {\n} }\n";
    insta::assert_snapshot!("newer-than-toml-1.0", rendered(newer, &worlds()));
    let broken = "title = \nstory = 'x\n[[at]\na = 1 = 2\nb = [1,,]\n";
    insta::assert_snapshot!("several-syntax-errors", rendered(broken, &worlds()));
}

#[test]
fn world() {
    let mut source = worlds().world("outbound").expect("it is there");
    source.text = source.text.replace("spki-sha256", "spki-sha255");
    let broken = Worlds(vec![("outbound".to_owned(), source)]);
    insta::assert_snapshot!("mistake-in-world", rendered(&edited("13", &[]), &broken));
}

#[test]
fn more_about_keys_and_types() {
    check!("unknown-key-at-top", "13", "world  =" => "wrold  =");
    check!("unknown-key-in-table", "05", "greylist =" => "greylst  =");
    check!("unknown-verb", "13", "\nsend = {" => "\nsned = {");
    check!("missing-title", "13", "title " => "story ");
    check!("table-is-a-string", "14", "hop5.relay.seal = \"own\"" => "hop5.relay = \"own\"");
    check!("version-is-a-number", "05", "greylist = \"10m\"" => "tls = 1.2");
    check!("duration-is-a-number", "05", "\"10m\"" => "600");
    check!("array-item", "05", "\"di@fabrikam.example\"] }" => "7] }");
    check!("two-verbs-in-expect", "13", "[[never]]\n" => "");
    check!("out-of-range", "06", "status = 503" => "status = 70503");
    check!("day-is-a-string", "07", "day = 2026-03-02, successful" => "day = \"2026-03-02\", successful");
    check!("epoch-not-utc", "07", "08:00:00Z" => "08:00:00+01:00");
    check!("not-a-name", "13", "[[at]]\nsend = {" => "[host.MX_2]\n[[at]]\nsend = { id = \"First one\",");
}

#[test]
fn more_about_scalars() {
    check!("time-without-sign", "13", "\"+30m\"" => "\"30m\"");
    check!("duration-with-sign", "13", "down = \"10m\"" => "down = \"+10m\"");
    check!("duration-out-of-order", "13", "down = \"10m\"" => "down = \"10m1h\"");
    check!("duration-without-unit", "13", "down = \"10m\"" => "down = \"90\"");
    check!("duration-with-fraction", "13", "down = \"10m\"" => "down = \"1.5h\"");
    check!("bad-count", "13", "\"1..2\"" => "\"2..1\"");
    check!("count-in-quotes", "13", "\"1..2\"" => "\"2\"");
    check!("bad-address", "13", "from = \"ann@contoso.example\"" => "from = \"ann.contoso.example\"");
    check!("bad-domain", "09", "\"outbound.contoso.example\"" => "\"outbound.contoso.example.\"");
    check!("bad-reply", "05", "\"550 5.1.1 User unknown\"" => "\"5.1.1 User unknown\"");
    check!("bad-rate", "05", "\"1 per 20m\"" => "\"1 per 20min\"");
    check!("bad-pair", "12", "\"*, 198.51.100.0/24\"" => "\"198.51.100.0/24\"");
    check!("bad-record-type", "02", "type = \"MX\"" => "type = \"MXX\"");
    check!("bad-ip", "12", "\"203.0.113.7\"" => "\"203.0.113.700\"");
}

#[test]
fn more_about_names() {
    check!("unknown-world", "13", "\"outbound\"" => "\"outbond\"");
    check!("unknown-behaviour", "13", "\"retry.restart\"" => "\"retry.restrat\"");
    check!("unknown-behaviour-in-group", "13", "\"retry.restart\"" => "\"retry.slowly\"");
    check!("unknown-host", "02", "host = \"mx1\"" => "host = \"mx2\"");
    check!("engine-not-declared", "09", "[[at]]\nsend" => "[[at]]\nrestart = { host = \"sender\" }\n[[at]]\nsend");
    check!("unknown-id", "06", "message = \"outage\"" => "message = \"outrage\"");
    check!("unknown-message-text", "13", "send = {" => "send = { message = \"plian\",");
    check!("unknown-key-name", "09", "sign = [\"outbound\"]" => "sign = [\"outbund\"]");
    check!("unknown-zone", "02", "publish = { zone = \"fabrikam.example\"" => "publish = { zone = \"fabricam.example\"");
    check!("unknown-fault-name", "13", "[[at]]\nsend" => "[[at]]\nheal = \"outage\"\n[[at]]\nsend");
    check!("unknown-tenant-to-configure", "08", "tenant.contoso.dkim" => "tenant.contosso.dkim");
    check!("unknown-kind-of-reference", "08", "{dkim-target:contoso.example/selector1}" => "{dkim-traget:contoso.example/selector1}");
    check!("unknown-short-reference", "06", "{policy}" => "{polcy}");
    check!("without-matches-nothing", "09", "\"@ TXT\"" => "\"@ TX\"");
    check!("without-unknown-owner", "09", "\"@ TXT\"" => "\"www TXT\"");
    check!("duplicate-ids", "12", "id = \"by-24\"" => "id = \"by-ptr\"");
    check!("duplicate-address", "12", "\"198.51.101.77\"" => "\"198.51.100.77\"");
    check!("reserved-host-name", "12", "bulk    =" => "subject =", "via = \"bulk\"" => "via = \"subject\"", "via = \"bulk\"" => "via = \"subject\"");
    check!("axis-called-like-host", "04", "[variants]\nsigned" => "[variants]\nmallory = [\"a\", \"b\"]\nsigned");
    check!("near-reference", "06", "mode: enforce" => "mode: {polcy}");
}

#[test]
fn more_about_faults() {
    check!("fault-needs", "06", "status = 503, " => "");
    check!("fault-on-wrong-host", "06", "host = \"policy\", status" => "host = \"mx1\", status");
    check!("fault-at-no-engine", "02", "kind = \"refused\"" => "kind = \"disk-full\"");
    check!("fault-lacks-two", "06", "kind = \"http-status\", host = \"policy\", status = 503" => "kind = \"smtp-reply\", host = \"mx1\"");
    check!("fault-without-scope", "02", "kind = \"refused\", host = \"mx1\"" => "kind = \"servfail\"");
}

#[test]
fn rules() {
    check!("no-expectation", "13", "\n[[expect]]\nwithin    = \"+30m\"\ndelivered = { to = \"bo@fabrikam.example\", copies = \"1..2\" }\n[[never]]\nbounced = { to = \"bo@fabrikam.example\" }\n" => "");
    check!("unused-host", "13", "[[at]]\nrestart" => "[host.spare]\nsmtp = {}\n[[at]]\nrestart");
    check!("unused-zone", "13", "[[at]]\nrestart" => "[zone.\"adatum.example\"]\n[[at]]\nrestart");
    check!("unused-zone-with-a-host", "13", "[[at]]\nrestart" => "[zone.\"adatum.example\"]\nrecords = 'a A {spare}'\n[host.spare]\n[[at]]\nrestart");
    check!("unused-certificate", "13", "[[at]]\nrestart" => "[cert.spare]\n[[at]]\nrestart");
    check!("empty-window", "02", "within    = \"+7h\"" => "within    = \"+5h\"");
    check!("out-of-order", "08", "time = \"+10m\"\n" => "time = \"+3h\"\n");
    check!("too-late", "13", "\"+30m\"" => "\"+41d\"");
    check!("short-axis", "13", "[\"kill\", \"power-loss\"]" => "[\"kill\"]");
    check!("axis-is-one-value", "13", "[\"kill\", \"power-loss\"]" => "\"kill\"");
    check!("axis-value-without-name", "13", "[\"kill\", \"power-loss\"]" => "[[\"kill\"], \"a/b\", \"kill\", \"kill\"]");
    check!("axis-inside-text", "10", "from = \"ann@contoso.example\"" => "from = \"ann@{sealer}\"");
    check!("relay-without-role", "10", "relay = {}\n" => "");
    check!("who-sends", "09", "[[at]]\nsend" => "[host.second]\nclient = {}\n[[at]]\nsend");
    let axes: String = (0..7).map(|axis| format!("axis{axis} = [\"a\", \"b\"]\n")).collect();
    let many = edited("13", &[("how = [\"kill\", \"power-loss\"]\n", &axes), ("{how}", "kill")]);
    insta::assert_snapshot!("too-many-cells", rendered(&many, &worlds()));
    insta::assert_snapshot!("too-much-text", rendered(&"#".repeat((1 << 20) + 1), &worlds()));
    let entries = "[[at]]\nlookup = { name = \"a.example\", type = \"A\" }\n".repeat(200);
    insta::assert_snapshot!(
        "too-many-entries",
        rendered(&edited("13", &[("[[at]]\nrestart", &format!("{entries}[[at]]\nrestart"))]), &worlds())
    );
}

#[test]
fn entries_may_be_a_list() {
    let list = "title = \"A list of entries\"\nworld = \"outbound\"\nat = [\n  { send = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] } },\n  { time = \"+1h\", haal = \"x\" },\n  { time = \"+2h\" },\n]\nexpect = [{ delivered = {} }]\n";
    insta::assert_snapshot!("entries-as-list", rendered(list, &worlds()));
}

#[test]
fn world_with_a_script() {
    let mut source = worlds().world("outbound").expect("it is there");
    source.text.push_str("\n[[at]]\nheal = \"x\"\n");
    let broken = Worlds(vec![("outbound".to_owned(), source)]);
    insta::assert_snapshot!("world-with-a-script", rendered(&edited("13", &[]), &broken));
}

#[test]
fn all_mistakes_at_once_in_the_order_of_the_file() {
    let text = edited(
        "06",
        &[
            ("title  = ", "titel  = \"\"\ntitle  = "),
            ("_mta-sts  TXT  ", "_mta-sts  TXX  "),
            ("to = [\"bo@fabrikam.example\"] }\n[[at]]\ntime  = \"+1d\"", "to = [] }\n[[at]]\ntime  = \"1d\""),
            ("host = \"policy\"", "host = \"polcy\""),
            ("security = \"mta-sts\"", "security = \"sts\""),
            ("code = \"4.4.8\"", "code = 4.4"),
            ("message = \"after\", code = \"5.4.8\"", "mesage = \"after\""),
        ],
    );
    insta::assert_snapshot!("all-at-once", rendered(&text, &worlds()));
}

#[test]
fn times_that_do_not_fit() {
    check_text!(
        "beyond-end",
        "until = \"+2h\"\n[[at]]\nfault = { kind = \"refused\", host = \"mx1\", until = \"+3h\" }\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n\
         [[at]]\ntime = \"+2h\"\nlookup = { name = \"fabrikam.example\", type = \"MX\" }\n[[at]]\ntime = 2026-03-02T10:00:01Z\nlookup = { name = \"fabrikam.example\", type = \"MX\" }\n\
         [[expect]]\nwithin = \"+2h\"\ndelivered = {}\n[[expect]]\nwithin = \"+2h1s\"\ndelivered = {}\n[[never]]\nafter = \"+3h\"\nbounced = {}\n"
    );
    check_text!(
        "beyond-end-in-one-cell",
        format!(
            "until = \"{{end}}\"\n{ONE_MESSAGE}[variants.end]\nshort = \"+1h\"\nlong = \"+1d\"\n\
             [[expect]]\nwhen = {{ end = \"long\" }}\nwithin = \"+5h\"\ndelivered = {{}}\n[[expect]]\nwhen = {{ end = \"short\" }}\nwithin = \"+1h1m\"\ndelivered = {{}}\n"
        )
    );
    check_text!(
        "fault-over-before-it-acts",
        format!(
            "[[at]]\nfault = {{ kind = \"refused\", host = \"mx1\", until = \"+0s\" }}\n{ONE_MESSAGE}\
             [[at]]\ntime = \"+2h\"\nfault = {{ kind = \"refused\", host = \"mx1\", until = \"+1h\" }}\n{DELIVERED}"
        )
    );
    check_text!(
        "heals-nothing",
        format!(
            "[[at]]\nheal = \"outage\"\n[[at]]\nfault = {{ kind = \"refused\", host = \"mx1\", name = \"outage\" }}\n{ONE_MESSAGE}\
             [[at]]\ntime = \"+1h\"\nheal = \"later\"\n[[at]]\ntime = \"+2h\"\nfault = {{ kind = \"refused\", host = \"mx1\", name = \"later\" }}\n\
             [[at]]\ntime = \"+3h\"\nheal = \"later\"\n{DELIVERED}"
        )
    );
    check_text!(
        "validity",
        format!(
            "[cert.mx1]\nfrom = \"+2h\"\nuntil = \"+1h\"\n[cert.contoso-in]\nuntil = \"-31d\"\n[ca.own]\nfrom = \"+400d\"\n\
             [zone.\"fabrikam.example\"]\nsigned-until = \"-1d\"\n{ONE_MESSAGE}\
             [[at]]\ntime = \"+1h\"\npublish = {{ zone = \"fabrikam.example\", signed-from = \"+2h\", signed-until = \"+1h\" }}\n{DELIVERED}"
        )
    );
    for (snapshot, epoch) in [("epoch-too-early", "1970-12-31T23:59:59Z"), ("epoch-too-late", "2101-01-01T00:00:00Z")] {
        let text = edited("07", &[("2026-03-02T08:00:00Z", epoch)]);
        insta::assert_snapshot!(snapshot, rendered(&text, &worlds()));
    }
    for epoch in ["1971-01-01T00:00:00Z", "2100-12-31T23:59:59Z"] {
        let text = format!("title = \"At the edge\"\nepoch = {epoch}\nworld = \"outbound\"\n{ONE_MESSAGE}{DELIVERED}");
        let shown = rendered(&text, &worlds());
        assert!(shown.starts_with("read, 1 cells"), "{shown}");
    }
}

#[test]
fn values_that_cannot_be() {
    check_text!(
        "addresses-of-nobody",
        format!(
            "[sender]\nip = \"198.19.255.53\"\n[host]\nmx1.ip = \"127.0.0.1\"\ncontoso-in.ip = \"0.0.0.0\"\na = {{ ip = \"224.0.0.1\", client = {{}} }}\n\
             b = {{ ip = \"255.255.255.255\", client = {{}} }}\nc = {{ ip = \"198.18.0.1\", client = {{}} }}\n{ONE_MESSAGE}{DELIVERED}"
        )
    );
    check_text!(
        "intervals-of-zero",
        format!(
            "[sender]\nretry = [\"15m\", \"0s\"]\n[resolver]\ntimeout = \"0s\"\n[[at]]\nconfigure.sender.retry = []\n{ONE_MESSAGE}{DELIVERED}"
        )
    );
    check_text!(
        "server-named-twice",
        format!("[zone.\"fabrikam.example\"]\nservers = [\"ns\", \"ns\"]\n[host.ns.dns]\n{ONE_MESSAGE}{DELIVERED}")
    );
    check_text!(
        "lines-that-are-none",
        format!(
            "[host.mx1.smtp]\nbanner = \"mx1\\r\\n250 hi\"\nextensions = ['8BITMIME', 'SIZE 10', '-X', '', 'AUTH  PLAIN', 'X=Y', 'X ü', \"DSN\\r\\nX\", 'DSN ']\n\
             [[at]]\n[at.send]\nfrom = \"ann@contoso.example\"\nto = [\"bo@fabrikam.example\"]\nsubject = '''\nOne\nBcc: x@y.example'''\n{DELIVERED}"
        )
    );
    check_text!(
        "too-many-messages",
        "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], count = 10001 }\n[[expect]]\ndelivered = { to = \"bo@fabrikam.example\" }\n"
    );
    check_text!(
        "unknown-reasons",
        format!(
            "{ONE_MESSAGE}[[expect]]\nresolved = {{ status = \"bogus\", reason = \"rrsig-expird\" }}\n\
             [[expect]]\nresolved = {{ reason = \"bad luck\" }}\n[[never]]\nresolved = {{ reason = \"alias-loop\" }}\n\
             [[expect]]\nverdict = {{ reason = \"1\" }}\n[[expect]]\nverdict = {{ reason = \"6xx\" }}\n[[expect]]\nverdict = {{ reason = \"000\" }}\n"
        )
    );
    check_text!(
        "names-of-nothing",
        format!(
            "{ONE_MESSAGE}[[at]]\nlookup = {{ name = \"www.adatum.example\", type = \"A\" }}\n[[expect]]\nresolved = {{ name = \"_25._tcp.mx1.fabricam.example\" }}\n\
             [[never]]\nresolved = {{ name = \"elsewhere.test\" }}\n[[expect]]\nresolved = {{ name = \"Example\", type = \"DNSKEY\" }}\n[[expect]]\nresolved = {{ name = \".\" }}\n\
             [[expect]]\nresolved = {{ name = \"www.adatum.example\" }}\n[[expect]]\nresolved = {{ name = \"10.2.0.192.in-addr.arpa\" }}\n[[expect]]\nresolved = {{ name = \"other.mx1.fabrikam.example\" }}\n"
        )
    );
}

#[test]
fn faults_at_the_wrong_place() {
    let at = |faults: &[&str]| {
        let entries: String = faults.iter().map(|fault| format!("[[at]]\nfault = {{ {fault} }}\n")).collect();
        format!("[host.web.https]\n[host.list.relay]\n{entries}{ONE_MESSAGE}{DELIVERED}")
    };
    check_text!(
        "scripted-servers-only",
        at(&[
            "kind = \"refused\", host = \"sender\"",
            "kind = \"tls-alert\", host = \"web\"",
            "kind = \"starttls-missing\", host = \"list\"",
            "kind = \"starttls-stripped\", host = \"web\"",
            "kind = \"refused\", host = \"web\"",
            "kind = \"unreachable\", host = \"web\"",
            "kind = \"unreachable\", host = \"sender\"",
        ])
    );
    check_text!(
        "stages-without-smtp",
        at(&[
            "kind = \"smtp-reply\", host = \"mx1\", stage = \"connect\", reply = \"554 no\"",
            "kind = \"smtp-closed\", host = \"mx1\", stage = \"connect\"",
            "kind = \"smtp-stalled\", host = \"mx1\", stage = \"connect\"",
            "kind = \"smtp-reply\", host = \"mx1\", stage = \"handshake\", reply = \"454 no\"",
            "kind = \"smtp-closed\", host = \"mx1\", stage = \"handshake\"",
            "kind = \"smtp-stalled\", host = \"mx1\", stage = \"handshake\"",
            "kind = \"smtp-stalled\", host = \"mx1\", stage = \"banner\"",
        ])
    );
    check_text!(
        "refusals-that-are-none",
        at(&[
            "kind = \"smtp-reply\", host = \"mx1\", stage = \"dot\", reply = \"250 OK\"",
            "kind = \"smtp-reply\", host = \"mx1\", stage = \"mail\", reply = \"354 go ahead\"",
            "kind = \"smtp-reply\", host = \"mx1\", stage = \"rcpt\", reply = \"252 perhaps\"",
            "kind = \"smtp-reply\", host = \"mx1\", stage = \"rcpt\", reply = \"450 later\"",
            "kind = \"smtp-reply\", host = \"mx1\", stage = \"data\", reply = \"250 OK\"",
        ])
    );
    check_text!(
        "shifts-of-nothing",
        at(&[
            "kind = \"clock-shift\", host = \"sender\", shift = \"+0s\"",
            "kind = \"clock-shift\", host = \"sender\", shift = 2026-03-02T11:15:00Z",
            "kind = \"clock-shift\", host = \"mx1\", shift = \"-2d\"",
        ])
    );
    let receiver = "title = \"A fault at the inbound engine\"\nworld = \"end-to-end\"\n[[at]]\nfault = { kind = \"smtp-reply\", host = \"receiver\", stage = \"rcpt\", reply = \"450 later\" }\n\
        [[at]]\nfault = { kind = \"starttls-stripped\", host = \"receiver\" }\n";
    insta::assert_snapshot!(
        "scripted-servers-only-at-receiver",
        rendered(&format!("{receiver}{ONE_MESSAGE}{DELIVERED}"), &worlds())
    );
}

#[test]
fn costs_and_sizes() {
    check_text!(
        "cost-of-nothing",
        format!(
            "[resolver]\nedns-size = 4096\n{ONE_MESSAGE}[[expect]]\ncost = {{}}\n[[expect]]\ncost = {{ hashes = \"..100\" }}\n[[expect]]\nresolved = {{ server = \"mx1\" }}\n"
        )
    );
}

#[test]
fn changes_of_nothing() {
    check_text!(
        "nothing-to-configure",
        format!("[host.web.https]\n[[at]]\nconfigure.host.web.smtp.tls = \"none\"\n{ONE_MESSAGE}{DELIVERED}")
    );
    check_text!(
        "publish-changes-nothing",
        format!("[[at]]\npublish = {{ zone = \"fabrikam.example\" }}\n{ONE_MESSAGE}{DELIVERED}")
    );
    check_text!(
        "removes-nothing",
        format!(
            "[key.k]\ndomain = \"fabrikam.example\"\n[[at]]\npublish = {{ zone = \"fabrikam.example\", remove = [\"mx1 A\", \"mx2 A\", \"_25._tcp.mx1 TXT\", \"s1._domainkey\"] }}\n{ONE_MESSAGE}\
             [[at]]\ntime = \"+1h\"\npublish = {{ zone = \"fabrikam.example\", add = 'mx2 A 192.0.2.77' }}\n\
             [[at]]\ntime = \"+2h\"\npublish = {{ zone = \"Fabrikam.example\", remove = [\"mx2\"] }}\n{DELIVERED}"
        )
    );
}

#[test]
fn one_mistake_does_not_hide_others() {
    let rest = "covers = [\"retry.restrat\"]\n[zone.\"fabrikam.example\"]\nrecords = 'mx1 TXX \"a\"'\n[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"], via = \"mx9\" }\n[[expect]]\ndelivered = { to = \"bob@fabrikam.example\" }\n";
    for (snapshot, title) in [("no-title-and-more", ""), ("wrong-title-and-more", "title = 7\n")] {
        let text = format!("{title}world = \"outbound\"\n{rest}");
        insta::assert_snapshot!(snapshot, rendered(&text, &worlds()));
    }
    check!("unknown-world-and-more", "13", "\"outbound\"" => "\"outbond\"", "down = \"10m\"" => "down = \"10min\"", "when =" => "wen =", "{how}" => "{hwo}");
    let mut source = worlds().world("outbound").expect("it is there");
    source.text.push_str("[host\n");
    let broken = Worlds(vec![("outbound".to_owned(), source)]);
    let text = edited("13", &[("down = \"10m\"", "down = \"10min\""), ("host = \"sender\"", "host = \"sendr\"")]);
    insta::assert_snapshot!("broken-world-and-more", rendered(&text, &broken));
    check!("declarations-are-no-table", "13", "world  = \"outbound\"" => "host = 7\nworld  = \"outbound\"");
}
