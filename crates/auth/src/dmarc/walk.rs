//! The DNS tree walk (RFC 9989 §4.10): from a domain up to the top, in search of DMARC records.
//!
//! At each name the TXT records at `_dmarc.` below it are looked up. The walk ends early at a record that says whether
//! its domain is a public suffix, `psd=y` or `psd=n`. So that long names cost no more than [`MAX_QUERIES`] questions, a
//! name of eight labels or more is followed by its last seven labels. The organizational domain follows from what was
//! found (§4.10.2), from the longest name to the shortest:
//!
//! | found | organizational domain |
//! |---|---|
//! | a record with `psd=n` | its domain |
//! | a record with `psd=y`, not at the starting point | the domain one label below it |
//! | records without either | the shortest name that has one |
//! | no record | the starting point |
//!
//! Several records at a name, or one that is not a list of tags, count as no record.

use std::fmt;

use super::published::{Finding, Published};
use super::record::Psd;

/// The most questions of one walk (RFC 9989 §4.10).
pub const MAX_QUERIES: usize = 8;

/// The names of a walk from `domain`, if no record ends it early.
pub fn names(domain: &str) -> Vec<&str> {
    let mut names = vec![domain];
    let mut rest = suffix(domain, MAX_QUERIES - 1);
    if rest.len() == domain.len() {
        rest = parent(domain);
    }
    while !rest.is_empty() && names.len() < MAX_QUERIES {
        names.push(rest);
        rest = parent(rest);
    }
    names
}

/// The last `count` labels; the whole domain if it has no more.
pub(super) fn suffix(domain: &str, count: usize) -> &str {
    let mut dots = domain.rmatch_indices('.').map(|(at, _)| at);
    match count.checked_sub(1).and_then(|more| dots.nth(more)) {
        Some(at) => domain.get(at + 1..).unwrap_or_default(),
        None => domain,
    }
}

/// The domain without its first label; empty above the top.
fn parent(domain: &str) -> &str {
    domain.split_once('.').map_or("", |(_, parent)| parent)
}

/// The number of labels.
pub(super) fn labels(domain: &str) -> usize {
    domain.split('.').count()
}

/// What a walk found, from the longest name to the shortest. It contains at least the starting point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    start: String,
    findings: Vec<(String, Finding)>,
}

/// DNS failed on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FailedWalk {
    /// What was found until then, including the failure.
    pub(super) findings: Vec<(String, Finding)>,
    /// How.
    pub(super) reason: String,
}

/// Walks up from `start`, which is in A-labels.
pub(super) async fn walk(published: &mut Published<'_>, start: &str) -> Result<Walk, FailedWalk> {
    let mut findings = Vec::new();
    for name in names(start) {
        let finding = published.at(name).await;
        findings.push((name.to_owned(), finding.clone()));
        match finding {
            Finding::Failed { reason } => return Err(FailedWalk { findings, reason }),
            // §4.10, steps 2 and 6.
            Finding::Record { record, .. } if record.psd != Psd::Unsaid => break,
            _ => {}
        }
    }
    Ok(Walk { start: start.to_owned(), findings })
}

/// An organizational domain and the rule that gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// The domain.
    pub domain: String,
    /// The rule.
    pub rule: Rule,
}

/// A rule of RFC 9989 §4.10.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Its record says `psd=n`.
    SaysSo,
    /// It is one label below a public suffix, whose record says `psd=y`.
    BelowPublicSuffix {
        /// The public suffix.
        suffix: String,
    },
    /// Of the names that have a record, it is the shortest.
    Shortest,
    /// There is no record, so it is the starting point.
    StartingPoint,
}

impl fmt::Display for Organization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let domain = &self.domain;
        match &self.rule {
            Rule::SaysSo => write!(f, "{domain} (whose record says psd=n)"),
            Rule::BelowPublicSuffix { suffix } => write!(f, "{domain} (one label below {suffix} with psd=y)"),
            Rule::Shortest => write!(f, "{domain} (the shortest name with a record)"),
            Rule::StartingPoint => write!(f, "{domain} (which has no record at or above it)"),
        }
    }
}

impl Walk {
    /// What was found at each name, from the longest to the shortest.
    pub fn findings(&self) -> &[(String, Finding)] {
        &self.findings
    }

    /// What was found at this domain, if it was looked up.
    pub fn at(&self, domain: &str) -> Option<&Finding> {
        self.findings.iter().find(|(name, _)| name == domain).map(|(_, finding)| finding)
    }

    /// The organizational domain of the starting point (§4.10.2).
    pub fn organization(&self) -> Organization {
        let mut shortest = None;
        for (name, finding) in &self.findings {
            let Finding::Record { record, .. } = finding else { continue };
            match record.psd {
                Psd::No => return Organization { domain: name.clone(), rule: Rule::SaysSo },
                Psd::Yes if *name != self.start => {
                    let domain = suffix(&self.start, labels(name) + 1).to_owned();
                    return Organization { domain, rule: Rule::BelowPublicSuffix { suffix: name.clone() } };
                }
                Psd::Yes | Psd::Unsaid => shortest = Some(name),
            }
        }
        match shortest {
            Some(name) => Organization { domain: name.clone(), rule: Rule::Shortest },
            None => Organization { domain: self.start.clone(), rule: Rule::StartingPoint },
        }
    }

    /// The public suffix above the starting point, if a record with `psd=y` says where it is.
    pub fn public_suffix(&self) -> Option<&str> {
        let says_so = |(name, finding): &&(String, Finding)| {
            *name != self.start && matches!(finding, Finding::Record { record, .. } if record.psd == Psd::Yes)
        };
        self.findings.iter().find(says_so).map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests;
