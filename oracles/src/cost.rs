//! What validation costs: MX, A and TLSA under three zones with cold caches, against the same signatures verified over
//! prepared bytes, and beside `domain`'s validator on the same answers.
//!
//! Times drift, so instructions are counted: the program runs itself under callgrind, which counts only what happens inside
//! [`measured`]. Build it in the release profile.

use std::fmt::Write as _;
use std::sync::Arc;

use clap::ValueEnum;
use hickory_proto::dnssec::TBS;
use hickory_proto::dnssec::rdata::DNSSECRData;
use hickory_proto::op::Message;
use hickory_proto::rr::{RData, Record};
use mxlab_dns::{KeyKind, Name, RecordType};
use mxlab_env::{meter, real};
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm};

use crate::callgrind::{self, measured};
use crate::internet::{Internet, Plan, Signed, ZoneSpec, name};
use crate::judges::{self, Judges, Nlnet, Status};
use crate::upstream::{Recorded, Upstream};

/// Whose work is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Whose {
    /// None: the cost of measuring itself
    Nobody,
    /// Our resolver's
    Ours,
    /// The signatures alone, over prepared bytes
    Signatures,
    /// NLnet Labs' `domain`
    Nlnet,
}

/// The algorithm of all three zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Curve {
    P256,
    Ed25519,
}

impl Curve {
    fn kind(self) -> KeyKind {
        match self {
            Curve::P256 => KeyKind::EcdsaP256,
            Curve::Ed25519 => KeyKind::Ed25519,
        }
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Curve::P256 => &ECDSA_P256_SHA256_FIXED,
            Curve::Ed25519 => &ED25519,
        }
    }
}

const QUESTIONS: [(&str, RecordType); 3] = [
    ("fabrikam.example", RecordType::MX),
    ("mx1.fabrikam.example", RecordType::A),
    ("_25._tcp.mx1.fabrikam.example", RecordType::TLSA),
];

const RECORDS: &str = "
@            MX    10 mx1
mx1          A     198.51.100.1
_25._tcp.mx1 TLSA  3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
";

fn plan(curve: Curve) -> Plan {
    let zone = |origin, text| ZoneSpec { signed: Some(Signed::with(curve.kind())), ..ZoneSpec::new(origin, text) };
    Plan { zones: vec![zone(".", ""), zone("example", ""), zone("fabrikam.example", RECORDS)], faults: Vec::new() }
}

/// A signature over prepared bytes.
struct Prepared {
    key: Vec<u8>,
    data: Vec<u8>,
    signature: Vec<u8>,
}

/// Does one contender's work inside [`measured`], and says how many signatures were verified.
///
/// # Errors
/// An answer is not secure: then the measurement is meaningless.
pub fn work(whose: Whose, curve: Curve) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(|e| e.to_string())?;
    let env = real::env(std::env::temp_dir());
    let internet = Internet::new(&plan(curve), env.now());
    let upstream = Arc::new(Upstream::new(&env, &internet));
    let questions: Vec<(Name, RecordType)> = QUESTIONS.iter().map(|(owner, rtype)| (name(owner), *rtype)).collect();
    // First the answers to each contender's questions are recorded and validated once, so that all are available.
    let ours = judges::over_upstream(&env, &internet, &upstream);
    for (owner, rtype) in &questions {
        let verdict = judges::verdict(&runtime.block_on(ours.lookup(owner, *rtype)));
        if verdict.status != Status::Secure {
            return Err(format!("{rtype} {owner}: {verdict}"));
        }
    }
    let prepared = prepare(&upstream, curve);
    let everybody = Judges::new(&env, &internet, &upstream);
    for (owner, rtype) in &questions {
        runtime.block_on(everybody.judge(owner, *rtype));
    }
    let recorded = Arc::new(Recorded::new(&upstream));
    let resolve = || {
        let resolver = judges::over_recorded(&env, &internet, &recorded);
        for (owner, rtype) in &questions {
            let answer = runtime.block_on(resolver.lookup(owner, *rtype));
            assert!(answer.security.is_secure(), "{:?}", answer.security);
        }
    };
    meter::take();
    resolve();
    let checks = meter::take();
    match whose {
        Whose::Nobody => measured(&mut || ()),
        Whose::Signatures => {
            let mut failed = 0;
            // As many as ours checks: all have the same algorithm and cost the same.
            let as_many = || prepared.iter().cycle().take(usize::try_from(checks).unwrap_or(usize::MAX));
            measured(&mut || failed = as_many().filter(|one| !one.is_good(curve)).count());
            if failed > 0 {
                return Err(format!("{failed} signatures are wrong"));
            }
        }
        Whose::Ours => measured(&mut || resolve()),
        Whose::Nlnet => {
            let judge = Nlnet::over_recorded(&internet, &recorded);
            measured(&mut || {
                for (owner, rtype) in &questions {
                    let verdict = runtime.block_on(judge.judge(owner, *rtype));
                    assert_eq!(verdict.status, Status::Secure, "{verdict}");
                }
            });
        }
    }
    Ok(format!("{checks} signature checks by ours, {} signatures in the answers\n", prepared.len()))
}

impl Prepared {
    fn is_good(&self, curve: Curve) -> bool {
        UnparsedPublicKey::new(curve.verification(), &self.key).verify(&self.data, &self.signature).is_ok()
    }
}

/// The signatures of the answers that ours asked for, with what they sign as hickory puts it together.
fn prepare(upstream: &Upstream, curve: Curve) -> Vec<Prepared> {
    let answers = upstream.answers().into_iter().filter_map(|(_, octets)| Message::from_vec(&octets?).ok());
    let records: Vec<Record> =
        answers.flat_map(|message| message.answers.into_iter().chain(message.authorities)).collect();
    let keys: Vec<_> = records
        .iter()
        .filter_map(|record| match &record.data {
            RData::DNSSEC(DNSSECRData::DNSKEY(key)) => Some((record.name.clone(), key)),
            _ => None,
        })
        .collect();
    let mut prepared: Vec<Prepared> = Vec::new();
    for record in &records {
        let RData::DNSSEC(DNSSECRData::RRSIG(rrsig)) = &record.data else { continue };
        let input = rrsig.input();
        let mut covered: Vec<&Record> = records
            .iter()
            .filter(|other| other.name == record.name && other.record_type() == input.type_covered)
            .collect();
        covered.dedup_by(|one, other| one.data == other.data);
        let data = TBS::from_input(&record.name, record.dns_class, input, covered.into_iter()).expect("it is signed");
        let (_, key) = keys.iter().find(|(zone, _)| *zone == input.signer_name).expect("the key is there");
        let mut public = hickory_proto::dnssec::PublicKey::public_bytes(key.public_key()).to_vec();
        if curve == Curve::P256 {
            // "Uncompressed point", which DNSKEY leaves out (RFC 6605 section 4).
            public.insert(0, 4);
        }
        let one = Prepared { key: public, data: data.as_ref().to_vec(), signature: rrsig.sig().to_vec() };
        if prepared.iter().all(|other| other.signature != one.signature) {
            prepared.push(one);
        }
    }
    prepared
}

/// Runs the work of all contenders under callgrind and compares.
///
/// # Errors
/// Valgrind is missing, or a run fails.
pub fn run() -> Result<String, String> {
    let mut text = String::new();
    for curve in [Curve::P256, Curve::Ed25519] {
        let (nothing, _) = instructions(Whose::Nobody, curve)?;
        let (signatures, note) = instructions(Whose::Signatures, curve)?;
        let _ = write!(text, "{curve:?}: {note}");
        for whose in [Whose::Signatures, Whose::Ours, Whose::Nlnet] {
            if (whose, curve) == (Whose::Nlnet, Curve::Ed25519) {
                let _ = writeln!(text, "  {whose:<12?} does not know the algorithm");
                continue;
            }
            let (count, _) = instructions(whose, curve)?;
            let ratio = (count - nothing) as f64 / (signatures - nothing) as f64;
            let _ = writeln!(text, "  {whose:<12?} {:>12} instructions, {ratio:.2} x the signatures", count - nothing);
        }
    }
    Ok(text)
}

/// The instructions of one run, and its output.
fn instructions(whose: Whose, curve: Curve) -> Result<(u64, String), String> {
    let name = format!("cost-{whose:?}-{curve:?}");
    callgrind::count(&name, &["cost-work", &callgrind::word(&whose), &callgrind::word(&curve)])
}
