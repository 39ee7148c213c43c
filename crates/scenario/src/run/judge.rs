//! What did not hold: expectations, claims, what the file says of its seed, and what the engines themselves could not do.

use std::collections::BTreeMap;

use mxlab_record::Entry;
use mxlab_record::common::NotSupported;

use super::Failure;
use super::fault::Idle;
use crate::expect::Asked;
use crate::registry;
use mxlab_language::script::Action;
use mxlab_language::{Scenario, Sources, Span};
use mxlab_world::dialogue::Spoken;

/// What the record of a run fails: what an engine could not do, expectations that do not hold.
pub(super) fn judge(scenario: &Scenario, sources: &Sources, asked: &Asked<'_>) -> Vec<Failure> {
    let mut failures = Vec::new();
    for entry in asked.entries.iter().filter(|entry| entry.kind == NotSupported::KIND.name) {
        let told = entry.story.first().map_or("", String::as_str);
        failures.push(failure("not-supported", format!("{}: {told}", entry.actor), sources, scenario.title.span()));
    }
    for (index, at) in scenario.at.iter().enumerate() {
        if let Action::Dialogue(_) = &at.action
            && let Some(message) = unlike(asked.entries, index)
        {
            failures.push(failure("dialogue", message, sources, at.span));
        }
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

/// How the session of an entry of the script differs from what is written there.
fn unlike(entries: &[Entry], index: usize) -> Option<String> {
    let number = i64::try_from(index).ok();
    let of_kind = |entry: &&Entry| entry.kind == Spoken::KIND.name && entry.fields.number("entry") == number;
    match entries.iter().find(of_kind) {
        Some(spoken) => spoken.fields.text("unlike").map(str::to_owned),
        None => Some("this session did not come to its end".to_owned()),
    }
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
        difference: None,
    }
}

/// The draws that a run made from its seed, if the file does not say that its story may depend on them. The snapshot would
/// then hold for some seeds and not for others.
pub(super) fn drawn_unsaid(
    scenario: &Scenario,
    sources: &Sources,
    draws: &BTreeMap<&'static str, u64>,
) -> Option<Failure> {
    if draws.is_empty() || scenario.seed_sensitive.is_some() {
        return None;
    }
    let drawn = draws.keys().copied().collect::<Vec<_>>().join(" and ");
    let message = format!(
        "{drawn} was drawn from the seed, so another seed may tell another story: say why that must be, with \
         `seed-sensitive = \"…\"` at the top of the file, or let nothing be drawn"
    );
    Some(failure("seed-sensitive", message, sources, scenario.title.span()))
}

/// What is wrong with `seed-sensitive` if nothing was drawn. Whether a cell draws does not depend on its seed: until the
/// first draw every seed does the same.
pub(super) fn said_undrawn(
    scenario: &Scenario,
    sources: &Sources,
    draws: &BTreeMap<&'static str, u64>,
) -> Option<Failure> {
    let said = scenario.seed_sensitive.as_ref().filter(|_| draws.is_empty())?;
    let message = "nothing was drawn from the seed that may show, so the story is the same for every seed: remove \
                   `seed-sensitive`";
    Some(failure("seed-sensitive", message.to_owned(), sources, said.span()))
}

/// Faults that acted on nothing: whatever the run shows, it does not show what they do.
pub(super) fn never_acted(sources: &Sources, idle: &[Idle]) -> Vec<Failure> {
    let failed = |fault: &Idle| {
        let message = format!(
            "this fault never acted, since nobody came while it lasted: {}\nhelp: let it last, or let mail come in time; if \
             that is how it should be, say `may-not-act = true`",
            fault.what
        );
        failure("never-acted", message, sources, fault.span)
    };
    idle.iter().map(failed).collect()
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
