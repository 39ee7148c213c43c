//! Dates in mail.
//!
//! RFC 5322 §3.3 fixes the form in header fields: `Mon, 02 Mar 2026 08:00:00 +0000`. The text of Exchange's reports shows
//! the same moments in the American form without a zone, and means UTC: `3/2/2026 8:00:00 AM`.

use jiff::Timestamp;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::Offset;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The form of header fields, always in UTC: `Mon, 02 Mar 2026 08:00:00 +0000`.
pub fn rfc5322(time: Timestamp) -> String {
    let civil = civil(time);
    let weekday = match civil.weekday() {
        Weekday::Monday => "Mon",
        Weekday::Tuesday => "Tue",
        Weekday::Wednesday => "Wed",
        Weekday::Thursday => "Thu",
        Weekday::Friday => "Fri",
        Weekday::Saturday => "Sat",
        Weekday::Sunday => "Sun",
    };
    let month =
        usize::try_from(civil.month()).ok().and_then(|month| MONTHS.get(month.wrapping_sub(1))).unwrap_or(&"Jan");
    format!(
        "{weekday}, {:02} {month} {} {:02}:{:02}:{:02} +0000",
        civil.day(),
        civil.year(),
        civil.hour(),
        civil.minute(),
        civil.second()
    )
}

/// The form in the text of Exchange's reports, in UTC: `3/2/2026 8:00:00 AM`.
pub fn exchange(time: Timestamp) -> String {
    let civil = civil(time);
    let (hour, half) = match civil.hour() {
        0 => (12, "AM"),
        hour @ 1..=11 => (hour, "AM"),
        12 => (12, "PM"),
        hour => (hour - 12, "PM"),
    };
    format!(
        "{}/{}/{} {hour}:{:02}:{:02} {half}",
        civil.month(),
        civil.day(),
        civil.year(),
        civil.minute(),
        civil.second()
    )
}

/// Reads a date of RFC 5322, the obsolete forms included.
///
/// # Errors
/// Those of the reader, as a text: what was found where something else was expected.
pub fn parse_rfc5322(text: &str) -> Result<Timestamp, jiff::Error> {
    jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text)
}

fn civil(time: Timestamp) -> DateTime {
    Offset::UTC.to_datetime(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(time: &str, field: &str, report: &str) {
        let time: Timestamp = time.parse().expect("a timestamp");
        assert_eq!(rfc5322(time), field);
        assert_eq!(exchange(time), report);
        assert_eq!(parse_rfc5322(field).expect("reads back").as_second(), time.as_second());
    }

    #[test]
    fn both_forms() {
        check("2026-03-02T08:00:00Z", "Mon, 02 Mar 2026 08:00:00 +0000", "3/2/2026 8:00:00 AM");
        check("2018-05-25T08:21:10.9Z", "Fri, 25 May 2018 08:21:10 +0000", "5/25/2018 8:21:10 AM");
        check("2026-12-31T00:00:00Z", "Thu, 31 Dec 2026 00:00:00 +0000", "12/31/2026 12:00:00 AM");
        check("2026-12-31T12:05:09Z", "Thu, 31 Dec 2026 12:05:09 +0000", "12/31/2026 12:05:09 PM");
        check("2026-12-31T23:59:59Z", "Thu, 31 Dec 2026 23:59:59 +0000", "12/31/2026 11:59:59 PM");
    }
}
