//! A world for only the engine: a table in place of DNS, mail hosts with a certificate and one behaviour each.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mxlab_mail::smtp::server::{self, Question, Settings};
use mxlab_mail::smtp::{PORT, Reply, Stage};
use mxlab_record::{Entry, Journal};
use mxlab_sender::routing::{Dns, Lookup, Mx, Trust};
use mxlab_sender::{Sender, SenderConfig, SendingDomain, Submission};
use mxlab_sim::{Config, End, HostHandle, Sim};
use mxlab_smtp::server::{Handshake, Limits, Responder, Response, Server, Service};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

/// What a host does.
#[derive(Clone, Debug)]
pub(crate) enum Habit {
    /// Takes mail over TLS.
    Good,
    /// Does not offer STARTTLS.
    Plain,
    /// Answers ClientHello with something that is not TLS.
    Garbage,
    /// Closes at ClientHello.
    Closes,
    /// Falls silent at ClientHello.
    Stalls,
    /// Gives this reply at this stage, as often as said.
    Says(Stage, &'static str, u32),
    /// Falls silent at this stage.
    Silent(Stage),
}

/// The certificate of every host, with its SubjectPublicKeyInfo.
pub(crate) struct Certificate {
    pub(crate) public_key: Vec<u8>,
    config: Arc<ServerConfig>,
}

pub(crate) fn certificate() -> Certificate {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec!["mx1.fabrikam.example".to_owned()]).unwrap();
    parameters.not_before = rcgen::date_time_ymd(2026, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(2027, 1, 1);
    let certificate = parameters.self_signed(&key).unwrap();
    let public_key = x509_parser::parse_x509_certificate(certificate.der()).unwrap().1.public_key().raw.to_vec();
    let config = ServerConfig::builder_with_provider(mxlab_env::tls::crypto_provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    Certificate { public_key, config: Arc::new(config) }
}

/// The messages that a host has taken: from, to, message.
pub(crate) type Mailbox = Arc<Mutex<Vec<(String, Vec<String>, String)>>>;

/// A mail host.
pub(crate) struct Host {
    pub(crate) handle: HostHandle,
    pub(crate) habit: Arc<Mutex<Habit>>,
    pub(crate) mailbox: Mailbox,
}

/// What sessions with a mail host share.
#[derive(Clone)]
struct Session {
    habit: Arc<Mutex<Habit>>,
    mailbox: Mailbox,
    config: Arc<ServerConfig>,
}

impl Service for Session {
    type Responder = Session;

    fn connected(&self, _client: IpAddr) -> (Settings, Session) {
        let mut settings = Settings::new("mx1.fabrikam.example");
        settings.starttls = !matches!(&*self.habit.lock().unwrap(), Habit::Plain);
        (settings, self.clone())
    }
}

impl Responder for Session {
    async fn respond(&mut self, question: Question, _session: &server::Session) -> Response {
        let stage = question.stage();
        if matches!(&*self.habit.lock().unwrap(), Habit::Silent(at) if *at == stage) {
            return Response::Silence;
        }
        if let Some(reply) = says(&self.habit, stage, &question) {
            return Response::Reply(reply);
        }
        if let Question::Message(delivery) = &question {
            let to = delivery.envelope.recipients.iter().map(|(to, _)| to.to_string()).collect();
            let message = String::from_utf8_lossy(&delivery.message).into_owned();
            self.mailbox.lock().unwrap().push((delivery.envelope.from.to_string(), to, message));
        }
        Response::Usual
    }

    fn handshake(&mut self) -> Handshake {
        match &*self.habit.lock().unwrap() {
            Habit::Garbage => Handshake::Octets(b"550 this is no TLS\r\n"),
            Habit::Closes => Handshake::Close,
            Habit::Stalls => Handshake::Silence,
            Habit::Good | Habit::Plain | Habit::Says(..) | Habit::Silent(_) => Handshake::Tls(self.config.clone()),
        }
    }
}

/// The behaviour's reply to this question; addresses that begin with `any` are exempt at RCPT.
fn says(habit: &Mutex<Habit>, stage: Stage, question: &Question) -> Option<Reply> {
    let mut habit = habit.lock().unwrap();
    let Habit::Says(at, reply, times) = &mut *habit else { return None };
    let spared = matches!(question, Question::Rcpt { to, .. } if to.local_part().starts_with("any"));
    if *at != stage || *times == 0 || spared {
        return None;
    }
    *times -= 1;
    Some(reply.parse().unwrap())
}

/// A table in place of DNS. What is not in it does not exist, securely.
#[derive(Clone, Default)]
pub(crate) struct Table(Arc<Mutex<Entries>>);

#[derive(Default)]
struct Entries {
    mx: BTreeMap<String, Lookup<Mx>>,
    a: BTreeMap<String, Lookup<IpAddr>>,
    tlsa: BTreeMap<String, Lookup<Vec<u8>>>,
}

fn lookup<T>(name: &str, trust: Trust, records: Vec<T>) -> Lookup<T> {
    Lookup { trust, no_such_name: false, aliases: vec![], canonical_name: name.to_owned(), records }
}

impl Table {
    pub(crate) fn mx(&self, domain: &str, trust: Trust, hosts: &[(u16, &str)]) {
        let records =
            hosts.iter().map(|(preference, host)| Mx { preference: *preference, exchange: (*host).to_owned() });
        self.0.lock().unwrap().mx.insert(domain.to_owned(), lookup(domain, trust, records.collect()));
    }
    pub(crate) fn a(&self, host: &str, addresses: &[&str]) {
        let records = addresses.iter().map(|address| address.parse().unwrap()).collect();
        self.0.lock().unwrap().a.insert(host.to_owned(), lookup(host, Trust::Secure, records));
    }
    pub(crate) fn tlsa(&self, host: &str, trust: Trust, records: Vec<Vec<u8>>) {
        let owner = format!("_25._tcp.{host}");
        self.0.lock().unwrap().tlsa.insert(owner.clone(), lookup(&owner, trust, records));
    }
}

fn known<T: Clone>(table: &BTreeMap<String, Lookup<T>>, name: &str) -> Lookup<T> {
    table.get(name).cloned().unwrap_or_else(|| lookup(name, Trust::Secure, vec![]))
}

impl Dns for Table {
    async fn mx(&self, domain: &str) -> Lookup<Mx> {
        known(&self.0.lock().unwrap().mx, domain)
    }
    async fn a(&self, host: &str) -> Lookup<IpAddr> {
        known(&self.0.lock().unwrap().a, host)
    }
    async fn aaaa(&self, host: &str) -> Lookup<IpAddr> {
        lookup(host, Trust::Secure, vec![])
    }
    async fn tlsa(&self, owner: &str) -> Lookup<Vec<u8>> {
        known(&self.0.lock().unwrap().tlsa, owner)
    }
}

/// The usual world: contoso.example sends, its own mail host takes reports, fabrikam.example has two hosts.
pub(crate) struct World {
    pub(crate) sim: Sim,
    pub(crate) table: Table,
    pub(crate) journal: Journal,
    pub(crate) out: HostHandle,
    /// Takes mail for contoso.example.
    pub(crate) home: Host,
    /// The preferred host of fabrikam.example.
    pub(crate) mx1: Host,
    pub(crate) certificate: Certificate,
}

pub(crate) fn world() -> World {
    let config = Config {
        epoch: "2026-03-02T08:00:00Z".parse().unwrap(),
        until: Duration::from_secs(60 * 3600),
        ..Config::default()
    };
    let mut sim = Sim::new(config).unwrap();
    let certificate = certificate();
    let mut host = |name: &str, address: &str| {
        let ip: IpAddr = address.parse().unwrap();
        let handle = sim.add_host(name, [ip]).unwrap();
        let host = Host { handle, habit: Arc::new(Mutex::new(Habit::Good)), mailbox: Mailbox::default() };
        let (habit, mailbox) = (host.habit.clone(), host.mailbox.clone());
        let (env, config) = (host.handle.env(), certificate.config.clone());
        let server = Server::new(&env, "mx session", Limits::default(), Session { habit, mailbox, config });
        let machine = env.clone();
        env.spawn("mx", async move {
            let listener = machine.listen(SocketAddr::new(ip, PORT)).await.unwrap();
            match server.accept_from(&*listener).await {}
        });
        host
    };
    let home = host("in.contoso.example", "192.0.2.30");
    let mx1 = host("mx1.fabrikam.example", "192.0.2.10");
    // Has no MX record unless a test gives it one.
    host("mx2.fabrikam.example", "192.0.2.11");
    let out = sim.add_host("out.contoso.example", ["192.0.2.20".parse().unwrap()]).unwrap();
    let table = Table::default();
    table.mx("contoso.example", Trust::Insecure("unsigned".to_owned()), &[(10, "in.contoso.example")]);
    table.a("in.contoso.example", &["192.0.2.30"]);
    table.mx("fabrikam.example", Trust::Secure, &[(10, "mx1.fabrikam.example")]);
    table.a("mx1.fabrikam.example", &["192.0.2.10"]);
    table.a("mx2.fabrikam.example", &["192.0.2.11"]);
    World { sim, table, journal: Journal::new(10_000), out, home, mx1, certificate }
}

pub(crate) fn config() -> SenderConfig {
    let postmaster: mxlab_mail::Address = "postmaster@contoso.onmicrosoft.example".parse().unwrap();
    let mut config = SenderConfig::new("out.contoso.example", "192.0.2.20:587".parse().unwrap(), postmaster.clone());
    config.domains.insert("contoso.example", SendingDomain { postmaster, expiration: None });
    config
}

pub(crate) const MESSAGE: &str = "Date: Mon, 02 Mar 2026 08:00:00 +0000\r\nFrom: <ann@contoso.example>\r\n\
    To: <bo@fabrikam.example>\r\nSubject: Offer\r\nMessage-ID: <1@contoso.example>\r\n\r\nHello\r\n.dot\r\n";

pub(crate) fn submission(from: &str, to: &[&str]) -> Submission {
    Submission {
        from: format!("<{from}>").parse().unwrap(),
        to: to.iter().map(|to| to.parse().unwrap()).collect(),
        message: MESSAGE.as_bytes().to_vec(),
        received_from: "desk.contoso.example".to_owned(),
    }
}

/// A TLSA record.
pub(crate) fn tlsa(numbers: [u8; 3], data: &[u8]) -> Vec<u8> {
    [&numbers[..], data].concat()
}

pub(crate) fn sha256(data: &[u8]) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, data).as_ref().to_vec()
}

impl World {
    pub(crate) fn sender(&self, config: SenderConfig) -> Sender<Table> {
        let env = self.out.env();
        Sender::with_dns(&env, &self.journal.recorder(&env, "sender", 0), self.table.clone(), config).unwrap()
    }

    /// Lets the engine deliver these messages until its queue is empty; returns what it recorded.
    pub(crate) fn run(self, config: SenderConfig, messages: Vec<Submission>) -> Vec<Entry> {
        let sender = self.sender(config);
        let outcome = self.sim.run(async move {
            sender.start().await.unwrap();
            for message in messages {
                sender.submit(message).await.unwrap();
            }
            let mut waiting = sender.watch();
            waiting.wait_for(|waiting| *waiting == 0).await.unwrap();
        });
        assert_eq!(outcome.end, End::Finished);
        self.journal.entries()
    }
}

/// The entries of a kind.
pub(crate) fn of<'a>(entries: &'a [Entry], kind: &str) -> Vec<&'a Entry> {
    entries.iter().filter(|entry| entry.kind == kind).collect()
}

/// The values of text fields, of all entries of a kind.
pub(crate) fn texts<'a>(entries: &'a [Entry], kind: &str, field: &str) -> Vec<&'a str> {
    of(entries, kind).into_iter().filter_map(|entry| entry.fields.text(field)).collect()
}

/// Minutes after the start at which the entries of a kind were recorded.
pub(crate) fn minutes(entries: &[Entry], kind: &str) -> Vec<i64> {
    let epoch = jiff::Timestamp::from_second(1_772_438_400).unwrap();
    of(entries, kind).iter().map(|entry| entry.at.duration_since(epoch).as_mins()).collect()
}

/// The story, with a mark before reasons.
pub(crate) fn story(entries: &[Entry]) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in entries {
        lines.extend(entry.story.clone());
        lines.extend(entry.because.iter().map(|reason| format!("  because {reason}")));
    }
    lines
}
