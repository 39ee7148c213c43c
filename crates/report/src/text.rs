//! A suite as text: what failed and how to run it again, then a summary line.

use std::fmt::Write as _;

use mxlab_scenario::suite::{CaseOutcome, CaseResult, Counts, Summary, reproduction};

/// The text about one case; empty if it passed without warning.
pub fn case(case: &CaseResult) -> String {
    let mut text = String::new();
    for warning in &case.warnings {
        let _ = writeln!(text, "{}\n", warning.trim_end());
    }
    if matches!(case.outcome, CaseOutcome::Passed | CaseOutcome::Skipped) {
        return text;
    }
    let _ = match case.outcome {
        // The file is wrong for every seed.
        CaseOutcome::Invalid => writeln!(text, "{}: {}", case.scenario, words(case.outcome)),
        outcome => writeln!(text, "{}: {} (seed {})", case.scenario, words(outcome), case.seed),
    };
    for failure in &case.failures {
        match (&failure.file, failure.line) {
            // A diagnostic already shows its place.
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
        CaseOutcome::SnapshotDiffers => "the story differs from the snapshot",
        CaseOutcome::ExpectationFailed => "an expectation failed",
        CaseOutcome::Nondeterministic => "not deterministic",
        CaseOutcome::BoundExceeded => "stopped by a limit",
        CaseOutcome::Invalid => "the file has mistakes",
        CaseOutcome::Panicked => "a panic, or an error of the runner",
        CaseOutcome::Skipped => "skipped",
    }
}

/// The end of the output: orphaned snapshots, errors, counts, time.
pub fn summary(summary: &Summary) -> String {
    let mut text = String::new();
    for orphan in &summary.orphans {
        let _ =
            writeln!(text, "{orphan}: no scenario has this snapshot; remove it, or give the scenario its name back");
    }
    for error in &summary.errors {
        let _ = writeln!(text, "error: {error}");
    }
    let counts = summary.counts();
    let scenarios = if counts.cases == 1 { "scenario" } else { "scenarios" };
    let _ = write!(text, "{} {scenarios}: {}", counts.cases, outcomes(counts));
    let sensitive = summary.seed_sensitive();
    if sensitive.cases > 0 {
        let _ = write!(text, " ({} seed-sensitive: {})", sensitive.cases, outcomes(sensitive));
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

    fn case(seed: u64, outcome: CaseOutcome) -> CaseResult {
        CaseResult {
            scenario: "dane/match".to_owned(),
            path: "scenarios/dane/match.toml".to_owned(),
            seed,
            outcome,
            failures: Vec::new(),
            warnings: Vec::new(),
            compared: true,
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
}
