//! Faults of the scripted mail server, as a client sees them.
#![allow(clippy::unwrap_used, reason = "a test that cannot build its world has failed")]

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mxlab_env::Env;
use mxlab_mail::smtp::Stage;
use mxlab_mail::smtp::fault::{self, FATAL_ALERT, Instead};
use mxlab_record::Journal;
use mxlab_sim::{Config, End, Sim};
use mxlab_world::derive::Identity;
use mxlab_world::pki::{CertificateSpec, IssuerName, Sends, make_certificate};
use mxlab_world::server::{ActiveFault, Everything, ServerControl, ServerFault, ServerSettings, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SERVER: &str = "192.0.2.1";
const CLIENTS: [&str; 2] = ["192.0.2.2", "192.0.2.3"];

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn settings() -> ServerSettings {
    let spec = CertificateSpec {
        name: "mx1".into(),
        names: vec!["mx1.example".into()],
        issuer: IssuerName::Own,
        from: "2025-01-01T00:00:00Z".parse().unwrap(),
        until: "2027-01-01T00:00:00Z".parse().unwrap(),
        key: "mx1".into(),
        sends: Sends::Chain,
    };
    let made = make_certificate(&Identity::of_world(None), &spec, None).unwrap();
    ServerSettings::new("mx1.example", made.certified_key)
}

fn fault(fault: ServerFault) -> ActiveFault {
    ActiveFault { id: 1, fault, from: None, times: None }
}

fn reply(stage: Stage, text: &str) -> ServerFault {
    ServerFault::Lapse(stage, Instead::Reply(text.parse().unwrap()))
}

/// The outcome of a session in which the client sends these lines, each after an answer to the one before; an empty
/// line is not sent. One word for the banner and for each line: the reply's code, `tls` for anything that is not a
/// reply, `closed`, or `silent` for a minute without anything.
async fn session(env: &Env, lines: &[&str]) -> String {
    let Ok(mut stream) = env.connect(SocketAddr::new(ip(SERVER), 25)).await else { return "refused".into() };
    let mut words: Vec<String> = Vec::new();
    for line in std::iter::once(&"").chain(lines) {
        if !line.is_empty() && stream.write_all(format!("{line}\r\n").as_bytes()).await.is_err() {
            words.push("closed".into());
            break;
        }
        let mut buffer = [0; 4096];
        let word = match tokio::time::timeout(Duration::from_secs(60), stream.read(&mut buffer)).await {
            Err(_) => "silent".into(),
            Ok(Ok(0) | Err(_)) => "closed".into(),
            Ok(Ok(count)) => match buffer[..count].get(..3) {
                Some(code) if code.iter().all(u8::is_ascii_digit) => String::from_utf8_lossy(code).into_owned(),
                _ => "tls".to_owned(),
            },
        };
        let over = ["closed", "silent", "tls"].contains(&word.as_str());
        words.push(word);
        if over {
            break;
        }
    }
    words.join(" ")
}

/// Sessions one after another, each by the client with that number: the outcome of each, the kinds of the recorded
/// events, and whether fault 1 is used up.
fn run(faults: &[ActiveFault], clients: &[usize], lines: &'static [&'static str]) -> (Vec<String>, String, bool) {
    let mut sim = Sim::new(Config { until: Duration::from_secs(3600), ..Config::default() }).unwrap();
    let server = sim.add_host("mx1", [ip(SERVER)]).unwrap();
    let hosts = CLIENTS.map(|address| sim.add_host(address, [ip(address)]).unwrap());
    let journal = Journal::new(100);
    let control = ServerControl::new(settings());
    faults.iter().cloned().for_each(|fault| control.begin_fault(fault));
    let env = server.env();
    serve(
        &env,
        &journal.recorder(&env, "mx1", 0),
        &control,
        Arc::new(Everything),
        vec![SocketAddr::new(ip(SERVER), 25)],
    );
    let clients = clients.to_vec();
    let outcome = sim.run(async move {
        let mut seen = Vec::new();
        for client in clients {
            let (tell, told) = tokio::sync::oneshot::channel();
            let env = hosts[client].env();
            hosts[client].env().spawn("client", async move {
                let _ = tell.send(session(&env, lines).await);
            });
            seen.push(told.await.unwrap());
        }
        seen
    });
    assert_eq!(outcome.end, End::Finished);
    let kinds: Vec<&str> = journal.entries().iter().map(|entry| entry.kind).collect();
    (outcome.value.unwrap(), kinds.join(" "), control.used_up(1))
}

const STARTTLS: &[&str] = &["EHLO a.example", "STARTTLS", ""];
const NO_TLS: &[&str] = &["EHLO a.example", "STARTTLS", "what is no TLS"];
const MAIL: &[&str] =
    &["EHLO a.example", "MAIL FROM:<a@a.example>", "RCPT TO:<b@example>", "DATA", "Subject: x\r\n\r\nx\r\n.", "QUIT"];

#[test]
fn a_fault_acts_at_its_stage() {
    let check = |acting: Option<ServerFault>, lines, expected: &str| {
        let faults: Vec<ActiveFault> = acting.clone().map(fault).into_iter().collect();
        let (seen, _, used_up) = run(&faults, &[0], lines);
        assert_eq!(seen, [expected], "{acting:?}");
        assert!(!used_up, "{acting:?}");
    };
    check(None, STARTTLS, "220 250 220 silent");
    check(None, NO_TLS, "220 250 220 tls");
    check(Some(ServerFault::Lapse(Stage::Connect, Instead::Close)), STARTTLS, "closed");
    check(Some(ServerFault::Lapse(Stage::Connect, Instead::Stall)), STARTTLS, "silent");
    check(Some(reply(Stage::Connect, "421 4.3.2 Busy")), STARTTLS, "220 250 220 silent");
    check(Some(ServerFault::Lapse(Stage::Banner, Instead::Close)), STARTTLS, "closed");
    check(Some(ServerFault::Lapse(Stage::Handshake, Instead::Close)), STARTTLS, "220 250 220 closed");
    check(Some(ServerFault::Lapse(Stage::Handshake, Instead::Stall)), NO_TLS, "220 250 220 silent");
    check(Some(reply(Stage::Handshake, "421 4.3.2 Busy")), STARTTLS, "220 250 220 silent");
    check(Some(ServerFault::Lapse(Stage::Handshake, Instead::Octets(FATAL_ALERT))), NO_TLS, "220 250 220 tls");
    check(Some(ServerFault::Lapse(Stage::Handshake, Instead::Octets(fault::NO_TLS))), NO_TLS, "220 250 220 500");
    check(Some(ServerFault::Lapse(Stage::Mail, Instead::Stall)), MAIL, "220 250 silent");
    check(Some(ServerFault::Refused), MAIL, "refused");
}

#[test]
fn a_fault_acts_for_its_client_and_so_many_times() {
    let check = |acting: ServerFault, from: Option<usize>, times, expected: [&str; 4], used_up: bool| {
        let from = from.map(|client| ip(CLIENTS[client]));
        let (seen, _, used) = run(&[ActiveFault { from, times, ..fault(acting.clone()) }], &[0, 1, 0, 1], STARTTLS);
        assert_eq!(seen, expected, "{acting:?}");
        assert_eq!(used, used_up, "{acting:?}");
    };
    let usual = "220 250 220 silent";
    let at_connect = ServerFault::Lapse(Stage::Connect, Instead::Close);
    check(at_connect.clone(), None, Some(3), ["closed", "closed", "closed", usual], true);
    check(at_connect.clone(), Some(1), Some(1), [usual, "closed", usual, usual], true);
    check(at_connect, Some(1), Some(3), [usual, "closed", usual, "closed"], false);
    // A fault that never acts is never used up.
    check(reply(Stage::Connect, "421 Busy"), None, Some(1), [usual; 4], false);
    // Whether the port is open is the same for everybody.
    check(ServerFault::Refused, Some(1), Some(1), ["refused"; 4], false);
}

#[test]
fn faults_are_scoped_unless_the_port_is_closed() {
    for (fault, scoped) in [
        (ServerFault::Refused, false),
        (ServerFault::Lapse(Stage::Handshake, Instead::Octets(FATAL_ALERT)), true),
        (ServerFault::Lapse(Stage::Connect, Instead::Close), true),
    ] {
        assert_eq!(fault.is_scoped(), scoped, "{fault:?}");
    }
}

#[test]
fn a_positive_reply_takes_the_message() {
    let check = |text: &str, expected: &str, kinds: &str| {
        let (seen, told, _) = run(&[fault(reply(Stage::Dot, text))], &[0], MAIL);
        assert_eq!((seen[0].as_str(), told.as_str()), (expected, kinds), "{text}");
    };
    check("250 2.0.0 Queued", "220 250 250 250 354 250 221", "agreed agreed accepted");
    check("251 2.1.5 Taken", "220 250 250 250 354 251 221", "agreed agreed accepted");
    check("451 4.3.0 Later", "220 250 250 250 354 451 221", "agreed rejected");
    check("550 5.7.1 Never", "220 250 250 250 354 550 221", "agreed rejected");
}
