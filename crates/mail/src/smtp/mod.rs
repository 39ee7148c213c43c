//! SMTP (RFC 5321) without sockets.
//!
//! A session is a dialogue of [`Command`]s and [`Reply`] lines; after `DATA` the message follows, whose end is CRLF `.`
//! CRLF and nothing else (§4.1.1.4). Both ends are state machines here: [`server::Session`] takes the bytes of a client
//! and asks its owner for every reply, so an engine with policies and a scripted host that answers nonsense use the
//! same one; [`client::Transaction`] says what to write next, given the replies so far. [`Stage`] names the places at
//! which a session can fail.

pub mod client;
pub mod command;
pub mod data;
pub mod fault;
pub mod reply;
pub mod server;

use std::fmt;
use std::str::FromStr;

pub use command::{Command, CommandError, ForwardPath, Parameters};
pub use data::{DataReader, dot_stuffed};
pub use reply::{Class, EnhancedCode, Reply, ReplyError, ReplyReader, printable};

/// The port of mail hosts (RFC 5321 §4.5.4.2).
pub const PORT: u16 = 25;
/// The port at which users hand in their messages (RFC 6409 §3.1).
pub const SUBMISSION_PORT: u16 = 587;

/// Where in a session something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The TCP connection.
    Connect,
    /// The server's first reply.
    Banner,
    /// `EHLO` or `HELO`.
    Ehlo,
    /// `STARTTLS` and its reply.
    StartTls,
    /// The TLS handshake.
    Handshake,
    /// `MAIL FROM`.
    Mail,
    /// `RCPT TO`.
    Rcpt,
    /// `DATA` up to its 354.
    Data,
    /// The reply to the final dot.
    Dot,
    /// `QUIT`.
    Quit,
}

impl Stage {
    /// All stages in the order of a session.
    pub const ALL: [Stage; 10] = [
        Stage::Connect,
        Stage::Banner,
        Stage::Ehlo,
        Stage::StartTls,
        Stage::Handshake,
        Stage::Mail,
        Stage::Rcpt,
        Stage::Data,
        Stage::Dot,
        Stage::Quit,
    ];

    /// The stage in one word, as in events and scenario files.
    pub fn word(self) -> &'static str {
        match self {
            Stage::Connect => "connect",
            Stage::Banner => "banner",
            Stage::Ehlo => "ehlo",
            Stage::StartTls => "starttls",
            Stage::Handshake => "handshake",
            Stage::Mail => "mail",
            Stage::Rcpt => "rcpt",
            Stage::Data => "data",
            Stage::Dot => "dot",
            Stage::Quit => "quit",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A word that names no [`Stage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a stage of an SMTP session")]
pub struct UnknownStage;

impl FromStr for Stage {
    type Err = UnknownStage;

    fn from_str(word: &str) -> Result<Stage, UnknownStage> {
        Stage::ALL.into_iter().find(|stage| stage.word() == word).ok_or(UnknownStage)
    }
}
