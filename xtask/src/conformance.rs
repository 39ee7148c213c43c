//! `cargo xtask conformance`.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use mxlab_auth::suite::{Case, Outcome};
use mxlab_auth::{alignment, arc, dkim, spf};
use mxlab_dns::rpl::suite::{self as replays, Verdict};

/// The variable that says where the suites lie.
const VARIABLE: &str = "MXLAB_SUITES";

/// The table of exit codes, for the end of the help.
const EXIT_CODES: &str = "\
Suites:
    dnssec  replays of validating resolvers (.rpl), in DIR/dnssec-rpl or in DIR itself
    spf     the suite of RFC 7208 (rfc7208-tests.yml), in DIR/spf or in DIR itself
    dkim    messages and key records of dkimpy, in DIR/dkim or in DIR itself
    arc     validation and signing cases of ARC (arc-draft-*.yml), in DIR/arc or in DIR itself
    psl     the tests of the Public Suffix List (tests.txt), in DIR/psl or in DIR itself

Exit codes:
    0  nothing failed; or there are no suites where they lie by default
    1  internal error; a suite that cannot be read
    2  wrong usage; no such suite; no such folder
   11  a case failed";

#[derive(clap::Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// The suite's name.
    #[arg(value_name = "NAME")]
    name: String,
    /// The folder of the suites [default: the environment's MXLAB_SUITES, else `../shared/suites` beside the repository].
    #[arg(long, value_name = "DIR")]
    suites: Option<PathBuf>,
}

/// What became of a case, and why.
struct Line {
    name: String,
    verdict: Verdict,
    why: String,
}

/// Runs a suite below a folder, telling each line when it is there.
type Run = fn(&Path, &mut dyn FnMut(Line)) -> io::Result<()>;

const SUITES: &[(&str, Run)] = &[
    ("dnssec", dnssec),
    ("spf", |folder, tell| told(spf::suite::run(folder)?, tell)),
    ("dkim", |folder, tell| told(dkim::suite::run(folder)?, tell)),
    ("arc", |folder, tell| told(arc::suite::run(folder)?, tell)),
    ("psl", |folder, tell| told(alignment::suite::run(folder)?, tell)),
];

/// Tells the cases of a suite of `mxlab-auth`.
fn told(cases: Vec<Case>, tell: &mut dyn FnMut(Line)) -> io::Result<()> {
    for Case { name, outcome } in cases {
        let (verdict, why) = match outcome {
            Outcome::Passed => (Verdict::Passed, String::new()),
            Outcome::Failed { why } => (Verdict::Failed, why),
            Outcome::Skipped { why } => (Verdict::Skipped, why),
        };
        tell(Line { name, verdict, why });
    }
    Ok(())
}

fn dnssec(folder: &Path, tell: &mut dyn FnMut(Line)) -> io::Result<()> {
    for file in replays::files(folder)? {
        let case = replays::run(&file);
        tell(Line { name: case.name, verdict: case.verdict, why: case.why });
    }
    Ok(())
}

pub(crate) fn run(root: &Path, arguments: &Arguments) -> u8 {
    let Some((_, run)) = SUITES.iter().find(|(name, _)| *name == arguments.name) else {
        let known: Vec<&str> = SUITES.iter().map(|(name, _)| *name).collect();
        eprintln!("error: there is no suite `{}`; there is: {}", arguments.name, known.join(", "));
        return 2;
    };
    let by_default = || std::env::var_os(VARIABLE).map_or_else(|| root.join("../shared/suites"), PathBuf::from);
    let folder = arguments.suites.clone().unwrap_or_else(by_default);
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    let ended = run(&folder, &mut |line| {
        match line.verdict {
            Verdict::Passed => return passed += 1,
            Verdict::Failed => failed += 1,
            Verdict::Skipped => skipped += 1,
        }
        write_out(&format!("{}  {}  {}\n", line.verdict.word(), line.name, line.why));
    });
    if let Err(error) = ended {
        if error.kind() == io::ErrorKind::InvalidData {
            eprintln!("error: {error}");
            return 1;
        }
        return missing(&folder, &error, arguments.suites.is_some());
    }
    write_out(&format!("{passed} passed, {failed} failed, {skipped} skipped\n"));
    if failed == 0 { 0 } else { 11 }
}

/// There is no suite in the folder: wrong usage if somebody has named it, nothing to do if nobody has.
fn missing(folder: &Path, error: &io::Error, named: bool) -> u8 {
    if named {
        eprintln!("error: {}: {error}", folder.display());
        return 2;
    }
    eprintln!("nothing was run: there are no suites in {} ({error})", folder.display());
    eprintln!("say where they lie with --suites DIR or in {VARIABLE}");
    0
}

/// A reader that went away (`| head`) is no error.
fn write_out(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}
