//! Sockets that know their host.
//!
//! turmoil-net's calls go to the host that is current on the thread. Every use of a socket here, including its drop,
//! makes its own host the current one first, so that a socket works wherever it was moved. A socket that outlives its
//! world does nothing any more. Each use also tells the wire what it follows from, see `cause`.

mod datagrams;
mod listener;
mod stream;

use std::future::Future;
use std::io;
use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use mxlab_env::{BoxStream, Datagrams, Listener};
use turmoil_net::shim::tokio::net::TcpStream;

pub(crate) use self::listener::Listening;
pub(crate) use self::stream::Connection;
use self::stream::SimStream;
use crate::cause;
use crate::host::{Host, Process};
use crate::kernel::Kernel;

/// The size of a simulated receive buffer.
const RECEIVE_BUFFER: usize = 64 * 1024;

/// Where a socket lives.
#[derive(Clone)]
pub(crate) struct Home {
    kernel: Arc<Kernel>,
    host: Arc<Host>,
    process: Arc<Process>,
}

impl Home {
    pub(crate) fn new(kernel: &Arc<Kernel>, host: &Arc<Host>, process: &Arc<Process>) -> Home {
        Home { kernel: Arc::clone(kernel), host: Arc::clone(host), process: Arc::clone(process) }
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

pub(crate) async fn connect(home: Home, from: Option<IpAddr>, to: SocketAddr) -> io::Result<BoxStream> {
    let Home { kernel, host, .. } = &home;
    if let Some(from) = from.filter(|from| host.address_towards(to.ip()) != Some(*from)) {
        // turmoil-net binds no socket before it connects: a host speaks from its first address of the family.
        let kind = if host.is_at(from) { io::ErrorKind::Unsupported } else { io::ErrorKind::AddrNotAvailable };
        return Err(io::Error::new(kind, format!("{} does not speak from {from}", host.name)));
    }
    // The first poll of the connect emits its SYN; it comes at once.
    kernel.wire().note_dial(host, to, kernel.cause());
    let stream = OnHost::new(&home, TcpStream::connect(to)).await?;
    home.enter()?;
    let connection = Connection::new(stream)?;
    Ok(SimStream::boxed(home, connection))
}

pub(crate) async fn listen(home: Home, at: SocketAddr) -> io::Result<Box<dyn Listener>> {
    listener::listen(home, at).await
}

pub(crate) async fn bind(home: Home, at: SocketAddr, draw: impl Fn() -> u16) -> io::Result<Box<dyn Datagrams>> {
    datagrams::bind(home, at, draw).await
}
