//! From what is known about a message to the verdict on it, for one recipient.
//!
//! Exchange Online condenses SPF, DKIM, DMARC and signals of its own into `compauth` with a three-digit reason. The rules
//! that give it are a table ([`rules::RULES`]), asked about [`Facts`]; what they do not decide is [`NotSupportedYet`]. A
//! message that was submitted inside the organization gets no composite verdict, and no SPF clause.
//!
//! Nothing here does I/O.

mod facts;
pub mod rules;

use std::fmt;

use mxlab_auth::dkim::Verification;
use mxlab_auth::spf;
use mxlab_mail::authres::rfc8601::Payload;
use mxlab_mail::authres::{
    AuthenticationResults, DkimClause, DmarcAction, DmarcClause, DmarcResult, LaidOut, SpfClause, SpfIdentity,
    SpfResult,
};
use mxlab_mail::{Address, ReversePath};

use crate::config::{HeaderLayout, Profile, ReceiverConfig, RecipientTenant};
use crate::disposition::{self, Disposition, Folder};
use crate::evidence::{Authenticated, Evidence};
use crate::missing::NotSupportedYet;
use crate::route::Way;
use crate::standard;
pub use facts::{Facts, Failing};

/// The content of `Authentication-Results`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Results {
    /// In Microsoft's form.
    Exchange {
        /// The results.
        results: AuthenticationResults,
        /// The results as the field has them.
        laid_out: LaidOut,
    },
    /// In the form of RFC 8601.
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
    /// Their evidence; none for mail from inside.
    pub authenticated: Option<Authenticated>,
    /// The disposition of the message.
    pub disposition: Disposition,
    /// The rules and facts that decided, each a clause that can follow "because".
    pub because: Vec<String>,
}

/// The verdict on a message for one recipient, who belongs to `tenant`.
///
/// # Errors
/// When the rules that are implemented do not decide, or a result cannot be written in the field.
pub fn judge(
    evidence: &Evidence,
    config: &ReceiverConfig,
    tenant: &RecipientTenant,
    to: &Address,
) -> Result<Verdict, NotSupportedYet> {
    if let (true, Some(author)) = (evidence.is_inside(config.profile, tenant), evidence.authors.first()) {
        return Ok(inside(tenant, config.layout, &evidence.reverse_path, author, to, &evidence.dkim));
    }
    let authenticated = evidence.authenticated.as_ref();
    let authenticated = authenticated.ok_or_else(|| NotSupportedYet::new("a message that was not authenticated"))?;
    match config.profile {
        Profile::Exo => composite(authenticated, config, tenant, to),
        Profile::Rfc => by_standard(&config.name, authenticated),
    }
}

/// The clauses of the signatures; a single `none` without one.
fn dkim_clauses(signatures: &[Verification]) -> Vec<DkimClause> {
    if signatures.is_empty() {
        return vec![DkimClause::not_signed()];
    }
    signatures.iter().map(|verification| verification.microsoft().clause).collect()
}

/// The results in the layout that is set, for this recipient.
fn laid_out(results: AuthenticationResults, layout: HeaderLayout, to: &Address) -> Results {
    let laid_out = match layout {
        HeaderLayout::Current => LaidOut::current(&results),
        HeaderLayout::Old => LaidOut::before_2021(&results, to.domain()),
    };
    Results::Exchange { results, laid_out }
}

/// The verdict on a message that was submitted inside `tenant`.
fn inside(
    tenant: &RecipientTenant,
    layout: HeaderLayout,
    reverse_path: &ReversePath,
    author: &Address,
    to: &Address,
    dkim: &[Verification],
) -> Verdict {
    // A report of the service itself still has an SPF clause, with an empty address.
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
fn composite(
    authenticated: &Authenticated,
    config: &ReceiverConfig,
    tenant: &RecipientTenant,
    to: &Address,
) -> Result<Verdict, NotSupportedYet> {
    let Authenticated { spf, dkim, dmarc, .. } = authenticated;
    let decided = rules::decide(&Facts::new(authenticated, tenant, to), &config.readings)?;
    let compauth = decided.compauth;
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
    because.extend(authenticated.ways.get(to.domain()).and_then(|way| of_way(way, to)));
    because.push(decided.because());
    Ok(Verdict {
        results: laid_out(results, config.layout, to),
        authenticated: Some(authenticated.clone()),
        disposition: disposition::exchange(tenant, dmarc, compauth),
        because,
    })
}

/// What the way of the recipient's mail means for the verdict; none if it comes here directly.
fn of_way(way: &Way, to: &Address) -> Option<String> {
    let domain = to.normalized_domain();
    match way {
        Way::Direct => None,
        Way::Elsewhere => Some(format!("the best MX of {domain} is another host, which takes its mail first")),
        Way::Unknown { problem } => {
            Some(format!("whether a gateway takes mail for {domain} first could not be looked up: {problem}"))
        }
    }
}

/// The verdict of a server called `server` that follows the RFCs.
///
/// # Errors
/// When the server's own name cannot be written in the field.
fn by_standard(server: &str, authenticated: &Authenticated) -> Result<Verdict, NotSupportedYet> {
    let payload = standard::payload(server, authenticated)
        .map_err(|error| NotSupportedYet::new(format!("Authentication-Results of a server called so: {error}")))?;
    let mut because = authenticated.because();
    because.extend(standard::because(&authenticated.dmarc).map(str::to_owned));
    Ok(Verdict {
        results: Results::Standard(payload),
        authenticated: Some(authenticated.clone()),
        disposition: standard::disposition(&authenticated.dmarc),
        because,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inside_there_is_no_composite_verdict() {
        let tenant = RecipientTenant::new("contoso", vec!["contoso.com".into()]);
        let author: Address = "a@contoso.com".parse().expect("an address");
        let judged = |from: &ReversePath| {
            inside(&tenant, HeaderLayout::Current, from, &author, &author, &[]).results.to_string()
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
