//! Adding a set to a message (RFC 8617 §5.1).
//!
//! The chain is validated when the message arrives, and sealed when it leaves, after all other changes (§5.1 step 1);
//! so the caller gives the status. The new set has the instance after the highest one. Its AMS covers the message; its
//! AS covers all sets, or, when the chain fails, only the new set (§5.1.2), because it may not be clear what the others
//! are.
//!
//! Nothing is added to a chain whose newest seal says `cv=fail` (§5.1 step 2), nor a 51st set (§4.2.1).
//!
//! A seal is made in relaxed form, in which a fold inside `b=` or `h=` of an AMS becomes a blank, so that even the
//! layout changes a seal; [`Layout`] has two.

use data_encoding::BASE64;
use jiff::Timestamp;
use mxlab_mail::headers::folded;
use mxlab_mail::{HeaderField, Message};

use super::chain::Failure;
use super::fields::{ChainStatus, FieldKind, MAX_INSTANCE};
use super::local_results::single_blanks;
use super::sets::ArcFields;
use super::validate::sealed_data;
use crate::dkim::canonical::{self, BodyHasher, Canonicalization, Form};
use crate::dkim::crypto::{SigningKey, SigningKeyError};
use crate::dkim::domain::Domain;
use crate::dkim::sign;
use crate::dkim::signature::MAX_SIGNED_FIELDS;
use crate::dkim::signed_fields::{FieldIndex, OwnField};

/// Why nothing is added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// `d=` would be no domain.
    #[error("{0:?} is not a domain")]
    Domain(String),
    /// `s=` would be no selector.
    #[error("{0:?} is not a selector")]
    Selector(String),
    /// An RSA key of less than 1,024 bits (RFC 8301 §3.2).
    #[error("the key has {bits} bits, but a signer needs at least 1024")]
    Weak {
        /// Its length.
        bits: usize,
    },
    /// A field name to sign is not one.
    #[error("{0:?} is not a field name")]
    FieldName(String),
    /// A field that a message signature must not cover (§4.1.2): one of ARC, or `Authentication-Results`.
    #[error("{0} must not be signed")]
    NotToBeSigned(String),
    /// More names to sign than a signature may list.
    #[error("more than {MAX_SIGNED_FIELDS} fields to sign")]
    TooManyFields,
    /// `From` is not among the names to sign, but must be (RFC 6376 §5.4).
    #[error("From must be signed")]
    FromNotSigned,
    /// The newest seal says `cv=fail`: the message is passed on as it is (§5.1 step 2).
    #[error("the chain failed at set {instance}: nothing can be added to it")]
    AlreadyFailed {
        /// The set that says so.
        instance: u8,
    },
    /// There are 50 sets, or too many fields.
    #[error("there is no room for another set")]
    Full,
    /// The status is `none`, but the message has ARC fields.
    #[error("the message has a chain, but cv=none would deny it")]
    HasChain,
    /// The status is `pass`, but the message has no chain.
    #[error("the message has no chain that could pass")]
    NoChain,
    /// The status is `pass`, but the sets are not complete.
    #[error("the chain cannot pass: {0}")]
    Broken(Failure),
    /// A signing time before 1970.
    #[error("the time is before 1970")]
    Time,
    /// The fields of the set are longer than a header may be.
    #[error("the set is too long")]
    TooLong,
    /// The key cannot sign.
    #[error(transparent)]
    Key(#[from] SigningKeyError),
}

/// How AMS and AS are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `i=` first (RFC 8617 §4.1.2, §4.1.3), `b=` last, folded at 78 columns.
    Folded,
    /// Sorted by name, a line for each tag, and no fold inside a tag; a long key or many fields make long lines. The
    /// seals of the suite cover such fields.
    Plain,
}

/// Adds sets with one key.
#[derive(Debug)]
pub struct Sealer {
    key: SigningKey,
    domain: Domain,
    selector: Domain,
    canonicalization: Canonicalization,
    fields: Option<Vec<String>>,
    timestamp: bool,
    layout: Layout,
}

/// A new set: three fields, each folded and with its final CRLF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSet {
    /// Its place in the chain.
    pub instance: u8,
    /// `ARC-Authentication-Results`.
    pub authentication_results: String,
    /// `ARC-Message-Signature`.
    pub message_signature: String,
    /// `ARC-Seal`.
    pub seal: String,
}

impl SealedSet {
    /// The three fields in the order in which they go on top of the header.
    pub fn header(&self) -> String {
        [self.seal.as_str(), &self.message_signature, &self.authentication_results].concat()
    }
}

impl Sealer {
    /// A sealer with the key that is published at `selector` of `domain`: `relaxed/relaxed`, with `t=` and the recommended
    /// fields.
    ///
    /// # Errors
    /// When a name is not one, or the key is weak.
    pub fn new(key: SigningKey, domain: &str, selector: &str) -> Result<Sealer, SealError> {
        if let Some(bits) = key.rsa_bits().filter(|bits| *bits < 1_024) {
            return Err(SealError::Weak { bits });
        }
        Ok(Sealer {
            key,
            domain: Domain::parse(domain, 2).ok_or_else(|| SealError::Domain(domain.to_owned()))?,
            selector: Domain::parse(selector, 1).ok_or_else(|| SealError::Selector(selector.to_owned()))?,
            canonicalization: Canonicalization::RELAXED,
            fields: None,
            timestamp: true,
            layout: Layout::Folded,
        })
    }

    /// With these canonicalizations of the message signature.
    pub fn with_canonicalization(mut self, canonicalization: Canonicalization) -> Sealer {
        self.canonicalization = canonicalization;
        self
    }

    /// Signs these fields, in this order, once for each time that a name is listed.
    ///
    /// # Errors
    /// When a name is not one or must not be signed, there are too many, or `From` is not among them.
    pub fn with_fields(mut self, names: &[&str]) -> Result<Sealer, SealError> {
        if names.len() > MAX_SIGNED_FIELDS {
            return Err(SealError::TooManyFields);
        }
        let forbidden = FieldKind::ALL.map(FieldKind::name).into_iter().chain(["Authentication-Results"]);
        let forbidden: Vec<&str> = forbidden.collect();
        for name in names {
            let allowed = |octet: u8| octet.is_ascii_graphic() && !matches!(octet, b':' | b';');
            if name.is_empty() || !name.bytes().all(allowed) {
                return Err(SealError::FieldName((*name).to_owned()));
            }
            if forbidden.iter().any(|forbidden| forbidden.eq_ignore_ascii_case(name)) {
                return Err(SealError::NotToBeSigned((*name).to_owned()));
            }
        }
        if !names.iter().any(|name| name.eq_ignore_ascii_case("from")) {
            return Err(SealError::FromNotSigned);
        }
        self.fields = Some(names.iter().map(|name| name.to_ascii_lowercase()).collect());
        Ok(self)
    }

    /// Without `t=`.
    pub fn without_timestamp(mut self) -> Sealer {
        self.timestamp = false;
        self
    }

    /// Written in this way.
    pub fn with_layout(mut self, layout: Layout) -> Sealer {
        self.layout = layout;
        self
    }

    /// The text of the TXT record at `selector._domainkey.domain` that publishes the key.
    pub fn record(&self) -> String {
        self.key.record()
    }

    /// The next set of a message that is ready to be sent. `results` is the value of the AAR after its instance
    /// ([`super::local_results()`]), `status` the result for the chain when the message arrived.
    ///
    /// # Errors
    /// When no set can be added to the chain, or the message's chain cannot have this status.
    pub fn seal(
        &self,
        message: &Message<'_>,
        results: &str,
        status: ChainStatus,
        now: Timestamp,
    ) -> Result<SealedSet, SealError> {
        let index = FieldIndex::new(message);
        let found = ArcFields::find(&index);
        let instance = next_instance(&found)?;
        let mut sealed = match status {
            ChainStatus::None if !found.is_empty() => return Err(SealError::HasChain),
            ChainStatus::Pass if found.is_empty() => return Err(SealError::NoChain),
            ChainStatus::Pass => sealed_data(&found.sets().map_err(SealError::Broken)?).0,
            // §5.1.2: only the new set.
            ChainStatus::None | ChainStatus::Fail => Vec::new(),
        };
        let timestamp = match self.timestamp {
            true => Some(u64::try_from(now.as_second()).map_err(|_| SealError::Time)?),
            false => None,
        };
        let authentication_results =
            folded(FieldKind::AuthenticationResults.name(), &format!("i={instance}; {}", single_blanks(results)));
        let message_signature = self.message_signature(&index, message.body(), instance, timestamp)?;
        for field in [&authentication_results, &message_signature] {
            canonical::push_field(Form::Relaxed, only_field(&parsed(field)?)?, &mut sealed);
        }
        let seal = self.seal_over(sealed, instance, status, timestamp)?;
        Ok(SealedSet { instance, authentication_results, message_signature, seal })
    }

    fn message_signature(
        &self,
        index: &FieldIndex<'_>,
        body: &[u8],
        instance: u8,
        timestamp: Option<u64>,
    ) -> Result<String, SealError> {
        let names = self.fields.clone().unwrap_or_else(|| recommended(index));
        let body = BodyHasher::hash(self.canonicalization.body, None, body);
        let mut tags = self.common_tags(instance, timestamp);
        tags.push(("bh", BASE64.encode(&body.digest)));
        tags.push(("c", self.canonicalization.to_string()));
        tags.push(("h", names.join(":")));
        self.signed(FieldKind::MessageSignature, tags, |own| {
            index.signed_data(self.canonicalization.header, &names, own)
        })
    }

    /// `sealed` holds everything that the seal covers except itself.
    fn seal_over(
        &self,
        mut sealed: Vec<u8>,
        instance: u8,
        status: ChainStatus,
        timestamp: Option<u64>,
    ) -> Result<String, SealError> {
        let mut tags = self.common_tags(instance, timestamp);
        tags.push(("cv", status.word().to_owned()));
        self.signed(FieldKind::Seal, tags, |own| {
            canonical::push_own_field(Form::Relaxed, own.field, own.signature.clone(), &mut sealed);
            sealed
        })
    }

    fn common_tags(&self, instance: u8, timestamp: Option<u64>) -> Vec<(&'static str, String)> {
        let mut tags = vec![
            ("a", self.key.algorithm().to_string()),
            ("b", String::new()),
            ("d", self.domain.to_string()),
            ("i", instance.to_string()),
            ("s", self.selector.to_string()),
        ];
        tags.extend(timestamp.map(|timestamp| ("t", timestamp.to_string())));
        tags
    }

    /// The field with these tags. `b=` has the signature over the octets that `data` makes from the field without it.
    fn signed(
        &self,
        kind: FieldKind,
        mut tags: Vec<(&'static str, String)>,
        data: impl FnOnce(&OwnField<'_>) -> Vec<u8>,
    ) -> Result<String, SealError> {
        tags.sort_by_key(|(name, _)| self.layout.place(name));
        let unsigned = self.layout.write(kind, &tags);
        let message = parsed(&unsigned)?;
        let data = data(&OwnField { field: only_field(&message)?, number: None, signature: 0..0 });
        let signature = BASE64.encode(&self.key.sign(&data)?);
        for (name, value) in &mut tags {
            if *name == "b" {
                value.clone_from(&signature);
            }
        }
        Ok(self.layout.write(kind, &tags))
    }
}

/// One after the highest instance.
fn next_instance(found: &ArcFields<'_>) -> Result<u8, SealError> {
    if let Some(instance) = found.reported().and_then(|failure| failure.instance) {
        return Err(SealError::AlreadyFailed { instance });
    }
    let highest = found.highest();
    if found.are_too_many() || highest >= MAX_INSTANCE { Err(SealError::Full) } else { Ok(highest + 1) }
}

/// What DKIM recommends (RFC 6376 §5.4.1), and existing signatures (RFC 8617 §4.1.2).
fn recommended(index: &FieldIndex<'_>) -> Vec<String> {
    let mut names = sign::recommended(index);
    names.extend(index.numbers("dkim-signature").iter().map(|_| "dkim-signature".to_owned()));
    names.truncate(MAX_SIGNED_FIELDS);
    names
}

fn parsed(field: &str) -> Result<Message<'_>, SealError> {
    Message::parse(field.as_bytes()).map_err(|_| SealError::TooLong)
}

fn only_field<'m>(message: &Message<'m>) -> Result<HeaderField<'m>, SealError> {
    message.fields().next().ok_or(SealError::TooLong)
}

impl Layout {
    /// Sorts tags.
    fn place(self, name: &str) -> Option<usize> {
        let order = match self {
            Layout::Folded => ["i", "a", "c", "cv", "d", "s", "t", "h", "bh", "b"],
            Layout::Plain => ["a", "b", "bh", "c", "cv", "d", "h", "i", "s", "t"],
        };
        order.iter().position(|other| *other == name)
    }

    /// A field with these tags. Without the value of `b=` and the folds in it, the field does not depend on that value.
    fn write(self, kind: FieldKind, tags: &[(&str, String)]) -> String {
        let mut field = format!("{kind}:");
        for (number, (name, value)) in tags.iter().enumerate() {
            let end = if number + 1 == tags.len() { "" } else { ";" };
            let tag = format!("{name}={value}{end}");
            match self {
                Layout::Plain if number == 0 => field.push_str(&format!(" {tag}")),
                Layout::Plain => field.push_str(&format!("\r\n {tag}")),
                Layout::Folded if *name == "b" => {
                    sign::push_folded(&mut field, [("b=".to_owned(), true)].into_iter());
                    sign::push_broken(&mut field, &format!("{value}{end}"));
                }
                Layout::Folded => {
                    let names = tag.split_inclusive(':').enumerate();
                    sign::push_folded(&mut field, names.map(|(number, name)| (name.to_owned(), number == 0)));
                }
            }
        }
        field.push_str("\r\n");
        field
    }
}

#[cfg(test)]
mod tests;
