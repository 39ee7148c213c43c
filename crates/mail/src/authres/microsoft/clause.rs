//! The clauses of Microsoft's `Authentication-Results`: `method=result (comment) name=value …`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::authres::{CompAuthResult, DkimResult, DmarcAction, DmarcResult, SpfResult};

/// Why a value is not one of Microsoft's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthResError {
    /// Longer than [`MAX_LENGTH`](crate::authres::MAX_LENGTH), or more clauses than
    /// [`MAX_CLAUSES`](crate::authres::MAX_CLAUSES).
    #[error("value too long")]
    TooLong,
    /// A clause begins with no known method, and is not a recipient's domain where one may be.
    #[error("unknown clause {clause:?}")]
    UnknownClause {
        /// The clause.
        clause: String,
    },
    /// A clause is out of order.
    #[error("clause {clause:?} out of order")]
    Order {
        /// The clause.
        clause: String,
    },
    /// A clause has a known method, but cannot be read.
    #[error("{problem} in clause {clause:?}")]
    Clause {
        /// The clause.
        clause: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// There is no clause at all.
    #[error("no clause")]
    Empty,
    /// The value of an ARC field has another authserv-id, or none.
    #[error("not of mx.microsoft.com")]
    NotMicrosoft,
    /// The instance of an ARC field is not from 1 to 50.
    #[error("bad instance")]
    Instance,
    /// A clause that the value must have is missing.
    #[error("no {method} clause")]
    Missing {
        /// The method.
        method: &'static str,
    },
}

/// Whose SPF record was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpfIdentity {
    /// `smtp.mailfrom=`: the domain of MAIL FROM, in the case in which it was received.
    MailFrom(String),
    /// `smtp.helo=`: the name in HELO, when MAIL FROM is the null reverse-path.
    Helo(String),
    /// `smtp.mailfrom=<>`: the null reverse-path inside the service.
    Null,
}

/// The SPF clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpfClause {
    /// The result.
    pub result: SpfResult,
    /// The client's address; missing for mail that comes from inside the service.
    pub ip: Option<IpAddr>,
    /// Whose record was asked.
    pub identity: SpfIdentity,
}

/// A DKIM clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DkimClause {
    /// The result.
    pub result: DkimResult,
    /// The `d=` of the signature; missing when there is none.
    pub domain: Option<String>,
}

impl DkimClause {
    /// The clause of a message without a signature.
    pub fn not_signed() -> DkimClause {
        DkimClause { result: DkimResult::None, domain: None }
    }
}

/// The DMARC clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DmarcClause {
    /// The result.
    pub result: DmarcResult,
    /// What was done.
    pub action: DmarcAction,
    /// The domain of the author's address.
    pub header_from: String,
}

/// The three digits that say why composite authentication gave its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason(u16);

impl Reason {
    /// A reason code.
    ///
    /// # Panics
    /// At compile time, where it should be used, when the code has more than three digits.
    pub const fn new(code: u16) -> Reason {
        assert!(code <= 999, "a reason has three digits");
        Reason(code)
    }

    /// The number.
    pub fn code(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

/// The composite result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompAuth {
    /// The result.
    pub result: CompAuthResult,
    /// Why.
    pub reason: Reason,
}

/// What no name in a value can hold: it would break the clauses apart.
fn breaks(character: char) -> bool {
    // Beyond ASCII a name has letters and digits: marks of direction and the like would be shown as something else.
    let is_hidden = !character.is_ascii() && !character.is_alphanumeric();
    character.is_whitespace() || character.is_control() || is_hidden || ";()<>\"\\".contains(character)
}

/// A name as it is written: what would break the value apart becomes `?`.
pub(super) fn name(text: &str) -> String {
    text.replace(breaks, "?")
}

/// A name as it is read.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(breaks)
}

/// An address as it is written: IPv4 is never wrapped into IPv6.
pub(super) fn address(ip: Option<IpAddr>) -> String {
    ip.map(|ip| ip.to_canonical().to_string()).unwrap_or_default()
}

/// An address as it is read; nothing where none stands.
pub(super) fn read_address(text: &str) -> Option<Option<IpAddr>> {
    match text {
        "" => Some(None),
        text => text.parse().ok().map(|ip: IpAddr| Some(ip.to_canonical())),
    }
}

/// A number without leading zeros.
pub(super) fn number(text: &str) -> Option<u16> {
    text.parse().ok().filter(|number: &u16| number.to_string() == text)
}

impl fmt::Display for SpfIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpfIdentity::MailFrom(domain) => write!(f, "smtp.mailfrom={}", name(domain)),
            SpfIdentity::Helo(helo) => write!(f, "smtp.helo={}", name(helo)),
            SpfIdentity::Null => f.write_str("smtp.mailfrom=<>"),
        }
    }
}

impl fmt::Display for SpfClause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spf={} (sender IP is {}) {}", self.result, address(self.ip), self.identity)
    }
}

impl DkimClause {
    /// The clause up to `header.d`.
    pub(super) fn write_result(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dkim={}", self.result.word())?;
        match self.result.comment() {
            Some(comment) => write!(f, " ({comment})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for DkimClause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_result(f)?;
        write!(f, " header.d={}", name(self.domain.as_deref().unwrap_or("none")))
    }
}

impl fmt::Display for DmarcClause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dmarc={} action={} header.from={}", self.result, self.action, name(&self.header_from))
    }
}

impl fmt::Display for CompAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "compauth={} reason={}", self.result, self.reason)
    }
}

/// One clause, cut up.
pub(super) struct Parts<'a> {
    clause: &'a str,
    pub(super) result: &'a str,
    pub(super) comment: Option<&'a str>,
    pub(super) properties: Vec<(&'a str, &'a str)>,
}

impl<'a> Parts<'a> {
    pub(super) fn cut(clause: &'a str, method: &str) -> Result<Parts<'a>, AuthResError> {
        let clause = clause.trim_matches([' ', '\t']);
        let wrong = |problem| AuthResError::Clause { clause: clause.to_owned(), problem };
        let unknown = || AuthResError::UnknownClause { clause: clause.to_owned() };
        let (word, rest) = clause.split_once([' ', '\t']).unwrap_or((clause, ""));
        let (name, result) = word.split_once('=').ok_or_else(unknown)?;
        if name != method {
            return Err(unknown());
        }
        let rest = rest.trim_start_matches([' ', '\t']);
        let (comment, rest) = match rest.strip_prefix('(') {
            Some(inner) => {
                let (comment, rest) = inner.split_once(')').ok_or_else(|| wrong("unclosed comment"))?;
                (Some(comment), rest)
            }
            None => (None, rest),
        };
        let mut properties = Vec::new();
        for word in rest.split([' ', '\t']).filter(|word| !word.is_empty()) {
            properties.push(word.split_once('=').ok_or_else(|| wrong("property without ="))?);
        }
        Ok(Parts { clause, result, comment, properties })
    }

    pub(super) fn wrong(&self, problem: &'static str) -> AuthResError {
        AuthResError::Clause { clause: self.clause.to_owned(), problem }
    }

    /// The values of exactly these properties, in this order.
    pub(super) fn exactly<const N: usize>(&self, names: [&str; N]) -> Result<[&'a str; N], AuthResError> {
        let fit = self.properties.len() == N && self.properties.iter().zip(names).all(|(have, name)| have.0 == name);
        let mut values = [""; N];
        for (value, (_, have)) in values.iter_mut().zip(&self.properties) {
            *value = have;
        }
        if fit { Ok(values) } else { Err(self.wrong("unexpected properties")) }
    }

    pub(super) fn no_comment(&self) -> Result<(), AuthResError> {
        if self.comment.is_some() { Err(self.wrong("unexpected comment")) } else { Ok(()) }
    }

    /// A property as a name.
    pub(super) fn name(&self, value: &str) -> Result<String, AuthResError> {
        if is_name(value) { Ok(value.to_owned()) } else { Err(self.wrong("bad name")) }
    }

    pub(super) fn spf_result(&self) -> Result<SpfResult, AuthResError> {
        SpfResult::from_word(self.result).ok_or_else(|| self.wrong("unknown result"))
    }

    /// The address in a comment that says whose it is with `words`.
    pub(super) fn sender(&self, words: &str) -> Result<Option<IpAddr>, AuthResError> {
        let comment = self.comment.ok_or_else(|| self.wrong("no comment"))?;
        let ip = comment.strip_prefix(words).ok_or_else(|| self.wrong("unknown comment"))?;
        read_address(ip.trim_matches([' ', '\t'])).ok_or_else(|| self.wrong("not an address"))
    }

    pub(super) fn identity(&self, property: &str, value: &str) -> Result<SpfIdentity, AuthResError> {
        match (property, value) {
            ("smtp.mailfrom", "<>") => Ok(SpfIdentity::Null),
            ("smtp.mailfrom", domain) => Ok(SpfIdentity::MailFrom(self.name(domain)?)),
            ("smtp.helo", helo) => Ok(SpfIdentity::Helo(self.name(helo)?)),
            _ => Err(self.wrong("unexpected properties")),
        }
    }

    /// The result with its comment; the properties are the caller's.
    pub(super) fn dkim_result(&self) -> Result<DkimResult, AuthResError> {
        let same = |result: &DkimResult| result.word() == self.result && result.comment() == self.comment;
        DkimResult::ALL.into_iter().find(same).ok_or_else(|| self.wrong("unknown result or comment"))
    }

    /// Everything but the comment.
    pub(super) fn dmarc(&self) -> Result<DmarcClause, AuthResError> {
        let result = DmarcResult::from_word(self.result).ok_or_else(|| self.wrong("unknown result"))?;
        let [action, header_from] = self.exactly(["action", "header.from"])?;
        let action = DmarcAction::from_word(action).ok_or_else(|| self.wrong("unknown action"))?;
        Ok(DmarcClause { result, action, header_from: self.name(header_from)? })
    }
}

impl FromStr for SpfClause {
    type Err = AuthResError;

    fn from_str(clause: &str) -> Result<SpfClause, AuthResError> {
        let parts = Parts::cut(clause, "spf")?;
        let (result, ip) = (parts.spf_result()?, parts.sender("sender IP is")?);
        match parts.properties.as_slice() {
            [(property, value)] => Ok(SpfClause { result, ip, identity: parts.identity(property, value)? }),
            _ => Err(parts.wrong("unexpected properties")),
        }
    }
}

impl FromStr for DkimClause {
    type Err = AuthResError;

    fn from_str(clause: &str) -> Result<DkimClause, AuthResError> {
        let parts = Parts::cut(clause, "dkim")?;
        let result = parts.dkim_result()?;
        let [domain] = parts.exactly(["header.d"])?;
        let domain = if domain == "none" { None } else { Some(parts.name(domain)?) };
        Ok(DkimClause { result, domain })
    }
}

impl FromStr for DmarcClause {
    type Err = AuthResError;

    fn from_str(clause: &str) -> Result<DmarcClause, AuthResError> {
        let parts = Parts::cut(clause, "dmarc")?;
        parts.no_comment()?;
        parts.dmarc()
    }
}

impl FromStr for CompAuth {
    type Err = AuthResError;

    fn from_str(clause: &str) -> Result<CompAuth, AuthResError> {
        let parts = Parts::cut(clause, "compauth")?;
        parts.no_comment()?;
        let result = CompAuthResult::from_word(parts.result).ok_or_else(|| parts.wrong("unknown result"))?;
        let [reason] = parts.exactly(["reason"])?;
        let digits = reason.len() == 3 && reason.bytes().all(|octet| octet.is_ascii_digit());
        let code = reason.parse().ok().filter(|_| digits).ok_or_else(|| parts.wrong("reason is not three digits"))?;
        Ok(CompAuth { result, reason: Reason(code) })
    }
}
