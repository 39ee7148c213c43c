//! The data of a record in master-file text: a table of the fields of each type, and the reading of a field.
//!
//! [`fields`] is the only place that knows which fields a type has and in what order. Readers that must leave gaps, such
//! as text with references whose values are not known yet, take the fields with their words from [`assign`] and check
//! each by itself; [`data`] reads all of them.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::str::FromStr;

use data_encoding::{BASE32HEX_NOPAD, BASE64, Encoding, HEXLOWER_PERMISSIVE};
use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::name::{Name, NameError};
use crate::rdata::TypeBitmap;
use crate::record::{RawRdata, RecordType};
use crate::zonefile_text::{Token, ZoneTextError};

/// What a field of record data is, and so how its text becomes octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A domain name; relative to the origin without a final dot.
    Name,
    /// A number of one octet.
    Number8,
    /// A number of two octets.
    Number16,
    /// A number of four octets.
    Number32,
    /// A record type.
    Type,
    /// The time of a signature (RFC 4034 §3.2).
    Time,
    /// Letters and digits behind an octet with their number (RFC 8659 §4.1).
    Tag,
    /// A text that reaches to the end of the data.
    Value,
    /// A salt of NSEC3 (RFC 5155 §3.3).
    Salt,
    /// A hash of NSEC3 in Base32 (RFC 5155 §3.3).
    Hash,
    /// `\#`, which begins data of any type (RFC 3597 §5).
    Mark,
    /// The rest of the line: texts, at least one.
    Strings,
    /// The rest of the line: hexadecimal digits in pairs. Blanks among them mean nothing.
    Hexadecimal,
    /// The rest of the line: Base64. Blanks in it mean nothing.
    Base64,
    /// The rest of the line: record types, in any order.
    Types,
}

impl FieldKind {
    /// Whether it takes all words that are left, even if there are none.
    pub fn is_rest(self) -> bool {
        match self {
            Self::Strings | Self::Hexadecimal | Self::Base64 | Self::Types => true,
            Self::Ipv4 | Self::Ipv6 | Self::Name | Self::Number8 | Self::Number16 | Self::Number32 => false,
            Self::Type | Self::Time | Self::Tag | Self::Value | Self::Salt | Self::Hash | Self::Mark => false,
        }
    }
}

/// A field of record data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// What it is.
    pub kind: FieldKind,
    /// What is expected there, with its article: `a preference from 0 to 65535`.
    pub what: &'static str,
}

macro_rules! fields {
    ($($kind:ident $what:literal),+) => { &[$(Field { kind: FieldKind::$kind, what: $what },)+] };
}

/// The fields of a type in the order in which they are written; none if the type has no text form here.
pub fn fields(rtype: RecordType) -> Option<&'static [Field]> {
    Some(match rtype {
        RecordType::A => fields![Ipv4 "an IPv4 address"],
        RecordType::AAAA => fields![Ipv6 "an IPv6 address"],
        RecordType::NS => fields![Name "the name of a server"],
        RecordType::CNAME => fields![Name "the name that it is an alias of"],
        RecordType::DNAME => fields![Name "the name that takes its place"],
        RecordType::PTR => fields![Name "a name"],
        RecordType::MX => fields![Number16 "a preference from 0 to 65535", Name "the name of a mail host"],
        RecordType::TXT => fields![Strings "a text in quotes"],
        RecordType::TLSA => fields![
            Number8 "a certificate usage from 0 to 255", Number8 "a selector from 0 to 255",
            Number8 "a matching type from 0 to 255", Hexadecimal "hexadecimal digits in pairs"
        ],
        RecordType::DS => fields![
            Number16 "a key tag from 0 to 65535", Number8 "an algorithm number", Number8 "a digest type number",
            Hexadecimal "hexadecimal digits in pairs"
        ],
        RecordType::DNSKEY => fields![
            Number16 "flags from 0 to 65535", Number8 "a protocol number", Number8 "an algorithm number", Base64 "Base64"
        ],
        RecordType::RRSIG => fields![
            Type "the type that is signed", Number8 "an algorithm number", Number8 "a number of labels",
            Number32 "a TTL in seconds", Time "a time as YYYYMMDDHHmmSS or in seconds since 1970",
            Time "a time as YYYYMMDDHHmmSS or in seconds since 1970", Number16 "a key tag from 0 to 65535",
            Name "the zone that signed", Base64 "Base64"
        ],
        RecordType::NSEC => fields![Name "the next name of the zone", Types "a record type"],
        RecordType::NSEC3 => fields![
            Number8 "a hash algorithm number", Number8 "flags from 0 to 255",
            Number16 "a number of iterations from 0 to 65535", Salt "a salt in hexadecimal, or -",
            Hash "the next hash in Base32", Types "a record type"
        ],
        RecordType::NSEC3PARAM => fields![
            Number8 "a hash algorithm number", Number8 "flags from 0 to 255",
            Number16 "a number of iterations from 0 to 65535", Salt "a salt in hexadecimal, or -"
        ],
        RecordType::SOA => fields![
            Name "the name of the primary server", Name "the responsible mailbox as a name",
            Number32 "a serial number", Number32 "a refresh interval in seconds", Number32 "a retry interval in seconds",
            Number32 "an expire interval in seconds", Number32 "a negative TTL in seconds"
        ],
        RecordType::SRV => fields![
            Number16 "a priority from 0 to 65535", Number16 "a weight from 0 to 65535",
            Number16 "a port from 0 to 65535", Name "the name of a host"
        ],
        RecordType::CAA => fields![
            Number8 "flags from 0 to 255", Tag "a property tag of letters and digits", Value "a property value"
        ],
        _ => return None,
    })
}

const MARK: &str = "\\# and the data in hexadecimal";

/// The fields of data that are written as octets (RFC 3597 §5).
const GENERIC: &[Field] = &[
    Field { kind: FieldKind::Mark, what: MARK },
    Field { kind: FieldKind::Number16, what: "the length of the data" },
    Field { kind: FieldKind::Hexadecimal, what: "hexadecimal digits in pairs" },
];

/// What is wrong with the data of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataError {
    /// Which octets of the text. If something is missing, the word behind which it is.
    pub span: Range<usize>,
    /// What is wrong there.
    pub problem: DataProblem,
}

/// What is wrong at a place of the data of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataProblem {
    /// The line ends too early; what was expected.
    Missing(&'static str),
    /// The record is complete before this word.
    Surplus(String),
    /// This word is not a name.
    Name(String, NameError),
    /// This is not what was expected.
    Not {
        /// The word in backticks, or a phrase.
        found: String,
        /// What was expected, as a phrase.
        expected: String,
    },
}

impl DataError {
    fn not(span: &Range<usize>, found: impl Into<String>, expected: impl Into<String>) -> DataError {
        DataError { span: span.clone(), problem: DataProblem::Not { found: found.into(), expected: expected.into() } }
    }

    /// The mistake in words; `end` is where the line ends.
    pub(crate) fn in_line(self, end: usize) -> ZoneTextError {
        match self.problem {
            DataProblem::Missing(what) => {
                ZoneTextError { span: end..end, found: "end of line".to_owned(), expected: what.to_owned() }
            }
            DataProblem::Surplus(word) => {
                let expected = "the end of the record".to_owned();
                ZoneTextError { span: self.span, found: format!("`{word}`"), expected }
            }
            DataProblem::Name(word, error) => {
                let expected = format!("a name ({error})");
                ZoneTextError { span: self.span, found: format!("`{word}`"), expected }
            }
            DataProblem::Not { found, expected } => ZoneTextError { span: self.span, found, expected },
        }
    }
}

/// The words of record data, each with its field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned<'t> {
    /// The fields for which there are words, in order; a field that takes the rest of the line may have none.
    pub fields: Vec<(&'static Field, &'t [Token])>,
    /// What is missing or one too many. It comes after all mistakes within the fields.
    pub uneven: Option<DataError>,
}

impl Assigned<'_> {
    /// The mistake that too few or too many words are.
    ///
    /// # Errors
    /// There is one.
    pub fn even(&self) -> Result<(), DataError> {
        self.uneven.clone().map_or(Ok(()), Err)
    }
}

/// Gives each field of a record of type `rtype` its words. `before` is the place of the word before the data.
///
/// # Errors
/// The type has no text form here, and the data do not begin with `\#`.
pub fn assign<'t>(rtype: RecordType, before: &Range<usize>, data: &'t [Token]) -> Result<Assigned<'t>, DataError> {
    let generic = data.first().is_some_and(is_mark);
    let fields = if generic { Some(GENERIC) } else { fields(rtype) };
    let Some(fields) = fields else {
        let Some(first) = data.first() else {
            return Err(DataError { span: before.clone(), problem: DataProblem::Missing(MARK) });
        };
        let expected = format!("{}: {rtype} has no text form here", MARK);
        return Err(DataError::not(&first.span, format!("`{}`", first.text), expected));
    };
    let mut assigned = Assigned { fields: Vec::with_capacity(fields.len()), uneven: None };
    let mut rest = data;
    let mut last = before;
    for field in fields {
        let needed = usize::from(!field.kind.is_rest() || field.kind == FieldKind::Strings);
        if rest.len() < needed {
            assigned.uneven = Some(DataError { span: last.clone(), problem: DataProblem::Missing(field.what) });
            return Ok(assigned);
        }
        let (own, others) = rest.split_at(if field.kind.is_rest() { rest.len() } else { needed });
        last = own.last().map_or(last, |token| &token.span);
        assigned.fields.push((field, own));
        rest = others;
    }
    assigned.uneven = rest
        .first()
        .map(|extra| DataError { span: extra.span.clone(), problem: DataProblem::Surplus(extra.text.clone()) });
    Ok(assigned)
}

fn is_mark(token: &Token) -> bool {
    token.text == "\\#" && !token.quoted
}

/// Reads the data of a record of type `rtype`; names are relative to `origin`. `before` is the place of the word before
/// the data.
///
/// # Errors
/// The first mistake in them.
pub fn data(rtype: RecordType, before: &Range<usize>, data: &[Token], origin: &Name) -> Result<RawRdata, DataError> {
    let assigned = assign(rtype, before, data)?;
    let mut octets = Vec::new();
    for (field, tokens) in &assigned.fields {
        octets.extend(field.octets(tokens, origin)?);
    }
    assigned.even()?;
    if let [mark, length, ..] = data
        && is_mark(mark)
    {
        let Some((stated, follow)) = octets.split_first_chunk::<2>() else { return Err(length.is_not("a length")) };
        if follow.len() != usize::from(u16::from_be_bytes(*stated)) {
            return Err(length.is_not(format!("{}, the number of octets that follow", follow.len())));
        }
        octets = follow.to_vec();
    }
    if octets.len() > 65_535 {
        let span = data.last().map_or(before, |token| &token.span);
        return Err(DataError::not(span, format!("{} octets of data", octets.len()), "at most 65,535 octets"));
    }
    Ok(octets.into())
}

impl Token {
    fn is_not(&self, expected: impl Into<String>) -> DataError {
        DataError::not(&self.span, format!("`{}`", self.text), expected)
    }
}

impl Field {
    /// The octets of the field, written in these words; names are relative to `origin`.
    ///
    /// # Errors
    /// The first mistake in them.
    pub fn octets(&self, tokens: &[Token], origin: &Name) -> Result<Vec<u8>, DataError> {
        match self.kind {
            FieldKind::Strings => tokens.iter().try_fold(Vec::new(), |mut octets, token| {
                octets.extend(string(token)?);
                Ok(octets)
            }),
            FieldKind::Hexadecimal => self.encoded(tokens, &HEXLOWER_PERMISSIVE),
            FieldKind::Base64 => self.encoded(tokens, &BASE64),
            FieldKind::Types => {
                let types = tokens.iter().map(|token| token.text.parse().map_err(|_| token.is_not(self.what)));
                let types: TypeBitmap = types.collect::<Result<_, _>>()?;
                let mut octets = Vec::new();
                types.push(&mut octets);
                Ok(octets)
            }
            _ => tokens.iter().try_fold(Vec::new(), |mut octets, token| {
                octets.extend(self.word(token, origin)?);
                Ok(octets)
            }),
        }
    }

    /// The octets of a field that is one word.
    fn word(&self, token: &Token, origin: &Name) -> Result<Vec<u8>, DataError> {
        let wrong = || token.is_not(self.what);
        Ok(match self.kind {
            FieldKind::Ipv4 => self.parsed::<Ipv4Addr>(token)?.octets().to_vec(),
            FieldKind::Ipv6 => self.parsed::<Ipv6Addr>(token)?.octets().to_vec(),
            FieldKind::Name if token.quoted => return Err(wrong()),
            FieldKind::Name => name(token, origin)?.wire().to_vec(),
            FieldKind::Number8 => self.parsed::<u8>(token)?.to_be_bytes().to_vec(),
            FieldKind::Number16 => self.parsed::<u16>(token)?.to_be_bytes().to_vec(),
            FieldKind::Number32 => self.parsed::<u32>(token)?.to_be_bytes().to_vec(),
            FieldKind::Type => self.parsed::<RecordType>(token)?.0.to_be_bytes().to_vec(),
            FieldKind::Time => signature_time(token).ok_or_else(wrong)?.to_be_bytes().to_vec(),
            FieldKind::Tag => {
                let letters = !token.text.is_empty() && token.text.bytes().all(|b| b.is_ascii_alphanumeric());
                counted(token.text.as_bytes()).filter(|_| letters).ok_or_else(wrong)?
            }
            FieldKind::Value => octets(token)?,
            FieldKind::Salt if token.text == "-" => vec![0],
            FieldKind::Salt => {
                let salt = HEXLOWER_PERMISSIVE.decode(token.text.as_bytes()).ok();
                salt.and_then(|salt| counted(&salt)).ok_or_else(wrong)?
            }
            FieldKind::Hash => {
                let hash = BASE32HEX_NOPAD.decode(token.text.to_ascii_uppercase().as_bytes()).ok();
                hash.filter(|hash| !hash.is_empty()).and_then(|hash| counted(&hash)).ok_or_else(wrong)?
            }
            FieldKind::Mark if is_mark(token) => Vec::new(),
            FieldKind::Mark => return Err(wrong()),
            FieldKind::Strings | FieldKind::Hexadecimal | FieldKind::Base64 | FieldKind::Types => return Err(wrong()),
        })
    }

    fn parsed<T: FromStr>(&self, token: &Token) -> Result<T, DataError> {
        // `+5` is a number in Rust, but not in a zone.
        let signed = token.text.starts_with('+');
        token.text.parse().ok().filter(|_| !signed && !token.quoted).ok_or_else(|| token.is_not(self.what))
    }

    /// Blanks within encoded data mean nothing, so mistakes can only be found after joining the parts.
    fn encoded(&self, tokens: &[Token], encoding: &Encoding) -> Result<Vec<u8>, DataError> {
        let joined: String = tokens.iter().map(|token| token.text.as_str()).collect();
        encoding.decode(joined.as_bytes()).map_err(|_| {
            let start = tokens.first().map_or(0, |first| first.span.start);
            let end = tokens.last().map_or(start, |last| last.span.end);
            DataError::not(&(start..end), format!("`{joined}`"), self.what)
        })
    }
}

/// The octets that a text stands for.
fn octets(token: &Token) -> Result<Vec<u8>, DataError> {
    token.octets().map_err(|error| DataError::not(&error.span, error.found, error.expected))
}

/// A text with the octet that counts it.
fn string(token: &Token) -> Result<Vec<u8>, DataError> {
    let octets = octets(token)?;
    counted(&octets).ok_or_else(|| {
        let found = format!("a string of {} octets", octets.len());
        DataError::not(&token.span, found, "strings of at most 255 octets each: \"…\" \"…\"")
    })
}

/// Octets behind an octet with their number; none if they are too many for it.
fn counted(octets: &[u8]) -> Option<Vec<u8>> {
    let mut counted = vec![u8::try_from(octets.len()).ok()?];
    counted.extend(octets);
    Some(counted)
}

/// RFC 4034 §3.2: YYYYMMDDHHmmSS in UTC, or seconds since 1970, which never have 14 digits; modulo 2³².
fn signature_time(token: &Token) -> Option<u32> {
    let digits = token.text.bytes().all(|byte| byte.is_ascii_digit()) && !token.quoted;
    match token.text.len() {
        _ if !digits => None,
        14 => civil_seconds(&token.text),
        _ => token.text.parse::<u32>().ok(),
    }
}

/// The seconds since 1970, modulo 2³², of 14 digits YYYYMMDDHHmmSS in UTC.
fn civil_seconds(digits: &str) -> Option<u32> {
    let time = DateTime::strptime("%Y%m%d%H%M%S", digits).ok()?;
    let seconds = Offset::UTC.to_timestamp(time).ok()?.as_second();
    u32::try_from(seconds.rem_euclid(1 << 32)).ok()
}

/// A word as a name, relative to `origin`.
pub(crate) fn name(token: &Token, origin: &Name) -> Result<Name, DataError> {
    Name::parse_relative(&token.text, origin)
        .map_err(|error| DataError { span: token.span.clone(), problem: DataProblem::Name(token.text.clone(), error) })
}
