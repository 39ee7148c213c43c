//! JSON lines: an object for each case, sorted by id, then seed, and a summary at the end.
//!
//! The format is an interface: fields are added, never changed. Reading it back ([`hashes`]) is what
//! `--verify-determinism` does with the lines of its second process.

use mxlab_scenario::suite::{CaseResult, Failure, FileResult, Hashes, Summary};
use serde::{Deserialize, Serialize};

/// The number of this format.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct CaseLine<'a> {
    format: u32,
    scenario: &'a str,
    path: &'a str,
    seed: u64,
    outcome: &'static str,
    virtual_s: u64,
    packets: u64,
    crypto_ops: u64,
    wall_ms: f64,
    record_hash: &'a str,
    packet_hash: &'a str,
    failures: Vec<FailureLine<'a>>,
    seed_sensitive: bool,
}

#[derive(Serialize)]
struct FailureLine<'a> {
    code: &'a str,
    message: String,
    file: Option<&'a str>,
    line: Option<usize>,
    column: Option<usize>,
}

#[derive(Serialize)]
struct SummaryLine<'a> {
    summary: SuiteCounts<'a>,
}

#[derive(Serialize)]
struct SuiteCounts<'a> {
    scenarios: usize,
    passed: usize,
    failed: usize,
    skipped: usize,
    wall_ms: f64,
    orphans: usize,
    interrupted: bool,
    errors: &'a [String],
    seed_sensitive: CaseCounts,
    files: Vec<FileLine<'a>>,
    blessed: Vec<&'a str>,
}

/// A file of several cells that failed as a whole.
#[derive(Serialize)]
struct FileLine<'a> {
    path: &'a str,
    seed: Option<u64>,
    failures: Vec<FailureLine<'a>>,
}

/// The cases of files that say `seed-sensitive`; they are among those of the suite.
#[derive(Serialize)]
struct CaseCounts {
    scenarios: usize,
    passed: usize,
    failed: usize,
    skipped: usize,
}

fn case_line(case: &CaseResult) -> CaseLine<'_> {
    let run = case.run.as_ref();
    CaseLine {
        format: FORMAT,
        scenario: &case.scenario,
        path: &case.path,
        seed: case.seed,
        outcome: case.outcome.word(),
        virtual_s: run.map_or(0, |run| run.virtual_seconds),
        packets: run.map_or(0, |run| run.packets),
        crypto_ops: run.map_or(0, |run| run.crypto_operations),
        wall_ms: round(case.wall_ms),
        record_hash: run.map_or("", |run| &run.record_hash),
        packet_hash: run.map_or("", |run| &run.packet_hash),
        failures: case.failures.iter().map(failure_line).collect(),
        seed_sensitive: case.seed_sensitive,
    }
}

fn failure_line(failure: &Failure) -> FailureLine<'_> {
    let message = match &failure.difference {
        Some(difference) => format!("{}\n{difference}", failure.message),
        None => failure.message.clone(),
    };
    FailureLine {
        code: &failure.code,
        message,
        file: failure.file.as_deref(),
        line: failure.line,
        column: failure.column,
    }
}

fn file_line(file: &FileResult) -> FileLine<'_> {
    FileLine { path: &file.path, seed: file.seed, failures: file.failures.iter().map(failure_line).collect() }
}

fn round(milliseconds: f64) -> f64 {
    (milliseconds * 1000.0).round() / 1000.0
}

/// All lines of a suite.
pub fn lines(summary: &Summary) -> String {
    let mut text = String::new();
    let mut push = |line: Result<String, serde_json::Error>| {
        // Only numbers and strings: this cannot fail.
        text.push_str(&line.unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}")));
        text.push('\n');
    };
    for case in &summary.cases {
        push(serde_json::to_string(&case_line(case)));
    }
    let (all, sensitive) = (summary.counts(), summary.seed_sensitive());
    push(serde_json::to_string(&SummaryLine {
        summary: SuiteCounts {
            scenarios: all.cases,
            passed: all.passed,
            failed: all.failed(),
            skipped: all.skipped,
            wall_ms: round(summary.wall_ms),
            orphans: summary.orphans.len(),
            interrupted: summary.interrupted,
            errors: &summary.errors,
            seed_sensitive: CaseCounts {
                scenarios: sensitive.cases,
                passed: sensitive.passed,
                failed: sensitive.failed(),
                skipped: sensitive.skipped,
            },
            files: summary.files.iter().map(file_line).collect(),
            blessed: summary.blessed.iter().map(|written| written.path.as_str()).collect(),
        },
    }));
    text
}

#[derive(Deserialize)]
struct HashLine {
    scenario: String,
    seed: u64,
    record_hash: String,
    packet_hash: String,
}

/// The hashes of record and packets in these lines, by scenario and seed.
pub fn hashes(lines: &str) -> Hashes {
    lines
        .lines()
        .filter_map(|line| serde_json::from_str::<HashLine>(line).ok())
        .map(|line| ((line.scenario, line.seed), (line.record_hash, line.packet_hash)))
        .collect()
}
