//! What the validating resolver remembers: answers, and the zones on the chains of trust.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::answer::Answer;
use crate::name::Name;
use crate::record::RecordType;
use crate::resolver::chain::Cut;

/// How many entries of each kind are kept.
const CAPACITY: usize = 10_000;

/// A bounded cache on the env clock. An entry is given out strictly before it runs out.
pub(crate) struct Cache {
    enabled: bool,
    answers: BTreeMap<(Name, RecordType), Answer>,
    cuts: BTreeMap<Name, (Cut, Timestamp)>,
}

impl Cache {
    pub(crate) fn new(enabled: bool) -> Cache {
        Cache { enabled, answers: BTreeMap::new(), cuts: BTreeMap::new() }
    }

    pub(crate) fn clear(&mut self) {
        self.answers.clear();
        self.cuts.clear();
    }

    pub(crate) fn answer(&self, name: &Name, rtype: RecordType, now: Timestamp) -> Option<Answer> {
        let answer = self.answers.get(&(name.clone(), rtype)).filter(|answer| now < answer.expires.at)?;
        Some(Answer { cached: true, ..answer.clone() })
    }

    /// Keeps an answer that may be used and has not run out.
    pub(crate) fn keep_answer(&mut self, answer: &Answer, now: Timestamp) {
        if !self.enabled || !answer.security.is_usable() || answer.expires.at <= now {
            return;
        }
        if self.answers.len() >= CAPACITY {
            self.answers.retain(|_, held| now < held.expires.at);
        }
        if self.answers.len() < CAPACITY {
            self.answers.insert((answer.name.clone(), answer.rtype), answer.clone());
        }
    }

    pub(crate) fn cut(&self, name: &Name, now: Timestamp) -> Option<Cut> {
        let (cut, _) = self.cuts.get(name).filter(|(_, expires)| now < *expires)?;
        Some(cut.clone())
    }

    pub(crate) fn keep_cut(&mut self, name: &Name, cut: &Cut, expires: Timestamp, now: Timestamp) {
        if !self.enabled || expires <= now {
            return;
        }
        if self.cuts.len() >= CAPACITY {
            self.cuts.retain(|_, (_, held)| now < *held);
        }
        if self.cuts.len() < CAPACITY {
            self.cuts.insert(name.clone(), (cut.clone(), expires));
        }
    }
}
