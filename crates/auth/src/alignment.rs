//! The basis of identifier alignment (RFC 7489 §3.1): whether an authenticated domain speaks for the author's domain.
//!
//! *Strict* requires the same domain. *Relaxed* requires the same organizational domain (§3.2): the public suffix and
//! one label more. Public suffixes come from the Public Suffix List; a top-level domain that is not on it is a suffix
//! itself (the list's default rule `*`), so the organizational domain of `a.b.fabrikam.example` is `fabrikam.example`.
//! Names are compared in A-labels ([`crate::idn`]). The list is the one that the crate `psl` was built with: rules of
//! its private section come and go with that crate's version.
//!
//! RFC 9989 finds organizational domains in DNS instead of the list: [`crate::dmarc::walk`]. Domains are compared in
//! [`crate::dmarc::identifiers`].

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
/// case. A public suffix has no such domain, nor does a name with an empty label.
pub fn registrable_domain(domain: &str) -> Option<String> {
    let domain = a_labels_or_same(domain);
    if domain.split('.').any(str::is_empty) {
        return None;
    }
    psl::domain_str(&domain).map(str::to_owned)
}

/// The organizational domain, in A-labels and lower case. A public suffix has none, and is returned itself.
pub fn organizational_domain(domain: &str) -> String {
    registrable_domain(domain).unwrap_or_else(|| a_labels_or_same(domain).into_owned())
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
        // Suffixes are returned unchanged.
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

    proptest! {
        /// The organizational domain of an organizational domain is itself; it is a suffix of the domain.
        #[test]
        fn organizational_domains_are_their_own(domain in "([a-c]{1,2}\\.){0,3}(com|example|co\\.uk|ck)") {
            let organizational = organizational_domain(&domain);
            prop_assert_eq!(organizational_domain(&organizational), organizational.clone());
            prop_assert!(domain.ends_with(&organizational));
        }

        #[test]
        fn never_panics(domain in "\\PC*") {
            organizational_domain(&domain);
        }
    }
}
