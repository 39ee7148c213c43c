//! The command line: arguments in, text and exit codes out. The work is done in `mxlab-scenario`, the text is made in
//! `mxlab-report`; other people's suites are run by `mxlab-conformance`.

mod conformance;
mod determinism;
mod scenarios;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mxlab_scenario::exit_code;

/// The lab: scenarios of mail transport security, under virtual time.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
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
    /// Write the JSON schema of scenario files to `schema/scenario.schema.json`.
    Schema,
}

fn main() -> ExitCode {
    // clap exits with 2 on wrong usage, like this project.
    let arguments = Arguments::parse();
    // Nobody can stop a thread that loops: the process ends, as for other bounds.
    mxlab_sim::when_stuck(|stuck| {
        eprintln!("error: {stuck}");
        std::process::exit(exit_code::ExitCode::BoundExceeded.number().into())
    });
    let root = root();
    let code = match arguments.command {
        Command::Scenarios(arguments) => scenarios::run(&root, &arguments),
        Command::Conformance(arguments) => conformance::run(&root, &arguments),
        Command::Schema => match mxlab_scenario::suite::write_schema(&root) {
            Ok(path) => {
                eprintln!("wrote {path}");
                exit_code::ExitCode::AllHeld
            }
            Err(error) => {
                eprintln!("error: {error}");
                error.exit_code()
            }
        },
    };
    ExitCode::from(code.number())
}

/// The repository: the nearest folder upwards that contains `scenarios/`; else the one this was built in.
fn root() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default();
    here.ancestors().find(|folder| folder.join("scenarios").is_dir()).map_or(built_in, Path::to_owned)
}
