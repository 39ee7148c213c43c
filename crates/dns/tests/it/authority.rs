//! What an authority answers: a question in, sections as text out.

use mxlab_dns::wire::{Edns, Flags};
use mxlab_dns::*;

use crate::net::*;

/// The sections of an answer, one record a line; for signatures, only the types that they cover.
fn sections(message: &Message) -> String {
    let flag = |set, text| if set { text } else { "" };
    let mut text = format!(
        "{}{}{}\n",
        message.rcode,
        flag(message.flags.authoritative, " aa"),
        flag(message.flags.truncated, " tc")
    );
    for (title, section) in
        [("answer", &message.answer), ("authority", &message.authority), ("additional", &message.additional)]
    {
        for record in section {
            let data = match rdata::Rrsig::parse(&record.rdata) {
                Ok(rrsig) if record.rtype == RecordType::RRSIG => format!("{} by {}", rrsig.type_covered, rrsig.signer),
                _ => rdata::to_text(record.rtype, &record.rdata),
            };
            text += &format!("{title}: {} {} {} {data}\n", record.name, record.ttl, record.rtype);
        }
    }
    text
}

fn ask(net: &Net, address: &str, query: Message) -> Message {
    let Reply::Bytes(octets) = net.authority(address).answer(&query.encode(4_096), Transport::Udp, at(0)) else {
        panic!("no answer")
    };
    assert!(octets.len() <= 1_232);
    Message::decode(&octets).unwrap()
}

#[track_caller]
fn check(address: &str, dnssec: bool, owner: &str, kind: &str, expected: &str) {
    let net = Net::new();
    let answer = ask(&net, address, Message::query(7, name(owner), rtype(kind), Some(Edns::new(1_232, dnssec))));
    assert_eq!((answer.id, answer.flags.response, answer.flags.recursion_desired), (7, true, true));
    assert_eq!(answer.edns.as_ref().map(|edns| edns.dnssec_ok), Some(dnssec));
    assert_eq!(sections(&answer), expected.trim_start());
}

#[test]
fn answers_without_dnssec() {
    for (owner, kind, expected) in [
        (
            "mx1.contoso.example",
            "A",
            "
NOERROR aa
answer: mx1.contoso.example 300 A 198.51.100.1
",
        ),
        (
            "mx1.contoso.example",
            "AAAA",
            "
NOERROR aa
authority: contoso.example 300 SOA ns1.contoso.example. hostmaster.contoso.example. 1 7200 900 1209600 300
",
        ),
        (
            "x.contoso.example",
            "A",
            "
NXDOMAIN aa
authority: contoso.example 300 SOA ns1.contoso.example. hostmaster.contoso.example. 1 7200 900 1209600 300
",
        ),
        (
            "x.sub.contoso.example",
            "A",
            "
NOERROR
authority: sub.contoso.example 300 NS ns.sub.contoso.example.
additional: ns.sub.contoso.example 300 A 192.0.2.5
",
        ),
        (
            "www.contoso.example",
            "A",
            "
NOERROR aa
answer: www.contoso.example 300 CNAME mx1.contoso.example.
answer: mx1.contoso.example 300 A 198.51.100.1
",
        ),
        // Into another zone of the same server, and into somebody else's.
        (
            "away.contoso.example",
            "A",
            "
NOERROR aa
answer: away.contoso.example 300 CNAME mx.outside.example.
answer: mx.outside.example 300 A 198.51.100.40
",
        ),
        (
            "far.contoso.example",
            "A",
            "
NOERROR aa
answer: far.contoso.example 300 CNAME mail.plain.example.
",
        ),
        (
            "loop1.contoso.example",
            "A",
            "
NOERROR aa
answer: loop1.contoso.example 300 CNAME loop2.contoso.example.
answer: loop2.contoso.example 300 CNAME loop1.contoso.example.
",
        ),
        (
            "plain.example",
            "A",
            "
REFUSED
",
        ),
    ] {
        check("192.0.2.3", false, owner, kind, expected);
    }
}

#[test]
fn answers_with_proofs() {
    let soa =
        "authority: contoso.example 300 SOA ns1.contoso.example. hostmaster.contoso.example. 1 7200 900 1209600 300
authority: contoso.example 300 RRSIG SOA by contoso.example
";
    for (owner, kind, expected) in [
        (
            "contoso.example",
            "MX",
            "
NOERROR aa
answer: contoso.example 300 MX 10 mx1.contoso.example.
answer: contoso.example 300 MX 20 mx2.contoso.example.
answer: contoso.example 300 RRSIG MX by contoso.example
"
            .to_owned(),
        ),
        // The type does not exist.
        (
            "mx1.contoso.example",
            "AAAA",
            format!(
                "
NOERROR aa
{soa}authority: mx1.contoso.example 300 NSEC _25._tcp.mx1.contoso.example. A RRSIG NSEC
authority: mx1.contoso.example 300 RRSIG NSEC by contoso.example
"
            ),
        ),
        // An empty non-terminal: the span ends below it.
        (
            "ent.contoso.example",
            "A",
            format!(
                "
NOERROR aa
{soa}authority: away.contoso.example 300 NSEC deep.ent.contoso.example. CNAME RRSIG NSEC
authority: away.contoso.example 300 RRSIG NSEC by contoso.example
"
            ),
        ),
        // The name does not exist, nor does a wildcard at the apex.
        (
            "nothing.contoso.example",
            "A",
            format!(
                "
NXDOMAIN aa
{soa}authority: mx2.contoso.example 300 NSEC ns1.contoso.example. A RRSIG NSEC
authority: mx2.contoso.example 300 RRSIG NSEC by contoso.example
authority: contoso.example 300 NSEC away.contoso.example. NS SOA MX TXT RRSIG NSEC DNSKEY
authority: contoso.example 300 RRSIG NSEC by contoso.example
"
            ),
        ),
        // One span covers both.
        (
            "a.contoso.example",
            "A",
            format!(
                "
NXDOMAIN aa
{soa}authority: contoso.example 300 NSEC away.contoso.example. NS SOA MX TXT RRSIG NSEC DNSKEY
authority: contoso.example 300 RRSIG NSEC by contoso.example
"
            ),
        ),
        (
            "gone.contoso.example",
            "A",
            format!(
                "
NXDOMAIN aa
answer: gone.contoso.example 300 CNAME nothing.contoso.example.
answer: gone.contoso.example 300 RRSIG CNAME by contoso.example
{soa}authority: mx2.contoso.example 300 NSEC ns1.contoso.example. A RRSIG NSEC
authority: mx2.contoso.example 300 RRSIG NSEC by contoso.example
authority: contoso.example 300 NSEC away.contoso.example. NS SOA MX TXT RRSIG NSEC DNSKEY
authority: contoso.example 300 RRSIG NSEC by contoso.example
"
            ),
        ),
    ] {
        check("192.0.2.3", true, owner, kind, &expected);
    }
    for (owner, kind, expected) in [
        // One RRset is enough for ANY.
        (
            "mx1.contoso.example",
            "ANY",
            "
NOERROR aa
answer: mx1.contoso.example 300 A 198.51.100.1
answer: mx1.contoso.example 300 RRSIG A by contoso.example
",
        ),
        (
            "mx1.contoso.example",
            "NSEC",
            "
NOERROR aa
answer: mx1.contoso.example 300 NSEC _25._tcp.mx1.contoso.example. A RRSIG NSEC
answer: mx1.contoso.example 300 RRSIG NSEC by contoso.example
",
        ),
        ("mx1.contoso.example", "RRSIG", "\nNOTIMP\n"),
    ] {
        check("192.0.2.3", true, owner, kind, expected);
    }
    // Delegations, from the parent: with DS, and with the proof that there is none.
    for (owner, kind, expected) in [
        (
            "plain.example",
            "A",
            "
NOERROR
authority: plain.example 300 NS ns.plain.example.
authority: plain.example 300 NSEC example. NS RRSIG NSEC
authority: plain.example 300 RRSIG NSEC by example
additional: ns.plain.example 300 A 192.0.2.4
",
        ),
        (
            "plain.example",
            "DS",
            "
NOERROR aa
authority: example 300 SOA ns.example. hostmaster.example. 1 7200 900 1209600 300
authority: example 300 RRSIG SOA by example
authority: plain.example 300 NSEC example. NS RRSIG NSEC
authority: plain.example 300 RRSIG NSEC by example
",
        ),
    ] {
        check("192.0.2.2", true, owner, kind, expected);
    }
    let net = Net::new();
    let answer = ask(
        &net,
        "192.0.2.2",
        Message::query(1, name("mx1.contoso.example"), RecordType::A, Some(Edns::new(1_232, true))),
    );
    let types: Vec<_> = answer.authority.iter().map(|record| record.rtype).collect();
    assert_eq!(types, [RecordType::NS, RecordType::NS, RecordType::DS, RecordType::RRSIG]);
    assert_eq!(answer.additional.len(), 2);
}

#[test]
fn the_ds_of_a_child_is_answered_from_the_parent_served_beside_it() {
    let net = Net::new();
    let both = net.authority("192.0.2.3");
    let parent = net.authority("192.0.2.2").zone(&name("example")).unwrap();
    both.set_zone((*parent).clone());
    let answer = ask(&net, "192.0.2.3", Message::query(1, name("contoso.example"), RecordType::DS, None));
    assert_eq!(answer.answer.len(), 1);
    // Without the parent it can only say that its own zone has none.
    assert!(both.remove_zone(&name("example")));
    let answer = ask(&net, "192.0.2.3", Message::query(1, name("contoso.example"), RecordType::DS, None));
    assert_eq!((answer.answer.len(), answer.rcode, answer.authority[0].rtype), (0, Rcode::NOERROR, RecordType::SOA));
}

/// Resolvers send names in random case, and expect the same case back.
#[test]
fn a_question_comes_back_in_the_case_in_which_it_was_asked() {
    let net = Net::new();
    for owner in ["mX1.ConTOso.eXAMPLE", "wWW.contoso.EXAMPLE", "NOTHING.contoso.example", "x.SUB.contoso.example"] {
        let answer = ask(&net, "192.0.2.3", Message::query(1, name(owner), RecordType::A, None));
        assert_eq!(answer.question.unwrap().name.wire(), name(owner).wire());
    }
}

#[test]
fn what_does_not_fit_is_truncated() {
    let mut all = specs();
    let strings: String = (0..60).map(|n| format!("big TXT \"{n:0>60}\"\n")).collect();
    all[2].text += &strings;
    let net = Net::with(all);
    for (edns, tc, records) in [(None, true, 0), (Some(Edns::new(65_535, true)), true, 0)] {
        let answer = ask(&net, "192.0.2.3", Message::query(1, name("big.contoso.example"), RecordType::TXT, edns));
        assert_eq!((answer.flags.truncated, answer.answer.len()), (tc, records));
    }
    // With DO, a signature may be too large to fit.
    let answer = ask(&net, "192.0.2.3", Message::query(1, name("mx1.contoso.example"), RecordType::A, None));
    assert!(!answer.flags.truncated);
}

#[test]
fn odd_queries() {
    let net = Net::new();
    let authority = net.authority("192.0.2.3");
    let query = Message::query(0x1234, name("contoso.example"), RecordType::MX, None);
    let rcode = |query: &Message| match authority.answer(&query.encode(512), Transport::Udp, at(0)) {
        Reply::Bytes(octets) => Message::decode(&octets).unwrap().rcode,
        other => panic!("{other:?}"),
    };
    let response = Message { flags: Flags { response: true, ..query.flags }, ..query.clone() };
    assert_eq!(authority.answer(&response.encode(512), Transport::Udp, at(0)), Reply::Nothing);
    assert_eq!(rcode(&Message { flags: Flags { opcode: 5, ..query.flags }, ..query.clone() }), Rcode::NOTIMP);
    assert_eq!(rcode(&Message { question: None, ..query.clone() }), Rcode::FORMERR);
    let version = Edns { version: 1, ..Edns::new(1_232, false) };
    assert_eq!(rcode(&Message { edns: Some(version), ..query.clone() }), Rcode::BADVERS);
    let chaos = wire::Question { class: Class(3), ..query.question.clone().unwrap() };
    assert_eq!(rcode(&Message { question: Some(chaos), ..query.clone() }), Rcode::REFUSED);
    let nxname = wire::Question { rtype: RecordType::NXNAME, ..query.question.clone().unwrap() };
    assert_eq!(rcode(&Message { question: Some(nxname), ..query.clone() }), Rcode::FORMERR);
    // Octets that are not a message: FORMERR with the id if there is a header, else nothing.
    let whole = query.encode(512);
    for (length, answered) in [(0, false), (11, false), (12, true), (whole.len() - 1, true)] {
        match authority.answer(&whole[..length], Transport::Udp, at(0)) {
            Reply::Bytes(octets) => {
                let message = Message::decode(&octets).unwrap();
                assert!(answered);
                assert_eq!((message.id, message.rcode, message.flags.response), (0x1234, Rcode::FORMERR, true));
            }
            other => assert_eq!((other, answered), (Reply::Nothing, false), "{length} octets"),
        }
    }
}
