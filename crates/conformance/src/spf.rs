//! The conformance suite of RFC 7208 that openspf.org began: `rfc7208-tests.yml`, one YAML document a scenario.
//!
//! A document holds `tests`, by name, and `zonedata`. A test gives the client (`host`), `helo` and `mailfrom`, and the
//! `result` or a list of allowed results. With `explanation` it also gives the domain's text about the failure;
//! `DEFAULT` stands for the receiver's own text, so the domain must have none. How to read its zone data is said in
//! `zone`.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use saphyr::{LoadableYamlNode, Yaml};

use mxlab_auth::spf::{Client, Evaluation, Identity, check_host};

use crate::ready::ready;
use crate::yaml::string;
use crate::{Case, Outcome, folder};
use zone::Zone;

mod zone;

/// The name of the suite's file.
const FILE: &str = "rfc7208-tests.yml";

/// Runs the suite in the folder `spf` of a folder of suites, or in the folder itself.
///
/// # Errors
/// There is no suite, it is not YAML, or its content is not as expected; the error says where.
pub fn run(suites: &Path) -> io::Result<Vec<Case>> {
    let file = file(suites)?;
    let text = folder::text(&file)?;
    let cases = cases(&text).map_err(|why| format!("{}: {why}", file.display()));
    cases.map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))
}

fn file(suites: &Path) -> io::Result<PathBuf> {
    let places = [suites.join("spf").join(FILE), suites.join(FILE)];
    let found = places.into_iter().find(|file| file.is_file());
    found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("there is no {FILE} in it")))
}

/// The cases of all documents.
fn cases(text: &str) -> Result<Vec<Case>, String> {
    let documents = Yaml::load_from_str(text).map_err(|error| error.to_string())?;
    let mut cases = Vec::new();
    for document in documents.iter().filter(|document| !document.is_null()) {
        let scenario = string(document, "description").map_err(|why| format!("a scenario: {why}"))?;
        let within = |why: String| format!("{scenario}: {why}");
        let zone = document.as_mapping_get("zonedata").ok_or_else(|| within("no zonedata".to_owned()))?;
        let zone = Zone::read(zone).map_err(within)?;
        let tests = document.as_mapping_get("tests").and_then(Yaml::as_mapping);
        for (name, test) in tests.ok_or_else(|| within("no tests".to_owned()))? {
            let name = name.as_str().ok_or_else(|| within("a test without name".to_owned()))?;
            let test = Test::read(test).map_err(|why| within(format!("{name}: {why}")))?;
            cases.push(Case { name: format!("{scenario}/{name}"), outcome: test.run(&zone) });
        }
    }
    if cases.is_empty() { Err("no tests".to_owned()) } else { Ok(cases) }
}

struct Test {
    client: Client,
    /// Any of them will do.
    results: Vec<String>,
    /// The explanation of the failure, if it is tested.
    explanation: Option<String>,
}

impl Test {
    fn read(test: &Yaml<'_>) -> Result<Test, String> {
        let helo = string(test, "helo")?;
        let host = string(test, "host")?;
        let ip = host.parse().map_err(|_| format!("host {host} is not an address"))?;
        let identity = match string(test, "mailfrom")? {
            "" => Identity::Helo(helo.to_owned()),
            sender => Identity::MailFrom(sender.parse().map_err(|_| format!("mailfrom {sender} is not a sender"))?),
        };
        let result = test.as_mapping_get("result").ok_or("no result")?;
        let results: Option<Vec<String>> = match result.as_vec() {
            Some(any) => any.iter().map(|result| result.as_str().map(str::to_owned)).collect(),
            None => result.as_str().map(|result| vec![result.to_owned()]),
        };
        let explanation = match test.as_mapping_get("explanation") {
            Some(_) => Some(string(test, "explanation")?.to_owned()),
            None => None,
        };
        let (helo, receiver) = (helo.to_owned(), "receiver.example".to_owned());
        let client = Client { ip, identity, helo, receiver, now: Timestamp::UNIX_EPOCH };
        Ok(Test { client, results: results.ok_or("result is neither text nor texts")?, explanation })
    }

    fn run(&self, zone: &Zone) -> Outcome {
        match ready(check_host(zone, &self.client)) {
            Ok(evaluation) => self.judge(&evaluation),
            Err(why) => Outcome::Failed { why },
        }
    }

    fn judge(&self, evaluation: &Evaluation) -> Outcome {
        let result = evaluation.result.word();
        if !self.results.iter().any(|expected| expected == result) {
            let because = evaluation.because().join("; ");
            return Outcome::Failed { why: format!("expected {}, got {result}: {because}", self.results.join(" or ")) };
        }
        let expected = match self.explanation.as_deref() {
            None => return Outcome::Passed,
            Some("DEFAULT") => None,
            Some(text) => Some(text),
        };
        let said = evaluation.explanation.as_deref();
        if said == expected {
            return Outcome::Passed;
        }
        let in_words = |text: Option<&str>| text.map_or_else(|| "none".to_owned(), |text| format!("\"{text}\""));
        Outcome::Failed { why: format!("expected explanation {}, got {}", in_words(expected), in_words(said)) }
    }
}

#[cfg(test)]
mod tests;
