//! Hosts, and what each of them does: mail server, web server, name server, relay, client.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Map;
use crate::spanned::Spanned;
use crate::values::*;
use crate::words::*;

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
