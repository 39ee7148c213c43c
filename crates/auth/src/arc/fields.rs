//! The three header fields of a set (RFC 8617 §4.1), read into types.
//!
//! AMS and AS are tag lists as in DKIM ([`mxlab_mail::tag_list`]):
//!
//! | tag | AMS | AS | |
//! |---|---|---|---|
//! | `i` | required | required | the instance, 1 to 50 (§4.2.1) |
//! | `a`, `b`, `d`, `s` | required | required | as in DKIM |
//! | `t` | | | when it was made, in seconds since 1970 |
//! | `cv` | | required | the chain as it arrived: `none`, `pass`, `fail` (§4.1.3) |
//! | `bh`, `h` | required | `h` is forbidden (§4.1.3) | |
//! | `c`, `l`, `q`, `x` | as in DKIM | | a seal is always in relaxed form, and covers no body |
//! | `v` | ignored (§4.1.2) | ignored | |
//!
//! AAR is an instance, a semicolon, and the value of an `Authentication-Results` (§4.1.1), which is kept as text.
//!
//! `h=` of an AMS must not list ARC fields (§4.1.2). Here only `ARC-Seal` makes it invalid *(choice)*: a message
//! signature would cover a seal that is made after it. The drafts allowed the other two, and some signers list them.
//! A name without letters in `h=` stands for no field, which the published suite requires *(choice)*. `cv=` is read in either
//! case, because its grammar is ABNF; tag lists hold no comments, although §3.9 allows them.
//!
//! In everything else an AMS is a signature as in DKIM (§4.1.2), against two expectations of that suite: without `c=` it is
//! `simple/simple` (RFC 6376 §3.5), and `h=` must list `From` (§5.4). Else a set would vouch for a message whose author
//! anybody may have changed since.

use mxlab_mail::tag_list::{TagList, shortened};

use super::local_results::skip_cfws;
use crate::dkim::domain::Domain;
use crate::dkim::signature::{self, Algorithm, EmptyName, SignatureError};

/// The highest instance, and so the maximum number of sets (RFC 8617 §4.2.1, §5.2 step 1).
pub const MAX_INSTANCE: u8 = 50;

/// One of the three fields of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldKind {
    /// AAR.
    AuthenticationResults,
    /// AMS.
    MessageSignature,
    /// AS.
    Seal,
}

impl FieldKind {
    /// All, in the order in which a seal covers them (RFC 8617 §5.1.1).
    pub const ALL: [FieldKind; 3] = [FieldKind::AuthenticationResults, FieldKind::MessageSignature, FieldKind::Seal];

    /// The field's name.
    pub fn name(self) -> &'static str {
        match self {
            FieldKind::AuthenticationResults => "ARC-Authentication-Results",
            FieldKind::MessageSignature => "ARC-Message-Signature",
            FieldKind::Seal => "ARC-Seal",
        }
    }
}

impl std::fmt::Display for FieldKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The Chain Validation Status (RFC 8617 §4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChainStatus {
    /// There is no chain.
    None,
    /// It holds.
    Pass,
    /// The chain does not hold, and never will.
    Fail,
}

impl ChainStatus {
    /// All.
    pub const ALL: [ChainStatus; 3] = [ChainStatus::None, ChainStatus::Pass, ChainStatus::Fail];

    /// The word in `cv=` and in `arc=` of `Authentication-Results` (§4.4, §10.1).
    pub fn word(self) -> &'static str {
        match self {
            ChainStatus::None => "none",
            ChainStatus::Pass => "pass",
            ChainStatus::Fail => "fail",
        }
    }

    /// What `cv=` of a set must say in a chain that holds (§5.2 step 3.C).
    pub(super) fn expected_at(instance: u8) -> ChainStatus {
        if instance == 1 { ChainStatus::None } else { ChainStatus::Pass }
    }
}

impl std::fmt::Display for ChainStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// Why a field is not one of the three.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// The tags are not those of a signature.
    #[error(transparent)]
    Tags(#[from] SignatureError),
    /// There is no instance, or, in AAR, it is not at the beginning.
    #[error("i= is missing")]
    NoInstance,
    /// The instance is not a number from 1 to 50.
    #[error("i={value} is not an instance from 1 to {MAX_INSTANCE}")]
    Instance {
        /// The value, cut short if it is long.
        value: String,
    },
    /// In AAR, no semicolon follows the instance.
    #[error("no semicolon after i=")]
    NoSemicolon,
    /// `cv=` is neither `none` nor `pass` nor `fail`.
    #[error("cv={value} is not a chain status")]
    ChainStatus {
        /// The value, cut short if it is long.
        value: String,
    },
    /// A seal has `h=`.
    #[error("a seal has no h=")]
    FieldsInSeal,
    /// A message signature covers `ARC-Seal`.
    #[error("h= lists ARC-Seal")]
    SealSigned,
}

/// An `ARC-Authentication-Results`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticationResults {
    /// `i=`.
    pub instance: u8,
    /// What follows: authserv-id and results, unfolded.
    pub payload: String,
}

impl AuthenticationResults {
    /// Reads the field's value, unfolded.
    ///
    /// # Errors
    /// When it does not begin with an instance and a semicolon.
    pub fn parse(value: &str) -> Result<AuthenticationResults, FieldError> {
        // §3.9: instance = [CFWS] %s"i" [CFWS] "=" [CFWS] position
        let behind = |text: &str| skip_cfws(text).ok_or(FieldError::NoInstance).map(str::to_owned);
        let rest = behind(value)?;
        let rest = behind(rest.strip_prefix('i').ok_or(FieldError::NoInstance)?)?;
        let rest = behind(rest.strip_prefix('=').ok_or(FieldError::NoInstance)?)?;
        let end = rest.find(|c: char| c.is_ascii_whitespace() || matches!(c, ';' | '(')).unwrap_or(rest.len());
        let (position, rest) = rest.split_at_checked(end).unwrap_or((&rest, ""));
        let instance = parse_instance(position)?;
        let rest = skip_cfws(rest).ok_or(FieldError::NoSemicolon)?;
        let payload = rest.strip_prefix(';').ok_or(FieldError::NoSemicolon)?;
        Ok(AuthenticationResults { instance, payload: payload.trim().to_owned() })
    }
}

/// An `ARC-Message-Signature`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageSignature {
    /// `i=`.
    pub instance: u8,
    /// The other tags.
    pub signature: signature::MessageSignature,
}

impl MessageSignature {
    /// Reads the field's tags.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(tags: &TagList<'_>) -> Result<MessageSignature, FieldError> {
        let instance = tagged_instance(tags)?;
        let signature = signature::MessageSignature::parse(tags, EmptyName::Ignored)?;
        if !signature.signed_fields.iter().any(|name| name == "from") {
            return Err(SignatureError::FromNotSigned.into());
        }
        if signature.signed_fields.iter().any(|name| name.eq_ignore_ascii_case(FieldKind::Seal.name())) {
            return Err(FieldError::SealSigned);
        }
        Ok(MessageSignature { instance, signature })
    }
}

/// An `ARC-Seal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// `i=`.
    pub instance: u8,
    /// `cv=`: the chain before this set, as the sealer found it.
    pub chain_status: ChainStatus,
    /// `a=`.
    pub algorithm: Algorithm,
    /// `b=`, decoded.
    pub signature: Vec<u8>,
    /// `d=`.
    pub domain: Domain,
    /// `s=`.
    pub selector: Domain,
    /// `t=` in seconds since 1970.
    pub timestamp: Option<u64>,
}

impl Seal {
    /// Reads the field's tags.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(tags: &TagList<'_>) -> Result<Seal, FieldError> {
        let instance = tagged_instance(tags)?;
        if tags.tag("h").is_some() {
            return Err(FieldError::FieldsInSeal);
        }
        Ok(Seal {
            instance,
            chain_status: chain_status(tags)?,
            algorithm: signature::algorithm(tags)?,
            signature: signature::base64(tags, "b")?,
            domain: signature::name(tags, "d", 2)?,
            selector: signature::name(tags, "s", 1)?,
            timestamp: signature::number(tags, "t", 12)?,
        })
    }
}

/// The value of `cv=`.
pub(super) fn chain_status(tags: &TagList<'_>) -> Result<ChainStatus, FieldError> {
    let cv = signature::required(tags, "cv")?;
    let status = ChainStatus::ALL.into_iter().find(|status| cv.eq_ignore_ascii_case(status.word()));
    status.ok_or_else(|| FieldError::ChainStatus { value: shortened(cv) })
}

/// The value of `i=`.
pub(super) fn tagged_instance(tags: &TagList<'_>) -> Result<u8, FieldError> {
    parse_instance(tags.value("i").ok_or(FieldError::NoInstance)?)
}

/// §3.9: position = 1*2DIGIT, 1 to 50.
fn parse_instance(position: &str) -> Result<u8, FieldError> {
    let wrong = || FieldError::Instance { value: shortened(position) };
    if position.len() > 2 || !position.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(wrong());
    }
    position.parse().ok().filter(|instance| (1..=MAX_INSTANCE).contains(instance)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests;
