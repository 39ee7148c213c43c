//! The cases: every fault, and every healthy shape of a zone.

use jiff::SignedDuration;
use mxlab_dns::{FaultKind, RecordType};

use super::Question;
use super::door::Door;
use crate::internet::{FaultSpec, Plan, ZoneSpec, name};

/// One question to one internet.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: String,
    pub plan: Plan,
    pub question: Question,
    pub door: Door,
    /// How far from now it happens.
    pub at: SignedDuration,
}

const FABRIKAM: &str = "fabrikam.example";

const RECORDS: &str = "
@            MX    10 mx1
mx1          A     198.51.100.1
_25._tcp.mx1 TLSA  3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
alias        CNAME mx1
away         CNAME mail.plain.example.
deep.ent     A     198.51.100.9
*.wild       A     198.51.100.8
old          DNAME fabrikam.example.
";

fn plan() -> Plan {
    let plain = ZoneSpec { signed: None, ..ZoneSpec::new("plain.example", "mail A 198.51.100.20") };
    let mut island = ZoneSpec::new("island.example", "mail A 198.51.100.30");
    if let Some(signed) = &mut island.signed {
        signed.delegated = false;
    }
    let zones =
        vec![ZoneSpec::new(".", ""), ZoneSpec::new("example", ""), ZoneSpec::new(FABRIKAM, RECORDS), plain, island];
    Plan { zones, faults: Vec::new() }
}

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut cases = healthy();
    cases.extend(ALL_FAULTS.iter().flat_map(|kind| fault(*kind)));
    cases
}

fn question(owner: &str, rtype: RecordType) -> Question {
    Question { owner: name(owner), rtype }
}

fn healthy() -> Vec<Case> {
    let case = |title: &str, owner: &str, rtype| Case {
        name: title.to_owned(),
        plan: plan(),
        question: question(owner, rtype),
        door: Door::Hickory,
        at: SignedDuration::ZERO,
    };
    vec![
        case("healthy: MX", FABRIKAM, RecordType::MX),
        case("healthy: TLSA", "_25._tcp.mx1.fabrikam.example", RecordType::TLSA),
        case("healthy: no such type", "mx1.fabrikam.example", RecordType::AAAA),
        case("healthy: no such name", "nothing.fabrikam.example", RecordType::A),
        case("healthy: empty non-terminal", "ent.fabrikam.example", RecordType::A),
        case("healthy: alias", "alias.fabrikam.example", RecordType::A),
        case("healthy: alias into an unsigned zone", "away.fabrikam.example", RecordType::A),
        case("healthy: unsigned zone", "mail.plain.example", RecordType::A),
        case("healthy: no such name in an unsigned zone", "nothing.plain.example", RecordType::A),
        case("healthy: signed zone without DS", "mail.island.example", RecordType::A),
    ]
}

const ALL_FAULTS: &[FaultKind] =
    &[FaultKind::Servfail, FaultKind::Refused, FaultKind::Timeout, FaultKind::RrsigMissing, FaultKind::DsMismatch];

/// What is asked while a fault acts on the whole zone.
fn fault(kind: FaultKind) -> Vec<Case> {
    let door = match kind {
        FaultKind::Servfail
        | FaultKind::Refused
        | FaultKind::Timeout
        | FaultKind::RrsigMissing
        | FaultKind::DsMismatch => Door::Hickory,
        _ => Door::Own,
    };
    let spec = FaultSpec { kind, zone: name(FABRIKAM), owner: None, rtype: None };
    let plan = Plan { faults: vec![spec], ..plan() };
    let case = |title: &str, question| Case {
        name: format!("{kind:?}: {title}"),
        plan: plan.clone(),
        question,
        door,
        at: SignedDuration::ZERO,
    };
    vec![
        case("MX", question(FABRIKAM, RecordType::MX)),
        case("no such name", question("nothing.fabrikam.example", RecordType::A)),
    ]
}
