//! A session typed by hand: a client that says what it is told to say, whatever the protocol allows.
//!
//! It compares each reply with what the file expects there, and stops at the first that is another.

use std::net::SocketAddr;
use std::time::Duration;

use mxlab_env::Env;
use mxlab_mail::smtp::{Reply, Stage};
use mxlab_record::{Event, Fields, Kind, Recorder};
use mxlab_smtp::client::{Broken, Connection, Timeouts};
use tokio::time::Instant;

/// How long the client waits for a connection or a reply.
const PATIENCE: Duration = Duration::from_secs(120);

/// One line of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The client says this. Its line end is added.
    Say(String),
    /// The server's next reply begins so.
    Hear(String),
}

/// A session.
#[derive(Clone, Debug)]
pub struct Dialogue {
    /// Which entry of the script it is, from 0.
    pub entry: usize,
    /// The server.
    pub server: SocketAddr,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// What was said, and how it ended.
#[derive(Debug)]
pub struct Spoken {
    entry: usize,
    /// Each line with its speaker, `C: ` or `S: `.
    lines: Vec<String>,
    /// What came where the file expects something else.
    unlike: Option<String>,
}

impl Spoken {
    /// The kind.
    pub const KIND: Kind = Kind::new("dialogue", &["entry", "lines", "unlike"]);
}

impl Event for Spoken {
    fn kind(&self) -> &'static str {
        Spoken::KIND.name
    }

    fn fields(&self) -> Fields {
        Fields::new()
            .with("entry", i64::try_from(self.entry).unwrap_or(i64::MAX))
            .with("lines", self.lines.clone())
            .with_some("unlike", self.unlike.as_deref())
    }

    fn story(&self) -> Vec<String> {
        self.lines.iter().chain(&self.unlike).cloned().collect()
    }
}

/// Plays the session, and records what was said.
pub async fn play(env: &Env, recorder: &Recorder, dialogue: &Dialogue) {
    let mut spoken = Spoken { entry: dialogue.entry, lines: Vec::new(), unlike: None };
    let timeouts = Timeouts::each(PATIENCE);
    let deadline = Instant::now() + timeouts.attempt;
    match Connection::open(env, dialogue.server, timeouts, deadline).await {
        Ok(mut connection) => {
            for line in &dialogue.lines {
                spoken.unlike = step(&mut connection, line, &mut spoken.lines).await;
                if spoken.unlike.is_some() {
                    break;
                }
            }
        }
        Err(error) => spoken.unlike = Some(format!("there is no session: {error}")),
    }
    recorder.tell(&spoken);
}

/// Plays one line. Returns what came instead, if it is not what the file expects.
async fn step(connection: &mut Connection, line: &Line, spoken: &mut Vec<String>) -> Option<String> {
    match line {
        Line::Say(said) => {
            spoken.push(if said.is_empty() { "C:".to_owned() } else { format!("C: {said}") });
            let sent = connection.say(format!("{said}\r\n").as_bytes(), Stage::Data).await;
            sent.err().map(|error| format!("this cannot be said: {error}"))
        }
        Line::Hear(wanted) => unlike(wanted, connection.reply(Stage::Data).await, spoken),
    }
}

/// What is wrong with a reply: its first line has to begin as the file says.
fn unlike(wanted: &str, reply: Result<Reply, Broken>, spoken: &mut Vec<String>) -> Option<String> {
    let instead = match reply {
        Ok(reply) => {
            let text = String::from_utf8_lossy(&reply.to_wire()).into_owned();
            spoken.extend(text.lines().map(|line| format!("S: {line}")));
            text.lines().next().unwrap_or_default().to_owned()
        }
        Err(error) => error.to_string(),
    };
    (!instead.starts_with(wanted)).then(|| format!("expected a reply that begins `{wanted}`, got `{instead}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_has_to_begin_as_expected() {
        let check = |wanted: &str, reply: Result<Reply, Broken>, expected: Option<&str>| {
            let found = unlike(wanted, reply, &mut Vec::new());
            assert_eq!(found.as_deref(), expected, "{wanted}");
        };
        let greeting = || Reply { lines: vec!["mx".to_owned(), "SIZE".to_owned()], ..Reply::new(250, "") };
        check("250", Ok(greeting()), None);
        check("250-mx", Ok(greeting()), None);
        check("250 mx", Ok(greeting()), Some("expected a reply that begins `250 mx`, got `250-mx`"));
        check("503", Ok(Reply::new(250, "OK")), Some("expected a reply that begins `503`, got `250 OK`"));
        check("250", Err(Broken::Closed), Some("expected a reply that begins `250`, got `connection closed`"));
    }

    #[test]
    fn what_was_said_stands_in_the_record() {
        let spoken = Spoken { entry: 1, lines: vec!["C: QUIT".to_owned()], unlike: Some("no".to_owned()) };
        let fields = spoken.fields();
        assert_eq!(fields.iter().map(|(name, _)| name).collect::<Vec<_>>(), Spoken::KIND.fields);
        assert_eq!(spoken.story(), ["C: QUIT", "no"]);
    }
}
