//! An open connection, as its process and the wire share it.
//!
//! turmoil-net forgets what has arrived when a reset comes. A real machine does not: what came before the reset can still
//! be read, then the reset is reported, once, and then the end. So the wire tells a connection of a reset before
//! turmoil-net learns of it, and the connection keeps what has arrived until then.
//!
//! turmoil-net opens a closed window only after one read of half the receive buffer. So a small read of the caller only
//! looks at what has arrived; it is taken from turmoil-net when the caller has got half a buffer or everything. What the
//! caller has not got is unread, and a connection that is closed with something unread is reset (RFC 2525 §2.17).

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use mxlab_env::{BoxStream, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use turmoil_net::shim::tokio::net::TcpStream;

use super::{Home, RECEIVE_BUFFER};
use crate::kernel::Kernel;
use crate::sync::lock;

/// How much is taken from turmoil-net at once when a reset comes: less than half of the receive buffer, so that no segment
/// announces a window of a connection that is gone.
const PIECE: usize = RECEIVE_BUFFER / 4;

/// An open connection: its ends, and its state.
pub(crate) struct Connection {
    pub(crate) local: SocketAddr,
    pub(crate) peer: SocketAddr,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Some until closed.
    stream: Option<TcpStream>,
    /// How many octets the caller has already got of those that turmoil-net still holds.
    taken: usize,
    /// The peer has sent FIN or RST: it will send nothing more.
    peer_done: bool,
    reset: Option<Reset>,
}

/// A reset that has come.
struct Reset {
    /// What had arrived before it and is not read yet.
    kept: VecDeque<u8>,
    /// FIN had come before: then the end is read, not the reset.
    after_fin: bool,
    /// The error that the caller has not been told yet.
    untold: Option<io::ErrorKind>,
    /// The caller has read nothing since.
    fresh: bool,
}

impl Connection {
    /// A connection that turmoil-net has opened. Its host has to be the current one.
    pub(crate) fn new(stream: TcpStream) -> io::Result<Arc<Connection>> {
        let (local, peer) = (stream.local_addr()?, stream.peer_addr()?);
        let state = State { stream: Some(stream), ..State::default() };
        Ok(Arc::new(Connection { local, peer, state: Mutex::new(state) }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// A reset is about to be delivered: what has arrived until now is kept. The host has to be the current one.
    pub(crate) fn reset(&self) {
        let mut state = self.state();
        let Some(stream) = state.stream.as_ref().filter(|_| state.reset.is_none()) else { return };
        let mut arrived = Vec::new();
        let mut piece = vec![0; PIECE];
        // Bounded by the receive buffer.
        let after_fin = loop {
            match stream.try_read(&mut piece) {
                Ok(0) => break true,
                Ok(length) => arrived.extend_from_slice(&piece[..length]),
                Err(_) => break false,
            }
        };
        arrived.drain(..state.taken.min(arrived.len()));
        state.peer_done = true;
        // As Linux does: in the state CLOSE-WAIT the error is that of a broken pipe.
        let error = if after_fin { io::ErrorKind::BrokenPipe } else { io::ErrorKind::ConnectionReset };
        state.reset = Some(Reset { kept: arrived.into(), after_fin, untold: Some(error), fresh: true });
    }

    /// Whether a reset has come.
    pub(crate) fn is_reset(&self) -> bool {
        self.state().reset.is_some()
    }

    /// Takes the socket out, to close it.
    pub(crate) fn take(&self) -> Option<TcpStream> {
        self.state().stream.take()
    }
}

impl Reset {
    /// What comes before the reset, then the error once, then the end.
    fn read(&mut self, buffer: &mut ReadBuf<'_>) -> io::Result<()> {
        if self.kept.is_empty() && !self.after_fin {
            return self.untold.take().map_or(Ok(()), |kind| Err(kind.into()));
        }
        let piece = buffer.remaining().min(self.kept.len());
        buffer.put_slice(&self.kept.make_contiguous()[..piece]);
        self.kept.drain(..piece);
        Ok(())
    }
}

impl State {
    fn stream(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Gives the caller what has arrived, as much as fits.
    fn read(&mut self, kernel: &Kernel, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut scratch = lock(&kernel.scratch);
        scratch.resize(RECEIVE_BUFFER + 1, 0);
        let stream = self.stream.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        // One octet more than fits shows whether that is all.
        let most = self.taken.saturating_add(buffer.remaining()).min(RECEIVE_BUFFER);
        let mut looked = ReadBuf::new(&mut scratch[..=most]);
        let there = match stream.poll_peek(cx, &mut looked) {
            Poll::Ready(Ok(there)) => there,
            Poll::Ready(Err(error)) => {
                self.peer_done = true;
                return Poll::Ready(Err(error));
            }
            Poll::Pending => return Poll::Pending,
        };
        self.peer_done = there == 0;
        let is_all = there <= most;
        let end = there.min(most);
        buffer.put_slice(&looked.filled()[self.taken.min(end)..end]);
        self.taken = end;
        if is_all || self.taken >= RECEIVE_BUFFER / 2 {
            if self.taken > 0 {
                stream.try_read(&mut scratch[..self.taken])?;
            }
            self.taken = 0;
        }
        Poll::Ready(Ok(()))
    }

    fn is_unread(&self) -> bool {
        let nothing = &mut Context::from_waker(Waker::noop());
        let mut octets = vec![0; self.taken + 1];
        let stream = self.stream.as_ref().filter(|_| self.reset.is_none());
        stream.is_some_and(|stream| {
            let looked = stream.poll_peek(nothing, &mut ReadBuf::new(&mut octets));
            matches!(looked, Poll::Ready(Ok(there)) if there > self.taken)
        })
    }
}

/// A process's end of a connection.
pub(super) struct SimStream {
    home: Home,
    connection: Arc<Connection>,
    /// Its number among the sockets of its process.
    number: u64,
}

impl SimStream {
    pub(super) fn boxed(home: Home, connection: Arc<Connection>) -> BoxStream {
        let (local, peer) = (connection.local, connection.peer);
        home.kernel.wire().opened(&home.host, &connection);
        let number = home.process.opened(format!("a connection of {local} with {peer}"));
        Box::new(SimStream { home, connection, number })
    }

    fn note_read(&self) {
        self.home.note_read(self.connection.local, self.connection.peer);
    }

    fn note_write(&self) {
        self.home.note_write(self.connection.local, self.connection.peer);
    }
}

impl Stream for SimStream {
    fn local_addr(&self) -> SocketAddr {
        self.connection.local
    }
    fn peer_addr(&self) -> SocketAddr {
        self.connection.peer
    }
}

impl AsyncRead for SimStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.home.enter()?;
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let mut state = self.connection.state();
        if let Some(reset) = &mut state.reset {
            if std::mem::take(&mut reset.fresh) {
                self.note_read();
            }
            return Poll::Ready(reset.read(buffer));
        }
        let read = state.read(&self.home.kernel, cx, buffer);
        if read.is_ready() {
            self.note_read();
        }
        read
    }
}

impl AsyncWrite for SimStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.home.enter()?;
        self.note_write();
        let mut state = self.connection.state();
        if let Some(reset) = &mut state.reset {
            return Poll::Ready(Err(reset.untold.take().unwrap_or(io::ErrorKind::BrokenPipe).into()));
        }
        state.stream()?.poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.home.enter()?;
        self.note_write();
        let mut state = self.connection.state();
        // As tokio does on a real machine: there is nothing left to shut down.
        if state.reset.is_some() { Poll::Ready(Ok(())) } else { state.stream()?.poll_shutdown(cx) }
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        let SimStream { home, connection, number } = self;
        home.process.closed(*number);
        home.note_write(connection.local, connection.peer);
        if home.enter().is_err() {
            std::mem::forget(connection.take());
            return;
        }
        let unread = connection.state().is_unread();
        if unread {
            // The connection will be reset. What was written before is under way already on a real machine.
            home.kernel.send_written();
        }
        let may_hear_more = !unread && !connection.state().peer_done;
        home.kernel.wire().closing(&home.host, connection, may_hear_more, unread);
        home.dispose(connection.take());
    }
}
