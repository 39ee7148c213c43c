//! What the engine answers to a client: for whom it accepts mail, and the decision about a message.
//!
//! The engine decides about a message, keeps it, then records it; the reply follows from the decision.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use mxlab_auth::Dns;
use mxlab_mail::headers::{HeaderError, Message};
use mxlab_mail::smtp::server::Delivery;
use mxlab_mail::smtp::{Class, EnhancedCode, Reply, Stage};
use mxlab_mail::{Address, ReversePath};

use crate::assess::{Assessed, Refusal, assess};
use crate::config::ReceiverConfig;
use crate::disposition::Disposition;
use crate::event::{Accepted, Judged, NotSupported, Rejected, Stamped, Subject};
use crate::mailbox::Delivered;
use crate::reports::Reports;
use crate::resolve::ResolverDns;
use crate::shared::Shared;

/// The engine as its server uses it.
pub(crate) struct Intake {
    pub(crate) shared: Arc<Shared>,
    /// None for an engine that reports to nobody.
    pub(crate) reports: Option<Arc<Reports>>,
}

impl Intake {
    /// Whether mail for this recipient is accepted: its domain must belong to a tenant.
    ///
    /// # Errors
    /// The refusal, which is already recorded.
    pub(crate) fn recipient(&self, from: &ReversePath, to: &Address) -> Result<(), Reply> {
        let config = self.shared.config();
        if config.tenant_of(to.domain()).is_some() {
            return Ok(());
        }
        let reply = permanent(550, 4, 1, "Recipient address rejected: Access denied");
        let subject = Subject { message: None, from: from.to_string(), to: to.to_string() };
        let by = config.name.as_str();
        let rejected = Rejected { subject: &subject, reply: &reply, by, stage: Stage::Rcpt, because: &[] };
        self.shared.recorder.tell(&rejected);
        Err(reply)
    }

    /// Accepts a message for all its recipients, or for none.
    ///
    /// # Errors
    /// The refusal, which is already recorded.
    pub(crate) async fn message(&self, client: IpAddr, delivery: &Delivery) -> Result<(), Reply> {
        let (config, at) = (self.shared.config(), self.shared.env.now());
        let arrived = Arrived { config, at, client, delivery, message: Message::parse(&delivery.message) };
        let dns = ResolverDns(self.shared.resolver.clone());
        let decided = decide(&arrived, &dns).await.and_then(|assessed| self.keep(&arrived, assessed));
        self.tell(&arrived, &decided);
        answer(&decided)
    }

    /// Delivers what is not refused, and counts it.
    fn keep(&self, arrived: &Arrived<'_>, assessed: Vec<Assessed>) -> Result<Vec<Assessed>, Refusal> {
        let messages = assessed.iter().filter_map(|it| delivered(it, arrived.at)).collect();
        let full = |_| Refusal::with(transient(452, 3, 1, "Insufficient system storage"));
        self.shared.mailbox.deliver(messages).map_err(full)?;
        if let Some(reports) = &self.reports {
            reports.count(arrived.at, arrived.client, &arrived.delivery.envelope.from, &assessed);
        }
        Ok(assessed)
    }

    /// Records what was decided.
    fn tell(&self, arrived: &Arrived<'_>, decided: &Result<Vec<Assessed>, Refusal>) {
        let id = arrived.message.as_ref().ok().and_then(|message| message.message_id().ok());
        let teller = Teller { shared: &self.shared, arrived, id: id.map(|id| id.as_str().to_owned()) };
        match decided {
            Ok(assessed) => assessed.iter().for_each(|it| teller.judged(it)),
            Err(refusal) => teller.refused(refusal),
        }
    }
}

/// A message with the circumstances of its arrival.
struct Arrived<'a> {
    config: Arc<ReceiverConfig>,
    at: Timestamp,
    client: IpAddr,
    delivery: &'a Delivery,
    /// The delivery, parsed.
    message: Result<Message<'a>, HeaderError>,
}

/// Decides about a message for each of its recipients.
///
/// # Errors
/// Why nobody gets it.
async fn decide(arrived: &Arrived<'_>, dns: &dyn Dns) -> Result<Vec<Assessed>, Refusal> {
    let Arrived { config, at, client, delivery, message } = arrived;
    if delivery.bare_lf || delivery.bare_cr {
        // RFC 5321 §2.3.8: neither ends a line, and a server further on might take it for one.
        return Err(Refusal::with(permanent(550, 6, 11, "Message contains bare line feeds")));
    }
    let corrupt = |_| Refusal::with(permanent(554, 6, 0, "Corrupt message content"));
    let message = message.as_ref().map_err(corrupt)?;
    assess(config, dns, *client, *at, delivery, message).await
}

/// The reply for all recipients. They are refused together or not at all, so any refusal holds for all.
fn answer(decided: &Result<Vec<Assessed>, Refusal>) -> Result<(), Reply> {
    match decided {
        Ok(assessed) => assessed.iter().try_for_each(|it| match &it.verdict.disposition {
            Disposition::Deliver(_) => Ok(()),
            Disposition::Reject(reply) => Err(reply.clone()),
        }),
        Err(refusal) => Err(reply(refusal)),
    }
}

fn reply(refusal: &Refusal) -> Reply {
    match refusal {
        Refusal::Refused { reply, .. } => reply.clone(),
        Refusal::NotSupported(_) => transient(451, 3, 0, "This message cannot be judged yet"),
    }
}

/// What goes into the mailbox; nothing of a message that is refused.
fn delivered(assessed: &Assessed, at: Timestamp) -> Option<Delivered> {
    let Disposition::Deliver(folder) = assessed.verdict.disposition else { return None };
    let message = assessed.message.as_slice().into();
    Some(Delivered { to: assessed.to.clone(), folder, at, message })
}

/// Records one message.
struct Teller<'a> {
    shared: &'a Shared,
    arrived: &'a Arrived<'a>,
    /// The Message-ID.
    id: Option<String>,
}

impl Teller<'_> {
    fn subject(&self, to: &Address) -> Subject {
        let from = self.arrived.delivery.envelope.from.to_string();
        Subject { message: self.id.clone(), from, to: to.to_string() }
    }

    /// A message that was neither delivered nor judged.
    fn refused(&self, refusal: &Refusal) {
        let subjects = || self.arrived.delivery.envelope.recipients.iter().map(|(to, _)| self.subject(to));
        if let Refusal::NotSupported(missing) = refusal {
            for subject in subjects() {
                self.shared.recorder.tell(&NotSupported { subject: &subject, what: &missing.what });
            }
        }
        let (reply, by) = (reply(refusal), &self.arrived.config.name);
        let because: &[String] = match refusal {
            Refusal::Refused { because, .. } => because,
            Refusal::NotSupported(_) => &[],
        };
        for subject in subjects() {
            let rejected = Rejected { subject: &subject, reply: &reply, by, stage: Stage::Dot, because };
            self.shared.recorder.tell(&rejected);
        }
    }

    /// A message that was judged for one recipient.
    fn judged(&self, it: &Assessed) {
        let (recorder, host) = (&self.shared.recorder, self.arrived.config.name.as_str());
        let subject = self.subject(&it.to);
        let judged = Some(recorder.tell(&Judged { subject: &subject, verdict: &it.verdict }));
        match &it.verdict.disposition {
            Disposition::Deliver(folder) => {
                for stamp in &it.stamps {
                    recorder.tell_after(&Stamped { subject: &subject, stamp }, judged);
                }
                let (client, tls) = (self.arrived.client, self.arrived.delivery.envelope.tls);
                let accepted = Accepted { subject: &subject, host, tls, client, folder: *folder };
                recorder.tell_after(&accepted, judged);
            }
            Disposition::Reject(reply) => {
                // The verdict has the reasons.
                let rejected = Rejected { subject: &subject, reply, by: host, stage: Stage::Dot, because: &[] };
                recorder.tell_after(&rejected, judged);
            }
        }
    }
}

fn permanent(code: u16, subject: u16, detail: u16, text: &str) -> Reply {
    Reply::enhanced(code, EnhancedCode::new(Class::Permanent, subject, detail), text)
}

fn transient(code: u16, subject: u16, detail: u16, text: &str) -> Reply {
    Reply::enhanced(code, EnhancedCode::new(Class::Transient, subject, detail), text)
}
