//! Master-file text (RFC 1035 §5.1), the part of it that a scenario needs.
//!
//! One record a line, or over several lines in parentheses: `owner [ttl] [IN] TYPE data`, comments after `;`. A line
//! that begins with a blank has the owner of the line above. Names without a final dot are relative to the origin, `@`
//! is the origin. A TTL is a number of seconds or a duration such as `1h30m`. Data of any type may be written as `\#
//! length hexadecimal` (RFC 3597 §5). There are no `$` directives.
//!
//! Text in braces is a reference: [`parse`] gives it to the caller, and the caller's replacement is read as if it had
//! been written there, while every error still points at the text as written.

use std::ops::Range;

use crate::name::Name;
use crate::record::{Record, RecordType};
use crate::zonefile_data::name;
use crate::zonefile_text::tokens;

pub use crate::zonefile_data::{Assigned, DataError, DataProblem, Field, FieldKind, assign, data, fields};
pub use crate::zonefile_text::{Body, Line, SyntaxError, SyntaxProblem, Token, ZoneTextError, lines};

/// A record and its place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The record.
    pub record: Record,
    /// Its first to last character.
    pub span: Range<usize>,
    /// Whether the text gave a TTL.
    pub own_ttl: bool,
}

/// A reference in braces, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    /// The text between the braces.
    pub text: &'a str,
    /// The braces and the text between them.
    pub span: Range<usize>,
    /// The type of the record; none while its owner is read.
    pub rtype: Option<RecordType>,
}

/// Reads records. `references` gives the text that takes the place of a reference, or a phrase that says what was expected
/// there.
///
/// # Errors
/// All mistakes, in the order of the text.
pub fn parse_with(
    text: &str,
    origin: &Name,
    default_ttl: u32,
    references: &mut dyn FnMut(Reference<'_>) -> Result<String, String>,
) -> Result<Vec<Entry>, Vec<ZoneTextError>> {
    let (lines, errors) = lines(text);
    let mut errors: Vec<ZoneTextError> = errors.iter().map(|error| error.in_text(text)).collect();
    let mut entries = Vec::new();
    let mut owner: Option<Name> = None;
    for line in lines {
        match read_line(text, line, origin, default_ttl, &mut owner, references) {
            Ok(entry) => entries.push(entry),
            Err(error) => errors.push(error),
        }
    }
    errors.sort_by_key(|error| error.span.start);
    if errors.is_empty() { Ok(entries) } else { Err(errors) }
}

/// Reads records of text without references.
///
/// # Errors
/// All mistakes, in the order of the text.
pub fn parse(text: &str, origin: &Name, default_ttl: u32) -> Result<Vec<Entry>, Vec<ZoneTextError>> {
    parse_with(text, origin, default_ttl, &mut |_| Err("text without references".to_owned()))
}

type References<'a> = &'a mut dyn FnMut(Reference<'_>) -> Result<String, String>;

fn read_line(
    text: &str,
    line: Line,
    origin: &Name,
    default_ttl: u32,
    above: &mut Option<Name>,
    references: References<'_>,
) -> Result<Entry, ZoneTextError> {
    if let Some(written) = line.owner {
        // The line's own mistake must not give the next lines a wrong owner.
        *above = None;
        if let Err(error @ SyntaxError { problem: SyntaxProblem::Directive, .. }) = &line.body {
            return Err(error.in_text(text));
        }
        let token = one(substitute(written.clone(), None, references)?, &written)?;
        *above = Some(name(&token, origin).map_err(|error| error.in_line(line.span.end))?);
    }
    let owner = above.clone().ok_or_else(|| ZoneTextError {
        span: line.span.start..line.span.start,
        found: "a record without an owner".to_owned(),
        expected: "an owner at the beginning of the line".to_owned(),
    })?;
    let body = line.body.map_err(|error| error.in_text(text))?;
    let rtype = record_type(&body)?;
    let mut words = Vec::new();
    for token in body.data {
        words.extend(substitute(token, Some(rtype), references)?);
    }
    let rdata = data(rtype, &body.rtype.span, &words, origin).map_err(|error| error.in_line(line.span.end))?;
    let record = Record::new(owner, rtype, body.ttl.unwrap_or(default_ttl), rdata);
    Ok(Entry { record, span: line.span, own_ttl: body.ttl.is_some() })
}

fn record_type(body: &Body) -> Result<RecordType, ZoneTextError> {
    let token = &body.rtype;
    match token.text.parse::<RecordType>() {
        Ok(RecordType::OPT | RecordType::ANY) => Err(token.expected("a type that zones hold")),
        Ok(rtype) if !token.quoted => Ok(rtype),
        _ if body.ttl.is_some() => Err(token.expected("a record type")),
        _ => Err(token.expected("a record type, or a TTL before it")),
    }
}

/// Replaces the references of a token. Text that holds blanks or quotes becomes several tokens.
fn substitute(
    token: Token,
    rtype: Option<RecordType>,
    references: References<'_>,
) -> Result<Vec<Token>, ZoneTextError> {
    let mut text = String::new();
    let mut rest = token.text.as_str();
    let mut offset = token.span.start + usize::from(token.quoted);
    let mut found = false;
    while let Some(open) = rest.find('{') {
        let Some(length) = rest.get(open..).and_then(|tail| tail.find('}')) else { break };
        let inner = rest.get(open + 1..open + length).unwrap_or_default();
        let span = offset + open..offset + open + length + 1;
        // A macro of SPF (RFC 7208 §7): text like any other.
        if rest.get(..open).is_some_and(|before| before.ends_with('%')) {
            text.push_str(rest.get(..open + length + 1).unwrap_or_default());
            offset += open + length + 1;
            rest = rest.get(open + length + 1..).unwrap_or_default();
            continue;
        }
        let replacement = references(Reference { text: inner, span: span.clone(), rtype })
            .map_err(|expected| ZoneTextError { span, found: format!("`{{{inner}}}`"), expected })?;
        found = true;
        text.push_str(rest.get(..open).unwrap_or_default());
        text.push_str(&replacement);
        offset += open + length + 1;
        rest = rest.get(open + length + 1..).unwrap_or_default();
    }
    if !found {
        return Ok(vec![token]);
    }
    text.push_str(rest);
    if token.quoted {
        return Ok(vec![Token { text, ..token }]);
    }
    let (parts, errors) = tokens(&text);
    if let Some(error) = errors.first() {
        return Err(ZoneTextError { span: token.span, ..error.in_text(&text) });
    }
    Ok(parts.into_iter().map(|part| Token { span: token.span.clone(), ..part }).collect())
}

fn one(tokens: Vec<Token>, written: &Token) -> Result<Token, ZoneTextError> {
    match <[Token; 1]>::try_from(tokens) {
        Ok([token]) => Ok(token),
        Err(_) => Err(written.expected("one name")),
    }
}
