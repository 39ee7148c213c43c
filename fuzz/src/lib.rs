//! What the fuzz targets share: a small signed internet, a machine without network and with a fixed clock, and the questions
//! that the resolver is asked.

pub mod mail;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use mxlab_dns::exchange::Exchange;
use mxlab_dns::rdata::{A, Ns, Rdata as _};
use mxlab_dns::wire::{Edns, Message};
use mxlab_dns::{
    Algorithm, Answer, Authority, Denial, Name, RawRdata, Record, RecordType, Reply, Resolver, ResolverConfig,
    Responder as _, SignedZone, Signing, SigningKey, Transport, TrustAnchor, Zone,
};
use mxlab_env::{BoxFuture, BoxStream, Datagrams, Env, Files, Listener, Ports, Task};
use mxlab_record::Recorder;
use tokio::runtime::{Builder, Runtime};

/// The questions of the targets; the first octet of an input picks one.
pub const QUESTIONS: [(&str, RecordType); 16] = [
    ("fabrikam.example", RecordType::MX),
    ("mx1.fabrikam.example", RecordType::A),
    ("_25._tcp.mx1.fabrikam.example", RecordType::TLSA),
    ("alias.fabrikam.example", RecordType::A),
    ("nothing.fabrikam.example", RecordType::A),
    ("mx1.fabrikam.example", RecordType::AAAA),
    ("ent.fabrikam.example", RecordType::A),
    ("mail.plain.example", RecordType::A),
    ("a.wild.fabrikam.example", RecordType::A),
    ("a.wild.fabrikam.example", RecordType::MX),
    ("mx1.old.fabrikam.example", RecordType::A),
    ("nothing.contoso.example", RecordType::A),
    ("a.x.fabrikam.example", RecordType::A),
    ("nothing.open.example", RecordType::A),
    ("mail.sub.open.example", RecordType::A),
    ("mail.open.example", RecordType::AAAA),
];

const RECORDS: &str = "
@            MX    10 mx1
mx1          A     198.51.100.1
_25._tcp.mx1 TLSA  3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
alias        CNAME mx1
deep.ent     A     198.51.100.9
*.wild       A     198.51.100.8
old          DNAME fabrikam.example.
a.*.x        A     198.51.100.7
";

/// Zones with their records and whether they are signed.
const ZONES: [(&str, &str, bool); 6] = [
    (".", "", true),
    ("example", "", true),
    ("fabrikam.example", RECORDS, true),
    ("plain.example", "mail A 198.51.100.20", false),
    // Denies by NSEC3.
    ("contoso.example", "@ MX 10 mail\nmail A 198.51.100.40", true),
    // So does this one, and opts out: it has an unsigned delegation.
    ("open.example", "@ MX 10 mail\nmail A 198.51.100.50\nsub NS ns.sub\nns.sub A 198.51.100.51", true),
];

/// How many messages one lookup may take, aliases and failures included: what [`ResolverConfig::new`] allows.
pub const MAX_QUERIES: u32 = 128;
/// How many signatures one lookup may check: what the default [`Policy`](mxlab_dns::validator::Policy) allows.
pub const MAX_CHECKS: u64 = 100;

/// How long a lookup may wait, in virtual time.
const PATIENCE: Duration = Duration::from_secs(600);

pub fn name(text: &str) -> Name {
    text.parse().expect("the names of the targets are names")
}

fn now() -> Timestamp {
    Timestamp::from_second(1_772_438_400).expect("the time is in range")
}

/// A machine without network whose clock stands still.
struct Machine(AtomicU32);

impl Ports for Machine {
    fn now(&self) -> Timestamp {
        now()
    }
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill_with(|| (self.0.fetch_add(0x9e37_79b9, Ordering::Relaxed) >> 24) as u8);
    }
    fn spawn(&self, _: String, _: BoxFuture<'static, ()>) -> Task {
        unreachable!("nothing is spawned")
    }
    fn connect(&self, _: Option<IpAddr>, _: SocketAddr) -> BoxFuture<'_, io::Result<BoxStream>> {
        unreachable!("there is no network")
    }
    fn listen(&self, _: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        unreachable!("there is no network")
    }
    fn bind(&self, _: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Datagrams>>> {
        unreachable!("there is no network")
    }
    fn files(&self) -> &dyn Files {
        unreachable!("there are no files")
    }
}

fn env() -> Env {
    Env::new(Machine(AtomicU32::new(1)))
}

fn key(zone: &Name) -> Arc<SigningKey> {
    let mut seed = [7; 32];
    seed.iter_mut().zip(zone.wire()).for_each(|(slot, byte)| *slot = *byte);
    Arc::new(SigningKey::from_seed(Algorithm::ED25519, seed).expect("every seed is a key"))
}

thread_local! {
    /// Waiting takes no real time.
    static RUNTIME: Runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without I/O needs nothing");
}

/// The signed internet, and what it answers to every question that a validating resolver has.
pub struct Internet {
    /// One server with all zones.
    authority: Authority,
    answers: Mutex<BTreeMap<(Name, RecordType), Message>>,
}

/// There is one.
pub static INTERNET: LazyLock<Arc<Internet>> = LazyLock::new(|| Arc::new(Internet::new()));

impl Internet {
    fn new() -> Internet {
        let mut zones: Vec<Zone> = Vec::new();
        for (origin, text, _) in ZONES {
            let origin = name(origin);
            let server = origin.prepend_label("ns").expect("origins are short");
            let mut zone = Zone::new(origin, &[server], 300);
            zone.add_text(text, 300).expect("the zones are right");
            zones.push(zone);
        }
        for (number, (origin, _, signed)) in ZONES.iter().enumerate() {
            let origin = name(origin);
            let server = origin.prepend_label("ns").expect("origins are short");
            let glue = A(address(number)).to_rdata();
            add(&mut zones[number], &server, RecordType::A, glue.clone());
            let parent = if number == 1 { 0 } else { 1 };
            if number == 0 {
                continue;
            }
            add(&mut zones[parent], &origin, RecordType::NS, Ns(server.clone()).to_rdata());
            add(&mut zones[parent], &server, RecordType::A, glue);
            if *signed {
                add(&mut zones[parent], &origin, RecordType::DS, key(&origin).ds(&origin).to_rdata());
            }
        }
        let signing = Signing::rolling(now());
        let authority = Authority::new();
        for ((_, _, signed), zone) in ZONES.iter().zip(zones) {
            let key = key(zone.origin());
            match signed {
                true => {
                    let opt_out = *zone.origin() == name("open.example");
                    let denial = match opt_out || *zone.origin() == name("contoso.example") {
                        true => Denial::Nsec3 { iterations: 1, salt: vec![7], opt_out },
                        false => Denial::Nsec,
                    };
                    authority.set_zone(SignedZone::new(zone, vec![key], signing).with_denial(denial));
                }
                false => authority.set_zone(zone),
            }
        }
        Internet { authority, answers: Mutex::default() }
    }

    /// The answer of a recursive resolver.
    pub fn answer(self: &Arc<Internet>, question: &Name, rtype: RecordType) -> Message {
        let key = (question.to_lowercase(), rtype);
        let mut answers = self.answers.lock().expect("nobody panics with it");
        if let Some(known) = answers.get(&key) {
            return known.clone();
        }
        let query = Message::query(0, question.clone(), rtype, Some(Edns::new(1_232, true))).encode(512);
        let Reply::Bytes(octets) = self.authority.answer(&query, Transport::Tcp, now()) else {
            panic!("the authority has no faults")
        };
        let answer = Message::decode(&octets).expect("answers are messages");
        // Inputs invent names, so the cache is bounded.
        if answers.len() > 10_000 {
            answers.clear();
        }
        answers.insert(key, answer.clone());
        answer
    }
}

fn address(number: usize) -> std::net::Ipv4Addr {
    std::net::Ipv4Addr::new(192, 0, 2, 1 + number as u8)
}

fn add(zone: &mut Zone, owner: &Name, rtype: RecordType, rdata: RawRdata) {
    zone.insert(Record::new(owner.clone(), rtype, 300, rdata)).expect("the zones are right");
}

/// Looks a question up with a new resolver that gets its answers from `answer`: query in, octets out, which have the query's
/// id already.
///
/// # Panics
/// It takes more messages than [`MAX_QUERIES`] or more signature checks than [`MAX_CHECKS`], or waits for something.
pub fn lookup(
    question: &(&str, RecordType),
    answer: impl Fn(&[u8], u32) -> Option<Vec<u8>> + Send + Sync + 'static,
) -> Answer {
    struct Told<F> {
        answer: F,
        queries: AtomicU32,
    }
    impl<F: Fn(&[u8], u32) -> Option<Vec<u8>> + Send + Sync> Exchange for Told<F> {
        fn exchange<'a>(
            &'a self,
            query: &'a [u8],
            _: SocketAddr,
            _: Transport,
            _: Duration,
        ) -> BoxFuture<'a, io::Result<Vec<u8>>> {
            let number = self.queries.fetch_add(1, Ordering::Relaxed);
            assert!(number < MAX_QUERIES, "a lookup without end");
            let answer = (self.answer)(query, number).ok_or(io::ErrorKind::TimedOut.into());
            Box::pin(std::future::ready(answer))
        }
    }
    let anchor = TrustAnchor::root(vec![key(&Name::root()).ds(&Name::root())]);
    let config = ResolverConfig::new(vec![SocketAddr::from(([192, 0, 2, 250], 53))], anchor);
    let env = env();
    let told = Arc::new(Told { answer, queries: AtomicU32::new(0) });
    let resolver = Resolver::with_exchange(&env, &Recorder::nowhere(&env), config, told);
    mxlab_env::meter::take();
    let asked = name(question.0);
    let lookup = async { tokio::time::timeout(PATIENCE, resolver.lookup(&asked, question.1)).await };
    let answer = RUNTIME.with(|runtime| runtime.block_on(lookup)).expect("a lookup ends");
    assert!(mxlab_env::meter::take() <= MAX_CHECKS, "too many signature checks");
    answer
}
