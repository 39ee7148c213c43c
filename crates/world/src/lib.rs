//! The actors of a scenario.

pub mod client;
pub mod derive;
pub mod pki;
pub mod server;
