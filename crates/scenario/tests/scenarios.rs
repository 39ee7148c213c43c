//! All scenarios of the repository against their expectations and snapshots: what `cargo xtask scenarios` runs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use mxlab_record::Entry;
use mxlab_scenario::exchange::Exchange;
use mxlab_scenario::exit_code::ExitCode;
use mxlab_scenario::suite::{self, CaseOutcome, CaseResult, Options, Progress, Summary};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// All scenarios with these seeds.
fn all(seeds: Vec<u64>) -> Options {
    Options { seeds, jobs: 2, ..Options::new(root()) }
}

fn run(options: &Options) -> Summary {
    let kinds = mxlab_scenario::kinds();
    let mut wrong = BTreeSet::new();
    let summary = suite::run(options, Arc::new(Exchange), &AtomicBool::new(false), &mut |progress| {
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
    let summary = run(&all(Vec::new()));
    assert!(summary.cases.len() >= 16, "only {} scenarios were found", summary.cases.len());
    assert_eq!(summary.exit_code(), ExitCode::AllHeld, "{}", complain(&summary));
}

/// What `cargo mutants` asks (`.cargo/mutants.toml`): whether some expectation fails, whatever the stories say.
#[test]
#[ignore = "it shows less than `every_scenario_holds`; it is for measuring what expectations alone would find"]
fn every_expectation_holds() {
    let mut summary = run(&all(Vec::new()));
    summary.cases.retain(|case| case.outcome != CaseOutcome::SnapshotDiffers);
    summary.orphans.clear();
    assert_eq!(summary.exit_code(), ExitCode::AllHeld, "{}", complain(&summary));
}

#[test]
fn another_seed_tells_the_same_stories() {
    let summary = run(&all(vec![2, 3]));
    assert_eq!(summary.exit_code(), ExitCode::AllHeld, "{}", complain(&summary));
    let mut hashes: Vec<&str> =
        summary.cases.iter().filter_map(|case| Some(case.run.as_ref()?.packet_hash.as_str())).collect();
    let count = hashes.len();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), count, "two seeds, or two scenarios, sent the same packets");
}

/// What is signed and checked once for several runs changes none of them, nor how much work they say they did.
#[test]
fn what_the_process_remembers_changes_nothing() {
    let filters = ["dane/", "dnssec/", "dkim/", "arc/"].map(str::to_owned).to_vec();
    let results = |memo: bool| -> Vec<_> {
        let summary = run(&Options { filters: filters.clone(), jobs: 1, memo, ..all(Vec::new()) });
        let told = summary.cases.into_iter().map(|case| {
            let run = case.run.expect("it ran");
            (case.scenario, run.record_hash, run.packet_hash, run.crypto_operations)
        });
        told.collect()
    };
    let anew = results(false);
    assert!(anew.len() > 50, "only {} cells", anew.len());
    assert_eq!(results(true), anew);
    // Once more, with everything remembered.
    assert_eq!(results(true), anew);
}
