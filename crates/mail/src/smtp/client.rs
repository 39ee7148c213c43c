//! The client's half of a session, without sockets.
//!
//! [`Capabilities`] reads the answer to EHLO. [`Transaction`] sends one message: it says what to write next and takes each
//! reply; it waits for every reply before it continues (no pipelining), so that every failure has its [`Stage`].
//!
//! ```text
//! while let Step::Write { bytes, .. } = transaction.next_step() {
//!     write(bytes);
//!     transaction.answered(read_reply());
//! }
//! transaction.into_recipients()
//! ```

use crate::address::{Address, ReversePath};
use crate::smtp::{Command, Parameters, Reply, Stage, dot_stuffed};

/// What a server offers: the lines of its answer to EHLO (RFC 5321 §4.1.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    keywords: Vec<(String, String)>,
}

impl Capabilities {
    /// Reads the answer to EHLO; the first line is a greeting. The answer to HELO offers nothing.
    pub fn from_reply(reply: &Reply) -> Capabilities {
        let keyword = |line: &String| {
            let (keyword, arguments) = line.trim().split_once([' ', '=']).unwrap_or((line.trim(), ""));
            (keyword.to_ascii_uppercase(), arguments.to_owned())
        };
        Capabilities { keywords: reply.lines.iter().skip(1).map(keyword).collect() }
    }

    /// Whether the keyword is offered; give it in upper case.
    pub fn has(&self, keyword: &str) -> bool {
        self.arguments(keyword).is_some()
    }

    /// The text after the keyword; give the keyword in upper case.
    pub fn arguments(&self, keyword: &str) -> Option<&str> {
        self.keywords.iter().find(|(name, _)| name == keyword).map(|(_, arguments)| arguments.as_str())
    }

    /// The largest message that the server takes, if it names a limit (RFC 1870 §4: 0 is none).
    pub fn size(&self) -> Option<u64> {
        self.arguments("SIZE")?.trim().parse().ok().filter(|size| *size > 0)
    }
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Write the bytes, read one reply, and give it to [`Transaction::answered`].
    Write {
        /// The stage of the session.
        stage: Stage,
        /// What to write.
        bytes: Vec<u8>,
    },
    /// The message was taken or refused. The connection is ready for `RSET`, another message or `QUIT`.
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Mail,
    Rcpt(usize),
    Data,
    Dot,
    Done,
}

/// One message on its way to one server.
#[derive(Clone, Debug)]
pub struct Transaction {
    from: ReversePath,
    parameters: Parameters,
    recipients: Vec<(Address, Parameters)>,
    decided: Vec<Option<(Stage, Reply)>>,
    message: Vec<u8>,
    next: Next,
}

impl Transaction {
    /// The transaction of a message whose line ends are CRLF; the dots are stuffed here.
    pub fn new(
        from: ReversePath,
        parameters: Parameters,
        recipients: Vec<(Address, Parameters)>,
        message: Vec<u8>,
    ) -> Transaction {
        let decided = vec![None; recipients.len()];
        let next = if recipients.is_empty() { Next::Done } else { Next::Mail };
        Transaction { from, parameters, recipients, decided, message, next }
    }

    /// The most commands that it takes: MAIL, one RCPT for each recipient, DATA, and the message.
    pub fn most_steps(&self) -> usize {
        self.recipients.len().saturating_add(3)
    }

    /// What to do next.
    pub fn next_step(&self) -> Step {
        let (stage, bytes) = match self.next {
            Next::Mail => {
                let command = Command::Mail { from: self.from.clone(), parameters: self.parameters.clone() };
                (Stage::Mail, command.to_wire())
            }
            Next::Rcpt(index) => match self.recipients.get(index) {
                Some((to, parameters)) => {
                    let command = Command::Rcpt { to: to.clone().into(), parameters: parameters.clone() };
                    (Stage::Rcpt, command.to_wire())
                }
                None => return Step::Done,
            },
            Next::Data => (Stage::Data, Command::Data.to_wire()),
            Next::Dot => (Stage::Dot, dot_stuffed(&self.message)),
            Next::Done => return Step::Done,
        };
        Step::Write { stage, bytes }
    }

    /// The reply to what [`next_step`](Transaction::next_step) said to write.
    pub fn answered(&mut self, reply: Reply) {
        self.next = match self.next {
            Next::Mail if reply.is_positive() => Next::Rcpt(0),
            Next::Mail => self.decide_rest(Stage::Mail, reply),
            // RFC 5321 §3.8: with 421 the server closes the connection, whatever it said before.
            Next::Rcpt(_) if reply.code == 421 => self.decide_rest(Stage::Rcpt, reply),
            Next::Rcpt(index) => {
                if !reply.is_positive()
                    && let Some(decided) = self.decided.get_mut(index)
                {
                    *decided = Some((Stage::Rcpt, reply));
                }
                if index + 1 < self.recipients.len() {
                    Next::Rcpt(index + 1)
                } else if self.decided.iter().all(Option::is_some) {
                    Next::Done
                } else {
                    Next::Data
                }
            }
            Next::Data if reply.is_intermediate() => Next::Dot,
            Next::Data => self.decide_rest(Stage::Data, reply),
            Next::Dot => self.decide_rest(Stage::Dot, reply),
            Next::Done => Next::Done,
        };
    }

    fn decide_rest(&mut self, stage: Stage, reply: Reply) -> Next {
        for decided in &mut self.decided {
            decided.get_or_insert_with(|| (stage, reply.clone()));
        }
        Next::Done
    }

    /// For each recipient, in their order, the reply that decided and where it fell. A positive one is always that to the
    /// final dot: the server has the message. None if the transaction was given up before there was a reply.
    pub fn into_recipients(self) -> Vec<(Address, Option<(Stage, Reply)>)> {
        self.recipients.into_iter().map(|(to, _)| to).zip(self.decided).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays `replies` against a transaction to two recipients, and gives up when there are no more; expected are what was
    /// written and the outcome.
    #[track_caller]
    fn check(replies: &[&str], written: &[&str], expected: &[&str]) {
        let address = |text: &str| text.parse::<Address>().expect("an address");
        let recipients =
            vec![(address("bo@b.example"), Parameters::new()), (address("cy@b.example"), Parameters::new())];
        let parameters = Parameters::new().with("SIZE", "10");
        let mut transaction =
            Transaction::new(address("a@a.example").into(), parameters, recipients, b".x\r\n".to_vec());
        let mut replies = replies.iter();
        let mut seen = Vec::new();
        while let Step::Write { bytes, .. } = transaction.next_step() {
            seen.push(String::from_utf8(bytes).expect("text"));
            let Some(reply) = replies.next() else { break };
            transaction.answered(reply.parse().expect("a reply"));
        }
        assert_eq!(seen, written);
        assert!(seen.len() <= transaction.most_steps());
        assert_eq!(replies.next(), None);
        let outcome = transaction.into_recipients().into_iter().map(|(to, decided)| match decided {
            Some((stage, reply)) => format!("{to} {stage} {reply}"),
            None => format!("{to} undecided"),
        });
        let outcome: Vec<_> = outcome.collect();
        assert_eq!(outcome, expected);
    }

    const MAIL: &str = "MAIL FROM:<a@a.example> SIZE=10\r\n";
    const BO: &str = "RCPT TO:<bo@b.example>\r\n";
    const CY: &str = "RCPT TO:<cy@b.example>\r\n";

    #[test]
    fn transactions() {
        check(
            &["250 ok", "250 ok", "250 ok", "354 go", "250 2.6.0 taken"],
            &[MAIL, BO, CY, "DATA\r\n", "..x\r\n.\r\n"],
            &["bo@b.example dot 250 2.6.0 taken", "cy@b.example dot 250 2.6.0 taken"],
        );
        check(
            &["250 ok", "550 5.1.1 no", "250 ok", "354 go", "452 4.3.1 full"],
            &[MAIL, BO, CY, "DATA\r\n", "..x\r\n.\r\n"],
            &["bo@b.example rcpt 550 5.1.1 no", "cy@b.example dot 452 4.3.1 full"],
        );
        check(
            &["250 ok", "550 5.1.1 no", "450 4.2.0 later"],
            &[MAIL, BO, CY],
            &["bo@b.example rcpt 550 5.1.1 no", "cy@b.example rcpt 450 4.2.0 later"],
        );
        check(
            &["250 ok", "250 ok", "421 4.3.2 closing"],
            &[MAIL, BO, CY],
            &["bo@b.example rcpt 421 4.3.2 closing", "cy@b.example rcpt 421 4.3.2 closing"],
        );
        check(
            &["250 ok", "421 4.3.2 closing"],
            &[MAIL, BO],
            &["bo@b.example rcpt 421 4.3.2 closing", "cy@b.example rcpt 421 4.3.2 closing"],
        );
        check(&["250 ok"], &[MAIL, BO], &["bo@b.example undecided", "cy@b.example undecided"]);
        check(
            &["250 ok", "550 5.1.1 no", "250 ok"],
            &[MAIL, BO, CY, "DATA\r\n"],
            &["bo@b.example rcpt 550 5.1.1 no", "cy@b.example undecided"],
        );
        check(&["451 4.7.1 no"], &[MAIL], &["bo@b.example mail 451 4.7.1 no", "cy@b.example mail 451 4.7.1 no"]);
        check(
            &["250 ok", "250 ok", "250 ok", "554 5.5.1 no"],
            &[MAIL, BO, CY, "DATA\r\n"],
            &["bo@b.example data 554 5.5.1 no", "cy@b.example data 554 5.5.1 no"],
        );
    }

    #[test]
    fn capabilities() {
        let reply: Reply = "250-mx1 STARTTLS\n250-SIZE 100\n250-starttls\n250 AUTH=LOGIN".parse().expect("a reply");
        let capabilities = Capabilities::from_reply(&reply);
        assert!(capabilities.has("STARTTLS") && capabilities.has("AUTH") && !capabilities.has("DSN"));
        assert_eq!(capabilities.size(), Some(100));
        assert_eq!(Capabilities::from_reply(&"250 mx1".parse().expect("a reply")), Capabilities::default());
    }
}
