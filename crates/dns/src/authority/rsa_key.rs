//! RSA/SHA-256 (RFC 5702) with keys from a fixed stock.
//!
//! To find primes takes long, so they come from a few test keys in the repository, which protect nothing. A seed picks one of
//! them and draws a public exponent: keys of different seeds are different keys, if not for different moduli.
//!
//! Signatures are RSASSA-PKCS1-v1_5 (RFC 8017 §8.2), which is deterministic. They are made without blinding, which would
//! need randomness and would change no octet; nobody has these keys to lose.

use ring::digest;
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _};
use rsa::sha2::Sha256;
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use rsa::{BoxedUint, Pkcs1v15Sign, PrivateKey};

use crate::signing_key::KeyError;

const RSA_2048: [&[u8]; 3] = [
    include_bytes!("testkeys/rsa2048-1.der"),
    include_bytes!("testkeys/rsa2048-2.der"),
    include_bytes!("testkeys/rsa2048-3.der"),
];
const RSA_1024: [&[u8]; 3] = [
    include_bytes!("testkeys/rsa1024-1.der"),
    include_bytes!("testkeys/rsa1024-2.der"),
    include_bytes!("testkeys/rsa1024-3.der"),
];

const RSA_512: [&[u8]; 3] = [
    include_bytes!("testkeys/rsa512-1.der"),
    include_bytes!("testkeys/rsa512-2.der"),
    include_bytes!("testkeys/rsa512-3.der"),
];

/// The least public exponent: F4.
const MIN_EXPONENT: u64 = 65_537;
/// How many odd exponents are tried: about one in three has no inverse.
const EXPONENTS: u64 = 100;

/// The length of a modulus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modulus {
    /// 512 bits: signatures of mail that nobody may believe (RFC 8301 §3.2).
    Bits512,
    /// 1,024 bits: the least that counts.
    Bits1024,
    /// 2,048 bits.
    Bits2048,
}

/// A private key.
pub struct RsaKey(PrivateKey);

impl RsaKey {
    /// The key that the seed picks.
    ///
    /// # Errors
    /// When the stock cannot be read: not with the keys of this crate.
    pub fn from_seed(modulus: Modulus, seed: [u8; 32]) -> Result<RsaKey, KeyError> {
        let stock = match modulus {
            Modulus::Bits512 => RSA_512,
            Modulus::Bits1024 => RSA_1024,
            Modulus::Bits2048 => RSA_2048,
        };
        let drawn = digest::digest(&digest::SHA256, &seed);
        let [pick, first, second, third, ..] = drawn.as_ref() else { return Err(KeyError::Seed) };
        let der = stock.get(usize::from(*pick) % stock.len()).ok_or(KeyError::Seed)?;
        let fixed = PrivateKey::from_pkcs1_der(der).map_err(|_| KeyError::Seed)?;
        let [p, q] = fixed.primes() else { return Err(KeyError::Seed) };
        let from = MIN_EXPONENT + 2 * u64::from(u32::from_be_bytes([0, *first, *second, *third]) >> 5);
        let key = (0..EXPONENTS).find_map(|step| {
            let exponent = BoxedUint::from(from + 2 * step);
            PrivateKey::from_p_q(p.as_ref().clone(), q.as_ref().clone(), exponent).ok()
        });
        key.map(RsaKey).ok_or(KeyError::Seed)
    }

    /// The public key as DNSKEY has it: length of the exponent, exponent, modulus (RFC 3110 §2).
    pub(crate) fn public_key(&self) -> Vec<u8> {
        let (exponent, modulus) = (self.0.e_bytes(), self.0.n_bytes());
        let length = u8::try_from(exponent.len()).unwrap_or(u8::MAX);
        [&[length], &*exponent, &*modulus].concat()
    }

    /// The key as PKCS #1 has it (RFC 8017 §A.1.2), for signatures that are not of zones.
    ///
    /// # Errors
    /// When it cannot be encoded: not with a key from a seed.
    pub fn to_pkcs1_der(&self) -> Result<Vec<u8>, KeyError> {
        Ok(self.0.to_pkcs1_der().map_err(|_| KeyError::Seed)?.as_bytes().to_vec())
    }

    pub(crate) fn sign(&self, data: &[u8]) -> Vec<u8> {
        let digest = digest::digest(&digest::SHA256, data);
        // A digest of 32 octets fits any modulus here.
        self.0.sign(Pkcs1v15Sign::new::<Sha256>(), digest.as_ref()).unwrap_or_default()
    }
}
