//! The chain of trust, walked from the anchor downwards (RFC 4035 §5).
//!
//! At every name on the way the parent is asked for the DS. There is one: the child's keys must fit it. There provably is
//! none, at a delegation: everything below is insecure. There provably is no delegation: the name belongs to the same zone.
//!
//! Only the zone that contains an RRset may sign it (RFC 4035 §5.3.1). A signature names its signer, so the walk could end
//! there; but an ancestor may once have signed what it has since delegated, or sign by mistake what lies below its cuts. A
//! valid signature of an ancestor is therefore half of the proof; that there is no cut between the two is the other half,
//! and costs one question for each new owner below an apex, see [`Resolver::containing`].

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::denial::{NoDs, Proofs, verify_answer};
use crate::name::Name;
use crate::record::RecordType;
use crate::resolver::Resolver;
use crate::security::{Reason, RrsetId, Security};
use crate::validator::{Budget, EntryPoints, SignedRrset, ZoneKeys, group, usable_ds, verify_keys};

/// The state of one lookup: the work that is left, and the cuts seen so far.
#[derive(Default)]
pub(crate) struct Work {
    pub(crate) budget: Budget,
    cuts: BTreeMap<Name, Cut>,
}

/// Where a chain ends.
#[derive(Clone, Debug)]
pub(crate) enum Chain {
    /// In the keys of the lowest signed zone at or above the name.
    Secure(Arc<ZoneKeys>),
    /// At a delegation that is proved to be unsigned.
    Insecure(Reason),
}

/// What there is at a name on the way down.
#[derive(Clone, Debug)]
pub(crate) enum Cut {
    /// The apex of a signed zone.
    Secure(Arc<ZoneKeys>),
    /// The apex of an unsigned zone.
    Insecure(Reason),
    /// No apex.
    None,
}

impl Resolver {
    /// The chain to the lowest zone at or above `name`.
    ///
    /// # Errors
    /// A link is bogus, or could not be fetched.
    pub(crate) async fn chain_to(&self, name: &Name, work: &mut Work) -> Result<Chain, Security> {
        let anchor = &self.inner.config.anchor.zone;
        if !name.is_subdomain_of(anchor) {
            return Ok(Chain::Insecure(Reason::NoTrustAnchor { name: name.clone() }));
        }
        let mut keys: Option<Arc<ZoneKeys>> = None;
        for labels in anchor.label_count()..=name.label_count() {
            let child = name.suffix(labels);
            match self.cut(&child, keys.as_deref(), work).await? {
                Cut::Secure(own) => keys = Some(own),
                Cut::Insecure(reason) => return Ok(Chain::Insecure(reason)),
                Cut::None => {}
            }
        }
        match keys {
            Some(keys) => Ok(Chain::Secure(keys)),
            None => Ok(Chain::Insecure(Reason::NoTrustAnchor { name: name.clone() })),
        }
    }

    /// The chain to the zone that contains `name`, at or below the zone of `keys`: that one, unless something is delegated
    /// in between.
    ///
    /// One question for the DS of `name` itself mostly settles all labels in between. A zone has no NSEC below its cuts
    /// (RFC 4035 §2.3), and an NSEC at a cut covers nothing below it (RFC 6840 §4.1): if the zone can deny the DS of `name`
    /// without a delegation there, no cut is above it either. Only if it cannot, every label is asked for.
    ///
    /// # Errors
    /// A link is bogus, or could not be fetched.
    pub(crate) async fn containing(&self, name: &Name, keys: &ZoneKeys, work: &mut Work) -> Result<Chain, Security> {
        let below = (keys.zone.label_count() + 1..=name.label_count()).map(|labels| name.suffix(labels));
        let below: Vec<(Name, Option<Cut>)> = below.map(|child| (child.clone(), self.known(&child, work))).collect();
        let no_cut_known = below.iter().all(|(_, cut)| matches!(cut, None | Some(Cut::None)));
        let unknown: Vec<Name> = below.into_iter().filter(|(_, cut)| cut.is_none()).map(|(child, _)| child).collect();
        if no_cut_known && unknown.len() > 1 {
            let message = self.fetch(name, RecordType::DS).await?;
            let (authority, now) = (group(&message.authority), self.now());
            let proofs = Proofs::new(&authority, keys, now, &mut work.budget);
            if message.answer.is_empty() && proofs.no_ds(name) == Ok(NoDs::NotACut) {
                let expires = proofs.expires.min(expiry(&authority, now));
                for child in &unknown {
                    self.keep(child, &Cut::None, expires, work);
                }
            }
        }
        self.chain_to(name, work).await
    }

    /// What is remembered of `name`.
    fn known(&self, name: &Name, work: &Work) -> Option<Cut> {
        work.cuts.get(name).cloned().or_else(|| self.cache().cut(name, self.now()))
    }

    fn keep(&self, name: &Name, cut: &Cut, expires: Timestamp, work: &mut Work) {
        work.cuts.insert(name.clone(), cut.clone());
        self.cache().keep_cut(name, cut, expires, self.now());
    }

    /// What there is at `name`, remembered or fetched. `parent` has the keys of the zone above; none at the anchor.
    async fn cut(&self, name: &Name, parent: Option<&ZoneKeys>, work: &mut Work) -> Result<Cut, Security> {
        if let Some(cut) = self.known(name, work) {
            return Ok(cut);
        }
        let (cut, expires) = match parent {
            None => self.anchor(work).await?,
            Some(parent) => self.fetch_cut(name, parent, work).await?,
        };
        self.keep(name, &cut, expires, work);
        Ok(cut)
    }

    async fn anchor(&self, work: &mut Work) -> Result<(Cut, Timestamp), Security> {
        let anchor = &self.inner.config.anchor;
        let entry = match anchor.ds.as_slice() {
            [] if anchor.keys.is_empty() => {
                return Err(Security::Bogus(Reason::TrustAnchorEmpty { zone: anchor.zone.clone() }));
            }
            [] => EntryPoints::Keys(&anchor.keys),
            ds => EntryPoints::Ds(ds),
        };
        let (keys, expires) = self.zone_keys(&anchor.zone, entry, work).await?;
        Ok((Cut::Secure(keys), expires))
    }

    async fn fetch_cut(&self, name: &Name, parent: &ZoneKeys, work: &mut Work) -> Result<(Cut, Timestamp), Security> {
        let message = self.fetch(name, RecordType::DS).await?;
        let (sets, authority) = (group(&message.answer), group(&message.authority));
        let find = |rtype| sets.iter().find(|set| set.rrset.rtype == rtype && set.rrset.name == *name);
        let now = self.now();
        if let Some(set) = find(RecordType::DS) {
            let verified = verify_answer(set, &authority, parent, now, &mut work.budget).map_err(Security::Bogus)?;
            let ds = match usable_ds(name, &set.rrset) {
                Ok(ds) => ds,
                Err(reason) => return Ok((Cut::Insecure(reason), verified.expires)),
            };
            let (keys, expires) = self.zone_keys(name, EntryPoints::Ds(&ds), work).await?;
            return Ok((Cut::Secure(keys), expires.min(verified.expires)));
        }
        // An alias has no other data, a delegation least of all; one that comes from a wildcard says so of names that are
        // proved not to exist.
        if let Some(set) = find(RecordType::CNAME) {
            let verified = verify_answer(set, &authority, parent, now, &mut work.budget).map_err(Security::Bogus)?;
            return Ok((Cut::None, verified.expires));
        }
        let proofs = Proofs::new(&authority, parent, now, &mut work.budget);
        match proofs.no_ds(name).map_err(Security::Bogus)? {
            NoDs::Delegation => {
                let reason = Reason::InsecureDelegation { zone: name.clone(), parent: parent.zone.clone() };
                Ok((Cut::Insecure(reason), proofs.expires.min(expiry(&authority, now))))
            }
            NoDs::NotACut => Ok((Cut::None, proofs.expires.min(expiry(&authority, now)))),
        }
    }

    /// Fetches the keys of a zone and checks them against its entry points.
    async fn zone_keys(
        &self,
        zone: &Name,
        entry: EntryPoints<'_>,
        work: &mut Work,
    ) -> Result<(Arc<ZoneKeys>, Timestamp), Security> {
        let message = self.fetch(zone, RecordType::DNSKEY).await?;
        let sets = group(&message.answer);
        let own = |set: &&SignedRrset| set.rrset.rtype == RecordType::DNSKEY && set.rrset.name == *zone;
        let Some(set) = sets.iter().find(own) else {
            let rrset = RrsetId { name: zone.clone(), rtype: RecordType::DNSKEY };
            return Err(Security::Bogus(Reason::KeyMissing { zone: zone.clone(), key_tag: None, rrset }));
        };
        let verified = verify_keys(zone, entry, set, self.now(), &mut work.budget);
        let (keys, expires) = verified.map_err(Security::Bogus)?;
        Ok((Arc::new(keys), expires))
    }
}

/// When the first RRset of a section runs out by its TTL.
fn expiry(sets: &[SignedRrset], now: Timestamp) -> Timestamp {
    sets.iter().map(|set| set.expires(now)).min().unwrap_or(now)
}
