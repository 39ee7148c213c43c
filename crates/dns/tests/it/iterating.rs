//! The resolver that asks the servers of the zones itself: every fault of the catalogue has its reason, and another server
//! is asked before one server's answer is taken for the zone's.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mxlab_dns::*;
use mxlab_env::BoxFuture;
use mxlab_record::{Entry, Recorder};

use crate::net::*;
use crate::resolution::{check, line};

const OWN: &str = "192.0.2.3";
const SECOND: &str = "192.0.2.13";
const PARENT: &str = "192.0.2.2";
const CONTOSO: &str = "contoso.example";

fn scope(zone: &str, rtype: Option<&str>) -> FaultScope {
    FaultScope { rtype: rtype.map(crate::net::rtype), ..FaultScope::zone(name(zone)) }
}

/// Lets a fault begin at these servers.
fn begin(net: &Net, servers: &[&str], kind: FaultKind, scope: &FaultScope) {
    for server in servers {
        net.authority(server).begin_fault(Fault::new(kind, scope.clone()));
    }
}

/// `status reason`, and what the answer is.
fn verdict(kind: FaultKind, scope: FaultScope, owner: &str, rtype: &str) -> (String, String) {
    let net = Net::iterating(specs());
    let servers: &[&str] = if kind.is_at_parent() { &[PARENT] } else { &[OWN, SECOND] };
    begin(&net, servers, kind, &scope);
    let answer = net.lookup(owner, rtype);
    (line(&answer), answer.security.reason().map(ToString::to_string).unwrap_or_default())
}

#[test]
fn every_fault_has_its_reason() {
    let key = specs()[2].key().key_tag();
    for (kind, rtype, owner, asked, expected, because) in [
        (
            FaultKind::Answer(AnswerFault::Code(Rcode::SERVFAIL)),
            None,
            CONTOSO,
            "MX",
            "servfail servfail",
            "ns1.contoso.example answered SERVFAIL for MX contoso.example",
        ),
        (
            FaultKind::Answer(AnswerFault::Code(Rcode::REFUSED)),
            None,
            CONTOSO,
            "MX",
            "servfail refused",
            "ns1.contoso.example answered REFUSED for MX contoso.example",
        ),
        (
            FaultKind::Answer(AnswerFault::Timeout),
            None,
            CONTOSO,
            "MX",
            "servfail time-out",
            "no server of the zone answered for MX contoso.example",
        ),
        (
            FaultKind::Answer(AnswerFault::Lame),
            None,
            CONTOSO,
            "MX",
            "servfail lame",
            "ns1.contoso.example is not an authority for MX contoso.example",
        ),
        (
            FaultKind::Answer(AnswerFault::Truncated),
            None,
            CONTOSO,
            "MX",
            "servfail truncated",
            "ns1.contoso.example truncates its answer for MX contoso.example, but does not give it over TCP",
        ),
        (
            FaultKind::Answer(AnswerFault::Malformed),
            None,
            CONTOSO,
            "MX",
            "servfail malformed",
            "the answer of ns1.contoso.example for MX contoso.example is malformed",
        ),
        (
            FaultKind::Answer(AnswerFault::WrongId),
            None,
            CONTOSO,
            "MX",
            "servfail time-out",
            "no server of the zone answered for MX contoso.example",
        ),
        (
            FaultKind::Answer(AnswerFault::WrongQuestion),
            None,
            CONTOSO,
            "MX",
            "servfail time-out",
            "no server of the zone answered for MX contoso.example",
        ),
        (
            FaultKind::Answer(AnswerFault::NxDomain),
            None,
            CONTOSO,
            "MX",
            "bogus denial-wrong",
            "the proof given that there is no MX contoso.example proves something else: contoso.example NSEC",
        ),
        (
            FaultKind::Answer(AnswerFault::AliasLoop),
            None,
            "mx1.contoso.example",
            "A",
            "servfail alias-loop",
            "the aliases of mx1.contoso.example do not end",
        ),
        (
            FaultKind::Signature(SignatureFault::Expired),
            Some("MX"),
            CONTOSO,
            "MX",
            "bogus rrsig-expired",
            "the signature over MX contoso.example by key {} expired at",
        ),
        (
            FaultKind::Signature(SignatureFault::NotYetValid),
            Some("MX"),
            CONTOSO,
            "MX",
            "bogus rrsig-not-yet-valid",
            "the signature over MX contoso.example by key {} is valid only from",
        ),
        (
            FaultKind::Signature(SignatureFault::Missing),
            Some("MX"),
            CONTOSO,
            "MX",
            "bogus rrsig-missing",
            "MX contoso.example came without a signature of contoso.example, which is signed",
        ),
        (
            FaultKind::Signature(SignatureFault::Bad),
            Some("MX"),
            CONTOSO,
            "MX",
            "bogus rrsig-bad",
            "the signature over MX contoso.example by key {} of contoso.example is wrong",
        ),
        (
            FaultKind::Signature(SignatureFault::WrongKey),
            Some("MX"),
            CONTOSO,
            "MX",
            "bogus key-missing",
            "contoso.example has no key ",
        ),
        (
            FaultKind::Keys(KeyFault::Missing),
            None,
            CONTOSO,
            "MX",
            "bogus key-missing",
            "contoso.example has a DS, but no server gave its keys",
        ),
        (
            FaultKind::Keys(KeyFault::Many(20)),
            None,
            CONTOSO,
            "MX",
            "bogus too-much-work",
            "DNSKEY contoso.example needs more than 8 signature checks that fail",
        ),
        (
            FaultKind::Ds(DsFault::Mismatch),
            None,
            CONTOSO,
            "MX",
            "bogus ds-mismatch",
            "the DS of contoso.example names key ",
        ),
        (
            FaultKind::Ds(DsFault::Unsupported),
            None,
            CONTOSO,
            "MX",
            "insecure ds-algorithm-unsupported",
            "the DS of contoso.example has only unsupported algorithms",
        ),
        (
            FaultKind::Ds(DsFault::WithoutKey),
            None,
            "plain.example",
            "A",
            "bogus key-missing",
            "plain.example has a DS, but no server gave its keys",
        ),
        (
            FaultKind::Proof(ProofFault::Missing),
            None,
            "nothing.contoso.example",
            "A",
            "bogus denial-missing",
            "nothing proves that there is no A nothing.contoso.example",
        ),
        (
            FaultKind::Proof(ProofFault::Wrong),
            None,
            "nothing.contoso.example",
            "A",
            "bogus denial-wrong",
            "the proof given that there is no A nothing.contoso.example proves something else: ",
        ),
        (
            FaultKind::Chain(ChainFault::Iterations(101)),
            None,
            "nothing.contoso.example",
            "A",
            "insecure nsec3-iterations",
            "contoso.example has NSEC3 with 101 iterations; more than 100 are not followed",
        ),
    ] {
        let zone = if owner == "plain.example" { owner } else { CONTOSO };
        let (told, reason) = verdict(kind, scope(zone, rtype), owner, asked);
        assert!(told.starts_with(expected), "{kind:?}: {told}");
        let because = because.replace("{}", &key.to_string());
        assert!(reason.starts_with(&because), "{kind:?}: {reason}");
    }
    // The same names are fine without a fault, and with one iteration less.
    check(&Net::iterating(specs()), "nothing.contoso.example", "A", "secure, NXDOMAIN");
    let (told, _) =
        verdict(FaultKind::Chain(ChainFault::Iterations(100)), scope(CONTOSO, None), "nothing.contoso.example", "A");
    assert_eq!(told, "secure, NXDOMAIN");
    // Two keys of one tag are tried, and one of them fits.
    assert!(verdict(FaultKind::Keys(KeyFault::Many(2)), scope(CONTOSO, None), CONTOSO, "MX").0.starts_with("secure"));
    // A slow server is waited for.
    assert!(
        verdict(FaultKind::Answer(AnswerFault::Slow(Duration::from_millis(300))), scope(CONTOSO, None), CONTOSO, "MX")
            .0
            .starts_with("secure")
    );
}

/// The verdicts recorded for RRsets at single servers: `type name at address: reason`.
fn rejected(net: &Net) -> Vec<String> {
    let of = |entry: &Entry| {
        let text = |field| entry.fields.text(field).map(str::to_owned);
        text("next-server")?;
        let [rtype, name, server, reason] = ["type", "name", "server", "reason"].map(|field| text(field).unwrap());
        Some(format!("{rtype} {name} at {server}: {reason}"))
    };
    net.journal.entries().iter().filter_map(of).collect()
}

#[test]
fn another_server_is_asked_after_a_bogus_answer() {
    // The last part comes from the other server only if that part was bogus.
    for (kind, rtype, owner, asked, last, expected) in [
        (
            FaultKind::Signature(SignatureFault::Missing),
            Some("MX"),
            CONTOSO,
            "MX",
            SECOND,
            "MX contoso.example at 192.0.2.3: rrsig-missing",
        ),
        (
            FaultKind::Signature(SignatureFault::Expired),
            Some("DNSKEY"),
            CONTOSO,
            "MX",
            OWN,
            "DNSKEY contoso.example at 192.0.2.3: rrsig-expired",
        ),
        (
            FaultKind::Keys(KeyFault::Missing),
            None,
            CONTOSO,
            "MX",
            OWN,
            "DNSKEY contoso.example at 192.0.2.3: key-missing",
        ),
        (
            FaultKind::Proof(ProofFault::Missing),
            None,
            "no.contoso.example",
            "A",
            SECOND,
            "A no.contoso.example at 192.0.2.3: denial-missing",
        ),
        (
            FaultKind::Signature(SignatureFault::Bad),
            Some("CNAME"),
            "www.contoso.example",
            "A",
            OWN,
            "A www.contoso.example at 192.0.2.3: rrsig-bad",
        ),
        (
            FaultKind::Answer(AnswerFault::NxDomain),
            None,
            "mx1.contoso.example",
            "A",
            SECOND,
            "A mx1.contoso.example at 192.0.2.3: denial-wrong",
        ),
    ] {
        let net = Net::iterating(specs());
        begin(&net, &[OWN], kind, &scope(CONTOSO, rtype));
        let answer = net.lookup(owner, asked);
        assert!(answer.security.is_secure(), "{kind:?}: {}", line(&answer));
        assert_eq!(rejected(&net), [expected], "{kind:?}");
        assert_eq!(answer.server, Some(socket(last)), "{kind:?}");
    }
}

#[test]
fn a_bogus_answer_of_all_servers_is_told_once_with_the_first_reason() {
    let net = Net::iterating(specs());
    begin(&net, &[OWN], FaultKind::Signature(SignatureFault::Missing), &scope(CONTOSO, Some("MX")));
    begin(&net, &[SECOND], FaultKind::Signature(SignatureFault::Bad), &scope(CONTOSO, Some("MX")));
    let answer = net.lookup(CONTOSO, "MX");
    assert_eq!(line(&answer), "bogus rrsig-missing, SERVFAIL");
    assert_eq!(answer.server, Some(socket(OWN)));
    assert_eq!(rejected(&net), ["MX contoso.example at 192.0.2.3: rrsig-missing"]);
    // A second server that is down does not hide what the first one said.
    let net = Net::iterating(specs());
    begin(&net, &[OWN], FaultKind::Signature(SignatureFault::Missing), &scope(CONTOSO, Some("MX")));
    net.down(SECOND);
    check(&net, CONTOSO, "MX", "bogus rrsig-missing, SERVFAIL");
    assert!(rejected(&net).is_empty());
}

#[test]
fn one_of_the_parents_servers_has_the_old_ds() {
    let mut specs = specs();
    specs[1].servers = &[("tld-a.example", "192.0.2.2"), ("tld-b.example", "192.0.2.22")];
    for (stale, expected) in [
        (
            "192.0.2.2",
            &["DNSKEY contoso.example at 192.0.2.3: ds-mismatch", "DS contoso.example at 192.0.2.2: ds-mismatch"][..],
        ),
        ("192.0.2.22", &[]),
    ] {
        let net = Net::iterating(specs.iter().map(|spec| Spec { text: spec.text.clone(), ..*spec }).collect());
        begin(&net, &[stale], FaultKind::Ds(DsFault::Mismatch), &scope(CONTOSO, None));
        assert!(net.lookup(CONTOSO, "MX").security.is_secure());
        assert_eq!(rejected(&net), expected, "{stale}");
    }
}

#[test]
fn a_cold_lookup_asks_no_more_than_it_must() {
    let net = Net::iterating(specs());
    let answer = net.lookup(CONTOSO, "MX");
    // The DS records come along with the referrals.
    let expected = [
        "192.0.2.1 MX contoso.example",
        "192.0.2.2 MX contoso.example",
        "192.0.2.3 MX contoso.example",
        "192.0.2.1 DNSKEY .",
        "192.0.2.2 DNSKEY example",
        "192.0.2.3 DNSKEY contoso.example",
    ];
    assert_eq!(net.queries(), expected);
    assert_eq!((answer.cost.queries, answer.cost.signature_checks, answer.cost.hashes), (6, 6, 0));
    // The zone whose server answers is known: only the question itself is asked.
    for (owner, asked, checks) in [("mx1.contoso.example", "A", 1), ("_25._tcp.mx1.contoso.example", "TLSA", 1)] {
        let answer = net.lookup(owner, asked);
        assert_eq!(net.queries(), [format!("192.0.2.3 {asked} {owner}")]);
        assert_eq!(answer.cost.signature_checks, checks);
    }
    assert!(net.lookup(CONTOSO, "MX").cached);
    net.clock.set(299);
    assert!(net.lookup(CONTOSO, "MX").cached);
    net.clock.set(300);
    assert!(!net.lookup(CONTOSO, "MX").cached);
}

#[test]
fn a_bound_that_is_reached_on_the_way_to_a_server_is_told() {
    // The referral to outside.example comes without the address of its server, which stands in another zone.
    let without_glue = |message: &mut Message| {
        if message.authority.iter().any(|record| record.name == name("outside.example")) {
            message.additional.clear();
        }
    };
    for (queries, expected) in [
        (2, "servfail too-much-work, SERVFAIL"),
        (3, "servfail too-much-work, SERVFAIL"),
        (128, "secure, NOERROR, 198.51.100.40"),
    ] {
        let net = Net::new();
        let config = ResolverConfig { queries, ..ResolverConfig::iterating(net.roots(), net.anchor()) };
        let resolver = net.resolver_behind(config, without_glue);
        let answer = block_on(resolver.lookup(&name("mx.outside.example"), RecordType::A));
        assert_eq!(line(&answer), expected, "{queries}");
    }
}

#[test]
fn what_was_bogus_is_asked_again() {
    let net = Net::iterating(specs());
    let id =
        net.authority(OWN).begin_fault(Fault::new(FaultKind::Signature(SignatureFault::Bad), scope(CONTOSO, None)));
    net.down(SECOND);
    assert!(!net.lookup(CONTOSO, "MX").security.is_usable());
    net.authority(OWN).end_fault(id);
    assert!(net.lookup(CONTOSO, "MX").security.is_secure());
}

#[test]
fn an_ancestor_does_not_sign_below_the_cut_to_the_zone_that_answers() {
    let root_signs = |message: &mut Message, owner: &str| {
        if message.flags.authoritative && message.question.as_ref().is_some_and(|question| question.name == name(owner))
        {
            let data = rdata::Rdata::to_rdata(&rdata::A([192, 0, 2, 66].into()));
            let rrset = Rrset { name: name(owner), rtype: RecordType::A, ttl: 300, rdatas: vec![data] };
            let example = specs().into_iter().find(|spec| spec.origin == "example").unwrap();
            let rrsig = sign::sign(&example.key(), &name("example"), &rrset, at(-100), at(100_000));
            let rrsig = Record::new(name(owner), RecordType::RRSIG, 300, rdata::Rdata::to_rdata(&rrsig));
            message.rcode = Rcode::NOERROR;
            message.answer = rrset.records().chain([rrsig]).collect();
            message.authority.clear();
        }
    };
    for (owner, expected) in [
        ("mx1.contoso.example", "bogus rrsig-missing, SERVFAIL"),
        ("mail.plain.example", "insecure insecure-delegation, NOERROR, 192.0.2.66"),
    ] {
        let answer = Net::new().forged(owner, "A", move |message| root_signs(message, owner));
        assert_eq!(line(&answer), expected, "{owner}");
    }
}

#[test]
fn answers_beyond_the_zone_are_not_believed() {
    // The servers of contoso.example answer for a name that is not theirs, beside the alias that leads there.
    let answer = Net::new().forged("far.contoso.example", "A", |message| {
        if message.question.as_ref().is_some_and(|question| question.name == name("far.contoso.example")) {
            let data = rdata::Rdata::to_rdata(&rdata::A([192, 0, 2, 66].into()));
            message.answer.push(Record::new(name("mail.plain.example"), RecordType::A, 300, data));
        }
    });
    assert_eq!(answer.records[0].rdata.as_bytes(), [198, 51, 100, 20]);
}

#[test]
fn an_alias_at_the_apex_of_an_unsigned_zone_is_not_its_ds() {
    // No zone may have one, but many do; the parent's server holds the zone as well, so that no referral shows the cut.
    let mut odd = Spec::new("odd.example", &[("ns.example", PARENT)], "");
    odd.signed = false;
    let net = Net::with(specs().into_iter().chain([odd]).collect());
    let answer = net.forged("odd.example", "A", |message| {
        let soa = |record: &Record| record.rtype == RecordType::SOA && record.name == name("odd.example");
        let asked = message.question.as_ref().is_some_and(|question| question.rtype == RecordType::A);
        if asked && message.authority.iter().any(soa) {
            let data = rdata::Rdata::to_rdata(&rdata::Cname(name("mx1.contoso.example")));
            message.authority.clear();
            message.answer = vec![Record::new(name("odd.example"), RecordType::CNAME, 300, data)];
        }
    });
    let expected =
        "insecure insecure-delegation, odd.example→mx1.contoso.example insecure, then secure, NOERROR, 198.51.100.1";
    assert_eq!(line(&answer), expected);
}

/// A resolver that asks the servers itself, and whose first answer that is `met` is changed on the way.
fn deceived_once(
    net: &Net,
    met: impl Fn(&Message) -> bool + Send + Sync + 'static,
    forge: impl Fn(&mut Message) + Send + Sync + 'static,
) -> Resolver {
    let deceived = AtomicBool::new(false);
    net.resolver_behind(ResolverConfig::iterating(net.roots(), net.anchor()), move |message| {
        if met(message) && !deceived.swap(true, Ordering::Relaxed) {
            forge(message);
        }
    })
}

#[test]
fn a_forged_delegation_does_not_outlive_the_lookup_that_it_spoils() {
    let net = Net::new();
    let is_referral = |message: &Message| {
        let leads = |record: &Record| record.rtype == RecordType::NS && record.name == name(CONTOSO);
        !message.flags.authoritative && message.authority.iter().any(leads)
    };
    let resolver = deceived_once(&net, is_referral, |message| {
        for record in message.authority.iter_mut().chain(&mut message.additional) {
            record.ttl = 86_400;
            if record.rtype == RecordType::A {
                record.rdata = rdata::Rdata::to_rdata(&rdata::A([192, 0, 2, 66].into()));
            }
        }
    });
    let status = || line(&block_on(resolver.lookup(&name("mx1.contoso.example"), RecordType::A)));
    assert_eq!(status(), "servfail time-out, SERVFAIL");
    assert_eq!(status(), "secure, NOERROR, 198.51.100.1");
}

#[test]
fn a_rejected_answer_is_not_remembered_beside_the_better_one() {
    // The alias of the second server does not replace the address from the first one.
    let net = Net::new();
    let owner = name("www.contoso.example");
    let asked = owner.clone();
    let is_answer = move |message: &Message| {
        message.flags.authoritative && message.question.as_ref().is_some_and(|question| question.name == asked)
    };
    let resolver = deceived_once(&net, is_answer, |message| {
        let data = rdata::Rdata::to_rdata(&rdata::A([192, 0, 2, 66].into()));
        message.answer = vec![Record::new(name("www.contoso.example"), RecordType::A, 80_000, data)];
    });
    let expected = "secure, www.contoso.example→mx1.contoso.example secure, then secure, NOERROR, 198.51.100.1";
    assert_eq!(line(&block_on(resolver.lookup(&owner, RecordType::A))), expected);
    net.clock.set(400);
    net.down(SECOND);
    assert_eq!(line(&block_on(resolver.lookup(&owner, RecordType::A))), expected);
}

#[test]
fn a_server_that_knows_no_edns_is_asked_without() {
    for (owner, expected) in [
        ("mail.plain.example", "insecure insecure-delegation, NOERROR, 198.51.100.20"),
        // It has no signatures.
        ("mx1.contoso.example", "bogus rrsig-missing, SERVFAIL"),
    ] {
        let answer = Net::new().forged(owner, "A", move |message| {
            let zone = name(owner).parent().unwrap();
            let own = message.question.as_ref().is_some_and(|question| question.name.is_subdomain_of(&zone));
            if own && message.flags.authoritative && message.edns.take().is_some() {
                message.rcode = Rcode::FORMERR;
                message.answer.clear();
                message.authority.clear();
            }
        });
        assert_eq!(line(&answer), expected, "{owner}");
    }
}

#[test]
fn the_trace_tells_every_transmission() {
    let net = Net::iterating(specs());
    net.down(OWN);
    net.lookup(CONTOSO, "MX");
    let asked: Vec<String> = net
        .journal
        .entries()
        .iter()
        .filter(|entry| entry.kind == "asked")
        .map(|entry| {
            ["server", "type", "name", "transport", "outcome"].map(|field| entry.fields.text(field).unwrap()).join(" ")
        })
        .collect();
    assert_eq!(
        asked,
        [
            "192.0.2.1 MX contoso.example udp NOERROR",
            "192.0.2.2 MX contoso.example udp NOERROR",
            "192.0.2.3 MX contoso.example udp time-out",
            "192.0.2.13 MX contoso.example udp NOERROR",
            "192.0.2.1 DNSKEY . udp NOERROR",
            "192.0.2.2 DNSKEY example udp NOERROR",
            // A server that was silent comes last.
            "192.0.2.13 DNSKEY contoso.example udp NOERROR",
        ]
    );
}

#[test]
fn what_is_signed_is_secure_whatever_denies_it() {
    // The question for a cut is answered by proofs that are not followed: they show none (RFC 9276 §3.2).
    let net = Net::new();
    begin(&net, &[OWN, SECOND], FaultKind::Chain(ChainFault::Iterations(101)), &scope(CONTOSO, None));
    check(&net, "mx1.contoso.example", "A", "secure, NOERROR, 198.51.100.1");
    check(&net, "mx1.contoso.example", "AAAA", "insecure nsec3-iterations, NOERROR");
}

#[test]
fn an_alias_that_a_dname_makes_is_as_good_as_the_dname() {
    for kind in ["A", "CNAME"] {
        let mut specs = specs();
        specs[2].text += "old DNAME contoso.example.\n";
        let net = Net::iterating(specs);
        let answer = net.lookup("mx1.old.contoso.example", kind);
        let expected = match kind {
            "A" => "secure, mx1.old.contoso.example→mx1.contoso.example secure, then secure, NOERROR, 198.51.100.1",
            _ => "secure, NOERROR, mx1.contoso.example.",
        };
        assert_eq!(line(&answer), expected);
        // Without the signature over the DNAME it is nothing.
        begin(&net, &[OWN, SECOND], FaultKind::Signature(SignatureFault::Missing), &scope(CONTOSO, Some("DNAME")));
        net.clear_caches();
        assert!(line(&net.lookup("mx1.old.contoso.example", kind)).starts_with("bogus rrsig-missing"));
    }
}

#[test]
fn another_forwarder_is_asked_after_a_failure_or_a_bogus_answer() {
    // The second forwarder strips DNSSEC, the third one does as it should.
    let net = Net::new();
    let forwarder = |passes| {
        let config = RecursorConfig { passes, ..RecursorConfig::new(net.roots()) };
        Recursor::with_exchange(&net.env, &Recorder::nowhere(&net.env), config, Arc::new(net.wire.clone()))
    };
    let forwarders = Forwarders { stripping: forwarder(Passes::WithoutDnssec), honest: forwarder(Passes::Everything) };
    let addresses = ["192.0.2.201:53", "192.0.2.202:53", "192.0.2.203:53"].map(|address| address.parse().unwrap());
    let config = ResolverConfig::new(addresses.to_vec(), net.anchor());
    let resolver = Resolver::with_exchange(&net.env, &net.recorder, config, Arc::new(forwarders));
    let answer = block_on(resolver.lookup(&name(CONTOSO), RecordType::MX));
    assert!(answer.security.is_secure(), "{}", line(&answer));
    assert_eq!((answer.server, answer.forwarded), (Some(addresses[2]), true));
    assert_eq!(rejected(&net)[0], "DNSKEY . at 192.0.2.202: rrsig-missing");
    // A silent one is asked twice, and from then on last.
    let silent = |entry: &&Entry| entry.fields.text("server") == Some("192.0.2.201");
    assert_eq!(net.journal.entries().iter().filter(silent).count(), 2);
    assert_eq!(answer.cost.failed_servers, 1);
}

/// A silent forwarder, one that strips DNSSEC, and an honest one.
struct Forwarders {
    stripping: Recursor,
    honest: Recursor,
}

impl Exchange for Forwarders {
    fn exchange<'a>(
        &'a self,
        query: &'a [u8],
        server: SocketAddr,
        transport: Transport,
        _timeout: Duration,
    ) -> BoxFuture<'a, io::Result<Vec<u8>>> {
        Box::pin(async move {
            let recursor = match server.ip().to_string().as_str() {
                "192.0.2.202" => &self.stripping,
                "192.0.2.203" => &self.honest,
                _ => return Err(io::ErrorKind::TimedOut.into()),
            };
            recursor.answer(query, transport).await.ok_or(io::ErrorKind::TimedOut.into())
        })
    }
}
