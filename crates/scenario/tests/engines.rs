//! How the runner handles engines that misbehave: a panic and a task that never rests are reported with scenario, seed
//! and host, and leave the other scenarios alone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use mxlab_dns::resolver::Resolver;
use mxlab_env::{BoxFuture, Env};
use mxlab_mail::settings::DaneMode;
use mxlab_record::{Entry, Event, Fields, Journal, Recorder};
use mxlab_scenario::engine::{Engines, Inbound, InboundSettings, Outbound, OutboundSettings};
use mxlab_scenario::exchange::Exchange;
use mxlab_scenario::exit_code::ExitCode;
use mxlab_scenario::suite::{self, CaseOutcome, CaseResult, Hashes, Options};

/// The misbehaviour of the outbound engine.
#[derive(Clone, Copy)]
enum Wrong {
    Panics,
    PanicsAtOnce,
    NeverRests,
}

/// Engines whose outbound half misbehaves as soon as it runs; the inbound half is ours.
struct Misbehaving(Wrong);

struct Idle(SocketAddr);

impl Outbound for Idle {
    fn submission(&self) -> SocketAddr {
        self.0
    }
    fn queued_messages(&self) -> usize {
        1
    }
}

impl Engines for Misbehaving {
    fn outbound(
        &self,
        env: Env,
        _recorder: Recorder,
        _resolver: Resolver,
        settings: OutboundSettings,
    ) -> BoxFuture<'_, io::Result<Arc<dyn Outbound>>> {
        let wrong = self.0;
        assert!(!matches!(wrong, Wrong::PanicsAtOnce), "the queue was never right");
        env.spawn("queue runner", async move {
            match wrong {
                Wrong::Panics | Wrong::PanicsAtOnce => panic!("the queue is inside out"),
                Wrong::NeverRests => loop {
                    tokio::task::yield_now().await;
                },
            }
        });
        let idle: Arc<dyn Outbound> = Arc::new(Idle(SocketAddr::new(settings.address, 587)));
        Box::pin(std::future::ready(Ok(idle)))
    }

    fn inbound(
        &self,
        env: Env,
        recorder: Recorder,
        resolver: Resolver,
        settings: InboundSettings,
    ) -> BoxFuture<'_, io::Result<Arc<dyn Inbound>>> {
        Exchange.inbound(env, recorder, resolver, settings)
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn run(wrong: Wrong) -> Vec<CaseResult> {
    suite::run(&options(), Arc::new(Misbehaving(wrong)), &AtomicBool::new(false), &mut |_| {}).unwrap().cases
}

fn options() -> Options {
    Options {
        filters: vec!["dane/mismatch".into(), "compauth/e10".into()],
        seeds: vec![7],
        memo: false,
        ..Options::new(root())
    }
}

fn outcome_of<'a>(cases: &'a [CaseResult], scenario: &str) -> &'a CaseResult {
    cases.iter().find(|case| case.scenario.starts_with(scenario)).unwrap()
}

#[test]
fn a_panic_names_scenario_seed_host_and_task() {
    let cases = run(Wrong::Panics);
    let case = outcome_of(&cases, "dane/mismatch");
    assert_eq!(case.outcome, CaseOutcome::Panicked);
    let message = &case.failures[0].message;
    assert!(message.contains("host `sender`") && message.contains("task `queue runner`"), "{message}");
    assert!(message.contains("the queue is inside out"), "{message}");
    assert_eq!(suite::reproduction(case), "cargo xtask scenarios dane/mismatch --seed 7");
    assert_eq!(outcome_of(&cases, "compauth/e10").outcome, CaseOutcome::Passed);
}

#[test]
fn a_task_that_never_rests_ends_at_a_bound_with_the_last_events() {
    let cases = run(Wrong::NeverRests);
    let case = outcome_of(&cases, "dane/mismatch");
    assert_eq!(case.outcome, CaseOutcome::BoundExceeded);
    assert_eq!(case.outcome.exit_code(), ExitCode::BoundExceeded);
    let message = &case.failures[0].message;
    assert!(
        message.contains("polls") && message.contains("ann@contoso.example writes to bo@fabrikam.example"),
        "{message}"
    );
    assert_eq!(outcome_of(&cases, "compauth/e10").outcome, CaseOutcome::Passed);
}

#[test]
fn an_engine_that_panics_while_it_is_started_leaves_the_others_alone() {
    // One thread: anything that the panic leaves behind would affect the next case.
    let cases = run(Wrong::PanicsAtOnce);
    let case = outcome_of(&cases, "dane/mismatch");
    assert_eq!(case.outcome, CaseOutcome::Panicked);
    assert!(case.failures[0].message.contains("the queue was never right"), "{}", case.failures[0].message);
    assert_eq!(outcome_of(&cases, "compauth/e10").outcome, CaseOutcome::Passed);
}

#[test]
fn what_an_interrupt_leaves_is_skipped() {
    let summary = suite::run(&options(), Arc::new(Exchange), &AtomicBool::new(true), &mut |_| {}).unwrap();
    assert_eq!(summary.cases.len(), 2);
    assert_eq!(summary.counts().skipped, 2);
    assert_eq!(summary.exit_code(), ExitCode::Interrupted);
}

#[test]
fn a_second_run_that_lacks_a_case_is_no_difference() {
    let mut summary = suite::run(&options(), Arc::new(Exchange), &AtomicBool::new(false), &mut |_| {}).unwrap();
    let mut hashes: Hashes = Hashes::new();
    for case in &summary.cases[1..] {
        hashes.insert((case.scenario.clone(), case.seed), ("another".to_owned(), "another".to_owned()));
    }
    let lacking = suite::compare_hashes(&mut summary, &hashes);
    assert_eq!(lacking, [format!("{} (seed 7)", summary.cases[0].scenario)]);
    let outcomes: Vec<CaseOutcome> = summary.cases.iter().map(|case| case.outcome).collect();
    assert_eq!(outcomes, [CaseOutcome::Passed, CaseOutcome::Nondeterministic]);
}

/// Our outbound engine with DANE switched off, which says of everything that it sent over TLS that DANE protected it.
struct SaysDane;

/// An entry as the liar tells it.
struct Retold(Entry);

impl Event for Retold {
    fn kind(&self) -> &'static str {
        self.0.kind
    }
    fn fields(&self) -> Fields {
        match self.0.fields.text("security") {
            Some("tls") => self.0.fields.clone().with("security", "dane"),
            _ => self.0.fields.clone(),
        }
    }
    fn story(&self) -> Vec<String> {
        self.0.story.iter().map(|line| line.replace("unauthenticated", "authenticated by DANE")).collect()
    }
}

impl Engines for SaysDane {
    fn outbound(
        &self,
        env: Env,
        recorder: Recorder,
        resolver: Resolver,
        settings: OutboundSettings,
    ) -> BoxFuture<'_, io::Result<Arc<dyn Outbound>>> {
        let truth = Journal::new(100_000);
        let private = truth.recorder(&env, "sender", 0);
        env.spawn("liar", async move {
            let mut told = 0;
            loop {
                let grown = truth.grown();
                for entry in truth.since(told) {
                    told += 1;
                    recorder.tell(&Retold(entry));
                }
                grown.await;
            }
        });
        Exchange.outbound(env, private, resolver, OutboundSettings { dane: DaneMode::None, ..settings })
    }

    fn inbound(
        &self,
        env: Env,
        recorder: Recorder,
        resolver: Resolver,
        settings: InboundSettings,
    ) -> BoxFuture<'_, io::Result<Arc<dyn Inbound>>> {
        Exchange.inbound(env, recorder, resolver, settings)
    }
}

#[test]
fn an_engine_that_only_says_dane_is_contradicted_by_the_wire() {
    let mut says_so = BTreeSet::new();
    let options = Options { filters: vec!["dane/".into()], seeds: Vec::new(), jobs: 2, ..options() };
    let summary = suite::run(&options, Arc::new(SaysDane), &AtomicBool::new(false), &mut |progress| {
        let suite::Progress::Ended(CaseResult { scenario, record: Some(record), .. }) = progress else { return };
        let says = |entry: &Entry| entry.kind == "relayed" && entry.fields.text("security") == Some("dane");
        if record.entries.iter().any(says) {
            says_so.insert(scenario.clone());
        }
    });
    let cases = summary.unwrap().cases;
    let (lies, honest): (Vec<&CaseResult>, Vec<&CaseResult>) =
        cases.iter().partition(|case| says_so.contains(&case.scenario));
    assert!(lies.len() > 20, "only {} cases were lied about", lies.len());
    for case in lies {
        let contradicted = case.failures.iter().find(|failure| failure.code == "contradiction");
        let message = &contradicted.unwrap_or_else(|| panic!("nothing contradicts {}", case.scenario)).message;
        assert_eq!(case.outcome, CaseOutcome::ExpectationFailed);
        assert!(message.contains("authenticated by DANE"), "{message}");
        assert!(
            message.contains("but no TLSA record of ") && message.contains(" had reached sender by then"),
            "{message}"
        );
    }
    for case in honest {
        assert!(case.failures.iter().all(|failure| failure.code != "contradiction"), "{}", case.scenario);
    }
}
