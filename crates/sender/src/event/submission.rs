//! How messages come in: at the front door, and out of the spool after a restart.

use mxlab_mail::{Address, ReversePath};
use mxlab_record::{Event, Fields, common};

use super::list;

/// A message was accepted and is safe in the spool.
#[derive(Clone, Debug)]
pub struct Queued {
    /// Its Message-ID.
    pub message: String,
    /// The envelope sender.
    pub from: ReversePath,
    /// The envelope recipients.
    pub to: Vec<Address>,
    /// Whether somebody else tells of it: this engine of an NDR, another engine of its report.
    pub told: bool,
}

impl Event for Queued {
    fn kind(&self) -> &'static str {
        "queued"
    }
    fn fields(&self) -> Fields {
        let to: Vec<_> = self.to.iter().map(Address::to_string).collect();
        Fields::new().with("message", self.message.as_str()).with("from", self.from.to_string()).with("to", to)
    }
    fn story(&self) -> Vec<String> {
        let to = list(&self.to);
        match self.from.address() {
            _ if self.told => Vec::new(),
            Some(from) => vec![format!("takes a message from {from} to {to}")],
            None => vec![format!("takes a message with a null reverse-path to {to}")],
        }
    }
}

/// A message was refused at submission.
#[derive(Clone, Debug)]
pub struct Rejected {
    /// The envelope sender.
    pub from: ReversePath,
    /// The recipient, if it was about one.
    pub to: Option<Address>,
    /// The enhanced code.
    pub code: Option<String>,
    /// The reply.
    pub text: String,
    /// The engine's own full name.
    pub by: String,
    /// Where in the session.
    pub stage: &'static str,
}

impl Event for Rejected {
    fn kind(&self) -> &'static str {
        common::Rejected::KIND.name
    }
    fn fields(&self) -> Fields {
        let to = self.to.as_ref().map(Address::to_string);
        let rejected = common::Rejected {
            message: None,
            from: &self.from.to_string(),
            to: to.as_deref(),
            code: self.code.clone(),
            text: self.text.clone(),
            by: &self.by,
            stage: self.stage,
        };
        rejected.fields()
    }
    fn story(&self) -> Vec<String> {
        vec![format!("refuses a message from {}: {}", self.from, self.text)]
    }
}

/// A message that was in the spool when the engine started.
#[derive(Clone, Debug)]
pub struct Resumed {
    /// Its Message-ID.
    pub message: String,
    /// The recipients that still wait.
    pub to: Vec<Address>,
}

impl Event for Resumed {
    fn kind(&self) -> &'static str {
        "resumed"
    }
    fn fields(&self) -> Fields {
        let to: Vec<_> = self.to.iter().map(Address::to_string).collect();
        Fields::new().with("message", self.message.as_str()).with("to", to)
    }
    fn story(&self) -> Vec<String> {
        vec![format!("finds the message to {} in its spool and goes on where it was", list(&self.to))]
    }
}

/// An unreadable file in the spool; it is left in place.
#[derive(Clone, Debug)]
pub struct SpoolDamaged {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Event for SpoolDamaged {
    fn kind(&self) -> &'static str {
        "spool-damaged"
    }
    fn fields(&self) -> Fields {
        Fields::new().with("file", self.file.as_str()).with("problem", self.problem.as_str())
    }
    fn story(&self) -> Vec<String> {
        vec![format!("cannot use the spool file {}: {}", self.file, self.problem)]
    }
}
