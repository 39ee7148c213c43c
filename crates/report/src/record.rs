//! Records as files, one for each run: canonical lines, for comparing what happened before and after a change.

use std::fs;
use std::path::Path;

use mxlab_scenario::suite::CaseResult;

/// Writes the record of a case to `ID.jsonl` below `folder`, one canonical line an entry; nothing if it did not run.
///
/// # Errors
/// The path, and what the file system says.
pub fn write(folder: &Path, case: &CaseResult) -> Result<(), String> {
    let Some(record) = &case.record else { return Ok(()) };
    let path = folder.join(format!("{}.jsonl", case.scenario));
    let written = match path.parent() {
        Some(parent) => fs::create_dir_all(parent),
        None => Ok(()),
    };
    written
        .and_then(|()| fs::write(&path, record.canonical_lines()))
        .map_err(|error| format!("{}: {error}", path.display()))
}
