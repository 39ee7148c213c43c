//! TLSA answers as they cross the wire: what DNS has told a host, whatever the host then says.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use mxlab_dns::rdata::Tlsa;
use mxlab_dns::{Message, RecordType};

/// The port of DNS.
const PORT: u16 = 53;
/// The most answers that are remembered.
const MAX_ANSWERS: usize = 100_000;
/// The most octets that are kept of answers over TCP of which a part is still to come.
const MAX_PENDING: usize = 1 << 20;

/// An answer to a question for TLSA records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsaAnswer {
    /// How many entries the record had when it was sent.
    pub(crate) after: usize,
    /// Whom it was sent to.
    pub(crate) to: IpAddr,
    /// The name that was asked for, without final dot, in lower case.
    pub(crate) name: String,
    /// The records in it.
    pub(crate) records: Vec<Tlsa>,
}

/// Somebody on the wire who remembers TLSA answers.
#[derive(Debug, Default)]
pub(crate) struct TlsaAnswers {
    heard: Vec<TlsaAnswer>,
    /// What has come of answers over TCP, by connection.
    pending: BTreeMap<(SocketAddr, SocketAddr), Vec<u8>>,
}

impl TlsaAnswers {
    /// The answers in the order in which they were sent.
    pub(crate) fn heard(&self) -> &[TlsaAnswer] {
        &self.heard
    }

    /// Hears a datagram, when the record has `after` entries.
    pub(crate) fn datagram(&mut self, after: usize, from: SocketAddr, to: SocketAddr, payload: &[u8]) {
        if from.port() == PORT {
            self.message(after, to.ip(), payload);
        }
    }

    /// Hears a segment. With `opens`, it opens the connection.
    pub(crate) fn segment(&mut self, after: usize, from: SocketAddr, to: SocketAddr, opens: bool, payload: &[u8]) {
        if from.port() != PORT {
            return;
        }
        let mut stream = self.pending.remove(&(from, to)).filter(|_| !opens).unwrap_or_default();
        stream.extend_from_slice(payload);
        // RFC 1035 §4.2.2: each message comes after its length.
        while let Some((length, rest)) = stream.split_first_chunk::<2>()
            && let Some((message, rest)) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
        {
            self.message(after, to.ip(), message);
            stream = rest.to_vec();
        }
        let kept: usize = self.pending.values().map(Vec::len).sum();
        if !stream.is_empty() && kept + stream.len() <= MAX_PENDING {
            self.pending.insert((from, to), stream);
        }
    }

    fn message(&mut self, after: usize, to: IpAddr, octets: &[u8]) {
        let Ok(message) = Message::decode(octets) else { return };
        let Some(question) = message.question.filter(|question| question.rtype == RecordType::TLSA) else { return };
        if !message.flags.response || message.flags.truncated || self.heard.len() >= MAX_ANSWERS {
            return;
        }
        let answers = message.answer.iter().filter(|record| record.rtype == RecordType::TLSA);
        let records = answers.filter_map(|record| Tlsa::parse(&record.rdata).ok()).collect();
        let name = question.name.to_lowercase().to_string();
        self.heard.push(TlsaAnswer { after, to, name: name.trim_end_matches('.').to_owned(), records });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mxlab_dns::Rcode;
    use mxlab_dns::rdata::Rdata as _;

    #[test]
    fn answers_are_heard_over_udp_and_in_parts_over_tcp() {
        let name = "_25._tcp.mx1.fabrikam.example".parse().unwrap();
        let query = Message::query(7, name, RecordType::TLSA, None);
        let mut answer = query.response(Rcode::NOERROR);
        let tlsa = Tlsa { usage: 3, selector: 1, matching: 1, data: vec![7; 32] };
        let owner = answer.question.as_ref().unwrap().name.clone();
        answer.answer.push(mxlab_dns::Record::new(owner, RecordType::TLSA, 300, tlsa.to_rdata()));
        let octets = answer.encode(4096);
        let (from, to) = ("192.0.2.53:53".parse().unwrap(), "192.0.2.1:4000".parse().unwrap());
        let expected = |after| TlsaAnswer {
            after,
            to: "192.0.2.1".parse().unwrap(),
            name: "_25._tcp.mx1.fabrikam.example".to_owned(),
            records: vec![tlsa.clone()],
        };

        let mut answers = TlsaAnswers::default();
        answers.datagram(3, from, to, &octets);
        // A question is no answer.
        answers.datagram(4, from, to, &query.encode(4096));
        assert_eq!(answers.heard(), [expected(3)]);

        let mut answers = TlsaAnswers::default();
        let framed = [&u16::try_from(octets.len()).unwrap().to_be_bytes(), octets.as_slice()].concat();
        let framed = framed.repeat(2);
        answers.segment(0, from, to, true, &[]);
        for (after, part) in framed.chunks(50).enumerate() {
            answers.segment(after, from, to, false, part);
        }
        assert_eq!(answers.heard().len(), 2);
        assert_eq!(answers.heard()[0].records, expected(0).records);
    }
}
