//! What the server records.

use std::net::IpAddr;

use mxlab_mail::Message;
use mxlab_mail::smtp::server::Delivery;
use mxlab_mail::smtp::{Reply, Stage};
use mxlab_record::{Event, Fields, Kind, State, common};

/// The server has given a positive answer about a recipient: to RCPT, or to a message. The story leaves it out, since
/// [`Accepted`] tells of the message; but what was refused before and after it is not the same refusal.
pub(super) struct Agreed<'a> {
    pub(super) about: &'a Asked<'a>,
}

impl Agreed<'_> {
    /// The kind.
    pub(super) const KIND: Kind = Kind::new("agreed", &["message", "from", "to", "by", "stage", "client"]);
}

impl Event for Agreed<'_> {
    fn kind(&self) -> &'static str {
        Agreed::KIND.name
    }

    fn fields(&self) -> Fields {
        let Asked { message, from, to, by, stage, client } = self.about;
        Fields::new()
            .with_some("message", *message)
            .with("from", *from)
            .with("to", *to)
            .with("by", *by)
            .with("stage", stage.word())
            .with("client", client.to_string())
    }

    fn story(&self) -> Vec<String> {
        Vec::new()
    }

    fn state(&self) -> Option<State> {
        Some(self.about.state("agreed"))
    }
}

/// What a client asks of the server for a recipient: to accept it, or to take a message for it.
pub(super) struct Asked<'a> {
    /// The Message-ID, if a message has come that has one.
    pub(super) message: Option<&'a str>,
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    pub(super) by: &'a str,
    /// [`Stage::Rcpt`] or [`Stage::Dot`].
    pub(super) stage: Stage,
    pub(super) client: IpAddr,
}

impl Asked<'_> {
    /// Its state: what this server last answered when this client asked for it.
    fn state(&self, answer: &str) -> State {
        let Asked { message, from, to, stage, client, .. } = self;
        let message = message.unwrap_or_default();
        State { of: format!("answer to {client} at {stage}: {from} to {to} {message}"), is: answer.to_owned() }
    }
}

/// A message taken: one for each recipient.
pub(super) struct Accepted<'a> {
    pub(super) delivery: &'a Delivery,
    pub(super) to: String,
    pub(super) host: &'a str,
    pub(super) client: IpAddr,
    pub(super) about: &'a About,
}

/// What the record has to know about a message.
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
    pub(super) about: &'a Asked<'a>,
    pub(super) reply: &'a Reply,
}

impl Event for Rejected<'_> {
    fn kind(&self) -> &'static str {
        common::Rejected::KIND.name
    }

    fn fields(&self) -> Fields {
        let Asked { message, from, to, by, stage, .. } = self.about;
        let rejected = common::Rejected {
            message: *message,
            from,
            to: Some(to),
            code: self.reply.enhanced.map(|code| code.to_string()),
            text: self.reply.to_string(),
            by,
            stage: stage.word(),
        };
        rejected.fields()
    }

    fn story(&self) -> Vec<String> {
        let what = if self.about.stage == Stage::Dot { "the message" } else { "RCPT" };
        vec![format!("answers `{}` to {what} for {}", self.reply, self.about.to)]
    }

    /// While the answer is the same, only the client's lines show the repetition.
    fn state(&self) -> Option<State> {
        Some(self.about.state(&self.reply.to_string()))
    }
}
