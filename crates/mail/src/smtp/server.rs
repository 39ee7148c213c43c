//! The server's half of a session, without sockets and without policy.
//!
//! [`Session`] knows the grammar, the order of commands (RFC 5321 §4.1.4), the limits and the data phase. Each time a
//! reply is a matter of policy, it asks its owner a [`Question`]; the owner answers with any [`Reply`], or accepts with
//! the usual one. The first digit decides how the session continues, so a scripted host may answer anything.
//!
//! ```text
//! loop { match session.next_action() {
//!     Action::Read                => session.receive(read()),        // or session.end_of_input()
//!     Action::Write(bytes)        => write(bytes),
//!     Action::Ask(question)       => session.accept(),               // or session.answer(reply)
//!     Action::StartTls            => { handshake(); session.tls_established() }
//!     Action::Close(reason)       => break,
//! } }
//! ```
//!
//! Plaintext in the buffer after STARTTLS is discarded unread, and the session is closed: somebody on the path may have
//! put it there to have it executed inside TLS (CVE-2011-0411). Replies to pipelined commands are written together
//! (RFC 2920 §3.2).

mod transaction;

use std::collections::VecDeque;

use crate::address::{Address, ReversePath};
use crate::smtp::command::MAX_LINE;
use crate::smtp::{Class, Command, CommandError, DataReader, EnhancedCode, Parameters, Reply, Stage};
use transaction::Pending;
pub use transaction::{Delivery, Envelope};

/// The EHLO keywords of a server that takes mail as most do today: RFC 2920, 6152, 3030, 6531, 3461. STARTTLS and SIZE
/// are settings of their own.
pub const EXTENSIONS: [&str; 5] = ["PIPELINING", "8BITMIME", "CHUNKING", "SMTPUTF8", "DSN"];

/// The same without those that a server can offer only if it can also pass them on to the next one (RFC 6531 §3.2, RFC 3461
/// §4). Our outbound engine passes on neither.
pub const EXTENSIONS_OF_SUBMISSION: [&str; 3] = ["PIPELINING", "8BITMIME", "CHUNKING"];

/// How a server presents itself, and its limits.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server's full name, in greeting and EHLO answer.
    pub name: String,
    /// The keywords of the EHLO answer, without SIZE and STARTTLS: `PIPELINING`, `8BITMIME`, …
    pub extensions: Vec<String>,
    /// Whether STARTTLS is offered (as long as TLS is not in use).
    pub starttls: bool,
    /// The value of the SIZE keyword; `None` leaves it out.
    pub size: Option<u64>,
    /// The largest message that is kept, in octets, whether or not SIZE announces it.
    pub max_message: usize,
    /// The most recipients of one message (RFC 5321 §4.5.3.1.8 requires at least 100).
    pub max_recipients: usize,
    /// After this many erroneous commands the session ends.
    pub max_errors: usize,
    /// After so many commands since the last message, or since the beginning, the session ends.
    pub max_commands: usize,
}

impl Settings {
    /// The usual server called `name`: PIPELINING, 8BITMIME, CHUNKING, SMTPUTF8, DSN, ENHANCEDSTATUSCODES, STARTTLS.
    pub fn new(name: impl Into<String>) -> Settings {
        Settings::offering(name, &EXTENSIONS)
    }

    /// A server called `name` with these extensions, STARTTLS, and ENHANCEDSTATUSCODES, because its replies have them.
    pub fn offering(name: impl Into<String>, extensions: &[&str]) -> Settings {
        let extensions = extensions.iter().copied().chain(["ENHANCEDSTATUSCODES"]);
        Settings {
            name: name.into(),
            extensions: extensions.map(str::to_owned).collect(),
            starttls: true,
            size: None,
            max_message: 64 * 1024 * 1024,
            max_recipients: 1_000,
            max_errors: 20,
            max_commands: 10_000,
        }
    }

    fn offers(&self, keyword: &str) -> bool {
        self.extensions.iter().any(|line| line.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case(keyword)))
    }
}

/// Who the client says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The argument of EHLO or HELO.
    pub name: String,
    /// Whether it was EHLO.
    pub extended: bool,
}

/// What the session asks its owner. The reply's first digit decides: 2 (or 3 for `Data`) continues, 421 ends the
/// session, anything else refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The client has connected. Usual: 220.
    Banner,
    /// EHLO or HELO. Usual: 250 with the extensions.
    Hello(Hello),
    /// STARTTLS, offered and in a valid place. Usual: 220.
    StartTls,
    /// MAIL. Usual: 250 2.1.0.
    Mail {
        /// The reverse-path.
        from: ReversePath,
        /// The parameters.
        parameters: Parameters,
    },
    /// RCPT. Usual: 250 2.1.5.
    Rcpt {
        /// The recipient; the bare `<Postmaster>` is that of the server's name.
        to: Address,
        /// The parameters.
        parameters: Parameters,
    },
    /// DATA after at least one accepted recipient. Usual: 354.
    Data,
    /// The whole message has come in. Usual: 250 2.6.0.
    Message(Delivery),
    /// QUIT. Usual: 221. The session ends whatever the reply is.
    Quit,
}

impl Question {
    /// Where in the session it is asked.
    pub fn stage(&self) -> Stage {
        match self {
            Question::Banner => Stage::Banner,
            Question::Hello(_) => Stage::Ehlo,
            Question::StartTls => Stage::StartTls,
            Question::Mail { .. } => Stage::Mail,
            Question::Rcpt { .. } => Stage::Rcpt,
            Question::Data => Stage::Data,
            Question::Message(_) => Stage::Dot,
            Question::Quit => Stage::Quit,
        }
    }
}

/// What the owner does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Read from the client, and give it to [`Session::receive`].
    Read,
    /// Write to the client.
    Write(Vec<u8>),
    /// Decide, and [`Session::accept`] or [`Session::answer`].
    Ask(Question),
    /// Do the TLS handshake as the server, then call [`Session::tls_established`].
    StartTls,
    /// Close the connection; everything has been written.
    Close(CloseReason),
}

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The client said QUIT.
    #[error("QUIT")]
    Quit,
    /// The owner answered 421, or refused at the banner with 5xx and the client continued.
    #[error("the server closed the session")]
    Refused,
    /// There was plaintext after STARTTLS.
    #[error("plaintext behind STARTTLS")]
    PlaintextBehindStartTls,
    /// Too many commands were erroneous.
    #[error("too many errors")]
    TooManyErrors,
    /// Too many commands brought no message.
    #[error("too many commands")]
    TooManyCommands,
    /// A command line exceeded every limit.
    #[error("endless command line")]
    LineTooLong,
    /// The client closed the connection without QUIT.
    #[error("the client closed the connection")]
    EndOfInput,
}

/// The state of the session.
#[derive(Clone, Debug)]
enum State {
    /// Nothing has been said.
    Fresh,
    /// Commands are read.
    Commands,
    /// The owner has to answer.
    Asking(Question),
    /// A message is read.
    Data(DataReader),
    /// A chunk of BDAT is being read; this many octets are missing.
    Chunk { left: u64, last: bool, keep: bool },
    /// The owner does the handshake.
    Handshake,
    /// All is over.
    Closing(CloseReason),
}

/// A session with one client.
#[derive(Clone, Debug)]
pub struct Session {
    settings: Settings,
    state: State,
    input: VecDeque<u8>,
    output: Vec<u8>,
    hello: Option<Hello>,
    pending: Option<Pending>,
    tls: bool,
    errors: usize,
    commands: usize,
    ended: bool,
}

impl Session {
    /// A session whose client has just connected.
    pub fn new(settings: Settings) -> Session {
        Session {
            settings,
            state: State::Fresh,
            input: VecDeque::new(),
            output: Vec::new(),
            hello: None,
            pending: None,
            tls: false,
            errors: 0,
            commands: 0,
            ended: false,
        }
    }

    /// Whether TLS is in use.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// How the client has introduced itself, if it has.
    pub fn hello(&self) -> Option<&Hello> {
        self.hello.as_ref()
    }

    /// The reverse-path of the running transaction.
    pub fn reverse_path(&self) -> Option<&ReversePath> {
        self.pending.as_ref().map(|pending| &pending.from)
    }

    /// Takes bytes from the client. Give it the bytes of one read, and do what [`next_action`](Session::next_action)
    /// says before the next read: then no more than one read is ever buffered.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.input.extend(bytes);
    }

    /// The client has closed its side.
    pub fn end_of_input(&mut self) {
        self.ended = true;
    }

    /// The handshake is done: everything before it is forgotten (RFC 3207 §4.2).
    pub fn tls_established(&mut self) {
        if matches!(self.state, State::Handshake) {
            self.tls = true;
            self.hello = None;
            self.pending = None;
            self.state = State::Commands;
        }
    }

    /// What to do next.
    pub fn next_action(&mut self) -> Action {
        loop {
            match &mut self.state {
                State::Fresh => self.state = State::Asking(Question::Banner),
                State::Asking(question) => return Action::Ask(question.clone()),
                State::Handshake if self.output.is_empty() => return Action::StartTls,
                State::Closing(reason) if self.output.is_empty() => return Action::Close(*reason),
                State::Handshake | State::Closing(_) => return self.flush(),
                State::Commands => match self.take_line() {
                    Ok(Some(line)) => self.command(&line),
                    Ok(None) => return self.wait(),
                    Err(()) => self.close(refusal(500, 5, 2, "Line too long"), CloseReason::LineTooLong),
                },
                State::Data(reader) => {
                    let taken = reader.push(self.input.make_contiguous());
                    self.input.drain(..taken);
                    if !reader.is_done() {
                        return self.wait();
                    }
                    self.data_complete();
                }
                State::Chunk { left, last, keep } => {
                    let take = usize::try_from(*left).unwrap_or(usize::MAX).min(self.input.len());
                    *left -= take as u64;
                    let (done, last, keep) = (*left == 0, *last, *keep);
                    let bytes: Vec<u8> = self.input.drain(..take).collect();
                    if keep {
                        self.keep_chunk(&bytes);
                    }
                    if !done {
                        return self.wait();
                    }
                    self.chunk_complete(last, keep);
                }
            }
        }
    }

    /// Answers the question with the usual reply.
    pub fn accept(&mut self) {
        let State::Asking(question) = &self.state else { return };
        let name = &self.settings.name;
        let reply = match question {
            Question::Banner => Reply::new(220, format!("{name} ESMTP")),
            Question::Hello(hello) => self.hello_reply(hello),
            Question::StartTls => success(220, 0, 0, "Ready to start TLS"),
            Question::Mail { .. } => success(250, 1, 0, "Sender OK"),
            Question::Rcpt { .. } => success(250, 1, 5, "Recipient OK"),
            Question::Data => Reply::new(354, "Start mail input; end with <CRLF>.<CRLF>"),
            Question::Message(_) => queued(),
            Question::Quit => success(221, 0, 0, "Service closing transmission channel"),
        };
        self.answer(reply);
    }

    /// Answers the question with `reply`.
    pub fn answer(&mut self, reply: Reply) {
        let State::Asking(question) = std::mem::replace(&mut self.state, State::Commands) else { return };
        let positive = reply.is_positive();
        let closes = reply.code == 421;
        let intermediate = reply.is_intermediate();
        self.say(reply);
        if matches!(question, Question::Message(_)) {
            self.commands = 0;
        }
        match question {
            Question::Quit => self.state = State::Closing(CloseReason::Quit),
            _ if closes => self.state = State::Closing(CloseReason::Refused),
            Question::Hello(hello) if positive => {
                // RFC 5321 §4.1.4: EHLO also does what RSET does.
                self.hello = Some(hello);
                self.pending = None;
            }
            Question::StartTls if positive => self.start_tls(),
            Question::Mail { from, parameters } if positive => {
                self.pending = Some(Pending::new(from, parameters));
            }
            Question::Rcpt { to, parameters } if positive => {
                if let Some(pending) = &mut self.pending {
                    pending.recipients.push((to, parameters));
                }
            }
            Question::Data if intermediate => {
                self.state = State::Data(DataReader::new(self.settings.max_message));
            }
            Question::Banner | Question::Hello(_) | Question::StartTls => {}
            Question::Mail { .. } | Question::Rcpt { .. } | Question::Data | Question::Message(_) => {}
        }
    }

    /// The usual answer to EHLO or HELO; a scripted host may take it and change it.
    pub fn hello_reply(&self, hello: &Hello) -> Reply {
        let mut reply = Reply::new(250, self.settings.name.clone());
        if hello.extended {
            if let Some(size) = self.settings.size {
                reply.lines.push(if size == 0 { "SIZE".to_owned() } else { format!("SIZE {size}") });
            }
            reply.lines.extend(self.settings.extensions.iter().cloned());
            // RFC 3207 §4.2: not offered within TLS.
            if self.settings.starttls && !self.tls {
                reply.lines.push("STARTTLS".to_owned());
            }
        }
        reply
    }

    fn say(&mut self, reply: Reply) {
        self.output.extend(reply.to_wire());
    }

    fn close(&mut self, last_words: Reply, reason: CloseReason) {
        self.say(last_words);
        self.state = State::Closing(reason);
    }

    /// An erroneous command, and its reply.
    fn fault(&mut self, reply: Reply) {
        self.errors += 1;
        self.say(reply);
        if self.errors >= self.settings.max_errors {
            let words = Reply::enhanced(421, EnhancedCode::new(Class::Transient, 7, 0), "Too many errors");
            self.close(words, CloseReason::TooManyErrors);
        }
    }

    fn flush(&mut self) -> Action {
        Action::Write(std::mem::take(&mut self.output))
    }

    /// Nothing more can be done without the client: write what is to be written, or read.
    fn wait(&mut self) -> Action {
        if !self.output.is_empty() {
            return self.flush();
        }
        if self.ended {
            self.state = State::Closing(CloseReason::EndOfInput);
            return Action::Close(CloseReason::EndOfInput);
        }
        Action::Read
    }

    /// The next command line without its line end. Only CRLF ends one (RFC 5321 §2.3.8); a bare LF stays in the line, and
    /// the grammar refuses it.
    fn take_line(&mut self) -> Result<Option<Vec<u8>>, ()> {
        let bytes = self.input.make_contiguous();
        let window = &bytes[..bytes.len().min(2 * MAX_LINE)];
        match window.windows(2).position(|pair| pair == b"\r\n") {
            Some(end) => {
                let line = bytes[..end].to_vec();
                self.input.drain(..end + 2);
                Ok(Some(line))
            }
            None if window.len() == 2 * MAX_LINE => Err(()),
            None => Ok(None),
        }
    }

    fn command(&mut self, line: &[u8]) {
        self.commands += 1;
        if self.commands > self.settings.max_commands {
            let words = Reply::enhanced(421, EnhancedCode::new(Class::Transient, 7, 0), "Too many commands");
            return self.close(words, CloseReason::TooManyCommands);
        }
        let command = match Command::parse(line) {
            Ok(command) => command,
            Err(error) => return self.fault(syntax_reply(&error)),
        };
        match command {
            Command::Ehlo(name) => self.ask(Question::Hello(Hello { name, extended: true })),
            Command::Helo(name) => self.ask(Question::Hello(Hello { name, extended: false })),
            Command::Noop => self.say(success(250, 0, 0, "OK")),
            Command::Quit => self.ask(Question::Quit),
            Command::Rset => {
                self.pending = None;
                self.say(success(250, 0, 0, "Resetting"));
            }
            // RFC 5321 §3.5.3: 252 reveals nothing.
            Command::Vrfy(_) => self.say(success(252, 1, 5, "Cannot VRFY user")),
            Command::StartTls => self.starttls_command(),
            Command::Mail { from, parameters } => self.mail_command(from, parameters),
            Command::Rcpt { to, parameters } => self.rcpt_command(to, parameters),
            Command::Data => self.data_command(),
            Command::Bdat { size, last } => self.bdat_command(size, last),
        }
    }

    fn ask(&mut self, question: Question) {
        self.state = State::Asking(question);
    }

    fn starttls_command(&mut self) {
        if !self.settings.starttls {
            self.fault(refusal(502, 5, 1, "STARTTLS not supported"));
        } else if self.tls {
            self.fault(refusal(503, 5, 1, "TLS already in use"));
        } else if self.pending.is_some() {
            self.fault(refusal(503, 5, 1, "STARTTLS within a transaction"));
        } else {
            self.ask(Question::StartTls);
        }
    }

    fn start_tls(&mut self) {
        if self.input.is_empty() {
            self.state = State::Handshake;
            return;
        }
        // The client was not to send anything before the reply (RFC 3207 §4), so this is not from the client, or the
        // client is malicious.
        self.input.clear();
        self.output.clear();
        self.close(refusal(554, 5, 1, "Plaintext behind STARTTLS"), CloseReason::PlaintextBehindStartTls);
    }
}

/// The usual reply to a message that is taken.
pub fn queued() -> Reply {
    success(250, 6, 0, "Queued mail for delivery")
}

fn success(code: u16, subject: u16, detail: u16, text: &str) -> Reply {
    Reply::enhanced(code, EnhancedCode::new(Class::Success, subject, detail), text)
}

fn refusal(code: u16, subject: u16, detail: u16, text: &str) -> Reply {
    Reply::enhanced(code, EnhancedCode::new(Class::Permanent, subject, detail), text)
}

fn too_large() -> Reply {
    refusal(552, 3, 4, "Message size exceeds fixed maximum message size")
}

/// RFC 5321 §4.2.4 and RFC 3463 §3.6: 500 for verbs, 501 for arguments.
fn syntax_reply(error: &CommandError) -> Reply {
    match error {
        CommandError::Unknown { .. } => refusal(500, 5, 1, "Unrecognized command"),
        CommandError::NotText | CommandError::TooLong => refusal(500, 5, 2, "Syntax error"),
        CommandError::Arguments { .. } => refusal(501, 5, 4, "Syntax error in parameters or arguments"),
        CommandError::Path { verb: "MAIL", .. } => refusal(501, 1, 7, "Invalid address"),
        CommandError::Path { .. } => refusal(501, 1, 3, "Invalid address"),
    }
}

#[cfg(test)]
mod tests;
