//! Stories and snapshots, after all runs: comparing, blessing, leaving `.snap.new` files for a review.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use super::options::Options;
use super::result::{CaseOutcome, CaseResult};
use crate::run::Failure;
use crate::snapshot::{self, Comparison};

/// Compares stories with snapshots, or writes them. Done after all runs, since several seeds share one snapshot, and
/// since a file is blessed whole or not at all. An error of the file system is a failure of only that case.
pub(super) fn settle(options: &Options, cases: &mut [CaseResult]) {
    if options.until.is_some() {
        return;
    }
    let folder = options.root.join("snapshots");
    if options.bless {
        one_story_for_all_seeds(cases);
    }
    let failed: BTreeSet<String> =
        cases.iter().filter(|case| case.outcome != CaseOutcome::Passed).map(|case| case.path.clone()).collect();
    let mut by_scenario: BTreeMap<String, Vec<&mut CaseResult>> = BTreeMap::new();
    for case in cases.iter_mut().filter(|case| case.outcome == CaseOutcome::Passed && case.compared) {
        by_scenario.entry(case.scenario.clone()).or_default().push(case);
    }
    for (id, mut cases) in by_scenario {
        let file = snapshot::file_of(&folder, &id);
        let refused = options.bless && cases.iter().any(|case| failed.contains(&case.path));
        if let Some(first) = cases.first_mut().filter(|_| options.bless && !refused) {
            if let Err(error) = bless(&file, first) {
                not_settled(first, &file, &error);
            }
            continue;
        }
        let mut all_same = true;
        for case in cases {
            match compare(options, &file, case, refused) {
                Ok(same) => all_same &= same,
                Err(error) => {
                    all_same = false;
                    not_settled(case, &file, &error);
                }
            }
        }
        // A pending file that cannot be removed is found again by the next run.
        if all_same {
            let _ = snapshot::drop_pending(&file);
        }
    }
}

/// Before blessing: the snapshot must be right for every seed that ran.
fn one_story_for_all_seeds(cases: &mut [CaseResult]) {
    let mut first: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for case in cases.iter_mut().filter(|case| case.outcome == CaseOutcome::Passed && case.compared) {
        let Some(told) = &case.story else { continue };
        let (seed, story) = first.entry(case.scenario.clone()).or_insert_with(|| (case.seed, told.clone()));
        if story != told {
            let lines = snapshot::difference(story, told).join("\n  ");
            let message = format!("not blessed, since the story differs from that of seed {seed}:\n  {lines}");
            case.outcome = CaseOutcome::SnapshotDiffers;
            case.failures.push(Failure::new("snapshot", message));
        }
    }
}

fn bless(file: &Path, case: &CaseResult) -> io::Result<()> {
    let Some(story) = &case.story else { return Ok(()) };
    snapshot::write(file, &case.path, story, false)?;
    snapshot::drop_pending(file)
}

/// Compares one story with its snapshot; returns whether they are equal.
fn compare(options: &Options, file: &Path, case: &mut CaseResult, refused: bool) -> io::Result<bool> {
    let Some(story) = &case.story else { return Ok(true) };
    let what = match snapshot::compare(file, story)? {
        Comparison::Same => return Ok(true),
        Comparison::Missing if refused => "there is no snapshot yet".to_owned(),
        Comparison::Missing => "there is no snapshot yet; read the story, then bless it".to_owned(),
        Comparison::Differs(lines) => format!("the story differs from its snapshot:\n  {}", lines.join("\n  ")),
    };
    snapshot::write(file, &case.path, story, true)?;
    let why = if refused { "not blessed, since other cells of the file failed; " } else { "" };
    let shown = file.strip_prefix(&options.root).unwrap_or(file).display().to_string();
    case.outcome = CaseOutcome::SnapshotDiffers;
    case.failures.push(Failure { file: Some(shown), ..Failure::new("snapshot", format!("{why}{what}")) });
    Ok(false)
}

/// The runner failed: that says nothing about the story.
fn not_settled(case: &mut CaseResult, file: &Path, error: &io::Error) {
    case.outcome = CaseOutcome::Panicked;
    case.failures.push(Failure::new("io", format!("{}: {error}", file.display())));
}
