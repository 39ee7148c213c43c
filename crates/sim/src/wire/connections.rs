//! The connections and listeners of the hosts, as the wire knows them, and what a reset does to them.
//!
//! turmoil-net forgets what has arrived on a connection when a reset comes, and keeps for ever a connection that its peer
//! has given up before the handshake was complete. So the wire knows every connection that a process has, and every one
//! that waits to be accepted:
//!
//! | a reset comes for a connection that | what happens |
//! |---|---|
//! | a process has | what has arrived is kept for it, then the reset is reported |
//! | waits to be accepted | the same: it is accepted as it is |
//! | is not complete yet | nothing is left of it |
//! | nobody has any more | nothing |

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use turmoil_net::{Packet, Transport};

use super::{Flow, Wire};
use crate::cause::Cause;
use crate::host::Host;
use crate::packet;
use crate::socket::{Connection, Listening};

/// How long a host waits for the end of a handshake: Linux sends SYN-ACK again five times (`tcp_synack_retries`), the last
/// time after 31 s, and gives up 32 s later.
const HANDSHAKE: Duration = Duration::from_secs(63);

/// A connection that a host has answered and no process has accepted yet.
pub(super) struct Unaccepted {
    /// The host that has answered.
    host: usize,
    /// The sequence number of the first octet that it would send.
    sequence: u32,
    since: Duration,
}

impl Wire {
    /// A host has sent this segment. With SYN and ACK it answers a connection that waits to be accepted from now on.
    pub(super) fn note_answer(&mut self, host: Option<usize>, packet: &Packet) {
        if let (Some(host), Transport::Tcp(segment)) = (host, &packet.payload)
            && segment.flags.syn
            && segment.flags.ack
        {
            let unaccepted = Unaccepted { host, sequence: segment.seq.wrapping_add(1), since: self.now.at };
            self.unaccepted.insert(packet::ends(packet), unaccepted);
        }
    }

    /// A process has this connection now.
    pub(crate) fn opened(&mut self, host: &Host, connection: &Arc<Connection>) {
        let ends = (connection.local, connection.peer);
        self.unaccepted.remove(&ends);
        self.open.insert((host.index, ends), Arc::clone(connection));
    }

    /// A process closes a connection. Unless it has heard the last of its peer, data that still comes gets RST. With
    /// something unread, the connection is reset.
    pub(crate) fn closing(&mut self, host: &Host, connection: &Connection, may_hear_more: bool, resets: bool) {
        let (local, peer) = (connection.local, connection.peer);
        self.open.remove(&(host.index, (local, peer)));
        if may_hear_more {
            self.orphans.insert((local, peer));
        }
        // A reset within one host is delivered by turmoil-net itself.
        if let Some(other) = self.open.get(&(host.index, (peer, local))).filter(|_| resets) {
            other.reset();
        }
    }

    /// A process listens.
    pub(crate) fn listening(&mut self, host: &Host, at: SocketAddr, listening: &Arc<Listening>) {
        self.listening.insert((host.index, at), Arc::clone(listening));
    }

    /// A process listens no more. The listener is kept, because turmoil-net binds no address twice. Connections that nobody
    /// has accepted are reset.
    pub(crate) fn close(&mut self, host: &Host, at: SocketAddr, listening: Arc<Listening>, cause: &Cause) {
        self.listening.remove(&(host.index, at));
        self.take_over(host.index, &listening);
        let reaches = |ends: &Flow| ends.0 == at || at.ip().is_unspecified() && ends.0.port() == at.port();
        for connection in listening.withdraw_all() {
            let ends = (connection.local, connection.peer);
            self.open.remove(&(host.index, ends));
            if let Some(unaccepted) = self.unaccepted.remove(&ends).filter(|_| !connection.is_reset()) {
                self.send(packet::reset_from(ends, unaccepted.sequence), cause.clone());
                self.hand_over(packet::reset_towards(connection.local, connection.peer));
            }
            self.drop_socket(host.index, &connection);
        }
        let half_open = self.unaccepted.iter().filter(|(ends, answered)| answered.host == host.index && reaches(ends));
        for ends in half_open.map(|(ends, _)| *ends).collect::<Vec<_>>() {
            self.forget_half_open(&listening, ends);
        }
        self.closed.insert((host.index, at), listening);
    }

    /// A reset is about to be delivered to `local`.
    pub(super) fn expect_reset(&mut self, host: usize, local: SocketAddr, peer: SocketAddr) {
        let ends = (local, peer);
        turmoil_net::set_current(self.ends[host].id);
        if !self.open.contains_key(&(host, ends))
            && self.unaccepted.contains_key(&ends)
            && let Some(listening) = self.listener_of(host, local)
        {
            self.take_over(host, &listening);
            if !self.open.contains_key(&(host, ends)) {
                self.forget_half_open(&listening, ends);
            }
        }
        if let Some(connection) = self.open.get(&(host, ends)) {
            connection.reset();
        }
    }

    /// A client asks for a connection: handshakes with this host that were given up without a word make room. A long latency
    /// gives nothing up.
    pub(super) fn forget_stale(&mut self, host: usize, now: Duration) {
        let is_old = |answered: &Unaccepted| answered.host == host && answered.since + HANDSHAKE <= now;
        let old = self.unaccepted.iter().filter(|(_, answered)| is_old(answered)).map(|(ends, _)| *ends);
        for ends in old.collect::<Vec<_>>() {
            let is_of_it = |ends: Flow, on_the_wire: Flow| on_the_wire == ends || on_the_wire == (ends.1, ends.0);
            if self.in_flight.values().any(|caused| is_of_it(ends, packet::ends(&caused.packet))) {
                continue;
            }
            let Some(listening) = self.listener_of(host, ends.0) else { continue };
            self.take_over(host, &listening);
            if !self.open.contains_key(&(host, ends)) {
                self.forget_half_open(&listening, ends);
            }
        }
    }

    fn listener_of(&self, host: usize, local: SocketAddr) -> Option<Arc<Listening>> {
        let ips = [local.ip(), super::delivering::unspecified(local.ip())];
        let mut found = ips.into_iter().filter_map(|ip| self.listening.get(&(host, SocketAddr::new(ip, local.port()))));
        found.next().cloned()
    }

    /// Takes the connections that are complete over from turmoil-net; they still wait to be accepted.
    fn take_over(&mut self, host: usize, listening: &Listening) {
        turmoil_net::set_current(self.ends[host].id);
        for connection in listening.take_over() {
            self.open.insert((host, (connection.local, connection.peer)), connection);
        }
    }

    /// Leaves nothing of a connection whose handshake is not complete: it is completed, reset and dropped.
    fn forget_half_open(&mut self, listening: &Listening, ends: Flow) {
        let Some(Unaccepted { host, sequence, .. }) = self.unaccepted.remove(&ends) else { return };
        let (local, peer) = ends;
        self.hand_over(packet::acknowledgement_towards(local, peer, sequence));
        self.take_over(host, listening);
        self.open.remove(&(host, ends));
        if let Some(connection) = listening.withdraw(peer) {
            self.hand_over(packet::reset_towards(local, peer));
            self.drop_socket(host, &connection);
        }
    }

    fn drop_socket(&self, host: usize, connection: &Connection) {
        turmoil_net::set_current(self.ends[host].id);
        drop(connection.take());
    }
}
