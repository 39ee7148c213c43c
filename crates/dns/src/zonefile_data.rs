//! The data of a record in master-file text, type by type.

use std::str::FromStr;

use data_encoding::{BASE32HEX_NOPAD, BASE64, HEXLOWER_PERMISSIVE};
use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::name::Name;
use crate::rdata::{
    A, Aaaa, Caa, Cname, Dname, Dnskey, Ds, Mx, Ns, Nsec, Nsec3, Nsec3Param, Ptr, Rdata, Rrsig, Soa, Srv, Tlsa, Txt,
    TypeBitmap,
};
use crate::record::{RawRdata, RecordType};
use crate::zonefile_text::{Token, ZoneTextError};

/// The tokens after the type of a record.
pub(crate) struct Data<'a> {
    tokens: std::vec::IntoIter<Token>,
    end: usize,
    origin: &'a Name,
}

impl<'a> Data<'a> {
    /// `end` is where the line ends.
    pub(crate) fn new(tokens: Vec<Token>, end: usize, origin: &'a Name) -> Data<'a> {
        Data { tokens: tokens.into_iter(), end, origin }
    }

    /// The tokens as record data of type `rtype`.
    pub(crate) fn read(mut self, rtype: RecordType) -> Result<RawRdata, ZoneTextError> {
        let generic = self.tokens.as_slice().first().is_some_and(|token| token.text == "\\#" && !token.quoted);
        let rdata = if generic { self.generic()? } else { self.typed(rtype)? };
        if let Some(extra) = self.tokens.next() {
            return Err(extra.expected("the end of the record"));
        }
        match rdata.len() {
            ..=65_535 => Ok(rdata),
            length => Err(self.missing_but(format!("{length} octets of data"), "at most 65,535 octets")),
        }
    }

    fn typed(&mut self, rtype: RecordType) -> Result<RawRdata, ZoneTextError> {
        Ok(match rtype {
            RecordType::A => A(self.parsed("an IPv4 address")?).to_rdata(),
            RecordType::AAAA => Aaaa(self.parsed("an IPv6 address")?).to_rdata(),
            RecordType::NS => Ns(self.name("the name of a server")?).to_rdata(),
            RecordType::CNAME => Cname(self.name("the name that it is an alias of")?).to_rdata(),
            RecordType::DNAME => Dname(self.name("the name that takes its place")?).to_rdata(),
            RecordType::PTR => Ptr(self.name("a name")?).to_rdata(),
            RecordType::MX => {
                let preference = self.parsed("a preference from 0 to 65535")?;
                Mx { preference, exchange: self.name("the name of a mail host")? }.to_rdata()
            }
            RecordType::TXT => self.txt()?,
            RecordType::TLSA => {
                let usage = self.parsed("a certificate usage from 0 to 255")?;
                let selector = self.parsed("a selector from 0 to 255")?;
                let matching = self.parsed("a matching type from 0 to 255")?;
                Tlsa { usage, selector, matching, data: self.hexadecimal()? }.to_rdata()
            }
            RecordType::DS => {
                let key_tag = self.parsed("a key tag from 0 to 65535")?;
                let algorithm = self.parsed("an algorithm number")?;
                let digest_type = self.parsed("a digest type number")?;
                Ds { key_tag, algorithm, digest_type, digest: self.hexadecimal()? }.to_rdata()
            }
            RecordType::DNSKEY => {
                let flags = self.parsed("flags from 0 to 65535")?;
                let protocol = self.parsed("a protocol number")?;
                let algorithm = self.parsed("an algorithm number")?;
                Dnskey { flags, protocol, algorithm, public_key: self.base64()? }.to_rdata()
            }
            RecordType::RRSIG => self.rrsig()?,
            RecordType::NSEC => Nsec { next: self.name("the next name of the zone")?, types: self.types()? }.to_rdata(),
            RecordType::NSEC3 => self.nsec3()?,
            RecordType::NSEC3PARAM => self.nsec3_parameters()?,
            RecordType::SOA => self.soa()?,
            RecordType::SRV => {
                let priority = self.parsed("a priority from 0 to 65535")?;
                let weight = self.parsed("a weight from 0 to 65535")?;
                let port = self.parsed("a port from 0 to 65535")?;
                Srv { priority, weight, port, target: self.name("the name of a host")? }.to_rdata()
            }
            RecordType::CAA => {
                let flags = self.parsed("flags from 0 to 255")?;
                let tag = self.next("a property tag")?;
                if tag.text.is_empty() || tag.text.len() > 255 || !tag.text.bytes().all(|b| b.is_ascii_alphanumeric()) {
                    return Err(tag.expected("a property tag of letters and digits"));
                }
                let value = self.next("a property value")?.octets()?;
                Caa { flags, tag: tag.text.into_bytes(), value }.to_rdata()
            }
            other => {
                let token = self.next("\\# and the data in hexadecimal")?;
                return Err(token.expected(format!("\\# and the data in hexadecimal: {other} has no text form here")));
            }
        })
    }

    fn missing_but(&self, found: String, expected: &str) -> ZoneTextError {
        ZoneTextError { span: self.end..self.end, found, expected: expected.to_owned() }
    }

    fn next(&mut self, expected: &str) -> Result<Token, ZoneTextError> {
        self.tokens.next().ok_or_else(|| self.missing_but("end of line".to_owned(), expected))
    }

    fn parsed<T: FromStr>(&mut self, expected: &str) -> Result<T, ZoneTextError> {
        let token = self.next(expected)?;
        // `+5` is a number in Rust, but not in a zone.
        let signed = token.text.starts_with('+');
        token.text.parse().ok().filter(|_| !signed && !token.quoted).ok_or_else(|| token.expected(expected))
    }

    fn name(&mut self, expected: &str) -> Result<Name, ZoneTextError> {
        let token = self.next(expected)?;
        if token.quoted {
            return Err(token.expected(expected));
        }
        name(&token, self.origin)
    }

    fn txt(&mut self) -> Result<RawRdata, ZoneTextError> {
        let mut strings = vec![self.string(None)?];
        while let Some(token) = self.tokens.next() {
            strings.push(self.string(Some(token))?);
        }
        Ok(Txt(strings).to_rdata())
    }

    fn string(&mut self, token: Option<Token>) -> Result<Vec<u8>, ZoneTextError> {
        let token = token.map_or_else(|| self.next("a text in quotes"), Ok)?;
        match token.octets()? {
            octets if octets.len() <= 255 => Ok(octets),
            octets => Err(ZoneTextError {
                span: token.span,
                found: format!("a string of {} octets", octets.len()),
                expected: "strings of at most 255 octets each: \"…\" \"…\"".to_owned(),
            }),
        }
    }

    fn soa(&mut self) -> Result<RawRdata, ZoneTextError> {
        let soa = Soa {
            primary: self.name("the name of the primary server")?,
            responsible: self.name("the responsible mailbox as a name")?,
            serial: self.parsed("a serial number")?,
            refresh: self.parsed("a refresh interval in seconds")?,
            retry: self.parsed("a retry interval in seconds")?,
            expire: self.parsed("an expire interval in seconds")?,
            minimum: self.parsed("a negative TTL in seconds")?,
        };
        Ok(soa.to_rdata())
    }

    fn rrsig(&mut self) -> Result<RawRdata, ZoneTextError> {
        let rrsig = Rrsig {
            type_covered: self.parsed("the type that is signed")?,
            algorithm: self.parsed("an algorithm number")?,
            labels: self.parsed("a number of labels")?,
            original_ttl: self.parsed("a TTL in seconds")?,
            expiration: self.signature_time()?,
            inception: self.signature_time()?,
            key_tag: self.parsed("a key tag from 0 to 65535")?,
            signer: self.name("the zone that signed")?,
            signature: self.base64()?,
        };
        Ok(rrsig.to_rdata())
    }

    /// RFC 4034 §3.2: YYYYMMDDHHmmSS in UTC, or seconds since 1970, which never have 14 digits; modulo 2³².
    fn signature_time(&mut self) -> Result<u32, ZoneTextError> {
        let expected = "a time as YYYYMMDDHHmmSS or in seconds since 1970";
        let token = self.next(expected)?;
        let digits = token.text.bytes().all(|byte| byte.is_ascii_digit()) && !token.quoted;
        let seconds = match token.text.len() {
            _ if !digits => None,
            14 => civil_seconds(&token.text),
            _ => token.text.parse::<u32>().ok(),
        };
        seconds.ok_or_else(|| token.expected(expected))
    }

    fn nsec3(&mut self) -> Result<RawRdata, ZoneTextError> {
        let hash_algorithm = self.parsed("a hash algorithm number")?;
        let flags = self.parsed("flags from 0 to 255")?;
        let iterations = self.parsed("a number of iterations from 0 to 65535")?;
        let salt = self.salt()?;
        let expected = "the next hash in Base32";
        let token = self.next(expected)?;
        let next_hashed = BASE32HEX_NOPAD
            .decode(token.text.to_ascii_uppercase().as_bytes())
            .ok()
            .filter(|hash| (1..=255).contains(&hash.len()))
            .ok_or_else(|| token.expected(expected))?;
        Ok(Nsec3 { hash_algorithm, flags, iterations, salt, next_hashed, types: self.types()? }.to_rdata())
    }

    fn nsec3_parameters(&mut self) -> Result<RawRdata, ZoneTextError> {
        let hash_algorithm = self.parsed("a hash algorithm number")?;
        let flags = self.parsed("flags from 0 to 255")?;
        let iterations = self.parsed("a number of iterations from 0 to 65535")?;
        Ok(Nsec3Param { hash_algorithm, flags, iterations, salt: self.salt()? }.to_rdata())
    }

    /// RFC 5155 §3.3: one word of hexadecimal digits, or `-` for none.
    fn salt(&mut self) -> Result<Vec<u8>, ZoneTextError> {
        let expected = "a salt in hexadecimal, or -";
        let token = self.next(expected)?;
        if token.text == "-" {
            return Ok(Vec::new());
        }
        let salt = HEXLOWER_PERMISSIVE.decode(token.text.as_bytes()).ok();
        salt.filter(|salt| salt.len() <= 255).ok_or_else(|| token.expected(expected))
    }

    /// The rest of the line: the types of a bitmap, in any order.
    fn types(&mut self) -> Result<TypeBitmap, ZoneTextError> {
        let tokens = self.tokens.by_ref();
        tokens.map(|token| token.text.parse().map_err(|_| token.expected("a record type"))).collect()
    }

    /// The rest of the line, in hexadecimal; at least one pair of digits.
    fn hexadecimal(&mut self) -> Result<Vec<u8>, ZoneTextError> {
        self.encoded("hexadecimal digits in pairs", &HEXLOWER_PERMISSIVE)
    }

    fn base64(&mut self) -> Result<Vec<u8>, ZoneTextError> {
        self.encoded("Base64", &BASE64)
    }

    /// Blanks within encoded data mean nothing, so mistakes can only be found after joining the parts.
    fn encoded(&mut self, expected: &str, encoding: &data_encoding::Encoding) -> Result<Vec<u8>, ZoneTextError> {
        let tokens: Vec<Token> = self.tokens.by_ref().collect();
        let joined: String = tokens.iter().map(|token| token.text.as_str()).collect();
        encoding.decode(joined.as_bytes()).map_err(|_| match (tokens.first(), tokens.last()) {
            (Some(first), Some(last)) => ZoneTextError {
                span: first.span.start..last.span.end,
                found: format!("`{joined}`"),
                expected: expected.to_owned(),
            },
            _ => self.missing_but("end of line".to_owned(), expected),
        })
    }

    fn generic(&mut self) -> Result<RawRdata, ZoneTextError> {
        let _mark = self.next("\\#")?;
        let token = self.next("the length of the data")?;
        let length: usize = token.text.parse().map_err(|_| token.expected("the length of the data"))?;
        let octets = self.hexadecimal()?;
        if octets.len() == length {
            Ok(octets.into())
        } else {
            Err(token.expected(format!("{}, the number of octets that follow", octets.len())))
        }
    }
}

/// The seconds since 1970, modulo 2³², of 14 digits YYYYMMDDHHmmSS in UTC.
fn civil_seconds(digits: &str) -> Option<u32> {
    let time = DateTime::strptime("%Y%m%d%H%M%S", digits).ok()?;
    let seconds = Offset::UTC.to_timestamp(time).ok()?.as_second();
    u32::try_from(seconds.rem_euclid(1 << 32)).ok()
}

/// A token as a name, relative to `origin`.
pub(crate) fn name(token: &Token, origin: &Name) -> Result<Name, ZoneTextError> {
    Name::parse_relative(&token.text, origin).map_err(|error| token.expected(format!("a name ({error})")))
}
