//! The wire between the hosts.
//!
//! turmoil-net never retransmits (that is switched off), accepts TCP segments only in order, and has no notion of time.
//! So the wire does all three: it gives each packet its arrival time, keeps the order of each direction between two
//! hosts, and imitates retransmission: a lost segment arrives at a back-off time instead of never, and segments sent
//! into a broken path wait until it is healed.
//!
//! Time on the wire is a pair ([`WireTime`]). Its first part is virtual time, which every clock and timer shows; a packet
//! takes of it what the latency of its link says, and delays and back-off. Its second part, ticks, is infinitely small
//! beside the first: every packet takes some ticks, drawn from the seed for each link. They order deliveries among each
//! other and reach nothing else. Each time all tasks wait, the packets with the earliest time are delivered; only when none
//! of this instant is left does the clock go on to the next timer or arrival, and ticks start anew. So however many ticks
//! add up in an exchange of packets, they never reach a timer.
//!
//! | module | holds |
//! |---|---|
//! | `links` | latency, jitter, loss, partitions |
//! | `sending` | taps, the record, arrival times |
//! | `held` | back-off, and what waits for a broken path |
//! | `delivering` | whose turn it is, and what arrives |
//! | `host_tcp` | what a host's own TCP would do |
//! | `connections` | who has which connection, and what a reset does to it |
//! | `causes` | why packets are sent and read |

mod causes;
mod connections;
mod delivering;
mod held;
mod host_tcp;
mod links;
mod sending;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use mxlab_env::wire::{Link, PacketRecord, Tap};
use turmoil_net::{EnterGuard, HostId, Packet};

use self::causes::Causes;
use self::connections::Unaccepted;
use self::held::Held;
use crate::cause::Cause;
use crate::clock::WireTime;
use crate::config::Config;
use crate::entropy::Draws;
use crate::host::Host;
use crate::packet::PacketHash;
use crate::socket::{Connection, Listening};

/// Source and destination of the packets of one direction of a connection.
type Flow = (SocketAddr, SocketAddr);

/// A packet on the wire, and what it was sent because of.
struct Caused {
    packet: Packet,
    cause: Cause,
}

/// What the wire knows about a host.
struct End {
    id: HostId,
    name: Arc<str>,
    first_address: Option<IpAddr>,
    isolated: bool,
    /// Without power.
    dark: bool,
    delay: Duration,
    loss_percent: u8,
}

pub(crate) struct Wire {
    /// Present while the world runs.
    net: Option<EnterGuard>,
    seed: u64,
    wire_ticks: (u64, u64),
    packet_bound: u64,
    ends: Vec<End>,
    owners: BTreeMap<IpAddr, usize>,
    /// Links that were set. The lower index first.
    links: BTreeMap<(usize, usize), Link>,
    /// How many ticks a packet takes on each link that was used. The lower index first.
    ticks: BTreeMap<(usize, usize), u64>,
    partitions: BTreeSet<(usize, usize)>,
    blackholes: BTreeSet<IpAddr>,
    /// The instant that was last dealt with, and how far its ticks have come.
    now: WireTime,
    /// By arrival time, then by order of sending.
    in_flight: BTreeMap<(WireTime, u64), Caused>,
    /// All tasks wait, and packets of this instant may be delivered.
    is_turn: bool,
    /// When the last packet of each direction arrives.
    last_arrivals: BTreeMap<(usize, usize), WireTime>,
    /// When the last segment of a delayed flow arrives; removed once that time has passed.
    delayed: BTreeMap<Flow, WireTime>,
    causes: Causes,
    held: BTreeMap<Flow, Held>,
    draws: BTreeMap<(usize, usize), Draws>,
    drawn: BTreeMap<&'static str, u64>,
    /// Connections that a process has closed while its peer may still send; local end first.
    orphans: BTreeSet<Flow>,
    /// Listeners that are no longer used.
    closed: BTreeMap<(usize, SocketAddr), Arc<Listening>>,
    /// Listeners that are used.
    listening: BTreeMap<(usize, SocketAddr), Arc<Listening>>,
    /// The connections of processes, and those that wait to be accepted; by host, local end first.
    open: BTreeMap<(usize, Flow), Arc<Connection>>,
    /// Connections that hosts have answered and nobody has accepted yet; local end first.
    unaccepted: BTreeMap<Flow, Unaccepted>,
    taps: Vec<Box<dyn Tap>>,
    waker: Option<Waker>,
    sent: u64,
    hash: PacketHash,
    log: Vec<PacketRecord>,
    log_limit: usize,
    log_payloads: bool,
    emitted: Vec<Packet>,
}

impl Wire {
    pub(crate) fn new(config: &Config) -> Wire {
        Wire {
            net: None,
            seed: config.seed,
            wire_ticks: (*config.wire_ticks.start(), *config.wire_ticks.end()),
            packet_bound: config.bounds.packets,
            ends: Vec::new(),
            owners: BTreeMap::new(),
            links: BTreeMap::new(),
            ticks: BTreeMap::new(),
            partitions: BTreeSet::new(),
            blackholes: BTreeSet::new(),
            now: WireTime::default(),
            in_flight: BTreeMap::new(),
            is_turn: false,
            last_arrivals: BTreeMap::new(),
            delayed: BTreeMap::new(),
            causes: Causes::default(),
            held: BTreeMap::new(),
            draws: BTreeMap::new(),
            drawn: BTreeMap::new(),
            orphans: BTreeSet::new(),
            closed: BTreeMap::new(),
            listening: BTreeMap::new(),
            open: BTreeMap::new(),
            unaccepted: BTreeMap::new(),
            taps: Vec::new(),
            waker: None,
            sent: 0,
            hash: PacketHash::new(),
            log: Vec::new(),
            log_limit: config.packet_log,
            log_payloads: config.capture,
            emitted: Vec::new(),
        }
    }

    pub(crate) fn add_host(&mut self, host: &Host) {
        self.owners.extend(host.addresses.iter().map(|&address| (address, host.index)));
        self.ends.push(End {
            id: host.id,
            name: Arc::clone(&host.name),
            first_address: host.addresses.first().copied(),
            isolated: false,
            dark: false,
            delay: Duration::ZERO,
            loss_percent: 0,
        });
    }

    pub(crate) fn enter(&mut self, net: EnterGuard) {
        self.net = Some(net);
    }

    /// Removes the network from the thread, after everything in the wire that holds a socket.
    pub(crate) fn leave(&mut self) {
        self.closed.clear();
        self.listening.clear();
        self.open.clear();
        self.taps.clear();
        self.waker = None;
        self.net = None;
    }

    /// The count, the hash and the log of all packets.
    pub(crate) fn finish(&mut self) -> (u64, String, Vec<PacketRecord>) {
        // A packet that waited for a path is logged when the path is whole, and sent later.
        self.log.sort_by_key(|packet| (packet.at, packet.ticks));
        (self.sent, self.hash.hex(), std::mem::take(&mut self.log))
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.in_flight.is_empty()
    }

    pub(crate) fn tap(&mut self, tap: Box<dyn Tap>) {
        self.taps.push(tap);
    }
}
