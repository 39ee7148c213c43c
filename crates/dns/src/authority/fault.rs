//! What an authority does wrong on purpose.
//!
//! A fault is data: what goes wrong, for which answers, and when. The authority looks its faults up while it answers.
//!
//! `forgery` makes what faults put into answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::name::Name;
use crate::record::{Rcode, RecordType};

macro_rules! families {
    ($($(#[doc = $doc:literal])+ $family:ident($kinds:ident),)+) => {
        /// What goes wrong: a kind from one of the families. If two faults of one family affect the same thing, the later
        /// one acts.
        ///
        /// A family is what one part of the authority can do wrong, and that part matches all kinds of it. So a new kind is
        /// its variant here and its arm there.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum FaultKind {
            $($(#[doc = $doc])+ $family($kinds),)+
        }

        $(
            impl From<$kinds> for FaultKind {
                fn from(kind: $kinds) -> FaultKind {
                    FaultKind::$family(kind)
                }
            }

            impl Family for $kinds {
                fn of(kind: FaultKind) -> Option<$kinds> {
                    match kind {
                        FaultKind::$family(kind) => Some(kind),
                        _ => None,
                    }
                }
            }
        )+
    };
}

families! {
    /// The whole answer to a question.
    Answer(AnswerFault),
    /// Which zone the answer comes from.
    Content(ContentFault),
    /// The signatures of an RRset.
    Signature(SignatureFault),
    /// The keys of a zone: its DNSKEY RRset and the signatures.
    Keys(KeyFault),
    /// The DS of a zone.
    Ds(DsFault),
    /// The delegation of a zone.
    Delegation(DelegationFault),
    /// A proof of non-existence.
    Proof(ProofFault),
    /// The chain of proofs.
    Chain(ChainFault),
}

/// A family of faults.
pub(crate) trait Family: Copy {
    /// The kind, if it belongs to the family.
    fn of(kind: FaultKind) -> Option<Self>;
}

/// What can be wrong with the whole answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerFault {
    /// The answer is only this code.
    Code(Rcode),
    /// A query with EDNS gets only this code, without EDNS, as from a server that does not know it (RFC 6891 §7).
    CodeForEdns(Rcode),
    /// Over UDP, an answer of more octets than this is lost.
    LostAbove(u16),
    /// There is no answer.
    Timeout,
    /// The answer comes after this time.
    Slow(Duration),
    /// The server does not know the zone: NOERROR without AA, and an upward referral to the root.
    Lame,
    /// Over UDP the answer is empty and truncated; over TCP the connection is closed.
    Truncated,
    /// The answer is octets that are not a message.
    Malformed,
    /// The answer has another id than the query.
    WrongId,
    /// The answer repeats another question.
    WrongQuestion,
    /// NXDOMAIN for a name that exists, with the proofs that the zone has. Unless the scope names the type, the
    /// infrastructure of the zone (DNSKEY, DS, NS, SOA, NSEC3PARAM) is answered as usual.
    NxDomain,
    /// No record of a type that exists, with the proof that the zone has about the name.
    NoData,
    /// The name is an alias of itself, signed if the zone is. The infrastructure is exempt as with
    /// [`AnswerFault::NxDomain`].
    AliasLoop,
    /// The answer is as if DO were not set, as a forwarder without DNSSEC passes it on: without signatures, proofs, or
    /// DS in a referral.
    Stripped,
    /// A denial has the other code: NXDOMAIN for a type that is not there, NOERROR for a name that does not exist.
    OtherDenialCode,
    /// A denial has no SOA, and no AA.
    WithoutSoa,
    /// A denial has the SOA with its own TTL, although its last field is less (RFC 2308 §3).
    SoaTtlKept,
    /// All records have a TTL of thirty days.
    TtlRaised,
    /// A DNAME comes without the alias that is made from it (RFC 6672 §3.1), and nothing more.
    DnameAlone,
    /// The apex is an alias of the name `www` below it, signed if the zone is. The infrastructure is exempt as with
    /// [`AnswerFault::NxDomain`].
    ApexAlias,
    /// A question for the DS of the zone is answered from the zone itself, which does not have it (RFC 4035 §2.4), although
    /// the server has a zone above it.
    DsFromChild,
}

/// Which other zone an answer can come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentFault {
    /// The zone as it was first published, with the signatures of that time.
    Replayed,
}

/// What can be wrong with signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureFault {
    /// They ended more than a day ago.
    Expired,
    /// They begin more than a day from now.
    NotYetValid,
    /// RRsets go out without them.
    Missing,
    /// One bit of each is flipped.
    Bad,
    /// They are by a key that the zone does not publish.
    WrongKey,
    /// They name the parent as their signer.
    OtherSigner,
    /// They have the number of another algorithm than their key.
    OtherAlgorithm,
    /// Those over the DNSKEY RRset are by the keys that sign records.
    ByZoneKeys,
    /// Their records have a TTL of thirty seconds.
    ShortTtl,
}

/// What can be wrong with the keys of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// The keys that sign records are missing from the DNSKEY RRset; if nothing is left, there is no DNSKEY RRset.
    Missing,
    /// This many extra keys with the tag and algorithm of the signing key, and as many bad signatures before each good
    /// one.
    Many(u16),
    /// The keys that sign records are revoked (RFC 5011 §2.1).
    Revoked,
    /// The keys that sign records are no zone keys (RFC 4034 §2.1.1).
    NoZoneKeys,
    /// The keys that sign records have another protocol than DNSSEC (RFC 4034 §2.1.2).
    OtherProtocol,
}

/// What can be wrong with the DS of a zone, at its parent. The zone of the scope is the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DsFault {
    /// It is the DS of another key.
    Mismatch,
    /// It has an unknown algorithm.
    Unsupported,
    /// There is one, though the child is unsigned.
    WithoutKey,
    /// It has another tag than its key.
    WrongTag,
    /// It has another algorithm than its key.
    WrongAlgorithm,
    /// It has another digest than its key.
    WrongDigest,
    /// It has an unknown digest type.
    DigestUnsupported,
}

/// What can be wrong with the delegation of a zone, at its parent. The zone of the scope is the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DelegationFault {
    /// A referral has no addresses.
    GlueMissing,
    /// A referral has no IPv4 addresses.
    GlueIpv6Only,
    /// A referral has wrong addresses of the servers whose names are outside of the parent.
    GlueForeign,
    /// A question for the DS is answered by a referral to the child.
    DsByReferral,
}

/// What can be wrong with a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofFault {
    /// It is left out. The SOA record of a negative answer stays.
    Missing,
    /// In its place there is another NSEC or NSEC3 record of the zone, validly signed, that does not prove it.
    Wrong,
    /// The part about this is left out.
    Without(Part),
    /// A record at the name says that the type is there.
    WrongTypes,
    /// In its place there is one NSEC record whose next name is outside of the zone, so that it seems to cover all names.
    Overreaching,
}

/// What a part of a proof is about (RFC 4035 §3.1.3, RFC 5155 §7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The name itself: the record with the types there.
    Name,
    /// The longest existing name above it. Only NSEC3 has a record for that.
    Encloser,
    /// The name one label below that, which does not exist; with NSEC, the name itself.
    NextCloser,
    /// The wildcard that would match the name.
    Wildcard,
}

/// Which other chain of proofs a zone can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainFault {
    /// NSEC3 with this many iterations, whatever the zone's own settings.
    Iterations(u16),
}

impl FaultKind {
    /// Whether it happens at the servers of the zone's parent, which publish its DS.
    pub fn is_at_parent(self) -> bool {
        matches!(self, FaultKind::Ds(_) | FaultKind::Delegation(_))
    }

    /// Whether it does not affect this type when the scope names no type.
    fn spares(self, rtype: RecordType) -> bool {
        let infrastructure =
            [RecordType::DNSKEY, RecordType::DS, RecordType::NS, RecordType::SOA, RecordType::NSEC3PARAM];
        let spares = [AnswerFault::NxDomain, AnswerFault::AliasLoop, AnswerFault::ApexAlias].map(FaultKind::Answer);
        spares.contains(&self) && infrastructure.contains(&rtype)
    }
}

/// Which answers a fault affects. Owner and type are, for faults that affect
///
/// - the whole answer, the zone's content or its chain: those of the question;
/// - signatures and keys: those of the RRset; if it was expanded from a wildcard, the owner is either name;
/// - a DS or a delegation: the zone itself, and DS;
/// - a proof: those that are proved not to exist; in a referral, the child's apex and DS.
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
    /// The second at which it ends; never if none.
    pub until: Option<Timestamp>,
    /// In how many answers it acts before it ends, over all servers that share its [`Uses`]; without bound if none.
    pub times: Option<u32>,
}

impl Fault {
    /// A fault that lasts until it is ended.
    pub fn new(kind: impl Into<FaultKind>, scope: FaultScope) -> Fault {
        Fault { kind: kind.into(), scope, from: None, until: None, times: None }
    }
}

/// How often a fault has acted. A fault of several servers at once is one fault: all of them count here, and
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

    /// Counts once more, unless all uses are spent.
    fn take(&self, times: Option<u32>) -> bool {
        let more = |count: u32| match times {
            Some(times) if count >= times => None,
            _ => Some(count.saturating_add(1)),
        };
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }
}

/// Names a fault that has begun, so that it can be ended.
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

    /// Those that may act in an answer at `now`.
    pub(crate) fn for_an_answer(&self, now: Timestamp) -> Acting<'_> {
        Acting { faults: self, now, acted: Vec::new() }
    }
}

/// The faults while one answer is made: each counts once at most.
#[derive(Debug)]
pub(crate) struct Acting<'a> {
    faults: &'a Faults,
    now: Timestamp,
    acted: Vec<FaultId>,
}

impl Acting<'_> {
    /// The latest fault of a family that affects this owner and type in this zone. The call counts as acting.
    pub(crate) fn act<F: Family>(&mut self, zone: &Name, owner: &Name, rtype: RecordType) -> Option<F> {
        let (begun, kind) = self.find(zone, owner, rtype)?;
        let id = begun.id;
        if !self.acted.contains(&id) {
            // Another server may have taken the last use in the meantime.
            if !begun.uses.take(begun.fault.times) {
                return None;
            }
            self.acted.push(id);
        }
        Some(kind)
    }

    /// What [`Acting::act`] would return, without counting.
    pub(crate) fn would_act<F: Family>(&self, zone: &Name, owner: &Name, rtype: RecordType) -> Option<F> {
        self.find(zone, owner, rtype).map(|(_, kind)| kind)
    }

    fn find<F: Family>(&self, zone: &Name, owner: &Name, rtype: RecordType) -> Option<(&Begun, F)> {
        let active = |begun: &&Begun| {
            let Fault { kind, scope, from, until, times } = &begun.fault;
            from.is_none_or(|from| from <= self.now)
                && until.is_none_or(|until| self.now < until)
                && scope.matches(zone, owner, rtype)
                && (scope.rtype.is_some() || !kind.spares(rtype))
                && (self.acted.contains(&begun.id) || !begun.uses.are_up(*times))
        };
        let faults = self.faults.faults.iter().rev().filter(active);
        faults.filter_map(|begun| Some((begun, F::of(begun.fault.kind)?))).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servfail(times: Option<u32>) -> Fault {
        Fault { times, ..Fault::new(AnswerFault::Code(Rcode::SERVFAIL), FaultScope::zone("example".parse().unwrap())) }
    }

    /// What each query gets, each at the server with that number.
    fn check(servers: &[Faults], queries: &[usize]) -> Vec<bool> {
        let name = "mx.example".parse().unwrap();
        let zone = "example".parse().unwrap();
        let asked = |server: &usize| {
            let mut acting = servers[*server].for_an_answer(Timestamp::UNIX_EPOCH);
            // However often it is looked up, an answer counts once.
            let acted = [(); 3].map(|()| acting.act::<AnswerFault>(&zone, &name, RecordType::A).is_some());
            assert!(acted == [acted[0]; 3]);
            acted[0]
        };
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
