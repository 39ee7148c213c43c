//! A zone as it is served: unsigned, or signed with NSEC (RFC 4035 §2).
//!
//! Nothing is signed before it is asked for: a run that asks for five RRsets pays for five signatures, whatever the zone
//! holds. The chain of NSEC records is laid when the zone is published, from the names alone.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::name::Name;
use crate::rdata::{Ds, Nsec, Rdata as _, Rrsig};
use crate::record::{Record, RecordType, Rrset};
use crate::sign;
use crate::signing_key::SigningKey;
use crate::zone::Zone;

/// When signatures are valid. Both ends count.
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
    /// Fixed: after it the zone is bogus, until it is published again.
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

/// A zone, its keys and its NSEC chain.
#[derive(Clone, Debug)]
pub struct SignedZone {
    zone: Zone,
    keys: Vec<Arc<SigningKey>>,
    signing: Signing,
    chain: BTreeMap<Name, Rrset>,
}

impl SignedZone {
    /// Signs a zone with combined keys: each is published in the zone and signs all of it.
    pub fn new(mut zone: Zone, keys: Vec<Arc<SigningKey>>, signing: Signing) -> SignedZone {
        let ttl = zone.negative().map_or(300, |(soa, _)| soa.ttl);
        let origin = zone.origin().clone();
        zone.remove(&origin, Some(RecordType::DNSKEY));
        for key in &keys {
            let record = Record::new(origin.clone(), RecordType::DNSKEY, ttl, key.dnskey().to_rdata());
            // The apex is never an alias or out of the zone.
            let _ = zone.insert(record);
        }
        let chain = chain(&zone);
        SignedZone { zone, keys, signing, chain }
    }

    /// The zone with its DNSKEY RRset.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The DS records of its keys, for its parent.
    pub fn ds(&self) -> Vec<Ds> {
        self.keys.iter().map(|key| key.ds(self.zone.origin())).collect()
    }

    /// The signatures over an RRset that are served at `now`, one for each key.
    pub(crate) fn signatures(&self, rrset: &Rrset, now: Timestamp) -> Vec<Rrsig> {
        let (inception, expiration) = self.signing.window(now);
        let origin = self.zone.origin();
        self.keys.iter().map(|key| sign::sign(key, origin, rrset, inception, expiration)).collect()
    }

    /// The NSEC RRset at a name.
    pub(crate) fn nsec_at(&self, name: &Name) -> Option<&Rrset> {
        self.chain.get(name)
    }

    /// The NSEC RRset whose span covers a name: the last one at or before it.
    pub(crate) fn nsec_covering(&self, name: &Name) -> Option<&Rrset> {
        self.chain.range((Bound::Unbounded, Bound::Included(name))).next_back().map(|(_, rrset)| rrset)
    }
}

/// The NSEC RRsets of a zone (RFC 4035 §2.3): at every name with records of its own or a cut, not at empty non-terminals,
/// not at glue.
fn chain(zone: &Zone) -> BTreeMap<Name, Rrset> {
    // RFC 9077 §3: the TTL of negative answers.
    let ttl = zone.negative().map_or(300, |(_, ttl)| ttl);
    let nodes: Vec<_> = zone.authoritative_nodes().collect();
    let nexts = nodes.iter().skip(1).map(|(name, _)| *name).chain(std::iter::once(zone.origin()));
    let rrsets = nodes.iter().zip(nexts).map(|((owner, node), next)| {
        let cut = node.contains_key(&RecordType::NS) && *owner != zone.origin();
        // At a cut the zone answers for NS (unsigned) and DS alone.
        let kept = |rtype: &RecordType| !cut || matches!(*rtype, RecordType::NS | RecordType::DS);
        let types = node.keys().copied().filter(kept).chain([RecordType::RRSIG, RecordType::NSEC]).collect();
        let rdata = Nsec { next: next.clone(), types }.to_rdata();
        ((*owner).clone(), Rrset { name: (*owner).clone(), rtype: RecordType::NSEC, ttl, rdatas: vec![rdata] })
    });
    rrsets.collect()
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
