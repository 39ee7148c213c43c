//! What must and must not be in the record: `[[expect]]` and `[[never]]` (reference section 7).

use schemars::JsonSchema;
use serde::Deserialize;

use super::declarations::Map;
use super::spanned::{Span, Spanned};
use super::values::*;
use super::words::*;

/// The values of an axis by name: one, or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AxisValues {
    /// One of them.
    One(String),
    /// Any of these.
    Any(Vec<String>),
}

/// An entry of `[[expect]]` or `[[never]]` as it is written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ExpectEntry {
    /// Not before (`+0s`).
    pub after: Option<Spanned<Time>>,
    /// Not after (the end of the run).
    pub within: Option<Spanned<Time>>,
    /// Only in these cells.
    pub when: Option<Spanned<Map<Name, Spanned<AxisValues>>>>,
    /// A server took the message.
    pub delivered: Option<Spanned<Delivered>>,
    /// An attempt failed, the message stays queued.
    pub deferred: Option<Spanned<Failed>>,
    /// The sender gave up and made an NDR.
    pub bounced: Option<Spanned<Failed>>,
    /// A receiver refused it.
    pub rejected: Option<Spanned<Failed>>,
    /// A DSN other than a failure went out.
    pub notified: Option<Spanned<Notified>>,
    /// The whole list of attempts.
    pub attempted: Option<Spanned<Attempted>>,
    /// How the inbound engine judged it.
    pub verdict: Option<Spanned<Verdict>>,
    /// A header field of the message as delivered.
    pub stamped: Option<Spanned<Stamped>>,
    /// A DKIM signature put on.
    pub signed: Option<Spanned<Signed>>,
    /// A report left for its address.
    pub reported: Option<Spanned<Reported>>,
    /// The resolver's verdict on an answer.
    pub resolved: Option<Spanned<Resolved>>,
    /// A DKIM configuration is in this state.
    pub status: Option<Spanned<Status>>,
    /// A `configure` or `rotate` was refused.
    pub refused: Option<Spanned<Refused>>,
    /// Content or addresses of a message crossed the wire outside TLS.
    pub in_clear: Option<Spanned<InClear>>,
    /// The most work one lookup took.
    pub cost: Option<Spanned<Cost>>,
}

/// An expectation that applies to a cell.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// The entry: its `[[expect]]` or `[[never]]` header.
    pub span: Span,
    /// Not before; `+0s` if absent. Both ends of the window count.
    pub after: Option<Spanned<Time>>,
    /// Not after; the end of the run if absent.
    pub within: Option<Spanned<Time>>,
    /// What is, or is not, to happen.
    pub verb: Verb,
}

/// What an expectation is about. Each holds the place of its table.
#[derive(Clone, Debug)]
pub enum Verb {
    /// A server took the message.
    Delivered(Box<Spanned<Delivered>>),
    /// An attempt failed, the message stays queued.
    Deferred(Box<Spanned<Failed>>),
    /// The sender gave up and made an NDR.
    Bounced(Box<Spanned<Failed>>),
    /// A receiver refused it.
    Rejected(Box<Spanned<Failed>>),
    /// A DSN other than a failure went out.
    Notified(Box<Spanned<Notified>>),
    /// The whole list of attempts.
    Attempted(Box<Spanned<Attempted>>),
    /// How the inbound engine judged it.
    Verdict(Box<Spanned<Verdict>>),
    /// A header field of the message as delivered.
    Stamped(Box<Spanned<Stamped>>),
    /// A DKIM signature put on.
    Signed(Box<Spanned<Signed>>),
    /// A report left for its address.
    Reported(Box<Spanned<Reported>>),
    /// The resolver's verdict on an answer.
    Resolved(Box<Spanned<Resolved>>),
    /// A DKIM configuration is in this state.
    Status(Box<Spanned<Status>>),
    /// A `configure` or `rotate` was refused.
    Refused(Box<Spanned<Refused>>),
    /// Content or addresses of a message crossed the wire outside TLS.
    InClear(Box<Spanned<InClear>>),
    /// The most work one lookup took.
    Cost(Box<Spanned<Cost>>),
}

/// A recipient and a message, as far as they are named.
pub type About<'v> = (Option<&'v Spanned<KnownAddress>>, Option<&'v Spanned<SentRef>>);

impl Verb {
    /// The verb as it is written.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Delivered(_) => "delivered",
            Self::Deferred(_) => "deferred",
            Self::Bounced(_) => "bounced",
            Self::Rejected(_) => "rejected",
            Self::Notified(_) => "notified",
            Self::Attempted(_) => "attempted",
            Self::Verdict(_) => "verdict",
            Self::Stamped(_) => "stamped",
            Self::Signed(_) => "signed",
            Self::Reported(_) => "reported",
            Self::Resolved(_) => "resolved",
            Self::Status(_) => "status",
            Self::Refused(_) => "refused",
            Self::InClear(_) => "in-clear",
            Self::Cost(_) => "cost",
        }
    }

    /// Where its table is written.
    pub fn span(&self) -> Span {
        match self {
            Self::Delivered(table) => table.span(),
            Self::Deferred(table) | Self::Bounced(table) | Self::Rejected(table) => table.span(),
            Self::Notified(table) => table.span(),
            Self::Attempted(table) => table.span(),
            Self::Verdict(table) => table.span(),
            Self::Stamped(table) => table.span(),
            Self::Signed(table) => table.span(),
            Self::Reported(table) => table.span(),
            Self::Resolved(table) => table.span(),
            Self::Status(table) => table.span(),
            Self::Refused(table) => table.span(),
            Self::InClear(table) => table.span(),
            Self::Cost(table) => table.span(),
        }
    }

    /// The recipient and the message that it names, for the verbs about messages; nothing for the other verbs.
    pub fn about(&self) -> Option<About<'_>> {
        Some(match self {
            Self::Delivered(table) => (table.to.as_ref(), table.message.as_ref()),
            Self::Deferred(table) | Self::Bounced(table) | Self::Rejected(table) => {
                (table.to.as_ref(), table.message.as_ref())
            }
            Self::Notified(table) => (table.to.as_ref(), table.message.as_ref()),
            Self::Attempted(table) => (table.to.as_ref(), table.message.as_ref()),
            Self::Verdict(table) => (table.to.as_ref(), table.message.as_ref()),
            Self::Stamped(table) => (table.to.as_ref(), table.message.as_ref()),
            Self::Signed(table) => (None, table.message.as_ref()),
            Self::InClear(table) => (table.to.as_ref(), table.message.as_ref()),
            _ => return None,
        })
    }
}

impl ExpectEntry {
    /// The one thing that the entry is about; nothing if it has no verb.
    pub(crate) fn into_verb(self) -> Option<Verb> {
        None.or(self.delivered.map(|table| Verb::Delivered(Box::new(table))))
            .or(self.deferred.map(|table| Verb::Deferred(Box::new(table))))
            .or(self.bounced.map(|table| Verb::Bounced(Box::new(table))))
            .or(self.rejected.map(|table| Verb::Rejected(Box::new(table))))
            .or(self.notified.map(|table| Verb::Notified(Box::new(table))))
            .or(self.attempted.map(|table| Verb::Attempted(Box::new(table))))
            .or(self.verdict.map(|table| Verb::Verdict(Box::new(table))))
            .or(self.stamped.map(|table| Verb::Stamped(Box::new(table))))
            .or(self.signed.map(|table| Verb::Signed(Box::new(table))))
            .or(self.reported.map(|table| Verb::Reported(Box::new(table))))
            .or(self.resolved.map(|table| Verb::Resolved(Box::new(table))))
            .or(self.status.map(|table| Verb::Status(Box::new(table))))
            .or(self.refused.map(|table| Verb::Refused(Box::new(table))))
            .or(self.in_clear.map(|table| Verb::InClear(Box::new(table))))
            .or(self.cost.map(|table| Verb::Cost(Box::new(table))))
    }
}

/// `delivered`: a server took the message.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Delivered {
    /// The recipient.
    pub to: Option<Spanned<KnownAddress>>,
    /// The message.
    pub message: Option<Spanned<SentRef>>,
    /// The host that took it.
    pub host: Option<Spanned<HostRef>>,
    /// How the delivery was protected.
    pub security: Option<Spanned<SecurityLevel>>,
    /// Where it lies.
    pub folder: Option<Spanned<Folder>>,
    /// Attempts for that recipient up to and with this one.
    pub attempts: Option<Spanned<Count>>,
    /// Copies over the whole run.
    pub copies: Option<Spanned<Count>>,
}

/// `deferred`, `bounced`, `rejected`: it was not delivered.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Failed {
    /// The recipient.
    pub to: Option<Spanned<KnownAddress>>,
    /// The message.
    pub message: Option<Spanned<SentRef>>,
    /// The enhanced status code.
    pub code: Option<Spanned<EnhancedCode>>,
    /// A part of the reply.
    pub text: Option<Spanned<Text>>,
    /// Attempts for that recipient up to and with this one.
    pub attempts: Option<Spanned<Count>>,
    /// The host that answered.
    pub by: Option<Spanned<HostRef>>,
    /// The moment of the session.
    pub stage: Option<Spanned<Stage>>,
}

/// `notified`: a DSN other than a failure went out.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Notified {
    /// The recipient that it tells of.
    pub to: Option<Spanned<KnownAddress>>,
    /// The message that it tells of.
    pub message: Option<Spanned<SentRef>>,
    /// What it tells.
    pub action: Option<Spanned<NotifiedAction>>,
}

/// `attempted`: the whole list of attempts.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Attempted {
    /// The recipient.
    pub to: Option<Spanned<KnownAddress>>,
    /// The message.
    pub message: Option<Spanned<SentRef>>,
    /// When they were made, exact and in full.
    pub times: Option<Spanned<Vec<Spanned<Time>>>>,
    /// The hosts tried, in order.
    pub hosts: Option<Spanned<Vec<Spanned<HostRef>>>>,
}

/// `verdict`: how the inbound engine judged a message.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Verdict {
    /// The recipient.
    pub to: Option<Spanned<KnownAddress>>,
    /// The message.
    pub message: Option<Spanned<SentRef>>,
    /// The result of SPF.
    pub spf: Option<Spanned<SpfWord>>,
    /// The result of DKIM.
    pub dkim: Option<Spanned<DkimWord>>,
    /// The result of DMARC.
    pub dmarc: Option<Spanned<DmarcWord>>,
    /// What DMARC asks for.
    pub action: Option<Spanned<DmarcActionWord>>,
    /// The composite verdict.
    pub compauth: Option<Spanned<CompauthWord>>,
    /// Its reason, three digits.
    pub reason: Option<Spanned<Text>>,
    /// The result of ARC.
    pub arc: Option<Spanned<ArcWord>>,
    /// Whether ARC overrode the failure.
    pub oda: Option<Spanned<u8>>,
    /// What overrode the verdict.
    #[serde(rename = "override")]
    pub overridden: Option<Spanned<OverrideWord>>,
    /// The category (`CAT`).
    pub category: Option<Spanned<Text>>,
}

/// `stamped`: a header field of the message as delivered.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Stamped {
    /// The recipient.
    pub to: Option<Spanned<KnownAddress>>,
    /// The message.
    pub message: Option<Spanned<SentRef>>,
    /// The name of the field.
    pub header: Spanned<Text>,
    /// Its value, unfolded; left out: it exists.
    pub value: Option<Spanned<Text>>,
}

/// `signed`: a DKIM signature put on.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Signed {
    /// The message.
    pub message: Option<Spanned<SentRef>>,
    /// The domain that signed.
    pub domain: Option<Spanned<DomainName>>,
    /// The selector.
    pub selector: Option<Spanned<DomainName>>,
}

/// `reported`: a report left for its address.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Reported {
    /// The domain that it is about.
    pub domain: Spanned<DomainName>,
    /// Its kind.
    pub kind: Option<Spanned<ReportKind>>,
    /// The address of the report: `mailto:` or `https:`.
    pub to: Option<Spanned<Text>>,
    /// The UTC day that it tells of.
    pub day: Option<Spanned<Day>>,
    /// Sessions that succeeded; of a DMARC report, messages that passed.
    pub successful: Option<Spanned<Count>>,
    /// Sessions that failed; of a DMARC report, messages that did not pass.
    pub failed: Option<Spanned<Count>>,
    /// The result type of a failure.
    pub result: Option<Spanned<Text>>,
    /// The policy.
    pub policy: Option<Spanned<ReportedPolicy>>,
}

/// `resolved`: the resolver's verdict on an answer.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Resolved {
    /// The name asked for.
    pub name: Option<Spanned<DomainName>>,
    /// The type asked for.
    #[serde(rename = "type")]
    pub rtype: Option<Spanned<RecordTypeName>>,
    /// The verdict.
    pub status: Option<Spanned<ResolvedStatus>>,
    /// Its reason.
    pub reason: Option<Spanned<Text>>,
    /// The server that answered.
    pub server: Option<Spanned<HostRef>>,
}

/// `status`: a DKIM configuration is in this state.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Status {
    /// The domain.
    pub domain: Spanned<DomainName>,
    /// The state.
    pub dkim: Option<Spanned<DkimStatusWord>>,
    /// Whether it signs.
    pub enabled: Option<Spanned<bool>>,
    /// Whether a rotation is under way.
    pub rotating: Option<Spanned<bool>>,
}

/// `refused`: a `configure` or `rotate` was refused.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Refused {
    /// The domain.
    pub domain: Option<Spanned<DomainName>>,
    /// A part of the answer.
    pub text: Option<Spanned<Text>>,
}

/// `in-clear`: content or addresses of a message crossed the wire outside TLS.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct InClear {
    /// The recipient.
    pub to: Option<Spanned<KnownAddress>>,
    /// The message.
    pub message: Option<Spanned<SentRef>>,
    /// The host that saw it.
    pub seen_by: Option<Spanned<HostRef>>,
}

/// `cost`: the most work one lookup took.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cost {
    /// Queries to name servers.
    pub dns_queries: Option<Spanned<Count>>,
    /// Signatures checked.
    pub signature_checks: Option<Spanned<Count>>,
    /// NSEC3 hashes computed.
    pub hashes: Option<Spanned<Count>>,
}
