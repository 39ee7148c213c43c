//! Zone text with references: its syntax, its merging by RRset, and the text that remains when references are resolved.
//!
//! Zone text is master-file text as [`mxlab_dns::zonefile`] reads it: tokens, lines and their places are from there.
//! References in braces may stand for addresses, names and hexadecimal data. This module checks what can be checked
//! before references have values, with places inside the text; [`substitute`] gives the final text to the zone parser
//! of `mxlab-dns`.
//!
//! The fields of each type and their syntax are in [`zonefile::fields`]; both parsers go by that table.

mod data;

use std::ops::Range;

use mxlab_dns::zonefile::{self, SyntaxError, SyntaxProblem};
use mxlab_dns::{Name, RecordType};

use super::check::shown;
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
    text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("TYPE")) && text.parse::<RecordType>().is_ok()
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

/// Reads a zone text. Correct lines are returned even if others are wrong. Mistakes that depend on the zone, such as
/// names that are too long only in it, are left to [`read_in`].
pub fn read(text: &str) -> (Vec<Line>, Vec<ZoneTextMistake>) {
    read_in(text, &Name::root())
}

/// Reads a text of the zone `origin`. Correct lines are returned even if others are wrong.
pub fn read_in(text: &str, origin: &Name) -> (Vec<Line>, Vec<ZoneTextMistake>) {
    let (written, errors) = zonefile::lines(text);
    let mut mistakes: Vec<ZoneTextMistake> = errors.iter().map(|error| syntax(text, error)).collect();
    let mut lines: Vec<Line> = Vec::new();
    let mut above: Option<(String, Range<usize>)> = None;
    for one in &written {
        match line(text, one, origin, &mut above) {
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
        self.wrong(format!("`{}` is not {what}", shown(self.text)), format!("expected {what}"))
    }

    /// The reference that the token is, if it is one and nothing else.
    fn reference(&self) -> Option<Reference<'_>> {
        Reference::parse(self.text.strip_prefix('{')?.strip_suffix('}')?)
    }

    /// Whether there is a reference in it.
    fn has_reference(&self) -> bool {
        !braces(self.text).is_empty()
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
            let mistake = token.wrong(format!("`{}` is a directive", token.text), "zone text has no directives");
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
    origin: &Name,
    above: &mut Option<(String, Range<usize>)>,
) -> Result<Line, ZoneTextMistake> {
    if let Err(error @ SyntaxError { problem: SyntaxProblem::Directive, .. }) = &line.body {
        return Err(syntax(text, error));
    }
    let (owner, owner_range) = match &line.owner {
        Some(written) => {
            let token = Token::at(text, &written.span);
            let owner = (token.text.to_owned(), token.range());
            *above = Some(owner.clone());
            data::owner(&token, written, origin)?;
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
    let kind = record_type(&rtype, &owner)?;
    data::check(text, kind, body, origin)?;
    let data: Vec<&str> = body.data.iter().map(|token| Token::at(text, &token.span).text).collect();
    let (rtype, rtype_range) = (kind.to_string(), rtype.range());
    Ok(Line { owner, owner_range, ttl: body.ttl, rtype, rtype_range, data: data.join(" ") })
}

/// The type of a record, if a text can hold it.
fn record_type(token: &Token<'_>, owner: &str) -> Result<RecordType, ZoneTextMistake> {
    let known = token.text.parse::<RecordType>().ok();
    if known == Some(RecordType::SOA) || known == Some(RecordType::NS) && owner == "@" {
        let mistake = token.wrong("the world generates the SOA and NS records of a zone", "leave this record out");
        return Err(ZoneTextMistake { help: Some("name the servers in `servers`".into()), ..mistake });
    }
    const SIGNING: [RecordType; 4] = [RecordType::RRSIG, RecordType::NSEC, RecordType::NSEC3, RecordType::NSEC3PARAM];
    if let Some(known) = known.filter(|known| SIGNING.contains(known)) {
        let mistake = token.wrong(format!("{known} records are made when the zone is signed"), "leave this record out");
        return Err(ZoneTextMistake { help: Some("`[[at]] fault` makes them wrong".into()), ..mistake });
    }
    let writable = WRITABLE.iter().any(|known| known.eq_ignore_ascii_case(token.text)) || is_numbered_type(token.text);
    match known {
        Some(RecordType::OPT | RecordType::ANY) => Err(token.is_not("a type that zones hold")),
        Some(known) if writable => Ok(known),
        _ => {
            let message = format!("unknown record type `{}`", shown(token.text));
            let mistake = token.wrong(message, "expected a type such as MX, TXT, TLSA");
            let help = match is_record_type(token.text) {
                true => {
                    Some("write it as a numbered type with its data in hexadecimal: TYPE65 \\# 3 010203".to_owned())
                }
                false => nearest::help(token.text, WRITABLE.iter().copied()),
            };
            Err(ZoneTextMistake { help, ..mistake })
        }
    }
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
