//! The server's shell and the client's shell, against raw octets and against each other.
#![allow(clippy::unwrap_used, reason = "a test that cannot build its world has failed")]

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mxlab_env::{BoxStream, Env};
use mxlab_mail::smtp::client::Transaction;
use mxlab_mail::smtp::server::{Question, Session, Settings};
use mxlab_mail::smtp::{Command, Parameters, Reply, ReplyReader, Stage};
use mxlab_mail::{Address, ReversePath};
use mxlab_sim::{Config, End, Outcome, Sim};
use mxlab_smtp::client::{Connection, Greeting, Timeouts};
use mxlab_smtp::server::{Handshake, Limits, Responder, Response, Server, Service};
use mxlab_smtp::tls::{Client, server_config};
use proptest::prelude::*;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

const SERVER: &str = "192.0.2.1:25";
const LIMITS: Limits = Limits { sessions: 2, silence: Duration::from_secs(300), octets: 300_000 };

/// Takes everything, but for what a test has it do at one stage.
#[derive(Clone)]
struct Scripted {
    env: Env,
    settings: Settings,
    at: Option<(Stage, Response)>,
    handshake: Option<Handshake>,
    certificate: Arc<CertifiedKey>,
}

impl Service for Scripted {
    type Responder = Scripted;

    fn connected(&self, client: IpAddr) -> (Settings, Scripted) {
        assert_eq!(client, IpAddr::from([192, 0, 2, 2]));
        (self.settings.clone(), self.clone())
    }
}

impl Responder for Scripted {
    async fn respond(&mut self, question: Question, _session: &Session) -> Response {
        match &self.at {
            Some((stage, response)) if *stage == question.stage() => response.clone(),
            _ => Response::Usual,
        }
    }

    fn handshake(&mut self) -> Handshake {
        let certificates = Arc::new(SingleCertAndKey::from(self.certificate.clone()));
        let config = server_config(&self.env, rustls::DEFAULT_VERSIONS, certificates);
        self.handshake.clone().unwrap_or_else(|| Handshake::Tls(config.unwrap()))
    }
}

fn certified_key() -> Arc<CertifiedKey> {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let params = rcgen::CertificateParams::new(vec!["mx1.example".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let signing = rustls::crypto::ring::sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(key.serialize_der())).unwrap();
    Arc::new(CertifiedKey::new(vec![certificate.der().clone()], signing))
}

/// Lets `client` act on one host while a server that `change` has set up runs on another; what the client says of it.
fn run<T, F>(change: impl FnOnce(&mut Scripted), client: impl FnOnce(Env) -> F) -> T
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    simulate(Config::default(), change, client).value.unwrap()
}

/// The same in a simulation with these settings.
fn simulate<T, F>(config: Config, change: impl FnOnce(&mut Scripted), client: impl FnOnce(Env) -> F) -> Outcome<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let mut sim = Sim::new(Config { until: Duration::from_secs(24 * 3600), ..config }).unwrap();
    let mx1 = sim.add_host("mx1", ["192.0.2.1".parse().unwrap()]).unwrap();
    let host = sim.add_host("client", ["192.0.2.2".parse().unwrap()]).unwrap();
    let (env, settings) = (mx1.env(), Settings::new("mx1.example"));
    let mut scripted = Scripted { env: env.clone(), settings, at: None, handshake: None, certificate: certified_key() };
    change(&mut scripted);
    let server = Server::new(&env, "session", LIMITS, scripted);
    let listening = env.clone();
    env.spawn("server", async move {
        let listener = listening.listen(SERVER.parse().unwrap()).await.unwrap();
        match server.accept_from(&*listener).await {}
    });
    let (env, client) = (host.env(), client(host.env()));
    let outcome = sim.run(async move {
        let (tell, told) = tokio::sync::oneshot::channel();
        env.spawn("client", async move {
            // The server has been started before.
            let _ = tell.send(client.await);
        });
        told.await.unwrap()
    });
    assert_eq!(outcome.end, End::Finished);
    outcome
}

/// What comes of a session in which the client writes these chunks, each after a reply to the one before: the codes of the
/// replies, then `closed`, `silent` for an hour without anything, `no-smtp`, or nothing if the client closes first.
async fn said(mut stream: BoxStream, chunks: Vec<Vec<u8>>) -> String {
    let mut replies = ReplyReader::new();
    let mut words = Vec::new();
    for chunk in std::iter::once(Vec::new()).chain(chunks) {
        // A server that has closed may refuse the octets; what it said before is there to read.
        let _ = stream.write_all(&chunk).await;
        let mut buffer = [0; 4096];
        let word = loop {
            match replies.next_reply() {
                Ok(Some(reply)) => break reply.code.to_string(),
                Ok(None) => {}
                Err(_) => break "no-smtp".to_owned(),
            }
            match timeout(Duration::from_secs(3600), stream.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => break "closed".to_owned(),
                Ok(Ok(count)) => replies.push(&buffer[..count]),
                Err(_) => break "silent".to_owned(),
            }
        };
        words.push(word);
        if words.last().is_some_and(|word| word.parse::<u16>().is_err()) {
            break;
        }
    }
    words.join(" ")
}

#[track_caller]
fn check(change: impl FnOnce(&mut Scripted), chunks: &[&str], expected: &str) {
    let chunks = chunks.iter().map(|chunk| chunk.as_bytes().to_vec()).collect();
    let seen =
        run(change, |env| async move { said(env.connect(SERVER.parse().unwrap()).await.unwrap(), chunks).await });
    assert_eq!(seen, expected);
}

const TO_DATA: [&str; 4] = ["EHLO a.example\r\n", "MAIL FROM:<a@a.example>\r\n", "RCPT TO:<b@example>\r\n", "DATA\r\n"];

#[test]
fn a_responder_decides() {
    let at = |stage, response: Response| move |server: &mut Scripted| server.at = Some((stage, response));
    let whole = [TO_DATA.as_slice(), &["Subject: x\r\n\r\nx\r\n.\r\n", "QUIT\r\n", ""]].concat();
    check(|_| {}, &whole, "220 250 250 250 354 250 221 closed");
    let no: Reply = "450 4.2.1 Later".parse().unwrap();
    check(at(Stage::Rcpt, Response::Reply(no.clone())), &whole[..3], "220 250 250 450");
    check(at(Stage::Dot, Response::Reply(no)), &whole, "220 250 250 250 354 450 221 closed");
    check(at(Stage::Banner, Response::Close), &whole, "closed");
    check(at(Stage::Mail, Response::Close), &whole, "220 250 closed");
    check(at(Stage::Mail, Response::Silence), &whole, "220 250 silent");
    check(at(Stage::Mail, Response::Octets(b"\x15\r\n")), &whole, "220 250 no-smtp");
    let closing: Reply = "421 4.3.2 Closing".parse().unwrap();
    check(at(Stage::Ehlo, Response::Reply(closing)), &["EHLO a.example\r\n", ""], "220 421 closed");
}

#[test]
fn a_responder_decides_about_the_handshake() {
    let starttls = ["EHLO a.example\r\n", "STARTTLS\r\n", "what is no TLS", ""];
    let with = |handshake| move |server: &mut Scripted| server.handshake = Some(handshake);
    // What comes is an alert, which is no line, and the end.
    check(|_| {}, &starttls, "220 250 220 closed");
    check(with(Handshake::Octets(b"500 5.5.1 No\r\n")), &starttls, "220 250 220 500 closed");
    check(with(Handshake::Close), &starttls, "220 250 220 closed");
    check(with(Handshake::Silence), &starttls, "220 250 220 silent");
}

#[test]
fn everything_is_bounded() {
    check(|_| {}, &["EHLO a.example\r\n", "NOOP", ""], "220 250 421 closed");
    check(|_| {}, &[&"x".repeat(100_000), ""], "220 500 closed");
    let settings = |change: fn(&mut Settings)| move |server: &mut Scripted| change(&mut server.settings);
    check(settings(|it| it.max_errors = 2), &["x\r\n", "x\r\n", "", ""], "220 500 500 421 closed");
    let commands = ["NOOP\r\n", "NOOP\r\n", "NOOP\r\n", ""];
    check(settings(|it| it.max_commands = 2), &commands, "220 250 250 421 closed");
    let large = [TO_DATA.as_slice(), &["longer\r\n.\r\n"]].concat();
    check(settings(|it| it.max_message = 4), &large, "220 250 250 250 354 552");
    // A message without an end, and words for a server that says nothing.
    let endless = "and so on and on and on\r\n".repeat(20_000);
    check(|_| {}, &[TO_DATA.as_slice(), &[&endless, ""]].concat(), "220 250 250 250 354 421 closed");
    let silent = |server: &mut Scripted| server.at = Some((Stage::Data, Response::Silence));
    let all_at_once = format!("DATA\r\n{endless}");
    check(silent, &[&TO_DATA[..3], &[&all_at_once]].concat(), "220 250 250 250 closed");
    // Whoever slips text behind STARTTLS does not get it executed inside TLS.
    check(|_| {}, &["EHLO a.example\r\n", "STARTTLS\r\nMAIL FROM:<a@a.example>\r\n", ""], "220 250 554 closed");
}

#[test]
fn one_session_too_many() {
    let seen = run(
        |_| {},
        |env| async move {
            let mut seen = Vec::new();
            let mut open = Vec::new();
            for _ in 0..3 {
                let mut stream = env.connect(SERVER.parse().unwrap()).await.unwrap();
                seen.push(code(&mut stream).await);
                open.push(stream);
            }
            drop(open);
            tokio::time::sleep(Duration::from_secs(1)).await;
            let mut stream = env.connect(SERVER.parse().unwrap()).await.unwrap();
            seen.push(code(&mut stream).await);
            seen
        },
    );
    assert_eq!(seen, ["220", "220", "421", "220"]);
}

async fn code(stream: &mut BoxStream) -> String {
    let mut buffer = [0; 3];
    stream.read_exact(&mut buffer).await.unwrap();
    String::from_utf8_lossy(&buffer).into_owned()
}

/// A session of the client's shell: what was agreed on, and for each recipient what came of it.
async fn handed_over(env: Env) -> Result<String, String> {
    let at = |stage: Stage| move |error: mxlab_smtp::client::Broken| error.clause(stage);
    let (to, deadline) = (SERVER.parse::<SocketAddr>().unwrap(), Instant::now() + Duration::from_secs(3600));
    let opened = Connection::open(&env, to, Timeouts::default(), deadline).await;
    let mut connection = opened.map_err(at(Stage::Connect))?;
    connection.reply(Stage::Banner).await.map_err(at(Stage::Banner))?;
    connection.hello("a.example").await.map_err(at(Stage::Ehlo))?;
    connection.command(&Command::StartTls, Stage::StartTls).await.map_err(at(Stage::StartTls))?;
    let secured = connection.handshake(&Client::new(&env).unwrap(), "mx1.example").await;
    let (mut connection, certificate) = secured.map_err(|error| error.to_string())?;
    let Greeting::Welcome(offered) = connection.hello("a.example").await.map_err(at(Stage::Ehlo))? else {
        return Err("refused".into());
    };
    assert!(!offered.has("STARTTLS") && offered.has("PIPELINING"));
    let to = ["b@example", "c@example"].map(|to| (to.parse::<Address>().unwrap(), Parameters::new()));
    let from = ReversePath::Address("a@a.example".parse().unwrap());
    let message = b"Subject: x\r\n\r\n.\r\n".to_vec();
    let transacted = connection.transact(Transaction::new(from, Parameters::new(), to.to_vec(), message)).await;
    let mut words: Vec<String> = transacted
        .recipients
        .iter()
        .map(|(to, decided)| match decided {
            Some((stage, reply)) => format!("{to} {stage} {}", reply.code),
            None => format!("{to} lost"),
        })
        .collect();
    match transacted.broken {
        Some((stage, error)) => words.push(error.clause(stage)),
        None => connection.quit().await,
    }
    words.extend(certificate.names);
    Ok(words.join(", "))
}

#[test]
fn a_client_tells_where_a_session_breaks() {
    let check = |at: Option<(Stage, Response)>, expected: Result<&str, &str>| {
        let seen = run(|server| server.at = at.clone(), handed_over);
        assert_eq!(seen.as_deref().map_err(String::as_str), expected, "{at:?}");
    };
    check(None, Ok("b@example dot 250, c@example dot 250, mx1.example"));
    check(Some((Stage::Banner, Response::Close)), Err("closes the connection at the greeting"));
    check(Some((Stage::Banner, Response::Silence)), Err("stalls at the greeting"));
    check(Some((Stage::StartTls, Response::Close)), Err("closes the connection at STARTTLS"));
    let injected = Response::Octets(b"220 2.0.0 Go ahead\r\n250 OK\r\n");
    check(Some((Stage::StartTls, injected)), Err("there was plaintext behind the reply to STARTTLS"));
    let lost = "b@example lost, c@example lost";
    let check_lost =
        |stage, response, clause: &str| check(Some((stage, response)), Ok(&format!("{lost}, {clause}, mx1.example")));
    check_lost(Stage::Mail, Response::Silence, "stalls at MAIL");
    check_lost(Stage::Rcpt, Response::Close, "closes the connection at RCPT");
    check_lost(Stage::Dot, Response::Silence, "stalls at the final dot");
}

#[test]
fn a_client_tells_how_a_handshake_fails() {
    let check = |handshake: Handshake, expected: &str| {
        let seen = run(|server| server.handshake = Some(handshake.clone()), handed_over);
        assert_eq!(seen, Err(expected.to_owned()), "{handshake:?}");
    };
    check(Handshake::Close, "the server closed the connection");
    check(Handshake::Silence, "the server stalled");
    check(Handshake::Octets(b"500 5.5.1 No\r\n"), "what the server sent is not TLS");
    let alert = &[0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28];
    check(Handshake::Octets(alert), "the server sent the alert HandshakeFailure");
}

/// A capture that is asked for has the secrets of the session: two of the handshake, two of the traffic, the exporter's.
#[test]
fn secrets_are_there_for_a_capture() {
    let secrets = |capture| simulate(Config { capture, ..Config::default() }, |_| {}, handed_over).tls_secrets.len();
    assert_eq!((secrets(false), secrets(true)), (0, 5));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever a client says, in whatever pieces, it gets replies that can be read, until one side closes.
    #[test]
    fn no_octets_upset_a_server(chunks in proptest::collection::vec("(EHLO x\r\n|MAIL FROM:<a@b>\r\n|RCPT TO:<a@b>\r\n|DATA\r\n|BDAT 5 LAST\r\n|\\.\r\n|QUIT\r\n|[ -~\r\n]{0,40}|\\PC{0,20}\r\n){1,4}", 0..6)) {
        let chunks: Vec<Vec<u8>> = chunks.into_iter().map(String::into_bytes).collect();
        let seen = run(|_| {}, |env| async move {
            said(env.connect(SERVER.parse().unwrap()).await.unwrap(), chunks).await
        });
        prop_assert!(seen.starts_with("220") && !seen.contains("no-smtp") && !seen.contains("silent"), "{}", seen);
    }
}

/// A message without end is read on when it is too large to be kept, but not for ever.
#[test]
fn a_message_without_end_ends_the_session() {
    let client = |env: Env| async move {
        let stream = env.connect(SERVER.parse().unwrap()).await.unwrap();
        let begin = ["EHLO c\r\n", "MAIL FROM:<a@b.example>\r\n", "RCPT TO:<c@d.example>\r\n", "DATA\r\n"];
        let mut chunks: Vec<Vec<u8>> = begin.iter().map(|line| line.as_bytes().to_vec()).collect();
        chunks.push(vec![b'x'; usize::try_from(LIMITS.octets).unwrap()]);
        said(stream, chunks).await
    };
    let small = |scripted: &mut Scripted| scripted.settings.max_message = 1_000;
    assert_eq!(run(small, client), "220 250 250 250 354 421");
}
