//! The events that the engine records.

mod basis;

use std::net::IpAddr;

use mxlab_mail::authres::rfc8601::Payload;
use mxlab_mail::authres::{AuthenticationResults, DkimResult};
use mxlab_mail::smtp::{Reply, Stage};
use mxlab_record::{Artefact, Event, Fields, Kind, common};

use crate::disposition::Folder;
use crate::evidence::Authenticated;
use crate::stamp::Stamp;
use crate::verdict::{Results, Verdict};

/// The kinds of events that the engine records, with their fields. Its resolver records events of its own
/// ([`mxlab_dns::EVENTS`]), and so does the carrier of its reports.
pub const EVENTS: &[Kind] = &[
    Kind::new(
        "verdict",
        &[
            "message",
            "to",
            "spf",
            "dkim",
            "dmarc",
            "action",
            "compauth",
            "reason",
            // What it rests on: see `basis`.
            "spf-identity",
            "spf-path",
            "spf-problem",
            "spf-void-terms",
            "spf-void-lookups",
            "client-names",
            "dkim-signatures",
            "dkim-causes",
            "dkim-algorithms",
            "dmarc-aligned",
            "dmarc-rules",
            "dmarc-authors",
            "dmarc-questions",
            "dmarc-record",
            "dmarc-place",
            "dmarc-testing",
            "dmarc-spf-mode",
            "dmarc-dkim-mode",
            "dmarc-tag",
            "dmarc-policy",
            "dmarc-applied",
            "dmarc-problem",
        ],
    ),
    Kind::new("stamped", &["message", "to", "header", "value"]),
    common::Accepted::KIND,
    common::Rejected::KIND,
    common::NotSupported::KIND,
    // About DMARC aggregate reports.
    Kind::new("reported", &["domain", "kind", "day", "to", "message", "form", "rows", "successful", "failed"]),
    Kind::new("not-reported", &["domain", "kind", "day", "to", "why"]),
    Kind::new("postponed", &["domain", "kind", "day"]),
    Kind::new("left-out", &["domain", "kind", "day", "recipients", "messages", "why"]),
    Kind::new("not-counted", &["messages"]),
];

/// A message and one of its recipients, as events name them.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// The Message-ID, if there is one.
    pub(crate) message: Option<String>,
    /// The reverse-path.
    pub(crate) from: String,
    /// The recipient.
    pub(crate) to: String,
}

impl Subject {
    /// The message in a sentence.
    fn words(&self) -> String {
        if self.from == "<>" {
            "the report".to_owned()
        } else {
            format!("the message from {}", self.from.trim_matches(['<', '>']))
        }
    }
}

/// `verdict`: a message was judged.
pub(crate) struct Judged<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) verdict: &'a Verdict,
}

impl Event for Judged<'_> {
    fn kind(&self) -> &'static str {
        "verdict"
    }

    fn fields(&self) -> Fields {
        let fields =
            Fields::new().with_some("message", self.subject.message.as_deref()).with("to", self.subject.to.as_str());
        let fields = match &self.verdict.results {
            Results::Exchange { results, .. } => exchange_fields(fields, results),
            Results::Standard(payload) => standard_fields(fields, payload),
        };
        match &self.verdict.authenticated {
            Some(authenticated) => basis::fields(fields, authenticated),
            None => fields,
        }
    }

    fn story(&self) -> Vec<String> {
        let (words, to) = (self.subject.words(), &self.subject.to);
        vec![match (&self.verdict.results, &self.verdict.authenticated) {
            (Results::Exchange { results: AuthenticationResults { compauth: Some(compauth), .. }, .. }, _) => {
                format!("judges {words} for {to}: {compauth}")
            }
            (Results::Standard(_), Some(Authenticated { dmarc, .. })) => {
                format!("judges {words} for {to}: dmarc={}", dmarc.result)
            }
            _ => format!("skips composite authentication of {words} for {to}: internal mail"),
        }]
    }

    fn because(&self) -> Vec<String> {
        self.verdict.because.clone()
    }
}

/// The results in Microsoft's form. If there are several signatures, one that passes is recorded, else the first.
fn exchange_fields(fields: Fields, results: &AuthenticationResults) -> Fields {
    let dkim = results.dkim.iter();
    let dkim = dkim.clone().find(|dkim| dkim.result == DkimResult::Pass).or_else(|| results.dkim.first());
    fields
        .with_some("spf", results.spf.as_ref().map(|spf| spf.result.word()))
        .with_some("dkim", dkim.map(|dkim| dkim.result.word()))
        .with("dmarc", results.dmarc.result.word())
        .with("action", results.dmarc.action.word())
        .with_some("compauth", results.compauth.map(|compauth| compauth.result.word()))
        .with_some("reason", results.compauth.map(|compauth| compauth.reason.to_string()))
}

/// The results in the form of RFC 8601.
fn standard_fields(fields: Fields, payload: &Payload) -> Fields {
    let word = |method: &'static str| {
        let mut results = payload.results_of(method).peekable();
        let first = results.peek().map(|it| it.result.as_str().to_owned());
        results.find(|it| it.result.is("pass")).map(|it| it.result.as_str().to_owned()).or(first)
    };
    fields.with_some("spf", word("spf")).with_some("dkim", word("dkim")).with_some("dmarc", word("dmarc"))
}

/// `stamped`: a message got a header field.
pub(crate) struct Stamped<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) stamp: &'a Stamp,
}

impl Event for Stamped<'_> {
    fn kind(&self) -> &'static str {
        "stamped"
    }

    fn fields(&self) -> Fields {
        Fields::new()
            .with_some("message", self.subject.message.as_deref())
            .with("to", self.subject.to.as_str())
            .with("header", self.stamp.name)
            .with("value", self.stamp.value.as_str())
    }

    /// The field itself is one of the artefacts.
    fn story(&self) -> Vec<String> {
        Vec::new()
    }

    fn artefact(&self) -> Option<Artefact> {
        // The trace fields add nothing to the story, and what the message brought is not ours to show.
        if self.stamp.brought || matches!(self.stamp.name, "Return-Path" | "Received") {
            return None;
        }
        let title = format!("{} of {} to {}", self.stamp.name, self.subject.words(), self.subject.to);
        Some(Artefact { title, text: self.stamp.to_field().replace('\r', "") })
    }
}

/// `accepted`: a message went into a folder.
pub(crate) struct Accepted<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) host: &'a str,
    pub(crate) tls: bool,
    pub(crate) client: IpAddr,
    pub(crate) folder: Folder,
}

impl Event for Accepted<'_> {
    fn kind(&self) -> &'static str {
        common::Accepted::KIND.name
    }

    fn fields(&self) -> Fields {
        let accepted = common::Accepted {
            message: self.subject.message.as_deref(),
            from: &self.subject.from,
            to: &self.subject.to,
            host: self.host,
            tls: self.tls,
            client: self.client,
            folder: Some(self.folder.word()),
        };
        accepted.fields()
    }

    fn story(&self) -> Vec<String> {
        let how = if self.tls { "over TLS" } else { "in clear" };
        let (words, to) = (self.subject.words(), &self.subject.to);
        vec![match self.folder {
            Folder::Inbox => format!("takes {words} for {to}, {how}, into the inbox"),
            Folder::Junk => format!("takes {words} for {to}, {how}, into junk mail"),
            Folder::Quarantine => format!("takes {words} for {to}, {how}, into quarantine"),
        }]
    }
}

/// `rejected`: a recipient or a message was refused.
pub(crate) struct Rejected<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) reply: &'a Reply,
    pub(crate) by: &'a str,
    pub(crate) stage: Stage,
    /// Why, where neither the reply nor a verdict says it.
    pub(crate) because: &'a [String],
}

impl Event for Rejected<'_> {
    fn kind(&self) -> &'static str {
        common::Rejected::KIND.name
    }

    fn fields(&self) -> Fields {
        let rejected = common::Rejected {
            message: self.subject.message.as_deref(),
            from: &self.subject.from,
            to: Some(&self.subject.to),
            code: self.reply.enhanced.map(|code| code.to_string()),
            text: self.reply.to_string(),
            by: self.by,
            stage: self.stage.word(),
        };
        rejected.fields()
    }

    fn story(&self) -> Vec<String> {
        vec![format!("refuses {} for {}: `{}`", self.subject.words(), self.subject.to, self.reply)]
    }

    fn because(&self) -> Vec<String> {
        self.because.to_vec()
    }
}

/// `not-supported`: the engine cannot make a needed decision yet.
pub(crate) struct NotSupported<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) what: &'a str,
}

impl Event for NotSupported<'_> {
    fn kind(&self) -> &'static str {
        common::NotSupported::KIND.name
    }

    fn fields(&self) -> Fields {
        let (message, to) = (self.subject.message.as_deref(), Some(self.subject.to.as_str()));
        common::NotSupported { what: self.what, message, to, host: None }.fields()
    }

    fn story(&self) -> Vec<String> {
        let (words, to) = (self.subject.words(), &self.subject.to);
        vec![format!("cannot judge {words} for {to}: {} is not supported yet", self.what)]
    }
}
