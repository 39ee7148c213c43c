//! The wire as seen by everybody on the path: the parts of mail that cross it in clear.
//!
//! Sessions with port 25 are read as a listener reads them, line by line and in both directions, until TLS begins. A
//! recipient's address in a command is recorded. A message whose header passes in clear is recorded by its Message-ID for
//! each recipient that the server has accepted: one that was refused gets no message, so nobody reads one for it. If a
//! session ends before the server has said so, the message has been read for the recipients without an answer too.
//!
//! Each command has one reply, in order (RFC 5321 §4.1.4, RFC 2920 §3.1), so the listener knows which reply is to which
//! recipient.

use std::collections::{BTreeMap, VecDeque};
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
/// The most commands of a session that may wait for their replies, and the most recipients of a message: then the listener
/// follows that session no longer.
const MAX_COMMANDS: usize = 10_000;

/// What a packet does to its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packet {
    /// It opens it (SYN).
    Opens,
    /// It carries on.
    Goes,
    /// It is the last one of its direction (FIN).
    Ends,
    /// It is the last one of the connection (RST).
    Breaks,
}

/// A listener on the wire. It knows a session by its client and its server.
#[derive(Default)]
pub(crate) struct Listener {
    sessions: BTreeMap<(SocketAddr, SocketAddr), Session>,
}

impl Listener {
    /// What the listener learns from a packet of a session with port 25: recipients and Message-IDs, to be completed with
    /// the server's name.
    pub(crate) fn hear(&mut self, from: SocketAddr, to: SocketAddr, packet: Packet, payload: &[u8]) -> Vec<InClear> {
        let (session, by_client) = match (from.port(), to.port()) {
            (_, mxlab_mail::smtp::PORT) => ((from, to), true),
            (mxlab_mail::smtp::PORT, _) => ((to, from), false),
            _ => return Vec::new(),
        };
        if packet == Packet::Opens {
            // An address and port may be used again by a later session.
            self.sessions.remove(&session);
        }
        let follows = self.sessions.len() < MAX_SESSIONS || self.sessions.contains_key(&session);
        let mut heard = match payload {
            [] => Vec::new(),
            _ if !follows => Vec::new(),
            payload if by_client => self.sessions.entry(session).or_default().hear_client(payload),
            payload => self.sessions.entry(session).or_default().hear_server(payload),
        };
        // What the client says before it leaves has replies: the session lasts as long as its server speaks.
        if packet == Packet::Breaks || packet == Packet::Ends && !by_client {
            let ended = self.sessions.remove(&session);
            heard.extend(ended.iter().flat_map(Session::unanswered));
        }
        heard
    }
}

/// What a reply will be to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Due {
    /// MAIL, with which a transaction begins.
    Mail,
    /// RCPT for this recipient.
    Recipient(String),
    /// DATA.
    Data,
    /// Anything else: the connection, a message, a command that changes nothing here.
    Other,
}

/// What the client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sends {
    /// Commands.
    Commands,
    /// The lines of a message, up to the final dot.
    Lines,
    /// So many more octets of a message (RFC 3030).
    Octets(u64),
}

/// One session.
struct Session {
    /// What has come of the client's line.
    said: Vec<u8>,
    /// What has come of the server's line.
    answered: Vec<u8>,
    sends: Sends,
    /// Whose replies are still to come, the first one first.
    due: VecDeque<Due>,
    /// The recipients of the transaction that the server has accepted.
    accepted: Vec<String>,
    /// Whether the header of the message has passed.
    header_over: bool,
    /// The Message-ID, once it has passed.
    message: Option<String>,
    /// TLS has begun, or nobody can follow any more.
    opaque: bool,
}

impl Default for Session {
    fn default() -> Session {
        Session {
            said: Vec::new(),
            answered: Vec::new(),
            sends: Sends::Commands,
            // The server speaks first (RFC 5321 §3.1).
            due: VecDeque::from([Due::Other]),
            accepted: Vec::new(),
            header_over: false,
            message: None,
            opaque: false,
        }
    }
}

impl Session {
    fn hear_client(&mut self, payload: &[u8]) -> Vec<InClear> {
        let mut heard = Vec::new();
        for byte in payload {
            // RFC 8446 §5.1: a TLS session begins with a record of type handshake; no command does.
            self.opaque |= self.sends == Sends::Commands && self.said.is_empty() && *byte == 0x16;
            if self.opaque {
                break;
            }
            if let Sends::Octets(left) = &mut self.sends {
                *left = left.saturating_sub(1);
            }
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.said);
                let line = String::from_utf8_lossy(&line);
                self.hear_line(line.trim_end_matches('\r'), &mut heard);
            } else if self.said.len() < MAX_LINE {
                self.said.push(*byte);
            }
            if self.sends == Sends::Octets(0) {
                self.sends = Sends::Commands;
                self.said.clear();
            }
        }
        heard
    }

    fn hear_server(&mut self, payload: &[u8]) -> Vec<InClear> {
        let mut heard = Vec::new();
        if self.opaque {
            return heard;
        }
        for byte in payload {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.answered);
                // All lines of a reply but the last have a hyphen behind the code (RFC 5321 §4.2.1).
                if let [first @ b'2'..=b'5', b'0'..=b'9', b'0'..=b'9', rest @ ..] = line.as_slice()
                    && rest.first() != Some(&b'-')
                {
                    self.hear_reply(*first, &mut heard);
                }
            } else if self.answered.len() < MAX_LINE {
                self.answered.push(*byte);
            }
        }
        heard
    }

    /// A line of the client, without its end.
    fn hear_line(&mut self, line: &str, heard: &mut Vec<InClear>) {
        match self.sends {
            Sends::Commands => self.hear_command(line, heard),
            Sends::Lines if line == "." => {
                self.sends = Sends::Commands;
                self.wait_for(Due::Other);
            }
            Sends::Lines | Sends::Octets(_) => self.hear_content(line, heard),
        }
    }

    fn hear_command(&mut self, line: &str, heard: &mut Vec<InClear>) {
        let begins = |words: &str| line.get(..words.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(words));
        let due = if begins("MAIL FROM:") {
            self.header_over = false;
            self.message = None;
            Due::Mail
        } else if begins("RCPT TO:")
            && let Some(to) = in_brackets(line)
        {
            heard.push(InClear { to: to.to_owned(), server: String::new(), message: None });
            Due::Recipient(to.to_owned())
        } else if line.trim_end().eq_ignore_ascii_case("DATA") {
            // A client that does not wait for 354 sends the message all the same.
            self.sends = Sends::Lines;
            Due::Data
        } else {
            if begins("BDAT ") {
                let size = line.split_ascii_whitespace().nth(1).and_then(|size| size.parse().ok());
                self.sends = Sends::Octets(size.unwrap_or_default());
            }
            Due::Other
        };
        self.wait_for(due);
    }

    /// A line of a message.
    fn hear_content(&mut self, line: &str, heard: &mut Vec<InClear>) {
        if self.header_over {
            return;
        }
        self.header_over = line.is_empty();
        if let Some((name, _)) = line.split_once(':')
            && name.eq_ignore_ascii_case("Message-ID")
            && let Some(id) = in_brackets(line)
        {
            self.message = Some(id.to_owned());
            heard.extend(self.accepted.iter().map(|to| readable(to, id)));
        }
    }

    /// A reply that begins with this digit.
    fn hear_reply(&mut self, first: u8, heard: &mut Vec<InClear>) {
        match (self.due.pop_front(), first) {
            (Some(Due::Mail), b'2') => self.accepted.clear(),
            (Some(Due::Recipient(to)), b'2') if self.accepted.len() < MAX_COMMANDS => {
                // With pipelining, octets of the message may have come before the reply.
                heard.extend(self.message.iter().map(|id| readable(&to, id)));
                self.accepted.push(to);
            }
            // Refused: what the client says next is a command.
            (Some(Due::Data), b'2' | b'4' | b'5') if self.sends == Sends::Lines => self.sends = Sends::Commands,
            _ => {}
        }
    }

    /// What has been read for recipients of whom the server has not said that it refuses them.
    fn unanswered(&self) -> Vec<InClear> {
        let recipients = self.due.iter().filter_map(|due| match due {
            Due::Recipient(to) => Some(to),
            Due::Mail | Due::Data | Due::Other => None,
        });
        let Some(id) = &self.message else { return Vec::new() };
        recipients.map(|to| readable(to, id)).collect()
    }

    fn wait_for(&mut self, due: Due) {
        self.due.push_back(due);
        self.opaque |= self.due.len() > MAX_COMMANDS;
    }
}

/// What everybody can read of a message.
fn readable(to: &str, message: &str) -> InClear {
    InClear { to: to.to_owned(), server: String::new(), message: Some(message.to_owned()) }
}

fn in_brackets(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once(':')?;
    Some(rest.trim_start().strip_prefix('<')?.split_once('>')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: &str = "192.0.2.1:40000";
    const SERVER: &str = "192.0.2.2:25";

    /// What a listener hears of a session. Lines of the server begin with `S: `; the rest is what the client sends.
    #[track_caller]
    fn check(packets: &[&[u8]], expected: &[(&str, Option<&str>)]) {
        let (client, server) = (CLIENT.parse().unwrap(), SERVER.parse().unwrap());
        let mut listener = Listener::default();
        let mut hear = |packet: &&[u8]| match packet.strip_prefix(b"S: ") {
            Some(said) => listener.hear(server, client, Packet::Goes, said),
            None => listener.hear(client, server, Packet::Goes, packet),
        };
        let heard: Vec<InClear> = packets.iter().flat_map(&mut hear).collect();
        let heard: Vec<_> = heard.iter().map(|told| (told.to.as_str(), told.message.as_deref())).collect();
        assert_eq!(heard, expected);
    }

    const BEGIN: [&[u8]; 5] = [
        b"S: 220 mx1\r\n",
        b"EHLO a\r\n",
        b"S: 250-mx1\r\n250 PIPELINING\r\n",
        b"MAIL FROM:<a@b.example>\r\n",
        b"S: 250 OK\r\n",
    ];

    /// As [`check`], in a session in which MAIL has been accepted.
    #[track_caller]
    fn in_transaction(packets: &[&[u8]], expected: &[(&str, Option<&str>)]) {
        check(&[&BEGIN, packets].concat(), expected);
    }

    #[test]
    fn recipients_are_read_in_clear() {
        check(&[b"RCPT TO:<bo@fabrikam.example>\r\n"], &[("bo@fabrikam.example", None)]);
        check(&[b"rcpt to: <bo@fabrikam.example> NOTIFY=NEVER\r\n"], &[("bo@fabrikam.example", None)]);
        // A line in two packets.
        check(&[b"RCPT TO:<bo@fab", b"rikam.example>\r\n"], &[("bo@fabrikam.example", None)]);
    }

    #[test]
    fn a_message_is_read_for_the_recipients_that_were_accepted() {
        let (bo, cy): (&[u8], &[u8]) = (b"RCPT TO:<bo@c.example>\r\n", b"RCPT TO:<cy@c.example>\r\n");
        let data: [&[u8]; 3] = [b"DATA\r\n", b"S: 354 go\r\n", b"Message-ID: <1@b.example>\r\n\r\nhi\r\n.\r\n"];
        let asked = [("bo@c.example", None), ("cy@c.example", None)];
        let read = |to| (to, Some("1@b.example"));
        let replied = |one: &'static [u8], other: &'static [u8]| [&[bo, one, cy, other], &data[..]].concat();
        let both = [&asked[..], &[read("bo@c.example"), read("cy@c.example")]].concat();
        in_transaction(&replied(b"S: 250 OK\r\n", b"S: 250 OK\r\n"), &both);
        in_transaction(
            &replied(b"S: 550 5.1.1 no\r\n", b"S: 250 OK\r\n"),
            &[&asked[..], &[read("cy@c.example")]].concat(),
        );
        in_transaction(
            &replied(b"S: 250-yes\r\n250 OK\r\n", b"S: 450-no\r\n450 not now\r\n"),
            &[&asked[..], &[read("bo@c.example")]].concat(),
        );
        // Nobody is accepted: no message passes.
        in_transaction(&[bo, b"S: 550 no\r\n", b"DATA\r\n", b"S: 503 no\r\n"], &asked[..1]);
    }

    #[test]
    fn pipelined_commands_have_their_replies_in_order() {
        in_transaction(
            &[
                b"RCPT TO:<bo@c.example>\r\nRCPT TO:<cy@c.example>\r\nDATA\r\n",
                b"S: 550 no\r\n250 OK\r\n354 go\r\n",
                b"Message-ID: <1@b.example>\r\n",
            ],
            &[("bo@c.example", None), ("cy@c.example", None), ("cy@c.example", Some("1@b.example"))],
        );
        // BDAT does not wait: the reply to RCPT comes after the message.
        in_transaction(
            &[
                b"RCPT TO:<bo@c.example>\r\nBDAT 27 LAST\r\nMessage-ID: <1@b.example>\r\nQUIT\r\n",
                b"S: 250 OK\r\n250 OK\r\n",
            ],
            &[("bo@c.example", None), ("bo@c.example", Some("1@b.example"))],
        );
    }

    #[test]
    fn a_client_that_waits_for_nothing_is_read_too() {
        let said: &[u8] =
            b"RCPT TO:<bo@c.example>\r\nDATA\r\nMessage-ID: <1@b.example>\r\n\r\nRCPT TO:<cy@c.example>\r\n.\r\n";
        let (asked, read) = (("bo@c.example", None), ("bo@c.example", Some("1@b.example")));
        in_transaction(&[said, b"S: 250 OK\r\n354 go\r\n250 OK\r\n"], &[asked, read]);
        in_transaction(
            &[said, b"S: 550 no\r\n503 no\r\n", b"RCPT TO:<di@c.example>\r\n"],
            &[asked, ("di@c.example", None)],
        );
        // It leaves before the answers come.
        let (client, server) = (CLIENT.parse().unwrap(), SERVER.parse().unwrap());
        let mut listener = Listener::default();
        assert_eq!(
            listener.hear(client, server, Packet::Goes, &[b"MAIL FROM:<a@b.example>\r\n", said].concat()).len(),
            1
        );
        let heard = listener.hear(client, server, Packet::Breaks, b"");
        assert_eq!(heard, [readable("bo@c.example", "1@b.example")]);
    }

    #[test]
    fn what_stands_in_a_message_is_no_command_and_no_header() {
        in_transaction(
            &[
                b"RCPT TO:<bo@c.example>\r\n",
                b"S: 250 OK\r\n",
                b"DATA\r\n",
                b"S: 354 go\r\n",
                b"Subject: x\r\n\r\nMessage-ID: <quoted@b.example>\r\nRCPT TO:<cy@c.example>\r\n.\r\n",
                b"S: 250 OK\r\n",
                b"MAIL FROM:<a@b.example>\r\nRCPT TO:<di@c.example>\r\n",
                b"S: 250 OK\r\n250 OK\r\n",
                b"DATA\r\n",
                b"S: 354 go\r\n",
                b"Message-ID: <2@b.example>\r\n",
            ],
            &[("bo@c.example", None), ("di@c.example", None), ("di@c.example", Some("2@b.example"))],
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
            let heard = listener.hear(from, to, packet, b"RCPT TO:<bo@fabrikam.example>\r\n").len();
            if packet == Packet::Ends {
                listener.hear(to, from, packet, b"");
            }
            heard
        };
        for client in 0..3 * MAX_SESSIONS as u32 {
            let last = if client % 2 == 0 { Packet::Ends } else { Packet::Breaks };
            assert_eq!((command(client, Packet::Opens), command(client, last)), (1, 1));
        }
        // Of sessions that last, those that are known are heard to their end.
        for client in 0..MAX_SESSIONS as u32 {
            assert_eq!(command(client, Packet::Opens), 1);
        }
        assert_eq!((command(MAX_SESSIONS as u32, Packet::Opens), command(0, Packet::Goes)), (0, 1));
    }
}
