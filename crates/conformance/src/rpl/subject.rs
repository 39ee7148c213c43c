//! The resolver that is held to a script.

use std::sync::Arc;

use mxlab_env::{BoxFuture, Env};
use mxlab_record::Recorder;

use super::config::{Mode, Setup};
use super::wire::Wire;
use mxlab_dns::name::Name;
use mxlab_dns::resolver::{Resolver, ResolverConfig, TrustAnchor};
use mxlab_dns::wire::Message;

/// What answers clients.
pub(crate) trait Subject {
    /// The reply to a query.
    fn ask(&self, query: Message) -> BoxFuture<'static, Message>;
}

impl Subject for Resolver {
    fn ask(&self, query: Message) -> BoxFuture<'static, Message> {
        let resolver = self.clone();
        Box::pin(async move { resolver.respond(&query).await })
    }
}

/// The resolver that a replay is about. It takes signatures with SHA-1, since the files are full of them.
pub(crate) fn resolver(env: &Env, recorder: &Recorder, setup: &Setup, wire: Arc<Wire>) -> Box<dyn Subject> {
    let mut config = match setup.mode {
        Mode::Transport | Mode::Forward => ResolverConfig::new(setup.servers.clone(), TrustAnchor::nowhere()),
        Mode::Iterate => {
            let addresses = setup.servers.iter().map(|server| server.ip()).collect();
            ResolverConfig::iterating(vec![(Name::root(), addresses)], TrustAnchor::nowhere())
        }
    };
    if !setup.anchors.is_empty() {
        config.anchors = setup.anchors.clone();
    }
    config.negative_anchors = setup.insecure.clone();
    config.policy.sha1 = true;
    // The dialect of validating transports reads RFC 5155 §8.6 to the letter.
    config.policy.opt_out_denies_all = setup.mode != Mode::Transport;
    config.attempts = 1;
    Box::new(Resolver::with_exchange(env, recorder, config, wire))
}
