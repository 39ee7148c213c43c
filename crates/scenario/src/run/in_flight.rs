//! What is under way between actors.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Counts what is on its way: messages from a client to a server, lookups.
#[derive(Clone, Default)]
pub(crate) struct InFlight {
    count: Arc<AtomicUsize>,
    changed: Arc<Notify>,
}

/// One thing on its way; it has arrived when this is dropped, also with the task that held it.
pub(super) struct OnItsWay(InFlight);

impl InFlight {
    pub(super) fn begin(&self) -> OnItsWay {
        self.count.fetch_add(1, Ordering::Relaxed);
        OnItsWay(self.clone())
    }
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
        self.0.changed.notify_waiters();
    }
}
