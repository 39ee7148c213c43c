//! Settings of zones, their servers and keys must be consistent, so that nothing is written without effect: faults of
//! missing parts of a zone, servers that do not serve it, steps of a key change out of order.

use std::collections::{BTreeMap, BTreeSet};

use crate::assemble::AT_ONCE;
use crate::declarations::{Zone, items};
use crate::diagnostics::Diagnostic;
use crate::faults::{FaultFamily, FaultKind};
use crate::scenario::File;
use crate::script::{Fault, Publish};
use crate::spanned::{Span, Spanned};
use crate::values::{HostRef, ZoneRef};
use crate::words::{Denial, KeyRole, RollStep, ZoneKeys};
use crate::zone_text::is_within;

/// The most keys that a `many-keys` fault adds: the answer must fit into a message.
const MOST_KEYS: u32 = 200;

pub(super) fn check(file: &File, pruned: &BTreeSet<Span>, mistakes: &mut Vec<Diagnostic>) {
    for fault in file.at.iter().filter_map(|entry| entry.fault.as_ref()) {
        if let Some(zone) = &fault.zone {
            effect(file, fault, zone, pruned, mistakes);
        }
        count(fault, mistakes);
        if let (Some(server), Some(zone)) = (&fault.server, &fault.zone) {
            let serving = if fault.is_at_parent() { parent(file, zone) } else { zone.to_ascii_lowercase() };
            serves(file, server, &serving, pruned, mistakes);
        }
    }
    for publish in file.at.iter().filter_map(|entry| entry.publish.as_ref()) {
        if let Some(server) = &publish.server {
            serves(file, server, &publish.zone.to_ascii_lowercase(), pruned, mistakes);
        }
    }
    unsigned(file, pruned, mistakes);
    rolls(file, pruned, mistakes);
}

/// The declaration of a zone, if the file or its world declares it. Others are signed, with NSEC and a single key.
fn declared<'f>(file: &'f File, zone: &str) -> Option<&'f Spanned<Zone>> {
    file.zone.iter().find(|(name, _)| name.eq_ignore_ascii_case(zone)).map(|(_, zone)| zone)
}

/// The parent of a zone: the nearest declared zone above it; without one, the zone directly above it, which is made.
fn parent(file: &File, zone: &str) -> String {
    let zone = zone.to_ascii_lowercase();
    let directly = zone.split_once('.').map_or(".", |(_, rest)| rest);
    let names = file.zone.keys().map(|name| name.to_ascii_lowercase());
    let above = names.filter(|name| *name != zone && name != "." && is_within(&zone, name));
    above.max_by_key(String::len).unwrap_or_else(|| directly.to_owned())
}

/// Whether a zone is signed, or not signed, at some time.
pub(super) fn is_ever(file: &File, zone: &str, signed: bool) -> bool {
    let at_first = declared(file, zone).is_none_or(|zone| zone.signed());
    let changes = file.at.iter().filter_map(|entry| entry.publish.as_ref());
    let mut changes = changes.filter(|publish| publish.zone.eq_ignore_ascii_case(zone));
    at_first == signed || changes.any(|publish| publish.signed.as_ref().is_some_and(|to| *to.get() == signed))
}

/// A fault of a missing part of the zone would do nothing.
fn effect(
    file: &File,
    fault: &Fault,
    zone: &Spanned<ZoneRef>,
    pruned: &BTreeSet<Span>,
    mistakes: &mut Vec<Diagnostic>,
) {
    let kind = *fault.kind.get();
    let declaration = declared(file, zone.as_str());
    // A wrong part that was removed from the declaration may give the fault its effect.
    if declaration.is_some_and(|declaration| pruned.contains(&declaration.span())) {
        return;
    }
    let mut without_effect = |why: String, place: Option<(Span, &str)>, help: &str| {
        let message = format!("a `{kind}` fault does nothing here: {why}");
        let mut found = Diagnostic::error("no-effect", message, fault.kind.span(), "this would change nothing");
        if let Some((span, label)) = place {
            found = found.and(span, label);
        }
        mistakes.push(found.help(help.to_owned()));
    };
    let signed = declaration.and_then(|zone| zone.signed.as_ref()).map(|signed| (signed.span(), "said here"));
    if fault.is_at_parent() && zone.as_str() == "." {
        without_effect("the root has no parent".to_owned(), None, "name a zone below it");
    } else if kind == FaultKind::DsWithoutKey && !is_ever(file, zone.as_str(), false) {
        without_effect(format!("{zone} is signed"), signed, "write `signed = false` in the zone");
    } else if kind.family() == FaultFamily::Dnssec
        && kind != FaultKind::DsWithoutKey
        && !is_ever(file, zone.as_str(), true)
    {
        without_effect(format!("{zone} is not signed"), signed, "sign the zone, or choose a fault of family dns");
    } else if is_of_ds(kind) && declaration.is_some_and(|zone| !zone.delegated()) {
        let place = declaration.and_then(|zone| zone.delegated.as_ref()).map(|field| (field.span(), "said here"));
        without_effect(format!("{zone} has no DS at its parent"), place, "leave out `delegated = false`");
    } else if is_of_zsk(kind) && declaration.is_none_or(|zone| zone.keys() != ZoneKeys::Split) {
        without_effect(format!("{zone} has one key for everything"), None, "write `keys = \"split\"` in the zone");
    } else if let Some((how, denial)) = needs_other_denial(kind, declaration.map_or(Denial::Nsec, |zone| zone.denial()))
    {
        without_effect(
            format!("{zone} denies with {how}"),
            None,
            &format!("write `denial = \"{denial}\"` in the zone"),
        );
    }
}

/// Whether a fault of this kind changes a DS that must be there.
fn is_of_ds(kind: FaultKind) -> bool {
    use FaultKind as K;
    let changes = [K::DsMismatch, K::DsUnsupported, K::DsWrongTag, K::DsWrongAlgorithm, K::DsWrongDigest];
    changes.contains(&kind) || kind == K::DsDigestUnsupported
}

/// Whether a fault of this kind needs a key for records beside the one that the DS names.
fn is_of_zsk(kind: FaultKind) -> bool {
    use FaultKind as K;
    [K::KeysSignedByZsk, K::ZskRevoked, K::ZskNoZoneKey, K::ZskOtherProtocol].contains(&kind)
}

/// How the zone denies, and how it would have to, if a fault of this kind needs another denial.
fn needs_other_denial(kind: FaultKind, denial: Denial) -> Option<(&'static str, Denial)> {
    let how = match denial {
        Denial::Nsec => "NSEC",
        Denial::Nsec3 | Denial::Nsec3Optout => "NSEC3",
        Denial::Compact => "one record for each name",
    };
    let (fits, wanted): (&[Denial], Denial) = match kind {
        // RFC 4035 §3.1.3: only NSEC3 has a record for the closest encloser.
        FaultKind::Nsec3Iterations | FaultKind::DenialNoEncloser => {
            (&[Denial::Nsec3, Denial::Nsec3Optout], Denial::Nsec3)
        }
        FaultKind::DenialNoWildcard | FaultKind::DenialNoNextCloser => {
            (&[Denial::Nsec, Denial::Nsec3, Denial::Nsec3Optout], Denial::Nsec)
        }
        FaultKind::DenialOverreaching => (&[Denial::Nsec], Denial::Nsec),
        _ => return None,
    };
    (!fits.contains(&denial)).then_some((how, wanted))
}

fn count(fault: &Fault, mistakes: &mut Vec<Diagnostic>) {
    let Some(count) = fault.count.as_ref().filter(|_| *fault.kind.get() == FaultKind::ManyKeys) else { return };
    if *count.get() > MOST_KEYS {
        let message = format!("`count` of a `{}` fault cannot be {count}", fault.kind);
        mistakes.push(Diagnostic::error("bad-value", message, count.span(), format!("from 1 to {MOST_KEYS}")));
    }
}

/// A server that is named must be one of the zone's. `zone` is in lower case.
fn serves(file: &File, server: &Spanned<HostRef>, zone: &str, pruned: &BTreeSet<Span>, mistakes: &mut Vec<Diagnostic>) {
    let is_name_server = file.host.get(server.as_str()).is_some_and(|host| host.dns.is_some());
    let declaration = declared(file, zone);
    let servers: Vec<&str> =
        declaration.iter().flat_map(|zone| items(&zone.servers)).map(|host| host.as_str()).collect();
    let unsure = declaration.is_some_and(|zone| pruned.contains(&zone.span()));
    if unsure || !is_name_server || servers.contains(&server.as_str()) {
        return;
    }
    let zone = if zone == "." { "the root" } else { zone };
    let message = format!("`{server}` is not a name server of {zone}");
    let found = Diagnostic::error("wrong-role", message, server.span(), "it does not serve the zone");
    mistakes.push(match servers.as_slice() {
        [] => found.help(format!("name it in `servers` of {zone}; without that a zone has a server of its own")),
        known => found.help(format!("known: {}", known.join(", "))),
    });
}

/// Settings for signatures of a zone that never has any.
fn unsigned(file: &File, pruned: &BTreeSet<Span>, mistakes: &mut Vec<Diagnostic>) {
    for (name, zone) in file.zone.iter().filter(|(_, zone)| !pruned.contains(&zone.span())) {
        if is_ever(file, name.as_str(), true) {
            continue;
        }
        let written = [
            ("denial", zone.denial.as_ref().map(Spanned::span)),
            ("algorithm", zone.algorithm.as_ref().map(Spanned::span)),
            ("keys", zone.keys.as_ref().map(Spanned::span)),
            ("delegated", zone.delegated.as_ref().map(Spanned::span)),
            ("ds-ttl", zone.ds_ttl.as_ref().map(Spanned::span)),
        ];
        for (field, span) in written {
            if let (Some(span), Some(signed)) = (span, &zone.signed) {
                let message = format!("`{field}` of {name} does nothing: the zone is not signed");
                let found = Diagnostic::error("no-effect", message, span, "this would change nothing");
                mistakes.push(found.and(signed.span(), "said here").help("sign the zone, or leave it out"));
            }
        }
    }
}

/// How far the key change of a zone has come.
#[derive(Clone, Copy, Default)]
struct Change {
    published: bool,
    at_parent: bool,
    signs: bool,
    role: Option<KeyRole>,
}

/// The steps of key changes, in the order in which they are done.
fn rolls(file: &File, pruned: &BTreeSet<Span>, mistakes: &mut Vec<Diagnostic>) {
    let epoch = super::timing::epoch(file);
    let mut entries: Vec<_> = file.at.iter().collect();
    entries.sort_by_key(|entry| entry.time.as_ref().map_or(AT_ONCE, |time| *time.get()).at(epoch));
    let mut changes: BTreeMap<String, Change> = BTreeMap::new();
    for publish in entries.into_iter().filter_map(|entry| entry.publish.as_ref()) {
        let zone = publish.zone.to_ascii_lowercase();
        let declaration = declared(file, &zone);
        let unsure = pruned.contains(&publish.span()) || declaration.is_some_and(|zone| pruned.contains(&zone.span()));
        if unsure {
            return;
        }
        let split = declaration.is_some_and(|zone| zone.keys() == ZoneKeys::Split);
        without_roll(publish, mistakes);
        let Some(step) = &publish.roll else { continue };
        if !is_ever(file, &zone, true) {
            let message = format!("zone {} has no keys that could change", publish.zone);
            mistakes.push(Diagnostic::error("no-effect", message, step.span(), "the zone is not signed"));
            continue;
        }
        let change = changes.remove(&zone);
        role(publish, split, change, mistakes);
        if let Some(after) = next(publish, step, change, mistakes) {
            changes.insert(zone, after);
        }
    }
}

fn without_roll(publish: &Publish, mistakes: &mut Vec<Diagnostic>) {
    match &publish.roll {
        None => {
            let written = [
                ("algorithm", publish.algorithm.as_ref().map(Spanned::span)),
                ("role", publish.role.as_ref().map(Spanned::span)),
            ];
            for (field, span) in written.into_iter().filter_map(|(field, span)| Some((field, span?))) {
                let message = format!("`{field}` belongs to a key change");
                let found = Diagnostic::error("not-for-this", message, span, "no `roll` is here");
                mistakes.push(found.help("write `roll = \"add-key\"`"));
            }
        }
        Some(roll) => {
            if let Some(server) = &publish.server {
                let message = "a key change is made at all servers";
                let found = Diagnostic::error("not-for-this", message, server.span(), "does not apply");
                mistakes.push(found.and(roll.span(), "key change").help("a fault can act at one server"));
            }
        }
    }
}

/// Whether role and algorithm fit the zone and the step.
fn role(publish: &Publish, split: bool, change: Option<Change>, mistakes: &mut Vec<Diagnostic>) {
    let mut wrong = |message: String, span: Span, label: &str| {
        mistakes.push(Diagnostic::error("not-for-this", message, span, label));
    };
    if let Some(role) = &publish.role {
        if !split {
            wrong(format!("zone {} has one key for everything", publish.zone), role.span(), "needs `keys = \"split\"`");
        } else if publish.algorithm.is_some() {
            wrong("with another algorithm both keys change".to_owned(), role.span(), "leave it out");
        } else if let Some(first) = change.and_then(|change| change.role).filter(|first| first != role.get()) {
            wrong(format!("the key that is changing is the {first}"), role.span(), "one key after the other");
        }
    }
    if let (Some(algorithm), Some(_)) = (&publish.algorithm, change) {
        wrong("the new key is there already".to_owned(), algorithm.span(), "belongs to the step that makes it");
    }
    let zsk = split
        && publish.algorithm.is_none()
        && change.is_none_or(|change| change.role.is_some())
        && *publish.role.as_ref().map_or(&KeyRole::Zsk, |role| role.get()) == KeyRole::Zsk
        && change.and_then(|change| change.role) != Some(KeyRole::Ksk);
    if let Some(step) = publish.roll.as_ref().filter(|step| zsk && *step.get() == RollStep::AddDs) {
        wrong("a DS names the key-signing key".to_owned(), step.span(), "needs `role = \"ksk\"`");
    }
}

/// The state after a step; none if the change is complete.
fn next(
    publish: &Publish,
    step: &Spanned<RollStep>,
    change: Option<Change>,
    mistakes: &mut Vec<Diagnostic>,
) -> Option<Change> {
    let role = match change {
        Some(change) => change.role,
        None if publish.algorithm.is_some() => None,
        None => Some(publish.role.as_ref().map_or(KeyRole::Zsk, |role| *role.get())),
    };
    let before = Change { role, ..change.unwrap_or_default() };
    let mut wrong = |message: &str, help: &str| {
        let message = format!("zone {} cannot `{step}` here: {message}", publish.zone);
        mistakes.push(
            Diagnostic::error("out-of-order", message, step.span(), "this would change nothing").help(help.to_owned()),
        );
    };
    match step.get() {
        RollStep::AddKey if before.published => wrong("the new key is published already", "first `drop-old`"),
        RollStep::AddDs if before.at_parent => wrong("the DS of the new key is there already", "first `drop-old`"),
        RollStep::SwitchSigning | RollStep::DropOld if change.is_none() => {
            wrong("there is no new key", "a key change begins with `add-key` or `add-ds`");
            return None;
        }
        RollStep::SwitchSigning | RollStep::DropOld if !before.published => {
            wrong("the new key is not published", "first `add-key`");
        }
        RollStep::SwitchSigning if before.signs => wrong("the new key signs already", "first `drop-old`"),
        RollStep::DropOld => return None,
        RollStep::AddKey | RollStep::AddDs | RollStep::SwitchSigning => {}
    }
    Some(match step.get() {
        // A key of another algorithm, and a key-signing key, sign as soon as they are published.
        RollStep::AddKey => {
            Change { published: true, signs: before.role != Some(KeyRole::Zsk) || before.signs, ..before }
        }
        RollStep::AddDs => Change { at_parent: true, ..before },
        RollStep::SwitchSigning | RollStep::DropOld => Change { signs: true, ..before },
    })
}
