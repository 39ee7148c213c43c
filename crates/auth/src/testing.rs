//! A DNS of a few records, for tests.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::dns::BoxFuture;
use crate::{Data, Dns, DnsError, RecordKind};

/// One record a line: `name A 192.0.2.1`, `name MX 10 host`, `name PTR host`, `name TXT text`; `name TIMEOUT` never answers.
pub(crate) struct Zone {
    lines: BTreeMap<String, Vec<(String, String)>>,
    more: BTreeMap<String, Vec<Data>>,
}

impl Zone {
    pub(crate) fn new(text: &str) -> Zone {
        let mut zone = BTreeMap::<String, Vec<(String, String)>>::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (name, rest) = line.split_once(' ').expect("a name");
            let (kind, data) = rest.split_once(' ').unwrap_or((rest, ""));
            zone.entry(name.to_owned()).or_default().push((kind.to_owned(), data.to_owned()));
        }
        Zone { lines: zone, more: BTreeMap::new() }
    }

    /// Adds data at a name that the text cannot express.
    pub(crate) fn with(mut self, name: &str, data: Data) -> Zone {
        self.more.entry(name.to_ascii_lowercase()).or_default().push(data);
        self
    }

    fn answer(&self, name: &str, kind: RecordKind) -> Result<Vec<Data>, DnsError> {
        let name = name.to_ascii_lowercase();
        let (records, more) = match (self.lines.get(&name), self.more.get(&name)) {
            (None, None) => return Err(DnsError::NxDomain),
            (records, more) => (records.map_or(&[][..], Vec::as_slice), more.map_or(&[][..], Vec::as_slice)),
        };
        if records.iter().any(|(kind, _)| kind == "TIMEOUT") {
            return Err(DnsError::Timeout);
        }
        let wanted = records.iter().filter(|(of, _)| *of == kind.to_string());
        let more = more.iter().filter(|data| data.kind() == kind).cloned();
        Ok(wanted.map(|(_, data)| parse(kind, data)).chain(more).collect())
    }
}

fn parse(kind: RecordKind, data: &str) -> Data {
    match kind {
        RecordKind::A => Data::A(data.parse().expect("an address")),
        RecordKind::Aaaa => Data::Aaaa(data.parse().expect("an address")),
        RecordKind::Ptr => Data::Ptr(data.trim_matches('.').to_owned()),
        RecordKind::Txt => Data::Txt(data.as_bytes().to_vec()),
        RecordKind::Mx => {
            let (preference, exchange) = data.split_once(' ').expect("preference and host");
            Data::Mx {
                preference: preference.parse().expect("a number"),
                exchange: exchange.trim_matches('.').to_owned(),
            }
        }
    }
}

impl Dns for Zone {
    fn lookup<'a>(&'a self, name: &'a str, kind: RecordKind) -> BoxFuture<'a, Result<Vec<Data>, DnsError>> {
        let answer = self.answer(name, kind);
        Box::pin(async move { answer })
    }
}

/// Runs a future that never waits.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the future waits"),
    }
}
