//! The DNS of a scenario: a root, top-level zones, the declared zones, and the servers that serve them.
//!
//! Every zone is real: signed (unless declared unsigned) with keys that derive from the world's name and the zone's,
//! delegated by its parent with NS, glue and DS (RFC 4035 §2.4), served over UDP and TCP by an authority. Parents exist
//! automatically, signed, up to the root, whose key is the trust anchor of the engines' resolver. A zone without
//! declared servers has one of its own, `ns` in the zone itself.
//!
//! [`Internet`] is the administrators' view: it knows the content of each zone and publishes changes to its servers.
//! Nobody else looks into it; resolvers ask over the network.

mod fault;
mod keys;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use indexmap::IndexMap;
use mxlab_dns::authority::Authority;
use mxlab_dns::rdata::{A, Aaaa, Ds, Ns, Ptr, Rdata as _, Soa};
use mxlab_dns::signed_zone::{Denial, ServedZone, SignedZone, Signing};
use mxlab_dns::signing_key::KeyKind;
use mxlab_dns::zone::{Zone, ZoneError};
use mxlab_dns::zonefile::{self, ZoneTextError};
use mxlab_dns::{Name, Record, RecordType, Rrset, serve};
use mxlab_env::Env;

use crate::derive::Identity;

use keys::Keys;

pub use fault::{BegunFault, FaultError, NameServerFault};
pub use keys::{KeyLayout, Roll, RollStep};

/// What is wrong with a zone.
#[derive(Debug, thiserror::Error)]
pub enum InternetError {
    /// Its text.
    #[error("zone {zone}: {found} where {expected} was expected")]
    Text {
        /// The zone.
        zone: Name,
        /// What the text has there.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// A record.
    #[error("zone {zone}: {error}")]
    Record {
        /// The zone.
        zone: Name,
        /// Why.
        error: ZoneError,
    },
    /// A key could not be made.
    #[error("zone {0}: its key cannot be made")]
    Key(Name),
    /// A key change is continued that has not begun.
    #[error("zone {0} has no new key: a key change begins with the key or its DS")]
    NoNewKey(Name),
    /// Keys belong to the zone, not to a server.
    #[error("the keys of zone {0} cannot change at one server")]
    KeysAtOneServer(Name),
    /// There is no such zone.
    #[error("there is no zone {0}")]
    NoZone(Name),
    /// The server does not serve the zone.
    #[error("the name server at {server} does not serve zone {zone}")]
    NotServed {
        /// The zone.
        zone: Name,
        /// The server's address.
        server: IpAddr,
    },
}

/// A name server of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameServer {
    /// Its full name.
    pub name: Name,
    /// Its address.
    pub address: IpAddr,
}

/// A zone as declared.
#[derive(Clone, Debug)]
pub struct ZoneSpec {
    /// Its apex.
    pub apex: Name,
    /// Master-file text, references replaced.
    pub records: String,
    /// TTL of records that have none, in seconds.
    pub ttl: u32,
    /// TTLs of the records that are made for it.
    pub made: MadeTtls,
    /// Whether it is signed.
    pub signed: bool,
    /// Whether its parent publishes its DS.
    pub delegated: bool,
    /// The algorithm of its keys.
    pub algorithm: KeyKind,
    /// Whether it has one key or two.
    pub keys: KeyLayout,
    /// How it proves that something does not exist.
    pub denial: Denial,
    /// When its signatures are valid.
    pub signing: Signing,
    /// Its servers, in the order in which they are asked; one of its own if none are given.
    pub servers: Vec<NameServer>,
    /// The servers that its parent lists for it, if they are others. Those that are not among [`ZoneSpec::servers`] do not
    /// serve it.
    pub listed: Option<Vec<NameServer>>,
}

/// TTLs in seconds of the records that are made for a zone; that of its other records where none is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MadeTtls {
    /// Of its SOA record, and so of its DNSKEY records.
    pub soa: Option<u32>,
    /// The last field of the SOA record: the longest that a denial is kept (RFC 2308 §4).
    pub minimum: Option<u32>,
    /// Of its NS records, in the zone and at its parent.
    pub ns: Option<u32>,
    /// Of its DS records at its parent.
    pub ds: Option<u32>,
}

impl ZoneSpec {
    /// A signed zone without records of its own, like the parents. Its key is Ed25519, which is the fastest to make.
    pub fn parent(apex: Name, signing: Signing) -> ZoneSpec {
        ZoneSpec {
            apex,
            records: String::new(),
            ttl: DEFAULT_TTL,
            made: MadeTtls::default(),
            signed: true,
            delegated: true,
            algorithm: KeyKind::Ed25519,
            keys: KeyLayout::Single,
            denial: Denial::Nsec,
            signing,
            servers: Vec::new(),
            listed: None,
        }
    }
}

/// The TTL of records that have none: five minutes, so that a change is seen at the next attempt.
pub const DEFAULT_TTL: u32 = 300;

/// A change to a zone.
#[derive(Clone, Debug, Default)]
pub struct ZoneChange {
    /// Each RRset in this text replaces the old one.
    pub replace: Option<String>,
    /// Records that are added to their RRsets.
    pub add: Option<String>,
    /// RRsets to remove: an owner, and a type or all.
    pub remove: Vec<(Name, Option<RecordType>)>,
    /// Whether the zone is signed from now on.
    pub signed: Option<bool>,
    /// When its signatures are valid from now on.
    pub signing: Option<Signing>,
    /// A step of a key change, which is made at all servers. Its parent's DS records follow.
    pub roll: Option<Roll>,
    /// Only at the server with this address: from then on it differs from the others in what this change affects.
    /// Changes without it reach all servers.
    pub only_at: Option<IpAddr>,
}

/// A zone as it is now.
#[derive(Debug)]
struct Held {
    servers: Vec<NameServer>,
    /// The servers that its parent lists for it.
    listed: Vec<NameServer>,
    ttl: u32,
    made: MadeTtls,
    /// Whether its parent publishes its DS, as long as it is signed.
    delegated: bool,
    keys: Keys,
    denial: Denial,
    /// What its servers publish.
    content: Content,
    /// What individual servers publish instead.
    apart: BTreeMap<IpAddr, Content>,
}

/// What a server publishes for a zone.
#[derive(Clone, Debug)]
struct Content {
    zone: Zone,
    signed: bool,
    signing: Signing,
}

/// All zones and their servers.
#[derive(Debug)]
pub struct Internet {
    zones: BTreeMap<Name, Held>,
    authorities: IndexMap<IpAddr, Arc<Authority>>,
    /// The DS of the root's first key. Resolvers do not learn a new key by themselves.
    anchor: Vec<Ds>,
}

/// The addresses of undeclared servers: the range for benchmarks (RFC 2544), which files cannot use.
struct Pool(u32);

impl Pool {
    fn next(&mut self) -> IpAddr {
        self.0 += 1;
        IpAddr::V4(Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + self.0))
    }
}

impl Internet {
    /// Builds the zones and their parents. `loose` are records of hosts and keys that no zone text has: they go into
    /// the nearest zone. `reverse` are addresses with their names (PTR).
    ///
    /// # Errors
    /// If a zone's text or a record is wrong.
    pub fn build(
        identity: &Identity,
        specs: Vec<ZoneSpec>,
        loose: Vec<Record>,
        reverse: &[(IpAddr, Name)],
        parents: Signing,
    ) -> Result<Internet, InternetError> {
        let mut specs: BTreeMap<Name, ZoneSpec> = specs.into_iter().map(|spec| (spec.apex.clone(), spec)).collect();
        let declared: Vec<Name> = specs.keys().cloned().collect();
        let named: Vec<Name> = loose.iter().map(|record| record.name.clone()).collect();
        let reversed: Vec<(Name, Name)> =
            reverse.iter().filter_map(|(address, name)| Some((reverse_name(*address)?, name.clone()))).collect();
        let below: Vec<Name> =
            specs.keys().cloned().chain(named).chain(reversed.iter().map(|(n, _)| n.clone())).collect();
        for name in below {
            for parent in needed_parents(&name, specs.contains_key(&name), &declared) {
                specs.entry(parent.clone()).or_insert_with(|| ZoneSpec::parent(parent, parents));
            }
        }
        let mut internet = Internet { zones: BTreeMap::new(), authorities: IndexMap::new(), anchor: Vec::new() };
        let mut pool = Pool(0);
        for spec in specs.into_values() {
            internet.hold(identity, spec, &mut pool)?;
        }
        internet.anchor = internet.zones.get(&Name::root()).map(|root| root.keys.ds()).unwrap_or_default();
        for record in loose {
            internet.insert_nearest(record)?;
        }
        for (owner, name) in reversed {
            internet.insert_nearest(Record::new(owner, RecordType::PTR, DEFAULT_TTL, Ptr(name).to_rdata()))?;
        }
        internet.delegate_all()?;
        for apex in internet.zones.keys().cloned().collect::<Vec<_>>() {
            internet.serve_zone(&apex, None)?;
        }
        // A server that a parent lists, and that does not have the zone, refuses.
        for server in internet.zones.values().flat_map(|held| &held.listed) {
            internet.authorities.entry(server.address).or_default();
        }
        Ok(internet)
    }

    fn hold(&mut self, identity: &Identity, mut spec: ZoneSpec, pool: &mut Pool) -> Result<(), InternetError> {
        let apex = spec.apex.clone();
        let own = spec.servers.is_empty();
        if own {
            let name = apex.prepend_label("ns").unwrap_or_else(|_| apex.clone());
            spec.servers.push(NameServer { name, address: pool.next() });
        }
        let names: Vec<Name> = spec.servers.iter().map(|server| server.name.clone()).collect();
        let mut zone = Zone::new(apex.clone(), &names, spec.ttl);
        set_ttls(&mut zone, spec.made)?;
        zone.add_text(&spec.records, spec.ttl).map_err(|errors| text_error(&apex, &errors))?;
        if own {
            for server in &spec.servers {
                insert(&mut zone, address_record(&server.name, server.address))?;
            }
        }
        let keys = Keys::new(identity, &apex, spec.algorithm, spec.keys)?;
        let content = Content { zone, signed: spec.signed, signing: spec.signing };
        let ZoneSpec { servers, listed, ttl, made, delegated, denial, .. } = spec;
        let listed = listed.unwrap_or_else(|| servers.clone());
        let held = Held { servers, listed, ttl, made, delegated, keys, denial, content, apart: BTreeMap::new() };
        self.zones.insert(apex, held);
        Ok(())
    }

    fn insert_nearest(&mut self, record: Record) -> Result<(), InternetError> {
        let apex = self.nearest(&record.name).ok_or_else(|| InternetError::NoZone(record.name.clone()))?;
        match self.zones.get_mut(&apex) {
            Some(held) => insert(&mut held.content.zone, record),
            None => Ok(()),
        }
    }

    /// The zone that a name is in.
    fn nearest(&self, name: &Name) -> Option<Name> {
        std::iter::once(name.clone()).chain(name.ancestors()).find(|candidate| self.zones.contains_key(candidate))
    }

    /// Puts NS, glue and DS of every zone into its parent.
    fn delegate_all(&mut self) -> Result<(), InternetError> {
        for child in self.zones.keys().cloned().collect::<Vec<_>>() {
            self.delegate(&child)?;
        }
        Ok(())
    }

    fn parent_of(&self, child: &Name) -> Option<Name> {
        self.nearest(&child.parent()?)
    }

    fn delegate(&mut self, child: &Name) -> Result<(), InternetError> {
        let Some(parent) = self.parent_of(child) else { return Ok(()) };
        let Some(held) = self.zones.get(child) else { return Ok(()) };
        let (servers, ds, made) = (held.listed.clone(), held.ds(), held.made);
        let addresses: Vec<Record> = servers
            .iter()
            // RFC 1034 §4.2.1: glue for servers whose names are in the child.
            .filter(|server| server.name.is_subdomain_of(child))
            .flat_map(|server| {
                let zone = &held.content.zone;
                let ipv6 = zone.rrset(&server.name, RecordType::AAAA).into_iter().flat_map(Rrset::records);
                std::iter::once(address_record(&server.name, server.address)).chain(ipv6)
            })
            .collect();
        let Some(parent) = self.zones.get_mut(&parent) else { return Ok(()) };
        let ttl = parent.ttl;
        let (ns_ttl, ds_ttl) = (made.ns.unwrap_or(ttl), made.ds.unwrap_or(ttl));
        for content in parent.contents() {
            let zone = &mut content.zone;
            zone.remove(child, None);
            for server in &servers {
                let ns = Ns(server.name.clone()).to_rdata();
                insert(zone, Record::new(child.clone(), RecordType::NS, ns_ttl, ns))?;
            }
            for glue in &addresses {
                insert(zone, glue.clone())?;
            }
            for ds in &ds {
                insert(zone, Record::new(child.clone(), RecordType::DS, ds_ttl, ds.to_rdata()))?;
            }
        }
        Ok(())
    }

    /// Gives a zone to its servers; only to one if `only_at` is given.
    fn serve_zone(&mut self, apex: &Name, only_at: Option<IpAddr>) -> Result<(), InternetError> {
        let held = self.zones.get(apex).ok_or_else(|| InternetError::NoZone(apex.clone()))?;
        // Most servers publish the same zone: it is signed once.
        let mut common = None;
        for server in held.servers.iter().filter(|server| only_at.is_none_or(|only| only == server.address)) {
            let served = match held.apart.get(&server.address) {
                Some(content) => held.served(content),
                None => common.get_or_insert_with(|| held.served(&held.content)).clone(),
            };
            self.authorities.entry(server.address).or_default().set_zone(served);
        }
        Ok(())
    }

    /// The name servers by address, in the order of their zones. Those in [`Internet::automatic`] need a host.
    pub fn authorities(&self) -> impl Iterator<Item = (IpAddr, &Arc<Authority>)> {
        self.authorities.iter().map(|(address, authority)| (*address, authority))
    }

    /// The addresses of undeclared servers.
    pub fn automatic(&self) -> Vec<IpAddr> {
        self.authorities.keys().copied().filter(|address| is_automatic(*address)).collect()
    }

    /// The servers of the root, for a resolver's hints.
    pub fn root_servers(&self) -> Vec<(Name, IpAddr)> {
        let root = self.zones.get(&Name::root());
        root.into_iter().flat_map(|held| &held.servers).map(|s| (s.name.clone(), s.address)).collect()
    }

    /// The DS of the root's first key: the trust anchor.
    pub fn root_anchor(&self) -> Vec<Ds> {
        self.anchor.clone()
    }

    /// The DS of a zone's oldest key that has one, for `{ds:…}`.
    pub fn ds(&self, apex: &Name) -> Option<Ds> {
        self.zones.get(apex).and_then(|held| held.keys.ds().into_iter().next())
    }

    /// Changes a zone and publishes it.
    ///
    /// # Errors
    /// If there is no such zone, the server does not serve it, or the text is wrong; then nothing has changed.
    pub fn publish(&mut self, apex: &Name, change: &ZoneChange) -> Result<(), InternetError> {
        let held = self.zones.get_mut(apex).ok_or_else(|| InternetError::NoZone(apex.clone()))?;
        let ttl = held.ttl;
        if let Some(server) = change.only_at {
            if !held.is_at(server) {
                return Err(InternetError::NotServed { zone: apex.clone(), server });
            }
            if change.roll.is_some() {
                return Err(InternetError::KeysAtOneServer(apex.clone()));
            }
            let mut content = held.at(server).clone();
            content.apply(change, ttl)?;
            held.apart.insert(server, content);
            return self.serve_zone(apex, change.only_at);
        }
        let mut common = held.content.clone();
        common.apply(change, ttl)?;
        let mut apart = held.apart.clone();
        for content in apart.values_mut() {
            content.apply(change, ttl)?;
        }
        let keys = change.roll.map(|roll| held.keys.after(roll)).transpose()?;
        let before = held.ds();
        (held.content, held.apart) = (common, apart);
        held.keys = keys.unwrap_or_else(|| held.keys.clone());
        if held.ds() != before {
            self.delegate(apex)?;
            if let Some(parent) = self.parent_of(apex) {
                self.serve_zone(&parent, None)?;
            }
        }
        self.serve_zone(apex, None)
    }
}

impl Content {
    fn apply(&mut self, change: &ZoneChange, ttl: u32) -> Result<(), InternetError> {
        let zone = &mut self.zone;
        let apex = zone.origin().clone();
        if let Some(text) = &change.replace {
            let entries = zonefile::parse(text, &apex, ttl).map_err(|errors| text_error(&apex, &errors))?;
            for entry in &entries {
                zone.remove(&entry.record.name, Some(entry.record.rtype));
            }
            for entry in entries {
                insert(zone, entry.record)?;
            }
        }
        if let Some(text) = &change.add {
            zone.add_text(text, ttl).map_err(|errors| text_error(&apex, &errors))?;
        }
        for (owner, rtype) in &change.remove {
            zone.remove(owner, *rtype);
        }
        self.signing = change.signing.unwrap_or(self.signing);
        self.signed = change.signed.unwrap_or(self.signed);
        Ok(())
    }
}

impl Held {
    /// What its parent publishes for it.
    fn ds(&self) -> Vec<Ds> {
        if self.content.signed && self.delegated { self.keys.ds() } else { Vec::new() }
    }

    /// What that server publishes.
    fn at(&self, server: IpAddr) -> &Content {
        self.apart.get(&server).unwrap_or(&self.content)
    }

    /// Everything that any server publishes.
    fn contents(&mut self) -> impl Iterator<Item = &mut Content> {
        std::iter::once(&mut self.content).chain(self.apart.values_mut())
    }

    fn served(&self, content: &Content) -> ServedZone {
        if content.signed {
            let signed = SignedZone::new(content.zone.clone(), self.keys.set().clone(), content.signing);
            ServedZone::Signed(match &self.denial {
                Denial::Nsec => signed,
                denial => signed.with_denial(denial.clone()),
            })
        } else {
            ServedZone::Unsigned(content.zone.clone())
        }
    }

    fn is_at(&self, server: IpAddr) -> bool {
        self.servers.iter().any(|held| held.address == server)
    }
}

/// Serves an authority's zones on port 53 of an address, over UDP, and over TCP unless `tcp` is false, until the host dies.
pub fn serve_on(env: &Env, address: IpAddr, authority: Arc<Authority>, tcp: bool) {
    let task_env = env.clone();
    let at = SocketAddr::new(address, 53);
    env.spawn(format!("name server at {address}"), async move {
        // The address is this host's and nothing else binds its port; if it cannot be bound, nobody answers there.
        let _ = match tcp {
            true => serve::serve(&task_env, at, authority).await,
            false => serve::serve_udp(&task_env, at, authority).await,
        };
    });
}

fn is_automatic(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if v4.octets()[0] == 198 && v4.octets()[1] & 0xfe == 18)
}

/// Gives the SOA and NS records of a zone their own TTLs.
fn set_ttls(zone: &mut Zone, made: MadeTtls) -> Result<(), InternetError> {
    let apex = zone.origin().clone();
    let soa =
        zone.rrset(&apex, RecordType::SOA).and_then(|rrset| Some((rrset.ttl, Soa::parse(rrset.rdatas.first()?).ok()?)));
    if let Some((ttl, soa)) = soa {
        let soa = Soa { minimum: made.minimum.unwrap_or(soa.minimum), ..soa };
        insert(zone, Record::new(apex.clone(), RecordType::SOA, made.soa.unwrap_or(ttl), soa.to_rdata()))?;
    }
    if let (Some(ttl), Some(ns)) = (made.ns, zone.rrset(&apex, RecordType::NS).cloned()) {
        zone.remove(&apex, Some(RecordType::NS));
        for record in ns.records() {
            insert(zone, Record { ttl, ..record })?;
        }
    }
    Ok(())
}

/// The parents that must exist for a name: for a zone all above it up to the root, for a host its top-level zone and the
/// root. Between a zone and a declared one above it nothing is made. Reverse names are in one zone, `in-addr.arpa` or
/// `ip6.arpa`.
fn needed_parents(name: &Name, is_zone: bool, declared: &[Name]) -> Vec<Name> {
    let labels = name.label_count();
    let arpa = name.suffix(1).to_string().eq_ignore_ascii_case("arpa");
    let above: Vec<Name> = name.ancestors().collect();
    let is_between = |parent: &Name| declared.iter().any(|zone| !zone.is_root() && parent.is_strictly_below(zone));
    above
        .into_iter()
        .filter(|parent| !is_between(parent))
        .filter(|parent| match parent.label_count() {
            0 => true,
            1 => labels > 1 || is_zone,
            2 => arpa || is_zone,
            _ => is_zone && !arpa,
        })
        .collect()
}

fn reverse_name(address: IpAddr) -> Option<Name> {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa").parse().ok()
        }
        IpAddr::V6(v6) => {
            let nibbles: Vec<String> =
                v6.octets().iter().flat_map(|o| [o >> 4, o & 15]).map(|n| format!("{n:x}")).collect();
            format!("{}.ip6.arpa", nibbles.into_iter().rev().collect::<Vec<_>>().join(".")).parse().ok()
        }
    }
}

/// The record of a host's address, A or AAAA.
pub fn address_record(name: &Name, address: IpAddr) -> Record {
    match address {
        IpAddr::V4(v4) => Record::new(name.clone(), RecordType::A, DEFAULT_TTL, A(v4).to_rdata()),
        IpAddr::V6(v6) => Record::new(name.clone(), RecordType::AAAA, DEFAULT_TTL, Aaaa(v6).to_rdata()),
    }
}

fn insert(zone: &mut Zone, record: Record) -> Result<(), InternetError> {
    let apex = zone.origin().clone();
    zone.insert(record).map_err(|error| InternetError::Record { zone: apex, error })
}

fn text_error(apex: &Name, errors: &[ZoneTextError]) -> InternetError {
    let (found, expected) = errors.first().map(|e| (e.found.clone(), e.expected.clone())).unwrap_or_default();
    InternetError::Text { zone: apex.clone(), found, expected }
}
