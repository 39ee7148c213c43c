use super::*;
use crate::dkim::crypto::SigningKey;

/// Records like those of RFC 8463 appendix A.2 and RFC 6376 appendix C: an Ed25519 key, and RSA keys of the repository.
const ED25519: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
/// RFC 8463 appendix A.2: RSA of 1,024 bits, as SubjectPublicKeyInfo.
const RSA: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/b\
                   yYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K\
                   4w3QIDAQAB";

fn parse(text: &str) -> Result<KeyRecord, KeyRecordError> {
    KeyRecord::parse(text.as_bytes())
}

#[track_caller]
fn check_error(text: &str, expected: KeyRecordError) {
    assert_eq!(parse(text), Err(expected), "{text}");
}

#[test]
fn defaults() {
    let record = parse(&format!("p={RSA}")).expect("a key record");
    let Material::Key(PublicKey::Rsa(key)) = &record.material else { panic!("an RSA key") };
    assert_eq!((key.bits(), key.exponent.as_slice()), (1_024, &[1, 0, 1][..]));
    assert_eq!((record.hashes, record.services, record.note), (None, None, None));
    assert_eq!((record.testing, record.no_subdomains), (false, false));
}

#[test]
fn all_tags() {
    let text = format!("v=DKIM1; h=sha1 : sha256; k=ed25519; n=a note; p={ED25519}; s=email:other; t=y : s : z; g=*");
    let record = parse(&text).expect("a key record");
    assert!(matches!(record.material, Material::Key(PublicKey::Ed25519(key)) if key[0] == 0xd7));
    let words = |words: [&str; 2]| Some(words.map(str::to_owned).to_vec());
    assert_eq!((record.hashes, record.services), (words(["sha1", "sha256"]), words(["email", "other"])));
    assert_eq!(record.note.as_deref(), Some("a note"));
    assert_eq!((record.testing, record.no_subdomains), (true, true));
}

#[test]
fn versions() {
    assert!(parse(&format!("v=DKIM1; p={RSA}")).is_ok());
    check_error(&format!("p={RSA}; v=DKIM1"), KeyRecordError::VersionNotFirst);
    check_error("v=spf1 -all", KeyRecordError::OtherVersion { value: "spf1 -all".to_owned() });
    check_error(&format!("v=DKIM2; p={RSA}"), KeyRecordError::OtherVersion { value: "DKIM2".to_owned() });
    check_error(&format!("v=dkim1; p={RSA}"), KeyRecordError::OtherVersion { value: "dkim1".to_owned() });
}

#[test]
fn revoked() {
    assert_eq!(parse("v=DKIM1; p=").expect("a key record").material, Material::Revoked);
    assert_eq!(parse("k=new; p= ;").expect("a key record").material, Material::Revoked);
}

#[test]
fn broken() {
    check_error("v=DKIM1; k=rsa", KeyRecordError::NoKey);
    check_error("p=?", KeyRecordError::NotBase64);
    check_error("p=AAAA", KeyRecordError::NotAKey { key_type: "rsa" });
    check_error(&format!("p={}", &RSA[..RSA.len() - 4]), KeyRecordError::NotAKey { key_type: "rsa" });
    check_error(&format!("p={ED25519}"), KeyRecordError::NotAKey { key_type: "rsa" });
    check_error(&format!("k=ed25519; p={RSA}"), KeyRecordError::NotAKey { key_type: "ed25519" });
    check_error("hello", KeyRecordError::TagList(TagListError::NoEquals { tag: "hello".to_owned() }));
    check_error("", KeyRecordError::TagList(TagListError::EmptyTag));
    let binary = KeyRecord::parse(b"p=\x00\xff");
    assert!(
        matches!(binary, Err(KeyRecordError::TagList(TagListError::Octet { octet: 0xff, offset: 3 }))),
        "{binary:?}"
    );
    // Zeros are numbers, but not a key.
    check_error("p=MAYCAQACAQA=", KeyRecordError::NotAKey { key_type: "rsa" });
}

#[test]
fn unknown_types() {
    let record = parse("k=ecdsa; p=AAAA").expect("a key record");
    assert_eq!(record.material, Material::UnknownType { key_type: "ecdsa".to_owned() });
}

#[test]
fn both_encodings_of_rsa() {
    let info = decode_base64(RSA).expect("base64");
    let bare = &info[22..];
    assert_eq!(RsaKey::from_der(&info), RsaKey::from_der(bare));
    assert!(RsaKey::from_der(bare).is_some());
    for end in 0..info.len() {
        assert_eq!(RsaKey::from_der(&info[..end]), None, "{end} octets");
    }
    assert_eq!(RsaKey::from_der(&[&info[..], &[0]].concat()), None);
    // SubjectPublicKeyInfo of another algorithm (Ed25519, RFC 8410 §10.1).
    let other = decode_base64("MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=").expect("base64");
    assert_eq!(RsaKey::from_der(&other), None);
}

#[test]
fn lengths() {
    let bits = |modulus: &[u8]| RsaKey { modulus: modulus.to_vec(), exponent: vec![3] }.bits();
    assert_eq!((bits(&[1]), bits(&[0x80]), bits(&[0x7f, 0]), bits(&[])), (1, 8, 15, 0));
}

#[test]
fn what_is_published_is_read() {
    let key = SigningKey::from_ed25519_seed(&[7; 32]).expect("a key");
    assert!(matches!(parse(&key.record()).expect("a key record").material, Material::Key(PublicKey::Ed25519(_))));
}
