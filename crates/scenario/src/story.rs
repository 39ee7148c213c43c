//! The story of a run: what a mail engineer would tell of it.
//!
//! A story is made for reading and for comparing. It shows *moments*: what one cause set off, a step of the script or a
//! timer, belongs to one moment and is told under the time of that cause, in whole seconds ([`Entry::moment`]). Within a
//! moment lines stand in the order in which the actors were declared, and for each actor in the order of ranks
//! ([`Entry::rank`]): what belongs to one message stands together. So neither how long packets take shows, unless a timer
//! waits for them, nor the order in which things happened side by side.
//!
//! What was told before is told short or not at all (module `repetition`).
//!
//! After the moments come the artefacts in full, in the same order: NDRs, stamped header fields, reports. One that was shown
//! before is not shown again.

mod repetition;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use mxlab_language::values::format_offset;
use mxlab_record::Entry;

use self::repetition::{Passage, Telling, passages};

/// The place of an entry in its moment.
fn place(entry: &Entry) -> (u32, Timestamp, &[u32], u64) {
    (entry.order, entry.moment, &entry.rank, entry.sequence)
}

/// The lines above a story.
#[derive(Clone, Debug)]
pub struct Heading<'a> {
    /// The scenario's title.
    pub title: &'a str,
    /// The file's `story`, in the customer's words.
    pub words: Option<&'a str>,
    /// What `+0s` is.
    pub epoch: Timestamp,
}

/// Tells the story of these entries.
pub fn tell(heading: &Heading<'_>, entries: &[Entry]) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}", one_line(heading.title));
    if let Some(words) = heading.words {
        let _ = writeln!(text, "“{}”", words.split('\n').map(one_line).collect::<Vec<_>>().join("\n"));
    }
    let _ = writeln!(text, "+0s is {}", heading.epoch.strftime("%A %Y-%m-%d %H:%M:%S UTC"));
    let width = entries.iter().filter(|entry| !entry.story.is_empty()).map(|e| e.actor.len()).max().unwrap_or(0);
    let moments = moments(heading.epoch, entries);
    for passage in passages(&moments) {
        tell_passage(&mut text, &passage, width);
    }
    tell_artefacts(&mut text, &moments);
    text
}

/// A text as one line of the story: a line end in a title must not look like a line of ours.
fn one_line(text: &str) -> String {
    let letter = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(letter).collect()
}

/// What the causes of one second set off.
#[derive(Debug)]
struct Moment<'a> {
    /// Seconds from the epoch, as the story shows them.
    at: i64,
    /// Ordered for telling.
    entries: Vec<&'a Entry>,
}

impl Moment<'_> {
    fn is_without_artefacts(&self) -> bool {
        self.entries.iter().all(|entry| entry.artefact.is_none())
    }
}

fn moments(epoch: Timestamp, entries: &[Entry]) -> Vec<Moment<'_>> {
    let mut by_second: BTreeMap<i64, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        let since = entry.moment.duration_since(epoch);
        // Rounded down, before the epoch too.
        let second = since.as_secs() - i64::from(since.subsec_nanos() < 0);
        by_second.entry(second).or_default().push(entry);
    }
    by_second
        .into_iter()
        .map(|(second, mut entries)| {
            entries.sort_by(|one, other| place(one).cmp(&place(other)));
            Moment { at: second, entries }
        })
        .collect()
}

fn tell_passage(text: &mut String, passage: &Passage<'_>, width: usize) {
    match passage {
        Passage::Moment { at, lines } => {
            let _ = write!(text, "\n{}\n", format_offset(*at));
            for line in lines {
                match line {
                    Telling::Full(entry) => tell_entry(text, entry, width),
                    Telling::Again(entry, again) => {
                        let _ = writeln!(text, "  {:width$}  {}", entry.actor, repetition::line(again));
                    }
                }
            }
        }
        Passage::Folded { from, until, every, lines } => {
            let _ = write!(text, "\n{} to {}\n", format_offset(*from), format_offset(*until));
            for line in lines {
                let _ = writeln!(text, "  {:width$}  {}", line.actor, repetition::folded_line(line, *every));
            }
        }
    }
}

fn tell_entry(text: &mut String, entry: &Entry, width: usize) {
    let Some((first, rest)) = entry.story.split_first() else { return };
    let _ = writeln!(text, "  {:width$}  {first}", entry.actor);
    for line in rest {
        let _ = writeln!(text, "  {:width$}    {line}", "");
    }
    for reason in &entry.because {
        let _ = writeln!(text, "  {:width$}    because {reason}", "");
    }
}

/// Shows every text once, at its first moment. Later moments that have the same text only point to that one.
fn tell_artefacts(text: &mut String, moments: &[Moment<'_>]) {
    let mut shown = BTreeMap::new();
    for moment in moments {
        for artefact in moment.entries.iter().filter_map(|entry| entry.artefact.as_ref()) {
            let time = format_offset(moment.at);
            let first = *shown.entry((&artefact.title, &artefact.text)).or_insert_with(|| {
                let _ = write!(text, "\n── {}, {time} ──\n", artefact.title);
                for line in artefact.text.lines() {
                    let _ = writeln!(text, "{}", line.trim_end());
                }
                moment.at
            });
            if first != moment.at {
                let first = format_offset(first);
                let _ = write!(text, "\n── {}, {time}: the same as at {first} ──\n", artefact.title);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mxlab_record::{Artefact, Fields};

    pub(super) fn entry(actor: &str, order: u32, millis: i64, line: &str) -> Entry {
        let at = Timestamp::from_millisecond(1_772_438_400_000 + millis).unwrap();
        Entry {
            at,
            moment: at,
            rank: Vec::new(),
            actor: actor.into(),
            order,
            sequence: 0,
            cause: None,
            kind: "test",
            fields: Fields::new(),
            story: vec![line.to_owned()],
            because: Vec::new(),
            state: None,
            again: None,
            artefact: None,
        }
    }

    pub(super) fn story(entries: &[Entry]) -> String {
        tell(&Heading { title: "T", words: None, epoch: Timestamp::from_second(1_772_438_400).unwrap() }, entries)
    }

    fn times(entries: &[Entry]) -> Vec<String> {
        moments(Timestamp::from_second(1_772_438_400).unwrap(), entries)
            .into_iter()
            .map(|moment| format_offset(moment.at))
            .collect()
    }

    #[test]
    fn a_moment_is_told_under_the_time_of_its_cause() {
        let caused = |cause: i64, millis: i64| {
            let moment = entry("a", 0, cause, "x").moment;
            Entry { moment, ..entry("a", 0, millis, "x") }
        };
        // However long what a cause set off takes, and whatever happens meanwhile.
        for slow in [0, 40, 1_900, 90_000] {
            let entries =
                [caused(0, 0), caused(0, slow), caused(5_000, 5_000), caused(0, 2 * slow), caused(5_000, 9_000)];
            assert_eq!(times(&entries), ["+0s", "+5s"]);
        }
    }

    #[test]
    fn times_are_whole_seconds_rounded_down() {
        assert_eq!(times(&[entry("a", 0, 901_000, "x"), entry("a", 0, 901_999, "y")]), ["+15m1s"]);
        assert_eq!(times(&[entry("a", 0, -1, "x")]), ["-1s"]);
    }

    #[test]
    fn a_title_is_one_line() {
        let epoch = Timestamp::from_second(1_772_438_400).unwrap();
        let told = tell(&Heading { title: "\u{1b}[31mred\nbreak", words: Some("two\nlines\u{7}"), epoch }, &[]);
        let expected = "\\u{1b}[31mred\\nbreak\n“two\nlines\\u{7}”\n+0s is Monday 2026-03-02 08:00:00 UTC\n";
        assert_eq!(told, expected);
    }

    #[test]
    fn a_moment_is_told_in_order_of_declaration() {
        let entries = [entry("mx1", 5, 10, "took it"), entry("sender", 1, 30, "handed it over")];
        let told = story(&entries);
        assert!(told.find("handed").unwrap() < told.find("took").unwrap(), "{told}");
        assert!(told.starts_with("T\n+0s is Monday 2026-03-02 08:00:00 UTC\n"), "{told}");
    }

    #[test]
    fn a_text_is_shown_once() {
        let report = |millis, text: &str| Entry {
            artefact: Some(Artefact { title: "report".into(), text: text.into() }),
            ..entry("receiver", 1, millis, "reports")
        };
        let told =
            story(&[report(0, "a"), report(0, "a"), report(60_000, "a"), report(120_000, "b"), report(180_000, "a")]);
        let artefacts = told.split_once("\n\n──").map(|(_, artefacts)| artefacts);
        let expected = concat!(
            " report, +0s ──\na\n\n── report, +1m: the same as at +0s ──\n\n── report, +2m ──\nb\n",
            "\n── report, +3m: the same as at +0s ──\n",
        );
        assert_eq!(artefacts, Some(expected), "{told}");
    }
}
