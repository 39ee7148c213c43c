//! Questions ask for declared fields, and the table says who records them.

use std::collections::BTreeSet;
use std::path::Path;

use mxlab_language::references::{Reference, Resolve};
use mxlab_language::{Scenario, WorldDirectory};

use super::evidence::{EVIDENCE, page};
use super::*;

/// One expectation of each verb that can be asked, with all its fields.
const ALL: &str = r#"
title = "every question"
world = "outbound"
[receiver]
[host.ns1]
dns = {}
[zone."fabrikam.example"]
servers = ["ns1"]
[tenant.fabrikam]
domains = ["fabrikam.example"]
[[at]]
send = { id = "one", from = "ann@contoso.example", to = ["bo@fabrikam.example"] }
[[expect]]
delivered = { to = "bo@fabrikam.example", message = "one", host = "mx1", security = "dane", folder = "inbox", attempts = 1, copies = 1 }
[[expect]]
deferred = { to = "bo@fabrikam.example", message = "one", code = "4.7.323", text = "x", attempts = 1, by = "mx1", stage = "rcpt" }
[[expect]]
bounced = { to = "bo@fabrikam.example", message = "one", code = "5.7.323", text = "x", attempts = 1, by = "mx1", stage = "rcpt" }
[[expect]]
rejected = { to = "bo@fabrikam.example", message = "one", code = "5.7.323", text = "x", by = "mx1", stage = "rcpt" }
[[expect]]
notified = { to = "bo@fabrikam.example", message = "one", action = "delayed" }
[[expect]]
attempted = { to = "bo@fabrikam.example", message = "one", times = ["+0s"], hosts = ["mx1"] }
[[expect]]
verdict = { to = "bo@fabrikam.example", message = "one", spf = "pass", dkim = "pass", dmarc = "pass", action = "none", compauth = "pass", reason = "100" }
[[expect]]
stamped = { to = "bo@fabrikam.example", message = "one", header = "Subject", value = "x" }
[[expect]]
signed = { message = "one", domain = "contoso.example", selector = "s1" }
[[expect]]
reported = { domain = "contoso.example", kind = "dmarc", to = "mailto:a@contoso.example", day = 2026-03-02, successful = 1, failed = 1 }
[[expect]]
resolved = { name = "fabrikam.example", type = "MX", status = "secure", reason = "servfail", server = "ns1" }
[[expect]]
in-clear = { to = "bo@fabrikam.example", message = "one", seen-by = "mx1" }
[[expect]]
cost = { dns-queries = 1, signature-checks = 1, hashes = 1 }
"#;

struct Nothing;

impl Resolve for Nothing {
    fn resolve(&self, _: Reference<'_>, _: bool) -> Option<String> {
        None
    }
}

fn scenario() -> Scenario {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let worlds = WorldDirectory { directory: root.join("scenarios/worlds"), shown: "scenarios/worlds".to_owned() };
    let read = mxlab_language::read("all.toml", ALL, &worlds, &crate::registry::ids());
    read.unwrap_or_else(|wrong| panic!("{}", wrong.render(false))).cells.remove(0).scenario
}

/// A verb, one of its fields, and the kinds and fields of events that it is compared with.
type Question = (&'static str, &'static str, Vec<(&'static str, &'static str)>);

/// What each verb asks the record for.
fn asked_for(scenario: &Scenario) -> Vec<Question> {
    let sent = Sent::default();
    let asked = Asked { scenario, entries: &[], sent: &sent, references: &Nothing };
    let mut all = Vec::new();
    for expectation in &scenario.expects {
        let verb = expectation.verb.verb();
        match (&expectation.verb, question(&asked, &expectation.verb)) {
            (_, Some(question)) => {
                all.extend(question.conditions.into_iter().map(|it| (verb, it.field, it.reads)));
            }
            (Verb::Attempted(_), None) => all.extend([
                (verb, "to", vec![("attempt", "to")]),
                (verb, "message", vec![("attempt", "message"), ("tried", "message")]),
                (verb, "times", vec![]),
                (verb, "hosts", vec![("tried", "host"), ("tried", "domain")]),
            ]),
            (Verb::Cost(table), None) => {
                all.extend(
                    cost::costs(table.get()).map(|(field, in_record, _)| (verb, field, vec![("resolved", in_record)])),
                );
            }
            (other, None) => panic!("{} cannot be asked", other.verb()),
        }
    }
    all
}

#[test]
fn questions_ask_for_declared_fields() {
    let kinds = crate::kinds();
    let declared = |kind: &str, field: &str| kinds.iter().any(|known| known.name == kind && known.has(field));
    for (verb, field, reads) in asked_for(&scenario()) {
        for (kind, in_record) in reads {
            assert!(
                declared(kind, in_record),
                "`{verb}.{field}` asks for `{in_record}` of `{kind}`, which nobody declares"
            );
        }
    }
}

#[test]
fn the_table_says_where_the_evidence_of_each_question_comes_from() {
    let asked: BTreeSet<(&str, &str)> =
        asked_for(&scenario()).into_iter().map(|(verb, field, _)| (verb, field)).collect();
    let told = EVIDENCE.iter().flat_map(|row| row.fields.iter().map(|field| (row.verb, *field))).collect();
    assert_eq!(asked, told);
    let kinds = crate::kinds();
    assert!(EVIDENCE.iter().all(|row| kinds.iter().any(|kind| kind.name == row.kind)));
}

#[test]
fn the_docs_hold_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().join("docs/EVIDENCE.md");
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, page, "docs/EVIDENCE.md is out of date; UPDATE_DOCS=1 writes it");
}
