//! The record types of DNSSEC (RFC 4034, RFC 5155), and the canonical form of record data.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;

use crate::name::Name;
use crate::rdata::{Fields, Rdata, RdataError};
use crate::record::{RawRdata, RecordType};

/// The digest of a child zone's key, in its parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ds {
    /// The tag of the key (RFC 4034 Appendix B).
    pub key_tag: u16,
    /// The algorithm of the key.
    pub algorithm: u8,
    /// How the digest was made: 2 is SHA-256, 4 is SHA-384.
    pub digest_type: u8,
    /// The digest.
    pub digest: Vec<u8>,
}

impl Rdata for Ds {
    const TYPE: RecordType = RecordType::DS;
    fn parse(octets: &[u8]) -> Result<Ds, RdataError> {
        let mut fields = Fields::new(octets);
        Ok(Ds {
            key_tag: fields.u16()?,
            algorithm: fields.u8()?,
            digest_type: fields.u8()?,
            digest: fields.rest().to_vec(),
        })
    }
    fn to_rdata(&self) -> RawRdata {
        [&self.key_tag.to_be_bytes(), [self.algorithm, self.digest_type].as_slice(), &self.digest].concat().into()
    }
}

/// A public key of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dnskey {
    /// Bit 7 (256): zone key; bit 15 (1): secure entry point; bit 8 (128): revoked (RFC 5011).
    pub flags: u16,
    /// Always 3.
    pub protocol: u8,
    /// The algorithm.
    pub algorithm: u8,
    /// The key, in the format of its algorithm.
    pub public_key: Vec<u8>,
}

impl Dnskey {
    /// Flag: this key signs the zone (RFC 4034 §2.1.1).
    pub const ZONE: u16 = 0x0100;
    /// Flag: this key is meant as the entry point of the zone.
    pub const SECURE_ENTRY_POINT: u16 = 0x0001;
    /// Flag: this key is revoked (RFC 5011 §2.1).
    pub const REVOKED: u16 = 0x0080;

    /// The key tag: a checksum over the record data (RFC 4034 Appendix B). Keys may share one.
    pub fn key_tag(&self) -> u16 {
        let mut sum: u32 = 0;
        for (index, &octet) in self.to_rdata().iter().enumerate() {
            // 65,535 octets of at most 0xff00 fit into 32 bits.
            sum = sum.wrapping_add(if index % 2 == 0 { u32::from(octet) << 8 } else { u32::from(octet) });
        }
        sum = sum.wrapping_add(sum >> 16);
        (sum & 0xffff) as u16
    }
}

impl Rdata for Dnskey {
    const TYPE: RecordType = RecordType::DNSKEY;
    fn parse(octets: &[u8]) -> Result<Dnskey, RdataError> {
        let mut fields = Fields::new(octets);
        Ok(Dnskey {
            flags: fields.u16()?,
            protocol: fields.u8()?,
            algorithm: fields.u8()?,
            public_key: fields.rest().to_vec(),
        })
    }
    fn to_rdata(&self) -> RawRdata {
        [&self.flags.to_be_bytes(), [self.protocol, self.algorithm].as_slice(), &self.public_key].concat().into()
    }
}

/// A signature over an RRset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rrsig {
    /// The type of the RRset.
    pub type_covered: RecordType,
    /// The algorithm of the key.
    pub algorithm: u8,
    /// The number of labels of the owner, `*` not counted. If the owner has more, it was expanded from a wildcard.
    pub labels: u8,
    /// The TTL that was signed.
    pub original_ttl: u32,
    /// The last second at which it is valid; seconds since 1970 modulo 2³².
    pub expiration: u32,
    /// The first second at which it is valid.
    pub inception: u32,
    /// The tag of the key.
    pub key_tag: u16,
    /// The zone whose key signed.
    pub signer: Name,
    /// The signature itself.
    pub signature: Vec<u8>,
}

impl Rrsig {
    /// Everything before the signature, in canonical form: what the signature begins by signing (RFC 4034 §3.1.8.1).
    pub fn signed_part(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(18 + self.signer.wire().len());
        octets.extend_from_slice(&self.type_covered.0.to_be_bytes());
        octets.extend_from_slice(&[self.algorithm, self.labels]);
        octets.extend_from_slice(&self.original_ttl.to_be_bytes());
        octets.extend_from_slice(&self.expiration.to_be_bytes());
        octets.extend_from_slice(&self.inception.to_be_bytes());
        octets.extend_from_slice(&self.key_tag.to_be_bytes());
        self.signer.push_canonical(&mut octets);
        octets
    }
}

impl Rdata for Rrsig {
    const TYPE: RecordType = RecordType::RRSIG;
    fn parse(octets: &[u8]) -> Result<Rrsig, RdataError> {
        let mut fields = Fields::new(octets);
        Ok(Rrsig {
            type_covered: RecordType(fields.u16()?),
            algorithm: fields.u8()?,
            labels: fields.u8()?,
            original_ttl: fields.u32()?,
            expiration: fields.u32()?,
            inception: fields.u32()?,
            key_tag: fields.u16()?,
            signer: fields.name()?,
            signature: fields.rest().to_vec(),
        })
    }
    fn to_rdata(&self) -> RawRdata {
        let mut octets = self.signed_part();
        octets.extend_from_slice(&self.signature);
        octets.into()
    }
}

/// A signature time as a point in time: the one nearest to `now` (serial arithmetic, RFC 4034 §3.1.5).
pub fn signature_time(seconds: u32, now: Timestamp) -> Timestamp {
    let now = now.as_second();
    let difference = seconds.wrapping_sub((now & 0xffff_ffff) as u32) as i32;
    Timestamp::from_second(now + i64::from(difference)).unwrap_or(Timestamp::MIN)
}

/// A set of record types, as NSEC and NSEC3 carry it (RFC 4034 §4.1.2).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TypeBitmap(BTreeSet<RecordType>);

impl TypeBitmap {
    /// Whether it holds `rtype`.
    pub fn contains(&self, rtype: RecordType) -> bool {
        self.0.contains(&rtype)
    }

    /// The types in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = RecordType> {
        self.0.iter().copied()
    }

    fn parse(fields: &mut Fields<'_>) -> Result<TypeBitmap, RdataError> {
        let mut types = BTreeSet::new();
        let mut last_window = None;
        while !fields.is_empty() {
            let (window, length) = (fields.u8()?, fields.u8()?);
            if !(1..=32).contains(&length) || last_window.is_some_and(|last| last >= window) {
                return Err(RdataError::Field);
            }
            last_window = Some(window);
            for (octet, &bits) in (0u16..).zip(fields.take(length.into())?) {
                let set = (0u16..8).filter(|bit| bits & (0x80 >> bit) != 0);
                types.extend(set.map(|bit| RecordType(u16::from(window) << 8 | octet << 3 | bit)));
            }
        }
        Ok(TypeBitmap(types))
    }

    pub(crate) fn push(&self, octets: &mut Vec<u8>) {
        let mut window: Option<(u8, [u8; 32], u8)> = None;
        let mut close = |window: &mut Option<(u8, [u8; 32], u8)>| {
            if let Some((number, bits, length)) = window.take() {
                octets.extend_from_slice(&[number, length]);
                octets.extend_from_slice(bits.get(..usize::from(length)).unwrap_or_default());
            }
        };
        for rtype in &self.0 {
            let [number, low] = rtype.0.to_be_bytes();
            if window.is_none_or(|(open, ..)| open != number) {
                close(&mut window);
                window = Some((number, [0; 32], 0));
            }
            if let Some((_, bits, length)) = &mut window
                && let Some(slot) = bits.get_mut(usize::from(low >> 3))
            {
                *slot |= 0x80 >> (low & 7);
                *length = (low >> 3) + 1;
            }
        }
        close(&mut window);
    }
}

impl FromIterator<RecordType> for TypeBitmap {
    fn from_iter<I: IntoIterator<Item = RecordType>>(types: I) -> TypeBitmap {
        TypeBitmap(types.into_iter().collect())
    }
}

impl fmt::Debug for TypeBitmap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(&self.0).finish()
    }
}

/// The next name of the zone in canonical order, and the types at the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nsec {
    /// The next name; after the last one the apex again.
    pub next: Name,
    /// The types at the owner.
    pub types: TypeBitmap,
}

impl Rdata for Nsec {
    const TYPE: RecordType = RecordType::NSEC;
    fn parse(octets: &[u8]) -> Result<Nsec, RdataError> {
        let mut fields = Fields::new(octets);
        let next = fields.name()?;
        Ok(Nsec { next, types: TypeBitmap::parse(&mut fields)? })
    }
    fn to_rdata(&self) -> RawRdata {
        let mut octets = self.next.wire().to_vec();
        self.types.push(&mut octets);
        octets.into()
    }
}

/// The next hash of the zone in order, and the types at the name whose hash is the owner's first label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nsec3 {
    /// 1 is SHA-1, the only one.
    pub hash_algorithm: u8,
    /// Bit 0: opt-out.
    pub flags: u8,
    /// Additional rounds of hashing.
    pub iterations: u16,
    /// Appended to the name in each round.
    pub salt: Vec<u8>,
    /// The next hash, not encoded.
    pub next_hashed: Vec<u8>,
    /// The types at the name.
    pub types: TypeBitmap,
}

impl Rdata for Nsec3 {
    const TYPE: RecordType = RecordType::NSEC3;
    fn parse(octets: &[u8]) -> Result<Nsec3, RdataError> {
        let mut fields = Fields::new(octets);
        let (hash_algorithm, flags, iterations) = (fields.u8()?, fields.u8()?, fields.u16()?);
        let salt_length = fields.u8()?;
        let salt = fields.take(salt_length.into())?.to_vec();
        let hash_length = fields.u8()?;
        let next_hashed = fields.take(hash_length.into())?.to_vec();
        Ok(Nsec3 { hash_algorithm, flags, iterations, salt, next_hashed, types: TypeBitmap::parse(&mut fields)? })
    }
    fn to_rdata(&self) -> RawRdata {
        let mut octets = vec![self.hash_algorithm, self.flags];
        octets.extend_from_slice(&self.iterations.to_be_bytes());
        for field in [&self.salt, &self.next_hashed] {
            octets.push(u8::try_from(field.len()).unwrap_or(255));
            octets.extend(field.iter().take(255));
        }
        self.types.push(&mut octets);
        octets.into()
    }
}

/// The number of NAPTR.
const NAPTR: u16 = 35;

/// How many octets of a NAPTR precede its name: order, preference, and three character-strings (RFC 3403 §4.1).
fn before_replacement(octets: &[u8]) -> usize {
    (0..3).fold(4, |at, _| at + 1 + usize::from(octets.get(at).copied().unwrap_or(0)))
}

/// Appends record data in canonical form: letters of names in lower case for the types that RFC 4034 §6.2 names, without
/// NSEC (RFC 6840 §5.1); everything else as it is.
pub fn push_canonical(rtype: RecordType, octets: &[u8], to: &mut Vec<u8>) {
    // Octets before the first name, and how many names follow.
    let (before, names) = match rtype {
        RecordType::NS | RecordType::CNAME | RecordType::PTR | RecordType::DNAME => (0, 1),
        RecordType::SOA => (0, 2),
        RecordType::MX => (2, 1),
        RecordType::SRV => (6, 1),
        RecordType::RRSIG => (18, 1),
        // MD, MF, MB, MG, MR; MINFO, RP; AFSDB, RT, KX; PX (RFC 1035 §3.3, 1183, 2163, 2230).
        RecordType(3 | 4 | 7 | 8 | 9) => (0, 1),
        RecordType(14 | 17) => (0, 2),
        RecordType(18 | 21 | 36) => (2, 1),
        RecordType(26) => (2, 2),
        RecordType(NAPTR) => (before_replacement(octets), 1),
        _ => (0, 0),
    };
    let mut fields = Fields::new(octets);
    let mut canonical = Vec::with_capacity(octets.len());
    let mut lower = || {
        canonical.extend_from_slice(fields.take(before)?);
        for _ in 0..names {
            fields.name()?.push_canonical(&mut canonical);
        }
        canonical.extend_from_slice(fields.rest());
        Ok::<_, RdataError>(())
    };
    match lower() {
        Ok(()) => to.extend_from_slice(&canonical),
        // Data that does not fit its type is signed unchanged.
        Err(_) => to.extend_from_slice(octets),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_canonical_data_are_in_lower_case() {
        let check = |rtype: u16, data: &[u8], expected: &[u8]| {
            let mut canonical = Vec::new();
            push_canonical(RecordType(rtype), data, &mut canonical);
            assert_eq!(canonical, expected, "{rtype}");
        };
        check(RecordType::MX.0, b"\0\x0a\x02MX\0", b"\0\x0a\x02mx\0");
        // In a NAPTR only the name, not flags, services and expression.
        check(NAPTR, b"\0\x01\0\x02\x01S\x03SIP\x02!X\x02TO\0", b"\0\x01\0\x02\x01S\x03SIP\x02!X\x02to\0");
        // Truncated data stays as it is, and so do types that RFC 4034 §6.2 does not name.
        check(NAPTR, b"\0\x01\0\x02\x01S\xff", b"\0\x01\0\x02\x01S\xff");
        check(RecordType::NSEC.0, b"\x02AB\0\0\x01\x40", b"\x02AB\0\0\x01\x40");
    }
}
