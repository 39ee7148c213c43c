//! The events that the engine records, with their text for the story.
//!
//! An event is made of facts. It says in full what happened, and for what recurs also how things stand and how a repetition
//! reads; whether it is one is the story's business. A message that waits for a day fails in the same way 26 times.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use mxlab_mail::{Address, ReversePath};
use mxlab_record::{Again, Artefact, Event, Fields, Kind, State, common};

use crate::outcome::DeliveryFailure;
use crate::retry::{Next, until};
use crate::routing::{DeadEnd, TlsaDecision};
use crate::smtp::Security;

/// The kinds of events that the engine records, with their fields. Its resolver records events of its own
/// ([`mxlab_dns::EVENTS`]).
pub const EVENTS: &[Kind] = &[
    Kind::new("queued", &["message", "from", "to"]),
    Kind::new("resumed", &["message", "to"]),
    Kind::new("spool-damaged", &["file", "problem"]),
    Kind::new("attempt", &["message", "to", "attempt"]),
    Kind::new("tlsa", &["host", "base", "decision", "records", "usable", "unusable"]),
    Kind::new(
        "tried",
        &[
            "message", "domain", "host", "ip", "outcome", "security", "code", "text", "stage", "problem", "matched",
            "records",
        ],
    ),
    Kind::new("relayed", &["message", "to", "host", "security", "ip", "matched", "records", "attempts"]),
    Kind::new("deferred", &["message", "to", "code", "text", "attempts", "by", "stage", "problem", "next"]),
    Kind::new("bounced", &["message", "to", "code", "text", "attempts", "by", "stage", "problem", "ndr"]),
    Kind::new("notified", &["message", "to", "action", "dsn"]),
    common::NotSupported::KIND,
    common::Rejected::KIND,
];

/// A message was accepted and is safe in the spool.
#[derive(Clone, Debug)]
pub struct Queued {
    /// Its Message-ID.
    pub message: String,
    /// The envelope sender.
    pub from: ReversePath,
    /// The envelope recipients.
    pub to: Vec<Address>,
    /// Whether the engine wrote it itself; then the event before has told of it.
    pub own: bool,
}

impl Event for Queued {
    fn kind(&self) -> &'static str {
        "queued"
    }
    fn fields(&self) -> Fields {
        let to: Vec<_> = self.to.iter().map(Address::to_string).collect();
        Fields::new().with("message", self.message.as_str()).with("from", self.from.to_string()).with("to", to)
    }
    fn story(&self) -> Vec<String> {
        let to = list(&self.to);
        match self.from.address() {
            _ if self.own => Vec::new(),
            Some(from) => vec![format!("takes a message from {from} to {to}")],
            None => vec![format!("takes a message with a null reverse-path to {to}")],
        }
    }
}

/// A message that was in the spool when the engine started.
#[derive(Clone, Debug)]
pub struct Resumed {
    /// Its Message-ID.
    pub message: String,
    /// The recipients that still wait.
    pub to: Vec<Address>,
}

impl Event for Resumed {
    fn kind(&self) -> &'static str {
        "resumed"
    }
    fn fields(&self) -> Fields {
        let to: Vec<_> = self.to.iter().map(Address::to_string).collect();
        Fields::new().with("message", self.message.as_str()).with("to", to)
    }
    fn story(&self) -> Vec<String> {
        vec![format!("finds the message to {} in its spool and goes on where it was", list(&self.to))]
    }
}

/// An unreadable file in the spool; it is left in place.
#[derive(Clone, Debug)]
pub struct SpoolDamaged {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Event for SpoolDamaged {
    fn kind(&self) -> &'static str {
        "spool-damaged"
    }
    fn fields(&self) -> Fields {
        Fields::new().with("file", self.file.as_str()).with("problem", self.problem.as_str())
    }
    fn story(&self) -> Vec<String> {
        vec![format!("cannot use the spool file {}: {}", self.file, self.problem)]
    }
}

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
    /// One line that tells it.
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
    /// A success is told by the recipients that were taken.
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

/// A recipient stays queued after an attempt.
#[derive(Clone, Debug)]
pub struct Deferred {
    /// The Message-ID.
    pub message: String,
    /// The recipient.
    pub to: Address,
    /// All recipients that this attempt failed for in the same way, in order. The first of them speaks for all.
    pub alike: Vec<Address>,
    /// Why.
    pub failure: DeliveryFailure,
    /// Attempts so far.
    pub attempts: u32,
    /// When this attempt started.
    pub started: Timestamp,
    /// What comes next.
    pub next: Next,
    /// What the hosts said in this attempt, in the order in which they were tried.
    pub hosts: Vec<String>,
    /// What stopped the attempt before any host.
    pub dead_end: Option<DeadEnd>,
}

impl Deferred {
    fn speaks(&self) -> bool {
        self.alike.first() == Some(&self.to)
    }

    fn then(&self) -> String {
        match self.next {
            Next::Attempt(at) => format!("next attempt {} after this one", span(until(self.started, at))),
            Next::Expiry(at) => format!("expires {} after this one", span(until(self.started, at))),
        }
    }
}

impl Event for Deferred {
    fn kind(&self) -> &'static str {
        "deferred"
    }
    fn fields(&self) -> Fields {
        let next = match self.next {
            Next::Attempt(at) => Some(at),
            Next::Expiry(_) => None,
        };
        failure_fields(&self.message, &self.to, &self.failure.code(), &self.failure.line(), self.attempts)
            .with_some("by", self.failure.by())
            .with_some("stage", self.failure.stage.map(|stage| stage.word()))
            .with("problem", self.failure.problem.word())
            .with_some("next", next)
    }
    fn story(&self) -> Vec<String> {
        if !self.speaks() {
            return Vec::new();
        }
        let line = self.failure.line();
        let waits = format!("{} stays queued: {}; {}", list(&self.alike), line.trim_end_matches('.'), self.then());
        match &self.dead_end {
            Some(end) => vec![format!("{}: {}", attempt_for(self.attempts, &self.alike), end.summary), waits],
            None => vec![waits],
        }
    }
    fn because(&self) -> Vec<String> {
        let told = self.dead_end.as_ref().filter(|_| self.speaks());
        told.map(|end| end.reasons.clone()).unwrap_or_default()
    }
    fn state(&self) -> Option<State> {
        let dead_end = self.dead_end.iter().flat_map(|end| end.reasons.iter().chain([&end.summary]).cloned());
        // Hosts of equal preference are tried in random order; another order is not another state.
        let mut hosts = self.hosts.clone();
        hosts.sort();
        let is: Vec<_> = hosts.into_iter().chain(dead_end).chain([self.failure.line()]).collect();
        Some(State { of: format!("{} to {}", self.message, self.to), is: is.join("; ") })
    }
    fn again(&self) -> Option<Again> {
        self.speaks().then(|| Again {
            counted: "attempt",
            number: self.attempts,
            about: format!("for {}", list(&self.alike)),
            says: format!("same as before ({})", self.failure.code()),
            then: self.then(),
        })
    }
}

/// The engine gave up on a recipient.
#[derive(Clone, Debug)]
pub struct Bounced {
    /// The Message-ID.
    pub message: String,
    /// The recipient.
    pub to: Address,
    /// The last failure.
    pub failure: DeliveryFailure,
    /// The value of `Status`.
    pub code: String,
    /// The value of `Diagnostic-Code`.
    pub text: String,
    /// Attempts made.
    pub attempts: u32,
    /// The NDR: its Message-ID, its recipient, its text. None for a message with a null reverse-path.
    pub ndr: Option<DeliveryReport>,
    /// Why, where no deferral has said so before.
    pub reasons: Vec<String>,
}

/// A report that the engine wrote.
#[derive(Clone, Debug)]
pub struct DeliveryReport {
    /// Its Message-ID.
    pub message_id: String,
    /// Whom it goes to.
    pub to: Address,
    /// Its octets.
    pub message: Vec<u8>,
}

impl DeliveryReport {
    fn artefact(&self, what: &str) -> Artefact {
        let text = String::from_utf8_lossy(&self.message).replace("\r\n", "\n");
        Artefact { title: format!("{what} to {}", self.to), text }
    }
}

impl Event for Bounced {
    fn kind(&self) -> &'static str {
        "bounced"
    }
    fn fields(&self) -> Fields {
        failure_fields(&self.message, &self.to, &self.code, &self.text, self.attempts)
            .with_some("by", self.failure.by())
            .with_some("stage", self.failure.stage.map(|stage| stage.word()))
            .with("problem", self.failure.problem.word())
            .with_some("ndr", self.ndr.as_ref().map(|ndr| ndr.message_id.as_str()))
    }
    fn story(&self) -> Vec<String> {
        let attempts = if self.attempts == 1 { "1 attempt".to_owned() } else { format!("{} attempts", self.attempts) };
        let report = match &self.ndr {
            Some(ndr) => format!("writes an NDR to {}", ndr.to),
            None => "writes no NDR: the message has a null reverse-path".to_owned(),
        };
        vec![format!("gives up on {} after {attempts}: {}", self.to, self.text), report]
    }
    fn because(&self) -> Vec<String> {
        self.reasons.clone()
    }
    fn artefact(&self) -> Option<Artefact> {
        self.ndr.as_ref().map(|ndr| ndr.artefact("NDR"))
    }
}

/// The author got a report other than a failure.
#[derive(Clone, Debug)]
pub struct Notified {
    /// The Message-ID.
    pub message: String,
    /// The recipient that it is about.
    pub to: Address,
    /// `delayed`.
    pub action: &'static str,
    /// The report.
    pub dsn: DeliveryReport,
}

impl Event for Notified {
    fn kind(&self) -> &'static str {
        "notified"
    }
    fn fields(&self) -> Fields {
        Fields::new()
            .with("message", self.message.as_str())
            .with("to", self.to.to_string())
            .with("action", self.action)
            .with("dsn", self.dsn.message_id.as_str())
    }
    fn story(&self) -> Vec<String> {
        vec![format!("tells {} that delivery to {} is {}", self.dsn.to, self.to, self.action)]
    }
    fn artefact(&self) -> Option<Artefact> {
        Some(self.dsn.artefact("delivery report"))
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

/// A message was refused at submission.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// The envelope sender.
    pub from: ReversePath,
    /// The recipient, if it was about one.
    pub to: Option<Address>,
    /// The enhanced code.
    pub code: Option<String>,
    /// The reply.
    pub text: String,
    /// The engine's own full name.
    pub by: String,
    /// Where in the session.
    pub stage: &'static str,
}

impl Event for Rejected {
    fn kind(&self) -> &'static str {
        common::Rejected::KIND.name
    }
    fn fields(&self) -> Fields {
        let to = self.to.as_ref().map(Address::to_string);
        let rejected = common::Rejected {
            message: None,
            from: &self.from.to_string(),
            to: to.as_deref(),
            code: self.code.clone(),
            text: self.text.clone(),
            by: &self.by,
            stage: self.stage,
        };
        rejected.fields()
    }
    fn story(&self) -> Vec<String> {
        vec![format!("refuses a message from {}: {}", self.from, self.text)]
    }
}

fn failure_fields(message: &str, to: &Address, code: &str, text: &str, attempts: u32) -> Fields {
    Fields::new()
        .with("message", message)
        .with("to", to.to_string())
        .with("code", code)
        .with("text", text)
        .with("attempts", attempts)
}

/// The beginning of a line about an attempt.
fn attempt_for(number: u32, to: &[Address]) -> String {
    format!("attempt {number} for {}", list(to))
}

/// Addresses as in a sentence; more than three are counted.
fn list(addresses: &[Address]) -> String {
    match addresses {
        [] => "nobody".to_owned(),
        [one] => one.to_string(),
        [one, two] => format!("{one} and {two}"),
        [one, two, three] => format!("{one}, {two} and {three}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}

/// A span as in a sentence: `15 min`, `1 h`, `23 h 45 min`. Seconds only where there are no hours.
fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let parts = [(hours, "h"), (minutes, "min"), (if hours == 0 { rest } else { 0 }, "s")];
    let words: Vec<_> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}")).collect();
    if words.is_empty() { "0 s".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_in_words() {
        let check = |seconds, expected| assert_eq!(span(Duration::from_secs(seconds)), expected);
        check(0, "0 s");
        check(59, "59 s");
        check(61, "1 min 1 s");
        check(900, "15 min");
        check(3600, "1 h");
        check(3661, "1 h 1 min");
        check(85_500, "23 h 45 min");
    }

    #[test]
    fn lists_in_words() {
        let address = |name: &str| format!("{name}@fabrikam.example").parse::<Address>().unwrap();
        let addresses: Vec<_> = ["a", "b", "c", "d"].into_iter().map(address).collect();
        assert_eq!(list(&addresses[..1]), "a@fabrikam.example");
        assert_eq!(list(&addresses[..2]), "a@fabrikam.example and b@fabrikam.example");
        assert_eq!(list(&addresses[..3]), "a@fabrikam.example, b@fabrikam.example and c@fabrikam.example");
        assert_eq!(list(&addresses), "a@fabrikam.example, b@fabrikam.example and 2 more");
    }
}
