//! Which addresses may get a report (RFC 7489 §7.1 and §7.2.1, RFC 9990 §3.5 and §4).
//!
//! `rua=` may name an address in another domain. So that nobody can direct reports about their own domain to a
//! stranger, that domain has to agree: it publishes a record that begins with `v=DMARC1` at
//! `<domain>._report._dmarc.<destination>`. With a `rua=` in this record it says at which of its addresses it wants
//! them. By RFC 7489 a URI can also limit the size of reports.

use std::fmt;

use mxlab_mail::Address;

use crate::alignment::Mode;
use crate::dmarc::published::Published;
use crate::dmarc::{Record, ReportUri, Rules, identifiers, record};
use crate::dns::{Data, Dns, DnsError, Lookup, RecordKind};
use crate::idn::a_labels;

/// The most URIs of a record that are used. RFC 7489 §6.2 requires at least two.
pub const MAX_DESTINATIONS: usize = 10;
/// The longest name in DNS, as it is written.
const MAX_NAME: usize = 253;

/// Whether a report goes to a URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It goes to these addresses: that of the URI, or those that the destination names instead.
    Send {
        /// The addresses.
        to: Vec<Address>,
    },
    /// It does not.
    Skip {
        /// Why.
        why: Skip,
    },
}

/// Why a report does not go to a URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Skip {
    /// More than [`MAX_DESTINATIONS`] URIs.
    TooMany,
    /// The URI is not a `mailto:`.
    Scheme,
    /// The report is larger than the URI allows.
    Size {
        /// The limit, in octets.
        limit: u64,
        /// The size, in octets.
        size: u64,
    },
    /// The address has no domain, or the name to look up would be too long.
    NoName,
    /// The destination does not agree.
    NotAuthorized {
        /// The name that was asked about.
        name: String,
    },
    /// The destination names an address at another host, for which it cannot agree.
    OtherHost {
        /// The URI that it names.
        uri: String,
    },
    /// DNS failed; a later attempt may succeed.
    Unknown {
        /// How.
        problem: String,
    },
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Skip::TooMany => write!(f, "only {MAX_DESTINATIONS} destinations are used"),
            Skip::Scheme => f.write_str("reports are sent only by mail"),
            Skip::Size { limit, size } => {
                write!(f, "the report has {size} octets, but at most {limit} are accepted there")
            }
            Skip::NoName => f.write_str("there is no name that could be asked"),
            Skip::NotAuthorized { name } => write!(f, "{name} has no record, so the destination does not agree"),
            Skip::OtherHost { uri } => write!(f, "the destination names {uri}, which is at another host"),
            Skip::Unknown { problem } => f.write_str(problem),
        }
    }
}

/// A URI of `rua=` and the decision about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The URI.
    pub uri: ReportUri,
    /// Whether a report goes there.
    pub decision: Decision,
}

/// The decision about each URI of a record at `publisher` for a report of `size` encoded octets, and all lookups.
pub async fn destinations(
    dns: &dyn Dns,
    rules: Rules,
    publisher: &str,
    uris: &[ReportUri],
    size: u64,
) -> (Vec<Destination>, Vec<Lookup>) {
    let mut published = Published::new(dns, rules);
    let mut destinations = Vec::new();
    for (index, uri) in uris.iter().enumerate() {
        let decided = if index < MAX_DESTINATIONS {
            decide(&mut published, rules, publisher, uri, size).await
        } else {
            Err(Skip::TooMany)
        };
        let decision = match decided {
            Ok(to) => Decision::Send { to },
            Err(why) => Decision::Skip { why },
        };
        destinations.push(Destination { uri: uri.clone(), decision });
    }
    (destinations, published.lookups)
}

async fn decide(
    published: &mut Published<'_>,
    rules: Rules,
    publisher: &str,
    uri: &ReportUri,
    size: u64,
) -> Result<Vec<Address>, Skip> {
    let address = uri.address().ok_or(Skip::Scheme)?;
    let host = a_labels(address.domain()).filter(|host| !host.starts_with('[')).ok_or(Skip::NoName)?;
    let publisher = a_labels(publisher).ok_or(Skip::NoName)?;
    // If DNS does not show the relation, there is none: the destination is asked.
    let relation = identifiers::relation(published, rules, &host, &publisher, Mode::Relaxed).await;
    if relation.is_aligned() {
        return within(uri, size).map(|()| vec![address.clone()]);
    }
    match authorized(published, rules, &publisher, &host).await? {
        Some(instead) => instead_of(&instead, &host, size),
        None => within(uri, size).map(|()| vec![address.clone()]),
    }
}

fn within(uri: &ReportUri, size: u64) -> Result<(), Skip> {
    match uri.max_size() {
        Some(limit) if size > limit => Err(Skip::Size { limit, size }),
        _ => Ok(()),
    }
}

/// The addresses that the destination names instead. They have to be at the same host.
fn instead_of(uris: &[ReportUri], host: &str, size: u64) -> Result<Vec<Address>, Skip> {
    let mut to = Vec::new();
    for uri in uris {
        let address = uri.address().ok_or(Skip::Scheme)?;
        if a_labels(address.domain()).as_deref() != Some(host) {
            return Err(Skip::OtherHost { uri: uri.uri().to_owned() });
        }
        within(uri, size)?;
        to.push(address.clone());
    }
    Ok(to)
}

/// Asks the destination. `Ok` when it agrees, with the URIs that it names instead, if it does.
async fn authorized(
    published: &mut Published<'_>,
    rules: Rules,
    publisher: &str,
    host: &str,
) -> Result<Option<Vec<ReportUri>>, Skip> {
    let name = format!("{publisher}._report._dmarc.{host}");
    if name.len() > MAX_NAME {
        return Err(Skip::NoName);
    }
    let data = match published.ask(&name, RecordKind::Txt).await {
        Ok(data) => data,
        Err(DnsError::NxDomain) => return Err(Skip::NotAuthorized { name }),
        Err(error) => {
            return Err(Skip::Unknown { problem: format!("{name} TXT could not be looked up: {error}") });
        }
    };
    let mut agrees = false;
    for data in data {
        let Data::Txt(text) = data else { continue };
        if !record::is_dmarc(&text) {
            continue;
        }
        let Ok(record) = Record::parse(&String::from_utf8_lossy(&text), rules) else { continue };
        agrees = true;
        if !record.aggregate.is_empty() {
            return Ok(Some(record.aggregate));
        }
    }
    if agrees { Ok(None) } else { Err(Skip::NotAuthorized { name }) }
}
