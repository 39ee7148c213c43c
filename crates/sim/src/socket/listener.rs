//! Listeners, and the connections that wait in them.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use mxlab_env::{BoxFuture, BoxStream, Listener};
use turmoil_net::shim::tokio::net::TcpListener;

use super::stream::{Connection, SimStream};
use super::{Home, OnHost};
use crate::sync::lock;

/// A listening socket, as its process and the wire share it.
pub(crate) struct Listening {
    listener: TcpListener,
    /// Connections that the wire has taken over before the process has, because a reset came for one of them; in order.
    waiting: Mutex<VecDeque<Arc<Connection>>>,
}

impl Listening {
    fn new(listener: TcpListener) -> Arc<Listening> {
        Arc::new(Listening { listener, waiting: Mutex::default() })
    }

    /// Takes over what turmoil-net has completed; returns the connections that were taken over now. The host has to be the
    /// current one.
    pub(crate) fn take_over(&self) -> Vec<Arc<Connection>> {
        let mut context = Context::from_waker(Waker::noop());
        let mut taken = Vec::new();
        // Bounded by the backlog of the listener.
        while let Poll::Ready(Ok((stream, _))) = self.listener.poll_accept(&mut context) {
            taken.extend(Connection::new(stream));
        }
        lock(&self.waiting).extend(taken.iter().cloned());
        taken
    }

    /// Removes a connection that waits.
    pub(crate) fn withdraw(&self, peer: SocketAddr) -> Option<Arc<Connection>> {
        let mut waiting = lock(&self.waiting);
        let place = waiting.iter().position(|connection| connection.peer == peer)?;
        waiting.remove(place)
    }

    /// Removes all connections that wait.
    pub(crate) fn withdraw_all(&self) -> VecDeque<Arc<Connection>> {
        mem::take(&mut *lock(&self.waiting))
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Arc<Connection>>> {
        if let Some(connection) = lock(&self.waiting).pop_front() {
            return Poll::Ready(Ok(connection));
        }
        match self.listener.poll_accept(cx) {
            Poll::Ready(accepted) => Poll::Ready(accepted.and_then(|(stream, _)| Connection::new(stream))),
            Poll::Pending => Poll::Pending,
        }
    }
}

pub(super) async fn listen(home: Home, at: SocketAddr) -> io::Result<Box<dyn Listener>> {
    home.enter()?;
    let reopened = home.kernel.wire().reopen(&home.host, at);
    let listening = match reopened {
        Some(listening) => listening,
        None => Listening::new(match OnHost::new(&home, TcpListener::bind(at)).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                home.kernel.wire().forget_closed(&home.host, at.port());
                OnHost::new(&home, TcpListener::bind(at)).await?
            }
            bound => bound?,
        }),
    };
    home.enter()?;
    let local = listening.listener.local_addr()?;
    home.kernel.wire().listening(&home.host, local, &listening);
    let number = home.process.opened(format!("a listener at {local}"));
    Ok(Box::new(SimListener { home, listening: Some(listening), local, number }))
}

/// A process's listener.
struct SimListener {
    home: Home,
    /// Some until dropped.
    listening: Option<Arc<Listening>>,
    local: SocketAddr,
    /// Its number among the sockets of its process.
    number: u64,
}

impl Listener for SimListener {
    fn local_addr(&self) -> SocketAddr {
        self.local
    }

    fn accept(&self) -> BoxFuture<'_, io::Result<BoxStream>> {
        Box::pin(async {
            let accepted = poll_fn(|cx| {
                self.home.enter()?;
                match &self.listening {
                    Some(listening) => listening.poll_accept(cx),
                    None => Poll::Pending,
                }
            });
            let connection = accepted.await?;
            let (local, peer) = (connection.local, connection.peer);
            let stream = SimStream::boxed(self.home.clone(), connection);
            self.home.note_read(local, peer);
            Ok(stream)
        })
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        self.home.process.closed(self.number);
        let Some(listening) = self.listening.take() else { return };
        match self.home.enter() {
            Ok(()) => {
                let cause = self.home.kernel.cause();
                self.home.kernel.wire().close(&self.home.host, self.local, listening, &cause);
            }
            Err(_) => mem::forget(listening),
        }
    }
}
