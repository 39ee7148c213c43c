//! Expectations that nothing can fulfil, or that say nothing.
//!
//! A `[[never]]` that cannot happen holds whatever the engines do; an `[[expect]]` that cannot happen fails for a reason
//! that has nothing to do with them. Both are mistakes of the file.

use super::Cell;
use crate::diagnostics::Diagnostic;
use crate::expectations::AxisValues;
use crate::expectations::{ExpectEntry, Failed, Verb};
use crate::spanned::{Span, Spanned};

pub(super) fn check(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    conditions(cell, mistakes);
    for entry in cell.expected() {
        let Some(verb) = ExpectEntry::clone(entry).into_verb() else { continue };
        if let Verb::Deferred(table) | Verb::Bounced(table) | Verb::Rejected(table) = &verb {
            class(verb.verb(), table, mistakes);
        }
        if let Verb::Attempted(table) = &verb
            && table.times.is_none()
            && table.hosts.is_none()
            && !cell.is_partial(table.span())
        {
            let message = "this `attempted` lists nothing";
            let found = Diagnostic::error("missing", message, table.span(), "attempts when, or at which hosts?");
            mistakes.push(found.help("it takes `times` and `hosts`, each in full"));
        }
    }
    twice(cell, mistakes);
}

/// The class of a code says what became of the message (RFC 3463 §3.1).
fn class(verb: &str, table: &Failed, mistakes: &mut Vec<Diagnostic>) {
    let Some(code) = &table.code else { return };
    let (fits, why): (&[u16], &str) = match verb {
        "deferred" => (&[4], "a message that stays queued has a code of class 4"),
        "bounced" => (&[5], "an NDR has a code of class 5"),
        _ => (&[4, 5], "a refusal has a code of class 4 or 5"),
    };
    if fits.contains(&code.get().class) {
        return;
    }
    let message = format!("nothing is ever `{verb}` with the code {code}");
    let found = Diagnostic::error("never-holds", message, code.span(), why);
    let other = |class| format!("did you mean {class}.{}.{}?", code.get().subject, code.get().detail);
    mistakes.push(found.help(other(fits[0])));
}

/// A condition that names no axis is none, and one that names no value is never fulfilled.
fn conditions(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    for entry in cell.file.expect.iter().chain(&cell.file.never) {
        let Some(when) = &entry.when else { continue };
        if when.is_empty() && !cell.is_partial(when.span()) {
            let found = Diagnostic::error("no-effect", "this `when` names no axis", when.span(), "it limits nothing");
            mistakes.push(found.help("name the cells that are meant, or leave `when` out"));
        }
        for (axis, values) in when.iter() {
            if matches!(values.get(), AxisValues::Any(names) if names.is_empty()) {
                let message = format!("no value of axis `{axis}` is named");
                let found = Diagnostic::error("never-holds", message, values.span(), "this applies to no cell");
                mistakes.push(found.help("name the values for which it is expected"));
            }
        }
    }
}

/// The same expectation twice for the same cell. Compared as written, which is what people copy.
fn twice(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    for entries in [&cell.file.expect, &cell.file.never] {
        let mut seen: std::collections::BTreeMap<String, Span> = std::collections::BTreeMap::new();
        for entry in entries.iter().filter(|entry| crate::assemble::applies(entry, cell.values)) {
            let Some(said) = said(cell, entry) else { continue };
            if let Some(first) = seen.insert(said, entry.span()) {
                let message = "this expectation is there already";
                let found = Diagnostic::error("said-twice", message, entry.span(), "again here");
                mistakes.push(found.and(first, "first one").help("remove one of them"));
            }
        }
    }
}

/// What an entry says, in a form that can be compared; none if something is missing in it.
fn said(cell: &Cell<'_>, entry: &Spanned<ExpectEntry>) -> Option<String> {
    let verb = ExpectEntry::clone(entry).into_verb()?;
    let condition = entry.when.as_ref().map(Spanned::span);
    if [Some(entry.span()), Some(verb.span()), condition].into_iter().flatten().any(|table| cell.is_partial(table)) {
        return None;
    }
    let times = [&entry.after, &entry.within].map(|time| time.as_ref().map(|time| time.get().to_string()));
    // Values of axes stand elsewhere, so what is written is not what is said: the decoded values are.
    let table = without_places(&format!("{verb:?}"));
    Some(format!("{times:?} {table}"))
}

/// The debug form of a table without the places of its values.
fn without_places(shown: &str) -> String {
    let mut result = String::with_capacity(shown.len());
    let mut rest = shown;
    while let Some(at) = rest.find("Span {") {
        result.push_str(&rest[..at]);
        rest = rest[at..].split_once('}').map_or("", |(_, rest)| rest);
    }
    result.push_str(rest);
    result
}

/// Who must run for an expectation of a kind to be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Sender,
    Receiver,
    Nobody,
}

fn needs(verb: &Verb) -> Needs {
    match verb {
        Verb::Deferred(_) | Verb::Bounced(_) | Verb::Notified(_) | Verb::Attempted(_) => Needs::Sender,
        Verb::Status(_) | Verb::Refused(_) => Needs::Sender,
        Verb::Verdict(_) | Verb::Stamped(_) => Needs::Receiver,
        Verb::Delivered(table) if table.folder.is_some() => Needs::Receiver,
        // The inbound engine counts its attempts to deliver a report.
        Verb::Delivered(table) if table.attempts.is_some() => {
            let report = table.message.as_ref().is_some_and(|message| message.as_str() == "dmarc-report");
            if report { Needs::Receiver } else { Needs::Sender }
        }
        Verb::Delivered(_) | Verb::Rejected(_) | Verb::Signed(_) | Verb::Reported(_) => Needs::Nobody,
        Verb::Resolved(_) | Verb::InClear(_) | Verb::Cost(_) => Needs::Nobody,
    }
}

/// What an engine does is not expected where it does not run.
pub(super) fn engines(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    for entry in cell.expected() {
        let Some(verb) = ExpectEntry::clone(entry).into_verb() else { continue };
        let (engine, runs) = match needs(&verb) {
            Needs::Sender => ("sender", cell.file.sender.is_some()),
            Needs::Receiver => ("receiver", cell.file.receiver.is_some()),
            Needs::Nobody => continue,
        };
        if runs || cell.left_out.of(&[engine]) {
            continue;
        }
        let which = if engine == "sender" { "outbound" } else { "inbound" };
        let message = format!("`{}` tells of the {which} engine, and none runs", verb.verb());
        let found = Diagnostic::error("no-engine", message, verb.span(), "this could never hold");
        mistakes.push(found.help(format!("declare [{engine}], or choose a world that has it")));
    }
}
