//! The algorithms of DNSSEC: verification of signatures, and digests of keys.
//!
//! | number | algorithm | |
//! |---|---|---|
//! | 5, 7 | RSA with SHA-1 (RFC 3110, RFC 5155) | only if the policy allows it: by RFC 9905 operators treat them as unsupported |
//! | 8 | RSA with SHA-256 (RFC 5702) | moduli of 512 to 4,096 bits (§2.1), and up to 8,192 |
//! | 10 | RSA with SHA-512 (RFC 5702) | moduli of 1,024 to 4,096 bits (§2.2), and up to 8,192 |
//! | 13, 14 | ECDSA on P-256, P-384 (RFC 6605) | |
//! | 15 | Ed25519 (RFC 8080) | |
//!
//! A key is raw octets until a signature is checked with it. A key that does not fit its algorithm makes the signature
//! wrong, nothing more.

use mxlab_env::memo::Memo;
use ring::digest;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use rsa::{BoxedUint, Pkcs1v15Sign};

use crate::name::Name;
use crate::rdata::{Dnskey, Rdata as _};

/// A DNSSEC algorithm number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Algorithm(pub u8);

impl Algorithm {
    /// RSA with SHA-1 (RFC 3110).
    pub const RSASHA1: Algorithm = Algorithm(5);
    /// RSA with SHA-1 in zones that may use NSEC3 (RFC 5155 §2).
    pub const RSASHA1_NSEC3: Algorithm = Algorithm(7);
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

    /// Whether signatures of this algorithm can be verified here; those with SHA-1 only if `sha1` allows them. A zone
    /// that has only others is treated as unsigned (RFC 4035 §5.2).
    pub fn is_supported(self, sha1: bool) -> bool {
        let with_sha1 = matches!(self, Algorithm::RSASHA1 | Algorithm::RSASHA1_NSEC3);
        verification(self).is_some() && (sha1 || !with_sha1)
    }
}

/// How signatures of an algorithm are verified.
enum Verification {
    /// The algorithm for moduli of 1,024 bits or more; the digest for shorter ones, if they are allowed.
    Rsa(&'static RsaParameters, Option<ShortDigest>),
    /// The public key is a point without the octet that says "uncompressed" (RFC 6605 §4), of this many octets.
    Point(&'static dyn VerificationAlgorithm, usize),
    Plain(&'static dyn VerificationAlgorithm),
}

fn verification(algorithm: Algorithm) -> Option<Verification> {
    Some(match algorithm {
        Algorithm::RSASHA1 | Algorithm::RSASHA1_NSEC3 => {
            Verification::Rsa(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, Some(SHORT_SHA1))
        }
        Algorithm::RSASHA256 => Verification::Rsa(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, Some(SHORT_SHA256)),
        Algorithm::RSASHA512 => Verification::Rsa(&RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, None),
        Algorithm::ECDSAP256SHA256 => Verification::Point(&ECDSA_P256_SHA256_FIXED, 64),
        Algorithm::ECDSAP384SHA384 => Verification::Point(&ECDSA_P384_SHA384_FIXED, 96),
        Algorithm::ED25519 => Verification::Plain(&ED25519),
        _ => return None,
    })
}

/// Whether `signature` is the key's signature over `data`. False for algorithms that are not known here.
pub(crate) fn verify(key: &Dnskey, data: &[u8], signature: &[u8]) -> bool {
    mxlab_env::meter::count();
    VERIFIED.recall(&[&[key.algorithm], &key.public_key, data, signature], || verify_anew(key, data, signature))
}

/// What checks of signatures gave, by algorithm, public key, data and signature.
static VERIFIED: Memo<bool> = Memo::new(65_536);

fn verify_anew(key: &Dnskey, data: &[u8], signature: &[u8]) -> bool {
    let public = key.public_key.as_slice();
    match verification(Algorithm(key.algorithm)) {
        None => false,
        Some(Verification::Plain(algorithm)) => {
            UnparsedPublicKey::new(algorithm, public).verify(data, signature).is_ok()
        }
        Some(Verification::Point(algorithm, length)) => {
            let mut point = [4u8; 97];
            let Some(coordinates) = point.get_mut(1..=length).filter(|_| public.len() == length) else { return false };
            coordinates.copy_from_slice(public);
            let point = point.get(..=length).unwrap_or_default();
            UnparsedPublicKey::new(algorithm, point).verify(data, signature).is_ok()
        }
        Some(Verification::Rsa(parameters, short)) => rsa_components(public).is_some_and(|components| {
            let unused = components.n.first().map_or(0, |octet| octet.leading_zeros());
            if components.n.len() * 8 < 1_024 + unused as usize {
                return short.is_some_and(|digest| verify_short(&components, digest, data, signature));
            }
            components.verify(parameters, data, signature).is_ok()
        }),
    }
}

/// A digest for short moduli.
#[derive(Clone, Copy)]
struct ShortDigest {
    algorithm: &'static digest::Algorithm,
    /// The beginning of its DigestInfo up to the digest itself (RFC 8017 §9.2, note 1).
    prefix: &'static [u8],
}

const SHORT_SHA1: ShortDigest = ShortDigest {
    algorithm: &digest::SHA1_FOR_LEGACY_USE_ONLY,
    prefix: &[0x30, 0x21, 0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0, 4, 20],
};
const SHORT_SHA256: ShortDigest = ShortDigest {
    algorithm: &digest::SHA256,
    prefix: &[0x30, 0x31, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 32],
};

/// Verifies with a modulus of 512 to 1,023 bits, which `ring` refuses. RFC 5702 §2.1 allows them: such a zone is weak,
/// but signed.
fn verify_short(components: &RsaPublicKeyComponents<&[u8]>, short: ShortDigest, data: &[u8], signature: &[u8]) -> bool {
    let number = |octets| BoxedUint::from_be_slice_vartime(octets);
    let (n, e) = (number(components.n), number(components.e));
    let Ok(key) = rsa::PublicKey::new_with_size_limits(n, e, 512..=1_023) else { return false };
    let scheme =
        Pkcs1v15Sign { hash_len: Some(short.algorithm.output_len()), prefix: short.prefix.to_vec().into_boxed_slice() };
    key.verify(scheme, digest::digest(short.algorithm, data).as_ref(), signature).is_ok()
}

/// Exponent and modulus of an RSA key, without leading zeros (RFC 3110 §2).
fn rsa_components(public: &[u8]) -> Option<RsaPublicKeyComponents<&[u8]>> {
    let (&short, rest) = public.split_first()?;
    let (length, rest) = match short {
        0 => {
            let (long, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*long)), rest)
        }
        _ => (usize::from(short), rest),
    };
    let (e, n) = rest.split_at_checked(length)?;
    let trimmed = |number: &'_ [u8]| number.iter().take_while(|&&octet| octet == 0).count();
    Some(RsaPublicKeyComponents { n: n.get(trimmed(n)..)?, e: e.get(trimmed(e)..)? })
}

/// A digest algorithm of DS records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DigestType(pub u8);

impl DigestType {
    /// SHA-1 (RFC 4034 §5.1); ignored beside the others (RFC 4509 §3).
    pub const SHA1: DigestType = DigestType(1);
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
            DigestType::SHA1 => Some(&digest::SHA1_FOR_LEGACY_USE_ONLY),
            DigestType::SHA256 => Some(&digest::SHA256),
            DigestType::SHA384 => Some(&digest::SHA384),
            _ => None,
        }
    }

    /// The digest of a key of the zone `owner` (RFC 4034 §5.1.4); none for a type that is not known.
    pub fn digest(self, owner: &Name, key: &Dnskey) -> Option<Vec<u8>> {
        let mut octets = Vec::with_capacity(128);
        owner.push_canonical(&mut octets);
        octets.extend_from_slice(&key.to_rdata());
        Some(digest::digest(self.algorithm()?, &octets).as_ref().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rdata::Rrsig;
    use crate::record::RecordType;
    use crate::sign::signed_data;
    use crate::zonefile;

    /// A key, a record and the signature over it, as printed in RFCs: it verifies, but not with any part changed, also if
    /// results are remembered.
    #[track_caller]
    fn check(text: &str, key_tag: u16) {
        let _memo = mxlab_env::memo::set(true);
        let records = zonefile::parse(text, &Name::root(), 3_600).unwrap();
        let [key, signed, rrsig] = &records[..] else { panic!("three records") };
        let key = Dnskey::parse(&key.record.rdata).unwrap();
        let rrsig = Rrsig::parse(&rrsig.record.rdata).unwrap();
        assert_eq!((key.key_tag(), rrsig.key_tag), (key_tag, key_tag));
        assert_eq!(rrsig.type_covered, RecordType::A);
        assert!(Algorithm(key.algorithm).is_supported(false));
        let data = signed_data(&rrsig, &signed.record.name, std::slice::from_ref(&signed.record.rdata)).unwrap();
        assert!(verify(&key, &data, &rrsig.signature));
        let mut other = rrsig.signature.clone();
        other[7] ^= 1;
        assert!(!verify(&key, &data, &other));
        assert!(!verify(&key, &[&data[..], &[0]].concat(), &rrsig.signature));
        assert!(!verify(&Dnskey { algorithm: 250, ..key.clone() }, &data, &rrsig.signature));
        for length in 0..key.public_key.len() {
            let short = Dnskey { public_key: key.public_key[..length].to_vec(), ..key.clone() };
            assert!(!verify(&short, &data, &rrsig.signature), "{length} octets");
        }
    }

    #[test]
    fn rsa_sha256_of_512_bits() {
        // RFC 5702 §6.1.
        check(
            "example.net. DNSKEY 256 3 8 ( AwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4cAgtvd4Qs8PkxUdp
                               6p/DlUmObdk= )
www.example.net. A 192.0.2.91
www.example.net. RRSIG A 8 3 3600 20300101000000 20000101000000 9033 example.net. ( kRCOH6u7l0QGy9qpC9
                               l1sLncJcOKFLJ7GhiUOibu4teYp5VE9RncriShZNz85mwlMgNEacFYK/lPtPiVYP4bwg== )",
            9_033,
        );
    }

    #[test]
    fn rsa_of_768_bits() {
        // Made for this test: a key, and its signatures over the same octets with each digest.
        let octets = |text: &str| data_encoding::BASE64.decode(text.as_bytes()).unwrap();
        let public_key = octets(
            "AwEAAbrccOzTjTQn0XI9fTAVqvaBddPwZFpQAHQdrkeGqpnH++4w9a2c2+XXmo+kphwr5dfsCxwxQ2sJXEuc8KwEX/TTViTl+qzSfj5hVGDx4LH7\
             ioBJRIFygdQmVgckHWzOlQ==",
        );
        let sha1 = octets(
            "JKlsWntJy1pwmzFowKGEg5jg9whH5Xon1GSv9VOjuRT+4o8i9crB4KpQshu2cQ55NyqHaZdOPABocqkykNCipimtDeX/n9aiSds9pHUZC0ha+8Qz\
             qt9FjIdepVMu3k1x",
        );
        let sha256 = octets(
            "Ir2ZInE+5Dzsb8NJZOhYWsjr6oz393ythJ156z0Mwovng3FHQKgbkgk5cIxwl0DcQOtjUW+bIZ12exSDYPNVf2GDnABVqW1kei4zDRb+XNrhIV7H\
             Q451Seb2WkfSq59U",
        );
        let sha512 = octets(
            "c4EpaiEsWX9f9LUEZRsyeno5fcp67k9RFilsTSq/0TFWT95XdwycZot1+F7+EEzFnv8E6o5nvCJWX9fyHS8maNVtVb5RVZtRT9bWDnvrGHNo9EOy\
             z9M2ZLUWJoNKb5SF",
        );
        for (algorithm, signature, valid) in [
            (5, &sha1, true),
            (7, &sha1, true),
            (8, &sha256, true),
            (8, &sha512, false),
            // RFC 5702 §2.2: from 1,024 bits on.
            (10, &sha512, false),
        ] {
            let key = Dnskey { flags: 256, protocol: 3, algorithm, public_key: public_key.clone() };
            assert_eq!(verify(&key, b"data", signature), valid, "algorithm {algorithm}");
        }
    }

    #[test]
    fn odd_keys_verify_nothing() {
        let numbers = |length: usize| {
            [vec![0xff; length], vec![0xfe; length], [vec![0x80], vec![0; length - 1]].concat(), vec![0; length]]
        };
        let exponents = [vec![0], vec![1], vec![2], vec![3], vec![1, 0, 1], vec![1, 0, 0], vec![0xff; 64]];
        for modulus in [1, 63, 64, 65, 127, 128, 129].into_iter().flat_map(numbers) {
            for exponent in exponents.iter().chain([&modulus]) {
                let length = u8::try_from(exponent.len()).unwrap();
                let public_key = [&[length], exponent.as_slice(), &modulus].concat();
                let key = Dnskey { flags: 256, protocol: 3, algorithm: 8, public_key };
                for signature in numbers(modulus.len()).into_iter().chain([vec![], vec![1], vec![0; 200]]) {
                    assert!(!verify(&key, b"data", &signature), "{key:?} {signature:?}");
                }
            }
        }
    }

    #[test]
    fn rsa_sha512() {
        // RFC 5702 §6.2.
        check(
            "example.net. DNSKEY 256 3 10 ( AwEAAdHoNTOW+et86KuJOWRDp1pndvwb6Y83nSVXXyLA3DLroROUkN6X0O6pnWnjJQujX/AyhqFDxj13
                               tOnD9u/1kTg7cV6rklMrZDtJCQ5PCl/D7QNPsgVsMu1J2Q8gpMpztNFLpPBz1bWXjDtaR7ZQBlZ3PFY12ZTS
                               ncorffcGmhOL )
www.example.net. A 192.0.2.91
www.example.net. RRSIG A 10 3 3600 20300101000000 20000101000000 3740 example.net. ( tsb4wnjRUDnB1BUi+t
                               6TMTXThjVnG+eCkWqjvvjhzQL1d0YRoOe0CbxrVDYd0xDtsuJRaeUw1ep94PzEWzr0iGYgZBWm/zpq+9fOua
                               gYJRfDqfReKBzMweOLDiNa8iP5g9vMhpuv6OPlvpXwm9Sa9ZXIbNl1MBGk0fthPgxdDLw= )",
            3_740,
        );
    }

    #[test]
    fn ecdsa_p384() {
        // RFC 6605 §6.2.
        check(
            "example.net. DNSKEY 257 3 14 ( xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrb
                               YQ+OB+v8/uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40 )
www.example.net. A 192.0.2.1
www.example.net. RRSIG A 14 3 3600 20100909102025 20100812102025 10771 example.net. ( /L5hDKIvGDyI1fcARX
                               3z65qrmPsVz73QD1Mr5CEqOiLP95hxQouuroGCeZOvzFaxsT8Glr74hbavRKayJNuydCuzWTSSPdz7wnqXL5
                               bdcJzusdnI0RSMROxxwGipWcJm )",
            10_771,
        );
    }

    #[test]
    fn digests_of_keys() {
        // Lengths of the digest types of RFC 4034 §5.4, RFC 4509 §2.3 and RFC 6605 §6.2; others have none.
        let key = Dnskey { flags: 256, protocol: 3, algorithm: 13, public_key: vec![7; 64] };
        let length = |digest: u8| DigestType(digest).digest(&Name::root(), &key).map(|digest| digest.len());
        assert_eq!([0, 1, 2, 3, 4, 5].map(length), [None, Some(20), Some(32), None, Some(48), None]);
    }
}
