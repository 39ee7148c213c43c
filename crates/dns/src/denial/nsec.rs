//! Denial by NSEC (RFC 4035 §5.4, RFC 9824).

use crate::name::Name;
use crate::rdata::Nsec;
use crate::record::RecordType;

use super::{Denied, Mechanism, NoDs, denies_name, lacks, leads_elsewhere, no_ds_at};

/// The NSEC records of one answer.
#[derive(Debug, Default)]
pub(super) struct Spans(pub(super) Vec<(Name, Nsec)>);

impl Spans {
    /// Keeps a record; returns whether this zone can have it.
    pub(super) fn take(&mut self, owner: &Name, nsec: Nsec, zone: &Name) -> bool {
        // Only an apex has an SOA, and these keys sign for only one zone. The last record leads back to the apex, so no
        // next name is outside the zone (RFC 4034 §4.1.1); a span to such a name would cover all names after its owner.
        let own = (!nsec.types.contains(RecordType::SOA) || owner == zone) && nsec.next.is_subdomain_of(zone);
        if own {
            self.0.push((owner.clone(), nsec));
        }
        own
    }

    /// The record at a name.
    fn at(&self, name: &Name) -> Option<&Nsec> {
        self.0.iter().find(|(owner, _)| owner == name).map(|(_, nsec)| nsec)
    }

    /// The record that proves that a name does not exist.
    pub(super) fn covering(&self, name: &Name) -> Option<&(Name, Nsec)> {
        self.0.iter().find(|(owner, nsec)| covers(owner, nsec, name) && !nsec.next.is_subdomain_of(name))
    }

    pub(super) fn no_data(&self, name: &Name, rtype: RecordType) -> Option<Denied> {
        if let Some(nsec) = self.at(name) {
            let no_name = denies_name(&nsec.types);
            let by = if no_name { Mechanism::Compact } else { Mechanism::Nsec };
            return lacks(name, &nsec.types, rtype).then(|| Denied { no_name, ..Denied::by(by) });
        }
        if self.is_empty_non_terminal(name) {
            return Some(Denied { empty_non_terminal: true, ..Denied::by(Mechanism::Nsec) });
        }
        // RFC 4035 §5.4: the name does not exist, and the wildcard that matches it lacks the type.
        let wildcard = self.wildcard(name)?;
        // The wildcard may have names below it but no records: then the span over it is the proof.
        let lacking = self
            .at(&wildcard)
            .map_or_else(|| self.is_empty_non_terminal(&wildcard), |nsec| lacks(&wildcard, &nsec.types, rtype));
        lacking.then(|| Denied { wildcard: Some(wildcard), ..Denied::by(Mechanism::Nsec) })
    }

    pub(super) fn no_name(&self, name: &Name) -> Option<Denied> {
        if self.at(name).is_some_and(|nsec| denies_name(&nsec.types)) {
            return Some(Denied { no_name: true, ..Denied::by(Mechanism::Compact) });
        }
        let wildcard = self.wildcard(name)?;
        self.covering(&wildcard).map(|_| Denied::by(Mechanism::Nsec))
    }

    /// What the records say of the DS of a name: nothing, that they cannot deny it, or what is there instead.
    pub(super) fn no_ds(&self, name: &Name) -> Option<Option<NoDs>> {
        match self.at(name) {
            Some(nsec) => Some(no_ds_at(&nsec.types)),
            None if self.is_empty_non_terminal(name) || self.covering(name).is_some() => Some(Some(NoDs::NotACut)),
            None => None,
        }
    }

    /// Whether the name has no records, but names below it do: a record spans it, and has a next name below it.
    fn is_empty_non_terminal(&self, name: &Name) -> bool {
        self.0.iter().any(|(owner, nsec)| covers(owner, nsec, name) && nsec.next.is_strictly_below(name))
    }

    /// The wildcard at the closest encloser of a name that is proved not to exist.
    fn wildcard(&self, name: &Name) -> Option<Name> {
        let (owner, nsec) = self.covering(name)?;
        // Both ends of the span exist, so the longest ancestor that one of them shares with the name exists.
        let (left, right) = (name.common_ancestor(owner), name.common_ancestor(&nsec.next));
        let encloser = if left.label_count() >= right.label_count() { left } else { right };
        encloser.prepend_label("*").ok()
    }
}

/// Whether a name lies strictly within the span of an NSEC. The last one of a zone leads back to the apex.
fn covers(owner: &Name, nsec: &Nsec, name: &Name) -> bool {
    let within = if *owner < nsec.next { owner < name && *name < nsec.next } else { owner < name };
    within && !(leads_elsewhere(&nsec.types) && name.is_strictly_below(owner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_covers_what_lies_strictly_within() {
        let name = |text: &str| text.parse::<Name>().unwrap();
        for (owner, next, covered, not_covered) in [
            ("c.z", "m.z", &["d.z", "x.c.z", "l.z"][..], &["c.z", "m.z", "a.z", "n.z", "z", "x.m.z"][..]),
            // The last span of a zone leads back to the apex, and the only one to itself.
            ("m.z", "z", &["n.z", "x.m.z"], &["m.z", "c.z", "z"]),
            ("z", "z", &["a.z", "x.a.z"], &["z"]),
        ] {
            let nsec = Nsec { next: name(next), types: std::iter::empty().collect() };
            for (names, expected) in [(covered, true), (not_covered, false)] {
                for tested in names {
                    assert_eq!(covers(&name(owner), &nsec, &name(tested)), expected, "{owner} {next} {tested}");
                }
            }
        }
    }
}
