//! `cargo xtask reference`: entries of the reference of the language.

use crate::output::say;
use std::io::{ErrorKind, Write as _};

use mxlab_language::reference;
use mxlab_scenario::exit_code::ExitCode;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A table, verb, fault, expectation, reference or message; or a field or word of one: `smtp`, `dns-timeout`,
    /// `delay-notice`. The whole reference is `docs/language.md`.
    #[arg(value_name = "WORD")]
    word: String,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let near = match reference::find(&arguments.word) {
        Ok(found) => {
            let entries: Vec<String> = found.iter().map(ToString::to_string).collect();
            return match std::io::stdout().write_all(entries.join("\n").as_bytes()) {
                // A reader that closed the pipe (`| head`) is not an error.
                Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                    say!("error: standard output: {error}");
                    ExitCode::Internal
                }
                _ => ExitCode::AllHeld,
            };
        }
        Err(near) => near,
    };
    say!("error: the language has no word `{}`", arguments.word.escape_debug());
    let quoted: Vec<String> = near.iter().map(|word| format!("`{word}`")).collect();
    match quoted.is_empty() {
        true => say!("help: docs/language.md has all of them"),
        false => say!("help: did you mean {}?", quoted.join(", ")),
    }
    ExitCode::Usage
}
