//! Hosts, and the process that runs on each.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use mxlab_env::{Env, Timestamp};
use turmoil_fs::Fs;
use turmoil_net::HostId;

use crate::entropy::{Draws, Stream};
use crate::kernel::Kernel;
use crate::ports::SimPorts;
use crate::sync::lock;
use crate::task::Slot;

/// A host as the kernel knows it.
pub(crate) struct Host {
    pub(crate) index: usize,
    pub(crate) id: HostId,
    pub(crate) name: Arc<str>,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) disk: Fs,
    /// Numbers the files that are written beside the ones they replace.
    pub(crate) next_file: AtomicU64,
    /// By how many milliseconds its wall clock is wrong.
    clock_error: AtomicI64,
    process: Mutex<Arc<Process>>,
}

/// One boot of a host's process.
pub(crate) struct Process {
    boot: u64,
    alive: AtomicBool,
    next_task: AtomicU64,
    tasks: Mutex<BTreeMap<u64, Arc<Slot>>>,
    /// The sockets that it has open, in words.
    sockets: Mutex<Sockets>,
    pub(crate) entropy: Mutex<Stream>,
    /// From which deliberate choices are drawn: how many bytes were drawn for ids and keys does not change them.
    pub(crate) draws: Mutex<Draws>,
}

#[derive(Default)]
struct Sockets {
    next: u64,
    open: BTreeMap<u64, String>,
}

impl Process {
    pub(crate) fn new(seed: u64, host: &str, boot: u64) -> Process {
        Process {
            boot,
            alive: AtomicBool::new(true),
            next_task: AtomicU64::new(0),
            tasks: Mutex::default(),
            sockets: Mutex::default(),
            entropy: Mutex::new(Stream::new(seed, host, boot)),
            draws: Mutex::new(Draws::new(seed, host, &boot.to_string())),
        }
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Relaxed)
    }

    pub(crate) fn next_task(&self) -> u64 {
        self.next_task.fetch_add(1, Ordering::Relaxed)
    }

    /// Adds a task; `false` if the process is dead.
    pub(crate) fn adopt(&self, number: u64, slot: &Arc<Slot>) -> bool {
        if self.is_alive() {
            lock(&self.tasks).insert(number, Arc::clone(slot));
        }
        self.is_alive()
    }

    /// Removes a task that has ended.
    pub(crate) fn disown(&self, number: u64) {
        let slot = lock(&self.tasks).remove(&number);
        drop(slot);
    }

    /// It has opened a socket; returns the socket's number.
    pub(crate) fn opened(&self, what: String) -> u64 {
        let mut sockets = lock(&self.sockets);
        let number = sockets.next;
        sockets.next += 1;
        sockets.open.insert(number, what);
        number
    }

    /// It has closed the socket with this number.
    pub(crate) fn closed(&self, number: u64) {
        lock(&self.sockets).open.remove(&number);
    }

    /// The first socket that is open, in words.
    pub(crate) fn open_socket(&self) -> Option<String> {
        lock(&self.sockets).open.values().next().cloned()
    }

    /// Ends the process: every task is dropped, in the order in which they were spawned.
    fn end(&self) {
        self.alive.store(false, Ordering::Relaxed);
        // The lock is not held while tasks are dropped: dropping one may end others.
        let tasks = std::mem::take(&mut *lock(&self.tasks));
        for slot in tasks.values() {
            slot.end();
        }
    }
}

impl Host {
    pub(crate) fn new(kernel: &Kernel, index: usize, id: HostId, name: &str, addresses: Vec<IpAddr>) -> Host {
        Host {
            index,
            id,
            name: name.into(),
            addresses,
            disk: Fs::builder().seed(kernel.config.seed).build(),
            next_file: AtomicU64::new(0),
            clock_error: AtomicI64::new(0),
            process: Mutex::new(Arc::new(Process::new(kernel.config.seed, name, 0))),
        }
    }

    pub(crate) fn process(&self) -> Arc<Process> {
        Arc::clone(&lock(&self.process))
    }

    pub(crate) fn end_process(&self, kernel: &Kernel) {
        if kernel.is_here() {
            turmoil_net::set_current(self.id);
        }
        let process = self.process();
        process.end();
        kernel.process_ended(&self.name, process);
    }

    /// The time on its wall clock.
    pub(crate) fn now(&self, kernel: &Kernel) -> Timestamp {
        let right = kernel.now();
        let error = self.clock_error.load(Ordering::Relaxed);
        // Beyond the range of timestamps the clock stands still.
        let end = if error < 0 { Timestamp::MIN } else { Timestamp::MAX };
        right.checked_add(SignedDuration::from_millis(error)).unwrap_or(end)
    }

    /// Whether an address is its own.
    pub(crate) fn is_at(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.addresses.contains(&address)
    }

    /// The address from which it speaks to `peer`, unless a socket is bound to one.
    pub(crate) fn address_towards(&self, peer: IpAddr) -> Option<IpAddr> {
        self.addresses.iter().copied().find(|address| address.is_ipv4() == peer.is_ipv4())
    }

    fn boot(&self, kernel: &Kernel) {
        let mut process = lock(&self.process);
        *process = Arc::new(Process::new(kernel.config.seed, &self.name, process.boot + 1));
    }
}

/// A host of a world. Clones are the same host.
#[derive(Clone)]
pub struct HostHandle {
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) host: Arc<Host>,
}

impl HostHandle {
    /// The host's name.
    pub fn name(&self) -> &str {
        &self.host.name
    }

    /// The host's addresses, in the order given.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.host.addresses
    }

    /// The env of the process that runs now; if none runs, that of the last one, which refuses everything.
    pub fn env(&self) -> Env {
        Env::new(SimPorts::of_host(&self.kernel, &self.host, &self.host.process()))
    }

    /// Makes the host's wall clock wrong by this much, in whole milliseconds; zero sets it right. Timers run as before,
    /// and a restart changes nothing.
    pub fn set_clock_error(&self, error: SignedDuration) {
        let error = i64::try_from(error.as_millis()).unwrap_or(if error.is_negative() { i64::MIN } else { i64::MAX });
        self.host.clock_error.store(error, Ordering::Relaxed);
    }

    /// Whether a process runs.
    pub fn is_up(&self) -> bool {
        self.host.process().is_alive()
    }

    /// Crashes the process: its tasks and timers are gone at once, the machine closes its sockets, and peers see FIN or
    /// RST. Files stay as they are, even those not synced. Nothing listens until a [`restart`](Self::restart).
    pub fn kill(&self) {
        self.host.end_process(&self.kernel);
    }

    /// The power fails: the process is gone, the machine sends nothing more, and all unsynced data is lost, so that
    /// nothing of it depends on the seed. Until [`restart`](Self::restart), packets to it get no answer; afterwards, it
    /// answers segments of connections that it no longer knows with RST.
    pub fn power_loss(&self) {
        let now = self.kernel.clock.elapsed();
        let running = self.kernel.is_here();
        if running {
            self.kernel.wire().drain(now);
        }
        self.host.end_process(&self.kernel);
        self.host.disk.crash();
        self.kernel.wire().power_off(&self.host);
    }

    /// Starts a new process, after ending the one that runs, and returns its env. Its random bytes are those of a new boot.
    pub fn restart(&self) -> Env {
        self.host.end_process(&self.kernel);
        let now = self.kernel.clock.elapsed();
        self.kernel.wire().power_on(now, &self.host);
        self.host.boot(&self.kernel);
        self.env()
    }
}

impl fmt::Debug for HostHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HostHandle").field(&self.name()).finish()
    }
}
