//! TLS to a mail host: a client that reports everything about the certificate and judges nothing.
//!
//! Whether a certificate is good is DANE's decision ([`crate::dane`]), made from the facts that this module returns and
//! before any SMTP command goes through the session. This module only requires that the server has the certificate's
//! private key: the handshake signature is verified with the public key in the certificate. `webpki` is not used to
//! read the certificate for that, because a usage-3 record may name one that it does not accept.

use std::fmt;
use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use mxlab_env::Env;
use mxlab_env::tls::{crypto_provider, time_provider};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, PeerMisbehaved, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use crate::dane::CertificateFacts;

/// How many certificates of a chain are kept.
const MOST_CERTIFICATES: usize = 20;

/// Why a handshake did not complete.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// The server ended it with an alert.
    #[error("the server sent the alert {0}")]
    Alert(String),
    /// What the server sent is not TLS.
    #[error("what the server sent is not TLS")]
    Garbage,
    /// The two sides have no version or algorithm in common.
    #[error("no common ground: {0}")]
    Incompatible(String),
    /// The server closed the connection.
    #[error("the server closed the connection")]
    Closed,
    /// The server's certificate cannot be read.
    #[error("the server's certificate cannot be read")]
    Unreadable,
    /// The server did not prove that it holds the certificate's key.
    #[error("the handshake signature does not fit the certificate's key")]
    Signature,
    /// The host's name cannot be put into SNI.
    #[error("{0} is no name for SNI")]
    Name(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// The client's side of TLS, set up once.
#[derive(Clone)]
pub struct Client {
    connector: TlsConnector,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

impl Client {
    /// A client for TLS 1.2 and 1.3 whose clock and randomness are those of `env`. It resumes no sessions, so that every
    /// attempt sees the certificate.
    ///
    /// # Errors
    /// Those of rustls, if the provider lacks algorithms for these versions.
    pub fn new(env: &Env) -> Result<Client, Error> {
        let provider = crypto_provider();
        let verifier = Recording { algorithms: provider.signature_verification_algorithms };
        let mut config = ClientConfig::builder_with_details(provider, time_provider(env))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(Client { connector: TlsConnector::from(Arc::new(config)) })
    }

    /// Does the handshake over `stream` with `name` in SNI, and reads the certificate.
    ///
    /// # Errors
    /// Anything that prevents the handshake. A merely wrong certificate does not, and an unreadable part of it cannot
    /// make an established session look like a failed one.
    pub async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        name: &str,
    ) -> Result<(TlsStream<S>, CertificateFacts), HandshakeError> {
        let server_name = ServerName::try_from(name.to_owned()).map_err(|_| HandshakeError::Name(name.to_owned()))?;
        let stream = self.connector.connect(server_name, stream).await.map_err(HandshakeError::from_io)?;
        let facts = read_chain(stream.get_ref().1.peer_certificates().unwrap_or_default());
        Ok((stream, facts))
    }
}

impl HandshakeError {
    fn from_io(error: io::Error) -> HandshakeError {
        if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            return HandshakeError::from_rustls(error);
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => HandshakeError::Closed,
            _ => HandshakeError::Other(error.to_string()),
        }
    }

    fn from_rustls(error: &Error) -> HandshakeError {
        match error {
            Error::AlertReceived(alert) => HandshakeError::Alert(format!("{alert:?}")),
            Error::InvalidMessage(_) => HandshakeError::Garbage,
            Error::PeerIncompatible(reason) => HandshakeError::Incompatible(format!("{reason:?}")),
            Error::InvalidCertificate(CertificateError::BadSignature) => HandshakeError::Signature,
            Error::InvalidCertificate(_) | Error::NoCertificatesPresented => HandshakeError::Unreadable,
            error => HandshakeError::Other(error.to_string()),
        }
    }
}

/// Accepts every certificate, and verifies that the server holds its key.
#[derive(Debug)]
struct Recording {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Recording {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = public_key(certificate)?;
        let key = webpki::RawPublicKeyEntity::try_from(&key).map_err(|_| CertificateError::BadEncoding)?;
        // In TLS 1.2 a scheme does not fix the curve (RFC 5246 §7.4.1.4.1), so several algorithms may stand for it.
        let candidates = self.algorithms.mapping.iter().find(|(scheme, _)| *scheme == signed.scheme);
        let (_, algorithms) = candidates.ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
        let fits =
            algorithms.iter().any(|algorithm| key.verify_signature(*algorithm, message, signed.signature()).is_ok());
        if fits { Ok(HandshakeSignatureValid::assertion()) } else { Err(CertificateError::BadSignature.into()) }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature_with_raw_key(message, &public_key(certificate)?, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn public_key(certificate: &[u8]) -> Result<SubjectPublicKeyInfoDer<'static>, Error> {
    let (_, certificate) =
        x509_parser::parse_x509_certificate(certificate).map_err(|_| CertificateError::BadEncoding)?;
    Ok(SubjectPublicKeyInfoDer::from(certificate.public_key().raw.to_vec()))
}

/// The facts of a chain as it was sent, the server's own certificate first. The handshake signature has been verified with
/// its key, so it is there and can be read; otherwise no record would match it.
fn read_chain(certificates: &[CertificateDer<'_>]) -> CertificateFacts {
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
