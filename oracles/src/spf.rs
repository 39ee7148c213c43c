//! SPF: random zones and records, evaluated by ours and by pyspf over the same answers.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

mod differences;
mod plan;
mod pyspf;
mod world;

use differences::{DIFFERENCES, Observed, explain};
use pyspf::Pyspf;
use world::Case;

/// What an implementation says of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// `pass`, `fail` and so on; `crash` when the implementation itself fails.
    pub result: String,
    /// What the domain says of its failure.
    pub explanation: Option<String>,
    /// Why, if it is told.
    pub detail: String,
}

impl Verdict {
    fn agrees(&self, other: &Verdict) -> bool {
        (&self.result, &self.explanation) == (&other.result, &other.explanation)
    }

    fn in_words(&self) -> String {
        match &self.explanation {
            Some(explanation) => format!("{} {explanation:?}", self.result),
            None => self.result.clone(),
        }
    }
}

/// What happened so far.
#[derive(Default)]
struct Counts {
    agreed: BTreeMap<String, usize>,
    explained: usize,
    accepted: BTreeMap<&'static str, usize>,
    /// With `survey`: unexplained differences by what is said, each with its shortest example.
    unexplained: BTreeMap<String, (usize, String)>,
}

/// Runs so many cases from a seed, as the differential test of validators does; says so and ends when pyspf cannot be run.
///
/// # Errors
/// Both differ and nothing explains it, or pyspf cannot be talked to.
pub fn run(cases: u32, seed: u64, survey: bool, python: &Path) -> Result<String, String> {
    let pyspf = match Pyspf::start(python) {
        Ok(pyspf) => RefCell::new(pyspf),
        Err(why) => return Ok(format!("skipped: {why}\n")),
    };
    let counts = RefCell::new(Counts::default());
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 5_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let result = runner.run(&plan::cases(), |case| {
        check(&case, &mut pyspf.borrow_mut(), survey, &mut counts.borrow_mut()).map_err(TestCaseError::fail)
    });
    match result {
        Ok(()) => Ok(report(cases, seed, &counts.borrow())),
        Err(TestError::Fail(why, case)) => {
            let again = format!("run it again: spf --seed {seed} --cases {cases}");
            Err(format!("ours and pyspf differ and nothing explains it\n{case}\n{why}\n{again}"))
        }
        Err(TestError::Abort(why)) => Err(format!("no cases: {why}")),
    }
}

fn check(case: &Case, pyspf: &mut Pyspf, survey: bool, counts: &mut Counts) -> Result<(), String> {
    let (ours, trace) = world::evaluate(case);
    let theirs = pyspf.judge(case).map_err(|error| format!("pyspf: {error}"))?;
    if ours.agrees(&theirs) {
        *counts.agreed.entry(ours.result.clone()).or_default() += 1;
        counts.explained += usize::from(ours.explanation.is_some());
        return Ok(());
    }
    if let Some(difference) = explain(&Observed { case, ours: &ours, theirs: &theirs, trace: &trace }) {
        *counts.accepted.entry(difference.name).or_default() += 1;
        return Ok(());
    }
    let [ours, theirs] = [&ours, &theirs].map(|verdict| format!("{} ({})", verdict.in_words(), verdict.detail));
    let lines: Vec<String> = trace.iter().flat_map(|evaluation| evaluation.trace()).collect();
    let example = format!("ours: {ours}\npyspf: {theirs}\n{}", lines.join("\n"));
    if !survey {
        return Err(example);
    }
    let example = format!("{case}\n{example}");
    let kind = format!("ours {}, pyspf {theirs}", ours.split_whitespace().next().unwrap_or_default());
    let (count, kept) = counts.unexplained.entry(kind).or_insert_with(|| (0, example.clone()));
    *count += 1;
    if example.len() < kept.len() {
        *kept = example;
    }
    Ok(())
}

fn report(cases: u32, seed: u64, counts: &Counts) -> String {
    let mut text = format!("{cases} cases from seed {seed}\n");
    for (result, count) in &counts.agreed {
        let _ = writeln!(text, "{count:>8} both {result}");
    }
    let _ = writeln!(text, "{:>8} of them with the same explanation", counts.explained);
    for difference in DIFFERENCES {
        let count = counts.accepted.get(difference.name).copied().unwrap_or_default();
        let _ = writeln!(text, "{count:>8} differ: {}\n         {}", difference.name, difference.explanation);
    }
    for (kind, (count, example)) in &counts.unexplained {
        let _ = writeln!(text, "{count:>8} unexplained: {kind}\n{example}");
    }
    text
}
