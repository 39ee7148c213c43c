//! One cell of a file, as the runner takes it: everything decoded, every name resolved.

use std::net::{Ipv4Addr, Ipv6Addr};

use indexmap::IndexMap;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

use super::declarations::*;
use super::expectations::{ExpectEntry, Expectation};
use super::script::{At, AtEntry};
use super::spanned::Spanned;
use super::values::*;
use super::zone_text;

/// A file as it is written: the root of the schema.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "mxlab scenario")]
pub struct File {
    /// One line: what is wrong, or what is shown. Every file needs it.
    pub title: Spanned<String>,
    /// Why the file exists, in the words of the customer or of the document behind it.
    pub story: Option<Spanned<String>>,
    /// The ids of the behaviours that the run shows. If no cell of the file shows one of them, the file fails.
    pub covers: Option<Spanned<Vec<Spanned<BehaviourRef>>>>,
    /// The name of a prepared internet that the file builds on: a file in `scenarios/worlds`. The file says what
    /// differs. Tables merge by key, and the file's value wins; an RRset of the file replaces the RRset of the
    /// world.
    pub world: Option<Spanned<String>>,
    /// The point in time at which the run begins, and from which `+1h` counts.
    ///
    /// Default: `2026-03-02T08:00:00Z`.
    pub epoch: Option<Spanned<Epoch>>,
    /// When the run ends. Without it, a run ends when no entry is due, no message is queued and no window is open;
    /// at the latest twice the expiration of messages and an hour after the last thing that the file speaks of, and
    /// never later than 40 days.
    pub until: Option<Spanned<Time>>,
    /// The seed of everything that is drawn: the order of packets, ports, ids, jitter.
    ///
    /// Default: `1`.
    pub seed: Option<Spanned<u64>>,
    /// Why the story may differ with another seed. Without it, the story must be the same for every seed.
    pub seed_sensitive: Option<Spanned<String>>,
    /// The outbound engine. Without this table, and none in the world, it does not run.
    pub sender: Option<Spanned<Sender>>,
    /// The inbound engine. Without this table, and none in the world, it does not run.
    pub receiver: Option<Spanned<Receiver>>,
    /// The validating resolver that both engines and all clients use.
    pub resolver: Option<Spanned<Resolver>>,
    /// Organizations, each with a name of its own.
    #[serde(default)]
    pub tenant: Map<Name, Spanned<Tenant>>,
    /// DNS zones, each with its domain in quotes. Parents up to the root exist by themselves, signed.
    #[serde(default)]
    pub zone: Map<DomainName, Spanned<Zone>>,
    /// Hosts, each with a short name that references and other tables use.
    #[serde(default)]
    pub host: Map<Name, Spanned<Host>>,
    /// Certificates, each with a name. A table named like a host changes the certificate that this host has by
    /// itself.
    #[serde(default)]
    pub cert: Map<Name, Spanned<Cert>>,
    /// Certificate authorities, each with a name.
    #[serde(default)]
    pub ca: Map<Name, Spanned<Ca>>,
    /// DKIM and ARC identities, each with a name.
    #[serde(default)]
    pub key: Map<Name, Spanned<Key>>,
    /// Paths between two hosts, each with a name of its own.
    #[serde(default)]
    pub link: Map<Name, Spanned<Link>>,
    /// Message texts, each with a name that `send` refers to.
    #[serde(default)]
    pub message: Map<Name, Spanned<Message>>,
    /// The script. Each entry has a time and one verb. Entries act in the order of time, and those of one time in
    /// the order of the file.
    #[serde(default)]
    pub at: Vec<Spanned<AtEntry>>,
    /// The axes of a matrix. Each axis is a list of values that name themselves, or a table of named values of any
    /// type. The file is run once for each combination.
    pub variants: Option<Variants>,
    /// What must be in the record. Each entry has one verb.
    #[serde(default)]
    pub expect: Vec<Spanned<ExpectEntry>>,
    /// What must not be in the record. Each entry has one verb.
    #[serde(default)]
    pub never: Vec<Spanned<ExpectEntry>>,
}

/// `[variants]`: the axes. They are read before the file becomes types, so nothing is kept here.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Variants {}

/// The default epoch, 2026-03-02T08:00:00Z, a Monday.
pub const DEFAULT_EPOCH: Timestamp = Timestamp::constant(1_772_438_400, 0);

/// The name and addresses of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressed {
    /// Its full name, in lower case, without final dot.
    pub full_name: String,
    /// Its IPv4 address.
    pub ipv4: Ipv4Addr,
    /// Its IPv6 address.
    pub ipv6: Ipv6Addr,
    /// What its IPv4 address is called in the reverse tree, if anything.
    pub ptr: Option<String>,
    /// Whether some zone text holds an address record for it; if not, the world adds one.
    pub in_zone_text: bool,
    /// Whether the world declares it, and not the file.
    pub from_world: bool,
}

/// One cell of a file.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// One line: what is wrong, or shown.
    pub title: Spanned<String>,
    /// Why the file exists.
    pub story: Option<Spanned<String>>,
    /// The prepared set of declarations that it builds on, if any.
    pub world: Option<String>,
    /// Ids of the behaviour registry.
    pub covers: Vec<Spanned<BehaviourRef>>,
    /// What `+0s` is.
    pub epoch: Timestamp,
    /// When the run ends, if it is said.
    pub until: Option<Spanned<Time>>,
    /// The seed of latencies and draws.
    pub seed: u64,
    /// Why the story depends on the seed.
    pub seed_sensitive: Option<Spanned<String>>,
    /// The value of each axis, by name, in the order of the axes.
    pub values: IndexMap<String, String>,
    /// The outbound engine, if it runs.
    pub sender: Option<Spanned<Sender>>,
    /// The inbound engine, if it runs.
    pub receiver: Option<Spanned<Receiver>>,
    /// The resolver's settings.
    pub resolver: Resolver,
    /// Organizations.
    pub tenants: Map<Name, Spanned<Tenant>>,
    /// The declared zones. Their records are in [`Scenario::zone_text`].
    pub zones: Map<DomainName, Spanned<Zone>>,
    /// The declared hosts.
    pub hosts: Map<Name, Spanned<Host>>,
    /// Certificates.
    pub certs: Map<Name, Spanned<Cert>>,
    /// Certificate authorities.
    pub cas: Map<Name, Spanned<Ca>>,
    /// DKIM and ARC identities.
    pub keys: Map<Name, Spanned<Key>>,
    /// Paths between two hosts.
    pub links: Map<Name, Spanned<Link>>,
    /// Message texts.
    pub messages: Map<Name, Spanned<Message>>,
    /// The script, in the order of time, entries of one time in the order of the file.
    pub at: Vec<At>,
    /// What must be in the record, in the order of the file: those that apply to this cell.
    pub expects: Vec<Expectation>,
    /// What must not be in the record.
    pub nevers: Vec<Expectation>,
    /// Names and addresses of all hosts: declared ones, and `sender` and `receiver` if they run.
    pub addressed: IndexMap<String, Addressed>,
    pub(crate) zone_records: IndexMap<String, Vec<zone_text::Entry>>,
}

impl Scenario {
    /// The records of a declared zone, world and file merged, one a line with full owners; references still in
    /// braces. Empty if the zone is not declared. `zone` is in lower case.
    pub fn zone_text(&self, zone: &str) -> String {
        self.zone_records.get(zone).map(|entries| zone_text::join(entries)).unwrap_or_default()
    }

    /// The point in time that `time` is in this scenario.
    pub fn instant(&self, time: Time) -> Timestamp {
        time.at(self.epoch)
    }

    /// The short name of the host that is called `full_name`.
    pub fn host_called(&self, full_name: &str) -> Option<&str> {
        let found = self.addressed.iter().find(|(_, host)| host.full_name.eq_ignore_ascii_case(full_name));
        found.map(|(short, _)| short.as_str())
    }
}
