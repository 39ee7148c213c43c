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

verbs! {
    /// An entry of `[[expect]]` or `[[never]]` as it is written.
    entry ExpectEntry {
        /// Not before (`+0s`).
        after: Time,
        /// Not after (the end of the run).
        within: Time,
        /// Only in these cells.
        when: Map<Name, Spanned<AxisValues>>,
    }
    /// What an expectation is about. Each holds the place of its table.
    enum Verb by into_verb {
        /// A server took the message.
        delivered = "delivered": Delivered(Delivered),
        /// An attempt failed, the message stays queued.
        deferred = "deferred": Deferred(Failed),
        /// The sender gave up and made an NDR.
        bounced = "bounced": Bounced(Failed),
        /// A receiver refused it.
        rejected = "rejected": Rejected(Failed),
        /// A DSN other than a failure went out.
        notified = "notified": Notified(Notified),
        /// The whole list of attempts.
        attempted = "attempted": Attempted(Attempted),
        /// How the inbound engine judged it.
        verdict = "verdict": Verdict(Verdict),
        /// A header field of the message as delivered.
        stamped = "stamped": Stamped(Stamped),
        /// A DKIM signature put on.
        signed = "signed": Signed(Signed),
        /// A report left for its address.
        reported = "reported": Reported(Reported),
        /// The resolver's verdict on an answer.
        resolved = "resolved": Resolved(Resolved),
        /// A DKIM configuration is in this state.
        status = "status": Status(Status),
        /// A `configure` or `rotate` was refused.
        refused = "refused": Refused(Refused),
        /// Content or addresses of a message crossed the wire outside TLS.
        in_clear = "in-clear": InClear(InClear),
        /// The most work one lookup took.
        cost = "cost": Cost(Cost),
    }
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

/// A recipient and a message, as far as they are named.
pub type About<'v> = (Option<&'v Spanned<KnownAddress>>, Option<&'v Spanned<SentRef>>);

impl Verb {
    /// Whether it cannot be decided before the end of its window: `copies` counts over the whole run, a list of attempts
    /// may still grow, a later lookup may need more work.
    pub fn stays_open(&self) -> bool {
        match self {
            Self::Delivered(table) => table.copies.is_some(),
            Self::Attempted(_) | Self::Cost(_) => true,
            Self::Deferred(_)
            | Self::Bounced(_)
            | Self::Rejected(_)
            | Self::Notified(_)
            | Self::Verdict(_)
            | Self::Stamped(_)
            | Self::Signed(_)
            | Self::Reported(_)
            | Self::Resolved(_)
            | Self::Status(_)
            | Self::Refused(_)
            | Self::InClear(_) => false,
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
            Self::Reported(_) | Self::Resolved(_) | Self::Status(_) | Self::Refused(_) | Self::Cost(_) => return None,
        })
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
    /// A part of one of the clauses that say why.
    pub because: Option<Spanned<Text>>,
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
    /// What was found.
    pub found: Option<Spanned<ResolvedFound>>,
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
