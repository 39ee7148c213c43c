//! The grammar of RFC 8601 §2.2, read from left to right without going back.

use super::{
    ArcInfo, Comment, CommentPart, Instance, Keyword, MAX_COMMENT_DEPTH, MAX_INSTANCE, MAX_PROPERTIES, Mailbox,
    Payload, Property, PropertyValue, Reason, ResInfo, Value, is_atom_char, is_domain_name, is_dot_string, is_text,
    is_token_char,
};
use crate::authres::{MAX_CLAUSES, MAX_LENGTH};

/// What is wrong, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at octet {position}")]
pub struct ParseError {
    /// The octet of the value, from 0.
    pub position: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The grammar has something else here.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A character that needs quotes.
    #[error("{0:?} outside quotes")]
    Unquoted(char),
    /// A control character.
    #[error("control character {0:?}")]
    Control(char),
    /// A quoted string has no end.
    #[error("quoted string without end")]
    OpenString,
    /// A comment has no end.
    #[error("comment without end")]
    OpenComment,
    /// The local part is not a dot-string, or has a tab in it.
    #[error("bad local part")]
    LocalPart,
    /// The domain is not two labels or more of letters, digits and hyphens.
    #[error("bad domain name")]
    Domain,
    /// A version with too many digits.
    #[error("number too large")]
    Number,
    /// Not an instance of an ARC set.
    #[error("instance not from 1 to {MAX_INSTANCE}")]
    Instance,
    /// The value is longer than [`MAX_LENGTH`] octets.
    #[error("more than {MAX_LENGTH} octets")]
    TooLong,
    /// More than [`MAX_CLAUSES`] results.
    #[error("more than {MAX_CLAUSES} results")]
    TooManyResults,
    /// More than [`MAX_PROPERTIES`] properties of one result.
    #[error("more than {MAX_PROPERTIES} properties")]
    TooManyProperties,
    /// Comments nested deeper than [`MAX_COMMENT_DEPTH`].
    #[error("comments nested deeper than {MAX_COMMENT_DEPTH}")]
    TooDeep,
}

pub(super) fn payload(text: &str) -> Result<Payload, ParseError> {
    Cursor::new(text)?.payload(Vec::new())
}

pub(super) fn arc_info(text: &str) -> Result<ArcInfo, ParseError> {
    let mut cursor = Cursor::new(text)?;
    let mut comments = Vec::new();
    cursor.cfws(&mut comments)?;
    // RFC 8617 §3.9: %s"i", the only word here whose case matters.
    cursor.expect('i', "i=")?;
    cursor.cfws(&mut comments)?;
    cursor.expect('=', "=")?;
    cursor.cfws(&mut comments)?;
    let start = cursor.position;
    let digits = cursor.take_while(|c| c.is_ascii_digit());
    let number = Some(digits).filter(|digits| digits.len() <= 2).and_then(|digits| digits.parse().ok());
    let instance = number.and_then(|number| Instance::new(number).ok());
    let instance = instance.ok_or(ParseError { position: start, problem: Problem::Instance })?;
    cursor.cfws(&mut comments)?;
    cursor.expect(';', ";")?;
    Ok(ArcInfo { instance, payload: cursor.payload(comments)? })
}

struct Cursor<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a str) -> Result<Cursor<'a>, ParseError> {
        if text.len() > MAX_LENGTH {
            return Err(ParseError { position: MAX_LENGTH, problem: Problem::TooLong });
        }
        Ok(Cursor { text, position: 0 })
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.position += next.len_utf8();
        Some(next)
    }

    fn eat(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        if there {
            self.position += wanted.len_utf8();
        }
        there
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|character| !belongs(character)).unwrap_or(rest.len());
        self.position += length;
        rest.get(..length).unwrap_or_default()
    }

    fn wrong(&self, problem: Problem) -> ParseError {
        ParseError { position: self.position, problem }
    }

    fn expect(&mut self, wanted: char, name: &'static str) -> Result<(), ParseError> {
        if self.eat(wanted) { Ok(()) } else { Err(self.wrong(Problem::Expected(name))) }
    }

    /// Skips blanks and comments; returns whether there were any.
    fn cfws(&mut self, comments: &mut Vec<Comment>) -> Result<bool, ParseError> {
        let start = self.position;
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t'));
            if self.peek() != Some('(') {
                return Ok(self.position > start);
            }
            comments.push(self.comment(1)?);
        }
    }

    fn comment(&mut self, depth: usize) -> Result<Comment, ParseError> {
        let open = self.position;
        if depth > MAX_COMMENT_DEPTH {
            return Err(self.wrong(Problem::TooDeep));
        }
        self.expect('(', "(")?;
        let mut parts = Vec::new();
        let mut text = String::new();
        loop {
            match self.peek() {
                Some('(') => {
                    if !text.is_empty() {
                        parts.push(CommentPart::Text(std::mem::take(&mut text)));
                    }
                    parts.push(CommentPart::Comment(self.comment(depth + 1)?));
                }
                Some(')') => break,
                _ => text.push(self.quotable(open, Problem::OpenComment)?),
            }
        }
        self.expect(')', ")")?;
        if !text.is_empty() {
            parts.push(CommentPart::Text(text));
        }
        Ok(Comment(parts))
    }

    /// One character of a comment or a quoted string that begins at `open`, or one after a backslash.
    fn quotable(&mut self, open: usize, no_end: Problem) -> Result<char, ParseError> {
        self.eat('\\');
        match self.peek() {
            Some(character) if is_text(character) => {
                self.next();
                Ok(character)
            }
            Some(control) => Err(self.wrong(Problem::Control(control))),
            None => Err(ParseError { position: open, problem: no_end }),
        }
    }

    fn quoted_string(&mut self) -> Result<String, ParseError> {
        let open = self.position;
        self.expect('"', "\"")?;
        let mut text = String::new();
        loop {
            match self.peek() {
                Some('"') => break,
                _ => text.push(self.quotable(open, Problem::OpenString)?),
            }
        }
        self.expect('"', "\"")?;
        Ok(text)
    }

    /// RFC 2045 §5.1.
    fn value(&mut self, name: &'static str) -> Result<Value, ParseError> {
        if self.peek() == Some('"') {
            return self.quoted_string().map(Value);
        }
        match self.take_while(is_token_char) {
            "" => Err(self.wrong(Problem::Expected(name))),
            token => Ok(Value(token.to_owned())),
        }
    }

    fn keyword(&mut self, name: &'static str) -> Result<Keyword, ParseError> {
        let position = self.position;
        let word = self.take_while(|c| c.is_ascii_alphanumeric() || c == '-');
        Keyword::new(word).map_err(|_| ParseError { position, problem: Problem::Expected(name) })
    }

    /// 1*DIGIT.
    fn version(&mut self) -> Result<u32, ParseError> {
        let position = self.position;
        match self.take_while(|c| c.is_ascii_digit()) {
            "" => Err(self.wrong(Problem::Expected("a version"))),
            digits => digits.parse().map_err(|_| ParseError { position, problem: Problem::Number }),
        }
    }

    /// The rest of the text as a payload. `comments` are those read so far.
    fn payload(mut self, mut comments: Vec<Comment>) -> Result<Payload, ParseError> {
        self.cfws(&mut comments)?;
        let authserv_id = self.value("an authserv-id")?;
        let apart = self.cfws(&mut comments)?;
        let version = match self.peek() {
            Some(digit) if digit.is_ascii_digit() => {
                if !apart {
                    return Err(self.wrong(Problem::Expected("a blank before the version")));
                }
                let version = self.version()?;
                self.cfws(&mut comments)?;
                Some(version)
            }
            _ => None,
        };
        let mut results = Vec::new();
        loop {
            let name = if version.is_none() && results.is_empty() { "a version or ;" } else { ";" };
            self.expect(';', name)?;
            let mut own = Vec::new();
            self.cfws(&mut own)?;
            let method = self.keyword("a method")?;
            self.cfws(&mut own)?;
            if self.peek().is_none() && results.is_empty() && method.is("none") {
                comments.extend(own);
                break;
            }
            if results.len() == MAX_CLAUSES {
                return Err(self.wrong(Problem::TooManyResults));
            }
            results.push(self.result(method, own)?);
            if self.peek().is_none() {
                break;
            }
        }
        Ok(Payload { authserv_id, version, comments, results })
    }

    /// The rest of a *resinfo* after its method.
    fn result(&mut self, method: Keyword, mut comments: Vec<Comment>) -> Result<ResInfo, ParseError> {
        let mut version = None;
        if self.eat('/') {
            self.cfws(&mut comments)?;
            version = Some(self.version()?);
            self.cfws(&mut comments)?;
        }
        self.expect('=', "=")?;
        self.cfws(&mut comments)?;
        let result = self.keyword("a result")?;
        self.cfws(&mut comments)?;
        let mut info = ResInfo { method, version, result, comments, reason: None, properties: Vec::new() };
        // Whether a property may begin here: a blank must separate it from a quoted reason, but not from another
        // property.
        let mut apart = true;
        while !matches!(self.peek(), None | Some(';')) {
            if !apart {
                return Err(self.wrong(Problem::Expected("a blank after the reason")));
            }
            let start = self.position;
            let word = self.keyword("a property or ;")?;
            let mut own = Vec::new();
            self.cfws(&mut own)?;
            if self.peek() == Some('=') && word.is("reason") && info.reason.is_none() && info.properties.is_empty() {
                self.next();
                self.cfws(&mut own)?;
                let value = self.value("a reason")?;
                apart = self.cfws(&mut own)?;
                info.reason = Some(Reason { value, comments: own });
                continue;
            }
            if info.properties.len() == MAX_PROPERTIES {
                return Err(ParseError { position: start, problem: Problem::TooManyProperties });
            }
            info.properties.push(self.property(word, own)?);
        }
        Ok(info)
    }

    /// The rest of a *propspec* after its type.
    fn property(&mut self, ptype: Keyword, mut comments: Vec<Comment>) -> Result<Property, ParseError> {
        self.expect('.', ".")?;
        self.cfws(&mut comments)?;
        let property = self.keyword("the name of a property")?;
        self.cfws(&mut comments)?;
        self.expect('=', "=")?;
        self.cfws(&mut comments)?;
        let value = self.property_value()?;
        self.cfws(&mut comments)?;
        Ok(Property { ptype, property, value, comments })
    }

    fn property_value(&mut self) -> Result<PropertyValue, ParseError> {
        let start = self.position;
        if self.peek() == Some('"') {
            let text = self.quoted_string()?;
            return if self.eat('@') { self.mailbox(start, Some(text)) } else { Ok(PropertyValue::Value(Value(text))) };
        }
        if self.eat('@') {
            return self.mailbox(start, None);
        }
        // The characters of atoms include those of tokens: only what follows shows which it is.
        let run = self.take_while(|c| c == '.' || is_atom_char(c));
        if self.eat('@') {
            if !is_dot_string(run) {
                return Err(ParseError { position: start, problem: Problem::LocalPart });
            }
            return self.mailbox(start, Some(run.to_owned()));
        }
        if run.is_empty() {
            return Err(self.wrong(Problem::Expected("a value")));
        }
        match run.char_indices().find(|(_, character)| !is_token_char(*character)) {
            Some((offset, character)) => {
                Err(ParseError { position: start + offset, problem: Problem::Unquoted(character) })
            }
            None => Ok(PropertyValue::Value(Value(run.to_owned()))),
        }
    }

    /// The domain after the `@` of a property whose value begins at `start`.
    fn mailbox(&mut self, start: usize, local_part: Option<String>) -> Result<PropertyValue, ParseError> {
        let position = self.position;
        let domain = self.take_while(|c| !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
        if !is_domain_name(domain) {
            return Err(ParseError { position, problem: Problem::Domain });
        }
        let mailbox = Mailbox::new(local_part, domain);
        let mailbox = mailbox.map_err(|_| ParseError { position: start, problem: Problem::LocalPart })?;
        Ok(PropertyValue::Mailbox(mailbox))
    }
}
