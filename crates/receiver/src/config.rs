//! What the engine is told. Names and defaults are those of Exchange Online's cmdlets.

use std::net::IpAddr;
use std::sync::Arc;

use mxlab_mail::address::same_domain;
pub use mxlab_mail::settings::{AuthFailAction, HeaderLayout, Profile};
use rustls::sign::CertifiedKey;

/// A point in which headers of real messages contradict the documents. The engine follows the documents; with a reading it
/// follows what was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A DMARC record that could not be fetched counts as an implicit failure, 001 instead of 112 (S-08).
    TimeoutAs001,
    /// A message that pretends to come from the recipient's own organization fails like any other, 000 instead of 010 (S-37).
    OwnDomainAs000,
}

/// An organization that recipients belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientTenant {
    /// Its name, for the record.
    pub name: String,
    /// Its accepted domains.
    pub domains: Vec<String>,
    /// `EnableSpoofIntelligence`.
    pub spoof_intelligence: bool,
    /// `AuthenticationFailAction`.
    pub auth_fail_action: AuthFailAction,
}

impl RecipientTenant {
    /// A tenant with these accepted domains and the default settings.
    pub fn new(name: impl Into<String>, domains: Vec<String>) -> RecipientTenant {
        RecipientTenant {
            name: name.into(),
            domains,
            spoof_intelligence: true,
            auth_fail_action: AuthFailAction::MoveToJmf,
        }
    }

    /// Whether the domain is one of its accepted domains.
    pub fn accepts(&self, domain: &str) -> bool {
        self.domains.iter().any(|accepted| same_domain(accepted, domain))
    }
}

/// What the engine is told.
#[derive(Clone, Debug)]
pub struct ReceiverConfig {
    /// Its full name, in greeting, EHLO answer and `Received`.
    pub name: String,
    /// What it presents in TLS.
    pub certificate: Arc<CertifiedKey>,
    /// The addresses at which it listens, to know whether an MX record points to it. [`Receiver::serve`](crate::Receiver::serve)
    /// adds its own.
    pub addresses: Vec<IpAddr>,
    /// The organizations whose mail it takes.
    pub tenants: Vec<RecipientTenant>,
    /// The addresses from which mail of these organizations itself comes: their own outbound engines.
    pub internal: Vec<IpAddr>,
    /// Exchange Online, or the RFCs.
    pub profile: Profile,
    /// The points in which it follows what was seen against what is documented.
    pub readings: Vec<Reading>,
    /// The layout of `Authentication-Results`.
    pub layout: HeaderLayout,
    /// The number from 0 to 99 that is drawn for every message: a DMARC policy is applied if it is below `pct`. A simulation
    /// has no chance in it.
    pub pct_draw: u8,
}

impl ReceiverConfig {
    /// An engine with the default settings and no tenant.
    pub fn new(name: impl Into<String>, certificate: Arc<CertifiedKey>) -> ReceiverConfig {
        ReceiverConfig {
            name: name.into(),
            certificate,
            addresses: Vec::new(),
            tenants: Vec::new(),
            internal: Vec::new(),
            profile: Profile::Exo,
            readings: Vec::new(),
            layout: HeaderLayout::Current,
            pct_draw: 0,
        }
    }

    /// The tenant that accepts mail for this domain. Every setting that depends on the recipient is looked up here.
    pub fn tenant_of(&self, domain: &str) -> Option<&RecipientTenant> {
        self.tenants.iter().find(|tenant| tenant.accepts(domain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stamp::testing::config;

    #[test]
    fn a_tenant_is_found_in_whatever_case_its_domain_is_written() {
        let mut config = config();
        let domains = |domain: &str| vec![domain.to_owned()];
        config.tenants = vec![
            RecipientTenant::new("contoso", domains("Contoso.Example")),
            RecipientTenant::new("fabrikam", domains("fabrikam.example")),
        ];
        let check = |domain: &str, expected: Option<&str>| {
            assert_eq!(config.tenant_of(domain).map(|tenant| tenant.name.as_str()), expected, "{domain}");
        };
        for domain in ["contoso.example", "CONTOSO.EXAMPLE", "contoso.example."] {
            check(domain, Some("contoso"));
        }
        check("FABRIKAM.example", Some("fabrikam"));
        for domain in ["sub.contoso.example", "example", ""] {
            check(domain, None);
        }
    }
}
