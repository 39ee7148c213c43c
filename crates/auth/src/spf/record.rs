//! The SPF record (RFC 7208 §4.6, §5, §6, §12).
//!
//! `v=spf1`, then terms with blanks between them. A term with a name, `=` and a value is a modifier; any other is a
//! directive: an optional qualifier and a mechanism. A syntax error anywhere spoils the record (§4.6), so all of it is
//! read before any of it is evaluated. The result is typed; no text is parsed later.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use mxlab_mail::authres::SpfResult;

use super::macros::{DomainSpec, MacroError, MacroString};

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Records are US-ASCII (RFC 7208 §3.1), and without control characters.
    #[error("not printable US-ASCII")]
    NotAscii,
    /// No such mechanism exists (RFC 7208 §4.6.1).
    #[error("unknown mechanism {term}")]
    UnknownMechanism {
        /// The term.
        term: String,
    },
    /// The term does not fit its grammar.
    #[error("{problem} in {term}")]
    Term {
        /// The term.
        term: String,
        /// What is wrong.
        problem: TermProblem,
    },
    /// `redirect` and `exp` may appear once (RFC 7208 §6).
    #[error("a second {modifier}=")]
    Repeated {
        /// `redirect` or `exp`.
        modifier: &'static str,
    },
}

/// What is wrong with a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermProblem {
    /// `all` stands alone.
    #[error("an argument")]
    Argument,
    /// An address is malformed or missing.
    #[error("no address")]
    Address,
    /// The length of a prefix is not a number, too large, or begins with 0.
    #[error("a bad prefix length")]
    PrefixLength,
    /// A colon or a slash is missing.
    #[error("a bad argument")]
    BadArgument,
    /// The name of a modifier has invalid characters, or a qualifier before it.
    #[error("not the name of a modifier")]
    ModifierName,
    /// The domain or the value is not a macro string, or not a domain.
    #[error(transparent)]
    Macro(#[from] MacroError),
}

/// The prefix lengths of `a` and `mx`, for both families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DualCidr {
    /// For IPv4; 32 when not given.
    pub ip4: u8,
    /// For IPv6; 128 when not given.
    pub ip6: u8,
}

impl DualCidr {
    /// The length for the family of `ip`.
    pub fn prefix(self, ip: IpAddr) -> u8 {
        if ip.is_ipv4() { self.ip4 } else { self.ip6 }
    }
}

/// A mechanism (RFC 7208 §5). If no domain is given, it is the domain of this record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// `all`: always matches.
    All,
    /// `include:`: matches when the record of another domain passes the client.
    Include(DomainSpec),
    /// `a`: the addresses of a domain.
    A {
        /// The domain.
        domain: Option<DomainSpec>,
        /// How many bits count.
        cidr: DualCidr,
    },
    /// `mx`: the addresses of a domain's mail hosts.
    Mx {
        /// The domain.
        domain: Option<DomainSpec>,
        /// How many bits count.
        cidr: DualCidr,
    },
    /// `ptr`: a validated name of the client is the domain or below it.
    Ptr(Option<DomainSpec>),
    /// `ip4:`.
    Ip4 {
        /// The network.
        network: Ipv4Addr,
        /// How many bits count.
        prefix: u8,
    },
    /// `ip6:`.
    Ip6 {
        /// The network.
        network: Ipv6Addr,
        /// How many bits count.
        prefix: u8,
    },
    /// `exists:`: the domain has any IPv4 address.
    Exists(DomainSpec),
}

impl Mechanism {
    /// Whether evaluating it asks DNS, and so counts towards the limit of RFC 7208 §4.6.4.
    pub fn asks_dns(&self) -> bool {
        !matches!(self, Mechanism::All | Mechanism::Ip4 { .. } | Mechanism::Ip6 { .. })
    }

    /// The domain that it names.
    pub fn domain(&self) -> Option<&DomainSpec> {
        match self {
            Mechanism::All | Mechanism::Ip4 { .. } | Mechanism::Ip6 { .. } => None,
            Mechanism::Include(domain) | Mechanism::Exists(domain) => Some(domain),
            Mechanism::A { domain, .. } | Mechanism::Mx { domain, .. } | Mechanism::Ptr(domain) => domain.as_ref(),
        }
    }
}

impl fmt::Display for Mechanism {
    /// As written in records, without default values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mechanism::All => f.write_str("all"),
            Mechanism::Include(domain) => write!(f, "include:{domain}"),
            Mechanism::A { domain, cidr } => with_domain(f, "a", domain.as_ref()).and_then(|()| write!(f, "{cidr}")),
            Mechanism::Mx { domain, cidr } => with_domain(f, "mx", domain.as_ref()).and_then(|()| write!(f, "{cidr}")),
            Mechanism::Ptr(domain) => with_domain(f, "ptr", domain.as_ref()),
            Mechanism::Ip4 { network, prefix: 32 } => write!(f, "ip4:{network}"),
            Mechanism::Ip4 { network, prefix } => write!(f, "ip4:{network}/{prefix}"),
            Mechanism::Ip6 { network, prefix: 128 } => write!(f, "ip6:{network}"),
            Mechanism::Ip6 { network, prefix } => write!(f, "ip6:{network}/{prefix}"),
            Mechanism::Exists(domain) => write!(f, "exists:{domain}"),
        }
    }
}

fn with_domain(f: &mut fmt::Formatter<'_>, name: &str, domain: Option<&DomainSpec>) -> fmt::Result {
    match domain {
        Some(domain) => write!(f, "{name}:{domain}"),
        None => f.write_str(name),
    }
}

impl fmt::Display for DualCidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ip4 != 32 {
            write!(f, "/{}", self.ip4)?;
        }
        if self.ip6 != 128 {
            write!(f, "//{}", self.ip6)?;
        }
        Ok(())
    }
}

/// A mechanism with its qualifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// The result when the mechanism matches: pass, fail, softfail or neutral.
    pub result: SpfResult,
    /// The mechanism.
    pub mechanism: Mechanism,
    /// Both as they were written.
    pub text: String,
}

/// A record without syntax errors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The directives in order.
    pub directives: Vec<Directive>,
    /// `redirect=`: whose record decides when no directive does.
    pub redirect: Option<DomainSpec>,
    /// `exp=`: where the domain explains its failures.
    pub explanation: Option<DomainSpec>,
    /// Modifiers that RFC 7208 does not know; they are ignored.
    pub unknown: Vec<(String, MacroString)>,
}

/// Whether a TXT record is an SPF record: `v=spf1`, then a blank or the end (RFC 7208 §4.5).
pub fn is_spf(text: &[u8]) -> bool {
    let version = text.get(..6).is_some_and(|version| version.eq_ignore_ascii_case(b"v=spf1"));
    version && matches!(text.get(6), None | Some(b' '))
}

impl Record {
    /// Reads the record, version and all.
    ///
    /// # Errors
    /// The first syntax error.
    pub fn parse(text: &[u8]) -> Result<Record, RecordError> {
        let text = std::str::from_utf8(text).map_err(|_| RecordError::NotAscii)?;
        if !text.bytes().all(|octet| matches!(octet, b' '..=b'~')) {
            return Err(RecordError::NotAscii);
        }
        let mut record = Record::default();
        for term in text.split(' ').skip(1).filter(|term| !term.is_empty()) {
            record.add(term)?;
        }
        Ok(record)
    }

    fn add(&mut self, term: &str) -> Result<(), RecordError> {
        let wrong = |problem: TermProblem| RecordError::Term { term: term.to_owned(), problem };
        let (result, rest) = match term.split_at_checked(1) {
            Some(("+", rest)) => (SpfResult::Pass, rest),
            Some(("-", rest)) => (SpfResult::Fail, rest),
            Some(("~", rest)) => (SpfResult::SoftFail, rest),
            Some(("?", rest)) => (SpfResult::Neutral, rest),
            _ => (SpfResult::Pass, term),
        };
        // RFC 7208 §4.6.1: what is a modifier has its "=" before any ":" or "/".
        let end = rest.find([':', '/', '=']).unwrap_or(rest.len());
        let (name, argument) = rest.split_at(end);
        if let Some(value) = argument.strip_prefix('=') {
            if rest.len() != term.len() || !is_modifier_name(name) {
                return Err(wrong(TermProblem::ModifierName));
            }
            return self.add_modifier(term, name, value);
        }
        let mechanism = mechanism(name, argument).map_err(wrong)?;
        let mechanism = mechanism.ok_or_else(|| RecordError::UnknownMechanism { term: term.to_owned() })?;
        self.directives.push(Directive { result, mechanism, text: term.to_owned() });
        Ok(())
    }

    fn add_modifier(&mut self, term: &str, name: &str, value: &str) -> Result<(), RecordError> {
        let wrong = |error: MacroError| RecordError::Term { term: term.to_owned(), problem: error.into() };
        let (slot, modifier) = match name.to_ascii_lowercase().as_str() {
            "redirect" => (&mut self.redirect, "redirect"),
            "exp" => (&mut self.explanation, "exp"),
            _ => {
                self.unknown.push((name.to_owned(), MacroString::of_modifier(value).map_err(wrong)?));
                return Ok(());
            }
        };
        let domain = DomainSpec::parse(value).map_err(wrong)?;
        if slot.replace(domain).is_some() {
            return Err(RecordError::Repeated { modifier });
        }
        Ok(())
    }
}

impl fmt::Display for Record {
    /// An equal record: the directives, then the modifiers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v=spf1")?;
        for Directive { result, mechanism, .. } in &self.directives {
            let qualifier = match result {
                SpfResult::Fail => "-",
                SpfResult::SoftFail => "~",
                SpfResult::Neutral => "?",
                _ => "",
            };
            write!(f, " {qualifier}{mechanism}")?;
        }
        for (name, value) in &self.unknown {
            write!(f, " {name}={value}")?;
        }
        for (name, domain) in [("redirect", &self.redirect), ("exp", &self.explanation)] {
            if let Some(domain) = domain {
                write!(f, " {name}={domain}")?;
            }
        }
        Ok(())
    }
}

/// `ALPHA *( ALPHA / DIGIT / "-" / "_" / "." )` (RFC 7208 §12).
fn is_modifier_name(name: &str) -> bool {
    let of_name = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
    name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.bytes().all(of_name)
}

/// The mechanism of this name, if there is one.
fn mechanism(name: &str, argument: &str) -> Result<Option<Mechanism>, TermProblem> {
    Ok(Some(match name.to_ascii_lowercase().as_str() {
        "all" if argument.is_empty() => Mechanism::All,
        "all" => return Err(TermProblem::Argument),
        "include" => Mechanism::Include(required_domain(argument)?),
        "exists" => Mechanism::Exists(required_domain(argument)?),
        "ptr" => Mechanism::Ptr(optional_domain(argument)?),
        "a" => {
            let (domain, cidr) = domain_and_cidr(argument)?;
            Mechanism::A { domain, cidr }
        }
        "mx" => {
            let (domain, cidr) = domain_and_cidr(argument)?;
            Mechanism::Mx { domain, cidr }
        }
        "ip4" => {
            let (network, prefix) = network(argument, 32)?;
            Mechanism::Ip4 { network, prefix }
        }
        "ip6" => {
            let (network, prefix) = network(argument, 128)?;
            Mechanism::Ip6 { network, prefix }
        }
        _ => return Ok(None),
    }))
}

/// `":" domain-spec`.
fn required_domain(argument: &str) -> Result<DomainSpec, TermProblem> {
    optional_domain(argument)?.ok_or(TermProblem::Macro(MacroError::Domain))
}

/// `[ ":" domain-spec ]`.
fn optional_domain(argument: &str) -> Result<Option<DomainSpec>, TermProblem> {
    if argument.is_empty() {
        return Ok(None);
    }
    let domain = argument.strip_prefix(':').ok_or(TermProblem::BadArgument)?;
    Ok(Some(DomainSpec::parse(domain)?))
}

/// `[ ":" domain-spec ] [ "/" ip4-length ] [ "//" ip6-length ]` (RFC 7208 §5.3). The domain may also contain slashes,
/// but never ends in a slash and digits.
fn domain_and_cidr(argument: &str) -> Result<(Option<DomainSpec>, DualCidr), TermProblem> {
    let mut cidr = DualCidr { ip4: 32, ip6: 128 };
    let mut rest = argument;
    if let Some((before, digits)) = rest.rsplit_once("//").filter(|(_, tail)| is_number(tail)) {
        cidr.ip6 = prefix(digits, 128)?;
        rest = before;
    }
    if let Some((before, digits)) = rest.rsplit_once('/').filter(|(_, tail)| is_number(tail)) {
        cidr.ip4 = prefix(digits, 32)?;
        rest = before;
    }
    // A rest that begins with a slash was meant to be a length.
    if rest.starts_with('/') {
        return Err(TermProblem::PrefixLength);
    }
    Ok((optional_domain(rest)?, cidr))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// `":" address [ "/" length ]`.
fn network<T: FromStr>(argument: &str, longest: u8) -> Result<(T, u8), TermProblem> {
    let argument = argument.strip_prefix(':').ok_or(TermProblem::Address)?;
    let (address, prefix) = match argument.split_once('/') {
        Some((address, digits)) => (address, prefix(digits, longest)?),
        None => (argument, longest),
    };
    Ok((address.parse().map_err(|_| TermProblem::Address)?, prefix))
}

/// The length of a prefix, without leading zeros.
fn prefix(digits: &str, longest: u8) -> Result<u8, TermProblem> {
    let leading_zero = digits.len() > 1 && digits.starts_with('0');
    let length = digits.parse().ok().filter(|length| is_number(digits) && !leading_zero && *length <= longest);
    length.ok_or(TermProblem::PrefixLength)
}

#[cfg(test)]
mod tests;
