//! Whether mail for a domain comes here directly from its senders (`exchange.md` §2.6).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use mxlab_auth::dmarc::report::AggregateReport;
use mxlab_auth::{Data, Dns, DnsError, RecordKind};
use mxlab_mail::address::same_domain;
use mxlab_smtp::mx::{MailHosts, Mx};

/// Whether mail for a domain comes here directly from its senders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It does.
    Direct,
    /// Its MX is another host.
    Elsewhere,
    /// DNS does not say.
    Unknown {
        /// Why.
        problem: String,
    },
}

impl Way {
    /// Why `server` does not report about mail for the domain; none if it does.
    pub(super) fn problem(&self, server: &str) -> Option<String> {
        match self {
            Way::Direct => None,
            Way::Elsewhere => Some(format!("its MX is not {server}")),
            Way::Unknown { problem } => Some(format!("its MX could not be looked up: {problem}")),
        }
    }
}

/// The route of mail for each recipients' domain of a report.
pub(super) async fn ways(
    dns: &dyn Dns,
    server: &str,
    address: IpAddr,
    report: &AggregateReport,
) -> BTreeMap<String, Way> {
    let domains: BTreeSet<&String> = report.rows.iter().filter_map(|row| row.envelope_to.as_ref()).collect();
    let mut ways = BTreeMap::new();
    for domain in domains {
        let way = match points_at(dns, domain, server, address).await {
            Ok(true) => Way::Direct,
            Ok(false) => Way::Elsewhere,
            Err(error) => Way::Unknown { problem: error.to_string() },
        };
        ways.insert(domain.clone(), way);
    }
    ways
}

/// Removes the rows about these recipients from a report. Returns how many messages that were.
pub(super) fn take_out(report: &mut AggregateReport, recipients: &str) -> u64 {
    let (out, kept): (Vec<_>, Vec<_>) =
        std::mem::take(&mut report.rows).into_iter().partition(|row| row.envelope_to.as_deref() == Some(recipients));
    report.rows = kept;
    out.iter().fold(0, |sum: u64, row| sum.saturating_add(row.count))
}

/// Whether one of the most preferred mail hosts of a domain is this server, by name or by address.
pub(super) async fn points_at(dns: &dyn Dns, domain: &str, server: &str, address: IpAddr) -> Result<bool, DnsError> {
    let records = existing(dns, domain, RecordKind::Mx).await?.into_iter().filter_map(|data| match data {
        Data::Mx { preference, exchange } => Some(Mx { preference, exchange }),
        _ => None,
    });
    // A domain that takes no mail at all takes none here.
    let Ok(found) = MailHosts::of(domain, records) else { return Ok(false) };
    for Mx { exchange, .. } in found.most_preferred() {
        if same_domain(exchange, server) {
            return Ok(true);
        }
        let kind = if address.is_ipv4() { RecordKind::A } else { RecordKind::Aaaa };
        let own = |data: &Data| {
            matches!(data, Data::A(ip) if IpAddr::V4(*ip) == address)
                || matches!(data, Data::Aaaa(ip) if IpAddr::V6(*ip) == address)
        };
        if existing(dns, exchange, kind).await?.iter().any(own) {
            return Ok(true);
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
