//! The files of the reference, and reading them.

#![allow(dead_code, unreachable_pub, unused_macros, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot read its files fails")]

use mxlab_language::{Source, WorldDirectory, WorldSource, read};

/// The ids that the fifteen files cover.
pub const BEHAVIOURS: &[&str] = &[
    "dane.mismatch",
    "retry.schedule",
    "ndr.each-32x",
    "ndr.delivered",
    "dnssec.rrsig-expired",
    "dane.repaired",
    "dane.broken-midway",
    "dnssec.ds-mismatch",
    "dnssec.key-rollover",
    "dane.stripped",
    "dane.insecure-domain",
    "retry.greylist",
    "retry.partial-recipients",
    "retry.421",
    "ndr.5xx-each-stage",
    "sts.enforce-ok",
    "sts.cached-survives",
    "sts.id-changes",
    "sts.mx-not-listed",
    "tlsrpt.daily",
    "tlsrpt.mailto",
    "tlsrpt.https",
    "tlsrpt.not-about-reports",
    "dane.expired",
    "dkim.cname-missing",
    "dkim.custom-domain",
    "dkim.fallback",
    "dkim.rotate",
    "dkim.rotate-refused",
    "dkim.status-each",
    "compauth.109",
    "dmarc.bestguesspass",
    "hop.list-footer",
    "hop.two-in-a-row",
    "arc.trusted-130",
    "arc.untrusted",
    "policy.matrix",
    "policy.reject-text",
    "policy.quarantine",
    "policy.junk",
    "policy.tabl-allow",
    "policy.tabl-block",
    "policy.tabl-ptr",
    "policy.tabl-24",
    "policy.block-beats-allow",
    "compauth.002",
    "retry.crash-after-dot",
    "retry.restart",
    "hop.five-in-a-row",
    "arc.sealer-says-fail",
    "arc.forged",
    "arc.trusted-not-newest",
    "dane.attack-matrix",
];

/// The worlds of the repository.
pub fn worlds() -> WorldDirectory {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios/worlds").into();
    WorldDirectory { directory, shown: "scenarios/worlds".into() }
}

/// Worlds given as text.
pub struct Worlds(pub Vec<(String, Source)>);

impl WorldSource for Worlds {
    fn world(&self, name: &str) -> Option<Source> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, source)| source.clone())
    }
    fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.clone()).collect()
    }
}

/// The fifteen files of the reference, by name.
pub fn files() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/language");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &std::path::Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    paths.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

/// The file whose name begins with `number`, each text replaced once by another.
pub fn edited(number: &str, replaced: &[(&str, &str)]) -> String {
    let (_, mut text) = files().into_iter().find(|(name, _)| name.starts_with(number)).unwrap();
    for (from, to) in replaced {
        assert!(text.contains(from), "{from:?} is in no place of {number}");
        text = text.replacen(from, to, 1);
    }
    text
}

/// The diagnostics of a file.
pub fn rendered(text: &str, worlds: &dyn WorldSource) -> String {
    match read("example.toml", text, worlds, BEHAVIOURS) {
        Ok(loaded) => format!("read, {} cells\n{}", loaded.cells.len(), loaded.warnings),
        Err(mistakes) => mistakes.to_string(),
    }
}

/// Reads the file `name` of the reference with some of its text replaced, and compares the diagnostics.
macro_rules! check {
    ($snapshot:literal, $name:literal, $($from:literal => $to:literal),+ $(,)?) => {
        insta::assert_snapshot!($snapshot, $crate::common::rendered(&$crate::common::edited($name, &[$(($from, $to)),+]), &$crate::common::worlds()));
    };
}

/// Reads a file over the world `outbound`, and compares the diagnostics.
macro_rules! check_text {
    ($snapshot:literal, $text:expr) => {
        let text = format!("title = \"A mistake\"\nworld = \"outbound\"\n{}", $text);
        insta::assert_snapshot!($snapshot, $crate::common::rendered(&text, &$crate::common::worlds()));
    };
}

/// A message and its delivery, for files that are about something else.
pub const ONE_MESSAGE: &str = "[[at]]\nsend = { from = \"ann@contoso.example\", to = [\"bo@fabrikam.example\"] }\n";
pub const DELIVERED: &str = "[[expect]]\ndelivered = {}\n";
