//! One attempt at the hosts of a domain: what DNS requires of each, and what came of trying it.

use std::net::IpAddr;

use mxlab_mail::Address;
use mxlab_record::{Event, Fields, State, common};

use super::attempt_for;
use crate::outcome::DeliveryFailure;
use crate::routing::TlsaDecision;
use crate::smtp::Security;

/// An attempt begins.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The Message-ID.
    pub message: String,
    /// The recipient.
    pub to: Address,
    /// Its number, from 1.
    pub attempt: u32,
}

impl Event for Attempt {
    fn kind(&self) -> &'static str {
        "attempt"
    }
    fn fields(&self) -> Fields {
        Fields::new()
            .with("message", self.message.as_str())
            .with("to", self.to.to_string())
            .with("attempt", self.attempt)
    }
    fn story(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What DNS requires of a host.
#[derive(Clone, Debug)]
pub struct Tlsa {
    /// The host.
    pub host: String,
    /// The TLSA base domain, or the host's own name.
    pub base: String,
    /// The owner of the TLSA records: `_25._tcp.` and the base.
    pub owner: String,
    /// The kind of outcome.
    pub decision: TlsaDecision,
    /// The records found, abbreviated.
    pub records: Vec<String>,
    /// How many of them are usable.
    pub usable: usize,
    /// Why.
    pub reasons: Vec<String>,
}

impl Event for Tlsa {
    fn kind(&self) -> &'static str {
        "tlsa"
    }
    fn fields(&self) -> Fields {
        Fields::new()
            .with("host", self.host.as_str())
            .with("base", self.base.as_str())
            .with("decision", self.decision.word())
            .with("records", self.records.clone())
            .with("usable", self.usable)
            .with("unusable", self.records.len().saturating_sub(self.usable))
    }
    fn story(&self) -> Vec<String> {
        let Tlsa { host, owner, .. } = self;
        vec![match self.decision {
            TlsaDecision::Dane => format!("DANE applies to {host}: TLSA records at {owner}"),
            TlsaDecision::None => format!("{host} has no TLSA records: ordinary delivery"),
            TlsaDecision::Unusable => format!("{host} must offer TLS: no TLSA record at {owner} is usable"),
            TlsaDecision::Insecure => format!("DANE does not apply to {host}: ordinary delivery"),
            TlsaDecision::Failed => format!("{host} is not used: its TLSA records cannot be trusted"),
            TlsaDecision::Off => return Vec::new(),
        }]
    }
    fn because(&self) -> Vec<String> {
        // That there are no records is said in the line itself.
        if self.decision == TlsaDecision::None { Vec::new() } else { self.reasons.clone() }
    }
    fn state(&self) -> Option<State> {
        let is = [self.story(), self.because(), self.records.clone()].concat().join("; ");
        Some(State { of: format!("TLSA records of {}", self.host), is })
    }
}

/// How a host stands that took the message, for anybody.
pub(crate) const TOOK_THE_MESSAGE: &str = "took the message";

/// A host was tried in an attempt.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The Message-ID.
    pub message: String,
    /// The recipients' domain.
    pub domain: String,
    /// The recipients that were still left for this host.
    pub to: Vec<Address>,
    /// The host.
    pub host: String,
    /// Its preference; none for a domain that is its own host.
    pub preference: Option<u16>,
    /// The number of the attempt.
    pub attempt: u32,
    /// The address that was called.
    pub ip: Option<String>,
    /// The failure, if no recipient was taken.
    pub failure: Option<DeliveryFailure>,
    /// How the session was protected.
    pub security: Option<Security>,
    /// The same in one line.
    pub summary: String,
    /// Its reasons.
    pub reasons: Vec<String>,
    /// Usage, selector and matching type of the TLSA record that matched.
    pub matched: Option<String>,
    /// How many TLSA records the host has, if they were looked up.
    pub records: usize,
}

impl Event for Tried {
    fn kind(&self) -> &'static str {
        "tried"
    }
    fn fields(&self) -> Fields {
        let failure = self.failure.as_ref();
        Fields::new()
            .with("message", self.message.as_str())
            .with("domain", self.domain.as_str())
            .with("host", self.host.as_str())
            .with_some("ip", self.ip.as_deref())
            .with("outcome", if failure.is_some() { "failed" } else { "delivered" })
            .with_some("security", self.security.map(Security::word))
            .with_some("code", failure.map(DeliveryFailure::code))
            .with_some("text", failure.map(DeliveryFailure::line))
            .with_some("stage", failure.and_then(|failure| failure.stage).map(|stage| stage.word()))
            .with_some("problem", failure.map(|failure| failure.problem.word()))
            .with_some("matched", self.matched.as_deref())
            .with("records", self.records)
    }
    /// A success is recorded for each recipient that was taken.
    fn story(&self) -> Vec<String> {
        if self.failure.is_none() {
            return Vec::new();
        }
        let preference = self.preference.map_or(String::new(), |preference| format!(" (preference {preference})"));
        let Tried { host, summary, .. } = self;
        vec![format!("{}: {host}{preference}: {summary}", attempt_for(self.attempt, &self.to))]
    }
    fn because(&self) -> Vec<String> {
        if self.failure.is_none() { Vec::new() } else { self.reasons.clone() }
    }
    fn state(&self) -> Option<State> {
        let Tried { message, domain, host, .. } = self;
        let is = match self.failure {
            Some(_) => format!("{}; {}", self.summary, self.reasons.join("; ")),
            None => TOOK_THE_MESSAGE.to_owned(),
        };
        Some(State { of: format!("{message} to {domain} at {host}"), is })
    }
}

/// A host has taken the message for a recipient.
#[derive(Clone, Debug)]
pub struct Relayed {
    /// The Message-ID.
    pub message: String,
    /// The recipient.
    pub to: Address,
    /// The host.
    pub host: String,
    /// How the session was protected.
    pub security: Security,
    /// Attempts, this one included.
    pub attempts: u32,
    /// Why the session was good enough.
    pub reasons: Vec<String>,
    /// The address that was called.
    pub ip: Option<IpAddr>,
    /// Usage, selector and matching type of the TLSA record that matched.
    pub matched: Option<String>,
    /// How many TLSA records the host has.
    pub records: usize,
}

impl Event for Relayed {
    fn kind(&self) -> &'static str {
        "relayed"
    }
    fn fields(&self) -> Fields {
        Fields::new()
            .with("message", self.message.as_str())
            .with("to", self.to.to_string())
            .with("host", self.host.as_str())
            .with("security", self.security.word())
            .with_some("ip", self.ip.map(|ip| ip.to_string()))
            .with_some("matched", self.matched.as_deref())
            .with("records", self.records)
            .with("attempts", self.attempts)
    }
    fn story(&self) -> Vec<String> {
        let how = match self.security {
            Security::None => "in clear text",
            Security::Tls => "over TLS, unauthenticated",
            Security::Dane => "over TLS, authenticated by DANE",
        };
        vec![format!("attempt {}: {} takes the message for {} {how}", self.attempts, self.host, self.to)]
    }
    fn because(&self) -> Vec<String> {
        self.reasons.clone()
    }
}

/// A scenario needs something that is not implemented; its result proves nothing.
#[derive(Clone, Debug)]
pub struct NotSupportedYet {
    /// What: `TLSA usage 2`.
    pub feature: &'static str,
    /// Where it was needed.
    pub host: String,
}

impl Event for NotSupportedYet {
    fn kind(&self) -> &'static str {
        common::NotSupported::KIND.name
    }
    fn fields(&self) -> Fields {
        common::NotSupported { what: self.feature, message: None, to: None, host: Some(&self.host) }.fields()
    }
    fn story(&self) -> Vec<String> {
        vec![format!("NOT SUPPORTED YET: {} at {}", self.feature, self.host)]
    }
}
