//! Records that no zone can have together, or not this zone: found when the file is read, at their place in the text.
//!
//! `mxlab_dns` knows what a zone can hold. Data are not interpreted here, so references need no values.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use mxlab_dns::{Name, RecordType, Zone, ZoneError};

use crate::content::Content;
use crate::declarations::items;
use crate::diagnostics::{Diagnostic, Sources};
use crate::scenario::{File, Scenario};
use crate::script::{Action, Publish};
use crate::spanned::{Span, Spanned};
use crate::values::ZoneText;
use crate::zone_text::{self, Entry, Line, full_name, is_within};

/// Checks the zones as they are declared, and as they are after each `publish`, in order.
pub(super) fn check(
    file: &File,
    world_records: &IndexMap<String, String>,
    scenario: &Scenario,
    sources: &Sources,
    mistakes: &mut Vec<Diagnostic>,
) {
    // An unreadable record may be the one that is meant.
    if mistakes.iter().any(|mistake| mistake.code == "zone-syntax") {
        return;
    }
    let mut zones: BTreeMap<String, Held> = BTreeMap::new();
    for (name, zone) in &file.zone {
        let origin = name.to_ascii_lowercase();
        let Some(mut held) = Held::new(&origin) else { continue };
        let own = zone.records.iter().flat_map(|text| zone_text::entries(text, &origin)).collect::<Vec<_>>();
        let below = world_records.get(&origin).map(|text| zone_text::entries(text, &origin)).unwrap_or_default();
        let replaced =
            |entry: &Entry| own.iter().any(|other| (&other.owner, &other.rtype) == (&entry.owner, &entry.rtype));
        let left_out =
            |entry: &Entry| items(&zone.without).any(|without| zone_text::is_named_by(entry, without, &origin));
        for entry in below.iter().filter(|entry| !replaced(entry) && !left_out(entry)) {
            // The world is correct: its mistakes are found when it is read with an empty file.
            let _ = held.insert(&entry.owner, &entry.rtype, &entry.data, None);
        }
        if let Some(text) = &zone.records {
            held.insert_text(text, sources, mistakes);
            below_cuts(file, &origin, text, sources, mistakes);
        }
        zones.insert(origin, held);
    }
    for action in scenario.at.iter().map(|at| &at.action) {
        let Action::Publish(publish) = action else { continue };
        let origin = publish.zone.to_ascii_lowercase();
        let Some(held) = zones.remove(&origin).or_else(|| Held::new(&origin)) else { continue };
        let after = held.clone().after(publish, sources, mistakes);
        // What is published at one server says nothing of the others.
        zones.insert(origin, if publish.server.is_some() { held } else { after });
    }
}

/// Records about a declared zone in the text of its parent would be lost: the delegation is generated.
fn below_cuts(file: &File, origin: &str, text: &Spanned<ZoneText>, sources: &Sources, mistakes: &mut Vec<Diagnostic>) {
    let content = Content::of(sources, text.span(), text);
    for line in zone_text::read(text).0 {
        let owner = full_name(&line.owner, origin);
        let child = file.zone.iter().find(|(name, _)| {
            let name = name.to_ascii_lowercase();
            name != origin && is_within(&name, origin) && is_within(&owner, &name)
        });
        let Some((child, _)) = child else { continue };
        let delegation = matches!(line.rtype.as_str(), "NS" | "DS") && child.eq_ignore_ascii_case(&owner);
        let label = if delegation {
            "the world generates the delegation"
        } else {
            "this record belongs in the text of that zone"
        };
        let place = content.at(line.owner_range.clone());
        let found = Diagnostic::error("zone-content", format!("{child} is a zone of its own"), place, label);
        let help = "say `servers`, `signed` and `delegated` in that zone, or `publish` another DS here";
        mistakes.push(found.and(child.span(), "declared here").maybe_help(delegation.then(|| help.to_owned())));
    }
}

/// A zone, and where its records stand in the file.
#[derive(Clone)]
struct Held {
    origin: String,
    zone: Zone,
    places: BTreeMap<Name, Span>,
}

impl Held {
    fn new(origin: &str) -> Option<Held> {
        let apex: Name = origin.parse().ok()?;
        let zone = Zone::new(apex.clone(), &[apex], 300);
        Some(Held { origin: origin.to_owned(), zone, places: BTreeMap::new() })
    }

    fn after(mut self, publish: &Publish, sources: &Sources, mistakes: &mut Vec<Diagnostic>) -> Held {
        if let Some(text) = &publish.replace {
            for entry in zone_text::entries(text, &self.origin) {
                self.remove(&entry.owner, Some(&entry.rtype));
            }
            self.insert_text(text, sources, mistakes);
        }
        if let Some(text) = &publish.add {
            self.there_already(text, sources, mistakes);
            self.insert_text(text, sources, mistakes);
        }
        for without in items(&publish.remove) {
            self.remove(&full_name(&without.owner, &self.origin), without.rtype.as_deref());
        }
        self
    }

    /// Records that are added although the zone has them.
    fn there_already(&self, text: &Spanned<ZoneText>, sources: &Sources, mistakes: &mut Vec<Diagnostic>) {
        let content = Content::of(sources, text.span(), text);
        for line in zone_text::read_in(text, self.zone.origin()).0 {
            let owner = full_name(&line.owner, &self.origin);
            let (Ok(owner), Ok(rtype)) = (owner.parse::<Name>(), line.rtype.parse::<RecordType>()) else { continue };
            let held = self.zone.rrset(&owner, rtype);
            if held.is_some_and(|held| held.rdatas.iter().any(|data| data[..] == *line.data.as_bytes())) {
                let message = format!("{owner} has this {rtype} record already");
                let place = content.at(line.owner_range.clone());
                let found = Diagnostic::error("no-effect", message, place, "this would change nothing");
                mistakes.push(found.help("leave it out, or `replace` it to give it another TTL"));
            }
        }
    }

    fn remove(&mut self, owner: &str, rtype: Option<&str>) {
        let rtype: Result<Option<RecordType>, _> = rtype.map(str::parse).transpose();
        if let (Ok(owner), Ok(rtype)) = (owner.parse(), rtype) {
            self.zone.remove(&owner, rtype);
        }
    }

    fn insert(&mut self, owner: &str, rtype: &str, data: &str, place: Option<Span>) -> Result<(), ZoneError> {
        // What cannot be read has been reported with its syntax.
        let (Ok(owner), Ok(rtype)) = (owner.parse::<Name>(), rtype.parse()) else { return Ok(()) };
        let record = mxlab_dns::Record::new(owner.clone(), rtype, 300, data.as_bytes().to_vec());
        self.zone.insert(record)?;
        if let Some(place) = place {
            self.places.entry(owner).or_insert(place);
        }
        Ok(())
    }

    fn insert_text(&mut self, text: &Spanned<ZoneText>, sources: &Sources, mistakes: &mut Vec<Diagnostic>) {
        let content = Content::of(sources, text.span(), text);
        let place = |range: &std::ops::Range<usize>| content.at(range.clone());
        // What is left here is wrong only in this zone: other mistakes have been found without it.
        let (lines, wrong) = zone_text::read_in(text, self.zone.origin());
        for wrong in wrong {
            let found = Diagnostic::error("zone-syntax", wrong.message, place(&wrong.range), wrong.label);
            mistakes.push(found.maybe_help(wrong.help));
        }
        for line in lines {
            let owner = full_name(&line.owner, &self.origin);
            if let Err(error) = self.insert(&owner, &line.rtype, &line.data, Some(place(&line.owner_range))) {
                mistakes.push(self.mistake(&error, &line, &place));
            }
        }
    }

    fn mistake(&self, error: &ZoneError, line: &Line, place: &dyn Fn(&std::ops::Range<usize>) -> Span) -> Diagnostic {
        let (range, label, other) = match error {
            ZoneError::OutOfZone { .. } => (&line.owner_range, "not in this zone", None),
            ZoneError::AliasAndData { owner } => {
                (&line.rtype_range, "a CNAME record is the only record of its name", Some(owner))
            }
            ZoneError::Two { owner, .. } => (&line.rtype_range, "a name has at most one", Some(owner)),
            ZoneError::BelowDname { dname, below } => {
                let is_dname = line.rtype == "DNAME";
                let label = if is_dname { "it would hide names below it" } else { "the DNAME above hides it" };
                (&line.rtype_range, label, Some(if is_dname { below } else { dname }))
            }
            ZoneError::DnameAtCut { owner } => (&line.rtype_range, "another zone begins here", Some(owner)),
            ZoneError::AtWildcard { .. } => (&line.rtype_range, "not at a wildcard", None),
            _ => (&line.rtype_range, "the zone cannot hold this", None),
        };
        let found = Diagnostic::error("zone-content", error.to_string(), place(range), label);
        match other.and_then(|name| self.places.get(name)) {
            Some(first) if *first != place(&line.owner_range) => found.and(*first, "the other one"),
            _ => found,
        }
    }
}
