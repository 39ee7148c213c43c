//! The scenario file: decoding, diagnostics, running it, expectations and snapshots

pub mod file;
