//! Key records, a message, and a change to it: nothing panics, lookups stay within their bound, and a message that is
//! signed passes before the change.
//!
//! The input: an octet of flags, two octets that say where the change is, one that says what stands there afterwards, a key
//! record up to a zero octet, then the message.
#![no_main]

use std::pin::pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use mxlab_auth::dkim::canonical::{Canonicalization, Form};
use mxlab_auth::dkim::verify::verify;
use mxlab_auth::dkim::{Policy, Signer, SigningKey, Verification};
use mxlab_auth::dns::BoxFuture;
use mxlab_auth::{Data, Dns, DnsError, RecordKind};
use mxlab_mail::Message;

/// Every name has the record of the input, and that of the signer.
struct Records<'a> {
    record: &'a [u8],
    asked: AtomicUsize,
}

impl Dns for Records<'_> {
    fn lookup<'a>(&'a self, _: &'a str, _: RecordKind) -> BoxFuture<'a, Result<Vec<Data>, DnsError>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let texts = [self.record, RECORD.as_bytes()].map(|text| Data::Txt(text.to_vec())).to_vec();
        Box::pin(std::future::ready(Ok(texts)))
    }
}

static RECORD: LazyLock<String> = LazyLock::new(|| key().record());

fn key() -> SigningKey {
    SigningKey::from_ed25519_seed(&[7; 32]).expect("every seed is a key")
}

fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).expect("the time is in range")
}

fn verified(record: &[u8], message: &[u8]) -> Vec<Verification> {
    let Ok(message) = Message::parse(message) else { return Vec::new() };
    let records = Records { record, asked: AtomicUsize::new(0) };
    let policy = Policy::default();
    let future = pin!(verify(&records, &message, now(), &policy));
    let Poll::Ready(verifications) = future.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("nothing waits here")
    };
    assert!(records.asked.load(Ordering::Relaxed) <= policy.max_signatures);
    assert_eq!(verifications.len(), message.fields_named("DKIM-Signature").count());
    for verification in &verifications {
        assert!(!verification.because().is_empty());
        assert_eq!(verification.passed(), verification.microsoft().clause.result.word() == "pass");
    }
    verifications
}

fn signer(flags: u8) -> Signer {
    let form = |bit: u8| if flags & bit == 0 { Form::Simple } else { Form::Relaxed };
    let forms = Canonicalization { header: form(1), body: form(2) };
    let signer = Signer::new(key(), "example.com", "sel").expect("the names are names").with_canonicalization(forms);
    let signer = if flags & 4 == 0 { signer } else { signer.with_body_length() };
    match flags & 8 {
        0 => signer,
        _ => signer.with_fields(&["from", "subject", "subject", "dkim-signature", "x"]).expect("a list"),
    }
}

fuzz_target!(|input: &[u8]| {
    let [flags, high, low, octet, rest @ ..] = input else { return };
    let end = rest.iter().position(|octet| *octet == 0).unwrap_or(rest.len());
    let (record, message) = rest.split_at(end);
    let message = message.get(1..).unwrap_or_default();
    verified(record, message);
    // A field on top would be gone on with by a line that begins with a blank.
    if matches!(message.first(), Some(b' ' | b'\t')) {
        return;
    }
    let Ok(parsed) = Message::parse(message) else { return };
    let Ok(field) = signer(*flags).sign(&parsed, now()) else { return };
    let mut signed = [field.as_bytes(), message].concat();
    if Message::parse(&signed).is_ok() {
        let verifications = verified(record, &signed);
        assert_eq!(verifications[0].outcome, Ok(()));
    }
    let at = usize::from(u16::from_be_bytes([*high, *low])) % signed.len();
    signed[at] = *octet;
    verified(record, &signed);
});
