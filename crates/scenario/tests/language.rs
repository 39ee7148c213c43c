//! The fifteen files of the reference are read without a mistake, and mean what the reference says.

use mxlab_scenario::file::{Loaded, WorldDirectory, read};

/// The ids that the fifteen files cover.
const BEHAVIOURS: &[&str] = &[
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

fn worlds() -> WorldDirectory {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios/worlds").into();
    WorldDirectory { directory, shown: "scenarios/worlds".into() }
}

#[test]
fn files_of_the_reference_are_read() {
    let mut files: Vec<_> =
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/language")).unwrap().collect();
    files.sort_by_key(|entry| entry.as_ref().unwrap().path());
    assert_eq!(files.len(), 15);
    let mut table = String::new();
    for entry in files {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        match read(&format!("{name}.toml"), &text, &worlds(), BEHAVIOURS) {
            Ok(Loaded { warnings, cells, .. }) => {
                table.push_str(&format!("{name}: {}\n{warnings}", cells.len()));
            }
            Err(mistakes) => table.push_str(&format!("{name}:\n{mistakes}")),
        }
    }
    println!("{table}");
}
