//! The fault catalogue: what is sent, for which answers, and how often.

use std::sync::Arc;
use std::time::Duration;

use mxlab_dns::fault::Uses;
use mxlab_dns::rdata::{Dnskey, Ds, Rrsig};
use mxlab_dns::wire::Edns;
use mxlab_dns::*;

use crate::net::{Net, at, name, rtype};
use crate::served::{ask, brief, check, serving, signed, with_keys};

const ZONE: &str = "
@     NS  ns
ns    A   192.0.2.1
a     A   192.0.2.2
b.ent A   192.0.2.3
*.w   A   192.0.2.4
www   CNAME a
p     NS  ns.elsewhere.test.
s     NS  ns.elsewhere.test.
s     DS  1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
";

fn nsec3() -> Denial {
    Denial::Nsec3 { iterations: 1, salt: vec![1], opt_out: false }
}

fn zone() -> SignedZone {
    signed("z", ZONE, Denial::Nsec)
}

fn fault(kind: FaultKind) -> Fault {
    Fault::new(kind, FaultScope::zone(name("z")))
}

fn failing(zone: impl Into<ServedZone>, kind: FaultKind) -> Authority {
    let authority = serving(zone);
    authority.begin_fault(fault(kind));
    authority
}

fn raw(authority: &Authority, owner: &str, transport: Transport) -> Reply {
    let query = Message::query(7, name(owner), RecordType::A, Some(Edns::new(1_232, true)));
    authority.answer(&query.encode(512), transport, at(0))
}

#[test]
fn whole_answers() {
    let empty = |code: &str| Some(code.to_owned());
    for (kind, expected) in [
        (FaultKind::Answer(AnswerFault::Code(Rcode::SERVFAIL)), empty("SERVFAIL")),
        (FaultKind::Answer(AnswerFault::Code(Rcode::REFUSED)), empty("REFUSED")),
        (FaultKind::Answer(AnswerFault::Lame), empty("NOERROR\nu . NS a.root-servers.net.")),
        (FaultKind::Answer(AnswerFault::Timeout), None),
        (FaultKind::Answer(AnswerFault::Malformed), None),
        (
            FaultKind::Answer(AnswerFault::NxDomain),
            empty(
                "NXDOMAIN aa
u z SOA +
u a.z NSEC b.ent.z. A RRSIG NSEC +
u z NSEC a.z. NS SOA RRSIG NSEC DNSKEY +",
            ),
        ),
        (FaultKind::Answer(AnswerFault::AliasLoop), empty("NOERROR aa\nn a.z CNAME a.z. +")),
    ] {
        let authority = failing(zone(), kind);
        for transport in [Transport::Udp, Transport::Tcp] {
            let answer = match raw(&authority, "a.z", transport) {
                Reply::Bytes(octets) => {
                    assert_eq!(octets[..2], [0, 7]);
                    Message::decode(&octets).ok()
                }
                Reply::Nothing => None,
                other => panic!("{kind:?} {other:?}"),
            };
            assert_eq!(answer.as_ref().map(brief), expected, "{kind:?}");
        }
        // Another zone of the same server is not affected.
        authority.set_zone(signed("y", "a A 192.0.2.9", Denial::Nsec));
        assert_eq!(brief(&ask(&authority, "a.y", "A")), "NOERROR aa\nn a.y A 192.0.2.9 +");
    }
    let authority = failing(zone(), FaultKind::Answer(AnswerFault::NxDomain));
    authority.set_zone(signed("z", ZONE, nsec3()));
    let answer = ask(&authority, "a.z", "A");
    assert_eq!((answer.rcode, answer.answer.len()), (Rcode::NXDOMAIN, 0));
    assert!(answer.authority.iter().any(|record| record.rtype == RecordType::NSEC3));
    // The infrastructure is exempt, unless the type is named.
    for kind in [FaultKind::Answer(AnswerFault::NxDomain), FaultKind::Answer(AnswerFault::AliasLoop)] {
        let authority = failing(zone(), kind);
        for rtype in ["DNSKEY", "SOA", "NS"] {
            assert_eq!(brief(&ask(&authority, "z", rtype)).lines().nth(1).unwrap()[..4], *"n z ", "{kind:?}");
        }
        let scope = FaultScope { rtype: Some(RecordType::SOA), ..FaultScope::zone(name("z")) };
        authority.begin_fault(Fault::new(FaultKind::Answer(AnswerFault::NxDomain), scope));
        assert_eq!(ask(&authority, "z", "SOA").rcode, Rcode::NXDOMAIN);
    }
}

#[test]
fn answers_that_are_late_cut_or_not_to_the_question() {
    let good = match raw(&serving(zone()), "a.z", Transport::Udp) {
        Reply::Bytes(octets) => octets,
        other => panic!("{other:?}"),
    };
    let delay = Duration::from_secs(3);
    assert_eq!(
        raw(&failing(zone(), FaultKind::Answer(AnswerFault::Slow(delay))), "a.z", Transport::Udp),
        Reply::Later(delay, good.clone())
    );
    let truncated = failing(zone(), FaultKind::Answer(AnswerFault::Truncated));
    assert_eq!(raw(&truncated, "a.z", Transport::Tcp), Reply::Close);
    let Reply::Bytes(octets) = raw(&truncated, "a.z", Transport::Udp) else { panic!() };
    let answer = Message::decode(&octets).unwrap();
    assert_eq!((answer.flags.truncated, answer.answer.len()), (true, 0));
    let good = Message::decode(&good).unwrap();
    let Reply::Bytes(octets) = raw(&failing(zone(), FaultKind::Answer(AnswerFault::WrongId)), "a.z", Transport::Udp)
    else {
        panic!()
    };
    assert_eq!(Message::decode(&octets).unwrap(), Message { id: 8, ..good.clone() });
    let Reply::Bytes(octets) =
        raw(&failing(zone(), FaultKind::Answer(AnswerFault::WrongQuestion)), "a.z", Transport::Udp)
    else {
        panic!()
    };
    let answer = Message::decode(&octets).unwrap();
    assert_eq!(answer.question.as_ref().unwrap().name, name("another.a.z"));
    assert_eq!(Message { question: good.question.clone(), ..answer }, good);
}

/// The signatures of an answer with the days from now to their ends.
fn signatures(answer: &Message) -> Vec<(Rrsig, [i64; 2])> {
    let rrsigs = answer.answer.iter().filter(|record| record.rtype == RecordType::RRSIG);
    let days = |time: u32| (i64::from(time) - at(0).as_second()).div_euclid(86_400);
    let parsed = rrsigs.map(|record| Rrsig::parse(&record.rdata).unwrap());
    parsed
        .map(|rrsig| {
            let days = [days(rrsig.inception), days(rrsig.expiration)];
            (rrsig, days)
        })
        .collect()
}

#[test]
fn signatures_go_wrong() {
    let good = signatures(&ask(&serving(zone()), "a.z", "A"));
    assert_eq!((good.len(), good[0].1), (1, [-1, 13]));
    let of = |kind| signatures(&ask(&failing(zone(), kind), "a.z", "A"));
    assert_eq!(of(FaultKind::Signature(SignatureFault::Missing)), []);
    assert_eq!(of(FaultKind::Signature(SignatureFault::Expired))[0].1, [-17, -3]);
    assert_eq!(of(FaultKind::Signature(SignatureFault::NotYetValid))[0].1, [2, 16]);
    let bad = of(FaultKind::Signature(SignatureFault::Bad));
    let bits = |one: &[u8], two: &[u8]| one.iter().zip(two).map(|(one, two)| (one ^ two).count_ones()).sum::<u32>();
    assert_eq!(bits(&bad[0].0.signature, &good[0].0.signature), 1);
    assert_eq!(Rrsig { signature: good[0].0.signature.clone(), ..bad[0].0.clone() }, good[0].0);
    let wrong = of(FaultKind::Signature(SignatureFault::WrongKey));
    assert_ne!(wrong[0].0.key_tag, good[0].0.key_tag);
    // Either owner selects a name that matches a wildcard; the same holds for its RRset in the fault's scope.
    for owner in ["x.w.z", "*.w.z"] {
        let authority = serving(zone());
        let scope = FaultScope { owner: Some(name(owner)), rtype: Some(RecordType::A), zone: name("z") };
        authority.begin_fault(Fault::new(FaultKind::Signature(SignatureFault::Missing), scope));
        check(&authority, &[("x.w.z A", "NOERROR aa\nn x.w.z A 192.0.2.4\nu *.w.z NSEC www.z. A RRSIG NSEC +")]);
    }
}

/// What a validating resolver says of a fault at the servers of contoso.example, or of example.
#[test]
fn faults_have_their_words() {
    let own = "192.0.2.3";
    for (address, kind, zone, typed, owner, expected) in [
        (
            own,
            FaultKind::Signature(SignatureFault::Expired),
            "contoso.example",
            "MX",
            "contoso.example",
            "rrsig-expired",
        ),
        (
            own,
            FaultKind::Signature(SignatureFault::NotYetValid),
            "contoso.example",
            "MX",
            "contoso.example",
            "rrsig-not-yet-valid",
        ),
        (
            own,
            FaultKind::Signature(SignatureFault::Missing),
            "contoso.example",
            "MX",
            "contoso.example",
            "rrsig-missing",
        ),
        (own, FaultKind::Signature(SignatureFault::Bad), "contoso.example", "MX", "contoso.example", "rrsig-bad"),
        (
            own,
            FaultKind::Signature(SignatureFault::WrongKey),
            "contoso.example",
            "MX",
            "contoso.example",
            "key-missing",
        ),
        (own, FaultKind::Proof(ProofFault::Missing), "contoso.example", "MX", "none.contoso.example", "denial-missing"),
        (own, FaultKind::Proof(ProofFault::Wrong), "contoso.example", "MX", "none.contoso.example", "denial-wrong"),
        (own, FaultKind::Proof(ProofFault::Missing), "contoso.example", "MX", "mx1.contoso.example", "denial-missing"),
        (own, FaultKind::Proof(ProofFault::Wrong), "contoso.example", "MX", "mx1.contoso.example", "denial-wrong"),
        (own, FaultKind::Answer(AnswerFault::NxDomain), "contoso.example", "MX", "contoso.example", "denial-wrong"),
        ("192.0.2.2", FaultKind::Ds(DsFault::Mismatch), "contoso.example", "DS", "contoso.example", "ds-mismatch"),
        (
            "192.0.2.2",
            FaultKind::Ds(DsFault::Unsupported),
            "contoso.example",
            "DS",
            "contoso.example",
            "ds-algorithm-unsupported",
        ),
    ] {
        let net = Net::new();
        let scope = FaultScope { rtype: Some(rtype(typed)), ..FaultScope::zone(name(zone)) };
        net.authority(address).begin_fault(Fault::new(kind, scope));
        let answer = net.lookup(owner, "MX");
        assert_eq!(answer.security.reason().map(|reason| reason.word()), Some(expected), "{kind:?}");
    }
}

#[test]
fn proofs_are_left_out() {
    for denial in [Denial::Nsec, nsec3()] {
        check(
            &failing(signed("z", ZONE, denial), FaultKind::Proof(ProofFault::Missing)),
            &[
                ("none.z A", "NXDOMAIN aa\nu z SOA +"),
                ("a.z MX", "NOERROR aa\nu z SOA +"),
                ("ent.z A", "NOERROR aa\nu z SOA +"),
                ("x.w.z A", "NOERROR aa\nn x.w.z A 192.0.2.4 + 2"),
                ("x.w.z MX", "NOERROR aa\nu z SOA +"),
                ("p.z A", "NOERROR\nu p.z NS ns.elsewhere.test."),
                ("a.z A", "NOERROR aa\nn a.z A 192.0.2.2 +"),
            ],
        );
    }
}

#[test]
fn proofs_prove_something_else() {
    check(
        &failing(zone(), FaultKind::Proof(ProofFault::Wrong)),
        &[
            ("none.z A", "NXDOMAIN aa\nu z SOA +\nu a.z NSEC b.ent.z. A RRSIG NSEC +"),
            ("a.z MX", "NOERROR aa\nu z SOA +\nu z NSEC a.z. NS SOA RRSIG NSEC DNSKEY +"),
            ("ent.z A", "NOERROR aa\nu z SOA +\nu z NSEC a.z. NS SOA RRSIG NSEC DNSKEY +"),
            ("x.w.z A", "NOERROR aa\nn x.w.z A 192.0.2.4 + 2\nu z NSEC a.z. NS SOA RRSIG NSEC DNSKEY +"),
            ("p.z A", "NOERROR\nu p.z NS ns.elsewhere.test.\nu z NSEC a.z. NS SOA RRSIG NSEC DNSKEY +"),
        ],
    );
    // The same with NSEC3: no record there is one of the proofs.
    let (good, wrong) =
        (serving(signed("z", ZONE, nsec3())), failing(signed("z", ZONE, nsec3()), FaultKind::Proof(ProofFault::Wrong)));
    for (owner, kind) in [("none.z", "A"), ("a.z", "MX"), ("ent.z", "A"), ("x.w.z", "A"), ("x.w.z", "MX"), ("p.z", "A")]
    {
        let proofs = |authority: &Authority| -> Vec<Record> {
            let records = ask(authority, owner, kind).authority;
            records.into_iter().filter(|record| record.rtype == RecordType::NSEC3).collect()
        };
        let (proofs, others) = (proofs(&good), proofs(&wrong));
        assert!(!proofs.is_empty() && others.len() == 1 && !proofs.contains(&others[0]), "{owner} {kind}");
    }
    // A zone so small that every record of its chain is in the proof invents a record.
    for (denial, rtype) in [(Denial::Nsec, RecordType::NSEC), (nsec3(), RecordType::NSEC3)] {
        let answer =
            ask(&failing(signed("z", "@ NS ns.test.", denial), FaultKind::Proof(ProofFault::Wrong)), "none.z", "A");
        let others: Vec<_> = answer.authority.iter().filter(|record| record.rtype == rtype).collect();
        assert!(others.len() == 1 && others[0].name != name("z"));
    }
}

#[test]
fn the_parent_publishes_another_ds() {
    let at_parent = |kind, child: &str| {
        let authority = serving(zone());
        authority.begin_fault(Fault::new(kind, FaultScope::zone(name(child))));
        authority
    };
    let ds_of = |kind, child: &str| -> Vec<Ds> {
        let authority = at_parent(kind, child);
        let of = |records: Vec<Record>| -> Vec<Ds> {
            let ds = records.into_iter().filter(|record| record.rtype == RecordType::DS);
            ds.map(|record| Ds::parse(&record.rdata).unwrap()).collect()
        };
        let direct = of(ask(&authority, child, "DS").answer);
        assert_eq!(of(ask(&authority, &format!("x.{child}"), "A").authority), direct);
        direct
    };
    let algorithms = |ds: Vec<Ds>| ds.iter().map(|ds| (ds.algorithm, ds.key_tag == 1)).collect::<Vec<_>>();
    assert_eq!(algorithms(ds_of(FaultKind::Ds(DsFault::Mismatch), "s.z")), [(13, false)]);
    assert_eq!(algorithms(ds_of(FaultKind::Ds(DsFault::Unsupported), "s.z")), [(100, true)]);
    assert_eq!(algorithms(ds_of(FaultKind::Ds(DsFault::WithoutKey), "p.z")), [(15, false)]);
    // Each where it can be.
    assert_eq!(algorithms(ds_of(FaultKind::Ds(DsFault::WithoutKey), "s.z")), [(13, true)]);
    assert_eq!(ds_of(FaultKind::Ds(DsFault::Mismatch), "p.z"), []);
    assert!(FaultKind::Ds(DsFault::WithoutKey).is_at_parent() && !FaultKind::Keys(KeyFault::Missing).is_at_parent());
}

fn keys(answer: &Message) -> Vec<Dnskey> {
    let keys = answer.answer.iter().filter(|record| record.rtype == RecordType::DNSKEY);
    keys.map(|record| Dnskey::parse(&record.rdata).unwrap()).collect()
}

fn split(kind: KeyKind) -> Vec<Arc<SigningKey>> {
    let key = |role, seed| Arc::new(SigningKey::new(kind, role, [seed; 32]).unwrap());
    vec![key(KeyRole::KeySigning, 1), key(KeyRole::ZoneSigning, 2)]
}

#[test]
fn keys_are_missing() {
    let answer = ask(
        &failing(with_keys("z", ZONE, split(KeyKind::EcdsaP256)), FaultKind::Keys(KeyFault::Missing)),
        "z",
        "DNSKEY",
    );
    let [entry_point] = keys(&answer).try_into().unwrap();
    assert_eq!((entry_point.flags, signatures(&answer)[0].0.key_tag), (257, entry_point.key_tag()));
    check(
        &failing(zone(), FaultKind::Keys(KeyFault::Missing)),
        &[
            ("z DNSKEY", "NOERROR aa\nu z SOA +\nu z NSEC a.z. NS SOA RRSIG NSEC DNSKEY +"),
            ("a.z A", "NOERROR aa\nn a.z A 192.0.2.2 +"),
        ],
    );
}

#[test]
fn many_keys() {
    for kind in [KeyKind::Ed25519, KeyKind::EcdsaP256, KeyKind::Rsa1024] {
        let authority = failing(with_keys("z", ZONE, split(kind)), FaultKind::Keys(KeyFault::Many(20)));
        let answer = ask(&authority, "z", "DNSKEY");
        let all = keys(&answer);
        let tag = split(kind)[1].key_tag();
        assert_eq!(all.len(), 22);
        assert_eq!(all.iter().filter(|key| key.key_tag() == tag && key.flags == 256).count(), 21);
        let rrsigs = signatures(&ask(&authority, "a.z", "A"));
        assert_eq!(rrsigs.len(), 21);
        assert!(rrsigs.iter().all(|(rrsig, _)| rrsig.key_tag == tag));
        let good = signatures(&ask(&serving(with_keys("z", ZONE, split(kind))), "a.z", "A"));
        assert_eq!(rrsigs.last(), good.last());
        assert_eq!(rrsigs.iter().filter(|rrsig| **rrsig == good[0]).count(), 1);
    }
}

#[test]
fn a_zone_is_replayed() {
    let authority = serving(zone());
    let before = ask(&authority, "a.z", "A");
    authority.set_zone(with_keys("z", "a A 192.0.2.200", split(KeyKind::Ed25519)));
    let now = ask(&authority, "a.z", "A");
    let scope = FaultScope { owner: Some(name("a.z")), ..FaultScope::zone(name("z")) };
    let id = authority.begin_fault(Fault::new(FaultKind::Content(ContentFault::Replayed), scope));
    assert_eq!(ask(&authority, "a.z", "A"), before);
    assert_eq!(ask(&authority, "none.z", "A").authority.len(), 6);
    assert!(authority.end_fault(id));
    assert_eq!(ask(&authority, "a.z", "A"), now);
    assert_ne!(now, before);
    // A zone that renews its signatures is replayed with its first signatures, however late it is.
    authority.begin_fault(fault(FaultKind::Content(ContentFault::Replayed)));
    let query = Message::query(7, name("a.z"), RecordType::A, Some(Edns::new(1_232, true))).encode(512);
    assert_eq!(authority.answer(&query, Transport::Tcp, at(90 * 86_400)), Reply::Bytes(before.encode(65_535)));
}

#[test]
fn other_iterations() {
    for denial in [Denial::Nsec, nsec3()] {
        let authority = serving(signed("z", ZONE, denial.clone()));
        let uses = Uses::default();
        let id = authority.begin_fault_counted(fault(FaultKind::Chain(ChainFault::Iterations(150))), &uses);
        // What does not use the chain does not count.
        check(&authority, &[("a.z A", "NOERROR aa\nn a.z A 192.0.2.2 +")]);
        assert_eq!(uses.count(), 0);
        let salt = if denial == Denial::Nsec { "-" } else { "01" };
        check(&authority, &[("z NSEC3PARAM", &format!("NOERROR aa\nn z NSEC3PARAM 1 0 150 {salt} +"))]);
        let answer = ask(&authority, "a.z", "MX");
        let proof = answer.authority.iter().find(|record| record.rtype == RecordType::NSEC3).unwrap();
        let nsec3 = rdata::Nsec3::parse(&proof.rdata).unwrap();
        let hash = nsec3::hash(&name("a.z"), 150, &nsec3.salt);
        assert_eq!((nsec3.iterations, &proof.name), (150, &nsec3::owner(&hash, &name("z"))));
        assert_eq!(uses.count(), 2);
        assert!(authority.end_fault(id));
        assert_eq!(ask(&authority, "a.z", "MX"), ask(&serving(signed("z", ZONE, denial)), "a.z", "MX"));
    }
}

#[test]
fn scopes_times_and_the_later_of_two() {
    let rcode = |authority: &Authority, owner: &str, kind: &str| ask(authority, owner, kind).rcode;
    let scoped = |kind, owner: Option<&str>, typed: Option<&str>| {
        Fault::new(kind, FaultScope { zone: name("z"), owner: owner.map(name), rtype: typed.map(rtype) })
    };
    let authority = serving(zone());
    authority.begin_fault(scoped(FaultKind::Answer(AnswerFault::Code(Rcode::SERVFAIL)), None, Some("A")));
    authority.begin_fault(scoped(FaultKind::Answer(AnswerFault::Code(Rcode::REFUSED)), Some("A.z"), None));
    assert_eq!(rcode(&authority, "a.z", "A"), Rcode::REFUSED);
    assert_eq!(rcode(&authority, "a.z", "MX"), Rcode::REFUSED);
    assert_eq!(rcode(&authority, "ns.z", "A"), Rcode::SERVFAIL);
    assert_eq!(rcode(&authority, "ns.z", "MX"), Rcode::NOERROR);
    // An answer with four signatures counts once, and one without any not at all.
    let authority = serving(zone());
    let uses = Uses::default();
    authority
        .begin_fault_counted(Fault { times: Some(2), ..fault(FaultKind::Signature(SignatureFault::Missing)) }, &uses);
    assert_eq!(raw_without_dnssec(&authority).len(), 1);
    assert_eq!(uses.count(), 0);
    for (expected, count) in [("u z SOA", 1), ("u z SOA", 2), ("u z SOA +", 2)] {
        assert_eq!(brief(&ask(&authority, "none.z", "A")).lines().nth(1), Some(expected));
        assert_eq!(uses.count(), count);
    }
    // From the first second to the last.
    let authority = serving(zone());
    authority.begin_fault(Fault {
        from: Some(at(10)),
        until: Some(at(20)),
        ..fault(FaultKind::Answer(AnswerFault::Timeout))
    });
    let query = Message::query(7, name("a.z"), RecordType::A, None).encode(512);
    for (time, answered) in [(9, true), (10, false), (19, false), (20, true)] {
        assert_eq!(authority.answer(&query, Transport::Udp, at(time)) != Reply::Nothing, answered, "{time}");
    }
}

fn raw_without_dnssec(authority: &Authority) -> Vec<Record> {
    let query = Message::query(7, name("a.z"), RecordType::A, None).encode(512);
    let Reply::Bytes(octets) = authority.answer(&query, Transport::Udp, at(0)) else { panic!("no answer") };
    Message::decode(&octets).unwrap().answer
}
