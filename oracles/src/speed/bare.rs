//! The signatures of the message alone, checked over prepared octets by the library that we use.

use mxlab_auth::arc::sets::ArcFields;
use mxlab_auth::dkim::canonical::{self, Form};
use mxlab_auth::dkim::key::RsaKey;
use mxlab_auth::dkim::signature::Signature;
use mxlab_auth::dkim::signed_fields::{FieldIndex, OwnField};
use mxlab_mail::Message;
use mxlab_mail::tag_list::TagList;
use ring::signature::{RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RsaPublicKeyComponents};

use super::world;

/// A signature over prepared octets.
pub struct Prepared {
    key: RsaKey,
    data: Vec<u8>,
    signature: Vec<u8>,
}

impl Prepared {
    fn new(domain: &str, data: Vec<u8>, signature: &[u8]) -> Option<Prepared> {
        let key = RsaKey::from_der(&world::public_key(domain)?)?;
        Some(Prepared { key, data, signature: signature.to_vec() })
    }

    pub fn holds(&self) -> bool {
        RsaPublicKeyComponents { n: &self.key.modulus, e: &self.key.exponent }
            .verify(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, &self.data, &self.signature)
            .is_ok()
    }
}

/// The signatures of a message: that of DKIM, all seals, and the message signatures of all sets or of the newest one.
/// None if one is missing.
pub fn prepare(octets: &[u8], oldest_pass: bool) -> Option<Vec<Prepared>> {
    let message = Message::parse(octets).ok()?;
    let index = FieldIndex::new(&message);
    let mut prepared = vec![dkim(&index)?];
    let sets = ArcFields::find(&index).sets().ok()?;
    let mut sealed = Vec::new();
    for (number, set) in sets.iter().enumerate() {
        let [results, signature, seal] = &set.fields;
        if oldest_pass || number + 1 == sets.len() {
            let own = signature;
            let signature = &set.message_signature.as_ref().ok()?.signature;
            let data = index.signed_data(signature.canonicalization.header, &signature.signed_fields, own);
            prepared.push(Prepared::new(signature.domain.ascii(), data, &signature.signature)?);
        }
        canonical::push_field(Form::Relaxed, results.field, &mut sealed);
        canonical::push_field(Form::Relaxed, signature.field, &mut sealed);
        let mut data = sealed.clone();
        canonical::push_own_field(Form::Relaxed, seal.field, seal.signature.clone(), &mut data);
        let tags = set.seal.as_ref().ok()?;
        prepared.push(Prepared::new(tags.domain.ascii(), data, &tags.signature)?);
        canonical::push_field(Form::Relaxed, seal.field, &mut sealed);
    }
    Some(prepared)
}

fn dkim(index: &FieldIndex<'_>) -> Option<Prepared> {
    let number = *index.numbers("dkim-signature").first()?;
    let field = *index.fields().get(number)?;
    let tags = TagList::parse(field.raw_value()).ok()?;
    let signature = Signature::parse(&tags).ok()?.message;
    let own = OwnField { field, number: Some(number), signature: tags.tag("b")?.value_span() };
    let data = index.signed_data(signature.canonicalization.header, &signature.signed_fields, &own);
    Prepared::new(signature.domain.ascii(), data, &signature.signature)
}
