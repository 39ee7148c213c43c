//! From messages to reports.

use super::*;
use crate::dmarc::Discovery;

const DAY: &str = "2026-03-02T12:00:00Z";
const NEXT: &str = "2026-03-03T00:00:00Z";

#[test]
fn days() {
    let period = |text: &str| {
        let period = Day::of(at(text)).period();
        (period.begin, period.end)
    };
    assert_eq!(period("2026-03-02T00:00:00Z"), (1_772_409_600, 1_772_495_999));
    assert_eq!(period("2026-03-02T23:59:59.999Z"), (1_772_409_600, 1_772_495_999));
    assert_eq!(period("2026-03-03T00:00:00Z").0, 1_772_496_000);
    assert_eq!(period("1969-12-31T12:00:00Z"), (-86_400, -1));
    assert!(!Day::of(at(DAY)).is_over(at("2026-03-02T23:59:59Z")));
    assert!(Day::of(at(DAY)).is_over(at(NEXT)));
}

#[test]
fn equal_messages_are_one_row() {
    let mut collector = Collector::new(reporter(Form::Rfc7489));
    let passing = evaluation(Rules::Rfc7489, "contoso.example", "bounces.contoso.example", 0);
    for (moment, ip) in [
        ("2026-03-02T08:00:00Z", "192.0.2.7"),
        ("2026-03-02T09:00:00Z", "192.0.2.5"),
        ("2026-03-02T23:59:59Z", "192.0.2.7"),
        ("2026-03-02T23:59:59Z", "::ffff:192.0.2.7"),
        ("2026-03-03T00:00:00Z", "192.0.2.7"),
    ] {
        assert!(collector.add(at(moment), &passing, &observation(ip)));
    }
    assert_eq!(collector.finish(at("2026-03-02T23:59:59Z")), []);
    assert_eq!(collector.next_end(), Some(at(NEXT)));
    let finished = collector.finish(at(NEXT));
    assert_eq!(collector.next_end(), Some(at("2026-03-04T00:00:00Z")));
    let rows: Vec<_> = finished[0].report.rows.iter().map(|row| (row.source_ip.to_string(), row.count)).collect();
    assert_eq!(rows, [("192.0.2.5".to_owned(), 1), ("192.0.2.7".to_owned(), 3)]);
    assert_eq!(finished.len(), 1);
    assert_eq!(finished[0].uris.len(), 1);
    // The next day has a report of its own, and finished reports are gone.
    assert_eq!(collector.finish(at(NEXT)), []);
    let next = collector.finish(at("2026-03-04T00:00:00Z"));
    assert_eq!(next[0].report.rows.len(), 1);
    assert_ne!(next[0].report.metadata.report_id, finished[0].report.metadata.report_id);
    assert_eq!(collector.next_end(), None);
}

#[test]
fn who_is_not_told() {
    let mut collector = Collector::new(reporter(Form::Rfc7489));
    for author in ["silent.example", "nothing.example"] {
        let evaluation = evaluation(Rules::Rfc7489, author, "", 0);
        assert!(!collector.add(at(DAY), &evaluation, &observation("192.0.2.1")));
    }
    assert_eq!(collector.finish(at(NEXT)), []);
}

#[test]
fn one_report_for_each_domain_and_each_state_of_its_record() {
    let mut collector = Collector::new(reporter(Form::Rfc7489));
    let mut add = |zone: &str, author: &str| {
        let zone = Zone::new(zone);
        let evaluation = now(evaluate(&zone, Settings::exchange(), author, &Facts::default()));
        assert!(collector.add(at(DAY), &evaluation, &observation("192.0.2.1")));
    };
    add(ZONE, "contoso.example");
    add(ZONE, "mail.contoso.example");
    add(ZONE, "wrong.example");
    add("_dmarc.contoso.example TXT v=DMARC1; p=none; rua=mailto:new@contoso.example", "contoso.example");
    let finished = collector.finish(at(NEXT));
    let told: Vec<_> = finished
        .iter()
        .map(|it| {
            let authors: Vec<_> = it.report.rows.iter().map(|row| row.header_from.as_str()).collect();
            format!("{} p={} {}", it.report.policy.domain, it.report.policy.policy.word(), authors.join(" "))
        })
        .collect();
    assert_eq!(
        told,
        [
            "contoso.example p=none contoso.example",
            "contoso.example p=reject contoso.example mail.contoso.example",
            "wrong.example p=none wrong.example",
        ]
    );
    let mut ids: Vec<_> = finished.iter().map(|it| it.report.metadata.report_id.clone()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    let errors = &finished[2].report.metadata.errors;
    assert_eq!(errors, &["\"adkim=x\" cannot be understood", "\"aspf=x\" cannot be understood"]);
}

/// What is reported about a message with this evaluation, this disposition and these reasons: disposition, DKIM and
/// SPF, reasons.
#[track_caller]
fn check(form: Form, evaluation: &Evaluation, done: Policy, given: &[Reason], expected: &str) {
    let mut collector = Collector::new(reporter(form));
    let observation = Observation { disposition: done, reasons: given.to_vec(), ..observation("192.0.2.1") };
    collector.add(at(DAY), evaluation, &observation);
    let finished = collector.finish(at(NEXT));
    let row = &finished[0].report.rows[0];
    let reasons: Vec<_> = row
        .reasons
        .iter()
        .map(|reason| format!(" {}({})", reason.kind.word(), reason.comment.as_deref().unwrap_or_default()))
        .collect();
    let told = format!("{} dkim={} spf={}{}", row.disposition.word(), row.dkim, row.spf, reasons.concat());
    assert_eq!(told, expected);
}

#[test]
fn dispositions() {
    use Policy::{None as Nothing, Reject};
    let older = |spf| evaluation(Rules::Rfc7489, "contoso.example", spf, 0);
    let newer = |author, spf| evaluation(Rules::Rfc9989, author, spf, 99);
    check(Form::Rfc7489, &older("contoso.example"), Nothing, &[], "none dkim=false spf=true");
    check(Form::Rfc7489, &older(""), Reject, &[], "reject dkim=false spf=false");
    check(Form::Rfc7489, &older(""), Nothing, &[], "none dkim=false spf=false local_policy()");
    // `pass` is a disposition of its own if failing would have had consequences.
    check(Form::Rfc9990, &newer("contoso.example", "contoso.example"), Nothing, &[], "pass dkim=false spf=true");
    check(Form::Rfc9990, &newer("wrong.example", "wrong.example"), Nothing, &[], "none dkim=false spf=true");
    check(Form::Rfc9990, &newer("contoso.example", ""), Reject, &[], "reject dkim=false spf=false");
}

#[test]
fn reasons() {
    use Policy::{None as Nothing, Quarantine};
    let outside = evaluation(Rules::Rfc7489, "contoso.example", "", 50);
    let left = "quarantine dkim=false spf=false";
    check(Form::Rfc7489, &outside, Quarantine, &[], &format!("{left} sampled_out(pct=50)"));
    check(Form::Rfc9990, &outside, Quarantine, &[], &format!("{left} other(sampled_out: pct=50)"));
    let testing = evaluation(Rules::Rfc9989, "testing.example", "", 0);
    check(Form::Rfc9990, &testing, Quarantine, &[], &format!("{left} policy_test_mode(t=y)"));
    check(Form::Rfc7489, &testing, Quarantine, &[], &format!("{left} other(policy_test_mode: t=y)"));
    let spf = Some(Identifier { domain: "contoso.example".to_owned(), outcome: Outcome::TempError });
    let facts = Facts { spf, ..Facts::default() };
    let open = now(evaluate(&Zone::new(ZONE), Settings::standard(Rules::Rfc9989), "contoso.example", &facts));
    check(Form::Rfc9990, &open, Nothing, &[], "none dkim=false spf=false other(temperror)");
    let inside = evaluation(Rules::Rfc7489, "contoso.example", "", 49);
    let given = |kind| [Reason { kind, comment: Some("arc=pass".to_owned()) }];
    let (trusted, forwarded) = (given(ReasonKind::TrustedForwarder), given(ReasonKind::Forwarded));
    let none = "none dkim=false spf=false";
    check(Form::Rfc7489, &inside, Nothing, &trusted, &format!("{none} trusted_forwarder(arc=pass)"));
    check(Form::Rfc9990, &inside, Nothing, &trusted, &format!("{none} trusted_forwarder(arc=pass)"));
    check(Form::Rfc7489, &inside, Nothing, &forwarded, &format!("{none} forwarded(arc=pass)"));
    check(Form::Rfc9990, &inside, Nothing, &forwarded, &format!("{none} other(forwarded: arc=pass)"));
}

#[test]
fn what_the_record_said() {
    let policy = |form, rules, author: &str| {
        let mut collector = Collector::new(reporter(form));
        collector.add(at(DAY), &evaluation(rules, author, "", 0), &observation("192.0.2.1"));
        collector.finish(at(NEXT)).remove(0).report.policy
    };
    let older = policy(Form::Rfc7489, Rules::Rfc7489, "a.contoso.example");
    assert_eq!(
        older,
        PolicyPublished {
            domain: "contoso.example".to_owned(),
            discovery_method: None,
            adkim: Some(Mode::Relaxed),
            aspf: Some(Mode::Relaxed),
            policy: Policy::Reject,
            subdomain: Some(Policy::Quarantine),
            nonexistent: None,
            percent: Some(50),
            testing: None,
            failure_options: Some("1:d".to_owned()),
        }
    );
    let newer = policy(Form::Rfc9990, Rules::Rfc9989, "testing.example");
    assert_eq!(
        newer,
        PolicyPublished {
            domain: "testing.example".to_owned(),
            discovery_method: Some(DiscoveryMethod::TreeWalk),
            adkim: Some(Mode::Strict),
            aspf: Some(Mode::Relaxed),
            policy: Policy::Reject,
            subdomain: Some(Policy::Reject),
            nonexistent: None,
            percent: None,
            testing: Some(true),
            failure_options: Some("0".to_owned()),
        }
    );
}

#[test]
fn signatures_by_importance() {
    let dkim = |domain: &str, result| DkimAuth {
        domain: domain.to_owned(),
        selector: Some("s1".to_owned()),
        result,
        human_result: None,
    };
    let passes = ["other.example", "Mail.contoso.example", "contoso.example"];
    let facts = Facts {
        dkim: passes.iter().map(|it| Identifier { domain: it.to_string(), outcome: Outcome::Pass }).collect(),
        ..Facts::default()
    };
    let evaluation = now(evaluate(&Zone::new(ZONE), Settings::exchange(), "contoso.example", &facts));
    let mut signatures = vec![dkim("contoso.example", DkimWord::Fail)];
    signatures.extend(passes.iter().map(|it| dkim(it, DkimWord::Pass)));
    signatures.extend(vec![dkim("x.example", DkimWord::PermError); MAX]);
    let observation = Observation { dkim: signatures, ..observation("192.0.2.1") };
    let mut collector = Collector::new(reporter(Form::Rfc9990));
    collector.add(at(DAY), &evaluation, &observation);
    let row = collector.finish(at(NEXT)).remove(0).report.rows.remove(0);
    let first: Vec<_> = row.dkim_results.iter().take(4).map(|it| (it.domain.as_str(), it.result)).collect();
    assert_eq!(
        first,
        [
            ("contoso.example", DkimWord::Pass),
            ("mail.contoso.example", DkimWord::Pass),
            ("other.example", DkimWord::Pass),
            ("contoso.example", DkimWord::Fail),
        ]
    );
    assert_eq!(row.dkim_results.len(), MAX);
    assert!(row.dkim);
}

const MAX: usize = collect::MAX_SIGNATURES;

#[test]
fn identifiers() {
    let told = |form, envelope_from: &str, scope| {
        let mut collector = Collector::new(reporter(form));
        let mut observation = Observation { envelope_from: envelope_from.to_owned(), ..observation("192.0.2.1") };
        observation.envelope_to = Some("Fabrikam.example".to_owned());
        observation.spf.scope = scope;
        collector.add(at(DAY), &evaluation(Rules::Rfc7489, "Contoso.example", "", 0), &observation);
        let row = collector.finish(at(NEXT)).remove(0).report.rows.remove(0);
        assert_eq!(
            (row.header_from.as_str(), row.envelope_to.as_deref()),
            ("contoso.example", Some("fabrikam.example"))
        );
        (row.envelope_from, row.spf_results[0].scope)
    };
    assert_eq!(
        told(Form::Rfc7489, "źródło.example", None),
        (Some("xn--rdo-gna01bwk.example".to_owned()), Some(Scope::MailFrom))
    );
    assert_eq!(told(Form::Rfc7489, "", Some(Scope::Helo)), (Some(String::new()), Some(Scope::Helo)));
    assert_eq!(told(Form::Rfc9990, "", Some(Scope::Helo)), (Some(String::new()), Some(Scope::MailFrom)));
}

/// Fills a report with one row too many.
fn fill(collector: &mut Collector, evaluation: &Evaluation) {
    let mut observation = observation("192.0.2.1");
    for number in 0..=collect::MAX_ROWS_OF_A_REPORT {
        observation.envelope_from = format!("a{number}.example");
        assert!(collector.add(at(DAY), evaluation, &observation));
    }
}

/// However many rows somebody provokes, only so many are kept, and the report says how many messages are missing.
#[test]
fn rows_are_bounded() {
    let mut collector = Collector::new(reporter(Form::Rfc9990));
    let evaluation = evaluation(Rules::Rfc9989, "contoso.example", "", 0);
    fill(&mut collector, &evaluation);
    let finished = collector.finish(at(NEXT));
    assert_eq!(finished[0].report.rows.len(), collect::MAX_ROWS_OF_A_REPORT);
    assert_eq!(finished[0].report.metadata.errors, ["1 messages are not in this report"]);
    // There is room again.
    collector.add(at(NEXT), &evaluation, &observation("192.0.2.1"));
    assert_eq!(collector.finish(at("2026-03-04T00:00:00Z"))[0].report.rows.len(), 1);
}

/// An evaluation by a record at this author's domain.
fn asked_by(author: &str, tags: &str) -> Evaluation {
    let zone = Zone::new(&format!("_dmarc.{author} TXT v=DMARC1; p=none; {tags}rua=mailto:d@{author}"));
    now(evaluate(&zone, Settings::standard(Rules::Rfc7489), author, &Facts::default()))
}

#[test]
fn what_all_reports_hold_is_bounded() {
    let mut collector = Collector::new(reporter(Form::Rfc7489));
    let full = collect::MAX_ROWS / collect::MAX_ROWS_OF_A_REPORT;
    for number in 0..full {
        fill(&mut collector, &asked_by(&format!("d{number}.example"), ""));
    }
    assert!(collector.add(at(DAY), &asked_by("late.example", ""), &observation("192.0.2.1")));
    assert_eq!(collector.take_left_out(), 1);
    assert_eq!(collector.take_left_out(), 0);
    assert_eq!(collector.finish(at(NEXT)).len(), full);
    assert_eq!(collector.next_end(), None);
}

#[test]
fn reports_are_bounded() {
    let mut collector = Collector::new(reporter(Form::Rfc7489));
    let mut evaluation = asked_by("contoso.example", "");
    for number in 0..=collect::MAX_REPORTS {
        if let Discovery::Found { domain, .. } = &mut evaluation.discovery {
            *domain = format!("d{number}.example");
        }
        assert!(collector.add(at(DAY), &evaluation, &observation("192.0.2.1")));
    }
    assert_eq!(collector.take_left_out(), 1);
    assert_eq!(collector.finish(at(NEXT)).len(), collect::MAX_REPORTS);
}

#[test]
fn errors_are_bounded() {
    let mut collector = Collector::new(reporter(Form::Rfc7489));
    for number in 0..2 * collect::MAX_ERRORS {
        let evaluation = asked_by("contoso.example", &format!("adkim=x{number}; "));
        assert!(collector.add(at(DAY), &evaluation, &observation("192.0.2.1")));
    }
    let finished = collector.finish(at(NEXT));
    assert_eq!((finished.len(), finished[0].report.metadata.errors.len()), (1, collect::MAX_ERRORS));
}

#[test]
fn no_two_reports_have_one_identifier() {
    // Messages of a past day, which come when a clock is set back, make another report of that day.
    let mut collector = Collector::new(reporter(Form::Rfc7489));
    let evaluation = evaluation(Rules::Rfc7489, "contoso.example", "", 0);
    let mut identifiers = Vec::new();
    for ip in ["192.0.2.1", "192.0.2.2", "192.0.2.1"] {
        collector.add(at(DAY), &evaluation, &observation(ip));
        identifiers.push(collector.finish(at(NEXT)).remove(0).report.metadata.report_id);
    }
    assert_ne!(identifiers[0], identifiers[1]);
    assert_eq!(identifiers[0], identifiers[2], "the same report");
}

proptest! {
    /// The order of messages does not matter, and none is lost.
    #[test]
    fn order_does_not_matter(ips in proptest::collection::vec(0_u8..4, 1..20), by in 0_usize..20) {
        let passing = evaluation(Rules::Rfc7489, "contoso.example", "contoso.example", 0);
        let report = |ips: &[u8]| {
            let mut collector = Collector::new(reporter(Form::Rfc7489));
            for ip in ips {
                collector.add(at(DAY), &passing, &observation(&format!("192.0.2.{ip}")));
            }
            collector.finish(at(NEXT)).remove(0).report
        };
        let mut turned = ips.clone();
        turned.rotate_left(by % ips.len());
        let report_of_ips = report(&ips);
        prop_assert_eq!(&report_of_ips, &report(&turned));
        prop_assert_eq!(report_of_ips.rows.iter().map(|row| row.count).sum::<u64>(), ips.len() as u64);
    }
}
