use proptest::prelude::*;

use super::*;

/// What the owner of the session under test answers: by default it accepts everything.
type Script = fn(&Question) -> Option<Reply>;

struct Played {
    /// Everything that the server wrote; `<TLS>` where the handshake was.
    said: String,
    /// The questions in short.
    asked: Vec<String>,
    closed: Option<CloseReason>,
    delivered: Vec<Delivery>,
}

/// Plays the owner for a client that sends `chunks`, each in one read.
fn play(settings: Settings, chunks: &[&[u8]], script: Script) -> Played {
    let mut session = Session::new(settings);
    let mut played = Played { said: String::new(), asked: Vec::new(), closed: None, delivered: Vec::new() };
    let mut chunks = chunks.iter();
    for _ in 0..10_000 {
        match session.next_action() {
            Action::Read => match chunks.next() {
                Some(chunk) => session.receive(chunk),
                None => return played,
            },
            Action::Write(bytes) => played.said.push_str(&String::from_utf8_lossy(&bytes)),
            Action::Ask(question) => {
                let short = format!("{question:?}");
                played.asked.push(short.split([' ', '(', '{']).next().unwrap_or_default().to_owned());
                if let Question::Message(delivery) = &question {
                    played.delivered.push(delivery.clone());
                }
                match script(&question) {
                    Some(reply) => session.answer(reply),
                    None => session.accept(),
                }
            }
            Action::StartTls => {
                played.said.push_str("<TLS>");
                session.tls_established();
            }
            Action::Close(reason) => {
                played.closed = Some(reason);
                return played;
            }
        }
    }
    panic!("the session does not rest");
}

fn settings() -> Settings {
    let mut settings = Settings::new("mx1.fabrikam.example");
    settings.extensions = vec!["PIPELINING".to_owned(), "CHUNKING".to_owned()];
    settings
}

/// The client sends `lines`, each ended by CRLF and in a read of its own; `expected` are the codes of all replies.
#[track_caller]
fn check(lines: &[&str], codes: &str, closed: Option<CloseReason>) -> Played {
    let wire: Vec<Vec<u8>> = lines.iter().map(|line| format!("{line}\r\n").into_bytes()).collect();
    let wire: Vec<&[u8]> = wire.iter().map(Vec::as_slice).collect();
    let played = play(settings(), &wire, |_| None);
    assert_eq!(codes_of(&played.said), codes, "{lines:?}: {}", played.said);
    assert_eq!(played.closed, closed, "{lines:?}");
    played
}

fn codes_of(said: &str) -> String {
    let last_lines = said.split("\r\n").filter(|line| line.as_bytes().get(3) == Some(&b' ') || line.contains("<TLS>"));
    last_lines
        .map(|line| if line.starts_with("<TLS>") { format!("TLS {}", &line[5..8]) } else { line[..3].to_owned() })
        .collect::<Vec<_>>()
        .join(" ")
}

const EHLO: &str = "EHLO mail.contoso.example";
const MAIL: &str = "MAIL FROM:<ann@contoso.example>";
const RCPT: &str = "RCPT TO:<bo@fabrikam.example>";

#[test]
fn a_message_goes_through() {
    let played = check(
        &[EHLO, MAIL, RCPT, "DATA", "A: 1\r\n\r\n..x\r\n.", "QUIT"],
        "220 250 250 250 354 250 221",
        Some(CloseReason::Quit),
    );
    assert_eq!(played.asked, ["Banner", "Hello", "Mail", "Rcpt", "Data", "Message", "Quit"]);
    let delivery = &played.delivered[0];
    assert_eq!(delivery.message, b"A: 1\r\n\r\n.x\r\n");
    assert_eq!(delivery.envelope.hello.name, "mail.contoso.example");
    assert_eq!(delivery.envelope.from.to_string(), "<ann@contoso.example>");
    assert_eq!(delivery.envelope.recipients[0].0.to_string(), "bo@fabrikam.example");
    assert!(!delivery.envelope.tls);
    let greeting = "220 mx1.fabrikam.example ESMTP\r\n250-mx1.fabrikam.example\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 STARTTLS\r\n";
    assert!(played.said.starts_with(greeting), "{}", played.said);
}

#[test]
fn order_of_commands() {
    check(&[MAIL], "220 503", None);
    check(&[EHLO, RCPT], "220 250 503", None);
    check(&[EHLO, "DATA"], "220 250 503", None);
    check(&[EHLO, MAIL, "DATA"], "220 250 250 554", None);
    check(&[EHLO, MAIL, MAIL], "220 250 250 503", None);
    check(&[EHLO, MAIL, EHLO, RCPT], "220 250 250 250 503", None);
    check(&[EHLO, MAIL, "RSET", RCPT], "220 250 250 250 503", None);
    check(&[EHLO, MAIL, "STARTTLS"], "220 250 250 503", None);
    check(&["HELO x", MAIL, RCPT, "NOOP", "VRFY bo"], "220 250 250 250 250 252", None);
    check(&[EHLO, MAIL, RCPT, "DATA", ".", RCPT], "220 250 250 250 354 250 503", None);
    check(&["QUIT"], "220 221", Some(CloseReason::Quit));
}

#[test]
fn syntax() {
    check(&["HEY", EHLO], "220 500 250", None);
    check(&["EHLO"], "220 501", None);
    check(&[EHLO, "MAIL FROM:ann"], "220 250 501", None);
    check(&[EHLO, MAIL, "RCPT TO:<bo>"], "220 250 250 501", None);
    check(&["EHLO a\nMAIL FROM:<>"], "220 500", None);
    check(&[EHLO, "MAIL FROM:<a@b.example> SIZE=1"], "220 250 555", None);
    check(&[EHLO, "MAIL FROM:<a@b.example> RET=FULL"], "220 250 555", None);
    check(&[EHLO, MAIL, "RCPT TO:<Postmaster>"], "220 250 250 250", None);
    let twenty = vec!["HEY"; 20];
    let codes = format!("220{} 421", " 500".repeat(20));
    check(&twenty, &codes, Some(CloseReason::TooManyErrors));
}

#[test]
fn pipelined_commands_are_answered_together() {
    let wire = format!("{EHLO}\r\n{MAIL}\r\n{RCPT}\r\nDATA\r\nx\r\n.\r\nQUIT\r\n");
    let played = play(settings(), &[wire.as_bytes()], |_| None);
    assert_eq!(codes_of(&played.said), "220 250 250 250 354 250 221");
    let bytewise: Vec<&[u8]> = wire.as_bytes().chunks(1).collect();
    let slow = play(settings(), &bytewise, |_| None);
    assert_eq!(slow.said, played.said);
    assert_eq!(slow.delivered, played.delivered);
}

#[test]
fn starttls() {
    let crlf = |line: &str| format!("{line}\r\n").into_bytes();
    let wire = [
        crlf(EHLO),
        crlf("STARTTLS"),
        crlf(MAIL),
        crlf(EHLO),
        crlf("STARTTLS"),
        crlf(MAIL),
        crlf(RCPT),
        crlf("DATA"),
        crlf("."),
    ];
    let wire: Vec<&[u8]> = wire.iter().map(Vec::as_slice).collect();
    let played = play(settings(), &wire, |_| None);
    // After the handshake comes EHLO again, whose answer no longer offers STARTTLS.
    assert_eq!(codes_of(&played.said), "220 250 220 TLS 503 250 503 250 250 354 250");
    assert!(played.said.contains("250-PIPELINING\r\n250 CHUNKING\r\n"), "{}", played.said);
    assert!(played.delivered[0].envelope.tls);

    let mut without = settings();
    without.starttls = false;
    assert_eq!(codes_of(&play(without, &[b"STARTTLS\r\n"], |_| None).said), "220 502");
}

#[test]
fn plaintext_behind_starttls_is_not_executed() {
    let played = play(settings(), &[b"EHLO x\r\n", b"STARTTLS\r\nRSET\r\n"], |_| None);
    assert_eq!(codes_of(&played.said), "220 250 554");
    assert_eq!(played.closed, Some(CloseReason::PlaintextBehindStartTls));
    assert_eq!(played.asked, ["Banner", "Hello", "StartTls"]);
}

#[test]
fn the_owner_decides() {
    let wire = format!("{EHLO}\r\n{MAIL}\r\n{RCPT}\r\nRCPT TO:<cy@fabrikam.example>\r\nDATA\r\nx\r\n.\r\n");
    let played = play(settings(), &[wire.as_bytes()], |question| match question {
        Question::Rcpt { to, .. } if to.local_part() == "bo" => Some(Reply::new(550, "no")),
        Question::Message(_) => Some(Reply::new(451, "later")),
        _ => None,
    });
    assert_eq!(codes_of(&played.said), "220 250 250 550 250 354 451");
    assert_eq!(played.delivered[0].envelope.recipients.len(), 1);

    let played = play(settings(), &[b"EHLO x\r\n"], |_| Some(Reply::new(421, "busy")));
    assert_eq!((codes_of(&played.said).as_str(), played.closed), ("421", Some(CloseReason::Refused)));
    let played = play(settings(), &[wire.as_bytes()], |question| {
        matches!(question, Question::Data).then(|| Reply::new(451, "no"))
    });
    assert!(played.delivered.is_empty());
}

#[test]
fn limits() {
    let mut small = settings();
    small.size = Some(10);
    small.max_message = 20;
    small.max_recipients = 1;
    let crlf = |line: &str| format!("{line}\r\n").into_bytes();
    let wire = [
        crlf(EHLO),
        crlf("MAIL FROM:<a@b.example> SIZE=11"),
        crlf("MAIL FROM:<a@b.example> SIZE=10"),
        crlf(RCPT),
        crlf(RCPT),
        crlf("DATA"),
        crlf(&"x".repeat(30)),
        crlf("."),
        crlf(MAIL),
    ];
    let wire: Vec<&[u8]> = wire.iter().map(Vec::as_slice).collect();
    let played = play(small, &wire, |_| None);
    assert_eq!(codes_of(&played.said), "220 250 552 250 250 452 354 552 250");
    assert!(played.delivered.is_empty());

    let endless = vec![b'x'; 3 * MAX_LINE];
    let played = play(settings(), &[&endless], |_| None);
    assert_eq!(played.closed, Some(CloseReason::LineTooLong));
}

#[test]
fn chunking() {
    let wire = format!("{EHLO}\r\n{MAIL}\r\n{RCPT}\r\nBDAT 6\r\nA: 1\r\nBDAT 5 LAST\r\n\r\n.\r\nQUIT\r\n");
    let played = play(settings(), &[wire.as_bytes()], |_| None);
    assert_eq!(codes_of(&played.said), "220 250 250 250 250 250 221");
    assert_eq!(played.delivered[0].message, b"A: 1\r\n\r\n.\r\n");
    let out_of_place = format!("{EHLO}\r\nBDAT 4 LAST\r\nQUITNOOP\r\n");
    assert_eq!(codes_of(&play(settings(), &[out_of_place.as_bytes()], |_| None).said), "220 250 503 250");
}

#[test]
fn the_client_goes_away() {
    let mut session = Session::new(settings());
    assert_eq!(session.next_action(), Action::Ask(Question::Banner));
    session.accept();
    assert!(matches!(session.next_action(), Action::Write(_)));
    assert_eq!(session.next_action(), Action::Read);
    session.end_of_input();
    assert_eq!(session.next_action(), Action::Close(CloseReason::EndOfInput));
}

proptest! {
    #[test]
    fn never_panics(chunks in proptest::collection::vec("(EHLO x|MAIL FROM:<a@b>|RCPT TO:<a@b>|DATA|BDAT 3|BDAT 2 LAST|STARTTLS|RSET|\\.|x|QUIT|\r|\n|\r\n){1,8}", 0..8)) {
        let wire: Vec<&[u8]> = chunks.iter().map(|chunk| chunk.as_bytes()).collect();
        play(settings(), &wire, |_| None);
    }
}
