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
//! | DMARC could not be evaluated, and SPF or DKIM is aligned | `pass` 111 |
//! | the DMARC record could not be fetched | `pass` 112 |
//! | DMARC fails, and the record says `p=quarantine` or `p=reject` | `fail` 000; 010 if the From domain is the tenant's own |
//! | SPF and DMARC are `none`, nothing that is aligned has passed, and the From domain is not the tenant's own | `fail` 001: "the sending domain publishes no authentication records" |
//! | submitted inside the organization | no composite verdict, and no SPF clause |
//!
//! Nothing here does I/O.

use std::fmt;
use std::net::IpAddr;

use mxlab_auth::dkim::Verification;
use mxlab_auth::dmarc::Policy;
use mxlab_auth::spf;
use mxlab_mail::authres::rfc8601::Payload;
use mxlab_mail::authres::{
    AuthenticationResults, CompAuth, CompAuthResult, DkimClause, DmarcAction, DmarcClause, DmarcResult, LaidOut,
    Reason, SpfClause, SpfIdentity, SpfResult,
};
use mxlab_mail::{Address, ReversePath};

use crate::authenticate::Authenticated;
use crate::config::{Layout, ReceiverConfig, Tenant};
use crate::disposition::{self, Disposition, Folder};
use crate::missing::NotSupportedYet;
use crate::standard;

/// What stands in `Authentication-Results`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Results {
    /// As Microsoft writes it.
    Exchange {
        /// The results.
        results: AuthenticationResults,
        /// The results as the field has them.
        laid_out: LaidOut,
    },
    /// As RFC 8601 has it.
    Standard(Payload),
}

impl fmt::Display for Results {
    /// The unfolded value of the field.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Results::Exchange { laid_out, .. } => laid_out.fmt(f),
            Results::Standard(payload) => payload.fmt(f),
        }
    }
}

/// How a message was judged.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// All results, as they are stamped.
    pub results: Results,
    /// What they rest on; none for mail from inside.
    pub authenticated: Option<Authenticated>,
    /// What becomes of the message.
    pub disposition: Disposition,
    /// The rules and facts that decided, each a clause that can stand after "because".
    pub because: Vec<String>,
}

/// The organization inside which the message was submitted, if it was.
///
/// That is so when the client is one of the organization's own hosts, and all authors, the sender (unless it is nobody) and
/// the recipient all belong to one tenant. A message that merely claims such an author comes from elsewhere, and is judged.
pub fn inside<'a>(
    config: &'a ReceiverConfig,
    client: IpAddr,
    reverse_path: &ReversePath,
    authors: &[Address],
    to: &Address,
) -> Option<&'a Tenant> {
    if !config.internal.iter().any(|own| own.to_canonical() == client.to_canonical()) {
        return None;
    }
    let tenant = config.tenant_of(to.domain())?;
    let sender_belongs = reverse_path.address().is_none_or(|sender| tenant.accepts(sender.domain()));
    let authors_belong = !authors.is_empty() && authors.iter().all(|author| tenant.accepts(author.domain()));
    (sender_belongs && authors_belong).then_some(tenant)
}

/// The clauses of the signatures; a single `none` without one.
fn dkim_clauses(signatures: &[Verification]) -> Vec<DkimClause> {
    if signatures.is_empty() {
        return vec![DkimClause::not_signed()];
    }
    signatures.iter().map(|verification| verification.microsoft().clause).collect()
}

/// The results in the layout that is set, for this recipient.
fn laid_out(results: AuthenticationResults, layout: Layout, to: &Address) -> Results {
    let laid_out = match layout {
        Layout::Current => LaidOut::current(&results),
        Layout::Old => LaidOut::before_2021(&results, to.domain()),
    };
    Results::Exchange { results, laid_out }
}

/// The verdict on a message that was submitted inside `tenant`.
pub fn judge_inside(
    tenant: &Tenant,
    layout: Layout,
    reverse_path: &ReversePath,
    author: &Address,
    to: &Address,
    dkim: &[Verification],
) -> Verdict {
    // A report of the service itself still has an SPF clause, with nobody in it.
    let spf = match reverse_path {
        ReversePath::Address(_) => None,
        ReversePath::Null => Some(SpfClause { result: SpfResult::None, ip: None, identity: SpfIdentity::Null }),
    };
    let header_from = author.domain().to_owned();
    let dmarc = DmarcClause { result: DmarcResult::None, action: DmarcAction::None, header_from };
    let results = AuthenticationResults { spf, dkim: dkim_clauses(dkim), dmarc, compauth: None };
    Verdict {
        results: laid_out(results, layout, to),
        authenticated: None,
        disposition: Disposition::Deliver(Folder::Inbox),
        because: vec![format!("author and recipient belong to {}, whose own host submitted the message", tenant.name)],
    }
}

/// The verdict of Exchange Online on a message from outside, for a recipient of `tenant`.
///
/// # Errors
/// When the documented rules that are implemented do not decide.
pub fn judge(
    authenticated: &Authenticated,
    tenant: &Tenant,
    layout: Layout,
    to: &Address,
) -> Result<Verdict, NotSupportedYet> {
    let Authenticated { spf, dkim, dmarc } = authenticated;
    let facts = Facts {
        spf: spf.result,
        dmarc: dmarc.result,
        policy: dmarc.policy(),
        aligned: dmarc.aligned_spf().is_some() || dmarc.aligned_dkim().is_some(),
        own_domain: tenant.accepts(&dmarc.author),
    };
    let (compauth, rule) = composite(&facts)?;
    let identity = match &spf.identity {
        spf::Identity::MailFrom(sender) => SpfIdentity::MailFrom(sender.domain().to_owned()),
        spf::Identity::Helo(name) => SpfIdentity::Helo(name.clone()),
    };
    let results = AuthenticationResults {
        spf: Some(SpfClause { result: spf.result, ip: Some(spf.ip), identity }),
        dkim: dkim_clauses(dkim),
        dmarc: DmarcClause { result: dmarc.result, action: dmarc.action, header_from: dmarc.author.clone() },
        compauth: Some(compauth),
    };
    let mut because = authenticated.because();
    because.push(rule.to_owned());
    Ok(Verdict {
        results: laid_out(results, layout, to),
        authenticated: Some(authenticated.clone()),
        disposition: disposition::exchange(tenant, dmarc, compauth),
        because,
    })
}

/// The verdict of a server called `server` that follows the RFCs.
///
/// # Errors
/// When a name that was received cannot be written in the field.
pub fn judge_by_standard(server: &str, authenticated: &Authenticated) -> Result<Verdict, NotSupportedYet> {
    let payload = standard::payload(server, authenticated)
        .map_err(|error| NotSupportedYet::new(format!("Authentication-Results for such names: {error}")))?;
    let mut because = authenticated.because();
    because.extend(standard::because(&authenticated.dmarc).map(str::to_owned));
    Ok(Verdict {
        results: Results::Standard(payload),
        authenticated: Some(authenticated.clone()),
        disposition: standard::disposition(&authenticated.dmarc),
        because,
    })
}

/// What the composite verdict is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The result of SPF.
    pub spf: SpfResult,
    /// The result of DMARC.
    pub dmarc: DmarcResult,
    /// The policy of the DMARC record for this author.
    pub policy: Option<Policy>,
    /// Whether SPF or DKIM passed for a domain that is aligned with the author's.
    pub aligned: bool,
    /// Whether the author's domain is one of the tenant's accepted domains.
    pub own_domain: bool,
}

/// The composite verdict with the rule that gave it.
///
/// # Errors
/// When none of the rules of this module decides.
pub fn composite(facts: &Facts) -> Result<(CompAuth, &'static str), NotSupportedYet> {
    let verdict = |result, reason, rule| Ok((CompAuth { result, reason: Reason::new(reason) }, rule));
    let (pass, fail) = (CompAuthResult::Pass, CompAuthResult::Fail);
    let strict = matches!(facts.policy, Some(Policy::Quarantine | Policy::Reject));
    match facts.dmarc {
        DmarcResult::Pass => verdict(pass, 100, "DMARC passes: explicit pass, reason 100"),
        DmarcResult::BestGuessPass => {
            verdict(pass, 109, "an aligned pass without a DMARC record is the best guess, reason 109")
        }
        DmarcResult::TempError | DmarcResult::PermError if facts.aligned => {
            verdict(pass, 111, "DMARC could not be evaluated, and an aligned domain has passed, reason 111")
        }
        DmarcResult::TempError => verdict(pass, 112, "the DMARC record could not be fetched, reason 112"),
        DmarcResult::Fail if strict && facts.own_domain => {
            verdict(fail, 10, "DMARC fails for a domain of the organization itself, reason 010")
        }
        DmarcResult::Fail if strict => {
            verdict(fail, 0, "DMARC fails, and the record asks to act on it: explicit failure, reason 000")
        }
        DmarcResult::None if facts.spf == SpfResult::None && !facts.own_domain => {
            let rule = "the sending domain publishes nothing to authenticate it: implicit failure, reason 001";
            verdict(fail, 1, rule)
        }
        _ => Err(NotSupportedYet::new(format!(
            "the composite reason for spf={}, dmarc={}{}",
            facts.spf,
            facts.dmarc,
            if facts.own_domain { " and an author of the tenant's own domain" } else { "" },
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(facts: &Facts, expected: Option<&str>) {
        let outcome = composite(facts).ok().map(|(compauth, _)| compauth.to_string());
        assert_eq!(outcome.as_deref(), expected, "{facts:?}");
    }

    #[test]
    fn composite_verdicts() {
        use DmarcResult as Dmarc;
        use SpfResult as Spf;
        let facts = |spf, dmarc| Facts { spf, dmarc, policy: None, aligned: false, own_domain: false };
        let own = |facts: Facts| Facts { own_domain: true, ..facts };
        let aligned = |facts: Facts| Facts { aligned: true, ..facts };
        let asks = |policy, facts: Facts| Facts { policy: Some(policy), ..facts };
        check(&aligned(facts(Spf::Pass, Dmarc::Pass)), Some("compauth=pass reason=100"));
        check(&own(aligned(facts(Spf::Fail, Dmarc::Pass))), Some("compauth=pass reason=100"));
        check(&aligned(facts(Spf::Pass, Dmarc::BestGuessPass)), Some("compauth=pass reason=109"));
        check(&own(aligned(facts(Spf::None, Dmarc::BestGuessPass))), Some("compauth=pass reason=109"));
        check(&facts(Spf::None, Dmarc::None), Some("compauth=fail reason=001"));
        for dmarc in [Dmarc::TempError, Dmarc::PermError] {
            check(&aligned(facts(Spf::Pass, dmarc)), Some("compauth=pass reason=111"));
        }
        check(&facts(Spf::Fail, Dmarc::TempError), Some("compauth=pass reason=112"));
        for policy in [Policy::Quarantine, Policy::Reject] {
            check(&asks(policy, facts(Spf::Fail, Dmarc::Fail)), Some("compauth=fail reason=000"));
            check(&own(asks(policy, facts(Spf::Pass, Dmarc::Fail))), Some("compauth=fail reason=010"));
        }
        // What no rule decides.
        check(&own(facts(Spf::None, Dmarc::None)), None);
        check(&facts(Spf::Fail, Dmarc::PermError), None);
        check(&asks(Policy::None, facts(Spf::Fail, Dmarc::Fail)), None);
        for spf in [Spf::Pass, Spf::Fail, Spf::SoftFail, Spf::Neutral, Spf::TempError, Spf::PermError] {
            check(&facts(spf, Dmarc::None), None);
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let facts = Facts {
            spf: SpfResult::Fail,
            dmarc: DmarcResult::Fail,
            policy: Some(Policy::None),
            aligned: false,
            own_domain: true,
        };
        let missing = composite(&facts).expect_err("not decided").what;
        assert_eq!(missing, "the composite reason for spf=fail, dmarc=fail and an author of the tenant's own domain");
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
        let found = inside(&config, client.parse().expect("an address"), &from, &[author], &to);
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
            judge_inside(&tenant, Layout::Current, from, &author, &author, &[]).results.to_string()
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
