//! Replays from end to end: files made here from our own zones, and the suites of other projects if they are at hand.

#![allow(unreachable_pub, reason = "`net` is a module of another test program too")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use mxlab_conformance::Outcome;
use mxlab_conformance::rpl::{Mode, Script, Setup, suite};
use mxlab_dns::wire::Edns;
use mxlab_dns::*;
use proptest::prelude::*;

#[path = "../../dns/tests/it/net.rs"]
#[allow(dead_code, reason = "the tests of `dns` use all of it")]
mod net;

use net::*;

/// The folder of the suites: from the environment, or beside the repository.
fn suites() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites");
    std::env::var_os("MXLAB_SUITES").map_or_else(beside, PathBuf::from)
}

#[test]
fn the_suite_of_others_passes() {
    let files = match suite::files(&suites()) {
        Ok(files) => files,
        Err(error) => {
            eprintln!("skipped: no replays in {} ({error})", suites().display());
            return;
        }
    };
    let cases: Vec<_> = files.iter().map(|file| suite::run(file)).collect();
    let failed: Vec<String> = cases
        .iter()
        .filter(|case| matches!(case.outcome, Outcome::Failed { .. }))
        .map(|case| format!("{}: {}", case.name, case.outcome.why()))
        .collect();
    assert!(failed.is_empty(), "{} of {} failed:\n{}", failed.len(), cases.len(), failed.join("\n"));
    for case in cases.iter().filter(|case| matches!(case.outcome, Outcome::Skipped { .. })) {
        eprintln!("skipped: {}: {}", case.name, case.outcome.why());
    }
}

/// The sections of a message as an entry has them.
fn sections(message: &Message) -> String {
    let question = message.question.as_ref().unwrap();
    let mut text = format!("SECTION QUESTION\n{}. IN {}\n", question.name, question.rtype).replace("\n..", "\n.");
    for (section, records) in
        [("ANSWER", &message.answer), ("AUTHORITY", &message.authority), ("ADDITIONAL", &message.additional)]
    {
        let _ = writeln!(text, "SECTION {section}");
        for record in records {
            let _ = writeln!(text, "{record}");
        }
    }
    text
}

fn entry(head: &str, message: &Message) -> String {
    format!("ENTRY_BEGIN\n{head}\n{}ENTRY_END\n", sections(message))
}

/// Whose queries a replay answers, and how its configuration names the servers.
type Asking = (Net, &'static str);

fn iterating() -> Asking {
    (Net::iterating(specs()), "stub-zone:\n name: \".\"\n stub-addr: 192.0.2.1\n")
}

fn forwarding() -> Asking {
    (Net::new(), " stub-addr: 192.0.2.99\n")
}

/// A replay of a lookup: the answers to all that is asked for it, changed by `tamper`, and what the client is to get.
fn replay((net, upstream): Asking, owner: &str, tamper: impl Fn(&mut Message), expected: &str) -> String {
    let kind = "A";
    net.lookup(owner, kind);
    let anchor = rdata::to_text(RecordType::DS, &rdata::Rdata::to_rdata(&net.anchor().ds[0]));
    let mut text =
        format!("server:\n trust-anchor: \". IN DS {anchor}\"\n val-override-timestamp: {EPOCH}\n{upstream}");
    let _ = writeln!(text, "CONFIG_END\nSCENARIO_BEGIN {owner} {kind}");
    let recursor = RECURSOR.trim_end_matches(":53");
    let queries = net.queries();
    let forwards = queries.iter().any(|asked| asked.starts_with(recursor));
    for asked in queries.iter().filter(|asked| asked.starts_with(recursor) == forwards) {
        let [server, rtype, owner] = asked.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let query = query(owner, rtype);
        let octets = if forwards {
            block_on(net.recursor.answer(&query, Transport::Udp)).unwrap()
        } else {
            match net.authority(server).answer(&query, Transport::Udp, at(0)) {
                Reply::Bytes(octets) | Reply::Later(_, octets) => octets,
                Reply::Nothing | Reply::Close => panic!("{asked} is not answered"),
            }
        };
        let mut message = Message::decode(&octets).unwrap();
        tamper(&mut message);
        let aa = if message.flags.authoritative { " AA" } else { "" };
        let head = format!("MATCH opcode qname qtype DO\nADJUST copy_id\nREPLY QR{aa} {}", message.rcode);
        let _ = write!(text, "RANGE_BEGIN 0 100\nADDRESS {server}\n{}RANGE_END\n", entry(&head, &message));
    }
    let asked = Message::query(0, name(owner), rtype(kind), Some(Edns::new(1_232, true)));
    let _ = write!(text, "STEP 1 QUERY\n{}", entry("REPLY RD DO", &asked));
    let _ = write!(text, "STEP 10 CHECK_ANSWER\nENTRY_BEGIN\n{expected}\nENTRY_END\nSCENARIO_END\n");
    text
}

#[track_caller]
fn passes(text: &str) {
    assert_eq!(suite::judge(text), Outcome::Passed, "{text}");
}

/// The file fails, and the reason holds this.
#[track_caller]
fn fails(text: &str, expected: &str) {
    match suite::judge(text) {
        Outcome::Failed { why } => assert!(why.contains(expected), "{why}"),
        other => panic!("{other:?}\n{text}"),
    }
}

#[test]
fn a_resolver_is_held_to_a_file() {
    let owner = "mx1.contoso.example";
    let question = format!("SECTION QUESTION\n{owner}. IN A\nSECTION ANSWER\n");
    let secure = format!("MATCH rcode flags question answer\nREPLY QR RD RA AD NOERROR\n{question}");
    let signed = |text: &str| {
        let script = text.lines().filter(|line| line.starts_with(owner) && !line.contains(" IN ")).collect::<Vec<_>>();
        script.join("\n")
    };
    let unchanged = |_: &mut Message| ();
    let records = signed(&replay(iterating(), owner, unchanged, ""));
    assert!(records.contains("RRSIG"), "{records}");
    let whole = replay(iterating(), owner, unchanged, &format!("{secure}{records}"));
    assert_eq!(Setup::of(&Script::parse(&whole).unwrap()).unwrap().mode, Mode::Iterate);
    passes(&whole);
    // An expectation that is not met is reported.
    let other = replay(iterating(), owner, unchanged, &format!("MATCH answer\n{question}{owner}. 300 A 192.0.2.99"));
    fails(&other, "missing: mx1.contoso.example. 300 A 192.0.2.99");
    // Without its signature the answer is bogus, with the error that says so.
    let unsigned = |message: &mut Message| {
        let asked = message.question.as_ref().is_some_and(|question| question.name == name(owner));
        message.answer.retain(|record| !asked || record.rtype != RecordType::RRSIG);
    };
    let bogus = format!("MATCH all ede=10\nREPLY QR RD RA DO SERVFAIL\n{question}");
    passes(&replay(iterating(), owner, unsigned, &bogus));
    let error = format!("MATCH ede=6\nREPLY QR RD RA DO SERVFAIL\n{question}");
    fails(&replay(iterating(), owner, unsigned, &error), "extended error: expected 6, found 10");
}

#[test]
fn a_transport_is_held_to_a_file() {
    let owner = "mx1.contoso.example";
    let expected = format!("MATCH rcode flags\nREPLY QR AA AD NOERROR\nSECTION QUESTION\n{owner}. IN A");
    let text = replay(forwarding(), owner, |message| message.flags.authoritative = true, &expected);
    assert_eq!(Setup::of(&Script::parse(&text).unwrap()).unwrap().mode, Mode::Transport);
    passes(&text);
}

proptest! {
    #[test]
    fn any_file_is_read_or_refused(
        lines in prop::collection::vec(prop::sample::select(vec![
            "server: stub-addr: 192.0.2.1", "CONFIG_END", "SCENARIO_BEGIN t", "RANGE_BEGIN 0 9", "ADDRESS 192.0.2.1",
            "ENTRY_BEGIN", "MATCH all ede=any", "ADJUST copy_id sleep=1", "REPLY QR DO", "SECTION ANSWER", "z. A 192.0.2.1",
            "HEX_ANSWER_BEGIN", "00", "HEX_ANSWER_END", "EXTRA_PACKET", "ENTRY_END", "RANGE_END", "STEP 1 QUERY",
            "STEP 2 CHECK_ANSWER", "STEP 3 TIME_PASSES EVAL ${1 + ${time}", "STEP 4 ASSIGN x = ${$x * 2}", "STEP 5 REPLY",
            "STEP 6 TIMEOUT", "SCENARIO_END",
        ]), 0..60),
        noise in any::<String>(),
        at in any::<prop::sample::Index>(),
    ) {
        let text = lines.join("\n");
        let _ = suite::judge(&text);
        let (before, after) = text.split_at(if text.is_empty() { 0 } else { at.index(text.len()) });
        let _ = suite::judge(&format!("CONFIG_END\nSCENARIO_BEGIN t\n{before}{noise}{after}"));
    }
}
