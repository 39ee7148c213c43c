//! What an engine is set up with, and what is handed to it.

use std::net::SocketAddr;
use std::time::Duration;

use mxlab_mail::settings::DELAY_NOTICE;
use mxlab_mail::{Address, ReversePath};

use crate::Profile;
use crate::outcome::NdrForm;
use crate::retry::Timetable;
use crate::routing;
use crate::smtp::Timeouts;

/// An organization whose mail the engine sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Its accepted domains, lower case.
    pub domains: Vec<String>,
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
    /// The organizations whose mail it sends. Submission accepts only messages of their domains; of any if there are
    /// none.
    pub tenants: Vec<Tenant>,
    /// The author of reports to senders outside the tenants.
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
    /// An engine called `name` that takes messages at `submission`, with all defaults, without tenants.
    pub fn new(name: impl Into<String>, submission: SocketAddr, postmaster: Address) -> SenderConfig {
        SenderConfig {
            name: name.into(),
            submission,
            tenants: Vec::new(),
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

    /// The tenant of an envelope sender.
    pub fn tenant(&self, from: &ReversePath) -> Option<&Tenant> {
        let domain = from.address()?.normalized_domain();
        self.tenants.iter().find(|tenant| tenant.domains.contains(&domain))
    }

    /// The timetable for messages of this envelope sender.
    pub(crate) fn timetable_for(&self, from: &ReversePath) -> Timetable {
        match self.tenant(from).and_then(|tenant| tenant.expiration) {
            Some(expiration) => self.timetable.expiring_after(expiration),
            None => self.timetable.clone(),
        }
    }

    /// The author of reports to this envelope sender.
    pub(crate) fn postmaster_for(&self, from: &ReversePath) -> &Address {
        self.tenant(from).map_or(&self.postmaster, |tenant| &tenant.postmaster)
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
