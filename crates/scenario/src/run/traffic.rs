//! What has passed on the wire so far, counted by host: whether a fault of a whole host had anything to act on.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use mxlab_env::wire::{PacketRecord, Protocol};

/// The most addresses that are counted.
const MAX_ADDRESSES: usize = 100_000;

/// What is counted of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    /// Attempts to connect to its mail server.
    Calls,
    /// Packets that it has sent, or that were sent to it.
    Packets,
}

/// The counts. Clones count the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traffic(Arc<Mutex<BTreeMap<IpAddr, (u64, u64)>>>);

impl Traffic {
    /// Counts a packet.
    pub(super) fn count(&self, packet: &PacketRecord) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let opens = matches!(packet.protocol, Protocol::Tcp { flags, .. } if flags.syn && !flags.ack);
        let calls = u64::from(opens && packet.to.port() == mxlab_mail::smtp::PORT);
        for (address, calls) in [(packet.from.ip(), 0), (packet.to.ip(), calls)] {
            if counts.len() < MAX_ADDRESSES || counts.contains_key(&address) {
                let (all_calls, packets) = counts.entry(address).or_default();
                *all_calls = all_calls.saturating_add(calls);
                *packets = packets.saturating_add(1);
            }
        }
    }

    /// The count so far of a host with these addresses.
    pub(super) fn of(&self, counted: Counted, addresses: &[IpAddr]) -> u64 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |address| counts.get(address).copied().unwrap_or_default();
        let each = addresses.iter().map(of).map(|(calls, packets)| match counted {
            Counted::Calls => calls,
            Counted::Packets => packets,
        });
        each.fold(0, u64::saturating_add)
    }
}
