//! Sending: what the hosts have emitted goes past the taps and into the record, and gets its arrival time.

use std::time::Duration;

use mxlab_env::wire::{Fate, Link, TapVerdict};
use turmoil_net::{Packet, Transport};

use super::held::next_back_off;
use super::{Caused, Flow, Wire};
use crate::cause::{self, Cause};
use crate::clock::WireTime;
use crate::packet;

/// How often in a row a segment may be lost; then it arrives, however bad the link.
const MOST_LOSSES: u32 = 1_000;

impl Wire {
    /// Sends all packets that the hosts have emitted; `false` once there were more than the bound allows.
    pub(crate) fn drain(&mut self, at: Duration) -> bool {
        self.begin(at);
        let mut emitted = std::mem::take(&mut self.emitted);
        if let Some(net) = &self.net {
            net.egress_all(&mut emitted);
        }
        for packet in emitted.drain(..) {
            let from = self.owners.get(&packet.src).copied();
            let cause = self.causes.of_sent(from, &packet).unwrap_or_else(|| Cause::timer(at));
            self.note_answer(from, &packet);
            self.send(packet, cause);
        }
        self.emitted = emitted;
        self.sent <= self.packet_bound
    }

    /// At a new instant, ticks start anew.
    pub(super) fn begin(&mut self, at: Duration) {
        if self.now.at != at {
            self.now = WireTime { at, ticks: 0 };
        }
    }

    pub(super) fn send(&mut self, mut packet: Packet, cause: Cause) {
        self.sent += 1;
        let passed = self.pass_taps(&mut packet, &cause);
        self.hash.add(self.now, &packet);
        let mut record =
            self.log_has_room().then(|| packet::record(self.now, &cause, &packet, Fate::Lost, self.log_payloads));
        let fate = if passed { self.dispatch(packet, cause) } else { Fate::Lost };
        if let Some(record) = &mut record {
            record.fate = fate;
        }
        self.log.extend(record);
    }

    pub(super) fn log_has_room(&self) -> bool {
        self.log.len() < self.log_limit
    }

    fn pass_taps(&mut self, packet: &mut Packet, cause: &Cause) -> bool {
        let _because = cause::enter_delivery(cause.clone());
        for tap in &mut self.taps {
            match tap.packet(&packet::record(self.now, cause, packet, Fate::Lost, true)) {
                TapVerdict::Pass => {}
                TapVerdict::Drop => return false,
                TapVerdict::Payload(payload) => packet::alter(packet, payload),
            }
        }
        true
    }

    /// Decides when a packet arrives.
    fn dispatch(&mut self, packet: Packet, cause: Cause) -> Fate {
        let (Some(&from), Some(&to)) = (self.owners.get(&packet.src), self.owners.get(&packet.dst)) else {
            return Fate::Lost;
        };
        if self.blackholes.contains(&packet.dst) {
            return Fate::Lost;
        }
        let tcp = matches!(packet.payload, Transport::Tcp(_));
        let flow = packet::ends(&packet);
        if self.is_broken(from, to) || self.held.contains_key(&flow) {
            return if tcp { self.hold(flow, Caused { packet, cause }) } else { Fate::Lost };
        }
        let link = self.link(from, to);
        let mut back_off = Duration::ZERO;
        let percents = [link.loss_percent, self.ends[from].loss_percent, self.ends[to].loss_percent];
        for _ in 0..MOST_LOSSES {
            if !self.is_lost(from, to, percents) {
                break;
            }
            if !tcp {
                return Fate::Lost;
            }
            back_off = next_back_off(back_off);
        }
        let undisturbed = self.now.after(self.transit(from, to, link), self.ticks(from, to));
        let arrival = if tcp {
            self.arrival_of_segment((from, to), flow, undisturbed, back_off)
        } else {
            self.in_order(from, to, undisturbed)
        };
        // What is sent again is sent by a timer.
        let cause = if back_off.is_zero() { cause } else { cause.by_timer(self.now.at + back_off) };
        self.put(arrival, Caused { packet, cause });
        Fate::Arrives(arrival.at)
    }

    fn is_lost(&mut self, from: usize, to: usize, percents: [u8; 3]) -> bool {
        // A link that loses everything would be a partition; at most 99 of 100 are lost, so that TCP gets through
        // eventually.
        percents.into_iter().any(|percent| {
            let percent = u64::from(percent.min(99));
            percent > 0 && self.draw(from, to, 100, "loss") < percent
        })
    }

    pub(super) fn transit(&mut self, from: usize, to: usize, link: Link) -> Duration {
        let jitter = u64::try_from(link.jitter.as_millis()).unwrap_or(u64::MAX);
        let jitter = if jitter > 0 { self.draw(from, to, jitter.saturating_add(1), "jitter") } else { 0 };
        let whole = link.latency + self.ends[from].delay + self.ends[to].delay + Duration::from_millis(jitter);
        Duration::from_millis(u64::try_from(whole.as_millis()).unwrap_or(u64::MAX))
    }

    fn in_order(&mut self, from: usize, to: usize, arrival: WireTime) -> WireTime {
        let last = self.last_arrivals.entry((from, to)).or_default();
        *last = arrival.max(*last);
        *last
    }

    /// A lost segment delays only its own flow.
    fn arrival_of_segment(
        &mut self,
        (from, to): (usize, usize),
        flow: Flow,
        undisturbed: WireTime,
        back_off: Duration,
    ) -> WireTime {
        let again = undisturbed.after(back_off, 0);
        let arrival = match self.delayed.get(&flow) {
            Some(&after) if after > self.now => Some(after.max(again)),
            _ if back_off > Duration::ZERO => Some(again),
            _ => None,
        };
        match arrival {
            Some(arrival) => {
                // Earlier packets of this flow may still be on their way.
                let last = self.last_arrivals.get(&(from, to)).copied().unwrap_or_default();
                let arrival = arrival.max(last);
                self.delayed.insert(flow, arrival);
                arrival
            }
            None => {
                self.delayed.remove(&flow);
                self.in_order(from, to, undisturbed)
            }
        }
    }

    pub(super) fn put(&mut self, arrival: WireTime, packet: Caused) {
        let first = self.in_flight.first_key_value().is_none_or(|(&(first, _), _)| arrival.at < first.at);
        self.in_flight.insert((arrival, self.sent), packet);
        if first && let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }
}
