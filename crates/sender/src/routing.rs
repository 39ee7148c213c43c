//! From a recipient's domain to the hosts that may take its mail, and what DANE demands of each.
//!
//! Which hosts these are and in which order they are tried is in [`mxlab_smtp::mx`].
//!
//! RFC 7672 §2.2 adds where TLSA records may be looked up. DNSSEC must vouch for every step from the domain to the *TLSA base
//! domain*, or an attacker could name a host of his own:
//!
//! - MX records insecure: no DANE ([`Settings::dane_for_insecure_mx`] applies it to the hosts all the same, as §2.2.1 allows).
//! - Address records insecure without an alias: the host's zone is not signed, TLSA is not asked for (§2.2.2: some servers
//!   answer such queries badly, and the answer could not be trusted).
//! - The host is an alias: the expanded name first, if the whole chain is secure; then the original name, if at least its
//!   own CNAME is secure. So an alias from a signed zone into an unsigned one has its TLSA records at the original name.
//! - An answer that is bogus or missing is an attack or an accident: the host is not used (§2.1.1, §2.2).
//!
//! Hosts of equal preference are tried in random order, drawn anew for each attempt, so that they share the load
//! (RFC 5321 §5.1). The draw may show ([`Env::draw`]): a scenario with such hosts depends on its seed.

use std::future::Future;
use std::net::IpAddr;

use mxlab_env::Env;
use mxlab_smtp::mx::MOST_ADDRESSES;
use mxlab_smtp::mx::MailHosts;
pub use mxlab_smtp::mx::{MOST_HOSTS, Mx};

use crate::condition::Condition;
use crate::dane::{Classified, DaneMode, classify};
use crate::demand::Demand;
use crate::outcome::{Limitations, Problem};

/// How far DNS vouches for an answer. The reasons are one-line texts for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Validated from the root down.
    Secure,
    /// Provably not signed.
    Insecure(String),
    /// Signed, and the signatures do not hold.
    Bogus(String),
    /// No answer worth the name.
    Unavailable(String),
}

/// An alias on the way to an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The name that is an alias, lower case without final dot.
    pub owner: String,
    /// Whether its CNAME record is secure.
    pub secure: bool,
}

/// An answer of DNS, as far as routing cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup<T> {
    /// How far the whole answer, every alias included, can be trusted.
    pub trust: Trust,
    /// Whether the name does not exist (NXDOMAIN).
    pub no_such_name: bool,
    /// The aliases followed, in order.
    pub aliases: Vec<Alias>,
    /// The name at the end of the aliases, lower case without final dot.
    pub canonical_name: String,
    /// The data found there; empty if there is none.
    pub records: Vec<T>,
}

/// The questions that routing asks.
pub trait Dns {
    /// The MX records of a domain.
    fn mx(&self, domain: &str) -> impl Future<Output = Lookup<Mx>> + Send;
    /// The A records of a host.
    fn a(&self, host: &str) -> impl Future<Output = Lookup<IpAddr>> + Send;
    /// The AAAA records of a host.
    fn aaaa(&self, host: &str) -> impl Future<Output = Lookup<IpAddr>> + Send;
    /// The RDATA of the TLSA records at `owner`, `_25._tcp.…`.
    fn tlsa(&self, owner: &str) -> impl Future<Output = Lookup<Vec<u8>>> + Send;
}

/// What of the sender's settings concerns routing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How DANE is used.
    pub dane: DaneMode,
    /// Documented limitations that are switched on.
    pub limitations: Limitations,
    /// RFC 7672 §2.2.1: apply DANE to a signed host even if the MX records that name it are insecure.
    pub dane_for_insecure_mx: bool,
}

/// A dead end before any connection, with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadEnd {
    /// What it counts as.
    pub condition: Condition,
    /// What exactly is wrong.
    pub problem: Problem,
    /// The same in one line.
    pub summary: String,
    /// Clauses that can stand after "because".
    pub reasons: Vec<String>,
}

impl DeadEnd {
    fn new(condition: Condition, problem: Problem, summary: impl Into<String>, reason: impl Into<String>) -> DeadEnd {
        DeadEnd { condition, problem, summary: summary.into(), reasons: vec![reason.into()] }
    }
}

/// The hosts of a domain, in the order in which they are tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The hosts with their preferences; at least one.
    pub hosts: Vec<Mx>,
    /// The domain has no MX records and is its own host.
    pub implicit: bool,
    /// Why the way from domain to hosts is not secure; none if it is.
    pub insecure: Option<String>,
}

impl Route {
    /// Puts hosts of equal preference into random order (RFC 5321 §5.1).
    pub fn spread(&mut self, env: &Env) {
        for equal in self.hosts.chunk_by_mut(|one, other| one.preference == other.preference) {
            env.shuffle("the order of equal MX hosts", equal);
        }
    }
}

/// What the TLSA lookups of a host came to, for the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsaDecision {
    /// Usable records: DANE authenticates.
    Dane,
    /// No records, provably.
    None,
    /// Records, none of them usable.
    Unusable,
    /// The way to the records is not secure, so DANE does not apply.
    Insecure,
    /// The lookup failed, the host is not used.
    Failed,
    /// The sender is set up not to look.
    Off,
}

impl TlsaDecision {
    /// The word for it in events.
    pub const fn word(self) -> &'static str {
        match self {
            TlsaDecision::Dane => "dane",
            TlsaDecision::None => "none",
            TlsaDecision::Unusable => "unusable",
            TlsaDecision::Insecure => "insecure",
            TlsaDecision::Failed => "failed",
            TlsaDecision::Off => "off",
        }
    }
}

/// What the TLSA lookups of a host found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsaFinding {
    /// Authentic records, at least one.
    Records(Vec<Classified>),
    /// Provably no records.
    Absent,
    /// Nothing that could be trusted: the way to the records is not secure.
    Insecure,
    /// No answer, or a bogus one; in one line.
    Failed(String),
    /// Nothing was asked.
    NotAsked,
}

/// What DNS says about TLS at one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPolicy {
    /// The host.
    pub host: String,
    /// How the sender uses DANE.
    pub mode: DaneMode,
    /// What was found.
    pub finding: TlsaFinding,
    /// The name below which TLSA records apply; the host's own name without DANE.
    pub base: String,
    /// The owner of the TLSA records: `_25._tcp.` and the base.
    pub owner: String,
    /// Clauses that can stand after "because".
    pub reasons: Vec<String>,
}

impl HostPolicy {
    /// The records found.
    pub fn records(&self) -> &[Classified] {
        match &self.finding {
            TlsaFinding::Records(records) => records,
            TlsaFinding::Absent | TlsaFinding::Insecure | TlsaFinding::Failed(_) | TlsaFinding::NotAsked => &[],
        }
    }

    /// How many of the records are usable.
    pub fn usable(&self) -> usize {
        self.records().iter().filter(|record| matches!(record, Classified::Usable(_))).count()
    }

    /// The kind of outcome.
    pub fn decision(&self) -> TlsaDecision {
        match &self.finding {
            TlsaFinding::Records(_) if self.usable() > 0 => TlsaDecision::Dane,
            TlsaFinding::Records(_) => TlsaDecision::Unusable,
            TlsaFinding::Absent => TlsaDecision::None,
            TlsaFinding::Insecure => TlsaDecision::Insecure,
            TlsaFinding::Failed(_) => TlsaDecision::Failed,
            TlsaFinding::NotAsked => TlsaDecision::Off,
        }
    }

    /// What is demanded of a session with the host.
    ///
    /// # Errors
    /// Why the host is not used.
    pub fn demand(&self) -> Result<Demand, DeadEnd> {
        let demand = match &self.finding {
            TlsaFinding::Records(records) => Demand::of_records(&self.base, records),
            TlsaFinding::Absent | TlsaFinding::Insecure | TlsaFinding::NotAsked => Demand::Opportunistic,
            // RFC 7672 §2.1.1, and documented for SERVFAIL in so many words.
            TlsaFinding::Failed(summary) => {
                let (condition, problem) = (Condition::DnssecInvalid, Problem::DnssecTlsa);
                return Err(DeadEnd { condition, problem, summary: summary.clone(), reasons: self.reasons.clone() });
            }
        };
        let reason = match (&demand, self.mode) {
            (Demand::Dane { .. }, _) | (_, DaneMode::Opportunistic | DaneMode::None) => return Ok(demand),
            (Demand::Opportunistic, DaneMode::Mandatory) => self.reasons.join("; "),
            // TLS that authenticates nobody is not what "mandatory" asks for.
            (Demand::Encrypted, DaneMode::Mandatory) => "no TLSA record is usable".to_owned(),
        };
        // Which code Exchange Online gives then is not documented; `tlsa-invalid` covers "any other DANE failure".
        let summary = format!("DANE is mandatory and {} does not offer it", self.host);
        Err(DeadEnd::new(Condition::TlsaInvalid, Problem::DaneNotOffered, summary, reason))
    }
}

/// The hosts that may take mail for `domain`.
///
/// # Errors
/// The domain's dead end: it does not exist, takes no mail, does not validate, or DNS does not answer.
pub async fn route<D: Dns>(dns: &D, domain: &str, settings: Settings) -> Result<Route, DeadEnd> {
    let answer = dns.mx(domain).await;
    let insecure = match answer.trust {
        Trust::Secure => None,
        Trust::Insecure(reason) => Some(format!("the MX records of {domain} are insecure: {reason}")),
        Trust::Bogus(reason) => {
            let summary = format!("the MX records of {domain} do not validate");
            return Err(DeadEnd::new(settings.limitations.bogus_route(), Problem::DnssecMx, summary, reason));
        }
        Trust::Unavailable(reason) => {
            let summary = format!("the MX records of {domain} cannot be looked up");
            return Err(DeadEnd::new(Condition::DnsQueryFailed, Problem::Dns, summary, reason));
        }
    };
    if answer.no_such_name {
        let reason = format!("DNS says that {} does not exist", answer.canonical_name);
        let summary = format!("{domain} does not exist");
        return Err(DeadEnd::new(Condition::DomainDoesNotExist, Problem::NoSuchDomain, summary, reason));
    }
    let MailHosts { hosts, implicit } = MailHosts::of(domain, answer.records).map_err(|null| {
        let summary = format!("{domain} takes no mail");
        DeadEnd::new(Condition::NullMx, Problem::NullMx, summary, null.to_string())
    })?;
    Ok(Route { hosts, implicit, insecure })
}

/// The addresses of a host, and what they say about where its TLSA records are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// IPv4 first, then IPv6, each in numeric order; at least one.
    pub addresses: Vec<IpAddr>,
    /// Names below which TLSA records may be, in the order in which they are asked.
    pub base_candidates: Vec<String>,
    /// Why there are no candidates, if there are none.
    pub insecure: Option<String>,
}

/// Looks up the addresses of `host`.
///
/// # Errors
/// The host's dead end: its addresses do not validate, do not exist, or DNS does not answer.
pub async fn addresses<D: Dns>(dns: &D, host: &str, settings: Settings) -> Result<Addresses, DeadEnd> {
    let answers = [dns.a(host).await, dns.aaaa(host).await];
    for answer in &answers {
        if let Trust::Bogus(reason) = &answer.trust {
            let summary = format!("the addresses of {host} do not validate");
            return Err(DeadEnd::new(settings.limitations.bogus_route(), Problem::DnssecAddress, summary, reason));
        }
    }
    let mut addresses = Vec::new();
    for answer in &answers {
        let mut of_family = answer.records.clone();
        of_family.sort();
        of_family.dedup();
        addresses.extend(of_family);
    }
    addresses.truncate(MOST_ADDRESSES);
    let Some(answer) = answers.iter().find(|answer| !answer.records.is_empty()) else {
        return Err(no_address(host, &answers));
    };
    // Both families go the same way; the one that has addresses tells about it.
    let (base_candidates, insecure) = base_candidates(host, answer);
    Ok(Addresses { addresses, base_candidates, insecure })
}

fn no_address(host: &str, answers: &[Lookup<IpAddr>]) -> DeadEnd {
    let unavailable = answers.iter().find_map(|answer| match &answer.trust {
        Trust::Unavailable(reason) => Some(reason.clone()),
        _ => None,
    });
    match unavailable {
        Some(reason) => {
            let summary = format!("the addresses of {host} cannot be looked up");
            DeadEnd::new(Condition::DnsQueryFailed, Problem::Dns, summary, reason)
        }
        None => {
            let reason = format!("{host} has neither A nor AAAA records");
            DeadEnd::new(Condition::DnsQueryFailed, Problem::Dns, format!("{host} has no address"), reason)
        }
    }
}

/// RFC 7672 §2.2.2: where the TLSA records of a host may be, judged by its address lookup.
fn base_candidates(host: &str, answer: &Lookup<IpAddr>) -> (Vec<String>, Option<String>) {
    match (&answer.trust, answer.aliases.first()) {
        (Trust::Secure, None) => (vec![host.to_owned()], None),
        (Trust::Secure, Some(_)) => (vec![answer.canonical_name.clone(), host.to_owned()], None),
        (Trust::Insecure(_), Some(first)) if first.secure => (vec![host.to_owned()], None),
        (Trust::Insecure(reason) | Trust::Bogus(reason) | Trust::Unavailable(reason), _) => {
            (Vec::new(), Some(format!("the addresses of {host} are insecure: {reason}")))
        }
    }
}

/// Looks up what DANE demands of a host whose addresses are known, for a connection to `port`.
pub async fn host_policy<D: Dns>(
    dns: &D,
    route: &Route,
    host: &str,
    addresses: &Addresses,
    settings: Settings,
    port: u16,
) -> HostPolicy {
    let found = |base: &str, finding, reasons| HostPolicy {
        host: host.to_owned(),
        mode: settings.dane,
        finding,
        base: base.to_owned(),
        owner: tlsa_owner(port, base),
        reasons,
    };
    if settings.dane == DaneMode::None {
        let reason = "the sender does not use DANE for this domain".to_owned();
        return found(host, TlsaFinding::NotAsked, vec![reason]);
    }
    if let Some(reason) = &route.insecure
        && !settings.dane_for_insecure_mx
    {
        return found(host, TlsaFinding::Insecure, vec![reason.clone()]);
    }
    if let Some(reason) = &addresses.insecure {
        return found(host, TlsaFinding::Insecure, vec![reason.clone()]);
    }
    let mut finding = TlsaFinding::Absent;
    let mut reasons = Vec::new();
    for base in &addresses.base_candidates {
        let owner = tlsa_owner(port, base);
        let answer = dns.tlsa(&owner).await;
        match answer.trust {
            Trust::Secure if !answer.records.is_empty() => {
                let records: Vec<_> = answer.records.iter().map(|rdata| classify(rdata)).collect();
                let reasons = records.iter().map(about_record).collect();
                return found(base, TlsaFinding::Records(records), reasons);
            }
            Trust::Secure => reasons.push(format!("{owner} has no TLSA records")),
            Trust::Insecure(reason) => {
                finding = TlsaFinding::Insecure;
                reasons.push(format!("the answer for {owner} is insecure: {reason}"));
            }
            Trust::Bogus(reason) => {
                let summary = format!("the TLSA records of {base} do not validate");
                return found(base, TlsaFinding::Failed(summary), vec![reason]);
            }
            Trust::Unavailable(reason) => {
                let summary = format!("the TLSA records of {base} cannot be looked up");
                return found(base, TlsaFinding::Failed(summary), vec![reason]);
            }
        }
    }
    found(host, finding, reasons)
}

/// RFC 7672 §2.2.3: where the TLSA records for a port of this base domain are.
fn tlsa_owner(port: u16, base: &str) -> String {
    format!("_{port}._tcp.{base}")
}

fn about_record(record: &Classified) -> String {
    match record {
        Classified::Usable(tlsa) => format!("TLSA {tlsa} is usable"),
        Classified::Unusable { record, reason } => format!("TLSA {record} is unusable: {reason}"),
    }
}

#[cfg(test)]
mod tests;
