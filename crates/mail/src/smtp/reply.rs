//! Replies of an SMTP server (RFC 5321 §4.2) and their enhanced status codes (RFC 3463, RFC 2034).
//!
//! A reply is a three-digit code and text, over one line (`250 text`) or several (`250-text` … `250 text`). With
//! ENHANCEDSTATUSCODES the text of each line begins with `class.subject.detail`.

use std::fmt;
use std::str::FromStr;

/// The longest reply line that [`ReplyReader`] reads, in octets. RFC 5321 §4.5.3.1.5 says 512; Exchange's bracketed
/// details are longer.
pub const MAX_LINE: usize = 4_096;
/// The most lines of one reply that [`ReplyReader`] reads.
pub const MAX_LINES: usize = 256;
/// How many octets of text [`ReplyReader`] keeps of one reply; the rest is read and dropped. An answer to EHLO stays
/// far below it.
pub const MAX_TEXT: usize = 8_192;
/// How many characters of a reply's text are shown in one line.
pub const MAX_SHOWN: usize = 1_000;

/// The first number of an enhanced status code (RFC 3463 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// `2`: success.
    Success,
    /// `4`: persistent transient failure; a later attempt may succeed.
    Transient,
    /// `5`: permanent failure.
    Permanent,
}

impl Class {
    /// The digit.
    pub fn digit(self) -> u8 {
        match self {
            Class::Success => 2,
            Class::Transient => 4,
            Class::Permanent => 5,
        }
    }
}

/// An enhanced status code: `5.7.323`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnhancedCode {
    /// Whether it worked.
    pub class: Class,
    /// The subject; at most 999.
    pub subject: u16,
    /// The detail; at most 999.
    pub detail: u16,
}

impl EnhancedCode {
    /// A code from its three numbers.
    pub const fn new(class: Class, subject: u16, detail: u16) -> EnhancedCode {
        EnhancedCode { class, subject, detail }
    }

    /// The same code in another class: `4.7.323` while a message waits becomes `5.7.323` when it bounces.
    #[must_use]
    pub fn with_class(self, class: Class) -> EnhancedCode {
        EnhancedCode { class, ..self }
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class.digit(), self.subject, self.detail)
    }
}

/// A text that is not an enhanced status code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an enhanced status code (2, 4 or 5, then two numbers of at most three digits, with dots)")]
pub struct EnhancedCodeError;

impl FromStr for EnhancedCode {
    type Err = EnhancedCodeError;

    fn from_str(text: &str) -> Result<EnhancedCode, EnhancedCodeError> {
        let mut parts = text.split('.');
        let class = match parts.next() {
            Some("2") => Class::Success,
            Some("4") => Class::Transient,
            Some("5") => Class::Permanent,
            _ => return Err(EnhancedCodeError),
        };
        let mut number = || {
            let digits = parts.next().ok_or(EnhancedCodeError)?;
            // RFC 3463 §2: at most three digits, and no leading zeros.
            let plain = (1..=3).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
            if !plain || (digits.len() > 1 && digits.starts_with('0')) {
                return Err(EnhancedCodeError);
            }
            digits.parse().map_err(|_| EnhancedCodeError)
        };
        let (subject, detail) = (number()?, number()?);
        match parts.next() {
            None => Ok(EnhancedCode { class, subject, detail }),
            Some(_) => Err(EnhancedCodeError),
        }
    }
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The three digits, 200 to 599.
    pub code: u16,
    /// The enhanced status code of its text, if there is one.
    pub enhanced: Option<EnhancedCode>,
    /// The text of each line, without codes. At least one; it may be empty.
    pub lines: Vec<String>,
}

impl Reply {
    /// A reply of one line without an enhanced status code: greetings, 354, the answer to EHLO.
    pub fn new(code: u16, text: impl Into<String>) -> Reply {
        Reply { code, enhanced: None, lines: vec![text.into()] }
    }

    /// A reply of one line with an enhanced status code.
    pub fn enhanced(code: u16, enhanced: EnhancedCode, text: impl Into<String>) -> Reply {
        Reply { code, enhanced: Some(enhanced), lines: vec![text.into()] }
    }

    /// Whether the code is 2xx.
    pub fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// Whether the code is 3xx: go on.
    pub fn is_intermediate(&self) -> bool {
        self.code / 100 == 3
    }

    /// Whether the code is 4xx: a later attempt may succeed.
    pub fn is_transient(&self) -> bool {
        self.code / 100 == 4
    }

    /// Whether the code is 5xx.
    pub fn is_permanent(&self) -> bool {
        self.code / 100 == 5
    }

    /// The text of all lines in one, without codes.
    pub fn text(&self) -> String {
        self.lines.join(" ")
    }

    /// The octets on the wire. A CR or LF inside a text becomes a blank: a reply cannot smuggle another one.
    pub fn to_wire(&self) -> Vec<u8> {
        let mut wire = Vec::new();
        let last = self.lines.len().saturating_sub(1);
        for (index, line) in self.lines.iter().enumerate() {
            let separator = if index == last { ' ' } else { '-' };
            wire.extend(self.line(line, separator).replace(['\r', '\n'], " ").into_bytes());
            wire.extend(b"\r\n");
        }
        if self.lines.is_empty() {
            wire.extend(self.line("", ' ').into_bytes());
            wire.extend(b"\r\n");
        }
        wire
    }

    // RFC 2034 §4: the enhanced status code is on every line.
    fn line(&self, text: &str, separator: char) -> String {
        match &self.enhanced {
            Some(enhanced) if text.is_empty() => format!("{}{separator}{enhanced}", self.code),
            Some(enhanced) => format!("{}{separator}{enhanced} {text}", self.code),
            None => format!("{}{separator}{text}", self.code),
        }
    }

    fn from_lines(code: u16, mut lines: Vec<String>) -> Reply {
        let enhanced = lines.first().and_then(|first| leading_code(code, first)).map(|(enhanced, _)| enhanced);
        if let Some(enhanced) = enhanced {
            for line in &mut lines {
                if let Some((same, rest)) = leading_code(code, line)
                    && same == enhanced
                {
                    *line = rest.to_owned();
                }
            }
        }
        Reply { code, enhanced, lines }
    }
}

/// The enhanced status code at the beginning of a text. It counts only in the class of the reply code (RFC 2034 §4).
fn leading_code(code: u16, text: &str) -> Option<(EnhancedCode, &str)> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let enhanced: EnhancedCode = word.parse().ok()?;
    (u16::from(enhanced.class.digit()) == code / 100).then_some((enhanced, rest))
}

impl fmt::Display for Reply {
    /// In one line, as reports quote it: `550 5.1.1 User unknown`. The text comes from another server: it is cleaned
    /// ([`printable`]) and cut at [`MAX_SHOWN`] characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = printable(&self.text());
        let cut = match text.get(..MAX_SHOWN) {
            Some(start) if start.len() < text.len() => format!("{start}..."),
            _ => text,
        };
        f.write_str(self.line(&cut, ' ').trim_end())
    }
}

/// A text in printable US-ASCII, fit for `message/delivery-status` (RFC 3464 §2.1.1) and terminals: line ends and tabs
/// become blanks, other unprintable characters question marks.
pub fn printable(text: &str) -> String {
    let clean = |character: char| match character {
        '\t' | '\r' | '\n' => ' ',
        ' '..='~' => character,
        _ => '?',
    };
    text.chars().map(clean).collect()
}

impl FromStr for Reply {
    type Err = ReplyError;

    /// Reads a whole reply as a scenario writes it: one line or several, line ends of either kind.
    fn from_str(text: &str) -> Result<Reply, ReplyError> {
        let mut reader = ReplyReader::new();
        reader.push(text.as_bytes());
        if !text.ends_with('\n') {
            reader.push(b"\r\n");
        }
        let reply = reader.next_reply()?.ok_or(ReplyError::Unfinished)?;
        if reader.is_empty() { Ok(reply) } else { Err(ReplyError::Unfinished) }
    }
}

/// Why what a server sent is not a reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// A line does not begin with a code.
    #[error("not an SMTP reply: {line:?}")]
    Garbage {
        /// The line, cut to a readable length.
        line: String,
    },
    /// The lines of one reply have different codes.
    #[error("a reply line with code {then} within a reply with code {first}")]
    CodesDiffer {
        /// The code of the first line.
        first: u16,
        /// The other code.
        then: u16,
    },
    /// A line exceeds [`MAX_LINE`].
    #[error("reply line longer than {MAX_LINE} octets")]
    LineTooLong,
    /// A reply exceeds [`MAX_LINES`].
    #[error("reply of more than {MAX_LINES} lines")]
    TooManyLines,
    /// A text that should be one reply ends too early, or has more after the reply.
    #[error("not exactly one reply")]
    Unfinished,
}

/// Reads replies from bytes as they come in.
///
/// Once it has returned an error, it returns it again: the connection cannot be used any more.
#[derive(Clone, Debug, Default)]
pub struct ReplyReader {
    buffer: Vec<u8>,
    code: Option<u16>,
    lines: Vec<String>,
    failed: Option<ReplyError>,
}

impl ReplyReader {
    /// A reader that has read nothing.
    pub fn new() -> ReplyReader {
        ReplyReader::default()
    }

    /// Takes in bytes from the server.
    pub fn push(&mut self, bytes: &[u8]) {
        // What exceeds the limits is not kept.
        let room = (MAX_LINE * MAX_LINES).saturating_sub(self.buffer.len());
        match bytes.get(..room) {
            Some(fits) if fits.len() < bytes.len() => {
                self.buffer.extend(fits);
                self.failed.get_or_insert(ReplyError::TooManyLines);
            }
            _ => self.buffer.extend(bytes),
        }
    }

    /// Whether nothing is buffered. After the reply to STARTTLS this must hold: what a server seems to say after that
    /// reply in plain text was put there by somebody else (CVE-2011-0411).
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty() && self.code.is_none()
    }

    /// The next whole reply, if it has arrived.
    ///
    /// # Errors
    /// When what has arrived cannot be a reply, or exceeds a limit.
    pub fn next_reply(&mut self) -> Result<Option<Reply>, ReplyError> {
        let result = self.read();
        if let Err(error) = &result {
            self.failed = Some(error.clone());
        }
        result
    }

    fn read(&mut self) -> Result<Option<Reply>, ReplyError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        loop {
            let Some(end) = self.buffer.iter().position(|octet| *octet == b'\n') else {
                return if self.buffer.len() > MAX_LINE { Err(ReplyError::LineTooLong) } else { Ok(None) };
            };
            if end > MAX_LINE {
                return Err(ReplyError::LineTooLong);
            }
            let line: Vec<u8> = self.buffer.drain(..=end).collect();
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            let line = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned();
            let (code, more, text) = split_line(&line).ok_or_else(|| ReplyError::Garbage { line: shortened(&line) })?;
            let first = *self.code.get_or_insert(code);
            if first != code {
                return Err(ReplyError::CodesDiffer { first, then: code });
            }
            if self.lines.len() == MAX_LINES {
                return Err(ReplyError::TooManyLines);
            }
            let kept = self.lines.iter().map(String::len).sum::<usize>();
            self.lines.push(start_of(text, MAX_TEXT.saturating_sub(kept)).to_owned());
            if !more {
                self.code = None;
                return Ok(Some(Reply::from_lines(code, std::mem::take(&mut self.lines))));
            }
        }
    }
}

/// `250-text` → 250, more lines follow, `text`. A code alone is a last line (RFC 5321 §4.2.1).
fn split_line(line: &str) -> Option<(u16, bool, &str)> {
    let digits = line.get(..3)?;
    // RFC 5321 §4.2: the first digit is 2 to 5, the second 0 to 5; larger second digits occur and are harmless.
    let plain =
        digits.bytes().all(|digit| digit.is_ascii_digit()) && matches!(digits.as_bytes().first(), Some(b'2'..=b'5'));
    let code = digits.parse().ok().filter(|_| plain)?;
    let rest = &line[3..];
    match rest.chars().next() {
        None => Some((code, false, "")),
        Some(' ') => Some((code, false, &rest[1..])),
        Some('-') => Some((code, true, &rest[1..])),
        Some(_) => None,
    }
}

/// The beginning of a text, at most this many octets.
fn start_of(text: &str, octets: usize) -> &str {
    let end = (0..=octets.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

fn shortened(line: &str) -> String {
    line.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn code(text: &str, expected: Option<(Class, u16, u16)>) {
        let parsed = text.parse::<EnhancedCode>().ok();
        assert_eq!(parsed.map(|code| (code.class, code.subject, code.detail)), expected, "{text:?}");
        if let Some(parsed) = parsed {
            assert_eq!(parsed.to_string(), text);
        }
    }

    #[test]
    fn enhanced_codes() {
        code("5.7.323", Some((Class::Permanent, 7, 323)));
        code("4.4.7", Some((Class::Transient, 4, 7)));
        code("2.0.0", Some((Class::Success, 0, 0)));
        for bad in ["", "5", "5.7", "5.7.1.1", "3.7.1", "5.7.", "5..1", "5.7.1234", "5.07.1", "5.7.+1", "5.7.x"] {
            code(bad, None);
        }
    }

    /// Code, enhanced code and lines of a reply.
    type Parts<'a> = (u16, Option<&'a str>, &'a [&'a str]);

    #[track_caller]
    fn check(wire: &str, expected: Result<Option<Parts<'_>>, ReplyError>) {
        // Reading byte by byte and all at once must give the same.
        for step in [1, wire.len().max(1)] {
            let mut reader = ReplyReader::new();
            let mut result = Ok(None);
            for chunk in wire.as_bytes().chunks(step) {
                reader.push(chunk);
                result = reader.next_reply();
                if result != Ok(None) {
                    break;
                }
            }
            let seen = result.map(|reply| {
                reply.map(|reply| (reply.code, reply.enhanced.map(|code| code.to_string()), reply.lines.clone()))
            });
            let wanted = expected.clone().map(|reply| {
                reply.map(|(code, enhanced, lines)| {
                    (code, enhanced.map(str::to_owned), lines.iter().map(|line| line.to_string()).collect())
                })
            });
            assert_eq!(seen, wanted, "{wire:?} in steps of {step}");
        }
    }

    #[test]
    fn reading() {
        check("250 OK\r\n", Ok(Some((250, None, &["OK"]))));
        check("250 OK\n", Ok(Some((250, None, &["OK"]))));
        check("250\r\n", Ok(Some((250, None, &[""]))));
        check("250 2.1.0 Sender ok\r\n", Ok(Some((250, Some("2.1.0"), &["Sender ok"]))));
        check("550 5.1.1\r\n", Ok(Some((550, Some("5.1.1"), &[""]))));
        check("550 2.1.0 odd\r\n", Ok(Some((550, None, &["2.1.0 odd"]))));
        check("550-5.7.1 a\r\n550 5.7.1 b\r\n", Ok(Some((550, Some("5.7.1"), &["a", "b"]))));
        check("550-5.7.1 a\r\n550 b\r\n", Ok(Some((550, Some("5.7.1"), &["a", "b"]))));
        check("250-mx1\r\n250-SIZE 1\r\n250 STARTTLS\r\n", Ok(Some((250, None, &["mx1", "SIZE 1", "STARTTLS"]))));
        check("250-mx1\r\n", Ok(None));
        check("250-mx1\r\n251 x\r\n", Err(ReplyError::CodesDiffer { first: 250, then: 251 }));
        for bad in ["", "25", "2x0 a", "250a", "650 a", "150 a", "\u{1F600}", "éé", "HTTP/1.1 400 Bad Request"] {
            check(&format!("{bad}\r\n"), Err(ReplyError::Garbage { line: bad.to_owned() }));
        }
        check(&"x".repeat(MAX_LINE + 1), Err(ReplyError::LineTooLong));
        check(&"250-x\r\n".repeat(MAX_LINES + 1), Err(ReplyError::TooManyLines));
    }

    #[test]
    fn texts_of_scenarios() {
        let reply: Reply = "550 5.1.1 User unknown".parse().expect("a reply");
        assert_eq!(reply, Reply::enhanced(550, EnhancedCode::new(Class::Permanent, 1, 1), "User unknown"));
        assert_eq!(reply.to_string(), "550 5.1.1 User unknown");
        let lines: Reply = "550-5.7.1 a\n550 5.7.1 b".parse().expect("a reply");
        assert_eq!(lines.to_wire(), b"550-5.7.1 a\r\n550 5.7.1 b\r\n");
        assert_eq!("250-a".parse::<Reply>(), Err(ReplyError::Unfinished));
        assert_eq!("250 a\r\n250 b".parse::<Reply>(), Err(ReplyError::Unfinished));
        assert_eq!(Reply::new(220, "a\r\n550 b").to_wire(), b"220 a  550 b\r\n");
    }

    #[test]
    fn long_and_unprintable_texts() {
        let mut reader = ReplyReader::new();
        reader.push(format!("451-{}\r\n451-{}\r\n", "a".repeat(3_000), "é".repeat(1_500)).as_bytes());
        reader.push(format!("451-{}\r\n451 end\r\n", "é".repeat(1_500)).as_bytes());
        let reply = reader.next_reply().expect("a reply").expect("a whole reply");
        assert_eq!(reply.lines.iter().map(String::len).collect::<Vec<_>>(), [3_000, 3_000, 2_192, 0]);
        assert_eq!(reply.to_string(), format!("451 {}...", "a".repeat(MAX_SHOWN)));
        let shown = |text: &str| Reply::new(451, text).to_string();
        assert_eq!(shown("a\r\nb\tc"), "451 a  b c");
        assert_eq!(shown("\u{1b}[31mrøt\u{0}\u{7f}"), "451 ?[31mr?t??");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(code in 200_u16..600, lines in proptest::collection::vec("[a-z ]{0,20}", 1..5)) {
            let reply = Reply { code, enhanced: None, lines };
            let mut reader = ReplyReader::new();
            reader.push(&reply.to_wire());
            prop_assert_eq!(reader.next_reply(), Ok(Some(reply)));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn never_panics(chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..10)) {
            let mut reader = ReplyReader::new();
            for chunk in chunks {
                reader.push(&chunk);
                while let Ok(Some(_)) = reader.next_reply() {}
            }
        }
    }
}
