//! The engine: what it is made of, how it starts, how messages come in.
//!
//! Messages come in by SMTP (`submission`) or from the program that runs the engine; the queue (`queue`) does the rest.

use std::io;
use std::sync::Arc;

use mxlab_dns::Resolver;
use mxlab_env::Env;
use mxlab_mail::MessageIdHost;
use mxlab_mail::message_id::MessageIdError;
use mxlab_record::Recorder;
use mxlab_smtp::tls;
use tokio::sync::watch;

use crate::attempt::Courier;
use crate::config::{SenderConfig, Submission};
use crate::queue::Queue;
use crate::resolve::Validating;
use crate::routing::Dns;
use crate::{smtp, submission};

/// Why an engine cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// TLS cannot be set up.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The engine's name cannot end a Message-ID.
    #[error("name of the engine: {0}")]
    Name(#[from] MessageIdError),
}

/// The outbound engine. Clones are the same engine.
///
/// `D` answers its DNS questions; except in tests that is the validating resolver.
pub struct Sender<D = Validating> {
    queue: Arc<Queue<D>>,
}

impl<D> Clone for Sender<D> {
    fn clone(&self) -> Sender<D> {
        Sender { queue: self.queue.clone() }
    }
}

impl<D> std::fmt::Debug for Sender<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sender({})", self.queue.config.name)
    }
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
        let id_host = MessageIdHost::new(config.name.as_str())?;
        let client = smtp::Client {
            env: env.clone(),
            name: config.name.clone(),
            port: config.smtp_port,
            profile: config.profile,
            timeouts: config.timeouts.clone(),
            tls: tls::Client::new(env)?,
        };
        let courier = Courier { dns, client, recorder: recorder.clone(), routing: config.routing };
        Ok(Sender { queue: Arc::new(Queue::new(env, recorder, courier, id_host, config)) })
    }

    /// Continues with the content of the spool, and accepts messages from now on. Returns when it listens; the work is
    /// done by tasks of `env`.
    ///
    /// # Errors
    /// Errors of the machine: the address is taken, or the spool cannot be read.
    pub async fn start(&self) -> io::Result<()> {
        let listener = self.queue.env.listen(self.queue.config.submission).await?;
        self.resume().await?;
        self.queue.env.spawn("submission", submission::serve(self.queue.clone(), listener));
        Ok(())
    }

    /// Continues with the content of the spool, and accepts messages only from [`Sender::submit`].
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub async fn resume(&self) -> io::Result<()> {
        self.queue.resume().await
    }

    /// Accepts a message. On return it is safe in the spool.
    ///
    /// # Errors
    /// Errors of the machine: then the message is not accepted.
    pub async fn submit(&self, submission: Submission) -> io::Result<()> {
        self.queue.submit(submission, false).await
    }

    /// Accepts a message of another engine on this machine, such as a report: that engine tells the story of it.
    ///
    /// # Errors
    /// As [`submit`](Sender::submit).
    pub async fn submit_own(&self, submission: Submission) -> io::Result<()> {
        self.queue.submit(submission, true).await
    }

    /// How many messages have a recipient that waits.
    pub fn queued_messages(&self) -> usize {
        *self.queue.messages.borrow()
    }

    /// A watch on the number of messages that have a recipient that waits.
    pub fn watch(&self) -> watch::Receiver<usize> {
        self.queue.messages.subscribe()
    }
}
