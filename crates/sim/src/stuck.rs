//! What is reported of a poll that never returns, and to whom.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What is called when one poll does not return.
pub type OnStuck = Arc<dyn Fn(&Stuck) + Send + Sync>;

/// A poll that does not return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// [`Config::label`](crate::Config::label) of the world.
    pub label: String,
    /// [`Config::reproduce`](crate::Config::reproduce) of the world.
    pub reproduce: String,
    /// The world's seed.
    pub seed: u64,
    /// The host's name, or "the script".
    pub host: String,
    /// The name that the task was spawned with.
    pub task: String,
    /// For how long it has been running, in real time.
    pub since: Duration,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stuck { label, reproduce, seed, host, task, since } = self;
        let seconds = since.as_secs();
        write!(f, "{label} (seed {seed}): task {task:?} on {host} has run for {seconds} s without awaiting")?;
        if reproduce.is_empty() { Ok(()) } else { write!(f, "\n  run it again: {reproduce}") }
    }
}

static HOOK: OnceLock<OnStuck> = OnceLock::new();

/// What this process does when a poll does not return, in worlds whose [`Config::on_stuck`](crate::Config::on_stuck) says nothing else; for the
/// program's `main`, once. Without it, the report is printed to standard error and the loop goes on. `false` if there was a
/// hook already, which stays.
pub fn when_stuck(hook: impl Fn(&Stuck) + Send + Sync + 'static) -> bool {
    HOOK.set(Arc::new(hook)).is_ok()
}

/// The default of [`Config::on_stuck`](crate::Config::on_stuck).
pub(crate) fn hook_of_the_process() -> OnStuck {
    Arc::new(|stuck| match HOOK.get() {
        Some(hook) => hook(stuck),
        None => eprintln!("error: {stuck}"),
    })
}
