//! The result of DMARC with its evidence. Pure.

use mxlab_mail::authres::{DmarcAction, DmarcResult};

use super::discovery::{Discovery, Place, Step};
use super::facts::{Facts, Outcome, Rules, Settings};
use super::identifiers::{Alignment, Method};
use super::published::Finding;
use super::record::Policy;
use crate::dns::Lookup;

/// The most domains that are listed when none of them is aligned.
const MAX_TOLD: usize = 5;

/// Whether the author's domain exists, on which `np=` depends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Existence {
    /// Nothing depends on it.
    NotAsked,
    /// It exists.
    Exists,
    /// It does not.
    Missing,
    /// DNS failed.
    Unknown {
        /// How.
        problem: String,
    },
}

/// The tag that holds the policy for this author.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// `p=`.
    Domain,
    /// `sp=`.
    Subdomain,
    /// `np=`.
    Nonexistent,
}

/// Whether `pct=` covers the message (RFC 7489 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// `pct=`.
    pub percent: u8,
    /// The draw, from 0 to 99.
    pub draw: u8,
}

impl Sample {
    /// Whether the message is in the share to which the policy applies.
    pub fn is_inside(self) -> bool {
        self.draw < self.percent
    }
}

/// What the owner asks for when the message fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The tag that says so.
    pub tag: Tag,
    /// The policy in that tag.
    pub requested: Policy,
    /// The policy to apply: the one requested, or the next weaker one when `pct=` exempts the message or the owner is
    /// testing.
    pub applied: Policy,
    /// The draw, when `pct=` is below 100 and the policy is not `none`.
    pub sample: Option<Sample>,
    /// Whether the owner is testing a policy that is not `none` (`t=y`).
    pub testing: bool,
}

/// A result with its evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The standard that was followed.
    pub rules: Rules,
    /// The result.
    pub result: DmarcResult,
    /// What the owner asks for, in the words of the header; `none` unless the result is a failure.
    pub action: DmarcAction,
    /// The author's domain, as it was received.
    pub author: String,
    /// The record.
    pub discovery: Discovery,
    /// The search for the record, question by question.
    pub steps: Vec<Step>,
    /// Whether the author's domain exists.
    pub existence: Existence,
    /// The authenticated domains, SPF's first, and how they relate to the author's.
    pub alignments: Vec<Alignment>,
    /// What the record asks for, whatever the result.
    pub request: Option<Request>,
    /// The author's domains with their results, if there are several; this evaluation is that of the worst.
    pub authors: Vec<(String, DmarcResult)>,
    /// All lookups in order.
    pub lookups: Vec<Lookup>,
}

impl Evaluation {
    /// The result, given everything that was found.
    pub(super) fn decide(
        settings: Settings,
        author: &str,
        facts: &Facts,
        discovery: Discovery,
        steps: Vec<Step>,
        existence: Existence,
        alignments: Vec<Alignment>,
    ) -> Evaluation {
        let request = request(&discovery, &existence, facts.draw);
        let passes = alignments.iter().any(Alignment::is_aligned_pass);
        let undecided = settings.rules == Rules::Rfc9989
            && (alignments.iter().any(Alignment::is_undecided) || matches!(existence, Existence::Unknown { .. }));
        let result = match &discovery {
            Discovery::Found { .. } if passes => DmarcResult::Pass,
            // RFC 9989 §5.3.6.
            Discovery::Found { .. } if undecided => DmarcResult::TempError,
            Discovery::Found { .. } => DmarcResult::Fail,
            Discovery::Nothing if passes && settings.best_guess => DmarcResult::BestGuessPass,
            Discovery::Nothing | Discovery::NotApplicable { .. } => DmarcResult::None,
            Discovery::TempError { .. } => DmarcResult::TempError,
            Discovery::PermError { .. } => DmarcResult::PermError,
        };
        let action = match request {
            Some(request) if result == DmarcResult::Fail => request.action(),
            _ => DmarcAction::None,
        };
        Evaluation {
            rules: settings.rules,
            result,
            action,
            author: author.to_owned(),
            discovery,
            steps,
            existence,
            alignments,
            request,
            authors: Vec::new(),
            lookups: Vec::new(),
        }
    }

    /// The policy that the owner asks for, before `pct=` and `t=`.
    pub fn policy(&self) -> Option<Policy> {
        self.request.map(|request| request.requested)
    }

    /// The domain whose SPF pass is aligned.
    pub fn aligned_spf(&self) -> Option<&str> {
        self.aligned(Method::Spf).map(|it| it.domain.as_str())
    }

    /// The first domain whose DKIM pass is aligned.
    pub fn aligned_dkim(&self) -> Option<&str> {
        self.aligned(Method::Dkim).map(|it| it.domain.as_str())
    }

    fn aligned(&self, method: Method) -> Option<&Alignment> {
        self.alignments.iter().find(|it| it.method == method && it.is_aligned_pass())
    }

    /// The deciding facts, each a clause that can follow "because".
    pub fn because(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if !self.authors.is_empty() {
            let each: Vec<_> = self.authors.iter().map(|(author, result)| format!("{author} {result}")).collect();
            reasons.push(format!("From names several domains, and the worst result decides: {}", each.join(", ")));
        }
        match &self.discovery {
            Discovery::Nothing => reasons.extend(self.no_record()),
            Discovery::Found { domain, text, .. } => reasons.push(format!("_dmarc.{domain} is \"{text}\"")),
            Discovery::NotApplicable { problem } => return vec![problem.clone()],
            Discovery::TempError { problem } | Discovery::PermError { problem } => reasons.push(problem.clone()),
        }
        reasons.extend(self.policy_reasons());
        reasons.extend(self.alignment_reasons());
        reasons
    }

    /// `a.contoso.example publishes no DMARC record, nor does contoso.example`; and if there are records, why they do
    /// not count.
    fn no_record(&self) -> Vec<String> {
        let (nothing, others): (Vec<_>, Vec<_>) =
            self.steps.iter().partition(|step| matches!(step.finding, Finding::Nothing));
        let mut reasons: Vec<String> = others.iter().map(ToString::to_string).collect();
        if let Some((first, above)) = nothing.split_first() {
            let above: Vec<&str> = above.iter().map(|step| step.domain.as_str()).collect();
            let nor = if above.is_empty() { String::new() } else { format!(", nor does {}", above.join(" or ")) };
            reasons.push(format!("{} publishes no DMARC record{nor}", first.domain));
        }
        reasons
    }

    /// The aligned pass of each method; if there is none, the reason.
    fn alignment_reasons(&self) -> Vec<String> {
        let author = &self.author;
        let aligned = [self.aligned(Method::Spf), self.aligned(Method::Dkim)];
        let passes: Vec<String> = aligned.into_iter().flatten().map(|it| it.because(author)).collect();
        // RFC 9989 §4.10.2: without a record nothing is compared.
        let compared = self.rules == Rules::Rfc7489 || !matches!(self.discovery, Discovery::Nothing);
        if !passes.is_empty() || !compared {
            return passes;
        }
        let mut reasons = vec![format!("neither SPF nor DKIM passes for a domain aligned with {author}")];
        let undecided = |it: &Alignment| self.rules == Rules::Rfc9989 && it.is_undecided();
        let told = self.alignments.iter().filter(|it| it.outcome == Outcome::Pass || undecided(it));
        for reason in told.map(|it| it.because(author)) {
            if reasons.len() <= MAX_TOLD && !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        reasons
    }

    /// How the policy for a failure is found, if it is more than `p=`.
    fn policy_reasons(&self) -> Vec<String> {
        let (Discovery::Found { domain, record, policies, .. }, Some(request)) = (&self.discovery, self.request) else {
            return Vec::new();
        };
        let mut reasons = Vec::new();
        if policies.replaced {
            reasons.extend(record.defects.iter().take(3).map(ToString::to_string));
            reasons.push(
                "the record has no usable policy, but names an address for reports: it counts as p=none".to_owned(),
            );
        }
        if let Existence::Unknown { problem } = &self.existence {
            reasons.push(problem.clone());
        }
        if self.result != DmarcResult::Fail {
            return reasons;
        }
        let (author, requested, applied) = (&self.author, request.requested.word(), request.applied.word());
        match request.tag {
            Tag::Domain => {}
            Tag::Subdomain => reasons.push(format!("{author} is below {domain}: sp={requested}")),
            Tag::Nonexistent => reasons.push(format!("{author} is below {domain} and does not exist: np={requested}")),
        }
        if let Some(sample @ Sample { percent, draw }) = request.sample {
            reasons.push(match sample.is_inside() {
                true => format!("pct={percent}, and the draw is {draw}: {requested} applies to this message"),
                false => format!("pct={percent}, and the draw is {draw}: {requested} is reduced to {applied}"),
            });
        }
        if request.testing {
            reasons.push(format!("t=y: {requested} is reduced to {applied}"));
        }
        reasons
    }
}

/// What the record asks for (RFC 7489 §6.3, RFC 9091 §3.2, RFC 9989 §4.10.1).
fn request(discovery: &Discovery, existence: &Existence, draw: u8) -> Option<Request> {
    let Discovery::Found { record, policies, place, .. } = discovery else { return None };
    let (tag, requested) = match (place, existence, policies.nonexistent, policies.subdomain) {
        (Place::Author, ..) => (Tag::Domain, policies.policy),
        (_, Existence::Missing, Some(policy), _) => (Tag::Nonexistent, policy),
        (.., Some(policy)) => (Tag::Subdomain, policy),
        (.., None) => (Tag::Domain, policies.policy),
    };
    let sample =
        (record.percent < 100 && requested != Policy::None).then_some(Sample { percent: record.percent, draw });
    let testing = record.testing && requested != Policy::None;
    let weaker = testing || sample.is_some_and(|sample| !sample.is_inside());
    let applied = if weaker { requested.one_level_below() } else { requested };
    Some(Request { tag, requested, applied, sample, testing })
}

impl Request {
    /// How a failure is written in the header. Microsoft has separate words for messages that `pct=` exempts.
    fn action(self) -> DmarcAction {
        let exempt = self.sample.is_some_and(|sample| !sample.is_inside());
        match (exempt, self.requested, self.applied) {
            (true, Policy::Reject, _) => DmarcAction::PctReject,
            (true, Policy::Quarantine, _) => DmarcAction::PctQuarantine,
            (_, _, Policy::Reject) => DmarcAction::OReject,
            (_, _, Policy::Quarantine) => DmarcAction::Quarantine,
            (_, _, Policy::None) => DmarcAction::None,
        }
    }
}
