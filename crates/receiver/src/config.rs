//! What the engine is told. Names and defaults are those of Exchange Online's cmdlets.

use std::net::IpAddr;
use std::sync::Arc;

use mxlab_mail::address::same_domain;
pub use mxlab_mail::settings::{AuthFailAction, HeaderLayout, Profile};
use rustls::sign::CertifiedKey;

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its name, for the record.
    pub name: String,
    /// Its accepted domains.
    pub domains: Vec<String>,
    /// `EnableSpoofIntelligence`.
    pub spoof_intelligence: bool,
    /// `AuthenticationFailAction`.
    pub auth_fail_action: AuthFailAction,
}

impl Tenant {
    /// A tenant with these accepted domains and the default settings.
    pub fn new(name: impl Into<String>, domains: Vec<String>) -> Tenant {
        Tenant { name: name.into(), domains, spoof_intelligence: true, auth_fail_action: AuthFailAction::MoveToJmf }
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
    /// The organizations whose mail it takes.
    pub tenants: Vec<Tenant>,
    /// The addresses from which mail of these organizations itself comes: their own outbound engines.
    pub internal: Vec<IpAddr>,
    /// Exchange Online, or the RFCs.
    pub profile: Profile,
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
            tenants: Vec::new(),
            internal: Vec::new(),
            profile: Profile::Exo,
            layout: HeaderLayout::Current,
            pct_draw: 0,
        }
    }

    /// The tenant that accepts mail for this domain.
    pub fn tenant_of(&self, domain: &str) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| tenant.accepts(domain))
    }
}
