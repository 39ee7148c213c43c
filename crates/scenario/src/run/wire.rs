//! The wire as seen by everybody on the path: the parts of mail that cross it in clear.
//!
//! Sessions to port 25 are read as a listener reads them, line by line, until TLS begins. A recipient's address in a
//! command is recorded, and a message whose header passes in clear is recorded by its Message-ID for each of its
//! recipients.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use mxlab_record::{Event, Fields};

/// A part of a message that everybody on the path can read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InClear {
    /// The recipient.
    pub(crate) to: String,
    /// Its destination server.
    pub(crate) server: String,
    /// The Message-ID, once the header has passed.
    pub(crate) message: Option<String>,
}

impl Event for InClear {
    fn kind(&self) -> &'static str {
        "in-clear"
    }
    fn fields(&self) -> Fields {
        Fields::new()
            .with("to", self.to.as_str())
            .with("server", self.server.as_str())
            .with_some("message", self.message.as_deref())
    }
    fn story(&self) -> Vec<String> {
        vec![match &self.message {
            None => format!("everybody on the path to {} can read `RCPT TO:<{}>`", self.server, self.to),
            Some(_) => format!("everybody on the path to {} can read the message for {}", self.server, self.to),
        }]
    }
}

/// The longest line that a listener keeps.
const MAX_LINE: usize = 4096;
/// The most sessions that a listener follows at a time.
const MAX_SESSIONS: usize = 10_000;

/// What a packet does to its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packet {
    /// It opens it (SYN).
    Opens,
    /// It carries on.
    Goes,
    /// It is the last one of its direction, or of the connection (FIN, RST).
    Ends,
}

/// One direction of one session: what the client sends.
#[derive(Default)]
struct Session {
    line: Vec<u8>,
    recipients: Vec<String>,
    /// TLS has begun, or nobody can follow any more.
    opaque: bool,
}

/// A listener on the wire.
#[derive(Default)]
pub(crate) struct Listener {
    sessions: BTreeMap<(SocketAddr, SocketAddr), Session>,
}

impl Listener {
    /// What the listener learns from a packet of a session to port 25: recipients and Message-IDs, to be completed with
    /// the server's name.
    pub(crate) fn hear(&mut self, from: SocketAddr, to: SocketAddr, packet: Packet, payload: &[u8]) -> Vec<InClear> {
        if to.port() != mxlab_mail::smtp::PORT {
            return Vec::new();
        }
        let session = (from, to);
        if packet == Packet::Opens {
            // An address and port may be used again by a later session.
            self.sessions.remove(&session);
        }
        let follows = self.sessions.len() < MAX_SESSIONS || self.sessions.contains_key(&session);
        let heard = match payload {
            [] => Vec::new(),
            _ if !follows => Vec::new(),
            payload => self.sessions.entry(session).or_default().hear(payload),
        };
        if packet == Packet::Ends {
            self.sessions.remove(&session);
        }
        heard
    }
}

impl Session {
    fn hear(&mut self, payload: &[u8]) -> Vec<InClear> {
        let mut heard = Vec::new();
        for byte in payload {
            // RFC 8446 §5.1: a TLS session begins with a record of type handshake; no line does.
            self.opaque |= self.line.is_empty() && *byte == 0x16;
            if self.opaque {
                break;
            }
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.hear_line(&String::from_utf8_lossy(&line), &mut heard);
            } else if self.line.len() < MAX_LINE {
                self.line.push(*byte);
            }
        }
        heard
    }

    fn hear_line(&mut self, line: &str, heard: &mut Vec<InClear>) {
        let Some((word, rest)) = line.split_once(':') else { return };
        let tell = |to: &String, message| InClear { to: to.clone(), server: String::new(), message };
        let in_brackets = || Some(rest.trim_start().strip_prefix('<')?.split_once('>')?.0.to_owned());
        if word.eq_ignore_ascii_case("MAIL FROM") {
            self.recipients.clear();
        } else if word.eq_ignore_ascii_case("RCPT TO") {
            if let Some(to) = in_brackets() {
                heard.push(tell(&to, None));
                self.recipients.push(to);
            }
        } else if word.eq_ignore_ascii_case("Message-ID")
            && let Some(id) = in_brackets()
        {
            heard.extend(self.recipients.iter().map(|to| tell(to, Some(id.clone()))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(packets: &[&[u8]], expected: &[(&str, Option<&str>)]) {
        let (from, to) = ("192.0.2.1:40000".parse().unwrap(), "192.0.2.2:25".parse().unwrap());
        let mut listener = Listener::default();
        let heard: Vec<InClear> =
            packets.iter().flat_map(|packet| listener.hear(from, to, Packet::Goes, packet)).collect();
        let heard: Vec<_> = heard.iter().map(|told| (told.to.as_str(), told.message.as_deref())).collect();
        assert_eq!(heard, expected);
    }

    #[test]
    fn recipients_and_messages_are_read_in_clear() {
        check(&[b"RCPT TO:<bo@fabrikam.example>\r\n"], &[("bo@fabrikam.example", None)]);
        check(&[b"rcpt to: <bo@fabrikam.example> NOTIFY=NEVER\r\n"], &[("bo@fabrikam.example", None)]);
        // A line in two packets.
        check(&[b"RCPT TO:<bo@fab", b"rikam.example>\r\n"], &[("bo@fabrikam.example", None)]);
        check(
            &[
                b"MAIL FROM:<a@b.example>\r\n",
                b"RCPT TO:<bo@c.example>\r\n",
                b"DATA\r\n",
                b"Message-ID: <1@b.example>\r\n",
            ],
            &[("bo@c.example", None), ("bo@c.example", Some("1@b.example"))],
        );
    }

    #[test]
    fn inside_tls_nothing_is_read() {
        check(&[b"STARTTLS\r\n", &[0x16, 3, 1], b"RCPT TO:<bo@fabrikam.example>\r\n"], &[]);
    }

    #[test]
    fn other_ports_are_not_listened_to() {
        let (from, to) = ("192.0.2.1:40000".parse().unwrap(), "192.0.2.2:587".parse().unwrap());
        assert!(Listener::default().hear(from, to, Packet::Goes, b"RCPT TO:<bo@fabrikam.example>\r\n").is_empty());
    }

    #[test]
    fn sessions_that_have_ended_leave_room_for_others() {
        let to = "192.0.2.2:25".parse().unwrap();
        let mut listener = Listener::default();
        let mut command = |ip: u32, packet: Packet| {
            let from = SocketAddr::new(std::net::Ipv4Addr::from(ip).into(), 40_000);
            listener.hear(from, to, packet, b"RCPT TO:<bo@fabrikam.example>\r\n").len()
        };
        for client in 0..3 * MAX_SESSIONS as u32 {
            assert_eq!((command(client, Packet::Opens), command(client, Packet::Ends)), (1, 1));
        }
        // Of sessions that last, those that are known are heard to their end.
        for client in 0..MAX_SESSIONS as u32 {
            assert_eq!(command(client, Packet::Opens), 1);
        }
        assert_eq!((command(MAX_SESSIONS as u32, Packet::Opens), command(0, Packet::Goes)), (0, 1));
    }
}
