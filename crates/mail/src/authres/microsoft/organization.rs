//! What Exchange Online notes about a message in `X-MS-Exchange-Organization-…` fields.
//!
//! They are internal notes, removed when a message leaves the organization. The ones that concern authentication and
//! delivery are here: where the message came from, who its sender is taken for, how long it may wait, how much it looks
//! like spam.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::authres::words::words;

/// A value that its field cannot have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not {what}: {value:?}")]
pub struct OrganizationError {
    /// What it should be.
    pub what: &'static str,
    /// What it is.
    pub value: String,
}

impl OrganizationError {
    fn new(what: &'static str, value: &str) -> OrganizationError {
        OrganizationError { what, value: value.to_owned() }
    }
}

words! {
    /// `X-MS-Exchange-Organization-MessageDirectionality`.
    MessageDirectionality {
        /// From outside.
        Incoming = "Incoming",
        /// From inside.
        Originating = "Originating",
    }
}

words! {
    /// `X-MS-Exchange-Organization-AuthAs`: how the sender is authenticated.
    AuthAs {
        /// Somebody unauthenticated.
        Anonymous = "Anonymous",
        /// A member of the organization.
        Internal = "Internal",
    }
}

impl FromStr for MessageDirectionality {
    type Err = OrganizationError;

    fn from_str(value: &str) -> Result<MessageDirectionality, OrganizationError> {
        MessageDirectionality::from_word(value).ok_or_else(|| OrganizationError::new("a directionality", value))
    }
}

impl FromStr for AuthAs {
    type Err = OrganizationError;

    fn from_str(value: &str) -> Result<AuthAs, OrganizationError> {
        AuthAs::from_word(value).ok_or_else(|| OrganizationError::new("a kind of sender", value))
    }
}

/// `X-MS-Exchange-Organization-SCL`: how much a message looks like spam, from -1 (not filtered) to 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpamConfidenceLevel(i8);

/// `X-MS-Exchange-Organization-PCL`: how much it looks like phishing, from 1 to 8; 0 is read too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhishingConfidenceLevel(i8);

fn level(what: &'static str, value: &str, lowest: i8, highest: i8) -> Result<i8, OrganizationError> {
    let level = value.parse().ok().filter(|level| (lowest..=highest).contains(level) && level.to_string() == value);
    level.ok_or_else(|| OrganizationError::new(what, value))
}

impl SpamConfidenceLevel {
    /// The number.
    pub fn number(self) -> i8 {
        self.0
    }
}

impl PhishingConfidenceLevel {
    /// The number.
    pub fn number(self) -> i8 {
        self.0
    }
}

impl FromStr for SpamConfidenceLevel {
    type Err = OrganizationError;

    fn from_str(value: &str) -> Result<SpamConfidenceLevel, OrganizationError> {
        level("a spam confidence level", value, -1, 9).map(SpamConfidenceLevel)
    }
}

impl FromStr for PhishingConfidenceLevel {
    type Err = OrganizationError;

    fn from_str(value: &str) -> Result<PhishingConfidenceLevel, OrganizationError> {
        level("a phishing confidence level", value, 0, 8).map(PhishingConfidenceLevel)
    }
}

impl fmt::Display for SpamConfidenceLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for PhishingConfidenceLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `X-MS-Exchange-Organization-ExpirationInterval`: how long the message may wait in queues. Days, hours, minutes, seconds
/// and tenths of a microsecond: `1:00:00:00.0000000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExpirationInterval {
    /// In tenths of a microsecond.
    ticks: u64,
}

const TICKS: u64 = 10_000_000;

impl ExpirationInterval {
    /// An interval; what is shorter than a tenth of a microsecond is dropped.
    pub fn new(interval: Duration) -> ExpirationInterval {
        let ticks = interval.as_secs().saturating_mul(TICKS).saturating_add(u64::from(interval.subsec_nanos()) / 100);
        ExpirationInterval { ticks }
    }

    /// The interval.
    pub fn duration(self) -> Duration {
        Duration::new(self.ticks / TICKS, u32::try_from(self.ticks % TICKS).unwrap_or_default() * 100)
    }
}

impl fmt::Display for ExpirationInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, ticks) = (self.ticks / TICKS, self.ticks % TICKS);
        let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
        write!(f, "{days}:{:02}:{:02}:{:02}.{ticks:07}", hours % 24, minutes % 60, seconds % 60)
    }
}

impl FromStr for ExpirationInterval {
    type Err = OrganizationError;

    fn from_str(value: &str) -> Result<ExpirationInterval, OrganizationError> {
        let interval = interval(value).filter(|interval| interval.to_string() == value);
        interval.ok_or_else(|| OrganizationError::new("an interval", value))
    }
}

fn interval(value: &str) -> Option<ExpirationInterval> {
    let (whole, ticks) = value.split_once('.')?;
    let mut seconds = 0u64;
    let mut parts = whole.split(':');
    for unit in [86_400, 3_600, 60, 1] {
        seconds = seconds.checked_add(parts.next()?.parse::<u64>().ok()?.checked_mul(unit)?)?;
    }
    let ticks = seconds.checked_mul(TICKS)?.checked_add(ticks.parse().ok()?)?;
    parts.next().is_none().then_some(ExpirationInterval { ticks })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: FromStr<Err = OrganizationError> + fmt::Display>(value: &str, expected: Result<(), &str>) {
        let outcome = value.parse::<T>().map(|read| assert_eq!(read.to_string(), value));
        assert_eq!(outcome.map_err(|error| error.to_string()), expected.map_err(str::to_owned));
    }

    #[test]
    fn words() {
        check::<MessageDirectionality>("Incoming", Ok(()));
        check::<MessageDirectionality>("Originating", Ok(()));
        check::<MessageDirectionality>("incoming", Err("not a directionality: \"incoming\""));
        check::<AuthAs>("Anonymous", Ok(()));
        check::<AuthAs>("Internal", Ok(()));
        check::<AuthAs>("", Err("not a kind of sender: \"\""));
    }

    #[test]
    fn levels() {
        check::<SpamConfidenceLevel>("-1", Ok(()));
        check::<SpamConfidenceLevel>("9", Ok(()));
        check::<SpamConfidenceLevel>("-2", Err("not a spam confidence level: \"-2\""));
        check::<SpamConfidenceLevel>("10", Err("not a spam confidence level: \"10\""));
        check::<SpamConfidenceLevel>("+1", Err("not a spam confidence level: \"+1\""));
        check::<PhishingConfidenceLevel>("2", Ok(()));
        check::<PhishingConfidenceLevel>("9", Err("not a phishing confidence level: \"9\""));
        check::<PhishingConfidenceLevel>("-1", Err("not a phishing confidence level: \"-1\""));
        assert_eq!("-1".parse().map(SpamConfidenceLevel::number), Ok(-1));
        assert_eq!("2".parse().map(PhishingConfidenceLevel::number), Ok(2));
    }

    #[test]
    fn intervals() {
        let day = ExpirationInterval::new(Duration::from_secs(86_400));
        assert_eq!(day.to_string(), "1:00:00:00.0000000");
        assert_eq!("2:00:00:00.0000000".parse().map(ExpirationInterval::duration), Ok(Duration::from_secs(172_800)));
        let odd = ExpirationInterval::new(Duration::new(86_400 + 7_200 + 180 + 4, 567_800));
        assert_eq!(odd.to_string(), "1:02:03:04.0005678");
        assert_eq!(odd.to_string().parse(), Ok(odd));
        assert_eq!(odd.duration(), Duration::new(93_784, 567_800));
        for wrong in
            ["", "1:00:00:00", "1:00:00.0000000", "1:24:00:00.0000000", "1:00:60:00.0000000", "1:0:00:00.0000000"]
        {
            check::<ExpirationInterval>(wrong, Err(&format!("not an interval: {wrong:?}")));
        }
        for wrong in
            ["+1:00:00:00.0000000", "1:00:00:00.000000", "1:00:00:00.00000000", "99999999999999:00:00:00.0000000"]
        {
            check::<ExpirationInterval>(wrong, Err(&format!("not an interval: {wrong:?}")));
        }
    }
}
