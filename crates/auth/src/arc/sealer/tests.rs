use super::*;
use crate::arc::chain::Cause;
use crate::arc::testing::{MESSAGE, RSA_2048, at, chain_of, check, sealed, sealer};

fn seal_with(sealer: &Sealer, message: &str, results: &str, status: ChainStatus) -> Result<SealedSet, SealError> {
    sealer.seal(&Message::parse(message.as_bytes()).expect("a message"), results, status, at(1_000))
}

/// Why hop 9 adds no set to a message.
fn refused(message: &str, status: ChainStatus) -> SealError {
    seal_with(&sealer(9), message, "mx.example; none", status).expect_err("no set")
}

/// The field without the values of `b=` and `bh=`.
fn outline(field: &str) -> String {
    let unfolded = field.replace(":\r\n ", ":").replace("\r\n ", " ");
    let (_, value) = unfolded.trim_end().split_once(": ").expect("a field");
    let tags = value.split("; ").map(|tag| match tag.split_once('=') {
        Some((name @ ("b" | "bh"), _)) => format!("{name}="),
        _ => tag.to_owned(),
    });
    tags.collect::<Vec<_>>().join("; ")
}

#[test]
fn the_three_fields() {
    let set =
        seal_with(&sealer(1), MESSAGE, " mx.hop1.example; spf=pass\r\n\tsmtp.mailfrom=a.example ", ChainStatus::None);
    let set = set.expect("a set");
    assert_eq!(set.instance, 1);
    let results = "ARC-Authentication-Results: i=1; mx.hop1.example; spf=pass\r\n smtp.mailfrom=a.example\r\n";
    assert_eq!(set.authentication_results, results);
    let signature =
        "i=1; a=ed25519-sha256; c=relaxed/relaxed; d=hop1.example; s=sel; t=1000; h=from:from:subject:date:to; bh=; b=";
    assert_eq!(outline(&set.message_signature), signature);
    assert_eq!(outline(&set.seal), "i=1; a=ed25519-sha256; cv=none; d=hop1.example; s=sel; t=1000; b=");
    assert!(set.header().starts_with("ARC-Seal: "));
    let names: Vec<String> =
        Message::parse(set.header().as_bytes()).expect("fields").fields().map(|f| f.name().to_owned()).collect();
    assert_eq!(names, ["ARC-Seal", "ARC-Message-Signature", "ARC-Authentication-Results"]);
    assert_eq!(
        seal_with(&sealer(1), MESSAGE, "a; none", ChainStatus::None),
        seal_with(&sealer(1), MESSAGE, "a; none", ChainStatus::None)
    );
}

#[test]
fn settings() {
    let simple = Canonicalization { header: Form::Simple, body: Form::Simple };
    let sealer = sealer(1)
        .without_timestamp()
        .with_layout(Layout::Plain)
        .with_canonicalization(simple)
        .with_fields(&["From", "x-none", "from"])
        .expect("names");
    let set = seal_with(&sealer, MESSAGE, "a; none", ChainStatus::None).expect("a set");
    let signature = "a=ed25519-sha256; b=; bh=; c=simple/simple; d=hop1.example; h=from:x-none:from; i=1; s=sel";
    assert_eq!(outline(&set.message_signature), signature);
    assert_eq!(outline(&set.seal), "a=ed25519-sha256; b=; cv=none; d=hop1.example; i=1; s=sel");
    let message = set.header() + MESSAGE;
    assert_eq!(check(&message).status, ChainStatus::Pass);
    assert_eq!(check(&format!("From: x\r\n{message}")).status, ChainStatus::Fail, "a second From is forbidden");
    assert_eq!(check(&message.replace("From: Ann", "From:  Ann")).status, ChainStatus::Fail, "simple");
}

#[test]
fn layouts() {
    let names: Vec<String> = (0..60).map(|number| format!("x-field-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).chain(["from"]).collect();
    for layout in [Layout::Folded, Layout::Plain] {
        let key = SigningKey::from_pem(RSA_2048).expect("a key");
        let zone = crate::testing::Zone::new(&format!("sel._domainkey.rsa.example TXT {}", key.record()));
        let sealer = Sealer::new(key, "rsa.example", "sel").expect("a sealer").with_layout(layout);
        assert!(sealer.record().starts_with("v=DKIM1; k=rsa; p="));
        let sealer = sealer.with_fields(&names).expect("names");
        let set = seal_with(&sealer, MESSAGE, "a; none", ChainStatus::None).expect("a set");
        for field in [&set.message_signature, &set.seal] {
            let lines: Vec<&str> = field.strip_suffix("\r\n").expect("a line end").split("\r\n").collect();
            assert!(lines.iter().all(|line| !line.trim().is_empty()));
            match layout {
                Layout::Folded => assert!(lines.iter().all(|line| line.len() <= 78), "{field}"),
                Layout::Plain => assert!(lines.iter().all(|line| line.contains('=')), "{field}"),
            }
        }
        let chain = crate::arc::testing::check_with(&zone, &(set.header() + MESSAGE), 0);
        assert_eq!(chain.status, ChainStatus::Pass, "{:?}", chain.because());
    }
}

#[test]
fn a_long_name_stays_whole() {
    let name = "x".repeat(100);
    let sealer = sealer(1).with_fields(&["from", &name, "to"]).expect("names");
    let set = seal_with(&sealer, MESSAGE, "a; none", ChainStatus::None).expect("a set");
    assert!(set.message_signature.contains(&format!(" h=from:\r\n {name}:\r\n to;")), "{}", set.message_signature);
    assert_eq!(check(&(set.header() + MESSAGE)).status, ChainStatus::Pass);
}

#[test]
fn recommended_fields() {
    let message =
        format!("DKIM-Signature: a\r\nDKIM-Signature: b\r\nAuthentication-Results: c\r\nReceived: d\r\n{MESSAGE}");
    let set = seal_with(&sealer(1), &message, "a; none", ChainStatus::None).expect("a set");
    assert!(outline(&set.message_signature).contains("; h=from:from:subject:date:to:dkim-signature:dkim-signature; "));
    let many = "DKIM-Signature: a\r\n".repeat(600) + MESSAGE;
    let set = seal_with(&sealer(1), &many, "a; none", ChainStatus::None).expect("a set");
    assert_eq!(check(&(set.header() + &many)).status, ChainStatus::Pass);
}

#[test]
fn what_is_no_sealer() {
    let key = || SigningKey::from_ed25519_seed(&[1; 32]).expect("a key");
    let error = |domain, selector| Sealer::new(key(), domain, selector).expect_err("no sealer");
    assert_eq!(error("example", "sel"), SealError::Domain("example".to_owned()));
    assert_eq!(error("hop1.example", "a b"), SealError::Selector("a b".to_owned()));
    let weak = SigningKey::from_pem(include_str!("../../dkim/testkeys/rsa768.pem")).expect("a key");
    assert_eq!(Sealer::new(weak, "hop1.example", "sel").expect_err("no sealer"), SealError::Weak { bits: 768 });
    let error = |names: &[&str]| sealer(1).with_fields(names).expect_err("no names");
    for name in ["", "a:b", "a;b", "a b", "ü"] {
        assert_eq!(error(&["from", name]), SealError::FieldName(name.to_owned()));
    }
    for name in ["ARC-Seal", "arc-message-signature", "ARC-AUTHENTICATION-RESULTS", "authentication-results"] {
        assert_eq!(error(&[name]), SealError::NotToBeSigned(name.to_owned()));
    }
    assert_eq!(error(&vec!["x"; MAX_SIGNED_FIELDS + 1]), SealError::TooManyFields);
    assert!(sealer(1).with_fields(&vec!["from"; MAX_SIGNED_FIELDS]).is_ok());
    assert_eq!(error(&["to", "subject"]), SealError::FromNotSigned);
}

#[test]
fn the_51st_set_is_refused() {
    let fifty = chain_of(50);
    assert_eq!(check(&fifty).status, ChainStatus::Pass);
    assert_eq!(refused(&fifty, ChainStatus::Pass), SealError::Full);
    assert_eq!(refused(&fifty, ChainStatus::Fail), SealError::Full);
    assert_eq!(refused(&"ARC-Seal: x\r\n".repeat(51), ChainStatus::Fail), SealError::Full);
    assert_eq!(sealed("ARC-Seal: i=49\r\n\r\n", 9, ChainStatus::Fail).matches("i=50").count(), 3);
}

#[test]
fn a_failed_chain_is_not_added_to() {
    let failed = sealed(&chain_of(2), 3, ChainStatus::Fail);
    for status in ChainStatus::ALL {
        assert_eq!(refused(&failed, status), SealError::AlreadyFailed { instance: 3 });
    }
    // A seal that says so further down is for the validator to judge.
    let older = chain_of(2).replace("cv=none", "cv=fail");
    assert!(seal_with(&sealer(9), &older, "a; none", ChainStatus::Fail).is_ok());
}

#[test]
fn a_status_that_cannot_be() {
    assert_eq!(refused(&chain_of(1), ChainStatus::None), SealError::HasChain);
    assert_eq!(refused("ARC-Seal: x\r\n\r\n", ChainStatus::None), SealError::HasChain);
    assert_eq!(refused(MESSAGE, ChainStatus::Pass), SealError::NoChain);
    let broken = refused("ARC-Seal: i=1\r\n\r\n", ChainStatus::Pass);
    let cause = Cause::Missing { kind: FieldKind::AuthenticationResults };
    assert_eq!(broken, SealError::Broken(Failure { instance: Some(1), cause }));
}

#[test]
fn a_failing_seal_covers_its_own_set_alone() {
    let broken = chain_of(2).replace("Hello\r\n", "Help\r\n");
    let whole = sealed(&broken, 3, ChainStatus::Fail);
    let (set, _) = whole.split_at(whole.len() - broken.len());
    // Without the other sets the three fields are the same.
    let alone = Message::parse(whole.as_bytes()).expect("a message");
    let data = |sets: &str| {
        let message = Message::parse(sets.as_bytes()).expect("fields");
        let fields: Vec<HeaderField<'_>> = message.fields().collect();
        let mut data = Vec::new();
        canonical::push_field(Form::Relaxed, fields[2], &mut data);
        canonical::push_field(Form::Relaxed, fields[1], &mut data);
        let tags = mxlab_mail::tag_list::TagList::parse(fields[0].raw_value()).expect("tags");
        let b = tags.tag("b").expect("a signature");
        canonical::push_own_field(Form::Relaxed, fields[0], b.value_span(), &mut data);
        (data, BASE64.decode(b.value().replace("\r\n ", "").as_bytes()).expect("base64"))
    };
    let (data, signature) = data(set);
    let key = SigningKey::from_ed25519_seed(&[3; 32]).expect("a key");
    assert_eq!(key.sign(&data), Ok(signature));
    assert_eq!(alone.fields_named("ARC-Seal").count(), 3);
}

#[test]
fn a_chain_without_order_is_sealed_as_failed() {
    for header in
        ["ARC-Seal: i=7\r\n", "ARC-Seal: i=7\r\nARC-Seal: i=99\r\nARC-Seal: i=7\r\n", "ARC-Message-Signature: i=7\r\n"]
    {
        let message = sealed(&format!("{header}{MESSAGE}"), 9, ChainStatus::Fail);
        assert_eq!(message.matches("i=8;").count(), 3);
        assert_eq!(check(&message).status, ChainStatus::Fail);
    }
    let message = sealed(&format!("ARC-Seal: i=99\r\n{MESSAGE}"), 9, ChainStatus::Fail);
    assert_eq!(message.matches("i=1;").count(), 3);
}

#[test]
fn times_and_lengths() {
    let message = Message::parse(MESSAGE.as_bytes()).expect("a message");
    assert_eq!(sealer(1).seal(&message, "a; none", ChainStatus::None, at(-1)), Err(SealError::Time));
    assert!(sealer(1).without_timestamp().seal(&message, "a; none", ChainStatus::None, at(-1)).is_ok());
    let long = "x".repeat(600 * 1024);
    assert_eq!(seal_with(&sealer(1), MESSAGE, &long, ChainStatus::None), Err(SealError::TooLong));
}
