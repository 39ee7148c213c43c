//! From the MX records of a domain to the hosts that take its mail.
//!
//! RFC 5321 §5.1: the host with the lowest preference is tried first; a domain without MX records is its own host (the
//! *implicit* MX). RFC 7505: a single MX record that names the root (a *null MX*) says that the domain takes no mail.
//!
//! Hosts with equal preference are returned in the order of their names. A sender that shares the load among them
//! (RFC 5321 §5.1) spreads them afterwards.
//!
//! Whether the records can be trusted, and what to do if they cannot be looked up, is left to the caller.

use std::collections::BTreeSet;

use mxlab_dns::{Name, rdata};

/// How many hosts of one domain are kept, those with the lowest preference.
pub const MOST_HOSTS: usize = 20;
/// How many addresses of one host are tried.
pub const MOST_ADDRESSES: usize = 20;

/// One MX record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mx {
    /// The lowest goes first.
    pub preference: u16,
    /// The host, in lower case without final dot; empty for the root.
    pub exchange: String,
}

impl From<rdata::Mx> for Mx {
    fn from(mx: rdata::Mx) -> Mx {
        Mx { preference: mx.preference, exchange: host_name(&mx.exchange) }
    }
}

/// A name of DNS as mail writes names of hosts: in lower case without final dot; empty for the root.
pub fn host_name(name: &Name) -> String {
    if name.is_root() { String::new() } else { name.to_lowercase().to_string() }
}

/// The hosts that take a domain's mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailHosts {
    /// The hosts in the order in which they are tried, each once; at least one.
    pub hosts: Vec<Mx>,
    /// Whether the domain has no MX records and is its own host.
    pub implicit: bool,
}

/// The domain takes no mail (RFC 7505 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its only MX record is {preference} .")]
pub struct NullMx {
    /// The preference of the null MX; RFC 7505 has 0.
    pub preference: u16,
}

impl MailHosts {
    /// The hosts of `domain`, given all its MX records.
    ///
    /// # Errors
    /// If all of its MX records name the root. Beside others such a record is ignored: RFC 7505 §3 forbids the mixture.
    pub fn of(domain: &str, records: impl IntoIterator<Item = Mx>) -> Result<MailHosts, NullMx> {
        let (null, mut hosts): (Vec<Mx>, Vec<Mx>) = records.into_iter().partition(|mx| mx.exchange.is_empty());
        if hosts.is_empty() {
            if let Some(null) = null.first() {
                return Err(NullMx { preference: null.preference });
            }
            // RFC 5321 §5.1: as if there were one MX record of preference 0 with the domain itself.
            let own = Mx { preference: 0, exchange: domain.to_owned() };
            return Ok(MailHosts { hosts: vec![own], implicit: true });
        }
        hosts.sort();
        // A host with two preferences is tried once, at the lower one.
        let mut seen = BTreeSet::new();
        hosts.retain(|mx| seen.insert(mx.exchange.clone()));
        hosts.truncate(MOST_HOSTS);
        Ok(MailHosts { hosts, implicit: false })
    }

    /// The hosts that share the lowest preference.
    pub fn most_preferred(&self) -> impl Iterator<Item = &Mx> {
        let lowest = self.hosts.first().map(|mx| mx.preference);
        self.hosts.iter().take_while(move |mx| Some(mx.preference) == lowest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Vec<Mx> {
        let record = |text: &str| {
            let (preference, exchange) = text.split_once(' ').expect("two words");
            Mx { preference: preference.parse().expect("a number"), exchange: exchange.replace(".", "") }
        };
        text.split(", ").filter(|text| !text.is_empty()).map(record).collect()
    }

    /// The MX records of `example`, each as `preference host`; expected are the hosts in order, or what is in their place.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let written = match MailHosts::of("example", records(text)) {
            Ok(found) => {
                let hosts = found.hosts.iter().map(|mx| format!("{} {}", mx.preference, mx.exchange));
                let hosts: Vec<String> = hosts.chain(found.implicit.then(|| "implicit".to_owned())).collect();
                hosts.join(", ")
            }
            Err(null) => null.to_string(),
        };
        assert_eq!(written, expected, "{text}");
    }

    #[test]
    fn hosts_in_order() {
        check("", "0 example, implicit");
        check("10 b, 5 c, 10 a", "5 c, 10 a, 10 b");
        check("20 a, 10 a, 15 b", "10 a, 15 b");
        check("0 .", "its only MX record is 0 .");
        check("7 ., 0 .", "its only MX record is 7 .");
        check("0 ., 10 a", "10 a");
    }

    #[test]
    fn the_most_preferred() {
        let preferred = |text: &str| {
            let found = MailHosts::of("example", records(text)).expect("hosts");
            found.most_preferred().map(|mx| mx.exchange.clone()).collect::<Vec<_>>()
        };
        assert_eq!(preferred("10 b, 20 c, 10 a"), ["a", "b"]);
        assert_eq!(preferred(""), ["example"]);
    }

    #[test]
    fn only_so_many() {
        let many = (0..100).map(|number| Mx { preference: 100 - number, exchange: format!("mx{number}") });
        let found = MailHosts::of("example", many).expect("hosts");
        assert_eq!(found.hosts.len(), MOST_HOSTS);
        assert_eq!(found.hosts.first().map(|mx| mx.preference), Some(1));
    }
}
