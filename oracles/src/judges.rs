//! The validators that judge the same answers: ours, NLnet Labs' `domain`, and hickory.

use std::fmt;
use std::sync::Arc;

use mxlab_dns::{Name, RecordType};

use crate::internet::Internet;
use crate::upstream::Upstream;

mod hickory;
mod nlnet;
mod ours;

pub use nlnet::Judge as Nlnet;
pub use ours::{iterating, over_recorded, over_upstream, verdict};

/// What a validator says of an answer, in the words of RFC 4035 §4.3; bogus and no answer at all are the same to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    Secure,
    Insecure,
    Servfail,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Status::Secure => "secure",
            Status::Insecure => "insecure",
            Status::Servfail => "SERVFAIL",
        })
    }
}

/// A status and its judge's comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub status: Status,
    pub detail: String,
}

impl Verdict {
    pub fn new(status: Status, detail: impl Into<String>) -> Verdict {
        Verdict { status, detail: detail.into() }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.status, self.detail)
    }
}

/// The three verdicts on one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdicts {
    pub ours: Verdict,
    pub nlnet: Verdict,
    pub hickory: Verdict,
}

impl Verdicts {
    /// Whether all say the same.
    pub fn agree(&self) -> bool {
        self.ours.status == self.nlnet.status && self.ours.status == self.hickory.status
    }
}

impl fmt::Display for Verdicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ours: {}\n  domain: {}\n  hickory: {}", self.ours, self.nlnet, self.hickory)
    }
}

/// Three validators with caches of their own.
pub struct Judges {
    ours: mxlab_dns::Resolver,
    nlnet: nlnet::Judge,
    hickory: hickory::Judge,
}

impl Judges {
    pub fn new(env: &mxlab_env::Env, internet: &Internet, upstream: &Arc<Upstream>) -> Judges {
        Judges {
            ours: ours::over_upstream(env, internet, upstream),
            nlnet: nlnet::Judge::over_upstream(internet, upstream),
            hickory: hickory::Judge::new(internet, upstream),
        }
    }

    pub async fn judge(&self, owner: &Name, rtype: RecordType) -> Verdicts {
        Verdicts {
            ours: ours::verdict(&self.ours.lookup(owner, rtype).await),
            nlnet: self.nlnet.judge(owner, rtype).await,
            hickory: self.hickory.judge(owner, rtype).await,
        }
    }
}
