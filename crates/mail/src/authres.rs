//! `Authentication-Results` (RFC 8601) in the layout of Microsoft.
//!
//! The standard begins the value with an authserv-id; Microsoft's has none and begins with the first result. Its clauses
//! come in a fixed order with fixed separators:
//!
//! ```text
//! spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=contoso.example; dkim=none (message not signed) header.d=none;dmarc=bestguesspass action=none header.from=contoso.example;compauth=pass reason=109
//! ```
//!
//! `; ` stands behind the SPF clause and between DKIM clauses, `;` without a blank behind the last DKIM clause and behind
//! the DMARC clause; without a composite result the value ends with that `;`. Mail submitted inside an organization has no
//! SPF clause. [`AuthenticationResults`] writes exactly this (`Display`) and reads it, with or without blanks behind the
//! semicolons. The layout before 2021, which repeats the recipient's domain between the clauses, is not read.

pub mod rfc8601;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The longest value that is read, in octets.
pub const MAX_LENGTH: usize = 16 * 1024;
/// The most clauses that are read.
pub const MAX_CLAUSES: usize = 64;

/// An enum whose variants are the words of a field.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// The word in the field.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }

            fn from_word(word: &str) -> Option<$name> {
                match word { $($word => Some($name::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! {
    /// The results of SPF (RFC 7208 §2.6).
    SpfResult {
        /// The client may send for the domain.
        Pass = "pass",
        /// It may not.
        Fail = "fail",
        /// It probably may not.
        SoftFail = "softfail",
        /// The domain says nothing about it.
        Neutral = "neutral",
        /// The domain has no SPF record, or there is no domain to ask.
        None = "none",
        /// DNS failed; later it may not.
        TempError = "temperror",
        /// The domain's records cannot be understood.
        PermError = "permerror",
    }
}

words! {
    /// The results of DMARC, as Microsoft words them.
    DmarcResult {
        /// An aligned SPF or DKIM result is a pass.
        Pass = "pass",
        /// None is.
        Fail = "fail",
        /// There is no DMARC record, and with one the message would have passed.
        BestGuessPass = "bestguesspass",
        /// There is no DMARC record, and the message would not have passed.
        None = "none",
        /// The record could not be looked up.
        TempError = "temperror",
        /// The record cannot be understood.
        PermError = "permerror",
    }
}

words! {
    /// What was done about a DMARC failure.
    DmarcAction {
        /// Nothing.
        None = "none",
        /// The record says `p=reject`.
        OReject = "oreject",
        /// The record says `p=quarantine`.
        Quarantine = "quarantine",
        /// Documented, never seen.
        Reject = "reject",
        /// `p=quarantine`, and the message was exempt by `pct`.
        PctQuarantine = "pct.quarantine",
        /// `p=reject`, and the message was exempt by `pct`.
        PctReject = "pct.reject",
        /// Documented as an action, seen only as a result.
        PermError = "permerror",
        /// Documented as an action, seen only as a result.
        TempError = "temperror",
    }
}

words! {
    /// The results of composite authentication.
    CompAuthResult {
        /// Authenticated, explicitly or implicitly.
        Pass = "pass",
        /// Implicitly authenticated, with little confidence.
        SoftPass = "softpass",
        /// Not authenticated.
        Fail = "fail",
        /// Not evaluated, or bypassed.
        None = "none",
    }
}

/// The result for one DKIM signature, or for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DkimResult {
    /// The signature holds.
    Pass,
    /// The body is not the one that was signed.
    FailBodyHash,
    /// The signature does not hold.
    FailSignature,
    /// The selector has no key.
    FailNoKey,
    /// There is no signature.
    None,
    /// The key could not be looked up in time.
    Timeout,
    /// Named in the documents, never seen.
    TempError,
    /// Named in third-party lists, never seen.
    PermError,
}

impl DkimResult {
    const ALL: [DkimResult; 8] = [
        DkimResult::Pass,
        DkimResult::FailBodyHash,
        DkimResult::FailSignature,
        DkimResult::FailNoKey,
        DkimResult::None,
        DkimResult::Timeout,
        DkimResult::TempError,
        DkimResult::PermError,
    ];

    /// The word in the field.
    pub fn word(self) -> &'static str {
        match self {
            DkimResult::Pass => "pass",
            DkimResult::FailBodyHash | DkimResult::FailSignature | DkimResult::FailNoKey => "fail",
            DkimResult::None => "none",
            DkimResult::Timeout => "timeout",
            DkimResult::TempError => "temperror",
            DkimResult::PermError => "permerror",
        }
    }

    /// The comment behind the word.
    pub fn comment(self) -> Option<&'static str> {
        match self {
            DkimResult::Pass => Some("signature was verified"),
            DkimResult::FailBodyHash => Some("body hash did not verify"),
            DkimResult::FailSignature => Some("signature did not verify"),
            DkimResult::FailNoKey => Some("no key for signature"),
            DkimResult::None => Some("message not signed"),
            DkimResult::Timeout => Some("key query timeout"),
            DkimResult::TempError | DkimResult::PermError => None,
        }
    }
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

/// The three digits that tell why composite authentication gave its result.
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

/// A whole value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticationResults {
    /// Missing for mail submitted inside the organization.
    pub spf: Option<SpfClause>,
    /// One for each signature; one that says so when there is none.
    pub dkim: Vec<DkimClause>,
    /// The DMARC clause.
    pub dmarc: DmarcClause,
    /// Missing where composite authentication was not run.
    pub compauth: Option<CompAuth>,
}

impl AuthenticationResults {
    /// The whole field, folded, with its final CRLF.
    pub fn to_field(&self) -> String {
        crate::headers::folded("Authentication-Results", &self.to_string())
    }
}

/// A name in a value: what would break the clauses apart becomes `?`.
fn token(text: &str) -> String {
    let breaks = |c: char| c.is_whitespace() || c.is_control() || ";()".contains(c);
    text.replace(breaks, "?")
}

impl fmt::Display for SpfClause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ip = self.ip.map(|ip| ip.to_canonical().to_string()).unwrap_or_default();
        write!(f, "spf={} (sender IP is {ip}) ", self.result)?;
        match &self.identity {
            SpfIdentity::MailFrom(domain) => write!(f, "smtp.mailfrom={}", token(domain)),
            SpfIdentity::Helo(name) => write!(f, "smtp.helo={}", token(name)),
            SpfIdentity::Null => f.write_str("smtp.mailfrom=<>"),
        }
    }
}

impl fmt::Display for DkimClause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dkim={}", self.result.word())?;
        if let Some(comment) = self.result.comment() {
            write!(f, " ({comment})")?;
        }
        write!(f, " header.d={}", token(self.domain.as_deref().unwrap_or("none")))
    }
}

impl fmt::Display for DmarcClause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dmarc={} action={} header.from={}", self.result, self.action, token(&self.header_from))
    }
}

impl fmt::Display for CompAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "compauth={} reason={}", self.result, self.reason)
    }
}

impl fmt::Display for AuthenticationResults {
    /// The unfolded value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(spf) = &self.spf {
            write!(f, "{spf}; ")?;
        }
        for (index, dkim) in self.dkim.iter().enumerate() {
            write!(f, "{}{dkim}", if index == 0 { "" } else { "; " })?;
        }
        let behind_dkim = if self.dkim.is_empty() { "" } else { ";" };
        write!(f, "{behind_dkim}{};", self.dmarc)?;
        match &self.compauth {
            Some(compauth) => write!(f, "{compauth}"),
            None => Ok(()),
        }
    }
}

/// Why a value is not one of this layout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthResError {
    /// Longer than [`MAX_LENGTH`], or more than [`MAX_CLAUSES`] clauses.
    #[error("value too long")]
    TooLong,
    /// A clause begins with none of the known methods: an authserv-id, a repeated recipient domain, another writer.
    #[error("unknown clause {clause:?}")]
    UnknownClause {
        /// The clause.
        clause: String,
    },
    /// A clause stands where the order has no place for it.
    #[error("clause {clause:?} out of order")]
    Order {
        /// The clause.
        clause: String,
    },
    /// A clause is of a known method and cannot be read.
    #[error("{problem} in clause {clause:?}")]
    Clause {
        /// The clause.
        clause: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A clause that every value has is missing.
    #[error("no {method} clause")]
    Missing {
        /// The method.
        method: &'static str,
    },
}

/// One clause, cut up: `method=result (comment) name=value …`.
struct Parts<'a> {
    clause: &'a str,
    result: &'a str,
    comment: Option<&'a str>,
    properties: Vec<(&'a str, &'a str)>,
}

impl<'a> Parts<'a> {
    fn cut(clause: &'a str, method: &str) -> Result<Parts<'a>, AuthResError> {
        let clause = clause.trim();
        let wrong = |problem| AuthResError::Clause { clause: clause.to_owned(), problem };
        let unknown = || AuthResError::UnknownClause { clause: clause.to_owned() };
        let (word, rest) = clause.split_once(' ').unwrap_or((clause, ""));
        let (name, result) = word.split_once('=').ok_or_else(unknown)?;
        if name != method {
            return Err(unknown());
        }
        let rest = rest.trim_start();
        let (comment, rest) = match rest.strip_prefix('(') {
            Some(inner) => {
                let (comment, rest) = inner.split_once(')').ok_or_else(|| wrong("unclosed comment"))?;
                (Some(comment), rest)
            }
            None => (None, rest),
        };
        let mut properties = Vec::new();
        for word in rest.split_ascii_whitespace() {
            properties.push(word.split_once('=').ok_or_else(|| wrong("property without ="))?);
        }
        Ok(Parts { clause, result, comment, properties })
    }

    fn wrong(&self, problem: &'static str) -> AuthResError {
        AuthResError::Clause { clause: self.clause.to_owned(), problem }
    }

    /// The values of exactly these properties, in this order.
    fn exactly<const N: usize>(&self, names: [&str; N]) -> Result<[&'a str; N], AuthResError> {
        let fit = self.properties.len() == N && self.properties.iter().zip(names).all(|(have, name)| have.0 == name);
        let mut values = [""; N];
        for (value, (_, have)) in values.iter_mut().zip(&self.properties) {
            *value = have;
        }
        if fit { Ok(values) } else { Err(self.wrong("unexpected properties")) }
    }
}

impl FromStr for SpfClause {
    type Err = AuthResError;

    fn from_str(clause: &str) -> Result<SpfClause, AuthResError> {
        let parts = Parts::cut(clause, "spf")?;
        let result = SpfResult::from_word(parts.result).ok_or_else(|| parts.wrong("unknown result"))?;
        let comment = parts.comment.ok_or_else(|| parts.wrong("no comment"))?;
        let ip = comment.strip_prefix("sender IP is").ok_or_else(|| parts.wrong("unknown comment"))?.trim();
        let ip = match ip {
            "" => None,
            ip => Some(ip.parse().map_err(|_| parts.wrong("not an address"))?),
        };
        let identity = match parts.properties.as_slice() {
            [("smtp.mailfrom", "<>")] => SpfIdentity::Null,
            [("smtp.mailfrom", domain)] => SpfIdentity::MailFrom((*domain).to_owned()),
            [("smtp.helo", name)] => SpfIdentity::Helo((*name).to_owned()),
            _ => return Err(parts.wrong("unexpected properties")),
        };
        Ok(SpfClause { result, ip, identity })
    }
}

impl FromStr for DkimClause {
    type Err = AuthResError;

    fn from_str(clause: &str) -> Result<DkimClause, AuthResError> {
        let parts = Parts::cut(clause, "dkim")?;
        let same = |result: &DkimResult| result.word() == parts.result && result.comment() == parts.comment;
        let result = DkimResult::ALL.into_iter().find(same).ok_or_else(|| parts.wrong("unknown result or comment"))?;
        let [domain] = parts.exactly(["header.d"])?;
        let domain = if domain == "none" { None } else { Some(domain.to_owned()) };
        Ok(DkimClause { result, domain })
    }
}

impl FromStr for DmarcClause {
    type Err = AuthResError;

    fn from_str(clause: &str) -> Result<DmarcClause, AuthResError> {
        let parts = Parts::cut(clause, "dmarc")?;
        let result = DmarcResult::from_word(parts.result).ok_or_else(|| parts.wrong("unknown result"))?;
        let [action, header_from] = parts.exactly(["action", "header.from"])?;
        let action = DmarcAction::from_word(action).ok_or_else(|| parts.wrong("unknown action"))?;
        if parts.comment.is_some() {
            return Err(parts.wrong("unexpected comment"));
        }
        Ok(DmarcClause { result, action, header_from: header_from.to_owned() })
    }
}

impl FromStr for CompAuth {
    type Err = AuthResError;

    fn from_str(clause: &str) -> Result<CompAuth, AuthResError> {
        let parts = Parts::cut(clause, "compauth")?;
        let result = CompAuthResult::from_word(parts.result).ok_or_else(|| parts.wrong("unknown result"))?;
        let [reason] = parts.exactly(["reason"])?;
        let digits = reason.len() == 3 && reason.bytes().all(|octet| octet.is_ascii_digit());
        let code = reason.parse().ok().filter(|_| digits).ok_or_else(|| parts.wrong("reason is not three digits"))?;
        Ok(CompAuth { result, reason: Reason(code) })
    }
}

impl FromStr for AuthenticationResults {
    type Err = AuthResError;

    /// Reads an unfolded value.
    fn from_str(value: &str) -> Result<AuthenticationResults, AuthResError> {
        if value.len() > MAX_LENGTH {
            return Err(AuthResError::TooLong);
        }
        let mut clauses: Vec<&str> = value.split(';').map(str::trim).collect();
        if clauses.last() == Some(&"") {
            clauses.pop();
        }
        if clauses.len() > MAX_CLAUSES {
            return Err(AuthResError::TooLong);
        }
        let mut clauses = clauses.into_iter().peekable();
        let is = |clause: &&str, method: &str| clause.split_once('=').is_some_and(|(name, _)| name == method);
        let spf = clauses.next_if(|clause| is(clause, "spf")).map(str::parse).transpose()?;
        let mut dkim = Vec::new();
        while let Some(clause) = clauses.next_if(|clause| is(clause, "dkim")) {
            dkim.push(clause.parse()?);
        }
        let dmarc = clauses.next_if(|clause| is(clause, "dmarc")).map(str::parse).transpose()?;
        let compauth = clauses.next_if(|clause| is(clause, "compauth")).map(str::parse).transpose()?;
        if let Some(clause) = clauses.next() {
            let known = ["spf", "dkim", "dmarc", "compauth"].into_iter().any(|method| is(&clause, method));
            let clause = clause.to_owned();
            return Err(if known { AuthResError::Order { clause } } else { AuthResError::UnknownClause { clause } });
        }
        if dkim.is_empty() {
            return Err(AuthResError::Missing { method: "dkim" });
        }
        let dmarc = dmarc.ok_or(AuthResError::Missing { method: "dmarc" })?;
        Ok(AuthenticationResults { spf, dkim, dmarc, compauth })
    }
}

#[cfg(test)]
mod tests;
