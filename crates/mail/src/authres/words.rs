//! The words of the results: of the methods, and of what was done about them.

use std::fmt;

/// An enum whose variants are the words of a field.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// The word in the field.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }

            /// The variant of a word.
            pub fn from_word(word: &str) -> Option<$name> {
                match word { $($word => Some($name::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

pub(super) use words;

words! {
    /// The results of SPF (RFC 7208 §2.6).
    SpfResult {
        /// The client may send for the domain.
        Pass = "pass",
        /// It may not.
        Fail = "fail",
        /// It probably may not.
        SoftFail = "softfail",
        /// The domain says nothing about it.
        Neutral = "neutral",
        /// The domain has no SPF record, or there is no domain to ask.
        None = "none",
        /// DNS failed; a later attempt may succeed.
        TempError = "temperror",
        /// The domain's records cannot be understood.
        PermError = "permerror",
    }
}

words! {
    /// The results of DMARC, as Microsoft words them.
    DmarcResult {
        /// An aligned SPF or DKIM result is a pass.
        Pass = "pass",
        /// None is.
        Fail = "fail",
        /// There is no DMARC record, but with one the message would have passed.
        BestGuessPass = "bestguesspass",
        /// There is no DMARC record, and the message would not have passed.
        None = "none",
        /// The record could not be looked up.
        TempError = "temperror",
        /// The record cannot be understood.
        PermError = "permerror",
    }
}

words! {
    /// What was done about a DMARC failure.
    DmarcAction {
        /// Nothing.
        None = "none",
        /// The record says `p=reject`.
        OReject = "oreject",
        /// The record says `p=quarantine`.
        Quarantine = "quarantine",
        /// Documented, but never seen.
        Reject = "reject",
        /// `p=quarantine`, and the message was exempt by `pct`.
        PctQuarantine = "pct.quarantine",
        /// `p=reject`, and the message was exempt by `pct`.
        PctReject = "pct.reject",
        /// Documented as an action, but seen only as a result.
        PermError = "permerror",
        /// Documented as an action, but seen only as a result.
        TempError = "temperror",
    }
}

words! {
    /// The results of composite authentication.
    CompAuthResult {
        /// Authenticated, explicitly or implicitly.
        Pass = "pass",
        /// Implicitly authenticated, with little confidence.
        SoftPass = "softpass",
        /// Not authenticated.
        Fail = "fail",
        /// Not evaluated, or bypassed.
        None = "none",
    }
}

/// The result for one DKIM signature, or for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DkimResult {
    /// The signature holds.
    Pass,
    /// The body is not the one that was signed.
    FailBodyHash,
    /// The signature does not verify.
    FailSignature,
    /// The selector has no key.
    FailNoKey,
    /// There is no signature.
    None,
    /// The key could not be looked up in time.
    Timeout,
    /// Named in the documents, never seen.
    TempError,
    /// Named in third-party lists, never seen.
    PermError,
}

impl DkimResult {
    pub(super) const ALL: [DkimResult; 8] = [
        DkimResult::Pass,
        DkimResult::FailBodyHash,
        DkimResult::FailSignature,
        DkimResult::FailNoKey,
        DkimResult::None,
        DkimResult::Timeout,
        DkimResult::TempError,
        DkimResult::PermError,
    ];

    /// The word in the field.
    pub fn word(self) -> &'static str {
        match self {
            DkimResult::Pass => "pass",
            DkimResult::FailBodyHash | DkimResult::FailSignature | DkimResult::FailNoKey => "fail",
            DkimResult::None => "none",
            DkimResult::Timeout => "timeout",
            DkimResult::TempError => "temperror",
            DkimResult::PermError => "permerror",
        }
    }

    /// The comment after the word.
    pub fn comment(self) -> Option<&'static str> {
        match self {
            DkimResult::Pass => Some("signature was verified"),
            DkimResult::FailBodyHash => Some("body hash did not verify"),
            DkimResult::FailSignature => Some("signature did not verify"),
            DkimResult::FailNoKey => Some("no key for signature"),
            DkimResult::None => Some("message not signed"),
            DkimResult::Timeout => Some("key query timeout"),
            DkimResult::TempError | DkimResult::PermError => None,
        }
    }
}
