//! What is found out about a message before anybody judges it: SPF, DKIM and DMARC, asked once for all its recipients; and
//! where the composite verdict depends on them, the client's names and the ways of the recipients' mail.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use mxlab_auth::Dns;
use mxlab_auth::dkim::{self, ResultWord, Verification};
use mxlab_auth::dmarc::{self, Identifier, Outcome};
use mxlab_auth::spf::{self, Identity};
use mxlab_mail::authres::SpfResult;
use mxlab_mail::headers::Message;
use mxlab_mail::smtp::server::Envelope;
use mxlab_mail::{Address, ByDomain, ReversePath};

use crate::client_names::ClientNames;
use crate::config::{Profile, ReceiverConfig, RecipientTenant};
use crate::route::{self, Way};
use crate::verdict::Failing;

/// How long SPF may take (RFC 7208 §4.6.4: at least 20 seconds).
const SPF_TIME: Duration = Duration::from_secs(20);

/// Authentication of a message from outside, evaluated.
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// SPF.
    pub spf: spf::Evaluation,
    /// DKIM: what became of each signature, from the top.
    pub dkim: Vec<Verification>,
    /// DMARC.
    pub dmarc: dmarc::Evaluation,
    /// The client's names; none if nobody asked for them, because other results decide.
    pub names: Option<ClientNames>,
    /// The ways of mail for the recipients' domains; empty if nobody asked for them, because DMARC asks for nothing.
    pub ways: ByDomain<Way>,
}

impl Authenticated {
    /// The deciding facts, each a clause that can stand after "because".
    pub fn because(&self) -> Vec<String> {
        let mut reasons = self.spf.because();
        reasons.push(format!("SPF says {} for {}", self.spf.result.word(), self.spf.identity.domain()));
        if self.dkim.is_empty() {
            reasons.push("the message is not signed".to_owned());
        }
        reasons.extend(self.dkim.iter().flat_map(Verification::because));
        reasons.extend(self.dmarc.because());
        reasons.extend(self.names.as_ref().map(ClientNames::because));
        reasons
    }
}

/// A message with the circumstances of its arrival.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The client's address.
    pub client: IpAddr,
    /// When the message came.
    pub at: Timestamp,
    /// Its envelope.
    pub envelope: &'a Envelope,
    /// The message.
    pub message: &'a Message<'a>,
}

/// What is known about a message, whoever its recipient is.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Whether the client is one of the hosts of the organizations themselves ([`ReceiverConfig::internal`]).
    pub own_host: bool,
    /// The sender of the envelope.
    pub reverse_path: ReversePath,
    /// The authors: at least one.
    pub authors: Vec<Address>,
    /// What became of each signature, from the top.
    pub dkim: Vec<Verification>,
    /// SPF, DKIM and DMARC; none if every recipient gets the message from inside the own organization, where nobody asks.
    pub authenticated: Option<Authenticated>,
}

impl Evidence {
    /// Whether the message was submitted inside this organization.
    ///
    /// That is so when the client is one of the organization's own hosts, and all authors and the sender (unless it is
    /// nobody) belong to the tenant. A message that merely claims such an author comes from elsewhere, and is judged. The
    /// profile `rfc` knows no inside.
    pub fn is_inside(&self, profile: Profile, tenant: &RecipientTenant) -> bool {
        let sender_belongs = self.reverse_path.address().is_none_or(|sender| tenant.accepts(sender.domain()));
        let authors_belong = !self.authors.is_empty() && self.authors.iter().all(|it| tenant.accepts(it.domain()));
        profile == Profile::Exo && self.own_host && sender_belongs && authors_belong
    }
}

/// Gathers what is known about a message whose `From` names `authors`. All that is asked of the network is asked here, and
/// once. SPF and DMARC are asked only if a recipient needs them.
pub async fn gather(config: &ReceiverConfig, dns: &dyn Dns, arrival: Arrival<'_>, authors: Vec<Address>) -> Evidence {
    let dkim = dkim::verify(dns, arrival.message, arrival.at, &dkim::Policy::default()).await;
    let mut evidence = Evidence {
        own_host: config.internal.iter().any(|own| own.to_canonical() == arrival.client.to_canonical()),
        reverse_path: arrival.envelope.from.clone(),
        authors,
        dkim,
        authenticated: None,
    };
    let mut tenants = arrival.envelope.recipients.iter().filter_map(|(to, _)| config.tenant_of(to.domain()));
    if tenants.any(|tenant| !evidence.is_inside(config.profile, tenant)) {
        evidence.authenticated = Some(authenticate(config, dns, arrival, &evidence).await);
    }
    evidence
}

async fn authenticate(
    config: &ReceiverConfig,
    dns: &dyn Dns,
    arrival: Arrival<'_>,
    Evidence { authors, dkim, .. }: &Evidence,
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
    let mut authenticated = Authenticated { spf, dkim: dkim.clone(), dmarc, names: None, ways: ByDomain::new() };
    if config.profile == Profile::Exo {
        ask_further(config, dns, arrival, &mut authenticated).await;
    }
    authenticated
}

/// Asks for what the composite verdict depends on besides, if it does.
async fn ask_further(config: &ReceiverConfig, dns: &dyn Dns, arrival: Arrival<'_>, authenticated: &mut Authenticated) {
    match Failing::of(&authenticated.dmarc) {
        Some(Failing::Explicitly) => {
            for (to, _) in &arrival.envelope.recipients {
                if authenticated.ways.get(to.domain()).is_none() {
                    authenticated.ways.insert(to.domain(), route::way(dns, config, to.domain()).await);
                }
            }
        }
        Some(Failing::Implicitly) => authenticated.names = Some(ClientNames::look_up(dns, arrival.client).await),
        None => {}
    }
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
    // RFC 6376 §3.6.1: a message of a domain that tests DKIM counts as unsigned. That Exchange looks at the flag is not documented.
    let tested = verification.testing && profile == Profile::Rfc;
    let outcome = match verification.result() {
        ResultWord::Pass if !tested => Outcome::Pass,
        ResultWord::TempError => Outcome::TempError,
        _ => Outcome::Fail,
    };
    Some(Identifier { domain: verification.domain.clone()?, outcome })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(own_host: bool, from: &str, authors: &[&str], expected: Option<&str>) {
        let tenants = [
            RecipientTenant::new("contoso", vec!["contoso.example".into(), "contoso.test".into()]),
            RecipientTenant::new("fabrikam", vec!["fabrikam.example".into()]),
        ];
        let evidence = Evidence {
            own_host,
            reverse_path: from.parse().expect("a path"),
            authors: authors.iter().map(|author| author.parse().expect("an address")).collect(),
            dkim: Vec::new(),
            authenticated: None,
        };
        let found = tenants.iter().find(|tenant| evidence.is_inside(Profile::Exo, tenant));
        assert_eq!(found.map(|tenant| tenant.name.as_str()), expected);
        assert!(!tenants.iter().any(|tenant| evidence.is_inside(Profile::Rfc, tenant)));
    }

    #[test]
    fn submission_inside_an_organization() {
        check(true, "<a@contoso.example>", &["a@contoso.example"], Some("contoso"));
        check(true, "<a@contoso.test>", &["a@CONTOSO.example"], Some("contoso"));
        check(true, "<a@contoso.test>", &["a@contoso.example", "b@contoso.test"], Some("contoso"));
        check(true, "<>", &["p@fabrikam.example"], Some("fabrikam"));
        check(false, "<a@contoso.example>", &["a@contoso.example"], None);
        check(true, "<a@fabrikam.example>", &["a@contoso.example"], None);
        check(true, "<a@contoso.example>", &["a@fabrikam.example"], None);
        check(true, "<a@contoso.example>", &["a@contoso.example", "a@fabrikam.example"], None);
        check(true, "<a@contoso.example>", &["a@sub.contoso.example"], None);
        check(true, "<a@else.example>", &["a@else.example"], None);
        check(true, "<a@contoso.example>", &[], None);
    }
}
