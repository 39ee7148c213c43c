//! What the validating resolver answers, and the event that tells of it.

use jiff::Timestamp;
use mxlab_record::{Event, Fields};

use crate::name::Name;
use crate::rdata::{self, Rdata};
use crate::record::{Rcode, Record, RecordType};
use crate::security::Security;

/// One alias on the way to an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The alias.
    pub owner: Name,
    /// What it stands for.
    pub target: Name,
    /// Which record made it one.
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

/// The answer to a lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What was looked up.
    pub name: Name,
    /// What was looked up.
    pub rtype: RecordType,
    /// How far the whole answer can be trusted: as far as the worst of its parts.
    pub security: Security,
    /// The aliases, from the name that was looked up on.
    pub steps: Vec<Step>,
    /// The name at the end of the aliases; the name itself without them.
    pub canonical_name: Name,
    /// How far the last part can be trusted: the records, or their absence, at the canonical name.
    pub final_security: Security,
    /// The records of the type asked for at the canonical name; none if the name or the type does not exist, and none if
    /// the answer is not to be used.
    pub records: Vec<Record>,
    /// `NXDOMAIN` if the canonical name does not exist, else `NOERROR`; `SERVFAIL` if the answer is not to be used.
    pub rcode: Rcode,
    /// When it runs out. What is bogus or unavailable runs out at once.
    pub expires: Timestamp,
    /// Whether it comes from the cache, or from a lookup that was under way already.
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
        Fields::new()
            .with("name", answer.name.to_lowercase().to_string())
            .with("type", answer.rtype.to_string())
            .with("status", answer.security.word())
            .with_some("reason", answer.security.reason().map(|reason| reason.word()))
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
        let data = match (answer.rcode, answer.records.as_slice()) {
            (Rcode::NXDOMAIN, _) => "no such name".to_owned(),
            (_, []) => "no such record".to_owned(),
            (_, records) => records.iter().map(short).collect::<Vec<_>>().join(", "),
        };
        vec![format!("resolved {question}: {aliases}{data}, {word}")]
    }

    fn because(&self) -> Vec<String> {
        self.0.security.reason().map(ToString::to_string).into_iter().collect()
    }

    fn state_of(&self) -> Option<String> {
        Some(format!("{} {}", self.0.rtype, self.0.name.to_lowercase()))
    }
}

/// Record data for a line of a story: names without their final dot, long digests cut.
fn short(record: &Record) -> String {
    let words = rdata::to_text(record.rtype, &record.rdata);
    let word = |word: &str| {
        let hexadecimal = word.len() > 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        match word.get(..8).filter(|_| hexadecimal) {
            Some(start) => format!("{start}…"),
            None => word.strip_suffix('.').filter(|name| !name.is_empty()).unwrap_or(word).to_owned(),
        }
    };
    if record.rtype == RecordType::TXT {
        return words;
    }
    words.split(' ').map(word).collect::<Vec<_>>().join(" ")
}
