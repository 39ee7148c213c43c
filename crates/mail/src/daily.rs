//! The schedule of daily reports: what was counted in a day of UTC leaves a little after its end, and is tried again where
//! it could not leave.
//!
//! DMARC's aggregate reports keep it, and TLS reports can. Nothing here has a clock: every function is given the time, and
//! the owner sleeps. The machine's clock may be set meanwhile, so no sleep is longer than [`Schedule::longest_sleep`].

use std::time::Duration;

use jiff::Timestamp;

/// The times of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// How long after the end of a day its reports are made: by then everything of that day has been counted.
    pub after_the_day: Duration,
    /// How long after one try the next one is.
    pub between_tries: Duration,
    /// How often a report is tried.
    pub most_tries: u32,
    /// The longest time without a look at the clock.
    pub longest_sleep: Duration,
}

/// A report that has not left yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting<T> {
    /// The report.
    pub report: T,
    /// When it is to be tried next.
    pub due: Timestamp,
    /// How often it was tried.
    pub tries: u32,
}

impl<T> Waiting<T> {
    /// A try begins.
    pub fn try_at(&mut self, now: Timestamp, schedule: &Schedule) {
        self.tries = self.tries.saturating_add(1);
        self.due = later(now, schedule.between_tries);
    }

    /// Whether the try that has begun is the last one: what cannot be known now counts as a no.
    pub fn is_last_try(&self, schedule: &Schedule) -> bool {
        self.tries >= schedule.most_tries
    }
}

/// What the owner of a schedule does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Reports are due.
    Send,
    /// Nothing is due for so long; then ask again.
    Sleep(Duration),
    /// Nothing is due before something is counted.
    Idle,
}

/// The reports that have not left yet.
#[derive(Clone, Debug)]
pub struct Daily<T> {
    schedule: Schedule,
    waiting: Vec<Waiting<T>>,
}

impl<T> Daily<T> {
    /// A schedule without reports.
    pub fn new(schedule: Schedule) -> Daily<T> {
        Daily { schedule, waiting: Vec::new() }
    }

    /// What to do at `now`, if the first day of which something is counted ends at `end`.
    pub fn next(&self, now: Timestamp, end: Option<Timestamp>) -> Next {
        let of_the_day = end.map(|end| later(end, self.schedule.after_the_day));
        let Some(due) = self.waiting.iter().map(|it| it.due).chain(of_the_day).min() else { return Next::Idle };
        match Duration::try_from(due.duration_since(now)) {
            Ok(wait) if !wait.is_zero() => Next::Sleep(wait.min(self.schedule.longest_sleep)),
            Ok(_) | Err(_) => Next::Send,
        }
    }

    /// The moment up to which days have to have ended for their reports to be made at `now`.
    pub fn over(&self, now: Timestamp) -> Timestamp {
        now.checked_sub(self.schedule.after_the_day).unwrap_or(now)
    }

    /// Adds a report of a day that is over, due at once.
    pub fn add(&mut self, report: T, now: Timestamp) {
        self.waiting.push(Waiting { report, due: now, tries: 0 });
    }

    /// Puts a report back that could not leave.
    pub fn put_back(&mut self, waiting: Waiting<T>) {
        self.waiting.push(waiting);
    }

    /// Takes out what is due, in the order in which it came.
    pub fn take_due(&mut self, now: Timestamp) -> Vec<Waiting<T>> {
        let (due, later) = std::mem::take(&mut self.waiting).into_iter().partition(|it| it.due <= now);
        self.waiting = later;
        due
    }
}

/// The end of time does not come.
fn later(at: Timestamp, span: Duration) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: Schedule = Schedule {
        after_the_day: Duration::from_secs(300),
        between_tries: Duration::from_secs(3_600),
        most_tries: 3,
        longest_sleep: Duration::from_secs(600),
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a moment")
    }

    #[test]
    fn what_is_next() {
        let mut daily = Daily::new(SCHEDULE);
        assert_eq!(daily.next(at(0), None), Next::Idle);
        let check = |daily: &Daily<&str>, now, end: Option<i64>, expected| {
            assert_eq!(daily.next(at(now), end.map(at)), expected, "at {now}");
        };
        // The day ends at 1000, and its reports are made at 1300.
        check(&daily, 0, Some(1_000), Next::Sleep(Duration::from_secs(600)));
        check(&daily, 1_000, Some(1_000), Next::Sleep(Duration::from_secs(300)));
        check(&daily, 1_299, Some(1_000), Next::Sleep(Duration::from_secs(1)));
        check(&daily, 1_300, Some(1_000), Next::Send);
        check(&daily, 9_999, Some(1_000), Next::Send);
        assert_eq!(daily.over(at(1_300)), at(1_000));
        // What waits is due by itself, and before the next day.
        daily.put_back(Waiting { report: "late", due: at(2_000), tries: 1 });
        check(&daily, 1_900, None, Next::Sleep(Duration::from_secs(100)));
        check(&daily, 1_900, Some(90_000), Next::Sleep(Duration::from_secs(100)));
        check(&daily, 2_000, None, Next::Send);
        // A clock that is set back only makes it wait.
        check(&daily, -9_000, None, Next::Sleep(Duration::from_secs(600)));
    }

    #[test]
    fn what_is_due_is_taken_in_order() {
        let mut daily = Daily::new(SCHEDULE);
        daily.put_back(Waiting { report: "tried", due: at(100), tries: 1 });
        daily.put_back(Waiting { report: "later", due: at(101), tries: 2 });
        daily.add("new", at(100));
        let reports = |due: Vec<Waiting<&'static str>>| due.into_iter().map(|it| it.report).collect::<Vec<_>>();
        assert_eq!(reports(daily.take_due(at(100))), ["tried", "new"]);
        assert_eq!(reports(daily.take_due(at(100))), Vec::<&str>::new());
        assert_eq!(reports(daily.take_due(at(101))), ["later"]);
    }

    #[test]
    fn tries_end() {
        let mut waiting = Waiting { report: (), due: at(0), tries: 0 };
        let mut tries = Vec::new();
        while tries.last() != Some(&true) {
            waiting.try_at(waiting.due, &SCHEDULE);
            tries.push(waiting.is_last_try(&SCHEDULE));
        }
        assert_eq!((tries, waiting.due), (vec![false, false, true], at(3 * 3_600)));
        waiting.try_at(Timestamp::MAX, &SCHEDULE);
        assert_eq!(waiting.due, Timestamp::MAX);
    }
}
