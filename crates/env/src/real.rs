//! The adapter to the real machine: the system's clock, randomness and files, tokio's sockets and tasks.
//!
//! This is the only place in the repository that may read the real clock or the system's randomness, or open real
//! sockets.
#![allow(clippy::disallowed_types, reason = "the real sockets are what this adapter is for")]

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};

use crate::{BoxFuture, BoxStream, Datagrams, Env, Files, Listener, Ports, Stream, Task, Timestamp};

mod files;
mod process;

pub use process::{RealMachine, RealNetwork, TaskPanic};

use crate::files::Store;
use files::Folder;
use process::Process;

/// An env on this machine, with its files below `folder`. Needs a running tokio runtime with I/O and time enabled.
///
/// Its tasks run for as long as the runtime does; a [`RealMachine`] has processes that can be ended.
pub fn env(folder: impl Into<PathBuf>) -> Env {
    Env::new(Real { process: Arc::default(), files: Store(Folder(folder.into())) })
}

/// Random bytes from the system; `false` if it has none.
#[allow(clippy::disallowed_methods, reason = "the real adapter is where the system's randomness comes from")]
pub(crate) fn fill_from_system(buffer: &mut [u8]) -> bool {
    use ring::rand::SecureRandom;
    ring::rand::SystemRandom::new().fill(buffer).is_ok()
}

struct Real {
    process: Arc<Process>,
    files: Store<Folder>,
}

impl Ports for Real {
    #[allow(clippy::disallowed_methods, reason = "the real adapter is where the real clock comes from")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn fill(&self, buffer: &mut [u8]) {
        // Without randomness, query ids would be predictable; the process must not continue.
        if !fill_from_system(buffer) {
            std::process::abort();
        }
    }

    fn tells(&self, who: &str) {
        self.process.tells(who);
    }

    fn spawn(&self, name: String, task: BoxFuture<'static, ()>) -> Task {
        self.process.spawn(name, task)
    }

    fn connect(&self, from: Option<IpAddr>, to: SocketAddr) -> BoxFuture<'_, io::Result<BoxStream>> {
        Box::pin(async move {
            self.process.check()?;
            let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            if let Some(from) = from {
                socket.bind(SocketAddr::new(from, 0))?;
            }
            RealStream::boxed(socket.connect(to).await?, to)
        })
    }

    fn listen(&self, at: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        Box::pin(async move {
            self.process.check()?;
            let listener = TcpListener::bind(at).await?;
            let local = listener.local_addr()?;
            Ok(Box::new(RealListener { listener, local }) as Box<dyn Listener>)
        })
    }

    fn bind(&self, at: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Datagrams>>> {
        Box::pin(async move {
            self.process.check()?;
            let socket = UdpSocket::bind(at).await?;
            let local = socket.local_addr()?;
            Ok(Box::new(RealDatagrams { socket, local }) as Box<dyn Datagrams>)
        })
    }

    fn files(&self) -> &dyn Files {
        &self.files
    }
}

struct RealStream {
    stream: TcpStream,
    local: SocketAddr,
    peer: SocketAddr,
}

impl RealStream {
    fn boxed(stream: TcpStream, peer: SocketAddr) -> io::Result<BoxStream> {
        stream.set_nodelay(true)?;
        let local = stream.local_addr()?;
        Ok(Box::new(RealStream { stream, local, peer }))
    }
}

impl Stream for RealStream {
    fn local_addr(&self) -> SocketAddr {
        self.local
    }
    fn peer_addr(&self) -> SocketAddr {
        self.peer
    }
}

impl AsyncRead for RealStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for RealStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

struct RealListener {
    listener: TcpListener,
    local: SocketAddr,
}

impl Listener for RealListener {
    fn local_addr(&self) -> SocketAddr {
        self.local
    }
    fn accept(&self) -> BoxFuture<'_, io::Result<BoxStream>> {
        Box::pin(async move {
            // The system knows no peer any more of a connection that was reset while it waited; what the client said is there.
            let (stream, peer) = self.listener.accept().await?;
            RealStream::boxed(stream, peer)
        })
    }
}

struct RealDatagrams {
    socket: UdpSocket,
    local: SocketAddr,
}

impl Datagrams for RealDatagrams {
    fn local_addr(&self) -> SocketAddr {
        self.local
    }
    fn send_to<'a>(&'a self, payload: &'a [u8], to: SocketAddr) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(async move { self.socket.send_to(payload, to).await.map(|_| ()) })
    }
    fn recv_from<'a>(&'a self, buffer: &'a mut [u8]) -> BoxFuture<'a, io::Result<(usize, SocketAddr)>> {
        Box::pin(self.socket.recv_from(buffer))
    }
}
