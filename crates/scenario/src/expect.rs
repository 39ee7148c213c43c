//! Expectations as queries of the record.
//!
//! Each verb becomes a [`Question`]: the kind of event that answers it, and one condition for each field that the file
//! gives. An `[[expect]]` holds if some entry within its window meets all conditions, a `[[never]]` if none does. When an
//! expectation fails, the entry that meets most conditions is shown with the one that it misses.

pub(crate) mod contradictions;
mod cost;
pub mod evidence;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jiff::Timestamp;
use mxlab_record::{Entry, Value};

use mxlab_language::Scenario;
use mxlab_language::expectations::{Attempted, Delivered, Expectation, Failed, Verb};
use mxlab_language::references::{self, Resolve};
use mxlab_language::values::{Count, format_offset};

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

type Test = Box<dyn Fn(&Asked<'_>, &Entry) -> bool>;

/// A condition on an entry.
struct Condition {
    field: &'static str,
    wanted: String,
    /// The kinds and fields of events that the test looks at.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test holds questions to the fields that events declare"))]
    reads: Vec<(&'static str, &'static str)>,
    test: Test,
}

/// A question to the record.
pub struct Question {
    kind: &'static str,
    verb: &'static str,
    conditions: Vec<Condition>,
}

impl Question {
    fn new(kind: &'static str, verb: &'static str) -> Question {
        Question { kind, verb, conditions: Vec::new() }
    }

    /// A condition on a field of the event that is asked for.
    fn condition(self, field: &'static str, in_record: &'static str, wanted: String, test: Test) -> Question {
        let reads = vec![(self.kind, in_record)];
        self.condition_on(field, reads, wanted, test)
    }

    fn condition_on(
        mut self,
        field: &'static str,
        reads: Vec<(&'static str, &'static str)>,
        wanted: String,
        test: Test,
    ) -> Question {
        self.conditions.push(Condition { field, wanted, reads, test });
        self
    }

    /// The text of a field is this; case does not matter.
    fn is(self, field: &'static str, wanted: Option<String>) -> Question {
        self.named(field, field, wanted)
    }

    fn named(self, field: &'static str, in_record: &'static str, wanted: Option<String>) -> Question {
        let Some(wanted) = wanted else { return self };
        let expected = wanted.clone();
        let test = move |_: &Asked<'_>, entry: &Entry| {
            entry.fields.text(in_record).is_some_and(|text| text.eq_ignore_ascii_case(&expected))
        };
        self.condition(field, in_record, wanted, Box::new(test))
    }

    /// The text of a field contains this part.
    fn holds(self, field: &'static str, wanted: Option<String>) -> Question {
        let Some(wanted) = wanted else { return self };
        let expected = wanted.clone();
        let test =
            move |_: &Asked<'_>, entry: &Entry| entry.fields.text(field).is_some_and(|text| text.contains(&expected));
        self.condition(field, field, wanted, Box::new(test))
    }

    fn counts(self, field: &'static str, wanted: Option<Count>) -> Question {
        let Some(wanted) = wanted else { return self };
        let test =
            move |_: &Asked<'_>, entry: &Entry| number(entry, field).is_some_and(|number| wanted.contains(number));
        self.condition(field, field, wanted.to_string(), Box::new(test))
    }

    fn message(self, wanted: Option<String>) -> Question {
        let Some(wanted) = wanted else { return self };
        let name = wanted.clone();
        let test = move |asked: &Asked<'_>, entry: &Entry| {
            entry.fields.text("message").is_some_and(|id| asked.message_ids(&name).contains(id))
        };
        self.condition("message", "message", wanted, Box::new(test))
    }

    /// The field holds the full name of a host, or its address.
    fn host(self, field: &'static str, in_record: &'static str, wanted: Option<String>) -> Question {
        let Some(wanted) = wanted else { return self };
        let short = wanted.clone();
        let test = move |asked: &Asked<'_>, entry: &Entry| {
            let host = asked.scenario.addressed.get(&short);
            host.is_some_and(|host| {
                entry
                    .fields
                    .text(in_record)
                    .is_some_and(|text| text.eq_ignore_ascii_case(&host.full_name) || text == host.ipv4.to_string())
            })
        };
        self.condition(field, in_record, wanted, Box::new(test))
    }
}

fn number(entry: &Entry, field: &str) -> Option<u64> {
    entry.fields.number(field).and_then(|number| u64::try_from(number).ok())
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

fn text<T: ToString>(value: &Option<mxlab_language::Spanned<T>>) -> Option<String> {
    value.as_ref().map(|value| value.get().to_string())
}

/// The question of a verb; none for `attempted`, which is about the whole list, and for what is not supported yet.
fn question(asked: &Asked<'_>, verb: &Verb) -> Option<Question> {
    let said = |text: Option<String>| text.map(|text| references::substitute(&text, asked.references));
    Some(match verb {
        Verb::Delivered(table) => delivered(table.get()),
        Verb::Deferred(table) => failed("deferred", table.get(), said(text(&table.text))),
        Verb::Bounced(table) => failed("bounced", table.get(), said(text(&table.text))),
        Verb::Rejected(table) => failed("rejected", table.get(), said(text(&table.text))),
        Verb::Notified(table) => Question::new("notified", "notified")
            .is("to", text(&table.to))
            .message(text(&table.message))
            .is("action", text(&table.action)),
        Verb::Verdict(table) => Question::new("verdict", "verdict")
            .is("to", text(&table.to))
            .message(text(&table.message))
            .is("spf", text(&table.spf))
            .is("dkim", text(&table.dkim))
            .is("dmarc", text(&table.dmarc))
            .is("action", text(&table.action))
            .is("compauth", text(&table.compauth))
            .is("reason", text(&table.reason)),
        Verb::Stamped(table) => Question::new("stamped", "stamped")
            .is("to", text(&table.to))
            .message(text(&table.message))
            .is("header", Some(table.header.get().to_string()))
            .exactly("value", said(text(&table.value))),
        Verb::Signed(table) => Question::new("signed", "signed")
            .message(text(&table.message))
            .is("domain", text(&table.domain))
            .is("selector", text(&table.selector)),
        Verb::Resolved(table) => Question::new("resolved", "resolved")
            .is("name", text(&table.name))
            .is("type", text(&table.rtype))
            .is("status", text(&table.status))
            .is("reason", text(&table.reason))
            .host("server", "server", text(&table.server)),
        Verb::Reported(table) => Question::new("reported", "reported")
            .is("domain", Some(table.domain.get().to_string()))
            .is("kind", text(&table.kind))
            .is("to", text(&table.to))
            .is("day", text(&table.day))
            .counts("successful", table.successful.as_ref().map(|count| *count.get()))
            .counts("failed", table.failed.as_ref().map(|count| *count.get())),
        Verb::InClear(table) => Question::new("in-clear", "in clear")
            .is("to", text(&table.to))
            .message(text(&table.message))
            .host("seen-by", "server", text(&table.seen_by)),
        Verb::Attempted(_) | Verb::Cost(_) => return None,
        Verb::Status(_) | Verb::Refused(_) => return None,
    })
}

impl Question {
    fn exactly(self, field: &'static str, wanted: Option<String>) -> Question {
        let Some(wanted) = wanted else { return self };
        let expected = wanted.clone();
        let test = move |_: &Asked<'_>, entry: &Entry| entry.fields.text(field) == Some(&expected);
        self.condition(field, field, wanted, Box::new(test))
    }
}

fn delivered(table: &Delivered) -> Question {
    let mut question = Question::new("accepted", "delivered")
        .is("to", text(&table.to))
        .message(text(&table.message))
        .host("host", "host", text(&table.host))
        .is("folder", text(&table.folder));
    if let Some(security) = text(&table.security) {
        let wanted = security.clone();
        question = question.condition_on(
            "security",
            vec![("relayed", "security"), ("accepted", "tls")],
            security,
            Box::new(move |asked, entry| asked.security(entry) == wanted),
        );
    }
    if let Some(attempts) = table.attempts.as_ref().map(|count| *count.get()) {
        let test = move |asked: &Asked<'_>, entry: &Entry| {
            asked.relayed(entry).and_then(|relayed| number(relayed, "attempts")).is_some_and(|n| attempts.contains(n))
        };
        question =
            question.condition_on("attempts", vec![("relayed", "attempts")], attempts.to_string(), Box::new(test));
    }
    if let Some(copies) = table.copies.as_ref().map(|count| *count.get()) {
        let test = move |asked: &Asked<'_>, entry: &Entry| copies.contains(asked.copies(entry));
        question = question.condition_on(
            "copies",
            vec![("accepted", "message"), ("accepted", "to")],
            copies.to_string(),
            Box::new(test),
        );
    }
    question
}

fn failed(kind: &'static str, table: &Failed, said: Option<String>) -> Question {
    let question = Question::new(kind, kind);
    // A refusal tells of no attempts, and the runner refuses a file that asks for them.
    let question = match kind {
        "rejected" => question,
        _ => question.counts("attempts", table.attempts.as_ref().map(|count| *count.get())),
    };
    question
        .is("to", text(&table.to))
        .message(text(&table.message))
        .is("code", text(&table.code))
        .holds("text", said)
        .host("by", "by", text(&table.by))
        .is("stage", text(&table.stage))
}

#[cfg(test)]
mod tests;
