//! A recursive resolver (RFC 1034 §5.3.3) that does not validate: it finds answers, and passes on what it receives.
//!
//! It starts from the root's addresses, follows referrals downwards, keeps what it learns until its TTL expires, and
//! passes signatures and proofs on to clients that set DO. The servers of a zone are asked in the order in which the
//! zone lists them, another one only after a failure, so that a run does not depend on random draws. A query is repeated
//! only when all servers have had it, and those that did not answer lately come last, as resolvers do in practice.
//!
//! Only records below the zone whose servers were asked are believed (RFC 5452 §6), and in an answer only those that
//! belong to the name that was asked for: the target of an alias gets a question of its own. `iteration` has the
//! details.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mxlab_env::{BoxFuture, Env};
use mxlab_record::Recorder;

use crate::authority::MAX_UDP;
use crate::exchange::{Exchange, NetworkExchange, Transport};
use crate::name::Name;
use crate::rdata::{Cname, Dname};
use crate::record::{Class, Rcode, Record, RecordType};
use crate::resolver::MAX_ALIASES;
use crate::resolver::clients;
use crate::resolver::iteration::{Found, Memory, proofs};
use crate::resolver::query::{Asking, Effort, Silent};
use crate::security::{Reason, RrsetId};
use crate::sign;
use crate::wire::{Edns, Message, Question};

/// How many queries one question of a client may cost.
const MAX_QUERIES: u32 = 64;

/// How the recursive resolver works.
#[derive(Clone, Debug)]
pub struct RecursorConfig {
    /// The root's servers: names and addresses.
    pub roots: Vec<(Name, Vec<IpAddr>)>,
    /// The port of authorities: 53, except in tests that cannot use it.
    pub port: u16,
    /// How long to wait for an answer to one transmission.
    pub timeout: Duration,
    /// How often a query is sent to each address. The other servers come before a repetition.
    pub attempts: u32,
    /// How long a client's question may take before it gets SERVFAIL.
    pub deadline: Duration,
    /// The largest UDP payload to ask for.
    pub edns_size: u16,
    /// Whether answers and referrals are kept.
    pub cache: bool,
    /// What clients get.
    pub passes: Passes,
}

/// What a resolver passes on to its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passes {
    /// Everything.
    Everything,
    /// Nothing of DNSSEC, as one of the resolvers that break it: it acts as if no client had set DO, and does not pass on DS
    /// records.
    WithoutDnssec,
    /// Only types that were known when DNSSEC came, to which TLSA does not belong: it does not answer questions for others.
    OldTypes,
}

impl Passes {
    /// Types up to RFC 5155. Their numbers were given in the order of their time, with some that nobody uses between.
    fn knows(self, rtype: RecordType) -> bool {
        self != Passes::OldTypes || rtype.0 <= RecordType::NSEC3PARAM.0 || rtype == RecordType::ANY
    }
}

impl RecursorConfig {
    /// Starts at these roots, for clients that wait five seconds.
    pub fn new(roots: Vec<(Name, Vec<IpAddr>)>) -> RecursorConfig {
        let config = RecursorConfig {
            roots,
            port: 53,
            timeout: Duration::ZERO,
            attempts: 2,
            deadline: Duration::ZERO,
            edns_size: super::EDNS_SIZE,
            cache: true,
            passes: Passes::Everything,
        };
        config.for_clients_that_wait(Duration::from_secs(5))
    }

    /// Fits its times to the time-out of its clients: they get SERVFAIL after nine tenths of it, so that they learn
    /// that the servers of a zone do not answer; and until then there is time for seven transmissions (of five seconds:
    /// 4.5 s, and 0.6 s for a transmission).
    #[must_use]
    pub fn for_clients_that_wait(self, patience: Duration) -> RecursorConfig {
        RecursorConfig { deadline: patience * 9 / 10, timeout: patience * 12 / 100, ..self }
    }
}

/// A recursive resolver. Clones share its cache.
#[derive(Clone)]
pub struct Recursor {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: RecursorConfig,
    pub(crate) asking: Asking,
    memory: Mutex<Memory>,
}

impl Recursor {
    /// A resolver over the env's network that records its queries in `recorder`.
    pub fn new(env: &Env, recorder: &Recorder, config: RecursorConfig) -> Recursor {
        Recursor::with_exchange(env, recorder, config, Arc::new(NetworkExchange::new(env)))
    }

    /// A resolver over another transport.
    pub fn with_exchange(
        env: &Env,
        recorder: &Recorder,
        config: RecursorConfig,
        exchange: Arc<dyn Exchange>,
    ) -> Recursor {
        let memory = Mutex::new(Memory::new(config.cache));
        let asking = Asking {
            env: env.clone(),
            recorder: recorder.clone(),
            exchange,
            timeout: config.timeout,
            attempts: config.attempts,
            edns_size: config.edns_size,
            recursion: false,
            silent: Silent::default(),
        };
        Recursor { inner: Arc::new(Inner { config, asking, memory }) }
    }

    /// Forgets everything it has learnt.
    pub fn clear_cache(&self) {
        *self.memory() = Memory::new(self.inner.config.cache);
        self.inner.asking.silent.clear();
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        // Entries are replaced whole: a panic of another holder leaves nothing half done.
        self.inner.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves clients at `at` over UDP and TCP until the task that runs it ends.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn serve(&self, at: SocketAddr) -> io::Result<()> {
        let recursor = self.clone();
        let answer = move |query: Vec<u8>, transport| {
            let recursor = recursor.clone();
            Box::pin(async move { recursor.answer(&query, transport).await }) as BoxFuture<'static, _>
        };
        clients::serve(&self.inner.asking.env, at, Arc::new(answer)).await
    }

    /// The answer to a client's query over this transport; none if the octets are not a query.
    pub async fn answer(&self, query: &[u8], transport: Transport) -> Option<Vec<u8>> {
        let query = Message::decode(query).ok().filter(|query| !query.flags.response)?;
        let mut response = query.response(Rcode::NOERROR);
        response.flags.recursion_available = true;
        let passes = self.inner.config.passes;
        if query.question.as_ref().is_some_and(|question| !passes.knows(question.rtype)) {
            return None;
        }
        let dnssec = passes != Passes::WithoutDnssec && query.edns.as_ref().is_some_and(|edns| edns.dnssec_ok);
        response.edns = query.edns.as_ref().map(|_| Edns::new(MAX_UDP as u16, dnssec));
        match &query.question {
            _ if query.flags.opcode != 0 => response.rcode = Rcode::NOTIMP,
            // RFC 9824 §3.5.
            Some(Question { name, rtype: rtype @ RecordType::NXNAME, class: Class::IN }) => {
                fail(&mut response, &Reason::InvalidType { rrset: RrsetId { name: name.clone(), rtype: *rtype } });
                response.rcode = Rcode::FORMERR;
            }
            Some(question) if question.class == Class::IN => {
                let work = self.fill(question, &mut response);
                let done = tokio::time::timeout(self.inner.config.deadline, work).await;
                let rrset = || RrsetId { name: question.name.clone(), rtype: question.rtype };
                let late = |_| Err(Reason::NoReachableAuthority { rrset: rrset() });
                if let Err(reason) = done.unwrap_or_else(late) {
                    fail(&mut response, &reason);
                }
                if !dnssec {
                    strip(&mut response, question.rtype);
                }
                if passes == Passes::WithoutDnssec {
                    response.answer.retain(|record| !record.rtype.is_dnssec() && record.rtype != RecordType::DS);
                }
            }
            Some(_) => response.rcode = Rcode::REFUSED,
            None => response.rcode = Rcode::FORMERR,
        }
        let limit = match (transport, query.edns) {
            (Transport::Tcp, _) => usize::from(u16::MAX),
            (Transport::Udp, Some(edns)) => usize::from(edns.udp_size).clamp(512, MAX_UDP),
            (Transport::Udp, None) => 512,
        };
        Some(response.encode(limit))
    }

    /// Puts the whole answer together, following aliases.
    async fn fill(&self, question: &Question, response: &mut Message) -> Result<(), Reason> {
        let mut effort = Effort::new(MAX_QUERIES);
        let mut name = question.name.clone();
        let endless = || Reason::AliasLoop { name: question.name.clone() };
        for _ in 0..=MAX_ALIASES {
            let found = self.find(&name, question.rtype, &BTreeSet::new(), &mut effort).await?;
            let target = target(&found.answer, &name, question.rtype);
            response.authority.extend(authority(&found));
            response.rcode = found.rcode;
            for record in found.answer {
                // One DNAME may be on the way twice.
                if !response.answer.contains(&record) {
                    response.answer.push(record);
                }
            }
            match target {
                Target::Name(target) => name = target,
                Target::TooLong => {
                    response.rcode = Rcode::YXDOMAIN;
                    return Ok(());
                }
                Target::None => return Ok(()),
            }
            if response.answer.iter().any(|record| record.name == name) {
                return Err(endless());
            }
        }
        Err(endless())
    }
}

/// Where an answer continues.
enum Target {
    /// Nowhere: it is complete.
    None,
    /// At this name.
    Name(Name),
    /// At a name that is too long (RFC 6672 §2.2).
    TooLong,
}

/// The name at which this answer continues, unless the alias itself was asked for.
fn target(answer: &[Record], name: &Name, asked: RecordType) -> Target {
    let own = |record: &Record| record.name == *name && (record.rtype == asked || asked == RecordType::ANY);
    if answer.iter().any(own) {
        return Target::None;
    }
    let alias = answer.iter().find(|record| record.rtype == RecordType::CNAME && record.name == *name);
    if let Some(Cname(target)) = alias.and_then(|record| Cname::parse(&record.rdata).ok()) {
        return Target::Name(target);
    }
    let above = |record: &&Record| record.rtype == RecordType::DNAME && name.is_strictly_below(&record.name);
    let Some((dname, Dname(target))) =
        answer.iter().find(above).and_then(|dname| Some((dname, Dname::parse(&dname.rdata).ok()?)))
    else {
        return Target::None;
    };
    name.substitute(&dname.name, &target).map_or(Target::TooLong, Target::Name)
}

/// What a client needs of the authority section: for a negative answer the SOA and the proofs, for a positive one the
/// proofs if it was expanded from a wildcard. The target of an alias gets a question of its own.
fn authority(found: &Found) -> Vec<Record> {
    if found.answer.is_empty() {
        let soa = |record: &&Record| match record.rtype {
            RecordType::RRSIG => sign::covered(&record.rdata) == Some(RecordType::SOA),
            rtype => rtype == RecordType::SOA,
        };
        return found.authority.iter().filter(soa).chain(proofs(&found.authority)).cloned().collect();
    }
    let expanded = found.answer.iter().filter(|record| record.rtype == RecordType::RRSIG).any(|record| {
        let labels = record.rdata.get(3).copied().unwrap_or(u8::MAX);
        usize::from(labels) < sign::signed_labels(&record.name)
    });
    if expanded { proofs(&found.authority).cloned().collect() } else { Vec::new() }
}

/// SERVFAIL, and why (RFC 8914).
fn fail(response: &mut Message, reason: &Reason) {
    response.rcode = Rcode::SERVFAIL;
    response.answer.clear();
    response.authority.clear();
    if let Some(edns) = &mut response.edns {
        edns.extended_error = reason.extended_error();
    }
}

/// A client without DO gets no signatures and proofs that it did not ask for (RFC 4035 §3.2.1).
fn strip(response: &mut Message, asked: RecordType) {
    let kept = |record: &Record| record.rtype == asked || !record.rtype.is_dnssec();
    response.answer.retain(kept);
    response.authority.retain(kept);
}
