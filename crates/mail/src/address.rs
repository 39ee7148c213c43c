//! Addresses of mail.
//!
//! RFC 5321 §4.1.2 gives the *Mailbox* of an SMTP envelope: `Local-part "@" ( Domain / address-literal )`, where the
//! local part is a dot-string or a quoted string. Header fields wrap it ([`mailbox_list`](crate::mailbox_list)). The local part means something only to the receiving host and is compared octet by
//! octet; a domain is compared without regard to ASCII case (RFC 5321 §2.4).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// The longest local part, in octets (RFC 5321 §4.5.3.1.1).
pub const MAX_LOCAL_PART: usize = 64;
/// The longest domain, in octets (RFC 5321 §4.5.3.1.2).
pub const MAX_DOMAIN: usize = 255;

/// Why a text is not an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// There is no `@` outside a quoted string.
    #[error("no @ in the address")]
    NoAt,
    /// The local part is neither a dot-string nor a quoted string.
    #[error("local part is neither a dot-string nor a quoted string")]
    LocalPart,
    /// The domain is neither a name nor an address literal.
    #[error("domain is neither a name nor an address literal")]
    Domain,
    /// Local part or domain exceeds the limit of RFC 5321 §4.5.3.1.
    #[error("address too long")]
    TooLong,
    /// A path of SMTP is not in angle brackets.
    #[error("path not in angle brackets")]
    Brackets,
}

/// An address, `local-part@domain`, both halves exactly as they were received.
#[derive(Clone, Debug)]
pub struct Address {
    local: String,
    domain: String,
}

impl Address {
    /// An address from its two halves.
    ///
    /// # Errors
    /// When a half does not fit the grammar of RFC 5321 §4.1.2 (UTF-8 is allowed, RFC 6531 §3.3).
    pub fn new(local: impl Into<String>, domain: impl Into<String>) -> Result<Address, AddressError> {
        let (local, domain) = (local.into(), domain.into());
        if local.len() > MAX_LOCAL_PART || domain.len() > MAX_DOMAIN {
            return Err(AddressError::TooLong);
        }
        if !is_dot_string(&local) && !is_quoted_string(&local) {
            return Err(AddressError::LocalPart);
        }
        if !is_domain(&domain) && !is_address_literal(&domain) {
            return Err(AddressError::Domain);
        }
        Ok(Address { local, domain })
    }

    /// The part before the `@`, quotes included if there are any.
    pub fn local_part(&self) -> &str {
        &self.local
    }

    /// The part after the `@`, in the case in which it was received.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The domain in the form in which names are looked up and recorded: lower case, without final dot.
    pub fn normalized_domain(&self) -> String {
        normalized_domain(&self.domain)
    }

    /// Whether both halves are the same, the local part without regard to ASCII case. Exchange compares so, as does
    /// every system that expects people to type addresses.
    pub fn same_mailbox(&self, other: &Address) -> bool {
        self.local.eq_ignore_ascii_case(&other.local) && same_domain(&self.domain, &other.domain)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        let at = match text.strip_prefix('"') {
            Some(_) => quoted_end(text).ok_or(AddressError::LocalPart)?,
            None => text.find('@').ok_or(AddressError::NoAt)?,
        };
        let (local, rest) = text.split_at(at);
        let domain = rest.strip_prefix('@').ok_or(AddressError::NoAt)?;
        Address::new(local, domain)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Address) -> bool {
        self.local == other.local && same_domain(&self.domain, &other.domain)
    }
}

impl Eq for Address {}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.local.hash(state);
        self.normalized_domain().hash(state);
    }
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Address) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Address {
    fn cmp(&self, other: &Address) -> std::cmp::Ordering {
        (self.normalized_domain(), &self.local).cmp(&(other.normalized_domain(), &other.local))
    }
}

/// The reverse-path of an envelope: who gets a report when delivery fails (RFC 5321 §3.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReversePath {
    /// `<>`: nobody. Reports carry it, so that they are never answered by reports (RFC 5321 §4.5.5).
    Null,
    /// `<local@domain>`.
    Address(Address),
}

impl ReversePath {
    /// The address, unless it is the null reverse-path.
    pub fn address(&self) -> Option<&Address> {
        match self {
            ReversePath::Null => None,
            ReversePath::Address(address) => Some(address),
        }
    }
}

impl From<Address> for ReversePath {
    fn from(address: Address) -> ReversePath {
        ReversePath::Address(address)
    }
}

impl FromStr for ReversePath {
    type Err = AddressError;

    /// Reads `<>` or `<local@domain>`; a source route before the address is ignored (RFC 5321 appendix C).
    fn from_str(text: &str) -> Result<ReversePath, AddressError> {
        let inner = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).ok_or(AddressError::Brackets)?;
        if inner.is_empty() {
            return Ok(ReversePath::Null);
        }
        without_source_route(inner).parse().map(ReversePath::Address)
    }
}

impl fmt::Display for ReversePath {
    /// With angle brackets, as in `MAIL FROM:`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReversePath::Null => f.write_str("<>"),
            ReversePath::Address(address) => write!(f, "<{address}>"),
        }
    }
}

/// `@a,@b:local@domain` → `local@domain`.
pub(crate) fn without_source_route(path: &str) -> &str {
    match path.strip_prefix('@') {
        Some(_) => path.split_once(':').map_or(path, |(_, address)| address),
        None => path,
    }
}

/// Whether two domains are the same name: ASCII case and one final dot do not matter.
pub fn same_domain(one: &str, other: &str) -> bool {
    without_final_dot(one).eq_ignore_ascii_case(without_final_dot(other))
}

/// The domain in lower case and without final dot.
pub fn normalized_domain(domain: &str) -> String {
    without_final_dot(domain).to_ascii_lowercase()
}

fn without_final_dot(domain: &str) -> &str {
    domain.strip_suffix('.').unwrap_or(domain)
}

/// `atext` of RFC 5322 §3.2.3, with the UTF-8 of RFC 6532 §3.2.
pub(crate) fn is_atext(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(character) || !character.is_ascii()
}

fn is_dot_string(text: &str) -> bool {
    text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

/// RFC 5321 §4.1.2: on the wire a quoted string holds no tab.
fn is_quoted_string(text: &str) -> bool {
    quoted_end(text) == Some(text.len()) && !text.contains('\t')
}

/// Where a quoted string at the beginning of `text` ends: the index after the closing quote.
pub(crate) fn quoted_end(text: &str) -> Option<usize> {
    let mut characters = text.char_indices();
    if characters.next()?.1 != '"' {
        return None;
    }
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some(index + 1),
            '\\' => {
                characters.next().filter(|(_, escaped)| !is_control(*escaped))?;
            }
            control if is_control(control) => return None,
            _ => {}
        }
    }
    None
}

/// A tab is a blank (RFC 5234 appendix B.1: WSP).
fn is_control(character: char) -> bool {
    character.is_control() && character != '\t'
}

fn is_domain(text: &str) -> bool {
    let text = without_final_dot(text);
    // Host names may not have underscores, but some do.
    let of_label =
        |character: char| character.is_ascii_alphanumeric() || "-_".contains(character) || !character.is_ascii();
    text.split('.').all(|label| !label.is_empty() && label.len() <= 63 && label.chars().all(of_label))
}

fn is_address_literal(text: &str) -> bool {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.is_some_and(|inner| match inner.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("IPv6:") => inner[5..].parse::<std::net::Ipv6Addr>().is_ok(),
        _ => inner.parse::<std::net::Ipv4Addr>().is_ok(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(&str, &str), AddressError>) {
        let parsed = text.parse::<Address>();
        let halves = parsed.as_ref().map(|address| (address.local_part(), address.domain())).map_err(|error| *error);
        assert_eq!(halves, expected, "{text:?}");
        if let Ok(address) = parsed {
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn addresses() {
        check("ann@contoso.example", Ok(("ann", "contoso.example")));
        check("ann.b+tag@Contoso.Example", Ok(("ann.b+tag", "Contoso.Example")));
        check("\"a b@c\"@d.example", Ok(("\"a b@c\"", "d.example")));
        check("\"a\\\"b\"@d.example", Ok(("\"a\\\"b\"", "d.example")));
        check("ann@[192.0.2.1]", Ok(("ann", "[192.0.2.1]")));
        check("ann@[IPv6:2001:db8::1]", Ok(("ann", "[IPv6:2001:db8::1]")));
        check("żółw@źródło.example", Ok(("żółw", "źródło.example")));
        check("ann@int", Ok(("ann", "int")));
        check("ann", Err(AddressError::NoAt));
        check("", Err(AddressError::NoAt));
        check("@contoso.example", Err(AddressError::LocalPart));
        check("a..b@contoso.example", Err(AddressError::LocalPart));
        check("a b@contoso.example", Err(AddressError::LocalPart));
        check("\"ab@contoso.example", Err(AddressError::LocalPart));
        check("\"ab\"c@contoso.example", Err(AddressError::NoAt));
        check("ann@", Err(AddressError::Domain));
        check("ann@a..b", Err(AddressError::Domain));
        check("ann@con toso", Err(AddressError::Domain));
        check("ann@[300.0.0.1]", Err(AddressError::Domain));
        check("ann@b@c", Err(AddressError::Domain));
        check(&format!("{}@b.example", "a".repeat(65)), Err(AddressError::TooLong));
        check(&format!("a@{}", "b".repeat(256)), Err(AddressError::TooLong));
    }

    #[test]
    fn domains_compare_without_case_and_local_parts_with_it() {
        let parse = |text: &str| text.parse::<Address>().expect("an address");
        assert_eq!(parse("ann@contoso.example"), parse("ann@CONTOSO.example"));
        assert_ne!(parse("ann@contoso.example"), parse("Ann@contoso.example"));
        assert!(parse("ann@contoso.example").same_mailbox(&parse("Ann@contoso.Example")));
        assert!(same_domain("contoso.example.", "Contoso.Example"));
        assert!(!same_domain("contoso.example", "contoso.example.com"));
    }

    #[test]
    fn reverse_paths() {
        let address: Address = "a@b.example".parse().expect("an address");
        assert_eq!("<>".parse(), Ok(ReversePath::Null));
        assert_eq!("<a@b.example>".parse(), Ok(ReversePath::Address(address.clone())));
        assert_eq!("<@x.example,@y.example:a@b.example>".parse(), Ok(ReversePath::Address(address)));
        assert_eq!("a@b.example".parse::<ReversePath>(), Err(AddressError::Brackets));
        assert_eq!(ReversePath::Null.to_string(), "<>");
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = text.parse::<Address>();
            let _ = text.parse::<ReversePath>();
        }

        #[test]
        fn what_is_an_address_is_read_again(text in "[a@<>(),;:\" \\\\.é]{0,40}") {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert_eq!(address.to_string().parse::<Address>(), Ok(address));
            }
        }
    }
}
