//! A message prepared for checking its signatures: its fields by name, and the hashes of its body.
//!
//! DKIM and ARC usually need the same hash. Checking both with one [`SignedMessage`] reads the body once.

use std::collections::BTreeMap;

use mxlab_mail::Message;

use super::canonical::{BodyHash, BodyHasher, Form};
use super::signed_fields::FieldIndex;

/// A message whose signatures are checked.
pub struct SignedMessage<'m> {
    /// Its fields.
    pub index: FieldIndex<'m>,
    /// The hashes of its body.
    pub body_hashes: BodyHashes<'m>,
}

impl<'m> SignedMessage<'m> {
    /// Nothing hashed yet.
    pub fn new(message: &Message<'m>) -> SignedMessage<'m> {
        let body_hashes = BodyHashes { body: message.body(), known: BTreeMap::new() };
        SignedMessage { index: FieldIndex::new(message), body_hashes }
    }
}

/// The hashes of a body, each computed once. The caller bounds their number.
pub struct BodyHashes<'m> {
    body: &'m [u8],
    known: BTreeMap<(Form, Option<u64>), BodyHash>,
}

impl BodyHashes<'_> {
    /// The hash of the body in this form; with a limit (`l=`), of this many octets.
    pub fn get(&mut self, form: Form, limit: Option<u64>) -> BodyHash {
        let body = self.body;
        *self.known.entry((form, limit)).or_insert_with(|| BodyHasher::hash(form, limit, body))
    }
}
