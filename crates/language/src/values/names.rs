//! Addresses, domain names, replies, and the names of declared things.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::net::Ipv4Addr;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use mxlab_mail::smtp::reply::{Reply, ReplyError};

use super::{Malformed, Scalar};
use crate::{nearest, zone_text};

macro_rules! text_values {
    ($($(#[doc = $doc:literal])+ $name:ident)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// As it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl Deref for $name {
            type Target = str;
            fn deref(&self) -> &str {
                &self.0
            }
        }
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    )+};
}

text_values! {
    /// An e-mail address.
    Address
    /// An e-mail address, or nothing for the null reverse-path.
    ReversePath
    /// An SMTP reply as a server gives it: `550 5.1.1 User unknown`.
    ReplyText
    /// A full DNS name, without final dot.
    DomainName
    /// A DNS record type: `MX`, `TYPE65280`.
    RecordTypeName
}

impl Address {
    /// The part before the last `@`.
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or(&self.0, |(local, _)| local)
    }

    /// The part after the last `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl Scalar for Address {
    const WHAT: &'static str = "an e-mail address";
    const HELP: &'static str = "write an address such as 'ann@contoso.example'";

    fn parse(text: &str) -> Result<Self, Malformed> {
        use mxlab_mail::address::AddressError;
        let error = match text.parse::<mxlab_mail::address::Address>() {
            // An address literal is an address too, but no file can say what host it leads to.
            Ok(address) => {
                let offset = text.len() - address.domain().len();
                DomainName::parse(address.domain()).map_err(|malformed| Malformed {
                    range: malformed.range.start + offset..malformed.range.end + offset,
                    ..malformed
                })?;
                return Ok(Self(text.to_owned()));
            }
            Err(error) => error,
        };
        let at = text.rfind('@').unwrap_or(text.len());
        Err(match error {
            AddressError::NoAt => Malformed::whole(text, "there is no `@`"),
            AddressError::LocalPart if at == 0 => Malformed::whole(text, "there is nothing before the `@`"),
            AddressError::LocalPart => Malformed::new(0..at, "neither a dot-string nor a quoted string"),
            AddressError::Domain if text.matches('@').count() > 1 => {
                let first = text.find('@').unwrap_or(at);
                Malformed::new(first..text.len(), "an address has one `@`")
            }
            AddressError::Domain => Malformed::new((at + 1).min(text.len())..text.len(), "not a domain name"),
            AddressError::TooLong => Malformed::whole(text, "longer than an address can be"),
            AddressError::Brackets => Malformed::whole(text, "an address without angle brackets is expected"),
        })
    }
}

impl ReversePath {
    /// Whether it is the null reverse-path.
    pub fn is_null(&self) -> bool {
        self.0.is_empty()
    }
}

impl Scalar for ReversePath {
    const WHAT: &'static str = "an e-mail address";
    const HELP: &'static str = "write an address such as 'ann@contoso.example', or '' for the null reverse-path";

    fn parse(text: &str) -> Result<Self, Malformed> {
        if text.is_empty() { Ok(Self(String::new())) } else { Address::parse(text).map(|address| Self(address.0)) }
    }
}

impl ReplyText {
    /// The three digits.
    pub fn code(&self) -> u16 {
        self.0.get(..3).and_then(|digits| digits.parse().ok()).unwrap_or_default()
    }

    /// The text after them; several lines are possible.
    pub fn text(&self) -> &str {
        self.0.get(3..).unwrap_or_default().trim_start_matches([' ', '-'])
    }
}

impl Scalar for ReplyText {
    const WHAT: &'static str = "an SMTP reply";
    const HELP: &'static str = "write a reply as a server gives it, such as '550 5.1.1 User unknown'";

    fn parse(text: &str) -> Result<Self, Malformed> {
        // RFC 5321 §4.2: the first digit is 2 to 5, the second 0 to 5.
        let code = text.as_bytes().get(..3);
        let code = code.filter(|c| matches!(c, [b'2'..=b'5', b'0'..=b'5', b'0'..=b'9']));
        if code.is_none() || !matches!(text.as_bytes().get(3), None | Some(b' ' | b'\r' | b'\n' | b'-')) {
            let end = text.find(char::is_whitespace).unwrap_or(text.len());
            return Err(Malformed::new(0..end, "expected three digits, the first 2 to 5"));
        }
        if let Some(at) = text.find(|c: char| c.is_control() && !matches!(c, '\t' | '\r' | '\n')) {
            return Err(Malformed::new(at..at + 1, "a control character"));
        }
        text.parse::<Reply>().map_err(|error| {
            // From the second line on, what is wrong is further down than the first code.
            let second = text.find('\n').map_or(0, |at| at + 1);
            match error {
                ReplyError::Unfinished if second > 0 => {
                    Malformed::new(second..text.len(), "a reply of several lines has `-` after each code but the last")
                }
                ReplyError::Unfinished => Malformed::whole(text, "a reply ends with a line that has no `-`"),
                ReplyError::CodesDiffer { first, .. } => {
                    Malformed::new(second..text.len(), format!("each line begins with {first}"))
                }
                ReplyError::Garbage { .. } => Malformed::new(second..text.len(), "each line begins with its code"),
                ReplyError::LineTooLong | ReplyError::TooManyLines => Malformed::whole(text, error.to_string()),
            }
        })?;
        Ok(Self(text.to_owned()))
    }
}

impl Scalar for DomainName {
    const WHAT: &'static str = "a domain name";
    const HELP: &'static str = "write the full name without final dot, such as 'fabrikam.example'";

    fn parse(text: &str) -> Result<Self, Malformed> {
        if text == "." {
            return Ok(Self(text.to_owned()));
        }
        if text.len() > 253 {
            return Err(Malformed::whole(text, "longer than 253 bytes"));
        }
        let mut at = 0;
        for label in text.split('.') {
            let range = at..at + label.len();
            if label.is_empty() {
                let name = if at > 0 && at == text.len() { "a final dot" } else { "an empty label" };
                return Err(Malformed::new(at.saturating_sub(1)..at.max(1).min(text.len()), name));
            }
            if label.len() > 63 {
                return Err(Malformed::new(range, "longer than 63 bytes"));
            }
            if let Some(bad) = label.find(|c: char| c.is_ascii() && !(c.is_ascii_alphanumeric() || "-_*".contains(c))) {
                return Err(Malformed::new(at + bad..at + bad + 1, "this character is not allowed in a name"));
            }
            at = range.end + 1;
        }
        Ok(Self(text.to_owned()))
    }
}

impl Scalar for RecordTypeName {
    const WHAT: &'static str = "a record type";
    const HELP: &'static str = "write a type such as MX, TXT, TLSA, or TYPE65280";

    fn parse(text: &str) -> Result<Self, Malformed> {
        if zone_text::is_record_type(text) {
            return Ok(Self(text.to_ascii_uppercase()));
        }
        let nearest = nearest::nearest(text, zone_text::RECORD_TYPES.iter().copied()).map(str::to_owned);
        Err(Malformed { nearest, ..Malformed::whole(text, "no such type") })
    }
}

/// An IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ipv4(pub Ipv4Addr);

impl Scalar for Ipv4 {
    const WHAT: &'static str = "an IPv4 address";
    const HELP: &'static str = "write an address such as '203.0.113.7'";

    fn parse(text: &str) -> Result<Self, Malformed> {
        text.parse().map(Self).map_err(|_| Malformed::whole(text, "expected four numbers up to 255"))
    }
}

/// Texts whose meaning is resolved, each with its own kind of name.
macro_rules! names {
    ($($(#[doc = $doc:literal])+ $name:ident $pattern:literal;)+) => {
        text_values! { $($(#[doc = $doc])+ $name)+ }

        /// What a string of a file is, by the type that it becomes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum TextKind {
            $($(#[doc = $doc])+ $name,)+
            /// Words without a reference in them.
            Plain,
            /// A value with a syntax of its own.
            Scalar,
            /// A key or a text in a part of the file that is wrong and was left out. What it was meant to say is unknown.
            LeftOut,
        }

        impl TextKind {
            /// The kind of the texts whose schema is called `definition`.
            pub(crate) fn of(definition: &str) -> Option<Self> {
                match definition {
                    $(stringify!($name) => Some(Self::$name),)+
                    _ => None,
                }
            }
        }

        $(
            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    String::deserialize(deserializer).map(Self)
                }
            }
            impl JsonSchema for $name {
                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }
                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!({ "type": "string", "pattern": $pattern, "description": concat!($($doc),+).trim() })
                }
            }
        )+
    };
}

names! {
    /// The name of a declared thing, where it is declared.
    Name "^[a-z0-9-]+$";
    /// The short name of a host; `sender` and `receiver` are the engines' own.
    HostRef "^[a-z0-9-]+$";
    /// The name of a certificate.
    CertRef "^[a-z0-9-]+$";
    /// `public`, `self`, or the name of a certificate authority.
    IssuerRef "^[a-z0-9-]+$";
    /// The name of a certificate authority.
    CaRef "^[a-z0-9-]+$";
    /// The name of a key.
    KeyRef "^[a-z0-9-]+$";
    /// The name of a key, or `own`.
    SealRef "^[a-z0-9-]+$";
    /// The name of a tenant.
    TenantRef "^[a-z0-9-]+$";
    /// A zone.
    ZoneRef "^([^ ]*[^ .]|\\.)$";
    /// The name of a message text.
    MessageRef "^[a-z0-9-]+$";
    /// The id of a send, or `ndr`, `delay`, `tls-report`, `dmarc-report`.
    SentRef "^[a-z0-9-]+$";
    /// The address of a recipient or author.
    KnownAddress "^[^ @]+@[^ @]+$";
    /// The name of a fault.
    FaultRef "^[a-z0-9-]+$";
    /// The id of a behaviour.
    BehaviourRef "^[a-z0-9.-]+$";
    /// Master-file text (RFC 1035 section 5).
    ZoneText "";
    /// The text of a message or page, in which braces that fit no reference stay as they are.
    MessageText "";
    /// Text with references in braces.
    Text "";
}
