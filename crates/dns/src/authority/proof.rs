//! Which NSEC or NSEC3 records an answer carries (RFC 4035 §3.1.3, RFC 5155 §7.2).

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::name::Name;
use crate::nsec3::Nsec3Chain;
use crate::rdata::{Nsec, Rdata as _};
use crate::record::{RecordType, Rrset};
use crate::zone::Zone;

/// What an answer has to prove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The name exists, but has no records of a type. Also used for a cut without DS.
    NoData(Name),
    /// Neither the name nor the wildcard that would match it exists.
    NoName { name: Name, closest_encloser: Name },
    /// The name does not exist, and the wildcard that matches it does not have the type.
    NoDataAtWildcard { name: Name, closest_encloser: Name },
    /// Neither the name nor any name between it and the wildcard that matches it exists.
    Expanded { name: Name, closest_encloser: Name },
}

impl Claim {
    /// The name that the proof is about.
    pub(crate) fn name(&self) -> &Name {
        match self {
            Claim::NoData(name)
            | Claim::NoName { name, .. }
            | Claim::NoDataAtWildcard { name, .. }
            | Claim::Expanded { name, .. } => name,
        }
    }
}

/// The chain of a zone.
#[derive(Debug)]
pub(crate) enum Chain {
    Nsec(NsecChain),
    Nsec3(Nsec3Chain),
}

impl Chain {
    /// The RRsets that prove a claim, each once.
    pub(crate) fn proofs(&self, claim: &Claim) -> Vec<&Rrset> {
        let found = match self {
            Chain::Nsec(chain) => chain.proofs(claim),
            Chain::Nsec3(chain) => nsec3_proofs(chain, claim),
        };
        let mut proofs: Vec<&Rrset> = Vec::new();
        for rrset in found.into_iter().flatten() {
            if !proofs.iter().any(|known| known.name == rrset.name) {
                proofs.push(rrset);
            }
        }
        proofs
    }

    /// All of it, in its order.
    pub(crate) fn rrsets(&self) -> Vec<&Rrset> {
        match self {
            Chain::Nsec(chain) => chain.0.values().collect(),
            Chain::Nsec3(chain) => chain.rrsets().collect(),
        }
    }

    /// An RRset of the chain that proves nothing of a claim; if the chain has none, an RRset that says nothing of any
    /// name.
    pub(crate) fn something_else(&self, claim: &Claim, zone: &Zone) -> Rrset {
        let proofs = self.proofs(claim);
        let other = |rrset: &&Rrset| !proofs.iter().any(|proof| proof.name == rrset.name);
        let found = self.rrsets().into_iter().find(other);
        let ttl = zone.negative().map_or(300, |(_, ttl)| ttl);
        match (found, self) {
            (Some(rrset), _) => rrset.clone(),
            (None, Chain::Nsec(_)) => about_nothing(zone.origin(), ttl),
            (None, Chain::Nsec3(chain)) => chain.about_nothing(zone.origin(), ttl),
        }
    }
}

/// The NSEC RRsets of a zone by owner.
#[derive(Debug)]
pub(crate) struct NsecChain(BTreeMap<Name, Rrset>);

impl NsecChain {
    /// Builds the chain (RFC 4035 §2.3): at every name with records of its own or a cut, not at empty non-terminals,
    /// not at glue.
    pub(crate) fn new(zone: &Zone) -> NsecChain {
        // RFC 9077 §3: the TTL of negative answers.
        let ttl = zone.negative().map_or(300, |(_, ttl)| ttl);
        let nodes: Vec<_> = zone.authoritative_nodes().collect();
        let nexts = nodes.iter().skip(1).map(|(name, _)| *name).chain(std::iter::once(zone.origin()));
        let rrsets = nodes.iter().zip(nexts).map(|((owner, node), next)| {
            let cut = node.contains_key(&RecordType::NS) && *owner != zone.origin();
            // At a cut the zone answers only for NS (unsigned) and DS.
            let kept = |rtype: &RecordType| !cut || matches!(*rtype, RecordType::NS | RecordType::DS);
            let types = node.keys().copied().filter(kept).chain([RecordType::RRSIG, RecordType::NSEC]).collect();
            let rdata = Nsec { next: next.clone(), types }.to_rdata();
            ((*owner).clone(), Rrset { name: (*owner).clone(), rtype: RecordType::NSEC, ttl, rdatas: vec![rdata] })
        });
        NsecChain(rrsets.collect())
    }

    /// The NSEC RRset at a name.
    pub(crate) fn at(&self, name: &Name) -> Option<&Rrset> {
        self.0.get(name)
    }

    /// The NSEC RRset whose span covers a name: the last one at or before it. An empty non-terminal has no record of
    /// its own: the record before it spans it, and has a next name below it.
    fn covering(&self, name: &Name) -> Option<&Rrset> {
        self.0.range((Bound::Unbounded, Bound::Included(name))).next_back().map(|(_, rrset)| rrset)
    }

    /// RFC 4035 §3.1.3.
    fn proofs(&self, claim: &Claim) -> Vec<Option<&Rrset>> {
        let wildcard = |closest_encloser: &Name| {
            let wildcard = closest_encloser.prepend_label("*").ok()?;
            self.covering(&wildcard)
        };
        match claim {
            Claim::NoData(name) | Claim::Expanded { name, .. } => vec![self.covering(name)],
            Claim::NoName { name, closest_encloser } | Claim::NoDataAtWildcard { name, closest_encloser } => {
                vec![self.covering(name), wildcard(closest_encloser)]
            }
        }
    }
}

/// An NSEC RRset that says nothing of any name: it spans from the first possible name below the apex to the first below that.
fn about_nothing(zone: &Name, ttl: u32) -> Rrset {
    let first = |name: &Name| name.prepend_label([0]).unwrap_or_else(|_| name.clone());
    let owner = first(zone);
    let nsec = Nsec { next: first(&owner), types: [RecordType::RRSIG, RecordType::NSEC].into_iter().collect() };
    Rrset { name: owner, rtype: RecordType::NSEC, ttl, rdatas: vec![nsec.to_rdata()] }
}

/// RFC 5155 §7.2.
fn nsec3_proofs<'a>(chain: &'a Nsec3Chain, claim: &Claim) -> Vec<Option<&'a Rrset>> {
    match claim {
        // §7.2.3, §7.2.4, §7.2.7. A name that opt-out omits is proved to be omitted.
        Claim::NoData(name) => match chain.matching(name) {
            Some(rrset) => vec![Some(rrset)],
            None => closest_encloser_proof(chain, name).0,
        },
        // §7.2.2.
        Claim::NoName { name, .. } => {
            let (mut proofs, wildcard) = closest_encloser_proof(chain, name);
            proofs.push(wildcard.and_then(|wildcard| chain.covering(&wildcard)));
            proofs
        }
        // §7.2.5.
        Claim::NoDataAtWildcard { name, .. } => {
            let (mut proofs, wildcard) = closest_encloser_proof(chain, name);
            proofs.push(wildcard.and_then(|wildcard| chain.covering(&wildcard)));
            proofs
        }
        // §7.2.6: the wildcard shows which name is the encloser.
        Claim::Expanded { name, closest_encloser } => vec![chain.covering(&next_closer(name, closest_encloser))],
    }
}

/// That a name encloses `name`, and that the next closer name does not exist (RFC 5155 §7.2.1); and the wildcard right below
/// the encloser.
fn closest_encloser_proof<'a>(chain: &'a Nsec3Chain, name: &Name) -> (Vec<Option<&'a Rrset>>, Option<Name>) {
    let Some((encloser, matching)) = chain.closest_provable_encloser(name) else { return (Vec::new(), None) };
    let covering = chain.covering(&next_closer(name, &encloser));
    (vec![Some(matching), covering], encloser.prepend_label("*").ok())
}

/// The name at or above `name` that is one label longer than an encloser.
fn next_closer(name: &Name, encloser: &Name) -> Name {
    name.suffix(encloser.label_count() + 1)
}
