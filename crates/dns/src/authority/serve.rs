//! A server's loops over UDP and TCP, for whatever answers queries.
//!
//! TCP as in RFC 7766: each message after its length in two octets, any number of queries on a connection, which is
//! closed when no query came for a while. Queries of one connection are answered in order. The number of connections,
//! and the size of what is read, are bounded.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::exchange::Transport;
use jiff::Timestamp;
use mxlab_env::{BoxFuture, BoxStream, Datagrams, Env, Listener};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// The reaction to a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nothing.
    Nothing,
    /// Nothing, and over TCP the connection is closed.
    Close,
    /// These octets, whether they are a message or not.
    Bytes(Vec<u8>),
    /// These octets after a delay.
    Later(Duration, Vec<u8>),
}

/// Answers queries at once, from local data.
pub trait Responder: Send + Sync {
    /// The reply to these octets at `now`.
    fn answer(&self, query: &[u8], transport: Transport, now: Timestamp) -> Reply;
}

/// The largest query that is read. A longer one is cut off over UDP, and so malformed; over TCP it ends the connection.
pub(crate) const MAX_QUERY: usize = 4_096;
/// A socket that fails at every call must not cause a busy loop.
pub(crate) const AFTER_ERROR: Duration = Duration::from_millis(10);
/// How many connections are open at once; further ones are closed.
const MAX_CONNECTIONS: usize = 100;
/// How long a connection may be without a query, or a client may take to read an answer.
const IDLE: Duration = Duration::from_secs(10);

/// Serves queries at `at`, over UDP and TCP, until the task that runs it ends.
///
/// # Errors
/// The address cannot be bound.
pub async fn serve(env: &Env, at: SocketAddr, responder: Arc<dyn Responder>) -> io::Result<()> {
    let socket: Arc<dyn Datagrams> = env.bind(at).await?.into();
    let listener = env.listen(at).await?;
    let connection = |stream| {
        let (own, responder) = (env.clone(), responder.clone());
        let reply = move |query: Vec<u8>| {
            let reply = responder.answer(&query, Transport::Tcp, own.now());
            std::future::ready(reply)
        };
        Box::pin(answer_connection(stream, reply)) as BoxFuture<'static, _>
    };
    tokio::join!(biased; answer_datagrams(env, socket, responder.clone()), accept(env, &*listener, &connection));
    Ok(())
}

/// Serves queries at `at` only over UDP, like a server whose firewall blocks TCP.
///
/// # Errors
/// The address cannot be bound.
pub async fn serve_udp(env: &Env, at: SocketAddr, responder: Arc<dyn Responder>) -> io::Result<()> {
    let socket: Arc<dyn Datagrams> = env.bind(at).await?.into();
    answer_datagrams(env, socket, responder).await;
    Ok(())
}

async fn answer_datagrams(env: &Env, socket: Arc<dyn Datagrams>, responder: Arc<dyn Responder>) {
    let mut buffer = [0; MAX_QUERY];
    loop {
        // An error of one datagram, such as an ICMP report about an earlier reply, is not the end of the service.
        let Ok((length, client)) = socket.recv_from(&mut buffer).await else {
            tokio::time::sleep(AFTER_ERROR).await;
            continue;
        };
        let query = buffer.get(..length).unwrap_or_default();
        match responder.answer(query, Transport::Udp, env.now()) {
            Reply::Nothing | Reply::Close => {}
            Reply::Bytes(octets) => {
                // A reply that cannot be sent is lost, like one that is lost in the network.
                let _ = socket.send_to(&octets, client).await;
            }
            Reply::Later(delay, octets) => {
                let socket = socket.clone();
                env.spawn("dns reply", async move {
                    tokio::time::sleep(delay).await;
                    let _ = socket.send_to(&octets, client).await;
                });
            }
        }
    }
}

/// Accepts connections, a limited number at a time, and gives each its own task.
pub(crate) async fn accept(
    env: &Env,
    listener: &dyn Listener,
    connection: &(dyn Fn(BoxStream) -> BoxFuture<'static, io::Result<()>> + Send + Sync),
) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(stream) = listener.accept().await else {
            tokio::time::sleep(AFTER_ERROR).await;
            continue;
        };
        // Dropping the stream closes it.
        let Ok(place) = places.clone().try_acquire_owned() else { continue };
        let served = connection(stream);
        env.spawn("dns connection", async move {
            // If a connection breaks, the client has to open it again.
            let _ = served.await;
            drop(place);
        });
    }
}

/// Answers one query after the other on a connection, until it is idle for too long or ends.
pub(crate) async fn answer_connection<F: Future<Output = Reply>>(
    mut stream: BoxStream,
    reply: impl Fn(Vec<u8>) -> F,
) -> io::Result<()> {
    loop {
        let query = timeout(IDLE, read_message(&mut stream, MAX_QUERY)).await??;
        let octets = match reply(query).await {
            Reply::Nothing => continue,
            Reply::Close => return stream.shutdown().await,
            Reply::Bytes(octets) => octets,
            Reply::Later(delay, octets) => {
                tokio::time::sleep(delay).await;
                octets
            }
        };
        timeout(IDLE, write_message(&mut stream, &octets)).await??;
    }
}

/// Reads one message after its length (RFC 1035 §4.2.2).
///
/// # Errors
/// The connection ends or breaks, or the message is longer than `limit`.
pub async fn read_message(stream: &mut BoxStream, limit: usize) -> io::Result<Vec<u8>> {
    let length = usize::from(stream.read_u16().await?);
    if length > limit {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

/// Writes one message after its length, in one piece (RFC 7766 §8).
///
/// # Errors
/// The connection breaks, or the message is longer than 65,535 octets.
pub async fn write_message(stream: &mut BoxStream, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    stream.write_all(&[&length.to_be_bytes(), message].concat()).await?;
    stream.flush().await
}
