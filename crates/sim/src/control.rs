//! What a script may do to a world while it runs.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use mxlab_env::wire::{Link, Tap};

use crate::host::HostHandle;
use crate::kernel::Kernel;
use crate::outcome::End;

/// Changes the network, and ends the run. Clones control the same world.
#[derive(Clone)]
pub struct Control {
    pub(crate) kernel: Arc<Kernel>,
}

impl Control {
    /// Virtual time since the start of the run.
    pub fn elapsed(&self) -> Duration {
        self.kernel.clock.elapsed()
    }

    /// The link between two hosts as it is now.
    pub fn link(&self, a: &HostHandle, b: &HostHandle) -> Link {
        self.kernel.wire().link(a.host.index, b.host.index)
    }

    /// Sets the link between two hosts, for packets sent from now on.
    pub fn set_link(&self, a: &HostHandle, b: &HostHandle, link: Link) {
        self.kernel.wire().set_link(a.host.index, b.host.index, link);
    }

    /// Adds to the latency and the loss of everything that a host sends and receives; `(0, 0)` undoes it.
    pub fn impair(&self, host: &HostHandle, delay: Duration, loss_percent: u8) {
        self.kernel.wire().impair(host.host.index, delay, loss_percent);
    }

    /// Breaks the path between two hosts. Datagrams are lost, TCP segments wait until it is healed.
    pub fn partition(&self, a: &HostHandle, b: &HostHandle) {
        self.kernel.wire().partition(a.host.index, b.host.index);
    }

    /// Heals the path between two hosts: TCP goes on at its next back-off time.
    pub fn heal(&self, a: &HostHandle, b: &HostHandle) {
        let now = self.kernel.clock.elapsed();
        self.kernel.wire().heal(now, a.host.index, b.host.index);
    }

    /// Breaks every path from and to a host.
    pub fn isolate(&self, host: &HostHandle) {
        self.kernel.wire().isolate(host.host.index);
    }

    /// Undoes [`isolate`](Control::isolate).
    pub fn rejoin(&self, host: &HostHandle) {
        let now = self.kernel.clock.elapsed();
        self.kernel.wire().rejoin(now, host.host.index);
    }

    /// From now on, packets to `address` vanish as if no host had it; a connection that loses a packet never recovers.
    pub fn blackhole(&self, address: IpAddr) {
        self.kernel.wire().blackhole(address, true);
    }

    /// Undoes [`blackhole`](Control::blackhole).
    pub fn unblackhole(&self, address: IpAddr) {
        self.kernel.wire().blackhole(address, false);
    }

    /// Puts a tap on the wire that sees every packet.
    pub fn tap(&self, tap: impl Tap + 'static) {
        self.kernel.wire().tap(Box::new(tap));
    }

    /// Packets sent so far.
    pub fn packets(&self) -> u64 {
        self.kernel.wire().sent()
    }

    /// Whether no packet is on its way. Segments that wait for a path to be healed do not count.
    pub fn is_quiet(&self) -> bool {
        self.kernel.wire().is_quiet()
    }

    /// Ends the run because something counted elsewhere exceeded its bound.
    pub fn exceeded(&self, which: &'static str, limit: u64) {
        self.kernel.end(End::Bound { which, limit });
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Control")
    }
}
