//! The JSON schema of a scenario file, for editors and for the check of the tree.
//!
//! `schemars` generates it from the types (draft 7, which the editors' tools read). Its result is changed in four ways:
//! `null` is removed from optional fields, because TOML has none; entries with verbs take exactly one of them; every
//! value that is not a string also takes a string that names an axis; and axes may have any name.

use std::sync::OnceLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map as Object, Value, json};

use super::scenario::File;
use super::values::{ScalarInfo, TextKind, scalar_named};

/// A string that is nothing but an axis.
const AXIS_PATTERN: &str = r"^\{[a-z0-9-]+\}$";

/// The fields of an entry that are not verbs.
pub(crate) const NO_VERBS: [&str; 4] = ["time", "after", "within", "when"];

/// The schema that is published for editors.
pub fn schema() -> Value {
    let mut schema = base();
    each_object(&mut schema, &mut also_axis);
    if let Some(object) = schema.as_object_mut() {
        object.insert("$id".into(), json!("scenario.schema.json"));
    }
    schema
}

/// [`schema`] as it is committed: indented, with a line end behind it.
pub fn text() -> String {
    format!("{:#}\n", schema())
}

/// Where the meanings of words are.
pub(crate) const WORD_MEANINGS: &str = "/x-taplo/docs/enumValues";

/// The schema of the types, without axes in place of values.
pub(crate) fn base() -> Value {
    let generator = SchemaSettings::draft07().into_generator();
    let mut schema = generator.into_root_schema_for::<File>().to_value();
    each_object(&mut schema, &mut without_null);
    for entry in ["AtEntry", "ExpectEntry"] {
        if let Some(definition) = schema.pointer_mut(&format!("/definitions/{entry}")).and_then(Value::as_object_mut) {
            let verbs: Vec<Value> = definition
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flat_map(|properties| properties.keys())
                .filter(|key| !NO_VERBS.contains(&key.as_str()))
                .map(|verb| json!({ "required": [verb] }))
                .collect();
            definition.insert("oneOf".into(), Value::Array(verbs));
        }
    }
    if let Some(variants) = schema.pointer_mut("/definitions/Variants").and_then(Value::as_object_mut) {
        variants.insert("additionalProperties".into(), Value::Bool(true));
    }
    schema
}

/// Calls `change` for every object that is a schema or holds schemas, inner ones first.
fn each_object(value: &mut Value, change: &mut dyn FnMut(&mut Object<String, Value>)) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(|inner| each_object(inner, change));
            change(object);
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| each_object(inner, change)),
        _ => {}
    }
}

fn without_null(object: &mut Object<String, Value>) {
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            object.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(options)) = object.get_mut("anyOf") {
        options.retain(|option| option.get("type").is_none_or(|kind| kind != "null"));
        if let [only] = &options[..] {
            let only = only.clone();
            object.remove("anyOf");
            // Draft 7 ignores keywords beside `$ref`, so the description needs an `allOf`.
            if object.is_empty() {
                object.extend(only.as_object().cloned().unwrap_or_default());
            } else {
                object.insert("allOf".into(), json!([only]));
            }
        }
    }
    if object.get("pattern").is_some_and(|pattern| pattern == "") {
        object.remove("pattern");
    }
    // Tools for TOML do not know these formats, so the bounds that they imply are written instead.
    if object.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint")) {
        let format = object.remove("format");
        if format.is_some_and(|format| format == "uint32") {
            object.entry("maximum").or_insert(u32::MAX.into());
        }
    }
}

/// Lets a value that is not a string also be a string that names an axis.
fn also_axis(object: &mut Object<String, Value>) {
    let kind = object.get("type").and_then(Value::as_str).unwrap_or_default();
    if matches!(kind, "boolean" | "integer" | "array" | "object") && !object.contains_key("$schema") {
        // Keywords apply to one type each, so the pattern concerns strings only.
        let types = json!([kind, "string"]);
        object.insert("type".into(), types);
        object.insert("pattern".into(), AXIS_PATTERN.into());
    } else if let Some(words) = object.get("enum").cloned()
        && kind == "string"
    {
        object.remove("enum");
        let meanings = object.remove("x-taplo");
        let words = json!({ "enum": words, "x-taplo": meanings });
        object.insert("anyOf".into(), json!([words, { "pattern": AXIS_PATTERN }]));
    } else if kind == "string"
        && let Some(pattern) = object.get("pattern").and_then(Value::as_str)
        && pattern != AXIS_PATTERN
    {
        let both = format!("({pattern})|\\{{[a-z0-9-]+\\}}");
        object.insert("pattern".into(), both.into());
    }
}

/// The values that the schema allows at a place of the tree.
pub(crate) enum Shape {
    Struct(Struct),
    Map {
        key: Option<String>,
        value: Box<Shape>,
    },
    List(Box<Shape>),
    /// One of these words.
    Words(Vec<String>),
    /// A string with a syntax of its own, by the name of its definition.
    Scalar(String, ScalarInfo),
    /// A string whose meaning is resolved later.
    Text(TextKind),
    Integer {
        least: i128,
        most: i128,
    },
    Boolean,
    DateTime,
    Date,
    /// A string or a list of strings.
    Names,
    Anything,
}

pub(crate) struct Struct {
    pub(crate) fields: Vec<(String, Shape)>,
    pub(crate) required: Vec<String>,
    /// The fields of which exactly one is required, if any.
    pub(crate) verbs: Vec<String>,
}

impl Struct {
    pub(crate) fn field(&self, name: &str) -> Option<&Shape> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, shape)| shape)
    }
}

/// The shape of a whole file.
pub(crate) fn shape() -> &'static Shape {
    static SHAPE: OnceLock<Shape> = OnceLock::new();
    SHAPE.get_or_init(|| {
        let schema = base();
        Compiler { definitions: schema.get("definitions").and_then(Value::as_object) }.compile(&schema)
    })
}

struct Compiler<'s> {
    definitions: Option<&'s Object<String, Value>>,
}

impl Compiler<'_> {
    fn compile(&self, schema: &Value) -> Shape {
        if let Some([only]) = schema.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
            return self.compile(only);
        }
        if let Some(name) =
            schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix("#/definitions/"))
        {
            return self.named(name);
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("boolean") => Shape::Boolean,
            Some("integer") => integer(schema),
            Some("string") => Shape::Text(TextKind::Plain),
            Some("array") => {
                Shape::List(Box::new(schema.get("items").map_or(Shape::Anything, |items| self.compile(items))))
            }
            Some("object") => self.object(schema),
            _ => Shape::Anything,
        }
    }

    fn named(&self, name: &str) -> Shape {
        if let Some(info) = scalar_named(name) {
            return Shape::Scalar(name.to_owned(), info);
        }
        let Some(definition) = self.definitions.and_then(|definitions| definitions.get(name)) else {
            return Shape::Anything;
        };
        let words = definition.get("enum").and_then(Value::as_array);
        match (name, words) {
            ("AxisValues", _) => Shape::Names,
            ("Epoch", _) => Shape::DateTime,
            ("Day", _) => Shape::Date,
            (_, Some(words)) => Shape::Words(words.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
            _ => TextKind::of(name).map_or_else(|| self.compile(definition), Shape::Text),
        }
    }

    fn object(&self, schema: &Value) -> Shape {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            let strings = |value: Option<&Value>| -> Vec<String> {
                value
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect()
            };
            let verbs = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
            return Shape::Struct(Struct {
                fields: properties.iter().map(|(name, inner)| (name.clone(), self.compile(inner))).collect(),
                required: strings(schema.get("required")),
                verbs: verbs.flat_map(|option| strings(option.get("required"))).collect(),
            });
        }
        let pattern =
            schema.get("patternProperties").and_then(Value::as_object).and_then(|patterns| patterns.iter().next());
        match (pattern, schema.get("additionalProperties")) {
            (Some((pattern, inner)), _) => {
                Shape::Map { key: self.key_named_by(pattern), value: Box::new(self.compile(inner)) }
            }
            (None, Some(inner)) if inner.is_object() => Shape::Map { key: None, value: Box::new(self.compile(inner)) },
            _ => Shape::Anything,
        }
    }

    /// What keys of a map are: `schemars` keeps only the pattern of their type.
    fn key_named_by(&self, pattern: &str) -> Option<String> {
        let same = |name: &&str| {
            let definition = self.definitions.and_then(|definitions| definitions.get(*name));
            definition.and_then(|definition| definition.get("pattern")).is_some_and(|other| other == pattern)
        };
        ["Name", "Address", "DomainName"].iter().find(|name| same(name)).map(|name| (*name).to_owned())
    }
}

fn integer(schema: &Value) -> Shape {
    let bound = |key: &str| schema.get(key).and_then(Value::as_i64).map(i128::from);
    Shape::Integer { least: bound("minimum").unwrap_or(0), most: bound("maximum").unwrap_or(i128::from(i64::MAX)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A string that nobody knows would be checked by nobody.
    #[test]
    fn every_string_has_a_meaning() {
        let schema = base();
        let definitions = schema["definitions"].as_object().expect("there are definitions");
        let strings = definitions.iter().filter(|(_, definition)| definition["type"] == "string");
        for (name, definition) in strings {
            let words = definition.get("enum").is_some();
            let special = matches!(name.as_str(), "Epoch" | "Day" | "Time");
            assert!(words || special || scalar_named(name).is_some() || TextKind::of(name).is_some(), "{name}");
        }
    }
}
