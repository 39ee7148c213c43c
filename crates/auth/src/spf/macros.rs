//! Macros (RFC 7208 §7): parts of a record or of an explanation that stand for facts of the session.
//!
//! `%{` letter, transformers, delimiters `}` gives a fact: split at the delimiters (dots when none are given), reversed
//! with `r`, cut to the rightmost parts with a number, and joined with dots. An upper-case letter escapes the outcome
//! for a URL. `%%`, `%_` and `%-` stand for a percent sign, a blank and `%20`.
//!
//! | letter | fact | for `ann.lee@contoso.example` from 192.0.2.10 |
//! |---|---|---|
//! | `s` `l` `o` | sender, its local part, its domain | `ann.lee@contoso.example`, `ann.lee`, `contoso.example` |
//! | `d` | the domain whose record this is | `contoso.example`, inside an include that of the include |
//! | `i` | the client's address, its parts with dots | `192.0.2.10`; for IPv6 32 hexadecimal digits |
//! | `v` | the tree of the address | `in-addr`, for IPv6 `ip6` |
//! | `p` | a validated name of the client, else `unknown` | `mail.contoso.example` |
//! | `h` | the name in HELO | |
//! | `c` `r` `t` | the address as people write it, the receiving host, seconds since 1970 | in explanations alone |
//!
//! Texts are read once into typed tokens. Expanding them is pure and never fails; a domain comes out with at most 253
//! octets (§7.3), an explanation with at most [`MAX_EXPLANATION`].

use std::borrow::Cow;
use std::fmt;
use std::iter::Peekable;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::str::Chars;

use jiff::Timestamp;

use super::names::MAX_NAME;

/// The longest explanation that is given, in octets. A longer one counts as none.
pub const MAX_EXPLANATION: usize = 4_096;

/// What may separate the parts of a fact (RFC 7208 §7.1).
const DELIMITERS: &str = ".-+,/_=";

/// Why a text is not a macro string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MacroError {
    /// Records contain only visible ASCII; explanations also blanks.
    #[error("not printable US-ASCII")]
    NotAscii,
    /// `%` is followed only by `{`, `%`, `_` or `-`.
    #[error("a % that does not begin a macro")]
    Percent,
    /// The brace is not closed, or is preceded by something that is neither transformer nor delimiter.
    #[error("a macro that is not closed")]
    NotClosed,
    /// There is no such letter.
    #[error("an unknown macro letter")]
    Letter,
    /// Only explanations may have `c`, `r` and `t`.
    #[error("a macro letter that only explanations may have")]
    OnlyInExplanations,
    /// The number of parts is zero.
    #[error("a macro that keeps no part")]
    NoParts,
    /// A domain must end in a macro, or in a dot and a top label that is not a number.
    #[error("a bad domain")]
    Domain,
}

/// What the letter of a macro stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Letter {
    /// `s`: the sender.
    Sender,
    /// `l`: its local part.
    LocalPart,
    /// `o`: its domain.
    SenderDomain,
    /// `d`: the domain whose record is evaluated.
    Domain,
    /// `i`: the client's address in parts.
    Ip,
    /// `p`: a validated name of the client.
    ValidatedName,
    /// `v`: `in-addr` or `ip6`.
    Tree,
    /// `h`: the name in HELO.
    Helo,
    /// `c`: the client's address.
    Client,
    /// `r`: the receiving host.
    Receiver,
    /// `t`: the time.
    Time,
}

const LETTERS: [(char, Letter); 11] = [
    ('s', Letter::Sender),
    ('l', Letter::LocalPart),
    ('o', Letter::SenderDomain),
    ('d', Letter::Domain),
    ('i', Letter::Ip),
    ('p', Letter::ValidatedName),
    ('v', Letter::Tree),
    ('h', Letter::Helo),
    ('c', Letter::Client),
    ('r', Letter::Receiver),
    ('t', Letter::Time),
];

impl Letter {
    fn is_for_explanations(self) -> bool {
        matches!(self, Letter::Client | Letter::Receiver | Letter::Time)
    }
}

/// A `%{…}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Macro {
    /// The fact.
    pub letter: Letter,
    /// Whether the letter is in upper case: the outcome is escaped for a URL.
    pub escaped: bool,
    /// How many parts are kept, from the right.
    pub keep: Option<NonZeroU32>,
    /// Whether the parts are reversed first.
    pub reversed: bool,
    /// Where the fact is split; at dots if empty.
    pub delimiters: String,
}

/// A piece of a [`MacroString`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// Text as it is.
    Literal(String),
    /// `%%`.
    Percent,
    /// `%_`.
    Blank,
    /// `%-`.
    UrlBlank,
    /// `%{…}`.
    Macro(Macro),
}

/// Text with macros. Two literals are never adjacent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MacroString(Vec<Token>);

/// Where a text stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Record,
    Explanation,
}

/// The facts that macros stand for. Domains are in A-labels.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The client.
    pub ip: IpAddr,
    /// The sender's local part.
    pub local_part: &'a str,
    /// The sender's domain.
    pub sender_domain: &'a str,
    /// The name in HELO.
    pub helo: &'a str,
    /// The receiving host.
    pub receiver: &'a str,
    /// The time.
    pub now: Timestamp,
    /// The domain whose record is evaluated.
    pub domain: &'a str,
    /// A validated name of the client, or `unknown`.
    pub validated_name: &'a str,
}

impl Facts<'_> {
    fn value(&self, letter: Letter) -> Cow<'_, str> {
        match letter {
            Letter::Sender => format!("{}@{}", self.local_part, self.sender_domain).into(),
            Letter::LocalPart => self.local_part.into(),
            Letter::SenderDomain => self.sender_domain.into(),
            Letter::Domain => self.domain.into(),
            Letter::Ip => dotted(self.ip).into(),
            Letter::ValidatedName => self.validated_name.into(),
            Letter::Tree if self.ip.is_ipv4() => "in-addr".into(),
            Letter::Tree => "ip6".into(),
            Letter::Helo => self.helo.into(),
            Letter::Client => self.ip.to_string().into(),
            Letter::Receiver => self.receiver.into(),
            Letter::Time => self.now.as_second().to_string().into(),
        }
    }
}

/// `192.0.2.10`, or the 32 digits of an IPv6 address with dots between them.
fn dotted(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let digits = format!("{:032X}", u128::from(ip));
            let parts: Vec<String> = digits.chars().map(String::from).collect();
            parts.join(".")
        }
    }
}

impl Macro {
    fn expand(&self, facts: &Facts<'_>) -> String {
        let value = facts.value(self.letter);
        let delimiters = if self.delimiters.is_empty() { "." } else { self.delimiters.as_str() };
        let mut parts: Vec<&str> = value.split(|c| delimiters.contains(c)).collect();
        if self.reversed {
            parts.reverse();
        }
        let keep = self.keep.and_then(|keep| usize::try_from(keep.get()).ok()).unwrap_or(parts.len());
        let kept = parts.get(parts.len().saturating_sub(keep)..).unwrap_or_default().join(".");
        if self.escaped { url_escaped(&kept) } else { kept }
    }

    /// The text after `%{`, including the closing brace.
    fn parse(chars: &mut Peekable<Chars<'_>>, place: Place) -> Result<Macro, MacroError> {
        let letter = chars.next().ok_or(MacroError::NotClosed)?;
        let known = LETTERS.iter().find(|(known, _)| *known == letter.to_ascii_lowercase());
        let (_, fact) = *known.ok_or(MacroError::Letter)?;
        if place == Place::Record && fact.is_for_explanations() {
            return Err(MacroError::OnlyInExplanations);
        }
        let mut keep = None;
        while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
            // A number that is too large keeps all parts either way.
            keep = Some(keep.unwrap_or(0_u32).saturating_mul(10).saturating_add(digit));
            chars.next();
        }
        let keep = match keep {
            Some(count) => Some(NonZeroU32::new(count).ok_or(MacroError::NoParts)?),
            None => None,
        };
        let reversed = chars.next_if(|c| c.eq_ignore_ascii_case(&'r')).is_some();
        let mut delimiters = String::new();
        while let Some(delimiter) = chars.next_if(|c| DELIMITERS.contains(*c)) {
            delimiters.push(delimiter);
        }
        match chars.next() {
            Some('}') => Ok(Macro { letter: fact, escaped: letter.is_ascii_uppercase(), keep, reversed, delimiters }),
            _ => Err(MacroError::NotClosed),
        }
    }
}

/// Everything except letters, digits and `-._~` as `%XX` (RFC 3986 §2.3).
fn url_escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            escaped.push(char::from(octet));
        } else {
            escaped.push_str(&format!("%{octet:02X}"));
        }
    }
    escaped
}

impl Token {
    fn expand(&self, facts: &Facts<'_>) -> Cow<'_, str> {
        match self {
            Token::Literal(text) => text.as_str().into(),
            Token::Percent => "%".into(),
            Token::Blank => " ".into(),
            Token::UrlBlank => "%20".into(),
            Token::Macro(it) => it.expand(facts).into(),
        }
    }
}

impl MacroString {
    fn parse(text: &str, place: Place) -> Result<MacroString, MacroError> {
        let first = if place == Place::Explanation { ' ' } else { '!' };
        let mut tokens = Vec::new();
        let mut literal = String::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            if c != '%' {
                if !(first..='~').contains(&c) {
                    return Err(MacroError::NotAscii);
                }
                literal.push(c);
                continue;
            }
            let token = match chars.next() {
                Some('%') => Token::Percent,
                Some('_') => Token::Blank,
                Some('-') => Token::UrlBlank,
                Some('{') => Token::Macro(Macro::parse(&mut chars, place)?),
                _ => return Err(MacroError::Percent),
            };
            if !literal.is_empty() {
                tokens.push(Token::Literal(std::mem::take(&mut literal)));
            }
            tokens.push(token);
        }
        if !literal.is_empty() {
            tokens.push(Token::Literal(literal));
        }
        Ok(MacroString(tokens))
    }

    /// Reads the value of a modifier that RFC 7208 does not know (§6: it is ignored, but has to be a macro string).
    ///
    /// # Errors
    /// It is none.
    pub fn of_modifier(text: &str) -> Result<MacroString, MacroError> {
        MacroString::parse(text, Place::Record)
    }

    /// Whether expanding it needs the names of the client's address.
    pub fn needs_validated_name(&self) -> bool {
        self.0.iter().any(|token| matches!(token, Token::Macro(it) if it.letter == Letter::ValidatedName))
    }
}

impl fmt::Display for MacroString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for token in &self.0 {
            match token {
                Token::Literal(text) => f.write_str(text)?,
                Token::Percent => f.write_str("%%")?,
                Token::Blank => f.write_str("%_")?,
                Token::UrlBlank => f.write_str("%-")?,
                Token::Macro(it) => write!(f, "{it}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Macro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = LETTERS.iter().find(|(_, letter)| *letter == self.letter).map_or('?', |(c, _)| *c);
        write!(f, "%{{{}", if self.escaped { letter.to_ascii_uppercase() } else { letter })?;
        if let Some(keep) = self.keep {
            write!(f, "{keep}")?;
        }
        write!(f, "{}{}}}", if self.reversed { "r" } else { "" }, self.delimiters)
    }
}

/// A `domain-spec`: a macro string that ends in a macro, or in a dot and a top label (RFC 7208 §7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainSpec(MacroString);

impl DomainSpec {
    /// Reads it.
    ///
    /// # Errors
    /// When it does not fit the grammar. Whether it expands to a name of DNS is not checked here.
    pub fn parse(text: &str) -> Result<DomainSpec, MacroError> {
        let macros = MacroString::parse(text, Place::Record)?;
        match macros.0.last() {
            None => Err(MacroError::Domain),
            Some(Token::Literal(text)) if !ends_in_top_label(text) => Err(MacroError::Domain),
            Some(_) => Ok(DomainSpec(macros)),
        }
    }

    /// See [`MacroString::needs_validated_name`].
    pub fn needs_validated_name(&self) -> bool {
        self.0.needs_validated_name()
    }

    /// The domain without final dot. While it is longer than 253 octets, labels are dropped from its left (RFC 7208
    /// §7.3); none if that is not possible.
    pub fn expand(&self, facts: &Facts<'_>) -> String {
        // From the right, and only as far as needed: a record can hold thousands of macros.
        let mut text = String::new();
        for token in self.0.0.iter().rev() {
            text.insert_str(0, &token.expand(facts));
            if text.len() > MAX_NAME + 1 {
                break;
            }
        }
        let text = text.strip_suffix('.').unwrap_or(&text);
        if text.len() <= MAX_NAME {
            return text.to_owned();
        }
        let suffixes = text.match_indices('.').filter_map(|(dot, _)| text.get(dot + 1..));
        suffixes.into_iter().find(|suffix| suffix.len() <= MAX_NAME).unwrap_or_default().to_owned()
    }
}

impl fmt::Display for DomainSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether text ends in a dot and letters, digits and hyphens, which are neither all digits nor have a hyphen at an
/// end; one more dot may follow.
fn ends_in_top_label(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let Some((_, top)) = text.rsplit_once('.') else { return false };
    let of_label = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
    let number = top.bytes().all(|octet| octet.is_ascii_digit());
    !top.is_empty() && !number && top.bytes().all(of_label) && !top.starts_with('-') && !top.ends_with('-')
}

/// An `explain-string` (RFC 7208 §6.2): what a domain says about mail that fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainString(MacroString);

impl ExplainString {
    /// Reads the text of a TXT record.
    ///
    /// # Errors
    /// When it is not printable US-ASCII, or its macros are wrong.
    pub fn parse(text: &[u8]) -> Result<ExplainString, MacroError> {
        let text = std::str::from_utf8(text).map_err(|_| MacroError::NotAscii)?;
        MacroString::parse(text, Place::Explanation).map(ExplainString)
    }

    /// See [`MacroString::needs_validated_name`].
    pub fn needs_validated_name(&self) -> bool {
        self.0.needs_validated_name()
    }

    /// The explanation, fit for the text of a reply: none if it is longer than [`MAX_EXPLANATION`] or if a fact put a
    /// control character into it.
    pub fn expand(&self, facts: &Facts<'_>) -> Option<String> {
        let mut text = String::new();
        for token in &self.0.0 {
            text.push_str(&token.expand(facts));
            if text.len() > MAX_EXPLANATION {
                return None;
            }
        }
        (!text.contains(char::is_control)).then_some(text)
    }
}

impl fmt::Display for ExplainString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests;
