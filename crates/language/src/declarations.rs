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
    /// The full name of its host, which it says in EHLO.
    ///
    /// Default: `out.sender.example`.
    pub name: Option<Spanned<DomainName>>,
    /// The IPv4 address of its host.
    ///
    /// Default: the next free one.
    pub ip: Option<Spanned<Ipv4>>,
    /// Whose rules it follows.
    ///
    /// Default: `exo`.
    pub profile: Option<Spanned<Profile>>,
    /// The intervals between attempts. The last one repeats.
    ///
    /// Default: `["15m", "15m", "60m"]`.
    pub retry: Option<Spanned<Vec<Spanned<Duration>>>>,
    /// When it gives up on a message. A tenant's `message-expiration` takes precedence.
    ///
    /// Default: `24h`.
    pub expiration: Option<Spanned<Duration>>,
    /// When it tells the sender that a message is delayed. `0s` means never.
    ///
    /// Default: `4h`.
    pub delay_notice: Option<Spanned<Duration>>,
    /// How it uses DANE.
    ///
    /// Default: `opportunistic`.
    pub dane: Option<Spanned<DaneMode>>,
    /// How it uses MTA-STS.
    ///
    /// Default: `opportunistic`.
    ///
    /// Not supported yet: `opportunistic`.
    pub mta_sts: Option<Spanned<MtaStsMode>>,
    /// Connectors, by the domain that mail goes to.
    ///
    /// Not supported yet.
    pub connector: Option<Map<DomainName, Spanned<Connector>>>,
    /// The documented limitations that are switched on.
    ///
    /// Default: `[]`.
    pub limitations: Option<Spanned<Vec<Spanned<Limitation>>>>,
}

/// A connector of the outbound engine.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Connector {
    /// How DANE is used for mail to the domain.
    ///
    /// Default: as `[sender]` says.
    ///
    /// Not supported yet.
    pub dane: Option<Spanned<DaneMode>>,
    /// How MTA-STS is used for mail to the domain.
    ///
    /// Default: as `[sender]` says.
    ///
    /// Not supported yet.
    pub mta_sts: Option<Spanned<MtaStsMode>>,
    /// The host that mail goes to, instead of the mail hosts of the domain.
    ///
    /// Not supported yet.
    pub smart_host: Option<Spanned<HostRef>>,
    /// Whether mail goes over TLS or not at all.
    ///
    /// Default: `false`.
    ///
    /// Not supported yet.
    pub tls: Option<Spanned<bool>>,
}

/// `[receiver]`: the inbound engine.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Receiver {
    /// The full name of its host.
    ///
    /// Default: `in.receiver.example`.
    pub name: Option<Spanned<DomainName>>,
    /// The IPv4 address of its host.
    ///
    /// Default: the next free one.
    pub ip: Option<Spanned<Ipv4>>,
    /// Whose rules it follows.
    ///
    /// Default: `exo`.
    pub profile: Option<Spanned<Profile>>,
    /// The certificate that it presents.
    ///
    /// Default: one of its own that is valid.
    pub cert: Option<Spanned<CertRef>>,
    /// The points in which it follows what was seen in real headers against what is documented.
    ///
    /// Default: `[]`.
    pub readings: Option<Spanned<Vec<Spanned<Reading>>>>,
    /// The layout of the header fields that it stamps.
    ///
    /// Default: `current`.
    pub layout: Option<Spanned<HeaderLayout>>,
    /// The number from 0 to 99 that is drawn for each message. A DMARC policy applies if this number is below
    /// `pct`.
    ///
    /// Default: `0`.
    #[schemars(range(min = 0, max = 99))]
    pub pct_draw: Option<Spanned<u8>>,
}

/// `[resolver]`: the validating resolver of both engines.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Resolver {
    /// Whether it keeps answers until their TTL ends.
    ///
    /// Default: `true`.
    pub cache: Option<Spanned<bool>>,
    /// What stands between it and the name servers.
    ///
    /// Default: `none`.
    pub forwarder: Option<Spanned<ForwarderKind>>,
    /// The longest answer over UDP that it takes, in octets. Less than 512 counts as 512 (RFC 6891 section 6.2.3),
    /// and no server here sends more than 1232.
    ///
    /// Default: `1232`.
    #[schemars(range(min = 512, max = 1232))]
    pub edns_size: Option<Spanned<u16>>,
    /// How long it waits for an answer before it asks again.
    ///
    /// Default: `5s`.
    pub timeout: Option<Spanned<Duration>>,
}

/// `[tenant.NAME]`: an organization.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tenant {
    /// Its accepted domains. At least one is needed.
    pub domains: Option<Spanned<Vec<Spanned<DomainName>>>>,
    /// Its initial domain. The zone of this domain exists by itself.
    pub initial: Option<Spanned<DomainName>>,
    /// The DKIM signing configurations of its domains.
    ///
    /// Not supported yet.
    pub dkim: Option<Map<DomainName, Spanned<DkimConfig>>>,
    /// Whether a domain without a DKIM configuration is signed by the initial domain.
    ///
    /// Default: `true`.
    ///
    /// Not supported yet.
    pub dkim_fallback: Option<Spanned<bool>>,
    /// When the sender gives up on a message of this tenant: from 12 to 24 hours.
    ///
    /// Default: the sender's `expiration`.
    pub message_expiration: Option<Spanned<Duration>>,
    /// Whether spoof intelligence is on.
    ///
    /// Default: `true`.
    pub spoof_intelligence: Option<Spanned<bool>>,
    /// Whether the DMARC policies of authors' domains are honoured.
    ///
    /// Default: `true`.
    ///
    /// Not supported yet: `false`.
    pub honor_dmarc: Option<Spanned<bool>>,
    /// What happens to a message that is a spoof.
    ///
    /// Default: `move-to-jmf`.
    pub auth_fail_action: Option<Spanned<AuthFailAction>>,
    /// What happens to a message that fails DMARC with `p=quarantine`.
    ///
    /// Default: `quarantine`.
    ///
    /// Not supported yet: `move-to-jmf`.
    pub dmarc_quarantine_action: Option<Spanned<AuthFailAction>>,
    /// What happens to a message that fails DMARC with `p=reject`.
    ///
    /// Default: `reject`.
    ///
    /// Not supported yet: `quarantine`.
    pub dmarc_reject_action: Option<Spanned<DmarcRejectAction>>,
    /// Whether Enhanced Filtering for Connectors is on.
    ///
    /// Default: `false`.
    ///
    /// Not supported yet: `true`.
    pub enhanced_filtering: Option<Spanned<bool>>,
    /// The domains whose ARC seals are trusted.
    ///
    /// Default: `[]`.
    ///
    /// Not supported yet.
    pub trusted_sealers: Option<Spanned<Vec<Spanned<DomainName>>>>,
    /// The allowed spoof pairs of the Tenant Allow/Block List, as an administrator types them.
    ///
    /// Default: `[]`.
    ///
    /// Not supported yet.
    pub spoof_allow: Option<Spanned<Vec<Spanned<SpoofPair>>>>,
    /// The blocked spoof pairs of the Tenant Allow/Block List.
    ///
    /// Default: `[]`.
    ///
    /// Not supported yet.
    pub spoof_block: Option<Spanned<Vec<Spanned<SpoofPair>>>>,
    /// The safe senders of its users.
    ///
    /// Default: `[]`.
    ///
    /// Not supported yet.
    pub safe_senders: Option<Spanned<Vec<Spanned<Address>>>>,
    /// The outside addresses that its users have written to.
    ///
    /// Default: `[]`.
    ///
    /// Not supported yet.
    pub contacts: Option<Spanned<Vec<Spanned<Address>>>>,
    /// The sending infrastructure that has a history of legitimate mail.
    ///
    /// Default: `[]`.
    ///
    /// Not supported yet.
    pub history: Option<Spanned<Vec<Spanned<DomainName>>>>,
}

/// The DKIM signing configuration of a domain.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DkimConfig {
    /// Whether messages are signed.
    ///
    /// Default: `false`.
    ///
    /// Not supported yet.
    pub enabled: Option<Spanned<bool>>,
    /// The size of the key in bits: 1024 or 2048.
    ///
    /// Default: `1024`.
    ///
    /// Not supported yet.
    pub key_size: Option<Spanned<u16>>,
    /// The canonicalization of the header.
    ///
    /// Default: `relaxed`.
    ///
    /// Not supported yet.
    pub header: Option<Spanned<CanonicalizationPart>>,
    /// The canonicalization of the body.
    ///
    /// Default: `relaxed`.
    ///
    /// Not supported yet.
    pub body: Option<Spanned<CanonicalizationPart>>,
}

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

/// `[host.NAME]`: anything with an address.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Host {
    /// Its full name.
    ///
    /// Default: the first owner in the zone texts whose address is `{NAME}`, else `NAME.example`.
    pub name: Option<Spanned<DomainName>>,
    /// Its IPv4 address. It also has an IPv6 address, which is published only where a zone text has an AAAA record.
    ///
    /// Default: the next free one: of a world from 192.0.2.10, of a file from 203.0.113.10.
    pub ip: Option<Spanned<Ipv4>>,
    /// The name of its address in the reverse tree; `none` means that there is no PTR record.
    ///
    /// Default: its full name.
    pub ptr: Option<Spanned<DomainName>>,
    /// Whether it belongs to an attacker.
    ///
    /// Default: `false`.
    ///
    /// Not supported yet: `true`.
    pub hostile: Option<Spanned<bool>>,
    /// A mail server that takes messages and answers as the table says.
    pub smtp: Option<Spanned<Smtp>>,
    /// A web server.
    ///
    /// Not supported yet.
    pub https: Option<Spanned<Https>>,
    /// A name server. It serves the zones that name it in `servers`.
    pub dns: Option<Spanned<Dns>>,
    /// An intermediary that passes messages on.
    ///
    /// Not supported yet.
    pub relay: Option<Spanned<Relay>>,
    /// How it sends. Any host may send; this table is needed only to say more, or to name the host from which
    /// messages go that say no `via`.
    pub client: Option<Spanned<Client>>,
}

/// `smtp` of a host: a scripted receiving server.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Smtp {
    /// The certificate that it presents.
    ///
    /// Default: one of its own that is valid.
    pub cert: Option<Spanned<CertRef>>,
    /// Certificates by the name that the client asks for.
    ///
    /// Default: `{}`.
    pub sni: Option<Map<DomainName, Spanned<CertRef>>>,
    /// The highest version of TLS that it speaks; `none` means that STARTTLS is not offered.
    ///
    /// Default: `1.3`.
    ///
    /// Not supported yet: `1.0`.
    pub tls: Option<Spanned<TlsVersion>>,
    /// The text of its greeting, behind the code.
    ///
    /// Default: its full name.
    pub banner: Option<Spanned<Text>>,
    /// The keywords of its EHLO reply, besides STARTTLS, SIZE and ENHANCEDSTATUSCODES.
    ///
    /// Default: `["PIPELINING", "8BITMIME", "CHUNKING", "SMTPUTF8", "DSN"]`.
    pub extensions: Option<Spanned<Vec<Spanned<Text>>>>,
    /// The largest message that it takes, in bytes, which it announces as SIZE; 0 means no limit.
    ///
    /// Default: `0`.
    pub size: Option<Spanned<u64>>,
    /// How long a client, sender and recipient that it does not know are answered `451 4.7.1`.
    ///
    /// Not supported yet.
    pub greylist: Option<Spanned<Duration>>,
    /// How many sessions it accepts in a time. Further ones are answered `421 4.7.0`.
    ///
    /// Not supported yet.
    pub rate: Option<Spanned<Rate>>,
    /// Its replies to RCPT for single addresses.
    ///
    /// Default: all recipients are accepted.
    pub recipients: Option<Map<Address, Spanned<ReplyText>>>,
}

/// `https` of a host: a web server.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Https {
    /// The certificate that it presents.
    ///
    /// Default: one of its own that is valid.
    ///
    /// Not supported yet.
    pub cert: Option<Spanned<CertRef>>,
    /// The pages that it serves: a path, and the body of the answer.
    ///
    /// Default: `{}`.
    ///
    /// Not supported yet.
    pub pages: Option<Map<String, Spanned<MessageText>>>,
    /// The paths that take a POST.
    ///
    /// Default: `[]`.
    ///
    /// Not supported yet.
    pub inbox: Option<Spanned<Vec<Spanned<Text>>>>,
}

/// `dns` of a host: a name server.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Dns {
    /// Whether it answers over TCP.
    ///
    /// Default: `true`.
    pub tcp: Option<Spanned<bool>>,
}

/// `relay` of a host: an intermediary.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Relay {
    /// The addresses that mail to an alias goes to. It is not needed with `through`.
    ///
    /// Not supported yet.
    pub to: Option<Map<Address, Spanned<Vec<Spanned<Address>>>>>,
    /// What it changes in a message, in order.
    ///
    /// Default: `[]`.
    ///
    /// Not supported yet.
    pub changes: Option<Spanned<Vec<Spanned<Change>>>>,
    /// The footer that it adds.
    ///
    /// Default: a fixed one.
    ///
    /// Not supported yet.
    pub footer: Option<Spanned<MessageText>>,
    /// The MAIL FROM of what it sends on.
    ///
    /// Default: `keep`.
    ///
    /// Not supported yet.
    pub envelope: Option<Spanned<RelayEnvelope>>,
    /// The keys of the DKIM signatures that it adds.
    ///
    /// Default: `[]`.
    ///
    /// Not supported yet.
    pub sign: Option<Spanned<Vec<Spanned<KeyRef>>>>,
    /// The key of its ARC seal; `own` means a key of its own domain, which is published.
    ///
    /// Not supported yet.
    pub seal: Option<Spanned<SealRef>>,
    /// The results that it writes into its ARC-Authentication-Results.
    ///
    /// Default: what it saw.
    ///
    /// Not supported yet.
    pub claims: Option<Spanned<Text>>,
    /// What is wrong with its ARC set.
    ///
    /// Not supported yet.
    pub seal_flaw: Option<Spanned<SealFlaw>>,
    /// What it changes after sealing, in order.
    ///
    /// Default: `[]`.
    ///
    /// Not supported yet.
    pub after_seal: Option<Spanned<Vec<Spanned<Change>>>>,
    /// How many times a message passes here.
    ///
    /// Default: `1`.
    ///
    /// Not supported yet.
    #[schemars(range(min = 1, max = 100))]
    pub repeat: Option<Spanned<u16>>,
}

/// `client` of a host: how it sends.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Client {
    /// The keys of the DKIM signatures that it puts on its messages. The last one is on top.
    ///
    /// Default: `[]`.
    pub sign: Option<Spanned<Vec<Spanned<KeyRef>>>>,
    /// What happens to its messages after they were signed, in order.
    ///
    /// Default: `[]`.
    ///
    /// Not supported yet: `disclaimer`, `attachment-removed`, `from-rewritten`, `reencoded`, `exchange2016`.
    pub after_sign: Option<Spanned<Vec<Spanned<Change>>>>,
    /// What it says in EHLO.
    ///
    /// Default: its full name.
    pub ehlo: Option<Spanned<Text>>,
}

/// `[cert.NAME]`: a certificate.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cert {
    /// The names in the certificate.
    ///
    /// Default: the full names of the hosts that present it.
    pub names: Option<Spanned<Vec<Spanned<DomainName>>>>,
    /// The authority that issued it: a name from `[ca.NAME]`, `public` for an authority that everybody trusts, or
    /// `self` for a self-signed certificate.
    ///
    /// Default: `public`.
    pub issuer: Option<Spanned<IssuerRef>>,
    /// When it begins to be valid.
    ///
    /// Default: `-30d`.
    pub from: Option<Spanned<Time>>,
    /// When it ends.
    ///
    /// Default: `+365d`.
    pub until: Option<Spanned<Time>>,
    /// The name of another certificate whose key it shares.
    ///
    /// Default: a key of its own.
    pub key: Option<Spanned<CertRef>>,
    /// Which certificates a server sends along.
    ///
    /// Default: `chain`.
    pub sends: Option<Spanned<ChainSent>>,
}

/// `[ca.NAME]`: a certificate authority.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Ca {
    /// Whether everybody trusts it.
    ///
    /// Default: `false`.
    ///
    /// Not supported yet: `true`.
    pub trusted: Option<Spanned<bool>>,
    /// The authority that issued its certificate.
    ///
    /// Default: `itself`.
    pub parent: Option<Spanned<CaRef>>,
    /// When its certificate begins to be valid.
    ///
    /// Default: `-30d`.
    pub from: Option<Spanned<Time>>,
    /// When its certificate ends.
    ///
    /// Default: `+365d`.
    pub until: Option<Spanned<Time>>,
}

/// `[key.NAME]`: a DKIM or ARC identity.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Key {
    /// The domain of the identity, `d=`. It is needed.
    pub domain: Option<Spanned<DomainName>>,
    /// The selector, `s=`.
    ///
    /// Default: `s1`.
    pub selector: Option<Spanned<DomainName>>,
    /// The algorithm of the key.
    ///
    /// Default: `rsa2048`.
    pub algorithm: Option<Spanned<KeyAlgorithm>>,
    /// Whether its TXT record exists. A zone text that has this owner takes precedence.
    ///
    /// Default: `true`.
    pub publish: Option<Spanned<bool>>,
    /// The canonicalization of header and body, `c=`.
    ///
    /// Default: `relaxed/relaxed`.
    pub canonicalization: Option<Spanned<Canonicalization>>,
    /// The header fields that it signs, `h=`, with colons between them.
    ///
    /// Default: From, To, Subject, Date, Message-ID and the MIME fields, where the message has them.
    pub headers: Option<Spanned<Text>>,
    /// How many octets of the body it signs, `l=`.
    ///
    /// Default: `all`.
    pub length: Option<Spanned<u64>>,
    /// When its signatures expire, `x=`.
    ///
    /// Default: `never`.
    pub expires: Option<Spanned<Time>>,
}

/// `[link.NAME]`: the path between two hosts.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Link {
    /// The two hosts. They are needed.
    pub between: Option<Spanned<Vec<Spanned<HostRef>>>>,
    /// How long a packet takes.
    ///
    /// Default: no time.
    pub latency: Option<Spanned<Duration>>,
    /// By how much the latency varies. What is drawn may show, so the file also needs `seed-sensitive`.
    ///
    /// Default: `0s`.
    pub jitter: Option<Spanned<Duration>>,
}

/// `[message.NAME]`: a message text.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Message {
    /// RFC 5322 text. Line ends become CRLF, and `send` fills in what is in braces.
    pub text: Option<Spanned<MessageText>>,
    /// The message as a basic string that is taken as it is, for bare CR and the like.
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
