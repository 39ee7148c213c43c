//! The tree of a TOML text: parsing with recovery, and the differences between TOML 1.0 and 1.1.

use std::collections::BTreeSet;

use toml::de::{DeString, DeTable, DeValue};

use super::diagnostics::Diagnostic;
use super::spanned::Span;

/// A value of the tree, with its place.
pub(crate) type Node<'t> = toml::Spanned<DeValue<'t>>;
/// A key of the tree, with its place.
pub(crate) type Key<'t> = toml::Spanned<DeString<'t>>;
/// A table of the tree.
pub(crate) type Table<'t> = DeTable<'t>;

/// Where a value is written.
pub(crate) fn span(node: &Node<'_>) -> Span {
    Span::new(node.span())
}

/// Where a key is written.
pub(crate) fn key_span(key: &Key<'_>) -> Span {
    Span::new(key.span())
}

/// The table in a node, if it is one.
pub(crate) fn table<'n, 't>(node: &'n Node<'t>) -> Option<&'n Table<'t>> {
    match node.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

/// The text in a node, if it is a string.
pub(crate) fn string<'n>(node: &'n Node<'_>) -> Option<&'n str> {
    node.get_ref().as_str()
}

/// Parses a text whose first byte has the offset `offset`. If the result has no mistakes, the table is complete.
pub(crate) fn parse(text: &str, offset: usize) -> (Table<'_>, Vec<Diagnostic>) {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut mistakes: Vec<Diagnostic> = Vec::new();
    let mut lines = BTreeSet::new();
    let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    for error in &errors {
        let span = Span::new(error.span().unwrap_or(0..0));
        // Further mistakes on the same line are consequences of the first.
        if lines.insert(starts.partition_point(|start| *start <= span.start)) {
            mistakes.push(syntax_error(text, error.message(), span));
        }
    }
    let root = root.into_inner();
    if mistakes.is_empty() {
        newer(&root, text, &mut mistakes);
    }
    for mistake in &mut mistakes {
        mistake.primary.span = mistake.primary.span.moved(offset);
    }
    (if offset == 0 { root } else { moved(root, offset) }, mistakes)
}

fn syntax_error(text: &str, message: &str, span: Span) -> Diagnostic {
    if message == "duplicate key" {
        let name = text.get(span.range()).unwrap_or_default().trim_matches(['"', '\'']);
        let rest = text.get(span.end..).unwrap_or_default().trim_start();
        let value = rest.strip_prefix('=').map(str::trim_start);
        let help = match value {
            Some(value) if !value.starts_with('{') => "a key may appear once; remove one of the two",
            _ => "a table may appear once; merge the two",
        };
        return Diagnostic::error("toml", format!("`{name}` is declared twice"), span, "again here").help(help);
    }
    if let Some((word, place)) = bare_word(text, span.start) {
        let found = Diagnostic::error("toml", format!("`{word}` is not a value: text needs quotes"), place, "here");
        return found.help(format!("write \"{word}\""));
    }
    Diagnostic::error("toml", format!("not TOML: {message}"), span, "here")
}

/// The word without quotes that is the whole value of the key on this line, and its place.
fn bare_word(text: &str, at: usize) -> Option<(&str, Span)> {
    let at = text.floor_char_boundary(at);
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let line = text[start..].lines().next()?;
    let (key, value) = line.split_once('=')?;
    let word = value.split('#').next()?.trim();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | ' ' | '{' | '}');
    let is_text =
        word.starts_with(|c: char| c.is_alphabetic() || c == '{') && word.len() < 80 && word.chars().all(plain);
    // What begins like a table is one, and mistakes in it are its own.
    if !is_text || word.starts_with('{') && !word.ends_with('}') || word.contains(' ') && word.starts_with('{') {
        return None;
    }
    let first = start + key.len() + 1 + value.find(word)?;
    Some((word, Span::new(first..first + word.len())))
}

/// The same table with spans moved by `offset`.
fn moved(table: Table<'_>, offset: usize) -> Table<'_> {
    let mut result = Table::new();
    for (key, value) in table {
        let span = key_span(&key).moved(offset).range();
        result.insert(toml::Spanned::new(span, key.into_inner()), moved_node(value, offset));
    }
    result
}

fn moved_node(node: Node<'_>, offset: usize) -> Node<'_> {
    let range = span(&node).moved(offset).range();
    let value = match node.into_inner() {
        DeValue::Array(items) => DeValue::Array(items.into_iter().map(|item| moved_node(item, offset)).collect()),
        DeValue::Table(inner) => DeValue::Table(moved(inner, offset)),
        scalar => scalar,
    };
    toml::Spanned::new(range, value)
}

/// Finds what TOML 1.0 does not have: tables in braces that span several lines or end in a comma, the escapes `\e` and
/// `\x`, times without seconds.
fn newer(table: &Table<'_>, text: &str, mistakes: &mut Vec<Diagnostic>) {
    for (_, value) in table {
        newer_in(value, text, mistakes);
    }
}

fn newer_in(node: &Node<'_>, text: &str, mistakes: &mut Vec<Diagnostic>) {
    match node.get_ref() {
        DeValue::Table(inner) => {
            if let Some(written) = text.get(node.span()).filter(|written| written.starts_with('{')) {
                scan_braces(written, node.span().start, mistakes);
            }
            newer(inner, text, mistakes);
        }
        DeValue::Array(items) => items.iter().for_each(|item| newer_in(item, text, mistakes)),
        DeValue::String(_) => {
            let written = text.get(node.span()).unwrap_or_default();
            if let Some(at) = newer_escape(written) {
                let start = node.span().start + at;
                let span = Span::new(start..start + 2);
                let message = format!("`{}` is not an escape (TOML 1.0)", &written[at..at + 2]);
                let found = Diagnostic::error("toml", message, span, "here");
                mistakes.push(found.help("write the character as \\u and four hexadecimal digits"));
            }
        }
        DeValue::Datetime(value) => {
            let written = text.get(node.span()).unwrap_or_default();
            let colons = if zone_has_colon(written) { 3 } else { 2 };
            if value.time.is_some() && written.matches(':').count() < colons {
                let message = "a time has seconds (TOML 1.0)";
                mistakes.push(Diagnostic::error("toml", message, span(node), "they are missing here"));
            }
        }
        _ => {}
    }
}

/// Where a basic string has an escape of TOML 1.1.
fn newer_escape(written: &str) -> Option<usize> {
    if !written.starts_with('"') {
        return None;
    }
    let bytes = written.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (byte, bytes.get(at + 1)) {
            (b'\\', Some(b'e' | b'x')) => return Some(at),
            (b'\\', _) => at += 2,
            _ => at += 1,
        }
    }
    None
}

/// Whether a date-time ends in an offset such as `+01:00`.
fn zone_has_colon(written: &str) -> bool {
    let time = written.find(':').map(|at| &written[at..]).unwrap_or_default();
    time.contains(['+', '-'])
}

/// Scans one table in braces, which is known to be well-formed; nested tables are found separately.
fn scan_braces(written: &str, start: usize, mistakes: &mut Vec<Diagnostic>) {
    const HELP: &str = "write it as a [section], or as [at.send], [expect.delivered]";
    let bytes = written.as_bytes();
    let mut open: Vec<(u8, usize)> = Vec::new();
    let mut after_comma = false;
    let mut refused: Vec<usize> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let mut next = at + 1;
        match byte {
            b'{' | b'[' => open.push((byte, at)),
            b'}' | b']' => {
                if let Some((b'{', opened)) = open.pop()
                    && after_comma
                {
                    refused.push(opened);
                }
            }
            b'\n' => {
                if let Some((b'{', opened)) = open.last() {
                    refused.push(*opened);
                }
            }
            b'"' | b'\'' => next = at + string_length(&bytes[at..]),
            b'#' => next = at + bytes[at..].iter().position(|b| *b == b'\n').unwrap_or(bytes.len() - at),
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            after_comma = byte == b',';
        }
        at = next;
    }
    refused.retain(|opened| *opened == 0);
    refused.dedup();
    for opened in refused {
        let span = Span::new(start + opened..start + opened + 1);
        let message = "a table in braces ends on its line (TOML 1.0)";
        mistakes.push(Diagnostic::error("toml", message, span, "opened here").help(HELP));
    }
}

/// The length of the TOML string that `bytes` begin with, its quotes included.
fn string_length(bytes: &[u8]) -> usize {
    let Some(&quote) = bytes.first() else { return 1 };
    let long = bytes.starts_with(&[quote; 3]);
    let escapes = quote == b'"';
    let mut at = if long { 3 } else { 1 };
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if escapes => at += 2,
            byte if byte == quote && !long => return at + 1,
            byte if byte == quote && bytes[at..].starts_with(&[quote; 3]) => {
                // Up to two quotes may precede the closing three.
                let quotes = bytes[at..].iter().take(5).take_while(|b| **b == quote).count();
                return at + quotes;
            }
            _ => at += 1,
        }
    }
    bytes.len()
}
