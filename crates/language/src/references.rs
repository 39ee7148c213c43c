//! References in braces, inside zone text, messages, pages and other strings (reference section 2).

use std::ops::Range;

/// The part of a certificate or key that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// All of it.
    Whole,
    /// Its SHA-256 digest.
    Sha256,
    /// Its SHA-512 digest.
    Sha512,
}

/// The text between braces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference<'a> {
    /// `{mx1}`: the address of a host.
    Address(&'a str),
    /// `{name:mx1}`: the full name of a host.
    Name(&'a str),
    /// `{spki:c}` and its digests: the public key of a certificate, in hexadecimal.
    PublicKey(Form, &'a str),
    /// `{cert:c}` and its digests: the whole certificate, in hexadecimal.
    Certificate(Form, &'a str),
    /// `{dkim:k}`: the data of the TXT record of a key, quoted and split.
    Dkim(&'a str),
    /// `{dkim-target:contoso.example/selector1}`: the CNAME target assigned to a selector.
    DkimTarget {
        /// The domain.
        domain: &'a str,
        /// The selector.
        selector: &'a str,
    },
    /// `{ds:z}`: the DS data of a zone.
    Ds(&'a str),
}

/// The kinds of references with a colon.
pub(crate) const KINDS: [&str; 10] =
    ["name", "spki", "spki-sha256", "spki-sha512", "cert", "cert-sha256", "cert-sha512", "dkim", "dkim-target", "ds"];

/// The placeholders of message text that `send` fills in.
pub const FILL_INS: [&str; 5] = ["date", "message-id", "from", "to", "subject"];

impl<'a> Reference<'a> {
    /// The reference for the text between two braces; none if it is not a reference.
    pub fn parse(inner: &'a str) -> Option<Self> {
        let Some((kind, target)) = inner.split_once(':') else {
            let name = !inner.is_empty() && inner.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
            return name.then_some(Self::Address(inner));
        };
        Some(match kind {
            "name" => Self::Name(target),
            "spki" => Self::PublicKey(Form::Whole, target),
            "spki-sha256" => Self::PublicKey(Form::Sha256, target),
            "spki-sha512" => Self::PublicKey(Form::Sha512, target),
            "cert" => Self::Certificate(Form::Whole, target),
            "cert-sha256" => Self::Certificate(Form::Sha256, target),
            "cert-sha512" => Self::Certificate(Form::Sha512, target),
            "dkim" => Self::Dkim(target),
            "dkim-target" => {
                let (domain, selector) = target.split_once('/')?;
                Self::DkimTarget { domain, selector }
            }
            "ds" => Self::Ds(target),
            _ => return None,
        })
    }
}

/// Gives the replacements of references.
pub trait Resolve {
    /// The replacement of `reference`; `ipv6` asks for a host's IPv6 address. None if it refers to nothing. Names come
    /// without final dot.
    fn resolve(&self, reference: Reference<'_>, ipv6: bool) -> Option<String>;
}

/// A pair of braces in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Braces<'a> {
    /// What stands between.
    pub(crate) inner: &'a str,
    /// Where that is.
    pub(crate) range: Range<usize>,
}

/// The pairs of braces in a text without another brace or a line end inside. `%{…}` is a macro of SPF (RFC 7208 §7),
/// and no reference.
pub(crate) fn braces(text: &str) -> Vec<Braces<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find('{').map(|offset| at + offset) {
        let rest = &text[open + 1..];
        match rest.find(['{', '}', '\n']) {
            Some(length) if rest.as_bytes().get(length) == Some(&b'}') => {
                let range = open + 1..open + 1 + length;
                if !text[..open].ends_with('%') {
                    found.push(Braces { inner: &text[range.clone()], range });
                }
                at = open + length + 2;
            }
            _ => at = open + 1,
        }
    }
    found
}

/// Replaces references by what `resolve` gives; other braces stay as they are. For message texts, pages and plain
/// strings.
pub fn substitute(text: &str, resolve: &dyn Resolve) -> String {
    let mut result = String::with_capacity(text.len());
    let mut copied = 0;
    for braces in braces(text) {
        let Some(value) = Reference::parse(braces.inner).and_then(|reference| resolve.resolve(reference, false)) else {
            continue;
        };
        result.push_str(&text[copied..braces.range.start - 1]);
        result.push_str(&value);
        copied = braces.range.end + 1;
    }
    result.push_str(&text[copied..]);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Known;
    impl Resolve for Known {
        fn resolve(&self, reference: Reference<'_>, _: bool) -> Option<String> {
            (reference == Reference::Address("mx1")).then(|| "192.0.2.10".to_owned())
        }
    }

    #[test]
    fn substitution_leaves_other_braces() {
        let check = |text: &str, expected: &str| assert_eq!(substitute(text, &Known), expected, "{text}");
        check("ip4:{mx1} {mx2}", "ip4:192.0.2.10 {mx2}");
        check("a { color: {mx1} }", "a { color: 192.0.2.10 }");
        check("exists:%{mx1}.{mx1}", "exists:%{mx1}.192.0.2.10");
        check("{{mx1}}", "{192.0.2.10}");
        check("{mx1", "{mx1");
        check("{}{\n}", "{}{\n}");
        check("grün {mx1}", "grün 192.0.2.10");
    }
}
