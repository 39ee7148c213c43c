use proptest::prelude::*;

use super::identifiers::Alignment;
use super::*;
use crate::alignment::Mode;
use crate::idn::a_labels_or_same;
use crate::testing::{Zone, now};
use mxlab_mail::authres::DmarcAction as Action;
use mxlab_mail::authres::DmarcResult::{BestGuessPass, Fail, None as NoResult, Pass, PermError, TempError};

mod newer;
mod older;

/// `pass contoso.example`, `fail …`, `temperror …`.
fn identifier(text: &str) -> Identifier {
    let (outcome, domain) = text.split_once(' ').expect("an outcome and a domain");
    let outcome = match outcome {
        "pass" => Outcome::Pass,
        "temperror" => Outcome::TempError,
        _ => Outcome::Fail,
    };
    Identifier { domain: domain.to_owned(), outcome }
}

/// SPF first, then signatures; an empty text for none.
fn facts(spf: &str, dkim: &[&str]) -> Facts {
    let spf = Some(spf).filter(|spf| !spf.is_empty()).map(identifier);
    Facts { spf, dkim: dkim.iter().map(|text| identifier(text)).collect(), draw: 0 }
}

/// The result, the action, and the policy that the owner asks for.
fn outcome(evaluation: &Evaluation) -> (DmarcResult, Action, Option<Policy>) {
    (evaluation.result, evaluation.action, evaluation.policy())
}

/// The questions, without the answers.
fn questions(evaluation: &Evaluation) -> Vec<String> {
    evaluation.lookups.iter().map(|lookup| format!("{} {}", lookup.name, lookup.kind)).collect()
}

#[test]
fn domains_that_cannot_be_asked_about() {
    let zone = Zone::new("_dmarc.example TXT v=DMARC1; p=reject");
    for (author, reason) in [
        ("[192.0.2.1]", "[192.0.2.1] is not a domain name"),
        ("", " is not a domain name"),
        ("a..example", "a..example is not a domain name"),
        (".example", ".example is not a domain name"),
        ("a\u{627}b.example", "a\u{627}b.example cannot be written in A-labels"),
    ] {
        for rules in [Rules::Rfc7489, Rules::Rfc9989] {
            let evaluation = now(evaluate(&zone, Settings::standard(rules), author, &facts("pass example", &[])));
            assert_eq!(outcome(&evaluation), (NoResult, Action::None, None), "{author}");
            assert_eq!(evaluation.because(), [reason]);
            assert_eq!(questions(&evaluation), Vec::<String>::new());
        }
    }
}

#[test]
fn internationalized_domains() {
    let zone = Zone::new("_dmarc.xn--rdo-gna01bwk.example TXT v=DMARC1; p=reject");
    for rules in [Rules::Rfc7489, Rules::Rfc9989] {
        let check = |spf: &str, result| {
            let evaluation = now(evaluate(&zone, Settings::standard(rules), "Źródło.example", &facts(spf, &[])));
            assert_eq!(evaluation.result, result, "{spf} by {rules:?}");
            assert_eq!(evaluation.author, "Źródło.example");
        };
        check("pass xn--rdo-gna01bwk.example", Pass);
        check("pass poczta.źródło.example", Pass);
        check("pass zrodlo.example", Fail);
    }
}

#[test]
fn a_message_without_an_author() {
    let zone = Zone::new("");
    for settings in [Settings::exchange(), Settings::standard(Rules::Rfc9989)] {
        let evaluation = now(evaluate_authors(&zone, settings, &[], &facts("", &[])));
        assert_eq!(outcome(&evaluation), (NoResult, Action::None, None));
        assert_eq!(evaluation.because(), ["the message names no author"]);
    }
}

/// Domains of two organizations with their records, and all identifiers that might be signed.
fn zones() -> impl Strategy<Value = String> {
    let record = "(p=none|p=reject|p=quarantine; sp=none|np=reject; p=none|psd=y|psd=n; p=none|p=none; p=none|x)(; a(spf|dkim)=s)?(; t=y)?";
    let line = ("(([ab]\\.){0,2}(org|com)\\.)?example", record)
        .prop_map(|(name, record)| format!("_dmarc.{name} TXT v=DMARC1; {record}\n"));
    let failing = "(([ab]\\.){0,2}org\\.)?example".prop_map(|name| format!("_dmarc.{name} TIMEOUT\n"));
    (proptest::collection::vec(line, 0..6), proptest::collection::vec(failing, 0..2))
        .prop_map(|(lines, failing)| lines.concat() + &failing.concat())
}

/// How SPF's pass for `identifier` relates to `author`, whose record has this mode.
fn compared(zone: &Zone, rules: Rules, mode: Mode, author: &str, identifier: &str) -> Alignment {
    let mut published = Published::new(zone, rules);
    let tags = if mode == Mode::Strict { "; aspf=s" } else { "" };
    let record = Record::parse(&format!("v=DMARC1; p=none{tags}"), rules).expect("a record");
    let policies = record.policies().expect("a policy");
    let text = String::new();
    let discovery = Discovery::Found { domain: author.to_owned(), text, record, policies, place: Place::Author };
    let spf = Identifier { domain: identifier.to_owned(), outcome: Outcome::Pass };
    let facts = Facts { spf: Some(spf), ..Facts::default() };
    let author = a_labels_or_same(author);
    now(identifiers::align(&mut published, rules, &author, &discovery, &facts)).remove(0)
}

const NAME: &str = "([ab]\\.){0,12}((org|com)\\.)?example";

proptest! {
    /// Relaxed alignment is symmetric, whichever way organizational domains are found; the same domain is always aligned.
    #[test]
    fn alignment_is_symmetric(zone in zones(), one in NAME, other in NAME) {
        let zone = Zone::new(&zone);
        let relation = |author: &str, identifier: &str, rules| {
            let alignment = compared(&zone, rules, Mode::Relaxed, author, identifier);
            (alignment.is_related(), alignment.is_undecided())
        };
        for rules in [Rules::Rfc7489, Rules::Rfc9989] {
            prop_assert_eq!(relation(&one, &other, rules), relation(&other, &one, rules));
            prop_assert_eq!(relation(&one, &one, rules), (true, false));
            // Domains aligned in strict mode are also aligned in relaxed mode.
            let strict = compared(&zone, rules, Mode::Strict, &one, &other);
            prop_assert!(!strict.is_related() || relation(&one, &other, rules).0);
        }
    }

    /// Long names and many signatures cannot raise the number of questions: eight for each name that has to be walked
    /// from, two by RFC 7489, and three for the existence of a domain.
    #[test]
    fn questions_are_bounded(zone in zones(), author in NAME, signers in proptest::collection::vec(NAME, 0..5)) {
        let zone = Zone::new(&zone);
        let dkim: Vec<_> = signers.iter().map(|domain| Identifier { domain: domain.clone(), outcome: Outcome::Pass }).collect();
        let facts = Facts { dkim, ..Facts::default() };
        let older = now(evaluate(&zone, Settings::exchange(), &author, &facts));
        prop_assert!(older.lookups.len() <= 2 + 3, "{:?}", older.lookups);
        let newer = now(evaluate(&zone, Settings::standard(Rules::Rfc9989), &author, &facts));
        prop_assert!(newer.lookups.len() <= walk::MAX_QUERIES * (1 + signers.len()) + 1, "{:?}", newer.lookups);
        // No question is asked twice.
        for evaluation in [older, newer] {
            let mut questions = questions(&evaluation);
            let asked = questions.len();
            questions.sort();
            questions.dedup();
            prop_assert_eq!(questions.len(), asked);
        }
    }

    /// The policy is never stricter than the record's, and there is none unless the message fails.
    #[test]
    fn actions_follow_results(zone in zones(), author in NAME, spf in NAME, draw in 0_u8..100) {
        let zone = Zone::new(&zone);
        let facts = Facts { spf: Some(Identifier { domain: spf, outcome: Outcome::Pass }), draw, ..Facts::default() };
        for settings in [Settings::exchange(), Settings::standard(Rules::Rfc9989)] {
            let evaluation = now(evaluate(&zone, settings, &author, &facts));
            prop_assert!(evaluation.result == Fail || evaluation.action == Action::None);
            prop_assert_eq!(evaluation.request.is_some(), matches!(evaluation.discovery, Discovery::Found { .. }));
            if let Some(request) = evaluation.request {
                prop_assert!(request.applied <= request.requested);
            }
            prop_assert_eq!(evaluation.steps.iter().filter(|step| step.applies).count(), usize::from(evaluation.request.is_some()));
            prop_assert!(!evaluation.because().is_empty());
        }
    }

    #[test]
    fn never_panics(author in "\\PC{0,30}", spf in "\\PC{0,30}", record in "\\PC{0,60}") {
        let zone = Zone::new(&format!("_dmarc.example TXT v=DMARC1; {}", record.replace(['\n', '\r'], "")));
        let facts = Facts { spf: Some(Identifier { domain: spf, outcome: Outcome::Pass }), ..Facts::default() };
        for settings in [Settings::exchange(), Settings::standard(Rules::Rfc9989)] {
            now(evaluate_authors(&zone, settings, &[author.clone(), "example".to_owned()], &facts)).because();
        }
    }
}
