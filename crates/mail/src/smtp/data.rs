//! The data phase (RFC 5321 §4.1.1.4, §4.5.2).
//!
//! The message ends at CRLF `.` CRLF. On the wire, a line that begins with a dot gets a second one. Bare CR and bare LF
//! are not line ends (§2.3.8): a server that takes LF `.` LF or LF `.` CRLF for the end lets one message smuggle others
//! past the checks ("SMTP smuggling", CVE-2023-51764 and the like). Neither end does so here, and the reader reports
//! whether there were bare CR or LF.

/// The message as it goes over the wire: dots doubled at the beginning of lines, the final dot added.
///
/// A message that does not end with CRLF gets one, because the phase cannot end otherwise. Nothing else is changed:
/// bare CR and LF are sent as they are.
pub fn dot_stuffed(message: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(message.len() + message.len() / 64 + 5);
    let mut before = [b'\r', b'\n'];
    for octet in message {
        if *octet == b'.' && before == *b"\r\n" {
            wire.push(b'.');
        }
        wire.push(*octet);
        before = [before[1], *octet];
    }
    if before != *b"\r\n" {
        wire.extend(b"\r\n");
    }
    wire.extend(b".\r\n");
    wire
}

/// The state after the last octets of the message that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// At the beginning of a line.
    LineStart,
    /// Within a line.
    Line,
    /// Behind a CR.
    Cr,
    /// After a dot at the beginning of a line: stuffed or final is not known yet.
    Dot,
    /// After such a dot and a CR.
    DotCr,
    /// Behind the end.
    Done,
}

/// A message that has been read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The message, dots unstuffed; of one that was too large, the part that fitted.
    pub message: Vec<u8>,
    /// Whether it exceeded the limit.
    pub too_large: bool,
    /// Whether there was an LF without a CR before it.
    pub bare_lf: bool,
    /// Whether there was a CR without an LF after it.
    pub bare_cr: bool,
}

/// Reads the data phase from bytes as they come in.
#[derive(Clone, Debug)]
pub struct DataReader {
    state: State,
    limit: usize,
    received: Received,
}

impl DataReader {
    /// A reader that keeps at most `limit` octets of the message.
    pub fn new(limit: usize) -> DataReader {
        let received = Received { message: Vec::new(), too_large: false, bare_lf: false, bare_cr: false };
        DataReader { state: State::LineStart, limit, received }
    }

    /// Takes bytes up to the end of the message; returns how many it took. The rest belongs to the next command.
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        for (index, octet) in bytes.iter().enumerate() {
            if self.state == State::Done {
                return index;
            }
            self.step(*octet);
        }
        bytes.len()
    }

    /// Whether the end has been read.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// What was read.
    pub fn finish(self) -> Received {
        self.received
    }

    fn step(&mut self, octet: u8) {
        self.state = match (self.state, octet) {
            (State::LineStart, b'.') => State::Dot,
            (State::Dot, b'\r') => State::DotCr,
            (State::DotCr, b'\n') => State::Done,
            (State::DotCr, _) => {
                // Dot, CR and something else: a stuffed dot (dropped), then a bare CR.
                self.keep(b'\r');
                self.received.bare_cr = true;
                self.ordinary(octet, octet == b'\r')
            }
            (State::Cr, b'\n') => {
                self.keep(b'\n');
                State::LineStart
            }
            (State::Cr, _) => {
                self.received.bare_cr = true;
                self.ordinary(octet, octet == b'\r')
            }
            (_, octet) => self.ordinary(octet, octet == b'\r'),
        };
    }

    /// An octet that ends nothing.
    fn ordinary(&mut self, octet: u8, is_cr: bool) -> State {
        self.keep(octet);
        self.received.bare_lf |= octet == b'\n';
        if is_cr { State::Cr } else { State::Line }
    }

    fn keep(&mut self, octet: u8) {
        if self.received.message.len() < self.limit {
            self.received.message.push(octet);
        } else {
            self.received.too_large = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads `wire`, and compares the message, the flags (bare LF, bare CR) and what is left.
    #[track_caller]
    fn check(wire: &str, expected: Option<(&str, bool, bool, &str)>) {
        for step in [1, wire.len().max(1)] {
            let mut reader = DataReader::new(1_000);
            let mut taken = 0;
            for chunk in wire.as_bytes().chunks(step) {
                taken += reader.push(chunk);
            }
            let rest = &wire[taken..];
            let seen = reader.is_done().then(|| reader.finish());
            let seen = seen.map(|it| (String::from_utf8(it.message).expect("text"), it.bare_lf, it.bare_cr));
            let wanted = expected.map(|(message, lf, cr, _)| (message.to_owned(), lf, cr));
            assert_eq!(seen, wanted, "{wire:?}");
            assert_eq!(rest, expected.map_or("", |it| it.3), "{wire:?}");
        }
    }

    #[test]
    fn only_crlf_dot_crlf_ends() {
        check("a\r\n.\r\n", Some(("a\r\n", false, false, "")));
        check(".\r\n", Some(("", false, false, "")));
        check("a\r\n..b\r\n.\r\nQUIT\r\n", Some(("a\r\n.b\r\n", false, false, "QUIT\r\n")));
        check("a\n.\nb\r\n.\r\n", Some(("a\n.\nb\r\n", true, false, "")));
        check("a\n.\r\nb\r\n.\r\n", Some(("a\n.\r\nb\r\n", true, false, "")));
        check("a\r.\r\nb\r\n.\r\n", Some(("a\r.\r\nb\r\n", false, true, "")));
        check("a\r\n.\nb\r\n.\r\n", Some(("a\r\n\nb\r\n", true, false, "")));
        check("a\r\n.\rb\r\n.\r\n", Some(("a\r\n\rb\r\n", false, true, "")));
        check("a\r\n.\r\r\n.\r\n", Some(("a\r\n\r\r\n", false, true, "")));
        check("a\r\n.\r.\r\n.\r\n", Some(("a\r\n\r.\r\n", false, true, "")));
        check("a\r\r\n.\r\n", Some(("a\r\r\n", false, true, "")));
        check("a\r\n.", None);
        check("a\r\n.\r", None);
        check("a\n.\n", None);
    }

    #[test]
    fn too_large() {
        let mut reader = DataReader::new(3);
        assert_eq!(reader.push(b"abcdef\r\n.\r\n"), 11);
        assert!(reader.is_done());
        let received = reader.finish();
        assert!(received.too_large);
        assert_eq!(received.message, b"abc");
    }

    #[test]
    fn writing() {
        assert_eq!(dot_stuffed(b""), b".\r\n");
        assert_eq!(dot_stuffed(b"a"), b"a\r\n.\r\n");
        assert_eq!(dot_stuffed(b".a\r\n..\r\n"), b"..a\r\n...\r\n.\r\n");
        assert_eq!(dot_stuffed(b"a\n.\n"), b"a\n.\n\r\n.\r\n");
    }

    proptest! {
        /// Every message arrives as it was sent (with CRLF at its end), and nothing in it is taken for the end.
        #[test]
        fn round_trip(message in proptest::collection::vec(prop_oneof![
            Just(b'\r'), Just(b'\n'), Just(b'.'), Just(b'a'), any::<u8>()
        ], 0..100)) {
            let wire = dot_stuffed(&message);
            let mut reader = DataReader::new(1_000);
            prop_assert_eq!(reader.push(&wire), wire.len());
            prop_assert!(reader.is_done());
            let mut expected = message;
            if !expected.is_empty() && !expected.ends_with(b"\r\n") {
                expected.extend(b"\r\n");
            }
            prop_assert_eq!(reader.finish().message, expected);
        }
    }
}
