//! A DNS made of the zone data of a scenario.
//!
//! A host has a list of records, each of which is a mapping of one type to its data. A record of type SPF stands for a
//! TXT record, unless the host has TXT entries; `TXT: NONE` is such an entry, but gives no record. The word `TIMEOUT`
//! in the list means that questions get no answer unless the records before it answer them. Aliases are followed.

use std::collections::BTreeMap;

use saphyr::Yaml;

use mxlab_auth::dns::{BoxFuture, Data, Dns, DnsError, RecordKind};

/// The longest chain of aliases.
const MAX_ALIASES: usize = 10;

/// Hosts by their names in lower case.
#[derive(Debug, Default)]
pub(super) struct Zone(BTreeMap<String, Host>);

#[derive(Debug, Default)]
struct Host {
    records: Vec<Data>,
    alias: Option<String>,
    silent: bool,
}

impl Zone {
    pub(super) fn read(data: &Yaml<'_>) -> Result<Zone, String> {
        let mut zone = Zone::default();
        for (name, records) in data.as_mapping().ok_or("zonedata is not a mapping")? {
            let name = name.as_str().ok_or("a host without name")?;
            let records = records.as_vec().ok_or_else(|| format!("the records of {name} are not a list"))?;
            let host = Host::read(records).map_err(|why| format!("{name}: {why}"))?;
            if zone.0.insert(without_final_dot(name).to_ascii_lowercase(), host).is_some() {
                return Err(format!("{name} stands twice"));
            }
        }
        Ok(zone)
    }

    fn answer(&self, name: &str, kind: RecordKind) -> Result<Vec<Data>, DnsError> {
        let temporary = |reason: &str| DnsError::Temporary { reason: reason.to_owned() };
        let mut name = name.to_ascii_lowercase();
        for _ in 0..MAX_ALIASES {
            let host = self.0.get(&name).ok_or(DnsError::NxDomain)?;
            let found: Vec<Data> = host.records.iter().filter(|data| data.kind() == kind).cloned().collect();
            match &host.alias {
                _ if !found.is_empty() => return Ok(found),
                _ if host.silent => return Err(temporary("no answer")),
                None => return Ok(found),
                Some(target) => name = target.to_ascii_lowercase(),
            }
        }
        Err(temporary("a loop of aliases"))
    }
}

impl Dns for Zone {
    fn lookup<'a>(&'a self, name: &'a str, kind: RecordKind) -> BoxFuture<'a, Result<Vec<Data>, DnsError>> {
        Box::pin(async move { self.answer(name, kind) })
    }
}

impl Host {
    fn read(records: &[Yaml<'_>]) -> Result<Host, String> {
        let mut host = Host::default();
        let mut spf = Vec::new();
        let mut has_txt = false;
        for record in records {
            if record.as_str() == Some("TIMEOUT") {
                host.silent = true;
                continue;
            }
            let entries = record.as_mapping().ok_or("a record is neither a mapping nor TIMEOUT")?;
            for (kind, data) in entries {
                match kind.as_str().unwrap_or_default() {
                    "SPF" => spf.push(text(data)?),
                    "TXT" => {
                        has_txt = true;
                        if data.as_str() != Some("NONE") {
                            host.records.push(text(data)?);
                        }
                    }
                    "A" => host.records.push(Data::A(parsed(data)?)),
                    "AAAA" => host.records.push(Data::Aaaa(parsed(data)?)),
                    "MX" => host.records.push(mail_host(data)?),
                    "PTR" => host.records.push(Data::Ptr(target(data)?)),
                    "CNAME" => host.alias = Some(target(data)?),
                    other => return Err(format!("a record of unknown type {other:?}")),
                }
            }
        }
        if !has_txt {
            host.records.append(&mut spf);
        }
        Ok(host)
    }
}

fn without_final_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

fn target(data: &Yaml<'_>) -> Result<String, String> {
    data.as_str().map(|name| without_final_dot(name).to_owned()).ok_or_else(|| "a target is not text".to_owned())
}

fn parsed<T: std::str::FromStr>(data: &Yaml<'_>) -> Result<T, String> {
    data.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| format!("{data:?} is not an address"))
}

/// One string, or several that belong together, perhaps none. A character up to U+00FF is one octet: this is how the suite
/// writes octets beyond ASCII.
fn text(data: &Yaml<'_>) -> Result<Data, String> {
    let strings: Option<Vec<&str>> = match data.as_vec() {
        Some(strings) => strings.iter().map(Yaml::as_str).collect(),
        None => data.as_str().map(|text| vec![text]),
    };
    let joined = strings.ok_or("a TXT value is not text")?.concat();
    let octets: Option<Vec<u8>> = joined.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    Ok(Data::Txt(octets.ok_or("a text has a character beyond U+00FF")?))
}

/// `[preference, name]`.
fn mail_host(data: &Yaml<'_>) -> Result<Data, String> {
    let parts = data.as_vec().map(Vec::as_slice);
    let Some([preference, exchange]) = parts else { return Err("an MX is not a pair".to_owned()) };
    let preference = preference.as_integer().and_then(|number| u16::try_from(number).ok());
    Ok(Data::Mx { preference: preference.ok_or("an MX without preference")?, exchange: target(exchange)? })
}
