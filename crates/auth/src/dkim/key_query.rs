//! From a signature to keys that may check it (RFC 6376 §3.6.2, §6.1.2).
//!
//! A key is in a TXT record at `selector._domainkey.domain`. There should be one record; several are undefined
//! (§3.6.2.2), and a verifier may try them all (§6.1.2). This module does so *(choice)*, in the order of their octets
//! and not in that of the answer, which is arbitrary: the first [`MAX_RECORDS`] are read, each that may check the
//! signature is tried, and if all fail, the failure that came furthest is reported.

use std::collections::BTreeMap;

use super::domain::{Domain, MAX_NAME};
use super::key::{KeyRecord, KeyRecordError, MAX_RSA_BITS, Material, PublicKey};
use super::signature::Algorithm;
use crate::dns::{self, Data, Dns, DnsError, Lookup, RecordKind};

/// How many TXT records of one name are read.
pub const MAX_RECORDS: usize = 8;

/// Why a valid key may not be used for a signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsuitable {
    /// `k=` is of another type than the signature's algorithm.
    #[error("the key is of type {key_type}, but {algorithm} needs {}", algorithm.key_type())]
    KeyType {
        /// The value of `k=`.
        key_type: String,
        /// The value of `a=`.
        algorithm: Algorithm,
    },
    /// `h=` does not allow the signature's hash algorithm.
    #[error("h= of the key allows {}, but not {}", allowed.join(":"), algorithm.hash())]
    Hash {
        /// The value of `h=`.
        allowed: Vec<String>,
        /// The value of `a=`.
        algorithm: Algorithm,
    },
    /// `s=` does not allow e-mail.
    #[error("s= of the key allows {}, but not email", allowed.join(":"))]
    Service {
        /// The value of `s=`.
        allowed: Vec<String>,
    },
    /// The flag `s` is set, and `i=` is below `d=`.
    #[error("t=s of the key forbids subdomains, but i= is at {identity}")]
    Subdomain {
        /// The domain in `i=`.
        identity: String,
    },
    /// The modulus is longer than [`MAX_RSA_BITS`].
    #[error("the key has {bits} bits; keys of more than {MAX_RSA_BITS} are not checked")]
    TooLong {
        /// Its length in bits.
        bits: usize,
    },
}

/// Why no key supports a signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFailure {
    /// There is no key record at the name.
    #[error("no key for signature: {name} has no key record")]
    NoKey {
        /// The name.
        name: String,
        /// How many TXT records with other content are there.
        others: usize,
    },
    /// The key record is broken.
    #[error("the key record at {name} is broken: {error}")]
    Malformed {
        /// The name.
        name: String,
        /// How.
        error: KeyRecordError,
    },
    /// The key was revoked.
    #[error("the key at {name} is revoked")]
    Revoked {
        /// The name.
        name: String,
    },
    /// The key is not for this signature.
    #[error("the key at {name} is unsuitable: {reason}")]
    Unsuitable {
        /// The name.
        name: String,
        /// Why.
        reason: Unsuitable,
    },
    /// The key is too short (RFC 8301 §3.2).
    #[error("the key at {name} is weak: it has {bits} bits, but {minimum} are needed")]
    Weak {
        /// The name.
        name: String,
        /// Its length in bits.
        bits: usize,
        /// The least length.
        minimum: usize,
    },
    /// No answer came in time.
    #[error("key query timeout: no answer for {name}")]
    Timeout {
        /// The name.
        name: String,
    },
    /// The key could not be looked up; later it may be.
    #[error("the key at {name} cannot be looked up: {reason}")]
    Temporary {
        /// The name.
        name: String,
        /// What went wrong.
        reason: String,
    },
}

impl KeyFailure {
    /// How far a record came: if a name has several, the failure of the best one is reported.
    fn rank(&self) -> u8 {
        match self {
            KeyFailure::Timeout { .. } | KeyFailure::Temporary { .. } | KeyFailure::NoKey { .. } => 0,
            KeyFailure::Malformed { .. } => 1,
            KeyFailure::Revoked { .. } => 2,
            KeyFailure::Unsuitable { .. } => 3,
            KeyFailure::Weak { .. } => 4,
        }
    }
}

/// The signature for which a key is needed.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// `a=`.
    pub algorithm: Algorithm,
    /// `d=`.
    pub domain: &'a Domain,
    /// `s=`.
    pub selector: &'a Domain,
    /// The domain in `i=`; none where there is no such tag (ARC).
    pub identity: Option<&'a Domain>,
    /// The minimum length of an RSA modulus in bits: 1,024 (RFC 8301 §3.2) or more.
    pub minimum_bits: usize,
}

/// A key that may check a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuitableKey {
    /// The key.
    pub key: PublicKey,
    /// The record's flag `y`.
    pub testing: bool,
}

/// The keys of a message's signatures: no name is looked up twice, and no record read twice.
pub struct Keys<'d> {
    dns: &'d dyn Dns,
    known: BTreeMap<String, Result<Records, KeyFailure>>,
}

/// The TXT records at a name.
struct Records {
    /// How many there are.
    count: usize,
    /// The first [`MAX_RECORDS`] in the order of their octets, read.
    read: Vec<Result<KeyRecord, KeyRecordError>>,
}

impl<'d> Keys<'d> {
    /// Nothing asked yet.
    pub fn new(dns: &'d dyn Dns) -> Keys<'d> {
        Keys { dns, known: BTreeMap::new() }
    }

    /// The keys that may check a signature; there is at least one. Lookups are added to `evidence`.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn suitable(
        &mut self,
        wanted: &Wanted<'_>,
        evidence: &mut Vec<Lookup>,
    ) -> Result<Vec<SuitableKey>, KeyFailure> {
        let name = format!("{}._domainkey.{}", wanted.selector.ascii(), wanted.domain.ascii());
        if !self.known.contains_key(&name) {
            let records = self.records(&name, evidence).await;
            self.known.insert(name.clone(), records);
        }
        let none = |others| KeyFailure::NoKey { name: name.clone(), others };
        let records = match self.known.get(&name) {
            Some(known) => known.as_ref().map_err(KeyFailure::clone)?,
            None => return Err(none(0)),
        };
        let mut keys = Vec::new();
        let mut failure = none(records.count);
        for record in &records.read {
            match suitable(record, &name, wanted) {
                Ok(key) => keys.push(key),
                Err(worse) if worse.rank() <= failure.rank() => {}
                Err(better) => failure = better,
            }
        }
        if keys.is_empty() { Err(failure) } else { Ok(keys) }
    }

    async fn records(&self, name: &str, evidence: &mut Vec<Lookup>) -> Result<Records, KeyFailure> {
        let texts = self.texts(name, evidence).await?;
        let read = texts.iter().take(MAX_RECORDS).map(|text| KeyRecord::parse(text)).collect();
        Ok(Records { count: texts.len(), read })
    }

    /// The texts at a name, in the order of their octets.
    async fn texts(&self, name: &str, evidence: &mut Vec<Lookup>) -> Result<Vec<Vec<u8>>, KeyFailure> {
        let nothing = || KeyFailure::NoKey { name: name.to_owned(), others: 0 };
        // A longer name cannot exist.
        if name.len() > MAX_NAME {
            return Err(nothing());
        }
        let answer = dns::ask(self.dns, evidence, name, RecordKind::Txt).await;
        let data = answer.map_err(|error| match error {
            DnsError::NxDomain => nothing(),
            DnsError::Timeout => KeyFailure::Timeout { name: name.to_owned() },
            DnsError::Temporary { reason } => KeyFailure::Temporary { name: name.to_owned(), reason },
        })?;
        let mut texts: Vec<Vec<u8>> = data
            .into_iter()
            .filter_map(|data| match data {
                Data::Txt(text) => Some(text),
                _ => None,
            })
            .collect();
        texts.sort_unstable();
        texts.dedup();
        Ok(texts)
    }
}

/// Whether a record at `name` holds a key for the signature.
fn suitable(
    record: &Result<KeyRecord, KeyRecordError>,
    name: &str,
    wanted: &Wanted<'_>,
) -> Result<SuitableKey, KeyFailure> {
    let name = || name.to_owned();
    let record = record.as_ref().map_err(|error| match error {
        KeyRecordError::OtherVersion { .. } => KeyFailure::NoKey { name: name(), others: 1 },
        error => KeyFailure::Malformed { name: name(), error: error.clone() },
    })?;
    let unsuitable = |reason| Err(KeyFailure::Unsuitable { name: name(), reason });
    let algorithm = wanted.algorithm;
    let key = match &record.material {
        Material::Revoked => return Err(KeyFailure::Revoked { name: name() }),
        Material::UnknownType { key_type } => {
            return unsuitable(Unsuitable::KeyType { key_type: key_type.clone(), algorithm });
        }
        Material::Key(key) => key,
    };
    if key.key_type() != algorithm.key_type() {
        return unsuitable(Unsuitable::KeyType { key_type: key.key_type().to_owned(), algorithm });
    }
    let listed = |list: &[String], words: &[&str]| list.iter().any(|word| words.contains(&word.as_str()));
    if let Some(allowed) = record.hashes.as_ref().filter(|hashes| !listed(hashes, &[algorithm.hash()])) {
        return unsuitable(Unsuitable::Hash { allowed: allowed.clone(), algorithm });
    }
    if let Some(allowed) = record.services.as_ref().filter(|services| !listed(services, &["*", "email"])) {
        return unsuitable(Unsuitable::Service { allowed: allowed.clone() });
    }
    if let Some(identity) = wanted.identity.filter(|identity| identity.ascii() != wanted.domain.ascii())
        && record.no_subdomains
    {
        return unsuitable(Unsuitable::Subdomain { identity: identity.to_string() });
    }
    if let PublicKey::Rsa(rsa) = key {
        let bits = rsa.bits();
        if bits > MAX_RSA_BITS {
            return unsuitable(Unsuitable::TooLong { bits });
        }
        if bits < wanted.minimum_bits {
            return Err(KeyFailure::Weak { name: name(), bits, minimum: wanted.minimum_bits });
        }
    }
    Ok(SuitableKey { key: key.clone(), testing: record.testing })
}

#[cfg(test)]
mod tests;
