//! The events about reports.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mxlab_auth::dmarc::report::{AggregateReport, Form};
use mxlab_mail::Address;
use mxlab_record::{Artefact, Event, Fields};

/// `reported`: a DMARC aggregate report was submitted for delivery to its address.
pub(super) struct Reported<'a> {
    pub(super) report: &'a AggregateReport,
    /// Why it goes there.
    pub(super) because: Vec<String>,
    pub(super) to: &'a Address,
    /// The Message-ID of the mail that carries it.
    pub(super) message: Option<String>,
    /// The mail as its reader sees it.
    pub(super) as_read: String,
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
        self.because.clone()
    }

    fn artefact(&self) -> Option<Artefact> {
        let title = format!("DMARC aggregate report about {} on {}", self.report.policy.domain, day(self.report));
        Some(Artefact { title, text: self.as_read.clone() })
    }
}

/// `not-reported`: a DMARC aggregate report is not sent.
pub(super) struct NotReported<'a> {
    pub(super) report: &'a AggregateReport,
    /// The URI that does not get it; none if nobody gets it.
    pub(super) to: Option<String>,
    pub(super) why: String,
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
            None => format!("sends no report about {domain} on {day}"),
        }]
    }

    fn because(&self) -> Vec<String> {
        vec![self.why.clone()]
    }
}

/// `postponed`: a DMARC aggregate report waits for DNS.
pub(super) struct Postponed<'a> {
    pub(super) report: &'a AggregateReport,
    /// What could not be determined.
    pub(super) because: Vec<String>,
}

impl Event for Postponed<'_> {
    fn kind(&self) -> &'static str {
        "postponed"
    }

    fn fields(&self) -> Fields {
        report_fields(self.report)
    }

    fn story(&self) -> Vec<String> {
        vec![format!("postpones the report about {} on {}", self.report.policy.domain, day(self.report))]
    }

    fn because(&self) -> Vec<String> {
        self.because.clone()
    }
}

/// `left-out`: a DMARC aggregate report omits some messages.
pub(super) struct LeftOut<'a> {
    pub(super) report: &'a AggregateReport,
    /// The domain of their recipients.
    pub(super) recipients: String,
    pub(super) messages: u64,
    pub(super) why: String,
}

impl Event for LeftOut<'_> {
    fn kind(&self) -> &'static str {
        "left-out"
    }

    fn fields(&self) -> Fields {
        report_fields(self.report)
            .with("recipients", self.recipients.as_str())
            .with("messages", i64::try_from(self.messages).unwrap_or(i64::MAX))
            .with("why", self.why.as_str())
    }

    fn story(&self) -> Vec<String> {
        let (domain, day) = (&self.report.policy.domain, day(self.report));
        let (messages, recipients) = (in_words(self.messages), &self.recipients);
        vec![format!("leaves {messages} for {recipients} out of the report about {domain} on {day}")]
    }

    fn because(&self) -> Vec<String> {
        vec![self.why.clone()]
    }
}

/// `not-counted`: there is no room for another report.
pub(super) struct NotCounted {
    pub(super) messages: u64,
}

impl Event for NotCounted {
    fn kind(&self) -> &'static str {
        "not-counted"
    }

    fn fields(&self) -> Fields {
        Fields::new().with("messages", i64::try_from(self.messages).unwrap_or(i64::MAX))
    }

    fn story(&self) -> Vec<String> {
        vec![format!("has no room to report on {} of other domains", in_words(self.messages))]
    }
}

fn in_words(messages: u64) -> String {
    if messages == 1 { "1 message".to_owned() } else { format!("{messages} messages") }
}

fn report_fields(report: &AggregateReport) -> Fields {
    Fields::new().with("domain", report.policy.domain.as_str()).with("kind", "dmarc").with("day", day(report))
}

/// The day of a report: `2026-03-02`.
fn day(report: &AggregateReport) -> String {
    let begin = Timestamp::from_second(report.metadata.period.begin).unwrap_or_default();
    begin.to_zoned(TimeZone::UTC).date().to_string()
}

/// How many messages passed DMARC, and how many did not.
fn counts(report: &AggregateReport) -> (u64, u64) {
    report.rows.iter().fold((0, 0), |(successful, failed): (u64, u64), row| {
        if row.dkim || row.spf {
            (successful.saturating_add(row.count), failed)
        } else {
            (successful, failed.saturating_add(row.count))
        }
    })
}
