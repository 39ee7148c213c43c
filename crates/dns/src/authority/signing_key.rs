//! The private keys of zones: Ed25519 (RFC 8080), ECDSA P-256 (RFC 6605) and RSA with SHA-256 (RFC 5702), with their DNSKEY
//! and DS records; and keys of an unassigned algorithm, whose signatures cannot be checked.
//!
//! A key is derived from 32 octets of seed, and a signature from key and data: Ed25519 and RSA are deterministic by
//! definition, ECDSA takes its nonce from RFC 6979. So a signature that is asked for twice is made once and remembered.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use mxlab_env::memo::Memo;
use p256::ecdsa::signature::Signer as _;
use ring::digest;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use crate::authority::rsa_key::{Modulus, RsaKey};
use crate::keys::{Algorithm, DigestType};
use crate::name::Name;
use crate::rdata::{Dnskey, Ds};

/// An algorithm number that IANA has not assigned: every validator treats a zone that has only this one as unsigned.
pub const UNASSIGNED: Algorithm = Algorithm(100);

/// How a key is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Ed25519.
    Ed25519,
    /// ECDSA on P-256 with SHA-256.
    EcdsaP256,
    /// RSA with SHA-256 and a modulus of 2,048 bits, from a fixed stock of test keys.
    Rsa2048,
    /// The same with 1,024 bits.
    Rsa1024,
    /// The algorithm number [`UNASSIGNED`].
    Unsupported,
}

impl KeyKind {
    /// The number of its algorithm.
    pub fn algorithm(self) -> Algorithm {
        match self {
            KeyKind::Ed25519 => Algorithm::ED25519,
            KeyKind::EcdsaP256 => Algorithm::ECDSAP256SHA256,
            KeyKind::Rsa2048 | KeyKind::Rsa1024 => Algorithm::RSASHA256,
            KeyKind::Unsupported => UNASSIGNED,
        }
    }

    /// The kind of an algorithm; for RSA the one with the longer modulus.
    pub(crate) fn of(algorithm: Algorithm) -> Result<KeyKind, KeyError> {
        match algorithm {
            Algorithm::ED25519 => Ok(KeyKind::Ed25519),
            Algorithm::ECDSAP256SHA256 => Ok(KeyKind::EcdsaP256),
            Algorithm::RSASHA256 => Ok(KeyKind::Rsa2048),
            UNASSIGNED => Ok(KeyKind::Unsupported),
            other => Err(KeyError::Algorithm(other)),
        }
    }
}

/// What a key is there for (RFC 6781 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyRole {
    /// It signs everything, and its DS is in the parent.
    Combined,
    /// It signs only the DNSKEY RRset, and its DS is in the parent (KSK).
    KeySigning,
    /// It signs everything else (ZSK).
    ZoneSigning,
}

impl KeyRole {
    /// Whether a key of this role is the entry point of its zone: whether it signs the keys, and the parent's DS points at it.
    pub fn is_entry_point(self) -> bool {
        self != KeyRole::ZoneSigning
    }

    /// Whether a key of this role signs what is not a key.
    pub fn signs_records(self) -> bool {
        self != KeyRole::KeySigning
    }
}

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// This crate makes no keys of this algorithm.
    #[error("zones cannot be signed with algorithm {0:?}")]
    Algorithm(Algorithm),
    /// The seed is no private key; one in 2³² P-256 seeds at most.
    #[error("the seed makes no key")]
    Seed,
}

/// How many signatures a key remembers.
const REMEMBERED: usize = 4_096;
/// Private keys and what DNSKEY has of them, by kind and seed.
static MADE: Memo<Arc<(Secret, Vec<u8>)>> = Memo::new(1_024);
/// Signatures of all keys, by algorithm, public key and what was signed.
static SIGNED: Memo<Vec<u8>> = Memo::new(65_536);

/// The private key of a zone.
pub struct SigningKey {
    kind: KeyKind,
    role: KeyRole,
    dnskey: Dnskey,
    key_tag: u16,
    /// With the public key as DNSKEY has it.
    secret: Arc<(Secret, Vec<u8>)>,
    /// Signatures by what was signed. They depend on nothing else, so remembering them changes nothing but the time it
    /// takes.
    made: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
}

enum Secret {
    Ed25519(Ed25519KeyPair),
    P256(Box<p256::ecdsa::SigningKey>),
    Rsa(Box<RsaKey>),
    /// Its signatures are digests of this and what is signed.
    Unsupported([u8; 32]),
}

impl Secret {
    /// The private key, and the public one as DNSKEY has it.
    fn from_seed(kind: KeyKind, seed: [u8; 32]) -> Result<(Secret, Vec<u8>), KeyError> {
        Ok(match kind {
            KeyKind::Ed25519 => {
                let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| KeyError::Seed)?;
                let public = pair.public_key().as_ref().to_vec();
                (Secret::Ed25519(pair), public)
            }
            KeyKind::EcdsaP256 => {
                let key = p256::ecdsa::SigningKey::from_slice(&seed).map_err(|_| KeyError::Seed)?;
                let point = key.verifying_key().to_sec1_point(false);
                // Without the octet that says "uncompressed" (RFC 6605 §4).
                let public = point.as_bytes().get(1..).ok_or(KeyError::Seed)?.to_vec();
                (Secret::P256(Box::new(key)), public)
            }
            KeyKind::Rsa2048 | KeyKind::Rsa1024 => {
                let modulus = if kind == KeyKind::Rsa2048 { Modulus::Bits2048 } else { Modulus::Bits1024 };
                let key = RsaKey::from_seed(modulus, seed)?;
                let public = key.public_key();
                (Secret::Rsa(Box::new(key)), public)
            }
            KeyKind::Unsupported => {
                let public = digest::digest(&digest::SHA256, &seed).as_ref().to_vec();
                (Secret::Unsupported(seed), public)
            }
        })
    }

    fn sign(&self, data: &[u8]) -> Vec<u8> {
        match self {
            Secret::Ed25519(pair) => pair.sign(data).as_ref().to_vec(),
            Secret::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(data);
                signature.to_bytes().to_vec()
            }
            Secret::Rsa(key) => key.sign(data),
            Secret::Unsupported(seed) => digest::digest(&digest::SHA512, &[seed, data].concat()).as_ref().to_vec(),
        }
    }
}

impl SigningKey {
    /// The combined key of an algorithm, derived from a seed; for RSA with 2,048 bits.
    ///
    /// # Errors
    /// The algorithm does not sign here, or the seed is not a private key of it.
    pub fn from_seed(algorithm: Algorithm, seed: [u8; 32]) -> Result<SigningKey, KeyError> {
        SigningKey::new(KeyKind::of(algorithm)?, KeyRole::Combined, seed)
    }

    /// The key of a kind and role, derived from a seed.
    ///
    /// # Errors
    /// The seed is not a private key of it.
    pub fn new(kind: KeyKind, role: KeyRole, seed: [u8; 32]) -> Result<SigningKey, KeyError> {
        let secret = MADE.try_recall(&[&[kind as u8], &seed], || Secret::from_seed(kind, seed).map(Arc::new))?;
        let entry_point = if role.is_entry_point() { Dnskey::SECURE_ENTRY_POINT } else { 0 };
        let flags = Dnskey::ZONE | entry_point;
        let public_key = secret.1.clone();
        let dnskey = Dnskey { flags, protocol: 3, algorithm: kind.algorithm().0, public_key };
        Ok(SigningKey { kind, role, key_tag: dnskey.key_tag(), dnskey, secret, made: Mutex::default() })
    }

    /// How it was made.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// What it is there for.
    pub fn role(&self) -> KeyRole {
        self.role
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> Algorithm {
        Algorithm(self.dnskey.algorithm)
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
        let of: [&[u8]; 3] = [&[self.dnskey.algorithm], &self.dnskey.public_key, &data];
        let signature = SIGNED.recall(&of, || self.secret.0.sign(&data));
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
