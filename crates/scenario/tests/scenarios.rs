//! All scenarios of the repository against their expectations and snapshots: what `cargo xtask scenarios` runs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use mxlab_record::Entry;
use mxlab_scenario::exchange::Exchange;
use mxlab_scenario::suite::{self, CaseOutcome, CaseResult, Options, Progress, Summary};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn run(seeds: Vec<u64>) -> Summary {
    let options =
        Options { root: root(), filters: Vec::new(), seeds, jobs: 2, bless: false, partition: None, until: None };
    let kinds = mxlab_scenario::kinds();
    let mut wrong = BTreeSet::new();
    let summary = suite::run(&options, &Exchange, &AtomicBool::new(false), &mut |progress| {
        let Progress::Ended(CaseResult { record: Some(record), .. }) = progress else { return };
        let undeclared = |entry: &Entry| {
            let problem = mxlab_record::undeclared(&kinds, entry.kind, &entry.fields)?;
            Some(format!("{}: {problem}", entry.actor))
        };
        wrong.extend(record.entries.iter().filter_map(undeclared));
    });
    assert!(wrong.is_empty(), "events are told that nobody declares: {wrong:#?}");
    summary.unwrap()
}

fn complain(summary: &Summary) -> String {
    let failed = summary.cases.iter().filter(|case| case.outcome != CaseOutcome::Passed);
    let told = failed.map(|case| {
        let messages: Vec<&str> = case.failures.iter().map(|failure| failure.message.as_str()).collect();
        format!("{} (seed {}): {}\n{}", case.scenario, case.seed, case.outcome.word(), messages.join("\n"))
    });
    told.chain(summary.orphans.iter().map(|orphan| format!("{orphan}: no scenario has this snapshot"))).collect()
}

#[test]
fn every_scenario_holds() {
    let summary = run(Vec::new());
    assert!(summary.cases.len() >= 16, "only {} scenarios were found", summary.cases.len());
    assert_eq!(summary.exit_code(), 0, "{}", complain(&summary));
}

#[test]
fn another_seed_tells_the_same_stories() {
    let summary = run(vec![2, 3]);
    assert_eq!(summary.exit_code(), 0, "{}", complain(&summary));
    let mut hashes: Vec<&str> =
        summary.cases.iter().filter_map(|case| Some(case.run.as_ref()?.packet_hash.as_str())).collect();
    let count = hashes.len();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), count, "two seeds, or two scenarios, sent the same packets");
}
