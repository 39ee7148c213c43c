//! One connection to a host: commands out, replies in, each with its time-out, and the ways in which it can break.

use std::io;
use std::time::Duration;

use mxlab_mail::smtp::{Command, Reply, ReplyError, ReplyReader, Stage};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use crate::condition::Condition;
use crate::outcome::Problem;

const MINUTE: Duration = Duration::from_secs(60);
/// Octets of a message that are written under one time-out (RFC 5321 §4.5.3.2.5 speaks of a block).
const BLOCK: usize = 64 * 1024;

/// How long each step may take.
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
#[derive(Debug)]
pub(super) enum Broken {
    TimedOut,
    Refused,
    Closed,
    Garbage(ReplyError),
    Other(io::Error),
}

impl Broken {
    pub(super) fn from_io(error: io::Error) -> Broken {
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

    pub(super) fn condition(&self, stage: Stage) -> Condition {
        match self {
            Broken::TimedOut => Condition::ConnectionTimedOut,
            Broken::Refused => Condition::ConnectionRefused,
            Broken::Closed => Condition::ConnectionClosed,
            Broken::Garbage(_) => Condition::CannotConnect,
            Broken::Other(_) if stage == Stage::Connect => Condition::CannotConnect,
            Broken::Other(_) => Condition::ConnectionClosed,
        }
    }

    pub(super) fn problem(&self) -> Problem {
        match self {
            Broken::TimedOut => Problem::TimedOut,
            Broken::Refused => Problem::Refused,
            Broken::Closed | Broken::Other(_) => Problem::Closed,
            Broken::Garbage(_) => Problem::NoSmtp,
        }
    }

    /// What happened, as a clause after the host's name.
    pub(super) fn clause(&self, stage: Stage) -> String {
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
pub(crate) fn step(stage: Stage) -> &'static str {
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

/// A byte stream, in clear or not.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// An open session.
pub struct Connection {
    pub(super) wire: Box<dyn Wire>,
    pub(super) replies: ReplyReader,
    pub(super) timeouts: Timeouts,
    pub(super) deadline: Instant,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection")
    }
}

impl Connection {
    pub(super) async fn write(&mut self, bytes: &[u8], stage: Stage) -> Result<(), Broken> {
        let limit = if stage == Stage::Dot { self.timeouts.block } else { self.timeouts.of(stage) };
        for block in bytes.chunks(BLOCK) {
            let until = self.until(limit);
            let write = async {
                self.wire.write_all(block).await?;
                self.wire.flush().await
            };
            timeout_at(until, write).await.map_err(|_| Broken::TimedOut)?.map_err(Broken::from_io)?;
        }
        Ok(())
    }

    pub(super) async fn reply(&mut self, stage: Stage) -> Result<Reply, Broken> {
        let until = self.until(self.timeouts.of(stage));
        timeout_at(until, self.next_reply()).await.map_err(|_| Broken::TimedOut)?
    }

    /// When a step that begins now has to be done.
    pub(super) fn until(&self, limit: Duration) -> Instant {
        self.deadline.min(Instant::now() + limit)
    }

    async fn next_reply(&mut self) -> Result<Reply, Broken> {
        let mut buffer = vec![0; 4096];
        loop {
            if let Some(reply) = self.replies.next_reply().map_err(Broken::Garbage)? {
                return Ok(reply);
            }
            let read = self.wire.read(&mut buffer).await.map_err(Broken::from_io)?;
            if read == 0 {
                return Err(Broken::Closed);
            }
            self.replies.push(buffer.get(..read).unwrap_or_default());
        }
    }

    pub(super) async fn command(&mut self, command: &Command, stage: Stage) -> Result<Reply, Broken> {
        self.write(&command.to_wire(), stage).await?;
        self.reply(stage).await
    }

    /// Ends the session with QUIT. The outcome does not matter.
    pub async fn quit(mut self) {
        // The attempt is over; QUIT has its own short time.
        self.deadline = Instant::now() + 2 * self.timeouts.quit;
        let _ = self.command(&Command::Quit, Stage::Quit).await;
        let _ = timeout(self.timeouts.quit, self.wire.shutdown()).await;
    }
}
