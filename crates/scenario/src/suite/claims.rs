//! Claims in `covers`, when all has run: a file claims for all its cells together, so each claim must be shown by one.

use std::collections::BTreeMap;

use super::{CaseOutcome, CaseResult, Options, worse};
use crate::run::{End, Failure};

/// Finds the claims that no cell shows. Told at the first cell; only where all cells of the file have run to their end, with
/// one seed, since another cell may show what these do not.
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
        let failed = CaseOutcome::ExpectationFailed;
        if worse(failed.exit_code(), case.outcome.exit_code()) == failed.exit_code() {
            case.outcome = failed;
        }
        let several = ended > 1;
        case.failures.extend(missing.into_iter().map(|failure| match several {
            true => Failure { message: format!("{}; nor does that of another cell", failure.message), ..failure },
            false => failure,
        }));
    }
}

/// Whether two failures are about the same claim: it stands at one place of the file.
fn same(one: &Failure, other: &Failure) -> bool {
    (one.line, one.column) == (other.line, other.column)
}
