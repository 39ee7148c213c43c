//! What the targets that sign mail share: a key, the time, and a DNS that answers at once.

use std::future::{Future, ready};
use std::pin::pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use jiff::Timestamp;
use mxlab_auth::dkim::SigningKey;
use mxlab_auth::dns::BoxFuture;
use mxlab_auth::{Data, Dns, DnsError, RecordKind};

/// The key with which the targets sign and seal.
pub fn key() -> SigningKey {
    SigningKey::from_ed25519_seed(&[7; 32]).expect("every seed is a key")
}

static RECORD: LazyLock<String> = LazyLock::new(|| key().record());

/// When everything happens.
pub fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).expect("the time is in range")
}

/// Every name has the record of the input, and that of [`key`].
pub struct Records<'a> {
    record: &'a [u8],
    asked: AtomicUsize,
}

impl<'a> Records<'a> {
    /// A DNS without any lookups so far.
    pub fn new(record: &'a [u8]) -> Records<'a> {
        Records { record, asked: AtomicUsize::new(0) }
    }

    /// How many lookups there were.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Dns for Records<'_> {
    fn lookup<'a>(&'a self, _: &'a str, _: RecordKind) -> BoxFuture<'a, Result<Vec<Data>, DnsError>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let texts = [self.record, RECORD.as_bytes()].map(|text| Data::Txt(text.to_vec())).to_vec();
        Box::pin(ready(Ok(texts)))
    }
}

/// The value of a future that does not wait.
///
/// # Panics
/// It waits.
pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing waits here"),
    }
}

/// An input that begins with a key record and continues, after a zero octet, with a message.
pub fn record_and_message(input: &[u8]) -> (&[u8], &[u8]) {
    let end = input.iter().position(|octet| *octet == 0).unwrap_or(input.len());
    let (record, message) = input.split_at(end);
    (record, message.get(1..).unwrap_or_default())
}
