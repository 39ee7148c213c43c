//! The engine: its settings, its start, and how messages come in.
//!
//! Each domain of each message has a task of its own (`queue`), which makes attempts, waits and gives up by the
//! [`Timetable`]. What a task must not lose is in the [`Spool`]; after a crash the next start reads it and every task
//! continues where it was.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use mxlab_dns::Resolver;
use mxlab_env::Env;
use mxlab_mail::message_id::MessageIdError;
use mxlab_mail::{Address, MessageId, ReversePath};
use mxlab_record::{EntryId, Recorder};
use mxlab_smtp::tls;
use tokio::sync::{Semaphore, watch};

use crate::Profile;
use crate::event::{Queued, Resumed, SpoolDamaged};
use crate::outcome::NdrForm;
use crate::queue::Active;
use crate::resolve::Validating;
use crate::retry::Timetable;
use crate::routing::{self, Dns};
use crate::smtp::{self, Timeouts};
use crate::spool::{Found, Item, Spool};
use crate::submission;

/// An organization whose mail the engine sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its accepted domains, lower case.
    pub domains: Vec<String>,
    /// The author of the reports to its users: `postmaster@contoso.onmicrosoft.example`.
    pub postmaster: Address,
    /// How long delivery of its messages is tried; none for the engine's own setting.
    pub expiration: Option<Duration>,
}

/// The settings of the engine.
#[derive(Clone, Debug)]
pub struct SenderConfig {
    /// Its full name, in EHLO and reports.
    pub name: String,
    /// Where it takes messages in.
    pub submission: SocketAddr,
    /// The organizations whose mail it sends. Submission accepts only messages of their domains; of any if there are
    /// none.
    pub tenants: Vec<Tenant>,
    /// The author of reports to senders outside the tenants.
    pub postmaster: Address,
    /// Whose behaviour it follows where documents and RFCs differ.
    pub profile: Profile,
    /// When it tries and how long.
    pub timetable: Timetable,
    /// After how long the author gets a delay notice; none: never.
    pub delay_notice: Option<Duration>,
    /// How it uses DNS and DANE.
    pub routing: routing::Settings,
    /// How NDRs word security conditions.
    pub ndr: NdrForm,
    /// How long the steps of a session may take.
    pub timeouts: Timeouts,
    /// The port of mail hosts: 25.
    pub smtp_port: u16,
    /// Most attempts at the same time; others wait their turn.
    pub concurrency: usize,
    /// Most messages in the queue; submission is answered with 452 beyond.
    pub capacity: usize,
}

impl SenderConfig {
    /// An engine called `name` that takes messages at `submission`, with all defaults, without tenants.
    pub fn new(name: impl Into<String>, submission: SocketAddr, postmaster: Address) -> SenderConfig {
        SenderConfig {
            name: name.into(),
            submission,
            tenants: Vec::new(),
            postmaster,
            profile: Profile::Exo,
            timetable: Timetable::default(),
            delay_notice: Some(Duration::from_secs(4 * 3600)),
            routing: routing::Settings::default(),
            ndr: NdrForm::Plain,
            timeouts: Timeouts::default(),
            smtp_port: mxlab_mail::smtp::PORT,
            concurrency: 100,
            capacity: 10_000,
        }
    }

    /// The tenant of an envelope sender.
    pub fn tenant(&self, from: &ReversePath) -> Option<&Tenant> {
        let domain = from.address()?.normalized_domain();
        self.tenants.iter().find(|tenant| tenant.domains.contains(&domain))
    }

    /// The timetable for messages of this envelope sender.
    pub(crate) fn timetable_for(&self, from: &ReversePath) -> Timetable {
        match self.tenant(from).and_then(|tenant| tenant.expiration) {
            Some(expiration) => self.timetable.expiring_after(expiration),
            None => self.timetable.clone(),
        }
    }
}

/// Why an engine cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// TLS cannot be set up.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The engine's name cannot be part of a Message-ID.
    #[error("name of the engine: {0}")]
    Name(#[from] MessageIdError),
}

/// A submitted message.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The envelope sender.
    pub from: ReversePath,
    /// The envelope recipients.
    pub to: Vec<Address>,
    /// The message, with CRLF line ends and a Message-ID.
    pub message: Vec<u8>,
    /// The name by which the submitting client introduces itself.
    pub received_from: String,
}

/// The outbound engine. Clones are the same engine.
///
/// `D` answers its DNS questions; except in tests that is the validating resolver.
pub struct Sender<D = Validating> {
    shared: Arc<Shared<D>>,
}

impl<D> Clone for Sender<D> {
    fn clone(&self) -> Sender<D> {
        Sender { shared: self.shared.clone() }
    }
}

impl<D> std::fmt::Debug for Sender<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sender({})", self.shared.config.name)
    }
}

/// The shared state of an engine's tasks.
pub(crate) struct Shared<D> {
    pub(crate) env: Env,
    pub(crate) recorder: Recorder,
    pub(crate) dns: D,
    pub(crate) config: SenderConfig,
    pub(crate) client: smtp::Client,
    pub(crate) spool: Spool,
    pub(crate) permits: Semaphore,
    next_id: Mutex<u64>,
    waiting: watch::Sender<usize>,
}

impl Sender<Validating> {
    /// An engine that asks `resolver`.
    ///
    /// # Errors
    /// Settings that cannot work.
    pub fn new(
        env: &Env,
        recorder: &Recorder,
        resolver: Resolver,
        config: SenderConfig,
    ) -> Result<Sender<Validating>, SetupError> {
        Sender::with_dns(env, recorder, Validating::new(resolver), config)
    }
}

impl<D: Dns + Send + Sync + 'static> Sender<D> {
    /// An engine that asks `dns`.
    ///
    /// # Errors
    /// Settings that cannot work.
    pub fn with_dns(env: &Env, recorder: &Recorder, dns: D, config: SenderConfig) -> Result<Sender<D>, SetupError> {
        // Identifiers of reports are made of it.
        MessageId::new(format!("x@{}", config.name))?;
        let client = smtp::Client {
            env: env.clone(),
            name: config.name.clone(),
            port: config.smtp_port,
            profile: config.profile,
            timeouts: config.timeouts.clone(),
            tls: tls::Client::new(env)?,
        };
        let shared = Shared {
            env: env.clone(),
            recorder: recorder.clone(),
            dns,
            client,
            spool: Spool::new(env),
            permits: Semaphore::new(config.concurrency.max(1)),
            next_id: Mutex::new(1),
            waiting: watch::Sender::new(0),
            config,
        };
        Ok(Sender { shared: Arc::new(shared) })
    }

    /// Continues with the content of the spool, and accepts messages from now on. Returns when it listens; the work is
    /// done by tasks of `env`.
    ///
    /// # Errors
    /// Errors of the machine: the address is taken, or the spool cannot be read.
    pub async fn start(&self) -> io::Result<()> {
        let listener = self.shared.env.listen(self.shared.config.submission).await?;
        self.resume().await?;
        let shared = self.shared.clone();
        self.shared.env.spawn("submission", submission::serve(shared, listener));
        Ok(())
    }

    /// Continues with the content of the spool, and accepts messages only from [`Sender::submit`].
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub async fn resume(&self) -> io::Result<()> {
        let Found { items, damaged, next_id } = self.shared.spool.load().await?;
        for (file, damage) in damaged {
            self.shared.recorder.tell(&SpoolDamaged { file, problem: damage.to_string() });
        }
        *self.shared.next_id.lock().unwrap_or_else(PoisonError::into_inner) = next_id;
        for item in items {
            let event = Resumed { message: item.message_id.clone(), to: item.waiting() };
            let cause = self.shared.recorder.tell(&event);
            self.shared.activate(item, cause);
        }
        Ok(())
    }

    /// Accepts a message. On return it is safe in the spool.
    ///
    /// # Errors
    /// Errors of the machine: then the message is not accepted.
    pub async fn submit(&self, submission: Submission) -> io::Result<()> {
        self.shared.submit(submission).await
    }

    /// How many messages wait for delivery.
    pub fn queued(&self) -> usize {
        *self.shared.waiting.borrow()
    }

    /// Whether no message waits.
    pub fn is_idle(&self) -> bool {
        self.queued() == 0
    }

    /// A watch on the number of waiting messages.
    pub fn watch(&self) -> watch::Receiver<usize> {
        self.shared.waiting.subscribe()
    }
}

impl<D: Dns + Send + Sync + 'static> Shared<D> {
    pub(crate) async fn submit(self: &Arc<Self>, submission: Submission) -> io::Result<()> {
        let item = self.item(submission);
        if item.groups.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a message without recipients"));
        }
        self.spool.save(&item).await?;
        self.take(item, None);
        Ok(())
    }

    /// Puts a report of the engine's own into the queue. Should the disk be full, it is sent all the same, and forgotten in
    /// a crash.
    pub(crate) async fn enqueue(self: &Arc<Self>, to: Address, message: Vec<u8>, cause: EntryId) {
        let received_from = self.config.name.clone();
        let item = self.item(Submission { from: ReversePath::Null, to: vec![to], message, received_from });
        if let Err(error) = self.spool.save(&item).await {
            self.spool_fails(&item, &error);
        }
        self.take(item, Some(cause));
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
            message_id: submission::message_id(&submission.message).unwrap_or_default(),
            from: submission.from,
            accepted: self.env.now(),
            received_from: submission.received_from,
            groups: Item::group(submission.to),
            message: submission.message,
        }
    }

    /// `cause` is the event that a report of the engine's own follows from.
    fn take(self: &Arc<Self>, item: Item, cause: Option<EntryId>) {
        let own = cause.is_some();
        let event = Queued { message: item.message_id.clone(), from: item.from.clone(), to: item.waiting(), own };
        let cause = self.recorder.tell_after(&event, cause);
        self.activate(item, cause);
    }

    /// Starts the tasks of a message.
    fn activate(self: &Arc<Self>, item: Item, cause: EntryId) {
        let domains: Vec<_> = item.groups.iter().map(|group| group.domain.clone()).collect();
        self.waiting.send_modify(|waiting| *waiting += 1);
        let active = Arc::new(Active::new(item, cause));
        for (index, domain) in domains.into_iter().enumerate() {
            let task = self.clone().deliver(active.clone(), index);
            self.env.spawn(format!("delivery to {domain}"), task);
        }
    }

    /// A message has left the queue.
    pub(crate) fn finished(&self) {
        self.waiting.send_modify(|waiting| *waiting = waiting.saturating_sub(1));
    }

    pub(crate) fn is_full(&self) -> bool {
        *self.waiting.borrow() >= self.config.capacity
    }

    pub(crate) fn spool_fails(&self, item: &Item, error: &io::Error) {
        let file = format!("{:08}", item.id);
        self.recorder.tell(&SpoolDamaged { file, problem: error.to_string() });
    }

    /// The author of reports to this sender.
    pub(crate) fn postmaster(&self, from: &ReversePath) -> &Address {
        self.config.tenant(from).map_or(&self.config.postmaster, |tenant| &tenant.postmaster)
    }

    /// When the author gets a delay notice.
    pub(crate) fn notice_at(&self, item: &Item, notified: bool) -> Option<Timestamp> {
        let possible = !notified && item.from.address().is_some();
        let delay = self.config.delay_notice.filter(|delay| possible && !delay.is_zero())?;
        Some(crate::retry::after(item.accepted, delay))
    }
}
