//! `cargo xtask scenarios`.

use crate::output::{say, say_part};
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};
use mxlab_language::values::{Duration, Scalar as _};
use mxlab_report::style::shown;
use mxlab_report::{json, record, text};
use mxlab_scenario::exchange::Exchange;
use mxlab_scenario::exit_code::{self, ExitCode};
use mxlab_scenario::suite::{self, CaseOutcome, Options, Progress, Summary};

use crate::determinism;
use crate::output::{self, Output};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// Results are there, and are being printed.
static ENDING: AtomicBool = AtomicBool::new(false);
/// After an interrupt, the results there are have to come within this time.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(800);

#[derive(clap::Args)]
#[command(after_help = exit_code::help())]
pub(crate) struct Arguments {
    /// Ids of scenarios, parts of ids (`dane/`, `mismatch`), or paths of files anywhere on disk (`my-failure.toml`).
    ///
    /// Any of them may be followed by a cell: `'my-failure.toml[how=kill]'`.
    #[arg(value_name = "FILTER|PATH")]
    filters: Vec<String>,
    /// Run with this seed instead of the file's.
    #[arg(long, value_name = "N", conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Run with each of the seeds 1 to N, and compare all with the same snapshot.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    seeds: Option<u64>,
    /// Number of threads [default: the machine's cores].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Run only part M of N, chosen by the hash of the id.
    #[arg(long, value_name = "hash:M/N", value_parser = partition)]
    partition: Option<(u64, u64)>,
    /// Write the snapshots of all files whose expectations hold in every cell and with every seed.
    #[arg(long, conflicts_with_all = ["until", "verify_determinism"])]
    bless: bool,
    /// Check the expectations, and neither read snapshots nor require any.
    #[arg(long, conflicts_with_all = ["until", "bless", "list"])]
    expectations_only: bool,
    /// Run everything again in a second process, seconds later and in another environment, and compare hashes.
    #[arg(long, conflicts_with = "until")]
    verify_determinism: bool,
    /// List the scenarios with their titles and run nothing.
    #[arg(long, conflicts_with_all = ["bless", "verify_determinism", "until", "story", "json"])]
    list: bool,
    /// Print the stories; also of a file that expects nothing.
    #[arg(long)]
    story: bool,
    /// Print JSON on standard output, one object a line.
    #[arg(long)]
    json: bool,
    /// Write the record of each run to `DIR/ID.jsonl`: one canonical line of JSON an entry, as they are hashed.
    ///
    /// Two folders written before and after a change, compared with `diff -r`, show what the change does.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["seeds", "list"])]
    record: Option<PathBuf>,
    /// Stop every run at this time, print the stories and compare nothing; also of a file that expects nothing.
    #[arg(long, value_name = "+5h", value_parser = until)]
    until: Option<u64>,
    /// Compute every signature and every check of one anew, although the process knows the result from another scenario.
    ///
    /// Takes longer and changes no result.
    #[arg(long)]
    no_memo: bool,
}

fn partition(text: &str) -> Result<(u64, u64), String> {
    let parse = || {
        let (part, parts) = text.strip_prefix("hash:")?.split_once('/')?;
        let (part, parts) = (part.parse().ok()?, parts.parse().ok()?);
        (1..=parts).contains(&part).then_some((part, parts))
    };
    parse().ok_or_else(|| "write hash:1/4 for the first of four parts".to_owned())
}

fn until(text: &str) -> Result<u64, String> {
    let span = text.strip_prefix('+').unwrap_or(text);
    Duration::parse(span)
        .map(|duration| duration.get().as_secs())
        .map_err(|_| "write a time such as +5h or +1h30m".to_owned())
}

/// Whether this is a run of a continuous integration service, which says so in the variable `CI`.
fn under_ci() -> bool {
    let said = std::env::var_os("CI").unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    !matches!(said.as_str(), "" | "0" | "false" | "no" | "off")
}

pub(crate) fn run(root: &Path, arguments: &Arguments) -> ExitCode {
    if arguments.bless && under_ci() {
        say!("error: --bless is refused under CI: snapshots are read and blessed by people");
        return ExitCode::Usage;
    }
    let options = options(root, arguments);
    if arguments.list {
        return list(&options);
    }
    if ctrlc::set_handler(interrupted).is_err() {
        say!("warning: an interrupt will end this at once, without partial results");
    }
    let second = arguments.verify_determinism.then(|| determinism::SecondProcess::prepare(root, &options));
    let mut summary = match run_with_progress(&options, arguments.record.as_deref()) {
        Ok(summary) => summary,
        Err(error) => {
            say!("error: {}", shown(&error.to_string()));
            return error.exit_code();
        }
    };
    // An interrupt reaches both processes: there is nothing to compare.
    if let Some(second) = second.filter(|_| !summary.interrupted) {
        compare(second, &mut summary);
    }
    ENDING.store(true, Ordering::Relaxed);
    print(arguments, &summary)
}

/// Ends the suite, with the results that there are. If these do not come soon, or at a second interrupt, ends the process.
#[allow(clippy::disallowed_methods, reason = "somebody waits at a real keyboard")]
fn interrupted() {
    let again = INTERRUPTED.swap(true, Ordering::Relaxed);
    if !again {
        std::thread::sleep(PATIENCE);
    }
    if again || !ENDING.load(Ordering::Relaxed) {
        say!("interrupted; there are no results yet");
        std::process::exit(ExitCode::Interrupted.number().into());
    }
}

/// Compares with a second process. If that runs other cells than the first one, the error is ours, not the scenarios'.
fn compare(second: determinism::SecondProcess, summary: &mut Summary) {
    match second.hashes() {
        Ok((hashes, said)) => {
            let lacking = suite::compare_hashes(summary, &hashes);
            if !lacking.is_empty() {
                let lacking = lacking.join(", ");
                summary.errors.push(format!("the second process did not run {lacking}; it said:\n{}", said.trim_end()));
            }
        }
        Err(error) => summary.errors.push(format!("the second process: {error}")),
    }
}

fn options(root: &Path, arguments: &Arguments) -> Options {
    let seeds = match (arguments.seed, arguments.seeds) {
        (Some(seed), _) => vec![seed],
        (None, Some(last)) => (1..=last).collect(),
        (None, None) => Vec::new(),
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Options {
        filters: arguments.filters.clone(),
        seeds,
        jobs: arguments.jobs.map_or(cores, usize::from),
        bless: arguments.bless,
        expectations_only: arguments.expectations_only,
        partition: arguments.partition,
        until: arguments.until,
        stories: arguments.story,
        memo: !arguments.no_memo,
        ..Options::new(root)
    }
}

fn list(options: &Options) -> ExitCode {
    match suite::list(options) {
        Ok(list) => {
            let width = list.iter().map(|(id, _)| id.len()).max().unwrap_or(0);
            let line = |(id, title): &(String, String)| {
                let title = title.replace(['\n', '\r', '\t'], " ");
                shown(&format!("{id:width$}  {title}\n"))
            };
            let mut out = Output::default();
            out.write(&list.iter().map(line).collect::<String>());
            out.end(ExitCode::AllHeld)
        }
        Err(error) => {
            say!("error: {}", shown(&error.to_string()));
            error.exit_code()
        }
    }
}

/// Runs the suite; writes the record of each run below `records`, if that is given.
fn run_with_progress(options: &Options, records: Option<&Path>) -> Result<Summary, suite::SuiteError> {
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    let mut failed = 0;
    let mut errors = Vec::new();
    let mut summary = suite::run(options, Arc::new(Exchange), &INTERRUPTED, &mut |progress| match progress {
        Progress::Planned(count) => bar.set_length(count as u64),
        Progress::Ended(case) => {
            errors.extend(records.and_then(|folder| record::write(folder, case).err()));
            if !matches!(case.outcome, CaseOutcome::Passed | CaseOutcome::Skipped) {
                failed += 1;
                bar.set_message(format!("{failed} failed"));
            }
            bar.inc(1);
        }
    });
    bar.finish_and_clear();
    if let Ok(summary) = &mut summary {
        summary.errors.extend(errors);
    }
    summary
}

/// Prints the stories, and below them what failed: the end of a long output is what is seen.
fn print(arguments: &Arguments, summary: &Summary) -> ExitCode {
    let mut out = Output::default();
    let stories = arguments.story || arguments.until.is_some();
    for case in &summary.cases {
        say_part!("{}", text::warnings(case));
        if let Some(story) = case.story.as_ref().filter(|_| stories) {
            let story = shown(&format!("── {} (seed {}) ──\n{story}\n", case.scenario, case.seed));
            if arguments.json { say_part!("{story}") } else { out.write(&story) }
        }
    }
    if arguments.json {
        out.write(&json::lines(summary));
    }
    say_part!("{}", text::failures(summary, output::style()));
    if !stories && summary.cases.iter().any(|case| case.outcome == CaseOutcome::ExpectationFailed) {
        say!("`--story` shows what happened\n");
    }
    say_part!("{}", text::blessed(summary));
    if arguments.bless && summary.blessed.is_empty() && summary.exit_code() == ExitCode::AllHeld {
        say!("nothing was written: every snapshot is as it should be");
    }
    say_part!("{}", text::summary(summary));
    out.end(summary.exit_code())
}
