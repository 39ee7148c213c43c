//! `Authentication-Results` of the standard (RFC 8601), as a value.
//!
//! A server that has checked a message writes its findings for later readers into a field at the top:
//!
//! ```text
//! mx.contoso.example 1; spf=pass smtp.mailfrom=ann@fabrikam.example; dkim=fail (2048-bit key) reason="body hash" header.d=fabrikam.example
//! └─ authserv-id ──┘ │  └──────────────── resinfo ───────────────┘
//!                 version
//! ```
//!
//! The *authserv-id* names the administration that makes the statement: readers believe only their own (§1.6). Each
//! *resinfo* is the result of one method, perhaps a reason, and *properties*: what was looked at
//! (`ptype.property=pvalue`). A server that checked nothing says `none` (§2.2).
//!
//! [`Payload`] is the value after the field's name. Reading is strict: whatever the grammar of §2.2 does not allow is
//! an error with its position. Writing is canonical: one blank between the parts, quotes only where they must be.
//! Reading what was written gives the same value.
//!
//! Comments may stand between any two tokens, and people read them. Each is kept with the part that contains or
//! precedes it, and is written after that part: `spf(a)=(b)pass` becomes `spf=pass (a) (b)`.
//!
//! Text beyond ASCII (RFC 6532, RFC 8616) is allowed wherever a message of internationalized mail may hold it: in
//! comments, in quoted strings, in local parts, in labels of domains (U-labels), and bare in values, because §2.5 says
//! that the authserv-id may be UTF-8 there. Method, result and property names are ASCII.
//!
//! RFC 8617 §4.1.1 sets an instance number before a payload and calls that [`ArcInfo`].

use std::fmt;
use std::str::FromStr;

pub use parse::{ParseError, Problem};

/// The deepest nesting of comments in comments.
pub const MAX_COMMENT_DEPTH: usize = 16;
/// The most properties of one result.
pub const MAX_PROPERTIES: usize = 64;
/// The highest ARC instance (RFC 8617 §4.2.1).
pub const MAX_INSTANCE: u8 = 50;

/// Why a text cannot be a part of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// A control character, which cannot be quoted.
    #[error("control character {0:?}")]
    Control(char),
    /// Not letters, digits and hyphens with a letter or digit at the end.
    #[error("not a keyword")]
    Keyword,
    /// Not two labels or more of letters, digits and hyphens.
    #[error("not a domain name")]
    Domain,
    /// Comments nested deeper than [`MAX_COMMENT_DEPTH`].
    #[error("comments nested too deep")]
    TooDeep,
    /// Not an instance from 1 to [`MAX_INSTANCE`].
    #[error("not an instance from 1 to {MAX_INSTANCE}")]
    Instance,
}

/// What quoted strings and comments can hold: printable ASCII, blanks, and UTF-8 (RFC 6532 §3.2).
fn is_text(character: char) -> bool {
    character == '\t' || !character.is_ascii_control()
}

fn text(text: &str) -> Result<(), PartError> {
    match text.chars().find(|character| !is_text(*character)) {
        Some(control) => Err(PartError::Control(control)),
        None => Ok(()),
    }
}

/// RFC 2045 §5.1: everything visible except the *tspecials*.
fn is_token_char(character: char) -> bool {
    !character.is_ascii() || (character.is_ascii_graphic() && !"()<>@,;:\\\"/[]?=".contains(character))
}

/// *atext* of RFC 5322 §3.2.3.
fn is_atom_char(character: char) -> bool {
    !character.is_ascii() || character.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(character)
}

fn is_dot_string(text: &str) -> bool {
    text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_char))
}

/// *domain-name* of RFC 6376 §3.5: two labels at least, no address literal, no final dot.
fn is_domain_name(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| !c.is_ascii() || c.is_ascii_alphanumeric() || c == '-')
    };
    text.contains('.') && text.split('.').all(label)
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    escaped(f, text, "\"\\")?;
    f.write_str("\"")
}

/// `text` with a backslash before each of `special` (*quoted-pair*).
fn escaped(f: &mut fmt::Formatter<'_>, text: &str, special: &str) -> fmt::Result {
    text.chars().try_for_each(|character| {
        if special.contains(character) {
            f.write_str("\\")?;
        }
        write!(f, "{character}")
    })
}

/// A *Keyword* (RFC 5321 §4.1.2): letters, digits and hyphens, with a letter or a digit at the end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Keyword(String);

impl Keyword {
    /// A keyword.
    ///
    /// # Errors
    /// When `word` is none.
    pub fn new(word: impl Into<String>) -> Result<Keyword, PartError> {
        let word = word.into();
        let fits = word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if fits && word.ends_with(|c: char| c.is_ascii_alphanumeric()) {
            Ok(Keyword(word))
        } else {
            Err(PartError::Keyword)
        }
    }

    /// The keyword as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is `word`; case does not matter.
    pub fn is(&self, word: &str) -> bool {
        self.0.eq_ignore_ascii_case(word)
    }
}

impl fmt::Display for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A *value* (RFC 2045 §5.1): a token, or text in quotes. This is the text itself; quotes are added when it is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value(String);

impl Value {
    /// A value.
    ///
    /// # Errors
    /// When `value` holds control characters.
    pub fn new(value: impl Into<String>) -> Result<Value, PartError> {
        let value = value.into();
        text(&value)?;
        Ok(Value(value))
    }

    /// The text, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_empty() && self.0.chars().all(is_token_char) { f.write_str(&self.0) } else { quoted(f, &self.0) }
    }
}

/// A comment (RFC 5322 §3.2.2): text, with comments in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comment(Vec<CommentPart>);

/// A part of a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommentPart {
    /// Text, without the backslashes of quoting.
    Text(String),
    /// A comment in the comment.
    Comment(Comment),
}

impl Comment {
    /// A comment of these parts.
    ///
    /// # Errors
    /// When a text holds control characters, or the nesting is too deep.
    pub fn new(parts: impl IntoIterator<Item = CommentPart>) -> Result<Comment, PartError> {
        let mut joined: Vec<CommentPart> = Vec::new();
        for part in parts {
            match (part, joined.last_mut()) {
                (CommentPart::Text(more), Some(CommentPart::Text(before))) => {
                    text(&more)?;
                    before.push_str(&more);
                }
                (CommentPart::Text(more), _) => {
                    text(&more)?;
                    if !more.is_empty() {
                        joined.push(CommentPart::Text(more));
                    }
                }
                (comment, _) => joined.push(comment),
            }
        }
        let comment = Comment(joined);
        if comment.depth() > MAX_COMMENT_DEPTH { Err(PartError::TooDeep) } else { Ok(comment) }
    }

    /// A comment of text alone.
    ///
    /// # Errors
    /// When the text holds control characters.
    pub fn of(text: impl Into<String>) -> Result<Comment, PartError> {
        Comment::new([CommentPart::Text(text.into())])
    }

    /// The parts: no text is empty, and no two texts are adjacent.
    pub fn parts(&self) -> &[CommentPart] {
        &self.0
    }

    fn depth(&self) -> usize {
        let inner = self.0.iter().map(|part| match part {
            CommentPart::Text(_) => 0,
            CommentPart::Comment(comment) => comment.depth(),
        });
        1 + inner.max().unwrap_or(0)
    }
}

impl fmt::Display for Comment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for part in &self.0 {
            match part {
                CommentPart::Text(text) => escaped(f, text, "()\\")?,
                CommentPart::Comment(comment) => write!(f, "{comment}")?,
            }
        }
        f.write_str(")")
    }
}

/// The form of a *pvalue* with an `@`: an address, or `@` and a domain (§2.2), as in `header.i=@contoso.example`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    local_part: Option<String>,
    domain: String,
}

impl Mailbox {
    /// `local_part` is the text itself, without quotes; `None` is for `@domain`.
    ///
    /// # Errors
    /// When the local part holds control characters (tabs too: RFC 5321 §4.1.2 has none in its quoted strings), or the
    /// domain is not a *domain-name* of RFC 6376 §3.5.
    pub fn new(local_part: Option<String>, domain: impl Into<String>) -> Result<Mailbox, PartError> {
        let domain = domain.into();
        if let Some(control) = local_part.iter().flat_map(|text| text.chars()).find(char::is_ascii_control) {
            return Err(PartError::Control(control));
        }
        if is_domain_name(&domain) { Ok(Mailbox { local_part, domain }) } else { Err(PartError::Domain) }
    }

    /// The text before the `@`, without quotes.
    pub fn local_part(&self) -> Option<&str> {
        self.local_part.as_deref()
    }

    /// The domain.
    pub fn domain(&self) -> &str {
        &self.domain
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.local_part {
            Some(local) if is_dot_string(local) => f.write_str(local)?,
            Some(local) => quoted(f, local)?,
            None => {}
        }
        write!(f, "@{}", self.domain)
    }
}

/// The value of a property (*pvalue*, §2.2). A bare domain is a [`Value`], as the grammar cannot tell it from a token;
/// an address in quotes is one too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PropertyValue {
    /// A token or a quoted string.
    Value(Value),
    /// An address or `@domain`.
    Mailbox(Mailbox),
}

impl fmt::Display for PropertyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PropertyValue::Value(value) => value.fmt(f),
            PropertyValue::Mailbox(mailbox) => mailbox.fmt(f),
        }
    }
}

/// What was looked at (*propspec*): `smtp.mailfrom=contoso.example`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Where it was found: `smtp`, `header`, `body`, `policy` (§2.3).
    pub ptype: Keyword,
    /// Its name there.
    pub property: Keyword,
    /// What it was.
    pub value: PropertyValue,
    /// The comments in it and after it.
    pub comments: Vec<Comment>,
}

/// Why the result is what it is, in words (*reasonspec*).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The words.
    pub value: Value,
    /// The comments in it and after it.
    pub comments: Vec<Comment>,
}

/// The result of one method (*resinfo*).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResInfo {
    /// The method: `spf`, `dkim`, … (§2.7).
    pub method: Keyword,
    /// The version of the method; 1 where it is missing (§2.6).
    pub version: Option<u32>,
    /// The result.
    pub result: Keyword,
    /// The comments up to the result and after it.
    pub comments: Vec<Comment>,
    /// A reason.
    pub reason: Option<Reason>,
    /// At most [`MAX_PROPERTIES`].
    pub properties: Vec<Property>,
}

impl ResInfo {
    /// The first property of this type and name.
    pub fn property(&self, ptype: &str, property: &str) -> Option<&PropertyValue> {
        self.properties.iter().find(|it| it.ptype.is(ptype) && it.property.is(property)).map(|it| &it.value)
    }
}

/// A whole value (*authres-payload*).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The administration that makes the statement (§2.5).
    pub authserv_id: Value,
    /// The version of the field; 1 where it is missing.
    pub version: Option<u32>,
    /// The comments around the two, and those around `none`.
    pub comments: Vec<Comment>,
    /// The results, at most [`MAX_CLAUSES`](super::MAX_CLAUSES). If there are none, the value is `none`.
    pub results: Vec<ResInfo>,
}

impl Payload {
    /// The results of `method` in order.
    pub fn results_of<'a>(&'a self, method: &'a str) -> impl Iterator<Item = &'a ResInfo> {
        self.results.iter().filter(move |result| result.method.is(method))
    }

    /// The whole field, folded, with its final CRLF.
    pub fn to_field(&self) -> String {
        crate::headers::folded("Authentication-Results", &self.to_string())
    }
}

/// The place of a set of fields in an ARC chain (RFC 8617 §4.2.1): from 1 to [`MAX_INSTANCE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instance(u8);

impl Instance {
    /// An instance.
    ///
    /// # Errors
    /// When the number is out of range.
    pub fn new(number: u8) -> Result<Instance, PartError> {
        if (1..=MAX_INSTANCE).contains(&number) { Ok(Instance(number)) } else { Err(PartError::Instance) }
    }

    /// The number.
    pub fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The value of `ARC-Authentication-Results` (*arc-info*, RFC 8617 §4.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArcInfo {
    /// The place in the chain. Comments around it go to the payload.
    pub instance: Instance,
    /// The results.
    pub payload: Payload,
}

impl ArcInfo {
    /// The whole field, folded, with its final CRLF.
    pub fn to_field(&self) -> String {
        crate::headers::folded("ARC-Authentication-Results", &self.to_string())
    }
}

fn comments(f: &mut fmt::Formatter<'_>, comments: &[Comment]) -> fmt::Result {
    comments.iter().try_for_each(|comment| write!(f, " {comment}"))
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}={}", self.ptype, self.property, self.value)?;
        comments(f, &self.comments)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reason={}", self.value)?;
        comments(f, &self.comments)
    }
}

impl fmt::Display for ResInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.method)?;
        if let Some(version) = self.version {
            write!(f, "/{version}")?;
        }
        write!(f, "={}", self.result)?;
        comments(f, &self.comments)?;
        if let Some(reason) = &self.reason {
            write!(f, " {reason}")?;
        }
        self.properties.iter().try_for_each(|property| write!(f, " {property}"))
    }
}

impl fmt::Display for Payload {
    /// The unfolded value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.authserv_id)?;
        if let Some(version) = self.version {
            write!(f, " {version}")?;
        }
        comments(f, &self.comments)?;
        if self.results.is_empty() {
            return f.write_str("; none");
        }
        self.results.iter().try_for_each(|result| write!(f, "; {result}"))
    }
}

impl fmt::Display for ArcInfo {
    /// The unfolded value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "i={}; {}", self.instance, self.payload)
    }
}

impl FromStr for Payload {
    type Err = ParseError;

    /// Reads an unfolded value, without its final line end.
    fn from_str(value: &str) -> Result<Payload, ParseError> {
        parse::payload(value)
    }
}

impl FromStr for ArcInfo {
    type Err = ParseError;

    /// Reads an unfolded value, without its final line end.
    fn from_str(value: &str) -> Result<ArcInfo, ParseError> {
        parse::arc_info(value)
    }
}

mod parse;

#[cfg(test)]
mod tests;
