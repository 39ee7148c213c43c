//! Where reports go: the URIs of `rua=` and `ruf=` (RFC 7489 §6.2, RFC 9989 §4.6).
//!
//! A comma and an exclamation mark inside a URI are percent-encoded, because both have a meaning in the list: commas
//! separate URIs, and by RFC 7489 §6.4 an exclamation mark introduces the size of the largest report that is accepted
//! there, `mailto:reports@contoso.example!10m`. RFC 9989 §4.8 reads that size and ignores it.

use std::fmt;

use mxlab_mail::Address;

use super::facts::Rules;

/// The longest URI that is read, in octets.
pub const MAX_URI: usize = 1_000;

/// A URI to which reports should be sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReportUri {
    /// The URI without the size.
    uri: String,
    address: Option<Address>,
    max_size: Option<u64>,
}

impl ReportUri {
    /// Reads one URI of the list; `None` when it is not valid.
    pub fn parse(text: &str, rules: Rules) -> Option<ReportUri> {
        if text.len() > MAX_URI {
            return None;
        }
        let (uri, size) = match text.split_once('!') {
            Some((uri, size)) => (uri, Some(octets(size)?)),
            None => (text, None),
        };
        let (scheme, rest) = uri.split_once(':')?;
        if !is_scheme(scheme) || rest.is_empty() || !is_uri_text(rest) {
            return None;
        }
        let address = match scheme.eq_ignore_ascii_case("mailto") {
            true => Some(mailbox(rest)?),
            false => None,
        };
        let max_size = size.filter(|_| rules == Rules::Rfc7489);
        Some(ReportUri { uri: uri.to_owned(), address, max_size })
    }

    /// The URI, without its size.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The address, when the URI is a `mailto:`.
    pub fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }

    /// The largest report in octets, after compression and encoding, that is accepted there.
    pub fn max_size(&self) -> Option<u64> {
        self.max_size
    }
}

impl fmt::Display for ReportUri {
    /// As in a record, but with the size in octets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.uri)?;
        match self.max_size {
            Some(size) => write!(f, "!{size}"),
            None => Ok(()),
        }
    }
}

/// `10m` → 10 × 2²⁰. A size that is too large becomes the largest number.
fn octets(size: &str) -> Option<u64> {
    let (digits, unit) = match size.char_indices().next_back()? {
        (at, unit) if unit.is_ascii_alphabetic() => (size.get(..at)?, unit.to_ascii_lowercase()),
        _ => (size, 'b'),
    };
    let shift = match unit {
        'b' if digits == size => 0,
        'k' => 10,
        'm' => 20,
        'g' => 30,
        't' => 40,
        _ => return None,
    };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().unwrap_or(u64::MAX);
    Some(number.saturating_mul(1 << shift))
}

/// RFC 3986 §3.1.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character))
}

/// RFC 3986 §2: unreserved and reserved characters, and octets in percent-encoding. The exclamation mark is reserved
/// too, but not part of the URI here.
fn is_uri_text(text: &str) -> bool {
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if character == '%' {
            let digits = rest.get(1..3);
            if !digits.is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit())) {
                return false;
            }
        } else if !character.is_ascii_alphanumeric() && !"-._~:/?#[]@$&'()*+;=".contains(character) {
            return false;
        }
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
    }
    true
}

/// The address of a `mailto:` (RFC 6068 §2); fields after a `?` do not matter here.
fn mailbox(rest: &str) -> Option<Address> {
    let to = rest.split('?').next()?;
    let mut octets = Vec::with_capacity(to.len());
    let mut parts = to.split('%');
    octets.extend(parts.next()?.bytes());
    for part in parts {
        octets.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        octets.extend(part.get(2..)?.bytes());
    }
    String::from_utf8(octets).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, Option<&str>, Option<u64>)>) {
        let read = ReportUri::parse(text, Rules::Rfc7489);
        let parts = read.as_ref().map(|uri| (uri.uri(), uri.address().map(ToString::to_string), uri.max_size()));
        let expected = expected.map(|(uri, address, size)| (uri, address.map(str::to_owned), size));
        assert_eq!(parts, expected, "{text}");
    }

    #[test]
    fn uris() {
        let plain = "mailto:reports@contoso.example";
        let address = Some("reports@contoso.example");
        check(plain, Some((plain, address, None)));
        check("MAILTO:reports@contoso.example", Some(("MAILTO:reports@contoso.example", address, None)));
        for (size, octets) in [
            ("0", 0),
            ("5000", 5_000),
            ("5k", 5 << 10),
            ("10m", 10 << 20),
            ("10M", 10 << 20),
            ("2g", 2 << 30),
            ("1t", 1 << 40),
            ("99999999t", u64::MAX),
            ("99999999999999999999999", u64::MAX),
        ] {
            check(&format!("{plain}!{size}"), Some((plain, address, Some(octets))));
        }
        check("mailto:a%21b@c.example!1k", Some(("mailto:a%21b@c.example", Some("a!b@c.example"), Some(1_024))));
        check("mailto:a%2bb@c.example", Some(("mailto:a%2bb@c.example", Some("a+b@c.example"), None)));
        let with_field = "mailto:a@b.example?subject=report";
        check(with_field, Some((with_field, Some("a@b.example"), None)));
        check("https://reports.example/dmarc?id=1", Some(("https://reports.example/dmarc?id=1", None, None)));
    }

    #[test]
    fn what_is_no_uri() {
        for text in [
            "",
            "reports@contoso.example",
            "mailto:",
            "mailto:reports",
            "mailto:a@b.example,mailto:c@d.example",
            "mailto:a@b.example!",
            "mailto:a@b.example!m",
            "mailto:a@b.example!1x",
            "mailto:a@b.example!1kk",
            "mailto:a@b.example!-1",
            "mailto:a@b.example!1!2",
            "mailto:a b@c.example",
            "mailto:a%4@c.example",
            "mailto:a%zz@c.example",
            "mailto:a%ff@c.example",
            "1https://x.example",
            "ht tps://x.example",
            "https://é.example",
        ] {
            check(text, None);
        }
        check(&format!("https://{}", "x".repeat(MAX_URI)), None);
    }

    #[test]
    fn the_size_is_obsolete() {
        let read = ReportUri::parse("mailto:a@b.example!10m", Rules::Rfc9989).expect("a URI");
        assert_eq!((read.uri(), read.max_size()), ("mailto:a@b.example", None));
        assert_eq!(ReportUri::parse("mailto:a@b.example!10x", Rules::Rfc9989), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in "mailto:[a-z%0-9]{1,8}@[a-z]{1,5}\\.example(![0-9]{1,9}[kmgt]?)?", other in "\\PC*") {
            if let Some(uri) = ReportUri::parse(&text, Rules::Rfc7489) {
                prop_assert_eq!(ReportUri::parse(&uri.to_string(), Rules::Rfc7489), Some(uri));
            }
            let _ = ReportUri::parse(&other, Rules::Rfc7489);
            let _ = ReportUri::parse(&format!("mailto:{other}"), Rules::Rfc9989);
        }
    }
}
