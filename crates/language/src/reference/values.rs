//! What values are: the types of fields in words, their syntax, references in braces, ready-made messages.

use serde_json::Value;

use super::{Entry, Group, Support, definition_name};
use crate::names::READY_MADE;
use crate::references::{FILL_INS, KINDS};
use crate::values::scalar_named;

/// The types of values: the name of the schema, the words for one and for several, a value as TOML.
const TYPES: &[(&str, &str, &str, &str)] = &[
    ("Duration", "duration", "durations", "\"1h\""),
    ("Time", "time", "times", "\"+1h\""),
    ("Count", "count", "counts", "1"),
    ("EnhancedCode", "enhanced status code", "enhanced status codes", "\"4.7.323\""),
    ("Address", "address", "addresses", "\"bo@fabrikam.example\""),
    ("ReversePath", "address, or an empty text", "addresses", "\"ann@contoso.example\""),
    ("ReplyText", "SMTP reply", "SMTP replies", "\"550 5.1.1 User unknown\""),
    ("Rate", "rate", "rates", "\"1 per 20m\""),
    ("DomainName", "domain name", "domain names", "\"fabrikam.example\""),
    ("Ipv4", "IPv4 address", "IPv4 addresses", "\"203.0.113.7\""),
    ("SpoofPair", "spoof pair", "spoof pairs", "\"*, 198.51.100.0/24\""),
    ("RecordTypeName", "record type", "record types", "\"MX\""),
    ("Without", "owner, or owner and type", "owners, or owners and types", "\"mx1 A\""),
    ("DialogueLines", "lines of a session", "lines of sessions", "\"C: QUIT\""),
    ("Epoch", "date-time", "date-times", "2026-03-02T08:00:00Z"),
    ("Day", "date", "dates", "2026-03-02"),
    ("Name", "name", "names", "\"first\""),
    ("HostRef", "host", "hosts", "\"mx1\""),
    ("CertRef", "certificate", "certificates", "\"mx1\""),
    ("IssuerRef", "authority, `public` or `self`", "authorities", "\"public\""),
    ("CaRef", "authority", "authorities", "\"own\""),
    ("KeyRef", "key", "keys", "\"contoso\""),
    ("SealRef", "key, or `own`", "keys", "\"own\""),
    ("TenantRef", "tenant", "tenants", "\"contoso\""),
    ("ZoneRef", "zone", "zones", "\"fabrikam.example\""),
    ("MessageRef", "message", "messages", "\"plain\""),
    ("SentRef", "sent message", "sent messages", "\"first\""),
    ("FaultRef", "fault", "faults", "\"outage\""),
    ("KnownAddress", "address", "addresses", "\"bo@fabrikam.example\""),
    ("BehaviourRef", "id", "ids", "\"dane.mismatch\""),
    ("ZoneText", "zone text", "zone texts", "'mx1 A {mx1}'"),
    ("MessageText", "text", "texts", "\"Hello\""),
    ("Text", "text", "texts", "\"x\""),
    ("AxisValues", "name, or a list of names", "names", "\"a\""),
    ("FaultKind", "kind of a fault", "kinds of faults", "\"refused\""),
];

fn known(definition: &str) -> Option<&'static (&'static str, &'static str, &'static str, &'static str)> {
    TYPES.iter().find(|known| known.0 == definition)
}

/// The definition that a property is, if it is one.
fn inner(property: &Value) -> &Value {
    property.get("allOf").and_then(|all| all.get(0)).unwrap_or(property)
}

/// What a property takes, in words.
pub(super) fn kind(schema: &Value, property: &Value) -> String {
    named(schema, property, false)
}

fn named(schema: &Value, property: &Value, several: bool) -> String {
    let property = inner(property);
    if let Some(name) = definition_name(property) {
        if let Some((_, one, many, _)) = known(name) {
            return (if several { *many } else { *one }).to_owned();
        }
        let definition = schema.get("definitions").and_then(|definitions| definitions.get(name));
        let word = definition.is_some_and(|definition| definition.get("enum").is_some());
        let kind = if word { ["word", "words"] } else { ["table", "tables"] };
        return kind[usize::from(several)].to_owned();
    }
    let pattern = property.get("patternProperties").and_then(Value::as_object).and_then(|map| map.iter().next());
    match property.get("type").and_then(Value::as_str) {
        Some("boolean") => "true or false".to_owned(),
        Some("integer") => integer(property),
        Some("string") => (if several { "texts" } else { "text" }).to_owned(),
        Some("array") => {
            let items = property.get("items").map(|items| named(schema, items, true));
            format!("list of {}", items.unwrap_or_else(|| "values".to_owned()))
        }
        Some("object") => match (pattern, property.get("additionalProperties")) {
            (Some((_, value)), _) => format!("table: NAME → {}", named(schema, value, false)),
            (None, Some(value)) if value.is_object() => format!("table: TEXT → {}", named(schema, value, false)),
            _ => "table".to_owned(),
        },
        _ => "value".to_owned(),
    }
}

fn integer(property: &Value) -> String {
    let bound = |key: &str| property.get(key).and_then(Value::as_u64);
    match (bound("minimum").unwrap_or(0), bound("maximum")) {
        (0, None) => "integer".to_owned(),
        (least, Some(most)) if most < u64::from(u32::MAX) => format!("integer from {least} to {most}"),
        (least, _) => format!("integer, {least} or more"),
    }
}

/// Values that a property takes, as TOML: every word, both of true and false, the ends of a range. For tables, none.
pub(super) fn samples(schema: &Value, property: &Value) -> Vec<String> {
    let property = inner(property);
    if let Some(name) = definition_name(property) {
        if let Some((.., sample)) = known(name) {
            return vec![(*sample).to_owned()];
        }
        let definition = schema.get("definitions").and_then(|definitions| definitions.get(name));
        if definition.is_some_and(|definition| definition.get("properties").is_some()) {
            return vec!["{}".to_owned()];
        }
        let words = definition.and_then(|definition| definition.get("enum")).and_then(Value::as_array);
        return words.into_iter().flatten().map(Value::to_string).collect();
    }
    match property.get("type").and_then(Value::as_str) {
        Some("boolean") => vec!["true".to_owned(), "false".to_owned()],
        Some("integer") => vec![property.get("minimum").and_then(Value::as_u64).unwrap_or(1).max(1).to_string()],
        Some("string") => vec!["\"x\"".to_owned()],
        Some("array") => {
            let items = property.get("items").map(|items| samples(schema, items)).unwrap_or_default();
            items.into_iter().map(|item| format!("[{item}]")).collect()
        }
        _ => Vec::new(),
    }
}

/// What is said of the entries of an array.
pub(super) fn about_entries(key: &str) -> &'static str {
    match key {
        "at" => "An entry of the script. It has a time and one of the verbs below, and nothing else.",
        _ => {
            "Something happens, or does not happen, within a window of time. An entry has one of the verbs below; \
             fields that are left out do not matter. Verbs about messages need `to` or `message`, unless the file sends \
             one message to one recipient."
        }
    }
}

fn entry(group: Group, name: &str, written: String, meaning: &str) -> Entry {
    Entry {
        group,
        name: name.to_owned(),
        written,
        meaning: meaning.to_owned(),
        support: Support::All,
        fields: Vec::new(),
        example: None,
    }
}

/// The references in braces.
pub(super) fn references() -> Vec<Entry> {
    let of = |kind: &str| match kind {
        "name" => ("{name:mx1}", "The full name of host `mx1`."),
        "spki" => ("{spki:c}", "The public key of certificate `c` in hexadecimal, for TLSA records with selector 1."),
        "spki-sha256" => ("{spki-sha256:c}", "The SHA-256 digest of the public key of certificate `c`: `3 1 1`."),
        "spki-sha512" => ("{spki-sha512:c}", "The SHA-512 digest of the public key of certificate `c`: `3 1 2`."),
        "cert" => {
            ("{cert:c}", "The whole certificate `c` in hexadecimal. `c` is a certificate, an authority, or a host.")
        }
        "cert-sha256" => ("{cert-sha256:c}", "The SHA-256 digest of the whole certificate `c`: `3 0 1`."),
        "cert-sha512" => ("{cert-sha512:c}", "The SHA-512 digest of the whole certificate `c`: `3 0 2`."),
        "dkim" => ("{dkim:k}", "The whole data of the TXT record of key `k`, with its quotes. It is written alone."),
        "dkim-target" => (
            "{dkim-target:D/S}",
            "The CNAME target that the signing service assigned to selector `S` of domain `D`. Not supported yet.",
        ),
        _ => ("{ds:z}", "The DS data of zone `z`. It is written alone, as the data of a DS record."),
    };
    let mut entries = vec![
        entry(
            Group::References,
            "{host}",
            "{mx1}".to_owned(),
            "The address of host `mx1`: IPv6 in an AAAA record, IPv4 everywhere else. In an MX record it is the name.",
        ),
        entry(
            Group::References,
            "{axis}",
            "{how}".to_owned(),
            "The value of axis `how`. A string that is nothing else becomes the value itself, with its type: true, a \
             list, even a table. It works everywhere but in `title`, `covers`, `world` and `variants`.",
        ),
    ];
    for kind in KINDS {
        let (written, meaning) = of(kind);
        let mut one = entry(Group::References, written, written.to_owned(), meaning);
        if let Some(meaning) = meaning.strip_suffix(" Not supported yet.") {
            one.meaning = meaning.to_owned();
            one.support = Support::NotYet;
        }
        entries.push(one);
    }
    entries
}

/// The ready-made messages, and what `send` fills into messages.
pub(super) fn messages() -> Vec<Entry> {
    let of = |name: &str| match name {
        "plain" => "A short message of plain text. It is used if a `send` names none.",
        "html" => "A short message of HTML.",
        "attachment" => "A message with an attachment. Not supported yet.",
        "eight-bit" => "A message with eight-bit text. Not supported yet.",
        "utf8" => "A message with UTF-8 in its header. Not supported yet.",
        "long-lines" => "A message with lines that are too long. Not supported yet.",
        _ => "A message of many megabytes. Not supported yet.",
    };
    let mut entries = Vec::new();
    for name in READY_MADE {
        let mut one = entry(Group::Messages, name, format!("message = \"{name}\""), of(name));
        if let Some(meaning) = of(name).strip_suffix(" Not supported yet.") {
            one.meaning = meaning.to_owned();
            one.support = Support::NotYet;
        }
        entries.push(one);
    }
    for name in FILL_INS {
        let meaning = match name {
            "date" => "The time at which the message is sent, as a Date field has it.",
            "message-id" => "The Message-ID, with angle brackets.",
            "from" => "The author of the `send`.",
            "to" => "The recipients of the `send`, with commas between them.",
            _ => "The `subject` of the `send`.",
        };
        entries.push(entry(
            Group::Messages,
            &format!("{{{name}}}"),
            format!("{{{name}}} in the text of a message"),
            meaning,
        ));
    }
    entries
}

/// The types of values that have a syntax of their own.
pub(super) fn values(schema: &Value) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (definition, one, _, sample) in TYPES {
        let Some(info) = scalar_named(definition) else { continue };
        let described = schema.pointer(&format!("/definitions/{definition}/description")).and_then(Value::as_str);
        let mut help = info.help.chars();
        let help: String = help.next().map(|first| first.to_uppercase().chain(help).collect()).unwrap_or_default();
        let meaning = format!("{}. {help}.", described.unwrap_or(one).trim_end_matches('.'));
        entries.push(entry(Group::Values, one, (*sample).to_owned(), &meaning));
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every type of the schema that is no table and no list of words has a name here.
    #[test]
    fn types_have_names() {
        let schema = crate::schema::base();
        let definitions = schema["definitions"].as_object().expect("there are definitions");
        for (name, definition) in definitions {
            let table = definition.get("properties").is_some() || name == "Variants";
            assert!(table || definition.get("enum").is_some() || known(name).is_some(), "{name}");
        }
    }
}
