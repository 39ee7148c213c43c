//! A scripted mail server: it takes mail for everybody, unless its settings or a fault say otherwise.
//!
//! It speaks SMTP (RFC 5321) with STARTTLS (RFC 3207) through the same sans-I/O session as the receiver engine, and
//! judges nothing. Each session looks at the settings and faults as they are when the client does something, so a change
//! takes effect at once, also in the middle of a session.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mxlab_env::{BoxStream, Env, tls};
use mxlab_mail::headers::Message;
use mxlab_mail::smtp::fault::Instead;
use mxlab_mail::smtp::server::{Action, Delivery, Question, Session, Settings};
use mxlab_mail::smtp::{Reply, Stage};
use mxlab_record::{Event, Fields, Recorder};
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// The highest TLS version that a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsLevel {
    /// STARTTLS is not offered.
    None,
    /// TLS 1.2 at most.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// How the server behaves.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Its full name, in banner and EHLO answer.
    pub name: String,
    /// The certificate that it presents; without one it has no TLS.
    pub certificate: Option<Arc<CertifiedKey>>,
    /// Certificates chosen by the name that the client asks for in SNI, which go before `certificate`.
    pub by_name: Vec<(String, Arc<CertifiedKey>)>,
    /// TLS versions.
    pub tls: TlsLevel,
    /// The text of the banner; its name if none is given.
    pub banner: Option<String>,
    /// EHLO keywords.
    pub extensions: Vec<String>,
    /// The value of the SIZE keyword; 0 for none.
    pub size: u64,
    /// The reply to RCPT for single addresses; everybody else is accepted.
    pub recipients: Vec<(String, Reply)>,
}

impl ServerSettings {
    /// A server called `name` that presents this certificate and takes everything.
    pub fn new(name: &str, certificate: Arc<CertifiedKey>) -> ServerSettings {
        ServerSettings {
            name: name.to_owned(),
            certificate: Some(certificate),
            by_name: Vec::new(),
            tls: TlsLevel::Tls13,
            banner: None,
            extensions: ["PIPELINING", "8BITMIME", "CHUNKING", "SMTPUTF8", "DSN"].map(str::to_owned).to_vec(),
            size: 0,
            recipients: Vec::new(),
        }
    }
}

/// What breaks at the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerFault {
    /// Nothing listens at the port. The machine itself then answers a SYN with RST, whoever sent it, and nobody counts how
    /// often: [`ActiveFault::from`] and [`ActiveFault::times`] have no meaning here (see [`ServerFault::is_scoped`]).
    Refused,
    /// STARTTLS is not offered.
    StartTlsMissing,
    /// This in place of the answer at this stage: at [`Stage::Connect`] before the greeting, at [`Stage::Handshake`] in
    /// place of the handshake. No reply is due at either: there [`Instead::Reply`] has no effect.
    Lapse(Stage, Instead),
}

impl ServerFault {
    /// Whether it can be confined to one client and to a number of times.
    pub fn is_scoped(&self) -> bool {
        *self != ServerFault::Refused
    }

    /// What it does at this stage in place of the answer, if anything.
    fn at(&self, stage: Stage) -> Option<Instead> {
        match self {
            ServerFault::Lapse(at, does) if *at == stage => Some(does.clone()),
            ServerFault::Lapse(..) | ServerFault::Refused | ServerFault::StartTlsMissing => None,
        }
    }
}

/// A fault in force.
#[derive(Clone, Debug)]
pub struct ActiveFault {
    /// Identifies it, for [`ServerControl::end_fault`].
    pub id: u64,
    /// What breaks.
    pub fault: ServerFault,
    /// Only for clients with this address; for all if none is given. It and `times` apply if the fault
    /// [is scoped](ServerFault::is_scoped).
    pub from: Option<IpAddr>,
    /// How often it still acts; without limit if none is given.
    pub times: Option<u64>,
}

#[derive(Clone, Debug)]
struct Shared {
    settings: ServerSettings,
    faults: Vec<ActiveFault>,
}

/// The administrator's hand on a server, and the faults that befall it.
#[derive(Clone, Debug)]
pub struct ServerControl(Arc<watch::Sender<Shared>>);

impl ServerControl {
    /// A server with these settings that does not run yet.
    pub fn new(settings: ServerSettings) -> ServerControl {
        ServerControl(Arc::new(watch::Sender::new(Shared { settings, faults: Vec::new() })))
    }

    /// Changes the settings.
    pub fn change(&self, change: impl FnOnce(&mut ServerSettings)) {
        self.0.send_modify(|shared| change(&mut shared.settings));
    }

    /// Lets a fault begin. Of two on the same thing the later one acts.
    pub fn begin_fault(&self, fault: ActiveFault) {
        self.0.send_modify(|shared| shared.faults.push(fault));
    }

    /// Ends the fault with this id.
    pub fn end_fault(&self, id: u64) {
        self.0.send_modify(|shared| shared.faults.retain(|active| active.id != id));
    }

    fn settings(&self) -> ServerSettings {
        self.0.borrow().settings.clone()
    }

    /// Whether the fault with this id is still there but has acted as often as it may.
    pub fn used_up(&self, id: u64) -> bool {
        let used_up = |active: &ActiveFault| active.id == id && active.fault.is_scoped() && active.times == Some(0);
        self.0.borrow().faults.iter().any(used_up)
    }

    /// The latest fault of this kind for this client, which then has acted once more. Two sessions never use the same turn.
    fn acts<T>(&self, client: IpAddr, find: impl Fn(&ServerFault) -> Option<T>) -> Option<T> {
        let mut found = None;
        self.0.send_if_modified(|shared| {
            for active in shared.faults.iter_mut().rev() {
                if active.times == Some(0) || active.from.is_some_and(|from| from != client) {
                    continue;
                }
                found = find(&active.fault);
                if found.is_some() {
                    active.times = active.times.map(|times| times.saturating_sub(1));
                    break;
                }
            }
            // Nobody waits for that: listeners wait for settings and for faults that come and go.
            false
        });
        found
    }

    fn is_refused(&self) -> bool {
        self.0.borrow().faults.iter().any(|active| active.fault == ServerFault::Refused)
    }
}

/// A message taken: one for each recipient.
struct Accepted<'a> {
    delivery: &'a Delivery,
    to: String,
    host: &'a str,
    client: IpAddr,
    message: Option<String>,
    report: bool,
}

impl Event for Accepted<'_> {
    fn kind(&self) -> &'static str {
        "accepted"
    }

    fn fields(&self) -> Fields {
        Fields::new()
            .with_some("message", self.message.as_deref())
            .with("from", self.delivery.envelope.from.to_string())
            .with("to", self.to.as_str())
            .with("host", self.host)
            .with("tls", self.delivery.envelope.tls)
            .with("client", self.client.to_string())
    }

    fn story(&self) -> Vec<String> {
        let how = if self.delivery.envelope.tls { "over TLS" } else { "in clear" };
        let what = if self.report { "a delivery report" } else { "the message" };
        let from = match self.delivery.envelope.from.address() {
            Some(address) => format!(" from {address}"),
            None => String::new(),
        };
        vec![format!("takes {what}{from} for {}, {how}", self.to)]
    }
}

/// A recipient or message refused.
struct Rejected<'a> {
    from: String,
    to: String,
    reply: &'a Reply,
    by: &'a str,
    stage: Stage,
}

impl Event for Rejected<'_> {
    fn kind(&self) -> &'static str {
        "rejected"
    }

    fn fields(&self) -> Fields {
        Fields::new()
            .with("from", self.from.as_str())
            .with("to", self.to.as_str())
            .with_some("code", self.reply.enhanced.map(|code| code.to_string()))
            .with("text", self.reply.text())
            .with("by", self.by)
            .with("stage", self.stage.to_string())
    }

    fn story(&self) -> Vec<String> {
        vec![format!("answers `{}` to {} for {}", self.reply, self.stage, self.to)]
    }
}

/// Spawns the server on a host, at these addresses; it runs until the host dies. A fault may unbind it for a time.
pub fn serve(env: &Env, recorder: &Recorder, control: &ServerControl, at: Vec<SocketAddr>) {
    for address in at {
        let (task_env, recorder, control) = (env.clone(), recorder.clone(), control.clone());
        env.spawn(format!("mail server at {}", address.ip()), async move {
            listen(&task_env, &recorder, &control, address).await;
        });
    }
}

/// How long to wait before an address that could not be bound is tried again.
const BIND_AGAIN: Duration = Duration::from_secs(1);

async fn listen(env: &Env, recorder: &Recorder, control: &ServerControl, at: SocketAddr) {
    let mut changes = control.0.subscribe();
    loop {
        if control.is_refused() {
            // Nothing listens: the machine itself refuses.
            if changes.changed().await.is_err() {
                return;
            }
            continue;
        }
        let Ok(listener) = env.listen(at).await else {
            tokio::time::sleep(BIND_AGAIN).await;
            continue;
        };
        while !control.is_refused() {
            tokio::select! {
                biased;
                changed = changes.changed() => if changed.is_err() { return },
                accepted = listener.accept() => if let Ok(stream) = accepted {
                    let (env_, recorder, control) = (env.clone(), recorder.clone(), control.clone());
                    env.spawn("smtp session", async move {
                        // A client that goes away is not the server's business.
                        let _ = converse_with(env_, recorder, control, stream).await;
                    });
                },
            }
        }
    }
}

/// Everything from the connection to its end.
async fn converse_with(env: Env, recorder: Recorder, control: ServerControl, mut stream: BoxStream) -> io::Result<()> {
    let client = stream.peer_addr().ip();
    match control.acts(client, |fault| fault.at(Stage::Connect)) {
        Some(Instead::Close) => stream.shutdown().await,
        Some(Instead::Stall) => stall(stream).await,
        Some(Instead::Octets(octets)) => say(stream, octets).await,
        Some(Instead::Reply(_)) | None => Conversation::new(env, recorder, control, client).run(stream).await,
    }
}

/// One session with one client.
struct Conversation {
    env: Env,
    recorder: Recorder,
    control: ServerControl,
    client: IpAddr,
    name: String,
    session: Session,
}

/// How the conversation over one stream ended.
enum Paused {
    /// All is said.
    Over,
    /// STARTTLS was accepted: what follows is the handshake.
    StartTls,
}

impl Conversation {
    fn new(env: Env, recorder: Recorder, control: ServerControl, client: IpAddr) -> Conversation {
        let settings = control.settings();
        let missing = control.acts(client, |fault| (*fault == ServerFault::StartTlsMissing).then_some(())).is_some();
        let mut session = Settings::new(&settings.name);
        session.starttls = settings.tls != TlsLevel::None && settings.certificate.is_some() && !missing;
        session.extensions = settings.extensions;
        session.size = (settings.size > 0).then_some(settings.size);
        Conversation { env, recorder, control, client, name: settings.name, session: Session::new(session) }
    }

    async fn run(mut self, mut stream: BoxStream) -> io::Result<()> {
        match self.converse(&mut stream).await? {
            Paused::Over => Ok(()),
            Paused::StartTls => self.over_tls(stream).await,
        }
    }

    async fn over_tls(mut self, mut stream: BoxStream) -> io::Result<()> {
        match self.lapse_at(Stage::Handshake) {
            Some(Instead::Close) => return stream.shutdown().await,
            Some(Instead::Stall) => return stall(stream).await,
            Some(Instead::Octets(octets)) => {
                read_some(&mut stream).await?;
                return say(stream, octets).await;
            }
            Some(Instead::Reply(_)) | None => {}
        }
        let Some(config) = tls_config(&self.env, &self.control.settings()) else { return stream.shutdown().await };
        let mut secured = TlsAcceptor::from(config).accept(stream).await?;
        self.session.tls_established();
        self.converse(&mut secured).await.map(|_| ())
    }

    async fn converse(&mut self, stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<Paused> {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.session.next_action() {
                Action::Read => match stream.read(&mut buffer).await? {
                    0 => self.session.end_of_input(),
                    count => self.session.receive(buffer.get(..count).unwrap_or_default()),
                },
                Action::Write(bytes) => stream.write_all(&bytes).await?,
                Action::StartTls => return Ok(Paused::StartTls),
                Action::Close(_) => {
                    stream.shutdown().await?;
                    return Ok(Paused::Over);
                }
                Action::Ask(question) => match self.lapse_at(stage_of(&question)) {
                    Some(Instead::Close) => {
                        stream.shutdown().await?;
                        return Ok(Paused::Over);
                    }
                    Some(Instead::Stall) => return stall(stream).await.map(|()| Paused::Over),
                    Some(Instead::Octets(octets)) => return say(stream, octets).await.map(|()| Paused::Over),
                    Some(Instead::Reply(reply)) => self.answer_with(&question, reply),
                    None => self.answer(&question),
                },
            }
        }
    }

    fn lapse_at(&self, stage: Stage) -> Option<Instead> {
        self.control.acts(self.client, |fault| fault.at(stage))
    }

    /// The usual answer, as far as the settings do not give another.
    fn answer(&mut self, question: &Question) {
        let settings = self.control.settings();
        match question {
            Question::Banner => match &settings.banner {
                Some(banner) => self.session.answer(Reply::new(220, banner)),
                None => self.session.accept(),
            },
            Question::Rcpt { to, .. } => {
                let to = to.to_string();
                let reply = settings.recipients.into_iter().find(|(address, _)| address.eq_ignore_ascii_case(&to));
                match reply {
                    Some((_, reply)) => self.answer_with(question, reply),
                    None => self.session.accept(),
                }
            }
            Question::Message(delivery) => {
                self.take(delivery);
                self.session.accept();
            }
            _ => self.session.accept(),
        }
    }

    /// Another answer than the usual. Whatever its words are, a positive one takes the message (RFC 5321 §4.2.1).
    fn answer_with(&mut self, question: &Question, reply: Reply) {
        match question {
            Question::Message(delivery) if reply.is_positive() => self.take(delivery),
            _ if reply.is_positive() => {}
            _ => self.tell_refusal(question, &reply),
        }
        self.session.answer(reply);
    }

    fn tell_refusal(&self, question: &Question, reply: &Reply) {
        let recipients: Vec<(String, String)> = match question {
            Question::Rcpt { to, .. } => {
                let from = self.session.reverse_path().map_or(String::new(), ToString::to_string);
                vec![(from, to.to_string())]
            }
            Question::Message(delivery) => {
                let from = delivery.envelope.from.to_string();
                delivery.envelope.recipients.iter().map(|(to, _)| (from.clone(), to.to_string())).collect()
            }
            _ => Vec::new(),
        };
        for (from, to) in recipients {
            let stage = stage_of(question);
            self.recorder.tell(&Rejected { from, to, reply, by: &self.name, stage });
        }
    }

    fn take(&self, delivery: &Delivery) {
        let parsed = Message::parse(&delivery.message).ok();
        let message = parsed.as_ref().and_then(|message| message.message_id().ok()).map(|id| id.as_str().to_owned());
        let report = parsed
            .as_ref()
            .and_then(|message| message.field("Content-Type"))
            .is_some_and(|field| field.value().to_ascii_lowercase().starts_with("multipart/report"));
        for (to, _) in &delivery.envelope.recipients {
            let message = message.clone();
            let to = to.to_string();
            self.recorder.tell(&Accepted { delivery, to, host: &self.name, client: self.client, message, report });
        }
    }
}

fn stage_of(question: &Question) -> Stage {
    match question {
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

/// Reads what there is, once: a ClientHello.
async fn read_some(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<usize> {
    stream.read(&mut [0; 4096]).await
}

/// Says nothing and keeps the connection until the client gives up. What it sends meanwhile is read and dropped.
async fn stall(mut stream: impl AsyncRead + Unpin) -> io::Result<()> {
    while read_some(&mut stream).await? > 0 {}
    Ok(())
}

/// Says these octets and nothing after them.
async fn say(mut stream: impl AsyncRead + AsyncWrite + Unpin, octets: &[u8]) -> io::Result<()> {
    stream.write_all(octets).await?;
    linger(stream).await
}

/// Ends the sending side and waits for the client to go: a connection dropped with unread bytes would be reset, and what
/// was written last might not arrive.
async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    stream.shutdown().await?;
    stall(stream).await
}

/// Chooses the certificate by the name that the client asks for.
#[derive(Debug)]
struct ByName {
    certificate: Arc<CertifiedKey>,
    by_name: Vec<(String, Arc<CertifiedKey>)>,
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asked = hello.server_name().unwrap_or_default();
        let named = self.by_name.iter().find(|(name, _)| name.eq_ignore_ascii_case(asked));
        Some(named.map_or(&self.certificate, |(_, certificate)| certificate).clone())
    }
}

fn tls_config(env: &Env, settings: &ServerSettings) -> Option<Arc<ServerConfig>> {
    let versions: &[&rustls::SupportedProtocolVersion] = match settings.tls {
        TlsLevel::None => return None,
        TlsLevel::Tls12 => &[&rustls::version::TLS12],
        TlsLevel::Tls13 => &[&rustls::version::TLS13, &rustls::version::TLS12],
    };
    let certificate = settings.certificate.clone()?;
    let resolver = ByName { certificate, by_name: settings.by_name.clone() };
    let mut config = ServerConfig::builder_with_details(tls::crypto_provider(), tls::time_provider(env))
        .with_protocol_versions(versions)
        .ok()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    // Tickets would carry state from one session into the next: each handshake is to stand for itself.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Some(Arc::new(config))
}
