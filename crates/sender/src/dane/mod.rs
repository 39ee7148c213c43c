//! DANE for SMTP (RFC 6698, 7671, 7672): whether a TLS session proves that the host is the one that DNS promised.
//!
//! A domain that is signed with DNSSEC can say in TLSA records which certificate its mail host presents. The sender asks for
//! them only where DNSSEC vouches for the way to the host, and then sends nothing before the certificate has matched.
//!
//! The steps, each a pure function here:
//!
//! 1. [`classify`]: each record is usable, or unusable for a reason. Usages 0 and 1 are unusable by definition (RFC 7672
//!    §3.1.3), so is whatever is malformed or unknown.
//! 2. [`Policy::of_records`]: no record: no DANE. All unusable: TLS is mandatory and not authenticated (RFC 7672 §2.2).
//!    Otherwise the usable ones authenticate, the others are ignored.
//! 3. [`decide`]: what the session is worth. One match suffices. Of several digests for one usage and selector the strongest
//!    counts alone ([`strongest`], RFC 7671 §9).
//!
//! RFC 7671 §5.1 ignores names and dates of a certificate that a usage-3 record names. Exchange Online documents an expired
//! certificate as a failure of its own, and a start date in the future as `tlsa-invalid`; [`Profile`] chooses.
//!
//! Usage 2 is recognized and not evaluated yet: [`Verdict::NotSupportedYet`] says so instead of passing for a mismatch.

mod record;

use jiff::Timestamp;
use mxlab_dns::rdata::abbreviated;
pub use mxlab_smtp::tls::CertificateFacts;

pub use self::record::{Classified, Matching, Selector, Tlsa, Unusable, Usage, classify, strongest};
use crate::Profile;
use crate::condition::Condition;
use crate::outcome::Problem;

/// How many usable TLSA records of one RRset are compared; more are ignored. Unusable ones do not count: they must not push
/// aside a usable one, or somebody's heap of junk would turn authentication off. DNS bounds their number.
pub const MOST_RECORDS: usize = 64;

/// How the sender is set up to use DANE (a connector's `SmtpDaneMode`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Where the destination supports it.
    #[default]
    Opportunistic,
    /// Always: a destination without it gets nothing.
    Mandatory,
    /// Never; TLSA records are not asked for.
    None,
}

/// What DNS demands of a host, before any connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policy {
    /// No DANE: TLS if it is there.
    Opportunistic,
    /// TLS or nothing, and any certificate will do: there are records, all of them unusable.
    Encrypted,
    /// One of these usable records must match.
    Authenticated(Vec<Tlsa>),
}

impl Policy {
    /// The policy that follows from the RDATA of an authentic TLSA RRset, empty if there is none, and what was made of each.
    pub fn of_records<'a>(rdata: impl IntoIterator<Item = &'a [u8]>) -> (Policy, Vec<Classified>) {
        let classified: Vec<_> = rdata.into_iter().map(classify).collect();
        let usable: Vec<_> = classified
            .iter()
            .filter_map(|record| match record {
                Classified::Usable(tlsa) => Some(tlsa.clone()),
                Classified::Unusable { .. } => None,
            })
            .take(MOST_RECORDS)
            .collect();
        let policy = match (classified.is_empty(), usable.is_empty()) {
            (true, _) => Policy::Opportunistic,
            (false, true) => Policy::Encrypted,
            (false, false) => Policy::Authenticated(usable),
        };
        (policy, classified)
    }

    /// Whether anything may be sent without TLS.
    pub fn demands_tls(&self) -> bool {
        *self != Policy::Opportunistic
    }
}

/// What became of TLS on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsFacts {
    /// The EHLO reply has no STARTTLS.
    NotOffered,
    /// STARTTLS was answered with something else than 220.
    Refused {
        /// The reply.
        reply: String,
    },
    /// STARTTLS was not answered: the connection was closed, or stalled.
    Unanswered {
        /// In a few words.
        cause: String,
    },
    /// The handshake did not come to an end.
    HandshakeFailed {
        /// In a few words.
        cause: String,
    },
    /// TLS is up.
    Established(CertificateFacts),
}

/// What a session may be used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Deliver in clear.
    Clear,
    /// Deliver over TLS; who answers is not proven.
    Encrypted,
    /// Deliver over TLS; DANE has proven who answers.
    Authenticated,
    /// Deliver nothing.
    Fail(Condition),
    /// No usage-3 record decides, and evaluating usage 2 is not implemented. Deliver nothing.
    NotSupportedYet,
}

/// A verdict with its reasons, each a clause that can stand after "because".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// One line that tells it.
    pub summary: String,
    /// Its reasons.
    pub reasons: Vec<String>,
    /// What was found wrong with TLS, whether or not that is a failure.
    pub problem: Option<Problem>,
    /// Usage, selector and matching type of the record that matched: `3 1 1`.
    pub matched: Option<String>,
}

impl Decision {
    fn new(verdict: Verdict, summary: impl Into<String>, reasons: Vec<String>) -> Decision {
        Decision { verdict, summary: summary.into(), reasons, problem: None, matched: None }
    }

    fn fail(condition: Condition, summary: impl Into<String>, reasons: Vec<String>) -> Decision {
        Decision::new(Verdict::Fail(condition), summary, reasons)
    }

    fn with_problem(self, problem: Problem) -> Decision {
        Decision { problem: Some(problem), ..self }
    }
}

/// What a session is worth under a policy: decided after TLS and before any SMTP command that follows it.
pub fn decide(policy: &Policy, tls: &TlsFacts, now: Timestamp, profile: Profile) -> Decision {
    let (problem, text, reason) = match tls {
        TlsFacts::Established(certificate) => return decide_certificate(policy, certificate, now, profile),
        TlsFacts::NotOffered => {
            (Problem::StarttlsNotOffered, "STARTTLS is not offered", "its EHLO reply does not list STARTTLS".to_owned())
        }
        TlsFacts::Refused { reply } => {
            (Problem::StarttlsRefused, "STARTTLS is refused", format!("it answered STARTTLS with {reply}"))
        }
        TlsFacts::Unanswered { cause } => {
            (Problem::StarttlsUnanswered, "STARTTLS is not answered", format!("it did not answer STARTTLS: {cause}"))
        }
        TlsFacts::HandshakeFailed { cause } => {
            (Problem::HandshakeFailed, "the TLS handshake fails", format!("the TLS handshake ended: {cause}"))
        }
    };
    let decision = match policy {
        Policy::Opportunistic => Decision::new(Verdict::Clear, text, vec![reason]),
        // RFC 7672 §2.2: with TLSA records, usable or not, there is no delivery without TLS.
        Policy::Encrypted => Decision::fail(
            Condition::StarttlsNotSupported,
            text,
            vec![reason, "its TLSA records, though unusable, make TLS mandatory".to_owned()],
        ),
        Policy::Authenticated(_) => Decision::fail(
            Condition::StarttlsNotSupported,
            text,
            vec![reason, "its TLSA records make TLS mandatory".to_owned()],
        ),
    };
    decision.with_problem(problem)
}

fn decide_certificate(policy: &Policy, certificate: &CertificateFacts, now: Timestamp, profile: Profile) -> Decision {
    let records = match policy {
        Policy::Opportunistic => {
            return Decision::new(
                Verdict::Encrypted,
                "TLS without authentication",
                vec!["DANE does not apply".to_owned()],
            );
        }
        Policy::Encrypted => {
            let reasons = vec!["no TLSA record is usable, so any certificate will do".to_owned()];
            return Decision::new(Verdict::Encrypted, "TLS without authentication", reasons);
        }
        Policy::Authenticated(records) => records,
    };
    if profile == Profile::Exo
        && let Some(decision) = outside_validity(certificate, now)
    {
        return decision;
    }
    let counting = strongest(records);
    let (end_entity, trust_anchor): (Vec<_>, Vec<_>) =
        counting.iter().partition(|record| record.usage == Usage::EndEntity);
    if let Some(record) = end_entity.iter().find(|record| record.matches_leaf(certificate)) {
        let summary = format!("TLSA {} matches the {}", record.kind(), record.subject());
        let reasons = vec![format!("TLSA {record} matches the {}", record.subject())];
        let decision = Decision::new(Verdict::Authenticated, summary, reasons);
        return Decision { matched: Some(record.kind()), ..decision };
    }
    let mut reasons: Vec<_> = end_entity.iter().map(|record| mismatch(record, certificate)).collect();
    reasons.extend(
        outclassed(records, &counting)
            .iter()
            .map(|record| format!("TLSA {record} does not count beside a stronger digest")),
    );
    if trust_anchor.is_empty() {
        let summary = match end_entity.as_slice() {
            [record] => format!("TLSA {} does not match the {}", record.kind(), record.subject()),
            several => format!("none of {} TLSA records matches the certificate", several.len()),
        };
        return Decision::fail(Condition::TlsaInvalid, summary, reasons).with_problem(Problem::TlsaMismatch);
    }
    reasons.extend(trust_anchor.iter().map(|record| format!("TLSA {record} names a trust anchor")));
    let decision = Decision::new(Verdict::NotSupportedYet, "TLSA usage 2 is not supported yet", reasons);
    decision.with_problem(Problem::TlsaUsage2)
}

/// Exchange Online documents both dates as failures whatever the usage; an end date that has passed goes first.
fn outside_validity(certificate: &CertificateFacts, now: Timestamp) -> Option<Decision> {
    // Whole seconds: the second named by the end date is the last valid one (RFC 5280 §4.1.2.5).
    let now = now.as_second();
    if certificate.not_after.as_second() < now {
        let reasons = vec![format!("the certificate was valid until {}", certificate.not_after)];
        let decision = Decision::fail(Condition::CertificateExpired, "the certificate has expired", reasons);
        return Some(decision.with_problem(Problem::CertificateExpired));
    }
    if now < certificate.not_before.as_second() {
        let reasons = vec![format!("the certificate is valid from {}", certificate.not_before)];
        let decision = Decision::fail(Condition::TlsaInvalid, "the certificate is not valid yet", reasons);
        return Some(decision.with_problem(Problem::CertificateNotYetValid));
    }
    None
}

fn mismatch(record: &Tlsa, certificate: &CertificateFacts) -> String {
    let presented = abbreviated(&record.presented(certificate));
    format!("TLSA {record} does not match the {}, for which it would be {presented}", record.subject())
}

/// The records that digest agility leaves out.
fn outclassed<'a>(records: &'a [Tlsa], counting: &[Tlsa]) -> Vec<&'a Tlsa> {
    records.iter().filter(|record| !counting.contains(record)).collect()
}

#[cfg(test)]
mod tests;
