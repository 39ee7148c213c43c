//! The DKIM and ARC identities of a run, made from their declarations.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use mxlab_auth::dkim::Signer;
use mxlab_auth::dkim::canonical::Canonicalization;
use mxlab_dns::rdata::{Rdata as _, Txt};
use mxlab_dns::{Record, RecordType};
use mxlab_world::derive::Identity;
use mxlab_world::internet::DEFAULT_TTL;
use mxlab_world::mail_key::{self, MailKeyKind};

use super::error::{LabError, name};
use mxlab_language::words::KeyAlgorithm;
use mxlab_language::{Scenario, zone_text};

/// An identity: its name in DNS, and who signs with it.
#[derive(Debug)]
pub(crate) struct MailKey {
    /// `selector._domainkey.domain`, in lower case.
    owner: String,
    pub(crate) domain: String,
    pub(crate) selector: String,
    pub(crate) signer: Signer,
}

impl MailKey {
    fn record(&self) -> Txt {
        let text = self.signer.record().into_bytes();
        Txt(text.chunks(255).map(<[u8]>::to_vec).collect())
    }

    /// The data of its TXT record as a zone text has it: quoted, and split into strings of 255 octets (RFC 6376 §3.6.2.2).
    pub(crate) fn quoted_record(&self) -> String {
        let quoted = |text: &[u8]| format!("\"{}\"", String::from_utf8_lossy(text));
        self.signer.record().as_bytes().chunks(255).map(quoted).collect::<Vec<_>>().join(" ")
    }
}

/// All identities of a scenario, by name.
#[derive(Debug)]
pub(crate) struct MailKeys(IndexMap<String, MailKey>);

impl MailKeys {
    pub(super) fn make(scenario: &Scenario, identity: &Identity) -> Result<MailKeys, LabError> {
        let mut keys = IndexMap::new();
        for (short, declared) in &scenario.keys {
            let Some(domain) = &declared.domain else { continue };
            let kind = match declared.algorithm() {
                KeyAlgorithm::Rsa2048 => MailKeyKind::Rsa2048,
                KeyAlgorithm::Rsa1024 => MailKeyKind::Rsa1024,
                KeyAlgorithm::Rsa512 => MailKeyKind::Rsa512,
                KeyAlgorithm::Ed25519 => MailKeyKind::Ed25519,
            };
            let key = mail_key::make(identity, short.as_str(), kind).map_err(|_| LabError::Key(short.to_string()))?;
            let owner = format!("{}._domainkey.{}", declared.selector(), domain.as_str()).to_ascii_lowercase();
            let wrong = |error| LabError::Signer(short.to_string(), error);
            // A file may ask for what no honest signer does: a weak key, an unsigned From.
            let mut signer = Signer::careless(key, domain.as_str(), declared.selector()).map_err(wrong)?;
            let canonicalization = Canonicalization::parse(declared.canonicalization().word());
            signer = signer.with_canonicalization(canonicalization.unwrap_or(Canonicalization::RELAXED));
            if let Some(headers) = &declared.headers {
                let names: Vec<&str> = headers.split(':').map(str::trim).collect();
                signer = signer.with_fields(&names).map_err(wrong)?;
            }
            if let Some(length) = &declared.length {
                signer = signer.with_body_prefix(*length.get());
            }
            if let Some(expires) = &declared.expires {
                signer = signer.with_expiration(scenario.instant(*expires.get()));
            }
            let (domain, selector) = (domain.as_str().to_owned(), declared.selector().to_owned());
            keys.insert(short.to_string(), MailKey { owner, domain, selector, signer });
        }
        Ok(MailKeys(keys))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&MailKey> {
        self.0.get(name)
    }

    /// The TXT records of published identities, except for owners in a zone text.
    pub(super) fn records(&self, scenario: &Scenario) -> Result<Vec<Record>, LabError> {
        let mut held = BTreeSet::new();
        for apex in scenario.zones.keys().map(|apex| apex.to_ascii_lowercase()) {
            let entries = zone_text::entries(&scenario.zone_text(&apex), &apex);
            held.extend(entries.into_iter().map(|entry| entry.owner));
        }
        let published = scenario.keys.iter().filter(|(_, key)| key.publish());
        let keys = published.filter_map(|(short, _)| self.get(short.as_str())).filter(|key| !held.contains(&key.owner));
        let record =
            |key: &MailKey| Ok(Record::new(name(&key.owner)?, RecordType::TXT, DEFAULT_TTL, key.record().to_rdata()));
        keys.map(record).collect()
    }
}
