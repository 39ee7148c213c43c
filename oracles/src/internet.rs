//! A small internet: zones with their keys and faults, each served at one address, and all of them at one more.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use mxlab_dns::rdata::{A, Dnskey, Ds, Ns, Rdata as _};
use mxlab_dns::{
    Authority, Denial, Fault, FaultKind, FaultScope, KeyKind, KeyRole, KeySet, Name, RawRdata, Record, RecordType,
    ServedZone, SignedZone, Signing, SigningKey, Zone, zonefile,
};

/// The TTL of all records.
const TTL: u32 = 300;

/// The address at which all zones are served.
pub const EVERYTHING: Ipv4Addr = Ipv4Addr::new(127, 53, 0, 1);

/// How a zone is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub keys: Keys,
    pub denial: Denial,
    /// Whether the parent publishes a DS.
    pub delegated: bool,
}

impl Signed {
    /// With one key of this kind, NSEC, and a DS.
    pub fn with(kind: KeyKind) -> Signed {
        Signed { keys: Keys::Combined(kind), denial: Denial::Nsec, delegated: true }
    }
}

/// The keys of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    Combined(KeyKind),
    /// A key-signing and a zone-signing key.
    Split(KeyKind),
    /// In the middle of a rollover, after this many steps.
    Rolling(Rollover, usize),
}

/// A rollover (RFC 6781 section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rollover {
    /// Of the zone-signing key, pre-publish.
    ZoneSigning,
    /// Of a combined key, double signature.
    Combined,
    /// Of the key-signing key, double DS.
    DoubleDs,
    /// From P-256 to Ed25519, conservative.
    AlgorithmConservative,
    /// The same, liberal.
    AlgorithmLiberal,
}

impl Rollover {
    pub const ALL: [Rollover; 5] = [
        Rollover::ZoneSigning,
        Rollover::Combined,
        Rollover::DoubleDs,
        Rollover::AlgorithmConservative,
        Rollover::AlgorithmLiberal,
    ];

    /// How many steps it takes.
    pub fn steps(self) -> usize {
        match self {
            Rollover::ZoneSigning => 3,
            Rollover::Combined | Rollover::DoubleDs | Rollover::AlgorithmLiberal => 4,
            Rollover::AlgorithmConservative => 6,
        }
    }

    /// The keys at the beginning, and the new one.
    fn keys(self, origin: &Name) -> (KeySet, Arc<SigningKey>) {
        let split = || {
            KeySet::from(vec![
                key(origin, KeyKind::EcdsaP256, KeyRole::KeySigning, 0),
                key(origin, KeyKind::EcdsaP256, KeyRole::ZoneSigning, 1),
            ])
        };
        let combined = || KeySet::from(key(origin, KeyKind::EcdsaP256, KeyRole::Combined, 0));
        match self {
            Rollover::ZoneSigning => (split(), key(origin, KeyKind::EcdsaP256, KeyRole::ZoneSigning, 2)),
            Rollover::DoubleDs => (split(), key(origin, KeyKind::EcdsaP256, KeyRole::KeySigning, 2)),
            Rollover::Combined => (combined(), key(origin, KeyKind::EcdsaP256, KeyRole::Combined, 2)),
            Rollover::AlgorithmConservative | Rollover::AlgorithmLiberal => {
                (combined(), key(origin, KeyKind::Ed25519, KeyRole::Combined, 2))
            }
        }
    }

    /// The keys after this many steps.
    fn after(self, steps: usize, origin: &Name) -> KeySet {
        let (mut keys, new) = self.keys(origin);
        for step in 0..steps.min(self.steps()) {
            keys = match (self, step) {
                (Rollover::ZoneSigning, 0) => keys.add_key(&new),
                (Rollover::ZoneSigning, 1) => keys.switch_signing(),
                (Rollover::DoubleDs, 0) | (Rollover::Combined | Rollover::AlgorithmLiberal, 1) => keys.add_ds(&new),
                (Rollover::DoubleDs, 1) | (Rollover::Combined | Rollover::AlgorithmLiberal, 0) => keys.add_key(&new),
                (Rollover::DoubleDs | Rollover::Combined | Rollover::AlgorithmLiberal, 2) => keys.switch_signing(),
                (Rollover::AlgorithmConservative, 0) => keys.add_signatures(&new),
                (Rollover::AlgorithmConservative, 1) => keys.add_key(&new),
                (Rollover::AlgorithmConservative, 2) => keys.add_ds(&new),
                (Rollover::AlgorithmConservative, 3) => keys.switch_signing(),
                (Rollover::AlgorithmConservative, 4) => keys.withdraw_old(),
                _ => keys.drop_old(),
            };
        }
        keys
    }
}

/// A key is derived from its zone and its number.
fn key(origin: &Name, kind: KeyKind, role: KeyRole, number: u8) -> Arc<SigningKey> {
    let mut seed = [number + 1; 32];
    seed.iter_mut().skip(1).zip(origin.wire()).for_each(|(slot, byte)| *slot = *byte);
    Arc::new(SigningKey::new(kind, role, seed).expect("the seed is a key"))
}

impl Keys {
    /// Whether there may be a key of this kind among them.
    pub fn may_be(self, kind: KeyKind) -> bool {
        match self {
            Keys::Combined(own) | Keys::Split(own) => own == kind,
            Keys::Rolling(Rollover::AlgorithmConservative | Rollover::AlgorithmLiberal, _)
                if kind == KeyKind::Ed25519 =>
            {
                true
            }
            Keys::Rolling(..) => kind == KeyKind::EcdsaP256,
        }
    }

    fn set(self, origin: &Name) -> KeySet {
        match self {
            Keys::Combined(kind) => key(origin, kind, KeyRole::Combined, 0).into(),
            Keys::Split(kind) => {
                let of = |role, number| key(origin, kind, role, number);
                KeySet::from(vec![of(KeyRole::KeySigning, 0), of(KeyRole::ZoneSigning, 1)])
            }
            Keys::Rolling(rollover, steps) => rollover.after(steps, origin),
        }
    }
}

/// One zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneSpec {
    pub origin: Name,
    /// Records as master-file text. Records that the zone cannot hold are left out.
    pub text: String,
    pub signed: Option<Signed>,
}

impl ZoneSpec {
    /// A zone that is signed with P-256 and NSEC, and has a DS.
    pub fn new(origin: &str, text: &str) -> ZoneSpec {
        ZoneSpec { origin: name(origin), text: text.to_owned(), signed: Some(Signed::with(KeyKind::EcdsaP256)) }
    }

    fn server(&self) -> Name {
        self.origin.prepend_label("ns").expect("origins are short")
    }

    fn keys(&self) -> Option<KeySet> {
        self.signed.as_ref().map(|signed| signed.keys.set(&self.origin))
    }
}

/// A fault in a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultSpec {
    pub kind: FaultKind,
    /// The zone; for a fault of its parent, the child.
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
    /// The root's keys, as trust anchors.
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
            let served: ServedZone = match &spec.signed {
                Some(signed) => {
                    let zone = SignedZone::new(zone, signed.keys.set(&spec.origin), signing);
                    zone.with_denial(signed.denial.clone()).into()
                }
                None => zone.into(),
            };
            authority.set_zone(served.clone());
            everything.set_zone(served);
            servers.push((spec.origin.clone(), address(number), authority));
        }
        let root = plan.zones[0].keys().unwrap_or_default();
        let entries = root.keys().iter().filter(|held| held.delegated);
        let anchor = entries.map(|held| held.key.dnskey().clone()).collect();
        let internet = Internet { servers, everything, anchor };
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
        let delegated = child.signed.as_ref().is_some_and(|signed| signed.delegated);
        for ds in child.keys().filter(|_| delegated).iter().flat_map(|keys| keys.ds(&child.origin)) {
            insert(&mut zones[parent], &child.origin, RecordType::DS, ds.to_rdata());
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

/// A name from valid text.
pub fn name(text: &str) -> Name {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}
