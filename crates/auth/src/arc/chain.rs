//! The result for a chain: its status, the results of its sets, and why.

use super::fields::{ChainStatus, FieldError, FieldKind, MAX_INSTANCE, MessageSignature, Seal};
use crate::dkim;
use crate::dns::Lookup;

/// Why a signature of a set, over the message or over the sets, does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFailure {
    /// The field is none.
    #[error("malformed: {0}")]
    Malformed(#[from] FieldError),
    /// A reason that also makes a DKIM signature fail (RFC 8617 §5.2).
    #[error(transparent)]
    Dkim(#[from] dkim::Failure),
    /// The message signatures need more different hashes of the body than are computed
    /// ([`super::validate::MAX_BODY_HASHES`]).
    #[error("too many different hashes of the body are needed")]
    TooManyBodyHashes,
}

fn of(domain: Option<&str>) -> String {
    domain.map(|domain| format!(", of {domain},")).unwrap_or_default()
}

/// Why a chain fails (RFC 8617 §5.2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// Step 1: more fields of a kind than sets are allowed.
    #[error("{count} {kind} fields, but at most {MAX_INSTANCE} sets are allowed")]
    TooManySets {
        /// The kind.
        kind: FieldKind,
        /// How many there are.
        count: usize,
    },
    /// A field belongs to no set.
    #[error("{kind} number {number} from the top belongs to no set: {error}")]
    Unplaced {
        /// Its kind.
        kind: FieldKind,
        /// Its number among the fields of its kind, from the top, beginning with 1.
        number: usize,
        /// Why.
        error: FieldError,
    },
    /// Step 2: the newest seal says that the chain fails.
    #[error("the newest seal{} says cv=fail", of(domain.as_deref()))]
    Reported {
        /// `d=` of the seal, cut short if it is long.
        domain: Option<String>,
    },
    /// Step 3.B: there is a gap.
    #[error("this set is missing, but there is a later one")]
    NoSet,
    /// Step 3.A: a field of the set is missing.
    #[error("{kind} is missing")]
    Missing {
        /// Its kind.
        kind: FieldKind,
    },
    /// Step 3.A: a field of the set is there several times.
    #[error("{count} {kind} fields")]
    Repeated {
        /// Its kind.
        kind: FieldKind,
        /// How many there are.
        count: usize,
    },
    /// Step 3.C: `cv=` does not have the required value.
    #[error("cv={found}, but it must be {}", ChainStatus::expected_at(*instance))]
    ChainStatus {
        /// The set's instance.
        instance: u8,
        /// The status in it.
        found: ChainStatus,
    },
    /// Step 4: the newest message signature does not hold.
    #[error("the message signature does not hold: {0}")]
    MessageSignature(SignatureFailure),
    /// Step 6: a seal does not hold.
    #[error("the seal does not hold: {0}")]
    Seal(SignatureFailure),
}

/// Where a chain fails, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The set that fails; none when a field belongs to no set or there are too many.
    pub instance: Option<u8>,
    /// Why.
    pub cause: Cause,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.instance {
            Some(instance) => write!(f, "set {instance}: {}", self.cause),
            None => self.cause.fmt(f),
        }
    }
}

/// The result for one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// It was not checked: the status was decided before.
    NotChecked,
    /// It holds.
    Holds {
        /// The key has the flag `y`: its domain tests (RFC 6376 §3.6.1).
        testing: bool,
    },
    /// It does not.
    Fails(SignatureFailure),
}

impl Check {
    /// Whether it was checked and holds.
    pub fn holds(&self) -> bool {
        matches!(self, Check::Holds { .. })
    }
}

/// A set and its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetReport {
    /// Its place in the chain.
    pub instance: u8,
    /// What the sealer saw: authserv-id and results, as text.
    pub authentication_results: String,
    /// The message signature; none if it is malformed.
    pub message_signature: Option<MessageSignature>,
    /// What became of it.
    pub message_signature_check: Check,
    /// The seal; none if it is malformed.
    pub seal: Option<Seal>,
    /// What became of it.
    pub seal_check: Check,
    /// The lookups for the set; a lookup that another set already made is not repeated.
    pub lookups: Vec<Lookup>,
}

/// A message's chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Whether it holds.
    pub status: ChainStatus,
    /// The reason; present if, and only if, the status is fail.
    pub failure: Option<Failure>,
    /// The oldest set whose message signature, and every newer one, holds; 0 if all do (RFC 8617 §5.2 step 5). None if
    /// that was not determined: there is no chain, its newest message signature does not hold, or the policy does not
    /// ask.
    pub oldest_pass: Option<u8>,
    /// The sets by instance; empty if the fields do not form complete sets.
    pub sets: Vec<SetReport>,
}

impl Chain {
    /// The chain of a message without ARC fields.
    pub(super) fn none() -> Chain {
        Chain { status: ChainStatus::None, failure: None, oldest_pass: None, sets: Vec::new() }
    }

    /// A chain that failed before a signature was checked.
    pub(super) fn failed(failure: Failure, sets: Vec<SetReport>) -> Chain {
        Chain { status: ChainStatus::Fail, failure: Some(failure), oldest_pass: None, sets }
    }

    /// The set that was added last.
    pub fn newest(&self) -> Option<&SetReport> {
        self.sets.last()
    }

    /// All lookups, in no particular order of time: newest set last.
    pub fn lookups(&self) -> impl Iterator<Item = &Lookup> {
        self.sets.iter().flat_map(|set| &set.lookups)
    }

    /// Why, in clauses for people.
    pub fn because(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        match (&self.failure, self.newest()) {
            (None, None) => reasons.push("the message has no ARC sets".to_owned()),
            (None, Some(newest)) => {
                let sealers: Vec<String> = self.sets.iter().map(sealer).collect();
                reasons.push(format!("all seals hold: {}", sealers.join(", ")));
                reasons.push(format!("the message signature of set {} holds", newest.instance));
            }
            (Some(failure), _) => {
                let number = failure.instance.and_then(|instance| usize::from(instance).checked_sub(1));
                let by = number.and_then(|number| self.sets.get(number)).and_then(|set| set.seal.as_ref());
                let by = by.map(|seal| format!(" (sealed by {})", seal.domain)).unwrap_or_default();
                reasons.push(format!("{failure}{by}"));
            }
        }
        match self.oldest_pass {
            Some(0) => reasons.push("all message signatures hold: no sealer changed the message".to_owned()),
            Some(oldest) => {
                let broken = oldest.saturating_sub(1);
                let set = self.sets.iter().find(|set| set.instance == broken);
                let why = match set.map(|set| &set.message_signature_check) {
                    Some(Check::Fails(why)) => format!(": {why}"),
                    _ => String::new(),
                };
                reasons
                    .push(format!("oldest-pass is {oldest}: the message signature of set {broken} does not hold{why}"));
            }
            None => {}
        }
        for set in &self.sets {
            let testing = |check: &Check| matches!(check, Check::Holds { testing: true });
            if testing(&set.seal_check) || testing(&set.message_signature_check) {
                reasons.push(format!("a key of set {} has the flag y: its domain tests", set.instance));
            }
        }
        reasons
    }
}

/// `i=1 contoso.example`.
fn sealer(set: &SetReport) -> String {
    let domain = set.seal.as_ref().map(|seal| seal.domain.to_string()).unwrap_or_default();
    format!("i={} {domain}", set.instance)
}
