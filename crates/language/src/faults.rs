//! The kinds of faults in one table: the word, what the server then does, the group, the fields, and what it comes to.
//!
//! A new kind is a row of the table. If it comes to something that no actor can do yet, that is a new [`Effect`], or a new
//! lapse of a name server ([`mxlab_dns::fault`]) or of a mail server ([`mxlab_mail::smtp::fault`]).

use jiff::SignedDuration;
use mxlab_dns::Rcode;
use mxlab_dns::fault::FaultKind as D;
use mxlab_dns::fault::{
    AnswerFault, ChainFault, ContentFault, DelegationFault, DsFault, KeyFault, Part, ProofFault, SignatureFault,
};
use mxlab_mail::smtp::Stage;
use mxlab_mail::smtp::fault::{FATAL_ALERT, Instead, NO_TLS, tls_not_available};

use super::script::Fault;
use super::values::Time;
use super::word::words;

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

/// What a fault comes to: who does what. The one place in which the runner learns of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Name servers answer so.
    Names(D),
    /// A mail server does this at this stage of a session.
    Session(Stage, Instead),
    /// A mail server does not offer STARTTLS.
    NoStartTls,
    /// Nothing listens at a mail server's port. The machine itself then refuses, whoever asks.
    NobodyListens,
    /// No packet comes to the host or from it.
    Unreachable,
    /// The host's clock is wrong by so much.
    ClockShift(SignedDuration),
    /// The language has the word, and no run can do it yet.
    NotYet,
}

impl Effect {
    /// Whether it can be confined to one client, and to a number of times.
    pub fn is_counted(&self) -> bool {
        match self {
            Self::Names(_) | Self::Session(..) | Self::NoStartTls => true,
            Self::NobodyListens | Self::Unreachable | Self::ClockShift(_) => false,
            // Refused as a whole.
            Self::NotYet => true,
        }
    }
}

/// What the table says of a kind.
struct Row {
    does: &'static str,
    family: FaultFamily,
    takes: &'static [&'static str],
    needs: &'static [&'static str],
    effect: fn(&Fault) -> Option<Effect>,
}

macro_rules! faults {
    ($(
        $(#[doc = $doc:literal])+
        $variant:ident = $word:literal, $does:literal: $family:ident, takes [$($takes:tt)*], needs [$($needs:tt)*], $effect:expr;
    )+) => {
        words! {
            /// The kind of a fault.
            FaultKind { $($(#[doc = $doc])+ $variant = $word,)+ }
        }

        impl FaultKind {
            const fn row(self) -> Row {
                match self {$(
                    Self::$variant => Row {
                        does: $does,
                        family: FaultFamily::$family,
                        takes: &[$(stringify!($takes),)*],
                        needs: &[$(stringify!($needs),)*],
                        effect: $effect,
                    },
                )+}
            }
        }
    };
}

faults! {
    /// The server answers SERVFAIL.
    Servfail = "servfail", "answers SERVFAIL": Dns, takes [zone owner type server], needs [], |_| names(AnswerFault::Code(Rcode::SERVFAIL));
    /// The server answers REFUSED.
    DnsRefused = "dns-refused", "answers REFUSED": Dns, takes [zone owner type server], needs [], |_| names(AnswerFault::Code(Rcode::REFUSED));
    /// The server does not answer.
    DnsTimeout = "dns-timeout", "is silent": Dns, takes [zone owner type server], needs [], |_| names(AnswerFault::Timeout);
    /// Answers are late by `delay`.
    DnsSlow = "dns-slow", "answers {delay} late": Dns, takes [zone owner type server delay], needs [delay],
        |fault| names(AnswerFault::Slow(fault.delay.as_ref()?.get().get()));
    /// The server does not know the zone.
    Lame = "lame", "has forgotten the zone": Dns, takes [zone server], needs [], |_| names(AnswerFault::Lame);
    /// Answers are truncated, with the TC bit set, and TCP does not help.
    Truncated = "truncated", "cuts off its answers, over TCP too": Dns, takes [zone owner type server], needs [], |_| names(AnswerFault::Truncated);
    /// Answers are no DNS messages.
    DnsMalformed = "dns-malformed", "sends what is no DNS message": Dns, takes [zone owner type server], needs [], |_| names(AnswerFault::Malformed);
    /// Answers have another id than the query.
    DnsWrongId = "dns-wrong-id", "answers with another id than that of the query": Dns, takes [zone owner type server], needs [], |_| names(AnswerFault::WrongId);
    /// Answers have another question than the query.
    DnsWrongQuestion = "dns-wrong-question", "repeats another question in its answers": Dns, takes [zone owner type server], needs [], |_| names(AnswerFault::WrongQuestion);
    /// The server says that names do not exist which exist.
    DnsNxdomain = "dns-nxdomain", "answers NXDOMAIN": Dns, takes [zone owner type server], needs [], |_| names(AnswerFault::NxDomain);
    /// The server answers that the name is an alias of itself.
    AliasLoop = "alias-loop", "gives an alias of itself": Dns, takes [zone owner type server], needs [], |_| names(AnswerFault::AliasLoop);
    /// The server answers FORMERR.
    DnsFormerr = "dns-formerr", "answers FORMERR": Dns, takes [zone owner type server], needs [],
        |_| names(AnswerFault::Code(Rcode::FORMERR));
    /// The server answers NOTIMP.
    DnsNotimp = "dns-notimp", "answers NOTIMP": Dns, takes [zone owner type server], needs [], |_| names(AnswerFault::Code(Rcode::NOTIMP));
    /// The server answers FORMERR to queries with EDNS, which it does not know.
    EdnsFormerr = "edns-formerr", "answers FORMERR to queries with EDNS": Dns, takes [zone owner type server], needs [],
        |_| names(AnswerFault::CodeForEdns(Rcode::FORMERR));
    /// The server answers NOTIMP to queries with EDNS, which it does not know.
    EdnsNotimp = "edns-notimp", "answers NOTIMP to queries with EDNS": Dns, takes [zone owner type server], needs [],
        |_| names(AnswerFault::CodeForEdns(Rcode::NOTIMP));
    /// Answers over UDP of more than `count` octets are lost.
    DnsLargeLost = "dns-large-lost", "loses its answers of more than {count} octets": Dns, takes [zone owner type server count], needs [count],
        |fault| names(AnswerFault::LostAbove(count(fault)?));
    /// Denials have the other code: NXDOMAIN for a type that is not there, NOERROR for a name that does not exist.
    DenialWrongCode = "denial-wrong-code", "denies with the other code": Dns, takes [zone owner type server], needs [],
        |_| names(AnswerFault::OtherDenialCode);
    /// Denials come without SOA and AA.
    SoaMissing = "soa-missing", "leaves SOA and AA out of its denials": Dns, takes [zone owner type server], needs [], |_| names(AnswerFault::WithoutSoa);
    /// Records that exist do not, as the server says; the name does.
    DnsNodata = "dns-nodata", "denies types that are there": Dns, takes [zone owner type server], needs [], |_| names(AnswerFault::NoData);
    /// Denials have the SOA with its own TTL, although its last field is less.
    SoaTtlKept = "soa-ttl-kept", "gives denials whose SOA keeps its own TTL": Dns, takes [zone owner type server], needs [], |_| names(AnswerFault::SoaTtlKept);
    /// All records have a TTL of thirty days.
    TtlRaised = "ttl-raised", "gives every record a TTL of 30 days": Dns, takes [zone owner type server], needs [], |_| names(AnswerFault::TtlRaised);
    /// A DNAME comes without the alias that is made from it.
    DnameAlone = "dname-alone", "gives a DNAME without the alias that it makes": Dns, takes [zone owner type server], needs [], |_| names(AnswerFault::DnameAlone);
    /// The zone itself is an alias of `www` below it.
    ApexAlias = "apex-alias", "gives an alias for the zone itself": Dns, takes [zone type server], needs [zone], |_| names(AnswerFault::ApexAlias);
    /// The zone's server answers for its DS from the zone itself, which does not have it.
    DsFromChild = "ds-from-child", "answers for the DS of its own zone": Dns, takes [zone server], needs [zone], |_| names(AnswerFault::DsFromChild);
    /// The parent answers for the DS by a referral.
    DsByReferral = "ds-by-referral", "answers for the DS by a referral": Dns, takes [zone server], needs [zone], |_| names(DelegationFault::DsByReferral);
    /// Referrals to the zone come without addresses.
    GlueMissing = "glue-missing", "leaves the addresses out of its referrals": Dns, takes [zone server], needs [zone], |_| names(DelegationFault::GlueMissing);
    /// Referrals to the zone come without IPv4 addresses.
    GlueIpv6Only = "glue-ipv6-only", "leaves the IPv4 addresses out of its referrals": Dns, takes [zone server], needs [zone], |_| names(DelegationFault::GlueIpv6Only);
    /// Referrals to the zone come with wrong addresses of servers whose names are outside of the parent.
    GlueForeign = "glue-foreign", "gives referrals with wrong addresses of foreign servers": Dns, takes [zone server], needs [zone], |_| names(DelegationFault::GlueForeign);
    /// Answers have no records of DNSSEC, as from a forwarder that does not know it.
    DnssecStripped = "dnssec-stripped", "leaves out everything of DNSSEC": Dnssec, takes [zone owner type server], needs [zone], |_| names(AnswerFault::Stripped);
    /// Signatures have expired.
    RrsigExpired = "rrsig-expired", "gives signatures that have expired": Dnssec, takes [zone owner type server], needs [zone], |_| names(SignatureFault::Expired);
    /// Signatures are not valid yet.
    RrsigNotYetValid = "rrsig-not-yet-valid", "gives signatures that are not valid yet": Dnssec, takes [zone owner type server], needs [zone],
        |_| names(SignatureFault::NotYetValid);
    /// Signatures are left out.
    RrsigMissing = "rrsig-missing", "leaves out its signatures": Dnssec, takes [zone owner type server by], needs [zone], |_| names(SignatureFault::Missing);
    /// Signatures do not verify.
    RrsigBad = "rrsig-bad", "gives signatures that do not verify": Dnssec, takes [zone owner type server], needs [zone], |_| names(SignatureFault::Bad);
    /// Signatures were made with a key that the zone does not publish.
    RrsigWrongKey = "rrsig-wrong-key", "gives signatures by a key that the zone does not publish": Dnssec, takes [zone owner type server], needs [zone],
        |_| names(SignatureFault::WrongKey);
    /// Signatures name the parent as their signer.
    RrsigOtherSigner = "rrsig-other-signer", "gives signatures that name its parent as the signer": Dnssec, takes [zone owner type server], needs [zone],
        |_| names(SignatureFault::OtherSigner);
    /// Signatures have the number of another algorithm than their key.
    RrsigOtherAlgorithm = "rrsig-other-algorithm", "gives signatures with the number of another algorithm": Dnssec, takes [zone owner type server], needs [zone],
        |_| names(SignatureFault::OtherAlgorithm);
    /// The records of signatures have a TTL of thirty seconds.
    RrsigShortTtl = "rrsig-short-ttl", "gives signatures with a TTL of 30 s": Dnssec, takes [zone owner type server], needs [zone],
        |_| names(SignatureFault::ShortTtl);
    /// The keys are signed by the keys that sign records, and not by the one that the DS names.
    KeysSignedByZsk = "keys-signed-by-zsk", "has its keys signed by the ZSK alone": Dnssec, takes [zone server], needs [zone],
        |_| names(SignatureFault::ByZoneKeys);
    /// The key that signs records is revoked.
    ZskRevoked = "zsk-revoked", "publishes its ZSK as revoked": Dnssec, takes [zone server], needs [zone], |_| names(KeyFault::Revoked);
    /// The key that signs records is no zone key.
    ZskNoZoneKey = "zsk-no-zone-key", "publishes its ZSK without the flag of zone keys": Dnssec, takes [zone server], needs [zone], |_| names(KeyFault::NoZoneKeys);
    /// The key that signs records has another protocol.
    ZskOtherProtocol = "zsk-other-protocol", "publishes its ZSK with another protocol number": Dnssec, takes [zone server], needs [zone],
        |_| names(KeyFault::OtherProtocol);
    /// The key that signed is not published.
    KeyMissing = "key-missing", "leaves out the key that signs": Dnssec, takes [zone server], needs [zone], |_| names(KeyFault::Missing);
    /// The DS at the parent fits no key.
    DsMismatch = "ds-mismatch", "publishes a DS that fits no key": Dnssec, takes [zone server], needs [zone], |_| names(DsFault::Mismatch);
    /// The DS at the parent has an algorithm that nobody knows.
    DsUnsupported = "ds-unsupported", "publishes a DS with an unknown algorithm": Dnssec, takes [zone server], needs [zone], |_| names(DsFault::Unsupported);
    /// The DS at the parent has another key tag than the key with its digest.
    DsWrongTag = "ds-wrong-tag", "publishes a DS with another key tag": Dnssec, takes [zone server], needs [zone], |_| names(DsFault::WrongTag);
    /// The DS at the parent has another algorithm than the key with its digest.
    DsWrongAlgorithm = "ds-wrong-algorithm", "publishes a DS with another algorithm": Dnssec, takes [zone server], needs [zone],
        |_| names(DsFault::WrongAlgorithm);
    /// The DS at the parent has the tag of the key, and another digest.
    DsWrongDigest = "ds-wrong-digest", "publishes a DS with another digest": Dnssec, takes [zone server], needs [zone], |_| names(DsFault::WrongDigest);
    /// The DS at the parent has a digest type that nobody knows.
    DsDigestUnsupported = "ds-digest-unsupported", "publishes a DS with an unknown digest type": Dnssec, takes [zone server], needs [zone],
        |_| names(DsFault::DigestUnsupported);
    /// The parent has a DS for a zone that is not signed.
    DsWithoutKey = "ds-without-key", "publishes a DS although the zone is not signed": Dnssec, takes [zone server], needs [zone], |_| names(DsFault::WithoutKey);
    /// A denial has no proof.
    DenialMissing = "denial-missing", "leaves out the proofs of its denials": Dnssec, takes [zone owner type server], needs [zone], |_| names(ProofFault::Missing);
    /// A denial proves something else.
    DenialWrong = "denial-wrong", "gives wrong proofs with its denials": Dnssec, takes [zone owner type server], needs [zone], |_| names(ProofFault::Wrong);
    /// A denial has no proof that the wildcard does not exist, or lacks the type.
    DenialNoWildcard = "denial-no-wildcard", "leaves out the proof about the wildcard": Dnssec, takes [zone owner type server], needs [zone],
        |_| names(ProofFault::Without(Part::Wildcard));
    /// A denial, or an answer from a wildcard, has no proof that the name itself does not exist.
    DenialNoNextCloser = "denial-no-next-closer", "leaves out the proof about the name itself": Dnssec, takes [zone owner type server], needs [zone],
        |_| names(ProofFault::Without(Part::NextCloser));
    /// A denial with NSEC3 has no record of the closest name above that exists.
    DenialNoEncloser = "denial-no-encloser", "leaves out the proof of the closest encloser": Dnssec, takes [zone owner type server], needs [zone],
        |_| names(ProofFault::Without(Part::Encloser));
    /// The proof of a denial says that the type is there.
    DenialWrongTypes = "denial-wrong-types", "proves that a type is there that it denies": Dnssec, takes [zone owner type server], needs [zone],
        |_| names(ProofFault::WrongTypes);
    /// The proof of a denial leads out of the zone, so that it seems to cover all names.
    DenialOverreaching = "denial-overreaching", "gives proofs that lead out of the zone": Dnssec, takes [zone owner type server], needs [zone],
        |_| names(ProofFault::Overreaching);
    /// The zone uses NSEC3 with `count` iterations.
    Nsec3Iterations = "nsec3-iterations", "denies by NSEC3 with {count} iterations": Dnssec, takes [zone server count], needs [zone count],
        |fault| names(ChainFault::Iterations(count(fault)?));
    /// The zone has very many keys with one tag: `count` of them.
    ManyKeys = "many-keys", "publishes {count} more keys with the tag of the one that signs": Dnssec, takes [zone server count], needs [zone count],
        |fault| names(KeyFault::Many(count(fault)?));
    /// Somebody on the path forges answers. Not supported yet.
    AnswerForged = "answer-forged", "has its answers forged on the path": Path, takes [zone owner type by records], needs [zone records], NOT_YET;
    /// Somebody on the path replays old answers.
    AnswerReplayed = "answer-replayed", "has old answers replayed on the path": Path, takes [zone owner type by], needs [zone], |_| names(ContentFault::Replayed);
    /// Somebody on the path takes STARTTLS out of the EHLO reply. Not supported yet.
    StarttlsStripped = "starttls-stripped", "has STARTTLS taken out of its EHLO reply on the path": Path, takes [host from by], needs [host], NOT_YET;
    /// Somebody on the path puts in text before the handshake: the lines of `text`, behind the reply to STARTTLS.
    StarttlsInjected = "starttls-injected", "has text put in before the handshake on the path": Path, takes [host from by text], needs [host text], injected;
    /// Somebody on the path ends the session with another certificate. Not supported yet.
    CertSubstituted = "cert-substituted", "has its certificate replaced on the path": Path, takes [host from by cert], needs [host cert], NOT_YET;
    /// Somebody on the path lowers the version of TLS. Not supported yet.
    TlsDowngraded = "tls-downgraded", "has its version of TLS lowered on the path": Path, takes [host from by version], needs [host version], NOT_YET;
    /// The server sends a fatal alert in the handshake.
    TlsAlert = "tls-alert", "answers the TLS handshake with an alert": Tls, takes [host from], needs [host], |_| handshake(Instead::Octets(FATAL_ALERT));
    /// The server sends something that is not TLS.
    TlsGarbage = "tls-garbage", "answers the TLS handshake with what is no TLS": Tls, takes [host from], needs [host], |_| handshake(Instead::Octets(NO_TLS));
    /// The server closes the connection during the handshake.
    TlsClosed = "tls-closed", "closes the connection in the TLS handshake": Tls, takes [host from], needs [host], |_| handshake(Instead::Close);
    /// The server stops answering during the handshake.
    TlsStalled = "tls-stalled", "falls silent in the TLS handshake": Tls, takes [host from], needs [host], |_| handshake(Instead::Stall);
    /// The server gives `reply` at `stage`.
    SmtpReply = "smtp-reply", "answers `{reply}` {to}": Smtp, takes [host from stage reply], needs [host stage reply],
        |fault| session(fault, Instead::Reply(fault.reply.as_ref()?.as_str().parse().ok()?));
    /// The server answers as usual at this stage; when the client goes on, it breaks in with this reply and closes the
    /// connection: with `stage = "data"`, in the middle of the message.
    SmtpInterrupted = "smtp-interrupted", "breaks in with `{reply}` behind its answer {to}, and closes the connection": Smtp, takes [host from stage reply], needs [host stage reply],
        |fault| session(fault, Instead::Interrupt(fault.reply.as_ref()?.as_str().parse().ok()?));
    /// The server closes the connection at `stage`.
    SmtpClosed = "smtp-closed", "closes the connection {at}": Smtp, takes [host from stage], needs [host stage],
        |fault| session(fault, Instead::Close);
    /// The server stops answering at `stage`.
    SmtpStalled = "smtp-stalled", "falls silent {at}": Smtp, takes [host from stage], needs [host stage],
        |fault| session(fault, Instead::Stall);
    /// At `stage` something answers that is not a mail server.
    SmtpGarbage = "smtp-garbage", "answers as a web server does {to}": Smtp, takes [host from stage], needs [host stage],
        |fault| session(fault, Instead::Octets(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    /// The server does not offer STARTTLS.
    StarttlsMissing = "starttls-missing", "leaves STARTTLS out of its EHLO reply": Smtp, takes [host from], needs [host], |_| Some(Effect::NoStartTls);
    /// The server answers STARTTLS with 454.
    StarttlsRefused = "starttls-refused", "answers STARTTLS with 454": Smtp, takes [host from], needs [host],
        |_| Some(Effect::Session(Stage::StartTls, Instead::Reply(tls_not_available())));
    /// Connections are refused.
    Refused = "refused", "refuses connections": Net, takes [host from], needs [host], |_| Some(Effect::NobodyListens);
    /// The host cannot be reached.
    Unreachable = "unreachable", "is cut off from the network": Net, takes [host from], needs [host], |_| Some(Effect::Unreachable);
    /// Connections are reset. Not supported yet.
    Reset = "reset", "resets connections": Net, takes [host from stage], needs [host], NOT_YET;
    /// Packets take longer. Not supported yet.
    Slow = "slow", "gets and sends packets {delay} late": Net, takes [host from delay], needs [host delay], NOT_YET;
    /// Packets are lost. Not supported yet.
    Loss = "loss", "loses {percent} % of its packets": Net, takes [host from percent], needs [host percent], NOT_YET;
    /// The web server answers with a certain status. Not supported yet.
    HttpStatus = "http-status", "answers HTTP with {status}": Https, takes [host from status], needs [host status], NOT_YET;
    /// The web server redirects. Not supported yet.
    HttpRedirect = "http-redirect", "redirects HTTP": Https, takes [host from], needs [host], NOT_YET;
    /// The web server gives a wrong content type. Not supported yet.
    HttpContentType = "http-content-type", "gives a wrong content type in HTTP": Https, takes [host from], needs [host], NOT_YET;
    /// The web server sends more than is allowed. Not supported yet.
    HttpOversize = "http-oversize", "sends more in HTTP than is allowed": Https, takes [host from], needs [host], NOT_YET;
    /// The web server stops answering. Not supported yet.
    HttpStalled = "http-stalled", "falls silent in HTTP": Https, takes [host from], needs [host], NOT_YET;
    /// The disk is full. Not supported yet.
    DiskFull = "disk-full", "has a full disk": Machine, takes [host], needs [host], NOT_YET;
    /// The clock of the host is wrong by `shift`.
    ClockShift = "clock-shift", "has a clock that is wrong by {shift}": Machine, takes [host shift], needs [host shift], clock_shift;
}

/// The fields that every kind takes.
pub const ALWAYS: [&str; 4] = ["name", "until", "times", "may-not-act"];

impl FaultKind {
    /// What the server does that has the fault, to be put behind its name: `answers SERVFAIL`. In braces are the values of
    /// the fault; `{at}` and `{to}` are the stage of the session: `at RCPT`, `to RCPT`.
    pub const fn does(self) -> &'static str {
        self.row().does
    }

    /// The group that it belongs to.
    pub const fn family(self) -> FaultFamily {
        self.row().family
    }

    /// The fields that it must have.
    pub const fn needs(self) -> &'static [&'static str] {
        self.row().needs
    }

    /// The fields that it takes besides [`ALWAYS`], those that it needs among them.
    pub const fn takes(self) -> &'static [&'static str] {
        self.row().takes
    }
}

impl Fault {
    /// What it comes to; nothing if it lacks a field that its kind needs. A file that was read without a mistake has none
    /// such.
    pub fn effect(&self) -> Option<Effect> {
        (self.kind.get().row().effect)(self)
    }

    /// Whether the run may end without its having acted.
    pub fn may_not_act(&self) -> bool {
        self.may_not_act.as_ref().is_some_and(|may| *may.get())
    }

    /// Whether it is the zone's parent that is wrong about it, so that it happens at the parent's servers.
    pub fn is_at_parent(&self) -> bool {
        matches!(self.effect(), Some(Effect::Names(kind)) if kind.is_at_parent())
    }
}

const NOT_YET: fn(&Fault) -> Option<Effect> = |_| Some(Effect::NotYet);

fn names(kind: impl Into<D>) -> Option<Effect> {
    Some(Effect::Names(kind.into()))
}

fn handshake(does: Instead) -> Option<Effect> {
    Some(Effect::Session(Stage::Handshake, does))
}

fn session(fault: &Fault, does: Instead) -> Option<Effect> {
    Some(Effect::Session(fault.stage.as_ref()?.get().0, does))
}

fn count(fault: &Fault) -> Option<u16> {
    u16::try_from(*fault.count.as_ref()?.get()).ok()
}

/// Whoever puts the text in need not be on the path of packets: it comes with the server's own. An attacker of the file's
/// own cannot do it yet.
fn injected(fault: &Fault) -> Option<Effect> {
    if fault.by.is_some() {
        return Some(Effect::NotYet);
    }
    let mut octets = Vec::new();
    for line in fault.text.as_ref()?.get().lines() {
        octets.extend_from_slice(line.as_bytes());
        octets.extend_from_slice(b"\r\n");
    }
    Some(Effect::Session(Stage::StartTls, Instead::Followed(octets)))
}

/// A shift is relative: a point in time is refused when the file is read.
fn clock_shift(fault: &Fault) -> Option<Effect> {
    match *fault.shift.as_ref()?.get() {
        Time::Relative(by) => Some(Effect::ClockShift(by)),
        Time::Absolute(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{ALWAYS, FaultKind};
    use crate::schema;

    /// The rows of the table name fields that there are, and need none that they do not take.
    #[test]
    fn rows_name_fields_of_a_fault() {
        let schema = schema();
        let fields = schema["definitions"]["Fault"]["properties"].as_object().expect("a fault has fields");
        for kind in FaultKind::ALL {
            for field in kind.takes().iter().chain(&ALWAYS) {
                assert!(fields.contains_key(*field), "{kind}: {field}");
            }
            assert!(kind.needs().iter().all(|field| kind.takes().contains(field)), "{kind}");
        }
    }
}
