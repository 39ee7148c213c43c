use proptest::prelude::*;

use super::*;
use crate::arc::fields::{FieldKind, MAX_INSTANCE};
use crate::arc::testing::{MESSAGE, chain_of, check, check_with, sealed, signed_by_hand, zone, zone_without};
use crate::dkim::canonical::Form;
use crate::dkim::key_query::KeyFailure;
use crate::dkim::signature::SignatureError;
use crate::testing::Zone;

const AMS: &str = "a=ed25519-sha256; c=relaxed/relaxed; d=hop1.example; s=sel; h=from:subject";
const AS: &str = "a=ed25519-sha256; cv=none; d=hop1.example; s=sel";

/// `b=` is not a signature of the key.
const WRONG: SignatureFailure = SignatureFailure::Dkim(dkim::Failure::Signature);

/// Checks that the chain fails at a set for a reason.
#[track_caller]
fn fails(message: &str, instance: u8, cause: Cause) -> Chain {
    let chain = check(message);
    assert_eq!(chain.status, ChainStatus::Fail);
    assert_eq!(chain.failure, Some(Failure { instance: Some(instance), cause }));
    chain
}

/// The message without the fields of a kind and a set.
fn without(message: &str, kind: FieldKind, instance: u8) -> String {
    let parsed = Message::parse(message.as_bytes()).expect("a message");
    let gone = |field: &mxlab_mail::HeaderField<'_>| {
        field.is(kind.name())
            && ArcFields::find(&FieldIndex::new(&parsed)).sets().is_ok_and(|sets| {
                sets.iter()
                    .any(|set| set.instance == instance && set.fields.iter().any(|of| of.field.raw() == field.raw()))
            })
    };
    let kept =
        parsed.fields().filter(|field| !gone(field)).map(|field| String::from_utf8_lossy(field.raw()).into_owned());
    kept.collect::<String>() + "\r\n" + &String::from_utf8_lossy(parsed.body())
}

#[test]
fn no_chain() {
    for message in ["", "\r\nbody", MESSAGE] {
        let chain = check(message);
        assert_eq!(chain, Chain { status: ChainStatus::None, failure: None, oldest_pass: None, sets: Vec::new() });
        assert_eq!(chain.because(), ["the message has no ARC sets"]);
    }
}

#[test]
fn chains_that_pass() {
    for hops in [1, 2, 3, 50] {
        let chain = check(&chain_of(hops));
        assert_eq!((chain.status, &chain.failure, chain.oldest_pass), (ChainStatus::Pass, &None, Some(0)));
        assert_eq!(chain.sets.len(), usize::from(hops));
        for (set, instance) in chain.sets.iter().zip(1..) {
            assert_eq!(
                (set.instance, set.message_signature_check.holds(), set.seal_check.holds()),
                (instance, true, true)
            );
            assert_eq!(set.authentication_results, format!("mx.hop{instance}.example; spf=pass"));
            assert_eq!(set.seal.as_ref().map(|seal| seal.chain_status), Some(ChainStatus::expected_at(instance)));
            let names: Vec<&str> = set.lookups.iter().map(|lookup| lookup.name.as_str()).collect();
            assert_eq!(names, [format!("sel._domainkey.hop{instance}.example")], "one lookup for AMS and AS");
        }
        assert_eq!(chain.newest().map(|set| set.instance), Some(hops));
        assert_eq!(chain.lookups().count(), usize::from(hops));
    }
    let reasons = [
        "all seals hold: i=1 hop1.example, i=2 hop2.example",
        "the message signature of set 2 holds",
        "all message signatures hold: no sealer changed the message",
    ];
    assert_eq!(check(&chain_of(2)).because(), reasons);
}

#[test]
fn fields_may_stand_anywhere() {
    let message = chain_of(3);
    let (header, body) = message.split_once("\r\n\r\n").expect("a body");
    let parsed = Message::parse(message.as_bytes()).expect("a message");
    let fields: Vec<&[u8]> = parsed.fields().map(|field| field.raw()).collect();
    let turned: Vec<u8> = fields.iter().rev().copied().flatten().copied().collect();
    let turned = String::from_utf8(turned).expect("text") + "\r\n" + body;
    assert_ne!(header, turned);
    assert_eq!(check(&turned).status, ChainStatus::Pass);
    assert_eq!(check(&message.replace("ARC-Seal:", "arc-SEAL :")).status, ChainStatus::Pass);
}

#[test]
fn changes_before_sealing_break_older_message_signatures() {
    let message = sealed(&(chain_of(2) + "-- \r\nthe list\r\n"), 3, ChainStatus::Pass);
    let message = sealed(&message, 4, ChainStatus::Pass);
    let chain = check(&message);
    assert_eq!((chain.status, chain.oldest_pass), (ChainStatus::Pass, Some(3)));
    let checks: Vec<bool> = chain.sets.iter().map(|set| set.message_signature_check.holds()).collect();
    assert_eq!(checks, [false, false, true, true]);
    assert_eq!(chain.sets[0].message_signature_check, Check::NotChecked, "the first failure ends the search");
    let Check::Fails(SignatureFailure::Dkim(dkim::Failure::BodyHash { signature_holds: true, .. })) =
        &chain.sets[1].message_signature_check
    else {
        panic!("{:?}", chain.sets[1])
    };
    let last = chain.because().pop().expect("a reason");
    let expected = "oldest-pass is 3: the message signature of set 2 does not hold: body hash did not verify: the body was \
                    changed, and the signature over the header holds";
    assert_eq!(last, expected);

    let parsed = Message::parse(message.as_bytes()).expect("a message");
    let policy = Policy { oldest_pass: false, ..Policy::default() };
    let zone = zone();
    let chain = crate::testing::now(validate(&zone, &parsed, Timestamp::UNIX_EPOCH, &policy));
    assert_eq!((chain.status, chain.oldest_pass), (ChainStatus::Pass, None));
    assert_eq!(chain.sets[2].message_signature_check, Check::NotChecked);
}

#[test]
fn a_changed_message() {
    let message = chain_of(2);
    let chain = check(&message.replace("how are", "who are"));
    let Some(Failure { instance: Some(2), cause: Cause::MessageSignature(failure) }) = &chain.failure else {
        panic!("{chain:?}")
    };
    assert!(
        matches!(failure, SignatureFailure::Dkim(dkim::Failure::BodyHash { signature_holds: true, .. })),
        "{failure:?}"
    );
    assert_eq!(chain.oldest_pass, None);
    assert_eq!(chain.sets[1].message_signature_check, Check::Fails(failure.clone()));
    assert_eq!(chain.sets[1].seal_check, Check::NotChecked);
    assert_eq!(chain.sets[0].message_signature_check, Check::NotChecked);
    assert!(chain.because()[0].starts_with("set 2: the message signature does not hold: body hash"));
    assert!(chain.because()[0].ends_with("(sealed by hop2.example)"), "{:?}", chain.because());

    let both = check(&message.replace("how are", "who are").replace("Hello\r\n", "Help\r\n"));
    let Some(Failure { cause: Cause::MessageSignature(failure), .. }) = both.failure else { panic!("no failure") };
    assert!(
        matches!(failure, SignatureFailure::Dkim(dkim::Failure::BodyHash { signature_holds: false, .. })),
        "{failure:?}"
    );

    fails(&message.replace("Hello\r\n", "Help\r\n"), 2, Cause::MessageSignature(WRONG));
    assert_eq!(check(&format!("Received: x\r\n{message}")).status, ChainStatus::Pass, "not covered");
}

#[test]
fn changed_sets_fail_at_the_newest_seal() {
    let message = chain_of(3);
    for hop in 1..=3 {
        let chain = fails(
            &message.replace(&format!("mx.hop{hop}.example; spf=pass"), &format!("mx.hop{hop}.example; spf=fail")),
            3,
            Cause::Seal(WRONG),
        );
        assert_eq!(chain.oldest_pass, Some(0), "message signatures do not cover results");
        assert_eq!(chain.sets[2].seal_check, Check::Fails(WRONG));
        assert_eq!(chain.sets[1].seal_check, Check::NotChecked);
    }
}

#[test]
fn a_seal_that_was_wrong_before() {
    // Set 1 was changed after set 2 sealed it; set 3 seals the change.
    let two = chain_of(2).replace("mx.hop1.example", "mx.hop0.example");
    let chain = fails(&sealed(&two, 3, ChainStatus::Pass), 2, Cause::Seal(WRONG));
    assert!(chain.sets[2].seal_check.holds());
    assert_eq!(chain.sets[0].seal_check, Check::NotChecked);
    let one = chain_of(1).replace("mx.hop1.example", "mx.hop0.example");
    fails(&sealed(&one, 2, ChainStatus::Pass), 1, Cause::Seal(WRONG));
}

#[test]
fn structure() {
    let message = chain_of(3);
    for kind in FieldKind::ALL {
        for instance in 1..=2 {
            fails(&without(&message, kind, instance), instance, Cause::Missing { kind });
        }
        let parsed = Message::parse(message.as_bytes()).expect("a message");
        for (field, instance) in parsed.fields_named(kind.name()).zip([3, 2, 1]) {
            let twice = String::from_utf8_lossy(field.raw()).into_owned() + &message;
            fails(&twice, instance, Cause::Repeated { kind, count: 2 });
        }
    }
    fails(&without(&message, FieldKind::Seal, 3), 3, Cause::Missing { kind: FieldKind::Seal });
    let gap = FieldKind::ALL
        .into_iter()
        .fold(message.clone(), |message, kind| message.replace(&format!("{kind}: i=2"), &format!("{kind}: i=4")));
    let chain = fails(&gap, 2, Cause::NoSet);
    assert!(chain.sets.is_empty());
    assert_eq!(chain.because(), ["set 2: this set is missing, but there is a later one"]);
    fails("ARC-Seal: i=50\r\n\r\n", 1, Cause::NoSet);
    fails("ARC-Seal: i=1\r\n\r\n", 1, Cause::Missing { kind: FieldKind::AuthenticationResults });
}

#[test]
fn fields_without_a_place() {
    #[track_caller]
    fn check_unplaced(header: &str, expected: FieldKind, at: usize, why: &str) {
        let chain = check(&format!("{header}{}", chain_of(1)));
        let Some(Failure { instance: None, cause: Cause::Unplaced { kind, number, error } }) = chain.failure else {
            panic!("{chain:?}")
        };
        assert_eq!((kind, number, error.to_string().as_str()), (expected, at, why));
    }
    use FieldKind::{AuthenticationResults, MessageSignature, Seal};
    check_unplaced("ARC-Seal: a=b\r\n", Seal, 1, "i= is missing");
    check_unplaced("ARC-Seal: i=0\r\n", Seal, 1, "i=0 is not an instance from 1 to 50");
    check_unplaced("ARC-Message-Signature: i=51\r\n", MessageSignature, 1, "i=51 is not an instance from 1 to 50");
    check_unplaced("ARC-Message-Signature: i=1; i=2\r\n", MessageSignature, 1, "i= twice");
    check_unplaced("ARC-Authentication-Results: a; i=1\r\n", AuthenticationResults, 1, "i= is missing");
    check_unplaced("ARC-Seal: i=1\r\nARC-Seal: i=x\r\nARC-Seal:\r\n", Seal, 2, "i=x is not an instance from 1 to 50");
    let both = "ARC-Seal: i=0\r\nARC-Authentication-Results: i=1\r\n";
    check_unplaced(both, AuthenticationResults, 1, "no semicolon after i=");
    check_unplaced(
        &format!("ARC-Seal: {}\r\n", "x".repeat(300_000)),
        Seal,
        1,
        "the tag list is longer than 16384 octets",
    );
}

#[test]
fn the_status_in_seals() {
    for (instance, found) in
        [(1, ChainStatus::Pass), (2, ChainStatus::None), (1, ChainStatus::Fail), (2, ChainStatus::Fail)]
    {
        let cv = |status: ChainStatus| format!("cv={status}");
        let old = format!("i={instance}; a=ed25519-sha256; {}", cv(ChainStatus::expected_at(instance)));
        let message = chain_of(3);
        let changed = message.replace(&old, &format!("i={instance}; a=ed25519-sha256; {}", cv(found)));
        assert_ne!(message, changed);
        let chain = fails(&changed, instance, Cause::ChainStatus { instance, found });
        assert_eq!((chain.sets.len(), chain.lookups().count()), (3, 0), "nothing was looked up");
    }
    let domain = Some("hop3.example".to_owned());
    let reported = sealed(&chain_of(2), 3, ChainStatus::Fail);
    let chain = fails(&reported, 3, Cause::Reported { domain });
    assert_eq!(chain.because(), ["set 3: the newest seal, of hop3.example, says cv=fail"]);
}

#[test]
fn malformed_signatures() {
    let malformed = |tag| SignatureFailure::Malformed(SignatureError::Missing { tag }.into());
    let three =
        sealed(&chain_of(2).replace("i=1; a=ed25519-sha256; cv=", "i=1; a=ed25519-sha256; xv="), 3, ChainStatus::Pass);
    let chain = fails(&three, 1, Cause::Seal(malformed("cv")));
    assert_eq!(chain.sets[0].seal, None);

    let newest = chain_of(2).replace("i=2; a=ed25519-sha256; c=", "i=2; x=ed25519-sha256; c=");
    let chain = fails(&newest, 2, Cause::MessageSignature(malformed("a")));
    assert_eq!(chain.sets[1].message_signature, None);

    // An older one affects only oldest-pass.
    let older = chain_of(1).replace("i=1; a=ed25519-sha256; c=", "i=1; x=ed25519-sha256; c=");
    let one = sealed(&older, 2, ChainStatus::Pass);
    let chain = fails(&one, 1, Cause::Seal(WRONG));
    assert_eq!(chain.oldest_pass, Some(2));
    let by_hand = signed_by_hand(MESSAGE, 1, &AMS.replace("s=sel", "s=-"), AS);
    let chain = check(&sealed(&by_hand, 2, ChainStatus::Pass));
    assert_eq!((chain.status, chain.oldest_pass), (ChainStatus::Pass, Some(2)));
}

#[test]
fn signed_by_hand_passes() {
    let chain = check(&signed_by_hand(MESSAGE, 1, AMS, AS));
    assert_eq!((chain.status, chain.oldest_pass), (ChainStatus::Pass, Some(0)), "{:?}", chain.because());
}

#[test]
fn signatures_that_do_not_count() {
    let signature = |tags: &str, failure: SignatureFailure| {
        fails(&signed_by_hand(MESSAGE, 1, tags, AS), 1, Cause::MessageSignature(failure))
    };
    signature(&AMS.replace("ed25519-sha256", "rsa-sha1"), SignatureFailure::Dkim(dkim::Failure::Sha1));
    let length = canonical::BodyHasher::hash(Form::Relaxed, None, b"Hello Bob,\r\nhow are you?\r\n").length;
    let longer = format!("{AMS}; l={}", length + 1);
    signature(&longer, SignatureFailure::Dkim(dkim::Failure::BodyTooShort { signed: length + 1, length }));
    let expired = SignatureFailure::Dkim(dkim::Failure::Expired { expiration: 1_999, now: 2_000 });
    assert_eq!(expired.to_string(), "the signature expired at 1970-01-01T00:33:19Z");
    signature(&format!("{AMS}; x=1999"), expired);
    for held in [format!("{AMS}; x=2000"), format!("{AMS}; l={length}"), format!("{AMS}; l=5; t=9999")] {
        assert_eq!(check(&signed_by_hand(MESSAGE, 1, &held, AS)).status, ChainStatus::Pass, "{held}");
    }
    let seal = AS.replace("ed25519-sha256", "rsa-sha1");
    fails(&signed_by_hand(MESSAGE, 1, AMS, &seal), 1, Cause::Seal(SignatureFailure::Dkim(dkim::Failure::Sha1)));
}

/// Without `c=` a message signature is `simple/simple` (RFC 6376 §3.5): it holds as long as nobody touches a blank.
#[test]
fn without_c_a_message_signature_is_simple() {
    let ams = AMS.replace(" c=relaxed/relaxed;", "");
    let by_hand = signed_by_hand(MESSAGE, 1, &ams, AS);
    assert_eq!(check(&by_hand).status, ChainStatus::Pass);
    let blanks = by_hand.replace("Subject: Hello", "Subject:  Hello");
    fails(&blanks, 1, Cause::MessageSignature(WRONG));
    // A signer who meant the relaxed form and did not say so.
    let relaxed = signed_by_hand(MESSAGE, 1, AMS, AS).replace(" c=relaxed/relaxed;", "");
    fails(&relaxed, 1, Cause::MessageSignature(WRONG));
}

/// A set that does not cover the author vouches for nothing, whether or not the author was replaced.
#[test]
fn a_set_covers_every_from() {
    let unsigned = signed_by_hand(MESSAGE, 1, &AMS.replace("h=from:subject", "h=subject:to"), AS);
    let replaced = unsigned.replace("From: Ann <ann@contoso.example>", "From: CEO <ceo@victim.example>");
    for message in [&unsigned, &replaced] {
        let cause = SignatureFailure::Malformed(FieldError::Tags(SignatureError::FromNotSigned));
        let chain = fails(message, 1, Cause::MessageSignature(cause));
        assert_eq!(
            chain.because(),
            ["set 1: the message signature does not hold: malformed: h= does not list From (sealed by hop1.example)"]
        );
    }
    // A second author on top, which the signature over the last one does not see.
    let two = signed_by_hand(MESSAGE, 1, AMS, AS);
    let two = two.replacen("From: Ann", "From: CEO <ceo@victim.example>\r\nFrom: Ann", 1);
    let cause = SignatureFailure::Dkim(dkim::Failure::UnsignedFrom { fields: 2, signed: 1 });
    fails(&two, 1, Cause::MessageSignature(cause));
    let nobody = MESSAGE.replace("From: Ann <ann@contoso.example>\r\n", "");
    let cause = SignatureFailure::Dkim(dkim::Failure::UnsignedFrom { fields: 0, signed: 0 });
    fails(&signed_by_hand(&nobody, 1, AMS, AS), 1, Cause::MessageSignature(cause));
}

#[test]
fn clocks_may_differ() {
    let text = signed_by_hand(MESSAGE, 1, &format!("{AMS}; x=1990"), AS);
    let message = Message::parse(text.as_bytes()).expect("a message");
    let zone = zone();
    for (clock_skew, expected) in [(0, ChainStatus::Fail), (9, ChainStatus::Fail), (10, ChainStatus::Pass)] {
        let policy = Policy { clock_skew, ..Policy::default() };
        let now = Timestamp::from_second(2_000).expect("a time");
        assert_eq!(crate::testing::now(validate(&zone, &message, now, &policy)).status, expected);
    }
}

#[test]
fn hashes_of_the_body_are_bounded() {
    let sets = |count: u8| {
        (1..=count).fold(MESSAGE.to_owned(), |message, instance| {
            let seal = AS.replace("none", ChainStatus::expected_at(instance).word());
            signed_by_hand(&message, instance, &format!("{AMS}; l={instance}"), &seal)
        })
    };
    let chain = check(&sets(8));
    assert_eq!((chain.status, chain.oldest_pass), (ChainStatus::Pass, Some(0)));
    let chain = check(&sets(9));
    assert_eq!((chain.status, chain.oldest_pass), (ChainStatus::Pass, Some(2)));
    assert_eq!(chain.sets[0].message_signature_check, Check::Fails(SignatureFailure::TooManyBodyHashes));
}

#[test]
fn keys() {
    let message = chain_of(3);
    let name = |hop: u8| format!("sel._domainkey.hop{hop}.example");
    let key = |zone: &Zone| match check_with(zone, &message, 2_000).failure {
        Some(Failure {
            instance,
            cause: Cause::MessageSignature(SignatureFailure::Dkim(dkim::Failure::Key(failure))),
        }) => (instance, "AMS", failure),
        Some(Failure { instance, cause: Cause::Seal(SignatureFailure::Dkim(dkim::Failure::Key(failure))) }) => {
            (instance, "AS", failure)
        }
        other => panic!("{other:?}"),
    };
    let nothing = |hop| KeyFailure::NoKey { name: name(hop), others: 0 };
    assert_eq!(key(&zone_without(&[3], "")), (Some(3), "AMS", nothing(3)));
    assert_eq!(key(&zone_without(&[2], "")), (Some(2), "AS", nothing(2)));
    assert_eq!(key(&zone_without(&[1], "")), (Some(1), "AS", nothing(1)));
    let timeout = zone_without(&[2], &format!("{} TIMEOUT", name(2)));
    assert_eq!(key(&timeout), (Some(2), "AS", KeyFailure::Timeout { name: name(2) }));
    let revoked = zone_without(&[3], &format!("{} TXT v=DKIM1; k=ed25519; p=", name(3)));
    assert_eq!(key(&revoked), (Some(3), "AMS", KeyFailure::Revoked { name: name(3) }));

    let chain = check_with(&zone_without(&[2], ""), &message, 2_000);
    assert_eq!(chain.oldest_pass, Some(3), "a key that is missing breaks the older message signature too");
    assert_eq!(chain.lookups().count(), 2);
    assert_eq!(chain.sets[0].message_signature_check, Check::NotChecked);
}

#[test]
fn keys_that_test() {
    let record = crate::arc::testing::sealer(1).record().replace("v=DKIM1;", "v=DKIM1; t=y;");
    let zone = zone_without(&[1], &format!("sel._domainkey.hop1.example TXT {record}"));
    let chain = check_with(&zone, &chain_of(2), 2_000);
    assert_eq!(chain.status, ChainStatus::Pass);
    assert_eq!(chain.sets[0].seal_check, Check::Holds { testing: true });
    let tests = Some("a key of set 1 has the flag y: its domain tests");
    assert_eq!(chain.because().last().map(String::as_str), tests);
    let chain = check_with(&zone, &chain_of(1).replace("mx.hop1", "mx.hop0"), 2_000);
    assert_eq!((chain.status, chain.because().last().map(String::as_str)), (ChainStatus::Fail, tests));
}

#[test]
fn short_keys() {
    use crate::arc::testing::RSA_2048;
    let key = crate::dkim::crypto::SigningKey::from_pem(RSA_2048).expect("a key");
    let sealer = crate::arc::Sealer::new(key, "rsa.example", "sel").expect("a sealer");
    let zone = Zone::new(&format!("sel._domainkey.rsa.example TXT {}", sealer.record()));
    let message = Message::parse(MESSAGE.as_bytes()).expect("a message");
    let set = sealer.seal(&message, "a; none", ChainStatus::None, Timestamp::UNIX_EPOCH).expect("a set");
    let text = set.header() + MESSAGE;
    let message = Message::parse(text.as_bytes()).expect("a message");
    for (minimum_rsa_bits, expected) in [(0, ChainStatus::Pass), (2_048, ChainStatus::Pass), (2_049, ChainStatus::Fail)]
    {
        let policy = Policy { minimum_rsa_bits, ..Policy::default() };
        let chain = crate::testing::now(validate(&zone, &message, Timestamp::UNIX_EPOCH, &policy));
        assert_eq!(chain.status, expected, "{:?}", chain.because());
    }
}

#[test]
fn too_many_sets() {
    for kind in FieldKind::ALL {
        let header = |count: usize| format!("{kind}: i=1;\r\n").repeat(count);
        let most = usize::from(MAX_INSTANCE);
        let too_many = |count| Some(Failure { instance: None, cause: Cause::TooManySets { kind, count } });
        assert_ne!(check(&header(most)).failure, too_many(most));
        for count in [most + 1, 1_999] {
            let chain = check(&header(count));
            assert_eq!((chain.status, &chain.failure), (ChainStatus::Fail, &too_many(count)));
            assert!(chain.sets.is_empty());
        }
    }
    let message = "ARC-Seal: i=51; cv=pass\r\n".to_owned() + &chain_of(50);
    assert_eq!(check(&message).failure.map(|failure| failure.instance), Some(None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever hops do to a message before they seal it, the chain holds, and oldest-pass shows who was the last to
    /// change it.
    #[test]
    fn sealed_chains_pass(changes in proptest::collection::vec(0u8..8, 1..=50)) {
        let mut message = MESSAGE.to_owned();
        let mut last_change = 0;
        for (change, hop) in changes.iter().zip(1u8..) {
            match change {
                0 => message.push_str("-- \r\nsent through a list\r\n"),
                1 => message = message.replacen("Subject: ", "Subject: [list] ", 1),
                2 => message = format!("Received: from hop{hop}.example\r\n{message}"),
                3 => message = message.replacen("Subject: ", "Subject:  \r\n ", 1),
                _ => {}
            }
            if *change < 2 && hop > 1 {
                last_change = hop;
            }
            message = sealed(&message, hop, ChainStatus::expected_at(hop));
        }
        let chain = check(&message);
        prop_assert_eq!((chain.status, chain.oldest_pass), (ChainStatus::Pass, Some(last_change)), "{:?}", chain.because());
    }

    /// No octet of a set can be changed. If the sets stay complete and readable, the newest set reveals the change.
    #[test]
    fn every_octet_of_a_set_counts(hops in 1u8..=5, place in any::<prop::sample::Index>(), to in "[a-zA-Z0-9=;:.(]") {
        let message = chain_of(hops);
        let parsed = Message::parse(message.as_bytes()).expect("a message");
        let start = |text: &[u8]| text.as_ptr() as usize - message.as_ptr() as usize;
        let newest = ArcFields::find(&FieldIndex::new(&parsed)).sets().expect("whole sets").pop().expect("a set");
        // The last digit of a signature in base64 has unused bits, and no seal covers the newest signature.
        let [_, _, seal] = newest.fields;
        let end = start(seal.field.raw()) + seal.field.raw().len();
        let places: Vec<usize> = parsed.fields().filter(|field| field.name().starts_with("ARC-")).flat_map(|field| {
            let value = start(field.raw_value());
            value..value + field.raw_value().len()
        }).filter(|place| !message.as_bytes()[*place].is_ascii_whitespace() && !(end - 5..end).contains(place)).collect();
        let place = places[place.index(places.len())];
        prop_assume!(message[place..=place] != to);
        let mut changed = message.clone();
        changed.replace_range(place..=place, &to);
        let chain = check(&changed);
        prop_assert_eq!(chain.status, ChainStatus::Fail);
        let failure = chain.failure.expect("a failure");
        match failure.cause {
            Cause::MessageSignature(_) | Cause::Seal(SignatureFailure::Dkim(dkim::Failure::Signature | dkim::Failure::Key(_))) => {
                prop_assert_eq!(failure.instance, Some(hops));
            }
            _ => {}
        }
    }

    /// A changed body or signed field breaks the newest message signature.
    #[test]
    fn every_covered_octet_counts(hops in 1u8..=5, place in any::<prop::sample::Index>(), to in "[a-z]") {
        let message = chain_of(hops);
        let covered = message.len() - MESSAGE.len();
        let places: Vec<usize> = (covered..message.len()).filter(|place| message.as_bytes()[*place].is_ascii_lowercase()).collect();
        let place = places[place.index(places.len())];
        prop_assume!(message[place..=place] != to);
        let mut changed = message.clone();
        changed.replace_range(place..=place, &to);
        let failure = check(&changed).failure.expect("a failure");
        prop_assert_eq!(failure.instance, Some(hops));
        prop_assert!(matches!(failure.cause, Cause::MessageSignature(_)), "{:?}", failure);
    }

    /// No input that looks like ARC causes a panic, and every failure has a reason.
    #[test]
    fn nothing_panics(fields in proptest::collection::vec(
        ("ARC-(Seal|Message-Signature|Authentication-Results)", "([ibhcdast(]=?[0-9a-z;= ()\"]{0,6};? ?){0,6}"), 0..8
    )) {
        let text: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let chain = check(&text);
        prop_assert_eq!(chain.failure.is_some(), chain.status == ChainStatus::Fail);
        prop_assert_eq!(chain.status == ChainStatus::None, fields.is_empty());
        prop_assert!(!chain.because().is_empty());
    }
}
