//! Crash, restart and power loss.

mod common;

use common::{at, echo, finished, ms, seconds, spawn_echo, world};
use mxlab_sim::{Config, End};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// Counts when it is dropped.
struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_crash_drops_timers_and_tasks() {
    let (sim, [a, b]) = world(Config::default());
    let (ticks, dropped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for host in [&a, &b] {
        let (ticks, dropped, env) = (Arc::clone(&ticks), Dropped(Arc::clone(&dropped)), host.env());
        host.env().spawn("parent", async move {
            let _dropped = dropped;
            env.spawn("child", async move {
                loop {
                    tokio::time::sleep(seconds(1)).await;
                    ticks.fetch_add(1, Ordering::Relaxed);
                }
            });
            std::future::pending::<()>().await;
        });
    }
    finished(sim.run(async move {
        tokio::time::sleep(ms(10_500)).await;
        assert_eq!(ticks.load(Ordering::Relaxed), 20);
        a.kill();
        // At once, not when the runtime gets to it.
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        assert!(!a.is_up() && b.is_up());
        tokio::time::sleep(seconds(10)).await;
        assert_eq!(ticks.load(Ordering::Relaxed), 30);
    }));
}

#[test]
fn a_dead_process_does_nothing_more() {
    let (sim, [a, b]) = world(Config::default());
    spawn_echo(&b.env(), at(2, 7));
    finished(sim.run(async move {
        let old = a.env();
        a.kill();
        let ran = Arc::new(AtomicUsize::new(0));
        let count = Dropped(Arc::clone(&ran));
        old.spawn("too late", async move {
            let count = count;
            panic!("it runs, with {}", count.0.load(Ordering::Relaxed));
        });
        assert_eq!(ran.load(Ordering::Relaxed), 1, "dropped unpolled");
        assert!(old.connect(at(2, 7)).await.is_err());
        assert!(old.listen(at(1, 25)).await.is_err());
        assert!(old.bind(at(1, 53)).await.is_err());
        assert!(old.files().read("x").await.is_err());
        let new = a.restart();
        new.connect(at(2, 7)).await.map(|_| ()).expect("connected");
        assert!(old.connect(at(2, 7)).await.is_err(), "the old process came back");
    }));
}

#[test]
fn a_task_may_kill_its_own_host() {
    let (sim, [a, _b]) = world(Config::default());
    let dropped = Arc::new(AtomicUsize::new(0));
    let (host, guard) = (a.clone(), Dropped(Arc::clone(&dropped)));
    a.env().spawn("kills itself", async move {
        let _guard = guard;
        host.kill();
        std::future::pending::<()>().await;
    });
    finished(sim.run(async move {
        tokio::time::sleep(ms(1)).await;
        assert!(!a.is_up());
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
    }));
}

#[test]
fn an_aborted_task_is_dropped_on_its_host() {
    let (sim, [a]) = world(Config::default());
    let env = a.env();
    finished(sim.run(async move {
        let dropped = Arc::new(AtomicUsize::new(0));
        let guard = Dropped(Arc::clone(&dropped));
        let inner = env.clone();
        let task = env.spawn("listens", async move {
            let _guard = guard;
            let _listener = inner.listen(at(1, 25)).await.expect("a free address");
            std::future::pending::<()>().await;
        });
        tokio::time::sleep(ms(1)).await;
        assert_eq!(env.listen(at(1, 25)).await.map(|_| ()).expect_err("taken").kind(), ErrorKind::AddrInUse);
        task.abort();
        tokio::time::sleep(ms(1)).await;
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        env.listen(at(1, 25)).await.map(|_| ()).expect("free again");
    }));
}

/// How the client's end of a connection learns that the server is gone.
#[derive(Debug, PartialEq)]
enum Seen {
    /// FIN.
    End,
    Reset,
    Nothing,
}

async fn seen(stream: &mut mxlab_env::BoxStream) -> Seen {
    let mut buffer = [0; 100];
    match timeout(seconds(3600), stream.read(&mut buffer)).await {
        Err(_) => Seen::Nothing,
        Ok(Ok(0)) => Seen::End,
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionReset => Seen::Reset,
        Ok(other) => panic!("{other:?}"),
    }
}

#[test]
fn peers_of_a_crashed_process_see_its_end_and_are_reset_when_they_go_on() {
    let (sim, [a, b]) = world(Config::default());
    spawn_echo(&b.env(), at(2, 7));
    let client = a.env();
    finished(sim.run(async move {
        tokio::time::sleep(ms(1)).await;
        let mut idle = client.connect(at(2, 7)).await.expect("connected");
        let mut busy = client.connect(at(2, 7)).await.expect("connected");
        assert_eq!(echo(&mut idle, "hello").await.expect("an echo"), "hello");
        assert_eq!(echo(&mut busy, "hello").await.expect("an echo"), "hello");
        b.kill();
        assert_eq!(seen(&mut idle).await, Seen::End);
        // Half of it is closed; the client does not notice and keeps sending.
        busy.write_all(b"more").await.expect("buffered");
        tokio::time::sleep(seconds(1)).await;
        // As Linux does: FIN came before RST, so the end is read; only who writes learns more.
        assert_eq!(seen(&mut busy).await, Seen::End);
        assert_eq!(busy.write(b"even more").await.expect_err("it is reset").kind(), ErrorKind::BrokenPipe);
        let refused = client.connect(at(2, 7)).await.map(|_| ()).expect_err("nobody listens");
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    }));
}

#[test]
fn a_restarted_process_listens_at_the_same_address_at_once() {
    let (sim, [a, b]) = world(Config::default());
    spawn_echo(&b.env(), at(2, 7));
    let client = a.env();
    finished(sim.run(async move {
        tokio::time::sleep(ms(1)).await;
        // It stays open on the client's side, so it never ends on the server's.
        let mut open = client.connect(at(2, 7)).await.expect("connected");
        assert_eq!(echo(&mut open, "one").await.expect("an echo"), "one");
        for round in 0..3 {
            b.kill();
            tokio::time::sleep(seconds(round)).await;
            spawn_echo(&b.restart(), at(2, 7));
            tokio::time::sleep(ms(1)).await;
            let mut stream = client.connect(at(2, 7)).await.expect("connected");
            assert_eq!(echo(&mut stream, "two").await.expect("an echo"), "two");
        }
        assert_eq!(seen(&mut open).await, Seen::End);
    }));
}

#[test]
fn a_listener_may_be_closed_and_opened_while_sessions_go_on() {
    let (sim, [a, b]) = world(Config::default());
    let (client, server) = (a.env(), b.env());
    finished(sim.run(async move {
        let listener = server.listen(at(2, 25)).await.expect("a free address");
        let mut near = client.connect(at(2, 25)).await.expect("connected");
        let mut far = listener.accept().await.expect("a connection");
        drop(listener);
        let refused = client.connect(at(2, 25)).await.map(|_| ()).expect_err("nobody listens");
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        let listener = server.listen(at(2, 25)).await.expect("free again");
        let mut second = client.connect(at(2, 25)).await.expect("connected");
        listener.accept().await.expect("a connection").write_all(b"new").await.expect("written");
        far.write_all(b"old").await.expect("written");
        let mut buffer = [0; 3];
        near.read_exact(&mut buffer).await.expect("data");
        assert_eq!(&buffer, b"old");
        second.read_exact(&mut buffer).await.expect("data");
        assert_eq!(&buffer, b"new");
    }));
}

#[test]
fn a_handshake_that_completes_after_the_listener_has_closed_is_ended() {
    let (sim, [a, b]) = world(Config::default());
    let control = sim.control();
    let (client, server) = (a.env(), b.env());
    let link = mxlab_sim::Link { latency: ms(10), jitter: ms(0), loss_percent: 0 };
    control.set_link(&a, &b, link);
    finished(sim.run(async move {
        let listener = server.listen(at(2, 25)).await.expect("a free address");
        let closing = async {
            tokio::time::sleep(ms(15)).await; // SYN-ACK is under way.
            drop(listener);
        };
        let (stream, ()) = tokio::join!(biased; client.connect(at(2, 25)), closing);
        match stream {
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionRefused),
            Ok(mut stream) => assert_ne!(seen(&mut stream).await, Seen::Nothing),
        }
        // A refused connection does not wait in the next listener.
        let listener = server.listen(at(2, 25)).await.expect("free again");
        assert!(timeout(seconds(60), listener.accept()).await.is_err());
    }));
}

#[test]
fn after_power_loss_peers_hear_nothing_and_then_reset() {
    let (sim, [a, b]) = world(Config::default());
    spawn_echo(&b.env(), at(2, 7));
    let client = a.env();
    finished(sim.run(async move {
        tokio::time::sleep(ms(1)).await;
        let mut idle = client.connect(at(2, 7)).await.expect("connected");
        let mut busy = client.connect(at(2, 7)).await.expect("connected");
        assert_eq!(echo(&mut busy, "hello").await.expect("an echo"), "hello");
        b.power_loss();
        assert_eq!(seen(&mut idle).await, Seen::Nothing);
        assert!(timeout(seconds(60), client.connect(at(2, 7))).await.is_err(), "a dark host answered");
        busy.write_all(b"are you there?").await.expect("buffered");
        tokio::time::sleep(seconds(10)).await;
        spawn_echo(&b.restart(), at(2, 7));
        // Segments sent while the host was down are sent again.
        assert_eq!(seen(&mut busy).await, Seen::Reset);
        assert_eq!(seen(&mut idle).await, Seen::Nothing);
        idle.write_all(b"and you?").await.expect("buffered");
        assert_eq!(seen(&mut idle).await, Seen::Reset);
        let mut stream = client.connect(at(2, 7)).await.expect("connected");
        assert_eq!(echo(&mut stream, "hello").await.expect("an echo"), "hello");
    }));
}

#[test]
fn the_last_words_of_a_host_without_power_are_not_heard() {
    let (sim, [a, b]) = world(Config::default());
    let (client, server) = (a.env(), b.env());
    finished(sim.run(async move {
        let listener = server.listen(at(2, 25)).await.expect("a free address");
        let mut near = client.connect(at(2, 25)).await.expect("connected");
        let mut far = listener.accept().await.expect("a connection");
        far.write_all(b"said before").await.expect("written");
        b.power_loss();
        drop((far, listener));
        let mut buffer = [0; 11];
        near.read_exact(&mut buffer).await.expect("what was sent before arrives");
        assert_eq!(&buffer, b"said before");
        assert_eq!(seen(&mut near).await, Seen::Nothing);
    }));
}

/// The digits of a file's content; they show which version it is and whether it is complete.
fn content(version: u8) -> Vec<u8> {
    vec![b'0' + version; 10_000 + usize::from(version)]
}

#[test]
fn files_survive_a_crash_synced_or_not() {
    let (sim, [a]) = world(Config { sync_delay: ms(10), ..Config::default() });
    finished(sim.run(async move {
        a.env().files().replace("spool/1", &content(1)).await.expect("written");
        let env = a.env();
        a.env().spawn("writes", async move {
            env.files().replace("spool/1", &content(2)).await.expect("written");
            env.files().replace("spool/2", &content(3)).await.expect("written");
        });
        tokio::time::sleep(ms(35)).await; // The second is renamed, not synced.
        a.kill();
        let env = a.restart();
        assert_eq!(env.files().read("spool/1").await.expect("it is there"), content(2));
        assert_eq!(env.files().read("spool/2").await.expect("it is there"), content(3));
        // A half-done replacement of the dead process does no harm.
        env.files().replace("spool/2", &content(4)).await.expect("written");
        assert_eq!(env.files().read("spool/2").await.expect("it is there"), content(4));
        a.power_loss();
        let env = a.restart();
        assert_eq!(env.files().read("spool/2").await.expect("it is there"), content(4));
        assert_eq!(env.files().list("spool").await.expect("a list"), ["spool/1", "spool/2"]);
    }));
}

/// Replaces a file again and again, and loses power after `after` milliseconds: the content then, and the promised one.
fn replaced_until(after: u64) -> (Option<Vec<u8>>, u8) {
    let (sim, [a]) = world(Config { sync_delay: ms(2), ..Config::default() });
    let promised = Arc::new(AtomicUsize::new(0));
    finished(sim.run(async move {
        let (env, done) = (a.env(), Arc::clone(&promised));
        a.env().spawn("replaces", async move {
            for version in 1..=3 {
                env.files().replace("spool/queue/message", &content(version)).await.expect("written");
                done.store(usize::from(version), Ordering::Relaxed);
            }
        });
        tokio::time::sleep(ms(after)).await;
        a.power_loss();
        let promised = u8::try_from(promised.load(Ordering::Relaxed)).expect("few versions");
        let found = match a.restart().files().read("spool/queue/message").await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            other => Some(other.expect("a file")),
        };
        (found, promised)
    }))
}

#[test]
fn power_loss_at_any_moment_leaves_the_old_file_or_the_new_one() {
    let mut versions = std::collections::BTreeSet::new();
    for after in 0..16 {
        let (found, promised) = replaced_until(after);
        let version = match &found {
            None => 0,
            Some(bytes) => bytes[0] - b'0',
        };
        assert_eq!(found, (version > 0).then(|| content(version)), "after {after} ms: a mixture");
        assert!(version >= promised, "after {after} ms: version {promised} was promised, {version} is there");
        assert!(version <= promised + 1);
        versions.insert(version);
    }
    assert_eq!(versions.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
}

#[test]
fn files_have_names_and_folders_have_lists() {
    let (sim, [a, b]) = world(Config::default());
    finished(sim.run(async move {
        let env = a.env();
        for bad in ["", "/etc", "a//b", "../a", "a/./b", "Upper", "a b", "a_b"] {
            let error = env.files().replace(bad, b"x").await.expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{bad}");
        }
        assert_eq!(env.files().list("spool").await.expect("a list"), <[String; 0]>::default());
        for name in ["spool/b", "spool/a", "spool/deep/c", "other"] {
            env.files().replace(name, name.as_bytes()).await.expect("written");
        }
        assert_eq!(env.files().list("spool").await.expect("a list"), ["spool/a", "spool/b"]);
        env.files().remove("spool/a").await.expect("removed");
        env.files().remove("spool/a").await.expect("removing nothing is no error");
        a.power_loss();
        let env = a.restart();
        assert_eq!(env.files().list("spool").await.expect("a list"), ["spool/b"]);
        assert_eq!(env.files().read("spool/deep/c").await.expect("a file"), b"spool/deep/c");
        assert_eq!(env.files().read("spool/a").await.expect_err("gone").kind(), ErrorKind::NotFound);
        let elsewhere = b.env().files().read("other").await.expect_err("another disk");
        assert_eq!(elsewhere.kind(), ErrorKind::NotFound);
    }));
}

#[test]
fn sockets_that_outlive_their_world_do_nothing() {
    let (sim, [a, b]) = world(Config::default());
    spawn_echo(&b.env(), at(2, 7));
    let client = a.env();
    let outcome = sim.run(async move {
        tokio::time::sleep(ms(1)).await;
        let stream = client.connect(at(2, 7)).await.expect("connected");
        let listener = client.listen(at(1, 25)).await.expect("a free address");
        let socket = client.bind(at(1, 53)).await.expect("a port");
        (stream, listener, socket, client)
    });
    assert_eq!(outcome.end, End::Finished);
    let (stream, listener, socket, client) = outcome.value.expect("a value");
    assert_eq!(client.now().as_second(), Config::default().epoch.as_second());
    client.spawn("too late", async { panic!("it runs") });
    drop((stream, listener, socket));
    // The thread is free for the next world.
    let (sim, []) = world(Config::default());
    finished(sim.run(async {}));
}

#[test]
fn a_world_that_never_runs_can_be_dropped() {
    let (sim, [a]) = world(Config::default());
    let dropped = Arc::new(AtomicUsize::new(0));
    let guard = Dropped(Arc::clone(&dropped));
    a.env().spawn("never runs", async move {
        let _guard = guard;
        std::future::pending::<()>().await;
    });
    drop(sim);
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
}
