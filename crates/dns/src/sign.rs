//! Signatures over RRsets (RFC 4034 §3 and §6).
//!
//! What is signed is the signature's own fields followed by the RRset in canonical form: owner in lower case, the original
//! TTL, record data in canonical form, sorted as octets, duplicates removed.

use jiff::Timestamp;

use crate::name::Name;
use crate::rdata::Rrsig;
use crate::rdata_dnssec::push_canonical;
use crate::record::{Class, RawRdata, RecordType, Rrset};
use crate::signing_key::SigningKey;

/// What a signature with these fields signs (RFC 4034 §3.1.8.1); `None` if it claims more labels than the owner has.
pub(crate) fn signed_data(rrsig: &Rrsig, owner: &Name, rdatas: &[RawRdata]) -> Option<Vec<u8>> {
    let mut data = rrsig.signed_part();
    let prefix = prefix(rrsig, owner)?;
    let mut canonical: Vec<Vec<u8>> = rdatas
        .iter()
        .map(|rdata| {
            let mut octets = Vec::with_capacity(rdata.len());
            push_canonical(rrsig.type_covered, rdata, &mut octets);
            octets
        })
        .collect();
    canonical.sort_unstable();
    canonical.dedup();
    for rdata in canonical {
        data.extend_from_slice(&prefix);
        data.extend_from_slice(&u16::try_from(rdata.len()).ok()?.to_be_bytes());
        data.extend_from_slice(&rdata);
    }
    Some(data)
}

/// Owner, type, class and original TTL, as they precede the data of each record.
fn prefix(rrsig: &Rrsig, owner: &Name) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(owner.wire().len() + 8);
    let own_labels = signed_labels(owner);
    let labels = usize::from(rrsig.labels);
    match labels.cmp(&own_labels) {
        std::cmp::Ordering::Equal => owner.push_canonical(&mut octets),
        // RFC 4035 §5.3.2: expanded from the wildcard at that level.
        std::cmp::Ordering::Less => {
            octets.extend_from_slice(b"\x01*");
            owner.suffix(labels).push_canonical(&mut octets);
        }
        std::cmp::Ordering::Greater => return None,
    }
    octets.extend_from_slice(&rrsig.type_covered.0.to_be_bytes());
    octets.extend_from_slice(&Class::IN.0.to_be_bytes());
    octets.extend_from_slice(&rrsig.original_ttl.to_be_bytes());
    Some(octets)
}

/// The value of the Labels field for an owner: a leading `*` is not counted (RFC 4034 §3.1.3).
pub(crate) fn signed_labels(owner: &Name) -> usize {
    owner.label_count() - usize::from(owner.is_wildcard())
}

/// Signs an RRset as a part of the zone `signer`, valid from `inception` to `expiration`, both included.
pub fn sign(key: &SigningKey, signer: &Name, rrset: &Rrset, inception: Timestamp, expiration: Timestamp) -> Rrsig {
    let rrsig = Rrsig {
        type_covered: rrset.rtype,
        algorithm: key.dnskey().algorithm,
        // A name has at most 127 labels.
        labels: u8::try_from(signed_labels(&rrset.name)).unwrap_or(u8::MAX),
        original_ttl: rrset.ttl,
        expiration: wire_time(expiration),
        inception: wire_time(inception),
        key_tag: key.key_tag(),
        signer: signer.clone(),
        signature: Vec::new(),
    };
    resign(key, rrsig, rrset)
}

/// The same signature, made anew after a change of its fields.
pub(crate) fn resign(key: &SigningKey, rrsig: Rrsig, rrset: &Rrset) -> Rrsig {
    let data = signed_data(&rrsig, &rrset.name, &rrset.rdatas);
    Rrsig { signature: data.map(|data| key.sign(data)).unwrap_or_default(), ..rrsig }
}

/// Seconds since 1970 modulo 2³² (RFC 4034 §3.1.5).
fn wire_time(time: Timestamp) -> u32 {
    (time.as_second() & 0xffff_ffff) as u32
}

/// The type that a signature covers, if these octets are one.
pub(crate) fn covered(rdata: &[u8]) -> Option<RecordType> {
    rdata.first_chunk().map(|number| RecordType(u16::from_be_bytes(*number)))
}
