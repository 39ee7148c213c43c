//! A replay file as data.

use std::net::IpAddr;
use std::time::Duration;

use super::entry::Entry;
use super::options::Options;

/// A replay file.
#[derive(Clone, Debug)]
pub struct Script {
    pub(crate) options: Options,
    pub(crate) title: String,
    pub(crate) ranges: Vec<Range>,
    pub(crate) steps: Vec<Step>,
}

impl Script {
    /// What the file says it is about.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// All entries that answer queries, in the order of the file.
    pub(crate) fn replies(&self) -> impl Iterator<Item = &Entry> {
        let steps = self.steps.iter().filter_map(|step| match &step.action {
            Action::CheckOutQuery { entry, .. } | Action::Reply(entry) => Some(entry),
            _ => None,
        });
        self.ranges.iter().flat_map(|range| &range.entries).chain(steps)
    }

    /// All entries: those that answer, those that ask, those that are expected.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        let steps = self.steps.iter().filter_map(|step| match &step.action {
            Action::Query(entry) | Action::CheckAnswer(entry) => Some(entry),
            _ => None,
        });
        self.replies().chain(steps)
    }
}

/// Answers that are given from one step to another.
#[derive(Clone, Debug)]
pub(crate) struct Range {
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// The servers that give them; any if there are none.
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) entries: Vec<Entry>,
}

/// One step of the script.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) number: u64,
    pub(crate) action: Action,
}

/// What a step does.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Nothing; pending queries are answered meanwhile.
    Nothing,
    /// A client asks.
    Query(Entry),
    /// A client has been answered, like this.
    CheckAnswer(Entry),
    /// The resolver has asked this; answered by the entry if it copies the id.
    CheckOutQuery { entry: Entry, to: Option<IpAddr> },
    /// The last query of the resolver is answered.
    Reply(Entry),
    /// The last query of the resolver is never answered.
    Timeout,
    /// The last query of the resolver ends in an error of the network.
    NetworkError,
    /// Time passes.
    TimePasses(Elapse),
    /// A variable gets a value.
    Assign { variable: String, expression: String },
    /// Something that only Unbound has, by its keyword.
    Foreign(&'static str),
}

/// How much time passes.
#[derive(Clone, Debug)]
pub(crate) enum Elapse {
    Fixed(Duration),
    /// Seconds, as text with `${…}`.
    Evaluated(String),
}
