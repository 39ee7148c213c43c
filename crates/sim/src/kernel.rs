//! What one world shares: its clock, its hosts, its wire, its end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;
use std::thread::ThreadId;
use std::time::Duration;

use mxlab_env::Timestamp;
use tokio::runtime::Handle;
use turmoil_net::HostId;

use crate::cause::{self, Cause, Descent};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::SimError;
use crate::host::{Host, HostHandle, Process};
use crate::outcome::{End, Outcome};
use crate::panics;
use crate::sync::lock;
use crate::watchdog::Beat;
use crate::wire::Wire;

/// How many of the last events an outcome contains.
const RECENT: usize = 16;

pub(crate) struct Kernel {
    pub(crate) config: Config,
    pub(crate) runtime: Handle,
    pub(crate) clock: Clock,
    pub(crate) beat: Arc<Beat>,
    /// The root of all tasks.
    pub(crate) descent: Arc<Descent>,
    /// The name of the main future in reports.
    pub(crate) script: Arc<str>,
    /// The names of the host and the task that carry the packets, in reports.
    network: Arc<str>,
    carrier: Arc<str>,
    thread: ThreadId,
    live: AtomicBool,
    hosts: Mutex<Vec<Arc<Host>>>,
    wire: Mutex<Wire>,
    run: Mutex<Run>,
    /// The buffer into which sockets are read, one after another.
    pub(crate) scratch: Mutex<Vec<u8>>,
}

#[derive(Default)]
struct Run {
    end: Option<End>,
    main: Option<Waker>,
    polls: u64,
    tls_secrets: BTreeSet<String>,
    /// Deliberate draws of processes.
    drawn: BTreeMap<&'static str, u64>,
    elapsed: Option<Duration>,
    recent: VecDeque<Polled>,
    /// Processes that have ended since all tasks waited last, with the names of their hosts.
    ended: Vec<(Arc<str>, Arc<Process>)>,
}

/// A task that was polled, perhaps several times in a row.
struct Polled {
    at: Duration,
    host: Option<usize>,
    task: String,
    times: u64,
}

impl Kernel {
    pub(crate) fn new(config: Config, runtime: Handle) -> Kernel {
        Kernel {
            beat: Arc::new(Beat::new(&config)),
            descent: Arc::new(Descent::root()),
            script: "the script".into(),
            network: "the network".into(),
            carrier: "the wire".into(),
            wire: Mutex::new(Wire::new(&config)),
            clock: Clock::new(runtime.clone(), config.epoch),
            config,
            runtime,
            thread: std::thread::current().id(),
            live: AtomicBool::new(false),
            hosts: Mutex::default(),
            run: Mutex::default(),
            scratch: Mutex::default(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.wall(self.clock.elapsed())
    }

    /// What set off the code that runs; outside of tasks and deliveries, that is a timer of this instant.
    pub(crate) fn cause(&self) -> Cause {
        cause::current().unwrap_or_else(|| Cause::timer(self.clock.elapsed()))
    }

    /// The time of [`cause`](Kernel::cause).
    pub(crate) fn moment(&self) -> Timestamp {
        self.clock.wall(self.cause().at)
    }

    /// Whether sockets of this world can be used here: it must run, on this thread.
    pub(crate) fn is_here(&self) -> bool {
        self.live.load(Ordering::Relaxed) && std::thread::current().id() == self.thread
    }

    pub(crate) fn set_live(&self, live: bool) {
        self.live.store(live, Ordering::Relaxed);
    }

    pub(crate) fn wire(&self) -> MutexGuard<'_, Wire> {
        lock(&self.wire)
    }

    /// Puts all packets that the hosts have emitted on the wire. Called each time all tasks wait.
    pub(crate) fn drain(&self) {
        let within = self.on_the_wire(|wire, now| {
            let within = wire.drain(now);
            wire.take_turn(now);
            within
        });
        self.check_packets(within);
        self.check_ended();
    }

    /// Puts what was written on the wire, although tasks are still running: on a real machine it left when it was written.
    pub(crate) fn send_written(&self) {
        let within = self.on_the_wire(Wire::drain);
        self.check_packets(within);
    }

    fn check_packets(&self, within: Option<bool>) {
        if within == Some(false) {
            self.end(End::Bound { which: "packets", limit: self.config.bounds.packets });
        }
    }

    /// A process of a host has ended. Nothing of it may be left when all tasks wait the next time: a task that ended its own
    /// process has returned by then.
    pub(crate) fn process_ended(&self, host: &Arc<str>, process: Arc<Process>) {
        if self.is_here() {
            lock(&self.run).ended.push((Arc::clone(host), process));
        }
    }

    /// A socket that is still open belongs to somebody who was not spawned by the process, and was not ended with it.
    fn check_ended(&self) {
        let ended = std::mem::take(&mut lock(&self.run).ended);
        for (host, process) in ended {
            if let Some(what) = process.open_socket() {
                self.end(End::Outlived { host: host.to_string(), what });
            }
        }
    }

    /// Does the wire's work; `None` if it panicked, which ends the run as a panic of a task does.
    pub(crate) fn on_the_wire<R>(&self, f: impl FnOnce(&mut Wire, Duration) -> R) -> Option<R> {
        let now = self.clock.elapsed();
        // Taps are foreign code: a tap that loops would otherwise hang outside of every poll.
        let _busy = self.beat.begin(&self.network, &self.carrier);
        match panics::catch(|| f(&mut self.wire(), now)) {
            Ok(result) => Some(result),
            Err(message) => {
                self.end(End::Panicked { host: self.network.to_string(), task: self.carrier.to_string(), message });
                None
            }
        }
    }

    pub(crate) fn check_host(&self, name: &str, addresses: &[IpAddr]) -> Result<(), SimError> {
        let hosts = lock(&self.hosts);
        if hosts.iter().any(|host| &*host.name == name) {
            return Err(SimError::NameTaken(name.to_owned()));
        }
        for (index, &address) in addresses.iter().enumerate() {
            if address.is_loopback() || address.is_unspecified() {
                return Err(SimError::NotAnAddress(address));
            }
            let twice = addresses[..index].contains(&address).then_some(name);
            let owner = hosts.iter().find(|host| host.addresses.contains(&address)).map(|host| &*host.name).or(twice);
            if let Some(owner) = owner {
                return Err(SimError::AddressTaken { address, owner: owner.to_owned() });
            }
        }
        Ok(())
    }

    pub(crate) fn add_host(self: &Arc<Kernel>, id: HostId, name: &str, addresses: Vec<IpAddr>) -> HostHandle {
        let mut hosts = lock(&self.hosts);
        let host = Arc::new(Host::new(self, hosts.len(), id, name, addresses));
        self.wire().add_host(&host);
        hosts.push(Arc::clone(&host));
        HostHandle { kernel: Arc::clone(self), host }
    }

    /// The host that is called so.
    pub(crate) fn host(self: &Arc<Kernel>, name: &str) -> Option<HostHandle> {
        let host = lock(&self.hosts).iter().find(|host| &*host.name == name).cloned()?;
        Some(HostHandle { kernel: Arc::clone(self), host })
    }

    fn host_name(&self, host: Option<usize>) -> String {
        let name = host.and_then(|index| lock(&self.hosts).get(index).map(|host| host.name.to_string()));
        name.unwrap_or_else(|| self.script.to_string())
    }

    /// Drops every process with all its tasks.
    pub(crate) fn forget_processes(self: &Arc<Kernel>) {
        let hosts = lock(&self.hosts).clone();
        for host in hosts {
            host.end_process(self);
        }
    }

    pub(crate) fn set_main_waker(&self, waker: &Waker) {
        let mut run = lock(&self.run);
        match &mut run.main {
            Some(main) => main.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        lock(&self.run).end.is_some()
    }

    /// Ends the run, unless it has ended already.
    pub(crate) fn end(&self, end: End) {
        let mut run = lock(&self.run);
        if run.end.is_none() {
            run.end = Some(end);
            if let Some(main) = run.main.take() {
                main.wake();
            }
        }
    }

    /// Notes a deliberate draw of a process.
    pub(crate) fn note_draw(&self, what: &'static str) {
        *lock(&self.run).drawn.entry(what).or_default() += 1;
    }

    pub(crate) fn keep_tls_secret(&self, line: String) {
        if self.config.capture {
            lock(&self.run).tls_secrets.insert(line);
        }
    }

    pub(crate) fn panicked(&self, host: Option<usize>, task: &str, message: String) {
        self.end(End::Panicked { host: self.host_name(host), task: task.to_owned(), message });
    }

    /// Counts a poll; `false` if the run is over and nothing may be polled any more.
    pub(crate) fn count_poll(&self, host: Option<usize>, task: &str) -> bool {
        let at = self.clock.elapsed();
        let mut run = lock(&self.run);
        if run.end.is_some() {
            return false;
        }
        let limit = self.config.bounds.polls;
        if run.polls == limit {
            drop(run);
            self.end(End::Bound { which: "polls of tasks", limit });
            return false;
        }
        run.polls += 1;
        match run.recent.back_mut() {
            Some(last) if last.host == host && last.task == task && last.at == at => last.times += 1,
            _ => {
                // The oldest entry's string is reused, because this is called for every poll.
                let mut entry = if run.recent.len() == RECENT { run.recent.pop_front() } else { None }
                    .unwrap_or(Polled { at, host, task: String::new(), times: 0 });
                entry.task.clear();
                entry.task.push_str(task);
                (entry.at, entry.host, entry.times) = (at, host, 1);
                run.recent.push_back(entry);
            }
        }
        true
    }

    /// Stores the time of the end, while the clock still exists.
    pub(crate) fn elapsed_at_end(&self) {
        let elapsed = self.clock.elapsed();
        lock(&self.run).elapsed.get_or_insert(elapsed);
    }

    pub(crate) fn outcome<T>(&self, value: Option<T>) -> Outcome<T> {
        let mut run = lock(&self.run);
        let recent = std::mem::take(&mut run.recent);
        let mut wire = self.wire();
        let (packets, packet_hash, log) = wire.finish();
        let mut draws = wire.drawn().clone();
        drop(wire);
        for (what, times) in &run.drawn {
            *draws.entry(what).or_default() += times;
        }
        Outcome {
            end: run.end.clone().unwrap_or(End::Finished),
            value,
            elapsed: run.elapsed.unwrap_or_default(),
            packets,
            packet_hash,
            polls: run.polls,
            draws,
            tls_secrets: std::mem::take(&mut run.tls_secrets),
            log,
            recent: recent
                .iter()
                .map(|polled| {
                    let times = if polled.times == 1 { String::new() } else { format!(", {} times", polled.times) };
                    format!("+{:?} {}: {}{times}", polled.at, self.host_name(polled.host), polled.task)
                })
                .collect(),
        }
    }
}
