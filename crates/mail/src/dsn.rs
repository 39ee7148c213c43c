//! Delivery reports in the form of Exchange.
//!
//! A report is a message with the null reverse-path and three parts (RFC 3462, RFC 6522): a text for people, the facts for
//! programs (`message/delivery-status`, RFC 3464), and the original or its header. [`StatusNotification`] builds it: Exchange's text
//! with "Diagnostic information for administrators", the same as HTML, and status fields without a blank after the type
//! (`dns;HOST`, `rfc822;ADDRESS`, `smtp;TEXT`). [`parse()`] reads one back, from Exchange or from anybody else.
//!
//! Nothing here is random or looked up: the caller gives dates, identifier and boundary.

mod build;
mod parse;
mod quoted_printable;

use std::fmt;

pub use build::{Answer, Failure, Kind, StatusNotification, explanation};
pub use parse::{DeliveryStatus, ParseError, ParsedReport, RecipientStatus, parse, parse_status};

/// What became of a message for one recipient (RFC 3464 §2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DsnAction {
    /// It could not be delivered.
    Failed,
    /// It is still being tried.
    Delayed,
    /// It was delivered.
    Delivered,
    /// It went to a system that does not report.
    Relayed,
    /// It was delivered to a list.
    Expanded,
}

impl DsnAction {
    /// The word in the field.
    pub fn word(self) -> &'static str {
        match self {
            DsnAction::Failed => "failed",
            DsnAction::Delayed => "delayed",
            DsnAction::Delivered => "delivered",
            DsnAction::Relayed => "relayed",
            DsnAction::Expanded => "expanded",
        }
    }

    fn from_word(word: &str) -> Option<DsnAction> {
        use DsnAction::{Delayed, Delivered, Expanded, Failed, Relayed};
        [Failed, Delayed, Delivered, Relayed, Expanded].into_iter().find(|it| it.word().eq_ignore_ascii_case(word))
    }
}

impl fmt::Display for DsnAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests;
