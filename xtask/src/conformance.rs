//! `cargo xtask conformance`.

use crate::output::say;
use std::io;
use std::path::{Path, PathBuf};

use mxlab_conformance::{Outcome, SUITES};
use mxlab_report::style::shown;
use mxlab_scenario::exit_code::ExitCode;

use crate::output::Output;

/// The environment variable with the folder of the suites.
const VARIABLE: &str = "MXLAB_SUITES";

/// The table of exit codes, for the end of the help.
const EXIT_CODES: &str = "\
Exit codes:
    0  nothing failed; or there are no suites in the default folder
    1  internal error; a suite that cannot be read
    2  wrong usage; no such suite; no such folder
   11  a case failed";

#[derive(clap::Args)]
#[command(after_help = after_help())]
pub(crate) struct Arguments {
    /// The suite's name.
    #[arg(value_name = "NAME")]
    name: String,
    /// The folder of the suites [default: the environment's MXLAB_SUITES, else `../shared/suites` beside the
    /// repository].
    #[arg(long, value_name = "DIR")]
    suites: Option<PathBuf>,
}

/// The suites and the exit codes, for the end of the help.
fn after_help() -> String {
    let suites = SUITES.iter().map(|suite| format!("    {:6}  {}\n", suite.name, suite.holds));
    format!("Suites:\n{}\n{EXIT_CODES}", suites.collect::<String>())
}

pub(crate) fn run(root: &Path, arguments: &Arguments) -> ExitCode {
    let Some(suite) = SUITES.iter().find(|suite| suite.name == arguments.name) else {
        let known: Vec<&str> = SUITES.iter().map(|suite| suite.name).collect();
        say!("error: there is no suite `{}`; there is: {}", arguments.name, known.join(", "));
        return ExitCode::Usage;
    };
    let by_default = || std::env::var_os(VARIABLE).map_or_else(|| root.join("../shared/suites"), PathBuf::from);
    let folder = arguments.suites.clone().unwrap_or_else(by_default);
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    let mut out = Output::default();
    let ended = suite.run(&folder, &mut |case| {
        match case.outcome {
            Outcome::Passed => return passed += 1,
            Outcome::Failed { .. } => failed += 1,
            Outcome::Skipped { .. } => skipped += 1,
        }
        out.write(&shown(&format!("{}  {}  {}\n", case.outcome.word(), case.name, case.outcome.why())));
    });
    if let Err(error) = ended {
        if error.kind() == io::ErrorKind::InvalidData {
            say!("error: {error}");
            return ExitCode::Internal;
        }
        return missing(&folder, &error, arguments.suites.is_some());
    }
    out.write(&format!("{passed} passed, {failed} failed, {skipped} skipped\n"));
    out.end(if failed == 0 { ExitCode::AllHeld } else { ExitCode::ExpectationFailed })
}

/// There is no suite in the folder: wrong usage if the user named the folder, otherwise nothing to do.
fn missing(folder: &Path, error: &io::Error, named: bool) -> ExitCode {
    if named {
        say!("error: {}: {error}", folder.display());
        return ExitCode::Usage;
    }
    say!("nothing was run: there are no suites in {} ({error})", folder.display());
    say!("say where they are with --suites DIR or in {VARIABLE}");
    ExitCode::AllHeld
}
