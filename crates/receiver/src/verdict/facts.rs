//! What the composite verdict is made from.

use std::fmt;

use mxlab_auth::dmarc::Policy;
use mxlab_mail::authres::{DmarcResult, SpfResult};

use crate::config::RecipientTenant;
use crate::evidence::Authenticated;

/// The facts of a message that rules ask for. A rule that needs another fact adds it here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The result of SPF.
    pub spf: SpfResult,
    /// The result of DMARC.
    pub dmarc: DmarcResult,
    /// The policy of the DMARC record for this author, before `pct=` and `t=`; none without a record.
    pub policy: Option<Policy>,
    /// Whether SPF or DKIM passed for a domain that is aligned with the author's.
    pub aligned: bool,
    /// Whether the author's domain is one of the tenant's accepted domains.
    pub own_domain: bool,
}

impl Facts {
    /// The facts about a message that was authenticated, for a recipient of `tenant`.
    pub fn new(authenticated: &Authenticated, tenant: &RecipientTenant) -> Facts {
        let Authenticated { spf, dmarc, .. } = authenticated;
        Facts {
            spf: spf.result,
            dmarc: dmarc.result,
            policy: dmarc.policy(),
            aligned: dmarc.aligned_spf().is_some() || dmarc.aligned_dkim().is_some(),
            own_domain: tenant.accepts(&dmarc.author),
        }
    }

    /// Whether DMARC fails, and the record asks to act on that.
    pub(super) fn fails_explicitly(&self) -> bool {
        let strict = matches!(self.policy, Some(Policy::Quarantine | Policy::Reject));
        self.dmarc == DmarcResult::Fail && strict
    }
}

impl fmt::Display for Facts {
    /// The facts that tell one message from another, for the report that no rule decides:
    /// `spf=fail, dmarc=none and an author of the tenant's own domain`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spf={}, dmarc={}", self.spf, self.dmarc)?;
        if self.own_domain { f.write_str(" and an author of the tenant's own domain") } else { Ok(()) }
    }
}
