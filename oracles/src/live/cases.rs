//! The cases: every fault, and every healthy shape of a zone.

use std::time::Duration;

use jiff::SignedDuration;
use mxlab_dns::fault::{DelegationFault, Part};
use mxlab_dns::{
    AnswerFault, ChainFault, ContentFault, Denial, DsFault, FaultKind, KeyFault, KeyKind, ProofFault, Rcode,
    RecordType, SignatureFault,
};

use super::Question;
use super::door::Door;
use crate::internet::{FaultSpec, Keys, Plan, Rollover, Signed, ZoneSpec, name};

/// One question to one internet.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: String,
    pub plan: Plan,
    pub question: Question,
    pub door: Door,
    /// The offset of its time from now.
    pub at: SignedDuration,
}

const EXAMPLE: &str = "example";
const FABRIKAM: &str = "fabrikam.example";
const PLAIN: &str = "plain.example";

const RECORDS: &str = "
@            MX    10 mx1
mx1          A     198.51.100.1
_25._tcp.mx1 TLSA  3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
alias        CNAME mx1
away         CNAME mail.plain.example.
deep.ent     A     198.51.100.9
*.wild       A     198.51.100.8
*.starred    CNAME mx1
old          DNAME fabrikam.example.
";

/// Healthy zones with these keys and this kind of denial.
fn plan(keys: Keys, denial: &Denial) -> Plan {
    let signed = |keys| Some(Signed { keys, denial: denial.clone(), delegated: true });
    let tree = Keys::Combined(KeyKind::EcdsaP256);
    let zone = |origin, text, keys| ZoneSpec { signed: signed(keys), ..ZoneSpec::new(origin, text) };
    let plain = ZoneSpec { signed: None, ..ZoneSpec::new(PLAIN, "mail A 198.51.100.20") };
    let mut island = ZoneSpec::new("island.example", "mail A 198.51.100.30");
    if let Some(signed) = &mut island.signed {
        signed.delegated = false;
    }
    let zones = vec![zone(".", "", tree), zone(EXAMPLE, "", tree), zone(FABRIKAM, RECORDS, keys), plain, island];
    Plan { zones, faults: Vec::new() }
}

const COMBINED: Keys = Keys::Combined(KeyKind::EcdsaP256);

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut cases = answers();
    cases.extend(algorithms());
    cases.extend(rollovers());
    cases.extend(times());
    cases.extend(FAULTS.iter().flat_map(faulty));
    cases
}

fn case(name: String, plan: Plan, (owner, rtype): (&str, RecordType)) -> Case {
    let question = Question { owner: crate::internet::name(owner), rtype };
    Case { name, plan, question, door: Door::Hickory, at: SignedDuration::ZERO }
}

const MX: (&str, RecordType) = (FABRIKAM, RecordType::MX);
const A: (&str, RecordType) = ("mx1.fabrikam.example", RecordType::A);
const NO_TYPE: (&str, RecordType) = ("mx1.fabrikam.example", RecordType::AAAA);
const NO_NAME: (&str, RecordType) = ("nothing.fabrikam.example", RecordType::A);
const WILDCARD: (&str, RecordType) = ("a.wild.fabrikam.example", RecordType::A);
const NO_TYPE_THERE: (&str, RecordType) = ("a.wild.fabrikam.example", RecordType::MX);
const UNSIGNED: (&str, RecordType) = ("mail.plain.example", RecordType::A);

/// How zones deny.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Nsec,
    Nsec3,
    /// With salt and ten iterations.
    Salted,
    OptOut,
}

impl How {
    fn denial(self) -> Denial {
        let nsec3 = |iterations, salt: &[u8], opt_out| Denial::Nsec3 { iterations, salt: salt.to_vec(), opt_out };
        match self {
            How::Nsec => Denial::Nsec,
            How::Nsec3 => nsec3(0, b"", false),
            How::Salted => nsec3(10, b"salt", false),
            How::OptOut => nsec3(0, b"", true),
        }
    }
}

/// Every kind of answer, from zones with every kind of denial.
fn answers() -> Vec<Case> {
    let denials = [How::Nsec, How::Nsec3, How::Salted, How::OptOut];
    let questions = [
        ("MX", MX),
        ("A", A),
        ("TLSA", ("_25._tcp.mx1.fabrikam.example", RecordType::TLSA)),
        ("no such type", NO_TYPE),
        ("no such name", NO_NAME),
        ("no such name, deeper", ("a.b.nothing.fabrikam.example", RecordType::A)),
        ("empty non-terminal", ("ent.fabrikam.example", RecordType::A)),
        ("wildcard", WILDCARD),
        ("no such type at a wildcard", ("a.wild.fabrikam.example", RecordType::MX)),
        ("wildcard alias", ("a.starred.fabrikam.example", RecordType::A)),
        ("alias", ("alias.fabrikam.example", RecordType::A)),
        ("alias into an unsigned zone", ("away.fabrikam.example", RecordType::A)),
        ("DNAME", ("mx1.old.fabrikam.example", RecordType::A)),
        ("DNAME to nothing", ("nothing.old.fabrikam.example", RecordType::A)),
        ("unsigned zone", UNSIGNED),
        ("no such name in an unsigned zone", ("nothing.plain.example", RecordType::A)),
        ("DS of an unsigned zone", (PLAIN, RecordType::DS)),
        ("signed zone without DS", ("mail.island.example", RecordType::A)),
    ];
    let each = denials.iter().flat_map(|denial| questions.iter().map(move |question| (denial, question)));
    each.map(|(how, (what, question))| case(format!("{what} ({how:?})"), plan(COMBINED, &how.denial()), *question))
        .collect()
}

/// Every algorithm, with one key and with two.
fn algorithms() -> Vec<Case> {
    let kinds = [KeyKind::Rsa2048, KeyKind::Rsa1024, KeyKind::EcdsaP256, KeyKind::Ed25519, KeyKind::Unsupported];
    let keys = kinds.into_iter().flat_map(|kind| [Keys::Combined(kind), Keys::Split(kind)]);
    keys.flat_map(|keys| {
        [("MX", MX), ("no such name", NO_NAME)]
            .map(|(what, question)| case(format!("{what} ({keys:?})"), plan(keys, &Denial::Nsec), question))
    })
    .collect()
}

/// Every state of every rollover.
fn rollovers() -> Vec<Case> {
    let states = Rollover::ALL.iter().flat_map(|rollover| (0..=rollover.steps()).map(move |step| (*rollover, step)));
    states
        .map(|(rollover, step)| {
            let plan = plan(Keys::Rolling(rollover, step), &Denial::Nsec);
            case(format!("MX, rollover {rollover:?} after {step} steps"), plan, MX)
        })
        .collect()
}

/// At other times than now.
fn times() -> Vec<Case> {
    let later = |name: &str, days: i64, plan: Plan, question| Case {
        at: SignedDuration::from_hours(24 * days),
        ..case(name.to_owned(), plan, question)
    };
    let replayed = Plan {
        faults: vec![on(FABRIKAM, FaultKind::Content(ContentFault::Replayed))],
        ..plan(COMBINED, &Denial::Nsec)
    };
    vec![
        later("MX a year later", 365, plan(COMBINED, &Denial::Nsec), MX),
        later("MX before the first signature", -10, plan(COMBINED, &Denial::Nsec), MX),
        later("Replayed a month later: MX", 30, replayed, MX),
    ]
}

fn on(zone: &str, kind: FaultKind) -> FaultSpec {
    FaultSpec { kind, zone: name(zone), owner: None, rtype: None }
}

/// How a fault is tried.
struct Trial {
    kind: FaultKind,
    door: Door,
    zone: &'static str,
    keys: Keys,
    how: How,
    questions: &'static [(&'static str, RecordType)],
}

/// The trials of the catalogue. Each row begins with a pattern, and together they must match every fault there is: a new one
/// does not compile before it has a row.
macro_rules! trials {
    ($($pattern:pat => [$($trial:expr),+ $(,)?],)+) => {
        const FAULTS: &[Trial] = &[$($($trial),+),+];

        const _: fn(FaultKind) = |kind| match kind {
            $($pattern => (),)+
        };
    };
}

/// The questions of most trials: an answer at the apex and one below, and two denials.
const USUAL: &[(&str, RecordType)] = &[MX, A, NO_TYPE, NO_NAME];

const fn trial(kind: FaultKind) -> Trial {
    Trial { kind, door: Door::Hickory, zone: FABRIKAM, keys: COMBINED, how: How::Nsec, questions: USUAL }
}

/// Answers that are not well-formed messages.
const fn odd(kind: FaultKind) -> Trial {
    Trial { door: Door::Own, ..trial(kind) }
}

trials! {
    FaultKind::Answer(AnswerFault::Code(_)) => [
        trial(FaultKind::Answer(AnswerFault::Code(Rcode::SERVFAIL))),
        trial(FaultKind::Answer(AnswerFault::Code(Rcode::REFUSED))),
        trial(FaultKind::Answer(AnswerFault::Code(Rcode::FORMERR))),
        trial(FaultKind::Answer(AnswerFault::Code(Rcode::NOTIMP))),
    ],
    FaultKind::Answer(AnswerFault::CodeForEdns(_)) => [trial(FaultKind::Answer(AnswerFault::CodeForEdns(Rcode::FORMERR)))],
    FaultKind::Answer(AnswerFault::LostAbove(_)) => [trial(FaultKind::Answer(AnswerFault::LostAbove(100)))],
    FaultKind::Answer(AnswerFault::OtherDenialCode) => [trial(FaultKind::Answer(AnswerFault::OtherDenialCode)), Trial { how: How::Nsec3, ..trial(FaultKind::Answer(AnswerFault::OtherDenialCode)) }],
    FaultKind::Answer(AnswerFault::WithoutSoa) => [trial(FaultKind::Answer(AnswerFault::WithoutSoa))],
    FaultKind::Answer(AnswerFault::DnameAlone) => [trial(FaultKind::Answer(AnswerFault::DnameAlone))],
    FaultKind::Answer(AnswerFault::ApexAlias) => [trial(FaultKind::Answer(AnswerFault::ApexAlias))],
    FaultKind::Answer(AnswerFault::DsFromChild) => [trial(FaultKind::Answer(AnswerFault::DsFromChild))],
    FaultKind::Delegation(_) => [
        trial(FaultKind::Delegation(DelegationFault::GlueMissing)),
        trial(FaultKind::Delegation(DelegationFault::GlueForeign)),
        Trial { zone: PLAIN, questions: &[UNSIGNED], ..trial(FaultKind::Delegation(DelegationFault::DsByReferral)) },
    ],
    FaultKind::Answer(AnswerFault::Timeout) => [trial(FaultKind::Answer(AnswerFault::Timeout))],
    FaultKind::Answer(AnswerFault::Slow(_)) => [trial(FaultKind::Answer(AnswerFault::Slow(Duration::from_millis(150))))],
    FaultKind::Answer(AnswerFault::Lame) => [trial(FaultKind::Answer(AnswerFault::Lame))],
    FaultKind::Answer(AnswerFault::Truncated) => [odd(FaultKind::Answer(AnswerFault::Truncated))],
    FaultKind::Answer(AnswerFault::Malformed) => [odd(FaultKind::Answer(AnswerFault::Malformed))],
    FaultKind::Answer(AnswerFault::WrongId) => [odd(FaultKind::Answer(AnswerFault::WrongId))],
    FaultKind::Answer(AnswerFault::WrongQuestion) => [odd(FaultKind::Answer(AnswerFault::WrongQuestion))],
    FaultKind::Answer(AnswerFault::NxDomain) => [
        trial(FaultKind::Answer(AnswerFault::NxDomain)),
        Trial { how: How::Nsec3, ..trial(FaultKind::Answer(AnswerFault::NxDomain)) },
    ],
    FaultKind::Answer(AnswerFault::AliasLoop) => [trial(FaultKind::Answer(AnswerFault::AliasLoop))],
    FaultKind::Answer(AnswerFault::Stripped) => [
        Trial { questions: &[MX, NO_TYPE, NO_NAME, WILDCARD, NO_TYPE_THERE], ..trial(FaultKind::Answer(AnswerFault::Stripped)) },
        Trial { zone: EXAMPLE, questions: &[MX, UNSIGNED], ..trial(FaultKind::Answer(AnswerFault::Stripped)) },
        Trial { how: How::Nsec3, questions: &[MX, NO_TYPE, NO_NAME], ..trial(FaultKind::Answer(AnswerFault::Stripped)) },
    ],
    FaultKind::Signature(SignatureFault::Expired) => [
        trial(FaultKind::Signature(SignatureFault::Expired)),
        Trial { how: How::Nsec3, ..trial(FaultKind::Signature(SignatureFault::Expired)) },
    ],
    FaultKind::Signature(SignatureFault::NotYetValid) => [trial(FaultKind::Signature(SignatureFault::NotYetValid))],
    FaultKind::Signature(SignatureFault::Missing) => [
        trial(FaultKind::Signature(SignatureFault::Missing)),
        Trial { how: How::Nsec3, ..trial(FaultKind::Signature(SignatureFault::Missing)) },
    ],
    FaultKind::Signature(SignatureFault::Bad) => [
        trial(FaultKind::Signature(SignatureFault::Bad)),
        Trial { how: How::Nsec3, ..trial(FaultKind::Signature(SignatureFault::Bad)) },
    ],
    FaultKind::Signature(SignatureFault::WrongKey) => [
        trial(FaultKind::Signature(SignatureFault::WrongKey)),
        Trial { how: How::Nsec3, ..trial(FaultKind::Signature(SignatureFault::WrongKey)) },
    ],
    FaultKind::Content(ContentFault::Replayed) => [trial(FaultKind::Content(ContentFault::Replayed))],
    FaultKind::Keys(KeyFault::Missing) => [
        trial(FaultKind::Keys(KeyFault::Missing)),
        Trial { keys: Keys::Split(KeyKind::EcdsaP256), ..trial(FaultKind::Keys(KeyFault::Missing)) },
    ],
    FaultKind::Keys(KeyFault::Many(_)) => [trial(FaultKind::Keys(KeyFault::Many(1))), trial(FaultKind::Keys(KeyFault::Many(40)))],
    FaultKind::Ds(DsFault::Mismatch) => [trial(FaultKind::Ds(DsFault::Mismatch))],
    FaultKind::Ds(DsFault::Unsupported) => [trial(FaultKind::Ds(DsFault::Unsupported))],
    FaultKind::Ds(DsFault::WithoutKey) => [Trial { zone: PLAIN, questions: &[UNSIGNED], ..trial(FaultKind::Ds(DsFault::WithoutKey)) }],
    FaultKind::Proof(ProofFault::Missing) => [
        Trial { questions: &[MX, NO_TYPE, NO_NAME, WILDCARD, NO_TYPE_THERE], ..trial(FaultKind::Proof(ProofFault::Missing)) },
        Trial { zone: EXAMPLE, questions: &[UNSIGNED], ..trial(FaultKind::Proof(ProofFault::Missing)) },
        Trial {
            how: How::Nsec3,
            questions: &[MX, NO_TYPE, NO_NAME, WILDCARD, NO_TYPE_THERE],
            ..trial(FaultKind::Proof(ProofFault::Missing))
        },
        Trial { how: How::Nsec3, zone: EXAMPLE, questions: &[UNSIGNED], ..trial(FaultKind::Proof(ProofFault::Missing)) },
        Trial { how: How::OptOut, zone: EXAMPLE, questions: &[UNSIGNED], ..trial(FaultKind::Proof(ProofFault::Missing)) },
    ],
    FaultKind::Proof(ProofFault::Wrong) => [
        Trial { questions: &[MX, NO_TYPE, NO_NAME, WILDCARD, NO_TYPE_THERE], ..trial(FaultKind::Proof(ProofFault::Wrong)) },
        Trial { zone: EXAMPLE, questions: &[UNSIGNED], ..trial(FaultKind::Proof(ProofFault::Wrong)) },
        Trial {
            how: How::Nsec3,
            questions: &[MX, NO_TYPE, NO_NAME, WILDCARD, NO_TYPE_THERE],
            ..trial(FaultKind::Proof(ProofFault::Wrong))
        },
        Trial { how: How::Nsec3, zone: EXAMPLE, questions: &[UNSIGNED], ..trial(FaultKind::Proof(ProofFault::Wrong)) },
        Trial { how: How::OptOut, zone: EXAMPLE, questions: &[UNSIGNED], ..trial(FaultKind::Proof(ProofFault::Wrong)) },
    ],
    FaultKind::Answer(AnswerFault::NoData) => [trial(FaultKind::Answer(AnswerFault::NoData))],
    FaultKind::Answer(AnswerFault::SoaTtlKept) => [trial(FaultKind::Answer(AnswerFault::SoaTtlKept))],
    FaultKind::Answer(AnswerFault::TtlRaised) => [trial(FaultKind::Answer(AnswerFault::TtlRaised))],
    FaultKind::Signature(SignatureFault::OtherSigner) => [Trial { keys: Keys::Split(KeyKind::EcdsaP256), ..trial(FaultKind::Signature(SignatureFault::OtherSigner)) }],
    FaultKind::Signature(SignatureFault::OtherAlgorithm) => [Trial { keys: Keys::Split(KeyKind::EcdsaP256), ..trial(FaultKind::Signature(SignatureFault::OtherAlgorithm)) }],
    FaultKind::Signature(SignatureFault::ByZoneKeys) => [Trial { keys: Keys::Split(KeyKind::EcdsaP256), ..trial(FaultKind::Signature(SignatureFault::ByZoneKeys)) }],
    FaultKind::Signature(SignatureFault::ShortTtl) => [Trial { keys: Keys::Split(KeyKind::EcdsaP256), ..trial(FaultKind::Signature(SignatureFault::ShortTtl)) }],
    FaultKind::Keys(KeyFault::Revoked) => [Trial { keys: Keys::Split(KeyKind::EcdsaP256), ..trial(FaultKind::Keys(KeyFault::Revoked)) }],
    FaultKind::Keys(KeyFault::NoZoneKeys) => [Trial { keys: Keys::Split(KeyKind::EcdsaP256), ..trial(FaultKind::Keys(KeyFault::NoZoneKeys)) }],
    FaultKind::Keys(KeyFault::OtherProtocol) => [Trial { door: Door::Own, keys: Keys::Split(KeyKind::EcdsaP256), ..trial(FaultKind::Keys(KeyFault::OtherProtocol)) }],
    FaultKind::Ds(DsFault::WrongTag) => [trial(FaultKind::Ds(DsFault::WrongTag))],
    FaultKind::Ds(DsFault::WrongAlgorithm) => [trial(FaultKind::Ds(DsFault::WrongAlgorithm))],
    FaultKind::Ds(DsFault::WrongDigest) => [trial(FaultKind::Ds(DsFault::WrongDigest))],
    FaultKind::Ds(DsFault::DigestUnsupported) => [trial(FaultKind::Ds(DsFault::DigestUnsupported))],
    FaultKind::Proof(ProofFault::Without(_)) => [
        trial(FaultKind::Proof(ProofFault::Without(Part::Wildcard))),
        trial(FaultKind::Proof(ProofFault::Without(Part::NextCloser))),
        Trial { how: How::Nsec3, ..trial(FaultKind::Proof(ProofFault::Without(Part::Wildcard))) },
        Trial { how: How::Nsec3, ..trial(FaultKind::Proof(ProofFault::Without(Part::NextCloser))) },
        Trial { how: How::Nsec3, ..trial(FaultKind::Proof(ProofFault::Without(Part::Encloser))) },
    ],
    FaultKind::Proof(ProofFault::WrongTypes) => [
        trial(FaultKind::Proof(ProofFault::WrongTypes)),
        Trial { how: How::Nsec3, ..trial(FaultKind::Proof(ProofFault::WrongTypes)) },
    ],
    FaultKind::Proof(ProofFault::Overreaching) => [trial(FaultKind::Proof(ProofFault::Overreaching))],
    FaultKind::Chain(ChainFault::Iterations(_)) => [
        trial(FaultKind::Chain(ChainFault::Iterations(1))),
        trial(FaultKind::Chain(ChainFault::Iterations(100))),
        trial(FaultKind::Chain(ChainFault::Iterations(500))),
        trial(FaultKind::Chain(ChainFault::Iterations(2_500))),
        Trial { zone: EXAMPLE, questions: &[MX, UNSIGNED], ..trial(FaultKind::Chain(ChainFault::Iterations(500))) },
    ],
}

fn faulty(trial: &'static Trial) -> impl Iterator<Item = Case> {
    let plan = Plan { faults: vec![on(trial.zone, trial.kind)], ..plan(trial.keys, &trial.how.denial()) };
    trial.questions.iter().map(move |question| {
        let keys = if trial.keys == COMBINED { String::new() } else { format!(" ({:?})", trial.keys) };
        let how = if trial.how == How::Nsec { String::new() } else { format!(" ({:?})", trial.how) };
        let title = format!("{:?} of {}{keys}{how}: {} {}", trial.kind, trial.zone, question.1, question.0);
        Case { door: trial.door, ..case(title, plan.clone(), *question) }
    })
}
