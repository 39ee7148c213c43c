//! Verification of all signatures of a message (RFC 6376 §6.1).
//!
//! Each `DKIM-Signature` field is checked by itself, from the top: the field (§6.1.1), the key (§6.1.2), the hash of
//! the body and then the signature over the header (§6.1.3), and last what else the verifier's policy requires. The
//! first of these that fails is the cause; if it is the body, the result also says whether the signature over the
//! header holds, because that distinguishes a changed body from a forgery.
//!
//! Work is bounded: at most [`Policy::max_signatures`] signatures are checked, each with one lookup, one pass over the
//! body and [`super::key_query::MAX_RECORDS`] operations with keys of at most [`super::key::MAX_RSA_BITS`] bits.
//! Further signatures are only reported. How many fields there are is bounded by [`mxlab_mail::Message`].

use jiff::Timestamp;
use mxlab_mail::tag_list::TagList;
use mxlab_mail::{HeaderField, Message};

use super::check::{self, MINIMUM_RSA_BITS};
use super::domain::MAX_NAME;
use super::key_query::{Keys, SuitableKey, Wanted};
use super::signature::Signature;
use super::signed_fields::{FieldIndex, OwnField};
use super::signed_message::{BodyHashes, SignedMessage};
use super::verification::{BodyCoverage, Failure, FromCoverage, Verification};
use crate::dns::Dns;

/// The settings of a verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How many signatures of a message are checked, from the top (RFC 6376 §6.1 allows a limit).
    pub max_signatures: usize,
    /// The minimum length of an RSA modulus, in bits; values below 1,024 count as 1,024 (RFC 8301 §3.2).
    pub minimum_rsa_bits: usize,
    /// By how many seconds the clocks of signers may differ from ours, for `t=` and `x=`.
    pub clock_skew: u32,
    /// Whether a signature with `t=` in the future is refused (RFC 6376 §3.5 allows it).
    pub refuse_future: bool,
    /// Whether a signature must cover the whole body, whatever `l=` says (RFC 6376 §8.2).
    pub whole_body: bool,
    /// Whether a message must have a `From` field and the signature cover every one of them: others are not valid
    /// messages, and a verifier should not validate them (RFC 6376 §3.8, §8.15).
    pub every_from: bool,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            max_signatures: 10,
            minimum_rsa_bits: MINIMUM_RSA_BITS,
            clock_skew: 0,
            refuse_future: false,
            whole_body: false,
            every_from: true,
        }
    }
}

/// The longest name that is reported as written, in octets.
const MAX_WRITTEN: usize = 4 * MAX_NAME;

/// Verifies the signatures of a message, in their order in the header; none for a message that is not signed.
pub async fn verify(dns: &dyn Dns, message: &Message<'_>, now: Timestamp, policy: &Policy) -> Vec<Verification> {
    verify_signed(dns, &mut SignedMessage::new(message), now, policy).await
}

/// The same for a message that is shared with other checks of signatures.
pub async fn verify_signed(
    dns: &dyn Dns,
    message: &mut SignedMessage<'_>,
    now: Timestamp,
    policy: &Policy,
) -> Vec<Verification> {
    let SignedMessage { index, body_hashes } = message;
    let mut verifier = Verifier { policy, now: now.as_second(), keys: Keys::new(dns), body_hashes, index };
    let mut verifications = Vec::new();
    for (number, &position) in index.numbers("dkim-signature").iter().enumerate() {
        let Some(field) = index.fields().get(position) else { continue };
        verifications.push(verifier.verify(number, position, *field).await);
    }
    verifications
}

struct Verifier<'a, 'm> {
    policy: &'a Policy,
    /// In seconds since 1970.
    now: i64,
    keys: Keys<'a>,
    body_hashes: &'a mut BodyHashes<'m>,
    index: &'a FieldIndex<'m>,
}

impl Verifier<'_, '_> {
    async fn verify(&mut self, number: usize, position: usize, field: HeaderField<'_>) -> Verification {
        let tags = TagList::parse(field.raw_value());
        // A longer text is not a name.
        let is_short = |value: &&str| value.len() <= MAX_WRITTEN;
        let written =
            |tag: &str| tags.as_ref().ok().and_then(|tags| tags.value(tag)).filter(is_short).map(str::to_owned);
        let mut verification = Verification {
            number,
            domain: written("d"),
            selector: written("s"),
            signature: None,
            outcome: Ok(()),
            body: None,
            from: None,
            testing: false,
            from_the_future: false,
            lookups: Vec::new(),
        };
        let limit = self.policy.max_signatures;
        verification.outcome = match tags {
            _ if number >= limit => Err(Failure::NotChecked { limit }),
            Err(error) => Err(Failure::Malformed(error.into())),
            Ok(tags) => self.check(&tags, position, field, &mut verification).await,
        };
        verification
    }

    /// Checks a signature, and writes what it finds into `verification`.
    async fn check(
        &mut self,
        tags: &TagList<'_>,
        position: usize,
        field: HeaderField<'_>,
        verification: &mut Verification,
    ) -> Result<(), Failure> {
        let signature = &*verification.signature.insert(Signature::parse(tags)?);
        let from = check::from_coverage(&signature.message, self.index);
        verification.from = Some(from);
        verification.from_the_future = self.check_times(signature)?;

        let wanted = Wanted {
            algorithm: signature.message.algorithm,
            domain: &signature.message.domain,
            selector: &signature.message.selector,
            identity: Some(&signature.identity.domain),
            minimum_bits: self.policy.minimum_rsa_bits.max(MINIMUM_RSA_BITS),
        };
        let keys = self.keys.suitable(&wanted, &mut verification.lookups).await?;

        let body = self.body_hashes.get(signature.message.canonicalization.body, signature.message.body_length);
        let coverage = BodyCoverage { signed: body.covered, length: body.length };
        verification.body = Some(coverage);
        check::long_enough(&signature.message, &body)?;
        let own = OwnField {
            field,
            number: Some(position),
            signature: tags.tag("b").map(|tag| tag.value_span()).unwrap_or_default(),
        };
        let key = self.holding_key(signature, &own, &keys);
        verification.testing = match key {
            Some(key) => key.testing,
            None => keys.iter().all(|key| key.testing),
        };
        check::genuine(&signature.message, &body, key.is_some())?;
        self.check_policy(coverage, from)
    }

    /// Checks the algorithm and the times. Returns whether the signature is from the future.
    fn check_times(&self, signature: &Signature) -> Result<bool, Failure> {
        let now = self.now;
        if signature.message.algorithm == super::signature::Algorithm::RsaSha1 {
            return Err(Failure::Sha1);
        }
        check::not_expired(&signature.message, now, self.policy.clock_skew)?;
        let skew = i64::from(self.policy.clock_skew);
        match signature.message.timestamp {
            Some(timestamp) if check::seconds(timestamp) > now.saturating_add(skew) => {
                match self.policy.refuse_future {
                    true => Err(Failure::NotYet { timestamp, now }),
                    false => Ok(true),
                }
            }
            _ => Ok(false),
        }
    }

    /// The key that made the signature.
    fn holding_key<'k>(
        &self,
        signature: &Signature,
        own: &OwnField<'_>,
        keys: &'k [SuitableKey],
    ) -> Option<&'k SuitableKey> {
        let message = &signature.message;
        let data = self.index.signed_data(message.canonicalization.header, &message.signed_fields, own);
        keys.iter().find(|key| key.key.verifies(message.algorithm, &data, &message.signature))
    }

    fn check_policy(&self, body: BodyCoverage, from: FromCoverage) -> Result<(), Failure> {
        if self.policy.every_from {
            check::every_from(from)?;
        }
        let unsigned = body.length.saturating_sub(body.signed);
        if self.policy.whole_body && unsigned > 0 {
            return Err(Failure::PartialBody { unsigned, length: body.length });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
