//! A small internet in memory: the root, `example`, and some zones below it, a recursive resolver and a validating one.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mxlab_dns::exchange::{Exchange, Transport};
use mxlab_dns::rdata::Rdata as _;
use mxlab_dns::*;
use mxlab_env::{BoxFuture, BoxStream, Datagrams, Env, Files, Listener, Ports, Task, Timestamp};
use mxlab_record::{Journal, Recorder};

/// Monday, 2 March 2026, 08:00 UTC.
pub const EPOCH: i64 = 1_772_438_400;
pub const RECURSOR: &str = "192.0.2.250:53";

pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub fn rtype(text: &str) -> RecordType {
    text.parse().unwrap()
}

/// The time so many seconds after the epoch.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(EPOCH + seconds).unwrap()
}

/// A clock that tests set, and entropy that counts. It has no network.
#[derive(Clone, Default)]
pub struct Clock(Arc<Mutex<(i64, u64)>>);

impl Clock {
    pub fn set(&self, seconds: i64) {
        self.0.lock().unwrap().0 = seconds;
    }
}

impl Ports for Clock {
    fn now(&self) -> Timestamp {
        at(self.0.lock().unwrap().0)
    }
    fn fill(&self, buffer: &mut [u8]) {
        let mut state = self.0.lock().unwrap();
        for byte in buffer {
            state.1 = state.1.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (state.1 >> 56) as u8;
        }
    }
    fn spawn(&self, _: String, _: BoxFuture<'static, ()>) -> Task {
        unreachable!("nothing is spawned in memory")
    }
    fn connect(&self, _: Option<IpAddr>, _: SocketAddr) -> BoxFuture<'_, io::Result<BoxStream>> {
        unreachable!("there is no network in memory")
    }
    fn listen(&self, _: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        unreachable!("there is no network in memory")
    }
    fn bind(&self, _: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Datagrams>>> {
        unreachable!("there is no network in memory")
    }
    fn files(&self) -> &dyn Files {
        unreachable!("there are no files in memory")
    }
}

/// The wire between resolvers and servers.
#[derive(Clone)]
pub struct Wire {
    pub clock: Clock,
    pub authorities: Arc<BTreeMap<SocketAddr, Arc<Authority>>>,
    pub down: Arc<Mutex<BTreeSet<SocketAddr>>>,
    pub recursor: Arc<Mutex<Option<Recursor>>>,
    /// `server type name` of every query, in order.
    pub queries: Arc<Mutex<Vec<String>>>,
}

impl Exchange for Wire {
    fn exchange<'a>(
        &'a self,
        query: &'a [u8],
        server: SocketAddr,
        transport: Transport,
        _timeout: Duration,
    ) -> BoxFuture<'a, io::Result<Vec<u8>>> {
        Box::pin(async move {
            let question = Message::decode(query).unwrap().question.unwrap();
            self.queries.lock().unwrap().push(format!("{} {} {}", server.ip(), question.rtype, question.name));
            if self.down.lock().unwrap().contains(&server) {
                return Err(io::ErrorKind::TimedOut.into());
            }
            if server.to_string() == RECURSOR {
                let recursor = self.recursor.lock().unwrap().clone().unwrap();
                return recursor.answer(query, transport).await.ok_or(io::ErrorKind::TimedOut.into());
            }
            match self.authorities.get(&server).map(|authority| authority.answer(query, transport, self.clock.now())) {
                Some(Reply::Bytes(octets) | Reply::Later(_, octets)) => Ok(octets),
                Some(Reply::Nothing | Reply::Close) | None => Err(io::ErrorKind::TimedOut.into()),
            }
        })
    }
}

/// A wire on which every answer is changed.
struct Forger {
    wire: Wire,
    tamper: Box<dyn Fn(&mut Message) + Send + Sync>,
}

impl Exchange for Forger {
    fn exchange<'a>(
        &'a self,
        query: &'a [u8],
        server: SocketAddr,
        transport: Transport,
        timeout: Duration,
    ) -> BoxFuture<'a, io::Result<Vec<u8>>> {
        Box::pin(async move {
            let mut message = Message::decode(&self.wire.exchange(query, server, transport, timeout).await?).unwrap();
            (self.tamper)(&mut message);
            Ok(message.encode(65_535))
        })
    }
}

/// A query with DO.
pub fn query(owner: &str, kind: &str) -> Vec<u8> {
    let edns = mxlab_dns::wire::Edns::new(1232, true);
    Message::query(99, name(owner), rtype(kind), Some(edns)).encode(512)
}

/// How a zone of the internet is made.
pub struct Spec {
    pub origin: &'static str,
    /// The servers: names and addresses.
    pub servers: &'static [(&'static str, &'static str)],
    pub text: String,
    pub signed: bool,
    /// Whether the parent publishes its DS.
    pub delegated: bool,
    pub signing: Signing,
    pub algorithm: Algorithm,
}

pub fn always() -> Signing {
    Signing::rolling(at(-86_400))
}

impl Spec {
    pub fn new(origin: &'static str, servers: &'static [(&'static str, &'static str)], text: &str) -> Spec {
        Spec {
            origin,
            servers,
            text: text.to_owned(),
            signed: true,
            delegated: true,
            signing: always(),
            algorithm: Algorithm::ED25519,
        }
    }

    pub fn key(&self) -> Arc<SigningKey> {
        let mut seed = [7; 32];
        for (slot, byte) in seed.iter_mut().skip(1).zip(self.origin.bytes()) {
            *slot = byte;
        }
        Arc::new(SigningKey::from_seed(self.algorithm, seed).unwrap())
    }

    pub fn zone(&self) -> Zone {
        let servers: Vec<Name> = self.servers.iter().map(|(server, _)| name(server)).collect();
        let mut zone = Zone::new(name(self.origin), &servers, 300);
        zone.add_text(&self.text, 300).unwrap();
        zone
    }

    pub fn serve(&self, zone: Zone) -> ServedZone {
        if self.signed { SignedZone::new(zone, vec![self.key()], self.signing).into() } else { zone.into() }
    }
}

/// The zones that most tests use.
pub fn specs() -> Vec<Spec> {
    let contoso = "
@            MX     10 mx1
@            MX     20 mx2
@            TXT    \"v=spf1 -all\"
mx1          A      198.51.100.1
mx2          A      198.51.100.2
_25._tcp.mx1 TLSA   3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
www          CNAME  mx1
far          CNAME  mail.plain.example.
away         CNAME  mx.outside.example.
gone         CNAME  nothing
loop1        CNAME  loop2
loop2        CNAME  loop1
deep.ent     A      198.51.100.9
sub          NS     ns.sub
ns.sub       A      192.0.2.5
";
    let mut root = Spec::new(".", &[("a.root", "192.0.2.1")], "");
    root.algorithm = Algorithm::ECDSAP256SHA256;
    let mut plain = Spec::new("plain.example", &[("ns.plain.example", "192.0.2.4")], "mail A 198.51.100.20");
    plain.signed = false;
    let mut island = Spec::new("island.example", &[("ns.island.example", "192.0.2.7")], "@ A 198.51.100.30");
    island.delegated = false;
    vec![
        root,
        Spec::new("example", &[("ns.example", "192.0.2.2")], ""),
        Spec::new(
            "contoso.example",
            &[("ns1.contoso.example", "192.0.2.3"), ("ns2.contoso.example", "192.0.2.13")],
            contoso,
        ),
        Spec::new("sub.contoso.example", &[("ns.sub.contoso.example", "192.0.2.5")], "@ A 198.51.100.7"),
        plain,
        island,
        // Its server is in another zone.
        Spec::new("outside.example", &[("ns1.contoso.example", "192.0.2.3")], "mx A 198.51.100.40"),
    ]
}

pub struct Net {
    pub clock: Clock,
    pub env: Env,
    pub journal: Journal,
    pub recorder: Recorder,
    pub wire: Wire,
    pub specs: Vec<Spec>,
    pub resolver: Resolver,
    pub recursor: Recursor,
}

impl Net {
    pub fn new() -> Net {
        Net::with(specs())
    }

    /// The same internet; its validating resolver asks the servers itself.
    pub fn iterating(specs: Vec<Spec>) -> Net {
        let net = Net::with(specs);
        let config = ResolverConfig::iterating(net.roots(), net.anchor());
        let resolver = Resolver::with_exchange(&net.env, &net.recorder, config, Arc::new(net.wire.clone()));
        Net { resolver, ..net }
    }

    pub fn roots(&self) -> Vec<(Name, Vec<IpAddr>)> {
        self.specs[0].servers.iter().map(|(server, address)| (name(server), vec![ip(address)])).collect()
    }

    pub fn anchor(&self) -> TrustAnchor {
        TrustAnchor::root(vec![self.specs[0].key().ds(&Name::root())])
    }

    /// The result of a lookup by an iterating resolver if every answer of the name servers is changed on the way.
    pub fn forged(&self, owner: &str, kind: &str, tamper: impl Fn(&mut Message) + Send + Sync + 'static) -> Answer {
        let resolver = self.resolver_behind(ResolverConfig::iterating(self.roots(), self.anchor()), tamper);
        block_on(resolver.lookup(&name(owner), rtype(kind)))
    }

    /// A new resolver whose every answer is changed on the way.
    pub fn resolver_behind(
        &self,
        config: ResolverConfig,
        tamper: impl Fn(&mut Message) + Send + Sync + 'static,
    ) -> Resolver {
        let exchange = Arc::new(Forger { wire: self.wire.clone(), tamper: Box::new(tamper) });
        Resolver::with_exchange(&self.env, &self.recorder, config, exchange)
    }

    /// Signs and serves the zones, and adds delegations to their parents.
    pub fn with(specs: Vec<Spec>) -> Net {
        let mut authorities: BTreeMap<SocketAddr, Arc<Authority>> = BTreeMap::new();
        for (spec, zone) in specs.iter().zip(zones(&specs)) {
            for (_, address) in spec.servers {
                let authority = authorities.entry(socket(address)).or_default();
                authority.set_zone(spec.serve(zone.clone()));
            }
        }
        let clock = Clock::default();
        let env = Env::new(clock.clone());
        let journal = Journal::new(1_000);
        let recorder = journal.recorder(&env, "sender", 0);
        let wire = Wire {
            clock: clock.clone(),
            authorities: Arc::new(authorities),
            down: Arc::default(),
            recursor: Arc::default(),
            queries: Arc::default(),
        };
        let root = &specs[0];
        let roots = root.servers.iter().map(|(server, address)| (name(server), vec![ip(address)])).collect();
        let exchange = Arc::new(wire.clone());
        let recursor =
            Recursor::with_exchange(&env, &Recorder::nowhere(&env), RecursorConfig::new(roots), exchange.clone());
        *wire.recursor.lock().unwrap() = Some(recursor.clone());
        let anchor = TrustAnchor::root(vec![root.key().ds(&Name::root())]);
        let config = ResolverConfig::new(vec![RECURSOR.parse().unwrap()], anchor);
        let resolver = Resolver::with_exchange(&env, &recorder, config, exchange);
        Net { clock, env, journal, recorder, wire, specs, resolver, recursor }
    }

    pub fn lookup(&self, owner: &str, kind: &str) -> Answer {
        block_on(self.resolver.lookup(&name(owner), rtype(kind)))
    }

    /// The result of a lookup by a new resolver if every answer of its upstream is changed on the way.
    pub fn tampered(&self, owner: &str, kind: &str, tamper: impl Fn(&mut Message) + Send + Sync + 'static) -> Answer {
        let anchor = TrustAnchor::root(vec![self.specs[0].key().ds(&Name::root())]);
        self.tampered_below(anchor, owner, kind, tamper)
    }

    /// The same for a resolver that trusts this anchor.
    pub fn tampered_below(
        &self,
        anchor: TrustAnchor,
        owner: &str,
        kind: &str,
        tamper: impl Fn(&mut Message) + Send + Sync + 'static,
    ) -> Answer {
        let resolver = self.resolver_behind(ResolverConfig::new(vec![RECURSOR.parse().unwrap()], anchor), tamper);
        block_on(resolver.lookup(&name(owner), rtype(kind)))
    }

    pub fn authority(&self, address: &str) -> &Authority {
        &self.wire.authorities[&socket(address)]
    }

    pub fn down(&self, address: &str) {
        self.wire.down.lock().unwrap().insert(socket(address));
    }

    pub fn clear_caches(&self) {
        self.resolver.clear_cache();
        self.recursor.clear_cache();
    }

    /// The queries since the last call.
    pub fn queries(&self) -> Vec<String> {
        std::mem::take(&mut *self.wire.queries.lock().unwrap())
    }
}

/// The zones of the specs, each with the delegations to those right below it.
pub fn zones(specs: &[Spec]) -> Vec<Zone> {
    let mut zones: Vec<Zone> = specs.iter().map(Spec::zone).collect();
    for child in &specs[1..] {
        let origin = name(child.origin);
        let parent = specs
            .iter()
            .enumerate()
            .filter(|(_, spec)| origin.is_strictly_below(&name(spec.origin)))
            .max_by_key(|(_, spec)| name(spec.origin).label_count())
            .unwrap()
            .0;
        let add = |zone: &mut Zone, owner: &Name, rtype, rdata: RawRdata| {
            zone.insert(Record::new(owner.clone(), rtype, 300, rdata)).unwrap();
        };
        for (server, address) in child.servers {
            let server = name(server);
            add(&mut zones[parent], &origin, RecordType::NS, rdata::Ns(server.clone()).to_rdata());
            let IpAddr::V4(address) = ip(address) else { panic!() };
            let rdata = rdata::A(address).to_rdata();
            if server.is_subdomain_of(&origin) {
                let own = specs.iter().position(|spec| spec.origin == child.origin).unwrap();
                add(&mut zones[parent], &server, RecordType::A, rdata.clone());
                add(&mut zones[own], &server, RecordType::A, rdata);
            }
        }
        if child.signed && child.delegated {
            add(&mut zones[parent], &origin, RecordType::DS, child.key().ds(&origin).to_rdata());
        }
    }
    zones
}

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub fn socket(address: &str) -> SocketAddr {
    SocketAddr::new(ip(address), 53)
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(future)
}
