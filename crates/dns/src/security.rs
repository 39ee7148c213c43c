//! How far an answer can be trusted, and why no further (RFC 4033 §5, RFC 4035 §4.3).

use std::fmt;

use jiff::Timestamp;

use crate::keys::{Algorithm, DigestType};
use crate::name::Name;
use crate::record::{Rcode, RecordType};

/// What a validating resolver says of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Security {
    /// A chain of signatures leads from the trust anchor to it.
    Secure,
    /// A chain of signatures proves that no chain leads to it: it lies below a delegation without DS.
    Insecure(Reason),
    /// There should be a chain, and there is none. The answer is not to be used.
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

    /// The worse of the two, the first one if they are alike: a chain is as good as its worst link.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RrsetId {
    /// The owner.
    pub name: Name,
    /// The type.
    pub rtype: RecordType,
}

impl fmt::Display for RrsetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.rtype, self.name.to_lowercase())
    }
}

/// Why an answer is not secure, with the evidence.
///
/// [`word`](Reason::word) is the word that records and expectations use, `Display` one line for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Insecure: the parent proves that it has no DS for the zone.
    #[error("{parent} proves that there is no DS for {zone}", parent = lower(parent), zone = lower(zone))]
    InsecureDelegation {
        /// The unsigned zone.
        zone: Name,
        /// The signed zone above it.
        parent: Name,
    },
    /// Insecure: the DS records of the zone are all of algorithms or digest types that are not supported (RFC 4035 §5.2).
    #[error("the DS of {zone} has only unsupported algorithms ({})", pairs(algorithms), zone = lower(zone))]
    DsAlgorithmUnsupported {
        /// The zone.
        zone: Name,
        /// Algorithm and digest type of each DS.
        algorithms: Vec<(Algorithm, DigestType)>,
    },
    /// Insecure: no trust anchor is configured at or above the name.
    #[error("there is no trust anchor above {name}", name = lower(name))]
    NoTrustAnchor {
        /// The name.
        name: Name,
    },
    /// Bogus: the trust anchor has neither digests nor keys, so that no chain can begin.
    #[error("the trust anchor of {zone} names no key", zone = lower(zone))]
    TrustAnchorEmpty {
        /// Its zone.
        zone: Name,
    },
    /// Bogus: the signature's time is over.
    #[error("the signature over {rrset} by key {key_tag} expired at {expiration}")]
    RrsigExpired {
        /// What it signs.
        rrset: RrsetId,
        /// The tag of its key.
        key_tag: u16,
        /// Its last second.
        expiration: Timestamp,
        /// When it was checked.
        now: Timestamp,
    },
    /// Bogus: the signature's time has not begun.
    #[error("the signature over {rrset} by key {key_tag} is valid only from {inception}")]
    RrsigNotYetValid {
        /// What it signs.
        rrset: RrsetId,
        /// The tag of its key.
        key_tag: u16,
        /// Its first second.
        inception: Timestamp,
        /// When it was checked.
        now: Timestamp,
    },
    /// Bogus: an RRset of a signed zone came without a signature of that zone.
    #[error("{rrset} has no signature of the signed zone {zone}", zone = lower(zone))]
    RrsigMissing {
        /// What should be signed.
        rrset: RrsetId,
        /// The zone that should sign it.
        zone: Name,
    },
    /// Bogus: the signature does not fit the RRset and the key.
    #[error("the signature over {rrset} by key {key_tag} of {signer} is wrong", signer = lower(signer))]
    RrsigBad {
        /// What it signs.
        rrset: RrsetId,
        /// The tag of its key.
        key_tag: u16,
        /// The zone.
        signer: Name,
    },
    /// Bogus: the zone has a DS but no DNSKEY RRset, or none of its keys made the signature.
    #[error("{}", key_missing(zone, *key_tag, rrset))]
    KeyMissing {
        /// The zone.
        zone: Name,
        /// The tag that the signature names; none if there are no keys at all.
        key_tag: Option<u16>,
        /// What the key should have signed.
        rrset: RrsetId,
    },
    /// Bogus: no key of the zone fits the DS records in its parent.
    #[error("the DS of {zone} names {}, the zone has {}", keys(ds), keys(dnskeys), zone = lower(zone))]
    DsMismatch {
        /// The zone.
        zone: Name,
        /// The key tags in the DS records.
        ds: Vec<u16>,
        /// The tags of the keys that the zone publishes.
        dnskeys: Vec<u16>,
    },
    /// Bogus: a signed zone denies something without proof.
    #[error("nothing proves that there is no {rrset}")]
    DenialMissing {
        /// What is denied.
        rrset: RrsetId,
    },
    /// Bogus: the proof is validly signed, and does not prove what is denied.
    #[error("the proof given for no {rrset} proves something else: {proof}")]
    DenialWrong {
        /// What is denied.
        rrset: RrsetId,
        /// The NSEC that was given.
        proof: String,
    },
    /// Bogus: an answer would take more work than one answer may (CVE-2023-50387).
    #[error("validating {rrset} takes more than {limit} signature checks")]
    TooMuchWork {
        /// What was being validated.
        rrset: RrsetId,
        /// The limit.
        limit: u32,
    },
    /// Unavailable: the resolver asked answered with an error.
    #[error("{server} answered {rcode} for {rrset}")]
    ErrorCode {
        /// What was asked.
        rrset: RrsetId,
        /// The code.
        rcode: Rcode,
        /// Who answered, for people.
        server: &'static str,
    },
    /// Unavailable: no authority of the zone answered (RFC 8914 §4.23).
    #[error("no server of the zone answered for {rrset}")]
    NoReachableAuthority {
        /// What was asked.
        rrset: RrsetId,
    },
    /// Unavailable: the servers that should be the zone's authorities are not (RFC 8914 §4.21).
    #[error("the servers of the zone are no authority for {rrset}")]
    Lame {
        /// What was asked.
        rrset: RrsetId,
    },
    /// Unavailable: the resolver asked did not answer.
    #[error("no answer for {rrset}")]
    TimedOut {
        /// What was asked.
        rrset: RrsetId,
    },
    /// Unavailable: the answer was truncated, and there is no other transport yet.
    #[error("the answer for {rrset} was truncated")]
    Truncated {
        /// What was asked.
        rrset: RrsetId,
    },
    /// Unavailable: the answer could not be read.
    #[error("the answer for {rrset} is malformed")]
    Malformed {
        /// What was asked.
        rrset: RrsetId,
    },
    /// Unavailable: the query could not be sent.
    #[error("the query for {rrset} could not be sent: {error}")]
    Network {
        /// What was asked.
        rrset: RrsetId,
        /// The machine's error.
        error: String,
    },
    /// Unavailable: an alias leads back to itself, or the chain is too long.
    #[error("the aliases of {name} do not end", name = lower(name))]
    AliasLoop {
        /// Where the chain began.
        name: Name,
    },
}

impl Reason {
    /// The word for it in records and expectations.
    pub fn word(&self) -> &'static str {
        match self {
            Reason::InsecureDelegation { .. } => "insecure-delegation",
            Reason::DsAlgorithmUnsupported { .. } => "ds-algorithm-unsupported",
            Reason::NoTrustAnchor { .. } | Reason::TrustAnchorEmpty { .. } => "no-trust-anchor",
            Reason::RrsigExpired { .. } => "rrsig-expired",
            Reason::RrsigNotYetValid { .. } => "rrsig-not-yet-valid",
            Reason::RrsigMissing { .. } => "rrsig-missing",
            Reason::RrsigBad { .. } => "rrsig-bad",
            Reason::KeyMissing { .. } => "key-missing",
            Reason::DsMismatch { .. } => "ds-mismatch",
            Reason::DenialMissing { .. } => "denial-missing",
            Reason::DenialWrong { .. } => "denial-wrong",
            Reason::TooMuchWork { .. } => "too-much-work",
            Reason::ErrorCode { rcode: Rcode::REFUSED, .. } => "refused",
            Reason::ErrorCode { .. } => "servfail",
            Reason::NoReachableAuthority { .. } | Reason::TimedOut { .. } => "time-out",
            Reason::Lame { .. } => "lame",
            Reason::Truncated { .. } => "truncated",
            Reason::Malformed { .. } => "malformed",
            Reason::Network { .. } => "network",
            Reason::AliasLoop { .. } => "alias-loop",
        }
    }

    /// The Extended DNS Error that says the same (RFC 8914 §4).
    pub fn extended_error(&self) -> Option<u16> {
        match self {
            Reason::DsAlgorithmUnsupported { .. } => Some(1),
            Reason::DsMismatch { .. } | Reason::KeyMissing { .. } | Reason::TrustAnchorEmpty { .. } => Some(9),
            Reason::RrsigBad { .. } | Reason::DenialWrong { .. } | Reason::TooMuchWork { .. } => Some(6),
            Reason::RrsigExpired { .. } => Some(7),
            Reason::RrsigNotYetValid { .. } => Some(8),
            Reason::RrsigMissing { .. } => Some(10),
            Reason::DenialMissing { .. } => Some(12),
            Reason::Lame { .. } => Some(20),
            Reason::NoReachableAuthority { .. } | Reason::TimedOut { .. } => Some(22),
            Reason::Network { .. } => Some(23),
            Reason::ErrorCode { .. } | Reason::Truncated { .. } | Reason::Malformed { .. } => Some(23),
            Reason::InsecureDelegation { .. } | Reason::NoTrustAnchor { .. } | Reason::AliasLoop { .. } => None,
        }
    }
}

fn lower(name: &Name) -> Name {
    name.to_lowercase()
}

fn pairs(algorithms: &[(Algorithm, DigestType)]) -> String {
    let pair = |(algorithm, digest): &(Algorithm, DigestType)| format!("algorithm {} digest {}", algorithm.0, digest.0);
    algorithms.iter().map(pair).collect::<Vec<_>>().join(", ")
}

fn keys(tags: &[u16]) -> String {
    match tags {
        [] => "no key".to_owned(),
        [tag] => format!("key {tag}"),
        tags => format!("keys {}", tags.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")),
    }
}

fn key_missing(zone: &Name, key_tag: Option<u16>, rrset: &RrsetId) -> String {
    match key_tag {
        Some(tag) => format!("{} has no key {tag}, which signs {rrset}", lower(zone)),
        None => format!("{} has a DS but no keys", lower(zone)),
    }
}
