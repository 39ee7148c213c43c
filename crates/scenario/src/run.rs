//! Running one scenario: the world is built, the engines started, the script played, the record judged.
//!
//! A run ends when the script is done, no message waits or is on its way, and no window of an expectation is open; at
//! `until` at the latest. Whatever comes of it is data ([`CellRun`]).

pub(crate) mod answers;
mod certificates;
mod changes;
mod configure;
mod dialogue;
mod error;
mod fault;
mod fault_words;
mod in_flight;
mod judge;
mod lab;
mod lookup;
mod mail_keys;
mod messages;
mod publish;
mod record;
mod references;
mod restart;
mod script;
mod send;
mod settle;
mod stage;
mod support;
mod traffic;
mod wire;

use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use mxlab_env::meter;
use mxlab_env::wire::{Network, PacketRecord, Protocol, TapVerdict};
use mxlab_record::Journal;
use mxlab_sim::{Bounds, Config, Sim};

use crate::engine::Engines;
use crate::expect::Asked;
use crate::expect::contradictions::Witnesses;
use crate::snapshot::Difference;
use answers::TlsaAnswers;
use error::LabError;
use lab::Lab;
use mxlab_language::declarations::Sender;
use mxlab_language::expectations::Expectation;
use mxlab_language::script::GoesOn;
use mxlab_language::{Cell, Diagnostic, Diagnostics, Scenario, Severity, Sources, Span};
use references::References;
use script::Script;
use stage::Stage;
use traffic::Traffic;
use wire::{InClear, Listener};

pub use record::{Heading, Run};
pub(crate) use support::refusals;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// As it should: everything at rest, or `until` reached.
    Finished,
    /// A bound was exceeded.
    Bound {
        /// Which, in words.
        which: String,
    },
    /// A task panicked.
    Panicked {
        /// The host.
        host: String,
        /// The task.
        task: String,
        /// What it said, and where.
        message: String,
    },
    /// Something went on after its process had been ended.
    Outlived {
        /// What, and where, in words.
        what: String,
    },
}

/// One thing that is wrong with a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// A word: `expectation`, `never`, `covers`, `seed-sensitive`, `snapshot`, `unknown-key`, `panic` …
    pub code: String,
    /// For people, possibly several lines.
    pub message: String,
    /// The file that it is about.
    pub file: Option<String>,
    /// Line in that file, from 1.
    pub line: Option<usize>,
    /// Column in that line, from 1.
    pub column: Option<usize>,
    /// How the story differs, if that is what is wrong.
    pub difference: Option<Difference>,
}

impl Failure {
    /// One without a place.
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Failure {
        Failure { code: code.to_owned(), message: message.into(), ..Failure::default() }
    }

    /// Mistakes in a file as failures; the message of each is the whole rendered diagnostic.
    pub(crate) fn mistakes(diagnostics: &Diagnostics) -> Vec<Failure> {
        let errors = diagnostics.items().iter().filter(|item| item.severity == Severity::Error);
        errors
            .map(|error| {
                let place = diagnostics.sources().position(error.primary.span);
                Failure {
                    code: error.code.to_owned(),
                    message: Diagnostics::new(diagnostics.sources().clone(), vec![error.clone()]).render(false),
                    file: Some(place.path),
                    line: Some(place.line),
                    column: Some(place.column),
                    difference: None,
                }
            })
            .collect()
    }
}

/// A run: what happened, and what came of it.
#[derive(Clone, Debug)]
pub struct CellRun {
    /// What happened.
    pub record: Arc<Run>,
    /// What came of it.
    pub result: RunResult,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct RunResult {
    /// How it ended.
    pub end: End,
    /// What did not hold.
    pub failures: Vec<Failure>,
    /// The claims in `covers` that this record does not show. Another cell of the file may show them.
    pub unshown: Vec<Failure>,
    /// What to say of `seed-sensitive` if this run drew nothing that may show. Another cell of the file may draw.
    pub undrawn: Option<Failure>,
    /// Hash of the record.
    pub record_hash: String,
    /// Hash of the packets.
    pub packet_hash: String,
    /// Packets sent.
    pub packets: u64,
    /// Signatures of zones made and checked, and halves of TLS key agreements.
    pub crypto_operations: u64,
    /// Virtual time that passed, in seconds.
    pub virtual_seconds: u64,
}

/// How long the world has to come to rest after everything that a file speaks of, besides the time for which mail waits.
const REST: Duration = Duration::from_secs(3600);
/// The longest run of all, in days.
const MAX_DAYS: u64 = 40;

/// What a run needs to know besides the scenario.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The scenario's id, with the cell.
    pub id: String,
    /// The line that runs it again.
    pub reproduce: String,
    /// The seed.
    pub seed: u64,
    /// Stop here, in seconds of virtual time.
    pub until: Option<u64>,
    /// What ends a run that never rests.
    pub bounds: Bounds,
    /// How many packets the record keeps, from the first on: none, unless a renderer reads them.
    pub packets: usize,
}

/// Runs a cell with these engines.
///
/// # Errors
/// What in the file cannot be run, with its places.
pub fn run_cell(
    cell: &Cell,
    sources: &Arc<Sources>,
    engines: &dyn Engines,
    options: &RunOptions,
) -> Result<CellRun, Diagnostics> {
    let scenario = &cell.scenario;
    let refusals = refusals(scenario);
    if !refusals.is_empty() {
        return Err(Diagnostics::new(sources.clone(), refusals));
    }
    meter::take();
    let unbuilt = |error: LabError| cannot_go_on(scenario, sources, None, &error);
    let sim = Sim::new(config(scenario, options)).map_err(|error| unbuilt(std::io::Error::other(error).into()))?;
    let network: Rc<dyn Network> = Rc::new(sim.network());
    let lab = Lab::build(scenario, &options.id, &*network).map_err(unbuilt)?;
    let journal = lab.journal.clone();
    let traffic = Traffic::default();
    let tlsa_answers = watch_the_wire(scenario, &*network, &lab, &traffic).map_err(unbuilt)?;
    lab.start(scenario);
    let recorder = lab.recorder(scenario, &lab.users.env(), "script");
    let mut script = Script::new(Stage::new(scenario, engines, lab, network, recorder, traffic));
    let mut outcome = sim.run(async {
        let result = settle::play(&mut script).await;
        (result, script.stage.sent.clone())
    });
    let (failed, sent) = match outcome.value.take() {
        Some((Err(error), sent)) => (Some(error), sent),
        Some((Ok(()), sent)) => (None, sent),
        // The run was cut off: the messages sent so far are all that there are.
        None => (None, script.stage.sent.clone()),
    };
    if let Some(error) = failed {
        return Err(cannot_go_on(scenario, sources, script.stage.acting, &error));
    }
    let (packets, secrets) = (std::mem::take(&mut outcome.log), std::mem::take(&mut outcome.tls_secrets));
    let record = Run::new(scenario, journal.entries(), packets, secrets);
    let references = References::new(scenario, &script.stage.lab.made, Some(&script.stage.lab.internet));
    let asked = Asked { scenario, entries: &record.entries, sent: &sent, references: &references };
    let mut failures = judge::judge(scenario, sources, &asked);
    let heard = tlsa_answers.lock().unwrap_or_else(PoisonError::into_inner);
    failures.extend(judge::never_acted(sources, &script.idle_faults()));
    let at_rest = outcome.end == mxlab_sim::End::Finished;
    let witnesses = Witnesses { asked: &asked, tlsa: heard.heard(), at_rest };
    let contradicted = |message| judge::failure("contradiction", message, sources, scenario.title.span());
    failures.extend(witnesses.contradictions().into_iter().map(contradicted));
    failures.extend(judge::drawn_unsaid(scenario, sources, &outcome.draws));
    let to_its_end = scenario.until.is_none() && options.until.is_none();
    if outcome.end == mxlab_sim::End::Until && to_its_end && !settle::at_rest(&script) {
        let message = "the run was cut off while something was still queued, on its way or due; say `until`".to_owned();
        failures.push(judge::failure("cut-off", message, sources, scenario.title.span()));
    }
    let result = RunResult {
        end: end_of(&outcome.end, &journal),
        failures,
        unshown: judge::unshown(scenario, sources, &record.entries),
        undrawn: judge::said_undrawn(scenario, sources, &outcome.draws),
        record_hash: journal.hash(),
        packet_hash: outcome.packet_hash,
        packets: outcome.packets,
        crypto_operations: meter::take(),
        virtual_seconds: outcome.elapsed.as_secs(),
    };
    Ok(CellRun { record: Arc::new(record), result })
}

fn config(scenario: &Scenario, options: &RunOptions) -> Config {
    Config {
        label: options.id.clone(),
        reproduce: options.reproduce.clone(),
        epoch: scenario.epoch,
        seed: options.seed,
        until: longest(scenario, options),
        bounds: options.bounds,
        packet_log: options.packets,
        capture: options.packets > 0,
        ..Config::default()
    }
}

/// The file was checked before. What still fails while the world is built or the script played is reported at the entry that
/// acted.
fn cannot_go_on(scenario: &Scenario, sources: &Arc<Sources>, acting: Option<Span>, error: &LabError) -> Diagnostics {
    let diagnostic = match acting {
        Some(span) => Diagnostic::error("step", format!("this step cannot be done: {error}"), span, "this entry"),
        None => {
            let span = scenario.title.span();
            Diagnostic::error("world", format!("the world cannot be built: {error}"), span, "of this scenario")
        }
    };
    Diagnostics::new(sources.clone(), vec![diagnostic])
}

fn end_of(end: &mxlab_sim::End, journal: &Journal) -> End {
    if journal.lost() > 0 {
        return End::Bound { which: format!("more than {} entries in the record", lab::MAX_ENTRIES) };
    }
    match end {
        mxlab_sim::End::Finished | mxlab_sim::End::Until => End::Finished,
        mxlab_sim::End::Bound { which, limit } => End::Bound { which: format!("more than {limit} {which}") },
        mxlab_sim::End::Panicked { host, task, message, .. } => {
            End::Panicked { host: host.clone(), task: task.clone(), message: message.clone() }
        }
        outlived @ mxlab_sim::End::Outlived { .. } => End::Outlived { what: outlived.to_string() },
    }
}

/// How long the run may be.
fn longest(scenario: &Scenario, options: &RunOptions) -> Duration {
    if let Some(seconds) = options.until {
        return Duration::from_secs(seconds);
    }
    let offset = |at: Timestamp| Duration::try_from(at.duration_since(scenario.epoch)).unwrap_or_default();
    if let Some(until) = &scenario.until {
        return offset(scenario.instant(*until.get()));
    }
    let windows =
        expectations(scenario).filter_map(|expectation| expectation.within.as_ref()).map(|within| *within.get());
    let windows = windows.map(|time| offset(scenario.instant(time)));
    let entries = scenario.at.iter().map(|at| match at.action.goes_on() {
        GoesOn::For(time) => offset(scenario.instant(at.time)) + time,
        GoesOn::Until(end) => offset(scenario.instant(at.time)).max(offset(scenario.instant(end))),
    });
    let last = windows.chain(entries).max().unwrap_or_default();
    // A message may wait to its end, and so may the NDR about it: there is none about that.
    let wanted = last.saturating_add(expiration(scenario).saturating_mul(2)).saturating_add(REST);
    wanted.min(Duration::from_secs(MAX_DAYS * 24 * 3600))
}

/// The longest time for which mail waits.
fn expiration(scenario: &Scenario) -> Duration {
    let default = || Sender::default().expiration();
    let own = scenario.sender.as_ref().map_or_else(default, |sender| sender.expiration());
    let tenants = scenario.tenants.values().filter_map(|tenant| tenant.message_expiration.as_ref());
    tenants.map(|expiration| expiration.get().get()).fold(own.get(), Duration::max)
}

fn expectations(scenario: &Scenario) -> impl Iterator<Item = &Expectation> {
    scenario.expects.iter().chain(&scenario.nevers)
}

/// The host from which messages go that name none: the only one with a `client` table.
fn only_client(scenario: &Scenario) -> Option<String> {
    let mut clients = scenario.hosts.iter().filter(|(_, host)| host.client.is_some());
    let first = clients.next().map(|(name, _)| name.to_string());
    if clients.next().is_some() { None } else { first }
}

/// Tells the record what of mail crosses the wire in clear. Returns what DNS says there of TLSA records.
fn watch_the_wire(
    scenario: &Scenario,
    network: &dyn Network,
    lab: &Lab,
    traffic: &Traffic,
) -> Result<Arc<Mutex<TlsaAnswers>>, LabError> {
    let recorder = lab.recorder(scenario, &lab.users.env(), "wire");
    let names: Vec<_> =
        scenario.addressed.values().map(|host| (host.ipv4, host.ipv6, host.full_name.clone())).collect();
    let mut listener = Listener::default();
    let answers: Arc<Mutex<TlsaAnswers>> = Arc::default();
    let (heard, journal, traffic) = (answers.clone(), lab.journal.clone(), traffic.clone());
    let tap = move |packet: &PacketRecord| {
        traffic.count(packet);
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        match packet.protocol {
            Protocol::Udp => heard.datagram(journal.len(), packet.from, packet.to, &packet.payload),
            Protocol::Tcp { flags, .. } => {
                heard.segment(journal.len(), packet.from, packet.to, flags.syn, &packet.payload);
            }
        }
        let step = match packet.protocol {
            Protocol::Tcp { flags, .. } if flags.syn && !flags.ack => wire::Packet::Opens,
            Protocol::Tcp { flags, .. } if flags.rst => wire::Packet::Breaks,
            Protocol::Tcp { flags, .. } if flags.fin => wire::Packet::Ends,
            Protocol::Tcp { .. } | Protocol::Udp => wire::Packet::Goes,
        };
        for heard in listener.hear(packet.from, packet.to, step, &packet.payload) {
            let server = if packet.to.port() == mxlab_mail::smtp::PORT { packet.to } else { packet.from };
            let ip = server.ip();
            let named = names.iter().find(|(v4, v6, _)| ip == *v4 || ip == *v6);
            let server = named.map_or_else(|| ip.to_string(), |(_, _, name)| name.clone());
            recorder.tell(&InClear { server, ..heard });
        }
        TapVerdict::Pass
    };
    network.tap(Box::new(tap))?;
    Ok(answers)
}
