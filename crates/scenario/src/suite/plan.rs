//! What to run: reading the files, and selecting by filters and partition.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::error::SuiteError;
use super::filter::{Filter, nearest};
use super::found::{Found, discover, is_inside, outside};
use super::options::Options;
use super::result::{CaseOutcome, CaseResult};
use crate::registry;
use crate::run::Failure;
use mxlab_language::{Cell, Loaded, Sources, WorldDirectory};

/// One case to be run.
pub(super) struct Job {
    pub(super) scenario: String,
    pub(super) path: String,
    pub(super) seed: u64,
    pub(super) cell: Cell,
    pub(super) sources: Arc<Sources>,
    pub(super) warnings: Vec<String>,
    /// Whether its story is compared with a snapshot.
    pub(super) compared: bool,
}

/// Everything that the filters select: jobs, and results for files that cannot be run.
pub(super) struct Plan {
    pub(super) jobs: Vec<Job>,
    pub(super) invalid: Vec<CaseResult>,
    /// How many cells each file has, by path, whatever the filters.
    pub(super) cells: BTreeMap<String, usize>,
    /// Ids of all cells of all files, whatever the filters; none if a file was invalid, since its cells are unknown.
    pub(super) all_ids: Option<BTreeSet<String>>,
}

/// Reads the files and applies the filters.
pub(super) fn plan(options: &Options) -> Result<Plan, SuiteError> {
    let worlds =
        WorldDirectory { directory: options.root.join("scenarios/worlds"), shown: "scenarios/worlds".to_owned() };
    let parse = |typed: &String| Filter::parse(&options.root, typed);
    let filters: Vec<Filter> = options.filters.iter().map(parse).collect::<Result<_, _>>()?;
    let mut found = discover(&options.root)?;
    for filter in &filters {
        if let Filter::File { location, typed, .. } = filter
            && !found.iter().any(|file| file.location == *location)
        {
            if options.bless {
                return Err(SuiteError::NothingToBless(typed.clone()));
            }
            found.push(outside(&options.root, location, typed)?);
        }
    }
    let mut plan =
        Plan { jobs: Vec::new(), invalid: Vec::new(), cells: BTreeMap::new(), all_ids: Some(BTreeSet::new()) };
    let mut selection = Selection { hit: vec![false; filters.len()], filters };
    for file in &found {
        let failures = match &file.text {
            Err(failure) => vec![failure.clone()],
            Ok(text) => match mxlab_language::read(&file.path, text, &worlds, &registry::ids()) {
                Ok(loaded) => {
                    plan_file(options, file, loaded, &mut plan, &mut selection);
                    continue;
                }
                Err(diagnostics) => Failure::mistakes(&diagnostics),
            },
        };
        plan.all_ids = None;
        if selection.lets_through(|filter| filter.may_match(file)) {
            plan.invalid.push(invalid(file, failures));
        }
    }
    if let Some(missed) = selection.hit.iter().position(|hit| !hit) {
        return Err(nothing_matches(&options.filters[missed], &found, &plan));
    }
    no_two_of_a_name(&plan)?;
    Ok(plan)
}

/// The filters, and which of them have selected something.
struct Selection {
    filters: Vec<Filter>,
    hit: Vec<bool>,
}

impl Selection {
    fn lets_through(&mut self, matches: impl Fn(&Filter) -> bool) -> bool {
        let mut any = self.filters.is_empty();
        for (filter, hit) in self.filters.iter().zip(&mut self.hit) {
            let matches = matches(filter);
            *hit |= matches;
            any |= matches;
        }
        any
    }
}

fn plan_file(options: &Options, file: &Found, loaded: Loaded, plan: &mut Plan, selection: &mut Selection) {
    let warnings = if loaded.warnings.is_empty() { Vec::new() } else { vec![loaded.warnings.render(false)] };
    plan.cells.insert(file.path.clone(), loaded.cells.len());
    for cell in loaded.cells {
        let id = format!("{}{}", file.id, cell.suffix);
        if let Some(all) = &mut plan.all_ids {
            all.insert(id.clone());
        }
        let selected = selection.lets_through(|filter| filter.matches(file, &cell.suffix));
        if !selected || !in_partition(options.partition, &id) {
            continue;
        }
        let own = cell.scenario.seed;
        let seeds = if options.seeds.is_empty() { vec![own] } else { options.seeds.clone() };
        for seed in seeds {
            plan.jobs.push(Job {
                scenario: id.clone(),
                path: file.path.clone(),
                seed,
                // A file outside `scenarios/` is being tried out. A story that depends on the seed is compared only
                // with its own seed.
                compared: is_inside(&file.path) && (cell.scenario.seed_sensitive.is_none() || seed == own),
                cell: cell.clone(),
                sources: loaded.sources.clone(),
                warnings: warnings.clone(),
            });
        }
    }
}

/// The message for a filter that selects nothing: the most similar ids, with cells if it names one.
fn nothing_matches(typed: &str, found: &[Found], plan: &Plan) -> SuiteError {
    let near = match &plan.all_ids {
        Some(ids) if typed.contains('[') => nearest(typed, ids.iter().map(String::as_str)),
        _ => nearest(typed, found.iter().map(|file| file.id.as_str())),
    };
    SuiteError::NothingMatches { filter: typed.to_owned(), near }
}

/// Two files, one of them outside, could have the same id: their results could not be told apart.
fn no_two_of_a_name(plan: &Plan) -> Result<(), SuiteError> {
    let jobs = plan.jobs.iter().map(|job| (&job.scenario, &job.path));
    let invalid = plan.invalid.iter().map(|case| (&case.scenario, &case.path));
    let mut paths: BTreeMap<&str, &str> = BTreeMap::new();
    for (id, path) in jobs.chain(invalid) {
        let id = id.split('[').next().unwrap_or(id);
        let first = *paths.entry(id).or_insert(path);
        if first != path {
            return Err(SuiteError::SameName { id: id.to_owned(), one: first.to_owned(), other: path.clone() });
        }
    }
    Ok(())
}

/// FNV-1a: small, stable over versions of everything, good enough to spread ids.
fn in_partition(partition: Option<(u64, u64)>, id: &str) -> bool {
    let Some((part, parts)) = partition else { return true };
    let hash = id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    hash % parts.max(1) == part.wrapping_sub(1)
}

fn invalid(file: &Found, failures: Vec<Failure>) -> CaseResult {
    CaseResult {
        scenario: file.id.clone(),
        path: file.path.clone(),
        seed: 0,
        outcome: CaseOutcome::Invalid,
        failures,
        warnings: Vec::new(),
        compared: false,
        seed_sensitive: false,
        run: None,
        story: None,
        record: None,
        wall_ms: 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_complete_and_disjoint() {
        for id in ["dane/match", "dane/mismatch", "compauth/e10", "retry/crash[how=kill]"] {
            let hits = (1..=3).filter(|part| in_partition(Some((*part, 3)), id)).count();
            assert_eq!(hits, 1, "{id}");
        }
    }
}
