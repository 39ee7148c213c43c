//! A case of a suite, and what became of it.

/// A case of a suite, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its name: the parts of the suite that it is in, and its own, with slashes between them.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It gave what the suite expects.
    Passed,
    /// It did not, or it cannot be read.
    Failed {
        /// What was expected and what came, in one line.
        why: String,
    },
    /// It does not count: the engine does not have what it needs, or the suite expects what a standard contradicts.
    Skipped {
        /// What is missing, or which standard says what.
        why: String,
    },
}

impl Outcome {
    /// `pass`, `fail` or `skip`.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Passed => "pass",
            Outcome::Failed { .. } => "fail",
            Outcome::Skipped { .. } => "skip",
        }
    }

    /// Why it did not pass; empty if it did.
    pub fn why(&self) -> &str {
        match self {
            Outcome::Passed => "",
            Outcome::Failed { why } | Outcome::Skipped { why } => why,
        }
    }
}
