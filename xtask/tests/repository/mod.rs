//! A repository for tests of the command line.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(dead_code, reason = "each test uses some of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A repository with a few scenarios of its own, removed when dropped.
pub(crate) struct Repository {
    pub(crate) root: PathBuf,
}

/// A scenario that holds.
pub(crate) const HOLDS: &str = r#"
title = "A lookup"
world = "outbound"
[[at]]
lookup = { name = "fabrikam.example", type = "MX" }
[[expect]]
resolved = { name = "fabrikam.example", type = "MX", status = "secure" }
"#;

impl Repository {
    pub(crate) fn new(name: &str, scenarios: &[(&str, &str)]) -> Repository {
        let root = std::env::temp_dir().join(format!("mxlab-cli-{}-{name}", std::process::id()));
        let worlds = root.join("scenarios/worlds");
        std::fs::create_dir_all(&worlds).unwrap();
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("scenarios/worlds/outbound.toml");
        std::fs::copy(own, worlds.join("outbound.toml")).unwrap();
        for (path, text) in scenarios {
            let file = root.join("scenarios").join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        Repository { root }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.arg("scenarios").args(arguments).current_dir(&self.root).env_remove("CI");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(&self.command(arguments).output().unwrap())
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    pub(crate) fn of(output: &Output) -> Run {
        Run {
            code: output.status.code().unwrap(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub(crate) fn check(&self, code: i32, says: &[&str]) {
        assert_eq!(self.code, code, "{}\n{}", self.err, self.out);
        for part in says {
            assert!(
                self.err.contains(part) || self.out.contains(part),
                "`{part}` is not in\n{}\n{}",
                self.err,
                self.out
            );
        }
    }
}

/// [`HOLDS`] as a matrix; the expectation holds in the first cell alone.
pub(crate) fn matrix() -> String {
    let text = HOLDS.replace("type = \"MX\" }\n[[expect]]", "type = \"{type}\" }\n[[expect]]");
    format!("{text}[variants]\ntype = [\"MX\", \"TXT\"]\n")
}
