//! The SMTP server: a shell around the session of `mxlab-mail`, with the engine's policy.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mxlab_env::{BoxStream, Listener, tls};
use mxlab_mail::headers::Message;
use mxlab_mail::smtp::server::{Action, Delivery, Question, Session, Settings};
use mxlab_mail::smtp::{Class, EnhancedCode, Reply, Stage};
use rustls::ServerConfig;
use rustls::sign::SingleCertAndKey;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::Receiver;
use crate::assess::{Assessed, Refusal, assess};
use crate::config::ReceiverConfig;
use crate::disposition::Disposition;
use crate::event::{Accepted, Judged, NotSupported, Rejected, Stamped, Subject};
use crate::mailbox::Delivered;
use crate::reports;
use crate::resolve::ResolverDns;

/// The most sessions at a time.
pub(crate) const MAX_SESSIONS: usize = 1_000;
/// How long a client may be silent (RFC 5321 §4.5.3.2.7).
const IDLE: Duration = Duration::from_secs(5 * 60);
/// How long to wait after an accept that failed.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

/// Binds, then accepts connections in a task of its own.
pub(crate) async fn serve(receiver: Receiver, at: SocketAddr) -> io::Result<SocketAddr> {
    let listener = receiver.shared.env.listen(at).await?;
    let address = listener.local_addr();
    let env = receiver.shared.env.clone();
    if receiver.shared.reports.is_some() {
        env.spawn("DMARC reports", reports::run(receiver.clone(), address.ip()));
    }
    env.spawn("inbound SMTP server", async move { accept(receiver, listener).await });
    Ok(address)
}

async fn accept(receiver: Receiver, listener: Box<dyn Listener>) {
    loop {
        let Ok(stream) = listener.accept().await else {
            // Out of descriptors, or a client that went away: either passes.
            tokio::time::sleep(ACCEPT_AGAIN).await;
            continue;
        };
        let receiver = receiver.clone();
        let env = receiver.shared.env.clone();
        env.spawn("inbound SMTP session", async move {
            // A client that goes away in the middle is not the server's business: whatever was not answered with 250
            // was not taken.
            let _ = converse(&receiver, stream).await;
        });
    }
}

async fn converse(receiver: &Receiver, mut stream: BoxStream) -> io::Result<()> {
    let Ok(_permit) = receiver.shared.sessions.try_acquire() else {
        stream.write_all(&transient(421, 3, 2, "Too many sessions").to_wire()).await?;
        return stream.shutdown().await;
    };
    let config = receiver.config();
    let mut settings = Settings::new(&config.name);
    settings.size = Some(settings.max_message as u64);
    let client = stream.peer_addr().ip().to_canonical();
    let mut conversation = Conversation { receiver, client, session: Session::new(settings) };
    match conversation.run(&mut stream).await? {
        Pause::Over => Ok(()),
        Pause::StartTls => {
            let Some(config) = tls_config(receiver, &config) else { return stream.shutdown().await };
            let handshake = TlsAcceptor::from(config).accept(stream);
            let mut secured = timeout(IDLE, handshake).await??;
            conversation.session.tls_established();
            conversation.run(&mut secured).await.map(|_| ())
        }
    }
}

/// TLS 1.2 and 1.3, without tickets: each handshake stands for itself.
fn tls_config(receiver: &Receiver, config: &ReceiverConfig) -> Option<Arc<ServerConfig>> {
    let clock = tls::time_provider(&receiver.shared.env);
    let mut tls = ServerConfig::builder_with_details(tls::crypto_provider(), clock)
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
    receiver: &'a Receiver,
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
        match question {
            Question::Rcpt { to, .. } => {
                let config = self.receiver.config();
                if config.tenant_of(to.domain()).is_some() {
                    return self.session.accept();
                }
                let code = EnhancedCode::new(Class::Permanent, 4, 1);
                let reply = Reply::enhanced(550, code, "Recipient address rejected: Access denied");
                let from = self.session.reverse_path().map(ToString::to_string).unwrap_or_default();
                let subject = Subject { message: None, from, to: to.to_string() };
                let rejected = Rejected { subject: &subject, reply: &reply, by: &config.name, stage: Stage::Rcpt };
                self.receiver.shared.recorder.tell(&rejected);
                self.session.answer(reply);
            }
            Question::Message(delivery) => match take(self.receiver, self.client, delivery).await {
                Ok(()) => self.session.accept(),
                Err(reply) => self.session.answer(reply),
            },
            _ => self.session.accept(),
        }
    }
}

/// Takes a message for all its recipients, or for none.
async fn take(receiver: &Receiver, client: IpAddr, delivery: &Delivery) -> Result<(), Reply> {
    let shared = &receiver.shared;
    let config = receiver.config();
    let from = delivery.envelope.from.to_string();
    let message = Message::parse(&delivery.message);
    let id = message.as_ref().ok().and_then(|message| message.message_id().ok()).map(|id| id.as_str().to_owned());
    let subject = |to: &dyn ToString| Subject { message: id.clone(), from: from.clone(), to: to.to_string() };
    let refuse = |reply: Reply| {
        for (to, _) in &delivery.envelope.recipients {
            let subject = subject(to);
            let rejected = Rejected { subject: &subject, reply: &reply, by: &config.name, stage: Stage::Dot };
            shared.recorder.tell(&rejected);
        }
        reply
    };
    if delivery.bare_lf || delivery.bare_cr {
        // RFC 5321 §2.3.8: neither ends a line, and a server further on might take it for one.
        let code = EnhancedCode::new(Class::Permanent, 6, 11);
        return Err(refuse(Reply::enhanced(550, code, "Message contains bare line feeds")));
    }
    let message = message.map_err(|_| {
        let code = EnhancedCode::new(Class::Permanent, 6, 0);
        refuse(Reply::enhanced(554, code, "Corrupt message content"))
    })?;
    let at = shared.env.now();
    let dns = ResolverDns(shared.resolver.clone());
    let assessed = assess(&config, &dns, client, at, delivery, &message).await.map_err(|refusal| match refusal {
        Refusal::Malformed(reply) => refuse(reply),
        Refusal::NotSupported(missing) => {
            for (to, _) in &delivery.envelope.recipients {
                shared.recorder.tell(&NotSupported { subject: &subject(to), what: &missing.what });
            }
            refuse(transient(451, 3, 0, "This message cannot be judged yet"))
        }
    })?;
    let messages = assessed.iter().filter_map(|it| delivered(it, at)).collect();
    shared.mailbox.deliver(messages).map_err(|_| refuse(transient(452, 3, 1, "Insufficient system storage")))?;
    if let Some(reports) = &shared.reports {
        reports.count(at, client, &delivery.envelope.from, &assessed);
    }
    let mut answer = Ok(());
    for it in &assessed {
        let subject = subject(&it.to);
        let judged = Some(shared.recorder.tell(&Judged { subject: &subject, verdict: &it.verdict }));
        match &it.verdict.disposition {
            Disposition::Deliver(folder) => {
                for stamp in &it.stamps {
                    shared.recorder.tell_after(&Stamped { subject: &subject, stamp }, judged);
                }
                let (host, tls) = (config.name.as_str(), delivery.envelope.tls);
                let accepted = Accepted { subject: &subject, host, tls, client, folder: *folder };
                shared.recorder.tell_after(&accepted, judged);
            }
            Disposition::Reject(reply) => {
                let rejected = Rejected { subject: &subject, reply, by: &config.name, stage: Stage::Dot };
                shared.recorder.tell_after(&rejected, judged);
                answer = Err(reply.clone());
            }
        }
    }
    answer
}

/// What goes into the mailbox; nothing of a message that is refused.
fn delivered(assessed: &Assessed, at: jiff::Timestamp) -> Option<Delivered> {
    let Disposition::Deliver(folder) = assessed.verdict.disposition else { return None };
    let message = assessed.message.as_slice().into();
    Some(Delivered { to: assessed.to.clone(), folder, at, message })
}

fn transient(code: u16, subject: u16, detail: u16, text: &str) -> Reply {
    Reply::enhanced(code, EnhancedCode::new(Class::Transient, subject, detail), text)
}
