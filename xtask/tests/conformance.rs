//! The contract of `cargo xtask conformance`: output and exit code for each situation.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// A replay of a transport: one upstream, no trust anchor, so every answer is insecure.
const PASSES: &str = "server:
    stub-addr: 192.0.2.1
CONFIG_END
SCENARIO_BEGIN an answer passes
RANGE_BEGIN 0 100
ENTRY_BEGIN
MATCH opcode qtype qname
ADJUST copy_id
REPLY QR RD RA NOERROR
SECTION QUESTION
www.z. IN A
SECTION ANSWER
www.z. IN A 192.0.2.7
ENTRY_END
RANGE_END
STEP 1 QUERY
ENTRY_BEGIN
REPLY RD
SECTION QUESTION
www.z. IN A
ENTRY_END
STEP 10 CHECK_ANSWER
ENTRY_BEGIN
MATCH opcode qtype qname rcode flags answer
REPLY QR RD RA NOERROR
SECTION QUESTION
www.z. IN A
SECTION ANSWER
www.z. IN A 192.0.2.7
ENTRY_END
SCENARIO_END
";

/// A folder of replays, removed when dropped.
struct Suites {
    folder: PathBuf,
}

impl Suites {
    fn new(name: &str, files: &[(&str, &str)]) -> Suites {
        let folder = std::env::temp_dir().join(format!("mxlab-conformance-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (path, text) in files {
            let file = folder.join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        Suites { folder }
    }
}

impl Drop for Suites {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Runs the command with these arguments; `suites` is what the environment says.
#[track_caller]
fn check(arguments: &[&str], suites: &Path, code: i32, out: &str, err: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let output = command.arg("conformance").args(arguments).env("MXLAB_SUITES", suites).output().unwrap();
    let (own_out, own_err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // The resolver's messages are in brackets at the end of a line; they have tests of their own.
    let lines: String = own_out.lines().map(|line| format!("{}\n", line.split(" [").next().unwrap())).collect();
    assert_eq!((output.status.code().unwrap(), lines.as_str()), (code, out), "{own_err}");
    for part in err {
        assert!(own_err.contains(part), "`{part}` is not in\n{own_err}");
    }
}

#[test]
fn every_case_that_does_not_pass_is_a_line() {
    let fails = PASSES.replacen("A 192.0.2.7", "A 192.0.2.8", 1);
    let broken = PASSES.replace("REPLY QR RD RA NOERROR", "REPLY QR WHAT");
    let skipped = format!("auth-zone: name: z\n{PASSES}");
    let suites = Suites::new(
        "cases",
        &[
            ("dnssec-rpl/a.rpl", PASSES),
            ("dnssec-rpl/b_fails.rpl", &fails),
            ("dnssec-rpl/c_broken.rpl", &broken),
            ("dnssec-rpl/d_skipped.rpl", &skipped),
            ("dnssec-rpl/README", "no replay"),
        ],
    );
    let out = "\
fail  b_fails  step 10 (line 23): answer: missing: www.z. 3600 A 192.0.2.7; \
answer: not expected: www.z. 3600 A 192.0.2.8
fail  c_broken  line 9: found `WHAT`, expected a flag, an opcode or a response code
skip  d_skipped  auth-zone name: not a validator's
1 passed, 2 failed, 1 skipped
";
    let folder = suites.folder.to_str().unwrap();
    check(&["dnssec", "--suites", folder], Path::new("/nowhere"), 11, out, &[]);
    check(&["dnssec"], &suites.folder, 11, out, &[]);
}

#[test]
fn a_folder_may_hold_the_files_itself() {
    let suites = Suites::new("own", &[("a.rpl", PASSES)]);
    check(&["dnssec"], &suites.folder, 0, "1 passed, 0 failed, 0 skipped\n", &[]);
}

#[test]
fn suites_that_are_not_there() {
    let empty = Suites::new("empty", &[]);
    let nowhere = empty.folder.join("nowhere");
    let says = ["nothing was run: there are no suites in", "nowhere", "--suites DIR", "MXLAB_SUITES"];
    check(&["dnssec"], &nowhere, 0, "", &says);
    check(&["dnssec", "--suites", nowhere.to_str().unwrap()], &empty.folder, 2, "", &["error: ", "nowhere"]);
    check(&["dnssec", "--suites", empty.folder.to_str().unwrap()], &nowhere, 2, "", &["error: "]);
}

#[test]
fn wrong_usage_names_what_there_is() {
    let nowhere = Path::new("/nowhere");
    check(&["dns"], nowhere, 2, "", &["error: there is no suite `dns`; there is: dnssec"]);
    check(&[], nowhere, 2, "", &["Usage: cargo xtask conformance"]);
    check(&["dnssec", "--what"], nowhere, 2, "", &["--what"]);
}
