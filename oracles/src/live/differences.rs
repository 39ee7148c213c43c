//! Where Unbound or delv may differ from ours, and who is right. As in the differential test, an entry is as narrow as
//! it can be made, and what none explains fails.

use mxlab_dns::{AnswerFault, DelegationFault, Denial, FaultKind, KeyFault};

use super::cases::Case;
use crate::judges::{Status, Verdict};

/// The judge that says something else than ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    Unbound,
    Delv,
}

/// An accepted difference.
pub struct Difference {
    pub name: &'static str,
    pub of: Other,
    /// Who is right, by which document.
    pub explanation: &'static str,
    /// Whether it explains what ours and the other say of this case.
    pub applies: fn(case: &Case, ours: &Verdict, other: &Verdict) -> bool,
}

fn has(case: &Case, wanted: impl Fn(FaultKind) -> bool) -> bool {
    case.plan.faults.iter().any(|fault| wanted(fault.kind))
}

fn denies(case: &Case, wanted: impl Fn(&Denial) -> bool) -> bool {
    let denials = case.plan.zones.iter().filter_map(|zone| zone.signed.as_ref()).map(|signed| &signed.denial);
    denials.into_iter().any(wanted)
}

fn opts_out(case: &Case) -> bool {
    denies(case, |denial| matches!(denial, Denial::Nsec3 { opt_out: true, .. }))
}

/// Whether denials have another code than the name deserves.
fn has_the_wrong_code(kind: FaultKind) -> bool {
    [AnswerFault::NxDomain, AnswerFault::OtherDenialCode].map(FaultKind::Answer).contains(&kind)
}

/// Whether Unbound gets a referral to the zone itself for each DS that it asks for. It then asks on: a client has no answer
/// after a minute. Ours takes the referral, which proves that there is no DS, for the answer (RFC 4035 section 5.2).
pub fn keeps_unbound_busy(case: &Case) -> bool {
    has(case, |kind| kind == FaultKind::Delegation(DelegationFault::DsByReferral))
}

const NO_REFERRALS: &str = "Unbound is told where each zone is served, and delv asks a server of all zones, so neither needs \
     the glue. The servers' names are in the zone, so whoever follows referrals, as ours does, cannot find them without \
     glue (RFC 9471 section 2.1).";

fn lacks_glue(case: &Case, ours: &Verdict, other: &Verdict) -> bool {
    has(case, |kind| kind == FaultKind::Delegation(DelegationFault::GlueMissing))
        && (ours.status, other.status) == (Status::Servfail, Status::Secure)
        && ours.detail.starts_with("lame")
}

/// All of them.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "delv refuses an NXDOMAIN that proves no data",
        of: Other::Delv,
        explanation: "The proof that comes with the NXDOMAIN shows that the name exists and the type does not. The code is not \
             signed (RFC 4035 section 5.4): ours reads the proof and answers NOERROR, BIND calls an answer that \
             contradicts its own proof bogus. Both are safe.",
        applies: |case, ours, other| {
            has(case, has_the_wrong_code)
                && (ours.status, other.status) == (Status::Secure, Status::Servfail)
                && ours.detail == "NOERROR"
        },
    },
    Difference {
        name: "Unbound refuses an NXDOMAIN whose NSEC3 prove no data",
        of: Other::Unbound,
        explanation: "Where an NSEC shows that the name exists and the type does not, it corrects the code as ours does; where an \
             NSEC3 shows the same, it calls the answer bogus. Both are safe.",
        applies: |case, ours, other| {
            has(case, has_the_wrong_code)
                && denies(case, |denial| matches!(denial, Denial::Nsec3 { .. }))
                && (ours.status, other.status) == (Status::Secure, Status::Servfail)
                && ours.detail == "NOERROR"
        },
    },
    Difference {
        name: "delv gives up at the first signature that does not fit",
        of: Other::Delv,
        explanation: "Of two keys with the same tag either may have signed (RFC 4035 section 5.3.1), so a signature that \
             does not fit is not a proof against the RRset. Against CVE-2023-50387 BIND allows one failed check an answer \
             (max-validation-failures-per-fetch), ours and Unbound allow more.",
        applies: |case, ours, other| {
            has(case, |kind| kind == FaultKind::Keys(KeyFault::Many(1)))
                && (ours.status, other.status) == (Status::Secure, Status::Servfail)
        },
    },
    Difference {
        name: "delv calls a denial by opt-out validated",
        of: Other::Delv,
        explanation: "Where the NSEC3 that covers the next closer name has the opt-out flag, an unsigned delegation may be \
             there, and a resolver must not set AD (RFC 5155 section 9.2). delv says whether the records are signed, \
             which they are. Ours and Unbound are right.",
        applies: |case, ours, other| {
            opts_out(case)
                && (ours.status, other.status) == (Status::Insecure, Status::Secure)
                && ours.detail.starts_with("nsec3-opt-out")
        },
    },
    Difference {
        name: "delv wants an SOA with a denial",
        of: Other::Delv,
        explanation: "Without SOA and AA a denial looks like a referral (RFC 2308 section 2.2). Its signed proof is there all \
             the same, and so ours and Unbound believe it; delv fails. Both are safe.",
        applies: |case, ours, other| {
            has(case, |kind| kind == FaultKind::Answer(AnswerFault::WithoutSoa))
                && (ours.status, other.status) == (Status::Secure, Status::Servfail)
                && ours.detail == "NOERROR"
        },
    },
    Difference {
        name: "delv gets the child's answer for a DS",
        of: Other::Delv,
        explanation: "The server that delv asks serves parent and child, and answers for the DS as the child, which has none. \
             Ours and Unbound ask the parent, where the DS is (RFC 4035 section 3.1.4.1).",
        applies: |case, ours, other| {
            has(case, |kind| kind == FaultKind::Answer(AnswerFault::DsFromChild))
                && (ours.status, other.status) == (Status::Secure, Status::Servfail)
        },
    },
    Difference {
        name: "delv gets a referral for a DS",
        of: Other::Delv,
        explanation: "The referral has the proof that there is no DS (RFC 4035 section 5.2), and ours takes it for the answer. \
             delv wants a denial. Both are safe.",
        applies: |case, ours, other| {
            has(case, |kind| kind == FaultKind::Delegation(DelegationFault::DsByReferral))
                && (ours.status, other.status) == (Status::Insecure, Status::Servfail)
        },
    },
    Difference { name: "delv follows no referrals", of: Other::Delv, explanation: NO_REFERRALS, applies: lacks_glue },
    Difference {
        name: "Unbound follows no referrals",
        of: Other::Unbound,
        explanation: NO_REFERRALS,
        applies: lacks_glue,
    },
    Difference {
        name: "Unbound uses revoked keys",
        of: Other::Unbound,
        explanation: "A key with the REVOKE bit is used for nothing but its own signature over the keys (RFC 5011 section 2.1). \
             Unbound heeds that for trust anchors alone. Ours and delv are right.",
        applies: |case, ours, other| {
            has(case, |kind| kind == FaultKind::Keys(KeyFault::Revoked))
                && (ours.status, other.status) == (Status::Servfail, Status::Secure)
        },
    },
];

/// The entry that explains a difference.
pub fn explain(of: Other, case: &Case, ours: &Verdict, other: &Verdict) -> Option<&'static Difference> {
    DIFFERENCES.iter().find(|difference| difference.of == of && (difference.applies)(case, ours, other))
}
