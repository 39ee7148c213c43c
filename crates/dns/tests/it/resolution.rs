//! The validating resolver over a recursive one over authorities: what it says of every kind of answer, and why.

use mxlab_dns::*;
use mxlab_record::Value;

use crate::net::*;

/// `status[ reason]`, aliases and data of an answer, in one line.
pub fn line(answer: &Answer) -> String {
    let mut line = answer.security.word().to_owned();
    if let Some(reason) = answer.security.reason() {
        line += &format!(" {}", reason.word());
    }
    for step in &answer.steps {
        line += &format!(", {}→{} {}", step.owner, step.target, step.security.word());
    }
    if !answer.steps.is_empty() {
        line += &format!(", then {}", answer.final_security.word());
    }
    line += &format!(", {}", answer.rcode);
    for record in &answer.records {
        line += &format!(", {}", rdata::to_text(record.rtype, &record.rdata));
    }
    line
}

#[track_caller]
pub fn check(net: &Net, owner: &str, kind: &str, expected: &str) {
    assert_eq!(line(&net.lookup(owner, kind)), expected, "{kind} {owner}");
}

#[test]
fn answers_of_a_healthy_internet() {
    let nets = [Net::new(), Net::iterating(specs())];
    for (owner, kind, expected) in [
        ("contoso.example", "MX", "secure, NOERROR, 10 mx1.contoso.example., 20 mx2.contoso.example."),
        ("CONTOSO.example", "TXT", "secure, NOERROR, \"v=spf1 -all\""),
        ("mx1.contoso.example", "A", "secure, NOERROR, 198.51.100.1"),
        ("mx1.contoso.example", "AAAA", "secure, NOERROR"),
        ("nothing.contoso.example", "A", "secure, NXDOMAIN"),
        ("_25._tcp.mx2.contoso.example", "TLSA", "secure, NXDOMAIN"),
        // Empty non-terminals exist.
        ("ent.contoso.example", "A", "secure, NOERROR"),
        ("_tcp.mx1.contoso.example", "TLSA", "secure, NOERROR"),
        ("nothing.ent.contoso.example", "A", "secure, NXDOMAIN"),
        // Before the first name and after the last.
        ("aaa.contoso.example", "A", "secure, NXDOMAIN"),
        ("zzz.contoso.example", "A", "secure, NXDOMAIN"),
        ("com", "A", "secure, NXDOMAIN"),
        (".", "SOA", "secure, NOERROR, a.root. hostmaster. 1 7200 900 1209600 300"),
        (".", "DS", "secure, NOERROR"),
        // Delegations: below, at, and the DS that the parent holds.
        ("sub.contoso.example", "A", "secure, NOERROR, 198.51.100.7"),
        ("plain.example", "DS", "secure, NOERROR"),
        ("mail.plain.example", "A", "insecure insecure-delegation, NOERROR, 198.51.100.20"),
        ("mail.plain.example", "MX", "insecure insecure-delegation, NOERROR"),
        ("nothing.plain.example", "A", "insecure insecure-delegation, NXDOMAIN"),
        ("island.example", "A", "insecure insecure-delegation, NOERROR, 198.51.100.30"),
        ("mx.outside.example", "A", "secure, NOERROR, 198.51.100.40"),
    ] {
        nets.iter().for_each(|net| check(net, owner, kind, expected));
    }
    check(
        &nets[0],
        "contoso.example",
        "DS",
        &format!("secure, NOERROR, {}", {
            let ds = nets[0].specs[2].key().ds(&name("contoso.example"));
            rdata::to_text(RecordType::DS, &rdata::Rdata::to_rdata(&ds))
        }),
    );
}

#[test]
fn every_step_of_an_alias_chain_has_its_own_security() {
    let net = Net::new();
    for (owner, expected) in [
        (
            "www.contoso.example",
            "secure, www.contoso.example→mx1.contoso.example secure, then secure, NOERROR, 198.51.100.1",
        ),
        (
            "far.contoso.example",
            "insecure insecure-delegation, far.contoso.example→mail.plain.example secure, then insecure, NOERROR, \
             198.51.100.20",
        ),
        (
            "away.contoso.example",
            "secure, away.contoso.example→mx.outside.example secure, then secure, NOERROR, 198.51.100.40",
        ),
        ("gone.contoso.example", "secure, gone.contoso.example→nothing.contoso.example secure, then secure, NXDOMAIN"),
        ("loop1.contoso.example", "servfail servfail, SERVFAIL"),
    ] {
        check(&net, owner, "A", expected);
    }
    check(&net, "www.contoso.example", "CNAME", "secure, NOERROR, mx1.contoso.example.");
}

#[test]
fn an_alias_that_a_redirection_makes_is_asked_for_itself() {
    let with_redirection = || {
        let mut specs = specs();
        specs[2].text += "d DNAME ent\n";
        specs
    };
    for net in [Net::with(with_redirection()), Net::iterating(with_redirection())] {
        for kind in ["CNAME", "ANY"] {
            check(&net, "deep.d.contoso.example", kind, "secure, NOERROR, deep.ent.contoso.example.");
        }
    }
    // An alias that leads elsewhere is not made from it.
    let answer = Net::with(with_redirection()).tampered("deep.d.contoso.example", "CNAME", |message| {
        for record in message.answer.iter_mut().filter(|record| record.rtype == RecordType::CNAME) {
            record.rdata = rdata::Rdata::to_rdata(&rdata::Cname(name("elsewhere.example")));
        }
    });
    assert_eq!(line(&answer), "bogus rrsig-missing, SERVFAIL");
}

#[test]
fn the_proof_of_an_alias_is_not_the_one_that_is_wrong_at_its_target() {
    let mut specs = specs();
    specs[2].text += "*.wild CNAME nothing.example.\n";
    let answer = Net::with(specs).tampered("a.wild.contoso.example", "A", |message| {
        // From the target's zone only the proof about the name is left, and none about the wildcard.
        message.authority.retain(|record| record.name != name("example") || record.rtype == RecordType::SOA);
    });
    assert_eq!(
        answer.security.reason().map(ToString::to_string).unwrap(),
        "the proof given that there is no A nothing.example proves something else: island.example NSEC ns.example NS RRSIG NSEC"
    );
}

#[test]
fn a_denial_is_kept_no_longer_than_the_soa_was_signed_for() {
    // The SOA's own TTL is less than its MINIMUM and than that of the proofs (RFC 9077), and raised on the way.
    let answer = Net::new().tampered("nothing.contoso.example", "A", |message| {
        let Some(soa) = message.authority.iter().find(|record| record.rtype == RecordType::SOA).cloned() else {
            return;
        };
        if soa.name != name("contoso.example") {
            return;
        }
        let set = Rrset { name: soa.name.clone(), rtype: soa.rtype, ttl: 60, rdatas: vec![soa.rdata] };
        let rrsig = sign::sign(&specs()[2].key(), &soa.name, &set, at(-100), at(100_000));
        let rrsig = Record::new(soa.name.clone(), RecordType::RRSIG, 300, rdata::Rdata::to_rdata(&rrsig));
        let of_soa = |record: &Record| {
            record.rtype == RecordType::SOA
                || rdata::Rrsig::parse(&record.rdata).is_ok_and(|rrsig| rrsig.type_covered == RecordType::SOA)
        };
        message.authority.retain(|record| !of_soa(record));
        message.authority.extend(set.records().chain([rrsig]).map(|record| Record { ttl: 80_000, ..record }));
    });
    assert_eq!(line(&answer), "secure, NXDOMAIN");
    assert_eq!((answer.expires.at, answer.expires.by.word()), (at(60), "original-ttl"));
}

#[test]
fn a_question_for_all_types_is_not_denied_by_the_proof_that_there_are_some() {
    let net = Net::new();
    let denial = block_on(net.recursor.answer(&query("mx1.contoso.example", "AAAA"), Transport::Tcp)).unwrap();
    let denial = Message::decode(&denial).unwrap().authority;
    let answer = net.tampered("mx1.contoso.example", "ANY", move |message| {
        if message.question.as_ref().is_some_and(|question| question.rtype == RecordType::ANY) {
            message.answer.clear();
            message.authority.clone_from(&denial);
        }
    });
    assert_eq!(line(&answer), "bogus denial-wrong, SERVFAIL");
}

/// One fault, and the results of lookups.
#[track_caller]
fn check_fault(address: &str, fault: Fault, owner: &str, kind: &str, expected: &str, because: &str) {
    let net = Net::new();
    let id = net.authority(address).begin_fault(fault);
    let answer = net.lookup(owner, kind);
    assert_eq!(line(&answer), expected, "{kind} {owner}");
    assert_eq!(answer.security.reason().map(ToString::to_string).unwrap_or_default(), because);
    // Nothing of it is kept: once it is repaired, and the recursive resolver's cache has expired, all is well.
    assert!(net.authority(address).end_fault(id));
    net.clock.set(301);
    assert!(net.lookup(owner, kind).security.is_secure());
}

#[test]
fn faults_have_their_reasons() {
    let zone = |zone| FaultScope::zone(name(zone));
    let typed = |scope, kind| FaultScope { rtype: Some(rtype(kind)), ..FaultScope::zone(name(scope)) };
    let contoso = "contoso.example";
    let (ds, other) = {
        let net = Net::new();
        let id = net.authority("192.0.2.2").begin_fault(Fault::new(FaultKind::Ds(DsFault::Mismatch), zone(contoso)));
        let other = block_on(async { net.recursor.answer(&query(contoso, "DS"), Transport::Udp).await }).unwrap();
        assert!(net.authority("192.0.2.2").end_fault(id));
        let answer = Message::decode(&other).unwrap().answer;
        (net.specs[2].key().key_tag(), rdata::Ds::parse(&answer[0].rdata).unwrap().key_tag)
    };
    assert_ne!(ds, other);
    let own = "192.0.2.3";
    for (address, kind, scope, owner, rtype, expected, because) in [
        (
            own,
            FaultKind::Signature(SignatureFault::Missing),
            typed(contoso, "MX"),
            contoso,
            "MX",
            "bogus rrsig-missing, SERVFAIL",
            "MX contoso.example came without a signature of contoso.example, which is signed",
        ),
        (
            own,
            FaultKind::Signature(SignatureFault::Missing),
            zone(contoso),
            "nothing.contoso.example",
            "MX",
            "bogus rrsig-missing, SERVFAIL",
            "DNSKEY contoso.example came without a signature of contoso.example, which is signed",
        ),
        (
            own,
            FaultKind::Signature(SignatureFault::Missing),
            typed(contoso, "NSEC"),
            "nothing.contoso.example",
            "MX",
            "bogus rrsig-missing, SERVFAIL",
            "NSEC mx2.contoso.example came without a signature of contoso.example, which is signed",
        ),
        (
            own,
            FaultKind::Signature(SignatureFault::Missing),
            typed(contoso, "CNAME"),
            "www.contoso.example",
            "A",
            "bogus rrsig-missing, SERVFAIL",
            "CNAME www.contoso.example came without a signature of contoso.example, which is signed",
        ),
        (
            "192.0.2.2",
            FaultKind::Signature(SignatureFault::Missing),
            typed("example", "DS"),
            contoso,
            "MX",
            "bogus rrsig-missing, SERVFAIL",
            "DS contoso.example came without a signature of example, which is signed",
        ),
        (
            "192.0.2.2",
            FaultKind::Ds(DsFault::Mismatch),
            zone(contoso),
            "mx1.contoso.example",
            "A",
            "bogus ds-mismatch, SERVFAIL",
            &format!("the DS of contoso.example names key {other}, but the zone has key {ds}"),
        ),
        (
            "192.0.2.2",
            FaultKind::Answer(AnswerFault::Code(Rcode::SERVFAIL)),
            zone("example"),
            contoso,
            "MX",
            "servfail servfail, SERVFAIL",
            "the resolver answered SERVFAIL for MX contoso.example",
        ),
        (
            "192.0.2.2",
            FaultKind::Answer(AnswerFault::Timeout),
            zone("example"),
            contoso,
            "MX",
            "servfail time-out, SERVFAIL",
            "no server of the zone answered for MX contoso.example",
        ),
        (
            "192.0.2.2",
            FaultKind::Answer(AnswerFault::Code(Rcode::REFUSED)),
            zone("example"),
            contoso,
            "MX",
            // RFC 8914 §4.23: servers that refuse count as unreachable.
            "servfail time-out, SERVFAIL",
            "no server of the zone answered for MX contoso.example",
        ),
        (
            "192.0.2.2",
            FaultKind::Answer(AnswerFault::Code(Rcode::SERVFAIL)),
            typed("example", "DS"),
            // Otherwise the referral has it.
            contoso,
            "DS",
            "servfail servfail, SERVFAIL",
            "the resolver answered SERVFAIL for DS contoso.example",
        ),
    ] {
        check_fault(address, Fault::new(kind, scope), owner, rtype, expected, because);
    }
}

#[test]
fn an_unsigned_zone_need_not_answer_for_its_own_delegation() {
    // The proof for the expanded alias is the parent's, and says nothing about plain.example. Whether the target is in
    // another zone is asked of the target first; its server refuses, although the parent could answer.
    let mut specs = specs();
    specs[1].text += "*.star CNAME nothing.plain.example.\n";
    let net = Net::with(specs);
    let scope = FaultScope { rtype: Some(RecordType::DS), ..FaultScope::zone(name("plain.example")) };
    net.authority("192.0.2.4").begin_fault(Fault::new(FaultKind::Answer(AnswerFault::Code(Rcode::REFUSED)), scope));
    let expected = "insecure insecure-delegation, x.star.example→nothing.plain.example secure, then insecure, NXDOMAIN";
    check(&net, "x.star.example", "A", expected);
}

#[test]
fn proofs_that_are_not_followed_excuse_no_denial_of_the_zone_itself() {
    // The precautionary question, whether a zone begins below, is answered by them.
    let (wrong, bad) = (FaultKind::Proof(ProofFault::Wrong), FaultKind::Signature(SignatureFault::Bad));
    for (fault, of, iterations, expected) in [
        (wrong, None, Some(RecordType::DS), "bogus denial-wrong, SERVFAIL"),
        (bad, Some(RecordType::SOA), None, "bogus rrsig-bad, SERVFAIL"),
    ] {
        for net in [Net::new(), Net::iterating(specs())] {
            for server in ["192.0.2.3", "192.0.2.13"] {
                let scope = |rtype| FaultScope { rtype, ..FaultScope::zone(name("contoso.example")) };
                net.authority(server).begin_fault(Fault::new(fault, scope(of)));
                net.authority(server)
                    .begin_fault(Fault::new(FaultKind::Chain(ChainFault::Iterations(101)), scope(iterations)));
            }
            check(&net, "x.mx1.contoso.example", "TXT", expected);
        }
    }
}

#[test]
fn the_second_server_is_asked_only_after_a_failure() {
    let net = Net::new();
    check(&net, "mx1.contoso.example", "A", "secure, NOERROR, 198.51.100.1");
    assert!(!net.queries().iter().any(|query| query.starts_with("192.0.2.13")));
    net.clear_caches();
    net.down("192.0.2.3");
    check(&net, "mx1.contoso.example", "A", "secure, NOERROR, 198.51.100.1");
    let queries = net.queries();
    let of = |server: &str| queries.iter().filter(|query| **query == format!("{server} A mx1.contoso.example")).count();
    assert_eq!((of("192.0.2.3"), of("192.0.2.13")), (1, 1));
    net.clear_caches();
    net.down("192.0.2.13");
    check(&net, "mx1.contoso.example", "A", "servfail time-out, SERVFAIL");
}

#[test]
fn a_cold_lookup_asks_no_more_than_it_must() {
    let net = Net::new();
    net.lookup("contoso.example", "MX");
    let stub = |queries: Vec<String>| -> Vec<String> {
        let own = queries.iter().filter_map(|query| query.strip_prefix("192.0.2.250 "));
        own.map(str::to_owned).collect()
    };
    let expected = ["MX contoso.example", "DNSKEY .", "DS example", "DNSKEY example", "DS contoso.example"];
    let queries = stub(net.queries());
    assert_eq!(queries[..5], expected);
    assert_eq!(queries[5..], ["DNSKEY contoso.example"]);
    // The chain is known now, and the answer is cached.
    net.lookup("_25._tcp.mx1.contoso.example", "TLSA");
    // One question proves that nothing is delegated between the owner and the apex of its zone.
    let expected = ["TLSA _25._tcp.mx1.contoso.example", "DS _25._tcp.mx1.contoso.example"];
    assert_eq!(stub(net.queries()), expected);
    // Nothing is asked that was learnt on the way or that a denial proves.
    net.lookup("mx1.contoso.example", "A");
    net.lookup("mx2.contoso.example", "AAAA");
    net.lookup("nothing.ent.contoso.example", "TLSA");
    let expected = ["A mx1.contoso.example", "AAAA mx2.contoso.example", "TLSA nothing.ent.contoso.example"];
    assert_eq!(stub(net.queries()), expected);
    assert!(net.lookup("contoso.example", "MX").cached);
    assert!(net.queries().is_empty());
    // It expires with its TTL.
    net.clock.set(299);
    assert!(net.lookup("contoso.example", "MX").cached);
    net.clock.set(300);
    assert!(!net.lookup("contoso.example", "MX").cached);
}

#[test]
fn signatures_begin_and_end() {
    let mut specs = specs();
    specs[2].signing = Signing::fixed(at(3_600), at(7_200));
    let net = Net::with(specs);
    let key = net.specs[2].key().key_tag();
    for (second, expected, because) in [
        (
            3_599,
            "bogus rrsig-not-yet-valid, SERVFAIL",
            format!("the signature over DNSKEY contoso.example by key {key} is valid only from 2026-03-02T09:00:00Z"),
        ),
        (3_600, "secure, NOERROR, 198.51.100.1", String::new()),
        (7_200, "secure, NOERROR, 198.51.100.1", String::new()),
        (
            7_201,
            "bogus rrsig-expired, SERVFAIL",
            format!("the signature over DNSKEY contoso.example by key {key} expired at 2026-03-02T10:00:00Z"),
        ),
    ] {
        net.clear_caches();
        net.clock.set(second);
        let answer = net.lookup("mx1.contoso.example", "A");
        assert_eq!(line(&answer), expected, "at {second}");
        assert_eq!(answer.security.reason().map(ToString::to_string).unwrap_or_default(), because);
    }
    // A cached answer ends with its signature, long before its TTL.
    net.clear_caches();
    net.clock.set(7_100);
    assert_eq!(net.lookup("mx1.contoso.example", "A").expires.at, at(7_200));
}

#[test]
fn a_zone_that_is_published_again_is_secure_again() {
    let mut all = specs();
    all[2].signing = Signing::fixed(at(-60), at(600));
    let net = Net::with(all);
    net.clock.set(900);
    check(&net, "contoso.example", "TXT", "bogus rrsig-expired, SERVFAIL");
    let spec = Spec { signing: always(), ..specs().remove(2) };
    let zone = net.authority("192.0.2.3").zone(&name("contoso.example")).unwrap().zone().clone();
    net.authority("192.0.2.3").set_zone(spec.serve(zone));
    net.clock.set(1_800);
    check(&net, "contoso.example", "TXT", "secure, NOERROR, \"v=spf1 -all\"");
}

#[test]
fn a_parent_without_the_ds_makes_a_zone_insecure_and_a_stripped_one_bogus() {
    // A zone with DS that is served without signatures.
    let mut all = specs();
    let contoso = all.remove(2);
    let key = contoso.key();
    all.insert(2, Spec { signed: false, ..contoso });
    let net = Net::with(all);
    let parent = net.authority("192.0.2.2").zone(&name("example")).unwrap();
    let mut zone = parent.zone().clone();
    let ds = rdata::Rdata::to_rdata(&key.ds(&name("contoso.example")));
    check(&net, "contoso.example", "TXT", "insecure insecure-delegation, NOERROR, \"v=spf1 -all\"");
    zone.insert(Record::new(name("contoso.example"), RecordType::DS, 300, ds)).unwrap();
    net.authority("192.0.2.2").set_zone(net.specs[1].serve(zone.clone()));
    net.clock.set(300);
    net.clear_caches();
    check(&net, "contoso.example", "TXT", "bogus key-missing, SERVFAIL");
    // A DS with an unknown algorithm.
    zone.remove(&name("contoso.example"), Some(RecordType::DS));
    zone.add_text("contoso DS 1 250 2 00", 300).unwrap();
    net.authority("192.0.2.2").set_zone(net.specs[1].serve(zone));
    net.clear_caches();
    let answer = net.lookup("contoso.example", "TXT");
    assert_eq!(line(&answer), "insecure ds-algorithm-unsupported, NOERROR, \"v=spf1 -all\"");
    assert_eq!(
        answer.security.reason().unwrap().to_string(),
        "the DS of contoso.example has only unsupported algorithms (algorithm 250 digest 2)"
    );
}

#[test]
fn verdicts_are_told_once() {
    let net = Net::new();
    net.lookup("far.contoso.example", "A");
    net.lookup("far.contoso.example", "A");
    net.lookup("_25._tcp.mx1.contoso.example", "TLSA");
    net.lookup("nothing.contoso.example", "A");
    let told: Vec<String> = net
        .journal
        .entries()
        .iter()
        .filter(|entry| entry.kind == "resolved")
        .flat_map(|entry| {
            let shown = |value: &Value| match value {
                Value::Text(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Flag(flag) => flag.to_string(),
                Value::Time(time) => format!("+{}s", time.as_second() - at(0).as_second()),
                Value::List(_) => unreachable!("no field of it is a list"),
            };
            let fields: Vec<String> = entry.fields.iter().map(|(name, v)| format!("{name}={}", shown(v))).collect();
            [fields.join(" ")].into_iter().chain(entry.story.clone()).chain(entry.because.clone())
        })
        .collect();
    assert_eq!(
        told,
        [
            "name=far.contoso.example type=A status=insecure reason=insecure-delegation server=192.0.2.250 found=records aliases=1 \
             forwarder=true queries=8 signature-checks=8 hashes=0 expires=+300s expires-by=ttl",
            "resolved A far.contoso.example: alias of mail.plain.example, 198.51.100.20, insecure",
            "example proves that there is no DS for plain.example",
            "name=_25._tcp.mx1.contoso.example type=TLSA status=secure server=192.0.2.250 found=records key=38779 ds-key=38779 \
             algorithm=15 forwarder=true queries=2 signature-checks=2 hashes=0 expires=+300s expires-by=ttl",
            "resolved TLSA _25._tcp.mx1.contoso.example: 3 1 1 0011…eeff, secure",
            "name=nothing.contoso.example type=A status=secure server=192.0.2.250 found=no-name proof=nsec key=38779 \
             ds-key=38779 algorithm=15 forwarder=true queries=1 signature-checks=3 hashes=0 expires=+300s expires-by=ttl",
            "resolved A nothing.contoso.example: no such name, secure",
        ]
    );
}

#[test]
fn one_question_at_a_time() {
    let net = Net::new();
    let mx = name("contoso.example");
    let (first, second) = block_on(async {
        tokio::join!(net.resolver.lookup(&mx, RecordType::MX), net.resolver.lookup(&mx, RecordType::MX))
    });
    assert_eq!((first.cached, second.cached), (false, true));
    assert_eq!(Answer { cached: true, ..first }, second);
    assert_eq!(resolved(&net), 1);
    // What is bogus is asked again by the next one.
    let fault = Fault::new(FaultKind::Signature(SignatureFault::Missing), FaultScope::zone(name("contoso.example")));
    net.authority("192.0.2.3").begin_fault(fault);
    net.clear_caches();
    for _ in 0..2 {
        assert!(!net.lookup("contoso.example", "MX").cached);
    }
    assert_eq!(resolved(&net), 3);
}

/// How many verdicts have been recorded.
fn resolved(net: &Net) -> usize {
    net.journal.entries().iter().filter(|entry| entry.kind == "resolved").count()
}
