//! The options of a configuration, as a file has them.

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
    /// The clause that it is in; empty outside of all clauses.
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

    /// Reads a line: options one after the other, `name: value`. Clauses may begin between them.
    pub(crate) fn read_line(&mut self, line: &str) -> Result<(), Mistake> {
        let mut rest = line.trim();
        while !rest.is_empty() && !rest.starts_with(['#', ';']) {
            let (name, value) = rest.split_once(':').ok_or_else(|| mistake(rest, "an option, such as stub-addr:"))?;
            let (name, value) = (name.trim(), value.trim());
            if CLAUSES.contains(&name) {
                (self.clause, self.clauses, rest) = (name.to_owned(), self.clauses + 1, value);
                continue;
            }
            let (value, after) = split(value);
            let (clause, number, name) = (self.clause.clone(), self.clauses, name.to_owned());
            self.list.push(ConfigOption { clause, number, name, value: value.to_owned() });
            rest = after;
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

/// A value without its quotes, and what follows it on its line: a further option, or nothing but a comment.
fn split(value: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote) {
            let (value, after) = inner.split_once(quote).unwrap_or((inner, ""));
            return (value, after.trim());
        }
    }
    let value = value.split('#').next().unwrap_or_default();
    // An option begins with a word that ends in a colon. The first word belongs to the value, whatever it is.
    let blanks = value.match_indices(char::is_whitespace).map(|(at, _)| at);
    let begins_option = |after: &str| {
        let word = after.split_whitespace().next().and_then(|word| word.strip_suffix(':'));
        word.is_some_and(|word| word.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'-'))
    };
    for at in blanks {
        let (before, after) = value.split_at(at);
        if !before.trim().is_empty() && begins_option(after) {
            return (before.trim(), after.trim());
        }
    }
    (value.trim(), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_options_on_one_line() {
        for (line, expected) in [
            ("forward-zone: name: \".\" forward-addr: 192.0.2.9", "forward-zone name=. forward-addr=192.0.2.9"),
            ("stub-zone: name: . stub-addr: 2001:db8:: # a comment: none", "stub-zone name=. stub-addr=2001:db8::"),
            ("server: access-control: 127.0.0.1 allow", "server access-control=127.0.0.1 allow"),
            ("server: module-config: 'validator iterator'", "server module-config=validator iterator"),
            ("server:  trust-anchor: \"z. DS 1: 2\"", "server trust-anchor=z. DS 1: 2"),
            ("server: directory: \"\" chroot: \"\"", "server directory= chroot="),
        ] {
            let mut options = Options::default();
            options.read_line(line).unwrap();
            let each = options.list().iter().map(|option| format!(" {}={}", option.name, option.value));
            assert_eq!(options.clause.clone() + &each.collect::<String>(), expected, "{line}");
        }
    }
}
