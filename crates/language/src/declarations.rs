//! The declarations: engines, tenants, zones, hosts, certificates, keys, links, messages (reference sections 3 and 4).
//!
//! Every field is optional in the types, because a world, a file and a `configure` are parts of one whole. If the
//! reference gives a default, the method of the same name returns it.

use indexmap::IndexMap;
use mxlab_dns::resolver;
use mxlab_mail::settings;
use mxlab_mail::smtp::server::EXTENSIONS;
use schemars::JsonSchema;
use serde::Deserialize;

use super::spanned::Spanned;
use super::values::*;
use super::words::*;

mod engines;
mod hosts;
mod material;

pub use engines::{Connector, DkimConfig, Receiver, Resolver, Sender, Tenant};
pub use hosts::{Client, Dns, Host, Https, Relay, Smtp};
pub use material::{Ca, Cert, Key, Link, Message};

/// A map with the places of its keys, in the order of the file.
pub type Map<K, V> = IndexMap<Spanned<K>, V>;

/// `[zone."D"]`: a DNS zone. The world signs it, serves it and publishes its DS.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Zone {
    /// Its records as master-file text: `owner [ttl] TYPE data`, one record a line, with references in braces. SOA
    /// and NS of the zone are made. Text without quotes ends at a semicolon.
    pub records: Option<Spanned<ZoneText>>,
    /// The records of the world that are left out: an owner, or an owner and a type.
    ///
    /// Default: `[]`.
    pub without: Option<Spanned<Vec<Spanned<Without>>>>,
    /// Whether the zone is signed.
    ///
    /// Default: `true`.
    pub signed: Option<Spanned<bool>>,
    /// Whether its DS is at its parent.
    ///
    /// Default: `true`.
    pub delegated: Option<Spanned<bool>>,
    /// How it proves that something does not exist.
    ///
    /// Default: `nsec`.
    pub denial: Option<Spanned<Denial>>,
    /// The algorithm of its keys.
    ///
    /// Default: `ecdsa-p256`.
    pub algorithm: Option<Spanned<ZoneAlgorithm>>,
    /// How many keys it has.
    ///
    /// Default: `single`.
    pub keys: Option<Spanned<ZoneKeys>>,
    /// The TTL of records that have none of their own.
    ///
    /// Default: `5m`.
    pub ttl: Option<Spanned<Duration>>,
    /// The TTL of its SOA record, and of its keys.
    ///
    /// Default: that of its records.
    pub soa_ttl: Option<Spanned<Duration>>,
    /// The last field of its SOA record: a denial is kept no longer.
    ///
    /// Default: its `ttl`.
    pub soa_minimum: Option<Spanned<Duration>>,
    /// The TTL of its NS records, in the zone and at its parent.
    ///
    /// Default: that of the records there.
    pub ns_ttl: Option<Spanned<Duration>>,
    /// The TTL of its DS records at its parent.
    ///
    /// Default: that of the parent's records.
    pub ds_ttl: Option<Spanned<Duration>>,
    /// When its signatures begin to be valid.
    ///
    /// Default: `-1d`.
    pub signed_from: Option<Spanned<Time>>,
    /// When its signatures end.
    ///
    /// Default: never: the zone signs itself again in time.
    pub signed_until: Option<Spanned<Time>>,
    /// Its name servers in the order in which the resolver asks them: hosts with `dns`.
    ///
    /// Default: one server of its own.
    pub servers: Option<Spanned<Vec<Spanned<HostRef>>>>,
    /// The name servers that its parent lists for it: hosts with `dns`. Those that are not in `servers` do not serve it.
    ///
    /// Default: its `servers`.
    pub parent_servers: Option<Spanned<Vec<Spanned<HostRef>>>>,
}

/// The values of absent fields: for each field a method that gives what holds.
macro_rules! defaults {
    ($($table:ident { $($field:ident : $type:ty = $default:expr,)+ })+) => {$(
        impl $table {$(
            #[doc = concat!("What holds for `", stringify!($field), "`, written or not.")]
            pub fn $field(&self) -> $type {
                self.$field.as_ref().map_or($default, |value| *value.get())
            }
        )+}
    )+

        /// The tables, fields and values of all defaults, as they could be written.
        #[cfg(test)]
        pub(crate) fn defaults() -> Vec<(&'static str, &'static str, String)> {
            vec![$($((stringify!($table), stringify!($field), $table::default().$field().to_string()),)+)+]
        }
    };
}

const MINUTE: u64 = 60;
const DAY: i64 = 24 * 3600;

const fn relative(seconds: i64) -> Time {
    Time::Relative(jiff::SignedDuration::from_secs(seconds))
}

defaults! {
    Sender {
        profile: Profile = Word(settings::Profile::Exo),
        expiration: Duration = Duration::of(settings::EXPIRATION),
        delay_notice: Duration = Duration::of(settings::DELAY_NOTICE),
        dane: DaneMode = Word(settings::DaneMode::Opportunistic),
        mta_sts: MtaStsMode = MtaStsMode::Opportunistic,
    }
    Connector { tls: bool = false, }
    Receiver {
        profile: Profile = Word(settings::Profile::Exo),
        layout: HeaderLayout = Word(settings::HeaderLayout::Current),
        pct_draw: u8 = 0,
    }
    Resolver {
        cache: bool = true,
        forwarder: ForwarderKind = ForwarderKind::None,
        edns_size: u16 = resolver::EDNS_SIZE,
        timeout: Duration = Duration::of(resolver::TIMEOUT),
    }
    Tenant {
        dkim_fallback: bool = true,
        spoof_intelligence: bool = true,
        honor_dmarc: bool = true,
        auth_fail_action: AuthFailAction = Word(settings::AuthFailAction::MoveToJmf),
        dmarc_quarantine_action: AuthFailAction = Word(settings::AuthFailAction::Quarantine),
        dmarc_reject_action: DmarcRejectAction = DmarcRejectAction::Reject,
        enhanced_filtering: bool = false,
    }
    DkimConfig {
        enabled: bool = false,
        key_size: u16 = 1024,
        header: CanonicalizationPart = CanonicalizationPart::Relaxed,
        body: CanonicalizationPart = CanonicalizationPart::Relaxed,
    }
    Zone {
        signed: bool = true,
        delegated: bool = true,
        denial: Denial = Denial::Nsec,
        algorithm: ZoneAlgorithm = ZoneAlgorithm::EcdsaP256,
        keys: ZoneKeys = ZoneKeys::Single,
        ttl: Duration = Duration::from_secs(5 * MINUTE),
        signed_from: Time = relative(-DAY),
    }
    Host { hostile: bool = false, }
    Smtp {
        tls: TlsVersion = TlsVersion::V1_3,
        size: u64 = 0,
    }
    Dns { tcp: bool = true, }
    Relay {
        envelope: RelayEnvelope = RelayEnvelope::Keep,
        repeat: u16 = 1,
    }
    Cert {
        from: Time = relative(-30 * DAY),
        until: Time = relative(365 * DAY),
        sends: ChainSent = ChainSent::Chain,
    }
    Ca {
        trusted: bool = false,
        from: Time = relative(-30 * DAY),
        until: Time = relative(365 * DAY),
    }
    Key {
        algorithm: KeyAlgorithm = KeyAlgorithm::Rsa2048,
        publish: bool = true,
        canonicalization: Canonicalization = Canonicalization::RelaxedRelaxed,
    }
}

impl Sender {
    /// What holds for `retry`, written or not.
    pub fn retry(&self) -> Vec<std::time::Duration> {
        match &self.retry {
            Some(intervals) => intervals.iter().map(|interval| interval.get().get()).collect(),
            None => settings::RETRY.to_vec(),
        }
    }

    /// The full name of the engine's host.
    pub fn full_name(&self) -> &str {
        self.name.as_ref().map_or("out.sender.example", |name| name.as_str())
    }
}

impl Receiver {
    /// The full name of the engine's host.
    pub fn full_name(&self) -> &str {
        self.name.as_ref().map_or("in.receiver.example", |name| name.as_str())
    }
}

impl Smtp {
    /// What holds for `extensions`, written or not.
    pub fn extensions(&self) -> Vec<String> {
        match &self.extensions {
            Some(keywords) => keywords.iter().map(|keyword| keyword.to_string()).collect(),
            None => EXTENSIONS.map(str::to_owned).to_vec(),
        }
    }
}

impl Key {
    /// What holds for `selector`, written or not.
    pub fn selector(&self) -> &str {
        self.selector.as_ref().map_or("s1", |selector| selector.as_str())
    }
}

/// The items of an optional list; none if it is absent.
pub fn items<T>(list: &Option<Spanned<Vec<Spanned<T>>>>) -> impl Iterator<Item = &Spanned<T>> {
    list.iter().flat_map(|list| list.get().iter())
}
