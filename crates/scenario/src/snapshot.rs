//! Stories as snapshots: files in insta's format, so that changes can be reviewed with `cargo insta review`.
//!
//! `snapshots/` mirrors `scenarios/`: `scenarios/dane/mismatch.toml` has `snapshots/dane/mismatch.snap`, and each cell
//! of a matrix one of its own. A story that differs is written beside it as `.snap.new`, which insta's review accepts
//! or rejects.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use similar::{Algorithm, ChangeTag, capture_diff_slices, group_diff_ops};

/// The result of comparing a story with its snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// They are the same.
    Same,
    /// There is no snapshot yet.
    Missing,
    /// They differ.
    Differs(Difference),
}

/// How two texts differ: the lines that do, with a little context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The lines, each with what became of it.
    pub lines: Vec<(Mark, String)>,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It is in both texts.
    Same,
    /// It is in the old one only, the snapshot.
    Old,
    /// It is in the new one only, the story.
    New,
    /// Lines that are the same are left out.
    Gap,
}

impl Mark {
    /// The sign before the line.
    pub fn sign(self) -> char {
        match self {
            Mark::Same | Mark::Gap => ' ',
            Mark::Old => '-',
            Mark::New => '+',
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (mark, line)) in self.lines.iter().enumerate() {
            let end = if at == 0 { "" } else { "\n" };
            write!(f, "{end}{} {line}", mark.sign())?;
        }
        Ok(())
    }
}

/// The snapshot file of a scenario id: `dane/matrix[how=kill]` has `dane/matrix/how=kill.snap`, `dane/match` has
/// `dane/match.snap`.
pub fn file_of(folder: &Path, id: &str) -> PathBuf {
    let relative = match id.split_once('[') {
        Some((file, cell)) => format!("{file}/{}", cell.trim_end_matches(']')),
        None => id.to_owned(),
    };
    folder.join(format!("{relative}.snap"))
}

/// Compares a story with the snapshot in `file`.
///
/// # Errors
/// If the file is there and cannot be read.
pub fn compare(file: &Path, story: &str) -> io::Result<Comparison> {
    let text = match std::fs::read_to_string(file) {
        // A checkout may have converted line ends.
        Ok(text) => text.replace("\r\n", "\n"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Comparison::Missing),
        Err(error) => return Err(error),
    };
    let expected = content(&text);
    if expected.trim_end() == story.trim_end() {
        Ok(Comparison::Same)
    } else {
        Ok(Comparison::Differs(difference(expected, story)))
    }
}

/// What follows the header of an insta file: `---`, lines of metadata, `---`.
fn content(text: &str) -> &str {
    text.strip_prefix("---\n")
        .and_then(|rest| rest.split_once("\n---\n"))
        .map_or(text, |(_, content)| content.trim_start_matches('\n'))
}

/// The text of a snapshot file.
pub fn render(scenario_path: &str, story: &str) -> String {
    format!("---\nsource: {scenario_path}\nexpression: story\n---\n{}\n", story.trim_end())
}

/// Whether a snapshot file gives this story back as it is.
pub fn is_kept(scenario_path: &str, story: &str) -> bool {
    content(&render(scenario_path, story).replace("\r\n", "\n")).trim_end() == story.trim_end()
}

/// Writes a snapshot, or with `pending` the `.snap.new` beside it. Bytes that are there already are not written again.
///
/// # Errors
/// Errors of the file system.
pub fn write(file: &Path, scenario_path: &str, story: &str, pending: bool) -> io::Result<()> {
    let target = if pending { pending_of(file) } else { file.to_owned() };
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let text = render(scenario_path, story);
    if std::fs::read_to_string(&target).is_ok_and(|there| there == text) {
        return Ok(());
    }
    std::fs::write(target, text)
}

/// Removes a pending snapshot that is out of date.
///
/// # Errors
/// Errors of the file system.
pub fn drop_pending(file: &Path) -> io::Result<()> {
    match std::fs::remove_file(pending_of(file)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn pending_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

/// The snapshots below `folder`, pending ones too, that belong to none of `ids`, sorted.
///
/// # Errors
/// Errors of the file system.
pub fn orphans(folder: &Path, ids: &BTreeSet<String>) -> io::Result<Vec<PathBuf>> {
    let known: BTreeSet<PathBuf> = ids.iter().map(|id| file_of(folder, id)).collect();
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            // A link to a folder is not followed: it may lead back up.
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if snapshot_of(&path).is_some_and(|file| !known.contains(&file)) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The snapshot at `path`, or for which `path` is pending; none for other files.
fn snapshot_of(path: &Path) -> Option<PathBuf> {
    let file = if path.extension()? == "new" { path.with_extension("") } else { path.to_owned() };
    (file.extension()? == "snap").then_some(file)
}

/// Context lines around a change.
const CONTEXT: usize = 2;

/// The longest texts that are compared line by line, in lines. Of longer ones, only the first difference is shown.
const MOST_LINES: usize = 5_000;

/// How two texts differ.
pub fn difference(old: &str, new: &str) -> Difference {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.trim_end().lines().collect(), new.trim_end().lines().collect());
    if old.len().max(new.len()) > MOST_LINES {
        let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
        let told = |mark: Mark, lines: &[&str]| lines.get(same).map(|line| (mark, (*line).to_owned()));
        return Difference { lines: [told(Mark::Old, &old), told(Mark::New, &new)].into_iter().flatten().collect() };
    }
    let operations = capture_diff_slices(Algorithm::Myers, &old, &new);
    let mut lines = Vec::new();
    for group in group_diff_ops(operations, CONTEXT) {
        if !lines.is_empty() {
            lines.push((Mark::Gap, "…".to_owned()));
        }
        for change in group.iter().flat_map(|operation| operation.iter_changes(&old, &new)) {
            let mark = match change.tag() {
                ChangeTag::Equal => Mark::Same,
                ChangeTag::Delete => Mark::Old,
                ChangeTag::Insert => Mark::New,
            };
            lines.push((mark, change.value().to_owned()));
        }
    }
    Difference { lines }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rendered_story_compares_as_the_same() {
        let folder = std::env::temp_dir().join(format!("mxlab-snapshot-{}", std::process::id()));
        let file = file_of(&folder, "dane/match");
        assert_eq!(compare(&file, "a\nb\n").unwrap(), Comparison::Missing);
        write(&file, "scenarios/dane/match.toml", "a\nb\n", false).unwrap();
        assert_eq!(compare(&file, "a\nb\n").unwrap(), Comparison::Same);
        let Comparison::Differs(difference) = compare(&file, "a\nc\n").unwrap() else { panic!("they differ") };
        assert_eq!(difference.to_string(), "  a\n- b\n+ c");
        assert_eq!(orphans(&folder, &BTreeSet::from(["dane/other".to_owned()])).unwrap(), std::slice::from_ref(&file));
        write(&file, "scenarios/dane/match.toml", "a\nd\n", true).unwrap();
        assert!(orphans(&folder, &BTreeSet::from(["dane/match".to_owned()])).unwrap().is_empty());
        let pending = folder.join("dane/match.snap.new");
        assert_eq!(orphans(&folder, &BTreeSet::new()).unwrap(), [file.clone(), pending]);
        std::fs::write(&file, std::fs::read_to_string(&file).unwrap().replace('\n', "\r\n")).unwrap();
        assert_eq!(compare(&file, "a\nb\n").unwrap(), Comparison::Same);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_a_file_would_not_give_back_is_not_kept() {
        for (story, kept) in [("a\nb\n", true), ("a\n---\nb\n", true), ("\na\n", false), ("a\r\nb\n", false)] {
            assert_eq!(is_kept("scenarios/a.toml", story), kept, "{story:?}");
        }
        assert!(!is_kept("scenarios/a\n---\n.toml", "a\n"));
    }

    #[test]
    fn each_cell_has_its_own_file() {
        let file = file_of(Path::new("snapshots"), "retry/crash[how=kill,when=now]");
        assert_eq!(file, Path::new("snapshots/retry/crash/how=kill,when=now.snap"));
    }

    #[test]
    fn far_apart_changes_are_told_with_little_context() {
        let old: Vec<String> = (0..20).map(|n| format!("line {n}")).collect();
        let mut new = old.clone();
        new[3] = "changed".into();
        new.remove(15);
        let lines = difference(&old.join("\n"), &new.join("\n")).lines;
        assert_eq!(lines.iter().filter(|(mark, _)| matches!(mark, Mark::Old | Mark::New)).count(), 3, "{lines:#?}");
        assert!(lines.contains(&(Mark::Gap, "…".to_owned())) && lines.len() < 14, "{lines:#?}");
        // Of very long texts, the first difference alone.
        let long = |last: &str| (0..MOST_LINES).map(|n| format!("line {n}\n")).collect::<String>() + last;
        assert_eq!(difference(&long("old"), &long("new")).to_string(), "- old\n+ new");
        assert_eq!(difference(&long("old"), &long("")).to_string(), "- old");
    }
}
