use super::*;
use crate::testing::{Zone, now};

mod bounds;
mod hostile;
mod includes;
mod mechanisms;
mod targets;

/// A client with a MAIL FROM; `helo NAME` stands for the null reverse-path.
fn client(ip: &str, from: &str) -> Client {
    let (identity, helo) = match from.strip_prefix("helo ") {
        Some(name) => (Identity::of(&ReversePath::Null, name), name),
        None => (Identity::MailFrom(from.parse().expect("a sender")), "host.helo.example"),
    };
    Client {
        ip: ip.parse().expect("an address"),
        identity,
        helo: helo.to_owned(),
        receiver: "mx.adatum.example".to_owned(),
        now: "2026-03-02T08:00:00Z".parse().expect("a timestamp"),
    }
}

fn evaluate(zone: &str, ip: &str, from: &str) -> Evaluation {
    now(check_host(&Zone::new(zone), &client(ip, from)))
}

/// The result and the last reason.
#[track_caller]
fn check(zone: &str, ip: &str, from: &str, expected: (&str, &str)) {
    let evaluation = evaluate(zone, ip, from);
    let because = evaluation.because();
    let seen = (evaluation.result.word(), because.last().map(String::as_str).unwrap_or_default());
    assert_eq!(seen, expected, "{ip} {from}\n{}", evaluation.trace().join("\n"));
}

#[test]
fn the_evidence_is_complete() {
    let zone = "
        contoso.example TXT v=spf1 a:%{l}.contoso.example include:_spf.fabrikam.example mx redirect=unused.example
        contoso.example MX 10 mx1.example
        contoso.example MX 20 mx2.example
        ann.contoso.example A 192.0.2.1
        _spf.fabrikam.example TXT v=spf1 exists:%{ir}.fabrikam.example ?ip4:192.0.2.0/24 -all
        mx1.example A 192.0.2.5
        mx2.example A 192.0.2.10
    ";
    let evaluation = evaluate(zone, "192.0.2.10", "ann@contoso.example");
    assert_eq!(evaluation.result, SpfResult::Pass);
    let record = "v=spf1 a:%{l}.contoso.example include:_spf.fabrikam.example mx redirect=unused.example";
    assert_eq!(evaluation.record.as_deref(), Some(record));
    assert_eq!(evaluation.matched.as_deref(), Some("mx"));
    assert_eq!(evaluation.problem, None);
    let lookups: Vec<String> = evaluation.lookups().map(ToString::to_string).collect();
    assert_eq!(
        lookups,
        [
            &format!("contoso.example TXT: \"{record}\""),
            "ann.contoso.example A: 192.0.2.1",
            "_spf.fabrikam.example TXT: \"v=spf1 exists:%{ir}.fabrikam.example ?ip4:192.0.2.0/24 -all\"",
            "10.2.0.192.fabrikam.example A: the name does not exist",
            "contoso.example MX: 10 mx1.example, 20 mx2.example",
            "mx1.example A: 192.0.2.5",
            "mx2.example A: 192.0.2.10",
        ]
    );
    assert_eq!(evaluation.because(), [&format!("contoso.example publishes \"{record}\""), "mx matches 192.0.2.10"]);
    assert_eq!(
        evaluation.trace(),
        [
            &format!("contoso.example: \"{record}\""),
            "a:%{l}.contoso.example -> ann.contoso.example: no match (terms 1/10, void terms 0/2 with 0 void lookups)",
            "  ann.contoso.example A: 192.0.2.1",
            "include:_spf.fabrikam.example: no match, neutral there",
            "    _spf.fabrikam.example: \"v=spf1 exists:%{ir}.fabrikam.example ?ip4:192.0.2.0/24 -all\"",
            "    exists:%{ir}.fabrikam.example -> 10.2.0.192.fabrikam.example: no match (terms 3/10, void terms 1/2 with 1 void lookups)",
            "      10.2.0.192.fabrikam.example A: the name does not exist",
            "    ?ip4:192.0.2.0/24: matches",
            "mx: matches (terms 4/10, void terms 1/2 with 1 void lookups)",
            "  contoso.example MX: 10 mx1.example, 20 mx2.example",
            "  mx1.example A: 192.0.2.5",
            "  mx2.example A: 192.0.2.10",
        ]
    );
    // The steps as data.
    let steps = evaluation.steps;
    let brief: Vec<_> =
        steps.iter().map(|it| (it.depth, &*it.domain, it.terms, it.void_terms, it.lookups.len())).collect();
    assert_eq!(
        brief,
        [
            (0, "contoso.example", 0, 0, 1),
            (0, "contoso.example", 1, 0, 1),
            (0, "contoso.example", 3, 1, 0),
            (1, "_spf.fabrikam.example", 2, 0, 1),
            (1, "_spf.fabrikam.example", 3, 1, 1),
            (1, "_spf.fabrikam.example", 3, 1, 0),
            (0, "contoso.example", 4, 1, 3),
        ]
    );
    assert_eq!(steps[2].outcome, Outcome::NotMatched { inner: Some(SpfResult::Neutral), why: None });
    assert_eq!(steps[2].target.as_deref(), Some("_spf.fabrikam.example"));
    assert_eq!(steps[6].outcome, Outcome::Matched);
}

#[test]
fn reasons_of_other_records() {
    let zone = "
        a.example TXT v=spf1 include:b.example -all
        b.example TXT v=spf1 redirect=c.example
        c.example TXT v=spf1 ip4:192.0.2.10 -all
        broken.example TXT v=spf1 include:d.example -all
        d.example TXT v=spf1 moo
        e.example TXT v=spf1 redirect=c.example
        quiet.example TXT v=spf1 redirect=f.example
        f.example TXT v=spf1 ip4:192.0.2.99
    ";
    let because = |from: &str| evaluate(zone, "192.0.2.10", from).because();
    assert_eq!(
        because("x@a.example"),
        [
            "a.example publishes \"v=spf1 include:b.example -all\"",
            "b.example publishes \"v=spf1 redirect=c.example\"",
            "c.example publishes \"v=spf1 ip4:192.0.2.10 -all\"",
            "ip4:192.0.2.10 matches 192.0.2.10",
            "include:b.example matches 192.0.2.10",
        ]
    );
    assert_eq!(
        because("x@broken.example"),
        [
            "broken.example publishes \"v=spf1 include:d.example -all\"",
            "d.example publishes \"v=spf1 moo\"",
            "the record of d.example is malformed: unknown mechanism moo",
        ]
    );
    assert_eq!(
        because("x@e.example"),
        [
            "e.example publishes \"v=spf1 redirect=c.example\"",
            "c.example publishes \"v=spf1 ip4:192.0.2.10 -all\"",
            "ip4:192.0.2.10 matches 192.0.2.10",
        ]
    );
    assert_eq!(
        because("x@quiet.example"),
        [
            "quiet.example publishes \"v=spf1 redirect=f.example\"",
            "f.example publishes \"v=spf1 ip4:192.0.2.99\"",
            "no term matches 192.0.2.10",
        ]
    );
}

#[test]
fn the_null_reverse_path_asks_for_helo() {
    let zone = "
        mail.helo.example TXT v=spf1 a -all exp=why.helo.example
        mail.helo.example A 192.0.2.10
        why.helo.example TXT %{s} %{l} %{o} %{h}
    ";
    check(zone, "192.0.2.10", "helo mail.helo.example", ("pass", "a matches 192.0.2.10"));
    check(zone, "192.0.2.11", "helo Mail.HELO.example.", ("fail", "-all matches 192.0.2.11"));
    check(zone, "192.0.2.10", "helo localhost", ("none", "localhost is not a domain name with several labels"));
    check(zone, "192.0.2.10", "helo [192.0.2.10]", ("none", "[192.0.2.10] is not a domain name with several labels"));
    let explanation = evaluate(zone, "192.0.2.11", "helo mail.helo.example").explanation;
    let expected = "postmaster@mail.helo.example postmaster mail.helo.example mail.helo.example";
    assert_eq!(explanation.as_deref(), Some(expected));
}

/// Why there is no better result, for the first record and those that it leads to.
#[test]
fn problems() {
    let zone = "
        ok.example TXT v=spf1 -all
        bad.example TXT v=spf1 moo
        to.bad.example TXT v=spf1 redirect=bad.example
        slow.example TIMEOUT
        text.example TXT hello
    ";
    for (from, problem) in [
        ("x@ok.example", None),
        ("x@text.example", None),
        ("x@localhost", Some("localhost is not a domain name with several labels")),
        ("x@[192.0.2.10]", Some("[192.0.2.10] is not a domain name with several labels")),
        ("x@bad.example", Some("the record is malformed: unknown mechanism moo")),
        ("x@to.bad.example", Some("the record of bad.example is malformed: unknown mechanism moo")),
        ("x@slow.example", Some("slow.example TXT could not be looked up: timeout")),
    ] {
        assert_eq!(evaluate(zone, "192.0.2.10", from).problem.as_deref(), problem, "{from}");
    }
}

#[test]
fn senders() {
    for (text, local_part, domain) in [
        ("ann@contoso.example", "ann", "contoso.example"),
        ("@contoso.example", "postmaster", "contoso.example"),
        ("contoso.example", "postmaster", "contoso.example"),
        ("\"a@b\"@contoso.example", "\"a@b\"", "contoso.example"),
        ("", "postmaster", ""),
    ] {
        let sender: Sender = text.parse().expect("every text is one");
        assert_eq!((sender.local_part(), sender.domain()), (local_part, domain), "{text}");
        assert_eq!(sender.to_string(), format!("{local_part}@{domain}"));
    }
}
