//! The simulated sockets compared with those of this machine: scripts of socket operations are played on both, and each end
//! has to see the same. Where they differ, the real one is right (on Linux, on which these tests run).

#![cfg(target_os = "linux")]

mod common;

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;

use common::{at, finished, ms, world};
use mxlab_env::{BoxStream, Env, Listener, real};
use mxlab_sim::Config;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

/// The client's end of the connection, or the server's.
#[derive(Clone, Copy, Debug)]
enum End {
    Client,
    Server,
}

use End::{Client, Server};

/// One operation. After each, everything that is under way arrives.
#[derive(Clone, Copy, Debug)]
enum Op {
    Connect,
    Accept,
    /// So many octets, each the number of the operation in the script.
    Write(End, usize),
    /// At most so many octets.
    Read(End, usize),
    Shutdown(End),
    /// Closes the socket.
    Drop(End),
    /// The same right after writing so much, before anything else happens.
    WriteAndDrop(End, usize),
    /// The server stops listening.
    Unlisten,
}

use Op::{Accept, Connect, Drop, Read, Shutdown, Unlisten, Write, WriteAndDrop};

/// What carries out operations: a network on which what is under way can be waited for.
trait Ground {
    async fn settle(&self);
}

struct Simulated;

impl Ground for Simulated {
    async fn settle(&self) {
        tokio::time::sleep(ms(10)).await;
    }
}

/// A connection of its own through the loopback interface: what was sent before has arrived when its octet has.
struct Fence(tokio::sync::Mutex<(BoxStream, BoxStream)>);

impl Fence {
    async fn new(env: &Env) -> Fence {
        let listener = env.listen(loopback()).await.expect("a port");
        let (near, far) = tokio::join!(biased; env.connect(listener.local_addr()), listener.accept());
        Fence(tokio::sync::Mutex::new((near.expect("connected"), far.expect("a connection"))))
    }
}

impl Ground for Fence {
    async fn settle(&self) {
        let mut both = self.0.lock().await;
        for _ in 0..3 {
            both.0.write_all(b"x").await.expect("written");
            both.1.read_exact(&mut [0; 1]).await.expect("it comes");
            // The runtime learns what has become readable.
            tokio::task::yield_now().await;
        }
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// The two ends as they are while a script is played.
struct Ends<'a, G> {
    ground: &'a G,
    client: Env,
    at: SocketAddr,
    listener: Option<Box<dyn Listener>>,
    near: Option<BoxStream>,
    far: Option<BoxStream>,
}

fn seen<T>(result: Option<io::Result<T>>, ok: impl FnOnce(T) -> String, nothing: &str) -> String {
    match result {
        Some(Ok(value)) => ok(value),
        Some(Err(error)) => format!("{:?}", error.kind()),
        None => nothing.to_owned(),
    }
}

impl<G: Ground> Ends<'_, G> {
    fn end(&mut self, end: End) -> &mut Option<BoxStream> {
        match end {
            Client => &mut self.near,
            Server => &mut self.far,
        }
    }

    async fn write(&mut self, end: End, octets: Vec<u8>) -> String {
        let Some(stream) = self.end(end) else { return "no socket".to_owned() };
        let written = poll_fn(|cx| match pin!(&mut *stream).poll_write(cx, &octets) {
            Poll::Ready(written) => Poll::Ready(Some(written)),
            Poll::Pending => Poll::Ready(None),
        });
        seen(written.await, |length| format!("{length} written"), "not written")
    }

    async fn read(&mut self, end: End, most: usize) -> String {
        let Some(stream) = self.end(end) else { return "no socket".to_owned() };
        let mut octets = vec![0; most];
        let read = poll_fn(|cx| {
            let mut buffer = ReadBuf::new(&mut octets);
            match pin!(&mut *stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) => Poll::Ready(Some(Ok(buffer.filled().to_vec()))),
                Poll::Ready(Err(error)) => Poll::Ready(Some(Err(error))),
                Poll::Pending => Poll::Ready(None),
            }
        });
        seen(read.await, |octets| if octets.is_empty() { "the end".into() } else { runs(&octets) }, "nothing")
    }

    async fn play(&mut self, number: u8, op: Op) -> String {
        let octets = |length| vec![number; length];
        match op {
            Connect => {
                let connected = self.client.connect(self.at).await;
                let said = match &connected {
                    Ok(_) => "connected".to_owned(),
                    Err(error) => format!("{:?}", error.kind()),
                };
                self.near = connected.ok();
                said
            }
            Accept => {
                let Some(listener) = &self.listener else { return "no socket".to_owned() };
                let mut accepting = listener.accept();
                let accepted = poll_fn(|cx| match accepting.as_mut().poll(cx) {
                    Poll::Ready(accepted) => Poll::Ready(Some(accepted)),
                    Poll::Pending => Poll::Ready(None),
                });
                let accepted = accepted.await;
                drop(accepting);
                let (said, stream) = match accepted {
                    Some(Ok(stream)) => ("accepted".to_owned(), Some(stream)),
                    Some(Err(error)) => (format!("{:?}", error.kind()), None),
                    None => ("nobody".to_owned(), None),
                };
                self.far = stream.or_else(|| self.far.take());
                said
            }
            Write(end, length) => self.write(end, octets(length)).await,
            Read(end, most) => self.read(end, most).await,
            Shutdown(end) => match self.end(end) {
                Some(stream) => seen(Some(stream.shutdown().await), |()| "shut down".to_owned(), ""),
                None => "no socket".to_owned(),
            },
            Drop(end) => self.end(end).take().map_or("no socket", |_| "closed").to_owned(),
            WriteAndDrop(end, length) => {
                let said = self.write(end, octets(length)).await;
                *self.end(end) = None;
                said
            }
            Unlisten => self.listener.take().map_or("no socket", |_| "closed").to_owned(),
        }
    }

    /// What each operation says, then what can still be read at both ends.
    async fn see(&mut self, script: &[Op]) -> Vec<String> {
        let mut said = Vec::new();
        for (number, op) in (1..).zip(script) {
            said.push(format!("{op:?}: {}", self.play(number, *op).await));
            self.ground.settle().await;
        }
        for end in [Client, Server] {
            for _ in 0..20 {
                let read = self.read(end, 100_000).await;
                said.push(format!("at last {end:?}: {read}"));
                if ["nothing", "no socket", "the end"].contains(&read.as_str()) {
                    break;
                }
            }
        }
        said
    }
}

/// Octets, those of one operation together: `3*5 4*2`.
fn runs(octets: &[u8]) -> String {
    let runs = octets.chunk_by(|one, other| one == other);
    runs.map(|run| format!("{}*{}", run[0], run.len())).collect::<Vec<_>>().join(" ")
}

fn simulated(script: &[Op]) -> Vec<String> {
    let (sim, [a, b]) = world(Config::default());
    let (client, server) = (a.env(), b.env());
    let script = script.to_vec();
    finished(sim.run(async move {
        let listener = server.listen(at(2, 25)).await.expect("a free address");
        let (near, far) = (None, None);
        Ends { ground: &Simulated, client, at: at(2, 25), listener: Some(listener), near, far }.see(&script).await
    }))
}

fn on_this_machine(scripts: &[Vec<Op>]) -> Vec<Vec<String>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let env = real::env(std::env::temp_dir());
        let fence = Fence::new(&env).await;
        let mut seen = Vec::new();
        for script in scripts {
            let listener = env.listen(loopback()).await.expect("a port");
            let (at, client) = (listener.local_addr(), env.clone());
            let (near, far) = (None, None);
            seen.push(Ends { ground: &fence, client, at, listener: Some(listener), near, far }.see(script).await);
        }
        seen
    })
}

fn compare(scripts: &[Vec<Op>]) {
    let mut unlike = Vec::new();
    for (script, real) in scripts.iter().zip(on_this_machine(scripts)) {
        let simulated = simulated(script);
        if simulated != real {
            let lines = simulated.iter().zip(&real).map(|(one, other)| match one == other {
                true => format!("  {one}"),
                false => format!("* {one}, but here: {other}"),
            });
            unlike.push(lines.collect::<Vec<_>>().join("\n"));
        }
    }
    assert!(unlike.is_empty(), "{} of {} scripts:\n{}", unlike.len(), scripts.len(), unlike.join("\n\n"));
}

#[test]
fn what_mail_meets_first() {
    let open = [Connect, Accept];
    let after = |ops: &[Op]| open.iter().chain(ops).copied().collect::<Vec<_>>();
    compare(&[
        // A server says 421 and closes while commands are under way.
        after(&[Write(Client, 20), WriteAndDrop(Server, 10), Read(Client, 100), Read(Client, 100), Read(Client, 100)]),
        after(&[Write(Client, 20), WriteAndDrop(Server, 10), Write(Client, 5), Read(Client, 100), Read(Client, 100)]),
        after(&[WriteAndDrop(Server, 10), Write(Client, 5), Write(Client, 5), Read(Client, 100), Read(Client, 100)]),
        after(&[Write(Client, 20), WriteAndDrop(Server, 10), Shutdown(Client), Read(Client, 4), Read(Client, 100)]),
        // A server has read a part of a message, refuses and closes.
        after(&[Write(Client, 5000), Read(Server, 4096), WriteAndDrop(Server, 10), Write(Client, 500)]),
        after(&[Write(Client, 5000), Read(Server, 5000), WriteAndDrop(Server, 10), Write(Client, 500)]),
        after(&[Write(Client, 50), Read(Server, 5), Write(Server, 10), Shutdown(Server), Drop(Server)]),
        // A client says everything and leaves, with and without unread replies.
        after(&[Write(Client, 50), Drop(Client), Read(Server, 10), Write(Server, 5), Read(Server, 100)]),
        after(&[Write(Server, 10), WriteAndDrop(Client, 50), Read(Server, 10), Read(Server, 100), Read(Server, 100)]),
        after(&[Write(Server, 10), Read(Client, 3), WriteAndDrop(Client, 50), Write(Server, 5), Read(Server, 100)]),
        // It leaves before it is accepted.
        vec![Connect, Drop(Client), Accept, Read(Server, 10), Write(Server, 5), Write(Server, 5)],
        vec![Connect, WriteAndDrop(Client, 30), Accept, Read(Server, 10), Write(Server, 5), Read(Server, 100)],
        // Nobody accepts it.
        vec![Connect, Write(Client, 10), Unlisten, Read(Client, 10), Write(Client, 1)],
        vec![Connect, Unlisten, Write(Client, 1), Write(Client, 1), Connect],
        // Halves.
        after(&[Write(Client, 10), Shutdown(Client), WriteAndDrop(Server, 5), Write(Client, 1)]),
        after(&[Shutdown(Client), Write(Server, 5), Drop(Client), Read(Server, 5), Write(Server, 5)]),
        after(&[Shutdown(Client), Shutdown(Server), Write(Client, 1), Shutdown(Client), Drop(Server)]),
    ]);
}

/// Numbers that look random (xorshift), the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn random_script(seed: u64) -> Vec<Op> {
    let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut script = vec![Connect];
    for _ in 0..12 {
        let end = if numbers.below(2) == 0 { Client } else { Server };
        let length = [1, 7, 40, 3000][usize::try_from(numbers.below(4)).expect("below 4")];
        script.push(match numbers.below(20) {
            0..3 => Accept,
            3..9 => Write(end, length),
            9..14 => Read(end, length),
            14 | 15 => Shutdown(end),
            16 => Drop(end),
            17 | 18 => WriteAndDrop(end, length),
            _ => Unlisten,
        });
    }
    script
}

#[test]
fn random_scripts() {
    let scripts: Vec<_> = (1..=400).map(random_script).collect();
    compare(&scripts);
}
