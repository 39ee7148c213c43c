//! What kinds of events there are, and which fields they can have.
//!
//! Expectations and the behaviour registry find events by the names of kinds and fields. Each crate that records events
//! declares them beside their types, in a constant `EVENTS`; so tests can check that questions to the record match
//! declared events, and that recorded events match their declarations.

use crate::Fields;

/// A kind of event, declared by the crate that records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// See [`Event::kind`](crate::Event::kind). Several crates can record events of the same kind, each with its own
    /// fields.
    pub name: &'static str,
    /// The names of all fields that an event of this kind can have. An event need not have all of them.
    pub fields: &'static [&'static str],
}

impl Kind {
    /// A kind called `name`, whose events have no other fields than these.
    pub const fn new(name: &'static str, fields: &'static [&'static str]) -> Kind {
        Kind { name, fields }
    }

    /// Whether an event of this kind can have a field with this name.
    pub fn has(&self, field: &str) -> bool {
        self.fields.contains(&field)
    }
}

/// What none of these kinds declares about an event, in words; none if the event is as declared.
pub fn undeclared(kinds: &[Kind], kind: &str, fields: &Fields) -> Option<String> {
    let named = kinds.iter().filter(|known| known.name == kind);
    if named.clone().next().is_none() {
        return Some(format!("`{kind}` is no declared kind of event"));
    }
    // One declaration must have all fields: a mixture of two is not allowed.
    if named.clone().any(|known| fields.iter().all(|(field, _)| known.has(field))) {
        return None;
    }
    let of_nobody = |field: &&str| !named.clone().any(|known| known.has(field));
    let fields: Vec<&str> = fields.iter().map(|(field, _)| field).filter(of_nobody).collect();
    Some(match fields.is_empty() {
        true => format!("`{kind}` has fields that nobody declares together"),
        false => format!("`{kind}` has the undeclared fields {}", fields.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fields, Value};

    #[test]
    fn what_is_told_is_declared() {
        const KINDS: &[Kind] = &[
            Kind::new("accepted", &["to", "folder"]),
            Kind::new("accepted", &["to", "tls"]),
            Kind::new("rejected", &["to"]),
        ];
        let check = |kind: &str, fields: &[&'static str], expected: Option<&str>| {
            let fields = fields.iter().fold(Fields::new(), |fields, field| fields.with(field, Value::Flag(true)));
            assert_eq!(undeclared(KINDS, kind, &fields).as_deref(), expected);
        };
        check("accepted", &["to", "tls"], None);
        check("accepted", &["folder"], None);
        check("rejected", &[], None);
        check("bounced", &[], Some("`bounced` is no declared kind of event"));
        check("rejected", &["to", "code"], Some("`rejected` has the undeclared fields code"));
        check("accepted", &["tls", "folder"], Some("`accepted` has fields that nobody declares together"));
    }
}
