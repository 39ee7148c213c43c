//! RFC 9989.

use super::*;

const ZONE: &str = "
    _dmarc.bank TXT v=DMARC1; p=reject; sp=quarantine; np=reject; psd=y
    _dmarc.one.bank TXT v=DMARC1; p=none; sp=quarantine
    two.bank MX 10 mx.two.bank
    slow.bank TIMEOUT

    _dmarc.fabrikam.example TXT v=DMARC1; p=reject; sp=quarantine; np=none
    mail.fabrikam.example TXT hello
    _dmarc.unit.fabrikam.example TXT v=DMARC1; p=quarantine; psd=n
    _dmarc.own.fabrikam.example TXT v=DMARC1; p=none
    slow.fabrikam.example TIMEOUT
    _dmarc.several.fabrikam.example TXT v=DMARC1; p=none
    _dmarc.several.fabrikam.example TXT v=DMARC1; p=none
    _dmarc.twice.fabrikam.example TXT v=DMARC1; p=none; p=none
    _dmarc.unusable.fabrikam.example TXT v=DMARC1; p=maybe
    _dmarc.broken.fabrikam.example TIMEOUT

    _dmarc.testing.example TXT v=DMARC1; p=reject; sp=quarantine; np=none; t=y
    a.testing.example A 192.0.2.1
    _dmarc.strict.example TXT v=DMARC1; p=reject; aspf=s; adkim=s
    _dmarc.some.example TXT v=DMARC1; p=reject; pct=0
    _dmarc.several.example TXT v=DMARC1; p=none
    _dmarc.several.example TXT v=DMARC1; p=reject
    _dmarc.reports.example TXT v=DMARC1; rua=mailto:d@reports.example
";

fn evaluated(author: &str, facts: &Facts) -> Evaluation {
    now(evaluate(&Zone::new(ZONE), Settings::standard(Rules::Rfc9989), author, facts))
}

#[track_caller]
fn check(author: &str, spf: &str, dkim: &[&str], expected: (DmarcResult, Action, Option<Policy>)) {
    let evaluation = evaluated(author, &facts(spf, dkim));
    assert_eq!(outcome(&evaluation), expected, "{author} {spf} {dkim:?}: {evaluation:#?}");
}

fn fail(policy: Policy) -> (DmarcResult, Action, Option<Policy>) {
    let action = match policy {
        Policy::None => Action::None,
        Policy::Quarantine => Action::Quarantine,
        Policy::Reject => Action::OReject,
    };
    (Fail, action, Some(policy))
}

fn pass(policy: Policy) -> (DmarcResult, Action, Option<Policy>) {
    (Pass, Action::None, Some(policy))
}

#[test]
fn which_record_applies() {
    let at = |author: &str| match evaluated(author, &facts("", &[])).discovery {
        Discovery::Found { domain, place, .. } => format!("{domain} {place:?}"),
        Discovery::Nothing => "nothing".to_owned(),
        Discovery::TempError { .. } => "temperror".to_owned(),
        Discovery::PermError { .. } => "permerror".to_owned(),
        Discovery::NotApplicable { .. } => "not applicable".to_owned(),
    };
    assert_eq!(at("fabrikam.example"), "fabrikam.example Author");
    assert_eq!(at("own.fabrikam.example"), "own.fabrikam.example Author");
    assert_eq!(at("a.b.fabrikam.example"), "fabrikam.example Organization");
    // The organization's record, not the nearest one, unless the nearest says that it is the organization's.
    assert_eq!(at("a.own.fabrikam.example"), "fabrikam.example Organization");
    assert_eq!(at("a.unit.fabrikam.example"), "unit.fabrikam.example Organization");
    // The public suffix's, when the organization has none.
    assert_eq!(at("two.bank"), "bank PublicSuffix");
    assert_eq!(at("a.two.bank"), "bank PublicSuffix");
    assert_eq!(at("one.bank"), "one.bank Author");
    assert_eq!(at("a.one.bank"), "one.bank Organization");
    assert_eq!(at("bank"), "bank Author");
    assert_eq!(at("contoso.example"), "nothing");
    // Several records at a name, or an invalid one, count as none; the search continues.
    assert_eq!(at("several.fabrikam.example"), "fabrikam.example Organization");
    assert_eq!(at("twice.fabrikam.example"), "fabrikam.example Organization");
    assert_eq!(at("several.example"), "nothing");
    // A record without a policy counts.
    assert_eq!(at("unusable.fabrikam.example"), "permerror");
    assert_eq!(at("broken.fabrikam.example"), "temperror");
    assert_eq!(at("a.broken.fabrikam.example"), "temperror");
    assert_eq!(at("reports.example"), "reports.example Author");
}

/// A name of many labels: its own record is asked for, then those of its last seven labels and above.
#[test]
fn long_names() {
    let record = "v=DMARC1; p=reject";
    let author = "mail.1.2.3.4.5.6.fabrikam.example";
    let zone = |at: &str| Zone::new(&format!("_dmarc.{at} TXT {record}; psd=n"));
    let settings = Settings::standard(Rules::Rfc9989);
    let found = |at: &str| {
        let evaluation = now(evaluate(&zone(at), settings, author, &facts("", &[])));
        (matches!(evaluation.discovery, Discovery::Found { .. }), evaluation.lookups.len())
    };
    assert_eq!(found("fabrikam.example"), (true, 7));
    assert_eq!(found("2.3.4.5.6.fabrikam.example"), (true, 2));
    // Nobody looks there.
    assert_eq!(found("1.2.3.4.5.6.fabrikam.example"), (false, 8));
    assert_eq!(found(author), (true, 1));
}

#[test]
fn policies() {
    check("fabrikam.example", "", &[], fail(Policy::Reject));
    check("own.fabrikam.example", "", &[], fail(Policy::None));
    check("a.own.fabrikam.example", "", &[], fail(Policy::None));
    // A name exists if it has anything at all.
    check("mail.fabrikam.example", "", &[], fail(Policy::Quarantine));
    check("gone.fabrikam.example", "", &[], fail(Policy::None));
    check("a.unit.fabrikam.example", "", &[], fail(Policy::Quarantine));
    check("two.bank", "", &[], fail(Policy::Quarantine));
    check("gone.bank", "", &[], fail(Policy::Reject));
    check("a.one.bank", "", &[], fail(Policy::Quarantine));
    check("reports.example", "", &[], fail(Policy::None));
    // The draw is no more.
    check("some.example", "", &[], fail(Policy::Reject));
    // Whether the name exists is unknown, and so is the policy; a pass still counts.
    check("slow.fabrikam.example", "", &[], (TempError, Action::None, Some(Policy::Quarantine)));
    check("slow.fabrikam.example", "pass fabrikam.example", &[], pass(Policy::Quarantine));
    let asked = questions(&evaluated("gone.bank", &facts("", &[])));
    assert_eq!(asked, ["_dmarc.gone.bank TXT", "_dmarc.bank TXT", "gone.bank A"]);
}

#[test]
fn while_the_owner_is_testing() {
    let check = |author: &str, action, requested, applied| {
        let evaluation = evaluated(author, &facts("", &[]));
        let request = evaluation.request.expect("a record");
        assert_eq!((evaluation.action, request.requested, request.applied), (action, requested, applied), "{author}");
        evaluation.because().join("; ")
    };
    let reasons = check("testing.example", Action::Quarantine, Policy::Reject, Policy::Quarantine);
    assert!(reasons.contains("t=y: reject is reduced to quarantine"), "{reasons}");
    check("a.testing.example", Action::None, Policy::Quarantine, Policy::None);
    let reasons = check("gone.testing.example", Action::None, Policy::None, Policy::None);
    assert!(!reasons.contains("t=y: "), "{reasons}");
}

#[test]
fn alignment() {
    let reject = pass(Policy::Reject);
    check("fabrikam.example", "pass fabrikam.example", &[], reject);
    check("fabrikam.example", "pass a.b.fabrikam.example", &[], reject);
    check("fabrikam.example", "", &["fail x.example", "pass own.fabrikam.example"], reject);
    // psd=n makes the domain an organization of its own.
    check("fabrikam.example", "pass unit.fabrikam.example", &[], fail(Policy::Reject));
    check("fabrikam.example", "pass a.unit.fabrikam.example", &[], fail(Policy::Reject));
    check("a.unit.fabrikam.example", "pass b.unit.fabrikam.example", &[], pass(Policy::Quarantine));
    check("a.unit.fabrikam.example", "pass fabrikam.example", &[], fail(Policy::Quarantine));
    // psd=y ends one.
    check("one.bank", "pass two.bank", &[], fail(Policy::None));
    check("one.bank", "pass bank", &[], fail(Policy::None));
    check("one.bank", "pass a.one.bank", &[], pass(Policy::None));
    check("two.bank", "pass a.b.two.bank", &[], pass(Policy::Quarantine));
    // A domain whose parents have no record is its own organization.
    check("fabrikam.example", "pass contoso.example", &[], fail(Policy::Reject));
    check("fabrikam.example", "pass fabrikam.com", &[], fail(Policy::Reject));
    // A public suffix of the list means nothing here.
    check("several.fabrikam.example", "pass github.io", &[], fail(Policy::None));
    check("strict.example", "pass a.strict.example", &["pass b.strict.example"], fail(Policy::Reject));
    check("strict.example", "", &["pass strict.example"], reject);
    // Without a record nothing passes, not even by a guess.
    check("contoso.example", "pass contoso.example", &[], (NoResult, Action::None, None));
}

#[test]
fn walks_that_are_spared() {
    let asked = |author: &str, spf: &str| questions(&evaluated(author, &facts(spf, &[]))).join(", ");
    assert_eq!(asked("fabrikam.example", "pass fabrikam.example"), "_dmarc.fabrikam.example TXT");
    assert_eq!(asked("fabrikam.example", "fail a.fabrikam.example"), "_dmarc.fabrikam.example TXT");
    assert_eq!(asked("fabrikam.example", "pass fabrikam.com"), "_dmarc.fabrikam.example TXT");
    assert_eq!(asked("strict.example", "pass a.strict.example"), "_dmarc.strict.example TXT");
    assert_eq!(asked("contoso.example", "pass a.contoso.example"), "_dmarc.contoso.example TXT, _dmarc.example TXT");
    assert_eq!(
        asked("fabrikam.example", "pass a.fabrikam.example"),
        "_dmarc.fabrikam.example TXT, _dmarc.a.fabrikam.example TXT, _dmarc.example TXT"
    );
}

/// Without a record nothing is compared, so there is nothing to say of SPF and DKIM.
#[test]
fn nothing_that_counts() {
    let because = |author: &str| evaluated(author, &facts("pass contoso.example", &[])).because();
    assert_eq!(because("contoso.example"), ["contoso.example publishes no DMARC record, nor does example"]);
}

/// RFC 9989 §5.3.6: a possible pass leaves the result open.
#[test]
fn dns_that_fails() {
    let open = (TempError, Action::None, Some(Policy::Reject));
    check("fabrikam.example", "temperror fabrikam.example", &[], open);
    check("fabrikam.example", "", &["temperror mail.fabrikam.example"], open);
    check("fabrikam.example", "pass broken.fabrikam.example", &[], open);
    check("fabrikam.example", "temperror contoso.example", &[], fail(Policy::Reject));
    check("fabrikam.example", "temperror fabrikam.example", &["pass fabrikam.example"], pass(Policy::Reject));
    check("fabrikam.example", "fail broken.fabrikam.example", &[], fail(Policy::Reject));
    // The reasons name the identifiers that pass or are open.
    let facts = facts("pass broken.fabrikam.example", &["fail fabrikam.example", "pass contoso.example"]);
    assert_eq!(
        evaluated("fabrikam.example", &facts).because()[1..],
        [
            "neither SPF nor DKIM passes for a domain aligned with fabrikam.example",
            "SPF passes for broken.fabrikam.example, which may be aligned with fabrikam.example: _dmarc.broken.fabrikam.example TXT could not be looked up: timeout",
            "DKIM passes for contoso.example, which is not aligned with fabrikam.example: relaxed mode compares the organizational domains contoso.example (which has no record at or above it) and fabrikam.example (the shortest name with a record)",
        ]
    );
}

#[test]
fn the_reasons() {
    let evaluation =
        evaluated("a.fabrikam.example", &facts("pass b.fabrikam.example", &["pass c.unit.fabrikam.example"]));
    let steps: Vec<_> = evaluation.steps.iter().map(ToString::to_string).collect();
    assert_eq!(
        steps,
        [
            "_dmarc.a.fabrikam.example: no record",
            "_dmarc.fabrikam.example: \"v=DMARC1; p=reject; sp=quarantine; np=none\" applies",
            "_dmarc.example: no record",
        ]
    );
    let alignments: Vec<_> = evaluation.alignments.iter().map(|it| it.because("a.fabrikam.example")).collect();
    assert_eq!(
        alignments,
        [
            "SPF passes for b.fabrikam.example, which is aligned with a.fabrikam.example: relaxed mode, and the organizational domain of both is fabrikam.example (the shortest name with a record)",
            "DKIM passes for c.unit.fabrikam.example, which is not aligned with a.fabrikam.example: relaxed mode compares the organizational domains unit.fabrikam.example (whose record says psd=n) and fabrikam.example (the shortest name with a record)",
        ]
    );
    let steps: Vec<_> =
        evaluated("several.fabrikam.example", &facts("", &[])).steps.iter().map(ToString::to_string).collect();
    assert_eq!(steps[0], "_dmarc.several.fabrikam.example: 2 records, of which none counts");
    let steps: Vec<_> =
        evaluated("twice.fabrikam.example", &facts("", &[])).steps.iter().map(ToString::to_string).collect();
    let expected = "_dmarc.twice.fabrikam.example: \"v=DMARC1; p=none; p=none\" does not count: p= twice";
    assert_eq!(steps[0], expected);
}

#[test]
fn relations_in_words() {
    for (author, spf, words) in [
        (
            "fabrikam.example",
            "pass Fabrikam.example",
            "passes for Fabrikam.example, which is aligned with fabrikam.example",
        ),
        (
            "fabrikam.example",
            "temperror fabrikam.example",
            "is undecided for fabrikam.example, which is aligned with fabrikam.example",
        ),
        (
            "fabrikam.example",
            "fail fabrikam.example",
            "does not pass for fabrikam.example, which is not compared with fabrikam.example",
        ),
        (
            "fabrikam.example",
            "pass fabrikam.com",
            "passes for fabrikam.com, which is not aligned with fabrikam.example: relaxed mode compares the organizational domains, but even the top-level domains differ",
        ),
        (
            "strict.example",
            "pass a.strict.example",
            "passes for a.strict.example, which is not aligned with strict.example: strict mode requires the same domain",
        ),
        (
            "contoso.example",
            "pass contoso.example",
            "passes for contoso.example, which is not compared with contoso.example",
        ),
    ] {
        let alignments = evaluated(author, &facts(spf, &[])).alignments;
        assert_eq!(alignments[0].because(author), format!("SPF {words}"), "{author}");
    }
}

/// RFC 9989 §5.3.1.
#[test]
fn several_authors() {
    let settings = Settings::standard(Rules::Rfc9989);
    let evaluated = |authors: &[&str]| {
        let authors: Vec<_> = authors.iter().map(ToString::to_string).collect();
        now(evaluate_authors(&Zone::new(ZONE), settings, &authors, &facts("", &[])))
    };
    assert_eq!(evaluated(&["fabrikam.example", "FABRIKAM.example"]).result, Fail);
    let evaluation = evaluated(&["fabrikam.example", "contoso.example"]);
    assert_eq!(outcome(&evaluation), (NoResult, Action::None, None));
    assert_eq!(evaluation.because(), ["From names 2 domains, but DMARC applies only to one"]);
    assert_eq!(questions(&evaluation), Vec::<String>::new());
}
