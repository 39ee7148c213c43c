//! The chain of trust, walked from the anchor downwards (RFC 4035 §5).
//!
//! At every name on the way the parent is asked for the DS. If there is one, the child's keys must match it. If there
//! provably is none, at a delegation, everything below is insecure. If there provably is no delegation, the name
//! belongs to the same zone.
//!
//! Only the zone that contains an RRset may sign it (RFC 4035 §5.3.1). A signature names its signer, so the walk could
//! end there; but an ancestor may have signed a name before delegating it, or may sign names below its cuts by mistake.
//! So a known cut between the two overrules the signature of an ancestor. A resolver that iterates knows the zone whose
//! server answered; one that asks a forwarder asks for the DS of the owner, see [`Resolver::containing`].
//!
//! A bogus link may be one server's mistake: the others that can give it are asked as well. If a DS matches no key, one
//! of two zones is at fault: first the child's other servers are asked for the keys, then the parent's for the DS.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::answer::Rejected;
use crate::denial::{NoDs, Proofs, verify_answer};
use crate::name::Name;
use crate::rdata::{Dnskey, Ds, Rdata as _};
use crate::record::{RecordType, Rrset};
use crate::resolver::Resolver;
use crate::resolver::query::Effort;
use crate::resolver::source::Fetched;
use crate::security::{Reason, RrsetId, Security};
use crate::validator::{Budget, EntryPoints, Expiry, Policy, SignedRrset, ZoneKeys, group, usable_ds, verify_keys};

/// The state of one lookup: the work that is done, and the cuts seen so far.
pub(crate) struct Work {
    pub(crate) budget: Budget,
    pub(crate) effort: Effort,
    /// The server at fault for what is bogus or missing.
    pub(crate) blamed: Option<SocketAddr>,
    /// What has been asked for; if the lookup fails, none of it is remembered.
    pub(crate) fetched: BTreeSet<RrsetId>,
    /// Which servers' answers were bogus, so that others were asked: a clause each.
    pub(crate) way: Vec<String>,
    /// A precautionary question: mistakes that it finds are not recorded.
    pub(crate) suspicious: bool,
    cuts: BTreeMap<Name, Cut>,
}

impl Work {
    pub(crate) fn new(policy: &Policy, queries: u32) -> Work {
        Work {
            budget: Budget::new(policy),
            effort: Effort::new(queries),
            blamed: None,
            fetched: BTreeSet::new(),
            way: Vec::new(),
            suspicious: false,
            cuts: BTreeMap::new(),
        }
    }
}

impl Work {
    /// Keeps, for this lookup, what there is at a name.
    pub(crate) fn learn(&mut self, name: Name, cut: Cut) {
        self.cuts.entry(name).or_insert(cut);
    }
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

impl Cut {
    /// The apex of an unsigned zone below `parent`, if a proof that there is no DS says so.
    pub(crate) fn without_ds(no_ds: NoDs, zone: &Name, parent: &Name) -> Option<Cut> {
        let delegation =
            |opt_out| Cut::Insecure(Reason::InsecureDelegation { zone: zone.clone(), parent: parent.clone(), opt_out });
        match no_ds {
            NoDs::Delegation => Some(delegation(false)),
            NoDs::OptedOut => Some(delegation(true)),
            NoDs::NotFollowed(reason) => Some(Cut::Insecure(reason)),
            NoDs::NotACut => None,
        }
    }
}

/// Why something that was fetched cannot be used.
pub(crate) enum Bad {
    /// What this server said is bogus; another server may give a good answer.
    Answer(Reason),
    /// A link above it is bogus or unavailable: no other server would help.
    Chain(Security),
}

impl From<Reason> for Bad {
    fn from(reason: Reason) -> Bad {
        Bad::Answer(reason)
    }
}

/// Asks one server after the other for an RRset, until an answer is not bogus.
pub(crate) struct Servers {
    rrset: RrsetId,
    avoid: BTreeSet<SocketAddr>,
    /// What the last one said, and why it cannot be used.
    last: Option<(Fetched, Reason)>,
    /// Why the first one cannot be used, and which server it was.
    first: Option<(Reason, SocketAddr)>,
}

impl Servers {
    pub(crate) fn of(rrset: RrsetId) -> Servers {
        Servers { rrset, avoid: BTreeSet::new(), last: None, first: None }
    }

    /// Whose records are asked for.
    pub(crate) fn name(&self) -> &Name {
        &self.rrset.name
    }

    /// What this server said is bogus.
    pub(crate) fn reject(&mut self, fetched: Fetched, reason: Reason) {
        self.avoid.insert(fetched.server);
        self.first.get_or_insert((reason.clone(), fetched.server));
        self.last = Some((fetched, reason));
    }
}

impl Resolver {
    /// What the next server says.
    ///
    /// # Errors
    /// No server is left: why the first answer could not be used, or why there is no answer at all.
    pub(crate) async fn next(&self, servers: &mut Servers, work: &mut Work) -> Result<Fetched, Security> {
        work.fetched.insert(servers.rrset.clone());
        if servers.last.is_some() {
            // The next server's answer may be kept in addition, not in its place.
            self.inner.source.forget(&servers.rrset);
        }
        match self.inner.source.fetch(&servers.rrset, &servers.avoid, &mut work.effort).await {
            Ok(fetched) => {
                if let Some((server, reason)) = servers.last.take().filter(|_| !work.suspicious) {
                    let (rrset, security, next) = (&servers.rrset, &Security::Bogus(reason), &fetched);
                    let rejected = Rejected { rrset, security, server: &server, next };
                    work.way.push(rejected.clause());
                    self.inner.recorder.tell(&rejected);
                }
                Ok(fetched)
            }
            Err(unavailable) => Err(match servers.first.take() {
                Some((reason, server)) => {
                    work.blamed = Some(server);
                    Security::Bogus(reason)
                }
                None => Security::Unavailable(unavailable),
            }),
        }
    }

    /// The trust anchor's zone nearest above a name.
    pub(crate) fn anchor_above(&self, name: &Name) -> Option<&Name> {
        let zones = self.inner.config.anchors.iter().map(|anchor| &anchor.zone);
        zones.filter(|zone| name.is_subdomain_of(zone)).max_by_key(|zone| zone.label_count())
    }

    /// The chain to the lowest zone at or above `name`.
    ///
    /// # Errors
    /// A link is bogus, or could not be fetched.
    pub(crate) async fn chain_to(&self, name: &Name, work: &mut Work) -> Result<Chain, Security> {
        let no_anchor = || Chain::Insecure(Reason::NoTrustAnchor { name: name.clone() });
        let Some(anchor) = self.anchor_above(name) else { return Ok(no_anchor()) };
        let mut keys: Option<Arc<ZoneKeys>> = None;
        for labels in anchor.label_count()..=name.label_count() {
            let child = name.suffix(labels);
            if self.inner.config.negative_anchors.contains(&child) {
                return Ok(Chain::Insecure(Reason::NegativeTrustAnchor { zone: child }));
            }
            if let Some(keys) = &keys {
                self.learn_referral(&child, name, keys, work);
            }
            match self.cut(&child, keys.as_deref(), work).await? {
                Cut::Secure(own) => keys = Some(own),
                Cut::Insecure(reason) => return Ok(Chain::Insecure(reason)),
                Cut::None => {}
            }
        }
        Ok(keys.map_or_else(no_anchor, Chain::Secure))
    }

    /// Keeps, for this lookup, what a referral proved: if the next zone below is further down than `child`, and has no DS,
    /// there is no need to ask about the labels between. The zone may not be able to answer: an empty non-terminal that leads
    /// only to unsigned delegations has no NSEC3 where the zone opts out (RFC 5155 §7.1).
    fn learn_referral(&self, child: &Name, name: &Name, keys: &ZoneKeys, work: &mut Work) {
        let now = self.now();
        let Some((zone, proofs)) = self.inner.source.referral_below(&keys.zone, name, now) else { return };
        if !zone.is_strictly_below(child) || !child.is_strictly_below(&keys.zone) || self.known(child, work).is_some() {
            return;
        }
        let mut proofs = Proofs::new(&group(&proofs), keys, now, &mut work.budget);
        if let Ok(no_ds) = proofs.no_ds(&zone, &mut work.budget)
            && let Some(cut) = Cut::without_ds(no_ds, &zone, &keys.zone)
        {
            let between = (child.label_count()..zone.label_count()).map(|labels| zone.suffix(labels));
            between.for_each(|between| work.learn(between, Cut::None));
            work.learn(zone, cut);
        }
    }

    /// The chain to the zone that contains `name`, at or below the zone of `keys`: that zone, unless something is
    /// delegated in between.
    ///
    /// One question for the DS of `name` itself usually settles all labels in between. A zone has no NSEC below its
    /// cuts (RFC 4035 §2.3), and an NSEC at a cut covers nothing below it (RFC 6840 §4.1): if the zone can deny the DS
    /// of `name` without a delegation there, no cut is above it either. Only if it cannot, the DS of every label is
    /// asked for. If there is a cut above it, the question goes to the servers below the cut, which may not answer.
    ///
    /// # Errors
    /// A link is bogus, or could not be fetched.
    pub(crate) async fn containing(&self, name: &Name, keys: &ZoneKeys, work: &mut Work) -> Result<Chain, Security> {
        let below = (keys.zone.label_count() + 1..=name.label_count()).map(|labels| name.suffix(labels));
        let below: Vec<(Name, Option<Cut>)> = below.map(|child| (child.clone(), self.known(&child, work))).collect();
        let no_cut_known = below.iter().all(|(_, cut)| matches!(cut, None | Some(Cut::None)));
        let unknown: Vec<Name> = below.into_iter().filter(|(_, cut)| cut.is_none()).map(|(child, _)| child).collect();
        let rrset = RrsetId { name: name.clone(), rtype: RecordType::DS };
        if no_cut_known
            && unknown.len() > 1
            && let Ok(fetched) = self.next(&mut Servers::of(rrset), work).await
        {
            let (authority, now) = (group(&fetched.authority), self.now());
            let mut proofs = Proofs::new(&authority, keys, now, &mut work.budget);
            if fetched.answer.is_empty() && proofs.no_ds(name, &mut work.budget) == Ok(NoDs::NotACut) {
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

    fn keep(&self, name: &Name, cut: &Cut, expires: Expiry, work: &mut Work) {
        work.cuts.insert(name.clone(), cut.clone());
        self.cache().keep_cut(name, cut, expires.at, self.now());
    }

    /// What there is at `name`, remembered or fetched. `parent` has the keys of the zone above; none at the anchor.
    async fn cut(&self, name: &Name, parent: Option<&ZoneKeys>, work: &mut Work) -> Result<Cut, Security> {
        if let Some(cut) = self.known(name, work) {
            return Ok(cut);
        }
        let (cut, expires) = match parent {
            None => self.anchor(name, work).await?,
            Some(parent) => self.fetch_cut(name, parent, work).await?,
        };
        self.keep(name, &cut, expires, work);
        Ok(cut)
    }

    /// The keys of a trust anchor's zone.
    async fn anchor(&self, zone: &Name, work: &mut Work) -> Result<(Cut, Expiry), Security> {
        let anchors = || self.inner.config.anchors.iter().filter(|anchor| anchor.zone == *zone);
        let ds: Vec<Ds> = anchors().flat_map(|anchor| &anchor.ds).cloned().collect();
        let keys: Vec<Dnskey> = anchors().flat_map(|anchor| &anchor.keys).cloned().collect();
        if ds.is_empty() && keys.is_empty() {
            return Err(Security::Bogus(Reason::TrustAnchorEmpty { zone: zone.clone() }));
        }
        let rdatas = ds.iter().map(|ds| ds.to_rdata()).collect();
        let set = Rrset { name: zone.clone(), rtype: RecordType::DS, ttl: 0, rdatas };
        let followed = match usable_ds(zone, &set, work.budget.policy()) {
            Ok(followed) => followed,
            Err(Reason::DsAlgorithmUnsupported { algorithms, .. }) if keys.is_empty() => {
                return Err(Security::Bogus(Reason::TrustAnchorUnsupported { zone: zone.clone(), algorithms }));
            }
            Err(_) => Vec::new(),
        };
        match self.zone_keys(zone, EntryPoints::Anchor(&followed, &keys), work).await {
            Ok((keys, expires)) => Ok((Cut::Secure(keys), expires)),
            Err(Bad::Answer(reason)) => Err(Security::Bogus(reason)),
            Err(Bad::Chain(security)) => Err(security),
        }
    }

    async fn fetch_cut(&self, name: &Name, parent: &ZoneKeys, work: &mut Work) -> Result<(Cut, Expiry), Security> {
        let mut servers = Servers::of(RrsetId { name: name.clone(), rtype: RecordType::DS });
        loop {
            let fetched = self.next(&mut servers, work).await?;
            match self.judge_cut(name, parent, &fetched, work).await {
                Ok(judged) => return Ok(judged),
                Err(Bad::Answer(reason)) => servers.reject(fetched, reason),
                Err(Bad::Chain(security)) => return Err(security),
            }
        }
    }

    async fn judge_cut(
        &self,
        name: &Name,
        parent: &ZoneKeys,
        fetched: &Fetched,
        work: &mut Work,
    ) -> Result<(Cut, Expiry), Bad> {
        let (sets, authority) = (group(&fetched.answer), group(&fetched.authority));
        let find = |rtype| sets.iter().find(|set| set.rrset.rtype == rtype && set.rrset.name == *name);
        let now = self.now();
        if let Some(set) = find(RecordType::DS) {
            let (verified, _) = verify_answer(set, &authority, parent, now, &mut work.budget)?;
            let ds = match usable_ds(name, &set.rrset, work.budget.policy()) {
                Ok(ds) => ds,
                Err(reason) => return Ok((Cut::Insecure(reason), verified.expires)),
            };
            let (keys, expires) = self.zone_keys(name, EntryPoints::Ds(&ds), work).await?;
            return Ok((Cut::Secure(keys), expires.min(verified.expires)));
        }
        // At an alias there are no other data, and so no delegation; an alias from a wildcard says so of names that are
        // proved not to exist. Below a DNAME there is nothing (RFC 6672 §2.4); its CNAME has no signature.
        let dname =
            |set: &&SignedRrset| set.rrset.rtype == RecordType::DNAME && name.is_strictly_below(&set.rrset.name);
        let signed = |set: &&SignedRrset| !set.signatures.is_empty();
        let alias = find(RecordType::CNAME);
        if let Some(set) = alias.filter(signed).or_else(|| sets.iter().find(dname)).or(alias) {
            let (verified, _) = verify_answer(set, &authority, parent, now, &mut work.budget)?;
            return Ok((Cut::None, verified.expires));
        }
        let mut proofs = Proofs::new(&authority, parent, now, &mut work.budget);
        let no_ds = proofs.no_ds(name, &mut work.budget)?;
        let expires = proofs.expires.min(expiry(&authority, now));
        let cut = Cut::without_ds(no_ds, name, &parent.zone).unwrap_or(Cut::None);
        Ok((cut, expires))
    }

    /// Fetches the keys of a zone and checks them against its entry points.
    ///
    /// # Errors
    /// [`Bad::Answer`] if the entry points may be at fault.
    async fn zone_keys(
        &self,
        zone: &Name,
        entry: EntryPoints<'_>,
        work: &mut Work,
    ) -> Result<(Arc<ZoneKeys>, Expiry), Bad> {
        let rrset = RrsetId { name: zone.clone(), rtype: RecordType::DNSKEY };
        let mut servers = Servers::of(rrset);
        loop {
            let fetched = self.next(&mut servers, work).await.map_err(blame)?;
            let sets = group(&fetched.answer);
            let own = |set: &&SignedRrset| set.rrset.rtype == RecordType::DNSKEY && set.rrset.name == *zone;
            let verified = match sets.iter().find(own) {
                Some(set) => verify_keys(zone, entry, set, self.now(), &mut work.budget),
                None => Err(Reason::KeysMissing { zone: zone.clone(), entry: entry.kind() }),
            };
            match verified {
                Ok((keys, expires)) => return Ok((Arc::new(keys), expires)),
                Err(reason) => servers.reject(fetched, reason),
            }
        }
    }
}

/// Whose fault it is that there are no valid keys: if the DS matches no key, it may be the parent's.
fn blame(security: Security) -> Bad {
    match security {
        Security::Bogus(
            reason @ (Reason::DsMismatch { .. } | Reason::NoZoneKey { .. } | Reason::KeysMissing { .. }),
        ) => Bad::Answer(reason),
        security => Bad::Chain(security),
    }
}

/// When the first RRset of a section expires by its TTL.
fn expiry(sets: &[SignedRrset], now: jiff::Timestamp) -> Expiry {
    sets.iter().map(|set| set.expires(now)).reduce(Expiry::min).unwrap_or(Expiry::of_ttl(now, 0))
}
