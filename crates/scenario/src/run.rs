//! Running one scenario: the world is built, the engines started, the script played, the record judged.
//!
//! A run ends when the script is done, no message waits or is on its way, and no window of an expectation is open; at
//! `until` at the latest. Whatever comes of it is data ([`CellRun`]).

mod certificates;
mod changes;
mod error;
mod fault;
mod lab;
mod mail_keys;
mod messages;
mod references;
mod script;
mod send;
mod support;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use mxlab_env::meter;
use mxlab_record::{Entry, Journal};
use mxlab_sim::{Bounds, Config, PacketRecord, Protocol, Verdict};
use tokio::time::Instant;

use crate::engine::Engines;
use crate::expect::Asked;
use mxlab_language::expectations::Expectation;
use mxlab_language::script::Action;
use mxlab_language::values::{BehaviourRef, format_offset};
use mxlab_language::{Cell, Diagnostic, Diagnostics, Scenario, Sources, Span, Spanned};

use crate::{registry, story};
use error::LabError;
use lab::Lab;
use references::References;
use script::Script;
use wire::{InClear, Listener};

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
}

/// One thing that is wrong with a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// A word: `expectation`, `never`, `covers`, `snapshot`, `unknown-key`, `panic` …
    pub code: String,
    /// For people, possibly several lines.
    pub message: String,
    /// The file that it is about.
    pub file: Option<String>,
    /// Line in that file, from 1.
    pub line: Option<usize>,
    /// Column in that line, from 1.
    pub column: Option<usize>,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct CellRun {
    /// How it ended.
    pub end: End,
    /// What did not hold.
    pub failures: Vec<Failure>,
    /// The claims in `covers` that this record does not show. Another cell of the file may show them.
    pub unshown: Vec<Failure>,
    /// The story.
    pub story: String,
    /// The last entries of the record, one a line, for a run that a bound ended.
    pub last_events: Vec<String>,
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

/// The longest run unless a file says more, in hours.
const DEFAULT_UNTIL_HOURS: u64 = 48;
/// The longest run of all, in days.
const MAX_DAYS: u64 = 40;
/// How long the world is left alone after everything is at rest, so that sessions close and the last replies arrive.
const GRACE: Duration = Duration::from_secs(60);
/// How many of the last entries are shown when a bound ends a run.
const LAST_EVENTS: usize = 20;

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
    let refusals = support::refusals(scenario);
    if !refusals.is_empty() {
        return Err(Diagnostics::new(sources.clone(), refusals));
    }
    meter::take();
    let config = Config {
        label: options.id.clone(),
        reproduce: options.reproduce.clone(),
        epoch: scenario.epoch,
        seed: options.seed,
        until: longest(scenario, options),
        bounds: options.bounds,
        ..Config::default()
    };
    let (sim, lab) =
        Lab::build(scenario, &options.id, config).map_err(|error| cannot_go_on(scenario, sources, None, &error))?;
    let journal = lab.journal.clone();
    watch_the_wire(scenario, &sim, &lab);
    lab.start(scenario);
    let control = sim.control();
    let recorder = lab.recorder(scenario, "script");
    let mut script = Script::new(scenario, engines, lab, control, recorder);
    let outcome = sim.run(async {
        let result = play(&mut script).await;
        (result, script.sent.clone())
    });
    let (failed, sent) = match outcome.value {
        Some((Err(error), sent)) => (Some(error), sent),
        Some((Ok(()), sent)) => (None, sent),
        // The run was cut off: the messages sent so far are all that there are.
        None => (None, script.sent.clone()),
    };
    if let Some(error) = failed {
        return Err(cannot_go_on(scenario, sources, script.acting, &error));
    }
    let entries = journal.entries();
    let references = References::new(scenario, &script.lab.made, Some(&script.lab.internet));
    let end = end_of(&outcome.end, &journal);
    let mut failures =
        judge(scenario, sources, &Asked { scenario, entries: &entries, sent: &sent, references: &references });
    let claim = |claim: &Spanned<BehaviourRef>| {
        let message = registry::unshown(claim.as_str(), &entries)?;
        Some(failure("covers", message, sources, claim.span()))
    };
    let unshown = scenario.covers.iter().filter_map(claim).collect();
    if outcome.end == mxlab_sim::End::Until && scenario.until.is_none() && options.until.is_none() && !at_rest(&script)
    {
        let message = "the run was cut off while something was still queued, on its way or due; say `until`".to_owned();
        failures.push(failure("cut-off", message, sources, scenario.title.span()));
    }
    Ok(CellRun {
        failures,
        unshown,
        story: tell(scenario, &entries),
        last_events: last_events(scenario.epoch, &entries),
        record_hash: journal.hash(),
        packet_hash: outcome.packet_hash,
        packets: outcome.packets,
        crypto_operations: meter::take(),
        virtual_seconds: outcome.elapsed.as_secs(),
        end,
    })
}

/// The world is built, and the script played, from what was checked; what still fails is told at the entry that acted.
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

fn tell(scenario: &Scenario, entries: &[Entry]) -> String {
    let words = scenario.story.as_ref().map(|words| words.as_str());
    story::tell(&story::Heading { title: scenario.title.as_str(), words, epoch: scenario.epoch }, entries)
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
    let entries = scenario.at.iter().map(|at| offset(scenario.instant(at.time)) + lasts(scenario, &at.action));
    let last = windows.chain(entries).max().unwrap_or_default();
    // What a file speaks of happens, whatever the default says, and has a day to come to rest.
    let wanted = Duration::from_secs(DEFAULT_UNTIL_HOURS * 3600).max(last + Duration::from_secs(24 * 3600));
    wanted.min(Duration::from_secs(MAX_DAYS * 24 * 3600))
}

/// How long a step goes on after its time.
fn lasts(scenario: &Scenario, action: &Action) -> Duration {
    match action {
        Action::Send(send) => {
            let every = send.every.as_ref().map_or(Duration::ZERO, |every| every.get().get());
            every.saturating_mul(send.count())
        }
        Action::Fault(fault) => fault.until.as_ref().map_or(Duration::ZERO, |until| {
            Duration::try_from(scenario.instant(*until.get()).duration_since(scenario.epoch)).unwrap_or_default()
        }),
        Action::Restart(restart) => restart.down().get(),
        _ => Duration::ZERO,
    }
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

/// Tells the record what of mail crosses the wire in clear.
fn watch_the_wire(scenario: &Scenario, sim: &mxlab_sim::Sim, lab: &Lab) {
    let recorder = lab.recorder(scenario, "wire");
    let names: Vec<_> =
        scenario.addressed.values().map(|host| (host.ipv4, host.ipv6, host.full_name.clone())).collect();
    let mut listener = Listener::default();
    sim.control().tap(move |packet: &PacketRecord| {
        let opens = matches!(packet.protocol, Protocol::Tcp { flags, .. } if flags.syn && !flags.ack);
        for heard in listener.hear(packet.from, packet.to, opens, &packet.payload) {
            let ip = packet.to.ip();
            let named = names.iter().find(|(v4, v6, _)| ip == *v4 || ip == *v6);
            let server = named.map_or_else(|| ip.to_string(), |(_, _, name)| name.clone());
            recorder.tell(&InClear { server, ..heard });
        }
        Verdict::Pass
    });
}

/// Starts the engines, plays the script, and waits until everything is at rest.
async fn play(script: &mut Script<'_>) -> Result<(), LabError> {
    script.start = Instant::now();
    script.start_outbound().await?;
    script.start_inbound().await?;
    script.run().await?;
    settle(script).await
}

/// Waits until nothing is queued, nothing is on its way, and no window is open; doing what falls due.
async fn settle(script: &mut Script<'_>) -> Result<(), LabError> {
    loop {
        let now = Instant::now();
        script.do_due(now).await?;
        let open = open_until(script);
        if at_rest(script) && open.is_none() {
            tokio::time::sleep(GRACE).await;
            if at_rest(script) {
                return Ok(());
            }
            continue;
        }
        let wake = [open, script.next_due()].into_iter().flatten().filter(|at| *at > now).min();
        let (journal, in_flight) = (script.lab.journal.clone(), script.in_flight.clone());
        tokio::select! {
            biased;
            () = journal.grown() => {}
            () = in_flight.changed() => {}
            () = sleep_until_or_for_ever(wake) => {}
        }
    }
}

/// Whether nothing is queued, on its way or due.
fn at_rest(script: &Script<'_>) -> bool {
    !is_busy(script) && script.next_due().is_none()
}

/// Whether something is queued or on its way.
fn is_busy(script: &Script<'_>) -> bool {
    !script.in_flight.is_empty()
        || script.outbound.as_ref().is_some_and(|engine| engine.queued() > 0)
        || script.inbound.as_ref().is_some_and(|engine| engine.queued() > 0)
}

async fn sleep_until_or_for_ever(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// When the last window closes that a file gives and that is not decided; none if all are.
fn open_until(script: &Script<'_>) -> Option<Instant> {
    let scenario = script.scenario;
    let now = scenario.epoch.checked_add(Instant::now().duration_since(script.start)).unwrap_or(Timestamp::MAX);
    let open: Vec<(&Expectation, Timestamp)> = expectations(scenario)
        .filter_map(|expectation| Some((expectation, scenario.instant(*expectation.within.as_ref()?.get()))))
        .filter(|(_, end)| *end > now)
        .collect();
    if open.is_empty() {
        return None;
    }
    // While something waits or is on its way, more entries come: the windows need not be looked at yet.
    let busy = is_busy(script);
    let entries = if busy { Vec::new() } else { script.lab.journal.entries() };
    let references = References::new(scenario, &script.lab.made, Some(&script.lab.internet));
    let asked = Asked { scenario, entries: &entries, sent: &script.sent, references: &references };
    let undecided = open.into_iter().filter(|(expectation, _)| busy || !asked.is_decided(expectation));
    let last = undecided.map(|(_, end)| end).max()?;
    Some(script.start + Duration::try_from(last.duration_since(scenario.epoch)).unwrap_or_default())
}

fn judge(scenario: &Scenario, sources: &Arc<Sources>, asked: &Asked<'_>) -> Vec<Failure> {
    let mut failures = Vec::new();
    for entry in asked.entries.iter().filter(|entry| entry.kind.starts_with("not-supported")) {
        let told = entry.story.first().map_or("", String::as_str);
        failures.push(failure("not-supported", format!("{}: {told}", entry.actor), sources, scenario.title.span()));
    }
    for expectation in &scenario.expects {
        if let Some(message) = asked.unmet(expectation) {
            failures.push(failure("expectation", message, sources, expectation.span));
        }
    }
    for expectation in &scenario.nevers {
        if let Some(message) = asked.broken(expectation) {
            failures.push(failure("never", message, sources, expectation.span));
        }
    }
    failures
}

fn failure(code: &str, message: String, sources: &Sources, span: Span) -> Failure {
    let place = sources.position(span);
    Failure {
        code: code.to_owned(),
        message,
        file: Some(place.path),
        line: Some(place.line),
        column: Some(place.column),
    }
}

fn last_events(epoch: Timestamp, entries: &[Entry]) -> Vec<String> {
    let from = entries.len().saturating_sub(LAST_EVENTS);
    let line = |entry: &Entry| {
        let told = entry.story.first().map_or(entry.kind, String::as_str);
        format!("{} {}: {told}", format_offset(entry.at.duration_since(epoch).as_secs()), entry.actor)
    };
    entries.get(from..).unwrap_or_default().iter().map(line).collect()
}
