//! Counts the cryptographic work of this thread, so that a run can say where its time went.
//!
//! It counts signatures over zones, made and checked, and the halves of TLS key agreements. It is only a count: nothing
//! may depend on it.

use std::cell::Cell;

thread_local! {
    static OPERATIONS: Cell<u64> = const { Cell::new(0) };
}

/// Counts one operation.
pub fn count() {
    OPERATIONS.with(|operations| operations.set(operations.get().saturating_add(1)));
}

/// The operations of this thread since the last call.
pub fn take() -> u64 {
    OPERATIONS.with(|operations| operations.replace(0))
}
