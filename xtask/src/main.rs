//! The command line: arguments in, text and exit codes out. The work is done in `mxlab-scenario`, the text is made in
//! `mxlab-report`; other people's suites are run by `mxlab-conformance`.

mod conformance;
mod coverage;
mod determinism;
mod new;
mod output;
mod reference;
mod scenarios;

use crate::output::say;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mxlab_scenario::exit_code;

/// The lab: scenarios of mail transport security, under virtual time.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run scenarios and compare their stories with the snapshots; without a filter, all of them.
    Scenarios(scenarios::Arguments),
    /// Test an implementation with a suite from another project.
    Conformance(conformance::Arguments),
    /// Which behaviours are covered by which scenarios.
    Coverage(coverage::Arguments),
    /// Write a commented scenario file to begin with: `cargo xtask new dane old-key`.
    New(new::Arguments),
    /// Print what the reference says of a word of scenario files: `cargo xtask reference smtp`.
    Reference(reference::Arguments),
    /// Write the JSON schema of scenario files to `schema/scenario.schema.json`.
    Schema,
}

fn main() -> ExitCode {
    // clap exits with 2 on wrong usage, like this project.
    let arguments = Arguments::parse();
    // Nobody can stop a thread that loops: the process ends, as for other bounds.
    mxlab_sim::when_stuck(|stuck| {
        say!("error: {}", mxlab_report::style::shown(&stuck.to_string()));
        std::process::exit(exit_code::ExitCode::BoundExceeded.number().into())
    });
    let root = root();
    let code = match arguments.command {
        Command::Scenarios(arguments) => scenarios::run(&root, &arguments),
        Command::Conformance(arguments) => conformance::run(&root, &arguments),
        Command::Coverage(arguments) => coverage::run(&root, &arguments),
        Command::New(arguments) => new::run(&root, &arguments),
        Command::Reference(arguments) => reference::run(&arguments),
        Command::Schema => schema(),
    };
    ExitCode::from(code.number())
}

/// Writes the schema into the checkout that the working directory is in.
fn schema() -> exit_code::ExitCode {
    let Some(checkout) = checkout() else {
        say!("error: the working directory is in no checkout: there is no `{WORLDS}` in it or above it");
        return exit_code::ExitCode::Usage;
    };
    match mxlab_scenario::suite::write_schema(&checkout) {
        Ok(path) => {
            say!("wrote {path}");
            exit_code::ExitCode::AllHeld
        }
        Err(error) => {
            say!("error: {error}");
            error.exit_code()
        }
    }
}

/// By this a checkout is known: other projects have a folder `scenarios` too.
const WORLDS: &str = "scenarios/worlds";

/// The checkout that the working directory is in.
fn checkout() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().find(|folder| folder.join(WORLDS).is_dir()).map(Path::to_owned)
}

/// The repository: the checkout that the working directory is in; else the one this was built in, which has the prepared
/// worlds for files elsewhere.
fn root() -> PathBuf {
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default();
    checkout().unwrap_or(built_in)
}
