//! What hosts and zones are given: certificates and their authorities, keys, links, messages.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::spanned::Spanned;
use crate::values::*;
use crate::words::*;

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
