//! A zone as it is served: unsigned, or signed with NSEC (RFC 4035 §2) or NSEC3 (RFC 5155 §7.1).
//!
//! Nothing is signed before it is asked for: a run that asks for five RRsets makes five signatures, whatever the zone
//! holds. The chain of proofs is built when the first proof is needed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::authority::proof::{Chain, NsecChain};
use crate::key_set::{KeySet, ZoneKey};
use crate::name::Name;
use crate::nsec3::{Nsec3Chain, Parameters};
use crate::rdata::{Ds, Rdata as _, Rrsig};
use crate::record::{RecordType, Rrset};
use crate::sign;
use crate::signing_key::SigningKey;
use crate::zone::Zone;

/// When signatures are valid, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signing {
    /// The first second.
    pub inception: Timestamp,
    /// The last.
    pub expiration: Expiration,
}

/// The last second of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiration {
    /// Fixed: after the end the zone is bogus, until it is published again.
    Fixed(Timestamp),
    /// The zone signs itself again every seven days from inception on, each time for fourteen days, so that at any time
    /// after inception its signatures are valid for seven days at least.
    Rolling,
}

/// How often a rolling zone signs itself.
const PERIOD: SignedDuration = SignedDuration::from_hours(7 * 24);

impl Signing {
    /// Signatures that are valid from `inception` on and never end.
    pub fn rolling(inception: Timestamp) -> Signing {
        Signing { inception, expiration: Expiration::Rolling }
    }

    /// Signatures that are valid from `inception` to `expiration`.
    pub fn fixed(inception: Timestamp, expiration: Timestamp) -> Signing {
        Signing { inception, expiration: Expiration::Fixed(expiration) }
    }

    /// Inception and expiration of the signatures that are served at `now`.
    pub fn window(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        match self.expiration {
            Expiration::Fixed(expiration) => (self.inception, expiration),
            Expiration::Rolling => {
                let elapsed = (now.as_second() - self.inception.as_second()).max(0);
                let periods = elapsed / PERIOD.as_secs();
                let start = Timestamp::from_second(self.inception.as_second() + periods * PERIOD.as_secs());
                let start = start.unwrap_or(self.inception);
                let end = start.checked_add(PERIOD).and_then(|end| end.checked_add(PERIOD));
                (start, end.unwrap_or(Timestamp::MAX))
            }
        }
    }
}

/// How a zone proves that something does not exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Denial {
    /// By NSEC.
    #[default]
    Nsec,
    /// By NSEC3.
    Nsec3 {
        /// Additional rounds of hashing; RFC 9276 §3.1 says 0.
        iterations: u16,
        /// At most 255 octets; RFC 9276 §3.1 says none.
        salt: Vec<u8>,
        /// Whether delegations without DS are left out of the chain.
        opt_out: bool,
    },
    /// Compactly, by an NSEC made for each name that is asked for (RFC 9824).
    Compact,
}

impl Denial {
    /// Whether records are made for each name that is asked for.
    pub(crate) fn is_compact(&self) -> bool {
        *self == Denial::Compact
    }

    /// The parameters of its NSEC3 records.
    fn parameters(&self) -> Option<Parameters> {
        match self {
            Denial::Nsec | Denial::Compact => None,
            Denial::Nsec3 { iterations, salt, opt_out } => {
                let salt = salt.iter().copied().take(255).collect();
                Some(Parameters { iterations: *iterations, salt, opt_out: *opt_out })
            }
        }
    }
}

/// A zone, its keys and its chain of proofs. Clones share signatures and chain.
#[derive(Clone, Debug)]
pub struct SignedZone {
    zone: Arc<Zone>,
    keys: KeySet,
    signing: Signing,
    denial: Denial,
    chain: Arc<OnceLock<Chain>>,
    /// The same zone with NSEC3 chains of other iterations.
    iterated: Arc<Mutex<BTreeMap<u16, SignedZone>>>,
}

impl SignedZone {
    /// Signs a zone, with NSEC. The published keys become its DNSKEY RRset.
    pub fn new(mut zone: Zone, keys: impl Into<KeySet>, signing: Signing) -> SignedZone {
        let keys = keys.into();
        let ttl = zone.negative().map_or(300, |(soa, _)| soa.ttl);
        let origin = zone.origin().clone();
        zone.remove(&origin, Some(RecordType::DNSKEY));
        let mut rdatas = Vec::new();
        for held in keys.keys().iter().filter(|held| held.published) {
            let rdata = held.key.dnskey().to_rdata();
            if !rdatas.contains(&rdata) {
                rdatas.push(rdata);
            }
        }
        if !rdatas.is_empty() {
            zone.put(Rrset { name: origin, rtype: RecordType::DNSKEY, ttl, rdatas });
        }
        SignedZone {
            zone: Arc::new(zone),
            keys,
            signing,
            denial: Denial::Nsec,
            chain: Arc::default(),
            iterated: Arc::default(),
        }
    }

    /// The same zone with another kind of proofs. With NSEC3 there is an NSEC3PARAM record at the apex (RFC 5155 §4).
    #[must_use]
    pub fn with_denial(&self, denial: Denial) -> SignedZone {
        let mut zone = (*self.zone).clone();
        let name = zone.origin().clone();
        zone.remove(&name, Some(RecordType::NSEC3PARAM));
        if let Some(parameters) = denial.parameters() {
            let ttl = zone.negative().map_or(300, |(_, ttl)| ttl);
            let rdatas = vec![parameters.record().to_rdata()];
            zone.put(Rrset { name, rtype: RecordType::NSEC3PARAM, ttl, rdatas });
        }
        let (chain, iterated) = (Arc::default(), Arc::default());
        SignedZone { zone: Arc::new(zone), denial, chain, iterated, keys: self.keys.clone(), ..*self }
    }

    /// The same zone with an NSEC3 chain of this many iterations, whatever its own kind of proof.
    pub(crate) fn with_iterations(&self, iterations: u16) -> SignedZone {
        let (salt, opt_out) = match &self.denial {
            Denial::Nsec | Denial::Compact => (Vec::new(), false),
            Denial::Nsec3 { salt, opt_out, .. } => (salt.clone(), *opt_out),
        };
        // Entries are inserted whole: a panic of another holder leaves nothing half done.
        let mut iterated = self.iterated.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || self.with_denial(Denial::Nsec3 { iterations, salt, opt_out });
        iterated.entry(iterations).or_insert_with(made).clone()
    }

    /// The zone with its DNSKEY and NSEC3PARAM RRsets.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Its keys.
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// How it proves that something does not exist.
    pub fn denial(&self) -> &Denial {
        &self.denial
    }

    /// The DS records that its parent should publish.
    pub fn ds(&self) -> Vec<Ds> {
        self.keys.ds(self.zone.origin())
    }

    /// When signatures are valid.
    pub(crate) fn signing(&self) -> Signing {
        self.signing
    }

    /// The keys that sign an RRset of this type.
    pub(crate) fn signers(&self, rtype: RecordType) -> impl Iterator<Item = &Arc<SigningKey>> {
        let signs =
            move |held: &&ZoneKey| if rtype == RecordType::DNSKEY { held.signs_keys } else { held.signs_records };
        self.keys.keys().iter().filter(signs).map(|held| &held.key)
    }

    /// The signatures over an RRset, valid in this window, one for each key that signs it.
    pub(crate) fn signatures(&self, rrset: &Rrset, (inception, expiration): (Timestamp, Timestamp)) -> Vec<Rrsig> {
        let origin = self.zone.origin();
        self.signers(rrset.rtype).map(|key| sign::sign(key, origin, rrset, inception, expiration)).collect()
    }

    /// The chain of proofs.
    pub(crate) fn chain(&self) -> &Chain {
        self.chain.get_or_init(|| match self.denial.parameters() {
            None if self.denial.is_compact() => Chain::Compact,
            None => Chain::Nsec(NsecChain::new(&self.zone)),
            Some(parameters) => Chain::Nsec3(Nsec3Chain::new(&self.zone, parameters)),
        })
    }

    /// The NSEC or NSEC3 RRsets in the order of their chain.
    pub fn denial_rrsets(&self) -> Vec<&Rrset> {
        self.chain().rrsets()
    }

    /// The NSEC RRset at a name.
    pub(crate) fn nsec_at(&self, name: &Name) -> Option<&Rrset> {
        match self.chain() {
            Chain::Nsec(chain) => chain.at(name),
            Chain::Nsec3(_) | Chain::Compact => None,
        }
    }
}

/// A zone that an authority serves.
#[derive(Clone, Debug)]
pub enum ServedZone {
    /// Without signatures.
    Unsigned(Zone),
    /// With signatures and proofs.
    Signed(SignedZone),
}

impl ServedZone {
    /// Its records.
    pub fn zone(&self) -> &Zone {
        match self {
            ServedZone::Unsigned(zone) => zone,
            ServedZone::Signed(signed) => signed.zone(),
        }
    }

    /// The signed zone, if it is one.
    pub fn signed(&self) -> Option<&SignedZone> {
        match self {
            ServedZone::Unsigned(_) => None,
            ServedZone::Signed(signed) => Some(signed),
        }
    }
}

impl From<Zone> for ServedZone {
    fn from(zone: Zone) -> ServedZone {
        ServedZone::Unsigned(zone)
    }
}

impl From<SignedZone> for ServedZone {
    fn from(zone: SignedZone) -> ServedZone {
        ServedZone::Signed(zone)
    }
}
