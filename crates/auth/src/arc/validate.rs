//! Validation of a chain (RFC 8617 §5.2).
//!
//! In the order of the RFC: the sets must be complete (steps 1 to 3.B, [`super::sets`]); seals must be well-formed,
//! with the `cv=` that their place requires (3.C); the newest message signature must hold (4); older ones are checked
//! until one does not hold, which gives oldest-pass (5); and all seals must hold, from the newest to the oldest (6).
//! The first of these that fails decides, and what comes after it is not checked. A key that is temporarily unavailable
//! is a failure like others (§5.2.1).
//!
//! A seal covers, in relaxed form and by instance, AAR, AMS and AS of each set up to its own, and itself with an empty `b=`
//! (§5.1.1).
//!
//! Work is bounded: 50 sets, so 100 lookups and 100 signatures (each with at most
//! [`crate::dkim::key_query::MAX_RECORDS`] keys), and [`MAX_BODY_HASHES`] passes over the body. The first key that is
//! missing ends step 4, 5 or 6, so that at most three lookups can time out.

use std::collections::BTreeSet;

use jiff::Timestamp;
use mxlab_mail::Message;

use super::chain::{Cause, Chain, Check, Failure, SetReport, SignatureFailure};
use super::fields::{ChainStatus, FieldError, Seal};
use super::sets::{ArcFields, ArcSet};
use crate::dkim;
use crate::dkim::canonical::{self, BodyHash, Form};
use crate::dkim::check::{self, MINIMUM_RSA_BITS};
use crate::dkim::key_query::{Keys, SuitableKey, Wanted};
use crate::dkim::signature::{Algorithm, MessageSignature};
use crate::dkim::signed_fields::FieldIndex;
use crate::dkim::signed_message::{BodyHashes, SignedMessage};
use crate::dns::{Dns, Lookup};

/// How many different hashes of the body a chain may ask for, by form and `l=`. Signers that agree need one.
pub const MAX_BODY_HASHES: usize = 8;

/// The settings of a validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The minimum length of an RSA modulus, in bits; values below 1,024 count as 1,024 (RFC 8301 §3.2).
    pub minimum_rsa_bits: usize,
    /// By how many seconds the clocks of signers may differ from ours, for `x=` of a message signature.
    pub clock_skew: u32,
    /// Whether to determine oldest-pass (RFC 8617 §5.2 step 5 is optional).
    pub oldest_pass: bool,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy { minimum_rsa_bits: MINIMUM_RSA_BITS, clock_skew: 0, oldest_pass: true }
    }
}

/// Validates the chain of a message.
pub async fn validate(dns: &dyn Dns, message: &Message<'_>, now: Timestamp, policy: &Policy) -> Chain {
    validate_signed(dns, &mut SignedMessage::new(message), now, policy).await
}

/// The same for a message that is shared with other checks of signatures.
pub async fn validate_signed(dns: &dyn Dns, message: &mut SignedMessage<'_>, now: Timestamp, policy: &Policy) -> Chain {
    let SignedMessage { index, body_hashes } = message;
    let fields = ArcFields::find(index);
    if fields.is_empty() {
        return Chain::none();
    }
    let sets = match fields.sets() {
        Ok(sets) => sets,
        Err(failure) => return Chain::failed(failure, Vec::new()),
    };
    let mut reports: Vec<SetReport> = sets.iter().map(report).collect();
    if let Some(failure) = sets.iter().find_map(wrong_seal) {
        return Chain::failed(failure, reports);
    }
    let mut validator =
        Validator { policy, now: now.as_second(), index, keys: Keys::new(dns), body_hashes, hashed: BTreeSet::new() };
    let (oldest_pass, failure) = match validator.check_messages(&sets, &mut reports).await {
        Ok(oldest_pass) => (oldest_pass, validator.check_seals(&sets, &mut reports).await.err()),
        Err(failure) => (None, Some(failure)),
    };
    let status = if failure.is_none() { ChainStatus::Pass } else { ChainStatus::Fail };
    Chain { status, failure, oldest_pass, sets: reports }
}

/// A set that is not checked at all.
fn report(set: &ArcSet<'_>) -> SetReport {
    SetReport {
        instance: set.instance,
        authentication_results: set.authentication_results.payload.clone(),
        message_signature: set.message_signature.clone().ok(),
        message_signature_check: Check::NotChecked,
        seal: set.seal.clone().ok(),
        seal_check: Check::NotChecked,
        lookups: Vec::new(),
    }
}

/// What is wrong with a seal by itself (step 3.C).
fn wrong_seal(set: &ArcSet<'_>) -> Option<Failure> {
    let cause = match &set.seal {
        Err(error) => Cause::Seal(error.clone().into()),
        Ok(seal) if seal.chain_status == ChainStatus::expected_at(set.instance) => return None,
        Ok(seal) => Cause::ChainStatus { instance: set.instance, found: seal.chain_status },
    };
    Some(Failure { instance: Some(set.instance), cause })
}

/// Whether a signature holds, and whether its key is in testing mode.
type Outcome = Result<Check, SignatureFailure>;

struct Validator<'a, 'm> {
    policy: &'a Policy,
    /// In seconds since 1970.
    now: i64,
    index: &'a FieldIndex<'m>,
    keys: Keys<'a>,
    body_hashes: &'a mut BodyHashes<'m>,
    /// The hashes that the chain has asked for, whether or not others did too.
    hashed: BTreeSet<(Form, Option<u64>)>,
}

impl Validator<'_, '_> {
    /// The message signatures, from the newest (steps 4 and 5). Returns oldest-pass.
    async fn check_messages(&mut self, sets: &[ArcSet<'_>], reports: &mut [SetReport]) -> Result<Option<u8>, Failure> {
        let mut newest = true;
        for (set, report) in sets.iter().zip(reports).rev() {
            let outcome = self.check_message(set, &mut report.lookups).await;
            match (outcome, newest) {
                (Ok(check), _) => report.message_signature_check = check,
                (Err(failure), true) => {
                    report.message_signature_check = Check::Fails(failure.clone());
                    return Err(Failure { instance: Some(set.instance), cause: Cause::MessageSignature(failure) });
                }
                (Err(failure), false) => {
                    report.message_signature_check = Check::Fails(failure);
                    return Ok(Some(set.instance + 1));
                }
            }
            if !self.policy.oldest_pass {
                return Ok(None);
            }
            newest = false;
        }
        Ok(Some(0))
    }

    async fn check_message(&mut self, set: &ArcSet<'_>, lookups: &mut Vec<Lookup>) -> Outcome {
        let signature = &set.message_signature.as_ref().map_err(FieldError::clone)?.signature;
        check::not_expired(signature, self.now, self.policy.clock_skew)?;
        let wanted = Wanted {
            algorithm: signature.algorithm,
            domain: &signature.domain,
            selector: &signature.selector,
            identity: None,
            minimum_bits: self.policy.minimum_rsa_bits.max(MINIMUM_RSA_BITS),
        };
        let keys = self.keys(&wanted, lookups).await?;
        let body = self.hash_body(signature)?;
        check::long_enough(signature, &body)?;
        let [_, own, _] = &set.fields;
        let data = self.index.signed_data(signature.canonicalization.header, &signature.signed_fields, own);
        let outcome = verified(&keys, signature.algorithm, &data, &signature.signature);
        check::genuine(signature, &body, outcome.is_ok())?;
        check::every_from(check::from_coverage(signature, self.index))?;
        outcome
    }

    fn hash_body(&mut self, signature: &MessageSignature) -> Result<BodyHash, SignatureFailure> {
        let (form, limit) = (signature.canonicalization.body, signature.body_length);
        if self.hashed.len() == MAX_BODY_HASHES && !self.hashed.contains(&(form, limit)) {
            return Err(SignatureFailure::TooManyBodyHashes);
        }
        self.hashed.insert((form, limit));
        Ok(self.body_hashes.get(form, limit))
    }

    /// The seals, from the newest (step 6).
    async fn check_seals(&mut self, sets: &[ArcSet<'_>], reports: &mut [SetReport]) -> Result<(), Failure> {
        let (mut data, ends) = sealed_data(sets);
        for ((set, report), end) in sets.iter().zip(reports).zip(ends).rev() {
            // What the previous seal covered, and nothing newer.
            data.truncate(end);
            match self.check_seal(set, &mut data, &mut report.lookups).await {
                Ok(check) => report.seal_check = check,
                Err(failure) => {
                    report.seal_check = Check::Fails(failure.clone());
                    return Err(Failure { instance: Some(set.instance), cause: Cause::Seal(failure) });
                }
            }
        }
        Ok(())
    }

    /// `data` holds everything that the seal covers except itself.
    async fn check_seal(&mut self, set: &ArcSet<'_>, data: &mut Vec<u8>, lookups: &mut Vec<Lookup>) -> Outcome {
        let seal: &Seal = set.seal.as_ref().map_err(FieldError::clone)?;
        let wanted = Wanted {
            algorithm: seal.algorithm,
            domain: &seal.domain,
            selector: &seal.selector,
            identity: None,
            minimum_bits: self.policy.minimum_rsa_bits.max(MINIMUM_RSA_BITS),
        };
        let keys = self.keys(&wanted, lookups).await?;
        let [_, _, own] = &set.fields;
        canonical::push_own_field(Form::Relaxed, own.field, own.signature.clone(), data);
        verified(&keys, seal.algorithm, data, &seal.signature)
    }

    async fn keys(
        &mut self,
        wanted: &Wanted<'_>,
        lookups: &mut Vec<Lookup>,
    ) -> Result<Vec<SuitableKey>, SignatureFailure> {
        if wanted.algorithm == Algorithm::RsaSha1 {
            return Err(dkim::Failure::Sha1.into());
        }
        Ok(self.keys.suitable(wanted, lookups).await.map_err(dkim::Failure::from)?)
    }
}

/// The fields of all sets in the form in which seals cover them; and for each set, where its AMS ends and its seal begins.
pub(super) fn sealed_data(sets: &[ArcSet<'_>]) -> (Vec<u8>, Vec<usize>) {
    let length = |set: &ArcSet<'_>| set.fields.iter().map(|it| it.field.raw().len()).sum::<usize>();
    let mut data = Vec::with_capacity(sets.iter().map(length).sum());
    let mut ends = Vec::with_capacity(sets.len());
    for set in sets {
        let [results, signature, seal] = &set.fields;
        canonical::push_field(Form::Relaxed, results.field, &mut data);
        canonical::push_field(Form::Relaxed, signature.field, &mut data);
        ends.push(data.len());
        canonical::push_field(Form::Relaxed, seal.field, &mut data);
    }
    (data, ends)
}

fn verified(keys: &[SuitableKey], algorithm: Algorithm, data: &[u8], signature: &[u8]) -> Outcome {
    let key = keys.iter().find(|key| key.key.verifies(algorithm, data, signature));
    key.map(|key| Check::Holds { testing: key.testing }).ok_or(SignatureFailure::Dkim(dkim::Failure::Signature))
}

#[cfg(test)]
mod tests;
