//! What the network does to packets.

mod common;

use common::{at, echo, finished, ms, seconds, spawn_echo, world};
use mxlab_sim::{Bounds, Config, End, Fate, Link, PacketRecord, Protocol, Sim, SimError, TapVerdict};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

fn link(latency: u64, jitter: u64, loss_percent: u8) -> Link {
    Link { latency: ms(latency), jitter: ms(jitter), loss_percent }
}

/// The arrivals of each direction of each connection, in the order sent.
fn arrivals(log: &[PacketRecord], from: u8) -> Vec<Duration> {
    let from_host = log.iter().filter(|packet| packet.from.ip() == at(from, 0).ip());
    from_host.filter_map(|packet| if let Fate::Arrives(when) = packet.fate { Some(when) } else { None }).collect()
}

#[test]
fn order_is_kept_in_each_direction_under_jitter() {
    let (sim, [a, b]) = world(Config { packet_log: 10_000, ..Config::default() });
    sim.control().set_link(&a, &b, link(5, 200, 0));
    let server = b.env();
    b.env().spawn("reader", async move {
        let socket = server.bind(at(2, 53)).await.expect("a free port");
        let mut buffer = [0; 16];
        for expected in 0..200_u8 {
            let (length, from) = socket.recv_from(&mut buffer).await.expect("a datagram");
            assert_eq!(buffer[..length], [expected]);
            socket.send_to(&buffer[..length], from).await.expect("an answer");
        }
    });
    let client = a.env();
    let outcome = sim.run(async move {
        let socket = client.bind(at(1, 0)).await.expect("a port");
        for number in 0..200_u8 {
            socket.send_to(&[number], at(2, 53)).await.expect("sent");
            tokio::time::sleep(ms(1)).await;
        }
        let mut buffer = [0; 16];
        for expected in 0..200_u8 {
            let (length, _) = socket.recv_from(&mut buffer).await.expect("an answer");
            assert_eq!(buffer[..length], [expected]);
        }
    });
    let arrivals = arrivals(&outcome.log, 1);
    finished(outcome);
    assert!(arrivals.is_sorted());
    assert!(arrivals.windows(2).any(|pair| pair[0] == pair[1]), "jitter made none wait for another");
    assert!(arrivals.iter().all(|arrival| arrival.subsec_nanos() % 1_000_000 == 0), "not whole milliseconds");
}

#[test]
fn five_megabytes_pass_a_reader_that_stalls() {
    const LENGTH: usize = 5_000_000;
    let (sim, [a, b]) = world(Config::default());
    let written = Arc::new(AtomicUsize::new(0));
    let server = b.env();
    let seen = Arc::clone(&written);
    let (done, result) = tokio::sync::oneshot::channel();
    b.env().spawn("stalled reader", async move {
        let listener = server.listen(at(2, 25)).await.expect("a free address");
        let mut stream = listener.accept().await.expect("a connection");
        tokio::time::sleep(seconds(600)).await;
        let before_any_read = seen.load(Ordering::Relaxed);
        let mut received = Vec::new();
        // Small reads, and a second stall in the middle.
        let mut buffer = [0; 1000];
        loop {
            match stream.read(&mut buffer).await.expect("data") {
                0 => break,
                length => received.extend_from_slice(&buffer[..length]),
            }
            if received.len() == LENGTH / 2 {
                tokio::time::sleep(seconds(600)).await;
            }
        }
        let _ = done.send((before_any_read, received));
    });
    let client = a.env();
    let (before_any_read, received) = finished(sim.run(async move {
        tokio::time::sleep(ms(1)).await;
        let mut stream = client.connect(at(2, 25)).await.expect("connected");
        let content: Vec<u8> = (0..LENGTH).map(|index| (index % 251) as u8).collect();
        for chunk in content.chunks(10_000) {
            stream.write_all(chunk).await.expect("written");
            written.fetch_add(chunk.len(), Ordering::Relaxed);
        }
        stream.shutdown().await.expect("shut down");
        result.await.expect("a result")
    }));
    // A send buffer and a receive buffer, of 64 KiB each.
    assert!((60_000..=132_000).contains(&before_any_read), "{before_any_read} bytes were taken without a reader");
    assert_eq!(received.len(), LENGTH);
    assert!(received.iter().enumerate().all(|(index, &byte)| byte == (index % 251) as u8));
}

#[test]
fn a_closed_port_refuses_and_an_address_without_a_host_never_answers() {
    let (sim, [a, _b]) = world(Config::default());
    let control = sim.control();
    let client = a.env();
    finished(sim.run(async move {
        let refused = client.connect(at(2, 25)).await.map(|_| ()).expect_err("nobody listens");
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        assert!(control.elapsed() <= ms(100), "refused after {:?}", control.elapsed());
        let nowhere = timeout(seconds(120), client.connect(at(99, 25))).await;
        assert!(nowhere.is_err(), "an address without a host answered");
        let no_route = client.connect("[2001:db8::1]:25".parse().expect("an address")).await;
        assert_eq!(no_route.map(|_| ()).expect_err("it has no IPv6").kind(), ErrorKind::AddrNotAvailable);
    }));
}

#[test]
fn datagrams_over_1472_bytes_fail() {
    let (sim, [a, b]) = world(Config::default());
    let (client, server) = (a.env(), b.env());
    finished(sim.run(async move {
        let receiver = server.bind(at(2, 53)).await.expect("a port");
        let socket = client.bind(at(1, 0)).await.expect("a port");
        assert!((49_152..=65_535).contains(&socket.local_addr().port()));
        socket.send_to(&[0; 1472], at(2, 53)).await.expect("it fits");
        socket.send_to(&[0; 1473], at(2, 53)).await.expect_err("it does not fit");
        let mut buffer = [0; 2000];
        let (length, from) = receiver.recv_from(&mut buffer).await.expect("the datagram");
        assert_eq!((length, from), (1472, socket.local_addr()));
    }));
}

#[test]
fn a_hundred_hosts_talk() {
    let mut sim = Sim::new(Config::default()).expect("a runtime");
    let hosts: Vec<_> = (1..=100)
        .map(|number| sim.add_host(&format!("host{number}.test"), [at(number, 0).ip()]).expect("a new host"))
        .collect();
    let talks = Arc::new(AtomicUsize::new(0));
    for (index, host) in hosts.iter().enumerate() {
        let number = u8::try_from(index + 1).expect("a hundred");
        spawn_echo(&host.env(), at(number, 7));
        let (env, talks) = (host.env(), Arc::clone(&talks));
        host.env().spawn("talks to three", async move {
            tokio::time::sleep(ms(1)).await;
            for step in [1, 10, 37] {
                let peer = (number - 1 + step) % 100 + 1;
                let mut stream = env.connect(at(peer, 7)).await.expect("connected");
                assert_eq!(echo(&mut stream, "hello").await.expect("an echo"), "hello");
                talks.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let outcome = sim.run(async { tokio::time::sleep(seconds(10)).await });
    assert_eq!(outcome.end, End::Finished);
    assert_eq!(talks.load(Ordering::Relaxed), 300);
}

/// The virtual time of one echo on a new connection.
fn time_of_echo(prepare: impl FnOnce(&mxlab_sim::Control, &[mxlab_sim::HostHandle; 2]), config: Config) -> Duration {
    let (sim, hosts) = world(config);
    let control = sim.control();
    prepare(&control, &hosts);
    let [a, b] = hosts;
    spawn_echo(&b.env(), at(2, 7));
    let client = a.env();
    finished(sim.run(async move {
        tokio::time::sleep(ms(1)).await;
        let mut stream = client.connect(at(2, 7)).await.expect("connected");
        let before = control.elapsed();
        assert_eq!(echo(&mut stream, "ping").await.expect("an echo"), "ping");
        control.elapsed() - before
    }))
}

#[test]
fn links_take_the_time_they_are_given() {
    let set = |latency| {
        move |control: &mxlab_sim::Control, [a, b]: &[mxlab_sim::HostHandle; 2]| {
            control.set_link(a, b, link(latency, 0, 0));
        }
    };
    assert_eq!(time_of_echo(set(0), Config::default()), ms(0));
    assert_eq!(time_of_echo(set(1), Config::default()), ms(2));
    assert_eq!(time_of_echo(set(250), Config::default()), ms(500));
    let slow = time_of_echo(
        |control, [a, b]| {
            control.set_link(a, b, link(10, 0, 0));
            control.impair(b, seconds(3), 0);
        },
        Config::default(),
    );
    assert_eq!(slow, ms(6020));
    // A link that nobody set takes ticks alone, however many.
    for (seed, ticks) in (0..20).zip([0..=0, 5_000..=50_000, 0..=u64::MAX, u64::MAX..=u64::MAX].into_iter().cycle()) {
        assert_eq!(time_of_echo(|_, _| {}, Config { seed, wire_ticks: ticks, ..Config::default() }), ms(0));
    }
}

/// The first packet between two hosts that are there, with others: its ticks, and those of the answer.
fn first_ticks(seed: u64, names: &[&str]) -> Vec<u64> {
    let mut sim = Sim::new(Config { seed, packet_log: 10, ..Config::default() }).expect("a runtime");
    let mut hosts = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let address = at(u8::try_from(number).expect("few hosts"), 0).ip();
        hosts.push(sim.add_host(name, [address]).expect("a new host"));
    }
    let find = |name| hosts.iter().find(|host| host.name() == name).expect("it is there");
    let server = SocketAddr::new(find("mx.test").addresses()[0], 7);
    spawn_echo(&find("mx.test").env(), server);
    let client = find("client.test").env();
    let outcome = sim.run(async move {
        tokio::time::sleep(ms(1)).await;
        client.connect(server).await.expect("connected");
    });
    outcome.log.iter().map(|packet| packet.ticks).collect()
}

#[test]
fn a_host_added_elsewhere_changes_no_other_link() {
    let two = first_ticks(1, &["mx.test", "client.test"]);
    assert_eq!(first_ticks(1, &["client.test", "other.test", "mx.test"]), two);
    // The SYN leaves at once, its answer when it has arrived.
    assert_eq!(two[0], 0);
    assert!((5_000..=50_000).contains(&two[1]), "{two:?}");
    assert_ne!(first_ticks(2, &["mx.test", "client.test"]), two);
}

#[test]
fn lost_segments_arrive_late_and_in_order_and_lost_datagrams_never() {
    let (sim, [a, b]) = world(Config { packet_log: 10_000, seed: 3, ..Config::default() });
    sim.control().set_link(&a, &b, link(10, 0, 30));
    spawn_echo(&b.env(), at(2, 7));
    let server = b.env();
    let received = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&received);
    b.env().spawn("datagrams", async move {
        let socket = server.bind(at(2, 53)).await.expect("a port");
        let mut buffer = [0; 1];
        while socket.recv_from(&mut buffer).await.is_ok() {
            log.lock().expect("no panic").push(buffer[0]);
        }
    });
    let client = a.env();
    let outcome = sim.run(async move {
        tokio::time::sleep(ms(1)).await;
        let socket = client.bind(at(1, 0)).await.expect("a port");
        for number in 0..100 {
            socket.send_to(&[number], at(2, 53)).await.expect("sent");
        }
        let mut stream = client.connect(at(2, 7)).await.expect("connected");
        for round in 0..50 {
            let text = format!("line {round} of a long conversation");
            assert_eq!(echo(&mut stream, &text).await.expect("an echo"), text);
        }
    });
    let elapsed = outcome.elapsed;
    finished(outcome);
    let received = received.lock().expect("no panic");
    assert!((50..90).contains(&received.len()), "{} of 100 datagrams arrived", received.len());
    assert!(received.is_sorted());
    assert!(elapsed > seconds(10), "the losses cost {elapsed:?}");
}

#[test]
fn a_partition_holds_segments_until_the_next_back_off_after_it_heals() {
    let (sim, [a, b]) = world(Config::default());
    let control = sim.control();
    control.set_link(&a, &b, link(10, 0, 0));
    spawn_echo(&b.env(), at(2, 7));
    let client = a.env();
    finished(sim.run(async move {
        tokio::time::sleep(ms(1)).await;
        let mut stream = client.connect(at(2, 7)).await.expect("connected");
        control.partition(&a, &b);
        let before = control.elapsed();
        let healing = control.clone();
        let (left, right) = (a.clone(), b.clone());
        client.spawn("heals", async move {
            tokio::time::sleep(seconds(5)).await;
            healing.heal(&left, &right);
        });
        stream.write_all(b"one").await.expect("buffered");
        tokio::time::sleep(seconds(1)).await;
        assert_eq!(echo(&mut stream, "two").await.expect("data"), "one");
        // Retransmitted in vain after 1 s and 3 s, then successfully after 7 s; the round trip takes 20 ms.
        assert_eq!(control.elapsed() - before, ms(7020));
        // Afterwards the connection is as before.
        let mut rest = [0; 3];
        stream.read_exact(&mut rest).await.expect("data");
        let before = control.elapsed();
        assert_eq!(echo(&mut stream, "three").await.expect("an echo"), "three");
        assert_eq!(control.elapsed() - before, ms(20));
    }));
}

#[test]
fn a_connect_that_was_given_up_during_a_partition_is_not_completed_later() {
    let (sim, [a, b]) = world(Config::default());
    let control = sim.control();
    let accepted = Arc::new(AtomicUsize::new(0));
    let (server, count) = (b.env(), Arc::clone(&accepted));
    b.env().spawn("server", async move {
        let listener = server.listen(at(2, 25)).await.expect("a free address");
        while listener.accept().await.is_ok() {
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let client = a.env();
    finished(sim.run(async move {
        control.isolate(&b);
        assert!(timeout(seconds(30), client.connect(at(2, 25))).await.is_err());
        control.rejoin(&b);
        tokio::time::sleep(seconds(120)).await;
        assert_eq!(accepted.load(Ordering::Relaxed), 0);
        client.connect(at(2, 25)).await.map(|_| ()).expect("connected");
        // A connection that is not abandoned is completed.
        control.isolate(&b);
        let waiting = timeout(seconds(30), client.connect(at(2, 25)));
        let heal = async {
            tokio::time::sleep(seconds(2)).await;
            control.rejoin(&b);
        };
        let (connected, ()) = tokio::join!(biased; waiting, heal);
        connected.expect("in time").map(|_| ()).expect("connected");
        tokio::time::sleep(seconds(1)).await;
        assert_eq!(accepted.load(Ordering::Relaxed), 2);
    }));
}

#[test]
fn nothing_answers_from_a_blackhole() {
    let (sim, [a, b]) = world(Config::default());
    let control = sim.control();
    spawn_echo(&b.env(), at(2, 7));
    let client = a.env();
    finished(sim.run(async move {
        control.blackhole(at(2, 0).ip());
        assert!(timeout(seconds(60), client.connect(at(2, 7))).await.is_err());
        control.unblackhole(at(2, 0).ip());
        let mut stream = client.connect(at(2, 7)).await.expect("connected");
        assert_eq!(echo(&mut stream, "back").await.expect("an echo"), "back");
    }));
}

#[test]
fn a_tap_sees_alters_and_drops() {
    let (sim, [a, b]) = world(Config { packet_log: 100, ..Config::default() });
    let control = sim.control();
    control.tap(|packet: &PacketRecord| match packet.payload.as_slice() {
        b"drop me" => TapVerdict::Drop,
        b"STARTTLS" => TapVerdict::Payload(b"XXXXXXXX".to_vec()),
        _ => TapVerdict::Pass,
    });
    spawn_echo(&b.env(), at(2, 7));
    let (client, server) = (a.env(), b.env());
    let outcome = sim.run(async move {
        let receiver = server.bind(at(2, 53)).await.expect("a port");
        let socket = client.bind(at(1, 0)).await.expect("a port");
        socket.send_to(b"drop me", at(2, 53)).await.expect("sent");
        socket.send_to(b"kept", at(2, 53)).await.expect("sent");
        let mut buffer = [0; 100];
        let (length, _) = receiver.recv_from(&mut buffer).await.expect("a datagram");
        assert_eq!(&buffer[..length], b"kept");
        let mut stream = client.connect(at(2, 7)).await.expect("connected");
        assert_eq!(echo(&mut stream, "STARTTLS").await.expect("an echo"), "XXXXXXXX");
    });
    let fates: Vec<_> = outcome.log.iter().filter(|packet| packet.protocol == Protocol::Udp).map(|p| p.fate).collect();
    finished(outcome);
    assert!(matches!(fates[..], [Fate::Lost, Fate::Arrives(_)]), "{fates:?}");
}

#[test]
fn too_many_packets_hit_the_bound() {
    let bounds = Bounds { packets: 500, ..Bounds::default() };
    let (sim, [a, b]) = world(Config { bounds, ..Config::default() });
    for (host, mine, other) in [(&a, at(1, 53), at(2, 53)), (&b, at(2, 53), at(1, 53))] {
        let env = host.env();
        host.env().spawn("answers answers", async move {
            let socket = env.bind(mine).await.expect("a port");
            let mut buffer = [0; 100];
            loop {
                socket.send_to(b"?", other).await.expect("sent");
                let _ = socket.recv_from(&mut buffer).await;
            }
        });
    }
    let outcome = sim.run(std::future::pending::<()>());
    assert_eq!(outcome.end, End::Bound { which: "packets", limit: 500 });
    assert!((500..510).contains(&outcome.packets));
}

#[test]
fn one_host_may_have_many_addresses_and_listens_at_each() {
    let mut sim = Sim::new(Config::default()).expect("a runtime");
    let many: Vec<_> = (1..=20).map(|number| at(number, 0).ip()).collect();
    let server = sim.add_host("servers.test", many).expect("a new host");
    let client = sim.add_host("client.test", [at(100, 0).ip()]).expect("a new host");
    for number in 1..=20 {
        spawn_echo(&server.env(), at(number, 7));
    }
    let env = client.env();
    finished(sim.run(async move {
        tokio::time::sleep(ms(1)).await;
        for number in 1..=20 {
            let mut stream = env.connect(at(number, 7)).await.expect("connected");
            assert_eq!((stream.peer_addr(), stream.local_addr().ip()), (at(number, 7), at(100, 0).ip()));
            assert_eq!(echo(&mut stream, "hello").await.expect("an echo"), "hello");
        }
    }));
}

#[test]
fn a_host_reaches_itself() {
    let (sim, [a]) = world(Config::default());
    spawn_echo(&a.env(), at(1, 7));
    spawn_echo(&a.env(), "127.0.0.1:7".parse().expect("an address"));
    let env = a.env();
    let outcome = sim.run(async move {
        tokio::time::sleep(ms(1)).await;
        for to in [at(1, 7), "127.0.0.1:7".parse().expect("an address")] {
            let mut stream = env.connect(to).await.expect("connected");
            assert_eq!(echo(&mut stream, "me").await.expect("an echo"), "me");
        }
    });
    assert_eq!(outcome.packets, 0, "what stays on a host is not on the wire");
    finished(outcome);
}

#[test]
fn names_and_addresses_of_hosts_are_their_own() {
    let mut sim = Sim::new(Config::default()).expect("a runtime");
    sim.add_host("a.test", [at(1, 0).ip()]).expect("a new host");
    let name = sim.add_host("a.test", [at(2, 0).ip()]).expect_err("the name is taken");
    assert!(matches!(name, SimError::NameTaken(_)));
    let address = sim.add_host("b.test", [at(1, 0).ip()]).expect_err("the address is taken");
    assert_eq!(address.to_string(), "192.0.2.1 belongs to a.test already");
    let twice = sim.add_host("c.test", [at(3, 0).ip(), at(3, 0).ip()]).expect_err("twice the same");
    assert_eq!(twice.to_string(), "192.0.2.3 belongs to c.test already");
    let loopback = sim.add_host("d.test", ["127.0.0.1".parse().expect("an address")]).expect_err("loopback");
    assert_eq!(loopback.to_string(), "127.0.0.1 cannot be a host's address");
}

#[test]
fn a_capture_of_a_flow_that_was_held_has_no_holes() {
    let (sim, [a, b]) = world(Config { packet_log: 10_000, capture: true, ..Config::default() });
    let control = sim.control();
    spawn_echo(&b.env(), at(2, 7));
    let client = a.env();
    let outcome = sim.run(async move {
        tokio::time::sleep(ms(1)).await;
        let mut stream = client.connect(at(2, 7)).await.expect("connected");
        control.partition(&a, &b);
        for word in ["one ", "two ", "three"] {
            stream.write_all(word.as_bytes()).await.expect("buffered");
            tokio::time::sleep(seconds(1)).await;
        }
        control.heal(&a, &b);
        let mut buffer = [0; 13];
        stream.read_exact(&mut buffer).await.expect("an echo");
        assert_eq!(&buffer, b"one two three");
    });
    let log = outcome.log.clone();
    let packets = outcome.packets;
    finished(outcome);
    assert_eq!(log.len() as u64, packets, "each packet that was sent is in the log");
    assert!(log.is_sorted_by_key(|packet| (packet.at, packet.ticks)));
    // What arrived at the server, in order of sending, is what was said.
    let arrived = log.iter().filter(|packet| packet.to == at(2, 7) && matches!(packet.fate, Fate::Arrives(_)));
    let said: Vec<u8> = arrived.flat_map(|packet| packet.payload.clone()).collect();
    assert_eq!(said, b"one two three");
    let held = log.iter().filter(|packet| packet.fate == Fate::Held && packet.length > 0).count();
    assert_eq!(held, 3);
}
