//! The checks that signatures of DKIM and message signatures of ARC have in common (RFC 6376 §6.1, RFC 8617 §5.2): the time,
//! the body, and whether one of the signer's keys made it.

use data_encoding::BASE64;

use super::canonical::BodyHash;
use super::signature::MessageSignature;
use super::signed_fields::FieldIndex;
use super::verification::{Failure, FromCoverage};

/// RFC 8301 §3.2: the minimum length of an RSA modulus with which a signature is valid, in bits.
pub(crate) const MINIMUM_RSA_BITS: usize = 1_024;

/// Seconds since 1970 as `t=` and `x=` have them, to compare with a clock.
pub(crate) fn seconds(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

/// Whether `x=` is not past; `now` is in seconds since 1970, and clocks may differ by `skew` seconds.
pub(crate) fn not_expired(signature: &MessageSignature, now: i64, skew: u32) -> Result<(), Failure> {
    match signature.expiration {
        Some(expiration) if now > seconds(expiration).saturating_add(i64::from(skew)) => {
            Err(Failure::Expired { expiration, now })
        }
        _ => Ok(()),
    }
}

/// Whether the body is as long as `l=` says.
pub(crate) fn long_enough(signature: &MessageSignature, body: &BodyHash) -> Result<(), Failure> {
    match signature.body_length {
        Some(signed) if signed > body.length => Err(Failure::BodyTooShort { signed, length: body.length }),
        _ => Ok(()),
    }
}

/// How many `From` fields the signature covers: the last ones.
pub(crate) fn from_coverage(signature: &MessageSignature, index: &FieldIndex<'_>) -> FromCoverage {
    let fields = index.numbers("from").len();
    let listed = signature.signed_fields.iter().filter(|name| *name == "from").count();
    FromCoverage { signed: listed.min(fields), fields }
}

/// Whether there is a `From` field, and every one is covered (RFC 6376 §3.8, §8.15).
pub(crate) fn every_from(FromCoverage { signed, fields }: FromCoverage) -> Result<(), Failure> {
    if fields == 0 || signed < fields {
        return Err(Failure::UnsignedFrom { fields, signed });
    }
    Ok(())
}

/// Whether the body matches `bh=`, and `b=` is a signature, which `signature_holds` says.
pub(crate) fn genuine(signature: &MessageSignature, body: &BodyHash, signature_holds: bool) -> Result<(), Failure> {
    if body.digest.as_slice() != signature.body_hash {
        return Err(Failure::BodyHash { computed: BASE64.encode(&body.digest), signature_holds });
    }
    if signature_holds { Ok(()) } else { Err(Failure::Signature) }
}
