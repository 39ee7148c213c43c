//! Sessions in which one side leaves while the other speaks, played on the simulation and on this machine's sockets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mxlab_env::{Env, real};
use mxlab_mail::smtp::client::Transaction;
use mxlab_mail::smtp::server::{Question, Session, Settings};
use mxlab_mail::smtp::{Parameters, Reply, Stage};
use mxlab_mail::{Address, ReversePath};
use mxlab_sim::{Config, Sim};
use mxlab_smtp::client::{Connection, Timeouts};
use mxlab_smtp::server::{Handshake, Limits, Responder, Response, Server, Service};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::time::Instant;

/// Takes everything, unless it breaks in after the answer at a stage.
#[derive(Clone)]
struct Breaks {
    at: Option<(Stage, Reply)>,
    taken: Arc<Notify>,
}

impl Service for Breaks {
    type Responder = Breaks;

    fn connected(&self, _client: IpAddr) -> (Settings, Breaks) {
        (Settings { starttls: false, ..Settings::new("mx1.example") }, self.clone())
    }
}

impl Responder for Breaks {
    async fn respond(&mut self, question: Question, _session: &Session) -> Response {
        if matches!(question, Question::Message(_)) {
            self.taken.notify_one();
        }
        match &self.at {
            Some((stage, words)) if *stage == question.stage() => Response::Interrupt(words.clone()),
            _ => Response::Usual,
        }
    }

    fn handshake(&mut self) -> Handshake {
        Handshake::Close
    }
}

/// Starts the server; returns where it listens.
async fn start(env: &Env, at: SocketAddr, service: Breaks) -> SocketAddr {
    let server = Server::new(env, "session", Limits::default(), service);
    let listener = env.listen(at).await.unwrap();
    let at = listener.local_addr();
    env.spawn("server", async move { match server.accept_from(&*listener).await {} });
    at
}

/// Plays `script` on both grounds; what it said on each.
fn on_both<F: Future<Output = String>>(script: impl Fn(Env, Env, SocketAddr) -> F) -> [String; 2] {
    let mut sim = Sim::new(Config::default()).unwrap();
    let server = sim.add_host("mx1", ["192.0.2.1".parse().unwrap()]).unwrap();
    let client = sim.add_host("client", ["192.0.2.2".parse().unwrap()]).unwrap();
    let outcome = sim.run(script(server.env(), client.env(), "192.0.2.1:25".parse().unwrap()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let env = real::env(std::env::temp_dir());
    let here = runtime.block_on(script(env.clone(), env, "127.0.0.1:0".parse().unwrap()));
    [outcome.value.unwrap_or_else(|| outcome.end.to_string()), here]
}

/// What a client hears that hands over a message of this size, to a server that breaks in.
async fn handed_over(server: Env, client: Env, at: SocketAddr, stage: Stage, words: &str, size: usize) -> String {
    let service = Breaks { at: Some((stage, words.parse().unwrap())), taken: Arc::default() };
    let at = start(&server, at, service).await;
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut connection = Connection::open(&client, at, Timeouts::default(), deadline).await.unwrap();
    connection.reply(Stage::Banner).await.unwrap();
    connection.hello("a.example").await.unwrap();
    let from = ReversePath::Address("a@a.example".parse().unwrap());
    let to = vec![("b@example".parse::<Address>().unwrap(), Parameters::new())];
    let message = [b"Subject: x\r\n\r\n".to_vec(), b"and so on and on\r\n".repeat(size / 18)].concat();
    let transacted = connection.transact(Transaction::new(from, Parameters::new(), to, message)).await;
    let (_, decided) = &transacted.recipients[0];
    match (decided, transacted.broken) {
        (Some((stage, reply)), None) => format!("{stage} {reply}"),
        (decided, broken) => format!("{decided:?} {broken:?}"),
    }
}

#[test]
fn the_last_words_of_a_server_are_heard() {
    let check = |stage, words: &str, size, expected: &str| {
        let heard = on_both(|server, client, at| handed_over(server, client, at, stage, words, size));
        assert_eq!(heard, [expected, expected], "{stage} {size}");
    };
    let closing = "421 4.3.2 Service shutting down";
    check(Stage::Mail, closing, 100, "rcpt 421 4.3.2 Service shutting down");
    check(Stage::Rcpt, closing, 100, "data 421 4.3.2 Service shutting down");
    for size in [100, 20_000, 60_000, 3_000_000] {
        check(Stage::Data, closing, size, "dot 421 4.3.2 Service shutting down");
        check(Stage::Data, "552 5.3.4 Too big", size, "dot 552 5.3.4 Too big");
    }
}

/// The client leaves without reading the replies: its machine resets the connection.
async fn leaves(server: Env, client: Env, at: SocketAddr) -> String {
    let taken = Arc::new(Notify::new());
    let at = start(&server, at, Breaks { at: None, taken: Arc::clone(&taken) }).await;
    let mut stream = client.connect(at).await.unwrap();
    stream.read_exact(&mut [0; 3]).await.unwrap();
    let whole =
        "EHLO a.example\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@example>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n";
    stream.write_all(whole.as_bytes()).await.unwrap();
    drop(stream);
    let waited = tokio::time::timeout(Duration::from_secs(60), taken.notified()).await;
    if waited.is_ok() { "taken" } else { "lost" }.to_owned()
}

#[test]
fn what_a_client_said_before_it_left_is_done() {
    assert_eq!(on_both(leaves), ["taken", "taken"]);
}
