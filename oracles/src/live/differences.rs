//! Where Unbound or delv may say something else than ours, and who is right. As in the differential test, an entry is as
//! narrow as it can be made, and what none explains fails.

use mxlab_dns::{Denial, FaultKind};

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

fn opts_out(case: &Case) -> bool {
    let denials = case.plan.zones.iter().filter_map(|zone| zone.signed.as_ref()).map(|signed| &signed.denial);
    denials.into_iter().any(|denial| matches!(denial, Denial::Nsec3 { opt_out: true, .. }))
}

/// All of them.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "Unbound mends the code of an NXDOMAIN that proves no data",
        of: Other::Unbound,
        explanation: "The proof that comes with the NXDOMAIN shows that the name exists and the type does not. It answers \
             NOERROR, securely. The code is not signed (RFC 4035 section 5.4), so either reading is safe; ours and BIND \
             call an answer that contradicts its own proof bogus.",
        applies: |case, ours, other| {
            has(case, |kind| kind == FaultKind::NxDomain)
                && (ours.status, other.status) == (Status::Servfail, Status::Secure)
                && ours.detail.starts_with("denial-wrong")
        },
    },
    Difference {
        name: "delv gives up at the first signature that does not fit",
        of: Other::Delv,
        explanation: "Of two keys with the same tag either may have signed (RFC 4035 section 5.3.1), so a signature that \
             does not fit is no proof against the RRset. Against CVE-2023-50387 BIND allows one failed check an answer \
             (max-validation-failures-per-fetch), ours and Unbound allow more.",
        applies: |case, ours, other| {
            has(case, |kind| kind == FaultKind::ManyKeys(1))
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
];

/// The entry that explains a difference.
pub fn explain(of: Other, case: &Case, ours: &Verdict, other: &Verdict) -> Option<&'static Difference> {
    DIFFERENCES.iter().find(|difference| difference.of == of && (difference.applies)(case, ours, other))
}
