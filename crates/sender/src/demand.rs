//! What is demanded of a session with a host, what TLS showed, and what follows: may the message go?
//!
//! The demand comes from DNS before any connection ([`Demand`]); the facts come from the connection ([`TlsFacts`]). The
//! decision is a pure function of both, the time and the profile ([`decide`]), and says its reasons. It is made before the
//! first SMTP command that follows TLS.

use jiff::Timestamp;
use mxlab_dns::rdata::abbreviated;
use mxlab_mail::smtp::Stage;

use crate::Profile;
use crate::condition::Condition;
use crate::dane::{CertificateFacts, Classified, MOST_RECORDS, Tlsa, Usage, strongest};
use crate::outcome::Problem;

/// What is demanded of a session with a host, before any connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// No DANE: TLS if it is there.
    Opportunistic,
    /// TLS or nothing, and any certificate will do: there are records, all of them unusable.
    Encrypted,
    /// TLS with a host that DANE authenticates (RFC 7672).
    Dane {
        /// The usable TLSA records, of which one must match.
        records: Vec<Tlsa>,
        /// The names that the host goes by. The first is the TLSA base domain, which is asked for in SNI (RFC 7672 §8.1).
        names: Vec<String>,
    },
}

impl Demand {
    /// What follows from an authentic TLSA RRset at this base domain; the RRset may be empty.
    pub fn of_records(base: &str, classified: &[Classified]) -> Demand {
        let usable: Vec<_> = classified
            .iter()
            .filter_map(|record| match record {
                Classified::Usable(tlsa) => Some(tlsa.clone()),
                Classified::Unusable { .. } => None,
            })
            .take(MOST_RECORDS)
            .collect();
        match (classified.is_empty(), usable.is_empty()) {
            (true, _) => Demand::Opportunistic,
            (false, true) => Demand::Encrypted,
            (false, false) => Demand::Dane { records: usable, names: vec![base.to_owned()] },
        }
    }

    /// Whether nothing may be sent without TLS.
    pub fn demands_tls(&self) -> bool {
        *self != Demand::Opportunistic
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

impl TlsFacts {
    /// The step of the session that shows it.
    pub fn stage(&self) -> Stage {
        match self {
            TlsFacts::NotOffered | TlsFacts::Refused { .. } | TlsFacts::Unanswered { .. } => Stage::StartTls,
            TlsFacts::HandshakeFailed { .. } | TlsFacts::Established(_) => Stage::Handshake,
        }
    }
}

/// What a session may be used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsVerdict {
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
    pub verdict: TlsVerdict,
    /// The same in one line.
    pub summary: String,
    /// Its reasons.
    pub reasons: Vec<String>,
    /// What was found wrong with TLS, whether or not that is a failure.
    pub problem: Option<Problem>,
    /// Usage, selector and matching type of the record that matched: `3 1 1`.
    pub matched: Option<String>,
}

impl Decision {
    fn new(verdict: TlsVerdict, summary: impl Into<String>, reasons: Vec<String>) -> Decision {
        Decision { verdict, summary: summary.into(), reasons, problem: None, matched: None }
    }

    fn fail(condition: Condition, summary: impl Into<String>, reasons: Vec<String>) -> Decision {
        Decision::new(TlsVerdict::Fail(condition), summary, reasons)
    }

    fn with_problem(self, problem: Problem) -> Decision {
        Decision { problem: Some(problem), ..self }
    }
}

/// What a session is worth under a demand: decided after TLS and before any SMTP command that follows it.
pub fn decide(demand: &Demand, tls: &TlsFacts, now: Timestamp, profile: Profile) -> Decision {
    let (problem, text, reason) = match tls {
        TlsFacts::Established(certificate) => return decide_certificate(demand, certificate, now, profile),
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
    let decision = match demand {
        Demand::Opportunistic => Decision::new(TlsVerdict::Clear, text, vec![reason]),
        // RFC 7672 §2.2: with TLSA records, usable or not, there is no delivery without TLS.
        Demand::Encrypted => Decision::fail(
            Condition::StarttlsNotSupported,
            text,
            vec![reason, "its TLSA records, though unusable, make TLS mandatory".to_owned()],
        ),
        Demand::Dane { .. } => Decision::fail(
            Condition::StarttlsNotSupported,
            text,
            vec![reason, "its TLSA records make TLS mandatory".to_owned()],
        ),
    };
    decision.with_problem(problem)
}

fn decide_certificate(demand: &Demand, certificate: &CertificateFacts, now: Timestamp, profile: Profile) -> Decision {
    let records = match demand {
        Demand::Opportunistic => {
            return Decision::new(
                TlsVerdict::Encrypted,
                "TLS without authentication",
                vec!["DANE does not apply".to_owned()],
            );
        }
        Demand::Encrypted => {
            let reasons = vec!["no TLSA record is usable, so any certificate will do".to_owned()];
            return Decision::new(TlsVerdict::Encrypted, "TLS without authentication", reasons);
        }
        Demand::Dane { records, .. } => records,
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
        let decision = Decision::new(TlsVerdict::Authenticated, summary, reasons);
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
    let decision = Decision::new(TlsVerdict::NotSupportedYet, "TLSA usage 2 is not supported yet", reasons);
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
