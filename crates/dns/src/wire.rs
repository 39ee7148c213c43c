//! Messages on the wire (RFC 1035 §4, RFC 6891).
//!
//! The reader takes any octets: it never reads beyond them, follows compression pointers only backwards, and expands
//! the names in the data of the types that may be compressed (RFC 3597 §4). Record data that it cannot expand stays as
//! it is, so that one odd record spoils nothing else; only a message whose framing is broken is refused.
//!
//! The writer compresses owner names, never names in record data. A message that would exceed its limit is cut at an
//! RRset and marked as truncated (RFC 2181 §9).

use crate::name::{MAX_NAME, Name};
use crate::record::{Class, RawRdata, Rcode, Record, RecordType};

/// The header bits (RFC 1035 §4.1.1, RFC 4035 §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// This is a response.
    pub response: bool,
    /// The kind of query; 0 is a standard one.
    pub opcode: u8,
    /// AA: the server is an authority for the first owner of the answer.
    pub authoritative: bool,
    /// TC: something did not fit.
    pub truncated: bool,
    /// RD: the client wants recursion.
    pub recursion_desired: bool,
    /// RA: the server offers recursion.
    pub recursion_available: bool,
    /// AD: the server considers the answer authentic.
    pub authentic_data: bool,
    /// CD: the client checks signatures itself.
    pub checking_disabled: bool,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The name.
    pub name: Name,
    /// The type.
    pub rtype: RecordType,
    /// The class.
    pub class: Class,
}

/// The EDNS pseudo-record (RFC 6891 §6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edns {
    /// The largest UDP payload that its sender takes.
    pub udp_size: u16,
    /// The version, 0.
    pub version: u8,
    /// DO: signatures and proofs are wanted (RFC 3225).
    pub dnssec_ok: bool,
    /// CO: its sender wants NXDOMAIN for a compact denial of the name (RFC 9824 §5.1).
    pub compact_ok: bool,
    /// Extended DNS Error (RFC 8914): its info code.
    pub extended_error: Option<u16>,
}

impl Edns {
    /// Version 0 with this payload size.
    pub fn new(udp_size: u16, dnssec_ok: bool) -> Edns {
        Edns { udp_size, version: 0, dnssec_ok, compact_ok: false, extended_error: None }
    }
}

/// The option code of Extended DNS Errors (RFC 8914 §2).
const EXTENDED_ERROR: u16 = 15;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Chosen by the client, repeated by the server.
    pub id: u16,
    /// The header bits.
    pub flags: Flags,
    /// The response code, with the bits that EDNS adds.
    pub rcode: Rcode,
    /// The question; a query has exactly one (RFC 9619).
    pub question: Option<Question>,
    /// The answer section.
    pub answer: Vec<Record>,
    /// The authority section.
    pub authority: Vec<Record>,
    /// The additional section without the OPT record.
    pub additional: Vec<Record>,
    /// The OPT record.
    pub edns: Option<Edns>,
}

/// Why octets are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A field goes beyond the end.
    #[error("message ends too early")]
    Short,
    /// A name is malformed, or points forwards.
    #[error("bad name in message")]
    Name,
    /// More than one question (RFC 9619).
    #[error("more than one question")]
    Questions,
    /// More than one OPT record, or one that does not belong to the root (RFC 6891 §6.1.1).
    #[error("bad opt record")]
    Opt,
}

impl Message {
    /// A query with recursion desired.
    pub fn query(id: u16, name: Name, rtype: RecordType, edns: Option<Edns>) -> Message {
        Message {
            id,
            flags: Flags { recursion_desired: true, ..Flags::default() },
            rcode: Rcode::NOERROR,
            question: Some(Question { name, rtype, class: Class::IN }),
            answer: Vec::new(),
            authority: Vec::new(),
            additional: Vec::new(),
            edns,
        }
    }

    /// An empty response to this query, with its id, question, RD and CD.
    pub fn response(&self, rcode: Rcode) -> Message {
        Message {
            id: self.id,
            flags: Flags {
                response: true,
                opcode: self.flags.opcode,
                recursion_desired: self.flags.recursion_desired,
                checking_disabled: self.flags.checking_disabled,
                ..Flags::default()
            },
            rcode,
            question: self.question.clone(),
            answer: Vec::new(),
            authority: Vec::new(),
            additional: Vec::new(),
            edns: None,
        }
    }

    /// Reads a message; octets after its end are ignored.
    ///
    /// # Errors
    /// Its framing is broken. Bad record data is never an error.
    pub fn decode(octets: &[u8]) -> Result<Message, WireError> {
        let mut reader = Reader { message: octets, at: 0 };
        let id = reader.u16()?;
        let bits = reader.u16()?;
        let counts = [reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?];
        let [questions, answers, authorities, additionals] = counts;
        let question = match questions {
            0 => None,
            1 => Some(Question { name: reader.name()?, rtype: RecordType(reader.u16()?), class: Class(reader.u16()?) }),
            _ => return Err(WireError::Questions),
        };
        let mut message = Message {
            id,
            flags: Flags::from_bits(bits),
            rcode: Rcode(bits & 0xf),
            question,
            answer: reader.records(answers)?,
            authority: reader.records(authorities)?,
            additional: reader.records(additionals)?,
            edns: None,
        };
        message.take_opt()?;
        Ok(message)
    }

    /// Moves the OPT record out of the additional section.
    fn take_opt(&mut self) -> Result<(), WireError> {
        let is_opt = |record: &Record| record.rtype == RecordType::OPT;
        let Some(at) = self.additional.iter().position(is_opt) else { return Ok(()) };
        let opt = self.additional.remove(at);
        if !opt.name.is_root() || self.additional.iter().any(is_opt) {
            return Err(WireError::Opt);
        }
        let [extended_rcode, version, flags, _] = opt.ttl.to_be_bytes();
        self.rcode = Rcode(self.rcode.0 | u16::from(extended_rcode) << 4);
        let mut edns = Edns::new(opt.class.0, flags & 0x80 != 0);
        edns.version = version;
        edns.compact_ok = flags & 0x40 != 0;
        let mut options = Reader { message: &opt.rdata, at: 0 };
        while let (Ok(code), Ok(length)) = (options.u16(), options.u16()) {
            let Ok(data) = options.take(length.into()) else { break };
            if code == EXTENDED_ERROR && edns.extended_error.is_none() {
                edns.extended_error = data.first_chunk().map(|info| u16::from_be_bytes(*info));
            }
        }
        self.edns = Some(edns);
        Ok(())
    }

    /// Writes the message in at most `limit` octets. RRsets of the answer and authority sections that do not fit are
    /// left out together with everything after them, and TC is set; likewise for the additional section, which here
    /// only ever holds glue (RFC 9471).
    pub fn encode(&self, limit: usize) -> Vec<u8> {
        let opt = self.edns.as_ref().map(|edns| edns.record(self.rcode));
        let opt_length = opt.as_ref().map_or(0, |opt| 11 + opt.rdata.len());
        let mut writer = Writer { octets: Vec::with_capacity(512), names: Vec::new() };
        for field in [self.id, self.flags.to_bits(self.rcode), u16::from(self.question.is_some()), 0, 0, 0] {
            writer.u16(field);
        }
        if let Some(question) = &self.question {
            writer.name(&question.name);
            writer.u16(question.rtype.0);
            writer.u16(question.class.0);
        }
        let room = limit.saturating_sub(opt_length);
        let mut truncated = self.flags.truncated;
        for (section, count_at) in [(&self.answer, 6), (&self.authority, 8), (&self.additional, 10)] {
            let mut count = if truncated { 0 } else { writer.section(section, room) };
            truncated |= count < section.len();
            if count_at == 10
                && let Some(opt) = &opt
            {
                writer.record(opt);
                count += 1;
            }
            writer.patch(count_at, u16::try_from(count).unwrap_or(u16::MAX));
        }
        if truncated {
            writer.patch(2, Flags { truncated: true, ..self.flags }.to_bits(self.rcode));
        }
        writer.octets
    }
}

impl Flags {
    fn from_bits(bits: u16) -> Flags {
        Flags {
            response: bits & 0x8000 != 0,
            opcode: (bits >> 11 & 0xf) as u8,
            authoritative: bits & 0x0400 != 0,
            truncated: bits & 0x0200 != 0,
            recursion_desired: bits & 0x0100 != 0,
            recursion_available: bits & 0x0080 != 0,
            authentic_data: bits & 0x0020 != 0,
            checking_disabled: bits & 0x0010 != 0,
        }
    }

    fn to_bits(self, rcode: Rcode) -> u16 {
        let bit = |set: bool, bit: u16| if set { bit } else { 0 };
        bit(self.response, 0x8000)
            | u16::from(self.opcode & 0xf) << 11
            | bit(self.authoritative, 0x0400)
            | bit(self.truncated, 0x0200)
            | bit(self.recursion_desired, 0x0100)
            | bit(self.recursion_available, 0x0080)
            | bit(self.authentic_data, 0x0020)
            | bit(self.checking_disabled, 0x0010)
            | (rcode.0 & 0xf)
    }
}

impl Edns {
    fn record(&self, rcode: Rcode) -> Record {
        let mut options = Vec::new();
        if let Some(info) = self.extended_error {
            for field in [EXTENDED_ERROR, 2, info] {
                options.extend_from_slice(&field.to_be_bytes());
            }
        }
        let flags = if self.dnssec_ok { 0x80 } else { 0 } | if self.compact_ok { 0x40 } else { 0 };
        let ttl = u32::from_be_bytes([(rcode.0 >> 4 & 0xff) as u8, self.version, flags, 0]);
        Record {
            name: Name::root(),
            class: Class(self.udp_size),
            rtype: RecordType::OPT,
            ttl,
            rdata: RawRdata::from(options),
        }
    }
}

/// Reads fields from a message, never beyond its end.
struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let end = self.at.checked_add(count).ok_or(WireError::Short)?;
        let taken = self.message.get(self.at..end).ok_or(WireError::Short)?;
        self.at = end;
        Ok(taken)
    }

    fn u16(&mut self) -> Result<u16, WireError> {
        self.take(2)?.first_chunk().map(|chunk| u16::from_be_bytes(*chunk)).ok_or(WireError::Short)
    }

    fn u32(&mut self) -> Result<u32, WireError> {
        self.take(4)?.first_chunk().map(|chunk| u32::from_be_bytes(*chunk)).ok_or(WireError::Short)
    }

    /// A name, compressed or not (RFC 1035 §4.1.4).
    fn name(&mut self) -> Result<Name, WireError> {
        let mut wire = [0u8; MAX_NAME];
        let mut length = 0;
        let mut at = self.at;
        // Each pointer must point before all octets read of this name so far, which bounds their number.
        let mut lowest = self.at;
        let mut end = None;
        loop {
            let label = usize::from(*self.message.get(at).ok_or(WireError::Short)?);
            match label {
                0..=63 => {
                    let octets = self.message.get(at..at + 1 + label).ok_or(WireError::Short)?;
                    wire.get_mut(length..length + 1 + label).ok_or(WireError::Name)?.copy_from_slice(octets);
                    length += 1 + label;
                    at += 1 + label;
                    if label == 0 {
                        break;
                    }
                }
                192..=255 => {
                    let low = usize::from(*self.message.get(at + 1).ok_or(WireError::Short)?);
                    end.get_or_insert(at + 2);
                    at = (label & 0x3f) << 8 | low;
                    if at >= lowest {
                        return Err(WireError::Name);
                    }
                    lowest = at;
                }
                _ => return Err(WireError::Name),
            }
        }
        self.at = end.unwrap_or(at);
        Name::from_wire(wire.get(..length).unwrap_or_default()).map_err(|_| WireError::Name)
    }

    fn records(&mut self, count: u16) -> Result<Vec<Record>, WireError> {
        // Every record takes 11 octets at least: a false count does not reserve memory.
        let mut records = Vec::with_capacity(usize::from(count).min(self.message.len() / 11));
        for _ in 0..count {
            let name = self.name()?;
            let (rtype, class, ttl) = (RecordType(self.u16()?), Class(self.u16()?), self.u32()?);
            let length = usize::from(self.u16()?);
            let start = self.at;
            let raw = self.take(length)?;
            let rdata = match self.expand(rtype, start, length) {
                Some(expanded) => expanded.into(),
                None => raw.into(),
            };
            // RFC 2181 §8: a TTL with the highest bit set is taken as 0. The OPT record has other data there.
            let ttl = if ttl > i32::MAX as u32 && rtype != RecordType::OPT { 0 } else { ttl };
            records.push(Record { name, class, rtype, ttl, rdata });
        }
        Ok(records)
    }

    /// Record data with its names expanded, for the types that may hold compressed ones.
    fn expand(&self, rtype: RecordType, start: usize, length: usize) -> Option<Vec<u8>> {
        let (before, names) = match rtype {
            RecordType::NS | RecordType::CNAME | RecordType::PTR | RecordType::DNAME => (0, 1),
            RecordType::MX => (2, 1),
            RecordType::SOA => (0, 2),
            RecordType::SRV => (6, 1),
            _ => return None,
        };
        let end = start + length;
        let mut reader = Reader { message: self.message.get(..end)?, at: start };
        let mut octets = Vec::with_capacity(length + 32);
        octets.extend_from_slice(reader.take(before).ok()?);
        for _ in 0..names {
            octets.extend_from_slice(reader.name().ok()?.wire());
        }
        octets.extend_from_slice(self.message.get(reader.at..end)?);
        Some(octets)
    }
}

/// Writes a message, remembering the offsets of names.
struct Writer {
    octets: Vec<u8>,
    /// Names in the message, with the offset of their first octet, if a pointer can express it.
    names: Vec<(Name, u16)>,
}

impl Writer {
    fn u16(&mut self, field: u16) {
        self.octets.extend_from_slice(&field.to_be_bytes());
    }

    fn patch(&mut self, at: usize, field: u16) {
        if let Some(slot) = self.octets.get_mut(at..at + 2) {
            slot.copy_from_slice(&field.to_be_bytes());
        }
    }

    /// Writes a name; its longest tail that is already in the message becomes a pointer.
    fn name(&mut self, name: &Name) {
        for tail in name.ancestors() {
            if tail.is_root() {
                self.octets.push(0);
                return;
            }
            // Written names keep their case: a pointer to a name in another case would change it.
            if let Some((_, place)) = self.names.iter().find(|(known, _)| known.wire() == tail.wire()) {
                self.u16(0xc000 | place);
                return;
            }
            if let Ok(place @ ..0x4000) = u16::try_from(self.octets.len()) {
                self.names.push((tail.clone(), place));
            }
            let length = usize::from(tail.wire().first().copied().unwrap_or(0));
            self.octets.extend_from_slice(tail.wire().get(..=length).unwrap_or_default());
        }
    }

    fn record(&mut self, record: &Record) {
        self.name(&record.name);
        self.u16(record.rtype.0);
        self.u16(record.class.0);
        self.octets.extend_from_slice(&record.ttl.to_be_bytes());
        let length = record.rdata.len().min(usize::from(u16::MAX));
        self.u16(u16::try_from(length).unwrap_or(u16::MAX));
        self.octets.extend_from_slice(record.rdata.get(..length).unwrap_or_default());
    }

    /// Writes the RRsets of a section that fit into `room` octets of the message; returns how many records that were.
    fn section(&mut self, records: &[Record], room: usize) -> usize {
        let mut written = 0;
        let same_rrset = |left: &Record, right: &Record| left.rtype == right.rtype && left.name == right.name;
        for rrset in records.chunk_by(same_rrset) {
            let (octets, names) = (self.octets.len(), self.names.len());
            for record in rrset {
                self.record(record);
            }
            if self.octets.len() > room || written + rrset.len() > usize::from(u16::MAX) {
                self.octets.truncate(octets);
                self.names.truncate(names);
                break;
            }
            written += rrset.len();
        }
        written
    }
}
