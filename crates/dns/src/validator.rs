//! Validation of RRsets and keys (RFC 4035 §5, RFC 6840), as functions over what was received and a given time.
//!
//! An RRset is secure if a key of its zone signed it, now. A zone's keys are secure if they are signed by one of them that
//! the parent's DS names by its digest. Where the chain begins, and fetching its links, is the resolver's task.
//!
//! With several keys and signatures any valid path suffices (RFC 6840 §5.11): a zone in the middle of a rollover is as
//! good as another. If no path is valid, the reason given is that of the signature that came closest.
//!
//! Every check of a signature and every hash draws on a [`Budget`], so that no answer can cost more than a fixed amount
//! of work, however many keys with equal tags, signatures and labels it holds (CVE-2023-50387, CVE-2023-50868).

mod budget;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::keys::{self, Algorithm, DigestType};
use crate::name::Name;
use crate::rdata::{Dnskey, Ds, Rrsig, signature_time};
use crate::rdata_dnssec::push_canonical;
use crate::record::{Class, Record, RecordType, Rrset};
use crate::security::{Bound, EntryKind, Reason, RrsetId};
use crate::sign::{signed_data, signed_labels};
pub use budget::{Budget, Policy};

/// No TTL counts for more than a day.
pub(crate) const MAX_TTL: u32 = 86_400;

/// An RRset as it was received, with its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRrset {
    /// The RRset; its TTL is the smallest that came.
    pub rrset: Rrset,
    /// The signatures that could be read.
    pub signatures: Vec<Rrsig>,
}

impl SignedRrset {
    /// The RRset's owner and type.
    pub fn id(&self) -> RrsetId {
        RrsetId { name: self.rrset.name.clone(), rtype: self.rrset.rtype }
    }

    /// The zones that claim to have signed it.
    pub fn signers(&self) -> impl Iterator<Item = &Name> {
        self.signatures.iter().map(|rrsig| &rrsig.signer)
    }

    /// When it expires by its TTL.
    pub fn expires(&self, now: Timestamp) -> Expiry {
        Expiry::of_ttl(now, self.rrset.ttl)
    }
}

/// `now` and a TTL, bounded.
pub(crate) fn after(now: Timestamp, ttl: u32) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(ttl.min(MAX_TTL).into())).unwrap_or(now)
}

/// When something expires, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// It counts until this moment.
    pub at: Timestamp,
    /// Which limit is reached then.
    pub by: Limit,
}

/// What limits how long an RRset counts (RFC 4035 §5.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The TTL that came.
    Ttl,
    /// The TTL that was signed.
    OriginalTtl,
    /// The end of the signature.
    Signature,
}

impl Limit {
    /// The word for it in records.
    pub fn word(self) -> &'static str {
        match self {
            Limit::Ttl => "ttl",
            Limit::OriginalTtl => "original-ttl",
            Limit::Signature => "signature",
        }
    }
}

impl Expiry {
    /// By a TTL from `now` on.
    pub(crate) fn of_ttl(now: Timestamp, ttl: u32) -> Expiry {
        Expiry { at: after(now, ttl), by: Limit::Ttl }
    }

    /// Not at all.
    pub(crate) fn never() -> Expiry {
        Expiry { at: Timestamp::MAX, by: Limit::Ttl }
    }

    /// The earlier of the two, this one if they are equal.
    #[must_use]
    pub(crate) fn min(self, other: Expiry) -> Expiry {
        if other.at < self.at { other } else { self }
    }
}

/// Sorts the records of a section into RRsets with their signatures, in the order in which they came. A signature that
/// cannot be read, or that signs nothing here, is left out.
pub fn group(records: &[Record]) -> Vec<SignedRrset> {
    let mut sets: Vec<SignedRrset> = Vec::new();
    let mut places: BTreeMap<(RecordType, &Name), usize> = BTreeMap::new();
    let mut seen: BTreeSet<(usize, Vec<u8>)> = BTreeSet::new();
    for record in records.iter().filter(|record| record.class == Class::IN && record.rtype != RecordType::RRSIG) {
        let place = *places.entry((record.rtype, &record.name)).or_insert_with(|| {
            let Record { name, rtype, ttl, .. } = record.clone();
            let rrset = Rrset { name, rtype, ttl, rdatas: Vec::new() };
            sets.push(SignedRrset { rrset, signatures: Vec::new() });
            sets.len() - 1
        });
        let Some(set) = sets.get_mut(place) else { continue };
        set.rrset.ttl = set.rrset.ttl.min(record.ttl);
        // RFC 2181 §5: a set holds no record twice; the case of names makes no difference (RFC 4034 §6.3).
        let mut canonical = Vec::with_capacity(record.rdata.len());
        push_canonical(record.rtype, &record.rdata, &mut canonical);
        if seen.insert((place, canonical)) {
            set.rrset.rdatas.push(record.rdata.clone());
        }
    }
    for record in records.iter().filter(|record| record.class == Class::IN && record.rtype == RecordType::RRSIG) {
        let Ok(rrsig) = Rrsig::parse(&record.rdata) else { continue };
        let place = places.get(&(rrsig.type_covered, &record.name));
        if let Some(set) = place.and_then(|&place| sets.get_mut(place)) {
            // RFC 4035 §5.3.3: not longer than the signature's own TTL.
            set.rrset.ttl = set.rrset.ttl.min(record.ttl);
            set.signatures.push(rrsig);
        }
    }
    sets
}

/// The secure keys of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneKeys {
    /// The zone.
    pub zone: Name,
    /// The tag of the key that the DS or the trust anchor names and that signs the others.
    pub entry_key: u16,
    /// Its keys with their tags.
    keys: Vec<(u16, Dnskey)>,
}

impl ZoneKeys {
    fn new(zone: &Name, entry_key: u16, keys: impl IntoIterator<Item = Dnskey>) -> ZoneKeys {
        let keys = keys.into_iter().filter(signs).map(|key| (key.key_tag(), key)).collect();
        ZoneKeys { zone: zone.clone(), entry_key, keys }
    }

    /// The keys that may have made a signature; tags are not unique.
    fn candidates(&self, rrsig: &Rrsig) -> impl Iterator<Item = &Dnskey> {
        let fits = move |(tag, key): &&(u16, Dnskey)| *tag == rrsig.key_tag && key.algorithm == rrsig.algorithm;
        self.keys.iter().filter(fits).map(|(_, key)| key)
    }
}

/// Whether a key may sign a zone: a zone key of protocol 3 (RFC 4034 §2.1) that is not revoked; a revoked key signs nothing
/// but itself (RFC 5011 §2.1).
fn signs(key: &Dnskey) -> bool {
    key.protocol == 3 && key.flags & Dnskey::ZONE != 0 && key.flags & Dnskey::REVOKED == 0
}

/// A validated RRset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// When it expires: by its TTL, by the TTL that was signed, or by its signature, whichever is first (RFC 4035
    /// §5.3.3).
    pub expires: Expiry,
    /// The name above the wildcard that it was expanded from. Then a proof is needed that the owner does not exist
    /// (RFC 4035 §5.3.4).
    pub expanded_below: Option<Name>,
    /// The tag of the key that signed it.
    pub key_tag: u16,
    /// The algorithm of that key.
    pub algorithm: Algorithm,
}

/// How close a signature came to being valid: the checks in their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    Unsupported,
    KeyMissing,
    OutOfTime,
    Wrong,
}

/// Checks that a key of the zone signed the RRset (RFC 4035 §5.3).
///
/// # Errors
/// The reason why no signature is valid; if there are several, that of the one that came closest.
pub fn verify(set: &SignedRrset, keys: &ZoneKeys, now: Timestamp, budget: &mut Budget) -> Result<Verified, Reason> {
    let rrset = &set.rrset;
    let missing = || Reason::RrsigMissing { rrset: set.id(), zone: keys.zone.clone() };
    let mut closest: Option<(Progress, Reason)> = None;
    let labels = signed_labels(&rrset.name);
    let own = |rrsig: &&Rrsig| {
        rrsig.signer == keys.zone
            && rrset.name.is_subdomain_of(&rrsig.signer)
            && usize::from(rrsig.labels) <= labels
            && usize::from(rrsig.labels) >= signed_labels(&rrsig.signer)
    };
    let mut failed = 0;
    for rrsig in set.signatures.iter().filter(own) {
        match verify_one(set, rrsig, keys, now, budget, &mut failed) {
            Ok(()) => {
                let expanded = usize::from(rrsig.labels) < labels;
                let original = Expiry { at: after(now, rrsig.original_ttl), by: Limit::OriginalTtl };
                let signature = Expiry { at: signature_time(rrsig.expiration, now), by: Limit::Signature };
                return Ok(Verified {
                    expires: set.expires(now).min(original).min(signature),
                    expanded_below: expanded.then(|| rrset.name.suffix(rrsig.labels.into())),
                    key_tag: rrsig.key_tag,
                    algorithm: Algorithm(rrsig.algorithm),
                });
            }
            Err((_, reason @ Reason::TooMuchWork { .. })) => return Err(reason),
            Err(failure) if closest.as_ref().is_none_or(|(progress, _)| failure.0 > *progress) => {
                closest = Some(failure);
            }
            Err(_) => {}
        }
    }
    Err(closest.map_or_else(missing, |(_, reason)| reason))
}

/// Checks one signature. `failed` counts the checks that failed for this RRset.
fn verify_one(
    set: &SignedRrset,
    rrsig: &Rrsig,
    keys: &ZoneKeys,
    now: Timestamp,
    budget: &mut Budget,
    failed: &mut u32,
) -> Result<(), (Progress, Reason)> {
    let (key_tag, algorithm) = (rrsig.key_tag, Algorithm(rrsig.algorithm));
    if !algorithm.is_supported(budget.policy().sha1) {
        let reason = Reason::RrsigUnsupported { rrset: set.id(), key_tag, algorithm };
        return Err((Progress::Unsupported, reason));
    }
    let mut candidates = keys.candidates(rrsig).peekable();
    if candidates.peek().is_none() {
        let zone = keys.zone.clone();
        return Err((Progress::KeyMissing, Reason::KeyMissing { zone, key_tag, rrset: set.id() }));
    }
    let (inception, expiration) = (signature_time(rrsig.inception, now), signature_time(rrsig.expiration, now));
    // Both ends count; the clock's fraction of a second does not. A signature that ends before it begins was never valid.
    if expiration.as_second() < now.as_second() {
        return Err((Progress::OutOfTime, Reason::RrsigExpired { rrset: set.id(), key_tag, expiration, now }));
    }
    if inception.as_second() > now.as_second() {
        return Err((Progress::OutOfTime, Reason::RrsigNotYetValid { rrset: set.id(), key_tag, inception, now }));
    }
    let bad = || (Progress::Wrong, Reason::RrsigBad { rrset: set.id(), key_tag, signer: rrsig.signer.clone() });
    let data = signed_data(rrsig, &set.rrset.name, &set.rrset.rdatas).ok_or_else(bad)?;
    for key in candidates {
        let limit = budget.policy().failed_checks;
        if *failed >= limit {
            let reason = Reason::TooMuchWork { rrset: set.id(), bound: Bound::FailedChecks(limit) };
            return Err((Progress::Wrong, reason));
        }
        budget.check(&set.id()).map_err(|reason| (Progress::Wrong, reason))?;
        if keys::verify(key, &data, &rrsig.signature) {
            return Ok(());
        }
        *failed += 1;
    }
    Err(bad())
}

/// The DS records that can be followed. Those with SHA-1 are ignored beside others (RFC 4509 §3).
///
/// # Errors
/// There are none: the zone is insecure (RFC 4035 §5.2).
pub fn usable_ds(zone: &Name, set: &Rrset, policy: &Policy) -> Result<Vec<Ds>, Reason> {
    let all: Vec<Ds> = set.rdatas.iter().filter_map(|rdata| Ds::parse(rdata).ok()).collect();
    let usable =
        |ds: &&Ds| Algorithm(ds.algorithm).is_supported(policy.sha1) && DigestType(ds.digest_type).is_supported();
    let mut followed: Vec<Ds> = all.iter().filter(usable).cloned().collect();
    if followed.is_empty() {
        let algorithms = all.iter().map(|ds| (Algorithm(ds.algorithm), DigestType(ds.digest_type))).collect();
        return Err(Reason::DsAlgorithmUnsupported { zone: zone.clone(), algorithms });
    }
    let sha1 = |ds: &Ds| DigestType(ds.digest_type) == DigestType::SHA1;
    if !followed.iter().all(sha1) {
        followed.retain(|ds| !sha1(ds));
    }
    Ok(followed)
}

/// What a chain of trust trusts at its next zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryPoints<'a> {
    /// Keys with these digests.
    Ds(&'a [Ds]),
    /// Keys with these digests, or these keys.
    Anchor(&'a [Ds], &'a [Dnskey]),
}

impl EntryPoints<'_> {
    /// What names them.
    pub(crate) fn kind(self) -> EntryKind {
        match self {
            EntryPoints::Ds(_) => EntryKind::Ds,
            EntryPoints::Anchor(..) => EntryKind::Anchor,
        }
    }
}

/// How many DS records and published keys are compared: more than any real zone has.
const MAX_KEYS: usize = 64;

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
) -> Result<(ZoneKeys, Expiry), Reason> {
    let published: Vec<Dnskey> = set.rrset.rdatas.iter().filter_map(|rdata| Dnskey::parse(rdata).ok()).collect();
    let (all_ds, anchors) = match entry {
        EntryPoints::Ds(ds) => (ds, &[][..]),
        EntryPoints::Anchor(ds, keys) => (ds, keys),
    };
    if all_ds.len() > MAX_KEYS || published.len() > MAX_KEYS {
        return Err(Reason::TooMuchWork { rrset: set.id(), bound: Bound::Keys(MAX_KEYS as u32) });
    }
    let trusted = |key: &&Dnskey| anchors.contains(key) || all_ds.iter().any(|ds| names(ds, zone, key));
    let entry_keys = ZoneKeys::new(zone, 0, published.iter().filter(trusted).cloned());
    if entry_keys.keys.is_empty() {
        // A key that matches but may not sign gets a reason of its own (RFC 8914 §4.12).
        if let Some(key) = published.iter().find(trusted) {
            return Err(Reason::NoZoneKey { zone: zone.clone(), entry: entry.kind(), key_tag: key.key_tag() });
        }
        let tags = all_ds.iter().map(|ds| ds.key_tag).chain(anchors.iter().map(Dnskey::key_tag)).collect();
        let dnskeys = published.iter().map(Dnskey::key_tag).collect();
        return Err(Reason::DsMismatch { zone: zone.clone(), entry: entry.kind(), ds: tags, dnskeys });
    }
    let verified = verify(set, &entry_keys, now, budget)?;
    Ok((ZoneKeys::new(zone, verified.key_tag, published), verified.expires))
}

/// Whether a DS names a key of the zone.
fn names(ds: &Ds, zone: &Name, key: &Dnskey) -> bool {
    ds.key_tag == key.key_tag()
        && ds.algorithm == key.algorithm
        && DigestType(ds.digest_type).digest(zone, key).is_some_and(|digest| digest == ds.digest)
}

#[cfg(test)]
mod tests;
