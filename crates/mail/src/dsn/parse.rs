//! The reader of reports: `multipart/report` (RFC 6522) with `message/delivery-status` (RFC 3464).

use jiff::Timestamp;

use super::{DsnAction, quoted_printable};
use crate::date;
use crate::headers::{HeaderError, Message};
use crate::smtp::EnhancedCode;

/// The most parts of a multipart that are read.
pub(super) const MAX_PARTS: usize = 64;
/// The most recipients of a status part that are read.
pub(super) const MAX_RECIPIENTS: usize = 10_000;

/// Why a message is not a report that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A header section exceeds a limit.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The content type is not `multipart/report` with a boundary.
    #[error("not multipart/report with a boundary")]
    NotReport,
    /// No part is `message/delivery-status`.
    #[error("no message/delivery-status part")]
    NoStatus,
    /// The status part names no reporting MTA (RFC 3464 §2.2.2).
    #[error("no Reporting-MTA")]
    NoReportingMta,
    /// A field that every recipient must have is missing or cannot be read.
    #[error("{field} of recipient {recipient} missing or unreadable")]
    Recipient {
        /// The recipient's number, from 1.
        recipient: usize,
        /// The field.
        field: &'static str,
    },
    /// More than 10,000 recipients.
    #[error("more than {MAX_RECIPIENTS} recipients")]
    TooManyRecipients,
}

/// A status part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryStatus {
    /// The server that reports, without its type.
    pub reporting_mta: String,
    /// The server from which the original came, without its type.
    pub received_from_mta: Option<String>,
    /// When it came.
    pub arrival: Option<Timestamp>,
    /// The client's `ENVID`.
    pub envelope_id: Option<String>,
    /// One entry for each recipient.
    pub recipients: Vec<RecipientStatus>,
}

/// The fields of one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientStatus {
    /// The recipient, without its type.
    pub final_recipient: String,
    /// The recipient as the sender gave it, without its type.
    pub original_recipient: Option<String>,
    /// What became of it.
    pub action: DsnAction,
    /// The status.
    pub status: EnhancedCode,
    /// The diagnostic, without its type.
    pub diagnostic: Option<String>,
    /// The server that answered, without its type.
    pub remote_mta: Option<String>,
}

/// A report taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedReport {
    /// The first text/plain, decoded, with LF line ends.
    pub text: Option<String>,
    /// The status part.
    pub status: DeliveryStatus,
    /// The third part: the original message or its header.
    pub original: Option<Vec<u8>>,
}

/// Reads a whole report.
///
/// # Errors
/// When it is not a report, or exceeds a limit.
pub fn parse(message: &[u8]) -> Result<ParsedReport, ParseError> {
    let message = Message::parse(message)?;
    let kind = ContentType::of(&message);
    let boundary = kind.boundary.filter(|_| kind.name == "multipart/report").ok_or(ParseError::NotReport)?;
    let (mut text, mut status, mut original) = (None, None, None);
    for part in parts(message.body(), &boundary) {
        let part = Message::parse(part)?;
        let kind = ContentType::of(&part);
        match kind.name.as_str() {
            "message/delivery-status" if status.is_none() => status = Some(parse_status(part.body())?),
            "message/rfc822" | "text/rfc822-headers" | "message/rfc822-headers" if original.is_none() => {
                original = Some(part.body().to_vec());
            }
            _ if text.is_none() => text = plain_text(&part, 0),
            _ => {}
        }
    }
    Ok(ParsedReport { text, status: status.ok_or(ParseError::NoStatus)?, original })
}

/// Reads the body of a `message/delivery-status` part: groups of fields with empty lines between them, first the
/// message's, then one for each recipient.
///
/// # Errors
/// When a field that the standard requires is missing or cannot be read.
pub fn parse_status(body: &[u8]) -> Result<DeliveryStatus, ParseError> {
    let mut groups = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let group = Message::parse(rest)?;
        // Several empty lines in a row count as one.
        if !group.header().is_empty() {
            groups.push(group.clone());
        }
        if groups.len() > MAX_RECIPIENTS {
            return Err(ParseError::TooManyRecipients);
        }
        rest = group.body();
    }
    let first = groups.first().ok_or(ParseError::NoReportingMta)?;
    let reporting_mta = typed(first, "Reporting-MTA").ok_or(ParseError::NoReportingMta)?;
    let mut status = DeliveryStatus {
        reporting_mta,
        received_from_mta: typed(first, "Received-From-MTA"),
        arrival: first.field("Arrival-Date").and_then(|field| date::parse_rfc5322(&field.value()).ok()),
        envelope_id: first.field("Original-Envelope-Id").map(|field| field.value()),
        recipients: Vec::new(),
    };
    for (index, group) in groups.iter().enumerate().skip(1) {
        let missing = |field| ParseError::Recipient { recipient: index, field };
        let word = |name| group.field(name).map(|field| field.value());
        // A comment may follow: `failed (to deliver)`, `5.0.0 (permanent failure)`.
        let first_word = |name| word(name).and_then(|value| value.split([' ', '(']).next().map(str::to_owned));
        status.recipients.push(RecipientStatus {
            final_recipient: typed(group, "Final-Recipient").ok_or(missing("Final-Recipient"))?,
            original_recipient: typed(group, "Original-Recipient"),
            action: first_word("Action").and_then(|it| DsnAction::from_word(&it)).ok_or(missing("Action"))?,
            status: first_word("Status").and_then(|it| it.parse().ok()).ok_or(missing("Status"))?,
            diagnostic: typed(group, "Diagnostic-Code"),
            remote_mta: typed(group, "Remote-MTA"),
        });
    }
    Ok(status)
}

/// The value of `type;value`, with or without a blank after the semicolon; a value without a type is taken whole.
fn typed(group: &Message<'_>, name: &str) -> Option<String> {
    let value = group.field(name)?.value();
    let value = value.split_once(';').map_or(value.as_str(), |(_, value)| value).trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// The content type of a part (RFC 2045 §5.1), as far as it matters here.
struct ContentType {
    name: String,
    boundary: Option<String>,
}

impl ContentType {
    fn of(part: &Message<'_>) -> ContentType {
        let value = part.field("Content-Type").map(|field| field.value()).unwrap_or_else(|| "text/plain".to_owned());
        let mut pieces = value.split(';');
        let name = pieces.next().unwrap_or_default().trim().to_ascii_lowercase();
        let boundary = pieces.find_map(|piece| {
            let (name, value) = piece.split_once('=')?;
            let is_boundary = name.trim().eq_ignore_ascii_case("boundary");
            let value = value.trim().trim_matches('"');
            // RFC 2046 §5.1.1: 1 to 70 characters.
            (is_boundary && (1..=70).contains(&value.len())).then(|| value.to_owned())
        });
        ContentType { name, boundary }
    }
}

/// The first text/plain at or below `part`.
fn plain_text(part: &Message<'_>, depth: u8) -> Option<String> {
    let kind = ContentType::of(part);
    if kind.name == "text/plain" {
        let encoding = part.field("Content-Transfer-Encoding").map(|field| field.value()).unwrap_or_default();
        let body = match encoding.eq_ignore_ascii_case("quoted-printable") {
            true => quoted_printable::decode(part.body()),
            false => part.body().to_vec(),
        };
        return Some(String::from_utf8_lossy(&body).replace('\r', ""));
    }
    if !kind.name.starts_with("multipart/") || depth == 4 {
        return None;
    }
    let boundary = kind.boundary?;
    parts(part.body(), &boundary).into_iter().find_map(|part| plain_text(&Message::parse(part).ok()?, depth + 1))
}

/// The parts of a multipart body (RFC 2046 §5.1.1): between lines `--boundary`, up to `--boundary--` or the end.
fn parts<'a>(body: &'a [u8], boundary: &str) -> Vec<&'a [u8]> {
    let mut found = Vec::new();
    let mut start = None;
    let mut position = 0;
    for line in body.split_inclusive(|octet| *octet == b'\n') {
        let delimiter = line.strip_prefix(b"--").and_then(|rest| rest.strip_prefix(boundary.as_bytes()));
        if let Some(rest) = delimiter.map(<[u8]>::trim_ascii_end)
            && matches!(rest, b"" | b"--")
        {
            if let Some(start) = start {
                found.push(without_line_end(&body[start..position]));
            }
            start = (rest.is_empty() && found.len() < MAX_PARTS).then_some(position + line.len());
            if start.is_none() {
                return found;
            }
        }
        position += line.len();
    }
    if let Some(start) = start {
        found.push(&body[start..]);
    }
    found
}

/// The line end before a delimiter belongs to the delimiter.
fn without_line_end(part: &[u8]) -> &[u8] {
    part.strip_suffix(b"\r\n").or_else(|| part.strip_suffix(b"\n")).unwrap_or(part)
}
