//! What to run: reading the files, and selecting by filters and partition.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::error::SuiteError;
use super::filter::{Filter, nearest};
use super::found::{Found, discover, is_inside, outside};
use super::options::Options;
use super::result::{CaseOutcome, CaseResult, Compared};
use crate::registry;
use crate::run::{Failure, refusals};
use mxlab_language::values::BehaviourRef;
use mxlab_language::{Cell, Diagnostic, Diagnostics, Loaded, Scenario, Severity, Sources, Spanned, WorldDirectory};

/// One case to be run.
pub(super) struct Job {
    pub(super) scenario: String,
    pub(super) path: String,
    pub(super) seed: u64,
    /// Shared by the jobs of all seeds.
    pub(super) cell: Arc<Cell>,
    pub(super) sources: Arc<Sources>,
    pub(super) warnings: Vec<String>,
    /// Whether the filters select it. If not, it runs because another cell of its file is to be blessed.
    pub(super) asked: bool,
    /// Whether its story is compared with a snapshot.
    pub(super) compared: Compared,
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
    let parse = |typed: &String| Filter::parse(&options.root, typed);
    let filters: Vec<Filter> = options.filters.iter().map(parse).collect::<Result<_, _>>()?;
    let found = find(options, &filters)?;
    let read = read(options, &found);
    let known =
        || found.iter().zip(&read).map(|(file, read)| (file, read.as_ref().ok().map(|loaded| loaded.cells.as_slice())));
    let filters: Vec<Filter> = filters.into_iter().map(|filter| filter.among(known())).collect();
    let mut selection = Selection { hit: vec![false; filters.len()], filters };
    let mut plan =
        Plan { jobs: Vec::new(), invalid: Vec::new(), cells: BTreeMap::new(), all_ids: Some(BTreeSet::new()) };
    for (file, read) in found.iter().zip(read) {
        match read {
            Ok(loaded) => plan_file(options, file, loaded, &mut plan, &mut selection),
            Err(unread) => {
                plan.all_ids = None;
                if selection.lets_through(|filter| filter.may_match(file)) {
                    plan.invalid.push(invalid(file, unread));
                }
            }
        }
    }
    if let Some(missed) = selection.hit.iter().position(|hit| !hit) {
        return Err(nothing_matches(&options.filters[missed], &found, &plan));
    }
    no_two_of_a_name(&plan)?;
    Ok(plan)
}

/// All files below `scenarios/`, and those elsewhere that the filters name.
fn find(options: &Options, filters: &[Filter]) -> Result<Vec<Found>, SuiteError> {
    let mut found = discover(&options.root)?;
    for filter in filters {
        if let Filter::File { location, typed, .. } = filter
            && !found.iter().any(|file| file.location == *location)
        {
            if options.bless {
                return Err(SuiteError::NothingToBless(typed.clone()));
            }
            found.push(outside(&options.root, location, typed)?);
        }
    }
    if found.is_empty() {
        return Err(SuiteError::NoScenarios(options.root.join("scenarios").display().to_string()));
    }
    Ok(found)
}

/// Why a file cannot be run.
struct Unread {
    failures: Vec<Failure>,
    warnings: Vec<String>,
}

impl Unread {
    fn of(found: &Diagnostics) -> Unread {
        let warnings = found.items().iter().filter(|item| item.severity == Severity::Warning).cloned();
        let warnings = Diagnostics::new(found.sources().clone(), warnings.collect());
        let warnings = if warnings.is_empty() { Vec::new() } else { vec![warnings.render(false)] };
        Unread { failures: Failure::mistakes(found), warnings }
    }
}

/// What each file says, or what is wrong with it.
fn read(options: &Options, found: &[Found]) -> Vec<Result<Loaded, Unread>> {
    let worlds =
        WorldDirectory { directory: options.root.join("scenarios/worlds"), shown: "scenarios/worlds".to_owned() };
    let behaviours: Vec<&str> = registry::behaviours().iter().map(|behaviour| behaviour.id).collect();
    let more = |scenario: &Scenario| [refusals(scenario), unshown(scenario)].concat();
    let read = |file: &Found| {
        let text = file
            .text
            .as_ref()
            .map_err(|failure| Unread { failures: vec![Failure::clone(failure)], warnings: Vec::new() })?;
        let loaded = mxlab_language::read_for(&file.path, text, &worlds, &behaviours, &more)
            .map_err(|found| Unread::of(&found))?;
        match expects_nothing(&loaded) {
            Some(mistake) if !options.may_expect_nothing() => Err(Unread::of(&mistake)),
            _ => Ok(loaded),
        }
    };
    found.iter().map(read).collect()
}

/// The claims that nothing shows yet.
fn unshown(scenario: &Scenario) -> Vec<Diagnostic> {
    let unshown = registry::without_evidence();
    let claims = scenario.covers.iter().filter(|claim| unshown.contains(&claim.as_str()));
    let mistake = |claim: &Spanned<BehaviourRef>| {
        let message = format!("no run can show the behaviour `{claim}`");
        let found = Diagnostic::error("unshown-behaviour", message, claim.span(), "nothing shows this yet");
        found.help("take it out; `cargo xtask coverage` lists what can be shown")
    };
    claims.map(mistake).collect()
}

/// That a file expects nothing, as a mistake: a run of it would pass whatever happens.
fn expects_nothing(loaded: &Loaded) -> Option<Diagnostics> {
    let found = loaded.warnings.items().iter().find(|warning| warning.code == "no-expectation")?;
    let mut mistake = found.clone();
    mistake.severity = Severity::Error;
    let help = mistake.help.clone().unwrap_or_default();
    let mistake = mistake.help(format!("{help}; or see what happens, with `--story`"));
    Some(Diagnostics::new(loaded.sources.clone(), vec![mistake]))
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
    let id = |cell: &Cell| format!("{}{}", file.id, cell.suffix);
    if let Some(all) = &mut plan.all_ids {
        all.extend(loaded.cells.iter().map(id));
    }
    let asked: Vec<bool> = loaded
        .cells
        .iter()
        .map(|cell| {
            // Every filter sees every cell, so that each learns whether it selects something.
            let selected = selection.lets_through(|filter| filter.matches(file, &cell.suffix));
            selected && in_partition(options.partition, &id(cell))
        })
        .collect();
    let any_asked = asked.contains(&true);
    let expects = loaded.cells.iter().any(|cell| {
        let Scenario { expects, nevers, .. } = &cell.scenario;
        !expects.is_empty() || !nevers.is_empty()
    });
    for (cell, asked) in loaded.cells.iter().zip(asked) {
        // Before one cell is blessed, all cells of its file have to hold.
        let blessed_with = options.bless && any_asked;
        if !asked && !blessed_with {
            continue;
        }
        let (own, cell) = (cell.scenario.seed, Arc::new(cell.clone()));
        let seeds = if options.seeds.is_empty() { vec![own] } else { options.seeds.clone() };
        for seed in seeds {
            plan.jobs.push(Job {
                scenario: id(&cell),
                path: file.path.clone(),
                seed,
                asked,
                compared: compared(file, &cell, expects, seed),
                cell: Arc::clone(&cell),
                sources: loaded.sources.clone(),
                warnings: warnings.clone(),
            });
        }
    }
}

/// Whether the story of a cell with this seed is compared with a snapshot.
fn compared(file: &Found, cell: &Cell, expects: bool, seed: u64) -> Compared {
    let own = cell.scenario.seed;
    if !is_inside(&file.path) {
        Compared::Outside
    } else if !expects {
        Compared::ExpectsNothing
    } else if cell.scenario.seed_sensitive.is_some() && seed != own {
        Compared::OtherSeed(own)
    } else {
        Compared::Yes
    }
}

/// The message for a filter that selects nothing: the most similar ids, with cells if it names one.
fn nothing_matches(typed: &str, found: &[Found], plan: &Plan) -> SuiteError {
    let near = match &plan.all_ids {
        Some(ids) if typed.contains('[') => nearest(typed, ids.iter().map(String::as_str)),
        _ => nearest(typed, found.iter().map(|file| file.id.as_str())),
    };
    SuiteError::NothingMatches { filter: typed.to_owned(), near, hint: elsewhere(typed, plan) }
}

/// What there is of this name outside of `scenarios/`, or in a file without cells.
fn elsewhere(typed: &str, plan: &Plan) -> Option<String> {
    let file = format!("{typed}.toml");
    if Path::new(&file).is_file() {
        return Some(format!("there is a file `{file}`: write its whole name"));
    }
    if Path::new(typed).exists() && !Path::new(typed).is_dir() {
        return Some(format!("`{typed}` is no scenario file: these are regular files called `NAME.toml`"));
    }
    if Path::new(typed).is_dir() {
        return Some(format!("`{typed}` is a folder outside of `scenarios/`: name its files"));
    }
    let (path, _) = typed.split_once(".toml[")?;
    let path = format!("{path}.toml");
    (plan.cells.get(&path) == Some(&1)).then(|| format!("`{path}` has no cells"))
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

fn invalid(file: &Found, unread: Unread) -> CaseResult {
    CaseResult {
        scenario: file.id.clone(),
        path: file.path.clone(),
        seed: 0,
        outcome: CaseOutcome::Invalid,
        failures: unread.failures,
        warnings: unread.warnings,
        asked: true,
        compared: Compared::Outside,
        arguments: None,
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
