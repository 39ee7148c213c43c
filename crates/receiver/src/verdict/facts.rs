//! What the composite verdict is made from.

use std::fmt;

use mxlab_auth::dmarc::{self, Policy};
use mxlab_mail::Address;
use mxlab_mail::authres::{DmarcResult, SpfResult};

use crate::client_names::Nearness;
use crate::config::RecipientTenant;
use crate::evidence::Authenticated;
use crate::route::Way;

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
    /// How close the client's confirmed names are to the author's domain.
    pub client: Nearness,
    /// Whether mail for the recipient's domain comes through a gateway, as far as is known.
    pub gateway: bool,
}

/// How a message fails DMARC, or lacks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// It fails, and the record asks to act on that.
    Explicitly,
    /// It fails and the record asks for nothing, or there is no record: what remains is implicit authentication.
    Implicitly,
}

impl Failing {
    /// How a message with these results fails; none if it does not, or if DMARC could not be evaluated. What counts is the
    /// policy of the record, before `pct=` and `t=`.
    fn with(result: DmarcResult, policy: Option<Policy>) -> Option<Failing> {
        match (result, policy) {
            (DmarcResult::Fail, Some(Policy::Quarantine | Policy::Reject)) => Some(Failing::Explicitly),
            (DmarcResult::Fail, Some(Policy::None) | None) | (DmarcResult::None, _) => Some(Failing::Implicitly),
            (DmarcResult::Pass | DmarcResult::BestGuessPass | DmarcResult::TempError | DmarcResult::PermError, _) => {
                None
            }
        }
    }

    /// The same for an evaluation.
    pub(crate) fn of(dmarc: &dmarc::Evaluation) -> Option<Failing> {
        Failing::with(dmarc.result, dmarc.policy())
    }
}

impl Facts {
    /// The facts about a message that was authenticated, for `to`, who belongs to `tenant`.
    pub fn new(authenticated: &Authenticated, tenant: &RecipientTenant, to: &Address) -> Facts {
        let Authenticated { spf, dmarc, names, ways, .. } = authenticated;
        Facts {
            spf: spf.result,
            dmarc: dmarc.result,
            policy: dmarc.policy(),
            aligned: dmarc.aligned_spf().is_some() || dmarc.aligned_dkim().is_some(),
            own_domain: tenant.accepts(&dmarc.author),
            client: names.as_ref().map_or(Nearness::Foreign, |names| names.nearness(&dmarc.author)),
            gateway: ways.get(to.domain()) == Some(&Way::Elsewhere),
        }
    }

    /// Whether DMARC fails, and the record asks to act on that.
    pub(super) fn fails_explicitly(&self) -> bool {
        Failing::with(self.dmarc, self.policy) == Some(Failing::Explicitly)
    }

    /// Whether only implicit authentication can decide about an author of somebody else.
    pub(super) fn is_implicit(&self) -> bool {
        Failing::with(self.dmarc, self.policy) == Some(Failing::Implicitly) && !self.own_domain
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
