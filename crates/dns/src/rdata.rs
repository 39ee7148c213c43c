//! Typed views of record data (RFC 1035 §3.3, 4034, 5155, 6698, 2782, 8659).
//!
//! A view is made from the raw octets of one record (`Mx::parse(&record.rdata)`) and turned back into them
//! (`to_rdata`). Names in record data are uncompressed: the message reader has expanded them. If a record does not
//! parse, that affects no other record.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::name::Name;
use crate::record::{RawRdata, RecordType};

pub use crate::nsec3::Nsec3Param;
pub use crate::rdata_dnssec::{Dnskey, Ds, Nsec, Nsec3, Rrsig, TypeBitmap, push_canonical, signature_time};
pub use crate::rdata_text::{abbreviated, to_text};

/// Why octets are not the data of a record of that type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RdataError {
    /// Fewer octets than the type needs.
    #[error("record data ends too early")]
    Short,
    /// More octets than the type allows.
    #[error("octets after the end of the record data")]
    Trailing,
    /// A name in it is malformed, or compressed.
    #[error("bad name in record data")]
    Name,
    /// A field has a value that the type does not allow.
    #[error("bad field in record data")]
    Field,
}

/// Reads fields from record data, never beyond its end.
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn new(octets: &'a [u8]) -> Fields<'a> {
        Fields(octets)
    }
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], RdataError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(RdataError::Short)?;
        self.0 = rest;
        Ok(taken)
    }
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], RdataError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(RdataError::Short)?;
        self.0 = rest;
        Ok(*taken)
    }
    pub(crate) fn u8(&mut self) -> Result<u8, RdataError> {
        self.array().map(u8::from_be_bytes)
    }
    pub(crate) fn u16(&mut self) -> Result<u16, RdataError> {
        self.array().map(u16::from_be_bytes)
    }
    pub(crate) fn u32(&mut self) -> Result<u32, RdataError> {
        self.array().map(u32::from_be_bytes)
    }
    pub(crate) fn name(&mut self) -> Result<Name, RdataError> {
        let (name, length) = Name::from_wire_prefix(self.0).map_err(|_| RdataError::Name)?;
        self.take(length)?;
        Ok(name)
    }
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub(crate) fn end<T>(self, value: T) -> Result<T, RdataError> {
        if self.0.is_empty() { Ok(value) } else { Err(RdataError::Trailing) }
    }
}

/// A typed view of record data.
pub trait Rdata: Sized {
    /// The record type.
    const TYPE: RecordType;
    /// The view of these octets.
    ///
    /// # Errors
    /// They are not data of this type.
    fn parse(octets: &[u8]) -> Result<Self, RdataError>;
    /// The octets.
    fn to_rdata(&self) -> RawRdata;
}

macro_rules! inherent {
    ($($view:ident)*) => {$(
        impl $view {
            /// The view of these octets.
            ///
            /// # Errors
            /// They are not data of this type.
            pub fn parse(octets: &[u8]) -> Result<$view, RdataError> {
                <$view as Rdata>::parse(octets)
            }
        }
    )*};
}
inherent! { A Aaaa Ns Cname Dname Ptr Mx Txt Tlsa Ds Dnskey Rrsig Nsec Nsec3 Nsec3Param Soa Srv Caa }

/// IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct A(pub Ipv4Addr);

impl Rdata for A {
    const TYPE: RecordType = RecordType::A;
    fn parse(octets: &[u8]) -> Result<A, RdataError> {
        let mut fields = Fields::new(octets);
        let address = fields.array::<4>()?;
        fields.end(A(address.into()))
    }
    fn to_rdata(&self) -> RawRdata {
        self.0.octets().as_slice().into()
    }
}

/// IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aaaa(pub Ipv6Addr);

impl Rdata for Aaaa {
    const TYPE: RecordType = RecordType::AAAA;
    fn parse(octets: &[u8]) -> Result<Aaaa, RdataError> {
        let mut fields = Fields::new(octets);
        let address = fields.array::<16>()?;
        fields.end(Aaaa(address.into()))
    }
    fn to_rdata(&self) -> RawRdata {
        self.0.octets().as_slice().into()
    }
}

macro_rules! one_name {
    ($(#[$doc:meta])* $view:ident, $rtype:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $view(pub Name);

        impl Rdata for $view {
            const TYPE: RecordType = RecordType::$rtype;
            fn parse(octets: &[u8]) -> Result<$view, RdataError> {
                let mut fields = Fields::new(octets);
                let name = fields.name()?;
                fields.end($view(name))
            }
            fn to_rdata(&self) -> RawRdata {
                self.0.wire().into()
            }
        }
    };
}

one_name! {
    /// The name of a server of the zone.
    Ns, NS
}
one_name! {
    /// The name that the owner is an alias of.
    Cname, CNAME
}
one_name! {
    /// The name that replaces the owner at the end of all names below it.
    Dname, DNAME
}
one_name! {
    /// The name that a reverse lookup returns.
    Ptr, PTR
}

/// A mail exchanger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mx {
    /// Lower is preferred.
    pub preference: u16,
    /// The host; the root means that the domain takes no mail (RFC 7505).
    pub exchange: Name,
}

impl Rdata for Mx {
    const TYPE: RecordType = RecordType::MX;
    fn parse(octets: &[u8]) -> Result<Mx, RdataError> {
        let mut fields = Fields::new(octets);
        let view = Mx { preference: fields.u16()?, exchange: fields.name()? };
        fields.end(view)
    }
    fn to_rdata(&self) -> RawRdata {
        [&self.preference.to_be_bytes(), self.exchange.wire()].concat().into()
    }
}

/// One or more character strings of at most 255 octets each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Txt(pub Vec<Vec<u8>>);

impl Txt {
    /// The strings joined without anything between them, as SPF, DKIM and DMARC read them.
    pub fn joined(&self) -> Vec<u8> {
        self.0.concat()
    }
}

impl Rdata for Txt {
    const TYPE: RecordType = RecordType::TXT;
    fn parse(octets: &[u8]) -> Result<Txt, RdataError> {
        let mut fields = Fields::new(octets);
        let mut strings = Vec::new();
        while !fields.is_empty() {
            let length = fields.u8()?;
            strings.push(fields.take(length.into())?.to_vec());
        }
        // RFC 1035 §3.3.14: one string at least.
        if strings.is_empty() { Err(RdataError::Short) } else { Ok(Txt(strings)) }
    }
    fn to_rdata(&self) -> RawRdata {
        let mut octets = Vec::new();
        for string in &self.0 {
            for chunk in string.chunks(255).chain(string.is_empty().then_some(&[][..])) {
                octets.push(u8::try_from(chunk.len()).unwrap_or(255));
                octets.extend_from_slice(chunk);
            }
        }
        octets.into()
    }
}

/// A TLS certificate association. Any values and any length of data, including none: whether it can be used is decided
/// by RFC 7672, not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tlsa {
    /// Certificate usage: 3 is DANE-EE.
    pub usage: u8,
    /// 0: the whole certificate; 1: its public key.
    pub selector: u8,
    /// 0: as it is; 1: SHA-256; 2: SHA-512.
    pub matching: u8,
    /// The certificate association data.
    pub data: Vec<u8>,
}

impl Rdata for Tlsa {
    const TYPE: RecordType = RecordType::TLSA;
    fn parse(octets: &[u8]) -> Result<Tlsa, RdataError> {
        let mut fields = Fields::new(octets);
        Ok(Tlsa { usage: fields.u8()?, selector: fields.u8()?, matching: fields.u8()?, data: fields.rest().to_vec() })
    }
    fn to_rdata(&self) -> RawRdata {
        [&[self.usage, self.selector, self.matching], self.data.as_slice()].concat().into()
    }
}

/// Start of authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Soa {
    /// The primary server.
    pub primary: Name,
    /// The responsible person's mailbox, its first dot being the `@`.
    pub responsible: Name,
    /// The version of the zone.
    pub serial: u32,
    /// Seconds between a secondary's checks.
    pub refresh: u32,
    /// Seconds before a failed check is repeated.
    pub retry: u32,
    /// Seconds after which a secondary gives up.
    pub expire: u32,
    /// The TTL of negative answers (RFC 2308 §4).
    pub minimum: u32,
}

impl Rdata for Soa {
    const TYPE: RecordType = RecordType::SOA;
    fn parse(octets: &[u8]) -> Result<Soa, RdataError> {
        let mut fields = Fields::new(octets);
        let view = Soa {
            primary: fields.name()?,
            responsible: fields.name()?,
            serial: fields.u32()?,
            refresh: fields.u32()?,
            retry: fields.u32()?,
            expire: fields.u32()?,
            minimum: fields.u32()?,
        };
        fields.end(view)
    }
    fn to_rdata(&self) -> RawRdata {
        let mut octets = [self.primary.wire(), self.responsible.wire()].concat();
        for number in [self.serial, self.refresh, self.retry, self.expire, self.minimum] {
            octets.extend_from_slice(&number.to_be_bytes());
        }
        octets.into()
    }
}

/// Where a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Srv {
    /// Lower is preferred.
    pub priority: u16,
    /// The share among records of one priority.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host.
    pub target: Name,
}

impl Rdata for Srv {
    const TYPE: RecordType = RecordType::SRV;
    fn parse(octets: &[u8]) -> Result<Srv, RdataError> {
        let mut fields = Fields::new(octets);
        let view = Srv { priority: fields.u16()?, weight: fields.u16()?, port: fields.u16()?, target: fields.name()? };
        fields.end(view)
    }
    fn to_rdata(&self) -> RawRdata {
        let numbers = [self.priority, self.weight, self.port].map(u16::to_be_bytes);
        [numbers.as_flattened(), self.target.wire()].concat().into()
    }
}

/// Which authorities may issue certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caa {
    /// Bit 0, the highest: critical.
    pub flags: u8,
    /// `issue`, `issuewild`, `iodef`.
    pub tag: Vec<u8>,
    /// The property's value.
    pub value: Vec<u8>,
}

impl Rdata for Caa {
    const TYPE: RecordType = RecordType::CAA;
    fn parse(octets: &[u8]) -> Result<Caa, RdataError> {
        let mut fields = Fields::new(octets);
        let (flags, length) = (fields.u8()?, fields.u8()?);
        let tag = fields.take(length.into())?.to_vec();
        if tag.is_empty() || !tag.iter().all(u8::is_ascii_alphanumeric) {
            return Err(RdataError::Field);
        }
        Ok(Caa { flags, tag, value: fields.rest().to_vec() })
    }
    fn to_rdata(&self) -> RawRdata {
        let length = u8::try_from(self.tag.len()).unwrap_or(255);
        [&[self.flags, length], self.tag.as_slice(), &self.value].concat().into()
    }
}
