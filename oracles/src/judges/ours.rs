//! The validator of this repository.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mxlab_dns::exchange::Exchange;
use mxlab_dns::{Answer, Resolver, ResolverConfig, Security, TrustAnchor};
use mxlab_env::{BoxFuture, Env};
use mxlab_record::Recorder;

use super::{Status, Verdict};
use crate::internet::Internet;
use crate::upstream::{Recorded, Upstream};

struct Wire(Arc<Upstream>);

impl Exchange for Wire {
    fn exchange<'a>(&'a self, query: &'a [u8], _: SocketAddr, _: Duration) -> BoxFuture<'a, io::Result<Vec<u8>>> {
        Box::pin(async move { self.0.ask(query).await.ok_or(io::ErrorKind::TimedOut.into()) })
    }
}

/// A resolver that asks the upstream in memory.
pub fn over_upstream(env: &Env, internet: &Internet, upstream: &Arc<Upstream>) -> Resolver {
    let at = SocketAddr::from(([127, 0, 0, 1], 53));
    let config = ResolverConfig::new(vec![at], TrustAnchor::root(internet.anchor_ds()));
    Resolver::with_exchange(env, &Recorder::nowhere(env), config, Arc::new(Wire(upstream.clone())))
}

struct RecordedWire(Arc<Recorded>);

impl Exchange for RecordedWire {
    fn exchange<'a>(&'a self, query: &'a [u8], _: SocketAddr, _: Duration) -> BoxFuture<'a, io::Result<Vec<u8>>> {
        Box::pin(std::future::ready(self.0.ask(query).ok_or(io::ErrorKind::TimedOut.into())))
    }
}

/// A resolver that is told what was recorded.
pub fn over_recorded(env: &Env, internet: &Internet, recorded: &Arc<Recorded>) -> Resolver {
    let at = SocketAddr::from(([127, 0, 0, 1], 53));
    let config = ResolverConfig::new(vec![at], TrustAnchor::root(internet.anchor_ds()));
    Resolver::with_exchange(env, &Recorder::nowhere(env), config, Arc::new(RecordedWire(recorded.clone())))
}

/// A resolver that asks a real upstream.
pub fn resolver(env: &Env, internet: &Internet, upstream: SocketAddr) -> Resolver {
    let config = ResolverConfig::new(vec![upstream], TrustAnchor::root(internet.anchor_ds()));
    Resolver::new(env, &Recorder::nowhere(env), config)
}

/// What an answer of ours comes to.
pub fn verdict(answer: &Answer) -> Verdict {
    let status = match answer.security {
        Security::Secure => Status::Secure,
        Security::Insecure(_) => Status::Insecure,
        Security::Bogus(_) | Security::Unavailable(_) => Status::Servfail,
    };
    let detail = match answer.security.reason() {
        Some(reason) => format!("{}: {reason}", reason.word()),
        None => answer.rcode.to_string(),
    };
    Verdict::new(status, detail)
}
