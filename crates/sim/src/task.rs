//! The tasks of a process.
//!
//! Each poll and the final drop of a task happen inside its *scope*: its host is the network's current one, and random
//! bytes come from its env. A task's future is in a slot that the process can empty at once, wherever the task waits:
//! that is what a crash is. Each poll belongs to a cause (see `cause`): a task's own waker notes who woke it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use mxlab_env::{BoxFuture, Env, Task, entropy};
use tokio::task::AbortHandle;

use crate::cause::{self, Descent};
use crate::host::{Host, Process};
use crate::kernel::Kernel;
use crate::panics;
use crate::sync::lock;

/// One task of a process.
pub(crate) struct Slot {
    name: Arc<str>,
    number: u64,
    kernel: Arc<Kernel>,
    host: Arc<Host>,
    process: Weak<Process>,
    env: Env,
    /// Empty while the task is polled, and after its end.
    future: Mutex<Option<BoxFuture<'static, ()>>>,
    abort: OnceLock<AbortHandle>,
    /// The runtime's waker, from the last poll.
    waker: Mutex<Option<Waker>>,
    /// What woke it since the last poll.
    woken: Mutex<Option<Duration>>,
    descent: Arc<Descent>,
}

/// Runs `f` on a host as that task; `None` if it panicked, which ends the run.
pub(crate) fn guarded<R>(
    kernel: &Kernel,
    env: &Env,
    host: Option<&Host>,
    task: &Arc<str>,
    (at, descent): (Duration, &Arc<Descent>),
    f: impl FnOnce() -> R,
) -> Option<R> {
    let _busy = kernel.beat.begin(host.map_or(&kernel.script, |host| &host.name), task);
    let _drawing = entropy::enter(env);
    let _because = cause::enter_task(at, descent);
    if let Some(host) = host.filter(|_| kernel.is_here()) {
        turmoil_net::set_current(host.id);
    }
    match panics::catch(f) {
        Ok(result) => Some(result),
        Err(message) => {
            kernel.panicked(host.map(|host| host.index), task, message);
            None
        }
    }
}

/// Starts a task in a process.
pub(crate) fn spawn(
    kernel: &Arc<Kernel>,
    host: &Arc<Host>,
    process: &Arc<Process>,
    env: Env,
    name: String,
    future: BoxFuture<'static, ()>,
) -> Task {
    let slot = Arc::new(Slot {
        name: name.into(),
        number: process.next_task(),
        kernel: Arc::clone(kernel),
        host: Arc::clone(host),
        process: Arc::downgrade(process),
        env,
        future: Mutex::new(Some(future)),
        abort: OnceLock::new(),
        waker: Mutex::new(None),
        woken: Mutex::new(Some(kernel.cause().at)),
        descent: Arc::new(cause::child().unwrap_or_else(|| kernel.descent.child())),
    });
    if kernel.has_ended() || !process.adopt(slot.number, &slot) {
        // A dead process starts nothing.
        slot.drop_future();
        return Task::new(|| {});
    }
    #[allow(clippy::disallowed_methods, reason = "this is how `Env::spawn` is done")]
    let handle = kernel.runtime.spawn(Runner(Arc::clone(&slot))).abort_handle();
    let _ = slot.abort.set(handle.clone());
    Task::new(move || handle.abort())
}

impl Slot {
    /// Ends the task now or, if it is being polled, when that poll returns.
    pub(crate) fn end(&self) {
        self.drop_future();
        if let Some(handle) = self.abort.get() {
            handle.abort();
        }
    }

    fn drop_future(&self) {
        let future = lock(&self.future).take();
        if let Some(future) = future {
            self.scoped(self.kernel.cause().at, || drop(future));
        }
    }

    fn scoped<R>(&self, at: Duration, f: impl FnOnce() -> R) -> Option<R> {
        guarded(&self.kernel, &self.env, Some(&self.host), &self.name, (at, &self.descent), f)
    }

    fn poll(self: &Arc<Slot>, runtime: &Waker) -> Poll<()> {
        let Some(mut future) = lock(&self.future).take() else { return Poll::Ready(()) };
        if !self.kernel.count_poll(Some(self.host.index), &self.name) {
            // The run is over: the task is kept until everything is dropped.
            *lock(&self.future) = Some(future);
            return Poll::Pending;
        }
        match &mut *lock(&self.waker) {
            Some(waker) => waker.clone_from(runtime),
            none => *none = Some(runtime.clone()),
        }
        let at = lock(&self.woken).take().unwrap_or_else(|| self.kernel.cause().at);
        let waker = Waker::from(Arc::clone(self));
        let polled = self.scoped(at, || future.as_mut().poll(&mut Context::from_waker(&waker)));
        let alive = self.process.upgrade().is_some_and(|process| process.is_alive());
        if alive && polled == Some(Poll::Pending) {
            *lock(&self.future) = Some(future);
            return Poll::Pending;
        }
        self.scoped(at, || drop(future));
        Poll::Ready(())
    }
}

impl Wake for Slot {
    fn wake(self: Arc<Slot>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Slot>) {
        let at = self.kernel.cause().at;
        let mut woken = lock(&self.woken);
        *woken = Some(woken.map_or(at, |before| before.min(at)));
        drop(woken);
        let waker = lock(&self.waker).clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The future that tokio polls. Tokio drops it when the task is aborted.
struct Runner(Arc<Slot>);

impl Future for Runner {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll(cx.waker())
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.0.drop_future();
        if let Some(process) = self.0.process.upgrade() {
            process.disown(self.0.number);
        }
    }
}
