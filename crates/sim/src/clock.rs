//! The times of a world: its clock, and the finer time of its wire.

use std::time::Duration;

use mxlab_env::Timestamp;
use tokio::runtime::Handle;
use tokio::time::Instant;

/// The clock of a world: that of its runtime, which is paused.
pub(crate) struct Clock {
    runtime: Handle,
    start: Instant,
    epoch: Timestamp,
}

impl Clock {
    /// A clock that starts now, when the wall clock shows `epoch`.
    pub(crate) fn new(runtime: Handle, epoch: Timestamp) -> Clock {
        let start = {
            let _inside = runtime.enter();
            Instant::now()
        };
        Clock { runtime, start, epoch }
    }

    /// When the run started, on tokio's clock.
    pub(crate) fn start(&self) -> Instant {
        self.start
    }

    /// Virtual time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        let _inside = self.runtime.enter();
        self.start.elapsed()
    }

    /// The wall clock at a time since the start. Past the year 9999 it stands still.
    pub(crate) fn wall(&self, at: Duration) -> Timestamp {
        self.epoch.checked_add(at).unwrap_or(Timestamp::MAX)
    }
}

/// A time on the wire: an instant of virtual time, and the ticks within it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WireTime {
    /// Virtual time since the start.
    pub(crate) at: Duration,
    pub(crate) ticks: u64,
}

impl WireTime {
    /// This much later in virtual time, and so many ticks.
    pub(crate) fn after(self, delay: Duration, ticks: u64) -> WireTime {
        WireTime { at: self.at + delay, ticks: self.ticks.saturating_add(ticks) }
    }
}
