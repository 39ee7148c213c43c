//! One message on its way in: the facts are gathered once, then each recipient gets a verdict and stamps.

use std::net::IpAddr;

use jiff::Timestamp;
use mxlab_auth::{Dns, dmarc};
use mxlab_mail::Address;
use mxlab_mail::headers::{AuthorError, Message};
use mxlab_mail::smtp::server::Delivery;
use mxlab_mail::smtp::{Class, EnhancedCode, Reply};

use crate::authenticate::{Arrival, authenticate, signatures};
use crate::config::{Profile, ReceiverConfig};
use crate::disposition::{Disposition, Folder};
use crate::missing::NotSupportedYet;
use crate::stamp::{Entrance, Stamp, stamped, stamps};
use crate::verdict::{Verdict, inside, judge, judge_by_standard, judge_inside};

/// What becomes of a message for one recipient.
#[derive(Clone, Debug)]
pub(crate) struct Assessed {
    pub(crate) to: Address,
    pub(crate) verdict: Verdict,
    /// From the top; renamed fields come last.
    pub(crate) stamps: Vec<Stamp>,
    pub(crate) message: Vec<u8>,
}

/// Why a message is not assessed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Something about it is not supported yet.
    NotSupported(NotSupportedYet),
    /// It is not taken, whatever it says.
    Refused(Reply),
}

impl From<NotSupportedYet> for Refusal {
    fn from(missing: NotSupportedYet) -> Refusal {
        Refusal::NotSupported(missing)
    }
}

/// Authenticates, judges and stamps the message for every recipient of the delivery.
///
/// # Errors
/// When nobody can be named as its author, when authors of too many domains are, or when something about it is not supported
/// yet: then nothing is delivered, to nobody.
pub(crate) async fn assess(
    config: &ReceiverConfig,
    dns: &dyn Dns,
    client: IpAddr,
    at: Timestamp,
    delivery: &Delivery,
    message: &Message<'_>,
) -> Result<Vec<Assessed>, Refusal> {
    let envelope = &delivery.envelope;
    let authors = authors(message).map_err(Refusal::Refused)?;
    let arrival = Arrival { client, at, envelope, message };
    let dkim = signatures(dns, arrival).await;
    // SPF and DMARC are asked once, and only if a recipient needs them.
    let mut authenticated = None;
    let mut assessed = Vec::new();
    for (to, _) in &envelope.recipients {
        let tenant = config.tenant_of(to.domain());
        let tenant = tenant.ok_or_else(|| NotSupportedYet::new(format!("mail for {to}, whose tenant is gone")))?;
        let own = inside(config, client, &envelope.from, &authors, to).filter(|_| config.profile == Profile::Exo);
        let verdict = match (own, authors.first()) {
            (Some(tenant), Some(author)) => judge_inside(tenant, config.layout, &envelope.from, author, to, &dkim),
            _ => {
                let facts = match authenticated.take() {
                    Some(facts) => facts,
                    None => authenticate(config, dns, arrival, &authors, dkim.clone()).await,
                };
                let verdict = match config.profile {
                    Profile::Exo => judge(&facts, tenant, config.layout, to)?,
                    Profile::Rfc => judge_by_standard(&config.name, &facts)?,
                };
                authenticated = Some(facts);
                verdict
            }
        };
        let entrance = Entrance { server: &config.name, client, at };
        let mut stamps = stamps(entrance, envelope, &verdict.results)?;
        let (bytes, renamed) = stamped(message, &stamps, &verdict.results);
        stamps.extend(renamed);
        assessed.push(Assessed { to: to.clone(), verdict, stamps, message: bytes });
    }
    Ok(settled(assessed))
}

/// One reply goes back for all recipients (RFC 5321 §4.1.1.4), so a message is refused only if it is for all of them. For
/// those who would refuse it while others take it, it goes into quarantine, and nothing is lost.
fn settled(mut assessed: Vec<Assessed>) -> Vec<Assessed> {
    let refuses = |it: &Assessed| matches!(it.verdict.disposition, Disposition::Reject(_));
    if !assessed.iter().all(refuses) {
        for it in assessed.iter_mut().filter(|it| refuses(it)) {
            it.verdict.disposition = Disposition::Deliver(Folder::Quarantine);
        }
    }
    assessed
}

/// Who the message says it is from: at least one address, of at most [`dmarc::MAX_AUTHORS`] domains.
///
/// # Errors
/// When there is not exactly one `From` field, or when it names nobody: such a message does not fit RFC 5322 §3.6. Also when
/// it names more domains: RFC 7489 §6.6.1 has every one of them checked, so what is not checked cannot be let in. The reply
/// is permanent, since the message stays what it is.
fn authors(message: &Message<'_>) -> Result<Vec<Address>, Reply> {
    let refused = |text: String| Reply::enhanced(550, EnhancedCode::new(Class::Permanent, 6, 0), text);
    let authors = match message.author() {
        Ok(author) => vec![author],
        Err(AuthorError::SeveralAuthors { authors }) => authors,
        Err(error) => return Err(refused(format!("Message has no author to authenticate: {error}"))),
    };
    let (domains, most) = (dmarc::distinct_domains(authors.iter().map(Address::domain)).len(), dmarc::MAX_AUTHORS);
    if domains > most {
        return Err(refused(format!(
            "Message has authors of {domains} domains in From, more than the {most} authenticated"
        )));
    }
    Ok(authors)
}

#[cfg(test)]
mod tests;
