//! Entries: a message, with the parts in which another one must agree with it, and what is adjusted before it is sent.

use std::time::Duration;

use mxlab_dns::exchange::Transport;
use mxlab_dns::record::{Rcode, RecordType};
use mxlab_dns::wire::{Edns, Message};

/// An entry of a replay file.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The line of its ENTRY_BEGIN.
    pub(crate) line: usize,
    pub(crate) matching: Matching,
    pub(crate) adjusting: Adjusting,
    /// The message, and after it those of EXTRA_PACKET.
    pub(crate) packets: Vec<Packet>,
}

impl Entry {
    pub(crate) fn new(line: usize) -> Entry {
        let packets = vec![Packet::new()];
        Entry { line, matching: Matching::default(), adjusting: Adjusting::default(), packets }
    }

    /// The message of the entry.
    pub(crate) fn message(&self) -> Option<&Message> {
        self.packets.first().map(|packet| &packet.message)
    }
}

/// The parts in which a message must agree with that of the entry. A part that is not named may be anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matching {
    pub(crate) opcode: bool,
    pub(crate) question_type: bool,
    pub(crate) question_name: bool,
    /// The name asked for is at or below that of the entry.
    pub(crate) subdomain: bool,
    pub(crate) question: bool,
    pub(crate) rcode: bool,
    /// QR, AA, TC, RD, RA, AD and CD.
    pub(crate) flags: bool,
    pub(crate) answer: bool,
    pub(crate) authority: bool,
    pub(crate) additional: bool,
    /// With all that: whether there is EDNS, and its DO bit.
    pub(crate) edns: bool,
    /// TTLs count where records are compared.
    pub(crate) ttl: bool,
    /// Bits that the message must have.
    pub(crate) dnssec_ok: bool,
    pub(crate) authentic_data: bool,
    pub(crate) checking_disabled: bool,
    pub(crate) recursion_desired: bool,
    /// There must be no EDNS.
    pub(crate) no_edns: bool,
    /// The options of EDNS must be these octets.
    pub(crate) edns_data: bool,
    pub(crate) transport: Option<Transport>,
    /// The serial number of the SOA record in the authority section (RFC 1995 §3).
    pub(crate) serial: Option<u32>,
    pub(crate) extended_error: Option<ExpectedError>,
    /// A word that needs cookies (RFC 7873), which this resolver does not send.
    pub(crate) cookie: Option<&'static str>,
}

impl Matching {
    /// `all` and `all_noedns`: opcode, rcode, flags and all sections.
    pub(crate) fn all(&mut self) {
        for part in [
            &mut self.opcode,
            &mut self.rcode,
            &mut self.flags,
            &mut self.question,
            &mut self.answer,
            &mut self.authority,
            &mut self.additional,
        ] {
            *part = true;
        }
    }
}

/// The Extended DNS Error (RFC 8914) that a message must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExpectedError {
    Any,
    Code(u16),
}

/// What is changed before the message is sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Adjusting {
    /// The id becomes that of the query. Here it always does: a resolver that checks ids would see nothing else. But as an
    /// expectation (CHECK_OUT_QUERY), only such an entry is also the answer.
    pub(crate) copy_id: bool,
    /// The question becomes that of the query.
    pub(crate) copy_query: bool,
    /// Time before the first packet.
    pub(crate) sleep: Duration,
    /// A word that needs client subnets (RFC 7871), which are not a validator's.
    pub(crate) client_subnet: Option<&'static str>,
}

/// A message of an entry.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) message: Message,
    /// These octets are sent in its place.
    pub(crate) octets: Option<Vec<u8>>,
    /// The options of its EDNS.
    pub(crate) edns_data: Option<Vec<u8>>,
    /// Time before it.
    pub(crate) sleep: Duration,
}

impl Packet {
    pub(crate) fn new() -> Packet {
        let message = Message {
            id: 0,
            flags: Default::default(),
            rcode: Rcode::NOERROR,
            question: None,
            answer: Vec::new(),
            authority: Vec::new(),
            additional: Vec::new(),
            edns: None,
        };
        Packet { message, octets: None, edns_data: None, sleep: Duration::ZERO }
    }

    /// Gives it the OPT record that DO or data of options call for.
    pub(crate) fn finish(&mut self, dnssec_ok: bool) {
        if dnssec_ok || self.edns_data.is_some() {
            self.message.edns = Some(Edns::new(1_232, dnssec_ok));
        }
    }

    /// The octets on the way to the resolver that sent `query`.
    pub(crate) fn encode(&self, adjusting: &Adjusting, query: &Message) -> Vec<u8> {
        if let Some(octets) = &self.octets {
            let mut octets = octets.clone();
            if let Some(id) = octets.first_chunk_mut() {
                *id = query.id.to_be_bytes();
            }
            return octets;
        }
        let mut message = self.message.clone();
        message.id = query.id;
        if adjusting.copy_query {
            message.question = query.question.clone();
        }
        match (&self.edns_data, message.edns.take()) {
            (Some(options), Some(edns)) => message.additional.push(opt_record(&edns, options)),
            (_, edns) => message.edns = edns,
        }
        message.encode(usize::from(u16::MAX))
    }
}

/// An OPT record with these options, which the writer of messages takes for any other record.
fn opt_record(edns: &Edns, options: &[u8]) -> mxlab_dns::record::Record {
    let ttl = if edns.dnssec_ok { 0x8000 } else { 0 };
    let mut record = mxlab_dns::record::Record::new(mxlab_dns::name::Name::root(), RecordType::OPT, ttl, options);
    record.class = mxlab_dns::record::Class(edns.udp_size);
    record
}
