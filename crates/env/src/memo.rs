//! What pure functions gave, remembered by the process.
//!
//! Many runs in one process sign and check the same octets with the same keys: the same prepared zones, the same proofs. A
//! [`Memo`] keeps what such a function gave, so that it is computed once. Nothing but time may depend on it: a memo is for
//! functions whose result follows from their arguments alone, and what counts work ([`crate::meter`]) counts before it asks.
//!
//! It is off unless a thread turns it on ([`set`]): a program that runs for months keeps no such store.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ring::digest::{Context, SHA256};

thread_local! {
    static ON: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, this thread uses memos, or does not. Restores what was before when dropped.
#[must_use]
pub struct Setting {
    before: bool,
}

/// Whether this thread uses memos from now on.
pub fn set(on: bool) -> Setting {
    Setting { before: ON.replace(on) }
}

impl Drop for Setting {
    fn drop(&mut self) {
        ON.set(self.before);
    }
}

/// What one function gave, by its arguments. All threads share it.
pub struct Memo<T> {
    most: usize,
    /// By the SHA-256 of the arguments.
    known: Mutex<BTreeMap<[u8; 32], T>>,
}

impl<T: Clone> Memo<T> {
    /// An empty memo of at most so many results. One that is full begins anew.
    pub const fn new(most: usize) -> Memo<T> {
        Memo { most, known: Mutex::new(BTreeMap::new()) }
    }

    /// What the function gives for these arguments: remembered, or computed.
    pub fn recall(&self, arguments: &[&[u8]], compute: impl FnOnce() -> T) -> T {
        match self.try_recall(arguments, || Ok::<T, Infallible>(compute())) {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    /// The same for a function that may fail. Errors are not remembered.
    ///
    /// # Errors
    /// That of the function.
    pub fn try_recall<E>(&self, arguments: &[&[u8]], compute: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        if !ON.get() {
            return compute();
        }
        let key = key(arguments);
        if let Some(value) = self.known().get(&key) {
            return Ok(value.clone());
        }
        // Without the lock: other threads go on meanwhile, and one that computes the same gets the same.
        let value = compute()?;
        let mut known = self.known();
        if known.len() >= self.most {
            known.clear();
        }
        known.insert(key, value.clone());
        Ok(value)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<[u8; 32], T>> {
        // Results are inserted whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(arguments: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for argument in arguments {
        // Length prefixes keep ("ab", "c") and ("a", "bc") apart.
        context.update(&(argument.len() as u64).to_be_bytes());
        context.update(argument);
    }
    let mut key = [0; 32];
    key.copy_from_slice(context.finish().as_ref());
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The results of calls with these arguments, each call giving the next number where it is computed.
    fn calls(memo: &Memo<usize>, arguments: &[&[&[u8]]]) -> Vec<usize> {
        let mut computed = 0;
        let call = |arguments: &&[&[u8]]| {
            memo.recall(arguments, || {
                computed += 1;
                computed
            })
        };
        arguments.iter().map(call).collect()
    }

    #[test]
    fn what_is_known_is_not_computed() {
        let memo = Memo::new(10);
        let of: [&[&[u8]]; 4] = [&[b"ab", b"c"], &[b"a", b"bc"], &[b"ab", b"c"], &[b"abc"]];
        assert_eq!(calls(&memo, &of), [1, 2, 3, 4], "off by default");
        let on = set(true);
        assert_eq!(calls(&memo, &of), [1, 2, 1, 3]);
        let off = set(false);
        assert_eq!(calls(&memo, &of), [1, 2, 3, 4]);
        drop(off);
        assert_eq!(calls(&memo, &of), [1, 2, 1, 3], "as before");
        drop(on);
        assert_eq!(calls(&memo, &of), [1, 2, 3, 4]);
    }

    #[test]
    fn one_that_is_full_begins_anew() {
        let _on = set(true);
        let memo = Memo::new(2);
        assert_eq!(calls(&memo, &[&[b"a"], &[b"b"], &[b"a"], &[b"c"], &[b"a"]]), [1, 2, 1, 3, 4]);
    }

    #[test]
    fn errors_are_not_remembered() {
        let _on = set(true);
        let memo = Memo::new(2);
        assert_eq!(memo.try_recall(&[b"a"], || Err::<usize, _>("no")), Err("no"));
        assert_eq!(memo.try_recall(&[b"a"], || Ok::<_, &str>(7)), Ok(7));
        assert_eq!(memo.try_recall(&[b"a"], || Err::<usize, _>("no")), Ok(7));
    }
}
