//! ARC, the Authenticated Received Chain (RFC 8617).
//!
//! Forwarding breaks authentication: SPF does not know the forwarder, and a footer breaks DKIM. ARC lets each forwarder
//! record what *it* saw when the message arrived, and vouch for that with a signature. What one forwarder adds is a
//! *set* of three header fields with the same *instance* (`i=`), which is 1 for the first forwarder and counts up:
//!
//! | field | holds |
//! |---|---|
//! | `ARC-Authentication-Results` (AAR) | the results of SPF, DKIM and DMARC as this forwarder saw them |
//! | `ARC-Message-Signature` (AMS) | a signature over the message, as DKIM has it, after this forwarder's changes |
//! | `ARC-Seal` (AS) | a signature over this set and all sets before it, and `cv=`: whether the chain held when it arrived |
//!
//! A chain *passes* when every set is there exactly once, each `cv=` is what it must be, every seal holds, and the
//! newest message signature holds (§5.2). Later forwarders may break older message signatures: *oldest-pass* says since
//! which set nobody has changed the message. A passing chain says who handled the message and what they claim to have
//! seen. Whether to believe them is policy.
//!
//! Every failure is final (§5.2.1): there is no "try again later" in a chain. A sealer that finds it broken says
//! `cv=fail`, in a seal that covers only its own set (§5.1.2), and nobody adds to such a chain.
//!
//! | module | section | holds |
//! |---|---|---|
//! | [`validate`](mod@validate) | §5.2 | from a message to the status of its chain |
//! | [`chain`] | §5.2 | the status, the results of each set, and why |
//! | [`sealer`] | §5.1 | adding a set |
//! | [`sets`] | §4.2 | from header fields to sets |
//! | [`fields`] | §4.1 | the three fields |
//! | [`local_results`](mod@local_results) | §4.1.1 | one AAR from several `Authentication-Results` |
//!
//! The published suite was written for a draft. Where it differs from the RFC, the modules say what was chosen.

pub mod chain;
pub mod fields;
pub mod local_results;
pub mod sealer;
pub mod sets;
pub mod validate;

#[cfg(test)]
mod testing;

pub use chain::{Cause, Chain, Check, Failure, SetReport, SignatureFailure};
pub use fields::{ChainStatus, FieldError, FieldKind, MAX_INSTANCE};
pub use local_results::local_results;
pub use sealer::{Layout, SealError, SealedSet, Sealer};
pub use validate::{Policy, validate, validate_signed};
