//! The same internet on the simulated network: UDP, latencies, loss, and servers that are down.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mxlab_dns::serve::{read_message, write_message};
use mxlab_dns::*;
use mxlab_record::{Journal, Recorder};
use mxlab_sim::{Config, Control, End, HostHandle, Sim};

use crate::net::{Spec, at, ip, name, query, rtype, socket, specs, zones};

const STUB: &str = "192.0.2.251";

/// The hosts of the internet: one for each server address, the recursive resolver, and the resolver's own.
struct Internet {
    sim: Sim,
    hosts: BTreeMap<&'static str, HostHandle>,
    authorities: BTreeMap<&'static str, Arc<Authority>>,
    resolver: Resolver,
    journal: Journal,
}

fn internet(seed: u64, specs: &[Spec]) -> Internet {
    let config = Config { seed, epoch: at(0), until: Duration::from_secs(3_600), ..Config::default() };
    let mut sim = Sim::new(config).unwrap();
    let mut hosts: BTreeMap<&'static str, HostHandle> = BTreeMap::new();
    let mut authorities: BTreeMap<&'static str, Arc<Authority>> = BTreeMap::new();
    for (spec, zone) in specs.iter().zip(zones(specs)) {
        for (server, address) in spec.servers {
            hosts.entry(address).or_insert_with(|| sim.add_host(server, [ip(address)]).unwrap());
            authorities.entry(address).or_default().set_zone(spec.serve(zone.clone()));
        }
    }
    for (&address, authority) in &authorities {
        let (env, authority) = (hosts[address].env(), authority.clone());
        hosts[address].env().spawn("dns", async move {
            serve(&env, socket(address), authority).await.unwrap();
        });
    }
    let root = &specs[0];
    let roots = root.servers.iter().map(|(server, address)| (name(server), vec![ip(address)])).collect();
    let recursor: SocketAddr = crate::net::RECURSOR.parse().unwrap();
    let host = sim.add_host("resolver", [recursor.ip()]).unwrap();
    let env = host.env();
    host.env().spawn("recursor", async move {
        Recursor::new(&env, &Recorder::nowhere(&env), RecursorConfig::new(roots)).serve(recursor).await.unwrap();
    });
    hosts.insert("recursor", host);
    let host = sim.add_host("sender", [ip(STUB)]).unwrap();
    let journal = Journal::new(100);
    let recorder = journal.recorder(&host.env(), "sender", 0);
    let anchor = TrustAnchor::root(vec![root.key().ds(&Name::root())]);
    let resolver = Resolver::new(&host.env(), &recorder, ResolverConfig::new(vec![recursor], anchor));
    hosts.insert("sender", host);
    Internet { sim, hosts, authorities, resolver, journal }
}

/// Runs the lookups one after the other; `[security word, reason, records]` of each, and how many packets it took.
fn run(
    seed: u64,
    prepare: impl FnOnce(&Control, &BTreeMap<&str, HostHandle>),
    lookups: &[(&str, &str)],
) -> (Vec<String>, u64, String) {
    let Internet { sim, hosts, resolver, journal, .. } = internet(seed, &specs());
    prepare(&sim.control(), &hosts);
    let outcome = sim.run(async move {
        let mut lines = Vec::new();
        for (owner, kind) in lookups {
            let answer = resolver.lookup(&name(owner), rtype(kind)).await;
            let reason = answer.security.reason().map_or("", |reason| reason.word());
            lines.push(format!("{} {reason} {}", answer.security.word(), answer.records.len()));
        }
        lines
    });
    assert_eq!(outcome.end, End::Finished, "{:?}", outcome.recent);
    (outcome.value.unwrap(), outcome.packets, format!("{} {}", outcome.packet_hash, journal.hash()))
}

const LOOKUPS: [(&str, &str); 5] = [
    ("contoso.example", "MX"),
    ("mx1.contoso.example", "A"),
    ("_25._tcp.mx1.contoso.example", "TLSA"),
    ("nothing.contoso.example", "A"),
    ("far.contoso.example", "A"),
];
const HEALTHY: [&str; 5] = ["secure  2", "secure  1", "secure  1", "secure  0", "insecure insecure-delegation 1"];

#[test]
fn the_same_seed_sends_the_same_packets_and_another_one_changes_no_verdict() {
    let nothing = |_: &Control, _: &BTreeMap<&str, HostHandle>| {};
    let (lines, packets, hash) = run(1, nothing, &LOOKUPS);
    assert_eq!(lines, HEALTHY);
    assert!(packets < 80, "{packets}");
    assert_eq!(run(1, nothing, &LOOKUPS).2, hash);
    let (lines, _, other) = run(2, nothing, &LOOKUPS);
    assert_eq!(lines, HEALTHY);
    assert_ne!(other, hash);
}

#[test]
fn lost_packets_are_sent_again() {
    for seed in 1..=5 {
        let lossy = |control: &Control, hosts: &BTreeMap<&str, HostHandle>| {
            control.impair(&hosts["192.0.2.2"], Duration::ZERO, 30);
        };
        let (lines, ..) = run(seed, lossy, &LOOKUPS[..1]);
        assert!(lines[0] == HEALTHY[0] || lines[0] == "servfail time-out 0", "{lines:?}");
    }
}

#[test]
fn servers_that_are_down() {
    for (down, expected) in [
        // The zone has a second server.
        (&["192.0.2.3"][..], "secure  2"),
        (&["192.0.2.3", "192.0.2.13"], "servfail time-out 0"),
        (&["192.0.2.1"], "servfail time-out 0"),
        (&["recursor"], "servfail time-out 0"),
    ] {
        let kill = |_: &Control, hosts: &BTreeMap<&str, HostHandle>| {
            for host in down {
                hosts[host].power_loss();
            }
        };
        let (lines, ..) = run(1, kill, &LOOKUPS[..1]);
        assert_eq!(lines, [expected], "{down:?} down");
    }
}

/// A connection without a query closes after ten seconds, and there are no more than a hundred at once.
#[test]
fn connections_are_bounded() {
    let Internet { sim, hosts, .. } = internet(1, &specs());
    let env = hosts["sender"].env();
    let outcome = sim.run(async move {
        let mut streams = Vec::new();
        let opened = env.now();
        for _ in 0..100 {
            streams.push(env.connect(socket("192.0.2.3")).await.unwrap());
        }
        let big = query("contoso.example", "MX");
        let mut asked = Vec::new();
        let mut further = env.connect(socket("192.0.2.3")).await.unwrap();
        asked.push(write_message(&mut further, &big).await.is_ok() && read_message(&mut further, 65_535).await.is_ok());
        write_message(&mut streams[0], &big).await.unwrap();
        asked.push(read_message(&mut streams[0], 65_535).await.is_ok());
        asked.push(read_message(&mut streams[1], 65_535).await.is_ok());
        let waited = env.now().as_second() - opened.as_second();
        let mut later = env.connect(socket("192.0.2.3")).await.unwrap();
        write_message(&mut later, &big).await.unwrap();
        asked.push(read_message(&mut later, 65_535).await.is_ok());
        (asked, (10..=11).contains(&waited))
    });
    assert_eq!(outcome.end, End::Finished, "{:?}", outcome.recent);
    assert_eq!(outcome.value.unwrap(), (vec![false, true, false, true], true));
}

/// Faults of whole answers, at both servers of a zone or at the first, and the results of a resolver that iterates.
#[test]
fn answers_that_are_none() {
    for (kind, both, first) in [
        (FaultKind::Answer(AnswerFault::Code(Rcode::SERVFAIL)), "servfail servfail", "secure "),
        (FaultKind::Answer(AnswerFault::Code(Rcode::REFUSED)), "servfail refused", "secure "),
        (FaultKind::Answer(AnswerFault::Timeout), "servfail time-out", "secure "),
        (FaultKind::Answer(AnswerFault::Lame), "servfail lame", "secure "),
        (FaultKind::Answer(AnswerFault::Truncated), "servfail truncated", "secure "),
        (FaultKind::Answer(AnswerFault::Malformed), "servfail malformed", "secure "),
        (FaultKind::Answer(AnswerFault::WrongId), "servfail time-out", "secure "),
        (FaultKind::Answer(AnswerFault::WrongQuestion), "servfail time-out", "secure "),
        (FaultKind::Answer(AnswerFault::NxDomain), "bogus denial-wrong", "secure "),
        (FaultKind::Answer(AnswerFault::AliasLoop), "servfail alias-loop", "servfail alias-loop"),
        (FaultKind::Answer(AnswerFault::Slow(Duration::from_millis(200))), "secure ", "secure "),
        (FaultKind::Answer(AnswerFault::Slow(Duration::from_secs(60))), "servfail time-out", "secure "),
    ] {
        for (servers, expected) in [(&["192.0.2.3", "192.0.2.13"][..], both), (&["192.0.2.3"], first)] {
            let Internet { sim, hosts, authorities, .. } = internet(1, &specs());
            for server in servers {
                authorities[server].begin_fault(Fault::new(kind, FaultScope::zone(name("contoso.example"))));
            }
            let specs = specs();
            let roots = vec![(name("a.root"), vec![ip("192.0.2.1")])];
            let anchor = TrustAnchor::root(vec![specs[0].key().ds(&Name::root())]);
            let env = hosts["sender"].env();
            let resolver = Resolver::new(&env, &Recorder::nowhere(&env), ResolverConfig::iterating(roots, anchor));
            let outcome = sim.run(async move {
                let answer = resolver.lookup(&name("mx1.contoso.example"), RecordType::A).await;
                let reason = answer.security.reason().map_or("", |reason| reason.word());
                format!("{} {reason}", answer.security.word())
            });
            assert_eq!(outcome.end, End::Finished, "{:?}", outcome.recent);
            assert_eq!(outcome.value.as_deref(), Some(expected), "{kind:?} at {servers:?}");
        }
    }
}
