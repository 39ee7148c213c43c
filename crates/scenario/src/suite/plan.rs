//! What is to run: finding the files, reading them, and letting through what the filters and the partition name.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::{CaseOutcome, CaseResult, Failure, Options, SuiteError};
use crate::file::{self, Cell, Diagnostics, Loaded, Severity, Sources, WorldDirectory};
use crate::registry;

/// A scenario file as found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its id, without a cell.
    pub id: String,
    /// Its path relative to the root.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// All scenario files below `scenarios/`, worlds excepted, sorted by id.
///
/// # Errors
/// If a folder or file cannot be read.
pub fn discover(root: &Path) -> Result<Vec<Found>, SuiteError> {
    let top = root.join("scenarios");
    let io_error = |path: &Path| {
        let path = path.display().to_string();
        move |error| SuiteError::Io { path, error }
    };
    let mut found = Vec::new();
    let mut folders = vec![top.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(io_error(&folder))? {
            let path = entry.map_err(io_error(&folder))?.path();
            if path.is_dir() {
                if path != top.join("worlds") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                found.push(read_found(root, &path)?);
            }
        }
    }
    found.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(found)
}

/// The largest scenario file that is read, in bytes; the reader has its own message for what exceeds 1 MiB.
const READ_LIMIT: u64 = 4 << 20;

fn read_found(root: &Path, path: &Path) -> Result<Found, SuiteError> {
    let shown = path.strip_prefix(root).unwrap_or(path).display().to_string().replace('\\', "/");
    let io_error = |error| SuiteError::Io { path: shown.clone(), error };
    let size = std::fs::metadata(path).map_err(io_error)?.len();
    if size > READ_LIMIT {
        return Err(io_error(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 4 MiB")));
    }
    let bytes = std::fs::read(path).map_err(io_error)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let id = shown.strip_prefix("scenarios/").unwrap_or(&shown).trim_end_matches(".toml").to_owned();
    Ok(Found { id, path: shown, text })
}

/// One case that is to be run.
pub(super) struct Job {
    pub(super) scenario: String,
    pub(super) path: String,
    pub(super) seed: u64,
    pub(super) cell: Cell,
    pub(super) sources: Arc<Sources>,
    pub(super) warnings: Vec<String>,
}

/// Everything that the filters let through: jobs, and results for files that cannot be run.
pub(super) struct Plan {
    pub(super) jobs: Vec<Job>,
    pub(super) invalid: Vec<CaseResult>,
    /// Ids of all cells of all files, whatever the filters; none if a file was invalid, since its cells are unknown.
    pub(super) all_ids: Option<BTreeSet<String>>,
}

/// Reads the files and applies the filters.
pub(super) fn plan(options: &Options) -> Result<Plan, SuiteError> {
    let worlds =
        WorldDirectory { directory: options.root.join("scenarios/worlds"), shown: "scenarios/worlds".to_owned() };
    let mut found = discover(&options.root)?;
    // A path may name a file outside `scenarios/`: a customer's failure that is just being written down.
    for filter in options.filters.iter().filter(|filter| filter.ends_with(".toml")) {
        let path = Path::new(filter);
        let known = found.iter().any(|file| same_file(&options.root, file, path));
        if !known && path.is_file() {
            found.push(read_found(&options.root, path)?);
        }
    }
    let mut plan = Plan { jobs: Vec::new(), invalid: Vec::new(), all_ids: Some(BTreeSet::new()) };
    let mut hit = vec![false; options.filters.len()];
    for file in &found {
        match file::read(&file.path, &file.text, &worlds, &registry::ids()) {
            Ok(loaded) => plan_file(options, file, loaded, &mut plan, &mut hit),
            Err(diagnostics) => {
                plan.all_ids = None;
                if selected(options, file, &file.id, &mut hit) {
                    plan.invalid.push(invalid(file, &diagnostics));
                }
            }
        }
    }
    match hit.iter().position(|hit| !hit) {
        Some(missed) => Err(SuiteError::NothingMatches(options.filters[missed].clone())),
        None => Ok(plan),
    }
}

fn same_file(root: &Path, file: &Found, path: &Path) -> bool {
    Path::new(&file.path) == path || root.join(&file.path).canonicalize().ok() == path.canonicalize().ok()
}

fn plan_file(options: &Options, file: &Found, loaded: Loaded, plan: &mut Plan, hit: &mut [bool]) {
    let warnings = if loaded.warnings.is_empty() { Vec::new() } else { vec![loaded.warnings.render(false)] };
    for cell in loaded.cells {
        let id = format!("{}{}", file.id, cell.suffix);
        if let Some(all) = &mut plan.all_ids {
            all.insert(id.clone());
        }
        if !selected(options, file, &id, hit) || !in_partition(options.partition, &id) {
            continue;
        }
        let seeds = if options.seeds.is_empty() { vec![cell.scenario.seed] } else { options.seeds.clone() };
        for seed in seeds {
            plan.jobs.push(Job {
                scenario: id.clone(),
                path: file.path.clone(),
                seed,
                cell: cell.clone(),
                sources: loaded.sources.clone(),
                warnings: warnings.clone(),
            });
        }
    }
}

fn selected(options: &Options, file: &Found, id: &str, hit: &mut [bool]) -> bool {
    if options.filters.is_empty() {
        return true;
    }
    let mut any = false;
    for (filter, hit) in options.filters.iter().zip(hit) {
        let matches = if filter.ends_with(".toml") {
            same_file(&options.root, file, Path::new(filter))
        } else {
            id.contains(filter.as_str())
        };
        *hit |= matches;
        any |= matches;
    }
    any
}

/// FNV-1a: small, stable over versions of everything, good enough to spread ids.
fn in_partition(partition: Option<(u64, u64)>, id: &str) -> bool {
    let Some((part, parts)) = partition else { return true };
    let hash = id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    hash % parts.max(1) == part.wrapping_sub(1)
}

fn invalid(file: &Found, diagnostics: &Diagnostics) -> CaseResult {
    CaseResult {
        scenario: file.id.clone(),
        path: file.path.clone(),
        seed: 0,
        outcome: CaseOutcome::Invalid,
        failures: mistakes(diagnostics),
        warnings: Vec::new(),
        run: None,
        wall_ms: 0.0,
    }
}

/// Mistakes in a file as failures; the message of each is the whole rendered diagnostic.
pub(super) fn mistakes(diagnostics: &Diagnostics) -> Vec<Failure> {
    let errors = diagnostics.items().iter().filter(|item| item.severity == Severity::Error);
    errors
        .map(|error| {
            let place = diagnostics.sources().position(error.primary.span);
            Failure {
                code: error.code.to_owned(),
                message: Diagnostics::new(diagnostics.sources().clone(), vec![error.clone()]).render(false),
                file: Some(place.path),
                line: Some(place.line),
                column: Some(place.column),
            }
        })
        .collect()
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
