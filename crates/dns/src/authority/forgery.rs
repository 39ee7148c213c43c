//! What faults put into answers: signatures of other times and keys, keys that collide, DS records of other keys.
//!
//! All of it depends only on the zone and the day, so it is the same in every run.

use jiff::Timestamp;
use ring::digest;

use crate::fault::{DsFault, KeyFault, SignatureFault};
use crate::keys::Algorithm;
use crate::name::Name;
use crate::rdata::{A, Dnskey, Ds, Nsec, Nsec3, Rdata as _, Rrsig};
use crate::record::{RawRdata, Record, RecordType, Rrset};
use crate::sign;
use crate::signed_zone::SignedZone;
use crate::signing_key::{KeyKind, KeyRole, SigningKey, UNASSIGNED};

const DAY: i64 = 86_400;

/// The window between two moments, in days after the beginning of today. Signatures of one day share it, so they are
/// made once.
fn window(now: Timestamp, from: i64, to: i64) -> (Timestamp, Timestamp) {
    let today = now.as_second().div_euclid(DAY) * DAY;
    let at = |days: i64| Timestamp::from_second(today + days * DAY).unwrap_or(now);
    (at(from), at(to))
}

/// A window that ended two days ago: more than the day by which validators may let clocks differ.
fn expired(now: Timestamp) -> (Timestamp, Timestamp) {
    window(now, -16, -2)
}

/// A window that begins in two or three days.
fn not_yet_valid(now: Timestamp) -> (Timestamp, Timestamp) {
    window(now, 3, 17)
}

/// The signatures over an RRset as a fault has them, where `valid` is the window of good ones.
pub(crate) fn signatures(
    fault: SignatureFault,
    zone: &SignedZone,
    rrset: &Rrset,
    valid: (Timestamp, Timestamp),
    now: Timestamp,
) -> Vec<Rrsig> {
    match fault {
        SignatureFault::Missing => Vec::new(),
        SignatureFault::Expired => zone.signatures(rrset, expired(now)),
        SignatureFault::NotYetValid => zone.signatures(rrset, not_yet_valid(now)),
        SignatureFault::Bad => {
            let mut signatures = zone.signatures(rrset, valid);
            for octet in signatures.iter_mut().filter_map(|rrsig| rrsig.signature.last_mut()) {
                *octet ^= 1;
            }
            signatures
        }
        SignatureFault::WrongKey => {
            let origin = zone.zone().origin();
            let others = zone.signers(rrset.rtype).filter_map(|key| other_key(origin, key));
            others.map(|key| sign::sign(&key, origin, rrset, valid.0, valid.1)).collect()
        }
        SignatureFault::OtherSigner => {
            let parent = zone.zone().origin().parent().unwrap_or_else(Name::root);
            changed(zone, rrset, valid, |rrsig, _| rrsig.signer = parent.clone())
        }
        SignatureFault::OtherAlgorithm => {
            changed(zone, rrset, valid, |rrsig, _| rrsig.algorithm = another(rrsig.algorithm))
        }
        SignatureFault::ByZoneKeys if rrset.rtype == RecordType::DNSKEY => {
            let origin = zone.zone().origin();
            zone.signers(RecordType::SOA).map(|key| sign::sign(key, origin, rrset, valid.0, valid.1)).collect()
        }
        SignatureFault::ByZoneKeys | SignatureFault::ShortTtl => zone.signatures(rrset, valid),
    }
}

/// The zone's signatures over an RRset with other fields, made with the same keys.
fn changed(
    zone: &SignedZone,
    rrset: &Rrset,
    valid: (Timestamp, Timestamp),
    change: impl Fn(&mut Rrsig, &SigningKey),
) -> Vec<Rrsig> {
    let made = |key: &std::sync::Arc<SigningKey>| {
        let mut rrsig = sign::sign(key, zone.zone().origin(), rrset, valid.0, valid.1);
        change(&mut rrsig, key);
        sign::resign(key, rrsig, rrset)
    };
    zone.signers(rrset.rtype).map(made).collect()
}

/// Another algorithm that validators know.
fn another(algorithm: u8) -> u8 {
    if algorithm == Algorithm::ECDSAP256SHA256.0 { Algorithm::ED25519.0 } else { Algorithm::ECDSAP256SHA256.0 }
}

/// A key with what a fault changes in it.
fn flawed(fault: KeyFault, key: &Dnskey) -> Dnskey {
    match fault {
        KeyFault::Revoked => Dnskey { flags: key.flags | Dnskey::REVOKED, ..key.clone() },
        KeyFault::NoZoneKeys => Dnskey { flags: key.flags & !Dnskey::ZONE, ..key.clone() },
        KeyFault::OtherProtocol => Dnskey { protocol: 1, ..key.clone() },
        KeyFault::Missing | KeyFault::Many(_) => key.clone(),
    }
}

/// Signatures over an RRset that name the tags of flawed keys.
pub(crate) fn by_flawed_keys(
    fault: KeyFault,
    zone: &SignedZone,
    rrset: &Rrset,
    valid: (Timestamp, Timestamp),
) -> Vec<Rrsig> {
    changed(zone, rrset, valid, |rrsig, key| rrsig.key_tag = flawed(fault, key.dnskey()).key_tag())
}

/// Octets derived from these parts.
fn derived(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    context.finish().as_ref().try_into().unwrap_or_default()
}

/// A key like this one that does not belong to the zone.
fn other_key(zone: &Name, like: &SigningKey) -> Option<SigningKey> {
    let seed = derived(&[b"a key of another zone", zone.to_lowercase().wire(), &[like.role() as u8]]);
    SigningKey::new(like.kind(), like.role(), seed).ok()
}

/// The DS of a key that the child does not have. It has the algorithm of the DS that it replaces, so that it is
/// followed wherever that one is.
fn other_ds(child: &Name, published: Option<&Rrset>) -> Option<Ds> {
    let published = published.and_then(|rrset| Ds::parse(rrset.rdatas.first()?).ok());
    let kind = published.and_then(|ds| KeyKind::of(Algorithm(ds.algorithm)).ok()).unwrap_or(KeyKind::Ed25519);
    let mut seed = b"the key of another zone: ".to_vec();
    child.push_canonical(&mut seed);
    let seed = digest::digest(&digest::SHA256, &seed);
    let key = SigningKey::new(kind, KeyRole::Combined, seed.as_ref().try_into().ok()?).ok()?;
    Some(key.ds(child))
}

/// The DS RRset that a fault puts into the parent, in place of this one or of none.
pub(crate) fn ds(fault: DsFault, child: &Name, published: Option<&Rrset>, ttl: u32) -> Option<Rrset> {
    let other = |ttl| {
        let rdatas = vec![other_ds(child, published)?.to_rdata()];
        Some(Rrset { name: child.clone(), rtype: RecordType::DS, ttl, rdatas })
    };
    match (fault, published) {
        (DsFault::Mismatch, Some(rrset)) => other(rrset.ttl),
        (DsFault::WithoutKey, None) => other(ttl),
        (DsFault::Unsupported, Some(rrset)) => with_ds(rrset, |ds| ds.algorithm = UNASSIGNED.0),
        (DsFault::WrongTag, Some(rrset)) => with_ds(rrset, |ds| ds.key_tag ^= 1),
        (DsFault::WrongAlgorithm, Some(rrset)) => with_ds(rrset, |ds| ds.algorithm = another(ds.algorithm)),
        (DsFault::WrongDigest, Some(rrset)) => with_ds(rrset, |ds| ds.digest.iter_mut().for_each(|octet| *octet ^= 1)),
        (DsFault::DigestUnsupported, Some(rrset)) => with_ds(rrset, |ds| ds.digest_type = UNKNOWN_DIGEST),
        (DsFault::WithoutKey, Some(_)) | (_, None) => None,
    }
}

/// A digest type that nobody has defined.
const UNKNOWN_DIGEST: u8 = 200;

/// The DS RRset with a change to each record.
fn with_ds(rrset: &Rrset, change: impl Fn(&mut Ds)) -> Option<Rrset> {
    let changed = |rdata: &RawRdata| match Ds::parse(rdata) {
        Ok(mut ds) => {
            change(&mut ds);
            ds.to_rdata()
        }
        Err(_) => rdata.clone(),
    };
    Some(Rrset { rdatas: rrset.rdatas.iter().map(changed).collect(), ..rrset.clone() })
}

/// The DNSKEY RRset of a zone as a fault changes it; none if no key is left.
pub(crate) fn dnskeys(fault: KeyFault, zone: &SignedZone, rrset: &Rrset) -> Option<Rrset> {
    let mut rrset = rrset.clone();
    match fault {
        KeyFault::Missing => {
            let missing: Vec<RawRdata> = zone.signers(RecordType::SOA).map(|key| key.dnskey().to_rdata()).collect();
            rrset.rdatas.retain(|rdata| !missing.contains(rdata));
        }
        KeyFault::Many(count) => {
            for key in zone.signers(RecordType::SOA) {
                rrset.rdatas.extend((0..count).map(|number| colliding(key.dnskey(), number).to_rdata()));
            }
        }
        KeyFault::Revoked | KeyFault::NoZoneKeys | KeyFault::OtherProtocol => {
            for key in zone.signers(RecordType::SOA) {
                let good = key.dnskey().to_rdata();
                let same = rrset.rdatas.iter_mut().filter(|rdata| **rdata == good);
                same.for_each(|rdata| *rdata = flawed(fault, key.dnskey()).to_rdata());
            }
        }
    }
    (!rrset.rdatas.is_empty()).then_some(rrset)
}

/// Lets a proof say that a type is at its name.
pub(crate) fn claim_type(proof: &mut Rrset, rtype: RecordType) {
    for rdata in &mut proof.rdatas {
        match proof.rtype {
            RecordType::NSEC => {
                if let Ok(nsec) = Nsec::parse(rdata) {
                    *rdata = Nsec { types: nsec.types.iter().chain([rtype]).collect(), ..nsec }.to_rdata();
                }
            }
            _ => {
                if let Ok(nsec3) = Nsec3::parse(rdata) {
                    *rdata = Nsec3 { types: nsec3.types.iter().chain([rtype]).collect(), ..nsec3 }.to_rdata();
                }
            }
        }
    }
}

/// Lets an NSEC record span from its owner to a name beyond the zone: its last label is followed by another letter, so that
/// it comes after all names of the zone.
pub(crate) fn overreach(proof: &mut Rrset, zone: &Name) {
    let label = zone.labels().next().map(|label| [label, b"z"].concat());
    let beyond = label.and_then(|label| zone.parent()?.prepend_label(label).ok());
    let (Some(next), RecordType::NSEC) = (beyond, proof.rtype) else { return };
    for rdata in &mut proof.rdatas {
        if let Ok(nsec) = Nsec::parse(rdata) {
            *rdata = Nsec { next: next.clone(), ..nsec }.to_rdata();
        }
    }
}

/// An address that the server does not have. No host has it (RFC 2544).
pub(crate) fn foreign_glue(server: &Name) -> Record {
    Record::new(server.clone(), RecordType::A, 3_600, A([198, 19, 255, 254].into()).to_rdata())
}

/// Bad signatures like each of these, this many, before them (CVE-2023-50387).
pub(crate) fn with_bad_signatures(count: u16, good: Vec<Rrsig>) -> Vec<Rrsig> {
    let bad = |rrsig: &Rrsig, number: u16| {
        let signature = stretched(&[b"no signature", &rrsig.signature, &number.to_be_bytes()], rrsig.signature.len());
        Rrsig { signature, ..rrsig.clone() }
    };
    let mut all: Vec<Rrsig> = good.iter().flat_map(|rrsig| (0..count).map(move |number| bad(rrsig, number))).collect();
    all.extend(good);
    all
}

/// A key with the flags, the algorithm and the tag of another.
fn colliding(key: &Dnskey, number: u16) -> Dnskey {
    let length = key.public_key.len();
    let mut public_key = stretched(&[b"no key", &key.public_key, &number.to_be_bytes()], length);
    // An RSA key can be read only if its exponent is where its length says (RFC 3110 §2).
    let kept = if key.algorithm == Algorithm::RSASHA256.0 { 4 } else { 0 };
    for (octet, kept) in public_key.iter_mut().zip(key.public_key.iter().take(kept)) {
        *octet = *kept;
    }
    let mut other = Dnskey { public_key, ..key.clone() };
    adjust_tag(&mut other, key.key_tag());
    other
}

/// Changes two octets of a key so that it has this tag. The tag is a sum of 16-bit words whose carry is added once
/// (RFC 4034 Appendix B), so the word that is missing is found within a few steps.
fn adjust_tag(key: &mut Dnskey, tag: u16) {
    // Four octets precede the public key, so its words begin at even offsets.
    let Some(at) = (key.public_key.len() / 2).checked_sub(1).map(|words| words * 2) else { return };
    let set = |key: &mut Dnskey, word: u16| {
        if let Some(slot) = key.public_key.get_mut(at..at + 2) {
            slot.copy_from_slice(&word.to_be_bytes());
        }
    };
    set(key, 0);
    let missing = tag.wrapping_sub(key.key_tag());
    for carry in [0, 1, 2, u16::MAX] {
        set(key, missing.wrapping_sub(carry));
        if key.key_tag() == tag {
            return;
        }
    }
}

/// This many octets, derived from these parts.
fn stretched(parts: &[&[u8]], length: usize) -> Vec<u8> {
    let seed = derived(parts);
    let blocks = (0u32..).flat_map(|block| derived(&[&seed, &block.to_be_bytes()]));
    blocks.take(length).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::SignedDuration;

    use super::*;
    use crate::keys;
    use crate::signed_zone::Signing;
    use crate::zone::Zone;

    fn zone(kind: KeyKind) -> SignedZone {
        let key = SigningKey::new(kind, KeyRole::Combined, [1; 32]).unwrap();
        let mut zone = Zone::new("z".parse().unwrap(), &[], 300);
        zone.add_text("a A 192.0.2.1\nb A 192.0.2.2", 300).unwrap();
        SignedZone::new(zone, Arc::new(key), Signing::rolling(Timestamp::UNIX_EPOCH))
    }

    /// Whether each signature is the key's own signature over the RRset.
    fn genuine(zone: &SignedZone, rrset: &Rrset, signatures: &[Rrsig]) -> Vec<bool> {
        let key = zone.keys().keys()[0].key.dnskey().clone();
        let data = |rrsig| sign::signed_data(rrsig, &rrset.name, &rrset.rdatas).unwrap();
        signatures.iter().map(|rrsig| keys::verify(&key, &data(rrsig), &rrsig.signature)).collect()
    }

    /// Either the times or the octets are wrong, never both.
    #[test]
    fn signatures_are_wrong_in_one_way() {
        let now = Timestamp::from_second(1_772_438_400).unwrap();
        for kind in [KeyKind::Ed25519, KeyKind::EcdsaP256, KeyKind::Rsa1024] {
            let zone = zone(kind);
            let rrset = zone.zone().rrset(&"a.z".parse().unwrap(), RecordType::A).unwrap().clone();
            let valid = zone.signing().window(now);
            for (fault, expected) in [
                (SignatureFault::Expired, &[true][..]),
                (SignatureFault::NotYetValid, &[true]),
                (SignatureFault::Bad, &[false]),
                (SignatureFault::WrongKey, &[false]),
                (SignatureFault::Missing, &[]),
                // These are genuine, with a field that does not fit.
                (SignatureFault::OtherSigner, &[true]),
                (SignatureFault::OtherAlgorithm, &[true]),
                (SignatureFault::ByZoneKeys, &[true]),
                (SignatureFault::ShortTtl, &[true]),
            ] {
                let made = signatures(fault, &zone, &rrset, valid, now);
                assert_eq!(genuine(&zone, &rrset, &made), expected, "{kind:?} {fault:?}");
            }
            let good = zone.signatures(&rrset, valid);
            assert_eq!(genuine(&zone, &rrset, &with_bad_signatures(2, good)), [false, false, true]);
        }
        // At any time of the day, more than a day away.
        for second in [0, 1, 43_200, 86_399] {
            let now = Timestamp::from_second(20_000 * DAY + second).unwrap();
            let day = SignedDuration::from_secs(DAY);
            assert!(now.duration_since(expired(now).1) > day && not_yet_valid(now).0.duration_since(now) > day);
        }
    }

    #[test]
    fn flawed_keys_sign() {
        let now = Timestamp::from_second(1_772_438_400).unwrap();
        let zone = zone(KeyKind::Ed25519);
        let rrset = zone.zone().rrset(&"a.z".parse().unwrap(), RecordType::A).unwrap().clone();
        let published = zone.zone().rrset(&"z".parse().unwrap(), RecordType::DNSKEY).unwrap();
        for (fault, flags, protocol) in
            [(KeyFault::Revoked, 0x181, 3), (KeyFault::NoZoneKeys, 0x001, 3), (KeyFault::OtherProtocol, 0x101, 1)]
        {
            let keys = dnskeys(fault, &zone, published).unwrap();
            let key = Dnskey::parse(&keys.rdatas[0]).unwrap();
            assert_eq!((keys.rdatas.len(), key.flags, key.protocol), (1, flags, protocol), "{fault:?}");
            let made = by_flawed_keys(fault, &zone, &rrset, zone.signing().window(now));
            assert_eq!(made[0].key_tag, key.key_tag());
            assert_eq!(genuine(&zone, &rrset, &made), [true]);
        }
    }

    #[test]
    fn keys_collide() {
        for kind in [KeyKind::Ed25519, KeyKind::EcdsaP256, KeyKind::Rsa1024, KeyKind::Rsa2048, KeyKind::Unsupported] {
            for seed in 1..20 {
                let key = SigningKey::new(kind, KeyRole::ZoneSigning, [seed; 32]).unwrap();
                for number in 0..20 {
                    let other = colliding(key.dnskey(), number);
                    assert_eq!(other.key_tag(), key.key_tag(), "{kind:?} {seed} {number}");
                    assert_ne!(other.public_key, key.dnskey().public_key);
                    assert_ne!(other, colliding(key.dnskey(), number + 1));
                }
            }
        }
    }
}
