//! What the authority answers, as a validating resolver sees it: healthy zones with every kind of proof and key get the
//! right status, and every fault its reason.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mxlab_dns::rdata::Rdata as _;
use mxlab_dns::*;
use mxlab_env::Env;
use mxlab_record::Recorder;

use crate::net::{Clock, Wire, block_on, ip, name, rtype, socket};
use crate::served::with_keys;

const SERVER: &str = "192.0.2.1";

fn zone_text() -> String {
    let strings: String = (0..60).map(|n| format!("big TXT \"{n:0>60}\"\n")).collect();
    format!(
        "
@       NS     ns
@       MX     10 a
ns      A      {SERVER}
a       A      192.0.2.11
b.ent   A      192.0.2.12
*.w     A      192.0.2.13
*.wc    CNAME  a
a.*.we  A      192.0.2.16
www     CNAME  a
gone    CNAME  none
away    CNAME  gone
d       DNAME  t
x.t     A      192.0.2.14
*.wt.t  A      192.0.2.15
u       NS     ns
u.uent  NS     ns
s       NS     ns
{strings}"
    )
}

fn key(kind: KeyKind, role: KeyRole, seed: u8) -> Arc<SigningKey> {
    Arc::new(SigningKey::new(kind, role, [seed; 32]).unwrap())
}

/// The zone `z` with a signed child `s.z` and unsigned ones, all on one server, and a resolver that trusts `z`.
struct Island {
    authority: Arc<Authority>,
    resolver: Resolver,
}

fn island(keys: impl Into<KeySet>, child: impl Into<KeySet>, denial: Denial) -> Island {
    let (keys, child) = (keys.into(), child.into());
    let mut text = zone_text();
    for ds in child.ds(&name("s.z")) {
        text += &format!("s DS {}\n", rdata::to_text(RecordType::DS, &ds.to_rdata()));
    }
    let authority = Arc::new(Authority::new());
    let zone = with_keys("z", &text, keys).with_denial(denial.clone());
    let anchor = TrustAnchor { zone: name("z"), ds: zone.ds(), keys: Vec::new() };
    authority.set_zone(zone);
    authority.set_zone(with_keys("s.z", "@ NS ns.z.\na A 192.0.2.21", child).with_denial(denial));
    for unsigned in ["u.z", "u.uent.z"] {
        let mut zone = Zone::new(name(unsigned), &[name("ns.z")], 300);
        zone.add_text("a A 192.0.2.22", 300).unwrap();
        authority.set_zone(zone);
    }
    let env = Env::new(Clock::default());
    let wire = Wire {
        clock: Clock::default(),
        authorities: Arc::new(BTreeMap::from([(socket(SERVER), authority.clone())])),
        down: Arc::default(),
        recursor: Arc::default(),
        queries: Arc::default(),
    };
    let config = ResolverConfig::iterating(vec![(name("ns.z"), vec![ip(SERVER)])], anchor);
    let resolver = Resolver::with_exchange(&env, &Recorder::nowhere(&env), config, Arc::new(wire));
    Island { authority, resolver }
}

impl Island {
    /// Security, its reason, and the response code.
    fn lookup(&self, owner: &str, kind: &str) -> String {
        let answer = block_on(self.resolver.lookup(&name(owner), rtype(kind)));
        let reason = answer.security.reason().map_or(String::new(), |reason| format!(" {}", reason.word()));
        format!("{}{reason} {}", answer.security.word(), answer.rcode)
    }
}

fn denials() -> [Denial; 4] {
    let nsec3 = |iterations, salt: &[u8], opt_out| Denial::Nsec3 { iterations, salt: salt.to_vec(), opt_out };
    [Denial::Nsec, nsec3(0, &[], false), nsec3(10, &[1, 2, 3], false), nsec3(0, &[], true)]
}

#[test]
fn healthy_zones() {
    use KeyRole::{Combined, KeySigning, ZoneSigning};
    let keys = [
        vec![key(KeyKind::Ed25519, Combined, 1)],
        vec![key(KeyKind::EcdsaP256, KeySigning, 1), key(KeyKind::EcdsaP256, ZoneSigning, 2)],
        vec![key(KeyKind::Rsa2048, KeySigning, 1), key(KeyKind::Rsa1024, ZoneSigning, 2)],
    ];
    for (denial, keys) in denials().iter().flat_map(|denial| keys.iter().map(move |keys| (denial, keys))) {
        let opt_out = matches!(denial, Denial::Nsec3 { opt_out: true, .. });
        let island = island(keys.clone(), key(KeyKind::Ed25519, Combined, 3), denial.clone());
        // Under opt-out, an answer that rests on a span, not on a record of the name itself, is not secure (RFC 5155
        // §9.2).
        let spanned = if opt_out { "insecure nsec3-opt-out" } else { "secure" };
        for (owner, kind, expected) in [
            ("a.z", "A", "secure NOERROR"),
            ("a.z", "TXT", "secure NOERROR"),
            ("*.w.z", "A", "secure NOERROR"),
            ("ent.z", "A", "secure NOERROR"),
            ("www.z", "A", "secure NOERROR"),
            ("x.d.z", "A", "secure NOERROR"),
            ("x.d.z", "CNAME", "secure NOERROR"),
            ("y.d.z", "CNAME", "secure NOERROR"),
            ("v.d.z", "ANY", "secure NOERROR"),
            ("d.z", "DNAME", "secure NOERROR"),
            ("d.z", "A", "secure NOERROR"),
            ("s.z", "DS", "secure NOERROR"),
            ("a.s.z", "A", "secure NOERROR"),
            ("big.z", "TXT", "secure NOERROR"),
            ("z", "DNSKEY", "secure NOERROR"),
            ("z", "NSEC3PARAM", "secure NOERROR"),
            ("none.z", "A", &format!("{spanned} NXDOMAIN")),
            ("x.ent.z", "A", &format!("{spanned} NXDOMAIN")),
            ("q.w.z", "A", &format!("{spanned} NOERROR")),
            ("q.r.w.z", "A", &format!("{spanned} NOERROR")),
            ("q.w.z", "MX", &format!("{spanned} NOERROR")),
            ("q.we.z", "A", &format!("{spanned} NOERROR")),
            ("q.a.*.we.z", "A", &format!("{spanned} NXDOMAIN")),
            ("q.wc.z", "A", &format!("{spanned} NOERROR")),
            ("q.wc.z", "MX", &format!("{spanned} NOERROR")),
            ("gone.z", "A", &format!("{spanned} NXDOMAIN")),
            ("away.z", "A", &format!("{spanned} NXDOMAIN")),
            ("none.d.z", "A", &format!("{spanned} NXDOMAIN")),
            ("q.wt.d.z", "A", &format!("{spanned} NOERROR")),
            ("none.s.z", "A", &format!("{spanned} NXDOMAIN")),
            ("u.z", "DS", &format!("{spanned} NOERROR")),
            ("uent.z", "A", &format!("{spanned} NOERROR")),
            ("none.uent.z", "A", &format!("{spanned} NXDOMAIN")),
        ] {
            assert_eq!(island.lookup(owner, kind), expected, "{owner} {kind} {denial:?} {keys:?}");
        }
        for owner in ["a.u.z", "a.u.uent.z"] {
            assert_eq!(island.lookup(owner, "A"), "insecure insecure-delegation NOERROR", "{owner} {denial:?}");
        }
    }
}

#[test]
fn a_child_of_an_unknown_algorithm() {
    let key = |kind, seed| key(kind, KeyRole::Combined, seed);
    for denial in denials() {
        let island = island(key(KeyKind::Ed25519, 1), key(KeyKind::Unsupported, 2), denial);
        assert_eq!(island.lookup("a.s.z", "A"), "insecure ds-algorithm-unsupported NOERROR");
        assert_eq!(island.lookup("none.s.z", "A"), "insecure ds-algorithm-unsupported NXDOMAIN");
    }
}

type Step = fn(&KeySet, &Arc<SigningKey>) -> KeySet;
const SWITCH: Step = |set, _| set.switch_signing();
const WITHDRAW: Step = |set, _| set.withdraw_old();
const DROP_OLD: Step = |set, _| set.drop_old();

/// Every state of a rollover is secure at once for a resolver with an empty cache.
#[test]
fn rollovers() {
    use KeyRole::{Combined, KeySigning, ZoneSigning};
    let (old, new) = (key(KeyKind::Ed25519, Combined, 1), key(KeyKind::EcdsaP256, Combined, 2));
    let split = vec![key(KeyKind::Ed25519, KeySigning, 1), key(KeyKind::Ed25519, ZoneSigning, 2)];
    let (ksk, zsk) = (key(KeyKind::Ed25519, KeySigning, 3), key(KeyKind::Ed25519, ZoneSigning, 4));
    let algorithm: [Step; 6] = [KeySet::add_signatures, KeySet::add_key, KeySet::add_ds, SWITCH, WITHDRAW, DROP_OLD];
    let pre_publish: [Step; 3] = [KeySet::add_key, SWITCH, DROP_OLD];
    let double_ds: [Step; 3] = [KeySet::add_ds, KeySet::add_key, DROP_OLD];
    for (mut set, new, steps) in [
        (KeySet::from(old), new, &algorithm as &[Step]),
        (KeySet::from(split.clone()), zsk, &pre_publish),
        (KeySet::from(split), ksk, &double_ds),
    ] {
        for (number, step) in steps.iter().enumerate() {
            set = step(&set, &new);
            let island = island(key(KeyKind::Ed25519, Combined, 9), set.clone(), Denial::Nsec);
            assert_eq!(island.lookup("a.s.z", "A"), "secure NOERROR", "step {}", number + 1);
            assert_eq!(island.lookup("none.s.z", "A"), "secure NXDOMAIN", "step {}", number + 1);
        }
    }
}

#[test]
fn faults() {
    for (kind, zone, lookups) in [
        (FaultKind::Signature(SignatureFault::Expired), "z", &[("a.z A", "bogus rrsig-expired")][..]),
        (FaultKind::Signature(SignatureFault::NotYetValid), "z", &[("a.z A", "bogus rrsig-not-yet-valid")]),
        (FaultKind::Signature(SignatureFault::Missing), "z", &[("a.z A", "bogus rrsig-missing")]),
        (
            FaultKind::Answer(AnswerFault::Stripped),
            "z",
            &[
                // The keys have no signatures either.
                ("a.z A", "bogus rrsig-missing"),
                ("none.z A", "bogus rrsig-missing"),
                ("a.z MX", "bogus rrsig-missing"),
                ("a.u.z A", "bogus rrsig-missing"),
            ],
        ),
        (FaultKind::Signature(SignatureFault::Bad), "z", &[("a.z A", "bogus rrsig-bad")]),
        (FaultKind::Signature(SignatureFault::WrongKey), "z", &[("a.z A", "bogus key-missing")]),
        (FaultKind::Keys(KeyFault::Missing), "z", &[("a.z A", "bogus key-missing")]),
        (FaultKind::Keys(KeyFault::Many(2)), "z", &[("a.z A", "secure")]),
        (FaultKind::Keys(KeyFault::Many(200)), "z", &[("a.z A", "bogus too-much-work")]),
        (FaultKind::Ds(DsFault::Mismatch), "s.z", &[("a.s.z A", "bogus ds-mismatch"), ("a.z A", "secure")]),
        (FaultKind::Ds(DsFault::Unsupported), "s.z", &[("a.s.z A", "insecure ds-algorithm-unsupported")]),
        (FaultKind::Ds(DsFault::WithoutKey), "u.z", &[("a.u.z A", "bogus"), ("a.u.uent.z A", "insecure")]),
        (
            FaultKind::Proof(ProofFault::Missing),
            "z",
            &[
                ("a.z A", "secure"),
                ("none.z A", "bogus denial-missing"),
                ("a.z MX", "bogus denial-missing"),
                ("ent.z A", "bogus denial-missing"),
                ("q.w.z A", "bogus denial-missing"),
                ("q.w.z MX", "bogus denial-missing"),
                ("a.u.z A", "bogus denial-missing"),
            ],
        ),
        (
            FaultKind::Proof(ProofFault::Wrong),
            "z",
            &[
                ("a.z A", "secure"),
                ("none.z A", "bogus denial-wrong"),
                ("a.z MX", "bogus denial-wrong"),
                ("ent.z A", "bogus denial-wrong"),
                ("q.w.z A", "bogus denial-wrong"),
                ("q.w.z MX", "bogus denial-wrong"),
                ("a.u.z A", "bogus denial-wrong"),
            ],
        ),
        (
            FaultKind::Chain(ChainFault::Iterations(500)),
            "z",
            &[("a.z A", "secure"), ("none.z A", "insecure nsec3-iterations"), ("a.z MX", "insecure nsec3-iterations")],
        ),
        (FaultKind::Chain(ChainFault::Iterations(3)), "z", &[("a.z MX", "secure")]),
        (FaultKind::Answer(AnswerFault::Code(Rcode::SERVFAIL)), "z", &[("a.z A", "servfail servfail")]),
        (FaultKind::Answer(AnswerFault::Code(Rcode::REFUSED)), "z", &[("a.z A", "servfail refused")]),
        (FaultKind::Answer(AnswerFault::Timeout), "z", &[("a.z A", "servfail time-out")]),
        (FaultKind::Answer(AnswerFault::Slow(Duration::from_millis(1))), "z", &[("a.z A", "secure")]),
        (FaultKind::Answer(AnswerFault::NxDomain), "z", &[("a.z A", "bogus denial-wrong")]),
        (FaultKind::Content(ContentFault::Replayed), "z", &[("a.z A", "secure")]),
    ] {
        for denial in denials() {
            let keys =
                vec![key(KeyKind::Ed25519, KeyRole::KeySigning, 1), key(KeyKind::Ed25519, KeyRole::ZoneSigning, 2)];
            let island = island(keys, key(KeyKind::EcdsaP256, KeyRole::Combined, 3), denial.clone());
            island.authority.begin_fault(Fault::new(kind, FaultScope::zone(name(zone))));
            for (question, expected) in lookups {
                let (owner, kind_asked) = question.split_once(' ').unwrap();
                let got = island.lookup(owner, kind_asked);
                assert!(got.starts_with(expected), "{kind:?} {denial:?} {question}: {got}");
            }
        }
    }
}

#[test]
fn the_code_of_a_denial_follows_its_proof() {
    // The fault sends NXDOMAIN for every name, with what the zone can prove of it.
    for denial in denials() {
        let own = key(KeyKind::Ed25519, KeyRole::Combined, 1);
        let island = island(own, key(KeyKind::EcdsaP256, KeyRole::Combined, 3), denial.clone());
        island.authority.begin_fault(Fault::new(FaultKind::Answer(AnswerFault::NxDomain), FaultScope::zone(name("z"))));
        let opt_out = matches!(denial, Denial::Nsec3 { opt_out: true, .. });
        // A span with opt-out denies, but proves nothing that could correct the code.
        let (spanned, mended) = match opt_out {
            true => ("insecure nsec3-opt-out", "bogus denial-wrong SERVFAIL"),
            false => ("secure", "secure NOERROR"),
        };
        for (owner, kind, expected) in [
            ("a.z", "MX", "secure NOERROR"),
            ("ent.z", "A", "secure NOERROR"),
            ("q.w.z", "MX", mended),
            ("none.z", "A", &format!("{spanned} NXDOMAIN")),
            // No response code denies a record that is there.
            ("a.z", "A", "bogus denial-wrong SERVFAIL"),
            ("q.w.z", "A", "bogus denial-wrong SERVFAIL"),
        ] {
            assert_eq!(island.lookup(owner, kind), expected, "{denial:?} {owner} {kind}");
        }
    }
}
