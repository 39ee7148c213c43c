//! Axes and cells (reference section 9): the file is read once for each combination of the axes' values, which stand
//! where `{axis}` is written.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use toml::de::DeValue;

use super::diagnostics::Diagnostic;
use super::spanned::Span;
use super::tree::{self, Node, Table};

/// An axis of the matrix.
pub(crate) struct Axis<'t> {
    pub(crate) name: String,
    pub(crate) span: Span,
    /// The values by name.
    pub(crate) values: IndexMap<String, Node<'t>>,
}

/// The most cells that a file may have.
pub(crate) const MOST_CELLS: usize = 64;

/// The top-level keys of a file that must not contain `{axis}`.
const FIXED: [&str; 4] = ["title", "covers", "world", "variants"];

/// Takes `[variants]` out of the tree.
pub(crate) fn take<'t>(tree: &mut Table<'t>, mistakes: &mut Vec<Diagnostic>) -> Vec<Axis<'t>> {
    let Some((_, variants)) = tree.remove_entry("variants") else { return Vec::new() };
    let place = tree::span(&variants);
    if tree::table(&variants).is_some_and(Table::is_empty) {
        let found = Diagnostic::error("no-effect", "`variants` has no axis", place, "the file has one cell");
        mistakes.push(found.help("write an axis such as how = [\"kill\", \"power-loss\"], or remove it"));
    }
    let DeValue::Table(table) = variants.into_inner() else {
        mistakes.push(Diagnostic::error("wrong-type", "`variants` takes a table", place, "this is not a table"));
        return Vec::new();
    };
    let mut axes = Vec::new();
    for (key, value) in table {
        let (name, span) = (key.get_ref().to_string(), tree::key_span(&key));
        if name.is_empty() || name.contains(|c: char| !matches!(c, 'a'..='z' | '0'..='9' | '-')) {
            let message = format!("`{name}` is not a name");
            mistakes.push(Diagnostic::error("bad-value", message, span, "a name is made of a-z, 0-9 and `-`"));
            continue;
        }
        let is_one_value = !matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_));
        let values = values(&name, value, mistakes);
        if values.len() < 2 && !is_one_value {
            let message = format!("axis `{name}` has fewer than two values");
            let help = "write the value where it belongs, or give the axis another one";
            mistakes.push(Diagnostic::error("short-axis", message, span, "nothing varies").help(help));
        }
        axes.push(Axis { name, span, values });
    }
    let cells = axes.iter().fold(1usize, |product, axis| product.saturating_mul(axis.values.len().max(1)));
    if cells > MOST_CELLS {
        let span = axes.first().map_or(place, |axis| axis.span);
        let message = format!("{cells} cells are more than the limit of {MOST_CELLS}");
        mistakes.push(Diagnostic::error("limit", message, span, "this matrix"));
        axes.clear();
    }
    axes
}

fn values<'t>(axis: &str, node: Node<'t>, mistakes: &mut Vec<Diagnostic>) -> IndexMap<String, Node<'t>> {
    let place = tree::span(&node);
    let mut values = IndexMap::new();
    let mut insert = |name: String, span: Span, value: Node<'t>, mistakes: &mut Vec<Diagnostic>| {
        if name.is_empty() || name.contains(|c: char| c.is_control() || "[],=/\\#".contains(c)) {
            let message = format!("`{name}` cannot name a cell");
            let help = "write a table of named values";
            mistakes.push(Diagnostic::error("bad-value", message, span, "this value needs a name").help(help));
        } else if values.contains_key(&name) {
            let message = format!("axis `{axis}` has the value `{name}` twice");
            mistakes.push(Diagnostic::error("duplicate-name", message, span, "again here"));
        } else {
            values.insert(name, value);
        }
    };
    match node.into_inner() {
        DeValue::Table(table) => {
            for (key, value) in table {
                insert(key.get_ref().to_string(), tree::key_span(&key), value, mistakes);
            }
        }
        DeValue::Array(items) => {
            for item in items {
                let span = tree::span(&item);
                match text(item.get_ref()) {
                    Some(name) => insert(name, span, item, mistakes),
                    None => {
                        let message = format!("an item of axis `{axis}` takes a string, an integer, or true or false");
                        let help = "write a table of named values";
                        mistakes.push(Diagnostic::error("wrong-type", message, span, "this has no name").help(help));
                    }
                }
            }
        }
        value => {
            let message = format!("axis `{axis}` takes an array, or a table of named values");
            mistakes.push(Diagnostic::error("wrong-type", message, place, "this is one value"));
            // The axis stays known, so that its uses are not reported as well.
            return IndexMap::from([(String::new(), toml::Spanned::new(place.range(), value))]);
        }
    }
    values
}

/// The text of a value inside a string.
fn text(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Boolean(value) => Some(value.to_string()),
        _ => None,
    }
}

/// All combinations, the last axis varying fastest: each the index of a value for each axis.
pub(crate) fn combinations(axes: &[Axis<'_>]) -> Vec<Vec<usize>> {
    let mut cells = vec![Vec::new()];
    for axis in axes {
        let longer = |cell: &Vec<usize>| {
            let cell = cell.clone();
            (0..axis.values.len())
                .map(move |index| {
                    let mut cell = cell.clone();
                    cell.push(index);
                    cell
                })
                .collect::<Vec<_>>()
        };
        cells = cells.iter().flat_map(longer).collect();
    }
    cells
}

/// The names of the values of a cell, by axis.
pub(crate) fn names(axes: &[Axis<'_>], cell: &[usize]) -> IndexMap<String, String> {
    let name = |(axis, index): (&Axis<'_>, &usize)| {
        let value = axis.values.get_index(*index).map(|(name, _)| name.clone()).unwrap_or_default();
        (axis.name.clone(), value)
    };
    axes.iter().zip(cell).map(name).collect()
}

/// `[stage=mail,how=kill]`, or nothing for a file without axes.
pub(crate) fn suffix(values: &IndexMap<String, String>) -> String {
    if values.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> = values.iter().map(|(axis, value)| format!("{axis}={value}")).collect();
    format!("[{}]", pairs.join(","))
}

/// Replaces the axes by the values of one cell.
pub(crate) struct Substitution<'a, 't> {
    axes: &'a [Axis<'t>],
    cell: &'a [usize],
    /// The axes that were found somewhere.
    pub(crate) used: BTreeSet<String>,
    /// Axes in places where none is allowed.
    pub(crate) mistakes: Vec<Diagnostic>,
}

impl<'a, 't> Substitution<'a, 't> {
    pub(crate) fn new(axes: &'a [Axis<'t>], cell: &'a [usize]) -> Self {
        Self { axes, cell, used: BTreeSet::new(), mistakes: Vec::new() }
    }

    /// The tree of the cell.
    pub(crate) fn apply(&mut self, tree: &Table<'t>) -> Table<'t> {
        let mut result = Table::new();
        for (key, value) in tree {
            let fixed = FIXED.contains(&key.get_ref().as_ref());
            if fixed {
                self.not_replaced(key.get_ref(), value);
            }
            let value = match value.get_ref() {
                DeValue::Array(entries) if matches!(&**key.get_ref(), "expect" | "never") => {
                    let entries = entries.iter().map(|entry| self.entry(entry)).collect();
                    toml::Spanned::new(value.span(), DeValue::Array(entries))
                }
                _ if fixed || self.axes.is_empty() => value.clone(),
                _ => self.node(value),
            };
            result.insert(key.clone(), value);
        }
        result
    }

    /// Says that the axes in a text that every cell has in common stay as they are.
    fn not_replaced(&mut self, key: &str, value: &Node<'t>) {
        match value.get_ref() {
            DeValue::String(text) => {
                let named = |axis: &&Axis<'t>| text.contains(&format!("{{{}}}", axis.name));
                if let Some(axis) = self.axes.iter().find(named) {
                    let message = format!("`{{{}}}` stays as it is in `{key}`", axis.name);
                    let found = Diagnostic::error("not-here", message, tree::span(value), "the same in every cell");
                    self.mistakes.push(found.help("the name of a cell tells its values"));
                }
            }
            DeValue::Array(items) => items.iter().for_each(|item| self.not_replaced(key, item)),
            _ => {}
        }
    }

    /// An expectation: its `when` names axes and their values, and is left as it is.
    fn entry(&mut self, entry: &Node<'t>) -> Node<'t> {
        let DeValue::Table(table) = entry.get_ref() else { return self.node(entry) };
        let mut result = Table::new();
        for (key, value) in table {
            let value = if &**key.get_ref() == "when" { value.clone() } else { self.node(value) };
            result.insert(key.clone(), value);
        }
        toml::Spanned::new(entry.span(), DeValue::Table(result))
    }

    fn node(&mut self, node: &Node<'t>) -> Node<'t> {
        let value = match node.get_ref() {
            DeValue::String(text) if text.contains('{') => return self.string(node, text),
            DeValue::Array(items) => DeValue::Array(items.iter().map(|item| self.node(item)).collect()),
            DeValue::Table(table) => {
                let mut result = Table::new();
                for (key, value) in table {
                    let value = self.node(value);
                    result.insert(key.clone(), value);
                }
                DeValue::Table(result)
            }
            scalar => scalar.clone(),
        };
        toml::Spanned::new(node.span(), value)
    }

    fn value_of(&self, name: &str) -> Option<&'a Node<'t>> {
        let position = self.axes.iter().position(|axis| axis.name == name)?;
        self.axes[position].values.get_index(*self.cell.get(position)?).map(|(_, value)| value)
    }

    fn string(&mut self, node: &Node<'t>, text: &str) -> Node<'t> {
        let whole = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        if let Some((name, value)) = whole.and_then(|name| Some((name, self.value_of(name)?))) {
            self.used.insert(name.to_owned());
            return value.clone();
        }
        let mut result = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            result.push_str(&rest[..open]);
            rest = &rest[open..];
            let name = rest.find('}').map(|close| &rest[1..close]);
            match name.and_then(|name| Some((name, self.value_of(name)?))) {
                None => {
                    result.push('{');
                    rest = &rest[1..];
                }
                Some((name, value)) => {
                    self.used.insert(name.to_owned());
                    match self::text(value.get_ref()) {
                        Some(text) => result.push_str(&text),
                        None => {
                            let message = format!("a value of axis `{name}` has no text");
                            let label = "it can only stand alone in a string";
                            self.mistakes.push(Diagnostic::error("wrong-type", message, tree::span(node), label));
                        }
                    }
                    rest = &rest[name.len() + 2..];
                }
            }
        }
        result.push_str(rest);
        toml::Spanned::new(node.span(), DeValue::String(result.into()))
    }
}

/// An axis name in braces that names no axis.
pub(crate) fn unknown_axis(name: &str, axes: &[String], span: Span) -> Diagnostic {
    Diagnostic::error("unknown-name", format!("there is no axis `{name}`"), span, "no such axis")
        .nearest(name, axes.iter().map(String::as_str))
}

/// Checks the `when` of all expectations: axes and the names of their values.
pub(crate) fn check_when(tree: &Table<'_>, axes: &[Axis<'_>], mistakes: &mut Vec<Diagnostic>) {
    let names: Vec<String> = axes.iter().map(|axis| axis.name.clone()).collect();
    let entries = ["expect", "never"].into_iter().filter_map(|key| tree.get(key)?.get_ref().as_array());
    for entry in entries.flat_map(|entries| entries.iter()) {
        let Some(when) = tree::table(entry).and_then(|table| tree::table(table.get("when")?)) else { continue };
        for (key, wanted) in when {
            let Some(axis) = axes.iter().find(|axis| axis.name == **key.get_ref()) else {
                mistakes.push(unknown_axis(key.get_ref(), &names, tree::key_span(key)));
                continue;
            };
            let one = std::slice::from_ref(wanted);
            for value in wanted.get_ref().as_array().map_or(one, |items| items) {
                let Some(name) = tree::string(value).filter(|name| !axis.values.contains_key(*name)) else { continue };
                let message = format!("axis `{}` has no value `{name}`", axis.name);
                let found = Diagnostic::error("unknown-name", message, tree::span(value), "no such value");
                mistakes.push(found.nearest(name, axis.values.keys().map(String::as_str)));
            }
        }
    }
}

/// Checks that every axis is used.
pub(crate) fn check_use(axes: &[Axis<'_>], used: &BTreeSet<String>, mistakes: &mut Vec<Diagnostic>) {
    let meant: BTreeSet<String> = mistakes.iter().filter_map(|mistake| mistake.meant.clone()).collect();
    for axis in axes.iter().filter(|axis| !used.contains(&axis.name) && !meant.contains(&axis.name)) {
        let name = &axis.name;
        let message = format!("axis `{name}` is used nowhere");
        let label = "every value would run the same scenario";
        let found = Diagnostic::error("unused-axis", message, axis.span, label);
        mistakes.push(found.help(format!("write `{{{name}}}` where its value belongs, or remove the axis")));
    }
}
