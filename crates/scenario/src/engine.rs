//! The two engines under test, as the runner sees them.
//!
//! The runner knows little about an engine: an outbound engine takes messages by SMTP submission and says how many it
//! still has, an inbound engine answers on SMTP and says how many reports of its own it still has. Both get their
//! settings in the scenario's terms, and both record what they did. [`Exchange`](crate::exchange::Exchange) starts
//! ours; to test another engine, implement [`Engines`] for it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mxlab_dns::resolver::Resolver;
use mxlab_env::{BoxFuture, Env};
use mxlab_record::Recorder;
use rustls::sign::CertifiedKey;

use mxlab_language::words::{Limitation, Reading};
use mxlab_mail::settings::{AuthFailAction, DaneMode, HeaderLayout, Profile};

/// An organization, as both engines need to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantSettings {
    /// Its name in the file.
    pub name: String,
    /// Accepted domains; the first one is where its NDRs come from.
    pub domains: Vec<String>,
    /// How long its messages wait before the engine gives up; the engine's default if none.
    pub message_expiration: Option<Duration>,
    /// Whether spoof intelligence is on.
    pub spoof_intelligence: bool,
    /// Whether the policy of the sending domain's DMARC record is honoured.
    pub honor_dmarc: bool,
    /// What happens to a message that fails composite authentication.
    pub auth_fail_action: AuthFailAction,
}

/// The settings of an outbound engine.
#[derive(Clone, Debug)]
pub struct OutboundSettings {
    /// Its full name, for EHLO.
    pub name: String,
    /// The address of its host.
    pub address: IpAddr,
    /// Exchange Online, or the RFCs to the letter.
    pub profile: Profile,
    /// Intervals between attempts; the last one repeats.
    pub retry: Vec<Duration>,
    /// How long a message waits before the engine gives up.
    pub expiration: Duration,
    /// When a delay DSN goes out; none: never.
    pub delay_notice: Option<Duration>,
    /// Whether DANE is applied.
    pub dane: DaneMode,
    /// Documented limitations that are switched on.
    pub limitations: Vec<Limitation>,
    /// The organizations whose mail it sends.
    pub tenants: Vec<TenantSettings>,
}

/// The settings of an inbound engine.
#[derive(Clone, Debug)]
pub struct InboundSettings {
    /// Its full name, for the greeting.
    pub name: String,
    /// The address of its host.
    pub address: IpAddr,
    /// Exchange Online, or the RFCs to the letter.
    pub profile: Profile,
    /// The points in which it follows what was seen against what is documented.
    pub readings: Vec<Reading>,
    /// The layout of the header fields that it stamps.
    pub layout: HeaderLayout,
    /// The number from 0 to 99 that is drawn for each message: a DMARC policy applies if it is below `pct`.
    pub pct_draw: u8,
    /// What it presents in TLS.
    pub certificate: Arc<CertifiedKey>,
    /// The organizations whose mail it takes.
    pub tenants: Vec<TenantSettings>,
    /// Addresses from which these organizations' own mail comes: their outbound engine.
    pub internal: Vec<IpAddr>,
}

/// A running outbound engine.
pub trait Outbound: Send + Sync {
    /// Where it takes submissions, by SMTP without authentication: anyone who can connect is a user of a tenant.
    fn submission(&self) -> SocketAddr;
    /// How many messages have a recipient that waits for delivery or is being delivered to. The run does not end before it
    /// is 0.
    fn queued_messages(&self) -> usize;
}

/// A running inbound engine.
pub trait Inbound: Send + Sync {
    /// How many of its own reports have a recipient that waits for delivery or is being delivered to. The run does not end
    /// before it is 0.
    fn queued_messages(&self) -> usize;
}

/// Starts engines on their hosts.
pub trait Engines: Send + Sync {
    /// Starts the outbound engine on its host.
    fn outbound(
        &self,
        env: Env,
        recorder: Recorder,
        resolver: Resolver,
        settings: OutboundSettings,
    ) -> BoxFuture<'_, std::io::Result<Arc<dyn Outbound>>>;

    /// Starts the inbound engine on its host; it listens on port 25 of its address when this returns.
    fn inbound(
        &self,
        env: Env,
        recorder: Recorder,
        resolver: Resolver,
        settings: InboundSettings,
    ) -> BoxFuture<'_, std::io::Result<Arc<dyn Inbound>>>;
}
