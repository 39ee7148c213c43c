//! Keys, signers and a verifier for tests.

use jiff::Timestamp;
use mxlab_mail::Message;

use super::canonical::Canonicalization;
use super::crypto::SigningKey;
use super::sign::Signer;
use super::verification::Verification;
use super::verify::{Policy, verify};
use crate::testing::{self, Zone};

/// When tests sign, in seconds since 1970.
pub(crate) const SIGNED: i64 = 1_000_000;

pub(crate) fn time(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

pub(crate) fn rsa_key() -> SigningKey {
    SigningKey::from_pem(include_str!("testkeys/rfc8463-rsa.pem")).expect("a key")
}

pub(crate) fn ed25519_key() -> SigningKey {
    SigningKey::from_ed25519_seed(&[7; 32]).expect("a key")
}

pub(crate) fn signer(key: SigningKey, canonicalization: &str) -> Signer {
    let canonicalization = Canonicalization::parse(canonicalization).expect("a canonicalization");
    Signer::new(key, "example.com", "sel").expect("a signer").with_canonicalization(canonicalization)
}

/// The message with its signature on top.
pub(crate) fn signed(signer: &Signer, message: &str) -> String {
    let parsed = Message::parse(message.as_bytes()).expect("a message");
    format!("{}{message}", signer.sign(&parsed, time(SIGNED)).expect("a signature"))
}

/// A zone with the keys of both algorithms as `sel` of `example.com`.
pub(crate) fn zone() -> Zone {
    let name = "sel._domainkey.example.com";
    Zone::new(&format!("{name} TXT {}\n{name} TXT {}", rsa_key().record(), ed25519_key().record()))
}

pub(crate) fn verified_with(zone: &Zone, message: &[u8], second: i64, policy: &Policy) -> Vec<Verification> {
    let message = Message::parse(message).expect("a message");
    testing::now(verify(zone, &message, time(second), policy))
}

/// The results for a message's signatures in [`zone`], a second after signing.
pub(crate) fn verified(message: &[u8]) -> Vec<Verification> {
    verified_with(&zone(), message, SIGNED + 1, &Policy::default())
}

/// The verification of the only signature.
#[track_caller]
pub(crate) fn only(mut verifications: Vec<Verification>) -> Verification {
    assert_eq!(verifications.len(), 1);
    verifications.pop().expect("one")
}
