//! How the resolver finds the records of one name: from the nearest known servers downwards.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use jiff::Timestamp;
use mxlab_env::BoxFuture;

use crate::name::Name;
use crate::rdata::Soa;
use crate::record::{Rcode, Record, RecordType};
use crate::recursor::Recursor;
use crate::resolver::classify::{Outcome, Referral, address, classify, hides};
use crate::resolver::expiring::Expiring;
use crate::resolver::query::{Effort, Server};
use crate::security::{Reason, RrsetId};
use crate::sign;
use crate::validator::after;

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
pub(super) struct Delegation {
    pub(super) zone: Name,
    pub(super) servers: Vec<(Name, Vec<IpAddr>)>,
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
    pub(super) fn ttl(&self) -> u32 {
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
pub(super) const NO_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);

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

/// The name whose zone's servers are asked: those of the parent for the DS RRset of a zone (RFC 4035 §4.2).
pub(crate) fn asked_of(name: &Name, rtype: RecordType) -> Name {
    let above = if rtype == RecordType::DS { name.parent() } else { None };
    above.unwrap_or_else(|| name.clone())
}
