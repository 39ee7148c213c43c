//! What a story tells of a run, and what it leaves out. Each file is read and run from its text.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;

use mxlab_language::WorldDirectory;
use mxlab_scenario::exchange::Exchange;
use mxlab_scenario::registry;
use mxlab_scenario::run::{RunOptions, run_cell};
use mxlab_sim::Bounds;

/// The story of a file; its expectations hold.
#[track_caller]
fn story(text: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let worlds = WorldDirectory { directory: root.join("scenarios/worlds"), shown: "scenarios/worlds".to_owned() };
    let loaded = mxlab_language::read("test.toml", text, &worlds, &registry::ids())
        .unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
    let options = RunOptions {
        id: "test".into(),
        reproduce: String::new(),
        seed: 1,
        until: None,
        bounds: Bounds::default(),
        packets: 0,
    };
    let run = run_cell(&loaded.cells[0], &loaded.sources, &Exchange, &options)
        .unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
    let failures: Vec<&str> = run.result.failures.iter().map(|failure| failure.message.as_str()).collect();
    let story = run.record.story();
    assert!(failures.is_empty(), "{}\n{story}", failures.join("\n"));
    story
}

/// The times of the moments in which a line holds this text.
fn times(story: &str, text: &str) -> Vec<String> {
    let mut time = "";
    let mut found = Vec::new();
    for line in story.lines() {
        if line.starts_with('+') {
            time = line;
        } else if line.contains(text) {
            found.push(time.to_owned());
        }
    }
    found
}

fn outbound(rest: &str) -> String {
    format!(
        "title = \"test\"\nworld = \"outbound\"\n{rest}\n[[at]]\n\
         send = {{ from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }}\n"
    )
}

const BUSY: &str = "kind = \"smtp-reply\", host = \"mx1\", stage = \"rcpt\", reply = \"450 4.2.1 mailbox busy\"";

/// A server that gives the same answer for a day says so once, and the attempts are told as one passage.
#[test]
fn a_refusal_that_is_repeated_is_told_once() {
    let text = outbound(&format!("[[at]]\nfault = {{ {BUSY} }}")) + "[[expect]]\nbounced = { code = \"5.4.300\" }\n";
    let told = story(&text);
    assert_eq!(times(&told, "to RCPT for bo@fabrikam.example"), ["+0s"], "{told}");
    assert!(told.contains("attempts 7 to 25 for bo@fabrikam.example, hourly: same as before (4.2.1)"), "{told}");
}

/// A refusal is no repetition if the server has agreed to the same command in between, whatever became of the message.
#[test]
fn a_refusal_after_an_agreement_is_told_again() {
    let faults = format!(
        "[[at]]\nfault = {{ {BUSY}, until = \"+20m\" }}\n\
         [[at]]\ntime = \"+20m\"\nfault = {{ kind = \"smtp-closed\", host = \"mx1\", stage = \"data\", until = \"+1h\" }}\n\
         [[at]]\ntime = \"+1h\"\nfault = {{ {BUSY}, until = \"+3h\" }}"
    );
    // The entries of a script go in the order of time.
    let text = outbound(&faults).replace(
        "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n",
        "[[expect]]\ndelivered = { to = \"bo@fabrikam.example\", attempts = 6 }\n",
    );
    let send = "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n";
    let told = story(&text.replacen("[[at]]\n", &format!("{send}[[at]]\n"), 1));
    // Attempts at +0s, +15m, +30m, +1h30m, +2h30m and +3h30m.
    assert_eq!(times(&told, "to RCPT for bo@fabrikam.example"), ["+0s", "+1h30m"], "{told}");
}

/// A lookup whose answer did not change is told once, also if it takes a second server each time; it is told again when the
/// first server's answer is good, and when that is bogus again.
#[test]
fn a_server_whose_answers_stay_bogus_is_told_once() {
    let zone = "[host]\nns1.dns = {}\nns2.dns = {}\n[zone.\"fabrikam.example\"]\nservers = [\"ns1\", \"ns2\"]\n";
    let bad = |from: &str, until: &str| {
        format!(
            "[[at]]\ntime = \"{from}\"\nfault = {{ kind = \"rrsig-bad\", zone = \"fabrikam.example\", type = \"MX\", \
             server = \"ns1\", until = \"{until}\" }}\n"
        )
    };
    let lookup =
        |time: &str| format!("[[at]]\ntime = \"{time}\"\nlookup = {{ name = \"fabrikam.example\", type = \"MX\" }}\n");
    let text = [
        "title = \"test\"\nworld = \"outbound\"\n".to_owned(),
        zone.to_owned(),
        bad("+0s", "+25m"),
        lookup("+0s"),
        lookup("+10m"),
        lookup("+20m"),
        lookup("+30m"),
        bad("+35m", "+55m"),
        lookup("+40m"),
        lookup("+50m"),
        "[[expect]]\nresolved = { type = \"MX\", status = \"bogus\", server = \"ns1\" }\n".to_owned(),
    ];
    let told = story(&text.concat());
    assert_eq!(times(&told, "resolved MX fabrikam.example"), ["+0s", "+30m", "+40m"], "{told}");
    assert_eq!(
        times(&told, "because the answer of ns1.example about MX fabrikam.example is bogus, so ns2.example was asked"),
        ["+0s", "+40m"],
        "{told}"
    );
}
