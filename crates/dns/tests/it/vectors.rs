//! Examples printed in the RFCs.

use data_encoding::BASE64;
use mxlab_dns::rdata::{Dnskey, Rdata as _};
use mxlab_dns::validator::{Budget, EntryPoints, Policy, SignedRrset, group, verify, verify_keys};
use mxlab_dns::*;
use mxlab_env::Timestamp;

use crate::net::name;

/// The records of a master-file text, in which RRSIG is written in generic form by [`rrsig`].
fn records(text: &str) -> Vec<Record> {
    zonefile::parse(text, &Name::root(), 3_600).unwrap().into_iter().map(|entry| entry.record).collect()
}

/// Fields of an RRSIG: type, labels, original TTL, expiration, inception, and the signature in Base64.
fn rrsig(key: &Dnskey, owner: &str, signer: &str, fields: (RecordType, u8, u32, u32, u32), signature: &str) -> Record {
    let (type_covered, labels, original_ttl, expiration, inception) = fields;
    let rrsig = rdata::Rrsig {
        type_covered,
        algorithm: key.algorithm,
        labels,
        original_ttl,
        expiration,
        inception,
        key_tag: key.key_tag(),
        signer: name(signer),
        signature: BASE64.decode(signature.as_bytes()).unwrap(),
    };
    Record::new(name(owner), RecordType::RRSIG, original_ttl, rrsig.to_rdata())
}

/// The printed DS names the printed key, and the key makes the printed signature, but not with one octet changed.
#[track_caller]
fn check(zone: &str, text: &str, seed: &str, fields: (RecordType, u8, u32, u32, u32), signature: &str) {
    let records = records(text);
    let [dnskey, ds, signed] = &records[..] else { panic!("three records") };
    let key = Dnskey::parse(&dnskey.rdata).unwrap();
    let ds = rdata::Ds::parse(&ds.rdata).unwrap();
    assert_eq!(key.key_tag(), ds.key_tag);
    assert_eq!(DigestType(ds.digest_type).digest(&name(zone), &key), Some(ds.digest.clone()));

    let seed = BASE64.decode(seed.as_bytes()).unwrap().try_into().unwrap();
    let own = SigningKey::from_seed(Algorithm(key.algorithm), seed).unwrap();
    assert_eq!((own.dnskey(), own.ds(&name(zone))), (&key, ds.clone()));

    let now = Timestamp::from_second(i64::from(fields.4) + 1).unwrap();
    let signature = rrsig(&key, &signed.name.to_string(), zone, fields, signature);
    let sets = group(&[signed.clone(), signature]);
    // The key set signed by our key of the same seed, so that the chain begins with the printed DS.
    let keyset = Rrset { name: name(zone), rtype: RecordType::DNSKEY, ttl: 3_600, rdatas: vec![key.to_rdata()] };
    let over_keys = sign::sign(&own, &name(zone), &keyset, now, now);
    let keyset = SignedRrset { rrset: keyset, signatures: vec![over_keys] };
    let mut budget = Budget::new(&Policy::default());
    let (keys, _) = verify_keys(&name(zone), EntryPoints::Ds(&[ds]), &keyset, now, &mut budget).unwrap();
    verify(&sets[0], &keys, now, &mut budget).unwrap();
    let mut tampered = sets[0].clone();
    tampered.rrset.rdatas[0] = [&tampered.rrset.rdatas[0][..], &[0]].concat().into();
    assert_eq!(verify(&tampered, &keys, now, &mut budget).unwrap_err().word(), "rrsig-bad");
    assert_eq!(budget.signature_checks(), 3);
}

#[test]
fn rfc_8080_section_6_1() {
    check(
        "example.com",
        "example.com. DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=
example.com. DS 3613 15 2 ( 3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79
                            a304b )
example.com. MX 10 mail.example.com.",
        "ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=",
        (RecordType::MX, 2, 3_600, 1_440_021_600, 1_438_207_200),
        "oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==",
    );
}

#[test]
fn rfc_6605_section_6_1() {
    check(
        "example.net",
        "example.net. DNSKEY 257 3 13 ( GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edb
                                        krSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA== )
example.net. DS 55648 13 2 ( b4c8c1fe2e7477127b27115656ad6256f424625bf5c1
                             e2770ce6d6e37df61d17 )
www.example.net. A 192.0.2.1",
        "GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=",
        // 2010-09-09 10:04:39 and 2010-08-12 10:04:39.
        (RecordType::A, 3, 3_600, 1_284_026_679, 1_281_607_479),
        "qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==",
    );
}

#[test]
fn rfc_4034_section_6_1() {
    let ordered = [
        "example",
        "a.example",
        "yljkjljk.a.example",
        "Z.a.example",
        "zABC.a.EXAMPLE",
        "z.example",
        "\\001.z.example",
        "*.z.example",
        "\\200.z.example",
    ];
    let names: Vec<Name> = ordered.iter().map(|text| name(text)).collect();
    for (left, before) in names.iter().enumerate() {
        for (right, after) in names.iter().enumerate() {
            assert_eq!(before.cmp(after), left.cmp(&right), "{before} and {after}");
        }
    }
}
