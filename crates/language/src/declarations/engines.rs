//! The engines, their resolver, and the tenants that they serve.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Map;
use crate::spanned::Spanned;
use crate::values::*;
use crate::words::*;

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
