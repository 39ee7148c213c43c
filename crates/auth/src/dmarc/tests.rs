use std::net::IpAddr;

use super::*;
use crate::spf::Identity;
use crate::testing::{Zone, now};

const ZONE: &str = "
    _dmarc.reject.example TXT v=DMARC1; p=reject
    _dmarc.sub.example TXT v=DMARC1; p=reject; sp=quarantine
    _dmarc.own.sub.example TXT v=DMARC1; p=none
    _dmarc.strict.example TXT v=DMARC1; p=reject; aspf=s; adkim=s
    _dmarc.text.example TXT hello
    _dmarc.several.example TXT v=DMARC1; p=none
    _dmarc.several.example TXT v=DMARC1; p=reject
    _dmarc.bad.example TXT v=DMARC1; p=maybe
    _dmarc.slow.example TIMEOUT
";

/// SPF as `result domain`, DKIM as `result domain` or nothing; expected: result, action, policy.
#[track_caller]
fn check(
    author: &str,
    spf: (SpfResult, &str),
    dkim: Option<&str>,
    expected: (DmarcResult, DmarcAction, Option<Policy>),
) {
    let spf = spf::Evaluation {
        result: spf.0,
        identity: Identity::MailFrom(format!("x@{}", spf.1).parse().expect("an address")),
        ip: IpAddr::from([192, 0, 2, 1]),
        record: None,
        matched: None,
        problem: None,
        explanation: None,
        steps: Vec::new(),
    };
    let dkim = match dkim {
        None => DkimClause::not_signed(),
        Some(domain) => DkimClause { result: DkimResult::Pass, domain: Some(domain.to_owned()) },
    };
    let evaluation = now(evaluate(&Zone::new(ZONE), author, Some(&spf), &[dkim])).expect("supported");
    assert_eq!((evaluation.result, evaluation.action, evaluation.policy()), expected, "{author} {spf:?}");
}

use DmarcAction as Action;
use DmarcResult::{BestGuessPass, Fail, None as NoResult, Pass, PermError, TempError};

#[test]
fn with_a_record() {
    let pass = (Pass, Action::None, Some(Policy::Reject));
    let fail = (Fail, Action::OReject, Some(Policy::Reject));
    check("reject.example", (SpfResult::Pass, "reject.example"), None, pass);
    check("Reject.Example", (SpfResult::Pass, "mail.reject.example"), None, pass);
    check("reject.example", (SpfResult::Fail, "reject.example"), None, fail);
    check("reject.example", (SpfResult::SoftFail, "reject.example"), None, fail);
    check("reject.example", (SpfResult::Neutral, "reject.example"), None, fail);
    check("reject.example", (SpfResult::Pass, "other.example"), None, fail);
    check("reject.example", (SpfResult::Fail, "x.example"), Some("d.reject.example"), pass);
    check("reject.example", (SpfResult::Fail, "x.example"), Some("other.example"), fail);
    check("strict.example", (SpfResult::Pass, "strict.example"), None, pass);
    check("strict.example", (SpfResult::Pass, "mail.strict.example"), None, fail);
    check("strict.example", (SpfResult::None, "x.example"), Some("mail.strict.example"), fail);
}

#[test]
fn discovery() {
    // The organizational domain's record, with its policy for subdomains; a record of one's own goes first.
    let at = |policy, action| (Fail, action, Some(policy));
    check("a.b.sub.example", (SpfResult::None, "x.example"), None, at(Policy::Quarantine, Action::Quarantine));
    check("sub.example", (SpfResult::None, "x.example"), None, at(Policy::Reject, Action::OReject));
    check("own.sub.example", (SpfResult::None, "x.example"), None, at(Policy::None, Action::None));
    check("mail.reject.example", (SpfResult::None, "x.example"), None, at(Policy::Reject, Action::OReject));
}

#[test]
fn without_a_record() {
    let nothing = (NoResult, Action::None, None);
    let guess = (BestGuessPass, Action::None, None);
    check("fabrikam.example", (SpfResult::None, "fabrikam.example"), None, nothing);
    check("fabrikam.example", (SpfResult::Pass, "fabrikam.example"), None, guess);
    check("fabrikam.example", (SpfResult::Pass, "other.example"), None, nothing);
    check("fabrikam.example", (SpfResult::None, "fabrikam.example"), Some("outbound.fabrikam.example"), guess);
    check("text.example", (SpfResult::Pass, "text.example"), None, guess);
}

#[test]
fn errors() {
    check("several.example", (SpfResult::Pass, "several.example"), None, (PermError, Action::None, None));
    check("bad.example", (SpfResult::None, "x.example"), None, (PermError, Action::None, None));
    check("slow.example", (SpfResult::None, "x.example"), None, (TempError, Action::None, None));
    assert!(now(evaluate(&Zone::new(ZONE), "źródło.example", None, &[])).is_err());
}

/// SPF for the null reverse-path authenticates the name in HELO, and that counts for alignment too.
#[test]
fn a_report_is_authenticated_by_its_helo() {
    let spf = spf::Evaluation {
        result: SpfResult::Pass,
        identity: Identity::Helo("out.reject.example".to_owned()),
        ip: IpAddr::from([192, 0, 2, 1]),
        record: None,
        matched: None,
        problem: None,
        explanation: None,
        steps: Vec::new(),
    };
    let unsigned = [DkimClause::not_signed()];
    let evaluation = now(evaluate(&Zone::new(ZONE), "reject.example", Some(&spf), &unsigned)).expect("supported");
    assert_eq!(evaluation.result, Pass);
    assert_eq!(
        evaluation.because(),
        [
            "_dmarc.reject.example is \"v=DMARC1; p=reject\"",
            "SPF passes for out.reject.example, which is aligned with reject.example",
        ]
    );
}

#[test]
fn the_reasons() {
    let evaluation = now(evaluate(&Zone::new(ZONE), "mail.reject.example", None, &[])).expect("supported");
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
}
