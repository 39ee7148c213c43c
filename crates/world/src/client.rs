//! A plain client: it sends one message to one server, and tries once.
//!
//! It finds the server as any sender does, by MX and address records from the world's recursive resolver, but without
//! validation; it uses TLS if it is offered, and checks no certificate. What a scenario tests with such mail is the
//! receiver's verdict.

use std::net::SocketAddr;
use std::time::Duration;

use mxlab_dns::{Name, RecordType, Resolver, rdata};
use mxlab_env::Env;
use mxlab_mail::address::{Address, ReversePath};
use mxlab_mail::smtp::client::{Capabilities, Transaction};
use mxlab_mail::smtp::{self, Command, Parameters, Reply, Stage};
use mxlab_record::{Event, Fields, Recorder};
use mxlab_smtp::client::{Broken, Connection, Greeting, Timeouts, Transacted};
use mxlab_smtp::mx::{MOST_ADDRESSES, MailHosts, Mx, host_name};
use mxlab_smtp::tls::{self, HandshakeError};
use tokio::time::Instant;

/// How long the client waits for a connection, a reply or a handshake.
const PATIENCE: Duration = Duration::from_secs(120);

/// One message to send.
#[derive(Clone, Debug)]
pub struct Handover {
    /// The name that the client says in EHLO.
    pub ehlo: String,
    /// The envelope sender.
    pub from: ReversePath,
    /// The envelope recipients, all at one server.
    pub to: Vec<Address>,
    /// The message, with CRLF line ends.
    pub message: Vec<u8>,
    /// The addresses of the server, in the order in which they are tried.
    pub servers: Vec<SocketAddr>,
    /// Whether STARTTLS is used if it is offered.
    pub tls: bool,
}

/// Why a message was not accepted at all.
#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    /// DNS knows no server.
    #[error("there is no server to hand it to")]
    NoServer,
    /// The connection could not be made, or broke.
    #[error("the server {}", .error.clause(*.stage))]
    Broken {
        /// Where.
        stage: Stage,
        /// How.
        error: Broken,
    },
    /// TLS, once agreed on, did not come about.
    #[error("the TLS handshake failed: {0}")]
    Handshake(#[from] HandshakeError),
    /// TLS cannot be set up.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The server refused before the message.
    #[error("the server answered `{reply}` at {stage}")]
    Refused {
        /// Where.
        stage: Stage,
        /// What it said.
        reply: Reply,
    },
}

impl HandoverError {
    fn outcome(&self) -> Outcome {
        match self {
            HandoverError::Refused { .. } => Outcome::Refused,
            HandoverError::NoServer
            | HandoverError::Broken { .. }
            | HandoverError::Handshake(_)
            | HandoverError::Tls(_) => Outcome::Unanswered,
        }
    }
}

/// How a client has fared with a message for a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server has taken the message.
    Taken,
    /// The server has said no.
    Refused,
    /// There was no server, no session, or no answer.
    Unanswered,
}

impl Outcome {
    /// The word in the record.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Taken => "taken",
            Outcome::Refused => "refused",
            Outcome::Unanswered => "unanswered",
        }
    }
}

/// What came of a message for one recipient.
struct HandedOver<'a> {
    from: &'a ReversePath,
    to: &'a str,
    reply: String,
    outcome: Outcome,
}

impl Event for HandedOver<'_> {
    fn kind(&self) -> &'static str {
        "handed-over"
    }

    fn fields(&self) -> Fields {
        Fields::new()
            .with("from", self.from.to_string())
            .with("to", self.to)
            .with("outcome", self.outcome.word())
            .with("reply", self.reply.as_str())
    }

    fn story(&self) -> Vec<String> {
        if self.outcome == Outcome::Taken {
            // The server that took it records that.
            return Vec::new();
        }
        let from = self.from.address().map_or_else(|| "<>".to_owned(), ToString::to_string);
        vec![format!("cannot hand over a message from {from} to {}: {}", self.to, self.reply)]
    }
}

/// Where the mail for a domain goes, as a plain sender finds it: the addresses of its mail hosts in the order in which they
/// are tried. None for a text that is no name of DNS, for a domain that takes no mail (RFC 7505), and where DNS knows none.
pub async fn find_servers(resolver: &Resolver, recipients: &[Address]) -> Vec<SocketAddr> {
    let Some(domain) = recipients.first().and_then(|to| to.domain().parse::<Name>().ok()) else { return Vec::new() };
    let answer = resolver.lookup(&domain, RecordType::MX).await;
    let records = answer.data::<rdata::Mx>().map(Mx::from);
    let Ok(found) = MailHosts::of(&host_name(&domain), records) else { return Vec::new() };
    let mut servers = Vec::new();
    for Mx { exchange, .. } in &found.hosts {
        let Ok(host) = exchange.parse::<Name>() else { continue };
        let answer = resolver.lookup(&host, RecordType::A).await;
        let addresses = answer.data::<rdata::A>().map(|address| SocketAddr::new(address.0.into(), smtp::PORT));
        servers.extend(addresses.take(MOST_ADDRESSES));
    }
    servers
}

/// Sends the message and records the outcome.
pub async fn hand_over(env: &Env, recorder: &Recorder, handover: &Handover) {
    let tell = |to: &Address, reply: String, outcome| {
        recorder.tell(&HandedOver { from: &handover.from, to: &to.to_string(), reply, outcome });
    };
    let transacted = match try_hand_over(env, handover).await {
        Ok(transacted) => transacted,
        Err(error) => {
            let outcome = error.outcome();
            return handover.to.iter().for_each(|to| tell(to, error.to_string(), outcome));
        }
    };
    let lost = transacted.broken.map(|(stage, error)| HandoverError::Broken { stage, error }.to_string());
    for (to, decided) in transacted.recipients {
        match decided {
            Some((_, reply)) if reply.is_positive() => tell(&to, reply.to_string(), Outcome::Taken),
            Some((_, reply)) => tell(&to, reply.to_string(), Outcome::Refused),
            None => tell(&to, lost.clone().unwrap_or_default(), Outcome::Unanswered),
        }
    }
}

/// The session up to the reply to the final dot, then QUIT.
async fn try_hand_over(env: &Env, handover: &Handover) -> Result<Transacted, HandoverError> {
    let mut connection = connect(env, &handover.servers).await?;
    positive(Stage::Banner, connection.reply(Stage::Banner).await)?;
    let offered = hello(&mut connection, handover).await?;
    if handover.tls && offered.has("STARTTLS") {
        positive(Stage::StartTls, connection.command(&Command::StartTls, Stage::StartTls).await)?;
        // Nothing is checked against the name, so the address does for one.
        let name = handover.servers.first().map_or(String::new(), |server| server.ip().to_string());
        (connection, _) = connection.handshake(&tls::Client::new(env)?, &name).await?;
        hello(&mut connection, handover).await?;
    }
    let recipients = handover.to.iter().map(|to| (to.clone(), Parameters::new())).collect();
    let (from, message) = (handover.from.clone(), handover.message.clone());
    let transacted = connection.transact(Transaction::new(from, Parameters::new(), recipients, message)).await;
    if transacted.broken.is_none() {
        connection.quit().await;
    }
    Ok(transacted)
}

/// The first server that can be reached.
async fn connect(env: &Env, servers: &[SocketAddr]) -> Result<Connection, HandoverError> {
    let timeouts = Timeouts::each(PATIENCE);
    let mut last = HandoverError::NoServer;
    for server in servers {
        let deadline = Instant::now() + timeouts.attempt;
        match Connection::open(env, *server, timeouts.clone(), deadline).await {
            Ok(connection) => return Ok(connection),
            Err(error) => last = HandoverError::Broken { stage: Stage::Connect, error },
        }
    }
    Err(last)
}

async fn hello(connection: &mut Connection, handover: &Handover) -> Result<Capabilities, HandoverError> {
    let stage = Stage::Ehlo;
    match connection.hello(&handover.ehlo).await {
        Ok(Greeting::Welcome(capabilities)) => Ok(capabilities),
        Ok(Greeting::Refused(reply)) => Err(HandoverError::Refused { stage, reply }),
        Err(error) => Err(HandoverError::Broken { stage, error }),
    }
}

/// The session goes on with a positive reply alone.
fn positive(stage: Stage, reply: Result<Reply, Broken>) -> Result<(), HandoverError> {
    match reply {
        Ok(reply) if reply.is_positive() => Ok(()),
        Ok(reply) => Err(HandoverError::Refused { stage, reply }),
        Err(error) => Err(HandoverError::Broken { stage, error }),
    }
}
