//! What must and must not be in the record: `[[expect]]` and `[[never]]` (reference section 7).

use schemars::JsonSchema;
use serde::Deserialize;

use super::declarations::Map;
use super::spanned::{Span, Spanned};
use super::values::*;
use super::word::verbs;
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
        /// The window begins here. The beginning counts.
        ///
        /// Default: `+0s`.
        after: Time,
        /// The window ends here. The end counts.
        ///
        /// Default: the end of the run.
        within: Time,
        /// The cells in which the expectation applies: for each axis one value, or a list of values, by name.
        ///
        /// Default: every cell.
        when: Map<Name, Spanned<AxisValues>>,
    }
    /// What an expectation is about. Each holds the place of its table.
    enum Verb by into_verb {
        /// A server took the message.
        delivered = "delivered": Delivered(Delivered),
        /// An attempt failed, and the message stays in the queue.
        deferred = "deferred": Deferred(Failed),
        /// The sender gave up and wrote an NDR.
        bounced = "bounced": Bounced(Failed),
        /// A server refused the message.
        rejected = "rejected": Rejected(Failed),
        /// A report other than an NDR was sent about the message.
        notified = "notified": Notified(Notified),
        /// The whole list of attempts is this one.
        attempted = "attempted": Attempted(Attempted),
        /// The inbound engine judged the message like this.
        verdict = "verdict": Verdict(Verdict),
        /// The message was delivered with this header field.
        stamped = "stamped": Stamped(Stamped),
        /// Somebody put a DKIM signature on the message.
        signed = "signed": Signed(Signed),
        /// A report left for its address. Reports are sent after the end of their day, so the entry needs a `within` that the
        /// run reaches.
        reported = "reported": Reported(Reported),
        /// The resolver came to this result.
        resolved = "resolved": Resolved(Resolved),
        /// The DKIM configuration of a domain is in this state.
        ///
        /// Not supported yet.
        status = "status": Status(Status),
        /// A `configure` or `rotate` was refused.
        ///
        /// Not supported yet.
        refused = "refused": Refused(Refused),
        /// The content or an address of a message crossed the wire outside TLS.
        in_clear = "in-clear": InClear(InClear),
        /// The lookup that took the most work took this much.
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
    /// The `id` of the `send`, or `ndr`, `delay`, `dmarc-report` for what the engines write.
    pub message: Option<Spanned<SentRef>>,
    /// The host that took it.
    pub host: Option<Spanned<HostRef>>,
    /// How the delivery was protected.
    ///
    /// Not supported yet: `mta-sts`.
    pub security: Option<Spanned<SecurityLevel>>,
    /// The folder of the mailbox in which it is.
    pub folder: Option<Spanned<Folder>>,
    /// How many attempts there were for this recipient, this one included.
    pub attempts: Option<Spanned<Count>>,
    /// How many copies arrived in the whole run.
    pub copies: Option<Spanned<Count>>,
}

/// `deferred`, `bounced`, `rejected`: it was not delivered.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Failed {
    /// The recipient.
    pub to: Option<Spanned<KnownAddress>>,
    /// The `id` of the `send`, or `ndr`, `delay`, `dmarc-report` for what the engines write.
    pub message: Option<Spanned<SentRef>>,
    /// The enhanced status code. Its class is 4 for `deferred`, 5 for `bounced`, 4 or 5 for `rejected`.
    pub code: Option<Spanned<EnhancedCode>>,
    /// A part of the reply.
    pub text: Option<Spanned<Text>>,
    /// How many attempts there were for this recipient, this one included. A refusal does not know it.
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
    /// The recipient that the report is about.
    pub to: Option<Spanned<KnownAddress>>,
    /// The `id` of the message that the report is about.
    pub message: Option<Spanned<SentRef>>,
    /// What the report says.
    ///
    /// Not supported yet: `delivered`, `relayed`.
    pub action: Option<Spanned<NotifiedAction>>,
}

/// `attempted`: the whole list of attempts.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Attempted {
    /// The recipient.
    pub to: Option<Spanned<KnownAddress>>,
    /// The `id` of the `send`.
    pub message: Option<Spanned<SentRef>>,
    /// When the attempts were made: all of them, exactly.
    pub times: Option<Spanned<Vec<Spanned<Time>>>>,
    /// The hosts that were tried: all of them, in order.
    pub hosts: Option<Spanned<Vec<Spanned<HostRef>>>>,
}

/// `verdict`: how the inbound engine judged a message.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Verdict {
    /// The recipient.
    pub to: Option<Spanned<KnownAddress>>,
    /// The `id` of the `send`.
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
    /// The reason of the composite verdict, three digits.
    pub reason: Option<Spanned<Text>>,
    /// A part of one of the clauses that say why.
    pub because: Option<Spanned<Text>>,
    /// The result of ARC.
    ///
    /// Not supported yet.
    pub arc: Option<Spanned<ArcWord>>,
    /// Whether ARC overrode the failure: 1 or 0.
    ///
    /// Not supported yet.
    #[schemars(range(min = 0, max = 1))]
    pub oda: Option<Spanned<u8>>,
    /// What overrode the verdict.
    ///
    /// Not supported yet.
    #[serde(rename = "override")]
    pub overridden: Option<Spanned<OverrideWord>>,
    /// The category of the message, `CAT`.
    ///
    /// Not supported yet.
    pub category: Option<Spanned<Text>>,
}

/// `stamped`: a header field of the message as delivered.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Stamped {
    /// The recipient.
    pub to: Option<Spanned<KnownAddress>>,
    /// The `id` of the `send`.
    pub message: Option<Spanned<SentRef>>,
    /// The name of the header field.
    pub header: Spanned<Text>,
    /// The whole value of the field, unfolded. Without it, any field of this name will do.
    pub value: Option<Spanned<Text>>,
}

/// `signed`: a DKIM signature put on.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Signed {
    /// The `id` of the `send`.
    pub message: Option<Spanned<SentRef>>,
    /// The domain that signed.
    pub domain: Option<Spanned<DomainName>>,
    /// The selector of the signature.
    pub selector: Option<Spanned<DomainName>>,
}

/// `reported`: a report left for its address.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Reported {
    /// The domain that the report is about.
    pub domain: Spanned<DomainName>,
    /// The kind of the report. It is needed, because there is only one yet.
    ///
    /// Not supported yet: `tls`, `spoof`.
    pub kind: Option<Spanned<ReportKind>>,
    /// The address of the report: `mailto:` or `https:`.
    pub to: Option<Spanned<Text>>,
    /// The UTC day that the report is about.
    pub day: Option<Spanned<Day>>,
    /// How many messages passed DMARC.
    pub successful: Option<Spanned<Count>>,
    /// How many messages did not pass DMARC.
    pub failed: Option<Spanned<Count>>,
    /// The result type of a failure.
    ///
    /// Not supported yet.
    pub result: Option<Spanned<Text>>,
    /// The policy that the report is about.
    ///
    /// Not supported yet.
    pub policy: Option<Spanned<ReportedPolicy>>,
}

/// `resolved`: the resolver's verdict on an answer.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Resolved {
    /// The name that was asked for.
    pub name: Option<Spanned<DomainName>>,
    /// The type that was asked for.
    #[serde(rename = "type")]
    pub rtype: Option<Spanned<RecordTypeName>>,
    /// The result.
    pub status: Option<Spanned<ResolvedStatus>>,
    /// The reason of the result, as the story has it.
    pub reason: Option<Spanned<Text>>,
    /// The name server that answered.
    pub server: Option<Spanned<HostRef>>,
    /// What was found.
    pub found: Option<Spanned<ResolvedFound>>,
}

/// `status`: a DKIM configuration is in this state.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Status {
    /// The domain.
    ///
    /// Not supported yet.
    pub domain: Spanned<DomainName>,
    /// The state.
    ///
    /// Not supported yet.
    pub dkim: Option<Spanned<DkimStatusWord>>,
    /// Whether it signs.
    ///
    /// Not supported yet.
    pub enabled: Option<Spanned<bool>>,
    /// Whether a rotation is under way.
    ///
    /// Not supported yet.
    pub rotating: Option<Spanned<bool>>,
}

/// `refused`: a `configure` or `rotate` was refused.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Refused {
    /// The domain.
    ///
    /// Not supported yet.
    pub domain: Option<Spanned<DomainName>>,
    /// A part of the answer.
    ///
    /// Not supported yet.
    pub text: Option<Spanned<Text>>,
}

/// `in-clear`: content or addresses of a message crossed the wire outside TLS.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct InClear {
    /// The recipient.
    pub to: Option<Spanned<KnownAddress>>,
    /// The `id` of the `send`.
    pub message: Option<Spanned<SentRef>>,
    /// The host that saw it.
    ///
    /// Not supported yet.
    pub seen_by: Option<Spanned<HostRef>>,
}

/// `cost`: the most work one lookup took.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cost {
    /// How many queries to name servers.
    pub dns_queries: Option<Spanned<Count>>,
    /// How many signatures were checked.
    pub signature_checks: Option<Spanned<Count>>,
    /// How many NSEC3 hashes were computed.
    pub hashes: Option<Spanned<Count>>,
}
