//! The differential test: random internets and faults, every answer judged by three validators over the same octets.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use mxlab_dns::wire::Message;
use mxlab_env::{Env, real};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::internet::{Internet, Plan, name};
use crate::judges::{Judges, Status};
use crate::upstream::Upstream;

mod differences;
mod plan;

use differences::{DIFFERENCES, Observed, Other, explain};
use plan::Case;

/// What happened so far.
#[derive(Default)]
struct Counts {
    questions: usize,
    agreed: BTreeMap<Status, usize>,
    accepted: BTreeMap<&'static str, usize>,
    /// With `survey`: unexplained differences, grouped by what the validators say, each with its first example.
    unexplained: BTreeMap<String, (usize, String)>,
}

/// Runs this many cases from a seed. The text is a report; for a failure, the smallest case found. With `survey`, it
/// continues after unexplained differences and counts them.
///
/// # Errors
/// Some validators differ, and no entry explains it.
pub fn run(cases: u32, seed: u64, survey: bool) -> Result<String, String> {
    let counts = RefCell::new(Counts::default());
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(|e| e.to_string())?;
    let env = real::env(std::env::temp_dir());
    let result = runner.run(&plan::cases(), |case| {
        runtime.block_on(check(&env, &case, survey, &mut counts.borrow_mut())).map_err(TestCaseError::fail)
    });
    match result {
        Ok(()) => Ok(report(cases, seed, &counts.borrow())),
        Err(TestError::Fail(why, case)) => {
            let again = format!("run it again: differential --seed {seed} --cases {cases}");
            Err(format!("the validators differ and nothing explains it\n{}\n{why}\n{again}", describe(&case.plan)))
        }
        Err(TestError::Abort(why)) => Err(format!("no cases: {why}")),
    }
}

/// Asks all questions of a case.
async fn check(env: &Env, case: &Case, survey: bool, counts: &mut Counts) -> Result<(), String> {
    let internet = Internet::new(&case.plan, env.now());
    let upstream = Arc::new(Upstream::new(env, &internet));
    let judges = Judges::new(env, &internet, &upstream);
    for (owner, rtype) in &case.questions {
        let owner = name(owner);
        let verdicts = judges.judge(&owner, *rtype).await;
        counts.questions += 1;
        if verdicts.agree() {
            *counts.agreed.entry(verdicts.ours.status).or_default() += 1;
            continue;
        }
        let answers = upstream.answers();
        let answer = answers.iter().find(|((name, kind), _)| *name == owner && kind == rtype);
        let answer = answer.and_then(|(_, octets)| Message::decode(octets.as_deref()?).ok());
        for (other, verdict) in [(Other::Nlnet, &verdicts.nlnet), (Other::Hickory, &verdicts.hickory)] {
            if verdict.status == verdicts.ours.status {
                continue;
            }
            let (plan, ours) = (&case.plan, &verdicts.ours);
            let observed =
                Observed { plan, owner: &owner, rtype: *rtype, ours, other: verdict, answer: answer.as_ref() };
            if let Some(difference) = explain(other, &observed) {
                *counts.accepted.entry(difference.name).or_default() += 1;
                continue;
            }
            let example = format!("{rtype} {owner}\n  {verdicts}\n{}", sections(answer.as_ref()));
            if !survey {
                return Err(example);
            }
            let kind = format!("ours {}, {other:?} {verdict}", ours.status);
            let entry = counts.unexplained.entry(kind);
            entry.or_insert_with(|| (0, format!("{}{example}", describe(plan)))).0 += 1;
        }
    }
    Ok(())
}

fn report(cases: u32, seed: u64, counts: &Counts) -> String {
    let mut text = format!("{cases} internets from seed {seed}, {} questions\n", counts.questions);
    for (status, count) in &counts.agreed {
        let _ = writeln!(text, "{count:>8} all {status}");
    }
    for difference in DIFFERENCES {
        let count = counts.accepted.get(difference.name).copied().unwrap_or_default();
        let _ = writeln!(text, "{count:>8} differ: {}\n         {}", difference.name, difference.explanation);
    }
    for (kind, (count, example)) in &counts.unexplained {
        let _ = writeln!(text, "{count:>8} unexplained: {kind}\n{example}");
    }
    text
}

/// The zones and faults of a plan as text.
pub fn describe(plan: &Plan) -> String {
    let mut text = String::new();
    for zone in &plan.zones {
        let _ = writeln!(text, "zone {} {:?}", zone.origin, zone.signed);
        for line in zone.text.lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
    for fault in &plan.faults {
        let _ = writeln!(
            text,
            "fault {:?} zone {} rtype {:?} owner {:?}",
            fault.kind, fault.zone, fault.rtype, fault.owner
        );
    }
    text
}

/// An answer as text.
fn sections(message: Option<&Message>) -> String {
    let Some(message) = message else { return "no answer".to_owned() };
    let mut text = format!("{}{}\n", message.rcode, if message.flags.truncated { " tc" } else { "" });
    for (title, section) in [("answer", &message.answer), ("authority", &message.authority)] {
        for record in section {
            let data = mxlab_dns::rdata::to_text(record.rtype, &record.rdata);
            let data: String = data.chars().take(90).collect();
            let _ = writeln!(text, "{title}: {} {} {} {data}", record.name, record.ttl, record.rtype);
        }
    }
    text
}
