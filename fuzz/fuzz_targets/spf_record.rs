//! A record and the answers to everything that its evaluation asks, all from the input: nothing panics, the lookups stay
//! within their bound, and a record is read back from its printed form.
//!
//! The input: an octet of flags, the record up to a zero octet, then the answers. Each answer begins with an octet that
//! gives its kind and how many records or octets follow.

#![no_main]

use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use libfuzzer_sys::fuzz_target;
use mxlab_auth::dns::BoxFuture;
use mxlab_auth::spf::record::Record;
use mxlab_auth::spf::{Client, Identity, MAX_QUERIES, check_host};
use mxlab_auth::{Data, Dns, DnsError, RecordKind};

/// The most octets of one text.
const MAX_TEXT: usize = 120;

struct Answers {
    first: Vec<u8>,
    rest: Mutex<Rest>,
}

struct Rest {
    octets: Vec<u8>,
    at: usize,
    asked: usize,
}

impl Rest {
    /// The next octet; zero after the end of the input.
    fn next(&mut self) -> u8 {
        let octet = self.octets.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        octet
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next()).collect()
    }

    /// A name, mostly one of a few; sometimes an odd one, escaped as needed.
    fn name(&mut self) -> String {
        match self.next() {
            octet @ 0..=199 => format!("h{}.example", octet % 8),
            200..=219 => String::new(),
            220..=239 => format!("\\{:03}x\\..example", self.next()),
            octet => format!("{}.h1.example", char::from(b'a' + octet % 26)),
        }
    }

    fn text(&mut self, kind: u8) -> Vec<u8> {
        let length = usize::from(self.next()) % MAX_TEXT;
        let octets = self.take(length);
        if kind & 1 == 0 { [b"v=spf1 ".as_slice(), &octets].concat() } else { octets }
    }

    fn answer(&mut self, kind: RecordKind) -> Result<Vec<Data>, DnsError> {
        self.asked += 1;
        assert!(self.asked <= MAX_QUERIES, "a check without end");
        let control = self.next();
        let count = usize::from(control >> 3) % 14;
        match control & 7 {
            0 => return Err(DnsError::NxDomain),
            1 => return Err(DnsError::Temporary { reason: "drawn".to_owned() }),
            _ => {}
        }
        Ok(match kind {
            RecordKind::A => (0..count).map(|_| Data::A([192, 0, 2, self.next() % 4].into())).collect(),
            RecordKind::Aaaa => (0..count).map(|_| Data::Aaaa(u128::from(self.next() % 4).into())).collect(),
            RecordKind::Mx => {
                let host = |_| Data::Mx { preference: u16::from(self.next()), exchange: self.name() };
                (0..count).map(host).collect()
            }
            RecordKind::Ptr => (0..count).map(|_| Data::Ptr(self.name())).collect(),
            RecordKind::Txt => (0..count.clamp(1, 2)).map(|_| Data::Txt(self.text(control >> 3))).collect(),
        })
    }
}

impl Dns for Answers {
    fn lookup<'a>(&'a self, _: &'a str, kind: RecordKind) -> BoxFuture<'a, Result<Vec<Data>, DnsError>> {
        let mut rest = self.rest.lock().expect("nobody panics with it");
        let answer = if rest.asked == 0 {
            rest.asked = 1;
            Ok(vec![Data::Txt(self.first.clone())])
        } else {
            rest.answer(kind)
        };
        Box::pin(async move { answer })
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((flags, input)) = input.split_first() else { return };
    let end = input.iter().position(|octet| *octet == 0).unwrap_or(input.len());
    let (record, rest) = input.split_at(end);
    let text = [b"v=spf1 ".as_slice(), record].concat();
    if let Ok(mut read) = Record::parse(&text) {
        let mut again = Record::parse(read.to_string().as_bytes()).expect("what is printed is a record");
        for record in [&mut read, &mut again] {
            record.directives.iter_mut().for_each(|directive| directive.text.clear());
        }
        assert_eq!(read, again);
    }
    let sender = if flags & 2 == 0 { "ann.lee-b@h0.example" } else { "\"odd\\ %\"@h0.example" };
    let client = Client {
        ip: if flags & 1 == 0 { [192, 0, 2, 3].into() } else { std::net::Ipv6Addr::from(3_u128).into() },
        identity: Identity::MailFrom(sender.parse().expect("every text is a sender")),
        helo: if flags & 4 == 0 { "host.h1.example".to_owned() } else { "a..b \r\n\u{fc}".to_owned() },
        receiver: "mx.example".to_owned(),
        now: jiff::Timestamp::UNIX_EPOCH,
    };
    let rest = Rest { octets: rest.to_vec(), at: 0, asked: 0 };
    let dns = Answers { first: text, rest: Mutex::new(rest) };
    let Poll::Ready(evaluation) = pin!(check_host(&dns, &client)).poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("the evaluation waits for something");
    };
    let asked = dns.rest.lock().expect("nobody panics with it").asked;
    assert_eq!(evaluation.lookups().count(), asked);
    assert!(!evaluation.because().is_empty());
    assert!(evaluation.trace().len() >= evaluation.steps.len());
    let explanation = evaluation.explanation.unwrap_or_default();
    assert!(!explanation.contains(['\r', '\n']));
});
