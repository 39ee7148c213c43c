//! Rules about several fields or tables: required fields, consistency, limits.

mod changes;
mod dnssec;
mod expected;
mod faults;
mod fields;
mod impossible;
mod resolved;
mod sends;
mod timing;
mod without_effect;
mod zone_content;
mod zone_doubts;

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use super::assemble::applies;
use super::check::LeftOut;
use super::declarations::items;
use super::diagnostics::{Diagnostic, Sources};
use super::expectations::ExpectEntry;
use super::faults::FaultFamily;
use super::names::{Names, WRITTEN_BY_ENGINES};
use super::nearest;
use super::references::FILL_INS;
use super::scenario::{File, Scenario};
use super::spanned::{Span, Spanned};
use super::values::HostRef;

/// The most entries of `[[at]]`, `[[expect]]` and `[[never]]` together.
const MOST_ENTRIES: usize = 200;
/// The most hosts.
const MOST_HOSTS: usize = 100;
/// The most zones, tenants, certificates, authorities, keys, links and messages together.
const MOST_DECLARED: usize = 500;
/// The longest run, in seconds: 40 days.
const LONGEST_RUN: i64 = 40 * 86_400;

/// A cell whose rules are checked.
pub(crate) struct Cell<'c> {
    pub(crate) file: &'c File,
    /// The values of the cell's axes.
    pub(crate) values: &'c IndexMap<String, String>,
    pub(crate) sources: &'c Sources,
    /// What was wrong and is not in `file`.
    pub(crate) left_out: LeftOut,
}

impl Cell<'_> {
    /// The expectations that apply to the cell: those of `[[expect]]`, then those of `[[never]]`.
    fn expected(&self) -> impl Iterator<Item = &Spanned<ExpectEntry>> {
        self.file.expect.iter().chain(&self.file.never).filter(|entry| applies(entry, self.values))
    }

    /// Whether something was removed from this table.
    fn is_partial(&self, table: Span) -> bool {
        self.left_out.tables.contains(&table)
    }
}

/// Checks what can be decided without knowing other tables.
pub(crate) fn alone(cell: &Cell<'_>, mistakes: &mut Vec<Diagnostic>) {
    let (file, pruned) = (cell.file, &cell.left_out.tables);
    times(file, mistakes);
    faults::check(file, pruned, mistakes);
    timing::check(file, cell.values, pruned, mistakes);
    fields::check(cell, mistakes);
    sends::check(cell, mistakes);
    expected::check(cell, mistakes);
    impossible::check(cell, mistakes);
    ids(file, mistakes);
}

/// Checks what several tables say together. `axes` are those of the file, with their places.
pub(crate) fn together(cell: &Cell<'_>, axes: &[(String, Span)], mistakes: &mut Vec<Diagnostic>) {
    let (file, pruned) = (cell.file, &cell.left_out.tables);
    host_names(file, axes, mistakes);
    needed(file, pruned, mistakes);
    roles(file, pruned, mistakes);
    dnssec::check(file, pruned, mistakes);
    changes::check(file, pruned, mistakes);
    without_effect::check(cell, axes, mistakes);
    expected::engines(cell, mistakes);
}

/// Checks what the zones hold in the end.
pub(crate) fn assembled(
    cell: &Cell<'_>,
    world_records: &IndexMap<String, String>,
    scenario: &Scenario,
    names: &Names<'_>,
    mistakes: &mut Vec<Diagnostic>,
) {
    zone_doubts::check(cell, mistakes);
    if !cell.left_out.of(&["zone", "host"]) && !cell.left_out.of_script(&["publish"]) {
        impossible::server_names(cell, scenario, mistakes);
    }
    if !cell.left_out.of(&["zone"]) && !cell.left_out.of_script(&["publish"]) {
        changes::removals(scenario, cell.sources, mistakes);
        zone_content::check(cell.file, world_records, scenario, cell.sources, mistakes);
    }
    if !cell.left_out.of(&["zone", "host", "tenant", "key"]) && !cell.left_out.of_script(&["send", "publish", "lookup"])
    {
        resolved::names(cell.file, scenario, names, mistakes);
    }
}

/// Hosts, engines, axes and the fill-ins of messages share one set of names.
fn host_names(file: &File, axes: &[(String, Span)], mistakes: &mut Vec<Diagnostic>) {
    for name in file.host.keys() {
        let taken = match name.as_str() {
            "sender" | "receiver" => Some("this is the name of an engine"),
            other if FILL_INS.contains(&other) => Some("in messages this name stands for something else"),
            _ => None,
        };
        if let Some(label) = taken {
            let message = format!("no host can be called `{name}`");
            mistakes.push(Diagnostic::error("reserved-name", message, name.span(), label).help("choose another name"));
        }
    }
    for (axis, span) in axes {
        if let Some((host, _)) = file.host.get_key_value(axis.as_str()) {
            let message = format!("an axis and a host are both called `{axis}`");
            let found = Diagnostic::error("duplicate-name", message, *span, "this axis");
            mistakes.push(found.and(host.span(), "this host").help("`{…}` must mean one of them: rename the axis"));
        } else if matches!(axis.as_str(), "sender" | "receiver") || FILL_INS.contains(&axis.as_str()) {
            let message = format!("no axis can be called `{axis}`");
            let label = "`{…}` already has a meaning";
            mistakes.push(Diagnostic::error("reserved-name", message, *span, label).help("choose another name"));
        }
    }
}

/// Required fields of declarations, once file and world are merged.
fn needed(file: &File, pruned: &BTreeSet<Span>, mistakes: &mut Vec<Diagnostic>) {
    let mut missing = |table: &str, name: &str, field: &str, span: Span| {
        // A wrong part that was removed from the table is not missing.
        if pruned.contains(&span) {
            return;
        }
        let message = format!("`{table}.{name}` needs `{field}`");
        mistakes.push(Diagnostic::error("missing", message, span, format!("no `{field}` here")));
    };
    for (name, tenant) in file.tenant.iter().filter(|(_, tenant)| tenant.domains.is_none()) {
        missing("tenant", name, "domains", tenant.span());
    }
    for (name, key) in file.key.iter().filter(|(_, key)| key.domain.is_none()) {
        missing("key", name, "domain", key.span());
    }
    for (name, link) in file.link.iter().filter(|(_, link)| link.between.is_none()) {
        missing("link", name, "between", link.span());
    }
    for (name, message) in file.message.iter().filter(|(_, message)| message.text.is_none() && message.bytes.is_none())
    {
        missing("message", name, "text", message.span());
    }
    for between in file.link.values().filter_map(|link| link.between.as_ref()).filter(|between| between.len() != 2) {
        let message = format!("a link is between two hosts, not {}", between.len());
        mistakes.push(Diagnostic::error("bad-value", message, between.span(), "expected two hosts"));
    }
    for message in file.message.values() {
        if let (Some(text), Some(bytes)) = (&message.text, &message.bytes) {
            let found = Diagnostic::error(
                "two-values",
                "a message has `text` or `bytes`, not both",
                bytes.span(),
                "one too many",
            );
            mistakes.push(found.and(text.span(), "first one"));
        }
    }
    for expiration in file.tenant.values().filter_map(|tenant| tenant.message_expiration.as_ref()) {
        if !(12 * 3600..=24 * 3600).contains(&expiration.get().get().as_secs()) {
            let message = "`message-expiration` is between 12 and 24 hours";
            mistakes.push(Diagnostic::error("bad-value", message, expiration.span(), "from 12h to 24h"));
        }
    }
}

/// Hosts must have the roles that the file uses.
fn roles(file: &File, pruned: &BTreeSet<Span>, mistakes: &mut Vec<Diagnostic>) {
    let mut not_engines = Vec::new();
    let with_role = |role: &str| {
        let role = role.to_owned();
        let hosts = file.host.iter().filter(move |(_, host)| match role.as_str() {
            "dns" => host.dns.is_some(),
            "relay" => host.relay.is_some(),
            "https" => host.https.is_some(),
            _ => host.smtp.is_some(),
        });
        hosts.map(|(name, _)| name.as_str())
    };
    let mut lacks = |host: &Spanned<HostRef>, role: &str, has: bool| {
        if role == "dns" && matches!(host.as_str(), "sender" | "receiver") {
            let message = format!("an engine is no name server: `{host}`");
            mistakes.push(Diagnostic::error("wrong-role", message, host.span(), "a host with `dns` is needed"));
        }
        // A wrong role that was removed is not missing.
        let declared = file.host.get(host.as_str()).filter(|host| !pruned.contains(&host.span()));
        if declared.is_some() && !has {
            let message = format!("host `{host}` has no `{role}`");
            let found =
                Diagnostic::error("wrong-role", message, host.span(), format!("a host with `{role}` is needed"));
            let others: Vec<&str> = with_role(role).collect();
            let known =
                if others.is_empty() { String::new() } else { format!("; these have it: {}", others.join(", ")) };
            mistakes.push(found.help(format!("write host.{host}.{role} = {{}}{known}")));
        }
    };
    let has = |host: &Spanned<HostRef>, role: fn(&super::declarations::Host) -> bool| {
        file.host.get(host.as_str()).is_some_and(|host| role(host))
    };
    for server in file.zone.values().flat_map(|zone| items(&zone.servers).chain(items(&zone.parent_servers))) {
        lacks(server, "dns", has(server, |host| host.dns.is_some()));
    }
    let expected = file.expect.iter().chain(&file.never).filter_map(|entry| entry.resolved.as_ref());
    for server in expected.filter_map(|resolved| resolved.server.as_ref()) {
        lacks(server, "dns", has(server, |host| host.dns.is_some()));
    }
    for entry in &file.at {
        if let Some(send) = &entry.send {
            for relay in items(&send.through) {
                lacks(relay, "relay", has(relay, |host| host.relay.is_some()));
            }
        }
        let Some(fault) = &entry.fault else { continue };
        if let Some(server) = &fault.server {
            lacks(server, "dns", has(server, |host| host.dns.is_some()));
        }
        let Some(host) = &fault.host else { continue };
        match fault.kind.get().family() {
            FaultFamily::Https => lacks(host, "https", has(host, |host| host.https.is_some())),
            FaultFamily::Path => lacks(host, "smtp", has(host, |host| host.smtp.is_some() || host.relay.is_some())),
            _ if faults::is_done_by_scripted_server(*fault.kind.get()) => {
                lacks(host, "smtp", has(host, |host| host.smtp.is_some()));
            }
            FaultFamily::Machine if !matches!(host.as_str(), "sender" | "receiver") => {
                let message = format!("a `{}` fault happens to an engine", fault.kind);
                not_engines.push(
                    Diagnostic::error("wrong-role", message, host.span(), "this is not an engine")
                        .help("engines: sender, receiver"),
                );
            }
            FaultFamily::Dns | FaultFamily::Dnssec | FaultFamily::Net | FaultFamily::Machine => {}
            // Done by scripted servers, seen above.
            FaultFamily::Tls | FaultFamily::Smtp => {}
        }
    }
    mistakes.append(&mut not_engines);
    for entry in &file.at {
        let Some(send) = &entry.send else { continue };
        if send.to.is_empty() && !pruned.contains(&send.to.span()) {
            mistakes.push(Diagnostic::error(
                "missing",
                "a message needs a recipient",
                send.to.span(),
                "this list is empty",
            ));
        }
        if let Some(via) = send.via.as_ref().filter(|via| via.as_str() == "receiver") {
            let message = "the inbound engine sends no message for others";
            let found = Diagnostic::error("wrong-role", message, via.span(), "expected the sender or another host");
            mistakes.push(found);
        }
        let clients = file.host.iter().filter(|(_, host)| host.client.is_some()).map(|(name, _)| name.as_str());
        let clients: Vec<&str> = clients.collect();
        if send.via.is_none() && file.sender.is_none() && clients.len() != 1 {
            let message = "which host sends? there is no outbound engine";
            let label = if clients.is_empty() { "no host has `client`" } else { "several hosts have `client`" };
            let found = Diagnostic::error("ambiguous", message, send.span(), label);
            mistakes.push(found.help("name the host in `via`"));
        }
    }
}

/// Whether the file is beyond a limit.
pub(crate) fn limits(file: &File, mistakes: &mut Vec<Diagnostic>) -> bool {
    let before = mistakes.len();
    let mut spans: Vec<Span> = file.at.iter().map(Spanned::span).collect();
    spans.extend(file.expect.iter().chain(&file.never).map(Spanned::span));
    spans.sort_unstable();
    if let Some(span) = spans.get(MOST_ENTRIES) {
        let message = format!("{} entries are more than the limit of {MOST_ENTRIES}", spans.len());
        mistakes.push(Diagnostic::error("limit", message, *span, "the first one beyond"));
    }
    if let Some((name, _)) = file.host.get_index(MOST_HOSTS) {
        let message = format!("{} hosts are more than the limit of {MOST_HOSTS}", file.host.len());
        mistakes.push(Diagnostic::error("limit", message, name.span(), "the first one beyond"));
    }
    let mut declared: Vec<Span> = file.zone.keys().map(Spanned::span).collect();
    declared.extend(file.tenant.keys().chain(file.cert.keys()).chain(file.ca.keys()).map(Spanned::span));
    declared.extend(file.key.keys().chain(file.link.keys()).chain(file.message.keys()).map(Spanned::span));
    declared.sort_unstable();
    if let Some(span) = declared.get(MOST_DECLARED) {
        let message = format!("{} declarations are more than the limit of {MOST_DECLARED}", declared.len());
        mistakes.push(Diagnostic::error("limit", message, *span, "the first one beyond"));
    }
    mistakes.len() > before
}

/// Every time is within the longest run.
fn times(file: &File, mistakes: &mut Vec<Diagnostic>) {
    let epoch = timing::epoch(file);
    let windows = file.expect.iter().chain(&file.never).flat_map(|entry| entry.after.iter().chain(&entry.within));
    let faults = file.at.iter().filter_map(|entry| entry.fault.as_ref()?.until.as_ref());
    let script = file.at.iter().filter_map(|entry| entry.time.as_ref());
    for time in file.until.iter().chain(windows).chain(faults).chain(script) {
        let seconds = time.at(epoch).as_second() - epoch.as_second();
        if seconds > LONGEST_RUN {
            let found = Diagnostic::error("limit", "a run lasts at most 40 days", time.span(), "this is later");
            mistakes.push(found);
        } else if seconds < 0 {
            let message = "nothing happens before the epoch";
            mistakes.push(Diagnostic::error("bad-value", message, time.span(), "this is earlier"));
        }
    }
}

/// Ids of sends and names of faults are unique.
fn ids(file: &File, mistakes: &mut Vec<Diagnostic>) {
    let sends = file.at.iter().filter_map(|entry| entry.send.as_ref()?.id.as_ref());
    let faults = file.at.iter().filter_map(|entry| entry.fault.as_ref()?.name.as_ref());
    for (names, what) in [(sends.collect::<Vec<_>>(), "messages"), (faults.collect(), "faults")] {
        let mut first: BTreeMap<&str, Span> = BTreeMap::new();
        for name in names {
            if let Some(first) = first.insert(name.as_str(), name.span()) {
                let message = format!("two {what} are called `{name}`");
                let found = Diagnostic::error("duplicate-name", message, name.span(), "again here");
                mistakes.push(found.and(first, "first one"));
            }
            if what == "messages" && WRITTEN_BY_ENGINES.contains(&name.as_str()) {
                let message = format!("no message can be called `{name}`");
                let label = "this is the name of a message that the engines write";
                mistakes.push(Diagnostic::error("reserved-name", message, name.span(), label));
            }
        }
    }
}

/// Checks which message an expectation means, and that there is one.
pub(crate) fn expectations(cell: &Cell<'_>, names: &Names<'_>, mistakes: &mut Vec<Diagnostic>) {
    if !cell.left_out.of_script(&["send"]) {
        which_message(cell, names, mistakes);
    }
    let file = cell.file;
    if file.expect.is_empty() && file.never.is_empty() && !cell.left_out.of(&["expect", "never"]) {
        let message = "this file expects nothing";
        let span = if cell.sources.is_in_world(file.title.span()) { Span::default() } else { file.title.span() };
        // Whoever only wants to see what happens need not expect anything.
        let found = Diagnostic::warning("no-expectation", message, span, "whatever happens, it holds");
        mistakes.push(found.help("add an [[expect]] or [[never]] that states what the file is about"));
    }
}

fn which_message(cell: &Cell<'_>, names: &Names<'_>, mistakes: &mut Vec<Diagnostic>) {
    let file = cell.file;
    let sends: Vec<_> = file.at.iter().filter_map(|entry| entry.send.as_ref()).collect();
    let messages: u64 = sends.iter().map(|send| u64::from(send.count())).sum();
    let to = sends.iter().flat_map(|send| send.to.iter().map(|to| to.to_ascii_lowercase()));
    let recipients: BTreeSet<String> = to.collect();
    if messages == 1 && recipients.len() == 1 {
        return;
    }
    for entry in &file.expect {
        let Some(verb) = ExpectEntry::clone(entry).into_verb().filter(|verb| !cell.is_partial(verb.span())) else {
            continue;
        };
        let Some((None, None)) = verb.about() else { continue };
        let (message, needs) = match (messages, verb.verb()) {
            (0, _) => ("which message? this file sends none", "nothing is sent"),
            (1, "signed") => continue,
            (1, _) => ("which recipient? this message goes to several", "needs `to`"),
            (_, "signed") => ("which message? this file sends several", "needs `message`"),
            _ => ("which message? this file sends several", "needs `to` or `message`"),
        };
        let ids = names.ids();
        let known = if ids.is_empty() || messages == 1 { recipients.iter().map(String::as_str).collect() } else { ids };
        let found = Diagnostic::error("ambiguous", message, entry.span(), needs);
        mistakes.push(found.maybe_help(nearest::known_names(&known)));
    }
}
