//! A zone on a server of its own, and what it answers, in short.

use std::sync::Arc;

use mxlab_dns::rdata::{Nsec3, Rrsig};
use mxlab_dns::wire::Edns;
use mxlab_dns::*;

use crate::net::{always, at, name, rtype};

/// A signed zone from text, with a combined key.
pub fn signed(origin: &str, text: &str, denial: Denial) -> SignedZone {
    let key = SigningKey::new(KeyKind::Ed25519, KeyRole::Combined, [1; 32]).unwrap();
    with_keys(origin, text, Arc::new(key)).with_denial(denial)
}

/// The same with these keys, and NSEC.
pub fn with_keys(origin: &str, text: &str, keys: impl Into<KeySet>) -> SignedZone {
    let mut zone = Zone::new(name(origin), &[], 3_600);
    zone.add_text(text, 3_600).unwrap();
    SignedZone::new(zone, keys, always())
}

pub fn serving(zone: impl Into<ServedZone>) -> Authority {
    let authority = Authority::new();
    authority.set_zone(zone);
    authority
}

/// The complete answer to a question with DO, over TCP.
pub fn ask(authority: &Authority, owner: &str, kind: &str) -> Message {
    let query = Message::query(7, name(owner), rtype(kind), Some(Edns::new(1_232, true)));
    match authority.answer(&query.encode(512), Transport::Tcp, at(0)) {
        Reply::Bytes(octets) => Message::decode(&octets).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// The code, and each RRset on a line: the first letter of its section, owner, type, data; with a `+` if it is signed,
/// and the number of labels if it was expanded from a wildcard. Hashes are cut to four characters; SOA and DNSKEY are
/// without data.
pub fn brief(message: &Message) -> String {
    let mut lines = vec![format!("{}{}", message.rcode, if message.flags.authoritative { " aa" } else { "" })];
    for (letter, section) in [("n", &message.answer), ("u", &message.authority), ("d", &message.additional)] {
        let signature =
            |record: &Record| Rrsig::parse(&record.rdata).ok().filter(|_| record.rtype == RecordType::RRSIG);
        let sets: Vec<&Record> = section.iter().filter(|record| record.rtype != RecordType::RRSIG).collect();
        for set in sets.chunk_by(|one, two| one.name == two.name && one.rtype == two.rtype) {
            let first = set[0];
            let covering = |record: &Record| {
                let rrsig = signature(record).filter(|_| record.name == first.name)?;
                (rrsig.type_covered == first.rtype).then_some(usize::from(rrsig.labels))
            };
            let signatures: Vec<usize> = section.iter().filter_map(covering).collect();
            let own = first.name.label_count();
            let expanded = signatures.first().filter(|labels| **labels < own && !first.name.is_wildcard());
            let mut words = vec![letter.to_owned(), owner(first), first.rtype.to_string()];
            words.extend(set.iter().map(|record| data(record)).filter(|data| !data.is_empty()));
            words.extend(signatures.iter().map(|_| "+".to_owned()));
            words.extend(expanded.map(usize::to_string));
            lines.push(words.join(" "));
        }
    }
    lines.join("\n")
}

fn owner(record: &Record) -> String {
    let text = record.name.to_string();
    if record.rtype == RecordType::NSEC3 { text[..4].to_owned() } else { text }
}

fn data(record: &Record) -> String {
    match record.rtype {
        RecordType::SOA | RecordType::DNSKEY => String::new(),
        RecordType::NSEC3 => {
            let nsec3 = Nsec3::parse(&record.rdata).unwrap();
            let next = data_encoding::BASE32HEX_NOPAD.encode(&nsec3.next_hashed).to_ascii_lowercase();
            let types: Vec<String> = nsec3.types.iter().map(|rtype| rtype.to_string()).collect();
            let opt_out = if nsec3.flags & 1 == 1 { " opt-out" } else { "" };
            format!("{} {}{opt_out}", &next[..4], types.join(" "))
        }
        rtype => rdata::to_text(rtype, &record.rdata),
    }
}

/// What a zone answers to questions `owner type`.
#[track_caller]
pub fn check(authority: &Authority, table: &[(&str, &str)]) {
    for (question, expected) in table {
        let (owner, kind) = question.split_once(' ').unwrap();
        let answer = brief(&ask(authority, owner, kind));
        assert_eq!(answer, expected.trim(), "{question}\n{answer}\n");
    }
}
