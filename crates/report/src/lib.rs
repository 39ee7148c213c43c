//! A run for people and machines: what `cargo xtask scenarios` prints.
//!
//! Everything here turns the suite's data into text; nothing here runs anything.

pub mod json;
pub mod text;
