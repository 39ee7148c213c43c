//! `cargo xtask new`: a commented scenario file to begin with.

use crate::output::say;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use mxlab_scenario::exit_code::ExitCode;

/// The kinds, each with its first file. They are the folders of `scenarios/`.
const KINDS: [(&str, &str); 9] = [
    ("compauth", include_str!("../new/compauth.toml")),
    ("dane", include_str!("../new/dane.toml")),
    ("dkim", include_str!("../new/dkim.toml")),
    ("dmarc", include_str!("../new/dmarc.toml")),
    ("dnssec", include_str!("../new/dnssec.toml")),
    ("retry", include_str!("../new/retry.toml")),
    ("smtp", include_str!("../new/smtp.toml")),
    ("spf", include_str!("../new/spf.toml")),
    ("stamp", include_str!("../new/stamp.toml")),
];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What the scenario is about: compauth, dane, dkim, dmarc, dnssec, retry, smtp, spf, stamp.
    #[arg(value_name = "KIND")]
    kind: String,
    /// The name of the file without `.toml`, of a-z, 0-9 and `-`.
    #[arg(value_name = "NAME", default_value = "my-first")]
    name: String,
}

pub(crate) fn run(root: &Path, arguments: &Arguments) -> ExitCode {
    let Arguments { kind, name } = arguments;
    let Some((_, text)) = KINDS.iter().find(|(known, _)| known == kind) else {
        let known: Vec<&str> = KINDS.iter().map(|(known, _)| *known).collect();
        say!("error: there is no kind `{}`", kind.escape_debug());
        say!("help: kinds: {}", known.join(", "));
        return ExitCode::Usage;
    };
    let plain = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-');
    if name.is_empty() || name.len() > 100 || !name.chars().all(plain) {
        say!("error: `{}` is not a name for a scenario", name.escape_debug());
        say!("help: a name is made of a-z, 0-9 and `-`, such as old-certificate");
        return ExitCode::Usage;
    }
    let shown = format!("scenarios/{kind}/{name}.toml");
    match write(&root.join(&shown), text) {
        Ok(()) => {
            say!("wrote {shown}");
            say!("run it:  cargo xtask scenarios {kind}/{name} --story");
            say!("keep it: cargo xtask scenarios {kind}/{name} --bless, once its story is right");
            ExitCode::AllHeld
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            say!("error: {shown} is there already, and stays as it is");
            say!("help: give another name: cargo xtask new {kind} NAME");
            ExitCode::Usage
        }
        Err(error) => {
            say!("error: {shown}: {error}");
            ExitCode::Internal
        }
    }
}

/// Writes a file that does not exist yet.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    // Half a file would be in the way of the next attempt.
    file.write_all(text.as_bytes()).inspect_err(|_| _ = fs::remove_file(path))
}
