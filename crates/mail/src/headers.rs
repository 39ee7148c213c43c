//! A message as fields and body (RFC 5322 §2.1, §2.2); no byte is lost.
//!
//! A message is lines; the header section ends at the first empty line. A field is a name, a colon and a body that may
//! continue on lines that begin with a blank (folding, §2.2.3). Lines end with CRLF; a bare LF also occurs: it ends a
//! line here too, and is reported ([`Message::has_bare_lf`]). A line that is not a field is kept as
//! [`Line::Malformed`]. The raw bytes of all lines, the separator and the body, joined, are the input.

use crate::address::Address;
use crate::mailbox_list::{self, MailboxListError};
use crate::message_id::{MessageId, MessageIdError};

/// The most lines (fields and malformed ones) of a header section.
pub const MAX_LINES: usize = 2_000;
/// The longest header section, in octets.
pub const MAX_HEADER: usize = 512 * 1024;

/// Why a message cannot be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// More than [`MAX_LINES`] fields.
    #[error("more than {MAX_LINES} header fields")]
    TooManyFields,
    /// The header section is longer than [`MAX_HEADER`].
    #[error("header section longer than {MAX_HEADER} octets")]
    TooLong,
}

/// One header field, as a view into the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderField<'a> {
    raw: &'a [u8],
    name: &'a str,
    value: &'a [u8],
}

impl<'a> HeaderField<'a> {
    /// The name as it was written.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Whether this is the field `name`; case does not matter (RFC 5322 §1.2.2).
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// All octets of the field, name, colon, folds and the final line end included.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The octets after the colon, the final line end included.
    pub fn raw_value(&self) -> &'a [u8] {
        self.value
    }

    /// The value unfolded: line ends before blanks removed (RFC 5322 §2.2.3), blanks at both ends too. Octets that are
    /// not UTF-8 become U+FFFD.
    pub fn value(&self) -> String {
        let unfolded: Vec<u8> = self.value.iter().copied().filter(|octet| !matches!(octet, b'\r' | b'\n')).collect();
        String::from_utf8_lossy(&unfolded).trim_matches([' ', '\t']).to_owned()
    }

    /// The value unfolded, and nothing else left out; none if it holds a CR or LF that folds nothing, or is not UTF-8. For a
    /// field on which others rely, octets that a lenient reader leaves out are a mistake.
    pub fn exact_value(&self) -> Option<String> {
        let text = std::str::from_utf8(self.value).ok()?;
        let text = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
        let mut unfolded = String::with_capacity(text.len());
        let mut lines = text.split('\n').peekable();
        while let Some(line) = lines.next() {
            // The line end before a continuation.
            let line = if lines.peek().is_some() { line.strip_suffix('\r').unwrap_or(line) } else { line };
            if line.contains('\r') || lines.peek().is_some_and(|next| !next.starts_with([' ', '\t'])) {
                return None;
            }
            unfolded.push_str(line);
        }
        Some(unfolded)
    }

    fn parse(raw: &'a [u8]) -> Option<HeaderField<'a>> {
        let colon = raw.iter().position(|octet| *octet == b':')?;
        // obs-optional (RFC 5322 §4.5.8) allows blanks between name and colon.
        let name = raw.get(..colon)?.trim_ascii_end();
        // RFC 5322 §2.2: a name is printable US-ASCII without colon and blank.
        if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        Some(HeaderField { raw, name: std::str::from_utf8(name).ok()?, value: raw.get(colon + 1..)? })
    }
}

/// A logical line of a header section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A field.
    Field(HeaderField<'a>),
    /// Octets that are not a field: no colon, an impossible name, or a continuation line with nothing before it.
    Malformed(&'a [u8]),
}

impl<'a> Line<'a> {
    /// All octets of the line.
    pub fn raw(&self) -> &'a [u8] {
        match self {
            Line::Field(field) => field.raw,
            Line::Malformed(raw) => raw,
        }
    }
}

/// A message split into header lines and body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    lines: Vec<Line<'a>>,
    header: &'a [u8],
    separator: &'a [u8],
    body: &'a [u8],
    bare_lf: bool,
}

impl<'a> Message<'a> {
    /// Splits a message.
    ///
    /// # Errors
    /// Only when a limit of this module is exceeded; anything else that is wrong is kept as data.
    pub fn parse(message: &'a [u8]) -> Result<Message<'a>, HeaderError> {
        let mut lines: Vec<Line<'a>> = Vec::new();
        let mut bare_lf = false;
        // The logical line that is still open begins here.
        let mut start = 0;
        let mut position = 0;
        let mut separator = &message[message.len()..];
        while position < message.len() {
            let rest = &message[position..];
            let length = rest.iter().position(|octet| *octet == b'\n').map_or(rest.len(), |index| index + 1);
            let line = &rest[..length];
            bare_lf |= line.ends_with(b"\n") && !line.ends_with(b"\r\n");
            if matches!(line, b"\r\n" | b"\n") {
                separator = line;
                break;
            }
            if !matches!(line.first(), Some(b' ' | b'\t')) && position > start {
                push(&mut lines, &message[start..position])?;
                start = position;
            }
            position += length;
            if position > MAX_HEADER {
                return Err(HeaderError::TooLong);
            }
        }
        if position > start {
            push(&mut lines, &message[start..position])?;
        }
        let body = &message[position + separator.len()..];
        Ok(Message { lines, header: &message[..position], separator, body, bare_lf })
    }

    /// The lines of the header section in order.
    pub fn lines(&self) -> &[Line<'a>] {
        &self.lines
    }

    /// The fields in order.
    pub fn fields(&self) -> impl Iterator<Item = HeaderField<'a>> + '_ {
        self.lines.iter().filter_map(|line| match line {
            Line::Field(field) => Some(*field),
            Line::Malformed(_) => None,
        })
    }

    /// The fields called `name`, in order.
    pub fn fields_named<'b>(&'b self, name: &'b str) -> impl Iterator<Item = HeaderField<'a>> + 'b {
        self.fields().filter(move |field| field.is(name))
    }

    /// The first field called `name`.
    pub fn field(&self, name: &str) -> Option<HeaderField<'a>> {
        self.fields().find(|field| field.is(name))
    }

    /// The octets of the header section, without the empty line.
    pub fn header(&self) -> &'a [u8] {
        self.header
    }

    /// The empty line between header and body; empty if there is none (then there is no body either).
    pub fn separator(&self) -> &'a [u8] {
        self.separator
    }

    /// The body.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Whether a line of the header section ends with a bare LF.
    pub fn has_bare_lf(&self) -> bool {
        self.bare_lf
    }

    /// The message's identifier.
    ///
    /// # Errors
    /// `None` for a message without the field.
    pub fn message_id(&self) -> Result<MessageId, Option<MessageIdError>> {
        self.field("Message-ID").ok_or(None)?.value().parse().map_err(Some)
    }

    /// The authors in `From`, in order: at least one.
    ///
    /// Whoever authenticates a message must see the authors that its reader will see. So the whole field has to be a list of
    /// mailboxes (RFC 5322 §3.6.2); no part of it is skipped.
    ///
    /// # Errors
    /// When there is not exactly one `From` field, or it is no list of mailboxes.
    pub fn authors(&self) -> Result<Vec<Address>, AuthorError> {
        let mut fields = self.fields_named("From");
        let field = fields.next().ok_or(AuthorError::NoFrom)?;
        let more = fields.count();
        if more > 0 {
            return Err(AuthorError::SeveralFromFields { count: more + 1 });
        }
        let value = field.exact_value().ok_or(AuthorError::Unreadable(MailboxListError::Character))?;
        Ok(mailbox_list::parse(&value)?)
    }

    /// The only author in `From`.
    ///
    /// # Errors
    /// Those of [`authors`](Message::authors), and when there are several.
    pub fn author(&self) -> Result<Address, AuthorError> {
        let mut authors = self.authors()?;
        match authors.pop() {
            Some(author) if authors.is_empty() => Ok(author),
            Some(_) | None => Err(AuthorError::SeveralAuthors { count: authors.len() + 1 }),
        }
    }
}

fn push<'a>(lines: &mut Vec<Line<'a>>, raw: &'a [u8]) -> Result<(), HeaderError> {
    if lines.len() == MAX_LINES {
        return Err(HeaderError::TooManyFields);
    }
    let continues_nothing = matches!(raw.first(), Some(b' ' | b'\t'));
    let field = if continues_nothing { None } else { HeaderField::parse(raw) };
    lines.push(field.map_or(Line::Malformed(raw), Line::Field));
    Ok(())
}

/// A field written out: `name: value`, folded at 78 columns (RFC 5322 §2.1.1) and ended with CRLF.
///
/// Folds are only at blanks, and each continuation begins with the blank at which it was folded, so unfolding gives the
/// value back. A word longer than a line stays whole. CR and LF inside the value become blanks.
pub fn folded(name: &str, value: &str) -> String {
    const WIDTH: usize = 78;
    let value = value.replace(['\r', '\n'], " ");
    let mut field = format!("{name}:");
    let mut column = field.len();
    for (index, word) in value.split(' ').enumerate() {
        // No fold before the first word or an empty one: some readers take a line of blanks for the end of the header.
        if index > 0 && !word.is_empty() && column + 1 + word.len() > WIDTH {
            field.push_str("\r\n");
            column = 0;
        }
        field.push(' ');
        field.push_str(word);
        column += 1 + word.len();
    }
    field.push_str("\r\n");
    field
}

/// Why a message has no authors, or no single one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorError {
    /// There is no `From` field.
    #[error("no From field")]
    NoFrom,
    /// There are several (RFC 5322 §3.6 allows one).
    #[error("{count} From fields")]
    SeveralFromFields {
        /// How many.
        count: usize,
    },
    /// The field is no list of mailboxes.
    #[error("{0} in From")]
    Unreadable(#[from] MailboxListError),
    /// The field names several authors, where one is needed.
    #[error("{count} authors in From")]
    SeveralAuthors {
        /// How many.
        count: usize,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(message: &str, fields: &[(&str, &str)], malformed: &[&str], body: &str) {
        let parsed = Message::parse(message.as_bytes()).expect("within the limits");
        let found: Vec<_> = parsed.fields().map(|field| (field.name().to_owned(), field.value())).collect();
        let expected: Vec<_> = fields.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        assert_eq!(found, expected, "{message:?}");
        let bad: Vec<_> =
            parsed.lines().iter().filter(|line| matches!(line, Line::Malformed(_))).map(Line::raw).collect();
        assert_eq!(bad, malformed.iter().map(|line| line.as_bytes()).collect::<Vec<_>>(), "{message:?}");
        assert_eq!(parsed.body(), body.as_bytes(), "{message:?}");
        assert_eq!(whole(&parsed), message.as_bytes());
    }

    fn whole(message: &Message<'_>) -> Vec<u8> {
        let mut bytes: Vec<u8> = message.lines().iter().flat_map(|line| line.raw()).copied().collect();
        assert_eq!(bytes, message.header());
        bytes.extend(message.separator());
        bytes.extend(message.body());
        bytes
    }

    #[test]
    fn splitting() {
        check("A: 1\r\nB: 2\r\n\r\nbody\r\n", &[("A", "1"), ("B", "2")], &[], "body\r\n");
        check("A: 1\r\n 2\r\n\t3\r\nB:4\r\n\r\n", &[("A", "1 2\t3"), ("B", "4")], &[], "");
        check("A: 1\nB: 2\n\nbody\n", &[("A", "1"), ("B", "2")], &[], "body\n");
        check("A: 1\r\nB: 2", &[("A", "1"), ("B", "2")], &[], "");
        check("\r\nA: 1\r\n", &[], &[], "A: 1\r\n");
        check("", &[], &[], "");
        check("A : 1\r\n\r\n", &[("A", "1")], &[], "");
        check("A: x:y\r\n\r\n", &[("A", "x:y")], &[], "");
        check("A:\r\n\r\n", &[("A", "")], &[], "");
        check(" x: 1\r\nB: 2\r\n\r\n", &[("B", "2")], &[" x: 1\r\n"], "");
        check("no colon\r\n folded\r\nB: 2\r\n\r\n", &[("B", "2")], &["no colon\r\n folded\r\n"], "");
        check(": 1\r\nB: 2\r\n\r\n", &[("B", "2")], &[": 1\r\n"], "");
        check("a b: 1\r\n\r\n", &[], &["a b: 1\r\n"], "");
        check("From x@y Mon\r\nB: 2\r\n\r\n", &[("B", "2")], &["From x@y Mon\r\n"], "");
        check("A: 1\r2\r\n\r\n", &[("A", "12")], &[], "");
        check("A: 1\r\n \r\nB: 2\r\n\r\n", &[("A", "1"), ("B", "2")], &[], "");
    }

    #[test]
    fn limits() {
        let many = "A: 1\r\n".repeat(MAX_LINES + 1);
        assert_eq!(Message::parse(many.as_bytes()), Err(HeaderError::TooManyFields));
        let long = format!("A: {}\r\n", "x".repeat(MAX_HEADER));
        assert_eq!(Message::parse(long.as_bytes()), Err(HeaderError::TooLong));
        let long_body = format!("A: 1\r\n\r\n{}", "x".repeat(MAX_HEADER));
        assert!(Message::parse(long_body.as_bytes()).is_ok());
    }

    #[track_caller]
    fn author(header: &str, expected: Result<&str, &str>) {
        let message = Message::parse(header.as_bytes()).expect("within the limits");
        let author = message.author().map(|author| author.to_string()).map_err(|error| error.to_string());
        assert_eq!(author, expected.map(str::to_owned).map_err(str::to_owned), "{header:?}");
    }

    #[test]
    fn authors() {
        author("From: Ann <ann@contoso.example>\r\n", Ok("ann@contoso.example"));
        author("from: =?utf-8?q?=C5=BB?=\r\n <ann@contoso.example>\r\n", Ok("ann@contoso.example"));
        author("Sender: ann@contoso.example\r\n", Err("no From field"));
        author("From: a@b.example\r\nFrom: c@d.example\r\n", Err("2 From fields"));
        author("From: a@b.example, c@d.example\r\n", Err("2 authors in From"));
        author("From: undisclosed:;\r\n", Err("a group of addresses in From"));
        author("From: Ann\r\n", Err("a name without an address in From"));
        author("From:\r\n", Err("no address in From"));
        author("From: \"Ann\r\n\tLee\" <ann@contoso.example>\n", Ok("ann@contoso.example"));
        // A carriage return in the middle, which a lenient reader leaves out.
        author("From: ann@con\rtoso.example\r\n", Err("a character that must not be there in From"));
        author("From: ann@contoso.example\r", Err("a character that must not be there in From"));
    }

    #[test]
    fn octets_that_are_no_text_name_no_author() {
        let message = Message::parse(b"From: Ann\xff <ann@contoso.example>\r\n").expect("within the limits");
        assert_eq!(message.authors(), Err(AuthorError::Unreadable(MailboxListError::Character)));
    }

    #[test]
    fn exact_values() {
        let check = |raw: &str, expected: Option<&str>| {
            let raw = format!("From:{raw}");
            let field = HeaderField::parse(raw.as_bytes()).expect("a field");
            assert_eq!(field.exact_value().as_deref(), expected, "{raw:?}");
        };
        check(" a\r\n", Some(" a"));
        check(" a", Some(" a"));
        check("", Some(""));
        check(" a\r\n b\n\tc\r\n", Some(" a b\tc"));
        for wrong in [" a\rb\r\n", " a\r\r\n", " a\nb\r\n", " a\r\n b\r", " a\n\n"] {
            check(wrong, None);
        }
    }

    #[test]
    fn message_ids() {
        let id = |header: &str| Message::parse(header.as_bytes()).expect("within the limits").message_id();
        assert_eq!(id("message-id: <a@b>\r\n").map(|id| id.as_str().to_owned()), Ok("a@b".to_owned()));
        assert_eq!(id("Message-ID: a@b\r\n"), Err(Some(MessageIdError::Brackets)));
        assert_eq!(id("A: 1\r\n"), Err(None));
    }

    #[track_caller]
    fn folds(value: &str, expected: &str) {
        let field = folded("Received", value);
        assert_eq!(field, expected);
        assert_eq!(Message::parse(field.as_bytes()).expect("a field").field("received").expect("it").value(), value);
    }

    #[test]
    fn folding() {
        folds("from a by b", "Received: from a by b\r\n");
        let (a, b) = ("a".repeat(40), "b".repeat(40));
        folds(&format!("{a} {b} c"), &format!("Received: {a}\r\n {b} c\r\n"));
        folds(&format!("{a} c;d={b}"), &format!("Received: {a}\r\n c;d={b}\r\n"));
        // Only blanks separate words: text joined by a semicolon stays whole.
        let clauses = "dkim=fail (body hash did not verify) header.d=contoso.example;dmarc=bestguesspass x";
        folds(
            clauses,
            "Received: dkim=fail (body hash did not verify)\r\n header.d=contoso.example;dmarc=bestguesspass x\r\n",
        );
        // Runs of blanks stay; no line is only blanks, and no line gains a blank at its end.
        folds(&format!("{a}  {b}"), &format!("Received: {a} \r\n {b}\r\n"));
        assert_eq!(folded("A", "b; "), "A: b; \r\n");
        assert_eq!(folded("A", ""), "A: \r\n");
    }

    /// 78 columns fit (RFC 5322 §2.1.1), 79 do not: on the first line and on later ones.
    #[test]
    fn folding_at_the_column() {
        let columns = |field: &str| -> Vec<usize> { field.split_terminator("\r\n").map(str::len).collect() };
        let (name, word) = ("Received", "x".repeat(20));
        for (length, expected) in [(46, &[77][..]), (47, &[78]), (48, &[30, 49]), (77, &[30, 78]), (78, &[30, 79])] {
            let field = folded(name, &format!("{word} {}", "y".repeat(length)));
            assert_eq!(columns(&field), expected, "{field}");
        }
        let first = "y".repeat(60);
        for (length, expected) in [(15, &[30, 77][..]), (16, &[30, 78]), (17, &[30, 61, 18])] {
            let field = folded(name, &format!("{word} {first} {}", "z".repeat(length)));
            assert_eq!(columns(&field), expected, "{field}");
        }
    }

    /// A word longer than a line stays whole, wherever it is; what follows begins a new line.
    #[test]
    fn words_longer_than_a_line() {
        let long = "x".repeat(200);
        folds(&long, &format!("Received: {long}\r\n"));
        folds(&format!("{long} y"), &format!("Received: {long}\r\n y\r\n"));
        folds(&format!("a {long} y {long}"), &format!("Received: a\r\n {long}\r\n y\r\n {long}\r\n"));
    }

    proptest! {
        #[test]
        fn folding_loses_nothing(value in "[a-z;=]{1,30}( [a-z;=]{1,50}){0,12}") {
            let field = folded("X-Test", &value);
            prop_assert!(field.lines().all(|line| line.len() <= 78));
            let message = Message::parse(field.as_bytes()).expect("a field");
            prop_assert_eq!(message.field("x-test").expect("it").value(), value);
        }

        #[test]
        fn nothing_is_lost(message in proptest::collection::vec(prop_oneof![
            Just(b'\r'), Just(b'\n'), Just(b':'), Just(b' '), Just(b'a'), any::<u8>()
        ], 0..200)) {
            let parsed = Message::parse(&message).expect("within the limits");
            prop_assert_eq!(whole(&parsed), message.clone());
            let _ = parsed.authors();
            let _ = parsed.message_id();
        }
    }
}
