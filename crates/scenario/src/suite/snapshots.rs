//! Stories and snapshots, when all has run: comparing, blessing, leaving `.snap.new` files for a review.

use std::collections::BTreeMap;

use super::{CaseOutcome, CaseResult, Failure, Options, SuiteError};
use crate::snapshot;

/// Compares stories with snapshots, or writes them. Done after all runs, since several seeds share one snapshot.
pub(super) fn settle(options: &Options, cases: &mut [CaseResult]) -> Result<(), SuiteError> {
    if options.until.is_some() {
        return Ok(());
    }
    let folder = options.root.join("snapshots");
    let mut blessed: BTreeMap<String, u64> = BTreeMap::new();
    for case in cases.iter_mut().filter(|case| case.outcome == CaseOutcome::Passed) {
        let Some(run) = &case.run else { continue };
        // A file outside `scenarios/` has no snapshot: it is being tried out.
        if !case.path.starts_with("scenarios/") {
            continue;
        }
        let file = snapshot::file_of(&folder, &case.scenario);
        let io_error = |error| SuiteError::Io { path: file.display().to_string(), error };
        if options.bless && !blessed.contains_key(&case.scenario) {
            snapshot::write(&file, &case.path, &run.story, false).map_err(io_error)?;
            snapshot::drop_pending(&file).map_err(io_error)?;
            blessed.insert(case.scenario.clone(), case.seed);
            continue;
        }
        let message = match snapshot::compare(&file, &run.story).map_err(io_error)? {
            snapshot::Comparison::Same => {
                snapshot::drop_pending(&file).map_err(io_error)?;
                continue;
            }
            snapshot::Comparison::Missing => "there is no snapshot yet; read the story, then bless it".to_owned(),
            snapshot::Comparison::Differs(lines) => {
                format!("the story differs from its snapshot:\n  {}", lines.join("\n  "))
            }
        };
        snapshot::write(&file, &case.path, &run.story, true).map_err(io_error)?;
        case.outcome = CaseOutcome::SnapshotDiffers;
        let shown = file.strip_prefix(&options.root).unwrap_or(&file).display().to_string();
        case.failures.push(Failure { file: Some(shown), ..Failure::new("snapshot", message) });
    }
    Ok(())
}
