//! The validator of this repository.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mxlab_dns::{Answer, Exchange, Resolver, ResolverConfig, Security, Transport, TrustAnchor, Upstream as Servers};
use mxlab_env::{BoxFuture, Env};
use mxlab_record::Recorder;

use super::{Status, Verdict};
use crate::internet::{Internet, name};
use crate::upstream::{Recorded, Upstream};

/// Answers in memory as a transport.
struct Wire<F>(F);

impl<F: Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync> Exchange for Wire<F> {
    fn exchange<'a>(
        &'a self,
        query: &'a [u8],
        _: SocketAddr,
        _: Transport,
        _: Duration,
    ) -> BoxFuture<'a, io::Result<Vec<u8>>> {
        Box::pin(std::future::ready((self.0)(query).ok_or(io::ErrorKind::TimedOut.into())))
    }
}

fn anchor(internet: &Internet) -> TrustAnchor {
    TrustAnchor::root(internet.anchor_ds())
}

fn over(env: &Env, internet: &Internet, exchange: Arc<dyn Exchange>) -> Resolver {
    let at = SocketAddr::from(([127, 0, 0, 1], 53));
    let config = ResolverConfig::new(vec![at], anchor(internet));
    Resolver::with_exchange(env, &Recorder::nowhere(env), config, exchange)
}

/// A resolver that asks the upstream in memory.
pub fn over_upstream(env: &Env, internet: &Internet, upstream: &Arc<Upstream>) -> Resolver {
    let upstream = upstream.clone();
    over(env, internet, Arc::new(Wire(move |query: &[u8]| upstream.ask(query))))
}

/// A resolver that gets recorded answers.
pub fn over_recorded(env: &Env, internet: &Internet, recorded: &Arc<Recorded>) -> Resolver {
    let recorded = recorded.clone();
    over(env, internet, Arc::new(Wire(move |query: &[u8]| recorded.ask(query))))
}

/// A resolver that asks the servers of the zones at this port, from the root's on.
pub fn iterating(env: &Env, internet: &Internet, port: u16) -> Resolver {
    let roots = vec![(name("ns"), vec![internet.root().into()])];
    let mut config = ResolverConfig::new(Vec::new(), anchor(internet));
    config.upstream = Servers::Iterate { roots, port };
    Resolver::new(env, &Recorder::nowhere(env), config)
}

/// Our answer as a verdict.
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
