//! Our engines, set up from a scenario's settings: `mxlab-sender` and `mxlab-receiver` in the behaviour of Exchange Online.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use mxlab_dns::resolver::Resolver;
use mxlab_env::{BoxFuture, Env};
use mxlab_mail::{Address, ReversePath, smtp};
use mxlab_receiver::{Outlet, Receiver, ReceiverConfig, RecipientTenant};
use mxlab_record::Recorder;
use mxlab_sender::retry::Timetable;
use mxlab_sender::{Sender, SenderConfig, SendingDomain, Submission};

use crate::engine::{Engines, Inbound, InboundSettings, Outbound, OutboundSettings, TenantSettings};
use mxlab_language::words::{Limitation, Reading};

/// Starts `mxlab-sender` and `mxlab-receiver`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exchange;

struct RunningSender {
    sender: Sender,
    submission: SocketAddr,
}

impl Outbound for RunningSender {
    fn submission(&self) -> SocketAddr {
        self.submission
    }

    fn queued_messages(&self) -> usize {
        self.sender.queued_messages()
    }
}

/// The inbound engine writes reports, which an outbound engine of its own delivers.
struct RunningReceiver {
    reports: Sender,
}

impl Inbound for RunningReceiver {
    fn queued_messages(&self) -> usize {
        self.reports.queued_messages()
    }
}

struct ReportOutlet(Sender);

impl Outlet for ReportOutlet {
    fn submit(&self, from: ReversePath, to: Address, message: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
        let received_from = from.address().map(|from| from.domain().to_owned()).unwrap_or_default();
        Box::pin(self.0.submit_own(Submission { from, to: vec![to], message, received_from }))
    }
}

/// What delivers the reports of an inbound engine, on the host of that engine and under its name.
fn report_sender(env: &Env, recorder: &Recorder, resolver: Resolver, settings: &InboundSettings) -> io::Result<Sender> {
    let submission = SocketAddr::new(settings.address, smtp::SUBMISSION_PORT);
    let mut config = SenderConfig::new(settings.name.as_str(), submission, postmaster(&settings.name)?);
    config.profile = settings.profile;
    // Nobody reads what comes back to the author of reports.
    config.delay_notice = None;
    Sender::new(env, recorder, resolver, config).map_err(invalid)
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}

fn postmaster(domain: &str) -> io::Result<Address> {
    Address::new("postmaster", domain).map_err(invalid)
}

/// What a tenant has set for the mail of each of its domains. Its reports come from the first one.
fn sending_domains(tenant: &TenantSettings) -> io::Result<Vec<(String, SendingDomain)>> {
    let postmaster = postmaster(tenant.domains.first().map_or("localhost", String::as_str))?;
    let settings = SendingDomain { postmaster, expiration: tenant.message_expiration };
    Ok(tenant.domains.iter().map(|domain| (domain.clone(), settings.clone())).collect())
}

fn sender_config(settings: &OutboundSettings, submission: SocketAddr) -> io::Result<SenderConfig> {
    let mut config = SenderConfig::new(settings.name.as_str(), submission, postmaster(&settings.name)?);
    for tenant in &settings.tenants {
        config.domains.extend(sending_domains(tenant)?);
    }
    config.profile = settings.profile;
    config.timetable = Timetable::new(settings.retry.clone(), settings.expiration);
    config.delay_notice = settings.delay_notice;
    config.routing.dane = settings.dane;
    for limitation in &settings.limitations {
        match limitation {
            Limitation::DnssecAs44312 => config.routing.limitations.dnssec_as_dns_query_failed = true,
        }
    }
    Ok(config)
}

fn reading(reading: &Reading) -> mxlab_receiver::Reading {
    match reading {
        Reading::TimeoutAs001 => mxlab_receiver::Reading::TimeoutAs001,
        Reading::OwnDomainAs000 => mxlab_receiver::Reading::OwnDomainAs000,
    }
}

fn receiver_config(settings: &InboundSettings) -> ReceiverConfig {
    let mut config = ReceiverConfig::new(settings.name.as_str(), settings.certificate.clone());
    config.tenants = settings
        .tenants
        .iter()
        .map(|tenant| RecipientTenant {
            spoof_intelligence: tenant.spoof_intelligence,
            auth_fail_action: tenant.auth_fail_action,
            ..RecipientTenant::new(tenant.name.as_str(), tenant.domains.clone())
        })
        .collect();
    config.internal = settings.internal.clone();
    config.profile = settings.profile;
    config.readings = settings.readings.iter().map(reading).collect();
    config.layout = settings.layout;
    config.pct_draw = settings.pct_draw;
    config
}

impl Engines for Exchange {
    fn outbound(
        &self,
        env: Env,
        recorder: Recorder,
        resolver: Resolver,
        settings: OutboundSettings,
    ) -> BoxFuture<'_, io::Result<Arc<dyn Outbound>>> {
        Box::pin(async move {
            let submission = SocketAddr::new(settings.address, smtp::SUBMISSION_PORT);
            let config = sender_config(&settings, submission)?;
            let sender = Sender::new(&env, &recorder, resolver, config).map_err(invalid)?;
            sender.start().await?;
            Ok(Arc::new(RunningSender { sender, submission }) as Arc<dyn Outbound>)
        })
    }

    fn inbound(
        &self,
        env: Env,
        recorder: Recorder,
        resolver: Resolver,
        settings: InboundSettings,
    ) -> BoxFuture<'_, io::Result<Arc<dyn Inbound>>> {
        Box::pin(async move {
            let address = SocketAddr::new(settings.address, smtp::PORT);
            let reports = report_sender(&env, &recorder, resolver.clone(), &settings)?;
            reports.resume().await?;
            let config = receiver_config(&settings);
            let outlet = Arc::new(ReportOutlet(reports.clone()));
            let receiver = Receiver::reporting_through(outlet, &env, &recorder, resolver, config).map_err(invalid)?;
            receiver.serve(address).await?;
            Ok(Arc::new(RunningReceiver { reports }) as Arc<dyn Inbound>)
        })
    }
}
