//! The algorithms: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 6376 §3.3.2), and Ed25519 over a SHA-256 (RFC 8463 §3).
//!
//! Both are deterministic: the same key over the same octets gives the same signature. ring makes and checks them; RSA keys
//! are read, and signatures are made with moduli that ring does not take, by the crate `rsa`.

use std::sync::Arc;

use data_encoding::BASE64;
use mxlab_env::memo::Memo;
use mxlab_env::pkcs1;
use ring::digest;
use ring::signature::{
    ED25519, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _};
use rsa::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _, SecretDocument};
use rsa::sha2::Sha256;
use rsa::traits::PublicKeyParts as _;
use rsa::{Pkcs1v15Sign, PrivateKey};

use super::key::PublicKey;
use super::signature::Algorithm;

impl PublicKey {
    /// Whether `signature` is this key's signature over `data`. False for an algorithm that does not fit the key, for
    /// SHA-1, and for RSA keys of less than 1,024 or more than 8,192 bits or with an exponent that is even or beyond 33
    /// bits.
    pub fn verifies(&self, algorithm: Algorithm, data: &[u8], signature: &[u8]) -> bool {
        let key: [&[u8]; 2] = match self {
            PublicKey::Rsa(key) => [&key.modulus, &key.exponent],
            PublicKey::Ed25519(key) => [key, &[]],
        };
        let [one, other] = key;
        let of = [self.key_type().as_bytes(), algorithm.word().as_bytes(), one, other, data, signature];
        VERIFIED.recall(&of, || self.verifies_anew(algorithm, data, signature))
    }

    fn verifies_anew(&self, algorithm: Algorithm, data: &[u8], signature: &[u8]) -> bool {
        match (self, algorithm) {
            (PublicKey::Rsa(key), Algorithm::RsaSha256) => RsaPublicKeyComponents { n: &key.modulus, e: &key.exponent }
                .verify(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, data, signature)
                .is_ok(),
            (PublicKey::Ed25519(key), Algorithm::Ed25519Sha256) => {
                let hash = digest::digest(&digest::SHA256, data);
                UnparsedPublicKey::new(&ED25519, key).verify(hash.as_ref(), signature).is_ok()
            }
            _ => false,
        }
    }
}

/// What checks of signatures gave, by key, algorithm, data and signature.
static VERIFIED: Memo<bool> = Memo::new(16_384);
/// Signatures, by public key and data.
static SIGNED: Memo<Vec<u8>> = Memo::new(16_384);

/// Why a private key is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    /// It is no PEM (RFC 7468) with the label `PRIVATE KEY` or `RSA PRIVATE KEY`.
    #[error("no PEM of a private key")]
    Pem,
    /// It is no key of RSA or Ed25519 in the encoding that it should have.
    #[error("no RSA or Ed25519 key")]
    Key,
}

/// A private key. Copies share it.
#[derive(Clone)]
pub struct SigningKey(Arc<Private>);

enum Private {
    Rsa(Box<Rsa>),
    Ed25519(Ed25519KeyPair),
}

struct Rsa {
    key: PrivateKey,
    /// SubjectPublicKeyInfo, in DER.
    public: Vec<u8>,
    /// The same key as ring has it, if it takes it: from 2,048 to 4,096 bits.
    fast: Option<pkcs1::Signer>,
}

impl Rsa {
    fn new(key: PrivateKey) -> Rsa {
        let fast = key.to_pkcs1_der().ok().and_then(|der| pkcs1::Signer::from_der(der.as_bytes()));
        let public = key.to_public_key().to_public_key_der().map(|der| der.into_vec()).unwrap_or_default();
        Rsa { key, public, fast }
    }

    fn sign(&self, data: &[u8]) -> Result<Vec<u8>, SigningKeyError> {
        match self.fast.as_ref().and_then(|fast| fast.sign(data)) {
            Some(signature) => Ok(signature),
            None => self.sign_slowly(data),
        }
    }

    fn sign_slowly(&self, data: &[u8]) -> Result<Vec<u8>, SigningKeyError> {
        let hash = digest::digest(&digest::SHA256, data);
        self.key.sign(Pkcs1v15Sign::new::<Sha256>(), hash.as_ref()).map_err(|_| SigningKeyError::Key)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.algorithm())
    }
}

impl SigningKey {
    /// An RSA key in PKCS#1 (`RSA PRIVATE KEY`), or a key of either kind in PKCS#8 (`PRIVATE KEY`).
    ///
    /// # Errors
    /// When it is neither.
    pub fn from_pem(pem: &str) -> Result<SigningKey, SigningKeyError> {
        let (label, document) = SecretDocument::from_pem(pem).map_err(|_| SigningKeyError::Pem)?;
        match label {
            "RSA PRIVATE KEY" => SigningKey::from_pkcs1_der(document.as_bytes()),
            "PRIVATE KEY" => SigningKey::from_pkcs8_der(document.as_bytes()),
            _ => Err(SigningKeyError::Pem),
        }
    }

    /// An RSA key as RSAPrivateKey (RFC 8017 appendix A.1.2).
    ///
    /// # Errors
    /// When it is not one.
    pub fn from_pkcs1_der(der: &[u8]) -> Result<SigningKey, SigningKeyError> {
        let key = PrivateKey::from_pkcs1_der(der).map_err(|_| SigningKeyError::Key)?;
        Ok(SigningKey(Arc::new(Private::Rsa(Box::new(Rsa::new(key))))))
    }

    /// A key of either kind as PrivateKeyInfo (RFC 5958; for Ed25519 RFC 8410 §7).
    ///
    /// # Errors
    /// When it is not one.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<SigningKey, SigningKeyError> {
        if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            return Ok(SigningKey(Arc::new(Private::Ed25519(key))));
        }
        let key = PrivateKey::from_pkcs8_der(der).map_err(|_| SigningKeyError::Key)?;
        Ok(SigningKey(Arc::new(Private::Rsa(Box::new(Rsa::new(key))))))
    }

    /// The Ed25519 key of a seed (RFC 8032 §5.1.5).
    ///
    /// # Errors
    /// Never: every seed is a key.
    pub fn from_ed25519_seed(seed: &[u8; 32]) -> Result<SigningKey, SigningKeyError> {
        let key = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| SigningKeyError::Key)?;
        Ok(SigningKey(Arc::new(Private::Ed25519(key))))
    }

    /// What it signs with.
    pub fn algorithm(&self) -> Algorithm {
        match &*self.0 {
            Private::Rsa(_) => Algorithm::RsaSha256,
            Private::Ed25519(_) => Algorithm::Ed25519Sha256,
        }
    }

    /// The length of its modulus; none for Ed25519.
    pub fn rsa_bits(&self) -> Option<usize> {
        match &*self.0 {
            Private::Rsa(rsa) => Some(rsa.key.n().bit_width() as usize),
            Private::Ed25519(_) => None,
        }
    }

    /// The text of the TXT record that publishes it (RFC 6376 §3.6.1).
    pub fn record(&self) -> String {
        format!("v=DKIM1; k={}; p={}", self.algorithm().key_type(), BASE64.encode(self.public()))
    }

    /// The public key as its record holds it.
    fn public(&self) -> &[u8] {
        match &*self.0 {
            Private::Rsa(rsa) => &rsa.public,
            Private::Ed25519(key) => key.public_key().as_ref(),
        }
    }

    /// The signature over `data`.
    ///
    /// RSA works without blinding, which would need randomness and would not change the result.
    ///
    /// # Errors
    /// When an RSA key is too short for the signature: it has less than 496 bits.
    pub fn sign(&self, data: &[u8]) -> Result<Vec<u8>, SigningKeyError> {
        SIGNED.try_recall(&[self.public(), data], || match &*self.0 {
            Private::Rsa(rsa) => rsa.sign(data),
            Private::Ed25519(key) => {
                let hash = digest::digest(&digest::SHA256, data);
                Ok(key.sign(hash.as_ref()).as_ref().to_vec())
            }
        })
    }
}

#[cfg(test)]
mod tests;
