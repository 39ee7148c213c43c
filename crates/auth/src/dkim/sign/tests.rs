use super::*;
use crate::dkim::testing::{SIGNED, ed25519_key, rsa_key, time};

const MESSAGE: &str = "From: Ann <ann@example.com>\r\nTo: bob@example.net\r\nSubject: Hi\r\nReceived: x\r\nCc: a@b.example\r\n\
                       Cc: c@d.example\r\n\r\nHello\r\n";

fn signer() -> Signer {
    Signer::new(ed25519_key(), "example.com", "sel").expect("a signer")
}

fn sign(signer: &Signer) -> String {
    signer.sign(&Message::parse(MESSAGE.as_bytes()).expect("a message"), time(SIGNED)).expect("a signature")
}

/// The field up to its signature.
#[track_caller]
fn check(signer: &Signer, expected: &str) {
    let field = sign(signer);
    assert_eq!(field, sign(signer), "always the same");
    assert!(field.ends_with("\r\n"));
    assert!(field.lines().all(|line| line.len() <= 78), "{field}");
    let (tags, _) = field.split_once(" b=").expect("a signature");
    assert_eq!(tags.replace("\r\n ", "|"), expected);
}

#[test]
fn layout() {
    check(
        &signer(),
        "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com;|s=sel; t=1000000; \
         h=from:from:subject:to:cc:cc;|bh=Ba3gj8+xBPQLJTahTfzW6RbWQ/XPgESxkCi2B66PSQg=;",
    );
    let simple = Canonicalization::DEFAULT;
    let signer = signer().with_canonicalization(simple).without_timestamp().with_body_length().with_lifetime(60);
    let signer = signer.with_identity("a=b c", "x.example.com").expect("an identity");
    let signer = signer.with_fields(&["From", "X-None", "from"]).expect("a list");
    check(
        &signer,
        "DKIM-Signature: v=1; a=ed25519-sha256; c=simple/simple; d=example.com; s=sel;|i=a=3Db=20c@x.example.com; \
         x=1000060; l=7; h=from:x-none:from;|bh=Ba3gj8+xBPQLJTahTfzW6RbWQ/XPgESxkCi2B66PSQg=;",
    );
}

#[test]
fn long_lists_are_folded() {
    let names = vec!["from"; 40];
    let field = sign(&signer().with_fields(&names).expect("a list"));
    assert!(field.lines().all(|line| line.len() <= 78), "{field}");
    assert!(field.contains(":\r\n from"), "{field}");
}

#[test]
fn what_is_not_signed() {
    let new = |domain: &str, selector: &str| Signer::new(ed25519_key(), domain, selector).map(|_| ());
    assert_eq!(new("example", "sel"), Err(SignError::Domain("example".to_owned())));
    assert_eq!(new("example.com", "a b"), Err(SignError::Selector("a b".to_owned())));
    let fields = |names: &[&str]| signer().with_fields(names).map(|_| ());
    assert_eq!(fields(&["to"]), Err(SignError::FromNotSigned));
    assert_eq!(fields(&[]), Err(SignError::FromNotSigned));
    for name in ["", "a b", "a:b", "a;b", "ä"] {
        assert_eq!(fields(&["from", name]), Err(SignError::FieldName(name.to_owned())));
    }
    assert_eq!(fields(&vec!["from"; MAX_SIGNED_FIELDS + 1]), Err(SignError::TooManyFields));
    let outside = SignError::Identity { identity: "example.net".to_owned(), domain: "example.com".to_owned() };
    assert_eq!(signer().with_identity("a", "example.net").map(|_| ()), Err(outside));
    let sign = |message: &str, second: i64| {
        signer().sign(&Message::parse(message.as_bytes()).expect("a message"), time(second))
    };
    assert_eq!(sign("To: x\r\n\r\n", 0), Err(SignError::NotAMessage { fields: 0 }));
    assert_eq!(sign("From: x\r\nFrom: y\r\n\r\n", 0), Err(SignError::NotAMessage { fields: 2 }));
    assert_eq!(sign("From: x\r\n\r\n", -1), Err(SignError::Time));
}

#[test]
fn records() {
    assert!(
        Signer::new(rsa_key(), "example.com", "s").expect("a signer").record().starts_with("v=DKIM1; k=rsa; p=MIGf")
    );
}
