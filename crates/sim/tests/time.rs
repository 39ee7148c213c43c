//! Virtual time, and how runs end.

mod common;

use common::{finished, seconds, world};
use jiff::SignedDuration;
use mxlab_sim::{Bounds, Config, End, Stuck};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

#[test]
fn a_timer_a_day_away_costs_two_polls() {
    let (sim, []) = world(Config::default());
    let outcome = sim.run(async { tokio::time::sleep(DAY).await });
    assert_eq!((outcome.end, outcome.elapsed, outcome.polls, outcome.packets), (End::Finished, DAY, 2, 0));
}

#[test]
fn the_wall_clock_moves_with_virtual_time() {
    let (sim, [a]) = world(Config::default());
    let env = a.env();
    let start = env.now();
    let after = finished(sim.run(async {
        tokio::time::sleep(DAY).await;
        env.now()
    }));
    assert_eq!(after.duration_since(start).as_secs(), 24 * 3600);
    assert_eq!(start, Config::default().epoch);
}

#[test]
fn a_clock_that_is_wrong_is_wrong_on_its_host_alone() {
    let (sim, [a, b]) = world(Config::default());
    let shown = finished(sim.run(async {
        let start = b.env().now();
        let env = a.env();
        let seen = || env.now().duration_since(start).as_secs();
        let mut shown = Vec::new();
        for error in [0, -2 * 24 * 3600, 3600, 0] {
            a.set_clock_error(SignedDuration::from_secs(error));
            shown.push(seen());
        }
        a.set_clock_error(SignedDuration::from_secs(60));
        a.restart();
        tokio::time::sleep(seconds(10)).await;
        shown.extend([a.env().now().duration_since(start).as_secs(), b.env().now().duration_since(start).as_secs()]);
        a.set_clock_error(SignedDuration::MAX);
        assert_eq!(a.env().now(), mxlab_env::Timestamp::MAX);
        shown
    }));
    assert_eq!(shown, [0, -2 * 24 * 3600, 3600, 0, 70, 10]);
}

#[test]
fn a_world_without_timers_ends_at_until() {
    let (sim, [a]) = world(Config { until: seconds(3600), ..Config::default() });
    a.env().spawn("waits for ever", std::future::pending());
    let outcome = sim.run(std::future::pending::<()>());
    assert_eq!((outcome.end, outcome.elapsed, outcome.value), (End::Until, seconds(3600), None));
    assert!(outcome.polls < 5, "{} polls", outcome.polls);
}

fn few_polls() -> Config {
    Config { bounds: Bounds { polls: 1000, ..Bounds::default() }, ..Config::default() }
}

#[test]
fn a_task_that_never_rests_hits_the_bound() {
    let (sim, [a]) = world(few_polls());
    a.env().spawn("spins", async {
        loop {
            tokio::task::yield_now().await;
        }
    });
    let outcome = sim.run(std::future::pending::<()>());
    assert_eq!(outcome.end, End::Bound { which: "polls of tasks", limit: 1000 });
    assert_eq!(outcome.end.to_string(), "more than 1000 polls of tasks");
    assert_eq!(outcome.elapsed, Duration::ZERO);
    let last = outcome.recent.last().expect("something happened");
    assert_eq!(last, "+0ns a.test: spins, 999 times");
}

#[test]
fn a_script_that_never_rests_hits_the_bound() {
    let (sim, []) = world(few_polls());
    let outcome = sim.run(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(outcome.end, End::Bound { which: "polls of tasks", limit: 1000 });
}

#[test]
fn two_tasks_that_wake_each_other_hit_the_bound() {
    let (sim, [a]) = world(few_polls());
    let (ping, pong) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    for (name, mine, other) in [("ping", ping.clone(), pong.clone()), ("pong", pong, ping)] {
        a.env().spawn(name, async move {
            loop {
                other.notify_one();
                mine.notified().await;
            }
        });
    }
    let outcome = sim.run(std::future::pending::<()>());
    assert!(matches!(outcome.end, End::Bound { .. }));
    assert!(outcome.recent.iter().any(|line| line.contains("a.test: ping")), "{:?}", outcome.recent);
}

#[test]
fn somebody_else_may_end_a_run_at_a_bound_of_their_own() {
    let (sim, [a]) = world(Config::default());
    let control = sim.control();
    a.env().spawn("counts", async move {
        tokio::time::sleep(seconds(5)).await;
        control.exceeded("record entries", 100);
    });
    let outcome = sim.run(std::future::pending::<()>());
    assert_eq!((outcome.end, outcome.elapsed), (End::Bound { which: "record entries", limit: 100 }, seconds(5)));
}

#[test]
fn a_step_of_the_script_comes_before_the_tasks_of_that_moment() {
    let (sim, [a]) = world(Config::default());
    let order = Arc::new(Mutex::new(Vec::new()));
    let task_order = Arc::clone(&order);
    a.env().spawn("timer", async move {
        for _ in 0..3 {
            tokio::time::sleep(seconds(60)).await;
            task_order.lock().expect("no panic").push("task");
        }
    });
    let script_order = Arc::clone(&order);
    let _ = sim.run(async move {
        for _ in 0..3 {
            tokio::time::sleep(seconds(60)).await;
            script_order.lock().expect("no panic").push("script");
        }
        tokio::time::sleep(seconds(1)).await;
    });
    assert_eq!(*order.lock().expect("no panic"), ["script", "task", "script", "task", "script", "task"]);
}

/// A config whose watchdog reports to the receiver, and sets the flag that the looping task waits for.
fn watched() -> (Config, mpsc::Receiver<Stuck>, Arc<AtomicBool>) {
    let (told, stuck) = mpsc::channel();
    let stop = Arc::new(AtomicBool::new(false));
    let (release, told) = (Arc::clone(&stop), Mutex::new(told));
    let config = Config {
        label: "loops".to_owned(),
        reproduce: "cargo xtask scenarios loops --seed 7".to_owned(),
        seed: 7,
        stuck_after: common::ms(300),
        on_stuck: Arc::new(move |stuck| {
            let _ = told.lock().expect("no panic").send(stuck.clone());
            release.store(true, Ordering::Relaxed);
        }),
        ..Config::default()
    };
    (config, stuck, stop)
}

fn spin_until(stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        std::hint::spin_loop();
    }
}

#[test]
fn a_poll_that_never_returns_is_reported_from_outside() {
    let (config, stuck, stop) = watched();
    let (sim, [a]) = world(config);
    a.env().spawn("loops without an await", async move { spin_until(&stop) });
    let outcome = sim.run(async { tokio::time::sleep(seconds(1)).await });
    assert_eq!(outcome.end, End::Finished);
    let stuck = stuck.try_recv().expect("a report");
    assert_eq!((&*stuck.host, &*stuck.task), ("a.test", "loops without an await"));
    assert_eq!((&*stuck.label, stuck.seed), ("loops", 7));
    assert_eq!(stuck.reproduce, "cargo xtask scenarios loops --seed 7");
}

#[test]
fn a_tap_that_never_returns_is_reported_from_outside() {
    let (config, stuck, stop) = watched();
    let (sim, [a, b]) = world(config);
    common::spawn_echo(&b.env(), common::at(2, 7));
    sim.control().tap(move |_: &mxlab_sim::PacketRecord| {
        spin_until(&stop);
        mxlab_sim::TapVerdict::Pass
    });
    let client = a.env();
    let outcome = sim.run(async move { client.connect(common::at(2, 7)).await.is_ok() });
    assert!(finished(outcome));
    let stuck = stuck.try_recv().expect("a report");
    assert_eq!((&*stuck.host, &*stuck.task), ("the network", "the wire"));
}

const CHILD: &str = "MXLAB_SIM_LOOPS";

/// The child process of the next test.
#[test]
fn loops_when_told_to() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    assert!(mxlab_sim::when_stuck(|stuck| {
        eprintln!("{stuck}");
        std::process::exit(14);
    }));
    assert!(!mxlab_sim::when_stuck(|_| {}), "there is one hook");
    let reproduce = "cargo xtask scenarios dane/loops".to_owned();
    let (sim, []) = world(Config { reproduce, stuck_after: common::ms(200), ..Config::default() });
    let _ = sim.run(async {
        loop {
            std::hint::spin_loop();
        }
    });
}

#[test]
fn a_program_may_end_itself_when_a_poll_never_returns() {
    let mut child = std::process::Command::new(std::env::current_exe().expect("this test"));
    child.args(["--exact", "loops_when_told_to", "--nocapture"]).env(CHILD, "1");
    let output = child.output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(14), "{text}");
    assert!(text.contains("task \"the script\" on the script has run for 0 s without awaiting"), "{text}");
    assert!(text.contains("run it again: cargo xtask scenarios dane/loops"), "{text}");
}
