//! One message on its way in: the facts are gathered once, then each recipient gets a verdict and stamps.

use std::net::IpAddr;

use jiff::Timestamp;
use mxlab_auth::dmarc::{Identifier, Outcome};
use mxlab_auth::spf::Identity;
use mxlab_auth::{Dns, NotSupportedYet, dkim, dmarc, spf};
use mxlab_mail::Address;
use mxlab_mail::authres::{DkimClause, DkimResult, SpfResult};
use mxlab_mail::headers::Message;
use mxlab_mail::smtp::server::{Delivery, Envelope};

use crate::config::{Layout, Profile, ReceiverConfig};
use crate::disposition::{Folder, folder};
use crate::stamp::{Entrance, Stamp, stamped, stamps};
use crate::verdict::{Evaluated, Verdict, inside, judge, judge_inside};

/// What becomes of a message for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assessed {
    pub(crate) to: Address,
    pub(crate) verdict: Verdict,
    /// From the top; renamed fields come last.
    pub(crate) stamps: Vec<Stamp>,
    pub(crate) folder: Folder,
    pub(crate) message: Vec<u8>,
}

/// Authenticates, judges and stamps `message` for every recipient of the delivery.
///
/// # Errors
/// When something about it is not supported yet: then nothing is delivered, to nobody.
pub(crate) async fn assess(
    config: &ReceiverConfig,
    dns: &dyn Dns,
    client: IpAddr,
    at: Timestamp,
    delivery: &Delivery,
    message: &Message<'_>,
) -> Result<Vec<Assessed>, NotSupportedYet> {
    if config.profile == Profile::Rfc {
        return Err(NotSupportedYet::new("the profile rfc of the inbound engine"));
    }
    if config.layout == Layout::Old {
        return Err(NotSupportedYet::new("the layout of Authentication-Results before 2021"));
    }
    let envelope = &delivery.envelope;
    let author = author(message)?;
    let signatures = dkim::verify(message)?;
    // Lookups are done once, and only if a recipient needs them.
    let mut evaluated = None;
    let mut assessed = Vec::new();
    for (to, _) in &envelope.recipients {
        let tenant = config.tenant_of(to.domain());
        let tenant = tenant.ok_or_else(|| NotSupportedYet::new(format!("mail for {to}, whose tenant is gone")))?;
        let verdict = match inside(config, client, &envelope.from, &author, to) {
            Some(tenant) => judge_inside(tenant, &envelope.from, &author, signatures.clone()),
            None => {
                let facts = match evaluated.take() {
                    Some(facts) => facts,
                    None => {
                        let client = spf_client(config, client, at, envelope);
                        evaluate(dns, &client, &author, &signatures).await?
                    }
                };
                let verdict = judge(&facts, tenant)?;
                evaluated = Some(facts);
                verdict
            }
        };
        let entrance = Entrance { server: &config.name, client, at };
        let mut stamps = stamps(entrance, envelope, &verdict.results)?;
        let (bytes, renamed) = stamped(message, &stamps);
        stamps.extend(renamed);
        let folder = folder(tenant, verdict.results.compauth);
        assessed.push(Assessed { to: to.clone(), verdict, stamps, folder, message: bytes });
    }
    Ok(assessed)
}

/// The one author; how the service treats messages with none or several is not supported yet.
fn author(message: &Message<'_>) -> Result<Address, NotSupportedYet> {
    let author = message.author().map_err(|error| NotSupportedYet::new(format!("a message with {error}")))?;
    if author.domain().starts_with('[') {
        return Err(NotSupportedYet::new(format!("an author at the address literal {}", author.domain())));
    }
    Ok(author)
}

/// The session as SPF sees it.
fn spf_client(config: &ReceiverConfig, ip: IpAddr, now: Timestamp, envelope: &Envelope) -> spf::Client {
    let helo = envelope.hello.name.clone();
    let identity = Identity::of(&envelope.from, &helo);
    spf::Client { ip, identity, helo, receiver: config.name.clone(), now }
}

async fn evaluate(
    dns: &dyn Dns,
    client: &spf::Client,
    author: &Address,
    signatures: &[DkimClause],
) -> Result<Evaluated, NotSupportedYet> {
    let spf = spf::check_host(dns, client).await;
    let facts = facts(&spf, signatures);
    let dmarc = dmarc::evaluate(dns, dmarc::Settings::exchange(), author.domain(), &facts).await;
    Ok(Evaluated { spf, dkim: signatures.to_vec(), dmarc })
}

/// What DMARC has to know of the other two.
fn facts(spf: &spf::Evaluation, signatures: &[DkimClause]) -> dmarc::Facts {
    let spf_outcome = match spf.result {
        SpfResult::Pass => Outcome::Pass,
        SpfResult::TempError => Outcome::TempError,
        _ => Outcome::Fail,
    };
    let signer = |clause: &DkimClause| {
        let outcome = match clause.result {
            DkimResult::Pass => Outcome::Pass,
            DkimResult::Timeout | DkimResult::TempError => Outcome::TempError,
            _ => Outcome::Fail,
        };
        Some(Identifier { domain: clause.domain.clone()?, outcome })
    };
    dmarc::Facts {
        spf: Some(Identifier { domain: spf.identity.domain().to_owned(), outcome: spf_outcome }),
        dkim: signatures.iter().filter_map(signer).collect(),
        draw: 0,
    }
}

#[cfg(test)]
mod tests;
