//! Sockets that know their host.
//!
//! turmoil-net's calls go to the host that is current on the thread. Every use of a socket here, including its drop,
//! makes its own host the current one first, so that a socket works wherever it was moved. A socket that outlives its
//! world does nothing any more. Each use also tells the wire what it follows from, see `cause`.

use std::future::{Future, poll_fn};
use std::io;
use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use mxlab_env::{BoxFuture, BoxStream, Datagrams, Listener, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use turmoil_net::shim::tokio::net::{TcpListener, TcpStream, UdpSocket};

use crate::cause;
use crate::host::Host;
use crate::kernel::Kernel;
use crate::sync::lock;

/// The size of a simulated receive buffer. A read that frees less than half of it does not reopen a window that has
/// closed, so all of it is read at once.
const RECEIVE_BUFFER: usize = 64 * 1024;

/// The ports from which an unbound UDP socket draws (RFC 6335 §6).
const DYNAMIC_PORTS: std::ops::RangeInclusive<u16> = 49_152..=65_535;

/// How many drawn ports may be taken before giving up.
const PORT_DRAWS: usize = 64;

/// Where a socket lives.
#[derive(Clone)]
struct Home {
    kernel: Arc<Kernel>,
    host: Arc<Host>,
}

impl Home {
    fn new(kernel: &Arc<Kernel>, host: &Arc<Host>) -> Home {
        Home { kernel: Arc::clone(kernel), host: Arc::clone(host) }
    }

    /// Makes the host current; an error once the world is gone.
    fn enter(&self) -> io::Result<()> {
        if !self.kernel.is_here() {
            return Err(io::Error::other("the world has ended"));
        }
        turmoil_net::set_current(self.host.id);
        Ok(())
    }

    fn note_write(&self, local: SocketAddr, peer: SocketAddr) {
        if self.kernel.is_here() {
            self.kernel.wire().note_write(local, peer, self.kernel.cause());
        }
    }

    fn note_read(&self, local: SocketAddr, peer: SocketAddr) {
        let cause = self.kernel.wire().segment_read(local, peer);
        cause.iter().for_each(cause::read);
    }

    /// Drops the holder of a socket on its host; does nothing if the world, and the socket with it, is gone.
    fn dispose<T>(&self, socket: T) {
        match self.enter() {
            Ok(()) => drop(socket),
            Err(_) => mem::forget(socket),
        }
    }
}

/// A future that uses a host's sockets.
struct OnHost<F> {
    home: Home,
    future: Option<Pin<Box<F>>>,
}

impl<F: Future> OnHost<F> {
    fn new(home: &Home, future: F) -> OnHost<F> {
        OnHost { home: home.clone(), future: Some(Box::pin(future)) }
    }
}

impl<T, F: Future<Output = io::Result<T>>> Future for OnHost<F> {
    type Output = io::Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        self.home.enter()?;
        match &mut self.future {
            Some(future) => future.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl<F> Drop for OnHost<F> {
    fn drop(&mut self) {
        let future = self.future.take();
        self.home.dispose(future);
    }
}

pub(crate) async fn connect(
    kernel: &Arc<Kernel>,
    host: &Arc<Host>,
    from: Option<IpAddr>,
    to: SocketAddr,
) -> io::Result<BoxStream> {
    let home = Home::new(kernel, host);
    if let Some(from) = from.filter(|from| host.address_towards(to.ip()) != Some(*from)) {
        // turmoil-net binds no socket before it connects: a host speaks from its first address of the family.
        let kind = if host.is_at(from) { io::ErrorKind::Unsupported } else { io::ErrorKind::AddrNotAvailable };
        return Err(io::Error::new(kind, format!("{} does not speak from {from}", host.name)));
    }
    // The first poll of the connect emits its SYN; it comes at once.
    kernel.wire().note_dial(host, to, kernel.cause());
    let stream = OnHost::new(&home, TcpStream::connect(to)).await?;
    SimStream::boxed(home, stream)
}

pub(crate) async fn listen(kernel: &Arc<Kernel>, host: &Arc<Host>, at: SocketAddr) -> io::Result<Box<dyn Listener>> {
    let home = Home::new(kernel, host);
    home.enter()?;
    let reopened = kernel.wire().reopen(host, at);
    let listener = match reopened {
        Some(listener) => listener,
        None => match OnHost::new(&home, TcpListener::bind(at)).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                kernel.wire().forget_closed(host, at.port());
                OnHost::new(&home, TcpListener::bind(at)).await?
            }
            bound => bound?,
        },
    };
    home.enter()?;
    let local = listener.local_addr()?;
    Ok(Box::new(SimListener { home, listener: Some(listener), local }))
}

pub(crate) async fn bind(
    kernel: &Arc<Kernel>,
    host: &Arc<Host>,
    at: SocketAddr,
    draw: impl Fn() -> u16,
) -> io::Result<Box<dyn Datagrams>> {
    let home = Home::new(kernel, host);
    let mut attempts = if at.port() == 0 { PORT_DRAWS } else { 1 };
    let span = DYNAMIC_PORTS.end() - DYNAMIC_PORTS.start() + 1;
    let socket = loop {
        let port = if at.port() == 0 { DYNAMIC_PORTS.start() + draw() % span } else { at.port() };
        attempts -= 1;
        match OnHost::new(&home, UdpSocket::bind(SocketAddr::new(at.ip(), port))).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempts > 0 => {}
            bound => break bound?,
        }
    };
    home.enter()?;
    let local = socket.local_addr()?;
    kernel.wire().note_bind(host, local.port());
    Ok(Box::new(SimDatagrams { home, socket: Some(socket), local }))
}

struct SimStream {
    home: Home,
    /// Some until dropped.
    stream: Option<TcpStream>,
    local: SocketAddr,
    peer: SocketAddr,
    /// What was read from the socket; the caller already has the first `taken` bytes.
    received: Vec<u8>,
    taken: usize,
    /// The peer has sent FIN or RST: it will send nothing more.
    peer_done: bool,
}

impl SimStream {
    fn boxed(home: Home, stream: TcpStream) -> io::Result<BoxStream> {
        home.enter()?;
        let (local, peer) = (stream.local_addr()?, stream.peer_addr()?);
        let received = Vec::new();
        Ok(Box::new(SimStream { home, stream: Some(stream), local, peer, received, taken: 0, peer_done: false }))
    }

    fn stream(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.home.enter()?;
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let kernel = Arc::clone(&self.home.kernel);
        let mut scratch = lock(&kernel.scratch);
        scratch.resize(RECEIVE_BUFFER, 0);
        let mut buffer = ReadBuf::new(&mut scratch);
        let polled = self.stream()?.poll_read(cx, &mut buffer);
        self.received.clear();
        self.received.extend_from_slice(buffer.filled());
        self.taken = 0;
        match &polled {
            Poll::Ready(Ok(())) => self.peer_done = self.received.is_empty(),
            Poll::Ready(Err(_)) => self.peer_done = true,
            Poll::Pending => return polled,
        }
        self.home.note_read(self.local, self.peer);
        polled
    }
}

impl Stream for SimStream {
    fn local_addr(&self) -> SocketAddr {
        self.local
    }
    fn peer_addr(&self) -> SocketAddr {
        self.peer
    }
}

impl AsyncRead for SimStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.taken == self.received.len() {
            match self.receive(cx) {
                Poll::Ready(Ok(())) => {}
                other => return other,
            }
        }
        let rest = &self.received[self.taken..];
        let piece = buffer.remaining().min(rest.len());
        buffer.put_slice(&rest[..piece]);
        self.taken += piece;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for SimStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.home.note_write(self.local, self.peer);
        self.stream()?.poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.home.note_write(self.local, self.peer);
        self.stream()?.poll_shutdown(cx)
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        let stream = self.stream.take();
        self.home.note_write(self.local, self.peer);
        self.home.dispose(stream);
        if !self.peer_done && self.home.kernel.is_here() {
            self.home.kernel.wire().orphan(self.local, self.peer);
        }
    }
}

struct SimListener {
    home: Home,
    /// Some until dropped.
    listener: Option<TcpListener>,
    local: SocketAddr,
}

impl Listener for SimListener {
    fn local_addr(&self) -> SocketAddr {
        self.local
    }

    fn accept(&self) -> BoxFuture<'_, io::Result<BoxStream>> {
        Box::pin(async {
            let accepted = poll_fn(|cx| {
                self.home.enter()?;
                match &self.listener {
                    Some(listener) => listener.poll_accept(cx),
                    None => Poll::Pending,
                }
            });
            let (stream, peer) = accepted.await?;
            let stream = SimStream::boxed(self.home.clone(), stream)?;
            self.home.note_read(stream.local_addr(), peer);
            Ok(stream)
        })
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        let Some(listener) = self.listener.take() else { return };
        match self.home.enter() {
            Ok(()) => self.home.kernel.wire().close(&self.home.host, self.local, listener),
            Err(_) => mem::forget(listener),
        }
    }
}

struct SimDatagrams {
    home: Home,
    /// Some until dropped.
    socket: Option<UdpSocket>,
    local: SocketAddr,
}

impl SimDatagrams {
    fn socket(&self) -> io::Result<&UdpSocket> {
        self.socket.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Its end of what it exchanges with `peer`.
    fn local_towards(&self, peer: SocketAddr) -> SocketAddr {
        let bound = self.local.ip();
        let ip = if bound.is_unspecified() { self.home.host.address_towards(peer.ip()) } else { None };
        SocketAddr::new(ip.unwrap_or(bound), self.local.port())
    }
}

impl Datagrams for SimDatagrams {
    fn local_addr(&self) -> SocketAddr {
        self.local
    }

    fn send_to<'a>(&'a self, payload: &'a [u8], to: SocketAddr) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(async move {
            OnHost::new(&self.home, self.socket()?.send_to(payload, to)).await?;
            let Home { kernel, host } = &self.home;
            kernel.wire().note_datagram(host, self.local_towards(to), to, kernel.cause());
            Ok(())
        })
    }

    fn recv_from<'a>(&'a self, buffer: &'a mut [u8]) -> BoxFuture<'a, io::Result<(usize, SocketAddr)>> {
        Box::pin(async move {
            let (length, from) = OnHost::new(&self.home, self.socket()?.recv_from(buffer)).await?;
            let cause = self.home.kernel.wire().datagram_read(self.local_towards(from), from);
            cause.iter().for_each(cause::read);
            Ok((length, from))
        })
    }
}

impl Drop for SimDatagrams {
    fn drop(&mut self) {
        let socket = self.socket.take();
        self.home.dispose(socket);
    }
}
