//! Why packets are sent and read: the cause of each.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use turmoil_net::{Packet, Transport};

use super::{Flow, Wire};
use crate::cause::Cause;
use crate::host::Host;
use crate::packet;

/// What is told to the wire of why packets are sent, since packets themselves do not say.
#[derive(Default)]
pub(super) struct Causes {
    /// Of connections being opened, by host and peer, in the order in which they were asked for.
    dialled: BTreeMap<(usize, SocketAddr), VecDeque<Cause>>,
    /// What last wrote to each direction of a connection, or had its host answer.
    written: BTreeMap<Flow, Cause>,
    /// Of datagrams that are not on the wire yet, in order.
    datagrams: BTreeMap<Flow, VecDeque<Cause>>,
    /// The last segment of a connection that has arrived for a local end (first) from its peer, and was not read yet: all
    /// that waits is read at once.
    segments_arrived: BTreeMap<Flow, Cause>,
    /// The datagrams that have arrived so, in order.
    datagrams_arrived: BTreeMap<Flow, VecDeque<Cause>>,
}

impl Causes {
    /// Why this packet was sent.
    pub(super) fn of_sent(&mut self, host: Option<usize>, packet: &Packet) -> Option<Cause> {
        let flow = packet::ends(packet);
        let Transport::Tcp(segment) = &packet.payload else {
            let waiting = self.datagrams.get_mut(&flow)?;
            let cause = waiting.pop_front();
            if waiting.is_empty() {
                self.datagrams.remove(&flow);
            }
            return cause;
        };
        if segment.flags.syn
            && !segment.flags.ack
            && let Some(host) = host
            && let Some(waiting) = self.dialled.get_mut(&(host, flow.1))
        {
            let cause = waiting.pop_front()?;
            self.written.insert(flow, cause);
        }
        self.written.get(&flow).cloned()
    }

    /// A packet arrives: what its host answers follows from it.
    pub(super) fn arrive(&mut self, packet: &Packet, cause: &Cause) {
        let (peer, local) = packet::ends(packet);
        if !matches!(packet.payload, Transport::Tcp(_)) {
            self.datagrams_arrived.entry((local, peer)).or_default().push_back(cause.clone());
            return;
        }
        for ends in [&mut self.written, &mut self.segments_arrived] {
            let last = ends.entry((local, peer)).or_insert_with(|| cause.clone());
            if *last < *cause {
                *last = cause.clone();
            }
        }
    }

    /// The host has lost its power: what its process wanted to send is never sent.
    pub(super) fn power_off(&mut self, host: &Host) {
        self.dialled.retain(|&(index, _), _| index != host.index);
        self.datagrams.retain(|(from, _), _| !host.addresses.contains(&from.ip()));
    }
}

impl Wire {
    /// The running code asks for a connection.
    pub(crate) fn note_dial(&mut self, host: &Host, peer: SocketAddr, cause: Cause) {
        // A packet to a host's own address never gets here.
        if !host.is_at(peer.ip()) {
            self.causes.dialled.entry((host.index, peer)).or_default().push_back(cause);
        }
    }

    /// The running code writes to a connection, or closes it.
    pub(crate) fn note_write(&mut self, local: SocketAddr, peer: SocketAddr, cause: Cause) {
        self.causes.written.insert((local, peer), cause);
    }

    /// The running code has sent a datagram.
    pub(crate) fn note_datagram(&mut self, host: &Host, local: SocketAddr, to: SocketAddr, cause: Cause) {
        if !host.is_at(to.ip()) {
            self.causes.datagrams.entry((local, to)).or_default().push_back(cause);
        }
    }

    /// A new socket for datagrams is at this port: what came for one before it, and was not read, is not for this one.
    pub(crate) fn note_bind(&mut self, host: &Host, port: u16) {
        let same = |local: &SocketAddr| local.port() == port && host.is_at(local.ip());
        self.causes.datagrams_arrived.retain(|(local, _), _| !same(local));
    }

    /// Why what is read of a connection at `local` was sent by its peer.
    pub(crate) fn segment_read(&mut self, local: SocketAddr, peer: SocketAddr) -> Option<Cause> {
        self.causes.segments_arrived.remove(&(local, peer))
    }

    /// Why the datagram that is read at `local` was sent by its peer.
    pub(crate) fn datagram_read(&mut self, local: SocketAddr, peer: SocketAddr) -> Option<Cause> {
        let waiting = self.causes.datagrams_arrived.get_mut(&(local, peer))?;
        let cause = waiting.pop_front();
        if waiting.is_empty() {
            self.causes.datagrams_arrived.remove(&(local, peer));
        }
        cause
    }
}
