//! From the first step of the script to the moment when nothing is left to wait for.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::error::LabError;
use super::expectations;
use super::references::References;
use super::script::Script;
use crate::expect::Asked;
use mxlab_language::expectations::Expectation;

/// How long the world is left alone after everything is at rest, so that sessions close and the last replies arrive.
const GRACE: Duration = Duration::from_secs(60);

/// Starts the engines, plays the script, and waits until everything is at rest.
pub(super) async fn play(script: &mut Script<'_>) -> Result<(), LabError> {
    script.stage.start = Instant::now();
    script.stage.start_outbound().await?;
    script.stage.start_inbound().await?;
    script.run().await?;
    settle(script).await
}

/// Waits until nothing is queued, nothing is on its way, and no window is open; doing what falls due.
async fn settle(script: &mut Script<'_>) -> Result<(), LabError> {
    loop {
        let now = Instant::now();
        script.do_due(now).await?;
        let open = open_until(script);
        if at_rest(script) && open.is_none() {
            tokio::time::sleep(GRACE).await;
            if at_rest(script) {
                return Ok(());
            }
            continue;
        }
        let wake = [open, script.stage.next_due()].into_iter().flatten().filter(|at| *at > now).min();
        let (journal, in_flight) = (script.stage.lab.journal.clone(), script.stage.in_flight.clone());
        tokio::select! {
            biased;
            () = journal.grown() => {}
            () = in_flight.changed() => {}
            () = sleep_until_or_for_ever(wake) => {}
        }
    }
}

/// Whether nothing is queued, on its way or due.
pub(super) fn at_rest(script: &Script<'_>) -> bool {
    !is_busy(script) && script.stage.next_due().is_none()
}

/// Whether something is queued or on its way.
fn is_busy(script: &Script<'_>) -> bool {
    !script.stage.in_flight.is_empty()
        || script.stage.outbound.as_ref().is_some_and(|engine| engine.queued_messages() > 0)
        || script.stage.inbound.as_ref().is_some_and(|engine| engine.queued_messages() > 0)
}

async fn sleep_until_or_for_ever(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// When the last undecided window of an expectation closes; none if all are decided.
fn open_until(script: &Script<'_>) -> Option<Instant> {
    let scenario = script.stage.scenario;
    let now = scenario.epoch.checked_add(Instant::now().duration_since(script.stage.start)).unwrap_or(Timestamp::MAX);
    let open: Vec<(&Expectation, Timestamp)> = expectations(scenario)
        .filter_map(|expectation| Some((expectation, scenario.instant(*expectation.within.as_ref()?.get()))))
        .filter(|(_, end)| *end > now)
        .collect();
    if open.is_empty() {
        return None;
    }
    // While something waits or is on its way, more entries come: the windows need not be looked at yet.
    let busy = is_busy(script);
    let entries = if busy { Vec::new() } else { script.stage.lab.journal.entries() };
    let references = References::new(scenario, &script.stage.lab.made, Some(&script.stage.lab.internet));
    let asked = Asked { scenario, entries: &entries, sent: &script.stage.sent, references: &references };
    let undecided = open.into_iter().filter(|(expectation, _)| busy || !asked.is_decided(expectation));
    let last = undecided.map(|(_, end)| end).max()?;
    Some(script.stage.start + Duration::try_from(last.duration_since(scenario.epoch)).unwrap_or_default())
}
