//! Questions and records as entries write them: one a line, and types that zone text has no name for.

use std::str::FromStr as _;

use super::mistake::{Mistake, mistake};
use mxlab_dns::name::Name;
use mxlab_dns::record::{Class, Record, RecordType};
use mxlab_dns::wire::Question;
use mxlab_dns::zonefile;

/// The TTL of records that give none.
const DEFAULT_TTL: u32 = 3_600;

/// Types that are asked for, or are in bitmaps, and that zone text does not know by name.
const FURTHER_TYPES: &[(&str, u16)] = &[
    ("NULL", 10),
    ("HINFO", 13),
    ("RP", 17),
    ("AFSDB", 18),
    ("LOC", 29),
    ("NAPTR", 35),
    ("CERT", 37),
    ("SSHFP", 44),
    ("DHCID", 49),
    ("SMIMEA", 53),
    ("CDS", 59),
    ("CDNSKEY", 60),
    ("OPENPGPKEY", 61),
    ("ZONEMD", 63),
    ("SVCB", 64),
    ("HTTPS", 65),
    ("SPF", 99),
    ("IXFR", 251),
    ("AXFR", 252),
    ("DLV", 32_769),
];

/// Mnemonics of algorithms (RFC 4034 Appendix A.1, RFC 5155, RFC 5702, RFC 6605), which some write in place of numbers.
const ALGORITHMS: &[(&str, u8)] = &[
    ("RSAMD5", 1),
    ("DSA", 3),
    ("RSASHA1", 5),
    ("DSA-NSEC3-SHA1", 6),
    ("RSASHA1-NSEC3-SHA1", 7),
    ("RSASHA256", 8),
    ("RSASHA512", 10),
    ("ECDSAP256SHA256", 13),
    ("ECDSAP384SHA384", 14),
    ("ED25519", 15),
    ("ED448", 16),
];

/// A question: name, type, and a class between them if there is one. A TTL among them means nothing.
pub(crate) fn question(text: &str, origin: &Name) -> Result<Question, Mistake> {
    let expected = "a question: a name, IN, and a type";
    let words = text.split_whitespace().take_while(|word| !word.starts_with([';', '#'])).enumerate();
    let ttl = |(at, word): &(usize, &str)| *at > 0 && word.bytes().all(|byte| byte.is_ascii_digit());
    let words: Vec<&str> = words.filter(|word| !ttl(word)).map(|(_, word)| word).collect();
    let (name, class, rtype) = match words.as_slice() {
        [name, rtype] => (name, "IN", rtype),
        [name, class, rtype] => (name, *class, rtype),
        _ => return Err(mistake(text, expected)),
    };
    let class = match class.to_ascii_uppercase().as_str() {
        "IN" => Class::IN,
        "CH" => Class(3),
        "ANY" => Class(255),
        _ => return Err(mistake(class, "a class: IN, CH or ANY")),
    };
    let rtype = record_type(rtype).ok_or_else(|| mistake(rtype, "a record type"))?;
    let name = Name::parse_relative(name, origin).map_err(|error| mistake(name, format!("a name ({error})")))?;
    Ok(Question { name, rtype, class })
}

/// A type by its name or number.
pub(crate) fn record_type(text: &str) -> Option<RecordType> {
    let further = FURTHER_TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    further.map(|(_, number)| RecordType(*number)).or_else(|| RecordType::from_str(text).ok())
}

/// A record.
pub(crate) fn record(text: &str, origin: &Name) -> Result<Record, Mistake> {
    let (plain, class) = in_internet(&plain(text));
    let mut entries = zonefile::parse(&plain, origin, DEFAULT_TTL).map_err(|errors| {
        let first = errors.into_iter().next();
        first
            .map_or_else(|| mistake(text, "a record"), |error| Mistake { found: error.found, expected: error.expected })
    })?;
    match (entries.pop(), entries.pop()) {
        (Some(entry), None) => Ok(Record { class, ..entry.record }),
        _ => Err(mistake(text, "a record")),
    }
}

/// The text with class IN, which is the only one that zone text has, and the class that it says.
fn in_internet(text: &str) -> (String, Class) {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    match words.iter_mut().skip(1).take(2).find(|word| **word == "CH") {
        Some(class) => *class = "IN",
        None => return (text.to_owned(), Class::IN),
    }
    (words.join(" "), Class(3))
}

/// The text with names in place of which the reader of zone text takes only numbers: further types become `TYPE…`, and
/// algorithms their number.
fn plain(text: &str) -> String {
    let uncommented = text.split(';').next().unwrap_or_default();
    if let Some(binding) = service_binding(uncommented) {
        return binding;
    }
    if text.contains('"') {
        return naptr(uncommented).unwrap_or_else(|| text.to_owned());
    }
    let text = uncommented;
    let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let further = |word: &str| FURTHER_TYPES.iter().find(|(name, _)| *name == word).map(|(_, number)| *number);
    for word in words.iter_mut().skip(1) {
        if let Some(number) = further(word) {
            *word = format!("TYPE{number}");
        }
    }
    // The algorithm is the second field of DS and RRSIG, the third of DNSKEY.
    let field = words.iter().position(|word| matches!(word.as_str(), "DS" | "RRSIG" | "DNSKEY"));
    let at = field.map(|at| if words.get(at).is_some_and(|word| word == "DNSKEY") { at + 3 } else { at + 2 });
    if let Some(word) = at.and_then(|at| words.get_mut(at))
        && let Some((_, number)) = ALGORITHMS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word))
    {
        *word = number.to_string();
    }
    words.join(" ")
}

/// A NAPTR record (RFC 3403 §4.1) in generic form: order, preference, three texts and a name.
fn naptr(text: &str) -> Option<String> {
    let (head, data) = text.split_once("NAPTR")?;
    let words: Vec<&str> = data.split_whitespace().collect();
    let [order, preference, flags, services, expression, replacement] = words.as_slice() else { return None };
    let mut octets = Vec::new();
    for number in [order, preference] {
        octets.extend_from_slice(&number.parse::<u16>().ok()?.to_be_bytes());
    }
    for text in [flags, services, expression] {
        let text = text.strip_prefix('"')?.strip_suffix('"')?;
        octets.push(u8::try_from(text.len()).ok()?);
        octets.extend_from_slice(text.as_bytes());
    }
    octets.extend_from_slice(Name::from_str(replacement).ok()?.wire());
    Some(format!("{head} TYPE35 \\# {} {}", octets.len(), data_encoding::HEXLOWER.encode(&octets)))
}

/// The names and numbers of parameters of service bindings (RFC 9460 §14.3.2).
const PARAMETERS: &[(&str, u16)] =
    &[("mandatory", 0), ("alpn", 1), ("no-default-alpn", 2), ("port", 3), ("ipv4hint", 4), ("ech", 5), ("ipv6hint", 6)];

/// An SVCB or HTTPS record (RFC 9460 §2.1) in generic form: priority, target, and parameters by number. None if it is
/// something else.
fn service_binding(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let at = words.iter().position(|word| matches!(*word, "SVCB" | "HTTPS")).filter(|at| *at > 0)?;
    let (priority, target) = (words.get(at + 1)?, words.get(at + 2)?);
    let mut parameters = std::collections::BTreeMap::new();
    for word in words.get(at + 3..).unwrap_or_default() {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        let number = parameter(key)?;
        parameters.insert(number, parameter_value(number, value.trim_matches('"'))?);
    }
    let mut octets = priority.parse::<u16>().ok()?.to_be_bytes().to_vec();
    octets.extend_from_slice(Name::from_str(target).ok()?.wire());
    for (number, value) in parameters {
        octets.extend_from_slice(&number.to_be_bytes());
        octets.extend_from_slice(&u16::try_from(value.len()).ok()?.to_be_bytes());
        octets.extend_from_slice(&value);
    }
    let rtype = if words.get(at) == Some(&"SVCB") { 64 } else { 65 };
    let head = words.get(..at).unwrap_or_default().join(" ");
    Some(format!("{head} TYPE{rtype} \\# {} {}", octets.len(), data_encoding::HEXLOWER.encode(&octets)))
}

fn parameter(key: &str) -> Option<u16> {
    let named = PARAMETERS.iter().find(|(name, _)| *name == key).map(|(_, number)| *number);
    named.or_else(|| key.strip_prefix("key")?.parse().ok())
}

/// The value of a parameter in octets (RFC 9460 §7 and §8).
fn parameter_value(number: u16, value: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    match number {
        0 => {
            for key in value.split(',') {
                octets.extend_from_slice(&parameter(key)?.to_be_bytes());
            }
        }
        1 => {
            for protocol in value.split(',') {
                octets.push(u8::try_from(protocol.len()).ok()?);
                octets.extend_from_slice(protocol.as_bytes());
            }
        }
        3 => octets.extend_from_slice(&value.parse::<u16>().ok()?.to_be_bytes()),
        4 => {
            for address in value.split(',') {
                octets.extend_from_slice(&address.parse::<std::net::Ipv4Addr>().ok()?.octets());
            }
        }
        5 => octets = data_encoding::BASE64.decode(value.as_bytes()).ok()?,
        6 => {
            for address in value.split(',') {
                octets.extend_from_slice(&address.parse::<std::net::Ipv6Addr>().ok()?.octets());
            }
        }
        _ => octets.extend_from_slice(value.as_bytes()),
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let origin = Name::from_str("z").unwrap();
        let found = match record(text, &origin) {
            Ok(record) => record.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn records_of_entries() {
        check("a.z. IN A 192.0.2.1 ; a comment", "a.z. 3600 A 192.0.2.1");
        check("a 60 A 192.0.2.1", "a.z. 60 A 192.0.2.1");
        check("z. DNSKEY 256 3 RSASHA1 AA == ;{id = 7}", "z. 3600 DNSKEY 256 3 5 AA==");
        check("z. DS 7 RSASHA256 2 00", "z. 3600 DS 7 8 2 00");
        check("z. RRSIG A DSA 1 60 9 8 7 z. AA==", "z. 3600 RRSIG A 3 1 60 19700101000009 19700101000008 7 z. AA==");
        check("z. NSEC a.z. A NAPTR", "z. 3600 NSEC a.z. A TYPE35");
        check("z. NAPTR 1 2 \"s\" \"\" \"\" .", "z. 3600 TYPE35 \\# 9 000100020173000000");
        check("z. 60 IN HTTPS 1 . alpn=h2,h3 port=8443", "z. 60 TYPE65 \\# 19 000100000100060268320268330003000220fb");
        check("z. SVCB 0 a.z.", "z. 3600 TYPE64 \\# 7 00000161017a00");
        check("z. HTTPS 1 . ipv4hint=192.0.2.1", "z. 3600 TYPE65 \\# 11 00010000040004c0000201");
        let chaos = record("v. CH TXT x", &Name::root()).unwrap();
        assert_eq!((chaos.class, chaos.rdata.as_bytes()), (Class(3), b"\x01x".as_slice()));
        check("z. IN A 1.2.3", "found `1.2.3`, expected an IPv4 address");
        check("z. IN TXT \"a b\" c", "z. 3600 TXT \"a b\" \"c\"");
    }

    #[test]
    fn questions_of_entries() {
        let origin = Name::root();
        for (text, expected) in [
            ("a.z. IN A", Some(("a.z", RecordType::A, Class::IN))),
            ("a.z. 60 IN A", Some(("a.z", RecordType::A, Class::IN))),
            ("a.z. A ; a comment", Some(("a.z", RecordType::A, Class::IN))),
            (". IN NULL", Some((".", RecordType(10), Class::IN))),
            ("v. CH TXT", Some(("v", RecordType::TXT, Class(3)))),
            ("a.z. IN FOO", None),
            ("a.z.", None),
        ] {
            let found = question(text, &origin).ok();
            let found = found.as_ref().map(|found| (found.name.to_string(), found.rtype, found.class));
            let expected = expected.map(|(name, rtype, class)| (name.to_owned(), rtype, class));
            assert_eq!(found, expected, "{text}");
        }
    }
}
