//! The contract of `cargo xtask scenarios`: output and exit code for each situation.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod repository;

use std::process::Command;

use repository::{HOLDS, Repository, Run, matrix};

/// A scenario that holds whatever the seed draws.
const DRAWS: &str = r#"
title = "Two hosts of equal preference"
seed-sensitive = "equal hosts"
world = "outbound"
host.mx2.smtp = {}
[zone."fabrikam.example"]
signed = false
records = '''
@ MX 10 mx1
@ MX 10 mx2
mx1 A {mx1}
mx2 A {mx2}
'''
[[at]]
send = { from = "ann@contoso.example", to = ["bo@fabrikam.example"] }
[[expect]]
delivered = { to = "bo@fabrikam.example" }
"#;

#[test]
fn a_new_scenario_is_blessed_and_then_held_to_its_snapshot() {
    let repository = Repository::new("bless", &[("a/holds.toml", HOLDS)]);
    repository.run(&[]).check(12, &["there is no snapshot yet", "cargo xtask scenarios a/holds --seed 1"]);
    repository.run(&["--bless"]).check(0, &["1 passed"]);
    let run = repository.run(&[]);
    run.check(0, &["1 scenario: 1 passed, 0 failed, 0 skipped"]);
    assert_eq!(run.out, "", "nobody asked for anything on standard output");
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
    // Only a complete run can know.
    repository.run(&["holds"]).check(0, &[]);
    std::fs::rename(repository.root.join("snapshots/gone.snap"), repository.root.join("snapshots/gone.snap.new"))
        .unwrap();
    repository.run(&[]).check(12, &["snapshots/gone.snap.new", "no scenario has this snapshot"]);
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
    repository.run(&[]).check(11, &["`covers` claims dane.mismatch, but the record holds no"]);
}

/// Two cells: a signed zone, and an unsigned one.
const CELLS: &str = r#"
title = "A lookup"
covers = ["dnssec.secure", "dnssec.insecure-delegation"]
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
fn a_claim_is_shown_by_one_of_the_cells() {
    let claims = CELLS.replace("-delegation", "-delegation\", \"dnssec.rrsig-bad");
    let repository = Repository::new("cells", &[("cells.toml", CELLS), ("claims.toml", &claims)]);
    repository.run(&["cells", "--bless"]).check(0, &["2 passed"]);
    let says = ["`covers` claims dnssec.rrsig-bad", "in none of the 2 cells", "claims.toml:3"];
    let run = repository.run(&["claims", "--bless"]);
    run.check(11, &says);
    assert!(!run.err.contains("claims dnssec.secure"), "{}", run.err);
    // Running one cell does not check the other.
    repository.run(&["cells[signed=false]"]).check(0, &["1 passed"]);
}

#[test]
fn a_file_with_mistakes_is_not_run() {
    let wrong = HOLDS.replace("lookup =", "lokup =").replace("[[expect]]", "[[expct]]");
    let repository = Repository::new("wrong", &[("holds.toml", HOLDS), ("wrong.toml", &wrong)]);
    repository.run(&["--bless"]).check(10, &["did you mean `lookup`?", "did you mean `expect`?", "wrong.toml:5:1"]);
    // The other file still runs.
    repository.run(&["holds"]).check(0, &["1 passed"]);
}

#[test]
fn what_cannot_be_done_yet_is_refused_at_its_place() {
    let later = HOLDS.replace("[[at]]", "[host.mx1]\nhostile = true\n[[at]]");
    let repository = Repository::new("later", &[("later.toml", &later)]);
    repository.run(&[]).check(10, &["a hostile host is not supported yet", "later.toml:5:11"]);
}

#[test]
fn wrong_usage_ends_with_2() {
    let repository = Repository::new("usage", &[("holds.toml", HOLDS)]);
    repository.run(&["nothing-like-this"]).check(2, &["no scenario matches `nothing-like-this`", "--list"]);
    repository.run(&["hlods-holding"]).check(2, &["no scenario matches"]);
    repository.run(&["holdz"]).check(2, &["no scenario matches `holdz`", "did you mean `holds`?"]);
    repository.run(&["scenarios/gone.toml"]).check(2, &["there is no file `scenarios/gone.toml`"]);
    repository.run(&["scenarios/worlds/outbound.toml"]).check(2, &["is a world, not a scenario"]);
    repository.run(&["--list", "--json"]).check(2, &["--list"]);
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
    repository.run(&["customer.toml", "--bless"]).check(2, &["it has no snapshot to bless"]);
}

#[test]
fn listing_runs_nothing() {
    let repository = Repository::new("list", &[("a.toml", HOLDS), ("b.toml", "title = 1")]);
    repository.run(&["--list"]).check(0, &["a  A lookup", "b  (has mistakes)"]);
}

#[test]
fn a_file_is_blessed_whole_or_not_at_all() {
    let repository = Repository::new("whole", &[("matrix.toml", &matrix()), ("holds.toml", HOLDS)]);
    let says = ["not blessed, since matrix[type=TXT] did not pass", "1 passed, 2 failed"];
    repository.run(&["--bless"]).check(11, &says);
    assert!(!repository.root.join("snapshots/matrix/type=MX.snap").exists());
    assert!(repository.root.join("snapshots/holds.snap").exists());
    // One cell alone is not blessed either, and what hinders it is told.
    let run = repository.run(&["--bless", "scenarios/matrix.toml[type=MX]"]);
    run.check(
        11,
        &["not blessed, since matrix[type=TXT] did not pass", "status = secure", "2 scenarios: 0 passed, 2 failed"],
    );
    assert!(!repository.root.join("snapshots/matrix/type=MX.snap").exists());
    // If all cells hold, one cell may be blessed by itself.
    std::fs::write(repository.root.join("scenarios/matrix.toml"), matrix().replace(", type = \"MX\", s", ", s"))
        .unwrap();
    let run = repository.run(&["--bless", "matrix[type=MX]"]);
    run.check(0, &["wrote snapshots/matrix/type=MX.snap (new)", "1 scenario: 1 passed"]);
    assert!(!repository.root.join("snapshots/matrix/type=TXT.snap").exists());
}

#[test]
fn filters_are_taken_as_people_type_them() {
    let repository = Repository::new("typed", &[("a/holds.toml", HOLDS), ("b/holds.toml", HOLDS)]);
    for typed in ["a/", "scenarios/a", "scenarios/a/", "./scenarios/a/holds", "a/holds.toml", "scenarios/a/holds.toml"]
    {
        let run = repository.run(&["--list", typed]);
        run.check(0, &["a/holds"]);
        assert_eq!(run.out.lines().count(), 1, "{typed}: {}", run.out);
    }
}

#[test]
fn a_cell_of_a_file_anywhere_is_reproduced_alone() {
    let repository = Repository::new("cell", &[("holds.toml", HOLDS)]);
    std::fs::write(repository.root.join("customer.toml"), matrix()).unwrap();
    let line = "run it again: cargo xtask scenarios 'customer.toml[type=TXT]' --seed 1";
    repository.run(&["customer.toml"]).check(11, &[line, "2 scenarios"]);
    repository.run(&["customer.toml[type=TXT]", "--seed", "1"]).check(11, &[line, "1 scenario:"]);
    repository.run(&["customer.toml[type=A]"]).check(2, &["no scenario matches", "customer[type=MX]"]);
}

#[test]
fn the_id_of_a_file_anywhere_is_its_name() {
    let repository = Repository::new("name", &[("a/holds.toml", HOLDS)]);
    std::fs::create_dir_all(repository.root.join("desk")).unwrap();
    let customer = repository.root.join("desk/customer.toml");
    std::fs::write(&customer, HOLDS).unwrap();
    let hashes = |path: &str| {
        let run = repository.run(&["--json", path]);
        run.check(0, &["\"scenario\":\"customer\""]);
        run.out.split("\"record_hash\":").nth(1).unwrap().split(",\"failures\"").next().unwrap().to_owned()
    };
    let relative = hashes("desk/customer.toml");
    assert_eq!(relative, hashes("./desk/../desk/customer.toml"));
    assert_eq!(relative, hashes(customer.to_str().unwrap()));
    std::fs::write(repository.root.join("customer.toml"), HOLDS).unwrap();
    repository.run(&["desk/customer.toml", "customer.toml"]).check(2, &["would both be called `customer`"]);
}

#[test]
fn a_second_process_runs_the_same() {
    let repository = Repository::new("second", &[("a/holds.toml", HOLDS)]);
    repository.run(&["--bless"]).check(0, &[]);
    std::fs::write(repository.root.join("customer.toml"), matrix()).unwrap();
    // A folder of this name does not make the filter a path.
    std::fs::create_dir(repository.root.join("a")).unwrap();
    repository.run(&["--verify-determinism", "customer.toml[type=MX]", "a"]).check(0, &["2 passed"]);
}

#[test]
fn a_story_that_depends_on_the_seed_is_that_of_its_own() {
    let repository = Repository::new("sensitive", &[("draws.toml", DRAWS)]);
    repository.run(&["--bless"]).check(0, &[]);
    let snapshot = repository.root.join("snapshots/draws.snap");
    let story = std::fs::read_to_string(&snapshot).unwrap();
    std::fs::write(&snapshot, story.replace("mx1", "mx7")).unwrap();
    repository.run(&["--seed", "2"]).check(0, &["1 passed"]);
    repository.run(&["--seeds", "2"]).check(12, &["1 passed, 1 failed"]);
}

#[test]
fn files_that_depend_on_the_seed_are_counted_apart() {
    let repository = Repository::new("apart", &[("draws.toml", DRAWS), ("holds.toml", HOLDS)]);
    let run = repository.run(&["--bless"]);
    run.check(0, &["2 scenarios: 2 passed, 0 failed, 0 skipped (1 seed-sensitive: 1 passed, 0 failed, 0 skipped); "]);
    let run = repository.run(&["--seeds", "3", "--json"]);
    run.check(0, &["6 scenarios: 6 passed, 0 failed, 0 skipped (3 seed-sensitive: 3 passed, 0 failed, 0 skipped); "]);
    let apart = "\"seed_sensitive\":{\"scenarios\":3,\"passed\":3,\"failed\":0,\"skipped\":0}";
    assert!(run.out.lines().last().unwrap().contains(apart), "{}", run.out);
    assert_eq!(run.out.matches("\"seed_sensitive\":true").count(), 3, "{}", run.out);
    // Where no file depends on the seed, there is nothing to count.
    assert!(!repository.run(&["holds"]).err.contains("seed-sensitive"));
}

#[test]
fn what_a_file_says_of_its_seed_is_so() {
    let unsaid = DRAWS.replace("seed-sensitive = \"equal hosts\"\n", "");
    let undrawn = HOLDS.replace("world =", "seed-sensitive = \"latencies decide\"\nworld =");
    let files = [("unsaid.toml", &*unsaid), ("undrawn.toml", &*undrawn), ("holds.toml", HOLDS)];
    let repository = Repository::new("seeds", &files);
    let says = [
        "scenarios/unsaid.toml:2",
        "the order of equal MX hosts was drawn from the seed",
        "`seed-sensitive = \"…\"` at the top of the file",
        "scenarios/undrawn.toml:3",
        "remove `seed-sensitive`",
        "1 passed, 2 failed",
    ];
    repository.run(&["--bless"]).check(11, &says);
    repository.run(&["unsaid", "undrawn", "--json"]).check(11, &["\"code\":\"seed-sensitive\""]);
    assert!(!repository.root.join("snapshots/unsaid.snap").exists());
}

#[test]
fn one_cell_that_draws_suffices() {
    // The second cell has one host of the best preference.
    let cells = DRAWS.replace("@ MX 10 mx2", "@ MX {preference} mx2") + "[variants]\npreference = [10, 20]\n";
    let repository = Repository::new("draws", &[("draws.toml", &cells)]);
    repository.run(&["--bless"]).check(0, &["2 passed"]);
    repository.run(&["draws[preference=20]"]).check(0, &["1 passed"]);
    // A cell that runs with a seed of its own is one of the file all the same.
    let own = HOLDS.replace("world =", "seed = \"{seed}\"\nseed-sensitive = \"latencies decide\"\nworld =");
    std::fs::write(repository.root.join("own.toml"), own + "[variants]\nseed = [1, 2]\n").unwrap();
    repository.run(&["own.toml"]).check(11, &["remove `seed-sensitive`", "2 passed, 0 failed", "1 file failed"]);
}

#[test]
fn what_the_file_system_refuses_loses_no_result() {
    let repository =
        Repository::new("refused", &[("fails.toml", &HOLDS.replace("\"secure\"", "\"bogus\"")), ("holds.toml", HOLDS)]);
    std::fs::write(repository.root.join("snapshots"), "no folder").unwrap();
    repository.run(&["--json"]).check(1, &["status = bogus", "\"code\":\"io\"", "error: snapshots:", "2 scenarios"]);
    std::fs::remove_dir_all(repository.root.join("scenarios")).unwrap();
    std::fs::create_dir_all(repository.root.join("scenarios/worlds")).unwrap();
    std::os::unix::fs::symlink("nowhere", repository.root.join("scenarios/dangling.toml")).unwrap();
    repository.run(&[]).check(10, &["dangling.toml: it cannot be read"]);
}

#[test]
fn a_file_that_is_no_text_is_a_mistake_of_that_file() {
    let repository = Repository::new("latin", &[("holds.toml", HOLDS)]);
    repository.run(&["--bless"]).check(0, &[]);
    std::fs::write(repository.root.join("scenarios/latin.toml"), b"title = \"a\"\nstory = \"Gr\xfc\xdfe\"\n").unwrap();
    let says = ["not-utf8", "scenarios/latin.toml:2:12: the byte 0xfc at offset 23", "1 passed, 1 failed"];
    repository.run(&[]).check(10, &says);
}

#[test]
fn a_warning_is_told_once_a_file() {
    let doubtful = matrix().replace("[[expect]]\n", "[[expect]]\nwhen = { type = \"MX\" }\n");
    let repository = Repository::new("doubtful", &[("doubtful.toml", &doubtful)]);
    let run = repository.run(&["--bless", "--seeds", "3"]);
    run.check(0, &["no expectation applies to the cell [type=TXT]", "6 passed"]);
    assert_eq!(run.err.matches("warning[bare-cell]").count(), 1, "{}", run.err);
}

#[test]
fn an_empty_part_says_so() {
    let repository = Repository::new("empty", &[("holds.toml", HOLDS)]);
    let parts = ["hash:1/2", "hash:2/2"].map(|part| repository.run(&["--partition", part]).err);
    assert!(
        parts.iter().any(|err| err.contains("0 scenarios: 0 passed, 0 failed, 0 skipped; 0 virtual hours")),
        "{parts:?}"
    );
}

#[test]
fn records_are_written_as_they_are_hashed() {
    let repository = Repository::new("record", &[("a/holds.toml", HOLDS)]);
    repository.run(&["--bless", "--record", "records"]).check(0, &[]);
    let written = std::fs::read_to_string(repository.root.join("records/a/holds.jsonl")).unwrap();
    assert!(written.lines().count() > 3, "{written}");
    assert!(written.lines().all(|line| line.starts_with("{\"at\":\"2026-03-02T08:")), "{written}");
    repository.run(&["--seed", "1", "--record", "again"]).check(0, &[]);
    assert_eq!(written, std::fs::read_to_string(repository.root.join("again/a/holds.jsonl")).unwrap());
    // Where a file is in the way of the folder, the runner cannot do its work.
    repository.run(&["--record", "records/a/holds.jsonl"]).check(1, &["error: records/a/holds.jsonl"]);
}

#[test]
fn help_tells_the_exit_codes() {
    let repository = Repository::new("help", &[]);
    let says = ["Usage: cargo xtask scenarios", "--verify-determinism", "Exit codes:", "130  interrupted"];
    repository.run(&["--help"]).check(0, &says);
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_partial_results() {
    let repository = Repository::new("interrupt", &[("holds.toml", HOLDS)]);
    let mut command = repository.command(&["--json", "--jobs", "1", "--seeds", "10000"]);
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    // Ten thousand cases take many times this long.
    #[allow(clippy::disallowed_methods, reason = "the process runs by the real clock")]
    std::thread::sleep(std::time::Duration::from_secs(1));
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    if interrupt.is_err() {
        child.kill().unwrap();
    }
    let output = child.wait_with_output().unwrap();
    assert!(interrupt.unwrap().success());
    let run = Run::of(&output);
    run.check(130, &["\"outcome\":\"skipped\"", "\"interrupted\":true", "interrupted, results are partial"]);
    assert_eq!(run.out.lines().count(), 10_001);
}
