//! One TLSA record: what it says, whether it can be used, and whether a certificate matches it.

use std::fmt;

use mxlab_dns::rdata::abbreviated;
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::CertificateFacts;

/// What the association names (RFC 6698 §2.1.1), as far as SMTP uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Usage {
    /// DANE-TA(2): a trust anchor of the chain.
    TrustAnchor,
    /// DANE-EE(3): the server's own certificate.
    EndEntity,
}

/// The part of the certificate that is compared (RFC 6698 §2.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Selector {
    /// Cert(0): the whole certificate.
    Certificate,
    /// SPKI(1): its public key with algorithm.
    PublicKey,
}

/// How it is compared (RFC 6698 §2.1.3), from the weakest to the strongest digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Matching {
    /// Full(0): byte by byte.
    Full,
    /// SHA2-256(1).
    Sha256,
    /// SHA2-512(2).
    Sha512,
}

/// A TLSA record that can be used.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tlsa {
    /// What the association names.
    pub usage: Usage,
    /// What is compared.
    pub selector: Selector,
    /// How.
    pub matching: Matching,
    /// The certificate, key or digest.
    pub data: Vec<u8>,
}

/// Why a record cannot be used (RFC 7671 §4, RFC 7672 §3.1.3).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// RDATA without all of its three numbers.
    #[error("{0} octets are too short for a TLSA record")]
    TooShort(usize),
    /// RFC 7672 §3.1.3: PKIX-TA(0) and PKIX-EE(1) mean nothing to an MTA.
    #[error("usage {0} is not for SMTP")]
    PkixUsage(u8),
    /// A usage without a meaning.
    #[error("usage {0} is unknown")]
    UnknownUsage(u8),
    /// A selector without a meaning.
    #[error("selector {0} is unknown")]
    UnknownSelector(u8),
    /// A matching type without a meaning.
    #[error("matching type {0} is unknown")]
    UnknownMatching(u8),
    /// A digest whose length does not fit its algorithm.
    #[error("its digest has {found} octets instead of {expected}")]
    DigestLength {
        /// Octets that the algorithm makes.
        expected: usize,
        /// Octets in the record.
        found: usize,
    },
    /// Full(0) with selector Cert(0) whose data is not a certificate.
    #[error("its certificate is malformed")]
    MalformedCertificate,
    /// Full(0) with selector SPKI(1) whose data is not a public key.
    #[error("its public key is malformed")]
    MalformedKey,
}

/// A record of an authentic RRset, classified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Classified {
    /// It can be used.
    Usable(Tlsa),
    /// It must be ignored.
    Unusable {
        /// The record as in the zone, abbreviated.
        record: String,
        /// Why.
        reason: Unusable,
    },
}

/// Classifies the RDATA of a TLSA record. Any octets give a result, never an error.
pub fn classify(rdata: &[u8]) -> Classified {
    match parse(rdata) {
        Ok(tlsa) => Classified::Usable(tlsa),
        Err(reason) => Classified::Unusable { record: presentation(rdata), reason },
    }
}

fn parse(rdata: &[u8]) -> Result<Tlsa, Unusable> {
    let [usage, selector, matching, data @ ..] = rdata else {
        return Err(Unusable::TooShort(rdata.len()));
    };
    let usage = match usage {
        0 | 1 => return Err(Unusable::PkixUsage(*usage)),
        2 => Usage::TrustAnchor,
        3 => Usage::EndEntity,
        _ => return Err(Unusable::UnknownUsage(*usage)),
    };
    let selector = match selector {
        0 => Selector::Certificate,
        1 => Selector::PublicKey,
        _ => return Err(Unusable::UnknownSelector(*selector)),
    };
    let matching = match matching {
        0 => Matching::Full,
        1 => Matching::Sha256,
        2 => Matching::Sha512,
        _ => return Err(Unusable::UnknownMatching(*matching)),
    };
    check_data(selector, matching, data)?;
    Ok(Tlsa { usage, selector, matching, data: data.to_vec() })
}

fn check_data(selector: Selector, matching: Matching, data: &[u8]) -> Result<(), Unusable> {
    let digest = |expected| {
        let found = data.len();
        if found == expected { Ok(()) } else { Err(Unusable::DigestLength { expected, found }) }
    };
    match (matching, selector) {
        (Matching::Sha256, _) => digest(32),
        (Matching::Sha512, _) => digest(64),
        (Matching::Full, Selector::Certificate) => match x509_parser::parse_x509_certificate(data) {
            Ok(([], _)) => Ok(()),
            _ => Err(Unusable::MalformedCertificate),
        },
        (Matching::Full, Selector::PublicKey) => match SubjectPublicKeyInfo::from_der(data) {
            Ok(([], _)) => Ok(()),
            _ => Err(Unusable::MalformedKey),
        },
    }
}

/// RFC 7671 §9, digest agility: for each usage and selector only the strongest digest counts. Full(0) is not a digest
/// and always counts.
pub fn strongest(records: &[Tlsa]) -> Vec<Tlsa> {
    let stronger = |a: &Tlsa, b: &Tlsa| a.usage == b.usage && a.selector == b.selector && a.matching > b.matching;
    let counts =
        |record: &&Tlsa| record.matching == Matching::Full || !records.iter().any(|other| stronger(other, record));
    records.iter().filter(counts).cloned().collect()
}

impl Tlsa {
    /// Whether this record matches the server's own certificate; other certificates of the chain do not matter.
    pub fn matches_leaf(&self, certificate: &CertificateFacts) -> bool {
        self.data == self.matching.apply(self.selector.of(certificate))
    }

    /// The data that a matching record for this certificate would hold.
    pub fn presented(&self, certificate: &CertificateFacts) -> Vec<u8> {
        self.matching.apply(self.selector.of(certificate))
    }

    /// The words for what the record is compared with.
    pub fn subject(&self) -> &'static str {
        match self.selector {
            Selector::Certificate => "certificate",
            Selector::PublicKey => "certificate's key",
        }
    }

    /// Usage, selector and matching type: `3 1 1`.
    pub fn kind(&self) -> String {
        let usage = match self.usage {
            Usage::TrustAnchor => 2,
            Usage::EndEntity => 3,
        };
        format!("{usage} {} {}", self.selector as u8, self.matching as u8)
    }
}

/// As in the zone, with the data abbreviated: `3 1 1 3111…1838`.
impl fmt::Display for Tlsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), abbreviated(&self.data))
    }
}

impl fmt::Debug for Tlsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tlsa({self})")
    }
}

impl Selector {
    fn of(self, certificate: &CertificateFacts) -> &[u8] {
        match self {
            Selector::Certificate => &certificate.leaf,
            Selector::PublicKey => &certificate.public_key,
        }
    }
}

impl Matching {
    fn apply(self, data: &[u8]) -> Vec<u8> {
        use ring::digest::{SHA256, SHA512, digest};
        match self {
            Matching::Full => data.to_vec(),
            Matching::Sha256 => digest(&SHA256, data).as_ref().to_vec(),
            Matching::Sha512 => digest(&SHA512, data).as_ref().to_vec(),
        }
    }
}

/// RDATA as in the zone, with the data abbreviated; RDATA that is too short is shown as octets.
fn presentation(rdata: &[u8]) -> String {
    match rdata {
        [usage, selector, matching, data @ ..] => format!("{usage} {selector} {matching} {}", abbreviated(data)),
        _ => format!("\\# {} {}", rdata.len(), abbreviated(rdata)),
    }
}
