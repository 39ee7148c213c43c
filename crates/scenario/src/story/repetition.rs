//! What a story leaves out because it has told it before.
//!
//! An event that recurs has a *state* ([`Event::state`](mxlab_record::Event::state)). It is told in full when its state is
//! another than the last one of the same thing. Otherwise its short form is told
//! ([`Event::again`](mxlab_record::Event::again)), or nothing if it has none. Only this module
//! knows which events the story has told; a restart of the actor changes nothing about that.
//!
//! Moments in which nothing happens but the same repetitions, at equal distances, are told as one passage:
//! `attempts 3 to 25 for bo@fabrikam.example, hourly: same as before (4.7.323)`.

use std::collections::BTreeMap;

use mxlab_record::{Again, Entry};

use super::Moment;

/// The fewest moments in a row that are folded. Two take no more lines one by one.
const FEWEST_FOLDED: usize = 3;

/// How an entry is told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Telling<'a> {
    /// With everything that it says.
    Full(&'a Entry),
    /// As a repetition of what was told before.
    Again(&'a Entry, &'a Again),
}

/// A part of a story with one time above it.
#[derive(Debug)]
pub(super) enum Passage<'a> {
    /// One moment.
    Moment { at: i64, lines: Vec<Telling<'a>> },
    /// Several moments, the first at `from`, one every `every` seconds, the last at `until`, which repeat each other.
    Folded { from: i64, until: i64, every: i64, lines: Vec<Repeated<'a>> },
}

/// A repetition that was repeated.
#[derive(Debug)]
pub(super) struct Repeated<'a> {
    pub(super) actor: &'a str,
    pub(super) first: &'a Again,
    pub(super) last: &'a Again,
}

/// The last state of everything that has one, by actor.
type Known<'a> = BTreeMap<(&'a str, &'a str), &'a str>;

/// The passages of a story: what is told of these moments, and how.
pub(super) fn passages<'a>(moments: &'a [Moment<'a>]) -> Vec<Passage<'a>> {
    let mut known = Known::new();
    let mut told = Vec::new();
    for moment in moments {
        let lines: Vec<_> = moment.entries.iter().filter_map(|entry| telling(entry, &mut known)).collect();
        if !lines.is_empty() {
            told.push((moment, lines));
        }
    }
    fold(told)
}

fn telling<'a>(entry: &'a Entry, known: &mut Known<'a>) -> Option<Telling<'a>> {
    let repeats = entry.state.as_ref().is_some_and(|state| {
        let last = known.insert((&entry.actor, &state.of), &state.is);
        last == Some(state.is.as_str())
    });
    if repeats {
        entry.again.as_ref().map(|again| Telling::Again(entry, again))
    } else {
        (!entry.story.is_empty()).then_some(Telling::Full(entry))
    }
}

fn fold<'a>(told: Vec<(&'a Moment<'a>, Vec<Telling<'a>>)>) -> Vec<Passage<'a>> {
    let mut passages = Vec::new();
    let mut rest = told.as_slice();
    while let Some(((first, lines), others)) = rest.split_first() {
        let length = run_length(rest);
        match (rest.get(length - 1), others.first()) {
            (Some((last, last_lines)), Some((second, _))) if length >= FEWEST_FOLDED => {
                let pairs = repetitions(lines).zip(repetitions(last_lines));
                let lines = pairs.map(|((actor, first), (_, last))| Repeated { actor, first, last }).collect();
                passages.push(Passage::Folded { from: first.at, until: last.at, every: second.at - first.at, lines });
                rest = rest.get(length..).unwrap_or_default();
            }
            _ => {
                passages.push(Passage::Moment { at: first.at, lines: lines.clone() });
                rest = others;
            }
        }
    }
    passages
}

/// How many moments from the first on repeat each other at equal distances; at least 1.
fn run_length(told: &[(&Moment<'_>, Vec<Telling<'_>>)]) -> usize {
    let mut every = None;
    let pairs = told.windows(2).take_while(|pair| {
        let [(before, lines), (after, next_lines)] = pair else { return false };
        let distance = after.at - before.at;
        let quiet = before.is_without_artefacts() && after.is_without_artefacts();
        quiet && *every.get_or_insert(distance) == distance && goes_on(lines, next_lines)
    });
    1 + pairs.count()
}

/// Whether a moment says nothing but what the one before said, counted one further.
fn goes_on(lines: &[Telling<'_>], next_lines: &[Telling<'_>]) -> bool {
    let nothing_else = |lines: &[Telling<'_>]| lines.iter().all(|line| matches!(line, Telling::Again(..)));
    let all_alike = repetitions(lines).zip(repetitions(next_lines)).all(|((actor, before), (next_actor, after))| {
        let next = Again { number: before.number.saturating_add(1), ..before.clone() };
        actor == next_actor && *after == next
    });
    nothing_else(lines) && nothing_else(next_lines) && lines.len() == next_lines.len() && all_alike
}

fn repetitions<'a>(lines: &[Telling<'a>]) -> impl Iterator<Item = (&'a str, &'a Again)> {
    lines.iter().filter_map(|line| match line {
        Telling::Again(entry, again) => Some((&*entry.actor, *again)),
        Telling::Full(_) => None,
    })
}

/// A repetition by itself.
pub(super) fn line(again: &Again) -> String {
    let Again { counted, number, about, says, then } = again;
    format!("{counted} {number} {about}: {says}; {then}")
}

/// Several repetitions, one every `every` seconds.
pub(super) fn folded_line(repeated: &Repeated<'_>, every: i64) -> String {
    let Again { counted, number, about, says, .. } = repeated.first;
    format!("{counted}s {number} to {} {about}, {}: {says}", repeated.last.number, pace(every))
}

fn pace(seconds: i64) -> String {
    match seconds {
        60 => "every minute".to_owned(),
        3_600 => "hourly".to_owned(),
        86_400 => "daily".to_owned(),
        _ => {
            let units = [(seconds / 3_600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
            let words = units.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}"));
            format!("every {}", words.collect::<Vec<_>>().join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, story};
    use super::*;
    use mxlab_record::{Artefact, State};

    /// An entry about something in this state, so many minutes after the epoch.
    fn state(minutes: i64, of: &str, is: &str) -> Entry {
        let state = State { of: of.to_owned(), is: is.to_owned() };
        Entry { state: Some(state), ..entry("sender", 1, minutes * 60_000, &format!("{of} is {is}")) }
    }

    /// An attempt that failed.
    fn attempt(number: u32, minutes: i64, to: &str, is: &str, then: &str) -> Entry {
        let again = Again {
            counted: "attempt",
            number,
            about: format!("for {to}"),
            says: format!("same as before ({is})"),
            then: then.to_owned(),
        };
        Entry { again: Some(again), ..state(minutes, to, is) }
    }

    #[track_caller]
    fn check(entries: &[Entry], expected: &[&str]) {
        let told = story(entries);
        let lines: Vec<_> = told.lines().skip(2).filter(|line| !line.is_empty()).map(str::trim).collect();
        assert_eq!(lines, expected, "{told}");
    }

    #[test]
    fn a_state_is_told_again_only_when_it_has_changed() {
        let a = |minutes, is| state(minutes, "MX a", is);
        check(
            &[a(0, "mx1"), a(15, "mx1"), a(30, "bogus"), a(45, "mx1")],
            &["+0s", "sender  MX a is mx1", "+30m", "sender  MX a is bogus", "+45m", "sender  MX a is mx1"],
        );
        // What one thing is says nothing of another, nor of the same thing as another actor knows it.
        let mut other = a(15, "mx1");
        other.actor = "receiver".into();
        check(
            &[a(0, "mx1"), other, state(15, "MX b", "mx1")],
            &["+0s", "sender    MX a is mx1", "+15m", "receiver  MX a is mx1", "sender    MX b is mx1"],
        );
        // An event that says nothing changes what is known all the same.
        let silent = Entry { story: Vec::new(), ..a(15, "delivered") };
        check(
            &[a(0, "refused"), silent, a(30, "refused")],
            &["+0s", "sender  MX a is refused", "+30m", "sender  MX a is refused"],
        );
    }

    #[test]
    fn a_repetition_is_told_short() {
        check(
            &[attempt(1, 0, "bo", "4.7.323", "next in 15 min"), attempt(2, 15, "bo", "4.7.323", "next in 1 h")],
            &[
                "+0s",
                "sender  bo is 4.7.323",
                "+15m",
                "sender  attempt 2 for bo: same as before (4.7.323); next in 1 h",
            ],
        );
    }

    #[test]
    fn repetitions_at_equal_distances_are_folded() {
        let bo = |number, minutes| attempt(number, minutes, "bo", "4.7.323", "next in 1 h");
        let (first, second) =
            (["+0s", "sender  bo is 4.7.323"], "sender  attempt 2 for bo: same as before (4.7.323); next in 1 h");
        let folded = |to: u32| format!("sender  attempts 3 to {to} for bo, hourly: same as before (4.7.323)");
        check(
            &[bo(1, 0), bo(2, 15), bo(3, 30), bo(4, 90), bo(5, 150)],
            &[&first[..], &["+15m", second, "+30m to +2h30m", &folded(5)]].concat(),
        );
        // Two are not worth it.
        check(
            &[bo(1, 0), bo(3, 60), bo(4, 120)],
            &[
                &first[..],
                &["+1h", "sender  attempt 3 for bo: same as before (4.7.323); next in 1 h"],
                &["+2h", "sender  attempt 4 for bo: same as before (4.7.323); next in 1 h"],
            ]
            .concat(),
        );
        // The last one has something else to say.
        let last = attempt(6, 210, "bo", "4.7.323", "expires in 30 min");
        check(
            &[bo(1, 0), bo(2, 15), bo(3, 30), bo(4, 90), bo(5, 150), last],
            &[
                &first[..],
                &["+15m", second, "+30m to +2h30m", &folded(5)],
                &["+3h30m", "sender  attempt 6 for bo: same as before (4.7.323); expires in 30 min"],
            ]
            .concat(),
        );
    }

    #[test]
    fn what_happens_besides_is_not_folded_away() {
        let bo = |number, minutes| attempt(number, minutes, "bo", "4.7.323", "next in 1 h");
        let times = |entries: &[Entry]| -> Vec<String> {
            story(entries).lines().filter(|line| line.starts_with('+')).skip(1).map(str::to_owned).collect()
        };
        let all = [bo(1, 0), bo(2, 60), bo(3, 120), bo(4, 180), bo(5, 240), bo(6, 300), bo(7, 360)];
        let with = |other: Entry| [&all[..], &[other]].concat();
        assert_eq!(times(&all), ["+0s", "+1h to +6h"]);
        // Another line in one of the moments, or between two of them.
        assert_eq!(times(&with(entry("script", 0, 4 * 3_600_000, "x"))), ["+0s", "+1h to +3h", "+4h", "+5h", "+6h"]);
        assert_eq!(times(&with(entry("script", 0, 4_600_000, "x"))), ["+0s", "+1h", "+1h16m40s", "+2h to +6h"]);
        // An entry without a line does not end the passage.
        let silent = |millis| Entry { story: Vec::new(), ..entry("script", 0, millis, "") };
        assert_eq!(times(&with(silent(4 * 3_600_000))), ["+0s", "+1h to +6h"]);
        assert_eq!(times(&with(silent(4_600_000))), ["+0s", "+1h to +6h"]);
        // An artefact belongs to its moment.
        let artefact = Some(Artefact { title: "NDR".into(), text: "x".into() });
        let shown = with(Entry { artefact, ..silent(4 * 3_600_000) });
        assert_eq!(times(&shown), ["+0s", "+1h to +3h", "+4h", "+5h", "+6h"]);
    }

    #[test]
    fn two_messages_that_wait_alike_are_folded_together() {
        let hourly = |number: u32| {
            let minutes = i64::from(number - 1) * 60;
            ["bo", "cy"].map(|to| attempt(number, minutes, to, "4.7.323", "next in 1 h"))
        };
        check(
            &(1..=5).flat_map(hourly).collect::<Vec<_>>(),
            &[
                "+0s",
                "sender  bo is 4.7.323",
                "sender  cy is 4.7.323",
                "+1h to +4h",
                "sender  attempts 2 to 5 for bo, hourly: same as before (4.7.323)",
                "sender  attempts 2 to 5 for cy, hourly: same as before (4.7.323)",
            ],
        );
    }

    #[test]
    fn paces_in_words() {
        for (seconds, expected) in [
            (60, "every minute"),
            (900, "every 15 min"),
            (3_600, "hourly"),
            (5_400, "every 1 h 30 min"),
            (86_400, "daily"),
            (90, "every 1 min 30 s"),
        ] {
            assert_eq!(pace(seconds), expected);
        }
    }
}
