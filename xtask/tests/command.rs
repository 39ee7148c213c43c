//! The command line when the machine hinders it, and what it says about failures.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod repository;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use repository::{HOLDS, Repository, Run, matrix};

/// A message that arrives.
const ARRIVES: &str = r#"
title = "A message"
world = "outbound"
[[at]]
send = { from = "ann@contoso.example", to = ["bo@fabrikam.example"] }
[[expect]]
delivered = { to = "bo@fabrikam.example" }
"#;

/// The command that a line `WORD: cargo xtask scenarios …` names, run as a shell runs it.
fn run_line(repository: &Repository, run: &Run, word: &str) -> Run {
    let mark = format!("  {word}: cargo xtask ");
    let line =
        run.err.lines().find_map(|line| line.strip_prefix(mark.as_str())).unwrap_or_else(|| panic!("{}", run.err));
    let shell = format!("exec '{}' {line}", env!("CARGO_BIN_EXE_xtask"));
    let mut command = Command::new("bash");
    command.args(["-c", &shell]).current_dir(&repository.root).env_remove("CI");
    Run::of(&command.output().unwrap())
}

#[test]
fn a_story_that_cannot_be_put_aside_is_compared_all_the_same() {
    let repository = Repository::new("read-only", &[("holds.toml", HOLDS)]);
    repository.run(&["--bless"]).check(0, &["wrote snapshots/holds.snap (new)", "1 passed"]);
    repository.run(&["--bless"]).check(0, &["nothing was written: every snapshot is as it should be"]);
    let snapshot = repository.root.join("snapshots/holds.snap");
    let story = fs::read_to_string(&snapshot).unwrap();
    fs::write(&snapshot, story.replace("secure", "insecure")).unwrap();
    // Whoever runs the test, a file cannot be written where a folder is.
    fs::create_dir(repository.root.join("snapshots/holds.snap.new")).unwrap();
    let says =
        ["- only in the snapshot   + only in this run", "+   script  resolved", "could not be put beside its snapshot"];
    let run = repository.run(&[]);
    run.check(12, &says);
    assert!(!run.err.contains('\u{1b}'), "colours are for terminals: {:?}", run.err);
    fs::remove_dir(repository.root.join("snapshots/holds.snap.new")).unwrap();
    run_line(&repository, &run, "accept it").check(0, &["wrote snapshots/holds.snap (changed)"]);
}

#[test]
fn output_that_nobody_gets_is_an_error() {
    let repository = Repository::new("full", &[("holds.toml", HOLDS)]);
    repository.run(&["--bless"]).check(0, &[]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for arguments in [&["--list"][..], &["--story"], &["--json"]] {
        let output = repository.command(arguments).stdout(Stdio::from(full.try_clone().unwrap())).output().unwrap();
        Run::of(&output).check(1, &["error: standard output:"]);
    }
}

#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    let repository = Repository::new("head", &[("holds.toml", HOLDS)]);
    let line = format!("'{}' scenarios --list | true; exit ${{PIPESTATUS[0]}}", env!("CARGO_BIN_EXE_xtask"));
    let output = Command::new("bash").args(["-c", &line]).current_dir(&repository.root).output().unwrap();
    Run::of(&output).check(0, &[]);
}

#[test]
fn nothing_to_run_is_wrong_usage() {
    let repository = Repository::new("none", &[]);
    repository.run(&[]).check(2, &["no scenario was found"]);
    repository.run(&["--list"]).check(2, &["no scenario was found"]);
}

#[test]
fn what_is_no_scenario_is_told_for_what_it_is() {
    let repository = Repository::new("what", &[("a/holds.toml", HOLDS)]);
    fs::create_dir(repository.root.join("desk")).unwrap();
    fs::write(repository.root.join("desk/mine.toml"), HOLDS).unwrap();
    repository.run(&["desk/mine"]).check(2, &["there is a file `desk/mine.toml`: write its whole name"]);
    repository.run(&["desk"]).check(2, &["`desk` is a folder outside of `scenarios/`: name its files"]);
    repository.run(&["desk/mine.toml[x=1]"]).check(2, &["`desk/mine.toml` has no cells"]);
}

#[test]
fn links_that_lead_back_are_not_followed() {
    let repository = Repository::new("links", &[("a/holds.toml", HOLDS)]);
    repository.run(&["--bless"]).check(0, &[]);
    for folder in ["scenarios/a", "snapshots/a"] {
        for name in ["up", "back", "again.toml", "again.snap"] {
            std::os::unix::fs::symlink("..", repository.root.join(folder).join(name)).unwrap();
        }
    }
    repository.run(&[]).check(12, &["1 scenario: 1 passed", "snapshots/a/again.snap: no scenario has this snapshot"]);
}

#[test]
fn what_cannot_be_kept_is_not_blessed() {
    // The cell of one file and another file would share a snapshot.
    let both = matrix().replace(", type = \"MX\", s", ", s");
    let repository = Repository::new("kept", &[("matrix.toml", &both), ("matrix/type=MX.toml", HOLDS)]);
    repository.run(&["--bless"]).check(12, &["not blessed: `matrix/type=MX` has its snapshot in the same file"]);
    assert!(!repository.root.join("snapshots/matrix/type=MX.snap").exists());
    // A story that depends on the seed is that of the file's own seed.
    let draws = ARRIVES.replace("world =", "seed-sensitive = \"equal hosts\"\nworld =").replace(
        "[[at]]",
        "[host.mx2.smtp]\n[zone.\"fabrikam.example\"]\nsigned = false\n\
         records = '''\n@ MX 10 mx1\n@ MX 10 mx2\nmx1 A {mx1}\nmx2 A {mx2}\n'''\n[[at]]",
    );
    fs::write(repository.root.join("scenarios/draws.toml"), draws).unwrap();
    let run = repository.run(&["draws", "--seed", "2", "--bless"]);
    run.check(12, &["its snapshot is that of seed 1"]);
    run_line(&repository, &run, "run it again").check(12, &["its snapshot is that of seed 1"]);
    repository.run(&["draws", "--bless"]).check(0, &["wrote snapshots/draws.snap (new)"]);
}

/// Two cells: a signed zone, and an unsigned one. Each shows one claim, and neither shows the third.
const CLAIMS: &str = r#"
title = "A lookup"
covers = ["dnssec.secure", "dnssec.insecure-delegation", "dnssec.rrsig-bad"]
world = "outbound"
[zone."fabrikam.example"]
signed = "{signed}"
[[at]]
lookup = { name = "fabrikam.example", type = "MX" }
[variants]
signed = [true, false]
[[expect]]
resolved = { name = "fabrikam.example", type = "MX" }
"#;

#[test]
fn a_claim_that_no_cell_shows_blames_the_file() {
    let repository = Repository::new("claim", &[("claims.toml", CLAIMS), ("claims-2.toml", HOLDS)]);
    let says = [
        "claims: a claim is not shown",
        "`covers` claims dnssec.rrsig-bad",
        "2 passed, 0 failed, 0 skipped; 1 file failed",
    ];
    let run = repository.run(&["claims", "--expectations-only"]);
    run.check(11, &says);
    let again = run_line(&repository, &run, "run it again");
    again.check(11, &["`covers` claims dnssec.rrsig-bad", "2 scenarios:"]);
    let run = repository.run(&["claims", "--json", "--expectations-only"]);
    run.check(11, &["\"files\":[{\"path\":\"scenarios/claims.toml\",\"seed\":null,\"failures\":[{\"code\":\"covers\""]);
    assert_eq!(run.out.matches("\"outcome\":\"passed\"").count(), 2, "{}", run.out);
    // A file that fails as a whole is not blessed.
    repository.run(&["claims", "--bless"]).check(11, &["not blessed, since the file as a whole failed"]);
}

#[test]
fn a_line_that_runs_it_again_selects_exactly_that() {
    let fails = ARRIVES.replace("delivered", "bounced");
    let cells = fails.replace("[[at]]\nsend = {", "[[at]]\nsend = { subject = \"{what}\",")
        + "[variants]\nwhat = { \"it's\" = \"a\", \"it's so\" = \"b\" }\n";
    let files = [("a/fails.toml", fails.as_str()), ("a/fails-too.toml", &fails), ("cells.toml", &cells)];
    let repository = Repository::new("again", &files);
    fs::create_dir_all(repository.root.join("my files")).unwrap();
    fs::write(repository.root.join("my files/a b.toml"), &fails).unwrap();
    fs::write(repository.root.join("-dash.toml"), &fails).unwrap();
    fs::write(repository.root.join("esc\u{1b}.toml"), &fails).unwrap();
    for filter in ["a/fails", "cells[what=it's]", "my files/a b.toml", "./-dash.toml", "esc\u{1b}.toml"] {
        let run = repository.run(&[filter, "--seed", "3"]);
        run.check(11, &["1 scenario: 0 passed, 1 failed"]);
        assert!(!run.err.contains('\u{1b}'), "{:?}", run.err);
        run_line(&repository, &run, "run it again").check(11, &["1 scenario: 0 passed, 1 failed", "(seed 3)"]);
    }
}

#[test]
fn a_failure_ends_with_the_last_that_is_known_of_the_message() {
    let repository = Repository::new("last", &[]);
    let check = |text: &str, says: &[&str]| {
        fs::write(repository.root.join("scenarios/last.toml"), text).unwrap();
        repository.run(&["--expectations-only"]).check(11, says);
    };
    // The engine takes mail of its tenants alone.
    check(
        &ARRIVES.replace("ann@contoso", "ann@cotnoso"),
        &["no message for bo@fabrikam.example was delivered", "last event: at +0s users: cannot hand over a message"],
    );
    check(
        &ARRIVES.replace("[[at]]", "[[at]]\nfault = { kind = \"refused\", host = \"mx1\" }\n[[at]]"),
        &["last event: at +24h sender: gives up on bo@fabrikam.example"],
    );
    // Of any message, if the expectation names none.
    let judged = ARRIVES.replace("delivered = { to = \"bo@fabrikam.example\" }", "verdict = { spf = \"fail\" }");
    check(
        &judged.replace("ann@contoso", "ann@cotnoso").replacen("[[at]]", "[receiver]\n[[at]]", 1),
        &["no message was judged", "last event: at +0s users: cannot hand over a message"],
    );
    // What the nearest line says is not said twice.
    let late = ARRIVES.replace("[[at]]", "[[at]]\nfault = { kind = \"refused\", host = \"mx1\" }\n[[at]]");
    let late = late.replace("delivered = {", "bounced = { code = \"5.1.1\",");
    fs::write(repository.root.join("scenarios/last.toml"), late).unwrap();
    let run = repository.run(&["--expectations-only"]);
    run.check(11, &["nearest: at +24h bounced, where code = 5.4.316"]);
    assert!(!run.err.contains("last event"), "{}", run.err);
}

#[test]
fn failures_follow_the_story() {
    let fails = ARRIVES.replace("delivered", "bounced");
    let repository = Repository::new("follow", &[("a.toml", ARRIVES), ("b.toml", &fails)]);
    let both = |arguments: &str| {
        let line = format!("'{}' scenarios {arguments} 2>&1", env!("CARGO_BIN_EXE_xtask"));
        let output = Command::new("bash").args(["-c", &line]).current_dir(&repository.root).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let said = both("b --story");
    let at = |text: &str| said.find(text).unwrap_or_else(|| panic!("`{text}` is not in {said}"));
    assert!(at("── b (seed 1) ──") < at("b: an expectation failed"), "{said}");
    // Expectations come before stories that have no snapshot, whatever their ids.
    let said = both("");
    let at = |text: &str| said.find(text).unwrap_or_else(|| panic!("`{text}` is not in {said}"));
    assert!(at("b: an expectation failed") < at("a: the story is not that of a snapshot"), "{said}");
}

#[test]
fn expectations_alone_need_no_snapshots() {
    let repository = Repository::new("alone", &[("a.toml", ARRIVES)]);
    repository.run(&["--expectations-only"]).check(0, &["1 passed"]);
    assert!(!repository.root.join("snapshots").exists());
    fs::write(repository.root.join("snapshots"), "no folder").unwrap();
    repository.run(&["--expectations-only"]).check(0, &["1 passed"]);
    repository.run(&["--expectations-only", "--bless"]).check(2, &["cannot be used with"]);
    fs::write(repository.root.join("scenarios/b.toml"), ARRIVES.replace("delivered", "bounced")).unwrap();
    repository.run(&["--expectations-only"]).check(11, &["1 passed, 1 failed"]);
}

#[test]
fn only_a_ci_that_says_so_is_one() {
    let repository = Repository::new("ci", &[("a.toml", ARRIVES)]);
    for (value, code) in [("true", 2), ("1", 2), ("woodpecker", 2), ("false", 0), ("0", 0), ("", 0)] {
        let output = repository.command(&["--bless"]).env("CI", value).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "CI={value}");
    }
}

#[test]
fn the_version_is_told() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("--version").output().unwrap();
    Run::of(&output).check(0, &[env!("CARGO_PKG_VERSION")]);
}

#[test]
fn a_file_outside_the_repository_finds_the_prepared_worlds() {
    let repository = Repository::new("outside", &[]);
    // A project of its own, with a folder of this name that has no worlds.
    let project = repository.root.join("project");
    fs::create_dir_all(project.join("scenarios")).unwrap();
    fs::rename(repository.root.join("scenarios"), repository.root.join("elsewhere")).unwrap();
    fs::write(project.join("mine.toml"), ARRIVES).unwrap();
    let run = |folder: &Path, file: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        Run::of(&command.args(["scenarios", file]).current_dir(folder).output().unwrap())
    };
    run(&project, "mine.toml").check(0, &["1 passed"]);
    run(&repository.root, "project/mine.toml").check(0, &["1 passed"]);
}

#[test]
fn the_schema_is_written_into_this_checkout_only() {
    let repository = Repository::new("schema", &[]);
    let schema = |folder: &Path| {
        Run::of(&Command::new(env!("CARGO_BIN_EXE_xtask")).arg("schema").current_dir(folder).output().unwrap())
    };
    let inside = repository.root.join("scenarios/worlds");
    schema(&inside).check(0, &["wrote schema/scenario.schema.json"]);
    assert!(repository.root.join("schema/scenario.schema.json").exists());
    // `schema` leads elsewhere.
    fs::remove_dir_all(repository.root.join("schema")).unwrap();
    let elsewhere = repository.root.with_extension("elsewhere");
    fs::create_dir_all(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, repository.root.join("schema")).unwrap();
    schema(&repository.root).check(1, &["leads out of"]);
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    // There is no checkout here.
    schema(&elsewhere).check(2, &["in no checkout"]);
    fs::remove_dir_all(&elsewhere).unwrap();
}

#[test]
fn a_file_that_expects_nothing_is_run_for_its_story() {
    let nothing = ARRIVES.split("[[expect]]").next().unwrap();
    let repository = Repository::new("nothing", &[("nothing.toml", nothing)]);
    repository.run(&[]).check(10, &["this file expects nothing"]);
    repository.run(&["--story"]).check(0, &["mx1     takes the message", "1 passed"]);
    repository.run(&["--until", "+1h"]).check(0, &["mx1     takes the message"]);
    repository.run(&["--story", "--bless"]).check(12, &["a file that expects nothing is not compared"]);
    assert!(!repository.root.join("snapshots").exists());
    repository.run(&["--story", "--verify-determinism"]).check(0, &["1 passed"]);
}

#[test]
fn a_fault_that_never_acts_fails_the_run() {
    let with = |fault: &str| ARRIVES.replace("[[at]]", &format!("[[at]]\nfault = {{ {fault} }}\n[[at]]"));
    let repository = Repository::new("acts", &[]);
    let check = |text: &str, code: i32, says: &[&str]| {
        fs::write(repository.root.join("scenarios/acts.toml"), text).unwrap();
        repository.run(&["--expectations-only"]).check(code, says);
    };
    let nobody_asks = "kind = \"servfail\", zone = \"fabrikam.example\", owner = \"nope\", type = \"MX\"";
    let says = [
        "acts: a fault never acted",
        "scenarios/acts.toml:4",
        "every server of fabrikam.example answers SERVFAIL about MX nope.fabrikam.example",
    ];
    check(&with(nobody_asks), 11, &says);
    check(&with(&format!("{nobody_asks}, may-not-act = true")), 0, &[]);
    check(&with("kind = \"servfail\", zone = \"fabrikam.example\", until = \"+10m\""), 0, &[]);
    // It is over before the mail comes.
    let early = |kind: &str| {
        with(&format!("kind = \"{kind}\", host = \"mx1\", until = \"+1h\""))
            .replace("\nsend =", "\ntime = \"+2h\"\nsend =")
    };
    for kind in ["refused", "unreachable", "starttls-missing", "tls-alert"] {
        check(&early(kind), 11, &["a fault never acted"]);
        check(&early(kind).replace("+2h", "+10m"), 0, &[]);
    }
    // It waits for what nobody does, at a stage that no session reaches while it lasts.
    check(&with("kind = \"smtp-closed\", host = \"mx1\", stage = \"rcpt\", times = 1"), 0, &[]);
    check(&with("kind = \"clock-shift\", host = \"sender\", shift = \"+1h\""), 0, &[]);
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let title = ARRIVES.replace("\"A message\"", "\"\\u001b[31mred\\u0007 line\\nbreak\"");
    let name = ARRIVES.replace("bo@fabrikam", "bo\\u001b[31mred@fabrikam");
    let repository = Repository::new("terminal", &[("title.toml", &title), ("name.toml", &name)]);
    for arguments in [&["--story"][..], &["--list"], &["--until", "+1h"]] {
        let run = repository.run(arguments);
        for said in [&run.out, &run.err] {
            assert!(!said.contains(['\u{1b}', '\u{7}']), "{said:?}");
        }
    }
    repository.run(&[]).check(10, &["one line of plain text", "2 scenarios: 0 passed, 2 failed"]);
}

#[test]
fn an_undeliverable_ndr_expires_before_the_run_ends() {
    let text = ARRIVES.replace("delivered = { to = \"bo@fabrikam.example\" }", "bounced = { to = \"bo@fabrikam.example\" }").replacen(
        "[[at]]",
        "[[at]]\nfault = { kind = \"refused\", host = \"mx1\" }\n[[at]]\nfault = { kind = \"refused\", host = \"contoso-in\" }\n[[at]]",
        1,
    );
    let repository = Repository::new("ndr", &[("ndr.toml", &text)]);
    repository
        .run(&["--expectations-only", "--story"])
        .check(0, &["+2d\n  sender  gives up on ann@contoso.example", "1 passed"]);
}

#[cfg(unix)]
#[test]
fn an_interrupt_is_heard_while_a_cell_runs() {
    // Twenty thousand messages take long, whatever the machine.
    let many = ARRIVES.replace(" }\n[[expect]]", ", count = 10000, every = \"1s\" }\n[[expect]]");
    let send = many.split("[[at]]\n").nth(1).unwrap().split("[[expect]]").next().unwrap().to_owned();
    let many = many.replace("[[expect]]", &format!("[[at]]\n{send}[[expect]]"));
    let repository = Repository::new("heard", &[("many.toml", &many)]);
    let mut command = repository.command(&["--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    #[allow(clippy::disallowed_methods, reason = "the process runs by the real clock")]
    std::thread::sleep(std::time::Duration::from_secs(1));
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    if interrupt.is_err() {
        child.kill().unwrap();
    }
    let run = Run::of(&child.wait_with_output().unwrap());
    assert!(interrupt.unwrap().success());
    // The cell would have passed, or failed: it was not waited for.
    run.check(130, &["\"outcome\":\"skipped\"", "\"interrupted\":true"]);
}

/// Files that are no files hold no command up, and fail by themselves.
#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_not_read() {
    let repository = Repository::new("irregular", &[("a.toml", ARRIVES)]);
    let link = |to: &str, name: &str| {
        std::os::unix::fs::symlink(to, repository.root.join("scenarios").join(name)).unwrap();
    };
    link("/dev/zero", "endless.toml");
    link("gone.toml", "dangling.toml");
    fs::write(repository.root.join("scenarios/b[c].toml"), ARRIVES).unwrap();
    repository.run(&["a", "--expectations-only"]).check(0, &["1 scenario: 1 passed"]);
    repository.run(&["--expectations-only"]).check(
        10,
        &[
            "scenarios/endless.toml: it is no regular file",
            "scenarios/dangling.toml: it cannot be read",
            "scenarios/b[c].toml: brackets in an id are those of a cell",
            "4 scenarios: 1 passed, 3 failed",
        ],
    );
}

/// If nobody can hear what is said, the exit code still tells how the run ended.
#[cfg(unix)]
#[test]
fn standard_error_that_fails_changes_no_exit_code() {
    let fails = ARRIVES.replace("delivered", "bounced");
    let repository = Repository::new("deaf", &[("a.toml", ARRIVES), ("b.toml", &fails)]);
    for (filter, code) in [("a", 0), ("b", 11)] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = repository.command(&[filter, "--expectations-only"]);
        assert_eq!(command.stderr(full).status().unwrap().code(), Some(code), "{filter}");
    }
}
