//! Zones, changes and faults; the authorities are asked without a network.

use mxlab_dns::Rcode;
use mxlab_dns::fault::{AnswerFault, DsFault, FaultKind};
use mxlab_dns::rdata::{Dnskey, Rrsig};
use mxlab_dns::serve::Responder as _;
use mxlab_dns::signing_key::KeyRole;
use mxlab_dns::wire;

use super::*;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn signing() -> Signing {
    Signing::rolling("2026-03-01T08:00:00Z".parse::<jiff::Timestamp>().unwrap())
}

fn build(zones: &[(&str, &str)], hosts: &[(&str, &str)]) -> Result<Internet, InternetError> {
    let specs = zones
        .iter()
        .map(|(apex, records)| ZoneSpec { records: (*records).to_owned(), ..ZoneSpec::parent(name(apex), signing()) });
    let hosts = hosts.iter().map(|(owner, address)| address_record(&name(owner), address.parse().unwrap())).collect();
    Internet::build(&Identity::of_world(None), specs.collect(), hosts, &[], signing())
}

fn zones(internet: &Internet) -> Vec<String> {
    internet.zones.keys().map(ToString::to_string).collect()
}

#[test]
fn parents_exist_up_to_the_root() {
    let internet =
        build(&[("fabrikam.example", "@ MX 10 mx1\nmx1 A 192.0.2.10")], &[("mail.adatum.test", "203.0.113.10")]);
    assert_eq!(zones(&internet.unwrap()), [".", "example", "fabrikam.example", "test"]);
}

#[test]
fn a_zone_is_delegated_with_glue_and_ds() {
    let mut internet = build(&[("fabrikam.example", "")], &[]).unwrap();
    let at_parent = |internet: &Internet, owner: &str, rtype| {
        internet.zones[&name("example")].content.zone.rrset(&name(owner), rtype).map(|rrset| rrset.rdatas.len())
    };
    assert_eq!(at_parent(&internet, "fabrikam.example", RecordType::NS), Some(1));
    assert_eq!(at_parent(&internet, "fabrikam.example", RecordType::DS), Some(1));
    assert_eq!(at_parent(&internet, "ns.fabrikam.example", RecordType::A), Some(1));
    let change = ZoneChange { signed: Some(false), ..ZoneChange::default() };
    internet.publish(&name("fabrikam.example"), &change).unwrap();
    assert_eq!(at_parent(&internet, "fabrikam.example", RecordType::NS), Some(1));
    assert_eq!(at_parent(&internet, "fabrikam.example", RecordType::DS), None);
}

#[test]
fn a_change_that_is_wrong_changes_nothing() {
    let mut internet = build(&[("fabrikam.example", "mx1 A 192.0.2.10")], &[]).unwrap();
    let change = ZoneChange { replace: Some("mx1 A 192.0.2.300".into()), ..ZoneChange::default() };
    assert!(internet.publish(&name("fabrikam.example"), &change).is_err());
    let zone = &internet.zones[&name("fabrikam.example")].content.zone;
    assert!(zone.rrset(&name("mx1.fabrikam.example"), RecordType::A).is_some());
    let change = ZoneChange { replace: Some("mx1 A 192.0.2.11".into()), ..ZoneChange::default() };
    internet.publish(&name("fabrikam.example"), &change).unwrap();
    let zone = &internet.zones[&name("fabrikam.example")].content.zone;
    assert_eq!(zone.rrset(&name("mx1.fabrikam.example"), RecordType::A).unwrap().rdatas.len(), 1);
}

const SERVERS: [&str; 2] = ["192.0.2.53", "192.0.2.54"];

/// Two zones at the same two servers.
fn two_servers() -> Internet {
    let servers = SERVERS.map(|address| {
        let name = name(&format!("ns{}.example", &address[8..]));
        NameServer { name, address: address.parse().unwrap() }
    });
    let specs = ["fabrikam.example", "contoso.example"].map(|apex| ZoneSpec {
        records: "mx1 A 192.0.2.10".to_owned(),
        servers: servers.to_vec(),
        ..ZoneSpec::parent(name(apex), signing())
    });
    Internet::build(&Identity::of_world(None), specs.to_vec(), Vec::new(), &[], signing()).unwrap()
}

/// The last octets of the addresses that each server gives for a name.
fn addresses(internet: &Internet, owner: &str) -> [Vec<u8>; 2] {
    SERVERS.map(|server| {
        let authority = &internet.authorities[&server.parse::<IpAddr>().unwrap()];
        let query = wire::Message::query(1, name(owner), RecordType::A, None).encode(512);
        let serve::Reply::Bytes(reply) =
            authority.answer(&query, mxlab_dns::Transport::Udp, jiff::Timestamp::UNIX_EPOCH)
        else {
            return Vec::new();
        };
        let answer = wire::Message::decode(&reply).unwrap().answer;
        answer.iter().filter_map(|record| record.rdata.last().copied()).collect()
    })
}

#[test]
fn a_change_at_one_server_stays_there() {
    let fabrikam = name("fabrikam.example");
    let mut internet = two_servers();
    let mut check = |only_at: Option<usize>, replace: &str, mx1: [&[u8]; 2], mx2: [&[u8]; 2]| {
        let only_at = only_at.map(|server| SERVERS[server].parse().unwrap());
        let change = ZoneChange { replace: Some(replace.to_owned()), only_at, ..ZoneChange::default() };
        internet.publish(&fabrikam, &change).unwrap();
        assert_eq!(addresses(&internet, "mx1.fabrikam.example"), mx1, "{replace}");
        assert_eq!(addresses(&internet, "mx2.fabrikam.example"), mx2, "{replace}");
    };
    check(Some(0), "mx1 A 192.0.2.11", [&[11], &[10]], [&[], &[]]);
    // A later change of something else neither spreads the difference nor undoes it.
    check(None, "mx2 A 192.0.2.20", [&[11], &[10]], [&[20], &[20]]);
    check(Some(1), "mx2 A 192.0.2.21", [&[11], &[10]], [&[20], &[21]]);
    check(None, "mx1 A 192.0.2.12", [&[12], &[12]], [&[20], &[21]]);
}

#[test]
fn a_change_at_a_server_of_other_zones_is_refused() {
    let mut internet = two_servers();
    let server = "192.0.2.99".parse().unwrap();
    let change = ZoneChange {
        remove: vec![(name("mx1.fabrikam.example"), None)],
        only_at: Some(server),
        ..ZoneChange::default()
    };
    let refused = internet.publish(&name("fabrikam.example"), &change);
    assert!(matches!(refused, Err(InternetError::NotServed { server: at, .. }) if at == server), "{refused:?}");
    assert_eq!(addresses(&internet, "mx1.fabrikam.example"), [[10], [10]]);
}

#[test]
fn a_zone_unsigned_at_one_server_keeps_its_ds() {
    let mut internet = two_servers();
    let fabrikam = name("fabrikam.example");
    let change =
        ZoneChange { signed: Some(false), only_at: Some(SERVERS[0].parse().unwrap()), ..ZoneChange::default() };
    internet.publish(&fabrikam, &change).unwrap();
    let signed = SERVERS.map(|server| {
        let zone = internet.authorities[&server.parse::<IpAddr>().unwrap()].zone(&fabrikam).unwrap();
        zone.signed().is_some()
    });
    assert_eq!(signed, [false, true]);
    let parent = &internet.zones[&name("example")].content.zone;
    assert!(parent.rrset(&fabrikam, RecordType::DS).is_some());
}

fn servfail() -> NameServerFault {
    NameServerFault::new(FaultKind::Answer(AnswerFault::Code(Rcode::SERVFAIL)))
}

#[test]
fn a_fault_is_at_the_servers_and_zones_named() {
    let internet = two_servers();
    let (all, none) = (vec![10], Vec::new());
    let check = |zone: Option<&str>, server: Option<usize>, fabrikam: [&Vec<u8>; 2], contoso: [&Vec<u8>; 2]| {
        let server = server.map(|server| SERVERS[server].parse().unwrap());
        let begun = internet.begin(&NameServerFault { zone: zone.map(name), server, ..servfail() }).unwrap();
        assert_eq!(addresses(&internet, "mx1.fabrikam.example").each_ref(), fabrikam, "{zone:?} {server:?}");
        assert_eq!(addresses(&internet, "mx1.contoso.example").each_ref(), contoso, "{zone:?} {server:?}");
        internet.end(&begun);
        assert_eq!(addresses(&internet, "mx1.fabrikam.example").each_ref(), [&all, &all]);
        assert!(!begun.used_up());
    };
    check(Some("fabrikam.example"), None, [&none, &none], [&all, &all]);
    check(Some("fabrikam.example"), Some(1), [&all, &none], [&all, &all]);
    check(None, Some(0), [&none, &all], [&none, &all]);
}

#[test]
fn the_servers_of_a_fault_count_together() {
    let internet = two_servers();
    let begun = internet
        .begin(&NameServerFault { zone: Some(name("fabrikam.example")), times: Some(3), ..servfail() })
        .unwrap();
    assert_eq!(begun.servers().len(), 2);
    assert_eq!(addresses(&internet, "mx1.fabrikam.example"), [Vec::<u8>::new(), vec![]]);
    assert!(!begun.used_up());
    assert_eq!(addresses(&internet, "mx1.fabrikam.example"), [vec![], vec![10]]);
    assert!(begun.used_up());
}

#[test]
fn a_fault_that_could_act_nowhere_is_refused() {
    let internet = two_servers();
    let stranger: IpAddr = "192.0.2.99".parse().unwrap();
    let ours: IpAddr = SERVERS[0].parse().unwrap();
    let check = |kind, zone: Option<&str>, server, expected: FaultError| {
        let refused = internet.begin(&NameServerFault { zone: zone.map(name), server, ..NameServerFault::new(kind) });
        assert_eq!(refused.map(|begun| begun.servers()), Err(expected));
    };
    let fabrikam = name("fabrikam.example");
    let (servfail, mismatch) =
        (FaultKind::Answer(AnswerFault::Code(Rcode::SERVFAIL)), FaultKind::Ds(DsFault::Mismatch));
    check(servfail, None, None, FaultError::Nowhere);
    check(servfail, None, Some(stranger), FaultError::NoServer(stranger));
    check(servfail, Some("adatum.example"), None, FaultError::NoZone(name("adatum.example")));
    let not_served = |zone: &Name, server| FaultError::NotServed { zone: zone.clone(), server };
    check(servfail, Some("fabrikam.example"), Some(stranger), not_served(&fabrikam, stranger));
    check(mismatch, None, Some(ours), FaultError::NoChild);
    check(mismatch, Some("."), None, FaultError::NoParent(Name::root()));
    // It is the parent's servers that publish a DS.
    check(mismatch, Some("fabrikam.example"), Some(ours), not_served(&name("example"), ours));
}

/// What a zone's servers and its parent publish: the tags in its DNSKEY RRset, those of its DS records at the parent,
/// and those that sign its SOA record.
fn tags(internet: &Internet, zone: &str) -> [Vec<u16>; 3] {
    let apex = name(zone);
    let ask = |held: &Held, rtype| {
        let query = wire::Message::query(1, apex.clone(), rtype, Some(wire::Edns::new(1_232, true))).encode(1_232);
        let server = held.servers.first().unwrap().address;
        let reply = internet.authorities[&server].answer(&query, mxlab_dns::Transport::Tcp, signing().inception);
        let serve::Reply::Bytes(reply) = reply else { panic!("no answer") };
        wire::Message::decode(&reply).unwrap().answer
    };
    let of = |records: &[Record], rtype| {
        let rdatas: Vec<_> = records.iter().filter(|r| r.rtype == rtype).map(|r| r.rdata.clone()).collect();
        rdatas
    };
    let zone = &internet.zones[&apex];
    let parent = &internet.zones[&internet.parent_of(&apex).unwrap()];
    let keys = ask(zone, RecordType::DNSKEY);
    let keys = of(&keys, RecordType::DNSKEY).iter().map(|rdata| Dnskey::parse(rdata).unwrap().key_tag()).collect();
    let ds = of(&ask(parent, RecordType::DS), RecordType::DS).iter().map(|d| Ds::parse(d).unwrap().key_tag).collect();
    let signatures = of(&ask(zone, RecordType::SOA), RecordType::RRSIG);
    let signers = signatures.iter().map(|rdata| Rrsig::parse(rdata).unwrap().key_tag).collect();
    [keys, ds, signers]
}

/// Does steps of a key change, and shows where each key is after each step; keys are letters, in the order in which
/// they appear: `A/A/A` is one key, published, with its DS, that signs.
#[track_caller]
fn check_roll(layout: KeyLayout, steps: &[Roll], expected: &[&str]) {
    let spec = ZoneSpec { keys: layout, ..ZoneSpec::parent(name("fabrikam.example"), signing()) };
    let mut internet = Internet::build(&Identity::of_world(None), vec![spec], Vec::new(), &[], signing()).unwrap();
    let mut letters: Vec<u16> = Vec::new();
    let mut seen = Vec::new();
    let mut look = |internet: &Internet| {
        let parts = tags(internet, "fabrikam.example").map(|tags| {
            let mut part: Vec<char> = Vec::new();
            for tag in tags {
                let at = letters.iter().position(|known| *known == tag).unwrap_or_else(|| {
                    letters.push(tag);
                    letters.len() - 1
                });
                part.push(char::from(b'A' + u8::try_from(at).unwrap()));
            }
            part.sort_unstable();
            String::from_iter(part)
        });
        seen.push(parts.join("/"));
    };
    look(&internet);
    for step in steps {
        let change = ZoneChange { roll: Some(*step), ..ZoneChange::default() };
        internet.publish(&name("fabrikam.example"), &change).unwrap();
        look(&internet);
    }
    assert_eq!(seen, expected);
}

#[test]
fn keys_change_step_by_step_and_the_parent_follows() {
    use RollStep::{AddDs, AddKey, DropOld, SwitchSigning};
    let roll = |step| Roll { step, algorithm: None, role: None };
    let steps = |steps: &[RollStep]| steps.iter().map(|step| roll(*step)).collect::<Vec<_>>();
    check_roll(
        KeyLayout::Single,
        &steps(&[AddDs, AddKey, SwitchSigning, DropOld]),
        &["A/A/A", "A/AB/A", "AB/AB/A", "AB/AB/B", "B/B/B"],
    );
    // Pre-published, without a DS until the old key goes.
    check_roll(KeyLayout::Single, &steps(&[AddKey, SwitchSigning, DropOld]), &["A/A/A", "AB/A/A", "AB/A/B", "B/B/B"]);
    // The zone-signing key; then, separately, the key-signing key.
    check_roll(
        KeyLayout::Split,
        &steps(&[AddKey, SwitchSigning, DropOld]),
        &["AB/A/B", "ABC/A/B", "ABC/A/C", "AC/A/C"],
    );
    let ksk = |step| Roll { role: Some(KeyRole::KeySigning), ..roll(step) };
    check_roll(
        KeyLayout::Split,
        &[ksk(AddDs), roll(AddKey), roll(DropOld)],
        &["AB/A/B", "AB/AC/B", "ABC/AC/B", "BC/C/B"],
    );
    // Another algorithm signs as soon as it is published; of two keys both change.
    let other = |step| Roll { algorithm: Some(KeyKind::EcdsaP256), ..roll(step) };
    check_roll(
        KeyLayout::Single,
        &[other(AddKey), roll(AddDs), roll(DropOld)],
        &["A/A/A", "AB/A/AB", "AB/AB/AB", "B/B/B"],
    );
    check_roll(
        KeyLayout::Split,
        &[other(AddKey), roll(AddDs), roll(DropOld)],
        &["AB/A/B", "ABCD/A/BC", "ABCD/AD/BC", "CD/D/C"],
    );
    // One change after another.
    check_roll(KeyLayout::Single, &steps(&[AddKey, DropOld, AddKey]), &["A/A/A", "AB/A/A", "B/B/B", "BC/B/B"]);
}

#[test]
fn a_key_change_that_has_not_begun_is_refused() {
    let mut internet = two_servers();
    let mut check = |step, only_at, expected: &str| {
        let roll = Some(Roll { step, algorithm: None, role: None });
        let change = ZoneChange { roll, only_at, ..ZoneChange::default() };
        let before = tags(&internet, "fabrikam.example");
        let refused = internet.publish(&name("fabrikam.example"), &change).unwrap_err();
        assert_eq!(refused.to_string(), expected);
        assert_eq!(tags(&internet, "fabrikam.example"), before);
    };
    let begins = "zone fabrikam.example has no new key: a key change begins with the key or its DS";
    check(RollStep::SwitchSigning, None, begins);
    check(RollStep::DropOld, None, begins);
    let at_one = "the keys of zone fabrikam.example cannot change at one server";
    check(RollStep::AddKey, Some(SERVERS[0].parse().unwrap()), at_one);
}
