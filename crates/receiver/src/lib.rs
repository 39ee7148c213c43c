//! The inbound engine: accepts mail by SMTP for the tenants of a service, authenticates it, judges it as Exchange
//! Online documents it, stamps it, and puts it into a folder.
//!
//! It sees the world only through `mxlab-env` and its resolver, and records what it does with `mxlab-record`; it does
//! not know whether it is simulated. The shell gathers evidence, pure functions decide:
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | the engine's settings: its name, its certificate, its tenants |
//! | [`evidence`] | what is found out about a message, once: SPF, DKIM and DMARC, and signals beside them |
//! | [`client_names`] | the names that an address has by its PTR records |
//! | [`route`] | whether mail for a domain comes here directly, or through a gateway |
//! | [`verdict`] | from evidence to the verdict with its reasons; the composite rules as a table |
//! | [`standard`] | the same by the RFCs alone |
//! | [`disposition`] | from the verdict and a tenant's settings to a folder, or to a refusal |
//! | [`stamp`] | the header fields that a message gets on its way in |
//! | [`mailbox`] | the messages delivered |
//! | [`reports`] | DMARC aggregate reports about a day's messages |
//! | `assess` | one message: evidence, then verdict and stamps for each recipient |
//! | `resolve` | the resolver as authentication uses it |
//! | `event` | what the record is told |
//! | `intake` | what the engine answers: it decides, keeps, records |
//! | `server` | the SMTP server |
//! | `shared` | what all tasks of an engine share |
//!
//! If the implemented rules do not decide a verdict, it is not guessed: the engine records `not-supported` with what is
//! missing, and answers 451, so nothing is delivered on a guess.
//!
//! # Limits
//!
//! - Composite authentication has the rules in [`verdict::rules::RULES`] and no others. ARC, the implicit signals other than
//!   PTR records (history of sender and recipient), and allow and block entries of tenants are not evaluated.
//! - A tenant honours the policy of a DMARC record, with the default actions; it can choose only what happens on an implicit
//!   failure. There are no quarantine notices and no safe senders.
//! - A gateway before a tenant is known by its MX record alone, and its own results are not taken over.
//! - `From` may name authors of at most ten domains; of a message the first ten signatures are checked.
//! - Delivered messages, and what was counted for reports, are kept in memory: a restart loses them.
//! - A message is refused for all its recipients or for none.

mod assess;
pub mod client_names;
pub mod config;
pub mod disposition;
mod event;
pub mod evidence;
mod intake;
pub mod mailbox;
mod missing;
pub mod reports;
mod resolve;
pub mod route;
mod server;
mod shared;
pub mod stamp;
pub mod standard;
pub mod verdict;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use mxlab_dns::Resolver;
use mxlab_env::Env;
use mxlab_mail::address::AddressError;
use mxlab_record::Recorder;

use intake::Intake;
use reports::Reports;
use shared::Shared;

pub use config::{AuthFailAction, HeaderLayout, Profile, Reading, ReceiverConfig, RecipientTenant};
pub use disposition::{Disposition, Folder};
pub use event::EVENTS;
pub use mailbox::{Delivered, Mailbox};
pub use missing::NotSupportedYet;
pub use reports::Outlet;

/// The inbound engine. Clones are the same engine.
#[derive(Clone)]
pub struct Receiver {
    intake: Arc<Intake>,
}

impl Receiver {
    /// An engine that does not listen yet, and reports to nobody.
    pub fn new(env: &Env, recorder: &Recorder, resolver: Resolver, config: ReceiverConfig) -> Receiver {
        Receiver::with(env, recorder, resolver, config, None)
    }

    /// An engine that does not listen yet, and gives the reports that it writes to `outlet`.
    ///
    /// # Errors
    /// When its name cannot be part of the report author's address.
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
        let shared = Arc::new(Shared::new(env.clone(), recorder.clone(), resolver, config));
        Receiver { intake: Arc::new(Intake { shared, reports: reports.map(Arc::new) }) }
    }

    /// Listens at `at` and accepts mail there until the process dies. Returns the address, with the port that was
    /// chosen if port 0 was asked for; connections are accepted from then on.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn serve(&self, at: SocketAddr) -> io::Result<SocketAddr> {
        let address = server::serve(self.intake.clone(), at).await?;
        let shared = &self.intake.shared;
        shared.configure(|config| config.addresses.push(address.ip()));
        if let Some(reports) = &self.intake.reports {
            shared.env.spawn("DMARC reports", reports::run(shared.clone(), reports.clone()));
        }
        Ok(address)
    }

    /// Changes the settings; running sessions see them at their next message.
    pub fn configure(&self, change: impl FnOnce(&mut ReceiverConfig)) {
        self.intake.shared.configure(change);
    }

    /// The settings as they are.
    pub fn config(&self) -> Arc<ReceiverConfig> {
        self.intake.shared.config()
    }

    /// What has been delivered.
    pub fn mailbox(&self) -> &Mailbox {
        &self.intake.shared.mailbox
    }
}
