//! Points in time, spans of time, days.

use std::borrow::Cow;
use std::fmt;

use jiff::{SignedDuration, Timestamp, civil};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error as _, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};

use super::{Malformed, Scalar};

pub(super) const DURATION_PATTERN: &str = "^([0-9]+(d|h|m|s|ms))+$";
const TIME_PATTERN: &str = "^[+-]([0-9]+(d|h|m|s|ms))+$";

/// A span of time, written `90s`, `1h30m`, `2d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(std::time::Duration);

impl Duration {
    /// So many seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(std::time::Duration::from_secs(seconds))
    }

    /// From the standard library's.
    pub const fn of(duration: std::time::Duration) -> Self {
        Self(duration)
    }

    /// As the standard library's.
    pub const fn get(self) -> std::time::Duration {
        self.0
    }
}

/// The longest duration that can be written: a hundred years.
const LONGEST: u64 = 36_500 * 86_400_000;

impl Scalar for Duration {
    const WHAT: &'static str = "a duration";
    const HELP: &'static str = "write a duration such as '90s', '1h30m', '2d'";

    fn parse(text: &str) -> Result<Self, Malformed> {
        if text.starts_with(['+', '-']) {
            return Err(Malformed::new(0..1, "a duration has no sign"));
        }
        unsigned(text, 0).map(|milliseconds| Self(std::time::Duration::from_millis(milliseconds)))
    }
}

/// Parses `text[start..]`, a duration without sign, into milliseconds.
fn unsigned(text: &str, start: usize) -> Result<u64, Malformed> {
    const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let run = |from: usize, digits: bool| {
        let rest = &text[from..];
        from + rest.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(rest.len())
    };
    if start == text.len() {
        return Err(Malformed::whole(text, "a number and a unit are missing"));
    }
    let (mut total, mut at, mut next_unit) = (0u64, start, 0);
    while at < text.len() {
        let number_end = run(at, true);
        let unit_end = run(number_end, false);
        let (number, unit) = (&text[at..number_end], &text[number_end..unit_end]);
        if number.is_empty() {
            return Err(Malformed::new(number_end..unit_end, "expected a number"));
        }
        if unit.is_empty() {
            return Err(Malformed::new(at..number_end, "a unit is missing"));
        }
        let Some(index) = UNITS.iter().position(|(name, _)| *name == unit) else {
            let label = if unit == "." { "fractions are not allowed".into() } else { format!("unknown unit `{unit}`") };
            return Err(Malformed::new(number_end..unit_end, label));
        };
        if index < next_unit {
            return Err(Malformed::new(number_end..unit_end, "units go from large to small, each once"));
        }
        let value = number.parse::<u64>().ok().and_then(|n| n.checked_mul(UNITS[index].1));
        match value.and_then(|value| total.checked_add(value)) {
            Some(sum) if sum <= LONGEST => total = sum,
            _ => return Err(Malformed::new(at..unit_end, "longer than a hundred years")),
        }
        (at, next_unit) = (unit_end, index + 1);
    }
    Ok(total)
}

/// A point in time: `+1h30m` after the epoch, `-30d` before it, or a TOML date-time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// So long after the epoch, or before it.
    Relative(SignedDuration),
    /// Regardless of the epoch.
    Absolute(Timestamp),
}

impl Time {
    /// The point in time in a run that starts at `epoch`. Times out of range end at the first and last possible one.
    pub fn at(self, epoch: Timestamp) -> Timestamp {
        match self {
            Self::Absolute(timestamp) => timestamp,
            Self::Relative(duration) => epoch.saturating_add(duration).unwrap_or(epoch),
        }
    }
}

/// As it could be written.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_span(f, self.0.as_millis())
    }
}

/// Milliseconds in units from large to small.
fn write_span(f: &mut fmt::Formatter<'_>, milliseconds: u128) -> fmt::Result {
    if milliseconds == 0 {
        return f.write_str("0s");
    }
    let mut rest = milliseconds;
    for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
        if rest >= length {
            write!(f, "{}{unit}", rest / length)?;
            rest %= length;
        }
    }
    Ok(())
}

/// As it could be written.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let duration = match self {
            Time::Absolute(timestamp) => return write!(f, "{timestamp}"),
            Time::Relative(duration) => duration,
        };
        f.write_str(if duration.is_negative() { "-" } else { "+" })?;
        write_span(f, duration.as_millis().unsigned_abs())
    }
}

impl Scalar for Time {
    const WHAT: &'static str = "a time";
    const HELP: &'static str = "write a time: '+1h30m' after the epoch, '-30d' before it, or a TOML date-time";

    fn parse(text: &str) -> Result<Self, Malformed> {
        if !text.starts_with(['+', '-']) {
            return Err(Malformed::whole(text, "a sign is missing"));
        }
        let milliseconds = i64::try_from(unsigned(text, 1)?).unwrap_or(i64::MAX);
        let signed = if text.starts_with('-') { -milliseconds } else { milliseconds };
        Ok(Self::Relative(SignedDuration::from_millis(signed)))
    }
}

/// An offset from the epoch in the notation of scenario files: `+1d2h`, `+15m`, `-30s`.
pub fn format_offset(seconds: i64) -> String {
    let mut text = String::from(if seconds < 0 { "-" } else { "+" });
    let mut rest = seconds.unsigned_abs();
    for (unit, size) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
        // Up to two days, a day and more is shown in hours, as retry timetables are read.
        if unit == "d" && rest < 2 * size {
            continue;
        }
        if rest >= size {
            text += &format!("{}{unit}", rest / size);
            rest %= size;
        }
    }
    if text.len() == 1 {
        text.push_str("0s");
    }
    text
}

/// The instant that a TOML date-time names, if it names one.
pub(crate) fn instant(datetime: &toml::value::Datetime) -> Option<Timestamp> {
    datetime.date?;
    datetime.time?;
    datetime.offset?;
    datetime.to_string().parse().ok()
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TimeVisitor;
        impl<'de> Visitor<'de> for TimeVisitor {
            type Value = Time;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Time, E> {
                Time::parse(text).map_err(|malformed| E::custom(malformed.label))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Time, A::Error> {
                let datetime = toml::value::Datetime::deserialize(MapAccessDeserializer::new(map))?;
                instant(&datetime).map(Time::Absolute).ok_or_else(|| A::Error::custom("not an instant"))
            }
        }
        deserializer.deserialize_any(TimeVisitor)
    }
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A time: +1h30m after the epoch, -30d before it, or a TOML date-time",
            "anyOf": [
                { "type": "string", "pattern": TIME_PATTERN },
                { "type": "string", "format": "date-time" },
            ],
        })
    }
}

/// The start of a run, a TOML date-time in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch(pub Timestamp);

/// A UTC day, a TOML date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day(pub civil::Date);

impl fmt::Display for Day {
    /// `2026-03-02`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let datetime = toml::value::Datetime::deserialize(deserializer)?;
        instant(&datetime).map(Self).ok_or_else(|| D::Error::custom("not an instant"))
    }
}

impl JsonSchema for Epoch {
    fn schema_name() -> Cow<'static, str> {
        "Epoch".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time", "description": "A TOML date-time in UTC" })
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let datetime = toml::value::Datetime::deserialize(deserializer)?;
        let date = datetime.date.filter(|_| datetime.time.is_none());
        let date = date.and_then(|date| date.to_string().parse().ok());
        date.map(Self).ok_or_else(|| D::Error::custom("not a day"))
    }
}

impl JsonSchema for Day {
    fn schema_name() -> Cow<'static, str> {
        "Day".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date", "description": "A TOML date: that UTC day" })
    }
}

#[cfg(test)]
mod tests {
    use super::format_offset;

    #[test]
    fn offsets_are_written_as_in_files() {
        for (seconds, expected) in [
            (0, "+0s"),
            (59, "+59s"),
            (900, "+15m"),
            (5_400, "+1h30m"),
            (86_400, "+24h"),
            (129_600, "+36h"),
            (172_800, "+2d"),
            (176_461, "+2d1h1m1s"),
            (-86_400, "-24h"),
        ] {
            assert_eq!(format_offset(seconds), expected);
        }
    }
}
