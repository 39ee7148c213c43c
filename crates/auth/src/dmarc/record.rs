//! The DMARC record (RFC 7489 §6.3, §6.4).

use std::str::FromStr;

use mxlab_mail::address::same_domain;

use crate::alignment::Mode;

/// What the owner asks for when a message fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Policy {
    /// `none`: nothing.
    None,
    /// `quarantine`: treat it as suspicious.
    Quarantine,
    /// `reject`: refuse it.
    Reject,
}

impl Policy {
    /// The word in the record.
    pub fn word(self) -> &'static str {
        match self {
            Policy::None => "none",
            Policy::Quarantine => "quarantine",
            Policy::Reject => "reject",
        }
    }

    fn from_word(word: &str) -> Option<Policy> {
        [Policy::None, Policy::Quarantine, Policy::Reject].into_iter().find(|it| it.word().eq_ignore_ascii_case(word))
    }
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// There is no usable `p=`, nor a `rua=` for which the record would count as `p=none` (RFC 7489 §6.6.3).
    #[error("no usable p=")]
    NoPolicy,
    /// A tag is no `name=value`.
    #[error("malformed tag {tag:?}")]
    Tag {
        /// The tag.
        tag: String,
    },
    /// A tag is given twice.
    #[error("{name}= twice")]
    Twice {
        /// The tag's name.
        name: String,
    },
}

/// A record. Tags that only matter for reports are not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// `p=`: for the domain itself.
    pub policy: Policy,
    /// `sp=`: for its subdomains; `p=` when not given.
    pub subdomain_policy: Policy,
    /// `adkim=`.
    pub adkim: Mode,
    /// `aspf=`.
    pub aspf: Mode,
    /// `pct=`: of how many failing messages in a hundred the policy is asked.
    pub percent: u8,
}

impl Record {
    /// The policy for mail from `author`, when `publisher` publishes this record.
    pub fn policy_for(&self, publisher: &str, author: &str) -> Policy {
        if same_domain(publisher, author) { self.policy } else { self.subdomain_policy }
    }
}

/// Whether a TXT record is a DMARC record: it begins with the tag `v=DMARC1` (RFC 7489 §6.4).
pub fn is_dmarc(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let first = text.split(';').next().unwrap_or_default();
    first.split_once('=').is_some_and(|(name, value)| name.trim() == "v" && value.trim() == "DMARC1")
}

impl FromStr for Record {
    type Err = RecordError;

    /// Reads a record for which [`is_dmarc`] holds. Values that cannot be used count as not given, as RFC 7489 §6.3 has it
    /// for all tags but `v` and `p`; unknown tags are ignored.
    fn from_str(text: &str) -> Result<Record, RecordError> {
        let mut seen: Vec<String> = Vec::new();
        let (mut policy, mut subdomain_policy, mut reports) = (None, None, false);
        let (mut adkim, mut aspf, mut percent) = (Mode::Relaxed, Mode::Relaxed, 100);
        for tag in text.split(';').skip(1).map(str::trim).filter(|tag| !tag.is_empty()) {
            let malformed = || RecordError::Tag { tag: tag.to_owned() };
            let (name, value) = tag.split_once('=').ok_or_else(malformed)?;
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            if seen.contains(&name) {
                return Err(RecordError::Twice { name });
            }
            match name.as_str() {
                "p" => policy = Policy::from_word(value),
                "sp" => subdomain_policy = Policy::from_word(value),
                "adkim" => adkim = mode(value),
                "aspf" => aspf = mode(value),
                "pct" => percent = value.parse().ok().filter(|percent| *percent <= 100).unwrap_or(100),
                "rua" => reports = !value.is_empty(),
                _ => {}
            }
            seen.push(name);
        }
        let policy = policy.or(reports.then_some(Policy::None)).ok_or(RecordError::NoPolicy)?;
        Ok(Record { policy, subdomain_policy: subdomain_policy.unwrap_or(policy), adkim, aspf, percent })
    }
}

fn mode(value: &str) -> Mode {
    if value.eq_ignore_ascii_case("s") { Mode::Strict } else { Mode::Relaxed }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        let outcome = text.parse::<Record>().map(|it| {
            let (p, sp) = (it.policy.word(), it.subdomain_policy.word());
            format!("p={p} sp={sp} adkim={} aspf={} pct={}", it.adkim.word(), it.aspf.word(), it.percent)
        });
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(outcome.map_err(|error| error.to_string()), expected, "{text}");
    }

    #[test]
    fn records() {
        check("v=DMARC1; p=reject", Ok("p=reject sp=reject adkim=relaxed aspf=relaxed pct=100"));
        check("v=DMARC1;p=None;sp=QUARANTINE;", Ok("p=none sp=quarantine adkim=relaxed aspf=relaxed pct=100"));
        check(
            "v=DMARC1; p=quarantine; adkim=s; aspf=S; pct=20",
            Ok("p=quarantine sp=quarantine adkim=strict aspf=strict pct=20"),
        );
        check("v=DMARC1; p=none; pct=200; fo=1; x=y", Ok("p=none sp=none adkim=relaxed aspf=relaxed pct=100"));
        check("v=DMARC1; p = reject ; sp=maybe", Ok("p=reject sp=reject adkim=relaxed aspf=relaxed pct=100"));
        check("v=DMARC1; rua=mailto:a@b.example", Ok("p=none sp=none adkim=relaxed aspf=relaxed pct=100"));
        check("v=DMARC1; p=maybe; rua=mailto:a@b.example", Ok("p=none sp=none adkim=relaxed aspf=relaxed pct=100"));
        check("v=DMARC1", Err("no usable p="));
        check("v=DMARC1; p=maybe", Err("no usable p="));
        check("v=DMARC1; p=none; p=reject", Err("p= twice"));
        check("v=DMARC1; reject", Err("malformed tag \"reject\""));
    }

    #[test]
    fn which_texts_are_records() {
        for (text, expected) in [
            ("v=DMARC1; p=none", true),
            ("v = DMARC1;p=none", true),
            ("v=DMARC1", true),
            ("v=dmarc1; p=none", false),
            ("v=DMARC10; p=none", false),
            ("p=none; v=DMARC1", false),
            ("v=spf1 -all", false),
            ("", false),
        ] {
            assert_eq!(is_dmarc(text.as_bytes()), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "v=DMARC1;?\\PC*") {
            is_dmarc(text.as_bytes());
            let _ = text.parse::<Record>();
        }
    }
}
