//! Where the validators may differ, and who is right.
//!
//! Every entry is as narrow as it can be made: what ours and the other say, and what zones, faults and answer look like. A
//! difference that no entry explains fails the test.

use mxlab_dns::rdata::{Nsec, Nsec3, Rrsig};
use mxlab_dns::wire::Message;
use mxlab_dns::{
    AnswerFault, ChainFault, Denial, DsFault, FaultKind, KeyFault, KeyKind, Name, Rcode, Record, RecordType,
    SignatureFault, rdata,
};

use crate::internet::{FaultSpec, Plan, ZoneSpec};
use crate::judges::{Status, Verdict};

/// The judge that disagrees with ours.
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
    /// The answer that all of them got.
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

    /// Whether an NSEC leads to a name below a wildcard that has no records itself, but would match the owner.
    fn meets_bare_wildcard(&self) -> bool {
        let nsecs = self.records().filter(|record| record.rtype == RecordType::NSEC);
        let stands_in =
            |name: &Name| name.is_wildcard() && name.parent().is_some_and(|up| self.owner.is_subdomain_of(&up));
        nsecs
            .filter_map(|record| Nsec::parse(&record.rdata).ok())
            .any(|nsec| nsec.next.ancestors().any(|it| stands_in(&it)))
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
            FaultKind::Chain(ChainFault::Iterations(iterations)) => Some(iterations),
            _ => None,
        });
        faults.chain([own]).max().unwrap_or(own)
    }

    fn opts_out(&self) -> bool {
        let denials = self.plan.zones.iter().filter_map(|zone| zone.signed.as_ref()).map(|signed| &signed.denial);
        denials.into_iter().any(|denial| matches!(denial, Denial::Nsec3 { opt_out: true, .. }))
    }

    /// Whether nothing in or below this zone can be secure.
    fn is_insecure(&self, zone: &ZoneSpec) -> bool {
        let of_keys =
            zone.signed.as_ref().is_none_or(|signed| !signed.delegated || signed.keys.may_be(KeyKind::Unsupported));
        let of_ds = |fault: &FaultSpec| fault.kind == FaultKind::Ds(DsFault::Unsupported) && fault.zone == zone.origin;
        of_keys || self.fault(of_ds) || self.iterations(zone) > 100
    }

    /// Whether the question or a part of the answer belongs to a zone to which no chain of trust leads.
    fn is_in_insecure(&self) -> bool {
        self.plan.zones.iter().filter(|zone| self.is_insecure(zone)).any(|zone| self.touches(zone))
    }

    /// Whether the question or a part of the answer is in or below this zone.
    fn touches(&self, zone: &ZoneSpec) -> bool {
        let mut names = self.records().map(|record| &record.name).chain([self.owner]);
        names.any(|name| name.is_subdomain_of(&zone.origin))
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

/// Signatures with this kind of fault are not valid.
fn breaks_signatures(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Signature(SignatureFault::Missing)
            | FaultKind::Signature(SignatureFault::Expired)
            | FaultKind::Signature(SignatureFault::NotYetValid)
            | FaultKind::Signature(SignatureFault::Bad)
            | FaultKind::Signature(SignatureFault::WrongKey)
            | FaultKind::Keys(KeyFault::Many(_))
    )
}

/// All of them.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "domain does not know P-384 and Ed25519",
        of: Other::Nlnet,
        explanation: "Its validator supports only RSA and P-256, and so treats a zone with a DS of \
             another algorithm as unsigned, as RFC 4035 section 5.2 has it for unknown algorithms. Ours knows them, as \
             RFC 8624 section 3.1 recommends. Both are right for what they know.",
        applies: |observed| {
            let known =
                |zone: &&ZoneSpec| zone.signed.as_ref().is_some_and(|signed| signed.keys.may_be(KeyKind::Ed25519));
            // The DS that a fault invents for an unsigned zone names such a key.
            let of = |fault: &FaultSpec| observed.plan.zones.iter().find(|zone| zone.origin == fault.zone);
            let made_up = observed.fault(|fault| {
                fault.kind == FaultKind::Ds(DsFault::WithoutKey) && of(fault).is_some_and(|zone| observed.touches(zone))
            });
            observed.other.status == Status::Insecure
                && (made_up || observed.plan.zones.iter().filter(known).any(|zone| observed.touches(zone)))
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
                && observed.fault(|fault| matches!(fault.kind, FaultKind::Keys(KeyFault::Many(_))))
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
        name: "domain takes the signer at its word where NSEC3 are not followed",
        of: Other::Nlnet,
        explanation: "The signature over an RRset of the answer does not hold. The zone denies by NSEC3 with more than 100 \
             iterations (RFC 9276 section 3.2), so it cannot prove that no unsigned zone begins at or above the name, whose \
             answer nobody can check: whoever can forge this one could send it without signatures and be believed as \
             insecure by all. It calls it bogus.",
        applies: |observed| {
            let covers = |fault: &FaultSpec| observed.answers_with(fault.rtype.unwrap_or(observed.rtype));
            observed.says(Status::Insecure, Status::Servfail)
                && observed.ours.detail.starts_with("nsec3-iterations")
                && observed.fault(|fault| breaks_signatures(fault.kind) && covers(fault))
        },
    },
    Difference {
        name: "domain denies what lies below a DNAME at the apex",
        of: Other::Nlnet,
        explanation: "The fault denies a name below a DNAME. An NSEC3 whose types include DNAME proves nothing about names below \
             its original owner (RFC 5155 section 8.3, RFC 6840 section 4.1). It looks at the types of a closest encloser, \
             but not of the apex, which it takes to exist. Ours is right.",
        applies: |observed| {
            let at_dname_apex = |record: &Record| {
                let nsec3 = Nsec3::parse(&record.rdata).ok().filter(|_| record.rtype == RecordType::NSEC3);
                let has = |nsec3: &Nsec3, rtype| nsec3.types.contains(rtype);
                nsec3.is_some_and(|nsec3| has(&nsec3, RecordType::SOA) && has(&nsec3, RecordType::DNAME))
            };
            observed.ours.status == Status::Servfail
                && observed.ours.detail.starts_with("denial-wrong")
                && observed.other.status != Status::Servfail
                && observed.fault(|fault| fault.kind == FaultKind::Answer(AnswerFault::NxDomain))
                && observed.records().any(at_dname_apex)
        },
    },
    Difference {
        name: "domain follows a DNAME for a question about CNAME",
        of: Other::Nlnet,
        explanation: "The CNAME that goes with a DNAME answers a question of type CNAME (RFC 1034 section 3.6.2), and our \
             authority ends its answer there. It wants what the target has, as RFC 6672 section 3.2 may be read.",
        applies: |observed| {
            observed.other.status == Status::Servfail
                && observed.rtype == RecordType::CNAME
                && observed.answers_with(RecordType::DNAME)
                && observed.other.detail.contains("Missing SOA record")
        },
    },
    Difference {
        name: "domain follows a DNAME for ever",
        of: Other::Nlnet,
        explanation: "A DNAME whose target lies below its owner redirects what is below that in its own zone, and nothing in a \
             zone that is cut off there. It follows the DNAME again at every name that has the owner as a suffix.",
        applies: |observed| {
            observed.other.status == Status::Servfail
                && observed.answers_with(RecordType::DNAME)
                && observed.other.detail.contains("too many DNAME/CNAME records")
        },
    },
    Difference {
        name: "domain refuses an NXDOMAIN that proves no data",
        of: Other::Nlnet,
        explanation: MENDED,
        applies: is_mended,
    },
    Difference {
        name: "hickory refuses an NXDOMAIN that proves no data",
        of: Other::Hickory,
        explanation: MENDED,
        applies: is_mended,
    },
    Difference {
        name: "domain believes a zone about names that it opts out of",
        of: Other::Nlnet,
        explanation: OPTED_OUT,
        applies: is_opted_out,
    },
    Difference {
        name: "hickory believes a zone about names that it opts out of",
        of: Other::Hickory,
        explanation: OPTED_OUT,
        applies: is_opted_out,
    },
    Difference {
        name: "hickory wants a signature over the CNAME that a DNAME makes",
        of: Other::Hickory,
        explanation: "It is made from the DNAME, which is signed, and has no signature of its own (RFC 6672 section 5.3.1). Ours, \
             domain and Unbound check that it does.",
        applies: |observed| {
            observed.ours.status != Status::Servfail
                && observed.other.status == Status::Servfail
                && observed.answers_with(RecordType::DNAME)
        },
    },
    Difference {
        name: "hickory knows no wildcard that has no records",
        of: Other::Hickory,
        explanation: "A wildcard exists if there are names below it, and matches others without having any type (RFC 4592 \
             section 2.2.2). The span that leads from before it to a name below it shows that. Ours and domain are right.",
        applies: |observed| {
            observed.ours.status != Status::Servfail
                && observed.other.status == Status::Servfail
                && observed.meets_bare_wildcard()
        },
    },
    Difference {
        name: "hickory asks for no proof at the end of an alias",
        of: Other::Hickory,
        explanation: "That the target of an alias does not exist, or has no such record, needs its proof like every denial (RFC \
             4035 section 5.4). It is content with the alias, and with the proof that its wildcard was rightly expanded. \
             Ours and domain are right.",
        applies: |observed| {
            observed.ours.status == Status::Servfail
                && observed.ours.detail.starts_with("denial-")
                && observed.other.status != Status::Servfail
                && observed.is_alias_to_nothing()
        },
    },
    Difference {
        name: "domain takes the signer at its word where the zone opts out",
        of: Other::Nlnet,
        explanation: "The signature or the proof of a zone does not hold. The zone opts out, and proves that an unsigned zone may \
             begin at or above the name (RFC 5155 section 8.6), whose answer nobody can check: whoever can forge this one \
             could send it without signatures and be believed as insecure by all. It calls it bogus.",
        applies: |observed| {
            observed.says(Status::Insecure, Status::Servfail)
                && observed.ours.detail.contains("the NSEC3 opt-out of ")
                && observed.opts_out()
        },
    },
    Difference {
        name: "hickory looks at nothing beside a proof that is not followed",
        of: Other::Hickory,
        explanation: "An answer is only as secure as the worst of its parts. Where its proofs have more NSEC3 iterations than are \
             followed it says so and nothing else, though an alias, its target or the SOA is bogus. Ours is right.",
        applies: |observed| {
            observed.says(Status::Servfail, Status::Insecure)
                && observed.other.detail == "denied insecurely"
                && observed.plan.zones.iter().any(|zone| observed.iterations(zone) > 100)
        },
    },
    Difference {
        name: "hickory does not take opt-out for an unsigned delegation",
        of: Other::Hickory,
        explanation: "A zone that opts out proves that it says nothing about a name, and an unsigned zone may begin there (RFC \
             5155 sections 8.6 and 8.9): what comes from it is insecure. It calls it bogus. Ours and domain are right.",
        applies: |observed| {
            observed.says(Status::Insecure, Status::Servfail)
                && observed.ours.detail.contains("the NSEC3 opt-out of ")
                && observed.opts_out()
        },
    },
    Difference {
        name: "hickory has no bound on bad signatures",
        of: Other::Hickory,
        explanation: "After eight checks that fail ours gives up (CVE-2023-50387), and so does domain after one. It goes on to \
             the signature that fits.",
        applies: |observed| {
            observed.ours.detail.starts_with("too-much-work")
                && observed.other.status != Status::Servfail
                && observed.fault(|fault| matches!(fault.kind, FaultKind::Keys(KeyFault::Many(_))))
        },
    },
    Difference {
        name: "hickory sees no denial of a DS in the NSEC that closes the chain",
        of: Other::Hickory,
        explanation: "The last NSEC of a zone names the apex as the next name and covers all that comes after its owner (RFC 4034 \
             section 4.1.1), for DS as for any type. It finds no proof. Ours and domain are right.",
        applies: |observed| {
            let soa = observed.records().find(|record| record.rtype == RecordType::SOA).map(|record| &record.name);
            let closes = |record: &Record| Nsec::parse(&record.rdata).is_ok_and(|nsec| Some(&nsec.next) == soa);
            observed.says(Status::Secure, Status::Servfail)
                && observed.rtype == RecordType::DS
                && observed.other.detail == "no proof of denial"
                && observed.records().any(|record| record.rtype == RecordType::NSEC && closes(record))
        },
    },
    Difference {
        name: "hickory sees no denial at a name with a DNAME",
        of: Other::Hickory,
        explanation: "An NSEC or NSEC3 at the name itself denies the types that it does not list, DNAME or not: only names \
             below the DNAME are out of its scope (RFC 6840 section 4.1). It finds no proof. Ours and domain are right.",
        applies: |observed| {
            let proof = |record: &Record| matches!(record.rtype, RecordType::NSEC | RecordType::NSEC3);
            let lists = |record: &Record| rdata::to_text(record.rtype, &record.rdata).contains(" DNAME");
            observed.says(Status::Secure, Status::Servfail)
                && observed.other.detail == "no proof of denial"
                && observed.records().any(|record| proof(record) && lists(record))
        },
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
        name: "hickory refuses what stands in or below an insecure zone",
        of: Other::Hickory,
        explanation: "Where no chain of trust leads to a zone, because a zone above is unsigned, has no DS, or has only \
             algorithms or NSEC3 iterations that are not followed, the answer is insecure (RFC 4035 sections 4.3 and \
             5.2, RFC 9276 section 3.2). It calls what it finds there bogus. Ours is right.",
        applies: |observed| observed.says(Status::Insecure, Status::Servfail) && observed.is_in_insecure(),
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
        explanation: "Its validating handle judges records and leaves aliases to the caller. Every RRset of the loop is \
             judged correctly, but the whole is not an answer (RFC 1034 section 3.6.2), which ours says.",
        applies: |observed| observed.ours.detail.starts_with("alias-loop"),
    },
];

const MENDED: &str = "The proof that comes with the NXDOMAIN shows that the name exists and the type does not. The code is \
     not signed (RFC 4035 section 5.4): ours reads the proof and answers NOERROR, as Unbound does; others call an answer \
     that contradicts its own proof bogus. Both are safe.";

fn is_mended(observed: &Observed) -> bool {
    observed.says(Status::Secure, Status::Servfail)
        && observed.ours.detail == "NOERROR"
        && observed.answer.is_some_and(|answer| answer.rcode == Rcode::NXDOMAIN)
        && observed.fault(|fault| fault.kind == FaultKind::Answer(AnswerFault::NxDomain))
}

const OPTED_OUT: &str = "The fault makes an alias at a name that is not in the zone's NSEC3 chain, signed by the zone. The zone opts \
     out, so an unsigned zone may begin above the name, and only the zone that contains an RRset may sign it (RFC 4035 \
     section 5.3.1): ours asks whether there is one and is told that nobody knows. Others take the signer at its word.";

fn is_opted_out(observed: &Observed) -> bool {
    observed.says(Status::Insecure, Status::Secure)
        && observed.ours.detail.starts_with("insecure-delegation: the NSEC3 opt-out of ")
        && observed.fault(|fault| fault.kind == FaultKind::Answer(AnswerFault::AliasLoop))
        && observed.opts_out()
}

/// The entry that explains a difference.
pub fn explain(of: Other, observed: &Observed) -> Option<&'static Difference> {
    DIFFERENCES.iter().find(|difference| difference.of == of && (difference.applies)(observed))
}
