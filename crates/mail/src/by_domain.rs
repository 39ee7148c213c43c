//! Settings that belong to a domain, and the one place where they are looked up.
//!
//! A domain is the same name in capitals and in small letters, with and without a final dot (RFC 5321 §2.4, RFC 1035
//! §2.3.3). [`ByDomain`] brings every name into one form, when it is put in and when it is asked for, so no caller can
//! forget to.

use std::collections::BTreeMap;

use crate::address::normalized_domain;

/// A value for each of some domains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByDomain<T> {
    values: BTreeMap<String, T>,
}

impl<T> Default for ByDomain<T> {
    fn default() -> ByDomain<T> {
        ByDomain { values: BTreeMap::new() }
    }
}

impl<T> ByDomain<T> {
    /// No domains.
    pub fn new() -> ByDomain<T> {
        ByDomain::default()
    }

    /// Sets the value of a domain, and returns the one that it had.
    pub fn insert(&mut self, domain: &str, value: T) -> Option<T> {
        self.values.insert(normalized_domain(domain), value)
    }

    /// The value of exactly this domain; those above it do not matter.
    pub fn get(&self, domain: &str) -> Option<&T> {
        self.values.get(&normalized_domain(domain))
    }

    /// All values, to change them.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.values.values_mut()
    }

    /// Whether there is no domain.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl<D: AsRef<str>, T> Extend<(D, T)> for ByDomain<T> {
    /// Of a domain that is there twice, the later value counts.
    fn extend<I: IntoIterator<Item = (D, T)>>(&mut self, pairs: I) {
        for (domain, value) in pairs {
            self.insert(domain.as_ref(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_final_dot_do_not_matter() {
        let mut settings = ByDomain::new();
        settings.extend([("Contoso.Example", 1), ("fabrikam.example.", 2)]);
        let check =
            |domain: &str, expected: Option<u8>| assert_eq!(settings.get(domain).copied(), expected, "{domain}");
        for domain in ["contoso.example", "CONTOSO.EXAMPLE", "cOntoso.example."] {
            check(domain, Some(1));
        }
        check("Fabrikam.example", Some(2));
        for domain in ["sub.contoso.example", "example", "contoso.example.org", ""] {
            check(domain, None);
        }
    }

    #[test]
    fn a_domain_has_one_value() {
        let mut settings = ByDomain::new();
        assert!(settings.is_empty());
        assert_eq!(settings.insert("contoso.example", 1), None);
        assert_eq!(settings.insert("CONTOSO.example.", 2), Some(1));
        settings.values_mut().for_each(|value| *value += 1);
        assert_eq!(settings.get("contoso.example"), Some(&3));
    }
}
