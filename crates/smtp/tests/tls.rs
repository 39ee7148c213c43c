//! The TLS client against servers with all sorts of certificates, over pipes in memory.

#![allow(clippy::unwrap_used, reason = "a test that cannot build its world has failed")]

use std::sync::Arc;

use mxlab_smtp::tls::{CertificateFacts, Client, HandshakeError};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

/// Presents a certificate whether or not it fits its key, and whether or not webpki could read it.
#[derive(Debug)]
struct Presents(Arc<CertifiedKey>);

impl ResolvesServerCert for Presents {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        assert_eq!(hello.server_name(), Some("mx1.fabrikam.example"));
        Some(self.0.clone())
    }
}

fn key(algorithm: &'static rcgen::SignatureAlgorithm) -> rcgen::KeyPair {
    rcgen::KeyPair::generate_for(algorithm).unwrap()
}

fn certificate(key: &rcgen::KeyPair, names: &[&str], common_name: &str) -> Vec<u8> {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut parameters = rcgen::CertificateParams::new(names).unwrap();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, common_name);
    parameters.not_before = rcgen::date_time_ymd(1999, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(1999, 12, 31);
    parameters.self_signed(key).unwrap().der().to_vec()
}

async fn handshake(
    chain: Vec<Vec<u8>>,
    key: &rcgen::KeyPair,
    version: &'static SupportedProtocolVersion,
) -> Result<CertificateFacts, HandshakeError> {
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let chain = chain.into_iter().map(CertificateDer::from).collect();
    let presented = CertifiedKey::new(chain, any_supported_type(&key).unwrap());
    let config = ServerConfig::builder_with_provider(mxlab_env::tls::crypto_provider())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Presents(Arc::new(presented))));
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let env = mxlab_env::real::env(std::env::temp_dir());
    let client = Client::new(&env).unwrap();
    let server = async {
        let mut stream = TlsAcceptor::from(Arc::new(config)).accept(theirs).await.ok()?;
        stream.write_all(b"250 here").await.ok()
    };
    let client = async {
        let (mut stream, facts) = client.handshake(ours, "mx1.fabrikam.example").await?;
        let mut greeting = [0; 8];
        stream.read_exact(&mut greeting).await.unwrap();
        assert_eq!(&greeting, b"250 here");
        Ok(facts)
    };
    tokio::join!(server, client).1
}

const VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

#[tokio::test]
async fn every_kind_of_key_and_version() {
    for algorithm in [&rcgen::PKCS_ED25519, &rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384] {
        for version in VERSIONS {
            let key = key(algorithm);
            let leaf = certificate(&key, &["MX1.fabrikam.example"], "ignored");
            let facts = handshake(vec![leaf.clone(), b"issuer".to_vec()], &key, version).await.unwrap();
            assert_eq!(facts.leaf, leaf);
            assert_eq!(facts.chain, [b"issuer"]);
            assert_eq!(facts.names, ["mx1.fabrikam.example"]);
            // Expired decades ago, which does not matter here.
            assert_eq!(facts.not_before.to_string(), "1999-01-01T00:00:00Z");
            assert_eq!(facts.not_after.to_string(), "1999-12-31T00:00:00Z");
            let (_, parsed) = x509_parser::parse_x509_certificate(&leaf).unwrap();
            assert_eq!(facts.public_key, parsed.public_key().raw);
        }
    }
}

/// RFC 5280 §4.1.2.5: 99991231235959Z says that there is no well-defined end.
#[tokio::test]
async fn a_certificate_without_end() {
    let key = key(&rcgen::PKCS_ED25519);
    let mut parameters = rcgen::CertificateParams::new(vec!["mx1.fabrikam.example".to_owned()]).unwrap();
    parameters.not_after = rcgen::date_time_ymd(9999, 12, 31) + std::time::Duration::from_secs(86_399);
    let leaf = parameters.self_signed(&key).unwrap().der().to_vec();
    assert!(leaf.windows(15).any(|octets| octets == b"99991231235959Z"));
    for version in VERSIONS {
        let facts = handshake(vec![leaf.clone()], &key, version).await.unwrap();
        assert_eq!(facts.not_after, jiff::Timestamp::MAX);
        assert_eq!(facts.leaf, leaf);
    }
}

#[tokio::test]
async fn common_names_count_only_without_alternatives() {
    let key = key(&rcgen::PKCS_ED25519);
    let leaf = certificate(&key, &[], "MX1.Fabrikam.Example");
    let facts = handshake(vec![leaf], &key, &rustls::version::TLS13).await.unwrap();
    assert_eq!(facts.names, ["mx1.fabrikam.example"]);
}

#[tokio::test]
async fn a_server_without_the_certificates_key_is_found_out() {
    for algorithm in [&rcgen::PKCS_ED25519, &rcgen::PKCS_ECDSA_P256_SHA256] {
        for version in VERSIONS {
            let stolen = certificate(&key(algorithm), &["mx1.fabrikam.example"], "x");
            let result = handshake(vec![stolen], &key(algorithm), version).await;
            assert_eq!(result.unwrap_err(), HandshakeError::Signature);
        }
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_can_read() {
    let key = key(&rcgen::PKCS_ED25519);
    let result = handshake(vec![b"not DER".to_vec()], &key, &rustls::version::TLS13).await;
    assert_eq!(result.unwrap_err(), HandshakeError::Unreadable);
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    let mut der = if length < 128 { vec![tag, length] } else { vec![tag, 0x81, length] };
    der.extend_from_slice(content);
    der
}

/// An X.509 version 1 certificate without names, which webpki refuses to read. Its own signature is nonsense.
fn version_1(public_key: &[u8]) -> Vec<u8> {
    const ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];
    let algorithm = der(0x30, &ED25519);
    let validity = der(0x30, &[der(0x17, b"260101000000Z"), der(0x17, b"270101000000Z")].concat());
    let nobody = der(0x30, &[]);
    let tbs = [der(0x02, &[1]), algorithm.clone(), nobody.clone(), validity, nobody, public_key.to_vec()].concat();
    let signature = der(0x03, &[0; 65]);
    der(0x30, &[der(0x30, &tbs), algorithm, signature].concat())
}

#[tokio::test]
async fn a_certificate_that_webpki_cannot_read() {
    let key = key(&rcgen::PKCS_ED25519);
    let readable = certificate(&key, &["x.example"], "x");
    let public_key = x509_parser::parse_x509_certificate(&readable).unwrap().1.public_key().raw.to_vec();
    let leaf = version_1(&public_key);
    assert!(webpki::EndEntityCert::try_from(&CertificateDer::from(leaf.clone())).is_err());
    for version in VERSIONS {
        let facts = handshake(vec![leaf.clone()], &key, version).await.unwrap();
        assert_eq!((facts.leaf, facts.public_key), (leaf.clone(), public_key.clone()));
        assert!(facts.names.is_empty());
    }
    let result = handshake(vec![leaf], &self::key(&rcgen::PKCS_ED25519), &rustls::version::TLS13).await;
    assert_eq!(result.unwrap_err(), HandshakeError::Signature);
}
