//! Finding the record that applies (RFC 7489 §6.6.3, RFC 9989 §4.10.1).
//!
//! Both standards ask at the author's domain first. Then RFC 7489 asks at its organizational domain, which the Public
//! Suffix List gives, and is done after two questions. RFC 9989 walks up the tree ([`super::walk`]), takes the record of
//! the organizational domain that the walk finds, or else the one of the public suffix above it.
//!
//! | at one name | RFC 7489 | RFC 9989 |
//! |---|---|---|
//! | several records | DMARC is not applied: `permerror` | all are discarded, the search goes on |
//! | a tag occurs twice | as for several records | as for several records |
//! | no usable policy, see [`Record::policies`] | DMARC is not applied: `permerror` | the same |
//! | DNS fails | `temperror` | `temperror` |
//!
//! "Not applied" is reported as `permerror` by RFC 7489 §11.2 ("a syntactically incorrect DMARC record").

use std::fmt;

use super::facts::Rules;
use super::published::{Finding, Published};
use super::record::{Policies, Record, RecordError};
use super::walk;
use crate::alignment;

/// One question of the search, with its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The domain, without `_dmarc.`.
    pub domain: String,
    /// What was found there.
    pub finding: Finding,
    /// Whether this is the record that applies.
    pub applies: bool,
}

impl fmt::Display for Step {
    /// `_dmarc.contoso.example: several records, skipped`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "_dmarc.{}: ", self.domain)?;
        match (&self.finding, self.applies) {
            (Finding::Nothing, _) => f.write_str("no record"),
            (Finding::Record { text, .. }, true) => write!(f, "\"{text}\" applies"),
            (Finding::Record { text, .. }, false) => write!(f, "\"{text}\" does not apply"),
            (Finding::Several { count }, _) => write!(f, "{count} records, of which none counts"),
            (Finding::Invalid { text, error }, _) => write!(f, "\"{text}\" does not count: {error}"),
            (Finding::Failed { reason }, _) => f.write_str(reason),
        }
    }
}

/// The place of the record, relative to the author's domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At the author's domain.
    Author,
    /// At its organizational domain, above it.
    Organization,
    /// At the public suffix above both (RFC 9989 §4.10.1).
    PublicSuffix,
}

/// The record that applies, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discovery {
    /// There is none.
    Nothing,
    /// A record with a usable policy.
    Found {
        /// The domain that publishes it, without `_dmarc.`, in A-labels.
        domain: String,
        /// Its text.
        text: String,
        /// The record.
        record: Record,
        /// Its policies.
        policies: Policies,
        /// Where it stands.
        place: Place,
    },
    /// DNS failed.
    TempError {
        /// How.
        problem: String,
    },
    /// The published record cannot be used, or the author's domain cannot be looked up.
    PermError {
        /// What is wrong.
        problem: String,
    },
    /// The message has no author's domain that can be looked up, or more than DMARC allows.
    NotApplicable {
        /// Why.
        problem: String,
    },
}

/// Searches for the record of `author`, which is in A-labels.
pub(super) async fn discover(published: &mut Published<'_>, author: &str) -> (Discovery, Vec<Step>) {
    let mut found = Vec::new();
    let discovery = match published.rules {
        Rules::Rfc7489 => by_list(published, author, &mut found).await,
        Rules::Rfc9989 => by_walk(published, author, &mut found).await,
    };
    if let Discovery::Found { domain, .. } = &discovery {
        for step in &mut found {
            step.applies = step.domain == *domain;
        }
    }
    (discovery, found)
}

/// RFC 7489 §6.6.3.
async fn by_list(published: &mut Published<'_>, author: &str, found: &mut Vec<Step>) -> Discovery {
    let organizational = alignment::organizational_domain(author);
    let mut domains = vec![(author, Place::Author)];
    if organizational != author {
        domains.push((&organizational, Place::Organization));
    }
    for (domain, place) in domains {
        let finding = published.at(domain).await;
        found.push(Step { domain: domain.to_owned(), finding: finding.clone(), applies: false });
        match finding {
            Finding::Nothing => {}
            Finding::Record { text, record } => return usable(domain, text, record, place),
            Finding::Several { .. } => {
                return Discovery::PermError { problem: format!("_dmarc.{domain} has several DMARC records") };
            }
            Finding::Invalid { text, error } => return cannot_be_used(domain, &text, &error),
            Finding::Failed { reason } => return Discovery::TempError { problem: reason },
        }
    }
    Discovery::Nothing
}

/// RFC 9989 §4.10.1.
async fn by_walk(published: &mut Published<'_>, author: &str, found: &mut Vec<Step>) -> Discovery {
    let finding = published.at(author).await;
    if let Finding::Record { text, record } = &finding {
        found.push(Step { domain: author.to_owned(), finding: finding.clone(), applies: false });
        return usable(author, text.clone(), record.clone(), Place::Author);
    }
    // The walk also begins at the author's domain, so that this name is not taken for the starting point of another
    // walk, whose `psd=y` would not count (§4.10.2); it is not looked up again.
    let walk = match walk::walk(published, author).await {
        Ok(walk) => walk,
        Err(failed) => {
            *found = steps(&failed.findings);
            return Discovery::TempError { problem: failed.reason };
        }
    };
    *found = steps(walk.findings());
    let organization = walk.organization();
    let at = |domain: &str| match walk.at(domain) {
        Some(Finding::Record { text, record }) => Some((text.clone(), record.clone())),
        _ => None,
    };
    if let Some((text, record)) = at(&organization.domain) {
        return usable(&organization.domain, text, record, Place::Organization);
    }
    match walk.public_suffix().and_then(|suffix| Some((suffix, at(suffix)?))) {
        Some((suffix, (text, record))) => usable(suffix, text, record, Place::PublicSuffix),
        None => Discovery::Nothing,
    }
}

fn usable(domain: &str, text: String, record: Record, place: Place) -> Discovery {
    match record.policies() {
        Ok(policies) => Discovery::Found { domain: domain.to_owned(), text, record, policies, place },
        Err(error) => cannot_be_used(domain, &text, &error),
    }
}

fn cannot_be_used(domain: &str, text: &str, error: &RecordError) -> Discovery {
    Discovery::PermError { problem: format!("_dmarc.{domain} is \"{text}\": {error}") }
}

/// The steps of a walk, before it is known which record applies.
pub(super) fn steps(findings: &[(String, Finding)]) -> Vec<Step> {
    findings
        .iter()
        .map(|(domain, finding)| Step { domain: domain.clone(), finding: finding.clone(), applies: false })
        .collect()
}
