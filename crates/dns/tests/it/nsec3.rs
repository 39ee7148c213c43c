//! Hashed denial of existence: the zone of RFC 5155 Appendix A, the answers of its Appendix B, and laws of chains.

use mxlab_dns::rdata::{Nsec, Nsec3};
use mxlab_dns::*;
use proptest::prelude::*;

use crate::net::name;
use crate::served::{ask, check, serving, signed};

/// The zone of RFC 5155 Appendix A, without its keys and signatures.
const RFC_5155: &str = "
@     SOA   ns1 bugs.x.w 1 3600 300 3600000 3600
@     NS    ns1
@     NS    ns2
@     MX    1 xx
2t7b4g4vsa5smi47k61mv5bv1a22bojr A 192.0.2.127
a     NS    ns1.a
a     NS    ns2.a
a     DS    58470 5 1 3079F1593EBAD6DC121E202A8B766A6A4837206C
ns1.a A     192.0.2.5
ns2.a A     192.0.2.6
ai    A     192.0.2.9
ai    AAAA  2001:db8::f00:baa9
c     NS    ns1.c
c     NS    ns2.c
ns1.c A     192.0.2.7
ns2.c A     192.0.2.8
ns1   A     192.0.2.1
ns2   A     192.0.2.2
*.w   MX    1 ai
x.w   MX    1 xx
x.y.w MX    1 xx
xx    A     192.0.2.10
xx    AAAA  2001:db8::f00:baaa
";

fn rfc_5155() -> Authority {
    let denial = Denial::Nsec3 { iterations: 12, salt: vec![0xaa, 0xbb, 0xcc, 0xdd], opt_out: true };
    serving(signed("example", RFC_5155, denial))
}

#[test]
fn rfc_5155_appendix_a() {
    for (owner, expected) in [
        ("example", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"),
        ("a.example", "35mthgpgcu1qg68fab165klnsnk3dpvl"),
        ("ai.example", "gjeqe526plbf1g8mklp59enfd789njgi"),
        ("ns1.example", "2t7b4g4vsa5smi47k61mv5bv1a22bojr"),
        ("NS2.Example", "q04jkcevqvmu85r014c7dkba38o0ji5r"),
        ("w.example", "k8udemvp1j2f7eg6jebps17vp3n8i58h"),
        ("*.w.example", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"),
        ("x.w.example", "b4um86eghhds6nea196smvmlo4ors995"),
        ("y.w.example", "ji6neoaepv8b5o6k4ev33abha8ht9fgc"),
        ("x.y.w.example", "2vptu5timamqttgl4luu9kg21e0aor3s"),
        ("xx.example", "t644ebqk9bibcna874givr6joj62mlhv"),
        ("2t7b4g4vsa5smi47k61mv5bv1a22bojr.example", "kohar7mbb8dc2ce8a9qvl8hon4k53uhi"),
    ] {
        let hash = nsec3::hash(&name(owner), 12, &[0xaa, 0xbb, 0xcc, 0xdd]);
        assert_eq!(nsec3::owner(&hash, &name("example")), name(&format!("{expected}.example")), "{owner}");
    }
}

#[test]
fn rfc_5155_appendix_b() {
    check(
        &rfc_5155(),
        &[
            ("example NSEC3PARAM", "NOERROR aa\nn example NSEC3PARAM 1 0 12 aabbccdd +"),
            // B.1: the closest encloser, the next closer name, the wildcard.
            (
                "a.c.x.w.example A",
                "NXDOMAIN aa
u example SOA +
u b4um NSEC3 gjeq MX RRSIG opt-out +
u 0p9m NSEC3 2t7b NS SOA MX RRSIG DNSKEY NSEC3PARAM opt-out +
u 35mt NSEC3 b4um NS DS RRSIG opt-out +",
            ),
            // B.2.
            ("ns1.example MX", "NOERROR aa\nu example SOA +\nu 2t7b NSEC3 2vpt A RRSIG opt-out +"),
            // B.2.1: an empty non-terminal.
            ("y.w.example A", "NOERROR aa\nu example SOA +\nu ji6n NSEC3 k8ud  opt-out +"),
            // B.3: opt-out hides an unsigned delegation.
            (
                "mc.c.example MX",
                "NOERROR
u c.example NS ns1.c.example. ns2.c.example.
u 0p9m NSEC3 2t7b NS SOA MX RRSIG DNSKEY NSEC3PARAM opt-out +
u 35mt NSEC3 b4um NS DS RRSIG opt-out +
d ns1.c.example A 192.0.2.7
d ns2.c.example A 192.0.2.8",
            ),
            (
                "c.example DS",
                "NOERROR aa
u example SOA +
u 0p9m NSEC3 2t7b NS SOA MX RRSIG DNSKEY NSEC3PARAM opt-out +
u 35mt NSEC3 b4um NS DS RRSIG opt-out +",
            ),
            (
                "mc.a.example MX",
                "NOERROR
u a.example NS ns1.a.example. ns2.a.example.
u a.example DS 58470 5 1 3079f1593ebad6dc121e202a8b766a6a4837206c +
d ns1.a.example A 192.0.2.5
d ns2.a.example A 192.0.2.6",
            ),
            // B.4: the next closer name of a wildcard expansion.
            (
                "a.z.w.example MX",
                "NOERROR aa
n a.z.w.example MX 1 ai.example. + 2
u q04j NSEC3 r53b A RRSIG opt-out +",
            ),
            // B.5: no data at the wildcard.
            (
                "a.z.w.example AAAA",
                "NOERROR aa
u example SOA +
u k8ud NSEC3 koha  opt-out +
u q04j NSEC3 r53b A RRSIG opt-out +
u r53b NSEC3 t644 MX RRSIG opt-out +",
            ),
            // B.6.
            (
                "example DS",
                "NOERROR aa\nu example SOA +\nu 0p9m NSEC3 2t7b NS SOA MX RRSIG DNSKEY NSEC3PARAM opt-out +",
            ),
            // A name that is also the owner of an NSEC3 record is answered for itself (§7.2.8).
            (
                "2t7b4g4vsa5smi47k61mv5bv1a22bojr.example A",
                "NOERROR aa\nn 2t7b4g4vsa5smi47k61mv5bv1a22bojr.example A 192.0.2.127 +",
            ),
            (
                "2t7b4g4vsa5smi47k61mv5bv1a22bojr.example NSEC3",
                "NOERROR aa\nu example SOA +\nu koha NSEC3 q04j A RRSIG opt-out +",
            ),
        ],
    );
}

const ENTS: &str = "
@            NS ns
ns           A  192.0.2.1
u.ent        NS ns.elsewhere.test.
s.both       NS ns.elsewhere.test.
s.both       DS 1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
u.both       NS ns.elsewhere.test.
";

#[test]
fn opt_out_leaves_out_what_only_leads_to_unsigned_delegations() {
    let with = |opt_out| serving(signed("z", ENTS, Denial::Nsec3 { iterations: 0, salt: Vec::new(), opt_out }));
    for (opt_out, owner, kind, types) in [
        (false, "ent.z", "A", &[""][..]),
        (false, "u.ent.z", "DS", &["NS"]),
        (false, "both.z", "A", &[""]),
        // Left out: the apex encloses it, and a span with opt-out covers it.
        (true, "ent.z", "A", &["NS SOA RRSIG DNSKEY NSEC3PARAM", "-"]),
        (true, "u.ent.z", "DS", &["NS SOA RRSIG DNSKEY NSEC3PARAM", "-"]),
        (true, "u.both.z", "DS", &["", "-"]),
        (true, "both.z", "A", &[""]),
    ] {
        let authority = with(opt_out);
        let answer = ask(&authority, owner, kind);
        assert_eq!((answer.rcode, answer.answer.len()), (Rcode::NOERROR, 0), "{owner}");
        let proofs = nsec3s(&answer);
        assert_eq!(proofs[0].1.types.iter().map(|rtype| rtype.to_string()).collect::<Vec<_>>().join(" "), types[0]);
        // One span may both match and cover.
        assert!(proofs.len() <= types.len(), "{owner} {kind}");
        assert!(proofs.iter().all(|(_, nsec3)| (nsec3.flags == 1) == opt_out));
        if types.len() == 2 {
            let hash = |text: &str| nsec3::hash(&name(text), 0, &[]);
            let next_closer = if owner == "u.both.z" { "u.both.z" } else { "ent.z" };
            assert!(proofs.iter().any(|proof| covers(proof, &hash(next_closer))), "{owner} {kind}");
        }
    }
}

/// The NSEC3 records of the authority section with the hashes of their owners.
fn nsec3s(answer: &Message) -> Vec<(Vec<u8>, Nsec3)> {
    let records = answer.authority.iter().filter(|record| record.rtype == RecordType::NSEC3);
    records.map(hashed).collect()
}

fn hashed(record: &Record) -> (Vec<u8>, Nsec3) {
    let label = record.name.labels().next().unwrap().to_ascii_uppercase();
    (data_encoding::BASE32HEX_NOPAD.decode(&label).unwrap(), Nsec3::parse(&record.rdata).unwrap())
}

fn covers((own, nsec3): &(Vec<u8>, Nsec3), hash: &[u8]) -> bool {
    let (own, next) = (own.as_slice(), nsec3.next_hashed.as_slice());
    if own < next { own < hash && hash < next } else { own < hash || hash < next }
}

/// Small zones: names of few labels, with wildcards, cuts with and without DS, and glue.
fn zones() -> impl Strategy<Value = Zone> {
    let label = prop::sample::select(vec!["a", "b", "*", "x1"]);
    let owner = prop::collection::vec(label, 1..4).prop_map(|labels| labels.join("."));
    let data = prop::sample::select(vec!["A 192.0.2.1", "TXT x", "NS ns.test.", "DS 1 13 2 00", "MX 1 a"]);
    prop::collection::vec((owner, data), 0..12).prop_map(|records| {
        let mut zone = Zone::new(name("z"), &[name("ns.test")], 300);
        for (owner, data) in records {
            // What a zone cannot hold is left out; so is a DS without a delegation.
            let _ = zone.add_text(&format!("{owner} {data}"), 300);
        }
        let cut = |owner: &Name| zone.rrset(owner, RecordType::NS).is_some();
        let stray: Vec<Name> = zone
            .rrsets()
            .filter(|set| set.rtype == RecordType::DS && !cut(&set.name))
            .map(|set| set.name.clone())
            .collect();
        for owner in stray {
            zone.remove(&owner, Some(RecordType::DS));
        }
        zone
    })
}

/// Every name of at most three labels that could be in such a zone.
fn candidates() -> Vec<Name> {
    let labels = ["a", "b", "*", "x1", "none"];
    let below = |names: &[Name]| -> Vec<Name> {
        names.iter().flat_map(|name| labels.map(|label| name.prepend_label(label).unwrap())).collect()
    };
    let one = below(&[name("z")]);
    let two = below(&one);
    let three = below(&two);
    [one, two, three].concat()
}

/// Whether a name is in the zone with something of the zone's own to say: not below a cut.
fn is_above_cuts(zone: &Zone, owner: &Name) -> bool {
    !matches!(zone.lookup(owner, RecordType::DS), zone::Lookup::Delegation(_))
}

fn exists(zone: &Zone, owner: &Name) -> bool {
    zone.rrsets().any(|set| set.name.is_subdomain_of(owner))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_nsec_chain_is_closed_and_covers_what_does_not_exist(zone in zones()) {
        let signed = SignedZone::new(zone.clone(), key(), crate::net::always());
        let parsed = |set: &&Rrset| (set.name.clone(), Nsec::parse(&set.rdatas[0]).unwrap());
        let chain: Vec<(Name, Nsec)> = signed.denial_rrsets().iter().map(parsed).collect();
        prop_assert_eq!(&chain[0].0, &name("z"));
        for ((owner, nsec), (next, _)) in chain.iter().zip(chain.iter().cycle().skip(1)) {
            prop_assert_eq!(&nsec.next, next);
            prop_assert!(owner < next || *next == name("z"));
        }
        for candidate in candidates().into_iter().filter(|owner| is_above_cuts(&zone, owner)) {
            let own = zone.rrsets().any(|set| set.name == candidate);
            prop_assert_eq!(chain.iter().any(|(owner, _)| *owner == candidate), own, "{}", candidate);
            let spans = |(owner, nsec): &&(Name, Nsec)| {
                *owner < candidate && (candidate < nsec.next || nsec.next == name("z"))
            };
            let spanning: Vec<_> = chain.iter().filter(spans).collect();
            prop_assert_eq!(spanning.len(), usize::from(!own), "{}", candidate);
            if let Some((_, nsec)) = spanning.first() {
                prop_assert_eq!(nsec.next.is_subdomain_of(&candidate), exists(&zone, &candidate), "{}", candidate);
            }
        }
    }

    #[test]
    fn an_nsec3_chain_is_closed_and_covers_what_does_not_exist(zone in zones(), opt_out: bool, iterations in 0u16..3) {
        let denial = Denial::Nsec3 { iterations, salt: vec![7], opt_out };
        let signed = SignedZone::new(zone.clone(), key(), crate::net::always()).with_denial(denial);
        let hash = |name: &Name| nsec3::hash(name, iterations, &[7]).to_vec();
        let records = signed.denial_rrsets().into_iter().flat_map(Rrset::records);
        let chain: Vec<_> = records.map(|record| hashed(&record)).collect();
        prop_assert!(chain.is_sorted_by(|one, two| one.0 < two.0));
        for ((_, nsec3), (next, _)) in chain.iter().zip(chain.iter().cycle().skip(1)) {
            prop_assert_eq!(&nsec3.next_hashed, next);
        }
        let unsigned = |owner: &Name| {
            zone.rrset(owner, RecordType::NS).is_some() && zone.rrset(owner, RecordType::DS).is_none()
        };
        for candidate in candidates().into_iter().filter(|owner| is_above_cuts(&zone, owner)) {
            let speaks = |set: &Rrset| is_above_cuts(&zone, &set.name) && !(opt_out && unsigned(&set.name));
            let matched = zone.rrsets().any(|set| set.name.is_subdomain_of(&candidate) && speaks(set));
            let hashed = hash(&candidate);
            prop_assert_eq!(chain.iter().any(|(owner, _)| *owner == hashed), matched, "{}", candidate);
            prop_assert_eq!(chain.iter().filter(|proof| covers(proof, &hashed)).count(), usize::from(!matched));
        }
    }
}

fn key() -> std::sync::Arc<SigningKey> {
    std::sync::Arc::new(SigningKey::new(KeyKind::Ed25519, KeyRole::Combined, [1; 32]).unwrap())
}
