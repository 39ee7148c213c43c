//! Resolving names: every reference to a declared thing must find it (step 6 of the reference's section 10).

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::axes::unknown_axis;
use super::check::{Mention, content};
use super::declarations::items;
use super::diagnostics::{Diagnostic, Sources};
use super::nearest;
use super::references::{self, FILL_INS, Reference};
use super::scenario::File;
use super::script::AtEntry;
use super::spanned::{Span, Spanned};
use super::values::TextKind;
use super::zone_text;

/// Built-in messages.
const READY_MADE: [&str; 7] = ["plain", "html", "attachment", "eight-bit", "utf8", "long-lines", "large"];

/// The names in expectations of messages that the engines write themselves.
pub(crate) const WRITTEN_BY_ENGINES: [&str; 4] = ["ndr", "delay", "tls-report", "dmarc-report"];

/// All names of a cell.
pub(crate) struct Names<'a> {
    sources: &'a Sources,
    axes: &'a [String],
    behaviours: &'a [&'a str],
    hosts: BTreeSet<String>,
    certs: BTreeSet<String>,
    cas: BTreeSet<String>,
    keys: BTreeSet<String>,
    tenants: BTreeSet<String>,
    domains: BTreeSet<String>,
    zones: BTreeSet<String>,
    messages: BTreeSet<String>,
    ids: BTreeSet<String>,
    faults: BTreeSet<String>,
    addresses: BTreeSet<String>,
    /// Whether the whole script could be decoded, so that names missing in it do not exist.
    complete: bool,
}

fn set<'n, T: std::ops::Deref<Target = str> + 'n>(names: impl Iterator<Item = &'n Spanned<T>>) -> BTreeSet<String> {
    names.map(|name| name.get().to_string()).collect()
}

impl<'a> Names<'a> {
    pub(crate) fn new(
        file: &File,
        world_records: &IndexMap<String, String>,
        sources: &'a Sources,
        axes: &'a [String],
        behaviours: &'a [&'a str],
        complete: bool,
    ) -> Self {
        let mut hosts = set(file.host.keys());
        hosts.extend(file.sender.iter().map(|_| "sender".to_owned()));
        hosts.extend(file.receiver.iter().map(|_| "receiver".to_owned()));
        let tenants = file.tenant.values();
        let mut domains = BTreeSet::new();
        let mut zones: BTreeSet<String> = file.zone.keys().map(|zone| zone.to_ascii_lowercase()).collect();
        for tenant in tenants {
            domains.extend(items(&tenant.domains).chain(&tenant.initial).map(|domain| domain.to_ascii_lowercase()));
            zones.extend(tenant.initial.iter().map(|initial| initial.to_ascii_lowercase()));
        }
        zones.extend(file.key.values().filter_map(|key| key.domain.as_ref()).map(|domain| domain.to_ascii_lowercase()));
        // Between a zone and a declared one above it there is none.
        let declared = zones.clone();
        let is_between = |name: &str| {
            name.match_indices('.').any(|(at, _)| declared.contains(&name[at + 1..]) && !name[at + 1..].is_empty())
        };
        for zone in &declared {
            let parents = zone.match_indices('.').map(|(at, _)| zone[at + 1..].to_owned());
            zones.extend(parents.filter(|parent| !parent.is_empty() && !is_between(parent)));
        }
        zones.insert(".".into());
        let sends = || file.at.iter().filter_map(|entry| entry.send.as_ref());
        Self {
            sources,
            axes,
            behaviours,
            hosts,
            certs: set(file.cert.keys()),
            cas: set(file.ca.keys()),
            keys: set(file.key.keys()),
            tenants: set(file.tenant.keys()),
            domains,
            zones,
            messages: set(file.message.keys()),
            ids: set(sends().filter_map(|send| send.id.as_ref())),
            faults: set(file.at.iter().filter_map(|entry| entry.fault.as_ref()?.name.as_ref())),
            addresses: addresses(file, world_records),
            complete,
        }
    }

    /// Resolves everything that was mentioned.
    pub(crate) fn resolve(&self, mentions: &[Mention], mistakes: &mut Vec<Diagnostic>) {
        for mention in mentions {
            match mention.kind {
                TextKind::ZoneText => self.zone_text(mention, mistakes),
                TextKind::Text => self.references(mention, true, mistakes),
                TextKind::MessageText => self.references(mention, false, mistakes),
                _ => mistakes.extend(self.unknown(mention)),
            }
        }
    }

    /// The mistake in a mention of something that does not exist.
    fn unknown(&self, mention: &Mention) -> Option<Diagnostic> {
        let name = mention.text.as_str();
        let ready: BTreeSet<String>;
        let (known, message, label) = match mention.kind {
            TextKind::HostRef => (&self.hosts, format!("there is no host `{name}`"), "no such host"),
            TextKind::CertRef => {
                ready = self.certs.union(&self.hosts).cloned().collect();
                (&ready, format!("there is no certificate `{name}`"), "no such certificate")
            }
            TextKind::IssuerRef => {
                ready = self.cas.iter().cloned().chain(["public".into(), "self".into()]).collect();
                (&ready, format!("there is no certificate authority `{name}`"), "no such certificate authority")
            }
            TextKind::CaRef => {
                (&self.cas, format!("there is no certificate authority `{name}`"), "no such certificate authority")
            }
            TextKind::KeyRef => (&self.keys, format!("there is no key `{name}`"), "no such key"),
            TextKind::SealRef => {
                ready = self.keys.iter().cloned().chain(["own".into()]).collect();
                (&ready, format!("there is no key `{name}`"), "no such key")
            }
            TextKind::TenantRef => (&self.tenants, format!("there is no tenant `{name}`"), "no such tenant"),
            TextKind::ZoneRef => (&self.zones, format!("there is no zone `{name}`"), "no such zone"),
            TextKind::MessageRef => {
                ready = self.messages.iter().cloned().chain(READY_MADE.map(str::to_owned)).collect();
                (&ready, format!("there is no message `{name}`"), "no such message")
            }
            TextKind::SentRef => {
                ready = self.ids.iter().cloned().chain(WRITTEN_BY_ENGINES.map(str::to_owned)).collect();
                (&ready, format!("no `send` has the id `{name}`"), "no such message")
            }
            TextKind::FaultRef => (&self.faults, format!("no fault has the name `{name}`"), "no such fault"),
            TextKind::KnownAddress => {
                let message = format!("no message in this file goes to or comes from `{name}`");
                (&self.addresses, message, "this expectation could never hold")
            }
            TextKind::BehaviourRef => {
                ready = self.behaviours.iter().map(|id| (*id).to_owned()).collect();
                (&ready, format!("there is no behaviour `{name}`"), "not in the registry")
            }
            // Declarations are not resolved; texts are read for references, scalars by their own parsers.
            TextKind::Name | TextKind::ZoneText | TextKind::MessageText | TextKind::Text => return None,
            TextKind::Plain | TextKind::Scalar => return None,
        };
        if !self.complete && matches!(mention.kind, TextKind::SentRef | TextKind::KnownAddress | TextKind::FaultRef) {
            return None;
        }
        let folded =
            matches!(mention.kind, TextKind::ZoneRef | TextKind::KnownAddress).then(|| name.to_ascii_lowercase());
        if known.contains(folded.as_deref().unwrap_or(name)) {
            return None;
        }
        let found = Diagnostic::error("unknown-name", message, mention.span, label);
        let found = match mention.kind {
            TextKind::KnownAddress => Diagnostic { code: "unknown-address", ..found },
            TextKind::HostRef if matches!(name, "sender" | "receiver") => {
                return Some(found.help(format!("declare [{name}], then the engine runs")));
            }
            _ => found,
        };
        if mention.kind == TextKind::BehaviourRef && nearest::nearest(name, known.iter().map(String::as_str)).is_none()
        {
            // The registry is long: the ids of an existing group are shown, else nothing.
            let group = name.split_once('.').map_or(name, |(group, _)| group);
            let ids = known.iter().filter(|id| id.split('.').next() == Some(group)).map(String::as_str);
            return Some(found.maybe_help(nearest::known_names(&ids.collect::<Vec<_>>())));
        }
        Some(found.maybe_help(nearest::help(name, known.iter().map(String::as_str))))
    }

    /// Checks the syntax of a zone text and the references in it.
    fn zone_text(&self, mention: &Mention, mistakes: &mut Vec<Diagnostic>) {
        for wrong in zone_text::read(&mention.text).1 {
            let place = content(self.sources, mention.span, &mention.text, wrong.range);
            mistakes.push(Diagnostic::error("zone-syntax", wrong.message, place, wrong.label).maybe_help(wrong.help));
        }
        self.references(mention, true, mistakes);
    }

    /// Checks the references in a text. In message text and pages, other braces stay as they are.
    fn references(&self, mention: &Mention, strict: bool, mistakes: &mut Vec<Diagnostic>) {
        for found in references::braces(&mention.text) {
            if !strict && FILL_INS.contains(&found.inner) {
                continue;
            }
            let Some(mut mistake) = self.reference(mention, found.inner, found.range.start) else { continue };
            if !strict {
                // Only near matches are reported: style sheets are full of braces.
                if !mistake.help.as_ref().is_some_and(|help| help.starts_with("did you mean")) {
                    continue;
                }
                mistake = Diagnostic {
                    severity: super::Severity::Warning,
                    code: "near-reference",
                    message: format!("`{{{}}}` stays as it is: it refers to nothing", found.inner),
                    ..mistake
                };
            }
            mistakes.push(mistake);
        }
    }

    /// The mistake in a reference whose text begins at `start`.
    fn reference(&self, mention: &Mention, inner: &str, start: usize) -> Option<Diagnostic> {
        let place = |range| content(self.sources, mention.span, &mention.text, range);
        let Some((kind, _)) = inner.split_once(':') else {
            return self.short_reference(inner, place(start..start + inner.len()));
        };
        let target_place = place(start + kind.len() + 1..start + inner.len());
        let Some(reference) = Reference::parse(inner) else {
            if kind == "dkim-target" {
                let message = format!("`{{{inner}}}` refers to nothing");
                let found =
                    Diagnostic::error("unknown-name", message, target_place, "expected a domain, `/`, a selector");
                return Some(found.help("write {dkim-target:contoso.example/selector1}"));
            }
            let message = format!("`{{{kind}:…}}` refers to nothing");
            let found = Diagnostic::error(
                "unknown-name",
                message,
                place(start..start + kind.len()),
                "no such kind of reference",
            );
            return Some(found.maybe_help(nearest::help(kind, references::KINDS)));
        };
        let with_certificate: BTreeSet<String>;
        let (known, name, what) = match reference {
            Reference::Address(name) | Reference::Name(name) => (&self.hosts, name, "host"),
            Reference::PublicKey(_, name) | Reference::Certificate(_, name) => {
                with_certificate = self.certs.iter().chain(&self.cas).chain(&self.hosts).cloned().collect();
                (&with_certificate, name, "certificate")
            }
            Reference::Dkim(name) => (&self.keys, name, "key"),
            Reference::DkimTarget { domain, .. } => (&self.domains, domain, "tenant with the domain"),
            Reference::Ds(name) => (&self.zones, name, "zone"),
        };
        if known.contains(name) {
            return None;
        }
        let message = format!("there is no {what} `{name}`");
        let found = Diagnostic::error("unknown-name", message, target_place, format!("no such {what}"));
        Some(found.maybe_help(nearest::help(name, known.iter().map(String::as_str))))
    }

    /// `{mx1}`: a host, or an axis that has not been replaced.
    fn short_reference(&self, inner: &str, place: Span) -> Option<Diagnostic> {
        if self.hosts.contains(inner) {
            return None;
        }
        if self.hosts.is_empty() && !self.axes.is_empty() {
            return Some(unknown_axis(inner, self.axes, place));
        }
        let message = format!("`{{{inner}}}` refers to nothing");
        let found = Diagnostic::error("unknown-name", message, place, "no such host or axis");
        let known = self.hosts.iter().map(String::as_str).chain(self.axes.iter().map(String::as_str));
        Some(found.maybe_help(nearest::help(inner, known)))
    }

    /// Whether there is such a zone: declared, of a tenant or key, or above one of those. `name` is in lower case.
    pub(crate) fn is_zone(&self, name: &str) -> bool {
        self.zones.contains(name)
    }

    /// The ids of sends, sorted.
    pub(crate) fn ids(&self) -> Vec<&str> {
        self.ids.iter().map(String::as_str).collect()
    }

    /// `configure` can only change declared things.
    pub(crate) fn configured(&self, entry: &AtEntry, mistakes: &mut Vec<Diagnostic>) {
        let Some(configure) = &entry.configure else { return };
        let mention =
            |kind, name: &str, span| Mention { kind, text: name.to_owned(), span, section: Default::default() };
        let hosts = configure.host.iter().flatten().map(|(host, _)| mention(TextKind::HostRef, host, host.span()));
        let tenants =
            configure.tenant.iter().flatten().map(|(name, _)| mention(TextKind::TenantRef, name, name.span()));
        mistakes.extend(hosts.chain(tenants).filter_map(|mention| self.unknown(&mention)));
        let engines = [
            ("sender", configure.sender.as_ref().map(Spanned::span)),
            ("receiver", configure.receiver.as_ref().map(Spanned::span)),
        ];
        for (engine, span) in engines {
            if let Some(span) = span.filter(|_| !self.hosts.contains(engine)) {
                let message = format!("there is no {engine} to configure");
                let found = Diagnostic::error("unknown-name", message, span, "this engine does not run");
                mistakes.push(found.help(format!("declare [{engine}], then the engine runs")));
            }
        }
    }
}

/// All addresses that messages go to or come from, in lower case.
fn addresses(file: &File, world_records: &IndexMap<String, String>) -> BTreeSet<String> {
    let mut result = BTreeSet::new();
    for send in file.at.iter().filter_map(|entry| entry.send.as_ref()) {
        result.insert(send.from.to_ascii_lowercase());
        result.extend(send.to.iter().map(|to| to.to_ascii_lowercase()));
        result.insert(send.envelope_sender().to_ascii_lowercase());
    }
    for (alias, targets) in file.host.values().filter_map(|host| host.relay.as_ref()?.to.as_ref()).flatten() {
        result.insert(alias.to_ascii_lowercase());
        result.extend(targets.iter().map(|target| target.to_ascii_lowercase()));
    }
    result.extend(file.at.iter().filter_map(|entry| entry.dialogue.as_ref()).flat_map(|dialogue| dialogue.addresses()));
    // Reports go to the addresses that zones name.
    let changes = file.at.iter().filter_map(|entry| entry.publish.as_ref());
    let changes = changes.flat_map(|publish| publish.replace.iter().chain(&publish.add)).map(|text| text.as_str());
    let texts = file.zone.values().filter_map(|zone| zone.records.as_ref()).map(|text| text.as_str());
    for text in texts.chain(changes).chain(world_records.values().map(String::as_str)) {
        for (at, scheme) in text.match_indices("mailto:") {
            let rest = &text[at + scheme.len()..];
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"' | '!' | '\''));
            result.insert(rest[..end.unwrap_or(rest.len())].to_ascii_lowercase());
        }
    }
    result.remove("");
    result
}
