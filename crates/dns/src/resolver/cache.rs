//! What the validating resolver remembers: answers, and the zones on the chains of trust.

use jiff::Timestamp;

use crate::answer::Answer;
use crate::name::Name;
use crate::record::RecordType;
use crate::resolver::chain::Cut;
use crate::resolver::expiring::Expiring;

/// How many entries of each kind are kept.
const CAPACITY: usize = 10_000;

/// A bounded cache on the env clock. An entry is returned only before it expires.
pub(crate) struct Cache {
    enabled: bool,
    answers: Expiring<(Name, RecordType), Answer>,
    cuts: Expiring<Name, Cut>,
}

impl Cache {
    pub(crate) fn new(enabled: bool) -> Cache {
        Cache { enabled, answers: Expiring::new(CAPACITY), cuts: Expiring::new(CAPACITY) }
    }

    pub(crate) fn clear(&mut self) {
        self.answers.clear();
        self.cuts.clear();
    }

    pub(crate) fn answer(&self, name: &Name, rtype: RecordType, now: Timestamp) -> Option<Answer> {
        let answer = self.answers.get(&(name.clone(), rtype), now)?;
        Some(Answer { cached: true, ..answer.clone() })
    }

    /// Keeps an answer that may be used and has not expired.
    pub(crate) fn keep_answer(&mut self, answer: &Answer, now: Timestamp) {
        let until = answer.expires.at;
        if self.enabled && answer.security.is_usable() && now < until {
            self.answers.insert((answer.name.clone(), answer.rtype), answer.clone(), until);
        }
    }

    pub(crate) fn cut(&self, name: &Name, now: Timestamp) -> Option<Cut> {
        self.cuts.get(name, now).cloned()
    }

    pub(crate) fn keep_cut(&mut self, name: &Name, cut: &Cut, until: Timestamp, now: Timestamp) {
        if self.enabled && now < until {
            self.cuts.insert(name.clone(), cut.clone(), until);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_cache_keeps_what_is_new() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let name = |number: usize| format!("n{number}.example").parse::<Name>().unwrap();
        let mut cache = Cache::new(true);
        for number in 0..CAPACITY {
            cache.keep_cut(&name(number), &Cut::None, at(1_000 + number as i64), at(0));
        }
        assert!(cache.cut(&name(0), at(0)).is_some());
        cache.keep_cut(&name(CAPACITY), &Cut::None, at(500), at(0));
        assert!(cache.cut(&name(CAPACITY), at(0)).is_some());
        assert!(cache.cut(&name(0), at(0)).is_none());
        assert!(cache.cut(&name(1), at(0)).is_some());
    }
}
