//! The command contract of `cargo xtask scenarios`: what each situation prints and which code it ends with.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A repository with a few scenarios of its own, removed when dropped.
struct Repository {
    root: PathBuf,
}

/// A scenario that holds.
const HOLDS: &str = r#"
title = "A lookup"
world = "outbound"
[[at]]
lookup = { name = "fabrikam.example", type = "MX" }
[[expect]]
resolved = { name = "fabrikam.example", type = "MX", status = "secure" }
"#;

impl Repository {
    fn new(name: &str, scenarios: &[(&str, &str)]) -> Repository {
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

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.arg("scenarios").args(arguments).current_dir(&self.root).env_remove("CI");
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        Run::of(&self.command(arguments).output().unwrap())
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

struct Run {
    code: i32,
    out: String,
    err: String,
}

impl Run {
    fn of(output: &Output) -> Run {
        Run {
            code: output.status.code().unwrap(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    fn check(&self, code: i32, says: &[&str]) {
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

#[test]
fn a_new_scenario_is_blessed_and_then_held_to_its_snapshot() {
    let repository = Repository::new("bless", &[("a/holds.toml", HOLDS)]);
    repository.run(&[]).check(12, &["there is no snapshot yet", "cargo xtask scenarios a/holds --seed 1"]);
    repository.run(&["--bless"]).check(0, &["1 passed"]);
    repository.run(&[]).check(0, &["1 scenarios: 1 passed, 0 failed, 0 skipped"]);
    let snapshot = repository.root.join("snapshots/a/holds.snap");
    let story = std::fs::read_to_string(&snapshot).unwrap();
    std::fs::write(&snapshot, story.replace("secure", "insecure")).unwrap();
    repository.run(&[]).check(12, &["the story differs from its snapshot", "+ "]);
    assert!(repository.root.join("snapshots/a/holds.snap.new").exists(), "insta's review finds nothing");
}

#[test]
fn a_snapshot_without_scenario_is_an_orphan() {
    let repository = Repository::new("orphan", &[("holds.toml", HOLDS)]);
    repository.run(&["--bless"]).check(0, &[]);
    std::fs::write(repository.root.join("snapshots/gone.snap"), "").unwrap();
    repository.run(&[]).check(12, &["snapshots/gone.snap", "no scenario has this snapshot"]);
    // Only a run of everything can tell.
    repository.run(&["holds"]).check(0, &[]);
}

#[test]
fn a_failed_expectation_says_what_was_nearest_and_is_not_blessed() {
    let fails = HOLDS.replace("\"secure\"", "\"bogus\"");
    let repository = Repository::new("fails", &[("fails.toml", &fails), ("holds.toml", HOLDS)]);
    let says = ["scenarios/fails.toml:6", "status = bogus", "resolved, where status = secure"];
    repository.run(&["--bless"]).check(11, &says);
    assert!(repository.root.join("snapshots/holds.snap").exists());
    assert!(!repository.root.join("snapshots/fails.snap").exists());
}

#[test]
fn a_claim_that_the_record_does_not_show_fails() {
    let claims = HOLDS.replace("world =", "covers = [\"dane.mismatch\"]\nworld =");
    let repository = Repository::new("claims", &[("claims.toml", &claims)]);
    repository.run(&[]).check(11, &["`covers` claims dane.mismatch, but the record holds no `tlsa`"]);
}

#[test]
fn a_file_with_mistakes_is_not_run() {
    let wrong = HOLDS.replace("lookup =", "lokup =").replace("[[expect]]", "[[expct]]");
    let repository = Repository::new("wrong", &[("holds.toml", HOLDS), ("wrong.toml", &wrong)]);
    repository.run(&["--bless"]).check(10, &["did you mean `lookup`?", "did you mean `expect`?", "wrong.toml:5:1"]);
    // The other file runs all the same.
    repository.run(&["holds"]).check(0, &["1 passed"]);
}

#[test]
fn what_cannot_be_done_yet_is_refused_at_its_place() {
    let later = HOLDS.replace("[[at]]", "[zone.\"fabrikam.example\"]\ndenial = \"nsec3\"\n[[at]]");
    let repository = Repository::new("later", &[("later.toml", &later)]);
    repository.run(&[]).check(10, &["NSEC3 is not supported yet", "later.toml:5:10"]);
}

#[test]
fn wrong_usage_ends_with_2() {
    let repository = Repository::new("usage", &[("holds.toml", HOLDS)]);
    repository.run(&["nothing-like-this"]).check(2, &["no scenario matches `nothing-like-this`"]);
    repository.run(&["--no-such-flag"]).check(2, &["--no-such-flag"]);
    repository.run(&["--partition", "hash:3/2"]).check(2, &["hash:1/4"]);
    repository.run(&["--until", "5 hours"]).check(2, &["+5h"]);
    let output = repository.command(&["--bless"]).env("CI", "true").output().unwrap();
    Run::of(&output).check(2, &["--bless"]);
}

#[test]
fn json_is_one_object_a_line() {
    let repository = Repository::new("json", &[("b.toml", HOLDS), ("a.toml", HOLDS)]);
    repository.run(&["--bless"]).check(0, &[]);
    let run = repository.run(&["--json", "--seeds", "2"]);
    run.check(0, &[]);
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!(lines.len(), 5, "{}", run.out);
    for (line, start) in lines.iter().zip(["a.toml\",\"seed\":1", "a.toml\",\"seed\":2", "b.toml\",\"seed\":1"]) {
        assert!(line.starts_with("{\"format\":1,\"scenario\":") && line.contains(start), "{line}");
        assert!(line.contains("\"outcome\":\"passed\"") && line.contains("\"failures\":[]"), "{line}");
    }
    assert!(
        lines[4].starts_with("{\"summary\":{\"scenarios\":4,\"passed\":4,\"failed\":0,\"skipped\":0"),
        "{}",
        lines[4]
    );
}

#[test]
fn two_processes_have_the_same_hashes_and_another_seed_has_others() {
    let repository = Repository::new("hashes", &[("holds.toml", HOLDS)]);
    repository.run(&["--bless"]).check(0, &[]);
    let hashes = |seed: &str| {
        let run = repository.run(&["--json", "--seed", seed]);
        let line = run.out.lines().next().unwrap().to_owned();
        line.split("\"record_hash\":").nth(1).unwrap().split(",\"failures\"").next().unwrap().to_owned()
    };
    assert_eq!(hashes("1"), hashes("1"));
    assert_ne!(hashes("1"), hashes("2"));
}

#[test]
fn until_prints_and_compares_nothing() {
    let repository = Repository::new("until", &[("holds.toml", &HOLDS.replace("\"secure\"", "\"bogus\""))]);
    let run = repository.run(&["--until", "+1h"]);
    run.check(0, &["A lookup", "resolved MX fabrikam.example"]);
}

#[test]
fn a_file_anywhere_can_be_run() {
    let repository = Repository::new("anywhere", &[("holds.toml", HOLDS)]);
    std::fs::write(repository.root.join("customer.toml"), HOLDS.replace("\"secure\"", "\"bogus\"")).unwrap();
    repository.run(&["customer.toml"]).check(11, &["customer.toml:6", "cargo xtask scenarios customer.toml --seed 1"]);
}

#[test]
fn listing_runs_nothing() {
    let repository = Repository::new("list", &[("a.toml", HOLDS), ("b.toml", "title = 1")]);
    repository.run(&["--list"]).check(0, &["a  A lookup", "b  (has mistakes)"]);
}
