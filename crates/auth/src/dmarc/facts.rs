//! What DMARC is told before it looks anything up: the standard to follow, and the authenticated domains.

/// The most domains with a DKIM result that are compared with the author's.
pub const MAX_SIGNERS: usize = 50;

/// The standard that is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rules {
    /// RFC 7489 with the Public Suffix List, and `np=` of RFC 9091.
    #[default]
    Rfc7489,
    /// RFC 9989.
    Rfc9989,
}

/// How DMARC is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The standard.
    pub rules: Rules,
    /// Whether a message that passes without a record is a `bestguesspass`, as at Microsoft.
    pub best_guess: bool,
}

impl Settings {
    /// Exchange Online: RFC 7489, and `bestguesspass`.
    pub fn exchange() -> Settings {
        Settings { rules: Rules::Rfc7489, best_guess: true }
    }

    /// A standard, exactly.
    pub fn standard(rules: Rules) -> Settings {
        Settings { rules, best_guess: false }
    }
}

/// The outcome of an authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The domain is authenticated.
    Pass,
    /// It is not.
    Fail,
    /// DNS failed, so the outcome is unknown.
    TempError,
}

/// A domain and the outcome of its authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier {
    /// The domain, as it was received.
    pub domain: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What is known of a message besides its author.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// SPF, for the domain of MAIL FROM, which for the null reverse-path is the name in HELO (RFC 7208 §2.4).
    pub spf: Option<Identifier>,
    /// DKIM, one for each signature, with its `d=`.
    pub dkim: Vec<Identifier>,
    /// The draw for `pct=`, from 0 to 99: the message is in the share when the draw is below the percentage. The caller
    /// gives it, so that the same message gets the same result.
    pub draw: u8,
}
