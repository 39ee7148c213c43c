//! Signing (RFC 6376 §5).
//!
//! A [`Signer`] makes the `DKIM-Signature` field of a message; it goes on top of the header (§5.6). Which fields are
//! signed, the caller says, name by name; a name that is listed more often than the message has such fields forbids
//! adding one (§5.4.2). Without a list, the fields that §5.4.1 recommends are signed, as often as they occur, and
//! `From` once more.
//!
//! The field is folded at 78 columns. Its last tag is `b=`, which is empty while the signature is made. The same signer
//! makes the same field of the same message at the same time.

use data_encoding::BASE64;
use jiff::Timestamp;
use mxlab_mail::Message;

use super::canonical::{BodyHasher, Canonicalization};
use super::crypto::{SigningKey, SigningKeyError};
use super::domain::Domain;
use super::signature::{Identity, MAX_SIGNED_FIELDS};
use super::signed_fields::{FieldIndex, OwnField};

/// The name of the field.
pub const FIELD: &str = "DKIM-Signature";

/// RFC 6376 §5.4.1: the fields that are worth signing; also those that identify a message and say how to show it.
const RECOMMENDED: [&str; 23] = [
    "from",
    "reply-to",
    "subject",
    "date",
    "to",
    "cc",
    "message-id",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "resent-date",
    "resent-from",
    "resent-to",
    "resent-cc",
    "in-reply-to",
    "references",
    "list-id",
    "list-help",
    "list-unsubscribe",
    "list-subscribe",
    "list-post",
    "list-owner",
    "list-archive",
];

/// Why no signature was made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// `d=` would be no domain.
    #[error("{0:?} is not a domain")]
    Domain(String),
    /// `s=` would be no selector.
    #[error("{0:?} is not a selector")]
    Selector(String),
    /// `i=` would not be within `d=`.
    #[error("the identity is at {identity}, which is not within {domain}")]
    Identity {
        /// The identity's domain.
        identity: String,
        /// `d=`.
        domain: String,
    },
    /// An RSA key of less than 1,024 bits (RFC 8301 §3.2).
    #[error("the key has {bits} bits, but a signer needs at least 1024")]
    Weak {
        /// Its length.
        bits: usize,
    },
    /// A field name to sign is not one.
    #[error("{0:?} is not a field name")]
    FieldName(String),
    /// `From` is not among the fields to sign (RFC 6376 §5.4).
    #[error("From is not signed")]
    FromNotSigned,
    /// More names to sign than a signature may list here.
    #[error("more than {MAX_SIGNED_FIELDS} fields to sign")]
    TooManyFields,
    /// The message has no `From` field, or several, so it is not valid (RFC 6376 §3.8, RFC 5322 §3.6).
    #[error("the message has {fields} From fields")]
    NotAMessage {
        /// How many it has.
        fields: usize,
    },
    /// A signing time before 1970.
    #[error("the time is before 1970")]
    Time,
    /// The key cannot sign.
    #[error(transparent)]
    Key(#[from] SigningKeyError),
}

/// Makes signatures with one key.
#[derive(Debug)]
pub struct Signer {
    key: SigningKey,
    domain: Domain,
    selector: Domain,
    identity: Option<Identity>,
    canonicalization: Canonicalization,
    fields: Option<Vec<String>>,
    expiration: Option<Expiration>,
    timestamp: bool,
    body_length: Option<BodyLength>,
    careless: bool,
}

/// What `x=` is.
#[derive(Clone, Copy, Debug)]
enum Expiration {
    /// This many seconds after the signature is made.
    After(u32),
    /// This moment.
    At(Timestamp),
}

/// What `l=` is.
#[derive(Clone, Copy, Debug)]
enum BodyLength {
    /// The length of the body.
    Whole,
    /// At most this many octets.
    First(u64),
}

impl Signer {
    /// A signer for the key that is published at `selector` of `domain`: `relaxed/relaxed`, with `t=`, the recommended
    /// fields and the whole body.
    ///
    /// # Errors
    /// When a name is not one, or the key is weak.
    pub fn new(key: SigningKey, domain: &str, selector: &str) -> Result<Signer, SignError> {
        if let Some(bits) = key.rsa_bits().filter(|bits| *bits < 1_024) {
            return Err(SignError::Weak { bits });
        }
        Ok(Signer { careless: false, ..Signer::careless(key, domain, selector)? })
    }

    /// A careless signer, for tests of verifiers: it accepts a weak key, does not insist on signing `From`, and signs a
    /// message with any number of `From` fields.
    ///
    /// # Errors
    /// When a name is not one.
    pub fn careless(key: SigningKey, domain: &str, selector: &str) -> Result<Signer, SignError> {
        let signing_domain = Domain::parse(domain, 2).ok_or_else(|| SignError::Domain(domain.to_owned()))?;
        let selector = Domain::parse(selector, 1).ok_or_else(|| SignError::Selector(selector.to_owned()))?;
        Ok(Signer {
            key,
            domain: signing_domain,
            selector,
            identity: None,
            canonicalization: Canonicalization::RELAXED,
            fields: None,
            expiration: None,
            timestamp: true,
            body_length: None,
            careless: true,
        })
    }

    /// With these canonicalizations.
    pub fn with_canonicalization(mut self, canonicalization: Canonicalization) -> Signer {
        self.canonicalization = canonicalization;
        self
    }

    /// Signs these fields, in this order, once for each time that a name is listed.
    ///
    /// # Errors
    /// When a name is not one, `From` is not among them, or there are too many.
    pub fn with_fields(mut self, names: &[&str]) -> Result<Signer, SignError> {
        if names.len() > MAX_SIGNED_FIELDS {
            return Err(SignError::TooManyFields);
        }
        for name in names {
            let allowed = |octet: u8| octet.is_ascii_graphic() && !matches!(octet, b':' | b';');
            if name.is_empty() || !name.bytes().all(allowed) {
                return Err(SignError::FieldName((*name).to_owned()));
            }
        }
        if !self.careless && !names.iter().any(|name| name.eq_ignore_ascii_case("from")) {
            return Err(SignError::FromNotSigned);
        }
        self.fields = Some(names.iter().map(|name| name.to_ascii_lowercase()).collect());
        Ok(self)
    }

    /// With `i=`: on behalf of `local_part` (which may be empty) at `domain`.
    ///
    /// # Errors
    /// When the domain is neither the signer's domain nor below it.
    pub fn with_identity(mut self, local_part: &str, domain: &str) -> Result<Signer, SignError> {
        let outside = || SignError::Identity { identity: domain.to_owned(), domain: self.domain.to_string() };
        let domain = Domain::parse(domain, 2).filter(|domain| domain.is_within(&self.domain)).ok_or_else(outside)?;
        self.identity = Some(Identity { local_part: local_part.to_owned(), domain });
        Ok(self)
    }

    /// With `x=`: this many seconds after the signature is made.
    pub fn with_lifetime(mut self, seconds: u32) -> Signer {
        self.expiration = Some(Expiration::After(seconds.max(1)));
        self
    }

    /// With `x=`: this moment, to the second.
    pub fn with_expiration(mut self, at: Timestamp) -> Signer {
        self.expiration = Some(Expiration::At(at));
        self
    }

    /// Without `t=`.
    pub fn without_timestamp(mut self) -> Signer {
        self.timestamp = false;
        self
    }

    /// With `l=`: the whole present body, so that more can be appended.
    pub fn with_body_length(mut self) -> Signer {
        self.body_length = Some(BodyLength::Whole);
        self
    }

    /// With `l=`: at most this many octets of the canonical body.
    pub fn with_body_prefix(mut self, octets: u64) -> Signer {
        self.body_length = Some(BodyLength::First(octets));
        self
    }

    /// The text of the TXT record at `selector._domainkey.domain` that publishes the key.
    pub fn record(&self) -> String {
        self.key.record()
    }

    /// The `DKIM-Signature` field of a message, folded, with its final CRLF.
    ///
    /// # Errors
    /// When the message does not have one `From` field, or the key cannot sign.
    pub fn sign(&self, message: &Message<'_>, now: Timestamp) -> Result<String, SignError> {
        let index = FieldIndex::new(message);
        let fields = index.numbers("from").len();
        if fields != 1 && !self.careless {
            return Err(SignError::NotAMessage { fields });
        }
        let names = match &self.fields {
            Some(names) => names.clone(),
            None => recommended(&index),
        };
        let mut field = self.unsigned_field(message.body(), &names, now)?;
        let own = Message::parse(field.as_bytes()).ok().and_then(|own| own.fields().next());
        // The field was written above, so it can be read.
        let Some(own) = own else { return Err(SignError::Time) };
        let end = own.raw_value().len();
        let own = OwnField { field: own, number: None, signature: end..end };
        let data = index.signed_data(self.canonicalization.header, &names, &own);
        let signature = BASE64.encode(&self.key.sign(&data)?);
        push_broken(&mut field, &signature);
        field.push_str("\r\n");
        Ok(field)
    }

    /// The field up to `b=`.
    fn unsigned_field(&self, body: &[u8], names: &[String], now: Timestamp) -> Result<String, SignError> {
        let limit = match self.body_length {
            Some(BodyLength::First(octets)) => Some(octets),
            Some(BodyLength::Whole) | None => None,
        };
        let body = BodyHasher::hash(self.canonicalization.body, limit, body);
        let now = u64::try_from(now.as_second()).map_err(|_| SignError::Time)?;
        let mut tags = vec![
            "v=1".to_owned(),
            format!("a={}", self.key.algorithm()),
            format!("c={}", self.canonicalization),
            format!("d={}", self.domain),
            format!("s={}", self.selector),
        ];
        if let Some(identity) = &self.identity {
            tags.push(format!("i={}@{}", quoted_printable(&identity.local_part), identity.domain));
        }
        if self.timestamp {
            tags.push(format!("t={now}"));
        }
        match self.expiration {
            Some(Expiration::After(seconds)) => tags.push(format!("x={}", now.saturating_add(u64::from(seconds)))),
            Some(Expiration::At(at)) => {
                tags.push(format!("x={}", u64::try_from(at.as_second()).map_err(|_| SignError::Time)?));
            }
            None => {}
        }
        if self.body_length.is_some() {
            tags.push(format!("l={}", limit.map_or(body.length, |limit| limit.min(body.length))));
        }
        let mut field = format!("{FIELD}:");
        let closed = tags.into_iter().map(|tag| (format!("{tag};"), true));
        let last = names.len().saturating_sub(1);
        let listed = names.iter().enumerate().map(|(number, name)| {
            let begin = if number == 0 { "h=" } else { "" };
            (format!("{begin}{name}{}", if number == last { ';' } else { ':' }), number == 0)
        });
        let end = [(format!("bh={};", BASE64.encode(&body.digest)), true), ("b=".to_owned(), true)];
        push_folded(&mut field, closed.chain(listed).chain(end));
        Ok(field)
    }
}

/// The names of [`RECOMMENDED`], each as often as it occurs in the message, and `From` once more.
pub(crate) fn recommended(index: &FieldIndex<'_>) -> Vec<String> {
    let mut names = vec![RECOMMENDED[0].to_owned()];
    for name in RECOMMENDED {
        names.extend(index.numbers(name).iter().map(|_| name.to_owned()));
    }
    names.truncate(MAX_SIGNED_FIELDS);
    names
}

/// RFC 6376 §2.11: octets that a tag's value may not hold, and the equals sign, as `=` and two digits.
fn quoted_printable(text: &str) -> String {
    let mut out = String::new();
    for octet in text.bytes() {
        match octet {
            0x21..=0x3a | 0x3c | 0x3e..=0x7e => out.push(char::from(octet)),
            _ => out.push_str(&format!("={octet:02X}")),
        }
    }
    out
}

/// How long a line may be, in columns (RFC 5322 §2.1.1).
const WIDTH: usize = 78;

/// The length of the last line of `field`.
fn column(field: &str) -> usize {
    field.len() - field.rfind('\n').map_or(0, |end| end + 1)
}

/// Appends pieces, each with a blank before it or none, and folds before a piece that does not fit into the line.
pub(crate) fn push_folded(field: &mut String, pieces: impl Iterator<Item = (String, bool)>) {
    for (piece, blank) in pieces {
        let room = column(field) + usize::from(blank) + piece.len() <= WIDTH;
        field.push_str(match (room, blank) {
            (false, _) => "\r\n ",
            (true, true) => " ",
            (true, false) => "",
        });
        field.push_str(&piece);
    }
}

/// Appends a value in which a fold may stand anywhere.
pub(crate) fn push_broken(field: &mut String, value: &str) {
    let mut rest = value;
    while !rest.is_empty() {
        let room = WIDTH.saturating_sub(column(field));
        let (line, more) = rest.split_at_checked(room).unwrap_or((rest, ""));
        field.push_str(line);
        rest = more;
        if !rest.is_empty() {
            field.push_str("\r\n ");
        }
    }
}

#[cfg(test)]
mod tests;
