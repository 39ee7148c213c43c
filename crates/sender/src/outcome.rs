//! The effect of a failure: a deferral while there is time, a bounce when there is none or waiting cannot help.
//!
//! A failure is either a [`Condition`] that the service found itself, or a [`Reply`] of another server (RFC 5321 §4.2:
//! the first digit says whether it is permanent). For one attempt, the last host tried decides, because it is the one
//! that left the message in the queue; over all attempts, the last attempt decides.
//!
//! The wording of a bounce follows what real non-delivery reports show:
//!
//! | failure | `Status` and `Diagnostic-Code` |
//! |---|---|
//! | security condition | `5.7.323`, `550 5.7.323 tlsa-invalid: …`; as a setting `5.4.300`, `550 5.4.300 Message expired -> 450 4.7.323 …` |
//! | transport condition | `5.4.316`, `550 5.4.316 Message expired, connection refused` |
//! | 4xx reply | `5.4.300`, `550 5.4.300 Message expired -> 451 4.7.1 …` |
//! | 5xx reply with an enhanced code | passed on as it is |
//! | 5xx reply without | `5.1.351` for an unknown recipient, else `5.0.350`, with the reply after an arrow |

use std::net::IpAddr;

use mxlab_mail::smtp::{Reply, Stage};
use serde::{Deserialize, Serialize};

use crate::condition::{Condition, Family};

/// What exactly is wrong, in one word, where a code stands for several things. For expectations; it is not in any mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Problem {
    /// The answer to EHLO has no STARTTLS, and DANE demands it.
    StarttlsNotOffered,
    /// STARTTLS was answered with something else than 220.
    StarttlsRefused,
    /// STARTTLS was not answered.
    StarttlsUnanswered,
    /// The TLS handshake did not complete.
    HandshakeFailed,
    /// The certificate's end date has passed.
    CertificateExpired,
    /// The certificate's start date is in the future.
    CertificateNotYetValid,
    /// No usable TLSA record matches the certificate.
    TlsaMismatch,
    /// Only records with usage 2 are left, which are not evaluated yet.
    TlsaUsage2,
    /// DANE is mandatory, and the host has no usable records.
    DaneNotOffered,
    /// The MX records do not validate.
    DnssecMx,
    /// The addresses of a host do not validate.
    DnssecAddress,
    /// The TLSA records of a host do not validate, or there is no answer about them.
    DnssecTlsa,
    /// DNS gave no usable answer.
    Dns,
    /// The domain does not exist.
    NoSuchDomain,
    /// The domain accepts no mail (RFC 7505).
    NullMx,
    /// The host refused the connection.
    Refused,
    /// Nothing came in time.
    TimedOut,
    /// The connection was closed or lost.
    Closed,
    /// The server does not speak SMTP.
    NoSmtp,
    /// The message has 8-bit content and the host does not offer 8BITMIME.
    EightBit,
    /// The host said so.
    Reply,
}

impl Problem {
    /// The word for it in events.
    pub const fn word(self) -> &'static str {
        match self {
            Problem::StarttlsNotOffered => "starttls-not-offered",
            Problem::StarttlsRefused => "starttls-refused",
            Problem::StarttlsUnanswered => "starttls-unanswered",
            Problem::HandshakeFailed => "handshake-failed",
            Problem::CertificateExpired => "certificate-expired",
            Problem::CertificateNotYetValid => "certificate-not-yet-valid",
            Problem::TlsaMismatch => "tlsa-mismatch",
            Problem::TlsaUsage2 => "tlsa-usage-2",
            Problem::DaneNotOffered => "dane-not-offered",
            Problem::DnssecMx => "dnssec-mx",
            Problem::DnssecAddress => "dnssec-address",
            Problem::DnssecTlsa => "dnssec-tlsa",
            Problem::Dns => "dns",
            Problem::NoSuchDomain => "no-such-domain",
            Problem::NullMx => "null-mx",
            Problem::Refused => "refused",
            Problem::TimedOut => "timed-out",
            Problem::Closed => "closed",
            Problem::NoSmtp => "no-smtp",
            Problem::EightBit => "eight-bit",
            Problem::Reply => "reply",
        }
    }
}

/// The source of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The service's own.
    Condition(Condition),
    /// Another server's negative reply.
    Reply(Reply),
}

/// Why a recipient did not get the message from a host, or from a whole domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryFailure {
    /// The failure and its source.
    pub cause: Cause,
    /// The full name of the host where it happened; none if the failure is about the domain.
    pub host: Option<String>,
    /// The stage of the session; none if no connection was tried.
    pub stage: Option<Stage>,
    /// The address that was called; none if none was.
    pub ip: Option<IpAddr>,
    /// What exactly is wrong.
    pub problem: Problem,
    /// The domain that it is about, for texts that name it.
    pub domain: Option<String>,
}

impl DeliveryFailure {
    /// A condition of the whole domain.
    pub fn of_domain(condition: Condition, problem: Problem, domain: impl Into<String>) -> DeliveryFailure {
        let (cause, domain) = (Cause::Condition(condition), Some(domain.into()));
        DeliveryFailure { cause, host: None, stage: None, ip: None, problem, domain }
    }

    /// Whether waiting cannot help.
    pub fn is_permanent(&self) -> bool {
        match &self.cause {
            Cause::Condition(condition) => condition.family() == Family::Permanent,
            Cause::Reply(reply) => reply.is_permanent(),
        }
    }

    /// Whether the other hosts of the domain need not be tried: the failure is final for the domain or for this
    /// message. A 5xx greeting or EHLO reply is only about the host.
    pub fn is_last_word(&self) -> bool {
        self.is_permanent() && self.stage.is_none_or(|stage| stage >= Stage::Mail)
    }

    /// The enhanced code of a deferral: `4.7.323`. A reply without one counts as `4.0.0` (RFC 3463 §3.1).
    pub fn code(&self) -> String {
        match &self.cause {
            Cause::Condition(condition) => condition.queued_code(),
            Cause::Reply(reply) => {
                let class = if reply.is_permanent() { 5 } else { 4 };
                reply.enhanced.map_or_else(|| format!("{class}.0.0"), |enhanced| enhanced.to_string())
            }
        }
    }

    /// The reply line of a deferral: `450 4.7.323 tlsa-invalid: …`, or the server's own.
    pub fn line(&self) -> String {
        match &self.cause {
            Cause::Condition(condition) => self.named(condition.queued_line()),
            Cause::Reply(reply) => reply.to_string(),
        }
    }

    /// Exchange names the domain in one text: `550 5.4.310 DNS domain fabrikam.example does not exist`.
    fn named(&self, line: String) -> String {
        match (&self.cause, &self.domain) {
            (Cause::Condition(Condition::DomainDoesNotExist), Some(domain)) => {
                line.replace("DNS domain does", &format!("DNS domain {domain} does"))
            }
            _ => line,
        }
    }

    /// The host that answered, if it was an answer and not a finding of the service.
    pub fn by(&self) -> Option<&str> {
        match &self.cause {
            Cause::Condition(_) => None,
            Cause::Reply(_) => self.host.as_deref(),
        }
    }

    /// Its wording once it is final.
    pub fn bounce(&self, form: NdrForm) -> Bounce {
        let line = self.line();
        match &self.cause {
            Cause::Condition(condition) if condition.family() == Family::Security && form == NdrForm::Wrapped => {
                Bounce::expired(&line)
            }
            Cause::Condition(condition) => {
                Bounce { code: condition.final_code(), diagnostic: self.named(condition.final_line()) }
            }
            Cause::Reply(reply) if !reply.is_permanent() => Bounce::expired(&line),
            Cause::Reply(reply) => match reply.enhanced {
                Some(enhanced) => Bounce { code: enhanced.to_string(), diagnostic: line },
                None if self.stage == Some(Stage::Rcpt) => Bounce {
                    code: "5.1.351".to_owned(),
                    diagnostic: format!(
                        "550 5.1.351 Remote server returned unknown recipient or mailbox unavailable -> {line}"
                    ),
                },
                None => Bounce {
                    code: "5.0.350".to_owned(),
                    diagnostic: format!("550 5.0.350 Remote server returned an error -> {line}"),
                },
            },
        }
    }
}

/// How the NDR words a security condition. Which one Exchange Online uses is not documented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NdrForm {
    /// `550 5.7.323 tlsa-invalid: …`
    #[default]
    Plain,
    /// `550 5.4.300 Message expired -> 450 4.7.323 tlsa-invalid: …`
    Wrapped,
}

/// The final result for a recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounce {
    /// The value of the report's `Status` field.
    pub code: String,
    /// The value of its `Diagnostic-Code` field after `smtp;`.
    pub diagnostic: String,
}

impl Bounce {
    fn expired(line: &str) -> Bounce {
        Bounce { code: "5.4.300".to_owned(), diagnostic: format!("550 5.4.300 Message expired -> {line}") }
    }
}

/// What an attempt without success means for a recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// It stays queued.
    Defer(DeliveryFailure),
    /// Delivery to it fails at once.
    Bounce(DeliveryFailure),
}

/// What the failures at the hosts of one attempt, in the order in which they were tried, mean for a recipient.
///
/// The last host tried decides. Delivery to a recipient fails when that host's failure is final, or when every host has
/// refused permanently; as long as one host may still accept the message, the last such host decides instead.
pub fn conclude(failures: &[DeliveryFailure]) -> Conclusion {
    let Some(last) = failures.last() else {
        return Conclusion::Defer(DeliveryFailure::of_domain(Condition::DnsQueryFailed, Problem::Dns, ""));
    };
    if last.is_last_word() {
        return Conclusion::Bounce(last.clone());
    }
    match failures.iter().rfind(|failure| !failure.is_permanent()) {
        Some(failure) => Conclusion::Defer(failure.clone()),
        None => Conclusion::Bounce(last.clone()),
    }
}

/// Documented limitations of Exchange Online that can be switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limitations {
    /// `dnssec-as-4.4.312`: DNSSEC failures of a domain's MX and address records surface as `DNS query failed`.
    pub dnssec_as_dns_query_failed: bool,
}

impl Limitations {
    /// The condition for MX or address records that do not validate.
    pub fn bogus_route(self) -> Condition {
        if self.dnssec_as_dns_query_failed { Condition::DnsQueryFailed } else { Condition::DnssecInvalid }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(line: &str) -> Cause {
        Cause::Reply(line.parse().unwrap())
    }

    fn at(stage: Stage, cause: Cause) -> DeliveryFailure {
        let (problem, host) = (Problem::Reply, Some("mx1.fabrikam.example".to_owned()));
        DeliveryFailure { cause, host, stage: Some(stage), ip: None, problem, domain: None }
    }

    #[track_caller]
    fn check(failure: &DeliveryFailure, queued: (&str, &str), plain: (&str, &str), wrapped: Option<(&str, &str)>) {
        assert_eq!((failure.code().as_str(), failure.line().as_str()), queued);
        for (form, expected) in [(NdrForm::Plain, plain), (NdrForm::Wrapped, wrapped.unwrap_or(plain))] {
            let bounce = failure.bounce(form);
            assert_eq!((bounce.code.as_str(), bounce.diagnostic.as_str()), expected);
        }
    }

    #[test]
    fn wording_of_conditions() {
        check(
            &at(Stage::Handshake, Cause::Condition(Condition::TlsaInvalid)),
            ("4.7.323", "450 4.7.323 tlsa-invalid: The domain failed DANE validation."),
            ("5.7.323", "550 5.7.323 tlsa-invalid: The domain failed DANE validation."),
            Some((
                "5.4.300",
                "550 5.4.300 Message expired -> 450 4.7.323 tlsa-invalid: The domain failed DANE validation.",
            )),
        );
        check(
            &at(Stage::Connect, Cause::Condition(Condition::ConnectionRefused)),
            ("4.4.316", "450 4.4.316 Connection refused"),
            ("5.4.316", "550 5.4.316 Message expired, connection refused"),
            None,
        );
        check(
            &DeliveryFailure::of_domain(Condition::DomainDoesNotExist, Problem::NoSuchDomain, "b.example"),
            ("5.4.310", "550 5.4.310 DNS domain b.example does not exist"),
            ("5.4.310", "550 5.4.310 DNS domain b.example does not exist"),
            None,
        );
    }

    #[test]
    fn wording_of_replies() {
        let greylisted = "451 4.7.1 Greylisted, come back";
        check(
            &at(Stage::Rcpt, reply("451 4.7.1 Greylisted, come back")),
            ("4.7.1", greylisted),
            ("5.4.300", &format!("550 5.4.300 Message expired -> {greylisted}")),
            None,
        );
        check(
            &at(Stage::Banner, reply("421")),
            ("4.0.0", "421"),
            ("5.4.300", "550 5.4.300 Message expired -> 421"),
            None,
        );
        let unknown = ("5.1.1", "550 5.1.1 User unknown");
        check(&at(Stage::Rcpt, reply("550 5.1.1 User unknown")), unknown, unknown, None);
        check(
            &at(Stage::Rcpt, reply("550 no such user")),
            ("5.0.0", "550 no such user"),
            (
                "5.1.351",
                "550 5.1.351 Remote server returned unknown recipient or mailbox unavailable -> 550 no such user",
            ),
            None,
        );
        check(
            &at(Stage::Dot, reply("554 no")),
            ("5.0.0", "554 no"),
            ("5.0.350", "550 5.0.350 Remote server returned an error -> 554 no"),
            None,
        );
        // A class that contradicts the reply code is not a status.
        check(
            &at(Stage::Dot, reply("554 4.7.1 no")),
            ("5.0.0", "554 4.7.1 no"),
            ("5.0.350", "550 5.0.350 Remote server returned an error -> 554 4.7.1 no"),
            None,
        );
        check(
            &at(Stage::Dot, reply("451 5.7.1 later")),
            ("4.0.0", "451 5.7.1 later"),
            ("5.4.300", "550 5.4.300 Message expired -> 451 5.7.1 later"),
            None,
        );
    }

    #[test]
    fn last_words() {
        let last = |stage, code: u16| at(stage, reply(&code.to_string())).is_last_word();
        for stage in [Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Dot] {
            assert!(last(stage, 500));
            assert!(!last(stage, 499));
        }
        for stage in [Stage::Connect, Stage::Banner, Stage::Ehlo, Stage::StartTls, Stage::Handshake] {
            assert!(!last(stage, 554));
        }
        assert!(DeliveryFailure::of_domain(Condition::NullMx, Problem::NullMx, "b.example").is_last_word());
        assert!(!DeliveryFailure::of_domain(Condition::DnssecInvalid, Problem::DnssecMx, "b.example").is_last_word());
        assert!(!at(Stage::Handshake, Cause::Condition(Condition::TlsaInvalid)).is_last_word());
    }

    #[test]
    fn who_answered() {
        assert_eq!(at(Stage::Rcpt, reply("451")).by(), Some("mx1.fabrikam.example"));
        assert_eq!(at(Stage::Handshake, Cause::Condition(Condition::TlsaInvalid)).by(), None);
    }

    #[test]
    fn the_last_host_speaks() {
        let mismatch = at(Stage::Handshake, Cause::Condition(Condition::TlsaInvalid));
        let refused = at(Stage::Connect, Cause::Condition(Condition::ConnectionRefused));
        let gone = at(Stage::Banner, reply("554 no service"));
        let unknown = at(Stage::Rcpt, reply("550 5.1.1 User unknown"));
        let defer = |failure: &DeliveryFailure| Conclusion::Defer(failure.clone());
        let bounce = |failure: &DeliveryFailure| Conclusion::Bounce(failure.clone());
        let conclude = |failures: &[&DeliveryFailure]| conclude(&failures.iter().copied().cloned().collect::<Vec<_>>());
        assert_eq!(conclude(&[&mismatch]), defer(&mismatch));
        assert_eq!(conclude(&[&mismatch, &refused]), defer(&refused));
        assert_eq!(conclude(&[&refused, &mismatch]), defer(&mismatch));
        assert_eq!(conclude(&[&refused, &unknown]), bounce(&unknown));
        assert_eq!(conclude(&[&gone]), bounce(&gone));
        assert_eq!(conclude(&[&gone, &refused]), defer(&refused));
        assert_eq!(conclude(&[&refused, &mismatch, &gone]), defer(&mismatch));
        assert_eq!(conclude(&[]), defer(&DeliveryFailure::of_domain(Condition::DnsQueryFailed, Problem::Dns, "")));
    }

    #[test]
    fn limitation() {
        assert_eq!(Limitations::default().bogus_route(), Condition::DnssecInvalid);
        let limited = Limitations { dnssec_as_dns_query_failed: true };
        assert_eq!(limited.bogus_route(), Condition::DnsQueryFailed);
    }
}
