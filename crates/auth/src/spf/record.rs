//! The SPF record (RFC 7208 §4.6, §12).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use mxlab_mail::authres::SpfResult;

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
        problem: &'static str,
    },
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

/// A mechanism (RFC 7208 §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// `all`: always matches.
    All,
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
    /// `a`: the addresses of a domain.
    A {
        /// The domain, if it is not the one whose record this is.
        domain: Option<String>,
        /// How many bits count.
        cidr: DualCidr,
    },
    /// `mx`: the addresses of a domain's mail hosts.
    Mx {
        /// The domain, if it is not the one whose record this is.
        domain: Option<String>,
        /// How many bits count.
        cidr: DualCidr,
    },
}

/// A mechanism with its qualifier, and the text of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    result: SpfResult,
    text: String,
    /// The mechanism.
    pub mechanism: Mechanism,
}

impl Directive {
    /// The result when the mechanism matches.
    pub fn result(&self) -> SpfResult {
        self.result
    }
}

impl fmt::Display for Directive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A record without syntax errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The directives in order.
    pub directives: Vec<Directive>,
    /// Terms that RFC 7208 has and this crate has not yet.
    pub unsupported: Vec<String>,
}

/// Whether a TXT record is an SPF record: `v=spf1`, then a blank or the end (RFC 7208 §4.5).
pub fn is_spf(text: &[u8]) -> bool {
    let version = text.get(..6).is_some_and(|version| version.eq_ignore_ascii_case(b"v=spf1"));
    version && matches!(text.get(6), None | Some(b' '))
}

impl Record {
    /// Reads the record; all of it, since a syntax error anywhere spoils it (RFC 7208 §4.6).
    ///
    /// # Errors
    /// The first syntax error.
    pub fn parse(text: &[u8]) -> Result<Record, RecordError> {
        let text = std::str::from_utf8(text).map_err(|_| RecordError::NotAscii)?;
        if !text.bytes().all(|octet| matches!(octet, b' '..=b'~')) {
            return Err(RecordError::NotAscii);
        }
        let mut record = Record { directives: Vec::new(), unsupported: Vec::new() };
        for term in text.split(' ').skip(1).filter(|term| !term.is_empty()) {
            match parse_term(term)? {
                Some(directive) => record.directives.push(directive),
                None => record.unsupported.push(term.to_owned()),
            }
        }
        Ok(record)
    }
}

/// The directive, or none for a term that is not supported.
fn parse_term(term: &str) -> Result<Option<Directive>, RecordError> {
    let (result, rest) = match term.split_at_checked(1) {
        Some(("+", rest)) => (SpfResult::Pass, rest),
        Some(("-", rest)) => (SpfResult::Fail, rest),
        Some(("~", rest)) => (SpfResult::SoftFail, rest),
        Some(("?", rest)) => (SpfResult::Neutral, rest),
        _ => (SpfResult::Pass, term),
    };
    let end = rest.find([':', '/', '=']).unwrap_or(rest.len());
    let (name, argument) = rest.split_at(end);
    if argument.starts_with('=') {
        return modifier(term, rest.len() == term.len(), name).map(|()| None);
    }
    let mechanism = match name.to_ascii_lowercase().as_str() {
        "all" if argument.is_empty() => Mechanism::All,
        "all" => return Err(wrong(term, "an argument")),
        "ip4" => {
            let (network, prefix) = network(term, argument, 32)?;
            Mechanism::Ip4 { network, prefix }
        }
        "ip6" => {
            let (network, prefix) = network(term, argument, 128)?;
            Mechanism::Ip6 { network, prefix }
        }
        name @ ("a" | "mx") => {
            if argument.contains('%') {
                return Ok(None);
            }
            let (domain, cidr) = domain_and_cidr(term, argument)?;
            if name == "a" { Mechanism::A { domain, cidr } } else { Mechanism::Mx { domain, cidr } }
        }
        "include" | "exists" | "ptr" => return Ok(None),
        _ => return Err(RecordError::UnknownMechanism { term: term.to_owned() }),
    };
    Ok(Some(Directive { result, text: term.to_owned(), mechanism }))
}

fn wrong(term: &str, problem: &'static str) -> RecordError {
    RecordError::Term { term: term.to_owned(), problem }
}

/// `name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." )`, and no qualifier before it (RFC 7208 §12).
fn modifier(term: &str, unqualified: bool, name: &str) -> Result<(), RecordError> {
    let of_name = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.bytes().all(of_name);
    if unqualified && is_name { Ok(()) } else { Err(wrong(term, "no name of a modifier")) }
}

/// `:address` and perhaps `/length`.
fn network<T: FromStr>(term: &str, argument: &str, longest: u8) -> Result<(T, u8), RecordError> {
    let argument = argument.strip_prefix(':').ok_or_else(|| wrong(term, "no address"))?;
    let (address, prefix) = match argument.split_once('/') {
        Some((address, digits)) => (address, prefix(term, digits, longest)?),
        None => (argument, longest),
    };
    Ok((address.parse().map_err(|_| wrong(term, "no address"))?, prefix))
}

/// A prefix length without leading zeros.
fn prefix(term: &str, digits: &str, longest: u8) -> Result<u8, RecordError> {
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let leading_zero = digits.len() > 1 && digits.starts_with('0');
    let length = digits.parse().ok().filter(|length| plain && !leading_zero && *length <= longest);
    length.ok_or_else(|| wrong(term, "a bad prefix length"))
}

/// `[":" domain-spec] ["/" ip4-length] ["//" ip6-length]` (RFC 7208 §5.6).
fn domain_and_cidr(term: &str, argument: &str) -> Result<(Option<String>, DualCidr), RecordError> {
    let mut cidr = DualCidr { ip4: 32, ip6: 128 };
    let mut rest = argument;
    if let Some((before, digits)) = rest.rsplit_once("//") {
        cidr.ip6 = prefix(term, digits, 128)?;
        rest = before;
    }
    if let Some((before, digits)) = rest.rsplit_once('/') {
        cidr.ip4 = prefix(term, digits, 32)?;
        rest = before;
    }
    if rest.is_empty() {
        return Ok((None, cidr));
    }
    let domain = rest.strip_prefix(':').ok_or_else(|| wrong(term, "a bad argument"))?;
    if !is_domain_spec(domain) {
        return Err(wrong(term, "a bad domain"));
    }
    Ok((Some(domain.strip_suffix('.').unwrap_or(domain).to_owned()), cidr))
}

/// Without macros: anything visible, then a dot and a top label that is no number (RFC 7208 §7.1).
fn is_domain_spec(domain: &str) -> bool {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let Some((_, top)) = domain.rsplit_once('.') else { return false };
    let of_label = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
    let number = top.bytes().all(|octet| octet.is_ascii_digit());
    !top.is_empty() && !number && top.bytes().all(of_label) && !top.starts_with('-') && !top.ends_with('-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The directives read, or the error.
    #[track_caller]
    fn check(terms: &str, expected: Result<&str, &str>) {
        let outcome = Record::parse(format!("v=spf1 {terms}").as_bytes());
        let outcome = outcome.map(|record| {
            let read: Vec<_> =
                record.directives.iter().map(|it| format!("{} {}", it.result(), mechanism(&it.mechanism))).collect();
            let unsupported: Vec<_> = record.unsupported.iter().map(|term| format!("?{term}")).collect();
            [read, unsupported].concat().join(", ")
        });
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(outcome.map_err(|error| error.to_string()), expected, "{terms}");
    }

    fn mechanism(mechanism: &Mechanism) -> String {
        let with = |name: &str, domain: &Option<String>, cidr: &DualCidr| {
            format!("{name}:{}/{}//{}", domain.as_deref().unwrap_or("-"), cidr.ip4, cidr.ip6)
        };
        match mechanism {
            Mechanism::All => "all".to_owned(),
            Mechanism::Ip4 { network, prefix } => format!("{network}/{prefix}"),
            Mechanism::Ip6 { network, prefix } => format!("{network}/{prefix}"),
            Mechanism::A { domain, cidr } => with("a", domain, cidr),
            Mechanism::Mx { domain, cidr } => with("mx", domain, cidr),
        }
    }

    #[test]
    fn directives() {
        check("", Ok(""));
        check("-all", Ok("fail all"));
        check("+ALL ~all  ?all all", Ok("pass all, softfail all, neutral all, pass all"));
        check("ip4:192.0.2.1 ip4:192.0.2.0/24", Ok("pass 192.0.2.1/32, pass 192.0.2.0/24"));
        check("ip6:2001:db8::/32 -ip6:::1", Ok("pass 2001:db8::/32, fail ::1/128"));
        check("a a/24 a//64 a/24//64", Ok("pass a:-/32//128, pass a:-/24//128, pass a:-/32//64, pass a:-/24//64"));
        check("mx:mail.contoso.example/0//0", Ok("pass mx:mail.contoso.example/0//0"));
        check("a:contoso.example.", Ok("pass a:contoso.example/32//128"));
        check("a:odd!name.example", Ok("pass a:odd!name.example/32//128"));
    }

    #[test]
    fn unsupported() {
        check("include:a.example -all", Ok("fail all, ?include:a.example"));
        check("ptr exists:%{i}.a.example", Ok("?ptr, ?exists:%{i}.a.example"));
        check("redirect=a.example exp=b.example x-y=z", Ok("?redirect=a.example, ?exp=b.example, ?x-y=z"));
        check("a:%{d} mx:%{d}/24", Ok("?a:%{d}, ?mx:%{d}/24"));
    }

    #[test]
    fn errors() {
        check("foo", Err("unknown mechanism foo"));
        check("-", Err("unknown mechanism -"));
        check("all:x", Err("an argument in all:x"));
        check("all/8", Err("an argument in all/8"));
        check("ip4", Err("no address in ip4"));
        check("ip4:192.0.2", Err("no address in ip4:192.0.2"));
        check("ip4:192.0.2.1/33", Err("a bad prefix length in ip4:192.0.2.1/33"));
        check("ip4:192.0.2.1/024", Err("a bad prefix length in ip4:192.0.2.1/024"));
        check("ip4:192.0.2.1/", Err("a bad prefix length in ip4:192.0.2.1/"));
        check("ip4:192.0.2.1//24", Err("a bad prefix length in ip4:192.0.2.1//24"));
        check("ip6:192.0.2.1", Err("no address in ip6:192.0.2.1"));
        check("ip6:::1/129", Err("a bad prefix length in ip6:::1/129"));
        check("a:", Err("a bad domain in a:"));
        check("a:museum", Err("a bad domain in a:museum"));
        check("a:111.222.33.44", Err("a bad domain in a:111.222.33.44"));
        check("a:example.-com", Err("a bad domain in a:example.-com"));
        check("a:example.com:8080", Err("a bad domain in a:example.com:8080"));
        check("a/x", Err("a bad prefix length in a/x"));
        check("a/33", Err("a bad prefix length in a/33"));
        check("mx//129", Err("a bad prefix length in mx//129"));
        check("-x=y", Err("no name of a modifier in -x=y"));
        check("1x=y", Err("no name of a modifier in 1x=y"));
        check("=y", Err("no name of a modifier in =y"));
        check("a\u{e9}", Err("not printable US-ASCII"));
        check("a\tmx", Err("not printable US-ASCII"));
        check("include:a.example ip4:x", Err("no address in ip4:x"));
    }

    #[test]
    fn which_texts_are_records() {
        for (text, expected) in [
            ("v=spf1", true),
            ("V=SPF1 -all", true),
            ("v=spf10", false),
            ("v=spf1\t-all", false),
            ("v=spf", false),
            ("", false),
        ] {
            assert_eq!(is_spf(text.as_bytes()), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = Record::parse(&text);
        }

        #[test]
        fn never_panics_on_what_looks_like_terms(text in "v=spf1( [-+~?]?(a|mx|ip4|ip6|all|exp)?[:/=%.0-9a-]{0,10}){0,5}") {
            let _ = Record::parse(text.as_bytes());
        }
    }
}
