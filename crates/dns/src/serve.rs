//! The server's loop over UDP, for whatever answers queries.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use mxlab_env::{Datagrams, Env};

/// What comes back for a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nothing.
    Nothing,
    /// These octets, whether they are a message or not.
    Bytes(Vec<u8>),
    /// These octets after a delay.
    Later(Duration, Vec<u8>),
}

/// Answers queries from what it knows, at once.
pub trait Responder: Send + Sync {
    /// The reply to these octets at `now`.
    fn answer(&self, query: &[u8], now: Timestamp) -> Reply;
}

/// The largest query that is read; what is longer is cut off, and so malformed.
pub(crate) const MAX_QUERY: usize = 4_096;

/// Serves queries at `at` until the task that runs it ends.
///
/// # Errors
/// The address cannot be bound.
pub async fn serve_udp(env: &Env, at: SocketAddr, responder: Arc<dyn Responder>) -> io::Result<()> {
    let socket: Arc<dyn Datagrams> = env.bind(at).await?.into();
    let mut buffer = [0; MAX_QUERY];
    loop {
        // An error of one datagram, such as an ICMP report about an earlier reply, is not the end of the service.
        let Ok((length, client)) = socket.recv_from(&mut buffer).await else {
            tokio::time::sleep(AFTER_ERROR).await;
            continue;
        };
        let query = buffer.get(..length).unwrap_or_default();
        match responder.answer(query, env.now()) {
            Reply::Nothing => {}
            Reply::Bytes(octets) => {
                // A reply that cannot be sent is lost like one that was lost on the way.
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

/// A socket that fails at every call must not spin.
pub(crate) const AFTER_ERROR: Duration = Duration::from_millis(10);
