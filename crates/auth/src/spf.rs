//! SPF (RFC 7208): may this address send mail for this domain?
//!
//! The domain's TXT record `v=spf1 …` holds terms. Mechanisms are tried from left to right, the first that matches the
//! client's address decides with its qualifier: `+` pass, `-` fail, `~` softfail, `?` neutral; when none does, the result
//! is neutral (§4.7). Lookups are bounded: ten terms that ask DNS, ten hosts of one `mx`, two answers without records
//! (§4.6.4).
//!
//! Supported are `all`, `ip4`, `ip6`, `a` and `mx`. `include`, `exists`, `ptr`, modifiers and macros are
//! [`NotSupportedYet`]; a syntax error beside them is a permerror all the same (§4.6).

pub mod record;

use std::net::IpAddr;

use mxlab_mail::authres::SpfResult;
use mxlab_mail::{Address, ReversePath};

use crate::dns::{Data, Dns, DnsError, Lookup, RecordKind};
use crate::{NotSupportedYet, dns};
use record::{Directive, Mechanism, Record};

/// The most terms that ask DNS (RFC 7208 §4.6.4).
pub const MAX_LOOKUPS: usize = 10;
/// The most hosts of one `mx` (RFC 7208 §4.6.4).
pub const MAX_MX_HOSTS: usize = 10;
/// The most lookups without an answer (RFC 7208 §4.6.4).
pub const MAX_VOID_LOOKUPS: usize = 2;

/// Whose record is asked (RFC 7208 §2.3, §2.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The domain of MAIL FROM.
    MailFrom(Address),
    /// The name in HELO, when MAIL FROM is the null reverse-path.
    Helo(String),
}

impl Identity {
    /// The identity of an envelope.
    pub fn of(reverse_path: &ReversePath, helo: &str) -> Identity {
        match reverse_path {
            ReversePath::Address(address) => Identity::MailFrom(address.clone()),
            ReversePath::Null => Identity::Helo(helo.to_owned()),
        }
    }

    /// The domain, in the case in which it was received.
    pub fn domain(&self) -> &str {
        match self {
            Identity::MailFrom(address) => address.domain(),
            Identity::Helo(name) => name,
        }
    }
}

/// A result with what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The result.
    pub result: SpfResult,
    /// Whose record was asked.
    pub identity: Identity,
    /// The client.
    pub ip: IpAddr,
    /// The record, when there is exactly one.
    pub record: Option<String>,
    /// The term that matched.
    pub matched: Option<String>,
    /// Why there is no better result: what is wrong with the record, which limit was hit, how DNS failed.
    pub problem: Option<String>,
    /// All lookups in order.
    pub lookups: Vec<Lookup>,
}

impl Evaluation {
    /// The deciding facts, each a clause that can stand after "because".
    pub fn because(&self) -> Vec<String> {
        let domain = self.identity.domain();
        let mut reasons = Vec::new();
        match &self.record {
            Some(record) => reasons.push(format!("{domain} publishes \"{record}\"")),
            None if self.problem.is_none() => reasons.push(format!("{domain} publishes no SPF record")),
            None => {}
        }
        match (&self.matched, &self.problem) {
            (Some(term), _) => reasons.push(format!("{term} matches {}", self.ip)),
            (None, Some(problem)) => reasons.push(problem.clone()),
            (None, None) if self.record.is_some() => reasons.push(format!("no term matches {}", self.ip)),
            (None, None) => {}
        }
        reasons
    }
}

/// Evaluates the record of `identity` for the client at `ip`: the function `check_host` of RFC 7208 §4.
///
/// # Errors
/// When the record needs what is not supported yet.
pub async fn check_host(dns: &dyn Dns, ip: IpAddr, identity: Identity) -> Result<Evaluation, NotSupportedYet> {
    // RFC 7208 §5: an IPv4-mapped IPv6 address is the IPv4 address.
    let ip = ip.to_canonical();
    let mut check = Check { dns, ip, lookups: Vec::new(), terms: 0, voids: 0 };
    let domain = identity.domain().to_owned();
    let (verdict, record) = check.evaluate(&domain).await?;
    let (result, matched, problem) = match verdict {
        Verdict::None { problem } => (SpfResult::None, None, problem),
        Verdict::Matched { directive } => (directive.result(), Some(directive.to_string()), None),
        Verdict::NoMatch => (SpfResult::Neutral, None, None),
        Verdict::TempError { problem } => (SpfResult::TempError, None, Some(problem)),
        Verdict::PermError { problem } => (SpfResult::PermError, None, Some(problem)),
    };
    Ok(Evaluation { result, identity, ip, record, matched, problem, lookups: check.lookups })
}

enum Verdict {
    None { problem: Option<String> },
    Matched { directive: Directive },
    NoMatch,
    TempError { problem: String },
    PermError { problem: String },
}

struct Check<'a> {
    dns: &'a dyn Dns,
    ip: IpAddr,
    lookups: Vec<Lookup>,
    terms: usize,
    voids: usize,
}

impl Check<'_> {
    /// The verdict, and the record when there is exactly one.
    async fn evaluate(&mut self, domain: &str) -> Result<(Verdict, Option<String>), NotSupportedYet> {
        if !domain.is_ascii() {
            let what = format!("SPF for the internationalized domain {domain}");
            return Err(NotSupportedYet::new(what));
        }
        // RFC 7208 §4.3.
        if !is_multi_label_name(domain) {
            let problem = format!("{domain} is no domain name with several labels");
            return Ok((Verdict::None { problem: Some(problem) }, None));
        }
        let texts = match self.ask(domain, RecordKind::Txt).await {
            Ok(data) => data,
            Err(DnsError::NxDomain) => return Ok((Verdict::None { problem: None }, None)),
            Err(DnsError::Temporary { reason }) => return Ok((temporary(domain, RecordKind::Txt, &reason), None)),
        };
        let mut records = texts.iter().filter_map(|data| match data {
            Data::Txt(text) if record::is_spf(text) => Some(text.as_slice()),
            _ => None,
        });
        let Some(text) = records.next() else { return Ok((Verdict::None { problem: None }, None)) };
        let more = records.count();
        if more > 0 {
            // RFC 7208 §4.5.
            let problem = format!("{domain} publishes {} SPF records", more + 1);
            return Ok((Verdict::PermError { problem }, None));
        }
        let shown = String::from_utf8_lossy(text).into_owned();
        let verdict = match Record::parse(text) {
            Err(error) => Verdict::PermError { problem: format!("the record is malformed: {error}") },
            Ok(record) => match record.unsupported.first() {
                Some(term) => {
                    let what = format!("SPF term {term} in the record of {domain}");
                    return Err(NotSupportedYet::new(what));
                }
                None => self.terms(domain, record.directives).await,
            },
        };
        Ok((verdict, Some(shown)))
    }

    async fn ask(&mut self, name: &str, kind: RecordKind) -> Result<Vec<Data>, DnsError> {
        dns::ask(self.dns, &mut self.lookups, name, kind).await
    }

    async fn terms(&mut self, domain: &str, directives: Vec<Directive>) -> Verdict {
        for directive in directives {
            match self.matches(domain, &directive.mechanism).await {
                Ok(true) => return Verdict::Matched { directive },
                Ok(false) => {}
                Err(verdict) => return verdict,
            }
        }
        Verdict::NoMatch
    }

    async fn matches(&mut self, domain: &str, mechanism: &Mechanism) -> Result<bool, Verdict> {
        match mechanism {
            Mechanism::All => Ok(true),
            Mechanism::Ip4 { network, prefix } => Ok(within(self.ip, IpAddr::V4(*network), *prefix)),
            Mechanism::Ip6 { network, prefix } => Ok(within(self.ip, IpAddr::V6(*network), *prefix)),
            Mechanism::A { domain: name, cidr } => {
                self.count_term()?;
                let prefix = cidr.prefix(self.ip);
                self.has_address(name.as_deref().unwrap_or(domain), prefix).await
            }
            Mechanism::Mx { domain: name, cidr } => {
                self.count_term()?;
                let name = name.as_deref().unwrap_or(domain);
                let mut hosts = Vec::new();
                for data in self.ask_term(name, RecordKind::Mx).await? {
                    if let Data::Mx { preference, exchange } = data {
                        hosts.push((preference, exchange));
                    }
                }
                if hosts.len() > MAX_MX_HOSTS {
                    let problem = format!("{name} has more than {MAX_MX_HOSTS} MX hosts");
                    return Err(Verdict::PermError { problem });
                }
                hosts.sort();
                let prefix = cidr.prefix(self.ip);
                for (_, host) in hosts {
                    // RFC 7505: the null MX names no host.
                    if !host.is_empty() && self.has_address(&host, prefix).await? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    /// Whether an address of `name` has the client's first `prefix` bits.
    async fn has_address(&mut self, name: &str, prefix: u8) -> Result<bool, Verdict> {
        let kind = if self.ip.is_ipv4() { RecordKind::A } else { RecordKind::Aaaa };
        let found = self.ask_term(name, kind).await?;
        Ok(found.iter().any(|data| match data {
            Data::A(ip) => within(self.ip, IpAddr::V4(*ip), prefix),
            Data::Aaaa(ip) => within(self.ip, IpAddr::V6(*ip), prefix),
            _ => false,
        }))
    }

    fn count_term(&mut self) -> Result<(), Verdict> {
        self.terms += 1;
        if self.terms > MAX_LOOKUPS {
            return Err(Verdict::PermError { problem: format!("more than {MAX_LOOKUPS} terms ask DNS") });
        }
        Ok(())
    }

    /// A lookup on behalf of a term: failures of DNS end the evaluation, empty answers are counted.
    async fn ask_term(&mut self, name: &str, kind: RecordKind) -> Result<Vec<Data>, Verdict> {
        let data = match self.ask(name, kind).await {
            Ok(data) => data,
            Err(DnsError::NxDomain) => Vec::new(),
            Err(DnsError::Temporary { reason }) => return Err(temporary(name, kind, &reason)),
        };
        if data.is_empty() {
            self.voids += 1;
            if self.voids > MAX_VOID_LOOKUPS {
                let problem = format!("more than {MAX_VOID_LOOKUPS} lookups without an answer");
                return Err(Verdict::PermError { problem });
            }
        }
        Ok(data)
    }
}

fn temporary(name: &str, kind: RecordKind, reason: &str) -> Verdict {
    Verdict::TempError { problem: format!("{name} {kind} could not be looked up: {reason}") }
}

/// Whether both addresses are of one family and agree in the first `prefix` bits.
fn within(ip: IpAddr, network: IpAddr, prefix: u8) -> bool {
    match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => {
            let differ = u32::from(ip) ^ u32::from(network);
            differ.leading_zeros() >= u32::from(prefix)
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) => {
            let differ = u128::from(ip) ^ u128::from(network);
            differ.leading_zeros() >= u32::from(prefix)
        }
        _ => false,
    }
}

/// Whether DNS can be asked for it: at least two labels of 1 to 63 octets, at most 253 in all.
fn is_multi_label_name(domain: &str) -> bool {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let of_label = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    let is_label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(of_label);
    domain.len() <= 253 && domain.contains('.') && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests;
