//! One query, one answer: the transport under resolvers.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use mxlab_env::{BoxFuture, Env};

/// Sends a query to a server and waits for its answer.
pub trait Exchange: Send + Sync {
    /// The answer: octets that repeat the query's id and question.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] after `timeout`, or those of the machine.
    fn exchange<'a>(
        &'a self,
        query: &'a [u8],
        server: SocketAddr,
        timeout: Duration,
    ) -> BoxFuture<'a, io::Result<Vec<u8>>>;
}

/// UDP over an env: every query from a new socket, whose port the machine draws (RFC 5452 §9.2).
#[derive(Clone, Debug)]
pub struct UdpExchange {
    env: Env,
}

impl UdpExchange {
    /// Over this env.
    pub fn new(env: &Env) -> UdpExchange {
        UdpExchange { env: env.clone() }
    }

    async fn wait(&self, query: &[u8], server: SocketAddr) -> io::Result<Vec<u8>> {
        let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = self.env.bind(SocketAddr::new(any, 0)).await?;
        socket.send_to(query, server).await?;
        let mut buffer = vec![0; 4_096];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await?;
            let answer = buffer.get(..length).unwrap_or_default();
            // RFC 5452 §9.1: what comes from elsewhere, or to another question, is not the answer; it may still come.
            if from == server && answers(query, answer) {
                return Ok(answer.to_vec());
            }
        }
    }
}

impl Exchange for UdpExchange {
    fn exchange<'a>(
        &'a self,
        query: &'a [u8],
        server: SocketAddr,
        timeout: Duration,
    ) -> BoxFuture<'a, io::Result<Vec<u8>>> {
        Box::pin(async move {
            match tokio::time::timeout(timeout, self.wait(query, server)).await {
                Ok(answer) => answer,
                Err(_) => Err(io::ErrorKind::TimedOut.into()),
            }
        })
    }
}

/// Whether `answer` is a response with the id and the question of `query`. A server that could not read the query repeats
/// no question; such an answer counts.
fn answers(query: &[u8], answer: &[u8]) -> bool {
    let (Some(sent), Some(came)) = (query.first_chunk::<12>(), answer.first_chunk::<12>()) else { return false };
    let ([id_high, id_low, ..], [came_high, came_low, flags, _, count_high, count_low, ..]) = (sent, came);
    if (id_high, id_low) != (came_high, came_low) || flags & 0x80 == 0 {
        return false;
    }
    if (*count_high, *count_low) == (0, 0) {
        return true;
    }
    // The question of a query is one uncompressed name, type and class; letters may come back in another case.
    let question = |message: &[u8]| {
        let rest = message.get(12..)?;
        let (name, length) = crate::name::Name::from_wire_prefix(rest).ok()?;
        Some((name, rest.get(length..length + 4)?.to_vec()))
    };
    question(query).is_some_and(|asked| question(answer) == Some(asked))
}
