//! Many scenarios: finding them, running them on several threads, comparing stories with snapshots.
//!
//! `plan` chooses what to run from what `found` finds, `case` runs it, `files` and `snapshots` judge what takes all runs of
//! a file. The result is data ([`CaseResult`], [`Summary`]); `mxlab-report` renders it for the terminal or as JSON.

mod case;
mod error;
mod files;
mod filter;
mod found;
mod options;
mod plan;
mod result;
mod snapshots;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use mxlab_env::memo;

use crate::engine::Engines;
pub use crate::run::Failure;
use crate::snapshot;
use case::{case_of, milliseconds_since, real_time, run_job};
pub use error::SuiteError;
pub use filter::absolute_filter;
pub use found::{Found, discover};
pub use options::Options;
use plan::{Job, plan};
pub use result::{CaseOutcome, CaseResult, Counts, Hashes, Summary, compare_hashes, reproduction};

/// The ids of all scenarios that the filters let through, with their titles.
///
/// # Errors
/// If a filter matches nothing, or a file cannot be read.
pub fn list(options: &Options) -> Result<Vec<(String, String)>, SuiteError> {
    let plan = plan(options)?;
    let mut list: Vec<(String, String)> =
        plan.jobs.into_iter().map(|job| (job.scenario, job.cell.scenario.title.get().clone())).collect();
    list.extend(plan.invalid.into_iter().map(|case| (case.scenario, "(has mistakes)".to_owned())));
    list.sort();
    list.dedup();
    Ok(list)
}

/// Something that happens while a suite runs.
#[derive(Debug)]
pub enum Progress<'a> {
    /// This many cases will run.
    Planned(usize),
    /// One has ended.
    Ended(&'a CaseResult),
}

/// Runs a suite. `progress` is called on the calling thread; `interrupted` ends the suite after the running cases.
///
/// # Errors
/// If a filter matches nothing, or a file cannot be read.
pub fn run(
    options: &Options,
    engines: &dyn Engines,
    interrupted: &AtomicBool,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Summary, SuiteError> {
    let started = real_time();
    let plan = plan(options)?;
    progress(Progress::Planned(plan.jobs.len() + plan.invalid.len()));
    let mut cases = Vec::new();
    for case in plan.invalid {
        progress(Progress::Ended(&case));
        cases.push(case);
    }
    cases.extend(run_jobs(options, engines, &plan.jobs, interrupted, progress));
    cases.sort_by(|a, b| (&a.scenario, a.seed).cmp(&(&b.scenario, b.seed)));
    files::judge(options, &plan.cells, &mut cases);
    snapshots::settle(options, &mut cases);
    warn_once_a_file(&mut cases);
    let mut errors = Vec::new();
    let orphans = match &plan.all_ids {
        Some(ids) if options.filters.is_empty() && options.partition.is_none() && options.until.is_none() => {
            snapshot::orphans(&options.root.join("snapshots"), ids).unwrap_or_else(|error| {
                errors.push(format!("snapshots: {error}"));
                Vec::new()
            })
        }
        _ => Vec::new(),
    };
    let shown = |path: &PathBuf| path.strip_prefix(&options.root).unwrap_or(path).display().to_string();
    Ok(Summary {
        cases,
        orphans: orphans.iter().map(shown).collect(),
        errors,
        wall_ms: milliseconds_since(started),
        interrupted: interrupted.load(Ordering::Relaxed),
    })
}

/// The warnings of a file are the same for all its cells and seeds.
fn warn_once_a_file(cases: &mut [CaseResult]) {
    let mut told = BTreeSet::new();
    for case in cases {
        if !case.warnings.is_empty() && !told.insert(case.path.clone()) {
            case.warnings.clear();
        }
    }
}

/// Runs the jobs; those that an interrupt left come back as skipped.
#[allow(clippy::disallowed_methods, reason = "each scenario runs whole on one thread; the threads share nothing")]
fn run_jobs(
    options: &Options,
    engines: &dyn Engines,
    jobs: &[Job],
    interrupted: &AtomicBool,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Vec<CaseResult> {
    let next = AtomicUsize::new(0);
    let (results, finished) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.clamp(1, jobs.len().max(1)) {
            let (results, next) = (results.clone(), &next);
            scope.spawn(move || {
                let _memo = memo::set(options.memo);
                while !interrupted.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(index) else { break };
                    if results.send((index, run_job(options, engines, job))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(results);
        let mut cases: Vec<Option<CaseResult>> = jobs.iter().map(|_| None).collect();
        for (index, mut case) in finished {
            progress(Progress::Ended(&case));
            case.record = None;
            if let Some(slot) = cases.get_mut(index) {
                *slot = Some(case);
            }
        }
        cases
            .into_iter()
            .zip(jobs)
            .map(|(case, job)| case.unwrap_or_else(|| case_of(job, CaseOutcome::Skipped)))
            .collect()
    })
}

/// Where editors find the JSON schema of scenario files, below the root.
pub const SCHEMA: &str = "schema/scenario.schema.json";

/// Writes the JSON schema of scenario files; returns its path below the root.
///
/// # Errors
/// If the file cannot be written.
pub fn write_schema(root: &Path) -> Result<&'static str, SuiteError> {
    let io_error = |error| SuiteError::Io { path: SCHEMA.to_owned(), error };
    let target = root.join(SCHEMA);
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder).map_err(io_error)?;
    }
    std::fs::write(&target, mxlab_language::schema::text()).map_err(io_error)?;
    Ok(SCHEMA)
}
