//! Single values of the right type that are still impossible: empty timetables, addresses that are taken, lines that
//! are no lines.

use std::net::Ipv4Addr;

use mxlab_dns::security::Reason;

use super::Cell;
use crate::check::shown;
use crate::content::content;
use crate::declarations::{Resolver, Sender, Smtp, items};
use crate::diagnostics::{Diagnostic, Sources};
use crate::nearest;
use crate::scenario::File;
use crate::spanned::{Span, Spanned};

pub(super) fn check(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    let (file, sources) = (cell.file, cell.sources);
    one_line_each(cell, mistakes);
    let configured = || file.at.iter().filter_map(|entry| entry.configure.as_ref());
    for sender in file.sender.iter().chain(configured().filter_map(|configure| configure.sender.as_ref())) {
        timetable(cell, sender, mistakes);
    }
    if let Some(resolver) = &file.resolver {
        patience(resolver, mistakes);
    }
    addresses(file, mistakes);
    servers(file, mistakes);
    let changed = configured().filter_map(|configure| configure.host.as_ref()).flat_map(|hosts| hosts.values());
    for host in file.host.values().chain(changed) {
        if let Some(smtp) = &host.smtp {
            scripted(smtp, sources, mistakes);
        }
        if let Some(ehlo) = host.client.as_ref().and_then(|client| client.ehlo.as_ref()) {
            one_line("`ehlo`", ehlo.span(), ehlo.as_str(), sources, mistakes);
        }
    }
    for send in file.at.iter().filter_map(|entry| entry.send.as_ref()) {
        if let Some(subject) = &send.subject {
            one_line("`subject`", subject.span(), subject.as_str(), sources, mistakes);
        }
    }
    reasons(cell, mistakes);
    for cost in file.expect.iter().chain(&file.never).filter_map(|entry| entry.cost.as_ref()) {
        if !cell.is_partial(cost.span())
            && cost.dns_queries.is_none()
            && cost.signature_checks.is_none()
            && cost.hashes.is_none()
        {
            let found = Diagnostic::error("missing", "this `cost` counts nothing", cost.span(), "of what?");
            mistakes.push(found.help("it takes `dns-queries`, `signature-checks`, `hashes`"));
        }
    }
}

/// A text that is told on one line, and a text that is shown, hold no control characters.
fn one_line_each(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    let file = cell.file;
    let mut check = |field: &str, span: Span, text: &str, lines: bool| {
        let bad = |c: char| c.is_control() && !(lines && matches!(c, '\n' | '\r' | '\t'));
        if let Some((at, c)) = text.char_indices().find(|(_, c)| bad(*c)) {
            let place = content(cell.sources, span, text, at..at + c.len_utf8());
            let label = if matches!(c, '\n' | '\r') { "a line end" } else { "a control character" };
            let message =
                if lines { format!("`{field}` is plain text") } else { format!("`{field}` is one line of plain text") };
            mistakes.push(Diagnostic::error("bad-value", message, place, label));
        }
    };
    if !cell.sources.is_in_world(file.title.span()) {
        check("title", file.title.span(), &file.title, false);
    }
    if let Some(why) = &file.seed_sensitive {
        check("seed-sensitive", why.span(), why, false);
    }
    if let Some(story) = &file.story {
        check("story", story.span(), story, true);
    }
}

fn timetable(cell: &Cell<'_>, sender: &Sender, mistakes: &mut Vec<Diagnostic>) {
    let Some(retry) = &sender.retry else { return };
    if retry.is_empty() && !cell.is_partial(retry.span()) {
        let message = "`retry` needs an interval";
        let found = Diagnostic::error("bad-value", message, retry.span(), "when would the next attempt be?");
        mistakes.push(found.help("the last interval repeats, so one is enough"));
    }
    for interval in retry.iter().filter(|interval| interval.get().get().is_zero()) {
        let message = "an interval of `retry` cannot be zero";
        mistakes.push(Diagnostic::error("bad-value", message, interval.span(), "attempts without end at one time"));
    }
}

fn patience(resolver: &Resolver, mistakes: &mut Vec<Diagnostic>) {
    if let Some(timeout) = resolver.timeout.as_ref().filter(|timeout| timeout.get().get().is_zero()) {
        let message = "`timeout` cannot be zero";
        mistakes.push(Diagnostic::error("bad-value", message, timeout.span(), "no answer could come in time"));
    }
}

/// Hosts have addresses of their own that others can reach.
fn addresses(file: &File, mistakes: &mut Vec<Diagnostic>) {
    let hosts = file.host.values().filter_map(|host| host.ip.as_ref());
    let engines = file.sender.iter().filter_map(|sender| sender.ip.as_ref());
    let engines = engines.chain(file.receiver.iter().filter_map(|receiver| receiver.ip.as_ref()));
    for ip in hosts.chain(engines) {
        let Some(label) = taken(ip.0) else { continue };
        let message = format!("no host can have the address {}", ip.0);
        mistakes.push(
            Diagnostic::error("bad-value", message, ip.span(), label).help("leave `ip` out for the next free one"),
        );
    }
}

/// Why an address cannot belong to a host.
fn taken(address: Ipv4Addr) -> Option<&'static str> {
    let [first, second, ..] = address.octets();
    match first {
        0 => Some("this is unspecified"),
        127 => Some("this is a loopback address"),
        224..=239 => Some("this is a multicast address"),
        _ if address.is_broadcast() => Some("this is the broadcast address"),
        198 if second & 0xfe == 18 => Some("198.18.0.0/15 is kept for the world's own servers"),
        _ => None,
    }
}

fn servers(file: &File, mistakes: &mut Vec<Diagnostic>) {
    for list in file.zone.values().flat_map(|zone| [&zone.servers, &zone.parent_servers]) {
        let servers: Vec<_> = items(list).collect();
        for (index, server) in servers.iter().enumerate() {
            if let Some(first) = servers[..index].iter().find(|first| first == &server) {
                let message = format!("host `{server}` is named twice");
                let found = Diagnostic::error("duplicate-name", message, server.span(), "again here");
                mistakes.push(found.and(first.span(), "first one"));
            }
        }
    }
}

fn scripted(smtp: &Spanned<Smtp>, sources: &Sources, mistakes: &mut Vec<Diagnostic>) {
    if let Some(banner) = &smtp.banner {
        one_line("`banner`", banner.span(), banner.as_str(), sources, mistakes);
    }
    for extension in items(&smtp.extensions) {
        if let Some((range, label)) = not_an_ehlo_line(extension.as_str()) {
            let place = content(sources, extension.span(), extension.as_str(), range);
            let message = match shown(extension.as_str()) {
                text if text.is_empty() => "an empty text is not a line of an EHLO reply".to_owned(),
                text => format!("`{text}` is not a line of an EHLO reply"),
            };
            let found = Diagnostic::error("bad-value", message, place, label);
            mistakes.push(found.help("write a keyword and its parameters, such as 'SIZE 10000000'"));
        }
    }
}

/// The part of a text that `ehlo-line` cannot contain (RFC 5321 §4.1.1.1): a keyword of letters, digits and hyphens,
/// and parameters of printable characters, one space before each.
fn not_an_ehlo_line(text: &str) -> Option<(std::ops::Range<usize>, &'static str)> {
    let keyword = text.split(' ').next().unwrap_or_default();
    if keyword.is_empty() {
        return Some((0..text.len().min(1), "a keyword is missing"));
    }
    let wrong = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
    if let Some((at, bad)) = keyword.char_indices().find(|(at, c)| wrong(*c) || *at == 0 && *c == '-') {
        return Some((at..at + bad.len_utf8(), "this is not allowed in a keyword"));
    }
    let mut at = keyword.len();
    while let Some(rest) = text.get(at + 1..).filter(|_| at < text.len()) {
        let parameter = rest.split(' ').next().unwrap_or_default();
        if parameter.is_empty() {
            return Some((at..at + 1, "one space before each parameter, and none at the end"));
        }
        if let Some((bad_at, bad)) = parameter.char_indices().find(|(_, c)| !c.is_ascii_graphic()) {
            let start = at + 1 + bad_at;
            return Some((start..start + bad.len_utf8(), "this is not allowed in a parameter"));
        }
        at += 1 + parameter.len();
    }
    None
}

/// A text that becomes a line of the protocol or a header field has no line end in it.
fn one_line(field: &str, span: Span, text: &str, sources: &Sources, mistakes: &mut Vec<Diagnostic>) {
    let Some(at) = text.find(['\r', '\n']) else { return };
    let place = content(sources, span, text, at..at + 1);
    mistakes.push(Diagnostic::error("bad-value", format!("{field} is one line"), place, "a line end"));
}

/// Reasons in expectations must be known ones.
fn reasons(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    for entry in cell.expected() {
        let reason = entry.resolved.as_ref().and_then(|resolved| resolved.reason.as_ref());
        if let Some(reason) = reason.filter(|reason| !Reason::WORDS.contains(&reason.as_str())) {
            let message = format!("the resolver gives no reason `{reason}`");
            let found = Diagnostic::error("unknown-value", message, reason.span(), "this expectation could never hold");
            mistakes.push(found.maybe_help(nearest::help(reason.as_str(), Reason::WORDS.iter().copied())));
        }
        let reason = entry.verdict.as_ref().and_then(|verdict| verdict.reason.as_ref());
        let three_digits = |text: &str| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(reason) = reason.filter(|reason| !three_digits(reason.as_str())) {
            let message = format!("`{reason}` is not the reason of a composite verdict");
            let found = Diagnostic::error("bad-value", message, reason.span(), "expected three digits");
            mistakes.push(found.help("write it as in the header, such as '001'"));
        }
    }
}
