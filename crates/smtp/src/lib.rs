//! SMTP over the ports of an engine: the layer between the state machines of `mxlab-mail` and an [`mxlab_env::Env`].
//!
//! | module | RFC | holds |
//! |---|---|---|
//! | [`client`] | 5321 §4.5.3.2 | one connection to a server, every step with its time-out |
//! | [`mx`] | 5321 §5.1, 7505 | from the MX records of a domain to the hosts that take its mail |
//! | [`server`] | 5321 §4.5.3.2.7 | accepts connections and runs a session over each; its owner decides |
//! | [`tls`] | 3207, 8446 | both sides of TLS |
//!
//! Engines and world actors use the same shells. Nothing here decides anything: whether a message is accepted, what a
//! host has to prove and when to try again is for the caller to decide. So there is no policy here, no record of events
//! and no queue.

pub mod client;
pub mod mx;
pub mod server;
pub mod tls;

use tokio::io::{AsyncRead, AsyncWrite};

/// A byte stream, in clear or not.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}
