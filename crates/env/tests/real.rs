//! The real adapter, on loopback and in a folder of its own.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use mxlab_env::wire::Network;
use mxlab_env::{Env, entropy, real};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A folder that is removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("mxlab-env-{test}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

fn on_a_machine<T, F: Future<Output = T>>(test: &str, f: impl FnOnce(Env, PathBuf) -> F) -> T {
    let folder = Folder::new(test);
    run(f(real::env(folder.0.join("files")), folder.0.join("files")))
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

#[test]
fn a_connection_carries_bytes_both_ways_and_knows_its_ends() {
    on_a_machine("tcp", |env, _| async move {
        let listener = env.listen(loopback()).await.expect("a port");
        let at = listener.local_addr();
        assert_ne!(at.port(), 0);
        env.spawn("echo", async move {
            let mut stream = listener.accept().await.expect("a connection");
            assert_eq!(stream.local_addr(), at);
            let mut received = Vec::new();
            stream.read_to_end(&mut received).await.expect("data");
            stream.write_all(&received).await.expect("written");
            stream.shutdown().await.expect("closed");
        });
        let mut stream = env.connect(at).await.expect("connected");
        assert_eq!(stream.peer_addr(), at);
        let content: Vec<u8> = (0..1_000_000_u32).map(|index| (index % 251) as u8).collect();
        stream.write_all(&content).await.expect("written");
        stream.shutdown().await.expect("closed");
        let mut echoed = Vec::new();
        stream.read_to_end(&mut echoed).await.expect("data");
        assert!(echoed == content);
    });
}

#[test]
fn a_closed_port_refuses() {
    on_a_machine("refused", |env, _| async move {
        let at = env.listen(loopback()).await.expect("a port").local_addr();
        let refused = env.connect(at).await.map(|_| ()).expect_err("nobody listens any more");
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn datagrams_go_to_and_fro() {
    on_a_machine("udp", |env, _| async move {
        let server = env.bind(loopback()).await.expect("a port");
        let client = env.bind(loopback()).await.expect("a port");
        assert_ne!(server.local_addr(), client.local_addr());
        client.send_to(b"question", server.local_addr()).await.expect("sent");
        let mut buffer = [0; 4];
        let (length, from) = server.recv_from(&mut buffer).await.expect("a datagram");
        assert_eq!((&buffer[..length], from), (b"ques".as_slice(), client.local_addr()), "cut off at the buffer's end");
        server.send_to(b"answer", from).await.expect("sent");
        let mut buffer = [0; 100];
        let (length, from) = client.recv_from(&mut buffer).await.expect("a datagram");
        assert_eq!((&buffer[..length], from), (b"answer".as_slice(), server.local_addr()));
    });
}

#[test]
fn a_task_runs_until_it_is_aborted() {
    on_a_machine("task", |env, _| async move {
        let (ended, end) = tokio::sync::oneshot::channel::<()>();
        let (started, start) = tokio::sync::oneshot::channel();
        let task = env.spawn("waits", async move {
            let _ended = ended;
            let _ = started.send(());
            std::future::pending::<()>().await;
        });
        start.await.expect("it runs");
        task.abort();
        end.await.expect_err("it was dropped");
        // Dropping the handle does not end the task.
        let (done, result) = tokio::sync::oneshot::channel();
        drop(env.spawn("answers", async move { done.send(42).expect("somebody waits") }));
        assert_eq!(result.await, Ok(42));
    });
}

#[test]
fn the_clock_moves_and_bytes_are_random() {
    on_a_machine("clock", |env, _| async move {
        let before = env.now();
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert!(env.now() > before);
        assert!(before.as_second() > 1_700_000_000);
        assert_ne!(env.random::<16>(), env.random::<16>());
        let mut bytes = [0; 16];
        assert!(entropy::fill(&mut bytes));
        assert_ne!(bytes, [0; 16]);
    });
}

#[test]
fn files_are_written_replaced_listed_and_removed() {
    on_a_machine("files", |env, folder| async move {
        let files = env.files();
        assert_eq!(files.read("spool/1").await.expect_err("none yet").kind(), ErrorKind::NotFound);
        assert_eq!(files.list("spool").await.expect("a list"), <[String; 0]>::default());
        for name in ["spool/b", "spool/a-1.eml", "spool/deep/c", "other"] {
            files.replace(name, name.as_bytes()).await.expect("written");
        }
        files.replace("spool/b", b"another content").await.expect("replaced");
        assert_eq!(files.read("spool/b").await.expect("a file"), b"another content");
        assert_eq!(files.read("spool/deep/c").await.expect("a file"), b"spool/deep/c");
        assert_eq!(files.list("spool").await.expect("a list"), ["spool/a-1.eml", "spool/b"]);
        files.remove("spool/b").await.expect("removed");
        files.remove("spool/b").await.expect("removing nothing is not an error");
        assert_eq!(files.list("spool").await.expect("a list"), ["spool/a-1.eml"]);
        // Another env on the same folder finds them: they outlive the process.
        assert_eq!(real::env(folder).files().read("other").await.expect("a file"), b"other");
    });
}

#[test]
fn a_replacement_that_was_cut_short_leaves_the_old_file() {
    on_a_machine("atomic", |env, folder| async move {
        let files = env.files();
        files.replace("spool/1", b"old").await.expect("written");
        // The file that a crash leaves in the middle of a replacement.
        std::fs::write(folder.join("spool/1.7-0.NEW"), b"ne").expect("written");
        assert_eq!(files.read("spool/1").await.expect("a file"), b"old");
        assert_eq!(files.list("spool").await.expect("a list"), ["spool/1"]);
        files.replace("spool/1", b"new").await.expect("replaced");
        assert_eq!(files.read("spool/1").await.expect("a file"), b"new");
        let there = std::fs::read_dir(folder.join("spool")).expect("a folder").count();
        assert_eq!(there, 2, "a replacement that was not cut short leaves nothing beside it");
        // One that fails leaves nothing either.
        std::fs::create_dir(folder.join("spool/2")).expect("a folder");
        files.replace("spool/2", b"x").await.expect_err("a folder has that name");
        assert_eq!(std::fs::read_dir(folder.join("spool")).expect("a folder").count(), 3);
    });
}

#[test]
#[allow(clippy::disallowed_methods, reason = "two programs write at the same time")]
fn two_writers_of_one_file_leave_the_content_of_one_of_them() {
    let folder = Folder::new("writers");
    let contents: [Vec<u8>; 2] = [vec![b'a'; 100_000], vec![b'b'; 70_000]];
    std::thread::scope(|scope| {
        for content in &contents {
            let path = folder.0.join("files");
            scope.spawn(move || {
                run(async {
                    let env = real::env(path);
                    for _ in 0..50 {
                        env.files().replace("spool/deep/1", content).await.expect("nobody is in the way");
                        let found = env.files().read("spool/deep/1").await.expect("it is there");
                        assert!(found == [b'a'; 100_000] || found == [b'b'; 70_000], "{} octets", found.len());
                    }
                });
            });
        }
    });
}

#[test]
fn clients_that_leave_before_they_are_accepted_are_accepted_as_they_are() {
    on_a_machine("gone", |env, _| async move {
        let listener = env.listen(loopback()).await.expect("a port");
        let mut left = Vec::new();
        for _ in 0..5 {
            let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
            // Closing it resets the connection.
            socket.set_zero_linger().expect("an option");
            let mut stream = socket.connect(listener.local_addr()).await.expect("connected");
            stream.write_all(b"QUIT\r\n").await.expect("written");
            left.push(stream.local_addr().expect("an address"));
        }
        let stays = env.connect(listener.local_addr()).await.expect("connected");
        for client in left {
            let mut stream = listener.accept().await.expect("no error of the listener");
            assert_eq!(stream.peer_addr(), client);
            let mut said = Vec::new();
            let error = stream.read_to_end(&mut said).await.expect_err("it was reset");
            assert_eq!((said.as_slice(), error.kind()), (b"QUIT\r\n".as_slice(), ErrorKind::ConnectionReset));
        }
        assert_eq!(listener.accept().await.expect("the last").peer_addr(), stays.local_addr());
    });
}

#[test]
fn names_that_could_leave_the_folder_are_refused() {
    on_a_machine("names", |env, folder| async move {
        let files = env.files();
        for name in ["", "/etc/passwd", "../x", "a/../x", "a//b", "a/", ".", "a/.", "Upper", "a b", "a_b", "é", "a\\b"]
        {
            let kind = |error: std::io::Error| error.kind();
            assert_eq!(files.replace(name, b"x").await.map_err(kind), Err(ErrorKind::InvalidInput), "{name:?}");
            assert_eq!(files.read(name).await.map_err(kind), Err(ErrorKind::InvalidInput), "{name:?}");
            assert_eq!(files.remove(name).await.map_err(kind), Err(ErrorKind::InvalidInput), "{name:?}");
            assert_eq!(files.list(name).await.map_err(kind), Err(ErrorKind::InvalidInput), "{name:?}");
        }
        assert!(!folder.exists(), "something was written");
    });
}

#[test]
fn a_connection_may_come_from_a_given_address() {
    on_a_machine("source", |env, _| async move {
        let listener = env.listen(loopback()).await.expect("a port");
        for from in ["127.0.0.1", "127.0.0.77"] {
            let from = from.parse().expect("an address");
            let connecting = env.connect_from(Some(from), listener.local_addr());
            let (near, far) = tokio::join!(biased; connecting, listener.accept());
            assert_eq!(near.expect("connected").local_addr().ip(), from);
            assert_eq!(far.expect("a connection").peer_addr().ip(), from);
        }
        let foreign = env.connect_from("192.0.2.1".parse().ok(), listener.local_addr()).await;
        assert_eq!(foreign.map(|_| ()).expect_err("it is not this machine's").kind(), ErrorKind::AddrNotAvailable);
    });
}

#[test]
fn ending_a_process_drops_its_tasks_and_a_panic_is_reported_with_the_name_of_its_task() {
    let folder = Folder::new("process");
    run(async {
        let network = real::RealNetwork::new(&folder.0);
        let mx = network.add_machine("mx1", &[loopback().ip()]).expect("the first");
        assert!(network.add_machine("mx1", &[]).is_err(), "one name, two machines");
        let (held, dropped) = tokio::sync::oneshot::channel::<()>();
        let env = mx.env();
        let listener = env.listen(loopback()).await.expect("a port");
        let at = listener.local_addr();
        env.spawn("server", async move {
            let _held = held;
            let mut sessions = Vec::new();
            while let Ok(stream) = listener.accept().await {
                sessions.push(stream);
            }
        });
        let (asked, panics) = tokio::sync::oneshot::channel::<()>();
        env.spawn("smtp session", async move {
            let _asked = asked;
            panic!("a test of panics");
        });
        panics.await.expect_err("it has panicked");
        let panic = real::TaskPanic { task: "smtp session".into(), message: "a test of panics".into() };
        assert_eq!(network.panics(), [("mx1".to_owned(), panic)]);
        let client = real::env(&folder.0);
        let mut stream = client.connect(at).await.expect("the others go on");
        env.files().replace("spool/1", b"kept").await.expect("written");
        assert!(mx.is_up());
        mx.kill();
        assert!(!mx.is_up());
        dropped.await.expect_err("its task is gone");
        let mut buffer = [0; 1];
        assert!(matches!(stream.read(&mut buffer).await, Ok(0) | Err(_)), "its connections are closed");
        assert!(client.connect(at).await.is_err(), "its listener is closed");
        // What is left of the dead process refuses everything.
        assert!(
            env.connect(at).await.is_err()
                && env.listen(loopback()).await.is_err()
                && env.bind(loopback()).await.is_err()
        );
        let (never, ran) = tokio::sync::oneshot::channel();
        env.spawn("never runs", async move { never.send(()).expect("somebody waits") });
        ran.await.expect_err("it did not run");
        let reborn = mx.restart();
        assert!(mx.is_up());
        assert_eq!(reborn.files().read("spool/1").await.expect("files stay"), b"kept");
        reborn.listen(at).await.expect("the address is free again");
    });
}

#[test]
fn what_a_real_machine_cannot_do_it_refuses() {
    let network = real::RealNetwork::new("unused");
    let mx = network.add_machine("mx1", &[]).expect("the first");
    let unsupported = [
        mx.power_loss(),
        mx.set_clock_error(jiff::SignedDuration::from_secs(1)),
        network.isolate("mx1"),
        network.rejoin("mx1"),
        network.set_link("mx1", "mx1", mxlab_env::wire::Link::default()),
        network.tap(Box::new(|_: &mxlab_env::wire::PacketRecord| mxlab_env::wire::TapVerdict::Pass)),
    ];
    for result in unsupported {
        assert_eq!(result.map_err(|error| error.kind()), Err(ErrorKind::Unsupported));
    }
}
