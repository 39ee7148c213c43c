//! Aggregate reports: what a receiver reports to the owner of a domain about a day's messages (RFC 7489 §7.2 and
//! appendix C, RFC 9990).
//!
//! An owner asks for them with `rua=`. A report is an XML document, `feedback`, about one domain that publishes a
//! record and one state of that record. Messages that agree in everything reported about them (address, results,
//! domains) are one row with a count.
//!
//! | module | holds |
//! |---|---|
//! | [`collect`] | a day's messages, and the reports at its end |
//! | `write`, [`read`] | the document |
//! | [`deliver`] | which addresses may get it |
//! | [`message`] | the message that carries it |
//!
//! Failure reports about single messages (RFC 7489 §7.3, RFC 9991) are not written here, nor the error reports that
//! inform an owner that no destination could take a report (RFC 7489 §7.2.2).

pub mod collect;
pub mod deliver;
pub mod message;
pub mod read;
mod write;

use std::net::IpAddr;

use super::Policy;
use crate::alignment::Mode;
pub use collect::{Collector, Day, Finished, Observation, Reporter};
pub use read::ReadError;

/// An enum whose variants are the words of an element.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// The word in the document.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }

            fn from_word(word: &str) -> Option<$name> {
                match word { $($word => Some($name::$variant),)+ _ => None }
            }
        }
    };
}

/// The format of the document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// RFC 7489 appendix C, without a namespace, as it is usually written.
    #[default]
    Rfc7489,
    /// RFC 9990.
    Rfc9990,
}

/// The namespace of RFC 9990.
pub const NAMESPACE: &str = "urn:ietf:params:xml:ns:dmarc-2.0";

words! {
    /// What was done with a message.
    Disposition {
        /// Nothing.
        None = "none",
        /// Nothing, because it passed although the policy has consequences. Only in RFC 9990.
        Pass = "pass",
        /// It was treated as suspicious.
        Quarantine = "quarantine",
        /// It was refused.
        Reject = "reject",
    }
}

words! {
    /// How the record was found. Only in RFC 9990.
    DiscoveryMethod {
        /// With the Public Suffix List.
        Psl = "psl",
        /// With the tree walk.
        TreeWalk = "treewalk",
    }
}

words! {
    /// Why the policy was not applied as it was asked for.
    ReasonKind {
        /// The message was forwarded. Only in RFC 7489.
        Forwarded = "forwarded",
        /// `pct=` exempted it. Only in RFC 7489.
        SampledOut = "sampled_out",
        /// A forwarder that the receiver trusts.
        TrustedForwarder = "trusted_forwarder",
        /// It came by a mailing list.
        MailingList = "mailing_list",
        /// The receiver's own policy.
        LocalPolicy = "local_policy",
        /// The owner is testing. Only in RFC 9990.
        PolicyTestMode = "policy_test_mode",
        /// Something else, which the comment explains.
        Other = "other",
    }
}

words! {
    /// A result of DKIM (RFC 8601 §2.7.1).
    DkimWord {
        /// No signature.
        None = "none",
        /// It holds.
        Pass = "pass",
        /// It does not.
        Fail = "fail",
        /// The receiver's policy does not accept it.
        Policy = "policy",
        /// It cannot be processed.
        Neutral = "neutral",
        /// DNS failed.
        TempError = "temperror",
        /// It cannot be verified, ever.
        PermError = "permerror",
    }
}

words! {
    /// A result of SPF (RFC 8601 §2.7.2).
    SpfWord {
        /// No record.
        None = "none",
        /// The owner makes no statement.
        Neutral = "neutral",
        /// The client may send.
        Pass = "pass",
        /// It may not.
        Fail = "fail",
        /// It probably may not.
        SoftFail = "softfail",
        /// DNS failed.
        TempError = "temperror",
        /// The record cannot be understood.
        PermError = "permerror",
    }
}

words! {
    /// Whose domain SPF checked.
    Scope {
        /// That of HELO. Only in RFC 7489.
        Helo = "helo",
        /// That of MAIL FROM.
        MailFrom = "mfrom",
    }
}

/// A time, both ends included, in seconds since 1970 (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    /// The first second.
    pub begin: i64,
    /// The last second.
    pub end: i64,
}

/// Who reports, and the period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// The organization that reports.
    pub org_name: String,
    /// Its address for questions.
    pub email: String,
    /// Another way to reach it.
    pub extra_contact_info: Option<String>,
    /// The identifier of the report, unique among those about one domain.
    pub report_id: String,
    /// The time.
    pub period: Period,
    /// What went wrong with the record; RFC 9990 has one element at most.
    pub errors: Vec<String>,
    /// The program that wrote it. Only in RFC 9990.
    pub generator: Option<String>,
}

/// The record, as the receiver saw it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyPublished {
    /// The domain that publishes it.
    pub domain: String,
    /// How it was found. Only in RFC 9990.
    pub discovery_method: Option<DiscoveryMethod>,
    /// `adkim=`.
    pub adkim: Option<Mode>,
    /// `aspf=`.
    pub aspf: Option<Mode>,
    /// `p=`.
    pub policy: Policy,
    /// `sp=`.
    pub subdomain: Option<Policy>,
    /// `np=`.
    pub nonexistent: Option<Policy>,
    /// `pct=`. Only in RFC 7489.
    pub percent: Option<u8>,
    /// `t=`. Only in RFC 9990.
    pub testing: Option<bool>,
    /// `fo=`.
    pub failure_options: Option<String>,
}

/// Why the policy was not applied as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// The kind.
    pub kind: ReasonKind,
    /// More about it.
    pub comment: Option<String>,
}

/// A signature and its result.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DkimAuth {
    /// Its `d=`.
    pub domain: String,
    /// Its `s=`; RFC 9990 requires it.
    pub selector: Option<String>,
    /// The result.
    pub result: DkimWord,
    /// More about it, for people.
    pub human_result: Option<String>,
}

/// A domain that SPF checked, and the result.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpfAuth {
    /// The domain.
    pub domain: String,
    /// Whose domain it is.
    pub scope: Option<Scope>,
    /// The result.
    pub result: SpfWord,
    /// More about it, for people.
    pub human_result: Option<String>,
}

/// Messages that agree in all of this: a `record` of the document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// Whence they came.
    pub source_ip: IpAddr,
    /// How many.
    pub count: u64,
    /// What was done with them.
    pub disposition: Disposition,
    /// Whether DKIM gave an aligned pass.
    pub dkim: bool,
    /// Whether SPF gave an aligned pass.
    pub spf: bool,
    /// Why the policy was not applied as it was asked for.
    pub reasons: Vec<Reason>,
    /// The author's domain.
    pub header_from: String,
    /// The domain of MAIL FROM; empty for the null reverse-path.
    pub envelope_from: Option<String>,
    /// The recipient's domain.
    pub envelope_to: Option<String>,
    /// The signatures.
    pub dkim_results: Vec<DkimAuth>,
    /// What SPF checked: at least one by RFC 7489, at most one by RFC 9990.
    pub spf_results: Vec<SpfAuth>,
}

/// An aggregate report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AggregateReport {
    /// The format in which it is or was written.
    pub form: Form,
    /// Who reports, and the period.
    pub metadata: Metadata,
    /// The record that it is about.
    pub policy: PolicyPublished,
    /// The messages.
    pub rows: Vec<Row>,
}

#[cfg(test)]
mod tests;
