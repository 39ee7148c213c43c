//! Whether mail for a domain comes here directly from its senders, or through a gateway: another host that is its best MX.
//!
//! Behind a gateway the address of the client is that of the gateway, and says nothing about the sender. So Exchange Online
//! neither enforces DMARC there (`exchange.md` §2.2, 451, and §2.5) nor reports about it (§2.6).

use std::net::IpAddr;

use mxlab_auth::{Data, Dns, DnsError, RecordKind};
use mxlab_mail::address::same_domain;
use mxlab_smtp::mx::{MailHosts, Mx};

use crate::config::ReceiverConfig;

/// The way of a domain's mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// It comes here directly.
    Direct,
    /// Its MX is another host.
    Elsewhere,
    /// DNS does not say.
    Unknown {
        /// Why.
        problem: String,
    },
}

/// The way of mail for a domain to the engine with these settings.
pub(crate) async fn way(dns: &dyn Dns, config: &ReceiverConfig, domain: &str) -> Way {
    match points_here(dns, config, domain).await {
        Ok(true) => Way::Direct,
        Ok(false) => Way::Elsewhere,
        Err(error) => Way::Unknown { problem: error.to_string() },
    }
}

/// Whether one of the most preferred mail hosts of a domain is this engine, by name or by address.
async fn points_here(dns: &dyn Dns, config: &ReceiverConfig, domain: &str) -> Result<bool, DnsError> {
    let records = existing(dns, domain, RecordKind::Mx).await?.into_iter().filter_map(|data| match data {
        Data::Mx { preference, exchange } => Some(Mx { preference, exchange }),
        _ => None,
    });
    // A domain that takes no mail at all takes none here.
    let Ok(found) = MailHosts::of(domain, records) else { return Ok(false) };
    for Mx { exchange, .. } in found.most_preferred() {
        if same_domain(exchange, &config.name) {
            return Ok(true);
        }
        for kind in [RecordKind::A, RecordKind::Aaaa] {
            let of_kind = |address: &IpAddr| address.is_ipv4() == (kind == RecordKind::A);
            if !config.addresses.iter().any(of_kind) {
                continue;
            }
            let own = |data: &Data| match data {
                Data::A(ip) => config.addresses.contains(&IpAddr::V4(*ip)),
                Data::Aaaa(ip) => config.addresses.contains(&IpAddr::V6(*ip)),
                Data::Mx { .. } | Data::Ptr(_) | Data::Txt(_) => false,
            };
            if existing(dns, exchange, kind).await?.iter().any(own) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The records; empty if there is no such name.
async fn existing(dns: &dyn Dns, name: &str, kind: RecordKind) -> Result<Vec<Data>, DnsError> {
    match dns.lookup(name, kind).await {
        Err(DnsError::NxDomain) => Ok(Vec::new()),
        other => other,
    }
}
