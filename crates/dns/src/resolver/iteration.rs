//! How the resolver finds the records of one name: from the nearest known servers downwards.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use jiff::Timestamp;
use mxlab_env::BoxFuture;

use crate::name::Name;
use crate::rdata::{A, Aaaa, Ns, Soa};
use crate::record::{Class, Rcode, Record, RecordType};
use crate::recursor::Recursor;
use crate::resolver::expiring::Expiring;
use crate::resolver::query::{Effort, Server};
use crate::security::{Reason, RrsetId};
use crate::sign;
use crate::validator::after;
use crate::wire::Message;

/// How many referrals may follow one another.
const MAX_REFERRALS: u32 = 20;
/// How deep the search for a server's address may go: the address of a server of the zone of a server, and so on.
const MAX_DEPTH: u32 = 4;
/// How many servers of a zone are tried.
const MAX_SERVERS: usize = 8;
/// How many answers and referrals are kept.
const CAPACITY: usize = 10_000;

/// What was found for one name.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) rcode: Rcode,
    /// The RRset asked for, or the alias, with signatures.
    pub(crate) answer: Vec<Record>,
    /// What else the zone sent: SOA, proofs, its servers.
    pub(crate) authority: Vec<Record>,
    /// Addresses of those servers.
    pub(crate) additional: Vec<Record>,
    /// The zone whose server answered, as far as delegations tell.
    pub(crate) zone: Name,
    /// The server that answered.
    pub(crate) server: SocketAddr,
    /// Its name.
    pub(crate) called: String,
}

/// The servers of a zone.
#[derive(Clone, Debug)]
struct Delegation {
    zone: Name,
    servers: Vec<(Name, Vec<IpAddr>)>,
}

/// What has been learnt, until it expires.
pub(crate) struct Memory {
    enabled: bool,
    /// What was found, and when.
    found: Expiring<(Name, RecordType), (Found, Timestamp)>,
    delegations: Expiring<Name, Delegation>,
}

impl Memory {
    pub(crate) fn new(enabled: bool) -> Memory {
        Memory { enabled, found: Expiring::new(CAPACITY), delegations: Expiring::new(CAPACITY) }
    }

    /// What was found before, its TTLs reduced by the time since.
    fn found(&self, name: &Name, rtype: RecordType, now: Timestamp) -> Option<Found> {
        let (found, since) = self.found.get(&(name.clone(), rtype), now)?;
        let age = u32::try_from(now.as_second() - since.as_second()).unwrap_or(u32::MAX);
        let mut found = found.clone();
        for record in found.answer.iter_mut().chain(&mut found.authority).chain(&mut found.additional) {
            record.ttl = record.ttl.saturating_sub(age);
        }
        Some(found)
    }

    fn keep_found(&mut self, name: &Name, rtype: RecordType, found: &Found, ttl: u32, now: Timestamp) {
        let until = after(now, ttl);
        if self.enabled && now < until {
            self.found.insert((name.clone(), rtype), (found.clone(), now), until);
        }
    }

    /// Forgets what was found for a name: it turned out to be bogus.
    pub(crate) fn forget(&mut self, name: &Name, rtype: RecordType) {
        self.found.remove(&(name.clone(), rtype));
        self.found.remove(&(name.clone(), RecordType::CNAME));
    }

    /// The servers of the nearest known zone at or above a name.
    fn nearest(&self, name: &Name, now: Timestamp) -> Option<Delegation> {
        name.ancestors().find_map(|ancestor| self.delegations.get(&ancestor, now)).cloned()
    }

    /// Forgets the servers of the nearest known zone at or above a name: no signature says that they are its servers.
    pub(crate) fn forget_delegation(&mut self, name: &Name, now: Timestamp) {
        if let Some(delegation) = self.nearest(name, now) {
            self.delegations.remove(&delegation.zone);
        }
    }

    fn keep_delegation(&mut self, delegation: &Delegation, ttl: u32, now: Timestamp) {
        let until = after(now, ttl);
        if self.enabled && now < until {
            self.delegations.insert(delegation.zone.clone(), delegation.clone(), until);
        }
    }
}

impl Found {
    /// How long it may be kept: the smallest TTL of its records; for a negative answer that of the SOA, and not longer
    /// than it says (RFC 2308 §5); not at all without one.
    fn ttl(&self) -> u32 {
        let least = |records: &mut dyn Iterator<Item = &Record>| records.map(|record| record.ttl).min();
        if let Some(ttl) = least(&mut self.answer.iter()) {
            return least(&mut proofs(&self.authority)).map_or(ttl, |proof| proof.min(ttl));
        }
        let soa = self.authority.iter().find(|record| record.rtype == RecordType::SOA);
        soa.and_then(|soa| Some(Soa::parse(&soa.rdata).ok()?.minimum.min(soa.ttl))).unwrap_or(0)
    }

    /// The smallest TTL of all that was found.
    fn least(&self) -> u32 {
        self.answer.iter().chain(proofs(&self.authority)).map(|record| record.ttl).min().unwrap_or(0)
    }

    fn is_alias(&self) -> bool {
        self.answer.iter().any(|record| record.rtype == RecordType::CNAME)
    }
}

/// The proofs among records, with their signatures.
pub(crate) fn proofs(records: &[Record]) -> impl Iterator<Item = &Record> {
    let is_proof = |rtype| matches!(rtype, Some(RecordType::NSEC | RecordType::NSEC3));
    records.iter().filter(move |record| match record.rtype {
        RecordType::RRSIG => is_proof(sign::covered(&record.rdata)),
        rtype => is_proof(Some(rtype)),
    })
}

/// What an answer of a zone's server means.
enum Outcome {
    Found(Found),
    Referral(Referral),
}

/// The servers of a zone further down.
struct Referral {
    to: Delegation,
    ttl: u32,
    /// The DS of the zone, or the proof that it has none, if the referral had them (RFC 4035 §3.1.4): then nobody has
    /// to ask for them.
    ds: Option<Found>,
}

impl Recursor {
    /// The RRset of this name and type, its alias, or their denial. If there are servers to `avoid`, they are not asked, nor
    /// does memory answer.
    pub(crate) async fn find(
        &self,
        name: &Name,
        rtype: RecordType,
        avoid: &BTreeSet<SocketAddr>,
        effort: &mut Effort,
    ) -> Result<Found, Reason> {
        let now = self.inner.asking.env.now();
        let memory = |name: &Name, rtype| self.memory().found(name, rtype, now);
        let alias = || memory(name, RecordType::CNAME).filter(|found| found.is_alias() && hides(rtype));
        let known = || memory(name, rtype).or_else(alias);
        if avoid.is_empty()
            && let Some(found) = known()
        {
            return Ok(found);
        }
        let mut delegation = self.memory().nearest(&asked_of(name, rtype), now).unwrap_or_else(|| self.root());
        for _ in 0..MAX_REFERRALS {
            match self.ask_zone(&delegation, name, rtype, avoid, effort).await? {
                Outcome::Found(found) => {
                    let now = self.inner.asking.env.now();
                    let kept_as = if found.is_alias() && hides(rtype) { RecordType::CNAME } else { rtype };
                    self.memory().keep_found(name, kept_as, &found, found.ttl(), now);
                    return Ok(found);
                }
                Outcome::Referral(Referral { to, ttl, ds }) => {
                    let now = self.inner.asking.env.now();
                    self.memory().keep_delegation(&to, ttl, now);
                    if let Some(ds) = ds {
                        self.memory().keep_found(&to.zone, RecordType::DS, &ds, ttl.min(ds.least()), now);
                    }
                    delegation = to;
                }
            }
        }
        let server = delegation.zone.to_lowercase().to_string();
        Err(Reason::Lame { rrset: RrsetId { name: name.clone(), rtype }, server: format!("the server of {server}") })
    }

    fn root(&self) -> Delegation {
        Delegation { zone: Name::root(), servers: self.inner.config.roots.clone() }
    }

    /// Asks the servers of a zone in their order, until one gives an answer; servers that failed earlier in this lookup
    /// come last.
    async fn ask_zone(
        &self,
        delegation: &Delegation,
        name: &Name,
        rtype: RecordType,
        avoid: &BTreeSet<SocketAddr>,
        effort: &mut Effort,
    ) -> Result<Outcome, Reason> {
        let rrset = || RrsetId { name: name.clone(), rtype };
        let mut failures = Vec::new();
        let mut later = Vec::new();
        for (server, glue) in delegation.servers.iter().take(MAX_SERVERS) {
            let called = server.to_lowercase().to_string();
            let addresses = if glue.is_empty() { self.addresses(server, effort).await? } else { glue.clone() };
            if addresses.is_empty() {
                failures.push(Reason::Lame { rrset: rrset(), server: format!("{called}, which has no address,") });
            }
            for address in addresses {
                let address = SocketAddr::new(address, self.inner.config.port);
                if avoid.contains(&address) {
                    continue;
                }
                if effort.failed.contains(&address) {
                    later.push((address, called.clone()));
                    continue;
                }
                match self.ask_server(Server { address, called: &called }, delegation, &rrset(), effort).await {
                    Ok(outcome) => return Ok(outcome),
                    Err(reason) => failures.push(reason),
                }
            }
        }
        for (address, called) in later {
            match self.ask_server(Server { address, called: &called }, delegation, &rrset(), effort).await {
                Ok(outcome) => return Ok(outcome),
                Err(reason) => failures.push(reason),
            }
        }
        // A reached bound ends the search; of other failures, the first one that is more than silence is reported.
        let work = failures.iter().find(|reason| matches!(reason, Reason::TooMuchWork { .. }));
        let telling = failures.iter().find(|reason| !matches!(reason, Reason::TimedOut { .. }));
        Err(work.or(telling).cloned().unwrap_or_else(|| Reason::NoReachableAuthority { rrset: rrset() }))
    }

    async fn ask_server(
        &self,
        server: Server<'_>,
        delegation: &Delegation,
        rrset: &RrsetId,
        effort: &mut Effort,
    ) -> Result<Outcome, Reason> {
        let message = match self.inner.asking.ask(&rrset.name, rrset.rtype, server, effort).await {
            Ok(message) => classify(&message, delegation, rrset, server),
            Err(reason) => Err(reason),
        };
        if message.is_err() {
            effort.failed.insert(server.address);
        }
        message
    }

    /// Finds the addresses of a server that came without glue; none if they cannot be found. Boxed, because it may lead
    /// back here.
    ///
    /// # Errors
    /// The lookup has used all its work.
    fn addresses<'a>(&'a self, server: &'a Name, effort: &'a mut Effort) -> BoxFuture<'a, Result<Vec<IpAddr>, Reason>> {
        Box::pin(async move {
            if effort.depth >= MAX_DEPTH {
                return Ok(Vec::new());
            }
            effort.depth += 1;
            let addresses = self.addresses_of_either_kind(server, effort).await;
            effort.depth -= 1;
            addresses
        })
    }

    async fn addresses_of_either_kind(&self, server: &Name, effort: &mut Effort) -> Result<Vec<IpAddr>, Reason> {
        // IPv6 only for a server that has no other address.
        for rtype in [RecordType::A, RecordType::AAAA] {
            let addresses: Vec<IpAddr> = match self.find(server, rtype, &BTreeSet::new(), effort).await {
                Ok(found) => found.answer.iter().filter_map(address).collect(),
                Err(reason @ Reason::TooMuchWork { .. }) => return Err(reason),
                Err(_) => continue,
            };
            if !addresses.is_empty() {
                return Ok(addresses);
            }
        }
        Ok(Vec::new())
    }
}

fn address(record: &Record) -> Option<IpAddr> {
    match record.rtype {
        RecordType::A => A::parse(&record.rdata).ok().map(|a| a.0.into()),
        RecordType::AAAA => Aaaa::parse(&record.rdata).ok().map(|aaaa| aaaa.0.into()),
        _ => None,
    }
}

/// The name whose zone's servers are asked: those of the parent for the DS RRset of a zone (RFC 4035 §4.2).
pub(crate) fn asked_of(name: &Name, rtype: RecordType) -> Name {
    let above = if rtype == RecordType::DS { name.parent() } else { None };
    above.unwrap_or_else(|| name.clone())
}

/// Whether an alias answers for this type: not for types that may be beside it (RFC 4035 §2.5), nor for DS, which
/// another zone holds if the alias is at its own zone's apex.
fn hides(rtype: RecordType) -> bool {
    !matches!(rtype, RecordType::DS | RecordType::RRSIG | RecordType::NSEC)
}

/// The meaning of an answer that a server of a zone gave about a name at or below the zone.
///
/// Only records in the zone are believed (RFC 5452 §6), and in the answer section only those that belong to the name
/// that was asked for: the target of an alias gets a question of its own.
fn classify(
    message: &Message,
    delegation: &Delegation,
    rrset: &RrsetId,
    server: Server<'_>,
) -> Result<Outcome, Reason> {
    let RrsetId { name, rtype } = rrset;
    let zone = &delegation.zone;
    let called = || server.called.to_owned();
    match message.rcode {
        Rcode::NOERROR | Rcode::NXDOMAIN => {}
        rcode => return Err(Reason::ErrorCode { rrset: rrset.clone(), rcode, server: called() }),
    }
    let own = |record: &&Record| record.class == Class::IN && record.name.is_subdomain_of(zone);
    let take = |wanted: RecordType, owner: &Name| -> Vec<Record> {
        let of = |record: &&Record| {
            let covered = record.rtype == RecordType::RRSIG && sign::covered(&record.rdata) == Some(wanted);
            record.name == *owner && (record.rtype == wanted || covered)
        };
        message.answer.iter().filter(own).filter(of).cloned().collect()
    };
    let has = |wanted| message.answer.iter().filter(own).any(|record| record.name == *name && record.rtype == wanted);
    let dname = message
        .answer
        .iter()
        .filter(own)
        .find(|record| record.rtype == RecordType::DNAME && name.is_strictly_below(&record.name));
    let own_data = match *rtype {
        RecordType::ANY => message.answer.iter().filter(own).filter(|r| r.name == *name).cloned().collect(),
        _ if has(*rtype) => take(*rtype, name),
        _ => take(RecordType::CNAME, name),
    };
    // RFC 6672 §3.1: the CNAME is made from the DNAME.
    let made = own_data.iter().all(|record| matches!(record.rtype, RecordType::CNAME | RecordType::RRSIG));
    let mut answer = dname.filter(|_| made).map(|dname| take(RecordType::DNAME, &dname.name)).unwrap_or_default();
    answer.extend(own_data);
    if answer.is_empty() {
        // A denial has the SOA of its zone (RFC 2308 §2). AA alone is no proof: some servers forget it, some set it on
        // referrals.
        let soa = |record: &Record| record.rtype == RecordType::SOA && name.is_subdomain_of(&record.name);
        let (authoritative, denies) = (message.flags.authoritative, message.authority.iter().filter(own).any(soa));
        if !(authoritative && denies)
            && let Some(referral) = referral(message, zone, rrset, server)
        {
            return Ok(referral);
        }
        if !authoritative && !denies {
            return Err(Reason::Lame { rrset: rrset.clone(), server: called() });
        }
    }
    let section = |records: &[Record]| -> Vec<Record> { records.iter().filter(own).cloned().collect() };
    let mut authority = section(&message.authority);
    if !answer.is_empty() {
        // The denial is about the target of an alias.
        authority.retain(|record| record.rtype != RecordType::SOA);
    }
    Ok(Outcome::Found(Found {
        rcode: if answer.is_empty() { message.rcode } else { Rcode::NOERROR },
        answer,
        authority,
        additional: section(&message.additional),
        zone: zone.clone(),
        server: server.address,
        called: called(),
    }))
}

/// The delegation in the authority section: strictly below the zone, at or above the name.
fn referral(message: &Message, zone: &Name, rrset: &RrsetId, server: Server<'_>) -> Option<Outcome> {
    let RrsetId { name, rtype } = rrset;
    let leads_on = |record: &&Record| {
        record.rtype == RecordType::NS
            && record.class == Class::IN
            && record.name.is_strictly_below(zone)
            && name.is_subdomain_of(&record.name)
            // The DS of a zone is not to be found below its cut.
            && !(*rtype == RecordType::DS && record.name == *name)
    };
    let first = message.authority.iter().find(leads_on)?;
    let child = first.name.clone();
    let set: Vec<&Record> = message.authority.iter().filter(leads_on).filter(|record| record.name == child).collect();
    let ttl = set.iter().map(|record| record.ttl).min()?;
    let glue = |server: &Name| -> Vec<IpAddr> {
        let own = |record: &&Record| record.name == *server && server.is_subdomain_of(zone);
        let mut addresses: Vec<IpAddr> = message.additional.iter().filter(own).filter_map(address).collect();
        addresses.sort_by_key(IpAddr::is_ipv6);
        // An IPv6 address is used only for a server that has no other.
        if addresses.first().is_some_and(IpAddr::is_ipv4) {
            addresses.retain(IpAddr::is_ipv4);
        }
        addresses
    };
    let servers = set.iter().filter_map(|record| Ns::parse(&record.rdata).ok());
    let servers = servers
        .map(|server| {
            let addresses = glue(&server.0);
            (server.0, addresses)
        })
        .collect();
    let own = |record: &&Record| record.class == Class::IN && record.name.is_subdomain_of(zone);
    let of_ds = |record: &&Record| {
        let covers_ds = record.rtype == RecordType::RRSIG && sign::covered(&record.rdata) == Some(RecordType::DS);
        record.name == child && (record.rtype == RecordType::DS || covers_ds)
    };
    let answer: Vec<Record> = message.authority.iter().filter(own).filter(of_ds).cloned().collect();
    let authority: Vec<Record> = proofs(&message.authority).filter(own).cloned().collect();
    let ds = (!answer.is_empty() || !authority.is_empty()).then(|| Found {
        rcode: Rcode::NOERROR,
        answer,
        authority,
        additional: Vec::new(),
        zone: zone.clone(),
        server: server.address,
        called: server.called.to_owned(),
    });
    Some(Outcome::Referral(Referral { to: Delegation { zone: child, servers }, ttl, ds }))
}
