//! The keys of a zone, and rollovers as steps from one set of keys to the next (RFC 6781 §4.1).
//!
//! A key is published in the zone's DNSKEY RRset or not, signs that RRset or not, signs the other records or not, and
//! its DS is in the parent or not. A rollover is a sequence of sets; between two of them the caches of the world need
//! time to expire, and how long is for the caller to decide. A step returns a new set and leaves the old one unchanged.
//!
//! | rollover | steps |
//! |---|---|
//! | ZSK, pre-publish (§4.1.1.1) | [`add_key`](KeySet::add_key), [`switch_signing`](KeySet::switch_signing), [`drop_old`](KeySet::drop_old) |
//! | KSK or combined key, double signature (§4.1.2, §4.1.3) | `add_key`, [`add_ds`](KeySet::add_ds), `switch_signing`, `drop_old` |
//! | KSK, double DS (§4.1.2) | `add_ds`, `add_key`, `switch_signing`, `drop_old` |
//! | algorithm, conservative (§4.1.4) | [`add_signatures`](KeySet::add_signatures), `add_key`, `add_ds`, `switch_signing`, [`withdraw_old`](KeySet::withdraw_old), `drop_old` |
//! | algorithm, liberal (§4.1.4) | `add_key`, `add_ds`, `switch_signing`, `drop_old` |
//!
//! A zone that skips a step, or takes it too early, breaks as real zones do. The steps exist to show that.

use std::sync::Arc;

use crate::name::Name;
use crate::rdata::Ds;
use crate::signing_key::{KeyRole, SigningKey};

/// A key and its uses.
#[derive(Clone, Debug)]
pub struct ZoneKey {
    /// The key.
    pub key: Arc<SigningKey>,
    /// Whether it is in the DNSKEY RRset.
    pub published: bool,
    /// Whether it signs the DNSKEY RRset.
    pub signs_keys: bool,
    /// Whether it signs everything else.
    pub signs_records: bool,
    /// Whether the parent should publish its DS.
    pub delegated: bool,
}

impl ZoneKey {
    /// A key in full use, as its role says.
    pub fn in_use(key: Arc<SigningKey>) -> ZoneKey {
        let (entry, records) = (key.role().is_entry_point(), key.role().signs_records());
        ZoneKey { key, published: true, signs_keys: entry, signs_records: records, delegated: entry }
    }

    /// A key that is known but not used yet.
    pub fn idle(key: Arc<SigningKey>) -> ZoneKey {
        ZoneKey { key, published: false, signs_keys: false, signs_records: false, delegated: false }
    }

    fn is(&self, key: &SigningKey) -> bool {
        self.key.dnskey() == key.dnskey()
    }
}

/// The keys of a zone, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct KeySet(Vec<ZoneKey>);

impl From<Vec<Arc<SigningKey>>> for KeySet {
    /// All of them in use.
    fn from(keys: Vec<Arc<SigningKey>>) -> KeySet {
        KeySet(keys.into_iter().map(ZoneKey::in_use).collect())
    }
}

impl From<Arc<SigningKey>> for KeySet {
    fn from(key: Arc<SigningKey>) -> KeySet {
        KeySet::from(vec![key])
    }
}

impl From<Vec<ZoneKey>> for KeySet {
    fn from(keys: Vec<ZoneKey>) -> KeySet {
        KeySet(keys)
    }
}

impl KeySet {
    /// The keys, the oldest first.
    pub fn keys(&self) -> &[ZoneKey] {
        &self.0
    }

    /// The DS records that the parent of the zone `owner` should publish.
    pub fn ds(&self, owner: &Name) -> Vec<Ds> {
        self.0.iter().filter(|held| held.delegated).map(|held| held.key.ds(owner)).collect()
    }

    /// Publishes a key, adding it to the set if it is new. A key with the algorithm of a published key signs the DNSKEY
    /// RRset if that is its role, but no records yet. A key with a new algorithm signs all that its role says at once:
    /// each algorithm of the DNSKEY RRset must sign everything (RFC 6840 §5.11).
    #[must_use]
    pub fn add_key(&self, key: &Arc<SigningKey>) -> KeySet {
        let known = self.0.iter().any(|held| held.published && held.key.algorithm() == key.algorithm());
        self.changed(key, |held| {
            held.published = true;
            held.signs_keys |= key.role().is_entry_point();
            held.signs_records |= !known && key.role().signs_records();
        })
    }

    /// A key signs all that its role says, without being published: the first step of a conservative algorithm
    /// rollover. It is added to the set if it is new.
    #[must_use]
    pub fn add_signatures(&self, key: &Arc<SigningKey>) -> KeySet {
        self.changed(key, |held| {
            held.signs_keys |= key.role().is_entry_point();
            held.signs_records |= key.role().signs_records();
        })
    }

    /// The parent should publish the DS of this key, too. A new key is added to the set unpublished: its DS comes first
    /// in a double-DS rollover.
    #[must_use]
    pub fn add_ds(&self, key: &Arc<SigningKey>) -> KeySet {
        self.changed(key, |held| held.delegated = true)
    }

    /// The newest published key signs the records, in place of the older ones of its algorithm. Those of another
    /// algorithm keep signing, as long as they are published.
    #[must_use]
    pub fn switch_signing(&self) -> KeySet {
        let Some(newest) = self.newest(KeyRole::signs_records) else { return self.clone() };
        let mut keys = self.clone();
        for held in &mut keys.0 {
            if held.is(&newest) {
                held.signs_records = true;
            } else if held.key.algorithm() == newest.algorithm() {
                held.signs_records = false;
            }
        }
        keys
    }

    /// The older keys leave the DNSKEY RRset and the parent, but keep signing: the last step but one of a conservative
    /// algorithm rollover.
    #[must_use]
    pub fn withdraw_old(&self) -> KeySet {
        let current = self.current();
        let mut keys = self.clone();
        for held in keys.0.iter_mut().filter(|held| !current.iter().any(|key| held.is(key))) {
            (held.published, held.delegated) = (false, false);
        }
        keys
    }

    /// The older keys, their signatures and their DS are removed; the newest keys are in full use.
    #[must_use]
    pub fn drop_old(&self) -> KeySet {
        KeySet::from(self.current())
    }

    /// The newest published entry point and the newest published key that may sign records: the same key if it is
    /// combined.
    fn current(&self) -> Vec<Arc<SigningKey>> {
        let newest = [self.newest(KeyRole::is_entry_point), self.newest(KeyRole::signs_records)];
        let is_newest = |held: &&ZoneKey| newest.iter().flatten().any(|key| held.is(key));
        self.0.iter().filter(is_newest).map(|held| held.key.clone()).collect()
    }

    fn newest(&self, role: impl Fn(KeyRole) -> bool) -> Option<Arc<SigningKey>> {
        let fits = |held: &&ZoneKey| held.published && role(held.key.role());
        self.0.iter().rev().find(fits).map(|held| held.key.clone())
    }

    fn changed(&self, key: &Arc<SigningKey>, change: impl FnOnce(&mut ZoneKey)) -> KeySet {
        let mut keys = self.clone();
        match keys.0.iter_mut().find(|held| held.is(key)) {
            Some(held) => change(held),
            None => {
                let mut held = ZoneKey::idle(key.clone());
                change(&mut held);
                keys.0.push(held);
            }
        }
        keys
    }
}
