//! The client's shell: one connection to a server, commands out, replies in, each with its time-out.
//!
//! The caller decides what to send and how to react to the answers. [`Connection::transact`] runs a whole
//! [`Transaction`] of `mxlab-mail`.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mxlab_env::Env;
use mxlab_mail::Address;
use mxlab_mail::smtp::client::{Capabilities, Step, Transaction};
use mxlab_mail::smtp::{Command, Reply, ReplyError, ReplyReader, Stage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use crate::Wire;
use crate::tls::{CertificateFacts, Client, HandshakeError};

const MINUTE: Duration = Duration::from_secs(60);
/// Octets of a message that are written under one time-out (RFC 5321 §4.5.3.2.5 speaks of a block).
const BLOCK: usize = 64 * 1024;

/// How long each step may take. The defaults are those of RFC 5321 §4.5.3.2, which are minima, for the steps that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Opening the connection; RFC 5321 names none.
    pub connect: Duration,
    /// The greeting (§4.5.3.2.1).
    pub banner: Duration,
    /// EHLO and STARTTLS; as for MAIL.
    pub ehlo: Duration,
    /// The TLS handshake.
    pub handshake: Duration,
    /// MAIL (§4.5.3.2.2).
    pub mail: Duration,
    /// RCPT (§4.5.3.2.3).
    pub rcpt: Duration,
    /// The 354 to DATA (§4.5.3.2.4).
    pub data: Duration,
    /// Writing one block of the message (§4.5.3.2.5).
    pub block: Duration,
    /// The reply to the final dot (§4.5.3.2.6).
    pub dot: Duration,
    /// The reply to QUIT. The message is already delivered, so it is short.
    pub quit: Duration,
    /// A whole attempt over all hosts of a domain, so that hosts that are slow at every step cannot hold it for hours.
    /// The step that is under way then times out, and no further host is called. RFC 5321 names none.
    pub attempt: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            connect: MINUTE / 2,
            banner: 5 * MINUTE,
            ehlo: 5 * MINUTE,
            handshake: MINUTE,
            mail: 5 * MINUTE,
            rcpt: 5 * MINUTE,
            data: 2 * MINUTE,
            block: 3 * MINUTE,
            dot: 10 * MINUTE,
            quit: MINUTE / 6,
            attempt: 30 * MINUTE,
        }
    }
}

impl Timeouts {
    /// The same time for every step.
    pub fn each(step: Duration) -> Timeouts {
        Timeouts {
            connect: step,
            banner: step,
            ehlo: step,
            handshake: step,
            mail: step,
            rcpt: step,
            data: step,
            block: step,
            dot: step,
            quit: step,
            ..Timeouts::default()
        }
    }

    /// How long the reply at a stage may take, or the stage itself where no reply is due.
    fn of(&self, stage: Stage) -> Duration {
        match stage {
            Stage::Connect => self.connect,
            Stage::Banner => self.banner,
            Stage::Ehlo | Stage::StartTls => self.ehlo,
            Stage::Handshake => self.handshake,
            Stage::Mail => self.mail,
            Stage::Rcpt => self.rcpt,
            Stage::Data => self.data,
            Stage::Dot => self.dot,
            Stage::Quit => self.quit,
        }
    }
}

/// What breaks a session, in contrast to a negative reply.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// Nothing came in time, or there is no machine at the address.
    #[error("timed out")]
    TimedOut,
    /// Nothing listens at the port.
    #[error("connection refused")]
    Refused,
    /// The server closed or reset the connection.
    #[error("connection closed")]
    Closed,
    /// The server sent something that is not a reply.
    #[error("no SMTP: {0}")]
    Garbage(ReplyError),
    /// The machine failed.
    #[error("{0}")]
    Other(io::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Broken {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Broken::Refused,
            // An unreachable address looks the same as one that swallows everything, only sooner.
            io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                Broken::TimedOut
            }
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::NotConnected
            | io::ErrorKind::BrokenPipe => Broken::Closed,
            _ => Broken::Other(error),
        }
    }
}

impl Broken {
    /// What happened at a stage, as a clause after the host's name.
    pub fn clause(&self, stage: Stage) -> String {
        match (self, stage) {
            (Broken::TimedOut, Stage::Connect) => "does not answer".to_owned(),
            (Broken::TimedOut, _) => format!("stalls at {}", step(stage)),
            (Broken::Refused, _) => "refuses the connection".to_owned(),
            (Broken::Closed, _) => format!("closes the connection at {}", step(stage)),
            (Broken::Garbage(error), _) => format!("does not speak SMTP at {}: {error}", step(stage)),
            (Broken::Other(error), _) => format!("is lost at {}: {error}", step(stage)),
        }
    }
}

/// The step of a session in words.
pub fn step(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect => "connecting",
        Stage::Banner => "the greeting",
        Stage::Ehlo => "EHLO",
        Stage::StartTls => "STARTTLS",
        Stage::Handshake => "the TLS handshake",
        Stage::Mail => "MAIL",
        Stage::Rcpt => "RCPT",
        Stage::Data => "DATA",
        Stage::Dot => "the final dot",
        Stage::Quit => "QUIT",
    }
}

/// What the server answers to EHLO or HELO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Greeting {
    /// It accepts the client and offers these extensions; none after HELO.
    Welcome(Capabilities),
    /// It refuses.
    Refused(Reply),
}

/// The outcome of a transaction.
#[derive(Debug)]
pub struct Transacted {
    /// For each recipient, in their order, the reply that decided and its stage; none if the connection broke before
    /// there was one. A positive reply is always that to the final dot: the server has the message.
    pub recipients: Vec<(Address, Option<(Stage, Reply)>)>,
    /// Where the connection broke and how, if it did.
    pub broken: Option<(Stage, Broken)>,
}

/// An open connection.
pub struct Connection {
    wire: Box<dyn Wire>,
    replies: ReplyReader,
    timeouts: Timeouts,
    deadline: Instant,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

impl Connection {
    /// Connects to a server. No step of the connection goes beyond `deadline`.
    ///
    /// # Errors
    /// If there is no connection in time.
    pub async fn open(env: &Env, to: SocketAddr, timeouts: Timeouts, deadline: Instant) -> Result<Connection, Broken> {
        let until = deadline.min(Instant::now() + timeouts.connect);
        let stream = timeout_at(until, env.connect(to)).await.map_err(|_| Broken::TimedOut)??;
        Ok(Connection::over(Box::new(stream), timeouts, deadline))
    }

    fn over(wire: Box<dyn Wire>, timeouts: Timeouts, deadline: Instant) -> Connection {
        Connection { wire, replies: ReplyReader::new(), timeouts, deadline }
    }

    /// Waits for the server's next reply.
    ///
    /// # Errors
    /// If none comes.
    pub async fn reply(&mut self, stage: Stage) -> Result<Reply, Broken> {
        let until = self.until(self.timeouts.of(stage));
        timeout_at(until, self.next_reply()).await.map_err(|_| Broken::TimedOut)?
    }

    /// Sends a command and waits for the reply.
    ///
    /// # Errors
    /// If none comes.
    pub async fn command(&mut self, command: &Command, stage: Stage) -> Result<Reply, Broken> {
        self.exchange(&command.to_wire(), stage).await
    }

    /// Sends octets as they are, and waits for no reply.
    ///
    /// # Errors
    /// If they cannot be sent.
    pub async fn say(&mut self, bytes: &[u8], stage: Stage) -> Result<(), Broken> {
        self.write(bytes, stage).await
    }

    /// EHLO, or HELO where EHLO is not known (RFC 5321 §3.2).
    ///
    /// # Errors
    /// If no reply comes.
    pub async fn hello(&mut self, name: &str) -> Result<Greeting, Broken> {
        let reply = self.command(&Command::Ehlo(name.to_owned()), Stage::Ehlo).await?;
        if reply.is_positive() {
            return Ok(Greeting::Welcome(Capabilities::from_reply(&reply)));
        }
        if !matches!(reply.code, 500 | 502) {
            return Ok(Greeting::Refused(reply));
        }
        let reply = self.command(&Command::Helo(name.to_owned()), Stage::Ehlo).await?;
        match reply.is_positive() {
            true => Ok(Greeting::Welcome(Capabilities::default())),
            false => Ok(Greeting::Refused(reply)),
        }
    }

    /// The TLS handshake, after a positive reply to STARTTLS. EHLO has to be sent again (RFC 3207 §4.2).
    ///
    /// # Errors
    /// Anything that prevents the handshake. Then the connection cannot be used any more, and is closed.
    pub async fn handshake(
        self,
        client: &Client,
        name: &str,
    ) -> Result<(Connection, CertificateFacts), HandshakeError> {
        if !self.replies.is_empty() {
            return Err(HandshakeError::Injected);
        }
        let until = self.until(self.timeouts.handshake);
        let handshake = client.handshake(self.wire, name);
        let (stream, certificate) = timeout_at(until, handshake).await.map_err(|_| HandshakeError::Stalled)??;
        Ok((Connection::over(Box::new(stream), self.timeouts, self.deadline), certificate))
    }

    /// Runs a transaction from MAIL to the reply to the final dot.
    pub async fn transact(&mut self, mut transaction: Transaction) -> Transacted {
        let mut broken = None;
        // However the server answers, a transaction has only so many steps.
        for _ in 0..transaction.most_steps() {
            let Step::Write { stage, bytes } = transaction.next_step() else { break };
            match self.exchange(&bytes, stage).await {
                Ok(reply) => transaction.answered(reply),
                Err(error) => {
                    broken = Some((stage, error));
                    break;
                }
            }
        }
        Transacted { recipients: transaction.into_recipients(), broken }
    }

    /// Ends the session with QUIT. The outcome does not matter.
    pub async fn quit(mut self) {
        // The attempt is over; QUIT has its own short time.
        self.deadline = Instant::now() + 2 * self.timeouts.quit;
        let _ = self.command(&Command::Quit, Stage::Quit).await;
        let _ = timeout(self.timeouts.quit, self.wire.shutdown()).await;
    }

    async fn exchange(&mut self, bytes: &[u8], stage: Stage) -> Result<Reply, Broken> {
        match self.write(bytes, stage).await {
            Ok(()) => self.reply(stage).await,
            Err(Broken::TimedOut) => Err(Broken::TimedOut),
            Err(broken) => self.last_words(stage).await.ok_or(broken),
        }
    }

    /// Why a server closed the connection while the client was speaking, if it said so: 421, or 552 in the middle of a message
    /// (RFC 5321 §3.8). What is positive answers nothing that was said to its end.
    async fn last_words(&mut self, stage: Stage) -> Option<Reply> {
        let reply = self.reply(stage).await.ok()?;
        matches!(reply.code, 400..=599).then_some(reply)
    }

    async fn write(&mut self, bytes: &[u8], stage: Stage) -> Result<(), Broken> {
        let limit = if stage == Stage::Dot { self.timeouts.block } else { self.timeouts.of(stage) };
        for block in bytes.chunks(BLOCK) {
            let until = self.until(limit);
            let write = async {
                self.wire.write_all(block).await?;
                self.wire.flush().await
            };
            timeout_at(until, write).await.map_err(|_| Broken::TimedOut)??;
        }
        Ok(())
    }

    async fn next_reply(&mut self) -> Result<Reply, Broken> {
        let mut buffer = vec![0; 4096];
        loop {
            if let Some(reply) = self.replies.next_reply().map_err(Broken::Garbage)? {
                return Ok(reply);
            }
            let read = self.wire.read(&mut buffer).await?;
            if read == 0 {
                return Err(Broken::Closed);
            }
            self.replies.push(buffer.get(..read).unwrap_or_default());
        }
    }

    /// When a step that begins now has to be done.
    fn until(&self, limit: Duration) -> Instant {
        self.deadline.min(Instant::now() + limit)
    }
}
