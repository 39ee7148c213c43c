//! A message as everybody needs it who checks signatures over it: its fields by name, and the hashes of its body.
//!
//! DKIM and ARC mostly ask for the same hash. Who checks both over one [`SignedMessage`] goes over the body once.

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

/// The hashes of a body, each made once. How many are asked for is for the caller to bound.
pub struct BodyHashes<'m> {
    body: &'m [u8],
    known: BTreeMap<(Form, Option<u64>), BodyHash>,
}

impl BodyHashes<'_> {
    /// The hash of the body in this form; with a limit (`l=`), of so many octets of it.
    pub fn get(&mut self, form: Form, limit: Option<u64>) -> BodyHash {
        let body = self.body;
        *self.known.entry((form, limit)).or_insert_with(|| BodyHasher::hash(form, limit, body))
    }
}
