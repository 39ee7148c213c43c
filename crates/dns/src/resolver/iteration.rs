//! How the resolver finds the records of one name: from the nearest known servers downwards.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use jiff::Timestamp;
use mxlab_env::BoxFuture;

use crate::name::Name;
use crate::rdata::{A, Aaaa, Ns, Nsec, Soa};
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
/// How many addresses of a server are tried.
const MAX_ADDRESSES: usize = 4;
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
    /// Whether it came with a referral to the zone that the question is about, and so without an SOA.
    pub(crate) referred: bool,
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

    /// Forgets the proof that came with a referral to this zone.
    pub(crate) fn forget_referred(&mut self, zone: &Name) {
        let key = (zone.clone(), RecordType::DS);
        if self.found.get(&key, Timestamp::MIN).is_some_and(|(found, _)| found.referred && found.answer.is_empty()) {
            self.found.remove(&key);
        }
    }

    /// The highest zone below `above`, at or above `name`, whose servers are known, with the proofs about its DS that
    /// came with the referral to them.
    pub(crate) fn referral_below(&self, above: &Name, name: &Name, now: Timestamp) -> Option<(Name, Vec<Record>)> {
        let mut below = (above.label_count() + 1..=name.label_count()).map(|labels| name.suffix(labels));
        let zone = below.find(|zone| self.delegations.get(zone, now).is_some())?;
        let found = self.found(&zone, RecordType::DS, now).filter(|found| found.referred && found.answer.is_empty())?;
        Some((zone, found.authority))
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
    /// The server was asked for the DS of a zone, and answered from that zone, which does not have it (RFC 4035 §2.4).
    FromChild,
}

/// The servers of a zone further down.
struct Referral {
    to: Delegation,
    ttl: u32,
    /// The DS of the zone, or the proof that it has none, if the referral had them (RFC 4035 §3.1.4): then they need
    /// not be asked for.
    ds: Option<Found>,
}

/// The servers of a zone are asked one question.
struct Round<'a> {
    delegation: &'a Delegation,
    rrset: RrsetId,
    /// The servers that gave no usable answer so far.
    failures: Vec<(&'a Name, SocketAddr, Failure)>,
}

/// Why a server's answer is not used.
enum Failure {
    Reason(Reason),
    /// It answered for a DS from the zone that the DS is about.
    FromChild,
}

/// Stands for the address of a server that has none.
const NO_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);

impl<'a> Round<'a> {
    fn without_address(&mut self, server: &'a Name) {
        let called = format!("{}, which has no address,", server.to_lowercase());
        let reason = Reason::Lame { rrset: self.rrset.clone(), server: called };
        self.failures.push((server, NO_ADDRESS, Failure::Reason(reason)));
    }

    /// Takes out the servers that did not answer.
    fn silent(&mut self) -> Vec<(&'a Name, SocketAddr)> {
        let is_silent = |failure: &Failure| matches!(failure, Failure::Reason(Reason::TimedOut { .. }));
        let silent = self.failures.extract_if(.., |(_, _, failure)| is_silent(failure));
        silent.map(|(server, address, _)| (server, address)).collect()
    }

    /// What it means that no server gave an answer. A reached bound ends the search. Of other failures, the first one
    /// that is more than silence is reported.
    fn end(self) -> Result<Outcome, Reason> {
        let mut telling = None;
        let mut from_child = false;
        for (_, _, failure) in self.failures {
            match failure {
                Failure::Reason(reason @ Reason::TooMuchWork { .. }) => return Err(reason),
                Failure::Reason(Reason::TimedOut { .. }) => {}
                Failure::Reason(reason) => {
                    telling.get_or_insert(reason);
                }
                Failure::FromChild => from_child = true,
            }
        }
        if from_child {
            return Ok(Outcome::FromChild);
        }
        Err(telling.unwrap_or(Reason::NoReachableAuthority { rrset: self.rrset }))
    }
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
                Outcome::FromChild => match self.parent_below(&delegation, name, avoid, effort).await? {
                    Some(parent) => delegation = parent,
                    None => break,
                },
            }
        }
        let server = delegation.zone.to_lowercase().to_string();
        Err(Reason::Lame { rrset: RrsetId { name: name.clone(), rtype }, server: format!("the server of {server}") })
    }

    /// The servers of a zone between `delegation` and `child`. Servers of a zone, and of a zone two levels further down,
    /// may answer for the lower one's DS from that zone itself; they still refer to the zone between, which has the DS.
    async fn parent_below(
        &self,
        delegation: &Delegation,
        child: &Name,
        avoid: &BTreeSet<SocketAddr>,
        effort: &mut Effort,
    ) -> Result<Option<Delegation>, Reason> {
        for labels in delegation.zone.label_count() + 1..child.label_count() {
            let between = child.suffix(labels);
            let outcome = self.ask_zone(delegation, &between, RecordType::NS, avoid, effort).await?;
            if let Outcome::Referral(Referral { to, ttl, .. }) = outcome {
                self.memory().keep_delegation(&to, ttl, self.inner.asking.env.now());
                return Ok(Some(to));
            }
        }
        Ok(None)
    }

    fn root(&self) -> Delegation {
        Delegation { zone: Name::root(), servers: self.inner.config.roots.clone() }
    }

    /// Asks the servers of a zone in their order, until one gives an answer. Servers that did not answer lately, or failed
    /// earlier in this lookup, come last; a query is repeated only when all servers have had it.
    async fn ask_zone(
        &self,
        delegation: &Delegation,
        name: &Name,
        rtype: RecordType,
        avoid: &BTreeSet<SocketAddr>,
        effort: &mut Effort,
    ) -> Result<Outcome, Reason> {
        let (env, silent) = (&self.inner.asking.env, &self.inner.asking.silent);
        let mut round = Round { delegation, rrset: RrsetId { name: name.clone(), rtype }, failures: Vec::new() };
        let mut asked = BTreeSet::new();
        let mut later = Vec::new();
        for (server, glue) in delegation.servers.iter().take(MAX_SERVERS) {
            let addresses = if glue.is_empty() { self.addresses(server, effort).await? } else { glue.clone() };
            if addresses.is_empty() {
                round.without_address(server);
            }
            for address in self.sockets(addresses).filter(|address| !avoid.contains(address)) {
                if !asked.insert(address) {
                    continue;
                }
                if effort.failed.contains(&address) || silent.holds(address, env.now()) {
                    later.push((server, address));
                } else if let Some(outcome) = self.ask_server(&mut round, server, address, effort).await {
                    return Ok(outcome);
                }
            }
        }
        for (server, address) in later {
            if let Some(outcome) = self.ask_server(&mut round, server, address, effort).await {
                return Ok(outcome);
            }
        }
        // Glue may have only an IPv6 address of a server that has others. A server in the zone itself would have to be
        // asked for them itself.
        let half = |(server, glue): &&(Name, Vec<IpAddr>)| {
            glue.first().is_some_and(IpAddr::is_ipv6) && !server.is_subdomain_of(&delegation.zone)
        };
        for (server, _) in delegation.servers.iter().take(MAX_SERVERS).filter(half) {
            let addresses = self.addresses(server, effort).await?;
            for address in self.sockets(addresses).filter(|address| !avoid.contains(address)) {
                if asked.insert(address)
                    && let Some(outcome) = self.ask_server(&mut round, server, address, effort).await
                {
                    return Ok(outcome);
                }
            }
        }
        for _ in 1..self.inner.asking.attempts {
            for (server, address) in round.silent() {
                if let Some(outcome) = self.ask_server(&mut round, server, address, effort).await {
                    return Ok(outcome);
                }
            }
        }
        round.end()
    }

    fn sockets(&self, addresses: Vec<IpAddr>) -> impl Iterator<Item = SocketAddr> + use<> {
        let port = self.inner.config.port;
        addresses.into_iter().take(MAX_ADDRESSES).map(move |address| SocketAddr::new(address, port))
    }

    /// Sends the question to a server once; none if its answer, or its silence, leaves the question open.
    async fn ask_server<'a>(
        &self,
        round: &mut Round<'a>,
        server: &'a Name,
        address: SocketAddr,
        effort: &mut Effort,
    ) -> Option<Outcome> {
        let called = server.to_lowercase().to_string();
        let asked = Server { address, called: &called };
        let RrsetId { name, rtype } = &round.rrset;
        let outcome = match self.inner.asking.ask(name, *rtype, asked, 1, effort).await {
            Ok(message) => classify(&message, round.delegation, &round.rrset, asked),
            Err(reason) => Err(reason),
        };
        let failure = match outcome {
            // Another server may have only the zones above.
            Ok(Outcome::FromChild) => Failure::FromChild,
            Ok(outcome) => return Some(outcome),
            Err(reason) => Failure::Reason(reason),
        };
        effort.failed.insert(address);
        round.failures.push((server, address, failure));
        None
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
/// another zone holds if the alias is at its own zone's apex. Some zones have an alias there, against RFC 2181 §10.1: it
/// must not hide their keys.
fn hides(rtype: RecordType) -> bool {
    !matches!(rtype, RecordType::DS | RecordType::RRSIG | RecordType::NSEC | RecordType::DNSKEY)
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
    let own = |record: &&Record| record.class == Class::IN && record.name.is_subdomain_of(zone);
    let dname = message
        .answer
        .iter()
        .filter(own)
        .find(|record| record.rtype == RecordType::DNAME && name.is_strictly_below(&record.name));
    match message.rcode {
        Rcode::NOERROR | Rcode::NXDOMAIN => {}
        // RFC 6672 §2.2: the alias would be too long, as the DNAME shows.
        Rcode::YXDOMAIN if dname.is_some() => {}
        rcode => return Err(Reason::ErrorCode { rrset: rrset.clone(), rcode, server: called() }),
    }
    let take = |wanted: RecordType, owner: &Name| -> Vec<Record> {
        let of = |record: &&Record| {
            let covered = record.rtype == RecordType::RRSIG && sign::covered(&record.rdata) == Some(wanted);
            record.name == *owner && (record.rtype == wanted || covered)
        };
        message.answer.iter().filter(own).filter(of).cloned().collect()
    };
    let has = |wanted| message.answer.iter().filter(own).any(|record| record.name == *name && record.rtype == wanted);
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
        if *rtype == RecordType::DS && is_from_child(&message.authority, name) {
            return Ok(Outcome::FromChild);
        }
        // A denial has the SOA of its zone (RFC 2308 §2). AA alone is no proof: some servers forget it, some set it on
        // referrals.
        let soa = |record: &Record| record.rtype == RecordType::SOA && name.is_subdomain_of(&record.name);
        let (authoritative, denies) = (message.flags.authoritative, message.authority.iter().filter(own).any(soa));
        if !(authoritative && denies)
            && let Some(referral) = referral(message, zone, rrset, server)
        {
            return Ok(referral);
        }
        // Some servers forget the SOA as well; the code, or a proof, then says that it is a denial.
        let proved = message.rcode == Rcode::NXDOMAIN || proofs(&message.authority).any(|proof| own(&proof));
        if !authoritative && !denies && !proved {
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
        referred: false,
    }))
}

/// Whether the denial of a DS is that of the zone itself, not of its parent: its SOA, or an NSEC with the type SOA, is at
/// the name.
fn is_from_child(authority: &[Record], name: &Name) -> bool {
    let of_child = |record: &Record| match record.rtype {
        RecordType::SOA => true,
        RecordType::NSEC => Nsec::parse(&record.rdata).is_ok_and(|nsec| nsec.types.contains(RecordType::SOA)),
        _ => false,
    };
    // The root has no parent, so it may deny its own DS.
    !name.is_root() && authority.iter().any(|record| record.name == *name && of_child(record))
}

/// The delegation in the authority section: strictly below the zone, at or above the name. If the DS of the delegated zone
/// itself was asked for, the referral is the answer: it has the DS, or the proof that there is none.
fn referral(message: &Message, zone: &Name, rrset: &RrsetId, server: Server<'_>) -> Option<Outcome> {
    let RrsetId { name, rtype } = rrset;
    let leads_on = |record: &&Record| {
        record.rtype == RecordType::NS
            && record.class == Class::IN
            && record.name.is_strictly_below(zone)
            && name.is_subdomain_of(&record.name)
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
    let has_ds = !answer.is_empty() || !authority.is_empty();
    let ds = Found {
        rcode: Rcode::NOERROR,
        answer,
        authority,
        additional: Vec::new(),
        zone: zone.clone(),
        server: server.address,
        called: server.called.to_owned(),
        referred: true,
    };
    if *rtype == RecordType::DS && child == *name {
        return Some(Outcome::Found(ds));
    }
    Some(Outcome::Referral(Referral { to: Delegation { zone: child, servers }, ttl, ds: has_ds.then_some(ds) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zonefile;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn records(text: &str) -> Vec<Record> {
        zonefile::parse(text, &Name::root(), 300).unwrap().into_iter().map(|entry| entry.record).collect()
    }

    /// What a server of `example` says to a question, as a word and the details that matter.
    #[track_caller]
    fn check(question: &str, head: &str, authority: &str, additional: &str, expected: &str) {
        let (owner, rtype) = question.split_once(' ').unwrap();
        let rrset = RrsetId { name: name(owner), rtype: rtype.parse().unwrap() };
        let mut message = Message::query(7, rrset.name.clone(), rrset.rtype, None).response(Rcode::NOERROR);
        message.flags.authoritative = head.contains("aa");
        if head.contains("NXDOMAIN") {
            message.rcode = Rcode::NXDOMAIN;
        }
        (message.authority, message.additional) = (records(authority), records(additional));
        let zone = Delegation { zone: name("example"), servers: Vec::new() };
        let server = Server { address: NO_ADDRESS, called: "ns.example" };
        let found = match classify(&message, &zone, &rrset, server) {
            Ok(Outcome::Found(found)) if found.referred => "denied by a referral".to_owned(),
            Ok(Outcome::Found(found)) => format!("denied for {} s", found.ttl()),
            Ok(Outcome::FromChild) => "from the child".to_owned(),
            Ok(Outcome::Referral(Referral { to, .. })) => {
                let each = to.servers.iter().map(|(name, addresses)| format!(" {name} {addresses:?}"));
                format!("referral to {}:{}", to.zone, each.collect::<String>())
            }
            Err(reason) => reason.word().to_owned(),
        };
        assert_eq!(found, expected, "{question} {head} {authority}");
    }

    const NS: &str = "a.example. NS ns.a.example.\na.example. NS ns.other.test.";

    #[test]
    fn addresses_from_outside_of_the_zone_are_not_believed() {
        // RFC 5452 §6: a server of `example` can say nothing about `test`.
        let glue = "ns.a.example. A 192.0.2.1\nns.other.test. A 192.0.2.66\nns.other.test. AAAA 2001:db8::66";
        check("m.a.example A", "", NS, glue, "referral to a.example: ns.a.example [192.0.2.1] ns.other.test []");
        let ipv6 = "ns.a.example. AAAA 2001:db8::1";
        check("m.a.example A", "", NS, ipv6, "referral to a.example: ns.a.example [2001:db8::1] ns.other.test []");
    }

    #[test]
    fn a_denial_is_kept_for_the_lesser_of_two_times() {
        // RFC 2308 §5: the TTL of the SOA record, and its last field.
        for (ttl, minimum, expected) in [(60, 900, 60), (900, 60, 60), (900, 900, 900), (0, 900, 0)] {
            let soa = format!("example. {ttl} SOA ns.example. h.example. 1 2 3 4 {minimum}");
            check("m.example A", "aa", &soa, "", &format!("denied for {expected} s"));
        }
        check("m.example A", "NXDOMAIN", "", "", "denied for 0 s");
    }

    #[test]
    fn what_a_server_says_of_a_ds() {
        let (parent, child) = ("example. SOA n. h. 1 2 3 4 300", "a.example. SOA n. h. 1 2 3 4 300");
        check("a.example DS", "aa", parent, "", "denied for 300 s");
        // RFC 4035 §2.4: the child does not have its DS.
        check("a.example DS", "aa", child, "", "from the child");
        check("a.example DS", "aa", "a.example. NSEC b.example. NS SOA", "", "from the child");
        check("a.example DS", "", "a.example. NSEC b.example. NS", "", "denied for 0 s");
        check("a.example DS", "", NS, "", "denied by a referral");
        check("m.a.example DS", "", NS, "", "referral to a.example: ns.a.example [] ns.other.test []");
    }

    #[test]
    fn what_is_a_denial_without_soa() {
        check("m.example A", "aa", "", "", "denied for 0 s");
        check("m.example A", "NXDOMAIN", "", "", "denied for 0 s");
        check("m.example A", "", "l.example. NSEC n.example. A", "", "denied for 0 s");
        check("m.example A", "", "", "", "lame");
        // A proof from elsewhere, and a referral upwards, say nothing.
        check("m.example A", "", "l.test. NSEC n.test. A", "", "lame");
        check("m.example A", "", ". NS a.root.", "", "lame");
    }
}
