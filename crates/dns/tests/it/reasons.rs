//! Answers that are changed on the way, or that zones give wrongly: no false answer is believed, and each has its
//! reason.

use mxlab_dns::rdata::{Dnskey, Rdata as _, Rrsig};
use mxlab_dns::*;

use crate::net::*;

fn asks(message: &Message, owner: &str, kind: &str) -> bool {
    let question = message.question.as_ref().unwrap();
    question.name == name(owner) && question.rtype == rtype(kind)
}

/// Looks up with tampering of the answers to one question, and compares status, reason and its line.
#[track_caller]
fn check(
    lookup: (&str, &str),
    tampered: (&'static str, &'static str),
    tamper: impl Fn(&mut Message) + Send + Sync + 'static,
    expected: &str,
    because: &str,
) {
    let net = Net::new();
    let answer = net.tampered(lookup.0, lookup.1, move |message| {
        if asks(message, tampered.0, tampered.1) {
            tamper(message);
        }
    });
    let word = answer.security.reason().map_or("", |reason| reason.word());
    assert_eq!(format!("{} {word}", answer.security.word()), expected);
    assert_eq!(answer.security.reason().map(ToString::to_string).unwrap_or_default(), because);
    assert!(answer.security.is_usable() || (answer.records.is_empty() && answer.rcode == Rcode::SERVFAIL));
}

/// Changes the signatures of a section.
fn signatures(records: &mut [Record], change: impl Fn(&mut Rrsig)) {
    for record in records.iter_mut().filter(|record| record.rtype == RecordType::RRSIG) {
        let mut rrsig = Rrsig::parse(&record.rdata).unwrap();
        change(&mut rrsig);
        record.rdata = rrsig.to_rdata();
    }
}

fn tag(zone: &str) -> u16 {
    specs().iter().find(|spec| spec.origin == zone).unwrap().key().key_tag()
}

const MX: (&str, &str) = ("contoso.example", "MX");

#[test]
fn changed_answers() {
    let key = tag("contoso.example");
    let bad = format!("the signature over MX contoso.example by key {key} of contoso.example is wrong");
    let wrong = "bogus rrsig-bad";
    check(MX, MX, |message| message.answer[0].rdata = rdata::A([192, 0, 2, 66].into()).to_rdata(), wrong, &bad);
    check(MX, MX, |message| drop(message.answer.remove(0)), wrong, &bad);
    check(MX, MX, |message| signatures(&mut message.answer, |rrsig| rrsig.signature[0] ^= 1), wrong, &bad);
    check(MX, MX, |message| signatures(&mut message.answer, |rrsig| rrsig.signature.clear()), wrong, &bad);
    check(MX, MX, |message| signatures(&mut message.answer, |rrsig| rrsig.original_ttl += 1), wrong, &bad);
    check(MX, MX, |message| signatures(&mut message.answer, |rrsig| rrsig.expiration += 1), wrong, &bad);
    // Harmless: the order of records, a repeated one, letters in another case, a lower TTL.
    check(MX, MX, |message| message.answer.reverse(), "secure ", "");
    check(MX, MX, |message| message.answer.push(message.answer[0].clone()), "secure ", "");
    let net = Net::new();
    let twice = net.tampered("contoso.example", "MX", |message| {
        if asks(message, MX.0, MX.1) {
            let Record { name, rtype, ttl, rdata, .. } = message.answer[0].clone();
            let again = Record::new(name, rtype, ttl, rdata.to_ascii_uppercase());
            message.answer.extend([again, message.answer[0].clone()]);
        }
    });
    assert_eq!((twice.security.word(), twice.records.len()), ("secure", 2));
    let upper = |message: &mut Message| {
        for record in &mut message.answer {
            record.name = name("CONTOSO.EXAMPLE");
        }
    };
    check(MX, MX, upper, "secure ", "");
    check(MX, MX, |message| message.answer[0].ttl = 1, "secure ", "");
    // A second, broken signature does no harm beside a good one.
    let second = |message: &mut Message| {
        let mut copy = vec![message.answer[2].clone()];
        signatures(&mut copy, |rrsig| rrsig.signature[5] ^= 1);
        message.answer.insert(2, copy.remove(0));
    };
    check(MX, MX, second, "secure ", "");
    // An odd record of another name is ignored, and an odd signature does not count.
    let odd = |message: &mut Message| {
        message.answer.push(Record::new(name("x.example"), RecordType::DNSKEY, 1, vec![1]));
        message.answer.push(Record::new(name("contoso.example"), RecordType::RRSIG, 300, vec![0, 15, 15]));
    };
    check(MX, MX, odd, "secure ", "");
}

#[test]
fn signatures_that_are_not_the_zones() {
    let missing = "MX contoso.example came without a signature of contoso.example, which is signed";
    check(MX, MX, |message| drop(message.answer.pop()), "bogus rrsig-missing", missing);
    let other =
        |message: &mut Message| signatures(&mut message.answer, |rrsig| rrsig.signer = name("fabrikam.example"));
    check(MX, MX, other, "bogus rrsig-missing", missing);
    let labels = |message: &mut Message| signatures(&mut message.answer, |rrsig| rrsig.labels = 3);
    check(MX, MX, labels, "bogus rrsig-missing", missing);
    // The parent does not sign for the child, not even if the labels look like a wildcard's.
    let parent = |message: &mut Message| {
        signatures(&mut message.answer, |rrsig| {
            rrsig.signer = name("example");
            rrsig.labels = 1;
        });
    };
    check(MX, MX, parent, "bogus rrsig-missing", missing);
    let unknown = "contoso.example has no key 1, which signs MX contoso.example";
    let tag = |message: &mut Message| signatures(&mut message.answer, |rrsig| rrsig.key_tag = 1);
    check(MX, MX, tag, "bogus key-missing", unknown);
}

#[test]
fn keys_and_digests() {
    let key = tag("contoso.example");
    let keys = ("contoso.example", "DNSKEY");
    let ds = ("contoso.example", "DS");
    check(
        MX,
        keys,
        |message| message.answer.clear(),
        "bogus key-missing",
        "contoso.example has a DS, but no server gave its keys",
    );
    // The zone's key has lost its zone flag, or has been revoked.
    for flags in [1, Dnskey::ZONE | Dnskey::REVOKED | 1] {
        let flagged = move |message: &mut Message| {
            let mut key = Dnskey::parse(&message.answer[0].rdata).unwrap();
            key.flags = flags;
            message.answer[0].rdata = key.to_rdata();
        };
        let mut changed = specs()[2].key().dnskey().clone();
        changed.flags = flags;
        let tag = changed.key_tag();
        let because = format!("the DS of contoso.example names key {key}, but the zone has key {tag}");
        check(MX, keys, flagged, "bogus ds-mismatch", &because);
    }
    // Another digest for the same tag.
    let digest = |message: &mut Message| {
        let mut ds = rdata::Ds::parse(&message.answer[0].rdata).unwrap();
        ds.digest[0] ^= 1;
        message.answer[0].rdata = ds.to_rdata();
    };
    let bad = format!("the signature over DS contoso.example by key {} of example is wrong", tag("example"));
    check(MX, ds, digest, "bogus rrsig-bad", &bad);
    // The DS cannot be taken away without proof.
    let gone = |message: &mut Message| message.answer.clear();
    check(MX, ds, gone, "bogus denial-missing", "nothing proves that there is no DS contoso.example");
    // Everything is stripped, as by a forwarder without DNSSEC.
    let net = Net::new();
    let answer = net.tampered("contoso.example", "MX", |message| {
        message.answer.retain(|record| record.rtype != RecordType::RRSIG);
    });
    assert_eq!(
        answer.security.reason().unwrap().to_string(),
        "DNSKEY of the root came without a signature of the root, which is signed"
    );
}

#[test]
fn denials() {
    let nothing = ("nothing.contoso.example", "A");
    let no_data = ("mx1.contoso.example", "AAAA");
    let because = "nothing proves that there is no A nothing.contoso.example";
    let without = |message: &mut Message| message.authority.retain(|record| record.rtype == RecordType::SOA);
    check(nothing, nothing, without, "bogus denial-missing", because);
    check(nothing, nothing, |message| message.authority.clear(), "bogus denial-missing", because);
    // The rcode alone cannot turn one denial into another: a proof that a type is missing does not deny the name.
    check(no_data, no_data, |message| message.rcode = Rcode::NXDOMAIN, "secure ", "");
    let tampered = Net::new().tampered(no_data.0, no_data.1, |message| message.rcode = Rcode::NXDOMAIN);
    assert_eq!(tampered.rcode, Rcode::NOERROR);
    let both = "the proofs given that there is no A nothing.contoso.example do not prove it: mx2.contoso.example NSEC \
                ns1.contoso.example A RRSIG NSEC; contoso.example NSEC away.contoso.example NS SOA MX TXT RRSIG NSEC DNSKEY";
    check(nothing, nothing, |message| message.rcode = Rcode::NOERROR, "bogus denial-wrong", both);
    // Without the proof about the wildcard.
    let wrong = "the proof given that there is no A nothing.contoso.example proves something else: mx2.contoso.example NSEC \
                 ns1.contoso.example A RRSIG NSEC";
    let apex = |message: &mut Message| {
        message.authority.retain(|record| record.name != name("contoso.example") || record.rtype == RecordType::SOA);
    };
    check(nothing, nothing, apex, "bogus denial-wrong", wrong);
    // A record that exists is denied with a proof about another name.
    let net = Net::new();
    let stolen = block_on(net.recursor.answer(&query("nothing.contoso.example", "A"), Transport::Udp)).unwrap();
    let stolen = Message::decode(&stolen).unwrap();
    let mx1 = ("mx1.contoso.example", "A");
    let deny = move |message: &mut Message| {
        message.rcode = stolen.rcode;
        message.answer.clear();
        message.authority = stolen.authority.clone();
    };
    let wrong = both.replace("A nothing", "A mx1");
    check(mx1, mx1, deny, "bogus denial-wrong", &wrong);
    // The parent's proof about a cut does not deny names below it; nobody can, in an insecure zone.
    let net = Net::new();
    let stolen = block_on(net.recursor.answer(&query("plain.example", "DS"), Transport::Udp)).unwrap();
    let stolen = Message::decode(&stolen).unwrap().authority;
    let below = ("mail.plain.example", "A");
    let deny = move |message: &mut Message| {
        message.rcode = Rcode::NXDOMAIN;
        message.answer.clear();
        message.authority = stolen.clone();
    };
    let net = Net::new();
    let answer = net.tampered(below.0, below.1, move |message| {
        if asks(message, below.0, below.1) {
            deny(message);
        }
    });
    assert_eq!(answer.security.reason().unwrap().to_string(), "example proves that there is no DS for plain.example");
}

#[test]
fn what_is_no_answer() {
    let rrset = "for MX contoso.example";
    let tc = |message: &mut Message| message.flags.truncated = true;
    check(
        MX,
        MX,
        tc,
        "servfail truncated",
        &format!("the resolver truncates its answer {rrset}, but does not give it over TCP"),
    );
    let refused = |message: &mut Message| message.rcode = Rcode::REFUSED;
    check(MX, MX, refused, "servfail refused", &format!("the resolver answered REFUSED {rrset}"));
    let not_implemented = |message: &mut Message| message.rcode = Rcode::NOTIMP;
    check(MX, MX, not_implemented, "servfail servfail", &format!("the resolver answered NOTIMP {rrset}"));
    // The chain above an answer counts as much as the answer.
    let keys = ("example", "DNSKEY");
    check(
        MX,
        keys,
        tc,
        "servfail truncated",
        "the resolver truncates its answer for DNSKEY example, but does not give it over TCP",
    );
}

#[test]
fn aliases_are_followed_only_so_far() {
    let alias = |message: &mut Message| {
        let owner = message.question.as_ref().unwrap().name.clone();
        let target = owner.prepend_label("a").unwrap();
        message.rcode = Rcode::NOERROR;
        message.authority.clear();
        message.answer = vec![Record::new(owner, RecordType::CNAME, 300, rdata::Cname(target).to_rdata())];
    };
    let net = Net::new();
    let answer = net.tampered("mail.plain.example", "A", move |message| {
        if message.question.as_ref().is_some_and(|question| question.rtype == RecordType::A) {
            alias(message);
        }
    });
    assert_eq!(answer.security.reason().unwrap().to_string(), "the aliases of mail.plain.example do not end");
    assert!(answer.steps.len() <= 13);
}

#[test]
fn work_is_bounded() {
    // Many keys with one tag and many signatures over one RRset (CVE-2023-50387).
    let key = specs()[2].key();
    let dnskey = key.dnskey().clone();
    let mut colliding = Vec::new();
    for filler in 0u16..200 {
        // Swapping two octets does not change the checksum.
        let mut other = dnskey.clone();
        other.public_key[0] = other.public_key[0].wrapping_add((filler >> 1) as u8);
        other.public_key[2] = other.public_key[2].wrapping_sub((filler >> 1) as u8);
        other.public_key[4] ^= (filler & 1) as u8;
        if other.key_tag() == dnskey.key_tag() && other != dnskey {
            colliding.push(other);
        }
    }
    assert!(colliding.len() > 64);
    let zone = Zone::new(name("contoso.example"), &[name("ns.contoso.example")], 300);
    let soa = zone.rrset(&name("contoso.example"), RecordType::SOA).unwrap().clone();
    let mut rrsig = sign::sign(&key, &name("contoso.example"), &soa, at(0), at(10));
    rrsig.signature[0] ^= 1;
    let set = validator::SignedRrset { rrset: soa, signatures: vec![rrsig; 50] };
    let publish = |others: &[Dnskey]| {
        let rdatas = others.iter().chain([&dnskey]).map(|key| key.to_rdata()).collect();
        let rrset = Rrset { name: name("contoso.example"), rtype: RecordType::DNSKEY, ttl: 300, rdatas };
        let signatures = vec![sign::sign(&key, &name("contoso.example"), &rrset, at(0), at(10))];
        validator::SignedRrset { rrset, signatures }
    };
    let mut budget = validator::Budget::new(&validator::Policy::default());
    let entry = validator::EntryPoints::Anchor(&[], std::slice::from_ref(&dnskey));
    let contoso = name("contoso.example");
    let reason = validator::verify_keys(&contoso, entry, &publish(&colliding), at(1), &mut budget).unwrap_err();
    assert_eq!(reason.to_string(), "DNSKEY contoso.example has more than 64 keys or DS records");
    let published = publish(&colliding[..40]);
    let (keys, _) = validator::verify_keys(&contoso, entry, &published, at(1), &mut budget).unwrap();
    let reason = validator::verify(&set, &keys, at(1), &mut budget).unwrap_err();
    assert_eq!(reason.to_string(), "SOA contoso.example needs more than 8 signature checks that fail");
    // The check of the keys themselves is the ninth.
    assert_eq!(budget.signature_checks(), 9);
}

#[test]
fn trust_begins_at_the_anchor() {
    let net = Net::new();
    let lookup = |anchor| {
        let config = ResolverConfig::new(vec![RECURSOR.parse().unwrap()], anchor);
        let exchange = std::sync::Arc::new(net.wire.clone());
        let resolver = Resolver::with_exchange(&net.env, &net.recorder, config, exchange);
        let answer = block_on(resolver.lookup(&name("contoso.example"), RecordType::MX));
        (answer.security.word(), answer.security.reason().map_or("", |reason| reason.word()))
    };
    let (root, contoso) = (&net.specs[0], &net.specs[2]);
    let at_contoso = name("contoso.example");
    let none = |zone| TrustAnchor { zone, ds: Vec::new(), keys: Vec::new() };
    for (anchor, expected) in [
        (TrustAnchor { keys: vec![root.key().dnskey().clone()], ..none(Name::root()) }, ("secure", "")),
        (TrustAnchor { ds: vec![contoso.key().ds(&at_contoso)], ..none(at_contoso.clone()) }, ("secure", "")),
        (TrustAnchor::root(vec![contoso.key().ds(&Name::root())]), ("bogus", "ds-mismatch")),
        (TrustAnchor { keys: vec![contoso.key().dnskey().clone()], ..none(Name::root()) }, ("bogus", "ds-mismatch")),
        // An anchor without keys makes everything below it bogus.
        (none(Name::root()), ("bogus", "no-trust-anchor")),
        (none(name("example")), ("bogus", "no-trust-anchor")),
        (TrustAnchor::nowhere(), ("insecure", "no-trust-anchor")),
        (
            TrustAnchor { ds: vec![contoso.key().ds(&at_contoso)], ..none(name("other.example")) },
            ("insecure", "no-trust-anchor"),
        ),
    ] {
        assert_eq!(lookup(anchor.clone()), expected, "{anchor:?}");
    }
}

#[test]
fn nobody_above_the_anchor_signs_below_it() {
    let net = Net::new();
    let anchor =
        TrustAnchor { zone: name("example"), ..TrustAnchor::root(vec![net.specs[1].key().ds(&name("example"))]) };
    for (owner, kind, expected) in [
        (
            "contoso.example",
            "MX",
            "bogus: MX contoso.example came without a signature of contoso.example, which is signed",
        ),
        (
            "mx1.contoso.example",
            "AAAA",
            "bogus: NSEC mx1.contoso.example came without a signature of contoso.example, which is signed",
        ),
        ("mail.plain.example", "A", "insecure: example proves that there is no DS for plain.example"),
        // Above it, or beside it, there is no anchor.
        ("example", "DS", "insecure: there is no trust anchor above the root"),
    ] {
        let answer = net.tampered_below(anchor.clone(), owner, kind, move |message| {
            if asks(message, owner, kind) {
                signatures(&mut message.answer, |rrsig| rrsig.signer = Name::root());
                signatures(&mut message.authority, |rrsig| rrsig.signer = Name::root());
            }
        });
        assert_eq!(format!("{}: {}", answer.security.word(), answer.security.reason().unwrap()), expected);
    }
}

#[test]
fn words_and_extended_errors() {
    // RFC 8914 §4: the codes that say the same.
    let rrset = RrsetId { name: name("contoso.example"), rtype: RecordType::MX };
    let zone = name("contoso.example");
    for (reason, word, error) in [
        (Reason::RrsigMissing { rrset: rrset.clone(), zone: zone.clone() }, "rrsig-missing", Some(10)),
        (Reason::RrsigBad { rrset: rrset.clone(), key_tag: 1, signer: zone.clone() }, "rrsig-bad", Some(6)),
        (Reason::DenialMissing { rrset: rrset.clone() }, "denial-missing", Some(12)),
        (
            Reason::DsMismatch { zone: zone.clone(), entry: EntryKind::Ds, ds: vec![], dnskeys: vec![1, 2] },
            "ds-mismatch",
            Some(9),
        ),
        (Reason::TimedOut { rrset: rrset.clone(), server: "ns".to_owned() }, "time-out", Some(22)),
        (Reason::Lame { rrset: rrset.clone(), server: "ns".to_owned() }, "lame", Some(20)),
        (
            Reason::InsecureDelegation { zone: zone.clone(), parent: name("example"), opt_out: false },
            "insecure-delegation",
            None,
        ),
    ] {
        assert_eq!((reason.word(), reason.extended_error()), (word, error));
    }
}

#[test]
fn lines() {
    let (zone, root) = (name("contoso.example"), Name::root());
    let mismatch = |entry, ds: &[u16], dnskeys: &[u16]| {
        let zone = if entry == EntryKind::Anchor { root.clone() } else { zone.clone() };
        Reason::DsMismatch { zone, entry, ds: ds.to_vec(), dnskeys: dnskeys.to_vec() }
    };
    let no_zone_key = |entry| Reason::NoZoneKey { zone: root.clone(), entry, key_tag: 5 };
    for (reason, expected) in [
        (mismatch(EntryKind::Ds, &[5], &[6, 7]), "the DS of contoso.example names key 5, but the zone has keys 6, 7"),
        (
            mismatch(EntryKind::Ds, &[5], &[5, 6]),
            "the DS of contoso.example names key 5 with another digest or algorithm than the zone's key 5 has",
        ),
        (
            mismatch(EntryKind::Ds, &[5, 6], &[5, 6]),
            "the DS of contoso.example names keys 5, 6 with another digest or algorithm than the zone's keys 5, 6 have",
        ),
        (
            mismatch(EntryKind::Ds, &[5, 6], &[6]),
            "the DS of contoso.example names keys 5, 6, but the zone has key 6; for key 6 the digest or algorithm differs",
        ),
        (mismatch(EntryKind::Anchor, &[5], &[6]), "the trust anchor of the root names key 5, but the zone has key 6"),
        (no_zone_key(EntryKind::Anchor), "key 5 of the root matches its trust anchor, but may not sign the zone"),
        (no_zone_key(EntryKind::Ds), "key 5 of the root matches its DS, but may not sign the zone"),
        (
            Reason::KeysMissing { zone: root.clone(), entry: EntryKind::Anchor },
            "the root has a trust anchor, but no server gave its keys",
        ),
        (
            Reason::DsAlgorithmUnsupported { zone: zone.clone(), algorithms: vec![] },
            "no DS of contoso.example can be read",
        ),
    ] {
        assert_eq!(reason.to_string(), expected);
    }
    // The RRset at fault is the zone's DS; an anchor is not a record.
    let at_fault = |entry| mismatch(entry, &[5], &[6]).rrset().map(|rrset| rrset.to_string());
    assert_eq!(at_fault(EntryKind::Ds).unwrap(), "DS contoso.example");
    assert_eq!(at_fault(EntryKind::Anchor).unwrap(), "DNSKEY of the root");
}
