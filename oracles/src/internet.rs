//! A small internet: zones with their keys and faults, each served at one address, and all of them at one more.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use mxlab_dns::rdata::{A, Dnskey, Ds, Ns, Rdata as _};
use mxlab_dns::{
    Algorithm, Authority, Fault, FaultKind, FaultScope, Name, RawRdata, Record, RecordType, ServedZone, SignedZone,
    Signing, SigningKey, Zone, zonefile,
};

/// The TTL of all records.
const TTL: u32 = 300;

/// Where all zones are served at once.
pub const EVERYTHING: Ipv4Addr = Ipv4Addr::new(127, 53, 0, 1);

/// How a zone is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub algorithm: Algorithm,
    /// Whether the parent publishes a DS.
    pub delegated: bool,
}

/// One zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneSpec {
    pub origin: Name,
    /// Records as master-file text. What the zone cannot hold is left out.
    pub text: String,
    pub signed: Option<Signed>,
}

impl ZoneSpec {
    /// A zone that is signed with Ed25519 and NSEC, and has a DS.
    pub fn new(origin: &str, text: &str) -> ZoneSpec {
        let signed = Signed { algorithm: Algorithm::ED25519, delegated: true };
        ZoneSpec { origin: name(origin), text: text.to_owned(), signed: Some(signed) }
    }

    fn server(&self) -> Name {
        self.origin.prepend_label("ns").expect("origins are short")
    }

    /// The key follows from the origin and the algorithm.
    pub fn key(&self) -> Option<Arc<SigningKey>> {
        let mut seed = [7; 32];
        for (slot, byte) in seed.iter_mut().zip(self.origin.wire()) {
            *slot = *byte;
        }
        let signed = self.signed.as_ref()?;
        Some(Arc::new(SigningKey::from_seed(signed.algorithm, seed).expect("the seed is a key")))
    }
}

/// What goes wrong in a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultSpec {
    pub kind: FaultKind,
    /// The zone; for what is wrong at its parent, the child.
    pub zone: Name,
    pub owner: Option<Name>,
    pub rtype: Option<RecordType>,
}

/// Zones, the first one being the root, and their faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub zones: Vec<ZoneSpec>,
    pub faults: Vec<FaultSpec>,
}

/// The authorities of a plan.
pub struct Internet {
    /// Zone by zone: its address and its server.
    pub servers: Vec<(Name, Ipv4Addr, Arc<Authority>)>,
    /// One server with all zones and all faults.
    pub everything: Arc<Authority>,
    /// The root's keys, to be trusted.
    pub anchor: Vec<Dnskey>,
}

impl Internet {
    /// Signs all zones as of `now`.
    pub fn new(plan: &Plan, now: Timestamp) -> Internet {
        let everything = Arc::new(Authority::new());
        let mut servers = Vec::new();
        let signing = Signing::rolling(now - SignedDuration::from_hours(24));
        for (number, (spec, zone)) in plan.zones.iter().zip(zones(plan)).enumerate() {
            let authority = Arc::new(Authority::new());
            let served: ServedZone = match spec.key() {
                Some(key) => SignedZone::new(zone, vec![key], signing).into(),
                None => zone.into(),
            };
            authority.set_zone(served.clone());
            everything.set_zone(served);
            servers.push((spec.origin.clone(), address(number), authority));
        }
        let internet = Internet {
            servers,
            everything,
            anchor: plan.zones[0].key().map(|key| key.dnskey().clone()).into_iter().collect(),
        };
        for fault in &plan.faults {
            internet.begin(fault);
        }
        internet
    }

    fn begin(&self, spec: &FaultSpec) {
        let scope = FaultScope { zone: spec.zone.clone(), owner: spec.owner.clone(), rtype: spec.rtype };
        let fault = Fault::new(spec.kind, scope);
        let at = if spec.kind.is_at_parent() { self.parent(&spec.zone) } else { spec.zone.clone() };
        for (origin, _, authority) in &self.servers {
            if *origin == at {
                authority.begin_fault(fault.clone());
            }
        }
        self.everything.begin_fault(fault);
    }

    /// The zone right above `zone`.
    fn parent(&self, zone: &Name) -> Name {
        let above = self.servers.iter().map(|(origin, ..)| origin).filter(|origin| zone.is_strictly_below(origin));
        above.max_by_key(|origin| origin.label_count()).unwrap_or(zone).clone()
    }

    /// The root's address.
    pub fn root(&self) -> Ipv4Addr {
        self.servers[0].1
    }

    /// The servers by address, the one with all zones included.
    pub fn by_address(&self) -> BTreeMap<IpAddr, Arc<Authority>> {
        let each = self.servers.iter().map(|(_, address, authority)| (IpAddr::from(*address), authority.clone()));
        each.chain([(EVERYTHING.into(), self.everything.clone())]).collect()
    }

    /// The trusted keys as DS records.
    pub fn anchor_ds(&self) -> Vec<Ds> {
        let digest = mxlab_dns::DigestType::SHA256;
        let ds = |key: &Dnskey| Ds {
            key_tag: key.key_tag(),
            algorithm: key.algorithm,
            digest_type: digest.0,
            digest: digest.digest(&Name::root(), key).unwrap_or_default(),
        };
        self.anchor.iter().map(ds).collect()
    }
}

/// The address of the zone with this number.
fn address(number: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 53, 0, 10 + u8::try_from(number).expect("plans are small"))
}

/// The zones, each with its server's address, and the delegations to those right below it.
fn zones(plan: &Plan) -> Vec<Zone> {
    let specs = &plan.zones;
    let mut zones: Vec<Zone> = specs.iter().map(zone).collect();
    for (number, child) in specs.iter().enumerate() {
        let server = child.server();
        let glue = A(address(number)).to_rdata();
        insert(&mut zones[number], &server, RecordType::A, glue.clone());
        let above = specs.iter().enumerate().filter(|(_, spec)| child.origin.is_strictly_below(&spec.origin));
        let Some((parent, _)) = above.max_by_key(|(_, spec)| spec.origin.label_count()) else { continue };
        insert(&mut zones[parent], &child.origin, RecordType::NS, Ns(server.clone()).to_rdata());
        insert(&mut zones[parent], &server, RecordType::A, glue);
        if let Some(key) = child.key().filter(|_| child.signed.as_ref().is_some_and(|signed| signed.delegated)) {
            insert(&mut zones[parent], &child.origin, RecordType::DS, key.ds(&child.origin).to_rdata());
        }
    }
    zones
}

/// The records of the text that a zone can hold.
fn zone(spec: &ZoneSpec) -> Zone {
    let mut zone = Zone::new(spec.origin.clone(), &[spec.server()], TTL);
    for line in spec.text.lines() {
        let entries = zonefile::parse(line, &spec.origin, TTL).unwrap_or_else(|errors| panic!("{line}: {errors:?}"));
        for entry in entries {
            let _ = zone.insert(entry.record);
        }
    }
    zone
}

fn insert(zone: &mut Zone, owner: &Name, rtype: RecordType, rdata: RawRdata) {
    let _ = zone.insert(Record::new(owner.clone(), rtype, TTL, rdata));
}

/// A name from text that is one.
pub fn name(text: &str) -> Name {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}
