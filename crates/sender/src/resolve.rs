//! Routing's questions, asked of the validating resolver.

use std::net::IpAddr;

use mxlab_dns::rdata::{A, Aaaa, Mx as MxData};
use mxlab_dns::{Answer, Name, RecordType, Resolver, Security};
use mxlab_smtp::mx::host_name;

use crate::routing::{Alias, Dns, Lookup, Mx, Trust};

/// A [`Dns`] that validates.
#[derive(Clone)]
pub struct Validating(Resolver);

impl Validating {
    /// On this resolver.
    pub fn new(resolver: Resolver) -> Validating {
        Validating(resolver)
    }

    async fn lookup<T>(&self, name: &str, rtype: RecordType, read: impl FnOnce(&Answer) -> Vec<T>) -> Lookup<T> {
        // An address may have a domain that is not a DNS name: a literal, or a label that is too long.
        let Ok(asked) = name.parse::<Name>() else {
            let trust = Trust::Unavailable(format!("{name} is no name of DNS"));
            let canonical_name = name.to_owned();
            return Lookup { trust, no_such_name: false, aliases: Vec::new(), canonical_name, records: Vec::new() };
        };
        let answer = self.0.lookup(&asked, rtype).await;
        let records = read(&answer);
        let mut trust = trust(&answer.security);
        if records.is_empty() && answer.records.iter().any(|record| record.rtype == rtype) && trust_allows(&trust) {
            // Unreadable records are not the same as none: the domain must not become its own mail host.
            trust = Trust::Unavailable(format!("none of its {rtype} records can be read"));
        }
        let aliases = answer.steps.iter();
        let aliases = aliases.map(|step| Alias { owner: host_name(&step.owner), secure: step.security.is_secure() });
        Lookup {
            trust,
            no_such_name: answer.is_nx_domain(),
            aliases: aliases.collect(),
            canonical_name: host_name(&answer.canonical_name),
            records,
        }
    }
}

impl Dns for Validating {
    async fn mx(&self, domain: &str) -> Lookup<Mx> {
        self.lookup(domain, RecordType::MX, |answer| answer.data::<MxData>().map(Mx::from).collect()).await
    }

    async fn a(&self, host: &str) -> Lookup<IpAddr> {
        self.lookup(host, RecordType::A, |answer| answer.data::<A>().map(|a| a.0.into()).collect()).await
    }

    async fn aaaa(&self, host: &str) -> Lookup<IpAddr> {
        self.lookup(host, RecordType::AAAA, |answer| answer.data::<Aaaa>().map(|aaaa| aaaa.0.into()).collect()).await
    }

    /// The raw RDATA: a record that does not parse is unusable, not absent.
    async fn tlsa(&self, owner: &str) -> Lookup<Vec<u8>> {
        let read = |answer: &Answer| {
            let records = answer.records.iter().filter(|record| record.rtype == RecordType::TLSA);
            records.map(|record| record.rdata.to_vec()).collect()
        };
        self.lookup(owner, RecordType::TLSA, read).await
    }
}

fn trust_allows(trust: &Trust) -> bool {
    matches!(trust, Trust::Secure | Trust::Insecure(_))
}

fn trust(security: &Security) -> Trust {
    match security {
        Security::Secure => Trust::Secure,
        Security::Insecure(reason) => Trust::Insecure(reason.to_string()),
        Security::Bogus(reason) => Trust::Bogus(reason.to_string()),
        Security::Unavailable(reason) => Trust::Unavailable(reason.to_string()),
    }
}
