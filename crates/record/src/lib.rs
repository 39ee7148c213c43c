//! The record of a run: who did what, when, and why.
//!
//! Engines and world actors report to a [`Recorder`] what they did, as values that implement [`Event`]. Each crate
//! defines its events beside its types; this crate knows only the entry around an event ([`Entry`]) and the canonical
//! text that is hashed ([`Entry::canonical`]). The record has two readers: the runner compares it with expectations (by
//! kind and fields), the story prints it for people (by story lines and reasons).
//!
//! Events hold text that came from outside: names, replies, header fields, DNS records. A recorder makes all of it fit to be
//! shown ([`escape`]) before it becomes part of the record, so that no reader of the record has to.

pub mod common;
pub mod escape;
mod kind;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;
use mxlab_env::{Env, Timestamp};
use serde::Serialize;
use tokio::sync::Notify;

pub use kind::{Kind, undeclared};

/// A value of an event's field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A word, name, address, code or text.
    Text(String),
    /// A count or a number of seconds.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// A point in time.
    Time(Timestamp),
    /// Several values, in an order that means something.
    List(Vec<Value>),
}

impl Value {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<i64> {
        match self {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Makes its texts fit to be shown.
    fn show(&mut self) {
        match self {
            Value::Text(text) => escape::show(text),
            Value::List(values) => values.iter_mut().for_each(Value::show),
            Value::Number(_) | Value::Flag(_) | Value::Time(_) => {}
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}
impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}
impl From<bool> for Value {
    fn from(flag: bool) -> Value {
        Value::Flag(flag)
    }
}
impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Number(number)
    }
}
impl From<u32> for Value {
    fn from(number: u32) -> Value {
        Value::Number(i64::from(number))
    }
}
impl From<usize> for Value {
    fn from(number: usize) -> Value {
        Value::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}
impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Value {
        Value::Time(time)
    }
}
impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Value {
        Value::List(values.into_iter().map(Into::into).collect())
    }
}

/// The fields of an event, in the order in which they were put in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Fields(IndexMap<&'static str, Value>);

impl Fields {
    /// No fields.
    pub fn new() -> Fields {
        Fields::default()
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Fields {
        self.0.insert(name, value.into());
        self
    }

    /// Adds a field if there is a value.
    #[must_use]
    pub fn with_some(self, name: &'static str, value: Option<impl Into<Value>>) -> Fields {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The text of a field, if it is one.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_text)
    }

    /// The number of a field, if it is one.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(Value::as_number)
    }

    /// Makes all texts fit to be shown.
    fn show(&mut self) {
        self.0.values_mut().for_each(Value::show);
    }

    /// All fields.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }
}

/// A text that a story shows in full: an NDR, a header field, a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Artefact {
    /// What it is, for a heading: `NDR to ann@contoso.example`.
    pub title: String,
    /// The text itself, with LF line ends.
    pub text: String,
}

/// How something stands, for events that recur: what they are compared by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct State {
    /// What this is the state of: `MX fabrikam.example`. It is compared with what the same actor said of it before.
    pub of: String,
    /// How it stands. Numbers of attempts and times are left out: with them nothing would ever be the same.
    pub is: String,
}

/// A repetition, told short, in parts from which one line can be made for one of them or for many:
///
/// - `attempt 3 for bo@fabrikam.example: same as before (4.7.323); next attempt 1 h after this one`
/// - `attempts 3 to 25 for bo@fabrikam.example, hourly: same as before (4.7.323)`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Again {
    /// What is counted, in the singular: `attempt`.
    pub counted: &'static str,
    /// Which of them this is: 3.
    pub number: u32,
    /// What it is about: `for bo@fabrikam.example`.
    pub about: String,
    /// What there is to say: `same as before (4.7.323)`.
    pub says: String,
    /// What follows: `next attempt 1 h after this one`.
    pub then: String,
}

/// Something that happened. An event is made of facts; whether the story has said the same before is the story's business.
pub trait Event {
    /// What it is: lower case, words separated by `-`: `deferred`, `smtp-accepted`. Expectations and the behaviour registry
    /// find events by it.
    fn kind(&self) -> &'static str;
    /// The facts, for expectations.
    fn fields(&self) -> Fields;
    /// The story's text for it, in one line or a few; if empty, the story leaves it out. No ports, no ids, no fractions
    /// of a second.
    fn story(&self) -> Vec<String>;
    /// The reasons, each a clause that can follow "because".
    fn because(&self) -> Vec<String> {
        Vec::new()
    }
    /// How something stands now, for events that recur. The story tells such an event in full only when the state differs
    /// from the last one of the same thing.
    fn state(&self) -> Option<State> {
        None
    }
    /// What the story tells instead when the state is the same as before; none: nothing.
    fn again(&self) -> Option<Again> {
        None
    }
    /// A text that the story shows in full at its end.
    fn artefact(&self) -> Option<Artefact> {
        None
    }
}

/// The identity of an entry within its record: its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct EntryId(pub usize);

/// An event, with who recorded it and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// The time of what set it off. Entries of one moment belong together. See [`Env::moment`].
    pub moment: Timestamp,
    /// Its place among what its actor told in that moment, whatever the order in which things happened side by side. See
    /// [`Env::rank`].
    pub rank: Vec<u32>,
    /// The actor: the host's name in the scenario (`sender`, `mx1`).
    pub actor: Arc<str>,
    /// The actor's place in the order of declaration.
    pub order: u32,
    /// The entry's number among those of its actor, from 0.
    pub sequence: u64,
    /// The entry that it follows from.
    pub cause: Option<EntryId>,
    /// See [`Event::kind`].
    pub kind: &'static str,
    /// See [`Event::fields`].
    pub fields: Fields,
    /// See [`Event::story`].
    pub story: Vec<String>,
    /// See [`Event::because`].
    pub because: Vec<String>,
    /// See [`Event::state`].
    pub state: Option<State>,
    /// See [`Event::again`].
    pub again: Option<Again>,
    /// See [`Event::artefact`].
    pub artefact: Option<Artefact>,
}

impl Entry {
    /// Makes every text fit to be shown, whatever the event put into it.
    fn show(&mut self) {
        self.fields.show();
        self.story.iter_mut().chain(&mut self.because).for_each(escape::show);
        if let Some(State { of, is }) = &mut self.state {
            escape::show(of);
            escape::show(is);
        }
        if let Some(Again { counted: _, number: _, about, says, then }) = &mut self.again {
            [about, says, then].into_iter().for_each(escape::show);
        }
        if let Some(Artefact { title, text }) = &mut self.artefact {
            escape::show(title);
            *text = escape::shown_lines(text).into_owned();
        }
    }

    /// The canonical form: one line of JSON with the fields in their fixed order. Records are compared and hashed by it.
    pub fn canonical(&self) -> String {
        // Serializing strings, integers and lists cannot fail; if it did, the line would show the error.
        serde_json::to_string(self).unwrap_or_else(|error| format!("{{\"unserializable\":\"{error}\"}}"))
    }
}

/// The record of one run, shared by its recorders.
#[derive(Clone, Debug)]
pub struct Journal {
    shared: Arc<Mutex<Shared>>,
    grown: Arc<Notify>,
}

#[derive(Debug)]
struct Shared {
    entries: Vec<Entry>,
    /// The next number of each actor.
    sequences: BTreeMap<Arc<str>, u64>,
    bound: usize,
    lost: u64,
}

impl Journal {
    /// An empty record that holds at most `bound` entries; later ones are counted and dropped.
    pub fn new(bound: usize) -> Journal {
        let shared = Shared { entries: Vec::new(), sequences: BTreeMap::new(), bound, lost: 0 };
        Journal { shared: Arc::new(Mutex::new(shared)), grown: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // Entries are pushed whole: a panic of another holder leaves nothing half done.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A recorder for the actor `name`, which was declared as number `order` and acts in the process of `env`. Several recorders of one actor (it was
    /// restarted, say) share one sequence.
    pub fn recorder(&self, env: &Env, name: &str, order: u32) -> Recorder {
        Recorder { journal: self.clone(), process: env.clone(), clock: env.clone(), actor: name.into(), order }
    }

    /// Waits for the next entry that is recorded after this call.
    pub async fn grown(&self) {
        self.grown.notified().await;
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Whether nothing has happened yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many entries were dropped because of the bound.
    pub fn lost(&self) -> u64 {
        self.lock().lost
    }

    /// The entries from number `from` on, in the order in which they were recorded.
    pub fn since(&self, from: usize) -> Vec<Entry> {
        self.lock().entries.get(from..).unwrap_or_default().to_vec()
    }

    /// All entries, in the order in which they were recorded.
    pub fn entries(&self) -> Vec<Entry> {
        self.since(0)
    }

    /// SHA-256 over the canonical lines, in hexadecimal.
    pub fn hash(&self) -> String {
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        for entry in &self.lock().entries {
            context.update(entry.canonical().as_bytes());
            context.update(b"\n");
        }
        data_encoding::HEXLOWER.encode(context.finish().as_ref())
    }
}

tokio::task_local! {
    /// What events follow from that do not say so themselves.
    static CAUSE: EntryId;
}

/// Runs `future`; the events that are recorded in it without a cause of their own follow from `cause`.
///
/// So whoever asks a resolver, say, can tell what its lookups are for, although the resolver does not know its callers.
pub async fn following<F: Future>(cause: EntryId, future: F) -> F::Output {
    CAUSE.scope(cause, future).await
}

/// Records events of one actor. Clones record for the same actor.
#[derive(Clone, Debug)]
pub struct Recorder {
    journal: Journal,
    process: Env,
    clock: Env,
    actor: Arc<str>,
    order: u32,
}

impl Recorder {
    /// A recorder whose entries nobody reads, for engines that run outside a scenario.
    pub fn nowhere(env: &Env) -> Recorder {
        Journal::new(0).recorder(env, "", 0)
    }

    /// The same with the clock of another process: the record has the right time even if the actor's own clock is wrong.
    #[must_use]
    pub fn with_clock_of(self, env: &Env) -> Recorder {
        Recorder { clock: env.clone(), ..self }
    }

    /// The actor's name.
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// Records that `event` has happened now. It follows from what the caller's task is [`following`].
    pub fn tell(&self, event: &dyn Event) -> EntryId {
        self.tell_after(event, CAUSE.try_with(|cause| *cause).ok())
    }

    /// Records that `event` has happened now, following from `cause`.
    pub fn tell_after(&self, event: &dyn Event, cause: Option<EntryId>) -> EntryId {
        self.process.tells(&self.actor);
        let mut shared = self.journal.lock();
        let next = shared.sequences.entry(self.actor.clone()).or_default();
        let sequence = *next;
        *next += 1;
        let mut entry = Entry {
            at: self.clock.now(),
            moment: self.clock.moment(),
            rank: self.clock.rank(),
            actor: self.actor.clone(),
            order: self.order,
            sequence,
            cause,
            kind: event.kind(),
            fields: event.fields(),
            story: event.story(),
            because: event.because(),
            state: event.state(),
            again: event.again(),
            artefact: event.artefact(),
        };
        entry.show();
        let id = EntryId(shared.entries.len());
        if shared.entries.len() < shared.bound {
            shared.entries.push(entry);
        } else {
            shared.lost += 1;
        }
        drop(shared);
        self.journal.grown.notify_waiters();
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Said(&'static str);

    impl Event for Said {
        fn kind(&self) -> &'static str {
            "said"
        }
        fn fields(&self) -> Fields {
            Fields::new().with("what", self.0).with("count", 3_u32).with_some("nothing", None::<&str>)
        }
        fn story(&self) -> Vec<String> {
            vec![self.0.to_owned()]
        }
    }

    #[test]
    fn an_actor_has_one_sequence_whoever_writes_for_it() {
        let env = mxlab_env::real::env(".");
        let journal = Journal::new(10);
        journal.recorder(&env, "sender", 1).tell(&Said("one"));
        journal.recorder(&env, "mx1", 2).tell(&Said("other"));
        journal.recorder(&env, "sender", 1).tell(&Said("two"));
        let told: Vec<_> = journal.entries().iter().map(|entry| (entry.actor.to_string(), entry.sequence)).collect();
        assert_eq!(told, [("sender".to_owned(), 0), ("mx1".to_owned(), 0), ("sender".to_owned(), 1)]);
    }

    #[tokio::test]
    async fn events_follow_from_what_their_task_is_following() {
        let env = mxlab_env::real::env(".");
        let journal = Journal::new(10);
        let recorder = journal.recorder(&env, "sender", 1);
        let first = recorder.tell(&Said("attempt"));
        let second = following(first, async { recorder.tell(&Said("lookup")) }).await;
        following(first, async { recorder.tell_after(&Said("of its own"), Some(second)) }).await;
        recorder.tell(&Said("later"));
        let causes: Vec<_> = journal.entries().iter().map(|entry| entry.cause).collect();
        assert_eq!(causes, [None, Some(first), Some(second), None]);
    }

    #[test]
    fn what_exceeds_the_bound_is_counted() {
        let env = mxlab_env::real::env(".");
        let journal = Journal::new(1);
        let recorder = journal.recorder(&env, "sender", 1);
        recorder.tell(&Said("one"));
        recorder.tell(&Said("two"));
        assert_eq!((journal.len(), journal.lost()), (1, 1));
    }

    #[test]
    fn the_canonical_line_holds_everything_in_order() {
        let entry = Entry {
            at: "2026-03-02T08:00:00.5Z".parse().unwrap(),
            moment: "2026-03-02T08:00:00Z".parse().unwrap(),
            rank: vec![0, 3, 0],
            actor: "sender".into(),
            order: 1,
            sequence: 7,
            cause: Some(EntryId(3)),
            kind: "said",
            fields: Said("x").fields(),
            story: vec!["x".into()],
            because: vec!["y".into()],
            state: None,
            again: None,
            artefact: Some(Artefact { title: "NDR".into(), text: "a\nb".into() }),
        };
        let expected = concat!(
            r#"{"at":"2026-03-02T08:00:00.5Z","moment":"2026-03-02T08:00:00Z","rank":[0,3,0],"actor":"sender","order":1,"sequence":7,"cause":3,"kind":"said","#,
            r#""fields":{"what":"x","count":3},"story":["x"],"because":["y"],"state":null,"again":null,"#,
            r#""artefact":{"title":"NDR","text":"a\nb"}}"#
        );
        assert_eq!(entry.canonical(), expected);
    }
}
