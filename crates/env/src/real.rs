//! The adapter to the real machine: the system's clock, randomness and files, tokio's sockets and tasks.
//!
//! This is the only place in the repository that may read the real clock or the system's randomness, or open real
//! sockets.
#![allow(clippy::disallowed_types, reason = "the real sockets are what this adapter is for")]

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};

use crate::{BoxFuture, BoxStream, Datagrams, Env, Files, Listener, Ports, Stream, Task, Timestamp};

mod process;

pub use process::{RealMachine, RealNetwork, TaskPanic};

use process::Process;

/// An env on this machine, with its files below `folder`. Needs a running tokio runtime with I/O and time enabled.
///
/// Its tasks run for as long as the runtime does; a [`RealMachine`] has processes that can be ended.
pub fn env(folder: impl Into<PathBuf>) -> Env {
    Env::new(Real { process: Arc::default(), files: RealFiles { folder: folder.into() } })
}

/// Random bytes from the system; `false` if it has none.
#[allow(clippy::disallowed_methods, reason = "the real adapter is where the system's randomness comes from")]
pub(crate) fn fill_from_system(buffer: &mut [u8]) -> bool {
    use ring::rand::SecureRandom;
    ring::rand::SystemRandom::new().fill(buffer).is_ok()
}

struct Real {
    process: Arc<Process>,
    files: RealFiles,
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
            RealStream::boxed(socket.connect(to).await?)
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
    fn boxed(stream: TcpStream) -> io::Result<BoxStream> {
        stream.set_nodelay(true)?;
        let (local, peer) = (stream.local_addr()?, stream.peer_addr()?);
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
        Box::pin(async move { RealStream::boxed(self.listener.accept().await?.0) })
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

/// Files below a folder. The calls block for as long as the disk takes, which is acceptable for a spool of small files.
struct RealFiles {
    folder: PathBuf,
}

impl RealFiles {
    fn path(&self, name: &str) -> io::Result<PathBuf> {
        let ok = !name.is_empty()
            && name.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"./-".contains(&b));
        if ok {
            Ok(self.folder.join(name))
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file name"))
        }
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => std::fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn ready<'a, T: Send + 'a>(result: T) -> BoxFuture<'a, T> {
    Box::pin(std::future::ready(result)) as Pin<Box<dyn Future<Output = T> + Send + 'a>>
}

impl Files for RealFiles {
    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<u8>>> {
        ready(self.path(name).and_then(std::fs::read))
    }

    fn replace<'a>(&'a self, name: &'a str, content: &'a [u8]) -> BoxFuture<'a, io::Result<()>> {
        let write = || {
            let path = self.path(name)?;
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            // Written to a second file and renamed: a crash leaves the old file or the new one. Upper case, so that no
            // name of the port can be the same.
            let mut beside = path.clone().into_os_string();
            beside.push(".NEW");
            let mut file = std::fs::File::create(&beside)?;
            io::Write::write_all(&mut file, content)?;
            file.sync_all()?;
            std::fs::rename(&beside, &path)?;
            sync_folder(&path)
        };
        ready(write())
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<()>> {
        let remove = || {
            let path = self.path(name)?;
            match std::fs::remove_file(&path) {
                Ok(()) => sync_folder(&path),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                Err(error) => Err(error),
            }
        };
        ready(remove())
    }

    fn list<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, io::Result<Vec<String>>> {
        let list = || {
            let mut names = Vec::new();
            let entries = match std::fs::read_dir(self.path(folder)?) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
                Err(error) => return Err(error),
            };
            for entry in entries {
                let entry = entry?;
                let name = entry.file_name();
                match name.to_str() {
                    Some(name) if entry.file_type()?.is_file() && !name.ends_with(".NEW") => {
                        names.push(format!("{folder}/{name}"));
                    }
                    _ => {}
                }
            }
            names.sort();
            Ok(names)
        };
        ready(list())
    }
}
