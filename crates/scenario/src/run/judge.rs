//! What did not hold: expectations, claims, and what the engines themselves could not do.

use mxlab_record::Entry;
use mxlab_record::common::NotSupported;

use super::Failure;
use crate::expect::Asked;
use crate::registry;
use mxlab_language::{Scenario, Sources, Span};

/// What the record of a run fails: what an engine could not do, expectations that do not hold.
pub(super) fn judge(scenario: &Scenario, sources: &Sources, asked: &Asked<'_>) -> Vec<Failure> {
    let mut failures = Vec::new();
    for entry in asked.entries.iter().filter(|entry| entry.kind == NotSupported::KIND.name) {
        let told = entry.story.first().map_or("", String::as_str);
        failures.push(failure("not-supported", format!("{}: {told}", entry.actor), sources, scenario.title.span()));
    }
    for expectation in &scenario.expects {
        if let Some(message) = asked.unmet(expectation) {
            failures.push(failure("expectation", message, sources, expectation.span));
        }
    }
    for expectation in &scenario.nevers {
        if let Some(message) = asked.broken(expectation) {
            failures.push(failure("never", message, sources, expectation.span));
        }
    }
    failures
}

/// A failure at a place of the file.
pub(super) fn failure(code: &str, message: String, sources: &Sources, span: Span) -> Failure {
    let place = sources.position(span);
    Failure {
        code: code.to_owned(),
        message,
        file: Some(place.path),
        line: Some(place.line),
        column: Some(place.column),
    }
}

/// The claims in `covers` that these entries do not show.
pub(super) fn unshown(scenario: &Scenario, sources: &Sources, entries: &[Entry]) -> Vec<Failure> {
    let claims = scenario.covers.iter();
    claims
        .filter_map(|claim| {
            let message = registry::unshown(claim.as_str(), entries)?;
            Some(failure("covers", message, sources, claim.span()))
        })
        .collect()
}
