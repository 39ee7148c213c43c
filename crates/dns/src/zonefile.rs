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

use crate::name::{Name, escaped};
use crate::record::{Record, RecordType};

use crate::zonefile_data::Data;

/// A mistake in master-file text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("found {found}, expected {expected}")]
pub struct ZoneTextError {
    /// Which octets of the text.
    pub span: Range<usize>,
    /// What was found: the text in backticks, or a phrase such as `end of line`.
    pub found: String,
    /// What was expected, as a phrase: `an IPv4 address`.
    pub expected: String,
}

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
    let (lines, mut errors) = lex(text);
    let mut entries = Vec::new();
    let mut owner: Option<Name> = None;
    for line in lines {
        match read_line(line, origin, default_ttl, &mut owner, references) {
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

/// One word or quoted string, escapes still in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) quoted: bool,
    pub(crate) span: Range<usize>,
}

impl Token {
    pub(crate) fn expected(&self, expected: impl Into<String>) -> ZoneTextError {
        ZoneTextError { span: self.span.clone(), found: format!("`{}`", self.text), expected: expected.into() }
    }

    /// The octets that the text stands for.
    pub(crate) fn octets(&self) -> Result<Vec<u8>, ZoneTextError> {
        let mut bytes = self.text.bytes();
        let mut octets = Vec::with_capacity(self.text.len());
        while let Some(byte) = bytes.next() {
            octets.push(match byte {
                b'\\' => escaped(&mut bytes).map_err(|_| self.expected("an escape like \\\" or \\200"))?,
                _ => byte,
            });
        }
        Ok(octets)
    }
}

/// The tokens of one record.
struct Line {
    tokens: Vec<Token>,
    starts_blank: bool,
}

/// Splits text into lines of tokens; parentheses join lines. Returns with it what is wrong with quotes and parentheses.
fn lex(text: &str) -> (Vec<Line>, Vec<ZoneTextError>) {
    let bytes = text.as_bytes();
    let (mut lines, mut errors) = (Vec::new(), Vec::new());
    let mut line = Line { tokens: Vec::new(), starts_blank: false };
    let mut open: Option<usize> = None;
    let (mut at, mut line_start) = (0, true);
    while let Some(&byte) = bytes.get(at) {
        if line_start && open.is_none() {
            line.starts_blank = matches!(byte, b' ' | b'\t');
        }
        line_start = false;
        match byte {
            b'\n' => {
                line_start = true;
                if open.is_none() && !line.tokens.is_empty() {
                    lines.push(std::mem::replace(&mut line, Line { tokens: Vec::new(), starts_blank: false }));
                }
                at += 1;
            }
            b' ' | b'\t' | b'\r' => at += 1,
            b';' => {
                at += bytes.get(at..).unwrap_or_default().iter().position(|&b| b == b'\n').unwrap_or(bytes.len() - at)
            }
            b'(' => {
                if open.is_some() {
                    errors.push(mistake(text, at..at + 1, "no second opening parenthesis"));
                }
                open.get_or_insert(at);
                at += 1;
            }
            b')' => {
                if open.take().is_none() {
                    errors.push(mistake(text, at..at + 1, "an opening parenthesis before it"));
                }
                at += 1;
            }
            b'"' => {
                let (end, closed) = quoted_end(bytes, at + 1);
                let span = at..if closed { end + 1 } else { end };
                if closed {
                    let text = text.get(at + 1..end).unwrap_or_default().to_owned();
                    line.tokens.push(Token { text, quoted: true, span: span.clone() });
                } else {
                    errors.push(mistake(text, span.clone(), "a closing quote on the same line"));
                }
                at = span.end;
            }
            _ => {
                let end = word_end(bytes, at);
                let word = text.get(at..end).unwrap_or_default().to_owned();
                line.tokens.push(Token { text: word, quoted: false, span: at..end });
                at = end;
            }
        }
    }
    if let Some(open) = open {
        errors.push(mistake(text, open..open + 1, "a closing parenthesis after it"));
    } else if !line.tokens.is_empty() {
        lines.push(line);
    }
    (lines, errors)
}

fn mistake(text: &str, span: Range<usize>, expected: &str) -> ZoneTextError {
    let found = format!("`{}`", text.get(span.clone()).unwrap_or_default());
    ZoneTextError { span, found, expected: expected.to_owned() }
}

/// The end of the quoted string whose first octet is at `at`, and whether it is closed there.
fn quoted_end(bytes: &[u8], mut at: usize) -> (usize, bool) {
    loop {
        match bytes.get(at) {
            Some(b'"') => return (at, true),
            None | Some(b'\n') => return (at, false),
            Some(b'\\') if bytes.get(at + 1).is_some_and(|&next| next != b'\n') => at += 2,
            Some(_) => at += 1,
        }
    }
}

/// The end of the word that begins at `at`. Blanks in braces belong to it.
fn word_end(bytes: &[u8], mut at: usize) -> usize {
    loop {
        match bytes.get(at) {
            None | Some(b' ' | b'\t' | b'\r' | b'\n' | b';' | b'(' | b')' | b'"') => return at,
            Some(b'\\') if bytes.get(at + 1).is_some_and(|&next| next != b'\n') => at += 2,
            Some(b'{') => {
                let rest = bytes.get(at..).unwrap_or_default();
                match rest.iter().position(|&byte| matches!(byte, b'}' | b'\n')) {
                    Some(length) if rest.get(length) == Some(&b'}') => at += length + 1,
                    _ => at += 1,
                }
            }
            Some(_) => at += 1,
        }
    }
}

type References<'a> = &'a mut dyn FnMut(Reference<'_>) -> Result<String, String>;

fn read_line(
    line: Line,
    origin: &Name,
    default_ttl: u32,
    owner: &mut Option<Name>,
    references: References<'_>,
) -> Result<Entry, ZoneTextError> {
    let first = line.tokens.first().map_or(0, |token| token.span.start);
    let end = line.tokens.last().map_or(first, |token| token.span.end);
    let missing = |expected: &str| ZoneTextError {
        span: end..end,
        found: "end of line".to_owned(),
        expected: expected.to_owned(),
    };
    let mut tokens = line.tokens.into_iter().peekable();
    if !line.starts_blank {
        let token = tokens.next().ok_or_else(|| missing("an owner"))?;
        // The line's own mistake must not give the next lines a wrong owner.
        *owner = None;
        let token = one(substitute(token.clone(), None, references)?, &token)?;
        if token.text.starts_with('$') && !token.quoted {
            return Err(token.expected("a record; there are no directives here"));
        }
        *owner = Some(name(&token, origin)?);
    }
    let start = tokens.peek().map_or(end, |token| token.span.start);
    let owner = owner.clone().ok_or_else(|| ZoneTextError {
        span: first..start.max(first),
        found: "a record without an owner".to_owned(),
        expected: "an owner at the beginning of the line".to_owned(),
    })?;
    let (mut ttl, mut class) = (None, false);
    let rtype = loop {
        let token = tokens.next().ok_or_else(|| missing("a record type"))?;
        if ttl.is_none() && token.text.starts_with(|c: char| c.is_ascii_digit()) && !token.quoted {
            ttl = Some(seconds(&token.text).ok_or_else(|| token.expected("a TTL, such as 300 or 5m"))?);
        } else if !class && token.text.eq_ignore_ascii_case("IN") {
            class = true;
        } else {
            match token.text.parse::<RecordType>() {
                Ok(RecordType::OPT | RecordType::ANY) => return Err(token.expected("a type that zones hold")),
                Ok(rtype) if !token.quoted => break rtype,
                _ => return Err(token.expected(expected_type(ttl.is_some()))),
            }
        }
    };
    let mut data = Vec::new();
    for token in tokens {
        data.extend(substitute(token, Some(rtype), references)?);
    }
    let rdata = Data::new(data, end, origin).read(rtype)?;
    let record = Record::new(owner, rtype, ttl.unwrap_or(default_ttl), rdata);
    Ok(Entry { record, span: first..end, own_ttl: ttl.is_some() })
}

fn expected_type(after_ttl: bool) -> &'static str {
    if after_ttl { "a record type" } else { "a record type, or a TTL before it" }
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
    let (lines, errors) = lex(&text);
    if let Some(error) = errors.into_iter().next() {
        return Err(ZoneTextError { span: token.span, ..error });
    }
    let tokens = lines.into_iter().flat_map(|line| line.tokens);
    Ok(tokens.map(|part| Token { span: token.span.clone(), ..part }).collect())
}

fn one(tokens: Vec<Token>, written: &Token) -> Result<Token, ZoneTextError> {
    match <[Token; 1]>::try_from(tokens) {
        Ok([token]) => Ok(token),
        Err(_) => Err(written.expected("one name")),
    }
}

/// A token as a name, relative to `origin`.
pub(crate) fn name(token: &Token, origin: &Name) -> Result<Name, ZoneTextError> {
    Name::parse_relative(&token.text, origin).map_err(|error| token.expected(format!("a name ({error})")))
}

/// Seconds of a TTL: `300`, `5m`, `1h30m`. At most 2³¹ − 1 (RFC 2181 §8).
fn seconds(text: &str) -> Option<u32> {
    let mut total: u64 = 0;
    let mut number: Option<u64> = None;
    let mut units = false;
    for byte in text.bytes() {
        if byte.is_ascii_digit() {
            number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(u64::from(byte - b'0'))?);
            continue;
        }
        let unit = match byte.to_ascii_lowercase() {
            b's' => 1,
            b'm' => 60,
            b'h' => 3_600,
            b'd' => 86_400,
            b'w' => 604_800,
            _ => return None,
        };
        total = total.checked_add(number.take()?.checked_mul(unit)?)?;
        units = true;
    }
    total = match number {
        Some(_) if units => return None,
        Some(number) => number,
        None => total,
    };
    u32::try_from(total).ok().filter(|&seconds| seconds <= i32::MAX as u32)
}
