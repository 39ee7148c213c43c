//! The key record (RFC 6376 §3.6.1): a TXT record at `selector._domainkey.domain`.
//!
//! | tag | | |
//! |---|---|---|
//! | `v` | `DKIM1`, and then it comes first | |
//! | `h` | hash algorithms that may be used with the key | all |
//! | `k` | type: `rsa`, `ed25519` (RFC 8463) | `rsa` |
//! | `n` | a note for people | |
//! | `p` | the key in base64; empty: revoked | required |
//! | `s` | services that may use it: `*`, `email` | `*` |
//! | `t` | flags: `y` testing, `s` no subdomains in `i=` | |
//!
//! Other tags are ignored, and so are unknown hash algorithms, services and flags. An RSA key is a SubjectPublicKeyInfo
//! (as in the examples, appendix C) or a bare RSAPublicKey (as §3.6.1 says), both in DER; an Ed25519 key is its 32
//! octets (RFC 8463 §4). A record with another `v` is not a key record at all (§3.6.1: "discarded"); one that breaks
//! the grammar is a broken one.

use mxlab_mail::tag_list::{self, TagList, TagListError, shortened};
use rsa::pkcs1::RsaPublicKeyRef;
use rsa::pkcs8::{ObjectIdentifier, SubjectPublicKeyInfoRef};

use super::signature::decode_base64;

/// The longest modulus with which signatures are checked, in bits: twice what RFC 8301 §3.2 asks of everyone.
pub const MAX_RSA_BITS: usize = 8_192;

/// RFC 8017 appendix A.1.
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// Why a TXT record is not a usable key record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRecordError {
    /// It has a `v=` that is not `DKIM1`: it is a record of something else.
    #[error("v={value} is not a DKIM key record")]
    OtherVersion {
        /// The value.
        value: String,
    },
    /// It is not a tag list.
    #[error(transparent)]
    TagList(#[from] TagListError),
    /// `v=` is there, but not at the beginning.
    #[error("v= does not come first")]
    VersionNotFirst,
    /// There is no `p=`.
    #[error("p= is missing")]
    NoKey,
    /// `p=` is not base64.
    #[error("p= is not base64")]
    NotBase64,
    /// `p=` is not a key of its type.
    #[error("p= holds no {key_type} key")]
    NotAKey {
        /// The value of `k=`.
        key_type: &'static str,
    },
}

/// An RSA public key. Its numbers have no leading zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RsaKey {
    /// The modulus, most significant octet first.
    pub modulus: Vec<u8>,
    /// The public exponent, most significant octet first.
    pub exponent: Vec<u8>,
}

impl RsaKey {
    /// The length of the modulus.
    pub fn bits(&self) -> usize {
        let unused = self.modulus.first().map_or(0, |octet| octet.leading_zeros());
        self.modulus.len() * 8 - unused as usize
    }

    /// Reads DER: SubjectPublicKeyInfo (RFC 5280 §4.1) of an RSA key, or RSAPublicKey (RFC 8017 appendix A.1.1).
    pub fn from_der(der: &[u8]) -> Option<RsaKey> {
        let key = match SubjectPublicKeyInfoRef::try_from(der) {
            Ok(info) if info.algorithm.oid == RSA_ENCRYPTION => info.subject_public_key.as_bytes()?,
            Ok(_) => return None,
            Err(_) => der,
        };
        let key = RsaPublicKeyRef::try_from(key).ok()?;
        let (modulus, exponent) = (key.modulus.as_bytes(), key.public_exponent.as_bytes());
        let zero = |number: &[u8]| number.iter().all(|octet| *octet == 0);
        (!zero(modulus) && !zero(exponent)).then(|| RsaKey { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
    }
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// `k=rsa`.
    Rsa(RsaKey),
    /// `k=ed25519`.
    Ed25519([u8; 32]),
}

impl PublicKey {
    /// The word in `k=`.
    pub fn key_type(&self) -> &'static str {
        match self {
            PublicKey::Rsa(_) => "rsa",
            PublicKey::Ed25519(_) => "ed25519",
        }
    }
}

/// What `p=` holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Material {
    /// A key.
    Key(PublicKey),
    /// No key: it was revoked.
    Revoked,
    /// A key of an unknown type.
    UnknownType {
        /// The value of `k=`.
        key_type: String,
    },
}

/// A key record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// `k=` and `p=`.
    pub material: Material,
    /// `h=`: the allowed hash algorithms; none: all.
    pub hashes: Option<Vec<String>>,
    /// `s=`: the allowed services; none: all.
    pub services: Option<Vec<String>>,
    /// `n=`, as it is written.
    pub note: Option<String>,
    /// The flag `y`: the domain tests DKIM, and its messages are to be treated as unsigned ones.
    pub testing: bool,
    /// The flag `s`: the domain in `i=` must be `d=` itself.
    pub no_subdomains: bool,
}

impl KeyRecord {
    /// Reads the text of a TXT record.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(text: &[u8]) -> Result<KeyRecord, KeyRecordError> {
        let tags = TagList::parse(text)?;
        if let Some(version) = tags.tag("v") {
            if version.value() != "DKIM1" {
                return Err(KeyRecordError::OtherVersion { value: shortened(version.value()) });
            }
            if tags.tags().first() != Some(version) {
                return Err(KeyRecordError::VersionNotFirst);
            }
        }
        let words = |tag: &str| -> Option<Vec<String>> {
            tags.value(tag).map(|list| list.split(':').map(|word| tag_list::trimmed(word).to_owned()).collect())
        };
        let flags = words("t").unwrap_or_default();
        let flag = |name: &str| flags.iter().any(|flag| flag == name);
        Ok(KeyRecord {
            material: material(tags.value("k").unwrap_or("rsa"), tags.value("p"))?,
            hashes: words("h"),
            services: words("s"),
            note: tags.value("n").map(str::to_owned),
            testing: flag("y"),
            no_subdomains: flag("s"),
        })
    }
}

fn material(key_type: &str, p: Option<&str>) -> Result<Material, KeyRecordError> {
    let p = p.ok_or(KeyRecordError::NoKey)?;
    if p.is_empty() {
        return Ok(Material::Revoked);
    }
    let octets = decode_base64(p).ok_or(KeyRecordError::NotBase64)?;
    match key_type {
        "rsa" => {
            let key = RsaKey::from_der(&octets).ok_or(KeyRecordError::NotAKey { key_type: "rsa" })?;
            Ok(Material::Key(PublicKey::Rsa(key)))
        }
        "ed25519" => {
            let key = octets.try_into().map_err(|_| KeyRecordError::NotAKey { key_type: "ed25519" })?;
            Ok(Material::Key(PublicKey::Ed25519(key)))
        }
        other => Ok(Material::UnknownType { key_type: shortened(other) }),
    }
}

#[cfg(test)]
mod tests;
