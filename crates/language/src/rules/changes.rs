//! `publish` and `configure` can only change what exists.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use crate::assemble::short;
use crate::declarations::items;
use crate::diagnostics::{Diagnostic, Sources};
use crate::nearest;
use crate::scenario::{File, Scenario};
use crate::script::{Action, Publish};
use crate::spanned::{Span, Spanned};
use crate::zone_text::{self, Entry};

pub(super) fn check(file: &File, pruned: &BTreeSet<Span>, mistakes: &mut Vec<Diagnostic>) {
    for publish in file.at.iter().filter_map(|entry| entry.publish.as_ref()) {
        // A wrong part that was removed would have changed something.
        if !pruned.contains(&publish.span()) && changes_nothing(publish) {
            let message = format!("this `publish` changes nothing in {}", publish.zone);
            let found =
                Diagnostic::error("no-change", message, publish.span(), "it has no field that changes something");
            let fields = "`replace`, `add`, `remove`, `signed`, `signed-from`, `signed-until`, `roll`";
            mistakes.push(found.help(format!("it takes {fields}")));
        }
    }
    let configured = file.at.iter().filter_map(|entry| entry.configure.as_ref()?.host.as_ref()).flatten();
    for (name, changed) in configured {
        let (Some(smtp), Some(host)) = (&changed.smtp, file.host.get(name.as_str())) else { continue };
        if host.smtp.is_none() && !pruned.contains(&host.span()) {
            let message = format!("host `{name}` has no `smtp` to configure");
            let found = Diagnostic::error("wrong-role", message, smtp.span(), "no scripted server runs there");
            mistakes.push(found.help(format!("write host.{name}.smtp = {{}}")));
        }
    }
}

fn changes_nothing(publish: &Publish) -> bool {
    publish.replace.is_none()
        && publish.add.is_none()
        && publish.remove.is_none()
        && publish.signed.is_none()
        && publish.signed_from.is_none()
        && publish.signed_until.is_none()
        && publish.roll.is_none()
}

/// Records that `remove` names must be in the zone: in its text, added by the world, or published earlier.
pub(super) fn removals(scenario: &Scenario, sources: &Sources, mistakes: &mut Vec<Diagnostic>) {
    // An unreadable record may be the one that is meant.
    if mistakes.iter().any(|mistake| mistake.code == "zone-syntax") {
        return;
    }
    let mut zones: IndexMap<String, Vec<Entry>> = scenario.zone_records.clone();
    for publish in scenario.at.iter().filter_map(publish) {
        let origin = publish.zone.to_ascii_lowercase();
        let texts = publish.replace.iter().chain(&publish.add);
        let published = texts.flat_map(|text| zone_text::entries(text, &origin));
        let records = zones.entry(origin.clone()).or_default();
        records.extend(published);
        let made = made(scenario, &origin);
        for removed in items(&publish.remove) {
            if records.iter().chain(&made).any(|entry| zone_text::is_named_by(entry, removed, &origin)) {
                continue;
            }
            let written = sources.slice(removed.span()).trim_matches(['"', '\'']);
            let message = format!("there is no record `{written}` in {origin}");
            let known: Vec<String> = records.iter().map(|entry| short(entry, &origin)).collect();
            let help = nearest::help(written, known.iter().map(String::as_str));
            let found = Diagnostic::error("unknown-name", message, removed.span(), "this removes nothing");
            mistakes.push(found.maybe_help(help));
        }
    }
}

fn publish(entry: &crate::script::At) -> Option<&Spanned<Publish>> {
    match &entry.action {
        Action::Publish(publish) => Some(publish),
        _ => None,
    }
}

/// The records that the world adds to a zone: addresses of hosts and the records of keys.
fn made(scenario: &Scenario, origin: &str) -> Vec<Entry> {
    let entry = |owner: &str, rtype: &str| Entry {
        owner: owner.to_ascii_lowercase(),
        ttl: None,
        rtype: rtype.to_owned(),
        data: String::new(),
    };
    let hosts = scenario.addressed.values().filter(|host| !host.in_zone_text);
    let addresses = hosts.flat_map(|host| ["A", "AAAA"].map(|rtype| entry(&host.full_name, rtype)));
    let keys = scenario.keys.values().filter(|key| key.publish());
    let keys = keys.filter_map(|key| {
        let domain = key.domain.as_ref()?;
        Some(entry(&format!("{}._domainkey.{}", key.selector(), domain.as_str()), "TXT"))
    });
    addresses.chain(keys).filter(|entry| zone_text::is_within(&entry.owner, origin)).collect()
}
