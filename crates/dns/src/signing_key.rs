//! The private keys of zones: Ed25519 (RFC 8080) and ECDSA P-256 (RFC 6605), with their DNSKEY and DS records.
//!
//! A key follows from 32 octets of seed, and a signature from key and data: Ed25519 is deterministic by definition, ECDSA
//! takes its nonce from RFC 6979. What is signed twice is therefore signed once and remembered.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use p256::ecdsa::signature::Signer as _;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use crate::keys::{Algorithm, DigestType};
use crate::name::Name;
use crate::rdata::{Dnskey, Ds};

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Zones are signed with Ed25519 and ECDSA P-256 only.
    #[error("zones cannot be signed with algorithm {0:?}")]
    Algorithm(Algorithm),
    /// The seed is no private key; one in 2³² P-256 seeds at most.
    #[error("the seed makes no key")]
    Seed,
}

/// How many signatures a key remembers.
const REMEMBERED: usize = 4_096;

/// The private key of a zone.
pub struct SigningKey {
    dnskey: Dnskey,
    key_tag: u16,
    secret: Secret,
    /// Signatures by what was signed. They follow from it, so remembering them changes nothing but the time it takes.
    made: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
}

enum Secret {
    Ed25519(Ed25519KeyPair),
    P256(Box<p256::ecdsa::SigningKey>),
}

impl SigningKey {
    /// The combined key (zone key and secure entry point) that follows from a seed.
    ///
    /// # Errors
    /// The algorithm does not sign here, or the seed is not a private key of it.
    pub fn from_seed(algorithm: Algorithm, seed: [u8; 32]) -> Result<SigningKey, KeyError> {
        let (secret, public_key) = match algorithm {
            Algorithm::ED25519 => {
                let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| KeyError::Seed)?;
                let public = pair.public_key().as_ref().to_vec();
                (Secret::Ed25519(pair), public)
            }
            Algorithm::ECDSAP256SHA256 => {
                let key = p256::ecdsa::SigningKey::from_slice(&seed).map_err(|_| KeyError::Seed)?;
                let point = key.verifying_key().to_sec1_point(false);
                // Without the octet that says "uncompressed" (RFC 6605 §4).
                let public = point.as_bytes().get(1..).ok_or(KeyError::Seed)?.to_vec();
                (Secret::P256(Box::new(key)), public)
            }
            other => return Err(KeyError::Algorithm(other)),
        };
        let flags = Dnskey::ZONE | Dnskey::SECURE_ENTRY_POINT;
        let dnskey = Dnskey { flags, protocol: 3, algorithm: algorithm.0, public_key };
        Ok(SigningKey { key_tag: dnskey.key_tag(), dnskey, secret, made: Mutex::default() })
    }

    /// The public key.
    pub fn dnskey(&self) -> &Dnskey {
        &self.dnskey
    }

    /// The tag of the public key.
    pub fn key_tag(&self) -> u16 {
        self.key_tag
    }

    /// The SHA-256 DS of this key as a key of the zone `owner`.
    pub fn ds(&self, owner: &Name) -> Ds {
        Ds {
            key_tag: self.key_tag,
            algorithm: self.dnskey.algorithm,
            digest_type: DigestType::SHA256.0,
            digest: DigestType::SHA256.digest(owner, &self.dnskey).unwrap_or_default(),
        }
    }

    /// Signs `data`.
    pub(crate) fn sign(&self, data: Vec<u8>) -> Vec<u8> {
        // Entries are inserted whole: a panic of another holder leaves nothing half done.
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signature) = made.get(&data) {
            return signature.clone();
        }
        mxlab_env::meter::count();
        let signature = match &self.secret {
            Secret::Ed25519(pair) => pair.sign(&data).as_ref().to_vec(),
            Secret::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(&data);
                signature.to_bytes().to_vec()
            }
        };
        if made.len() >= REMEMBERED {
            made.clear();
        }
        made.insert(data, signature.clone());
        signature
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.key_tag)
    }
}
