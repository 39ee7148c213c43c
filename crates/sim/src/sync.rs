//! The lock that everything in a world uses.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks without regard to poison: a panic in a task ends the run, and its remains are only dropped.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
