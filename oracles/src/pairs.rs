//! Random cases for ours and one other judge: the common part of the tests of SPF and DKIM.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

/// Which cases to run, and what to do with unexplained differences.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// How many.
    pub cases: u32,
    /// Where they come from.
    pub seed: u64,
    /// Whether to count such a difference instead of failing at the first.
    pub survey: bool,
}

impl Run {
    /// Draws the cases, and checks each one.
    ///
    /// # Errors
    /// The failure of the smallest case found, the case in words, and how to run it again with `command`.
    pub fn each<S: Strategy>(
        self,
        command: &str,
        cases: &S,
        check: impl Fn(&S::Value) -> Result<(), String>,
        in_words: impl Fn(&S::Value) -> String,
    ) -> Result<(), String> {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.seed.to_be_bytes());
        let config =
            Config { cases: self.cases, failure_persistence: None, max_shrink_iters: 5_000, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
        match runner.run(cases, |case| check(&case).map_err(TestCaseError::fail)) {
            Ok(()) => Ok(()),
            Err(TestError::Fail(why, case)) => {
                let again = format!("run it again: {command} --seed {} --cases {}", self.seed, self.cases);
                Err(format!("they differ and nothing explains it\n{}\n{why}\n{again}", in_words(&case)))
            }
            Err(TestError::Abort(why)) => Err(format!("no cases: {why}")),
        }
    }
}

/// What happened so far.
#[derive(Default)]
pub struct Counts {
    agreed: BTreeMap<String, usize>,
    accepted: BTreeMap<&'static str, usize>,
    /// Grouped by what both say, each with its shortest example.
    unexplained: BTreeMap<String, (usize, String)>,
}

impl Counts {
    /// Both say this.
    pub fn agreed(&mut self, word: &str) {
        *self.agreed.entry(word.to_owned()).or_default() += 1;
    }

    /// They differ for a known reason.
    pub fn accepted(&mut self, name: &'static str) {
        *self.accepted.entry(name).or_default() += 1;
    }

    /// They differ in this way, for no known reason.
    pub fn unexplained(&mut self, kind: String, example: String) {
        let (count, kept) = self.unexplained.entry(kind).or_insert_with(|| (0, example.clone()));
        *count += 1;
        if example.len() < kept.len() {
            *kept = example;
        }
    }

    /// A line for each result on which both agreed.
    pub fn agreements(&self) -> String {
        self.agreed.iter().fold(String::new(), |mut text, (word, count)| {
            let _ = writeln!(text, "{count:>8} both agree: {word}");
            text
        })
    }

    /// A paragraph for each known difference, given as name and explanation, and for each unexplained one.
    pub fn differences(&self, known: impl IntoIterator<Item = (&'static str, &'static str)>) -> String {
        let mut text = String::new();
        for (name, explanation) in known {
            let count = self.accepted.get(name).copied().unwrap_or_default();
            let _ = writeln!(text, "{count:>8} differ: {name}\n         {explanation}");
        }
        for (kind, (count, example)) in &self.unexplained {
            let _ = writeln!(text, "{count:>8} unexplained: {kind}\n{example}");
        }
        text
    }
}
