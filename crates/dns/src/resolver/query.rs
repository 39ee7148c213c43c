//! One question to one server, until it is answered or abandoned: retransmission, TCP where UDP is not enough (RFC 1035
//! §4.2.1, RFC 7766 §5), and no EDNS for a server that does not know it (RFC 6891 §7).
//!
//! A server that does not answer is remembered for five minutes, the longest that RFC 2308 §7.2 and RFC 9520 §3.2 allow:
//! meanwhile the others are asked first. It is still asked when they fail, so a repair is never missed.
//!
//! Every transmission is recorded as `asked`: the server, the question, the transport and the outcome.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use mxlab_env::Env;
use mxlab_record::{Event, Fields, Recorder};

use crate::exchange::{Exchange, Transport, answers};
use crate::name::Name;
use crate::record::{Rcode, RecordType};
use crate::resolver::expiring::Expiring;
use crate::security::{Bound, Reason, RrsetId};
use crate::wire::{Edns, Message};

/// The work that one lookup causes for other servers.
#[derive(Clone, Debug)]
pub(crate) struct Effort {
    /// How many queries have been sent.
    pub(crate) queries: u32,
    /// How many may be.
    pub(crate) limit: u32,
    /// How deep the search for a server's address is.
    pub(crate) depth: u32,
    /// Whether the last answer came over TCP.
    pub(crate) over_tcp: bool,
    /// Servers that gave no usable answer.
    pub(crate) failed: BTreeSet<SocketAddr>,
}

impl Effort {
    pub(crate) fn new(limit: u32) -> Effort {
        Effort { queries: 0, limit, depth: 0, over_tcp: false, failed: BTreeSet::new() }
    }
}

/// Who is asked: an address, and its name for people.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Server<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) called: &'a str,
}

/// How long a server that did not answer is remembered.
const SILENCE: SignedDuration = SignedDuration::from_secs(300);
/// How many of them are remembered.
const MAX_SILENT: usize = 1_000;

/// The servers that did not answer lately.
#[derive(Clone)]
pub(crate) struct Silent(Arc<Mutex<Expiring<SocketAddr, ()>>>);

impl Default for Silent {
    fn default() -> Silent {
        Silent(Arc::new(Mutex::new(Expiring::new(MAX_SILENT))))
    }
}

impl Silent {
    fn held(&self) -> MutexGuard<'_, Expiring<SocketAddr, ()>> {
        // Entries are replaced whole: a panic of another holder leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, server: SocketAddr, now: Timestamp) {
        self.held().insert(server, (), now.checked_add(SILENCE).unwrap_or(now));
    }

    /// Whether the server did not answer lately.
    pub(crate) fn holds(&self, server: SocketAddr, now: Timestamp) -> bool {
        self.held().get(&server, now).is_some()
    }

    /// Forgets all of them.
    pub(crate) fn clear(&self) {
        self.held().clear();
    }
}

/// How questions are asked.
#[derive(Clone)]
pub(crate) struct Asking {
    pub(crate) env: Env,
    pub(crate) recorder: Recorder,
    pub(crate) exchange: Arc<dyn Exchange>,
    /// How long to wait for an answer to one transmission.
    pub(crate) timeout: Duration,
    /// How often a query is sent to a server over UDP.
    pub(crate) attempts: u32,
    pub(crate) edns_size: u16,
    /// RD: whether the server is to find the answer itself.
    pub(crate) recursion: bool,
    /// The servers that did not answer lately.
    pub(crate) silent: Silent,
}

impl Asking {
    /// The answer of the server, whatever it says. It gets so many transmissions over UDP, and one over TCP if needed.
    ///
    /// # Errors
    /// Why there is no readable answer.
    pub(crate) async fn ask(
        &self,
        name: &Name,
        rtype: RecordType,
        server: Server<'_>,
        transmissions: u32,
        effort: &mut Effort,
    ) -> Result<Message, Reason> {
        let mut edns = true;
        let mut answer = self.ask_by_udp(name, rtype, server, edns, transmissions, effort).await?;
        // RFC 6891 §7: the server does not know EDNS, so it has no signed zones.
        if answer.edns.is_none() && matches!(answer.rcode, Rcode::FORMERR | Rcode::NOTIMP) {
            edns = false;
            answer = self.ask_by_udp(name, rtype, server, edns, transmissions, effort).await?;
        }
        effort.over_tcp = false;
        if !answer.flags.truncated {
            return Ok(answer);
        }
        match self.transmit(name, rtype, server, Transport::Tcp, edns, effort).await {
            Ok(answer) if !answer.flags.truncated => {
                effort.over_tcp = true;
                Ok(answer)
            }
            Err(reason @ Reason::TooMuchWork { .. }) => Err(reason),
            _ => Err(Reason::Truncated {
                rrset: RrsetId { name: name.clone(), rtype },
                server: server.called.to_owned(),
            }),
        }
    }

    async fn ask_by_udp(
        &self,
        name: &Name,
        rtype: RecordType,
        server: Server<'_>,
        edns: bool,
        transmissions: u32,
        effort: &mut Effort,
    ) -> Result<Message, Reason> {
        let mut again = transmissions.max(1);
        loop {
            again -= 1;
            match self.transmit(name, rtype, server, Transport::Udp, edns, effort).await {
                Err(Reason::TimedOut { .. }) if again > 0 => {}
                answered => return answered,
            }
        }
    }

    /// One transmission.
    async fn transmit(
        &self,
        name: &Name,
        rtype: RecordType,
        server: Server<'_>,
        transport: Transport,
        edns: bool,
        effort: &mut Effort,
    ) -> Result<Message, Reason> {
        let rrset = RrsetId { name: name.clone(), rtype };
        if effort.queries >= effort.limit {
            return Err(Reason::TooMuchWork { rrset, bound: Bound::Queries(effort.limit) });
        }
        effort.queries += 1;
        let id = u16::from_be_bytes(self.env.random());
        let edns = edns.then(|| Edns::new(self.edns_size, true));
        let mut query = Message::query(id, name.clone(), rtype, edns);
        query.flags.recursion_desired = self.recursion;
        query.flags.checking_disabled = true;
        let octets = query.encode(usize::from(u16::MAX));
        let exchanged = self.exchange.exchange(&octets, server.address, transport, self.timeout).await;
        let called = server.called.to_owned();
        let timed_out = |rrset, server| (Outcome::TimedOut, Err(Reason::TimedOut { rrset, server }));
        let (outcome, answer) = match exchanged {
            // An answer to another question is not an answer, even if the transport let it through.
            Ok(answer) if !answers(&octets, &answer) => timed_out(rrset, called),
            Ok(answer) => match Message::decode(&answer) {
                Ok(message) => (Outcome::Answered(message.rcode, message.flags.truncated), Ok(message)),
                Err(_) => (Outcome::Malformed, Err(Reason::Malformed { rrset, server: called })),
            },
            Err(error) if error.kind() == io::ErrorKind::TimedOut => timed_out(rrset, called),
            Err(error) => {
                let error = error.kind().to_string();
                (Outcome::Network, Err(Reason::Network { rrset, server: called, error }))
            }
        };
        self.recorder.tell(&Asked { name, rtype, server, transport, outcome });
        match outcome {
            Outcome::TimedOut | Outcome::Network => self.silent.note(server.address, self.env.now()),
            Outcome::Answered(..) | Outcome::Malformed => self.silent.held().remove(&server.address),
        }
        answer
    }
}

/// The outcome of a transmission.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    Answered(Rcode, bool),
    Malformed,
    TimedOut,
    Network,
}

/// `asked`: a resolver sent a query, with this outcome. Together they trace a lookup; stories do not show them.
struct Asked<'a> {
    name: &'a Name,
    rtype: RecordType,
    server: Server<'a>,
    transport: Transport,
    outcome: Outcome,
}

impl Event for Asked<'_> {
    fn kind(&self) -> &'static str {
        "asked"
    }

    fn fields(&self) -> Fields {
        let outcome = match self.outcome {
            Outcome::Answered(_, true) => "truncated".to_owned(),
            Outcome::Answered(rcode, false) => rcode.to_string(),
            Outcome::Malformed => "malformed".to_owned(),
            Outcome::TimedOut => "time-out".to_owned(),
            Outcome::Network => "network".to_owned(),
        };
        Fields::new()
            .with("name", self.name.to_lowercase().to_string())
            .with("type", self.rtype.to_string())
            .with("server", self.server.address.ip().to_string())
            .with("transport", self.transport.word())
            .with("outcome", outcome)
    }

    fn story(&self) -> Vec<String> {
        Vec::new()
    }
}
