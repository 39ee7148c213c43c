//! The validating resolver as authentication uses it.
//!
//! SPF and DMARC use secure and insecure answers alike; a bogus or missing answer is a failure of DNS.

use mxlab_auth::dns::BoxFuture;
use mxlab_auth::{Data, Dns, DnsError, RecordKind};
use mxlab_dns::rdata::{A, Aaaa, Mx, Ptr, Txt};
use mxlab_dns::{Answer, Name, Reason, RecordType, Resolver};
use mxlab_smtp::mx::host_name;

/// Answers from a [`Resolver`].
pub(crate) struct ResolverDns(pub(crate) Resolver);

impl Dns for ResolverDns {
    fn lookup<'a>(&'a self, name: &'a str, kind: RecordKind) -> BoxFuture<'a, Result<Vec<Data>, DnsError>> {
        Box::pin(async move {
            // A text that is not a DNS name cannot exist there.
            let name: Name = name.parse().map_err(|_| DnsError::NxDomain)?;
            let rtype = match kind {
                RecordKind::A => RecordType::A,
                RecordKind::Aaaa => RecordType::AAAA,
                RecordKind::Mx => RecordType::MX,
                RecordKind::Ptr => RecordType::PTR,
                RecordKind::Txt => RecordType::TXT,
            };
            data(&self.0.lookup(&name, rtype).await, kind)
        })
    }
}

fn data(answer: &Answer, kind: RecordKind) -> Result<Vec<Data>, DnsError> {
    if !answer.security.is_usable() {
        if matches!(answer.security.reason(), Some(Reason::NoReachableAuthority { .. } | Reason::TimedOut { .. })) {
            return Err(DnsError::Timeout);
        }
        let reason = answer.security.reason().map_or_else(|| answer.security.word().to_owned(), ToString::to_string);
        return Err(DnsError::Temporary { reason });
    }
    if answer.is_nx_domain() {
        return Err(DnsError::NxDomain);
    }
    Ok(match kind {
        RecordKind::A => answer.data().map(|A(ip)| Data::A(ip)).collect(),
        RecordKind::Aaaa => answer.data().map(|Aaaa(ip)| Data::Aaaa(ip)).collect(),
        RecordKind::Mx => answer.data().map(exchanger).collect(),
        RecordKind::Ptr => answer.data().map(|Ptr(name)| Data::Ptr(host_name(&name))).collect(),
        RecordKind::Txt => answer.data().map(|txt: Txt| Data::Txt(txt.joined())).collect(),
    })
}

fn exchanger(mx: Mx) -> Data {
    Data::Mx { preference: mx.preference, exchange: host_name(&mx.exchange) }
}
