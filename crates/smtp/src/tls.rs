//! TLS for SMTP (RFC 3207), both sides, with the clock and the randomness of an env.
//!
//! [`Client`] learns everything about the server's certificate and judges nothing. [`server_config`] presents certificates.
//! Neither resumes sessions, so each handshake shows the certificate.

mod certificate;
mod client;

use std::sync::Arc;

use mxlab_env::Env;
use mxlab_env::tls::{crypto_provider, key_log, time_provider};
use rustls::server::{NoServerSessionStorage, ResolvesServerCert};
use rustls::{Error, ServerConfig, SupportedProtocolVersion};

pub use certificate::CertificateFacts;
pub use client::{Client, HandshakeError};

/// The server's side of TLS in these versions, with the certificates of `certificates`, without client certificates and
/// without tickets.
///
/// # Errors
/// Those of rustls, if the provider lacks algorithms for these versions.
pub fn server_config(
    env: &Env,
    versions: &[&'static SupportedProtocolVersion],
    certificates: Arc<dyn ResolvesServerCert>,
) -> Result<Arc<ServerConfig>, Error> {
    let mut config = ServerConfig::builder_with_details(crypto_provider(), time_provider(env))
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.key_log = key_log();
    Ok(Arc::new(config))
}
