//! What is published at `_dmarc.` names.

use std::collections::BTreeMap;

use super::facts::Rules;
use super::record::{self, Record, RecordError};
use crate::dns::{self, Data, Dns, DnsError, Lookup, RecordKind};

/// What was found at `_dmarc.` below a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// No such name, no TXT record, or none that begins with `v=DMARC1`.
    Nothing,
    /// A record.
    Record {
        /// Its text.
        text: String,
        /// The record.
        record: Record,
    },
    /// Several records.
    Several {
        /// How many.
        count: usize,
    },
    /// A text that begins like a record but is not a list of tags.
    Invalid {
        /// The text.
        text: String,
        /// What is wrong.
        error: RecordError,
    },
    /// DNS failed.
    Failed {
        /// How.
        reason: String,
    },
}

/// What is published at `_dmarc.` names, each looked up once.
pub(super) struct Published<'a> {
    dns: &'a dyn Dns,
    /// The standard that is followed.
    pub(super) rules: Rules,
    found: BTreeMap<String, Finding>,
    /// All lookups in order.
    pub(super) lookups: Vec<Lookup>,
}

impl<'a> Published<'a> {
    pub(super) fn new(dns: &'a dyn Dns, rules: Rules) -> Published<'a> {
        Published { dns, rules, found: BTreeMap::new(), lookups: Vec::new() }
    }

    /// Any other question.
    pub(super) async fn ask(&mut self, name: &str, kind: RecordKind) -> Result<Vec<Data>, DnsError> {
        dns::ask(self.dns, &mut self.lookups, name, kind).await
    }

    /// What is published at `_dmarc.` below this domain.
    pub(super) async fn at(&mut self, domain: &str) -> Finding {
        if let Some(finding) = self.found.get(domain) {
            return finding.clone();
        }
        let name = format!("_dmarc.{domain}");
        let finding = match self.ask(&name, RecordKind::Txt).await {
            Ok(data) => finding(&data, self.rules),
            Err(DnsError::NxDomain) => Finding::Nothing,
            Err(error) => {
                let reason = error.to_string();
                Finding::Failed { reason: format!("{name} TXT could not be looked up: {reason}") }
            }
        };
        self.found.insert(domain.to_owned(), finding.clone());
        finding
    }
}

fn finding(data: &[Data], rules: Rules) -> Finding {
    let mut texts = data.iter().filter_map(|data| match data {
        Data::Txt(text) if record::is_dmarc(text) => Some(text),
        _ => None,
    });
    let Some(text) = texts.next() else { return Finding::Nothing };
    let more = texts.count();
    if more > 0 {
        return Finding::Several { count: more + 1 };
    }
    let text = String::from_utf8_lossy(text).into_owned();
    match Record::parse(&text, rules) {
        Ok(record) => Finding::Record { text, record },
        Err(error) => Finding::Invalid { text, error },
    }
}
