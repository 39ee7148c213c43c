//! Internationalized domain names (RFC 5890): U-labels to A-labels.
//!
//! A mailbox may be at `źródło.example` (RFC 6531); DNS knows that name as `xn--rdo-gna01bwk.example`. SPF, DKIM and
//! DMARC look names up and compare them, so both forms have to mean the same: everything is turned into A-labels first
//! (RFC 8616 §4 to §6, RFC 9989 §5.3.1). The mapping is that of UTS 46 without its transitional forms, which agrees
//! with IDNA2008 for every character that both allow.

use std::borrow::Cow;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use mxlab_mail::address::normalized_domain;

/// The domain in A-labels, in lower case and without final dot; `None` when a label has no such form. A name that is
/// ASCII already is kept as it is: host names may not have underscores, but some do.
pub fn a_labels(domain: &str) -> Option<String> {
    let domain = normalized_domain(domain);
    if domain.is_ascii() {
        return Some(domain);
    }
    let ascii =
        Uts46::new().to_ascii(domain.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow, DnsLength::Ignore).ok()?;
    // The ideographic full stops are dots for UTS 46; at the end they leave an empty label.
    Some(normalized_domain(&ascii))
}

/// As [`a_labels`]; a name without such a form stays as it is, in lower case.
pub fn a_labels_or_same(domain: &str) -> Cow<'_, str> {
    match a_labels(domain) {
        Some(ascii) if ascii == domain => Cow::Borrowed(domain),
        Some(ascii) => Cow::Owned(ascii),
        None => Cow::Owned(normalized_domain(domain)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(domain: &str, expected: Option<&str>) {
        assert_eq!(a_labels(domain).as_deref(), expected, "{domain}");
    }

    #[test]
    fn labels() {
        check("Contoso.Example.", Some("contoso.example"));
        check("_dmarc.Contoso.example", Some("_dmarc.contoso.example"));
        check("źródło.example", Some("xn--rdo-gna01bwk.example"));
        check("ŹRÓDŁO.Example", Some("xn--rdo-gna01bwk.example"));
        check("食狮.公司.cn", Some("xn--85x722f.xn--55qx5d.cn"));
        check("食狮。公司。cn。", Some("xn--85x722f.xn--55qx5d.cn"));
        // IDNA2008 keeps the sharp s, IDNA2003 mapped it to "ss".
        check("straße.example", Some("xn--strae-oqa.example"));
        check("XN--85X722F.cn", Some("xn--85x722f.cn"));
        // ASCII is not checked.
        check("xn--a.example", Some("xn--a.example"));
        check("", Some(""));
        // A label that begins with a combining mark; a soft sign of another direction amid Latin letters.
        check("\u{301}a.example", None);
        check("a\u{627}b.example", None);
    }

    proptest! {
        #[test]
        fn laws(domain in "\\PC{0,20}(\\.\\PC{0,8}){0,3}") {
            if let Some(ascii) = a_labels(&domain) {
                prop_assert!(ascii.is_ascii());
                // One final dot is removed, so a name with several is still not a name.
                prop_assert!(ascii.ends_with('.') || a_labels(&ascii) == Some(ascii.clone()));
            }
            a_labels_or_same(&domain);
        }
    }
}
