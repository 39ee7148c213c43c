//! A bounded map whose entries expire (by RFC 1035 §7.4 a resolver discards what is older than its TTL).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

/// Holds up to a fixed number of entries, and returns each only before its time.
///
/// A new entry is always kept. When there is no room, the entry that expires first is dropped; so expired entries go
/// first. If several expire together, the one with the smallest key is dropped, so that a run depends on nothing else.
pub(crate) struct Expiring<K, V> {
    capacity: usize,
    entries: BTreeMap<K, (V, Timestamp)>,
    /// The same keys, ordered by expiry.
    order: BTreeSet<(Timestamp, K)>,
}

impl<K: Ord + Clone, V> Expiring<K, V> {
    /// Room for so many entries.
    pub(crate) fn new(capacity: usize) -> Expiring<K, V> {
        Expiring { capacity, entries: BTreeMap::new(), order: BTreeSet::new() }
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.order.clear();
    }

    /// The value of a key, if it has not expired.
    pub(crate) fn get(&self, key: &K, now: Timestamp) -> Option<&V> {
        self.entries.get(key).filter(|(_, until)| now < *until).map(|(value, _)| value)
    }

    /// Sets the value of a key, replacing an earlier one.
    pub(crate) fn insert(&mut self, key: K, value: V, until: Timestamp) {
        self.remove(&key);
        if self.entries.len() >= self.capacity
            && let Some((_, first)) = self.order.pop_first()
        {
            self.entries.remove(&first);
        }
        self.order.insert((until, key.clone()));
        self.entries.insert(key, (value, until));
    }

    pub(crate) fn remove(&mut self, key: &K) {
        if let Some((_, until)) = self.entries.remove(key) {
            self.order.remove(&(until, key.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// The keys that are held after these insertions of keys and times, with room for three.
    fn held(insertions: &[(&'static str, i64)], now: i64) -> String {
        let mut map = Expiring::new(3);
        for (key, until) in insertions {
            map.insert(*key, *until, at(*until));
        }
        assert_eq!(map.entries.len(), map.order.len());
        let keys = ["a", "b", "c", "d", "e"].into_iter().filter(|key| map.get(key, at(now)).is_some());
        keys.collect()
    }

    #[test]
    fn what_runs_out_first_makes_room() {
        for (insertions, expected) in [
            (&[("a", 30), ("b", 20), ("c", 40)][..], "abc"),
            (&[("a", 30), ("b", 20), ("c", 40), ("d", 50)], "acd"),
            // The new one is kept even if it expires before all others.
            (&[("a", 30), ("b", 20), ("c", 40), ("d", 15)], "acd"),
            (&[("a", 30), ("b", 20), ("c", 40), ("d", 15), ("e", 16)], "ace"),
            // If two expire together, the smallest key is dropped.
            (&[("b", 30), ("a", 30), ("c", 30), ("d", 30)], "bcd"),
            // A replaced entry takes no further room, and has its new time.
            (&[("a", 30), ("b", 20), ("c", 40), ("b", 50)], "abc"),
            (&[("a", 30), ("b", 20), ("c", 40), ("b", 50), ("d", 60)], "bcd"),
            // Expired entries are dropped first, and are not returned.
            (&[("a", 30), ("b", 10), ("c", 40)], "ac"),
            (&[("a", 30), ("b", 10), ("c", 40), ("d", 50)], "acd"),
        ] {
            assert_eq!(held(insertions, 10), expected, "{insertions:?}");
        }
    }

    #[test]
    fn what_is_removed_leaves_room() {
        let mut map = Expiring::new(2);
        map.insert("a", (), at(10));
        map.insert("b", (), at(20));
        map.remove(&"a");
        map.insert("c", (), at(30));
        assert!(["b", "c"].iter().all(|key| map.get(key, at(5)).is_some()));
        map.clear();
        assert!(map.get(&"c", at(5)).is_none());
    }
}
