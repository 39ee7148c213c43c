//! `docs/language.md`, and single entries for a terminal.

use std::fmt;

use super::{Entry, Field, Group, Support, entries, listed};
use crate::faults::{FaultFamily, FaultKind};

/// What stands before the entries.
const INTRODUCTION: &str = "\
<!-- Made from the types of `crates/language`: `UPDATE_DOCS=1 cargo test -p mxlab-language` writes it. -->

# The scenario language

A scenario file describes a small internet, a script of events in virtual time, and what must come of it. It is TOML 1.0.
`cargo xtask reference WORD` prints one entry of this page; `cargo xtask new KIND` writes a file to begin with.

Four rules explain most of the rest.

1. **What the file does not name does not exist, and what it names works.** A declared host has an address, a PTR record
   and a valid certificate if it speaks TLS; a declared key is published. Nothing fails unless the file says so.
2. **Text that engineers know stays as it is**: zones are master-file text, messages RFC 5322 text, replies SMTP replies.
3. **One entry says one thing.** Every `[[at]]`, `[[expect]]` and `[[never]]` entry has exactly one verb.
4. **Nothing is ignored.** What a file says takes effect, or it is a mistake that is told with its place.

What is marked *not supported yet* is read, checked and then refused. The examples leave out the `title` that every file
needs; those without a message or an expectation are files to which any may be added.

## Names, times, numbers

**Names** of hosts, certificates, keys, tenants, messages and axes are made of `a-z`, `0-9` and `-`. `sender` and
`receiver` are the hosts of the engines. Domains and zones are quoted, without a final dot: `[zone.\"fabrikam.example\"]`.
In zone text a name is relative to the zone, `@` is the zone itself, and a full name has a final dot.

**Times** are `\"+1h30m\"` after the epoch, `\"-30d\"` before it, or a TOML date-time. **Durations** have no sign: `\"90s\"`,
`\"1h30m\"`, `\"2d\"`, with the units `d h m s ms` from large to small. **Counts** are a number or a range whose ends both
count: `2`, `\"1..2\"`, `\"3..\"`, `\"..5\"`.

## When a run ends

A run ends at `until`. Without it, a run ends when no entry of the script is due, no message is queued or on its way, and no
window of an expectation is open; at the latest 49 hours after the last thing that the file speaks of (twice the expiration
of messages, so that an NDR expires too, and an hour), and never later than 40 days. A run that is cut off while something is still under way fails and asks for
`until`. A `[[never]]` is decided when its window closes, an `[[expect]]` as soon as it holds.

## Worlds

`world = \"outbound\"` lays the file over `scenarios/worlds/outbound.toml`, which holds declarations only. Tables merge by key,
and the file's value wins. In `records` of a zone an RRset of the file takes the place of the world's, and `without` leaves
records of the world out.

| world | holds |
|---|---|
| `outbound` | tenant `contoso` with the outbound engine; `fabrikam.example`, signed, with the mail host `mx1` and its TLSA record |
| `inbound` | tenant `fabrikam` with the inbound engine; `contoso.example`, which sends from host `mail` with SPF, DKIM and DMARC |
| `end-to-end` | both tenants and both engines, with DANE between them |

## Matrices

`[variants]` holds axes. The file is run once for each combination of their values, called a cell:
`dane/mismatch[how=kill,stage=mail]`. `when` limits an expectation to some cells. At most 64 cells, 200 entries, 100 hosts,
500 other declarations, 40 days and 1 MiB of text are possible.

";

/// The whole page.
pub fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut last = None;
    let mut family = None;
    for entry in entries() {
        if last != Some(entry.group) {
            last = Some(entry.group);
            page += &format!("## {}\n\n{}\n\n", title(entry.group), about(entry.group));
        }
        let of = FaultKind::ALL.iter().find(|kind| entry.group == Group::Faults && kind.word() == entry.name);
        if let Some(of) = of.filter(|of| family != Some(of.family())) {
            family = Some(of.family());
            page += &format!("**{}**\n\n", heading(of.family()));
        }
        page += &markdown(entry);
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

fn title(group: Group) -> &'static str {
    match group {
        Group::File => "The file",
        Group::Engines => "Engines",
        Group::Declarations => "Declarations",
        Group::Script => "The script",
        Group::Faults => "Faults",
        Group::Expectations => "Expectations",
        Group::References => "References",
        Group::Messages => "Messages",
        Group::Values => "Values",
    }
}

fn about(group: Group) -> &'static str {
    match group {
        Group::File => "The head of a file, its declarations, its script and its expectations.",
        Group::Engines => "An engine that is not declared does not run.",
        Group::Declarations => "What there is in the world.",
        Group::Script => "What happens, and when.",
        Group::Faults => {
            "`fault = { kind = \"…\", … }` in an entry of `[[at]]` begins at the time of the entry. Every kind takes `name`, \
             `until` and `times`. Of two faults on the same thing the later one acts. A state that lasts, such as an expired \
             certificate or a server without TLS, is declared instead."
        }
        Group::Expectations => {
            "What the record of a run must show, and what it must not show. Run the file with `--story` first: the story has \
             the codes, reasons, verdicts and header fields in the words that expectations use, so they can be copied."
        }
        Group::References => {
            "Written in braces inside zone text, messages and other strings. In zone text and plain strings an unknown \
             reference is a mistake; in messages other braces stay as they are."
        }
        Group::Messages => "The ready-made texts for `message` of a `send`, and what is filled into any text.",
        Group::Values => "Values that are written as strings with a syntax of their own.",
    }
}

fn heading(family: FaultFamily) -> &'static str {
    match family {
        FaultFamily::Dns => "Name servers that do not answer as they should; each needs `zone` or `server`",
        FaultFamily::Dnssec => "Answers that do not validate",
        FaultFamily::Path => "Somebody on the path",
        FaultFamily::Tls => "The TLS handshake",
        FaultFamily::Smtp => "The SMTP session",
        FaultFamily::Net => "The network",
        FaultFamily::Https => "Web servers",
        FaultFamily::Machine => "The engine's machine",
    }
}

fn markdown(entry: &Entry) -> String {
    let mut text = format!("### `{}`\n\n", entry.name);
    if entry.written != entry.name {
        text += &format!("Written `{}`. ", entry.written);
    }
    // In the help of values angle brackets stand for what is meant; elsewhere they are in code.
    let meaning = if entry.group == Group::Values { entry.meaning.replace('<', "&lt;") } else { entry.meaning.clone() };
    text += &format!("{meaning}{}\n\n", supported(&entry.support));
    if !entry.fields.is_empty() {
        text += "| field | takes | default | meaning |\n|---|---|---|---|\n";
        for field in &entry.fields {
            let whole = if entry.support == Support::NotYet { String::new() } else { supported(&field.support) };
            text += &format!(
                "| `{}` | {} | {} | {}{whole}{} |\n",
                field.name,
                field.kind,
                default(field),
                field.meaning,
                words(field)
            );
        }
        text.push('\n');
    }
    if let Some((what, names)) = listed(entry) {
        let names: Vec<String> = names.iter().map(|entry| format!("[`{}`](#{})", entry.name, anchor(entry))).collect();
        text += &format!("{what}: {}.\n\n", names.join(", "));
    }
    if let Some(example) = &entry.example {
        text += &format!("```toml\n{}```\n\n", example.shown());
    }
    text
}

/// Where the heading of an entry is on the page: a second heading of the same name has a number.
fn anchor(entry: &Entry) -> String {
    let base = |entry: &Entry| -> String {
        entry.name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').map(|c| c.to_ascii_lowercase()).collect()
    };
    let own = base(entry);
    let before = entries().iter().take_while(|other| (other.group, &other.name) != (entry.group, &entry.name));
    match before.filter(|other| base(other) == own).count() {
        0 => own,
        number => format!("{own}-{number}"),
    }
}

fn default(field: &Field) -> String {
    if field.needed {
        return "needed".to_owned();
    }
    field.default.clone().unwrap_or_else(|| "–".to_owned())
}

fn words(field: &Field) -> String {
    if field.words.is_empty() {
        return String::new();
    }
    let words: Vec<String> =
        field.words.iter().map(|(word, meaning)| format!("`{word}`: {}", small(meaning))).collect();
    format!("<br>{}", words.join("<br>"))
}

/// A meaning inside a list: without its final dot.
fn small(meaning: &str) -> &str {
    meaning.strip_suffix('.').unwrap_or(meaning)
}

fn supported(support: &Support) -> String {
    match support {
        Support::All => String::new(),
        Support::NotYet => " *Not supported yet.*".to_owned(),
        Support::AllBut(values) => {
            let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
            format!(" *Not supported yet: {}.*", values.join(", "))
        }
    }
}

/// The entry as a terminal shows it.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}   ({}, written {})", self.name, title(self.group).to_lowercase(), self.written)?;
        wrapped(f, "  ", &format!("{}{}", self.meaning, supported(&self.support).replace('*', "")))?;
        for field in &self.fields {
            let default = match default(field).as_str() {
                "–" => String::new(),
                "needed" => ", needed".to_owned(),
                default => format!(", default: {default}"),
            };
            writeln!(f, "\n  {} ({}{default})", field.name, field.kind)?;
            wrapped(f, "      ", &format!("{}{}", field.meaning, supported(&field.support).replace('*', "")))?;
            for (word, meaning) in &field.words {
                wrapped(f, "      ", &format!("{word}: {}", small(meaning)))?;
            }
        }
        if let Some((what, names)) = listed(self) {
            writeln!(f)?;
            let names: Vec<&str> = names.iter().map(|entry| entry.name.as_str()).collect();
            wrapped(f, "  ", &format!("{what}: {}", names.join(", ")))?;
        }
        if let Some(example) = &self.example {
            writeln!(f, "\n  Example:\n")?;
            for line in example.shown().lines() {
                writeln!(f, "    {line}")?;
            }
        }
        Ok(())
    }
}

/// A text in lines of at most a hundred characters.
fn wrapped(f: &mut fmt::Formatter<'_>, indent: &str, text: &str) -> fmt::Result {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && indent.len() + line.chars().count() + 1 + word.chars().count() > 100 {
            writeln!(f, "{indent}{line}")?;
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    writeln!(f, "{indent}{line}")
}
