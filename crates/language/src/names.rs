//! Resolving names: every reference to a declared thing must find it (step 6 of the reference's section 10).

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::axes::unknown_axis;
use super::check::{LeftOut, MOST_HELPED, Mention, shown};
use super::content::Content;
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
pub(crate) const READY_MADE: [&str; 7] = ["plain", "html", "attachment", "eight-bit", "utf8", "long-lines", "large"];

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
    /// What is written in parts of the file that were left out, in lower case: it may be what a name means.
    left_out: BTreeSet<String>,
    /// Whether all addresses are known.
    all_addresses: bool,
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
        mentions: &[Mention],
        lost: &LeftOut,
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
            left_out: mentions
                .iter()
                .filter(|mention| mention.kind == TextKind::LeftOut)
                .map(|mention| mention.text.to_lowercase())
                .collect(),
            all_addresses: !lost.of(&["host", "zone"]) && !lost.of_script(&["send", "dialogue", "publish"]),
        }
    }

    /// Resolves everything that was mentioned.
    pub(crate) fn resolve(&self, mentions: &[Mention], mistakes: &mut Vec<Diagnostic>) {
        for mention in mentions {
            match mention.kind {
                TextKind::ZoneText => self.zone_text(mention, mistakes),
                TextKind::Text => self.references(mention, true, mistakes),
                TextKind::MessageText => self.references(mention, false, mistakes),
                _ => mistakes.extend(self.unknown(mention, mistakes.len() < MOST_HELPED)),
            }
        }
    }

    /// The names that a text of this kind may be, besides those of the language itself; none for texts that name nothing.
    fn known(&self, kind: TextKind) -> Option<(Vec<&BTreeSet<String>>, &[&str])> {
        let nothing: &[&str] = &[];
        Some(match kind {
            TextKind::HostRef => (vec![&self.hosts], nothing),
            TextKind::CertRef => (vec![&self.certs, &self.hosts], nothing),
            TextKind::IssuerRef => (vec![&self.cas], &["public", "self"]),
            TextKind::CaRef => (vec![&self.cas], nothing),
            TextKind::KeyRef => (vec![&self.keys], nothing),
            TextKind::SealRef => (vec![&self.keys], &["own"]),
            TextKind::TenantRef => (vec![&self.tenants], nothing),
            TextKind::ZoneRef => (vec![&self.zones], nothing),
            TextKind::MessageRef => (vec![&self.messages], &READY_MADE),
            TextKind::SentRef => (vec![&self.ids], &WRITTEN_BY_ENGINES),
            TextKind::FaultRef => (vec![&self.faults], nothing),
            TextKind::KnownAddress => (vec![&self.addresses], nothing),
            TextKind::BehaviourRef => (Vec::new(), self.behaviours),
            // Declarations are not resolved; texts are read for references, scalars by their own parsers.
            TextKind::Name | TextKind::ZoneText | TextKind::MessageText | TextKind::Text => return None,
            TextKind::Plain | TextKind::Scalar | TextKind::LeftOut => return None,
        })
    }

    /// The mistake in a mention of something that does not exist. It is `helped` by the nearest name.
    fn unknown(&self, mention: &Mention, helped: bool) -> Option<Diagnostic> {
        let (sets, words) = self.known(mention.kind)?;
        let name = mention.text.as_str();
        let folded = matches!(mention.kind, TextKind::ZoneRef | TextKind::KnownAddress);
        let looked_up = if folded { name.to_ascii_lowercase() } else { name.to_owned() };
        let known = sets.iter().any(|names| names.contains(&looked_up)) || words.contains(&looked_up.as_str());
        let maybe = mention.kind == TextKind::KnownAddress && !self.all_addresses;
        if known || maybe || self.left_out.contains(&name.to_lowercase()) {
            return None;
        }
        let told = shown(name);
        let (message, label) = match mention.kind {
            TextKind::HostRef => (format!("there is no host `{told}`"), "no such host"),
            TextKind::CertRef => (format!("there is no certificate `{told}`"), "no such certificate"),
            TextKind::IssuerRef | TextKind::CaRef => {
                (format!("there is no certificate authority `{told}`"), "no such certificate authority")
            }
            TextKind::KeyRef | TextKind::SealRef => (format!("there is no key `{told}`"), "no such key"),
            TextKind::TenantRef => (format!("there is no tenant `{told}`"), "no such tenant"),
            TextKind::ZoneRef => (format!("there is no zone `{told}`"), "no such zone"),
            TextKind::MessageRef => (format!("there is no message `{told}`"), "no such message"),
            TextKind::SentRef => (format!("no `send` has the id `{told}`"), "no such message"),
            TextKind::FaultRef => (format!("no fault has the name `{told}`"), "no such fault"),
            TextKind::KnownAddress => {
                (format!("no message in this file goes to or comes from `{told}`"), "this expectation could never hold")
            }
            TextKind::BehaviourRef => (format!("there is no behaviour `{told}`"), "not in the registry"),
            TextKind::Name | TextKind::ZoneText | TextKind::MessageText | TextKind::Text => return None,
            TextKind::Plain | TextKind::Scalar | TextKind::LeftOut => return None,
        };
        let code = if mention.kind == TextKind::KnownAddress { "unknown-address" } else { "unknown-name" };
        let found = Diagnostic::error(code, message, mention.span, label);
        if mention.kind == TextKind::HostRef && matches!(name, "sender" | "receiver") {
            return Some(found.help(format!("declare [{name}], then the engine runs")));
        }
        if !helped {
            return Some(found);
        }
        let names = || sets.iter().flat_map(|names| names.iter().map(String::as_str)).chain(words.iter().copied());
        if mention.kind == TextKind::BehaviourRef && nearest::nearest(name, names()).is_none() {
            // The registry is long: the ids of an existing group are shown, else nothing.
            let group = name.split_once('.').map_or(name, |(group, _)| group);
            let ids = names().filter(|id| id.split('.').next() == Some(group));
            return Some(found.maybe_help(nearest::known(ids.collect())));
        }
        Some(found.nearest(name, names()))
    }

    /// Checks the syntax of a zone text and the references in it.
    fn zone_text(&self, mention: &Mention, mistakes: &mut Vec<Diagnostic>) {
        // A name may be too long only in its zone.
        let zone = (mention.section.0 == "zone").then(|| mention.section.1.parse().ok()).flatten();
        let content = Content::of(self.sources, mention.span, &mention.text);
        for wrong in zone_text::read_in(&mention.text, &zone.unwrap_or_else(mxlab_dns::Name::root)).1 {
            let place = content.at(wrong.range);
            mistakes.push(Diagnostic::error("zone-syntax", wrong.message, place, wrong.label).maybe_help(wrong.help));
        }
        self.references(mention, true, mistakes);
    }

    /// Checks the references in a text. In message text and pages, other braces stay as they are.
    fn references(&self, mention: &Mention, strict: bool, mistakes: &mut Vec<Diagnostic>) {
        let braces = references::braces(&mention.text);
        if braces.is_empty() {
            return;
        }
        let content = Content::of(self.sources, mention.span, &mention.text);
        for found in braces {
            if !strict && FILL_INS.contains(&found.inner) || self.left_out.contains(found.inner) {
                continue;
            }
            let helped = mistakes.len() < MOST_HELPED;
            let Some(mut mistake) = self.reference(content, found.inner, found.range.start, strict, helped) else {
                continue;
            };
            if !strict {
                // Only near matches are reported: style sheets are full of braces.
                if mistake.meant.is_none() {
                    continue;
                }
                mistake = Diagnostic {
                    severity: super::Severity::Warning,
                    code: "near-reference",
                    message: format!("`{{{}}}` stays as it is: it refers to nothing", shown(found.inner)),
                    ..mistake
                };
            }
            mistakes.push(mistake);
        }
    }

    /// The mistake in a reference whose text begins at `start`.
    fn reference(&self, content: Content, inner: &str, start: usize, strict: bool, helped: bool) -> Option<Diagnostic> {
        let Some((kind, _)) = inner.split_once(':') else {
            return self.short_reference(inner, content.at(start..start + inner.len()), strict, helped);
        };
        let nearest = |found: Diagnostic, name: &str, known: &mut dyn Iterator<Item = &str>| {
            if helped { found.nearest(name, known) } else { found }
        };
        let target_place = content.at(start + kind.len() + 1..start + inner.len());
        let Some(reference) = Reference::parse(inner) else {
            if kind == "dkim-target" {
                let message = format!("`{{{}}}` refers to nothing", shown(inner));
                let found =
                    Diagnostic::error("unknown-name", message, target_place, "expected a domain, `/`, a selector");
                return Some(found.help("write {dkim-target:contoso.example/selector1}"));
            }
            let message = format!("`{{{}:…}}` refers to nothing", shown(kind));
            let place = content.at(start..start + kind.len());
            let found = Diagnostic::error("unknown-name", message, place, "no such kind of reference");
            return Some(nearest(found, kind, &mut references::KINDS.into_iter()));
        };
        let with_certificate: BTreeSet<String>;
        let (known, name, what) = match reference {
            Reference::Address(name) | Reference::Name(name) => (&self.hosts, name, "host"),
            Reference::PublicKey(_, name) | Reference::Certificate(_, name) => {
                if [&self.certs, &self.cas, &self.hosts].iter().any(|known| known.contains(name)) {
                    return None;
                }
                with_certificate = self.certs.iter().chain(&self.cas).chain(&self.hosts).cloned().collect();
                (&with_certificate, name, "certificate")
            }
            Reference::Dkim(name) => (&self.keys, name, "key"),
            Reference::DkimTarget { domain, .. } => (&self.domains, domain, "tenant with the domain"),
            Reference::Ds(name) => (&self.zones, name, "zone"),
        };
        if known.contains(name) || self.left_out.contains(name) {
            return None;
        }
        let message = format!("there is no {what} `{}`", shown(name));
        let found = Diagnostic::error("unknown-name", message, target_place, format!("no such {what}"));
        Some(nearest(found, name, &mut known.iter().map(String::as_str)))
    }

    /// `{mx1}`: a host, or an axis that has not been replaced; in messages also what `send` fills in.
    fn short_reference(&self, inner: &str, place: Span, strict: bool, helped: bool) -> Option<Diagnostic> {
        if self.hosts.contains(inner) {
            return None;
        }
        if strict && self.hosts.is_empty() && !self.axes.is_empty() {
            return Some(unknown_axis(inner, self.axes, place));
        }
        let message = format!("`{{{}}}` refers to nothing", shown(inner));
        let label = if strict { "no such host or axis" } else { "no host or axis, and nothing that is filled in" };
        let found = Diagnostic::error("unknown-name", message, place, label);
        let known = self.hosts.iter().map(String::as_str).chain(self.axes.iter().map(String::as_str));
        let fill_ins = FILL_INS.into_iter().filter(|_| !strict);
        Some(if helped { found.nearest(inner.trim(), known.chain(fill_ins)) } else { found })
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
        mistakes.extend(hosts.chain(tenants).filter_map(|mention| self.unknown(&mention, true)));
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
