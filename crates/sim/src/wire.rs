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
//! It also does what a real TCP does and turmoil-net does not:
//! - a process can listen at once at an address with open sessions (SO_REUSEADDR): the kernel's listener is kept, but
//!   closed, and segments that ask for a connection get RST here;
//! - data for a connection that its process has closed gets RST (RFC 9293 §3.6.1).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use mxlab_env::wire::{Fate, Link, PacketRecord, Tap, TapVerdict};
use tokio::time::{Sleep, sleep_until};
use turmoil_net::shim::tokio::net::TcpListener;
use turmoil_net::{EnterGuard, HostId, Packet, Transport};

use crate::Config;
use crate::cause::{self, Cause};
use crate::entropy::{Draws, digest, first_u64};
use crate::host::Host;
use crate::kernel::Kernel;
use crate::packet::{self, PacketHash};

/// Source and destination of the packets of one direction of a connection.
type Flow = (SocketAddr, SocketAddr);

/// RFC 6298 §2.1: the first retransmission timeout.
const FIRST_BACK_OFF: Duration = Duration::from_secs(1);
/// RFC 6298 §2.5: the upper bound of the timeout.
const LAST_BACK_OFF: Duration = Duration::from_secs(60);

/// A time on the wire: an instant of virtual time, and the ticks within it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WireTime {
    /// Virtual time since the start.
    pub(crate) at: Duration,
    pub(crate) ticks: u64,
}

impl WireTime {
    /// This much later in virtual time, and so many ticks.
    fn after(self, delay: Duration, ticks: u64) -> WireTime {
        WireTime { at: self.at + delay, ticks: self.ticks.saturating_add(ticks) }
    }
}

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

/// Segments of one direction of a connection that wait for their path to be healed.
struct Held {
    since: Duration,
    packets: Vec<Caused>,
}

/// What is told to the wire of why packets are sent, since packets themselves do not say.
#[derive(Default)]
struct Causes {
    /// Of connections being opened, by host and peer, in the order in which they were asked for.
    dialled: BTreeMap<(usize, SocketAddr), VecDeque<Cause>>,
    /// What last wrote to each direction of a connection, or had its host answer.
    written: BTreeMap<Flow, Cause>,
    /// Of datagrams that are not on the wire yet, in order.
    datagrams: BTreeMap<Flow, VecDeque<Cause>>,
    /// What has arrived for a local end (first) from its peer, and was not read yet: of connections the last segment,
    /// since all that waits is read at once.
    arrived: BTreeMap<Flow, VecDeque<Cause>>,
}

impl Causes {
    /// Why this packet was sent.
    fn of_sent(&mut self, host: Option<usize>, packet: &Packet) -> Option<Cause> {
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
    fn arrive(&mut self, packet: &Packet, cause: &Cause) {
        let (peer, local) = packet::ends(packet);
        if matches!(packet.payload, Transport::Tcp(_)) {
            let written = self.written.entry((local, peer)).or_insert_with(|| cause.clone());
            if *written < *cause {
                *written = cause.clone();
            }
        }
        let arrived = self.arrived.entry((local, peer)).or_default();
        match &packet.payload {
            Transport::Udp(_) => arrived.push_back(cause.clone()),
            Transport::Tcp(_) => {
                let last = arrived.pop_back().filter(|last| last > cause);
                arrived.push_back(last.unwrap_or_else(|| cause.clone()));
            }
        }
    }
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
    closed: BTreeMap<(usize, SocketAddr), TcpListener>,
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

/// Links.
impl Wire {
    /// The link between two hosts; unless it was set, it takes no virtual time and loses nothing.
    pub(crate) fn link(&self, a: usize, b: usize) -> Link {
        self.links.get(&(a.min(b), a.max(b))).copied().unwrap_or_default()
    }

    /// How many ticks a packet takes between two hosts, drawn from the seed and the two names alone.
    fn ticks(&mut self, a: usize, b: usize) -> u64 {
        let pair = (a.min(b), a.max(b));
        if let Some(&ticks) = self.ticks.get(&pair) {
            return ticks;
        }
        let mut names = [&*self.ends[a].name, &*self.ends[b].name];
        names.sort_unstable();
        let (low, high) = self.wire_ticks;
        let key = digest(&[b"link", &self.seed.to_be_bytes(), names[0].as_bytes(), names[1].as_bytes()]);
        let drawn = first_u64(&key);
        // The whole of u64 has no length that fits into one.
        let ticks = high.saturating_sub(low).checked_add(1).map_or(drawn, |span| low + drawn % span);
        self.ticks.insert(pair, ticks);
        ticks
    }

    pub(crate) fn set_link(&mut self, a: usize, b: usize, link: Link) {
        self.links.insert((a.min(b), a.max(b)), link);
    }

    pub(crate) fn impair(&mut self, host: usize, delay: Duration, loss_percent: u8) {
        (self.ends[host].delay, self.ends[host].loss_percent) = (delay, loss_percent);
    }

    pub(crate) fn partition(&mut self, a: usize, b: usize) {
        self.partitions.insert((a.min(b), a.max(b)));
    }

    pub(crate) fn heal(&mut self, now: Duration, a: usize, b: usize) {
        self.partitions.remove(&(a.min(b), a.max(b)));
        self.release(now);
    }

    pub(crate) fn isolate(&mut self, host: usize) {
        self.ends[host].isolated = true;
    }

    pub(crate) fn rejoin(&mut self, now: Duration, host: usize) {
        self.ends[host].isolated = false;
        self.release(now);
    }

    pub(crate) fn blackhole(&mut self, address: IpAddr, on: bool) {
        if on {
            self.blackholes.insert(address)
        } else {
            self.blackholes.remove(&address)
        };
    }

    fn is_broken(&self, from: usize, to: usize) -> bool {
        let cut = |host: &End| host.isolated || host.dark;
        cut(&self.ends[from]) || cut(&self.ends[to]) || self.partitions.contains(&(from.min(to), from.max(to)))
    }

    fn draw(&mut self, from: usize, to: usize, bound: u64, what: &'static str) -> u64 {
        *self.drawn.entry(what).or_default() += 1;
        let (seed, ends) = (self.seed, &self.ends);
        self.draws.entry((from, to)).or_insert_with(|| Draws::new(seed, &ends[from].name, &ends[to].name)).below(bound)
    }
}

/// Sending.
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
            self.send(packet, cause);
        }
        self.emitted = emitted;
        self.sent <= self.packet_bound
    }

    /// At a new instant, ticks start anew.
    fn begin(&mut self, at: Duration) {
        if self.now.at != at {
            self.now = WireTime { at, ticks: 0 };
        }
    }

    fn send(&mut self, mut packet: Packet, cause: Cause) {
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

    fn log_has_room(&self) -> bool {
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
        while self.is_lost(from, to, percents) {
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

    fn transit(&mut self, from: usize, to: usize, link: Link) -> Duration {
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

    fn put(&mut self, arrival: WireTime, packet: Caused) {
        let first = self.in_flight.first_key_value().is_none_or(|(&(first, _), _)| arrival.at < first.at);
        self.in_flight.insert((arrival, self.sent), packet);
        if first && let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    fn hold(&mut self, flow: Flow, packet: Caused) -> Fate {
        let since = self.now.at;
        self.held.entry(flow).or_insert_with(|| Held { since, packets: Vec::new() }).packets.push(packet);
        Fate::Held
    }

    /// Sends the segments that waited for paths that work again, at the next back-off time of each flow. Only a
    /// connection that its sender still has would retransmit. Taps have seen it already.
    fn release(&mut self, now: Duration) {
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
fn next_back_off(after: Duration) -> Duration {
    after + (after + FIRST_BACK_OFF).min(LAST_BACK_OFF)
}

/// Delivering.
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
        let closed = [local.ip(), unspecified(local.ip())]
            .into_iter()
            .map(|ip| (host, SocketAddr::new(ip, local.port())))
            .find(|key| self.closed.contains_key(key));
        if asks && closed.is_some() {
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
        if let Some(key) = closed {
            self.refuse_accepted(key);
        }
    }

    fn hand_over(&self, packet: Packet) {
        if let Some(net) = &self.net {
            net.deliver(packet);
        }
    }
}

/// Does what a host's own TCP would do.
impl Wire {
    /// The TCP connections of a host, local end first.
    fn connections(&self, host: usize) -> BTreeSet<Flow> {
        match self.ends[host].first_address {
            Some(address) if self.net.is_some() => {
                let sockets = turmoil_net::netstat(address).entries;
                let tcp = sockets.into_iter().filter(|socket| socket.proto == turmoil_net::Proto::Tcp);
                tcp.filter_map(|socket| Some((socket.local, socket.peer?))).collect()
            }
            _ => BTreeSet::new(),
        }
    }

    /// A process has closed a connection: data that still arrives for it will get RST.
    pub(crate) fn orphan(&mut self, local: SocketAddr, peer: SocketAddr) {
        self.orphans.insert((local, peer));
    }

    /// Keeps a listener that is no longer used.
    pub(crate) fn close(&mut self, host: &Host, at: SocketAddr, listener: TcpListener) {
        let key = (host.index, at);
        self.closed.insert(key, listener);
        self.refuse_accepted(key);
    }

    /// Returns the closed listener of this address, if there is one.
    pub(crate) fn reopen(&mut self, host: &Host, at: SocketAddr) -> Option<TcpListener> {
        self.closed.remove(&(host.index, at))
    }

    /// Drops closed listeners at a port, so that another address with that port can be bound.
    pub(crate) fn forget_closed(&mut self, host: &Host, port: u16) {
        turmoil_net::set_current(host.id);
        self.closed.retain(|&(index, at), _| index != host.index || at.port() != port);
    }

    /// Closes the connections that a closed listener has completed.
    fn refuse_accepted(&self, key: (usize, SocketAddr)) {
        let Some(listener) = self.closed.get(&key) else { return };
        turmoil_net::set_current(self.ends[key.0].id);
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(Ok((stream, _))) = listener.poll_accept(&mut context) {
            drop(stream);
        }
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
        self.held.retain(|(from, _), _| !host.addresses.contains(&from.ip()));
        self.causes.dialled.retain(|&(index, _), _| index != now_dark);
        self.causes.datagrams.retain(|(from, _), _| !host.addresses.contains(&from.ip()));
    }

    pub(crate) fn power_on(&mut self, now: Duration, host: &Host) {
        if self.ends[host.index].dark {
            self.ends[host.index].dark = false;
            self.release(now);
        }
    }
}

fn unspecified(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED),
    }
}

/// Why things are sent and read.
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

    /// Why what is read at `local` was sent by its peer.
    pub(crate) fn arrived(&mut self, local: SocketAddr, peer: SocketAddr) -> Option<Cause> {
        let waiting = self.causes.arrived.get_mut(&(local, peer))?;
        let cause = waiting.pop_front();
        if waiting.is_empty() {
            self.causes.arrived.remove(&(local, peer));
        }
        cause
    }

    /// The deliberate draws that were made, by what they decided.
    pub(crate) fn drawn(&self) -> &BTreeMap<&'static str, u64> {
        &self.drawn
    }
}

/// The task that delivers when it is the wire's turn; until then it sleeps to the next instant at which a packet arrives.
pub(crate) struct Deliver {
    kernel: Arc<Kernel>,
    sleep: Pin<Box<Sleep>>,
}

impl Deliver {
    pub(crate) fn new(kernel: Arc<Kernel>) -> Deliver {
        let _inside = kernel.runtime.enter();
        let sleep = Box::pin(sleep_until(kernel.start()));
        drop(_inside);
        Deliver { kernel, sleep }
    }
}

impl Future for Deliver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let next = self.kernel.on_the_wire(|wire, now| {
            wire.deliver_due(now);
            match &mut wire.waker {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            wire.next_arrival().filter(|next| next.at > now)
        });
        // Packets of this instant wait for their turn.
        if let Some(Some(next)) = next {
            let deadline = self.kernel.start() + next.at;
            self.sleep.as_mut().reset(deadline);
            // Only its waker is of use: the next poll looks anew.
            let _ = self.sleep.as_mut().poll(cx);
        }
        Poll::Pending
    }
}
