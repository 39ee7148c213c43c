//! Claims in `covers`, after all runs: a file claims for all its cells together, so one of them must show each claim.

use std::collections::BTreeMap;

use super::{CaseOutcome, CaseResult, Options};
use crate::run::{End, Failure};

/// Finds the claims that no cell shows. Reports them at the first cell, and only if all cells of the file have run to
/// their end, with one seed, because a missing cell might show them.
pub(super) fn judge(options: &Options, cells: &BTreeMap<String, usize>, cases: &mut [CaseResult]) {
    if options.until.is_some() {
        return;
    }
    let mut by_file: BTreeMap<(String, u64), Vec<usize>> = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        by_file.entry((case.path.clone(), case.seed)).or_default().push(index);
    }
    for ((path, _), indices) in by_file {
        let runs = || indices.iter().filter_map(|index| cases.get(*index)?.run.as_ref());
        let ended = runs().filter(|run| run.end == End::Finished).count();
        if cells.get(&path).is_none_or(|all| ended < *all) {
            continue;
        }
        let shown_nowhere = |missing: &&Failure| runs().all(|run| run.unshown.iter().any(|other| same(other, missing)));
        let first = runs().next().map(|run| &run.unshown);
        let missing: Vec<Failure> = first.into_iter().flatten().filter(shown_nowhere).cloned().collect();
        let Some(case) = indices.first().and_then(|index| cases.get_mut(*index)).filter(|_| !missing.is_empty()) else {
            continue;
        };
        case.outcome = case.outcome.or_worse(CaseOutcome::ExpectationFailed);
        let several = ended > 1;
        case.failures.extend(missing.into_iter().map(|failure| match several {
            true => Failure { message: format!("{}; nor does that of another cell", failure.message), ..failure },
            false => failure,
        }));
    }
}

/// Whether two failures are about the same claim: both have the same place in the file.
fn same(one: &Failure, other: &Failure) -> bool {
    (one.line, one.column) == (other.line, other.column)
}
