//! The `DKIM-Signature` field (RFC 6376 §3.5), read into types.
//!
//! | tag | | |
//! |---|---|---|
//! | `v` | must be `1` | |
//! | `a` | algorithm: `rsa-sha256`, `ed25519-sha256` (RFC 8463), `rsa-sha1` | required |
//! | `b`, `bh` | signature, hash of the body, in base64 | required |
//! | `c` | canonicalization of header and body | `simple/simple` |
//! | `d`, `s` | the signing domain, and which of its keys | required |
//! | `h` | the names of the signed fields; `From` must be one | required |
//! | `i` | on whose behalf, at `d` or below it | `@` and `d` |
//! | `l` | how many octets of the body are signed | all |
//! | `q` | how the key is found: `dns/txt` | `dns/txt` |
//! | `t`, `x` | when it was made, and when it ends, in seconds since 1970 | |
//!
//! Other tags, `z` among them, are ignored. ARC's `ARC-Message-Signature` has the same tags but for `v` and `i`
//! (RFC 8617 §4.1.2): [`MessageSignature`] has the common tags.

use std::sync::LazyLock;

use data_encoding::{BASE64_NOPAD, Encoding};
use jiff::Timestamp;
use mxlab_mail::tag_list::{self, TagList, TagListError, shortened, without_blanks};

use super::canonical::Canonicalization;
use super::domain::Domain;

/// The most names in `h=`.
pub const MAX_SIGNED_FIELDS: usize = 512;

/// A signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// Known, but never valid (RFC 8301 §3.1).
    RsaSha1,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 6376 §3.3.2).
    RsaSha256,
    /// Ed25519 over the SHA-256 (RFC 8463 §3).
    Ed25519Sha256,
}

impl Algorithm {
    const ALL: [Algorithm; 3] = [Algorithm::RsaSha1, Algorithm::RsaSha256, Algorithm::Ed25519Sha256];

    /// The word in `a=`.
    pub fn word(self) -> &'static str {
        match self {
            Algorithm::RsaSha1 => "rsa-sha1",
            Algorithm::RsaSha256 => "rsa-sha256",
            Algorithm::Ed25519Sha256 => "ed25519-sha256",
        }
    }

    /// The key type that it needs, as in `k=` of the key record.
    pub fn key_type(self) -> &'static str {
        match self {
            Algorithm::RsaSha1 | Algorithm::RsaSha256 => "rsa",
            Algorithm::Ed25519Sha256 => "ed25519",
        }
    }

    /// The hash algorithm that it uses, as in `h=` of the key record.
    pub fn hash(self) -> &'static str {
        match self {
            Algorithm::RsaSha1 => "sha1",
            Algorithm::RsaSha256 | Algorithm::Ed25519Sha256 => "sha256",
        }
    }
}

impl std::fmt::Display for Algorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// Why a signature field is not one (RFC 6376 §6.1.1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The value is not a tag list.
    #[error(transparent)]
    TagList(#[from] TagListError),
    /// A required tag is not there.
    #[error("{tag}= is missing")]
    Missing {
        /// Its name.
        tag: &'static str,
    },
    /// `v=` is not `1`.
    #[error("v={value} is not a known version")]
    Version {
        /// Its value.
        value: String,
    },
    /// A tag's value does not fit the tag.
    #[error("{tag}={value} is malformed")]
    Value {
        /// The tag's name.
        tag: &'static str,
        /// Its value, cut short if it is long.
        value: String,
    },
    /// `a=` is an unknown algorithm.
    #[error("a={value} is not a known algorithm")]
    Algorithm {
        /// Its value.
        value: String,
    },
    /// `q=` offers no known way to find the key.
    #[error("q={value} offers no known query method")]
    QueryMethod {
        /// Its value.
        value: String,
    },
    /// `i=` is neither at `d=` nor below it.
    #[error("i={identity} is not within d={domain}")]
    IdentityOutside {
        /// The value of `i=`.
        identity: String,
        /// The value of `d=`.
        domain: String,
    },
    /// `h=` does not list `From` (§5.4).
    #[error("h= does not list From")]
    FromNotSigned,
    /// `h=` is longer than [`MAX_SIGNED_FIELDS`].
    #[error("h= lists more than {MAX_SIGNED_FIELDS} fields")]
    TooManyFields,
    /// `x=` is not later than `t=`.
    #[error("x={expiration} is not later than t={timestamp}: {} and {}", moment(*expiration), moment(*timestamp))]
    ExpiresBeforeSigned {
        /// `t=`.
        timestamp: u64,
        /// `x=`.
        expiration: u64,
    },
}

/// What the signature of a message says, in DKIM and in ARC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageSignature {
    /// `a=`.
    pub algorithm: Algorithm,
    /// `b=`, decoded.
    pub signature: Vec<u8>,
    /// `bh=`, decoded.
    pub body_hash: Vec<u8>,
    /// `c=`.
    pub canonicalization: Canonicalization,
    /// `d=`.
    pub domain: Domain,
    /// `s=`.
    pub selector: Domain,
    /// `h=` in lower case.
    pub signed_fields: Vec<String>,
    /// `l=` in octets; a number too large for the type becomes the largest.
    pub body_length: Option<u64>,
    /// `t=` in seconds since 1970.
    pub timestamp: Option<u64>,
    /// `x=` in seconds since 1970.
    pub expiration: Option<u64>,
}

/// What a name without letters in `h=` means: `h=`, `h=from::to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyName {
    /// The field is malformed: the grammar of RFC 6376 §3.5 has no such name.
    Malformed,
    /// It stands for no field, and the signature over the others counts.
    Ignored,
}

impl MessageSignature {
    /// Reads the tags that DKIM and ARC have in common. The tags that they treat differently (`v`, `i`), and whether
    /// `From` must be signed, are left to the callers.
    ///
    /// # Errors
    /// The first tag that is wrong.
    pub fn parse(tags: &TagList<'_>, empty_name: EmptyName) -> Result<MessageSignature, SignatureError> {
        let algorithm = algorithm(tags)?;
        let signature = base64(tags, "b")?;
        let body_hash = base64(tags, "bh")?;
        let c = tags.value("c");
        let canonicalization = c.map_or(Some(Canonicalization::DEFAULT), Canonicalization::parse);
        let canonicalization = canonicalization.ok_or_else(|| malformed("c", c.unwrap_or_default()))?;
        // RFC 6376 §3.5: a domain-name has two labels at least, a selector one.
        let domain = name(tags, "d", 2)?;
        let signed_fields = signed_fields(required(tags, "h")?, empty_name)?;
        let body_length = number(tags, "l", 76)?;
        if let Some(q) = tags.value("q") {
            let known = q.split(':').any(|method| tag_list::trimmed(method) == "dns/txt");
            if !known {
                return Err(SignatureError::QueryMethod { value: shortened(q) });
            }
        }
        let selector = name(tags, "s", 1)?;
        let timestamp = number(tags, "t", 12)?;
        let expiration = number(tags, "x", 12)?;
        if let (Some(timestamp), Some(expiration)) = (timestamp, expiration)
            && expiration <= timestamp
        {
            return Err(SignatureError::ExpiresBeforeSigned { timestamp, expiration });
        }
        Ok(MessageSignature {
            algorithm,
            signature,
            body_hash,
            canonicalization,
            domain,
            selector,
            signed_fields,
            body_length,
            timestamp,
            expiration,
        })
    }
}

/// On whose behalf a message is signed: `i=` (RFC 6376 §3.5), the Agent or User Identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The part before the `@`; empty when `i=` is missing.
    pub local_part: String,
    /// The part after it.
    pub domain: Domain,
}

/// A `DKIM-Signature`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// All but `v` and `i`.
    pub message: MessageSignature,
    /// `i=`.
    pub identity: Identity,
}

impl Signature {
    /// Reads the tags of a `DKIM-Signature` field.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(tags: &TagList<'_>) -> Result<Signature, SignatureError> {
        match required(tags, "v")? {
            "1" => {}
            other => return Err(SignatureError::Version { value: shortened(other) }),
        }
        let message = MessageSignature::parse(tags, EmptyName::Malformed)?;
        let identity = match tags.value("i") {
            None => Identity { local_part: String::new(), domain: message.domain.clone() },
            Some(text) => identity(text)?,
        };
        if !identity.domain.is_within(&message.domain) {
            return Err(SignatureError::IdentityOutside {
                identity: format!("{}@{}", shortened(&identity.local_part), identity.domain),
                domain: message.domain.to_string(),
            });
        }
        if !message.signed_fields.iter().any(|name| name == "from") {
            return Err(SignatureError::FromNotSigned);
        }
        Ok(Signature { message, identity })
    }
}

pub(crate) fn malformed(tag: &'static str, value: &str) -> SignatureError {
    SignatureError::Value { tag, value: shortened(value) }
}

/// Seconds since 1970, as `t=` and `x=` have them, as a date; the number if it is out of range for a date.
pub(crate) fn moment(seconds: u64) -> String {
    let date = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    date.map_or_else(|| seconds.to_string(), |date| date.to_string())
}

/// The value of a tag that must be there.
///
/// # Errors
/// When it is not.
pub fn required<'a>(tags: &TagList<'a>, tag: &'static str) -> Result<&'a str, SignatureError> {
    tags.value(tag).ok_or(SignatureError::Missing { tag })
}

/// The algorithm in `a=`, which must be there.
///
/// # Errors
/// When it is not, or is not known here.
pub fn algorithm(tags: &TagList<'_>) -> Result<Algorithm, SignatureError> {
    let a = required(tags, "a")?;
    let algorithm = Algorithm::ALL.into_iter().find(|algorithm| algorithm.word() == a);
    algorithm.ok_or_else(|| SignatureError::Algorithm { value: shortened(a) })
}

/// The octets of a tag in base64 that must be there.
///
/// # Errors
/// When it is not, is empty, or is not base64.
pub fn base64(tags: &TagList<'_>, tag: &'static str) -> Result<Vec<u8>, SignatureError> {
    let value = required(tags, tag)?;
    decode_base64(value).filter(|octets| !octets.is_empty()).ok_or_else(|| malformed(tag, value))
}

/// The name in a tag that must be there, with at least so many labels.
///
/// # Errors
/// When it is missing or not a name.
pub fn name(tags: &TagList<'_>, tag: &'static str, labels: usize) -> Result<Domain, SignatureError> {
    let value = required(tags, tag)?;
    Domain::parse(value, labels).ok_or_else(|| malformed(tag, value))
}

/// The number in an optional tag, of at most this many digits; one too large for the type becomes the largest.
///
/// # Errors
/// When it is not a number.
pub fn number(tags: &TagList<'_>, tag: &'static str, digits: usize) -> Result<Option<u64>, SignatureError> {
    let Some(value) = tags.value(tag) else { return Ok(None) };
    if !(1..=digits).contains(&value.len()) || !value.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(malformed(tag, value));
    }
    Ok(Some(value.parse().unwrap_or(u64::MAX)))
}

/// RFC 6376 §2.10: base64 with folds anywhere. By the grammar the padding at the end may be left out; if it is there,
/// it must be complete. Unused bits before the padding are ignored (RFC 4648 §3.5 allows that).
pub(crate) fn decode_base64(value: &str) -> Option<Vec<u8>> {
    static DIGITS: LazyLock<Encoding> = LazyLock::new(|| {
        let mut digits = BASE64_NOPAD.specification();
        digits.check_trailing_bits = false;
        // Derived from a standard encoding, so it is valid.
        digits.encoding().unwrap_or(BASE64_NOPAD)
    });
    let value = without_blanks(value);
    let padding = value.iter().rev().take_while(|octet| **octet == b'=').count();
    if padding > 0 && (padding > 2 || !value.len().is_multiple_of(4)) {
        return None;
    }
    DIGITS.decode(value.get(..value.len() - padding)?).ok()
}

fn signed_fields(value: &str, empty_name: EmptyName) -> Result<Vec<String>, SignatureError> {
    let mut names = Vec::new();
    for name in value.split(':').map(tag_list::trimmed) {
        if name.is_empty() && empty_name == EmptyName::Ignored {
            continue;
        }
        // RFC 5322 §3.6.8: ftext. A tag cannot contain a semicolon.
        if name.is_empty() || !name.bytes().all(|octet| octet.is_ascii_graphic()) {
            return Err(malformed("h", value));
        }
        if names.len() == MAX_SIGNED_FIELDS {
            return Err(SignatureError::TooManyFields);
        }
        names.push(name.to_ascii_lowercase());
    }
    Ok(names)
}

/// `[ Local-part ] "@" domain-name`, in dkim-quoted-printable (§2.11).
fn identity(value: &str) -> Result<Identity, SignatureError> {
    let wrong = || malformed("i", value);
    let text = quoted_printable(value).ok_or_else(wrong)?;
    let (local_part, domain) = text.rsplit_once('@').ok_or_else(wrong)?;
    let domain = Domain::parse(domain, 2).ok_or_else(wrong)?;
    Ok(Identity { local_part: local_part.to_owned(), domain })
}

/// RFC 6376 §2.11: blanks are dropped, `=` and two hexadecimal digits in upper case are an octet.
fn quoted_printable(value: &str) -> Option<String> {
    let compact = without_blanks(value);
    let mut octets = Vec::with_capacity(compact.len());
    let mut rest = compact.as_slice();
    while let Some((&octet, tail)) = rest.split_first() {
        rest = tail;
        if octet != b'=' {
            octets.push(octet);
            continue;
        }
        let (digits, tail) = rest.split_at_checked(2)?;
        octets.push(*data_encoding::HEXUPPER.decode(digits).ok()?.first()?);
        rest = tail;
    }
    String::from_utf8(octets).ok()
}

#[cfg(test)]
mod tests;
