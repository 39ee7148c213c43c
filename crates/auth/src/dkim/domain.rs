//! Domains and selectors in tags (RFC 6376 §3.5; RFC 8616 §5 for names beyond US-ASCII).
//!
//! A tag may hold U-labels. For a query, and before two names are compared, they become A-labels, as everywhere
//! ([`crate::idn`]).
//!
//! A label of US-ASCII is letters, digits and hyphens. An underscore is allowed too *(choice)*: the grammar has none,
//! but selectors with underscores are published and used.

use std::fmt;

use crate::idn::a_labels;

/// The longest name, in octets, without final dot (RFC 1035 §2.3.4).
pub const MAX_NAME: usize = 253;
/// The longest label, in octets.
const MAX_LABEL: usize = 63;

/// A domain or a selector: labels with dots between them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Domain {
    text: String,
    ascii: String,
}

impl Domain {
    /// Reads a name of at least `labels` labels; none if it is not one.
    pub fn parse(text: &str, labels: usize) -> Option<Domain> {
        // Each octet of an A-label stands for at most one character, so a text that is too long is not converted.
        if text.len() > 4 * MAX_NAME {
            return None;
        }
        let mut ascii = String::with_capacity(text.len());
        let mut found = 0;
        for label in text.split('.') {
            if found > 0 {
                ascii.push('.');
            }
            ascii.push_str(&a_label(label)?);
            found += 1;
        }
        if found < labels {
            return None;
        }
        (ascii.len() <= MAX_NAME).then(|| Domain { text: text.to_owned(), ascii })
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name in A-labels and in lower case, for queries and comparisons.
    pub fn ascii(&self) -> &str {
        &self.ascii
    }

    /// Whether this is `parent` or a name below it.
    pub fn is_within(&self, parent: &Domain) -> bool {
        match self.ascii.strip_suffix(parent.ascii.as_str()) {
            Some(rest) => rest.is_empty() || rest.ends_with('.'),
            None => false,
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn a_label(label: &str) -> Option<String> {
    let ascii = match label.is_ascii() {
        true => label.to_ascii_lowercase(),
        false => {
            // A tag must not hide a dot or a blank of another script.
            if label.chars().any(|c| c.is_whitespace() || c.is_control() || "。．｡".contains(c)) {
                return None;
            }
            a_labels(label)?
        }
    };
    let letters = ascii.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'));
    let hyphens = ascii.starts_with('-') || ascii.ends_with('-');
    (letters && !hyphens && (1..=MAX_LABEL).contains(&ascii.len())).then_some(ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, ascii: Option<&str>) {
        assert_eq!(Domain::parse(text, 2).as_ref().map(Domain::ascii), ascii, "{text}");
    }

    #[test]
    fn names() {
        check("Example.COM", Some("example.com"));
        check("a-b.c1._x", Some("a-b.c1._x"));
        check("example", None);
        check("example.", None);
        check(".example.com", None);
        check("exam ple.com", None);
        check("-a.example", None);
        check("legitimate.com(.attacker.com", None);
        check("", None);
        assert!(Domain::parse("example", 1).is_some());
        check(&format!("{}.example", "a".repeat(63)), Some(&format!("{}.example", "a".repeat(63))));
        check(&format!("{}.example", "a".repeat(64)), None);
        let long = [&"a".repeat(61)[..]; 5].join(".");
        check(&long[..253], Some(&long[..253]));
        check(&long[..254], None);
        check(&"ä.".repeat(600), None);
    }

    #[test]
    fn u_labels() {
        // RFC 5891, RFC 3492: the best-known example, and labels with and without US-ASCII.
        check("bücher.example", Some("xn--bcher-kva.example"));
        check("BÜCHER.example", Some("xn--bcher-kva.example"));
        check("münchen.straße.example", Some("xn--mnchen-3ya.xn--strae-oqa.example"));
        check("例え.テスト", Some("xn--r8jz45g.xn--zckzah"));
        check("пример.испытание", Some("xn--e1afmkfd.xn--80akhbyknj4f"));
        check("a。b.example", None);
    }

    #[test]
    fn within() {
        let within = |name: &str, parent: &str| {
            Domain::parse(name, 2).expect("a name").is_within(&Domain::parse(parent, 2).expect("a name"))
        };
        assert!(within("example.com", "EXAMPLE.com"));
        assert!(within("a.example.com", "example.com"));
        assert!(within("a.bücher.example", "xn--bcher-kva.example"));
        assert!(!within("badexample.com", "example.com"));
        assert!(!within("example.com", "a.example.com"));
    }
}
