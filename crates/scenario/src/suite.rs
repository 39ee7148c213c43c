//! Many scenarios: finding them, running them on several threads, comparing stories with snapshots.
//!
//! The result is data ([`CaseResult`], [`Summary`]); `mxlab-report` renders it for the terminal or as JSON.

mod files;
mod filter;
mod plan;
mod snapshots;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use mxlab_env::memo;
use mxlab_sim::Bounds;

use crate::engine::Engines;
use crate::exit_code::ExitCode;
pub use crate::run::Failure;
use crate::run::{self, CellRun, End, Run, RunOptions, RunResult};
use crate::snapshot;
pub use filter::absolute_filter;
pub use plan::{Found, discover};
use plan::{Job, is_inside, mistakes, plan};

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The repository: the folder that holds `scenarios/` and `snapshots/`.
    pub root: PathBuf,
    /// Parts of ids, or paths of files (`path.toml`, `path.toml[axis=value]`); none for all.
    pub filters: Vec<String>,
    /// The seeds to run each scenario with; none for the one in its file.
    pub seeds: Vec<u64>,
    /// Number of threads.
    pub jobs: usize,
    /// Write snapshots instead of comparing them.
    pub bless: bool,
    /// Run only the part `.0` of `.1` (from 1), by hash of the id.
    pub partition: Option<(u64, u64)>,
    /// Stop every run here, in seconds of virtual time, and compare nothing.
    pub until: Option<u64>,
    /// Sign and check once what several runs sign and check alike ([`mxlab_env::memo`]). No result depends on it.
    pub memo: bool,
}

/// How many of the last entries are shown when a bound ends a run.
const LAST_EVENTS: usize = 20;

/// The outcome of one case, in order of precedence for the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseOutcome {
    /// All held.
    Passed,
    /// The story differs from its snapshot, or there is none.
    SnapshotDiffers,
    /// An expectation did not hold, a claim in `covers` is shown by no cell of the file, or what the file says of its seed
    /// is not so.
    ExpectationFailed,
    /// Two runs of the same scenario and seed differ.
    Nondeterministic,
    /// A limit stopped the run.
    BoundExceeded,
    /// The file has mistakes.
    Invalid,
    /// A task panicked, or the runner itself failed.
    Panicked,
    /// Not run.
    Skipped,
}

impl CaseOutcome {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            CaseOutcome::Passed => "passed",
            CaseOutcome::SnapshotDiffers => "snapshot-differs",
            CaseOutcome::ExpectationFailed => "expectation-failed",
            CaseOutcome::Nondeterministic => "nondeterministic",
            CaseOutcome::BoundExceeded => "bound-exceeded",
            CaseOutcome::Invalid => "invalid",
            CaseOutcome::Panicked => "panicked",
            CaseOutcome::Skipped => "skipped",
        }
    }

    /// The exit code that it asks for.
    pub fn exit_code(self) -> ExitCode {
        match self {
            CaseOutcome::Passed | CaseOutcome::Skipped => ExitCode::AllHeld,
            CaseOutcome::SnapshotDiffers => ExitCode::SnapshotDiffers,
            CaseOutcome::ExpectationFailed => ExitCode::ExpectationFailed,
            CaseOutcome::Nondeterministic => ExitCode::Nondeterministic,
            CaseOutcome::BoundExceeded => ExitCode::BoundExceeded,
            CaseOutcome::Invalid => ExitCode::Invalid,
            CaseOutcome::Panicked => ExitCode::Internal,
        }
    }

    /// The more severe of two.
    #[must_use]
    fn or_worse(self, other: CaseOutcome) -> CaseOutcome {
        let (one, two) = (self.exit_code(), other.exit_code());
        if one.or_worse(two) == one { self } else { other }
    }
}

impl Failure {
    fn new(code: &str, message: impl Into<String>) -> Failure {
        Failure { code: code.to_owned(), message: message.into(), file: None, line: None, column: None }
    }
}

/// One scenario (or cell of a matrix), run with one seed.
#[derive(Clone, Debug)]
pub struct CaseResult {
    /// Its id: `dane/mismatch`, `retry/crash[how=kill]`.
    pub scenario: String,
    /// Its file, relative to the root.
    pub path: String,
    /// The seed it ran with.
    pub seed: u64,
    /// How it came out.
    pub outcome: CaseOutcome,
    /// What is wrong.
    pub failures: Vec<Failure>,
    /// Warnings about the file, rendered; only with the first case of the file.
    pub warnings: Vec<String>,
    /// Whether its story is compared with a snapshot: not if the file lies outside `scenarios/`, nor if the story depends
    /// on the seed and this is another seed than the file's.
    pub compared: bool,
    /// Whether the file says `seed-sensitive`; no if the file could not be read.
    pub seed_sensitive: bool,
    /// What came of the run, if there was one.
    pub run: Option<RunResult>,
    /// Its story.
    pub story: Option<String>,
    /// What happened in it. Only until the case has been handed to `progress`: the records of a whole suite, with many
    /// seeds, would not fit into memory.
    pub record: Option<Arc<Run>>,
    /// Real time that the run took, in milliseconds.
    pub wall_ms: f64,
}

/// The whole suite.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// All cases, sorted by id, then seed.
    pub cases: Vec<CaseResult>,
    /// Snapshots, and stories that wait for a review, that belong to no scenario. Only looked for when everything runs.
    pub orphans: Vec<String>,
    /// Errors of the runner that do not belong to a case.
    pub errors: Vec<String>,
    /// Real time of the suite, in milliseconds.
    pub wall_ms: f64,
    /// Whether it was interrupted: results are partial.
    pub interrupted: bool,
}

/// How many cases there are, by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub cases: usize,
    /// Those that passed.
    pub passed: usize,
    /// Those that were not run.
    pub skipped: usize,
}

impl Counts {
    fn add(&mut self, outcome: CaseOutcome) {
        self.cases += 1;
        match outcome {
            CaseOutcome::Passed => self.passed += 1,
            CaseOutcome::Skipped => self.skipped += 1,
            CaseOutcome::SnapshotDiffers
            | CaseOutcome::ExpectationFailed
            | CaseOutcome::Nondeterministic
            | CaseOutcome::BoundExceeded
            | CaseOutcome::Invalid
            | CaseOutcome::Panicked => {}
        }
    }

    /// Those that ran, or could not, and did not pass.
    pub fn failed(self) -> usize {
        self.cases - self.passed - self.skipped
    }
}

impl Summary {
    /// All cases.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.cases.iter().for_each(|case| counts.add(case.outcome));
        counts
    }

    /// The cases of files that say `seed-sensitive`.
    pub fn seed_sensitive(&self) -> Counts {
        let mut counts = Counts::default();
        for case in self.cases.iter().filter(|case| case.seed_sensitive) {
            counts.add(case.outcome);
        }
        counts
    }

    /// The exit code of the command contract.
    pub fn exit_code(&self) -> ExitCode {
        if self.interrupted {
            return ExitCode::Interrupted;
        }
        let orphaned = if self.orphans.is_empty() { ExitCode::AllHeld } else { ExitCode::SnapshotDiffers };
        let internal = if self.errors.is_empty() { ExitCode::AllHeld } else { ExitCode::Internal };
        self.cases.iter().map(|case| case.outcome.exit_code()).fold(orphaned.or_worse(internal), ExitCode::or_worse)
    }
}

/// Why a suite could not start.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// A filter that matches nothing is probably a typing mistake.
    #[error("no scenario matches `{filter}`\n{}", offer(near))]
    NothingMatches {
        /// What was typed.
        filter: String,
        /// The most similar ids.
        near: Vec<String>,
    },
    /// A path leads nowhere.
    #[error("there is no file `{0}`")]
    NoSuchFile(String),
    /// A world is not a scenario.
    #[error("`{0}` is a world, not a scenario")]
    IsWorld(String),
    /// Results of two files could not be told apart.
    #[error("`{one}` and `{other}` would both be called `{id}`: run them one after the other")]
    SameName {
        /// The id of both.
        id: String,
        /// The path of one.
        one: String,
        /// The path of the other.
        other: String,
    },
    /// An error of the file system.
    #[error("{path}: {error}")]
    Io {
        /// Where.
        path: String,
        /// What.
        error: io::Error,
    },
}

impl SuiteError {
    /// The exit code of the command contract: wrong usage, or an internal error.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            SuiteError::Io { .. } => ExitCode::Internal,
            SuiteError::NothingMatches { .. }
            | SuiteError::NoSuchFile(_)
            | SuiteError::IsWorld(_)
            | SuiteError::SameName { .. } => ExitCode::Usage,
        }
    }
}

fn offer(near: &[String]) -> String {
    if near.is_empty() {
        return "help: `cargo xtask scenarios --list` shows all".to_owned();
    }
    let quoted: Vec<String> = near.iter().map(|id| format!("`{id}`")).collect();
    format!("help: did you mean {}?", quoted.join(", "))
}

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

fn case_of(job: &Job, outcome: CaseOutcome) -> CaseResult {
    CaseResult {
        scenario: job.scenario.clone(),
        path: job.path.clone(),
        seed: job.seed,
        outcome,
        failures: Vec::new(),
        warnings: job.warnings.clone(),
        compared: job.compared,
        seed_sensitive: job.cell.scenario.seed_sensitive.is_some(),
        run: None,
        story: None,
        record: None,
        wall_ms: 0.0,
    }
}

fn run_job(options: &Options, engines: &dyn Engines, job: &Job) -> CaseResult {
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
            case.story = Some(record.story());
            (case.run, case.record) = (Some(result), Some(record));
        }
        Ok(Err(diagnostics)) => {
            case.outcome = CaseOutcome::Invalid;
            case.failures = mistakes(&diagnostics);
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

/// The line that runs a case again.
pub fn reproduction(case: &CaseResult) -> String {
    // A file outside `scenarios/` is found by its path, its cell by what follows the name.
    let cell = case.scenario.find('[').map_or("", |at| &case.scenario[at..]);
    let name = if is_inside(&case.path) { case.scenario.clone() } else { format!("{}{cell}", case.path) };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+' | '=' | ',' | ':' | '@');
    let name = if name.chars().all(plain) { name } else { format!("'{}'", name.replace('\'', "'\\''")) };
    match case.outcome {
        CaseOutcome::Invalid => format!("cargo xtask scenarios {name}"),
        _ => format!("cargo xtask scenarios {name} --seed {}", case.seed),
    }
}

/// The hashes of record and packets of each case, by scenario and seed.
pub type Hashes = BTreeMap<(String, u64), (String, String)>;

/// Compares the hashes of two runs of the same suite and marks what differs. Returns the cases that the second run lacks:
/// that is not a difference, but a failure of the second run.
#[must_use]
pub fn compare_hashes(summary: &mut Summary, second: &Hashes) -> Vec<String> {
    let mut lacking = Vec::new();
    for case in &mut summary.cases {
        let Some(run) = &case.run else { continue };
        let difference = match second.get(&(case.scenario.clone(), case.seed)) {
            None => {
                lacking.push(format!("{} (seed {})", case.scenario, case.seed));
                continue;
            }
            Some((record, _)) if *record != run.record_hash => "the records of two processes differ",
            Some((_, packets)) if *packets != run.packet_hash => {
                "the records of two processes are equal, the packets differ"
            }
            Some(_) => continue,
        };
        case.outcome = case.outcome.or_worse(CaseOutcome::Nondeterministic);
        case.failures.push(Failure::new("nondeterministic", difference));
    }
    lacking
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

/// The real time, only for `wall_ms`: no result depends on it.
#[allow(clippy::disallowed_methods, reason = "how long a run really took is told, and decides nothing")]
fn real_time() -> std::time::Instant {
    std::time::Instant::now()
}

fn milliseconds_since(started: std::time::Instant) -> f64 {
    real_time().duration_since(started).as_secs_f64() * 1000.0
}
