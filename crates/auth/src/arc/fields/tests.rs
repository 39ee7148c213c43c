use mxlab_mail::tag_list::TagListError;

use super::*;

const SEAL: &str = "i=1; a=rsa-sha256; cv=none; d=contoso.example; s=sel; b=AAAA";
const SIGNATURE: &str = "i=1; a=rsa-sha256; d=contoso.example; s=sel; h=from:to; bh=BBBB; b=AAAA";

/// The tags with some of their values changed: `x=y` sets a tag, `x` removes it.
fn with(tags: &str, changes: &str) -> String {
    let changes: Vec<&str> = changes.split("; ").filter(|change| !change.is_empty()).collect();
    let name = |tag: &str| tag.split('=').next().unwrap_or_default().to_owned();
    let kept = tags.split("; ").filter(|tag| !changes.iter().any(|change| name(change) == name(tag)));
    let tags: Vec<&str> = kept.chain(changes.iter().copied().filter(|change| change.contains('='))).collect();
    tags.join("; ")
}

fn seal(changes: &str) -> Result<Seal, FieldError> {
    Seal::parse(&TagList::parse(with(SEAL, changes).as_bytes()).map_err(SignatureError::from)?)
}

fn signature(changes: &str) -> Result<MessageSignature, FieldError> {
    MessageSignature::parse(&TagList::parse(with(SIGNATURE, changes).as_bytes()).map_err(SignatureError::from)?)
}

fn missing(tag: &'static str) -> FieldError {
    SignatureError::Missing { tag }.into()
}

fn value(tag: &'static str, value: &str) -> FieldError {
    SignatureError::Value { tag, value: value.to_owned() }.into()
}

fn instance(value: &str) -> FieldError {
    FieldError::Instance { value: value.to_owned() }
}

#[test]
fn seals() {
    let expected = Seal {
        instance: 7,
        chain_status: ChainStatus::Pass,
        algorithm: Algorithm::Ed25519Sha256,
        signature: vec![0; 3],
        domain: Domain::parse("contoso.example", 2).expect("a domain"),
        selector: Domain::parse("sel", 1).expect("a selector"),
        timestamp: Some(5),
    };
    assert_eq!(seal("i=7; cv=pass; a=ed25519-sha256; t=5; x=unknown; v=9"), Ok(expected));
    for (cv, expected) in [("NONE", ChainStatus::None), ("Fail", ChainStatus::Fail)] {
        assert_eq!(seal(&format!("cv={cv}")).map(|seal| seal.chain_status), Ok(expected));
    }
}

#[test]
fn bad_seals() {
    for tag in ["a", "b", "cv", "d", "s"] {
        assert_eq!(seal(tag), Err(missing(tag)));
    }
    assert_eq!(seal("i"), Err(FieldError::NoInstance));
    assert_eq!(seal("h=from"), Err(FieldError::FieldsInSeal));
    assert_eq!(seal("h="), Err(FieldError::FieldsInSeal));
    assert_eq!(seal("cv="), Err(FieldError::ChainStatus { value: String::new() }));
    assert_eq!(seal("cv=invalid"), Err(FieldError::ChainStatus { value: "invalid".to_owned() }));
    assert_eq!(seal("d=contoso"), Err(value("d", "contoso")));
    assert_eq!(seal("s="), Err(value("s", "")));
    assert_eq!(seal("t="), Err(value("t", "")));
    assert_eq!(seal("t=1 2"), Err(value("t", "1 2")));
    assert_eq!(seal("b="), Err(value("b", "")));
    assert_eq!(seal("b=%"), Err(value("b", "%")));
    assert_eq!(seal("a=rsa"), Err(SignatureError::Algorithm { value: "rsa".to_owned() }.into()));
    let empty = FieldError::from(SignatureError::from(TagListError::EmptyTag));
    assert_eq!(seal("q=; "), seal("q="), "a tag that seals do not have");
    assert_eq!(TagList::parse(b"i=1;;a=b").map_err(|error| FieldError::from(SignatureError::from(error))), Err(empty));
}

#[test]
fn instances() {
    for (text, expected) in [("1", 1), ("50", 50), ("07", 7)] {
        assert_eq!(seal(&format!("i={text}")).map(|seal| seal.instance), Ok(expected));
        assert_eq!(signature(&format!("i={text}")).map(|signature| signature.instance), Ok(expected));
        let results = AuthenticationResults::parse(&format!("i={text}; a.example; none"));
        assert_eq!(results.map(|results| results.instance), Ok(expected));
    }
    for text in ["", "0", "00", "51", "99", "001", "100", "256", "+1", "-1", "1x", "x", "1.0", "１"] {
        assert_eq!(seal(&format!("i={text}")), Err(instance(text)));
        assert_eq!(signature(&format!("i={text}")), Err(instance(text)));
        assert_eq!(AuthenticationResults::parse(&format!("i={text}; a.example; none")), Err(instance(text)));
    }
    let huge = "9".repeat(1000);
    assert_eq!(seal(&format!("i={huge}")), Err(instance(&format!("{}…", "9".repeat(60)))));
    let results = AuthenticationResults::parse(&format!("i={huge}; a.example"));
    assert_eq!(results, Err(instance(&format!("{}…", "9".repeat(60)))));
}

#[test]
fn message_signatures() {
    let found = signature("i=3; h=From : :To; v=2; l=5; x=9").expect("a signature");
    assert_eq!((found.instance, found.signature.body_length, found.signature.expiration), (3, Some(5), Some(9)));
    assert_eq!(found.signature.signed_fields, ["from", "to"]);
    assert!(signature("h=from:arc-authentication-results:arc-message-signature").is_ok());
    // Whoever replaces the author must break the signature.
    for h in ["h=", "h=to:subject:date", "h=x-from:sender"] {
        assert_eq!(signature(h), Err(FieldError::Tags(SignatureError::FromNotSigned)), "{h}");
    }
    let form = |changes: &str| signature(changes).map(|found| found.signature.canonicalization.to_string());
    for (c, expected) in [("", "simple/simple"), ("c=simple", "simple/simple"), ("c=relaxed", "relaxed/simple")] {
        assert_eq!(form(c).as_deref(), Ok(expected));
    }
    assert_eq!(signature("h=from:ARC-Seal"), Err(FieldError::SealSigned));
    for tag in ["a", "b", "bh", "d", "h", "s"] {
        assert_eq!(signature(tag), Err(missing(tag)));
    }
    assert_eq!(signature("i"), Err(FieldError::NoInstance));
    assert_eq!(signature("c=relaxed/lax"), Err(value("c", "relaxed/lax")));
}

#[track_caller]
fn check_results(text: &str, expected: Result<(u8, &str), FieldError>) {
    let found = AuthenticationResults::parse(text);
    let found = found.map(|found| (found.instance, found.payload));
    assert_eq!(found, expected.map(|(instance, payload)| (instance, payload.to_owned())), "{text:?}");
}

#[test]
fn authentication_results() {
    check_results("i=1; a.example; spf=pass", Ok((1, "a.example; spf=pass")));
    check_results("i=1;a.example", Ok((1, "a.example")));
    check_results("i=1;", Ok((1, "")));
    check_results(" (one) i (two;) = (three (four)) 2 (five\\)) ; a.example (x)", Ok((2, "a.example (x)")));
    check_results("", Err(FieldError::NoInstance));
    check_results("a.example; i=1; spf=pass", Err(FieldError::NoInstance));
    check_results("I=1; a.example", Err(FieldError::NoInstance));
    check_results("i 1; a.example", Err(FieldError::NoInstance));
    check_results("(i=1; a.example", Err(FieldError::NoInstance));
    check_results("i(=1; a.example", Err(FieldError::NoInstance));
    check_results("i=(1; a.example", Err(FieldError::NoInstance));
    check_results("i=1 a.example; spf=pass", Err(FieldError::NoSemicolon));
    check_results("i=1", Err(FieldError::NoSemicolon));
    check_results("i=1 (; a.example", Err(FieldError::NoSemicolon));
    check_results("i=\"1\"; a.example", Err(instance("\"1\"")));
}
