//! The certificates and authorities of a run, made from their declarations.

use std::sync::Arc;

use indexmap::IndexMap;
use mxlab_world::derive::Identity;
use mxlab_world::pki::{self, AuthoritySpec, CertificateSpec, IssuerName, MadeAuthority, MadeCertificate, Sends};

use super::error::LabError;
use mxlab_language::Scenario;
use mxlab_language::declarations::{Cert, Smtp, items};
use mxlab_language::values::Time;
use mxlab_language::words::ChainSent;

/// All certificates of a scenario, by name: declared ones, and the automatic ones of hosts under the hosts' names.
#[derive(Debug, Default)]
pub(crate) struct Certificates {
    pub(super) made: IndexMap<String, MadeCertificate>,
    pub(super) authorities: IndexMap<String, Arc<MadeAuthority>>,
}

impl Certificates {
    pub(crate) fn get(&self, name: &str) -> Result<&MadeCertificate, LabError> {
        self.made.get(name).ok_or_else(|| LabError::NoCertificate(name.to_owned()))
    }
}

/// The authority that everybody trusts.
const PUBLIC: &str = "public";

pub(super) fn make_certificates(scenario: &Scenario, identity: &Identity) -> Result<Certificates, LabError> {
    let mut certificates = Certificates::default();
    let instant = |time: Time| scenario.instant(time);
    let years = |count: i64| instant(Time::Relative(jiff::SignedDuration::from_hours(count * 365 * 24)));
    let public = AuthoritySpec { name: PUBLIC.to_owned(), parent: None, from: years(-10), until: years(20) };
    certificates.authorities.insert(PUBLIC.to_owned(), pki::make_authority(identity, &public, None)?);
    make_authorities(scenario, identity, &mut certificates)?;
    let automatic = scenario.addressed.iter().filter(|(name, _)| {
        name.as_str() == "receiver" || scenario.hosts.get(name.as_str()).is_some_and(|host| host.smtp.is_some())
    });
    let automatic_names = automatic.map(|(name, addressed)| (name.clone(), vec![addressed.full_name.clone()]));
    let mut wanted: IndexMap<String, Vec<String>> = automatic_names.collect();
    for (name, cert) in &scenario.certs {
        let given: Vec<String> = items(&cert.names).map(|name| name.get().to_string()).collect();
        let names = if cert.names.is_some() { given } else { names_of_presenters(scenario, name.as_str()) };
        let entry = wanted.entry(name.to_string()).or_default();
        if cert.names.is_some() || entry.is_empty() {
            *entry = names;
        }
    }
    let default = Cert::default();
    for (name, names) in wanted {
        let cert = scenario.certs.get(name.as_str()).map_or(&default, |cert| cert.get());
        let spec = CertificateSpec {
            names,
            issuer: match cert.issuer.as_ref().map(|issuer| issuer.as_str()) {
                None | Some(PUBLIC) => IssuerName::Public,
                Some("self") => IssuerName::Own,
                Some(declared) => IssuerName::Declared(declared.to_owned()),
            },
            from: instant(cert.from()),
            until: instant(cert.until()),
            key: cert.key.as_ref().map_or_else(|| name.clone(), |key| key.get().to_string()),
            sends: match cert.sends() {
                ChainSent::Chain => Sends::Chain,
                ChainSent::Leaf => Sends::Leaf,
                ChainSent::ChainWithRoot => Sends::ChainWithRoot,
            },
            name: name.clone(),
        };
        let authority = |name: &str| {
            certificates
                .authorities
                .get(name)
                .ok_or_else(|| LabError::NoAuthority(name.to_owned()))
                .map(|made| Some(&**made))
        };
        let issuer = match &spec.issuer {
            IssuerName::Own => None,
            IssuerName::Public => authority(PUBLIC)?,
            IssuerName::Declared(declared) => authority(declared)?,
        };
        let made = pki::make_certificate(identity, &spec, issuer)?;
        certificates.made.insert(name, made);
    }
    Ok(certificates)
}

/// Makes the declared authorities, parents first.
fn make_authorities(scenario: &Scenario, identity: &Identity, certificates: &mut Certificates) -> Result<(), LabError> {
    let mut waiting: Vec<_> = scenario.cas.iter().collect();
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut later = Vec::new();
        for (name, ca) in waiting {
            let parent = ca.parent.as_ref().map(|parent| parent.get().to_string()).filter(|p| p != name.as_str());
            let made_parent = match &parent {
                Some(parent) => match certificates.authorities.get(parent) {
                    Some(made) => Some(&**made),
                    None => {
                        later.push((name, ca));
                        continue;
                    }
                },
                None => None,
            };
            let spec = AuthoritySpec {
                name: name.to_string(),
                parent,
                from: scenario.instant(ca.from()),
                until: scenario.instant(ca.until()),
            };
            let made = pki::make_authority(identity, &spec, made_parent)?;
            certificates.authorities.insert(name.to_string(), made);
        }
        if later.len() == before {
            let name = later.first().map_or_else(String::new, |(name, _)| name.to_string());
            return Err(LabError::NoAuthority(name));
        }
        waiting = later;
    }
    Ok(())
}

/// The full names of the hosts that present a certificate.
fn names_of_presenters(scenario: &Scenario, cert: &str) -> Vec<String> {
    let presents = |smtp: &Smtp| {
        smtp.cert.as_ref().is_some_and(|given| given.as_str() == cert)
            || smtp.sni.iter().flat_map(|sni| sni.values()).any(|given| given.as_str() == cert)
    };
    let hosts = scenario.hosts.iter().filter(|(_, host)| host.smtp.as_ref().is_some_and(|smtp| presents(smtp.get())));
    hosts.filter_map(|(name, _)| Some(scenario.addressed.get(name.as_str())?.full_name.clone())).collect()
}
