//! The messages delivered, in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use mxlab_mail::Address;

use crate::disposition::Folder;

/// The most messages that an engine keeps.
pub const MAX_MESSAGES: usize = 100_000;

/// A message in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Whose folder.
    pub to: Address,
    /// Which one.
    pub folder: Folder,
    /// When it came.
    pub at: Timestamp,
    /// The message as stamped.
    pub message: Arc<[u8]>,
}

/// The folders of all recipients. Clones are the same mailbox.
#[derive(Clone, Debug)]
pub struct Mailbox {
    messages: Arc<Mutex<Vec<Delivered>>>,
    bound: usize,
}

/// The mailbox is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the mailbox is full")]
pub struct Full;

impl Mailbox {
    /// An empty mailbox that holds at most `bound` messages.
    pub fn new(bound: usize) -> Mailbox {
        Mailbox { messages: Arc::default(), bound }
    }

    /// Adds all of `messages`, or none.
    ///
    /// # Errors
    /// When they do not all fit.
    pub fn deliver(&self, messages: Vec<Delivered>) -> Result<(), Full> {
        let mut held = self.lock();
        if held.len() + messages.len() > self.bound {
            return Err(Full);
        }
        held.extend(messages);
        Ok(())
    }

    /// All messages in the order of their delivery.
    pub fn messages(&self) -> Vec<Delivered> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Delivered>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
