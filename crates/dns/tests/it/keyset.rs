//! Keys of zones, and rollovers (RFC 6781 §4.1) as the sets of keys that they go through.

use std::sync::Arc;

use mxlab_dns::rdata::{Dnskey, Rrsig};
use mxlab_dns::*;
use ring::signature::{RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RsaPublicKeyComponents};

use crate::net::{at, name};
use crate::served::{ask, serving, with_keys};

fn key(kind: KeyKind, role: KeyRole, seed: u8) -> Arc<SigningKey> {
    Arc::new(SigningKey::new(kind, role, [seed; 32]).unwrap())
}

/// A set as its zone and its parent show it: `keys 12 signed 1, records 2, ds 1`, each key by its number.
fn shown(set: &KeySet, keys: &[&Arc<SigningKey>]) -> String {
    let number = |tag: u16| (keys.iter().position(|key| key.key_tag() == tag).unwrap() + 1).to_string();
    let authority = serving(with_keys("z", "a A 192.0.2.1", set.clone()));
    let (published, records) = (ask(&authority, "z", "DNSKEY").answer, ask(&authority, "a.z", "A").answer);
    let of = |records: &[Record], rtype: RecordType| -> Vec<RawRdata> {
        records.iter().filter(|record| record.rtype == rtype).map(|record| record.rdata.clone()).collect()
    };
    let in_set: String = of(&published, RecordType::DNSKEY)
        .iter()
        .map(|rdata| number(Dnskey::parse(rdata).unwrap().key_tag()))
        .collect();
    let signers = |records: &[Record]| -> String {
        of(records, RecordType::RRSIG).iter().map(|rdata| number(Rrsig::parse(rdata).unwrap().key_tag)).collect()
    };
    let ds: String = set.ds(&name("z")).iter().map(|ds| number(ds.key_tag)).collect();
    format!("keys {in_set} signed {}, records {}, ds {ds}", signers(&published), signers(&records))
}

type Step = fn(&KeySet, &Arc<SigningKey>) -> KeySet;
const ADD_KEY: Step = KeySet::add_key;
const ADD_SIGNATURES: Step = KeySet::add_signatures;
const ADD_DS: Step = KeySet::add_ds;
const SWITCH: Step = |set, _| set.switch_signing();
const WITHDRAW: Step = |set, _| set.withdraw_old();
const DROP_OLD: Step = |set, _| set.drop_old();

/// The sets that a rollover to `new` goes through.
#[track_caller]
fn check(old: &[&Arc<SigningKey>], new: &Arc<SigningKey>, steps: &[(Step, &str)]) {
    let keys: Vec<_> = old.iter().copied().chain([new]).collect();
    let mut set = KeySet::from(old.iter().map(|key| (*key).clone()).collect::<Vec<_>>());
    for (number, (step, expected)) in steps.iter().enumerate() {
        set = step(&set, new);
        assert_eq!(shown(&set, &keys), *expected, "step {}", number + 1);
        // A step taken twice changes nothing more.
        assert_eq!(shown(&step(&set, new), &keys), *expected, "step {} again", number + 1);
    }
}

#[test]
fn rollovers() {
    use KeyKind::{EcdsaP256, Ed25519};
    use KeyRole::{Combined, KeySigning, ZoneSigning};
    let (ksk, zsk) = (&key(Ed25519, KeySigning, 1), &key(Ed25519, ZoneSigning, 2));
    let combined = &key(Ed25519, Combined, 1);
    // A zone-signing key, published before it signs.
    check(
        &[ksk, zsk],
        &key(Ed25519, ZoneSigning, 3),
        &[
            (ADD_KEY, "keys 123 signed 1, records 2, ds 1"),
            (SWITCH, "keys 123 signed 1, records 3, ds 1"),
            (DROP_OLD, "keys 13 signed 1, records 3, ds 1"),
        ],
    );
    // A key-signing key with double signature, and with double DS.
    check(
        &[ksk, zsk],
        &key(Ed25519, KeySigning, 3),
        &[
            (ADD_KEY, "keys 123 signed 13, records 2, ds 1"),
            (ADD_DS, "keys 123 signed 13, records 2, ds 13"),
            (DROP_OLD, "keys 23 signed 3, records 2, ds 3"),
        ],
    );
    check(
        &[ksk, zsk],
        &key(Ed25519, KeySigning, 3),
        &[
            (ADD_DS, "keys 12 signed 1, records 2, ds 13"),
            (ADD_KEY, "keys 123 signed 13, records 2, ds 13"),
            (DROP_OLD, "keys 23 signed 3, records 2, ds 3"),
        ],
    );
    // A combined key.
    check(
        &[combined],
        &key(Ed25519, Combined, 2),
        &[
            (ADD_KEY, "keys 12 signed 12, records 1, ds 1"),
            (ADD_DS, "keys 12 signed 12, records 1, ds 12"),
            (SWITCH, "keys 12 signed 12, records 2, ds 12"),
            (DROP_OLD, "keys 2 signed 2, records 2, ds 2"),
        ],
    );
    // An algorithm: conservative, and liberal.
    check(
        &[combined],
        &key(EcdsaP256, Combined, 2),
        &[
            (ADD_SIGNATURES, "keys 1 signed 12, records 12, ds 1"),
            (ADD_KEY, "keys 12 signed 12, records 12, ds 1"),
            (ADD_DS, "keys 12 signed 12, records 12, ds 12"),
            (SWITCH, "keys 12 signed 12, records 12, ds 12"),
            (WITHDRAW, "keys 2 signed 12, records 12, ds 2"),
            (DROP_OLD, "keys 2 signed 2, records 2, ds 2"),
        ],
    );
    check(
        &[combined],
        &key(EcdsaP256, Combined, 2),
        &[
            (ADD_KEY, "keys 12 signed 12, records 12, ds 1"),
            (ADD_DS, "keys 12 signed 12, records 12, ds 12"),
            (DROP_OLD, "keys 2 signed 2, records 2, ds 2"),
        ],
    );
    // Taken in the wrong order: the DS goes to a key that is not published.
    check(
        &[combined],
        &key(Ed25519, Combined, 2),
        &[(ADD_DS, "keys 1 signed 1, records 1, ds 12"), (DROP_OLD, "keys 1 signed 1, records 1, ds 1")],
    );
}

#[test]
fn kinds_and_roles() {
    for (kind, algorithm, public, signature) in [
        (KeyKind::Ed25519, 15, 32, 64),
        (KeyKind::EcdsaP256, 13, 64, 64),
        (KeyKind::Rsa2048, 8, 260, 256),
        (KeyKind::Rsa1024, 8, 132, 128),
        (KeyKind::Unsupported, 100, 32, 64),
    ] {
        for (role, flags) in [(KeyRole::Combined, 257), (KeyRole::KeySigning, 257), (KeyRole::ZoneSigning, 256)] {
            let key = key(kind, role, 9);
            let dnskey = key.dnskey();
            assert_eq!((dnskey.algorithm, dnskey.flags, dnskey.protocol), (algorithm, flags, 3), "{kind:?}");
            assert_eq!(
                (dnskey.public_key.len(), key.algorithm(), key.kind(), key.role()),
                (public, kind.algorithm(), kind, role)
            );
        }
        let zone = with_keys("z", "a A 192.0.2.1", key(kind, KeyRole::Combined, 9));
        let answer = ask(&serving(zone), "a.z", "A").answer;
        assert_eq!(Rrsig::parse(&answer[1].rdata).unwrap().signature.len(), signature, "{kind:?}");
        // Another seed gives another key; the same seed gives the same key.
        let tags: std::collections::BTreeSet<_> =
            (1..20).map(|seed| key(kind, KeyRole::Combined, seed).dnskey().public_key.clone()).collect();
        assert_eq!(tags.len(), 19, "{kind:?}");
        assert_eq!(key(kind, KeyRole::Combined, 1).dnskey(), key(kind, KeyRole::Combined, 1).dnskey());
    }
    assert!(matches!(SigningKey::from_seed(Algorithm(5), [1; 32]), Err(KeyError::Algorithm(Algorithm(5)))));
    assert_eq!(SigningKey::from_seed(Algorithm::RSASHA256, [9; 32]).unwrap().kind(), KeyKind::Rsa2048);
}

/// RFC 5702: an independent RSA accepts the signatures, over data put together here from RFC 4034 §3.1.8.1.
#[test]
fn rsa_signatures_verify() {
    for (kind, seed) in [(KeyKind::Rsa2048, 1), (KeyKind::Rsa2048, 2), (KeyKind::Rsa1024, 3), (KeyKind::Rsa1024, 4)] {
        let key = key(kind, KeyRole::Combined, seed);
        let rrset = Rrset {
            name: name("A.z"),
            rtype: RecordType::A,
            ttl: 300,
            rdatas: vec![RawRdata::from(&[192u8, 0, 2, 1][..])],
        };
        let rrsig = sign::sign(&key, &name("z"), &rrset, at(0), at(60));
        let mut data = rrsig.signed_part();
        data.extend_from_slice(b"\x01a\x01z\x00\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04\xc0\x00\x02\x01");
        let (length, rest) = key.dnskey().public_key.split_first().unwrap();
        let (e, n) = rest.split_at(usize::from(*length));
        let public = RsaPublicKeyComponents { n, e };
        public.verify(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, &data, &rrsig.signature).unwrap();
    }
}

/// Any combination is possible: here a key that signs but is not published, and one that is published but does not
/// sign.
#[test]
fn free_combinations() {
    let (hidden, idle) = (key(KeyKind::Ed25519, KeyRole::Combined, 1), key(KeyKind::Ed25519, KeyRole::Combined, 2));
    let set = KeySet::from(vec![
        ZoneKey { published: false, ..ZoneKey::in_use(hidden.clone()) },
        ZoneKey { published: true, ..ZoneKey::idle(idle.clone()) },
    ]);
    assert_eq!(shown(&set, &[&hidden, &idle]), "keys 2 signed 1, records 1, ds 1");
}
