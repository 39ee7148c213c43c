//! Authoritative answers (RFC 1034 §4.3.2, RFC 4035 §3.1).
//!
//! An [`Authority`] holds zones and answers only from them: query octets and the time in, a [`Reply`] out. Zones can be
//! replaced at any time, and the authority can be made to fail on purpose ([`crate::fault`]).
//!
//! With DO set, answers carry signatures; negative answers, referrals and answers from wildcards carry proofs, by NSEC
//! or NSEC3, whichever the zone uses.
//!
//! | module | does |
//! |---|---|
//! | [`signing_key`], [`key_set`] | private keys; the keys of a zone, and rollovers as steps between sets of them |
//! | [`signed_zone`], `proof` | a zone's signatures, made when asked for, and its chain of proofs; which proofs a claim needs |
//! | `answering` | one answer, section by section |
//! | [`fault`], `forgery` | what goes wrong on purpose, as data; the octets that it makes |
//! | [`serve`] | the loops over UDP and TCP |

mod answering;
pub mod fault;
mod forgery;
pub mod key_set;
mod proof;
pub mod rsa_key;
pub mod serve;
pub mod signed_zone;
pub mod signing_key;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::authority::answering::Answering;
use crate::exchange::Transport;
use crate::fault::{AnswerFault, Fault, FaultId, Faults, Uses};
use crate::name::Name;
use crate::rdata::{Ns, Rdata as _};
use crate::record::{Class, Rcode, Record, RecordType};
use crate::serve::{Reply, Responder};
use crate::sign;
use crate::signed_zone::ServedZone;
use crate::wire::{Edns, Message, Question};

/// The largest answer over UDP; larger ones are truncated. IPv6 over Ethernet carries it unfragmented.
pub const MAX_UDP: usize = 1_232;
/// The largest answer to a client without EDNS (RFC 1035 §2.3.4).
const MAX_UDP_PLAIN: usize = 512;
/// The TTL that a fault gives to all records: thirty days.
const RAISED_TTL: u32 = 30 * 86_400;
/// The largest answer over TCP (RFC 1035 §4.2.2).
const MAX_TCP: usize = 65_535;

/// A name server's zones and its faults. Share it in an [`Arc`].
#[derive(Debug, Default)]
pub struct Authority {
    shared: Mutex<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    zones: BTreeMap<Name, Published>,
    faults: Faults,
}

/// A zone as a server holds it.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    pub(crate) now: Arc<ServedZone>,
    /// As it was first published, for [`fault::ContentFault::Replayed`].
    pub(crate) first: Arc<ServedZone>,
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
        let now = Arc::new(zone.into());
        let mut shared = self.lock();
        let first = shared.zones.get(now.zone().origin()).map_or_else(|| now.clone(), |zone| zone.first.clone());
        shared.zones.insert(now.zone().origin().clone(), Published { now, first });
    }

    /// Stops serving a zone; returns whether it was served.
    pub fn remove_zone(&self, origin: &Name) -> bool {
        self.lock().zones.remove(origin).is_some()
    }

    /// The zone with this apex, as now published.
    pub fn zone(&self, origin: &Name) -> Option<Arc<ServedZone>> {
        self.lock().zones.get(origin).map(|zone| zone.now.clone())
    }

    /// Begins a fault.
    pub fn begin_fault(&self, fault: Fault) -> FaultId {
        self.begin_fault_counted(fault, &Uses::default())
    }

    /// Begins a fault that counts how often it acts in `uses`, which other servers may share.
    pub fn begin_fault_counted(&self, fault: Fault, uses: &Uses) -> FaultId {
        self.lock().faults.begin(fault, uses.clone())
    }

    /// Ends a fault; returns whether there was one.
    pub fn end_fault(&self, id: FaultId) -> bool {
        self.lock().faults.end(id)
    }
}

impl Responder for Authority {
    fn answer(&self, query: &[u8], transport: Transport, now: Timestamp) -> Reply {
        let query = match Message::decode(query) {
            // RFC 1035 §7.3: a response is never answered, or two servers could answer each other for ever.
            Ok(query) if query.flags.response => return Reply::Nothing,
            Ok(query) => query,
            Err(_) => return format_error(query),
        };
        let limit = match (transport, &query.edns) {
            (Transport::Tcp, _) => MAX_TCP,
            (Transport::Udp, Some(edns)) => usize::from(edns.udp_size).clamp(MAX_UDP_PLAIN, MAX_UDP),
            (Transport::Udp, None) => MAX_UDP_PLAIN,
        };
        let mut response = query.response(Rcode::NOERROR);
        response.edns = query
            .edns
            .as_ref()
            .map(|edns| Edns { compact_ok: edns.compact_ok, ..Edns::new(MAX_UDP as u16, edns.dnssec_ok) });
        let question = match refusal(&query) {
            Err(rcode) => {
                response.rcode = rcode;
                return Reply::Bytes(response.encode(limit));
            }
            Ok(question) => question,
        };
        let shared = self.lock();
        let Shared { zones, faults } = &*shared;
        let mut acting = faults.for_an_answer(now);
        let from_child = |zone: &&Published| {
            question.rtype == RecordType::DS
                && acting.would_act(zone.now.zone().origin(), &question.name, question.rtype)
                    == Some(AnswerFault::DsFromChild)
        };
        let child = zones.get(&question.name).filter(from_child);
        let Some(zone) = child.or_else(|| zone_for(zones, question)) else {
            response.rcode = Rcode::REFUSED;
            return Reply::Bytes(response.encode(limit));
        };
        let fault = acting.act(zone.now.zone().origin(), &question.name, question.rtype);
        let wanted = query.edns.as_ref().is_some_and(|edns| edns.dnssec_ok);
        let dnssec = wanted && fault != Some(AnswerFault::Stripped);
        if let Some(edns) = &mut response.edns {
            edns.dnssec_ok = dnssec;
        }
        let mut answering = Answering { zones, acting, now, dnssec, response: &mut response };
        match fault {
            Some(AnswerFault::Timeout) => return Reply::Nothing,
            Some(AnswerFault::Malformed) => return Reply::Bytes(malformed(answering.response)),
            Some(AnswerFault::Truncated) if transport == Transport::Tcp => return Reply::Close,
            Some(AnswerFault::Truncated) => response.flags.truncated = true,
            Some(AnswerFault::Code(rcode)) => response.rcode = rcode,
            Some(AnswerFault::Lame) => response.authority.push(upward_referral()),
            Some(AnswerFault::NxDomain) => answering.deny(zone, question),
            Some(AnswerFault::NoData) => answering.no_type(zone, question),
            Some(AnswerFault::AliasLoop) => answering.alias(zone, question, question.name.clone()),
            Some(AnswerFault::WrongId) => {
                answering.answer(zone, question);
                response.id = response.id.wrapping_add(1);
            }
            Some(AnswerFault::WrongQuestion) => {
                answering.answer(zone, question);
                response.question = Some(another_question(question));
            }
            Some(AnswerFault::Slow(delay)) => {
                answering.answer(zone, question);
                return Reply::Later(delay, response.encode(limit));
            }
            Some(AnswerFault::CodeForEdns(rcode)) if query.edns.is_some() => {
                response.rcode = rcode;
                response.edns = None;
            }
            Some(AnswerFault::LostAbove(size)) if transport == Transport::Udp => {
                answering.answer(zone, question);
                let octets = response.encode(limit);
                return if octets.len() > usize::from(size) { Reply::Nothing } else { Reply::Bytes(octets) };
            }
            Some(AnswerFault::OtherDenialCode) => {
                answering.answer(zone, question);
                if is_denial(&response) {
                    response.rcode = match response.rcode {
                        Rcode::NXDOMAIN => Rcode::NOERROR,
                        _ => Rcode::NXDOMAIN,
                    };
                }
            }
            Some(AnswerFault::WithoutSoa) => {
                answering.answer(zone, question);
                if is_denial(&response) {
                    response.flags.authoritative = false;
                    response.authority.retain(|record| !is_about(record, RecordType::SOA));
                }
            }
            Some(AnswerFault::SoaTtlKept) => {
                answering.answer(zone, question);
                let own = zone.now.zone();
                let ttl = own.rrset(own.origin(), RecordType::SOA).map_or(0, |soa| soa.ttl);
                let soa = response.authority.iter_mut().filter(|record| is_about(record, RecordType::SOA));
                soa.for_each(|record| record.ttl = ttl);
            }
            Some(AnswerFault::TtlRaised) => {
                answering.answer(zone, question);
                for section in [&mut response.answer, &mut response.authority, &mut response.additional] {
                    section.iter_mut().for_each(|record| record.ttl = RAISED_TTL);
                }
            }
            Some(AnswerFault::DnameAlone) => {
                answering.answer(zone, question);
                if response.answer.iter().any(|record| record.rtype == RecordType::DNAME) {
                    response.answer.retain(|record| is_about(record, RecordType::DNAME));
                    response.authority.clear();
                    response.rcode = Rcode::NOERROR;
                }
            }
            Some(AnswerFault::ApexAlias) if *zone.now.zone().origin() == question.name => {
                let www = question.name.prepend_label("www").unwrap_or_else(|_| question.name.clone());
                answering.alias(zone, question, www);
            }
            Some(
                AnswerFault::Stripped
                | AnswerFault::CodeForEdns(_)
                | AnswerFault::LostAbove(_)
                | AnswerFault::ApexAlias
                | AnswerFault::DsFromChild,
            )
            | None => answering.answer(zone, question),
        }
        Reply::Bytes(response.encode(limit))
    }
}

/// Whether a response denies something: it has no answer, and is no referral.
fn is_denial(response: &Message) -> bool {
    let refers = |record: &Record| record.rtype == RecordType::NS;
    matches!(response.rcode, Rcode::NOERROR | Rcode::NXDOMAIN)
        && response.answer.is_empty()
        && !response.authority.iter().any(refers)
}

/// Whether a record is of this type, or a signature over it.
fn is_about(record: &Record, rtype: RecordType) -> bool {
    record.rtype == rtype || (record.rtype == RecordType::RRSIG && sign::covered(&record.rdata) == Some(rtype))
}

/// A response that repeats id and question, so that a resolver takes it for the answer, but is malformed: it claims to
/// hold a record, whose name points beyond the end.
fn malformed(response: &Message) -> Vec<u8> {
    let mut octets = Message { edns: None, ..response.clone() }.encode(MAX_UDP_PLAIN);
    if let Some(answers) = octets.get_mut(6..8) {
        answers.copy_from_slice(&[0, 1]);
    }
    octets.extend_from_slice(&[0xff, 0xff]);
    octets
}

/// What old servers say of zones that they do not have: ask the root.
fn upward_referral() -> Record {
    let servers = Name::root().prepend_label("net").and_then(|net| net.prepend_label("root-servers"));
    let server = servers.and_then(|servers| servers.prepend_label("a")).unwrap_or_else(|_| Name::root());
    Record::new(Name::root(), RecordType::NS, 518_400, Ns(server).to_rdata())
}

/// The same for a name below, or for the root if that is too long.
fn another_question(question: &Question) -> Question {
    let name = question.name.prepend_label("another").unwrap_or_else(|_| Name::root());
    Question { name, ..question.clone() }
}

/// FORMERR for octets that are not a message, if they have a header at all and are not a response.
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
        // RFC 9824 §3.5: the type occurs only in proofs.
        (_, RecordType::NXNAME) => Err(Rcode::FORMERR),
        // Transfers (RFC 5936) and meta-types are not answered here, nor are signatures without the records that they
        // sign.
        (_, RecordType::OPT | RecordType::RRSIG | RecordType(251..=254)) => Err(Rcode::NOTIMP),
        (Class::IN, _) => Ok(question),
        _ => Err(Rcode::REFUSED),
    }
}

/// The zone nearest above the name. For DS the parent's, if it is served here too (RFC 4035 §3.1.4.1).
pub(crate) fn zone_for<'a>(zones: &'a BTreeMap<Name, Published>, question: &Question) -> Option<&'a Published> {
    let mut found = question.name.ancestors().filter_map(|ancestor| zones.get(&ancestor));
    let nearest = found.next()?;
    if question.rtype == RecordType::DS && *nearest.now.zone().origin() == question.name {
        return Some(found.next().unwrap_or(nearest));
    }
    Some(nearest)
}
