//! The scenario file: from its text to typed cells, or to everything that is wrong with it.
//!
//! A file is TOML 1.0. [`read`] parses it with recovery, lays it over its world, puts the values of the axes in place
//! for each cell, compares the tree with the schema that is generated from the types, decodes it, and resolves its
//! names. All mistakes come at once, each with its place, what was expected there, and the nearest known name.
//!
//! | module | holds |
//! |---|---|
//! | [`scenario`] | [`File`], the root of the schema, and [`Scenario`], what the runner takes |
//! | [`declarations`] | engines, tenants, zones, hosts, certificates, keys, links, messages |
//! | [`script`], [`faults`] | `[[at]]` entries and their verbs; kinds of faults and the fields they take |
//! | [`expectations`] | `[[expect]]` and `[[never]]` |
//! | [`values`], [`words`] | scalars with a syntax of their own; fields that take one of a few words |
//! | [`zone_text`] | zone text with references: syntax, merging, substitution |
//! | [`diagnostics`] | mistakes as data, and how they look |
//!
//! Nothing here runs anything, and nothing here reads a file except [`WorldDirectory`].

pub mod declarations;
pub mod diagnostics;
pub mod expectations;
pub mod faults;
mod nearest;
pub mod scenario;
pub mod script;
mod spanned;
pub mod values;
pub mod words;
pub mod zone_text;

use std::sync::Arc;

pub use diagnostics::{Diagnostic, Diagnostics, Position, Severity, Source, Sources};
pub use scenario::{Addressed, File, Scenario};
pub use spanned::{Span, Spanned};

/// Where worlds come from.
pub trait WorldSource {
    /// The text of the world called `name`, with the path under which it is shown.
    fn world(&self, name: &str) -> Option<Source>;
    /// The names of all worlds.
    fn names(&self) -> Vec<String>;
}

/// A file that can be run.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What is doubtful; nothing that stops a run.
    pub warnings: Diagnostics,
    /// The cells, in the order of the axes' values; a file without axes has one.
    pub cells: Vec<Cell>,
    /// The texts that all spans point into.
    pub sources: Arc<Sources>,
}

/// One combination of the values of a file's axes.
#[derive(Clone, Debug)]
pub struct Cell {
    /// What is appended to the file's id: `[stage=mail,how=kill]`, or nothing.
    pub suffix: String,
    /// The scenario.
    pub scenario: Scenario,
}
