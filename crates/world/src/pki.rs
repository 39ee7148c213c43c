//! Certification authorities and certificates, made when the world is built.
//!
//! One public authority exists in every world and is trusted; a file may declare others. Keys are Ed25519, whose
//! signatures are deterministic (RFC 8032 §5.1.6), derived from the world's [`Identity`], so the same declaration gives the
//! same certificate and digests in every file of that world, and in every process.

use std::sync::Arc;

use jiff::Timestamp;
use mxlab_env::memo::Memo;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ED25519, PublicKeyData, SerialNumber,
};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use crate::derive::Identity;

/// Why a certificate could not be made. The declaration is at fault: an invalid name, or dates beyond what certificates
/// can say.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// rcgen refused.
    #[error("certificate `{name}` cannot be made: {reason}")]
    Refused {
        /// The declaration's name.
        name: String,
        /// rcgen's words.
        reason: String,
    },
    /// A date outside the years that certificates can state.
    #[error("certificate `{name}`: the date {date} is outside what certificates can state")]
    Date {
        /// The declaration's name.
        name: String,
        /// The date asked for.
        date: Timestamp,
    },
}

/// Who issues a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssuerName {
    /// The authority that everybody trusts.
    Public,
    /// Nobody: self-signed.
    Own,
    /// A declared authority.
    Declared(String),
}

/// A certificate to be made.
#[derive(Clone, Debug)]
pub struct CertificateSpec {
    /// Its name in the scenario.
    pub name: String,
    /// The host names that it is valid for, as subject alternative names.
    pub names: Vec<String>,
    /// Who signs it.
    pub issuer: IssuerName,
    /// First second of validity.
    pub from: Timestamp,
    /// Last second of validity.
    pub until: Timestamp,
    /// The name of the certificate whose key it shares; its own name for a key of its own.
    pub key: String,
    /// What the server sends with it.
    pub sends: Sends,
}

/// What a server sends in its Certificate message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Sends {
    /// The leaf and all intermediates, without the root.
    #[default]
    Chain,
    /// The leaf alone.
    Leaf,
    /// Everything, the root included.
    ChainWithRoot,
}

/// A certification authority to be made.
#[derive(Clone, Debug)]
pub struct AuthoritySpec {
    /// Its name in the scenario.
    pub name: String,
    /// The authority that issued its certificate; none for a root.
    pub parent: Option<String>,
    /// First second of validity.
    pub from: Timestamp,
    /// Last second of validity.
    pub until: Timestamp,
}

/// A certificate as made: what a server needs to present it, and what zone texts may refer to.
#[derive(Clone, Debug)]
pub struct MadeCertificate {
    /// The certificate itself, DER.
    pub certificate: Vec<u8>,
    /// Its SubjectPublicKeyInfo, DER: what selector 1 of a TLSA record means (RFC 6698 §2.1.2).
    pub public_key_info: Vec<u8>,
    /// Chain and key for a TLS server.
    pub certified_key: Arc<CertifiedKey>,
}

/// A certification authority as made.
pub struct MadeAuthority {
    /// Its certificate, DER.
    pub certificate: CertificateDer<'static>,
    /// Its SubjectPublicKeyInfo, DER.
    pub public_key_info: Vec<u8>,
    params: CertificateParams,
    key: KeyPair,
    /// The certificates between it and its root, nearest first, without the root; then the root.
    above: Vec<CertificateDer<'static>>,
}

impl std::fmt::Debug for MadeAuthority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MadeAuthority").field("params", &self.params).finish_non_exhaustive()
    }
}

fn key_pair(identity: &Identity, kind: &str, name: &str) -> Result<KeyPair, PkiError> {
    // RFC 8410 §7: the PKCS #8 form of an Ed25519 private key is this prefix and the 32-byte seed.
    const PREFIX: [u8; 16] =
        [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    let mut der = PREFIX.to_vec();
    der.extend_from_slice(&identity.bytes(kind, name));
    KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(der), &PKCS_ED25519).map_err(|e| refused(name, &e))
}

fn refused(name: &str, error: &rcgen::Error) -> PkiError {
    PkiError::Refused { name: name.to_owned(), reason: error.to_string() }
}

fn base_params(
    identity: &Identity,
    name: &str,
    alternative_names: &[String],
    from: Timestamp,
    until: Timestamp,
) -> Result<CertificateParams, PkiError> {
    let mut params = CertificateParams::new(alternative_names.to_vec()).map_err(|e| refused(name, &e))?;
    let date = |at: Timestamp| {
        u64::try_from(at.as_second())
            .ok()
            // X.509 dates end with the year 9999 (RFC 5280 §4.1.2.5).
            .filter(|seconds| *seconds <= 253_402_300_799)
            .and_then(|seconds| std::time::Duration::from_secs(seconds).try_into().ok())
            .and_then(|span| rcgen::date_time_ymd(1970, 1, 1).checked_add(span))
            .ok_or(PkiError::Date { name: name.to_owned(), date: at })
    };
    params.not_before = date(from)?;
    params.not_after = date(until)?;
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, alternative_names.first().map_or(name, String::as_str));
    params.distinguished_name = subject;
    let mut serial = identity.bytes("serial", name);
    serial[0] &= 0x7f; // RFC 5280 §4.1.2.2: positive, at most 20 octets
    params.serial_number = Some(SerialNumber::from_slice(&serial[..16]));
    Ok(params)
}

/// Authorities and certificates, by all that they are made from.
static AUTHORITIES: Memo<Arc<MadeAuthority>> = Memo::new(1_024);
static CERTIFICATES: Memo<MadeCertificate> = Memo::new(4_096);

/// The first and the last second of validity, as arguments of a memo.
fn validity(from: Timestamp, until: Timestamp) -> [u8; 16] {
    let mut octets = [0; 16];
    octets[..8].copy_from_slice(&from.as_second().to_be_bytes());
    octets[8..].copy_from_slice(&until.as_second().to_be_bytes());
    octets
}

/// The certificates from an authority up to its root, as arguments of a memo.
fn path(authority: Option<&MadeAuthority>) -> Vec<&[u8]> {
    let above = authority.into_iter().flat_map(|it| std::iter::once(&it.certificate).chain(&it.above));
    above.map(|certificate| certificate.as_ref()).collect()
}

/// Makes an authority. `parent` is the authority that issues its certificate, none for a root.
///
/// # Errors
/// If its dates cannot be stated in a certificate.
pub fn make_authority(
    identity: &Identity,
    spec: &AuthoritySpec,
    parent: Option<&MadeAuthority>,
) -> Result<Arc<MadeAuthority>, PkiError> {
    let own = [identity.bytes("ca-key", &spec.name), identity.bytes("serial", &spec.name)].concat();
    let validity = validity(spec.from, spec.until);
    let of: [&[u8]; 3] = [&own, spec.name.as_bytes(), &validity];
    let of: Vec<&[u8]> = of.into_iter().chain(path(parent)).collect();
    AUTHORITIES.try_recall(&of, || make_authority_anew(identity, spec, parent).map(Arc::new))
}

fn make_authority_anew(
    identity: &Identity,
    spec: &AuthoritySpec,
    parent: Option<&MadeAuthority>,
) -> Result<MadeAuthority, PkiError> {
    let key = key_pair(identity, "ca-key", &spec.name)?;
    let mut params = base_params(identity, &spec.name, &[], spec.from, spec.until)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let mut above = Vec::new();
    let certificate = match parent {
        None => params.self_signed(&key),
        Some(parent) => {
            above.push(parent.certificate.clone());
            above.extend(parent.above.iter().cloned());
            params.signed_by(&key, &Issuer::from_params(&parent.params, &parent.key))
        }
    }
    .map_err(|e| refused(&spec.name, &e))?;
    Ok(MadeAuthority {
        certificate: certificate.der().clone(),
        public_key_info: key.subject_public_key_info(),
        params,
        key,
        above,
    })
}

/// Makes a server certificate. `issuer` is the authority that signs it, none for a self-signed one.
///
/// # Errors
/// If a name is not a DNS name, or the dates cannot be stated in a certificate.
pub fn make_certificate(
    identity: &Identity,
    spec: &CertificateSpec,
    issuer: Option<&MadeAuthority>,
) -> Result<MadeCertificate, PkiError> {
    let own = [identity.bytes("cert-key", &spec.key), identity.bytes("serial", &spec.name)].concat();
    let (names, validity, sends) = (spec.names.join("\n"), validity(spec.from, spec.until), [spec.sends as u8]);
    let of: [&[u8]; 5] = [&own, spec.name.as_bytes(), names.as_bytes(), &validity, &sends];
    let of: Vec<&[u8]> = of.into_iter().chain(path(issuer)).collect();
    CERTIFICATES.try_recall(&of, || make_certificate_anew(identity, spec, issuer))
}

fn make_certificate_anew(
    identity: &Identity,
    spec: &CertificateSpec,
    issuer: Option<&MadeAuthority>,
) -> Result<MadeCertificate, PkiError> {
    let key = key_pair(identity, "cert-key", &spec.key)?;
    let mut params = base_params(identity, &spec.name, &spec.names, spec.from, spec.until)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let made = match issuer {
        None => params.self_signed(&key),
        Some(issuer) => params.signed_by(&key, &Issuer::from_params(&issuer.params, &issuer.key)),
    }
    .map_err(|e| refused(&spec.name, &e))?;
    let chain = chain_to_send(made.der().clone(), issuer, spec.sends);
    let signing = rustls::crypto::ring::sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(key.serialize_der()))
        .map_err(|error| PkiError::Refused { name: spec.name.clone(), reason: error.to_string() })?;
    Ok(MadeCertificate {
        certificate: made.der().to_vec(),
        public_key_info: key.subject_public_key_info(),
        certified_key: Arc::new(CertifiedKey::new(chain, signing)),
    })
}

fn chain_to_send(
    leaf: CertificateDer<'static>,
    issuer: Option<&MadeAuthority>,
    sends: Sends,
) -> Vec<CertificateDer<'static>> {
    let mut chain = vec![leaf];
    let Some(issuer) = issuer else { return chain };
    let mut above = vec![issuer.certificate.clone()];
    above.extend(issuer.above.iter().cloned());
    match sends {
        Sends::Leaf => {}
        // The last one above is the root: the other side either has it or does not trust it (RFC 8446 §4.4.2).
        Sends::Chain => chain.extend(above.drain(..above.len() - 1)),
        Sends::ChainWithRoot => chain.append(&mut above),
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn spec(name: &str, key: &str) -> CertificateSpec {
        CertificateSpec {
            name: name.into(),
            names: vec!["mx1.fabrikam.example".into()],
            issuer: IssuerName::Public,
            from: at("2026-02-01T00:00:00Z"),
            until: at("2027-03-02T08:00:00Z"),
            key: key.into(),
            sends: Sends::Chain,
        }
    }

    fn root(identity: &Identity) -> Arc<MadeAuthority> {
        let spec = AuthoritySpec {
            name: "public".into(),
            parent: None,
            from: at("2020-01-01T00:00:00Z"),
            until: at("2046-01-01T00:00:00Z"),
        };
        make_authority(identity, &spec, None).unwrap()
    }

    #[test]
    fn the_same_world_makes_the_same_bytes() {
        let identity = Identity::of_world(Some("a"));
        let one = make_certificate(&identity, &spec("mx1", "mx1"), Some(&root(&identity))).unwrap();
        let two = make_certificate(&identity, &spec("mx1", "mx1"), Some(&root(&identity))).unwrap();
        assert_eq!(one.certificate, two.certificate);
        let other = Identity::of_world(Some("b"));
        let three = make_certificate(&other, &spec("mx1", "mx1"), Some(&root(&other))).unwrap();
        assert_ne!(one.certificate, three.certificate);
    }

    #[test]
    fn certificates_may_share_a_key() {
        let identity = Identity::of_world(Some("a"));
        let one = make_certificate(&identity, &spec("old", "old"), None).unwrap();
        let two = make_certificate(&identity, &spec("new", "old"), None).unwrap();
        assert_eq!(one.public_key_info, two.public_key_info);
        assert_ne!(one.certificate, two.certificate);
    }

    #[test]
    fn the_chain_sent_is_as_asked() {
        let identity = Identity::of_world(Some("a"));
        let root = root(&identity);
        let between = AuthoritySpec {
            name: "between".into(),
            parent: Some("public".into()),
            from: at("2020-01-01T00:00:00Z"),
            until: at("2046-01-01T00:00:00Z"),
        };
        let between = make_authority(&identity, &between, Some(&root)).unwrap();
        for (sends, count) in [(Sends::Leaf, 1), (Sends::Chain, 2), (Sends::ChainWithRoot, 3)] {
            let made =
                make_certificate(&identity, &CertificateSpec { sends, ..spec("c", "c") }, Some(&between)).unwrap();
            assert_eq!(made.certified_key.cert.len(), count, "{sends:?}");
        }
    }

    #[test]
    fn dates_that_no_certificate_can_state_are_refused() {
        let identity = Identity::of_world(Some("a"));
        let spec = CertificateSpec { from: at("1940-01-01T00:00:00Z"), ..spec("c", "c") };
        assert!(matches!(make_certificate(&identity, &spec, None), Err(PkiError::Date { .. })));
    }
}
