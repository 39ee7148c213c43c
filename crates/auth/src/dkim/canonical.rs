//! Canonicalization (RFC 6376 §3.4): the form in which header fields and body are hashed.
//!
//! | | `simple` | `relaxed` |
//! |---|---|---|
//! | field (§3.4.1, §3.4.2) | as it is | name in lower case, unfolded, blanks in a row one space, none around the colon nor at the end |
//! | body (§3.4.3, §3.4.4) | empty lines at the end dropped | besides, blanks at the end of a line dropped, others one space |
//! | empty body | one CRLF | nothing |
//!
//! A CRLF is added to a body that does not end with one.
//!
//! A DKIM message consists of lines that end with CRLF, and a signer must send it so (§5.3). This module treats other
//! messages so *(choice)*: a bare LF is a line end, as it is for [`mxlab_mail::Message`], and is hashed as CRLF; a bare
//! CR is an octet like any other. A blank is a space or a tab, nothing else.

use std::fmt;

use mxlab_mail::HeaderField;
use ring::digest;

/// One of the two algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// Nearly as it is.
    Simple,
    /// Tolerates changes to blanks.
    Relaxed,
}

impl Form {
    /// The word in `c=`.
    pub fn word(self) -> &'static str {
        match self {
            Form::Simple => "simple",
            Form::Relaxed => "relaxed",
        }
    }

    fn from_word(word: &str) -> Option<Form> {
        [Form::Simple, Form::Relaxed].into_iter().find(|form| form.word() == word)
    }
}

/// The two algorithms of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Canonicalization {
    /// For header fields.
    pub header: Form,
    /// For the body.
    pub body: Form,
}

impl Canonicalization {
    /// The default without `c=`.
    pub const DEFAULT: Canonicalization = Canonicalization { header: Form::Simple, body: Form::Simple };

    /// What most signers use.
    pub const RELAXED: Canonicalization = Canonicalization { header: Form::Relaxed, body: Form::Relaxed };

    /// Reads the value of `c=`; one word names the algorithm for the header, with `simple` for the body (§3.5). None if it
    /// is not one.
    pub fn parse(value: &str) -> Option<Canonicalization> {
        let (header, body) = value.split_once('/').unwrap_or((value, Form::Simple.word()));
        Some(Canonicalization { header: Form::from_word(header)?, body: Form::from_word(body)? })
    }
}

impl fmt::Display for Canonicalization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.header.word(), self.body.word())
    }
}

/// Appends a header field in canonical form, with its final CRLF.
pub fn push_field(form: Form, field: HeaderField<'_>, out: &mut Vec<u8>) {
    match form {
        Form::Simple => push_simple(field.raw(), out),
        Form::Relaxed => push_relaxed(field.name(), field.raw_value(), out),
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends the field that holds the signature itself (§3.7): without the octets of its value in `signature`, which are those
/// of `b=` with the blanks around them, and without final CRLF.
pub fn push_own_field(form: Form, field: HeaderField<'_>, signature: std::ops::Range<usize>, out: &mut Vec<u8>) {
    let value = field.raw_value();
    let before = value.get(..signature.start).unwrap_or(value);
    let behind = value.get(signature.end..).unwrap_or_default();
    let value = [before, behind].concat();
    match form {
        Form::Simple => {
            let name = field.raw().len() - field.raw_value().len();
            let whole = [field.raw().get(..name).unwrap_or_default(), &value].concat();
            push_simple(&whole, out);
        }
        Form::Relaxed => push_relaxed(field.name(), &value, out),
    }
}

/// The field as it is, with CRLF line ends, without the last one.
fn push_simple(raw: &[u8], out: &mut Vec<u8>) {
    let raw = raw.strip_suffix(b"\n").map_or(raw, |line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut previous = 0;
    for octet in raw.iter().copied() {
        if octet == b'\n' && previous != b'\r' {
            out.push(b'\r');
        }
        out.push(octet);
        previous = octet;
    }
}

fn push_relaxed(name: &str, value: &[u8], out: &mut Vec<u8>) {
    out.extend(name.bytes().map(|octet| octet.to_ascii_lowercase()));
    out.push(b':');
    // Blanks that were read but not written yet: those at the beginning and at the end never are.
    let mut blank = false;
    let begin = out.len();
    let mut rest = value;
    while let Some((&octet, tail)) = rest.split_first() {
        match octet {
            b' ' | b'\t' => (blank, rest) = (true, tail),
            b'\n' => rest = tail,
            b'\r' if tail.first() == Some(&b'\n') => rest = tail,
            _ => {
                if std::mem::take(&mut blank) && out.len() > begin {
                    out.push(b' ');
                }
                // A bare CR is text.
                let run = tail.iter().position(|octet| *octet <= b' ' && is_blank_or_line_end(*octet));
                let (text, behind) = rest.split_at_checked(1 + run.unwrap_or(tail.len())).unwrap_or((rest, &[]));
                out.extend_from_slice(text);
                rest = behind;
            }
        }
    }
}

fn is_blank_or_line_end(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

/// The hash of a body, and what it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyHash {
    /// The SHA-256 of it.
    pub digest: [u8; 32],
    /// How many octets of the canonical body were hashed.
    pub covered: u64,
    /// How long the canonical body is, in octets.
    pub length: u64,
}

/// Hashes a body piece by piece, in canonical form, with SHA-256.
///
/// With a limit (`l=`) only that many octets of the canonical form are hashed; the others are counted.
pub struct BodyHasher {
    form: Form,
    limit: u64,
    context: digest::Context,
    buffer: Vec<u8>,
    length: u64,
    /// A CR whose next octet is not known yet.
    carriage_return: bool,
    /// Blanks of a relaxed line that are not written yet.
    blank: bool,
    /// Line ends that are not written yet: they count only if something follows.
    line_ends: u64,
}

/// How many octets are hashed at a time.
const BUFFER: usize = 4096;

impl BodyHasher {
    /// A hasher that has read nothing.
    pub fn new(form: Form, limit: Option<u64>) -> BodyHasher {
        BodyHasher {
            form,
            limit: limit.unwrap_or(u64::MAX),
            context: digest::Context::new(&digest::SHA256),
            buffer: Vec::with_capacity(BUFFER),
            length: 0,
            carriage_return: false,
            blank: false,
            line_ends: 0,
        }
    }

    /// The hash of a whole body.
    pub fn hash(form: Form, limit: Option<u64>, body: &[u8]) -> BodyHash {
        let mut hasher = BodyHasher::new(form, limit);
        hasher.push(body);
        hasher.finish()
    }

    /// The next octets of the body.
    pub fn push(&mut self, octets: &[u8]) {
        let mut rest = octets;
        while let Some((&octet, tail)) = rest.split_first() {
            if octet == b'\n' {
                self.carriage_return = false;
                self.blank = false;
                self.line_ends += 1;
                rest = tail;
                continue;
            }
            if std::mem::take(&mut self.carriage_return) {
                self.write_text(b"\r");
            }
            match octet {
                b'\r' => {
                    self.carriage_return = true;
                    rest = tail;
                }
                b' ' | b'\t' if self.form == Form::Relaxed => {
                    self.blank = true;
                    rest = tail;
                }
                _ => {
                    let (text, behind) = rest.split_at_checked(self.run(rest)).unwrap_or((rest, &[]));
                    self.write_text(text);
                    rest = behind;
                }
            }
        }
    }

    /// The body has ended.
    pub fn finish(mut self) -> BodyHash {
        if std::mem::take(&mut self.carriage_return) {
            self.write_text(b"\r");
        }
        // A body of only empty lines is empty: one CRLF in simple form, nothing in relaxed form.
        if self.length > 0 || self.form == Form::Simple {
            self.write(b"\r\n");
        }
        self.context.update(&self.buffer);
        let mut digest = [0; 32];
        digest.iter_mut().zip(self.context.finish().as_ref()).for_each(|(slot, octet)| *slot = *octet);
        BodyHash { digest, covered: self.length.min(self.limit), length: self.length }
    }

    /// How many octets at the beginning of `text`, which begins with neither blank nor line end, need no change. Most
    /// whole lines need none: a space with text on both sides is its own canonical form.
    fn run(&self, text: &[u8]) -> usize {
        let relaxed = self.form == Form::Relaxed;
        let mut from = 0;
        loop {
            let rest = text.get(from..).unwrap_or_default();
            // Every special octet has a lower value than all printable ones.
            let Some(length) = rest.iter().position(|octet| *octet <= b' ') else { return text.len() };
            let end = from + length;
            match (text.get(end), text.get(end + 1)) {
                (Some(b' '), Some(next)) if relaxed && !is_blank_or_line_end(*next) => {}
                (Some(b' ' | b'\t'), _) if relaxed => return end,
                (Some(b'\r' | b'\n'), _) => return end,
                _ => {}
            }
            from = end + 1;
        }
    }

    /// Writes octets that are not blank, and before them what was held back.
    fn write_text(&mut self, text: &[u8]) {
        for _ in 0..std::mem::take(&mut self.line_ends) {
            self.write(b"\r\n");
        }
        if std::mem::take(&mut self.blank) {
            self.write(b" ");
        }
        self.write(text);
    }

    /// Writes octets of the canonical form.
    fn write(&mut self, octets: &[u8]) {
        let room = usize::try_from(self.limit.saturating_sub(self.length)).unwrap_or(usize::MAX);
        self.length += octets.len() as u64;
        let hashed = octets.get(..room).unwrap_or(octets);
        if self.buffer.len() + hashed.len() > BUFFER {
            self.context.update(&self.buffer);
            self.buffer.clear();
        }
        match hashed.len() > BUFFER {
            true => self.context.update(hashed),
            false => self.buffer.extend_from_slice(hashed),
        }
    }
}

#[cfg(test)]
mod tests {
    use mxlab_mail::Message;
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check_field(field: &[u8], simple: &[u8], relaxed: &[u8]) {
        let text = [field, b"\r\n\r\n"].concat();
        let message = Message::parse(&text).expect("a message");
        let field = message.fields().next().expect("a field");
        for (form, expected) in [(Form::Simple, simple), (Form::Relaxed, relaxed)] {
            let mut out = Vec::new();
            push_field(form, field, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(expected), "{form:?}");
        }
    }

    /// The canonical body, found by its prefixes: a limit of n octets gives the hash of the first n.
    #[track_caller]
    fn check_body(body: &[u8], simple: &[u8], relaxed: &[u8]) {
        for (form, expected) in [(Form::Simple, simple), (Form::Relaxed, relaxed)] {
            let sha256 = |octets: &[u8]| -> [u8; 32] {
                digest::digest(&digest::SHA256, octets).as_ref().try_into().expect("32 octets")
            };
            let length = expected.len() as u64;
            let whole = BodyHash { digest: sha256(expected), covered: length, length };
            assert_eq!(BodyHasher::hash(form, None, body), whole, "{form:?} {:?}", String::from_utf8_lossy(body));
            for end in 0..=expected.len() {
                let part = BodyHash { digest: sha256(&expected[..end]), covered: end as u64, length };
                assert_eq!(BodyHasher::hash(form, Some(end as u64), body), part, "{form:?} {end}");
            }
            assert_eq!(BodyHasher::hash(form, Some(length + 1), body), whole);
            let mut hasher = BodyHasher::new(form, None);
            body.iter().for_each(|octet| hasher.push(&[*octet]));
            assert_eq!(hasher.finish(), whole, "octet by octet");
        }
    }

    #[test]
    fn rfc_6376_section_3_4_5() {
        check_field(b"A: X", b"A: X\r\n", b"a:X\r\n");
        check_field(b"B : Y\t\r\n\tZ  ", b"B : Y\t\r\n\tZ  \r\n", b"b:Y Z\r\n");
        check_body(b" C \r\nD \t E\r\n\r\n\r\n", b" C \r\nD \t E\r\n", b" C\r\nD E\r\n");
    }

    #[test]
    fn fields() {
        check_field(b"SUBJect:AbC", b"SUBJect:AbC\r\n", b"subject:AbC\r\n");
        check_field(b"A:", b"A:\r\n", b"a:\r\n");
        check_field(b"A: \t ", b"A: \t \r\n", b"a:\r\n");
        check_field(b"A:\r\n \r\n x\r\n ", b"A:\r\n \r\n x\r\n \r\n", b"a:x\r\n");
        check_field(b"A: b:c : d", b"A: b:c : d\r\n", b"a:b:c : d\r\n");
        // A bare LF folds, and is hashed as CRLF; a bare CR is an octet.
        check_field(b"A: x\n y", b"A: x\r\n y\r\n", b"a:x y\r\n");
        check_field(b"A: x\ry \r", b"A: x\ry \r\r\n", b"a:x\ry \r\r\n");
        check_field(b"A: \xff \x0b", b"A: \xff \x0b\r\n", b"a:\xff \x0b\r\n");
    }

    #[test]
    fn the_last_field_has_no_line_end() {
        let message = Message::parse(b"A: x ").expect("a message");
        for (form, expected) in [(Form::Simple, "A: x \r\n"), (Form::Relaxed, "a:x\r\n")] {
            let mut out = Vec::new();
            push_field(form, message.fields().next().expect("a field"), &mut out);
            assert_eq!(out, expected.as_bytes());
        }
    }

    #[test]
    fn bodies() {
        check_body(b"", b"\r\n", b"");
        check_body(b"\r\n", b"\r\n", b"");
        check_body(b"\r\n\r\n\r\n", b"\r\n", b"");
        check_body(b" \t\r\n", b" \t\r\n", b"");
        check_body(b" ", b" \r\n", b"");
        check_body(b"a", b"a\r\n", b"a\r\n");
        check_body(b"a\r\n", b"a\r\n", b"a\r\n");
        check_body(b"a \t b\t", b"a \t b\t\r\n", b"a b\r\n");
        check_body(b"\r\n\r\na", b"\r\n\r\na\r\n", b"\r\n\r\na\r\n");
        check_body(b"a\r\n \r\n\t\r\n", b"a\r\n \r\n\t\r\n", b"a\r\n");
        check_body(b"a\r\n \r\nb", b"a\r\n \r\nb\r\n", b"a\r\n\r\nb\r\n");
        check_body(b"a\nb\n\n", b"a\r\nb\r\n", b"a\r\nb\r\n");
        check_body(b"a\rb\r", b"a\rb\r\r\n", b"a\rb\r\r\n");
        check_body(b"a \r b\r\r\n", b"a \r b\r\r\n", b"a \r b\r\r\n");
        check_body(b"\xff \x0c\r\n", b"\xff \x0c\r\n", b"\xff \x0c\r\n");
        check_body(
            &b"x".repeat(2 * BUFFER + 1),
            &[&b"x".repeat(2 * BUFFER + 1)[..], b"\r\n"].concat(),
            &[&b"x".repeat(2 * BUFFER + 1)[..], b"\r\n"].concat(),
        );
    }

    #[test]
    fn published_hashes_of_empty_bodies() {
        // RFC 6376 §3.4.3 and §3.4.4.
        let hash = |form| data_encoding::BASE64.encode(&BodyHasher::hash(form, None, b"").digest);
        assert_eq!(hash(Form::Simple), "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
        assert_eq!(hash(Form::Relaxed), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    #[test]
    fn words() {
        let check = |value: &str, expected: Option<&str>| {
            assert_eq!(Canonicalization::parse(value).map(|c| c.to_string()).as_deref(), expected, "{value}");
        };
        check("simple", Some("simple/simple"));
        check("relaxed", Some("relaxed/simple"));
        check("simple/relaxed", Some("simple/relaxed"));
        check("relaxed/relaxed", Some("relaxed/relaxed"));
        check("Relaxed", None);
        check("relaxed/", None);
        check("relaxed/simple/simple", None);
        check("nowsp", None);
        check("", None);
    }

    proptest! {
        /// The places where a body is cut into pieces make no difference.
        #[test]
        fn pieces(body in "[a \\t\\r\\n]{0,40}", cut in 0usize..40, relaxed: bool, limit in proptest::option::of(0u64..40)) {
            let form = if relaxed { Form::Relaxed } else { Form::Simple };
            let (first, second) = body.split_at_checked(cut).unwrap_or((&body, ""));
            let mut hasher = BodyHasher::new(form, limit);
            hasher.push(first.as_bytes());
            hasher.push(second.as_bytes());
            prop_assert_eq!(hasher.finish(), BodyHasher::hash(form, limit, body.as_bytes()));
        }

        /// The relaxed form ignores the changes that it allows: more blanks where there are some, blanks and empty
        /// lines at ends.
        #[test]
        fn relaxed_bodies(words in prop::collection::vec("[a-c]{1,3}( [a-c]{1,3}){0,3}", 1..5), blank in "[ \\t]{1,3}") {
            let plain = words.join("\r\n");
            let changed = words.iter().map(|line| line.replace(' ', &blank) + &blank).collect::<Vec<_>>().join("\r\n");
            let changed = format!("{changed}\r\n{blank}\r\n\r\n");
            let hash = |body: &str| BodyHasher::hash(Form::Relaxed, None, body.as_bytes());
            prop_assert_eq!(hash(&plain), hash(&changed));
        }

        #[test]
        fn relaxed_fields(name in "[A-Za-z]{1,5}", words in "[a-c]{1,3}( [a-c]{1,3}){0,3}", blank in "(\r\n)?[ \\t]{1,3}") {
            let relaxed = |field: String| {
                let text = format!("{field}\r\n\r\n");
                let message = Message::parse(text.as_bytes()).expect("a message");
                let mut out = Vec::new();
                push_field(Form::Relaxed, message.fields().next().expect("a field"), &mut out);
                out
            };
            let changed = format!("{}:{blank}{}{blank}", name.to_uppercase(), words.replace(' ', &blank));
            prop_assert_eq!(relaxed(format!("{name}:{words}")), relaxed(changed));
        }
    }
}
