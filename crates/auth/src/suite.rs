//! Cases of conformance suites that others wrote, and what became of them.
//!
//! The drivers read a suite's files from a folder that the user names, and ask the evaluators of this crate; what a case
//! holds is given to them as it stands. The suites themselves are not part of this crate.

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
    /// It did not.
    Failed {
        /// What was expected, and what came.
        why: String,
    },
    /// It was not run.
    Skipped {
        /// What it needs that this crate does not have.
        why: String,
    },
}
