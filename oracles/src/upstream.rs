//! The server that all judges ask: it holds all zones, in memory, and gives every judge the same octets.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use mxlab_dns::wire::{Edns, Message};
use mxlab_dns::{Authority, Name, RecordType, Reply, Responder as _, Transport};
use mxlab_env::Env;

use crate::internet::Internet;

/// What was asked.
type Asked = (Name, RecordType);

/// The answer, if there was one.
type Octets = Option<Vec<u8>>;

/// A server that remembers every answer as octets.
pub struct Upstream {
    env: Env,
    everything: Arc<Authority>,
    answers: Mutex<BTreeMap<Asked, Octets>>,
}

impl Upstream {
    pub fn new(env: &Env, internet: &Internet) -> Upstream {
        Upstream { env: env.clone(), everything: internet.everything.clone(), answers: Mutex::default() }
    }

    /// The answer to a query: the same octets for each question, except for the id.
    pub fn ask(&self, query: &[u8]) -> Octets {
        let query = Message::decode(query).ok()?;
        let question = query.question?;
        let key = (question.name.to_lowercase(), question.rtype);
        let mut answers = self.answers.lock().expect("nobody panics with it");
        let answer = answers.entry(key).or_insert_with_key(|(name, rtype)| self.find(name, *rtype));
        let mut answer = answer.clone()?;
        answer.get_mut(..2)?.copy_from_slice(&query.id.to_be_bytes());
        Some(answer)
    }

    fn find(&self, name: &Name, rtype: RecordType) -> Octets {
        let mut asked = Message::query(0, name.clone(), rtype, Some(Edns::new(1_232, true)));
        asked.flags.checking_disabled = true;
        let octets = match self.everything.answer(&asked.encode(512), Transport::Tcp, self.env.now()) {
            Reply::Bytes(octets) | Reply::Later(_, octets) => octets,
            Reply::Nothing | Reply::Close => return None,
        };
        // Every transport checks this: a message with another id or question is not an answer (RFC 5452 section 9.1).
        let is_answer = |answer: Message| answer.id == asked.id && answer.question == asked.question;
        Message::decode(&octets).is_ok_and(is_answer).then_some(octets)
    }

    /// All answers that were given so far, with their questions.
    pub fn answers(&self) -> Vec<(Asked, Octets)> {
        self.answers.lock().expect("nobody panics with it").clone().into_iter().collect()
    }
}

/// Answers that were recorded, found only by the octets of their question, so that looking one up costs almost nothing.
pub struct Recorded(Vec<(Vec<u8>, Vec<u8>)>);

impl Recorded {
    /// What an upstream has answered so far.
    pub fn new(upstream: &Upstream) -> Recorded {
        let entry = |((name, rtype), octets): (Asked, Octets)| {
            let question = Message::query(0, name, rtype, None).encode(512);
            Some((question.get(12..)?.to_vec(), octets?))
        };
        Recorded(upstream.answers().into_iter().filter_map(entry).collect())
    }

    /// The answer to a query.
    pub fn ask(&self, query: &[u8]) -> Octets {
        let (_, answer) = self.0.iter().find(|(question, _)| query[12..].starts_with(question))?;
        let mut answer = answer.clone();
        answer[..2].copy_from_slice(&query[..2]);
        Some(answer)
    }
}
