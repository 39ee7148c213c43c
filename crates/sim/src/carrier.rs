//! The task that carries the packets of a world.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::{Sleep, sleep_until};

use crate::kernel::Kernel;

/// The task that delivers when it is the wire's turn; until then it sleeps to the next instant at which a packet arrives.
pub(crate) struct Carrier {
    kernel: Arc<Kernel>,
    sleep: Pin<Box<Sleep>>,
}

impl Carrier {
    pub(crate) fn new(kernel: Arc<Kernel>) -> Carrier {
        let _inside = kernel.runtime.enter();
        let sleep = Box::pin(sleep_until(kernel.clock.start()));
        drop(_inside);
        Carrier { kernel, sleep }
    }
}

impl Future for Carrier {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let next = self.kernel.on_the_wire(|wire, now| wire.deliver_and_wait(now, cx.waker()));
        // Packets of this instant wait for their turn.
        if let Some(Some(next)) = next {
            let deadline = self.kernel.clock.start() + next.at;
            self.sleep.as_mut().reset(deadline);
            // Only its waker is of use: the next poll looks anew.
            let _ = self.sleep.as_mut().poll(cx);
        }
        Poll::Pending
    }
}
