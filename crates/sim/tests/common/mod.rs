//! Helpers for the tests of the kernel.
#![allow(dead_code, reason = "each test file uses a part")]

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mxlab_env::{BoxStream, Env};
use mxlab_sim::{Config, End, HostHandle, Outcome, Sim};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub(crate) fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The address of the host with that number, and a port on it.
pub(crate) fn at(number: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, number], port))
}

/// A world with hosts a, b, c …, numbered from 1.
pub(crate) fn world<const N: usize>(config: Config) -> (Sim, [HostHandle; N]) {
    let mut sim = Sim::new(config).expect("a runtime");
    let hosts = std::array::from_fn(|index| {
        let number = u8::try_from(index).expect("few hosts");
        let name = format!("{}.test", char::from(b'a' + number));
        sim.add_host(&name, [at(number + 1, 0).ip()]).expect("a new host")
    });
    (sim, hosts)
}

/// The main future's value, or a panic that says what ended the run.
pub(crate) fn finished<T>(outcome: Outcome<T>) -> T {
    match outcome.value {
        Some(value) if outcome.end == End::Finished => value,
        _ => panic!("the run ended otherwise: {}\n{}", outcome.end, outcome.recent.join("\n")),
    }
}

/// Echoes every connection to a port of the env's host.
pub(crate) fn spawn_echo(env: &Env, at: SocketAddr) {
    let server = env.clone();
    env.spawn("echo server", async move {
        let listener = server.listen(at).await.expect("a free address");
        loop {
            let Ok(mut stream) = listener.accept().await else { return };
            server.spawn("echo session", async move {
                let mut buffer = vec![0; 4096];
                while let Ok(length) = stream.read(&mut buffer).await {
                    if length == 0 || stream.write_all(&buffer[..length]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
}

/// Sends `text` and reads as many bytes back.
pub(crate) async fn echo(stream: &mut BoxStream, text: &str) -> io::Result<String> {
    stream.write_all(text.as_bytes()).await?;
    let mut buffer = vec![0; text.len()];
    stream.read_exact(&mut buffer).await?;
    String::from_utf8(buffer).map_err(io::Error::other)
}
