//! What a verdict rests on, in fields of the record: so that a scenario can hold that it came about in a certain way.
//!
//! | field | is |
//! |---|---|
//! | `spf-path` | the terms that decided, from the outermost include in: `include:_spf.mailer.example > ip4:192.0.2.1` |
//! | `spf-identity` | `mailfrom` or `helo` |
//! | `spf-problem` | why SPF has no better result |
//! | `spf-void-terms`, `spf-void-lookups` | how many terms have lookups without an answer, and how many lookups |
//! | `client-names` | the client's names that lead back to it, if they were looked up |
//! | `dkim-signatures` | how many there are |
//! | `dkim-causes` | what became of each, from the top, in a word ([`Verification::word`]) |
//! | `dkim-algorithms` | what they are made with, where they could be read |
//! | `dmarc-rules` | `rfc7489` or `rfc9989` |
//! | `dmarc-authors` | how many domains `From` names, if several |
//! | `dmarc-record` | the domain that publishes the record that applies |
//! | `dmarc-place` | where that is: `author`, `organization` or `suffix` |
//! | `dmarc-testing` | whether the owner is testing (`t=y`) a policy that is not `none` |
//! | `dmarc-tag` | the tag with the policy for this author: `p`, `sp` or `np` |
//! | `dmarc-policy` | the policy in that tag |
//! | `dmarc-applied` | the policy that is applied |
//! | `dmarc-aligned` | which methods passed for an aligned domain: `spf`, `dkim`, `spf dkim`, `none` |
//! | `dmarc-spf-mode`, `dmarc-dkim-mode` | `strict` or `relaxed`, as the record says |
//! | `dmarc-problem` | why there is no result |
//! | `dmarc-questions` | at how many names a record was looked for |

use mxlab_auth::dkim::Verification;
use mxlab_auth::dmarc::{self, Discovery, Place, Rules, Tag};
use mxlab_auth::spf;
use mxlab_record::Fields;

use crate::evidence::Authenticated;

/// The fields for what was found.
pub(crate) fn fields(fields: Fields, authenticated: &Authenticated) -> Fields {
    let Authenticated { spf, dkim, dmarc, names, ways: _ } = authenticated;
    let identity = match spf.identity {
        spf::Identity::MailFrom(_) => "mailfrom",
        spf::Identity::Helo(_) => "helo",
    };
    let causes: Vec<&str> = dkim.iter().map(Verification::word).collect();
    let algorithms: Vec<&str> =
        dkim.iter().filter_map(|it| Some(it.signature.as_ref()?.message.algorithm.word())).collect();
    let fields = fields
        .with("spf-identity", identity)
        .with_some("spf-path", spf_path(&spf.steps))
        .with_some("spf-problem", spf.problem.as_deref())
        .with("spf-void-terms", spf.voids().0)
        .with("spf-void-lookups", spf.voids().1)
        .with_some("client-names", names.as_ref().map(|names| names.confirmed.join(" ")))
        .with("dkim-signatures", dkim.len())
        .with_some("dkim-causes", (!causes.is_empty()).then(|| causes.join(" ")))
        .with_some("dkim-algorithms", (!algorithms.is_empty()).then(|| algorithms.join(" ")));
    dmarc_fields(fields, dmarc)
}

/// The terms that decided, from the outermost record in; none if no term did.
fn spf_path(steps: &[spf::Step]) -> Option<String> {
    let mut path = Vec::new();
    let mut depth = 0;
    for step in steps.iter().filter(|step| step.term.is_some()) {
        let decides = matches!(step.outcome, spf::Outcome::Matched | spf::Outcome::InnerProblem);
        let goes_on = step.outcome == spf::Outcome::Redirected;
        if step.depth == depth && (decides || goes_on) {
            path.extend(step.term.clone());
            depth += usize::from(decides);
        }
    }
    (!path.is_empty()).then(|| path.join(" > "))
}

fn dmarc_fields(fields: Fields, dmarc: &dmarc::Evaluation) -> Fields {
    let aligned: Vec<&str> = [(dmarc.aligned_spf(), "spf"), (dmarc.aligned_dkim(), "dkim")]
        .into_iter()
        .filter_map(|(domain, word)| domain.map(|_| word))
        .collect();
    let fields = fields
        .with("dmarc-aligned", if aligned.is_empty() { "none".to_owned() } else { aligned.join(" ") })
        .with(
            "dmarc-rules",
            match dmarc.rules {
                Rules::Rfc7489 => "rfc7489",
                Rules::Rfc9989 => "rfc9989",
            },
        )
        .with_some("dmarc-authors", (!dmarc.authors.is_empty()).then_some(dmarc.authors.len()))
        .with("dmarc-questions", dmarc.steps.len());
    match &dmarc.discovery {
        Discovery::Found { domain, record, place, .. } => {
            let request = dmarc.request;
            let tag = request.map(|request| match request.tag {
                Tag::Domain => "p",
                Tag::Subdomain => "sp",
                Tag::Nonexistent => "np",
            });
            fields
                .with("dmarc-record", domain.as_str())
                .with(
                    "dmarc-place",
                    match place {
                        Place::Author => "author",
                        Place::Organization => "organization",
                        Place::PublicSuffix => "suffix",
                    },
                )
                .with("dmarc-testing", request.is_some_and(|request| request.testing))
                .with("dmarc-spf-mode", record.aspf.word())
                .with("dmarc-dkim-mode", record.adkim.word())
                .with_some("dmarc-tag", tag)
                .with_some("dmarc-policy", request.map(|request| request.requested.word()))
                .with_some("dmarc-applied", request.map(|request| request.applied.word()))
        }
        Discovery::Nothing => fields,
        Discovery::TempError { problem } | Discovery::PermError { problem } | Discovery::NotApplicable { problem } => {
            fields.with("dmarc-problem", problem.as_str())
        }
    }
}
