//! Futures that never wait, because what they ask is answered at once from a case.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The value of a future that is ready.
///
/// # Errors
/// It waits, which is a mistake of the engine or of the driver; in words for a failed case.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> Result<T, String> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Ok(value),
        Poll::Pending => Err("the evaluation waits for something".to_owned()),
    }
}
