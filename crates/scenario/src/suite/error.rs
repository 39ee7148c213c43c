//! Why a suite could not start.

use std::io;

use crate::exit_code::ExitCode;

/// Why a suite could not start.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// A filter that matches nothing is probably a typing mistake.
    #[error("no scenario matches `{filter}`\n{}", offer(near, hint.as_deref()))]
    NothingMatches {
        /// What was typed.
        filter: String,
        /// The most similar ids.
        near: Vec<String>,
        /// What there is of this name, if that is no scenario.
        hint: Option<String>,
    },
    /// There is nothing to run.
    #[error("no scenario was found: there is no `.toml` file below `{0}`, worlds aside")]
    NoScenarios(String),
    /// A path leads nowhere.
    #[error("there is no file `{0}`")]
    NoSuchFile(String),
    /// A file outside `scenarios/` has no snapshot.
    #[error("`{0}` is not below `scenarios/`: it has no snapshot to bless; move it there first")]
    NothingToBless(String),
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
            | SuiteError::NoScenarios(_)
            | SuiteError::NoSuchFile(_)
            | SuiteError::NothingToBless(_)
            | SuiteError::IsWorld(_)
            | SuiteError::SameName { .. } => ExitCode::Usage,
        }
    }
}

fn offer(near: &[String], hint: Option<&str>) -> String {
    if let Some(hint) = hint {
        return format!("help: {hint}");
    }
    if near.is_empty() {
        return "help: `cargo xtask scenarios --list` shows all".to_owned();
    }
    let quoted: Vec<String> = near.iter().map(|id| format!("`{id}`")).collect();
    format!("help: did you mean {}?", quoted.join(", "))
}
