//! Nothing outlives a process that was ended.
#![allow(clippy::disallowed_methods, reason = "what is spawned past the env is what these tests are about")]

mod common;

use common::{at, ms, spawn_echo, world};
use mxlab_env::Env;
use mxlab_sim::{Config, End, HostHandle};
use tokio::io::AsyncReadExt;

/// How a run ends in which `leave` acts in the process of a host, which is killed after a second.
fn ends<F>(leave: impl FnOnce(Env) -> F) -> End
where
    F: Future<Output = ()> + Send + 'static,
{
    let (sim, [a, b]): (_, [HostHandle; 2]) = world(Config::default());
    spawn_echo(&b.env(), at(2, 7));
    let leaving = leave(a.env());
    a.env().spawn("leaves something", async move {
        tokio::time::sleep(ms(1)).await;
        leaving.await;
        std::future::pending::<()>().await;
    });
    let outcome = sim.run(async move {
        tokio::time::sleep(ms(1000)).await;
        a.kill();
        tokio::time::sleep(ms(1000)).await;
    });
    outcome.end
}

fn outlived(what: &str) -> End {
    End::Outlived { host: "a.test".to_owned(), what: what.to_owned() }
}

#[test]
fn a_socket_that_outlives_its_process_ends_the_run() {
    let end = ends(|env| async move {
        tokio::spawn(async move {
            let mut stream = env.connect(at(2, 7)).await.expect("connected");
            let mut buffer = [0; 1];
            let _ = stream.read(&mut buffer).await;
        });
    });
    let End::Outlived { host, what } = &end else { panic!("{end}") };
    assert!(host == "a.test" && what.starts_with("a connection of 192.0.2.1:"), "{end}");
    let end = ends(|env| async move {
        tokio::spawn(async move {
            let listener = env.listen(at(1, 25)).await.expect("a free address");
            let _ = listener.accept().await;
        });
    });
    assert_eq!(end, outlived("a listener at 192.0.2.1:25"));
    let end = ends(|env| async move {
        let socket = env.bind(at(1, 53)).await.expect("a port");
        tokio::spawn(async move {
            let _ = socket.recv_from(&mut [0; 1]).await;
        });
    });
    assert_eq!(end, outlived("a socket for datagrams at 192.0.2.1:53"));
    assert_eq!(end.to_string(), "a socket for datagrams at 192.0.2.1:53 outlived its process on a.test");
}

#[test]
fn who_goes_on_recording_after_its_process_has_ended_ends_the_run() {
    let end = ends(|env| async move {
        tokio::spawn(async move {
            loop {
                env.tells("a.test");
                tokio::time::sleep(ms(100)).await;
            }
        });
    });
    assert_eq!(end, outlived("something that records as a.test"));
}

#[test]
fn what_the_process_has_spawned_ends_with_it() {
    let end = ends(|env| async move {
        let inner = env.clone();
        env.spawn("all of it", async move {
            let listener = inner.listen(at(1, 25)).await.expect("a free address");
            let mut stream = inner.connect(at(2, 7)).await.expect("connected");
            inner.tells("a.test");
            let _ = stream.read(&mut [0; 1]).await;
            let _ = listener.accept().await;
        });
    });
    assert_eq!(end, End::Finished);
}
