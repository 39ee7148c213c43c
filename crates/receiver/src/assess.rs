//! One message on its way in: evidence is gathered once, then each recipient gets a verdict and stamps.

use std::net::IpAddr;

use jiff::Timestamp;
use mxlab_auth::{Dns, dmarc};
use mxlab_mail::Address;
use mxlab_mail::headers::{AuthorError, Message};
use mxlab_mail::smtp::server::Delivery;
use mxlab_mail::smtp::{Class, EnhancedCode, Reply};

use crate::config::{Profile, ReceiverConfig};
use crate::disposition::{Disposition, Folder};
use crate::evidence::{Arrival, Evidence, gather};
use crate::missing::NotSupportedYet;
use crate::stamp::{Entrance, Stamp, stamped, stamps};
use crate::verdict::{Verdict, judge};

/// The result for one recipient of a message.
#[derive(Clone, Debug)]
pub(crate) struct Assessed {
    pub(crate) to: Address,
    pub(crate) verdict: Verdict,
    /// From the top; those that the message brought come last.
    pub(crate) stamps: Vec<Stamp>,
    pub(crate) message: Vec<u8>,
}

/// Why a message is not assessed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Something about it is not supported yet.
    NotSupported(NotSupportedYet),
    /// It is not accepted, whoever its recipient is.
    Refused {
        /// The reply.
        reply: Reply,
        /// Why, where the reply does not say it: clauses that can follow "because".
        because: Vec<String>,
    },
}

impl Refusal {
    /// Refused with a reply that says why.
    pub(crate) fn with(reply: Reply) -> Refusal {
        Refusal::Refused { reply, because: Vec::new() }
    }
}

impl From<NotSupportedYet> for Refusal {
    fn from(missing: NotSupportedYet) -> Refusal {
        Refusal::NotSupported(missing)
    }
}

/// Authenticates, judges and stamps the message for every recipient of the delivery.
///
/// # Errors
/// When it has no author, authors of too many domains, or something that is not supported yet: then nothing is
/// delivered to anybody.
pub(crate) async fn assess(
    config: &ReceiverConfig,
    dns: &dyn Dns,
    client: IpAddr,
    at: Timestamp,
    delivery: &Delivery,
    message: &Message<'_>,
) -> Result<Vec<Assessed>, Refusal> {
    let envelope = &delivery.envelope;
    let authors = authors(config.profile, message)?;
    let arrival = Arrival { client, at, envelope, message };
    let evidence = gather(config, dns, arrival, authors).await;
    let each = envelope.recipients.iter().map(|(to, _)| for_recipient(config, arrival, &evidence, to));
    Ok(settled(each.collect::<Result<_, _>>()?))
}

/// Judges and stamps the message for one recipient.
fn for_recipient(
    config: &ReceiverConfig,
    arrival: Arrival<'_>,
    evidence: &Evidence,
    to: &Address,
) -> Result<Assessed, NotSupportedYet> {
    let tenant = config.tenant_of(to.domain());
    let tenant = tenant.ok_or_else(|| NotSupportedYet::new(format!("mail for {to}, whose tenant is gone")))?;
    let verdict = judge(evidence, config, tenant, to)?;
    let entrance = Entrance { server: &config.name, client: arrival.client, at: arrival.at };
    let mut stamps = stamps(entrance, arrival.envelope, &verdict.results)?;
    let (message, below) = stamped(arrival.message, &stamps, &verdict.results);
    stamps.extend(below);
    Ok(Assessed { to: to.clone(), verdict, stamps, message })
}

const QUARANTINED_INSTEAD: &str =
    "it is quarantined instead of refused: one reply goes back for all recipients, and others get the message";

/// All recipients share one reply (RFC 5321 §4.1.1.4), so a message is refused only if all of them refuse it. For those
/// who would refuse it while others accept it, it goes into quarantine, so nothing is lost.
fn settled(mut assessed: Vec<Assessed>) -> Vec<Assessed> {
    let refuses = |it: &Assessed| matches!(it.verdict.disposition, Disposition::Reject(_));
    if !assessed.iter().all(refuses) {
        for it in assessed.iter_mut().filter(|it| refuses(it)) {
            it.verdict.disposition = Disposition::Deliver(Folder::Quarantine);
            it.verdict.because.push(QUARANTINED_INSTEAD.to_owned());
        }
    }
    assessed
}

/// The authors of the message: at least one address, in at most [`dmarc::MAX_AUTHORS`] domains.
///
/// # Errors
/// When there is not exactly one `From` field, or it is no list of mailboxes: such a message violates RFC 5322 §3.6, and who
/// its reader would take for the author cannot be known. Also when it names more domains: by RFC 7489 §6.6.1 every one of
/// them is checked, so a message with unchecked ones must not be accepted. The reply is permanent, because the message will
/// not change.
fn authors(profile: Profile, message: &Message<'_>) -> Result<Vec<Address>, Refusal> {
    let authors = message.authors().map_err(|error| unnamed(profile, error))?;
    let (domains, most) = (dmarc::distinct_domains(authors.iter().map(Address::domain)).len(), dmarc::MAX_AUTHORS);
    if domains > most {
        let text = format!("Message has authors of {domains} domains in From, more than the {most} authenticated");
        return Err(Refusal::with(permanent(6, 0, text)));
    }
    Ok(authors)
}

/// The refusal of a message whose author cannot be named. The reply repeats nothing of the field.
fn unnamed(profile: Profile, error: AuthorError) -> Refusal {
    match profile {
        // `exchange.md` §7.5.
        Profile::Exo => Refusal::Refused {
            reply: permanent(7, 512, "Access denied, message must be RFC 5322 section 3.6.2 compliant".to_owned()),
            because: vec![format!("the author cannot be named: {error}")],
        },
        Profile::Rfc => Refusal::with(permanent(6, 0, format!("Message has no author to authenticate: {error}"))),
    }
}

fn permanent(subject: u16, detail: u16, text: String) -> Reply {
    Reply::enhanced(550, EnhancedCode::new(Class::Permanent, subject, detail), text)
}

#[cfg(test)]
mod tests;
