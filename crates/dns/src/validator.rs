//! Validation of RRsets and keys (RFC 4035 §5, RFC 6840), as functions over what was received and a given time.
//!
//! An RRset is secure if a key of its zone signed it, now. A zone's keys are secure if they are signed by one of them that
//! the parent's DS names by its digest. Where the chain begins and who fetches its links is the resolver's affair.
//!
//! Every check of a signature draws on a [`Budget`], so that no answer can cost more than a fixed amount of work, however
//! many keys with equal tags and however many signatures it holds (CVE-2023-50387).

use jiff::{SignedDuration, Timestamp};

use crate::keys::{self, Algorithm, DigestType};
use crate::name::Name;
use crate::rdata::{Dnskey, Ds, Rrsig, signature_time};
use crate::rdata_dnssec::push_canonical;
use crate::record::{Class, Record, RecordType, Rrset};
use crate::security::{Reason, RrsetId};
use crate::sign::{signed_data, signed_labels};

/// How many signatures may be checked for one lookup, its whole chain of trust included.
const MAX_SIGNATURE_CHECKS: u32 = 100;
/// How many signatures over one RRset are looked at.
const MAX_SIGNATURES: usize = 16;
/// No TTL counts for more than a day.
pub(crate) const MAX_TTL: u32 = 86_400;

/// The work that is left for one lookup.
#[derive(Clone, Debug)]
pub struct Budget {
    checks: u32,
}

impl Budget {
    /// The work of one lookup.
    pub fn new() -> Budget {
        Budget { checks: MAX_SIGNATURE_CHECKS }
    }

    /// How many signatures have been checked.
    pub fn signature_checks(&self) -> u32 {
        MAX_SIGNATURE_CHECKS - self.checks
    }

    fn check(&mut self, rrset: &Rrset) -> Result<(), Reason> {
        let left = self.checks.checked_sub(1);
        self.checks = left.ok_or_else(|| Reason::TooMuchWork { rrset: id(rrset), limit: MAX_SIGNATURE_CHECKS })?;
        Ok(())
    }
}

impl Default for Budget {
    fn default() -> Budget {
        Budget::new()
    }
}

/// An RRset as it was received, with its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRrset {
    /// The RRset; its TTL is the least that came.
    pub rrset: Rrset,
    /// The signatures that could be read.
    pub signatures: Vec<Rrsig>,
}

impl SignedRrset {
    /// The RRset's owner and type.
    pub fn id(&self) -> RrsetId {
        id(&self.rrset)
    }

    /// The zones that claim to have signed it.
    pub fn signers(&self) -> impl Iterator<Item = &Name> {
        self.signatures.iter().map(|rrsig| &rrsig.signer)
    }

    /// When it runs out by its TTL.
    pub fn expires(&self, now: Timestamp) -> Timestamp {
        after(now, self.rrset.ttl)
    }
}

pub(crate) fn id(rrset: &Rrset) -> RrsetId {
    RrsetId { name: rrset.name.clone(), rtype: rrset.rtype }
}

/// `now` and a TTL, bounded.
pub(crate) fn after(now: Timestamp, ttl: u32) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(ttl.min(MAX_TTL).into())).unwrap_or(now)
}

/// Sorts the records of a section into RRsets with their signatures, in the order in which they came. A signature that
/// cannot be read, or that signs nothing here, is left out.
pub fn group(records: &[Record]) -> Vec<SignedRrset> {
    let mut sets: Vec<SignedRrset> = Vec::new();
    for record in records.iter().filter(|record| record.class == Class::IN && record.rtype != RecordType::RRSIG) {
        match sets.iter_mut().find(|set| set.rrset.rtype == record.rtype && set.rrset.name == record.name) {
            Some(set) => {
                set.rrset.ttl = set.rrset.ttl.min(record.ttl);
                // RFC 2181 §5: a set holds no record twice.
                if !set.rrset.rdatas.iter().any(|held| is_same(record.rtype, held, &record.rdata)) {
                    set.rrset.rdatas.push(record.rdata.clone());
                }
            }
            None => sets.push(SignedRrset {
                rrset: Rrset {
                    name: record.name.clone(),
                    rtype: record.rtype,
                    ttl: record.ttl,
                    rdatas: vec![record.rdata.clone()],
                },
                signatures: Vec::new(),
            }),
        }
    }
    for record in records.iter().filter(|record| record.class == Class::IN && record.rtype == RecordType::RRSIG) {
        let Ok(rrsig) = Rrsig::parse(&record.rdata) else { continue };
        let signed = |set: &&mut SignedRrset| set.rrset.rtype == rrsig.type_covered && set.rrset.name == record.name;
        if let Some(set) = sets.iter_mut().find(signed) {
            // RFC 4035 §5.3.3: not longer than the signature's own TTL.
            set.rrset.ttl = set.rrset.ttl.min(record.ttl);
            set.signatures.push(rrsig);
        }
    }
    sets
}

/// Whether two records of a type have the same data, but for the case of names (RFC 4034 §6.3).
fn is_same(rtype: RecordType, one: &[u8], other: &[u8]) -> bool {
    let canonical = |rdata: &[u8]| {
        let mut octets = Vec::with_capacity(rdata.len());
        push_canonical(rtype, rdata, &mut octets);
        octets
    };
    // The canonical form differs from the data in the case of letters only.
    one == other || (one.eq_ignore_ascii_case(other) && canonical(one) == canonical(other))
}

/// The secure keys of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneKeys {
    /// The zone.
    pub zone: Name,
    /// Its keys with their tags.
    keys: Vec<(u16, Dnskey)>,
}

impl ZoneKeys {
    fn new(zone: &Name, keys: impl IntoIterator<Item = Dnskey>) -> ZoneKeys {
        // RFC 4034 §2.1: only zone keys of protocol 3 sign; RFC 5011 §2.1: a revoked key signs nothing but itself.
        let usable =
            |key: &Dnskey| key.protocol == 3 && key.flags & Dnskey::ZONE != 0 && key.flags & Dnskey::REVOKED == 0;
        let keys = keys.into_iter().filter(usable).map(|key| (key.key_tag(), key)).collect();
        ZoneKeys { zone: zone.clone(), keys }
    }

    /// The keys that may have made a signature; tags are not unique.
    fn candidates(&self, rrsig: &Rrsig) -> impl Iterator<Item = &Dnskey> {
        let fits = move |(tag, key): &&(u16, Dnskey)| *tag == rrsig.key_tag && key.algorithm == rrsig.algorithm;
        self.keys.iter().filter(fits).map(|(_, key)| key)
    }
}

/// A validated RRset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// When it runs out: by its TTL, by the TTL that was signed, or by its signature, whichever is first (RFC 4035 §5.3.3).
    pub expires: Timestamp,
    /// The name above the wildcard that it was expanded from. Then a proof is needed that the owner does not exist
    /// (RFC 4035 §5.3.4).
    pub expanded_below: Option<Name>,
}

/// Checks that a key of the zone signed the RRset (RFC 4035 §5.3).
///
/// # Errors
/// The reason why no signature is valid; of several, that of the one that came closest.
pub fn verify(set: &SignedRrset, keys: &ZoneKeys, now: Timestamp, budget: &mut Budget) -> Result<Verified, Reason> {
    let rrset = &set.rrset;
    let mut closest = (0, Reason::RrsigMissing { rrset: set.id(), zone: keys.zone.clone() });
    let labels = signed_labels(&rrset.name);
    let own = |rrsig: &&Rrsig| {
        rrsig.signer == keys.zone
            && rrset.name.is_subdomain_of(&rrsig.signer)
            && usize::from(rrsig.labels) <= labels
            && usize::from(rrsig.labels) >= rrsig.signer.label_count()
    };
    for rrsig in set.signatures.iter().filter(own).take(MAX_SIGNATURES) {
        match verify_one(rrset, rrsig, keys, now, budget) {
            Ok(()) => {
                let expanded = usize::from(rrsig.labels) < labels;
                return Ok(Verified {
                    expires: after(now, rrset.ttl.min(rrsig.original_ttl)).min(signature_time(rrsig.expiration, now)),
                    expanded_below: expanded.then(|| rrset.name.suffix(rrsig.labels.into())),
                });
            }
            Err(failure @ (_, Reason::TooMuchWork { .. })) => return Err(failure.1),
            Err(failure) if failure.0 > closest.0 => closest = failure,
            Err(_) => {}
        }
    }
    Err(closest.1)
}

/// The failure of one signature, and how close it came: key, time, signature are checked in this order.
fn verify_one(
    rrset: &Rrset,
    rrsig: &Rrsig,
    keys: &ZoneKeys,
    now: Timestamp,
    budget: &mut Budget,
) -> Result<(), (u8, Reason)> {
    let key_tag = rrsig.key_tag;
    let mut candidates = keys.candidates(rrsig).peekable();
    if candidates.peek().is_none() {
        let zone = keys.zone.clone();
        return Err((1, Reason::KeyMissing { zone, key_tag: Some(key_tag), rrset: id(rrset) }));
    }
    let (inception, expiration) = (signature_time(rrsig.inception, now), signature_time(rrsig.expiration, now));
    // Both ends count; the clock's fraction of a second does not.
    if expiration.as_second() < now.as_second() {
        return Err((2, Reason::RrsigExpired { rrset: id(rrset), key_tag, expiration, now }));
    }
    if inception.as_second() > now.as_second() {
        return Err((2, Reason::RrsigNotYetValid { rrset: id(rrset), key_tag, inception, now }));
    }
    let bad = || Reason::RrsigBad { rrset: id(rrset), key_tag, signer: rrsig.signer.clone() };
    let data = signed_data(rrsig, &rrset.name, &rrset.rdatas).ok_or_else(|| (3, bad()))?;
    for key in candidates {
        budget.check(rrset).map_err(|reason| (4, reason))?;
        if keys::verify(key, &data, &rrsig.signature) {
            return Ok(());
        }
    }
    Err((3, bad()))
}

/// The DS records that can be followed.
///
/// # Errors
/// There are none: the zone is insecure (RFC 4035 §5.2).
pub fn usable_ds(zone: &Name, set: &Rrset) -> Result<Vec<Ds>, Reason> {
    let all: Vec<Ds> = set.rdatas.iter().filter_map(|rdata| Ds::parse(rdata).ok()).collect();
    let usable = |ds: &&Ds| Algorithm(ds.algorithm).is_supported() && DigestType(ds.digest_type).is_supported();
    let followed: Vec<Ds> = all.iter().filter(usable).cloned().collect();
    if followed.is_empty() {
        let algorithms = all.iter().map(|ds| (Algorithm(ds.algorithm), DigestType(ds.digest_type))).collect();
        return Err(Reason::DsAlgorithmUnsupported { zone: zone.clone(), algorithms });
    }
    Ok(followed)
}

/// What a chain of trust trusts at its next zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryPoints<'a> {
    /// Keys with these digests.
    Ds(&'a [Ds]),
    /// These keys.
    Keys(&'a [Dnskey]),
}

/// Checks the keys of a zone against its entry points (RFC 4035 §5.2): one of the keys must be an entry point and must
/// sign them all.
///
/// # Errors
/// The reason why the zone is bogus.
pub fn verify_keys(
    zone: &Name,
    entry: EntryPoints<'_>,
    set: &SignedRrset,
    now: Timestamp,
    budget: &mut Budget,
) -> Result<(ZoneKeys, Timestamp), Reason> {
    let published: Vec<Dnskey> = set.rrset.rdatas.iter().filter_map(|rdata| Dnskey::parse(rdata).ok()).collect();
    let trusted = |key: &&Dnskey| match entry {
        EntryPoints::Keys(keys) => keys.contains(key),
        EntryPoints::Ds(all) => all.iter().any(|ds| names(ds, zone, key)),
    };
    let entry_keys = ZoneKeys::new(zone, published.iter().filter(trusted).cloned());
    if entry_keys.keys.is_empty() {
        let tags = match entry {
            EntryPoints::Ds(all) => all.iter().map(|ds| ds.key_tag).collect(),
            EntryPoints::Keys(keys) => keys.iter().map(Dnskey::key_tag).collect(),
        };
        let dnskeys = published.iter().map(Dnskey::key_tag).collect();
        return Err(Reason::DsMismatch { zone: zone.clone(), ds: tags, dnskeys });
    }
    let verified = verify(set, &entry_keys, now, budget)?;
    Ok((ZoneKeys::new(zone, published), verified.expires))
}

/// Whether a DS names a key of the zone.
fn names(ds: &Ds, zone: &Name, key: &Dnskey) -> bool {
    ds.key_tag == key.key_tag()
        && ds.algorithm == key.algorithm
        && DigestType(ds.digest_type).digest(zone, key).is_some_and(|digest| digest == ds.digest)
}
