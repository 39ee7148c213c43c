//! The grammar of mail: what messages and SMTP connections contain, as types, without any I/O.
//!
//! Everything here takes bytes or values and gives bytes or values back. What comes from outside is bounded, and what is
//! wrong with it comes out as data or as a typed error, never as a panic: a lab for mail sees more broken messages than
//! whole ones.
//!
//! | module | standard | holds |
//! |---|---|---|
//! | [`address`] | RFC 5321 §4.1.2 | addresses, reverse-paths |
//! | [`by_domain`] | RFC 5321 §2.4 | settings by domain, whatever its case |
//! | [`headers`] | RFC 5322 §2.2 | a message split into fields, no byte lost; the author |
//! | [`mailbox_list`] | RFC 5322 §3.4 | lists of mailboxes, read to the last octet |
//! | [`date`] | RFC 5322 §3.3 | dates in fields and in the text of reports |
//! | [`message_id`] | RFC 5322 §3.6.4 | message identifiers |
//! | [`smtp`] | RFC 5321 and extensions | replies, commands, the data phase, both ends of a session as state machines |
//! | [`dsn`] | RFC 3461–3464 | delivery reports in Exchange's form |
//! | [`authres`] | RFC 8601, RFC 8617 §4.1.1, and as Microsoft writes them | `Authentication-Results` and the fields around it |
//! | [`trace`] | RFC 5321 §4.4 | `Received` |
//! | [`tag_list`] | RFC 6376 §3.2 | lists of tags in signatures and key records |

pub mod address;
pub mod authres;
pub mod by_domain;
pub mod daily;
pub mod date;
pub mod dsn;
pub mod headers;
pub mod mailbox_list;
pub mod message_id;
pub mod settings;
pub mod smtp;
pub mod tag_list;
pub mod trace;

pub use address::{Address, ReversePath};
pub use by_domain::ByDomain;
pub use headers::{HeaderField, Message};
pub use message_id::{MessageId, MessageIdHost};
