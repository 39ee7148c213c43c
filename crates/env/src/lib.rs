//! The ports through which an engine sees the world: wall clock, network, tasks, entropy and files.
//!
//! An [`Env`] is one process's handle to the machine that it runs on. Engines and world actors get nothing else, so they
//! cannot know whether the machine is simulated: `mxlab-sim` implements [`Ports`] on a simulated network under virtual
//! time, [`real`] implements it on tokio.
//!
//! What is *not* a port: timers. Code uses `tokio::time` as it is; under simulation tokio's clock is paused and jumps.
//! The wall clock ([`Env::now`]) moves with it.
//!
//! | module | holds |
//! |---|---|
//! | [`entropy`] | randomness for libraries that ask a global for it, directed to the env of the running task |
//! | [`files`] | how files are replaced, whatever the disk |
//! | [`memo`] | what pure functions gave, remembered by the process |
//! | [`meter`] | a count of cryptographic operations |
//! | [`pkcs1`] | RSA signatures by ring |
//! | [`real`] | the adapter to the real machine |
//! | [`tls`] | the TLS crypto provider whose every random byte comes from [`entropy`] |
//! | [`wire`] | machines and the network between them, as a script sees them; packets |
//!
//! Nothing here knows about mail or about simulation.

pub mod entropy;
pub mod files;
pub mod memo;
pub mod meter;
pub mod pkcs1;
pub mod real;
pub mod tls;
pub mod wire;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

pub use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};

/// A future that a port returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A connected byte stream with the addresses of its two ends.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {
    /// The address of this end.
    fn local_addr(&self) -> SocketAddr;
    /// The address of the other end.
    fn peer_addr(&self) -> SocketAddr;
}

/// A TCP connection.
pub type BoxStream = Box<dyn Stream>;

/// A listening TCP socket.
pub trait Listener: Send + Sync {
    /// The address that it listens at; with the chosen port if port 0 was asked for.
    fn local_addr(&self) -> SocketAddr;
    /// Waits for the next connection.
    fn accept(&self) -> BoxFuture<'_, io::Result<BoxStream>>;
}

/// A bound UDP socket.
pub trait Datagrams: Send + Sync {
    /// The address that it is bound to.
    fn local_addr(&self) -> SocketAddr;
    /// Sends one datagram. An IPv4 network carries at most 1,472 bytes of payload.
    fn send_to<'a>(&'a self, payload: &'a [u8], to: SocketAddr) -> BoxFuture<'a, io::Result<()>>;
    /// Waits for one datagram; octets that do not fit into `buffer` are lost.
    fn recv_from<'a>(&'a self, buffer: &'a mut [u8]) -> BoxFuture<'a, io::Result<(usize, SocketAddr)>>;
}

/// A small store of whole files that survives a crash of the process.
///
/// Names are relative paths of `[a-z0-9./-]`. It offers only what a spool needs.
pub trait Files: Send + Sync {
    /// Reads a whole file. [`io::ErrorKind::NotFound`] if there is none.
    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<u8>>>;
    /// Replaces a whole file; on return it is on stable storage, and after a crash either the old or the new content
    /// is there, never a mixture.
    fn replace<'a>(&'a self, name: &'a str, content: &'a [u8]) -> BoxFuture<'a, io::Result<()>>;
    /// Removes a file, durably. Removing a file that does not exist is not an error.
    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<()>>;
    /// The names of the files in `folder` itself, `folder` included, sorted; none if there is no such folder.
    fn list<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, io::Result<Vec<String>>>;
}

/// What a machine offers to one of its processes.
pub trait Ports: Send + Sync + 'static {
    /// The wall clock.
    fn now(&self) -> Timestamp;
    /// The time of what set off the code that runs now. See [`Env::moment`].
    fn moment(&self) -> Timestamp {
        self.now()
    }
    /// The place of the running code within its moment. See [`Env::rank`].
    fn rank(&self) -> Vec<u32> {
        Vec::new()
    }
    /// Fills `buffer` with random bytes.
    fn fill(&self, buffer: &mut [u8]);
    /// A number below `bound`, for a choice that may show. See [`Env::draw`].
    fn draw(&self, what: &'static str, bound: u64) -> u64 {
        let _ = what;
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_be_bytes(bytes).checked_rem(bound).unwrap_or(0)
    }
    /// Somebody records something in the name of this process. See [`Env::tells`].
    fn tells(&self, who: &str) {
        let _ = who;
    }
    /// Whether the machine keeps the secrets of TLS sessions, so that a capture of its packets can be read.
    fn wants_tls_secrets(&self) -> bool {
        false
    }
    /// Keeps a secret of a TLS session: a line of `SSLKEYLOGFILE`. See [`tls::key_log`].
    fn tls_secret(&self, line: String) {
        let _ = line;
    }
    /// Runs a task in this process. See [`Env::spawn`].
    fn spawn(&self, name: String, task: BoxFuture<'static, ()>) -> Task;
    /// Opens a TCP connection, from an own address if one is given. It may never return: every connect needs a time-out.
    fn connect(&self, from: Option<IpAddr>, to: SocketAddr) -> BoxFuture<'_, io::Result<BoxStream>>;
    /// Listens for TCP connections.
    fn listen(&self, at: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>>;
    /// Binds a UDP socket; port 0 lets the machine choose, unpredictably.
    fn bind(&self, at: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Datagrams>>>;
    /// The process's files.
    fn files(&self) -> &dyn Files;
}

/// One process's handle to its machine; clones are the same process.
#[derive(Clone)]
pub struct Env(Arc<dyn Ports>);

impl Env {
    /// An env on these ports.
    pub fn new(ports: impl Ports) -> Env {
        Env(Arc::new(ports))
    }

    /// The wall clock. Under simulation: the scenario's epoch plus the virtual time elapsed.
    pub fn now(&self) -> Timestamp {
        self.0.now()
    }

    /// The moment that the running code belongs to: the time of the cause that set it off, be it a timer or somebody's
    /// deed, however long what followed from it has taken since.
    ///
    /// A simulated machine follows causes from task to task and through packets, so that what belongs together is told
    /// together. On a real machine it is [`Env::now`].
    pub fn moment(&self) -> Timestamp {
        self.0.moment()
    }

    /// The place of the running code within its [`moment`](Env::moment), as numbers to be compared one after the
    /// other: the tree of tasks, a task before its children and an older one before a younger.
    ///
    /// What happens side by side at one time happens in an order that means nothing; told in the order of ranks, it is told
    /// alike whatever that order was. On a real machine all ranks are equal.
    pub fn rank(&self) -> Vec<u32> {
        self.0.rank()
    }

    /// Fills `buffer` with random bytes: the system's, or the scenario's seeded ones.
    pub fn fill(&self, buffer: &mut [u8]) {
        self.0.fill(buffer);
    }

    /// A random array, for ids and ports: `u16::from_be_bytes(env.random())`.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A number below `bound` (0 if that is 0), for a choice that is meant to be random and may show in what happens: which
    /// of several equal hosts is tried first. `what` names the choice.
    ///
    /// What is drawn with [`fill`](Env::fill) must never show: ids, ports, keys. The two are kept apart, so that a run knows
    /// whether another seed may lead to another story.
    pub fn draw(&self, what: &'static str, bound: u64) -> u64 {
        self.0.draw(what, bound)
    }

    /// Puts `items` into random order, each order as likely as any other (Fisher and Yates). A [`draw`](Env::draw): fewer
    /// than two items have one order, and nothing is drawn.
    pub fn shuffle<T>(&self, what: &'static str, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.draw(what, last as u64 + 1);
            items.swap(last, usize::try_from(other).unwrap_or(last));
        }
    }

    /// Somebody, named `who`, records something in the name of this process. A dead process does nothing: where this is
    /// called after its end, something was not ended with it, and the machine reports that.
    pub fn tells(&self, who: &str) {
        self.0.tells(who);
    }

    /// Runs `task` in this process until it ends, the process dies, or the returned [`Task`] aborts it.
    ///
    /// `name` says what the task does (`"smtp session"`, `"retry 3"`): a panic in it is reported with that name. A task
    /// that was spawned lives as long as the process, whether or not the handle is kept.
    pub fn spawn(&self, name: impl Into<String>, task: impl Future<Output = ()> + Send + 'static) -> Task {
        self.0.spawn(name.into(), Box::pin(task))
    }

    /// Opens a TCP connection. An address without a machine never answers, so put a time-out around it.
    ///
    /// # Errors
    /// Errors of the machine: refused, unreachable, reset.
    pub async fn connect(&self, to: SocketAddr) -> io::Result<BoxStream> {
        self.0.connect(None, to).await
    }

    /// Opens a TCP connection as [`connect`](Env::connect) does, from this address of the machine: what a server sees as
    /// its client's. Without one, the machine chooses.
    ///
    /// # Errors
    /// Those of the machine: refused, unreachable, reset; the address is not its own.
    pub async fn connect_from(&self, from: Option<IpAddr>, to: SocketAddr) -> io::Result<BoxStream> {
        self.0.connect(from, to).await
    }

    /// Listens for TCP connections at `at`.
    ///
    /// # Errors
    /// Errors of the machine: the address is taken, or is not this machine's.
    pub async fn listen(&self, at: SocketAddr) -> io::Result<Box<dyn Listener>> {
        self.0.listen(at).await
    }

    /// Binds a UDP socket at `at`; with port 0 the port is drawn from the machine's entropy.
    ///
    /// # Errors
    /// Errors of the machine: the address is taken, or is not this machine's.
    pub async fn bind(&self, at: SocketAddr) -> io::Result<Box<dyn Datagrams>> {
        self.0.bind(at).await
    }

    /// The process's files, which outlive it.
    pub fn files(&self) -> &dyn Files {
        self.0.files()
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Env")
    }
}

/// A handle to a spawned task. Dropping it changes nothing.
pub struct Task {
    abort: Box<dyn Fn() + Send + Sync>,
}

impl Task {
    /// A handle that ends its task by calling `abort`. For adapters.
    pub fn new(abort: impl Fn() + Send + Sync + 'static) -> Task {
        Task { abort: Box::new(abort) }
    }

    /// Ends the task at its next await; it may already have ended by itself.
    pub fn abort(&self) {
        (self.abort)();
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Task")
    }
}
