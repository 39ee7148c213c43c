//! Running one case, and what its run says of it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mxlab_sim::Bounds;

use super::options::Options;
use super::plan::Job;
use super::result::{CaseOutcome, CaseResult, reproduction};
use crate::engine::Engines;
use crate::run::{self, CellRun, End, Failure, Run, RunOptions, RunResult};

/// How many of the last entries are shown when a bound ends a run.
const LAST_EVENTS: usize = 20;

/// A case that came out like this, of which nothing else is known.
pub(super) fn case_of(job: &Job, outcome: CaseOutcome) -> CaseResult {
    CaseResult {
        scenario: job.scenario.clone(),
        path: job.path.clone(),
        seed: job.seed,
        outcome,
        failures: Vec::new(),
        warnings: job.warnings.clone(),
        asked: job.asked,
        compared: job.compared,
        arguments: None,
        seed_sensitive: job.cell.scenario.seed_sensitive.is_some(),
        run: None,
        story: None,
        record: None,
        wall_ms: 0.0,
    }
}

/// Runs a case to its end.
pub(super) fn run_job(options: &Options, engines: &dyn Engines, job: &Job) -> CaseResult {
    let started = real_time();
    let mut case = case_of(job, CaseOutcome::Passed);
    let run_options = RunOptions {
        id: job.scenario.clone(),
        reproduce: reproduction(&case),
        seed: job.seed,
        until: options.until,
        bounds: Bounds::default(),
        packets: 0,
    };
    // The simulation reports tasks that panic. Other panics are those of the runner, or of an engine that is just being
    // started; the world of that case is dropped with it, and the next case begins with a new one.
    let run = AssertUnwindSafe(|| run::run_cell(&job.cell, &job.sources, engines, &run_options));
    let result = catch_unwind(run);
    case.wall_ms = milliseconds_since(started);
    match result {
        Ok(Ok(CellRun { record, result })) => {
            judge(options, &mut case, &record, &result);
            case.story = Some(record.story().into());
            (case.run, case.record) = (Some(result), Some(record));
        }
        Ok(Err(diagnostics)) => {
            case.outcome = CaseOutcome::Invalid;
            case.failures = Failure::mistakes(&diagnostics);
        }
        Err(panic) => {
            let message = panic.downcast_ref::<String>().map(String::as_str);
            let message =
                message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message");
            case.outcome = CaseOutcome::Panicked;
            case.failures.push(Failure::new("panic", format!("the runner panicked: {message}")));
        }
    }
    case
}

fn judge(options: &Options, case: &mut CaseResult, record: &Run, run: &RunResult) {
    match &run.end {
        End::Panicked { host, task, message } => {
            case.outcome = CaseOutcome::Panicked;
            case.failures.push(Failure::new("panic", format!("host `{host}`, task `{task}` panicked: {message}")));
        }
        End::Outlived { what } => {
            case.outcome = CaseOutcome::Panicked;
            case.failures.push(Failure::new("outlived", what.clone()));
        }
        End::Bound { which } => {
            case.outcome = CaseOutcome::BoundExceeded;
            let mut message = format!("a limit stopped the run: {which}; the last events:");
            for line in record.last_events(LAST_EVENTS) {
                message.push_str("\n  ");
                message.push_str(&line);
            }
            case.failures.push(Failure::new("bound", message));
        }
        End::Finished if options.until.is_none() && !run.failures.is_empty() => {
            case.outcome = CaseOutcome::ExpectationFailed;
            case.failures.extend(run.failures.iter().cloned());
        }
        End::Finished => {}
    }
}

/// The real time, only for `wall_ms`: no result depends on it.
#[allow(clippy::disallowed_methods, reason = "how long a run really took is told, and decides nothing")]
pub(super) fn real_time() -> std::time::Instant {
    std::time::Instant::now()
}

pub(super) fn milliseconds_since(started: std::time::Instant) -> f64 {
    real_time().duration_since(started).as_secs_f64() * 1000.0
}
