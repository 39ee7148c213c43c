//! Delivering: packets arrive, the earliest first, each time all tasks wait.

use std::net::{IpAddr, SocketAddr};
use std::task::Waker;
use std::time::Duration;

use turmoil_net::{Packet, Transport};

use super::{Caused, Wire};
use crate::cause;
use crate::clock::WireTime;
use crate::packet;

impl Wire {
    fn next_arrival(&self) -> Option<WireTime> {
        self.in_flight.first_key_value().map(|(&(arrival, _), _)| arrival)
    }

    /// All tasks wait: if a packet of this instant is left, it is its turn, and nobody else's.
    pub(crate) fn take_turn(&mut self, at: Duration) {
        if self.next_arrival().is_some_and(|arrival| arrival.at <= at) {
            self.is_turn = true;
            if let Some(waker) = &self.waker {
                waker.wake_by_ref();
            }
        }
    }

    /// Delivers what is due, and wakes `waker` when it is the wire's turn again. Returns the next arrival that lies in the
    /// future, if nothing of this instant waits.
    pub(crate) fn deliver_and_wait(&mut self, at: Duration, waker: &Waker) -> Option<WireTime> {
        self.deliver_due(at);
        match &mut self.waker {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        self.next_arrival().filter(|next| next.at > at)
    }

    /// Delivers the packets of this instant that arrive first, if it is their turn; the tasks that they wake then run before
    /// any other is delivered.
    fn deliver_due(&mut self, at: Duration) {
        let Some(first) = self.next_arrival().filter(|arrival| self.is_turn && arrival.at <= at) else { return };
        self.is_turn = false;
        self.begin(at);
        self.now.ticks = first.ticks;
        let together = self.in_flight.keys().take_while(|(arrival, _)| *arrival == first).count();
        for _ in 0..together {
            if let Some((_, packet)) = self.in_flight.pop_first() {
                self.deliver(packet);
            }
        }
    }

    fn deliver(&mut self, Caused { packet, cause }: Caused) {
        let _because = cause::enter_delivery(cause.clone());
        let Some(&host) = self.owners.get(&packet.dst) else { return };
        let (peer, local) = packet::ends(&packet);
        let Transport::Tcp(segment) = &packet.payload else {
            if !self.ends[host].dark {
                self.causes.arrive(&packet, &cause);
                self.hand_over(packet);
            }
            return;
        };
        if self.ends[host].dark {
            self.hold((peer, local), Caused { packet, cause });
            return;
        }
        let flags = segment.flags;
        let asks = flags.syn && !flags.ack;
        if asks || flags.fin || flags.rst {
            self.orphans.remove(&(local, peer));
        }
        if asks {
            self.forget_stale(host, self.now.at);
        }
        if flags.rst {
            self.expect_reset(host, local, peer);
        }
        let is_closed = [local.ip(), unspecified(local.ip())]
            .into_iter()
            .map(|ip| (host, SocketAddr::new(ip, local.port())))
            .any(|key| self.closed.contains_key(&key));
        if asks && is_closed {
            let answer = packet::reset_in_answer(&packet, segment);
            self.send(answer, cause);
        } else if !segment.payload.is_empty() && self.orphans.remove(&(local, peer)) {
            let answer = packet::reset_in_answer(&packet, segment);
            self.hand_over(packet::reset_towards(local, peer));
            self.send(answer, cause);
        } else {
            self.causes.arrive(&packet, &cause);
            self.hand_over(packet);
        }
    }

    pub(super) fn hand_over(&self, packet: Packet) {
        if let Some(net) = &self.net {
            net.deliver(packet);
        }
    }
}

pub(super) fn unspecified(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED),
    }
}
