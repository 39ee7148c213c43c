//! What a mail server can do wrong on purpose, in place of the answer that is due at a [`Stage`](super::Stage).
//!
//! A lapse is data. Whoever plays the server carries it out.

use super::{Class, EnhancedCode, Reply};

/// What a server does in place of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instead {
    /// It gives this reply. Where no reply is due, before the greeting and in the handshake, that does nothing.
    Reply(Reply),
    /// It says these octets, and nothing after them.
    Octets(&'static [u8]),
    /// It gives the usual answer; when the client goes on, it breaks in with this reply and closes the connection.
    Interrupt(Reply),
    /// It gives its answer, and these octets with it, as somebody on the path would put them there; then it goes on.
    Followed(Vec<u8>),
    /// It closes the connection.
    Close,
    /// It says nothing and keeps the connection.
    Stall,
}

/// In the handshake: a record of type alert, TLS 1.2 on the wire, two octets long: fatal, `handshake_failure`
/// (RFC 8446 §5.1, §6).
pub const FATAL_ALERT: &[u8] = &[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28];

/// In the handshake: what a server says that takes the ClientHello for a command.
pub const NO_TLS: &[u8] = b"500 5.5.1 Command unrecognized\r\n";

/// The reply to STARTTLS of a server that cannot do it now (RFC 3207 §4).
pub fn tls_not_available() -> Reply {
    let code = EnhancedCode::new(Class::Transient, 7, 0);
    Reply::enhanced(454, code, "TLS not available due to temporary reason")
}
