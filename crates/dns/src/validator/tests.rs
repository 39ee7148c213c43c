use super::*;
use crate::rdata::{A, Rdata as _};
use crate::sign;
use crate::signing_key::SigningKey;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn zone() -> Name {
    "z".parse().unwrap()
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(Algorithm::ED25519, [seed; 32]).unwrap()
}

fn address() -> Rrset {
    let name = "m.z".parse().unwrap();
    Rrset { name, rtype: RecordType::A, ttl: 300, rdatas: vec![A([192, 0, 2, 1].into()).to_rdata()] }
}

fn budget() -> Budget {
    Budget::new(&Policy::default())
}

/// The keys of the zone: `published`, signed by the first key, whose DS is followed.
fn keys(published: &[Dnskey], by: &SigningKey, ds: &[Ds]) -> Result<ZoneKeys, Reason> {
    let rdatas = published.iter().map(|key| key.to_rdata()).collect();
    let rrset = Rrset { name: zone(), rtype: RecordType::DNSKEY, ttl: 300, rdatas };
    let signatures = vec![sign::sign(by, &zone(), &rrset, at(0), at(1_000))];
    let set = SignedRrset { rrset, signatures };
    verify_keys(&zone(), EntryPoints::Ds(ds), &set, at(10), &mut budget()).map(|(keys, _)| keys)
}

#[test]
fn keys_that_may_not_sign() {
    let own = key(1);
    let ds = |dnskey: &Dnskey| Ds {
        key_tag: dnskey.key_tag(),
        digest: DigestType::SHA256.digest(&zone(), dnskey).unwrap(),
        ..own.ds(&zone())
    };
    let good = own.dnskey().clone();
    let without = Dnskey { flags: good.flags & !Dnskey::ZONE, ..good.clone() };
    let protocol = Dnskey { protocol: 2, ..good.clone() };
    let revoked = Dnskey { flags: good.flags | Dnskey::REVOKED, ..good.clone() };
    assert!(keys(std::slice::from_ref(&good), &own, &[ds(&good)]).is_ok());
    for bad in [without, protocol, revoked] {
        let reason = keys(std::slice::from_ref(&bad), &own, &[ds(&bad)]).unwrap_err();
        assert_eq!(reason.word(), "no-zone-key", "{bad:?}");
    }
}

#[test]
fn a_ds_fits_in_all_its_parts() {
    let (own, other) = (key(1), key(2));
    let (good, published) = (own.ds(&zone()), [own.dnskey().clone()]);
    let tag = Ds { key_tag: good.key_tag.wrapping_add(1), ..good.clone() };
    let algorithm = Ds { algorithm: 13, ..good.clone() };
    let digest = Ds { digest: other.ds(&zone()).digest, ..good.clone() };
    assert!(keys(&published, &own, std::slice::from_ref(&good)).is_ok());
    for bad in [tag, algorithm, digest] {
        assert_eq!(keys(&published, &own, &[bad]).unwrap_err().word(), "ds-mismatch");
    }
    // No more than this many of either are compared.
    let many = |count| vec![good.clone(); count];
    assert!(keys(&published, &own, &many(MAX_KEYS)).is_ok());
    assert_eq!(keys(&published, &own, &many(MAX_KEYS + 1)).unwrap_err().word(), "too-much-work");
    let published = |count| vec![own.dnskey().clone(); count];
    assert!(keys(&published(MAX_KEYS), &own, std::slice::from_ref(&good)).is_ok());
    assert_eq!(keys(&published(MAX_KEYS + 1), &own, &[good]).unwrap_err().word(), "too-much-work");
}

#[test]
fn the_reason_is_that_of_the_signature_that_came_closest() {
    let (own, other) = (key(1), key(2));
    let keys = keys(&[own.dnskey().clone()], &own, &[own.ds(&zone())]).unwrap();
    let signed = |by: &SigningKey, from, until| sign::sign(by, &zone(), &address(), at(from), at(until));
    let expired = signed(&own, 0, 5);
    let unknown = signed(&other, 0, 1_000);
    let mut wrong = signed(&own, 0, 1_000);
    wrong.signature[0] ^= 1;
    let unsupported = Rrsig { algorithm: 250, ..wrong.clone() };
    let word = |signatures: &[&Rrsig]| {
        let signatures = signatures.iter().map(|&rrsig| rrsig.clone()).collect();
        let set = SignedRrset { rrset: address(), signatures };
        verify(&set, &keys, at(10), &mut budget()).map_or_else(|reason| reason.word(), |_| "verified")
    };
    for (left, right, expected) in [
        (&expired, &wrong, "rrsig-bad"),
        (&unknown, &expired, "rrsig-expired"),
        (&unsupported, &unknown, "key-missing"),
        (&unsupported, &wrong, "rrsig-bad"),
        (&wrong, &signed(&own, 0, 1_000), "verified"),
    ] {
        assert_eq!((word(&[left, right]), word(&[right, left])), (expected, expected));
    }
    // If two came equally far, the reason is that of the first.
    let early = signed(&own, 100, 1_000);
    assert_eq!((word(&[&expired, &early]), word(&[&early, &expired])), ("rrsig-expired", "rrsig-not-yet-valid"));
    assert_eq!((word(&[]), word(&[&unsupported])), ("rrsig-missing", "rrsig-unsupported"));
}

#[test]
fn a_zone_may_be_called_like_a_wildcard() {
    let (own, apex) = (key(1), "*.z".parse::<Name>().unwrap());
    let keys = ZoneKeys::new(&apex, own.dnskey().key_tag(), [own.dnskey().clone()]);
    for owner in ["*.z", "m.*.z"] {
        let rrset = Rrset { name: owner.parse().unwrap(), ..address() };
        let signatures = vec![sign::sign(&own, &apex, &rrset, at(0), at(1_000))];
        let verified = verify(&SignedRrset { rrset, signatures }, &keys, at(10), &mut budget());
        assert_eq!(verified.map(|verified| verified.expanded_below), Ok(None), "{owner}");
    }
}

#[test]
fn records_of_other_classes_are_no_part_of_a_set() {
    let own = address().records().next().unwrap();
    let signed = |by: SigningKey| {
        let rrsig = sign::sign(&by, &zone(), &address(), at(0), at(10)).to_rdata();
        Record::new(own.name.clone(), RecordType::RRSIG, 300, rrsig)
    };
    let (rrsig, others) = (signed(key(1)), signed(key(2)));
    let chaos = |record: &Record| Record { class: Class(3), ..record.clone() };
    let other = Record { rdata: A([192, 0, 2, 2].into()).to_rdata(), ..chaos(&own) };
    let sets = group(&[other, own.clone(), chaos(&others), rrsig.clone()]);
    let signatures = vec![Rrsig::parse(&rrsig.rdata).unwrap()];
    assert_eq!(sets, [SignedRrset { rrset: address(), signatures }]);
}

/// The verdict on the address RRset with these signatures.
fn verified(signatures: &[Rrsig], keys: &ZoneKeys, now: i64, budget: &mut Budget) -> Result<Verified, Reason> {
    let set = SignedRrset { rrset: address(), signatures: signatures.to_vec() };
    verify(&set, keys, at(now), budget)
}

#[test]
fn both_ends_of_a_signature_count() {
    let own = key(1);
    let keys = keys(&[own.dnskey().clone()], &own, &[own.ds(&zone())]).unwrap();
    let rrsig = sign::sign(&own, &zone(), &address(), at(100), at(200));
    let word = |now| {
        verified(std::slice::from_ref(&rrsig), &keys, now, &mut budget()).map_or_else(|it| it.word(), |_| "verified")
    };
    let words = [99, 100, 200, 201].map(word);
    assert_eq!(words, ["rrsig-not-yet-valid", "verified", "verified", "rrsig-expired"]);
}

#[test]
fn signatures_of_others_and_of_other_names_are_none() {
    let own = key(1);
    let keys = keys(&[own.dnskey().clone()], &own, &[own.ds(&zone())]).unwrap();
    let good = sign::sign(&own, &zone(), &address(), at(0), at(1_000));
    assert_eq!(verified(std::slice::from_ref(&good), &keys, 10, &mut budget()).unwrap().expanded_below, None);
    let parent = Rrsig { signer: Name::root(), ..good.clone() };
    // More labels than the owner has, and fewer than its zone has.
    let (more, less) = (Rrsig { labels: 3, ..good.clone() }, Rrsig { labels: 0, ..good.clone() });
    for bad in [parent, more, less] {
        let reason = verified(&[bad], &keys, 10, &mut budget()).unwrap_err();
        assert_eq!(reason.word(), "rrsig-missing");
    }
    // The signature of the wildcard holds for the expanded name.
    let wildcard = Rrset { name: "*.z".parse().unwrap(), ..address() };
    let expanded = sign::sign(&own, &zone(), &wildcard, at(0), at(1_000));
    assert_eq!(verified(&[expanded], &keys, 10, &mut budget()).unwrap().expanded_below, Some(zone()));
    // The zone's keys cannot sign a name outside of it.
    let outside = SignedRrset { rrset: Rrset { name: "m.y".parse().unwrap(), ..address() }, signatures: vec![good] };
    assert_eq!(verify(&outside, &keys, at(10), &mut budget()).unwrap_err().word(), "rrsig-missing");
}

#[test]
fn work_is_counted() {
    let own = key(1);
    let keys = keys(&[own.dnskey().clone()], &own, &[own.ds(&zone())]).unwrap();
    let good = sign::sign(&own, &zone(), &address(), at(0), at(1_000));
    let mut bad = good.clone();
    bad.signature[0] ^= 1;
    let bound = |policy: Policy, failures: usize| {
        let signatures = [vec![bad.clone(); failures], vec![good.clone()]].concat();
        let mut budget = Budget::new(&policy);
        let outcome = verified(&signatures, &keys, 10, &mut budget);
        let bound = outcome.err().map(|reason| match reason {
            Reason::TooMuchWork { bound, .. } => bound,
            other => panic!("{other}"),
        });
        (bound, budget.signature_checks())
    };
    let policy = |signature_checks, failed_checks| Policy { signature_checks, failed_checks, ..Policy::default() };
    assert_eq!(bound(policy(4, 3), 2), (None, 3));
    assert_eq!(bound(policy(4, 3), 3), (Some(Bound::FailedChecks(3)), 3));
    assert_eq!(bound(policy(2, 9), 1), (None, 2));
    assert_eq!(bound(policy(2, 9), 2), (Some(Bound::SignatureChecks(2)), 2));
}

#[test]
fn the_earlier_end_counts() {
    let ttl = Expiry::of_ttl(at(0), 300);
    let of = |second, by| Expiry { at: at(second), by };
    assert_eq!(ttl, of(300, Limit::Ttl));
    assert_eq!(ttl.min(of(299, Limit::Signature)), of(299, Limit::Signature));
    assert_eq!(ttl.min(of(300, Limit::Signature)), ttl);
    assert_eq!(ttl.min(of(301, Limit::OriginalTtl)), ttl);
    // No TTL counts for more than a day.
    assert_eq!(Expiry::of_ttl(at(0), u32::MAX), of(i64::from(MAX_TTL), Limit::Ttl));
}

#[test]
fn usable_ds_records() {
    let good = key(1).ds(&zone());
    let sha1 = Ds { digest_type: DigestType::SHA1.0, digest: vec![0; 20], ..good.clone() };
    let unknown_digest = Ds { digest_type: 250, ..good.clone() };
    let unknown_algorithm = Ds { algorithm: 250, ..good.clone() };
    let check = |all: &[&Ds], expected: &[&Ds]| {
        let rdatas = all.iter().map(|ds| ds.to_rdata()).collect();
        let set = Rrset { name: zone(), rtype: RecordType::DS, ttl: 300, rdatas };
        let usable = usable_ds(&zone(), &set, &Policy::default()).unwrap_or_default();
        assert_eq!(usable.iter().collect::<Vec<_>>(), expected);
    };
    check(&[&good, &sha1], &[&good]);
    check(&[&sha1], &[&sha1]);
    check(&[&unknown_digest, &good, &unknown_algorithm], &[&good]);
    check(&[&unknown_digest, &sha1], &[&sha1]);
    check(&[&unknown_digest, &unknown_algorithm], &[]);
}
