//! What belongs to which moment, however long packets take.

mod common;

use common::{at, echo, finished, ms, seconds, world};
use jiff::Timestamp;
use mxlab_env::Env;
use mxlab_sim::{Bounds, Config, Control, End, HostHandle, Link};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What was told, with its moment in milliseconds since the start.
#[derive(Clone)]
struct Told {
    epoch: Timestamp,
    lines: Arc<Mutex<Vec<(i128, String)>>>,
}

impl Told {
    fn new() -> Told {
        Told { epoch: Config::default().epoch, lines: Arc::default() }
    }

    fn tell(&self, env: &Env, what: impl Into<String>) {
        let moment = env.moment().duration_since(self.epoch).as_millis();
        self.lines.lock().expect("no panic").push((moment, what.into()));
    }

    /// In order of moments, and within one of what was told: the order in which hosts act is not what is tested.
    fn sorted(&self) -> Vec<(i128, String)> {
        let mut lines = self.lines.lock().expect("no panic").clone();
        lines.sort();
        lines
    }
}

/// A server that answers line by line, and tells.
fn spawn_server(env: &Env, told: &Told) {
    let (server, told) = (env.clone(), told.clone());
    env.spawn("server", async move {
        let listener = server.listen(at(2, 25)).await.expect("a free address");
        while let Ok(mut stream) = listener.accept().await {
            told.tell(&server, "server accepts");
            let (session, told) = (server.clone(), told.clone());
            server.spawn("session", async move {
                told.tell(&session, "session begins");
                let mut buffer = [0; 64];
                while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                    told.tell(&session, format!("session hears {}", String::from_utf8_lossy(&buffer[..length])));
                    stream.write_all(&buffer[..length]).await.expect("written");
                }
                told.tell(&session, "session ends");
            });
        }
    });
}

/// Connects, and talks twice.
fn spawn_client(env: &Env, told: &Told, number: u64) {
    let (client, told) = (env.clone(), told.clone());
    env.spawn("client", async move {
        told.tell(&client, format!("client {number} begins"));
        let mut stream = client.connect(at(2, 25)).await.expect("connected");
        for word in ["HELO", "QUIT"] {
            let heard = echo(&mut stream, &format!("{word} {number}")).await.expect("an echo");
            told.tell(&client, format!("client {number} hears {heard}"));
        }
    });
}

/// Every half an hour, a datagram goes there and back.
fn spawn_ticker(a: &Env, b: &Env, told: &Told) {
    let (answerer, answers) = (b.clone(), told.clone());
    b.spawn("answers", async move {
        let socket = answerer.bind(at(2, 53)).await.expect("a port");
        let mut buffer = [0; 16];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.expect("a datagram");
            answers.tell(&answerer, format!("tick {:?} comes", &buffer[..length]));
            socket.send_to(&buffer[..length], from).await.expect("sent");
        }
    });
    let (ticker, told) = (a.clone(), told.clone());
    a.spawn("ticker", async move {
        let socket: Arc<dyn mxlab_env::Datagrams> =
            ticker.bind("0.0.0.0:0".parse().expect("any")).await.expect("a port").into();
        let (hears, env, ears) = (socket.clone(), ticker.clone(), told.clone());
        ticker.spawn("ears", async move {
            let mut buffer = [0; 16];
            loop {
                let (length, _) = hears.recv_from(&mut buffer).await.expect("a datagram");
                ears.tell(&env, format!("tick {:?} is back", &buffer[..length]));
            }
        });
        for number in 0..4_u8 {
            tokio::time::sleep(seconds(1800)).await;
            told.tell(&ticker, format!("tick {number}"));
            socket.send_to(&[number], at(2, 53)).await.expect("sent");
        }
    });
}

/// Two clients, one an hour after the other, and a ticker.
fn story(
    seed: u64,
    ticks: RangeInclusive<u64>,
    prepare: impl FnOnce(&Control, [&HostHandle; 2]),
) -> Vec<(i128, String)> {
    let (sim, [a, b]) = world(Config { seed, wire_ticks: ticks, ..Config::default() });
    prepare(&sim.control(), [&a, &b]);
    let told = Told::new();
    spawn_server(&b.env(), &told);
    spawn_ticker(&a.env(), &b.env(), &told);
    let script = told.clone();
    finished(sim.run(async move {
        for number in 1..=2 {
            tokio::time::sleep(seconds(3600)).await;
            script.tell(&a.env(), format!("the script sends {number}"));
            spawn_client(&a.env(), &script, number);
        }
        tokio::time::sleep(seconds(40 * 3600)).await;
    }));
    told.sorted()
}

fn expected() -> Vec<(i128, String)> {
    let mut expected: Vec<(i128, String)> = Vec::new();
    for number in 1..=2 {
        let session =
            ["begins".to_owned(), format!("hears HELO {number}"), format!("hears QUIT {number}"), "ends".to_owned()];
        let client = ["begins".to_owned(), format!("hears HELO {number}"), format!("hears QUIT {number}")];
        let lines = session.iter().map(|line| format!("session {line}"));
        let lines = lines.chain(client.iter().map(|line| format!("client {number} {line}")));
        let lines = lines.chain([format!("the script sends {number}"), "server accepts".to_owned()]);
        expected.extend(lines.map(|line| (i128::from(number) * 3_600_000, line)));
    }
    for number in 0..4 {
        let lines = [format!("tick {number}"), format!("tick [{number}] comes"), format!("tick [{number}] is back")];
        expected.extend(lines.map(|line| ((number + 1) * 1_800_000, line)));
    }
    expected.sort();
    expected
}

#[test]
fn ticks_change_no_moment_however_many_they_are() {
    let expected = expected();
    for ticks in [0..=0, 1..=1, 5_000..=50_000, 0..=1 << 40, 0..=u64::MAX, u64::MAX..=u64::MAX] {
        for seed in 0..10 {
            assert_eq!(story(seed, ticks.clone(), |_, _| {}), expected, "seed {seed}, ticks {ticks:?}");
        }
    }
}

#[test]
fn declared_latency_tears_no_moment_apart() {
    let expected = expected();
    // 40 minutes: longer than the ticker waits, and than one client comes after the other.
    for latency in [1, 40, 3_000, 30_000, 2_400_000, 5_000_000] {
        let set = |control: &Control, [a, b]: [&HostHandle; 2]| {
            control.set_link(a, b, Link { latency: ms(latency), ..Link::default() });
        };
        assert_eq!(story(1, 5_000..=50_000, set), expected, "latency of {latency} ms");
        let impair = |control: &Control, [_, b]: [&HostHandle; 2]| control.impair(b, ms(latency), 0);
        assert_eq!(story(1, 5_000..=50_000, impair), expected, "delay of {latency} ms");
        let jitter = |control: &Control, [a, b]: [&HostHandle; 2]| {
            control.set_link(a, b, Link { latency: ms(latency), jitter: ms(latency), loss_percent: 0 });
        };
        for seed in 0..5 {
            assert_eq!(story(seed, 5_000..=50_000, jitter), expected, "jitter of {latency} ms, seed {seed}");
        }
    }
}

#[test]
fn a_timer_begins_a_moment_and_what_waited_for_it_belongs_to_it() {
    let (sim, [a, b]) = world(Config::default());
    let told = Told::new();
    let (server, seen) = (b.env(), told.clone());
    b.env().spawn("slow server", async move {
        let listener = server.listen(at(2, 25)).await.expect("a free address");
        let mut stream = listener.accept().await.expect("a connection");
        tokio::time::sleep(seconds(10)).await;
        seen.tell(&server, "awakes");
        // Has been there since the beginning.
        let mut buffer = [0; 5];
        stream.read_exact(&mut buffer).await.expect("data");
        seen.tell(&server, "reads");
        stream.write_all(&buffer).await.expect("written");
    });
    let (client, seen) = (a.env(), told.clone());
    let (done, wait) = tokio::sync::oneshot::channel();
    finished(sim.run(async move {
        tokio::time::sleep(seconds(1)).await;
        let env = client.clone();
        client.spawn("client", async move {
            let mut stream = env.connect(at(2, 25)).await.expect("connected");
            seen.tell(&env, "is connected");
            assert_eq!(echo(&mut stream, "hello").await.expect("an echo"), "hello");
            seen.tell(&env, "hears");
            let _ = done.send(());
        });
        wait.await.expect("the client has finished");
    }));
    let line = |moment, what: &str| (moment, what.to_owned());
    let expected = [line(1_000, "is connected"), line(11_000, "awakes"), line(11_000, "hears"), line(11_000, "reads")];
    assert_eq!(told.sorted(), expected);
}

#[test]
fn what_is_sent_again_is_sent_by_a_timer() {
    let (sim, [a, b]) = world(Config::default());
    let control = sim.control();
    let told = Told::new();
    spawn_server(&b.env(), &told);
    let seen = told.clone();
    finished(sim.run(async move {
        tokio::time::sleep(seconds(1)).await;
        control.isolate(&b);
        spawn_client(&a.env(), &seen, 1);
        tokio::time::sleep(seconds(5)).await;
        control.rejoin(&b);
        tokio::time::sleep(seconds(60)).await;
    }));
    // The SYN of +1s was sent again 1 s, 3 s and 7 s later; the path was whole from +6s on.
    let moments: Vec<_> = told.sorted().into_iter().map(|(moment, _)| moment).collect();
    assert_eq!(moments, [&[1_000][..], &[8_000; 7]].concat());
}

#[test]
fn packets_that_never_let_time_pass_hit_the_bound() {
    let bounds = Bounds { packets: 10_000, ..Bounds::default() };
    let (sim, [a, b]) = world(Config { bounds, ..Config::default() });
    for (host, mine, other) in [(&a, at(1, 7), at(2, 7)), (&b, at(2, 7), at(1, 7))] {
        let env = host.env();
        host.env().spawn("ping-pong", async move {
            let socket = env.bind(mine).await.expect("a port");
            let mut buffer = [0; 1];
            loop {
                socket.send_to(&[1], other).await.expect("sent");
                socket.recv_from(&mut buffer).await.expect("a datagram");
            }
        });
    }
    let outcome = sim.run(std::future::pending::<()>());
    assert_eq!(outcome.end, End::Bound { which: "packets", limit: 10_000 });
    assert_eq!(outcome.elapsed, Duration::ZERO);
}

#[test]
fn deliberate_draws_are_listed_and_nothing_else_is() {
    let run = |act: fn(Env, &Control, [&HostHandle; 2])| {
        let (sim, [a, b]) = world(Config::default());
        common::spawn_echo(&b.env(), at(2, 7));
        act(a.env(), &sim.control(), [&a, &b]);
        let client = a.env();
        let outcome = sim.run(async move {
            let _: [u8; 16] = client.random();
            let mut stream = client.connect(at(2, 7)).await.expect("connected");
            echo(&mut stream, "hello").await.expect("an echo");
        });
        let draws: Vec<_> = outcome.draws.keys().copied().collect();
        finished(outcome);
        draws
    };
    assert!(run(|_, _, _| {}).is_empty());
    assert!(run(|env, _, _| env.shuffle("order", &mut [1])).is_empty());
    assert_eq!(run(|env, _, _| env.shuffle("order", &mut [1, 2])), ["order"]);
    assert!(run(|env, _, _| assert_eq!(env.draw("one way", 1), 0)).is_empty());
    const LINK: Link = Link { latency: Duration::from_millis(10), jitter: Duration::ZERO, loss_percent: 0 };
    assert!(run(|_, control, [a, b]| control.set_link(a, b, LINK)).is_empty());
    assert_eq!(run(|_, control, [a, b]| control.set_link(a, b, Link { jitter: ms(5), ..LINK })), ["jitter"]);
    assert_eq!(run(|_, control, [a, b]| control.set_link(a, b, Link { loss_percent: 5, ..LINK })), ["loss"]);
}

#[test]
fn a_shuffle_may_come_to_any_order_and_depends_on_the_seed_alone() {
    let shuffled = |seed: u64| {
        let (sim, [a]) = world(Config { seed, ..Config::default() });
        let _: [u8; 3] = a.env().random();
        let mut items = [1, 2, 3];
        a.env().shuffle("order", &mut items);
        drop(sim);
        items
    };
    let orders: std::collections::BTreeSet<_> = (0..60).map(shuffled).collect();
    assert_eq!(orders.len(), 6);
    assert_eq!(shuffled(7), shuffled(7));
}

/// Lines with the ranks of those who tell them.
type Ranked = Arc<Mutex<Vec<(Vec<u32>, String)>>>;

/// Three clients at one time, on hosts of their own; what the server tells, in the order in which it happened, and in the
/// order of ranks.
fn side_by_side(seed: u64, ticks: RangeInclusive<u64>) -> (Vec<String>, Vec<String>) {
    let (sim, [server, one, two, three]) = world(Config { seed, wire_ticks: ticks, ..Config::default() });
    let told: Ranked = Arc::default();
    let tell = |told: &Ranked, env: &Env, what: String| {
        told.lock().expect("no panic").push((env.rank(), what));
    };
    let (env, lines) = (server.env(), told.clone());
    server.env().spawn("server", async move {
        let listener = env.listen(at(1, 25)).await.expect("a free address");
        while let Ok(mut stream) = listener.accept().await {
            let (session, lines) = (env.clone(), lines.clone());
            env.spawn("session", async move {
                let mut buffer = [0; 64];
                while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                    let heard = String::from_utf8_lossy(&buffer[..length]).into_owned();
                    tell(&lines, &session, format!("hears {heard}"));
                    // What it sets off itself comes after all that it says.
                    let (child, lines, after) = (session.clone(), lines.clone(), heard.clone());
                    session.spawn("errand", async move { tell(&lines, &child, format!("has heard {after}")) });
                    stream.write_all(&buffer[..length]).await.expect("written");
                }
            });
        }
    });
    finished(sim.run(async move {
        tokio::time::sleep(seconds(1)).await;
        for (host, name) in [(one, "one"), (two, "two"), (three, "three")] {
            let env = host.env();
            host.env().spawn("client", async move {
                let mut stream = env.connect(at(1, 25)).await.expect("connected");
                for word in ["HELO", "QUIT"] {
                    echo(&mut stream, &format!("{word} {name}")).await.expect("an echo");
                }
            });
        }
        tokio::time::sleep(seconds(1)).await;
    }));
    let mut lines = told.lock().expect("no panic").clone();
    let happened = lines.iter().map(|(_, what)| what.clone()).collect();
    lines.sort_by(|one, other| one.0.cmp(&other.0));
    (happened, lines.into_iter().map(|(_, what)| what).collect())
}

#[test]
fn what_happens_side_by_side_has_one_order_of_ranks() {
    let mut expected = Vec::new();
    for name in ["one", "two", "three"] {
        expected.extend(
            ["hears HELO", "hears QUIT", "has heard HELO", "has heard QUIT"].map(|what| format!("{what} {name}")),
        );
    }
    let mut orders = std::collections::BTreeSet::new();
    for ticks in [0..=0, 1..=3, 5_000..=50_000, 0..=u64::MAX, u64::MAX..=u64::MAX] {
        for seed in 0..10 {
            let (happened, told) = side_by_side(seed, ticks.clone());
            assert_eq!(told, expected, "seed {seed}, ticks {ticks:?}");
            orders.insert(happened);
        }
    }
    assert!(orders.len() > 1, "seeds draw other orders of what happens");
}
