//! The rules of the composite verdict, in order of precedence: the first one that applies decides.
//!
//! | reason | compauth | when | source in `exchange.md` |
//! |---|---|---|---|
//! | 100 | pass | DMARC passes: explicit pass | §2.2: "SPF passed or DKIM passed, and the MAIL FROM and From domains align" |
//! | 109 | pass | an aligned pass without a DMARC record is the best guess | §2.3: no DMARC record, and the message would pass with one |
//! | 111 | pass | DMARC could not be evaluated, and an aligned domain has passed | §2.2: DMARC error, yet the domain of SPF or DKIM aligns |
//! | 112 | pass | the DMARC record could not be fetched | §2.2: DNS failed for the DMARC record |
//! | 451 | none | DMARC fails, but a gateway is in front of the recipient: DMARC is not enforced | §2.2: seen where the MX is a gateway (S-02 to S-04, S-21, S-36); §2.5: Honor DMARC does not work there |
//! | 010 | fail | DMARC fails for a domain of the organization itself | §2.2: self-to-self spoof; a capture with 000 is a known deviation (§9, 11) |
//! | 000 | fail | DMARC fails, and the record asks to act on it: explicit failure | §2.2: `p=quarantine` or `p=reject` |
//! | 103 | pass | the client has the name of the author's domain | §2.2: "From domain aligns with the PTR record of the source IP" |
//! | 202 | softpass | the client has a name in the author's organization | §2.2: "From domain aligns with the domain of the PTR of the connecting IP" |
//! | 001 | fail | the sending domain publishes nothing to authenticate it: implicit failure | §2.2: "the sending domain publishes no authentication records" |
//!
//! What no rule decides is [`NotSupportedYet`]. The order is ours where several rules apply: no document gives one
//! (`exchange.md` §2.3 proposes one). Nor does any tell 103 and 202 apart; see [`client_names`](crate::client_names).
//!
//! Where headers of real messages contradict the documents, the documents are followed; a setting ([`Reading`]) puts what was
//! seen in their place ([`READINGS`]).

use mxlab_mail::authres::{CompAuth, CompAuthResult, DmarcResult, Reason, SpfResult};

use super::facts::Facts;
use crate::client_names::Nearness;
use crate::config::Reading;
use crate::missing::NotSupportedYet;

/// A rule: what it looks at, and the verdict that it gives.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The reason that is stamped.
    pub reason: Reason,
    /// The result that is stamped.
    pub result: CompAuthResult,
    /// Whether the rule applies, if none before it does.
    pub when: fn(&Facts) -> bool,
    /// When that is, as a clause that can stand after "because".
    pub says: &'static str,
    /// Where it is documented, with the words that it follows.
    pub source: &'static str,
}

impl Rule {
    /// The verdict.
    pub fn compauth(&self) -> CompAuth {
        CompAuth { result: self.result, reason: self.reason }
    }
}

/// All rules, in order of precedence.
pub const RULES: &[Rule] = &[
    Rule {
        reason: Reason::new(100),
        result: CompAuthResult::Pass,
        when: |facts| facts.dmarc == DmarcResult::Pass,
        says: "DMARC passes: explicit pass",
        source: "§2.2: \"SPF passed or DKIM passed, and the MAIL FROM and From domains align\"",
    },
    Rule {
        reason: Reason::new(109),
        result: CompAuthResult::Pass,
        when: |facts| facts.dmarc == DmarcResult::BestGuessPass,
        says: "an aligned pass without a DMARC record is the best guess",
        source: "§2.3: no DMARC record, and the message would pass with one",
    },
    Rule {
        reason: Reason::new(111),
        result: CompAuthResult::Pass,
        when: |facts| matches!(facts.dmarc, DmarcResult::TempError | DmarcResult::PermError) && facts.aligned,
        says: "DMARC could not be evaluated, and an aligned domain has passed",
        source: "§2.2: DMARC error, yet the domain of SPF or DKIM aligns",
    },
    Rule {
        reason: Reason::new(112),
        result: CompAuthResult::Pass,
        when: |facts| facts.dmarc == DmarcResult::TempError,
        says: "the DMARC record could not be fetched",
        source: "§2.2: DNS failed for the DMARC record",
    },
    Rule {
        reason: Reason::new(451),
        result: CompAuthResult::None,
        when: |facts| facts.fails_explicitly() && facts.gateway,
        says: "DMARC fails, but a gateway is in front of the recipient: DMARC is not enforced",
        source: "§2.2: seen where the MX is a gateway (S-02 to S-04, S-21, S-36); §2.5: Honor DMARC does not work there",
    },
    Rule {
        reason: Reason::new(10),
        result: CompAuthResult::Fail,
        when: |facts| facts.fails_explicitly() && facts.own_domain,
        says: "DMARC fails for a domain of the organization itself",
        source: "§2.2: self-to-self spoof; a capture with 000 is a known deviation (§9, 11)",
    },
    Rule {
        reason: Reason::new(0),
        result: CompAuthResult::Fail,
        when: Facts::fails_explicitly,
        says: "DMARC fails, and the record asks to act on it: explicit failure",
        source: "§2.2: `p=quarantine` or `p=reject`",
    },
    Rule {
        reason: Reason::new(103),
        result: CompAuthResult::Pass,
        when: |facts| facts.is_implicit() && facts.client == Nearness::Domain,
        says: "the client has the name of the author's domain",
        source: "§2.2: \"From domain aligns with the PTR record of the source IP\"",
    },
    Rule {
        reason: Reason::new(202),
        result: CompAuthResult::SoftPass,
        when: |facts| facts.is_implicit() && facts.client == Nearness::Organization,
        says: "the client has a name in the author's organization",
        source: "§2.2: \"From domain aligns with the domain of the PTR of the connecting IP\"",
    },
    Rule {
        reason: Reason::new(1),
        result: CompAuthResult::Fail,
        when: |facts| facts.dmarc == DmarcResult::None && facts.spf == SpfResult::None && !facts.own_domain,
        says: "the sending domain publishes nothing to authenticate it: implicit failure",
        source: "§2.2: \"the sending domain publishes no authentication records\"",
    },
];

/// A rule in place of a documented one.
#[derive(Clone, Copy, Debug)]
pub struct Replacement {
    /// The setting with which it is used.
    pub reading: Reading,
    /// The reason of the documented rule.
    pub instead_of: Reason,
    /// What is stamped.
    pub reason: Reason,
    /// The result that is stamped.
    pub result: CompAuthResult,
    /// What decides, as a clause that can stand after "because".
    pub says: &'static str,
}

/// What was seen against the documents (`exchange.md` §9).
pub const READINGS: &[Replacement] = &[
    Replacement {
        reading: Reading::TimeoutAs001,
        instead_of: Reason::new(112),
        reason: Reason::new(1),
        result: CompAuthResult::Fail,
        says: "the DMARC record could not be fetched: implicit failure, as was seen (S-08), and not reason 112, as is documented",
    },
    Replacement {
        reading: Reading::OwnDomainAs000,
        instead_of: Reason::new(10),
        reason: Reason::new(0),
        result: CompAuthResult::Fail,
        says: "DMARC fails for a domain of the organization itself: explicit failure, as was seen (S-37), and not reason 010, as is documented",
    },
];

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The verdict.
    pub compauth: CompAuth,
    /// When that is, as a clause that can stand after "because".
    pub says: &'static str,
}

impl Decided {
    /// The rule as a reason for the verdict, a clause that can stand after "because".
    pub fn because(&self) -> String {
        format!("{}, reason {}", self.says, self.compauth.reason)
    }
}

/// The verdict on these facts with these readings.
///
/// # Errors
/// When no rule decides.
pub fn decide(facts: &Facts, readings: &[Reading]) -> Result<Decided, NotSupportedYet> {
    let rule = RULES.iter().find(|rule| (rule.when)(facts));
    let rule = rule.ok_or_else(|| NotSupportedYet::new(format!("the composite reason for {facts}")))?;
    let replacement = READINGS.iter().find(|it| it.instead_of == rule.reason && readings.contains(&it.reading));
    Ok(match replacement {
        Some(Replacement { reason, result, says, .. }) => {
            Decided { compauth: CompAuth { result: *result, reason: *reason }, says }
        }
        None => Decided { compauth: rule.compauth(), says: rule.says },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use mxlab_auth::dmarc::Policy;

    use super::*;

    /// Somebody else's author, about whom nothing is known.
    const FOREIGN: Facts = Facts {
        spf: SpfResult::None,
        dmarc: DmarcResult::None,
        policy: None,
        aligned: false,
        own_domain: false,
        client: Nearness::Foreign,
        gateway: false,
    };

    /// Every combination of facts, also those that no message can have.
    fn space() -> Vec<Facts> {
        let mut space = Vec::new();
        for word in ["pass", "fail", "softfail", "neutral", "none", "temperror", "permerror"] {
            let spf = SpfResult::from_word(word).expect("a result");
            for word in ["pass", "fail", "bestguesspass", "none", "temperror", "permerror"] {
                let dmarc = DmarcResult::from_word(word).expect("a result");
                for policy in [None, Some(Policy::None), Some(Policy::Quarantine), Some(Policy::Reject)] {
                    for (aligned, own_domain) in [(false, false), (false, true), (true, false), (true, true)] {
                        for client in [Nearness::Foreign, Nearness::Organization, Nearness::Domain] {
                            for gateway in [false, true] {
                                space.push(Facts { spf, dmarc, policy, aligned, own_domain, client, gateway });
                            }
                        }
                    }
                }
            }
        }
        space
    }

    /// How much of the space each rule decides, in order of precedence, and how much none does. A rule that reaches further
    /// or less far than before changes a number.
    #[test]
    fn what_each_rule_decides() {
        let mut decided: BTreeMap<Option<Reason>, usize> = BTreeMap::new();
        for facts in space() {
            *decided.entry(decide(&facts, &[]).ok().map(|decided| decided.compauth.reason)).or_default() += 1;
        }
        let shown =
            |rule: &Rule| (rule.reason.to_string(), decided.get(&Some(rule.reason)).copied().unwrap_or_default());
        let mut counts: Vec<_> = RULES.iter().map(shown).collect();
        counts.push(("not supported".to_owned(), decided.get(&None).copied().unwrap_or_default()));
        let expected = [
            ("100", 672),
            ("109", 672),
            ("111", 672),
            ("112", 336),
            ("451", 168),
            ("010", 84),
            ("000", 84),
            ("103", 168),
            ("202", 168),
            ("001", 16),
            ("not supported", 992),
        ];
        assert_eq!(counts, expected.map(|(reason, count)| (reason.to_owned(), count)));
        assert_eq!(counts.iter().map(|(_, count)| count).sum::<usize>(), space().len());
    }

    /// Where two rules apply, the order decides. All such pairs, the winner first.
    #[test]
    fn where_the_order_decides() {
        let mut pairs = BTreeSet::new();
        for facts in space() {
            let apply: Vec<&Rule> = RULES.iter().filter(|rule| (rule.when)(&facts)).collect();
            if let Some((first, others)) = apply.split_first() {
                pairs.extend(others.iter().map(|other| (first.reason.to_string(), other.reason.to_string())));
            }
        }
        let expected = [("010", "000"), ("103", "001"), ("111", "112"), ("202", "001"), ("451", "000"), ("451", "010")];
        assert_eq!(pairs, expected.map(|(first, other)| (first.to_owned(), other.to_owned())).into());
    }

    #[test]
    fn a_reason_has_one_rule() {
        let reasons: BTreeSet<Reason> = RULES.iter().map(|rule| rule.reason).collect();
        assert_eq!(reasons.len(), RULES.len());
    }

    /// The table at the top of this module is printed from the rules.
    #[test]
    fn the_table_is_that_of_the_rules() {
        let row =
            |rule: &Rule| format!("//! | {} | {} | {} | {} |\n", rule.reason, rule.result, rule.says, rule.source);
        let head = "//! | reason | compauth | when | source in `exchange.md` |\n//! |---|---|---|---|\n";
        let table: String = std::iter::once(head.to_owned()).chain(RULES.iter().map(row)).collect();
        let written: String =
            include_str!("rules.rs").split_inclusive('\n').filter(|line| line.starts_with("//! |")).collect();
        assert_eq!(written, table, "the table should be\n{table}");
    }

    #[track_caller]
    fn check(facts: &Facts, expected: Result<&str, &str>) {
        let outcome = decide(facts, &[]).map(|it| it.compauth.to_string()).map_err(|missing| missing.what);
        assert_eq!(outcome, expected.map(str::to_owned).map_err(str::to_owned), "{facts:?}");
    }

    #[test]
    fn verdicts() {
        use DmarcResult as Dmarc;
        use SpfResult as Spf;
        let facts = |spf, dmarc| Facts { spf, dmarc, ..FOREIGN };
        let own = |facts: Facts| Facts { own_domain: true, ..facts };
        let aligned = |facts: Facts| Facts { aligned: true, ..facts };
        let asks = |policy, facts: Facts| Facts { policy: Some(policy), ..facts };
        check(&aligned(facts(Spf::Pass, Dmarc::Pass)), Ok("compauth=pass reason=100"));
        check(&own(aligned(facts(Spf::Fail, Dmarc::Pass))), Ok("compauth=pass reason=100"));
        check(&aligned(facts(Spf::Pass, Dmarc::BestGuessPass)), Ok("compauth=pass reason=109"));
        check(&own(aligned(facts(Spf::None, Dmarc::BestGuessPass))), Ok("compauth=pass reason=109"));
        check(&facts(Spf::None, Dmarc::None), Ok("compauth=fail reason=001"));
        let called = |client, facts: Facts| Facts { client, ..facts };
        let lenient = asks(Policy::None, facts(Spf::Fail, Dmarc::Fail));
        for implicit in [facts(Spf::None, Dmarc::None), facts(Spf::Fail, Dmarc::None), lenient] {
            check(&called(Nearness::Domain, implicit), Ok("compauth=pass reason=103"));
            check(&called(Nearness::Organization, implicit), Ok("compauth=softpass reason=202"));
        }
        for dmarc in [Dmarc::TempError, Dmarc::PermError] {
            check(&aligned(facts(Spf::Pass, dmarc)), Ok("compauth=pass reason=111"));
        }
        check(&facts(Spf::Fail, Dmarc::TempError), Ok("compauth=pass reason=112"));
        for policy in [Policy::Quarantine, Policy::Reject] {
            check(&asks(policy, facts(Spf::Fail, Dmarc::Fail)), Ok("compauth=fail reason=000"));
            check(&own(asks(policy, facts(Spf::Pass, Dmarc::Fail))), Ok("compauth=fail reason=010"));
            // A name of the client does not outweigh what the owner asks for; a gateway does.
            let named = called(Nearness::Domain, asks(policy, facts(Spf::Fail, Dmarc::Fail)));
            check(&named, Ok("compauth=fail reason=000"));
            let behind = |facts: Facts| Facts { gateway: true, ..facts };
            check(&behind(asks(policy, facts(Spf::Fail, Dmarc::Fail))), Ok("compauth=none reason=451"));
            check(&behind(own(asks(policy, facts(Spf::Fail, Dmarc::Fail)))), Ok("compauth=none reason=451"));
            check(&behind(aligned(asks(policy, facts(Spf::Pass, Dmarc::Pass)))), Ok("compauth=pass reason=100"));
        }
    }

    /// Each reading changes one verdict, and no other one.
    #[test]
    fn readings() {
        let timeout = Facts { dmarc: DmarcResult::TempError, spf: SpfResult::TempError, ..FOREIGN };
        let policy = Some(Policy::Quarantine);
        let own = Facts { dmarc: DmarcResult::Fail, policy, own_domain: true, ..FOREIGN };
        let check = |facts: &Facts, readings: &[Reading], expected: &str| {
            let decided = decide(facts, readings).expect("a verdict");
            assert_eq!(decided.compauth.to_string(), expected, "{readings:?}");
            assert_eq!(decided.because().contains("as was seen"), expected != decide_documented(facts));
        };
        let both = [Reading::OwnDomainAs000, Reading::TimeoutAs001];
        check(&timeout, &[], "compauth=pass reason=112");
        check(&timeout, &[Reading::OwnDomainAs000], "compauth=pass reason=112");
        check(&timeout, &[Reading::TimeoutAs001], "compauth=fail reason=001");
        check(&timeout, &both, "compauth=fail reason=001");
        check(&own, &[], "compauth=fail reason=010");
        check(&own, &[Reading::TimeoutAs001], "compauth=fail reason=010");
        check(&own, &[Reading::OwnDomainAs000], "compauth=fail reason=000");
        for facts in space() {
            let changed = decide(&facts, &both).ok() != decide(&facts, &[]).ok();
            let documented = decide(&facts, &[]).ok().map(|decided| decided.compauth.reason);
            assert_eq!(changed, [Some(Reason::new(112)), Some(Reason::new(10))].contains(&documented), "{facts:?}");
        }
    }

    fn decide_documented(facts: &Facts) -> String {
        decide(facts, &[]).expect("a verdict").compauth.to_string()
    }

    #[test]
    fn what_no_rule_decides_is_named() {
        let facts = |spf, dmarc, own_domain| Facts { spf, dmarc, own_domain, ..FOREIGN };
        let check = |facts: Facts, what: &str| check(&facts, Err(what));
        let own = "the composite reason for spf=none, dmarc=none and an author of the tenant's own domain";
        check(facts(SpfResult::None, DmarcResult::None, true), own);
        let broken = "the composite reason for spf=fail, dmarc=permerror";
        check(facts(SpfResult::Fail, DmarcResult::PermError, false), broken);
        let lenient = Facts { policy: Some(Policy::None), ..facts(SpfResult::Fail, DmarcResult::Fail, true) };
        check(lenient, "the composite reason for spf=fail, dmarc=fail and an author of the tenant's own domain");
        for spf in ["pass", "fail", "softfail", "neutral", "temperror", "permerror"] {
            let result = SpfResult::from_word(spf).expect("a result");
            check(facts(result, DmarcResult::None, false), &format!("the composite reason for spf={spf}, dmarc=none"));
        }
    }
}
