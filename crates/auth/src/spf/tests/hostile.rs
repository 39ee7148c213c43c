//! Hostile records: a defined result, and bounded work.

use super::client;
use crate::dns::Data;
use crate::spf::macros::MAX_EXPLANATION;
use crate::spf::{Evaluation, MAX_QUERIES, SpfResult, check_host};
use crate::testing::{Zone, now};

fn evaluate(zone: Zone) -> Evaluation {
    now(check_host(&zone, &client("192.0.2.10", "x@a.example")))
}

#[test]
fn includes_of_includes() {
    // Two in each record: without limit 2^40 lookups.
    let mut zone = String::from("a.example TXT v=spf1 include:h0.example -all\n");
    for level in 0..40 {
        let next = level + 1;
        zone.push_str(&format!("h{level}.example TXT v=spf1 include:h{next}.example include:h{next}.example ?all\n"));
    }
    let evaluation = evaluate(Zone::new(&zone));
    assert_eq!(evaluation.result, SpfResult::PermError);
    assert_eq!(evaluation.lookups().count(), 11);
}

#[test]
fn as_many_lookups_as_there_can_be() {
    // Ten times ten mail hosts, the client's names on the way, and an explanation.
    let mut zone = String::from("a.example TXT v=spf1 mx:%{p}.test ");
    zone.push_str(&"mx:m.test ".repeat(9));
    zone.push_str("-all exp=why.test\nwhy.test TXT %{p}\n");
    for host in 0..10 {
        zone.push_str(&format!("unknown.test MX 1 h{host}.test\nm.test MX 1 h{host}.test\nh{host}.test A 192.0.2.1\n"));
        zone.push_str(&format!("10.2.0.192.in-addr.arpa PTR h{host}.test\n"));
    }
    let evaluation = evaluate(Zone::new(&zone));
    assert_eq!(evaluation.explanation.as_deref(), Some("unknown"));
    assert_eq!(evaluation.lookups().count(), MAX_QUERIES);
}

#[test]
fn long_records() {
    let record = |terms: String| {
        let zone = Zone::new("").with("a.example", Data::Txt(format!("v=spf1 {terms}").into_bytes()));
        evaluate(zone)
    };
    let networks = record("ip4:198.51.100.1 ".repeat(3_800) + "ip4:192.0.2.10");
    assert_eq!((networks.result, networks.steps.len()), (SpfResult::Pass, 3_802));
    let macros = record("exists:".to_owned() + &"%{s}".repeat(16_000) + " -all");
    assert_eq!(macros.result, SpfResult::Fail);
    assert_eq!(record("x=".to_owned() + &"%{".repeat(30_000)).result, SpfResult::PermError);
    assert_eq!(record(" ".repeat(65_000) + "-all").result, SpfResult::Fail);
    assert_eq!(record("x=y ".repeat(16_000) + "-all").result, SpfResult::Fail);
    let digits = record(format!("a:%{{d{}}} -all", "9".repeat(60_000)));
    assert_eq!(digits.result, SpfResult::Fail);
}

#[test]
fn long_explanations() {
    let zone = Zone::new("a.example TXT v=spf1 -all exp=why.example");
    let evaluation = evaluate(zone.with("why.example", Data::Txt("%{S}".repeat(16_000).into_bytes())));
    assert_eq!((evaluation.result, evaluation.explanation), (SpfResult::Fail, None));
    let zone = Zone::new("a.example TXT v=spf1 -all exp=why.example");
    let evaluation = evaluate(zone.with("why.example", Data::Txt(vec![b'x'; MAX_EXPLANATION])));
    assert_eq!(evaluation.explanation.map(|text| text.len()), Some(MAX_EXPLANATION));
}

#[test]
fn many_addresses_and_texts() {
    let mut zone = Zone::new("b.example TXT v=spf1 -all");
    for number in 0..5_000_u32 {
        zone = zone
            .with("a.example", Data::Txt(format!("text {number}").into_bytes()))
            .with("m.example", Data::A((0x0a00_0000 + number).into()));
    }
    zone = zone.with("a.example", Data::Txt(b"v=spf1 a:m.example -all".to_vec()));
    assert_eq!(now(check_host(&zone, &client("10.0.19.135", "x@a.example"))).result, SpfResult::Pass);
}
