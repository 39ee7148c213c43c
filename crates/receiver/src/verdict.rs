//! From authentication results to the composite verdict.
//!
//! Exchange Online condenses SPF, DKIM, DMARC and signals of its own into `compauth` with a three-digit reason. The rules
//! here are the documented ones, each beside the words of the documents that it follows; what they do not decide is
//! [`NotSupportedYet`].
//!
//! | condition | verdict |
//! |---|---|
//! | DMARC passes | `pass` 100: "SPF passed or DKIM passed, and the MAIL FROM and From domains align" |
//! | no DMARC record, and the message would pass with one | `pass` 109, `dmarc=bestguesspass` |
//! | SPF, DKIM and DMARC are all `none`, and the From domain is not the tenant's own | `fail` 001: "the sending domain publishes no authentication records" |
//! | submitted inside the organization | no composite verdict, and no SPF clause |
//!
//! Nothing here does I/O.

use std::net::IpAddr;

use mxlab_auth::{NotSupportedYet, dmarc, spf};
use mxlab_mail::authres::{
    AuthenticationResults, CompAuth, CompAuthResult, DkimClause, DkimResult, DmarcAction, DmarcClause, DmarcResult,
    Reason, SpfClause, SpfIdentity, SpfResult,
};
use mxlab_mail::{Address, ReversePath};

use crate::config::{ReceiverConfig, Tenant};

/// Authentication of a message from outside, evaluated.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// SPF.
    pub spf: spf::Evaluation,
    /// DKIM, one clause for each signature.
    pub dkim: Vec<DkimClause>,
    /// DMARC.
    pub dmarc: dmarc::Evaluation,
}

/// How a message was judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// All results, as they are stamped.
    pub results: AuthenticationResults,
    /// The rules and facts that decided, each a clause that can stand after "because".
    pub because: Vec<String>,
}

/// The organization inside which the message was submitted, if it was.
///
/// That is so when the client is one of the organization's own hosts, and the author, the sender (unless it is nobody) and
/// the recipient all belong to one tenant. A message that merely claims such an author comes from elsewhere, and is judged.
pub fn inside<'a>(
    config: &'a ReceiverConfig,
    client: IpAddr,
    reverse_path: &ReversePath,
    author: &Address,
    to: &Address,
) -> Option<&'a Tenant> {
    if !config.internal.iter().any(|own| own.to_canonical() == client.to_canonical()) {
        return None;
    }
    let tenant = config.tenant_of(to.domain())?;
    let sender_belongs = reverse_path.address().is_none_or(|sender| tenant.accepts(sender.domain()));
    (sender_belongs && tenant.accepts(author.domain())).then_some(tenant)
}

/// The verdict on a message that was submitted inside `tenant`.
pub fn judge_inside(tenant: &Tenant, reverse_path: &ReversePath, author: &Address, dkim: Vec<DkimClause>) -> Verdict {
    // A report of the service itself still has an SPF clause, with nobody in it.
    let spf = match reverse_path {
        ReversePath::Address(_) => None,
        ReversePath::Null => Some(SpfClause { result: SpfResult::None, ip: None, identity: SpfIdentity::Null }),
    };
    let header_from = author.domain().to_owned();
    let dmarc = DmarcClause { result: DmarcResult::None, action: DmarcAction::None, header_from };
    let because = vec![format!("author and recipient belong to {}, whose own host submitted the message", tenant.name)];
    Verdict { results: AuthenticationResults { spf, dkim, dmarc, compauth: None }, because }
}

/// The verdict on a message from outside, for a recipient of `tenant`.
///
/// # Errors
/// When the documented rules that are implemented do not decide.
pub fn judge(evaluated: &Evaluated, tenant: &Tenant) -> Result<Verdict, NotSupportedYet> {
    let Evaluated { spf, dkim, dmarc } = evaluated;
    let facts = Facts {
        spf: spf.result,
        dkim: dkim.iter().map(|clause| clause.result).collect(),
        dmarc: dmarc.result,
        own_domain: tenant.accepts(&dmarc.author),
    };
    let (compauth, rule) = composite(&facts)?;
    let identity = match &spf.identity {
        spf::Identity::MailFrom(sender) => SpfIdentity::MailFrom(sender.domain().to_owned()),
        spf::Identity::Helo(name) => SpfIdentity::Helo(name.clone()),
    };
    let results = AuthenticationResults {
        spf: Some(SpfClause { result: spf.result, ip: Some(spf.ip), identity }),
        dkim: dkim.clone(),
        dmarc: DmarcClause { result: dmarc.result, action: dmarc.action, header_from: dmarc.author.clone() },
        compauth: Some(compauth),
    };
    let mut because = spf.because();
    if facts.dkim == [DkimResult::None] {
        because.push("the message is not signed".to_owned());
    }
    because.extend(dmarc.because());
    because.push(rule.to_owned());
    Ok(Verdict { results, because })
}

/// What the composite verdict is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The result of SPF.
    pub spf: SpfResult,
    /// The result of each DKIM signature; one `none` without a signature.
    pub dkim: Vec<DkimResult>,
    /// The result of DMARC.
    pub dmarc: DmarcResult,
    /// Whether the author's domain is one of the tenant's accepted domains.
    pub own_domain: bool,
}

/// The composite verdict with the rule that gave it.
///
/// # Errors
/// When none of the rules of this module decides.
pub fn composite(facts: &Facts) -> Result<(CompAuth, &'static str), NotSupportedYet> {
    let unsigned = facts.dkim.iter().all(|result| *result == DkimResult::None);
    let verdict = |result, reason| CompAuth { result, reason: Reason::new(reason) };
    match facts.dmarc {
        DmarcResult::Pass => Ok((verdict(CompAuthResult::Pass, 100), "DMARC passes: explicit pass, reason 100")),
        DmarcResult::BestGuessPass => {
            let rule = "an aligned pass without a DMARC record is the best guess, reason 109";
            Ok((verdict(CompAuthResult::Pass, 109), rule))
        }
        DmarcResult::None if facts.spf == SpfResult::None && unsigned && !facts.own_domain => {
            let rule = "the sending domain publishes nothing to authenticate it: implicit failure, reason 001";
            Ok((verdict(CompAuthResult::Fail, 1), rule))
        }
        _ => Err(NotSupportedYet::new(format!(
            "the composite reason for spf={}, {}, dmarc={}{}",
            facts.spf,
            facts.dkim.iter().map(|result| format!("dkim={}", result.word())).collect::<Vec<_>>().join(", "),
            facts.dmarc,
            if facts.own_domain { " and an author of the tenant's own domain" } else { "" },
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(spf: SpfResult, dkim: &[DkimResult], dmarc: DmarcResult, own_domain: bool, expected: Option<&str>) {
        let facts = Facts { spf, dkim: dkim.to_vec(), dmarc, own_domain };
        let outcome = composite(&facts).ok().map(|(compauth, _)| compauth.to_string());
        assert_eq!(outcome.as_deref(), expected, "{facts:?}");
    }

    #[test]
    fn composite_verdicts() {
        use DkimResult as Dkim;
        use DmarcResult as Dmarc;
        use SpfResult as Spf;
        let unsigned = [Dkim::None];
        check(Spf::Pass, &unsigned, Dmarc::Pass, false, Some("compauth=pass reason=100"));
        check(Spf::Fail, &[Dkim::Pass], Dmarc::Pass, true, Some("compauth=pass reason=100"));
        check(Spf::Pass, &unsigned, Dmarc::BestGuessPass, false, Some("compauth=pass reason=109"));
        check(Spf::None, &[Dkim::Pass], Dmarc::BestGuessPass, true, Some("compauth=pass reason=109"));
        check(Spf::None, &unsigned, Dmarc::None, false, Some("compauth=fail reason=001"));
        // What no rule decides.
        check(Spf::None, &unsigned, Dmarc::None, true, None);
        check(Spf::None, &[Dkim::FailNoKey], Dmarc::None, false, None);
        check(Spf::None, &[Dkim::None, Dkim::Pass], Dmarc::None, false, None);
        for spf in [Spf::Pass, Spf::Fail, Spf::SoftFail, Spf::Neutral, Spf::TempError, Spf::PermError] {
            check(spf, &unsigned, Dmarc::None, false, None);
        }
        for dmarc in [Dmarc::Fail, Dmarc::TempError, Dmarc::PermError] {
            check(Spf::None, &unsigned, dmarc, false, None);
            check(Spf::Pass, &[Dkim::Pass], dmarc, false, None);
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let facts =
            Facts { spf: SpfResult::Fail, dkim: vec![DkimResult::None], dmarc: DmarcResult::Fail, own_domain: true };
        let missing = composite(&facts).expect_err("not decided").what;
        let expected =
            "the composite reason for spf=fail, dkim=none, dmarc=fail and an author of the tenant's own domain";
        assert_eq!(missing, expected);
    }

    #[track_caller]
    fn check_inside(client: &str, from: &str, author: &str, to: &str, expected: Option<&str>) {
        let mut config = crate::stamp::testing::config();
        config.tenants = vec![
            Tenant::new("contoso", vec!["contoso.example".into(), "contoso.test".into()]),
            Tenant::new("fabrikam", vec!["fabrikam.example".into()]),
        ];
        config.internal = vec![IpAddr::from([192, 0, 2, 5])];
        let (author, to) = (author.parse().expect("an address"), to.parse().expect("an address"));
        let from = from.parse().expect("a path");
        let found = inside(&config, client.parse().expect("an address"), &from, &author, &to);
        assert_eq!(found.map(|tenant| tenant.name.as_str()), expected);
    }

    #[test]
    fn submission_inside_an_organization() {
        let (own, other) = ("192.0.2.5", "192.0.2.6");
        check_inside(own, "<a@contoso.example>", "a@contoso.example", "b@contoso.example", Some("contoso"));
        check_inside(own, "<a@contoso.test>", "a@CONTOSO.example", "b@contoso.test", Some("contoso"));
        check_inside("::ffff:192.0.2.5", "<>", "p@contoso.example", "b@contoso.example", Some("contoso"));
        check_inside(other, "<a@contoso.example>", "a@contoso.example", "b@contoso.example", None);
        check_inside(own, "<a@contoso.example>", "a@contoso.example", "b@fabrikam.example", None);
        check_inside(own, "<a@fabrikam.example>", "a@contoso.example", "b@contoso.example", None);
        check_inside(own, "<a@contoso.example>", "a@fabrikam.example", "b@contoso.example", None);
        check_inside(own, "<a@contoso.example>", "a@sub.contoso.example", "b@contoso.example", None);
        check_inside(own, "<a@else.example>", "a@else.example", "b@else.example", None);
    }

    #[test]
    fn inside_there_is_no_composite_verdict() {
        let tenant = Tenant::new("contoso", vec!["contoso.com".into()]);
        let author: Address = "a@contoso.com".parse().expect("an address");
        let judged = |from: &ReversePath| {
            judge_inside(&tenant, from, &author, vec![DkimClause::not_signed()]).results.to_string()
        };
        assert_eq!(
            judged(&author.clone().into()),
            "dkim=none (message not signed) header.d=none;dmarc=none action=none header.from=contoso.com;"
        );
        assert_eq!(
            judged(&ReversePath::Null),
            "spf=none (sender IP is ) smtp.mailfrom=<>; dkim=none (message not signed) header.d=none;dmarc=none action=none header.from=contoso.com;"
        );
    }
}
