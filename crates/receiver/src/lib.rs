//! The inbound engine: takes mail by SMTP for the tenants of a service, authenticates it, judges it as Exchange Online
//! documents it, stamps it, and puts it into a folder.
//!
//! It sees the world through `mxlab-env` and its resolver alone and tells `mxlab-record` what it did; it does not know
//! whether it is simulated. The shell gathers facts, pure functions decide:
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | what the engine is told: its name, its certificate, its tenants |
//! | [`authenticate`] | SPF, DKIM and DMARC, asked about a message |
//! | [`verdict`] | from results to the composite verdict with its reasons |
//! | [`standard`] | the same by the RFCs alone |
//! | [`disposition`] | from the verdict and a tenant's settings to a folder, or to a refusal |
//! | [`stamp`] | the header fields that a message gets on its way in |
//! | [`mailbox`] | the messages delivered |
//! | [`reports`] | DMARC aggregate reports about a day's messages |
//! | `assess` | one message for one recipient: facts, verdict, stamps |
//! | `resolve` | the resolver as authentication asks it |
//! | `event`, `evidence` | what the record is told |
//! | `server` | the SMTP server |
//!
//! A verdict that the implemented rules do not decide is not guessed: the engine records `not-supported` with what is
//! missing, and answers 451, so nothing is delivered on a guess.
//!
//! What is not here: ARC, the implicit signals (PTR, history), quarantine notices, gateways before a
//! tenant.

mod assess;
pub mod authenticate;
pub mod config;
pub mod disposition;
mod event;
mod evidence;
pub mod mailbox;
pub mod reports;
mod resolve;
mod server;
pub mod stamp;
pub mod standard;
pub mod verdict;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mxlab_dns::Resolver;
use mxlab_env::Env;
use mxlab_mail::address::AddressError;
use mxlab_record::Recorder;
use reports::Reports;

pub use config::{AuthFailAction, Layout, Profile, ReceiverConfig, Tenant};
pub use disposition::{Disposition, Folder};
pub use event::EVENTS;
pub use mailbox::{Delivered, Mailbox};
pub use reports::Outlet;

/// What a verdict would need that this engine does not have. Whoever gets it must say so loudly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not supported yet: {what}")]
pub struct NotSupportedYet {
    /// What is missing: `the composite reason for spf=fail, dmarc=none`.
    pub what: String,
}

impl NotSupportedYet {
    /// `what` names the part and where it was met.
    pub fn new(what: impl Into<String>) -> NotSupportedYet {
        NotSupportedYet { what: what.into() }
    }
}

/// The inbound engine. Clones are the same engine.
#[derive(Clone)]
pub struct Receiver {
    shared: Arc<Shared>,
}

struct Shared {
    env: Env,
    recorder: Recorder,
    resolver: Resolver,
    config: Mutex<Arc<ReceiverConfig>>,
    mailbox: Mailbox,
    reports: Option<Reports>,
    sessions: tokio::sync::Semaphore,
}

impl Receiver {
    /// An engine that does not listen yet, and reports to nobody.
    pub fn new(env: &Env, recorder: &Recorder, resolver: Resolver, config: ReceiverConfig) -> Receiver {
        Receiver::with(env, recorder, resolver, config, None)
    }

    /// An engine that does not listen yet, and hands the reports that it writes to `outlet`.
    ///
    /// # Errors
    /// When its name cannot stand in the address of the reports' author.
    pub fn reporting_through(
        outlet: Arc<dyn Outlet>,
        env: &Env,
        recorder: &Recorder,
        resolver: Resolver,
        config: ReceiverConfig,
    ) -> Result<Receiver, AddressError> {
        let reports = Reports::new(&config, outlet)?;
        Ok(Receiver::with(env, recorder, resolver, config, Some(reports)))
    }

    fn with(
        env: &Env,
        recorder: &Recorder,
        resolver: Resolver,
        config: ReceiverConfig,
        reports: Option<Reports>,
    ) -> Receiver {
        let shared = Shared {
            env: env.clone(),
            recorder: recorder.clone(),
            resolver,
            config: Mutex::new(Arc::new(config)),
            mailbox: Mailbox::new(mailbox::MAX_MESSAGES),
            reports,
            sessions: tokio::sync::Semaphore::new(server::MAX_SESSIONS),
        };
        Receiver { shared: Arc::new(shared) }
    }

    /// Listens at `at` and takes mail there until the process dies. Returns the address, with the port that was chosen if
    /// port 0 was asked for; connections are accepted from then on.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn serve(&self, at: SocketAddr) -> io::Result<SocketAddr> {
        server::serve(self.clone(), at).await
    }

    /// Changes the settings; sessions that run see them at their next message.
    pub fn configure(&self, change: impl FnOnce(&mut ReceiverConfig)) {
        let mut current = self.locked_config();
        let mut config = ReceiverConfig::clone(&current);
        change(&mut config);
        *current = Arc::new(config);
    }

    /// The settings as they are.
    pub fn config(&self) -> Arc<ReceiverConfig> {
        self.locked_config().clone()
    }

    /// What has been delivered.
    pub fn mailbox(&self) -> &Mailbox {
        &self.shared.mailbox
    }

    fn locked_config(&self) -> MutexGuard<'_, Arc<ReceiverConfig>> {
        // The settings are replaced whole: a panic of another holder leaves nothing half done.
        self.shared.config.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
