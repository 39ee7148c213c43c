//! The fields that take one of a few words.

/// Defines an enum whose values are written as words: parsing, showing, and the schema come from one list.
macro_rules! words {
    ($($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $word_doc:literal])+ $variant:ident = $word:literal,)+ })+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[doc = $word_doc])+ $variant,)+ }

        impl $name {
            /// All of them, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word as it is written.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// What each of them means, in the order of [`Self::ALL`].
            pub const MEANINGS: &'static [&'static str] = &[$(concat!($($word_doc),+),)+];
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = String::deserialize(deserializer)?;
                let known = Self::ALL.iter().copied().find(|value| value.word() == word);
                known.ok_or_else(|| serde::de::Error::unknown_variant(&word, &[$($word,)+]))
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $crate::words::schema(concat!($($doc),+), &[$($word,)+], Self::MEANINGS)
            }
        }
    )+};
}
pub(crate) use words;

/// The schema of a list of words. Their meanings are where tools for TOML look for them.
pub(crate) fn schema(what: &str, words: &[&str], meanings: &[&str]) -> schemars::Schema {
    let meanings: Vec<&str> = meanings.iter().map(|meaning| meaning.trim()).collect();
    schemars::json_schema!({
        "type": "string",
        "description": what.trim(),
        "enum": words,
        "x-taplo": { "docs": { "enumValues": meanings } },
    })
}

/// Defines the entries of an array each of which has exactly one verb: the entry as it is written, with the fields that
/// every entry has, and what it says as an enum, each variant with its table and the table's place.
macro_rules! verbs {
    (
        $(#[$entry_doc:meta])+ entry $Entry:ident { $($(#[$field_doc:meta])+ $field:ident: $Field:ty,)+ }
        $(#[$enum_doc:meta])+ enum $Enum:ident by $into:ident
        { $($(#[$doc:meta])+ $verb:ident = $word:literal: $Variant:ident($Table:ty),)+ }
    ) => {
        $(#[$entry_doc])+
        #[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $Entry {
            $($(#[$field_doc])+ pub $field: Option<$crate::Spanned<$Field>>,)+
            $($(#[$doc])+ #[serde(rename = $word)] pub $verb: Option<$crate::Spanned<$Table>>,)+
        }

        $(#[$enum_doc])+
        #[derive(Clone, Debug)]
        pub enum $Enum { $($(#[$doc])+ $Variant(Box<$crate::Spanned<$Table>>),)+ }

        impl $Enum {
            /// The verb as it is written.
            pub fn verb(&self) -> &'static str {
                match self { $(Self::$Variant(_) => $word,)+ }
            }

            /// Where its table is written.
            pub fn span(&self) -> $crate::Span {
                match self { $(Self::$Variant(table) => table.span(),)+ }
            }
        }

        impl $Entry {
            /// The one thing that the entry says; nothing if it has no verb.
            pub(crate) fn $into(self) -> Option<$Enum> {
                None$(.or(self.$verb.map(|table| $Enum::$Variant(Box::new(table)))))+
            }
        }
    };
}
pub(crate) use verbs;

/// A type of another crate whose values are written as words.
pub trait Words: Copy + PartialEq + 'static {
    /// What the schema calls it.
    const NAME: &'static str;
    /// What it is.
    const WHAT: &'static str;
    /// All of them, in the order of the reference.
    const ALL: &'static [Self];
    /// What each of them means.
    const MEANINGS: &'static [&'static str];
    /// The word as it is written.
    fn word(self) -> &'static str;
}

/// A word whose meaning another crate owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<T>(pub T);

impl<T: Words> std::fmt::Display for Word<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.word())
    }
}

impl<'de, T: Words> serde::Deserialize<'de> for Word<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        let known = T::ALL.iter().copied().find(|value| value.word() == word);
        known.map(Word).ok_or_else(|| serde::de::Error::custom(format!("unknown word `{word}`")))
    }
}

impl<T: Words> schemars::JsonSchema for Word<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::NAME.into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let words: Vec<&str> = T::ALL.iter().map(|value| value.word()).collect();
        schema(T::WHAT, &words, T::MEANINGS)
    }
}

/// Lets types of other crates be written in files: their words are their own `ALL` and `word`.
macro_rules! foreign {
    ($($(#[doc = $doc:literal])+ $name:ident = $of:ty { $($meaning:literal,)+ })+) => {$(
        $(#[doc = $doc])+
        pub type $name = Word<$of>;

        impl Words for $of {
            const NAME: &'static str = stringify!($name);
            const WHAT: &'static str = concat!($($doc),+).trim_ascii();
            const ALL: &'static [Self] = &<$of>::ALL;
            const MEANINGS: &'static [&'static str] = &[$($meaning,)+];
            fn word(self) -> &'static str {
                <$of>::word(self)
            }
        }
    )+};
}

// The meanings are in the order in which the owner lists its words.
foreign! {
    /// Whose rules an engine follows.
    Profile = mxlab_mail::settings::Profile {
        "Exchange Online as documented.",
        "The RFCs to the letter.",
    }
    /// How the sender uses DANE (RFC 7672).
    DaneMode = mxlab_mail::settings::DaneMode {
        "Where the destination publishes TLSA records.",
        "Always: a destination without DANE gets nothing.",
        "Never. TLSA records are not asked for.",
    }
    /// The layout of the header fields that the receiver stamps.
    HeaderLayout = mxlab_mail::settings::HeaderLayout {
        "As they are stamped today.",
        "As they were stamped before 2021, with the recipient's domain between the clauses.",
    }
    /// What a tenant does with a message that fails authentication.
    AuthFailAction = mxlab_mail::settings::AuthFailAction {
        "It goes to the Junk Email folder.",
        "It is quarantined.",
    }
    /// A moment of an SMTP session.
    Stage = mxlab_mail::smtp::Stage {
        "The TCP connection.",
        "The first reply of the server.",
        "`EHLO` or `HELO`.",
        "`STARTTLS` and its reply.",
        "The TLS handshake.",
        "`MAIL FROM`.",
        "`RCPT TO`.",
        "`DATA` up to its 354.",
        "The final dot and its reply.",
        "`QUIT`.",
    }
}

words! {
    /// How the sender uses MTA-STS (RFC 8461).
    MtaStsMode {
        /// Where the destination publishes a policy.
        Opportunistic = "opportunistic",
        /// Never.
        None = "none",
    }
    /// A documented limitation of the service that can be switched on.
    Limitation {
        /// Failures of DNSSEC are reported as 4.4.312.
        DnssecAs44312 = "dnssec-as-4.4.312",
    }
    /// What was seen in headers of real messages, where it contradicts the documents.
    Reading {
        /// A DMARC record that could not be fetched is an implicit failure, reason 001, and not 112.
        TimeoutAs001 = "timeout-as-001",
        /// A spoof of the recipient's own organization is an explicit failure, reason 000, and not 010.
        OwnDomainAs000 = "own-domain-as-000",
    }
    /// What stands between the resolver and the name servers.
    ForwarderKind {
        /// Nothing: it asks the name servers itself.
        None = "none",
        /// A forwarder that leaves out the records of DNSSEC.
        StripsDnssec = "strips-dnssec",
        /// A forwarder that validates by itself. A client that does the same sets CD, and gets everything (RFC 4035
        /// section 3.2.2).
        Validates = "validates",
        /// A forwarder that does not answer for types that came after DNSSEC, such as TLSA.
        DropsUnknownTypes = "drops-unknown-types",
    }
    /// Canonicalization of one part of a message (RFC 6376 section 3.4).
    CanonicalizationPart {
        /// White space does not matter.
        Relaxed = "relaxed",
        /// Every byte matters.
        Simple = "simple",
    }
    /// Canonicalization of header and body (RFC 6376 section 3.5, `c=`).
    Canonicalization {
        /// Header and body are relaxed.
        RelaxedRelaxed = "relaxed/relaxed",
        /// The header is relaxed, the body is simple.
        RelaxedSimple = "relaxed/simple",
        /// The header is simple, the body is relaxed.
        SimpleRelaxed = "simple/relaxed",
        /// Header and body are simple.
        SimpleSimple = "simple/simple",
    }
    /// What a tenant does with a message that fails DMARC with `p=reject`.
    DmarcRejectAction {
        /// It is refused.
        Reject = "reject",
        /// It is quarantined.
        Quarantine = "quarantine",
    }
    /// How a zone proves that something does not exist.
    Denial {
        /// NSEC (RFC 4034).
        Nsec = "nsec",
        /// NSEC3 (RFC 5155).
        Nsec3 = "nsec3",
        /// NSEC3 with opt-out (RFC 5155 section 6).
        Nsec3Optout = "nsec3-optout",
        /// An NSEC made for each name that is asked for (RFC 9824).
        Compact = "compact",
    }
    /// The algorithm of a zone's keys.
    ZoneAlgorithm {
        /// Algorithm 15 (RFC 8080).
        Ed25519 = "ed25519",
        /// Algorithm 13 (RFC 6605).
        EcdsaP256 = "ecdsa-p256",
        /// Algorithm 8 with keys of 2048 bits.
        Rsa2048 = "rsa2048",
        /// Algorithm 8 with keys of 1024 bits.
        Rsa1024 = "rsa1024",
        /// An algorithm that no resolver knows.
        Unsupported = "unsupported",
    }
    /// How many keys a zone has.
    ZoneKeys {
        /// One key signs everything.
        Single = "single",
        /// A key-signing key (KSK) and a zone-signing key (ZSK).
        Split = "split",
    }
    /// The highest version of TLS that a server speaks.
    TlsVersion {
        /// STARTTLS is not offered.
        None = "none",
        /// TLS 1.0.
        V1_0 = "1.0",
        /// TLS 1.2.
        V1_2 = "1.2",
        /// TLS 1.3.
        V1_3 = "1.3",
    }
    /// What an intermediary does to a message.
    Change {
        /// A tag goes before the subject.
        SubjectTag = "subject-tag",
        /// A footer goes below the text.
        Footer = "footer",
        /// A disclaimer goes above the text.
        Disclaimer = "disclaimer",
        /// Attachments are replaced by a note.
        AttachmentRemoved = "attachment-removed",
        /// The list becomes the author.
        FromRewritten = "from-rewritten",
        /// Header fields change their order.
        HeadersReordered = "headers-reordered",
        /// The transfer encoding changes.
        Reencoded = "reencoded",
        /// What Exchange 2016 does in transit.
        Exchange2016 = "exchange2016",
        /// A byte of the DKIM signature changes.
        SignatureBroken = "signature-broken",
        /// DKIM signatures are taken off.
        SignaturesRemoved = "signatures-removed",
        /// A word of the text changes.
        BodyChanged = "body-changed",
        /// The subject goes to a line of its own.
        SubjectFolded = "subject-folded",
        /// Each space of the text becomes two.
        SpacesDoubled = "spaces-doubled",
        /// Each line of the text ends with a space.
        SpacesAtLineEnds = "spaces-at-line-ends",
        /// Empty lines go below the text.
        EmptyLinesAdded = "empty-lines-added",
    }
    /// The MAIL FROM of what an intermediary sends on.
    RelayEnvelope {
        /// It stays as it came.
        Keep = "keep",
        /// It is rewritten by the Sender Rewriting Scheme.
        Srs = "srs",
        /// It becomes the bounce address of the list.
        List = "list",
    }
    /// What is wrong with an ARC set (RFC 8617).
    SealFlaw {
        /// The seal says `cv=fail`.
        CvFail = "cv-fail",
        /// An instance number is missing.
        MissingInstance = "missing-instance",
        /// The seal does not verify.
        BrokenSeal = "broken-seal",
        /// The body hash does not verify.
        BrokenBody = "broken-body",
        /// The set cannot be parsed.
        Unparsable = "unparsable",
    }
    /// Which certificates a server sends.
    ChainSent {
        /// The certificate and those between it and the root.
        Chain = "chain",
        /// Only the certificate.
        Leaf = "leaf",
        /// All of them and the root.
        ChainWithRoot = "chain-with-root",
    }
    /// The algorithm of a DKIM or ARC key.
    KeyAlgorithm {
        /// RSA with 2048 bits.
        Rsa2048 = "rsa2048",
        /// RSA with 1024 bits.
        Rsa1024 = "rsa1024",
        /// RSA with 512 bits, too weak to count (RFC 8301).
        Rsa512 = "rsa512",
        /// Ed25519 (RFC 8463).
        Ed25519 = "ed25519",
    }
    /// A step of a key change (RFC 7583).
    RollStep {
        /// The new key is published beside the old one.
        AddKey = "add-key",
        /// The DS of the new key is published at the parent beside the old one.
        AddDs = "add-ds",
        /// The new key signs in the place of the old one.
        SwitchSigning = "switch-signing",
        /// The old key, its signatures and its DS are removed.
        DropOld = "drop-old",
    }
    /// Which key of a zone with split keys.
    KeyRole {
        /// The key that signs the records.
        Zsk = "zsk",
        /// The key that signs the keys, and that the DS names.
        Ksk = "ksk",
    }
    /// How a process ends.
    RestartHow {
        /// It is asked to stop, and finishes what it does.
        Stop = "stop",
        /// It is killed.
        Kill = "kill",
        /// The machine loses power: data that was not synced is lost.
        PowerLoss = "power-loss",
    }
    /// The moment of a restart.
    RestartWhen {
        /// At once.
        Now = "now",
        /// When a message has been put into the queue.
        Queued = "queued",
        /// When a connection to a server is open.
        Connected = "connected",
        /// When the final dot has been sent, and before its reply is read.
        FinalDotSent = "final-dot-sent",
        /// When the reply to the final dot has been read.
        ReplyRead = "reply-read",
        /// When the outcome is stored.
        Stored = "stored",
    }
    /// The NOTIFY parameter (RFC 3461 section 4.1), one word of it.
    NotifyWord {
        /// No DSN at all.
        Never = "never",
        /// A DSN on delivery.
        Success = "success",
        /// A DSN on failure.
        Failure = "failure",
        /// A DSN when delivery takes long.
        Delay = "delay",
    }
    /// The RET parameter (RFC 3461 section 4.3).
    ReturnContent {
        /// The whole message.
        Full = "full",
        /// Only the header.
        Headers = "hdrs",
    }
    /// How a delivery was protected.
    SecurityLevel {
        /// In clear text.
        None = "none",
        /// TLS without a checked identity.
        Tls = "tls",
        /// TLS as an MTA-STS policy requires it.
        MtaSts = "mta-sts",
        /// TLS authenticated by DANE.
        Dane = "dane",
    }
    /// Where a delivered message is.
    Folder {
        /// The inbox.
        Inbox = "inbox",
        /// The Junk Email folder.
        Junk = "junk",
        /// Quarantine.
        Quarantine = "quarantine",
    }
    /// What a DSN that is no failure says (RFC 3464 section 2.3.3).
    NotifiedAction {
        /// Delivery takes long.
        Delayed = "delayed",
        /// The message has arrived.
        Delivered = "delivered",
        /// The message went to a system that sends no DSNs.
        Relayed = "relayed",
    }
    /// A result of SPF (RFC 7208 section 2.6).
    SpfWord {
        /// The client may send for the domain.
        Pass = "pass",
        /// The client may not send for the domain.
        Fail = "fail",
        /// The client probably may not send for the domain.
        Softfail = "softfail",
        /// The domain says nothing about the client.
        Neutral = "neutral",
        /// There is no record.
        None = "none",
        /// DNS failed for the time being.
        Temperror = "temperror",
        /// The record is malformed.
        Permerror = "permerror",
    }
    /// A result of DKIM.
    DkimWord {
        /// A signature holds.
        Pass = "pass",
        /// No signature holds.
        Fail = "fail",
        /// The message is not signed.
        None = "none",
        /// The key could not be fetched in time.
        Timeout = "timeout",
        /// DNS failed for the time being.
        Temperror = "temperror",
        /// The signature or key is malformed.
        Permerror = "permerror",
        /// The signature cannot be read, or was not processed (RFC 8601 §2.7.1).
        Neutral = "neutral",
        /// The signature verified, and is not accepted (RFC 8601 §2.7.1).
        Policy = "policy",
    }
    /// A result of DMARC.
    DmarcWord {
        /// An identifier is aligned.
        Pass = "pass",
        /// No identifier is aligned.
        Fail = "fail",
        /// There is no record, and the message would pass if there were one.
        Bestguesspass = "bestguesspass",
        /// There is no record.
        None = "none",
        /// DNS failed for the time being.
        Temperror = "temperror",
        /// The record is malformed.
        Permerror = "permerror",
    }
    /// The word after `action=`.
    DmarcActionWord {
        /// Nothing is applied.
        None = "none",
        /// The message is to be quarantined.
        Quarantine = "quarantine",
        /// The message is to be rejected.
        Reject = "reject",
        /// The rejection is overridden.
        Oreject = "oreject",
        /// Quarantine is not applied because of `pct`.
        PctQuarantine = "pct.quarantine",
        /// Rejection is not applied because of `pct`.
        PctReject = "pct.reject",
        /// DNS failed for the time being.
        Temperror = "temperror",
        /// The record is malformed.
        Permerror = "permerror",
    }
    /// A composite verdict.
    CompauthWord {
        /// The message is authentic.
        Pass = "pass",
        /// The message is not authentic.
        Fail = "fail",
        /// The message may be authentic.
        Softpass = "softpass",
        /// The message is not judged.
        None = "none",
    }
    /// A result of ARC (RFC 8617 section 4.4).
    ArcWord {
        /// The chain verifies.
        Pass = "pass",
        /// The chain does not verify.
        Fail = "fail",
        /// There is no chain.
        None = "none",
    }
    /// What overrode a verdict.
    OverrideWord {
        /// An allowed pair of the Tenant Allow/Block List.
        SpoofAllow = "spoof-allow",
        /// A blocked pair of the Tenant Allow/Block List.
        SpoofBlock = "spoof-block",
        /// A safe sender of the mailbox.
        SafeSender = "safe-sender",
    }
    /// The kind of a report.
    ReportKind {
        /// TLS reporting (RFC 8460).
        Tls = "tls",
        /// DMARC aggregate reporting.
        Dmarc = "dmarc",
        /// Spoof detections.
        Spoof = "spoof",
    }
    /// The policy that a TLS report is about.
    ReportedPolicy {
        /// TLSA records.
        Tlsa = "tlsa",
        /// An MTA-STS policy.
        Sts = "sts",
    }
    /// What an answer holds.
    ResolvedFound {
        /// Records of the type.
        Records = "records",
        /// The name exists, and has no records of the type.
        NoData = "no-data",
        /// The name does not exist.
        NoName = "no-name",
    }
    /// What the resolver says of an answer.
    ResolvedStatus {
        /// The answer is proven.
        Secure = "secure",
        /// The zone is proven to be unsigned.
        Insecure = "insecure",
        /// The answer is not what the owner of the zone signed.
        Bogus = "bogus",
        /// There is no answer.
        Servfail = "servfail",
    }
    /// The state of a DKIM configuration.
    DkimStatusWord {
        /// The configuration has no keys.
        NoDkimKeys = "NoDKIMKeys",
        /// Its CNAME records do not exist.
        CnameMissing = "CnameMissing",
        /// The configuration works.
        Valid = "Valid",
    }
}
