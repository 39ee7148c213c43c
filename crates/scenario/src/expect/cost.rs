//! `cost`: the most work that one lookup needed: the queries, signature checks and hashes that each `resolved` records.

use std::fmt::Write as _;

use mxlab_record::Entry;

use super::Asked;
use super::question::{Question, number};
use mxlab_language::expectations::{Cost, Expectation};
use mxlab_language::values::Count;

/// The fields of `cost` that are given, as the record calls them.
pub(super) fn costs(table: &Cost) -> impl Iterator<Item = (&'static str, &'static str, Count)> {
    let fields = [
        ("dns-queries", "queries", &table.dns_queries),
        ("signature-checks", "signature-checks", &table.signature_checks),
        ("hashes", "hashes", &table.hashes),
    ];
    fields.into_iter().filter_map(|(field, in_record, count)| Some((field, in_record, *count.as_ref()?.get())))
}

impl Asked<'_> {
    /// The lookup within the window that needed most of one kind of work; none if there was no lookup.
    fn costliest(&self, expectation: &Expectation, in_record: &'static str) -> Option<&Entry> {
        let lookups = Question::new("resolved", "resolved");
        self.candidates(expectation, &lookups)
            .filter(|entry| number(entry, in_record).is_some())
            .reduce(|most, entry| if number(entry, in_record) > number(most, in_record) { entry } else { most })
    }

    /// The lookup that answers a `cost`: for each kind of work, the most that any lookup needed is within the count.
    /// Else none.
    pub(super) fn costs_hold(&self, expectation: &Expectation, table: &Cost) -> Option<&Entry> {
        let mut held = None;
        for (_, in_record, count) in costs(table) {
            let entry = self.costliest(expectation, in_record)?;
            if !number(entry, in_record).is_some_and(|most| count.contains(most)) {
                return None;
            }
            held = held.or(Some(entry));
        }
        held
    }

    /// Adds the actual maximum to a message.
    pub(super) fn show_costs(&self, message: &mut String, expectation: &Expectation, table: &Cost) {
        for (field, in_record, _) in costs(table) {
            let Some(entry) = self.costliest(expectation, in_record) else {
                let _ = write!(message, "\nnothing was looked up");
                return;
            };
            let most = number(entry, in_record).unwrap_or_default();
            let told = entry.story.first().map_or(entry.kind, String::as_str);
            let _ = write!(message, "\n{field}: {most} at most, at {}: {told}", self.offset(entry.at));
        }
    }
}

/// The expectation in words.
pub(super) fn describe(table: &Cost) -> String {
    let parts: Vec<String> = costs(table).map(|(field, _, count)| format!("{field} = {count}")).collect();
    format!("the costliest lookup needed {}", parts.join(", "))
}
