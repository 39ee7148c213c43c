//! DMARC aggregate reports: from a day's messages to mail for those who asked for it (RFC 7489 §7.2, RFC 9990).
//!
//! Every message that was judged is counted: once for each domain among its recipients, and for each thing that was done
//! with it. A little after the end of each day of UTC a report goes to every owner who asks for one with `rua=`, wherever
//! the destination agrees. What becomes of each destination is told to the record, and why.
//!
//! Exchange Online reports only about mail for domains "whose MX points directly at Microsoft 365" (`exchange.md` §2.6):
//! behind a gateway the source address is the gateway's, and says nothing. The MX records are looked up when the report is
//! made. The profile `rfc` reports about everything.
//!
//! Counts are kept in memory: what was counted before a crash is not reported.

mod count;
mod direct;
mod event;

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use mxlab_auth::dmarc::Rules;
use mxlab_auth::dmarc::report::deliver::{self, Decision};
use mxlab_auth::dmarc::report::{Collector, Finished, Form, Reporter};
use mxlab_env::BoxFuture;
use mxlab_mail::address::AddressError;
use mxlab_mail::headers::Message;
use mxlab_mail::{Address, ReversePath};
use tokio::sync::Notify;

use crate::Receiver;
use crate::assess::Assessed;
use crate::config::{Profile, ReceiverConfig};
use crate::resolve::ResolverDns;
use event::{NotReported, Reported};

/// How long after the end of a day its reports are made: by then every message of that day has been judged.
const AFTER_THE_DAY: Duration = Duration::from_secs(5 * 60);
/// How long after one report the next one leaves: none is urgent, and a burst at midnight helps nobody.
const BETWEEN_REPORTS: Duration = Duration::from_secs(5);
/// The least time between two looks at the clock, should it be set back meanwhile.
const LEAST_WAIT: Duration = Duration::from_secs(1);

/// Takes the mail that the engine itself writes, and delivers it: an outbound engine.
pub trait Outlet: Send + Sync {
    /// Takes a message over, with CRLF line ends.
    ///
    /// # Errors
    /// When it is not taken.
    fn submit(&self, from: ReversePath, to: Address, message: Vec<u8>) -> BoxFuture<'_, io::Result<()>>;
}

/// What is counted, and where reports go.
pub(crate) struct Reports {
    collector: Mutex<Collector>,
    outlet: Arc<dyn Outlet>,
    counted: Notify,
}

impl Reports {
    /// # Errors
    /// When the engine's name cannot stand in an address.
    pub(crate) fn new(config: &ReceiverConfig, outlet: Arc<dyn Outlet>) -> Result<Reports, AddressError> {
        let collector = Mutex::new(Collector::new(reporter(config)?));
        Ok(Reports { collector, outlet, counted: Notify::new() })
    }

    /// Counts a message that came at `at` and was judged.
    pub(crate) fn count(&self, at: Timestamp, client: IpAddr, from: &ReversePath, assessed: &[Assessed]) {
        for (evaluation, observation) in count::observations(client, from, assessed) {
            if self.collector().add(at, evaluation, &observation) {
                self.counted.notify_one();
            }
        }
    }

    fn collector(&self) -> MutexGuard<'_, Collector> {
        // Counts are only ever added to: a panic of another holder leaves none half done.
        self.collector.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the next reports are due; none while nobody wants one.
    fn due(&self) -> Option<Timestamp> {
        self.collector().next_end().and_then(|end| end.checked_add(AFTER_THE_DAY).ok())
    }
}

/// Who reports. Name and address are as Exchange Online has them (`samples.md` T-04), at the engine's own name.
fn reporter(config: &ReceiverConfig) -> Result<Reporter, AddressError> {
    let (org_name, form) = match config.profile {
        Profile::Exo => ("Enterprise Outlook".to_owned(), Form::Rfc7489),
        Profile::Rfc => (config.name.clone(), Form::Rfc9990),
    };
    Ok(Reporter {
        domain: config.name.clone(),
        org_name,
        email: Address::new("dmarcreport", &config.name)?,
        extra_contact_info: None,
        generator: Some("mxlab".to_owned()),
        form,
    })
}

/// Sends the reports of each day when it is over, for as long as the process lives. `address` is where the engine listens.
pub(crate) async fn run(receiver: Receiver, address: IpAddr) {
    let Some(reports) = &receiver.shared.reports else { return };
    loop {
        let Some(due) = reports.due() else {
            reports.counted.notified().await;
            continue;
        };
        let now = receiver.shared.env.now();
        if now < due {
            let wait = Duration::try_from(due.duration_since(now)).unwrap_or_default();
            tokio::time::sleep(wait.max(LEAST_WAIT)).await;
            continue;
        }
        let finished = reports.collector().finish(now);
        for finished in finished {
            send(&receiver, reports, address, finished).await;
        }
    }
}

/// Sends a report to whoever is to have it.
async fn send(receiver: &Receiver, reports: &Reports, address: IpAddr, mut finished: Finished) {
    let shared = &receiver.shared;
    let config = receiver.config();
    let dns = ResolverDns(shared.resolver.clone());
    let skip = |finished: &Finished, to: Option<String>, why: String| {
        shared.recorder.tell(&NotReported { report: &finished.report, to, why });
    };
    if config.profile == Profile::Exo {
        let left_out = direct::keep_direct(&dns, &config.name, address, &mut finished).await;
        for (domain, why) in left_out {
            skip(&finished, None, format!("mail for {domain} is not told of: {why}"));
        }
        if finished.report.rows.is_empty() {
            return;
        }
    }
    let reporter = reports.collector().reporter().clone();
    let attachment = match finished.report.attachment(&reporter.domain) {
        Ok(attachment) => attachment,
        Err(error) => return skip(&finished, None, error.to_string()),
    };
    let rules = match finished.report.form {
        Form::Rfc7489 => Rules::Rfc7489,
        Form::Rfc9990 => Rules::Rfc9989,
    };
    let publisher = finished.report.policy.domain.clone();
    let (destinations, _) = deliver::destinations(&dns, rules, &publisher, &finished.uris, attachment.size()).await;
    // An address that is named twice gets it once.
    let mut served = BTreeSet::new();
    for destination in destinations {
        let uri = destination.uri.uri().to_owned();
        let to = match destination.decision {
            Decision::Send { to } => to,
            Decision::Skip { why } => {
                skip(&finished, Some(uri), why.to_string());
                continue;
            }
        };
        for to in to {
            if !served.insert(to.clone()) {
                continue;
            }
            let message = finished.report.to_message(&reporter, &attachment, &to, shared.env.now());
            let id = message_id(&message);
            match reports.outlet.submit(reporter.email.clone().into(), to.clone(), message).await {
                Ok(()) => {
                    let report = &finished.report;
                    shared.recorder.tell(&Reported {
                        report,
                        asked: &uri,
                        to: &to,
                        message: id,
                        again: served.len() > 1,
                    });
                    tokio::time::sleep(BETWEEN_REPORTS).await;
                }
                Err(error) => skip(&finished, Some(format!("mailto:{to}")), error.to_string()),
            }
        }
    }
}

fn message_id(message: &[u8]) -> Option<String> {
    let id = Message::parse(message).ok()?.message_id().ok()?;
    Some(id.as_str().to_owned())
}

#[cfg(test)]
mod tests;
