use proptest::prelude::*;

use super::*;
use crate::Profile;
use crate::condition::Condition;
use crate::demand::{Decision, Demand, TlsFacts, TlsVerdict, decide};
use jiff::Timestamp;
use mxlab_dns::rdata::abbreviated;

const NOW: &str = "2026-03-02T08:00:00Z";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A certificate that a parser accepts: certificate and public key in DER.
fn der() -> (Vec<u8>, Vec<u8>) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["mx1.fabrikam.example".to_owned()]).unwrap();
    let certificate = certificate.self_signed(&key).unwrap().der().to_vec();
    let public_key = x509_parser::parse_x509_certificate(&certificate).unwrap().1.public_key().raw.to_vec();
    (certificate, public_key)
}

fn facts() -> CertificateFacts {
    let (leaf, public_key) = der();
    CertificateFacts {
        leaf,
        public_key,
        not_before: time("2026-01-31T08:00:00Z"),
        not_after: time("2027-03-02T08:00:00Z"),
        names: vec!["mx1.fabrikam.example".to_owned()],
        chain: vec![],
    }
}

fn sha(algorithm: &'static ring::digest::Algorithm, data: &[u8]) -> Vec<u8> {
    ring::digest::digest(algorithm, data).as_ref().to_vec()
}

fn record(numbers: [u8; 3], data: &[u8]) -> Vec<u8> {
    [numbers.as_slice(), data].concat()
}

/// The RDATA that matches the certificate.
fn matching(certificate: &CertificateFacts, numbers: [u8; 3]) -> Vec<u8> {
    let what = if numbers[1] == 0 { &certificate.leaf } else { &certificate.public_key };
    let data = match numbers[2] {
        0 => what.clone(),
        1 => sha(&ring::digest::SHA256, what),
        _ => sha(&ring::digest::SHA512, what),
    };
    record(numbers, &data)
}

/// A well-formed RDATA that matches no certificate.
fn other(numbers: [u8; 3]) -> Vec<u8> {
    record(numbers, &vec![0xab; if numbers[2] == 1 { 32 } else { 64 }])
}

/// What follows from an authentic RRset, and what was made of each record.
fn of_records<'a>(rdata: impl IntoIterator<Item = &'a [u8]>) -> (Demand, Vec<Classified>) {
    let classified: Vec<_> = rdata.into_iter().map(classify).collect();
    (Demand::of_records("mx1.fabrikam.example", &classified), classified)
}

#[track_caller]
fn check_unusable(rdata: &[u8], expected: Unusable) {
    match classify(rdata) {
        Classified::Unusable { reason, .. } => assert_eq!(reason, expected),
        usable => panic!("{usable:?}"),
    }
    let (demand, _) = of_records([rdata]);
    assert_eq!(demand, Demand::Encrypted);
}

#[test]
fn unusable_records() {
    let digest = [7; 32];
    for octets in 0..3 {
        check_unusable(&[3, 1, 1][..octets], Unusable::TooShort(octets));
    }
    check_unusable(&record([0, 1, 1], &digest), Unusable::PkixUsage(0));
    check_unusable(&record([1, 1, 1], &digest), Unusable::PkixUsage(1));
    check_unusable(&record([4, 1, 1], &digest), Unusable::UnknownUsage(4));
    check_unusable(&record([255, 1, 1], &digest), Unusable::UnknownUsage(255));
    check_unusable(&record([3, 2, 1], &digest), Unusable::UnknownSelector(2));
    check_unusable(&record([2, 255, 1], &digest), Unusable::UnknownSelector(255));
    check_unusable(&record([3, 1, 3], &digest), Unusable::UnknownMatching(3));
    check_unusable(&record([3, 1, 255], &digest), Unusable::UnknownMatching(255));
    check_unusable(&record([3, 1, 1], &digest[..31]), Unusable::DigestLength { expected: 32, found: 31 });
    check_unusable(&record([3, 0, 1], &[7; 33]), Unusable::DigestLength { expected: 32, found: 33 });
    check_unusable(&record([3, 1, 1], &[]), Unusable::DigestLength { expected: 32, found: 0 });
    check_unusable(&record([3, 1, 2], &digest), Unusable::DigestLength { expected: 64, found: 32 });
    check_unusable(&record([2, 1, 1], &digest[..20]), Unusable::DigestLength { expected: 32, found: 20 });
    check_unusable(&record([3, 0, 0], &digest), Unusable::MalformedCertificate);
    check_unusable(&record([3, 0, 0], &[]), Unusable::MalformedCertificate);
    check_unusable(&record([3, 1, 0], &digest), Unusable::MalformedKey);
    let (certificate, key) = der();
    check_unusable(&record([3, 0, 0], &[&certificate[..], &[0]].concat()), Unusable::MalformedCertificate);
    check_unusable(&record([3, 0, 0], &certificate[..certificate.len() - 1]), Unusable::MalformedCertificate);
    check_unusable(&record([3, 1, 0], &[&key[..], &[0]].concat()), Unusable::MalformedKey);
    check_unusable(&record([3, 0, 0], &key), Unusable::MalformedCertificate);
    check_unusable(&record([3, 1, 0], &certificate), Unusable::MalformedKey);
}

#[test]
fn unusable_reasons_read_well() {
    let read = |rdata: &[u8]| match classify(rdata) {
        Classified::Unusable { record, reason } => format!("{record}: {reason}"),
        usable => panic!("{usable:?}"),
    };
    assert_eq!(read(&record([1, 1, 1], &[7; 32])), "1 1 1 0707…0707: usage 1 is not for SMTP");
    assert_eq!(read(&record([3, 1, 1], &[0xab; 4])), "3 1 1 abababab: its digest has 4 octets instead of 32");
    match classify(&other([3, 1, 1])) {
        Classified::Usable(tlsa) => {
            assert_eq!(
                (tlsa.to_string().as_str(), format!("{tlsa:?}").as_str()),
                ("3 1 1 abab…abab", "Tlsa(3 1 1 abab…abab)")
            );
        }
        unusable => panic!("{unusable:?}"),
    }
    assert_eq!(read(&[3, 1]), "\\# 2 0301: 2 octets are too short for a TLSA record");
}

#[test]
fn policy_of_a_set() {
    assert_eq!(of_records([]).0, Demand::Opportunistic);
    assert!(!Demand::Opportunistic.demands_tls());
    assert!(Demand::Encrypted.demands_tls());
    assert!(Demand::Dane { records: vec![], names: vec![] }.demands_tls());
    let (pkix, good) = (other([1, 1, 1]), other([3, 1, 1]));
    let (demand, classified) = of_records([&pkix[..], &good[..], &[]]);
    assert_eq!(classified.len(), 3);
    match demand {
        Demand::Dane { records, .. } => {
            assert_eq!(records.len(), 1);
            assert_eq!(records[0].kind(), "3 1 1");
        }
        demand => panic!("{demand:?}"),
    }
    // Many unusable records do not displace the usable one.
    let many = [vec![&pkix[..]; MOST_RECORDS + 1], vec![&good[..]]].concat();
    assert!(matches!(of_records(many).0, Demand::Dane { records, .. } if records.len() == 1));
    let demand = of_records(vec![&good[..]; MOST_RECORDS + 1]).0;
    assert!(matches!(demand, Demand::Dane { records, .. } if records.len() == MOST_RECORDS));
}

/// Decides with these records over an established session.
fn judge(records: &[Vec<u8>], certificate: &CertificateFacts, now: &str, profile: Profile) -> Decision {
    let (demand, _) = of_records(records.iter().map(Vec::as_slice));
    decide(&demand, &TlsFacts::Established(certificate.clone()), time(now), profile)
}

#[track_caller]
fn check(records: &[Vec<u8>], expected: TlsVerdict) {
    let certificate = facts();
    check_for(&certificate, records, expected);
}

#[track_caller]
fn check_for(certificate: &CertificateFacts, records: &[Vec<u8>], expected: TlsVerdict) {
    for profile in [Profile::Exo, Profile::Rfc] {
        let decision = judge(records, certificate, NOW, profile);
        assert_eq!(decision.verdict, expected, "{decision:?}");
        assert!(!decision.reasons.is_empty());
    }
}

const FAIL: TlsVerdict = TlsVerdict::Fail(Condition::TlsaInvalid);

#[test]
fn usage_3_with_every_selector_and_matching() {
    let certificate = facts();
    for selector in 0..2 {
        for how in 0..3 {
            let numbers = [3, selector, how];
            check_for(&certificate, &[matching(&certificate, numbers)], TlsVerdict::Authenticated);
            check_for(&certificate, &[matching(&facts(), numbers)], FAIL);
        }
    }
}

#[test]
fn one_match_suffices() {
    let certificate = facts();
    let good = matching(&certificate, [3, 1, 1]);
    check_for(&certificate, &[other([3, 1, 1]), good.clone()], TlsVerdict::Authenticated);
    check_for(&certificate, &[good.clone(), other([3, 1, 1])], TlsVerdict::Authenticated);
    check_for(&certificate, &[good.clone(), other([3, 0, 2])], TlsVerdict::Authenticated);
    check_for(&certificate, &[good.clone(), other([2, 1, 2])], TlsVerdict::Authenticated);
    check_for(&certificate, &[good, other([1, 1, 1]), vec![]], TlsVerdict::Authenticated);
}

#[test]
fn unusable_records_beside_others_are_ignored() {
    let certificate = facts();
    check(&[], TlsVerdict::Encrypted);
    check(&[other([1, 1, 1])], TlsVerdict::Encrypted);
    check(&[other([1, 1, 1]), other([3, 1, 1])], FAIL);
    // A usage-1 record that would match does not help.
    check_for(&certificate, &[matching(&certificate, [1, 1, 1]), other([3, 1, 1])], FAIL);
}

#[test]
fn usage_3_is_for_the_leaf_alone() {
    let mut certificate = facts();
    let issuer = facts();
    certificate.chain = vec![issuer.leaf.clone()];
    check_for(&certificate, &[matching(&issuer, [3, 0, 1])], FAIL);
}

#[test]
fn usage_2_is_not_passed_over() {
    let certificate = facts();
    check_for(&certificate, &[matching(&certificate, [2, 0, 1])], TlsVerdict::NotSupportedYet);
    check_for(&certificate, &[other([2, 1, 1]), other([3, 1, 1])], TlsVerdict::NotSupportedYet);
    check_for(&certificate, &[other([2, 1, 1])[..20].to_vec()], TlsVerdict::Encrypted);
}

#[test]
fn the_strongest_digest_decides() {
    let certificate = facts();
    let right = |numbers| matching(&certificate, numbers);
    // For one selector: SHA-512 decides over SHA-256, whichever matches.
    check_for(&certificate, &[other([3, 1, 2]), right([3, 1, 1])], FAIL);
    check_for(&certificate, &[right([3, 1, 2]), other([3, 1, 1])], TlsVerdict::Authenticated);
    // Other selectors and usages are independent.
    check_for(&certificate, &[other([3, 0, 2]), right([3, 1, 1])], TlsVerdict::Authenticated);
    check_for(&certificate, &[other([2, 1, 2]), right([3, 1, 1])], TlsVerdict::Authenticated);
    // Full is not a digest: nothing outclasses it, and it outclasses nothing.
    check_for(&certificate, &[other([3, 1, 2]), right([3, 1, 0])], TlsVerdict::Authenticated);
    check_for(&certificate, &[matching(&facts(), [3, 1, 0]), right([3, 1, 1])], TlsVerdict::Authenticated);
    // An unusable SHA-512 outclasses nothing.
    check_for(&certificate, &[record([3, 1, 2], &[1; 63]), right([3, 1, 1])], TlsVerdict::Authenticated);
}

#[track_caller]
fn check_dates(from: &str, until: &str, now: &str, matches: bool, exo: TlsVerdict) {
    let mut certificate = facts();
    (certificate.not_before, certificate.not_after) = (time(from), time(until));
    let records = [if matches { matching(&certificate, [3, 1, 1]) } else { other([3, 1, 1]) }];
    assert_eq!(judge(&records, &certificate, now, Profile::Exo).verdict, exo);
    // RFC 7671 §5.1: dates mean nothing for usage 3.
    let rfc = if matches { TlsVerdict::Authenticated } else { FAIL };
    assert_eq!(judge(&records, &certificate, now, Profile::Rfc).verdict, rfc);
    // Without authentication dates do not matter.
    assert_eq!(judge(&[other([1, 1, 1])], &certificate, now, Profile::Exo).verdict, TlsVerdict::Encrypted);
    assert_eq!(judge(&[], &certificate, now, Profile::Exo).verdict, TlsVerdict::Encrypted);
}

#[test]
fn dates() {
    let expired = TlsVerdict::Fail(Condition::CertificateExpired);
    let (from, until) = ("2026-03-01T00:00:00Z", "2026-03-02T08:00:00Z");
    check_dates(from, until, "2026-03-02T08:00:00Z", true, TlsVerdict::Authenticated);
    check_dates(from, until, "2026-03-02T08:00:00.999Z", true, TlsVerdict::Authenticated);
    check_dates(from, until, "2026-03-02T08:00:01Z", true, expired.clone());
    check_dates(from, until, "2026-03-02T08:00:01Z", false, expired.clone());
    check_dates(from, until, "2026-03-01T00:00:00Z", true, TlsVerdict::Authenticated);
    check_dates(from, until, "2026-02-28T23:59:59.999Z", true, FAIL);
    check_dates(from, until, "2026-02-28T23:59:59Z", false, FAIL);
    // A certificate whose end is before its start counts as expired, not as not yet valid: 322 before 323.
    check_dates("2026-04-01T00:00:00Z", "2026-03-01T00:00:00Z", NOW, true, expired);
}

#[test]
fn a_future_start_date_is_reported_as_such() {
    let mut certificate = facts();
    certificate.not_before = time("2026-03-05T00:00:00Z");
    let decision = judge(&[other([3, 1, 1])], &certificate, NOW, Profile::Exo);
    assert_eq!(decision.summary, "the certificate is not valid yet");
    assert_eq!(decision.reasons, ["the certificate is valid from 2026-03-05T00:00:00Z"]);
}

#[test]
fn without_tls() {
    let failures = [
        (TlsFacts::NotOffered, "STARTTLS is not offered"),
        (TlsFacts::Refused { reply: "454 4.7.0 TLS not available".to_owned() }, "STARTTLS is refused"),
        (TlsFacts::Unanswered { cause: "the connection was closed".to_owned() }, "STARTTLS is not answered"),
        (TlsFacts::HandshakeFailed { cause: "the peer sent an alert".to_owned() }, "the TLS handshake fails"),
    ];
    let usable = other([3, 1, 1]);
    for (tls, summary) in failures {
        let decide = |records: &[&[u8]]| {
            let (demand, _) = of_records(records.iter().copied());
            decide(&demand, &tls, time(NOW), Profile::Exo)
        };
        assert_eq!(decide(&[]).verdict, TlsVerdict::Clear);
        for records in [&[&usable[..]][..], &[&other([1, 1, 1])], &[&[]]] {
            let decision = decide(records);
            assert_eq!(decision.verdict, TlsVerdict::Fail(Condition::StarttlsNotSupported));
            assert_eq!(decision.summary, summary);
            assert_eq!(decision.reasons.len(), 2);
        }
        // Usage 2 fails here as well: no record of any kind lets a message go in clear.
        assert_eq!(decide(&[&other([2, 1, 1])]).verdict, TlsVerdict::Fail(Condition::StarttlsNotSupported));
    }
}

#[test]
fn reasons_show_both_sides() {
    let certificate = facts();
    let presented = abbreviated(&sha(&ring::digest::SHA256, &certificate.public_key));
    let decision = judge(&[other([3, 1, 1])], &certificate, NOW, Profile::Exo);
    assert_eq!(decision.summary, "TLSA 3 1 1 does not match the certificate's key");
    assert_eq!(
        decision.reasons,
        [format!("TLSA 3 1 1 abab…abab does not match the certificate's key, for which it would be {presented}")]
    );
    let decision = judge(&[matching(&certificate, [3, 1, 1])], &certificate, NOW, Profile::Exo);
    assert_eq!(decision.summary, "TLSA 3 1 1 matches the certificate's key");
    assert_eq!(decision.reasons, [format!("TLSA 3 1 1 {presented} matches the certificate's key")]);
    let decision = judge(&[other([3, 0, 1]), other([3, 0, 2]), other([3, 1, 1])], &certificate, NOW, Profile::Exo);
    assert_eq!(decision.summary, "none of 2 TLSA records matches the certificate");
    assert_eq!(decision.reasons.len(), 3);
    assert_eq!(decision.reasons[2], "TLSA 3 0 1 abab…abab does not count beside a stronger digest");
}

fn any_tlsa() -> impl Strategy<Value = Tlsa> {
    let usage = prop_oneof![Just(Usage::TrustAnchor), Just(Usage::EndEntity)];
    let selector = prop_oneof![Just(Selector::Certificate), Just(Selector::PublicKey)];
    let matching = prop_oneof![Just(Matching::Full), Just(Matching::Sha256), Just(Matching::Sha512)];
    (usage, selector, matching, 0u8..3).prop_map(|(usage, selector, matching, data)| Tlsa {
        usage,
        selector,
        matching,
        data: vec![data],
    })
}

proptest! {
    #[test]
    fn any_octets_are_classified(rdata in prop::collection::vec(any::<u8>(), 0..200)) {
        let (demand, classified) = of_records([&rdata[..]]);
        prop_assert_eq!(classified.len(), 1);
        prop_assert!(demand.demands_tls());
        let usable = matches!(classified[0], Classified::Usable(_));
        prop_assert_eq!(usable, matches!(demand, Demand::Dane { .. }));
        if usable {
            prop_assert!(matches!(rdata[0], 2 | 3) && rdata[1] < 2 && rdata[2] < 3);
        }
    }

    #[test]
    fn well_formed_digests_are_usable(usage in 2u8..4, selector in 0u8..2, data in prop::collection::vec(any::<u8>(), 64)) {
        for (how, length) in [(1, 32), (2, 64)] {
            let rdata = record([usage, selector, how], &data[..length]);
            prop_assert!(matches!(classify(&rdata), Classified::Usable(_)));
        }
    }

    #[test]
    fn agility_keeps_the_strongest_and_all_full(records in prop::collection::vec(any_tlsa(), 0..12)) {
        let counting = strongest(&records);
        for record in &records {
            let best = records.iter().filter(|other| other.usage == record.usage && other.selector == record.selector)
                .map(|other| other.matching).max();
            let counts = record.matching == Matching::Full || Some(record.matching) == best;
            prop_assert_eq!(counting.contains(record), counts);
        }
        prop_assert_eq!(strongest(&counting), counting);
    }
}
