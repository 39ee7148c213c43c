//! From header fields to sets (RFC 8617 §4.2, §5.2 steps 1 to 3).
//!
//! The fields of a set may be anywhere in the header and in any order; the instance says which belong together. A chain
//! is complete when each set from 1 to the newest has each of the three fields exactly once. §4.2.1 mentions one field
//! of a kind for each signing algorithm; §5.2 does not, and this module follows §5.2 *(choice)*.
//!
//! If there are several faults, the first in this order is reported: too many fields; a field without a usable instance
//! (AAR before AMS before AS, from the top); a newest seal that says `cv=fail`; then the oldest set that is not
//! complete. A message with more than [`MAX_INSTANCE`] fields of a kind is not examined further, so that 10,000 of them
//! cost no more than counting.

use std::collections::BTreeMap;

use mxlab_mail::HeaderField;
use mxlab_mail::tag_list::{Tag, TagList, shortened};

use super::chain::{Cause, Failure};
use super::fields::{
    self, AuthenticationResults, ChainStatus, FieldError, FieldKind, MAX_INSTANCE, MessageSignature, Seal,
};
use crate::dkim::signature::SignatureError;
use crate::dkim::signed_fields::{FieldIndex, OwnField};

/// The ARC fields of a message by instance.
#[derive(Debug)]
pub struct ArcFields<'m> {
    by_instance: BTreeMap<u8, Members<'m>>,
    /// The first field that belongs to no set, or that there are too many.
    fault: Option<Failure>,
}

/// The fields with one instance, however many there are.
#[derive(Debug, Default)]
struct Members<'m> {
    results: Vec<(OwnField<'m>, AuthenticationResults)>,
    signatures: Vec<(OwnField<'m>, TagList<'m>)>,
    seals: Vec<(OwnField<'m>, TagList<'m>)>,
}

/// A set that is whole.
#[derive(Clone, Debug)]
pub struct ArcSet<'m> {
    /// Its place in the chain.
    pub instance: u8,
    /// Its fields, in the order of [`FieldKind::ALL`]; AAR has no signature.
    pub fields: [OwnField<'m>; 3],
    /// AAR.
    pub authentication_results: AuthenticationResults,
    /// AMS, or what is wrong with it.
    pub message_signature: Result<MessageSignature, FieldError>,
    /// AS, or what is wrong with it.
    pub seal: Result<Seal, FieldError>,
}

impl<'m> ArcFields<'m> {
    /// Finds the ARC fields of a message.
    pub fn find(index: &FieldIndex<'m>) -> ArcFields<'m> {
        let mut found = ArcFields { by_instance: BTreeMap::new(), fault: None };
        let numbers = FieldKind::ALL.map(|kind| (kind, index.numbers(&kind.name().to_ascii_lowercase())));
        for (kind, numbers) in numbers {
            let count = numbers.len();
            if count > usize::from(MAX_INSTANCE) {
                found.fault = Some(Failure { instance: None, cause: Cause::TooManySets { kind, count } });
                return found;
            }
        }
        for (kind, numbers) in numbers {
            for (ordinal, &number) in numbers.iter().enumerate() {
                let Some(field) = index.fields().get(number) else { continue };
                if let Err(error) = found.place(kind, number, *field) {
                    let cause = Cause::Unplaced { kind, number: ordinal + 1, error };
                    found.fault.get_or_insert(Failure { instance: None, cause });
                }
            }
        }
        found
    }

    fn place(&mut self, kind: FieldKind, number: usize, field: HeaderField<'m>) -> Result<(), FieldError> {
        let own = |signature| OwnField { field, number: Some(number), signature };
        if kind == FieldKind::AuthenticationResults {
            let results = AuthenticationResults::parse(&field.value())?;
            self.by_instance.entry(results.instance).or_default().results.push((own(0..0), results));
            return Ok(());
        }
        let tags = TagList::parse(field.raw_value()).map_err(SignatureError::from)?;
        let members = self.by_instance.entry(fields::tagged_instance(&tags)?).or_default();
        let own = own(tags.tag("b").map(Tag::value_span).unwrap_or_default());
        match kind {
            FieldKind::Seal => members.seals.push((own, tags)),
            _ => members.signatures.push((own, tags)),
        }
        Ok(())
    }

    /// Whether the message has none.
    pub fn is_empty(&self) -> bool {
        self.by_instance.is_empty() && self.fault.is_none()
    }

    /// Whether there are so many that they were not examined.
    pub fn are_too_many(&self) -> bool {
        matches!(self.fault, Some(Failure { cause: Cause::TooManySets { .. }, .. }))
    }

    /// The highest instance; 0 if there is none.
    pub fn highest(&self) -> u8 {
        self.by_instance.last_key_value().map_or(0, |(instance, _)| *instance)
    }

    /// The failure that a seal with the highest instance reports (§5.1 step 2, §5.2 step 2).
    pub fn reported(&self) -> Option<Failure> {
        let (instance, members) = self.by_instance.last_key_value()?;
        let mut seals = members.seals.iter().map(|(_, tags)| tags);
        let failing = seals.find(|tags| fields::chain_status(tags) == Ok(ChainStatus::Fail))?;
        let domain = failing.value("d").map(shortened);
        Some(Failure { instance: Some(*instance), cause: Cause::Reported { domain } })
    }

    /// The sets by instance.
    ///
    /// # Errors
    /// When the fields do not form complete sets, or the newest seal says that the chain fails.
    pub fn sets(&self) -> Result<Vec<ArcSet<'m>>, Failure> {
        if let Some(failure) = self.fault.clone().or_else(|| self.reported()) {
            return Err(failure);
        }
        (1..=self.highest()).map(|instance| self.set(instance)).collect()
    }

    fn set(&self, instance: u8) -> Result<ArcSet<'m>, Failure> {
        let fail = |cause| Failure { instance: Some(instance), cause };
        let members = self.by_instance.get(&instance).ok_or_else(|| fail(Cause::NoSet))?;
        let (results, authentication_results) =
            only(FieldKind::AuthenticationResults, &members.results).map_err(fail)?;
        let (signature, signature_tags) = only(FieldKind::MessageSignature, &members.signatures).map_err(fail)?;
        let (seal, seal_tags) = only(FieldKind::Seal, &members.seals).map_err(fail)?;
        Ok(ArcSet {
            instance,
            fields: [results.clone(), signature.clone(), seal.clone()],
            authentication_results: authentication_results.clone(),
            message_signature: MessageSignature::parse(signature_tags),
            seal: Seal::parse(seal_tags),
        })
    }
}

fn only<T>(kind: FieldKind, fields: &[T]) -> Result<&T, Cause> {
    match fields {
        [only] => Ok(only),
        [] => Err(Cause::Missing { kind }),
        several => Err(Cause::Repeated { kind, count: several.len() }),
    }
}
