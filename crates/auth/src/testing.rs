//! A DNS of a few records, for tests.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::dns::BoxFuture;
use crate::{Data, Dns, DnsError, RecordKind};

/// One record a line: `name A 192.0.2.1`, `name MX 10 host`, `name TXT text`; `name TIMEOUT` never answers.
pub(crate) struct Zone(BTreeMap<String, Vec<(String, String)>>);

impl Zone {
    pub(crate) fn new(text: &str) -> Zone {
        let mut zone = BTreeMap::<String, Vec<(String, String)>>::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (name, rest) = line.split_once(' ').expect("a name");
            let (kind, data) = rest.split_once(' ').unwrap_or((rest, ""));
            zone.entry(name.to_owned()).or_default().push((kind.to_owned(), data.to_owned()));
        }
        Zone(zone)
    }

    fn answer(&self, name: &str, kind: RecordKind) -> Result<Vec<Data>, DnsError> {
        let records = self.0.get(&name.to_ascii_lowercase()).ok_or(DnsError::NxDomain)?;
        if records.iter().any(|(kind, _)| kind == "TIMEOUT") {
            return Err(DnsError::Temporary { reason: "timeout".to_owned() });
        }
        let wanted = records.iter().filter(|(of, _)| *of == kind.to_string());
        Ok(wanted.map(|(_, data)| parse(kind, data)).collect())
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
