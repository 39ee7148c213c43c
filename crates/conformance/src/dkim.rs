//! The messages and key records of a suite, and the expected results.
//!
//! The suite has no expectations of its own. They are in a table beside this module (`dkim/table.txt`), which names
//! every file of the suite. A file that it does not name is a failed case, and so is a row whose file is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use data_encoding::BASE64;
use jiff::Timestamp;
use mxlab_mail::Message;

use mxlab_auth::dkim::canonical::{Canonicalization, Form};
use mxlab_auth::dkim::key::{KeyRecord, Material, PublicKey, RsaKey};
use mxlab_auth::dkim::{Failure, Policy, Signer, SigningKey, verify};
use mxlab_auth::dns::BoxFuture;
use mxlab_auth::{Data, Dns, DnsError, RecordKind};

use crate::ready::ready;
use crate::{Case, Outcome, folder};

const TABLE: &str = include_str!("dkim/table.txt");

/// RFC 8463 appendix A.1.
const RSA_KEY: &str = include_str!("../../auth/src/dkim/testkeys/rfc8463-rsa.pem");
const ED25519_SEED: &str = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
/// RFC 8463 appendix A.2.
const ED25519_RECORD: &str = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

/// When messages are verified: later than all signatures.
const NOW: i64 = 1_790_000_000;
/// The name of the key with which messages are signed here.
const SIGNER: (&str, &str) = ("example.com", "test");

/// A row of the table.
struct Row {
    what: &'static str,
    file: &'static str,
    with: &'static str,
    expected: &'static str,
}

fn rows() -> Vec<Row> {
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let rows = lines.filter_map(|line| {
        let mut cells = line.split('|').map(str::trim);
        Some(Row { what: cells.next()?, file: cells.next()?, with: cells.next()?, expected: cells.next()? })
    });
    rows.collect()
}

/// Runs all rows of the table on the files of the folder `dkim` in `suites`, or in `suites` itself.
///
/// # Errors
/// When there is no such folder, or it cannot be read.
pub fn run(suites: &Path) -> io::Result<Vec<Case>> {
    let rows = rows();
    let below = suites.join("dkim");
    let has_files = rows.first().is_some_and(|row| suites.join(row.file).is_file());
    let folder = if has_files { suites } else { below.as_path() };
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        found.insert(entry?.file_name().to_string_lossy().into_owned());
    }
    let mut cases: Vec<Case> = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let name = format!("dkim/{:02} {} {} {}", number + 1, row.what, row.file, row.with);
        let outcome = match outcome(folder, row) {
            Ok(came) if came == row.expected => Outcome::Passed,
            Ok(came) => Outcome::Failed { why: format!("expected {}, got {came}", row.expected) },
            Err(why) => Outcome::Failed { why },
        };
        cases.push(Case { name: name.trim_end().to_owned(), outcome });
    }
    let named: BTreeSet<&str> = rows.iter().flat_map(files).collect();
    for file in found.iter().filter(|file| !named.contains(file.as_str())) {
        let why = "the table does not say what must come out for it".to_owned();
        cases.push(Case { name: format!("dkim/{file}"), outcome: Outcome::Failed { why } });
    }
    Ok(cases)
}

/// The files that a row names.
fn files(row: &Row) -> Vec<&'static str> {
    let with = row.with.split(' ').map(|word| word.split_once('=').map_or(word, |(_, file)| file));
    std::iter::once(row.file).chain(with).collect()
}

/// The result for a row, in the words of its column.
fn outcome(folder: &Path, row: &Row) -> Result<String, String> {
    let words: Vec<&str> = row.with.split(' ').filter(|word| !word.is_empty()).collect();
    match (row.what, words.as_slice()) {
        ("verify", records) => {
            let mut zone = Records::default();
            for record in records {
                let (name, file) = record.split_once('=').ok_or("a record is name=file")?;
                zone.0.insert(name.to_owned(), record_text(folder, file)?);
            }
            verified(&zone, &read(folder, row.file)?)
        }
        ("sign", [key, fields, record]) => {
            let mut zone = Records::default();
            let (domain, selector) = SIGNER;
            zone.0.insert(format!("{selector}._domainkey.{domain}"), record_text(folder, record)?);
            let forms = [Form::Simple, Form::Relaxed];
            let pairs = forms.iter().flat_map(|header| forms.iter().map(move |body| (*header, *body)));
            let mut came = BTreeSet::new();
            for (header, body) in pairs {
                let signed = signed(folder, row.file, key, fields, Canonicalization { header, body })?;
                came.insert(verified(&zone, &signed)?);
            }
            Ok(came.into_iter().collect::<Vec<_>>().join(", "))
        }
        ("refuse", [key, fields]) => match signed(folder, row.file, key, fields, Canonicalization::RELAXED) {
            Ok(_) => Ok("a signature".to_owned()),
            Err(reason) => Ok(reason),
        },
        ("same", [other]) => {
            let (first, second) = (rsa_key(folder, row.file)?, rsa_key(folder, other)?);
            Ok(if first == second { first.bits().to_string() } else { "two keys".to_owned() })
        }
        ("ignore", []) => Ok(String::new()),
        _ => Err("the row is malformed".to_owned()),
    }
}

fn read(folder: &Path, file: &str) -> Result<Vec<u8>, String> {
    folder::octets(&folder.join(file)).map_err(|error| format!("{file}: {error}"))
}

fn record_text(folder: &Path, file: &str) -> Result<Vec<u8>, String> {
    match file {
        "ed25519" => Ok(ED25519_RECORD.as_bytes().to_vec()),
        file => Ok(read(folder, file)?.trim_ascii_end().to_vec()),
    }
}

fn rsa_key(folder: &Path, file: &str) -> Result<RsaKey, String> {
    let record = KeyRecord::parse(&record_text(folder, file)?).map_err(|error| error.to_string())?;
    match record.material {
        Material::Key(PublicKey::Rsa(key)) => Ok(key),
        _ => Err(format!("{file} has no RSA key")),
    }
}

fn signing_key(key: &str) -> Result<SigningKey, String> {
    let key = match key {
        "rsa" => SigningKey::from_pem(RSA_KEY),
        _ => {
            let seed = BASE64.decode(ED25519_SEED.as_bytes()).map_err(|error| error.to_string())?;
            SigningKey::from_ed25519_seed(&seed.try_into().map_err(|_| "a seed has 32 octets")?)
        }
    };
    key.map_err(|error| error.to_string())
}

/// The message with a signature on top.
fn signed(folder: &Path, file: &str, key: &str, fields: &str, forms: Canonicalization) -> Result<Vec<u8>, String> {
    let message = read(folder, file)?;
    let parsed = Message::parse(&message).map_err(|error| error.to_string())?;
    let names: Vec<&str> = fields.split(':').collect();
    let (domain, selector) = SIGNER;
    let signer = Signer::new(signing_key(key)?, domain, selector).map_err(|error| error.to_string())?;
    let signer = signer.with_canonicalization(forms).with_fields(&names).map_err(|error| error.to_string())?;
    let field = signer.sign(&parsed, now()?).map_err(|error| error.to_string())?;
    Ok([field.as_bytes(), &message].concat())
}

fn now() -> Result<Timestamp, String> {
    Timestamp::from_second(NOW).map_err(|error| error.to_string())
}

/// The result for each signature, in a word.
fn verified(zone: &Records, message: &[u8]) -> Result<String, String> {
    let message = Message::parse(message).map_err(|error| error.to_string())?;
    let verifications = ready(verify(zone, &message, now()?, &Policy::default()))?;
    let word = |outcome: &Result<(), Failure>| outcome.as_ref().map_or_else(|failure| failure.word(), |()| "pass");
    Ok(verifications.iter().map(|verification| word(&verification.outcome)).collect::<Vec<_>>().join(" "))
}

/// TXT records by name.
#[derive(Default)]
struct Records(BTreeMap<String, Vec<u8>>);

impl Dns for Records {
    fn lookup<'a>(&'a self, name: &'a str, _: RecordKind) -> BoxFuture<'a, Result<Vec<Data>, DnsError>> {
        let answer = self.0.get(name).map(|text| vec![Data::Txt(text.clone())]).ok_or(DnsError::NxDomain);
        Box::pin(std::future::ready(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_rows_hold() {
        let suites = folder::by_default();
        let Ok(cases) = run(&suites) else {
            eprintln!("skipped: there is no suite in {}", suites.display());
            return;
        };
        let failed: Vec<&Case> = cases.iter().filter(|case| case.outcome != Outcome::Passed).collect();
        assert_eq!(failed, Vec::<&Case>::new());
        assert_eq!(cases.len(), rows().len());
    }

    #[test]
    fn what_is_missing_fails() {
        let folder = std::env::temp_dir().join(format!("mxlab-dkim-suite-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        assert!(run(&folder).is_err(), "there is no suite");
        for file in ["other.msg", rows()[0].file] {
            fs::write(folder.join(file), "").expect("a file");
        }
        let cases = run(&folder).expect("a folder");
        fs::remove_dir_all(&folder).expect("it is there");
        let failed = cases.iter().filter(|case| matches!(case.outcome, Outcome::Failed { .. })).count();
        // All rows except the one that reads nothing, and the file without a row.
        assert_eq!((cases.len(), failed), (rows().len() + 1, rows().len()));
    }

    #[test]
    fn rows_are_whole() {
        for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            assert_eq!(line.split('|').count(), 5, "{line}");
        }
    }
}
