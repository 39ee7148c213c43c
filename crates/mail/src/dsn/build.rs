//! The builder of reports.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;

use super::{DsnAction, quoted_printable};
use crate::address::Address;
use crate::date;
use crate::headers::{self, Message};
use crate::message_id::MessageId;
use crate::smtp::{Class, EnhancedCode, printable};

/// What a report tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The message could not be delivered.
    Failure,
    /// The message is still queued, and will be tried for this much longer.
    Delay {
        /// The time until it expires.
        remaining: Duration,
    },
}

/// A line of the diagnostic information: what some server said, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// When.
    pub at: Timestamp,
    /// The server's name.
    pub server: String,
    /// Its address; missing when it was not another server, or none was reached.
    pub ip: Option<IpAddr>,
    /// Its reply, codes included.
    pub text: String,
}

/// What became of the message for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The recipient.
    pub to: Address,
    /// `ORCPT` as the client gave it, in xtext: `rfc822;bo@fabrikam.example`. Exchange does not print it, RFC 3464 §2.3.1
    /// demands it.
    pub original_recipient: Option<String>,
    /// The status.
    pub status: EnhancedCode,
    /// The diagnostic: a reply with its codes, `550 5.7.323 tlsa-invalid: …`.
    pub diagnostic: String,
    /// The server that answered, if a server did.
    pub remote_mta: Option<String>,
    /// The explanation for people; [`explanation`] has the texts by code.
    pub explanation: String,
    /// Which server said what, newest first.
    pub answers: Vec<Answer>,
}

/// All that a report is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusNotification {
    /// Failure or delay.
    pub kind: Kind,
    /// The author: `postmaster@` the organization's domain.
    pub from: Address,
    /// The sender of the original, who gets the report.
    pub to: Address,
    /// The date of the report.
    pub date: Timestamp,
    /// Its identifier.
    pub message_id: MessageId,
    /// A boundary of RFC 2046 §5.1.1 that occurs nowhere else; the one of the inner alternative is made from it.
    pub boundary: String,
    /// The full name of the server that reports.
    pub generating_server: String,
    /// The server that answered last, in the text; missing when none did.
    pub receiving_server: Option<String>,
    /// The server from which the original came.
    pub received_from: Option<String>,
    /// When it came.
    pub arrival: Timestamp,
    /// `ENVID` as the client gave it (RFC 3464 §2.2.1).
    pub envelope_id: Option<String>,
    /// One for each recipient that is reported.
    pub recipients: Vec<Failure>,
    /// The original message, or its header section alone.
    pub original: Vec<u8>,
    /// Whether the third part is the whole original (`RET=FULL`) or only its header.
    pub return_full: bool,
}

impl StatusNotification {
    /// The whole message, with CRLF line ends.
    pub fn to_message(&self) -> Vec<u8> {
        let original = Original::read(&self.original);
        let mut message = self.header(&original);
        let outer = &self.boundary;
        let inner = format!("{outer}alt");
        let mut push = |text: &str| message.extend(text.as_bytes());
        push(&format!("--{outer}\r\n"));
        push(&format!(
            "Content-Type: multipart/alternative; differences=Content-Type;\r\n boundary=\"{inner}\"\r\n\r\n"
        ));
        let text = self.text_with(&original);
        for (kind, content) in [("plain", text.clone()), ("html", html(&text))] {
            push(&format!("--{inner}\r\nContent-Type: text/{kind}; charset=\"{}\"\r\n", charset(&content)));
            push("Content-Transfer-Encoding: quoted-printable\r\n\r\n");
            push(&quoted_printable::encode(&content));
            push("\r\n");
        }
        push(&format!("--{inner}--\r\n\r\n--{outer}\r\nContent-Type: message/delivery-status\r\n\r\n"));
        push(&self.delivery_status());
        push(&format!("\r\n--{outer}\r\nContent-Type: message/rfc822\r\n\r\n"));
        if self.return_full {
            message.extend(&self.original);
        } else {
            message.extend(&original.header);
            message.extend(b"\r\n");
        }
        if !message.ends_with(b"\r\n") {
            message.extend(b"\r\n");
        }
        message.extend(format!("\r\n--{outer}--\r\n").as_bytes());
        message
    }

    /// The text for people, as it is in the message, with LF line ends. Stories show it.
    pub fn text(&self) -> String {
        self.text_with(&Original::read(&self.original))
    }

    /// The subject.
    pub fn subject(&self) -> String {
        self.subject_with(&Original::read(&self.original))
    }

    fn subject_with(&self, original: &Original) -> String {
        let prefix = match self.kind {
            Kind::Failure => "Undeliverable:",
            Kind::Delay { .. } => "Delivery delayed:",
        };
        format!("{prefix} {}", original.subject).trim_end().to_owned()
    }

    fn header(&self, original: &Original) -> Vec<u8> {
        let mut header = String::new();
        let mut field = |name: &str, value: &str| header.push_str(&headers::folded(name, value));
        field("From", &format!("<{}>", self.from));
        field("To", &format!("<{}>", self.to));
        field("Date", &date::rfc5322(self.date));
        field("Subject", &self.subject_with(original));
        field("MIME-Version", "1.0");
        let boundary = &self.boundary;
        field("Content-Type", &format!("multipart/report; report-type=delivery-status; boundary=\"{boundary}\""));
        field("Content-Language", "en-US");
        field("Message-ID", &self.message_id.to_string());
        if let Some(id) = &original.message_id {
            field("In-Reply-To", &id.to_string());
            let references: Vec<_> = original.references.iter().chain([id]).map(MessageId::to_string).collect();
            field("References", &references.join(" "));
        }
        // RFC 3834 §5.
        field("Auto-Submitted", "auto-replied");
        header.push_str("X-MS-Exchange-Message-Is-Ndr:\r\n\r\n");
        header.into_bytes()
    }

    fn text_with(&self, original: &Original) -> String {
        let mut text = String::from(match self.kind {
            Kind::Failure => "Delivery has failed to these recipients or groups:\n\n",
            Kind::Delay { .. } => "Delivery is delayed to these recipients or groups:\n\n",
        });
        for recipient in &self.recipients {
            let to = &recipient.to;
            let _ = writeln!(text, "{to} ({to})<mailto:{to}>\n{}\n", recipient.explanation);
        }
        if let Kind::Delay { remaining } = self.kind {
            text.push_str("This message hasn't been delivered yet. Delivery will continue to be attempted.\n\n");
            let _ = writeln!(
                text,
                "The server will keep trying to deliver this message for the next {}. You'll be notified if the \
                 message can't be delivered by that time.",
                in_words(remaining)
            );
        }
        // Here are seven to nine blank lines.
        text.push_str(&"\n".repeat(8));
        text.push_str("Diagnostic information for administrators:\n\n");
        let _ = writeln!(text, "Generating server: {}", self.generating_server);
        if let Some(server) = &self.receiving_server {
            let _ = writeln!(text, "Receiving server: {server}");
        }
        for recipient in &self.recipients {
            let _ = writeln!(text, "\n{}", recipient.to);
            for answer in &recipient.answers {
                let ip = answer.ip.map(|ip| format!(" ({ip})")).unwrap_or_default();
                let (at, server) = (date::exchange(answer.at), &answer.server);
                let _ = writeln!(text, "{at} - Server at {server}{ip} returned '{}'", printable(&answer.text));
            }
        }
        text.push_str("\nOriginal message headers:\n\n");
        text.push_str(&String::from_utf8_lossy(&original.header).replace('\r', ""));
        text
    }

    fn delivery_status(&self) -> String {
        let mut status = String::new();
        let mut field = |name: &str, value: &str| {
            let _ = write!(status, "{name}: {}\r\n", one_line(value));
        };
        if let Some(id) = &self.envelope_id {
            field("Original-Envelope-Id", id);
        }
        field("Reporting-MTA", &format!("dns;{}", self.generating_server));
        if let Some(server) = &self.received_from {
            field("Received-From-MTA", &format!("dns;{server}"));
        }
        field("Arrival-Date", &date::rfc5322(self.arrival));
        let action = match self.kind {
            Kind::Failure => DsnAction::Failed,
            Kind::Delay { .. } => DsnAction::Delayed,
        };
        for recipient in &self.recipients {
            // An empty line precedes each recipient's fields (RFC 3464 §2.1).
            status.push_str("\r\n");
            let mut field = |name: &str, value: &str| {
                let _ = write!(status, "{name}: {value}\r\n");
            };
            if let Some(original) = &recipient.original_recipient {
                field("Original-Recipient", &one_line(original));
            }
            field("Final-Recipient", &format!("rfc822;{}", recipient.to));
            field("Action", action.word());
            field("Status", &recipient.status.to_string());
            field("Diagnostic-Code", &fitting(&format!("smtp;{}", printable(&recipient.diagnostic))));
            if let Some(server) = &recipient.remote_mta {
                field("Remote-MTA", &one_line(&format!("dns;{server}")));
            }
            field("X-Display-Name", &recipient.to.to_string());
        }
        status
    }
}

/// What the report takes from the original.
struct Original {
    header: Vec<u8>,
    subject: String,
    message_id: Option<MessageId>,
    references: Vec<MessageId>,
}

impl Original {
    /// If the original exceeds the limits of a header, nothing of it is known.
    fn read(message: &[u8]) -> Original {
        let Ok(message) = Message::parse(message) else {
            return Original { header: Vec::new(), subject: String::new(), message_id: None, references: Vec::new() };
        };
        let mut header = message.header().to_vec();
        if !header.is_empty() && !header.ends_with(b"\n") {
            header.extend(b"\r\n");
        }
        let value = |name| message.field(name).map(|field| field.value()).unwrap_or_default();
        Original {
            header,
            subject: value("Subject"),
            message_id: message.message_id().ok(),
            references: MessageId::parse_list(&value("References")),
        }
    }
}

/// The explanation of a code for people. `server` is the server that refused, if one did.
///
/// The texts for DNS failures and refused connections are Exchange's. No public report with a DANE code has been seen:
/// their sentences follow the documented meanings.
pub fn explanation(status: EnhancedCode, server: Option<&str>) -> String {
    const REPEATED: &str = "Your message couldn't be delivered. Despite repeated attempts to deliver your message,";
    match (status.subject, status.detail) {
        (4, 312) => format!(
            "{REPEATED} querying the Domain Name System (DNS) for the recipient's domain location information failed."
        ),
        (4, 316) => {
            format!("{REPEATED} the recipient's email system refused to accept a connection from your email system.")
        }
        (7, 321) => format!("{REPEATED} the recipient's email system did not offer a secure (TLS) connection."),
        (7, 322) => format!("{REPEATED} the certificate of the recipient's email system is expired."),
        (7, 323) => format!("{REPEATED} the recipient's domain failed DANE validation."),
        (7, 324) => format!("{REPEATED} the recipient's domain returned invalid DNSSEC records."),
        (7, 325) => {
            format!("{REPEATED} the certificate of the recipient's email system doesn't match the name of its server.")
        }
        _ => match server {
            Some(server) => format!("{server} rejected your message to the following email addresses:"),
            None if status.class == Class::Transient => "Your message is delayed.".to_owned(),
            None => "Your message couldn't be delivered.".to_owned(),
        },
    }
}

/// `1 days, 19 hours and 57 minutes`, always in the plural, as Exchange writes it.
fn in_words(duration: Duration) -> String {
    let minutes = duration.as_secs() / 60;
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match days {
        0 => format!("{hours} hours and {minutes} minutes"),
        days => format!("{days} days, {hours} hours and {minutes} minutes"),
    }
}

fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

/// A value folded so that no line exceeds 998 octets (RFC 5322 §2.1.1), at blanks if there are any. Shorter values stay
/// in one line, as Exchange writes them.
fn fitting(value: &str) -> String {
    const WIDTH: usize = 900;
    let (mut folded, mut rest) = (String::new(), value);
    while rest.len() > WIDTH {
        let Some((start, _)) = rest.split_at_checked(WIDTH) else { break };
        let (line, next) = match start.rfind(' ').filter(|at| *at > 0) {
            Some(at) => (rest.get(..at), rest.get(at + 1..)),
            None => (Some(start), rest.get(WIDTH..)),
        };
        folded.push_str(line.unwrap_or_default());
        folded.push_str("\r\n ");
        rest = next.unwrap_or_default();
    }
    folded + rest
}

fn charset(text: &str) -> &'static str {
    if text.is_ascii() { "us-ascii" } else { "utf-8" }
}

/// The same text as HTML, one paragraph for each group of lines.
fn html(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let mut html = String::from("<html>\n<body>\n");
    for paragraph in escaped.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
        let _ = writeln!(html, "<p>{}</p>", paragraph.replace('\n', "<br>\n"));
    }
    html.push_str("</body>\n</html>\n");
    html
}
