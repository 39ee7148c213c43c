//! One query, one answer: the transport under resolvers.
//!
//! Over UDP every query leaves from a new socket with a random port, and only a message that repeats its id and
//! question and comes from the server that was asked is its answer (RFC 5452 §9). Over TCP a message has its length
//! before it (RFC 7766 §8).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use mxlab_env::{BoxFuture, Env};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::name::Name;
use crate::record::Rcode;

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// In one datagram.
    Udp,
    /// Over a connection.
    Tcp,
}

impl Transport {
    /// The word for it in records.
    pub fn word(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
        }
    }
}

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
        transport: Transport,
        timeout: Duration,
    ) -> BoxFuture<'a, io::Result<Vec<u8>>>;
}

/// How many datagrams that are no answer are read before a query is given up. Somebody who sends more is guessing ids.
const MAX_STRAY: usize = 1_000;

/// UDP and TCP over an env.
#[derive(Clone, Debug)]
pub struct NetworkExchange {
    env: Env,
}

impl NetworkExchange {
    /// Over this env.
    pub fn new(env: &Env) -> NetworkExchange {
        NetworkExchange { env: env.clone() }
    }

    async fn over_udp(&self, query: &[u8], server: SocketAddr) -> io::Result<Vec<u8>> {
        let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = self.env.bind(SocketAddr::new(any, 0)).await?;
        socket.send_to(query, server).await?;
        let mut buffer = vec![0; 4_096];
        for _ in 0..MAX_STRAY {
            let (length, from) = socket.recv_from(&mut buffer).await?;
            let answer = buffer.get(..length).unwrap_or_default();
            // RFC 5452 §9.1: a message from elsewhere, or for another question, is not the answer; the answer may still
            // come.
            if from == server && answers(query, answer) {
                return Ok(answer.to_vec());
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    async fn over_tcp(&self, query: &[u8], server: SocketAddr) -> io::Result<Vec<u8>> {
        let mut stream = self.env.connect(server).await?;
        let length = u16::try_from(query.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        // RFC 7766 §8: length and message in one segment.
        stream.write_all(&[&length.to_be_bytes(), query].concat()).await?;
        let mut answer = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut answer).await?;
        // There is one query on this connection: after a message that does not answer it, no answer will follow.
        if answers(query, &answer) { Ok(answer) } else { Err(io::ErrorKind::InvalidData.into()) }
    }
}

impl Exchange for NetworkExchange {
    fn exchange<'a>(
        &'a self,
        query: &'a [u8],
        server: SocketAddr,
        transport: Transport,
        timeout: Duration,
    ) -> BoxFuture<'a, io::Result<Vec<u8>>> {
        Box::pin(async move {
            let answer = async {
                match transport {
                    Transport::Udp => self.over_udp(query, server).await,
                    Transport::Tcp => self.over_tcp(query, server).await,
                }
            };
            match tokio::time::timeout(timeout, answer).await {
                Ok(answer) => answer,
                Err(_) => Err(io::ErrorKind::TimedOut.into()),
            }
        })
    }
}

/// Whether `answer` is a response with the id and the question of `query`. A server that could not read the query
/// repeats no question; such an answer counts if it has only an error code.
pub(crate) fn answers(query: &[u8], answer: &[u8]) -> bool {
    let (Some(sent), Some(came)) = (query.first_chunk::<12>(), answer.first_chunk::<12>()) else { return false };
    let ([id_high, id_low, ..], [came_high, came_low, flags, codes, count_high, count_low, ..]) = (sent, came);
    if (id_high, id_low) != (came_high, came_low) || flags & 0x80 == 0 {
        return false;
    }
    if (*count_high, *count_low) == (0, 0) {
        let refusals = [Rcode::FORMERR, Rcode::SERVFAIL, Rcode::NOTIMP, Rcode::REFUSED];
        return refusals.contains(&Rcode(u16::from(codes & 0x0f))) && is_empty(answer);
    }
    // The question of a query is one uncompressed name, type and class; letters may come back in another case.
    let question = |message: &[u8]| {
        let rest = message.get(12..)?;
        let (name, length) = Name::from_wire_prefix(rest).ok()?;
        Some((name, rest.get(length..length + 4)?.to_vec()))
    };
    question(query).is_some_and(|asked| question(answer) == Some(asked))
}

/// Whether a message without question has no records either, EDNS (RFC 6891 §6.1.1) aside.
fn is_empty(message: &[u8]) -> bool {
    match message.get(6..12) {
        Some([0, 0, 0, 0, 0, 0]) => true,
        // The root's name, and type 41.
        Some([0, 0, 0, 0, 0, 1]) => message.get(12..15) == Some(&[0, 0, 41]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rdata::{A, Rdata as _};
    use crate::record::{Record, RecordType};
    use crate::wire::{Edns, Message};

    #[test]
    fn what_answers_a_query() {
        let name = |text: &str| text.parse::<Name>().unwrap();
        let query = Message::query(7, name("m.z"), RecordType::A, Some(Edns::new(1_232, true)));
        let record = || Record::new(name("m.z"), RecordType::A, 300, A([192, 0, 2, 1].into()).to_rdata());
        let check = |what: &str, change: &dyn Fn(&mut Message), expected: bool| {
            let mut response = query.response(Rcode::NOERROR);
            change(&mut response);
            assert_eq!(answers(&query.encode(512), &response.encode(512)), expected, "{what}");
        };
        check("an answer", &|response| response.answer = vec![record()], true);
        check("another id", &|response| response.id = 8, false);
        check("a query", &|response| response.flags.response = false, false);
        let ask = |response: &mut Message, text: &str| {
            if let Some(question) = &mut response.question {
                question.name = name(text);
            }
        };
        check("letters in another case", &|response| ask(response, "M.z"), true);
        check("another question", &|response| ask(response, "n.z"), false);
        for (rcode, expected) in [
            (Rcode::FORMERR, true),
            (Rcode::SERVFAIL, true),
            (Rcode::NOTIMP, true),
            (Rcode::REFUSED, true),
            (Rcode::NOERROR, false),
            (Rcode::NXDOMAIN, false),
        ] {
            let bare = |response: &mut Message| (response.question, response.rcode) = (None, rcode);
            let what = format!("{rcode} without question");
            check(&what, &|response| bare(response), expected);
            check(&what, &|response| (bare(response), response.edns = Some(Edns::new(512, true))).1, expected);
            check(&what, &|response| (bare(response), response.answer.push(record())).1, false);
            check(&what, &|response| (bare(response), response.authority.push(record())).1, false);
            check(&what, &|response| (bare(response), response.additional.push(record())).1, false);
        }
    }
}
