//! The fields of Exchange Online's spam filter: `KEY:value;KEY:value`.
//!
//! `X-Forefront-Antispam-Report` (and `…-Untrusted`, where another stage wrote it), `X-Microsoft-Antispam` and
//! `X-Microsoft-Antispam-Mailbox-Delivery` have this form. Keys and their order changed over the years, and some values
//! have a semicolon at the end. Values may be empty. This module does not know what a key means.

use std::fmt;
use std::str::FromStr;

use crate::authres::MAX_LENGTH;

/// The most entries of a value.
pub const MAX_ENTRIES: usize = 256;

/// Why a value is not of this form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AntispamError {
    /// Longer than [`MAX_LENGTH`], or more than [`MAX_ENTRIES`] entries.
    #[error("value too long")]
    TooLong,
    /// There is no entry.
    #[error("no entry")]
    Empty,
    /// An entry has no colon, or a key that is not letters, digits and hyphens.
    #[error("entry without a key: {0:?}")]
    Key(String),
    /// A value with a semicolon, a control character, or blanks at its ends.
    #[error("bad value: {0:?}")]
    Value(String),
}

/// A value: its entries in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AntispamReport {
    entries: Vec<(String, String)>,
    closed: bool,
}

impl AntispamReport {
    /// A value of these keys and values, with a semicolon at the end if `closed`.
    ///
    /// # Errors
    /// When an entry cannot be read back, or there is none.
    pub fn new(entries: Vec<(String, String)>, closed: bool) -> Result<AntispamReport, AntispamError> {
        if entries.is_empty() {
            return Err(AntispamError::Empty);
        }
        if entries.len() > MAX_ENTRIES {
            return Err(AntispamError::TooLong);
        }
        for (key, value) in &entries {
            if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
                return Err(AntispamError::Key(key.clone()));
            }
            if value.contains(|c: char| c == ';' || c.is_ascii_control()) || value.trim_matches(' ') != value {
                return Err(AntispamError::Value(value.clone()));
            }
        }
        Ok(AntispamReport { entries, closed })
    }

    /// Keys and values in order.
    pub fn entries(&self) -> &[(String, String)] {
        &self.entries
    }

    /// Whether a semicolon ends the value.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// The first value of `key`, as in `SCL` or `SFV`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for AntispamReport {
    /// The unfolded value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.entries.iter().enumerate() {
            write!(f, "{}{key}:{value}", if index == 0 { "" } else { ";" })?;
        }
        f.write_str(if self.closed { ";" } else { "" })
    }
}

impl FromStr for AntispamReport {
    type Err = AntispamError;

    /// Reads an unfolded value. Folding may have left blanks around the semicolons.
    fn from_str(value: &str) -> Result<AntispamReport, AntispamError> {
        if value.len() > MAX_LENGTH {
            return Err(AntispamError::TooLong);
        }
        let blank_free = |text: &str| text.trim_matches([' ', '\t']).to_owned();
        let mut texts: Vec<&str> = value.split(';').take(MAX_ENTRIES + 2).collect();
        let closed = texts.len() > 1 && texts.last().is_some_and(|last| blank_free(last).is_empty());
        if closed {
            texts.pop();
        }
        let mut entries = Vec::new();
        for text in texts {
            let (key, value) = text.split_once(':').ok_or_else(|| AntispamError::Key(blank_free(text)))?;
            entries.push((blank_free(key), blank_free(value)));
        }
        AntispamReport::new(entries, closed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(value: &str, key: &str, expected: Option<&str>, closed: bool) {
        let report: AntispamReport = value.parse().expect(value);
        assert_eq!(report.to_string(), value);
        assert_eq!((report.get(key), report.is_closed()), (expected, closed), "{value}");
    }

    #[test]
    fn reading() {
        check("BCL:0", "BCL", Some("0"), false);
        check("BCL:5;", "BCL", Some("5"), true);
        check("CIP:2001:db8::1;CTRY:;SFS:(1)(2);DIR:INB", "CIP", Some("2001:db8::1"), false);
        check("CIP:2001:db8::1;CTRY:;SFS:(1)(2);DIR:INB;", "CTRY", Some(""), true);
        check("SCL:1;SCL:5", "SCL", Some("1"), false);
        check("SCL:1", "scl", None, false);
    }

    #[test]
    fn blanks_of_folding() {
        let report: AntispamReport = "SCL:-1; SRV: ;\tIPV:CAL ; ".parse().expect("a report");
        assert_eq!(report.to_string(), "SCL:-1;SRV:;IPV:CAL;");
    }

    #[track_caller]
    fn refused(value: &str, expected: &str) {
        assert_eq!(value.parse::<AntispamReport>().map_err(|error| error.to_string()), Err(expected.to_owned()));
    }

    #[test]
    fn what_is_not_read() {
        refused("", "entry without a key: \"\"");
        refused(";", "entry without a key: \"\"");
        refused("...;ucf:0", "entry without a key: \"...\"");
        refused("a b:0", "entry without a key: \"a b\"");
        refused(":0", "entry without a key: \"\"");
        refused("BCL:a\tb", "bad value: \"a\\tb\"");
        refused(&"A:1;".repeat(MAX_ENTRIES + 1), "value too long");
        refused(&format!("A:{}", "x".repeat(MAX_LENGTH)), "value too long");
        let entry = |value: &str| AntispamReport::new(vec![("A".into(), value.into())], false);
        assert_eq!(entry(" x"), Err(AntispamError::Value(" x".into())));
        assert_eq!(entry("x;B:1"), Err(AntispamError::Value("x;B:1".into())));
        assert_eq!(AntispamReport::new(Vec::new(), true), Err(AntispamError::Empty));
        let full = "A:1;".repeat(MAX_ENTRIES).parse::<AntispamReport>();
        assert_eq!(full.map(|report| report.entries().len()), Ok(MAX_ENTRIES));
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_and_read_again(value in "[A-Za:; \t-]{0,40}") {
            if let Ok(report) = value.parse::<AntispamReport>() {
                prop_assert_eq!(report.to_string().parse(), Ok(report));
            }
        }
    }
}
