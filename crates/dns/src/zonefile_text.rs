//! The syntax of master-file text (RFC 1035 §5.1): its tokens, and which of them are owner, TTL, type and data.
//!
//! Nothing here knows a record type or replaces a reference: that is done by those who read the lines.

use std::ops::Range;

use crate::name::escaped;

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

/// What is wrong with the syntax of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyntaxProblem {
    /// A quoted string does not end on its line.
    OpenQuote,
    /// No parenthesis closes this one.
    OpenParenthesis,
    /// A parenthesis opens within parentheses.
    SecondParenthesis,
    /// A parenthesis closes that none opened.
    StrayParenthesis,
    /// A line with a `$` directive.
    Directive,
    /// It begins with a digit where a TTL can be, and is none.
    Ttl,
    /// The record has no type. The place is the token after which it is missing.
    NoType,
}

/// A mistake in the syntax of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Which octets of the text.
    pub span: Range<usize>,
    /// What is wrong there.
    pub problem: SyntaxProblem,
}

impl SyntaxError {
    /// The mistake in words; `text` is what was read.
    pub(crate) fn in_text(&self, text: &str) -> ZoneTextError {
        let expected = match self.problem {
            SyntaxProblem::OpenQuote => "a closing quote on the same line",
            SyntaxProblem::OpenParenthesis => "a closing parenthesis after it",
            SyntaxProblem::SecondParenthesis => "no second opening parenthesis",
            SyntaxProblem::StrayParenthesis => "an opening parenthesis before it",
            SyntaxProblem::Directive => "a record; there are no directives here",
            SyntaxProblem::Ttl => "a TTL, such as 300 or 5m",
            SyntaxProblem::NoType => {
                let (end, found) = (self.span.end, "end of line".to_owned());
                return ZoneTextError { span: end..end, found, expected: "a record type".to_owned() };
            }
        };
        let found = format!("`{}`", text.get(self.span.clone()).unwrap_or_default());
        ZoneTextError { span: self.span.clone(), found, expected: expected.to_owned() }
    }
}

/// One word or quoted string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its text without the quotes, escapes still in it.
    pub text: String,
    /// Whether it is in quotes.
    pub quoted: bool,
    /// Which octets of the text, quotes included.
    pub span: Range<usize>,
}

impl Token {
    pub(crate) fn expected(&self, expected: impl Into<String>) -> ZoneTextError {
        ZoneTextError { span: self.span.clone(), found: format!("`{}`", self.text), expected: expected.into() }
    }

    /// The octets that the text means.
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

/// A record as it is written, on one line or, in parentheses, on several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its owner; none if it begins with a blank and so has the owner of the line above.
    pub owner: Option<Token>,
    /// What follows the owner. The owner holds for the lines below even if this is wrong.
    pub body: Result<Body, SyntaxError>,
    /// Its first token.
    pub first: Range<usize>,
    /// Its first to last character.
    pub span: Range<usize>,
}

/// What follows the owner of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The TTL in seconds, if it has one.
    pub ttl: Option<u32>,
    /// The type: any token; it has not been checked yet.
    pub rtype: Token,
    /// The data.
    pub data: Vec<Token>,
}

/// The records of a text, and what is wrong with its quotes and parentheses. Blanks within braces belong to the word.
/// A record that is not complete at the end of the text, because a parenthesis is open, is left out.
pub fn lines(text: &str) -> (Vec<Line>, Vec<SyntaxError>) {
    let (lines, errors) = split(text);
    (lines.into_iter().filter_map(line).collect(), errors)
}

/// The tokens of a text, whatever they mean.
pub(crate) fn tokens(text: &str) -> (Vec<Token>, Vec<SyntaxError>) {
    let (lines, errors) = split(text);
    (lines.into_iter().flat_map(|line| line.tokens).collect(), errors)
}

fn line(line: RawLine) -> Option<Line> {
    let (first, last) = (line.tokens.first()?.span.clone(), line.tokens.last()?.span.end);
    let directive = line.tokens.first().is_some_and(|token| token.text.starts_with('$') && !token.quoted);
    let mut tokens = line.tokens.into_iter();
    let owner = if line.starts_blank { None } else { tokens.next() };
    let body = match directive {
        true => Err(SyntaxError { span: first.clone(), problem: SyntaxProblem::Directive }),
        false => body(tokens, first.clone()),
    };
    let span = first.start..last;
    Some(Line { owner, body, first, span })
}

/// `[ttl] [IN] TYPE data`, TTL and class in any order; `last` is the token before it.
fn body(mut tokens: std::vec::IntoIter<Token>, mut last: Range<usize>) -> Result<Body, SyntaxError> {
    let (mut ttl, mut class) = (None, false);
    loop {
        let Some(token) = tokens.next() else {
            return Err(SyntaxError { span: last, problem: SyntaxProblem::NoType });
        };
        last = token.span.clone();
        if ttl.is_none() && token.text.starts_with(|c: char| c.is_ascii_digit()) && !token.quoted {
            let seconds = seconds(&token.text);
            ttl = Some(seconds.ok_or(SyntaxError { span: token.span, problem: SyntaxProblem::Ttl })?);
        } else if !class && token.text.eq_ignore_ascii_case("IN") && !token.quoted {
            class = true;
        } else {
            return Ok(Body { ttl, rtype: token, data: tokens.collect() });
        }
    }
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

/// The tokens of one record.
struct RawLine {
    tokens: Vec<Token>,
    starts_blank: bool,
}

/// Splits text into lines of tokens; parentheses join lines. Returns with it what is wrong with quotes and parentheses.
fn split(text: &str) -> (Vec<RawLine>, Vec<SyntaxError>) {
    let bytes = text.as_bytes();
    let (mut lines, mut errors) = (Vec::new(), Vec::new());
    let mut line = RawLine { tokens: Vec::new(), starts_blank: false };
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
                    lines.push(std::mem::replace(&mut line, RawLine { tokens: Vec::new(), starts_blank: false }));
                }
                at += 1;
            }
            b' ' | b'\t' | b'\r' => at += 1,
            b';' => {
                at += bytes.get(at..).unwrap_or_default().iter().position(|&b| b == b'\n').unwrap_or(bytes.len() - at)
            }
            b'(' => {
                if open.is_some() {
                    errors.push(SyntaxError { span: at..at + 1, problem: SyntaxProblem::SecondParenthesis });
                }
                open.get_or_insert(at);
                at += 1;
            }
            b')' => {
                if open.take().is_none() {
                    errors.push(SyntaxError { span: at..at + 1, problem: SyntaxProblem::StrayParenthesis });
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
                    errors.push(SyntaxError { span: span.clone(), problem: SyntaxProblem::OpenQuote });
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
        errors.push(SyntaxError { span: open..open + 1, problem: SyntaxProblem::OpenParenthesis });
    } else if !line.tokens.is_empty() {
        lines.push(line);
    }
    (lines, errors)
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
