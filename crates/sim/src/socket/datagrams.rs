//! Sockets for datagrams.

use std::io;
use std::net::SocketAddr;

use mxlab_env::{BoxFuture, Datagrams};
use turmoil_net::shim::tokio::net::UdpSocket;

use super::{Home, OnHost};
use crate::cause;

/// The ports from which an unbound UDP socket draws (RFC 6335 §6).
const DYNAMIC_PORTS: std::ops::RangeInclusive<u16> = 49_152..=65_535;

/// How many drawn ports may be taken before giving up.
const PORT_DRAWS: usize = 64;

pub(super) async fn bind(home: Home, at: SocketAddr, draw: impl Fn() -> u16) -> io::Result<Box<dyn Datagrams>> {
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
    home.kernel.wire().note_bind(&home.host, local.port());
    let number = home.process.opened(format!("a socket for datagrams at {local}"));
    Ok(Box::new(SimDatagrams { home, socket: Some(socket), local, number }))
}

struct SimDatagrams {
    home: Home,
    /// Some until dropped.
    socket: Option<UdpSocket>,
    local: SocketAddr,
    /// Its number among the sockets of its process.
    number: u64,
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
            let Home { kernel, host, .. } = &self.home;
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
        self.home.process.closed(self.number);
        let socket = self.socket.take();
        self.home.dispose(socket);
    }
}
