//! Faults that leave an answer nearly right: parts of proofs, codes, delegations, EDNS.

use mxlab_dns::fault::{DelegationFault, Part};
use mxlab_dns::wire::Edns;
use mxlab_dns::*;

use crate::net::{at, name};
use crate::served::{ask, check, serving, signed};

const ZONE: &str = "
a     A      192.0.2.2
*.w   A      192.0.2.4
d     DNAME  a.z.
p     NS     ns.p.z.
p     NS     ns.elsewhere.test.
ns.p  A      192.0.2.5
ns.p  AAAA   2001:db8::5
";

fn nsec3() -> Denial {
    Denial::Nsec3 { iterations: 0, salt: Vec::new(), opt_out: false }
}

fn failing(denial: Denial, zone: &str, kind: impl Into<FaultKind>) -> Authority {
    let authority = serving(signed("z", ZONE, denial));
    authority.begin_fault(Fault::new(kind, FaultScope::zone(name(zone))));
    authority
}

/// How many proofs an answer carries.
fn proofs(authority: &Authority, question: &str) -> usize {
    let (owner, kind) = question.split_once(' ').unwrap();
    let is_proof = |record: &&Record| matches!(record.rtype, RecordType::NSEC | RecordType::NSEC3);
    ask(authority, owner, kind).authority.iter().filter(is_proof).count()
}

#[test]
fn one_part_of_a_proof_is_left_out() {
    for (denial, question, part, with, without) in [
        (nsec3(), "none.z A", Part::Encloser, 3, 2),
        (nsec3(), "none.z A", Part::NextCloser, 3, 2),
        (nsec3(), "none.z A", Part::Wildcard, 3, 2),
        (nsec3(), "none.z A", Part::Name, 3, 3),
        (nsec3(), "a.z MX", Part::Name, 1, 0),
        (nsec3(), "x.w.z A", Part::NextCloser, 1, 0),
        (Denial::Nsec, "none.z A", Part::NextCloser, 2, 1),
        (Denial::Nsec, "none.z A", Part::Wildcard, 2, 1),
        // One record is both.
        (Denial::Nsec, "x.w.z MX", Part::Wildcard, 1, 0),
    ] {
        let good = serving(signed("z", ZONE, denial.clone()));
        let bad = failing(denial.clone(), "z", ProofFault::Without(part));
        assert_eq!(
            (proofs(&good, question), proofs(&bad, question)),
            (with, without),
            "{denial:?} {question} {part:?}"
        );
    }
}

#[test]
fn proofs_say_too_much() {
    check(
        &failing(Denial::Nsec, "z", ProofFault::WrongTypes),
        &[("a.z MX", "NOERROR aa\nu z SOA +\nu a.z NSEC d.z. A MX RRSIG NSEC +")],
    );
    check(
        &failing(Denial::Nsec, "z", ProofFault::Overreaching),
        &[("none.z A", "NXDOMAIN aa\nu z SOA +\nu d.z NSEC zz. DNAME RRSIG NSEC +")],
    );
}

#[test]
fn codes_and_soa() {
    check(
        &failing(Denial::Nsec, "z", AnswerFault::OtherDenialCode),
        &[
            ("a.z MX", "NXDOMAIN aa\nu z SOA +\nu a.z NSEC d.z. A RRSIG NSEC +"),
            ("a.z A", "NOERROR aa\nn a.z A 192.0.2.2 +"),
        ],
    );
    assert_eq!(ask(&failing(Denial::Nsec, "z", AnswerFault::OtherDenialCode), "no.z", "A").rcode, Rcode::NOERROR);
    check(
        &failing(Denial::Nsec, "z", AnswerFault::WithoutSoa),
        &[("a.z MX", "NOERROR\nu a.z NSEC d.z. A RRSIG NSEC +"), ("a.z A", "NOERROR aa\nn a.z A 192.0.2.2 +")],
    );
    check(&failing(Denial::Nsec, "z", AnswerFault::DnameAlone), &[("x.d.z A", "NOERROR aa\nn d.z DNAME a.z. +")]);
    check(&failing(Denial::Nsec, "z", AnswerFault::ApexAlias), &[("z A", "NOERROR aa\nn z CNAME www.z. +")]);
}

#[test]
fn delegations_go_wrong() {
    let head = "NOERROR\nu p.z NS ns.p.z. ns.elsewhere.test.\nu p.z NSEC *.w.z. NS RRSIG NSEC +";
    let (ipv4, ipv6) = ("\nd ns.p.z A 192.0.2.5", "\nd ns.p.z AAAA 2001:db8::5");
    for (kind, glue) in [
        (DelegationFault::GlueMissing, String::new()),
        (DelegationFault::GlueIpv6Only, ipv6.to_owned()),
        (DelegationFault::GlueForeign, format!("{ipv4}{ipv6}\nd ns.elsewhere.test A 198.19.255.254")),
    ] {
        check(&failing(Denial::Nsec, "p.z", kind), &[("m.p.z A", &format!("{head}{glue}"))]);
    }
    let by_referral = failing(Denial::Nsec, "p.z", DelegationFault::DsByReferral);
    check(&by_referral, &[("p.z DS", &format!("{head}{ipv4}{ipv6}"))]);
    // Parent and child on one server: the child's own denial, instead of the parent's.
    let both = serving(signed("z", ZONE, Denial::Nsec));
    both.set_zone(signed("p.z", "m A 192.0.2.7", Denial::Nsec));
    check(&both, &[("p.z DS", "NOERROR aa\nu z SOA +\nu p.z NSEC *.w.z. NS RRSIG NSEC +")]);
    both.begin_fault(Fault::new(AnswerFault::DsFromChild, FaultScope::zone(name("p.z"))));
    check(&both, &[("p.z DS", "NOERROR aa\nu p.z SOA +\nu p.z NSEC m.p.z. SOA RRSIG NSEC DNSKEY +")]);
}

#[test]
fn compact_denial() {
    // RFC 9824 §3: each answer has the one record that is made for its name.
    let compact = serving(signed("z", ZONE, Denial::Compact));
    check(
        &compact,
        &[
            ("none.z A", "NOERROR aa\nu z SOA +\nu none.z NSEC \\000.none.z. RRSIG NSEC NXNAME +"),
            ("a.z MX", "NOERROR aa\nu z SOA +\nu a.z NSEC \\000.a.z. A RRSIG NSEC +"),
            ("w.z A", "NOERROR aa\nu z SOA +\nu w.z NSEC \\000.w.z. RRSIG NSEC +"),
            ("x.w.z A", "NOERROR aa\nn x.w.z A 192.0.2.4 +"),
            ("x.w.z MX", "NOERROR aa\nu z SOA +\nu x.w.z NSEC \\000.x.w.z. A RRSIG NSEC +"),
            ("p.z DS", "NOERROR aa\nu z SOA +\nu p.z NSEC \\000.p.z. NS RRSIG NSEC +"),
        ],
    );
    // §5.1: with CO set, and without DO, the code is that of the name.
    for (dnssec_ok, compact_ok, expected) in
        [(true, false, Rcode::NOERROR), (true, true, Rcode::NXDOMAIN), (false, false, Rcode::NXDOMAIN)]
    {
        let edns = Edns { compact_ok, ..Edns::new(1_232, dnssec_ok) };
        let query = Message::query(7, name("none.z"), RecordType::A, Some(edns));
        let Reply::Bytes(octets) = compact.answer(&query.encode(512), Transport::Udp, at(0)) else { panic!() };
        assert_eq!(Message::decode(&octets).unwrap().rcode, expected, "{dnssec_ok} {compact_ok}");
    }
}

#[test]
fn edns_and_size() {
    let answer = |kind: AnswerFault, edns: Option<Edns>, transport| {
        let authority = failing(Denial::Nsec, "z", kind);
        let query = Message::query(7, name("a.z"), RecordType::A, edns);
        match authority.answer(&query.encode(512), transport, at(0)) {
            Reply::Bytes(octets) => Message::decode(&octets).ok().map(|answer| (answer.rcode, answer.edns.is_some())),
            _ => None,
        }
    };
    let edns = || Some(Edns::new(1_232, true));
    for (kind, edns, transport, expected) in [
        (AnswerFault::CodeForEdns(Rcode::FORMERR), edns(), Transport::Udp, Some((Rcode::FORMERR, false))),
        (AnswerFault::CodeForEdns(Rcode::NOTIMP), None, Transport::Udp, Some((Rcode::NOERROR, false))),
        (AnswerFault::Code(Rcode::NOTIMP), edns(), Transport::Udp, Some((Rcode::NOTIMP, true))),
        (AnswerFault::LostAbove(60), edns(), Transport::Udp, None),
        (AnswerFault::LostAbove(60), edns(), Transport::Tcp, Some((Rcode::NOERROR, true))),
        (AnswerFault::LostAbove(500), edns(), Transport::Udp, Some((Rcode::NOERROR, true))),
    ] {
        assert_eq!(answer(kind, edns, transport), expected, "{kind:?} {transport:?}");
    }
}
