//! Panics are found, named and contained.

mod common;

use common::{at, echo, finished, ms, seconds, spawn_echo, world};
use mxlab_sim::{Config, End};
use std::thread;

fn panicked(end: &End) -> (&str, &str, &str) {
    match end {
        End::Panicked { host, task, message } => (host, task, message),
        other => panic!("{other}"),
    }
}

/// A run in which a host panics while its peer is in the middle of a session.
fn run_with_a_panic() -> End {
    let (sim, [a, b]) = world(Config::default());
    spawn_echo(&b.env(), at(2, 7));
    let client = a.env();
    a.env().spawn("smtp client", async move {
        tokio::time::sleep(seconds(5)).await;
        let mut stream = client.connect(at(2, 7)).await.expect("connected");
        let _ = echo(&mut stream, "hello").await;
        panic!("no route for {}", "contoso.test");
    });
    let outcome = sim.run(std::future::pending::<()>());
    assert!(outcome.elapsed >= seconds(5) && outcome.elapsed < seconds(6), "{:?}", outcome.elapsed);
    outcome.end
}

fn run_without_a_panic() {
    let (sim, [a, b]) = world(Config::default());
    spawn_echo(&b.env(), at(2, 7));
    let client = a.env();
    finished(sim.run(async move {
        tokio::time::sleep(ms(1)).await;
        let mut stream = client.connect(at(2, 7)).await.expect("connected");
        assert_eq!(echo(&mut stream, "hello").await.expect("an echo"), "hello");
    }));
}

#[test]
fn a_panic_names_host_task_message_and_place() {
    let end = run_with_a_panic();
    let (host, task, message) = panicked(&end);
    assert_eq!((host, task), ("a.test", "smtp client"));
    assert!(message.starts_with("no route for contoso.test (") && message.contains("panics.rs:"), "{message}");
    assert!(end.to_string().starts_with("panic on a.test in \"smtp client\": no route for contoso.test"));
}

#[test]
fn a_panic_in_the_script_is_reported_too() {
    let (sim, []) = world(Config::default());
    let outcome = sim.run(async { assert_eq!(1, 2, "a wrong step") });
    let (host, task, message) = panicked(&outcome.end);
    assert_eq!((host, task), ("the script", "the script"));
    assert!(message.contains("a wrong step"), "{message}");
}

#[test]
fn a_panic_while_a_task_is_dropped_is_reported_too() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }
    let (sim, [a]) = world(Config::default());
    a.env().spawn("carries a bomb", async {
        let _bomb = Bomb;
        std::future::pending::<()>().await;
    });
    let outcome = sim.run(async move {
        tokio::time::sleep(seconds(1)).await;
        a.kill();
        tokio::time::sleep(seconds(1)).await;
    });
    let (host, task, message) = panicked(&outcome.end);
    assert_eq!((host, task), ("a.test", "carries a bomb"));
    assert!(message.starts_with("in drop"), "{message}");
}

#[test]
#[allow(clippy::disallowed_methods, reason = "each thread has worlds of its own")]
fn other_worlds_go_on_after_a_panic_and_beside_it() {
    for _ in 0..3 {
        run_with_a_panic();
        run_without_a_panic();
    }
    thread::scope(|scope| {
        for number in 0..8 {
            scope.spawn(move || {
                for round in 0..10 {
                    if (number + round) % 2 == 0 { drop(run_with_a_panic()) } else { run_without_a_panic() }
                }
            });
        }
    });
}

#[test]
fn a_panic_in_a_tap_is_reported_too() {
    let (sim, [a, b]) = world(Config::default());
    spawn_echo(&b.env(), at(2, 7));
    sim.control().tap(|packet: &mxlab_sim::PacketRecord| -> mxlab_sim::TapVerdict { panic!("seen {}", packet.to) });
    let client = a.env();
    let outcome = sim.run(async move { client.connect(at(2, 7)).await.map(|_| ()) });
    let (host, task, message) = panicked(&outcome.end);
    assert_eq!((host, task), ("the network", "the wire"));
    assert!(message.starts_with("seen 192.0.2.2:7"), "{message}");
    run_without_a_panic();
}
