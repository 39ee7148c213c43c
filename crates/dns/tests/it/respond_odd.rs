//! What clients get when servers answer oddly: nothing beside AD that was not validated, and nothing left out that they need.

use mxlab_dns::rdata::{Ns, Rdata as _};
use mxlab_dns::wire::Edns;
use mxlab_dns::*;

use crate::net::*;

/// The response to a query with DO: its code, AD, and the types of the answer and of the authority section.
fn ask(resolver: &Resolver, owner: &str, kind: &str) -> String {
    let query = Message::query(7, name(owner), rtype(kind), Some(Edns::new(1_232, true)));
    let response = block_on(resolver.respond(&query));
    let types =
        |records: &[Record]| records.iter().map(|record| record.rtype.to_string()).collect::<Vec<_>>().join(" ");
    let ad = if response.flags.authentic_data { " AD" } else { "" };
    format!("{}{ad}: {} | {}", response.rcode, types(&response.answer), types(&response.authority))
}

/// The internet with these records in contoso.example, whose servers have this fault.
fn contoso(text: &str, kind: Option<AnswerFault>) -> Net {
    let mut specs = specs();
    specs[2].text += text;
    let net = Net::iterating(specs);
    for server in ["192.0.2.3", "192.0.2.13"] {
        if let Some(kind) = kind {
            net.authority(server).begin_fault(Fault::new(kind, FaultScope::zone(name("contoso.example"))));
        }
    }
    net
}

#[test]
fn ad_speaks_for_the_authority_section() {
    // RFC 4035 §3.2.3: an NS record that nobody signed must not be beside it.
    let net = contoso("", None);
    let config = ResolverConfig::iterating(net.roots(), net.anchor());
    let resolver = net.resolver_behind(config, |message| {
        if message.answer.iter().any(|record| record.rtype == RecordType::A) {
            let ns = Ns(name("ns.evil.example")).to_rdata();
            message.authority.push(Record::new(name("contoso.example"), RecordType::NS, 300, ns));
        }
    });
    assert_eq!(ask(&resolver, "mx1.contoso.example", "A"), "NOERROR AD: A RRSIG | ");
    assert_eq!(ask(&resolver, "mail.plain.example", "A"), "NOERROR: A | ");
}

#[test]
fn a_ds_that_is_asked_for_is_denied_with_its_soa() {
    let net = contoso("", None);
    // The referral had the proof alone.
    assert_eq!(ask(&net.resolver, "mail.plain.example", "A"), "NOERROR: A | ");
    assert_eq!(ask(&net.resolver, "plain.example", "DS"), "NOERROR AD:  | SOA RRSIG NSEC RRSIG");
}

#[test]
fn dname() {
    let text = "old DNAME contoso.example.\nlong DNAME aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.\
                bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.\
                cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc.contoso.example.\n";
    for fault in [None, Some(AnswerFault::DnameAlone)] {
        let net = contoso(text, fault);
        for (owner, expected) in [
            ("mx1.old.contoso.example", "NOERROR AD: DNAME RRSIG CNAME A RRSIG | "),
            // The DNAME once, each alias that it makes.
            ("mx1.old.old.contoso.example", "NOERROR AD: DNAME RRSIG CNAME CNAME A RRSIG | "),
            // RFC 6672 §2.2: the code says that the name would be too long.
            ("dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd.long.contoso.example", "YXDOMAIN:  | "),
        ] {
            assert_eq!(ask(&net.resolver, owner, "A"), expected, "{fault:?}");
        }
    }
}
