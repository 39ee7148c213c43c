//! The server's shell: it accepts connections, runs a [`Session`] of `mxlab-mail` over each, and asks its owner for
//! every reply.
//!
//! The owner is a [`Service`], which makes a [`Responder`] for each client that connects. A responder decides; it sees no
//! socket. A scripted host that misbehaves is a responder too: closing the connection, falling silent and answering the
//! TLS handshake with something else are among the things that it may choose. A [`Sink`] is where messages go from
//! there.
//!
//! All bounds of the shell are [`Limits`]; those of the dialogue (length of lines and messages, number of recipients,
//! errors and commands) are [`Settings`].

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use mxlab_env::{BoxFuture, BoxStream, Env, Listener};
use mxlab_mail::smtp::fault::Instead;
use mxlab_mail::smtp::server::{Action, Delivery, Question, Session, Settings};
use mxlab_mail::smtp::{Class, EnhancedCode, Reply};
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::Wire;

/// How long to rest when no connection can be accepted: no descriptors are left, say. That is temporary.
const REST: Duration = Duration::from_secs(1);
/// After so many clients in a row that left before they were accepted, the server rests all the same.
const MOST_GONE: usize = 100;
/// How many octets are read at once.
const READ: usize = 16 * 1024;
/// How many octets a server hears before it breaks in.
const FIRST: usize = 16;

/// The bounds of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most sessions at the same time, over all addresses; further clients are answered 421.
    pub sessions: usize,
    /// How long a client may be silent, stop reading, or take for the TLS handshake (RFC 5321 §4.5.3.2.7: at least five
    /// minutes); then it is answered 421, if it can be answered.
    pub silence: Duration,
    /// The most octets that a client may send in one session, so that none holds a session for ever that is never silent;
    /// then it is answered 421.
    pub octets: u64,
}

/// A gigabyte: a hundred messages of the size that Exchange Online takes by default.
pub const MOST_OCTETS: u64 = 1 << 30;

impl Default for Limits {
    fn default() -> Limits {
        Limits { sessions: 1_000, silence: Duration::from_secs(5 * 60), octets: MOST_OCTETS }
    }
}

/// A server's owner.
pub trait Service: Send + Sync + 'static {
    /// The decisions of one session.
    type Responder: Responder;

    /// A client has connected: how the server presents itself, and its responder.
    fn connected(&self, client: IpAddr) -> (Settings, Self::Responder);
}

/// Decides in one session.
pub trait Responder: Send + 'static {
    /// What to do about a question; `session` has the dialogue so far.
    fn respond(&mut self, question: Question, session: &Session) -> impl Future<Output = Response> + Send;

    /// What to do about the TLS handshake, after STARTTLS was accepted.
    fn handshake(&mut self) -> Handshake;
}

/// What a server does about a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// It gives the usual reply.
    Usual,
    /// It gives this reply.
    Reply(Reply),
    /// It gives the usual reply, sends these octets with it, and goes on.
    Followed(Vec<u8>),
    /// It sends these octets, then nothing more.
    Octets(&'static [u8]),
    /// It gives the usual reply; when the client goes on, it breaks in with this one and closes the connection, whatever the
    /// client is still saying.
    Interrupt(Reply),
    /// It closes the connection without a reply.
    Close,
    /// It sends nothing more and waits for the client to disconnect.
    Silence,
}

impl From<Instead> for Response {
    fn from(instead: Instead) -> Response {
        match instead {
            Instead::Reply(reply) => Response::Reply(reply),
            Instead::Octets(octets) => Response::Octets(octets),
            Instead::Interrupt(reply) => Response::Interrupt(reply),
            Instead::Followed(octets) => Response::Followed(octets),
            Instead::Close => Response::Close,
            Instead::Stall => Response::Silence,
        }
    }
}

/// What a server does about the TLS handshake.
#[derive(Clone, Debug)]
pub enum Handshake {
    /// It takes part.
    Tls(Arc<ServerConfig>),
    /// It answers the client's first message with these octets, then sends nothing more.
    Octets(&'static [u8]),
    /// It closes the connection.
    Close,
    /// It sends nothing and waits for the client to disconnect.
    Silence,
}

/// The destination of a server's messages: a mailbox, a queue, a relay to the next server.
pub trait Sink: Send + Sync + 'static {
    /// Accepts a message from this client, or refuses it; returns the reply to the final dot. With a positive one the
    /// message is the sink's responsibility (RFC 5321 §6.1).
    fn take<'a>(&'a self, client: IpAddr, delivery: &'a Delivery) -> BoxFuture<'a, Reply>;
}

/// A server that accepts connections. Clones are the same server: they share its limits.
pub struct Server<S> {
    env: Env,
    task: &'static str,
    limits: Limits,
    service: Arc<S>,
    sessions: Arc<Semaphore>,
}

impl<S> Clone for Server<S> {
    fn clone(&self) -> Server<S> {
        let (env, service, sessions) = (self.env.clone(), self.service.clone(), self.sessions.clone());
        Server { env, task: self.task, limits: self.limits, service, sessions }
    }
}

impl<S> fmt::Debug for Server<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({})", self.task)
    }
}

impl<S: Service> Server<S> {
    /// A server of this owner; `task` is the name of the tasks in which its sessions run.
    pub fn new(env: &Env, task: &'static str, limits: Limits, service: S) -> Server<S> {
        let sessions = Arc::new(Semaphore::new(limits.sessions));
        Server { env: env.clone(), task, limits, service: Arc::new(service), sessions }
    }

    /// Accepts connections until the process dies or the future is dropped. Sessions have tasks of their own.
    pub async fn accept_from(&self, listener: &dyn Listener) -> Infallible {
        let mut gone = 0;
        loop {
            match listener.accept().await {
                Ok(stream) => {
                    gone = 0;
                    let server = self.clone();
                    self.env.spawn(self.task, async move {
                        // A client that disconnects early needs no action: a message that was not answered with 250 was
                        // not taken.
                        let _ = server.attend(stream).await;
                    });
                }
                // This client is gone, and the next one does not wait for it.
                Err(error) if is_of_one_client(error.kind()) && gone < MOST_GONE => gone += 1,
                Err(_) => {
                    gone = 0;
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    /// Everything from the connection to its end.
    async fn attend(&self, stream: BoxStream) -> io::Result<()> {
        let client = stream.peer_addr().ip().to_canonical();
        let mut wire: Box<dyn Wire> = Box::new(stream);
        let Ok(_permit) = self.sessions.try_acquire() else {
            return self.dismiss(&mut wire, transient(3, 2, "Too many sessions")).await;
        };
        let (settings, mut responder) = self.service.connected(client);
        let mut session = Session::new(settings);
        let mut buffer = vec![0; READ];
        let mut interruption = None;
        // What goes out with the next reply.
        let mut behind = Vec::new();
        let mut heard = 0_u64;
        loop {
            match session.next_action() {
                Action::Read if let Some(words) = interruption.take() => {
                    // The first octets are enough; the rest stays unread.
                    let heard = timeout(self.limits.silence, wire.read(&mut buffer[..FIRST])).await;
                    return match heard {
                        Ok(Ok(0)) => self.close(&mut wire).await,
                        Ok(Err(error)) => Err(error),
                        Ok(Ok(_)) | Err(_) => self.dismiss(&mut wire, words).await,
                    };
                }
                Action::Read => match timeout(self.limits.silence, wire.read(&mut buffer)).await {
                    Ok(read) => match buffer.get(..read?) {
                        Some(bytes) if !bytes.is_empty() => {
                            heard = heard.saturating_add(bytes.len() as u64);
                            if heard > self.limits.octets {
                                return self.dismiss(&mut wire, transient(3, 2, "Too much for one session")).await;
                            }
                            session.receive(bytes);
                        }
                        Some(_) | None => session.end_of_input(),
                    },
                    Err(_) => return self.dismiss(&mut wire, transient(4, 2, "Connection timed out")).await,
                },
                Action::Write(mut bytes) => {
                    bytes.append(&mut behind);
                    self.write(&mut wire, &bytes).await?;
                }
                Action::Ask(question) => match responder.respond(question, &session).await {
                    Response::Usual => session.accept(),
                    Response::Followed(octets) => {
                        session.accept();
                        behind = octets;
                    }
                    Response::Reply(reply) => session.answer(reply),
                    Response::Octets(octets) => return self.end_with(&mut wire, octets).await,
                    Response::Interrupt(words) => {
                        session.accept();
                        interruption = Some(words);
                    }
                    Response::Close => return self.close(&mut wire).await,
                    Response::Silence => return self.stay_silent(&mut wire).await,
                },
                Action::StartTls => match responder.handshake() {
                    Handshake::Tls(config) => {
                        let handshake = TlsAcceptor::from(config).accept(wire);
                        wire = Box::new(timeout(self.limits.silence, handshake).await??);
                        session.tls_established();
                    }
                    Handshake::Octets(octets) => {
                        // The client's first message.
                        let _ = timeout(self.limits.silence, wire.read(&mut buffer)).await??;
                        return self.end_with(&mut wire, octets).await;
                    }
                    Handshake::Close => return self.close(&mut wire).await,
                    Handshake::Silence => return self.stay_silent(&mut wire).await,
                },
                Action::Close(_) => return self.close(&mut wire).await,
            }
        }
    }

    async fn write(&self, wire: &mut Box<dyn Wire>, bytes: &[u8]) -> io::Result<()> {
        let write = async {
            wire.write_all(bytes).await?;
            wire.flush().await
        };
        timeout(self.limits.silence, write).await?
    }

    /// Sends these octets and ends the sending side. A connection dropped with unread octets would be reset, and what
    /// was written last might not arrive: so the client's octets are read until it disconnects.
    async fn end_with(&self, wire: &mut Box<dyn Wire>, octets: &[u8]) -> io::Result<()> {
        self.write(wire, octets).await?;
        self.close(wire).await?;
        self.stay_silent(wire).await
    }

    async fn dismiss(&self, wire: &mut Box<dyn Wire>, last_words: Reply) -> io::Result<()> {
        self.write(wire, &last_words.to_wire()).await?;
        self.close(wire).await
    }

    /// Sends nothing and keeps the connection until the client gives up. Everything that it sends meanwhile is read and
    /// dropped, as much as a session may have.
    async fn stay_silent(&self, wire: &mut Box<dyn Wire>) -> io::Result<()> {
        let mut buffer = [0; 4096];
        let mut left = self.limits.octets;
        while left > 0 {
            match wire.read(&mut buffer).await? {
                0 => break,
                length => left = left.saturating_sub(length as u64),
            }
        }
        Ok(())
    }

    /// Ends the sending side.
    async fn close(&self, wire: &mut Box<dyn Wire>) -> io::Result<()> {
        timeout(self.limits.silence, wire.shutdown()).await?
    }
}

/// Whether an error of accepting is that of the client which would have been accepted, and of no other.
fn is_of_one_client(error: io::ErrorKind) -> bool {
    matches!(error, io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::NotConnected)
}

/// The reply with which the server closes the connection.
fn transient(subject: u16, detail: u16, text: &str) -> Reply {
    Reply::enhanced(421, EnhancedCode::new(Class::Transient, subject, detail), text)
}
