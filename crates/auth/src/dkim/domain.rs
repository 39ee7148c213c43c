//! Domains and selectors in tags (RFC 6376 §3.5; RFC 8616 §5 for names beyond US-ASCII).
//!
//! A tag may hold U-labels. For a query, and before two names are compared, they become A-labels: `xn--` and the label in
//! Punycode (RFC 3492). A U-label is in lower case and in Unicode's form NFC by definition (RFC 5890 §2.3.2.1); a label
//! that is neither is not repaired, apart from its case, and leads to a name that does not exist.
//!
//! A label of US-ASCII is letters, digits and hyphens. An underscore is taken too *(choice)*: the grammar has none, but
//! selectors with it are published and used.

use std::fmt;

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
        // Each octet of an A-label stands for a character at most, so a long text needs no work.
        if text.len() > 4 * MAX_NAME {
            return None;
        }
        let ascii: Option<Vec<String>> = text.split('.').map(a_label).collect();
        let ascii = ascii.filter(|found| found.len() >= labels)?.join(".");
        (ascii.len() <= MAX_NAME).then(|| Domain { text: text.to_owned(), ascii })
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name in A-labels and in lower case, as it is asked for and compared.
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
            let lower: Vec<char> = label.chars().flat_map(char::to_lowercase).collect();
            // What is written in a tag may not hide a dot, nor a blank, in another script.
            if lower.iter().any(|c| c.is_whitespace() || c.is_control() || "。．｡".contains(*c)) {
                return None;
            }
            format!("xn--{}", punycode(&lower)?)
        }
    };
    let letters = ascii.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'));
    let hyphens = ascii.starts_with('-') || ascii.ends_with('-');
    (letters && !hyphens && (1..=MAX_LABEL).contains(&ascii.len())).then_some(ascii)
}

/// RFC 3492 §5: the parameters of Punycode.
const BASE: u32 = 36;
const T_MIN: u32 = 1;
const T_MAX: u32 = 26;
const SKEW: u32 = 38;
const DAMP: u32 = 700;
const INITIAL_BIAS: u32 = 72;
const INITIAL_N: u32 = 128;

/// RFC 3492 §6.3: the label in Punycode. None if a number overflows, which needs a label that is far too long.
fn punycode(label: &[char]) -> Option<String> {
    let mut output: String = label.iter().filter(|c| c.is_ascii()).collect();
    let basic = u32::try_from(output.len()).ok()?;
    if basic > 0 {
        output.push('-');
    }
    let total = u32::try_from(label.len()).ok()?;
    let (mut n, mut delta, mut bias, mut handled) = (INITIAL_N, 0u32, INITIAL_BIAS, basic);
    while handled < total {
        let next = label.iter().map(|c| u32::from(*c)).filter(|code| *code >= n).min()?;
        delta = delta.checked_add((next - n).checked_mul(handled + 1)?)?;
        n = next;
        for code in label.iter().map(|c| u32::from(*c)) {
            if code < n {
                delta = delta.checked_add(1)?;
            }
            if code == n {
                push_number(delta, bias, &mut output)?;
                bias = adapt(delta, handled + 1, handled == basic);
                delta = 0;
                handled += 1;
            }
        }
        delta = delta.checked_add(1)?;
        n = n.checked_add(1)?;
    }
    Some(output)
}

/// A number in digits of varying weight.
fn push_number(number: u32, bias: u32, output: &mut String) -> Option<()> {
    let mut rest = number;
    let mut k = BASE;
    loop {
        let threshold = k.saturating_sub(bias).clamp(T_MIN, T_MAX);
        if rest < threshold {
            output.push(digit(rest)?);
            return Some(());
        }
        let range = BASE - threshold;
        output.push(digit(threshold + (rest - threshold) % range)?);
        rest = (rest - threshold) / range;
        k = k.checked_add(BASE)?;
    }
}

/// RFC 3492 §6.1.
fn adapt(delta: u32, points: u32, first: bool) -> u32 {
    let mut delta = if first { delta / DAMP } else { delta / 2 };
    delta += delta / points;
    let mut k = 0;
    while delta > ((BASE - T_MIN) * T_MAX) / 2 {
        delta /= BASE - T_MIN;
        k += BASE;
    }
    k + ((BASE - T_MIN + 1) * delta) / (delta + SKEW)
}

/// The digits of Punycode (RFC 3492 §5): `a` to `z` for 0 to 25, `0` to `9` for 26 to 35.
fn digit(number: u32) -> Option<char> {
    match number {
        0..26 => char::from_u32(u32::from('a') + number),
        26..36 => char::from_u32(u32::from('0') + number - 26),
        _ => None,
    }
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
