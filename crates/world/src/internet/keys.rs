//! The keys of a zone, and how they change: steps of a rollover as the zone's administrator takes them (RFC 6781 §4.1).
//!
//! [`mxlab_dns::key_set`] says what a step does to the zone and its parent; this module decides which key it affects.

use std::sync::Arc;

use mxlab_dns::Name;
use mxlab_dns::key_set::KeySet;
use mxlab_dns::rdata::Ds;
use mxlab_dns::signing_key::{KeyKind, KeyRole, SigningKey};

use super::InternetError;
use crate::derive::Identity;

/// One key for everything, or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyLayout {
    /// A combined key.
    Single,
    /// A key-signing and a zone-signing key.
    Split,
}

/// A step of a key change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollStep {
    /// The new key is published.
    AddKey,
    /// The parent publishes the DS of the new key, too.
    AddDs,
    /// The new key signs the records, in place of the old one.
    SwitchSigning,
    /// The old key, its signatures and its DS go.
    DropOld,
}

/// A step of a key change, with the properties of the new key: only the step that makes it gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roll {
    /// The step.
    pub step: RollStep,
    /// The algorithm of the new key; that of the old one if none. In a zone with two keys, both change their algorithm.
    pub algorithm: Option<KeyKind>,
    /// In a zone with two keys and without a new algorithm: which key changes; the zone-signing key if not given.
    pub role: Option<KeyRole>,
}

/// The keys of a zone, the coming ones, and the source of later ones.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    identity: Identity,
    apex: Name,
    layout: KeyLayout,
    kind: KeyKind,
    /// How many changes there have been.
    changes: u32,
    set: KeySet,
    /// The new keys of the change in progress.
    coming: Vec<Arc<SigningKey>>,
}

impl Keys {
    /// The first keys of a zone.
    pub(super) fn new(
        identity: &Identity,
        apex: &Name,
        kind: KeyKind,
        layout: KeyLayout,
    ) -> Result<Keys, InternetError> {
        let set = KeySet::default();
        let (identity, apex) = (identity.clone(), apex.clone());
        let mut keys = Keys { identity, apex, layout, kind, changes: 0, set, coming: Vec::new() };
        keys.set = KeySet::from(keys.make_all()?);
        Ok(keys)
    }

    /// The keys and their uses.
    pub(super) fn set(&self) -> &KeySet {
        &self.set
    }

    /// What the parent should publish.
    pub(super) fn ds(&self) -> Vec<Ds> {
        self.set.ds(&self.apex)
    }

    /// The keys after a step.
    pub(super) fn after(&self, roll: Roll) -> Result<Keys, InternetError> {
        let mut keys = self.clone();
        let begins = matches!(roll.step, RollStep::AddKey | RollStep::AddDs);
        if keys.coming.is_empty() {
            if !begins {
                return Err(InternetError::NoNewKey(keys.apex));
            }
            keys.begin(roll)?;
        }
        let coming = keys.coming.iter();
        keys.set = match roll.step {
            // The zone-signing key first: the first key of a new algorithm is the one that signs the records.
            RollStep::AddKey => coming.rev().fold(keys.set, |set, key| set.add_key(key)),
            RollStep::AddDs => {
                coming.filter(|key| key.role().is_entry_point()).fold(keys.set, |set, key| set.add_ds(key))
            }
            RollStep::SwitchSigning => keys.set.switch_signing(),
            RollStep::DropOld => {
                keys.coming.clear();
                keys.set.drop_old()
            }
        };
        Ok(keys)
    }

    fn begin(&mut self, roll: Roll) -> Result<(), InternetError> {
        self.changes += 1;
        self.kind = roll.algorithm.unwrap_or(self.kind);
        self.coming = match (self.layout, roll.algorithm, roll.role) {
            (KeyLayout::Split, None, role) => vec![self.make(role.unwrap_or(KeyRole::ZoneSigning))?],
            _ => self.make_all()?,
        };
        Ok(())
    }

    fn make_all(&self) -> Result<Vec<Arc<SigningKey>>, InternetError> {
        let roles: &[KeyRole] = match self.layout {
            KeyLayout::Single => &[KeyRole::Combined],
            KeyLayout::Split => &[KeyRole::KeySigning, KeyRole::ZoneSigning],
        };
        roles.iter().map(|role| self.make(*role)).collect()
    }

    fn make(&self, role: KeyRole) -> Result<Arc<SigningKey>, InternetError> {
        let purpose = if role == KeyRole::ZoneSigning { "zone-signing-key" } else { "zone-key" };
        let mut name = self.apex.to_lowercase().to_string();
        if self.changes > 0 {
            name.push_str(&format!(" after {} changes", self.changes));
        }
        let seed = self.identity.bytes(purpose, &name);
        let key = SigningKey::new(self.kind, role, seed).map_err(|_| InternetError::Key(self.apex.clone()))?;
        Ok(Arc::new(key))
    }
}
