//! An evaluation, step by step.
//!
//! Steps are in the order in which they began: the record of a domain, then its terms as far as they were evaluated.
//! The steps of an `include` follow it, one level deeper; a `redirect` continues at its own level.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use mxlab_mail::authres::SpfResult;

use super::{MAX_LOOKUPS, MAX_VOID_TERMS};
use crate::dns::Lookup;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How many includes it is in.
    pub depth: usize,
    /// The domain whose record it belongs to.
    pub domain: Arc<str>,
    /// The term as it is written; none for the record itself.
    pub term: Option<String>,
    /// What the domain of the term expanded to.
    pub target: Option<String>,
    /// Its own lookups.
    pub lookups: Vec<Lookup>,
    /// How many terms had asked DNS when the step ended, of [`MAX_LOOKUPS`].
    pub terms: usize,
    /// How many terms had a lookup without an answer by then, of [`MAX_VOID_TERMS`].
    pub void_terms: usize,
    /// How many lookups of terms had come back without an answer. Others limit these.
    pub void_lookups: usize,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The domain publishes this record.
    Record(String),
    /// The domain publishes no record.
    NoRecord,
    /// The mechanism matched.
    Matched,
    /// The mechanism did not match.
    NotMatched {
        /// For an include, the result at the other domain.
        inner: Option<SpfResult>,
        /// Why nothing was looked up: `is not a name of DNS`.
        why: Option<&'static str>,
    },
    /// The evaluation continued at the target.
    Redirected,
    /// The domain explains its failures like this.
    Explained(String),
    /// There is no explanation, and why.
    NotExplained(String),
    /// The evaluation ended here, and why there is no better result.
    Problem(String),
    /// The evaluation ended within the include.
    InnerProblem,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Record(text) => write!(f, "\"{text}\""),
            Outcome::NoRecord => f.write_str("no record"),
            Outcome::Matched => f.write_str("matches"),
            Outcome::NotMatched { inner: Some(result), .. } => write!(f, "no match, {} there", result.word()),
            Outcome::NotMatched { why: Some(why), .. } => write!(f, "no match, the target {why}"),
            Outcome::NotMatched { .. } => f.write_str("no match"),
            Outcome::Redirected => f.write_str("goes on there"),
            Outcome::Explained(text) => write!(f, "\"{text}\""),
            Outcome::NotExplained(why) => write!(f, "no explanation: {why}"),
            Outcome::Problem(why) => f.write_str(why),
            Outcome::InnerProblem => f.write_str("cannot be decided"),
        }
    }
}

/// The steps in lines: each with its cost so far and its lookups below it, indented by its depth.
pub(super) fn lines(steps: &[Step]) -> Vec<String> {
    let mut lines = Vec::new();
    for step in steps {
        let indent = "    ".repeat(step.depth);
        let what = step.term.as_deref().unwrap_or(&step.domain);
        let mut line = format!("{indent}{what}");
        if let Some(target) = step.target.as_deref().filter(|target| !what.ends_with(target)) {
            line.push_str(&format!(" -> {target}"));
        }
        line.push_str(&format!(": {}", step.outcome));
        if step.term.is_some() && !step.lookups.is_empty() {
            let Step { terms, void_terms, void_lookups, .. } = step;
            line.push_str(&format!(
                " (terms {terms}/{MAX_LOOKUPS}, void terms {void_terms}/{MAX_VOID_TERMS} with {void_lookups} void lookups)"
            ));
        }
        lines.push(line);
        // The lookup of a record adds nothing to the line above, unless it failed.
        if step.term.is_some() || matches!(step.outcome, Outcome::Problem(_)) {
            lines.extend(step.lookups.iter().map(|lookup| format!("{indent}  {lookup}")));
        }
    }
    lines
}

/// The steps that decided, in clauses that can follow "because", each once: records that include each other in a circle
/// say nothing new the second time. `domain` is the name for the first domain.
pub(super) fn reasons(steps: &[Step], domain: &str, ip: IpAddr) -> Vec<String> {
    let mut reasons = Vec::new();
    decide(steps, 0, Some(domain), ip, &mut reasons);
    let mut told = BTreeSet::new();
    reasons.retain(|reason| told.insert(reason.clone()));
    reasons
}

/// The reasons of the steps of one depth, with those of the include that decided.
fn decide(steps: &[Step], depth: usize, mut first: Option<&str>, ip: IpAddr, reasons: &mut Vec<String>) {
    let mut decided = false;
    let mut published = false;
    for (at, step) in steps.iter().enumerate().filter(|(_, step)| step.depth == depth) {
        let term = step.term.as_deref().unwrap_or_default();
        match &step.outcome {
            Outcome::Record(text) => {
                let domain = first.take().unwrap_or(&step.domain);
                reasons.push(format!("{domain} publishes \"{text}\""));
                published = true;
            }
            Outcome::NoRecord if decided => {}
            Outcome::NoRecord => {
                let domain = first.take().unwrap_or(&step.domain);
                reasons.push(format!("{domain} publishes no SPF record"));
            }
            Outcome::Matched => {
                decide(inside(steps, at), depth + 1, None, ip, reasons);
                reasons.push(format!("{term} matches {ip}"));
                decided = true;
            }
            Outcome::InnerProblem => {
                decide(inside(steps, at), depth + 1, None, ip, reasons);
                decided = true;
            }
            Outcome::Problem(why) => {
                reasons.push(why.clone());
                decided = true;
            }
            Outcome::NotMatched { .. } | Outcome::Redirected | Outcome::Explained(_) | Outcome::NotExplained(_) => {}
        }
    }
    if published && !decided {
        reasons.push(format!("no term matches {ip}"));
    }
}

/// The steps within the include at this place.
fn inside(steps: &[Step], at: usize) -> &[Step] {
    let after = steps.get(at + 1..).unwrap_or_default();
    let depth = steps.get(at).map_or(0, |step| step.depth);
    let end = after.iter().position(|step| step.depth <= depth).unwrap_or(after.len());
    after.get(..end).unwrap_or_default()
}
