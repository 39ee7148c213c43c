//! The content of a certificate.

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

/// How many certificates of a chain are kept, beside the server's own.
const MOST_CERTIFICATES: usize = 20;

/// What a TLS client learns about the server's certificate. The handshake signature has been verified with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The server's own certificate, DER.
    pub leaf: Vec<u8>,
    /// Its SubjectPublicKeyInfo, DER.
    pub public_key: Vec<u8>,
    /// Start of its validity.
    pub not_before: Timestamp,
    /// End of its validity; that second is still valid (RFC 5280 §4.1.2.5).
    pub not_after: Timestamp,
    /// DNS names in its subject alternative name, else its common names; lower case.
    pub names: Vec<String>,
    /// The other certificates that the server sent, DER, in its order.
    pub chain: Vec<Vec<u8>>,
}

impl CertificateFacts {
    /// The facts of a chain as it was sent, the server's own certificate first. The handshake signature has been verified with
    /// its key, so it is there and can be read; otherwise no record would match it.
    pub(super) fn of_chain(certificates: &[CertificateDer<'_>]) -> CertificateFacts {
        let (leaf, rest) = match certificates {
            [leaf, rest @ ..] => (leaf.to_vec(), rest),
            [] => (Vec::new(), certificates),
        };
        let chain = rest.iter().take(MOST_CERTIFICATES).map(|der| der.to_vec()).collect();
        let Ok((_, certificate)) = x509_parser::parse_x509_certificate(&leaf) else {
            let (not_before, not_after) = (Timestamp::MIN, Timestamp::MAX);
            return CertificateFacts { leaf, public_key: Vec::new(), not_before, not_after, names: Vec::new(), chain };
        };
        let validity = certificate.validity();
        CertificateFacts {
            public_key: certificate.public_key().raw.to_vec(),
            not_before: moment(validity.not_before.timestamp()),
            not_after: moment(validity.not_after.timestamp()),
            names: names(&certificate),
            chain,
            leaf: leaf.clone(),
        }
    }
}

/// The moment so many seconds after 1970, or the last (or first) one that can be represented: RFC 5280 §4.1.2.5 has
/// 99991231235959Z stand for a certificate without a well-defined end.
fn moment(seconds: i64) -> Timestamp {
    let limit = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(seconds).unwrap_or(limit)
}

/// RFC 6125 §6.4.4: the common names count only if there are no DNS names in the subject alternative name.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let alternative: Vec<_> = match certificate.subject_alternative_name() {
        Ok(Some(extension)) => extension
            .value
            .general_names
            .iter()
            .filter_map(|name| match name {
                GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
                _ => None,
            })
            .collect(),
        Ok(None) | Err(_) => Vec::new(),
    };
    if !alternative.is_empty() {
        return alternative;
    }
    let common = certificate.subject().iter_common_name();
    common.filter_map(|name| name.as_str().ok()).map(str::to_ascii_lowercase).collect()
}
