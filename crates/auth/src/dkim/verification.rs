//! The result for a signature, its cause, and the evidence.
//!
//! RFC 6376 §3.9 knows SUCCESS, PERMFAIL and TEMPFAIL. RFC 8601 §2.7.1 has more words for `Authentication-Results`
//! ([`Verification::result`]), and Microsoft has words and comments of its own ([`Verification::microsoft`]).

use mxlab_mail::authres::{DkimClause, DkimResult};

use super::key_query::{KeyFailure, Unsuitable};
use super::signature::{Signature, SignatureError, moment};
use crate::dns::Lookup;

/// Why a signature does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The field is not a signature (RFC 6376 §6.1.1).
    #[error("the signature is malformed: {0}")]
    Malformed(#[from] SignatureError),
    /// `rsa-sha1`, with which no signature is valid (RFC 8301 §3.1).
    #[error("the signature is made with SHA-1")]
    Sha1,
    /// The time is past `x=`.
    #[error("the signature expired at {}", moment(*expiration))]
    Expired {
        /// `x=`, in seconds since 1970.
        expiration: u64,
        /// The time, in seconds since 1970.
        now: i64,
    },
    /// The time is before `t=`, and the policy refuses such signatures.
    #[error("the signature is dated {}, which is in the future", moment(*timestamp))]
    NotYet {
        /// `t=`, in seconds since 1970.
        timestamp: u64,
        /// The time, in seconds since 1970.
        now: i64,
    },
    /// There is no key with which to check it.
    #[error(transparent)]
    Key(#[from] KeyFailure),
    /// `l=` says that more octets are signed than there are (RFC 6376 §3.5).
    #[error("l={signed}, but the body has only {length} octets")]
    BodyTooShort {
        /// `l=`.
        signed: u64,
        /// The length of the canonical body in octets.
        length: u64,
    },
    /// The hash of the body is not `bh=`.
    #[error("body hash did not verify: the body was changed, and the signature over the header {}", holds(*signature_holds))]
    BodyHash {
        /// The hash of the body in base64.
        computed: String,
        /// Whether the signature over the header, including `bh=`, holds: then the domain has signed another body. Else
        /// the header was changed as well, or the domain signed nothing.
        signature_holds: bool,
    },
    /// The body matches `bh=`, but `b=` is not a signature of the key.
    #[error("signature did not verify: a signed header field was changed, or another key made the signature")]
    Signature,
    /// The signature holds, but `l=` leaves a part of the body unsigned, and the policy refuses that.
    #[error("{unsigned} of {length} octets of the body are not signed")]
    PartialBody {
        /// How many octets of the canonical body are not signed.
        unsigned: u64,
        /// The length of the canonical body in octets.
        length: u64,
    },
    /// The signature holds, but does not cover every `From` field, or there is none; and the policy refuses that
    /// (RFC 6376 §3.8, §8.15).
    #[error("the message has {fields} From fields, {signed} of them signed")]
    UnsignedFrom {
        /// How many there are.
        fields: usize,
        /// How many of them are signed.
        signed: usize,
    },
    /// The message has more signatures than are checked.
    #[error("not checked: only the first {limit} signatures are")]
    NotChecked {
        /// How many are checked.
        limit: usize,
    },
}

impl Failure {
    /// The cause in a word.
    pub fn word(&self) -> &'static str {
        match self {
            Failure::Malformed(SignatureError::FromNotSigned) | Failure::UnsignedFrom { .. } => "from-not-signed",
            Failure::Malformed(_) => "malformed",
            Failure::Sha1 => "sha1",
            Failure::Expired { .. } => "expired",
            Failure::NotYet { .. } => "not-yet",
            Failure::Key(KeyFailure::NoKey { .. }) => "no-key",
            Failure::Key(KeyFailure::Malformed { .. }) => "key-malformed",
            Failure::Key(KeyFailure::Revoked { .. }) => "key-revoked",
            Failure::Key(KeyFailure::Unsuitable { .. }) => "key-unsuitable",
            Failure::Key(KeyFailure::Weak { .. }) => "key-weak",
            Failure::Key(KeyFailure::Timeout { .. }) => "key-timeout",
            Failure::Key(KeyFailure::Temporary { .. }) => "key-unavailable",
            Failure::BodyTooShort { .. } => "body-too-short",
            Failure::BodyHash { .. } => "body-hash",
            Failure::Signature => "signature",
            Failure::PartialBody { .. } => "partial-body",
            Failure::NotChecked { .. } => "not-checked",
        }
    }
}

fn holds(it: bool) -> &'static str {
    if it { "holds" } else { "does not hold" }
}

/// The results for a signature in `Authentication-Results` (RFC 8601 §2.7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResultWord {
    /// It holds.
    Pass,
    /// It does not hold.
    Fail,
    /// It holds, but is not accepted.
    Policy,
    /// It could not be read, or was not processed.
    Neutral,
    /// It cannot be checked now.
    TempError,
    /// It can never be checked.
    PermError,
}

impl ResultWord {
    /// The word in the field.
    pub fn word(self) -> &'static str {
        match self {
            ResultWord::Pass => "pass",
            ResultWord::Fail => "fail",
            ResultWord::Policy => "policy",
            ResultWord::Neutral => "neutral",
            ResultWord::TempError => "temperror",
            ResultWord::PermError => "permerror",
        }
    }
}

impl std::fmt::Display for ResultWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// How much of the canonical body a signature covers, in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyCoverage {
    /// How many are signed.
    pub signed: u64,
    /// How many there are.
    pub length: u64,
}

/// How many `From` fields a signature covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FromCoverage {
    /// How many are signed: the last ones.
    pub signed: usize,
    /// How many there are.
    pub fields: usize,
}

/// The result for a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Which of the message's `DKIM-Signature` fields this is, from the top, beginning with 0.
    pub number: usize,
    /// `d=` as it is written, even if the field is malformed elsewhere.
    pub domain: Option<String>,
    /// `s=` as it is written, even if the field is malformed elsewhere.
    pub selector: Option<String>,
    /// The signature; none if the field is malformed or was not checked.
    pub signature: Option<Signature>,
    /// Whether it holds and counts, and if not, why.
    pub outcome: Result<(), Failure>,
    /// How much of the body it covers; none if the check ended earlier.
    pub body: Option<BodyCoverage>,
    /// How many `From` fields it covers; none if the field is malformed or was not checked.
    pub from: Option<FromCoverage>,
    /// The key has the flag `y`: the domain tests DKIM, and a message that it signs is to be treated as an unsigned
    /// one, whatever the result (RFC 6376 §3.6.1).
    pub testing: bool,
    /// `t=` is later than now.
    pub from_the_future: bool,
    /// The lookups for it; a lookup that an earlier signature made is not repeated.
    pub lookups: Vec<Lookup>,
}

/// A clause in Microsoft's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MicrosoftClause {
    /// The clause.
    pub clause: DkimClause,
    /// Whether the word is documented or was seen for exactly this result. Else it is the nearest word *(choice)*.
    pub own_word: bool,
}

impl Verification {
    /// Whether the signature holds and counts.
    pub fn passed(&self) -> bool {
        self.outcome.is_ok()
    }

    /// What became of it in a word: `pass`, `pass-in-part` if `l=` leaves a part of the body unsigned, or the cause of the
    /// failure ([`Failure::word`]).
    pub fn word(&self) -> &'static str {
        match (&self.outcome, self.body) {
            (Err(failure), _) => failure.word(),
            (Ok(()), Some(body)) if body.signed < body.length => "pass-in-part",
            (Ok(()), _) => "pass",
        }
    }

    /// The result in the words of RFC 8601 §2.7.1.
    pub fn result(&self) -> ResultWord {
        let Err(failure) = &self.outcome else { return ResultWord::Pass };
        match failure {
            Failure::Malformed(SignatureError::FromNotSigned) | Failure::Sha1 => ResultWord::PermError,
            Failure::Malformed(_) | Failure::NotChecked { .. } => ResultWord::Neutral,
            Failure::Key(KeyFailure::Timeout { .. } | KeyFailure::Temporary { .. }) => ResultWord::TempError,
            Failure::Key(_) => ResultWord::PermError,
            Failure::Expired { .. }
            | Failure::NotYet { .. }
            | Failure::BodyTooShort { .. }
            | Failure::BodyHash { .. }
            | Failure::Signature => ResultWord::Fail,
            Failure::PartialBody { .. } | Failure::UnsignedFrom { .. } => ResultWord::Policy,
        }
    }

    /// The clause that Microsoft writes. It has words for a few results only (`exchange.md` §1.2).
    pub fn microsoft(&self) -> MicrosoftClause {
        let (result, own_word) = match &self.outcome {
            Ok(()) => (DkimResult::Pass, true),
            Err(Failure::BodyHash { .. }) => (DkimResult::FailBodyHash, true),
            Err(Failure::Signature) => (DkimResult::FailSignature, true),
            Err(Failure::Key(KeyFailure::NoKey { .. })) => (DkimResult::FailNoKey, true),
            Err(Failure::Key(KeyFailure::Timeout { .. })) => (DkimResult::Timeout, true),
            Err(Failure::Key(KeyFailure::Temporary { .. })) => (DkimResult::TempError, true),
            Err(Failure::BodyTooShort { .. }) => (DkimResult::FailBodyHash, false),
            // There is a record, but without a key, or the record must be ignored (§3.6.1 on `s=`, §6.1.2 on `h=`).
            Err(Failure::Key(
                KeyFailure::Malformed { .. }
                | KeyFailure::Revoked { .. }
                | KeyFailure::Unsuitable { reason: Unsuitable::Service { .. } | Unsuitable::Hash { .. }, .. },
            )) => (DkimResult::FailNoKey, false),
            Err(_) => (DkimResult::FailSignature, false),
        };
        MicrosoftClause { clause: DkimClause { result, domain: self.domain.clone() }, own_word }
    }

    /// Why, in clauses for people.
    pub fn because(&self) -> Vec<String> {
        let domain = self.domain.as_deref().unwrap_or("an unknown domain");
        let selector =
            self.selector.as_deref().map(|selector| format!(" with selector {selector}")).unwrap_or_default();
        let mut reasons = vec![match &self.outcome {
            Ok(()) => format!("the signature of {domain}{selector} holds"),
            Err(failure) => format!("the signature of {domain}{selector} does not count: {failure}"),
        }];
        if let Some(BodyCoverage { signed, length }) = self.body
            && signed < length
        {
            reasons.push(format!("it covers the first {signed} of {length} octets of the body (l=)"));
        }
        if let Some(FromCoverage { signed, fields }) = self.from
            && (fields != 1 || signed != 1)
        {
            reasons.push(format!("it covers {signed} of {fields} From fields"));
        }
        if self.testing {
            reasons.push(format!("{domain} tests DKIM (t=y): the message is to be treated as unsigned"));
        }
        if self.from_the_future {
            reasons.push("it is dated in the future (t=)".to_owned());
        }
        reasons
    }
}
