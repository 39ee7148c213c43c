//! The ways of the mail that a report is about.

use std::collections::{BTreeMap, BTreeSet};

use mxlab_auth::Dns;
use mxlab_auth::dmarc::report::AggregateReport;

use crate::config::ReceiverConfig;
use crate::route::{self, Way};

/// Why `server` does not report about mail that comes this way; none if it does.
pub(super) fn problem(way: &Way, server: &str) -> Option<String> {
    match way {
        Way::Direct => None,
        Way::Elsewhere => Some(format!("its MX is not {server}")),
        Way::Unknown { problem } => Some(format!("its MX could not be looked up: {problem}")),
    }
}

/// The way of mail for each recipients' domain of a report.
pub(super) async fn ways(dns: &dyn Dns, config: &ReceiverConfig, report: &AggregateReport) -> BTreeMap<String, Way> {
    let domains: BTreeSet<&String> = report.rows.iter().filter_map(|row| row.envelope_to.as_ref()).collect();
    let mut ways = BTreeMap::new();
    for domain in domains {
        ways.insert(domain.clone(), route::way(dns, config, domain).await);
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
