//! Identifier alignment (RFC 7489 §3.1): whether an authenticated domain speaks for the author's.
//!
//! *Strict* wants the same domain. *Relaxed* wants the same organizational domain (§3.2): the public suffix and one label
//! more. Public suffixes come from the Public Suffix List; a top-level domain that is not on it is a suffix itself (the
//! list's default rule `*`), so the organizational domain of `a.b.fabrikam.example` is `fabrikam.example`. Names are
//! compared in A-labels ([`crate::idn`]). The list is the one that the crate `psl` was built with: rules of its private
//! section come and go with that crate's version.
//!
//! RFC 9989 asks DNS for organizational domains instead of the list: [`crate::dmarc::walk`].

pub mod suite;

use crate::idn::a_labels_or_same;

/// How closely two domains must agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// The same organizational domain.
    #[default]
    Relaxed,
    /// The same domain.
    Strict,
}

impl Mode {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Mode::Relaxed => "relaxed",
            Mode::Strict => "strict",
        }
    }
}

/// The public suffix of the domain and one label more: what somebody registered (RFC 7489 §3.2), in A-labels and lower
/// case. A public suffix has no such domain, nor has a name with an empty label.
pub fn registrable_domain(domain: &str) -> Option<String> {
    let domain = a_labels_or_same(domain);
    if domain.split('.').any(str::is_empty) {
        return None;
    }
    psl::domain_str(&domain).map(str::to_owned)
}

/// The organizational domain, in A-labels and lower case. A public suffix has none, and stands for itself.
pub fn organizational_domain(domain: &str) -> String {
    registrable_domain(domain).unwrap_or_else(|| a_labels_or_same(domain).into_owned())
}

/// Whether the authenticated `identifier` is aligned with the `author` domain. Case and a final dot do not matter; an
/// empty domain is aligned with nothing.
pub fn aligned(identifier: &str, author: &str, mode: Mode) -> bool {
    let (identifier, author) = (a_labels_or_same(identifier), a_labels_or_same(author));
    // An empty author is then equal to no identifier either.
    if identifier.is_empty() {
        return false;
    }
    match mode {
        Mode::Strict => identifier == author,
        Mode::Relaxed => organizational_domain(&identifier) == organizational_domain(&author),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn organizational(domain: &str, expected: &str) {
        assert_eq!(organizational_domain(domain), expected, "{domain}");
    }

    #[test]
    fn organizational_domains() {
        organizational("fabrikam.example", "fabrikam.example");
        organizational("a.b.fabrikam.example", "fabrikam.example");
        organizational("Mail.Fabrikam.Example.", "fabrikam.example");
        organizational("contoso.com", "contoso.com");
        organizational("mail.contoso.com", "contoso.com");
        organizational("contoso.co.uk", "contoso.co.uk");
        organizational("mail.contoso.co.uk", "contoso.co.uk");
        // A private suffix of the list, a wildcard with an exception.
        organizational("tenant.github.io", "tenant.github.io");
        organizational("x.tenant.github.io", "tenant.github.io");
        organizational("x.y.foo.ck", "y.foo.ck");
        organizational("x.www.ck", "www.ck");
        // Suffixes stand for themselves.
        organizational("com", "com");
        organizational("co.uk", "co.uk");
        organizational("example", "example");
        organizational("", "");
        // Internationalized suffixes, in either form.
        organizational("www.食狮.公司.cn", "xn--85x722f.xn--55qx5d.cn");
        organizational("www.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn");
        // No names.
        organizational(".fabrikam.example", ".fabrikam.example");
        organizational("mail..fabrikam.example", "mail..fabrikam.example");
    }

    #[test]
    fn words() {
        assert_eq!([Mode::Relaxed, Mode::Strict].map(Mode::word), ["relaxed", "strict"]);
    }

    #[track_caller]
    fn check(identifier: &str, author: &str, relaxed: bool, strict: bool) {
        assert_eq!(aligned(identifier, author, Mode::Relaxed), relaxed, "{identifier} {author} relaxed");
        assert_eq!(aligned(identifier, author, Mode::Strict), strict, "{identifier} {author} strict");
    }

    #[test]
    fn alignment() {
        check("contoso.example", "contoso.example", true, true);
        check("CONTOSO.example.", "contoso.Example", true, true);
        check("mail.contoso.example", "contoso.example", true, false);
        check("contoso.example", "mail.contoso.example", true, false);
        check("a.contoso.example", "b.contoso.example", true, false);
        check("contoso.example", "fabrikam.example", false, false);
        check("notcontoso.example", "contoso.example", false, false);
        check("contoso.example.evil.example", "contoso.example", false, false);
        check("contoso.com", "contoso.example", false, false);
        // The organizational domain is the list's, not the last two labels.
        check("a.co.uk", "b.co.uk", false, false);
        check("mail.a.co.uk", "a.co.uk", true, false);
        check("a.github.io", "b.github.io", false, false);
        // A suffix speaks for no one below it.
        check("com", "contoso.com", false, false);
        check("example", "contoso.example", false, false);
        check("com", "com", true, true);
        // U-labels and A-labels are the same name.
        check("źródło.example", "xn--rdo-gna01bwk.example", true, true);
        check("poczta.ŹRÓDŁO.example", "xn--rdo-gna01bwk.example", true, false);
        check("食狮.公司.cn", "xn--55qx5d.cn", false, false);
        check("", "", false, false);
        check("", "contoso.example", false, false);
        check("contoso.example", "", false, false);
    }

    proptest! {
        #[test]
        fn laws(a in "([a-c]{1,2}\\.){0,3}(com|example|co\\.uk|ck)", b in "([a-c]{1,2}\\.){0,3}(com|example|co\\.uk|ck)") {
            // Reflexive, symmetric, and strict implies relaxed.
            for mode in [Mode::Relaxed, Mode::Strict] {
                prop_assert!(aligned(&a, &a, mode));
                prop_assert_eq!(aligned(&a, &b, mode), aligned(&b, &a, mode));
                prop_assert_eq!(aligned(&a, &b, mode), aligned(&a.to_uppercase(), &format!("{b}."), mode));
            }
            prop_assert!(!aligned(&a, &b, Mode::Strict) || aligned(&a, &b, Mode::Relaxed));
            // An organizational domain is its own, and a suffix of the domain.
            let organizational = organizational_domain(&a);
            prop_assert_eq!(organizational_domain(&organizational), organizational.clone());
            prop_assert!(a.ends_with(&organizational));
        }

        #[test]
        fn never_panics(a in "\\PC*", b in "\\PC*") {
            aligned(&a, &b, Mode::Relaxed);
        }
    }
}
