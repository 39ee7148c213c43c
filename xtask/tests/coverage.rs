//! The contract of `cargo xtask coverage`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod repository;

use std::process::Command;

use repository::{HOLDS, Repository, Run};

fn coverage(repository: &Repository, arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    Run::of(&command.arg("coverage").args(arguments).current_dir(&repository.root).output().unwrap())
}

fn claiming(id: &str) -> String {
    HOLDS.replace("world =", &format!("covers = [\"{id}\"]\nworld ="))
}

#[test]
fn each_behaviour_has_a_row_with_its_scenarios_and_its_source() {
    let claims = claiming("dnssec.secure");
    let repository = Repository::new("rows", &[("b.toml", &claims), ("a/c.toml", &claims), ("d.toml", HOLDS)]);
    let run = coverage(&repository, &[]);
    run.check(0, &["(missing)  [", "(missing; nothing shows this yet)  ["]);
    let row = run.out.lines().find(|line| line.starts_with("dnssec.secure ")).unwrap();
    assert!(row.ends_with("  a/c, b  [RFC 4035 §5]"), "{row}");
    let rows = run.out.lines().count() - 1;
    assert!(rows > 280, "{rows} rows");
    assert_eq!(run.out.lines().last(), Some(format!("1 covered, {} missing", rows - 1).as_str()));
}

#[test]
fn a_group_is_listed_by_itself() {
    let repository = Repository::new("group", &[("a.toml", &claiming("dnssec.secure"))]);
    let run = coverage(&repository, &["--list", "sts"]);
    run.check(
        0,
        &["sts.enforce-ok: an enforced policy holds: delivered [RFC 8461 §4]\n    (missing; nothing shows this yet)\n"],
    );
    assert!(!run.out.contains("dnssec."), "{}", run.out);
    run.check(0, &["\n0 covered, 19 missing\n"]);
    coverage(&repository, &["--list", "dnsec"]).check(2, &["there is no group `dnsec`; there is: dane, dnssec,"]);
}

#[test]
fn files_with_mistakes_are_told() {
    let repository = Repository::new("mistakes", &[("a.toml", &claiming("dnssec.secure")), ("b.toml", "title = 1")]);
    coverage(&repository, &[]).check(10, &["error: scenarios/b.toml has mistakes", "1 covered, "]);
    coverage(&Repository::new("nothing-there", &[]), &[]).check(2, &["no scenario was found"]);
}

#[test]
fn what_nothing_shows_yet_cannot_be_claimed() {
    let repository = Repository::new("unshown", &[("a.toml", &claiming("sts.enforce-ok"))]);
    repository.run(&[]).check(10, &["error[unshown-behaviour]", "nothing shows this yet", "a.toml:3:11"]);
    // It hides no mistake elsewhere.
    let unused = "[host.mx9]\nsmtp = {}\n[[at]]";
    let text = claiming("sts.enforce-ok").replacen("[[at]]", unused, 1);
    std::fs::write(repository.root.join("scenarios/a.toml"), text).unwrap();
    repository.run(&[]).check(10, &["error[unshown-behaviour]", "host `mx9` is used nowhere"]);
}
