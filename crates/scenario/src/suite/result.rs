//! What came of a suite, as data: of each case, and of all together.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::found::is_inside;
use crate::exit_code::ExitCode;
use crate::run::{Failure, Run, RunResult};

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
    pub(super) fn or_worse(self, other: CaseOutcome) -> CaseOutcome {
        let (one, two) = (self.exit_code(), other.exit_code());
        if one.or_worse(two) == one { self } else { other }
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
