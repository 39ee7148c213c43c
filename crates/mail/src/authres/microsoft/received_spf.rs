//! `Received-SPF` as Exchange Online writes it.
//!
//! By RFC 7208 §9.1 the field has a result, a comment and pairs. Microsoft's comment begins with the name of the
//! service, then has a sentence for each result; only after `Pass` and `Fail` do pairs follow.
//!
//! ```text
//! Pass (protection.outlook.com: domain of contoso.example designates 192.0.2.1 as permitted sender) receiver=protection.outlook.com; client-ip=192.0.2.1; helo=mail.contoso.example; pr=C
//! ```
//!
//! The sentences for `Neutral` and `PermError` are those of public captures; the others are in `exchange.md` §1.5.
//!
//! With the null reverse-path and no other name, the sentence has no name: there are two blanks instead.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::clause::{self, SpfClause, SpfIdentity};
use crate::authres::{MAX_LENGTH, SpfResult};

/// The name of the service.
const BY: &str = "protection.outlook.com";

/// The pairs after the sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The client's address, which is also in the sentence.
    pub ip: IpAddr,
    /// The name in HELO.
    pub helo: String,
    /// `pr=C`, since about 2022. Without it the value ends with a semicolon.
    pub pr: bool,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceivedSpf {
    /// The client may send for the domain.
    Pass {
        /// The domain that was asked.
        domain: String,
        /// The client.
        client: Client,
    },
    /// It may not.
    Fail {
        /// The domain that was asked.
        domain: String,
        /// The client.
        client: Client,
    },
    /// It probably may not.
    SoftFail {
        /// The domain that was asked.
        domain: String,
        /// The client's address.
        ip: IpAddr,
    },
    /// There is no record.
    None {
        /// The domain that was asked; empty for the null reverse-path.
        domain: String,
    },
    /// The domain says nothing about the client.
    Neutral {
        /// The domain that was asked.
        domain: String,
        /// The client's address.
        ip: IpAddr,
    },
    /// DNS timed out.
    TempError {
        /// The domain that was asked.
        domain: String,
    },
    /// The record cannot be understood.
    PermError {
        /// The domain that was asked.
        domain: String,
    },
}

/// A result whose sentence needs the client's address, which is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the form of Received-SPF for {result}{}", if *address { "" } else { " without an address" })]
pub struct UnknownForm {
    /// The result.
    pub result: SpfResult,
    /// Whether the client's address is known.
    pub address: bool,
}

/// Why a value has none of the forms.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceivedSpfError {
    /// Longer than [`MAX_LENGTH`].
    #[error("value too long")]
    TooLong,
    /// The result is not a known one.
    #[error("unknown result {0:?}")]
    Result(String),
    /// The sentence is not the one of the result.
    #[error("unknown sentence")]
    Sentence,
    /// What should be an address is not.
    #[error("not an address: {0:?}")]
    Address(String),
    /// A name in it cannot be one.
    #[error("bad name {0:?}")]
    Name(String),
    /// The pairs after the sentence are not those of the result, or name another client.
    #[error("unknown pairs")]
    Pairs,
}

impl ReceivedSpf {
    /// The value for a result, as servers write it today.
    ///
    /// # Errors
    /// For results whose sentence has the client's address, when the address is not known.
    pub fn new(spf: &SpfClause, helo: &str) -> Result<ReceivedSpf, UnknownForm> {
        let domain = match &spf.identity {
            SpfIdentity::MailFrom(domain) => domain.clone(),
            SpfIdentity::Helo(name) => name.clone(),
            SpfIdentity::Null => String::new(),
        };
        let helo = helo.to_owned();
        match (spf.result, spf.ip) {
            (SpfResult::Pass, Some(ip)) => Ok(ReceivedSpf::Pass { domain, client: Client { ip, helo, pr: true } }),
            (SpfResult::Fail, Some(ip)) => Ok(ReceivedSpf::Fail { domain, client: Client { ip, helo, pr: false } }),
            (SpfResult::SoftFail, Some(ip)) => Ok(ReceivedSpf::SoftFail { domain, ip }),
            (SpfResult::None, _) => Ok(ReceivedSpf::None { domain }),
            (SpfResult::Neutral, Some(ip)) => Ok(ReceivedSpf::Neutral { domain, ip }),
            (SpfResult::TempError, _) => Ok(ReceivedSpf::TempError { domain }),
            (SpfResult::PermError, _) => Ok(ReceivedSpf::PermError { domain }),
            (result, ip) => Err(UnknownForm { result, address: ip.is_some() }),
        }
    }

    /// The result.
    pub fn result(&self) -> SpfResult {
        match self {
            ReceivedSpf::Pass { .. } => SpfResult::Pass,
            ReceivedSpf::Fail { .. } => SpfResult::Fail,
            ReceivedSpf::SoftFail { .. } => SpfResult::SoftFail,
            ReceivedSpf::None { .. } => SpfResult::None,
            ReceivedSpf::Neutral { .. } => SpfResult::Neutral,
            ReceivedSpf::TempError { .. } => SpfResult::TempError,
            ReceivedSpf::PermError { .. } => SpfResult::PermError,
        }
    }

    /// The whole field, folded, with its final CRLF.
    pub fn to_field(&self) -> String {
        crate::headers::folded("Received-SPF", &self.to_string())
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ip, helo) = (clause::address(Some(self.ip)), clause::name(&self.helo));
        write!(f, " receiver={BY}; client-ip={ip}; helo={helo};{}", if self.pr { " pr=C" } else { "" })
    }
}

impl fmt::Display for ReceivedSpf {
    /// The unfolded value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, address) = (clause::name, |ip: &IpAddr| clause::address(Some(*ip)));
        match self {
            ReceivedSpf::Pass { domain, client } => {
                let (domain, ip) = (name(domain), address(&client.ip));
                write!(f, "Pass ({BY}: domain of {domain} designates {ip} as permitted sender){client}")
            }
            ReceivedSpf::Fail { domain, client } => {
                let (domain, ip) = (name(domain), address(&client.ip));
                write!(f, "Fail ({BY}: domain of {domain} does not designate {ip} as permitted sender){client}")
            }
            ReceivedSpf::SoftFail { domain, ip } => {
                let (domain, ip) = (name(domain), address(ip));
                write!(
                    f,
                    "SoftFail ({BY}: domain of transitioning {domain} discourages use of {ip} as permitted sender)"
                )
            }
            ReceivedSpf::None { domain } => {
                write!(f, "None ({BY}: {} does not designate permitted sender hosts)", name(domain))
            }
            ReceivedSpf::TempError { domain } => {
                write!(f, "TempError ({BY}: error in processing during lookup of {}: DNS Timeout)", name(domain))
            }
            ReceivedSpf::Neutral { domain, ip } => {
                let (domain, ip) = (name(domain), address(ip));
                write!(f, "Neutral ({BY}: {ip} is neither permitted nor denied by domain of {domain})")
            }
            ReceivedSpf::PermError { domain } => {
                write!(f, "PermError ({BY}: domain of {} used an invalid SPF mechanism)", name(domain))
            }
        }
    }
}

/// The text between two pieces of a sentence.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Result<&'a str, ReceivedSpfError> {
    text.strip_prefix(before).and_then(|text| text.strip_suffix(after)).ok_or(ReceivedSpfError::Sentence)
}

fn read_name(text: &str) -> Result<String, ReceivedSpfError> {
    if clause::is_name(text) { Ok(text.to_owned()) } else { Err(ReceivedSpfError::Name(text.to_owned())) }
}

fn read_address(text: &str) -> Result<IpAddr, ReceivedSpfError> {
    clause::read_address(text).flatten().ok_or_else(|| ReceivedSpfError::Address(text.to_owned()))
}

/// A domain and an address around the middle of a sentence.
fn around(text: &str, middle: &str) -> Result<(String, IpAddr), ReceivedSpfError> {
    let (domain, ip) = text.split_once(middle).ok_or(ReceivedSpfError::Sentence)?;
    Ok((read_name(domain)?, read_address(ip)?))
}

fn client(pairs: &str, ip: IpAddr) -> Result<Client, ReceivedSpfError> {
    let mut pairs = pairs.split(';').map(|pair| pair.trim_matches([' ', '\t']));
    let mut value = |name: &str| pairs.next().and_then(|pair| pair.strip_prefix(name)).ok_or(ReceivedSpfError::Pairs);
    let (receiver, client_ip, helo) = (value("receiver=")?, value("client-ip=")?, value("helo=")?);
    if receiver != BY || read_address(client_ip)? != ip {
        return Err(ReceivedSpfError::Pairs);
    }
    let helo = read_name(helo)?;
    match (pairs.next(), pairs.next()) {
        (Some(""), None) => Ok(Client { ip, helo, pr: false }),
        (Some("pr=C"), None) => Ok(Client { ip, helo, pr: true }),
        _ => Err(ReceivedSpfError::Pairs),
    }
}

impl FromStr for ReceivedSpf {
    type Err = ReceivedSpfError;

    /// Reads an unfolded value.
    fn from_str(value: &str) -> Result<ReceivedSpf, ReceivedSpfError> {
        if value.len() > MAX_LENGTH {
            return Err(ReceivedSpfError::TooLong);
        }
        let (result, rest) = value.split_once(' ').unwrap_or((value, ""));
        let rest = rest.strip_prefix('(').and_then(|rest| rest.strip_prefix(BY)?.strip_prefix(": "));
        let (sentence, pairs) = rest.and_then(|rest| rest.split_once(')')).ok_or(ReceivedSpfError::Sentence)?;
        let read = match result {
            "Pass" => {
                let text = between(sentence, "domain of ", " as permitted sender")?;
                let (domain, ip) = around(text, " designates ")?;
                return Ok(ReceivedSpf::Pass { domain, client: client(pairs, ip)? });
            }
            "Fail" => {
                let text = between(sentence, "domain of ", " as permitted sender")?;
                let (domain, ip) = around(text, " does not designate ")?;
                return Ok(ReceivedSpf::Fail { domain, client: client(pairs, ip)? });
            }
            "SoftFail" => {
                let text = between(sentence, "domain of transitioning ", " as permitted sender")?;
                let (domain, ip) = around(text, " discourages use of ")?;
                ReceivedSpf::SoftFail { domain, ip }
            }
            "None" => {
                let domain = between(sentence, "", " does not designate permitted sender hosts")?;
                ReceivedSpf::None { domain: if domain.is_empty() { String::new() } else { read_name(domain)? } }
            }
            "TempError" => {
                let domain = between(sentence, "error in processing during lookup of ", ": DNS Timeout")?;
                ReceivedSpf::TempError { domain: read_name(domain)? }
            }
            "Neutral" => {
                let (ip, domain) = sentence
                    .split_once(" is neither permitted nor denied by domain of ")
                    .ok_or(ReceivedSpfError::Sentence)?;
                ReceivedSpf::Neutral { domain: read_name(domain)?, ip: read_address(ip)? }
            }
            "PermError" => {
                let domain = between(sentence, "domain of ", " used an invalid SPF mechanism")?;
                ReceivedSpf::PermError { domain: read_name(domain)? }
            }
            result => return Err(ReceivedSpfError::Result(result.to_owned())),
        };
        if pairs.is_empty() { Ok(read) } else { Err(ReceivedSpfError::Pairs) }
    }
}

#[cfg(test)]
mod tests;
