//! A run for people and machines: what `cargo xtask scenarios` prints.
//!
//! Everything here turns the suite's data into text and files; nothing here runs anything.

pub mod json;
pub mod record;
pub mod style;
pub mod text;
