//! The options of a configuration, as they stand in a file.

use super::mistake::{Mistake, mistake};

/// The options of an `unbound.conf`, in the order of the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    clause: String,
    /// The number of clauses that have begun.
    clauses: usize,
    list: Vec<ConfigOption>,
    /// The first thing in the configuration that only Unbound's own driver knows.
    foreign: Option<&'static str>,
}

/// One option.
#[derive(Clone, Debug)]
pub(crate) struct ConfigOption {
    /// The clause that it stands in; empty outside of any.
    pub(crate) clause: String,
    /// The number of that clause, counted from 1.
    number: usize,
    pub(crate) name: String,
    pub(crate) value: String,
}

/// Keywords that begin a clause.
const CLAUSES: &[&str] = &[
    "server",
    "stub-zone",
    "forward-zone",
    "auth-zone",
    "view",
    "remote-control",
    "python",
    "dynlib",
    "dnscrypt",
    "cachedb",
    "rpz",
    "dnstap",
    "ipset",
];

impl Options {
    /// All options, in the order of the file.
    pub(crate) fn list(&self) -> &[ConfigOption] {
        &self.list
    }

    /// The first thing in the configuration that only Unbound's own driver knows.
    pub(crate) fn foreign(&self) -> Option<&'static str> {
        self.foreign
    }

    pub(crate) fn note_foreign(&mut self, what: &'static str) {
        self.foreign.get_or_insert(what);
    }

    /// Reads a line: `name: value`, with a clause before it if it likes.
    pub(crate) fn read_line(&mut self, line: &str) -> Result<(), Mistake> {
        let mut rest = line.trim();
        while !rest.is_empty() && !rest.starts_with(['#', ';']) {
            let (name, value) = rest.split_once(':').ok_or_else(|| mistake(rest, "an option, such as stub-addr:"))?;
            let (name, value) = (name.trim(), value.trim());
            if CLAUSES.contains(&name) {
                (self.clause, self.clauses, rest) = (name.to_owned(), self.clauses + 1, value);
                continue;
            }
            let value = unquoted(value).to_owned();
            let (clause, number, name) = (self.clause.clone(), self.clauses, name.to_owned());
            self.list.push(ConfigOption { clause, number, name, value });
            break;
        }
        Ok(())
    }

    pub(crate) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.list.iter().filter(move |option| option.name == name).map(|option| option.value.as_str())
    }

    /// The name and the addresses of every clause of this kind.
    pub(crate) fn zones<'a>(
        &'a self,
        clause: &'a str,
        address: &'a str,
    ) -> impl Iterator<Item = (&'a str, Vec<&'a str>)> {
        let names = self.list.iter().filter(move |option| option.clause == clause && option.name == "name");
        names.map(move |zone| {
            let own = self.list.iter().filter(|option| option.number == zone.number && option.name == address);
            (zone.value.as_str(), own.map(|option| option.value.as_str()).collect())
        })
    }
}

/// A value without its quotes and the comment after it.
fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote) {
            return inner.split(quote).next().unwrap_or_default();
        }
    }
    value.split('#').next().unwrap_or_default().trim()
}
