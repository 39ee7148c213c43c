//! Names: which texts are names of DNS, and how two of them compare.

use std::net::IpAddr;

use crate::idn::a_labels;

/// The longest name, in octets without the final dot (RFC 7208 §7.3).
pub(super) const MAX_NAME: usize = 253;
/// The longest label, in octets (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;

/// Whether a check can begin at this domain: at least two labels of 1 to 63 letters, digits, hyphens and underscores,
/// at most 253 octets in all (RFC 7208 §4.3). Address literals and the like are not such names.
pub(super) fn is_multi_label_domain(domain: &str) -> bool {
    let of_domain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.');
    domain.bytes().all(of_domain) && domain.contains('.') && is_name(domain)
}

/// Whether a text without final dot is a name of DNS when every octet stands for itself.
fn is_name(text: &str) -> bool {
    let labels = text.split('.').all(|label| (1..=MAX_LABEL).contains(&label.len()));
    labels && text.len() <= MAX_NAME && text.is_ascii()
}

/// The domain without final dot and with its U-labels as A-labels (RFC 8616 §4, RFC 7208 §4.3); the case of other
/// labels stays as it is.
pub(super) fn with_a_labels(domain: &str) -> String {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    if domain.is_ascii() {
        return domain.to_owned();
    }
    let labels: Vec<String> = domain.split('.').map(a_label).collect();
    labels.join(".")
}

fn a_label(label: &str) -> String {
    if label.is_ascii() {
        return label.to_owned();
    }
    // A label that is too long does not fit as an A-label either; the text is kept, and is not a name.
    let encoded = (label.len() <= 4 * MAX_LABEL).then(|| a_labels(label)).flatten();
    encoded.unwrap_or_else(|| label.to_owned())
}

/// What a domain of a term expanded to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A name, every octet of which stands for itself.
    Name(String),
    /// A text that DNS could not hold.
    Unusable {
        text: String,
        /// `is not a name of DNS` or the like.
        why: &'static str,
    },
}

impl Target {
    /// Judges an expansion that has no final dot.
    pub(super) fn of(text: String) -> Target {
        if !text.is_ascii() {
            // RFC 8616 §4: such a term does not match anything.
            return Target::Unusable { text, why: "has characters beyond ASCII" };
        }
        if is_name(&text) { Target::Name(text) } else { Target::Unusable { text, why: "is not a name of DNS" } }
    }

    pub(super) fn text(&self) -> &str {
        match self {
            Target::Name(text) | Target::Unusable { text, .. } => text,
        }
    }
}

/// A name in the form for questions to a [`Dns`](crate::Dns): with backslashes escaped.
pub(super) fn query_form(name: &str) -> String {
    name.replace('\\', "\\\\")
}

/// Whether `name`, as a [`Dns`](crate::Dns) answers it, is `domain` or below it. Compared label by label: an escaped
/// dot separates nothing.
pub(super) fn is_within(name: &str, domain: &str) -> bool {
    let (name, domain) = (labels(name), labels(&query_form(domain)));
    let Some(skip) = name.len().checked_sub(domain.len()) else { return false };
    let own = name.iter().skip(skip);
    own.zip(&domain).all(|(a, b)| a.eq_ignore_ascii_case(b))
}

/// The octets of the labels of a name in the form of RFC 1035 §5.1.
fn labels(name: &str) -> Vec<Vec<u8>> {
    let mut labels = vec![Vec::new()];
    let mut octets = name.bytes();
    while let Some(octet) = octets.next() {
        let label = match octet {
            b'.' => {
                labels.push(Vec::new());
                continue;
            }
            b'\\' => escaped(&mut octets),
            _ => octet,
        };
        if let Some(last) = labels.last_mut() {
            last.push(label);
        }
    }
    labels
}

/// The octet after a backslash: `\DDD`, or itself.
fn escaped(octets: &mut std::str::Bytes<'_>) -> u8 {
    let first = octets.next().unwrap_or(b'\\');
    let mut ahead = octets.clone();
    let digits = [Some(first), ahead.next(), ahead.next()].map(|digit| char::from(digit?).to_digit(10));
    match digits {
        [Some(a), Some(b), Some(c)] => {
            *octets = ahead;
            u8::try_from(a * 100 + b * 10 + c).unwrap_or(first)
        }
        _ => first,
    }
}

/// The name at which the names of an address are found (RFC 1035 §3.5, RFC 3596 §2.5).
pub fn reverse_name(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(ip) => {
            let digits = format!("{:032x}", u128::from(ip));
            let mut name: String = digits.chars().rev().flat_map(|digit| [digit, '.']).collect();
            name.push_str("ip6.arpa");
            name
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multi_label_domains() {
        let longest = format!("{}.{}.{}.{}", "a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61));
        for (domain, expected) in [
            ("contoso.example", true),
            ("_spf.contoso.example", true),
            (longest.as_str(), true),
            (&format!("{longest}e"), false),
            (&format!("{}.example", "a".repeat(64)), false),
            ("example", false),
            ("a..example", false),
            (".example", false),
            ("[192.0.2.1]", false),
            ("a b.example", false),
            ("źródło.example", false),
            ("", false),
        ] {
            assert_eq!(is_multi_label_domain(domain), expected, "{domain}");
        }
    }

    #[test]
    fn a_labels() {
        for (domain, expected) in [
            ("Contoso.example.", "Contoso.example"),
            ("źródło.example", "xn--rdo-gna01bwk.example"),
            ("mail.BÜCHER.example", "mail.xn--bcher-kva.example"),
            ("ü..example", "xn--tda..example"),
        ] {
            assert_eq!(with_a_labels(domain), expected, "{domain}");
        }
        // A label whose characters take more octets than its A-label has.
        let (longest, ascii) = ("𠀀".repeat(56), format!("xn--j50i{}.example", "a".repeat(55)));
        assert_eq!(with_a_labels(&format!("{longest}.example")), ascii);
        let endless = "ü".repeat(1_000);
        assert_eq!(with_a_labels(&endless), endless);
    }

    #[test]
    fn targets() {
        let name = |text: &str| Target::Name(text.to_owned());
        assert_eq!(Target::of("foo:bar/baz.example".into()), name("foo:bar/baz.example"));
        assert_eq!(Target::of("a b%\\\"@.example".into()), name("a b%\\\"@.example"));
        assert_eq!(Target::of("single".into()), name("single"));
        for text in ["", "a..example", ".example", "a.example.", &"a".repeat(64)] {
            assert_eq!(
                Target::of(text.to_owned()),
                Target::Unusable { text: text.to_owned(), why: "is not a name of DNS" }
            );
        }
        assert_eq!(
            Target::of("ä.example".into()),
            Target::Unusable { text: "ä.example".into(), why: "has characters beyond ASCII" }
        );
        assert_eq!(query_form("a\\b.example"), "a\\\\b.example");
    }

    #[test]
    fn which_names_lie_within() {
        for (name, domain, expected) in [
            ("mail.contoso.example", "contoso.example", true),
            ("Contoso.Example", "contoso.example", true),
            ("mail.contoso.example", "CONTOSO.example", true),
            ("notcontoso.example", "contoso.example", false),
            ("example", "contoso.example", false),
            ("contoso.example.test", "contoso.example", false),
            // The dot belongs to the label.
            ("mail\\.contoso.example", "contoso.example", false),
            ("mail\\046contoso.example", "contoso.example", false),
            ("x.a\\@b.example", "a@b.example", true),
            ("x.a\\064b.example", "a@b.example", true),
            ("x.a\\123b.example", "a{b.example", true),
            ("x.a\\223b.example", "a{b.example", false),
            ("x.a\\\\b.example", "a\\b.example", true),
            ("x\\", "x", false),
        ] {
            assert_eq!(is_within(name, domain), expected, "{name} {domain}");
        }
    }

    #[test]
    fn reverse_names() {
        assert_eq!(reverse_name([192, 0, 2, 10].into()), "10.2.0.192.in-addr.arpa");
        let ip = "2001:db8::cb01".parse().expect("an address");
        let expected = "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
        assert_eq!(reverse_name(ip), expected);
    }
}
