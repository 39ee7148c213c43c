//! DMARC: does the owner of the author's domain vouch for this message?
//!
//! The owner publishes `v=DMARC1; p=…` at `_dmarc.` below the author's domain, or above it for all domains below. A
//! message passes when SPF or DKIM passed for a domain that is aligned with the author's: the same one, or one of the
//! same organization. When it fails, the record says what the owner asks for.
//!
//! Two standards say how ([`Rules`]):
//!
//! | | RFC 7489, with RFC 9091 | RFC 9989 |
//! |---|---|---|
//! | where a record may be | author's domain, organizational domain | both, and the public suffix above |
//! | the organizational domain | Public Suffix List ([`crate::alignment`]) | found in DNS ([`walk`]) |
//! | a subdomain does not exist (`np=`) | no A, no AAAA and no MX record | NXDOMAIN |
//! | the policy applies to some messages only | `pct=`: the rest gets the next weaker one | `t=y`: all get the next weaker one |
//! | DNS fails while an identifier is checked | the identifier does not pass | the result is `temperror` (§5.3.6) |
//! | several author domains | each is checked, the strictest failure decides (§6.6.1) | not applied (§5.3.1) |
//!
//! Exchange Online follows the first, and adds a result of its own: without a record, a message that would have passed
//! with relaxed alignment is a `bestguesspass` ([`Settings::exchange`]).
//!
//! | module | holds |
//! |---|---|
//! | [`record`], [`uri`] | what is published |
//! | [`published`], [`discovery`], [`walk`] | where it is found |
//! | [`facts`] | the standard to follow, and what is known before DNS is asked |
//! | [`identifiers`] | which authenticated domains are aligned with the author's |
//! | [`evaluation`] | the result with what it rests on |
//! | [`report`] | aggregate reports |

pub mod discovery;
pub mod evaluation;
pub mod facts;
pub mod identifiers;
pub mod published;
pub mod record;
pub mod report;
pub mod uri;
pub mod walk;

use std::collections::BTreeSet;

use mxlab_mail::authres::DmarcResult;

use crate::dns::{Dns, DnsError, RecordKind};
use crate::idn::{a_labels, a_labels_or_same};
pub use discovery::{Discovery, Place, Step};
pub use evaluation::{Evaluation, Existence, Request, Sample, Tag};
pub use facts::{Facts, Identifier, MAX_SIGNERS, Outcome, Rules, Settings};
pub use identifiers::{Alignment, Method, Relation};
pub use published::Finding;
use published::Published;
pub use record::{Policies, Policy, Record, RecordError};
pub use uri::ReportUri;

/// The most author domains of a message that are checked. A message that names more is [`Discovery::NotApplicable`], so
/// the receiver has to refuse it, or more names would be a way around a policy.
pub const MAX_AUTHORS: usize = 10;

/// Evaluates DMARC for a message whose author is at `author`.
pub async fn evaluate(dns: &dyn Dns, settings: Settings, author: &str, facts: &Facts) -> Evaluation {
    let not_applicable = |problem: String| {
        let discovery = Discovery::NotApplicable { problem };
        Evaluation::decide(settings, author, facts, discovery, Vec::new(), Existence::NotAsked, Vec::new())
    };
    let Some(domain) = a_labels(author) else {
        return not_applicable(format!("{author} cannot be written in A-labels"));
    };
    if domain.starts_with('[') || domain.split('.').any(str::is_empty) {
        return not_applicable(format!("{author} is not a domain name"));
    }
    let mut published = Published::new(dns, settings.rules);
    let (discovery, steps) = discovery::discover(&mut published, &domain).await;
    let existence = match &discovery {
        Discovery::Found { policies, place, .. } if policies.nonexistent.is_some() && *place != Place::Author => {
            existence(&mut published, settings.rules, &domain).await
        }
        _ => Existence::NotAsked,
    };
    let alignments = identifiers::align(&mut published, settings.rules, &domain, &discovery, facts).await;
    let mut evaluation = Evaluation::decide(settings, author, facts, discovery, steps, existence, alignments);
    evaluation.lookups = published.lookups;
    evaluation
}

/// Each of these domains once, as first written. Two that are the same in A-labels count as one.
pub fn distinct_domains<'a>(domains: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut known = BTreeSet::new();
    domains.into_iter().filter(|domain| known.insert(a_labels_or_same(domain))).collect()
}

/// Evaluates DMARC for a message whose `From` names these domains; there may be none.
///
/// One domain, however often it is named, is [`evaluate`]d. If there are several, by RFC 7489 §6.6.1 each is checked,
/// and the strictest policy among those that fail decides; so the message passes only if it passes for all. RFC 9989
/// §5.3.1 does not apply DMARC to them.
pub async fn evaluate_authors(dns: &dyn Dns, settings: Settings, authors: &[String], facts: &Facts) -> Evaluation {
    let distinct = distinct_domains(authors.iter().map(String::as_str));
    let not_applicable = |problem: String| {
        let discovery = Discovery::NotApplicable { problem };
        let first = distinct.first().copied().unwrap_or_default();
        Evaluation::decide(settings, first, facts, discovery, Vec::new(), Existence::NotAsked, Vec::new())
    };
    match (distinct.as_slice(), settings.rules) {
        ([], _) => return not_applicable("the message names no author".to_owned()),
        ([author], _) => return evaluate(dns, settings, author, facts).await,
        (several, Rules::Rfc9989) => {
            return not_applicable(format!("From names {} domains, but DMARC applies only to one", several.len()));
        }
        (several, Rules::Rfc7489) if several.len() > MAX_AUTHORS => {
            return not_applicable(format!("From names {} domains, more than {MAX_AUTHORS}", several.len()));
        }
        _ => {}
    }
    let mut evaluations = Vec::new();
    for author in &distinct {
        evaluations.push(evaluate(dns, settings, author, facts).await);
    }
    let each = evaluations.iter().map(|it| (it.author.clone(), it.result)).collect();
    // The first of the worst.
    let worst = evaluations.into_iter().rev().max_by_key(badness);
    let mut worst = match worst {
        Some(worst) => worst,
        None => return not_applicable("the message names no author".to_owned()),
    };
    worst.authors = each;
    worst
}

/// How much an evaluation counts against the message: failures first, by the policy that they ask for.
fn badness(evaluation: &Evaluation) -> (u8, Option<Policy>) {
    let rank = match evaluation.result {
        DmarcResult::Pass => 0,
        DmarcResult::BestGuessPass => 1,
        DmarcResult::None => 2,
        DmarcResult::PermError => 3,
        DmarcResult::TempError => 4,
        DmarcResult::Fail => 5,
    };
    (rank, evaluation.request.map(|request| request.applied))
}

/// Whether the author's domain exists: by RFC 9091 §2.7 when it has an address or a mail exchanger, by RFC 9989 §3.2.13
/// when the answer is not NXDOMAIN.
async fn existence(published: &mut Published<'_>, rules: Rules, domain: &str) -> Existence {
    let kinds: &[RecordKind] = match rules {
        Rules::Rfc7489 => &[RecordKind::A, RecordKind::Aaaa, RecordKind::Mx],
        Rules::Rfc9989 => &[RecordKind::A],
    };
    for kind in kinds {
        match published.ask(domain, *kind).await {
            Ok(data) if data.is_empty() && rules == Rules::Rfc7489 => {}
            Ok(_) => return Existence::Exists,
            // RFC 8020: then there are no records of other types either.
            Err(DnsError::NxDomain) => return Existence::Missing,
            Err(error) => {
                let reason = error.to_string();
                return Existence::Unknown { problem: format!("{domain} {kind} could not be looked up: {reason}") };
            }
        }
    }
    Existence::Missing
}

#[cfg(test)]
mod tests;
