//! What a failed attempt means for a recipient: to wait, to be given up, and what the author is told.

use jiff::Timestamp;
use mxlab_mail::Address;
use mxlab_record::{Again, Artefact, Event, Fields, State};

use super::{attempt_for, list, span};
use crate::outcome::DeliveryFailure;
use crate::retry::{Next, until};
use crate::routing::DeadEnd;

/// A recipient stays queued after an attempt.
#[derive(Clone, Debug)]
pub struct Deferred {
    /// The Message-ID.
    pub message: String,
    /// The recipient.
    pub to: Address,
    /// All recipients that this attempt and the one before failed for in the same way, in order. The first of them speaks
    /// for all.
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

fn failure_fields(message: &str, to: &Address, code: &str, text: &str, attempts: u32) -> Fields {
    Fields::new()
        .with("message", message)
        .with("to", to.to_string())
        .with("code", code)
        .with("text", text)
        .with("attempts", attempts)
}
