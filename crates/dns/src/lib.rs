//! DNS with DNSSEC: zones and their signing, authoritative answers, recursion, and the validating resolver that says why.
//!
//! Everything stands on raw record data: a message is read without looking into its records, and what a record holds is
//! decided by who needs it. So one odd record is that record's problem, and everything here is bounded by what arrived.
//!
//! From bottom to top:
//!
//! | module | holds |
//! |---|---|
//! | [`name`], [`record`], [`rdata`] | names, records, typed views of their data |
//! | [`wire`] | messages, EDNS |
//! | [`zonefile`] | master-file text, with errors that point at their place |
//! | [`keys`], [`signing_key`], [`sign`] | algorithms, private keys of zones, signatures over RRsets |
//! | [`key_set`] | the keys of a zone, and rollovers as steps between sets of them |
//! | [`zone`], [`signed_zone`], [`nsec3`] | a zone's records; its signatures, made when asked for, and its chain of proofs |
//! | [`authority`], [`fault`], [`serve`] | answers from zones, what goes wrong on purpose, the loops over UDP and TCP |
//! | [`exchange`] | one query, one answer |
//! | [`recursor`] | a recursive resolver that iterates from the root and does not validate |
//! | [`security`] | secure, insecure, bogus, unavailable; and the reasons |
//! | [`validator`], [`denial`] | RRsets, keys and proofs, as functions over what was received and a given time |
//! | [`resolver`], [`answer`] | the validating stub resolver and what it answers |
//! | [`rpl`] | replays: files by which others test validators |
//!
//! Not here: mail, and the simulation. A server and a resolver share no memory; they meet on the network of the env.

pub mod answer;
mod answering;
pub mod authority;
mod cache;
mod chain;
pub mod denial;
pub mod exchange;
pub mod fault;
mod follow;
mod forgery;
mod iteration;
pub mod key_set;
pub mod keys;
pub mod name;
pub mod nsec3;
mod proof;
mod query;
pub mod rdata;
mod rdata_dnssec;
mod rdata_text;
pub mod record;
pub mod recursor;
pub mod resolver;
mod respond;
pub mod rpl;
mod rsa_key;
pub mod security;
pub mod serve;
pub mod sign;
pub mod signed_zone;
pub mod signing_key;
mod source;
pub mod validator;
pub mod wire;
pub mod zone;
pub mod zonefile;
mod zonefile_data;

pub use answer::{AliasKind, Answer, Cost, Evidence, Step};
pub use authority::Authority;
pub use exchange::{Exchange, Transport};
pub use fault::{Fault, FaultId, FaultKind, FaultScope};
pub use key_set::{KeySet, ZoneKey};
pub use keys::{Algorithm, DigestType};
pub use name::{Name, NameError};
pub use record::{Class, RawRdata, Rcode, Record, RecordType, Rrset};
pub use recursor::{Recursor, RecursorConfig};
pub use resolver::{Resolver, ResolverConfig, TrustAnchor, Upstream};
pub use security::{Bound, Reason, RrsetId, Security};
pub use serve::{Reply, Responder, serve};
pub use signed_zone::{Denial, Expiration, ServedZone, SignedZone, Signing};
pub use signing_key::{KeyError, KeyKind, KeyRole, SigningKey};
pub use wire::Message;
pub use zone::{Zone, ZoneError};
pub use zonefile::{Entry, Reference, ZoneTextError};
