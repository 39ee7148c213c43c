//! Hosts, zones and certificates that the file itself declares but nothing uses.
//!
//! An unused declaration has no effect; usually its name is misspelt elsewhere. Declarations of the world are exempt;
//! changing them counts as use.

use super::check::Mention;
use super::diagnostics::{Diagnostic, Sources};
use super::references::{Reference, braces};
use super::scenario::{File, Scenario};
use super::spanned::Span;
use super::values::TextKind;
use super::zone_text::is_within;

/// Finds them. `mentions` are all strings of the cell.
pub(crate) fn check(file: &File, scenario: &Scenario, mentions: &[Mention], sources: &Sources) -> Vec<Diagnostic> {
    let uses = Uses { file, scenario, mentions };
    let mut mistakes = Vec::new();
    let mut unused = |what: &str, name: &str, span: Span, help: &str| {
        if !sources.is_in_world(span) {
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
