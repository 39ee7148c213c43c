//! A case: a session, and all its DNS records.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use jiff::Timestamp;
use mxlab_auth::dns::BoxFuture;
use mxlab_auth::spf::{Client, Evaluation, Identity, check_host};
use mxlab_auth::{Data, Dns, DnsError, RecordKind};
use serde_json::{Value, json};

use super::Verdict;

/// The receiving host.
const RECEIVER: &str = "receiver.test";
/// Seconds since 1970.
const TIME: i64 = 1_772_438_400;

/// One entry at a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    Data(Data),
    /// Queries of this kind get no answer.
    Timeout(RecordKind),
}

/// The session and the entries of DNS, by names in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    pub ip: IpAddr,
    /// Empty for the null reverse-path.
    pub sender: String,
    pub helo: String,
    pub zone: BTreeMap<String, Vec<Entry>>,
}

impl Case {
    /// The texts at all names, and the names.
    pub fn texts(&self) -> impl Iterator<Item = (&str, String)> {
        self.zone.iter().flat_map(|(name, entries)| {
            entries.iter().filter_map(move |entry| match entry {
                Entry::Data(Data::Txt(text)) => Some((name.as_str(), latin(text))),
                _ => None,
            })
        })
    }

    /// In the format that the pyspf process reads.
    pub fn to_json(&self) -> Value {
        let zone: serde_json::Map<String, Value> = self
            .zone
            .iter()
            .map(|(name, entries)| (name.clone(), entries.iter().map(entry_to_json).collect()))
            .collect();
        json!({
            "ip": self.ip.to_string(),
            "sender": self.sender,
            "helo": self.helo,
            "receiver": RECEIVER,
            "time": TIME.to_string(),
            "zone": zone,
        })
    }
}

/// Octets as characters up to U+00FF.
fn latin(text: &[u8]) -> String {
    text.iter().map(|octet| char::from(*octet)).collect()
}

fn entry_to_json(entry: &Entry) -> Value {
    match entry {
        Entry::Timeout(kind) => json!([kind.to_string(), "TIMEOUT"]),
        Entry::Data(data) => {
            let value = match data {
                Data::A(ip) => json!(ip.to_string()),
                Data::Aaaa(ip) => json!(ip.to_string()),
                Data::Mx { preference, exchange } => json!([preference, exchange]),
                Data::Ptr(name) => json!(name),
                Data::Txt(text) => json!(latin(text)),
            };
            json!([data.kind().to_string(), value])
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "client {} sender {:?} helo {:?}", self.ip, self.sender, self.helo)?;
        for (name, entries) in &self.zone {
            for entry in entries {
                match entry {
                    Entry::Data(Data::Txt(text)) => writeln!(f, "{name} TXT {:?}", latin(text))?,
                    Entry::Data(Data::Mx { preference, exchange }) => writeln!(f, "{name} MX {preference} {exchange}")?,
                    Entry::Data(Data::Ptr(target)) => writeln!(f, "{name} PTR {target}")?,
                    Entry::Data(Data::A(ip)) => writeln!(f, "{name} A {ip}")?,
                    Entry::Data(Data::Aaaa(ip)) => writeln!(f, "{name} AAAA {ip}")?,
                    Entry::Timeout(kind) => writeln!(f, "{name} {kind} TIMEOUT")?,
                }
            }
        }
        Ok(())
    }
}

impl Dns for Case {
    fn lookup<'a>(&'a self, name: &'a str, kind: RecordKind) -> BoxFuture<'a, Result<Vec<Data>, DnsError>> {
        Box::pin(async move {
            let entries = self.zone.get(&name.to_ascii_lowercase()).ok_or(DnsError::NxDomain)?;
            if entries.contains(&Entry::Timeout(kind)) {
                return Err(DnsError::Temporary { reason: "timeout".to_owned() });
            }
            let found = entries.iter().filter_map(|entry| match entry {
                Entry::Data(data) if data.kind() == kind => Some(data.clone()),
                _ => None,
            });
            Ok(found.collect())
        })
    }
}

/// Our result; without evaluation if it panics.
pub fn evaluate(case: &Case) -> (Verdict, Option<Evaluation>) {
    let identity = match case.sender.as_str() {
        "" => Identity::Helo(case.helo.clone()),
        sender => Identity::MailFrom(sender.parse().expect("every text is a sender")),
    };
    let now = Timestamp::from_second(TIME).expect("the time is in range");
    let client = Client { ip: case.ip, identity, helo: case.helo.clone(), receiver: RECEIVER.to_owned(), now };
    let evaluated = std::panic::catch_unwind(|| {
        match pin!(check_host(case, &client)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(evaluation) => evaluation,
            Poll::Pending => unreachable!("answers are at hand"),
        }
    });
    match evaluated {
        Ok(evaluation) => {
            let (result, explanation) = (evaluation.result.word().to_owned(), evaluation.explanation.clone());
            let detail = evaluation.because().pop().unwrap_or_default();
            (Verdict { result, explanation, detail }, Some(evaluation))
        }
        Err(_) => (Verdict { result: "crash".to_owned(), explanation: None, detail: String::new() }, None),
    }
}
