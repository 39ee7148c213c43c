//! Damaged files: whatever a file contains, reading it ends with a result or diagnostics.

mod common;

use common::{BEHAVIOURS, files, worlds};
use mxlab_language::read;
use proptest::prelude::*;

/// The text that is inserted into a file.
const PIECES: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'''",
    "\n",
    "=",
    ".",
    "{mx1}",
    "{how}",
    "{spki:",
    "+1h",
    "-",
    "\u{e9}",
    "\r\n",
    "#",
    "\\",
    "true",
    "99999999999999999999",
    "[[at]]",
    "[variants]\nx = [1, 2]\n",
    "\t",
    "\0",
];

/// A change of a text.
#[derive(Clone, Debug)]
enum Damage {
    Cut(prop::sample::Index, usize),
    Insert(prop::sample::Index, &'static str),
    Repeat(prop::sample::Index, usize, prop::sample::Index),
    Replace(prop::sample::Index, char),
    /// Another value for one of the keys.
    Value(prop::sample::Index, &'static str),
}

/// Values of all types.
const VALUES: [&str; 17] = [
    "1",
    "-1",
    "5000000000",
    "99999999999999999999",
    "1.5",
    "true",
    "\"x\"",
    "\"\"",
    "\"{how}\"",
    "\"{x\"",
    "[]",
    "{}",
    "[1, \"a\", {}]",
    "{ a = 1 }",
    "2026-03-02",
    "2026-03-02T08:00:00Z",
    "08:00:00",
];

fn damage() -> impl Strategy<Value = Damage> {
    use prop::sample::{Index, select};
    prop_oneof![
        1 => (any::<Index>(), 1..40usize).prop_map(|(at, length)| Damage::Cut(at, length)),
        1 => (any::<Index>(), select(&PIECES[..])).prop_map(|(at, piece)| Damage::Insert(at, piece)),
        1 => (any::<Index>(), 1..80usize, any::<Index>()).prop_map(|(at, length, to)| Damage::Repeat(at, length, to)),
        1 => (any::<Index>(), any::<char>()).prop_map(|(at, with)| Damage::Replace(at, with)),
        4 => (any::<Index>(), select(&VALUES[..])).prop_map(|(at, value)| Damage::Value(at, value)),
    ]
}

fn damaged(text: &str, changes: &[Damage]) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for change in changes {
        let length = characters.len();
        if length == 0 {
            break;
        }
        match change {
            Damage::Cut(at, count) => {
                let at = at.index(length);
                characters.drain(at..(at + count).min(length));
            }
            Damage::Insert(at, piece) => {
                let at = at.index(length);
                characters.splice(at..at, piece.chars());
            }
            Damage::Repeat(at, count, to) => {
                let at = at.index(length);
                let piece = characters[at..(at + count).min(length)].to_vec();
                let to = to.index(length);
                characters.splice(to..to, piece);
            }
            Damage::Replace(at, with) => characters[at.index(length)] = *with,
            Damage::Value(at, value) => replace_value(&mut characters, *at, value),
        }
    }
    characters.into_iter().collect()
}

/// Replaces a value on one line by `value`.
fn replace_value(characters: &mut Vec<char>, at: prop::sample::Index, value: &str) {
    let keys: Vec<usize> = (0..characters.len()).filter(|at| characters[*at] == '=').collect();
    if keys.is_empty() {
        return;
    }
    let start = keys[at.index(keys.len())] + 1;
    let mut depth = 0;
    let length = characters[start..].iter().position(|c| {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            _ => {}
        }
        depth < 0 || *c == '\n' || (*c == ',' && depth == 0)
    });
    let end = start + length.unwrap_or(characters.len() - start);
    characters.splice(start..end, format!(" {value}").chars());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        rng_seed: prop::test_runner::RngSeed::Fixed(7),
        ..ProptestConfig::default()
    })]

    #[test]
    fn damaged_files_are_refused_or_read(file in 0..15usize, changes in prop::collection::vec(damage(), 1..5)) {
        let text = damaged(&files()[file].1, &changes);
        match read("damaged.toml", &text, &worlds(), BEHAVIOURS) {
            Ok(loaded) => {
                prop_assert!(!loaded.cells.is_empty());
                prop_assert!(!loaded.warnings.has_errors());
                loaded.warnings.render(true);
            }
            Err(mistakes) => {
                prop_assert!(mistakes.has_errors());
                let shown = mistakes.to_string();
                prop_assert!(!shown.contains("internal error"), "{shown}");
                let places: Vec<_> = mistakes.items().iter().map(|item| item.primary.span).collect();
                prop_assert!(places.is_sorted(), "in the order of the file");
            }
        }
    }
}
