//! SPF (RFC 7208): may this address send mail for this domain?
//!
//! The domain's TXT record `v=spf1 …` holds terms. Mechanisms are tried from left to right, the first that matches the
//! client's address decides with its qualifier: `+` pass, `-` fail, `~` softfail, `?` neutral. When none does, the
//! record of the `redirect` modifier decides instead; without one the result is neutral (§4.7). `include` asks whether
//! another domain's record passes the client. Domains may hold macros, facts of the session ([`macros`]). For a
//! failure, the domain may give an explanation (`exp`), its own text for the reply.
//!
//! [`check_host`] gives the result with all evidence: each [`Step`] with its lookups, its cost and its outcome.
//!
//! | result | when |
//! |---|---|
//! | none | no record, or nothing to look up: an address literal, a name of one label, not a name of DNS |
//! | pass, fail, softfail, neutral | a record decides |
//! | temperror | DNS failed: no answer, or a bogus one |
//! | permerror | several records, a syntax error anywhere in one, a limit exceeded, an `include` or `redirect` to no record |
//!
//! # Bounds
//! - Ten terms ask DNS in one check, includes and redirects counted ([`MAX_LOOKUPS`]); more are a permerror (§4.6.4).
//!   This bounds the depth of includes as well, and ends records that point at themselves.
//! - For one `mx` ten hosts ([`MAX_MX_HOSTS`]); more are a permerror. The first ten of the client's names
//!   ([`MAX_PTR_NAMES`]) are used, once in a check.
//! - Two terms with lookups that have no answer ([`MAX_VOID_TERMS`]): those of `a`, `mx`, `exists` and `ptr`. The client
//!   chooses its own names, so lookups for them are not counted: they must not cause a permerror of somebody else's record.
//! - So a check makes at most [`MAX_QUERIES`] lookups. The caller limits how long they take in all, to 20 seconds or
//!   more; then the result is a temperror (§4.6.4).
//! - A record may be as long as DNS allows, 65,535 octets, and is read in one pass. An expanded domain has at most 253
//!   octets, an explanation at most [`macros::MAX_EXPLANATION`].
//!
//! # Where the standard leaves a choice
//! - §4.6.4 limits "the number of terms for which DNS queries return" nothing, and calls these void lookups. So one `mx` with
//!   three hosts that have no address of the client's family is one void term, and not three. Some evaluators (pyspf for one)
//!   count its lookups instead, and their result is a permerror. Each step has both counts, and the trace shows them.
//! - A target that is not a name of DNS matches nothing (§4.8); as the target of `include` or `redirect` it is a
//!   permerror (§4.3).
//! - Internationalized domains are A-labels in lookups and in macros. A term whose domain expands to more than ASCII,
//!   as it does with the local part of such an address, matches nothing (RFC 8616 §4).
//! - Unknown modifiers are ignored, but have to be macro strings, without the letters that only explanations may have
//!   (§7.2).
//!
//! # Modules
//! [`record`] reads records and [`macros`] their domains into types; `names` knows which names DNS can have; `evaluate`
//! looks them up; [`trace`] lists the steps.

mod evaluate;
pub mod macros;
mod names;
pub mod record;
pub mod trace;

use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use mxlab_mail::authres::SpfResult;
use mxlab_mail::{Address, ReversePath};

use crate::dns::{Dns, Lookup};
use evaluate::{Evaluator, Session};
pub use names::reverse_name;
pub use trace::{Outcome, Step};

/// The most terms that ask DNS (RFC 7208 §4.6.4).
pub const MAX_LOOKUPS: usize = 10;
/// The most hosts of one `mx` (RFC 7208 §4.6.4).
pub const MAX_MX_HOSTS: usize = 10;
/// The most names of the client that are used (RFC 7208 §4.6.4).
pub const MAX_PTR_NAMES: usize = 10;
/// The most terms that have a lookup without an answer (RFC 7208 §4.6.4).
pub const MAX_VOID_TERMS: usize = 2;
/// The most lookups of one check: the first record, each term with all its hosts, the client's names with their
/// addresses, and the explanation.
pub const MAX_QUERIES: usize = 1 + MAX_LOOKUPS * (1 + MAX_MX_HOSTS) + (1 + MAX_PTR_NAMES) + 1;

/// The sender of RFC 7208 §2.4, both halves as they were received. They need not follow the grammar of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    local_part: String,
    domain: String,
}

impl Sender {
    /// The local part; `postmaster` stands for a missing one (RFC 7208 §4.3).
    pub fn local_part(&self) -> &str {
        if self.local_part.is_empty() { "postmaster" } else { &self.local_part }
    }

    /// The domain.
    pub fn domain(&self) -> &str {
        &self.domain
    }
}

impl From<&Address> for Sender {
    fn from(address: &Address) -> Sender {
        Sender { local_part: address.local_part().to_owned(), domain: address.domain().to_owned() }
    }
}

impl FromStr for Sender {
    type Err = Infallible;

    /// Splits at the last `@`; without one, all of it is the domain.
    fn from_str(text: &str) -> Result<Sender, Infallible> {
        let (local_part, domain) = text.rsplit_once('@').unwrap_or(("", text));
        Ok(Sender { local_part: local_part.to_owned(), domain: domain.to_owned() })
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local_part(), self.domain)
    }
}

/// Whose record is asked (RFC 7208 §2.3, §2.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The domain of MAIL FROM.
    MailFrom(Sender),
    /// The name in HELO, when MAIL FROM is the null reverse-path or when HELO itself is checked.
    Helo(String),
}

impl Identity {
    /// The identity of an envelope.
    pub fn of(reverse_path: &ReversePath, helo: &str) -> Identity {
        match reverse_path {
            ReversePath::Address(address) => Identity::MailFrom(address.into()),
            ReversePath::Null => Identity::Helo(helo.to_owned()),
        }
    }

    /// The domain, in the case in which it was received.
    pub fn domain(&self) -> &str {
        match self {
            Identity::MailFrom(sender) => sender.domain(),
            Identity::Helo(name) => name,
        }
    }

    /// The sender's local part; that of a HELO name is `postmaster` (RFC 7208 §2.4).
    pub fn local_part(&self) -> &str {
        match self {
            Identity::MailFrom(sender) => sender.local_part(),
            Identity::Helo(_) => "postmaster",
        }
    }
}

/// What is known of the session in which the mail came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its address. An IPv4-mapped one is the IPv4 address (RFC 7208 §5).
    pub ip: IpAddr,
    /// Whose record is asked.
    pub identity: Identity,
    /// The name in HELO, for `%{h}`.
    pub helo: String,
    /// The name of the receiving host, for `%{r}` in explanations.
    pub receiver: String,
    /// The time, for `%{t}` in explanations.
    pub now: Timestamp,
}

/// A result with its evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The result.
    pub result: SpfResult,
    /// Whose record was asked.
    pub identity: Identity,
    /// The client.
    pub ip: IpAddr,
    /// The record of the identity, when there is exactly one.
    pub record: Option<String>,
    /// The term that matched, in that record or in the one to which it redirects.
    pub matched: Option<String>,
    /// Why there is no better result: what is wrong with a record, which limit was exceeded, how DNS failed.
    pub problem: Option<String>,
    /// For a failure, the domain's explanation. It is somebody else's text: RFC 7208 §11.5 requires it to be marked as
    /// such.
    pub explanation: Option<String>,
    /// All steps, in order.
    pub steps: Vec<Step>,
}

impl Evaluation {
    /// The result when a check was abandoned after `time` (RFC 7208 §4.6.4).
    pub fn out_of_time(client: &Client, time: Duration) -> Evaluation {
        let problem = format!("SPF had no result within {} seconds", time.as_secs());
        let step = Step {
            depth: 0,
            domain: client.identity.domain().into(),
            term: None,
            target: None,
            lookups: Vec::new(),
            terms: 0,
            void_terms: 0,
            void_lookups: 0,
            outcome: Outcome::Problem(problem.clone()),
        };
        Evaluation {
            result: SpfResult::TempError,
            identity: client.identity.clone(),
            ip: client.ip.to_canonical(),
            record: None,
            matched: None,
            problem: Some(problem),
            explanation: None,
            steps: vec![step],
        }
    }

    /// The deciding facts, each a clause that can follow "because".
    pub fn because(&self) -> Vec<String> {
        let mut reasons = trace::reasons(&self.steps, self.identity.domain(), self.ip);
        if let Identity::Helo(name) = &self.identity {
            reasons.insert(0, format!("SPF checks the name in HELO, {name}"));
        }
        let (terms, lookups) = self.voids();
        // What decided comes last.
        if let (None, true, Some(last)) = (&self.problem, lookups > MAX_VOID_TERMS, reasons.len().checked_sub(1)) {
            let note = format!("{lookups} lookups of {terms} of its terms have no answer; some receivers refuse that");
            reasons.insert(last, note);
        }
        reasons
    }

    /// How many terms had lookups without an answer, and how many lookups these were (RFC 7208 §4.6.4).
    pub fn voids(&self) -> (usize, usize) {
        let most = |count: fn(&Step) -> usize| self.steps.iter().map(count).max().unwrap_or_default();
        (most(|step| step.void_terms), most(|step| step.void_lookups))
    }

    /// The steps in lines, with their lookups and the cost so far.
    pub fn trace(&self) -> Vec<String> {
        trace::lines(&self.steps)
    }

    /// All lookups in order.
    pub fn lookups(&self) -> impl Iterator<Item = &Lookup> {
        self.steps.iter().flat_map(|step| &step.lookups)
    }
}

/// Evaluates the record of the client's identity: the function `check_host` of RFC 7208 §4.
pub async fn check_host(dns: &dyn Dns, client: &Client) -> Evaluation {
    let Client { identity, receiver, now, .. } = client;
    let ip = client.ip.to_canonical();
    let (domain, helo) = (names::with_a_labels(identity.domain()), names::with_a_labels(&client.helo));
    let session =
        Session { ip, local_part: identity.local_part(), sender_domain: &domain, helo: &helo, receiver, now: *now };
    let mut evaluator = Evaluator::new(dns, &session);
    let mut verdict = evaluator.check_first(identity.domain(), &domain).await;
    let explanation = match verdict.explanation.take() {
        Some((spec, domain)) if verdict.result == SpfResult::Fail => evaluator.explain(&domain, &spec).await,
        _ => None,
    };
    let steps = evaluator.steps;
    let record = steps.first().and_then(|step| match &step.outcome {
        Outcome::Record(text) => Some(text.clone()),
        _ => None,
    });
    let (result, matched, problem) = (verdict.result, verdict.matched, verdict.problem);
    Evaluation { result, identity: identity.clone(), ip, record, matched, problem, explanation, steps }
}

#[cfg(test)]
mod tests;
