//! RFC 7489, as Exchange Online follows it.

use super::*;

const ZONE: &str = "
    _dmarc.reject.example TXT v=DMARC1; p=reject
    _dmarc.sub.example TXT v=DMARC1; p=reject; sp=quarantine
    _dmarc.own.sub.example TXT v=DMARC1; p=none
    _dmarc.np.example TXT v=DMARC1; p=none; sp=quarantine; np=reject
    mail.np.example MX 10 mx.np.example
    six.np.example AAAA 2001:db8::1
    text.np.example TXT hello
    slow.np.example TIMEOUT
    _dmarc.strict.example TXT v=DMARC1; p=reject; aspf=s; adkim=s
    _dmarc.text.example TXT hello
    _dmarc.several.example TXT v=DMARC1; p=none
    _dmarc.several.example TXT v=DMARC1; p=reject
    _dmarc.bad.example TXT v=DMARC1; p=maybe
    _dmarc.twice.example TXT v=DMARC1; p=none; p=reject
    _dmarc.reports.example TXT v=DMARC1; p=reject; sp=maybe; rua=mailto:d@reports.example
    _dmarc.slow.example TIMEOUT
    _dmarc.some.example TXT v=DMARC1; p=reject; sp=quarantine; pct=20
    _dmarc.nobody.example TXT v=DMARC1; p=quarantine; pct=0
    _dmarc.newer.example TXT v=DMARC1; p=reject; t=y; psd=n
";

fn evaluated(author: &str, facts: &Facts) -> Evaluation {
    now(evaluate(&Zone::new(ZONE), Settings::exchange(), author, facts))
}

#[track_caller]
fn check(author: &str, spf: &str, dkim: &[&str], expected: (DmarcResult, Action, Option<Policy>)) {
    let evaluation = evaluated(author, &facts(spf, dkim));
    assert_eq!(outcome(&evaluation), expected, "{author} {spf} {dkim:?}: {evaluation:#?}");
}

#[test]
fn with_a_record() {
    let pass = (Pass, Action::None, Some(Policy::Reject));
    let fail = (Fail, Action::OReject, Some(Policy::Reject));
    check("reject.example", "pass reject.example", &[], pass);
    check("Reject.Example", "pass mail.reject.example", &[], pass);
    check("reject.example", "fail reject.example", &[], fail);
    check("reject.example", "temperror reject.example", &[], fail);
    check("reject.example", "pass other.example", &[], fail);
    check("reject.example", "", &[], fail);
    check("reject.example", "fail x.example", &["pass d.reject.example"], pass);
    check("reject.example", "fail x.example", &["fail reject.example", "pass other.example"], fail);
    check("reject.example", "fail x.example", &["fail reject.example", "pass reject.example"], pass);
    check("strict.example", "pass strict.example", &[], pass);
    check("strict.example", "pass STRICT.example.", &[], pass);
    check("strict.example", "pass mail.strict.example", &[], fail);
    check("strict.example", "", &["pass mail.strict.example"], fail);
    check("strict.example", "", &["pass strict.example"], pass);
}

/// The organizational domain's record, with its policy for subdomains; a domain's own record takes precedence.
#[test]
fn discovery() {
    let at = |policy, action| (Fail, action, Some(policy));
    check("a.b.sub.example", "", &[], at(Policy::Quarantine, Action::Quarantine));
    check("sub.example", "", &[], at(Policy::Reject, Action::OReject));
    check("own.sub.example", "", &[], at(Policy::None, Action::None));
    check("mail.reject.example", "", &[], at(Policy::Reject, Action::OReject));
    // No name between the two is looked up, and none above.
    check("a.own.sub.example", "", &[], at(Policy::Quarantine, Action::Quarantine));
    let evaluation = evaluated("a.own.sub.example", &facts("", &[]));
    assert_eq!(questions(&evaluation), ["_dmarc.a.own.sub.example TXT", "_dmarc.sub.example TXT"]);
    let steps: Vec<_> = evaluation.steps.iter().map(ToString::to_string).collect();
    assert_eq!(
        steps,
        ["_dmarc.a.own.sub.example: no record", "_dmarc.sub.example: \"v=DMARC1; p=reject; sp=quarantine\" applies",]
    );
}

/// `np=` of RFC 9091: no address and no mail exchanger.
#[test]
fn subdomains_that_do_not_exist() {
    let at = |policy, action| (Fail, action, Some(policy));
    check("gone.np.example", "", &[], at(Policy::Reject, Action::OReject));
    check("mail.np.example", "", &[], at(Policy::Quarantine, Action::Quarantine));
    check("six.np.example", "", &[], at(Policy::Quarantine, Action::Quarantine));
    check("text.np.example", "", &[], at(Policy::Reject, Action::OReject));
    check("np.example", "", &[], at(Policy::None, Action::None));
    // DNS that fails does not say that a name does not exist.
    check("slow.np.example", "", &[], at(Policy::Quarantine, Action::Quarantine));
    let asked = |author: &str| questions(&evaluated(author, &facts("", &[])))[2..].join(", ");
    assert_eq!(asked("gone.np.example"), "gone.np.example A");
    assert_eq!(asked("text.np.example"), "text.np.example A, text.np.example AAAA, text.np.example MX");
    assert_eq!(asked("six.np.example"), "six.np.example A, six.np.example AAAA");
    // Without np= existence is not looked up.
    assert_eq!(asked("mail.sub.example"), "");
}

#[test]
fn without_a_record() {
    let nothing = (NoResult, Action::None, None);
    let guess = (BestGuessPass, Action::None, None);
    check("fabrikam.example", "none fabrikam.example", &[], nothing);
    check("fabrikam.example", "pass fabrikam.example", &[], guess);
    check("fabrikam.example", "pass other.example", &[], nothing);
    check("fabrikam.example", "", &["pass outbound.fabrikam.example"], guess);
    check("text.example", "pass text.example", &[], guess);
    // Only Microsoft guesses.
    let standard = Settings::standard(Rules::Rfc7489);
    let evaluation = now(evaluate(&Zone::new(ZONE), standard, "text.example", &facts("pass text.example", &[])));
    assert_eq!(outcome(&evaluation), nothing);
}

#[test]
fn errors() {
    check("several.example", "pass several.example", &[], (PermError, Action::None, None));
    check("a.several.example", "", &[], (PermError, Action::None, None));
    check("bad.example", "", &[], (PermError, Action::None, None));
    check("twice.example", "", &[], (PermError, Action::None, None));
    check("slow.example", "pass slow.example", &[], (TempError, Action::None, None));
    check("a.slow.example", "", &[], (TempError, Action::None, None));
    let because = |author: &str| evaluated(author, &facts("", &[])).because().remove(0);
    assert_eq!(because("several.example"), "_dmarc.several.example has several DMARC records");
    assert_eq!(because("bad.example"), "_dmarc.bad.example is \"v=DMARC1; p=maybe\": no usable p=");
    assert_eq!(because("slow.example"), "_dmarc.slow.example TXT could not be looked up: timeout");
    // With an address for reports there is no error.
    check("reports.example", "", &[], (Fail, Action::None, Some(Policy::None)));
    assert_eq!(
        evaluated("reports.example", &facts("", &[])).because()[1..3],
        [
            "\"sp=maybe\" cannot be understood",
            "the record has no usable policy, but names an address for reports: it counts as p=none",
        ]
    );
}

#[track_caller]
fn drawn(author: &str, draw: u8, action: Action, requested: Policy, applied: Policy, because: &str) {
    let evaluation = evaluated(author, &Facts { draw, ..facts("", &[]) });
    let request = evaluation.request.expect("a record");
    let found = (evaluation.result, evaluation.action, request.requested, request.applied);
    assert_eq!(found, (Fail, action, requested, applied), "{author} {draw}");
    let reasons = evaluation.because();
    assert!(reasons.iter().any(|reason| reason == because), "{reasons:#?}");
}

#[test]
fn both_sides_of_the_draw() {
    use Policy::{None as NoPolicy, Quarantine, Reject};
    let inside = |policy: &str, draw| format!("pct=20, and the draw is {draw}: {policy} applies to this message");
    let outside = |left: &str, of: &str, draw| format!("pct=20, and the draw is {draw}: {of} is reduced to {left}");
    drawn("some.example", 0, Action::OReject, Reject, Reject, &inside("reject", 0));
    drawn("some.example", 19, Action::OReject, Reject, Reject, &inside("reject", 19));
    drawn("some.example", 20, Action::PctReject, Reject, Quarantine, &outside("quarantine", "reject", 20));
    drawn("some.example", 99, Action::PctReject, Reject, Quarantine, &outside("quarantine", "reject", 99));
    drawn("a.some.example", 19, Action::Quarantine, Quarantine, Quarantine, &inside("quarantine", 19));
    drawn("a.some.example", 20, Action::PctQuarantine, Quarantine, NoPolicy, &outside("none", "quarantine", 20));
    let nobody = "pct=0, and the draw is 0: quarantine is reduced to none";
    drawn("nobody.example", 0, Action::PctQuarantine, Quarantine, NoPolicy, nobody);
    // There is no draw for a message that passes.
    let evaluation = evaluated("some.example", &Facts { draw: 99, ..facts("pass some.example", &[]) });
    assert_eq!(outcome(&evaluation), (Pass, Action::None, Some(Reject)));
}

/// `t` and `psd` are unknown tags here.
#[test]
fn tags_of_the_newer_standard() {
    check("newer.example", "", &[], (Fail, Action::OReject, Some(Policy::Reject)));
    check("a.b.newer.example", "pass c.newer.example", &[], (Pass, Action::None, Some(Policy::Reject)));
}

#[track_caller]
fn authors(domains: &[&str], spf: &str, expected: (DmarcResult, Action, &str)) {
    let domains: Vec<_> = domains.iter().map(ToString::to_string).collect();
    let evaluation = now(evaluate_authors(&Zone::new(ZONE), Settings::exchange(), &domains, &facts(spf, &[])));
    let found = (evaluation.result, evaluation.action, evaluation.author.as_str());
    assert_eq!(found, expected, "{domains:?}");
}

/// RFC 7489 §6.6.1: the strictest policy among the checks that fail.
#[test]
fn several_authors() {
    authors(&["reject.example"], "pass reject.example", (Pass, Action::None, "reject.example"));
    authors(&["reject.example", "Reject.example."], "pass reject.example", (Pass, Action::None, "reject.example"));
    authors(&["own.sub.example", "reject.example"], "", (Fail, Action::OReject, "reject.example"));
    authors(&["reject.example", "own.sub.example"], "", (Fail, Action::OReject, "reject.example"));
    authors(&["reject.example", "sub.example"], "", (Fail, Action::OReject, "reject.example"));
    authors(&["reject.example", "own.sub.example"], "pass reject.example", (Fail, Action::None, "own.sub.example"));
    authors(&["reject.example", "a.sub.example"], "pass reject.example", (Fail, Action::Quarantine, "a.sub.example"));
    // A domain without a record does not vouch for another, nor does it fail.
    authors(
        &["reject.example", "fabrikam.example"],
        "pass reject.example",
        (NoResult, Action::None, "fabrikam.example"),
    );
    authors(&["reject.example", "slow.example"], "pass reject.example", (TempError, Action::None, "slow.example"));
    let domains: Vec<_> = ["reject.example", "own.sub.example"].iter().map(ToString::to_string).collect();
    let evaluation = now(evaluate_authors(&Zone::new(ZONE), Settings::exchange(), &domains, &facts("", &[])));
    assert_eq!(
        evaluation.because()[0],
        "From names several domains, and the worst result decides: reject.example fail, own.sub.example fail"
    );
    // As many as are checked, and one more.
    let mut many: Vec<_> = (1..MAX_AUTHORS).map(|number| format!("a{number}.example")).collect();
    many.push("reject.example".to_owned());
    let of = |many: &[String]| now(evaluate_authors(&Zone::new(ZONE), Settings::exchange(), many, &facts("", &[])));
    assert_eq!((of(&many).result, of(&many).author.as_str()), (Fail, "reject.example"));
    many.push("sub.example".to_owned());
    assert_eq!((of(&many).result, of(&many).lookups.len()), (NoResult, 0));
}

/// SPF for the null reverse-path authenticates the name in HELO, and that counts for alignment too.
#[test]
fn the_reasons() {
    let evaluation = evaluated("reject.example", &facts("pass out.reject.example", &["pass other.example"]));
    assert_eq!(
        evaluation.because(),
        [
            "_dmarc.reject.example is \"v=DMARC1; p=reject\"",
            "SPF passes for out.reject.example, which is aligned with reject.example: relaxed mode, and the organizational domain of both is reject.example",
        ]
    );
    // For a pass that is not aligned, the reasons say which mode and which domains decided; each once.
    let because = |author: &str, spf: &str, dkim: &[&str]| {
        let reasons = evaluated(author, &facts(spf, dkim)).because();
        reasons.into_iter().skip(1).collect::<Vec<_>>()
    };
    assert_eq!(
        because("reject.example", "pass mail.contoso.example", &["pass other.org", "fail x.example", "pass other.org"]),
        [
            "neither SPF nor DKIM passes for a domain aligned with reject.example",
            "SPF passes for mail.contoso.example, which is not aligned with reject.example: relaxed mode compares the organizational domains contoso.example and reject.example",
            "DKIM passes for other.org, which is not aligned with reject.example: relaxed mode compares the organizational domains other.org and reject.example",
        ]
    );
    assert_eq!(
        because("strict.example", "pass mail.strict.example", &[]),
        [
            "neither SPF nor DKIM passes for a domain aligned with strict.example",
            "SPF passes for mail.strict.example, which is not aligned with strict.example: strict mode requires the same domain",
        ]
    );
    let evaluation = evaluated("mail.reject.example", &facts("", &[]));
    assert_eq!(
        evaluation.because(),
        [
            "_dmarc.reject.example is \"v=DMARC1; p=reject\"",
            "neither SPF nor DKIM passes for a domain aligned with mail.reject.example",
        ]
    );
    let lookups: Vec<_> = evaluation.lookups.iter().map(ToString::to_string).collect();
    assert_eq!(
        lookups,
        [
            "_dmarc.mail.reject.example TXT: the name does not exist",
            "_dmarc.reject.example TXT: \"v=DMARC1; p=reject\"",
        ]
    );
    // A DNS failure about an identifier leaves nothing open here.
    let reasons = evaluated("reject.example", &facts("temperror reject.example", &[])).because();
    assert_eq!(reasons[1..], ["neither SPF nor DKIM passes for a domain aligned with reject.example"]);
    let reasons = evaluated("gone.np.example", &facts("", &[])).because();
    assert_eq!(reasons[1], "gone.np.example is below np.example and does not exist: np=reject");
    let reasons = evaluated("mail.np.example", &facts("", &[])).because();
    assert_eq!(reasons[1], "mail.np.example is below np.example: sp=quarantine");
}

/// At most this many signatures are compared, whether there is SPF or not.
#[test]
fn many_signatures() {
    let mut dkim = vec!["pass other.example"; MAX_SIGNERS];
    dkim.push("pass reject.example");
    for spf in ["fail x.example", ""] {
        check("reject.example", spf, &dkim, (Fail, Action::OReject, Some(Policy::Reject)));
        check("reject.example", spf, &dkim[1..], (Pass, Action::None, Some(Policy::Reject)));
    }
}

#[test]
fn alignment() {
    let check = |identifier: &str, author: &str, relaxed: bool, strict: bool| {
        let related = |mode| compared(&Zone::new(""), Rules::Rfc7489, mode, author, identifier).is_related();
        assert_eq!((related(Mode::Relaxed), related(Mode::Strict)), (relaxed, strict), "{identifier} {author}");
    };
    check("contoso.example", "contoso.example", true, true);
    check("CONTOSO.example.", "contoso.Example", true, true);
    check("mail.contoso.example", "contoso.example", true, false);
    check("contoso.example", "mail.contoso.example", true, false);
    check("a.contoso.example", "b.contoso.example", true, false);
    check("contoso.example", "fabrikam.example", false, false);
    check("notcontoso.example", "contoso.example", false, false);
    check("contoso.example.evil.example", "contoso.example", false, false);
    check("contoso.com", "contoso.example", false, false);
    // The organizational domain is the list's, not the last two labels.
    check("a.co.uk", "b.co.uk", false, false);
    check("mail.a.co.uk", "a.co.uk", true, false);
    check("a.github.io", "b.github.io", false, false);
    // A suffix speaks for no domain below it.
    check("com", "contoso.com", false, false);
    check("example", "contoso.example", false, false);
    check("com", "com", true, true);
    // U-labels and A-labels are the same name.
    check("źródło.example", "xn--rdo-gna01bwk.example", true, true);
    check("poczta.ŹRÓDŁO.example", "xn--rdo-gna01bwk.example", true, false);
    check("食狮.公司.cn", "xn--55qx5d.cn", false, false);
    check("", "contoso.example", false, false);
    check("contoso.example", "", false, false);
}
