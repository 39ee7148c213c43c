//! DMARC (RFC 7489): does the owner of the author's domain stand behind this message?
//!
//! The owner publishes `v=DMARC1; p=…` at `_dmarc.` the author's domain, or at its organizational domain for all below
//! (§6.6.3). A message passes when SPF or DKIM passed for a domain that is aligned with the author's ([`crate::alignment`]).
//! Microsoft adds one result: without a record, a message that would have passed with relaxed alignment is a
//! `bestguesspass`.

pub mod record;

use mxlab_mail::authres::{DkimClause, DkimResult, DmarcAction, DmarcResult, SpfResult};

use crate::alignment::{Mode, aligned, organizational_domain};
use crate::dns::{self, Data, Dns, DnsError, Lookup, RecordKind};
use crate::{NotSupportedYet, spf};
pub use record::{Policy, Record, RecordError};

/// What was found at `_dmarc`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discovery {
    /// No record, neither at the author's domain nor at the organizational one.
    Nothing,
    /// A record.
    Found {
        /// The domain that publishes it, without `_dmarc.`.
        domain: String,
        /// Its text.
        text: String,
        /// The record.
        record: Record,
    },
    /// DNS failed.
    TempError {
        /// How.
        problem: String,
    },
    /// What is published cannot be understood, or there are several records.
    PermError {
        /// What is wrong.
        problem: String,
    },
}

/// A result with what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The result.
    pub result: DmarcResult,
    /// What the owner asks for, in the words of the header; `none` unless the result is a failure.
    pub action: DmarcAction,
    /// The author's domain, as it was received.
    pub author: String,
    /// The record.
    pub discovery: Discovery,
    /// The domain whose SPF pass is aligned.
    pub aligned_spf: Option<String>,
    /// The domain whose DKIM pass is aligned.
    pub aligned_dkim: Option<String>,
    /// All lookups in order.
    pub lookups: Vec<Lookup>,
}

impl Evaluation {
    /// The policy that applies: `sp` for a subdomain of the domain that publishes the record, else `p`.
    pub fn policy(&self) -> Option<Policy> {
        match &self.discovery {
            Discovery::Found { domain, record, .. } => Some(record.policy_for(domain, &self.author)),
            _ => None,
        }
    }

    /// The deciding facts, each a clause that can stand after "because".
    pub fn because(&self) -> Vec<String> {
        let mut reasons = vec![match &self.discovery {
            Discovery::Nothing => format!("{} publishes no DMARC record", self.author),
            Discovery::Found { domain, text, .. } => format!("_dmarc.{domain} is \"{text}\""),
            Discovery::TempError { problem } | Discovery::PermError { problem } => problem.clone(),
        }];
        let author = &self.author;
        for (method, domain) in [("SPF", &self.aligned_spf), ("DKIM", &self.aligned_dkim)] {
            if let Some(domain) = domain {
                reasons.push(format!("{method} passes for {domain}, which is aligned with {author}"));
            }
        }
        if self.aligned_spf.is_none() && self.aligned_dkim.is_none() {
            reasons.push(format!("neither SPF nor DKIM passes for a domain aligned with {author}"));
        }
        reasons
    }
}

/// Evaluates DMARC for a message whose author is at `author`.
///
/// # Errors
/// When the answer depends on what is not supported yet.
pub async fn evaluate(
    dns: &dyn Dns,
    author: &str,
    spf: Option<&spf::Evaluation>,
    dkim: &[DkimClause],
) -> Result<Evaluation, NotSupportedYet> {
    if !author.is_ascii() {
        return Err(NotSupportedYet::new(format!("DMARC for the internationalized domain {author}")));
    }
    let mut lookups = Vec::new();
    let discovery = discover(dns, &mut lookups, author).await;
    Ok(decide(author, discovery, lookups, spf, dkim))
}

/// The result, given everything that was found. Pure.
fn decide(
    author: &str,
    discovery: Discovery,
    lookups: Vec<Lookup>,
    spf: Option<&spf::Evaluation>,
    dkim: &[DkimClause],
) -> Evaluation {
    let (aspf, adkim) = match &discovery {
        Discovery::Found { record, .. } => (record.aspf, record.adkim),
        _ => (Mode::Relaxed, Mode::Relaxed),
    };
    let aligned_spf = spf
        .filter(|spf| spf.result == SpfResult::Pass)
        .map(|spf| spf.identity.domain().to_owned())
        .filter(|domain| aligned(domain, author, aspf));
    let aligned_dkim = dkim
        .iter()
        .filter(|clause| clause.result == DkimResult::Pass)
        .filter_map(|clause| clause.domain.clone())
        .find(|domain| aligned(domain, author, adkim));
    let passes = aligned_spf.is_some() || aligned_dkim.is_some();
    let (result, action) = match &discovery {
        Discovery::Found { .. } if passes => (DmarcResult::Pass, DmarcAction::None),
        Discovery::Found { domain, record, .. } => (DmarcResult::Fail, action(record.policy_for(domain, author))),
        Discovery::Nothing if passes => (DmarcResult::BestGuessPass, DmarcAction::None),
        Discovery::Nothing => (DmarcResult::None, DmarcAction::None),
        Discovery::TempError { .. } => (DmarcResult::TempError, DmarcAction::None),
        Discovery::PermError { .. } => (DmarcResult::PermError, DmarcAction::None),
    };
    Evaluation { result, action, author: author.to_owned(), discovery, aligned_spf, aligned_dkim, lookups }
}

/// How a failure under this policy is written; `pct` is the receiver's business.
fn action(policy: Policy) -> DmarcAction {
    match policy {
        Policy::None => DmarcAction::None,
        Policy::Quarantine => DmarcAction::Quarantine,
        Policy::Reject => DmarcAction::OReject,
    }
}

/// Looks for the record at the author's domain, then at its organizational domain (RFC 7489 §6.6.3).
async fn discover(dns: &dyn Dns, lookups: &mut Vec<Lookup>, author: &str) -> Discovery {
    let author = mxlab_mail::address::normalized_domain(author);
    let organizational = organizational_domain(&author);
    let mut domains = vec![author];
    if organizational != domains[0] {
        domains.push(organizational);
    }
    for domain in domains {
        let name = format!("_dmarc.{domain}");
        let data = match dns::ask(dns, lookups, &name, RecordKind::Txt).await {
            Ok(data) => data,
            Err(DnsError::NxDomain) => continue,
            Err(error) => {
                let reason = error.to_string();
                return Discovery::TempError { problem: format!("{name} TXT could not be looked up: {reason}") };
            }
        };
        let mut texts = data.iter().filter_map(|data| match data {
            Data::Txt(text) if record::is_dmarc(text) => Some(text),
            _ => None,
        });
        let Some(text) = texts.next() else { continue };
        if texts.next().is_some() {
            return Discovery::PermError { problem: format!("{name} has several DMARC records") };
        }
        let text = String::from_utf8_lossy(text).into_owned();
        return match text.parse() {
            Ok(record) => Discovery::Found { domain, text, record },
            Err(error) => Discovery::PermError { problem: format!("{name} is \"{text}\": {error}") },
        };
    }
    Discovery::Nothing
}

#[cfg(test)]
mod tests;
