//! Values that are well written and still cannot be meant: names that are none, counts that every record fulfils or none,
//! relatives that lead in a circle.

use std::collections::BTreeSet;

use mxlab_dns::Name;

use super::{Cell, LONGEST_RUN, timing};
use crate::content::content;
use crate::diagnostics::Diagnostic;
use crate::expectations::{ExpectEntry, Verb};
use crate::scenario::Scenario;
use crate::spanned::{Span, Spanned};
use crate::values::{Count, HostRef, Text};
use crate::zone_text::{full_name, is_within};

pub(super) fn check(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    root_as_host(cell, mistakes);
    circles(cell, mistakes);
    owners(cell, mistakes);
    fields(cell, mistakes);
    times(cell, mistakes);
    for entry in cell.expected() {
        let Some(verb) = ExpectEntry::clone(entry).into_verb() else { continue };
        counts(&verb, mistakes);
        words(cell, &verb, mistakes);
    }
}

/// A client asks by SNI for the name to which it connects, so some host or record must have it.
pub(super) fn server_names(cell: &Cell<'_>, scenario: &Scenario, mistakes: &mut Vec<Diagnostic>) {
    let hosts = scenario.addressed.values().map(|host| host.full_name.as_str());
    let owners = scenario.zone_records.values().flatten().map(|record| record.owner.as_str());
    let known: BTreeSet<&str> = hosts.chain(owners).collect();
    for name in cell.file.host.values().filter_map(|host| host.smtp.as_ref()?.sni.as_ref()).flat_map(|sni| sni.keys()) {
        if !known.contains(name.to_ascii_lowercase().as_str()) {
            let message = format!("no host or record is called `{}`", name.as_str());
            let found = Diagnostic::error("unknown-name", message, name.span(), "no client asks for it");
            mistakes.push(found.nearest(name, known.iter().copied()));
        }
    }
}

/// The root is a zone, and no host.
fn root_as_host(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    let hosts = cell.file.host.values().filter_map(|host| host.name.as_ref());
    let receiver = cell.file.receiver.iter().filter_map(|receiver| receiver.name.as_ref());
    for name in hosts.chain(receiver).filter(|name| name.as_str() == ".") {
        let mistake =
            Diagnostic::error("bad-value", "a host cannot have the name of the root", name.span(), "the root");
        mistakes.push(mistake.help("write the full name without final dot, such as 'mx1.fabrikam.example'"));
    }
}

/// Certificates and authorities that derive from themselves.
fn circles(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    let circle = |start: &str, next: &dyn Fn(&str) -> Option<String>| {
        let mut seen = BTreeSet::new();
        let mut at = next(start);
        // Each step leads to a name that was not there before, so this ends.
        while let Some(name) = at.filter(|name| seen.insert(name.clone())) {
            if name == start {
                return true;
            }
            at = next(&name);
        }
        false
    };
    let parent = |name: &str| cell.file.ca.get(name)?.parent.as_ref().map(|parent| parent.to_string());
    for (name, ca) in &cell.file.ca {
        // An authority without a parent is its own; one that says so is as well.
        if let Some(parent_of) = ca.parent.as_ref().filter(|of| of.as_str() != name.as_str() && circle(name, &parent)) {
            let message = format!("the parents of certificate authority `{name}` lead back to it");
            mistakes.push(Diagnostic::error("circle", message, parent_of.span(), "nobody issued the first one"));
        }
    }
    let shared = |name: &str| cell.file.cert.get(name)?.key.as_ref().map(|key| key.to_string());
    for (name, cert) in &cell.file.cert {
        if let Some(key) = cert.key.as_ref().filter(|_| circle(name, &shared)) {
            let message = format!("the key of certificate `{name}` leads back to it");
            let found = Diagnostic::error("circle", message, key.span(), "no certificate has the key of its own");
            mistakes.push(found.help("leave `key` out: then it has a key of its own"));
        }
    }
}

/// The owner that a fault names is a name, and in its zone.
fn owners(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    for fault in cell.file.at.iter().filter_map(|entry| entry.fault.as_ref()) {
        let Some(owner) = &fault.owner else { continue };
        let text = owner.as_str();
        let wrong = match text.parse::<Name>() {
            _ if text == "@" || text.contains('{') => None,
            Err(error) => Some((format!("`{text}` is not a name"), error.to_string())),
            Ok(_) if text.contains(char::is_whitespace) => {
                Some((format!("`{text}` is not a name"), "a blank".to_owned()))
            }
            Ok(_) => {
                let zone = fault.zone.as_ref().map(|zone| zone.to_ascii_lowercase());
                let outside = zone.filter(|zone| text.ends_with('.') && !is_within(&full_name(text, zone), zone));
                outside.map(|zone| (format!("`{text}` is not in {zone}"), "the fault would never act".to_owned()))
            }
        };
        if let Some((message, label)) = wrong {
            let found = Diagnostic::error("bad-value", message, owner.span(), label);
            mistakes.push(found.help("write it as in the zone's text: `mx1`, `@`, or full with a final dot"));
        }
    }
}

/// Names of header fields (RFC 5322 §3.6.8): printable characters without a colon.
fn fields(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    for headers in cell.file.key.values().filter_map(|key| key.headers.as_ref()) {
        let mut at = 0;
        for written in headers.split(':') {
            field(cell, headers, written.trim(), at + (written.len() - written.trim_start().len()), mistakes);
            at += written.len() + 1;
        }
    }
    for stamped in cell.file.expect.iter().chain(&cell.file.never).filter_map(|entry| entry.stamped.as_ref()) {
        field(cell, &stamped.header, stamped.header.as_str(), 0, mistakes);
    }
}

fn field(cell: &Cell<'_>, within: &Spanned<Text>, name: &str, at: usize, mistakes: &mut Vec<Diagnostic>) {
    let bad = |c: char| !c.is_ascii_graphic() || c == ':';
    let (range, label) = match name.char_indices().find(|(_, c)| bad(*c)) {
        Some((offset, c)) => (at + offset..at + offset + c.len_utf8(), "not allowed in the name of a field"),
        None if name.is_empty() => (at..at, "a name is missing"),
        None => return,
    };
    let place = content(cell.sources, within.span(), within, range);
    let message = format!("`{}` is not the name of a header field", crate::check::shown(name));
    mistakes.push(Diagnostic::error("bad-value", message, place, label).help("write it without colon: 'Subject'"));
}

/// Settings of time that leave nothing.
fn times(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    let epoch = timing::epoch(cell.file);
    if let Some(until) = cell.file.until.as_ref().filter(|until| until.at(epoch) == epoch) {
        let message = "a run takes time";
        mistakes.push(Diagnostic::error("bad-value", message, until.span(), "it would end as it begins"));
    }
    for ttl in cell.file.zone.values().filter_map(|zone| zone.ttl.as_ref()) {
        if ttl.get().get().subsec_millis() != 0 {
            let message = "a TTL is counted in seconds";
            mistakes.push(Diagnostic::error("bad-value", message, ttl.span(), "the rest would be lost"));
        }
    }
    if let Some(sender) = &cell.file.sender
        && let Some(notice) = sender.delay_notice.as_ref().filter(|notice| *notice.get() > sender.expiration())
    {
        let message = format!("no delay notice goes out: the sender gives up after {}", sender.expiration());
        let found = Diagnostic::error("no-effect", message, notice.span(), "this would change nothing");
        mistakes.push(found.help("write `0s` for no notice"));
    }
}

/// Counts that hold whatever happens, or never.
fn counts(verb: &Verb, mistakes: &mut Vec<Diagnostic>) {
    let mut check = |field: &str, count: &Option<Spanned<Count>>, least: u64| {
        let Some(count) = count else { return };
        if count.get().most.is_none() && count.get().least <= least {
            let message = format!("`{field} = {}` always holds", count.get());
            mistakes.push(Diagnostic::error("no-effect", message, count.span(), "this would change nothing"));
        } else if count.get().most.is_some_and(|most| most < least) {
            let message = format!("`{field}` is at least {least}");
            mistakes.push(Diagnostic::error("never-holds", message, count.span(), "this could never hold"));
        }
    };
    match verb {
        Verb::Delivered(table) => {
            check("attempts", &table.attempts, 1);
            check("copies", &table.copies, 1);
        }
        Verb::Deferred(table) | Verb::Bounced(table) | Verb::Rejected(table) => check("attempts", &table.attempts, 1),
        Verb::Reported(table) => {
            check("successful", &table.successful, 0);
            check("failed", &table.failed, 0);
        }
        Verb::Cost(table) => {
            check("dns-queries", &table.dns_queries, 0);
            check("signature-checks", &table.signature_checks, 0);
            check("hashes", &table.hashes, 0);
        }
        Verb::Notified(_) | Verb::Attempted(_) | Verb::Verdict(_) | Verb::Stamped(_) | Verb::Signed(_) => {}
        Verb::Resolved(_) | Verb::Status(_) | Verb::Refused(_) | Verb::InClear(_) => {}
    }
}

/// Texts that every reply has, hosts that take no mail, days without a run.
fn words(cell: &Cell<'_>, verb: &Verb, mistakes: &mut Vec<Diagnostic>) {
    match verb {
        Verb::Deferred(table) | Verb::Bounced(table) | Verb::Rejected(table) => {
            if let Some(text) = table.text.as_ref().filter(|text| text.is_empty()) {
                let found = Diagnostic::error(
                    "no-effect",
                    "every reply has an empty `text` in it",
                    text.span(),
                    "this says nothing",
                );
                mistakes.push(found.help("write a part of the reply, or leave it out"));
            }
        }
        Verb::Delivered(table) => table.host.iter().for_each(|host| takes_mail(cell, host, mistakes)),
        Verb::Reported(table) => table.day.iter().for_each(|day| within_run(cell, day.span(), day.get().0, mistakes)),
        Verb::Notified(_) | Verb::Attempted(_) | Verb::Verdict(_) | Verb::Stamped(_) | Verb::Signed(_) => {}
        Verb::Resolved(_) | Verb::Status(_) | Verb::Refused(_) | Verb::InClear(_) | Verb::Cost(_) => {}
    }
}

fn takes_mail(cell: &Cell<'_>, host: &Spanned<HostRef>, mistakes: &mut Vec<Diagnostic>) {
    let declared = cell.file.host.get(host.as_str());
    let takes = declared.is_none_or(|host| host.smtp.is_some() || host.relay.is_some() || cell.is_partial(host.span()));
    if host.as_str() != "sender" && takes {
        return;
    }
    let message = format!("`{host}` takes no mail");
    let found = Diagnostic::error("wrong-role", message, host.span(), "nothing is ever delivered to it");
    mistakes.push(found.help("name the receiver, or a host with `smtp`"));
}

fn within_run(cell: &Cell<'_>, place: Span, day: jiff::civil::Date, mistakes: &mut Vec<Diagnostic>) {
    let epoch = timing::epoch(cell.file);
    // A wrong epoch is a mistake of its own.
    if !timing::is_possible(epoch) {
        return;
    }
    let end = epoch.saturating_add(jiff::SignedDuration::from_secs(LONGEST_RUN)).unwrap_or(epoch);
    let day_of = |instant: jiff::Timestamp| instant.to_zoned(jiff::tz::TimeZone::UTC).date();
    if day < day_of(epoch) || day > day_of(end) {
        let message = format!("the run is not on {day}");
        mistakes.push(Diagnostic::error("never-holds", message, place, "this could never hold"));
    }
}
