//! The task of one domain of one message: attempt, wait, tell, give up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use mxlab_mail::Address;
use mxlab_record::EntryId;
use tokio::sync::Mutex;

use crate::attempt::{Job, Leftover, Refused, Told};
use crate::condition::Condition;
use crate::engine::Shared;
use crate::event::{self, Bounced, Deferred, Notified};
use crate::ndr::{self, Subject};
use crate::outcome::{Conclusion, Failure, Problem, conclude};
use crate::retry::{Due, Next, Progress, Timetable};
use crate::routing::Dns;
use crate::spool::{Group, Item, LastFailure, Recipient};

/// A message in the queue, shared by the tasks of its domains.
pub(crate) struct Active {
    item: Mutex<Item>,
    cause: EntryId,
}

impl Active {
    pub(crate) fn new(item: Item, cause: EntryId) -> Active {
        Active { item: Mutex::new(item), cause }
    }

    /// The item as it stands.
    async fn snapshot(&self) -> Item {
        self.item.lock().await.clone()
    }
}

/// What the story has said about a domain, attempt after attempt.
#[derive(Default)]
struct Memory {
    hosts: Told,
    /// The line of the last deferral of each recipient.
    deferred: BTreeMap<Address, String>,
}

impl<D: Dns + Send + Sync + 'static> Shared<D> {
    /// Works on one domain's recipients until all are done.
    pub(crate) async fn deliver(self: Arc<Self>, active: Arc<Active>, index: usize) {
        let mut memory = Memory::default();
        loop {
            let item = active.snapshot().await;
            let Some(group) = item.groups.get(index).filter(|group| !group.recipients.is_empty()) else { return };
            let timetable = self.config.timetable_for(&item.from);
            let progress = Progress {
                accepted: item.accepted,
                attempts: group.attempts,
                started: group.started.unwrap_or(item.accepted),
                notice: self.notice_at(&item, group.notified),
            };
            let now = self.env.now();
            match timetable.due(&progress, now) {
                Due::Attempt => self.try_once(&active, index, &item, group, &timetable, &mut memory).await,
                Due::Notice => self.notice(&active, index, &item, group, timetable.expiry(item.accepted)).await,
                Due::Expiry => self.expire(&active, index, &item, group).await,
                Due::Wait(until) => tokio::time::sleep(between(now, until)).await,
            }
        }
    }

    /// Changes a domain's entry in the spool. With the last recipient, the message is removed.
    async fn update(&self, active: &Active, index: usize, change: impl FnOnce(&mut Group)) {
        let mut item = active.item.lock().await;
        if let Some(group) = item.groups.get_mut(index) {
            change(group);
        }
        let done = item.groups.iter().all(|group| group.recipients.is_empty());
        let result = if done { self.spool.remove(item.id).await } else { self.spool.save(&item).await };
        if let Err(error) = result {
            self.spool_fails(&item, &error);
        }
        if done {
            self.finished();
        }
    }

    /// Removes recipients that are done.
    pub(crate) async fn forget(&self, active: &Active, index: usize, recipients: &[Address]) {
        let gone = |recipient: &Recipient| recipients.contains(&recipient.address);
        self.update(active, index, |group| group.recipients.retain(|recipient| !gone(recipient))).await;
    }

    async fn try_once(
        self: &Arc<Self>,
        active: &Active,
        index: usize,
        item: &Item,
        group: &Group,
        timetable: &Timetable,
        memory: &mut Memory,
    ) {
        // The semaphore is never closed; without a permit the attempt would still be right.
        let _permit = self.permits.acquire().await;
        let started = self.env.now();
        let attempt = group.attempts.saturating_add(1);
        let job = Job {
            message_id: item.message_id.clone(),
            from: item.from.clone(),
            to: group.recipients.iter().map(|recipient| recipient.address.clone()).collect(),
            domain: group.domain.clone(),
            message: item.message.clone(),
            attempt,
            cause: active.cause,
        };
        let leftover = self.attempt(active, index, &job, &mut memory.hosts).await;
        if leftover.refused.is_empty() {
            return;
        }
        // Reports date a failure by the attempt that it belongs to, not by how long its session took.
        let mut round = Round { deferred: Vec::new(), bounced: Vec::new() };
        for refused in &leftover.refused {
            round.sort(refused, started);
        }
        self.update(active, index, |group| {
            (group.attempts, group.started) = (attempt, Some(started));
            for recipient in &mut group.recipients {
                let last = round.deferred.iter().find(|(to, _)| *to == recipient.address);
                recipient.last = last.map(|(_, last)| last.clone());
            }
        })
        .await;
        let next = timetable.next(item.accepted, started, attempt);
        let reasons = leftover.dead_end.as_ref().map(|end| end.reasons.clone()).unwrap_or_default();
        self.tell_deferred(&job, &round.deferred, &leftover, (started, next), memory);
        for (to, last) in &round.bounced {
            self.bounce(active, item, to, (started, attempt), Some(last), reasons.clone()).await;
            self.forget(active, index, std::slice::from_ref(to)).await;
        }
    }

    /// Tells of the recipients that stay queued. Those with the same failure share a line of the story.
    fn tell_deferred(
        &self,
        job: &Job,
        deferred: &[(Address, LastFailure)],
        leftover: &Leftover,
        (started, next): (Timestamp, Next),
        memory: &mut Memory,
    ) {
        let mut said: Vec<(String, bool)> = Vec::new();
        for (to, last) in deferred {
            let line = last.failure.line();
            let known = !leftover.told && memory.deferred.get(to) == Some(&line);
            memory.deferred.insert(to.clone(), line.clone());
            let repeated = said.contains(&(line.clone(), known));
            let alike = deferred.iter().filter(|(_, other)| other.failure.line() == line);
            let everyone: Vec<_> = alike.map(|(to, _)| to.clone()).collect();
            let told = if repeated { Vec::new() } else { story(job, &everyone, last, leftover, known, started, next) };
            said.push((line, known));
            let new_dead_end = leftover.dead_end.as_ref().filter(|_| !told.is_empty() && !known);
            let event = Deferred {
                message: job.message_id.clone(),
                to: to.clone(),
                failure: last.failure.clone(),
                attempts: job.attempt,
                next: match next {
                    Next::Attempt(at) => Some(at),
                    Next::Expiry(_) => None,
                },
                told,
                reasons: new_dead_end.map(|end| end.reasons.clone()).unwrap_or_default(),
            };
            self.recorder.tell_after(&event, Some(job.cause));
        }
    }

    /// Gives up on recipients that still wait when the message expires.
    async fn expire(self: &Arc<Self>, active: &Active, index: usize, item: &Item, group: &Group) {
        let now = self.env.now();
        for recipient in &group.recipients {
            let (to, last) = (&recipient.address, recipient.last.as_ref());
            self.bounce(active, item, to, (now, group.attempts), last, Vec::new()).await;
            self.forget(active, index, std::slice::from_ref(&recipient.address)).await;
        }
    }

    /// Gives up on a recipient, at this time and after this many attempts: records it, and writes the NDR.
    async fn bounce(
        self: &Arc<Self>,
        active: &Active,
        item: &Item,
        to: &Address,
        (at, attempts): (Timestamp, u32),
        last: Option<&LastFailure>,
        reasons: Vec<String>,
    ) {
        let unknown = || Failure::of_domain(Condition::DnsQueryFailed, Problem::Dns, to.normalized_domain());
        let failure = last.map_or_else(unknown, |last| last.failure.clone());
        let bounce = failure.bounce(self.config.ndr);
        // RFC 5321 §4.5.5: nobody gets a report about a message with the null reverse-path.
        let ndr = match item.from.address() {
            Some(author) => ndr::failed(&self.subject(item, author, to, last), &bounce, at).ok(),
            None => None,
        };
        let event = Bounced {
            message: item.message_id.clone(),
            to: to.clone(),
            failure,
            code: bounce.code,
            text: bounce.diagnostic,
            attempts,
            ndr: ndr.clone(),
            reasons,
        };
        let cause = self.recorder.tell_after(&event, Some(active.cause));
        if let Some(ndr) = ndr {
            self.enqueue(ndr.to, ndr.message, cause).await;
        }
    }

    /// Sends the author a delay notice.
    async fn notice(self: &Arc<Self>, active: &Active, index: usize, item: &Item, group: &Group, expiry: Timestamp) {
        let now = self.env.now();
        let author = item.from.address();
        for (recipient, author) in group.recipients.iter().zip(author.into_iter().cycle()) {
            let subject = self.subject(item, author, &recipient.address, recipient.last.as_ref());
            let Ok(dsn) = ndr::delayed(&subject, between(now, expiry), now) else { continue };
            let (to, message) = (dsn.to.clone(), dsn.message.clone());
            let recipient = recipient.address.clone();
            let event = Notified { message: item.message_id.clone(), to: recipient, action: "delayed", dsn };
            let cause = self.recorder.tell_after(&event, Some(active.cause));
            self.enqueue(to, message, cause).await;
        }
        self.update(active, index, |group| group.notified = true).await;
    }

    fn subject<'a>(
        &'a self,
        item: &'a Item,
        author: &'a Address,
        recipient: &'a Address,
        last: Option<&'a LastFailure>,
    ) -> Subject<'a> {
        Subject {
            reporter: &self.config.name,
            postmaster: self.postmaster(&item.from),
            to: author,
            recipient,
            message_id: &item.message_id,
            received_from: &item.received_from,
            accepted: item.accepted,
            original: &item.message,
            last: last.map(|last| ndr::LastFailure { failure: &last.failure, at: last.at }),
        }
    }
}

/// The effect of an attempt on the recipients that were not taken.
struct Round {
    deferred: Vec<(Address, LastFailure)>,
    bounced: Vec<(Address, LastFailure)>,
}

impl Round {
    fn sort(&mut self, refused: &Refused, at: Timestamp) {
        let last = |failure| (refused.to.clone(), LastFailure { failure, at });
        match conclude(&refused.failures) {
            Conclusion::Defer(failure) => self.deferred.push(last(failure)),
            Conclusion::Bounce(failure) => self.bounced.push(last(failure)),
        }
    }
}

/// The story's text for recipients that stay queued for the same reason.
fn story(
    job: &Job,
    to: &[Address],
    last: &LastFailure,
    leftover: &Leftover,
    known: bool,
    started: Timestamp,
    next: Next,
) -> Vec<String> {
    let to = event::list(to);
    let after = match next {
        Next::Attempt(at) => format!("next attempt {} after this one", event::span(between(started, at))),
        Next::Expiry(at) => format!("expires {} after this one", event::span(between(started, at))),
    };
    let Job { attempt, .. } = job;
    if known {
        return vec![format!("attempt {attempt} for {to}: same as before ({}); {after}", last.failure.code())];
    }
    let line = last.failure.line();
    let waits = format!("{to} stays queued: {}; {after}", line.trim_end_matches('.'));
    match &leftover.dead_end {
        Some(end) => vec![format!("attempt {attempt} for {to}: {}", end.summary), waits],
        None => vec![waits],
    }
}

/// The time from one moment to a later one; zero if it is not later.
fn between(from: Timestamp, until: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(from)).unwrap_or(Duration::ZERO)
}
