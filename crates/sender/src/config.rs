//! What an engine is set up with, and what is handed to it.

use std::net::SocketAddr;
use std::time::Duration;

use mxlab_mail::settings::DELAY_NOTICE;
use mxlab_mail::{Address, ByDomain, ReversePath};

use crate::Profile;
use crate::outcome::NdrForm;
use crate::retry::Timetable;
use crate::routing;
use crate::smtp::Timeouts;

/// What an organization has set for the mail of one of its domains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendingDomain {
    /// The author of the reports to its users: `postmaster@contoso.onmicrosoft.example`.
    pub postmaster: Address,
    /// How long delivery of its messages is tried; none for the engine's own setting.
    pub expiration: Option<Duration>,
}

/// The settings of the engine.
#[derive(Clone, Debug)]
pub struct SenderConfig {
    /// Its full name, in EHLO and reports.
    pub name: String,
    /// Where it takes messages in.
    pub submission: SocketAddr,
    /// The domains whose mail it sends, with what their organizations have set. Submission accepts only messages of these
    /// domains; of any if there are none.
    pub domains: ByDomain<SendingDomain>,
    /// The author of reports to senders outside these domains.
    pub postmaster: Address,
    /// Whose behaviour it follows where documents and RFCs differ.
    pub profile: Profile,
    /// When it tries and how long.
    pub timetable: Timetable,
    /// After how long the author gets a delay notice; none: never.
    pub delay_notice: Option<Duration>,
    /// How it uses DNS and DANE.
    pub routing: routing::Settings,
    /// How NDRs word security conditions.
    pub ndr: NdrForm,
    /// How long the steps of a session may take.
    pub timeouts: Timeouts,
    /// The port of mail hosts: 25.
    pub smtp_port: u16,
    /// Most attempts at the same time; others wait their turn.
    pub concurrency: usize,
    /// Most messages in the queue; submission is answered with 452 beyond.
    pub capacity: usize,
}

impl SenderConfig {
    /// An engine called `name` that takes messages at `submission`, with all defaults, from anybody.
    pub fn new(name: impl Into<String>, submission: SocketAddr, postmaster: Address) -> SenderConfig {
        SenderConfig {
            name: name.into(),
            submission,
            domains: ByDomain::new(),
            postmaster,
            profile: Profile::Exo,
            timetable: Timetable::default(),
            delay_notice: Some(DELAY_NOTICE),
            routing: routing::Settings::default(),
            ndr: NdrForm::Plain,
            timeouts: Timeouts::default(),
            smtp_port: mxlab_mail::smtp::PORT,
            concurrency: 100,
            capacity: 10_000,
        }
    }

    /// What is set for the mail of an envelope sender; none for a sender outside the engine's domains. Every setting that
    /// depends on the sender is looked up here.
    pub fn domain_of(&self, from: &ReversePath) -> Option<&SendingDomain> {
        self.domains.get(from.address()?.domain())
    }

    /// The timetable for messages of this envelope sender.
    pub(crate) fn timetable_for(&self, from: &ReversePath) -> Timetable {
        match self.domain_of(from).and_then(|domain| domain.expiration) {
            Some(expiration) => self.timetable.expiring_after(expiration),
            None => self.timetable.clone(),
        }
    }

    /// The author of reports to this envelope sender.
    pub(crate) fn postmaster_for(&self, from: &ReversePath) -> &Address {
        self.domain_of(from).map_or(&self.postmaster, |domain| &domain.postmaster)
    }
}

/// A submitted message.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The envelope sender.
    pub from: ReversePath,
    /// The envelope recipients.
    pub to: Vec<Address>,
    /// The message, with CRLF line ends and a Message-ID.
    pub message: Vec<u8>,
    /// The name by which the submitting client introduces itself.
    pub received_from: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The settings of a sender are those of its domain, in whatever case it writes the domain.
    #[test]
    fn settings_of_a_sender() {
        let address = |text: &str| text.parse::<Address>().expect("an address");
        let (own, tenants) = (address("postmaster@out.example"), address("postmaster@contoso.onmicrosoft.example"));
        let expiration = Some(Duration::from_secs(12 * 3_600));
        let mut config = SenderConfig::new("out.example", "192.0.2.1:587".parse().expect("an address"), own.clone());
        config.domains.insert("Contoso.Example", SendingDomain { postmaster: tenants.clone(), expiration });
        let check = |from: &str, postmaster: &Address, hours: i64| {
            let from: ReversePath = from.parse().expect("a path");
            assert_eq!(config.postmaster_for(&from), postmaster, "{from}");
            let accepted = jiff::Timestamp::UNIX_EPOCH;
            let expiry = accepted + Duration::from_secs(3_600) * u32::try_from(hours).expect("a few hours");
            assert_eq!(config.timetable_for(&from).expiry(accepted), expiry, "{from}");
        };
        for from in ["<ann@contoso.example>", "<ann@CONTOSO.example>", "<ann@contoso.example.>"] {
            check(from, &tenants, 12);
        }
        for from in ["<>", "<ann@fabrikam.example>", "<ann@sub.contoso.example>"] {
            check(from, &own, 24);
        }
    }
}
