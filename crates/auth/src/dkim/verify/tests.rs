use mxlab_mail::authres::DkimResult;
use proptest::prelude::*;

use super::*;
use crate::dkim::Signer;
use crate::dkim::crypto::SigningKey;
use crate::dkim::key_query::KeyFailure;
use crate::dkim::signature::SignatureError;
use crate::dkim::testing::{SIGNED, ed25519_key, only, rsa_key, signed, signer, time, verified, verified_with, zone};
use crate::dkim::verification::ResultWord;
use crate::testing::{self, Zone};

const MESSAGE: &str = "From: Ann <ann@example.com>\r\nTo: bob@example.net\r\nSubject: A  day\r\n out\r\n\r\nHello Bob,\r\n\r\n\
                       it  rains. \r\n\r\n";

fn plain() -> String {
    signed(&signer(ed25519_key(), "relaxed/relaxed"), MESSAGE)
}

/// The verification of a message whose text was changed after signing.
fn changed(from: &str, to: &str) -> Verification {
    let message = plain();
    assert!(message.contains(from), "{message}");
    only(verified(message.replacen(from, to, 1).as_bytes()))
}

#[track_caller]
fn check(verification: &Verification, result: ResultWord, microsoft: DkimResult, own_word: bool, because: &[&str]) {
    assert_eq!(verification.because(), because);
    assert_eq!(verification.result(), result);
    let clause = verification.microsoft();
    assert_eq!((clause.clause.result, clause.own_word), (microsoft, own_word));
    assert_eq!(clause.clause.domain, verification.domain);
    assert_eq!(verification.passed(), result == ResultWord::Pass);
}

#[test]
fn unsigned() {
    assert_eq!(verified(MESSAGE.as_bytes()), []);
    assert_eq!(verified(format!("{MESSAGE}DKIM-Signature: v=1\r\n").as_bytes()), []);
}

#[test]
fn signed_by_both_algorithms() {
    for form in ["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"] {
        let message = signed(&signer(rsa_key(), form), &signed(&signer(ed25519_key(), form), MESSAGE));
        let verifications = verified(message.as_bytes());
        assert_eq!(verifications.len(), 2);
        for (number, verification) in verifications.iter().enumerate() {
            assert_eq!((verification.number, &verification.outcome), (number, &Ok(())), "{form}\n{message}");
        }
        // One lookup for both.
        assert_eq!(verifications.iter().map(|verification| verification.lookups.len()).collect::<Vec<_>>(), [1, 0]);
    }
}

#[test]
fn passes() {
    let verification = only(verified(plain().as_bytes()));
    let because = "the signature of example.com with selector sel holds";
    check(&verification, ResultWord::Pass, DkimResult::Pass, true, &[because]);
    assert_eq!(verification.body, Some(BodyCoverage { signed: 25, length: 25 }));
    assert_eq!(verification.from, Some(FromCoverage { signed: 1, fields: 1 }));
    assert!(!verification.testing && !verification.from_the_future);
    assert!(verification.signature.is_some());
}

#[test]
fn changed_header() {
    let verification = changed("A  day", "A night");
    let because = "the signature of example.com with selector sel does not count: signature did not verify: a signed header \
                   field was changed, or another key made the signature";
    check(&verification, ResultWord::Fail, DkimResult::FailSignature, true, &[because]);
}

#[test]
fn changed_body() {
    let verification = changed("it  rains", "it snows");
    let because = "the signature of example.com with selector sel does not count: body hash did not verify: the body was \
                   changed, and the signature over the header holds";
    check(&verification, ResultWord::Fail, DkimResult::FailBodyHash, true, &[because]);
    let message = plain().replace("it  rains", "it snows").replace("A  day", "A night");
    let because = because.replace("header holds", "header does not hold");
    check(&only(verified(message.as_bytes())), ResultWord::Fail, DkimResult::FailBodyHash, true, &[&because]);
}

#[test]
fn malformed() {
    let because = "the signature of example.com with selector sel does not count: the signature is malformed: v=2 is not a known \
                   version";
    check(&changed("v=1", "v=2"), ResultWord::Neutral, DkimResult::FailSignature, false, &[because]);
    let because = "the signature of an unknown domain does not count: the signature is malformed: v= twice";
    check(&changed("v=1;", "v=1; v=1;"), ResultWord::Neutral, DkimResult::FailSignature, false, &[because]);
    let because = "the signature of example.com with selector sel does not count: the signature is malformed: h= does not \
                   list From";
    let verification = changed("h=from:from:", "h=x:");
    check(&verification, ResultWord::PermError, DkimResult::FailSignature, false, &[because]);
}

#[test]
fn sha1() {
    let because = "the signature of example.com with selector sel does not count: the signature is made with SHA-1";
    let verification = changed("a=ed25519-sha256", "a=rsa-sha1");
    check(&verification, ResultWord::PermError, DkimResult::FailSignature, false, &[because]);
    assert!(verification.lookups.is_empty());
}

#[test]
fn keys() {
    let message = plain();
    let with = |records: &str| only(verified_with(&Zone::new(records), message.as_bytes(), SIGNED, &Policy::default()));
    let name = "sel._domainkey.example.com";
    let because = |why: &str| format!("the signature of example.com with selector sel does not count: {why}");

    let missing = because(&format!("no key for signature: {name} has no key record"));
    check(&with(""), ResultWord::PermError, DkimResult::FailNoKey, true, &[&missing]);
    let timeout = because(&format!("key query timeout: no answer for {name}"));
    check(&with(&format!("{name} TIMEOUT")), ResultWord::TempError, DkimResult::Timeout, true, &[&timeout]);
    let revoked = because(&format!("the key at {name} is revoked"));
    check(&with(&format!("{name} TXT p=")), ResultWord::PermError, DkimResult::FailNoKey, false, &[&revoked]);
    let broken = because(&format!("the key record at {name} is broken: p= is missing"));
    check(&with(&format!("{name} TXT k=x")), ResultWord::PermError, DkimResult::FailNoKey, false, &[&broken]);
    let other =
        because(&format!("the key at {name} is unsuitable: the key is of type rsa, but ed25519-sha256 needs ed25519"));
    let rsa = format!("{name} TXT {}", rsa_key().record());
    check(&with(&rsa), ResultWord::PermError, DkimResult::FailSignature, false, &[&other]);

    let stranger = SigningKey::from_ed25519_seed(&[8; 32]).expect("a key").record();
    assert_eq!(with(&format!("{name} TXT {stranger}")).outcome, Err(Failure::Signature));
    // One of several suffices.
    let both = format!("{name} TXT {stranger}\n{name} TXT {}\n{name} TXT p=", ed25519_key().record());
    assert_eq!(with(&both).outcome, Ok(()));
}

#[test]
fn temporary_failure() {
    struct Broken;
    impl Dns for Broken {
        fn lookup<'a>(
            &'a self,
            _: &'a str,
            _: crate::RecordKind,
        ) -> crate::dns::BoxFuture<'a, Result<Vec<crate::Data>, crate::DnsError>> {
            Box::pin(async { Err(crate::DnsError::Temporary { reason: "SERVFAIL".to_owned() }) })
        }
    }
    let text = plain();
    let message = Message::parse(text.as_bytes()).expect("a message");
    let verification = only(testing::now(verify(&Broken, &message, time(SIGNED), &Policy::default())));
    let because = "the signature of example.com with selector sel does not count: the key at sel._domainkey.example.com cannot \
                   be looked up: SERVFAIL";
    check(&verification, ResultWord::TempError, DkimResult::TempError, true, &[because]);
}

#[test]
fn weak_keys() {
    let message = signed(&signer(rsa_key(), "simple/simple"), MESSAGE);
    let weak = |minimum_rsa_bits| {
        let policy = Policy { minimum_rsa_bits, ..Policy::default() };
        only(verified_with(&zone(), message.as_bytes(), SIGNED, &policy)).outcome
    };
    assert_eq!(weak(1_024), Ok(()));
    // RFC 8301 has no shorter keys.
    assert_eq!(weak(0), Ok(()));
    assert!(matches!(weak(2_048), Err(Failure::Key(KeyFailure::Weak { bits: 1_024, minimum: 2_048, .. }))));
    let short = format!("sel._domainkey.example.com TXT p={}", include_str!("../testkeys/rsa512.pub"));
    let policy = Policy { minimum_rsa_bits: 0, ..Policy::default() };
    let verification = only(verified_with(&Zone::new(&short), message.as_bytes(), SIGNED, &policy));
    assert!(matches!(verification.outcome, Err(Failure::Key(KeyFailure::Weak { bits: 512, minimum: 1_024, .. }))));
    assert_eq!(verification.result(), ResultWord::PermError);
}

#[test]
fn times() {
    let text = signed(&signer(ed25519_key(), "relaxed/relaxed").with_lifetime(100), MESSAGE);
    let at = |second: i64, policy: Policy| only(verified_with(&zone(), text.as_bytes(), second, &policy));
    let refusing = Policy { refuse_future: true, ..Policy::default() };
    let skewed = Policy { clock_skew: 5, ..refusing };
    for policy in [Policy::default(), refusing, skewed] {
        for second in [SIGNED, SIGNED + 100] {
            assert_eq!(at(second, policy).outcome, Ok(()));
        }
    }
    let expired = |now: i64| Err(Failure::Expired { expiration: 1_000_100, now });
    assert_eq!(at(SIGNED + 101, Policy::default()).outcome, expired(1_000_101));
    assert_eq!(at(SIGNED + 105, skewed).outcome, Ok(()));
    assert_eq!(at(SIGNED + 106, skewed).outcome, expired(1_000_106));
    let future = at(SIGNED - 1, Policy::default());
    let because = ["the signature of example.com with selector sel holds", "it is dated in the future (t=)"];
    check(&future, ResultWord::Pass, DkimResult::Pass, true, &because);
    assert_eq!(at(SIGNED - 1, refusing).outcome, Err(Failure::NotYet { timestamp: 1_000_000, now: 999_999 }));
    assert_eq!(at(SIGNED - 5, skewed).outcome, Ok(()));
    assert_eq!(at(SIGNED - 6, skewed).outcome, Err(Failure::NotYet { timestamp: 1_000_000, now: 999_994 }));
    // Before 1970, and at the ends of time.
    assert_eq!(at(-5, Policy::default()).outcome, Ok(()));
    assert!(at(i64::from(i32::MIN), refusing).outcome.is_err());
}

#[test]
fn body_lengths() {
    let text = signed(&signer(rsa_key(), "relaxed/simple").with_body_length(), MESSAGE);
    assert!(text.contains("l=27;"), "{text}");
    assert_eq!(only(verified(text.as_bytes())).outcome, Ok(()));
    let longer = format!("{text}Buy!\r\n");
    let verification = only(verified(longer.as_bytes()));
    assert_eq!(verification.body, Some(BodyCoverage { signed: 27, length: 35 }));
    let because = [
        "the signature of example.com with selector sel holds",
        "it covers the first 27 of 35 octets of the body (l=)",
    ];
    check(&verification, ResultWord::Pass, DkimResult::Pass, true, &because);
    let whole = Policy { whole_body: true, ..Policy::default() };
    let refused = only(verified_with(&zone(), longer.as_bytes(), SIGNED, &whole));
    assert_eq!(refused.outcome, Err(Failure::PartialBody { unsigned: 8, length: 35 }));
    assert_eq!((refused.result(), refused.microsoft().own_word), (ResultWord::Policy, false));
    assert_eq!(only(verified_with(&zone(), text.as_bytes(), SIGNED, &whole)).outcome, Ok(()));
    let shorter = only(verified(text.replace("it  rains. \r\n\r\n", "").as_bytes()));
    assert_eq!(shorter.outcome, Err(Failure::BodyTooShort { signed: 27, length: 12 }));
    assert_eq!(shorter.microsoft().clause.result, DkimResult::FailBodyHash);
}

#[test]
fn from_fields() {
    let message = plain();
    // The default list forbids a second From: the signature breaks.
    let second = format!("From: eve@example.org\r\n{message}");
    assert_eq!(only(verified(second.as_bytes())).outcome, Err(Failure::Signature));
    let signer = signer(ed25519_key(), "relaxed/relaxed").with_fields(&["From", "Subject"]).expect("a list");
    let message = signed(&signer, MESSAGE);
    let second = format!("From: eve@example.org\r\n{message}");
    let verification = only(verified(second.as_bytes()));
    assert_eq!(verification.outcome, Err(Failure::UnsignedFrom { fields: 2, signed: 1 }));
    let because = [
        "the signature of example.com with selector sel does not count: the message has 2 From fields, 1 of them signed",
        "it covers 1 of 2 From fields",
    ];
    check(&verification, ResultWord::Policy, DkimResult::FailSignature, false, &because);
    let lenient = Policy { every_from: false, ..Policy::default() };
    assert_eq!(only(verified_with(&zone(), second.as_bytes(), SIGNED, &lenient)).outcome, Ok(()));
    // A field added below the signed one is taken for the signed one.
    let below = message.replace("To: bob", "From: eve@example.org\r\nTo: bob");
    assert_eq!(only(verified(below.as_bytes())).outcome, Err(Failure::Signature));
}

#[test]
fn no_from() {
    // A signature over a From field that is not there.
    let message = "To: bob@example.net\r\n\r\nHello\r\n";
    let text = signed(&signer(ed25519_key(), "relaxed/relaxed").with_fields(&["from"]).expect("a list"), MESSAGE);
    let field = text.split("From:").next().expect("a field");
    let verification = only(verified(format!("{field}{message}").as_bytes()));
    assert!(!verification.passed());
    assert_eq!(verification.from, Some(FromCoverage { signed: 0, fields: 0 }));
}

#[test]
fn subdomains_and_testing() {
    let with_flags = |flags: &str| {
        let record = ed25519_key().record();
        Zone::new(&format!("sel._domainkey.example.com TXT {record}; t={flags}"))
    };
    let signer =
        signer(ed25519_key(), "relaxed/relaxed").with_identity("ann", "news.example.com").expect("an identity");
    let message = signed(&signer, MESSAGE);
    let with = |flags: &str| only(verified_with(&with_flags(flags), message.as_bytes(), SIGNED, &Policy::default()));
    assert_eq!(with("x").outcome, Ok(()));
    assert!(matches!(with("s").outcome, Err(Failure::Key(KeyFailure::Unsuitable { .. }))));
    let testing = with("y");
    assert_eq!(testing.outcome, Ok(()));
    let because = [
        "the signature of example.com with selector sel holds",
        "example.com tests DKIM (t=y): the message is to be treated as unsigned",
    ];
    check(&testing, ResultWord::Pass, DkimResult::Pass, true, &because);
    let broken = message.replace("A  day", "A night");
    let broken = only(verified_with(&with_flags("y"), broken.as_bytes(), SIGNED, &Policy::default()));
    assert!(broken.testing && !broken.passed());
}

#[test]
fn signatures_over_signatures() {
    let inner = plain();
    let outer = signer(rsa_key(), "simple/simple").with_fields(&["from", "dkim-signature", "dkim-signature"]);
    let message = signed(&outer.expect("a list"), &inner);
    let outcomes =
        |message: &str| -> Vec<bool> { verified(message.as_bytes()).iter().map(Verification::passed).collect() };
    assert_eq!(outcomes(&message), [true, true]);
    // The inner signature is covered by the outer one.
    let changed = message.replacen("c=relaxed/relaxed", "c=relaxed/simple", 1);
    assert_eq!(outcomes(&changed), [false, false]);
}

#[test]
fn internationalized_names() {
    let signer = Signer::new(ed25519_key(), "bücher.example", "ключ").expect("a signer");
    let signer = signer.with_identity("jörg", "xn--bcher-kva.example").expect("within");
    let message = signed(&signer, MESSAGE);
    assert!(message.contains("i=j=C3=B6rg@xn--bcher-kva.example;"), "{message}");
    let zone = Zone::new(&format!("xn--j1ac0b1a._domainkey.xn--bcher-kva.example TXT {}", ed25519_key().record()));
    let verification = only(verified_with(&zone, message.as_bytes(), SIGNED, &Policy::default()));
    assert_eq!(verification.outcome, Ok(()));
    assert_eq!(verification.domain.as_deref(), Some("bücher.example"));
    assert_eq!(verification.signature.map(|signature| signature.identity.local_part).as_deref(), Some("jörg"));
}

#[test]
fn bounded_signatures() {
    let good = plain();
    let field = good.split("From:").next().expect("a field");
    let text = format!("{}{good}", field.repeat(1_500));
    let verifications = verified(text.as_bytes());
    assert_eq!(verifications.len(), 1_501);
    let passed = verifications.iter().take_while(|verification| verification.passed()).count();
    assert_eq!(passed, 10);
    for verification in &verifications[10..] {
        assert_eq!(verification.outcome, Err(Failure::NotChecked { limit: 10 }));
        assert_eq!(verification.domain.as_deref(), Some("example.com"));
    }
    let because =
        "the signature of example.com with selector sel does not count: not checked: only the first 10 signatures are";
    check(&verifications[10], ResultWord::Neutral, DkimResult::FailSignature, false, &[because]);
    // Ten thousand fields are more than the reader of messages accepts.
    let text = format!("{}{good}", field.repeat(10_000));
    assert!(Message::parse(text.as_bytes()).is_err());
}

#[test]
fn hostile_fields() {
    let check = |value: &[u8], expected: &str| {
        let message = [b"DKIM-Signature:", value, b"\r\nFrom: a@example.com\r\n\r\n"].concat();
        let verification = only(verified(&message));
        let Err(Failure::Malformed(error)) = verification.outcome else { panic!("{verification:?}") };
        assert_eq!(error.to_string(), expected);
    };
    check(b"", "the tag list has an empty tag");
    check(&[b'x'; 500_000], "the tag list is longer than 16384 octets");
    check(&b";".repeat(16_000), "the tag list has an empty tag");
    check(&b"a=;".repeat(5_000), "a= twice");
    check(b"v=1; a=\xff", "octet 0xff at offset 7 of the tag list");
    check(b"v=1; a=\0", "octet 0x00 at offset 7 of the tag list");
    let names = format!("v=1; a=rsa-sha256; b=AAAA; bh=AAAA; d=a.example; s=s; h={}", vec!["a"; 5_000].join(":"));
    check(names.as_bytes(), &SignatureError::TooManyFields.to_string());
    // A field of a megabyte is too long for the reader of messages.
    let message = [b"DKIM-Signature: ", &[b'x'; 1 << 20][..], b"\r\n\r\n"].concat();
    assert!(Message::parse(&message).is_err());
}

#[test]
fn hostile_keys() {
    let message = plain();
    let with = |texts: &[&[u8]]| {
        struct Texts(Vec<Vec<u8>>);
        impl Dns for Texts {
            fn lookup<'a>(
                &'a self,
                _: &'a str,
                _: crate::RecordKind,
            ) -> crate::dns::BoxFuture<'a, Result<Vec<crate::Data>, crate::DnsError>> {
                let texts = self.0.iter().map(|text| crate::Data::Txt(text.clone())).collect();
                Box::pin(async { Ok(texts) })
            }
        }
        let texts = Texts(texts.iter().map(|text| text.to_vec()).collect());
        let message = Message::parse(message.as_bytes()).expect("a message");
        only(testing::now(verify(&texts, &message, time(SIGNED), &Policy::default()))).outcome
    };
    let malformed = |outcome: &Result<(), Failure>| {
        assert!(matches!(outcome, Err(Failure::Key(KeyFailure::Malformed { .. }))), "{outcome:?}");
    };
    malformed(&with(&[b""]));
    malformed(&with(&[b"\0"]));
    malformed(&with(&[&[0xff; 65_535]]));
    malformed(&with(&[b"k=ed25519; p=AAAA"]));
    malformed(&with(&[b"k=ed25519; p=\0\0\0\0"]));
    let good = ed25519_key().record();
    assert_eq!(with(&[b"", b"\0", good.as_bytes(), &[0xff; 65_535]]), Ok(()));
}

#[test]
fn futures_can_be_sent() {
    fn sent<T: Send>(future: T) -> T {
        future
    }
    let zone = zone();
    let message = Message::parse(b"From: a@example.com\r\n\r\n").expect("a message");
    assert!(testing::now(sent(verify(&zone, &message, time(0), &Policy::default()))).is_empty());
}

/// A signer of each algorithm and pair of forms.
fn any_signer() -> impl Strategy<Value = Signer> {
    let forms = prop::sample::select(vec!["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"]);
    (any::<bool>(), forms).prop_map(|(rsa, form)| signer(if rsa { rsa_key() } else { ed25519_key() }, form))
}

const FIELDS: &str = "(X-[A-C]: [a-c \\t]{0,5}(\r\n [a-c]{0,5})?\r\n){0,4}";
const BODY: &str = "([a-c \\t]{0,6}(\r\n)?){0,6}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Every signed message passes, whatever it looks like.
    #[test]
    fn signed_passes(signer in any_signer(), above in FIELDS, below in FIELDS, body in BODY) {
        let message = format!("{above}From: a@example.com\r\n{below}\r\n{body}");
        let text = signed(&signer.with_fields(&["from", "x-a", "x-a", "x-b", "x-d"]).expect("a list"), &message);
        prop_assert_eq!(only(verified(text.as_bytes())).outcome, Ok(()));
        prop_assert!(text.lines().all(|line| line.len() <= 78));
    }

    /// Changing any octet that a simple signature covers breaks it.
    #[test]
    fn changed_fails(rsa: bool, body in "[a-c]{1,6}(\r\n[a-c]{1,6}){0,3}\r\n", at: prop::sample::Index, bit in 0u8..7) {
        let signer = signer(if rsa { rsa_key() } else { ed25519_key() }, "simple/simple");
        let message = format!("From: a@example.com\r\nX-A: b\r\n\r\n{body}");
        let signer = signer.with_fields(&["from", "from", "x-a", "x-a"]).expect("a list");
        let text = signed(&signer, &message);
        // All except the signature itself, which may be folded and padded in several ways.
        let (begin, end) = (text.find(" b=").expect("a signature") + 3, text.find("From:").expect("the message"));
        let covered: Vec<usize> = (0..text.len()).filter(|at| !(begin..end).contains(at)).collect();
        let mut octets = text.into_bytes();
        octets[*at.get(&covered)] ^= 1 << bit;
        // The header may have ended early, or there may be none; no signature holds.
        let verifications = match Message::parse(&octets) {
            Ok(_) => verified(&octets),
            Err(_) => Vec::new(),
        };
        prop_assert!(verifications.iter().all(|verification| !verification.passed()), "{:?}", String::from_utf8_lossy(&octets));
    }

    /// A relaxed signature survives the changes that the form allows: more blanks, folds, the case of names.
    #[test]
    fn relaxed_survives(rsa: bool, words in prop::collection::vec("[a-c]{1,4}", 1..4), blank in "(\r\n)?[ \\t]{1,3}", trail in "[ \\t]{0,3}") {
        let signer = signer(if rsa { rsa_key() } else { ed25519_key() }, "relaxed/relaxed");
        let message = format!("From: a@example.com\r\nX-A: {}\r\n\r\n{}\r\n", words.join(" "), words.join(" "));
        let text = signed(&signer.with_fields(&["from", "x-a"]).expect("a list"), &message);
        let (header, _) = text.split_once("X-A").expect("the field");
        let inside = blank.trim_start_matches("\r\n");
        let body = format!("{}{trail}\r\n{trail}\r\n\r\n", words.join(inside));
        let changed = format!("{header}x-a:{blank}{}{trail}\r\n\r\n{body}", words.join(&blank));
        prop_assert_eq!(only(verified(changed.as_bytes())).outcome, Ok(()));
    }
}
