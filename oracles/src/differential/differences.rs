//! Where the validators may differ, and who is right.
//!
//! Every entry is as narrow as it can be made: what ours and the other say, and what zones, faults and answer look like. A
//! difference that no entry explains fails the test.

use mxlab_dns::rdata::Rrsig;
use mxlab_dns::wire::Message;
use mxlab_dns::{FaultKind, KeyKind, Name, RecordType};

use crate::internet::{Plan, ZoneSpec};
use crate::judges::{Status, Verdict};

/// The judge that says something else than ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    Nlnet,
    Hickory,
}

/// What is known of a question on which a validator differs from ours.
pub struct Observed<'a> {
    pub plan: &'a Plan,
    pub owner: &'a Name,
    pub rtype: RecordType,
    pub ours: &'a Verdict,
    pub other: &'a Verdict,
    /// The answer that all were given.
    pub answer: Option<&'a Message>,
}

impl Observed<'_> {
    fn says(&self, ours: Status, other: Status) -> bool {
        (self.ours.status, self.other.status) == (ours, other)
    }

    /// The zones that claim to have signed something of the answer.
    fn signers(&self) -> Vec<Name> {
        let records = self.answer.iter().flat_map(|answer| answer.answer.iter().chain(&answer.authority));
        let signatures = records.filter(|record| record.rtype == RecordType::RRSIG);
        signatures.filter_map(|record| Rrsig::parse(&record.rdata).ok()).map(|rrsig| rrsig.signer).collect()
    }

    fn zone(&self, origin: &Name) -> Option<&ZoneSpec> {
        self.plan.zones.iter().find(|zone| zone.origin == *origin)
    }

    /// Whether the zone is signed, and lies below one to which no chain of trust leads.
    fn is_island(&self, origin: &Name) -> bool {
        let unchained = |zone: &&ZoneSpec| zone.signed.as_ref().is_none_or(|signed| !signed.delegated);
        self.zone(origin).is_some_and(|zone| zone.signed.is_some())
            && self.plan.zones.iter().filter(unchained).any(|above| origin.is_strictly_below(&above.origin))
    }

    /// Whether there is a fault of this kind on RRsets of this type.
    fn fault(&self, kind: FaultKind, rtype: RecordType) -> bool {
        let acts = |scope: Option<RecordType>| scope.is_none_or(|scope| scope == rtype);
        self.plan.faults.iter().any(|fault| fault.kind == kind && acts(fault.rtype))
    }

    /// Whether the answer is an alias to something that is denied.
    fn is_alias_to_nothing(&self) -> bool {
        let has = |rtype| self.answer.is_some_and(|answer| answer.answer.iter().any(|record| record.rtype == rtype));
        has(RecordType::CNAME) && !has(self.rtype)
    }
}

/// An accepted difference.
pub struct Difference {
    pub name: &'static str,
    pub of: Other,
    /// Who is right, by which document.
    pub explanation: &'static str,
    pub applies: fn(&Observed) -> bool,
}

/// All of them.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "domain does not know P-384 and Ed25519",
        of: Other::Nlnet,
        explanation: "Its validator takes RSA and P-256 for supported and nothing else, and so treats a zone with a DS of \
             another algorithm as unsigned, as RFC 4035 section 5.2 has it for unknown algorithms. Ours knows them, as \
             RFC 8624 section 3.1 recommends. Both are right for what they know.",
        applies: |observed| {
            let unknown =
                |zone: &ZoneSpec| zone.signed.as_ref().is_some_and(|signed| signed.keys.may_be(KeyKind::Ed25519));
            observed.other.status == Status::Insecure
                && observed.other.detail.contains("No supported algorithm in DS RRset")
                && observed.plan.zones.iter().any(unknown)
        },
    },
    Difference {
        name: "hickory takes a DNSKEY RRset without signature",
        of: Other::Hickory,
        explanation: "It trusts each key that a DS names, without asking for a signature over the DNSKEY RRset. RFC 4035 \
             section 5.2 requires that a key that a DS names has signed the RRset. Ours is right.",
        applies: |observed| {
            observed.ours.status == Status::Servfail
                && observed.ours.detail.starts_with("rrsig-missing: DNSKEY ")
                && observed.fault(FaultKind::RrsigMissing, RecordType::DNSKEY)
        },
    },
    Difference {
        name: "hickory refuses a signed zone below an unsigned one",
        of: Other::Hickory,
        explanation: "Where a zone is signed but no chain of trust leads to it, because a zone above is unsigned or has no \
             DS, the answer is insecure (RFC 4035 sections 4.3 and 5.2). It calls the signatures bogus. Ours is right.",
        applies: |observed| {
            observed.says(Status::Insecure, Status::Servfail)
                && observed.plan.zones.iter().any(|zone| {
                    observed.is_island(&zone.origin)
                        && (observed.owner.is_subdomain_of(&zone.origin) || observed.signers().contains(&zone.origin))
                })
        },
    },
    Difference {
        name: "hickory proves the denial of an alias's target for the alias",
        of: Other::Hickory,
        explanation: "An answer that ends in a denial denies the last name of the alias chain (RFC 6604 section 3, RFC 2308 \
             section 2.1); it looks for a proof that the first one does not exist. Ours is right.",
        applies: |observed| {
            observed.other.status == Status::Servfail
                && observed.other.detail == "no proof of denial"
                && observed.is_alias_to_nothing()
        },
    },
];

/// The entry that explains a difference.
pub fn explain(of: Other, observed: &Observed) -> Option<&'static Difference> {
    DIFFERENCES.iter().find(|difference| difference.of == of && (difference.applies)(observed))
}
