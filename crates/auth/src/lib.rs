//! Who sent this? SPF, DKIM and DMARC, evaluated with all their evidence.
//!
//! Each evaluation takes facts and a [`Dns`], and gives a result with its evidence: which record, which term, which
//! lookup. What to do about a result is policy, and not decided here; nor is Microsoft's composite verdict.
//!
//! | module | standard | holds |
//! |---|---|---|
//! | [`dns`] | | the questions that evaluation asks, as a trait |
//! | [`spf`] | RFC 7208 | the record, its macros, and its evaluation step by step |
//! | [`idn`] | RFC 5890 | internationalized domain names in A-labels |
//! | [`alignment`] | RFC 7489 §3.1 | when two domains belong together |
//! | [`dmarc`] | RFC 7489, 9091, 9989, 9990 | the record, its discovery, the result, aggregate reports |
//! | [`dkim`] | RFC 6376 | signatures of messages: verified, made |
//! | [`arc`] | RFC 8617 | the chain of those who forwarded a message: validating and sealing |
//!
//! # Limits
//!
//! - Signatures are RSA with SHA-256 or Ed25519; SHA-1 is recognized and never valid (RFC 8301).
//! - Of a message the first ten signatures are checked, and at most [`dmarc::MAX_AUTHORS`] domains of authors.
//! - DMARC writes and reads aggregate reports. Failure reports (`ruf=`) are neither written nor read.
//! - SPF fetches the explanation of a failure (`exp=`), and nobody shows it to the client.
//! - DNS is what the [`Dns`] says. Whether an answer was secure does not change a result.

pub mod alignment;
pub mod arc;
pub mod dkim;
pub mod dmarc;
pub mod dns;
pub mod idn;
pub mod spf;

pub use dns::{Data, Dns, DnsError, RecordKind};
pub use spf::reverse_name;

#[cfg(test)]
mod testing;
