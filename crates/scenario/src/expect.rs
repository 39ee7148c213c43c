//! Expectations as queries of the record.
//!
//! Each verb becomes a question (`question`): the kind of event that answers it, and one condition for each field that the file
//! gives. An `[[expect]]` holds if some entry within its window meets all conditions, a `[[never]]` if none does. When an
//! expectation fails, the entry that meets most conditions is shown with the one that it misses.

pub(crate) mod contradictions;
mod cost;
pub mod evidence;
mod question;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::Timestamp;
use mxlab_record::{Entry, Value};

use mxlab_language::Scenario;
use mxlab_language::expectations::{Attempted, Expectation, Verb};
use mxlab_language::references::Resolve;
use mxlab_language::values::format_offset;
use question::{Question, number, question};

/// The names of a file's messages, and how to find them in the record.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// For each message that a `send` made: the name that expectations use, if it has one, and its Message-ID.
    pub messages: Vec<(Option<String>, String)>,
}

/// The record of a run, and what is needed to query it.
pub struct Asked<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// All entries.
    pub entries: &'a [Entry],
    /// The messages.
    pub sent: &'a Sent,
    /// The values of references in texts of the file.
    pub references: &'a dyn Resolve,
}

impl Asked<'_> {
    /// The Message-IDs that a name stands for.
    fn message_ids(&self, name: &str) -> BTreeSet<String> {
        let from_field = |kind: &'static str, field: &'static str| {
            let of_kind = self.entries.iter().filter(move |entry| entry.kind == kind);
            of_kind.filter_map(move |entry| entry.fields.text(field).map(str::to_owned)).collect()
        };
        match name {
            "ndr" => from_field("bounced", "ndr"),
            "delay" => from_field("notified", "dsn"),
            "dmarc-report" => {
                let of_kind = self
                    .entries
                    .iter()
                    .filter(|entry| entry.kind == "reported" && entry.fields.text("kind") == Some("dmarc"));
                of_kind.filter_map(|entry| entry.fields.text("message").map(str::to_owned)).collect()
            }
            _ => self
                .sent
                .messages
                .iter()
                .filter(|(given, _)| given.as_deref() == Some(name))
                .map(|(_, id)| id.clone())
                .collect(),
        }
    }

    /// The sender's own entry for a message that a server says it took.
    fn relayed(&self, accepted: &Entry) -> Option<&Entry> {
        let same = |field: &str, entry: &Entry| match (entry.fields.text(field), accepted.fields.text(field)) {
            (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
            _ => false,
        };
        self.entries
            .iter()
            .filter(|entry| entry.kind == "relayed")
            .filter(|entry| same("message", entry) && same("to", entry) && self.is_same_host(entry, accepted))
            // The reply to the final dot arrives after the server has taken the message.
            .find(|entry| entry.at >= accepted.at)
    }

    /// Whether the sender handed over to the host that says it took the message: by its address, since the name under
    /// which the sender knows it may be an alias.
    fn is_same_host(&self, relayed: &Entry, accepted: &Entry) -> bool {
        let Some(ip) = relayed.fields.text("ip") else {
            return relayed.fields.text("host") == accepted.fields.text("host");
        };
        let host = accepted.fields.text("host").and_then(|name| self.scenario.host_called(name));
        let host = host.and_then(|short| self.scenario.addressed.get(short));
        host.is_some_and(|host| host.ipv4.to_string() == ip || host.ipv6.to_string() == ip)
    }

    /// How a delivery was protected: by the sender's entry, else by the server's.
    fn security(&self, accepted: &Entry) -> String {
        match self.relayed(accepted).and_then(|relayed| relayed.fields.text("security")) {
            Some(security) => security.to_owned(),
            None if accepted.fields.get("tls") == Some(&Value::Flag(true)) => "tls".to_owned(),
            None => "none".to_owned(),
        }
    }

    fn copies(&self, accepted: &Entry) -> u64 {
        let same = |entry: &&Entry| {
            entry.kind == "accepted"
                && ["message", "to"].into_iter().all(|field| entry.fields.text(field) == accepted.fields.text(field))
        };
        self.entries.iter().filter(same).count() as u64
    }

    /// Whether the expectation is decided already: an `expect` that holds stays so, a `never` that is broken too.
    pub fn is_decided(&self, expectation: &Expectation) -> bool {
        !expectation.verb.stays_open() && self.matching(expectation).is_some()
    }

    /// The first entry within the window that answers the question.
    fn matching(&self, expectation: &Expectation) -> Option<&Entry> {
        if let Verb::Attempted(table) = &expectation.verb {
            let attempts = self.attempts(expectation, table);
            return if self.attempts_hold(expectation, table) { attempts.into_iter().next() } else { None };
        }
        if let Verb::Cost(table) = &expectation.verb {
            return self.costs_hold(expectation, table);
        }
        let question = question(self, &expectation.verb)?;
        self.candidates(expectation, &question)
            .find(|entry| question.conditions.iter().all(|condition| (condition.test)(self, entry)))
    }

    fn window(&self, expectation: &Expectation) -> (Timestamp, Timestamp) {
        let from = expectation.after.as_ref().map_or(self.scenario.epoch, |time| self.scenario.instant(*time.get()));
        let to = expectation.within.as_ref().map_or(Timestamp::MAX, |time| self.scenario.instant(*time.get()));
        (from, to)
    }

    fn candidates<'s>(
        &'s self,
        expectation: &Expectation,
        question: &Question,
    ) -> impl Iterator<Item = &'s Entry> + 's {
        let (from, to) = self.window(expectation);
        let kind = question.kind;
        self.entries.iter().filter(move |entry| entry.kind == kind && (from..=to).contains(&entry.at))
    }

    /// Why an `[[expect]]` does not hold; none if it does.
    pub fn unmet(&self, expectation: &Expectation) -> Option<String> {
        if self.matching(expectation).is_some() {
            return None;
        }
        let mut message = format!("expected: {}", self.describe(expectation));
        match &expectation.verb {
            Verb::Attempted(table) => self.show_attempts(&mut message, expectation, table.get()),
            Verb::Cost(table) => self.show_costs(&mut message, expectation, table.get()),
            verb => {
                if let Some(question) = question(self, verb) {
                    let _ = write!(message, "\n{}", self.nearest(expectation, &question));
                }
            }
        }
        Some(message)
    }

    /// Why a `[[never]]` does not hold; none if it does.
    pub fn broken(&self, expectation: &Expectation) -> Option<String> {
        let entry = self.matching(expectation)?;
        let told = entry.story.first().map_or(entry.kind, String::as_str);
        Some(format!(
            "never expected: {}\nbut at {}: {}: {told}",
            self.describe(expectation),
            self.offset(entry.at),
            entry.actor
        ))
    }

    fn describe(&self, expectation: &Expectation) -> String {
        let mut text = match &expectation.verb {
            Verb::Attempted(table) => describe_attempted(table.get()),
            Verb::Cost(table) => cost::describe(table.get()),
            verb => match question(self, verb) {
                Some(question) => {
                    let list: Vec<String> =
                        question.conditions.iter().map(|c| format!("{} = {}", c.field, c.wanted)).collect();
                    match list.is_empty() {
                        true => question.verb.to_owned(),
                        false => format!("{}, with {}", question.verb, list.join(", ")),
                    }
                }
                None => "something that is not supported yet".to_owned(),
            },
        };
        if let Some(after) = &expectation.after {
            let _ = write!(text, ", from {} on", self.offset(self.scenario.instant(*after.get())));
        }
        if let Some(within) = &expectation.within {
            let _ = write!(text, ", until {}", self.offset(self.scenario.instant(*within.get())));
        }
        text
    }

    fn offset(&self, at: Timestamp) -> String {
        format_offset(at.duration_since(self.scenario.epoch).as_secs())
    }

    /// The entry of the right kind that meets most conditions, at any time.
    fn nearest(&self, expectation: &Expectation, question: &Question) -> String {
        let (from, to) = self.window(expectation);
        let score = |entry: &&Entry| {
            let met = question.conditions.iter().filter(|condition| (condition.test)(self, entry)).count();
            met * 2 + usize::from((from..=to).contains(&entry.at))
        };
        // If several are equal, the first: later attempts repeat it.
        let about = |entry: &&Entry| {
            let who = question.conditions.iter().filter(|condition| matches!(condition.field, "to" | "message"));
            who.into_iter().all(|condition| (condition.test)(self, entry))
        };
        let of_kind = self.entries.iter().filter(|entry| entry.kind == question.kind);
        let Some(entry) = of_kind.filter(about).rev().max_by_key(score) else { return self.instead(question) };
        let missed: Vec<String> = question
            .conditions
            .iter()
            .filter(|condition| !(condition.test)(self, entry))
            .map(|condition| format!("{} = {}", condition.field, self.actual(condition.field, entry)))
            .collect();
        let where_ = if missed.is_empty() { String::new() } else { format!(", where {}", missed.join(", ")) };
        format!("nearest: at {} {}{where_}", self.offset(entry.at), question.verb)
    }

    /// What happened to the recipient instead.
    fn instead(&self, question: &Question) -> String {
        let to = question.conditions.iter().find(|condition| condition.field == "to");
        let fate = self.entries.iter().rev().find(|entry| {
            matches!(entry.kind, "accepted" | "deferred" | "bounced" | "rejected")
                && to.is_some_and(|to| (to.test)(self, entry))
        });
        match (to, fate) {
            (Some(to), Some(fate)) => {
                let told = fate.story.first().map_or(fate.kind, String::as_str);
                let at = self.offset(fate.at);
                format!("{} was never {}; last event, at {at}: {}: {told}", to.wanted, question.verb, fate.actor)
            }
            (Some(to), None) => format!("{} was never {}", to.wanted, question.verb),
            (None, _) => format!("the record holds no `{}`", question.kind),
        }
    }

    fn actual(&self, field: &'static str, entry: &Entry) -> String {
        match field {
            "security" => self.security(entry),
            "copies" => self.copies(entry).to_string(),
            "attempts" if entry.kind == "accepted" => {
                let relayed = self.relayed(entry).and_then(|relayed| number(relayed, "attempts"));
                relayed.map_or_else(|| "unknown".to_owned(), |attempts| attempts.to_string())
            }
            _ => match entry.fields.get(field) {
                Some(Value::Text(text)) => text.clone(),
                Some(Value::Number(number)) => number.to_string(),
                Some(Value::Flag(flag)) => flag.to_string(),
                Some(Value::Time(time)) => self.offset(*time),
                Some(Value::List(values)) => format!("{} values", values.len()),
                None => "nothing".to_owned(),
            },
        }
    }

    /// The attempts for the recipient within the window.
    fn attempts(&self, expectation: &Expectation, table: &Attempted) -> Vec<&Entry> {
        let to = table.to.as_ref().map(|to| to.to_string());
        let question = Question::new("attempt", "attempted")
            .is("to", to)
            .message(table.message.as_ref().map(|message| message.to_string()));
        self.candidates(expectation, &question).filter(|entry| self.meets_all(&question, entry)).collect()
    }

    fn meets_all(&self, question: &Question, entry: &Entry) -> bool {
        question.conditions.iter().all(|condition| (condition.test)(self, entry))
    }

    /// The hosts tried within the window for messages and the domain of the recipient.
    fn hosts_tried(&self, expectation: &Expectation, table: &Attempted) -> Vec<String> {
        let domain =
            table.to.as_ref().and_then(|to| to.rsplit_once('@')).map(|(_, domain)| domain.to_ascii_lowercase());
        let messages: BTreeSet<&str> =
            self.attempts(expectation, table).iter().filter_map(|entry| entry.fields.text("message")).collect();
        let question = Question::new("tried", "attempted");
        self.candidates(expectation, &question)
            .filter(|entry| entry.fields.text("message").is_some_and(|message| messages.contains(message)))
            .filter(|entry| domain.as_deref().is_none_or(|domain| entry.fields.text("domain") == Some(domain)))
            .filter_map(|entry| entry.fields.text("host"))
            .map(|host| self.scenario.host_called(host).unwrap_or(host).to_owned())
            .collect()
    }

    fn attempts_hold(&self, expectation: &Expectation, table: &Attempted) -> bool {
        let attempts = self.attempts(expectation, table);
        let times = table.times.as_ref().is_none_or(|times| {
            let wanted = times.get().iter().map(|time| self.scenario.instant(*time.get()));
            // Stories and files know whole seconds.
            attempts.iter().map(|entry| entry.at.as_second()).eq(wanted.map(Timestamp::as_second))
        });
        let hosts = table.hosts.as_ref().is_none_or(|hosts| {
            let tried = self.hosts_tried(expectation, table);
            tried.iter().map(String::as_str).eq(hosts.get().iter().map(|host| host.as_str()))
        });
        !attempts.is_empty() && times && hosts
    }

    fn show_attempts(&self, message: &mut String, expectation: &Expectation, table: &Attempted) {
        let attempts = self.attempts(expectation, table);
        let times: Vec<String> = attempts.iter().map(|entry| self.offset(entry.at)).collect();
        let _ = write!(message, "\nthere were {} attempts: {}", times.len(), times.join(", "));
        if table.hosts.is_some() {
            let _ = write!(message, "\nhosts tried: {}", self.hosts_tried(expectation, table).join(", "));
        }
    }
}

fn describe_attempted(table: &Attempted) -> String {
    let mut parts = Vec::new();
    if let Some(to) = &table.to {
        parts.push(format!("to = {}", to.get()));
    }
    if let Some(message) = &table.message {
        parts.push(format!("message = {}", message.get()));
    }
    if let Some(times) = &table.times {
        parts.push(format!("times = the {} listed", times.get().len()));
    }
    if let Some(hosts) = &table.hosts {
        parts.push(format!("hosts = {}", hosts.get().iter().map(|h| h.to_string()).collect::<Vec<_>>().join(", ")));
    }
    format!("attempted, with {}", parts.join(", "))
}

#[cfg(test)]
mod tests;
