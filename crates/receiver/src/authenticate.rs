//! The three methods for one message: SPF, DKIM, DMARC.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use mxlab_auth::Dns;
use mxlab_auth::dkim::{self, ResultWord, Verification};
use mxlab_auth::dmarc::{self, Identifier, Outcome};
use mxlab_auth::spf::{self, Identity};
use mxlab_mail::Address;
use mxlab_mail::authres::SpfResult;
use mxlab_mail::headers::Message;
use mxlab_mail::smtp::server::Envelope;

use crate::config::{Profile, ReceiverConfig};

/// How long SPF may take (RFC 7208 §4.6.4: at least 20 seconds).
const SPF_TIME: Duration = Duration::from_secs(20);

/// Authentication of a message from outside, evaluated.
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// SPF.
    pub spf: spf::Evaluation,
    /// DKIM: the result for each signature, from the top.
    pub dkim: Vec<Verification>,
    /// DMARC.
    pub dmarc: dmarc::Evaluation,
}

impl Authenticated {
    /// The deciding facts, each a clause that can follow "because".
    pub fn because(&self) -> Vec<String> {
        let mut reasons = self.spf.because();
        reasons.push(format!("SPF says {} for {}", self.spf.result.word(), self.spf.identity.domain()));
        if self.dkim.is_empty() {
            reasons.push("the message is not signed".to_owned());
        }
        reasons.extend(self.dkim.iter().flat_map(Verification::because));
        reasons.extend(self.dmarc.because());
        reasons
    }
}

/// What comes with a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) client: IpAddr,
    pub(crate) at: Timestamp,
    pub(crate) envelope: &'a Envelope,
    pub(crate) message: &'a Message<'a>,
}

/// The verified signatures of a message. They do not depend on the recipient.
pub(crate) async fn signatures(dns: &dyn Dns, arrival: Arrival<'_>) -> Vec<Verification> {
    dkim::verify(dns, arrival.message, arrival.at, &dkim::Policy::default()).await
}

/// Authenticates a message whose `From` names `authors`.
pub(crate) async fn authenticate(
    config: &ReceiverConfig,
    dns: &dyn Dns,
    arrival: Arrival<'_>,
    authors: &[Address],
    dkim: Vec<Verification>,
) -> Authenticated {
    let Arrival { client, at, envelope, .. } = arrival;
    let client = spf::Client {
        ip: client,
        identity: Identity::of(&envelope.from, &envelope.hello.name),
        helo: envelope.hello.name.clone(),
        receiver: config.name.clone(),
        now: at,
    };
    let spf = match tokio::time::timeout(SPF_TIME, spf::check_host(dns, &client)).await {
        Ok(evaluation) => evaluation,
        Err(_) => spf::Evaluation::out_of_time(&client, SPF_TIME),
    };
    let settings = match config.profile {
        Profile::Exo => dmarc::Settings::exchange(),
        Profile::Rfc => dmarc::Settings::standard(dmarc::Rules::Rfc9989),
    };
    let facts = dmarc::Facts {
        spf: Some(Identifier { domain: spf.identity.domain().to_owned(), outcome: spf_outcome(spf.result) }),
        dkim: dkim.iter().filter_map(|it| identifier(it, config.profile)).collect(),
        draw: config.pct_draw,
    };
    let domains: Vec<String> = authors.iter().map(|author| author.domain().to_owned()).collect();
    let dmarc = dmarc::evaluate_authors(dns, settings, &domains, &facts).await;
    Authenticated { spf, dkim, dmarc }
}

fn spf_outcome(result: SpfResult) -> Outcome {
    match result {
        SpfResult::Pass => Outcome::Pass,
        SpfResult::TempError => Outcome::TempError,
        _ => Outcome::Fail,
    }
}

/// A signature as DMARC sees it.
fn identifier(verification: &Verification, profile: Profile) -> Option<Identifier> {
    // RFC 6376 §3.6.1: a domain that tests DKIM counts as unsigned. Whether Exchange uses the flag is not documented.
    let tested = verification.testing && profile == Profile::Rfc;
    let outcome = match verification.result() {
        ResultWord::Pass if !tested => Outcome::Pass,
        ResultWord::TempError => Outcome::TempError,
        _ => Outcome::Fail,
    };
    Some(Identifier { domain: verification.domain.clone()?, outcome })
}
