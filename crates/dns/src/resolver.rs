//! The validating resolver (RFC 4033 §7, RFC 4035 §4).
//!
//! It finds answers by itself, starting at the root's servers, or asks forwarders, with DO and CD set. Either way it
//! trusts nothing that it receives: it fetches the DS and DNSKEY RRsets from its trust anchor downwards itself, and
//! judges every answer and every alias on the way by them. An answer is insecure only if that is proved, by the
//! parent's denial of a DS. A bogus answer may be the fault of one server: the others are asked before the result is
//! bogus. A server that did not answer is asked last for a while.
//!
//! Secure and insecure answers are cached until they expire: by TTL, by the TTL that was signed, or by the end of the
//! signature, whichever comes first. When there is no room, the entry that expires first is dropped. What is bogus or
//! unavailable is never cached, so that a repair is visible at the next question; the caller decides how often to ask.
//!
//! | module | does |
//! |---|---|
//! | `source`, `query` | asks, with retransmission, over UDP and TCP |
//! | `iteration` | finds the servers to ask |
//! | `follow` | follows aliases and judges each part |
//! | `chain` | walks the chain of trust, one zone after the other |
//! | [`crate::validator`], [`crate::denial`] | say what a link, a signature and a proof must look like |
//! | `respond`, `clients` | answers other resolvers' clients, over UDP and TCP |

pub mod answer;
mod cache;
mod chain;
mod classify;
mod clients;
pub mod exchange;
mod expiring;
mod follow;
mod iteration;
mod query;
pub mod recursor;
mod respond;
mod source;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use mxlab_env::Env;
use mxlab_record::{Kind, Recorder};
use tokio::sync::OnceCell;

use crate::answer::{Answer, Resolved};
use crate::exchange::{Exchange, NetworkExchange};
use crate::name::Name;
use crate::rdata::{Dnskey, Ds};
use crate::record::RecordType;
use crate::recursor::{Recursor, RecursorConfig};
use crate::resolver::cache::Cache;
use crate::resolver::query::{Asking, Silent};
use crate::resolver::source::Source;
use crate::validator::Policy;

/// The kinds of events that a resolver tells, with their fields.
pub const EVENTS: &[Kind] = &[
    Kind::new("asked", &["name", "type", "server", "transport", "outcome"]),
    // The answer to a question.
    Kind::new(
        "resolved",
        &[
            "name",
            "type",
            "status",
            "reason",
            "server",
            "found",
            "proof",
            "wildcard",
            "empty-non-terminal",
            "aliases",
            "dnames",
            "key",
            "ds-key",
            "algorithm",
            "transport",
            "forwarder",
            "bound",
            "queries",
            "signature-checks",
            "hashes",
            "failed-servers",
            "expires",
            "expires-by",
        ],
    ),
    // What one server said of an RRset is bogus, and another server is asked.
    Kind::new("resolved", &["name", "type", "status", "reason", "server", "next-server"]),
];

/// How many aliases are followed.
pub(crate) const MAX_ALIASES: usize = 12;

/// Where chains of trust begin. An anchor that names no key makes everything at or below its zone bogus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustAnchor {
    /// The zone.
    pub zone: Name,
    /// Digests of its keys.
    pub ds: Vec<Ds>,
    /// Keys of the zone: they count as much as the digests.
    pub keys: Vec<Dnskey>,
}

impl TrustAnchor {
    /// Trust in the root's keys with these digests.
    pub fn root(ds: Vec<Ds>) -> TrustAnchor {
        TrustAnchor { zone: Name::root(), ds, keys: Vec::new() }
    }

    /// Trust only in a zone that never exists (`invalid`, RFC 6761 §6.4): every answer is insecure, none is checked.
    pub fn nowhere() -> TrustAnchor {
        // The only label is short enough.
        let zone = Name::root().prepend_label("invalid").unwrap_or_else(|_| Name::root());
        TrustAnchor { zone, ds: Vec::new(), keys: Vec::new() }
    }
}

/// Whom the resolver asks.
#[derive(Clone, Debug)]
pub enum Upstream {
    /// Recursive resolvers, asked in this order; the next one only when one fails or its answer is bogus.
    Forward(Vec<SocketAddr>),
    /// The servers of the zones, starting at the root's.
    Iterate {
        /// The root's servers: names and addresses.
        roots: Vec<(Name, Vec<IpAddr>)>,
        /// The port of authorities: 53, except in tests that cannot use it.
        port: u16,
    },
}

/// How long a resolver waits if nothing else is said.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// The largest UDP payload that a resolver asks for if nothing else is said, in octets: that of DNS Flag
/// Day 2020, which arrives in one piece nearly everywhere.
pub const EDNS_SIZE: u16 = 1_232;

/// How the resolver works.
#[derive(Clone, Debug)]
pub struct ResolverConfig {
    /// Whom it asks.
    pub upstream: Upstream,
    /// Where trust begins: for each name, the nearest anchor above it.
    pub anchors: Vec<TrustAnchor>,
    /// Zones that are not validated although a chain of trust would lead to them (RFC 7646).
    pub negative_anchors: Vec<Name>,
    /// The rules of validation.
    pub policy: Policy,
    /// How long to wait: for a forwarder's answer to one transmission; when iterating, for all servers of a zone
    /// together.
    pub timeout: Duration,
    /// How often a query is sent to each server. When iterating, the others come before a repetition.
    pub attempts: u32,
    /// How many queries one lookup may cost.
    pub queries: u32,
    /// The largest UDP payload to ask for.
    pub edns_size: u16,
    /// Whether answers are kept.
    pub cache: bool,
}

impl ResolverConfig {
    /// Asks these resolvers, and validates from this anchor: 5 s for each of two transmissions, 1,232 octets, with a
    /// cache.
    pub fn new(forwarders: Vec<SocketAddr>, anchor: TrustAnchor) -> ResolverConfig {
        ResolverConfig::with(Upstream::Forward(forwarders), anchor)
    }

    /// Asks the servers of the zones, starting at these roots, and validates from this anchor.
    pub fn iterating(roots: Vec<(Name, Vec<IpAddr>)>, anchor: TrustAnchor) -> ResolverConfig {
        ResolverConfig::with(Upstream::Iterate { roots, port: 53 }, anchor)
    }

    fn with(upstream: Upstream, anchor: TrustAnchor) -> ResolverConfig {
        ResolverConfig {
            upstream,
            anchors: vec![anchor],
            negative_anchors: Vec::new(),
            policy: Policy::default(),
            timeout: TIMEOUT,
            attempts: 2,
            queries: 128,
            edns_size: EDNS_SIZE,
            cache: true,
        }
    }
}

/// A validating resolver. Clones share its cache.
#[derive(Clone)]
pub struct Resolver {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) env: Env,
    pub(crate) recorder: Recorder,
    pub(crate) config: ResolverConfig,
    pub(crate) source: Source,
    cache: Mutex<Cache>,
    /// Lookups under way: the same question, if it is asked again meanwhile, waits for the same answer.
    asked: Mutex<Asked>,
}

/// Lookups that are under way.
type Asked = BTreeMap<(Name, RecordType), Arc<OnceCell<Answer>>>;

impl Resolver {
    /// A resolver over the env's network that records its verdicts and queries in `recorder`.
    pub fn new(env: &Env, recorder: &Recorder, config: ResolverConfig) -> Resolver {
        Resolver::with_exchange(env, recorder, config, Arc::new(NetworkExchange::new(env)))
    }

    /// A resolver over another transport.
    pub fn with_exchange(
        env: &Env,
        recorder: &Recorder,
        config: ResolverConfig,
        exchange: Arc<dyn Exchange>,
    ) -> Resolver {
        let cache = Mutex::new(Cache::new(config.cache));
        let source = source(env, recorder, &config, exchange);
        let (env, recorder, asked) = (env.clone(), recorder.clone(), Mutex::default());
        Resolver { inner: Arc::new(Inner { env, recorder, config, source, cache, asked }) }
    }

    /// Looks up the records of this name and type, following aliases. It always answers; what went wrong is in the
    /// answer's security.
    pub async fn lookup(&self, name: &Name, rtype: RecordType) -> Answer {
        if let Some(answer) = self.cache().answer(name, rtype, self.now()) {
            return answer;
        }
        let key = (name.clone(), rtype);
        let cell = self.asked().entry(key.clone()).or_default().clone();
        let mut waited = true;
        let answer = cell.get_or_init(async || {
            waited = false;
            let answer = self.resolve(name, rtype).await;
            self.inner.recorder.tell(&Resolved(&answer));
            self.cache().keep_answer(&answer, self.now());
            answer
        });
        let answer = answer.await.clone();
        // A later question starts again: the answer to this one is in the cache, or must not be kept.
        let mut asked = self.asked();
        if asked.get(&key).is_some_and(|held| Arc::ptr_eq(held, &cell)) {
            asked.remove(&key);
        }
        Answer { cached: waited, ..answer }
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.inner.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything.
    pub fn clear_cache(&self) {
        self.cache().clear();
        self.inner.source.clear();
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.env.now()
    }

    pub(crate) fn cache(&self) -> MutexGuard<'_, Cache> {
        // Entries are replaced whole: a panic of another holder leaves nothing half done.
        self.inner.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn source(env: &Env, recorder: &Recorder, config: &ResolverConfig, exchange: Arc<dyn Exchange>) -> Source {
    match &config.upstream {
        Upstream::Forward(forwarders) => {
            let asking = Asking {
                env: env.clone(),
                recorder: recorder.clone(),
                exchange,
                timeout: config.timeout,
                attempts: config.attempts,
                edns_size: config.edns_size,
                recursion: true,
                silent: Silent::default(),
            };
            Source::Forwarders(asking, forwarders.clone())
        }
        Upstream::Iterate { roots, port } => {
            let iterating = RecursorConfig::new(roots.clone()).for_clients_that_wait(config.timeout);
            let iterating = RecursorConfig {
                port: *port,
                attempts: config.attempts,
                edns_size: config.edns_size,
                cache: config.cache,
                ..iterating
            };
            let patience = iterating.deadline;
            Source::Zones(Recursor::with_exchange(env, recorder, iterating, exchange), patience)
        }
    }
}
