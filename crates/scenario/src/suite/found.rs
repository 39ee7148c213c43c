//! The scenario files on the disk: finding them, and reading their text.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;

use super::error::SuiteError;
use crate::run::Failure;

/// A scenario file as found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its id, without a cell.
    pub id: String,
    /// Its path as it is shown: relative to the root, or as it was typed.
    pub path: String,
    /// Where it really is.
    pub location: PathBuf,
    /// Its text, or why it has none.
    pub text: Result<String, Box<Failure>>,
}

/// All scenario files below `scenarios/`, worlds excepted, sorted by id.
///
/// # Errors
/// If a folder or file cannot be read.
pub fn discover(root: &Path) -> Result<Vec<Found>, SuiteError> {
    let top = root.join("scenarios");
    let io_error = |path: &Path| {
        let path = path.display().to_string();
        move |error| SuiteError::Io { path, error }
    };
    let mut found = Vec::new();
    let mut folders = vec![top.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(io_error(&folder))? {
            let entry = entry.map_err(io_error(&folder))?;
            let path = entry.path();
            // A link to a folder is not followed: it may lead back up.
            if entry.file_type().map_err(io_error(&path))?.is_dir() {
                if path != top.join("worlds") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "toml") && !path.is_dir() {
                let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string().replace('\\', "/");
                let id = shown.strip_prefix("scenarios/").unwrap_or(&shown).trim_end_matches(".toml").to_owned();
                // A link that leads nowhere is a failure of its file.
                let location = path.canonicalize().unwrap_or_else(|_| path.clone());
                let text =
                    if id.contains(['[', ']']) { Err(Box::new(bracket(&shown))) } else { read_text(&shown, &location) };
                found.push(Found { id, text, path: shown, location });
            }
        }
    }
    found.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(found)
}

/// A file elsewhere: for example a customer's failure that is just being written down. Everything that is derived from
/// its id is the same however its path was typed, because the id is only the name of the file.
pub(super) fn outside(root: &Path, location: &Path, typed: &str) -> Result<Found, SuiteError> {
    if root.join("scenarios/worlds").canonicalize().is_ok_and(|worlds| location.starts_with(worlds)) {
        return Err(SuiteError::IsWorld(typed.to_owned()));
    }
    // Brackets in an id are those of a cell.
    let id = location.file_stem().unwrap_or_default().to_string_lossy().replace(['[', ']'], "_");
    Ok(Found { id, path: typed.to_owned(), location: location.to_owned(), text: read_text(typed, location) })
}

/// The largest scenario file that is read, in bytes; the reader has its own message for what exceeds 1 MiB.
const READ_LIMIT: u64 = 4 << 20;

/// The text of a file; a failure of only that file if it cannot be read. Pipes and devices are not read: they may have no
/// end.
fn read_text(shown: &str, path: &Path) -> Result<String, Box<Failure>> {
    let failure = |code: &'static str, why: String| {
        let message = format!("error[{code}]: {shown}: {why}");
        Box::new(Failure { file: Some(shown.to_owned()), ..Failure::new(code, message) })
    };
    let unread = |error: std::io::Error| failure("unreadable", format!("it cannot be read: {error}"));
    if !std::fs::metadata(path).map_err(unread)?.is_file() {
        return Err(failure("unreadable", "it is no regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unread)?;
    file.take(READ_LIMIT + 1).read_to_end(&mut bytes).map_err(unread)?;
    if bytes.len() as u64 > READ_LIMIT {
        return Err(failure("limit", format!("more than {READ_LIMIT} bytes are more than a scenario file may have")));
    }
    String::from_utf8(bytes).map_err(|error| Box::new(not_utf8(shown, &error)))
}

fn bracket(shown: &str) -> Failure {
    let message =
        format!("error[bad-name]: {shown}: brackets in an id are those of a cell; give the file another name");
    Failure { file: Some(shown.to_owned()), ..Failure::new("bad-name", message) }
}

fn not_utf8(shown: &str, error: &FromUtf8Error) -> Failure {
    let offset = error.utf8_error().valid_up_to();
    let (before, after) = error.as_bytes().split_at(offset);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
    let byte = after.first().copied().unwrap_or_default();
    let message = format!(
        "error[not-utf8]: {shown}:{line}:{column}: the byte 0x{byte:02x} at offset {offset} is not UTF-8; save the file as \
         UTF-8"
    );
    let (file, line, column) = (Some(shown.to_owned()), Some(line), Some(column));
    Failure { file, line, column, ..Failure::new("not-utf8", message) }
}

/// Whether this path, as it is shown, is below `scenarios/` and so has a snapshot.
pub(super) fn is_inside(path: &str) -> bool {
    path.starts_with("scenarios/")
}
