//! The question that a verb asks the record.
//!
//! Each field of a verb that a file gives becomes a [`Condition`] on entries of one kind.

use std::cell::OnceCell;

use mxlab_record::Entry;

use super::Asked;
use mxlab_language::expectations::{Delivered, Failed, Verb};
use mxlab_language::references;
use mxlab_language::values::Count;

type Test = Box<dyn Fn(&Asked<'_>, &Entry) -> bool>;

/// A condition on an entry.
pub(super) struct Condition {
    pub(super) field: &'static str,
    pub(super) wanted: String,
    /// The kinds and fields of events that the test looks at.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test holds questions to the fields that events declare"))]
    pub(super) reads: Vec<(&'static str, &'static str)>,
    pub(super) test: Test,
}

/// A question to the record.
pub(super) struct Question {
    pub(super) kind: &'static str,
    pub(super) verb: &'static str,
    pub(super) conditions: Vec<Condition>,
}

impl Question {
    pub(super) fn new(kind: &'static str, verb: &'static str) -> Question {
        Question { kind, verb, conditions: Vec::new() }
    }

    /// The conditions that say which messages it is about.
    pub(super) fn subject(&self) -> impl Iterator<Item = &Condition> {
        self.conditions.iter().filter(|condition| matches!(condition.field, "to" | "message"))
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
    pub(super) fn is(self, field: &'static str, wanted: Option<String>) -> Question {
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

    /// A reason of the event contains this part.
    fn because(self, wanted: Option<String>) -> Question {
        let Some(wanted) = wanted else { return self };
        let expected = wanted.clone();
        let test = move |_: &Asked<'_>, entry: &Entry| entry.because.iter().any(|clause| clause.contains(&expected));
        self.condition_on("because", Vec::new(), wanted, Box::new(test))
    }

    /// The text of a field is this, to the letter.
    fn exactly(self, field: &'static str, wanted: Option<String>) -> Question {
        let Some(wanted) = wanted else { return self };
        let expected = wanted.clone();
        let test = move |_: &Asked<'_>, entry: &Entry| entry.fields.text(field) == Some(&expected);
        self.condition(field, field, wanted, Box::new(test))
    }

    fn counts(self, field: &'static str, wanted: Option<Count>) -> Question {
        let Some(wanted) = wanted else { return self };
        let test =
            move |_: &Asked<'_>, entry: &Entry| number(entry, field).is_some_and(|number| wanted.contains(number));
        self.condition(field, field, wanted.to_string(), Box::new(test))
    }

    pub(super) fn message(self, wanted: Option<String>) -> Question {
        let Some(wanted) = wanted else { return self };
        let name = wanted.clone();
        // A question is put to one record, with as many messages as a file sends.
        let ids = OnceCell::new();
        let test = move |asked: &Asked<'_>, entry: &Entry| {
            let ids = ids.get_or_init(|| asked.message_ids(&name));
            entry.fields.text("message").is_some_and(|id| ids.contains(id))
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

/// A field that holds a number, if it is not negative.
pub(super) fn number(entry: &Entry, field: &str) -> Option<u64> {
    entry.fields.number(field).and_then(|number| u64::try_from(number).ok())
}

fn text<T: ToString>(value: &Option<mxlab_language::Spanned<T>>) -> Option<String> {
    value.as_ref().map(|value| value.get().to_string())
}

/// The question of a verb; none for `attempted`, which is about the whole list, and for what is not supported yet.
pub(super) fn question(asked: &Asked<'_>, verb: &Verb) -> Option<Question> {
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
            .is("reason", text(&table.reason))
            .because(said(text(&table.because))),
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
            .is("found", text(&table.found))
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
    let question = Question::new(kind, kind)
        .is("to", text(&table.to))
        .message(text(&table.message))
        .is("code", text(&table.code))
        .holds("text", said);
    // A refusal has no number of attempts, and the runner refuses a file that asks for it.
    let question = match kind {
        "rejected" => question,
        _ => question.counts("attempts", table.attempts.as_ref().map(|count| *count.get())),
    };
    question.host("by", "by", text(&table.by)).is("stage", text(&table.stage))
}
