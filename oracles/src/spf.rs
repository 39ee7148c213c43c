//! SPF: random zones and records, evaluated by ours and by pyspf over the same answers.

use std::cell::RefCell;
use std::path::Path;

mod differences;
mod plan;
mod pyspf;
mod world;

use crate::pairs::{Counts, Run};
use differences::{DIFFERENCES, Observed, explain};
use pyspf::Pyspf;
use world::Case;

/// One implementation's result for a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// `pass`, `fail` and so on; `crash` when the implementation itself fails.
    pub result: String,
    /// The domain's explanation of the failure.
    pub explanation: Option<String>,
    /// Why, if it is told.
    pub detail: String,
}

impl Verdict {
    fn agrees(&self, other: &Verdict) -> bool {
        (&self.result, &self.explanation) == (&other.result, &other.explanation)
    }

    fn in_words(&self) -> String {
        match &self.explanation {
            Some(explanation) => format!("{} {explanation:?}", self.result),
            None => self.result.clone(),
        }
    }
}

/// What happened so far.
#[derive(Default)]
struct Tally {
    counts: Counts,
    explained: usize,
}

/// Runs the cases; says so and ends when pyspf cannot be run.
///
/// # Errors
/// Both differ and no entry explains it, or pyspf does not respond.
pub fn run(run: Run, python: &Path) -> Result<String, String> {
    let pyspf = match Pyspf::start(python) {
        Ok(pyspf) => RefCell::new(pyspf),
        Err(why) => return Ok(format!("skipped: {why}\n")),
    };
    let tally = RefCell::new(Tally::default());
    run.each(
        "spf",
        &plan::cases(),
        |case| check(case, &mut pyspf.borrow_mut(), run.survey, &mut tally.borrow_mut()),
        ToString::to_string,
    )?;
    let Tally { counts, explained } = tally.into_inner();
    let known = counts.differences(DIFFERENCES.iter().map(|difference| (difference.name, difference.explanation)));
    let Run { cases, seed, .. } = run;
    let head = format!("{cases} cases from seed {seed}\n");
    Ok(head + &counts.agreements() + &format!("{explained:>8} of them with the same explanation\n") + &known)
}

fn check(case: &Case, pyspf: &mut Pyspf, survey: bool, tally: &mut Tally) -> Result<(), String> {
    let (ours, trace) = world::evaluate(case);
    let theirs = pyspf.judge(case).map_err(|error| format!("pyspf: {error}"))?;
    if ours.agrees(&theirs) {
        tally.counts.agreed(&ours.result);
        tally.explained += usize::from(ours.explanation.is_some());
        return Ok(());
    }
    if let Some(difference) = explain(&Observed { case, ours: &ours, theirs: &theirs, trace: &trace }) {
        tally.counts.accepted(difference.name);
        return Ok(());
    }
    let [ours, theirs] = [&ours, &theirs].map(|verdict| format!("{} ({})", verdict.in_words(), verdict.detail));
    let lines: Vec<String> = trace.iter().flat_map(|evaluation| evaluation.trace()).collect();
    let example = format!("ours: {ours}\npyspf: {theirs}\n{}", lines.join("\n"));
    if !survey {
        return Err(example);
    }
    let example = format!("{case}\n{example}");
    let kind = format!("ours {}, pyspf {theirs}", ours.split_whitespace().next().unwrap_or_default());
    tally.counts.unexplained(kind, example);
    Ok(())
}
