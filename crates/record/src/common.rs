//! Events that several crates tell: one kind has one shape, whoever tells it.
//!
//! | kind | is told by |
//! |---|---|
//! | `accepted` | a server that has taken a message for a recipient |
//! | `rejected` | a server that has refused a message or a recipient |
//! | `not-supported` | an engine that has to do something which is not implemented yet |
//!
//! The values here give kind and fields; the words of the story are those of the teller. Paths are written as in
//! `MAIL FROM`, in angle brackets, so the null path is `<>` and never empty. A text of a reply is the whole reply in one line,
//! as reports quote it: `550 5.1.1 User unknown`.

use std::net::IpAddr;

use crate::{Fields, Kind};

/// A server has taken a message for a recipient.
#[derive(Clone, Copy, Debug)]
pub struct Accepted<'a> {
    /// The Message-ID, if there is one.
    pub message: Option<&'a str>,
    /// The reverse-path.
    pub from: &'a str,
    /// The recipient.
    pub to: &'a str,
    /// The server's full name.
    pub host: &'a str,
    /// Whether the session was over TLS.
    pub tls: bool,
    /// The client's address.
    pub client: IpAddr,
    /// The recipient's folder that the message went to, for a server that has folders.
    pub folder: Option<&'a str>,
}

impl Accepted<'_> {
    /// The kind.
    pub const KIND: Kind = Kind::new("accepted", &["message", "from", "to", "host", "tls", "client", "folder"]);

    /// The fields.
    pub fn fields(&self) -> Fields {
        Fields::new()
            .with_some("message", self.message)
            .with("from", self.from)
            .with("to", self.to)
            .with("host", self.host)
            .with("tls", self.tls)
            .with("client", self.client.to_string())
            .with_some("folder", self.folder)
    }
}

/// A server has refused a message or a recipient.
#[derive(Clone, Debug)]
pub struct Rejected<'a> {
    /// The Message-ID, if a message has come that has one.
    pub message: Option<&'a str>,
    /// The reverse-path.
    pub from: &'a str,
    /// The recipient, if it was about one.
    pub to: Option<&'a str>,
    /// The enhanced status code, if the reply has one: `5.7.1`.
    pub code: Option<String>,
    /// The reply.
    pub text: String,
    /// The server's full name.
    pub by: &'a str,
    /// Where in the session: `mail`, `rcpt`, `dot`.
    pub stage: &'a str,
}

impl Rejected<'_> {
    /// The kind.
    pub const KIND: Kind = Kind::new("rejected", &["message", "from", "to", "code", "text", "by", "stage"]);

    /// The fields.
    pub fn fields(&self) -> Fields {
        Fields::new()
            .with_some("message", self.message)
            .with("from", self.from)
            .with_some("to", self.to)
            .with_some("code", self.code.as_deref())
            .with("text", self.text.as_str())
            .with("by", self.by)
            .with("stage", self.stage)
    }
}

/// An engine has to do something that is not implemented yet. Whatever came of the run proves nothing.
#[derive(Clone, Copy, Debug)]
pub struct NotSupported<'a> {
    /// What is missing: `TLSA usage 2`.
    pub what: &'a str,
    /// The Message-ID, if it was about a message.
    pub message: Option<&'a str>,
    /// The recipient, if it was about one.
    pub to: Option<&'a str>,
    /// The other host, if it was about one.
    pub host: Option<&'a str>,
}

impl NotSupported<'_> {
    /// The kind.
    pub const KIND: Kind = Kind::new("not-supported", &["what", "message", "to", "host"]);

    /// The fields.
    pub fn fields(&self) -> Fields {
        Fields::new()
            .with("what", self.what)
            .with_some("message", self.message)
            .with_some("to", self.to)
            .with_some("host", self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_the_declared_ones() {
        let check = |kind: Kind, fields: &Fields| {
            let names: Vec<&str> = fields.iter().map(|(name, _)| name).collect();
            assert_eq!(names, kind.fields, "{}", kind.name);
        };
        let (message, to, host) = (Some("1@a.example"), "b@b.example", "mx.b.example");
        let from = "<>";
        let client = IpAddr::from([192, 0, 2, 1]);
        let accepted = Accepted { message, from, to, host, tls: true, client, folder: Some("inbox") };
        check(Accepted::KIND, &accepted.fields());
        let (code, text) = (Some("5.7.1".to_owned()), "550 5.7.1 No".to_owned());
        let rejected = Rejected { message, from, to: Some(to), code, text, by: host, stage: "mail" };
        check(Rejected::KIND, &rejected.fields());
        let missing = NotSupported { what: "a thing", message, to: Some(to), host: Some(host) };
        check(NotSupported::KIND, &missing.fields());
    }
}
