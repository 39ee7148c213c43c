//! What happened in a run, as data. Stories and all other reports about a run are made from it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use mxlab_env::wire::PacketRecord;
use mxlab_language::Scenario;
use mxlab_language::values::format_offset;
use mxlab_record::Entry;

use crate::story;

/// What happened in a run.
#[derive(Clone, Debug)]
pub struct Run {
    /// What the file says that it is about.
    pub heading: Heading,
    /// What `+0s` is.
    pub epoch: Timestamp,
    /// The record, in the order in which it was written.
    pub entries: Vec<Entry>,
    /// The packets in the order in which they were sent, as many as [`RunOptions::packets`](super::RunOptions::packets)
    /// asked for.
    pub packets: Vec<PacketRecord>,
    /// The secrets of the TLS sessions in these packets, lines as in a file of `SSLKEYLOGFILE`; none without packets.
    pub tls_secrets: BTreeSet<String>,
}

/// What a file says that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// The scenario's title.
    pub title: String,
    /// The file's `story`, in the customer's words.
    pub words: Option<String>,
}

impl Run {
    pub(super) fn new(
        scenario: &Scenario,
        entries: Vec<Entry>,
        packets: Vec<PacketRecord>,
        tls_secrets: BTreeSet<String>,
    ) -> Run {
        let words = scenario.story.as_ref().map(|words| words.get().clone());
        let heading = Heading { title: scenario.title.get().clone(), words };
        Run { heading, epoch: scenario.epoch, entries, packets, tls_secrets }
    }

    /// The story: what a mail engineer would tell of the run.
    pub fn story(&self) -> String {
        let Heading { title, words } = &self.heading;
        let heading = story::Heading { title, words: words.as_deref(), epoch: self.epoch };
        story::tell(&heading, &self.entries)
    }

    /// The last `count` entries in short, one a line: where a run stood that never rested.
    pub fn last_events(&self, count: usize) -> Vec<String> {
        let from = self.entries.len().saturating_sub(count);
        let line = |entry: &Entry| {
            let told = entry.story.first().map_or(entry.kind, String::as_str);
            format!("{} {}: {told}", format_offset(entry.at.duration_since(self.epoch).as_secs()), entry.actor)
        };
        self.entries.get(from..).unwrap_or_default().iter().map(line).collect()
    }

    /// The record as canonical lines, one entry each: what [`RunResult::record_hash`](super::RunResult::record_hash) is of.
    pub fn canonical_lines(&self) -> String {
        self.entries.iter().map(|entry| entry.canonical() + "\n").collect()
    }
}
