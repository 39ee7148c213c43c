//! A folder of replay files.

use std::fmt::Write as _;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::config::skip_reason;

use super::drive::{Outcome, replay};
use super::script::Script;

/// The longest file that is read, in octets.
const MAX_FILE: u64 = 8 << 20;

/// One file and how it came out.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file's name without its ending.
    pub name: String,
    /// Passed, failed or skipped.
    pub verdict: Verdict,
    /// Why, in one line; empty if it passed.
    pub why: String,
}

/// What became of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything was as expected.
    Passed,
    /// Something was not, or the file cannot be read.
    Failed,
    /// The case is not for us.
    Skipped,
}

impl Verdict {
    /// `pass`, `fail` or `skip`.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Passed => "pass",
            Verdict::Failed => "fail",
            Verdict::Skipped => "skip",
        }
    }
}

/// The replay files of a folder of suites: those in its folder `dnssec-rpl`, or its own if it holds any; sorted by name.
///
/// # Errors
/// The folder cannot be read, or holds no replay file.
pub fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let own = replay_files(folder)?;
    let files = if own.is_empty() { replay_files(&folder.join("dnssec-rpl"))? } else { own };
    if files.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "there are no .rpl files in it"));
    }
    Ok(files)
}

fn replay_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "rpl") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Replays a file.
pub fn run(file: &Path) -> Case {
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let (verdict, why) = match read(file) {
        // A panic is a mistake of ours, and no reason to hide the other cases.
        Ok(text) => catch_unwind(AssertUnwindSafe(|| judge(&text)))
            .unwrap_or_else(|_| (Verdict::Failed, "the resolver or the driver panicked".to_owned())),
        Err(error) => (Verdict::Failed, format!("cannot be read: {error}")),
    };
    Case { name, verdict, why }
}

fn read(file: &Path) -> io::Result<String> {
    if std::fs::metadata(file)?.len() > MAX_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {MAX_FILE} octets")));
    }
    // Comments may hold anything.
    Ok(String::from_utf8_lossy(&std::fs::read(file)?).into_owned())
}

/// What becomes of the file of this text, and why.
pub fn judge(text: &str) -> (Verdict, String) {
    // Of a file that is not for us, only what says so has to be read.
    if let Some(unsupported) = skip_reason(text) {
        return (Verdict::Skipped, unsupported.to_string());
    }
    match Script::parse(text).map(|script| replay(&script)) {
        Ok(Outcome::Passed) => (Verdict::Passed, String::new()),
        Ok(Outcome::Skipped(unsupported)) => (Verdict::Skipped, unsupported.to_string()),
        Ok(Outcome::Failed(failure)) => {
            let line = failure.line.map_or(String::new(), |line| format!(" (line {line})"));
            let mut why = format!("step {}{line}: {}", failure.step, failure.differences.join("; "));
            if !failure.notes.is_empty() {
                let _ = write!(why, " [{}]", failure.notes.join("; "));
            }
            (Verdict::Failed, why)
        }
        Err(error) => (Verdict::Failed, error.to_string()),
    }
}
