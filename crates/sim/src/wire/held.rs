//! Retransmission: the times at which a TCP sends a lost segment again, and the segments that wait for a broken path.

use std::time::Duration;

use mxlab_env::wire::Fate;

use super::{Caused, Flow, Wire};
use crate::clock::WireTime;
use crate::packet;

/// RFC 6298 §2.1: the first retransmission timeout.
const FIRST_BACK_OFF: Duration = Duration::from_secs(1);
/// RFC 6298 §2.5: the upper bound of the timeout.
const LAST_BACK_OFF: Duration = Duration::from_secs(60);

/// Segments of one direction of a connection that wait for their path to be healed.
pub(super) struct Held {
    since: Duration,
    packets: Vec<Caused>,
}

impl Wire {
    pub(super) fn hold(&mut self, flow: Flow, packet: Caused) -> Fate {
        let since = self.now.at;
        self.held.entry(flow).or_insert_with(|| Held { since, packets: Vec::new() }).packets.push(packet);
        Fate::Held
    }

    /// Sends the segments that waited for paths that work again, at the next back-off time of each flow. Only a
    /// connection that its sender still has would retransmit. Taps have seen it already.
    pub(super) fn release(&mut self, now: Duration) {
        self.begin(now);
        let flows: Vec<Flow> = self.held.keys().copied().collect();
        for flow in flows {
            let (Some(&from), Some(&to)) = (self.owners.get(&flow.0.ip()), self.owners.get(&flow.1.ip())) else {
                continue;
            };
            if self.is_broken(from, to) {
                continue;
            }
            let Some(held) = self.held.remove(&flow) else { continue };
            if !self.connections(from).contains(&flow) {
                continue;
            }
            let mut back_off = next_back_off(Duration::ZERO);
            while held.since + back_off < now {
                back_off = next_back_off(back_off);
            }
            let again = held.since + back_off;
            let sent = if again == now { self.now } else { WireTime { at: again, ticks: 0 } };
            let transit = self.transit(from, to, self.link(from, to));
            // Packets that the flow sent before it was held may still be on their way.
            let last = self.last_arrivals.get(&(from, to)).copied().unwrap_or_default();
            let before = self.delayed.get(&flow).copied().unwrap_or_default();
            let arrival = sent.after(transit, self.ticks(from, to)).max(last).max(before);
            self.delayed.insert(flow, arrival);
            for Caused { packet, cause } in held.packets {
                // It is sent again by a timer of its sender's TCP.
                let cause = cause.by_timer(again);
                self.sent += 1;
                self.hash.add(sent, &packet);
                if self.log_has_room() {
                    self.log.push(packet::record(sent, &cause, &packet, Fate::Arrives(arrival.at), self.log_payloads));
                }
                self.put(arrival, Caused { packet, cause });
            }
        }
    }
}

/// The time of the next retransmission after the one at `after`, both counted from when the segment was first sent:
/// 1 s, 3 s, 7 s … 63 s, then every 60 s.
pub(super) fn next_back_off(after: Duration) -> Duration {
    after + (after + FIRST_BACK_OFF).min(LAST_BACK_OFF)
}
