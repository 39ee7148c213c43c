use super::*;
use crate::testing::{Zone, now};

const RSA_1024: &str = "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2\
                        jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3\
                        G+2kryOTIKT+l/K4w3QIDAQAB";
const ED25519: &str = "k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const NAME: &str = "sel._domainkey.example.com";

/// Looks up a key of `sel` at `example.com` in a zone that has these texts there.
fn ask_for(algorithm: Algorithm, identity: &str, texts: &[&str]) -> Result<Vec<SuitableKey>, KeyFailure> {
    let lines: Vec<String> = texts.iter().map(|text| format!("{NAME} TXT {text}")).collect();
    ask_zone(&Zone::new(&lines.join("\n")), algorithm, identity).0
}

fn ask_zone(zone: &Zone, algorithm: Algorithm, identity: &str) -> (Result<Vec<SuitableKey>, KeyFailure>, Vec<Lookup>) {
    let name = |text: &str| Domain::parse(text, 1).expect("a name");
    let (domain, selector, identity) = (name("Example.com"), name("sel"), name(identity));
    let wanted =
        Wanted { algorithm, domain: &domain, selector: &selector, identity: Some(&identity), minimum_bits: 1_024 };
    let mut evidence = Vec::new();
    let mut keys = Keys::new(zone);
    let first = now(keys.suitable(&wanted, &mut evidence));
    assert_eq!(now(keys.suitable(&wanted, &mut evidence)), first, "the second time it is known");
    (first, evidence)
}

#[track_caller]
fn check(texts: &[&str], expected: Result<usize, KeyFailure>) {
    let keys = ask_for(Algorithm::RsaSha256, "example.com", texts);
    assert_eq!(keys.map(|keys| keys.len()), expected, "{texts:?}");
}

#[track_caller]
fn check_unsuitable(algorithm: Algorithm, identity: &str, text: &str, reason: &str) {
    match ask_for(algorithm, identity, &[text]) {
        Err(KeyFailure::Unsuitable { name, reason: found }) => {
            assert_eq!((name.as_str(), found.to_string().as_str()), (NAME, reason));
        }
        other => panic!("{text}: {other:?}"),
    }
}

fn no_key(others: usize) -> KeyFailure {
    KeyFailure::NoKey { name: NAME.to_owned(), others }
}

#[test]
fn one_record() {
    check(&[RSA_1024], Ok(1));
    assert_eq!(ask_for(Algorithm::Ed25519Sha256, "example.com", &[ED25519]).map(|keys| keys.len()), Ok(1));
    let testing = ask_for(Algorithm::Ed25519Sha256, "example.com", &[&format!("t=y; {ED25519}")]).expect("a key");
    assert!(testing[0].testing);
}

#[test]
fn no_record() {
    check(&[], Err(no_key(0)));
    check(&["v=spf1 -all"], Err(no_key(1)));
    check(&["v=spf1 -all", "v=DKIM2; p="], Err(no_key(2)));
    let (answer, evidence) = ask_zone(&Zone::new(&format!("{NAME} A 192.0.2.1")), Algorithm::RsaSha256, "example.com");
    assert_eq!(answer, Err(no_key(0)));
    assert_eq!(evidence.len(), 1, "no name is asked for twice");
    assert_eq!(evidence[0].to_string(), format!("{NAME} TXT: no such record"));
}

#[test]
fn no_answer() {
    let (answer, evidence) = ask_zone(&Zone::new(&format!("{NAME} TIMEOUT")), Algorithm::RsaSha256, "example.com");
    assert_eq!(answer, Err(KeyFailure::Timeout { name: NAME.to_owned() }));
    assert_eq!(evidence[0].to_string(), format!("{NAME} TXT: timeout"));
}

#[test]
fn failing_records() {
    check(&["v=DKIM1; p="], Err(KeyFailure::Revoked { name: NAME.to_owned() }));
    check(&["v=DKIM1"], Err(KeyFailure::Malformed { name: NAME.to_owned(), error: KeyRecordError::NoKey }));
    let weak = |bits| KeyFailure::Weak { name: NAME.to_owned(), bits, minimum: 1_024 };
    check(&[&format!("p={}", include_str!("../testkeys/rsa512.pub"))], Err(weak(512)));
    check(&[&format!("p={}", include_str!("../testkeys/rsa1023.pub"))], Err(weak(1_023)));
}

#[test]
fn unsuitable_records() {
    let domain = "example.com";
    let rsa = Algorithm::RsaSha256;
    check_unsuitable(rsa, domain, ED25519, "the key is of type ed25519, but rsa-sha256 needs rsa");
    check_unsuitable(rsa, domain, "k=x; p=AAAA", "the key is of type x, but rsa-sha256 needs rsa");
    let ed25519 = Algorithm::Ed25519Sha256;
    check_unsuitable(ed25519, domain, RSA_1024, "the key is of type rsa, but ed25519-sha256 needs ed25519");
    let with = |tag: &str| format!("{RSA_1024}; {tag}");
    check_unsuitable(rsa, domain, &with("h=sha1:md5"), "h= of the key allows sha1:md5, but not sha256");
    check_unsuitable(rsa, domain, &with("s=tlsrpt"), "s= of the key allows tlsrpt, but not email");
    let below = "t=s of the key forbids subdomains, but i= is at news.example.com";
    check_unsuitable(rsa, "news.example.com", &with("t=s"), below);
    let long = format!("p={}", include_str!("../testkeys/rsa8200.pub"));
    check_unsuitable(rsa, domain, &long, "the key has 8200 bits; keys of more than 8192 are not checked");
    // What they allow.
    for tag in ["h=sha1:sha256", "s=*", "s=x:email", "t=s", "t=y:z", "g=x", "h=sha256; s=email; t=s"] {
        check(&[&with(tag)], Ok(1));
    }
    assert!(ask_for(rsa, "news.example.com", &[RSA_1024]).is_ok());
    assert!(ask_for(rsa, "EXAMPLE.COM", &[&with("t=s")]).is_ok());
}

#[test]
fn several_records() {
    let other = RSA_1024.replace("v=DKIM1; ", "");
    check(&[RSA_1024, &other], Ok(2));
    check(&[RSA_1024, "v=spf1 -all", "hello", "p="], Ok(1));
    check(&[RSA_1024, RSA_1024], Ok(1));
    // The failure that came furthest is reported, in whatever order the records come.
    let unsuitable = format!("{RSA_1024}; s=x");
    let texts = ["hello", "v=spf1", "p=", unsuitable.as_str()];
    for turn in 0..texts.len() {
        let mut texts = texts;
        texts.rotate_left(turn);
        let failure = ask_for(Algorithm::RsaSha256, "example.com", &texts).expect_err("no key");
        assert!(matches!(failure, KeyFailure::Unsuitable { .. }), "{failure}");
        let failure = ask_for(Algorithm::RsaSha256, "example.com", &texts[..1]).expect_err("no key");
        assert_eq!(matches!(failure, KeyFailure::Unsuitable { .. }), texts[0] == unsuitable);
    }
}

#[test]
fn bounded() {
    let mut texts: Vec<String> = (0..1_000).map(|number| format!("a={number}")).collect();
    texts.push("z=; ".to_owned() + RSA_1024.strip_prefix("v=DKIM1; ").expect("it begins so"));
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    check(&texts, Err(KeyFailure::Malformed { name: NAME.to_owned(), error: KeyRecordError::NoKey }));
}

#[test]
fn names() {
    let name = |text: &str| Domain::parse(text, 1).expect("a name");
    let (domain, selector) = (name("bücher.example"), name("Ключ"));
    let wanted = Wanted {
        algorithm: Algorithm::Ed25519Sha256,
        domain: &domain,
        selector: &selector,
        identity: None,
        minimum_bits: 1_024,
    };
    let zone = Zone::new(&format!("xn--j1ac0b1a._domainkey.xn--bcher-kva.example TXT {ED25519}"));
    assert!(now(Keys::new(&zone).suitable(&wanted, &mut Vec::new())).is_ok());
    // Two names that make one too long to exist: it is not looked up.
    let long = name(&["a".repeat(60).as_str(); 4].join("."));
    let wanted = Wanted { domain: &long, ..wanted };
    let mut evidence = Vec::new();
    let answer = now(Keys::new(&zone).suitable(&wanted, &mut evidence));
    assert!(matches!(answer, Err(KeyFailure::NoKey { others: 0, .. })), "{answer:?}");
    assert!(evidence.is_empty());
}
