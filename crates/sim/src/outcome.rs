//! How a run ended.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use mxlab_env::wire::PacketRecord;

/// What ended a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The main future completed.
    Finished,
    /// The time `until` came.
    Until,
    /// A bound was exceeded: the world never rested.
    Bound {
        /// What was counted.
        which: &'static str,
        /// How many there may be.
        limit: u64,
    },
    /// Code panicked.
    Panicked {
        /// The host's name; "the script" for the main future, "the network" for a tap or the kernel itself.
        host: String,
        /// The name that the task was spawned with.
        task: String,
        /// The panic's message, with file and line.
        message: String,
    },
    /// Something outlived its process, which was killed or lost its power: a socket that nobody closed, a recorder that went
    /// on telling. It belongs to a task that was not spawned with [`Env::spawn`](mxlab_env::Env::spawn), or to the script.
    Outlived {
        /// The host's name.
        host: String,
        /// What it is, in words.
        what: String,
    },
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Finished => f.write_str("finished"),
            End::Until => f.write_str("the time was up"),
            End::Bound { which, limit } => write!(f, "more than {limit} {which}"),
            End::Panicked { host, task, message } => write!(f, "panic on {host} in {task:?}: {message}"),
            End::Outlived { host, what } => write!(f, "{what} outlived its process on {host}"),
        }
    }
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Outcome<T = ()> {
    /// What ended it.
    pub end: End,
    /// What the main future returned, if it did.
    pub value: Option<T>,
    /// Virtual time that passed.
    pub elapsed: Duration,
    /// Packets sent.
    pub packets: u64,
    /// Hexadecimal SHA-256 over all packets in the order sent: time, addresses, ports, flags, numbers, payload.
    pub packet_hash: String,
    /// Polls of tasks.
    pub polls: u64,
    /// The deliberate draws from the seed that were made, by what they decided, with their number: `jitter`, `loss`, and
    /// what was asked for through [`Env::draw`](mxlab_env::Env::draw). What could come out in one way only is no draw, nor is
    /// what a power loss leaves: exactly what was synced. A run without any does the same with every seed.
    pub draws: BTreeMap<&'static str, u64>,
    /// The first packets, in the order sent, as many as [`Config::packet_log`](crate::Config::packet_log) asked for.
    pub log: Vec<PacketRecord>,
    /// The secrets of TLS sessions, one a line in the format of `SSLKEYLOGFILE`, sorted; both ends of a session have the
    /// same. None unless [`Config::capture`](crate::Config::capture) was set.
    pub tls_secrets: BTreeSet<String>,
    /// The last events before the end, oldest first, one a line.
    pub recent: Vec<String>,
}
