//! The DMARC record (RFC 7489 §6.3 and §6.4, RFC 9989 §4.7 and §4.8).
//!
//! A record is a list of tags, `name=value` with semicolons between them; the first is `v=DMARC1`, spelled exactly so.
//! Tags that the standard in use does not know are ignored: `t` and `psd` are new in RFC 9989, and `pct`, `rf`, `ri`
//! are no longer in it. A known tag with a wrong value counts as not given, and is kept as a [`Defect`]; only a tag
//! that is given twice spoils the whole list, by the rule of DKIM's tag lists, on which DMARC's are based (RFC 6376
//! §3.2). Names of tags and words of values are compared without regard to case, as in the grammars.
//!
//! A policy that cannot be used is more than a defect: see [`Record::policies`].

use std::collections::BTreeSet;
use std::fmt;

use super::facts::Rules;
use super::uri::ReportUri;
use crate::alignment::Mode;

/// The longest record, in octets: what a TXT record can hold.
pub const MAX_LENGTH: usize = 65_535;
/// The most URIs that are kept of `rua=` and of `ruf=`.
pub const MAX_URIS: usize = 100;

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

    pub(crate) fn from_word(word: &str) -> Option<Policy> {
        [Policy::None, Policy::Quarantine, Policy::Reject].into_iter().find(|it| it.word().eq_ignore_ascii_case(word))
    }

    /// The next weaker policy: it applies to a message outside the share of `pct=` (RFC 7489 §6.6.4), or while the
    /// owner is testing (`t=y`, RFC 9989 §4.7).
    pub fn one_level_below(self) -> Policy {
        match self {
            Policy::Reject => Policy::Quarantine,
            Policy::Quarantine | Policy::None => Policy::None,
        }
    }
}

/// What the domain says about itself in `psd=` (RFC 9989 §4.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Psd {
    /// `y`: it is a public suffix.
    Yes,
    /// `n`: it is the organizational domain of itself and all below.
    No,
    /// `u`: the tree walk determines it.
    #[default]
    Unsaid,
}

/// When failure reports are wanted: a letter of `fo=` (RFC 7489 §6.3). This crate writes no such reports; aggregate
/// reports repeat the letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureOption {
    /// `0`: when nothing gives an aligned pass.
    All,
    /// `1`: when anything gives a result other than an aligned pass.
    Any,
    /// `d`: when a DKIM signature fails.
    Dkim,
    /// `s`: when SPF fails.
    Spf,
}

impl FailureOption {
    const ALL: [FailureOption; 4] = [FailureOption::All, FailureOption::Any, FailureOption::Dkim, FailureOption::Spf];

    /// The letter in the record.
    pub fn letter(self) -> &'static str {
        match self {
            FailureOption::All => "0",
            FailureOption::Any => "1",
            FailureOption::Dkim => "d",
            FailureOption::Spf => "s",
        }
    }
}

/// Why a text is not a record that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It does not begin with `v=DMARC1`.
    #[error("no v=DMARC1 at the beginning")]
    Version,
    /// Longer than [`MAX_LENGTH`].
    #[error("longer than {MAX_LENGTH} octets")]
    TooLong,
    /// A tag is given twice.
    #[error("{name}= twice")]
    Twice {
        /// The tag's name.
        name: String,
    },
    /// `p=` is missing or not valid, and there is no valid URI in `rua=` for which the record would count as `p=none`.
    #[error("no usable p=")]
    NoPolicy,
    /// As [`RecordError::NoPolicy`], for `sp=` or `np=`.
    #[error("{name}= is not valid")]
    SubdomainPolicy {
        /// The tag's name.
        name: &'static str,
    },
}

/// A tag that cannot be understood; it counts as not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// The tag as it stands, cut after 80 characters.
    pub tag: String,
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" cannot be understood", self.tag)
    }
}

/// A policy tag as it was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Given {
    /// Not there.
    #[default]
    Absent,
    /// Present, with a word that is not a policy.
    Invalid,
    /// There.
    Policy(Policy),
}

impl Given {
    fn policy(self) -> Option<Policy> {
        match self {
            Given::Policy(policy) => Some(policy),
            Given::Absent | Given::Invalid => None,
        }
    }
}

/// A record, read by the rules of one standard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// `p=`: for the domain itself.
    pub policy: Given,
    /// `sp=`: for its subdomains.
    pub subdomain_policy: Given,
    /// `np=`: for those of its subdomains that do not exist (RFC 9091 §3.2, RFC 9989 §4.7).
    pub nonexistent_policy: Given,
    /// `adkim=`.
    pub adkim: Mode,
    /// `aspf=`.
    pub aspf: Mode,
    /// `pct=`: the percentage of failing messages to which the policy applies.
    pub percent: u8,
    /// `t=y`: the owner is testing.
    pub testing: bool,
    /// `psd=`.
    pub psd: Psd,
    /// `rua=`: where aggregate reports go.
    pub aggregate: Vec<ReportUri>,
    /// `ruf=`: where failure reports go.
    pub failure: Vec<ReportUri>,
    /// `fo=`, in the order of the record.
    pub failure_options: Vec<FailureOption>,
    /// `rf=`: the forms of failure reports, in lower case.
    pub failure_formats: Vec<String>,
    /// `ri=`: the interval between aggregate reports that the owner would like, in seconds.
    pub interval: u32,
    /// The tags that could not be understood.
    pub defects: Vec<Defect>,
}

/// The usable policies of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policies {
    /// For the domain itself.
    pub policy: Policy,
    /// For its subdomains, if given.
    pub subdomain: Option<Policy>,
    /// For subdomains that do not exist.
    pub nonexistent: Option<Policy>,
    /// Whether the record counts as `p=none` because its own policies cannot be used.
    pub replaced: bool,
}

impl Record {
    /// The policies that the record asks for.
    ///
    /// Without a valid `p=`, or with an `sp=` or `np=` that is not valid, the record counts as `p=none` if it names a
    /// valid URI in `rua=` (RFC 7489 §6.6.3, RFC 9091 §3.6, RFC 9989 §4.10.1). RFC 9989 §4.7 says that a missing `p=`
    /// counts as `p=none`, and refers to §4.10.1, which also requires that URI.
    ///
    /// # Errors
    /// When there is no such URI: then DMARC is not applied.
    pub fn policies(&self) -> Result<Policies, RecordError> {
        let error = match (self.policy, self.subdomain_policy, self.nonexistent_policy) {
            (_, Given::Invalid, _) => RecordError::SubdomainPolicy { name: "sp" },
            (_, _, Given::Invalid) => RecordError::SubdomainPolicy { name: "np" },
            (Given::Policy(policy), subdomain, nonexistent) => {
                let (subdomain, nonexistent) = (subdomain.policy(), nonexistent.policy());
                return Ok(Policies { policy, subdomain, nonexistent, replaced: false });
            }
            (Given::Absent | Given::Invalid, _, _) => RecordError::NoPolicy,
        };
        match self.aggregate.is_empty() {
            true => Err(error),
            false => Ok(Policies { policy: Policy::None, subdomain: None, nonexistent: None, replaced: true }),
        }
    }
}

/// Whether a TXT record is a DMARC record: it begins with the tag `v=DMARC1` (RFC 7489 §6.4).
pub fn is_dmarc(text: &[u8]) -> bool {
    let first = String::from_utf8_lossy(text.split(|octet| *octet == b';').next().unwrap_or_default());
    first.split_once('=').is_some_and(|(name, value)| {
        name.trim_end_matches(BLANKS).eq_ignore_ascii_case("v") && value.trim_matches(BLANKS) == "DMARC1"
    })
}

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    /// When the text is not a record, or not a list of tags. Whether its policies can be used is for
    /// [`Record::policies`].
    pub fn parse(text: &str, rules: Rules) -> Result<Record, RecordError> {
        if text.len() > MAX_LENGTH {
            return Err(RecordError::TooLong);
        }
        if !is_dmarc(text.as_bytes()) {
            return Err(RecordError::Version);
        }
        let mut record = Record::default();
        let mut seen = BTreeSet::from(["v".to_owned()]);
        for tag in text.split(';').skip(1).map(|tag| tag.trim_matches(BLANKS)).filter(|tag| !tag.is_empty()) {
            let Some((name, value)) = tag.split_once('=') else {
                record.spoilt(tag);
                continue;
            };
            let (name, value) = (name.trim_end_matches(BLANKS).to_ascii_lowercase(), value.trim_start_matches(BLANKS));
            // A policy that is not valid is a defect with consequences, so it is kept both here and in its place.
            if record.take(&name, value, rules).is_none() {
                record.spoilt(tag);
            }
            if let Some(name) = seen.replace(name) {
                return Err(RecordError::Twice { name });
            }
        }
        Ok(record)
    }

    /// Stores the value of a tag. `None` when the value is not valid.
    fn take(&mut self, name: &str, value: &str, rules: Rules) -> Option<()> {
        let older = rules == Rules::Rfc7489;
        match name {
            "p" => policy(&mut self.policy, value)?,
            "sp" => policy(&mut self.subdomain_policy, value)?,
            "np" => policy(&mut self.nonexistent_policy, value)?,
            "adkim" => self.adkim = mode(value)?,
            "aspf" => self.aspf = mode(value)?,
            "fo" => self.failure_options = failure_options(value, rules)?,
            "rua" => return uris(&mut self.aggregate, value, rules),
            "ruf" => return uris(&mut self.failure, value, rules),
            "pct" if older => self.percent = number(value, 3).filter(|percent| *percent <= 100)?.try_into().ok()?,
            "ri" if older => self.interval = number(value, 10)?,
            "rf" if older => self.failure_formats = formats(value)?,
            "t" if !older => self.testing = yes_or_no(value)?,
            "psd" if !older => {
                self.psd = match yes_or_no(value) {
                    Some(true) => Psd::Yes,
                    Some(false) => Psd::No,
                    None if value.eq_ignore_ascii_case("u") => Psd::Unsaid,
                    None => return None,
                };
            }
            // RFC 7489 §6.3: unknown tags are ignored.
            _ if !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'_') => {}
            _ => return None,
        }
        Some(())
    }

    fn spoilt(&mut self, tag: &str) {
        self.defects.push(Defect { tag: tag.chars().take(80).collect() });
    }
}

impl Default for Record {
    /// The defaults for missing tags.
    fn default() -> Record {
        Record {
            policy: Given::Absent,
            subdomain_policy: Given::Absent,
            nonexistent_policy: Given::Absent,
            adkim: Mode::Relaxed,
            aspf: Mode::Relaxed,
            percent: 100,
            testing: false,
            psd: Psd::Unsaid,
            aggregate: Vec::new(),
            failure: Vec::new(),
            failure_options: vec![FailureOption::All],
            failure_formats: vec!["afrf".to_owned()],
            interval: 86_400,
            defects: Vec::new(),
        }
    }
}

/// WSP of RFC 5234.
const BLANKS: [char; 2] = [' ', '\t'];

fn policy(place: &mut Given, value: &str) -> Option<()> {
    let policy = Policy::from_word(value);
    *place = policy.map_or(Given::Invalid, Given::Policy);
    policy.map(|_| ())
}

fn mode(value: &str) -> Option<Mode> {
    match value {
        "s" | "S" => Some(Mode::Strict),
        "r" | "R" => Some(Mode::Relaxed),
        _ => None,
    }
}

fn yes_or_no(value: &str) -> Option<bool> {
    match value {
        "y" | "Y" => Some(true),
        "n" | "N" => Some(false),
        _ => None,
    }
}

/// A number of at most so many digits, and no sign.
fn number(value: &str, digits: usize) -> Option<u32> {
    let valid = !value.is_empty() && value.len() <= digits && value.bytes().all(|digit| digit.is_ascii_digit());
    value.parse().ok().filter(|_| valid)
}

/// Each letter once; RFC 9989 §4.7 does not allow `0` beside `1`.
fn failure_options(value: &str, rules: Rules) -> Option<Vec<FailureOption>> {
    let mut options = Vec::new();
    for word in value.split(':').map(|word| word.trim_matches(BLANKS)) {
        let option = FailureOption::ALL.into_iter().find(|option| option.letter().eq_ignore_ascii_case(word))?;
        match options.contains(&option) {
            true if rules == Rules::Rfc9989 => return None,
            true => {}
            false => options.push(option),
        }
    }
    let both = options.contains(&FailureOption::All) && options.contains(&FailureOption::Any);
    (rules == Rules::Rfc7489 || !both).then_some(options)
}

/// `afrf` is the only format (RFC 7489 §6.3); a list without it counts as not given.
fn formats(value: &str) -> Option<Vec<String>> {
    let words: Vec<String> = value.split(':').map(|word| word.trim_matches(BLANKS).to_ascii_lowercase()).collect();
    words.iter().any(|word| word == "afrf").then_some(words)
}

/// The URIs of a list that are valid; `None` when one is not.
fn uris(place: &mut Vec<ReportUri>, value: &str, rules: Rules) -> Option<()> {
    let mut all = Some(());
    for text in value.split(',').map(|text| text.trim_matches(BLANKS)) {
        match ReportUri::parse(text, rules) {
            Some(uri) if place.len() < MAX_URIS => place.push(uri),
            _ => all = None,
        }
    }
    all
}

#[cfg(test)]
mod tests;
