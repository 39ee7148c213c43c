//! The rules that a validator's operator decides, and the work that one lookup may take under them.

use crate::security::{Bound, Reason, RrsetId};

/// The rules that RFCs leave to a validator's operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether signatures with SHA-1, algorithms 5 and 7, count. RFC 9905 §2: operators treat them as unsupported.
    pub sha1: bool,
    /// With more NSEC3 iterations than this a zone counts as unsigned (RFC 9276 §3.2).
    pub nsec3_iterations: u16,
    /// Whether a span with opt-out denies every type of a name, insecurely. An empty non-terminal that leads only to
    /// unsigned delegations has no NSEC3 where they have none (RFC 5155 §7.1), so that nothing else can deny its types;
    /// Unbound and BIND accept it. By the letter of RFC 5155 §8.5 and §8.6 it denies only DS.
    pub opt_out_denies_all: bool,
    /// How many signatures may be checked for one lookup, its whole chain of trust included.
    pub signature_checks: u32,
    /// How many checks may fail for one RRset: keys with one tag times signatures.
    pub failed_checks: u32,
    /// How many names may be hashed for one lookup.
    pub hashes: u32,
}

impl Default for Policy {
    /// No SHA-1, 100 iterations, and limits far above what honest zones need.
    fn default() -> Policy {
        Policy {
            sha1: false,
            nsec3_iterations: 100,
            opt_out_denies_all: true,
            signature_checks: 100,
            failed_checks: 8,
            hashes: 64,
        }
    }
}

/// The work that one lookup has done, and how much is allowed.
#[derive(Clone, Debug)]
pub struct Budget {
    policy: Policy,
    signature_checks: u32,
    hashes: u32,
}

impl Budget {
    /// The work of one lookup under these rules.
    pub fn new(policy: &Policy) -> Budget {
        Budget { policy: policy.clone(), signature_checks: 0, hashes: 0 }
    }

    /// The rules.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// How many signatures have been checked.
    pub fn signature_checks(&self) -> u32 {
        self.signature_checks
    }

    /// How many names have been hashed.
    pub fn hashes(&self) -> u32 {
        self.hashes
    }

    pub(super) fn check(&mut self, rrset: &RrsetId) -> Result<(), Reason> {
        let limit = self.policy.signature_checks;
        if self.signature_checks >= limit {
            return Err(Reason::TooMuchWork { rrset: rrset.clone(), bound: Bound::SignatureChecks(limit) });
        }
        self.signature_checks += 1;
        Ok(())
    }

    pub(crate) fn hash(&mut self, rrset: &RrsetId) -> Result<(), Reason> {
        let limit = self.policy.hashes;
        if self.hashes >= limit {
            return Err(Reason::TooMuchWork { rrset: rrset.clone(), bound: Bound::Hashes(limit) });
        }
        self.hashes += 1;
        Ok(())
    }
}
