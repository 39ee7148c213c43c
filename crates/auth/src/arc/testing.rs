//! Messages with chains, for tests.

use jiff::Timestamp;
use mxlab_mail::Message;
use mxlab_mail::tag_list::TagList;

use super::chain::Chain;
use super::fields::ChainStatus;
use super::sealer::Sealer;
use super::sets::ArcFields;
use super::validate::{Policy, sealed_data, validate};
use crate::dkim::canonical::{self, BodyHasher, Canonicalization, Form};
use crate::dkim::crypto::SigningKey;
use crate::dkim::signed_fields::{FieldIndex, OwnField};
use crate::dns::Dns;
use crate::testing::{Zone, now};
use data_encoding::BASE64;

pub(super) const MESSAGE: &str = "From: Ann <ann@contoso.example>\r\nTo: bob@fabrikam.example\r\nSubject: Hello\r\n\
                                  Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n\r\nHello Bob,\r\nhow are you?\r\n";

pub(super) const RSA_2048: &str = include_str!("../dkim/testkeys/rsa2048.pem");

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("a time")
}

fn key(hop: u8) -> SigningKey {
    SigningKey::from_ed25519_seed(&[hop; 32]).expect("every seed is a key")
}

/// The sealer of a hop: `hop7.example`, selector `sel`.
pub(super) fn sealer(hop: u8) -> Sealer {
    Sealer::new(key(hop), &format!("hop{hop}.example"), "sel").expect("a sealer")
}

/// The keys of hops 1 to 51 except those of `without`, and more records.
pub(super) fn zone_without(without: &[u8], more: &str) -> Zone {
    let hops = (1..=51).filter(|hop| !without.contains(hop));
    let keys: String = hops.map(|hop| format!("sel._domainkey.hop{hop}.example TXT {}\n", key(hop).record())).collect();
    Zone::new(&(keys + more))
}

pub(super) fn zone() -> Zone {
    zone_without(&[], "")
}

/// The message with one more set.
pub(super) fn sealed(message: &str, hop: u8, status: ChainStatus) -> String {
    let parsed = Message::parse(message.as_bytes()).expect("a message");
    let set = sealer(hop).seal(&parsed, &format!("mx.hop{hop}.example; spf=pass"), status, at(1_000));
    set.expect("a set").header() + message
}

/// [`MESSAGE`] after so many hops.
pub(super) fn chain_of(hops: u8) -> String {
    (1..=hops).fold(MESSAGE.to_owned(), |message, hop| sealed(&message, hop, ChainStatus::expected_at(hop)))
}

pub(super) fn check(message: &str) -> Chain {
    check_with(&zone(), message, 2_000)
}

pub(super) fn check_with(dns: &dyn Dns, message: &str, seconds: i64) -> Chain {
    let parsed = Message::parse(message.as_bytes()).expect("a message");
    now(validate(dns, &parsed, at(seconds), &Policy::default()))
}

/// The message with a set whose AMS and AS have these tags, and `b` and `bh` made with the key of hop 1, in the forms that
/// `c=` names.
pub(super) fn signed_by_hand(message: &str, instance: u8, signature: &str, seal: &str) -> String {
    let parsed = Message::parse(message.as_bytes()).expect("a message");
    let index = FieldIndex::new(&parsed);
    let tags = TagList::parse(signature.as_bytes()).expect("tags");
    let limit = tags.value("l").map(|length| length.parse().expect("a length"));
    let form = tags.value("c").map_or(Canonicalization::DEFAULT, |c| Canonicalization::parse(c).expect("two forms"));
    let hash = BASE64.encode(&BodyHasher::hash(form.body, limit, parsed.body()).digest);
    let names: Vec<String> = tags.value("h").unwrap_or_default().split(':').map(str::to_ascii_lowercase).collect();
    let results = format!("ARC-Authentication-Results: i={instance}; a.example; none\r\n");
    let signature = format!("ARC-Message-Signature: i={instance}; {signature}; bh={hash}; b=");
    let signature = with_signature(&signature, |own| index.signed_data(form.header, &names, own));
    let sets = ArcFields::find(&index).sets().expect("whole sets");
    let (mut data, _) = sealed_data(&sets);
    for field in [&results, &signature] {
        let field = Message::parse(field.as_bytes()).expect("a field");
        canonical::push_field(Form::Relaxed, field.fields().next().expect("a field"), &mut data);
    }
    let seal = with_signature(&format!("ARC-Seal: i={instance}; {seal}; b="), |own| {
        canonical::push_own_field(Form::Relaxed, own.field, 0..0, &mut data);
        data
    });
    [&seal, &signature, &results, message].concat()
}

fn with_signature(unsigned: &str, data: impl FnOnce(&OwnField<'_>) -> Vec<u8>) -> String {
    let message = Message::parse(unsigned.as_bytes()).expect("a field");
    let own = OwnField { field: message.fields().next().expect("a field"), number: None, signature: 0..0 };
    format!("{unsigned}{}\r\n", BASE64.encode(&key(1).sign(&data(&own)).expect("a signature")))
}
