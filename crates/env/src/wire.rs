//! What machines exchange, as somebody on the path sees it, and the two things that a script may reach: machines and the
//! network between them.
//!
//! A script runs on whatever implements [`Network`] and [`Machine`]: the simulation, or this machine ([`crate::real`]). What
//! one of them cannot do, it refuses with [`io::ErrorKind::Unsupported`], and nothing has changed then.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use crate::Env;

/// A machine, with one process on it.
pub trait Machine: Send + Sync {
    /// What it is called; no other machine of its network is called so.
    fn name(&self) -> &str;
    /// Its addresses, in the order given.
    fn addresses(&self) -> &[IpAddr];
    /// The env of the process that runs now, or of the last one if none runs: such an env refuses everything.
    fn env(&self) -> Env;
    /// Whether a process runs.
    fn is_up(&self) -> bool;
    /// Ends the process at once: its tasks and timers are gone, its sockets closed. Files stay as they are.
    fn kill(&self);
    /// The power fails: as [`kill`](Machine::kill), but peers hear nothing, and what was not synced is lost.
    ///
    /// # Errors
    /// The machine cannot do that.
    fn power_loss(&self) -> io::Result<()>;
    /// Starts a new process, after ending the one that runs, and returns its env.
    fn restart(&self) -> Env;
    /// Makes the wall clock wrong by so much; zero sets it right.
    ///
    /// # Errors
    /// The machine cannot do that.
    fn set_clock_error(&self, error: SignedDuration) -> io::Result<()>;
}

/// The network between machines.
pub trait Network {
    /// Adds a machine that is up, with a process that does nothing yet.
    ///
    /// # Errors
    /// The name or an address is taken, or no machine can have the address.
    fn add_machine(&self, name: &str, addresses: &[IpAddr]) -> io::Result<Arc<dyn Machine>>;
    /// Breaks every path from and to a machine.
    ///
    /// # Errors
    /// The network cannot do that, or has no such machine.
    fn isolate(&self, machine: &str) -> io::Result<()>;
    /// Takes back [`isolate`](Network::isolate).
    ///
    /// # Errors
    /// The network cannot do that, or has no such machine.
    fn rejoin(&self, machine: &str) -> io::Result<()>;
    /// Sets the link between two machines, for packets sent from now on.
    ///
    /// # Errors
    /// The network cannot do that, or has no such machine.
    fn set_link(&self, one: &str, other: &str, link: Link) -> io::Result<()>;
    /// Puts a tap on the path, which sees every packet.
    ///
    /// # Errors
    /// The network cannot do that.
    fn tap(&self, tap: Box<dyn Tap>) -> io::Result<()>;
}

/// A link between two machines, the same in both directions. By default it takes no virtual time and loses nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// How long a packet takes in virtual time, which timers see. Rounded to whole milliseconds.
    pub latency: Duration,
    /// Up to how much longer it takes, drawn for each packet. Order is kept: a packet waits for the ones before it.
    pub jitter: Duration,
    /// How many of a hundred packets are lost. A lost datagram is gone; a lost TCP segment is sent again after 1 s, 3 s,
    /// 7 s … (RFC 6298), and what follows it in its connection waits for it.
    pub loss_percent: u8,
}

/// One packet at the moment when it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketRecord {
    /// Virtual time since the start of the run.
    pub at: Duration,
    /// Its time within that instant, in ticks. Infinitely small: it orders packets of one instant and means nothing else.
    pub ticks: u64,
    /// The time of what it was sent because of, since the start of the run. See [`Env::moment`](crate::Env::moment).
    pub moment: Duration,
    /// Source address and port.
    pub from: SocketAddr,
    /// Destination address and port.
    pub to: SocketAddr,
    /// Its transport header.
    pub protocol: Protocol,
    /// How many octets it carries.
    pub length: usize,
    /// What it carries. Taps always see it; what a network keeps of a packet may be without.
    pub payload: Vec<u8>,
    /// What became of it.
    pub fate: Fate,
}

/// The transport header of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// A datagram.
    Udp,
    /// A segment.
    Tcp {
        /// Sequence number of the first byte.
        sequence: u32,
        /// The next byte expected from the other end.
        acknowledged: u32,
        /// How much more the other end may send.
        window: u16,
        /// Control flags.
        flags: TcpFlags,
    },
}

/// TCP control flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the flags of RFC 9293 §3.1, by name")]
pub struct TcpFlags {
    pub syn: bool,
    pub ack: bool,
    pub fin: bool,
    pub rst: bool,
    pub psh: bool,
}

/// What became of a packet when it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives at this instant since the start, if the host is up then.
    Arrives(Duration),
    /// The path is broken; TCP sends it again after the path is healed.
    Held,
    /// It is gone.
    Lost,
}

/// What a [`Tap`] does with a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TapVerdict {
    /// Lets it go on.
    Pass,
    /// Takes it off the wire. A TCP segment is then gone for good: nothing sends it again.
    Drop,
    /// Replaces what it carries. In a TCP segment the length must stay, else the packet passes unchanged.
    Payload(Vec<u8>),
}

/// Sees every packet on the wire when it is sent; its fate is not decided yet, and reads [`Fate::Lost`].
///
/// It is called inside the network: it must use neither sockets nor the [`Network`].
pub trait Tap: Send {
    /// Sees one packet and decides.
    fn packet(&mut self, packet: &PacketRecord) -> TapVerdict;
}

impl<F: FnMut(&PacketRecord) -> TapVerdict + Send> Tap for F {
    fn packet(&mut self, packet: &PacketRecord) -> TapVerdict {
        self(packet)
    }
}
