//! What an authority does wrong on purpose.
//!
//! A fault is data: what goes wrong, for which answers, and when. The authority looks its faults up while it answers; of
//! two on the same thing the later one acts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use ring::digest;

use crate::keys::Algorithm;
use crate::name::Name;
use crate::rdata::Rdata as _;
use crate::record::{RecordType, Rrset};
use crate::signing_key::SigningKey;

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

impl FaultKind {
    /// Whether it happens at the servers of the zone's parent, where its DS stands.
    pub fn is_at_parent(self) -> bool {
        self == FaultKind::DsMismatch
    }
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
    /// How often it acts before it is over, over all servers that share its [`Uses`]; without bound if none.
    pub times: Option<u32>,
}

impl Fault {
    /// A fault that lasts until it is ended.
    pub fn new(kind: FaultKind, scope: FaultScope) -> Fault {
        Fault { kind, scope, from: None, until: None, times: None }
    }
}

/// How often a fault has acted. A fault that befalls several servers at once is one fault: all of them count here, and
/// [`Fault::times`] bounds the sum.
#[derive(Clone, Debug, Default)]
pub struct Uses(Arc<AtomicU32>);

impl Uses {
    /// How often so far.
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether that is as often as the fault may act.
    pub fn are_up(&self, times: Option<u32>) -> bool {
        times.is_some_and(|times| self.count() >= times)
    }

    /// Counts once more, unless they are up.
    fn take(&self, times: Option<u32>) -> bool {
        let more = |count: u32| match times {
            Some(times) if count >= times => None,
            _ => Some(count.saturating_add(1)),
        };
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }
}

/// Names a fault that has begun, to end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FaultId(u64);

/// The faults of an authority, in the order in which they began.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    began: u64,
    faults: Vec<Begun>,
}

#[derive(Clone, Debug)]
struct Begun {
    id: FaultId,
    fault: Fault,
    uses: Uses,
}

impl Faults {
    pub(crate) fn begin(&mut self, fault: Fault, uses: Uses) -> FaultId {
        self.began += 1;
        let id = FaultId(self.began);
        self.faults.push(Begun { id, fault, uses });
        id
    }

    pub(crate) fn end(&mut self, id: FaultId) -> bool {
        let before = self.faults.len();
        self.faults.retain(|begun| begun.id != id);
        self.faults.len() < before
    }

    /// The latest active fault that `wanted` accepts for this owner and type in this zone. Counts as acting once.
    fn act(
        &self,
        wanted: impl Fn(FaultKind) -> bool,
        zone: &Name,
        owner: &Name,
        rtype: RecordType,
        now: Timestamp,
    ) -> Option<FaultKind> {
        let active = |fault: &Fault| {
            fault.from.is_none_or(|from| from <= now)
                && fault.until.is_none_or(|until| now < until)
                && wanted(fault.kind)
                && fault.scope.matches(zone, owner, rtype)
        };
        let acts = |begun: &&Begun| active(&begun.fault) && begun.uses.take(begun.fault.times);
        self.faults.iter().rev().find(acts).map(|begun| begun.fault.kind)
    }

    /// What replaces the whole answer to a question.
    pub(crate) fn whole(&self, zone: &Name, owner: &Name, rtype: RecordType, now: Timestamp) -> Option<FaultKind> {
        let whole = |kind| matches!(kind, FaultKind::Servfail | FaultKind::Refused | FaultKind::Timeout);
        self.act(whole, zone, owner, rtype, now)
    }

    /// Whether this RRset goes out without its signatures.
    pub(crate) fn strips(&self, zone: &Name, rrset: &Rrset, now: Timestamp) -> bool {
        self.act(|kind| kind == FaultKind::RrsigMissing, zone, &rrset.name, rrset.rtype, now).is_some()
    }

    /// The RRset that goes out in place of this one.
    pub(crate) fn replaced(&self, rrset: &Rrset, now: Timestamp) -> Option<Rrset> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn servfail(times: Option<u32>) -> Fault {
        Fault { times, ..Fault::new(FaultKind::Servfail, FaultScope::zone("example".parse().unwrap())) }
    }

    /// What each query gets, each at the server with that number.
    fn check(servers: &[Faults], queries: &[usize]) -> Vec<bool> {
        let name = "mx.example".parse().unwrap();
        let zone = "example".parse().unwrap();
        let asked =
            |server: &usize| servers[*server].whole(&zone, &name, RecordType::A, Timestamp::UNIX_EPOCH).is_some();
        queries.iter().map(asked).collect()
    }

    #[test]
    fn uses_are_counted_over_all_servers() {
        for (shared, expected) in [(true, [true, true, false, false]), (false, [true, true, true, true])] {
            let (mut one, mut other) = (Faults::default(), Faults::default());
            let uses = Uses::default();
            one.begin(servfail(Some(2)), uses.clone());
            other.begin(servfail(Some(2)), if shared { uses.clone() } else { Uses::default() });
            assert_eq!(check(&[one, other], &[0, 1, 1, 0]), expected);
            assert!(uses.are_up(Some(2)));
            assert_eq!(uses.count(), 2);
        }
    }

    #[test]
    fn a_fault_without_bound_goes_on_and_one_of_none_never_acts() {
        for (times, acts) in [(None, true), (Some(0), false)] {
            let (mut faults, uses) = (Faults::default(), Uses::default());
            faults.begin(servfail(times), uses.clone());
            assert_eq!(check(&[faults], &[0, 0]), [acts, acts]);
            assert_eq!(uses.are_up(times), !acts);
        }
    }
}
