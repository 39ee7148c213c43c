//! The behaviour registry: the ids that `covers` may claim, what each means, its source, and what the record must hold to
//! show it.
//!
//! A claim is checked: it holds if some entry has the kind and the fields given here. So a scenario cannot claim a
//! behaviour that its run does not show. An id without evidence is known but cannot be claimed yet. An id with several
//! ways can be shown by any of them.

mod behaviours;

use std::collections::{BTreeMap, BTreeSet};

use mxlab_record::{Entry, Value};

use behaviours::{BEHAVIOURS, GROUPS};

/// The required value of a field.
#[derive(Clone, Copy, Debug)]
enum Want {
    /// Exactly this text.
    Is(&'static str),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A text that contains this part.
    Holds(&'static str),
    /// This flag.
    Flag(bool),
    /// A number of at least this.
    AtLeast(i64),
    /// Anything at all.
    Any,
    /// Nothing.
    Absent,
    /// Anything except the value of this other field of the same entry.
    Unlike(&'static str),
    /// A value that differs from that of another entry of the same kind, name and type.
    Changes,
}

use Want::{Absent, Any, AtLeast, Changes, Flag, Holds, Is, OneOf, Unlike};

/// A behaviour that scenarios can show, or should.
#[derive(Debug)]
pub struct Behaviour {
    /// The id that `covers` claims: `dane.mismatch`.
    pub id: &'static str,
    /// What it means, in a line.
    pub what: &'static str,
    /// Where it is written: RFC sections, paragraphs of `exchange.md`.
    pub source: &'static str,
    /// The ways to show it, each by events that it takes: all of them. None: nothing can show it yet.
    ways: &'static [&'static [Evidence]],
}

impl Behaviour {
    /// The group: the part of the id before the dot.
    pub fn group(&self) -> &'static str {
        self.id.split_once('.').map_or(self.id, |(group, _)| group)
    }

    /// Whether a run can show it.
    pub fn can_be_shown(&self) -> bool {
        !self.ways.is_empty()
    }
}

/// An event that the record must hold: its kind and fields.
#[derive(Debug)]
struct Evidence {
    kind: &'static str,
    fields: &'static [(&'static str, Want)],
}

/// All behaviours, in the order of the registry.
pub fn behaviours() -> &'static [Behaviour] {
    BEHAVIOURS
}

/// The groups of behaviours with their titles, in the order of the registry.
pub fn groups() -> &'static [(&'static str, &'static str)] {
    GROUPS
}

/// The ids that `covers` may claim, in the order of the registry.
pub fn ids() -> Vec<&'static str> {
    BEHAVIOURS.iter().filter(|behaviour| behaviour.can_be_shown()).map(|behaviour| behaviour.id).collect()
}

/// The ids that nothing shows yet.
pub fn without_evidence() -> Vec<&'static str> {
    BEHAVIOURS.iter().filter(|behaviour| !behaviour.can_be_shown()).map(|behaviour| behaviour.id).collect()
}

/// What is missing in the record for this claim; none if it is shown. The reader of the file reports unknown ids.
pub fn unshown(id: &str, entries: &[Entry]) -> Option<String> {
    let lacking = |way: &&'static [Evidence]| way.iter().find(|evidence| !is_shown(evidence, entries));
    let behaviour = BEHAVIOURS.iter().find(|behaviour| behaviour.id == id)?;
    let missing: Vec<_> = behaviour.ways.iter().map(lacking).collect();
    if missing.iter().any(Option::is_none) {
        return None;
    }
    missing.into_iter().flatten().next().map(|Evidence { kind, fields }| {
        let fields: Vec<String> = fields.iter().map(|(field, want)| format!("{field} {}", words(*want))).collect();
        format!("`covers` claims {id}, but the record holds no `{kind}` with {}", fields.join(" and "))
    })
}

/// Whether an entry has the kind and the fields of the evidence.
fn is_shown(evidence: &Evidence, entries: &[Entry]) -> bool {
    let Evidence { kind, fields } = evidence;
    let of_kind = || entries.iter().filter(|entry| entry.kind == *kind);
    // What changes is looked for once, however many entries there are.
    let changing: Vec<Option<BTreeSet<Subject<'_>>>> =
        fields.iter().map(|(field, want)| matches!(want, Changes).then(|| changing(of_kind(), field))).collect();
    of_kind().any(|entry| {
        fields.iter().zip(&changing).all(|((field, want), changing)| match changing {
            Some(changing) => entry.fields.get(field).is_some() && changing.contains(&subject(entry)),
            None => meets(*want, field, entry),
        })
    })
}

/// What an entry is about: its name and type.
type Subject<'a> = (Option<&'a str>, Option<&'a str>);

fn subject(entry: &Entry) -> Subject<'_> {
    (entry.fields.text("name"), entry.fields.text("type"))
}

/// What entries of one kind are about that have several values of a field.
fn changing<'a>(entries: impl Iterator<Item = &'a Entry>, field: &str) -> BTreeSet<Subject<'a>> {
    let mut first: BTreeMap<Subject<'_>, &Value> = BTreeMap::new();
    let differs = |entry: &'a Entry| {
        let value = entry.fields.get(field)?;
        let subject = subject(entry);
        (*first.entry(subject).or_insert(value) != value).then_some(subject)
    };
    entries.filter_map(differs).collect()
}

fn meets(want: Want, field: &str, entry: &Entry) -> bool {
    match (want, entry.fields.get(field)) {
        (Is(wanted), Some(Value::Text(text))) => text == wanted,
        (OneOf(words), Some(Value::Text(text))) => words.contains(&text.as_str()),
        (Holds(part), Some(Value::Text(text))) => text.contains(part),
        (Flag(wanted), Some(Value::Flag(flag))) => *flag == wanted,
        (AtLeast(least), Some(Value::Number(number))) => *number >= least,
        (Any, Some(_)) | (Absent, None) => true,
        (Unlike(other), Some(value)) => entry.fields.get(other).is_some_and(|other| other != value),
        _ => false,
    }
}

fn words(want: Want) -> String {
    match want {
        Is(text) => format!("= {text}"),
        OneOf(texts) => format!("one of {}", texts.join(", ")),
        Holds(part) => format!("that holds `{part}`"),
        Flag(flag) => format!("= {flag}"),
        AtLeast(least) => format!("of at least {least}"),
        Any => "at all".to_owned(),
        Absent => "absent".to_owned(),
        Unlike(other) => format!("other than {other}"),
        Changes => "that changes".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mxlab_record::Fields;

    fn entry(kind: &'static str, fields: Fields) -> Entry {
        Entry {
            at: jiff::Timestamp::UNIX_EPOCH,
            moment: jiff::Timestamp::UNIX_EPOCH,
            rank: Vec::new(),
            actor: "x".into(),
            order: 0,
            sequence: 0,
            cause: None,
            kind,
            fields,
            story: Vec::new(),
            because: Vec::new(),
            state: None,
            again: None,
            artefact: None,
        }
    }

    #[test]
    fn a_claim_needs_all_its_events() {
        let bogus = entry("resolved", Fields::new().with("type", "MX").with("status", "bogus"));
        let deferred = entry("deferred", Fields::new().with("code", "4.7.324"));
        assert_eq!(unshown("dane.mx-bogus", &[bogus.clone(), deferred]), None);
        let missing = unshown("dane.mx-bogus", &[bogus]).unwrap();
        assert!(missing.contains("no `deferred` with code one of 4.7.324, 4.4.312"), "{missing}");
    }

    #[test]
    fn any_row_of_an_id_shows_it() {
        let resolved = |rtype: &str, key: u32, ds_key: u32| {
            let fields = Fields::new().with("name", "fabrikam.example").with("type", rtype).with("status", "secure");
            entry("resolved", fields.with("key", key).with("ds-key", ds_key))
        };
        let check = |entries: &[Entry], shown: bool| {
            assert_eq!(unshown("dnssec.key-rollover", entries).is_none(), shown, "{entries:?}");
        };
        check(&[resolved("MX", 1, 9), resolved("MX", 1, 9)], false);
        check(&[resolved("MX", 1, 9), resolved("MX", 2, 9)], true);
        check(&[resolved("MX", 1, 8), resolved("MX", 1, 9)], true);
        // Another name or type may well have another key.
        check(&[resolved("MX", 1, 9), resolved("A", 2, 9)], false);
        let old_ds = Fields::new().with("type", "DS").with("status", "bogus").with("reason", "ds-mismatch");
        let old_ds = entry("resolved", old_ds.with("server", "192.0.2.1"));
        check(std::slice::from_ref(&old_ds), false);
        check(&[old_ds, resolved("MX", 1, 1)], true);
        assert_eq!(unshown("dnssec.split-keys", &[resolved("MX", 1, 9)]), None);
        let combined = unshown("dnssec.split-keys", &[resolved("MX", 1, 1)]).unwrap();
        assert!(combined.contains("key other than ds-key"), "{combined}");
    }

    #[test]
    fn ids_are_unique_and_stand_in_their_groups() {
        let mut ids: Vec<&str> = BEHAVIOURS.iter().map(|behaviour| behaviour.id).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
        assert_eq!(super::ids().len() + without_evidence().len(), count);
        let mut groups: Vec<&str> = BEHAVIOURS.iter().map(Behaviour::group).collect();
        groups.dedup();
        assert_eq!(groups, GROUPS.iter().map(|(group, _)| *group).collect::<Vec<_>>());
        for Behaviour { id, what, source, ways } in BEHAVIOURS {
            assert!(!what.is_empty() && !source.is_empty(), "{id}");
            assert!(ways.iter().all(|way| !way.is_empty()), "{id}: nothing shows everything");
        }
    }

    /// A field that nobody declares is never in a record: the claim could not be shown.
    #[test]
    fn evidence_is_of_declared_events() {
        let kinds = crate::kinds();
        let declared = |kind: &str, field: &str| kinds.iter().any(|known| known.name == kind && known.has(field));
        for behaviour in BEHAVIOURS {
            for Evidence { kind, fields } in behaviour.ways.iter().copied().flatten() {
                for (field, want) in *fields {
                    let others: &[&str] = match want {
                        Unlike(other) => &[other],
                        Changes => &["name", "type"],
                        Is(_) | OneOf(_) | Holds(_) | Flag(_) | AtLeast(_) | Any | Absent => &[],
                    };
                    for field in others.iter().chain([field]) {
                        assert!(declared(kind, field), "{}: no `{kind}` has a field `{field}`", behaviour.id);
                    }
                }
            }
        }
    }
}
