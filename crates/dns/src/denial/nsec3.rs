//! Denial by NSEC3 (RFC 5155 §8, RFC 9824 §4).
//!
//! The owners are hashes of names, so a record is found by hashing: first the name, then its ancestors, until one has a
//! record. That is the closest encloser. The name one label below it on the way to the name is the *next closer* name;
//! a span over its hash proves that neither it nor anything below it exists.
//!
//! Only records with the parameters of the first one are used (RFC 5155 §8.2 lets a validator refuse others), so that
//! each name is hashed once; the budget bounds how many names (CVE-2023-50868).

use std::collections::BTreeMap;

use data_encoding::BASE32HEX_NOPAD;

use crate::name::Name;
use crate::nsec3::{self, Hash, OPT_OUT, SHA1};
use crate::rdata::{Nsec3, TypeBitmap};
use crate::record::{RawRdata, RecordType};
use crate::security::{Reason, RrsetId};
use crate::validator::{Budget, Policy};

use super::{Denied, Mechanism, NoDs, denies_name, lacks, leads_elsewhere, no_ds_at};

/// The NSEC3 records of one answer.
#[derive(Debug)]
pub(super) struct Hashed {
    zone: Name,
    /// Salt and iterations of the first record.
    parameters: Option<(Vec<u8>, u16)>,
    records: Vec<Span>,
    excess: Option<Reason>,
    hashes: BTreeMap<Name, Hash>,
}

#[derive(Debug)]
struct Span {
    owner: Hash,
    next: Hash,
    opt_out: bool,
    types: TypeBitmap,
}

impl Span {
    /// Whether a hash lies strictly within the span. The last one of a zone leads back to the first.
    fn covers(&self, hash: &Hash) -> bool {
        if self.owner < self.next {
            self.owner < *hash && *hash < self.next
        } else {
            self.owner < *hash || *hash < self.next
        }
    }
}

impl Hashed {
    pub(super) fn new(zone: &Name) -> Hashed {
        Hashed { zone: zone.clone(), parameters: None, records: Vec::new(), excess: None, hashes: BTreeMap::new() }
    }

    /// Why the records are not followed: too many iterations.
    pub(super) fn excess(&self) -> Option<&Reason> {
        self.excess.as_ref()
    }

    /// Keeps the records of an RRset; returns whether one of them can be used.
    pub(super) fn take(&mut self, owner: &Name, rdatas: &[RawRdata], policy: &Policy) -> bool {
        let Some(hash) = self.hash_of_owner(owner) else { return false };
        let mut taken = false;
        for nsec3 in rdatas.iter().filter_map(|rdata| Nsec3::parse(rdata).ok()) {
            // RFC 5155 §8.1 and §8.2: unknown hash algorithms and unknown flags are ignored.
            if nsec3.hash_algorithm != SHA1 || nsec3.flags & !OPT_OUT != 0 {
                continue;
            }
            let limit = policy.nsec3_iterations;
            if nsec3.iterations > limit {
                let (zone, iterations) = (self.zone.clone(), nsec3.iterations);
                self.excess.get_or_insert(Reason::Nsec3Iterations { zone, iterations, limit });
                taken = true;
                continue;
            }
            let Ok(next) = Hash::try_from(nsec3.next_hashed.as_slice()) else { continue };
            let parameters = (nsec3.salt, nsec3.iterations);
            if *self.parameters.get_or_insert_with(|| parameters.clone()) != parameters {
                continue;
            }
            let opt_out = nsec3.flags & OPT_OUT != 0;
            self.records.push(Span { owner: hash, next, opt_out, types: nsec3.types });
            taken = true;
        }
        taken
    }

    /// The hash that is the first label of an owner right below the apex (RFC 5155 §3).
    fn hash_of_owner(&self, owner: &Name) -> Option<Hash> {
        let label = owner.labels().next()?.to_ascii_uppercase();
        let own = owner.parent().is_some_and(|parent| parent == self.zone);
        BASE32HEX_NOPAD.decode(&label).ok().filter(|_| own)?.try_into().ok()
    }

    fn hash(&mut self, name: &Name, rrset: &RrsetId, budget: &mut Budget) -> Result<Option<Hash>, Reason> {
        let Some((salt, iterations)) = &self.parameters else { return Ok(None) };
        if let Some(hash) = self.hashes.get(name) {
            return Ok(Some(*hash));
        }
        budget.hash(rrset)?;
        let hash = nsec3::hash(name, *iterations, salt);
        self.hashes.insert(name.clone(), hash);
        Ok(Some(hash))
    }

    fn matching(&mut self, name: &Name, rrset: &RrsetId, budget: &mut Budget) -> Result<Option<&Span>, Reason> {
        let hash = self.hash(name, rrset, budget)?;
        Ok(self.records.iter().find(|span| Some(span.owner) == hash))
    }

    fn covering(&mut self, name: &Name, rrset: &RrsetId, budget: &mut Budget) -> Result<Option<&Span>, Reason> {
        let Some(hash) = self.hash(name, rrset, budget)? else { return Ok(None) };
        Ok(self.records.iter().find(|span| span.covers(&hash)))
    }

    /// The closest provable encloser of a name that has no record of its own, and whether the span over the next closer
    /// name opts out (RFC 5155 §8.3).
    fn closest_encloser(&mut self, rrset: &RrsetId, budget: &mut Budget) -> Result<Option<(Name, bool)>, Reason> {
        let zone = self.zone.clone();
        let mut next_closer = rrset.name.clone();
        for ancestor in rrset.name.ancestors().skip(1).take_while(|ancestor| ancestor.is_subdomain_of(&zone)) {
            if let Some(span) = self.matching(&ancestor, rrset, budget)? {
                // A name that does not exist encloses nothing.
                if leads_elsewhere(&span.types) || denies_name(&span.types) {
                    return Ok(None);
                }
                let covering = self.covering(&next_closer, rrset, budget)?;
                return Ok(covering.map(|span| (ancestor, span.opt_out)));
            }
            next_closer = ancestor;
        }
        Ok(None)
    }

    fn denied(&self, opt_out: bool) -> Denied {
        let insecure = opt_out.then(|| Reason::Nsec3OptOut { zone: self.zone.clone() });
        Denied { insecure, ..Denied::by(Mechanism::Nsec3) }
    }

    /// RFC 5155 §8.5, §8.6 and §8.7.
    pub(super) fn no_data(&mut self, rrset: &RrsetId, budget: &mut Budget) -> Result<Option<Denied>, Reason> {
        let (name, rtype) = (&rrset.name, rrset.rtype);
        if let Some(span) = self.matching(name, rrset, budget)? {
            let lacking = lacks(name, &span.types, rtype);
            if denies_name(&span.types) {
                return Ok(lacking.then(compact));
            }
            // §7.1: an empty non-terminal has a record without types.
            let empty_non_terminal = span.types.iter().next().is_none();
            return Ok(lacking.then(|| Denied { empty_non_terminal, ..self.denied(false) }));
        }
        let Some((encloser, opt_out)) = self.closest_encloser(rrset, budget)? else { return Ok(None) };
        // §8.6: a name within an opt-out span may be an unsigned delegation, whatever a wildcard would have.
        if opt_out && rtype == RecordType::DS {
            return Ok(Some(self.denied(true)));
        }
        if let Ok(wildcard) = encloser.prepend_label("*")
            && let Some(span) = self.matching(&wildcard, rrset, budget)?
        {
            let lacking = lacks(&wildcard, &span.types, rtype);
            return Ok(lacking.then(|| Denied { wildcard: Some(wildcard), ..self.denied(opt_out) }));
        }
        // So may a name above such a delegation.
        Ok((opt_out && budget.policy().opt_out_denies_all).then(|| self.denied(true)))
    }

    /// RFC 5155 §8.4.
    pub(super) fn no_name(&mut self, rrset: &RrsetId, budget: &mut Budget) -> Result<Option<Denied>, Reason> {
        if let Some(span) = self.matching(&rrset.name, rrset, budget)? {
            return Ok(denies_name(&span.types).then(compact));
        }
        let Some((encloser, opt_out)) = self.closest_encloser(rrset, budget)? else { return Ok(None) };
        let Ok(wildcard) = encloser.prepend_label("*") else { return Ok(Some(self.denied(opt_out))) };
        let covered = self.covering(&wildcard, rrset, budget)?.is_some();
        Ok(covered.then(|| self.denied(opt_out)))
    }

    /// RFC 5155 §8.8.
    pub(super) fn no_next_closer(
        &mut self,
        next_closer: &Name,
        rrset: &RrsetId,
        budget: &mut Budget,
    ) -> Result<Option<Denied>, Reason> {
        let opt_out = self.covering(next_closer, rrset, budget)?.map(|span| span.opt_out);
        Ok(opt_out.map(|opt_out| self.denied(opt_out)))
    }

    /// RFC 5155 §8.6 and §8.9: nothing, that the records cannot deny the DS, or what is there instead.
    pub(super) fn no_ds(&mut self, rrset: &RrsetId, budget: &mut Budget) -> Result<Option<Option<NoDs>>, Reason> {
        if let Some(span) = self.matching(&rrset.name, rrset, budget)? {
            return Ok(Some(no_ds_at(&span.types)));
        }
        let encloser = self.closest_encloser(rrset, budget)?;
        Ok(encloser.map(|(_, opt_out)| Some(if opt_out { NoDs::OptedOut } else { NoDs::NotACut })))
    }
}

/// The record at the hash of the name itself says that there is no such name (RFC 9824 §4).
fn compact() -> Denied {
    Denied { no_name: true, ..Denied::by(Mechanism::Compact) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_covers_hashes_strictly_within() {
        let span = |owner: u8, next: u8| {
            let (owner, next) = ([owner; 20], [next; 20]);
            Span { owner, next, opt_out: false, types: std::iter::empty().collect() }
        };
        for (owner, next, covered, not_covered) in [
            (10, 20, &[11, 19][..], &[0, 10, 20, 30][..]),
            // The last span of a zone leads back to the first, and the only one to itself.
            (20, 10, &[0, 9, 21, 255], &[10, 15, 20]),
            (10, 10, &[0, 9, 11, 255], &[10]),
        ] {
            for (hashes, expected) in [(covered, true), (not_covered, false)] {
                for hash in hashes {
                    assert_eq!(span(owner, next).covers(&[*hash; 20]), expected, "{owner} {next} {hash}");
                }
            }
        }
    }
}
