//! Randomness for code that cannot be given an [`Env`]: TLS libraries ask a global.
//!
//! The adapter calls [`enter`] around every poll of a task, so that [`fill`] finds the env of the task that runs.
//! Outside any task it falls back to the system's randomness; a simulated run never gets there.

use std::cell::RefCell;

use crate::Env;

thread_local! {
    static CURRENT: RefCell<Option<Env>> = const { RefCell::new(None) };
}

/// While this guard lives, [`fill`] draws from the env that was entered. Dropping it restores the previous env.
#[must_use]
pub struct Entered {
    before: Option<Env>,
}

/// Makes `env` the source of [`fill`] on this thread.
pub fn enter(env: &Env) -> Entered {
    Entered { before: CURRENT.with(|current| current.borrow_mut().replace(env.clone())) }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let before = self.before.take();
        CURRENT.with(|current| *current.borrow_mut() = before);
    }
}

/// The env that was entered last, and is still.
pub(crate) fn current() -> Option<Env> {
    CURRENT.with(|current| current.borrow().clone())
}

/// Fills `buffer` from the entered env, or from the system if none was entered. `false` if the system has no randomness.
#[must_use]
pub fn fill(buffer: &mut [u8]) -> bool {
    match current() {
        Some(env) => {
            env.fill(buffer);
            true
        }
        None => crate::real::fill_from_system(buffer),
    }
}
