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
    /// The Message-IDs of the messages with this name.
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
        // The reply to the final dot arrives after the server has taken the message. The record is in the order of time.
        let from = self.entries.partition_point(|entry| entry.at < accepted.at);
        let later = self.entries.get(from..).unwrap_or_default();
        later
            .iter()
            .filter(|entry| entry.kind == "relayed")
            .find(|entry| same("message", entry) && same("to", entry) && self.is_same_host(entry, accepted))
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
            Verb::Attempted(table) => {
                self.show_attempts(&mut message, expectation, table.get());
                let to = table.to.as_ref().map(|to| to.to_string());
                let message_name = table.message.as_ref().map(|message| message.to_string());
                let about = Question::new("attempt", "attempted").is("to", to).message(message_name);
                self.show_last(&mut message, &about, None);
            }
            Verb::Cost(table) => self.show_costs(&mut message, expectation, table.get()),
            verb => {
                if let Some(question) = question(self, verb) {
                    let nearest = self.nearest(expectation, &question);
                    let told = match nearest {
                        Some(entry) => self.words_of_nearest(&question, entry),
                        None => nothing(&question),
                    };
                    let _ = write!(message, "\n{told}");
                    self.show_last(&mut message, &question, nearest);
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
    fn nearest(&self, expectation: &Expectation, question: &Question) -> Option<&Entry> {
        let (from, to) = self.window(expectation);
        let score = |entry: &&Entry| {
            let met = question.conditions.iter().filter(|condition| (condition.test)(self, entry)).count();
            met * 2 + usize::from((from..=to).contains(&entry.at))
        };
        let about = |entry: &&Entry| question.subject().all(|condition| (condition.test)(self, entry));
        let of_kind = self.entries.iter().filter(|entry| entry.kind == question.kind);
        // If several are equal, the first: later attempts repeat it.
        of_kind.filter(about).rev().max_by_key(score)
    }

    fn words_of_nearest(&self, question: &Question, entry: &Entry) -> String {
        let missed: Vec<String> = question
            .conditions
            .iter()
            .filter(|condition| !(condition.test)(self, entry))
            .map(|condition| format!("{} = {}", condition.field, self.actual(condition.field, entry)))
            .collect();
        let where_ = if missed.is_empty() { String::new() } else { format!(", where {}", missed.join(", ")) };
        format!("nearest: at {} {}{where_}", self.offset(entry.at), question.verb)
    }

    /// The last thing that the record tells of the messages that a question is about, unless `nearest` has shown it.
    fn show_last(&self, message: &mut String, question: &Question, nearest: Option<&Entry>) {
        let wanted = |field: &str| question.subject().find(|it| it.field == field).map(|it| it.wanted.as_str());
        let (to, ids) = (wanted("to"), wanted("message").map(|name| self.message_ids(name)));
        let is_to = |entry: &Entry| match (to, entry.fields.get("to")) {
            (None, to) => to.is_some(),
            (Some(wanted), Some(Value::List(all))) => {
                all.iter().filter_map(Value::as_text).any(|to| to.eq_ignore_ascii_case(wanted))
            }
            (Some(wanted), Some(to)) => to.as_text().is_some_and(|to| to.eq_ignore_ascii_case(wanted)),
            (Some(_), None) => false,
        };
        let is_one = |entry: &Entry| match (&ids, entry.fields.text("message")) {
            (None, _) => true,
            (Some(ids), Some(id)) => ids.contains(id),
            // A refusal before the message has come has no Message-ID.
            (Some(_), None) => to.is_some(),
        };
        let of_mail = |entry: &&Entry| !entry.story.is_empty() && !matches!(entry.kind, "in-clear" | "resolved");
        let last = self.entries.iter().filter(of_mail).rfind(|entry| is_to(entry) && is_one(entry));
        let Some(last) = last.filter(|last| nearest.is_none_or(|nearest| !std::ptr::eq(*last, nearest))) else {
            return;
        };
        let told = last.story.first().map_or(last.kind, String::as_str);
        let _ = write!(message, "\nlast event: at {} {}: {told}", self.offset(last.at), last.actor);
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

/// That nothing answers a question, in words.
fn nothing(question: &Question) -> String {
    let to = question.subject().find(|it| it.field == "to").map(|to| format!(" for {}", to.wanted)).unwrap_or_default();
    match question.verb {
        "notified" => format!("nobody was told that a message{to} is late"),
        "verdict" => format!("no message{to} was judged"),
        "stamped" => format!("no message{to} got a header field"),
        "signed" => "no message was signed".to_owned(),
        "resolved" => "nothing was looked up".to_owned(),
        "reported" => "no report was sent".to_owned(),
        "in clear" => format!("no command or message{to} was sent in clear"),
        verb => format!("no message{to} was {verb}"),
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
