//! The outbound engine: takes messages by SMTP submission, routes them by MX, authenticates next hops by DANE, delivers by
//! SMTP, retries on a timetable, and reports what it could not deliver.
//!
//! It sees the world only through `mxlab-env` and records what it does with `mxlab-record`; it does not know whether it
//! is simulated. Decisions are pure functions over facts and a given `now`; thin async shells gather the facts.
//!
//! # A message's way
//!
//! 1. It is taken over: by SMTP from a tenant's user, or from the program that runs the engine ([`Sender::submit`]). From then
//!    on it is safe in the [`spool`].
//! 2. Each domain of its recipients gets a task, which asks the timetable what is due ([`retry`]).
//! 3. An attempt asks DNS for the domain's hosts, and for each host for its addresses and TLSA records ([`routing`]). What
//!    follows is what a session has to prove ([`demand::Demand`]).
//! 4. It calls the hosts in order of preference ([`smtp`]). Before the message goes, what TLS showed is compared with what is
//!    demanded ([`demand::decide`]).
//! 5. What a host has taken is forgotten at once. What no host has taken is deferred, or given up if waiting cannot help
//!    ([`outcome`]).
//! 6. The author is told of a delay, and of what was given up ([`ndr`]). These reports take the same way.
//!
//! | module | holds | standard |
//! |---|---|---|
//! | [`condition`] | the service's own failure conditions with their codes and texts | RFC 3463, Exchange Online |
//! | [`config`] | what an engine is set up with | |
//! | [`retry`] | when the next attempt is, and when a message expires | RFC 5321 §4.5.4.1 |
//! | [`outcome`] | from failures to deferrals and bounces, with their codes | RFC 5321 §4.2, 3463 |
//! | [`dane`] | TLSA records: which are usable, which apply, what they match | RFC 6698, 7671, 7672 |
//! | [`demand`] | what a session has to prove, and whether it did | RFC 7435, 7672 |
//! | [`routing`] | from domain to hosts, addresses and TLSA base domains | RFC 5321 §5, 7505, 7672 §2.2 |
//! | [`smtp`] | one session with one host | RFC 5321, 3207 |
//! | `attempt` | one attempt: all hosts of a domain | RFC 5321 §5.1 |
//! | [`spool`] | what survives a crash | |
//! | [`ndr`] | non-delivery reports and delay notices | RFC 3464 |
//! | `queue` | the tasks of the domains: attempts, waiting, reports | RFC 5321 §4.5.4.1 |
//! | `submission` | the front door | RFC 6409 |
//! | [`engine`] | the whole, put together | |
//! | [`event`] | what it records | |
//!
//! # Limits
//!
//! - MTA-STS, DKIM signing and TLS reports are not there. Neither is anything about incoming mail.
//! - TLSA records of usage 2 are recognized and not evaluated: `not-supported-yet` is told, and the message waits.
//! - Submission takes no authentication and offers no TLS.
//! - SMTPUTF8, BINARYMIME, CHUNKING and DSN (RFC 3461) are not used. A message with 8-bit content goes only to hosts with
//!   8BITMIME; it is not converted.
//! - TLS sessions are not resumed, and connections are not kept for the next message.
//! - One engine has one timetable and one way to use DANE for all destinations; for its own domains an organization can only
//!   set how long their messages are tried ([`config::SendingDomain`]).
//! - A crash between a host's reply to the final dot and the next write to the spool sends a message twice, as RFC 5321
//!   §4.5.4.2 and RFC 1047 accept.

mod attempt;
pub mod condition;
pub mod config;
pub mod dane;
pub mod demand;
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

pub use config::{SenderConfig, SendingDomain, Submission};
pub use engine::{Sender, SetupError};
pub use event::EVENTS;
pub use mxlab_mail::settings::Profile;
pub use resolve::Validating;
