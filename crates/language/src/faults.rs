//! The kinds of faults, and which fields each of them takes and needs (reference section 6).

use super::words::words;

/// The groups in which the documentation and the messages tell of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultFamily {
    /// Name servers that do not answer as they should.
    Dns,
    /// Answers that do not validate.
    Dnssec,
    /// Somebody on the path.
    Path,
    /// The TLS handshake.
    Tls,
    /// The SMTP session.
    Smtp,
    /// The network.
    Net,
    /// Web servers.
    Https,
    /// The engine's machine.
    Machine,
}

impl FaultFamily {
    /// Its name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Dnssec => "dnssec",
            Self::Path => "path",
            Self::Tls => "tls",
            Self::Smtp => "smtp",
            Self::Net => "net",
            Self::Https => "https",
            Self::Machine => "machine",
        }
    }
}

words! {
    /// The kind of a fault.
    FaultKind {
        /// The server answers SERVFAIL.
        Servfail = "servfail",
        /// The server answers REFUSED.
        DnsRefused = "dns-refused",
        /// The server does not answer.
        DnsTimeout = "dns-timeout",
        /// Answers come late.
        DnsSlow = "dns-slow",
        /// The server does not know the zone.
        Lame = "lame",
        /// Answers are cut off, with the TC bit, and TCP does not help.
        Truncated = "truncated",
        /// Answers are no DNS messages.
        DnsMalformed = "dns-malformed",
        /// Answers have another id than the query.
        DnsWrongId = "dns-wrong-id",
        /// Answers have another question than the query.
        DnsWrongQuestion = "dns-wrong-question",
        /// Names that exist do not, as the server says.
        DnsNxdomain = "dns-nxdomain",
        /// The name is an alias of itself.
        AliasLoop = "alias-loop",
        /// Answers come without anything of DNSSEC, as through a forwarder that does not know it.
        DnssecStripped = "dnssec-stripped",
        /// Signatures are past their end.
        RrsigExpired = "rrsig-expired",
        /// Signatures are before their start.
        RrsigNotYetValid = "rrsig-not-yet-valid",
        /// Signatures are left out.
        RrsigMissing = "rrsig-missing",
        /// Signatures do not verify.
        RrsigBad = "rrsig-bad",
        /// Signatures are by a key that the zone does not publish.
        RrsigWrongKey = "rrsig-wrong-key",
        /// The key that signed is not published.
        KeyMissing = "key-missing",
        /// The DS at the parent fits no key.
        DsMismatch = "ds-mismatch",
        /// The DS at the parent has an algorithm that nobody knows.
        DsUnsupported = "ds-unsupported",
        /// The parent has a DS for a zone that is not signed.
        DsWithoutKey = "ds-without-key",
        /// A denial has no proof.
        DenialMissing = "denial-missing",
        /// A denial has the wrong proof.
        DenialWrong = "denial-wrong",
        /// NSEC3 with too many iterations.
        Nsec3Iterations = "nsec3-iterations",
        /// Very many keys with one tag.
        ManyKeys = "many-keys",
        /// Answers are forged on the path.
        AnswerForged = "answer-forged",
        /// Old answers are replayed on the path.
        AnswerReplayed = "answer-replayed",
        /// STARTTLS is taken out of the EHLO reply on the path.
        StarttlsStripped = "starttls-stripped",
        /// Text is put in before the handshake on the path.
        StarttlsInjected = "starttls-injected",
        /// The session is ended by somebody on the path, with another certificate.
        CertSubstituted = "cert-substituted",
        /// The version of TLS is lowered on the path.
        TlsDowngraded = "tls-downgraded",
        /// The server sends an alert.
        TlsAlert = "tls-alert",
        /// The server sends what is no TLS.
        TlsGarbage = "tls-garbage",
        /// The server closes during the handshake.
        TlsClosed = "tls-closed",
        /// The server falls silent during the handshake.
        TlsStalled = "tls-stalled",
        /// The server gives a certain reply.
        SmtpReply = "smtp-reply",
        /// The server closes the connection.
        SmtpClosed = "smtp-closed",
        /// The server falls silent.
        SmtpStalled = "smtp-stalled",
        /// The server does not offer STARTTLS.
        StarttlsMissing = "starttls-missing",
        /// The server answers STARTTLS with 454.
        StarttlsRefused = "starttls-refused",
        /// Connections are refused.
        Refused = "refused",
        /// The host cannot be reached.
        Unreachable = "unreachable",
        /// Connections are reset.
        Reset = "reset",
        /// Packets take longer.
        Slow = "slow",
        /// Packets are lost.
        Loss = "loss",
        /// The web server answers with a certain status.
        HttpStatus = "http-status",
        /// The web server redirects.
        HttpRedirect = "http-redirect",
        /// The web server gives a wrong content type.
        HttpContentType = "http-content-type",
        /// The web server sends more than is allowed.
        HttpOversize = "http-oversize",
        /// The web server falls silent.
        HttpStalled = "http-stalled",
        /// The disk is full.
        DiskFull = "disk-full",
        /// The clock is wrong.
        ClockShift = "clock-shift",
    }
}

/// The fields that every kind takes.
pub const ALWAYS: [&str; 3] = ["name", "until", "times"];

impl FaultKind {
    /// The group that it belongs to.
    pub const fn family(self) -> FaultFamily {
        use FaultFamily as F;
        match self {
            Self::Servfail | Self::DnsRefused | Self::DnsTimeout | Self::DnsSlow | Self::Lame | Self::Truncated => {
                F::Dns
            }
            Self::DnsMalformed | Self::DnsWrongId | Self::DnsWrongQuestion => F::Dns,
            Self::DnsNxdomain | Self::AliasLoop => F::Dns,
            Self::RrsigExpired | Self::RrsigNotYetValid | Self::RrsigMissing | Self::RrsigBad => F::Dnssec,
            Self::RrsigWrongKey | Self::KeyMissing | Self::DnssecStripped => F::Dnssec,
            Self::DsMismatch | Self::DsUnsupported | Self::DsWithoutKey => F::Dnssec,
            Self::DenialMissing | Self::DenialWrong | Self::Nsec3Iterations | Self::ManyKeys => F::Dnssec,
            Self::AnswerForged | Self::AnswerReplayed | Self::StarttlsStripped | Self::StarttlsInjected => F::Path,
            Self::CertSubstituted | Self::TlsDowngraded => F::Path,
            Self::TlsAlert | Self::TlsGarbage | Self::TlsClosed | Self::TlsStalled => F::Tls,
            Self::SmtpReply | Self::SmtpClosed | Self::SmtpStalled => F::Smtp,
            Self::StarttlsMissing | Self::StarttlsRefused => F::Smtp,
            Self::Refused | Self::Unreachable | Self::Reset | Self::Slow | Self::Loss => F::Net,
            Self::HttpStatus | Self::HttpRedirect | Self::HttpContentType => F::Https,
            Self::HttpOversize | Self::HttpStalled => F::Https,
            Self::DiskFull | Self::ClockShift => F::Machine,
        }
    }

    /// Whether it is the zone's parent that is wrong about it, so that it happens at the parent's servers.
    pub const fn is_at_parent(self) -> bool {
        matches!(self, Self::DsMismatch | Self::DsUnsupported | Self::DsWithoutKey)
    }

    /// The fields that it must have.
    pub const fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Nsec3Iterations | Self::ManyKeys => &["zone", "count"],
            Self::AnswerForged => &["zone", "records"],
            Self::StarttlsInjected => &["host", "text"],
            Self::CertSubstituted => &["host", "cert"],
            Self::TlsDowngraded => &["host", "version"],
            Self::SmtpReply => &["host", "stage", "reply"],
            Self::SmtpClosed | Self::SmtpStalled => &["host", "stage"],
            Self::DnsSlow => &["delay"],
            Self::Slow => &["host", "delay"],
            Self::Loss => &["host", "percent"],
            Self::HttpStatus => &["host", "status"],
            Self::ClockShift => &["host", "shift"],
            _ => match self.family() {
                FaultFamily::Dns => &[],
                FaultFamily::Dnssec => &["zone"],
                FaultFamily::Path if matches!(self, Self::AnswerReplayed) => &["zone"],
                _ => &["host"],
            },
        }
    }

    /// The fields that it takes besides [`ALWAYS`], those that it needs among them.
    pub const fn takes(self) -> &'static [&'static str] {
        match self {
            Self::Lame => &["zone", "server"],
            Self::DnsSlow => &["zone", "owner", "type", "server", "delay"],
            Self::RrsigMissing => &["zone", "owner", "type", "server", "by"],
            Self::KeyMissing | Self::DsMismatch | Self::DsUnsupported | Self::DsWithoutKey => &["zone", "server"],
            Self::Nsec3Iterations | Self::ManyKeys => &["zone", "server", "count"],
            Self::AnswerForged => &["zone", "owner", "type", "by", "records"],
            Self::AnswerReplayed => &["zone", "owner", "type", "by"],
            Self::StarttlsStripped => &["host", "from", "by"],
            Self::StarttlsInjected => &["host", "from", "by", "text"],
            Self::CertSubstituted => &["host", "from", "by", "cert"],
            Self::TlsDowngraded => &["host", "from", "by", "version"],
            Self::SmtpReply => &["host", "from", "stage", "reply"],
            Self::SmtpClosed | Self::SmtpStalled | Self::Reset => &["host", "from", "stage"],
            Self::Slow => &["host", "from", "delay"],
            Self::Loss => &["host", "from", "percent"],
            Self::HttpStatus => &["host", "from", "status"],
            Self::DiskFull => &["host"],
            Self::ClockShift => &["host", "shift"],
            _ => match self.family() {
                FaultFamily::Dns | FaultFamily::Dnssec => &["zone", "owner", "type", "server"],
                _ => &["host", "from"],
            },
        }
    }
}
