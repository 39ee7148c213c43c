//! Laws that hold whatever the network does.

mod common;

use common::{at, echo, finished, ms, seconds, spawn_echo, world};
use mxlab_sim::{Bounds, Config, HostHandle, Link};
use proptest::prelude::*;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Something that happens to the path between two hosts.
#[derive(Clone, Debug)]
enum Weather {
    Link { latency: u64, jitter: u64, loss_percent: u8 },
    Impair { delay: u64, loss_percent: u8 },
    Partition,
    Heal,
    Isolate,
    Rejoin,
}

fn weather() -> impl Strategy<Value = Weather> {
    prop_oneof![
        (0..200_u64, 0..300_u64, 0..60_u8).prop_map(|(latency, jitter, loss_percent)| Weather::Link {
            latency,
            jitter,
            loss_percent
        }),
        (0..500_u64, 0..60_u8).prop_map(|(delay, loss_percent)| Weather::Impair { delay, loss_percent }),
        Just(Weather::Partition),
        Just(Weather::Heal),
        Just(Weather::Isolate),
        Just(Weather::Rejoin),
    ]
}

fn change(control: &mxlab_sim::Control, a: &HostHandle, b: &HostHandle, weather: &Weather) {
    match *weather {
        Weather::Link { latency, jitter, loss_percent } => {
            control.set_link(a, b, Link { latency: ms(latency), jitter: ms(jitter), loss_percent });
        }
        Weather::Impair { delay, loss_percent } => control.impair(b, ms(delay), loss_percent),
        Weather::Partition => control.partition(a, b),
        Weather::Heal => control.heal(a, b),
        Weather::Isolate => control.isolate(a),
        Weather::Rejoin => control.rejoin(a),
    }
}

/// Sends both ways on one connection through changing weather; what each end received, and the packet hash.
fn transfer(seed: u64, chunks: &[(u64, usize)], changes: &[(u64, Weather)]) -> ((Vec<u8>, Vec<u8>), String) {
    let bounds = Bounds::default();
    let (sim, [a, b]) = world(Config { seed, bounds, until: Duration::from_secs(30 * 24 * 3600), ..Config::default() });
    let control = sim.control();
    let server = b.env();
    let (tell, told) = tokio::sync::oneshot::channel();
    b.env().spawn("server", async move {
        let listener = server.listen(at(2, 25)).await.expect("a free address");
        let mut stream = listener.accept().await.expect("a connection");
        let mut received = Vec::new();
        let mut buffer = vec![0; 3000];
        loop {
            let length = stream.read(&mut buffer).await.expect("data");
            received.extend_from_slice(&buffer[..length]);
            stream.write_all(&buffer[..length]).await.expect("written");
            if length == 0 {
                break;
            }
        }
        stream.shutdown().await.expect("shut down");
        let _ = tell.send(received);
    });
    let (changes, storm) = (changes.to_vec(), control.clone());
    let (left, right) = (a.clone(), b.clone());
    b.env().spawn("weather", async move {
        for (after, weather) in changes {
            tokio::time::sleep(ms(after)).await;
            change(&storm, &left, &right, &weather);
        }
        // In the end all paths work, else the transfer never ends.
        for weather in [Weather::Heal, Weather::Rejoin] {
            change(&storm, &left, &right, &weather);
        }
    });
    let (client, chunks) = (a.env(), chunks.to_vec());
    let outcome = sim.run(async move {
        tokio::time::sleep(ms(1)).await;
        let stream = client.connect(at(2, 25)).await.expect("connected");
        let (mut reader, mut writer) = tokio::io::split(stream);
        let writing = async move {
            for (after, length) in chunks {
                tokio::time::sleep(ms(after)).await;
                writer.write_all(&pattern(length)).await.expect("written");
            }
            writer.shutdown().await.expect("shut down");
        };
        let reading = async move {
            let mut echoed = Vec::new();
            reader.read_to_end(&mut echoed).await.expect("data");
            echoed
        };
        let ((), echoed) = tokio::join!(biased; writing, reading);
        tokio::time::sleep(seconds(1)).await;
        (echoed, told.await.expect("the server has finished"))
    });
    let hash = outcome.packet_hash.clone();
    (finished(outcome), hash)
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index % 253) as u8).collect()
}

/// Something that happens to a host.
#[derive(Clone, Copy, Debug)]
enum Fall {
    Kill,
    PowerLoss,
    /// A restart without a crash before it.
    Restart,
}

/// A client talks to a server that crashes and restarts; afterwards both talk again, at the same address.
fn survive(seed: u64, falls: &[(u64, Fall, u64)]) -> String {
    let (sim, [a, b]) = world(Config { seed, ..Config::default() });
    spawn_echo(&b.env(), at(2, 7));
    for number in 0..3 {
        let client = a.env();
        a.env().spawn(format!("client {number}"), async move {
            loop {
                let session = async {
                    let mut stream = client.connect(at(2, 7)).await?;
                    loop {
                        echo(&mut stream, &"hello".repeat(number * 3000 + 1)).await?;
                        tokio::time::sleep(seconds(1)).await;
                    }
                };
                let _: Result<std::io::Result<()>, _> = tokio::time::timeout(seconds(20), session).await;
                tokio::time::sleep(ms(500)).await;
            }
        });
    }
    let falls = falls.to_vec();
    let client = a.env();
    let outcome = sim.run(async move {
        for (after, fall, down) in falls {
            tokio::time::sleep(ms(after)).await;
            match fall {
                Fall::Kill => b.kill(),
                Fall::PowerLoss => b.power_loss(),
                Fall::Restart => {}
            }
            tokio::time::sleep(ms(down)).await;
            spawn_echo(&b.restart(), at(2, 7));
        }
        tokio::time::sleep(seconds(90)).await;
        let mut stream = client.connect(at(2, 7)).await.expect("connected");
        assert_eq!(echo(&mut stream, "still here").await.expect("an echo"), "still here");
    });
    let hash = outcome.packet_hash.clone();
    finished(outcome);
    hash
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tcp_carries_every_byte_in_order_through_any_weather(
        seed in any::<u64>(),
        chunks in prop::collection::vec((0..3000_u64, 1..60_000_usize), 1..6),
        changes in prop::collection::vec((0..4000_u64, weather()), 0..12),
    ) {
        let sent: Vec<u8> = chunks.iter().flat_map(|&(_, length)| pattern(length)).collect();
        let ((echoed, received), hash) = transfer(seed, &chunks, &changes);
        prop_assert!(received == sent, "{} of {} bytes arrived", received.len(), sent.len());
        prop_assert!(echoed == sent, "{} of {} bytes came back", echoed.len(), sent.len());
        prop_assert_eq!(transfer(seed, &chunks, &changes).1, hash);
    }

    #[test]
    fn a_host_serves_again_after_any_falls(
        seed in any::<u64>(),
        falls in prop::collection::vec(
            (0..30_000_u64, prop_oneof![Just(Fall::Kill), Just(Fall::PowerLoss), Just(Fall::Restart)], 0..10_000_u64),
            0..6,
        ),
    ) {
        prop_assert_eq!(survive(seed, &falls), survive(seed, &falls));
    }
}
