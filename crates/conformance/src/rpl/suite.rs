//! A folder of replay files.

use std::fmt::Write as _;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::config::skip_reason;
use super::drive::{Replayed, replay};
use super::script::Script;
use crate::{Case, Outcome, folder};

/// Replays the files of a folder, in the order of their names, and tells each case when it is done.
///
/// # Errors
/// Those of [`files`].
pub fn run_folder(suites: &Path, tell: &mut dyn FnMut(Case)) -> io::Result<()> {
    files(suites)?.iter().for_each(|file| tell(run(file)));
    Ok(())
}

/// The replay files of a folder of suites: those in its folder `dnssec-rpl`, or its own if it holds any; sorted by name.
///
/// # Errors
/// The folder cannot be read, or holds no replay file.
pub fn files(suites: &Path) -> io::Result<Vec<PathBuf>> {
    let own = replay_files(suites)?;
    let files = if own.is_empty() { replay_files(&suites.join("dnssec-rpl"))? } else { own };
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

/// Replays a file. The case has the name of the file without its ending.
pub fn run(file: &Path) -> Case {
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let failed = |why| Outcome::Failed { why };
    let outcome = match folder::octets(file) {
        // Comments may hold anything. A panic is a mistake of ours, and no reason to hide the other cases.
        Ok(octets) => catch_unwind(AssertUnwindSafe(|| judge(&String::from_utf8_lossy(&octets))))
            .unwrap_or_else(|_| failed("the resolver or the driver panicked".to_owned())),
        Err(error) => failed(format!("cannot be read: {error}")),
    };
    Case { name, outcome }
}

/// What becomes of the file of this text.
pub fn judge(text: &str) -> Outcome {
    // Of a file that is not for us, only what says so has to be read.
    if let Some(unsupported) = skip_reason(text) {
        return Outcome::Skipped { why: unsupported.to_string() };
    }
    match Script::parse(text).map(|script| replay(&script)) {
        Ok(Replayed::Passed) => Outcome::Passed,
        Ok(Replayed::Skipped(unsupported)) => Outcome::Skipped { why: unsupported.to_string() },
        Ok(Replayed::Failed(failure)) => {
            let line = failure.line.map_or(String::new(), |line| format!(" (line {line})"));
            let mut why = format!("step {}{line}: {}", failure.step, failure.differences.join("; "));
            if !failure.notes.is_empty() {
                let _ = write!(why, " [{}]", failure.notes.join("; "));
            }
            Outcome::Failed { why }
        }
        Err(error) => Outcome::Failed { why: error.to_string() },
    }
}
