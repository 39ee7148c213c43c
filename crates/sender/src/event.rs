//! The events that the engine records, with their text for the story.
//!
//! An event is made of facts. It says in full what happened, and for what recurs also how things stand and how a repetition
//! reads; whether it is one is the story's business. A message that waits for a day fails in the same way 26 times.
//!
//! | module | tells |
//! |---|---|
//! | `submission` | how messages come in, and what the spool gives back |
//! | `delivery` | the hosts of an attempt, one by one |
//! | `reports` | what a failure means for a recipient, and the reports to authors |

mod delivery;
mod reports;
mod submission;

use std::time::Duration;

use mxlab_mail::Address;
use mxlab_record::{Kind, common};

pub(crate) use delivery::TOOK_THE_MESSAGE;
pub use delivery::{Attempt, NotSupportedYet, Relayed, Tlsa, Tried};
pub use reports::{Bounced, Deferred, DeliveryReport, Notified};
pub use submission::{Queued, Rejected, Resumed, SpoolDamaged};

/// The kinds of events that the engine records, with their fields. Its resolver records events of its own
/// ([`mxlab_dns::EVENTS`]).
pub const EVENTS: &[Kind] = &[
    Kind::new("queued", &["message", "from", "to"]),
    Kind::new("resumed", &["message", "to"]),
    Kind::new("spool-damaged", &["file", "problem"]),
    Kind::new("attempt", &["message", "to", "attempt"]),
    Kind::new("tlsa", &["host", "base", "decision", "records", "usable", "unusable"]),
    Kind::new(
        "tried",
        &[
            "message", "domain", "host", "ip", "outcome", "security", "code", "text", "stage", "problem", "matched",
            "records",
        ],
    ),
    Kind::new("relayed", &["message", "to", "host", "security", "ip", "matched", "records", "attempts"]),
    Kind::new("deferred", &["message", "to", "code", "text", "attempts", "by", "stage", "problem", "next"]),
    Kind::new("bounced", &["message", "to", "code", "text", "attempts", "by", "stage", "problem", "ndr"]),
    Kind::new("notified", &["message", "to", "action", "dsn"]),
    common::NotSupported::KIND,
    common::Rejected::KIND,
];

/// The beginning of a line about an attempt.
fn attempt_for(number: u32, to: &[Address]) -> String {
    format!("attempt {number} for {}", list(to))
}

/// Addresses as in a sentence; more than three are counted.
fn list(addresses: &[Address]) -> String {
    match addresses {
        [] => "nobody".to_owned(),
        [one] => one.to_string(),
        [one, two] => format!("{one} and {two}"),
        [one, two, three] => format!("{one}, {two} and {three}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}

/// A span as in a sentence: `15 min`, `1 h`, `23 h 45 min`. Seconds only where there are no hours.
fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let parts = [(hours, "h"), (minutes, "min"), (if hours == 0 { rest } else { 0 }, "s")];
    let words: Vec<_> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}")).collect();
    if words.is_empty() { "0 s".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_in_words() {
        let check = |seconds, expected| assert_eq!(span(Duration::from_secs(seconds)), expected);
        check(0, "0 s");
        check(59, "59 s");
        check(61, "1 min 1 s");
        check(900, "15 min");
        check(3600, "1 h");
        check(3661, "1 h 1 min");
        check(85_500, "23 h 45 min");
    }

    #[test]
    fn lists_in_words() {
        let address = |name: &str| format!("{name}@fabrikam.example").parse::<Address>().unwrap();
        let addresses: Vec<_> = ["a", "b", "c", "d"].into_iter().map(address).collect();
        assert_eq!(list(&addresses[..1]), "a@fabrikam.example");
        assert_eq!(list(&addresses[..2]), "a@fabrikam.example and b@fabrikam.example");
        assert_eq!(list(&addresses[..3]), "a@fabrikam.example, b@fabrikam.example and c@fabrikam.example");
        assert_eq!(list(&addresses), "a@fabrikam.example, b@fabrikam.example and 2 more");
    }
}
