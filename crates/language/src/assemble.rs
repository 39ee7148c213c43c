//! From a decoded cell to what the runner takes: zone texts merged, hosts named and addressed, entries in order.

use std::net::{Ipv4Addr, Ipv6Addr};

use indexmap::IndexMap;

use super::declarations::{Host, Map, items};
use super::diagnostics::{Diagnostic, Sources};
use super::expectations::{AxisValues, ExpectEntry, Expectation};
use super::references::Reference;
use super::scenario::{Addressed, DEFAULT_EPOCH, File, Scenario};
use super::script::{At, AtEntry};
use super::spanned::{Span, Spanned};
use super::values::{Name, Time};
use super::zone_text::{self, Entry};

/// Assembles a cell. `world_records` are the zone texts of the world.
pub(crate) fn assemble(
    file: File,
    world_records: &IndexMap<String, String>,
    values: IndexMap<String, String>,
    sources: &Sources,
    mistakes: &mut Vec<Diagnostic>,
) -> Scenario {
    let zone_records = zone_records(&file, world_records, mistakes, sources);
    let addressed = addressed(&file, &zone_records, sources, mistakes);
    let epoch = file.epoch.as_ref().map_or(DEFAULT_EPOCH, |epoch| epoch.get().0);
    let mut at: Vec<At> = file.at.into_iter().filter_map(entry).collect();
    at.sort_by_key(|entry| entry.time.at(epoch));
    let applies = |entry: &Spanned<ExpectEntry>| applies(entry, &values);
    let expects = file.expect.into_iter().filter(applies).filter_map(expectation).collect();
    let nevers = file.never.into_iter().filter(applies).filter_map(expectation).collect();
    Scenario {
        title: file.title,
        story: file.story,
        world: file.world.map(Spanned::into_inner),
        covers: file.covers.map(Spanned::into_inner).unwrap_or_default(),
        epoch,
        until: file.until,
        seed: file.seed.map_or(1, Spanned::into_inner),
        seed_sensitive: file.seed_sensitive,
        values,
        sender: file.sender,
        receiver: file.receiver,
        resolver: file.resolver.map(Spanned::into_inner).unwrap_or_default(),
        tenants: file.tenant,
        zones: file.zone,
        hosts: file.host,
        certs: file.cert,
        cas: file.ca,
        keys: file.key,
        links: file.link,
        messages: file.message,
        at,
        expects,
        nevers,
        addressed,
        zone_records,
    }
}

/// The point after the epoch at which an entry without `time` acts.
pub(crate) const AT_ONCE: Time = Time::Relative(jiff::SignedDuration::ZERO);

fn entry(entry: Spanned<AtEntry>) -> Option<At> {
    let span = entry.span();
    let entry = entry.into_inner();
    let time = entry.time.as_ref().map_or(AT_ONCE, |time| *time.get());
    Some(At { span, time, action: entry.into_action()? })
}

fn expectation(entry: Spanned<ExpectEntry>) -> Option<Expectation> {
    let span = entry.span();
    let entry = entry.into_inner();
    let (after, within) = (entry.after.clone(), entry.within.clone());
    Some(Expectation { span, after, within, verb: entry.into_verb()? })
}

/// Whether an expectation applies to the cell with these values: every axis named has one of the values given.
pub(crate) fn applies(entry: &Spanned<ExpectEntry>, values: &IndexMap<String, String>) -> bool {
    let Some(when) = &entry.when else { return true };
    when.iter().all(|(axis, wanted)| {
        let value = values.get(axis.as_str());
        match wanted.get() {
            AxisValues::One(name) => value == Some(name),
            AxisValues::Any(names) => value.is_some_and(|value| names.contains(value)),
        }
    })
}

/// The records of each declared zone, by zone in lower case.
fn zone_records(
    file: &File,
    world_records: &IndexMap<String, String>,
    mistakes: &mut Vec<Diagnostic>,
    sources: &Sources,
) -> IndexMap<String, Vec<Entry>> {
    let mut result = IndexMap::new();
    for (name, zone) in &file.zone {
        let origin = name.to_ascii_lowercase();
        let below = world_records.get(&origin).map(|text| zone_text::entries(text, &origin)).unwrap_or_default();
        let above = zone.records.as_ref().map(|text| zone_text::entries(text, &origin)).unwrap_or_default();
        let without: Vec<_> = items(&zone.without).collect();
        for left_out in &without {
            if !below.iter().any(|entry| zone_text::is_named_by(entry, left_out, &origin)) {
                let written = sources.slice(left_out.span()).trim_matches(['"', '\'']);
                let message = format!("the world has no record `{written}` in {origin}");
                let known: Vec<String> = below.iter().map(|entry| short(entry, &origin)).collect();
                let found = Diagnostic::error("unknown-name", message, left_out.span(), "this leaves nothing out");
                mistakes.push(found.nearest(written, known.iter().map(String::as_str)));
            }
        }
        let kept = below.into_iter();
        let kept =
            kept.filter(|entry| !without.iter().any(|out| zone_text::is_named_by(entry, out, &origin))).collect();
        result.insert(origin, zone_text::merge(kept, above));
    }
    result
}

/// A record in the notation of `without` and `remove`.
pub(crate) fn short(entry: &Entry, origin: &str) -> String {
    let owner = match entry.owner.strip_suffix(origin) {
        Some("") => "@",
        Some(relative) => relative.trim_end_matches('.'),
        None => &entry.owner,
    };
    format!("{owner} {}", entry.rtype)
}

/// The names and addresses of hosts.
fn addressed(
    file: &File,
    zone_records: &IndexMap<String, Vec<Entry>>,
    sources: &Sources,
    mistakes: &mut Vec<Diagnostic>,
) -> IndexMap<String, Addressed> {
    let declared = declared(file, sources);
    let mut taken: IndexMap<Ipv4Addr, Span> = IndexMap::new();
    for host in &declared {
        let Some((ip, span)) = host.ip else { continue };
        if let Some(first) = taken.get(&ip) {
            let found =
                Diagnostic::error("duplicate-address", format!("two hosts have the address {ip}"), span, "again here");
            mistakes.push(found.and(*first, "first one").help("give one of them another `ip`, or none"));
        }
        taken.entry(ip).or_insert(span);
    }
    let mut next = [Ipv4Addr::new(192, 0, 2, 10), Ipv4Addr::new(203, 0, 113, 10)];
    let mut result: IndexMap<String, Addressed> = IndexMap::new();
    let mut names: Vec<(String, Span)> = Vec::new();
    for host in declared {
        let range = &mut next[usize::from(!host.from_world)];
        let ipv4 = host.ip.map(|(ip, _)| ip).unwrap_or_else(|| {
            while taken.contains_key(range) {
                *range = following(*range);
            }
            taken.insert(*range, host.span);
            *range
        });
        let (in_text, in_zone_text) = owner_of(&host.short, zone_records);
        let full_name = host.name.map(str::to_owned).or(in_text).unwrap_or_else(|| format!("{}.example", host.short));
        let full_name = full_name.to_ascii_lowercase();
        if let Some((_, first)) = names.iter().find(|(name, _)| *name == full_name) {
            let message = format!("two hosts are called `{full_name}`");
            let found = Diagnostic::error("duplicate-name", message, host.name_span, "second host with this name");
            mistakes.push(found.and(*first, "first one").help("give one of them another `name`"));
        } else {
            names.push((full_name.clone(), host.name_span));
        }
        let ptr = match host.ptr {
            Some("none") => None,
            Some(ptr) => Some(ptr.to_ascii_lowercase()),
            None => Some(full_name.clone()),
        };
        let ipv6 = ipv6(ipv4);
        let from_world = host.from_world;
        result.insert(host.short, Addressed { full_name, ipv4, ipv6, ptr, in_zone_text, from_world });
    }
    result
}

/// The settings of a host.
struct Declared<'f> {
    short: String,
    span: Span,
    name: Option<&'f str>,
    name_span: Span,
    ip: Option<(Ipv4Addr, Span)>,
    ptr: Option<&'f str>,
    from_world: bool,
}

/// The engines and the declared hosts, in the order in which addresses are given.
fn declared<'f>(file: &'f File, sources: &Sources) -> Vec<Declared<'f>> {
    let mut result = Vec::new();
    if let Some(sender) = &file.sender {
        result.push(Declared {
            short: "sender".into(),
            span: sender.span(),
            name: Some(sender.full_name()),
            name_span: sender.name.as_ref().map_or(sender.span(), Spanned::span),
            ip: sender.ip.as_ref().map(|ip| (ip.0, ip.span())),
            ptr: None,
            from_world: sources.is_in_world(sender.span()),
        });
    }
    if let Some(receiver) = &file.receiver {
        result.push(Declared {
            short: "receiver".into(),
            span: receiver.span(),
            name: Some(receiver.full_name()),
            name_span: receiver.name.as_ref().map_or(receiver.span(), Spanned::span),
            ip: receiver.ip.as_ref().map(|ip| (ip.0, ip.span())),
            ptr: None,
            from_world: sources.is_in_world(receiver.span()),
        });
    }
    let hosts: &'f Map<Name, Spanned<Host>> = &file.host;
    // A host that is called like an engine is refused elsewhere.
    for (short, host) in hosts.iter().filter(|(short, _)| !matches!(short.as_str(), "sender" | "receiver")) {
        result.push(Declared {
            short: short.to_string(),
            span: short.span(),
            name: host.name.as_ref().map(|name| name.as_str()),
            name_span: host.name.as_ref().map_or(short.span(), Spanned::span),
            ip: host.ip.as_ref().map(|ip| (ip.0, ip.span())),
            ptr: host.ptr.as_ref().map(|ptr| ptr.as_str()),
            from_world: sources.is_in_world(short.span()),
        });
    }
    result
}

fn following(address: Ipv4Addr) -> Ipv4Addr {
    Ipv4Addr::from_bits(address.to_bits().wrapping_add(1))
}

/// The IPv6 address that goes with an IPv4 address: it ends in the same 32 bits.
fn ipv6(address: Ipv4Addr) -> Ipv6Addr {
    let [a, b, c, d] = address.octets();
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
}

/// The first owner whose address is the host, and whether there is one.
fn owner_of(short: &str, zone_records: &IndexMap<String, Vec<Entry>>) -> (Option<String>, bool) {
    let mut found = zone_records.values().flatten().filter(|entry| {
        let reference = entry.data.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let address = matches!(entry.rtype.as_str(), "A" | "AAAA");
        address && reference.and_then(Reference::parse) == Some(Reference::Address(short))
    });
    let first = found.next();
    let named = first.into_iter().chain(found).find(|entry| !entry.owner.starts_with('*'));
    (named.map(|entry| entry.owner.clone()), first.is_some())
}
