//! The actors of a scenario: everything in the small internet that is not an engine under test.
//!
//! Actors run on `env`, so the same world can be served on real sockets. None looks into another: name servers, mail
//! servers and clients meet in packets only. Each has a control through which the script acts as its administrator, and
//! causes its faults.
//!
//! | module | holds |
//! |---|---|
//! | [`changes`] | what hosts on the path do to messages |
//! | [`client`] | plain clients, which hand over one message |
//! | [`dialogue`] | a client that says what it is told to say |
//! | [`mod@derive`] | values that must be the same in every run |
//! | [`internet`] | zones, their servers and delegations |
//! | [`mail_key`] | the keys with which mail is signed |
//! | [`pki`] | certification authorities and certificates |
//! | [`server`] | scripted mail servers |
//!
//! No verdict is made here.

pub mod changes;
pub mod client;
pub mod derive;
pub mod dialogue;
pub mod internet;
pub mod mail_key;
pub mod pki;
pub mod server;

use mxlab_record::{Kind, common};

/// The kinds of events that actors record, with their fields.
pub const EVENTS: &[Kind] = &[
    common::Accepted::KIND,
    common::Rejected::KIND,
    server::AGREED,
    mail_key::Signed::KIND,
    dialogue::Spoken::KIND,
    Kind::new("handed-over", &["from", "to", "outcome", "reply"]),
];
