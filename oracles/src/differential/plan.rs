//! Random small internets: a root, a top-level domain, and up to three zones below it.

use mxlab_dns::{Algorithm, FaultKind, RecordType};
use proptest::prelude::*;
use proptest::sample::select;

use crate::internet::{FaultSpec, Plan, Signed, ZoneSpec, name};

/// The zones below the root, in the order in which a plan takes them up.
const ZONES: [&str; 4] = ["t", "a.t", "b.t", "s.a.t"];
/// Owners relative to their zone: hosts, wildcards, and names whose parents are empty non-terminals.
const OWNERS: [&str; 8] = ["@", "h", "i", "w.n", "*", "*.n", "d", "k.l.m"];
/// What is asked for below a zone: the owners, and names that no owner has.
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
        (algorithm(), specs, prop::collection::vec(fault(zones), 0..=2), prop::collection::vec(question(zones), 1..=8))
            .prop_map(|(algorithm, below, faults, questions)| {
                let signed = Some(Signed { algorithm, delegated: true });
                let root = ZoneSpec { signed, ..ZoneSpec::new(".", "") };
                Case { plan: Plan { zones: [root].into_iter().chain(below).collect(), faults }, questions }
            })
    })
}

fn algorithm() -> impl Strategy<Value = Algorithm> {
    // Mostly what all judges know.
    prop_oneof![8 => Just(Algorithm::ECDSAP256SHA256), 1 => Just(Algorithm::ED25519)]
}

fn spec(origin: &'static str) -> impl Strategy<Value = ZoneSpec> {
    let signed =
        (algorithm(), prop::bool::weighted(0.85)).prop_map(|(algorithm, delegated)| Signed { algorithm, delegated });
    (prop::collection::vec(record(), 0..=8), prop::option::weighted(0.85, signed))
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

fn fault(zones: &[&'static str]) -> impl Strategy<Value = FaultSpec> {
    let kinds = vec![
        FaultKind::Servfail,
        FaultKind::Refused,
        FaultKind::Timeout,
        FaultKind::RrsigMissing,
        FaultKind::DsMismatch,
    ];
    let rtype = prop::option::weighted(
        0.5,
        select(
            TYPES.iter().copied().chain([RecordType::DNSKEY, RecordType::NSEC, RecordType::SOA]).collect::<Vec<_>>(),
        ),
    );
    (select(kinds), select(zones.to_vec()), rtype).prop_map(|(kind, zone, rtype)| FaultSpec {
        kind,
        zone: name(zone),
        owner: None,
        rtype,
    })
}

fn question(zones: &[&'static str]) -> impl Strategy<Value = (String, RecordType)> {
    (select(ASKED.to_vec()), select(zones.to_vec()), select(TYPES.to_vec()))
        .prop_map(|(label, zone, rtype)| (absolute(label, zone), rtype))
}

fn absolute(label: &str, zone: &str) -> String {
    if label.is_empty() { format!("{zone}.") } else { format!("{label}.{zone}.") }
}
