//! What is wrong with a line of a file.

use std::fmt;

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: found {found}, expected {expected}")]
pub struct SyntaxError {
    /// Its number, from 1.
    pub line: usize,
    /// What is there, in backticks, or a phrase.
    pub found: String,
    /// What should be there, as a phrase.
    pub expected: String,
}

/// A mistake in a line that is being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) found: String,
    pub(crate) expected: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "found {}, expected {}", self.found, self.expected)
    }
}

pub(crate) fn mistake(found: &str, expected: impl Into<String>) -> Mistake {
    let found = if found.is_empty() { "end of line".to_owned() } else { format!("`{found}`") };
    Mistake { found, expected: expected.into() }
}
