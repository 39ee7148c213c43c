//! What a file says and what would change nothing.
//!
//! Whoever writes a setting expects it to matter. If it cannot, something else is wrong: a role is missing, an engine does
//! not run, a name is another one. So it is a mistake, with the place and the reason.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cell, timing};
use crate::assemble::AT_ONCE;
use crate::declarations::{Host, Smtp, Tenant, items};
use crate::diagnostics::Diagnostic;
use crate::script::Configure;
use crate::spanned::{Span, Spanned};
use crate::words::TlsVersion;

pub(super) fn check(cell: &Cell<'_>, axes: &[(String, Span)], mistakes: &mut Vec<Diagnostic>) {
    lists(cell, mistakes);
    texts(cell, axes, mistakes);
    tenants(cell, mistakes);
    for host in cell.file.host.values().filter(|host| !cell.is_partial(host.span())) {
        host.smtp.iter().for_each(|smtp| server(cell, smtp, mistakes));
    }
    certificates(cell, mistakes);
    name_servers(cell, mistakes);
    replies(cell, mistakes);
    links(cell, mistakes);
    signatures(cell, mistakes);
    changes(cell, mistakes);
    heals(cell, mistakes);
}

fn none(message: impl Into<String>, span: Span, help: &str) -> Diagnostic {
    Diagnostic::error("no-effect", message, span, "this would change nothing").help(help)
}

/// Lists that name nothing, and names that are in a list twice.
fn lists(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    let mut empty = |field: &str, span: Span, length: usize, help: &str| {
        if length == 0 && !cell.is_partial(span) {
            mistakes.push(none(format!("`{field}` is empty"), span, help));
        }
    };
    for zone in cell.file.zone.values() {
        let servers = zone.servers.iter().map(|list| (list.span(), list.len()));
        servers.for_each(|(span, length)| empty("servers", span, length, "name hosts with `dns`, or leave it out"));
        let without = zone.without.iter().map(|list| (list.span(), list.len()));
        without.for_each(|(span, length)| empty("without", span, length, "name records of the world, or leave it out"));
    }
    for publish in cell.file.at.iter().filter_map(|entry| entry.publish.as_ref()) {
        let remove = publish.remove.iter().map(|list| (list.span(), list.len()));
        remove.for_each(|(span, length)| empty("remove", span, length, "name records, or leave it out"));
    }
    for send in cell.file.at.iter().filter_map(|entry| entry.send.as_ref()) {
        let through = send.through.iter().map(|list| (list.span(), list.len()));
        through.for_each(|(span, length)| empty("through", span, length, "name relays, or leave it out"));
    }
    twice("behaviour", cell.file.covers.iter().flat_map(|list| list.iter()), mistakes);
    for smtp in cell.file.host.values().filter_map(|host| host.smtp.as_ref()) {
        twice("keyword", items(&smtp.extensions), mistakes);
    }
    if let Some(sender) = &cell.file.sender {
        let words = items(&sender.limitations).map(|word| Spanned::new(word.span(), word.to_string()));
        twice("limitation", words.collect::<Vec<_>>().iter(), mistakes);
    }
}

/// Each name of a list once.
fn twice<'n, T: std::fmt::Display + 'n>(
    what: &str,
    names: impl Iterator<Item = &'n Spanned<T>>,
    mistakes: &mut Vec<Diagnostic>,
) {
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    for name in names {
        if let Some(first) = seen.insert(name.to_string().to_ascii_lowercase(), name.span()) {
            let message = format!("{what} `{}` is named twice", crate::check::shown(&name.to_string()));
            let found = Diagnostic::error("duplicate-name", message, name.span(), "again here");
            mistakes.push(found.and(first, "first one"));
        }
    }
}

/// Zone texts without a record. The value of an axis may be one: it stands for a cell without the record.
fn texts(cell: &Cell<'_>, axes: &[(String, Span)], mistakes: &mut Vec<Diagnostic>) {
    if !axes.is_empty() {
        return;
    }
    let zones = cell.file.zone.values().filter_map(|zone| zone.records.as_ref()).map(|text| ("records", text));
    let publishes = cell.file.at.iter().filter_map(|entry| entry.publish.as_ref());
    let published = publishes.flat_map(|publish| {
        let replace = publish.replace.iter().map(|text| ("replace", text));
        replace.chain(publish.add.iter().map(|text| ("add", text)))
    });
    for (field, text) in zones.chain(published) {
        let (lines, errors) = mxlab_dns::zonefile::lines(text);
        if lines.is_empty() && errors.is_empty() && !cell.sources.is_in_world(text.span()) {
            let help = "write a record such as 'mx1 A {mx1}', or leave it out";
            mistakes.push(none(format!("`{field}` has no record"), text.span(), help));
        }
    }
}

fn tenants(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    let mut domains: BTreeMap<String, Span> = BTreeMap::new();
    for (name, tenant) in &cell.file.tenant {
        if let Some(list) = tenant.domains.as_ref().filter(|list| list.is_empty() && !cell.is_partial(list.span())) {
            let message = format!("tenant `{name}` has no domain");
            mistakes.push(Diagnostic::error("missing", message, list.span(), "no message could be its own"));
        }
        for domain in items(&tenant.domains) {
            if let Some(first) = domains.insert(domain.to_ascii_lowercase(), domain.span()) {
                let message = format!("{domain} is a domain of two tenants, or of one twice");
                let found = Diagnostic::error("duplicate-name", message, domain.span(), "again here");
                mistakes.push(found.and(first, "first one"));
            }
        }
        of_engines(cell, name, tenant, mistakes);
    }
}

/// Settings of a tenant that an engine would follow, if it ran.
fn of_engines(cell: &Cell<'_>, name: &str, tenant: &Tenant, mistakes: &mut Vec<Diagnostic>) {
    fn at<T>(field: &'static str, value: &Option<Spanned<T>>) -> Option<(&'static str, Span)> {
        value.as_ref().map(|value| (field, value.span()))
    }
    let inbound = [
        at("spoof-intelligence", &tenant.spoof_intelligence),
        at("honor-dmarc", &tenant.honor_dmarc),
        at("auth-fail-action", &tenant.auth_fail_action),
        at("dmarc-quarantine-action", &tenant.dmarc_quarantine_action),
        at("dmarc-reject-action", &tenant.dmarc_reject_action),
        at("enhanced-filtering", &tenant.enhanced_filtering),
        at("trusted-sealers", &tenant.trusted_sealers),
        at("spoof-allow", &tenant.spoof_allow),
        at("spoof-block", &tenant.spoof_block),
        at("safe-senders", &tenant.safe_senders),
        at("contacts", &tenant.contacts),
        at("history", &tenant.history),
    ];
    let outbound = [at("dkim-fallback", &tenant.dkim_fallback), at("message-expiration", &tenant.message_expiration)];
    let engines = [
        ("receiver", "inbound", cell.file.receiver.is_some(), inbound.to_vec()),
        ("sender", "outbound", cell.file.sender.is_some(), outbound.to_vec()),
    ];
    for (engine, which, runs, fields) in engines {
        if runs || cell.left_out.of(&[engine]) {
            continue;
        }
        for (field, span) in fields.into_iter().flatten() {
            let message = format!("`{field}` of tenant `{name}` is for the {which} engine, and none runs");
            mistakes.push(none(message, span, &format!("declare [{engine}], or choose a world that has it")));
        }
    }
}

/// Settings of a server that exclude each other.
fn server(cell: &Cell<'_>, smtp: &Spanned<Smtp>, mistakes: &mut Vec<Diagnostic>) {
    if cell.is_partial(smtp.span()) {
        return;
    }
    if let Some(tls) = smtp.tls.as_ref().filter(|tls| *tls.get() == TlsVersion::None) {
        let certs = smtp.cert.iter().map(|cert| ("cert", cert.span()));
        for (field, span) in certs.chain(smtp.sni.iter().flatten().map(|(name, _)| ("sni", name.span()))) {
            let found = none(format!("`{field}` does nothing without TLS"), span, "leave out one of the two");
            mistakes.push(found.and(tls.span(), "said here"));
        }
    }
    for extension in items(&smtp.extensions) {
        let keyword = extension.split(' ').next().unwrap_or_default();
        let instead = match keyword.to_ascii_uppercase().as_str() {
            "STARTTLS" => "`tls` says whether STARTTLS is offered",
            "SIZE" => "write `size`, which is announced and obeyed",
            _ => continue,
        };
        let message = format!("`{keyword}` does not belong into `extensions`: the server announces it by itself");
        let found = Diagnostic::error("not-for-this", message, extension.span(), "announced by itself");
        mistakes.push(found.help(instead));
    }
}

/// A table named like a host changes that host's automatic certificate: it must present one.
fn certificates(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    for name in cell.file.cert.keys().filter(|name| !cell.sources.is_in_world(name.span())) {
        let Some(host) = cell.file.host.get(name.as_str()).filter(|host| !cell.is_partial(host.span())) else {
            continue;
        };
        if host.smtp.is_none() && host.https.is_none() && host.relay.is_none() && !is_used(cell, name) {
            let message = format!("host `{name}` presents no certificate");
            let help = format!("write host.{name}.smtp = {{}}, or name the certificate otherwise");
            mistakes.push(none(message, name.span(), &help));
        }
    }
}

/// Whether another table or a text refers to a certificate.
fn is_used(cell: &Cell<'_>, cert: &str) -> bool {
    let of_server = |host: &Host| {
        let smtp = host.smtp.iter().flat_map(|smtp| {
            let sni = smtp.sni.iter().flat_map(|sni| sni.values());
            smtp.cert.iter().chain(sni)
        });
        let https = host.https.iter().filter_map(|https| https.cert.as_ref());
        smtp.chain(https).any(|named| named.as_str() == cert)
    };
    let receiver = cell.file.receiver.iter().filter_map(|receiver| receiver.cert.as_ref());
    let keys = cell.file.cert.values().filter_map(|other| other.key.as_ref());
    let texts = cell.file.zone.values().filter_map(|zone| zone.records.as_ref()).map(|text| text.as_str());
    let published = cell.file.at.iter().filter_map(|entry| entry.publish.as_ref());
    let published = published.flat_map(|publish| publish.replace.iter().chain(&publish.add)).map(|text| text.as_str());
    cell.file.host.values().any(|host| of_server(host))
        || receiver.chain(keys).any(|named| named.as_str() == cert)
        || texts.chain(published).any(|text| text.contains(&format!(":{cert}}}")))
}

/// A name server serves zones that name it.
fn name_servers(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    if cell.left_out.of(&["zone"]) {
        return;
    }
    let zones = cell.file.zone.values();
    let servers = zones.flat_map(|zone| items(&zone.servers).chain(items(&zone.parent_servers)));
    let named: BTreeSet<&str> = servers.map(|server| server.as_str()).collect();
    for (name, host) in &cell.file.host {
        let Some(dns) = host.dns.as_ref().filter(|_| !named.contains(name.as_str())) else { continue };
        if !cell.sources.is_in_world(dns.span()) {
            let message = format!("name server `{name}` serves no zone");
            mistakes.push(none(message, dns.span(), "name it in `servers` of a zone"));
        }
    }
}

/// Replies for addresses that nobody writes to.
fn replies(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    if cell.left_out.of_script(&["send", "dialogue"]) || cell.left_out.of(&["host"]) {
        return;
    }
    let file = cell.file;
    let sends = file.at.iter().filter_map(|entry| entry.send.as_ref());
    let mut known: BTreeSet<String> = BTreeSet::new();
    // NDRs and notices go to whoever sent.
    for send in sends {
        known.extend(send.to.iter().map(|to| to.to_ascii_lowercase()));
        known.insert(send.envelope_sender().to_ascii_lowercase());
    }
    known.extend(file.at.iter().filter_map(|entry| entry.dialogue.as_ref()).flat_map(|dialogue| dialogue.addresses()));
    let relays = file.host.values().filter_map(|host| host.relay.as_ref()?.to.as_ref()).flatten();
    known.extend(relays.flat_map(|(_, targets)| targets.iter().map(|to| to.to_ascii_lowercase())));
    let configured = file.at.iter().filter_map(|entry| entry.configure.as_ref()?.host.as_ref()).flatten();
    let hosts = file.host.values().chain(configured.map(|(_, host)| host));
    for address in hosts.filter_map(|host| host.smtp.as_ref()?.recipients.as_ref()).flat_map(|replies| replies.keys()) {
        if !known.contains(&address.to_ascii_lowercase()) && !cell.sources.is_in_world(address.span()) {
            let message = format!("no message in this file goes to `{}`", address.as_str());
            let found = Diagnostic::error("unknown-address", message, address.span(), "this reply is never given");
            mistakes.push(found.nearest(address, known.iter().map(String::as_str)));
        }
    }
}

fn links(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<[&str; 2], Span> = BTreeMap::new();
    for (name, link) in cell.file.link.iter().filter(|(_, link)| !cell.is_partial(link.span())) {
        let zero = |time: &Option<Spanned<crate::values::Duration>>| {
            time.as_ref().is_none_or(|time| time.get().get().is_zero())
        };
        if zero(&link.latency) && zero(&link.jitter) {
            let message = format!("link `{name}` changes nothing between its hosts");
            mistakes.push(none(message, link.span(), "it takes `latency` and `jitter`"));
        }
        let hosts = link.between.iter().flat_map(|hosts| hosts.iter()).map(|host| host.as_str()).collect::<Vec<_>>();
        let [one, other] = hosts[..] else { continue };
        if one == other {
            let message = format!("link `{name}` leads from `{one}` to itself");
            let found = Diagnostic::error("bad-value", message, link.span(), "expected two hosts");
            mistakes.push(found);
        } else if let Some(first) = seen.insert(if one < other { [one, other] } else { [other, one] }, name.span()) {
            let message = format!("two links are between `{one}` and `{other}`");
            let found = Diagnostic::error("duplicate-name", message, name.span(), "again here");
            mistakes.push(found.and(first, "first one"));
        }
    }
}

/// Times of signatures of a zone that never has any.
fn signatures(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    for (name, zone) in cell.file.zone.iter().filter(|(_, zone)| !cell.is_partial(zone.span())) {
        if super::dnssec::is_ever(cell.file, name.as_str(), true) {
            continue;
        }
        let from = zone.signed_from.as_ref().map(|time| ("signed-from", time.span()));
        let until = zone.signed_until.as_ref().map(|time| ("signed-until", time.span()));
        for (field, span) in from.into_iter().chain(until) {
            let message = format!("`{field}` of {name} does nothing: the zone is not signed");
            mistakes.push(none(message, span, "sign the zone, or leave it out"));
        }
    }
}

/// `publish` and `configure` that leave everything as it is.
fn changes(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    let mut signed: BTreeMap<String, bool> =
        cell.file.zone.iter().map(|(name, zone)| (name.to_ascii_lowercase(), zone.signed())).collect();
    let epoch = timing::epoch(cell.file);
    let mut entries: Vec<_> = cell.file.at.iter().collect();
    entries.sort_by_key(|entry| entry.time.as_ref().map_or(AT_ONCE, |time| *time.get()).at(epoch));
    for entry in entries {
        if let Some(publish) = &entry.publish {
            let is_signed = signed.entry(publish.zone.to_ascii_lowercase()).or_insert(true);
            if let Some(to) = &publish.signed {
                if *to.get() == *is_signed && publish.server.is_none() && !cell.left_out.of(&["zone"]) {
                    let state = if *is_signed { "signed" } else { "unsigned" };
                    let message = format!("{} is {state} already", publish.zone);
                    mistakes.push(none(message, to.span(), "leave it out"));
                }
                *is_signed = *to.get() || publish.server.is_some() && *is_signed;
            }
        }
        if let Some(configure) = entry.configure.as_ref().filter(|table| !cell.is_partial(table.span())) {
            configured(cell, configure, mistakes);
        }
    }
}

fn configured(cell: &Cell<'_>, configure: &Spanned<Configure>, mistakes: &mut Vec<Diagnostic>) {
    let hosts = configure.host.iter().flat_map(|hosts| hosts.values());
    let hosts: Vec<_> = hosts.filter(|host| !cell.is_partial(host.span())).collect();
    let whole = configure.sender.is_none()
        && configure.receiver.is_none()
        && configure.tenant.as_ref().is_none_or(|tenants| tenants.is_empty())
        && configure.host.as_ref().is_none_or(|hosts| hosts.is_empty());
    if whole {
        let help = "write what changes, such as configure.host.mx1.smtp.tls = \"none\"";
        mistakes.push(none("this `configure` changes nothing", configure.span(), help));
    }
    for host in hosts {
        let Host { name, ip, ptr, hostile, smtp, https, dns, relay, client } = host.get();
        let others = [name.is_some(), ip.is_some(), ptr.is_some(), hostile.is_some(), https.is_some(), dns.is_some()];
        let nothing = !others.contains(&true) && relay.is_none() && client.is_none();
        match smtp {
            None if nothing => {
                mistakes.push(none("no setting of this host changes", host.span(), "write what changes"))
            }
            Some(smtp) if is_bare(smtp) && !cell.is_partial(smtp.span()) => {
                mistakes.push(none("no setting of this server changes", smtp.span(), "write what changes"));
            }
            None | Some(_) => {}
        }
    }
}

fn is_bare(smtp: &Smtp) -> bool {
    let Smtp { cert, sni, tls, banner, extensions, size, greylist, rate, recipients } = smtp;
    let settings = [cert.is_some(), sni.is_some(), tls.is_some(), banner.is_some(), extensions.is_some()];
    let limits = [size.is_some(), greylist.is_some(), rate.is_some(), recipients.is_some()];
    !settings.contains(&true) && !limits.contains(&true)
}

/// Faults that are over before they are healed.
fn heals(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    let epoch = timing::epoch(cell.file);
    let time =
        |time: &Option<Spanned<crate::values::Time>>| time.as_ref().map_or(AT_ONCE, |time| *time.get()).at(epoch);
    let mut ends: BTreeMap<&str, (jiff::Timestamp, Span)> = BTreeMap::new();
    for fault in cell.file.at.iter().filter_map(|entry| entry.fault.as_ref()) {
        if let (Some(name), Some(until)) = (&fault.name, &fault.until) {
            ends.insert(name.as_str(), (until.at(epoch), until.span()));
        }
    }
    let mut entries: Vec<_> = cell.file.at.iter().collect();
    entries.sort_by_key(|entry| time(&entry.time));
    for entry in entries {
        let Some(heal) = &entry.heal else { continue };
        let at = time(&entry.time);
        if let Some((end, place)) = ends.get(heal.as_str()).filter(|(end, _)| *end <= at) {
            let message = format!("the fault `{heal}` is over already");
            let label = if *end == at && *place == heal.span() { "again here" } else { "this would end nothing" };
            let found = Diagnostic::error("heals-nothing", message, heal.span(), label);
            mistakes.push(found.and(*place, "it ended here"));
        } else {
            ends.insert(heal.as_str(), (at, heal.span()));
        }
    }
}
