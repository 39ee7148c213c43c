//! `cargo xtask new` and `cargo xtask reference`: what they write, and what they refuse.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with the worlds of the repository, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let root = std::env::temp_dir().join(format!("mxlab-new-{}-{name}", std::process::id()));
        let worlds = root.join("scenarios/worlds");
        std::fs::create_dir_all(&worlds).unwrap();
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("scenarios/worlds");
        for world in std::fs::read_dir(own).unwrap().map(|entry| entry.unwrap()) {
            std::fs::copy(world.path(), worlds.join(world.file_name())).unwrap();
        }
        Folder(root)
    }

    /// The exit code, standard output, and standard error.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        let output = command.args(arguments).current_dir(&self.0).env_remove("CI").output().unwrap();
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.0.join(path)).unwrap_or_default()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The folders of `scenarios/`, as the repository has them.
fn kinds() -> Vec<String> {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("scenarios");
    let folders = std::fs::read_dir(scenarios).unwrap().map(|entry| entry.unwrap());
    let names = folders.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name().into_string().unwrap());
    let mut kinds: Vec<String> = names.filter(|name| name != "worlds").collect();
    kinds.sort();
    kinds
}

#[test]
fn every_kind_has_a_file_that_runs() {
    let folder = Folder::new("kinds");
    for kind in kinds() {
        let (code, _, said) = folder.run(&["new", &kind]);
        assert_eq!(code, 0, "{kind}: {said}");
        assert!(said.contains(&format!("wrote scenarios/{kind}/my-first.toml")), "{said}");
        let text = folder.read(&format!("scenarios/{kind}/my-first.toml"));
        assert!(text.lines().filter(|line| line.contains('#')).count() >= 4, "{kind} has comments");
        // A new file has no snapshot; it is blessed only if its expectations hold in every cell.
        let (code, _, said) = folder.run(&["scenarios", &format!("{kind}/my-first"), "--bless"]);
        assert_eq!(code, 0, "{kind}: {said}");
        assert!(!said.contains("warning"), "{kind}: {said}");
    }
}

#[test]
fn no_file_is_overwritten_and_names_are_checked() {
    let folder = Folder::new("names");
    assert_eq!(folder.run(&["new", "dane", "old-key"]).0, 0);
    let path = "scenarios/dane/old-key.toml";
    std::fs::write(folder.0.join(path), "mine").unwrap();
    let (code, _, said) = folder.run(&["new", "dane", "old-key"]);
    assert_eq!((code, folder.read(path).as_str()), (2, "mine"), "{said}");
    assert!(said.contains("is there already"), "{said}");
    for name in ["", "../x", "a/b", "Old", "a.toml", "ü", "a\u{1b}b", &"a".repeat(101)] {
        let (code, _, said) = folder.run(&["new", "dane", name]);
        assert_eq!(code, 2, "{name}: {said}");
        assert!(said.contains("is not a name for a scenario") && !said.contains('\u{1b}'), "{said}");
    }
    for kind in ["dan", "", "worlds", "../dane", "\u{1b}[31m"] {
        let (code, _, said) = folder.run(&["new", kind]);
        assert_eq!(code, 2, "{kind}: {said}");
        assert!(said.contains(&format!("kinds: {}", kinds().join(", "))), "{said}");
        assert!(!said.contains('\u{1b}'), "{said}");
    }
}

#[test]
fn words_of_the_reference_are_printed() {
    let folder = Folder::new("reference");
    let (code, printed, said) = folder.run(&["reference", "delay-notice"]);
    assert_eq!((code, said.as_str()), (0, ""));
    assert!(printed.contains("delay-notice (duration, default: `4h`)"), "{printed}");
    assert!(printed.contains("Example:"), "{printed}");
    let (code, printed, said) = folder.run(&["reference", "delay-notce"]);
    assert_eq!((code, printed.as_str()), (2, ""));
    assert!(said.contains("did you mean `delay-notice`"), "{said}");
    let (code, _, said) = folder.run(&["reference", "\u{1b}[0mxyzzyxyzzy"]);
    assert!(code == 2 && said.contains("docs/language.md") && !said.contains('\u{1b}'), "{said}");
}
