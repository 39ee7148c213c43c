//! Times that must be consistent: the end of the run, windows, faults and their ends, validity.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use jiff::Timestamp;

use crate::assemble::{AT_ONCE, applies};
use crate::diagnostics::Diagnostic;
use crate::scenario::{DEFAULT_EPOCH, File};
use crate::script::{AtEntry, Publish};
use crate::spanned::{Span, Spanned};
use crate::values::Time;

/// The years in which a run may begin. Signature times are counted from 1970 in 32 bits (RFC 4034 §3.1.5) and reach
/// back before the epoch; nobody needs certificates beyond 2100.
const FIRST_YEAR: i16 = 1971;
const LAST_YEAR: i16 = 2100;

/// The epoch of a file.
pub(super) fn epoch(file: &File) -> Timestamp {
    file.epoch.as_ref().map_or(DEFAULT_EPOCH, |epoch| epoch.get().0)
}

/// When an entry acts.
fn time(entry: &AtEntry) -> Time {
    entry.time.as_ref().map_or(AT_ONCE, |time| *time.get())
}

pub(super) fn check(
    file: &File,
    values: &IndexMap<String, String>,
    pruned: &BTreeSet<Span>,
    mistakes: &mut Vec<Diagnostic>,
) {
    epoch_in_range(file, mistakes);
    beyond_end(file, values, mistakes);
    windows(file, mistakes);
    faults(file, mistakes);
    heals(file, mistakes);
    out_of_order(file, mistakes);
    validity(file, pruned, mistakes);
}

/// Whether a run can begin then.
pub(super) fn is_possible(epoch: Timestamp) -> bool {
    (FIRST_YEAR..=LAST_YEAR).contains(&epoch.to_zoned(jiff::tz::TimeZone::UTC).year())
}

fn epoch_in_range(file: &File, mistakes: &mut Vec<Diagnostic>) {
    let Some(epoch) = &file.epoch else { return };
    if !is_possible(epoch.get().0) {
        let year = epoch.get().0.to_zoned(jiff::tz::TimeZone::UTC).year();
        let message = format!("no run can begin in {year}");
        let label = format!("from {FIRST_YEAR} to {LAST_YEAR}");
        mistakes.push(Diagnostic::error("bad-value", message, epoch.span(), label));
    }
}

/// Nothing may be scheduled after the end of the run.
fn beyond_end(file: &File, values: &IndexMap<String, String>, mistakes: &mut Vec<Diagnostic>) {
    let Some(until) = &file.until else { return };
    let epoch = epoch(file);
    let end = until.at(epoch);
    let mut check = |time: &Option<Spanned<Time>>, what: &str, label: &str| {
        if let Some(time) = time.as_ref().filter(|time| time.at(epoch) > end) {
            let found = Diagnostic::error("beyond-end", what, time.span(), label);
            mistakes.push(found.and(until.span(), "the run ends here"));
        }
    };
    for entry in &file.at {
        check(&entry.time, "this entry comes after the end of the run", "it would never be done");
        if let Some(fault) = &entry.fault {
            check(&fault.until, "this fault ends after the end of the run", "it would never end");
        }
    }
    for entry in file.expect.iter().chain(&file.never).filter(|entry| applies(entry, values)) {
        check(&entry.after, "this window begins after the end of the run", "it would never be decided");
        check(&entry.within, "this window ends after the end of the run", "it would never be decided");
    }
}

/// Windows of expectations end after they begin.
fn windows(file: &File, mistakes: &mut Vec<Diagnostic>) {
    let epoch = epoch(file);
    for entry in file.expect.iter().chain(&file.never) {
        if let (Some(after), Some(within)) = (&entry.after, &entry.within)
            && within.at(epoch) < after.at(epoch)
        {
            let found =
                Diagnostic::error("empty-window", "this window ends before it begins", within.span(), "the end");
            mistakes.push(found.and(after.span(), "the beginning").help("both are counted from the epoch"));
        }
    }
}

/// Faults end after they begin.
fn faults(file: &File, mistakes: &mut Vec<Diagnostic>) {
    let epoch = epoch(file);
    for entry in &file.at {
        let Some(until) = entry.fault.as_ref().and_then(|fault| fault.until.as_ref()) else { continue };
        if until.at(epoch) <= time(entry).at(epoch) {
            let message = "this fault is over before it can act";
            let mut found = Diagnostic::error("empty-window", message, until.span(), "the end");
            if let Some(begins) = &entry.time {
                found = found.and(begins.span(), "the beginning");
            }
            mistakes.push(found.help("both are counted from the epoch"));
        }
    }
}

/// A `heal` can only end a fault that has begun: entries run in order of time, entries of one time in order of the
/// file.
fn heals(file: &File, mistakes: &mut Vec<Diagnostic>) {
    let epoch = epoch(file);
    let mut begins: BTreeMap<&str, (usize, &Spanned<AtEntry>)> = BTreeMap::new();
    for (index, entry) in file.at.iter().enumerate() {
        if let Some(name) = entry.fault.as_ref().and_then(|fault| fault.name.as_ref()) {
            begins.entry(name.as_str()).or_insert((index, entry));
        }
    }
    for (index, entry) in file.at.iter().enumerate() {
        let Some(heal) = &entry.heal else { continue };
        let Some(&(fault_index, fault)) = begins.get(heal.as_str()) else { continue };
        if (time(entry).at(epoch), index) < (time(fault).at(epoch), fault_index) {
            let message = format!("the fault `{heal}` has not begun yet");
            let found = Diagnostic::error("heals-nothing", message, heal.span(), "this would end nothing");
            let place = fault.time.as_ref().map_or(fault.span(), Spanned::span);
            mistakes.push(found.and(place, "it begins here"));
        }
    }
}

fn out_of_order(file: &File, mistakes: &mut Vec<Diagnostic>) {
    let epoch = epoch(file);
    for pair in file.at.windows(2) {
        if let [before, entry] = pair
            && time(entry).at(epoch) < time(before).at(epoch)
        {
            let place = entry.time.as_ref().map_or(entry.span(), Spanned::span);
            let first = before.time.as_ref().map_or(before.span(), Spanned::span);
            let message = "this entry is earlier than the one before it";
            let found = Diagnostic::warning("out-of-order", message, place, "it runs first");
            mistakes.push(found.and(first, "this one is later").help("entries run in order of time; write them so"));
        }
    }
}

/// Certificates and signatures end after they start.
fn validity(file: &File, pruned: &BTreeSet<Span>, mistakes: &mut Vec<Diagnostic>) {
    let epoch = epoch(file);
    // A default end is shown, because it is not in the file.
    let mut check = |what: &str, from: Bound<'_>, until: Bound<'_>| {
        let Some(place) = until.written.or(from.written) else { return };
        if until.time.at(epoch) > from.time.at(epoch) {
            return;
        }
        let message = format!("{what} valid at no time");
        let label = if until.written.is_some() { "the end" } else { "the start" };
        let found = Diagnostic::error("empty-window", message, place.span(), label);
        mistakes.push(match (from.written, until.written) {
            (Some(from), Some(_)) => found.and(from.span(), "the start"),
            (None, _) => found.help(format!("without `{}` the start is {}", from.field, from.time)),
            (_, None) => found.help(format!("without `{}` the end is {}", until.field, until.time)),
        });
    };
    for (name, cert) in file.cert.iter().filter(|(_, cert)| !pruned.contains(&cert.span())) {
        let from = Bound { field: "from", written: cert.from.as_ref(), time: cert.from() };
        let until = Bound { field: "until", written: cert.until.as_ref(), time: cert.until() };
        check(&format!("certificate `{name}` is"), from, until);
    }
    for (name, ca) in file.ca.iter().filter(|(_, ca)| !pruned.contains(&ca.span())) {
        let from = Bound { field: "from", written: ca.from.as_ref(), time: ca.from() };
        let until = Bound { field: "until", written: ca.until.as_ref(), time: ca.until() };
        check(&format!("certificate authority `{name}` is"), from, until);
    }
    for (name, zone) in file.zone.iter().filter(|(_, zone)| !pruned.contains(&zone.span())) {
        let Some(end) = &zone.signed_until else { continue };
        let from = Bound { field: "signed-from", written: zone.signed_from.as_ref(), time: zone.signed_from() };
        let until = Bound { field: "signed-until", written: Some(end), time: *end.get() };
        check(&format!("the signatures of {name} are"), from, until);
    }
    for publish in file.at.iter().filter_map(|entry| entry.publish.as_ref()) {
        let Some(end) = publish.signed_until.as_ref().filter(|_| !pruned.contains(&publish.span())) else { continue };
        let start = start_of_signatures(file, publish);
        let from = Bound { field: "signed-from", written: publish.signed_from.as_ref(), time: start };
        let until = Bound { field: "signed-until", written: Some(end), time: *end.get() };
        check(&format!("the signatures of {} are", publish.zone), from, until);
    }
}

/// One end of a validity.
struct Bound<'f> {
    field: &'static str,
    written: Option<&'f Spanned<Time>>,
    time: Time,
}

/// When the signatures of a `publish` start: from its own field, else from the zone.
fn start_of_signatures(file: &File, publish: &Publish) -> Time {
    let zone = file.zone.iter().find(|(name, _)| name.eq_ignore_ascii_case(&publish.zone));
    let of_zone = || zone.map_or_else(|| crate::declarations::Zone::default().signed_from(), |(_, z)| z.signed_from());
    publish.signed_from.as_ref().map_or_else(of_zone, |from| *from.get())
}
