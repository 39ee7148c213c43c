//! Key records, a message, and a change to it: nothing panics, lookups stay within their bound, and a message that is
//! signed passes before the change.
//!
//! The input: an octet of flags, two octets with the place of the change, one with the new octet, a key record up to a
//! zero octet, then the message.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mxlab_auth::dkim::canonical::{Canonicalization, Form};
use mxlab_auth::dkim::verify::verify;
use mxlab_auth::dkim::{Policy, Signer, Verification};
use mxlab_fuzz::mail::{Records, at_once, key, now, record_and_message};
use mxlab_mail::Message;

fn verified(record: &[u8], message: &[u8]) -> Vec<Verification> {
    let Ok(message) = Message::parse(message) else { return Vec::new() };
    let records = Records::new(record);
    let policy = Policy::default();
    let verifications = at_once(verify(&records, &message, now(), &policy));
    assert!(records.asked() <= policy.max_signatures);
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
    let (record, message) = record_and_message(rest);
    verified(record, message);
    // A line that begins with a blank would continue a field added on top.
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
