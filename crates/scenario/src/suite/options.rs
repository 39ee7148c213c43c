//! What to run, and how.

use std::path::PathBuf;

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The repository: the folder that holds `scenarios/` and `snapshots/`.
    pub root: PathBuf,
    /// Ids, parts of ids, or paths of files (`path.toml`, `path.toml[axis=value]`); none for all.
    pub filters: Vec<String>,
    /// The seeds to run each scenario with; none for the one in its file.
    pub seeds: Vec<u64>,
    /// Number of threads.
    pub jobs: usize,
    /// Write snapshots instead of comparing them.
    pub bless: bool,
    /// Neither read snapshots nor require any.
    pub expectations_only: bool,
    /// Run only the part `.0` of `.1` (from 1), by hash of the id.
    pub partition: Option<(u64, u64)>,
    /// Stop every run here, in seconds of virtual time, and compare nothing.
    pub until: Option<u64>,
    /// The stories are wanted for themselves: a file that expects nothing may run too.
    pub stories: bool,
    /// Sign and check once what several runs sign and check alike ([`mxlab_env::memo`]). No result depends on it.
    pub memo: bool,
}

impl Options {
    /// All scenarios of this repository, each with its own seed, on one thread, compared with their snapshots.
    pub fn new(root: impl Into<PathBuf>) -> Options {
        Options {
            root: root.into(),
            filters: Vec::new(),
            seeds: Vec::new(),
            jobs: 1,
            bless: false,
            expectations_only: false,
            partition: None,
            until: None,
            stories: false,
            memo: true,
        }
    }

    /// Whether a file may run that expects nothing.
    pub(super) fn may_expect_nothing(&self) -> bool {
        self.stories || self.until.is_some()
    }

    /// Whether stories are compared with snapshots, or written as such.
    pub(super) fn settles(&self) -> bool {
        self.until.is_none() && !self.expectations_only
    }
}
