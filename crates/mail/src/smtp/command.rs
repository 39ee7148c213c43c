//! Commands of an SMTP client (RFC 5321 §4.1) and the parameters of its extensions.
//!
//! A command is one line of at most 512 octets; extensions make it longer (RFC 5321 §4.5.3.1.4, RFC 3461 §5.4,
//! RFC 6531 §3.4). `MAIL` and `RCPT` carry parameters, `KEYWORD` or `KEYWORD=value`, which are kept as they came.

use std::fmt;

use crate::address::{self, Address, AddressError, ReversePath};

/// The longest command line that is read, in octets without its line end.
pub const MAX_LINE: usize = 2_048;
/// The most parameters of one command.
pub const MAX_PARAMETERS: usize = 32;

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `EHLO name`.
    Ehlo(String),
    /// `HELO name`.
    Helo(String),
    /// `STARTTLS` (RFC 3207).
    StartTls,
    /// `MAIL FROM:<path> parameters`.
    Mail {
        /// The reverse-path.
        from: ReversePath,
        /// What follows it.
        parameters: Parameters,
    },
    /// `RCPT TO:<path> parameters`.
    Rcpt {
        /// The forward-path.
        to: ForwardPath,
        /// What follows it.
        parameters: Parameters,
    },
    /// `DATA`.
    Data,
    /// `BDAT size [LAST]` (RFC 3030 §2): so many octets follow the line.
    Bdat {
        /// The octets of the chunk.
        size: u64,
        /// Whether it is the last chunk of the message.
        last: bool,
    },
    /// `RSET`.
    Rset,
    /// `NOOP`, with or without a word.
    Noop,
    /// `VRFY text`.
    Vrfy(String),
    /// `QUIT`.
    Quit,
}

/// Whom a `RCPT` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForwardPath {
    /// `<Postmaster>` without a domain: the postmaster of the server itself (RFC 5321 §4.1.1.3).
    Postmaster,
    /// `<local@domain>`.
    Address(Address),
}

impl From<Address> for ForwardPath {
    fn from(address: Address) -> ForwardPath {
        ForwardPath::Address(address)
    }
}

impl fmt::Display for ForwardPath {
    /// With angle brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ForwardPath::Postmaster => f.write_str("<Postmaster>"),
            ForwardPath::Address(address) => write!(f, "<{address}>"),
        }
    }
}

/// The parameters of a `MAIL` or `RCPT`: keywords in upper case, values as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, Option<String>)>);

impl Parameters {
    /// No parameters.
    pub fn new() -> Parameters {
        Parameters::default()
    }

    /// Adds `KEYWORD=value`.
    #[must_use]
    pub fn with(mut self, keyword: &str, value: impl Into<String>) -> Parameters {
        self.0.push((keyword.to_ascii_uppercase(), Some(value.into())));
        self
    }

    /// Adds `KEYWORD`.
    #[must_use]
    pub fn with_keyword(mut self, keyword: &str) -> Parameters {
        self.0.push((keyword.to_ascii_uppercase(), None));
        self
    }

    /// Whether the keyword is there; give it in upper case.
    pub fn has(&self, keyword: &str) -> bool {
        self.0.iter().any(|(name, _)| name == keyword)
    }

    /// The value of a keyword that has one; give it in upper case.
    pub fn value(&self, keyword: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == keyword)?.1.as_deref()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(keyword, value)| (keyword.as_str(), value.as_deref()))
    }

    /// `SIZE=`: the octets that the client means to send (RFC 1870 §6).
    pub fn size(&self) -> Option<u64> {
        self.value("SIZE")?.parse().ok()
    }

    /// `BODY=`: `7BIT`, `8BITMIME` or `BINARYMIME` (RFC 6152, RFC 3030).
    pub fn body(&self) -> Option<&str> {
        self.value("BODY")
    }

    /// `SMTPUTF8` (RFC 6531 §3.4).
    pub fn smtputf8(&self) -> bool {
        self.has("SMTPUTF8")
    }

    /// `RET=`: `FULL` or `HDRS` (RFC 3461 §4.3).
    pub fn ret(&self) -> Option<&str> {
        self.value("RET")
    }

    /// `ENVID=`, still in xtext (RFC 3461 §4.4).
    pub fn envid(&self) -> Option<&str> {
        self.value("ENVID")
    }

    /// `NOTIFY=`: `NEVER`, or some of `SUCCESS,FAILURE,DELAY` (RFC 3461 §4.1).
    pub fn notify(&self) -> Option<&str> {
        self.value("NOTIFY")
    }

    /// `ORCPT=`: `rfc822;address`, still in xtext (RFC 3461 §4.2).
    pub fn orcpt(&self) -> Option<&str> {
        self.value("ORCPT")
    }

    fn parse(text: &str, verb: &'static str) -> Result<Parameters, CommandError> {
        let mut parameters = Vec::new();
        for word in text.split_ascii_whitespace() {
            if parameters.len() == MAX_PARAMETERS {
                return Err(CommandError::Arguments { verb, problem: "too many parameters" });
            }
            let (keyword, value) = match word.split_once('=') {
                Some((keyword, value)) => (keyword, Some(value)),
                None => (word, None),
            };
            // esmtp-keyword: a letter or digit, then letters, digits and hyphens (RFC 5321 §4.1.2).
            let plain = keyword.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
            if keyword.is_empty() || keyword.starts_with('-') || !plain || value == Some("") {
                return Err(CommandError::Arguments { verb, problem: "malformed parameter" });
            }
            let keyword = keyword.to_ascii_uppercase();
            if parameters.iter().any(|(name, _)| *name == keyword) {
                return Err(CommandError::Arguments { verb, problem: "parameter given twice" });
            }
            parameters.push((keyword, value.map(str::to_owned)));
        }
        Ok(Parameters(parameters))
    }
}

impl fmt::Display for Parameters {
    /// Each with a blank before it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|(keyword, value)| match value {
            Some(value) => write!(f, " {keyword}={value}"),
            None => write!(f, " {keyword}"),
        })
    }
}

/// Why a line is not a command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The verb is not one of SMTP, or not one of those known here.
    #[error("unknown command {verb:?}")]
    Unknown {
        /// The first word of the line, cut to a readable length.
        verb: String,
    },
    /// The verb is known, its arguments are wrong.
    #[error("{verb}: {problem}")]
    Arguments {
        /// The verb.
        verb: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// The path of a `MAIL` or `RCPT` is wrong.
    #[error("{verb}: {reason}")]
    Path {
        /// The verb.
        verb: &'static str,
        /// What is wrong.
        reason: AddressError,
    },
    /// The line is not UTF-8, or holds control characters.
    #[error("command line is not text")]
    NotText,
    /// The line exceeds [`MAX_LINE`].
    #[error("command line longer than {MAX_LINE} octets")]
    TooLong,
}

impl Command {
    /// Reads a command line, without its CRLF.
    ///
    /// # Errors
    /// When it is not a command. The error says whether the verb or its syntax is wrong, since their replies differ
    /// (RFC 5321 §4.2.4).
    pub fn parse(line: &[u8]) -> Result<Command, CommandError> {
        if line.len() > MAX_LINE {
            return Err(CommandError::TooLong);
        }
        let line = std::str::from_utf8(line).map_err(|_| CommandError::NotText)?;
        if line.chars().any(|character| character.is_control() && character != '\t') {
            return Err(CommandError::NotText);
        }
        let line = line.trim_end();
        let (verb, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let rest = rest.trim_start();
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => argument("EHLO", rest).map(Command::Ehlo),
            "HELO" => argument("HELO", rest).map(Command::Helo),
            "STARTTLS" => nothing("STARTTLS", rest, Command::StartTls),
            "MAIL" => parse_mail(rest),
            "RCPT" => parse_rcpt(rest),
            "DATA" => nothing("DATA", rest, Command::Data),
            "BDAT" => parse_bdat(rest),
            "RSET" => nothing("RSET", rest, Command::Rset),
            "NOOP" => Ok(Command::Noop),
            "VRFY" => argument("VRFY", rest).map(Command::Vrfy),
            "QUIT" => nothing("QUIT", rest, Command::Quit),
            _ => Err(CommandError::Unknown { verb: verb.chars().take(40).collect() }),
        }
    }

    /// The octets on the wire, CRLF included.
    pub fn to_wire(&self) -> Vec<u8> {
        format!("{self}\r\n").into_bytes()
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::Ehlo(name) => write!(f, "EHLO {name}"),
            Command::Helo(name) => write!(f, "HELO {name}"),
            Command::StartTls => f.write_str("STARTTLS"),
            Command::Mail { from, parameters } => write!(f, "MAIL FROM:{from}{parameters}"),
            Command::Rcpt { to, parameters } => write!(f, "RCPT TO:{to}{parameters}"),
            Command::Data => f.write_str("DATA"),
            Command::Bdat { size, last: false } => write!(f, "BDAT {size}"),
            Command::Bdat { size, last: true } => write!(f, "BDAT {size} LAST"),
            Command::Rset => f.write_str("RSET"),
            Command::Noop => f.write_str("NOOP"),
            Command::Vrfy(text) => write!(f, "VRFY {text}"),
            Command::Quit => f.write_str("QUIT"),
        }
    }
}

fn argument(verb: &'static str, rest: &str) -> Result<String, CommandError> {
    if rest.is_empty() {
        return Err(CommandError::Arguments { verb, problem: "argument missing" });
    }
    Ok(rest.to_owned())
}

fn nothing(verb: &'static str, rest: &str, command: Command) -> Result<Command, CommandError> {
    if rest.is_empty() { Ok(command) } else { Err(CommandError::Arguments { verb, problem: "no argument allowed" }) }
}

fn parse_mail(rest: &str) -> Result<Command, CommandError> {
    let (path, parameters) = path_and_parameters("MAIL", "FROM:", rest)?;
    let from = path.parse().map_err(|reason| CommandError::Path { verb: "MAIL", reason })?;
    Ok(Command::Mail { from, parameters: Parameters::parse(parameters, "MAIL")? })
}

fn parse_rcpt(rest: &str) -> Result<Command, CommandError> {
    let (path, parameters) = path_and_parameters("RCPT", "TO:", rest)?;
    let inner = path.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(path);
    let to = if inner.eq_ignore_ascii_case("postmaster") {
        ForwardPath::Postmaster
    } else {
        let address = address::without_source_route(inner).parse();
        ForwardPath::Address(address.map_err(|reason| CommandError::Path { verb: "RCPT", reason })?)
    };
    Ok(Command::Rcpt { to, parameters: Parameters::parse(parameters, "RCPT")? })
}

/// `FROM:<a@b> X=1` → `<a@b>`, `X=1`. Blanks after the colon are against the RFC, but common and harmless.
fn path_and_parameters<'a>(
    verb: &'static str,
    keyword: &'static str,
    rest: &'a str,
) -> Result<(&'a str, &'a str), CommandError> {
    let problem = if keyword == "FROM:" { "FROM: missing" } else { "TO: missing" };
    let missing = CommandError::Arguments { verb, problem };
    match rest.get(..keyword.len()) {
        Some(word) if word.eq_ignore_ascii_case(keyword) => {}
        _ => return Err(missing),
    }
    let rest = rest[keyword.len()..].trim_start();
    if !rest.starts_with('<') {
        return Err(CommandError::Path { verb, reason: AddressError::Brackets });
    }
    let end = closing_bracket(rest).ok_or(CommandError::Path { verb, reason: AddressError::Brackets })?;
    let (path, parameters) = rest.split_at(end);
    if !parameters.is_empty() && !parameters.starts_with([' ', '\t']) {
        return Err(CommandError::Arguments { verb, problem: "text directly after the path" });
    }
    Ok((path, parameters))
}

/// The index after the `>` of a path; one inside a quoted local part does not count.
fn closing_bracket(path: &str) -> Option<usize> {
    let mut position = 1;
    while let Some(character) = path.get(position..)?.chars().next() {
        match character {
            '>' => return Some(position + 1),
            '"' => position += address::quoted_end(&path[position..]).unwrap_or(1),
            _ => position += character.len_utf8(),
        }
    }
    None
}

fn parse_bdat(rest: &str) -> Result<Command, CommandError> {
    let wrong = CommandError::Arguments { verb: "BDAT", problem: "not a size and perhaps LAST" };
    let mut words = rest.split_ascii_whitespace();
    let digits = words.next().filter(|word| word.len() <= 18 && word.bytes().all(|octet| octet.is_ascii_digit()));
    let size = digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| wrong.clone())?;
    let last = match words.next() {
        None => false,
        Some(word) if word.eq_ignore_ascii_case("LAST") => true,
        Some(_) => return Err(wrong),
    };
    if words.next().is_some() { Err(wrong) } else { Ok(Command::Bdat { size, last }) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads `line`; the outcome is the command as written back, or the error.
    #[track_caller]
    fn check(line: &str, expected: Result<&str, &str>) {
        let outcome = Command::parse(line.as_bytes()).map(|command| command.to_string()).map_err(|e| e.to_string());
        assert_eq!(outcome, expected.map(str::to_owned).map_err(str::to_owned), "{line:?}");
    }

    #[test]
    fn commands() {
        check("EHLO mail.contoso.example", Ok("EHLO mail.contoso.example"));
        check("helo  x ", Ok("HELO x"));
        check("EHLO", Err("EHLO: argument missing"));
        check("STARTTLS", Ok("STARTTLS"));
        check("STARTTLS now", Err("STARTTLS: no argument allowed"));
        check("mail from:<a@b.example>", Ok("MAIL FROM:<a@b.example>"));
        check("MAIL FROM:<>", Ok("MAIL FROM:<>"));
        check(
            "MAIL FROM: <a@b.example> size=10  BODY=8BITMIME SMTPUTF8",
            Ok("MAIL FROM:<a@b.example> SIZE=10 BODY=8BITMIME SMTPUTF8"),
        );
        check(
            "MAIL FROM:<\"a>b\"@c.example> RET=HDRS ENVID=x+2By",
            Ok("MAIL FROM:<\"a>b\"@c.example> RET=HDRS ENVID=x+2By"),
        );
        check("MAIL FROM:a@b.example", Err("MAIL: path not in angle brackets"));
        check("MAIL FROM:<a@b.example", Err("MAIL: path not in angle brackets"));
        check("MAIL FROM:<a@b.example>SIZE=1", Err("MAIL: text directly after the path"));
        check("MAIL FROM:<a@b.example> SIZE=", Err("MAIL: malformed parameter"));
        check("MAIL FROM:<a@b.example> SIZE=1 size=2", Err("MAIL: parameter given twice"));
        check("MAIL TO:<a@b.example>", Err("MAIL: FROM: missing"));
        check("MAIL FROM:<a b@c.example>", Err("MAIL: local part is neither a dot-string nor a quoted string"));
        check(
            "RCPT TO:<bo@fabrikam.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x@y",
            Ok("RCPT TO:<bo@fabrikam.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x@y"),
        );
        check("RCPT TO:<postmaster>", Ok("RCPT TO:<Postmaster>"));
        check("RCPT TO:<@x.example:bo@fabrikam.example>", Ok("RCPT TO:<bo@fabrikam.example>"));
        check("RCPT TO:<>", Err("RCPT: no @ in the address"));
        check("DATA", Ok("DATA"));
        check("BDAT 100", Ok("BDAT 100"));
        check("BDAT 0 last", Ok("BDAT 0 LAST"));
        check("BDAT -1", Err("BDAT: not a size and perhaps LAST"));
        check("BDAT 1 LAST x", Err("BDAT: not a size and perhaps LAST"));
        check("NOOP x", Ok("NOOP"));
        check("RSET", Ok("RSET"));
        check("VRFY bo", Ok("VRFY bo"));
        check("QUIT", Ok("QUIT"));
        check("", Err("unknown command \"\""));
        check("GET / HTTP/1.1", Err("unknown command \"GET\""));
        check("EHLO a\u{0}b", Err("command line is not text"));
        check(&format!("EHLO {}", "a".repeat(MAX_LINE)), Err("command line longer than 2048 octets"));
    }

    #[test]
    fn parameters() {
        let line = b"MAIL FROM:<a@b.example> SIZE=10 BODY=8BITMIME SMTPUTF8 RET=FULL ENVID=e";
        let Ok(Command::Mail { parameters, .. }) = Command::parse(line) else { panic!("a MAIL command") };
        assert_eq!(parameters.size(), Some(10));
        assert_eq!(parameters.body(), Some("8BITMIME"));
        assert!(parameters.smtputf8());
        assert_eq!((parameters.ret(), parameters.envid()), (Some("FULL"), Some("e")));
        assert_eq!((parameters.notify(), parameters.orcpt()), (None, None));
    }

    proptest! {
        #[test]
        fn never_panics(line in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Command::parse(&line);
        }

        #[test]
        fn what_is_read_is_written_and_read_again(line in "(MAIL FROM|RCPT TO|BDAT|EHLO):?[ <>@a.\"=1A-]{0,30}") {
            if let Ok(command) = Command::parse(line.as_bytes()) {
                prop_assert_eq!(Command::parse(command.to_string().as_bytes()), Ok(command));
            }
        }
    }
}
