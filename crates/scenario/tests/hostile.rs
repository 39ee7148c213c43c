//! Text that came from outside cannot do anything to whoever reads a record: for every declared kind of event, with hostile
//! text wherever an event has text.

use jiff::Timestamp;
use mxlab_record::escape::MOST_SHOWN;
use mxlab_record::{Again, Artefact, Event, Fields, Journal, Kind, State, Value};
use mxlab_scenario::story::{self, Heading};

/// What a message, a name or a DNS record may hold.
fn hostile_texts() -> Vec<String> {
    vec![
        "x\n  receiver  takes the message, into the inbox".to_owned(),
        "x\r\n\r\n+1h\r\n".to_owned(),
        "\u{1b}[2J\u{1b}]0;title\u{7}\u{8}\u{8}".to_owned(),
        "\u{9b}31m\u{85}\u{90}".to_owned(),
        "\u{202e}desrever\u{202c}\u{2066}\u{2069}\u{200f}\u{61c}".to_owned(),
        "\u{2028}\u{2029}\u{b}\u{c}".to_owned(),
        "\0\u{7f}\u{feff}\u{e0041}".to_owned(),
        "endless ".repeat(MOST_SHOWN),
    ]
}

/// An event of a kind with the same text everywhere.
struct Everywhere<'a> {
    kind: Kind,
    text: &'a str,
}

impl Event for Everywhere<'_> {
    fn kind(&self) -> &'static str {
        self.kind.name
    }

    fn fields(&self) -> Fields {
        let values = |number: usize| match number % 2 {
            0 => Value::from(self.text),
            _ => Value::List(vec![self.text.into(), Value::List(vec![self.text.into()])]),
        };
        let fields = self.kind.fields.iter().enumerate();
        fields.fold(Fields::new(), |fields, (number, field)| fields.with(field, values(number)))
    }

    fn story(&self) -> Vec<String> {
        vec![self.text.to_owned(); 2]
    }

    fn because(&self) -> Vec<String> {
        vec![self.text.to_owned(); 2]
    }

    fn state(&self) -> Option<State> {
        Some(State { of: self.text.to_owned(), is: self.text.to_owned() })
    }

    fn again(&self) -> Option<Again> {
        let text = || self.text.to_owned();
        Some(Again { counted: "attempt", number: 1, about: text(), says: text(), then: text() })
    }

    fn artefact(&self) -> Option<Artefact> {
        Some(Artefact { title: self.text.to_owned(), text: self.text.replace('\n', " ") })
    }
}

/// Whether a character does something else than be seen.
fn acts(character: char) -> bool {
    let direction =
        matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let unseen = matches!(character, '\u{2028}' | '\u{2029}' | '\u{200b}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    character.is_control() || direction || unseen
}

/// The story of two events of a kind, with this text everywhere, and their lines in the record.
fn told(kind: Kind, text: &str) -> (String, Vec<String>) {
    let env = mxlab_env::real::env(".");
    let journal = Journal::new(10);
    let recorder = journal.recorder(&env, "receiver", 1);
    recorder.tell(&Everywhere { kind, text });
    recorder.tell(&Everywhere { kind, text });
    let mut entries = journal.entries();
    let epoch = Timestamp::UNIX_EPOCH;
    for entry in &mut entries {
        entry.moment = epoch;
    }
    let story = story::tell(&Heading { title: "T", words: None, epoch }, &entries);
    (story, entries.iter().map(mxlab_record::Entry::canonical).collect())
}

#[test]
fn no_event_shows_hostile_text_as_it_came() {
    for kind in mxlab_scenario::kinds() {
        let (harmless, _) = told(kind, "harmless");
        for text in hostile_texts() {
            let (story, lines) = told(kind, &text);
            assert_eq!(story.lines().count(), harmless.lines().count(), "{}: {story}", kind.name);
            assert_eq!(story.find(|c| c != '\n' && acts(c)), None, "{}: {story:?}", kind.name);
            for line in &lines {
                assert_eq!(line.find(acts), None, "{}: {line:?}", kind.name);
                assert!(!line.contains(&text), "{}: {line}", kind.name);
            }
        }
    }
}

/// All kinds are tried, and each has fields; else the test above would show nothing.
#[test]
fn every_kind_has_fields() {
    let kinds = mxlab_scenario::kinds();
    assert!(kinds.len() > 30, "{}", kinds.len());
    assert!(kinds.iter().all(|kind| !kind.fields.is_empty()));
}
