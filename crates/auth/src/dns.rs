//! The questions that authentication asks of DNS.
//!
//! A [`Dns`] answers with the data at the end of the alias chain. Whether the answer was secure does not matter here:
//! SPF and DMARC are evaluated on insecure answers too. A bogus one counts as a failure of DNS.
//!
//! Names are texts without final dot: labels with dots between them, in which a backslash escapes as in RFC 1035 §5.1
//! and every other ASCII octet stands for itself, blanks and control characters included. SPF macros can produce any of
//! them. Answers hold names in the same form. A text that is not a name (an empty or too long label, octets beyond
//! ASCII) cannot exist in DNS: a resolver answers [`DnsError::NxDomain`] to it.

use std::fmt;
use std::future::Future;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::pin::Pin;

/// A future that a [`Dns`] returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Mail exchangers.
    Mx,
    /// The names of an address, looked up below `in-addr.arpa` and `ip6.arpa`.
    Ptr,
    /// Texts.
    Txt,
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RecordKind::A => "A",
            RecordKind::Aaaa => "AAAA",
            RecordKind::Mx => "MX",
            RecordKind::Ptr => "PTR",
            RecordKind::Txt => "TXT",
        })
    }
}

/// The data of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// A mail exchanger.
    Mx {
        /// Lower goes first.
        preference: u16,
        /// Its name, without final dot; empty for the root (null MX, RFC 7505).
        exchange: String,
    },
    /// A name of an address, without final dot; empty for the root.
    Ptr(String),
    /// The strings of a TXT record, joined without anything between them (RFC 7208 §3.3).
    Txt(Vec<u8>),
}

impl Data {
    /// The kind of record that this is the data of.
    pub fn kind(&self) -> RecordKind {
        match self {
            Data::A(_) => RecordKind::A,
            Data::Aaaa(_) => RecordKind::Aaaa,
            Data::Mx { .. } => RecordKind::Mx,
            Data::Ptr(_) => RecordKind::Ptr,
            Data::Txt(_) => RecordKind::Txt,
        }
    }
}

/// Why there is no data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    /// The name does not exist (RCODE 3).
    #[error("the name does not exist")]
    NxDomain,
    /// No answer came in time; a later attempt may succeed.
    #[error("timeout")]
    Timeout,
    /// SERVFAIL, or a bogus answer; a later attempt may succeed.
    #[error("{reason}")]
    Temporary {
        /// What went wrong, in a few words.
        reason: String,
    },
}

/// A resolver.
pub trait Dns: Send + Sync {
    /// The records of this kind at `name` (see the module); empty if the name exists without such records.
    fn lookup<'a>(&'a self, name: &'a str, kind: RecordKind) -> BoxFuture<'a, Result<Vec<Data>, DnsError>>;
}

/// A lookup that was done, as evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The name.
    pub name: String,
    /// What was asked for.
    pub kind: RecordKind,
    /// The answer in a few words.
    pub answer: String,
}

impl fmt::Display for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.name, self.kind, self.answer)
    }
}

/// Asks, and adds question and answer to `evidence`.
pub(crate) async fn ask(
    dns: &dyn Dns,
    evidence: &mut Vec<Lookup>,
    name: &str,
    kind: RecordKind,
) -> Result<Vec<Data>, DnsError> {
    let outcome = dns.lookup(name, kind).await;
    let answer = match &outcome {
        Ok(data) if data.is_empty() => "no such record".to_owned(),
        Ok(data) => data.iter().map(in_words).collect::<Vec<_>>().join(", "),
        Err(error) => error.to_string(),
    };
    evidence.push(Lookup { name: name.to_owned(), kind, answer });
    outcome
}

fn in_words(data: &Data) -> String {
    match data {
        Data::A(ip) => ip.to_string(),
        Data::Aaaa(ip) => ip.to_string(),
        Data::Mx { preference, exchange } => format!("{preference} {exchange}"),
        Data::Ptr(name) => name.clone(),
        Data::Txt(text) => format!("\"{}\"", String::from_utf8_lossy(text)),
    }
}
