//! `--verify-determinism`: the same suite in a second process that begins at least two seconds later, in another time
//! zone, locale and working directory, with another number of jobs, and without what signatures the process remembers.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use mxlab_report::json;
use mxlab_scenario::suite::{self, Hashes, Options};

/// The delay before the second process starts.
const LATER: Duration = Duration::from_secs(2);

/// A second process, prepared but not yet running.
pub(crate) struct SecondProcess {
    root: PathBuf,
    arguments: Vec<String>,
}

impl SecondProcess {
    pub(crate) fn prepare(root: &Path, options: &Options) -> SecondProcess {
        // Two processes must not write beside the same snapshots.
        let arguments = ["scenarios", "--json", "--no-memo", "--expectations-only"];
        let mut arguments: Vec<String> = arguments.map(str::to_owned).to_vec();
        if options.stories {
            arguments.push("--story".to_owned());
        }
        // One thread if the first has several, and several if it has one.
        arguments.extend(["--jobs".to_owned(), if options.jobs == 1 { "2" } else { "1" }.to_owned()]);
        if let (Some(first), Some(last)) = (options.seeds.first(), options.seeds.last()) {
            let (flag, value) = if first == last && *first != 1 { ("--seed", first) } else { ("--seeds", last) };
            arguments.extend([flag.to_owned(), value.to_string()]);
        }
        if let Some((part, parts)) = options.partition {
            arguments.extend(["--partition".to_owned(), format!("hash:{part}/{parts}")]);
        }
        // The second process has another working directory: paths become absolute.
        arguments.push("--".to_owned());
        arguments.extend(options.filters.iter().map(|filter| suite::absolute_filter(root, filter)));
        SecondProcess { root: root.to_owned(), arguments }
    }

    /// Runs it; returns its hashes by scenario and seed, and its standard error.
    #[allow(clippy::disallowed_methods, reason = "the second process must begin later by the real clock")]
    pub(crate) fn hashes(self) -> Result<(Hashes, String), String> {
        std::thread::sleep(LATER);
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let output = Command::new(program)
            .args(&self.arguments)
            .current_dir(self.root.join("scenarios"))
            .env("TZ", "Pacific/Chatham")
            .env("LC_ALL", "tr_TR.UTF-8")
            .env("LANG", "tr_TR.UTF-8")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let lines = String::from_utf8_lossy(&output.stdout);
        if lines.trim().is_empty() {
            return Err(format!("it ended with {} and no results; it said:\n{}", output.status, said.trim_end()));
        }
        Ok((json::hashes(&lines), said))
    }
}
