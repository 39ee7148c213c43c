//! Where the validating resolver gets its answers: from forwarders, or from the servers of the zones.
//!
//! Nothing from here is trusted. A source is told which servers to avoid, because what they said turned out to be
//! bogus; it can be made to forget what it remembers.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;

use crate::name::Name;
use crate::record::{Class, Rcode, Record, RecordType};
use crate::recursor::Recursor;
use crate::resolver::iteration::asked_of;
use crate::resolver::query::{Asking, Effort, Server};
use crate::security::{Reason, RrsetId};
use crate::wire::Message;

/// The unjudged answer to a question.
#[derive(Clone, Debug)]
pub(crate) struct Fetched {
    /// NOERROR or NXDOMAIN.
    pub(crate) rcode: Rcode,
    pub(crate) answer: Vec<Record>,
    pub(crate) authority: Vec<Record>,
    pub(crate) additional: Vec<Record>,
    /// The zone whose server answered, as far as delegations tell; none from a forwarder.
    pub(crate) zone: Option<Name>,
    pub(crate) server: SocketAddr,
    /// What people call it.
    pub(crate) called: String,
    /// Whether it came over TCP, because it was too large for a datagram.
    pub(crate) over_tcp: bool,
    /// Whether it came with a referral to the zone that the question is about, and so without an SOA.
    pub(crate) referred: bool,
}

impl Fetched {
    /// Whether the answer section says something about `name`, or the authority section denies something about it.
    pub(crate) fn speaks_of(&self, name: &Name, rtype: RecordType) -> bool {
        let answers = |record: &Record| match record.rtype {
            RecordType::DNAME => {
                name.is_strictly_below(&record.name) || (record.name == *name && rtype == record.rtype)
            }
            RecordType::CNAME => record.name == *name,
            other => record.name == *name && (other == rtype || rtype == RecordType::ANY),
        };
        let denies = |record: &Record| record.rtype == RecordType::SOA && name.is_subdomain_of(&record.name);
        self.answer.iter().any(answers) || self.authority.iter().any(denies)
    }
}

/// The source of a resolver.
pub(crate) enum Source {
    /// Recursive resolvers, asked in this order.
    Forwarders(Asking, Vec<SocketAddr>),
    /// The servers of the zones, starting at the root; and how long one search may take.
    Zones(Recursor, Duration),
}

impl Source {
    /// Asks for an RRset.
    ///
    /// # Errors
    /// No server outside of `avoid` gave an answer that can be judged.
    pub(crate) async fn fetch(
        &self,
        rrset: &RrsetId,
        avoid: &BTreeSet<SocketAddr>,
        effort: &mut Effort,
    ) -> Result<Fetched, Reason> {
        // A search that was abandoned half-way leaves its depth behind.
        effort.depth = 0;
        effort.over_tcp = false;
        match self {
            Source::Forwarders(asking, forwarders) => from_forwarders(asking, forwarders, rrset, avoid, effort).await,
            Source::Zones(recursor, patience) => {
                let search = recursor.find(&rrset.name, rrset.rtype, avoid, effort);
                let found = tokio::time::timeout(*patience, search).await;
                let found = found.unwrap_or_else(|_| Err(Reason::NoReachableAuthority { rrset: rrset.clone() }))?;
                Ok(Fetched {
                    rcode: found.rcode,
                    answer: found.answer,
                    authority: found.authority,
                    additional: found.additional,
                    zone: Some(found.zone),
                    server: found.server,
                    called: found.called,
                    over_tcp: effort.over_tcp,
                    referred: found.referred,
                })
            }
        }
    }

    /// Forgets what was found for this RRset.
    pub(crate) fn forget(&self, rrset: &RrsetId) {
        if let Source::Zones(recursor, _) = self {
            recursor.memory().forget(&rrset.name, rrset.rtype);
        }
    }

    /// Forgets the proof that came with a referral to this zone: a question for its DS gets a whole answer.
    pub(crate) fn forget_referred(&self, zone: &Name) {
        if let Source::Zones(recursor, _) = self {
            recursor.memory().forget_referred(zone);
        }
    }

    /// The highest zone below `above`, at or above `name`, of whose delegation a referral told, with what the referral
    /// said of its DS.
    pub(crate) fn referral_below(&self, above: &Name, name: &Name, now: Timestamp) -> Option<(Name, Vec<Record>)> {
        match self {
            Source::Zones(recursor, _) => recursor.memory().referral_below(above, name, now),
            Source::Forwarders(..) => None,
        }
    }

    /// Forgets which servers to ask for this RRset.
    pub(crate) fn forget_servers(&self, rrset: &RrsetId, now: Timestamp) {
        if let Source::Zones(recursor, _) = self {
            recursor.memory().forget_delegation(&asked_of(&rrset.name, rrset.rtype), now);
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        match self {
            Source::Zones(recursor, _) => recursor.clear_cache(),
            Source::Forwarders(asking, _) => asking.silent.clear(),
        }
    }

    /// Whether answers come from forwarders.
    pub(crate) fn forwards(&self) -> bool {
        matches!(self, Source::Forwarders(..))
    }
}

async fn from_forwarders(
    asking: &Asking,
    forwarders: &[SocketAddr],
    rrset: &RrsetId,
    avoid: &BTreeSet<SocketAddr>,
    effort: &mut Effort,
) -> Result<Fetched, Reason> {
    let mut failure = None;
    // Those that did not answer lately, or failed earlier in this lookup, come last.
    let mut asked: Vec<SocketAddr> =
        forwarders.iter().copied().filter(|forwarder| !avoid.contains(forwarder)).collect();
    let now = asking.env.now();
    asked.sort_by_key(|forwarder| (effort.failed.contains(forwarder), asking.silent.holds(*forwarder, now)));
    for address in asked {
        let server = Server { address, called: FORWARDER };
        let answered = asking.ask(&rrset.name, rrset.rtype, server, asking.attempts, effort).await;
        match answered.and_then(|message| read(message, rrset, address)) {
            Ok(fetched) => return Ok(Fetched { over_tcp: effort.over_tcp, ..fetched }),
            Err(reason) => {
                effort.failed.insert(address);
                failure.get_or_insert(reason);
            }
        }
    }
    Err(failure.unwrap_or_else(|| Reason::TimedOut { rrset: rrset.clone(), server: FORWARDER.to_owned() }))
}

/// The name of a forwarder for people.
const FORWARDER: &str = "the resolver";

/// The message, if it is an answer that can be judged.
fn read(message: Message, rrset: &RrsetId, server: SocketAddr) -> Result<Fetched, Reason> {
    let error = message.edns.as_ref().and_then(|edns| edns.extended_error);
    let (rrset, called) = (rrset.clone(), FORWARDER.to_owned());
    let alias = message.answer.iter().any(|record| record.rtype == RecordType::DNAME);
    match message.rcode {
        // RFC 6672 §2.2: the DNAME says why there is no more.
        rcode if matches!(rcode, Rcode::NOERROR | Rcode::NXDOMAIN) || (rcode == Rcode::YXDOMAIN && alias) => {
            let own = |records: Vec<Record>| records.into_iter().filter(|record| record.class == Class::IN).collect();
            Ok(Fetched {
                rcode: if rcode == Rcode::YXDOMAIN { Rcode::NOERROR } else { rcode },
                answer: own(message.answer),
                authority: own(message.authority),
                additional: own(message.additional),
                zone: None,
                server,
                called,
                over_tcp: false,
                referred: false,
            })
        }
        // RFC 8914 §4.21 and §4.23.
        Rcode::SERVFAIL if error == Some(20) => Err(Reason::Lame { rrset, server: "a server of the zone".to_owned() }),
        Rcode::SERVFAIL if error == Some(22) => Err(Reason::NoReachableAuthority { rrset }),
        rcode => Err(Reason::ErrorCode { rrset, rcode, server: called }),
    }
}
