//! The fields that take one of a few words.

pub use super::word::{Word, Words};
use super::word::{foreign, words};

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
