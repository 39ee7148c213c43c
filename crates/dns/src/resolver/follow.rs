//! One lookup: aliases are followed, and every part of the answer is judged by the zone that contains it.

use std::sync::Arc;

use crate::answer::{AliasKind, Answer, Cost, Evidence, Sections, Step};
use crate::denial::{Denied, Proofs, verify_answer};
use crate::name::Name;
use crate::rdata::{Cname, Dname, Rdata as _, Soa};
use crate::record::{Rcode, Record, RecordType};
use crate::resolver::chain::{Bad, Chain, Cut, Servers, Work};
use crate::resolver::iteration::proofs;
use crate::resolver::source::Fetched;
use crate::resolver::{MAX_ALIASES, Resolver};
use crate::security::{Reason, RrsetId, Security};
use crate::sign;
use crate::validator::{Budget, Expiry, SignedRrset, Verified, ZoneKeys, group, verify};

/// The verdict on one part of an answer.
struct Judged {
    /// Secure or insecure.
    security: Security,
    expires: Expiry,
    evidence: Evidence,
    /// The keys of the zone that contains it, if that is signed.
    keys: Option<Arc<ZoneKeys>>,
}

impl Judged {
    fn insecure(reason: Reason, expires: Expiry) -> Judged {
        Judged { security: Security::Insecure(reason), expires, evidence: Evidence::default(), keys: None }
    }

    fn secure(verified: &Verified, denied: Option<Denied>, keys: &Arc<ZoneKeys>) -> Judged {
        let insecure = denied.as_ref().and_then(|denied| denied.insecure.clone());
        Judged {
            security: insecure.map_or(Security::Secure, Security::Insecure),
            expires: verified.expires,
            evidence: Evidence {
                key: Some((verified.key_tag, verified.algorithm)),
                entry_key: Some(keys.entry_key),
                denied,
            },
            keys: Some(keys.clone()),
        }
    }
}

/// The aliases from the name that was looked up to the resolver's current name.
struct Path {
    steps: Vec<Step>,
    at: Name,
    expires: Expiry,
    sections: Sections,
    /// How many records the answer section had before the current question.
    before: usize,
    /// Whether an alias came over TCP.
    over_tcp: bool,
}

/// What a message says about a name.
enum Part {
    Alias {
        kind: AliasKind,
        target: Name,
        /// What was judged, as received, with signatures.
        came: Vec<Record>,
        judged: Judged,
    },
    /// The end: the records, or that there are none.
    Last { rcode: Rcode, records: Vec<Record>, came: Vec<Record>, judged: Judged },
}

/// The last part of an answer, and the server that gave it.
struct Last {
    rcode: Rcode,
    records: Vec<Record>,
    judged: Judged,
    from: Fetched,
}

impl Resolver {
    /// Looks up without regard to the cache.
    pub(crate) async fn resolve(&self, name: &Name, rtype: RecordType) -> Answer {
        let mut work = Work::new(&self.inner.config.policy, self.inner.config.queries);
        let mut path = Path {
            steps: Vec::new(),
            at: name.clone(),
            expires: Expiry::never(),
            sections: Sections::default(),
            before: 0,
            over_tcp: false,
        };
        let last = self.follow(name, rtype, &mut path, &mut work).await;
        let aliases = path.steps.iter().fold(Security::Secure, |worst, step| worst.worst(step.security.clone()));
        let cost = Cost {
            queries: work.effort.queries,
            signature_checks: work.budget.signature_checks(),
            hashes: work.budget.hashes(),
            failed_servers: u32::try_from(work.effort.failed.len()).unwrap_or(u32::MAX),
        };
        let unusable = |security: Security| Answer {
            name: name.clone(),
            rtype,
            security: aliases.clone().worst(security.clone()),
            steps: path.steps.clone(),
            canonical_name: path.at.clone(),
            final_security: security.clone(),
            evidence: Evidence::default(),
            records: Vec::new(),
            rcode: match security.reason() {
                Some(Reason::AliasTooLong { .. }) => Rcode::YXDOMAIN,
                _ => Rcode::SERVFAIL,
            },
            expires: Expiry::of_ttl(self.now(), 0),
            server: work.blamed,
            forwarded: self.inner.source.forwards(),
            over_tcp: path.over_tcp,
            cost,
            way: work.way.clone(),
            sections: Arc::default(),
            cached: false,
        };
        match last {
            Err(bad) => {
                // So a repair is visible at the next question, of a zone as well as of a forged delegation.
                for rrset in &work.fetched {
                    self.inner.source.forget(rrset);
                    self.inner.source.forget_servers(rrset, self.now());
                }
                unusable(bad)
            }
            Ok(Last { rcode, records, judged, from }) => Answer {
                security: aliases.clone().worst(judged.security.clone()),
                final_security: judged.security.clone(),
                evidence: judged.evidence,
                records,
                rcode,
                expires: path.expires.min(judged.expires),
                server: Some(from.server),
                over_tcp: path.over_tcp || from.over_tcp,
                sections: Arc::new(Sections {
                    authority: [path.sections.authority.clone(), from.authority].concat(),
                    additional: from.additional,
                    answer: path.sections.answer.clone(),
                    zones: path.sections.zones.clone(),
                }),
                ..unusable(judged.security)
            },
        }
    }

    /// Follows aliases to the last part of the answer.
    async fn follow(&self, name: &Name, rtype: RecordType, path: &mut Path, work: &mut Work) -> Result<Last, Security> {
        if rtype == RecordType::NXNAME {
            return Err(Security::Unavailable(Reason::InvalidType { rrset: RrsetId { name: name.clone(), rtype } }));
        }
        if rtype == RecordType::DS {
            self.inner.source.forget_referred(name);
        }
        let mut servers = Servers::of(RrsetId { name: name.clone(), rtype });
        let mut fetched = self.next(&mut servers, work).await?;
        loop {
            match self.judge_part(&path.at, rtype, &fetched, work).await {
                Ok(Part::Last { rcode, records, came, judged }) => {
                    path.take(came, &judged);
                    // The SOA that was judged with a denial is that of its zone, and says nothing about another zone.
                    if let Some(keys) = &judged.keys {
                        fetched.authority.retain(|record| record.rtype != RecordType::SOA || record.name == keys.zone);
                    }
                    return Ok(Last { rcode, records, judged, from: fetched });
                }
                Ok(Part::Alias { kind, target, came, judged }) => {
                    path.take(came, &judged);
                    let security = judged.security.clone();
                    let step = Step { owner: path.at.clone(), target, kind, security };
                    path.at = step.target.clone();
                    path.steps.push(step);
                    path.expires = path.expires.min(judged.expires);
                    if path.steps.len() > MAX_ALIASES || path.steps.iter().any(|step| step.owner == path.at) {
                        return Err(Security::Unavailable(Reason::AliasLoop { name: name.clone() }));
                    }
                    if fetched.speaks_of(&path.at, rtype) {
                        continue;
                    }
                    path.sections.authority.extend(proofs(&fetched.authority).cloned());
                    // Other records in the answer may prove that the target is in an unsigned zone.
                    if let Some(keys) = &judged.keys {
                        self.learn_unsigned(&group(&fetched.authority), &path.at, keys, work);
                    }
                    servers = Servers::of(RrsetId { name: path.at.clone(), rtype });
                    path.before = path.sections.answer.len();
                    path.over_tcp |= fetched.over_tcp;
                    fetched = self.next(&mut servers, work).await?;
                }
                Err(Bad::Chain(security)) => return Err(security),
                Err(Bad::Answer(reason)) => {
                    servers.reject(fetched, reason);
                    fetched = self.next(&mut servers, work).await?;
                    // Another server's answer starts again where its question began.
                    path.rewind(&servers);
                }
            }
        }
    }

    /// What a message says of `name`, judged.
    async fn judge_part(
        &self,
        name: &Name,
        rtype: RecordType,
        fetched: &Fetched,
        work: &mut Work,
    ) -> Result<Part, Bad> {
        let sets = group(&fetched.answer);
        let find = |wanted| sets.iter().find(|set| set.rrset.rtype == wanted && set.rrset.name == *name);
        let alias = find(RecordType::CNAME).and_then(|set| Some((set, cname_target(set)?)));
        // RFC 6672 §5.3.1: a CNAME without signature is as secure as the DNAME that it is made from.
        let above =
            |set: &&SignedRrset| set.rrset.rtype == RecordType::DNAME && name.is_strictly_below(&set.rrset.name);
        let dname = sets.iter().find(above);
        if let Some(set) = dname.filter(|set| makes_too_long(set, name)) {
            self.judge(set, fetched, work).await?;
            return Err(Bad::Chain(Security::Unavailable(Reason::AliasTooLong { name: name.clone() })));
        }
        let redirection = dname.and_then(|set| Some((set, dname_target(set, name)?)));
        let made = |target: &Name| match &alias {
            Some((set, of_alias)) => set.signatures.is_empty() && of_alias == target,
            None => true,
        };
        if let Some((set, target)) = redirection.filter(|(_, target)| made(target)) {
            let judged = self.judge(set, fetched, work).await?;
            let made = match &alias {
                Some((made, _)) => made.rrset.records().collect(),
                // RFC 6672 §3.2: the server left it out, but clients need it.
                None => {
                    vec![Record::new(name.clone(), RecordType::CNAME, set.rrset.ttl, Cname(target.clone()).to_rdata())]
                }
            };
            let came = came(fetched, set).chain(made.iter().cloned()).collect();
            return Ok(match rtype {
                RecordType::CNAME | RecordType::ANY => {
                    Part::Last { rcode: Rcode::NOERROR, records: made, came, judged }
                }
                _ => Part::Alias { kind: AliasKind::Dname, target, came, judged },
            });
        }
        if let Some(set) = find(rtype) {
            let judged = self.judge(set, fetched, work).await?;
            let (records, came) = (set.rrset.records().collect(), came(fetched, set).collect());
            return Ok(Part::Last { rcode: Rcode::NOERROR, records, came, judged });
        }
        if rtype == RecordType::RRSIG {
            let signatures = || fetched.answer.iter().filter(|record| record.rtype == rtype && record.name == *name);
            if let Some(ttl) = signatures().map(|record| record.ttl).min() {
                let reason = Reason::NotSigned { rrset: RrsetId { name: name.clone(), rtype } };
                let judged = Judged::insecure(reason, Expiry::of_ttl(self.now(), ttl));
                let records: Vec<Record> = signatures().cloned().collect();
                return Ok(Part::Last { rcode: Rcode::NOERROR, came: records.clone(), records, judged });
            }
        }
        if rtype == RecordType::ANY && sets.iter().any(|set| set.rrset.name == *name) {
            return self.judge_any(name, &sets, fetched, work).await;
        }
        if let Some((set, target)) = alias {
            let judged = self.judge(set, fetched, work).await?;
            let came = came(fetched, set).collect();
            return Ok(Part::Alias { kind: AliasKind::Cname, target, came, judged });
        }
        self.judge_denial(name, rtype, fetched, work).await
    }

    /// Judges all records that a server has at a name (RFC 8482): they are as secure as the worst of them.
    async fn judge_any(
        &self,
        name: &Name,
        sets: &[SignedRrset],
        fetched: &Fetched,
        work: &mut Work,
    ) -> Result<Part, Bad> {
        let mut whole =
            Judged { security: Security::Secure, expires: Expiry::never(), evidence: Evidence::default(), keys: None };
        let (mut records, mut all) = (Vec::new(), Vec::new());
        for set in sets.iter().filter(|set| set.rrset.name == *name) {
            let judged = self.judge(set, fetched, work).await?;
            records.extend(set.rrset.records());
            all.extend(came(fetched, set));
            whole = Judged {
                security: whole.security.worst(judged.security),
                expires: whole.expires.min(judged.expires),
                evidence: judged.evidence,
                keys: judged.keys,
            };
        }
        Ok(Part::Last { rcode: Rcode::NOERROR, records, came: all, judged: whole })
    }

    /// Judges an RRset of an answer: the zone that contains it must have signed it (RFC 4035 §5.3.1).
    async fn judge(&self, set: &SignedRrset, fetched: &Fetched, work: &mut Work) -> Result<Judged, Bad> {
        let lowest = enclosing(&set.rrset.name, set.rrset.rtype);
        let insecure = |reason| Judged::insecure(reason, set.expires(self.now()));
        let claimed = self.claimed(set.signers(), &lowest, fetched);
        let keys = match self.chain_to(&claimed, work).await.map_err(Bad::Chain)? {
            Chain::Insecure(reason) => return Ok(insecure(reason)),
            Chain::Secure(keys) => keys,
        };
        let authority = group(&fetched.authority);
        let verify = |keys: &Arc<ZoneKeys>, budget: &mut Budget| {
            let verified = verify_answer(set, &authority, keys, self.now(), budget);
            verified.map(|(verified, denied)| Judged::secure(&verified, denied, keys))
        };
        let judged = verify(&keys, &mut work.budget);
        // The proof for an expanded wildcard rules out a cut.
        if judged.as_ref().is_ok_and(|judged| judged.evidence.denied.is_some()) {
            return Ok(judged?);
        }
        match self.overruling(&lowest, &keys, judged.is_ok(), fetched, work).await? {
            Some(Chain::Insecure(reason)) => Ok(insecure(reason)),
            Some(Chain::Secure(own)) => Ok(verify(&own, &mut work.budget)?),
            None => Ok(judged?),
        }
    }

    /// The chain to a zone between that of `keys` and `lowest` that contains `lowest`, if there is one: then what the
    /// keys signed does not count.
    ///
    /// # Errors
    /// The links to it are bogus or unavailable, and without it the answer is bogus (`valid` is false).
    async fn overruling(
        &self,
        lowest: &Name,
        keys: &ZoneKeys,
        valid: bool,
        fetched: &Fetched,
        work: &mut Work,
    ) -> Result<Option<Chain>, Bad> {
        work.suspicious = !valid;
        let chain = match &fetched.zone {
            // It is known whose server answered.
            Some(zone) if valid && !zone.is_strictly_below(&keys.zone) => return Ok(None),
            Some(zone) if zone.is_strictly_below(&keys.zone) => self.chain_to(zone, work).await,
            _ => self.containing(lowest, keys, work).await,
        };
        work.suspicious = false;
        match chain {
            Ok(Chain::Secure(own)) if own.zone == keys.zone => Ok(None),
            // Proofs that are not followed show no cut (RFC 9276 §3.2 is about answers that need them).
            Ok(Chain::Insecure(Reason::Nsec3Iterations { .. })) if valid => Ok(None),
            Ok(chain) => Ok(Some(chain)),
            // A cut that cannot be proved does not overrule a valid signature; a wrong signature stays wrong.
            Err(_) => Ok(None),
        }
    }

    /// Judges the absence of records: the zone that would contain them must deny them.
    async fn judge_denial(
        &self,
        name: &Name,
        rtype: RecordType,
        fetched: &Fetched,
        work: &mut Work,
    ) -> Result<Part, Bad> {
        let sets = group(&fetched.authority);
        let lowest = enclosing(name, rtype);
        let negative = negative_expiry(&sets, self.now());
        let last = |rcode, judged| Part::Last { rcode, records: Vec::new(), came: Vec::new(), judged };
        let claimed = self.claimed(sets.iter().flat_map(SignedRrset::signers), &lowest, fetched);
        let keys = match self.chain_to(&claimed, work).await.map_err(Bad::Chain)? {
            Chain::Insecure(reason) => return Ok(last(fetched.rcode, Judged::insecure(reason, negative))),
            Chain::Secure(keys) => keys,
        };
        let prove = |keys: &Arc<ZoneKeys>, budget: &mut Budget| {
            let mut proofs = Proofs::new(&sets, keys, self.now(), budget);
            // The code is not signed, but the proof is: where it shows that only the type is missing, the code is
            // corrected. Some servers deny empty non-terminals (RFC 8020 §3), or whatever has no records of the type.
            let (rcode, denied) = match fetched.rcode {
                Rcode::NXDOMAIN => match proofs.no_name(name, rtype, budget) {
                    Ok(denied) => (Rcode::NXDOMAIN, denied),
                    Err(missing) => match proofs.no_data(name, rtype, budget)? {
                        // A span with opt-out says nothing about the name, so it does not say that it exists either.
                        denied if denied.insecure.is_some() => return Err(missing),
                        denied => (Rcode::NOERROR, denied),
                    },
                },
                _ => (Rcode::NOERROR, proofs.no_data(name, rtype, budget)?),
            };
            // RFC 9824 §5: what a compact denial says of the name counts, whatever the response code.
            let rcode = if denied.no_name { Rcode::NXDOMAIN } else { rcode };
            // The TTL of a denial is the SOA's (RFC 2308 §5), so that must be genuine too (RFC 4035 §3.2.3).
            let soa = sets.iter().find(|set| set.rrset.rtype == RecordType::SOA && set.rrset.name == keys.zone);
            let soa = soa.map(|soa| verify(soa, keys, self.now(), budget)).transpose()?;
            let negative = soa.map_or(negative, |soa| negative.min(soa.expires));
            // A referral proves that the delegation is insecure, but it is no authoritative denial.
            let referred = fetched.referred.then(|| Reason::InsecureDelegation {
                zone: name.clone(),
                parent: keys.zone.clone(),
                opt_out: denied.insecure.is_some(),
            });
            let judged = Judged {
                security: referred.or(denied.insecure.clone()).map_or(Security::Secure, Security::Insecure),
                expires: negative.min(proofs.expires),
                evidence: Evidence { key: proofs.key, entry_key: Some(keys.entry_key), denied: Some(denied) },
                keys: Some(keys.clone()),
            };
            Ok::<_, Reason>(last(rcode, judged))
        };
        // A zone has no proofs for what lies below its cuts: a proof that holds needs no further question.
        let bogus = match prove(&keys, &mut work.budget) {
            Ok(part) => return Ok(part),
            Err(bogus) => bogus,
        };
        self.learn_unsigned(&sets, &lowest, &keys, work);
        let own = |set: &SignedRrset| set.rrset.rtype == RecordType::SOA && set.rrset.name == keys.zone;
        match self.overruling(&lowest, &keys, false, fetched, work).await? {
            // Opt-out, or a proof that is not followed, leaves room for an unsigned zone; but it is not from there that
            // this denial comes.
            Some(Chain::Insecure(
                Reason::InsecureDelegation { opt_out: true, .. } | Reason::Nsec3Iterations { .. },
            )) if sets.iter().any(own) => Err(bogus.into()),
            Some(Chain::Insecure(reason)) => Ok(last(fetched.rcode, Judged::insecure(reason, negative))),
            Some(Chain::Secure(own)) => Ok(prove(&own, &mut work.budget)?),
            None => Err(bogus.into()),
        }
    }

    /// Keeps, for this lookup, what the proofs in the answer show about delegations between the zone of `keys` and
    /// `lowest`: that they have no DS. Then there is no need to ask for it.
    fn learn_unsigned(&self, authority: &[SignedRrset], lowest: &Name, keys: &ZoneKeys, work: &mut Work) {
        let is_proof = |set: &SignedRrset| matches!(set.rrset.rtype, RecordType::NSEC | RecordType::NSEC3);
        if !lowest.is_strictly_below(&keys.zone) || !authority.iter().any(is_proof) {
            return;
        }
        let mut proofs = Proofs::new(authority, keys, self.now(), &mut work.budget);
        for labels in keys.zone.label_count() + 1..=lowest.label_count() {
            let zone = lowest.suffix(labels);
            if let Ok(no_ds) = proofs.no_ds(&zone, &mut work.budget)
                && let Some(cut) = Cut::without_ds(no_ds, &zone, &keys.zone)
            {
                work.learn(zone, cut);
                return;
            }
        }
    }

    /// The lowest zone, at or above `lowest`, that claims to have signed; if none does, the zone whose server answered, or
    /// `lowest` itself. A zone above the trust anchor cannot vouch for names below it.
    fn claimed<'a>(&self, signers: impl Iterator<Item = &'a Name>, lowest: &Name, fetched: &Fetched) -> Name {
        let Some(anchor) = self.anchor_above(lowest) else { return lowest.clone() };
        let above = |zone: &&Name| lowest.is_subdomain_of(zone) && zone.is_subdomain_of(anchor);
        let signer = signers.filter(above).max_by_key(|signer| signer.label_count());
        signer.or(fetched.zone.as_ref().filter(above)).unwrap_or(lowest).clone()
    }
}

impl Path {
    /// Takes records that were judged into the answer, each once: one DNAME may be on the way twice.
    fn take(&mut self, came: Vec<Record>, judged: &Judged) {
        for record in came {
            if !self.sections.answer.contains(&record) {
                self.sections.answer.push(record);
            }
        }
        self.sections.zones.extend(judged.keys.clone());
    }

    /// Undoes the steps since these servers were asked.
    fn rewind(&mut self, servers: &Servers) {
        self.sections.answer.truncate(self.before);
        let start = servers.name();
        if let Some(at) = self.steps.iter().position(|step| step.owner == *start) {
            self.steps.truncate(at);
            self.at = start.clone();
        }
    }
}

/// The lowest name at which the zone can have its apex that holds this RRset: for DS the one above (RFC 4035 §2.4).
fn enclosing(owner: &Name, rtype: RecordType) -> Name {
    let above = if rtype == RecordType::DS { owner.parent() } else { None };
    above.unwrap_or_else(|| owner.clone())
}

/// The records of an RRset as they came, and their signatures. Other records were not judged, and no client may get
/// them (RFC 4035 §3.2.3).
fn came(fetched: &Fetched, set: &SignedRrset) -> impl Iterator<Item = Record> {
    let (owner, rtype) = (&set.rrset.name, set.rrset.rtype);
    let of = move |record: &&Record| {
        let covers = record.rtype == RecordType::RRSIG && sign::covered(&record.rdata) == Some(rtype);
        record.name == *owner && (record.rtype == rtype || covers)
    };
    fetched.answer.iter().filter(of).cloned()
}

fn cname_target(set: &SignedRrset) -> Option<Name> {
    match set.rrset.rdatas.as_slice() {
        // RFC 2181 §10.1: there is exactly one, or none can be followed.
        [rdata] => Some(Cname::parse(rdata).ok()?.0),
        _ => None,
    }
}

fn dname_target(set: &SignedRrset, name: &Name) -> Option<Name> {
    match set.rrset.rdatas.as_slice() {
        [rdata] => name.substitute(&set.rrset.name, &Dname::parse(rdata).ok()?.0),
        _ => None,
    }
}

/// Whether a DNAME makes an alias for the name that is too long.
fn makes_too_long(set: &SignedRrset, name: &Name) -> bool {
    match set.rrset.rdatas.as_slice() {
        [rdata] => Dname::parse(rdata).is_ok_and(|target| name.substitute(&set.rrset.name, &target.0).is_none()),
        _ => false,
    }
}

/// When a negative answer expires (RFC 2308 §5); one without SOA expires at once.
fn negative_expiry(authority: &[SignedRrset], now: jiff::Timestamp) -> Expiry {
    let soa = authority.iter().find(|set| set.rrset.rtype == RecordType::SOA);
    let ttl = soa.and_then(|set| {
        let soa = Soa::parse(set.rrset.rdatas.first()?).ok()?;
        Some(set.rrset.ttl.min(soa.minimum))
    });
    Expiry::of_ttl(now, ttl.unwrap_or(0))
}
