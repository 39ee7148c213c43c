//! A scenario run, and the checks of its result. The file itself is read by `mxlab_language`.
//!
//! ```text
//! cell ── run ──▶ record ──▶ expectations, story ──▶ snapshot
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`engine`], [`exchange`] | the engines under test as the runner sees them, and ours |
//! | [`run`] | one cell: the world, the engines, the script, the end |
//! | [`expect`] | expectations as questions to the record |
//! | [`registry`] | the behaviours that `covers` may claim, and their evidence |
//! | [`coverage`] | which of them are claimed by which scenarios |
//! | [`story`], [`snapshot`] | the text of a run, and comparing it with one that somebody has read and approved |
//! | [`suite`] | many scenarios on several threads |
//! | [`mod@exit_code`] | how a command says how it ended |
//!
//! Nothing here prints to a terminal.

pub mod coverage;
pub mod engine;
pub mod exchange;
pub mod exit_code;
pub mod expect;
pub mod registry;
pub mod run;
pub mod snapshot;
pub mod story;
pub mod suite;

use mxlab_record::Kind;

/// The kinds of events that a run itself records, with their fields: steps of the script, and what can be read on the wire.
pub const EVENTS: &[Kind] =
    &[Kind::new("step", &["verb", "told", "fault", "roll"]), Kind::new("in-clear", &["to", "server", "message"])];

/// The kinds of events that a record can hold, from all crates.
pub fn kinds() -> Vec<Kind> {
    [EVENTS, mxlab_world::EVENTS, mxlab_dns::EVENTS, mxlab_sender::EVENTS, mxlab_receiver::EVENTS].concat()
}
