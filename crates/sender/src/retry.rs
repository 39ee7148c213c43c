//! When to try again, and when to give up (RFC 5321 §4.5.4.1).
//!
//! Exchange Online documents: a second attempt after 15 minutes, a third after another 15, then one an hour, until the
//! message expires 24 hours after it was accepted. An interval runs from the *start* of the previous attempt, so the
//! timetable does not drift with the length of the attempts. At the moment of expiry no further attempt is made: with the
//! default settings there are attempts at 0, 15, 30, 90, 150 … 1410 minutes, 26 in all, and the NDR at 1440.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use mxlab_mail::settings::{EXPIRATION, RETRY};

/// The shortest interval. Otherwise a timetable of zeros would try without pause.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// The intervals between attempts and the lifetime of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timetable {
    intervals: Vec<Duration>,
    expiration: Duration,
}

/// What comes after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another attempt at this time.
    Attempt(Timestamp),
    /// No further attempt; the message expires at this time.
    Expiry(Timestamp),
}

impl Default for Timetable {
    /// Exchange Online's: 15 min, 15 min, then every 60 min, for 24 h.
    fn default() -> Timetable {
        Timetable::new(RETRY.to_vec(), EXPIRATION)
    }
}

impl Timetable {
    /// A timetable with these intervals, of which the last repeats, and this lifetime. Without any interval there is one
    /// attempt and then expiry; intervals below one second are taken as one second.
    pub fn new(intervals: Vec<Duration>, expiration: Duration) -> Timetable {
        let intervals = intervals.into_iter().map(|interval| interval.max(SHORTEST_INTERVAL)).collect();
        Timetable { intervals, expiration }
    }

    /// The same intervals with another lifetime, for a tenant that has set its own.
    #[must_use]
    pub fn expiring_after(&self, expiration: Duration) -> Timetable {
        Timetable { intervals: self.intervals.clone(), expiration }
    }

    /// When a message expires that was accepted at `accepted`.
    pub fn expiry(&self, accepted: Timestamp) -> Timestamp {
        after(accepted, self.expiration)
    }

    /// What follows attempt number `attempts` (the first is 1), which started at `started`.
    pub fn next(&self, accepted: Timestamp, started: Timestamp, attempts: u32) -> Next {
        let expiry = self.expiry(accepted);
        let index = usize::try_from(attempts).unwrap_or(usize::MAX).saturating_sub(1);
        match self.intervals.get(index).or(self.intervals.last()).map(|interval| after(started, *interval)) {
            Some(next) if next < expiry => Next::Attempt(next),
            _ => Next::Expiry(expiry),
        }
    }
}

/// The next action for a waiting recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// An attempt, now.
    Attempt,
    /// Send the author a delay notice, now.
    Notice,
    /// Giving up, now.
    Expiry,
    /// Nothing until then.
    Wait(Timestamp),
}

/// How far a recipient has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// When the message was accepted.
    pub accepted: Timestamp,
    /// Attempts made.
    pub attempts: u32,
    /// When the last of them started; meaningless before the first.
    pub started: Timestamp,
    /// When the delay notice is due; none if it was sent or is never sent.
    pub notice: Option<Timestamp>,
}

impl Timetable {
    /// What is due at `now`. A first attempt is made whatever the time is; an attempt or the expiry precedes a notice
    /// of the same moment, because it may make the notice unnecessary.
    pub fn due(&self, progress: &Progress, now: Timestamp) -> Due {
        if progress.attempts == 0 {
            return Due::Attempt;
        }
        let (next, due) = match self.next(progress.accepted, progress.started, progress.attempts) {
            Next::Attempt(at) => (at, Due::Attempt),
            Next::Expiry(at) => (at, Due::Expiry),
        };
        match progress.notice {
            _ if next <= now => due,
            Some(notice) if notice <= now => Due::Notice,
            Some(notice) => Due::Wait(notice.min(next)),
            None => Due::Wait(next),
        }
    }
}

/// `time + span`, or the end of time.
pub fn after(time: Timestamp, span: Duration) -> Timestamp {
    SignedDuration::try_from(span).ok().and_then(|span| time.checked_add(span).ok()).unwrap_or(Timestamp::MAX)
}

/// The time from one moment to a later one; nothing if it is not later.
pub fn until(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn minutes(values: &[u64]) -> Vec<Duration> {
        values.iter().map(|minutes| Duration::from_secs(minutes * 60)).collect()
    }

    /// The starts of all attempts and the expiry, in seconds after acceptance.
    fn run(timetable: &Timetable) -> (Vec<i64>, i64) {
        let accepted: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
        let (mut started, mut attempts) = (accepted, vec![0]);
        loop {
            match timetable.next(accepted, started, u32::try_from(attempts.len()).unwrap()) {
                Next::Attempt(at) => {
                    started = at;
                    attempts.push(at.as_second() - accepted.as_second());
                    assert!(attempts.len() < 10_000, "it never ends");
                }
                Next::Expiry(at) => return (attempts, at.as_second() - accepted.as_second()),
            }
        }
    }

    #[track_caller]
    fn check(timetable: &Timetable, first: &[i64], last: i64, count: usize, expiry: i64) {
        let (attempts, end) = run(timetable);
        let attempts: Vec<_> = attempts.iter().map(|seconds| seconds / 60).collect();
        assert_eq!(&attempts[..first.len()], first);
        assert_eq!((attempts.last().copied(), attempts.len(), end / 60), (Some(last), count, expiry));
    }

    #[test]
    fn documented_timetable() {
        check(&Timetable::default(), &[0, 15, 30, 90, 150, 210], 1410, 26, 1440);
    }

    #[test]
    fn other_timetables() {
        let tenant = Timetable::default().expiring_after(Duration::from_secs(12 * 3600));
        check(&tenant, &[0, 15, 30, 90], 690, 14, 720);
        // An attempt that would fall on the expiry is not made; one a minute before it is.
        check(&Timetable::new(minutes(&[30]), Duration::from_secs(3600)), &[0, 30], 30, 2, 60);
        check(&Timetable::new(minutes(&[30]), Duration::from_secs(3660)), &[0, 30, 60], 60, 3, 61);
        check(&Timetable::new(minutes(&[1, 2, 4]), Duration::from_secs(20 * 60)), &[0, 1, 3, 7, 11, 15, 19], 19, 7, 20);
        check(&Timetable::new(vec![], Duration::from_secs(3600)), &[0], 0, 1, 60);
    }

    #[test]
    fn an_interval_runs_from_the_start_of_the_attempt_before() {
        let accepted: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
        let late: Timestamp = "2026-03-02T08:20:07Z".parse().unwrap();
        let next = Timetable::default().next(accepted, late, 2);
        assert_eq!(next, Next::Attempt("2026-03-02T08:35:07Z".parse().unwrap()));
        let next = Timetable::default().next(accepted, late, 3);
        assert_eq!(next, Next::Attempt("2026-03-02T09:20:07Z".parse().unwrap()));
    }

    #[test]
    fn what_is_due() {
        let at = |minutes: u64| after("2026-03-02T08:00:00Z".parse().unwrap(), Duration::from_secs(minutes * 60));
        let check = |attempts, started, notice: Option<u64>, now, expected| {
            let progress = Progress { accepted: at(0), attempts, started: at(started), notice: notice.map(at) };
            assert_eq!(Timetable::default().due(&progress, at(now)), expected);
        };
        check(0, 0, None, 0, Due::Attempt);
        check(0, 0, Some(240), 3000, Due::Attempt);
        check(1, 0, None, 0, Due::Wait(at(15)));
        check(1, 0, Some(240), 14, Due::Wait(at(15)));
        check(1, 0, Some(240), 15, Due::Attempt);
        check(6, 210, Some(240), 211, Due::Wait(at(240)));
        check(6, 210, Some(240), 240, Due::Notice);
        check(6, 210, None, 240, Due::Wait(at(270)));
        check(6, 210, Some(240), 270, Due::Attempt);
        check(6, 210, Some(270), 270, Due::Attempt);
        check(26, 1410, None, 1439, Due::Wait(at(1440)));
        check(26, 1410, None, 1440, Due::Expiry);
        check(26, 1410, Some(1440), 1440, Due::Expiry);
        check(3, 30, Some(240), 5000, Due::Attempt);
        check(25, 1400, None, 5000, Due::Expiry);
    }

    #[test]
    fn an_interval_of_nothing_is_a_second() {
        let timetable = Timetable::new(vec![Duration::ZERO], Duration::from_secs(3));
        assert_eq!(run(&timetable), (vec![0, 1, 2], 3));
    }

    #[test]
    fn the_end_of_time_is_no_panic() {
        assert_eq!(after(Timestamp::MAX, Duration::from_secs(60)), Timestamp::MAX);
        assert_eq!(after(Timestamp::UNIX_EPOCH, Duration::MAX), Timestamp::MAX);
    }

    proptest! {
        #[test]
        fn attempts_rise_and_end_before_expiry(
            intervals in prop::collection::vec(0u64..7200, 0..5), expiration in 0u64..200_000,
        ) {
            let intervals: Vec<_> = intervals.into_iter().map(|s| Duration::from_secs(s + 60)).collect();
            let timetable = Timetable::new(intervals, Duration::from_secs(expiration));
            let (attempts, expiry) = run(&timetable);
            prop_assert_eq!(expiry, i64::try_from(expiration).unwrap());
            prop_assert!(attempts.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(attempts[1..].iter().all(|start| *start < expiry));
        }
    }
}
