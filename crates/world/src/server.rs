//! A scripted mail server: it accepts mail for everybody, unless its settings or a fault say otherwise.
//!
//! It speaks SMTP (RFC 5321) with STARTTLS (RFC 3207) through the same shell as the engines ([`mxlab_smtp::server`]),
//! and judges nothing. What it takes goes on into a [`Sink`]. Each session uses the settings and faults of the moment
//! when the client does something, so a change takes effect at once, even in the middle of a session.

mod events;
mod faults;
mod session;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mxlab_env::{BoxFuture, Env};
use mxlab_mail::smtp::Reply;
use mxlab_mail::smtp::server::{Delivery, EXTENSIONS, queued};
use mxlab_record::{Kind, Recorder};
use mxlab_smtp::server::{Limits, MOST_OCTETS, Server, Sink};
use rustls::sign::CertifiedKey;
use tokio::sync::watch;

pub use faults::{ActiveFault, ServerFault};
use session::Host;

/// What a server records besides what it accepts and rejects.
pub(crate) const AGREED: Kind = events::Agreed::KIND;

/// The bounds of a server. A client that is slow has its own time-outs, and what becomes of it is the story: the server
/// waits longer than any client does.
const LIMITS: Limits = Limits { sessions: 1_000, silence: Duration::from_secs(3600), octets: MOST_OCTETS };
/// How long to wait before an address that could not be bound is tried again.
const BIND_AGAIN: Duration = Duration::from_secs(1);

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
    /// Certificates chosen by the name that the client sends in SNI; they take precedence over `certificate`.
    pub by_name: Vec<(String, Arc<CertifiedKey>)>,
    /// TLS versions.
    pub tls: TlsLevel,
    /// The text of the banner; its name if none is given.
    pub banner: Option<String>,
    /// EHLO keywords.
    pub extensions: Vec<String>,
    /// The value of the SIZE keyword; 0 for none.
    pub size: u64,
    /// The reply to RCPT for certain addresses; all others are accepted.
    pub recipients: Vec<(String, Reply)>,
}

impl ServerSettings {
    /// A server called `name` that presents this certificate and accepts everything.
    pub fn new(name: &str, certificate: Arc<CertifiedKey>) -> ServerSettings {
        ServerSettings {
            name: name.to_owned(),
            certificate: Some(certificate),
            by_name: Vec::new(),
            tls: TlsLevel::Tls13,
            banner: None,
            extensions: EXTENSIONS.map(str::to_owned).to_vec(),
            size: 0,
            recipients: Vec::new(),
        }
    }
}

#[derive(Clone, Debug)]
struct Shared {
    settings: ServerSettings,
    faults: Vec<ActiveFault>,
    /// The ids of the faults that have acted.
    acted: BTreeSet<u64>,
}

/// The administrator's control of a server, and its faults.
#[derive(Clone, Debug)]
pub struct ServerControl(Arc<watch::Sender<Shared>>);

impl ServerControl {
    /// A server with these settings that is not running yet.
    pub fn new(settings: ServerSettings) -> ServerControl {
        ServerControl(Arc::new(watch::Sender::new(Shared { settings, faults: Vec::new(), acted: BTreeSet::new() })))
    }

    /// Changes the settings.
    pub fn change(&self, change: impl FnOnce(&mut ServerSettings)) {
        self.0.send_modify(|shared| change(&mut shared.settings));
    }

    /// Begins a fault. If two affect the same thing, the later one acts.
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

    /// Whether the fault with this id has acted, be it over or not. Of one that is not
    /// [scoped](ServerFault::is_scoped), nobody knows.
    pub fn has_acted(&self, id: u64) -> bool {
        self.0.borrow().acted.contains(&id)
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
                    shared.acted.insert(active.id);
                    active.times = active.times.map(|times| times.saturating_sub(1));
                    break;
                }
            }
            // No listener has to wake: they wait only for changed settings and for faults that begin or end.
            false
        });
        found
    }

    fn is_refused(&self) -> bool {
        self.0.borrow().faults.iter().any(|active| active.fault == ServerFault::Refused)
    }
}

/// Takes every message, and keeps none: that it came is in the record.
#[derive(Clone, Copy, Debug)]
pub struct Everything;

impl Sink for Everything {
    fn take<'a>(&'a self, _client: IpAddr, _delivery: &'a Delivery) -> BoxFuture<'a, Reply> {
        Box::pin(std::future::ready(queued()))
    }
}

/// Spawns the server on a host, at these addresses; it runs until the host dies. A fault may unbind it for a time. What it
/// does not refuse goes into `sink`.
pub fn serve(env: &Env, recorder: &Recorder, control: &ServerControl, sink: Arc<dyn Sink>, at: Vec<SocketAddr>) {
    let host = Host { env: env.clone(), recorder: recorder.clone(), control: control.clone(), sink };
    let server = Server::new(env, "smtp session", LIMITS, host);
    for address in at {
        let (task_env, server, control) = (env.clone(), server.clone(), control.clone());
        env.spawn(format!("mail server at {}", address.ip()), async move {
            listen(&task_env, &server, &control, address).await;
        });
    }
}

async fn listen(env: &Env, server: &Server<Host>, control: &ServerControl, at: SocketAddr) {
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
                never = server.accept_from(&*listener) => match never {},
            }
        }
    }
}
