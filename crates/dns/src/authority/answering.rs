//! One answer in the making: the algorithm of RFC 1034 §4.3.2 over the zones of a server, with DNAME (RFC 6672 §3.2), wildcards
//! (RFC 4592 §3) and the additions of RFC 4035 §3.1.
//!
//! Each fault is looked up where the part is made that it affects. It counts once for an answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::authority::forgery;
use crate::authority::proof::Claim;
use crate::authority::{Published, zone_for};
use crate::fault::{Acting, ChainFault, ContentFault, DelegationFault, KeyFault, Part, ProofFault, SignatureFault};
use crate::name::Name;
use crate::rdata::{Cname, Dname, Ns, Rdata as _};
use crate::record::{Rcode, Record, RecordType, Rrset};
use crate::signed_zone::ServedZone;
use crate::wire::{Message, Question};
use crate::zone::Lookup;

/// The TTL that a fault gives to signatures.
const SHORT_TTL: u32 = 30;
/// How many aliases are followed within one answer.
const MAX_ALIASES: usize = 8;

/// One answer in the making.
pub(crate) struct Answering<'a> {
    pub(crate) zones: &'a BTreeMap<Name, Published>,
    pub(crate) acting: Acting<'a>,
    pub(crate) now: Timestamp,
    /// Whether signatures and proofs are wanted.
    pub(crate) dnssec: bool,
    pub(crate) response: &'a mut Message,
}

/// A zone as it answers one question.
struct View {
    zone: Arc<ServedZone>,
    question: Question,
    /// When the signatures are made.
    signed_at: Timestamp,
    /// Whether the chain comes from a fault, which acts if the chain is used.
    other_chain: bool,
}

impl View {
    fn origin(&self) -> &Name {
        self.zone.zone().origin()
    }
}

#[derive(Clone, Copy)]
enum Section {
    Answer,
    Authority,
}

impl Answering<'_> {
    pub(crate) fn answer(&mut self, published: &Published, question: &Question) {
        let zones = self.zones;
        let mut question = question.clone();
        let mut published = published;
        for step in 0..=MAX_ALIASES {
            let view = self.view(published, &question);
            let Some(target) = self.step(&view, step == 0) else { return };
            question.name = target;
            match zone_for(zones, &question) {
                Some(next) => published = next,
                None => return,
            }
        }
    }

    /// NXDOMAIN, whether the name exists or not, with the proofs that the zone has.
    pub(crate) fn deny(&mut self, published: &Published, question: &Question) {
        let view = self.view(published, question);
        let closest_encloser = view.zone.zone().closest_encloser(&question.name);
        self.response.flags.authoritative = true;
        self.nx_domain(&view, closest_encloser);
    }

    /// No record of this type, whether there is one or not, with the proof that the zone has about the name.
    pub(crate) fn no_type(&mut self, published: &Published, question: &Question) {
        let view = self.view(published, question);
        self.response.flags.authoritative = true;
        self.denied(&view);
    }

    /// The name as an alias of `target`, whatever it is.
    pub(crate) fn alias(&mut self, published: &Published, question: &Question, target: Name) {
        let view = self.view(published, question);
        let ttl = view.zone.zone().negative().map_or(300, |(_, ttl)| ttl);
        let name = question.name.clone();
        let rdatas = vec![Cname(target).to_rdata()];
        self.response.flags.authoritative = true;
        self.push(Section::Answer, &view, &Rrset { name, rtype: RecordType::CNAME, ttl, rdatas });
    }

    fn view(&mut self, published: &Published, question: &Question) -> View {
        let origin = published.now.zone().origin();
        let Question { name, rtype, .. } = question;
        let replayed = self.acting.act(origin, name, *rtype) == Some(ContentFault::Replayed);
        let zone = if replayed { &published.first } else { &published.now };
        let inception = zone.signed().map(|signed| signed.signing().inception);
        let signed_at = inception.filter(|_| replayed).unwrap_or(self.now);
        let question = question.clone();
        match (self.acting.would_act(origin, name, *rtype), zone.signed()) {
            (Some(ChainFault::Iterations(count)), Some(signed)) => {
                let zone = Arc::new(ServedZone::Signed(signed.with_iterations(count)));
                View { zone, question, signed_at, other_chain: true }
            }
            _ => View { zone: zone.clone(), question, signed_at, other_chain: false },
        }
    }

    /// Answers the question of a view; returns the name to continue with if the answer is an alias.
    fn step(&mut self, view: &View, first: bool) -> Option<Name> {
        let Question { name, rtype, .. } = &view.question;
        let lookup = view.zone.zone().lookup(name, *rtype);
        if first {
            // RFC 1034 §4.3.2 step 3b: a referral is not authoritative. AA refers to the first owner name (RFC 1035
            // §4.1.1).
            self.response.flags.authoritative = !matches!(lookup, Lookup::Delegation(_));
        }
        match lookup {
            Lookup::Alias(alias) => return self.alias_at(view, alias),
            Lookup::Redirection(dname) => return self.redirection(view, dname),
            Lookup::Found(rrset) => self.found(view, rrset),
            Lookup::NoData => self.no_data(view),
            Lookup::NoDataAtWildcard { closest_encloser } => {
                self.soa(view);
                let name = name.clone();
                self.prove(view, &Claim::NoDataAtWildcard { name, closest_encloser }, *rtype);
            }
            Lookup::NxDomain { closest_encloser } => self.nx_domain(view, closest_encloser),
            Lookup::Delegation(cut) if first => self.referral(view, cut),
            // If an alias leads into somebody else's zone, the resolver has to go on from there.
            Lookup::Delegation(_) => {}
        }
        None
    }

    fn found(&mut self, view: &View, rrset: &Rrset) {
        let signed = view.zone.signed();
        match rrset.rtype {
            RecordType::DS if self.refers_for_ds(view) => {}
            RecordType::DS => {
                if let Some(ds) = self.ds(view, &rrset.name) {
                    self.push(Section::Answer, view, &ds);
                }
            }
            RecordType::DNSKEY => {
                let fault = self.acting.act(view.origin(), &rrset.name, RecordType::DNSKEY);
                match (fault, signed) {
                    (Some(fault), Some(signed)) => match forgery::dnskeys(fault, signed, rrset) {
                        Some(keys) => self.push(Section::Answer, view, &keys),
                        None => self.denied(view),
                    },
                    _ => self.push(Section::Answer, view, rrset),
                }
            }
            rtype => {
                if rtype == RecordType::NSEC3PARAM {
                    self.uses_chain(view);
                }
                self.push(Section::Answer, view, rrset);
            }
        }
    }

    fn alias_at(&mut self, view: &View, alias: &Rrset) -> Option<Name> {
        let owner = &view.question.name;
        let seen = |record: &Record| record.rtype == RecordType::CNAME && record.name == *owner;
        if self.response.answer.iter().any(seen) {
            return None;
        }
        self.push(Section::Answer, view, alias);
        alias.rdatas.first().and_then(|rdata| Cname::parse(rdata).ok()).map(|Cname(target)| target)
    }

    /// RFC 6672 §3.1: the DNAME, and the alias made from it for this name, which is not signed.
    fn redirection(&mut self, view: &View, dname: &Rrset) -> Option<Name> {
        let Question { name, rtype, .. } = &view.question;
        let known = |record: &Record| record.rtype == RecordType::DNAME && record.name == dname.name;
        if !self.response.answer.iter().any(known) {
            self.push(Section::Answer, view, dname);
        }
        let Dname(target) = dname.rdatas.first().and_then(|rdata| Dname::parse(rdata).ok())?;
        let Some(substituted) = name.substitute(&dname.name, &target) else {
            // RFC 6672 §2.2: the name becomes too long.
            self.response.rcode = Rcode::YXDOMAIN;
            return None;
        };
        let seen = |record: &Record| record.rtype == RecordType::CNAME && record.name == *name;
        if self.response.answer.iter().any(seen) {
            return None;
        }
        let rdata = Cname(substituted.clone()).to_rdata();
        self.response.answer.push(Record::new(name.clone(), RecordType::CNAME, dname.ttl, rdata));
        // A client that asked for the alias has its answer.
        (!matches!(*rtype, RecordType::CNAME | RecordType::ANY)).then_some(substituted)
    }

    /// Adds an RRset with its signatures, as the faults change them. An RRset from a wildcard gets the name that was
    /// asked for, and the proof that the wildcard applies (RFC 4035 §3.1.3.3).
    fn push(&mut self, section: Section, view: &View, rrset: &Rrset) {
        let asked = &view.question.name;
        let expanded = matches!(section, Section::Answer) && rrset.name.is_wildcard() && rrset.name != *asked;
        // RFC 9824 §3.2: a server that denies compactly signs what comes from a wildcard as if it were at the name.
        if expanded && view.zone.signed().is_some_and(|signed| signed.denial().is_compact()) {
            let at_name = Rrset { name: asked.clone(), ..rrset.clone() };
            let signatures = self.signatures(view, &at_name, asked);
            return self.push_records(section, &at_name, asked, rrset.ttl, signatures);
        }
        let owner = if expanded { asked } else { &rrset.name };
        let signatures = self.signatures(view, rrset, owner);
        self.push_records(section, rrset, owner, rrset.ttl, signatures);
        if let Some(closest_encloser) = rrset.name.parent().filter(|_| expanded) {
            let claim = Claim::Expanded { name: owner.clone(), closest_encloser };
            self.prove(view, &claim, view.question.rtype);
        }
    }

    /// The signatures over an RRset, which goes out with this owner.
    fn signatures(&mut self, view: &View, rrset: &Rrset, owner: &Name) -> Vec<Record> {
        let Some(signed) = view.zone.signed().filter(|_| self.dnssec) else { return Vec::new() };
        let (origin, rtype) = (view.origin(), rrset.rtype);
        let valid = signed.signing().window(view.signed_at);
        let fault = match self.acting.act(origin, owner, rtype) {
            None if *owner != rrset.name => self.acting.act(origin, &rrset.name, rtype),
            fault => fault,
        };
        let mut signatures = match fault {
            Some(fault) => forgery::signatures(fault, signed, rrset, valid, self.now),
            None => signed.signatures(rrset, valid),
        };
        match self.acting.would_act(origin, owner, rtype) {
            Some(KeyFault::Many(count)) => {
                self.acting.act::<KeyFault>(origin, owner, rtype);
                signatures = forgery::with_bad_signatures(count, signatures);
            }
            Some(KeyFault::Revoked | KeyFault::NoZoneKeys | KeyFault::OtherProtocol) if rtype != RecordType::DNSKEY => {
                let flawed = self.acting.act::<KeyFault>(origin, owner, rtype);
                signatures = flawed.map_or(signatures, |fault| forgery::by_flawed_keys(fault, signed, rrset, valid));
            }
            Some(KeyFault::Missing | KeyFault::Revoked | KeyFault::NoZoneKeys | KeyFault::OtherProtocol) | None => {}
        }
        let ttl = if fault == Some(SignatureFault::ShortTtl) { SHORT_TTL.min(rrset.ttl) } else { rrset.ttl };
        let record = |rdata| Record::new(owner.clone(), RecordType::RRSIG, ttl, rdata);
        signatures.iter().map(|rrsig| record(rrsig.to_rdata())).collect()
    }

    fn push_records(&mut self, section: Section, rrset: &Rrset, owner: &Name, ttl: u32, signatures: Vec<Record>) {
        let section = match section {
            Section::Answer => &mut self.response.answer,
            Section::Authority => &mut self.response.authority,
        };
        let as_served = |record: Record| Record { name: owner.clone(), ttl: record.ttl.min(ttl), ..record };
        section.extend(rrset.records().chain(signatures).map(as_served));
    }

    /// The SOA record of a negative answer (RFC 2308 §3).
    fn soa(&mut self, view: &View) {
        if let Some((soa, ttl)) = view.zone.zone().negative() {
            let signatures = self.signatures(view, soa, &soa.name);
            self.push_records(Section::Authority, soa, &soa.name, ttl, signatures);
        }
    }

    /// The name exists without the type, but a fault may have put a DS there.
    fn no_data(&mut self, view: &View) {
        let Question { name, rtype, .. } = &view.question;
        let is_cut = |name: &Name| view.zone.zone().rrset(name, RecordType::NS).is_some() && name != view.origin();
        if *rtype == RecordType::DS && is_cut(name) && self.refers_for_ds(view) {
            return;
        }
        if *rtype == RecordType::DS
            && is_cut(name)
            && let Some(ds) = self.ds(view, name)
        {
            return self.push(Section::Answer, view, &ds);
        }
        if *rtype == RecordType::NSEC
            && let Some(nsec) = view.zone.signed().and_then(|signed| signed.nsec_at(name))
        {
            return self.push(Section::Answer, view, nsec);
        }
        self.denied(view);
    }

    /// Answers for the DS of a child by a referral to it, if a fault says so.
    fn refers_for_ds(&mut self, view: &View) -> bool {
        let child = &view.question.name;
        let fault = self.acting.would_act(child, child, RecordType::DS);
        let cut = view.zone.zone().rrset(child, RecordType::NS);
        match (fault, cut) {
            (Some(DelegationFault::DsByReferral), Some(cut)) => {
                self.response.flags.authoritative = false;
                self.referral(view, cut);
                true
            }
            _ => false,
        }
    }

    fn denied(&mut self, view: &View) {
        self.soa(view);
        self.prove(view, &Claim::NoData(view.question.name.clone()), view.question.rtype);
    }

    fn nx_domain(&mut self, view: &View, closest_encloser: Name) {
        let compact = view.zone.signed().is_some_and(|signed| signed.denial().is_compact());
        let restored = self.response.edns.as_ref().is_some_and(|edns| edns.compact_ok);
        // RFC 9824 §3.1 and §5.1: the proof is one for a name that exists, so the code is too, unless the client wants the
        // other one.
        self.response.rcode = if compact && self.dnssec && !restored { Rcode::NOERROR } else { Rcode::NXDOMAIN };
        self.soa(view);
        let name = view.question.name.clone();
        self.prove(view, &Claim::NoName { name, closest_encloser }, view.question.rtype);
    }

    /// RFC 4035 §3.1.4: the cut's NS records, its DS records or the proof that it has none, and glue.
    fn referral(&mut self, view: &View, cut: &Rrset) {
        self.push_records(Section::Authority, cut, &cut.name, cut.ttl, Vec::new());
        if view.zone.signed().is_some() && self.dnssec {
            match self.ds(view, &cut.name) {
                Some(ds) => self.push(Section::Authority, view, &ds),
                None => self.prove(view, &Claim::NoData(cut.name.clone()), RecordType::DS),
            }
        }
        let fault = self.acting.act(&cut.name, &cut.name, RecordType::DS);
        for Ns(server) in cut.rdatas.iter().filter_map(|rdata| Ns::parse(rdata).ok()) {
            let wanted = match fault {
                Some(DelegationFault::GlueMissing) => &[][..],
                Some(DelegationFault::GlueIpv6Only) => &[RecordType::AAAA],
                Some(DelegationFault::GlueForeign) if !server.is_subdomain_of(view.origin()) => {
                    self.response.additional.push(forgery::foreign_glue(&server));
                    &[]
                }
                Some(DelegationFault::GlueForeign | DelegationFault::DsByReferral) | None => {
                    &[RecordType::A, RecordType::AAAA]
                }
            };
            for rtype in wanted {
                if let Some(glue) = view.zone.zone().rrset(&server, *rtype) {
                    self.response.additional.extend(glue.records());
                }
            }
        }
    }

    /// The DS RRset of a child, as the faults change it.
    fn ds(&mut self, view: &View, child: &Name) -> Option<Rrset> {
        let published = view.zone.zone().rrset(child, RecordType::DS);
        let fault = self.acting.act(child, child, RecordType::DS);
        let ttl = view.zone.zone().negative().map_or(300, |(_, ttl)| ttl);
        let forged = fault.and_then(|fault| forgery::ds(fault, child, published, ttl));
        forged.or_else(|| published.cloned())
    }

    /// Adds the proofs of a claim about a type to the authority section, each RRset once.
    fn prove(&mut self, view: &View, claim: &Claim, rtype: RecordType) {
        let Some(signed) = view.zone.signed().filter(|_| self.dnssec) else { return };
        self.uses_chain(view);
        let mut proofs = signed.chain().proofs(claim, signed.zone());
        let origin = view.origin();
        match self.acting.act(origin, claim.name(), rtype) {
            Some(ProofFault::Missing) => proofs.clear(),
            Some(ProofFault::Wrong) => {
                let other = signed.chain().something_else(claim, signed.zone());
                proofs = vec![(Part::Name, other)];
            }
            Some(ProofFault::Without(part)) => {
                // One record may be several parts.
                let left_out: Vec<Name> =
                    proofs.iter().filter(|(own, _)| *own == part).map(|(_, proof)| proof.name.clone()).collect();
                proofs.retain(|(_, proof)| !left_out.contains(&proof.name));
            }
            Some(ProofFault::WrongTypes) => {
                let at_name = |part: &Part| matches!(part, Part::Name | Part::Wildcard);
                // One record may be several parts.
                let wrong: Vec<Name> =
                    proofs.iter().filter(|(part, _)| at_name(part)).map(|(_, proof)| proof.name.clone()).collect();
                let copies = proofs.iter_mut().filter(|(_, proof)| wrong.contains(&proof.name));
                copies.for_each(|(_, proof)| forgery::claim_type(proof, rtype));
            }
            Some(ProofFault::Overreaching) => {
                proofs.truncate(1);
                proofs.iter_mut().for_each(|(_, proof)| forgery::overreach(proof, origin));
            }
            None => {}
        }
        proofs.iter().for_each(|(_, proof)| self.push_proof(view, proof));
    }

    fn push_proof(&mut self, view: &View, proof: &Rrset) {
        let has = |record: &Record| record.rtype == proof.rtype && record.name == proof.name;
        if !self.response.authority.iter().any(has) {
            self.push(Section::Authority, view, proof);
        }
    }

    fn uses_chain(&mut self, view: &View) {
        if view.other_chain {
            self.acting.act::<ChainFault>(view.origin(), &view.question.name, view.question.rtype);
        }
    }
}
