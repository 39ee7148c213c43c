//! What to run, and how.

use std::path::PathBuf;

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The repository: the folder that holds `scenarios/` and `snapshots/`.
    pub root: PathBuf,
    /// Parts of ids, or paths of files (`path.toml`, `path.toml[axis=value]`); none for all.
    pub filters: Vec<String>,
    /// The seeds to run each scenario with; none for the one in its file.
    pub seeds: Vec<u64>,
    /// Number of threads.
    pub jobs: usize,
    /// Write snapshots instead of comparing them.
    pub bless: bool,
    /// Run only the part `.0` of `.1` (from 1), by hash of the id.
    pub partition: Option<(u64, u64)>,
    /// Stop every run here, in seconds of virtual time, and compare nothing.
    pub until: Option<u64>,
    /// Sign and check once what several runs sign and check alike ([`mxlab_env::memo`]). No result depends on it.
    pub memo: bool,
}
