//! Authoritative answers (RFC 1034 §4.3.2, RFC 4035 §3.1).
//!
//! An [`Authority`] holds zones and answers from them alone: query octets and the time in, a [`Reply`] out. Zones can be
//! published anew at any time, and it can be made to fail on purpose ([`crate::fault`]).
//!
//! With DO set, answers carry the signatures, and negative answers and referrals the proofs: NSEC at the name for a type
//! that does not exist; NSEC over the name and over its wildcard for a name that does not exist; NSEC at the cut for a
//! child without DS.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::fault::{Fault, FaultId, FaultKind, Faults, Uses};
use crate::name::Name;
use crate::rdata::{Cname, Ns, Rdata as _};
use crate::record::{Class, Rcode, Record, RecordType, Rrset};
use crate::serve::{Reply, Responder};
use crate::signed_zone::{ServedZone, SignedZone};
use crate::wire::{Edns, Message, Question};
use crate::zone::Lookup;

/// The largest answer over UDP; larger ones are truncated. Ethernet carries it over IPv6 unfragmented.
pub const MAX_UDP: usize = 1_232;
/// The largest answer to a client without EDNS (RFC 1035 §2.3.4).
const MAX_UDP_PLAIN: usize = 512;
/// How many aliases are followed within one answer.
const MAX_ALIASES: usize = 8;

/// A name server's zones and its faults. Share it in an [`Arc`].
#[derive(Debug, Default)]
pub struct Authority {
    shared: Mutex<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    zones: BTreeMap<Name, Arc<ServedZone>>,
    faults: Faults,
}

impl Authority {
    /// A server without zones: it refuses everything.
    pub fn new() -> Authority {
        Authority::default()
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // Zones and faults are replaced whole: a panic of another holder leaves nothing half done.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes a zone, in place of the one with the same apex.
    pub fn set_zone(&self, zone: impl Into<ServedZone>) {
        let zone = zone.into();
        self.lock().zones.insert(zone.zone().origin().clone(), Arc::new(zone));
    }

    /// Stops serving a zone; whether it was served.
    pub fn remove_zone(&self, origin: &Name) -> bool {
        self.lock().zones.remove(origin).is_some()
    }

    /// The zone with this apex as it is published now.
    pub fn zone(&self, origin: &Name) -> Option<Arc<ServedZone>> {
        self.lock().zones.get(origin).cloned()
    }

    /// Begins a fault.
    pub fn begin_fault(&self, fault: Fault) -> FaultId {
        self.begin_fault_counted(fault, &Uses::default())
    }

    /// Begins a fault that counts how often it acts in `uses`, which other servers may share.
    pub fn begin_fault_counted(&self, fault: Fault, uses: &Uses) -> FaultId {
        self.lock().faults.begin(fault, uses.clone())
    }

    /// Ends a fault; whether there was one.
    pub fn end_fault(&self, id: FaultId) -> bool {
        self.lock().faults.end(id)
    }
}

impl Responder for Authority {
    fn answer(&self, query: &[u8], now: Timestamp) -> Reply {
        let query = match Message::decode(query) {
            // RFC 1035 §7.3: a response is never answered, or two servers could go on for ever.
            Ok(query) if query.flags.response => return Reply::Nothing,
            Ok(query) => query,
            Err(_) => return format_error(query),
        };
        let limit = match &query.edns {
            Some(edns) => usize::from(edns.udp_size).clamp(MAX_UDP_PLAIN, MAX_UDP),
            None => MAX_UDP_PLAIN,
        };
        let mut response = query.response(Rcode::NOERROR);
        response.edns = query.edns.as_ref().map(|edns| Edns::new(MAX_UDP as u16, edns.dnssec_ok));
        let question = match refusal(&query) {
            Err(rcode) => {
                response.rcode = rcode;
                return Reply::Bytes(response.encode(limit));
            }
            Ok(question) => question,
        };
        let shared = self.lock();
        let Shared { zones, faults } = &*shared;
        let Some(zone) = zone_for(zones, question) else {
            response.rcode = Rcode::REFUSED;
            return Reply::Bytes(response.encode(limit));
        };
        match faults.whole(zone.zone().origin(), &question.name, question.rtype, now) {
            Some(FaultKind::Timeout) => return Reply::Nothing,
            Some(FaultKind::Servfail) => response.rcode = Rcode::SERVFAIL,
            Some(FaultKind::Refused) => response.rcode = Rcode::REFUSED,
            _ => {
                let dnssec = query.edns.as_ref().is_some_and(|edns| edns.dnssec_ok);
                Answering { zones, faults, now, dnssec, response: &mut response }.answer(zone, question);
            }
        }
        Reply::Bytes(response.encode(limit))
    }
}

/// FORMERR for octets that are no message, if they have a header at all and are not a response.
fn format_error(query: &[u8]) -> Reply {
    match query.first_chunk::<12>() {
        Some([high, low, flags, ..]) if flags & 0x80 == 0 => {
            let opcode_and_rd = flags & 0x79;
            Reply::Bytes(vec![*high, *low, 0x80 | opcode_and_rd, 1, 0, 0, 0, 0, 0, 0, 0, 0])
        }
        _ => Reply::Nothing,
    }
}

/// The question, or why it is not looked up.
fn refusal(query: &Message) -> Result<&Question, Rcode> {
    if query.edns.as_ref().is_some_and(|edns| edns.version != 0) {
        return Err(Rcode::BADVERS);
    }
    if query.flags.opcode != 0 {
        return Err(Rcode::NOTIMP);
    }
    let question = query.question.as_ref().ok_or(Rcode::FORMERR)?;
    match (question.class, question.rtype) {
        // Transfers (RFC 5936) and meta-types have no answers here, nor have signatures without what they sign.
        (_, RecordType::OPT | RecordType::RRSIG | RecordType(251..=254)) => Err(Rcode::NOTIMP),
        (Class::IN, _) => Ok(question),
        _ => Err(Rcode::REFUSED),
    }
}

/// The zone nearest above the name. For DS the parent's, if it is served here too (RFC 4035 §3.1.4.1).
fn zone_for<'a>(zones: &'a BTreeMap<Name, Arc<ServedZone>>, question: &Question) -> Option<&'a Arc<ServedZone>> {
    let mut found = question.name.ancestors().filter_map(|ancestor| zones.get(&ancestor));
    let nearest = found.next()?;
    if question.rtype == RecordType::DS && *nearest.zone().origin() == question.name {
        return Some(found.next().unwrap_or(nearest));
    }
    Some(nearest)
}

/// One answer in the making.
struct Answering<'a> {
    zones: &'a BTreeMap<Name, Arc<ServedZone>>,
    faults: &'a Faults,
    now: Timestamp,
    dnssec: bool,
    response: &'a mut Message,
}

#[derive(Clone, Copy)]
enum Section {
    Answer,
    Authority,
}

impl Answering<'_> {
    fn answer(&mut self, zone: &ServedZone, question: &Question) {
        let mut question = question.clone();
        let mut zone = zone;
        let zones = self.zones;
        for step in 0..=MAX_ALIASES {
            // RFC 1034 §4.3.2 step 3b: a referral is not authoritative. AA speaks of the first owner name (RFC 1035 §4.1.1).
            let lookup = zone.zone().lookup(&question.name, question.rtype);
            let referral = matches!(lookup, Lookup::Delegation(_));
            if step == 0 {
                self.response.flags.authoritative = !referral;
            }
            let alias = match lookup {
                Lookup::Found(rrset) => return self.push(Section::Answer, zone, rrset),
                Lookup::NoData if question.rtype == RecordType::NSEC => {
                    return match zone.signed().and_then(|signed| signed.nsec_at(&question.name)) {
                        Some(nsec) => self.push(Section::Answer, zone, nsec),
                        None => self.no_data(zone, &question.name),
                    };
                }
                Lookup::NoData => return self.no_data(zone, &question.name),
                Lookup::NxDomain { closest_encloser } => {
                    return self.nx_domain(zone, &question.name, &closest_encloser);
                }
                // What lies beyond an alias in somebody else's zone is for the resolver to find.
                Lookup::Delegation(_) if step > 0 => return,
                Lookup::Delegation(cut) => return self.referral(zone, cut),
                Lookup::Alias(alias) => alias,
            };
            let seen = self.response.answer.iter().any(|record| record.name == alias.name);
            if seen {
                return;
            }
            self.push(Section::Answer, zone, alias);
            let target = alias.rdatas.first().and_then(|rdata| Cname::parse(rdata).ok());
            let Some(Cname(target)) = target else { return };
            question.name = target;
            match zone_for(zones, &question) {
                Some(next) => zone = next,
                None => return,
            }
        }
    }

    /// Adds an RRset with its signatures, as the faults would have it.
    fn push(&mut self, section: Section, zone: &ServedZone, rrset: &Rrset) {
        let replaced = self.faults.replaced(rrset, self.now);
        let rrset = replaced.as_ref().unwrap_or(rrset);
        let (ttl, signatures) = (rrset.ttl, self.signatures(zone, rrset));
        self.push_records(section, rrset, ttl, signatures);
    }

    fn signatures(&mut self, zone: &ServedZone, rrset: &Rrset) -> Vec<Record> {
        let Some(signed) = zone.signed().filter(|_| self.dnssec) else { return Vec::new() };
        if self.faults.strips(signed.zone().origin(), rrset, self.now) {
            return Vec::new();
        }
        let signatures = signed.signatures(rrset, self.now);
        let record = |rdata| Record::new(rrset.name.clone(), RecordType::RRSIG, rrset.ttl, rdata);
        signatures.iter().map(|rrsig| record(rrsig.to_rdata())).collect()
    }

    fn push_records(&mut self, section: Section, rrset: &Rrset, ttl: u32, signatures: Vec<Record>) {
        let section = match section {
            Section::Answer => &mut self.response.answer,
            Section::Authority => &mut self.response.authority,
        };
        let with_ttl = |record: Record| Record { ttl: record.ttl.min(ttl), ..record };
        section.extend(rrset.records().chain(signatures).map(with_ttl));
    }

    /// The SOA record of a negative answer (RFC 2308 §3).
    fn soa(&mut self, zone: &ServedZone) {
        if let Some((soa, ttl)) = zone.zone().negative() {
            let signatures = self.signatures(zone, soa);
            self.push_records(Section::Authority, soa, ttl, signatures);
        }
    }

    /// RFC 4035 §3.1.3.1. An empty non-terminal has no NSEC of its own: the one before it spans it, and its next name lies
    /// below.
    fn no_data(&mut self, zone: &ServedZone, name: &Name) {
        self.soa(zone);
        self.proof(zone, |signed| signed.nsec_covering(name));
    }

    /// RFC 4035 §3.1.3.2.
    fn nx_domain(&mut self, zone: &ServedZone, name: &Name, closest_encloser: &Name) {
        self.response.rcode = Rcode::NXDOMAIN;
        self.soa(zone);
        self.proof(zone, |signed| signed.nsec_covering(name));
        if let Ok(wildcard) = closest_encloser.prepend_label("*") {
            self.proof(zone, |signed| signed.nsec_covering(&wildcard));
        }
    }

    /// RFC 4035 §3.1.4: the cut's NS records, its DS records or the proof that it has none, and glue.
    fn referral(&mut self, zone: &ServedZone, cut: &Rrset) {
        self.push_records(Section::Authority, cut, cut.ttl, Vec::new());
        if let Some(signed) = zone.signed().filter(|_| self.dnssec) {
            match signed.zone().rrset(&cut.name, RecordType::DS) {
                Some(ds) => self.push(Section::Authority, zone, ds),
                None => self.proof(zone, |signed| signed.nsec_at(&cut.name)),
            }
        }
        for server in cut.rdatas.iter().filter_map(|rdata| Ns::parse(rdata).ok()) {
            for rtype in [RecordType::A, RecordType::AAAA] {
                if let Some(glue) = zone.zone().rrset(&server.0, rtype) {
                    self.response.additional.extend(glue.records());
                }
            }
        }
    }

    /// Adds an NSEC RRset to the authority section, once.
    fn proof(&mut self, zone: &ServedZone, nsec: impl FnOnce(&SignedZone) -> Option<&Rrset>) {
        let Some(signed) = zone.signed().filter(|_| self.dnssec) else { return };
        let Some(rrset) = nsec(signed) else { return };
        let has = |record: &Record| record.rtype == RecordType::NSEC && record.name == rrset.name;
        if !self.response.authority.iter().any(has) {
            self.push(Section::Authority, zone, rrset);
        }
    }
}
