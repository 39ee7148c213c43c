//! The names in `resolved`: they must belong to something in the file or its world.

use std::collections::BTreeSet;

use crate::diagnostics::Diagnostic;
use crate::names::Names;
use crate::nearest;
use crate::scenario::{File, Scenario};
use crate::script::Action;
use crate::zone_text::{self, is_within};

/// Checks that each name is at or below a known name, so that somebody may ask for it. Zones above all of them, such as
/// `example`, are known by themselves; names below them are known only if something has that name.
pub(super) fn names(file: &File, scenario: &Scenario, names: &Names<'_>, mistakes: &mut Vec<Diagnostic>) {
    let known = known(scenario);
    for entry in file.expect.iter().chain(&file.never) {
        let Some(name) = entry.resolved.as_ref().and_then(|resolved| resolved.name.as_ref()) else { continue };
        let lower = name.to_ascii_lowercase();
        let reverse = is_within(&lower, "arpa");
        if reverse || names.is_zone(&lower) || known.iter().any(|known| is_within(&lower, known)) {
            continue;
        }
        let message = format!("no zone, host or domain of this file has the name `{name}`");
        let found = Diagnostic::error("unknown-name", message, name.span(), "this expectation could never hold");
        mistakes.push(found.maybe_help(help(&lower, &known)));
    }
}

/// The nearest known name, with the labels before it kept: for `mx1.fabricam.example` `mx1.fabrikam.example`.
fn help(name: &str, known: &BTreeSet<String>) -> Option<String> {
    let known = || known.iter().map(String::as_str);
    let starts = std::iter::once(0).chain(name.match_indices('.').map(|(dot, _)| dot + 1));
    for start in starts {
        let (before, rest) = name.split_at(start);
        if !rest.contains('.') {
            break;
        }
        if let Some(nearest) = nearest::nearest(rest, known()) {
            return Some(format!("did you mean `{before}{nearest}`?"));
        }
    }
    nearest::known_names(&known().collect::<Vec<_>>())
}

/// Zones with two labels or more, hosts, domains of tenants, keys and addresses, owners of records, names looked up.
fn known(scenario: &Scenario) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    let mut add = |name: &str| known.insert(name.to_ascii_lowercase());
    scenario.zones.keys().filter(|zone| zone.contains('.')).for_each(|zone| _ = add(zone));
    scenario.addressed.values().for_each(|host| _ = add(&host.full_name));
    for tenant in scenario.tenants.values() {
        let domains = crate::declarations::items(&tenant.domains).chain(&tenant.initial);
        domains.for_each(|domain| _ = add(domain));
    }
    scenario.keys.values().filter_map(|key| key.domain.as_ref()).for_each(|domain| _ = add(domain));
    scenario.zone_records.values().flatten().for_each(|record| _ = add(&record.owner));
    for entry in &scenario.at {
        match &entry.action {
            Action::Send(send) => {
                let sender = send.envelope_sender().rsplit_once('@').map(|(_, domain)| domain);
                let domains = send.to.iter().map(|to| to.domain()).chain([send.from.domain()]).chain(sender);
                domains.for_each(|domain| _ = add(domain));
            }
            Action::Lookup(lookup) => _ = add(&lookup.name),
            Action::Publish(publish) => {
                let texts = publish.replace.iter().chain(&publish.add);
                let records = texts.flat_map(|text| zone_text::entries(text, &publish.zone.to_ascii_lowercase()));
                records.for_each(|record| _ = add(&record.owner));
            }
            // These name hosts, zones and domains that the file declares.
            Action::Configure(_)
            | Action::Rotate(_)
            | Action::Fault(_)
            | Action::Heal(_)
            | Action::Restart(_)
            | Action::Dialogue(_) => {}
        }
    }
    // Everything is below the root.
    known.remove(".");
    known.remove("");
    known
}
