//! The links between the hosts: what is set, what is broken, and what is drawn from the seed for each.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use mxlab_env::wire::Link;

use super::{End, Wire};
use crate::entropy::{Draws, digest, first_u64};

impl Wire {
    /// The link between two hosts; unless it was set, it takes no virtual time and loses nothing.
    pub(crate) fn link(&self, a: usize, b: usize) -> Link {
        self.links.get(&(a.min(b), a.max(b))).copied().unwrap_or_default()
    }

    /// How many ticks a packet takes between two hosts, drawn from the seed and the two names alone.
    pub(super) fn ticks(&mut self, a: usize, b: usize) -> u64 {
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

    pub(super) fn is_broken(&self, from: usize, to: usize) -> bool {
        let cut = |host: &End| host.isolated || host.dark;
        cut(&self.ends[from]) || cut(&self.ends[to]) || self.partitions.contains(&(from.min(to), from.max(to)))
    }

    pub(super) fn draw(&mut self, from: usize, to: usize, bound: u64, what: &'static str) -> u64 {
        *self.drawn.entry(what).or_default() += 1;
        let (seed, ends) = (self.seed, &self.ends);
        self.draws.entry((from, to)).or_insert_with(|| Draws::new(seed, &ends[from].name, &ends[to].name)).below(bound)
    }

    /// The deliberate draws that were made, by what they decided.
    pub(crate) fn drawn(&self) -> &BTreeMap<&'static str, u64> {
        &self.drawn
    }
}
