//! Replays of resolvers, in the language of Unbound's `testbound`.
//!
//! A `.rpl` file is a recorded conversation: what clients ask a resolver, what name servers answer it, and what it must
//! say in the end. Other people's validators are tested with such files, so this module reads them and holds [`Resolver`]
//! to them. What a file looks like:
//!
//! ```text
//! server:
//!     trust-anchor: "z. DS 7 13 2 00ff"
//!     val-override-date: "20260302080000"
//! stub-zone:
//!     name: "."
//!     stub-addr: 192.0.2.1
//! CONFIG_END
//! SCENARIO_BEGIN a title
//! RANGE_BEGIN 0 100          ; from step 0 to step 100
//!     ADDRESS 192.0.2.1      ; this server
//! ENTRY_BEGIN
//! MATCH opcode qtype qname   ; answers queries that agree in these parts with what follows
//! ADJUST copy_id
//! REPLY QR AA NOERROR
//! SECTION QUESTION
//! z. IN A
//! SECTION ANSWER
//! z. IN A 192.0.2.7
//! ENTRY_END
//! RANGE_END
//! STEP 1 QUERY
//! …entry: the query…
//! STEP 10 CHECK_ANSWER
//! …entry: MATCH says which parts of the reply must agree…
//! SCENARIO_END
//! ```
//!
//! There are two ways to take a file, and its content says which one is meant ([`Mode`]):
//!
//! - *resolver*: Unbound's own. The resolver asks the servers that the `stub-zone` or `forward-zone` of the root names;
//!   ADDRESS is obeyed, of several entries that match the first of the last range wins, and header and extended error of
//!   the reply are compared as they are.
//! - *transport*: files for validators that sit between a client and an upstream resolver, as NLnet Labs' `domain` crate
//!   keeps them: `stub-addr` stands outside of its clause. There is one upstream, ADDRESS means nothing, the last entry that
//!   matches wins, and the header bits of the upstream (AA, RA and so on) are passed on to the client by the driver, since
//!   a resolver would not.
//!
//! | module | holds |
//! |---|---|
//! | `mistake` | what is wrong with a line |
//! | `options`, `records`, `entry`, `script` | the file as data, from its smallest parts to the whole |
//! | `read` | the reader of a file |
//! | `config` | the configuration: what the resolver is given, and which files are not for it |
//! | `expression` | `${…}`: variables, the time, arithmetic |
//! | `compare` | which queries an entry answers, and how a reply differs from what was expected |
//! | `wire` | the network of a replay: queries that wait for the script |
//! | `subject` | the resolver that is held to it |
//! | `drive` | the steps, one after the other |
//! | `suite` | a folder of files |
//!
//! The files themselves are nobody's property here: they are read where they lie.
//!
//! [`Resolver`]: mxlab_dns::Resolver

mod compare;
mod config;
mod drive;
mod entry;
mod expression;
mod mistake;
mod options;
mod read;
mod records;
mod script;
mod subject;
pub mod suite;
mod wire;

pub use config::{Mode, Setup, Unsupported};
pub use drive::{Replayed, replay};
pub use mistake::SyntaxError;
pub use script::Script;
