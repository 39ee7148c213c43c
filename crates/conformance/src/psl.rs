//! The tests of the Public Suffix List, `tests.txt` and `test_psl.txt`, as its maintainers publish them.
//!
//! Both files list names, each with the expected registrable domain, or `null` for none: one file with a blank between
//! them, the other as calls of a function. Names are compared in A-labels, since some tests give U-labels.

use std::io;
use std::path::Path;

use mxlab_auth::alignment::registrable_domain;
use mxlab_auth::idn::a_labels_or_same;

use crate::{Case, Outcome, folder};

/// Runs the tests in the folder `psl` of a folder of suites, or in the folder itself, in the order of the files.
///
/// # Errors
/// When a file cannot be read, or holds a line that is not a test.
pub fn run(suites: &Path) -> io::Result<Vec<Case>> {
    let own = folder::below(suites, "psl");
    let mut cases = Vec::new();
    for (file, read) in [("tests.txt", plain as Reader), ("test_psl.txt", call as Reader)] {
        let text = folder::text(&own.join(file))?;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")) {
            let (name, expected) = read(line).ok_or_else(|| no_test(file, line))?;
            let outcome = outcome(name, expected);
            cases.push(Case { name: format!("{file}/{}", name.unwrap_or("null")), outcome });
        }
    }
    Ok(cases)
}

/// The name and the registrable domain of a line; the inner `None` stands for `null`.
type Reader = fn(&str) -> Option<(Option<&str>, Option<&str>)>;

fn no_test(file: &str, line: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{file}: \"{line}\" is not a test"))
}

/// `example.COM example.com`
fn plain(line: &str) -> Option<(Option<&str>, Option<&str>)> {
    let (name, expected) = line.split_once(' ')?;
    Some((given(name), given(expected.trim_start())))
}

fn given(word: &str) -> Option<&str> {
    (word != "null").then_some(word)
}

/// `checkPublicSuffix('example.COM', 'example.com');`
fn call(line: &str) -> Option<(Option<&str>, Option<&str>)> {
    let arguments = line.strip_prefix("checkPublicSuffix(")?.strip_suffix(");")?;
    let (name, expected) = arguments.split_once(',')?;
    Some((argument(name.trim())?, argument(expected.trim())?))
}

/// `null` or a name in quotation marks.
fn argument(text: &str) -> Option<Option<&str>> {
    if text == "null" {
        return Some(None);
    }
    text.strip_prefix('\'')?.strip_suffix('\'').map(Some)
}

fn outcome(name: Option<&str>, expected: Option<&str>) -> Outcome {
    let found = registrable_domain(name.unwrap_or_default());
    let expected = expected.map(a_labels_or_same);
    if found.as_deref() == expected.as_deref() {
        return Outcome::Passed;
    }
    let word = |domain: Option<&str>| domain.map_or_else(|| "none".to_owned(), str::to_owned);
    Outcome::Failed { why: format!("expected {}, found {}", word(expected.as_deref()), word(found.as_deref())) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn lines() {
        assert_eq!(plain("COM null"), Some((Some("COM"), None)));
        assert_eq!(plain("null null"), Some((None, None)));
        assert_eq!(plain("a.b  b"), Some((Some("a.b"), Some("b"))));
        assert_eq!(plain("COM"), None);
        assert_eq!(call("checkPublicSuffix('COM', null);"), Some((Some("COM"), None)));
        assert_eq!(call("checkPublicSuffix(null, null);"), Some((None, None)));
        assert_eq!(call("checkPublicSuffix('a.b','b');"), Some((Some("a.b"), Some("b"))));
        assert_eq!(call("checkPublicSuffix(a, b);"), None);
        assert_eq!(call("check('a', 'b');"), None);
    }

    #[test]
    fn verdicts() {
        assert_eq!(outcome(Some("a.fabrikam.example"), Some("fabrikam.example")), Outcome::Passed);
        assert_eq!(outcome(Some("www.食狮.公司.cn"), Some("食狮.公司.cn")), Outcome::Passed);
        assert_eq!(outcome(None, None), Outcome::Passed);
        let why = "expected fabrikam.example, found none".to_owned();
        assert_eq!(outcome(Some("example"), Some("fabrikam.example")), Outcome::Failed { why });
        let why = "expected none, found fabrikam.example".to_owned();
        assert_eq!(outcome(Some("fabrikam.example"), None), Outcome::Failed { why });
    }

    /// Both files are read, in the folder or below it; comments and empty lines are not tests.
    #[test]
    fn files() {
        let folder = std::env::temp_dir().join(format!("mxlab-psl-suite-{}", std::process::id()));
        let write = |folder: &Path, calls: &str| {
            fs::create_dir_all(folder).expect("a folder");
            fs::write(folder.join("tests.txt"), "// a comment\n\nCOM null\n  a.b.com b.com\n").expect("a file");
            fs::write(folder.join("test_psl.txt"), calls).expect("a file");
        };
        let told = || match run(&folder) {
            Ok(cases) => cases.iter().map(|it| format!("{} {}", it.name, it.outcome == Outcome::Passed)).collect(),
            Err(error) => vec![error.to_string()],
        };
        write(&folder, "// a comment\ncheckPublicSuffix(null, null);\ncheckPublicSuffix('com', 'com');\n");
        let beside = told();
        write(&folder.join("psl"), "checkPublicSuffix(null, null);\nCOM null\n");
        let below = told();
        fs::remove_dir_all(&folder).expect("it is there");
        assert_eq!(
            beside,
            ["tests.txt/COM true", "tests.txt/a.b.com true", "test_psl.txt/null true", "test_psl.txt/com false"]
        );
        assert_eq!(below, ["test_psl.txt: \"COM null\" is not a test"]);
    }

    /// The suite itself, if it is at hand.
    #[test]
    fn the_suite() {
        let folder = folder::by_default().join("psl");
        if !folder.is_dir() {
            println!("skipped: there is no {}", folder.display());
            return;
        }
        let cases = run(&folder).expect("the suite can be read");
        let failed: Vec<_> = cases.iter().filter(|case| case.outcome != Outcome::Passed).collect();
        assert!(failed.is_empty(), "{failed:#?}");
        assert!(cases.len() > 100, "only {} cases", cases.len());
    }
}
