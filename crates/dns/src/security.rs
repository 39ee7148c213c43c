//! How far an answer can be trusted, and why no further (RFC 4033 §5, RFC 4035 §4.3).

mod reason;
mod wording;

use std::fmt;

use crate::name::Name;
use crate::record::RecordType;
pub use reason::Reason;
use wording::lower;

/// What a validating resolver says of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Security {
    /// A chain of signatures leads from the trust anchor to it.
    Secure,
    /// A chain of signatures proves that no chain leads to it: it is below a delegation without DS.
    Insecure(Reason),
    /// There should be a chain, but there is none. The answer must not be used.
    Bogus(Reason),
    /// There was no answer that could be judged.
    Unavailable(Reason),
}

impl Security {
    /// Whether it is [`Security::Secure`].
    pub fn is_secure(&self) -> bool {
        matches!(self, Security::Secure)
    }

    /// The word for it in records: `secure`, `insecure`, `bogus`, `servfail`.
    pub fn word(&self) -> &'static str {
        match self {
            Security::Secure => "secure",
            Security::Insecure(_) => "insecure",
            Security::Bogus(_) => "bogus",
            Security::Unavailable(_) => "servfail",
        }
    }

    /// Why it is not secure.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Security::Secure => None,
            Security::Insecure(reason) | Security::Bogus(reason) | Security::Unavailable(reason) => Some(reason),
        }
    }

    /// Whether the records of the answer may be used: it is secure or insecure.
    pub fn is_usable(&self) -> bool {
        matches!(self, Security::Secure | Security::Insecure(_))
    }

    /// The worse of the two, the first one if they are equal: a chain is as good as its worst link.
    #[must_use]
    pub fn worst(self, other: Security) -> Security {
        if other.rank() > self.rank() { other } else { self }
    }

    fn rank(&self) -> u8 {
        match self {
            Security::Secure => 0,
            Security::Insecure(_) => 1,
            Security::Bogus(_) => 2,
            Security::Unavailable(_) => 3,
        }
    }
}

/// Which RRset: its owner and type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RrsetId {
    /// The owner.
    pub name: Name,
    /// The type.
    pub rtype: RecordType,
}

impl fmt::Display for RrsetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = if self.name.is_root() { "of " } else { "" };
        write!(f, "{} {of}{}", self.rtype, lower(&self.name))
    }
}

/// What names the keys by which a chain of trust may enter a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// The DS records in the parent.
    Ds,
    /// The trust anchor, which the operator configured.
    Anchor,
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EntryKind::Ds => "DS",
            EntryKind::Anchor => "trust anchor",
        })
    }
}

/// A limit of the work that one lookup may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The number of signatures checked for a lookup, including its whole chain of trust.
    SignatureChecks(u32),
    /// The number of checks that may fail for one RRset: keys of one tag times signatures (CVE-2023-50387).
    FailedChecks(u32),
    /// The number of names hashed for a lookup (CVE-2023-50868).
    Hashes(u32),
    /// The number of keys or DS records compared for a zone.
    Keys(u32),
    /// The number of queries sent for a lookup.
    Queries(u32),
}

impl Bound {
    /// The word for it in records.
    pub fn word(self) -> &'static str {
        match self {
            Bound::SignatureChecks(_) => "signature-checks",
            Bound::FailedChecks(_) => "failed-checks",
            Bound::Hashes(_) => "hashes",
            Bound::Keys(_) => "keys",
            Bound::Queries(_) => "queries",
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::SignatureChecks(limit) => write!(f, "{limit} signature checks"),
            Bound::FailedChecks(limit) => write!(f, "{limit} signature checks that fail"),
            Bound::Hashes(limit) => write!(f, "{limit} hashes"),
            Bound::Keys(limit) => write!(f, "{limit} keys or DS records"),
            Bound::Queries(limit) => write!(f, "{limit} queries"),
        }
    }
}
