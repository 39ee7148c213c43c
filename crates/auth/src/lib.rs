//! Who sent this? SPF and DMARC, evaluated with all their evidence.
//!
//! Each evaluation takes facts and a [`Dns`], and gives a result with what it rests on: which record, which term, which
//! lookup. What to do about a result is policy, and not decided here; nor is Microsoft's composite verdict.
//!
//! | module | standard | holds |
//! |---|---|---|
//! | [`dns`] | | the questions that evaluation asks, as a trait |
//! | [`spf`] | RFC 7208 | the record, its macros, and its evaluation step by step |
//! | [`idn`] | RFC 5890 | internationalized domain names in A-labels |
//! | [`alignment`] | RFC 7489 §3.1 | when two domains belong together |
//! | [`dmarc`] | RFC 7489, 9091, 9989, 9990 | the record, its discovery, the result, aggregate reports |
//! | [`dkim`] | RFC 6376 | whether a message is signed |
//! | [`suite`] | | cases of conformance suites |
//!
//! What a standard has and this crate has not yet is a [`NotSupportedYet`], never a guess.

pub mod alignment;
pub mod dkim;
pub mod dmarc;
pub mod dns;
pub mod idn;
pub mod spf;
pub mod suite;

pub use dns::{Data, Dns, DnsError, RecordKind};

/// A result depends on a part of a standard that is not implemented. Whoever gets it must say so loudly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not supported yet: {what}")]
pub struct NotSupportedYet {
    /// The part: `verifying a DKIM signature`.
    pub what: String,
}

impl NotSupportedYet {
    /// `what` names the part and where it was met.
    pub fn new(what: impl Into<String>) -> NotSupportedYet {
        NotSupportedYet { what: what.into() }
    }
}

#[cfg(test)]
mod testing;
