//! `send`: what of it would be lost, or change nothing.

use std::collections::BTreeMap;

use super::{Cell, LONGEST_RUN, timing};
use crate::assemble::AT_ONCE;
use crate::diagnostics::Diagnostic;
use crate::script::{AtEntry, Send};
use crate::spanned::{Span, Spanned};

pub(super) fn check(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    for entry in &cell.file.at {
        let Some(send) = entry.send.as_ref().filter(|send| !cell.is_partial(send.span())) else { continue };
        series(cell, entry, send, mistakes);
        subject(cell, send, mistakes);
        recipients(send, mistakes);
    }
}

/// A series of messages: it has a distance only if there are several, and ends before the run does.
fn series(cell: &Cell<'_>, entry: &AtEntry, send: &Send, mistakes: &mut Vec<Diagnostic>) {
    let Some(every) = &send.every else { return };
    let count = send.count();
    if count < 2 {
        let message = "`every` needs a `count`: one message has no distance from the next";
        let found = Diagnostic::error("no-effect", message, every.span(), "this would change nothing");
        mistakes.push(found.help("write `count = 24` beside it, or leave it out"));
        return;
    }
    let epoch = timing::epoch(cell.file);
    let begins = entry.time.as_ref().map_or(AT_ONCE, |time| *time.get()).at(epoch);
    let takes = every.get().get().saturating_mul(count - 1);
    let last = begins.saturating_add(takes).unwrap_or(begins);
    let longest = epoch.saturating_add(jiff::SignedDuration::from_secs(LONGEST_RUN)).unwrap_or(epoch);
    let end = cell.file.until.as_ref().map_or(longest, |until| until.at(epoch).min(longest));
    if last <= end {
        return;
    }
    let within = u128::try_from(end.duration_since(begins).as_millis()).unwrap_or(0);
    let sent = within / every.get().get().as_millis().max(1) + 1;
    let message =
        format!("{} of these {count} messages come after the end of the run", u128::from(count).saturating_sub(sent));
    let found = Diagnostic::error("beyond-end", message, every.span(), "they would never be sent");
    mistakes.push(match &cell.file.until {
        Some(until) if until.at(epoch) <= longest => found.and(until.span(), "the run ends here"),
        _ => found.help("a run lasts at most 40 days"),
    });
}

/// A subject that the message has no place for.
fn subject(cell: &Cell<'_>, send: &Send, mistakes: &mut Vec<Diagnostic>) {
    let (Some(subject), Some(name)) = (&send.subject, &send.message) else { return };
    let Some((declared, message)) = cell.file.message.get_key_value(name.as_str()) else { return };
    let mut texts = message.text.iter().chain(&message.bytes);
    if cell.is_partial(message.span()) || texts.any(|text| text.contains("{subject}")) {
        return;
    }
    let found = Diagnostic::error(
        "no-effect",
        format!("message `{name}` has no `{{subject}}`"),
        subject.span(),
        "this would appear nowhere",
    );
    mistakes.push(found.and(declared.span(), "declared here").help("write `Subject: {subject}` in its text"));
}

/// Each recipient once.
fn recipients(send: &Send, mistakes: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    for to in send.to.iter() {
        if let Some(first) = seen.insert(to.to_ascii_lowercase(), Spanned::span(to)) {
            let message = format!("{} is a recipient twice", to.as_str());
            let found = Diagnostic::error("duplicate-name", message, to.span(), "again here");
            mistakes.push(found.and(first, "first one"));
        }
    }
}
