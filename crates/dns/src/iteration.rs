//! How the recursive resolver finds the records of one name: from the nearest known servers downwards.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use jiff::{SignedDuration, Timestamp};
use mxlab_env::BoxFuture;

use crate::name::Name;
use crate::rdata::{A, Aaaa, Ns, Soa};
use crate::record::{Class, Rcode, Record, RecordType};
use crate::recursor::Recursor;
use crate::sign;
use crate::validator::MAX_TTL;
use crate::wire::{Edns, Message};

/// How many queries one question of a client may cost.
const MAX_QUERIES: u32 = 64;
/// How many referrals may follow one another.
const MAX_REFERRALS: u32 = 20;
/// How deep the search for a server's address may go: the address of a server of the zone of a server and so on.
const MAX_DEPTH: u32 = 4;
/// How many servers of a zone are tried.
const MAX_SERVERS: usize = 8;
/// How many answers and referrals are kept.
const CAPACITY: usize = 10_000;

/// The work done for one question of a client.
#[derive(Default)]
pub(crate) struct Work {
    queries: u32,
    depth: u32,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No server answered.
    TimedOut,
    /// The servers answered that they are none for this zone, or as if they were none.
    Lame,
    /// A server answered with an error, or the search went on too long.
    Error,
}

/// What was found for one name.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) rcode: Rcode,
    /// The RRset asked for, or the alias, with signatures.
    pub(crate) answer: Vec<Record>,
    /// For a negative answer the SOA; and proofs.
    pub(crate) authority: Vec<Record>,
}

/// The servers of a zone.
#[derive(Clone, Debug)]
struct Delegation {
    zone: Name,
    servers: Vec<(Name, Vec<IpAddr>)>,
}

/// What has been learnt, until it runs out.
pub(crate) struct Memory {
    enabled: bool,
    found: BTreeMap<(Name, RecordType), (Found, Timestamp, Timestamp)>,
    delegations: BTreeMap<Name, (Delegation, Timestamp)>,
}

impl Memory {
    pub(crate) fn new(enabled: bool) -> Memory {
        Memory { enabled, found: BTreeMap::new(), delegations: BTreeMap::new() }
    }

    /// What was found before, its TTLs lessened by the time that has passed.
    fn found(&self, name: &Name, rtype: RecordType, now: Timestamp) -> Option<Found> {
        let (found, since, until) = self.found.get(&(name.clone(), rtype))?;
        if now >= *until {
            return None;
        }
        let age = u32::try_from(now.as_second() - since.as_second()).unwrap_or(u32::MAX);
        let mut found = found.clone();
        for record in found.answer.iter_mut().chain(&mut found.authority) {
            record.ttl = record.ttl.saturating_sub(age);
        }
        Some(found)
    }

    fn keep_found(&mut self, name: &Name, rtype: RecordType, found: &Found, now: Timestamp) {
        let until = after(now, found.ttl());
        if self.found.len() >= CAPACITY {
            self.found.retain(|_, (_, _, until)| now < *until);
        }
        if self.enabled && now < until && self.found.len() < CAPACITY {
            self.found.insert((name.clone(), rtype), (found.clone(), now, until));
        }
    }

    /// The servers of the nearest known zone at or above a name.
    fn nearest(&self, name: &Name, now: Timestamp) -> Option<Delegation> {
        let known = |ancestor: Name| self.delegations.get(&ancestor).filter(|(_, until)| now < *until);
        name.ancestors().find_map(known).map(|(delegation, _)| delegation.clone())
    }

    fn keep_delegation(&mut self, delegation: &Delegation, ttl: u32, now: Timestamp) {
        let until = after(now, ttl);
        if self.delegations.len() >= CAPACITY {
            self.delegations.retain(|_, (_, until)| now < *until);
        }
        if self.enabled && now < until && self.delegations.len() < CAPACITY {
            self.delegations.insert(delegation.zone.clone(), (delegation.clone(), until));
        }
    }
}

fn after(now: Timestamp, ttl: u32) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(ttl.min(MAX_TTL).into())).unwrap_or(now)
}

impl Found {
    /// How long it may be kept: the least TTL; for a negative answer not longer than the SOA says (RFC 2308 §5), and not at
    /// all without one.
    fn ttl(&self) -> u32 {
        let least = self.answer.iter().chain(&self.authority).map(|record| record.ttl).min().unwrap_or(0);
        if !self.answer.is_empty() {
            return least;
        }
        let soa = self.authority.iter().find(|record| record.rtype == RecordType::SOA);
        soa.and_then(|soa| Soa::parse(&soa.rdata).ok()).map_or(0, |soa| soa.minimum.min(least))
    }
}

/// What an answer of a zone's server means.
enum Outcome {
    Found(Found),
    Referral(Delegation, u32),
    Failed(Failure),
}

impl Recursor {
    /// The RRset of this name and type, its alias, or their denial.
    pub(crate) async fn find(&self, name: &Name, rtype: RecordType, work: &mut Work) -> Result<Found, Failure> {
        let now = self.inner.env.now();
        let memory = |name: &Name, rtype| self.memory().found(name, rtype, now);
        // A cached alias answers for every type.
        if let Some(found) = memory(name, rtype).or_else(|| memory(name, RecordType::CNAME).filter(Found::is_alias)) {
            return Ok(found);
        }
        // RFC 4035 §4.2: the DS RRset of a zone is asked of its parent's servers.
        let start = if rtype == RecordType::DS { name.parent() } else { None }.unwrap_or_else(|| name.clone());
        let mut delegation = self.memory().nearest(&start, now).unwrap_or_else(|| self.root());
        for _ in 0..MAX_REFERRALS {
            match self.ask_zone(&delegation, name, rtype, work).await? {
                Outcome::Found(found) => {
                    let now = self.inner.env.now();
                    let kept_as = if found.is_alias() { RecordType::CNAME } else { rtype };
                    self.memory().keep_found(name, kept_as, &found, now);
                    return Ok(found);
                }
                Outcome::Referral(next, ttl) => {
                    let now = self.inner.env.now();
                    self.memory().keep_delegation(&next, ttl, now);
                    delegation = next;
                }
                Outcome::Failed(failure) => return Err(failure),
            }
        }
        Err(Failure::Error)
    }

    fn root(&self) -> Delegation {
        Delegation { zone: Name::root(), servers: self.inner.config.roots.clone() }
    }

    /// Asks the servers of a zone in their order, until one gives an answer.
    async fn ask_zone(
        &self,
        delegation: &Delegation,
        name: &Name,
        rtype: RecordType,
        work: &mut Work,
    ) -> Result<Outcome, Failure> {
        let mut failure = None;
        for (server, glue) in delegation.servers.iter().take(MAX_SERVERS) {
            let addresses = if glue.is_empty() { self.addresses(server, work).await } else { glue.clone() };
            if addresses.is_empty() {
                failure.get_or_insert(Failure::Lame);
            }
            for address in addresses {
                match self
                    .ask_server(SocketAddr::new(address, self.inner.config.port), delegation, name, rtype, work)
                    .await?
                {
                    // Of several failures the first one is told: it is that of the server listed first.
                    Outcome::Failed(failed) => failure = failure.or(Some(failed)),
                    outcome => return Ok(outcome),
                }
            }
        }
        Ok(Outcome::Failed(failure.unwrap_or(Failure::Lame)))
    }

    async fn ask_server(
        &self,
        server: SocketAddr,
        delegation: &Delegation,
        name: &Name,
        rtype: RecordType,
        work: &mut Work,
    ) -> Result<Outcome, Failure> {
        let config = &self.inner.config;
        for _ in 0..config.attempts.max(1) {
            work.queries += 1;
            if work.queries > MAX_QUERIES {
                return Err(Failure::Error);
            }
            let id = u16::from_be_bytes(self.inner.env.random());
            let mut query = Message::query(id, name.clone(), rtype, Some(Edns::new(config.edns_size, true)));
            query.flags.recursion_desired = false;
            query.flags.checking_disabled = true;
            let octets = query.encode(usize::from(u16::MAX));
            let Ok(answer) = self.inner.exchange.exchange(&octets, server, config.timeout).await else { continue };
            return Ok(match Message::decode(&answer) {
                Ok(message) => classify(&message, &delegation.zone, name, rtype),
                Err(_) => Outcome::Failed(Failure::Error),
            });
        }
        Ok(Outcome::Failed(Failure::TimedOut))
    }

    /// Finds the addresses of a server that came without glue; none if they cannot be found. Boxed, for it may lead back
    /// here.
    fn addresses<'a>(&'a self, server: &'a Name, work: &'a mut Work) -> BoxFuture<'a, Vec<IpAddr>> {
        Box::pin(async move {
            if work.depth >= MAX_DEPTH {
                return Vec::new();
            }
            work.depth += 1;
            let mut addresses = Vec::new();
            for rtype in [RecordType::A, RecordType::AAAA] {
                // IPv6 only for a server that has nothing else.
                if addresses.is_empty()
                    && let Ok(found) = self.find(server, rtype, work).await
                {
                    addresses.extend(found.answer.iter().filter_map(address));
                }
            }
            work.depth -= 1;
            addresses
        })
    }
}

impl Found {
    fn is_alias(&self) -> bool {
        self.answer.iter().any(|record| record.rtype == RecordType::CNAME)
    }
}

fn address(record: &Record) -> Option<IpAddr> {
    match record.rtype {
        RecordType::A => A::parse(&record.rdata).ok().map(|a| a.0.into()),
        RecordType::AAAA => Aaaa::parse(&record.rdata).ok().map(|aaaa| aaaa.0.into()),
        _ => None,
    }
}

/// What an answer means that a server of `zone` gave about `name`, which lies below it.
fn classify(message: &Message, zone: &Name, name: &Name, rtype: RecordType) -> Outcome {
    match message.rcode {
        _ if message.flags.truncated => return Outcome::Failed(Failure::Error),
        Rcode::NOERROR | Rcode::NXDOMAIN => {}
        Rcode::REFUSED => return Outcome::Failed(Failure::Lame),
        _ => return Outcome::Failed(Failure::Error),
    }
    if !message.flags.authoritative {
        return referral(message, zone, name, rtype).unwrap_or(Outcome::Failed(Failure::Lame));
    }
    let own = |record: &&Record| record.class == Class::IN && record.name.is_subdomain_of(zone);
    let of = |record: &Record, wanted| {
        let covered = record.rtype == RecordType::RRSIG && sign::covered(&record.rdata) == Some(wanted);
        record.name == *name && (record.rtype == wanted || covered)
    };
    let take = |wanted| -> Vec<Record> {
        message.answer.iter().filter(own).filter(|record| of(record, wanted)).cloned().collect()
    };
    let has = |wanted| message.answer.iter().filter(own).any(|record| record.name == *name && record.rtype == wanted);
    let authority = |with_soa: bool| -> Vec<Record> {
        let wanted = |record: &&Record| match record.rtype {
            RecordType::SOA => with_soa,
            RecordType::NSEC | RecordType::NSEC3 => true,
            RecordType::RRSIG => match sign::covered(&record.rdata) {
                Some(RecordType::SOA) => with_soa,
                covered => matches!(covered, Some(RecordType::NSEC | RecordType::NSEC3)),
            },
            _ => false,
        };
        message.authority.iter().filter(own).filter(wanted).cloned().collect()
    };
    let wanted = if has(rtype) { rtype } else { RecordType::CNAME };
    if has(wanted) {
        let (answer, authority) = (take(wanted), positive_proofs(&take(wanted), authority(false)));
        return Outcome::Found(Found { rcode: Rcode::NOERROR, answer, authority });
    }
    Outcome::Found(Found { rcode: message.rcode, answer: Vec::new(), authority: authority(true) })
}

/// The proofs of a positive answer: only an answer that was expanded from a wildcard needs any. What an alias' target has
/// is asked for anew.
fn positive_proofs(answer: &[Record], proofs: Vec<Record>) -> Vec<Record> {
    let expanded = answer.iter().filter(|record| record.rtype == RecordType::RRSIG).any(|record| {
        let labels = record.rdata.get(3).copied().unwrap_or(u8::MAX);
        usize::from(labels) < sign::signed_labels(&record.name)
    });
    if expanded { proofs } else { Vec::new() }
}

/// The delegation in the authority section: strictly below the zone, at or above the name.
fn referral(message: &Message, zone: &Name, name: &Name, rtype: RecordType) -> Option<Outcome> {
    let leads_on = |record: &&Record| {
        record.rtype == RecordType::NS
            && record.class == Class::IN
            && record.name.is_strictly_below(zone)
            && name.is_subdomain_of(&record.name)
            // The DS of a zone is not to be found below its cut.
            && !(rtype == RecordType::DS && record.name == *name)
    };
    let first = message.authority.iter().find(leads_on)?;
    let child = first.name.clone();
    let set: Vec<&Record> = message.authority.iter().filter(leads_on).filter(|record| record.name == child).collect();
    let ttl = set.iter().map(|record| record.ttl).min()?;
    let glue = |server: &Name| -> Vec<IpAddr> {
        let own = |record: &&Record| record.name == *server && server.is_subdomain_of(zone);
        let mut addresses: Vec<IpAddr> = message.additional.iter().filter(own).filter_map(address).collect();
        addresses.sort_by_key(IpAddr::is_ipv6);
        // An IPv6 address is for a server that has nothing else.
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
    Some(Outcome::Referral(Delegation { zone: child, servers }, ttl))
}
