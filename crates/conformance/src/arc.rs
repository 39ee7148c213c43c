//! The conformance suite that ValiMail began when ARC was a draft: `arc-draft-validation-tests.yml` and
//! `arc-draft-sign-tests.yml`, several YAML documents each.
//!
//! A document holds `tests`, by name, and `txt-records`. A validation test gives a `message` and the expected result
//! `cv`; an empty `cv` stands for a chain whose seal says `cv=fail` itself: the draft had no result for it, and
//! RFC 8617 §5.2 has `fail`. A signing test gives a message, `t`, `sig-headers` and `srv-id` (whose results go into the
//! AAR), and the three fields; if they are empty, nothing is added to the chain. The document has the signer's key.
//!
//! The suite contradicts RFC 8617 §4.1.2, by which a message signature is one as in DKIM, in two points. Cases that fail
//! for these reasons alone are named as differences, and do not count (see `difference`).
//!
//! Lines of messages end with LF in the file and with CRLF on the wire. Some documents have two tests of one name: the
//! last one counts, as with other readers of YAML.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use jiff::Timestamp;
use mxlab_mail::Message;
use mxlab_mail::tag_list::TagList;
use saphyr::{Yaml, YamlLoader};
use saphyr_parser::Parser;

use mxlab_auth::arc::{
    Cause, Chain, ChainStatus, Failure, FieldError, FieldKind, Layout, Policy, SealError, SealedSet, Sealer,
    SignatureFailure, local_results, validate,
};
use mxlab_auth::dkim::SigningKey;
use mxlab_auth::dkim::{self, SignatureError};
use mxlab_auth::dns::{BoxFuture, Data, Dns, DnsError, RecordKind};

use crate::ready::ready;
use crate::yaml::string;
use crate::{Case, Outcome, folder};

const VALIDATION: &str = "arc-draft-validation-tests.yml";
const SIGNING: &str = "arc-draft-sign-tests.yml";

/// Runs the suite in the folder `arc` of a folder of suites, or in the folder itself.
///
/// # Errors
/// There is no suite, it is not YAML, or its content is not as expected; the error says where.
pub fn run(suites: &Path) -> io::Result<Vec<Case>> {
    let own = folder::below(suites, "arc");
    let mut cases = Vec::new();
    for (file, run) in [(VALIDATION, validation as RunTest), (SIGNING, signing)] {
        let path = own.join(file);
        let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {why}", path.display()));
        let text = folder::text(&path)?;
        cases.extend(run_file(&text, run).map_err(invalid)?);
    }
    Ok(cases)
}

/// A test of a document, and the document; or what is wrong with the test.
type RunTest = fn(&Yaml<'_>, &Document<'_>) -> Result<Outcome, String>;

/// What the tests of a document share.
struct Document<'y> {
    yaml: &'y Yaml<'y>,
    records: Records,
}

fn run_file(text: &str, run: RunTest) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    for yaml in load(text)?.iter().filter(|document| !document.is_null()) {
        let part = string(yaml, "description")?.trim();
        let within = |why: String| format!("{part}: {why}");
        let document = Document { yaml, records: Records::read(yaml).map_err(within)? };
        let tests = yaml.as_mapping_get("tests").and_then(Yaml::as_mapping);
        for (name, test) in tests.ok_or_else(|| within("no tests".to_owned()))? {
            let name = name.as_str().ok_or_else(|| within("a test without name".to_owned()))?;
            let outcome = run(test, &document).map_err(|why| within(format!("{name}: {why}")))?;
            cases.push(Case { name: format!("{part}/{name}"), outcome });
        }
    }
    if cases.is_empty() { Err("no tests".to_owned()) } else { Ok(cases) }
}

fn load(text: &str) -> Result<Vec<Yaml<'_>>, String> {
    let mut loader = YamlLoader::default();
    loader.allow_duplicate_keys(true);
    Parser::new_from_str(text).load(&mut loader, true).map_err(|error| error.to_string())?;
    match loader.error() {
        Some(error) => Err(error.to_string()),
        None => Ok(loader.into_documents()),
    }
}

/// The text of a message as it is on the wire.
fn wire(test: &Yaml<'_>) -> Result<String, String> {
    Ok(string(test, "message")?.replace('\n', "\r\n"))
}

/// The time of all tests: no signature of the suite expires.
const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// The records of a document.
struct Records(BTreeMap<String, String>);

impl Records {
    fn read(document: &Yaml<'_>) -> Result<Records, String> {
        let mut records = BTreeMap::new();
        let listed = document.as_mapping_get("txt-records").and_then(Yaml::as_mapping).ok_or("no txt-records")?;
        for (name, text) in listed {
            let (name, text) = name.as_str().zip(text.as_str()).ok_or("a record that is not text")?;
            // A record that takes several lines in the file.
            records.insert(name.to_owned(), text.trim().replace('\n', " "));
        }
        Ok(Records(records))
    }
}

impl Dns for Records {
    fn lookup<'a>(&'a self, name: &'a str, kind: RecordKind) -> BoxFuture<'a, Result<Vec<Data>, DnsError>> {
        let text = self.0.get(name).filter(|_| kind == RecordKind::Txt);
        let answer = text.map(|text| vec![Data::Txt(text.as_bytes().to_vec())]).ok_or(DnsError::NxDomain);
        Box::pin(async move { answer })
    }
}

fn chain_of(message: &Message<'_>, records: &Records) -> Result<Chain, String> {
    ready(validate(records, message, NOW, &Policy::default()))
}

fn validation(test: &Yaml<'_>, document: &Document<'_>) -> Result<Outcome, String> {
    let text = wire(test)?;
    let message = Message::parse(text.as_bytes()).map_err(|error| error.to_string())?;
    let expected = string(test, "cv")?.trim().to_ascii_lowercase();
    let chain = match chain_of(&message, &document.records) {
        Ok(chain) => chain,
        Err(why) => return Ok(Outcome::Failed { why }),
    };
    let reported = matches!(
        chain.failure,
        Some(Failure { cause: Cause::Reported { .. } | Cause::ChainStatus { found: ChainStatus::Fail, .. }, .. })
    );
    let passed = if expected.is_empty() { reported } else { chain.status.word() == expected };
    let why = || format!("expected {expected:?}, got {}: {}", chain.status, chain.because().join("; "));
    Ok(match (passed, difference(&message, &chain)) {
        (true, _) => Outcome::Passed,
        (false, Some(why)) => Outcome::Skipped { why: why.to_owned() },
        (false, None) => Outcome::Failed { why: why() },
    })
}

/// Why a chain fails although the suite has it pass, where a standard contradicts the suite.
fn difference(message: &Message<'_>, chain: &Chain) -> Option<&'static str> {
    let Failure { instance: Some(instance), cause: Cause::MessageSignature(failure) } = chain.failure.as_ref()? else {
        return None;
    };
    match failure {
        SignatureFailure::Malformed(FieldError::Tags(SignatureError::FromNotSigned)) => {
            Some("differs: h= of a message signature must list From (RFC 6376 §5.4)")
        }
        SignatureFailure::Dkim(dkim::Failure::Signature | dkim::Failure::BodyHash { .. })
            if !names_canonicalization(message, *instance) =>
        {
            Some("differs: without c= a message signature is simple/simple (RFC 6376 §3.5)")
        }
        _ => None,
    }
}

/// Whether the message signature of this set has `c=`.
fn names_canonicalization(message: &Message<'_>, instance: u8) -> bool {
    message.fields_named(FieldKind::MessageSignature.name()).any(|field| {
        let tags = TagList::parse(field.raw_value()).ok();
        tags.is_some_and(|tags| tags.value("i") == Some(&instance.to_string()) && tags.tag("c").is_some())
    })
}

fn signing(test: &Yaml<'_>, document: &Document<'_>) -> Result<Outcome, String> {
    let text = wire(test)?;
    let message = Message::parse(text.as_bytes()).map_err(|error| error.to_string())?;
    let key = SigningKey::from_pem(string(document.yaml, "privatekey")?).map_err(|error| error.to_string())?;
    let fields: Vec<&str> = string(test, "sig-headers")?.trim().split(':').collect();
    let sealer = Sealer::new(key, string(document.yaml, "domain")?, string(document.yaml, "sel")?);
    let sealer = sealer.and_then(|sealer| sealer.with_layout(Layout::Plain).with_fields(&fields));
    let sealer = sealer.map_err(|error| error.to_string())?;
    let seconds = test.as_mapping_get("t").and_then(Yaml::as_integer).ok_or("t is not a number")?;
    let now = Timestamp::from_second(seconds).map_err(|error| error.to_string())?;
    let status = match chain_of(&message, &document.records) {
        Ok(chain) => chain.status,
        Err(why) => return Ok(Outcome::Failed { why }),
    };
    let results = local_results(&message, string(test, "srv-id")?.trim());
    let sealed = sealer.seal(&message, &results, status, now);
    let expected = [string(test, "AAR")?, string(test, "AMS")?, string(test, "AS")?].map(str::trim);
    Ok(match judge(&sealed, expected) {
        Ok(()) => Outcome::Passed,
        Err(why) => Outcome::Failed { why },
    })
}

fn judge(sealed: &Result<SealedSet, SealError>, expected: [&str; 3]) -> Result<(), String> {
    let set = match sealed {
        Err(SealError::AlreadyFailed { .. }) if expected == [""; 3] => return Ok(()),
        Err(error) => return Err(error.to_string()),
        Ok(set) => set,
    };
    let [results, signature, seal] = expected;
    for (what, field, expected, read) in [
        ("AAR", &set.authentication_results, results, results_of as fn(&str) -> Option<_>),
        ("AMS", &set.message_signature, signature, tags_of),
        ("AS", &set.seal, seal, tags_of),
    ] {
        let value = field.split_once(':').map_or("", |(_, value)| value);
        let (made, expected) = (read(value), read(expected));
        if made.is_none() || made != expected {
            return Err(format!("{what} differs: expected {expected:?}, got {made:?}"));
        }
    }
    Ok(())
}

/// The tags of a field and their values without blanks.
fn tags_of(value: &str) -> Option<BTreeMap<String, String>> {
    // The suite has line breaks instead of folds.
    let unfolded = value.replace(['\r', '\n'], " ");
    let tags = TagList::parse(unfolded.as_bytes()).ok()?;
    let pairs = tags.tags().iter();
    Some(pairs.map(|tag| (tag.name().to_owned(), tag.value().replace([' ', '\t'], ""))).collect())
}

/// The parts of an AAR in order, with single blanks.
fn results_of(value: &str) -> Option<BTreeMap<String, String>> {
    let parts = value.split(';').map(|part| part.split_ascii_whitespace().collect::<Vec<_>>().join(" "));
    Some(parts.enumerate().map(|(place, part)| (place.to_string(), part)).collect())
}

#[cfg(test)]
mod tests;
