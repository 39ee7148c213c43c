//! Causes: what set off the code that runs now.
//!
//! A cause is a step of the script or a timer, and it is known by its time. Everything that follows from it belongs to
//! it: the tasks that it wakes or spawns, the packets that they write, the tasks that those packets wake. So a story can
//! hold together what one cause set off, however long links that have a latency stretch it.
//!
//! | what happens | whose time it gets |
//! |---|---|
//! | a task wakes or spawns another | that of the task that runs |
//! | a packet is written | that of the task that writes |
//! | a packet arrives and wakes a task | that of the packet |
//! | a task reads what had arrived before | the later one, its own or that of the packet |
//! | a timer wakes a task | the timer's: a new one, of this instant |
//! | the script acts | a new one, of this instant |
//! | several causes wake a task before it runs | the earliest |
//!
//! Besides its time a cause has a *line*: its place in the tree of everything that was ever set off. The script is the root,
//! and each task is a child of the code that spawned it, numbered in the order of spawning. A task that serves others, one
//! that accepts connections or answers datagrams, acts on behalf of the one that it heard last: what it spawns then is a child of
//! the code that wrote to it. So the line of what belongs to one message is the same whatever order the seed gives to
//! packets of different messages, and what happens side by side can be told in the order of lines: a task before its
//! children, an older one before a younger.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::sync::lock;

/// A path from the root of the tree of tasks: the first child is number 1.
type Line = Arc<[u32]>;

/// What set something off, and for whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cause {
    /// Its time, since the start of the run.
    pub(crate) at: Duration,
    line: Line,
}

impl Cause {
    /// A timer that belongs to nobody.
    pub(crate) fn timer(at: Duration) -> Cause {
        Cause { at, line: Arc::from([]) }
    }

    /// The same line, because of a timer.
    pub(crate) fn by_timer(self, at: Duration) -> Cause {
        Cause { at, ..self }
    }

    /// Its place among all of its time, as numbers to be compared one after the other.
    pub(crate) fn rank(&self) -> Vec<u32> {
        self.line.to_vec()
    }
}

/// The place of a task in the tree.
pub(crate) struct Descent {
    own: Line,
    acting: Mutex<Acting>,
}

struct Acting {
    /// Its own line, or that of whom it serves, continued by its own.
    line: Line,
    /// How many children it has spawned, by the line that it acted on.
    children: BTreeMap<Line, u32>,
}

impl Descent {
    pub(crate) fn new(own: Line) -> Descent {
        Descent { own: Arc::clone(&own), acting: Mutex::new(Acting { line: own, children: BTreeMap::new() }) }
    }

    /// The script's.
    pub(crate) fn root() -> Descent {
        Descent::new(Arc::from([]))
    }

    fn cause(&self, at: Duration) -> Cause {
        Cause { at, line: Arc::clone(&lock(&self.acting).line) }
    }

    /// A new child's.
    pub(crate) fn child(&self) -> Descent {
        let mut acting = lock(&self.acting);
        let line = Arc::clone(&acting.line);
        let children = acting.children.entry(Arc::clone(&line)).or_default();
        *children = children.saturating_add(1);
        Descent::new(line.iter().copied().chain([*children]).collect())
    }

    /// It has read what `cause` brought. What comes from its ancestors or descendants changes nothing; for anybody else it acts
    /// on their behalf.
    fn read(&self, cause: &Cause) {
        let mut acting = lock(&self.acting);
        acting.line = if cause.line.starts_with(&self.own) || self.own.starts_with(&cause.line) {
            Arc::clone(&self.own)
        } else {
            // No child has number 0.
            cause.line.iter().chain([&0]).chain(self.own.iter()).copied().collect()
        };
    }
}

enum Running {
    Task(Duration, Arc<Descent>),
    Delivery(Cause),
}

thread_local! {
    static RUNNING: RefCell<Option<Running>> = const { RefCell::new(None) };
}

/// While it lives, code runs because of what was entered. Restores what was before when dropped.
#[must_use]
pub(crate) struct Entered {
    before: Option<Running>,
}

fn enter(running: Running) -> Entered {
    Entered { before: RUNNING.with(|slot| slot.borrow_mut().replace(running)) }
}

/// A task runs.
pub(crate) fn enter_task(at: Duration, descent: &Arc<Descent>) -> Entered {
    enter(Running::Task(at, Arc::clone(descent)))
}

/// A packet is seen or delivered.
pub(crate) fn enter_delivery(cause: Cause) -> Entered {
    enter(Running::Delivery(cause))
}

impl Drop for Entered {
    fn drop(&mut self) {
        let before = self.before.take();
        RUNNING.with(|slot| *slot.borrow_mut() = before);
    }
}

/// What the code that runs was set off by; none outside of tasks and deliveries.
pub(crate) fn current() -> Option<Cause> {
    RUNNING.with(|slot| match slot.borrow().as_ref()? {
        Running::Task(at, descent) => Some(descent.cause(*at)),
        Running::Delivery(cause) => Some(cause.clone()),
    })
}

/// The place of a task that the running code spawns; none outside of tasks.
pub(crate) fn child() -> Option<Descent> {
    RUNNING.with(|slot| match slot.borrow().as_ref()? {
        Running::Task(_, descent) => Some(descent.child()),
        Running::Delivery(_) => None,
    })
}

/// The running code has read what `cause` brought.
pub(crate) fn read(cause: &Cause) {
    RUNNING.with(|slot| {
        if let Some(Running::Task(at, descent)) = slot.borrow_mut().as_mut() {
            *at = cause.at.max(*at);
            descent.read(cause);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(descent: &Descent) -> Vec<u32> {
        descent.cause(Duration::ZERO).rank()
    }

    #[test]
    fn a_task_comes_before_its_children_and_an_older_one_before_a_younger() {
        let parent = Descent::root();
        let first = parent.child();
        let second = parent.child();
        let grandchild = first.child();
        assert!([rank(&parent), rank(&first), rank(&grandchild), rank(&second)].is_sorted());
    }

    #[test]
    fn a_server_acts_on_behalf_of_whom_it_hears() {
        let script = Descent::root();
        let (server, one, two) = (script.child(), script.child(), script.child());
        // In whatever order they come, what is spawned for each has the same line.
        let session = |heard: &[&Descent]| {
            let server = Descent::new(Arc::clone(&server.own));
            let mut lines: Vec<_> = heard
                .iter()
                .map(|client| {
                    server.read(&client.cause(Duration::ZERO));
                    server.child().own
                })
                .collect();
            lines.sort();
            lines
        };
        assert_eq!(session(&[&one, &two]), session(&[&two, &one]));
        // What a session hears of its client, and a client of its session, changes neither line.
        server.read(&one.cause(Duration::ZERO));
        let session = server.child();
        session.read(&one.cause(Duration::ZERO));
        assert_eq!(lock(&session.acting).line, session.own);
        one.read(&session.cause(Duration::ZERO));
        assert_eq!(lock(&one.acting).line, one.own);
    }
}
