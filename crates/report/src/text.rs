//! A suite for people: what failed and how to run it again, then one line that sums up.

use std::fmt::Write as _;

use mxlab_scenario::suite::{CaseOutcome, CaseResult, Summary, reproduction};

/// What is to be said about one case; empty if all held and there is no warning.
pub fn case(case: &CaseResult) -> String {
    let mut text = String::new();
    for warning in &case.warnings {
        let _ = writeln!(text, "{}\n", warning.trim_end());
    }
    if matches!(case.outcome, CaseOutcome::Passed | CaseOutcome::Skipped) {
        return text;
    }
    let _ = writeln!(text, "{}: {} (seed {})", case.scenario, words(case.outcome), case.seed);
    for failure in &case.failures {
        match (&failure.file, failure.line) {
            // A diagnostic shows its place itself.
            _ if case.outcome == CaseOutcome::Invalid => {}
            (Some(file), Some(line)) => {
                let _ = writeln!(text, "  {file}:{line}");
            }
            (Some(file), None) => {
                let _ = writeln!(text, "  {file}");
            }
            (None, _) => {}
        }
        let indent = if case.outcome == CaseOutcome::Invalid { "" } else { "  " };
        for line in failure.message.trim_end().lines() {
            let _ = writeln!(text, "{indent}{line}");
        }
        if case.outcome == CaseOutcome::Invalid {
            text.push('\n');
        }
    }
    let _ = writeln!(text, "  run it again: {}", reproduction(case));
    text
}

fn words(outcome: CaseOutcome) -> &'static str {
    match outcome {
        CaseOutcome::Passed => "passed",
        CaseOutcome::SnapshotDiffers => "its story is not that of the snapshot",
        CaseOutcome::ExpectationFailed => "an expectation failed",
        CaseOutcome::Nondeterministic => "not deterministic",
        CaseOutcome::BoundExceeded => "ended by a bound",
        CaseOutcome::Invalid => "the file has mistakes",
        CaseOutcome::Panicked => "panicked",
        CaseOutcome::Skipped => "skipped",
    }
}

/// The end of the output: orphaned snapshots, counts, time.
pub fn summary(summary: &Summary) -> String {
    let mut text = String::new();
    for orphan in &summary.orphans {
        let _ =
            writeln!(text, "{orphan}: no scenario has this snapshot; remove it, or give the scenario its name back");
    }
    let passed = summary.count(|outcome| outcome == CaseOutcome::Passed);
    let skipped = summary.count(|outcome| outcome == CaseOutcome::Skipped);
    let _ = write!(
        text,
        "{} scenarios: {passed} passed, {} failed, {skipped} skipped",
        summary.cases.len(),
        summary.cases.len() - passed - skipped,
    );
    let virtual_hours: f64 =
        summary.cases.iter().filter_map(|case| case.run.as_ref()).map(|run| run.virtual_seconds as f64 / 3600.0).sum();
    let _ = write!(text, "; {virtual_hours:.0} virtual hours in {:.2} s", summary.wall_ms / 1000.0);
    if summary.interrupted {
        text.push_str("; interrupted, results are partial");
    }
    text.push('\n');
    text
}
