//! Which NSEC or NSEC3 records an answer carries (RFC 4035 §3.1.3, RFC 5155 §7.2).

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::fault::Part;
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
    /// No chain: a record is made for each name that is asked for (RFC 9824).
    Compact,
}

impl Chain {
    /// The RRsets that prove a claim, each once, with what it is about first.
    pub(crate) fn proofs(&self, claim: &Claim, zone: &Zone) -> Vec<(Part, Rrset)> {
        let found = match self {
            Chain::Nsec(chain) => chain.proofs(claim),
            Chain::Nsec3(chain) => nsec3_proofs(chain, claim),
            Chain::Compact => return vec![(Part::Name, compact(claim, zone))],
        };
        let mut proofs: Vec<(Part, Rrset)> = Vec::new();
        for (part, rrset) in found {
            if let Some(rrset) = rrset {
                let known = proofs.iter().any(|(own, known)| known.name == rrset.name && *own == part);
                if !known {
                    proofs.push((part, rrset.clone()));
                }
            }
        }
        proofs
    }

    /// All of it, in its order.
    pub(crate) fn rrsets(&self) -> Vec<&Rrset> {
        match self {
            Chain::Nsec(chain) => chain.0.values().collect(),
            Chain::Nsec3(chain) => chain.rrsets().collect(),
            Chain::Compact => Vec::new(),
        }
    }

    /// An RRset of the chain that proves nothing of a claim; if the chain has none, an RRset that says nothing of any
    /// name.
    pub(crate) fn something_else(&self, claim: &Claim, zone: &Zone) -> Rrset {
        let proofs = self.proofs(claim, zone);
        let other = |rrset: &&Rrset| !proofs.iter().any(|(_, proof)| proof.name == rrset.name);
        let found = self.rrsets().into_iter().find(other);
        let ttl = zone.negative().map_or(300, |(_, ttl)| ttl);
        match (found, self) {
            (Some(rrset), _) => rrset.clone(),
            (None, Chain::Nsec(_) | Chain::Compact) => about_nothing(zone.origin(), ttl),
            (None, Chain::Nsec3(chain)) => chain.about_nothing(zone.origin(), ttl),
        }
    }
}

/// The one record that denies compactly (RFC 9824 §3): at the name, with the next possible name after it. Its types say what
/// is there; for a name that does not exist, only that (`NXNAME`).
fn compact(claim: &Claim, zone: &Zone) -> Rrset {
    let name = claim.name();
    let own = [RecordType::RRSIG, RecordType::NSEC];
    let at = |owner: &Name| {
        let cut = zone.rrset(owner, RecordType::NS).is_some() && owner != zone.origin();
        let kept = |rtype: &RecordType| !cut || matches!(*rtype, RecordType::NS | RecordType::DS);
        zone.types_at(owner).filter(kept).collect::<Vec<_>>()
    };
    let types = match claim {
        Claim::NoName { .. } => vec![RecordType::NXNAME],
        Claim::NoData(name) => at(name),
        Claim::NoDataAtWildcard { closest_encloser, .. } | Claim::Expanded { closest_encloser, .. } => {
            closest_encloser.prepend_label("*").map(|wildcard| at(&wildcard)).unwrap_or_default()
        }
    };
    let next = name.prepend_label([0]).unwrap_or_else(|_| zone.origin().clone());
    let nsec = Nsec { next, types: types.into_iter().chain(own).collect() };
    let ttl = zone.negative().map_or(300, |(_, ttl)| ttl);
    Rrset { name: name.clone(), rtype: RecordType::NSEC, ttl, rdatas: vec![nsec.to_rdata()] }
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
    fn proofs(&self, claim: &Claim) -> Parts<'_> {
        let wildcard = |closest_encloser: &Name| {
            let wildcard = closest_encloser.prepend_label("*").ok()?;
            self.covering(&wildcard)
        };
        match claim {
            Claim::NoData(name) => vec![(Part::Name, self.covering(name))],
            Claim::Expanded { name, .. } => vec![(Part::NextCloser, self.covering(name))],
            Claim::NoName { name, closest_encloser } | Claim::NoDataAtWildcard { name, closest_encloser } => {
                vec![(Part::NextCloser, self.covering(name)), (Part::Wildcard, wildcard(closest_encloser))]
            }
        }
    }
}

/// The records of a proof that a chain has, with what they are about.
type Parts<'a> = Vec<(Part, Option<&'a Rrset>)>;

/// An NSEC RRset that says nothing of any name: it spans from the first possible name below the apex to the first below that.
fn about_nothing(zone: &Name, ttl: u32) -> Rrset {
    let first = |name: &Name| name.prepend_label([0]).unwrap_or_else(|_| name.clone());
    let owner = first(zone);
    let nsec = Nsec { next: first(&owner), types: [RecordType::RRSIG, RecordType::NSEC].into_iter().collect() };
    Rrset { name: owner, rtype: RecordType::NSEC, ttl, rdatas: vec![nsec.to_rdata()] }
}

/// RFC 5155 §7.2.
fn nsec3_proofs<'a>(chain: &'a Nsec3Chain, claim: &Claim) -> Parts<'a> {
    match claim {
        // §7.2.3, §7.2.4, §7.2.7. A name that opt-out omits is proved to be omitted.
        Claim::NoData(name) => match chain.matching(name) {
            Some(rrset) => vec![(Part::Name, Some(rrset))],
            None => closest_encloser_proof(chain, name).0,
        },
        // §7.2.2 and §7.2.5.
        Claim::NoName { name, .. } | Claim::NoDataAtWildcard { name, .. } => {
            let (mut proofs, wildcard) = closest_encloser_proof(chain, name);
            proofs.push((Part::Wildcard, wildcard.and_then(|wildcard| chain.covering(&wildcard))));
            proofs
        }
        // §7.2.6: the wildcard shows which name is the encloser.
        Claim::Expanded { name, closest_encloser } => {
            vec![(Part::NextCloser, chain.covering(&next_closer(name, closest_encloser)))]
        }
    }
}

/// That a name encloses `name`, and that the next closer name does not exist (RFC 5155 §7.2.1); and the wildcard right below
/// the encloser.
fn closest_encloser_proof<'a>(chain: &'a Nsec3Chain, name: &Name) -> (Parts<'a>, Option<Name>) {
    let Some((encloser, matching)) = chain.closest_provable_encloser(name) else { return (Vec::new(), None) };
    let covering = chain.covering(&next_closer(name, &encloser));
    let proof = vec![(Part::Encloser, Some(matching)), (Part::NextCloser, covering)];
    (proof, encloser.prepend_label("*").ok())
}

/// The name at or above `name` that is one label longer than an encloser.
fn next_closer(name: &Name, encloser: &Name) -> Name {
    name.suffix(encloser.label_count() + 1)
}
