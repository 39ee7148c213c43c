//! The scalar values of the language: times, durations, counts, codes, addresses, and the names of declared things.
//!
//! [`Scalar::parse`] parses each from its text, and says what is wrong and where. The same parser serves the check of
//! the tree and the decoding into types.

mod dialogue;
mod names;
mod times;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer};

pub use dialogue::{DialogueLine, DialogueLines};
pub use names::*;
use times::DURATION_PATTERN;
pub(crate) use times::instant;
pub use times::{Day, Duration, Epoch, Time, format_offset};

/// What is wrong with the text of a scalar, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// What stands there.
    pub label: String,
    /// The nearest known word, if the words are known.
    pub nearest: Option<String>,
}

impl Malformed {
    fn new(range: Range<usize>, label: impl Into<String>) -> Self {
        Self { range, label: label.into(), nearest: None }
    }

    fn whole(text: &str, label: impl Into<String>) -> Self {
        Self::new(0..text.len(), label)
    }
}

/// A value that is written as a string with its own syntax.
pub trait Scalar: Sized {
    /// What it is, with its article: `a duration`.
    const WHAT: &'static str;
    /// How to write it.
    const HELP: &'static str;
    /// Parses it.
    ///
    /// # Errors
    /// The part that is wrong.
    fn parse(text: &str) -> Result<Self, Malformed>;
}

/// What the tree check needs to know about a [`Scalar`].
pub(crate) struct ScalarInfo {
    pub(crate) what: &'static str,
    pub(crate) help: &'static str,
    pub(crate) check: fn(&str) -> Result<(), Malformed>,
}

/// The scalar whose schema is called `definition`.
pub(crate) fn scalar_named(definition: &str) -> Option<ScalarInfo> {
    fn info<T: Scalar>() -> ScalarInfo {
        ScalarInfo { what: T::WHAT, help: T::HELP, check: |text| T::parse(text).map(|_| ()) }
    }
    Some(match definition {
        "Duration" => info::<Duration>(),
        "Time" => info::<Time>(),
        "Count" => info::<Count>(),
        "EnhancedCode" => info::<EnhancedCode>(),
        "Address" => info::<Address>(),
        "ReversePath" => info::<ReversePath>(),
        "ReplyText" => info::<ReplyText>(),
        "Rate" => info::<Rate>(),
        "DomainName" => info::<DomainName>(),
        "Ipv4" => info::<Ipv4>(),
        "SpoofPair" => info::<SpoofPair>(),
        "RecordTypeName" => info::<RecordTypeName>(),
        "Without" => info::<Without>(),
        "DialogueLines" => info::<DialogueLines>(),
        _ => return None,
    })
}
macro_rules! scalar_traits {
    ($($name:ident { $($schema:tt)* })+) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(|malformed| D::Error::custom(malformed.label))
            }
        }
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ $($schema)* })
            }
        }
    )+};
}

scalar_traits! {
    Duration { "type": "string", "pattern": DURATION_PATTERN, "description": "A duration: 90s, 1h30m, 2d" }
    EnhancedCode { "type": "string", "pattern": r"^[245]\.[0-9]{1,3}\.[0-9]{1,3}$", "description": "An enhanced status code: 4.7.323" }
    Address { "type": "string", "pattern": "^[^ @]+@[^ @]+$", "description": "An e-mail address" }
    ReversePath { "type": "string", "pattern": "^([^ @]+@[^ @]+)?$", "description": "An e-mail address, or nothing for the null reverse-path" }
    ReplyText { "type": "string", "pattern": r"^[2-5][0-9]{2}(\s|$)", "description": "An SMTP reply: 550 5.1.1 User unknown" }
    Rate { "type": "string", "pattern": "^[0-9]+ per [0-9dhms]+$", "description": "A rate: 1 per 20m" }
    DomainName { "type": "string", "pattern": r"^[^ ]*[^ .]$|^\.$", "description": "A full DNS name without final dot" }
    Ipv4 { "type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]{1,3}){3}$", "description": "An IPv4 address" }
    SpoofPair { "type": "string", "pattern": "^[^,]+,[^,]+$", "description": "A pair of the Tenant Allow/Block List: <spoofed user>, <sending infrastructure>" }
    RecordTypeName { "type": "string", "pattern": "^[A-Za-z0-9]+$", "description": "A DNS record type" }
    Without { "type": "string", "pattern": "^[^ ]+( [A-Za-z0-9]+)?$", "description": "An owner, or an owner and a type: mx2, mx2 A" }
    DialogueLines { "type": "string", "pattern": "^([CS]: |C:)", "description": "The lines of a session, each with its speaker: C: QUIT" }
}

// Simpler than the parser: the order of units needs lookahead, which not all tools have.
/// How often something is expected: `2`, `"1..2"`, `"3.."`, `"..5"`; both ends count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The least.
    pub least: u64,
    /// The most, if there is a most.
    pub most: Option<u64>,
}

impl Count {
    /// Whether `count` is expected.
    pub fn contains(self, count: u64) -> bool {
        self.least <= count && self.most.is_none_or(|most| count <= most)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.most {
            Some(most) if most == self.least => write!(f, "{most}"),
            Some(most) => write!(f, "{}..{most}", self.least),
            None => write!(f, "{}..", self.least),
        }
    }
}

impl Scalar for Count {
    const WHAT: &'static str = "a count";
    const HELP: &'static str = "write a number, or a range whose ends both count: 2, '1..2', '3..', '..5'";

    fn parse(text: &str) -> Result<Self, Malformed> {
        let Some((least, most)) = text.split_once("..") else {
            let label = if text.parse::<u64>().is_ok() { "a number has no quotes" } else { "no range" };
            return Err(Malformed::whole(text, label));
        };
        let end = |part: &str, range: Range<usize>| match part {
            "" => Ok(None),
            part if !part.bytes().all(|b| b.is_ascii_digit()) => Err(Malformed::new(range, "not a number")),
            part => part.parse().map(Some).map_err(|_| Malformed::new(range, "too large")),
        };
        let least_end = end(least, 0..least.len())?;
        let most_end = end(most, text.len() - most.len()..text.len())?;
        let count = Self { least: least_end.unwrap_or(0), most: most_end };
        match (least_end, most_end) {
            (None, None) => Err(Malformed::whole(text, "at least one end is needed")),
            (_, Some(most)) if most < count.least => Err(Malformed::whole(text, "it ends before it begins")),
            _ => Ok(count),
        }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountVisitor;
        impl Visitor<'_> for CountVisitor {
            type Value = Count;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a count")
            }
            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Count, E> {
                let number = u64::try_from(number).map_err(|_| E::custom("a count is not negative"))?;
                self.visit_u64(number)
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Count, E> {
                Ok(Count { least: number, most: Some(number) })
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Count, E> {
                Count::parse(text).map_err(|malformed| E::custom(malformed.label))
            }
        }
        deserializer.deserialize_any(CountVisitor)
    }
}

impl JsonSchema for Count {
    fn schema_name() -> Cow<'static, str> {
        "Count".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number, or a range whose ends both count: 2, 1..2, 3.., ..5",
            "type": ["integer", "string"],
            "minimum": 0,
            "pattern": r"^([0-9]+\.\.[0-9]*|\.\.[0-9]+)$",
        })
    }
}

/// An enhanced status code (RFC 3463): `4.7.323`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnhancedCode {
    /// 2, 4 or 5.
    pub class: u16,
    /// What it is about.
    pub subject: u16,
    /// What it is.
    pub detail: u16,
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

impl Scalar for EnhancedCode {
    const WHAT: &'static str = "an enhanced status code";
    const HELP: &'static str = "write an enhanced status code such as '4.7.323'";

    fn parse(text: &str) -> Result<Self, Malformed> {
        // RFC 3463 §2: subject and detail have one to three digits.
        let number = |part: Option<&str>| {
            part.filter(|p| (1..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()))?.parse::<u16>().ok()
        };
        let mut parts = text.split('.');
        let code = (number(parts.next()), number(parts.next()), number(parts.next()), parts.next());
        match code {
            (Some(class @ (2 | 4 | 5)), Some(subject), Some(detail), None) => Ok(Self { class, subject, detail }),
            _ => Err(Malformed::whole(text, "three numbers, the first 2, 4 or 5")),
        }
    }
}

/// So many sessions in such a time: `1 per 20m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So many.
    pub sessions: u32,
    /// In such a time.
    pub per: Duration,
}

impl Scalar for Rate {
    const WHAT: &'static str = "a rate";
    const HELP: &'static str = "write a rate such as '1 per 20m'";

    fn parse(text: &str) -> Result<Self, Malformed> {
        let Some((sessions, per)) = text.split_once(" per ") else {
            return Err(Malformed::whole(text, "expected a number, `per`, a duration"));
        };
        let number = sessions.parse().map_err(|_| Malformed::new(0..sessions.len(), "expected a number"))?;
        let offset = text.len() - per.len();
        let per = Duration::parse(per).map_err(|malformed| Malformed {
            range: malformed.range.start + offset..malformed.range.end + offset,
            ..malformed
        })?;
        Ok(Self { sessions: number, per })
    }
}

/// A pair of the Tenant Allow/Block List as the administrator types it: `ceo@contoso.example, mailer.example`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoofPair {
    /// An address, a domain, or `*`.
    pub spoofed_user: String,
    /// A domain or a network of 256 addresses, or `*`.
    pub infrastructure: String,
}

impl Scalar for SpoofPair {
    const WHAT: &'static str = "a pair";
    const HELP: &'static str = "write '<spoofed user>, <sending infrastructure>', such as '*, 198.51.100.0/24'";

    fn parse(text: &str) -> Result<Self, Malformed> {
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        match parts[..] {
            [user, infrastructure] if !user.is_empty() && !infrastructure.is_empty() => {
                Ok(Self { spoofed_user: user.to_owned(), infrastructure: infrastructure.to_owned() })
            }
            _ => Err(Malformed::whole(text, "expected two parts with a comma between")),
        }
    }
}

/// Records to leave out: of one owner, or of one owner and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Without {
    /// The owner as written.
    pub owner: String,
    /// The type, in capitals; all types if there is none.
    pub rtype: Option<String>,
}

impl Scalar for Without {
    const WHAT: &'static str = "an owner, or an owner and a type";
    const HELP: &'static str = "write an owner such as 'mx2', or an owner and a type such as 'mx2 A'";

    fn parse(text: &str) -> Result<Self, Malformed> {
        let mut parts = text.split_whitespace();
        let (owner, rtype, more) = (parts.next(), parts.next(), parts.next());
        let Some(owner) = owner.filter(|_| more.is_none()) else {
            return Err(Malformed::whole(text, "expected one or two words"));
        };
        if let Some(rtype) = rtype {
            let offset = text.rfind(rtype).unwrap_or_default();
            RecordTypeName::parse(rtype)
                .map_err(|malformed| Malformed { range: offset..offset + rtype.len(), ..malformed })?;
        }
        Ok(Self { owner: owner.to_owned(), rtype: rtype.map(str::to_ascii_uppercase) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_times() {
        let check = |text: &str, expected: Result<u64, &str>| {
            let parsed = Duration::parse(text).map(|duration| duration.get().as_millis() as u64);
            assert_eq!(
                parsed.as_ref().map_err(|malformed| malformed.label.as_str()),
                expected.as_ref().map_err(|e| *e),
                "{text}"
            );
        };
        check("90s", Ok(90_000));
        check("1h30m", Ok(5_400_000));
        check("2d", Ok(172_800_000));
        check("1d2h3m4s5ms", Ok(93_784_005));
        check("0s", Ok(0));
        check("", Err("a number and a unit are missing"));
        check("h", Err("expected a number"));
        check("5", Err("a unit is missing"));
        check("5min", Err("unknown unit `min`"));
        check("1h1h", Err("units go from large to small, each once"));
        check("99999999999999999999d", Err("longer than a hundred years"));
        check("36501d", Err("longer than a hundred years"));
        check("1é", Err("unknown unit `é`"));
        let epoch = crate::scenario::DEFAULT_EPOCH;
        let at = |text: &str| Time::parse(text).map(|time| time.at(epoch).to_string());
        assert_eq!(at("+1h30m"), Ok("2026-03-02T09:30:00Z".into()));
        assert_eq!(at("-30d"), Ok("2026-01-31T08:00:00Z".into()));
        assert!(at("1h").is_err() && at("+").is_err() && at("+ 1h").is_err());
    }

    #[test]
    fn counts() {
        let check = |text: &str, inside: &[u64], outside: &[u64]| {
            let count = Count::parse(text).expect(text);
            assert!(inside.iter().all(|number| count.contains(*number)), "{text}");
            assert!(!outside.iter().any(|number| count.contains(*number)), "{text}");
        };
        check("1..2", &[1, 2], &[0, 3]);
        check("3..", &[3, u64::MAX], &[2]);
        check("..5", &[0, 5], &[6]);
        for wrong in ["..", "2", "a..b", "2..1", "-1..2", "1...2", ""] {
            assert!(Count::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn codes_addresses_and_names() {
        for (right, wrong) in [("4.7.323", "4.7"), ("5.0.0", "3.1.1"), ("2.1.5", "4.7.323.1"), ("4.7.1", "4.7.1x")] {
            assert_eq!(EnhancedCode::parse(right).expect(right).to_string(), right);
            assert!(EnhancedCode::parse(wrong).is_err(), "{wrong}");
        }
        for (right, wrong) in [("a@b.example", "@b.example"), ("\"a@b\"@c", "a@b@c"), ("ü@bücher.example", "a b@c")] {
            assert!(Address::parse(right).is_ok(), "{right}");
            assert!(Address::parse(wrong).is_err(), "{wrong}");
        }
        for (right, wrong) in [(".", ""), ("_dmarc.a.example", "a..b"), ("a", "a."), ("*.b", ".a"), ("0", "a b")] {
            assert!(DomainName::parse(right).is_ok(), "{right}");
            assert!(DomainName::parse(wrong).is_err(), "{wrong}");
        }
        let reply = ReplyText::parse("452 4.2.2 Mailbox full").expect("it is one");
        assert_eq!((reply.code(), reply.text()), (452, "4.2.2 Mailbox full"));
        assert!(
            ReplyText::parse("1xx").is_err() && ReplyText::parse("25").is_err() && ReplyText::parse("2500").is_err()
        );
    }
}
