//! Comparing a tree with the schema: unknown and missing keys, wrong types, unknown words, malformed scalars, the
//! number of verbs. All are found in one pass.
//!
//! Wrong parts are removed from the tree, so that the rest can still be decoded and its names resolved: a file with a
//! misspelt key and an unknown host shows both mistakes at once.

use std::collections::BTreeSet;

use toml::de::DeValue;

use super::axes::unknown_axis;
use super::content::content;
use super::diagnostics::{Diagnostic, Sources};
use super::nearest;
use super::schema::{Shape, Struct};
use super::spanned::Span;
use super::tree::{self, Node, Table};
use super::values::{TextKind, scalar_named};

/// A string of the tree whose meaning is resolved later.
#[derive(Clone, Debug)]
pub(crate) struct Mention {
    /// What it is.
    pub(crate) kind: TextKind,
    pub(crate) text: String,
    /// The string with its quotes.
    pub(crate) span: Span,
    /// The keys of the table and the entry that contain the string: `host`, `mx1`; `at`, `send`.
    pub(crate) section: (String, String),
}

/// What was wrong and therefore removed from a file. Rules about what is missing, unknown or unused ask it first.
#[derive(Clone, Debug, Default)]
pub(crate) struct LeftOut {
    /// The tables from which something was removed.
    pub(crate) tables: BTreeSet<Span>,
    parts: BTreeSet<(String, String)>,
}

impl LeftOut {
    /// Whether something was removed from one of these parts of the file: `zone`, `expect`.
    pub(crate) fn of(&self, parts: &[&str]) -> bool {
        self.parts.iter().any(|(part, _)| parts.contains(&part.as_str()))
    }

    /// Whether something was removed from the script that may have been one of these verbs.
    pub(crate) fn of_script(&self, verbs: &[&str]) -> bool {
        let others =
            ["time", "send", "publish", "configure", "rotate", "fault", "heal", "restart", "lookup", "dialogue"];
        let is_one = |verb: &str| verbs.contains(&verb) || !others.contains(&verb);
        self.parts.iter().any(|(part, verb)| part == "at" && is_one(verb))
    }
}

/// The result of a check.
pub(crate) struct Check<'a> {
    sources: &'a Sources,
    axes: &'a [String],
    section: (String, String),
    depth: usize,
    pub(crate) mistakes: Vec<Diagnostic>,
    pub(crate) mentions: Vec<Mention>,
    /// The tables from which something was removed.
    pub(crate) pruned: BTreeSet<Span>,
    /// The parts of the file from which something was removed, as [`Mention::section`] names them.
    pub(crate) incomplete: BTreeSet<(String, String)>,
    /// Whether a key at the top of the file is probably a misspelt declaration, so that names cannot be resolved.
    pub(crate) declarations_lost: bool,
}

/// The top-level tables of a file that declare names.
const DECLARING: [&str; 11] =
    ["world", "sender", "receiver", "tenant", "zone", "host", "cert", "ca", "key", "link", "message"];

impl<'a> Check<'a> {
    pub(crate) fn new(sources: &'a Sources, axes: &'a [String]) -> Self {
        let section = (String::new(), String::new());
        Self {
            sources,
            axes,
            section,
            depth: 0,
            mistakes: Vec::new(),
            mentions: Vec::new(),
            pruned: BTreeSet::new(),
            incomplete: BTreeSet::new(),
            declarations_lost: false,
        }
    }

    /// What was removed from the tree so far.
    pub(crate) fn left_out(&self) -> LeftOut {
        LeftOut { tables: self.pruned.clone(), parts: self.incomplete.clone() }
    }

    /// Compares a whole file. Afterwards the tree can be decoded, unless `false` is returned.
    pub(crate) fn file(&mut self, tree: &mut Table<'_>, shape: &'static Shape) -> bool {
        let Shape::Struct(fields) = shape else { return false };
        self.table(tree, Span::default(), fields, "");
        // The mistake is known. The title does not affect the rest, whose mistakes should be shown as well.
        tree.entry(toml::Spanned::new(0..0, "title".into()))
            .or_insert(toml::Spanned::new(0..0, DeValue::String("".into())));
        fields.required.iter().all(|field| tree.contains_key(field.as_str()))
    }

    /// Compares a node outside of the tree, as a text of kind `kind`.
    pub(crate) fn lone_text(&mut self, node: &Node<'_>, kind: TextKind, section: (String, String), name: &str) {
        self.section = section;
        self.text(node, kind, name);
    }

    /// Compares a node; `false` if it must be removed.
    fn node<'t>(&mut self, node: &mut Node<'t>, shape: &'static Shape, name: &str) -> bool {
        let span = tree::span(node);
        if let Some(axis) = lone_axis(node).filter(|_| !takes_any_text(shape)) {
            self.mistakes.push(unknown_axis(axis, self.axes, span));
            return false;
        }
        match (shape, node.get_mut()) {
            (Shape::Struct(fields), DeValue::Table(table)) => return self.table(table, span, fields, name),
            (Shape::Map { key, value }, DeValue::Table(table)) => {
                self.map(table, span, key.as_deref(), value, name);
                return true;
            }
            (Shape::List(item), DeValue::Array(items)) => {
                let count = items.len();
                let mut kept: Vec<Node<'t>> = Vec::with_capacity(count);
                for mut entry in std::mem::replace(items, Vec::new().into_iter().collect()) {
                    let whole = entry.clone();
                    if self.node(&mut entry, item, name) {
                        kept.push(entry);
                    } else {
                        self.leave_out(&whole);
                    }
                }
                if kept.len() < count {
                    self.pruned.insert(span);
                    // Entries at the top have said so themselves, each with its verb.
                    if self.depth > 1 {
                        self.incomplete.insert(self.section.clone());
                    }
                }
                *items = kept.into_iter().collect();
                return true;
            }
            _ => {}
        }
        match (shape, node.get_ref()) {
            (Shape::Words(words), DeValue::String(text)) => {
                let known = words.iter().any(|word| word == text);
                if !known {
                    let found = Diagnostic::error(
                        "unknown-value",
                        format!("unknown {name} `{}`", shown(text)),
                        span,
                        "not one of the known values",
                    );
                    let helped = self.mistakes.len() < MOST_HELPED;
                    let words = words.iter().map(String::as_str);
                    self.mistakes.push(if helped { found.nearest(text, words) } else { found });
                }
                known
            }
            (Shape::Scalar(definition, _), DeValue::Integer(number)) if definition == "Count" => {
                let fits = number.to_string().parse::<u64>().is_ok();
                if !fits {
                    self.mistakes.push(out_of_range(name, number.as_str(), span, "a count is not negative"));
                }
                fits
            }
            (Shape::Scalar(definition, info), DeValue::Datetime(value)) if definition == "Time" => {
                let fits = super::values::instant(value).is_some();
                if !fits {
                    let label = match (value.date, value.time) {
                        (None, _) => "there is no date",
                        (_, None) => "there is no time of day",
                        (Some(_), Some(_)) => "there is no time zone",
                    };
                    let found = Diagnostic::error("bad-value", format!("`{value}` is not a time"), span, label);
                    self.mistakes.push(found.help(info.help));
                }
                fits
            }
            (Shape::Scalar(_, info), DeValue::String(text)) => match (info.check)(text) {
                Ok(()) => {
                    self.mention(TextKind::Scalar, text, span);
                    true
                }
                Err(malformed) => {
                    let place = content(self.sources, span, text, malformed.range);
                    let message = format!("`{}` is not {}", shown(text), info.what);
                    let help = malformed.nearest.map_or(info.help.to_owned(), |name| format!("did you mean `{name}`?"));
                    self.mistakes.push(Diagnostic::error("bad-value", message, place, malformed.label).help(help));
                    false
                }
            },
            (Shape::Text(kind), DeValue::String(_)) => self.text(node, *kind, name),
            (Shape::Integer { least, most }, DeValue::Integer(number)) => {
                let value = i128::from_str_radix(number.as_str(), number.radix()).ok();
                let fits = value.is_some_and(|value| (*least..=*most).contains(&value));
                if !fits {
                    let range = match (*least, *most) {
                        (0, most) if most > i128::from(u32::MAX) => "not less than 0".to_owned(),
                        (least, most) if most >= i128::from(u32::MAX) => format!("{least} or more"),
                        (least, most) => format!("from {least} to {most}"),
                    };
                    self.mistakes.push(out_of_range(name, number.as_str(), span, &range));
                }
                fits
            }
            (Shape::Boolean, DeValue::Boolean(_)) | (Shape::Anything, _) | (Shape::Names, DeValue::String(_)) => true,
            (Shape::Names, DeValue::Array(items)) => {
                let wrong: Vec<_> = items.iter().filter(|item| tree::string(item).is_none()).collect();
                for item in &wrong {
                    self.wrong_type(item, "a string", name);
                }
                wrong.is_empty()
            }
            (Shape::DateTime, DeValue::Datetime(value)) => {
                let utc = super::values::instant(value).is_some()
                    && matches!(
                        value.offset,
                        Some(toml::value::Offset::Z | toml::value::Offset::Custom { minutes: 0 })
                    );
                if !utc {
                    let message = format!("`{value}` is not a date-time in UTC");
                    let label = match (value.date, value.time, value.offset) {
                        (None, ..) => "there is no date",
                        (_, None, _) => "there is no time of day",
                        (.., None) => "it must end in Z",
                        (.., Some(_)) => "this is another time zone: it must end in Z",
                    };
                    let found = Diagnostic::error("bad-value", message, span, label);
                    self.mistakes.push(found.help("write a TOML date-time such as 2026-03-02T08:00:00Z"));
                }
                utc
            }
            (Shape::Date, DeValue::Datetime(value)) => {
                let day = value.date.is_some() && value.time.is_none();
                if !day {
                    let label = if value.date.is_some() { "it has a time" } else { "there is no date" };
                    let found = Diagnostic::error("bad-value", format!("`{value}` is not a day"), span, label);
                    self.mistakes.push(found.help("write a TOML date such as 2026-03-02"));
                }
                day
            }
            _ => {
                self.wrong_type(node, takes(shape), name);
                if let (Shape::Scalar(_, info), Some(found)) = (shape, self.mistakes.last_mut()) {
                    found.help = Some(info.help.to_owned());
                }
                false
            }
        }
    }

    /// A string that is resolved later; names of declared things have a syntax.
    fn text(&mut self, node: &Node<'_>, kind: TextKind, name: &str) -> bool {
        let Some(text) = tree::string(node) else {
            self.wrong_type(node, "a string", name);
            return false;
        };
        let span = tree::span(node);
        if kind == TextKind::Name
            && let Some(at) = not_a_name(text)
        {
            let message = format!("`{}` is not a name", shown(text));
            let place = content(self.sources, span, text, at);
            self.mistakes.push(Diagnostic::error("bad-value", message, place, NAME_LABEL));
            return false;
        }
        self.mention(kind, text, span);
        true
    }

    /// Remembers what is written in a part that is removed: it may name things that would seem unknown or unused.
    fn leave_out(&mut self, node: &Node<'_>) {
        match node.get_ref() {
            DeValue::String(text) => self.mention(TextKind::LeftOut, text, tree::span(node)),
            DeValue::Array(items) => items.iter().for_each(|item| self.leave_out(item)),
            DeValue::Table(table) => {
                for (key, value) in table {
                    self.mention(TextKind::LeftOut, key.get_ref(), tree::key_span(key));
                    self.leave_out(value);
                }
            }
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {}
        }
    }

    fn mention(&mut self, kind: TextKind, text: &str, span: Span) {
        self.mentions.push(Mention { kind, text: text.to_owned(), span, section: self.section.clone() });
    }

    fn table(&mut self, table: &mut Table<'_>, span: Span, fields: &'static Struct, name: &str) -> bool {
        self.depth += 1;
        let mut unknown = false;
        let mut gone: Vec<String> = Vec::new();
        let mut written: Vec<(&'static str, Span)> = Vec::new();
        let mut present: Vec<String> = Vec::new();
        // What misspelt keys were probably meant to be: it is not missing as well.
        let mut meant: Vec<String> = Vec::new();
        for (key, value) in table.iter_mut() {
            let (key_text, place) = (key.get_ref().as_ref(), tree::key_span(key));
            match self.depth {
                1 => self.section = (key_text.to_owned(), String::new()),
                2 => self.section.1 = key_text.to_owned(),
                _ => {}
            }
            let Some(shape) = fields.field(key_text) else {
                let found = unknown_key(key_text, place, name, fields, self.mistakes.len() < MOST_HELPED);
                meant.extend(found.meant.clone());
                self.mistakes.push(found);
                let declares = self.depth == 1 && nearest::nearest(key_text, DECLARING).is_some();
                self.declarations_lost |= declares || key_text == "world";
                unknown = true;
                gone.push(key_text.to_owned());
                self.mention(TextKind::LeftOut, key_text, place);
                self.leave_out(value);
                self.incomplete.insert(self.section.clone());
                continue;
            };
            present.push(key_text.to_owned());
            if let Some(verb) = fields.verbs.iter().find(|verb| *verb == key_text) {
                written.push((verb, place));
            }
            let whole = value.clone();
            if !self.node(value, shape, key_text) {
                self.leave_out(&whole);
                self.incomplete.insert(self.section.clone());
                // Without a whole table of declarations names cannot be resolved either.
                self.declarations_lost |= self.depth == 1 && DECLARING.contains(&key_text);
                gone.push(key_text.to_owned());
            }
        }
        remove(table, &gone);
        // Nothing else depends on the title.
        if gone.iter().any(|key| self.depth > 1 || key != "title") {
            self.pruned.insert(span);
        }
        self.depth -= 1;
        let missing: Vec<&String> = fields.required.iter().filter(|field| !present.contains(field)).collect();
        for field in missing.into_iter().filter(|field| !meant.contains(field)) {
            let who = if name.is_empty() { "a scenario".to_owned() } else { format!("`{name}`") };
            let message = format!("{who} needs `{field}`");
            self.mistakes.push(Diagnostic::error("missing", message, span, format!("no `{field}` here")));
        }
        let verbs = fields.verbs.is_empty() || self.verbs(&written, unknown, span, name, fields);
        verbs && fields.required.iter().all(|field| table.contains_key(field.as_str()))
    }

    /// Whether an entry has exactly one verb.
    fn verbs(&mut self, written: &[(&str, Span)], unknown: bool, span: Span, name: &str, fields: &Struct) -> bool {
        if written.len() != 1 {
            // What the entry would have said is unknown.
            self.incomplete.insert((self.section.0.clone(), String::new()));
        }
        match written {
            [_] => true,
            // The unknown key was meant to be the verb.
            [] if unknown => false,
            [] => {
                let says = if name == "at" { "does" } else { "says" };
                let message = format!("this [[{name}]] {says} nothing");
                let found = Diagnostic::error("no-verb", message, span, "exactly one verb is needed");
                self.mistakes.push(found.help(format!("verbs: {}", fields.verbs.join(", "))));
                false
            }
            _ => {
                let mut written = written.to_vec();
                written.sort_by_key(|(_, place)| *place);
                let article = if name == "never" { "a" } else { "an" };
                let message =
                    format!("{article} [[{name}]] entry has exactly one verb, this one has {}", written.len());
                let same = if name == "at" { "time" } else { "window" };
                let found = Diagnostic::error("two-verbs", message, written[0].1, "first verb")
                    .and(written[1].1, "one too many")
                    .help(format!("start a second [[{name}]] with the same {same}"));
                self.mistakes.push(found);
                false
            }
        }
    }

    fn map(&mut self, table: &mut Table<'_>, span: Span, key_kind: Option<&str>, shape: &'static Shape, name: &str) {
        self.depth += 1;
        let mut gone: Vec<String> = Vec::new();
        for (key, value) in table.iter_mut() {
            let (key_text, place) = (key.get_ref().as_ref(), tree::key_span(key));
            if self.depth == 2 {
                self.section.1 = key_text.to_owned();
            }
            if let Some(found) = malformed_key(key_kind, key_text, place) {
                self.mistakes.push(found);
                gone.push(key_text.to_owned());
                self.incomplete.insert(self.section.clone());
                self.leave_out(value);
                continue;
            }
            let whole = value.clone();
            let called =
                if key_text.contains('.') { format!("{name}.\"{key_text}\"") } else { format!("{name}.{key_text}") };
            if !self.node(value, shape, &called) {
                self.leave_out(&whole);
                self.incomplete.insert(self.section.clone());
                match shape {
                    // The declaration stays, so that references to it are not reported as well.
                    Shape::Struct(fields) if fields.required.is_empty() && tree::table(value).is_none() => {
                        *value = toml::Spanned::new(value.span(), DeValue::Table(Table::new()));
                    }
                    _ => gone.push(key_text.to_owned()),
                }
            }
        }
        remove(table, &gone);
        if !gone.is_empty() {
            self.pruned.insert(span);
        }
        self.depth -= 1;
    }

    fn wrong_type(&mut self, node: &Node<'_>, takes: &str, name: &str) {
        let span = tree::span(node);
        let label = match node.get_ref() {
            DeValue::String(_) => "this is a string",
            DeValue::Integer(_) => "this is an integer",
            DeValue::Float(_) => "this is a fraction",
            DeValue::Boolean(_) => "this is true or false",
            DeValue::Datetime(_) => "this is a date or time",
            DeValue::Array(_) => "this is an array",
            DeValue::Table(_) => "this is a table",
        };
        let written = self.sources.slice(span);
        let help = match (takes, node.get_ref()) {
            ("true or false" | "an integer" | "a day" | "a date-time", DeValue::String(text)) if text.len() < 40 => {
                Some(format!("write {text} without quotes"))
            }
            ("an array", DeValue::Table(_)) if matches!(name, "at" | "expect" | "never") => {
                Some(format!("write `[[{name}]]`: each entry has its own header in double brackets"))
            }
            ("a string or an array of strings", DeValue::Boolean(_) | DeValue::Integer(_)) => {
                Some(format!("values of axes are named by text: write \"{written}\""))
            }
            ("an array", value) if value.is_str() || value.is_integer() => {
                (written.len() < 80).then(|| format!("write [{written}]"))
            }
            ("a string", DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_)) => {
                Some(format!("write \"{written}\""))
            }
            ("a day", _) => Some("write a TOML date such as 2026-03-02".to_owned()),
            _ => None,
        };
        let message = format!("`{name}` takes {takes}");
        self.mistakes.push(Diagnostic::error("wrong-type", message, span, label).maybe_help(help));
    }
}

/// Removes keys from a table. One by one, each removal would move all keys behind it.
fn remove(table: &mut Table<'_>, gone: &[String]) {
    if !gone.is_empty() {
        let gone: BTreeSet<&str> = gone.iter().map(String::as_str).collect();
        let whole = std::mem::replace(table, Table::new());
        *table = whole.into_iter().filter(|(key, _)| !gone.contains(key.get_ref().as_ref())).collect();
    }
}

/// What a shape takes, in words.
fn takes(shape: &Shape) -> &'static str {
    match shape {
        Shape::Struct(_) | Shape::Map { .. } => "a table",
        Shape::List(_) => "an array",
        Shape::Words(_) | Shape::Text(_) => "a string",
        Shape::Scalar(_, info) => info.what,
        Shape::Integer { .. } => "an integer",
        Shape::Boolean => "true or false",
        Shape::DateTime => "a date-time",
        Shape::Date => "a day",
        Shape::Names => "a string or an array of strings",
        Shape::Anything => "a value",
    }
}

/// Whether any text is allowed there, including braces.
fn takes_any_text(shape: &Shape) -> bool {
    match shape {
        Shape::Text(kind) => {
            matches!(kind, TextKind::Text | TextKind::ZoneText | TextKind::MessageText | TextKind::Plain)
        }
        Shape::Anything => true,
        _ => false,
    }
}

/// The name in a string that is nothing but a name in braces.
fn lone_axis<'n>(node: &'n Node<'_>) -> Option<&'n str> {
    let name = tree::string(node)?.strip_prefix('{')?.strip_suffix('}')?;
    not_a_name(name).is_none().then_some(name)
}

const NAME_LABEL: &str = "a name is made of a-z, 0-9 and `-`";

/// The part of a text that a name cannot contain.
fn not_a_name(text: &str) -> Option<std::ops::Range<usize>> {
    if text.is_empty() {
        return Some(0..0);
    }
    let (at, bad) = text.char_indices().find(|(_, c)| !matches!(c, 'a'..='z' | '0'..='9' | '-'))?;
    Some(at..at + bad.len_utf8())
}

fn malformed_key(kind: Option<&str>, key: &str, place: Span) -> Option<Diagnostic> {
    match kind? {
        "Name" => {
            not_a_name(key)?;
            Some(Diagnostic::error("bad-value", format!("`{}` is not a name", shown(key)), place, NAME_LABEL))
        }
        definition => {
            let info = scalar_named(definition)?;
            let malformed = (info.check)(key).err()?;
            let message = format!("`{}` is not {}", shown(key), info.what);
            Some(Diagnostic::error("bad-value", message, place, malformed.label).help(info.help))
        }
    }
}

/// From this many mistakes on, none gets a help line with the nearest name: it would not be shown, and to find it costs
/// most.
pub(crate) const MOST_HELPED: usize = 1000;

/// The keys that a file has once, before its tables.
const AT_THE_TOP: [&str; 8] = ["title", "story", "covers", "world", "epoch", "until", "seed", "seed-sensitive"];

fn unknown_key(key: &str, place: Span, name: &str, fields: &Struct, helped: bool) -> Diagnostic {
    if AT_THE_TOP.contains(&key) && !name.is_empty() {
        let message = format!("`{key}` is inside `{name}`");
        let found = Diagnostic::error("misplaced-key", message, place, "it belongs to the whole file");
        return found.help("move it above the first table");
    }
    let message = match name {
        "" => format!("unknown key `{key}` at the top of the file"),
        name => format!("unknown key `{key}` in `{name}`"),
    };
    let found = Diagnostic::error("unknown-key", message, place, "no such key");
    if helped { found.nearest(key, fields.fields.iter().map(|(field, _)| field.as_str())) } else { found }
}

fn out_of_range(name: &str, number: &str, span: Span, range: &str) -> Diagnostic {
    Diagnostic::error("bad-value", format!("`{name}` cannot be {number}"), span, range)
}

/// A text as shown in a message: its first line, cut if it is long.
pub(crate) fn shown(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() > 60 || line.len() < text.trim_end().len() {
        let start: String = line.chars().take(57).collect();
        return format!("{start}…");
    }
    line.to_owned()
}
