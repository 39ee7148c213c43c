//! Whether mail for a domain comes here straight from its senders (`exchange.md` §2.6).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use mxlab_auth::dmarc::report::Finished;
use mxlab_auth::{Data, Dns, DnsError, RecordKind};
use mxlab_mail::address::same_domain;

/// Takes the rows out that are about domains whose mail does not come here straight from the sender. Returns these domains,
/// each with the reason.
pub(super) async fn keep_direct(
    dns: &dyn Dns,
    server: &str,
    address: IpAddr,
    finished: &mut Finished,
) -> BTreeMap<String, String> {
    let domains: BTreeSet<String> = finished.report.rows.iter().filter_map(|row| row.envelope_to.clone()).collect();
    let mut left_out = BTreeMap::new();
    for domain in domains {
        match points_at(dns, &domain, server, address).await {
            Ok(true) => {}
            Ok(false) => {
                left_out.insert(domain, format!("its MX is not {server}"));
            }
            Err(error) => {
                left_out.insert(domain, format!("its MX could not be looked up: {error}"));
            }
        }
    }
    let rows = &mut finished.report.rows;
    rows.retain(|row| row.envelope_to.as_ref().is_none_or(|domain| !left_out.contains_key(domain)));
    left_out
}

/// Whether the most preferred MX of a domain is this server, by name or by address. A domain without MX records is its own
/// (RFC 5321 §5.1).
pub(super) async fn points_at(dns: &dyn Dns, domain: &str, server: &str, address: IpAddr) -> Result<bool, DnsError> {
    let mut records = Vec::new();
    for data in existing(dns, domain, RecordKind::Mx).await? {
        if let Data::Mx { preference, exchange } = data {
            records.push((preference, exchange));
        }
    }
    let best = records.iter().map(|(preference, _)| *preference).min();
    let mut exchanges: Vec<String> =
        records.into_iter().filter(|(it, _)| Some(*it) == best).map(|(_, exchange)| exchange).collect();
    if exchanges.is_empty() {
        exchanges.push(domain.to_owned());
    }
    for exchange in exchanges {
        if same_domain(&exchange, server) {
            return Ok(true);
        }
        let kind = if address.is_ipv4() { RecordKind::A } else { RecordKind::Aaaa };
        let own = |data: &Data| {
            matches!(data, Data::A(ip) if IpAddr::V4(*ip) == address)
                || matches!(data, Data::Aaaa(ip) if IpAddr::V6(*ip) == address)
        };
        if existing(dns, &exchange, kind).await?.iter().any(own) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What there is; nothing where there is no such name.
async fn existing(dns: &dyn Dns, name: &str, kind: RecordKind) -> Result<Vec<Data>, DnsError> {
    match dns.lookup(name, kind).await {
        Err(DnsError::NxDomain) => Ok(Vec::new()),
        other => other,
    }
}
