//! DNS with DNSSEC: zones and their signing, authoritative answers, recursion, and the validating resolver that says why.
//!
//! Record data stays raw: a message is read without looking into its records; the code that needs a record parses it. So
//! one odd record spoils nothing else, and all work is bounded by what arrived.
//!
//! From bottom to top:
//!
//! | module | holds |
//! |---|---|
//! | [`name`], [`record`], [`rdata`] | names, records, typed views of their data |
//! | [`wire`] | messages, EDNS |
//! | [`zonefile`] | master-file text, with errors that point at their place |
//! | [`keys`], [`sign`], [`nsec3`] | algorithms, signatures over RRsets, hashes of names |
//! | [`zone`] | a zone's records, and what they say to a question |
//! | [`security`] | secure, insecure, bogus, unavailable; and the reasons |
//! | [`validator`], [`denial`] | RRsets, keys and proofs, as functions over what was received and a given time |
//! | [`resolver`] | the validating resolver and what it answers; below it how it asks and iterates |
//! | [`authority`] | answers from signed zones; below it keys and their rollovers, proofs, faults, and the service |
//!
//! Not here: mail, and the simulation. A server and a resolver share no memory; they meet on the network of the env.
//!
//! # Limits
//! - A lookup follows 12 aliases, asks 128 queries, checks 100 signatures and hashes 64 names at most
//!   ([`ResolverConfig::queries`], [`validator::Policy`]); eight checks may fail for one RRset. More is bogus, with the limit as
//!   the reason.
//! - Of a zone eight servers are asked, at four addresses each. One that did not answer is asked last for five minutes.
//! - A zone with more than 64 keys or DS records is bogus. More than 100 NSEC3 iterations make it insecure (RFC 9276 §3.2).
//! - Algorithms: those of [`keys`]. Not validated: DSA, GOST, Ed448 (RFC 8624 §3.1: optional), and SHA-1 unless the policy says so.
//!   A zone that has no other is insecure.
//! - Trust anchors are given; they do not follow a rollover (no RFC 5011).
//! - No zone transfer, no dynamic update, no TSIG, no ALIAS or SVCB of its own: unknown types are octets (RFC 3597).
//! - Answers over UDP have 1,232 octets at most; longer ones are truncated, and asked for again over TCP.

pub mod authority;
pub mod denial;
pub mod keys;
pub mod name;
pub mod nsec3;
pub mod rdata;
mod rdata_dnssec;
mod rdata_text;
pub mod record;
pub mod resolver;
pub mod security;
pub mod sign;
pub mod validator;
pub mod wire;
pub mod zone;
pub mod zonefile;
mod zonefile_data;
mod zonefile_text;

pub use authority::{fault, key_set, serve, signed_zone, signing_key};
pub use resolver::{answer, exchange, recursor};

pub use answer::{AliasKind, Answer, Cost, Evidence, Step};
pub use authority::Authority;
pub use exchange::{Exchange, Transport};
pub use fault::{
    AnswerFault, ChainFault, ContentFault, DelegationFault, DsFault, Fault, FaultId, FaultKind, FaultScope, KeyFault,
    ProofFault, SignatureFault,
};
pub use key_set::{KeySet, ZoneKey};
pub use keys::{Algorithm, DigestType};
pub use name::{Name, NameError};
pub use record::{Class, RawRdata, Rcode, Record, RecordType, Rrset};
pub use recursor::{Passes, Recursor, RecursorConfig};
pub use resolver::{EVENTS, Resolver, ResolverConfig, TrustAnchor, Upstream};
pub use security::{Bound, EntryKind, Reason, RrsetId, Security};
pub use serve::{Reply, Responder, serve};
pub use signed_zone::{Denial, Expiration, ServedZone, SignedZone, Signing};
pub use signing_key::{KeyError, KeyKind, KeyRole, SigningKey};
pub use wire::Message;
pub use zone::{Zone, ZoneError};
pub use zonefile::{Entry, Reference, ZoneTextError};
