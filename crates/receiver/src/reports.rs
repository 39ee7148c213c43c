//! DMARC aggregate reports: from a day's messages to mail for those who asked for it (RFC 7489 §7.2, RFC 9990).
//!
//! Every message that was judged is counted: once for each domain among its recipients, and for each thing that was done
//! with it. A little after the end of each day of UTC a report goes to every owner who asks for one with `rua=`, wherever
//! the destination agrees. The decision about each destination is recorded, with its reason.
//!
//! Exchange Online reports only about mail for domains "whose MX points directly at Microsoft 365" (`exchange.md`
//! §2.6): behind a gateway the source address is that of the gateway, which says nothing. The MX records are looked up
//! when the report is made. The profile `rfc` reports about everything.
//!
//! | what goes wrong | what is done |
//! |---|---|
//! | DNS does not answer about a destination, or about the recipients' MX | the lookup is repeated three times, an hour apart; then the answer is no |
//! | the machine's clock is set | days are those of the clock; a repeated day has another report, with another identifier |
//! | too much is counted | the report, or the record, says how many messages are missing |
//! | the process dies | what was counted is not reported |
//!
//! A report has to pass DMARC itself (RFC 7489 §7.2.1.1). Its author and its return path are at the engine's own name,
//! so whoever runs the engine publishes an SPF record there. Messages from that address are not counted: otherwise
//! reports about reports would go back and forth for ever.

mod count;
mod direct;
mod event;

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use mxlab_auth::Dns;
use mxlab_auth::dmarc::report::deliver::{self, Decision, Destination, Skip};
use mxlab_auth::dmarc::report::{Collector, Finished, Form, Reporter};
use mxlab_auth::dmarc::{ReportUri, Rules};
use mxlab_env::BoxFuture;
use mxlab_mail::address::AddressError;
use mxlab_mail::daily::{Daily, Next, Schedule, Waiting};
use mxlab_mail::headers::Message;
use mxlab_mail::{Address, ReversePath};
use tokio::sync::Notify;

use crate::assess::Assessed;
use crate::config::{Profile, ReceiverConfig};
use crate::resolve::ResolverDns;
use crate::route::Way;
use crate::shared::Shared;
use event::{LeftOut, NotCounted, NotReported, Postponed, Reported};

/// When reports are made, and how often what DNS does not tell is asked about.
const SCHEDULE: Schedule = Schedule {
    after_the_day: Duration::from_secs(5 * 60),
    between_tries: Duration::from_secs(3_600),
    most_tries: 4,
    longest_sleep: Duration::from_secs(3_600),
};
/// The interval between reports: none is urgent, and a burst at midnight helps nobody. As many as are kept
/// ([`mxlab_auth::dmarc::report::collect::MAX_REPORTS`]) take fourteen hours to one address each.
const BETWEEN_REPORTS: Duration = Duration::from_secs(5);
/// Delivers the mail that the engine itself writes: an outbound engine.
pub trait Outlet: Send + Sync {
    /// Accepts a message, with CRLF line ends.
    ///
    /// # Errors
    /// When it is not taken.
    fn submit(&self, from: ReversePath, to: Address, message: Vec<u8>) -> BoxFuture<'_, io::Result<()>>;
}

/// The counts, and the outlet for reports.
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
        let own = self.collector().reporter().email.clone();
        for (evaluation, observation) in count::observations(&own, client, from, assessed) {
            if self.collector().add(at, evaluation, &observation) {
                self.counted.notify_one();
            }
        }
    }

    fn collector(&self) -> MutexGuard<'_, Collector> {
        // Counts are only ever added to: a panic of another holder leaves none half done.
        self.collector.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Sends the reports of each day when it is over, for as long as the process lives.
pub(crate) async fn run(shared: Arc<Shared>, reports: Arc<Reports>) {
    let mut daily = Daily::new(SCHEDULE);
    loop {
        let now = shared.env.now();
        let next = daily.next(now, reports.collector().next_end());
        if next != Next::Send {
            tokio::select! {
                biased;
                // The first of a day, or of a day before, if the clock was set.
                () = reports.counted.notified() => {}
                () = sleep(next) => {}
            }
            continue;
        }
        for finished in reports.collector().finish(daily.over(now)) {
            daily.add(finished, now);
        }
        let left_out = reports.collector().take_left_out();
        if left_out > 0 {
            shared.recorder.tell(&NotCounted { messages: left_out });
        }
        for report in daily.take_due(now) {
            if let Some(report) = (Sending { shared: &shared, reports: &reports }).send(report).await {
                daily.put_back(report);
            }
        }
        // Whatever the schedule says next, the task never spins.
        tokio::time::sleep(BETWEEN_REPORTS).await;
    }
}

/// Sleeps as long as the schedule says.
async fn sleep(next: Next) {
    match next {
        Next::Send => {}
        Next::Sleep(wait) => tokio::time::sleep(wait).await,
        Next::Idle => std::future::pending().await,
    }
}

/// What is needed to send a report.
struct Sending<'a> {
    shared: &'a Shared,
    reports: &'a Reports,
}

impl Sending<'_> {
    /// Sends a report to its destinations. Returns what cannot be known now, to be tried later.
    async fn send(&self, mut waiting: Waiting<Finished>) -> Option<Waiting<Finished>> {
        let shared = self.shared;
        waiting.try_at(shared.env.now(), &SCHEDULE);
        let dns = ResolverDns(shared.resolver.clone());
        if !self.keep_direct(&dns, &mut waiting).await {
            return Some(waiting);
        }
        if waiting.report.report.rows.is_empty() {
            self.skip(&waiting, None, "no message is left to report".to_owned());
            return None;
        }
        let reporter = self.reports.collector().reporter().clone();
        let attachment = match waiting.report.report.attachment(&reporter.domain) {
            Ok(attachment) => attachment,
            Err(error) => {
                self.skip(&waiting, None, error.to_string());
                return None;
            }
        };
        let (to, later) = self.destinations(&dns, &waiting, attachment.size()).await;
        for (to, because) in to {
            let message = waiting.report.report.to_message(&reporter, &attachment, &to, shared.env.now());
            let id = message_id(&message);
            if let Err(error) = self.reports.outlet.submit(reporter.email.clone().into(), to.clone(), message).await {
                self.skip(&waiting, Some(format!("mailto:{to}")), error.to_string());
                continue;
            }
            let report = &waiting.report.report;
            let as_read = report.as_read(&reporter, &attachment);
            shared.recorder.tell(&Reported { report, because, to: &to, message: id, as_read });
            tokio::time::sleep(BETWEEN_REPORTS).await;
        }
        waiting.report.uris = later;
        (!waiting.report.uris.is_empty()).then_some(waiting)
    }

    /// Takes out what came by other ways than straight from its senders, where only that is reported. False if it cannot be
    /// known yet.
    async fn keep_direct(&self, dns: &dyn Dns, waiting: &mut Waiting<Finished>) -> bool {
        let config = self.shared.config();
        if config.profile != Profile::Exo {
            return true;
        }
        let ways = direct::ways(dns, &config, &waiting.report.report).await;
        let unknown = ways.iter().filter(|(_, way)| matches!(way, Way::Unknown { .. }));
        let because: Vec<String> = unknown
            .filter_map(|(domain, way)| Some(format!("mail for {domain}: {}", direct::problem(way, &config.name)?)))
            .collect();
        if !waiting.is_last_try(&SCHEDULE) && !because.is_empty() {
            self.postpone(waiting, because);
            return false;
        }
        for (recipients, way) in ways {
            let Some(why) = direct::problem(&way, &config.name) else { continue };
            let messages = direct::take_out(&mut waiting.report.report, &recipients);
            let report = &waiting.report.report;
            self.shared.recorder.tell(&LeftOut { report, recipients, messages, why });
        }
        true
    }

    /// The addresses that get a report of this size, each once and with the reason; and the URIs that have to be asked
    /// about again. Destinations that do not get it are recorded.
    async fn destinations(
        &self,
        dns: &dyn Dns,
        waiting: &Waiting<Finished>,
        size: u64,
    ) -> (Vec<(Address, Vec<String>)>, Vec<ReportUri>) {
        let Finished { report, uris } = &waiting.report;
        let rules = match report.form {
            Form::Rfc7489 => Rules::Rfc7489,
            Form::Rfc9990 => Rules::Rfc9989,
        };
        let (decided, _) = deliver::destinations(dns, rules, &report.policy.domain, uris, size).await;
        let (mut addresses, mut later, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        for Destination { uri, decision } in decided {
            match decision {
                Decision::Send { to } => {
                    for to in to {
                        let mut because = vec![format!("its record says rua={uri}")];
                        if uri.address() != Some(&to) {
                            because.push("the destination names this address instead".to_owned());
                        }
                        if seen.insert(to.clone()) {
                            addresses.push((to, because));
                        }
                    }
                }
                Decision::Skip { why: why @ Skip::Unknown { .. } } if !waiting.is_last_try(&SCHEDULE) => {
                    unknown.push(why.to_string());
                    later.push(uri);
                }
                Decision::Skip { why } => self.skip(waiting, Some(uri.uri().to_owned()), why.to_string()),
            }
        }
        if !unknown.is_empty() {
            self.postpone(waiting, unknown);
        }
        (addresses, later)
    }

    fn postpone(&self, waiting: &Waiting<Finished>, because: Vec<String>) {
        self.shared.recorder.tell(&Postponed { report: &waiting.report.report, because });
    }

    fn skip(&self, waiting: &Waiting<Finished>, to: Option<String>, why: String) {
        let report = &waiting.report.report;
        self.shared.recorder.tell(&NotReported { report, to, why });
    }
}

fn message_id(message: &[u8]) -> Option<String> {
    let id = Message::parse(message).ok()?.message_id().ok()?;
    Some(id.as_str().to_owned())
}

#[cfg(test)]
mod tests;
