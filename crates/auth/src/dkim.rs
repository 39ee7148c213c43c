//! DKIM (RFC 6376; RFC 8301 on algorithms, RFC 8463 on Ed25519, RFC 8616 on names beyond US-ASCII).
//!
//! The signer of a message takes responsibility for it: a `DKIM-Signature` field names a domain (`d=`) and one of its
//! keys (`s=`), and holds a hash of the body (`bh=`) and a signature (`b=`) over the header fields that it lists (`h=`)
//! and over itself. A verifier finds the key in the DNS of that domain.
//!
//! Both fields and key records are tag lists, which [`mxlab_mail::tag_list`] reads (§3.2).
//!
//! | module | section | holds |
//! |---|---|---|
//! | [`verify`](mod@verify) | §6.1 | all signatures of a message, one after the other |
//! | [`verification`] | §3.9 | the result for a signature, and why |
//! | [`sign`] | §5 | making signatures |
//! | [`signature`] | §3.5 | the signature field |
//! | [`key`] | §3.6.1 | the key record |
//! | [`key_query`] | §6.1.2 | from a signature to keys |
//! | [`signed_fields`] | §3.7, §5.4.2 | which fields are signed, and the octets that are |
//! | [`signed_message`] | | what all signatures of a message share |
//! | [`canonical`] | §3.4 | the form in which fields and body are hashed |
//! | [`crypto`] | §3.3 | the algorithms |
//! | [`domain`] | RFC 8616 | names in tags |

pub mod canonical;
pub(crate) mod check;
pub mod crypto;
pub mod domain;
pub mod key;
pub mod key_query;
pub mod sign;
pub mod signature;
pub mod signed_fields;
pub mod signed_message;
pub mod verification;
pub mod verify;

pub use crypto::SigningKey;
pub use sign::{SignError, Signer};
pub use signature::SignatureError;
pub use signed_message::SignedMessage;
pub use verification::{Failure, ResultWord, Verification};
pub use verify::{Policy, verify, verify_signed};

#[cfg(test)]
mod testing;
#[cfg(test)]
mod vectors;
