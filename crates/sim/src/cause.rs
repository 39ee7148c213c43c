//! Causes: what set off the code that runs now.
//!
//! A cause is a step of the script or a timer, and it is known by its time. Everything that follows from it belongs to
//! it: the tasks that it wakes or spawns, the packets that they write, the tasks that those packets wake. So a story can
//! hold together what one cause set off, however long links that have a latency stretch it.
//!
//! | what happens | whose cause it gets |
//! |---|---|
//! | a task wakes or spawns another | that of the task that runs |
//! | a packet is written | that of the task that writes |
//! | a packet arrives and wakes a task | that of the packet |
//! | a task reads what had arrived before | the later one, its own or that of the packet |
//! | a timer wakes a task | the timer's: a new one, of this instant |
//! | the script acts | a new one, of this instant |
//! | several causes wake a task before it runs | the earliest |

use std::cell::Cell;
use std::time::Duration;

/// The time of what set something off, since the start of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cause(pub(crate) Duration);

thread_local! {
    static CURRENT: Cell<Option<Cause>> = const { Cell::new(None) };
}

/// While it lives, code runs because of the cause that was entered. Restores the one before when dropped.
#[must_use]
pub(crate) struct Entered {
    before: Option<Cause>,
}

/// Makes `cause` what code on this thread runs because of.
pub(crate) fn enter(cause: Cause) -> Entered {
    Entered { before: CURRENT.replace(Some(cause)) }
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}

/// What the code that runs was set off by; none outside of tasks and deliveries.
pub(crate) fn current() -> Option<Cause> {
    CURRENT.get()
}

/// The running code has read what `cause` brought.
pub(crate) fn read(cause: Cause) {
    if let Some(current) = CURRENT.get() {
        CURRENT.set(Some(current.max(cause)));
    }
}
