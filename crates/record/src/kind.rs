//! What kinds of events there are, and which fields they can have.
//!
//! Expectations and the behaviour registry find events by the names of kinds and fields. Each crate that tells events
//! declares them beside their types, in a constant `EVENTS`; so a question to the record can be held to what somebody
//! tells, and what is told to what somebody has declared.

use crate::Fields;

/// A kind of event, as the crate declares it that tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// See [`Event::kind`](crate::Event::kind). Several crates can tell events of the same kind, each with its own fields.
    pub name: &'static str,
    /// The names of all fields that an event of this kind can have. An event need not have all of them.
    pub fields: &'static [&'static str],
}

impl Kind {
    /// A kind called `name`, whose events have no other fields than these.
    pub const fn new(name: &'static str, fields: &'static [&'static str]) -> Kind {
        Kind { name, fields }
    }

    /// Whether an event of this kind can have a field called so.
    pub fn has(&self, field: &str) -> bool {
        self.fields.contains(&field)
    }
}

/// What of an event none of these kinds declares, in words; none if the event is as declared.
pub fn undeclared(kinds: &[Kind], kind: &str, fields: &Fields) -> Option<String> {
    let named = kinds.iter().filter(|known| known.name == kind);
    if named.clone().next().is_none() {
        return Some(format!("`{kind}` is no declared kind of event"));
    }
    // Of several declarations one must hold all fields: a mixture of two is nobody's event.
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
