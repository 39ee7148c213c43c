//! The lines of an SMTP session as a file writes them.

use super::{Malformed, Scalar};

/// One line of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialogueLine {
    /// `C: `: what the client says, without its line end.
    Client(String),
    /// `S: `: how the server's next reply begins, code included.
    Server(String),
}

/// The lines of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialogueLines(pub Vec<DialogueLine>);

impl Scalar for DialogueLines {
    const WHAT: &'static str = "the lines of a session";
    const HELP: &'static str = "begin each line with `C: ` for the client or `S: ` for the server";

    fn parse(text: &str) -> Result<Self, Malformed> {
        let mut lines = Vec::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let content = line.trim_end_matches(['\r', '\n']);
            // An empty line of a message is `C:` with or without a blank.
            lines.push(match (content, content.split_at_checked(3)) {
                ("C:", _) => DialogueLine::Client(String::new()),
                (_, Some(("C: ", said))) => DialogueLine::Client(said.to_owned()),
                (_, Some(("S: ", reply))) => DialogueLine::Server(reply.to_owned()),
                _ => return Err(Malformed::new(start..start + content.len(), "this begins with neither")),
            });
            start += line.len();
        }
        match lines.is_empty() {
            true => Err(Malformed::whole(text, "nobody says anything")),
            false => Ok(Self(lines)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DialogueLine::{Client, Server};
    use super::*;

    #[test]
    fn each_line_has_its_speaker() {
        let check = |text: &str, expected: Result<Vec<DialogueLine>, std::ops::Range<usize>>| {
            let read = DialogueLines::parse(text);
            assert_eq!(read.map(|lines| lines.0).map_err(|wrong| wrong.range), expected, "{text:?}");
        };
        let (client, server) = (|said: &str| Client(said.to_owned()), |reply: &str| Server(reply.to_owned()));
        check("S: 220 mx\nC: QUIT\nS: 221\n", Ok(vec![server("220 mx"), client("QUIT"), server("221")]));
        check("C: a\r\nC:\r\nC: \r\nC:  b ", Ok(vec![client("a"), client(""), client(""), client(" b ")]));
        check("S: 220\nQUIT\n", Err(7..11));
        check("S: 220\n\nC: QUIT\n", Err(7..7));
        check("c: QUIT", Err(0..7));
        check("S:220", Err(0..5));
        check("é", Err(0..2));
        check("", Err(0..0));
    }
}
