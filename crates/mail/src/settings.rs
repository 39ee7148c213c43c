//! Settings of mail engines that more than one crate must know by name: the words as an administrator writes them, and
//! what holds if nothing is written. Names and defaults are those of Exchange Online.

use std::time::Duration;

/// Defines a setting that takes one of a few words; the first is the default.
macro_rules! settings {
    ($($(#[$doc:meta])+ $name:ident { $($(#[$word_doc:meta])+ $variant:ident = $word:literal,)+ })+) => {$(
        $(#[$doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$word_doc])+ $variant,)+ }

        impl $name {
            /// All of them, the default first.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word as it is written.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::ALL[0]
            }
        }
    )+};
}

settings! {
    /// Whose behaviour an engine follows where documents and RFCs differ.
    Profile {
        /// Exchange Online as documented.
        Exo = "exo",
        /// The RFCs to the letter. Inbound: results as RFC 8601 has them, DMARC by RFC 9989, no composite verdict.
        Rfc = "rfc",
    }
    /// How the outbound engine uses DANE (a connector's `SmtpDaneMode`; RFC 7672).
    DaneMode {
        /// Where the destination publishes TLSA records.
        Opportunistic = "opportunistic",
        /// Always: a destination without it gets nothing.
        Mandatory = "mandatory",
        /// Never; TLSA records are not asked for.
        None = "none",
    }
    /// What happens to mail that fails implicit authentication (`AuthenticationFailAction`).
    AuthFailAction {
        /// It goes to the Junk Email folder.
        MoveToJmf = "move-to-jmf",
        /// It is quarantined.
        Quarantine = "quarantine",
    }
    /// The layout of the `Authentication-Results` field that the inbound engine stamps.
    HeaderLayout {
        /// As stamped today.
        Current = "current",
        /// As stamped before 2021: with the recipient's domain between the clauses.
        Old = "old",
    }
}

/// The intervals between the outbound engine's attempts; the last one repeats.
pub const RETRY: [Duration; 3] =
    [Duration::from_secs(15 * 60), Duration::from_secs(15 * 60), Duration::from_secs(60 * 60)];

/// How long a message waits in the queue before it is given up (`MessageExpirationTimeout`).
pub const EXPIRATION: Duration = Duration::from_secs(24 * 3600);

/// After how long the author is told that a message waits (`DelayNotificationTimeout`).
pub const DELAY_NOTICE: Duration = Duration::from_secs(4 * 3600);
