//! Record data as text (RFC 1035 §5.1, RFC 4034 §2.2–5.3, RFC 6698 §2.2, RFC 3597 §5).

use std::fmt::{self, Write as _};

use data_encoding::{BASE32HEX_NOPAD, BASE64, HEXLOWER};
use jiff::Timestamp;

use crate::name::Name;
use crate::rdata::*;
use crate::record::{Record, RecordType};

/// The text of record data as in a master file, names with their final dot; for data that does not fit its type, or of
/// an unknown type, the generic form `\# length hexadecimal`.
pub fn to_text(rtype: RecordType, octets: &[u8]) -> String {
    typed(rtype, octets).unwrap_or_else(|| format!("\\# {} {}", octets.len(), HEXLOWER.encode(octets)))
}

impl fmt::Display for Record {
    /// As in a master file, the owner with its final dot.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dot = if self.name.is_root() { "" } else { "." };
        write!(f, "{}{dot} {} {} {}", self.name, self.ttl, self.rtype, to_text(self.rtype, &self.rdata))
    }
}

fn typed(rtype: RecordType, octets: &[u8]) -> Option<String> {
    let text = match rtype {
        RecordType::A => A::parse(octets).ok()?.0.to_string(),
        RecordType::AAAA => Aaaa::parse(octets).ok()?.0.to_string(),
        RecordType::NS => full(&Ns::parse(octets).ok()?.0),
        RecordType::CNAME => full(&Cname::parse(octets).ok()?.0),
        RecordType::DNAME => full(&Dname::parse(octets).ok()?.0),
        RecordType::PTR => full(&Ptr::parse(octets).ok()?.0),
        RecordType::MX => {
            let mx = Mx::parse(octets).ok()?;
            format!("{} {}", mx.preference, full(&mx.exchange))
        }
        RecordType::TXT => {
            let strings = Txt::parse(octets).ok()?.0;
            strings.iter().map(|string| quoted(string)).collect::<Vec<_>>().join(" ")
        }
        RecordType::TLSA => {
            let tlsa = Tlsa::parse(octets).ok()?;
            format!("{} {} {} {}", tlsa.usage, tlsa.selector, tlsa.matching, HEXLOWER.encode(&tlsa.data))
        }
        RecordType::DS => {
            let ds = Ds::parse(octets).ok()?;
            format!("{} {} {} {}", ds.key_tag, ds.algorithm, ds.digest_type, HEXLOWER.encode(&ds.digest))
        }
        RecordType::DNSKEY => {
            let key = Dnskey::parse(octets).ok()?;
            format!("{} {} {} {}", key.flags, key.protocol, key.algorithm, BASE64.encode(&key.public_key))
        }
        RecordType::RRSIG => rrsig(&Rrsig::parse(octets).ok()?),
        RecordType::NSEC => {
            let nsec = Nsec::parse(octets).ok()?;
            format!("{}{}", full(&nsec.next), types(&nsec.types))
        }
        RecordType::NSEC3 => nsec3(&Nsec3::parse(octets).ok()?),
        RecordType::NSEC3PARAM => {
            let Nsec3Param { hash_algorithm, flags, iterations, salt } = Nsec3Param::parse(octets).ok()?;
            format!("{hash_algorithm} {flags} {iterations} {}", hexadecimal(&salt))
        }
        RecordType::SOA => {
            let soa = Soa::parse(octets).ok()?;
            let numbers =
                [soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum].map(|number| number.to_string());
            format!("{} {} {}", full(&soa.primary), full(&soa.responsible), numbers.join(" "))
        }
        RecordType::SRV => {
            let srv = Srv::parse(octets).ok()?;
            format!("{} {} {} {}", srv.priority, srv.weight, srv.port, full(&srv.target))
        }
        RecordType::CAA => {
            let caa = Caa::parse(octets).ok()?;
            format!("{} {} {}", caa.flags, String::from_utf8_lossy(&caa.tag), quoted(&caa.value))
        }
        _ => return None,
    };
    Some(text)
}

fn full(name: &Name) -> String {
    if name.is_root() { ".".to_owned() } else { format!("{name}.") }
}

fn quoted(string: &[u8]) -> String {
    let mut text = String::from("\"");
    for &byte in string {
        let _ = match byte {
            b'"' | b'\\' => write!(text, "\\{}", char::from(byte)),
            0x20..=0x7e => write!(text, "{}", char::from(byte)),
            _ => write!(text, "\\{byte:03}"),
        };
    }
    text.push('"');
    text
}

fn types(types: &TypeBitmap) -> String {
    types.iter().fold(String::new(), |mut text, rtype| {
        let _ = write!(text, " {rtype}");
        text
    })
}

fn rrsig(rrsig: &Rrsig) -> String {
    // RFC 4034 §3.2: YYYYMMDDHHmmSS, here always of the era from 1970 to 2106.
    let time = |seconds: u32| {
        let time = Timestamp::from_second(seconds.into()).unwrap_or_default();
        time.strftime("%Y%m%d%H%M%S").to_string()
    };
    format!(
        "{} {} {} {} {} {} {} {} {}",
        rrsig.type_covered,
        rrsig.algorithm,
        rrsig.labels,
        rrsig.original_ttl,
        time(rrsig.expiration),
        time(rrsig.inception),
        rrsig.key_tag,
        full(&rrsig.signer),
        BASE64.encode(&rrsig.signature)
    )
}

/// Octets in hexadecimal; of more than eight, the first and the last two: enough for a person to tell two digests apart
/// (`3111…1838`).
pub fn abbreviated(octets: &[u8]) -> String {
    match octets {
        [a, b, _, .., y, z] if octets.len() > 8 => {
            format!("{}…{}", HEXLOWER.encode(&[*a, *b]), HEXLOWER.encode(&[*y, *z]))
        }
        _ => HEXLOWER.encode(octets),
    }
}

/// A salt: `-` if there is none (RFC 5155 §3.3).
fn hexadecimal(salt: &[u8]) -> String {
    if salt.is_empty() { "-".to_owned() } else { HEXLOWER.encode(salt) }
}

fn nsec3(nsec3: &Nsec3) -> String {
    let salt = hexadecimal(&nsec3.salt);
    let next = BASE32HEX_NOPAD.encode(&nsec3.next_hashed);
    format!("{} {} {} {salt} {next}{}", nsec3.hash_algorithm, nsec3.flags, nsec3.iterations, types(&nsec3.types))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abbreviation() {
        assert_eq!(abbreviated(&[]), "");
        assert_eq!(abbreviated(&[1, 2, 3, 4, 5, 6, 7, 8]), "0102030405060708");
        assert_eq!(abbreviated(&[1, 2, 3, 4, 5, 6, 7, 8, 0xf9]), "0102…08f9");
    }
}
