//! Where the validators may differ, and who is right.
//!
//! Every entry is as narrow as it can be made: what ours and the other say, and what zones, faults and answer look like. A
//! difference that no entry explains fails the test.

use mxlab_dns::rdata::Rrsig;
use mxlab_dns::wire::Message;
use mxlab_dns::{Algorithm, Denial, FaultKind, KeyKind, Name, Record, RecordType};

use crate::internet::{FaultSpec, Plan, ZoneSpec};
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

    fn records(&self) -> impl Iterator<Item = &Record> {
        self.answer.iter().flat_map(|answer| answer.answer.iter().chain(&answer.authority))
    }

    fn rrsigs(&self) -> impl Iterator<Item = (&Name, Rrsig)> {
        let signatures = self.records().filter(|record| record.rtype == RecordType::RRSIG);
        signatures.filter_map(|record| Some((&record.name, Rrsig::parse(&record.rdata).ok()?)))
    }

    /// Whether the answer holds a record of this type.
    fn answers_with(&self, rtype: RecordType) -> bool {
        self.answer.is_some_and(|answer| answer.answer.iter().any(|record| record.rtype == rtype))
    }

    /// Whether the answer was made from a wildcard.
    fn is_expanded(&self) -> bool {
        let own = |name: &Name| name.label_count() - usize::from(name.is_wildcard());
        self.rrsigs().any(|(owner, rrsig)| usize::from(rrsig.labels) < own(owner))
    }

    /// Whether the answer ends in something that is denied, after at least one alias.
    fn is_alias_to_nothing(&self) -> bool {
        self.answers_with(RecordType::CNAME) && !self.answers_with(self.rtype)
    }

    fn fault(&self, wanted: impl Fn(&FaultSpec) -> bool) -> bool {
        self.plan.faults.iter().any(wanted)
    }

    /// The iterations with which a zone may deny.
    fn iterations(&self, zone: &ZoneSpec) -> u16 {
        let own = match zone.signed.as_ref().map(|signed| &signed.denial) {
            Some(Denial::Nsec3 { iterations, .. }) => *iterations,
            _ => 0,
        };
        let faults = self.plan.faults.iter().filter(|fault| fault.zone == zone.origin);
        let faults = faults.filter_map(|fault| match fault.kind {
            FaultKind::Nsec3Iterations(iterations) => Some(iterations),
            _ => None,
        });
        faults.chain([own]).max().unwrap_or(own)
    }

    fn opts_out(&self) -> bool {
        let denials = self.plan.zones.iter().filter_map(|zone| zone.signed.as_ref()).map(|signed| &signed.denial);
        denials.into_iter().any(|denial| matches!(denial, Denial::Nsec3 { opt_out: true, .. }))
    }

    /// Whether nothing secure can stand below this zone.
    fn is_insecure(&self, zone: &ZoneSpec) -> bool {
        let of_keys =
            zone.signed.as_ref().is_none_or(|signed| !signed.delegated || signed.keys.may_be(KeyKind::Unsupported));
        let of_ds = |fault: &FaultSpec| fault.kind == FaultKind::DsUnsupported && fault.zone == zone.origin;
        of_keys || self.fault(of_ds) || self.iterations(zone) > 100
    }

    /// Whether the question or a part of the answer belongs to a zone below one to which no chain of trust leads.
    fn is_below_insecure(&self) -> bool {
        let names: Vec<&Name> = self.records().map(|record| &record.name).chain([self.owner]).collect();
        let insecure: Vec<&ZoneSpec> = self.plan.zones.iter().filter(|zone| self.is_insecure(zone)).collect();
        self.plan.zones.iter().any(|zone| {
            names.iter().any(|name| name.is_subdomain_of(&zone.origin))
                && insecure.iter().any(|above| zone.origin.is_strictly_below(&above.origin))
        })
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

/// Signatures of this kind of fault do not hold.
fn breaks_signatures(kind: FaultKind) -> bool {
    use FaultKind as K;
    matches!(
        kind,
        K::RrsigMissing | K::RrsigExpired | K::RrsigNotYetValid | K::RrsigBad | K::RrsigWrongKey | K::ManyKeys(_)
    )
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
            let known =
                |zone: &ZoneSpec| zone.signed.as_ref().is_some_and(|signed| signed.keys.may_be(KeyKind::Ed25519));
            observed.other.status == Status::Insecure
                && observed.plan.zones.iter().any(known)
                && (observed.other.detail.contains("No supported algorithm in DS RRset")
                    || observed.rrsigs().any(|(_, rrsig)| Algorithm(rrsig.algorithm) == Algorithm::ED25519))
        },
    },
    Difference {
        name: "domain allows one bad signature",
        of: Other::Nlnet,
        explanation: "Of keys with the same tag any may have signed (RFC 4035 section 5.3.1). Against CVE-2023-50387 it \
             gives up after the first signature that does not fit, ours after the eighth. Both bounds are permitted.",
        applies: |observed| {
            observed.other.status == Status::Servfail
                && observed.other.detail.contains("too many bad signature")
                && observed.fault(|fault| matches!(fault.kind, FaultKind::ManyKeys(_)))
        },
    },
    Difference {
        name: "domain calls more than 500 iterations bogus",
        of: Other::Nlnet,
        explanation: "RFC 9276 section 3.2 lets a validator treat NSEC3 above one count as insecure, and above a higher one \
             as an error. Ours treats everything above 100 as insecure, as Unbound and BIND do.",
        applies: |observed| {
            observed.says(Status::Insecure, Status::Servfail)
                && observed.other.detail.contains("NSEC3 with too high iteration count")
                && observed.plan.zones.iter().any(|zone| observed.iterations(zone) > 500)
        },
    },
    Difference {
        name: "domain follows a DNAME for a question about CNAME",
        of: Other::Nlnet,
        explanation: "The CNAME that goes with a DNAME answers a question of type CNAME (RFC 1034 section 3.6.2), and our \
             authority ends its answer there. It wants what the target has, as RFC 6672 section 3.2 can be read.",
        applies: |observed| {
            observed.other.status == Status::Servfail
                && observed.rtype == RecordType::CNAME
                && observed.answers_with(RecordType::DNAME)
                && (observed.other.detail.contains("Missing SOA record")
                    || observed.other.detail.contains("too many DNAME/CNAME records"))
        },
    },
    Difference {
        name: "ours sees room for an unsigned zone where others see a bad proof (domain)",
        of: Other::Nlnet,
        explanation: BELOW_OPT_OUT,
        applies: is_below_opt_out,
    },
    Difference {
        name: "ours sees room for an unsigned zone where others see a bad proof (hickory)",
        of: Other::Hickory,
        explanation: BELOW_OPT_OUT,
        applies: is_below_opt_out,
    },
    Difference {
        name: "hickory takes a DNSKEY RRset without a valid signature",
        of: Other::Hickory,
        explanation: "It trusts each key that a DS names, without asking for a signature over the DNSKEY RRset. RFC 4035 \
             section 5.2 requires that a key that a DS names has signed the RRset. Ours is right.",
        applies: |observed| {
            let covers = |fault: &FaultSpec| fault.rtype.is_none_or(|rtype| rtype == RecordType::DNSKEY);
            observed.ours.status == Status::Servfail
                && observed.ours.detail.contains("DNSKEY ")
                && observed.fault(|fault| breaks_signatures(fault.kind) && covers(fault))
        },
    },
    Difference {
        name: "hickory refuses a zone below an insecure one",
        of: Other::Hickory,
        explanation: "Where no chain of trust leads to a zone, because a zone above is unsigned, has no DS, or has only \
             algorithms or NSEC3 iterations that are not followed, the answer is insecure (RFC 4035 sections 4.3 and \
             5.2, RFC 9276 section 3.2). It calls what it finds there bogus. Ours is right.",
        applies: |observed| observed.says(Status::Insecure, Status::Servfail) && observed.is_below_insecure(),
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
    Difference {
        name: "hickory does not see the proof beside an expanded wildcard",
        of: Other::Hickory,
        explanation: "An answer from a wildcard comes with a proof that no closer name exists (RFC 4035 section 5.3.4, RFC \
             5155 section 8.8). For some of them it finds none, though domain and ours do.",
        applies: |observed| {
            observed.other.status == Status::Servfail
                && observed.other.detail == "no proof of denial"
                && observed.is_expanded()
        },
    },
    Difference {
        name: "hickory ignores opt-out in a denial",
        of: Other::Hickory,
        explanation: "Where the NSEC3 that covers the next closer name has the opt-out flag, an unsigned delegation may be \
             there, and AD must not be set (RFC 5155 section 9.2). It calls the denial secure. Ours is right.",
        applies: |observed| {
            observed.says(Status::Insecure, Status::Secure)
                && observed.ours.detail.starts_with("nsec3-opt-out")
                && observed.opts_out()
        },
    },
    Difference {
        name: "hickory judges the RRsets of an endless alias chain",
        of: Other::Hickory,
        explanation: "Its validating handle judges records and leaves aliases to whoever asks. Every RRset of the loop is \
             what it is called; the answer as a whole is none (RFC 1034 section 3.6.2), which ours says.",
        applies: |observed| observed.ours.detail.starts_with("alias-loop"),
    },
];

const BELOW_OPT_OUT: &str = "The answer has a proof by its zone that does not hold, or a bad SOA. The zone opts out, and \
     proves that it says nothing about the name (RFC 5155 section 8.6): an unsigned zone may begin there, whose answer \
     nobody can check. Whoever can forge the answer could send it without any proof and be believed as insecure by all. \
     Others take the signer that the answer names at its word and call it bogus.";

fn is_below_opt_out(observed: &Observed) -> bool {
    observed.says(Status::Insecure, Status::Servfail)
        && observed.ours.detail.starts_with("insecure-delegation: the NSEC3 opt-out of ")
        && observed.opts_out()
}

/// The entry that explains a difference.
pub fn explain(of: Other, observed: &Observed) -> Option<&'static Difference> {
    DIFFERENCES.iter().find(|difference| difference.of == of && (difference.applies)(observed))
}
