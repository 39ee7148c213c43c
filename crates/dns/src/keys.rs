//! The algorithms of DNSSEC: verification of signatures, and digests of keys.

use ring::digest;
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm};

use crate::name::Name;
use crate::rdata::{Dnskey, Rdata as _};

/// A DNSSEC algorithm number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Algorithm(pub u8);

impl Algorithm {
    /// RSA with SHA-256 (RFC 5702).
    pub const RSASHA256: Algorithm = Algorithm(8);
    /// RSA with SHA-512 (RFC 5702).
    pub const RSASHA512: Algorithm = Algorithm(10);
    /// ECDSA on P-256 with SHA-256 (RFC 6605).
    pub const ECDSAP256SHA256: Algorithm = Algorithm(13);
    /// ECDSA on P-384 with SHA-384 (RFC 6605).
    pub const ECDSAP384SHA384: Algorithm = Algorithm(14);
    /// Ed25519 (RFC 8080).
    pub const ED25519: Algorithm = Algorithm(15);

    /// Whether signatures of this algorithm can be verified here. A zone that has no other is treated as unsigned
    /// (RFC 4035 §5.2).
    pub fn is_supported(self) -> bool {
        verification(self).is_some()
    }
}

fn verification(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    match algorithm {
        Algorithm::ECDSAP256SHA256 => Some(&ECDSA_P256_SHA256_FIXED),
        Algorithm::ED25519 => Some(&ED25519),
        _ => None,
    }
}

/// Whether `signature` is the key's over `data`. False for algorithms that are not supported.
pub(crate) fn verify(key: &Dnskey, data: &[u8], signature: &[u8]) -> bool {
    mxlab_env::meter::count();
    let Some(algorithm) = verification(Algorithm(key.algorithm)) else { return false };
    // DNSKEY leaves out the octet that says "uncompressed point" (RFC 6605 §4).
    let mut point = [4u8; 65];
    let public: &[u8] = match (Algorithm(key.algorithm), point.split_first_mut()) {
        (Algorithm::ECDSAP256SHA256, Some((_, coordinates))) if key.public_key.len() == coordinates.len() => {
            coordinates.copy_from_slice(&key.public_key);
            &point
        }
        _ => &key.public_key,
    };
    UnparsedPublicKey::new(algorithm, public).verify(data, signature).is_ok()
}

/// A digest algorithm of DS records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DigestType(pub u8);

impl DigestType {
    /// SHA-256 (RFC 4509).
    pub const SHA256: DigestType = DigestType(2);
    /// SHA-384 (RFC 6605).
    pub const SHA384: DigestType = DigestType(4);

    /// Whether digests of this type can be computed here.
    pub fn is_supported(self) -> bool {
        self.algorithm().is_some()
    }

    fn algorithm(self) -> Option<&'static digest::Algorithm> {
        match self {
            DigestType::SHA256 => Some(&digest::SHA256),
            DigestType::SHA384 => Some(&digest::SHA384),
            _ => None,
        }
    }

    /// The digest of a key of the zone `owner` (RFC 4034 §5.1.4); none for a type that is not supported.
    pub fn digest(self, owner: &Name, key: &Dnskey) -> Option<Vec<u8>> {
        let mut octets = Vec::with_capacity(128);
        owner.push_canonical(&mut octets);
        octets.extend_from_slice(&key.to_rdata());
        Some(digest::digest(self.algorithm()?, &octets).as_ref().to_vec())
    }
}
