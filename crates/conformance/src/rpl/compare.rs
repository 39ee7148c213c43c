//! Which queries an entry answers, and how a reply differs from what was expected: one comparison for both.
//!
//! Records are compared as sets, names and the names in data without regard to case, TTLs only if the entry says `ttl`. An
//! extended error (RFC 8914) counts only where the entry says `ede`: validators may always add one.

use std::net::IpAddr;

use super::entry::{Entry, ExpectedError, Matching, Packet};
use super::script::Range;
use mxlab_dns::exchange::Transport;
use mxlab_dns::name::Name;
use mxlab_dns::rdata::push_canonical;
use mxlab_dns::rdata::{Nsec, Rdata as _, Soa};
use mxlab_dns::record::{Record, RecordType};
use mxlab_dns::wire::{Edns, Flags, Message, Question};

/// A message that was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent<'a> {
    pub(crate) message: &'a Message,
    /// Its octets, where what is in EDNS options counts.
    pub(crate) octets: &'a [u8],
    pub(crate) transport: Transport,
}

/// The entry of the ranges that answers a query at this step.
pub(crate) fn find<'a>(ranges: &'a [Range], step: u64, query: Sent<'_>, to: IpAddr, order: Order) -> Option<&'a Entry> {
    let here = |range: &&Range| {
        let any = order == Order::LastEntry || range.addresses.is_empty();
        (range.first..=range.last).contains(&step) && (any || range.addresses.contains(&to))
    };
    let answers = |entry: &&Entry| differences(entry, query).is_empty();
    match order {
        Order::LastRange => ranges.iter().rev().filter(here).find_map(|range| range.entries.iter().find(answers)),
        Order::LastEntry => ranges.iter().filter(here).flat_map(|range| &range.entries).rfind(answers),
    }
}

/// Which of several entries wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The first one of the last range of the server: as in Unbound.
    LastRange,
    /// The last one of all, whatever the server.
    LastEntry,
}

/// In what a message differs from the entry, in the parts that the entry names; nothing if it matches.
pub(crate) fn differences(entry: &Entry, sent: Sent<'_>) -> Vec<String> {
    let mut differences = Differences(Vec::new());
    if let Some(packet) = entry.packets.first() {
        differences.header(&entry.matching, &packet.message, sent);
        differences.question(&entry.matching, packet.message.question.as_ref(), sent.message.question.as_ref());
        differences.sections(&entry.matching, &packet.message, sent.message);
        differences.edns(&entry.matching, packet, sent);
    }
    differences.0
}

struct Differences(Vec<String>);

impl Differences {
    fn check(&mut self, what: &str, same: bool, expected: impl std::fmt::Display, found: impl std::fmt::Display) {
        if !same {
            self.0.push(format!("{what}: expected {expected}, found {found}"));
        }
    }

    fn header(&mut self, matching: &Matching, expected: &Message, sent: Sent<'_>) {
        let found = sent.message;
        let (own, other) = (found.flags.opcode, expected.flags.opcode);
        self.check("opcode", !matching.opcode || own == other, other, own);
        // What EDNS adds to the code is not in the header.
        let same = expected.rcode.0 & 0xf == found.rcode.0 & 0xf;
        self.check("rcode", !matching.rcode || same, expected.rcode, found.rcode);
        let plain = |flags: Flags| Flags { opcode: 0, ..flags };
        let same = plain(expected.flags) == plain(found.flags);
        self.check("flags", !matching.flags || same, words(expected.flags), words(found.flags));
        for (wanted, flag, has) in [
            (matching.authentic_data, "AD", found.flags.authentic_data),
            (matching.checking_disabled, "CD", found.flags.checking_disabled),
            (matching.recursion_desired, "RD", found.flags.recursion_desired),
            (matching.dnssec_ok, "DO", found.edns.as_ref().is_some_and(|edns| edns.dnssec_ok)),
        ] {
            self.check("flags", !wanted || has, flag, "none");
        }
        if let Some(transport) = matching.transport {
            let word = |transport| if transport == Transport::Tcp { "TCP" } else { "UDP" };
            self.check("transport", transport == sent.transport, word(transport), word(sent.transport));
        }
    }

    fn question(&mut self, matching: &Matching, expected: Option<&Question>, found: Option<&Question>) {
        let same = expected == found;
        self.check("question", !matching.question || same, show_question(expected), show_question(found));
        let name = |question: Option<&Question>| question.map(|question| question.name.clone());
        let show_name = |name: &Option<Name>| name.as_ref().map_or("none".to_owned(), ToString::to_string);
        let (own, other) = (name(found), name(expected));
        self.check("qname", !matching.question_name || own == other, show_name(&other), show_name(&own));
        let below = matches!((&own, &other), (Some(own), Some(other)) if own.is_subdomain_of(other));
        self.check("qname", !matching.subdomain || below, format!("one in {}", show_name(&other)), show_name(&own));
        let rtype = |question: Option<&Question>| question.map_or(RecordType(0), |question| question.rtype);
        let (own, other) = (rtype(found), rtype(expected));
        self.check("qtype", !matching.question_type || own == other, other, own);
    }

    fn sections(&mut self, matching: &Matching, expected: &Message, found: &Message) {
        for (wanted, section, expected, found) in [
            (matching.answer, "answer", &expected.answer, &found.answer),
            (matching.authority, "authority", &expected.authority, &found.authority),
            (matching.additional, "additional", &expected.additional, &found.additional),
        ] {
            if wanted {
                self.records(section, expected, found, matching.ttl);
            }
        }
        if let Some(serial) = matching.serial {
            let soas = found.authority.iter().filter(|record| record.rtype == RecordType::SOA);
            let found = soas.filter_map(|record| Soa::parse(&record.rdata).ok()).map(|soa| soa.serial).next();
            let shown = found.map_or("none".to_owned(), |found| found.to_string());
            self.check("serial", found == Some(serial), serial, shown);
        }
    }

    fn records(&mut self, section: &str, expected: &[Record], found: &[Record], ttl: bool) {
        let same = |left: &Record, right: &Record| same_record(left, right) && (!ttl || left.ttl == right.ttl);
        for record in expected {
            if !found.iter().any(|other| same(record, other)) {
                self.0.push(format!("{section}: missing: {}", shown(record)));
            }
        }
        for record in found {
            if !expected.iter().any(|other| same(record, other)) {
                self.0.push(format!("{section}: not expected: {}", shown(record)));
            }
        }
    }

    fn edns(&mut self, matching: &Matching, expected: &Packet, sent: Sent<'_>) {
        let found = sent.message.edns.as_ref();
        let show = |edns: Option<&Edns>| match edns {
            None => "none",
            Some(edns) if edns.dnssec_ok => "with DO",
            Some(_) => "without DO",
        };
        let wanted = show(expected.message.edns.as_ref());
        self.check("EDNS", !matching.edns || wanted == show(found), wanted, show(found));
        self.check("EDNS", !matching.no_edns || found.is_none(), "none", show(found));
        if matching.edns_data {
            let own = options(sent.octets).unwrap_or_default();
            let other = expected.edns_data.as_deref().unwrap_or_default();
            let hexadecimal = |octets| data_encoding::HEXLOWER.encode(octets);
            self.check("EDNS options", own == other, hexadecimal(other), hexadecimal(own));
        }
        let code = found.and_then(|edns| edns.extended_error);
        let shown = code.map_or("none".to_owned(), |code| code.to_string());
        match matching.extended_error {
            Some(ExpectedError::Any) => self.check("extended error", code.is_some(), "any", shown),
            Some(ExpectedError::Code(wanted)) => self.check("extended error", code == Some(wanted), wanted, shown),
            None => {}
        }
    }
}

/// The names of the header bits that are set.
fn words(flags: Flags) -> String {
    let bits = [
        ("QR", flags.response),
        ("AA", flags.authoritative),
        ("TC", flags.truncated),
        ("RD", flags.recursion_desired),
        ("RA", flags.recursion_available),
        ("AD", flags.authentic_data),
        ("CD", flags.checking_disabled),
    ];
    let set: Vec<&str> = bits.iter().filter(|(_, set)| *set).map(|(name, _)| *name).collect();
    if set.is_empty() { "none".to_owned() } else { set.join(" ") }
}

fn show_question(question: Option<&Question>) -> String {
    question.map_or("none".to_owned(), |question| format!("{} {}", question.name, question.rtype))
}

/// A record, without the long end of signatures and keys.
fn shown(record: &Record) -> String {
    const LONGEST: usize = 120;
    let text = record.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// Whether two records are the same but for their TTLs.
fn same_record(left: &Record, right: &Record) -> bool {
    let alike = (&left.name, left.class, left.rtype) == (&right.name, right.class, right.rtype);
    alike && (left.rdata == right.rdata || canonical(left) == canonical(right))
}

fn canonical(record: &Record) -> Vec<u8> {
    let mut octets = Vec::new();
    match Nsec::parse(&record.rdata) {
        // RFC 6840 §5.1: its name keeps its letters when it is signed; it is the same name all the same.
        Ok(nsec) if record.rtype == RecordType::NSEC => {
            octets.extend_from_slice(&Nsec { next: nsec.next.to_lowercase(), ..nsec }.to_rdata());
        }
        _ => push_canonical(record.rtype, &record.rdata, &mut octets),
    }
    octets
}

/// The options of the OPT record of a message, as octets.
fn options(octets: &[u8]) -> Option<&[u8]> {
    let count = |at: usize| octets.get(at..at + 2)?.first_chunk().map(|count| u16::from_be_bytes(*count));
    let (questions, records) = (count(4)?, u32::from(count(6)?) + u32::from(count(8)?) + u32::from(count(10)?));
    let mut at = 12;
    for _ in 0..questions {
        at = after_name(octets, at)? + 4;
    }
    for _ in 0..records {
        at = after_name(octets, at)? + 10;
        let length = usize::from(count(at.checked_sub(2)?)?);
        let rtype = count(at.checked_sub(10)?)?;
        let data = octets.get(at..at + length)?;
        if RecordType(rtype) == RecordType::OPT {
            return Some(data);
        }
        at += length;
    }
    None
}

/// Where the name ends that begins at `at`.
fn after_name(octets: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *octets.get(at)? {
            0 => return Some(at + 1),
            0xc0.. => return Some(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::script::{Action, Script};
    use super::*;

    /// The script of these ranges and steps.
    fn script(text: &str) -> Script {
        Script::parse(&format!("CONFIG_END\nSCENARIO_BEGIN t\n{text}SCENARIO_END\n")).unwrap()
    }

    /// An entry of these lines.
    fn entry(lines: &str) -> Entry {
        let script = script(&format!("STEP 1 REPLY\nENTRY_BEGIN\n{lines}\nENTRY_END\n"));
        match script.steps.into_iter().next().unwrap().action {
            Action::Reply(entry) => entry,
            other => panic!("{other:?}"),
        }
    }

    const REPLY: &str = "REPLY QR RD RA AD DO NOERROR
        SECTION QUESTION
        www.z. IN A
        SECTION ANSWER
        www.z. 60 IN A 192.0.2.1
        www.z. 60 IN A 192.0.2.2
        www.z. 60 IN NSEC Z. A
        SECTION AUTHORITY
        z. 60 IN NS ns.z.";

    /// In what the reply above, changed, differs from this expectation.
    #[track_caller]
    fn check(expectation: &str, change: impl Fn(&mut Message), expected: &[&str]) {
        let mut message = entry(REPLY).message().unwrap().clone();
        change(&mut message);
        let octets = message.encode(65_535);
        let sent = Sent { message: &message, octets: &octets, transport: Transport::Udp };
        assert_eq!(differences(&entry(expectation), sent), expected, "{expectation}");
    }

    #[test]
    fn replies_and_expectations() {
        let all = format!("MATCH all\n{REPLY}");
        check(&all, |_| (), &[]);
        check(&all, |message| message.answer.reverse(), &[]);
        check(&all, |message| message.answer.iter_mut().for_each(|record| record.ttl = 7), &[]);
        check(&all.replace("www", "WWW").replace("ns.z", "NS.Z").replace("NSEC Z.", "NSEC z."), |_| (), &[]);
        check(&all, |message| drop(message.answer.pop()), &["answer: missing: www.z. 60 NSEC Z. A"]);
        check(
            &all.replace("192.0.2.2", "192.0.2.3"),
            |_| (),
            &["answer: missing: www.z. 60 A 192.0.2.3", "answer: not expected: www.z. 60 A 192.0.2.2"],
        );
        check(
            &format!("{all}\nSECTION ADDITIONAL\nns.z. A 192.0.2.9"),
            |_| (),
            &["additional: missing: ns.z. 3600 A 192.0.2.9"],
        );
        check(&all.replace("z. 60 IN NS ns.z.", ""), |_| (), &["authority: not expected: z. 60 NS ns.z."]);
        check(
            &all.replace("AD DO NOERROR", "NXDOMAIN"),
            |_| (),
            &[
                "rcode: expected NXDOMAIN, found NOERROR",
                "flags: expected QR RD RA, found QR RD RA AD",
                "EDNS: expected none, found with DO",
            ],
        );
        check(&all.replace("all", "all_noedns").replace("DO ", ""), |_| (), &[]);
        check(
            &all.replace("MATCH all", "MATCH all ttl"),
            |message| message.authority[0].ttl = 7,
            &["authority: missing: z. 60 NS ns.z.", "authority: not expected: z. 7 NS ns.z."],
        );
        check(&all, |message| message.edns.as_mut().unwrap().extended_error = Some(6), &[]);
    }

    #[test]
    fn the_parts_that_entries_name() {
        let question = "SECTION QUESTION\nZ. IN MX";
        for (words, expected) in [
            ("opcode", &[] as &[&str]),
            ("opcode rcode", &[]),
            ("qtype", &["qtype: expected MX, found A"]),
            ("qname", &["qname: expected Z, found www.z"]),
            ("subdomain", &[]),
            ("question", &["question: expected Z MX, found www.z A"]),
            ("flags", &["flags: expected none, found QR RD RA AD"]),
            ("DO AD RD", &[]),
            ("CD", &["flags: expected CD, found none"]),
            ("UDP", &[]),
            ("TCP", &["transport: expected TCP, found UDP"]),
            ("noedns", &["EDNS: expected none, found with DO"]),
            ("serial=7", &["serial: expected 7, found none"]),
            ("ede=6", &["extended error: expected 6, found none"]),
            ("ede=any", &["extended error: expected any, found none"]),
            ("ednsdata", &[]),
        ] {
            check(&format!("MATCH {words}\n{question}"), |_| (), expected);
        }
        let error = |code| move |message: &mut Message| message.edns.as_mut().unwrap().extended_error = Some(code);
        check("MATCH ede=6", error(6), &[]);
        check("MATCH ede=any", error(7), &[]);
        check("MATCH ede=6", error(7), &["extended error: expected 6, found 7"]);
        check("MATCH ednsdata", error(7), &["EDNS options: expected , found 000f00020007"]);
        check("MATCH ednsdata\nHEX_EDNSDATA_BEGIN\n00 0f 00 02 ; a comment\n0007\nHEX_EDNSDATA_END", error(7), &[]);
        check("MATCH opcode\nREPLY NOTIFY", |_| (), &["opcode: expected 4, found 0"]);
        let soa = |message: &mut Message| {
            let record = super::super::records::record("z. SOA a. b. 7 1 1 1 1", &Name::root());
            message.authority.push(record.unwrap());
        };
        check("MATCH serial=7", soa, &[]);
    }

    #[test]
    fn which_entry_answers() {
        let range = |first: u8, address: &str, answer: u8| {
            format!(
                "RANGE_BEGIN {first} 20\nADDRESS {address}\nENTRY_BEGIN\nMATCH qname qtype\nSECTION QUESTION\nz. IN A\n\
                 SECTION ANSWER\nz. A 192.0.2.{answer}\nENTRY_END\nENTRY_BEGIN\nMATCH qtype\nSECTION QUESTION\nz. IN A\n\
                 SECTION ANSWER\nz. A 192.0.2.{}\nENTRY_END\nRANGE_END\n",
                answer + 1
            )
        };
        let text = [range(0, "192.0.2.1", 10), range(5, "192.0.2.1", 20), range(0, "192.0.2.2", 30)].concat();
        let ranges = script(&text).ranges;
        let check = |step, name: &str, to: &str, order, expected: Option<u8>| {
            let query = Message::query(1, name.parse().unwrap(), RecordType::A, None);
            let sent = Sent { message: &query, octets: &[], transport: Transport::Udp };
            let found = find(&ranges, step, sent, to.parse().unwrap(), order);
            let last = found.map(|entry| entry.message().unwrap().answer[0].rdata[3]);
            assert_eq!(last, expected, "{step} {name} {to} {order:?}");
        };
        check(0, "z", "192.0.2.1", Order::LastRange, Some(10));
        check(0, "a.z", "192.0.2.1", Order::LastRange, Some(11));
        check(5, "z", "192.0.2.1", Order::LastRange, Some(20));
        check(20, "z", "192.0.2.2", Order::LastRange, Some(30));
        check(21, "z", "192.0.2.2", Order::LastRange, None);
        check(0, "z", "192.0.2.3", Order::LastRange, None);
        check(0, "z", "192.0.2.3", Order::LastEntry, Some(31));
    }
}
