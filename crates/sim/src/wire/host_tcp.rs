//! What the TCP of a real host does and turmoil-net does not.
//!
//! - A process can listen at once at an address with open sessions (SO_REUSEADDR): the kernel's listener is kept, but
//!   closed, and segments that ask for a connection get RST from the wire.
//! - Data for a connection that its process has closed gets RST (RFC 9293 §3.6.1). What a host says to itself never comes
//!   to the wire: there it does not.
//! - A machine without power sends nothing, and afterwards knows none of its connections.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{Flow, Wire};
use crate::host::Host;
use crate::packet;
use crate::socket::Listening;

impl Wire {
    /// The TCP connections of a host, local end first.
    pub(super) fn connections(&self, host: usize) -> BTreeSet<Flow> {
        match self.ends[host].first_address {
            Some(address) if self.net.is_some() => {
                let sockets = turmoil_net::netstat(address).entries;
                let tcp = sockets.into_iter().filter(|socket| socket.proto == turmoil_net::Proto::Tcp);
                tcp.filter_map(|socket| Some((socket.local, socket.peer?))).collect()
            }
            _ => BTreeSet::new(),
        }
    }

    /// Returns the closed listener of this address, if there is one.
    pub(crate) fn reopen(&mut self, host: &Host, at: SocketAddr) -> Option<Arc<Listening>> {
        self.closed.remove(&(host.index, at))
    }

    /// Drops closed listeners at a port, so that another address with that port can be bound.
    pub(crate) fn forget_closed(&mut self, host: &Host, port: u16) {
        turmoil_net::set_current(host.id);
        self.closed.retain(|&(index, at), _| index != host.index || at.port() != port);
    }

    /// The host has lost its power, and with it its process. Its machine sends nothing more, and its connections are
    /// forgotten.
    pub(crate) fn power_off(&mut self, host: &Host) {
        let now_dark = host.index;
        self.ends[now_dark].dark = true;
        for (local, peer) in self.connections(now_dark) {
            self.hand_over(packet::reset_towards(local, peer));
        }
        let mut emitted = std::mem::take(&mut self.emitted);
        if let Some(net) = &self.net {
            net.egress_all(&mut emitted);
        }
        // Other hosts have emitted nothing since the wire was drained a moment ago.
        emitted.clear();
        self.emitted = emitted;
        self.orphans.retain(|(local, _)| !host.addresses.contains(&local.ip()));
        self.unaccepted.retain(|(local, _), _| !host.addresses.contains(&local.ip()));
        self.held.retain(|(from, _), _| !host.addresses.contains(&from.ip()));
        self.causes.power_off(host);
    }

    pub(crate) fn power_on(&mut self, now: Duration, host: &Host) {
        if self.ends[host.index].dark {
            self.ends[host.index].dark = false;
            self.release(now);
        }
    }
}
