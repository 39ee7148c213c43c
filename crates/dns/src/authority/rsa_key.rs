//! RSA/SHA-256 (RFC 5702) with keys from a fixed stock.
//!
//! Finding primes takes long, so they come from a few test keys in the repository, which protect nothing. A seed picks
//! one of them and draws a public exponent: keys of different seeds differ, though they may share a modulus.
//!
//! Signatures are RSASSA-PKCS1-v1_5 (RFC 8017 §8.2), which is deterministic. They are made without blinding, which
//! would need randomness and would not change the result; these keys need no protection. ring signs with 2,048 bits;
//! shorter moduli, which it refuses, are the crate `rsa`'s.

use std::sync::OnceLock;

use mxlab_env::pkcs1;
use ring::digest;
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _};
use rsa::sha2::Sha256;
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use rsa::{BoxedUint, Pkcs1v15Sign, PrivateKey};

use crate::signing_key::KeyError;

/// The primes of one length: their keys in DER, and what has been read of them in this process.
struct Stock {
    keys: [&'static [u8]; 3],
    primes: [OnceLock<Option<[BoxedUint; 2]>>; 3],
}

impl Stock {
    const fn new(keys: [&'static [u8]; 3]) -> Stock {
        Stock { keys, primes: [const { OnceLock::new() }; 3] }
    }

    /// The primes of the key that this octet picks, read once in a process: reading a key checks it, which takes long.
    fn pick(&self, octet: u8) -> Option<&[BoxedUint; 2]> {
        let place = usize::from(octet) % self.keys.len();
        let read = |der: &[u8]| {
            let key = PrivateKey::from_pkcs1_der(der).ok()?;
            let [p, q] = key.primes() else { return None };
            Some([p.as_ref().clone(), q.as_ref().clone()])
        };
        self.primes.get(place)?.get_or_init(|| self.keys.get(place).and_then(|der| read(der))).as_ref()
    }
}

static RSA_2048: Stock = Stock::new([
    include_bytes!("testkeys/rsa2048-1.der"),
    include_bytes!("testkeys/rsa2048-2.der"),
    include_bytes!("testkeys/rsa2048-3.der"),
]);
static RSA_1024: Stock = Stock::new([
    include_bytes!("testkeys/rsa1024-1.der"),
    include_bytes!("testkeys/rsa1024-2.der"),
    include_bytes!("testkeys/rsa1024-3.der"),
]);
static RSA_512: Stock = Stock::new([
    include_bytes!("testkeys/rsa512-1.der"),
    include_bytes!("testkeys/rsa512-2.der"),
    include_bytes!("testkeys/rsa512-3.der"),
]);

/// The smallest public exponent: F4.
const MIN_EXPONENT: u64 = 65_537;
/// How many odd exponents are tried: about one in three has no inverse.
const EXPONENTS: u64 = 100;

/// The length of a modulus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modulus {
    /// 512 bits: for signatures that verifiers must not accept (RFC 8301 §3.2).
    Bits512,
    /// 1,024 bits: the shortest that verifiers accept.
    Bits1024,
    /// 2,048 bits.
    Bits2048,
}

/// A private key.
pub struct RsaKey {
    key: PrivateKey,
    /// The same key as ring has it, if it takes it.
    fast: Option<pkcs1::Signer>,
}

impl RsaKey {
    /// The key that the seed picks.
    ///
    /// # Errors
    /// When the stock cannot be read; this does not happen with the keys of this crate.
    pub fn from_seed(modulus: Modulus, seed: [u8; 32]) -> Result<RsaKey, KeyError> {
        let stock = match modulus {
            Modulus::Bits512 => &RSA_512,
            Modulus::Bits1024 => &RSA_1024,
            Modulus::Bits2048 => &RSA_2048,
        };
        let drawn = digest::digest(&digest::SHA256, &seed);
        let [pick, first, second, third, ..] = drawn.as_ref() else { return Err(KeyError::Seed) };
        let [p, q] = stock.pick(*pick).ok_or(KeyError::Seed)?;
        let from = MIN_EXPONENT + 2 * u64::from(u32::from_be_bytes([0, *first, *second, *third]) >> 5);
        let key = (0..EXPONENTS).find_map(|step| {
            let exponent = BoxedUint::from(from + 2 * step);
            PrivateKey::from_p_q(p.clone(), q.clone(), exponent).ok()
        });
        let key = key.ok_or(KeyError::Seed)?;
        let fast = match modulus {
            Modulus::Bits2048 => key.to_pkcs1_der().ok().and_then(|der| pkcs1::Signer::from_der(der.as_bytes())),
            Modulus::Bits512 | Modulus::Bits1024 => None,
        };
        Ok(RsaKey { key, fast })
    }

    /// The public key as DNSKEY has it: length of the exponent, exponent, modulus (RFC 3110 §2).
    pub(crate) fn public_key(&self) -> Vec<u8> {
        let (exponent, modulus) = (self.key.e_bytes(), self.key.n_bytes());
        let length = u8::try_from(exponent.len()).unwrap_or(u8::MAX);
        [&[length], &*exponent, &*modulus].concat()
    }

    /// The key as PKCS #1 has it (RFC 8017 §A.1.2), for signatures that are not of zones.
    ///
    /// # Errors
    /// When it cannot be encoded; this does not happen with a key from a seed.
    pub fn to_pkcs1_der(&self) -> Result<Vec<u8>, KeyError> {
        Ok(self.key.to_pkcs1_der().map_err(|_| KeyError::Seed)?.as_bytes().to_vec())
    }

    pub(crate) fn sign(&self, data: &[u8]) -> Vec<u8> {
        self.fast.as_ref().and_then(|fast| fast.sign(data)).unwrap_or_else(|| self.sign_slowly(data))
    }

    fn sign_slowly(&self, data: &[u8]) -> Vec<u8> {
        let digest = digest::digest(&digest::SHA256, data);
        // A digest of 32 octets fits every modulus here.
        self.key.sign(Pkcs1v15Sign::new::<Sha256>(), digest.as_ref()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every key of the stock, with both libraries.
    #[test]
    fn both_libraries_sign_alike() {
        let mut picked = [false; 3];
        for octet in 0..=30 {
            let seed = [octet; 32];
            let key = RsaKey::from_seed(Modulus::Bits2048, seed).unwrap();
            let fast = key.fast.as_ref().expect("ring takes every key of the stock");
            assert_eq!(fast.sign(b"data").unwrap(), key.sign_slowly(b"data"));
            let pick = digest::digest(&digest::SHA256, &seed).as_ref()[0];
            picked[usize::from(pick) % 3] = true;
        }
        assert_eq!(picked, [true; 3]);
        for modulus in [Modulus::Bits512, Modulus::Bits1024] {
            let key = RsaKey::from_seed(modulus, [7; 32]).unwrap();
            assert!(key.fast.is_none());
            assert_eq!(key.sign(b"data"), key.sign_slowly(b"data"));
        }
    }
}
