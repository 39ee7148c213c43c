use super::*;
use crate::dkim::key::{KeyRecord, Material};

const RSA_2048: &str = include_str!("../testkeys/rsa2048.pem");
const RSA_4096: &str = include_str!("../testkeys/rsa4096.pem");
const RSA_1024: &str = include_str!("../testkeys/rfc8463-rsa.pem");
const ED25519_KEY: &str = include_str!("../testkeys/ed25519.pem");

fn public(key: &SigningKey) -> PublicKey {
    let Material::Key(key) = KeyRecord::parse(key.record().as_bytes()).expect("a record").material else {
        panic!("a key")
    };
    key
}

#[test]
fn what_is_signed_is_verified() {
    for pem in [RSA_1024, RSA_2048, RSA_4096, ED25519_KEY] {
        let key = SigningKey::from_pem(pem).expect("a key");
        let (algorithm, public) = (key.algorithm(), public(&key));
        let signature = key.sign(b"data").expect("a signature");
        assert_eq!(key.sign(b"data").expect("a signature"), signature, "always the same");
        assert!(public.verifies(algorithm, b"data", &signature));
        assert!(!public.verifies(algorithm, b"date", &signature));
        for octet in 0..signature.len() {
            let mut other = signature.clone();
            other[octet] ^= 1;
            assert!(!public.verifies(algorithm, b"data", &other), "{algorithm} {octet}");
        }
        assert!(!public.verifies(algorithm, b"data", &signature[1..]));
        assert!(!public.verifies(algorithm, b"data", &[&[0], &signature[..]].concat()));
        assert!(!public.verifies(algorithm, b"data", b""));
        for other in [Algorithm::RsaSha1, Algorithm::RsaSha256, Algorithm::Ed25519Sha256] {
            assert_eq!(public.verifies(other, b"data", &signature), other == algorithm);
        }
    }
}

/// What is remembered of one key says nothing of another.
#[test]
fn results_of_several_keys_are_kept_apart() {
    let _memo = mxlab_env::memo::set(true);
    let keys = [RSA_1024, RSA_2048, RSA_4096].map(|pem| SigningKey::from_pem(pem).expect("a key"));
    let signatures = keys.each_ref().map(|key| key.sign(b"the same").expect("a signature"));
    for (one, signature) in signatures.iter().enumerate() {
        for (other, key) in keys.iter().enumerate() {
            assert_eq!(public(key).verifies(key.algorithm(), b"the same", signature), one == other, "{one} {other}");
        }
    }
}

/// ring signs with the keys that it takes, and as the crate `rsa` would.
#[test]
fn both_libraries_sign_alike() {
    for (pem, has_fast) in [(RSA_1024, false), (RSA_2048, true), (RSA_4096, true)] {
        let key = SigningKey::from_pem(pem).expect("a key");
        let Private::Rsa(rsa) = &*key.0 else { panic!("an RSA key") };
        assert_eq!(rsa.fast.is_some(), has_fast);
        assert_eq!(rsa.sign(b"data"), rsa.sign_slowly(b"data"));
    }
}

#[test]
fn seeds() {
    // RFC 8463 appendix A.1 and A.2.
    let seed = BASE64.decode(b"nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=").expect("base64");
    let key = SigningKey::from_ed25519_seed(&seed.try_into().expect("32 octets")).expect("a key");
    assert_eq!(key.record(), "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
}

#[test]
fn odd_rsa_keys_verify_nothing() {
    use crate::dkim::key::RsaKey;
    let numbers = |length: usize| [vec![0xff; length], [vec![0x80], vec![0; length - 1]].concat(), vec![0; length]];
    for modulus in [1, 63, 64, 127, 128, 129, 256, 1024, 1025].into_iter().flat_map(numbers) {
        for exponent in [vec![], vec![0], vec![1], vec![2], vec![3], vec![1, 0, 1], vec![0xff; 64], modulus.clone()] {
            let key = PublicKey::Rsa(RsaKey { modulus: modulus.clone(), exponent });
            for signature in numbers(modulus.len()).into_iter().chain([vec![], vec![1]]) {
                assert!(!key.verifies(Algorithm::RsaSha256, b"data", &signature), "{key:?}");
            }
        }
    }
}

#[test]
fn what_is_no_key() {
    let error = |pem: &str| SigningKey::from_pem(pem).expect_err("no key");
    assert_eq!(error(""), SigningKeyError::Pem);
    assert_eq!(error(&ED25519_KEY.replace("PRIVATE", "PUBLIC")), SigningKeyError::Pem);
    assert_eq!(error(&RSA_2048.replace("PRIVATE", "RSA PRIVATE")), SigningKeyError::Key);
    assert_eq!(error(&RSA_4096.replace("RSA ", "")), SigningKeyError::Key);
    assert!(SigningKey::from_pkcs8_der(b"\x30\x00").is_err());
    assert!(SigningKey::from_pkcs1_der(b"").is_err());
    let shown = format!("{:?}", SigningKey::from_pem(ED25519_KEY).expect("a key"));
    assert_eq!(shown, "SigningKey(ed25519-sha256)", "no secret is shown");
}
