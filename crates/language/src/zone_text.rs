//! Zone text with references: its syntax, its merging by RRset, and the text that remains when references are resolved.
//!
//! Zone text is master-file text as [`mxlab_dns::zonefile`] reads it: tokens, lines and their places are from there.
//! References in braces may stand for addresses, names and hexadecimal data. This module checks what can be checked
//! before references have values, with places inside the text; [`substitute`] gives the final text to the zone parser
//! of `mxlab-dns`.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use mxlab_dns::zonefile::{self, SyntaxError, SyntaxProblem};

pub use super::references::Resolve;
use super::references::{Reference, braces};
use super::values::Without;
use super::{nearest, references};

/// The record types that can be asked for by name.
pub const RECORD_TYPES: &[&str] = &[
    "A",
    "AAAA",
    "MX",
    "TXT",
    "TLSA",
    "CNAME",
    "NS",
    "DS",
    "DNAME",
    "PTR",
    "SRV",
    "CAA",
    "DNSKEY",
    "SOA",
    "SPF",
    "NSEC",
    "NSEC3",
    "NSEC3PARAM",
    "RRSIG",
    "HTTPS",
    "SVCB",
];

/// The record types that can be written in a zone text.
const WRITABLE: &[&str] =
    &["A", "AAAA", "MX", "TXT", "TLSA", "CNAME", "NS", "DS", "DNAME", "PTR", "SRV", "CAA", "DNSKEY"];

/// Whether `text` names a record type: a known name, or `TYPE` and a number (RFC 3597 section 5).
pub fn is_record_type(text: &str) -> bool {
    RECORD_TYPES.iter().any(|known| known.eq_ignore_ascii_case(text)) || is_numbered_type(text)
}

fn is_numbered_type(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    upper.strip_prefix("TYPE").is_some_and(|number| number.parse::<u16>().is_ok())
}

/// A mistake in a zone text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneTextMistake {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What was expected there.
    pub label: String,
    /// The nearest type, or how to write it.
    pub help: Option<String>,
}

/// A record of a zone text, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The owner as it is written; that of the line above for a line that begins with a blank.
    pub owner: String,
    /// Where the owner is written.
    pub owner_range: Range<usize>,
    /// The TTL in seconds, if it has one.
    pub ttl: Option<u32>,
    /// The type, in capitals.
    pub rtype: String,
    /// Where the type is written.
    pub rtype_range: Range<usize>,
    /// The data, its parts separated by one space; references still in braces.
    pub data: String,
}

/// A record of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The full owner in lower case, without final dot.
    pub owner: String,
    /// The TTL in seconds, if it has one.
    pub ttl: Option<u32>,
    /// The type, in capitals.
    pub rtype: String,
    /// The data; names in it may be relative to the zone, references are still in braces.
    pub data: String,
}

/// Reads a zone text. Correct lines are returned even if others are wrong.
pub fn read(text: &str) -> (Vec<Line>, Vec<ZoneTextMistake>) {
    let (written, errors) = zonefile::lines(text);
    let mut mistakes: Vec<ZoneTextMistake> = errors.iter().map(|error| syntax(text, error)).collect();
    let mut lines: Vec<Line> = Vec::new();
    let mut above: Option<(String, Range<usize>)> = None;
    for one in &written {
        match line(text, one, &mut above) {
            Ok(line) => lines.push(line),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    mistakes.sort_by_key(|mistake| mistake.range.start);
    (lines, mistakes)
}

/// A token as it is written: a word, or a string with its quotes.
#[derive(Clone, Debug)]
struct Token<'t> {
    text: &'t str,
    start: usize,
}

impl<'t> Token<'t> {
    /// What stands at `range` of a text.
    fn at(text: &'t str, range: &Range<usize>) -> Token<'t> {
        Token { text: text.get(range.clone()).unwrap_or_default(), start: range.start }
    }

    fn range(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    fn wrong(&self, message: impl Into<String>, label: impl Into<String>) -> ZoneTextMistake {
        ZoneTextMistake { range: self.range(), message: message.into(), label: label.into(), help: None }
    }

    fn is_not(&self, what: &str) -> ZoneTextMistake {
        self.wrong(format!("`{}` is not {what}", self.text), format!("expected {what}"))
    }

    /// The reference that the token is, if it is one and nothing else.
    fn reference(&self) -> Option<Reference<'_>> {
        Reference::parse(self.text.strip_prefix('{')?.strip_suffix('}')?)
    }

    fn has_braces(&self) -> bool {
        self.text.contains('{')
    }
}

/// What is wrong with the syntax of `text`, in words.
fn syntax(text: &str, error: &SyntaxError) -> ZoneTextMistake {
    let token = Token::at(text, &error.span);
    match error.problem {
        SyntaxProblem::OpenQuote => token.wrong("a quoted string does not end", "it begins here"),
        SyntaxProblem::OpenParenthesis => token.wrong("a parenthesis does not close", "it opens here"),
        SyntaxProblem::SecondParenthesis => token.wrong("a parenthesis opens within parentheses", "one pair is enough"),
        SyntaxProblem::StrayParenthesis => {
            token.wrong("a parenthesis closes that is not open", "expected `(` before it")
        }
        SyntaxProblem::Directive => {
            let help = "write names relative to the zone, or full with a final dot";
            let mistake = token.wrong(format!("`{}` is not taken", token.text), "zone text has no directives");
            ZoneTextMistake { help: Some(help.into()), ..mistake }
        }
        SyntaxProblem::Ttl => {
            token.wrong(format!("`{}` is not a TTL", token.text), "expected a TTL, such as 300 or 5m, or a record type")
        }
        SyntaxProblem::NoType => token.wrong("a record type is missing", "expected a type and data after this"),
    }
}

fn line(
    text: &str,
    line: &zonefile::Line,
    above: &mut Option<(String, Range<usize>)>,
) -> Result<Line, ZoneTextMistake> {
    if let Err(error @ SyntaxError { problem: SyntaxProblem::Directive, .. }) = &line.body {
        return Err(syntax(text, error));
    }
    let (owner, owner_range) = match &line.owner {
        Some(owner) => {
            let token = Token::at(text, &owner.span);
            let owner = (token.text.to_owned(), token.range());
            *above = Some(owner.clone());
            name(&token, "an owner")?;
            owner
        }
        None => above.clone().ok_or_else(|| {
            let first = Token::at(text, &line.first);
            let mistake = first.wrong("there is no owner above this line", "a line that begins with a blank needs one");
            ZoneTextMistake { help: Some("zone text is not indented".into()), ..mistake }
        })?,
    };
    let body = line.body.as_ref().map_err(|error| syntax(text, error))?;
    let rtype = Token::at(text, &body.rtype.span);
    record_type(&rtype, &owner)?;
    let kind = rtype.text.to_ascii_uppercase();
    let data: Vec<Token<'_>> = body.data.iter().map(|token| Token::at(text, &token.span)).collect();
    check_data(&kind, &rtype, &data)?;
    let data: Vec<&str> = data.iter().map(|token| token.text).collect();
    Ok(Line { owner, owner_range, ttl: body.ttl, rtype: kind, rtype_range: rtype.range(), data: data.join(" ") })
}

fn record_type(token: &Token<'_>, owner: &str) -> Result<(), ZoneTextMistake> {
    let is = |name: &str| token.text.eq_ignore_ascii_case(name);
    if is("SOA") || is("NS") && owner == "@" {
        let mistake = token.wrong("SOA and NS of a zone are made", "this record exists by itself");
        return Err(ZoneTextMistake { help: Some("name the servers in `servers`".into()), ..mistake });
    }
    if WRITABLE.iter().any(|known| is(known)) || is_numbered_type(token.text) {
        return Ok(());
    }
    let message = format!("unknown record type `{}`", token.text);
    let mistake = token.wrong(message, "expected a type such as MX, TXT, TLSA");
    let help = match is_record_type(token.text) {
        true => Some("write it as a numbered type with its data in hexadecimal: TYPE65 \\# 3 010203".to_owned()),
        false => nearest::help(token.text, WRITABLE.iter().copied()),
    };
    Err(ZoneTextMistake { help, ..mistake })
}

/// Checks the data of a record as far as possible without the values of references.
fn check_data(kind: &str, rtype: &Token<'_>, data: &[Token<'_>]) -> Result<(), ZoneTextMistake> {
    if data.first().is_some_and(|token| token.text == "\\#") || is_numbered_type(kind) {
        return generic(rtype, data);
    }
    let mut fields = Fields { data: data.iter(), last: rtype };
    match kind {
        "A" => {
            let token = fields.next("an IPv4 address or {host}")?;
            let host = matches!(token.reference(), Some(Reference::Address(_)));
            if !host && token.text.parse::<Ipv4Addr>().is_err() {
                return Err(token.is_not("an IPv4 address or {host}"));
            }
        }
        "AAAA" => {
            let token = fields.next("an IPv6 address or {host}")?;
            let host = matches!(token.reference(), Some(Reference::Address(_)));
            if !host && token.text.parse::<Ipv6Addr>().is_err() {
                return Err(token.is_not("an IPv6 address or {host}"));
            }
        }
        "MX" => {
            fields.number::<u16>("a preference")?;
            fields.target("the name of a mail host")?;
        }
        "NS" | "CNAME" | "DNAME" | "PTR" => fields.target("a name")?,
        "SRV" => {
            fields.number::<u16>("a priority")?;
            fields.number::<u16>("a weight")?;
            fields.number::<u16>("a port")?;
            fields.target("the name of a host")?;
        }
        "TXT" => return fields.strings(),
        "TLSA" => {
            fields.number::<u8>("a certificate usage")?;
            fields.number::<u8>("a selector")?;
            fields.number::<u8>("a matching type")?;
            return fields.hexadecimal("certificate data in hexadecimal");
        }
        "DS" => {
            if let [token] = data
                && matches!(token.reference(), Some(Reference::Ds(_)))
            {
                return Ok(());
            }
            fields.number::<u16>("a key tag")?;
            fields.number::<u8>("an algorithm number")?;
            fields.number::<u8>("a digest type")?;
            return fields.hexadecimal("a digest in hexadecimal");
        }
        "DNSKEY" => {
            fields.number::<u16>("flags")?;
            fields.number::<u8>("a protocol number")?;
            fields.number::<u8>("an algorithm number")?;
            fields.next("a key in Base64")?;
            return Ok(());
        }
        "CAA" => {
            fields.number::<u8>("flags")?;
            fields.next("a property tag")?;
            fields.next("a value")?;
        }
        _ => return Ok(()),
    }
    fields.end()
}

/// Data of any type (RFC 3597 §5): `\#`, its length, hexadecimal digits.
fn generic(rtype: &Token<'_>, data: &[Token<'_>]) -> Result<(), ZoneTextMistake> {
    let mut fields = Fields { data: data.iter(), last: rtype };
    let mark = fields.next("`\\#`, a length, and hexadecimal digits")?;
    if mark.text != "\\#" {
        return Err(mark.is_not("`\\#`, which begins data in hexadecimal"));
    }
    let length_token = fields.next("a length")?;
    let length: u16 = length_token.text.parse().map_err(|_| length_token.is_not("a length"))?;
    if length == 0 {
        return fields.end();
    }
    let digits: usize = data[2..].iter().map(|token| token.text.len()).sum();
    let references = data[2..].iter().any(|token| token.has_braces());
    fields.hexadecimal("data in hexadecimal")?;
    if !references && digits != usize::from(length) * 2 {
        return Err(length_token.wrong(format!("{} bytes of data follow", digits / 2), "this length does not fit"));
    }
    Ok(())
}

/// The parts of a record's data, in order.
struct Fields<'f, 't> {
    data: std::slice::Iter<'f, Token<'t>>,
    last: &'f Token<'t>,
}

impl<'f, 't> Fields<'f, 't> {
    fn next(&mut self, what: &str) -> Result<&'f Token<'t>, ZoneTextMistake> {
        let Some(token) = self.data.next() else {
            return Err(self.last.wrong(format!("{what} is missing"), format!("expected {what} after this")));
        };
        self.last = token;
        Ok(token)
    }

    fn number<N: std::str::FromStr>(&mut self, what: &str) -> Result<(), ZoneTextMistake> {
        let token = self.next(what)?;
        token.text.parse::<N>().map(|_| ()).map_err(|_| token.is_not(what))
    }

    fn target(&mut self, what: &str) -> Result<(), ZoneTextMistake> {
        let token = self.next(what)?;
        name(token, what)
    }

    fn hexadecimal(&mut self, what: &str) -> Result<(), ZoneTextMistake> {
        let first = self.next(what)?;
        for token in std::iter::once(first).chain(self.data.by_ref()) {
            if !token.has_braces() && !token.text.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(token.is_not(what));
            }
        }
        Ok(())
    }

    fn strings(&mut self) -> Result<(), ZoneTextMistake> {
        let first = self.next("a string")?;
        for token in std::iter::once(first).chain(self.data.by_ref()) {
            let length = token.text.trim_matches('"').len();
            if !token.has_braces() && !token.text.contains('\\') && length > 255 {
                let mistake = token.wrong("a string has at most 255 bytes", format!("{length} bytes"));
                return Err(ZoneTextMistake { help: Some("write it as several strings".into()), ..mistake });
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), ZoneTextMistake> {
        match self.data.next() {
            Some(token) => {
                Err(token.wrong(format!("`{}` is one too many", token.text), "expected the end of the record"))
            }
            None => Ok(()),
        }
    }
}

/// Checks a name: relative, `@`, or full with a final dot (RFC 1035 §2.3.4 for the lengths).
fn name(token: &Token<'_>, what: &str) -> Result<(), ZoneTextMistake> {
    if token.has_braces() {
        return match token.reference() {
            Some(Reference::Address(_)) if what != "the name of a mail host" => {
                let help = "write {name:…} for the name of a host";
                let mistake = token.wrong(format!("`{}` is an address", token.text), format!("expected {what}"));
                Err(ZoneTextMistake { help: Some(help.into()), ..mistake })
            }
            _ => Ok(()),
        };
    }
    let text = token.text;
    if text == "@" || text == "." {
        return Ok(());
    }
    if text.starts_with('"') {
        return Err(token.is_not(what));
    }
    if !text.is_ascii() {
        let mistake = token.is_not(what);
        return Err(ZoneTextMistake { help: Some("write names in their ASCII form, xn--…".into()), ..mistake });
    }
    if text.len() > 254 {
        return Err(token.wrong("a name has at most 253 characters", "this one is longer"));
    }
    for label in text.strip_suffix('.').unwrap_or(text).split('.') {
        if label.is_empty() {
            return Err(token.wrong(format!("`{text}` is not a name"), "it has an empty label"));
        }
        if label.len() > 63 && !label.contains('\\') {
            return Err(token.wrong("a label of a name has at most 63 characters", "this name has a longer one"));
        }
    }
    Ok(())
}

/// The full name, in lower case and without final dot, of a name in the text of `zone`.
pub fn full_name(written: &str, zone: &str) -> String {
    let written = written.to_ascii_lowercase();
    let zone = zone.to_ascii_lowercase();
    match written.strip_suffix('.') {
        Some("") => ".".to_owned(),
        Some(full) => full.to_owned(),
        None if written == "@" => zone,
        None if zone == "." => written,
        None => format!("{written}.{zone}"),
    }
}

/// Whether `name` is `zone` or below it; both in lower case, without final dot.
pub fn is_within(name: &str, zone: &str) -> bool {
    zone == "." || name == zone || name.strip_suffix(zone).is_some_and(|rest| rest.ends_with('.'))
}

/// The records of one text of `zone`.
pub fn entries(text: &str, zone: &str) -> Vec<Entry> {
    let entry =
        |line: Line| Entry { owner: full_name(&line.owner, zone), ttl: line.ttl, rtype: line.rtype, data: line.data };
    read(text).0.into_iter().map(entry).collect()
}

/// Whether a record is one of those that `without` names.
pub(crate) fn is_named_by(entry: &Entry, without: &Without, zone: &str) -> bool {
    entry.owner == full_name(&without.owner, zone) && without.rtype.as_ref().is_none_or(|rtype| *rtype == entry.rtype)
}

/// The world's records and the file's: an RRset of the file replaces the world's.
pub(crate) fn merge(world: Vec<Entry>, file: Vec<Entry>) -> Vec<Entry> {
    let same = |a: &Entry, b: &Entry| a.owner == b.owner && a.rtype == b.rtype;
    let mut merged: Vec<Entry> = world.into_iter().filter(|old| !file.iter().any(|new| same(old, new))).collect();
    merged.extend(file);
    merged
}

/// The records as text, one a line, with full owners.
pub fn join(entries: &[Entry]) -> String {
    let mut text = String::new();
    for entry in entries {
        let ttl = entry.ttl.map(|ttl| format!("{ttl} ")).unwrap_or_default();
        let dot = if entry.owner == "." { "" } else { "." };
        text.push_str(&format!("{}{dot} {ttl}{} {}\n", entry.owner, entry.rtype, entry.data));
    }
    text
}

/// The text with references replaced by `resolve`, ready for the zone parser: IPv6 addresses in AAAA records, names
/// with a final dot where they stand alone. An unknown reference stays as it is, and so does all of a record whose
/// syntax is wrong except its owner.
pub fn substitute(text: &str, resolve: &dyn Resolve) -> String {
    let mut result = String::with_capacity(text.len());
    let mut copied = 0;
    for line in zonefile::lines(text).0 {
        let is = |rtype: &str| line.body.as_ref().is_ok_and(|body| body.rtype.text.eq_ignore_ascii_case(rtype));
        let (ipv6, exchange) = (is("AAAA"), is("MX"));
        let data = line.body.iter().flat_map(|body| &body.data);
        for token in line.owner.iter().chain(data).map(|token| Token::at(text, &token.span)) {
            for found in braces(token.text) {
                let Some(reference) = references::Reference::parse(found.inner) else { continue };
                // An MX record holds the name of a host, never its address (RFC 1035 §3.3.9).
                let reference = match reference {
                    Reference::Address(host) if exchange => Reference::Name(host),
                    other => other,
                };
                let Some(value) = resolve.resolve(reference, ipv6) else { continue };
                result.push_str(&text[copied..token.start + found.range.start - 1]);
                result.push_str(&value);
                let names = matches!(reference, Reference::Name(_) | Reference::DkimTarget { .. });
                let alone = found.range == (1..token.text.len() - 1);
                if names && alone && !value.ends_with('.') {
                    result.push('.');
                }
                copied = token.start + found.range.end + 1;
            }
        }
    }
    result.push_str(&text[copied..]);
    result
}
