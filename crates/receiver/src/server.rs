//! The SMTP server: a shell around the session of `mxlab-mail`, with the engine's policy.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mxlab_env::{BoxStream, Env, Listener, tls};
use mxlab_mail::ReversePath;
use mxlab_mail::smtp::server::{Action, Question, Session, Settings};
use mxlab_mail::smtp::{Class, EnhancedCode, Reply};
use rustls::ServerConfig;
use rustls::sign::SingleCertAndKey;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::config::ReceiverConfig;
use crate::intake::Intake;

/// The most sessions at a time.
const MAX_SESSIONS: usize = 1_000;
/// How long a client may be silent (RFC 5321 §4.5.3.2.7).
const IDLE: Duration = Duration::from_secs(5 * 60);
/// How long to wait after an accept that failed.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

/// The server: what it asks, and the sessions that it may hold.
struct Server {
    intake: Arc<Intake>,
    sessions: Semaphore,
}

/// Binds, then accepts connections in a task of its own.
pub(crate) async fn serve(intake: Arc<Intake>, at: SocketAddr) -> io::Result<SocketAddr> {
    let env = intake.shared.env.clone();
    let listener = env.listen(at).await?;
    let address = listener.local_addr();
    let server = Arc::new(Server { intake, sessions: Semaphore::new(MAX_SESSIONS) });
    env.spawn("inbound SMTP server", async move { accept(server, listener).await });
    Ok(address)
}

async fn accept(server: Arc<Server>, listener: Box<dyn Listener>) {
    loop {
        let Ok(stream) = listener.accept().await else {
            // Out of descriptors, or a client that went away: either passes.
            tokio::time::sleep(ACCEPT_AGAIN).await;
            continue;
        };
        let env = server.intake.shared.env.clone();
        let server = server.clone();
        env.spawn("inbound SMTP session", async move {
            // A client that goes away in the middle is not the server's business: whatever was not answered with 250
            // was not taken.
            let _ = converse(&server, stream).await;
        });
    }
}

async fn converse(server: &Server, mut stream: BoxStream) -> io::Result<()> {
    let Ok(_permit) = server.sessions.try_acquire() else {
        stream.write_all(&transient(421, 3, 2, "Too many sessions").to_wire()).await?;
        return stream.shutdown().await;
    };
    let shared = &server.intake.shared;
    let config = shared.config();
    let mut settings = Settings::new(&config.name);
    settings.size = Some(settings.max_message as u64);
    let client = stream.peer_addr().ip().to_canonical();
    let mut conversation = Conversation { intake: &server.intake, client, session: Session::new(settings) };
    match conversation.run(&mut stream).await? {
        Pause::Over => Ok(()),
        Pause::StartTls => {
            let Some(config) = tls_config(&shared.env, &config) else { return stream.shutdown().await };
            let handshake = TlsAcceptor::from(config).accept(stream);
            let mut secured = timeout(IDLE, handshake).await??;
            conversation.session.tls_established();
            conversation.run(&mut secured).await.map(|_| ())
        }
    }
}

/// TLS 1.2 and 1.3, without tickets: each handshake stands for itself.
fn tls_config(env: &Env, config: &ReceiverConfig) -> Option<Arc<ServerConfig>> {
    let mut tls = ServerConfig::builder_with_details(tls::crypto_provider(), tls::time_provider(env))
        .with_safe_default_protocol_versions()
        .ok()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(config.certificate.clone())));
    tls.send_tls13_tickets = 0;
    tls.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Some(Arc::new(tls))
}

/// Why the conversation over one stream stops.
enum Pause {
    /// All is said.
    Over,
    /// The handshake comes next.
    StartTls,
}

struct Conversation<'a> {
    intake: &'a Intake,
    client: IpAddr,
    session: Session,
}

impl Conversation<'_> {
    async fn run(&mut self, stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<Pause> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match self.session.next_action() {
                Action::Read => match timeout(IDLE, stream.read(&mut buffer)).await {
                    Ok(Ok(0)) => self.session.end_of_input(),
                    Ok(Ok(count)) => self.session.receive(buffer.get(..count).unwrap_or_default()),
                    Ok(Err(error)) => return Err(error),
                    Err(_) => {
                        stream.write_all(&transient(421, 4, 2, "Connection timed out").to_wire()).await?;
                        stream.shutdown().await?;
                        return Ok(Pause::Over);
                    }
                },
                Action::Write(bytes) => {
                    timeout(IDLE, stream.write_all(&bytes)).await??;
                    timeout(IDLE, stream.flush()).await??;
                }
                Action::Ask(question) => self.decide(&question).await,
                Action::StartTls => {
                    stream.flush().await?;
                    return Ok(Pause::StartTls);
                }
                Action::Close(_) => {
                    stream.shutdown().await?;
                    return Ok(Pause::Over);
                }
            }
        }
    }

    async fn decide(&mut self, question: &Question) {
        let answer = match question {
            Question::Rcpt { to, .. } => {
                let from = self.session.reverse_path().unwrap_or(&ReversePath::Null);
                self.intake.recipient(from, to)
            }
            Question::Message(delivery) => self.intake.message(self.client, delivery).await,
            Question::Banner
            | Question::Hello(_)
            | Question::StartTls
            | Question::Mail { .. }
            | Question::Data
            | Question::Quit => Ok(()),
        };
        match answer {
            Ok(()) => self.session.accept(),
            Err(reply) => self.session.answer(reply),
        }
    }
}

fn transient(code: u16, subject: u16, detail: u16, text: &str) -> Reply {
    Reply::enhanced(code, EnhancedCode::new(Class::Transient, subject, detail), text)
}
