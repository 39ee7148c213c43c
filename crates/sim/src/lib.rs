//! The kernel: simulated hosts on one paused runtime, the wire between them, crash and restart, and the packet record.
//!
//! A [`Sim`] is one world. Hosts are added to it, tasks are spawned on the hosts' [`Env`]s, and
//! [`Sim::run`] polls a *main* future (the script of a scenario) until it completes or something else ends the run:
//! the time `until`, a bound, a panic. What happened comes back as an [`Outcome`].
//!
//! ```
//! use std::time::Duration;
//! use mxlab_sim::{Config, End, Sim};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! let mut sim = Sim::new(Config::default())?;
//! let mx = sim.add_host("mx1.contoso.test", ["192.0.2.25".parse()?])?;
//! let client = sim.add_host("client.fabrikam.test", ["198.51.100.7".parse()?])?;
//!
//! // Tasks may be spawned before the run; they start with it.
//! let env = mx.env();
//! mx.env().spawn("smtp server", async move {
//!     let Ok(listener) = env.listen("192.0.2.25:25".parse().unwrap()).await else { return };
//!     while let Ok(mut stream) = listener.accept().await {
//!         let _ = stream.write_all(b"220 mx1.contoso.test\r\n").await;
//!     }
//! });
//!
//! let env = client.env();
//! let outcome = sim.run(async move {
//!     tokio::time::sleep(Duration::from_secs(24 * 3600)).await; // costs nothing
//!     let mut stream = env.connect("192.0.2.25:25".parse().unwrap()).await?;
//!     let mut banner = String::new();
//!     stream.read_to_string(&mut banner).await?;
//!     std::io::Result::Ok(banner)
//! });
//! assert_eq!(outcome.end, End::Finished);
//! assert_eq!(outcome.value.unwrap()?, "220 mx1.contoso.test\r\n");
//! assert!(outcome.packets > 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! How it works. All hosts share one tokio runtime whose clock is paused: when every task waits, the clock jumps to the
//! next timer. `turmoil-net` gives each host sockets, in memory; each time everything waits, the [`wire`](Link) takes the
//! packets that the hosts have emitted, gives each its arrival time and delivers those that come first. So all code may use
//! `tokio::time` as it is, and a day without events costs nothing.
//!
//! Virtual time passes only for what says so: timers, the declared latency of a link, delays, back-off. A packet on any
//! other link arrives at the instant at which it was sent, and later only in *ticks*, which order the deliveries of an
//! instant and are drawn from the seed. However many ticks an exchange takes, no timer sees them. An exchange that never
//! ends lets no time pass either: the bounds on packets and polls end it.
//!
//! What is guaranteed: the same program with the same seed does the same and sends the same bytes, in every process.
//! Another seed changes the order in which packets of one instant arrive on different links, ports and random bytes, but
//! no time. The draws of a host depend on its name and boot alone, the ticks of a link on the names of its two hosts: a
//! host that is added elsewhere changes neither. *Deliberate* draws are those that may show, and [`Outcome::draws`] lists
//! them: jitter, loss, and what an engine draws through [`Env::draw`].
//!
//! Causes are followed (see [`Env::moment`]): whatever a step of the script or a timer sets off, through tasks and packets,
//! belongs to the moment of that step or timer.
//!
//! Limits: it knows nothing about mail, and it does not judge; a run that reaches a bound is reported, not explained.
//! One thread runs one world at a time; several threads may each run theirs.
//!
//! | module | holds |
//! |---|---|
//! | `config`, `outcome`, `error` | how a world is run, what came of it, why it cannot be built |
//! | `kernel` | what one world shares: its clock, its hosts, its wire, its end |
//! | `clock` | virtual time, and the finer time of the wire |
//! | `cause` | what set off the code that runs |
//! | `wire` | latency, order, loss, partition, and what the network does to flows of hosts that lost power |
//! | `carrier` | the task that delivers the packets |
//! | `host` | hosts, their processes, crash, restart, power loss |
//! | `network` | machines and their network as a script sees them |
//! | `task` | the tasks of a process: scope, counting, panics |
//! | `ports`, `socket`, `files`, `entropy` | the simulated adapter of `env` |
//! | `stuck`, `watchdog` | reports a program that loops without an await |

mod carrier;
mod cause;
mod clock;
mod config;
mod control;
mod entropy;
mod error;
mod files;
mod host;
mod kernel;
mod network;
mod outcome;
mod packet;
mod panics;
mod ports;
mod socket;
mod stuck;
mod sync;
mod task;
mod watchdog;
mod wire;

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, OnceLock, Weak};
use std::task::Poll;

use mxlab_env::Env;
use tokio::runtime::Runtime;
use turmoil_net::{KernelConfig, Net};

pub use config::{Bounds, Config};
pub use control::Control;
pub use error::SimError;
pub use host::HostHandle;
pub use mxlab_env::wire::{Fate, Link, PacketRecord, Protocol, Tap, TapVerdict, TcpFlags};
pub use network::SimNetwork;
pub use outcome::{End, Outcome};
pub use stuck::{OnStuck, Stuck, when_stuck};

use carrier::Carrier;
use kernel::Kernel;
use ports::SimPorts;

/// One world, before it runs.
pub struct Sim {
    /// Some until the world runs.
    net: Rc<RefCell<Option<Net>>>,
    processes: Processes,
    runtime: Runtime,
    kernel: Arc<Kernel>,
    /// The network lives in a thread-local: a world stays on its thread.
    not_send: PhantomData<*const ()>,
}

impl Sim {
    /// A world without hosts.
    ///
    /// # Errors
    /// [`SimError::Runtime`] when the system refuses a runtime.
    pub fn new(config: Config) -> Result<Sim, SimError> {
        panics::install();
        let slot: Arc<OnceLock<Weak<Kernel>>> = Arc::default();
        let parked = Arc::clone(&slot);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .on_thread_park(move || {
                if let Some(kernel) = parked.get().and_then(Weak::upgrade) {
                    kernel.drain();
                }
            })
            .build()?;
        let kernel = Arc::new(Kernel::new(config, runtime.handle().clone()));
        let _ = slot.set(Arc::downgrade(&kernel));
        // turmoil-net counts retransmissions in passes, not in time: nothing is retransmitted, the wire owns loss.
        let net = Net::with_config(KernelConfig::default().retx_threshold(u32::MAX));
        let net = Rc::new(RefCell::new(Some(net)));
        Ok(Sim { net, processes: Processes(Arc::clone(&kernel)), runtime, kernel, not_send: PhantomData })
    }

    /// Adds a host that is up, with a process that does nothing yet.
    ///
    /// # Errors
    /// The name or an address is taken, or an address cannot belong to a host.
    pub fn add_host(&mut self, name: &str, addresses: impl Into<Vec<IpAddr>>) -> Result<HostHandle, SimError> {
        self.network().add_host(name, addresses.into())
    }

    /// The world's network, as scripts see it.
    pub fn network(&self) -> SimNetwork {
        SimNetwork { net: Rc::clone(&self.net), control: self.control() }
    }

    /// Changes links and ends the run, before and while it runs.
    pub fn control(&self) -> Control {
        Control { kernel: Arc::clone(&self.kernel) }
    }

    /// Runs the world until `main` completes, or until something else ends the run.
    ///
    /// `main` belongs to no host. It is polled before any task that wakes at the same moment, so a step of a script takes
    /// effect before the timers of that moment. Its draws from [`mxlab_env::entropy`] are seeded too.
    ///
    /// # Panics
    /// When called on a thread where another world is running.
    pub fn run<T>(self, main: impl Future<Output = T>) -> Outcome<T> {
        let Sim { net, processes, runtime, kernel, .. } = self;
        let mut main = pin!(main);
        // A world runs once: its network is there.
        if let Some(net) = net.take() {
            kernel.wire().enter(net.enter());
        }
        kernel.set_live(true);
        let teardown = Teardown { processes, runtime, leave: Leave(Arc::clone(&kernel)) };
        let runtime = &teardown.runtime;
        let _watched = watchdog::watch(&kernel.beat);
        #[allow(clippy::disallowed_methods, reason = "the wire belongs to no host, and ends with the run")]
        runtime.handle().spawn(Carrier::new(Arc::clone(&kernel)));
        let script = Env::new(SimPorts::of_script(&kernel));
        let value = runtime.block_on(async {
            let mut until = pin!(tokio::time::sleep_until(kernel.clock.start() + kernel.config.until));
            poll_fn(|cx| {
                kernel.set_main_waker(cx.waker());
                if kernel.has_ended() || !kernel.count_poll(None, &kernel.script) {
                    return Poll::Ready(None);
                }
                let polled = task::guarded(
                    &kernel,
                    &script,
                    None,
                    &kernel.script,
                    (kernel.clock.elapsed(), &kernel.descent),
                    || main.as_mut().poll(cx),
                );
                match polled {
                    None => Poll::Ready(None),
                    Some(_) if kernel.has_ended() => Poll::Ready(None),
                    Some(Poll::Ready(value)) => {
                        kernel.end(End::Finished);
                        Poll::Ready(Some(value))
                    }
                    Some(Poll::Pending) if until.as_mut().poll(cx).is_ready() => {
                        kernel.end(End::Until);
                        Poll::Ready(None)
                    }
                    Some(Poll::Pending) => Poll::Pending,
                }
            })
            .await
        });
        drop(teardown);
        kernel.outcome(value)
    }
}

impl std::fmt::Debug for Sim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sim").field("label", &self.kernel.config.label).finish_non_exhaustive()
    }
}

/// Drops all tasks when it goes, whether or not the world ran: they hold the world, and the world holds them.
struct Processes(Arc<Kernel>);

impl Drop for Processes {
    fn drop(&mut self) {
        self.0.elapsed_at_end();
        self.0.forget_processes();
    }
}

/// Takes the network out of its thread-local, else the process aborts when the thread ends.
struct Leave(Arc<Kernel>);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.wire().leave();
        self.0.set_live(false);
    }
}

/// The parts of a run, dropped in this order, on return and on unwinding: everything that holds a socket goes while the
/// network is still there.
struct Teardown {
    #[expect(dead_code, reason = "held to be dropped first")]
    processes: Processes,
    runtime: Runtime,
    #[expect(dead_code, reason = "held to be dropped last")]
    leave: Leave,
}
