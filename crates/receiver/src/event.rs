//! What the record is told.

use std::net::IpAddr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mxlab_auth::dmarc::report::{Form, Report};
use mxlab_mail::Address;
use mxlab_mail::authres::rfc8601::Payload;
use mxlab_mail::authres::{AuthenticationResults, DkimResult};
use mxlab_mail::smtp::{Reply, Stage};
use mxlab_record::{Artefact, Event, Fields};

use crate::authenticate::Authenticated;
use crate::disposition::Folder;
use crate::evidence;
use crate::stamp::Stamp;
use crate::verdict::{Results, Verdict};

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
            Some(authenticated) => evidence::fields(fields, authenticated),
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
            _ => format!("does not judge {words} for {to}"),
        }]
    }

    fn because(&self) -> Vec<String> {
        self.verdict.because.clone()
    }
}

/// The results as Microsoft has them. Of several signatures one that passes is told, else the first.
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

/// The results as RFC 8601 has them.
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

    /// The field itself stands among the artefacts.
    fn story(&self) -> Vec<String> {
        Vec::new()
    }

    fn artefact(&self) -> Option<Artefact> {
        // The trace fields tell nothing that the story does not.
        if matches!(self.stamp.name, "Return-Path" | "Received") {
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
        "accepted"
    }

    fn fields(&self) -> Fields {
        Fields::new()
            .with_some("message", self.subject.message.as_deref())
            .with("from", self.subject.from.as_str())
            .with("to", self.subject.to.as_str())
            .with("host", self.host)
            .with("tls", self.tls)
            .with("client", self.client.to_string())
            .with("folder", self.folder.word())
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
}

impl Event for Rejected<'_> {
    fn kind(&self) -> &'static str {
        "rejected"
    }

    fn fields(&self) -> Fields {
        Fields::new()
            .with_some("message", self.subject.message.as_deref())
            .with("from", self.subject.from.as_str())
            .with("to", self.subject.to.as_str())
            .with_some("code", self.reply.enhanced.map(|code| code.to_string()))
            .with("text", self.reply.text())
            .with("by", self.by)
            .with("stage", self.stage.word())
    }

    fn story(&self) -> Vec<String> {
        vec![format!("refuses {} for {}: `{}`", self.subject.words(), self.subject.to, self.reply)]
    }
}

/// `reported`: a DMARC aggregate report left for its address.
pub(crate) struct Reported<'a> {
    pub(crate) report: &'a Report,
    /// The URI of `rua=` that asks for it.
    pub(crate) asked: &'a str,
    pub(crate) to: &'a Address,
    /// The Message-ID of the mail that carries it.
    pub(crate) message: Option<String>,
    /// Whether the same report left for another address before: its text is told once.
    pub(crate) again: bool,
}

impl Event for Reported<'_> {
    fn kind(&self) -> &'static str {
        "reported"
    }

    fn fields(&self) -> Fields {
        let (successful, failed) = counts(self.report);
        let form = match self.report.form {
            Form::Rfc7489 => "rfc7489",
            Form::Rfc9990 => "rfc9990",
        };
        report_fields(self.report)
            .with("to", format!("mailto:{}", self.to))
            .with_some("message", self.message.as_deref())
            .with("form", form)
            .with("rows", self.report.rows.len())
            .with("successful", i64::try_from(successful).unwrap_or(i64::MAX))
            .with("failed", i64::try_from(failed).unwrap_or(i64::MAX))
    }

    fn story(&self) -> Vec<String> {
        let (successful, failed) = counts(self.report);
        let (domain, day) = (&self.report.policy.domain, day(self.report));
        vec![format!("reports to {} about {domain} on {day}: {successful} passed DMARC, {failed} did not", self.to)]
    }

    fn because(&self) -> Vec<String> {
        vec![format!("its record says rua={}", self.asked)]
    }

    fn artefact(&self) -> Option<Artefact> {
        let title = format!("DMARC aggregate report about {} on {}", self.report.policy.domain, day(self.report));
        (!self.again).then(|| Artefact { title, text: self.report.to_xml() })
    }
}

/// `not-reported`: a DMARC aggregate report, or a part of it, did not leave.
pub(crate) struct NotReported<'a> {
    pub(crate) report: &'a Report,
    /// The URI that does not get it; none if nobody gets it.
    pub(crate) to: Option<String>,
    pub(crate) why: String,
}

impl Event for NotReported<'_> {
    fn kind(&self) -> &'static str {
        "not-reported"
    }

    fn fields(&self) -> Fields {
        report_fields(self.report).with_some("to", self.to.as_deref()).with("why", self.why.as_str())
    }

    fn story(&self) -> Vec<String> {
        let (domain, day) = (&self.report.policy.domain, day(self.report));
        vec![match &self.to {
            Some(to) => format!("does not report to {to} about {domain} on {day}"),
            None => format!("leaves messages out of the report about {domain} on {day}"),
        }]
    }

    fn because(&self) -> Vec<String> {
        vec![self.why.clone()]
    }
}

fn report_fields(report: &Report) -> Fields {
    Fields::new().with("domain", report.policy.domain.as_str()).with("kind", "dmarc").with("day", day(report))
}

/// The day that a report tells of: `2026-03-02`.
fn day(report: &Report) -> String {
    let begin = Timestamp::from_second(report.metadata.period.begin).unwrap_or_default();
    begin.to_zoned(TimeZone::UTC).date().to_string()
}

/// How many messages passed DMARC, and how many did not.
fn counts(report: &Report) -> (u64, u64) {
    report.rows.iter().fold((0, 0), |(successful, failed): (u64, u64), row| {
        if row.dkim || row.spf {
            (successful.saturating_add(row.count), failed)
        } else {
            (successful, failed.saturating_add(row.count))
        }
    })
}

/// `not-supported`: the engine cannot decide yet what it would have to decide.
pub(crate) struct NotSupported<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) what: &'a str,
}

impl Event for NotSupported<'_> {
    fn kind(&self) -> &'static str {
        "not-supported"
    }

    fn fields(&self) -> Fields {
        Fields::new()
            .with("what", self.what)
            .with_some("message", self.subject.message.as_deref())
            .with("to", self.subject.to.as_str())
    }

    fn story(&self) -> Vec<String> {
        let (words, to) = (self.subject.words(), &self.subject.to);
        vec![format!("cannot judge {words} for {to}: {} is not supported yet", self.what)]
    }
}
