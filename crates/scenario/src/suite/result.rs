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

/// Whether a story is compared with a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// It is.
    Yes,
    /// The file is not below `scenarios/`: it is being tried out, or could not be read.
    Outside,
    /// The file expects nothing: it is run for its story.
    ExpectsNothing,
    /// The story depends on the seed, and its snapshot is that of this other seed.
    OtherSeed(u64),
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
    /// Whether somebody asked for it. If not, it ran because another cell of its file is to be blessed, and is left out of
    /// the summary if it passed.
    pub asked: bool,
    /// Whether its story is compared with a snapshot.
    pub compared: Compared,
    /// The arguments with which it fails again, if its seed alone does not do.
    pub arguments: Option<String>,
    /// Whether the file says `seed-sensitive`; no if the file could not be read.
    pub seed_sensitive: bool,
    /// What came of the run, if there was one.
    pub run: Option<RunResult>,
    /// Its story. Cases that tell the same share it: a suite may have many seeds.
    pub story: Option<Arc<str>>,
    /// What happened in it. Only until the case has been handed to `progress`: the records of a whole suite, with many
    /// seeds, would not fit into memory.
    pub record: Option<Arc<Run>>,
    /// Real time that the run took, in milliseconds.
    pub wall_ms: f64,
}

/// What is wrong with a file of several cells, and with none of them alone.
#[derive(Clone, Debug)]
pub struct FileResult {
    /// Its id.
    pub id: String,
    /// Its path, relative to the root.
    pub path: String,
    /// The seed of all its cells, if the command line gave one.
    pub seed: Option<u64>,
    /// What is wrong.
    pub failures: Vec<Failure>,
}

/// A snapshot that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blessed {
    /// Its path, relative to the root.
    pub path: String,
    /// Whether there was none before.
    pub new: bool,
}

/// The whole suite.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// All cases, sorted by id, then seed.
    pub cases: Vec<CaseResult>,
    /// Files that say something which none of their cells bears out.
    pub files: Vec<FileResult>,
    /// The snapshots that were written; none of those that were right already.
    pub blessed: Vec<Blessed>,
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
        let files = if self.files.is_empty() { ExitCode::AllHeld } else { ExitCode::ExpectationFailed };
        let internal = if self.errors.is_empty() { ExitCode::AllHeld } else { ExitCode::Internal };
        self.cases
            .iter()
            .map(|case| case.outcome.exit_code())
            .fold(orphaned.or_worse(files).or_worse(internal), ExitCode::or_worse)
    }
}

/// The command that runs a case again, and nothing else: it fails as it did.
pub fn reproduction(case: &CaseResult) -> String {
    let seed = || format!("--seed {}", case.seed);
    let arguments = match (&case.arguments, case.outcome) {
        (Some(arguments), _) => arguments.clone(),
        // The file is wrong for every seed.
        (None, CaseOutcome::Invalid) => String::new(),
        (None, CaseOutcome::Nondeterministic) => format!("{} --verify-determinism", seed()),
        (None, _) => seed(),
    };
    command(&case.path, &case.scenario, &arguments)
}

impl FileResult {
    /// The command that runs the file again: it fails as it did.
    pub fn reproduction(&self) -> String {
        let arguments = self.seed.map_or_else(String::new, |seed| format!("--seed {seed}"));
        command(&self.path, &self.id, &arguments)
    }
}

/// The command that accepts the story of a case as its snapshot.
pub fn acceptance(case: &CaseResult) -> String {
    command(&case.path, &case.scenario, "--bless")
}

fn command(path: &str, id: &str, arguments: &str) -> String {
    // A file outside `scenarios/` is found by its path, its cell by what follows the name.
    let cell = id.find('[').map_or("", |at| &id[at..]);
    let name = if is_inside(path) { id.to_owned() } else { format!("{path}{cell}") };
    // What begins like an option is a path all the same.
    let name = if name.starts_with('-') { format!("./{name}") } else { name };
    let command = format!("cargo xtask scenarios {} {arguments}", quoted(&name));
    command.trim_end().to_owned()
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+' | '=' | ',' | ':' | '@');
    if word.chars().all(plain) {
        word.to_owned()
    } else if word.chars().any(char::is_control) {
        let letters = word.chars().map(|c| match c {
            '\\' | '\'' => format!("\\{c}"),
            c if c.is_ascii_control() => format!("\\x{:02x}", u32::from(c)),
            c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
            c => c.to_string(),
        });
        format!("$'{}'", letters.collect::<String>())
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
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
