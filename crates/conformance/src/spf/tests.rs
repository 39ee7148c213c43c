use std::path::Path;

use super::*;

/// The outcomes of a suite in text: name, and what failed.
#[track_caller]
fn check(text: &str, expected: Result<&[(&str, &str)], &str>) {
    let outcome = cases(text).map(|cases| {
        let in_words = |case: Case| match case.outcome {
            Outcome::Passed => (case.name, "passed".to_owned()),
            Outcome::Failed { why } | Outcome::Skipped { why } => (case.name, why),
        };
        cases.into_iter().map(in_words).collect::<Vec<_>>()
    });
    let owned = |cases: &[(&str, &str)]| cases.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    assert_eq!(outcome, expected.map(owned).map_err(str::to_owned));
}

const ZONE: &str = r#"
zonedata:
  A.test:
    - SPF: v=spf1 ip4:192.0.2.1 -all exp=why.test
  why.test:
    - TXT: [ "be", "cause" ]
  alias.test:
    - CNAME: a.test.
  loop.test:
    - CNAME: loop.test
  txt.test:
    - SPF: v=spf1 +all
    - TXT: v=spf1 -all
  none.test:
    - SPF: v=spf1 +all
    - TXT: NONE
  slow.test:
    - TIMEOUT
  half.test:
    - SPF: v=spf1 a ?all
    - TIMEOUT
  octets.test:
    - SPF: "v=spf1 +all\x96"
    - MX: [10, a.test]
"#;

/// A scenario with one test at this domain.
fn scenario(domain: &str, result: &str, more: &str) -> String {
    let client = "helo: h.test, host: 192.0.2.7";
    format!("description: s\ntests:\n  t: {{ {client}, mailfrom: x@{domain}, result: {result}{more} }}{ZONE}")
}

#[test]
fn zone_data() {
    for (domain, result) in [
        ("a.test", "fail"),
        ("alias.test", "fail"),
        ("loop.test", "temperror"),
        ("txt.test", "fail"),
        ("none.test", "none"),
        ("absent.test", "none"),
        ("slow.test", "temperror"),
        ("half.test", "temperror"),
        ("octets.test", "permerror"),
        ("a.test", "[pass, fail]"),
    ] {
        check(&scenario(domain, result, ""), Ok(&[("s/t", "passed")]));
    }
}

#[test]
fn verdicts() {
    check(&scenario("a.test", "fail", ", explanation: because"), Ok(&[("s/t", "passed")]));
    let other = "expected explanation \"other\", got \"because\"";
    check(&scenario("a.test", "fail", ", explanation: other"), Ok(&[("s/t", other)]));
    let default = "expected explanation none, got \"because\"";
    check(&scenario("a.test", "fail", ", explanation: DEFAULT"), Ok(&[("s/t", default)]));
    check(&scenario("txt.test", "fail", ", explanation: DEFAULT"), Ok(&[("s/t", "passed")]));
    let missing = "expected explanation \"because\", got none";
    check(&scenario("txt.test", "fail", ", explanation: because"), Ok(&[("s/t", missing)]));
    let why = "expected pass or none, got fail: txt.test publishes \"v=spf1 -all\"; -all matches 192.0.2.7";
    check(&scenario("txt.test", "[pass, none]", ""), Ok(&[("s/t", why)]));
}

#[test]
fn mistakes_in_a_suite() {
    check("", Err("no tests"));
    check("tests: {}", Err("a scenario: no description"));
    check("description: s", Err("s: no zonedata"));
    check("description: s\nzonedata: {}", Err("s: no tests"));
    check("description: s\nzonedata: {}\ntests: { t: {} }", Err("s: t: no helo"));
    check(
        "description: s\nzonedata: {}\ntests: { t: { helo: h, host: x, mailfrom: a@b } }",
        Err("s: t: host x is not an address"),
    );
    check("description: s\nzonedata: { a: { A: x } }\ntests: {}", Err("s: the records of a are not a list"));
    check("description: s\nzonedata: { a: [ A: x ] }\ntests: {}", Err("s: a: Value(String(\"x\")) is not an address"));
    check("description: s\nzonedata: { a: [ B: x ] }\ntests: {}", Err("s: a: a record of unknown type \"B\""));
    check("description: s\nzonedata: { a: [ MX: x ] }\ntests: {}", Err("s: a: an MX is not a pair"));
    assert!(cases("a: [").is_err());
    let nowhere = run(Path::new("/nonexistent")).expect_err("there is no such folder");
    assert_eq!(nowhere.kind(), io::ErrorKind::NotFound);
}

/// The suite itself, if it is at hand.
#[test]
fn the_suite() {
    let folder = folder::by_default();
    let cases = match run(&folder) {
        Ok(cases) => cases,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            println!("skipped: {}: {error}", folder.display());
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let failed: Vec<_> = cases.iter().filter(|case| case.outcome != Outcome::Passed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(cases.len() >= 203, "{} cases", cases.len());
}
