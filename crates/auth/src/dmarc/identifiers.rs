//! Which authenticated domains are aligned with the author's (RFC 7489 §3.1, RFC 9989 §4.10.2).
//!
//! Strict alignment requires the same domain. Relaxed alignment requires the same organizational domain; RFC 7489 takes
//! it from the Public Suffix List, RFC 9989 from a tree walk that starts at each of the two. No walk is needed when the
//! domains are the same, or differ even in their top-level domains. All walks of an evaluation share their answers.

use super::discovery::Discovery;
use super::facts::{Facts, Identifier, MAX_SIGNERS, Outcome, Rules};
use super::published::Published;
use super::walk::{self, Organization};
use crate::alignment::{Mode, organizational_domain};
use crate::idn::a_labels_or_same;

/// What authenticated a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// SPF.
    Spf,
    /// DKIM.
    Dkim,
}

impl Method {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Method::Spf => "SPF",
            Method::Dkim => "DKIM",
        }
    }
}

/// How a domain relates to the author's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relation {
    /// They are the same.
    Same,
    /// They have the same organizational domain, and alignment is relaxed.
    SameOrganization {
        /// The organizational domain, with the rule that gave it if it was found in DNS.
        organization: String,
    },
    /// Their organizational domains differ, and alignment is relaxed.
    OtherOrganization {
        /// The identifier's, as in [`Relation::SameOrganization`].
        organization: String,
        /// The author's.
        of_author: String,
    },
    /// Their last labels differ, so they cannot have the same organizational domain, which relaxed alignment requires.
    NothingInCommon,
    /// They are not the same, but alignment is strict.
    NotTheSame,
    /// An organizational domain could not be determined.
    Unknown {
        /// What failed.
        problem: String,
    },
    /// Nothing depended on it.
    NotExamined,
}

/// An identifier, compared with the author's domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alignment {
    /// What authenticated it, or did not.
    pub method: Method,
    /// The domain, as it was received.
    pub domain: String,
    /// The outcome of its authentication.
    pub outcome: Outcome,
    /// How it relates to the author's domain.
    pub relation: Relation,
}

impl Relation {
    /// Whether it is close enough for alignment.
    pub fn is_aligned(&self) -> bool {
        matches!(self, Relation::Same | Relation::SameOrganization { .. })
    }
}

impl Alignment {
    /// Whether the domain is related closely enough, authenticated or not.
    pub fn is_related(&self) -> bool {
        self.relation.is_aligned()
    }

    /// Whether it is authenticated and aligned: then the message passes.
    pub fn is_aligned_pass(&self) -> bool {
        self.outcome == Outcome::Pass && self.is_related()
    }

    /// Whether it might have been an aligned pass if DNS had not failed.
    pub fn is_undecided(&self) -> bool {
        match self.outcome {
            Outcome::Pass => matches!(self.relation, Relation::Unknown { .. }),
            Outcome::TempError => self.is_related() || matches!(self.relation, Relation::Unknown { .. }),
            Outcome::Fail => false,
        }
    }

    /// How the domain relates to that of the author, `author`, and which rule says so: a clause that can follow
    /// "because".
    pub fn because(&self, author: &str) -> String {
        let outcome = match self.outcome {
            Outcome::Pass => "passes",
            Outcome::Fail => "does not pass",
            Outcome::TempError => "is undecided",
        };
        let verdict = match &self.relation {
            Relation::Same => format!("which is aligned with {author}"),
            Relation::SameOrganization { organization } => {
                format!(
                    "which is aligned with {author}: relaxed mode, and the organizational domain of both is {organization}"
                )
            }
            Relation::OtherOrganization { organization, of_author } => format!(
                "which is not aligned with {author}: relaxed mode compares the organizational domains {organization} and \
                 {of_author}"
            ),
            Relation::NothingInCommon => format!(
                "which is not aligned with {author}: relaxed mode compares the organizational domains, but even the \
                 top-level domains differ"
            ),
            Relation::NotTheSame => format!("which is not aligned with {author}: strict mode requires the same domain"),
            Relation::Unknown { problem } => format!("which may be aligned with {author}: {problem}"),
            Relation::NotExamined => format!("which is not compared with {author}"),
        };
        format!("{} {outcome} for {}, {verdict}", self.method.word(), self.domain)
    }
}

/// Compares all identifiers with `author`, which is in A-labels. At most [`MAX_SIGNERS`] signatures are compared.
pub(super) async fn align(
    published: &mut Published<'_>,
    rules: Rules,
    author: &str,
    discovery: &Discovery,
    facts: &Facts,
) -> Vec<Alignment> {
    let (aspf, adkim) = match discovery {
        Discovery::Found { record, .. } => (record.aspf, record.adkim),
        _ => (Mode::Relaxed, Mode::Relaxed),
    };
    let spf = facts.spf.iter().map(|identifier| (Method::Spf, aspf, true, identifier));
    let dkim = facts.dkim.iter().enumerate();
    let dkim = dkim.map(|(index, identifier)| (Method::Dkim, adkim, index < MAX_SIGNERS, identifier));
    // RFC 9989 compares nothing without a record (§4.10.2).
    let matters = rules == Rules::Rfc7489 || matches!(discovery, Discovery::Found { .. });
    let mut alignments = Vec::new();
    for (method, mode, in_bounds, identifier) in spf.chain(dkim) {
        let Identifier { domain, outcome } = identifier.clone();
        let relation = match outcome {
            // Nothing is looked up for an identifier that did not pass.
            Outcome::Pass | Outcome::TempError if matters && in_bounds => {
                relation(published, rules, &a_labels_or_same(&domain), author, mode).await
            }
            _ => Relation::NotExamined,
        };
        alignments.push(Alignment { method, domain, outcome, relation });
    }
    alignments
}

/// How two domains relate, both in A-labels.
pub(super) async fn relation(
    published: &mut Published<'_>,
    rules: Rules,
    identifier: &str,
    author: &str,
    mode: Mode,
) -> Relation {
    if identifier == author {
        return Relation::Same;
    }
    if mode == Mode::Strict {
        return Relation::NotTheSame;
    }
    match rules {
        Rules::Rfc7489 => {
            let (organization, of_author) = (organizational_domain(identifier), organizational_domain(author));
            if organization == of_author {
                Relation::SameOrganization { organization }
            } else {
                Relation::OtherOrganization { organization, of_author }
            }
        }
        Rules::Rfc9989 => by_walks(published, identifier, author).await,
    }
}

async fn by_walks(published: &mut Published<'_>, identifier: &str, author: &str) -> Relation {
    if walk::suffix(identifier, 1) != walk::suffix(author, 1) {
        return Relation::NothingInCommon;
    }
    let mut organizations = Vec::new();
    for domain in [identifier, author] {
        match walk::walk(published, domain).await {
            Ok(walk) => organizations.push(walk.organization()),
            Err(failed) => return Relation::Unknown { problem: failed.reason },
        }
    }
    let name = |organization: Option<&Organization>| organization.map(ToString::to_string).unwrap_or_default();
    let (first, last) = (organizations.first(), organizations.last());
    if first.map(|it| &it.domain) == last.map(|it| &it.domain) {
        Relation::SameOrganization { organization: name(last) }
    } else {
        Relation::OtherOrganization { organization: name(first), of_author: name(last) }
    }
}
