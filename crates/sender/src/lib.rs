//! The outbound engine: takes messages by SMTP submission, routes them by MX, authenticates next hops by DANE, delivers by
//! SMTP, retries on a timetable, and reports what it could not deliver.
//!
//! It sees the world through `mxlab-env` alone and tells `mxlab-record` what it did; it does not know whether it is
//! simulated. Decisions are pure functions over facts and a given `now`; thin async shells gather the facts.
//!
//! | module | holds | standard |
//! |---|---|---|
//! | [`condition`] | the service's own failure conditions with their codes and texts | RFC 3463, Exchange Online |
//! | [`dane`] | TLSA records: which are usable, which apply, what a TLS session is worth | RFC 6698, 7671, 7672 |
//! | [`retry`] | when the next attempt is, and when a message expires | RFC 5321 §4.5.4.1 |
//! | [`outcome`] | what failures become: deferrals, bounces, their codes | RFC 5321 §4.2, 3463 |
//! | [`routing`] | from domain to hosts, addresses and TLSA base domains | RFC 5321 §5, 7505, 7672 §2.2 |
//! | [`smtp`] | one session with one host | RFC 5321, 3207 |
//! | [`spool`] | what survives a crash | |
//! | [`ndr`] | non-delivery reports and delay notices | RFC 3464 |
//! | [`engine`] | the whole: submission, queue, reports | RFC 6409, 3464 |
//! | [`event`] | what it tells the record | |
//!
//! What is not here: MTA-STS, DKIM signing and TLS reports (they come later), and anything about incoming mail.

mod attempt;
pub mod condition;
pub mod dane;
pub mod engine;
pub mod event;
pub mod ndr;
pub mod outcome;
mod queue;
mod resolve;
pub mod retry;
pub mod routing;
pub mod smtp;
pub mod spool;
mod submission;

pub use engine::{Sender, SenderConfig, SetupError, Submission, Tenant};
pub use event::EVENTS;
pub use resolve::Validating;

/// Whose behaviour the engine follows where the two differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Exchange Online as documented.
    #[default]
    Exo,
    /// The RFCs to the letter.
    Rfc,
}
