//! What an authority does wrong on purpose.
//!
//! A fault is data: what goes wrong, for which answers, and when. The authority looks its faults up while it answers; of
//! two on the same thing the later one acts.

use jiff::Timestamp;
use ring::digest;

use crate::keys::{Algorithm, SigningKey};
use crate::name::Name;
use crate::rdata::Rdata as _;
use crate::record::{RecordType, Rrset};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// The answer is SERVFAIL.
    Servfail,
    /// The answer is REFUSED.
    Refused,
    /// There is no answer.
    Timeout,
    /// RRsets go out without their signatures.
    RrsigMissing,
    /// The parent publishes the DS of another key. The zone of the scope is the child.
    DsMismatch,
}

/// Which answers a fault touches. For [`FaultKind::Servfail`], [`FaultKind::Refused`] and [`FaultKind::Timeout`] owner and
/// type are those of the question, for the others those of the RRset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultScope {
    /// Answers from this zone.
    pub zone: Name,
    /// Only for this owner.
    pub owner: Option<Name>,
    /// Only for this type.
    pub rtype: Option<RecordType>,
}

impl FaultScope {
    /// All answers from a zone.
    pub fn zone(zone: Name) -> FaultScope {
        FaultScope { zone, owner: None, rtype: None }
    }

    fn matches(&self, zone: &Name, owner: &Name, rtype: RecordType) -> bool {
        self.zone == *zone
            && self.owner.as_ref().is_none_or(|scoped| scoped == owner)
            && self.rtype.is_none_or(|scoped| scoped == rtype)
    }
}

/// A fault of an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// For which answers.
    pub scope: FaultScope,
    /// The first second; from the beginning if none.
    pub from: Option<Timestamp>,
    /// The second at which it is over; never if none.
    pub until: Option<Timestamp>,
    /// How often it acts before it is over; without bound if none.
    pub times: Option<u32>,
}

impl Fault {
    /// A fault that lasts until it is ended.
    pub fn new(kind: FaultKind, scope: FaultScope) -> Fault {
        Fault { kind, scope, from: None, until: None, times: None }
    }
}

/// Names a fault that has begun, to end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FaultId(u64);

/// The faults of an authority, in the order in which they began.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    began: u64,
    faults: Vec<(FaultId, Fault)>,
}

impl Faults {
    pub(crate) fn begin(&mut self, fault: Fault) -> FaultId {
        self.began += 1;
        let id = FaultId(self.began);
        self.faults.push((id, fault));
        id
    }

    pub(crate) fn end(&mut self, id: FaultId) -> bool {
        let before = self.faults.len();
        self.faults.retain(|(held, _)| *held != id);
        self.faults.len() < before
    }

    /// The latest active fault that `wanted` accepts for this owner and type in this zone. Counts as acting once.
    fn act(
        &mut self,
        wanted: impl Fn(FaultKind) -> bool,
        zone: &Name,
        owner: &Name,
        rtype: RecordType,
        now: Timestamp,
    ) -> Option<FaultKind> {
        let active = |fault: &Fault| {
            fault.from.is_none_or(|from| from <= now)
                && fault.until.is_none_or(|until| now < until)
                && fault.times != Some(0)
        };
        let (_, fault) = self
            .faults
            .iter_mut()
            .rev()
            .find(|(_, fault)| wanted(fault.kind) && active(fault) && fault.scope.matches(zone, owner, rtype))?;
        if let Some(times) = &mut fault.times {
            *times -= 1;
        }
        Some(fault.kind)
    }

    /// What replaces the whole answer to a question.
    pub(crate) fn whole(&mut self, zone: &Name, owner: &Name, rtype: RecordType, now: Timestamp) -> Option<FaultKind> {
        let whole = |kind| matches!(kind, FaultKind::Servfail | FaultKind::Refused | FaultKind::Timeout);
        self.act(whole, zone, owner, rtype, now)
    }

    /// Whether this RRset goes out without its signatures.
    pub(crate) fn strips(&mut self, zone: &Name, rrset: &Rrset, now: Timestamp) -> bool {
        self.act(|kind| kind == FaultKind::RrsigMissing, zone, &rrset.name, rrset.rtype, now).is_some()
    }

    /// The RRset that goes out in place of this one.
    pub(crate) fn replaced(&mut self, rrset: &Rrset, now: Timestamp) -> Option<Rrset> {
        if rrset.rtype != RecordType::DS {
            return None;
        }
        self.act(|kind| kind == FaultKind::DsMismatch, &rrset.name, &rrset.name, rrset.rtype, now)?;
        let other = other_key(&rrset.name)?;
        Some(Rrset { rdatas: vec![other.ds(&rrset.name).to_rdata()], ..rrset.clone() })
    }
}

/// A key that is none of the zone's: it follows from the zone's name.
fn other_key(zone: &Name) -> Option<SigningKey> {
    let mut seed = b"the key of another zone: ".to_vec();
    zone.push_canonical(&mut seed);
    let seed = digest::digest(&digest::SHA256, &seed);
    SigningKey::from_seed(Algorithm::ED25519, seed.as_ref().try_into().ok()?).ok()
}
