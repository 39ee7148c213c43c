//! Laws that hold for all names, messages and texts.

use mxlab_dns::wire::{Edns, Flags, Question};
use mxlab_dns::*;
use proptest::prelude::*;

use crate::net::{Net, always, at, block_on, name, query};

/// Names with odd octets and both cases, of few different labels, so that they are often related.
fn names() -> impl Strategy<Value = Name> {
    let odd = prop::collection::vec(any::<u8>(), 1..=4);
    let label = prop_oneof![
        4 => prop::sample::select(vec![b"a".to_vec(), b"A".to_vec(), b"b".to_vec(), b"_25".to_vec(), b"*".to_vec()]),
        1 => odd,
    ];
    prop::collection::vec(label, 0..6)
        .prop_map(|labels| labels.iter().fold(Name::root(), |name, label| name.prepend_label(label).unwrap()))
}

fn records() -> impl Strategy<Value = Record> {
    let rtype = prop_oneof![
        prop::sample::select(RecordType::KNOWN).prop_filter("not OPT", |rtype| *rtype != RecordType::OPT),
        any::<u16>().prop_map(RecordType).prop_filter("not OPT", |rtype| *rtype != RecordType::OPT),
    ];
    // No octets that a reader would take for a compression pointer, at any offset where a type has a name.
    let plain = || names().prop_filter("pointer", |name| name.wire().iter().all(|&octet| octet < 0xc0));
    let rdata = prop_oneof![
        prop::collection::vec(0u8..0xc0, 0..20),
        plain().prop_map(|name| name.wire().to_vec()),
        plain().prop_map(|name| [&[0, 10], name.wire()].concat()),
    ];
    (names(), rtype, 0..=i32::MAX as u32, rdata)
        .prop_map(|(name, rtype, ttl, rdata)| Record::new(name, rtype, ttl, rdata))
}

fn messages() -> impl Strategy<Value = Message> {
    let section = || prop::collection::vec(records(), 0..5);
    let edns = prop::option::of((any::<u16>(), any::<bool>(), prop::option::of(any::<u16>())));
    (any::<u16>(), any::<[bool; 6]>(), 0u8..16, names(), section(), section(), section(), edns).prop_map(
        |(id, bits, low, name, answer, authority, additional, edns)| {
            let [response, authoritative, recursion_desired, recursion_available, authentic_data, checking_disabled] =
                bits;
            Message {
                id,
                flags: Flags {
                    response,
                    opcode: low,
                    authoritative,
                    truncated: false,
                    recursion_desired,
                    recursion_available,
                    authentic_data,
                    checking_disabled,
                },
                rcode: Rcode(u16::from(low)),
                question: Some(Question { name, rtype: RecordType::MX, class: Class::IN }),
                answer,
                authority,
                additional,
                edns: edns.map(|(size, dnssec_ok, error)| Edns { extended_error: error, ..Edns::new(size, dnssec_ok) }),
            }
        },
    )
}

proptest! {
    #[test]
    fn a_name_survives_text_and_wire(name in names()) {
        let read: Name = name.to_string().parse().unwrap();
        prop_assert_eq!(read.wire(), name.wire());
        prop_assert_eq!(Name::parse_relative(&format!("{name}."), &Name::root()).ok().filter(|_| !name.is_root()),
            Some(name.clone()).filter(|name| !name.is_root()));
        let read = Name::from_wire(name.wire()).unwrap();
        prop_assert_eq!(read.wire(), name.wire());
        prop_assert_eq!(name.labels().count(), name.label_count());
    }

    #[test]
    fn names_are_ordered(left in names(), middle in names(), right in names()) {
        prop_assert_eq!(left.cmp(&right), right.cmp(&left).reverse());
        prop_assert_eq!(left == right, left.cmp(&right).is_eq());
        prop_assert_eq!(left.to_lowercase().cmp(&right), left.cmp(&right));
        if left <= middle && middle <= right {
            prop_assert!(left <= right);
            // Everything between a name and a name below it is below it too.
            prop_assert!(!right.is_subdomain_of(&left) || middle.is_subdomain_of(&left));
        }
        if left.is_strictly_below(&right) {
            prop_assert!(right < left);
        }
        let shared = left.common_ancestor(&right);
        prop_assert!(left.is_subdomain_of(&shared) && right.is_subdomain_of(&shared));
    }

    #[test]
    fn a_message_survives_the_wire(message in messages()) {
        let octets = message.encode(65_535);
        let read = Message::decode(&octets).unwrap();
        prop_assert_eq!(&read, &message);
        // Case included: the wire forms are the same.
        prop_assert_eq!(read.encode(65_535), octets);
    }

    #[test]
    fn a_message_that_is_cut_is_marked_and_whole(message in messages(), limit in 300usize..700) {
        let octets = message.encode(limit);
        let read = Message::decode(&octets).unwrap();
        prop_assert_eq!(read.edns, message.edns);
        let whole = (read.answer.len(), read.authority.len(), read.additional.len())
            == (message.answer.len(), message.authority.len(), message.additional.len());
        prop_assert_eq!(read.flags.truncated, !whole);
        prop_assert!(octets.len() <= limit);
        prop_assert!(message.answer.starts_with(&read.answer));
    }

    #[test]
    fn any_octets_are_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(message) = Message::decode(&octets) {
            let _ = message.encode(512);
            for record in message.answer.iter().chain(&message.additional) {
                let _ = record.to_string();
            }
        }
    }

    #[test]
    fn a_damaged_message_is_read_or_refused(message in messages(), flips in prop::collection::vec((any::<usize>(), any::<u8>()), 1..8)) {
        let mut octets = message.encode(65_535);
        for (place, value) in flips {
            let place = place % octets.len();
            octets[place] = value;
        }
        let _ = Message::decode(&octets).map(|message| validator::group(&message.answer));
        let net = Authority::new();
        net.set_zone(Zone::new(Name::root(), &[name("ns")], 300));
        let _ = net.answer(&octets, Transport::Udp, at(0));
    }

    #[test]
    fn record_data_is_read_or_refused(number in prop::sample::select(RecordType::KNOWN), octets in prop::collection::vec(any::<u8>(), 0..60)) {
        use mxlab_dns::rdata::*;
        let _ = to_text(number, &octets);
        fn round<T: Rdata>(octets: &[u8]) -> bool {
            T::parse(octets).is_ok_and(|view| &*view.to_rdata() != octets)
        }
        // Text that can be read is written back unchanged.
        prop_assert!(!round::<A>(&octets) && !round::<Mx>(&octets) && !round::<Txt>(&octets) && !round::<Tlsa>(&octets));
        prop_assert!(!round::<Ds>(&octets) && !round::<Dnskey>(&octets) && !round::<Soa>(&octets) && !round::<Srv>(&octets));
        prop_assert!(!round::<Caa>(&octets));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[ -~\n\t\"();{}\\\\@]{0,120}") {
        let mut echo = |reference: Reference<'_>| Ok(reference.text.to_owned());
        if let Err(errors) = zonefile::parse_with(&text, &name("contoso.example"), 300, &mut echo) {
            prop_assert!(!errors.is_empty());
            for error in errors {
                prop_assert!(text.get(error.span).is_some());
            }
        }
    }

    #[test]
    fn any_words_are_read_or_refused(words in prop::collection::vec(prop::sample::select(vec![
        "@", "a", "300", "IN", "A", "MX", "TXT", "TLSA", "SOA", "CAA", "\\#", "192.0.2.1", "\"", "(", ")", ";", "\n", " ", "10", "ff", "é", "{", "}", "\\",
    ]), 0..24)) {
        let text = words.join(" ");
        let mut echo = |reference: Reference<'_>| Ok(reference.text.to_owned());
        for error in zonefile::parse_with(&text, &name("contoso.example"), 300, &mut echo).err().into_iter().flatten() {
            prop_assert!(text.get(error.span).is_some());
        }
    }

    /// The text of a record is read back as the record.
    #[test]
    fn record_text_is_zone_text(record in records()) {
        let made_up = matches!(record.rtype, RecordType::RRSIG | RecordType::NSEC | RecordType::NSEC3 | RecordType::ANY);
        if !made_up && record.rtype.mnemonic().is_some() {
            let text = record.to_string();
            let read = zonefile::parse(&text, &Name::root(), 0).unwrap();
            prop_assert_eq!(read.len(), 1, "{}", text);
            prop_assert_eq!(&read[0].record, &record, "{}", text);
        }
    }

    #[test]
    fn a_rolling_zone_is_always_valid(seconds in 0i64..10_000_000) {
        let now = at(seconds);
        let (inception, expiration) = always().window(now);
        prop_assert!(inception <= now && now.as_second() + 7 * 86_400 <= expiration.as_second());
        // It does not depend on when it is asked within its period.
        prop_assert_eq!(always().window(inception), (inception, expiration));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever name is asked of a healthy signed zone, the answer is secure, and the same as the zone's own.
    #[test]
    fn everything_in_a_signed_zone_is_secure(labels in prop::collection::vec("[a-z_0-9*]{1,3}|mx1|ent|deep|_tcp|_25", 0..3),
                                            number in prop::sample::select(vec!["A", "MX", "TXT", "TLSA", "DS", "SOA", "DNSKEY", "NSEC3PARAM"])) {
        let net = Net::new();
        let owner = labels.iter().fold(name("contoso.example"), |name, label| name.prepend_label(label).unwrap());
        let answer = net.lookup(&owner.to_string(), number);
        prop_assert!(answer.security.is_secure(), "{} {}: {:?}", number, owner, answer.security);
    }

    /// If any octet of an answer is changed, the resolver still never takes anything for secure that the zone does not
    /// hold.
    #[test]
    fn a_changed_octet_is_never_believed(place in any::<prop::sample::Index>(), value in 1u8..) {
        let net = Net::new();
        let genuine = block_on(net.recursor.answer(&query("contoso.example", "MX"), Transport::Udp)).unwrap();
        let mut changed = genuine.clone();
        changed[place.index(genuine.len())] ^= value;
        let Ok(message) = Message::decode(&changed) else { return Ok(()) };
        let answer = net.tampered("contoso.example", "MX", move |answer| {
            if answer.question.as_ref().is_some_and(|question| question.rtype == RecordType::MX) {
                *answer = message.clone();
            }
        });
        if answer.security.is_secure() && !answer.records.is_empty() {
            let honest = net.lookup("contoso.example", "MX");
            let data = |answer: &Answer| { let mut data: Vec<_> = answer.records.iter().map(|record| record.rdata.clone()).collect(); data.sort(); data };
            prop_assert_eq!(&answer.canonical_name, &honest.canonical_name);
            // The canonical form is what is signed: letters of names may change case.
            let lower = |data: Vec<RawRdata>| -> Vec<Vec<u8>> { data.iter().map(|rdata| rdata.to_ascii_lowercase()).collect() };
            prop_assert_eq!(lower(data(&answer)), lower(data(&honest)));
        }
    }
}

/// Every NSEC of the signed zones with its signatures, as the zones themselves give them.
fn genuine_proofs(net: &Net) -> Vec<Vec<Record>> {
    let mut proofs = Vec::new();
    for (address, zone) in [
        ("192.0.2.1", "."),
        ("192.0.2.2", "example"),
        ("192.0.2.3", "contoso.example"),
        ("192.0.2.5", "sub.contoso.example"),
    ] {
        let authority = net.authority(address);
        let served = authority.zone(&name(zone)).unwrap();
        let mut owners: Vec<String> = served.zone().rrsets().map(|rrset| rrset.name.to_string()).collect();
        owners.dedup();
        for owner in owners {
            if let Reply::Bytes(octets) = authority.answer(&query(&owner, "NSEC"), Transport::Udp, at(0)) {
                let answer = Message::decode(&octets).unwrap().answer;
                proofs.extend(answer.iter().any(|record| record.rtype == RecordType::NSEC).then_some(answer));
            }
        }
    }
    proofs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// No choice of genuine proofs denies what exists, or denies the DS that makes a zone secure.
    #[test]
    fn what_exists_is_never_denied(
        (owner, kind) in prop::sample::select(vec![
            ("contoso.example", "MX"), ("contoso.example", "SOA"), ("contoso.example", "DNSKEY"), ("mx1.contoso.example", "A"),
            ("_25._tcp.mx1.contoso.example", "TLSA"), ("deep.ent.contoso.example", "A"), ("sub.contoso.example", "A"),
            ("www.contoso.example", "A"), ("www.contoso.example", "CNAME"), ("contoso.example", "DS"), ("example", "DS"),
            ("sub.contoso.example", "DS"),
        ]),
        nx_domain in any::<bool>(),
        chosen in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        all in prop::bool::weighted(0.2),
    ) {
        let net = Net::new();
        let proofs = genuine_proofs(&net);
        let chosen: Vec<Record> = match all {
            true => proofs.concat(),
            false => chosen.iter().flat_map(|index| proofs[index.index(proofs.len())].clone()).collect(),
        };
        let (denied, looked_up) = ((name(owner), kind.parse().unwrap()), if kind == "DS" { "SOA" } else { kind });
        let answer = net.tampered(owner, looked_up, move |message| {
            let question = message.question.clone().unwrap();
            if (question.name, question.rtype) == denied {
                message.rcode = if nx_domain { Rcode::NXDOMAIN } else { Rcode::NOERROR };
                message.answer.clear();
                message.authority = chosen.clone();
            }
        });
        prop_assert_eq!(answer.security.word(), "bogus", "{:?}", answer);
    }
}
