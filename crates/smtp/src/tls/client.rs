//! TLS to a mail host: a client that reports everything about the certificate and judges nothing.
//!
//! Whether a certificate is good is the caller's decision (DANE's, for example), made from the facts that this module returns
//! and before any SMTP command goes through the session. This module only requires that the server has the certificate's
//! private key: the handshake signature is verified with the public key in the certificate. `webpki` is not used to
//! read the certificate for that, because a usage-3 record may name one that it does not accept.

use std::fmt;
use std::io;
use std::sync::Arc;

use mxlab_env::Env;
use mxlab_env::tls::{crypto_provider, key_log, time_provider};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, PeerMisbehaved, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::certificate::CertificateFacts;

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
    /// The server did not continue in time.
    #[error("the server stalled")]
    Stalled,
    /// More than the reply to STARTTLS came in clear. It does not come from the server (CVE-2011-0411).
    #[error("there was plaintext behind the reply to STARTTLS")]
    Injected,
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
        config.key_log = key_log();
        Ok(Client { connector: TlsConnector::from(Arc::new(config)) })
    }

    /// Does the handshake over `stream` with `name` in SNI, and reads the certificate. An IP address may be used as a
    /// name; it is not put into SNI (RFC 6066 §3).
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
        let facts = CertificateFacts::of_chain(stream.get_ref().1.peer_certificates().unwrap_or_default());
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
