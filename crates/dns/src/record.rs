//! Resource records and the numbers that name their types, classes and response codes (RFC 1035 §3.2, RFC 3597).

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

use crate::name::Name;

/// A record type: its number in the IANA registry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordType(pub u16);

macro_rules! record_types {
    ($($(#[$doc:meta])* $name:ident = $number:literal;)*) => {
        impl RecordType {
            $($(#[$doc])* pub const $name: RecordType = RecordType($number);)*

            /// The mnemonic, for the types that have one here.
            pub fn mnemonic(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some(stringify!($name)),)*
                    _ => None,
                }
            }

            /// All types that have a mnemonic here.
            pub const KNOWN: &[RecordType] = &[$(RecordType($number)),*];
        }
    };
}

record_types! {
    /// IPv4 address (RFC 1035 §3.4.1).
    A = 1;
    /// Name server (RFC 1035 §3.3.11).
    NS = 2;
    /// Alias (RFC 1035 §3.3.1).
    CNAME = 5;
    /// Start of authority (RFC 1035 §3.3.13).
    SOA = 6;
    /// Pointer, for reverse lookups (RFC 1035 §3.3.12).
    PTR = 12;
    /// Mail exchange (RFC 1035 §3.3.9).
    MX = 15;
    /// Text (RFC 1035 §3.3.14).
    TXT = 16;
    /// IPv6 address (RFC 3596 §2).
    AAAA = 28;
    /// Service location (RFC 2782).
    SRV = 33;
    /// Alias of a subtree (RFC 6672).
    DNAME = 39;
    /// EDNS pseudo-record (RFC 6891).
    OPT = 41;
    /// Delegation signer (RFC 4034 §5).
    DS = 43;
    /// Signature (RFC 4034 §3).
    RRSIG = 46;
    /// Denial of existence (RFC 4034 §4).
    NSEC = 47;
    /// Public key of a zone (RFC 4034 §2).
    DNSKEY = 48;
    /// Hashed denial of existence (RFC 5155 §3).
    NSEC3 = 50;
    /// Parameters of hashed denial (RFC 5155 §4).
    NSEC3PARAM = 51;
    /// TLS certificate association (RFC 6698).
    TLSA = 52;
    /// In the types of a compact denial: the name does not exist (RFC 9824 §3.1).
    NXNAME = 128;
    /// Any type; only in questions (RFC 8482).
    ANY = 255;
    /// Certification authority authorization (RFC 8659).
    CAA = 257;
}

impl RecordType {
    /// Whether a client gets records of this type only if it asks for them or sets DO (RFC 4035 §3.2.1).
    pub fn is_dnssec(self) -> bool {
        matches!(self, RecordType::RRSIG | RecordType::NSEC | RecordType::NSEC3)
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mnemonic() {
            Some(mnemonic) => f.write_str(mnemonic),
            None => write!(f, "TYPE{}", self.0),
        }
    }
}

impl fmt::Debug for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The text is not a record type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a record type")]
pub struct UnknownRecordType;

impl FromStr for RecordType {
    type Err = UnknownRecordType;

    /// A mnemonic in any case, or `TYPE` and a number (RFC 3597 §5).
    fn from_str(text: &str) -> Result<RecordType, UnknownRecordType> {
        if let Some(known) =
            RecordType::KNOWN.iter().find(|known| known.mnemonic().is_some_and(|name| name.eq_ignore_ascii_case(text)))
        {
            return Ok(*known);
        }
        let number = text.get(..4).filter(|start| start.eq_ignore_ascii_case("TYPE")).and_then(|_| text.get(4..));
        let number = number.filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
        number.and_then(|digits| digits.parse().ok()).map(RecordType).ok_or(UnknownRecordType)
    }
}

/// A class. Everything here is [`Class::IN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class(pub u16);

impl Class {
    /// The Internet.
    pub const IN: Class = Class(1);
}

/// A response code, extended by EDNS to 12 bits (RFC 6891 §6.1.3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rcode(pub u16);

impl Rcode {
    /// No error.
    pub const NOERROR: Rcode = Rcode(0);
    /// The query could not be read.
    pub const FORMERR: Rcode = Rcode(1);
    /// The server failed.
    pub const SERVFAIL: Rcode = Rcode(2);
    /// The name does not exist.
    pub const NXDOMAIN: Rcode = Rcode(3);
    /// The server does not do this kind of query.
    pub const NOTIMP: Rcode = Rcode(4);
    /// The server does not want to answer.
    pub const REFUSED: Rcode = Rcode(5);
    /// A name exists that should not; for DNAME: it would become too long (RFC 6672 §2.2).
    pub const YXDOMAIN: Rcode = Rcode(6);
    /// Unknown EDNS version (RFC 6891 §9).
    pub const BADVERS: Rcode = Rcode(16);
}

impl fmt::Display for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Rcode::NOERROR => f.write_str("NOERROR"),
            Rcode::FORMERR => f.write_str("FORMERR"),
            Rcode::SERVFAIL => f.write_str("SERVFAIL"),
            Rcode::NXDOMAIN => f.write_str("NXDOMAIN"),
            Rcode::NOTIMP => f.write_str("NOTIMP"),
            Rcode::REFUSED => f.write_str("REFUSED"),
            Rcode::YXDOMAIN => f.write_str("YXDOMAIN"),
            Rcode::BADVERS => f.write_str("BADVERS"),
            Rcode(other) => write!(f, "RCODE{other}"),
        }
    }
}

impl fmt::Debug for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The data of a record as octets, names in it uncompressed. Clones share them.
///
/// The octets may be anything: the code that reads them checks them against the type (`rdata::Mx::parse` and so on), so one
/// odd record never spoils a message.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawRdata(Arc<[u8]>);

impl RawRdata {
    /// The octets.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Deref for RawRdata {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for RawRdata {
    fn from(octets: Vec<u8>) -> RawRdata {
        RawRdata(octets.into())
    }
}

impl From<&[u8]> for RawRdata {
    fn from(octets: &[u8]) -> RawRdata {
        RawRdata(octets.into())
    }
}

impl fmt::Debug for RawRdata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", data_encoding::HEXLOWER.encode(&self.0))
    }
}

/// A resource record.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// The owner.
    pub name: Name,
    /// The class.
    pub class: Class,
    /// The type.
    pub rtype: RecordType,
    /// Time to live, in seconds.
    pub ttl: u32,
    /// The data.
    pub rdata: RawRdata,
}

impl Record {
    /// A record of class IN.
    pub fn new(name: Name, rtype: RecordType, ttl: u32, rdata: impl Into<RawRdata>) -> Record {
        Record { name, class: Class::IN, rtype, ttl, rdata: rdata.into() }
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// All records of one owner and type, and their one TTL (RFC 2181 §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rrset {
    /// The owner.
    pub name: Name,
    /// The type.
    pub rtype: RecordType,
    /// Time to live, in seconds.
    pub ttl: u32,
    /// The data of each record, in the order in which they were given.
    pub rdatas: Vec<RawRdata>,
}

impl Rrset {
    /// The records.
    pub fn records(&self) -> impl Iterator<Item = Record> {
        self.rdatas.iter().map(|rdata| Record::new(self.name.clone(), self.rtype, self.ttl, rdata.clone()))
    }
}
