//! The exit codes of the command line: an interface, in one place.
//!
//! | code | |
//! |---|---|
//! | 0 | everything passed |
//! | 1 | internal error, or a panic |
//! | 2 | wrong usage; nothing to run; `--bless` under `CI` |
//! | 10 | a scenario file has mistakes |
//! | 11 | an expectation failed |
//! | 12 | a snapshot differs, is missing, or belongs to no scenario |
//! | 13 | two runs of the same scenario differ |
//! | 14 | a limit stopped a run |
//! | 130 | interrupted; results are partial |
//!
//! Where several apply, the most severe one counts: 1, 10, 14, 13, 11, 12, in this order. The others never come together with another one.

use std::fmt::Write as _;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// All held.
    AllHeld = 0,
    /// The tool itself failed, or code under test panicked.
    Internal = 1,
    /// The arguments make no sense, or must not be used here.
    Usage = 2,
    /// A scenario file has mistakes.
    Invalid = 10,
    /// An expectation, a claim or a case of a suite did not hold.
    ExpectationFailed = 11,
    /// A story is not as it was blessed.
    SnapshotDiffers = 12,
    /// Two runs of the same scenario and seed differ.
    Nondeterministic = 13,
    /// A bound ended a run that never rested.
    BoundExceeded = 14,
    /// Somebody interrupted it: results are partial.
    Interrupted = 130,
}

use ExitCode::{
    AllHeld, BoundExceeded, ExpectationFailed, Internal, Interrupted, Invalid, Nondeterministic, SnapshotDiffers, Usage,
};

impl ExitCode {
    /// All codes, in the order of their numbers.
    pub const ALL: [ExitCode; 9] = [
        AllHeld,
        Internal,
        Usage,
        Invalid,
        ExpectationFailed,
        SnapshotDiffers,
        Nondeterministic,
        BoundExceeded,
        Interrupted,
    ];

    /// The number.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// What it means, as help and README say it.
    pub fn words(self) -> &'static str {
        match self {
            AllHeld => "everything passed",
            Internal => "internal error, or a panic",
            Usage => "wrong usage; nothing to run; `--bless` under `CI`",
            Invalid => "a scenario file has mistakes",
            ExpectationFailed => "an expectation failed",
            SnapshotDiffers => "a snapshot differs, is missing, or belongs to no scenario",
            Nondeterministic => "two runs of the same scenario differ",
            BoundExceeded => "a limit stopped a run",
            Interrupted => "interrupted; results are partial",
        }
    }

    /// How it ranks among codes that apply to one suite; the highest is the suite's.
    fn severity(self) -> u8 {
        match self {
            AllHeld => 0,
            SnapshotDiffers => 1,
            ExpectationFailed => 2,
            Nondeterministic => 3,
            BoundExceeded => 4,
            Invalid => 5,
            Internal => 6,
            // No suite has run, or not to its end: there is nothing to compare with.
            Usage | Interrupted => 7,
        }
    }

    /// The more severe of two.
    #[must_use]
    pub fn or_worse(self, other: ExitCode) -> ExitCode {
        if self.severity() >= other.severity() { self } else { other }
    }
}

/// The table of codes for the end of a help text.
pub fn help() -> String {
    let mut text = String::from("Exit codes:");
    for code in ExitCode::ALL {
        let _ = write!(text, "\n  {:3}  {}", code.number(), code.words().replace('`', ""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_most_severe_code_wins() {
        let order = [AllHeld, SnapshotDiffers, ExpectationFailed, Nondeterministic, BoundExceeded, Invalid, Internal];
        for (at, one) in order.into_iter().enumerate() {
            for other in order.into_iter().skip(at) {
                assert_eq!(one.or_worse(other), other);
                assert_eq!(other.or_worse(one), other);
            }
        }
    }

    #[test]
    fn the_tables_for_people_are_this_one() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
        for code in ExitCode::ALL {
            let row = format!("| {} | {} |", code.number(), code.words());
            assert!(readme.lines().any(|line| line == row), "README.md lacks {row}");
            let row = format!("//! {row}");
            assert!(include_str!("exit_code.rs").lines().any(|line| line == row), "the doc of this module lacks {row}");
        }
    }
}
