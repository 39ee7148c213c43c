//! What the file itself declares and nothing uses: hosts, zones, certificates and authorities, keys, messages, tenants,
//! names of faults.
//!
//! An unused declaration has no effect; usually its name is misspelt elsewhere. Declarations of the world are exempt;
//! changing them counts as use.

use std::collections::BTreeSet;

use super::check::Mention;
use super::declarations::{Key, Tenant, items};
use super::diagnostics::{Diagnostic, Sources};
use super::references::{Reference, braces};
use super::scenario::{File, Scenario};
use super::spanned::Span;
use super::values::TextKind;
use super::zone_text::is_within;

/// Finds them. `mentions` are all strings of the cell, those of parts that were left out among them; `found` are its other
/// mistakes: a name that is probably meant by a misspelt one is used.
pub(crate) fn check(
    file: &File,
    scenario: &Scenario,
    mentions: &[Mention],
    found: &[Diagnostic],
    sources: &Sources,
) -> Vec<Diagnostic> {
    // A name that is wrong in itself is not used either.
    let wrong: BTreeSet<Span> = found.iter().map(|mistake| mistake.primary.span).collect();
    let meant: BTreeSet<&str> = found.iter().filter_map(|mistake| mistake.meant.as_deref()).collect();
    let uses = Uses { file, scenario, mentions };
    let mut mistakes = Vec::new();
    let mut unused = |what: &str, name: &str, span: Span, help: &str| {
        if !sources.is_in_world(span) && !meant.contains(name) && !wrong.contains(&span) {
            let message = format!("{what} `{name}` is used nowhere");
            mistakes.push(Diagnostic::error("unused", message, span, "nothing refers to it").help(help));
        }
    };
    for name in scenario.hosts.keys().filter(|name| !uses.host(name)) {
        unused("host", name, name.span(), "name it where it belongs, or remove it");
    }
    for name in scenario.certs.keys().filter(|name| !uses.cert(name)) {
        unused("certificate", name, name.span(), "name it in `cert` of a server or in a reference, or remove it");
    }
    for name in scenario.zones.keys().filter(|name| !uses.zone(name)) {
        unused("zone", name, name.span(), "nothing in this file asks for a name in it");
    }
    for name in scenario.messages.keys().filter(|name| !uses.named(TextKind::MessageRef, name)) {
        unused("message", name, name.span(), "name it in `message` of a `send`, or remove it");
    }
    for (name, key) in scenario.keys.iter().filter(|(name, key)| !uses.key(name, key)) {
        let help = if key.publish() { ". That it is published is not enough" } else { "" };
        unused("key", name, name.span(), &format!("name it in `sign` of a client or a `send`, or remove it{help}"));
    }
    for name in scenario.cas.keys().filter(|name| !uses.authority(name)) {
        unused("certificate authority", name, name.span(), "name it in `issuer` of a certificate, or remove it");
    }
    for (name, _) in scenario.tenants.iter().filter(|(_, tenant)| !uses.tenant(tenant)) {
        unused("tenant", name, name.span(), "no message goes to or comes from one of its domains");
    }
    let faults = file.at.iter().filter_map(|entry| entry.fault.as_ref()?.name.as_ref());
    for name in faults.filter(|name| !uses.named(TextKind::FaultRef, name)) {
        unused("the name of the fault", name, name.span(), "write `heal = \"…\"`, or leave the name out");
    }
    mistakes
}

struct Uses<'a> {
    file: &'a File,
    scenario: &'a Scenario,
    mentions: &'a [Mention],
}

impl Uses<'_> {
    /// The strings outside of one declaration.
    fn outside<'s>(&'s self, table: &'s str, name: &'s str) -> impl Iterator<Item = &'s Mention> {
        let prose = |mention: &&Mention| matches!(mention.section.0.as_str(), "title" | "story" | "covers");
        let elsewhere = move |mention: &&Mention| mention.section.0 != table || mention.section.1 != name;
        self.mentions.iter().filter(move |mention| !prose(mention)).filter(elsewhere)
    }

    /// Whether something of this kind, or something that was left out, is this name.
    fn named(&self, kind: TextKind, name: &str) -> bool {
        let is = |mention: &Mention| mention.kind == kind || mention.kind == TextKind::LeftOut;
        self.mentions.iter().any(|mention| is(mention) && mention.text == name)
    }

    fn key(&self, name: &str, key: &Key) -> bool {
        let owner = format!("{}._domainkey", key.selector().to_ascii_lowercase());
        self.outside("key", name).any(|mention| match mention.kind {
            TextKind::KeyRef | TextKind::SealRef => mention.text == name,
            TextKind::LeftOut => mention.text == name || mention.text.contains(name),
            _ => {
                refers(mention, |reference| reference == Reference::Dkim(name))
                    || mention.text.to_ascii_lowercase().contains(&owner)
            }
        })
    }

    fn authority(&self, name: &str) -> bool {
        self.outside("ca", name).any(|mention| match mention.kind {
            TextKind::IssuerRef | TextKind::CaRef | TextKind::LeftOut => mention.text == name,
            _ => refers(mention, |reference| host_of(reference) == Some(name)),
        })
    }

    /// Whether somebody writes to or from the tenant, or its settings change.
    fn tenant(&self, tenant: &Tenant) -> bool {
        let elsewhere =
            |mention: &&Mention| !matches!(mention.section.0.as_str(), "tenant" | "zone" | "title" | "story");
        let domains: Vec<&str> = items(&tenant.domains).chain(&tenant.initial).map(|domain| domain.as_str()).collect();
        let mut mentions = self.mentions.iter().filter(elsewhere);
        domains.is_empty()
            || mentions
                .any(|mention| domains.iter().any(|domain| holds_name(&mention.text, &domain.to_ascii_lowercase())))
    }

    fn host(&self, name: &str) -> bool {
        let full_name = self.scenario.addressed.get(name).map_or("", |host| host.full_name.as_str());
        let implied_sender = self.file.sender.is_none()
            && self.scenario.hosts.get(name).is_some_and(|host| host.client.is_some())
            && self.file.at.iter().filter_map(|entry| entry.send.as_ref()).any(|send| send.via.is_none());
        let configured = self.file.at.iter().filter_map(|entry| entry.configure.as_ref()?.host.as_ref());
        implied_sender
            || configured.into_iter().any(|hosts| hosts.contains_key(name))
            || self.outside("host", name).any(|mention| match mention.kind {
                TextKind::HostRef => mention.text == name,
                TextKind::LeftOut if mention.text == name => true,
                _ => {
                    refers(mention, |reference| host_of(reference) == Some(name))
                        || holds_name(&mention.text, full_name)
                }
            })
    }

    fn cert(&self, name: &str) -> bool {
        // A table named like a host changes that host's automatic certificate.
        self.scenario.addressed.contains_key(name)
            || self.outside("cert", name).any(|mention| match mention.kind {
                TextKind::CertRef => mention.text == name,
                TextKind::LeftOut => mention.text == name || mention.text.contains(name),
                _ => refers(mention, |reference| host_of(reference) == Some(name)),
            })
    }

    fn zone(&self, written: &str) -> bool {
        let name = written.to_ascii_lowercase();
        let delegates = self.scenario.zones.keys().any(|zone| {
            let zone = zone.to_ascii_lowercase();
            zone != name && is_within(&zone, &name)
        });
        // Hosts named by the zone's own text do not make the zone used.
        let hosts = self.scenario.hosts.iter().filter_map(|(_, host)| host.name.as_ref());
        let engines = [
            self.file.sender.as_ref().map(|sender| sender.full_name()),
            self.file.receiver.as_ref().map(|receiver| receiver.full_name()),
        ];
        let own_default =
            self.scenario.addressed.values().filter(|host| !host.in_zone_text).map(|host| host.full_name.as_str());
        delegates
            || hosts
                .map(|host| host.as_str())
                .chain(engines.into_iter().flatten())
                .chain(own_default)
                .any(|host| is_within(&host.to_ascii_lowercase(), &name))
            || self.outside("zone", written).any(|mention| match mention.kind {
                TextKind::ZoneRef => mention.text.eq_ignore_ascii_case(&name),
                _ => refers(mention, |reference| reference == Reference::Ds(&name)) || holds_name(&mention.text, &name),
            })
            || self.references_into(written)
    }

    /// Whether something outside refers to a host that the zone's text names.
    fn references_into(&self, zone: &str) -> bool {
        self.scenario.addressed.iter().filter(|(_, host)| is_within(&host.full_name, &zone.to_ascii_lowercase())).any(
            |(short, _)| {
                self.outside("zone", zone).filter(|mention| mention.section != ("host".to_owned(), short.clone())).any(
                    |mention| match mention.kind {
                        TextKind::HostRef => mention.text == *short,
                        _ => refers(mention, |reference| host_of(reference) == Some(short)),
                    },
                )
            },
        )
    }
}

/// Whether the text has one of these references.
fn refers(mention: &Mention, wanted: impl Fn(Reference<'_>) -> bool) -> bool {
    mention.text.contains('{')
        && braces(&mention.text).iter().filter_map(|found| Reference::parse(found.inner)).any(wanted)
}

/// The host or certificate that a reference names.
fn host_of<'r>(reference: Reference<'r>) -> Option<&'r str> {
    match reference {
        Reference::Address(name) | Reference::Name(name) => Some(name),
        Reference::PublicKey(_, name) | Reference::Certificate(_, name) => Some(name),
        Reference::Dkim(_) | Reference::DkimTarget { .. } | Reference::Ds(_) => None,
    }
}

/// Whether a text contains a DNS name or a name below it.
fn holds_name(text: &str, name: &str) -> bool {
    if name.is_empty() || name == "." {
        return name == ".";
    }
    let text = text.to_ascii_lowercase();
    text.match_indices(name).any(|(at, _)| {
        let part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}
