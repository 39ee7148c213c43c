//! Random small internets: a root, a top-level domain, and up to three zones below it.

use mxlab_dns::{
    AnswerFault, ChainFault, ContentFault, Denial, DsFault, FaultKind, KeyFault, KeyKind, ProofFault, Rcode,
    RecordType, SignatureFault,
};
use proptest::prelude::*;
use proptest::sample::select;

use crate::internet::{FaultSpec, Keys, Plan, Rollover, Signed, ZoneSpec, name};

/// The zones below the root, in the order in which a plan adds them.
const ZONES: [&str; 4] = ["t", "a.t", "b.t", "s.a.t"];
/// Owners relative to their zone: hosts, wildcards, and names whose parents, one of them a wildcard, are empty
/// non-terminals.
const OWNERS: [&str; 9] = ["@", "h", "i", "w.n", "*", "*.n", "a.*.n", "d", "k.l.m"];
/// The names that are asked for below a zone: the owners, and names without records.
const ASKED: [&str; 12] = ["", "h", "i", "w.n", "n", "x", "x.n", "y.x.n", "x.d", "m", "k.l.m", "x.h"];
const TYPES: [RecordType; 6] =
    [RecordType::A, RecordType::TXT, RecordType::MX, RecordType::CNAME, RecordType::DS, RecordType::NS];

/// An internet and the questions to it.
#[derive(Clone, Debug)]
pub struct Case {
    pub plan: Plan,
    pub questions: Vec<(String, RecordType)>,
}

/// Any case.
pub fn cases() -> impl Strategy<Value = Case> {
    (2..=ZONES.len()).prop_flat_map(|zones| {
        let zones = &ZONES[..zones];
        let specs: Vec<_> = zones.iter().map(|origin| spec(origin)).collect();
        (root(), specs, prop::collection::vec(fault(zones), 0..=2), prop::collection::vec(question(zones), 1..=8))
            .prop_map(|(signed, below, faults, questions)| {
                let root = ZoneSpec { signed: Some(signed), ..ZoneSpec::new(".", "") };
                Case { plan: Plan { zones: [root].into_iter().chain(below).collect(), faults }, questions }
            })
    })
}

fn keys() -> impl Strategy<Value = Keys> {
    // Mostly algorithms that all judges know.
    let kind = prop_oneof![
        8 => Just(KeyKind::EcdsaP256),
        2 => Just(KeyKind::Rsa1024),
        1 => Just(KeyKind::Rsa2048),
        1 => Just(KeyKind::Ed25519),
        1 => Just(KeyKind::Unsupported),
    ];
    let rolling =
        (select(Rollover::ALL.to_vec()), 0usize..=6).prop_map(|(rollover, steps)| Keys::Rolling(rollover, steps));
    prop_oneof![
        6 => kind.clone().prop_map(Keys::Combined),
        2 => kind.prop_map(Keys::Split),
        1 => rolling,
    ]
}

fn denial() -> impl Strategy<Value = Denial> {
    let iterations = prop_oneof![8 => 0u16..=3, 1 => Just(100u16), 1 => Just(101u16)];
    let salt = prop::collection::vec(any::<u8>(), 0..=4);
    let nsec3 = (iterations, salt, any::<bool>()).prop_map(|(iterations, salt, opt_out)| Denial::Nsec3 {
        iterations,
        salt,
        opt_out,
    });
    prop_oneof![Just(Denial::Nsec), nsec3]
}

fn signed() -> impl Strategy<Value = Signed> {
    (keys(), denial(), prop::bool::weighted(0.85)).prop_map(|(keys, denial, delegated)| Signed {
        keys,
        denial,
        delegated,
    })
}

/// The root has keys with algorithms that all judges know, or no chain of trust could begin.
fn root() -> impl Strategy<Value = Signed> {
    let keys = prop_oneof![Just(Keys::Combined(KeyKind::EcdsaP256)), Just(Keys::Split(KeyKind::Rsa2048))];
    (keys, denial()).prop_map(|(keys, denial)| Signed { keys, denial, delegated: true })
}

fn spec(origin: &'static str) -> impl Strategy<Value = ZoneSpec> {
    (prop::collection::vec(record(), 0..=8), prop::option::weighted(0.85, signed()))
        .prop_map(move |(lines, signed)| ZoneSpec { origin: name(origin), text: lines.join("\n"), signed })
}

/// A line of a zone.
fn record() -> impl Strategy<Value = String> {
    let target = (select(ASKED.to_vec()), select(ZONES.to_vec())).prop_map(|(label, zone)| absolute(label, zone));
    let data = prop_oneof![
        4 => (1u8..=9).prop_map(|host| format!("A 198.51.100.{host}")),
        2 => (0u8..=9).prop_map(|text| format!("TXT \"{text}\"")),
        1 => target.clone().prop_map(|target| format!("MX 10 {target}")),
        2 => target.clone().prop_map(|target| format!("CNAME {target}")),
        1 => target.prop_map(|target| format!("DNAME {target}")),
    ];
    (select(OWNERS.to_vec()), data).prop_map(|(owner, data)| format!("{owner} {data}"))
}

/// All except those that only an iterating resolver notices (slow answers, upward referrals), and except stripped
/// answers: other faults leave out signatures and proofs.
fn kind() -> impl Strategy<Value = FaultKind> {
    let single = vec![
        FaultKind::Answer(AnswerFault::Code(Rcode::SERVFAIL)),
        FaultKind::Answer(AnswerFault::Code(Rcode::REFUSED)),
        FaultKind::Answer(AnswerFault::Timeout),
        FaultKind::Answer(AnswerFault::Truncated),
        FaultKind::Answer(AnswerFault::Malformed),
        FaultKind::Answer(AnswerFault::WrongId),
        FaultKind::Answer(AnswerFault::WrongQuestion),
        FaultKind::Answer(AnswerFault::NxDomain),
        FaultKind::Answer(AnswerFault::AliasLoop),
        FaultKind::Signature(SignatureFault::Expired),
        FaultKind::Signature(SignatureFault::NotYetValid),
        FaultKind::Signature(SignatureFault::Missing),
        FaultKind::Signature(SignatureFault::Bad),
        FaultKind::Signature(SignatureFault::WrongKey),
        FaultKind::Content(ContentFault::Replayed),
        FaultKind::Keys(KeyFault::Missing),
        FaultKind::Ds(DsFault::Mismatch),
        FaultKind::Ds(DsFault::Unsupported),
        FaultKind::Ds(DsFault::WithoutKey),
        FaultKind::Proof(ProofFault::Missing),
        FaultKind::Proof(ProofFault::Wrong),
    ];
    prop_oneof![
        20 => select(single),
        1 => (1u16..=40).prop_map(|count| FaultKind::Keys(KeyFault::Many(count))),
        1 => select(vec![1u16, 100, 101, 500, 501, 2_500]).prop_map(|count| FaultKind::Chain(ChainFault::Iterations(count))),
    ]
}

fn fault(zones: &[&'static str]) -> impl Strategy<Value = FaultSpec> {
    let types: Vec<RecordType> =
        TYPES.into_iter().chain([RecordType::DNSKEY, RecordType::NSEC, RecordType::NSEC3, RecordType::SOA]).collect();
    (kind(), select(zones.to_vec()), prop::option::weighted(0.5, select(types)))
        .prop_map(|(kind, zone, rtype)| FaultSpec { kind, zone: name(zone), owner: None, rtype })
}

fn question(zones: &[&'static str]) -> impl Strategy<Value = (String, RecordType)> {
    (select(ASKED.to_vec()), select(zones.to_vec()), select(TYPES.to_vec()))
        .prop_map(|(label, zone, rtype)| (absolute(label, zone), rtype))
}

fn absolute(label: &str, zone: &str) -> String {
    if label.is_empty() { format!("{zone}.") } else { format!("{label}.{zone}.") }
}
