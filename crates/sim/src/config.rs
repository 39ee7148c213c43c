//! How a world is run.

use std::ops::RangeInclusive;
use std::time::Duration;

use mxlab_env::Timestamp;

use crate::stuck::{OnStuck, hook_of_the_process};

/// How a world is run.
#[derive(Clone)]
pub struct Config {
    /// The run's name for people, e.g. the scenario's id. Used only in reports.
    pub label: String,
    /// The command that runs it again. Used only in reports.
    pub reproduce: String,
    /// The wall clock when the run starts.
    pub epoch: Timestamp,
    /// From which wire times, jitter, loss, ports and random bytes are drawn.
    pub seed: u64,
    /// The run ends at the latest when this much virtual time has passed.
    pub until: Duration,
    /// What ends a run that never rests.
    pub bounds: Bounds,
    /// How many ticks a packet takes, drawn for each pair of hosts. Ticks order deliveries among each other and are
    /// infinitely small beside virtual time: no clock and no timer sees them.
    pub wire_ticks: RangeInclusive<u64>,
    /// How many packets [`Outcome::log`](crate::Outcome::log) keeps, starting with the first.
    pub packet_log: usize,
    /// Whether to keep what a capture file shows besides: the payloads of these packets, and the secrets of TLS sessions
    /// ([`Outcome::tls_secrets`](crate::Outcome::tls_secrets)). It changes nothing else, hashes included.
    pub capture: bool,
    /// How long a host's disk takes for each sync. With zero a file operation takes no virtual time.
    pub sync_delay: Duration,
    /// How long, in real time, one poll of a task may take before `on_stuck` is called.
    pub stuck_after: Duration,
    /// Called, on another thread, when one poll does not return. By default it is what
    /// [`when_stuck`](crate::when_stuck) was given.
    pub on_stuck: OnStuck,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            label: String::new(),
            reproduce: String::new(),
            epoch: Timestamp::from_second(1_767_225_600).unwrap_or(Timestamp::UNIX_EPOCH),
            seed: 1,
            until: Duration::from_secs(48 * 3600),
            bounds: Bounds::default(),
            wire_ticks: 5_000..=50_000,
            packet_log: 0,
            capture: false,
            sync_delay: Duration::ZERO,
            stuck_after: Duration::from_secs(10),
            on_stuck: hook_of_the_process(),
        }
    }
}

/// What ends a run that never rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Packets sent, in all.
    pub packets: u64,
    /// Polls of tasks, in all.
    pub polls: u64,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { packets: 1_000_000, polls: 5_000_000 }
    }
}
