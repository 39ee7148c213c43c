use super::*;
use crate::dkim::canonical::Form;

const GOOD: &str = "v=1; a=rsa-sha256; d=example.com; s=sel; h=from:to; bh=AAAA; b=BBBB";

fn parse(value: &str) -> Result<Signature, SignatureError> {
    Signature::parse(&TagList::parse(value.as_bytes())?)
}

/// The good signature with some tags replaced or added.
fn with(changes: &str) -> Result<Signature, SignatureError> {
    let changes: Vec<&str> = changes.split("; ").collect();
    let name = |tag: &str| tag.split('=').next().unwrap_or_default().to_owned();
    let kept = GOOD.split("; ").filter(|tag| !changes.iter().any(|change| name(change) == name(tag)));
    let tags: Vec<&str> = kept.chain(changes.iter().copied().filter(|change| change.contains('='))).collect();
    parse(&tags.join("; "))
}

#[track_caller]
fn check_error(changes: &str, expected: SignatureError) {
    assert_eq!(with(changes), Err(expected), "{changes}");
}

fn value(tag: &'static str, value: &str) -> SignatureError {
    SignatureError::Value { tag, value: value.to_owned() }
}

#[test]
fn all_tags() {
    let text = " v=1; a=ed25519-sha256; b=QU\r\n JD ; bh = eHl6\r\n\t; c=relaxed/simple;\r\n d=Example.com; s=a.b;\r\n \
                h=From : to\r\n :X-9; i=j=3Doe@News.example.com; l=12; q=x/y : dns/txt; t=1000; x=1001; z=From:a; new=1";
    let signature = parse(text).expect("a signature");
    let expected = MessageSignature {
        algorithm: Algorithm::Ed25519Sha256,
        signature: b"ABC".to_vec(),
        body_hash: b"xyz".to_vec(),
        canonicalization: Canonicalization { header: Form::Relaxed, body: Form::Simple },
        domain: Domain::parse("Example.com", 2).expect("a name"),
        selector: Domain::parse("a.b", 2).expect("a name"),
        signed_fields: ["from", "to", "x-9"].map(str::to_owned).to_vec(),
        body_length: Some(12),
        timestamp: Some(1000),
        expiration: Some(1001),
    };
    assert_eq!(signature.message, expected);
    assert_eq!(signature.identity.local_part, "j=oe");
    assert_eq!(signature.identity.domain.as_str(), "News.example.com");
}

#[test]
fn defaults() {
    let signature = parse(GOOD).expect("a signature");
    assert_eq!(signature.message.canonicalization, Canonicalization::DEFAULT);
    let MessageSignature { body_length, timestamp, expiration, .. } = signature.message;
    assert_eq!((body_length, timestamp, expiration), (None, None, None));
    assert_eq!(signature.identity.local_part, "");
    assert_eq!(signature.identity.domain, signature.message.domain);
}

#[test]
fn required_tags() {
    for tag in ["v", "a", "b", "bh", "d", "h", "s"] {
        check_error(tag, SignatureError::Missing { tag });
    }
}

#[test]
fn versions() {
    for version in ["", "2", "01", "1.0", "DKIM1"] {
        check_error(&format!("v={version}"), SignatureError::Version { value: version.to_owned() });
    }
}

#[test]
fn algorithms() {
    assert_eq!(with("a=rsa-sha1").expect("a signature").message.algorithm, Algorithm::RsaSha1);
    for algorithm in ["rsa-sha512", "RSA-SHA256", "rsa", ""] {
        check_error(&format!("a={algorithm}"), SignatureError::Algorithm { value: algorithm.to_owned() });
    }
}

#[test]
fn base64_values() {
    for (text, octets) in
        [("QQ==", "A"), ("QQ", "A"), ("QR==", "A"), ("QUI=", "AB"), ("QUJ", "AB"), ("Q U\r\n JD", "ABC")]
    {
        assert_eq!(with(&format!("b={text}")).expect("a signature").message.signature, octets.as_bytes(), "{text}");
    }
    for text in ["", "Q", "QQ=", "QQ===", "QUJD=", "Q=Q=", "QQ==QQ==", "Q-__", "=", "===="] {
        check_error(&format!("b={text}"), value("b", text));
        check_error(&format!("bh={text}"), value("bh", text));
    }
}

#[test]
fn names() {
    check_error("d=com", value("d", "com"));
    check_error("d=example..com", value("d", "example..com"));
    check_error("d=legitimate.com(.attacker.com", value("d", "legitimate.com(.attacker.com"));
    check_error("s=", value("s", ""));
    check_error("s=a b", value("s", "a b"));
    assert_eq!(with("d=bücher.example; s=ключ").expect("a signature").message.domain.ascii(), "xn--bcher-kva.example");
}

#[test]
fn identities() {
    let identity = |text: &str| with(text).map(|signature| signature.identity);
    for within in ["i=@example.com", "i=a@EXAMPLE.COM", "i=\"a@b\"@example.com", "i=x@a.b.example.com"] {
        assert!(identity(within).is_ok(), "{within}");
    }
    assert!(identity("d=bücher.example; i=ä@a.xn--bcher-kva.example").is_ok());
    let outside = |identity: &str| SignatureError::IdentityOutside {
        identity: identity.to_owned(),
        domain: "example.com".to_owned(),
    };
    check_error("i=a@example.net", outside("a@example.net"));
    check_error("i=a@badexample.com", outside("a@badexample.com"));
    check_error(
        "d=a.example.com; i=@example.com",
        SignatureError::IdentityOutside { identity: "@example.com".to_owned(), domain: "a.example.com".to_owned() },
    );
    for malformed in
        ["", "example.com", "a@", "a=4@example.com", "a=@example.com", "a=4a@example.com", "=FF@example.com"]
    {
        check_error(&format!("i={malformed}"), value("i", malformed));
    }
}

#[test]
fn signed_field_lists() {
    check_error("h=to:subject", SignatureError::FromNotSigned);
    assert!(with("h=FROM").is_ok());
    for list in ["", "from:", ":from", "from::to", "fr om", "from:ä"] {
        check_error(&format!("h={list}"), value("h", list));
    }
    let list = |names: usize| format!("h={}", vec!["from"; names].join(":"));
    assert!(with(&list(MAX_SIGNED_FIELDS)).is_ok());
    check_error(&list(MAX_SIGNED_FIELDS + 1), SignatureError::TooManyFields);
}

#[test]
fn numbers() {
    for tag in ["l", "t", "x"] {
        for number in ["", "-1", "+1", "1.5", "1e3", "0x10", "1 2", "1234567890123x"] {
            check_error(&format!("{tag}={number}"), value(tag, number));
        }
    }
    check_error("t=1234567890123", value("t", "1234567890123"));
    check_error("x=1234567890123", value("x", "1234567890123"));
    let length = |digits: &str| with(&format!("l={digits}")).map(|signature| signature.message.body_length);
    assert_eq!(length("0"), Ok(Some(0)));
    assert_eq!(length("007"), Ok(Some(7)));
    assert_eq!(length(&"9".repeat(76)), Ok(Some(u64::MAX)));
    check_error(&format!("l={}", "9".repeat(77)), value("l", &format!("{}…", "9".repeat(60))));
}

#[test]
fn times() {
    assert!(with("t=5; x=6").is_ok());
    assert!(with("x=0").is_ok());
    check_error("t=5; x=5", SignatureError::ExpiresBeforeSigned { timestamp: 5, expiration: 5 });
    check_error("t=5; x=4", SignatureError::ExpiresBeforeSigned { timestamp: 5, expiration: 4 });
}

#[test]
fn query_methods() {
    assert!(with("q=dns/txt").is_ok());
    assert!(with("q=future : dns/txt").is_ok());
    for methods in ["", "dns", "http", "dns/txt/x", "DNS/TXT"] {
        check_error(&format!("q={methods}"), SignatureError::QueryMethod { value: methods.to_owned() });
    }
}

#[test]
fn canonicalizations() {
    for word in ["", "nofws", "simple/nofws", "simple/simple/simple"] {
        check_error(&format!("c={word}"), value("c", word));
    }
}

#[test]
fn tag_lists() {
    assert!(matches!(parse("v=1; v=1"), Err(SignatureError::TagList(TagListError::Twice { .. }))));
}

#[test]
fn empty_names() {
    let names = |h: &str, empty_name: EmptyName| {
        let text = format!("a=rsa-sha256; d=example.com; s=sel; h={h}; bh=AAAA; b=BBBB");
        MessageSignature::parse(&TagList::parse(text.as_bytes())?, empty_name).map(|message| message.signed_fields)
    };
    for (h, expected) in [("", &[][..]), ("From: :to", &["from", "to"]), (":", &[]), ("from:", &["from"])] {
        assert_eq!(names(h, EmptyName::Malformed), Err(value("h", h)));
        assert_eq!(names(h, EmptyName::Ignored), Ok(expected.iter().map(|name| name.to_string()).collect()));
    }
}
