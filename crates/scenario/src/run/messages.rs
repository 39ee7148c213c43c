//! The messages that `send` submits: built-in texts and declared ones, with their placeholders filled in.

use jiff::Timestamp;
use mxlab_mail::date;

use mxlab_language::Scenario;

/// What is filled in.
#[derive(Clone, Debug)]
pub(crate) struct FillIns<'a> {
    /// `{from}`: the author.
    pub(crate) from: &'a str,
    /// `{to}`: the recipients, as a To field lists them.
    pub(crate) to: String,
    /// `{subject}`.
    pub(crate) subject: &'a str,
    /// `{message-id}`, without angle brackets.
    pub(crate) message_id: &'a str,
    /// `{date}`.
    pub(crate) date: Timestamp,
}

const PLAIN: &str = "\
From: {from}
To: {to}
Subject: {subject}
Date: {date}
Message-ID: {message-id}
MIME-Version: 1.0
Content-Type: text/plain; charset=us-ascii

Hello,

this is a message.
";

const HTML: &str = "\
From: {from}
To: {to}
Subject: {subject}
Date: {date}
Message-ID: {message-id}
MIME-Version: 1.0
Content-Type: text/html; charset=us-ascii

<html><body><p>Hello,</p><p>this is a message.</p></body></html>
";

/// The built-in messages.
pub(crate) fn is_ready_made(name: &str) -> bool {
    matches!(name, "plain" | "html")
}

/// The octets of the message called `name`. Line ends become CRLF, unless the file gives the message as bytes.
pub(crate) fn compose(scenario: &Scenario, name: &str, fill: &FillIns<'_>) -> Vec<u8> {
    let declared = scenario.messages.get(name).map(|message| message.get());
    if let Some(bytes) = declared.and_then(|message| message.bytes.as_ref()) {
        return fill_in(bytes.as_str(), fill).into_bytes();
    }
    let text = declared.and_then(|message| message.text.as_ref()).map(|text| text.as_str());
    let text = text.unwrap_or(if name == "html" { HTML } else { PLAIN });
    fill_in(text, fill).replace("\r\n", "\n").replace('\n', "\r\n").into_bytes()
}

fn fill_in(text: &str, fill: &FillIns<'_>) -> String {
    text.replace("{from}", fill.from)
        .replace("{to}", &fill.to)
        .replace("{subject}", fill.subject)
        .replace("{date}", &date::rfc5322(fill.date))
        .replace("{message-id}", &format!("<{}>", fill.message_id))
}
