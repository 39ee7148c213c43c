//! What the server tells the record.

use std::net::IpAddr;

use mxlab_mail::Message;
use mxlab_mail::smtp::server::Delivery;
use mxlab_mail::smtp::{Reply, Stage};
use mxlab_record::{Event, Fields, common};

/// A message taken: one for each recipient.
pub(super) struct Accepted<'a> {
    pub(super) delivery: &'a Delivery,
    pub(super) to: String,
    pub(super) host: &'a str,
    pub(super) client: IpAddr,
    pub(super) about: &'a About,
}

/// What a message is, as far as the record is told.
pub(super) struct About {
    /// Its Message-ID.
    pub(super) message: Option<String>,
    /// Whether it is a delivery report (RFC 3462).
    report: bool,
}

impl About {
    pub(super) fn of(message: &[u8]) -> About {
        let Ok(parsed) = Message::parse(message) else { return About { message: None, report: false } };
        let is_report = |value: String| value.to_ascii_lowercase().starts_with("multipart/report");
        About {
            message: parsed.message_id().ok().map(|id| id.as_str().to_owned()),
            report: parsed.field("Content-Type").is_some_and(|field| is_report(field.value())),
        }
    }
}

impl Event for Accepted<'_> {
    fn kind(&self) -> &'static str {
        common::Accepted::KIND.name
    }

    fn fields(&self) -> Fields {
        let envelope = &self.delivery.envelope;
        let accepted = common::Accepted {
            message: self.about.message.as_deref(),
            from: &envelope.from.to_string(),
            to: &self.to,
            host: self.host,
            tls: envelope.tls,
            client: self.client,
            folder: None,
        };
        accepted.fields()
    }

    fn story(&self) -> Vec<String> {
        let how = if self.delivery.envelope.tls { "over TLS" } else { "in clear" };
        let what = if self.about.report { "a delivery report" } else { "the message" };
        let from = match self.delivery.envelope.from.address() {
            Some(address) => format!(" from {address}"),
            None => String::new(),
        };
        vec![format!("takes {what}{from} for {}, {how}", self.to)]
    }
}

/// A recipient or message refused.
pub(super) struct Rejected<'a> {
    /// The Message-ID, if a message has come that has one.
    pub(super) message: Option<String>,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) reply: &'a Reply,
    pub(super) by: &'a str,
    pub(super) stage: Stage,
}

impl Event for Rejected<'_> {
    fn kind(&self) -> &'static str {
        common::Rejected::KIND.name
    }

    fn fields(&self) -> Fields {
        let rejected = common::Rejected {
            message: self.message.as_deref(),
            from: &self.from,
            to: Some(&self.to),
            code: self.reply.enhanced.map(|code| code.to_string()),
            text: self.reply.to_string(),
            by: self.by,
            stage: self.stage.word(),
        };
        rejected.fields()
    }

    fn story(&self) -> Vec<String> {
        vec![format!("answers `{}` to {} for {}", self.reply, self.stage, self.to)]
    }
}
