//! The DNS of a scenario: a root, top-level zones, the declared zones, and the servers that serve them.
//!
//! Every zone is real: signed (unless declared unsigned) with keys that derive from the scenario's identity, delegated by
//! its parent with NS, glue and DS (RFC 4035 §2.4), served over UDP by an authority. Parents exist by themselves, signed,
//! up to the root, whose key is the trust anchor of the engines' resolver. A zone without declared servers has one of its
//! own, `ns` in the zone itself.
//!
//! [`Internet`] is the administrators' view: it knows what each zone holds and publishes changes to its servers. Nobody
//! else looks into it; resolvers ask over the network.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use indexmap::IndexMap;
use mxlab_dns::authority::Authority;
use mxlab_dns::fault::{Fault, FaultId};
use mxlab_dns::keys::{Algorithm, SigningKey};
use mxlab_dns::rdata::{A, Aaaa, Ds, Ns, Ptr, Rdata as _};
use mxlab_dns::signed_zone::{ServedZone, SignedZone, Signing};
use mxlab_dns::zone::{Zone, ZoneError};
use mxlab_dns::zonefile::{self, ZoneTextError};
use mxlab_dns::{Name, Record, RecordType, serve};
use mxlab_env::Env;

use crate::derive::Identity;

/// What is wrong with a zone.
#[derive(Debug, thiserror::Error)]
pub enum InternetError {
    /// Its text.
    #[error("zone {zone}: {found} where {expected} was expected")]
    Text {
        /// The zone.
        zone: Name,
        /// What stands there.
        found: String,
        /// What should.
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
    /// There is no such zone.
    #[error("there is no zone {0}")]
    NoZone(Name),
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
    /// Whether it is signed.
    pub signed: bool,
    /// Whether its parent publishes its DS.
    pub delegated: bool,
    /// The algorithm of its key.
    pub algorithm: Algorithm,
    /// When its signatures are valid.
    pub signing: Signing,
    /// Its servers in the order in which they are asked; one of its own if none are given.
    pub servers: Vec<NameServer>,
}

impl ZoneSpec {
    /// A signed zone without records of its own, as parents are. Its key is Ed25519, which takes least time to make.
    pub fn parent(apex: Name, signing: Signing) -> ZoneSpec {
        ZoneSpec {
            apex,
            records: String::new(),
            ttl: DEFAULT_TTL,
            signed: true,
            delegated: true,
            algorithm: Algorithm::ED25519,
            signing,
            servers: Vec::new(),
        }
    }
}

/// The TTL of records that have none: five minutes, so that a change is seen at the next attempt.
pub const DEFAULT_TTL: u32 = 300;

/// A change to a zone.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Each RRset in this text takes the place of the old one.
    pub replace: Option<String>,
    /// Records that join their RRsets.
    pub add: Option<String>,
    /// RRsets to remove: an owner, and a type or all.
    pub remove: Vec<(Name, Option<RecordType>)>,
    /// Whether the zone is signed from now on.
    pub signed: Option<bool>,
    /// When its signatures are valid from now on.
    pub signing: Option<Signing>,
    /// Only at the server with this address.
    pub only_at: Option<IpAddr>,
}

/// A zone as it stands.
#[derive(Debug)]
struct Held {
    spec: ZoneSpec,
    zone: Zone,
    key: Arc<SigningKey>,
}

/// All zones and their servers.
#[derive(Debug)]
pub struct Internet {
    zones: BTreeMap<Name, Held>,
    authorities: IndexMap<IpAddr, Arc<Authority>>,
}

/// Where servers that no file declares live: the range for tests between networks (RFC 2544), so that no file takes it.
struct Pool(u32);

impl Pool {
    fn next(&mut self) -> IpAddr {
        self.0 += 1;
        IpAddr::V4(Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + self.0))
    }
}

impl Internet {
    /// Builds the zones and their parents. `hosts` are names with addresses that no zone text holds: their records go into
    /// the nearest zone. `reverse` are addresses with what they are called (PTR).
    ///
    /// # Errors
    /// If a zone's text or a record is wrong.
    pub fn build(
        identity: &Identity,
        specs: Vec<ZoneSpec>,
        hosts: &[(Name, IpAddr)],
        reverse: &[(IpAddr, Name)],
        parents: Signing,
    ) -> Result<Internet, InternetError> {
        let mut specs: BTreeMap<Name, ZoneSpec> = specs.into_iter().map(|spec| (spec.apex.clone(), spec)).collect();
        let named: Vec<Name> = hosts.iter().map(|(name, _)| name.clone()).collect();
        let reversed: Vec<(Name, Name)> =
            reverse.iter().filter_map(|(address, name)| Some((reverse_name(*address)?, name.clone()))).collect();
        let below: Vec<Name> =
            specs.keys().cloned().chain(named).chain(reversed.iter().map(|(n, _)| n.clone())).collect();
        for name in below {
            for parent in needed_parents(&name, specs.contains_key(&name)) {
                specs.entry(parent.clone()).or_insert_with(|| ZoneSpec::parent(parent, parents));
            }
        }
        let mut internet = Internet { zones: BTreeMap::new(), authorities: IndexMap::new() };
        let mut pool = Pool(0);
        for spec in specs.into_values() {
            internet.hold(identity, spec, &mut pool)?;
        }
        internet.add_hosts(hosts)?;
        for (owner, name) in reversed {
            internet.insert_nearest(Record::new(owner, RecordType::PTR, DEFAULT_TTL, Ptr(name).to_rdata()))?;
        }
        internet.delegate_all()?;
        for apex in internet.zones.keys().cloned().collect::<Vec<_>>() {
            internet.serve_zone(&apex, None)?;
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
        zone.add_text(&spec.records, spec.ttl).map_err(|errors| text_error(&apex, &errors))?;
        if own {
            for server in &spec.servers {
                insert(&mut zone, address_record(&server.name, server.address))?;
            }
        }
        let seed = identity.bytes("zone-key", &apex.to_lowercase().to_string());
        let key = SigningKey::from_seed(spec.algorithm, seed).map_err(|_| InternetError::Key(apex.clone()))?;
        self.zones.insert(apex, Held { spec, zone, key: Arc::new(key) });
        Ok(())
    }

    fn add_hosts(&mut self, hosts: &[(Name, IpAddr)]) -> Result<(), InternetError> {
        for (name, address) in hosts {
            self.insert_nearest(address_record(name, *address))?;
        }
        Ok(())
    }

    fn insert_nearest(&mut self, record: Record) -> Result<(), InternetError> {
        let apex = self.nearest(&record.name).ok_or_else(|| InternetError::NoZone(record.name.clone()))?;
        match self.zones.get_mut(&apex) {
            Some(held) => insert(&mut held.zone, record),
            None => Ok(()),
        }
    }

    /// The zone that a name lies in.
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
        let (servers, ds) = (held.spec.servers.clone(), held.ds());
        let Some(parent) = self.zones.get_mut(&parent) else { return Ok(()) };
        parent.zone.remove(child, None);
        let ttl = parent.spec.ttl;
        for server in servers {
            insert(
                &mut parent.zone,
                Record::new(child.clone(), RecordType::NS, ttl, Ns(server.name.clone()).to_rdata()),
            )?;
            // RFC 1034 §4.2.1: glue for servers whose names lie in the child.
            if server.name.is_subdomain_of(child) {
                insert(&mut parent.zone, address_record(&server.name, server.address))?;
            }
        }
        for ds in ds {
            insert(&mut parent.zone, Record::new(child.clone(), RecordType::DS, ttl, ds.to_rdata()))?;
        }
        Ok(())
    }

    fn serve_zone(&mut self, apex: &Name, only_at: Option<IpAddr>) -> Result<(), InternetError> {
        let held = self.zones.get(apex).ok_or_else(|| InternetError::NoZone(apex.clone()))?;
        let served: ServedZone = if held.spec.signed {
            ServedZone::Signed(SignedZone::new(held.zone.clone(), vec![held.key.clone()], held.spec.signing))
        } else {
            ServedZone::Unsigned(held.zone.clone())
        };
        for server in &held.spec.servers {
            if only_at.is_none_or(|only| only == server.address) {
                self.authorities.entry(server.address).or_default().set_zone(served.clone());
            }
        }
        Ok(())
    }

    /// The name servers by address, in the order of their zones. Those in [`Internet::automatic`] need a host.
    pub fn authorities(&self) -> impl Iterator<Item = (IpAddr, &Arc<Authority>)> {
        self.authorities.iter().map(|(address, authority)| (*address, authority))
    }

    /// The addresses of servers that no file declares.
    pub fn automatic(&self) -> Vec<IpAddr> {
        self.authorities.keys().copied().filter(|address| is_automatic(*address)).collect()
    }

    /// The servers of the root, for a resolver's hints.
    pub fn root_servers(&self) -> Vec<(Name, IpAddr)> {
        let root = self.zones.get(&Name::root());
        root.into_iter().flat_map(|held| &held.spec.servers).map(|s| (s.name.clone(), s.address)).collect()
    }

    /// The DS of the root's key: the trust anchor.
    pub fn root_anchor(&self) -> Vec<Ds> {
        self.zones.get(&Name::root()).map(|held| vec![held.key.ds(&Name::root())]).unwrap_or_default()
    }

    /// The DS of a zone's key, for `{ds:…}`.
    pub fn ds(&self, apex: &Name) -> Option<Ds> {
        self.zones.get(apex).map(|held| held.key.ds(apex))
    }

    /// Changes a zone and publishes it.
    ///
    /// # Errors
    /// If there is no such zone or the text is wrong; then nothing has changed.
    pub fn publish(&mut self, apex: &Name, change: &Change) -> Result<(), InternetError> {
        let held = self.zones.get_mut(apex).ok_or_else(|| InternetError::NoZone(apex.clone()))?;
        let mut zone = held.zone.clone();
        if let Some(text) = &change.replace {
            let entries = zonefile::parse(text, apex, held.spec.ttl).map_err(|errors| text_error(apex, &errors))?;
            for entry in &entries {
                zone.remove(&entry.record.name, Some(entry.record.rtype));
            }
            for entry in entries {
                insert(&mut zone, entry.record)?;
            }
        }
        if let Some(text) = &change.add {
            zone.add_text(text, held.spec.ttl).map_err(|errors| text_error(apex, &errors))?;
        }
        for (owner, rtype) in &change.remove {
            zone.remove(owner, *rtype);
        }
        held.zone = zone;
        held.spec.signing = change.signing.unwrap_or(held.spec.signing);
        let resigned = change.signed.is_some_and(|signed| signed != held.spec.signed);
        held.spec.signed = change.signed.unwrap_or(held.spec.signed);
        if resigned {
            self.delegate(apex)?;
            if let Some(parent) = self.parent_of(apex) {
                self.serve_zone(&parent, None)?;
            }
        }
        self.serve_zone(apex, change.only_at)
    }

    /// Lets a fault begin at the servers of `zone`, or at those of its parent for what stands there; only at one server if
    /// `only_at` is given. Returns what [`Internet::end_fault`] takes.
    pub fn begin_fault(
        &self,
        zone: &Name,
        at_parent: bool,
        only_at: Option<IpAddr>,
        fault: &Fault,
    ) -> Vec<(IpAddr, FaultId)> {
        let serving = if at_parent { self.parent_of(zone) } else { Some(zone.clone()) };
        let servers = serving.and_then(|apex| self.zones.get(&apex)).map(|held| held.spec.servers.as_slice());
        servers
            .unwrap_or_default()
            .iter()
            .filter(|server| only_at.is_none_or(|only| only == server.address))
            .filter_map(|server| {
                let authority = self.authorities.get(&server.address)?;
                Some((server.address, authority.begin_fault(fault.clone())))
            })
            .collect()
    }

    /// Ends a fault.
    pub fn end_fault(&self, began: &[(IpAddr, FaultId)]) {
        for (address, id) in began {
            if let Some(authority) = self.authorities.get(address) {
                authority.end_fault(*id);
            }
        }
    }
}

impl Held {
    fn ds(&self) -> Vec<Ds> {
        if self.spec.signed && self.spec.delegated { vec![self.key.ds(&self.spec.apex)] } else { Vec::new() }
    }
}

/// Serves an authority's zones on port 53 of an address, until the host dies.
pub fn serve_on(env: &Env, address: IpAddr, authority: Arc<Authority>) {
    let task_env = env.clone();
    env.spawn(format!("name server at {address}"), async move {
        // The address is this host's and nothing else binds its port; if it cannot be bound, nobody answers there.
        let _ = serve::serve_udp(&task_env, SocketAddr::new(address, 53), authority).await;
    });
}

fn is_automatic(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if v4.octets()[0] == 198 && v4.octets()[1] & 0xfe == 18)
}

/// The parents that must exist for a name: for a zone all above it up to the root, for a host its top-level zone and the
/// root. Reverse names hang below one zone, `in-addr.arpa` or `ip6.arpa`.
fn needed_parents(name: &Name, is_zone: bool) -> Vec<Name> {
    let labels = name.label_count();
    let arpa = name.suffix(1).to_string().eq_ignore_ascii_case("arpa");
    let above: Vec<Name> = name.ancestors().collect();
    above
        .into_iter()
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

fn address_record(name: &Name, address: IpAddr) -> Record {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn signing() -> Signing {
        Signing::rolling("2026-03-01T08:00:00Z".parse::<jiff::Timestamp>().unwrap())
    }

    fn build(zones: &[(&str, &str)], hosts: &[(&str, &str)]) -> Result<Internet, InternetError> {
        let specs = zones.iter().map(|(apex, records)| ZoneSpec {
            records: (*records).to_owned(),
            ..ZoneSpec::parent(name(apex), signing())
        });
        let hosts: Vec<(Name, IpAddr)> = hosts.iter().map(|(n, a)| (name(n), a.parse().unwrap())).collect();
        Internet::build(&Identity::new("test"), specs.collect(), &hosts, &[], signing())
    }

    fn zones(internet: &Internet) -> Vec<String> {
        internet.zones.keys().map(ToString::to_string).collect()
    }

    #[test]
    fn parents_exist_up_to_the_root() {
        let internet =
            build(&[("fabrikam.example", "@ MX 10 mx1\nmx1 A 192.0.2.10")], &[("mail.adatum.test", "203.0.113.10")]);
        assert_eq!(zones(&internet.unwrap()), [".", "example", "fabrikam.example", "test"]);
    }

    #[test]
    fn a_zone_is_delegated_with_glue_and_ds() {
        let mut internet = build(&[("fabrikam.example", "")], &[]).unwrap();
        let at_parent = |internet: &Internet, owner: &str, rtype| {
            internet.zones[&name("example")].zone.rrset(&name(owner), rtype).map(|rrset| rrset.rdatas.len())
        };
        assert_eq!(at_parent(&internet, "fabrikam.example", RecordType::NS), Some(1));
        assert_eq!(at_parent(&internet, "fabrikam.example", RecordType::DS), Some(1));
        assert_eq!(at_parent(&internet, "ns.fabrikam.example", RecordType::A), Some(1));
        let change = Change { signed: Some(false), ..Change::default() };
        internet.publish(&name("fabrikam.example"), &change).unwrap();
        assert_eq!(at_parent(&internet, "fabrikam.example", RecordType::NS), Some(1));
        assert_eq!(at_parent(&internet, "fabrikam.example", RecordType::DS), None);
    }

    #[test]
    fn a_change_that_is_wrong_changes_nothing() {
        let mut internet = build(&[("fabrikam.example", "mx1 A 192.0.2.10")], &[]).unwrap();
        let change = Change { replace: Some("mx1 A 192.0.2.300".into()), ..Change::default() };
        assert!(internet.publish(&name("fabrikam.example"), &change).is_err());
        let zone = &internet.zones[&name("fabrikam.example")].zone;
        assert!(zone.rrset(&name("mx1.fabrikam.example"), RecordType::A).is_some());
        let change = Change { replace: Some("mx1 A 192.0.2.11".into()), ..Change::default() };
        internet.publish(&name("fabrikam.example"), &change).unwrap();
        let zone = &internet.zones[&name("fabrikam.example")].zone;
        assert_eq!(zone.rrset(&name("mx1.fabrikam.example"), RecordType::A).unwrap().rdatas.len(), 1);
    }
}
