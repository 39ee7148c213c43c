//! The network of a replay: what the resolver asks waits until the script answers it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use mxlab_env::{BoxFuture, BoxStream, Datagrams, Files, Listener, Ports, Task};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::compare::Sent;
use mxlab_dns::exchange::{Exchange, Transport};
use mxlab_dns::wire::Message;

/// A query of the resolver that has no answer yet.
pub(crate) struct Pending {
    pub(crate) query: Message,
    octets: Vec<u8>,
    pub(crate) to: IpAddr,
    transport: Transport,
    answer: oneshot::Sender<io::Result<Vec<u8>>>,
}

impl Pending {
    pub(crate) fn sent(&self) -> Sent<'_> {
        Sent { message: &self.query, octets: &self.octets, transport: self.transport }
    }

    /// Ends the wait for an answer.
    pub(crate) fn answer(self, answer: io::Result<Vec<u8>>) {
        // Nobody may be waiting any more.
        let _ = self.answer.send(answer);
    }

    pub(crate) fn describe(&self) -> String {
        let question = self.query.question.as_ref();
        question.map_or("a query without question".to_owned(), |question| {
            format!("{} {} at {}", question.name, question.rtype, self.to)
        })
    }
}

/// The queries that wait, the oldest first.
#[derive(Clone)]
pub(crate) struct Wire {
    pending: Arc<Mutex<Vec<Pending>>>,
    ipv6: bool,
}

impl Wire {
    /// A network, with or without IPv6.
    pub(crate) fn new(ipv6: bool) -> Wire {
        Wire { pending: Arc::default(), ipv6 }
    }

    pub(crate) fn pending(&self) -> MutexGuard<'_, Vec<Pending>> {
        // Queries are added and taken whole.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exchange for Wire {
    fn exchange<'a>(
        &'a self,
        query: &'a [u8],
        server: SocketAddr,
        transport: Transport,
        _timeout: Duration,
    ) -> BoxFuture<'a, io::Result<Vec<u8>>> {
        Box::pin(async move {
            let message = Message::decode(query).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
            let (answer, answered) = oneshot::channel();
            let (to, octets) = (server.ip(), query.to_vec());
            if to.is_ipv6() && !self.ipv6 {
                return Err(io::ErrorKind::NetworkUnreachable.into());
            }
            self.pending().push(Pending { query: message, octets, to, transport, answer });
            // A script that has ended answers no more.
            answered.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        })
    }
}

/// A machine without network and files. Its clock shows the time of the script, its entropy counts.
pub(crate) struct Machine {
    start: Timestamp,
    begin: Instant,
    state: Mutex<u64>,
    tasks: Arc<Mutex<Vec<BoxFuture<'static, ()>>>>,
}

impl Machine {
    /// A machine whose clock shows `start` now. What it is asked to spawn is put into `tasks`.
    pub(crate) fn new(start: Timestamp, tasks: Arc<Mutex<Vec<BoxFuture<'static, ()>>>>) -> Machine {
        Machine { start, begin: Instant::now(), state: Mutex::new(0), tasks }
    }
}

fn no_network<T>() -> BoxFuture<'static, io::Result<T>>
where
    T: Send + 'static,
{
    Box::pin(async { Err(io::ErrorKind::Unsupported.into()) })
}

impl Ports for Machine {
    fn now(&self) -> Timestamp {
        let elapsed = jiff::SignedDuration::try_from(self.begin.elapsed()).unwrap_or_default();
        self.start.checked_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    fn fill(&self, buffer: &mut [u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for byte in buffer {
            // A linear congruential generator (Knuth's MMIX): its high octet is varied enough for ids.
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (*state >> 56) as u8;
        }
    }

    fn spawn(&self, _name: String, task: BoxFuture<'static, ()>) -> Task {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
        // The script ends all tasks when it ends; none is ended before.
        Task::new(|| ())
    }

    fn connect(&self, _: Option<IpAddr>, _to: SocketAddr) -> BoxFuture<'_, io::Result<BoxStream>> {
        no_network()
    }

    fn listen(&self, _at: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        no_network()
    }

    fn bind(&self, _at: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Datagrams>>> {
        no_network()
    }

    fn files(&self) -> &dyn Files {
        &NoFiles
    }
}

struct NoFiles;

impl Files for NoFiles {
    fn read<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, io::Result<Vec<u8>>> {
        no_network()
    }

    fn replace<'a>(&'a self, _name: &'a str, _content: &'a [u8]) -> BoxFuture<'a, io::Result<()>> {
        no_network()
    }

    fn remove<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, io::Result<()>> {
        no_network()
    }

    fn list<'a>(&'a self, _folder: &'a str) -> BoxFuture<'a, io::Result<Vec<String>>> {
        no_network()
    }
}
