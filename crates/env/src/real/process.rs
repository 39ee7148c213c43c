//! Processes that can be ended: a part of this program that owns its tasks.
//!
//! A [`RealMachine`] is what a script may reach of a machine, and it stands for one process inside this program: ending it
//! drops its tasks, and its sockets with them. What takes a whole machine (its power, its clock) or a network of its own is
//! refused.

use std::any::Any;
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use jiff::SignedDuration;
use tokio::task::AbortHandle;

use super::Real;
use super::files::Folder;
use crate::files::Store;
use crate::wire::{Link, Machine, Network, Tap};
use crate::{BoxFuture, Env, Task};

/// How many panics are kept.
const MOST_PANICS: usize = 100;

/// A task that panicked. It has ended; the others go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskPanic {
    /// The name that the task was spawned with.
    pub task: String,
    /// The panic's message.
    pub message: String,
}

/// Locks without regard to poison: nothing is left half done while these are held.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process: it owns its tasks.
#[derive(Default)]
pub(super) struct Process {
    tasks: Mutex<Tasks>,
    /// Shared with the processes before and after it on its machine.
    panics: Arc<Mutex<Vec<TaskPanic>>>,
}

#[derive(Default)]
struct Tasks {
    ended: bool,
    next: u64,
    running: BTreeMap<u64, Running>,
}

struct Running {
    slot: Arc<Mutex<Option<BoxFuture<'static, ()>>>>,
    abort: Option<AbortHandle>,
}

impl Process {
    fn is_up(&self) -> bool {
        !lock(&self.tasks).ended
    }

    /// An error once the process has ended.
    pub(super) fn check(&self) -> io::Result<()> {
        if self.is_up() { Ok(()) } else { Err(io::Error::other("the process is dead")) }
    }

    #[allow(clippy::disallowed_methods, reason = "this is how `Env::spawn` is done")]
    pub(super) fn spawn(self: &Arc<Process>, name: String, future: BoxFuture<'static, ()>) -> Task {
        let slot = Arc::new(Mutex::new(Some(future)));
        let mut tasks = lock(&self.tasks);
        if tasks.ended {
            // Dropped when nothing is locked: its drop may be anybody's code.
            drop(tasks);
            return Task::new(|| {});
        }
        let number = tasks.next;
        tasks.next += 1;
        tasks.running.insert(number, Running { slot: Arc::clone(&slot), abort: None });
        drop(tasks);
        let runner = Runner { process: Arc::clone(self), number, name, slot };
        let handle = tokio::spawn(runner).abort_handle();
        if let Some(running) = lock(&self.tasks).running.get_mut(&number) {
            running.abort = Some(handle.clone());
        }
        Task::new(move || handle.abort())
    }

    /// Drops every task, in the order in which they were spawned; one that is being polled goes when that poll returns.
    fn end(&self) {
        let mut tasks = lock(&self.tasks);
        tasks.ended = true;
        let running = std::mem::take(&mut tasks.running);
        drop(tasks);
        for task in running.into_values() {
            let future = lock(&task.slot).take();
            drop(future);
            if let Some(abort) = task.abort {
                abort.abort();
            }
        }
    }

    /// Something records in its name; after its end that is a mistake.
    pub(super) fn tells(&self, who: &str) {
        if !self.is_up() {
            self.keep(TaskPanic {
                task: who.to_owned(),
                message: "it goes on although its process has ended".to_owned(),
            });
        }
    }

    fn panicked(&self, task: &str, payload: &(dyn Any + Send)) {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let message = text.or_else(|| payload.downcast_ref::<String>().cloned());
        let message = message.unwrap_or_else(|| "a panic without a message".to_owned());
        self.keep(TaskPanic { task: task.to_owned(), message });
    }

    fn keep(&self, panic: TaskPanic) {
        let mut panics = lock(&self.panics);
        if panics.len() < MOST_PANICS {
            panics.push(panic);
        }
    }
}

/// What tokio polls.
struct Runner {
    process: Arc<Process>,
    number: u64,
    name: String,
    /// Empty while the task is polled, and after its end.
    slot: Arc<Mutex<Option<BoxFuture<'static, ()>>>>,
}

impl Future for Runner {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(mut future) = lock(&self.slot).take() else { return Poll::Ready(()) };
        // A task that panicked is dropped: nobody sees what it left half done.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) if self.process.is_up() => {
                *lock(&self.slot) = Some(future);
                Poll::Pending
            }
            Ok(_) => Poll::Ready(()),
            Err(payload) => {
                self.process.panicked(&self.name, payload.as_ref());
                Poll::Ready(())
            }
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let gone = lock(&self.process.tasks).running.remove(&self.number);
        drop(gone);
    }
}

/// A machine that is this program: its process can be ended and started again.
pub struct RealMachine {
    name: String,
    addresses: Vec<IpAddr>,
    folder: PathBuf,
    process: Mutex<Arc<Process>>,
}

impl RealMachine {
    /// A machine that is up, with files below `folder`. It has these addresses only in name: whether a socket can be bound
    /// to them depends on this system.
    pub fn new(name: &str, addresses: &[IpAddr], folder: impl Into<PathBuf>) -> RealMachine {
        RealMachine {
            name: name.to_owned(),
            addresses: addresses.to_vec(),
            folder: folder.into(),
            process: Mutex::default(),
        }
    }

    /// The first panics of its tasks, restarts or not.
    pub fn panics(&self) -> Vec<TaskPanic> {
        let process = lock(&self.process).clone();
        let panics = lock(&process.panics);
        panics.clone()
    }
}

fn cannot<T>(what: &str) -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::Unsupported, format!("this machine cannot {what}")))
}

impl Machine for RealMachine {
    fn name(&self) -> &str {
        &self.name
    }
    fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }
    fn env(&self) -> Env {
        let process = lock(&self.process).clone();
        Env::new(Real { process, files: Store(Folder(self.folder.clone())) })
    }
    fn is_up(&self) -> bool {
        lock(&self.process).is_up()
    }
    fn kill(&self) {
        let process = lock(&self.process).clone();
        process.end();
    }
    fn power_loss(&self) -> io::Result<()> {
        cannot("lose its power")
    }
    fn restart(&self) -> Env {
        self.kill();
        let mut process = lock(&self.process);
        *process = Arc::new(Process { panics: Arc::clone(&process.panics), ..Process::default() });
        drop(process);
        self.env()
    }
    fn set_clock_error(&self, _error: SignedDuration) -> io::Result<()> {
        cannot("have a clock of its own")
    }
}

/// Machines that are this program, on this system's network.
pub struct RealNetwork {
    folder: PathBuf,
    machines: Mutex<BTreeMap<String, Arc<RealMachine>>>,
}

impl RealNetwork {
    /// A network without machines; the files of each will be below `folder`, in one of its own.
    pub fn new(folder: impl Into<PathBuf>) -> RealNetwork {
        RealNetwork { folder: folder.into(), machines: Mutex::default() }
    }

    /// The first panics of each machine's tasks, by its name.
    pub fn panics(&self) -> Vec<(String, TaskPanic)> {
        let machines = lock(&self.machines);
        let of = |(name, machine): (&String, &Arc<RealMachine>)| {
            machine.panics().into_iter().map(|panic| (name.clone(), panic)).collect::<Vec<_>>()
        };
        machines.iter().flat_map(of).collect()
    }
}

impl Network for RealNetwork {
    fn add_machine(&self, name: &str, addresses: &[IpAddr]) -> io::Result<Arc<dyn Machine>> {
        let mut machines = lock(&self.machines);
        if machines.contains_key(name) {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("two machines are called {name}")));
        }
        let machine = Arc::new(RealMachine::new(name, addresses, self.folder.join(name)));
        machines.insert(name.to_owned(), Arc::clone(&machine));
        Ok(machine)
    }
    fn isolate(&self, _machine: &str) -> io::Result<()> {
        cannot("be cut off its network")
    }
    fn rejoin(&self, _machine: &str) -> io::Result<()> {
        cannot("be cut off its network")
    }
    fn set_link(&self, _one: &str, _other: &str, _link: Link) -> io::Result<()> {
        cannot("set the latency of its network")
    }
    fn tap(&self, _tap: Box<dyn Tap>) -> io::Result<()> {
        cannot("see the packets of its network")
    }
}
