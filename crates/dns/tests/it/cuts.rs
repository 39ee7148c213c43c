//! Valid signatures of a zone that does not contain what it signs: an ancestor signs below its own cuts.

use mxlab_dns::rdata::Rdata as _;
use mxlab_dns::*;

use crate::net::*;

fn spec(origin: &str) -> Spec {
    specs().into_iter().find(|spec| spec.origin == origin).unwrap()
}

/// An RRset at `owner` with a signature by the key of `signer`, made over the name `signed`.
fn forged(signer: &str, owner: &str, signed: &str, data: &(RecordType, RawRdata)) -> Vec<Record> {
    let over = Rrset { name: name(signed), rtype: data.0, ttl: 300, rdatas: vec![data.1.clone()] };
    let rrsig = sign::sign(&spec(signer).key(), &name(signer), &over, at(-100), at(100_000));
    vec![
        Record::new(name(owner), data.0, 300, data.1.clone()),
        Record::new(name(owner), RecordType::RRSIG, 300, rrsig.to_rdata()),
    ]
}

fn address() -> (RecordType, RawRdata) {
    (RecordType::A, rdata::A([192, 0, 2, 66].into()).to_rdata())
}

fn alias(target: &str) -> (RecordType, RawRdata) {
    (RecordType::CNAME, rdata::Cname(name(target)).to_rdata())
}

/// Status and reason of a lookup in which the answer to one question is replaced by these sections.
fn lookup(asked: (&str, &str), tampered: (&str, &str), answer: Vec<Record>, authority: Vec<Record>) -> String {
    let (owner, kind) = (name(tampered.0), rtype(tampered.1));
    let judged = Net::new().tampered(asked.0, asked.1, move |message| {
        let question = message.question.as_ref().unwrap();
        if question.name == owner && question.rtype == kind {
            message.rcode = Rcode::NOERROR;
            message.answer.clone_from(&answer);
            message.authority.clone_from(&authority);
        }
    });
    let reason = judged.security.reason().map(ToString::to_string).unwrap_or_default();
    format!("{}: {reason}", judged.security.word())
}

#[test]
fn an_ancestor_does_not_sign_below_its_cuts() {
    let not_signed =
        |owner: &str, zone: &str| format!("bogus: A {owner} came without a signature of {zone}, which is signed");
    let insecure = |zone: &str| format!("insecure: example proves that there is no DS for {zone}");
    for (signer, owner, expected) in [
        // A signed zone: at its apex, below, further below; and the ancestor further up.
        ("example", "contoso.example", not_signed("contoso.example", "contoso.example")),
        ("example", "mx1.contoso.example", not_signed("mx1.contoso.example", "contoso.example")),
        ("example", "a.b.contoso.example", not_signed("a.b.contoso.example", "contoso.example")),
        (".", "mx1.contoso.example", not_signed("mx1.contoso.example", "contoso.example")),
        ("contoso.example", "sub.contoso.example", not_signed("sub.contoso.example", "sub.contoso.example")),
        // A delegation without DS.
        ("example", "plain.example", insecure("plain.example")),
        ("example", "mail.plain.example", insecure("plain.example")),
        ("example", "a.b.plain.example", insecure("plain.example")),
        (".", "a.b.plain.example", insecure("plain.example")),
        // It signs its own names.
        ("example", "host.example", "secure: ".to_owned()),
        ("contoso.example", "a.b.contoso.example", "secure: ".to_owned()),
    ] {
        let answer = forged(signer, owner, owner, &address());
        assert_eq!(lookup((owner, "A"), (owner, "A"), answer, Vec::new()), expected, "{owner} by {signer}");
    }
}

#[test]
fn a_ds_is_the_parents() {
    let ds = spec("contoso.example").key().ds(&name("contoso.example"));
    let ds = (RecordType::DS, ds.to_rdata());
    let asked = ("contoso.example", "DS");
    for (signer, expected) in [
        ("example", "secure: "),
        (".", "bogus: DS contoso.example came without a signature of example, which is signed"),
        ("contoso.example", "bogus: DS contoso.example came without a signature of example, which is signed"),
    ] {
        let answer = forged(signer, asked.0, asked.0, &ds);
        assert_eq!(lookup(asked, asked, answer, Vec::new()), expected, "{signer}");
    }
}

#[test]
fn an_expanded_alias_hides_no_cut_without_proof() {
    let alias = forged("example", "contoso.example", "*.example", &alias("elsewhere.example"));
    let answer = lookup(("contoso.example", "MX"), ("contoso.example", "DS"), alias.clone(), Vec::new());
    assert_eq!(answer, "bogus: nothing proves that there is no CNAME contoso.example");
    // Nor a proof about another name.
    let net = Net::new();
    let denial = block_on(net.recursor.answer(&query("nothing.example", "A"), Transport::Udp)).unwrap();
    let denial = Message::decode(&denial).unwrap().authority;
    let answer = lookup(("contoso.example", "MX"), ("contoso.example", "DS"), alias, denial);
    assert!(
        answer.starts_with("bogus: the proofs given that there is no CNAME contoso.example do not prove it: island.example NSEC ns.example NS"),
        "{answer}"
    );
}

#[test]
fn an_unsigned_denial_below_an_insecure_delegation_needs_no_proof() {
    // Although an ancestor's signature is beside it.
    let soa =
        rdata::Soa::parse(&zones(&specs())[1].rrset(&name("example"), RecordType::SOA).unwrap().rdatas[0]).unwrap();
    let authority = forged("example", "example", "example", &(RecordType::SOA, soa.to_rdata()));
    let asked = ("mail.plain.example", "MX");
    let answer = lookup(asked, asked, Vec::new(), authority);
    assert_eq!(answer, "insecure: example proves that there is no DS for plain.example");
}
