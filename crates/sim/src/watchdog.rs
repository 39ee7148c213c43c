//! Ends a program in which one poll never returns.
//!
//! Counting polls ends a task that wakes itself for ever, but not one that loops without an await: nothing inside the
//! runtime runs any more. The wire and its taps are watched like a poll. One thread per process looks from outside, in
//! real time, at every world that runs. Nothing can stop the looping thread, so it reports to what runs the world: a
//! program ends itself, a test fails.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once, Weak};
use std::time::Duration;

use crate::config::Config;
use crate::stuck::{OnStuck, Stuck};
use crate::sync::lock;

/// The part of a world that the watchdog sees.
pub(crate) struct Beat {
    label: String,
    reproduce: String,
    seed: u64,
    stuck_after: Duration,
    on_stuck: OnStuck,
    /// The task that is being polled now.
    busy: Mutex<Option<(Arc<str>, Arc<str>)>>,
    /// Changes with every poll.
    step: AtomicU64,
    seen: AtomicU64,
    stalled_ms: AtomicU64,
    told: AtomicBool,
}

impl Beat {
    pub(crate) fn new(config: &Config) -> Beat {
        Beat {
            label: config.label.clone(),
            reproduce: config.reproduce.clone(),
            seed: config.seed,
            stuck_after: config.stuck_after,
            on_stuck: Arc::clone(&config.on_stuck),
            busy: Mutex::new(None),
            step: AtomicU64::new(0),
            seen: AtomicU64::new(0),
            stalled_ms: AtomicU64::new(0),
            told: AtomicBool::new(false),
        }
    }

    /// Records that a poll begins; it ends when the returned value is dropped.
    pub(crate) fn begin(&self, host: &Arc<str>, task: &Arc<str>) -> Busy<'_> {
        self.step.fetch_add(1, Ordering::Relaxed);
        let outer = lock(&self.busy).replace((Arc::clone(host), Arc::clone(task)));
        Busy { beat: self, outer }
    }

    fn look(&self, passed: Duration) {
        let step = self.step.load(Ordering::Relaxed);
        let busy = lock(&self.busy).clone();
        let moved = self.seen.swap(step, Ordering::Relaxed) != step;
        let Some((host, task)) = busy.filter(|_| !moved) else {
            self.stalled_ms.store(0, Ordering::Relaxed);
            return;
        };
        let passed = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
        let since = Duration::from_millis(self.stalled_ms.fetch_add(passed, Ordering::Relaxed).saturating_add(passed));
        if since >= self.stuck_after && !self.told.swap(true, Ordering::Relaxed) {
            (self.on_stuck)(&Stuck {
                label: self.label.clone(),
                reproduce: self.reproduce.clone(),
                seed: self.seed,
                host: host.to_string(),
                task: task.to_string(),
                since,
            });
        }
    }
}

/// While this value lives, a poll is under way.
pub(crate) struct Busy<'a> {
    beat: &'a Beat,
    outer: Option<(Arc<str>, Arc<str>)>,
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.beat.step.fetch_add(1, Ordering::Relaxed);
        *lock(&self.beat.busy) = self.outer.take();
    }
}

static WATCHED: Mutex<Vec<Weak<Beat>>> = Mutex::new(Vec::new());
static STARTED: Once = Once::new();
const INTERVAL: Duration = Duration::from_millis(100);

/// Watches a world for as long as the returned value lives.
pub(crate) fn watch(beat: &Arc<Beat>) -> Watched {
    lock(&WATCHED).push(Arc::downgrade(beat));
    #[allow(clippy::disallowed_methods, reason = "the watchdog looks at the simulation from outside")]
    STARTED.call_once(|| {
        // Without the thread, a loop without an await simply hangs: harder to find, but not wrong.
        let _ = std::thread::Builder::new().name("mxlab watchdog".to_owned()).spawn(look_forever);
    });
    Watched(Arc::downgrade(beat))
}

/// While this value lives, the world is watched.
pub(crate) struct Watched(Weak<Beat>);

impl Drop for Watched {
    fn drop(&mut self) {
        lock(&WATCHED).retain(|beat| !beat.ptr_eq(&self.0));
    }
}

#[allow(clippy::disallowed_methods, reason = "the watchdog looks at the simulation from outside, in real time")]
fn look_forever() {
    loop {
        // It counts its own intervals, not a clock: a suspended machine must not look like a looping task.
        std::thread::sleep(INTERVAL);
        let watched: Vec<_> = lock(&WATCHED).iter().filter_map(Weak::upgrade).collect();
        for beat in watched {
            beat.look(INTERVAL);
        }
    }
}
