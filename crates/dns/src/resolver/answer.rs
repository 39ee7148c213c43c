//! What the validating resolver answers, and the event that records it.

use std::net::SocketAddr;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use mxlab_record::{Event, Fields, State};

use crate::denial::Denied;
use crate::keys::Algorithm;
use crate::name::Name;
use crate::rdata::{self, Rdata};
use crate::record::{Rcode, Record, RecordType};
use crate::resolver::source::Fetched;
use crate::security::{Reason, RrsetId, Security};
use crate::validator::{Expiry, ZoneKeys};

/// One alias on the way to an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The alias.
    pub owner: Name,
    /// The name that it leads to.
    pub target: Name,
    /// Which record made it an alias.
    pub kind: AliasKind,
    /// How far the alias itself can be trusted.
    pub security: Security,
}

/// Which record made a name an alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AliasKind {
    /// A CNAME at the name.
    Cname,
    /// A DNAME above it.
    Dname,
}

/// What the verdict on the last part of an answer rests on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The key whose signature made it secure, with its algorithm.
    pub key: Option<(u16, Algorithm)>,
    /// The key of the same zone that the DS, or the trust anchor, names.
    pub entry_key: Option<u16>,
    /// The proof of what does not exist, if one was needed.
    pub denied: Option<Denied>,
}

/// The work that a lookup took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Queries sent, retransmissions among them.
    pub queries: u32,
    /// Signatures checked.
    pub signature_checks: u32,
    /// Names hashed for NSEC3.
    pub hashes: u32,
    /// Servers that gave no usable answer.
    pub failed_servers: u32,
}

/// The sections of a response, for passing it on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sections {
    /// The aliases and the records at their end, with signatures: only what was judged.
    pub answer: Vec<Record>,
    /// What else the zone sent: proofs, SOA, name servers. Only the proofs were judged.
    pub authority: Vec<Record>,
    /// Addresses of those.
    pub additional: Vec<Record>,
    /// The keys of the signed zones on the way.
    pub(crate) zones: Vec<Arc<ZoneKeys>>,
}

/// The answer to a lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What was looked up.
    pub name: Name,
    /// What was looked up.
    pub rtype: RecordType,
    /// How far the whole answer can be trusted: as far as the worst of its parts.
    pub security: Security,
    /// The aliases, starting at the name that was looked up.
    pub steps: Vec<Step>,
    /// The name at the end of the aliases; without aliases, the name itself.
    pub canonical_name: Name,
    /// How far the last part can be trusted: the records, or their absence, at the canonical name.
    pub final_security: Security,
    /// What that verdict rests on.
    pub evidence: Evidence,
    /// The records of the type asked for at the canonical name; none if the name or the type does not exist, and none if
    /// the answer must not be used.
    pub records: Vec<Record>,
    /// `NXDOMAIN` if the canonical name does not exist, else `NOERROR`. If the answer must not be used, `SERVFAIL`, or
    /// `YXDOMAIN` if an alias is too long (RFC 6672 §2.2).
    pub rcode: Rcode,
    /// When it expires. What is bogus or unavailable expires at once.
    pub expires: Expiry,
    /// The server that gave the last part; for an answer that must not be used, the server at fault, if it is known.
    pub server: Option<SocketAddr>,
    /// Whether that server found the answer for us (a forwarder), or holds the zone.
    pub forwarded: bool,
    /// Whether the records or an alias on the way came over TCP, because they were too large for a datagram. The
    /// transport of the keys does not count.
    pub over_tcp: bool,
    /// The work that it took.
    pub cost: Cost,
    /// Which servers' answers were bogus, so that others were asked: a clause each.
    pub way: Vec<String>,
    /// The response; empty if it must not be used.
    pub sections: Arc<Sections>,
    /// Whether it comes from the cache, or from a lookup that was already under way.
    pub cached: bool,
}

impl Answer {
    /// Typed views of the records; those that do not parse are left out.
    pub fn data<T: Rdata>(&self) -> impl Iterator<Item = T> {
        let fits = |record: &&Record| record.rtype == T::TYPE;
        self.records.iter().filter(fits).filter_map(|record| T::parse(&record.rdata).ok())
    }

    /// Whether the canonical name does not exist.
    pub fn is_nx_domain(&self) -> bool {
        self.rcode == Rcode::NXDOMAIN
    }
}

/// `resolved`: the resolver judged an answer that was not in its cache.
pub(crate) struct Resolved<'a>(pub(crate) &'a Answer);

impl Event for Resolved<'_> {
    fn kind(&self) -> &'static str {
        "resolved"
    }

    fn fields(&self) -> Fields {
        let answer = self.0;
        let found = match (answer.rcode, answer.records.is_empty()) {
            _ if !answer.security.is_usable() => None,
            (Rcode::NXDOMAIN, _) => Some("no-name"),
            (_, true) => Some("no-data"),
            (_, false) => Some("records"),
        };
        let dnames = answer.steps.iter().filter(|step| step.kind == AliasKind::Dname).count();
        let (denied, key) = (answer.evidence.denied.as_ref(), answer.evidence.key);
        let wildcard = denied.and_then(|denied| denied.wildcard.as_ref()).map(|name| name.to_lowercase().to_string());
        let usable = answer.security.is_usable();
        judgement(&answer.name, answer.rtype, &answer.security, answer.server)
            .with_some("found", found)
            .with_some("proof", denied.map(|denied| denied.by.word()))
            .with_some("wildcard", wildcard)
            .with_some("empty-non-terminal", denied.filter(|denied| denied.empty_non_terminal).map(|_| true))
            .with_some("aliases", (!answer.steps.is_empty()).then_some(answer.steps.len()))
            .with_some("dnames", (dnames > 0).then_some(dnames))
            .with_some("key", key.map(|(tag, _)| u32::from(tag)))
            .with_some("ds-key", answer.evidence.entry_key.map(u32::from))
            .with_some("algorithm", key.map(|(_, algorithm)| u32::from(algorithm.0)))
            .with_some("transport", answer.over_tcp.then_some("tcp"))
            .with_some("forwarder", answer.forwarded.then_some(true))
            .with_some("bound", answer.security.reason().and_then(Reason::bound).map(|bound| bound.word()))
            .with("queries", answer.cost.queries)
            .with("signature-checks", answer.cost.signature_checks)
            .with("hashes", answer.cost.hashes)
            .with_some("failed-servers", (answer.cost.failed_servers > 0).then_some(answer.cost.failed_servers))
            .with_some("expires", usable.then_some(answer.expires.at))
            .with_some("expires-by", usable.then_some(answer.expires.by.word()))
    }

    fn story(&self) -> Vec<String> {
        let answer = self.0;
        let question = format!("{} {}", answer.rtype, answer.name.to_lowercase());
        let word = match &answer.security {
            Security::Unavailable(_) => return vec![format!("resolved {question}: no answer")],
            Security::Bogus(_) => return vec![format!("resolved {question}: bogus")],
            usable => usable.word(),
        };
        let aliases: String = answer.steps.iter().map(|step| format!("alias of {}, ", step.target)).collect();
        let denied = answer.evidence.denied.as_ref();
        let wildcard = denied.and_then(|denied| denied.wildcard.as_ref()).map(Name::to_lowercase);
        let data = match (answer.rcode, answer.records.as_slice(), wildcard) {
            (Rcode::NXDOMAIN, ..) => "no such name".to_owned(),
            (_, [], Some(wildcard)) => format!("no such record at {wildcard}"),
            (_, [], None) if denied.is_some_and(|denied| denied.empty_non_terminal) => {
                "no record, only names below it".to_owned()
            }
            (_, [], None) => "no such record".to_owned(),
            (_, records, wildcard) => {
                let from = wildcard.map_or(String::new(), |wildcard| format!(" (from {wildcard})"));
                records.iter().map(short).collect::<Vec<_>>().join(", ") + &from
            }
        };
        let transport = if answer.over_tcp { ", over TCP" } else { "" };
        vec![format!("resolved {question}: {aliases}{data}, {word}{transport}")]
    }

    fn because(&self) -> Vec<String> {
        let reason = self.0.security.reason().map(ToString::to_string);
        self.0.way.iter().cloned().chain(reason).collect()
    }

    fn state(&self) -> Option<State> {
        let of = format!("{} {}", self.0.rtype, self.0.name.to_lowercase());
        Some(State { of, is: [self.story(), self.because()].concat().join("; ") })
    }
}

/// The fields that every `resolved` has.
fn judgement(name: &Name, rtype: RecordType, security: &Security, server: Option<SocketAddr>) -> Fields {
    Fields::new()
        .with("name", name.to_lowercase().to_string())
        .with("type", rtype.to_string())
        .with("status", security.word())
        .with_some("reason", security.reason().map(|reason| reason.word()))
        .with_some("server", server.map(|server| server.ip().to_string()))
}

/// Also `resolved`: one server's answer for an RRset is bogus, and another server is asked for it.
pub(crate) struct Rejected<'a> {
    pub(crate) rrset: &'a RrsetId,
    pub(crate) security: &'a Security,
    /// Who said it.
    pub(crate) server: &'a Fetched,
    /// Who is asked next.
    pub(crate) next: &'a Fetched,
}

impl Rejected<'_> {
    /// What it means for the answer in the end, as a clause.
    pub(crate) fn clause(&self) -> String {
        let Rejected { rrset, server, next, .. } = self;
        let (server, next) = (&server.called, &next.called);
        let why = self.security.reason().map_or_else(String::new, |reason| format!(": {reason}"));
        format!("the answer of {server} about {rrset} is {}, so {next} was asked{why}", self.security.word())
    }
}

impl Event for Rejected<'_> {
    fn kind(&self) -> &'static str {
        "resolved"
    }

    fn fields(&self) -> Fields {
        judgement(&self.rrset.name, self.rrset.rtype, self.security, Some(self.server.server))
            .with("next-server", self.next.server.ip().to_string())
    }

    /// The answer in the end tells it among its reasons: if the same servers fail again, nothing has changed.
    fn story(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The text of a DKIM key record (RFC 6376 §3.6.1) with the key cut; none if the text is short, or something else.
fn cut_key(text: &str) -> Option<String> {
    let key = text.find("p=").filter(|_| text.starts_with("\"v=DKIM1;"))? + 2;
    let (before, start) = (text.get(..key)?, text.get(key..key + 8)?);
    (text.len() > key + 48).then(|| format!("{before}{start}…\""))
}

/// Record data for a line of a story: names without their final dot, long digests cut.
fn short(record: &Record) -> String {
    let words = rdata::to_text(record.rtype, &record.rdata);
    let word = |word: &str| match HEXLOWER.decode(word.as_bytes()).ok().filter(|octets| octets.len() > 8) {
        Some(octets) => rdata::abbreviated(&octets),
        None => word.strip_suffix('.').filter(|name| !name.is_empty()).unwrap_or(word).to_owned(),
    };
    if record.rtype == RecordType::TXT {
        return cut_key(&words).unwrap_or(words);
    }
    words.split(' ').map(word).collect::<Vec<_>>().join(" ")
}
