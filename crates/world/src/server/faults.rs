//! What breaks at a scripted mail server, and where in a session it acts.

use std::net::IpAddr;

use mxlab_mail::smtp::Stage;
use mxlab_mail::smtp::fault::Instead;
use mxlab_smtp::server::{Handshake, Response};

/// What breaks at the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerFault {
    /// Nothing listens at the port. The machine itself then answers a SYN with RST, whoever sent it, and nobody counts how
    /// often: [`ActiveFault::from`] and [`ActiveFault::times`] have no meaning here (see [`ServerFault::is_scoped`]).
    Refused,
    /// STARTTLS is not offered.
    StartTlsMissing,
    /// This in place of the answer at this stage: at [`Stage::Connect`] before the greeting, at [`Stage::Handshake`] in
    /// place of the handshake. No reply is due at either: there [`Instead::Reply`], [`Instead::Interrupt`] and
    /// [`Instead::Followed`] have no effect.
    Lapse(Stage, Instead),
}

impl ServerFault {
    /// Whether it can be confined to one client and to a number of times.
    pub fn is_scoped(&self) -> bool {
        *self != ServerFault::Refused
    }

    /// What it does to a connection before the greeting.
    pub(super) fn at_connect(&self) -> Option<Response> {
        self.at(Stage::Connect)
            .filter(|response| !matches!(response, Response::Reply(_) | Response::Interrupt(_) | Response::Followed(_)))
    }

    /// What it makes of the question at this stage.
    pub(super) fn at(&self, stage: Stage) -> Option<Response> {
        match self {
            ServerFault::Lapse(at, does) if *at == stage => Some(does.clone().into()),
            ServerFault::Lapse(..) | ServerFault::Refused | ServerFault::StartTlsMissing => None,
        }
    }

    /// What it makes of the TLS handshake.
    pub(super) fn in_handshake(&self) -> Option<Handshake> {
        match self.at(Stage::Handshake)? {
            Response::Octets(octets) => Some(Handshake::Octets(octets)),
            Response::Close => Some(Handshake::Close),
            Response::Silence => Some(Handshake::Silence),
            Response::Usual | Response::Reply(_) | Response::Interrupt(_) | Response::Followed(_) => None,
        }
    }
}

/// A fault in force.
#[derive(Clone, Debug)]
pub struct ActiveFault {
    /// Identifies it, for [`ServerControl::end_fault`](super::ServerControl::end_fault).
    pub id: u64,
    /// What breaks.
    pub fault: ServerFault,
    /// Only for clients with this address; for all if none is given. It and `times` apply if the fault
    /// [is scoped](ServerFault::is_scoped).
    pub from: Option<IpAddr>,
    /// How often it still acts; without limit if none is given.
    pub times: Option<u64>,
}
