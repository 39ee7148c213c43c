//! The behaviour registry: the ids that `covers` may claim, and what the record must hold to show each.
//!
//! A claim is checked: it holds if some entry has the kind and the fields given here. So a scenario cannot claim a
//! behaviour that its run does not show, and an id without evidence here cannot be claimed at all. An id in several
//! rows can be shown in several ways; any of them suffices.

mod behaviours;

use mxlab_record::{Entry, Value};

use behaviours::BEHAVIOURS;

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
    /// Anything except the value of this other field of the same entry.
    Unlike(&'static str),
    /// A value that differs from that of another entry of the same kind, name and type.
    Changes,
}

use Want::{Any, AtLeast, Changes, Flag, Holds, Is, OneOf, Unlike};

/// What must be in the record to show a behaviour.
struct Behaviour {
    /// The id that `covers` claims.
    id: &'static str,
    /// The events that it takes: all of them.
    evidence: &'static [Evidence],
}

/// An event that the record must hold: its kind and fields.
struct Evidence {
    kind: &'static str,
    fields: &'static [(&'static str, Want)],
}

/// All ids, in the order of the registry.
pub fn ids() -> Vec<&'static str> {
    let mut ids: Vec<_> = BEHAVIOURS.iter().map(|behaviour| behaviour.id).collect();
    ids.dedup();
    ids
}

/// What is missing in the record for this claim; none if it is shown. The reader of the file reports unknown ids.
pub fn unshown(id: &str, entries: &[Entry]) -> Option<String> {
    let lacking = |evidence: &'static [Evidence]| {
        evidence.iter().find(|evidence| !entries.iter().any(|entry| shows(evidence, entry, entries)))
    };
    let mut nearest = None;
    for behaviour in BEHAVIOURS.iter().filter(|behaviour| behaviour.id == id) {
        let missing = lacking(behaviour.evidence)?;
        nearest.get_or_insert(missing);
    }
    nearest.map(|Evidence { kind, fields }| {
        let fields: Vec<String> = fields.iter().map(|(field, want)| format!("{field} {}", words(*want))).collect();
        format!("`covers` claims {id}, but the record holds no `{kind}` with {}", fields.join(" and "))
    })
}

fn shows(evidence: &Evidence, entry: &Entry, entries: &[Entry]) -> bool {
    entry.kind == evidence.kind && evidence.fields.iter().all(|(field, want)| meets(*want, field, entry, entries))
}

fn meets(want: Want, field: &str, entry: &Entry, entries: &[Entry]) -> bool {
    match (want, entry.fields.get(field)) {
        (Is(wanted), Some(Value::Text(text))) => text == wanted,
        (OneOf(words), Some(Value::Text(text))) => words.contains(&text.as_str()),
        (Holds(part), Some(Value::Text(text))) => text.contains(part),
        (Flag(wanted), Some(Value::Flag(flag))) => *flag == wanted,
        (AtLeast(least), Some(Value::Number(number))) => *number >= least,
        (Any, Some(_)) => true,
        (Unlike(other), Some(value)) => entry.fields.get(other).is_some_and(|other| other != value),
        (Changes, Some(value)) => entries.iter().any(|other| {
            let same = |field: &str| other.fields.get(field) == entry.fields.get(field);
            other.kind == entry.kind
                && same("name")
                && same("type")
                && other.fields.get(field).is_some_and(|other| other != value)
        }),
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
    fn ids_are_unique_and_have_evidence() {
        let mut ids = ids();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
        assert!(BEHAVIOURS.iter().all(|behaviour| !behaviour.evidence.is_empty()));
    }

    /// A field that nobody declares is never in a record: the claim could not be shown.
    #[test]
    fn evidence_is_of_declared_events() {
        let kinds = crate::kinds();
        let declared = |kind: &str, field: &str| kinds.iter().any(|known| known.name == kind && known.has(field));
        for behaviour in BEHAVIOURS {
            for Evidence { kind, fields } in behaviour.evidence {
                for (field, want) in *fields {
                    let others: &[&str] = match want {
                        Unlike(other) => &[other],
                        Changes => &["name", "type"],
                        Is(_) | OneOf(_) | Holds(_) | Flag(_) | AtLeast(_) | Any => &[],
                    };
                    for field in others.iter().chain([field]) {
                        assert!(declared(kind, field), "{}: no `{kind}` has a field `{field}`", behaviour.id);
                    }
                }
            }
        }
    }
}
