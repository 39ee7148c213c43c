//! The real adapter, on loopback and in a folder of its own.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

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
        files.remove("spool/b").await.expect("removing nothing is no error");
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
        std::fs::write(folder.join("spool/1.NEW"), b"ne").expect("written");
        assert_eq!(files.read("spool/1").await.expect("a file"), b"old");
        assert_eq!(files.list("spool").await.expect("a list"), ["spool/1"]);
        files.replace("spool/1", b"new").await.expect("replaced");
        assert_eq!(files.read("spool/1").await.expect("a file"), b"new");
        assert!(!folder.join("spool/1.NEW").exists());
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
