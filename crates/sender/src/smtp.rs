//! One SMTP session with one MX host (RFC 5321, RFC 3207): from the connection to the reply to the final dot.
//!
//! What the host has to prove is given as a [`Demand`]; [`demand::decide`] compares it with what TLS showed, before the first
//! command inside TLS. A host that must be authenticated never sees a command of the message in clear. Without such a
//! demand TLS is opportunistic (RFC 7435): if it fails, the host is tried once more without it.
//!
//! Every wait has its time-out. Those of RFC 5321 §4.5.3.2 are minima for the steps that it names.

use std::net::{IpAddr, SocketAddr};

use mxlab_env::Env;
use mxlab_mail::smtp::client::{Capabilities, Transaction};
use mxlab_mail::smtp::{Class, Command, Parameters, Reply, Stage};
use mxlab_mail::{Address, ReversePath};
pub(crate) use mxlab_smtp::client::step;
use mxlab_smtp::client::{Broken, Greeting};
pub use mxlab_smtp::client::{Connection, Timeouts};
use mxlab_smtp::tls;
use tokio::time::Instant;

use crate::Profile;
use crate::condition::Condition;
use crate::demand::{self, Decision, Demand, TlsFacts, TlsVerdict};
use crate::outcome::{Cause, DeliveryFailure, Problem};

/// Who calls, and how.
#[derive(Clone, Debug)]
pub struct Client {
    /// The machine.
    pub env: Env,
    /// The name for EHLO.
    pub name: String,
    /// The port to connect to; 25, except in tests on a machine where others use that.
    pub port: u16,
    /// Whose rules decide about certificates.
    pub profile: Profile,
    /// How long each step may take.
    pub timeouts: Timeouts,
    /// The client's side of TLS.
    pub tls: tls::Client,
}

/// The host to connect to, and the requirements.
#[derive(Clone, Debug)]
pub struct Target {
    /// The host's full name.
    pub host: String,
    /// Its addresses, in the order in which they are called.
    pub addresses: Vec<IpAddr>,
    /// What DNS demands.
    pub demand: Demand,
}

impl Target {
    /// The name for SNI: the TLSA base domain, or the host's own.
    fn server_name(&self) -> &str {
        match &self.demand {
            Demand::Dane { names, .. } => names.first().unwrap_or(&self.host),
            Demand::Opportunistic | Demand::Encrypted => &self.host,
        }
    }
}

/// A message with an envelope.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The reverse-path.
    pub from: ReversePath,
    /// The recipients; at least one.
    pub to: Vec<Address>,
    /// The message, with CRLF line ends.
    pub message: Vec<u8>,
}

/// How the session was protected when the message went through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    None,
    /// By TLS, with a host that is not authenticated.
    Tls,
    /// By TLS, with a host that DANE has authenticated.
    Dane,
}

impl Security {
    /// The word for it in events.
    pub const fn word(self) -> &'static str {
        match self {
            Security::None => "none",
            Security::Tls => "tls",
            Security::Dane => "dane",
        }
    }
}

/// The outcome of a session with a host.
#[derive(Debug)]
pub struct SessionOutcome {
    /// For each recipient, in their order: taken, or why not.
    pub results: Vec<Result<(), DeliveryFailure>>,
    /// The address that answered.
    pub ip: Option<IpAddr>,
    /// How the session was protected; none if it did not get as far as the message.
    pub security: Option<Security>,
    /// The verdict on TLS, if there was one.
    pub decision: Option<Decision>,
    /// In one line, what went wrong with the session as a whole; none if the message got its replies.
    pub problem: Option<String>,
    /// The session, still open, if it is in order.
    pub open: Option<Connection>,
}

/// Why a session ended before the message: the failure of all recipients.
struct Ended {
    failure: DeliveryFailure,
    problem: String,
    decision: Option<Decision>,
    open: Option<Connection>,
}

/// A session that is ready for the message.
struct Ready {
    connection: Connection,
    capabilities: Capabilities,
    security: Security,
    decision: Option<Decision>,
}

/// The outcome of a first connection.
enum Called {
    Ready(Box<Ready>),
    /// TLS made the connection unusable, but clear text is allowed.
    AgainInClear(Decision),
}

/// How a session goes on when it is decided that it may.
enum Continue {
    /// On this connection, inside TLS, where EHLO has to be said again (RFC 3207 §4.2).
    Open(Connection),
    /// On this connection, in clear; the host has said what it can do.
    Greeted(Connection, Capabilities),
    /// With a new connection in clear: TLS has spoilt this one.
    Anew,
}

/// A call at one address of a host.
#[derive(Clone, Copy)]
struct Call<'a> {
    target: &'a Target,
    ip: IpAddr,
    deadline: Instant,
}

impl Client {
    /// Connects to a host and sends the message. At `deadline` the current step times out.
    pub async fn deliver(&self, target: &Target, outgoing: &Outgoing, deadline: Instant) -> SessionOutcome {
        let (ip, called) = self.call_any(target, deadline).await;
        let mut outcome = match called {
            Ok(ready) => self.transact(target, outgoing, ready, ip).await,
            Err(ended) => SessionOutcome {
                results: vec![Err(ended.failure); outgoing.to.len()],
                ip,
                security: None,
                decision: ended.decision,
                problem: Some(ended.problem),
                open: ended.open,
            },
        };
        for failure in outcome.results.iter_mut().filter_map(|result| result.as_mut().err()) {
            failure.ip = ip;
        }
        outcome
    }

    /// Calls the host's addresses in turn until one is ready for the message (RFC 5321 §5.1). A 5xx reply counts for
    /// the host, whichever address gives it; any other failure counts for the address. The last address tried decides
    /// for the host.
    async fn call_any(&self, target: &Target, deadline: Instant) -> (Option<IpAddr>, Result<Ready, Ended>) {
        let mut result = (None, Err(broken(target, Stage::Connect, &Broken::TimedOut)));
        for ip in &target.addresses {
            if result.0.is_some() && Instant::now() >= deadline {
                break;
            }
            if let Err(ended) = &mut result.1
                && let Some(open) = ended.open.take()
            {
                open.quit().await;
            }
            let called = self.call(Call { target, ip: *ip, deadline }).await;
            let next = matches!(&called, Err(ended) if !ended.failure.is_permanent());
            result = (Some(*ip), called);
            if !next {
                break;
            }
        }
        result
    }

    /// Calls an address with TLS, and once more without where TLS has failed and may.
    async fn call(&self, call: Call<'_>) -> Result<Ready, Ended> {
        match self.call_with_tls(call).await? {
            Called::Ready(ready) => Ok(*ready),
            Called::AgainInClear(decision) => {
                let (connection, capabilities) = self.greet(call).await?;
                Ok(Ready { connection, capabilities, security: Security::None, decision: Some(decision) })
            }
        }
    }

    /// Connects and greets.
    async fn greet(&self, call: Call<'_>) -> Result<(Connection, Capabilities), Ended> {
        let Call { target, ip, deadline } = call;
        let at = |stage| move |error: Broken| broken(target, stage, &error);
        let address = SocketAddr::new(ip, self.port);
        let opened = Connection::open(&self.env, address, self.timeouts.clone(), deadline).await;
        let mut connection = opened.map_err(at(Stage::Connect))?;
        let banner = connection.reply(Stage::Banner).await.map_err(at(Stage::Banner))?;
        if !banner.is_positive() {
            return Err(refused(target, Stage::Banner, banner, connection));
        }
        self.hello(target, connection).await
    }

    /// Connects, greets, tries STARTTLS; then decides.
    async fn call_with_tls(&self, call: Call<'_>) -> Result<Called, Ended> {
        let target = call.target;
        let (mut connection, capabilities) = self.greet(call).await?;
        if !capabilities.has("STARTTLS") {
            return self.decide(target, TlsFacts::NotOffered, Continue::Greeted(connection, capabilities)).await;
        }
        match connection.command(&Command::StartTls, Stage::StartTls).await {
            Ok(reply) if reply.is_positive() => self.secure(target, connection).await,
            Ok(reply) => {
                let facts = TlsFacts::Refused { reply: reply.to_string() };
                self.decide(target, facts, Continue::Greeted(connection, capabilities)).await
            }
            Err(error) => {
                let facts = TlsFacts::Unanswered { cause: format!("it {}", error.clause(Stage::StartTls)) };
                self.decide(target, facts, Continue::Anew).await
            }
        }
    }

    async fn hello(&self, target: &Target, mut connection: Connection) -> Result<(Connection, Capabilities), Ended> {
        let at = |error: Broken| broken(target, Stage::Ehlo, &error);
        match connection.hello(&self.name).await.map_err(at)? {
            Greeting::Welcome(capabilities) => Ok((connection, capabilities)),
            Greeting::Refused(reply) => Err(refused(target, Stage::Ehlo, reply, connection)),
        }
    }

    /// The handshake, and the decision.
    async fn secure(&self, target: &Target, connection: Connection) -> Result<Called, Ended> {
        match connection.handshake(&self.tls, target.server_name()).await {
            Ok((connection, certificate)) => {
                self.decide(target, TlsFacts::Established(certificate), Continue::Open(connection)).await
            }
            Err(error) => {
                let facts = TlsFacts::HandshakeFailed { cause: error.to_string() };
                self.decide(target, facts, Continue::Anew).await
            }
        }
    }

    /// Compares what TLS showed with what DNS requires.
    async fn decide(&self, target: &Target, facts: TlsFacts, how: Continue) -> Result<Called, Ended> {
        let decision = demand::decide(&target.demand, &facts, self.env.now(), self.profile);
        let (security, condition) = match decision.verdict {
            TlsVerdict::Clear => (Security::None, None),
            TlsVerdict::Encrypted => (Security::Tls, None),
            TlsVerdict::Authenticated => (Security::Dane, None),
            TlsVerdict::Fail(condition) => (Security::None, Some(condition)),
            TlsVerdict::NotSupportedYet => (Security::None, Some(Condition::TlsaInvalid)),
        };
        if let Some(condition) = condition {
            let problem = decision.problem.unwrap_or(Problem::TlsaMismatch);
            let failure = failed(target, facts.stage(), Cause::Condition(condition), problem);
            let open = match how {
                Continue::Greeted(connection, _) => Some(connection),
                // Nothing is sent inside TLS to a host that is not the one that DNS names, not even QUIT.
                Continue::Open(_) | Continue::Anew => None,
            };
            return Err(Ended { failure, problem: decision.summary.clone(), decision: Some(decision), open });
        }
        let (connection, capabilities) = match how {
            Continue::Open(connection) => self.hello(target, connection).await?,
            Continue::Greeted(connection, capabilities) => (connection, capabilities),
            Continue::Anew => return Ok(Called::AgainInClear(decision)),
        };
        Ok(Called::Ready(Box::new(Ready { connection, capabilities, security, decision: Some(decision) })))
    }

    /// MAIL to the final dot.
    async fn transact(&self, target: &Target, outgoing: &Outgoing, ready: Ready, ip: Option<IpAddr>) -> SessionOutcome {
        let Ready { mut connection, capabilities, security, decision } = ready;
        if !outgoing.message.is_ascii() && !capabilities.has("8BITMIME") {
            // RFC 6152 §3: convert or return. Another host of the domain may take it, so the stage is where this one said
            // what it offers.
            let cause = Cause::Condition(Condition::EightBitNotSupported);
            let failure = failed(target, Stage::Ehlo, cause, Problem::EightBit);
            let problem = Some("it does not offer 8BITMIME, and the message has 8-bit content".to_owned());
            let results = vec![Err(failure); outgoing.to.len()];
            let open = Some(connection);
            return SessionOutcome { results, ip, security: None, decision, problem, open };
        }
        let recipients = outgoing.to.iter().map(|to| (to.clone(), Parameters::new())).collect();
        let parameters = mail_parameters(&capabilities, &outgoing.message);
        let transaction = Transaction::new(outgoing.from.clone(), parameters, recipients, outgoing.message.clone());
        let transacted = connection.transact(transaction).await;
        let lost = transacted.broken.map(|(stage, error)| broken(target, stage, &error));
        let results = transacted.recipients.into_iter().map(|(_, decided)| match (decided, &lost) {
            (Some((stage, reply)), _) => judge(target, stage, reply),
            (None, Some(ended)) => Err(ended.failure.clone()),
            // Not reached: without a break every recipient has a reply.
            (None, None) => Err(broken(target, Stage::Dot, &Broken::Closed).failure),
        });
        let results = results.collect();
        let (problem, open) = match lost {
            Some(ended) => (Some(ended.problem), None),
            None => (None, Some(connection)),
        };
        SessionOutcome { results, ip, security: Some(security), decision, problem, open }
    }
}

/// The parameters of MAIL for the server's extensions (RFC 1870, RFC 6152).
fn mail_parameters(capabilities: &Capabilities, message: &[u8]) -> Parameters {
    let mut parameters = Parameters::new();
    if capabilities.has("SIZE") {
        parameters = parameters.with("SIZE", message.len().to_string());
    }
    if capabilities.has("8BITMIME") && !message.is_ascii() {
        parameters = parameters.with("BODY", "8BITMIME");
    }
    parameters
}

/// The effect of the deciding reply on a recipient.
fn judge(target: &Target, stage: Stage, reply: Reply) -> Result<(), DeliveryFailure> {
    if stage == Stage::Dot && reply.is_positive() {
        return Ok(());
    }
    let reply = if stage == Stage::Rcpt { too_many_recipients(reply) } else { reply };
    // A 2xx or 3xx where it makes no sense is not SMTP.
    let negative = reply.is_transient() || reply.is_permanent();
    let (cause, problem) = match negative {
        true => (Cause::Reply(reply), Problem::Reply),
        false => (Cause::Condition(Condition::CannotConnect), Problem::NoSmtp),
    };
    Err(failed(target, stage, cause, problem))
}

/// RFC 5321 §4.5.3.1.10: 552 for too many recipients is an old mistake for 452. If an enhanced code says something
/// else, such as 5.2.2 for a full mailbox, that counts.
fn too_many_recipients(reply: Reply) -> Reply {
    let meant = reply.enhanced.is_none_or(|enhanced| (enhanced.subject, enhanced.detail) == (5, 3));
    if reply.code != 552 || !meant {
        return reply;
    }
    let enhanced = reply.enhanced.map(|enhanced| enhanced.with_class(Class::Transient));
    Reply { code: 452, enhanced, ..reply }
}

fn failed(target: &Target, stage: Stage, cause: Cause, problem: Problem) -> DeliveryFailure {
    let host = Some(target.host.clone());
    DeliveryFailure { cause, host, stage: Some(stage), ip: None, problem, domain: None }
}

fn broken(target: &Target, stage: Stage, error: &Broken) -> Ended {
    let (condition, problem) = match error {
        Broken::TimedOut => (Condition::ConnectionTimedOut, Problem::TimedOut),
        Broken::Refused => (Condition::ConnectionRefused, Problem::Refused),
        Broken::Closed => (Condition::ConnectionClosed, Problem::Closed),
        Broken::Garbage(_) => (Condition::CannotConnect, Problem::NoSmtp),
        Broken::Other(_) if stage == Stage::Connect => (Condition::CannotConnect, Problem::Closed),
        Broken::Other(_) => (Condition::ConnectionClosed, Problem::Closed),
    };
    Ended {
        failure: failed(target, stage, Cause::Condition(condition), problem),
        problem: format!("it {}", error.clause(stage)),
        decision: None,
        open: None,
    }
}

fn refused(target: &Target, stage: Stage, reply: Reply, connection: Connection) -> Ended {
    let problem = format!("it answers {} with {reply}", step(stage));
    let failure = match judge(target, stage, reply) {
        Err(failure) => failure,
        Ok(()) => failed(target, stage, Cause::Condition(Condition::CannotConnect), Problem::NoSmtp),
    };
    Ended { failure, problem, decision: None, open: Some(connection) }
}
