//! The reports that the engine writes: non-delivery reports and delay notices (RFC 3464, in Exchange's form).
//!
//! A report goes to the reverse-path and itself has the null reverse-path, so a report is never answered by a report
//! (RFC 5321 §4.5.5). Its identifiers derive from the message and recipient that it is about: writing it twice, before and
//! after a crash, gives the same report.

use std::time::Duration;

use jiff::Timestamp;
use mxlab_mail::dsn::{self, Answer, Kind, explanation};
use mxlab_mail::smtp::{Class, EnhancedCode};
use mxlab_mail::{Address, MessageIdHost};

use crate::event;
use crate::outcome::{Bounce, DeliveryFailure};

/// What a report is about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The engine's full name. That it can end a Message-ID was checked when the engine was set up, so no report fails for it.
    pub reporter: &'a MessageIdHost,
    /// Who the report is from.
    pub postmaster: &'a Address,
    /// Its recipient: the reverse-path of the message.
    pub to: &'a Address,
    /// The recipient that it is about.
    pub recipient: &'a Address,
    /// The message's identifier.
    pub message_id: &'a str,
    /// The client that submitted the message.
    pub received_from: &'a str,
    /// When.
    pub accepted: Timestamp,
    /// The message.
    pub original: &'a [u8],
    /// The last failure.
    pub last: Option<LastFailure<'a>>,
}

/// The failure of the last attempt.
#[derive(Clone, Copy, Debug)]
pub struct LastFailure<'a> {
    /// What failed.
    pub failure: &'a DeliveryFailure,
    /// When the attempt failed.
    pub at: Timestamp,
}

/// The report that delivery to a recipient failed.
pub fn failed(subject: &Subject<'_>, bounce: &Bounce, now: Timestamp) -> event::DeliveryReport {
    let status = bounce.code.parse().unwrap_or(EnhancedCode::new(Class::Permanent, 0, 0));
    let remote = subject.last.and_then(|last| last.failure.by());
    let mut answers = Vec::new();
    // A reply that was final at once is shown as the server gave it; else the service's own final failure comes first.
    if subject.last.is_none_or(|last| last.failure.by().is_none() || last.failure.line() != bounce.diagnostic) {
        let server = subject.reporter.to_string();
        answers.push(Answer { at: now, server, ip: None, text: bounce.diagnostic.clone() });
    }
    answers.extend(last_answer(subject));
    let failure = dsn::Failure {
        to: subject.recipient.clone(),
        original_recipient: None,
        status,
        diagnostic: bounce.diagnostic.clone(),
        remote_mta: remote.map(str::to_owned),
        explanation: explanation(status, remote),
        answers,
    };
    write(subject, Kind::Failure, failure, now)
}

/// The report that delivery to a recipient is delayed.
pub fn delayed(subject: &Subject<'_>, remaining: Duration, now: Timestamp) -> event::DeliveryReport {
    let status = EnhancedCode::new(Class::Transient, 4, 7);
    let diagnostic = "400 4.4.7 Message delayed".to_owned();
    let server = subject.reporter.to_string();
    let mut answers = vec![Answer { at: now, server, ip: None, text: diagnostic.clone() }];
    answers.extend(last_answer(subject));
    let remote = subject.last.and_then(|last| last.failure.by());
    let failure = dsn::Failure {
        to: subject.recipient.clone(),
        original_recipient: None,
        status,
        diagnostic,
        remote_mta: remote.map(str::to_owned),
        explanation: explanation(status, None),
        answers,
    };
    write(subject, Kind::Delay { remaining }, failure, now)
}

/// The reply or finding of the last attempt, in its wording before it became final.
fn last_answer(subject: &Subject<'_>) -> Option<Answer> {
    let LastFailure { failure, at } = subject.last?;
    let server = failure.host.clone().unwrap_or_else(|| subject.recipient.normalized_domain());
    Some(Answer { at, server, ip: failure.ip, text: failure.line() })
}

fn write(subject: &Subject<'_>, kind: Kind, failure: dsn::Failure, now: Timestamp) -> event::DeliveryReport {
    let what = if kind == Kind::Failure { "failed" } else { "delayed" };
    let derived = |label: &str| identity(&[label, what, subject.message_id, &subject.recipient.to_string()]);
    let message_id = subject.reporter.identifier(derived("message-id"));
    let report = dsn::StatusNotification {
        kind,
        from: subject.postmaster.clone(),
        to: subject.to.clone(),
        date: now,
        message_id: message_id.clone(),
        boundary: boundary(derived("boundary"), subject.original),
        generating_server: subject.reporter.to_string(),
        receiving_server: subject.last.and_then(|last| last.failure.host.clone()),
        received_from: Some(subject.received_from.to_owned()),
        arrival: subject.accepted,
        envelope_id: None,
        recipients: vec![failure],
        original: subject.original.to_vec(),
        return_full: false,
    };
    let (message_id, to) = (message_id.as_str().to_owned(), subject.to.clone());
    event::DeliveryReport { message_id, to, message: report.to_message() }
}

/// A boundary that occurs nowhere in the original (RFC 2046 §5.1.1). Somebody who knows how it is derived might put the
/// first one there; then it is derived from the content, and again until one is free. An original of n octets holds fewer
/// than n boundaries, so one of the first n is free.
fn boundary(first: u128, original: &[u8]) -> String {
    let text = |number: u128| format!("{number:032x}");
    let occurs = |boundary: &str| original.windows(boundary.len()).any(|octets| octets == boundary.as_bytes());
    let mut boundary = text(first);
    for counter in 1..=original.len() {
        if !occurs(&boundary) {
            break;
        }
        boundary = text(identity(&[&text(first), &String::from_utf8_lossy(original), &counter.to_string()]));
    }
    boundary
}

/// 128 bits that derive from these words and their borders.
pub(crate) fn identity(words: &[&str]) -> u128 {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    for word in words {
        context.update(&u64::try_from(word.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(word.as_bytes());
    }
    let octets = context.finish();
    octets.as_ref().iter().take(16).fold(0, |number, octet| number << 8 | u128::from(*octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_occur_nowhere_in_the_original() {
        let first = identity(&["boundary"]);
        let written = format!("{first:032x}");
        assert_eq!(boundary(first, b"Subject: x\r\n"), written);
        let original = format!("Subject: x\r\n\r\n--{written}--\r\n");
        let other = boundary(first, original.as_bytes());
        assert_ne!(other, written);
        assert!(!original.contains(&other));
        assert_eq!(boundary(first, original.as_bytes()), other);
    }
}
