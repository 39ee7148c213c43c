//! The resolver as a server for other resolvers: which bits a client sets, and what it gets.

use mxlab_dns::rdata::Rdata as _;
use mxlab_dns::validator::{Policy, usable_ds};
use mxlab_dns::wire::Edns;
use mxlab_dns::*;

use crate::net::*;

/// A client's query.
struct Client {
    dnssec_ok: bool,
    authentic_data: bool,
    checking_disabled: bool,
    edns: bool,
}

const PLAIN: Client = Client { dnssec_ok: false, authentic_data: false, checking_disabled: false, edns: true };

fn ask(net: &Net, client: &Client, owner: &str, kind: &str) -> Message {
    let edns = client.edns.then(|| Edns::new(1_232, client.dnssec_ok));
    let mut query = Message::query(7, name(owner), rtype(kind), edns);
    query.flags.authentic_data = client.authentic_data;
    query.flags.checking_disabled = client.checking_disabled;
    block_on(net.resolver.respond(&query))
}

/// Response code, AD, extended error, and the types of the answer and of the authority section.
fn line(response: &Message) -> String {
    let types =
        |records: &[Record]| records.iter().map(|record| record.rtype.to_string()).collect::<Vec<_>>().join(" ");
    let mut line = response.rcode.to_string();
    if response.flags.authentic_data {
        line += " AD";
    }
    if let Some(error) = response.edns.as_ref().and_then(|edns| edns.extended_error) {
        line += &format!(" EDE {error}");
    }
    format!("{line}: {} | {}", types(&response.answer), types(&response.authority))
}

#[test]
fn what_a_client_gets() {
    let dnssec = Client { dnssec_ok: true, ..PLAIN };
    let ad = Client { authentic_data: true, ..PLAIN };
    let disabled = Client { checking_disabled: true, dnssec_ok: true, ..PLAIN };
    let no_edns = Client { edns: false, ..PLAIN };
    for (what, client, owner, kind, expected) in [
        ("nothing", &PLAIN, "mx1.contoso.example", "A", "NOERROR: A | "),
        ("no EDNS", &no_edns, "mx1.contoso.example", "A", "NOERROR: A | "),
        ("AD", &ad, "mx1.contoso.example", "A", "NOERROR AD: A | "),
        ("DO", &dnssec, "mx1.contoso.example", "A", "NOERROR AD: A RRSIG | "),
        ("CD", &disabled, "mx1.contoso.example", "A", "NOERROR: A RRSIG | "),
        ("AD, insecure", &ad, "mail.plain.example", "A", "NOERROR: A | "),
        ("a denial", &PLAIN, "nothing.contoso.example", "A", "NXDOMAIN:  | SOA"),
        ("a denial, DO", &dnssec, "nothing.contoso.example", "A", "NXDOMAIN AD:  | SOA RRSIG NSEC RRSIG NSEC RRSIG"),
        ("an alias, DO", &dnssec, "www.contoso.example", "A", "NOERROR AD: CNAME RRSIG A RRSIG | "),
        ("an alias, CD", &disabled, "www.contoso.example", "A", "NOERROR: CNAME RRSIG A RRSIG | "),
        ("signatures", &PLAIN, "mx1.contoso.example", "NSEC", "NOERROR: NSEC | "),
    ] {
        let response = ask(&Net::iterating(specs()), client, owner, kind);
        assert_eq!(line(&response), expected, "{what}");
        assert!(response.flags.response && response.flags.recursion_available && response.id == 7);
        assert_eq!(response.edns.is_some(), client.edns, "{what}");
    }
}

#[test]
fn who_judges_alone_gets_the_proofs_of_every_alias() {
    for (owner, expected) in [
        ("a.wild.contoso.example", "NXDOMAIN: CNAME RRSIG | NSEC RRSIG"),
        ("a.far.contoso.example", "NOERROR: CNAME RRSIG A | NSEC RRSIG"),
    ] {
        let mut specs = specs();
        specs[2].text += "*.wild CNAME mx1.island.example.\n*.far CNAME mail.plain.example.\n";
        let net = Net::iterating(specs);
        let client = Client { checking_disabled: true, dnssec_ok: true, ..PLAIN };
        let got = line(&ask(&net, &client, owner, "A"));
        assert!(got.starts_with(expected), "{owner}: {got}");
    }
}

#[test]
fn what_is_bogus_says_why_and_is_had_unjudged() {
    let fault = |kind| {
        let net = Net::iterating(specs());
        for server in ["192.0.2.3", "192.0.2.13"] {
            let scope = FaultScope { rtype: Some(RecordType::MX), ..FaultScope::zone(name("contoso.example")) };
            net.authority(server).begin_fault(Fault::new(kind, scope));
        }
        net
    };
    let disabled = Client { checking_disabled: true, dnssec_ok: true, ..PLAIN };
    for (kind, plain, unjudged) in [
        (FaultKind::Signature(SignatureFault::Expired), "SERVFAIL EDE 7:  | ", "NOERROR: MX MX RRSIG | "),
        (FaultKind::Signature(SignatureFault::NotYetValid), "SERVFAIL EDE 8:  | ", "NOERROR: MX MX RRSIG | "),
        (FaultKind::Signature(SignatureFault::Bad), "SERVFAIL EDE 6:  | ", "NOERROR: MX MX RRSIG | "),
        (FaultKind::Signature(SignatureFault::Missing), "SERVFAIL EDE 10:  | ", "NOERROR: MX MX | "),
        (FaultKind::Signature(SignatureFault::WrongKey), "SERVFAIL EDE 9:  | ", "NOERROR: MX MX RRSIG | "),
        (FaultKind::Answer(AnswerFault::Code(Rcode::SERVFAIL)), "SERVFAIL EDE 23:  | ", "SERVFAIL EDE 23:  | "),
        (FaultKind::Answer(AnswerFault::Code(Rcode::REFUSED)), "SERVFAIL EDE 22:  | ", "SERVFAIL EDE 22:  | "),
        (FaultKind::Answer(AnswerFault::Timeout), "SERVFAIL EDE 22:  | ", "SERVFAIL EDE 22:  | "),
        (FaultKind::Answer(AnswerFault::Lame), "SERVFAIL EDE 20:  | ", "SERVFAIL EDE 20:  | "),
    ] {
        assert_eq!(line(&ask(&fault(kind), &PLAIN, "contoso.example", "MX")), plain, "{kind:?}");
        assert_eq!(line(&ask(&fault(kind), &disabled, "contoso.example", "MX")), unjudged, "{kind:?}");
    }
}

#[test]
fn what_is_no_question_for_a_resolver() {
    let net = Net::iterating(specs());
    let query = || Message::query(7, name("contoso.example"), RecordType::MX, Some(Edns::new(1_232, false)));
    let rcode = |change: &dyn Fn(&mut Message)| {
        let mut query = query();
        change(&mut query);
        block_on(net.resolver.respond(&query)).rcode
    };
    assert_eq!(rcode(&|_| ()), Rcode::NOERROR);
    assert_eq!(rcode(&|query| query.question = None), Rcode::FORMERR);
    assert_eq!(rcode(&|query| query.flags.opcode = 5), Rcode::NOTIMP);
    assert_eq!(rcode(&|query| query.edns.as_mut().unwrap().version = 1), Rcode::BADVERS);
    assert_eq!(rcode(&|query| query.question.as_mut().unwrap().class = Class(3)), Rcode::REFUSED);
    // RFC 9824 §3.5: nor is it asked for elsewhere.
    for checking_disabled in [false, true] {
        let client = Client { checking_disabled, ..PLAIN };
        assert_eq!(line(&ask(&net, &client, "contoso.example", "NXNAME")), "FORMERR EDE 30:  | ");
    }
    let answer = net.lookup("contoso.example", "NXNAME");
    assert_eq!((answer.security.reason().unwrap().word(), answer.cost.queries), ("invalid-type", 0));
    let nxname = Message::query(7, name("contoso.example"), RecordType::NXNAME, Some(Edns::new(1_232, false)));
    let octets = block_on(net.recursor.answer(&nxname.encode(512), Transport::Udp)).unwrap();
    assert_eq!(line(&Message::decode(&octets).unwrap()), "FORMERR EDE 30:  | ");
}

#[test]
fn a_client_keeps_nothing_longer_than_the_resolver() {
    let mut specs = specs();
    specs[2].signing = validity(-60, 100);
    let net = Net::iterating(specs);
    let ttl = |net: &Net| ask(net, &PLAIN, "mx1.contoso.example", "A").answer[0].ttl;
    assert_eq!(ttl(&net), 100);
    net.clock.set(40);
    assert_eq!(ttl(&net), 60);
}

#[test]
fn what_came_beside_an_answer_is_not_vouched_for() {
    let net = Net::new();
    let forwarding = || ResolverConfig::new(vec![RECURSOR.parse().unwrap()], net.anchor());
    let alias = |owner: &str| Record::new(name(owner), RecordType::CNAME, 300, rdata::Cname(name("evil")).to_rdata());
    let address =
        |owner: &str| Record::new(name(owner), RecordType::A, 300, rdata::A([192, 0, 2, 66].into()).to_rdata());
    for (owner, beside, expected) in [
        ("mx1.contoso.example", vec![alias("mx1.contoso.example"), address("evil")], "NOERROR AD: A | "),
        ("mx1.contoso.example", vec![address("mx2.contoso.example")], "NOERROR AD: A | "),
        ("www.contoso.example", vec![address("evil")], "NOERROR AD: CNAME A | "),
    ] {
        let resolver = net.resolver_behind(forwarding(), move |message| {
            if message.question.as_ref().is_some_and(|question| question.name == name(owner)) {
                message.answer.extend(beside.clone());
            }
        });
        let mut query = Message::query(7, name(owner), RecordType::A, Some(Edns::new(1_232, false)));
        query.flags.authentic_data = true;
        assert_eq!(line(&block_on(resolver.respond(&query))), expected, "{owner}");
    }
}

#[test]
fn the_soa_of_another_zone_is_not_vouched_for() {
    let net = Net::new();
    let config = ResolverConfig::new(vec![RECURSOR.parse().unwrap()], net.anchor());
    let resolver = net.resolver_behind(config, |message| {
        for record in message.authority.iter_mut().filter(|record| record.rtype == RecordType::SOA) {
            record.name = name("evil.contoso.example");
        }
    });
    let query = Message::query(7, name("a.evil.contoso.example"), RecordType::A, Some(Edns::new(1_232, true)));
    let response = block_on(resolver.respond(&query));
    assert!(response.authority.iter().all(|record| record.rtype != RecordType::SOA), "{}", line(&response));
}

fn validity(from: i64, until: i64) -> Signing {
    Signing::fixed(at(from), at(until))
}

#[test]
fn a_negative_trust_anchor_switches_validation_off() {
    let net = Net::iterating(specs());
    let resolve = |negative: &[&str]| {
        let config = ResolverConfig {
            negative_anchors: negative.iter().map(|zone| name(zone)).collect(),
            ..ResolverConfig::iterating(net.roots(), net.anchor())
        };
        let exchange = std::sync::Arc::new(net.wire.clone());
        let resolver = Resolver::with_exchange(&net.env, &net.recorder, config, exchange);
        let answer = block_on(resolver.lookup(&name("mx1.contoso.example"), RecordType::A));
        answer.security.reason().map_or("secure".to_owned(), ToString::to_string)
    };
    assert_eq!(resolve(&[]), "secure");
    assert_eq!(resolve(&["contoso.example"]), "a negative trust anchor excludes contoso.example from validation");
    assert_eq!(resolve(&["example"]), "a negative trust anchor excludes example from validation");
    assert_eq!(resolve(&["plain.example", "mx1.contoso.example"]), "secure");
}

#[test]
fn which_ds_records_are_followed() {
    let policy = |sha1| Policy { sha1, ..Policy::default() };
    // The algorithm and digest type of each DS; which of them are followed.
    for (sha1, given, followed) in [
        (false, &[(8u8, 2u8)][..], &[0usize][..]),
        // RFC 4509 §3: SHA-1 is ignored if there are others, not if it is alone.
        (false, &[(8, 1)], &[0]),
        (false, &[(8, 1), (8, 2)], &[1]),
        (false, &[(8, 4), (8, 1)], &[0]),
        // A SHA-256 DS that cannot be followed for its algorithm does not count.
        (false, &[(250, 2), (8, 1)], &[1]),
        // RFC 9905 §2: signatures with SHA-1 only by a setting.
        (false, &[(7, 2)], &[]),
        (false, &[(5, 2), (13, 2)], &[1]),
        (true, &[(7, 2), (5, 1)], &[0]),
        // GOST and unknown types.
        (false, &[(12, 3)], &[]),
        (false, &[(13, 3)], &[]),
        (false, &[(13, 250), (250, 2)], &[]),
        (false, &[(13, 2), (13, 250)], &[0]),
        (false, &[(10, 2), (14, 2), (15, 4)], &[0, 1, 2]),
    ] {
        let ds: Vec<rdata::Ds> = given
            .iter()
            .map(|&(algorithm, digest_type)| rdata::Ds { key_tag: 1, algorithm, digest_type, digest: vec![0; 20] })
            .collect();
        let rdatas = ds.iter().map(|ds| ds.to_rdata()).collect();
        let set = Rrset { name: name("z"), rtype: RecordType::DS, ttl: 300, rdatas };
        let expected: Vec<rdata::Ds> = followed.iter().map(|&index| ds[index].clone()).collect();
        match usable_ds(&name("z"), &set, &policy(sha1)) {
            Ok(usable) => assert_eq!(usable, expected, "{given:?}"),
            Err(reason) => assert!(expected.is_empty() && reason.word() == "ds-algorithm-unsupported", "{given:?}"),
        }
    }
}

#[test]
fn the_response_code_of_a_compact_denial() {
    let net = Net::new();
    let (owner, zone) = (name("nothing.contoso.example"), name("contoso.example"));
    let types = [RecordType::RRSIG, RecordType::NSEC, RecordType::NXNAME].into_iter().collect();
    let nsec = rdata::Nsec { next: owner.prepend_label("0").unwrap(), types }.to_rdata();
    let set = Rrset { name: owner.clone(), rtype: RecordType::NSEC, ttl: 300, rdatas: vec![nsec.clone()] };
    let rrsig = sign::sign(&net.specs[2].key(), &zone, &set, at(-100), at(100_000)).to_rdata();
    let config = ResolverConfig::new(vec![RECURSOR.parse().unwrap()], net.anchor());
    let asked = owner.clone();
    let resolver = net.resolver_behind(config, move |message| {
        if message.question.as_ref().is_some_and(|question| question.name == asked) {
            message.rcode = Rcode::NOERROR;
            let record = |rtype, rdata: &RawRdata| Record::new(asked.clone(), rtype, 300, rdata.clone());
            message.authority = vec![record(RecordType::NSEC, &nsec), record(RecordType::RRSIG, &rrsig)];
        }
    });
    // RFC 9824 §5.
    for (dnssec_ok, compact_ok, expected) in [
        (false, false, "NXDOMAIN:  | "),
        (false, true, "NXDOMAIN:  | "),
        (true, false, "NOERROR AD:  | NSEC RRSIG"),
        (true, true, "NXDOMAIN AD:  | NSEC RRSIG"),
    ] {
        let edns = Edns { compact_ok, ..Edns::new(1_232, dnssec_ok) };
        let query = Message::query(7, owner.clone(), RecordType::A, Some(edns));
        let query = Message::decode(&query.encode(512)).unwrap();
        let response = block_on(resolver.respond(&query));
        assert_eq!(line(&response), expected, "DO {dnssec_ok} CO {compact_ok}");
        assert_eq!(response.edns.unwrap().compact_ok, compact_ok);
    }
    assert!(block_on(resolver.lookup(&owner, RecordType::A)).is_nx_domain());
}
