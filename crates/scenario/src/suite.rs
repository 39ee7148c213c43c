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

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

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
pub use result::{
    Blessed, CaseOutcome, CaseResult, Compared, Counts, FileResult, Hashes, Summary, acceptance, compare_hashes,
    reproduction,
};

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

/// What the files of a suite claim to cover.
pub(crate) struct Claims {
    /// The ids of the behaviours that each file claims, with the file's own id.
    pub(crate) of_files: Vec<(String, Vec<String>)>,
    /// The paths of the files that have mistakes: what they claim is not known.
    pub(crate) invalid: Vec<String>,
}

/// The claims of all files.
///
/// # Errors
/// As [`list`].
pub(crate) fn claims(options: &Options) -> Result<Claims, SuiteError> {
    let plan = plan(options)?;
    let claims = plan.jobs.iter().map(|job| {
        let id = job.scenario.split('[').next().unwrap_or(&job.scenario);
        (id.to_owned(), job.cell.scenario.covers.iter().map(|claim| claim.to_string()).collect())
    });
    let of_files = claims.collect();
    Ok(Claims { of_files, invalid: plan.invalid.into_iter().map(|case| case.path).collect() })
}

/// Something that happens while a suite runs.
#[derive(Debug)]
pub enum Progress<'a> {
    /// This many cases will run.
    Planned(usize),
    /// One has ended.
    Ended(&'a CaseResult),
}

/// Runs a suite. `progress` is called on the calling thread; `interrupted` ends the suite at once.
///
/// # Errors
/// If a filter matches nothing, or a file cannot be read.
pub fn run(
    options: &Options,
    engines: Arc<dyn Engines>,
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
    cases.extend(run_jobs(options, &engines, plan.jobs, interrupted, progress));
    cases.sort_by(|a, b| (&a.scenario, a.seed).cmp(&(&b.scenario, b.seed)));
    let files = files::judge(options, &plan.cells, &mut cases);
    let blessed = snapshots::settle(options, plan.all_ids.as_ref(), &mut cases, &files);
    cases.retain(|case| case.asked || !matches!(case.outcome, CaseOutcome::Passed | CaseOutcome::Skipped));
    warn_once_a_file(&mut cases);
    let mut errors = Vec::new();
    let orphans = match &plan.all_ids {
        Some(ids) if options.filters.is_empty() && options.partition.is_none() && options.settles() => {
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
        files,
        blessed,
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

/// How often an interrupt is looked for while cases run.
const LOOK: Duration = Duration::from_millis(50);
/// How long the running cases may take to end after an interrupt. Then they are left alone.
const LAST_CHANCE: Duration = Duration::from_millis(300);

/// Runs the jobs; those that an interrupt left come back as skipped. A case that is running then is not waited for: its
/// thread goes on by itself, and its result is lost.
#[allow(clippy::disallowed_methods, reason = "each scenario runs whole on one thread; the threads share nothing")]
fn run_jobs(
    options: &Options,
    engines: &Arc<dyn Engines>,
    jobs: Vec<Job>,
    interrupted: &AtomicBool,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Vec<CaseResult> {
    let (jobs, options) = (Arc::new(jobs), Arc::new(options.clone()));
    let next = Arc::new(AtomicUsize::new(0));
    let stop = Arc::new(AtomicBool::new(interrupted.load(Ordering::Relaxed)));
    let (results, finished) = mpsc::channel();
    for _ in 0..options.jobs.clamp(1, jobs.len().max(1)) {
        let (results, engines) = (results.clone(), Arc::clone(engines));
        let (jobs, options, next, stop) = (jobs.clone(), options.clone(), next.clone(), stop.clone());
        std::thread::spawn(move || {
            let _memo = memo::set(options.memo);
            while !stop.load(Ordering::Relaxed) {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(job) = jobs.get(index) else { break };
                if results.send((index, run_job(&options, &*engines, job))).is_err() {
                    break;
                }
            }
        });
    }
    drop(results);
    let mut cases: Vec<Option<CaseResult>> = jobs.iter().map(|_| None).collect();
    let mut told = BTreeMap::new();
    let mut left: Option<Instant> = None;
    loop {
        if interrupted.load(Ordering::Relaxed) {
            stop.store(true, Ordering::Relaxed);
            let since = *left.get_or_insert_with(real_time);
            if real_time().duration_since(since) > LAST_CHANCE {
                break;
            }
        }
        match finished.recv_timeout(LOOK) {
            Ok((index, mut case)) => {
                progress(Progress::Ended(&case));
                case.record = None;
                share_story(&mut case, &mut told);
                if let Some(slot) = cases.get_mut(index) {
                    *slot = Some(case);
                }
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    let without_result = |job: &Job| match left {
        Some(_) => case_of(job, CaseOutcome::Skipped),
        None => {
            let mut case = case_of(job, CaseOutcome::Panicked);
            case.failures.push(Failure::new("panic", "the runner's thread ended without a result"));
            case
        }
    };
    cases.into_iter().zip(jobs.iter()).map(|(case, job)| case.unwrap_or_else(|| without_result(job))).collect()
}

/// Lets a case share its story with the first one of its scenario, if that tells the same.
fn share_story(case: &mut CaseResult, told: &mut BTreeMap<String, Arc<str>>) {
    let Some(story) = &mut case.story else { return };
    match told.get(&case.scenario) {
        Some(first) if *first == *story => *story = Arc::clone(first),
        Some(_) => {}
        None => drop(told.insert(case.scenario.clone(), Arc::clone(story))),
    }
}

/// Where editors find the JSON schema of scenario files, below the root.
pub const SCHEMA: &str = "schema/scenario.schema.json";

/// Writes the JSON schema of scenario files; returns its path below the root. Nothing is written outside of that, even
/// where `schema` leads elsewhere.
///
/// # Errors
/// If the file cannot be written.
pub fn write_schema(root: &Path) -> Result<&'static str, SuiteError> {
    let io_error = |error| SuiteError::Io { path: SCHEMA.to_owned(), error };
    let target = root.join(SCHEMA);
    let folder = target.parent().unwrap_or(root);
    std::fs::create_dir_all(folder).map_err(io_error)?;
    let (here, there) = (root.canonicalize().map_err(io_error)?, folder.canonicalize().map_err(io_error)?);
    let leads_away = target.symlink_metadata().is_ok_and(|found| found.is_symlink());
    if leads_away || !there.starts_with(&here) {
        let message = format!("it leads out of {}", here.display());
        return Err(io_error(std::io::Error::new(std::io::ErrorKind::InvalidInput, message)));
    }
    std::fs::write(&target, mxlab_language::schema::text()).map_err(io_error)?;
    Ok(SCHEMA)
}
