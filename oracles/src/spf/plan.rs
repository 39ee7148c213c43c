//! Random small internets of senders: records that point at each other, with macros, limits, mistakes, and silent servers.

use std::collections::BTreeMap;
use std::net::IpAddr;

use mxlab_auth::{Data, RecordKind};
use proptest::prelude::*;
use proptest::sample::select;

use super::world::{Case, Entry};

/// Domains that publish records.
const DOMAINS: [&str; 6] = ["a.test", "b.test", "c.test", "d.test", "x.a.test", "e.test"];
/// Hosts with addresses, and names between them.
const HOSTS: [&str; 6] = ["h.test", "i.test", "mail.a.test", "mail.b.test", "1.x.test", "none.test"];
const ADDRESSES: [&str; 6] =
    ["192.0.2.1", "192.0.2.2", "198.51.100.7", "2001:db8::1", "2001:db8::cb01", "::ffff:192.0.2.1"];
const LOCAL_PARTS: [&str; 6] = ["ann", "ann.lee-b", "", "a+b=c_d/e,f", "x", "~ann&bo%"];
const HELOS: [&str; 6] = ["h.test", "mail.a.test", "localhost", "[192.0.2.1]", "mail.B.test", "a..b"];

/// Any case.
pub fn cases() -> impl Strategy<Value = Case> {
    let records = prop::collection::vec(prop::option::weighted(0.85, record()), DOMAINS.len());
    let second = prop::option::weighted(0.1, (select(DOMAINS.to_vec()), record()));
    let more = prop::collection::vec(entry(), 0..14);
    let helo = (select(HELOS.to_vec()), record());
    (select(ADDRESSES.to_vec()), sender(), helo, records, second, explanation(), more).prop_map(
        |(ip, sender, (helo, of_helo), records, second, why, more)| {
            let ip: IpAddr = ip.parse().expect("it is an address");
            let mut zone = BTreeMap::<String, Vec<Entry>>::new();
            let published = DOMAINS.into_iter().zip(records).filter_map(|(name, text)| Some((name, text?)));
            let of_helo = sender.is_empty().then_some((helo, of_helo));
            for (name, text) in published.chain(of_helo).chain(second) {
                let entry = Entry::Data(Data::Txt(text.into_bytes()));
                zone.entry(name.to_ascii_lowercase()).or_default().push(entry);
            }
            zone.entry("why.test".to_owned()).or_default().push(Entry::Data(Data::Txt(why.into_bytes())));
            for (name, entry) in more {
                let name = if name == "PTR" { reverse(ip) } else { name };
                zone.entry(name).or_default().push(entry);
            }
            Case { ip, sender, helo: helo.to_owned(), zone }
        },
    )
}

/// The name at which the names of an address are looked up.
pub fn reverse(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(ip) => {
            let digits = format!("{:032x}", u128::from(ip));
            digits.chars().rev().map(|digit| format!("{digit}.")).collect::<String>() + "ip6.arpa"
        }
    }
}

fn sender() -> impl Strategy<Value = String> {
    let of_domain = (select(LOCAL_PARTS.to_vec()), select(DOMAINS.to_vec()));
    prop_oneof![
        20 => of_domain.prop_map(|(local_part, domain)| format!("{local_part}@{domain}")),
        1 => Just(String::new()),
        1 => Just("ann@A.Test".to_owned()),
    ]
}

/// A name and something at it; `PTR` stands for the client's reverse name.
fn entry() -> impl Strategy<Value = (String, Entry)> {
    let owner = prop_oneof![
        6 => select(HOSTS.to_vec()).prop_map(str::to_owned),
        3 => select(DOMAINS.to_vec()).prop_map(str::to_owned),
        1 => select(vec!["ann.a.test", "1.2.0.192.a.test", "1.2.0.192.in-addr.a.test", "ann.lee.b.test", "unknown.h.test"])
            .prop_map(str::to_owned),
    ];
    let host = || select([HOSTS.as_slice(), &DOMAINS].concat()).prop_map(str::to_owned);
    let address =
        select(ADDRESSES.to_vec()).prop_map(|ip| match ip.parse::<IpAddr>().expect("it is one").to_canonical() {
            IpAddr::V4(ip) => Data::A(ip),
            IpAddr::V6(ip) => Data::Aaaa(ip),
        });
    let mx = (0u16..3, prop_oneof![9 => host(), 1 => Just(String::new())])
        .prop_map(|(preference, exchange)| Data::Mx { preference, exchange });
    let text = explanation().prop_map(|text| Data::Txt(text.into_bytes()));
    let kinds = vec![RecordKind::A, RecordKind::Aaaa, RecordKind::Mx, RecordKind::Txt, RecordKind::Ptr];
    prop_oneof![
        10 => (owner.clone(), address).prop_map(|(name, data)| (name, Entry::Data(data))),
        4 => (owner.clone(), mx).prop_map(|(name, data)| (name, Entry::Data(data))),
        2 => (owner.clone(), text).prop_map(|(name, data)| (name, Entry::Data(data))),
        4 => host().prop_map(|name| ("PTR".to_owned(), Entry::Data(Data::Ptr(name)))),
        1 => (owner, select(kinds)).prop_map(|(name, kind)| (name, Entry::Timeout(kind))),
    ]
}

/// The text of an explanation: mostly macros.
fn explanation() -> impl Strategy<Value = String> {
    let letter = select(vec!["s", "l", "o", "d", "i", "p", "v", "h", "c", "r", "t", "S", "L", "D", "H", "I"]);
    let digits = prop_oneof![3 => Just(""), 2 => select(vec!["1", "2", "3", "9"])];
    let delimiters = prop_oneof![4 => Just(""), 2 => select(vec!["-", ".", ".-", "+_", "/", "=,"])];
    let macros = (letter, digits, select(vec!["", "", "r"]), delimiters)
        .prop_map(|(letter, digits, reverse, delimiters)| format!("%{{{letter}{digits}{reverse}{delimiters}}}"));
    let literal = prop_oneof![
        20 => select(vec!["", " ", ".", "See http://x.test/?", "no mail", "%%", "%_", "%-"]),
        1 => select(vec!["%", "100% ", "%{x}", "%{d-r}", "%{d0}", "\t", "\u{fc}", "%{d"]),
    ];
    prop::collection::vec((literal, macros), 0..4)
        .prop_map(|pieces| pieces.into_iter().map(|(literal, macros)| literal.to_owned() + &macros).collect())
}

/// The text of a record, or of what only looks like one.
fn record() -> impl Strategy<Value = String> {
    let version = prop_oneof![
        60 => Just("v=spf1"),
        1 => Just("V=SPF1"),
        1 => Just("v=spf10"),
        1 => Just("v=spf1\t"),
    ];
    let space = prop_oneof![20 => Just(" "), 1 => Just("  ")];
    let body = prop::collection::vec((space, term()), 0..7);
    (
        version,
        body,
        prop::option::weighted(
            0.5,
            select(vec![" -all", " ~all", " ?all", " all", " -all ", " -all exp=why.test", " exp=why.test -all"]),
        ),
    )
        .prop_map(|(version, terms, end)| {
            let mut text = version.to_owned();
            for (space, term) in terms {
                text.push_str(space);
                text.push_str(&term);
            }
            text + end.unwrap_or_default()
        })
}

/// A term: mostly right.
fn term() -> impl Strategy<Value = String> {
    let qualifier = prop_oneof![4 => Just(""), 1 => Just("+"), 2 => Just("-"), 1 => Just("~"), 1 => Just("?")];
    let cidr = prop_oneof![
        30 => Just(""),
        12 => select(vec!["/24", "/32", "/0", "//64", "//0", "/24//64", "//128", "/30//127"]),
        1 => select(vec!["/33", "//129", "/024", "/", "/24/64", "//", "/x"]),
    ];
    let named = (select(vec!["a", "mx"]), prop::option::of(domain()), cidr).prop_map(|(name, domain, cidr)| {
        let domain = domain.map_or_else(String::new, |domain| format!(":{domain}"));
        format!("{name}{domain}{cidr}")
    });
    let published = || prop_oneof![5 => select(DOMAINS.to_vec()).prop_map(str::to_owned), 1 => domain()];
    let include = published().prop_map(|domain| format!("include:{domain}"));
    let exists = domain().prop_map(|domain| format!("exists:{domain}"));
    let ptr = prop::option::of(domain()).prop_map(|domain| match domain {
        Some(domain) => format!("ptr:{domain}"),
        None => "ptr".to_owned(),
    });
    let network = select(vec![
        "ip4:192.0.2.1",
        "ip4:192.0.2.0/24",
        "ip4:192.0.2.2/31",
        "ip4:0.0.0.0/0",
        "ip6:2001:db8::/64",
        "ip6:2001:db8::cb01",
        "ip6:::ffff:192.0.2.1",
        "ip6:::/0",
        "IP4:198.51.100.7",
    ])
    .prop_map(str::to_owned);
    let odd = select(vec![
        "moo",
        "all.",
        "all:x",
        "all/8",
        "ip4",
        "ip4:192.0.2",
        "ip4:192.0.2.01",
        "ip4:192.0.2.1/33",
        "ip4:192.0.2.1//24",
        "ip4:192.0.2.1:25",
        "ip6:2001:db8::/129",
        "ip6:192.0.2.1",
        "ip6:1::2::3",
        "include",
        "exists",
        "ptr/24",
        "ptr:",
        "redirect:b.test",
        "a:192.0.2.1",
        "--all",
        "a,",
        "a=b",
        "1x=y",
        "=y",
        "x=%{c}",
        "x=%",
        "x=%{d",
    ])
    .prop_map(str::to_owned);
    let modifier = prop_oneof![
        4 => published().prop_map(|domain| format!("redirect={domain}")),
        4 => prop_oneof![6 => Just("why.test".to_owned()), 1 => domain()].prop_map(|domain| format!("exp={domain}")),
        1 => Just("x-y.z=%{d}:/".to_owned()),
    ];
    let directive = prop_oneof![5 => named, 5 => include, 2 => exists, 2 => ptr, 4 => network];
    prop_oneof![
        60 => (qualifier.clone(), directive).prop_map(|(qualifier, mechanism)| format!("{qualifier}{mechanism}")),
        1 => (qualifier, odd).prop_map(|(qualifier, odd)| format!("{qualifier}{odd}")),
        3 => modifier,
    ]
}

/// A domain-spec: a name, one with macros, or a wrong one.
fn domain() -> impl Strategy<Value = String> {
    let name = select([DOMAINS.as_slice(), &HOSTS].concat()).prop_map(str::to_owned);
    let letter = select(vec!["s", "l", "o", "d", "i", "p", "v", "h", "D", "L", "S"]);
    let digits = prop_oneof![20 => Just(""), 10 => select(vec!["1", "2", "3", "9"]), 1 => Just("0")];
    let macros = (
        letter,
        digits,
        select(vec!["", "", "r"]),
        prop_oneof![5 => Just(""), 1 => select(vec!["-", ".", ".-", "+", "/"])],
    )
        .prop_map(|(letter, digits, reverse, delimiters)| format!("%{{{letter}{digits}{reverse}{delimiters}}}"));
    let literal = prop_oneof![
        6 => Just("."),
        1 => select(vec!["%%.", "%_", "%-", "x", ".x.", "..", "_spf."]),
    ];
    let with_macros =
        (prop::collection::vec((macros, literal), 1..3), prop_oneof![name.clone(), Just("%{d}".to_owned())]).prop_map(
            |(pieces, end)| {
                let pieces: String = pieces.into_iter().map(|(piece, literal)| piece + literal).collect();
                pieces + &end
            },
        );
    let odd = select(vec![
        "museum",
        "a.test.",
        "%{h}",
        "%{o}",
        "%{d2}",
        "a.123",
        "a.-b",
        "%{c}.test",
        "%x.test",
        "%{d",
        "",
        "A.TEST",
    ])
    .prop_map(str::to_owned);
    prop_oneof![50 => name, 12 => with_macros, 1 => odd]
}
