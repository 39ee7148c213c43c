//! The service that resolvers give to clients, over UDP and TCP (RFC 1035 §4.2).
//!
//! An answer takes time, since others have to be asked; so each question has a task of its own.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mxlab_env::{BoxFuture, Datagrams, Env};

use crate::exchange::Transport;
use crate::serve::{AFTER_ERROR, MAX_QUERY, Reply, accept, answer_connection};

/// How many clients are served at once; further queries are dropped, and clients ask again.
const MAX_CLIENTS: usize = 1_000;

/// Answers a client's query over this transport; none if there is no answer.
pub(crate) type Answer = Arc<dyn Fn(Vec<u8>, Transport) -> BoxFuture<'static, Option<Vec<u8>>> + Send + Sync>;

/// The queries in progress: a retransmission must not start the work again.
#[derive(Clone, Default)]
struct Clients(Arc<Mutex<BTreeSet<(SocketAddr, u16)>>>);

impl Clients {
    fn held(&self) -> MutexGuard<'_, BTreeSet<(SocketAddr, u16)>> {
        // Entries are inserted whole: a panic of another holder leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is room for a query that is not in progress yet.
    fn begin(&self, client: SocketAddr, id: u16) -> bool {
        let mut clients = self.held();
        clients.len() < MAX_CLIENTS && clients.insert((client, id))
    }

    fn end(&self, client: SocketAddr, id: u16) {
        self.held().remove(&(client, id));
    }
}

/// Serves clients at `at` over UDP and TCP until the task that runs it ends.
///
/// # Errors
/// The address cannot be bound.
pub(crate) async fn serve(env: &Env, at: SocketAddr, answer: Answer) -> io::Result<()> {
    let socket: Arc<dyn Datagrams> = env.bind(at).await?.into();
    let listener = env.listen(at).await?;
    let connection = |stream| {
        let answer = answer.clone();
        let reply = move |query: Vec<u8>| {
            let answer = answer(query, Transport::Tcp);
            async move { answer.await.map_or(Reply::Nothing, Reply::Bytes) }
        };
        Box::pin(answer_connection(stream, reply)) as BoxFuture<'static, _>
    };
    tokio::join!(biased; answer_datagrams(env, socket, answer.clone()), accept(env, &*listener, &connection));
    Ok(())
}

async fn answer_datagrams(env: &Env, socket: Arc<dyn Datagrams>, answer: Answer) {
    let clients = Clients::default();
    let mut buffer = [0; MAX_QUERY];
    loop {
        let Ok((length, client)) = socket.recv_from(&mut buffer).await else {
            tokio::time::sleep(AFTER_ERROR).await;
            continue;
        };
        let query = buffer.get(..length).unwrap_or_default().to_vec();
        let Some(id) = query.first_chunk().map(|id| u16::from_be_bytes(*id)) else { continue };
        if !clients.begin(client, id) {
            continue;
        }
        let (answer, socket, clients) = (answer(query, Transport::Udp), socket.clone(), clients.clone());
        env.spawn("dns question", async move {
            if let Some(answer) = answer.await {
                // An answer that cannot be sent is lost, like one that is lost in the network.
                let _ = socket.send_to(&answer, client).await;
            }
            clients.end(client, id);
        });
    }
}
