//! Stories and snapshots, after all runs: comparing, blessing, leaving `.snap.new` files for a review.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::options::Options;
use super::result::{Blessed, CaseOutcome, CaseResult, Compared, FileResult};
use crate::run::Failure;
use crate::snapshot::{self, Comparison};

/// Compares stories with snapshots, or writes them; returns what was written. Done after all runs, since several seeds
/// share one snapshot, and since a file is blessed whole or not at all. An error of the file system is a failure of only
/// that case.
pub(super) fn settle(
    options: &Options,
    all_ids: Option<&BTreeSet<String>>,
    cases: &mut [CaseResult],
    files: &[FileResult],
) -> Vec<Blessed> {
    if !options.settles() {
        return Vec::new();
    }
    let folder = options.root.join("snapshots");
    if options.bless {
        not_for_a_snapshot(cases);
        one_story_for_all_seeds(cases);
        cannot_be_kept(&folder, all_ids, cases);
    }
    let failed = failed(cases, files);
    let mut by_scenario: BTreeMap<String, Vec<&mut CaseResult>> = BTreeMap::new();
    for case in cases.iter_mut().filter(|case| is_to_be_settled(case)) {
        by_scenario.entry(case.scenario.clone()).or_default().push(case);
    }
    let mut blessed = Vec::new();
    for (id, mut cases) in by_scenario {
        let file = Snapshot { options, file: snapshot::file_of(&folder, &id) };
        let refused = cases.iter().find_map(|case| failed.get(&case.path)).filter(|_| options.bless);
        match cases.first_mut() {
            Some(first) if options.bless && refused.is_none() => blessed.extend(file.bless(first)),
            _ => file.compare_all(cases, refused.map(String::as_str)),
        }
    }
    blessed
}

fn is_to_be_settled(case: &CaseResult) -> bool {
    case.outcome == CaseOutcome::Passed && case.compared == Compared::Yes && case.asked
}

/// The files that must not be blessed, by path, each with what failed in it.
fn failed(cases: &[CaseResult], files: &[FileResult]) -> BTreeMap<String, String> {
    let mut failed: BTreeMap<String, String> = BTreeMap::new();
    for case in cases.iter().filter(|case| case.outcome != CaseOutcome::Passed) {
        failed.entry(case.path.clone()).or_insert_with(|| format!("{} did not pass", case.scenario));
    }
    for file in files {
        failed.entry(file.path.clone()).or_insert_with(|| "the file as a whole failed".to_owned());
    }
    failed
}

/// Before blessing: stories that have no snapshot, or whose snapshot is another's.
fn not_for_a_snapshot(cases: &mut [CaseResult]) {
    let settled: BTreeSet<String> =
        cases.iter().filter(|case| case.compared == Compared::Yes).map(|case| case.scenario.clone()).collect();
    for case in cases.iter_mut().filter(|case| case.asked && case.outcome == CaseOutcome::Passed) {
        let why = match case.compared {
            Compared::OtherSeed(own) if !settled.contains(&case.scenario) => {
                format!(
                    "the story depends on the seed, and its snapshot is that of seed {own}; bless it without another seed"
                )
            }
            Compared::ExpectsNothing => "a file that expects nothing is not compared with a snapshot".to_owned(),
            Compared::Yes | Compared::OtherSeed(_) | Compared::Outside => continue,
        };
        refuse(case, format!("not blessed: {why}"), format!("--seed {} --bless", case.seed));
    }
}

/// Before blessing: the snapshot must be right for every seed that ran.
fn one_story_for_all_seeds(cases: &mut [CaseResult]) {
    let mut first: BTreeMap<String, (u64, Arc<str>)> = BTreeMap::new();
    for case in cases.iter_mut().filter(|case| is_to_be_settled(case)) {
        let Some(told) = &case.story else { continue };
        let (seed, story) = first.entry(case.scenario.clone()).or_insert_with(|| (case.seed, told.clone()));
        if story != told {
            let difference = snapshot::difference(story, told);
            let message = format!("not blessed, since the story differs from that of seed {seed}:");
            refuse(case, message, format!("--seeds {} --bless", case.seed));
            if let Some(failure) = case.failures.last_mut() {
                failure.difference = Some(difference);
            }
        }
    }
}

/// Before blessing: stories that would not come back out of their files as they went in.
fn cannot_be_kept(folder: &Path, all_ids: Option<&BTreeSet<String>>, cases: &mut [CaseResult]) {
    let mut ids: BTreeSet<String> = cases.iter().map(|case| case.scenario.clone()).collect();
    ids.extend(all_ids.into_iter().flatten().cloned());
    let mut by_file: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    for id in ids {
        by_file.entry(snapshot::file_of(folder, &id)).or_default().push(id);
    }
    for case in cases.iter_mut().filter(|case| is_to_be_settled(case)) {
        let sharing = by_file.get(&snapshot::file_of(folder, &case.scenario));
        let other = sharing.into_iter().flatten().find(|id| **id != case.scenario);
        let lost = case.story.as_ref().is_some_and(|story| !snapshot::is_kept(&case.path, story));
        let why = match (other, lost) {
            (Some(other), _) => format!("`{other}` has its snapshot in the same file"),
            (None, true) => "a snapshot file cannot hold this story as it is".to_owned(),
            (None, false) => continue,
        };
        let arguments = format!("--seed {} --bless", case.seed);
        refuse(case, format!("not blessed: {why}"), arguments);
    }
}

fn refuse(case: &mut CaseResult, message: String, arguments: String) {
    case.outcome = CaseOutcome::SnapshotDiffers;
    case.arguments = Some(arguments);
    case.failures.push(Failure::new("snapshot", message));
}

/// The snapshot file of a scenario.
struct Snapshot<'a> {
    options: &'a Options,
    file: PathBuf,
}

impl Snapshot<'_> {
    fn shown(&self) -> String {
        self.file.strip_prefix(&self.options.root).unwrap_or(&self.file).display().to_string()
    }

    /// Writes the snapshot, unless it is right already.
    fn bless(&self, case: &mut CaseResult) -> Option<Blessed> {
        let story = case.story.clone()?;
        match self.write(&case.path, &story) {
            Ok(None) => None,
            Ok(Some(new)) => Some(Blessed { path: self.shown(), new }),
            Err(error) => {
                case.arguments = Some(format!("--seed {} --bless", case.seed));
                self.is_not_settled(case, &error);
                None
            }
        }
    }

    /// Writes the snapshot; returns whether there was none before, or nothing if it was right already.
    fn write(&self, path: &str, story: &str) -> io::Result<Option<bool>> {
        let before = snapshot::compare(&self.file, story);
        if !matches!(before, Ok(Comparison::Same)) {
            snapshot::write(&self.file, path, story, false)?;
        }
        snapshot::drop_pending(&self.file)?;
        Ok(match before {
            Ok(Comparison::Same) => None,
            Ok(Comparison::Missing) => Some(true),
            Ok(Comparison::Differs(_)) | Err(_) => Some(false),
        })
    }

    /// Compares the stories of a scenario with its snapshot. `refused` says why it is not blessed instead.
    fn compare_all(&self, cases: Vec<&mut CaseResult>, refused: Option<&str>) {
        let mut all_same = true;
        for case in cases {
            match self.compare(case, refused) {
                Ok(same) => all_same &= same,
                Err(error) => {
                    all_same = false;
                    self.is_not_settled(case, &error);
                }
            }
        }
        // A pending file that cannot be removed is found again by the next run.
        if all_same {
            let _ = snapshot::drop_pending(&self.file);
        }
    }

    /// Compares one story with its snapshot; returns whether they are equal.
    fn compare(&self, case: &mut CaseResult, refused: Option<&str>) -> io::Result<bool> {
        let Some(story) = case.story.clone() else { return Ok(true) };
        let (what, difference) = match snapshot::compare(&self.file, &story)? {
            Comparison::Same => return Ok(true),
            Comparison::Missing if refused.is_some() => ("there is no snapshot yet".to_owned(), None),
            Comparison::Missing => ("there is no snapshot yet; read the story, then bless it".to_owned(), None),
            Comparison::Differs(difference) => ("the story differs from its snapshot:".to_owned(), Some(difference)),
        };
        let why = refused.map_or_else(String::new, |why| format!("not blessed, since {why}; "));
        case.outcome = CaseOutcome::SnapshotDiffers;
        case.arguments = refused.map(|_| format!("--seed {} --bless", case.seed));
        let shown = Some(self.shown());
        case.failures.push(Failure { file: shown, difference, ..Failure::new("snapshot", format!("{why}{what}")) });
        // What the story says is known all the same.
        if let Err(error) = snapshot::write(&self.file, &case.path, &story, true) {
            let message = format!("the new story could not be put beside its snapshot: {error}");
            case.failures.push(Failure::new("not-written", message));
        }
        Ok(false)
    }

    /// The runner failed: that says nothing about the story.
    fn is_not_settled(&self, case: &mut CaseResult, error: &io::Error) {
        case.outcome = CaseOutcome::Panicked;
        case.failures.push(Failure::new("io", format!("{}: {error}", self.shown())));
    }
}
