//! Which behaviours of the registry are claimed by which scenarios.
//!
//! Claims are read, not run: whether a run shows what its file claims is checked by every run of the suite
//! ([`registry::unshown`]).

use std::collections::BTreeMap;
use std::path::Path;

use crate::registry::{self, Behaviour};
use crate::suite::{Claims, Options, SuiteError, claims};

/// A behaviour, and the scenario files that claim it.
#[derive(Debug)]
pub struct Row {
    /// The behaviour.
    pub behaviour: &'static Behaviour,
    /// The ids of the files, sorted.
    pub scenarios: Vec<String>,
}

/// The whole registry with its claims.
#[derive(Debug)]
pub struct Matrix {
    /// A row for each behaviour, in the order of the registry.
    pub rows: Vec<Row>,
    /// The paths of files with mistakes, whose claims are not counted.
    pub invalid: Vec<String>,
}

/// Reads the claims of all scenarios of a repository.
///
/// # Errors
/// If there is no scenario, or a file cannot be read.
pub fn matrix(root: &Path) -> Result<Matrix, SuiteError> {
    let Claims { of_files: claims, invalid } = claims(&Options::new(root))?;
    let mut by_behaviour: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (file, claimed) in &claims {
        for id in claimed {
            by_behaviour.entry(id).or_default().push(file.clone());
        }
    }
    let row = |behaviour: &'static Behaviour| {
        let mut scenarios = by_behaviour.remove(behaviour.id).unwrap_or_default();
        scenarios.sort();
        scenarios.dedup();
        Row { behaviour, scenarios }
    };
    Ok(Matrix { rows: registry::behaviours().iter().map(row).collect(), invalid })
}
