//! A suite as text: what failed and how to run it again, then a summary line.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use mxlab_scenario::snapshot::{Difference, Mark};
use mxlab_scenario::suite::{CaseOutcome, CaseResult, Counts, Failure, FileResult, Summary, acceptance, reproduction};

use crate::style::{Style, shown};

/// How many lines of a difference are shown.
const MOST_LINES: usize = 40;
/// How many stories are shown with their differences. Where more differ, it is probably one change that shows in all.
const MOST_STORIES: usize = 10;

/// The warnings of a case; empty if there are none.
pub fn warnings(case: &CaseResult) -> String {
    case.warnings.iter().map(|warning| format!("{}\n\n", shown(warning.trim_end()))).collect()
}

/// What is wrong with a suite, each case by itself. Stories that differ come last: what is wrong elsewhere may be the
/// reason.
pub fn failures(summary: &Summary, style: Style) -> String {
    let failed = |case: &&CaseResult| !matches!(case.outcome, CaseOutcome::Passed | CaseOutcome::Skipped);
    let (stories, others): (Vec<_>, Vec<_>) =
        summary.cases.iter().filter(failed).partition(|case| case.outcome == CaseOutcome::SnapshotDiffers);
    let mut text = String::new();
    for case in others {
        let _ = writeln!(text, "{}", self::case(case, style));
    }
    for file in &summary.files {
        let _ = writeln!(text, "{}", self::file(file, style));
    }
    for (at, case) in stories.into_iter().enumerate() {
        let most = if at < MOST_STORIES { MOST_LINES } else { 0 };
        let _ = writeln!(text, "{}", self::told(case, style, most));
    }
    text
}

/// The text about a case that failed.
pub fn case(case: &CaseResult, style: Style) -> String {
    told(case, style, MOST_LINES)
}

/// The text about a case that failed, with at most so many lines of a difference.
fn told(case: &CaseResult, style: Style, most: usize) -> String {
    let mut text = String::new();
    // The file is wrong for every seed.
    let seed = match case.outcome {
        CaseOutcome::Invalid => String::new(),
        _ => format!(" (seed {})", case.seed),
    };
    for (heading, failures) in by_heading(case) {
        let _ = writeln!(text, "{}{seed}", style.bad(&format!("{}: {heading}", shown(&case.scenario))));
        for failure in failures {
            self::failure(&mut text, failure, case.outcome, style, most);
        }
    }
    let _ = writeln!(text, "  run it again: {}", reproduction(case));
    if case.failures.iter().any(|failure| failure.code == "snapshot") && case.arguments.is_none() {
        let _ = writeln!(text, "  accept it: {}", acceptance(case));
    }
    text
}

/// The text about a file of which no single cell is to blame.
fn file(file: &FileResult, style: Style) -> String {
    let seed = file.seed.map_or_else(String::new, |seed| format!(" (seed {seed})"));
    let mut text = String::new();
    let heading = file.failures.first().map_or("", |failure| words(CaseOutcome::ExpectationFailed, failure));
    let _ = writeln!(text, "{}{seed}", style.bad(&format!("{}: {heading}", shown(&file.id))));
    for failure in &file.failures {
        self::failure(&mut text, failure, CaseOutcome::ExpectationFailed, style, MOST_LINES);
    }
    let _ = writeln!(text, "  run it again: {}", file.reproduction());
    text
}

/// The failures of a case under their headings, in the order in which these first occur.
fn by_heading(case: &CaseResult) -> Vec<(&'static str, Vec<&Failure>)> {
    let mut headings: Vec<(&'static str, Vec<&Failure>)> = Vec::new();
    for failure in &case.failures {
        let heading = words(case.outcome, failure);
        match headings.iter_mut().find(|(known, _)| *known == heading) {
            Some((_, failures)) => failures.push(failure),
            None => headings.push((heading, vec![failure])),
        }
    }
    headings
}

fn failure(text: &mut String, failure: &Failure, outcome: CaseOutcome, style: Style, most: usize) {
    // A diagnostic already shows its place.
    if outcome == CaseOutcome::Invalid {
        let _ = writeln!(text, "{}\n", shown(failure.message.trim_end()));
        return;
    }
    match (&failure.file, failure.line) {
        (Some(file), Some(line)) => {
            let _ = writeln!(text, "  {}:{line}", shown(file));
        }
        (Some(file), None) => {
            let _ = writeln!(text, "  {}", shown(file));
        }
        (None, _) => {}
    }
    for line in shown(failure.message.trim_end()).lines() {
        let _ = writeln!(text, "  {line}");
    }
    if let Some(difference) = &failure.difference {
        self::difference(text, difference, style, most);
    }
}

fn difference(text: &mut String, difference: &Difference, style: Style, most: usize) {
    if most > 0 {
        let legend = [style.removed("- only in the snapshot"), style.added("+ only in this run")];
        let _ = writeln!(text, "    {}", legend.join("   "));
    }
    for (mark, line) in difference.lines.iter().take(most) {
        let line = shown(&format!("{} {line}", mark.sign()));
        let line = match mark {
            Mark::Old => style.removed(&line),
            Mark::New => style.added(&line),
            Mark::Same => line,
            Mark::Gap => style.faint(&line),
        };
        let _ = writeln!(text, "    {line}");
    }
    let more = difference.lines.len().saturating_sub(most);
    if more > 0 {
        let (lines, other) = (if more == 1 { "line" } else { "lines" }, if most > 0 { " more" } else { "" });
        let _ = writeln!(text, "    … and {more}{other} {lines}; `--story` shows the whole story");
    }
}

/// The heading above a failure.
fn words(outcome: CaseOutcome, failure: &Failure) -> &'static str {
    match (outcome, failure.code.as_str()) {
        (CaseOutcome::Passed, _) => "passed",
        (CaseOutcome::SnapshotDiffers, _) => "the story is not that of a snapshot",
        (CaseOutcome::ExpectationFailed, "contradiction") => "an engine and the world contradict each other",
        (CaseOutcome::ExpectationFailed, "covers") => "a claim is not shown",
        (CaseOutcome::ExpectationFailed, "cut-off") => "the run was cut off",
        (CaseOutcome::ExpectationFailed, "dialogue") => "a session went otherwise than written",
        (CaseOutcome::ExpectationFailed, "never-acted") => "a fault never acted",
        (CaseOutcome::ExpectationFailed, "not-supported") => "an engine cannot do this yet",
        (CaseOutcome::ExpectationFailed, "seed-sensitive") => "what the file says of its seed is not so",
        (CaseOutcome::ExpectationFailed, _) => "an expectation failed",
        (CaseOutcome::Nondeterministic, _) => "not deterministic",
        (CaseOutcome::BoundExceeded, _) => "stopped by a limit",
        (CaseOutcome::Invalid, _) => "the file has mistakes",
        (CaseOutcome::Panicked, "io") => "its snapshot could not be read or written",
        (CaseOutcome::Panicked, _) => "a panic, or an error of the runner",
        (CaseOutcome::Skipped, _) => "skipped",
    }
}

/// The snapshots that were written, one a line.
pub fn blessed(summary: &Summary) -> String {
    let line = |written: &mxlab_scenario::suite::Blessed| {
        let what = if written.new { "new" } else { "changed" };
        format!("wrote {} ({what})\n", shown(&written.path))
    };
    summary.blessed.iter().map(line).collect()
}

/// The end of the output: orphaned snapshots, errors, counts, time.
pub fn summary(summary: &Summary) -> String {
    let mut text = String::new();
    for orphan in &summary.orphans {
        let _ = writeln!(
            text,
            "{}: no scenario has this snapshot; remove it, or give the scenario its name back",
            shown(orphan)
        );
    }
    for error in &summary.errors {
        let _ = writeln!(text, "error: {}", shown(error));
    }
    let counts = summary.counts();
    let scenarios = if counts.cases == 1 { "scenario" } else { "scenarios" };
    let _ = write!(text, "{} {scenarios}: {}", counts.cases, outcomes(counts));
    let sensitive = summary.seed_sensitive();
    if sensitive.cases > 0 {
        let _ = write!(text, " ({} seed-sensitive: {})", sensitive.cases, outcomes(sensitive));
    }
    let files: BTreeSet<&str> = summary.files.iter().map(|file| file.id.as_str()).collect();
    if !files.is_empty() {
        let word = if files.len() == 1 { "file" } else { "files" };
        let _ = write!(text, "; {} {word} failed as a whole", files.len());
    }
    let seconds: u64 = summary.cases.iter().filter_map(|case| case.run.as_ref()).map(|run| run.virtual_seconds).sum();
    let hours = seconds.saturating_add(1800) / 3600;
    let _ = write!(text, "; {hours} virtual hours in {:.2} s", summary.wall_ms / 1000.0);
    if summary.interrupted {
        text.push_str("; interrupted, results are partial");
    }
    text.push('\n');
    text
}

fn outcomes(counts: Counts) -> String {
    format!("{} passed, {} failed, {} skipped", counts.passed, counts.failed(), counts.skipped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mxlab_scenario::suite::Compared;

    fn case(seed: u64, outcome: CaseOutcome) -> CaseResult {
        CaseResult {
            scenario: "dane/match".to_owned(),
            path: "scenarios/dane/match.toml".to_owned(),
            seed,
            outcome,
            failures: Vec::new(),
            warnings: Vec::new(),
            asked: true,
            compared: Compared::Yes,
            arguments: None,
            seed_sensitive: false,
            run: None,
            story: None,
            record: None,
            wall_ms: 0.0,
        }
    }

    #[test]
    fn a_suite_of_which_nothing_ran() {
        assert_eq!(
            super::summary(&Summary::default()),
            "0 scenarios: 0 passed, 0 failed, 0 skipped; 0 virtual hours in 0.00 s\n"
        );
    }

    #[test]
    fn an_interrupted_suite_counts_what_was_skipped() {
        let cases = vec![case(1, CaseOutcome::Passed), case(2, CaseOutcome::Skipped), case(3, CaseOutcome::Panicked)];
        let summary = Summary { cases, interrupted: true, ..Summary::default() };
        assert_eq!(
            super::summary(&summary),
            "3 scenarios: 1 passed, 1 failed, 1 skipped; 0 virtual hours in 0.00 s; interrupted, results are partial\n"
        );
        let lines = crate::json::lines(&summary);
        assert!(lines.contains("\"seed\":2,\"outcome\":\"skipped\""), "{lines}");
        assert!(
            lines.contains("\"passed\":1,\"failed\":1,\"skipped\":1") && lines.contains("\"interrupted\":true"),
            "{lines}"
        );
    }

    fn failing(outcome: CaseOutcome, failures: Vec<Failure>) -> CaseResult {
        CaseResult { failures, ..case(1, outcome) }
    }

    fn wrong(code: &str, message: &str) -> Failure {
        Failure { code: code.to_owned(), message: message.to_owned(), ..Failure::default() }
    }

    #[test]
    fn expectations_come_before_stories_and_each_kind_has_its_heading() {
        let differs = failing(CaseOutcome::SnapshotDiffers, vec![wrong("snapshot", "there is no snapshot yet")]);
        let contradicts = vec![wrong("contradiction", "says x"), wrong("expectation", "expected: y")];
        let fails = CaseResult {
            scenario: "dane/z".to_owned(),
            path: "scenarios/dane/z.toml".to_owned(),
            ..failing(CaseOutcome::ExpectationFailed, contradicts)
        };
        let summary = Summary { cases: vec![differs, fails], ..Summary::default() };
        let expected = "\
dane/z: an engine and the world contradict each other (seed 1)
  says x
dane/z: an expectation failed (seed 1)
  expected: y
  run it again: cargo xtask scenarios dane/z --seed 1

dane/match: the story is not that of a snapshot (seed 1)
  there is no snapshot yet
  run it again: cargo xtask scenarios dane/match --seed 1
  accept it: cargo xtask scenarios dane/match --bless

";
        assert_eq!(failures(&summary, Style::PLAIN), expected);
    }

    #[test]
    fn of_many_stories_that_differ_some_are_shown() {
        let difference = Difference { lines: vec![(Mark::New, "sender  says it otherwise".to_owned())] };
        let differs = Failure { difference: Some(difference), ..wrong("snapshot", "the story differs:") };
        let cases = vec![failing(CaseOutcome::SnapshotDiffers, vec![differs]); MOST_STORIES + 2];
        let told = failures(&Summary { cases, ..Summary::default() }, Style::PLAIN);
        assert_eq!(told.matches("    + sender  says it otherwise\n").count(), MOST_STORIES);
        assert_eq!(told.matches("    … and 1 line; `--story` shows the whole story\n").count(), 2);
        assert_eq!(told.matches("accept it: ").count(), MOST_STORIES + 2);
    }

    #[test]
    fn a_long_difference_is_capped() {
        let line = |at: usize| (if at == 0 { Mark::Old } else { Mark::New }, format!("line {at}\u{1b}"));
        let difference = Difference { lines: (0..MOST_LINES + 3).map(line).collect() };
        let differs = Failure { difference: Some(difference), ..wrong("snapshot", "the story differs:") };
        let told = super::case(&failing(CaseOutcome::SnapshotDiffers, vec![differs]), Style::COLOURED);
        let removed = "    \u{1b}[31m- only in the snapshot\u{1b}[0m   \u{1b}[32m+ only in this run\u{1b}[0m\n    \
                       \u{1b}[31m- line 0\\u{1b}\u{1b}[0m\n";
        assert!(told.contains(removed), "{told:?}");
        assert!(told.contains("    … and 3 more lines; `--story` shows the whole story\n"), "{told}");
    }
}
