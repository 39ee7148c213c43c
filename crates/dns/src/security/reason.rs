//! Why an answer is not secure: the reasons, their words, and the codes derived from them.

use jiff::Timestamp;

use super::wording::{clock, denial_wrong, ds_unsupported, lower, mismatch, no_delegation_signer, pairs};
use super::{Bound, EntryKind, RrsetId};
use crate::keys::{Algorithm, DigestType};
use crate::name::Name;
use crate::record::{Rcode, RecordType};

/// Why an answer is not secure, with the evidence.
///
/// [`word`](Reason::word) is the word that records and expectations use, `Display` one line for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Insecure: the parent proves that it has no DS for the zone, or that it opts out where the zone would be.
    #[error("{}", no_delegation_signer(zone, parent, *opt_out))]
    InsecureDelegation {
        /// The unsigned zone.
        zone: Name,
        /// The signed zone above it.
        parent: Name,
        /// Whether the proof is a span of NSEC3 with opt-out (RFC 5155 §6).
        opt_out: bool,
    },
    /// Insecure: the DS records of the zone are all of algorithms or digest types that are not supported (RFC 4035
    /// §5.2).
    #[error("{}", ds_unsupported(zone, algorithms))]
    DsAlgorithmUnsupported {
        /// The zone.
        zone: Name,
        /// Algorithm and digest type of each DS; none if none can be read.
        algorithms: Vec<(Algorithm, DigestType)>,
    },
    /// Insecure: the proof is a span of NSEC3 with opt-out, which leaves room for what is not signed (RFC 5155 §9.2).
    #[error("the NSEC3 opt-out of {zone} leaves room for unsigned delegations", zone = lower(zone))]
    Nsec3OptOut {
        /// The zone that opts out.
        zone: Name,
    },
    /// Insecure: the zone hashes names more often than is followed (RFC 9276 §3.2).
    #[error("{zone} has NSEC3 with {iterations} iterations; more than {limit} are not followed", zone = lower(zone))]
    Nsec3Iterations {
        /// The zone.
        zone: Name,
        /// Its iterations.
        iterations: u16,
        /// The limit.
        limit: u16,
    },
    /// Insecure: the operator does not want the zone to be validated (RFC 7646).
    #[error("a negative trust anchor excludes {zone} from validation", zone = lower(zone))]
    NegativeTrustAnchor {
        /// The zone.
        zone: Name,
    },
    /// Insecure: the question asks for signatures, which are not signed themselves (RFC 4035 §2.2).
    #[error("{rrset} is not signed itself")]
    NotSigned {
        /// What was asked.
        rrset: RrsetId,
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
    /// Bogus: the trust anchor is of algorithms or digest types that are not supported. The operator configured it,
    /// which says that the zone is signed, so this is not a case of RFC 4035 §5.2, where the zone itself chose them.
    #[error("the trust anchor of {zone} has only unsupported algorithms ({})", pairs(algorithms), zone = lower(zone))]
    TrustAnchorUnsupported {
        /// Its zone.
        zone: Name,
        /// Algorithm and digest type of each digest.
        algorithms: Vec<(Algorithm, DigestType)>,
    },
    /// Bogus: the signature has expired.
    #[error("the signature over {rrset} by key {key_tag} expired at {expiration}{}", clock(*expiration, *now))]
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
    /// Bogus: the signature is not valid yet.
    #[error("the signature over {rrset} by key {key_tag} is valid only from {inception}{}", clock(*inception, *now))]
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
    /// Bogus: all signatures over it have unsupported algorithms, although the algorithm of the zone's DS is supported.
    #[error("the signature over {rrset} by key {key_tag} has the unsupported algorithm {}", algorithm.0)]
    RrsigUnsupported {
        /// What it signs.
        rrset: RrsetId,
        /// The tag of its key.
        key_tag: u16,
        /// Its algorithm.
        algorithm: Algorithm,
    },
    /// Bogus: an RRset of a signed zone came without a signature of that zone.
    #[error("{rrset} came without a signature of {zone}, which is signed", zone = lower(zone))]
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
    /// Bogus: none of the zone's keys made the signature.
    #[error("{zone} has no key {key_tag}, which signs {rrset}", zone = lower(zone))]
    KeyMissing {
        /// The zone.
        zone: Name,
        /// The tag that the signature names.
        key_tag: u16,
        /// What the key should have signed.
        rrset: RrsetId,
    },
    /// Bogus: something says that the zone has keys, but no server gave them.
    #[error("{zone} has a {entry}, but no server gave its keys", zone = lower(zone))]
    KeysMissing {
        /// The zone.
        zone: Name,
        /// What says so.
        entry: EntryKind,
    },
    /// Bogus: no key of the zone matches the DS records in its parent, or the trust anchor.
    #[error("{}", mismatch(zone, *entry, ds, dnskeys))]
    DsMismatch {
        /// The zone.
        zone: Name,
        /// What the keys should match.
        entry: EntryKind,
        /// The key tags in it.
        ds: Vec<u16>,
        /// The tags of the keys that the zone publishes.
        dnskeys: Vec<u16>,
    },
    /// Bogus: the key that the DS names may not sign the zone: it is not a zone key, has another protocol, or is
    /// revoked.
    #[error("key {key_tag} of {zone} matches its {entry}, but may not sign the zone", zone = lower(zone))]
    NoZoneKey {
        /// The zone.
        zone: Name,
        /// What the key fits.
        entry: EntryKind,
        /// The tag of the key.
        key_tag: u16,
    },
    /// Bogus: a signed zone denies something without proof.
    #[error("nothing proves that there is no {rrset}")]
    DenialMissing {
        /// What is denied.
        rrset: RrsetId,
    },
    /// Bogus: the proofs are validly signed, but do not prove what is denied.
    #[error("{}", denial_wrong(rrset, proofs))]
    DenialWrong {
        /// What is denied.
        rrset: RrsetId,
        /// The NSEC or NSEC3 records that were given, each as a line.
        proofs: Vec<String>,
    },
    /// An answer would take more work than one answer may (CVE-2023-50387, CVE-2023-50868). Bogus, or unavailable if it
    /// is the queries that are bounded.
    #[error("{rrset} {} more than {bound}", if matches!(bound, Bound::Keys(_)) { "has" } else { "needs" })]
    TooMuchWork {
        /// What was being looked up or validated.
        rrset: RrsetId,
        /// The limit.
        bound: Bound,
    },
    /// Unavailable: the server answered with an error.
    #[error("{server} answered {rcode} for {rrset}")]
    ErrorCode {
        /// What was asked.
        rrset: RrsetId,
        /// The code.
        rcode: Rcode,
        /// Who answered.
        server: String,
    },
    /// Unavailable: no server of the zone answered (RFC 8914 §4.23).
    #[error("no server of the zone answered for {rrset}")]
    NoReachableAuthority {
        /// What was asked.
        rrset: RrsetId,
    },
    /// Unavailable: a server that should have authority for the zone does not (RFC 8914 §4.21).
    #[error("{server} is not an authority for {rrset}")]
    Lame {
        /// What was asked.
        rrset: RrsetId,
        /// Who answered.
        server: String,
    },
    /// Unavailable: the server did not answer.
    #[error("{server} does not answer for {rrset}")]
    TimedOut {
        /// What was asked.
        rrset: RrsetId,
        /// Who was asked.
        server: String,
    },
    /// Unavailable: the answer was truncated, and TCP failed.
    #[error("{server} truncates its answer for {rrset}, but does not give it over TCP")]
    Truncated {
        /// What was asked.
        rrset: RrsetId,
        /// Who answered.
        server: String,
    },
    /// Unavailable: the answer could not be read.
    #[error("the answer of {server} for {rrset} is malformed")]
    Malformed {
        /// What was asked.
        rrset: RrsetId,
        /// Who answered.
        server: String,
    },
    /// Unavailable: the query could not be sent.
    #[error("the query for {rrset} could not be sent to {server}: {error}")]
    Network {
        /// What was asked.
        rrset: RrsetId,
        /// Who was to be asked.
        server: String,
        /// The machine's error.
        error: String,
    },
    /// Unavailable: the question is for a type that no record has (RFC 9824 §3.5), so no server is asked.
    #[error("{} is not a type to ask for", rrset.rtype)]
    InvalidType {
        /// What was asked.
        rrset: RrsetId,
    },
    /// Unavailable: an alias leads back to itself, or the chain is too long.
    #[error("the aliases of {name} do not end", name = lower(name))]
    AliasLoop {
        /// Where the chain began.
        name: Name,
    },
    /// Unavailable: a DNAME makes an alias for the name that is longer than a name can be (RFC 6672 §2.2).
    #[error("the DNAME above {name} makes a name of more than 255 octets", name = lower(name))]
    AliasTooLong {
        /// The name below the DNAME.
        name: Name,
    },
}

impl Reason {
    /// All words.
    pub const WORDS: &[&str] = &[
        "insecure-delegation",
        "invalid-type",
        "ds-algorithm-unsupported",
        "nsec3-opt-out",
        "nsec3-iterations",
        "negative-trust-anchor",
        "not-signed",
        "no-trust-anchor",
        "anchor-unsupported",
        "rrsig-expired",
        "rrsig-not-yet-valid",
        "rrsig-missing",
        "rrsig-bad",
        "rrsig-unsupported",
        "key-missing",
        "ds-mismatch",
        "no-zone-key",
        "denial-missing",
        "denial-wrong",
        "too-much-work",
        "refused",
        "servfail",
        "time-out",
        "lame",
        "truncated",
        "malformed",
        "network",
        "alias-loop",
        "alias-too-long",
    ];

    /// The word for it in records and expectations, one of [`WORDS`](Reason::WORDS).
    pub fn word(&self) -> &'static str {
        match self {
            Reason::InsecureDelegation { .. } => "insecure-delegation",
            Reason::DsAlgorithmUnsupported { .. } => "ds-algorithm-unsupported",
            Reason::Nsec3OptOut { .. } => "nsec3-opt-out",
            Reason::Nsec3Iterations { .. } => "nsec3-iterations",
            Reason::NegativeTrustAnchor { .. } => "negative-trust-anchor",
            Reason::NotSigned { .. } => "not-signed",
            Reason::NoTrustAnchor { .. } | Reason::TrustAnchorEmpty { .. } => "no-trust-anchor",
            Reason::TrustAnchorUnsupported { .. } => "anchor-unsupported",
            Reason::RrsigExpired { .. } => "rrsig-expired",
            Reason::RrsigNotYetValid { .. } => "rrsig-not-yet-valid",
            Reason::RrsigMissing { .. } => "rrsig-missing",
            Reason::RrsigBad { .. } => "rrsig-bad",
            Reason::RrsigUnsupported { .. } => "rrsig-unsupported",
            Reason::KeyMissing { .. } | Reason::KeysMissing { .. } => "key-missing",
            Reason::DsMismatch { .. } => "ds-mismatch",
            Reason::NoZoneKey { .. } => "no-zone-key",
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
            Reason::InvalidType { .. } => "invalid-type",
            Reason::AliasLoop { .. } => "alias-loop",
            Reason::AliasTooLong { .. } => "alias-too-long",
        }
    }

    /// The Extended DNS Error that says the same (RFC 8914 §4).
    pub fn extended_error(&self) -> Option<u16> {
        Some(match self {
            // Unsupported DNSKEY Algorithm; Unsupported DS Digest Type, if only the digests are unsupported.
            Reason::DsAlgorithmUnsupported { algorithms, .. } => {
                if algorithms.iter().all(|(_, digest)| !digest.is_supported()) { 2 } else { 1 }
            }
            Reason::RrsigUnsupported { .. } | Reason::TrustAnchorUnsupported { .. } => 1,
            // DNSSEC Bogus.
            Reason::RrsigBad { .. } | Reason::DenialWrong { .. } => 6,
            Reason::TooMuchWork { bound, .. } => match bound {
                Bound::Queries(_) => 22,
                _ => 6,
            },
            // Signature Expired, Signature Not Yet Valid.
            Reason::RrsigExpired { .. } => 7,
            Reason::RrsigNotYetValid { .. } => 8,
            // DNSKEY Missing.
            Reason::DsMismatch { .. } | Reason::KeyMissing { .. } | Reason::KeysMissing { .. } => 9,
            Reason::TrustAnchorEmpty { .. } => 9,
            // RRSIGs Missing, No Zone Key Bit Set, NSEC Missing.
            Reason::RrsigMissing { .. } => 10,
            Reason::NoZoneKey { .. } => 11,
            Reason::DenialMissing { .. } => 12,
            // Not Authoritative.
            Reason::Lame { .. } => 20,
            // No Reachable Authority: none answered, or refused to.
            Reason::NoReachableAuthority { .. } | Reason::TimedOut { .. } => 22,
            Reason::ErrorCode { rcode: Rcode::REFUSED, .. } => 22,
            // Network Error.
            Reason::ErrorCode { .. } | Reason::Truncated { .. } | Reason::Malformed { .. } => 23,
            Reason::Network { .. } => 23,
            // Unsupported NSEC3 Iterations Value.
            Reason::Nsec3Iterations { .. } => 27,
            // Invalid Query Type.
            Reason::InvalidType { .. } => 30,
            Reason::InsecureDelegation { .. }
            | Reason::Nsec3OptOut { .. }
            | Reason::NegativeTrustAnchor { .. }
            | Reason::NotSigned { .. }
            | Reason::NoTrustAnchor { .. }
            | Reason::AliasLoop { .. }
            | Reason::AliasTooLong { .. } => return None,
        })
    }

    /// The limit that was reached, if that is the reason.
    pub fn bound(&self) -> Option<Bound> {
        match self {
            Reason::TooMuchWork { bound, .. } => Some(*bound),
            _ => None,
        }
    }

    /// The RRset that is at fault, if the reason names one: for a DS or key that does not match, the zone's DS; for a
    /// trust anchor that does not match, the zone's keys.
    pub fn rrset(&self) -> Option<RrsetId> {
        match self {
            Reason::RrsigExpired { rrset, .. }
            | Reason::RrsigNotYetValid { rrset, .. }
            | Reason::RrsigMissing { rrset, .. }
            | Reason::RrsigBad { rrset, .. }
            | Reason::RrsigUnsupported { rrset, .. }
            | Reason::KeyMissing { rrset, .. }
            | Reason::DenialMissing { rrset }
            | Reason::DenialWrong { rrset, .. }
            | Reason::TooMuchWork { rrset, .. }
            | Reason::ErrorCode { rrset, .. }
            | Reason::NoReachableAuthority { rrset }
            | Reason::Lame { rrset, .. }
            | Reason::TimedOut { rrset, .. }
            | Reason::Truncated { rrset, .. }
            | Reason::Malformed { rrset, .. }
            | Reason::InvalidType { rrset }
            | Reason::Network { rrset, .. } => Some(rrset.clone()),
            Reason::KeysMissing { zone, .. } => Some(RrsetId { name: zone.clone(), rtype: RecordType::DNSKEY }),
            Reason::DsMismatch { zone, entry, .. } | Reason::NoZoneKey { zone, entry, .. } => {
                let rtype = match entry {
                    EntryKind::Ds => RecordType::DS,
                    EntryKind::Anchor => RecordType::DNSKEY,
                };
                Some(RrsetId { name: zone.clone(), rtype })
            }
            _ => None,
        }
    }
}
