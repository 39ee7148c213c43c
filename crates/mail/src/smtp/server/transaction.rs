//! The mail transaction: from MAIL to the end of the message (RFC 5321 §3.3), by DATA or by BDAT (RFC 3030).

use super::{Hello, Question, Session, State, refusal, success, too_large};
use crate::address::{Address, ReversePath};
use crate::smtp::{Class, EnhancedCode, ForwardPath, Parameters, Reply};

/// The envelope of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// How the client introduced itself.
    pub hello: Hello,
    /// The reverse-path.
    pub from: ReversePath,
    /// The parameters of MAIL.
    pub parameters: Parameters,
    /// The recipients that were accepted, each with its parameters of RCPT.
    pub recipients: Vec<(Address, Parameters)>,
    /// Whether it came through TLS.
    pub tls: bool,
}

/// A message as the data phase delivered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its envelope.
    pub envelope: Envelope,
    /// Its octets, dots unstuffed.
    pub message: Vec<u8>,
    /// Whether there was an LF without a CR before it (a policy may refuse that; BDAT does not look).
    pub bare_lf: bool,
    /// Whether there was a CR without an LF after it.
    pub bare_cr: bool,
}

/// The transaction between MAIL and the end of the message.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) from: ReversePath,
    parameters: Parameters,
    pub(super) recipients: Vec<(Address, Parameters)>,
    chunks: Vec<u8>,
    chunked: bool,
    too_large: bool,
}

impl Pending {
    /// A transaction that MAIL has just begun.
    pub(super) fn new(from: ReversePath, parameters: Parameters) -> Pending {
        let (recipients, chunks) = (Vec::new(), Vec::new());
        Pending { from, parameters, recipients, chunks, chunked: false, too_large: false }
    }
}

impl Session {
    pub(super) fn mail_command(&mut self, from: ReversePath, parameters: Parameters) {
        if self.hello.is_none() {
            return self.fault(refusal(503, 5, 1, "Send hello first"));
        }
        if self.pending.is_some() {
            return self.fault(refusal(503, 5, 1, "Sender already specified"));
        }
        if let Some(keyword) = self.not_offered(&parameters) {
            // RFC 5321 §4.1.1.11.
            return self.fault(refusal(555, 5, 4, &format!("Parameter {keyword} not recognized")));
        }
        let limit = self.settings.size.filter(|size| *size > 0).unwrap_or(u64::MAX);
        if parameters.size().is_some_and(|size| size > limit.min(self.settings.max_message as u64)) {
            return self.fault(too_large());
        }
        self.ask(Question::Mail { from, parameters });
    }

    /// The first parameter whose extension was not offered.
    fn not_offered(&self, parameters: &Parameters) -> Option<String> {
        let offered = |keyword: &str| match keyword {
            "SIZE" => self.settings.size.is_some(),
            // RFC 3030 §3: BINARYMIME is an extension of its own.
            "BODY" if parameters.body().is_some_and(|body| body.eq_ignore_ascii_case("BINARYMIME")) => {
                self.settings.offers("BINARYMIME")
            }
            "BODY" => self.settings.offers("8BITMIME"),
            "RET" | "ENVID" | "NOTIFY" | "ORCPT" => self.settings.offers("DSN"),
            other => self.settings.offers(other),
        };
        parameters.iter().map(|(keyword, _)| keyword).find(|keyword| !offered(keyword)).map(str::to_owned)
    }

    pub(super) fn rcpt_command(&mut self, to: ForwardPath, parameters: Parameters) {
        let Some(pending) = &self.pending else {
            return self.fault(refusal(503, 5, 1, "Need MAIL command"));
        };
        if pending.chunked {
            return self.fault(refusal(503, 5, 1, "RCPT behind BDAT"));
        }
        if pending.recipients.len() >= self.settings.max_recipients {
            // RFC 5321 §4.5.3.1.10: 452, so that the client sends the rest in another transaction.
            let code = EnhancedCode::new(Class::Transient, 5, 3);
            return self.fault(Reply::enhanced(452, code, "Too many recipients"));
        }
        if let Some(keyword) = self.not_offered(&parameters) {
            return self.fault(refusal(555, 5, 4, &format!("Parameter {keyword} not recognized")));
        }
        let to = match to {
            ForwardPath::Address(address) => address,
            ForwardPath::Postmaster => match Address::new("postmaster", self.settings.name.clone()) {
                Ok(address) => address,
                Err(_) => return self.fault(refusal(550, 1, 1, "No such user")),
            },
        };
        self.ask(Question::Rcpt { to, parameters });
    }

    pub(super) fn data_command(&mut self) {
        match &self.pending {
            None => self.fault(refusal(503, 5, 1, "Need MAIL command")),
            Some(pending) if pending.chunked => self.fault(refusal(503, 5, 1, "DATA behind BDAT")),
            // RFC 2920 §3.1: a pipelining client sends DATA even when every recipient was refused.
            Some(pending) if pending.recipients.is_empty() => self.fault(refusal(554, 5, 1, "No valid recipients")),
            Some(pending) if pending.parameters.body().is_some_and(|body| body.eq_ignore_ascii_case("BINARYMIME")) => {
                // RFC 3030 §3.
                self.fault(refusal(503, 5, 1, "BODY=BINARYMIME needs BDAT"));
            }
            Some(_) => self.ask(Question::Data),
        }
    }

    pub(super) fn data_complete(&mut self) {
        let State::Data(reader) = std::mem::replace(&mut self.state, State::Commands) else { return };
        let received = reader.finish();
        let Some(pending) = self.pending.take() else { return };
        if received.too_large {
            return self.say(too_large());
        }
        self.ask_message(pending, received.message, received.bare_lf, received.bare_cr);
    }

    fn ask_message(&mut self, pending: Pending, message: Vec<u8>, bare_lf: bool, bare_cr: bool) {
        let Some(hello) = self.hello.clone() else { return };
        let Pending { from, parameters, recipients, .. } = pending;
        let envelope = Envelope { hello, from, parameters, recipients, tls: self.tls };
        self.ask(Question::Message(Delivery { envelope, message, bare_lf, bare_cr }));
    }

    pub(super) fn bdat_command(&mut self, size: u64, last: bool) {
        let offered = self.settings.offers("CHUNKING");
        let keep = offered && self.pending.as_ref().is_some_and(|pending| !pending.recipients.is_empty());
        if let Some(pending) = &mut self.pending {
            pending.chunked = true;
        }
        // The octets follow whether or not the command is accepted (RFC 3030 §2).
        self.state = State::Chunk { left: size, last, keep };
    }

    pub(super) fn keep_chunk(&mut self, bytes: &[u8]) {
        let limit = self.settings.max_message;
        if let Some(pending) = &mut self.pending {
            let room = limit.saturating_sub(pending.chunks.len());
            pending.too_large |= bytes.len() > room;
            pending.chunks.extend(&bytes[..bytes.len().min(room)]);
        }
    }

    pub(super) fn chunk_complete(&mut self, last: bool, keep: bool) {
        self.state = State::Commands;
        if !keep {
            return self.fault(refusal(503, 5, 1, "BDAT out of place"));
        }
        if !last {
            return self.say(success(250, 0, 0, "Chunk taken"));
        }
        let Some(mut pending) = self.pending.take() else { return };
        if pending.too_large {
            return self.say(too_large());
        }
        let message = std::mem::take(&mut pending.chunks);
        self.ask_message(pending, message, false, false);
    }
}
