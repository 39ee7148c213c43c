//! The story of a run: what a mail engineer would tell of it.
//!
//! A story is made for reading and for comparing. It shows *moments*: what one cause set off, a step of the script or a
//! timer, belongs to one moment and is told under the time of that cause, in whole seconds ([`Entry::moment`]). Within a
//! moment lines stand in the order in which the actors were declared, and for each actor in the order of ranks
//! ([`Entry::rank`]): what belongs to one message stands together. So neither how long packets take shows, unless a timer
//! waits for them, nor the order in which things happened side by side.
//!
//! An event that tells how something stands (what DNS says of a name) is told again only when it has changed.
//!
//! After the moments come the artefacts in full, in the same order: NDRs, stamped header fields.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use mxlab_language::values::format_offset;
use mxlab_record::Entry;

/// Where an entry stands in its moment.
fn place(entry: &Entry) -> (u32, Timestamp, &[u32], u64) {
    (entry.order, entry.moment, &entry.rank, entry.sequence)
}

/// What stands above the story.
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
    let _ = writeln!(text, "{}", heading.title);
    if let Some(words) = heading.words {
        let _ = writeln!(text, "“{words}”");
    }
    let _ = writeln!(text, "+0s is {}", heading.epoch.strftime("%A %Y-%m-%d %H:%M:%S UTC"));
    let width = entries.iter().filter(|entry| !entry.story.is_empty()).map(|e| e.actor.len()).max().unwrap_or(0);
    let moments = moments(heading.epoch, entries);
    let mut known = BTreeMap::new();
    for moment in &moments {
        tell_moment(&mut text, moment, width, &mut known);
    }
    for moment in &moments {
        for entry in &moment.entries {
            if let Some(artefact) = &entry.artefact {
                let _ = write!(text, "\n── {}, {} ──\n", artefact.title, moment.time);
                for line in artefact.text.lines() {
                    let _ = writeln!(text, "{}", line.trim_end());
                }
            }
        }
    }
    text
}

/// What the causes of one second set off.
struct Moment<'a> {
    /// As the story shows it: `+1h30m`.
    time: String,
    /// Ordered for telling.
    entries: Vec<&'a Entry>,
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
            Moment { time: format_offset(second), entries }
        })
        .collect()
}

/// What the story has said of states: by actor and what it is the state of.
type Known<'a> = BTreeMap<(&'a str, &'a str), (&'a [String], &'a [String])>;

/// Whether an entry says something that the story has not said.
fn is_news<'a>(entry: &'a Entry, known: &mut Known<'a>) -> bool {
    let Some(state_of) = &entry.state_of else { return true };
    let said = (entry.story.as_slice(), entry.because.as_slice());
    known.insert((&entry.actor, state_of), said) != Some(said)
}

fn tell_moment<'a>(text: &mut String, moment: &Moment<'a>, width: usize, known: &mut Known<'a>) {
    let mut told_time = false;
    for entry in &moment.entries {
        let Some((first, rest)) = entry.story.split_first() else { continue };
        if !is_news(entry, known) {
            continue;
        }
        if !told_time {
            let _ = write!(text, "\n{}\n", moment.time);
            told_time = true;
        }
        let _ = writeln!(text, "  {:width$}  {first}", entry.actor);
        for line in rest {
            let _ = writeln!(text, "  {:width$}    {line}", "");
        }
        for reason in &entry.because {
            let _ = writeln!(text, "  {:width$}    because {reason}", "");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mxlab_record::Fields;

    fn entry(actor: &str, order: u32, millis: i64, line: &str) -> Entry {
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
            state_of: None,
            artefact: None,
        }
    }

    fn times(entries: &[Entry]) -> Vec<String> {
        moments(Timestamp::from_second(1_772_438_400).unwrap(), entries).into_iter().map(|m| m.time).collect()
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
    fn a_moment_is_told_in_order_of_declaration() {
        let entries = [entry("mx1", 5, 10, "took it"), entry("sender", 1, 30, "handed it over")];
        let heading = Heading { title: "T", words: None, epoch: Timestamp::from_second(1_772_438_400).unwrap() };
        let told = tell(&heading, &entries);
        assert!(told.find("handed").unwrap() < told.find("took").unwrap(), "{told}");
        assert!(told.starts_with("T\n+0s is Monday 2026-03-02 08:00:00 UTC\n"), "{told}");
    }

    #[test]
    fn a_state_is_told_again_only_when_it_has_changed() {
        let state = |millis, line: &str| Entry { state_of: Some("MX a".into()), ..entry("sender", 1, millis, line) };
        let entries = [
            state(0, "MX a: mx1"),
            state(900_000, "MX a: mx1"),
            state(1_800_000, "MX a: bogus"),
            state(2_700_000, "MX a: mx1"),
        ];
        let heading = Heading { title: "T", words: None, epoch: Timestamp::from_second(1_772_438_400).unwrap() };
        let told = tell(&heading, &entries);
        assert_eq!(told.matches("MX a").count(), 3, "{told}");
        assert!(!told.contains("+15m"), "{told}");
    }
}
