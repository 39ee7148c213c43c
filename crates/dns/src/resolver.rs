//! The validating stub resolver (RFC 4033 §7, RFC 4035 §4.9).
//!
//! It asks an upstream resolver, with DO and CD set, and believes nothing that it is told: it fetches the DS and DNSKEY
//! RRsets from its trust anchor downwards itself, and judges every answer and every alias on the way by them. That an
//! answer is insecure must be proved as well, by the parent's denial of a DS.
//!
//! Secure and insecure answers are cached until they run out: by TTL, by the TTL that was signed, or by the end of the
//! signature, whichever comes first. What is bogus or unavailable is never cached, so that a repaired zone counts from the
//! next question on; who asks decides how often that is.
//!
//! The chain of trust is walked in `chain`, one zone after the other; what a link must look like is in
//! [`crate::validator`] and [`crate::denial`].

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use mxlab_env::Env;
use mxlab_record::Recorder;
use tokio::sync::OnceCell;

use crate::answer::{AliasKind, Answer, Resolved, Step};
use crate::cache::Cache;
use crate::chain::{Chain, Work};
use crate::denial::{Proofs, verify_answer};
use crate::exchange::{Exchange, UdpExchange};
use crate::name::Name;
use crate::rdata::{Cname, Dnskey, Ds, Soa};
use crate::record::{Rcode, Record, RecordType};
use crate::security::{Reason, RrsetId, Security};
use crate::validator::{Budget, SignedRrset, ZoneKeys, after, group};
use crate::wire::{Edns, Message};

/// How many aliases are followed.
const MAX_ALIASES: usize = 12;

/// Where chains of trust begin. One that names no key makes all that lies at or below its zone bogus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustAnchor {
    /// The zone.
    pub zone: Name,
    /// Digests of its keys.
    pub ds: Vec<Ds>,
    /// Keys of it, used when there are no digests.
    pub keys: Vec<Dnskey>,
}

impl TrustAnchor {
    /// Trust in the keys of the root with these digests.
    pub fn root(ds: Vec<Ds>) -> TrustAnchor {
        TrustAnchor { zone: Name::root(), ds, keys: Vec::new() }
    }

    /// Trust in no zone that there is (`invalid` never is one, RFC 6761 §6.4): every answer is insecure, none is checked.
    pub fn nowhere() -> TrustAnchor {
        // The one label is short enough.
        let zone = Name::root().prepend_label("invalid").unwrap_or_else(|_| Name::root());
        TrustAnchor { zone, ds: Vec::new(), keys: Vec::new() }
    }
}

/// How the resolver works.
#[derive(Clone, Debug)]
pub struct ResolverConfig {
    /// The resolvers to ask, in this order; the next one only when one fails.
    pub upstreams: Vec<SocketAddr>,
    /// Where trust begins.
    pub anchor: TrustAnchor,
    /// How long to wait for an answer to one transmission.
    pub timeout: Duration,
    /// How often a query is sent to each upstream.
    pub attempts: u32,
    /// The largest UDP payload to ask for.
    pub edns_size: u16,
    /// Whether answers are kept.
    pub cache: bool,
}

impl ResolverConfig {
    /// Asks these resolvers from this anchor on: 5 s for each of two transmissions, 1,232 octets, with a cache.
    pub fn new(upstreams: Vec<SocketAddr>, anchor: TrustAnchor) -> ResolverConfig {
        let timeout = Duration::from_secs(5);
        ResolverConfig { upstreams, anchor, timeout, attempts: 2, edns_size: 1_232, cache: true }
    }
}

/// A validating stub resolver. Clones share its cache.
#[derive(Clone)]
pub struct Resolver {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    env: Env,
    recorder: Recorder,
    pub(crate) config: ResolverConfig,
    exchange: Arc<dyn Exchange>,
    cache: Mutex<Cache>,
    /// What is being looked up: whoever asks meanwhile waits for the same answer.
    asked: Mutex<Asked>,
}

/// Lookups that are under way.
type Asked = BTreeMap<(Name, RecordType), Arc<OnceCell<Answer>>>;

/// What one part of an answer came to: secure or insecure, and until when.
type Judged = (Security, Timestamp);

impl Resolver {
    /// A resolver over the env's network that tells `recorder` its verdicts.
    pub fn new(env: &Env, recorder: &Recorder, config: ResolverConfig) -> Resolver {
        Resolver::with_exchange(env, recorder, config, Arc::new(UdpExchange::new(env)))
    }

    /// A resolver over another transport.
    pub fn with_exchange(
        env: &Env,
        recorder: &Recorder,
        config: ResolverConfig,
        exchange: Arc<dyn Exchange>,
    ) -> Resolver {
        let cache = Mutex::new(Cache::new(config.cache));
        let (env, recorder, asked) = (env.clone(), recorder.clone(), Mutex::default());
        Resolver { inner: Arc::new(Inner { env, recorder, config, exchange, cache, asked }) }
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
        // A later question begins anew: this one's answer is in the cache, or not to be kept.
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
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.env.now()
    }

    pub(crate) fn cache(&self) -> MutexGuard<'_, Cache> {
        // Entries are replaced whole: a panic of another holder leaves nothing half done.
        self.inner.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn resolve(&self, name: &Name, rtype: RecordType) -> Answer {
        let mut path = Path { steps: Vec::new(), at: name.clone(), expires: Timestamp::MAX };
        let last = self.follow(name, rtype, &mut path).await;
        let (rcode, mut records, last, expires) = match last {
            Ok(part) => (part.rcode, part.records, part.judged.0, part.judged.1),
            Err(bad) => (Rcode::SERVFAIL, Vec::new(), bad, self.now()),
        };
        let aliases = path.steps.iter().fold(Security::Secure, |worst, step| worst.worst(step.security.clone()));
        let security = aliases.worst(last.clone());
        if !security.is_usable() {
            records.clear();
        }
        Answer {
            name: name.clone(),
            rtype,
            security,
            steps: path.steps,
            canonical_name: path.at,
            final_security: last,
            records,
            rcode,
            expires: path.expires.min(expires),
            cached: false,
        }
    }

    /// Follows aliases to the last part of the answer.
    async fn follow(&self, name: &Name, rtype: RecordType, path: &mut Path) -> Result<Part, Security> {
        let mut work = Work::default();
        let mut asked = name.clone();
        let mut message = self.fetch(name, rtype).await?;
        let mut sets = group(&message.answer);
        loop {
            let find = |wanted| sets.iter().find(|set| set.rrset.rtype == wanted && set.rrset.name == path.at);
            if let Some(set) = find(rtype) {
                let judged = self.judge(set, &message, &mut work).await?;
                return Ok(Part { rcode: Rcode::NOERROR, records: set.rrset.records().collect(), judged });
            }
            if let Some((set, target)) = find(RecordType::CNAME).and_then(alias_target) {
                let (security, expires) = self.judge(set, &message, &mut work).await?;
                let step = Step { owner: path.at.clone(), target: target.clone(), kind: AliasKind::Cname, security };
                path.steps.push(step);
                path.expires = path.expires.min(expires);
                if path.steps.len() > MAX_ALIASES || path.steps.iter().any(|step| step.owner == target) {
                    return Err(Security::Unavailable(Reason::AliasLoop { name: name.clone() }));
                }
                path.at = target;
                continue;
            }
            // An upstream that stops at the alias is asked for its target.
            if path.at != asked && !denies(&message, &path.at) {
                asked = path.at.clone();
                message = self.fetch(&asked, rtype).await?;
                sets = group(&message.answer);
                continue;
            }
            let judged = self.judge_denial(&path.at, rtype, &message, &mut work).await?;
            return Ok(Part { rcode: message.rcode, records: Vec::new(), judged });
        }
    }

    /// Judges an RRset of an answer: the zone that contains it must have signed it (RFC 4035 §5.3.1).
    async fn judge(&self, set: &SignedRrset, message: &Message, work: &mut Work) -> Result<Judged, Security> {
        let lowest = enclosing(&set.rrset.name, set.rrset.rtype);
        let insecure = |reason| Ok((Security::Insecure(reason), set.expires(self.now())));
        let keys = match self.chain_to(self.claimed(set.signers(), &lowest), work).await? {
            Chain::Insecure(reason) => return insecure(reason),
            Chain::Secure(keys) => keys,
        };
        let authority = group(&message.authority);
        let verified = verify_answer(set, &authority, &keys, self.now(), &mut work.budget);
        let expanded = verified.as_ref().is_ok_and(|verified| verified.expanded_below.is_some());
        let judged = verified.map(|verified| (Security::Secure, verified.expires)).map_err(Security::Bogus);
        // The proof that goes with an expanded wildcard leaves no room for a cut.
        if expanded {
            return judged;
        }
        match self.containing(&lowest, &keys, work).await {
            Ok(Chain::Insecure(reason)) => insecure(reason),
            Ok(Chain::Secure(own)) if own.zone != keys.zone => {
                let verified = verify_answer(set, &authority, &own, self.now(), &mut work.budget);
                verified.map(|verified| (Security::Secure, verified.expires)).map_err(Security::Bogus)
            }
            Ok(Chain::Secure(_)) => judged,
            Err(bad) => judged.and(Err(bad)),
        }
    }

    /// Judges the absence of records: the zone that would contain them must deny them.
    async fn judge_denial(
        &self,
        name: &Name,
        rtype: RecordType,
        message: &Message,
        work: &mut Work,
    ) -> Result<Judged, Security> {
        let sets = group(&message.authority);
        let lowest = enclosing(name, rtype);
        let expires = negative_expiry(&sets, self.now());
        let zone = self.claimed(sets.iter().flat_map(SignedRrset::signers), &lowest);
        let keys = match self.chain_to(zone, work).await? {
            Chain::Insecure(reason) => return Ok((Security::Insecure(reason), expires)),
            Chain::Secure(keys) => keys,
        };
        let prove = |keys: &ZoneKeys, budget: &mut Budget| {
            let proofs = Proofs::new(&sets, keys, self.now(), budget);
            let proved = match message.rcode {
                Rcode::NXDOMAIN => proofs.no_name(name, rtype),
                _ => proofs.no_data(name, rtype),
            };
            proved.map(|()| (Security::Secure, expires.min(proofs.expires))).map_err(Security::Bogus)
        };
        // A zone has no proofs for what lies below its cuts: a proof that holds needs no further question.
        let bogus = match prove(&keys, &mut work.budget) {
            Ok(judged) => return Ok(judged),
            Err(bogus) => bogus,
        };
        match self.containing(&lowest, &keys, work).await {
            Ok(Chain::Insecure(reason)) => Ok((Security::Insecure(reason), expires)),
            Ok(Chain::Secure(own)) if own.zone != keys.zone => prove(&own, &mut work.budget),
            _ => Err(bogus),
        }
    }

    /// The lowest zone, at or above `lowest`, that claims to have signed; `lowest` itself if none does. What lies above the
    /// trust anchor has no say in what lies below it.
    fn claimed<'a>(&self, signers: impl Iterator<Item = &'a Name>, lowest: &'a Name) -> &'a Name {
        let anchor = &self.inner.config.anchor.zone;
        let may_sign = |signer: &&Name| lowest.is_subdomain_of(signer) && signer.is_subdomain_of(anchor);
        signers.filter(may_sign).max_by_key(|signer| signer.label_count()).unwrap_or(lowest)
    }

    /// Asks the upstreams. What comes back is an answer with NOERROR or NXDOMAIN.
    pub(crate) async fn fetch(&self, name: &Name, rtype: RecordType) -> Result<Message, Security> {
        let config = &self.inner.config;
        let rrset = || RrsetId { name: name.clone(), rtype };
        let mut failure = Reason::TimedOut { rrset: rrset() };
        for &upstream in &config.upstreams {
            for _ in 0..config.attempts.max(1) {
                let id = u16::from_be_bytes(self.inner.env.random());
                let mut query = Message::query(id, name.clone(), rtype, Some(Edns::new(config.edns_size, true)));
                query.flags.checking_disabled = true;
                let octets = query.encode(usize::from(u16::MAX));
                match self.inner.exchange.exchange(&octets, upstream, config.timeout).await {
                    Ok(answer) => match read(&answer, rrset()) {
                        Ok(message) => return Ok(message),
                        Err(reason) => failure = reason,
                    },
                    Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                        failure = Reason::TimedOut { rrset: rrset() };
                        continue;
                    }
                    Err(error) => failure = Reason::Network { rrset: rrset(), error: error.kind().to_string() },
                }
                break;
            }
        }
        Err(Security::Unavailable(failure))
    }
}

/// The way from the name that was looked up to where the resolver is.
struct Path {
    steps: Vec<Step>,
    at: Name,
    expires: Timestamp,
}

/// The last part of an answer.
struct Part {
    rcode: Rcode,
    records: Vec<Record>,
    judged: Judged,
}

/// The lowest name at which the zone can have its apex that holds this RRset: for DS the one above (RFC 4035 §2.4).
fn enclosing(owner: &Name, rtype: RecordType) -> Name {
    let above = if rtype == RecordType::DS { owner.parent() } else { None };
    above.unwrap_or_else(|| owner.clone())
}

fn alias_target(set: &SignedRrset) -> Option<(&SignedRrset, Name)> {
    let rdata = set.rrset.rdatas.first()?;
    Some((set, Cname::parse(rdata).ok()?.0))
}

/// Whether the authority section denies something about `name`.
fn denies(message: &Message, name: &Name) -> bool {
    message.authority.iter().any(|record| record.rtype == RecordType::SOA && name.is_subdomain_of(&record.name))
}

/// When a negative answer runs out (RFC 2308 §5); one without SOA at once.
fn negative_expiry(authority: &[SignedRrset], now: Timestamp) -> Timestamp {
    let soa = authority.iter().find(|set| set.rrset.rtype == RecordType::SOA);
    let ttl = soa.and_then(|set| {
        let soa = Soa::parse(set.rrset.rdatas.first()?).ok()?;
        Some(set.rrset.ttl.min(soa.minimum))
    });
    after(now, ttl.unwrap_or(0))
}

/// The message, if it is an answer that can be judged.
fn read(octets: &[u8], rrset: RrsetId) -> Result<Message, Reason> {
    let Ok(message) = Message::decode(octets) else { return Err(Reason::Malformed { rrset }) };
    let error = message.edns.as_ref().and_then(|edns| edns.extended_error);
    match message.rcode {
        _ if message.flags.truncated => Err(Reason::Truncated { rrset }),
        Rcode::NOERROR | Rcode::NXDOMAIN => Ok(message),
        // RFC 8914 §4.21 and §4.23.
        Rcode::SERVFAIL if error == Some(20) => Err(Reason::Lame { rrset }),
        Rcode::SERVFAIL if error == Some(22) => Err(Reason::NoReachableAuthority { rrset }),
        rcode => Err(Reason::ErrorCode { rrset, rcode, server: "the resolver" }),
    }
}
