//! The same seed sends the same bytes, in every process.

mod common;

use common::{at, finished, ms, world};
use mxlab_env::{Env, tls};
use mxlab_sim::{Config, HostHandle, Outcome, Sim};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::process::Command;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// An Ed25519 key made of a seed: RFC 8410's PKCS #8 around it.
fn key(seed: u8) -> Vec<u8> {
    let mut der = vec![0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    der.extend([seed; 32]);
    der
}

fn certificate() -> CertificateDer<'static> {
    let der = PrivatePkcs8KeyDer::from(key(1));
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&der, &rcgen::PKCS_ED25519).expect("a key");
    let mut params = CertificateParams::new(["mx.contoso.test".to_owned()]).expect("a name");
    params.not_before = rcgen::date_time_ymd(2025, 1, 1);
    params.not_after = rcgen::date_time_ymd(2027, 1, 1);
    params.serial_number = Some(rcgen::SerialNumber::from(7_u64));
    params.self_signed(&key).expect("a certificate").der().clone()
}

fn server_config(env: &Env) -> ServerConfig {
    let key = PrivateKeyDer::Pkcs8(key(1).into());
    let builder = ServerConfig::builder_with_details(tls::crypto_provider(), tls::time_provider(env));
    let builder = builder.with_protocol_versions(&[&rustls::version::TLS13]).expect("TLS 1.3");
    let mut config = builder.with_no_client_auth().with_single_cert(vec![certificate()], key).expect("a key");
    config.send_tls13_tickets = 0;
    config.key_log = tls::key_log();
    config
}

fn client_config(env: &Env) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(certificate()).expect("a root");
    let builder = ClientConfig::builder_with_details(tls::crypto_provider(), tls::time_provider(env));
    let builder = builder.with_protocol_versions(&[&rustls::version::TLS13]).expect("TLS 1.3");
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.key_log = tls::key_log();
    config
}

fn spawn_tls_server(host: &HostHandle) {
    let env = host.env();
    host.env().spawn("tls server", async move {
        let acceptor = TlsAcceptor::from(Arc::new(server_config(&env)));
        let listener = env.listen(at(1, 25)).await.expect("a free address");
        while let Ok(stream) = listener.accept().await {
            let mut stream = acceptor.accept(stream).await.expect("a handshake");
            let mut request = [0; 5];
            stream.read_exact(&mut request).await.expect("a request");
            stream.write_all(&request).await.expect("an answer");
            stream.shutdown().await.expect("closed");
        }
    });
}

/// Three TLS sessions in as many hours, and a datagram; the story is what the client saw.
fn run(config: Config) -> Outcome<Vec<String>> {
    let (sim, [mx, client]) = world(config);
    spawn_tls_server(&mx);
    let env = client.env();
    let script = async move {
        let mut story = Vec::new();
        for _ in 0..3 {
            tokio::time::sleep(common::seconds(3600)).await;
            let (session, finished) = tokio::sync::oneshot::channel();
            let inner = env.clone();
            env.spawn("tls client", async move {
                let connector = TlsConnector::from(Arc::new(client_config(&inner)));
                let stream = inner.connect(at(1, 25)).await.expect("connected");
                let name = ServerName::try_from("mx.contoso.test").expect("a name");
                let mut stream = connector.connect(name, stream).await.expect("a handshake");
                stream.write_all(b"hello").await.expect("written");
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await.expect("an answer");
                let _ = session.send(answer);
            });
            story.push(finished.await.expect("a session"));
        }
        let socket = env.bind(at(2, 0)).await.expect("a port");
        socket.send_to(&env.random::<16>(), at(1, 53)).await.expect("sent");
        // The script's own draws are seeded too.
        let mut drawn = [0; 8];
        assert!(mxlab_env::entropy::fill(&mut drawn));
        socket.send_to(&drawn, at(1, 53)).await.expect("sent");
        tokio::time::sleep(ms(100)).await;
        story
    };
    sim.run(script)
}

fn with_seed(seed: u64) -> Config {
    Config { seed, packet_log: 10_000, ..Config::default() }
}

const CHILD: &str = "MXLAB_SIM_PRINTS_ITS_HASH";

/// The child process of the other tests. Run alone, it shows that this process has the same hash.
#[test]
fn prints_its_hash() {
    let outcome = run(with_seed(11));
    if std::env::var_os(CHILD).is_some() {
        println!("hash={} packets={}", outcome.packet_hash, outcome.packets);
    }
    assert_eq!(finished(outcome), ["hello", "hello", "hello"]);
}

fn hash_of_a_child(zone: &str, folder: &str) -> String {
    let mut child = Command::new(std::env::current_exe().expect("this test"));
    child.args(["--exact", "prints_its_hash", "--nocapture"]);
    child.env(CHILD, "1").env("TZ", zone).env("LANG", "C").current_dir(folder);
    let output = child.output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let hash = text.lines().find_map(|line| Some(&line[line.find("hash=")?..]));
    hash.unwrap_or_else(|| panic!("no hash in {text}")).to_owned()
}

#[test]
fn two_processes_send_the_same_bytes() {
    let here = run(with_seed(11));
    let here = format!("hash={} packets={}", here.packet_hash, here.packets);
    assert_eq!(hash_of_a_child("UTC", "/"), here);
    assert_eq!(hash_of_a_child("Asia/Kolkata", "."), here);
}

#[test]
fn another_seed_has_other_packets_and_the_same_story() {
    let first = run(with_seed(1));
    for seed in 2..5 {
        let other = run(with_seed(seed));
        assert_ne!(other.packet_hash, first.packet_hash);
        assert_eq!(other.value, first.value);
    }
    let again = run(with_seed(1));
    assert_eq!((again.packet_hash, again.packets, again.polls), (first.packet_hash, first.packets, first.polls));
    assert_eq!(again.log, first.log);
}

#[test]
fn what_a_capture_keeps_changes_nothing_else() {
    let plain = run(with_seed(1));
    let kept = run(Config { capture: true, ..with_seed(1) });
    assert_eq!((&kept.packet_hash, kept.packets, kept.polls), (&plain.packet_hash, plain.packets, plain.polls));
    assert_eq!(kept.value, plain.value);
    assert!(plain.tls_secrets.is_empty() && plain.log.iter().all(|packet| packet.payload.is_empty()));
    assert!(kept.log.iter().all(|packet| packet.payload.len() == packet.length));
    let lengths = |outcome: &Outcome<Vec<String>>| outcome.log.iter().map(|packet| packet.length).collect::<Vec<_>>();
    assert_eq!(lengths(&kept), lengths(&plain));
    assert!(lengths(&kept).iter().any(|length| *length > 0));
    // Three sessions, each with two secrets of the handshake, two of the traffic, and the exporter's.
    assert_eq!(kept.tls_secrets.len(), 15);
    assert!(kept.tls_secrets.iter().any(|line| line.starts_with("SERVER_TRAFFIC_SECRET_0 ")));
    assert!(run(Config { packet_log: 0, ..with_seed(1) }).packet_hash == plain.packet_hash);
}

/// The first bytes that each host draws.
fn draws(names: &[&str], seed: u64) -> Vec<[u8; 8]> {
    let mut sim = Sim::new(Config { seed, ..Config::default() }).expect("a runtime");
    let hosts: Vec<_> = names.iter().map(|name| sim.add_host(name, []).expect("a new host")).collect();
    hosts.iter().map(|host| host.env().random()).collect()
}

#[test]
fn the_draws_of_a_host_depend_on_its_name_and_boot_alone() {
    let [a, b] = draws(&["a.test", "b.test"], 1)[..] else { panic!("two hosts") };
    assert_ne!(a, b);
    assert_eq!(draws(&["other.test", "b.test", "a.test"], 1)[1..], [b, a]);
    assert_ne!(draws(&["a.test"], 2)[0], a);
    let (_sim, [host]) = world(Config::default());
    let first: [u8; 8] = host.env().random();
    assert_ne!(host.env().random::<8>(), first, "one process, one stream");
    let reborn: [u8; 8] = host.restart().random();
    assert_ne!(reborn, first);
}
