//! The queue: takes messages over, and brings every recipient to an end.
//!
//! Each domain of each message has a task of its own, which makes attempts, waits, tells the author and gives up by the
//! [`Timetable`]. What a task must not lose is in the [`Spool`]; after a crash the next start reads it and every task
//! continues where it was.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use mxlab_env::Env;
use mxlab_mail::{Address, Message, MessageIdHost, ReversePath};
use mxlab_record::{EntryId, Recorder};
use tokio::sync::{Mutex, Semaphore, watch};

use crate::attempt::{Attempt, AttemptOutcome, Courier, Job, Refused};
use crate::condition::Condition;
use crate::config::{SenderConfig, Submission};
use crate::event::{Bounced, Deferred, Notified, Queued, Resumed, SpoolDamaged};
use crate::ndr::{self, Subject};
use crate::outcome::{Conclusion, DeliveryFailure, Problem, conclude};
use crate::retry::{Due, Progress, Timetable, after, until};
use crate::routing::Dns;
use crate::spool::{Found, Group, Item, LastFailure, Recipient, Spool};

/// What all tasks of an engine have in common.
pub(crate) struct Queue<D> {
    pub(crate) env: Env,
    pub(crate) recorder: Recorder,
    pub(crate) config: SenderConfig,
    /// The engine's name, in the identifiers that it makes.
    pub(crate) id_host: MessageIdHost,
    courier: Courier<D>,
    spool: Spool,
    permits: Semaphore,
    next_id: std::sync::Mutex<u64>,
    /// How many messages have a recipient that waits.
    pub(crate) messages: watch::Sender<usize>,
}

/// A message in the queue, shared by the tasks of its domains.
struct Active {
    item: Mutex<Item>,
    cause: EntryId,
}

/// What a task looks at when it decides what to do: one domain of a message as it stands.
#[derive(Clone, Copy)]
struct Turn<'a> {
    active: &'a Active,
    /// The domain's place among those of the message.
    index: usize,
    item: &'a Item,
    group: &'a Group,
    timetable: &'a Timetable,
}

/// A recipient that is given up.
struct GivenUp<'a> {
    to: &'a Address,
    at: Timestamp,
    attempts: u32,
    last: Option<&'a LastFailure>,
    /// Why, where no deferral has said so before.
    reasons: Vec<String>,
}

impl<D: Dns + Send + Sync + 'static> Queue<D> {
    pub(crate) fn new(
        env: &Env,
        recorder: &Recorder,
        courier: Courier<D>,
        id_host: MessageIdHost,
        config: SenderConfig,
    ) -> Queue<D> {
        Queue {
            env: env.clone(),
            recorder: recorder.clone(),
            courier,
            spool: Spool::new(env),
            permits: Semaphore::new(config.concurrency.max(1)),
            next_id: std::sync::Mutex::new(1),
            messages: watch::Sender::new(0),
            id_host,
            config,
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        *self.messages.borrow() >= self.config.capacity
    }

    /// Goes on with what the spool holds.
    pub(crate) async fn resume(self: &Arc<Self>) -> io::Result<()> {
        let Found { items, damaged, next_id } = self.spool.load().await?;
        for (file, damage) in damaged {
            self.recorder.tell(&SpoolDamaged { file, problem: damage.to_string() });
        }
        *self.next_id.lock().unwrap_or_else(PoisonError::into_inner) = next_id;
        for item in items {
            let event = Resumed { message: item.message_id.clone(), to: item.waiting() };
            let cause = self.recorder.tell(&event);
            self.activate(item, cause);
        }
        Ok(())
    }

    /// Accepts a message. On return it is safe in the spool. `told` says that somebody else tells of it.
    pub(crate) async fn submit(self: &Arc<Self>, submission: Submission, told: bool) -> io::Result<()> {
        let item = self.item(submission);
        if item.groups.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a message without recipients"));
        }
        self.spool.save(&item).await?;
        self.take(item, None, told);
        Ok(())
    }

    /// Puts a report of the engine's own into the queue. Should the disk be full, it is sent all the same, and forgotten in
    /// a crash.
    async fn enqueue(self: &Arc<Self>, to: Address, message: Vec<u8>, cause: EntryId) {
        let received_from = self.config.name.clone();
        let item = self.item(Submission { from: ReversePath::Null, to: vec![to], message, received_from });
        if let Err(error) = self.spool.save(&item).await {
            self.spool_fails(&item, &error);
        }
        self.take(item, Some(cause), true);
    }

    fn item(&self, submission: Submission) -> Item {
        let id = {
            let mut next = self.next_id.lock().unwrap_or_else(PoisonError::into_inner);
            let id = *next;
            *next = next.saturating_add(1);
            id
        };
        Item {
            id,
            message_id: message_id(&submission.message).unwrap_or_default(),
            from: submission.from,
            accepted: self.env.now(),
            received_from: submission.received_from,
            groups: Item::group(submission.to),
            message: submission.message,
        }
    }

    /// `cause` is the event that a report of the engine's own follows from.
    fn take(self: &Arc<Self>, item: Item, cause: Option<EntryId>, told: bool) {
        let event = Queued { message: item.message_id.clone(), from: item.from.clone(), to: item.waiting(), told };
        let cause = self.recorder.tell_after(&event, cause);
        self.activate(item, cause);
    }

    /// Starts the tasks of a message.
    fn activate(self: &Arc<Self>, item: Item, cause: EntryId) {
        let domains: Vec<_> = item.groups.iter().map(|group| group.domain.clone()).collect();
        self.messages.send_modify(|messages| *messages += 1);
        let active = Arc::new(Active { item: Mutex::new(item), cause });
        for (index, domain) in domains.into_iter().enumerate() {
            let task = self.clone().deliver(active.clone(), index);
            self.env.spawn(format!("delivery to {domain}"), task);
        }
    }

    fn spool_fails(&self, item: &Item, error: &io::Error) {
        let file = format!("{:08}", item.id);
        self.recorder.tell(&SpoolDamaged { file, problem: error.to_string() });
    }

    /// Works on one domain's recipients until all are done.
    ///
    /// Every turn makes progress or waits. Should one day a turn do neither, for instance because the entry in the spool does
    /// not change, the task pauses, so that it neither blocks the engine nor floods anybody with reports.
    async fn deliver(self: Arc<Self>, active: Arc<Active>, index: usize) {
        let mut pace = Pace::default();
        loop {
            let pause = pace.pause(self.env.now());
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            let item = active.item.lock().await.clone();
            let Some(group) = item.groups.get(index).filter(|group| !group.recipients.is_empty()) else { return };
            let timetable = &self.config.timetable_for(&item.from);
            let turn = Turn { active: &active, index, item: &item, group, timetable };
            let progress = Progress {
                accepted: item.accepted,
                attempts: group.attempts,
                started: group.started.unwrap_or(item.accepted),
                notice: self.notice_at(&item, group.notified),
            };
            let now = self.env.now();
            match timetable.due(&progress, now) {
                Due::Attempt => self.try_once(turn).await,
                Due::Notice => self.notice(turn).await,
                Due::Expiry => self.expire(turn).await,
                Due::Wait(at) => tokio::time::sleep(until(now, at)).await,
            }
        }
    }

    /// When the author gets a delay notice.
    fn notice_at(&self, item: &Item, notified: bool) -> Option<Timestamp> {
        let possible = !notified && item.from.address().is_some();
        let delay = self.config.delay_notice.filter(|delay| possible && !delay.is_zero())?;
        Some(after(item.accepted, delay))
    }

    /// Changes a domain's entry in the spool. With the last recipient, the message is removed.
    async fn update(&self, turn: Turn<'_>, change: impl FnOnce(&mut Group)) {
        let mut item = turn.active.item.lock().await;
        if let Some(group) = item.groups.get_mut(turn.index) {
            change(group);
        }
        let done = item.groups.iter().all(|group| group.recipients.is_empty());
        let result = if done { self.spool.remove(item.id).await } else { self.spool.save(&item).await };
        if let Err(error) = result {
            self.spool_fails(&item, &error);
        }
        if done {
            self.messages.send_modify(|messages| *messages = messages.saturating_sub(1));
        }
    }

    /// Removes recipients that are done.
    async fn forget(&self, turn: Turn<'_>, recipients: &[Address]) {
        let gone = |recipient: &Recipient| recipients.contains(&recipient.address);
        self.update(turn, |group| group.recipients.retain(|recipient| !gone(recipient))).await;
    }

    /// Makes an attempt. What a host has taken is forgotten before the next host is called.
    async fn try_once(self: &Arc<Self>, turn: Turn<'_>) {
        // The semaphore is never closed; without a permit the attempt would still be right.
        let _permit = self.permits.acquire().await;
        let started = self.env.now();
        let job = job(turn);
        let mut attempt = Attempt::begin(&self.courier, &job).await;
        while let Some(taken) = attempt.visit_next().await {
            if !taken.is_empty() {
                self.forget(turn, &taken).await;
            }
        }
        let outcome = attempt.into_outcome();
        if outcome.refused.is_empty() {
            return;
        }
        // Reports date a failure by the attempt that it belongs to, not by how long its session took.
        let round = Round::of(&outcome.refused, started);
        self.update(turn, |group| {
            (group.attempts, group.started) = (job.attempt, Some(started));
            for recipient in &mut group.recipients {
                let last = round.deferred.iter().find(|(to, _)| *to == recipient.address);
                recipient.last = last.map(|(_, last)| last.clone());
            }
        })
        .await;
        self.tell_deferred(turn, &job, &round, &outcome, started);
        let reasons = outcome.dead_end.map(|end| end.reasons).unwrap_or_default();
        for (to, last) in &round.bounced {
            let (last, reasons) = (Some(last), reasons.clone());
            self.give_up(turn, GivenUp { to, at: started, attempts: job.attempt, last, reasons }).await;
        }
    }

    /// Records the recipients that stay queued.
    fn tell_deferred(&self, turn: Turn<'_>, job: &Job, round: &Round, outcome: &AttemptOutcome, started: Timestamp) {
        let hosts: Vec<_> = outcome.visits.iter().map(|visit| visit.words()).collect();
        let before = |to: &Address| {
            let waiting = turn.group.recipients.iter().find(|recipient| recipient.address == *to);
            waiting.and_then(|recipient| recipient.last.as_ref()).map(|last| last.failure.line())
        };
        for (to, last) in &round.deferred {
            let line = last.failure.line();
            // Those that failed alike before, too: they can be told together that nothing has changed.
            let failed_before = before(to);
            let alike = round
                .deferred
                .iter()
                .filter(|(other, last)| last.failure.line() == line && before(other) == failed_before);
            let event = Deferred {
                message: job.message_id.clone(),
                to: to.clone(),
                alike: alike.map(|(to, _)| to.clone()).collect(),
                failure: last.failure.clone(),
                attempts: job.attempt,
                started,
                next: turn.timetable.next(turn.item.accepted, started, job.attempt),
                hosts: hosts.clone(),
                dead_end: outcome.dead_end.clone(),
            };
            self.recorder.tell_after(&event, Some(job.cause));
        }
    }

    /// Gives up on recipients that still wait when the message expires.
    async fn expire(self: &Arc<Self>, turn: Turn<'_>) {
        let (at, attempts) = (self.env.now(), turn.group.attempts);
        for recipient in &turn.group.recipients {
            let (to, last) = (&recipient.address, recipient.last.as_ref());
            self.give_up(turn, GivenUp { to, at, attempts, last, reasons: Vec::new() }).await;
        }
    }

    /// Gives up on a recipient: records it, writes the NDR, and removes it.
    async fn give_up(self: &Arc<Self>, turn: Turn<'_>, given_up: GivenUp<'_>) {
        let GivenUp { to, at, attempts, last, reasons } = given_up;
        let unknown = || DeliveryFailure::of_domain(Condition::DnsQueryFailed, Problem::Dns, to.normalized_domain());
        let failure = last.map_or_else(unknown, |last| last.failure.clone());
        let bounce = failure.bounce(self.config.ndr);
        // RFC 5321 §4.5.5: nobody gets a report about a message with the null reverse-path.
        let author = turn.item.from.address();
        let ndr = author.map(|author| ndr::failed(&self.subject(turn.item, author, to, last), &bounce, at));
        let event = Bounced {
            message: turn.item.message_id.clone(),
            to: to.clone(),
            failure,
            code: bounce.code,
            text: bounce.diagnostic,
            attempts,
            ndr: ndr.clone(),
            reasons,
        };
        let cause = self.recorder.tell_after(&event, Some(turn.active.cause));
        if let Some(ndr) = ndr {
            self.enqueue(ndr.to, ndr.message, cause).await;
        }
        self.forget(turn, std::slice::from_ref(to)).await;
    }

    /// Sends the author a delay notice.
    async fn notice(self: &Arc<Self>, turn: Turn<'_>) {
        let (now, item) = (self.env.now(), turn.item);
        let waits_for = until(now, turn.timetable.expiry(item.accepted));
        let author = item.from.address();
        for (recipient, author) in turn.group.recipients.iter().zip(author.into_iter().cycle()) {
            let subject = self.subject(item, author, &recipient.address, recipient.last.as_ref());
            let dsn = ndr::delayed(&subject, waits_for, now);
            let (to, message) = (dsn.to.clone(), dsn.message.clone());
            let recipient = recipient.address.clone();
            let event = Notified { message: item.message_id.clone(), to: recipient, action: "delayed", dsn };
            let cause = self.recorder.tell_after(&event, Some(turn.active.cause));
            self.enqueue(to, message, cause).await;
        }
        self.update(turn, |group| group.notified = true).await;
    }

    fn subject<'a>(
        &'a self,
        item: &'a Item,
        author: &'a Address,
        recipient: &'a Address,
        last: Option<&'a LastFailure>,
    ) -> Subject<'a> {
        Subject {
            reporter: &self.id_host,
            postmaster: self.config.postmaster_for(&item.from),
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

/// The most turns of a task without time passing. Three can follow each other: an attempt, a notice, expiry.
const MOST_TURNS: u32 = 16;
/// The pause after that.
const PAUSE: Duration = Duration::from_secs(3_600);

/// How often a task has done something at one moment.
#[derive(Default)]
struct Pace {
    at: Option<Timestamp>,
    turns: u32,
}

impl Pace {
    /// A turn begins at `now`. Returns how long to wait before it: usually not at all.
    fn pause(&mut self, now: Timestamp) -> Duration {
        self.turns = if self.at == Some(now) { self.turns.saturating_add(1) } else { 0 };
        self.at = Some(now);
        if self.turns < MOST_TURNS { Duration::ZERO } else { PAUSE }
    }
}

/// What the next attempt for a domain has to deliver.
fn job(turn: Turn<'_>) -> Job {
    let Turn { active, item, group, .. } = turn;
    Job {
        message_id: item.message_id.clone(),
        from: item.from.clone(),
        to: group.recipients.iter().map(|recipient| recipient.address.clone()).collect(),
        domain: group.domain.clone(),
        message: item.message.clone(),
        attempt: group.attempts.saturating_add(1),
        cause: active.cause,
    }
}

/// The effect of an attempt on the recipients that were not taken.
#[derive(Default)]
struct Round {
    deferred: Vec<(Address, LastFailure)>,
    bounced: Vec<(Address, LastFailure)>,
}

impl Round {
    fn of(refused: &[Refused], at: Timestamp) -> Round {
        let mut round = Round::default();
        for Refused { to, failures } in refused {
            let last = |failure| (to.clone(), LastFailure { failure, at });
            match conclude(failures) {
                Conclusion::Defer(failure) => round.deferred.push(last(failure)),
                Conclusion::Bounce(failure) => round.bounced.push(last(failure)),
            }
        }
        round
    }
}

/// The Message-ID without angle brackets, if there is a readable one.
pub(crate) fn message_id(message: &[u8]) -> Option<String> {
    Message::parse(message).ok()?.message_id().ok().map(|id| id.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_makes_no_progress_pauses() {
        let mut pace = Pace::default();
        let at = |second| Timestamp::from_second(second).expect("a moment");
        for _ in 0..MOST_TURNS {
            assert_eq!(pace.pause(at(0)), Duration::ZERO);
        }
        assert_eq!(pace.pause(at(0)), PAUSE);
        // As soon as time passes, it goes on.
        for second in 1..1_000 {
            assert_eq!(pace.pause(at(second)), Duration::ZERO);
        }
    }
}
