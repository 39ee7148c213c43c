//! Connections that are given up before they are accepted leave nothing behind.

mod common;

use common::{at, echo, finished, ms, seconds, spawn_echo, world};
use mxlab_sim::{Config, Link};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// More than a client has ports: each of them is used again.
#[test]
fn handshakes_that_were_given_up_hold_no_port() {
    let (sim, [a, b]) = world(Config { until: seconds(1_000_000), ..Config::default() });
    let control = sim.control();
    spawn_echo(&b.env(), at(2, 7));
    let client = a.env();
    finished(sim.run(async move {
        tokio::time::sleep(ms(1)).await;
        control.set_link(&a, &b, Link { latency: seconds(2), ..Link::default() });
        for _ in 0..16_500 {
            // The server's answer comes when nobody waits for it any more.
            assert!(timeout(seconds(3), client.connect(at(2, 7))).await.is_err());
        }
        tokio::time::sleep(seconds(10)).await;
        let mut stream = timeout(seconds(60), client.connect(at(2, 7))).await.expect("in time").expect("connected");
        assert_eq!(echo(&mut stream, "still here").await.expect("an echo"), "still here");
    }));
}

/// A machine that loses its power in the middle of many handshakes never says so; they are given up after a minute.
#[test]
fn handshakes_without_an_end_make_room() {
    let (sim, [a, b, c]) = world(Config::default());
    let control = sim.control();
    spawn_echo(&b.env(), at(2, 7));
    let (client, other) = (a.env(), c.env());
    finished(sim.run(async move {
        tokio::time::sleep(ms(1)).await;
        control.set_link(&a, &b, Link { latency: seconds(2), ..Link::default() });
        for number in 0..1_024 {
            let env = client.clone();
            client.spawn(format!("client {number}"), async move {
                let _ = env.connect(at(2, 7)).await;
            });
        }
        tokio::time::sleep(seconds(3)).await;
        a.power_loss();
        let refused = timeout(seconds(10), other.connect(at(2, 7))).await;
        assert!(refused.is_err(), "the backlog is full");
        tokio::time::sleep(seconds(60)).await;
        let mut stream = timeout(seconds(10), other.connect(at(2, 7))).await.expect("in time").expect("connected");
        assert_eq!(echo(&mut stream, "hello").await.expect("an echo"), "hello");
    }));
}

/// What a client said before it was reset is there for a server that accepts late, as on Linux.
#[test]
fn what_was_said_before_a_reset_can_be_read_after_it() {
    let (sim, [a, b]) = world(Config::default());
    let (client, server) = (a.env(), b.env());
    finished(sim.run(async move {
        let listener = server.listen(at(2, 25)).await.expect("a free address");
        let mut near = client.connect(at(2, 25)).await.expect("connected");
        near.write_all(b"QUIT\r\n").await.expect("written");
        tokio::time::sleep(ms(1)).await;
        // The machine comes back, and knows nothing of the connection: it resets it when the server speaks.
        a.power_loss();
        drop(near);
        a.restart();
        let mut far = listener.accept().await.expect("it waits");
        far.write_all(b"220 b.test\r\n").await.expect("written");
        tokio::time::sleep(ms(1)).await;
        let mut said = Vec::new();
        let error = far.read_to_end(&mut said).await.expect_err("it was reset");
        assert_eq!((said.as_slice(), error.kind()), (b"QUIT\r\n".as_slice(), std::io::ErrorKind::ConnectionReset));
        assert_eq!(far.read(&mut [0; 1]).await.expect("the reset is told once"), 0);
    }));
}

/// The same where two processes of one machine talk to each other.
#[test]
fn a_reset_within_one_machine_destroys_nothing() {
    let (sim, [a]) = world(Config::default());
    let env = a.env();
    finished(sim.run(async move {
        for to in [at(1, 25), "127.0.0.1:25".parse().expect("an address")] {
            let listener = env.listen(to).await.expect("a free address");
            let mut near = env.connect(to).await.expect("connected");
            let mut far = listener.accept().await.expect("a connection");
            near.write_all(b"EHLO\r\n").await.expect("written");
            tokio::time::sleep(ms(1)).await;
            far.write_all(b"421\r\n").await.expect("written");
            drop(far);
            tokio::time::sleep(ms(1)).await;
            let mut said = Vec::new();
            let error = near.read_to_end(&mut said).await.expect_err("it was reset");
            assert_eq!((said.as_slice(), error.kind()), (b"421\r\n".as_slice(), std::io::ErrorKind::ConnectionReset));
        }
    }));
}
