//! The resolver that all judges ask: it iterates over the authorities in memory, does not validate, and gives every judge
//! the same octets.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mxlab_dns::exchange::Exchange;
use mxlab_dns::wire::{Edns, Message};
use mxlab_dns::{Authority, Name, RecordType, Recursor, RecursorConfig, Reply, Responder as _, Transport};
use mxlab_env::{BoxFuture, Env};

use crate::internet::{Internet, name};

/// The wire between the recursor and the authorities.
struct Memory {
    env: Env,
    authorities: BTreeMap<IpAddr, Arc<Authority>>,
}

impl Exchange for Memory {
    fn exchange<'a>(
        &'a self,
        query: &'a [u8],
        server: SocketAddr,
        _timeout: Duration,
    ) -> BoxFuture<'a, io::Result<Vec<u8>>> {
        let authority = self.authorities.get(&server.ip());
        let reply = authority.map(|authority| authority.answer(query, Transport::Tcp, self.env.now()));
        let answer = match reply {
            Some(Reply::Bytes(octets) | Reply::Later(_, octets)) => Ok(octets),
            Some(Reply::Nothing | Reply::Close) | None => Err(io::ErrorKind::TimedOut.into()),
        };
        Box::pin(std::future::ready(answer))
    }
}

/// A resolver that remembers every answer as octets.
pub struct Upstream {
    recursor: Recursor,
    answers: Mutex<BTreeMap<(Name, RecordType), Option<Vec<u8>>>>,
}

impl Upstream {
    pub fn new(env: &Env, internet: &Internet) -> Upstream {
        let memory = Memory { env: env.clone(), authorities: internet.by_address() };
        let config = RecursorConfig::new(vec![(name("ns"), vec![internet.root().into()])]);
        Upstream { recursor: Recursor::with_exchange(env, config, Arc::new(memory)), answers: Mutex::default() }
    }

    /// The answer to a query: the same octets for each question but for the id.
    pub async fn ask(&self, query: &[u8]) -> Option<Vec<u8>> {
        let query = Message::decode(query).ok()?;
        let question = query.question?;
        let key = (question.name.to_lowercase(), question.rtype);
        let known = self.answers.lock().expect("nobody panics with it").get(&key).cloned();
        let answer = match known {
            Some(answer) => answer,
            None => {
                let mut asked = Message::query(0, key.0.clone(), key.1, Some(Edns::new(1_232, true)));
                asked.flags.checking_disabled = true;
                let answer = self.recursor.answer(&asked.encode(512)).await;
                self.answers.lock().expect("nobody panics with it").insert(key, answer.clone());
                answer
            }
        };
        let mut answer = answer?;
        answer[..2].copy_from_slice(&query.id.to_be_bytes());
        Some(answer)
    }

    /// All answers that were given so far, with their questions.
    pub fn answers(&self) -> Vec<((Name, RecordType), Option<Vec<u8>>)> {
        self.answers.lock().expect("nobody panics with it").clone().into_iter().collect()
    }
}

/// Answers that were recorded, found by the octets of their question alone, so that looking one up costs next to nothing.
pub struct Recorded(Vec<(Vec<u8>, Vec<u8>)>);

impl Recorded {
    /// What an upstream has answered so far.
    pub fn new(upstream: &Upstream) -> Recorded {
        let entry = |((name, rtype), octets): ((Name, RecordType), Option<Vec<u8>>)| {
            let question = Message::query(0, name, rtype, None).encode(512);
            Some((question.get(12..)?.to_vec(), octets?))
        };
        Recorded(upstream.answers().into_iter().filter_map(entry).collect())
    }

    /// The answer to a query.
    pub fn ask(&self, query: &[u8]) -> Option<Vec<u8>> {
        let (_, answer) = self.0.iter().find(|(question, _)| query[12..].starts_with(question))?;
        let mut answer = answer.clone();
        answer[..2].copy_from_slice(&query[..2]);
        Some(answer)
    }
}
