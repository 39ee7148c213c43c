//! The reference of the language, made from the types and their documentation: what each table, verb, fault, expectation,
//! reference and message is, with type, default, meaning and an example.
//!
//! The same source gives the JSON schema, so the two cannot disagree. [`page`](page()) is `docs/language.md`; [`find`] gives single
//! entries. Defaults are compared with those of the types by a test here; that each example runs, and that exactly what
//! is marked as not supported is refused, is tested where scenarios run (`mxlab-scenario`).

mod examples;
mod page;
mod values;

use std::sync::OnceLock;

use mxlab_dns::security::Reason;
use serde_json::Value;

use crate::faults::{ALWAYS, FaultFamily, FaultKind};
use crate::{nearest, schema};
pub use examples::Example;
pub use page::page;

/// A part of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// The keys of a whole file.
    File,
    /// Engines and the resolver.
    Engines,
    /// Declarations.
    Declarations,
    /// The verbs of `[[at]]`.
    Script,
    /// The kinds of faults.
    Faults,
    /// The verbs of `[[expect]]` and `[[never]]`.
    Expectations,
    /// References in braces.
    References,
    /// Ready-made messages, and what is filled into them.
    Messages,
    /// The types of values.
    Values,
}

/// What of a thing can be run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Support {
    /// All of it.
    #[default]
    All,
    /// All but these values.
    AllBut(Vec<String>),
    /// Nothing: it is read and then refused.
    NotYet,
}

/// An entry of the reference.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where it belongs.
    pub group: Group,
    /// Its name: `smtp`, `send`, `servfail`, `{ds:z}`.
    pub name: String,
    /// How it is written: `[host.NAME.smtp]`, `send = { … }`.
    pub written: String,
    /// What it is.
    pub meaning: String,
    /// Whether it can be run.
    pub support: Support,
    /// Its fields.
    pub fields: Vec<Field>,
    /// A file that uses it.
    pub example: Option<Example>,
}

/// A field of a table.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its key.
    pub name: String,
    /// What it takes.
    pub kind: String,
    /// Whether it must be written.
    pub needed: bool,
    /// What holds if it is not written.
    pub default: Option<String>,
    /// What it is.
    pub meaning: String,
    /// What of it can be run.
    pub support: Support,
    /// The words that it takes, with their meanings; none for other values.
    pub words: Vec<(String, String)>,
    /// Values that it takes, as TOML.
    pub samples: Vec<String>,
}

/// All entries, in the order of the page.
pub fn entries() -> &'static [Entry] {
    static ENTRIES: OnceLock<Vec<Entry>> = OnceLock::new();
    ENTRIES.get_or_init(|| {
        let schema = schema::base();
        let reader = Reader { schema: &schema };
        let mut entries = vec![reader.file()];
        entries.extend(reader.tables());
        entries.extend(reader.verbs("AtEntry", "at", Group::Script));
        entries.extend(faults());
        entries.extend(reader.verbs("ExpectEntry", "expect", Group::Expectations));
        entries.extend(values::references());
        entries.extend(values::messages());
        entries.extend(values::values(&schema));
        for entry in &mut entries {
            entry.example = examples::of(entry);
        }
        entries
    })
}

/// The entries that `word` names. If it is only the name of a field or a word, the tables that have it, each with that field
/// alone.
///
/// # Errors
/// There is no such word; the nearest ones.
pub fn find(word: &str) -> Result<Vec<Entry>, Vec<String>> {
    let wanted = word.trim().trim_matches(['`', '[', ']', '{', '}']).to_ascii_lowercase();
    let named = |entry: &&Entry| short_names(entry).contains(&wanted);
    let mut found: Vec<Entry> = entries().iter().filter(named).cloned().collect();
    if found.is_empty() {
        let has = |field: &Field| field.name == wanted || field.words.iter().any(|(word, _)| *word == wanted);
        found = entries().iter().filter(|entry| entry.fields.iter().any(has)).cloned().collect();
        found.iter_mut().for_each(|entry| entry.fields.retain(has));
    }
    if found.is_empty() { Err(near(&wanted)) } else { Ok(found) }
}

/// The known words that are most like this one, at most five.
fn near(wanted: &str) -> Vec<String> {
    let mut known: Vec<String> = entries().iter().flat_map(short_names).collect();
    for field in entries().iter().flat_map(|entry| &entry.fields) {
        known.push(field.name.clone());
        known.extend(field.words.iter().map(|(word, _)| word.clone()));
    }
    known.sort();
    known.dedup();
    let mut near = Vec::new();
    for _ in 0..5 {
        let Some(next) = nearest::nearest(wanted, known.iter().map(String::as_str)).map(str::to_owned) else { break };
        known.retain(|word| *word != next);
        near.push(next);
    }
    near
}

/// What is listed under an entry: the verbs of an array, the kinds of faults.
fn listed(entry: &Entry) -> Option<(&'static str, Vec<&'static Entry>)> {
    let (what, group, own) = match (entry.group, entry.name.as_str()) {
        (Group::Script, "at") => ("Verbs", Group::Script, "at"),
        (Group::Script, "fault") => ("Kinds", Group::Faults, ""),
        (Group::Expectations, "expect") => ("Verbs", Group::Expectations, "expect"),
        _ => return None,
    };
    Some((what, entries().iter().filter(|other| other.group == group && other.name != own).collect()))
}

/// The names by which an entry is found.
fn short_names(entry: &Entry) -> Vec<String> {
    let bare = entry.name.trim_matches(['{', '}']).to_ascii_lowercase();
    let kind = bare.split_once(':').map(|(kind, _)| kind.to_owned());
    std::iter::once(bare).chain(kind).collect()
}

/// A table, and where it is.
struct Table<'t> {
    name: &'t str,
    path: &'t str,
    definition: &'t str,
    group: Group,
    /// What is said of it where it is a field.
    support: Support,
}

/// The reading of the schema.
struct Reader<'s> {
    schema: &'s Value,
}

impl Reader<'_> {
    fn definition(&self, name: &str) -> Option<&Value> {
        self.schema.get("definitions")?.get(name)
    }

    /// The keys of a whole file.
    fn file(&self) -> Entry {
        Entry {
            group: Group::File,
            name: "file".to_owned(),
            written: "at the top of the file".to_owned(),
            meaning: "A scenario file is TOML 1.0. These are its keys and tables.".to_owned(),
            support: Support::All,
            fields: self.fields(self.schema),
            example: None,
        }
    }

    /// The tables: engines and declarations, each followed by the tables in it.
    fn tables(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        let properties = self.schema.get("properties").and_then(Value::as_object);
        for (key, property) in properties.into_iter().flatten() {
            if matches!(key.as_str(), "at" | "expect" | "never" | "variants") {
                continue;
            }
            let Some((definition, named)) = self.table_of(property) else { continue };
            let written = if named == "D" { format!("{key}.\"D\"") } else { named_path(key, named) };
            let engine = matches!(key.as_str(), "sender" | "receiver" | "resolver");
            let group = if engine { Group::Engines } else { Group::Declarations };
            let table = Table { name: key, path: &written, definition, group, support: Support::All };
            self.table(&table, &mut entries);
        }
        entries
    }

    fn table(&self, table: &Table<'_>, entries: &mut Vec<Entry>) {
        let Some(schema) = self.definition(table.definition) else { return };
        let (meaning, ..) = described(schema);
        entries.push(Entry {
            group: table.group,
            name: table.name.to_owned(),
            written: format!("[{}]", table.path),
            meaning: without_head(&meaning),
            support: table.support.clone(),
            fields: self.fields(schema),
            example: None,
        });
        for (key, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let Some((definition, named)) = self.table_of(property) else { continue };
            let key_in_path = if named.is_empty() { key.clone() } else { format!("{key}.\"{named}\"") };
            let path = format!("{}.{key_in_path}", table.path);
            let support = match table.support {
                Support::NotYet => Support::NotYet,
                // A value that is not supported is none of a table.
                Support::All | Support::AllBut(_) => described(property).2,
            };
            self.table(&Table { name: key, path: &path, definition, group: table.group, support }, entries);
        }
    }

    /// The struct that a property is or maps names to: its definition, and what stands for a name, if it is a map.
    fn table_of<'v>(&'v self, property: &'v Value) -> Option<(&'v str, &'static str)> {
        let inner = property.get("allOf").and_then(|all| all.get(0)).unwrap_or(property);
        if let Some(name) = definition_name(inner) {
            return self.definition(name)?.get("properties").map(|_| (name, ""));
        }
        let (pattern, value) = inner.get("patternProperties")?.as_object()?.iter().next()?;
        let name = definition_name(value)?;
        self.definition(name)?.get("properties")?;
        Some((name, if pattern.starts_with("^[a-z0-9-]") { "NAME" } else { "D" }))
    }

    /// The verbs of an entry, after the entry itself.
    fn verbs(&self, definition: &str, key: &str, group: Group) -> Vec<Entry> {
        let Some(schema) = self.definition(definition) else { return Vec::new() };
        let fields = self.fields(schema);
        let (verbs, own): (Vec<Field>, Vec<Field>) =
            fields.into_iter().partition(|field| !schema::NO_VERBS.contains(&field.name.as_str()));
        let never = if key == "expect" { ", or [[never]]" } else { "" };
        let mut entries = vec![Entry {
            group,
            name: key.to_owned(),
            written: format!("[[{key}]]{never}"),
            meaning: values::about_entries(key).to_owned(),
            support: Support::All,
            fields: own,
            example: None,
        }];
        for verb in verbs {
            let property = schema.get("properties").and_then(|properties| properties.get(&verb.name));
            let table =
                property.and_then(|property| self.table_of(property)).and_then(|(name, _)| self.definition(name));
            let mut fields = table.map(|table| self.fields(table)).unwrap_or_default();
            if verb.name == "resolved" {
                let reasons: Vec<String> = Reason::WORDS.iter().map(|word| format!("`{word}`")).collect();
                let known = format!(" Known reasons: {}.", reasons.join(", "));
                fields.iter_mut().filter(|field| field.name == "reason").for_each(|field| field.meaning += &known);
            }
            if verb.name == "rejected" {
                // A refusal has no number of attempts.
                fields
                    .iter_mut()
                    .filter(|field| field.name == "attempts")
                    .for_each(|field| field.support = Support::NotYet);
            }
            if verb.support == Support::NotYet {
                fields.iter_mut().for_each(|field| field.support = Support::NotYet);
            }
            let written = if table.is_some() {
                format!("{} = {{ … }}", verb.name)
            } else {
                format!("{} = \"NAME\"", verb.name)
            };
            entries.push(Entry {
                group,
                name: verb.name,
                written,
                meaning: verb.meaning,
                support: verb.support,
                fields,
                example: None,
            });
        }
        entries
    }

    /// The fields of a struct.
    fn fields(&self, schema: &Value) -> Vec<Field> {
        let needed: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let properties = schema.get("properties").and_then(Value::as_object);
        let field = |(name, property): (&String, &Value)| {
            let (meaning, default, support) = described(property);
            Field {
                name: name.clone(),
                kind: values::kind(self.schema, property),
                needed: needed.contains(&name.as_str()),
                default,
                meaning,
                support,
                words: self.words(property),
                samples: values::samples(self.schema, property),
            }
        };
        properties.into_iter().flatten().map(field).collect()
    }

    /// The words that a property takes, alone or in a list.
    fn words(&self, property: &Value) -> Vec<(String, String)> {
        let inner = property.get("allOf").and_then(|all| all.get(0)).unwrap_or(property);
        let inner = inner.get("items").unwrap_or(inner);
        let definition = definition_name(inner).and_then(|name| self.definition(name));
        definition.filter(|_| definition_name(inner) != Some("FaultKind")).map(words_of).unwrap_or_default()
    }
}

/// `zone."D"`, `host.NAME`, or the key alone.
fn named_path(key: &str, named: &str) -> String {
    if named.is_empty() { key.to_owned() } else { format!("{key}.{named}") }
}

fn definition_name(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/definitions/")
}

/// The words of a definition with their meanings.
fn words_of(definition: &Value) -> Vec<(String, String)> {
    let texts = |value: Option<&Value>| -> Vec<String> {
        value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let words = texts(definition.get("enum"));
    let meanings = texts(definition.pointer(schema::WORD_MEANINGS));
    words.into_iter().zip(meanings).collect()
}

/// The meaning, the default and the support that the description of a schema states.
fn described(schema: &Value) -> (String, Option<String>, Support) {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let mut meaning: Vec<String> = Vec::new();
    let (mut default, mut support) = (None, Support::All);
    for paragraph in text.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" ")) {
        if let Some(rest) = paragraph.strip_prefix("Default: ") {
            default = Some(rest.strip_suffix('.').unwrap_or(rest).to_owned());
        } else if let Some(rest) = paragraph.strip_prefix("Not supported yet") {
            let values = rest.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
            support = if values.is_empty() { Support::NotYet } else { Support::AllBut(values) };
        } else {
            meaning.push(paragraph);
        }
    }
    (meaning.join(" "), default, support)
}

/// A description without the words before its colon, which say how the table is written.
fn without_head(meaning: &str) -> String {
    let rest = meaning.split_once("`: ").filter(|(head, _)| head.starts_with('`')).map_or(meaning, |(_, rest)| rest);
    let rest = rest.split_once("` of a host: ").map_or(rest, |(_, rest)| rest);
    let mut characters = rest.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// The kinds of faults in the order of their groups.
fn faults() -> Vec<Entry> {
    let meanings: Vec<String> = FaultKind::MEANINGS.iter().map(|meaning| meaning.trim().to_owned()).collect();
    let all = entries_of_fault_fields();
    let entry = |(kind, meaning): (&FaultKind, &String)| {
        let (meaning, support) = match meaning.strip_suffix("Not supported yet.") {
            Some(meaning) => (meaning.trim(), Support::NotYet),
            None => (meaning.as_str(), Support::All),
        };
        let takes = kind.takes().iter().chain(&ALWAYS);
        let mut fields: Vec<Field> =
            takes.filter_map(|name| all.iter().find(|field| field.name == *name).cloned()).collect();
        // What a whole machine or port does happens to everybody, and has no number of times.
        let whole = matches!(kind, FaultKind::Refused | FaultKind::Unreachable | FaultKind::ClockShift);
        for field in &mut fields {
            field.needed = kind.needs().contains(&field.name.as_str());
            if whole && matches!(field.name.as_str(), "from" | "times") {
                field.support = Support::NotYet;
            }
        }
        Entry {
            group: Group::Faults,
            name: kind.word().to_owned(),
            written: format!("fault = {{ kind = \"{}\", … }}", kind.word()),
            meaning: meaning.to_owned(),
            support,
            fields,
            example: None,
        }
    };
    let mut entries: Vec<(FaultFamily, Entry)> =
        FaultKind::ALL.iter().zip(&meanings).map(|pair| (pair.0.family(), entry(pair))).collect();
    entries.sort_by_key(|(family, _)| *family as u8);
    entries.into_iter().map(|(_, entry)| entry).collect()
}

fn entries_of_fault_fields() -> Vec<Field> {
    let schema = schema::base();
    let reader = Reader { schema: &schema };
    reader.definition("Fault").map(|fault| reader.fields(fault)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declarations;
    use crate::values::{Duration, Scalar as _, Time};

    /// What the documentation says of absent fields is what the types say.
    #[test]
    fn defaults_are_those_of_the_types() {
        let schema = schema::base();
        let defaults = declarations::defaults();
        assert!(defaults.len() > 30, "{}", defaults.len());
        for (table, field, value) in defaults {
            let path = format!("/definitions/{table}/properties/{}", field.replace('_', "-"));
            let property = schema.pointer(&path).unwrap_or_else(|| panic!("{path}"));
            let default = described(property).1.unwrap_or_else(|| panic!("{path} has no default"));
            let default = default.trim_matches('`');
            // A day is also twenty-four hours.
            let same = Duration::parse(default).map(|duration| duration.to_string()).ok();
            let same = same.or_else(|| Time::parse(default).map(|time| time.to_string()).ok());
            assert_eq!(same.as_deref().unwrap_or(default), value, "{path}");
        }
    }

    #[test]
    fn words_find_their_entries() {
        let check = |word: &str, expected: &[&str]| {
            let found = find(word).expect(word);
            let names: Vec<&str> = found.iter().map(|entry| entry.name.as_str()).collect();
            assert_eq!(names, expected, "{word}");
        };
        check("send", &["send"]);
        check("SMTP", &["smtp"]);
        check("delay-notice", &["sender"]);
        check("[host]", &["host", "{host}"]);
        check("dkim", &["dkim", "{dkim:k}"]);
        check("{ds:z}", &["{ds:z}"]);
        check("servfail", &["servfail"]);
        check("power-loss", &["restart"]);
        assert_eq!(find("delay-notce").expect_err("there is none").first().map(String::as_str), Some("delay-notice"));
        assert_eq!(find("opportunistc").expect_err("there is none").first().map(String::as_str), Some("opportunistic"));
        let fields: Vec<String> =
            find("delay-notice").expect("a field").remove(0).fields.into_iter().map(|it| it.name).collect();
        assert_eq!(fields, ["delay-notice"]);
        assert_eq!(find("xyzzyxyzzy").expect_err("there is none"), Vec::<String>::new());
    }
}
