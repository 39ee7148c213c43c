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

/// A map with the places of its keys, in the order of the file.
pub type Map<K, V> = IndexMap<Spanned<K>, V>;

/// `[sender]`: the outbound engine.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Sender {
    /// Its full name, used in EHLO (`out.sender.example`).
    pub name: Option<Spanned<DomainName>>,
    /// Its address (the next free one).
    pub ip: Option<Spanned<Ipv4>>,
    /// Exchange Online as documented, or the RFCs to the letter (`exo`).
    pub profile: Option<Spanned<Profile>>,
    /// The intervals between attempts; the last one repeats (`["15m", "15m", "60m"]`).
    pub retry: Option<Spanned<Vec<Spanned<Duration>>>>,
    /// When it gives up (`24h`); a tenant's `message-expiration` goes before.
    pub expiration: Option<Spanned<Duration>>,
    /// When a delay DSN goes out (`4h`); `0s`: never.
    pub delay_notice: Option<Spanned<Duration>>,
    /// How it uses DANE (`opportunistic`).
    pub dane: Option<Spanned<DaneMode>>,
    /// How it uses MTA-STS (`opportunistic`).
    pub mta_sts: Option<Spanned<MtaStsMode>>,
    /// Connectors, by the domain that mail goes to.
    pub connector: Option<Map<DomainName, Spanned<Connector>>>,
    /// Documented limitations to switch on.
    pub limitations: Option<Spanned<Vec<Spanned<Limitation>>>>,
}

/// A connector of the outbound engine.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Connector {
    /// How DANE is used for mail to the domain.
    pub dane: Option<Spanned<DaneMode>>,
    /// How MTA-STS is used for it.
    pub mta_sts: Option<Spanned<MtaStsMode>>,
    /// The host that mail goes to, instead of the domain's MX hosts.
    pub smart_host: Option<Spanned<HostRef>>,
    /// TLS or nothing.
    pub tls: Option<Spanned<bool>>,
}

/// `[receiver]`: the inbound engine.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Receiver {
    /// Its full name (`in.receiver.example`).
    pub name: Option<Spanned<DomainName>>,
    /// Its address (the next free one).
    pub ip: Option<Spanned<Ipv4>>,
    /// Exchange Online as documented, or the RFCs to the letter (`exo`).
    pub profile: Option<Spanned<Profile>>,
    /// Its certificate (automatic).
    pub cert: Option<Spanned<CertRef>>,
    /// Points in which it follows what was seen in real headers against what is documented.
    pub readings: Option<Spanned<Vec<Spanned<Reading>>>>,
    /// The layout of the header fields that it stamps (`current`).
    pub layout: Option<Spanned<HeaderLayout>>,
    /// The number from 0 to 99 that is drawn for each message: a DMARC policy applies if it is below `pct` (0).
    pub pct_draw: Option<Spanned<u8>>,
}

/// `[resolver]`: the validating resolver of both engines.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Resolver {
    /// Whether it keeps answers (true).
    pub cache: Option<Spanned<bool>>,
    /// What stands between it and the name servers (`none`).
    pub forwarder: Option<Spanned<ForwarderKind>>,
    /// The size of UDP answers that it takes (1232).
    pub edns_size: Option<Spanned<u16>>,
    /// How long it waits for an answer (`5s`).
    pub timeout: Option<Spanned<Duration>>,
}

/// `[tenant.NAME]`: an organization.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tenant {
    /// Accepted domains (needed).
    pub domains: Option<Spanned<Vec<Spanned<DomainName>>>>,
    /// The initial domain; its zone exists by itself.
    pub initial: Option<Spanned<DomainName>>,
    /// Signing configurations, by domain.
    pub dkim: Option<Map<DomainName, Spanned<DkimConfig>>>,
    /// Whether a domain without its own DKIM is signed by the initial domain (true).
    pub dkim_fallback: Option<Spanned<bool>>,
    /// When the sender gives up on this tenant's messages, 12 h to 24 h.
    pub message_expiration: Option<Spanned<Duration>>,
    /// Whether spoof intelligence is on (true).
    pub spoof_intelligence: Option<Spanned<bool>>,
    /// Whether DMARC policies are honoured (true).
    pub honor_dmarc: Option<Spanned<bool>>,
    /// What happens to a spoof (`move-to-jmf`).
    pub auth_fail_action: Option<Spanned<AuthFailAction>>,
    /// What happens on `p=quarantine` (`quarantine`).
    pub dmarc_quarantine_action: Option<Spanned<AuthFailAction>>,
    /// What happens on `p=reject` (`reject`).
    pub dmarc_reject_action: Option<Spanned<DmarcRejectAction>>,
    /// Enhanced Filtering for Connectors (false).
    pub enhanced_filtering: Option<Spanned<bool>>,
    /// Trusted ARC sealers.
    pub trusted_sealers: Option<Spanned<Vec<Spanned<DomainName>>>>,
    /// Allowed spoof pairs.
    pub spoof_allow: Option<Spanned<Vec<Spanned<SpoofPair>>>>,
    /// Blocked spoof pairs.
    pub spoof_block: Option<Spanned<Vec<Spanned<SpoofPair>>>>,
    /// Safe senders of its users.
    pub safe_senders: Option<Spanned<Vec<Spanned<Address>>>>,
    /// Outside addresses that its users have written to.
    pub contacts: Option<Spanned<Vec<Spanned<Address>>>>,
    /// Infrastructure with a history of legitimate mail.
    pub history: Option<Spanned<Vec<Spanned<DomainName>>>>,
}

/// The DKIM signing configuration of a domain.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DkimConfig {
    /// Whether messages are signed (false).
    pub enabled: Option<Spanned<bool>>,
    /// 1024 or 2048 bits (1024).
    pub key_size: Option<Spanned<u16>>,
    /// Canonicalization of the header (`relaxed`).
    pub header: Option<Spanned<CanonicalizationPart>>,
    /// Canonicalization of the body (`relaxed`).
    pub body: Option<Spanned<CanonicalizationPart>>,
}

/// `[zone."D"]`: a DNS zone, which the world signs, serves and publishes the DS of.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Zone {
    /// Master-file text, `owner [ttl] TYPE data`; SOA and NS are made.
    pub records: Option<Spanned<ZoneText>>,
    /// Records of the world to leave out: `mx2`, or one type: `mx2 A`.
    pub without: Option<Spanned<Vec<Spanned<Without>>>>,
    /// Whether it is signed (true).
    pub signed: Option<Spanned<bool>>,
    /// Whether its DS is at the parent (true).
    pub delegated: Option<Spanned<bool>>,
    /// How it proves that something does not exist (`nsec`).
    pub denial: Option<Spanned<Denial>>,
    /// The algorithm of its keys (`ecdsa-p256`).
    pub algorithm: Option<Spanned<ZoneAlgorithm>>,
    /// One key, or KSK and ZSK (`single`).
    pub keys: Option<Spanned<ZoneKeys>>,
    /// TTL of records without one (`5m`).
    pub ttl: Option<Spanned<Duration>>,
    /// TTL of its SOA record, and of its keys (that of its records).
    pub soa_ttl: Option<Spanned<Duration>>,
    /// The last field of its SOA record: a denial is kept no longer (`ttl`).
    pub soa_minimum: Option<Spanned<Duration>>,
    /// TTL of its NS records, in the zone and at its parent (that of the records there).
    pub ns_ttl: Option<Spanned<Duration>>,
    /// TTL of its DS records at its parent (that of the parent's records).
    pub ds_ttl: Option<Spanned<Duration>>,
    /// Inception of its signatures (`-1d`).
    pub signed_from: Option<Spanned<Time>>,
    /// Expiry of its signatures; without it the zone re-signs itself.
    pub signed_until: Option<Spanned<Time>>,
    /// Its name servers, hosts with `dns` (one of its own).
    pub servers: Option<Spanned<Vec<Spanned<HostRef>>>>,
    /// The name servers that its parent lists for it, hosts with `dns` (`servers`). Those that are not in `servers` do not
    /// serve it.
    pub parent_servers: Option<Spanned<Vec<Spanned<HostRef>>>>,
}

/// `[host.NAME]`: anything with an address.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Host {
    /// Its full name (the first owner in the zone texts whose address is `{NAME}`, else `NAME.example`).
    pub name: Option<Spanned<DomainName>>,
    /// Its address (the next free one).
    pub ip: Option<Spanned<Ipv4>>,
    /// What its address is called in the reverse tree (its name); `none`: nothing.
    pub ptr: Option<Spanned<DomainName>>,
    /// Whether it is an attacker's (false).
    pub hostile: Option<Spanned<bool>>,
    /// A scripted receiving server.
    pub smtp: Option<Spanned<Smtp>>,
    /// A web server.
    pub https: Option<Spanned<Https>>,
    /// A name server.
    pub dns: Option<Spanned<Dns>>,
    /// An intermediary.
    pub relay: Option<Spanned<Relay>>,
    /// How it sends.
    pub client: Option<Spanned<Client>>,
}

/// `smtp` of a host: a scripted receiving server.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Smtp {
    /// Its certificate (automatic).
    pub cert: Option<Spanned<CertRef>>,
    /// Certificates chosen by SNI, by name.
    pub sni: Option<Map<DomainName, Spanned<CertRef>>>,
    /// Highest version (`1.3`); `none`: STARTTLS is not offered.
    pub tls: Option<Spanned<TlsVersion>>,
    /// Its greeting (its name).
    pub banner: Option<Spanned<Text>>,
    /// EHLO keywords (`["PIPELINING", "8BITMIME", "CHUNKING", "SMTPUTF8", "DSN"]`).
    pub extensions: Option<Spanned<Vec<Spanned<Text>>>>,
    /// SIZE in bytes, 0 for none (0).
    pub size: Option<Spanned<u64>>,
    /// A new (client, from, to) is answered `451 4.7.1` for so long.
    pub greylist: Option<Spanned<Duration>>,
    /// Sessions beyond are answered `421 4.7.0`: `1 per 20m`.
    pub rate: Option<Spanned<Rate>>,
    /// Replies to RCPT for single addresses (all others are accepted).
    pub recipients: Option<Map<Address, Spanned<ReplyText>>>,
}

/// `https` of a host: a web server.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Https {
    /// Its certificate (automatic).
    pub cert: Option<Spanned<CertRef>>,
    /// Pages served by GET: path to body.
    pub pages: Option<Map<String, Spanned<MessageText>>>,
    /// Paths that take a POST.
    pub inbox: Option<Spanned<Vec<Spanned<Text>>>>,
}

/// `dns` of a host: a name server.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Dns {
    /// Whether it answers over TCP (true).
    pub tcp: Option<Spanned<bool>>,
}

/// `relay` of a host: an intermediary.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Relay {
    /// Where mail to an alias goes; not needed with `through`.
    pub to: Option<Map<Address, Spanned<Vec<Spanned<Address>>>>>,
    /// What it changes, in order.
    pub changes: Option<Spanned<Vec<Spanned<Change>>>>,
    /// The footer that it adds (a fixed one).
    pub footer: Option<Spanned<MessageText>>,
    /// MAIL FROM of what it sends on (`keep`).
    pub envelope: Option<Spanned<RelayEnvelope>>,
    /// DKIM signatures that it adds.
    pub sign: Option<Spanned<Vec<Spanned<KeyRef>>>>,
    /// The key of its ARC seal; `own` is a key of its own domain, published.
    pub seal: Option<Spanned<SealRef>>,
    /// The results that it writes into its ARC-Authentication-Results (what it saw).
    pub claims: Option<Spanned<Text>>,
    /// What is wrong with its ARC set.
    pub seal_flaw: Option<Spanned<SealFlaw>>,
    /// What it changes after sealing.
    pub after_seal: Option<Spanned<Vec<Spanned<Change>>>>,
    /// The message passes here so many times (1).
    pub repeat: Option<Spanned<u16>>,
}

/// `client` of a host: how it sends.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Client {
    /// DKIM signatures that it puts on.
    pub sign: Option<Spanned<Vec<Spanned<KeyRef>>>>,
    /// What happens to its messages after they were signed, in order.
    pub after_sign: Option<Spanned<Vec<Spanned<Change>>>>,
    /// What it says in EHLO (its name).
    pub ehlo: Option<Spanned<Text>>,
}

/// `[cert.NAME]`: a certificate.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cert {
    /// The names in it (the names of the hosts that present it).
    pub names: Option<Spanned<Vec<Spanned<DomainName>>>>,
    /// Who issued it (`public`).
    pub issuer: Option<Spanned<IssuerRef>>,
    /// When it starts (`-30d`).
    pub from: Option<Spanned<Time>>,
    /// When it ends (`+365d`).
    pub until: Option<Spanned<Time>>,
    /// The certificate whose key it has (a key of its own).
    pub key: Option<Spanned<CertRef>>,
    /// Which certificates the server sends (`chain`).
    pub sends: Option<Spanned<ChainSent>>,
}

/// `[ca.NAME]`: a certificate authority.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Ca {
    /// Whether everyone trusts it (false).
    pub trusted: Option<Spanned<bool>>,
    /// Who issued its certificate (itself).
    pub parent: Option<Spanned<CaRef>>,
    /// When its certificate starts (`-30d`).
    pub from: Option<Spanned<Time>>,
    /// When its certificate ends (`+365d`).
    pub until: Option<Spanned<Time>>,
}

/// `[key.NAME]`: a DKIM or ARC identity.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Key {
    /// Its domain, `d=` (needed).
    pub domain: Option<Spanned<DomainName>>,
    /// Its selector, `s=` (`s1`).
    pub selector: Option<Spanned<DomainName>>,
    /// Its algorithm (`rsa2048`).
    pub algorithm: Option<Spanned<KeyAlgorithm>>,
    /// Whether its TXT record exists, unless a zone text holds that owner (true).
    pub publish: Option<Spanned<bool>>,
    /// Canonicalization, `c=` (`relaxed/relaxed`).
    pub canonicalization: Option<Spanned<Canonicalization>>,
    /// The header fields that it signs, `h=`.
    pub headers: Option<Spanned<Text>>,
    /// How much of the body it signs, `l=`.
    pub length: Option<Spanned<u64>>,
    /// When its signatures expire, `x=`.
    pub expires: Option<Spanned<Time>>,
}

/// `[link.NAME]`: the path between two hosts.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Link {
    /// The two hosts (needed).
    pub between: Option<Spanned<Vec<Spanned<HostRef>>>>,
    /// How long a packet takes (seeded, 5 to 50 ms).
    pub latency: Option<Spanned<Duration>>,
    /// By how much that varies.
    pub jitter: Option<Spanned<Duration>>,
}

/// `[message.NAME]`: a message text.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Message {
    /// RFC 5322 text; line ends become CRLF.
    pub text: Option<Spanned<MessageText>>,
    /// A basic string taken as it is, for bare CR and the like.
    pub bytes: Option<Spanned<MessageText>>,
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
    )+};
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
