//! What a file says for all its cells together, after all runs: one of them must show each claim in `covers`, and one of
//! them must draw from the seed if the file says `seed-sensitive`.

use std::collections::BTreeMap;

use super::options::Options;
use super::result::{CaseOutcome, CaseResult, FileResult};
use crate::run::{End, Failure, RunResult};

/// Finds what no cell bears out, and only if all cells of the file have run to their end, because a missing cell might
/// bear it out. Cells belong together that run with the file's own seeds, or with the same seed of the command line.
///
/// If the file has one cell, that cell fails; of several, each may be innocent: then it is the file that fails.
pub(super) fn judge(options: &Options, cells: &BTreeMap<String, usize>, cases: &mut [CaseResult]) -> Vec<FileResult> {
    if options.until.is_some() {
        return Vec::new();
    }
    let given = |seed: u64| if options.seeds.is_empty() { None } else { Some(seed) };
    let mut by_file: BTreeMap<(String, Option<u64>), Vec<usize>> = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        by_file.entry((case.path.clone(), given(case.seed))).or_default().push(index);
    }
    let mut files = Vec::new();
    for ((path, seed), indices) in by_file {
        let runs: Vec<&RunResult> = indices
            .iter()
            .filter_map(|index| cases.get(*index)?.run.as_ref())
            .filter(|run| run.end == End::Finished)
            .collect();
        if cells.get(&path).is_none_or(|all| runs.len() < *all) {
            continue;
        }
        let several = runs.len() > 1;
        let failures: Vec<Failure> = shown_nowhere(&runs).into_iter().chain(drawn_nowhere(&runs)).collect();
        let Some(case) = indices.first().and_then(|index| cases.get_mut(*index)).filter(|_| !failures.is_empty())
        else {
            continue;
        };
        if several {
            let id = case.scenario.split('[').next().unwrap_or_default().to_owned();
            files.push(FileResult { id, path, seed, failures });
        } else {
            case.outcome = case.outcome.or_worse(CaseOutcome::ExpectationFailed);
            case.failures.extend(failures);
        }
    }
    files
}

/// The claims that none of these runs shows.
fn shown_nowhere(runs: &[&RunResult]) -> Vec<Failure> {
    let nowhere = |claim: &&Failure| runs.iter().all(|run| run.unshown.iter().any(|other| same(other, claim)));
    let claims = runs.first().into_iter().flat_map(|run| &run.unshown).filter(nowhere).cloned();
    claims
        .map(|claim| match runs.len() {
            1 => claim,
            cells => Failure { message: format!("{}: in none of the {cells} cells", claim.message), ..claim },
        })
        .collect()
}

/// What is wrong with `seed-sensitive`, if none of these runs drew anything.
fn drawn_nowhere(runs: &[&RunResult]) -> Option<Failure> {
    let first = runs.first()?.undrawn.clone();
    first.filter(|_| runs.iter().all(|run| run.undrawn.is_some()))
}

/// Whether two failures are about the same claim: both have the same place in the file.
fn same(one: &Failure, other: &Failure) -> bool {
    (one.line, one.column) == (other.line, other.column)
}
