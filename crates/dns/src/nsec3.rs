//! Hashed denial of existence (RFC 5155): the hash of a name, and the chain of NSEC3 records of a zone.
//!
//! Every name of the zone is hashed, and the hashes are sorted; each record has the next hash and the types at its
//! name. Empty non-terminals have a record too (§7.1). With opt-out, delegations without DS have no record, nor do
//! empty non-terminals that only lead to such delegations: the span over them says, by its flag, that it may hide them
//! (§6).

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, PoisonError};

use data_encoding::BASE32HEX_NOPAD;
use ring::digest;

use crate::name::Name;
use crate::rdata::{Fields, Nsec3, Rdata, RdataError, TypeBitmap};
use crate::record::{RawRdata, RecordType, Rrset};
use crate::zone::Zone;

/// The only hash algorithm: SHA-1 (RFC 5155 §11).
pub const SHA1: u8 = 1;
/// The opt-out bit of the flags (RFC 5155 §3.1.2.1).
pub const OPT_OUT: u8 = 1;

/// A hashed name.
pub type Hash = [u8; 20];

/// The hash of a name in canonical form, salted and hashed again `iterations` times (RFC 5155 §5).
pub fn hash(name: &Name, iterations: u16, salt: &[u8]) -> Hash {
    let mut octets = Vec::with_capacity(name.wire().len() + salt.len());
    name.push_canonical(&mut octets);
    let mut hashed = Hash::default();
    for _ in 0..=iterations {
        octets.extend_from_slice(salt);
        let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &octets);
        hashed = digest.as_ref().try_into().unwrap_or_default();
        octets.clear();
        octets.extend_from_slice(&hashed);
    }
    hashed
}

/// The owner of the NSEC3 record of a hash (RFC 5155 §3).
pub fn owner(hash: &Hash, zone: &Name) -> Name {
    let label = BASE32HEX_NOPAD.encode(hash).to_ascii_lowercase();
    // If the zone's name leaves no room for 33 more octets, its chain cannot be served.
    zone.prepend_label(label).unwrap_or_else(|_| zone.clone())
}

/// How names are hashed, and whether unsigned delegations are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parameters {
    pub(crate) iterations: u16,
    pub(crate) salt: Vec<u8>,
    pub(crate) opt_out: bool,
}

impl Parameters {
    /// The content of NSEC3PARAM: without the opt-out bit (RFC 5155 §4.1.2).
    pub(crate) fn record(&self) -> Nsec3Param {
        Nsec3Param { hash_algorithm: SHA1, flags: 0, iterations: self.iterations, salt: self.salt.clone() }
    }
}

/// How a zone's names are hashed (RFC 5155 §4): for its servers, not for validators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nsec3Param {
    /// 1 is SHA-1, the only one.
    pub hash_algorithm: u8,
    /// Always 0.
    pub flags: u8,
    /// Additional rounds of hashing.
    pub iterations: u16,
    /// Appended to the name in each round.
    pub salt: Vec<u8>,
}

impl Rdata for Nsec3Param {
    const TYPE: RecordType = RecordType::NSEC3PARAM;
    fn parse(octets: &[u8]) -> Result<Nsec3Param, RdataError> {
        let mut fields = Fields::new(octets);
        let (hash_algorithm, flags, iterations) = (fields.u8()?, fields.u8()?, fields.u16()?);
        let length = fields.u8()?;
        let salt = fields.take(length.into())?.to_vec();
        fields.end(Nsec3Param { hash_algorithm, flags, iterations, salt })
    }
    fn to_rdata(&self) -> RawRdata {
        let length = u8::try_from(self.salt.len()).unwrap_or(u8::MAX);
        let [high, low] = self.iterations.to_be_bytes();
        let salt = self.salt.get(..usize::from(length)).unwrap_or_default();
        [&[self.hash_algorithm, self.flags, high, low, length], salt].concat().into()
    }
}

/// How many hashes of names that are not in the zone a chain remembers.
const REMEMBERED: usize = 4_096;

/// The NSEC3 RRsets of a zone by hash.
#[derive(Debug)]
pub(crate) struct Nsec3Chain {
    parameters: Parameters,
    rrsets: BTreeMap<Hash, Rrset>,
    /// They depend only on the names, so remembering them changes nothing but the time it takes.
    hashes: Mutex<BTreeMap<Name, Hash>>,
}

impl Nsec3Chain {
    /// Builds the chain (RFC 5155 §7.1).
    pub(crate) fn new(zone: &Zone, parameters: Parameters) -> Nsec3Chain {
        let types = types(zone, parameters.opt_out);
        let hashed: BTreeMap<Hash, TypeBitmap> = types
            .into_iter()
            .map(|(name, types)| (hash(&name, parameters.iterations, &parameters.salt), types))
            .collect();
        // RFC 9077 §3: the TTL of negative answers.
        let ttl = zone.negative().map_or(300, |(_, ttl)| ttl);
        let nexts = hashed.keys().skip(1).chain(hashed.keys().next()).copied().collect::<Vec<_>>();
        let rrset = |(own, types): (&Hash, &TypeBitmap), next: Hash| {
            let rdata = record(&parameters, next, types.clone()).to_rdata();
            let name = owner(own, zone.origin());
            (*own, Rrset { name, rtype: RecordType::NSEC3, ttl, rdatas: vec![rdata] })
        };
        let rrsets = hashed.iter().zip(nexts).map(|(own, next)| rrset(own, next)).collect();
        Nsec3Chain { parameters, rrsets, hashes: Mutex::default() }
    }

    fn hash(&self, name: &Name) -> Hash {
        // Entries are inserted whole: a panic of another holder leaves nothing half done.
        let mut hashes = self.hashes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = hashes.get(name) {
            return *known;
        }
        if hashes.len() >= REMEMBERED {
            hashes.clear();
        }
        let made = hash(name, self.parameters.iterations, &self.parameters.salt);
        hashes.insert(name.clone(), made);
        made
    }

    /// The NSEC3 RRset of a name.
    pub(crate) fn matching(&self, name: &Name) -> Option<&Rrset> {
        self.rrsets.get(&self.hash(name))
    }

    /// The NSEC3 RRset whose span covers the hash of a name: the last one at or before it, or the last of all.
    pub(crate) fn covering(&self, name: &Name) -> Option<&Rrset> {
        let before = self.rrsets.range((Bound::Unbounded, Bound::Included(self.hash(name)))).next_back();
        before.or_else(|| self.rrsets.last_key_value()).map(|(_, rrset)| rrset)
    }

    /// The longest name above `name` that has an NSEC3 record, with that record (the closest provable encloser,
    /// RFC 5155 §7.2.1).
    pub(crate) fn closest_provable_encloser(&self, name: &Name) -> Option<(Name, &Rrset)> {
        name.ancestors().skip(1).find_map(|above| Some((above.clone(), self.matching(&above)?)))
    }

    /// All of it, in order of the hashes.
    pub(crate) fn rrsets(&self) -> impl Iterator<Item = &Rrset> {
        self.rrsets.values()
    }

    /// An NSEC3 RRset that says nothing of any name: it spans from one hash to the next possible one.
    pub(crate) fn about_nothing(&self, zone: &Name, ttl: u32) -> Rrset {
        let taken = self.rrsets.keys().next().copied().unwrap_or_default();
        let (own, next) = (successor(taken), successor(successor(taken)));
        let rdata = record(&self.parameters, next, TypeBitmap::default()).to_rdata();
        Rrset { name: owner(&own, zone), rtype: RecordType::NSEC3, ttl, rdatas: vec![rdata] }
    }
}

fn record(parameters: &Parameters, next: Hash, types: TypeBitmap) -> Nsec3 {
    Nsec3 {
        hash_algorithm: SHA1,
        flags: if parameters.opt_out { OPT_OUT } else { 0 },
        iterations: parameters.iterations,
        salt: parameters.salt.clone(),
        next_hashed: next.to_vec(),
        types,
    }
}

fn successor(mut hash: Hash) -> Hash {
    for octet in hash.iter_mut().rev() {
        *octet = octet.wrapping_add(1);
        if *octet != 0 {
            break;
        }
    }
    hash
}

/// The names that get a record, with the types at them.
fn types(zone: &Zone, opt_out: bool) -> BTreeMap<Name, TypeBitmap> {
    let mut names = BTreeMap::new();
    for (name, node) in zone.authoritative_nodes() {
        let cut = node.contains_key(&RecordType::NS) && name != zone.origin();
        if cut && opt_out && !node.contains_key(&RecordType::DS) {
            continue;
        }
        // At a cut the zone answers only for NS (unsigned) and DS. RRSIG is there if anything at the name is signed.
        let kept = |rtype: &RecordType| !cut || matches!(*rtype, RecordType::NS | RecordType::DS);
        let signed = !cut || node.contains_key(&RecordType::DS);
        let types = node.keys().copied().filter(kept).chain(signed.then_some(RecordType::RRSIG)).collect();
        names.insert(name.clone(), types);
        for between in name.ancestors().skip(1).take_while(|above| above.is_strictly_below(zone.origin())) {
            names.entry(between).or_insert_with(TypeBitmap::default);
        }
    }
    names
}
