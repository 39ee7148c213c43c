//! The table of behaviours.
//!
//! Each row has an id, what it means, the source, and the events that show it: their kinds, and what their fields must
//! hold. A row without `=>` is known and shown by nothing yet; `or` separates several ways to show one:
//!
//! | written | the field |
//! |---|---|
//! | `"text"` | is this text |
//! | `["one", "other"]` | is one of these texts |
//! | `(holds "part")` | is a text that contains this part |
//! | `true`, `false` | is this flag |
//! | `(2..)` | is a number of at least this |
//! | `any` | is there |
//! | `none` | is not there |
//! | `(unlike other)` | differs from the field `other` of the same event |
//! | `changes` | differs from that of another event of the same kind, name and type |
//!
//! `exchange.md` is the collection of what is documented and seen of Exchange Online.

use super::{Behaviour, Evidence, Want};

macro_rules! behaviours {
    ($(
        $id:literal: $what:literal, $source:literal
        $(=> $($($kind:ident { $($field:ident $(- $more:ident)* = $want:tt),+ }),+) or +)?;
    )+) => {
        &[$(Behaviour {
            id: $id,
            what: $what,
            source: $source,
            ways: &[$($(&[$(Evidence {
                kind: stringify!($kind),
                fields: &[$((concat!(stringify!($field) $(, "-", stringify!($more))*), want!($want))),+],
            }),+]),+)?],
        }),+]
    };
}

macro_rules! want {
    (any) => { Want::Any };
    (none) => { Want::Absent };
    (changes) => { Want::Changes };
    (true) => { Want::Flag(true) };
    (false) => { Want::Flag(false) };
    ((holds $part:literal)) => { Want::Holds($part) };
    ((unlike $field:ident $(- $more:ident)*)) => { Want::Unlike(concat!(stringify!($field) $(, "-", stringify!($more))*)) };
    (($least:literal..)) => { Want::AtLeast($least) };
    ([$($text:literal),+]) => { Want::OneOf(&[$($text),+]) };
    ($text:literal) => { Want::Is($text) };
}

/// The groups: the part of an id before the dot, in the order of the table.
pub(super) const GROUPS: &[(&str, &str)] = &[
    ("dane", "outbound SMTP DANE"),
    ("dnssec", "what the validating resolver says"),
    ("sts", "MTA-STS"),
    ("tlsrpt", "reports about TLS"),
    ("retry", "waiting, trying again, restarts"),
    ("ndr", "delivery reports"),
    ("smtp", "the protocol"),
    ("dkim", "signing, and verification"),
    ("spf", "SPF"),
    ("dmarc", "DMARC"),
    ("stamp", "header fields that the receiver writes"),
    ("compauth", "composite authentication, by reason"),
    ("policy", "what happens to a message"),
    ("hop", "hosts on the way that change a message"),
    ("arc", "ARC"),
    ("inbound", "DANE for a tenant's own domain"),
    ("wire", "what everybody on the path sees"),
];

/// Every behaviour that is known.
#[rustfmt::skip]
pub(super) const BEHAVIOURS: &[Behaviour] = behaviours! {
    // dane: outbound SMTP DANE
    "dane.ee-match": "usage 3, each selector and matching type, the certificate matches: delivered, authenticated", "RFC 7671 §5.1"
        => tried { outcome = "delivered", security = "dane", matched = any };
    "dane.ta-match": "usage 2, each selector and matching type, the chain has the trust anchor and the name is right: delivered, authenticated", "RFC 7671 §5.2";
    "dane.ta-not-sent": "usage 2 by digest, and the server sends its own certificate only: 4.7.323", "RFC 7671 §5.2.2";
    "dane.ta-full-not-sent": "usage 2 with the whole certificate or key, which the server does not send: delivered", "RFC 7671 §5.2.2";
    "dane.ta-nexthop-name": "usage 2, the certificate names the domain of the mail in place of the host: delivered", "RFC 7672 §3.2.2";
    "dane.ta-name": "usage 2, the certificate names another host: 4.7.325", "RFC 7672 §3.2.2";
    "dane.ta-matches-leaf": "usage 2, and only the server's own certificate matches: 4.7.323", "RFC 7671 §5.2";
    "dane.ee-matches-ca": "usage 3, and only the issuing authority matches: 4.7.323", "RFC 7671 §5.1";
    "dane.ee-name": "usage 3, the certificate names another host: delivered, since names do not count", "RFC 7671 §5.1";
    "dane.mismatch": "authentic TLSA records, another certificate: 4.7.323", "exchange.md §5.4"
        => deferred { code = "4.7.323", problem = "tlsa-mismatch" };
    "dane.expired": "usage 3, the certificate is past its end: exo 4.7.322; rfc delivered", "exchange.md §5.4; RFC 7671 §5.1"
        => tlsa { decision = "dane" }, deferred { code = "4.7.322", problem = "certificate-expired" };
    "dane.expired-ta": "usage 2, the certificate is past its end: 4.7.322", "exchange.md §5.4";
    "dane.not-yet-valid": "the certificate begins in the future: exo 4.7.323; rfc by usage", "exchange.md §5.4; RFC 7671 §5.1"
        => tlsa { decision = "dane" }, deferred { code = "4.7.323", problem = "certificate-not-yet-valid" };
    "dane.no-starttls": "STARTTLS is not offered: 4.7.321, nothing in clear", "exchange.md §5.4; RFC 7672 §2.2"
        => tlsa { decision = "dane" }, deferred { code = "4.7.321", problem = "starttls-not-offered" };
    "dane.starttls-refused": "STARTTLS is answered with 454: 4.7.321", "exchange.md §5.4"
        => tlsa { decision = "dane" }, deferred { code = "4.7.321", problem = "starttls-refused" };
    "dane.handshake-fails": "the handshake ends in an alert, garbage, a closed connection or silence: 4.7.321", "exchange.md §5.4"
        => tlsa { decision = "dane" }, deferred { code = "4.7.321", problem = "handshake-failed" };
    "dane.stripped": "somebody on the path takes STARTTLS out of the EHLO reply: 4.7.321, never in clear", "RFC 7672 §1.3.1";
    "dane.starttls-ignored": "STARTTLS is never answered, or followed by plain text: 4.7.321", "RFC 3207 §4; RFC 7672 §2.2";
    "dane.opportunistic-not-enough": "an attacker on the path and an unsigned zone: the attacker reads the mail", "exchange.md §5; RFC 7672 §1.3";
    "dane.dnssec-not-enough": "an attacker on the path and a signed zone without TLSA: the attacker reads the mail", "exchange.md §5; RFC 7672 §1.3";
    "dane.unusable-all": "no TLSA record is usable: delivered over unauthenticated TLS", "RFC 7672 §2.2, §3.1.3"
        => tlsa { decision = "unusable" }, relayed { security = "tls" };
    "dane.unusable-all-plain": "no TLSA record is usable, and the server has no TLS: 4.7.321", "RFC 7672 §2.2"
        => tlsa { decision = "unusable" }, deferred { code = "4.7.321" };
    "dane.unusable-some": "an unusable record beside a usable one that does not match: 4.7.323", "RFC 7671 §10.1"
        => tlsa { decision = "dane", unusable = (1..) }, deferred { problem = "tlsa-mismatch" };
    "dane.rollover": "an old and a new record, one of which matches: delivered", "RFC 7671 §8.1"
        => tlsa { decision = "dane", usable = (2..) }, relayed { security = "dane", matched = any };
    "dane.agility": "the strongest digest decides, for each usage and selector", "RFC 7671 §9";
    "dane.tlsa-cname": "the owner of the TLSA records is a secure alias: delivered", "RFC 7671 §7"
        => resolved { type = "TLSA", status = "secure", aliases = (1..) }, relayed { security = "dane" };
    "dane.mx-alias": "the MX host is a secure alias: TLSA at the canonical name first, then at the original", "RFC 7672 §2.2.2"
        => tlsa { decision = "dane", base = (unlike host) }, relayed { security = "dane" };
    "dane.insecure-domain": "the zone of the domain is not signed: ordinary delivery", "RFC 7672 §2.2.1"
        => tlsa { decision = "insecure" }, relayed { security = ["none", "tls"] };
    "dane.insecure-mx": "insecure MX records, hosts with TLSA: exo ordinary delivery; a setting applies DANE", "RFC 7672 §2.2.1"
        => resolved { type = "MX", status = "insecure" }, resolved { type = "A", status = "secure" }, tlsa { decision = "insecure" };
    "dane.insecure-host": "the addresses are in an unsigned zone: TLSA is not asked for", "RFC 7672 §2.2.2"
        => resolved { type = "MX", status = "secure" }, resolved { type = "A", status = "insecure" }, tlsa { decision = "insecure" };
    "dane.alias-into-insecure": "the MX host is a secure alias into an unsigned zone: TLSA at the original name applies", "RFC 7672 §2.2.2";
    "dane.one-a-bogus": "the addresses of one of two hosts are bogus: the other is used", "RFC 7672 §2.2.2"
        => resolved { type = "A", status = "bogus" }, relayed { attempts = any };
    "dane.implicit-mx": "no MX records, TLSA at the domain itself: delivered, authenticated", "RFC 7672 §2.2.1; RFC 5321 §5.1"
        => resolved { type = "MX", found = "no-data" }, relayed { security = "dane" };
    "dane.no-tlsa": "TLSA records are securely denied: ordinary delivery", "RFC 7672 §2.2"
        => tlsa { decision = "none" }, relayed { security = ["none", "tls"] };
    "dane.tlsa-servfail": "no answer about TLSA: the host is skipped; alone 4.7.324", "RFC 7672 §2.1.2; exchange.md §5.4"
        => tlsa { decision = "failed" }, resolved { type = "TLSA", status = "servfail" };
    "dane.tlsa-bogus": "TLSA records are bogus: the host is skipped; alone 4.7.324", "RFC 7672 §2.1.2; exchange.md §5.4"
        => tlsa { decision = "failed" }, resolved { type = "TLSA", status = "bogus" };
    "dane.mx-bogus": "MX records are bogus: 4.7.324, or 4.4.312 with the documented limitation", "exchange.md §5.4"
        => resolved { type = "MX", status = "bogus" }, deferred { code = ["4.7.324", "4.4.312"] };
    "dane.a-bogus": "addresses are bogus: 4.7.324, or 4.4.312 with the documented limitation", "exchange.md §5.4"
        => resolved { type = "A", status = "bogus" }, deferred { code = ["4.7.324", "4.4.312"] };
    "dane.second-mx": "the first host fails, the second takes the message", "RFC 7672 §2.2; RFC 5321 §5.1"
        => tried { outcome = "failed", code = any }, relayed { attempts = (1..) };
    "dane.all-mx-fail": "every host fails: all are tried at each attempt, by preference", "RFC 5321 §5.1";
    "dane.sni": "the server picks its certificate by SNI, the TLSA base domain: delivered", "RFC 7672 §8.1";
    "dane.repaired": "the administrator repairs record, certificate or DS: delivered at the next attempt, no NDR", "exchange.md §5.2"
        => deferred { code = any }, relayed { security = "dane", attempts = (2..) };
    "dane.broken-midway": "the zone breaks while mail flows: cached answers end by TTL and by signature", "RFC 4035 §5.3.3"
        => resolved { status = "secure" }, resolved { status = "bogus" }, deferred { code = "4.7.324" };
    "dane.removed": "the TLSA records are removed while a message waits: ordinary delivery at the next attempt", "RFC 7672 §2.2";
    "dane.mode-mandatory": "a connector that demands DANE: without it mail waits and expires", "exchange.md §5.5";
    "dane.mode-none": "a connector without DANE: nothing is validated", "exchange.md §5.5";
    "dane.attack-matrix": "forged TLSA, MX, A, stripped or replayed signatures, other certificate, lower TLS, no STARTTLS: never in clear, never to the attacker", "RFC 7672 §1.3; exchange.md §5";

    // dnssec: what the validating resolver says, with its reason
    "dnssec.secure": "the chain from the trust anchor holds", "RFC 4035 §5" => resolved { status = "secure" };
    "dnssec.insecure-delegation": "the parent proves that there is no DS", "RFC 4035 §5.2"
        => resolved { status = "insecure", reason = "insecure-delegation" };
    "dnssec.rrsig-expired": "signatures are past their end", "RFC 4035 §5.3.1"
        => resolved { status = "bogus", reason = "rrsig-expired" };
    "dnssec.rrsig-not-yet-valid": "signatures are before their start", "RFC 4035 §5.3.1"
        => resolved { status = "bogus", reason = "rrsig-not-yet-valid" };
    "dnssec.rrsig-missing": "a signed zone gives records without signatures", "RFC 4035 §5.3.1"
        => resolved { status = "bogus", reason = "rrsig-missing" };
    "dnssec.rrsig-bad": "signatures do not verify", "RFC 4035 §5.3.3"
        => resolved { status = "bogus", reason = "rrsig-bad" };
    "dnssec.key-missing": "the key that signed is not published", "RFC 4035 §5.3.1"
        => resolved { status = "bogus", reason = "key-missing" };
    "dnssec.ds-mismatch": "the DS fits no key", "RFC 4035 §5.2"
        => resolved { status = "bogus", reason = "ds-mismatch" };
    "dnssec.ds-algorithm-unsupported": "every DS has an unknown algorithm: insecure", "RFC 4035 §5.2"
        => resolved { status = "insecure", reason = "ds-algorithm-unsupported" };
    "dnssec.denial-missing": "a denial has no proof", "RFC 4035 §5.4"
        => resolved { status = "bogus", reason = "denial-missing" };
    "dnssec.denial-wrong": "a denial has the wrong proof", "RFC 4035 §5.4"
        => resolved { status = "bogus", reason = "denial-wrong" };
    "dnssec.nsec3-iterations": "too many iterations: insecure", "RFC 9276 §3.2"
        => resolved { status = "insecure", reason = "nsec3-iterations" };
    "dnssec.servfail": "the servers answer SERVFAIL", "RFC 2308 §7.1"
        => resolved { status = "servfail", reason = "servfail" };
    "dnssec.refused": "the servers answer REFUSED", "RFC 1035 §4.1.1"
        => resolved { status = "servfail", reason = "refused" };
    "dnssec.time-out": "the servers do not answer", "RFC 2308 §7.2"
        => resolved { status = "servfail", reason = "time-out" };
    "dnssec.lame": "the servers do not know the zone", "RFC 9499 §7"
        => resolved { status = "servfail", reason = "lame" };
    "dnssec.malformed": "the servers send what is no DNS message", "RFC 1035 §4.1"
        => resolved { status = "servfail", reason = "malformed" };
    "dnssec.alias-loop": "an alias leads back to itself", "RFC 1034 §5.2.2"
        => resolved { status = "servfail", reason = "alias-loop" };
    "dnssec.truncated": "answers are cut off, over TCP too", "RFC 7766 §5"
        => resolved { status = "servfail", reason = "truncated" };
    "dnssec.nsec-nodata": "NSEC proves that the type does not exist", "RFC 4035 §5.4"
        => resolved { status = "secure", found = "no-data", proof = "nsec" };
    "dnssec.nsec-nxdomain": "NSEC proves that the name does not exist", "RFC 4035 §5.4"
        => resolved { status = "secure", found = "no-name", proof = "nsec" };
    "dnssec.nsec3-nodata": "NSEC3 proves that the type does not exist", "RFC 5155 §8.5"
        => resolved { status = "secure", found = "no-data", proof = "nsec3" };
    "dnssec.nsec3-nxdomain": "NSEC3 proves that the name does not exist", "RFC 5155 §8.4"
        => resolved { status = "secure", found = "no-name", proof = "nsec3" };
    "dnssec.nsec3-optout": "an opted-out delegation: insecure", "RFC 5155 §8.6"
        => resolved { status = "insecure", reason = "nsec3-opt-out" };
    "dnssec.wildcard": "records from a wildcard, with the proof that the name itself does not exist", "RFC 4035 §5.3.4"
        => resolved { status = "secure", found = "records", wildcard = any, proof = any };
    "dnssec.wildcard-nodata": "the wildcard lacks the type, which is proved", "RFC 5155 §8.7; RFC 4035 §3.1.3.4"
        => resolved { status = "secure", found = "no-data", wildcard = any, proof = any };
    "dnssec.ent": "a name without records and with names below it", "RFC 8020 §2; RFC 5155 §7.1"
        => resolved { status = "secure", found = "no-data", empty-non-terminal = true };
    "dnssec.cname-chain": "a chain of aliases, each secure", "RFC 4035 §5.3.4"
        => resolved { status = "secure", aliases = (2..) };
    "dnssec.dname": "an alias that a DNAME makes", "RFC 6672 §5.3" => resolved { status = "secure", dnames = (1..) };
    "dnssec.split-keys": "one key signs keys, another the zone", "RFC 4035 §2.1"
        => resolved { status = "secure", key = (unlike ds-key), ds-key = any };
    "dnssec.key-rollover": "a zone changes its key, and stays secure", "RFC 6781 §4.1"
        => resolved { status = "secure", key = changes }
        or resolved { status = "secure", ds-key = changes }
        or resolved { status = "bogus", reason = "ds-mismatch", type = "DS", server = any },
           resolved { status = "secure" };
    "dnssec.pre-publish": "the new key is published before it signs", "RFC 6781 §4.1.1.1"
        => step { roll = "add-key" },
           step { roll = "switch-signing" },
           step { roll = "drop-old" },
           resolved { status = "secure", key = changes };
    "dnssec.double-ds": "the new DS is published before the new key", "RFC 6781 §4.1.2"
        => step { roll = "add-ds" },
           step { roll = "add-key" },
           step { roll = "drop-old" },
           resolved { status = "secure", ds-key = changes };
    "dnssec.algorithm-rollover": "a zone changes its algorithm, and stays secure", "RFC 6781 §4.1.4"
        => resolved { status = "secure", algorithm = changes };
    "dnssec.truncated-tcp": "a secure answer too large for a datagram comes over TCP", "RFC 7766 §5"
        => resolved { status = "secure", transport = "tcp" };
    "dnssec.clock-skew": "the clock of the validator is wrong", "RFC 4035 §5.3.1"
        => step { fault = "clock-shift" },
           resolved { status = "bogus", reason = ["rrsig-expired", "rrsig-not-yet-valid"] };
    "dnssec.stripping-forwarder": "a forwarder that drops what DNSSEC needs", "RFC 4035 §3.2.1"
        => resolved { status = "bogus", reason = ["rrsig-missing", "denial-missing"], forwarder = true };
    "dnssec.ttl-vs-rrsig": "a cached answer never outlives its signature", "RFC 4035 §5.3.3"
        => resolved { status = "secure", expires-by = "signature" };
    "dnssec.keytrap-bounded": "many keys with one tag: work is bounded", "CVE-2023-50387"
        => resolved { status = "bogus", reason = "too-much-work", bound = ["signature-checks", "failed-checks", "keys"] };
    "dnssec.nsec3-bounded": "expensive NSEC3 proofs: work is bounded", "CVE-2023-50868"
        => resolved { status = "bogus", reason = "too-much-work", bound = "hashes" };

    // sts: MTA-STS
    "sts.enforce-ok": "an enforced policy holds: delivered", "RFC 8461 §4";
    "sts.wildcard-mx": "a pattern of the policy covers the host", "RFC 8461 §4.1";
    "sts.mx-not-listed": "the policy does not list the host: 4.4.8", "exchange.md §6; RFC 8461 §4.1";
    "sts.cert-untrusted": "nobody trusts the certificate's issuer: 4.7.5", "exchange.md §6; RFC 8461 §4.2";
    "sts.cert-expired": "the certificate is past its end: 4.7.5", "exchange.md §6; RFC 8461 §4.2";
    "sts.cert-name": "the certificate names another host: 4.7.5", "exchange.md §6; RFC 8461 §4.2";
    "sts.no-starttls": "an enforced policy, and STARTTLS is not offered: not delivered", "RFC 8461 §4.2";
    "sts.testing": "a policy in testing fails: delivered, and reported", "RFC 8461 §5";
    "sts.none": "mode none: as if there were no policy", "RFC 8461 §5";
    "sts.no-policy": "the domain has no policy: ordinary delivery", "RFC 8461 §3.1";
    "sts.fetch-fails": "the policy cannot be fetched, and none is cached: delivered, and counted", "RFC 8461 §3.3";
    "sts.cached-survives": "the policy cannot be fetched later: the cached one is enforced", "RFC 8461 §3.3";
    "sts.id-changes": "a new id has the policy fetched again", "RFC 8461 §3.1";
    "sts.max-age": "a cached policy ends", "RFC 8461 §3.2";
    "sts.two-txt": "two records: as if there were no policy", "RFC 8461 §3.1";
    "sts.malformed": "the record or the policy cannot be read", "RFC 8461 §3.1, §3.2";
    "sts.dane-wins": "a policy does not rescue what DANE refuses", "RFC 8461 §2";
    "sts.refresh-before-fail": "a new policy is looked for before mail fails for good", "RFC 8461 §5.1";
    "sts.mode-none": "a connector without MTA-STS", "exchange.md §5.5";

    // tlsrpt: reports about TLS
    "tlsrpt.daily": "one report for each domain and UTC day, with right counts", "RFC 8460 §4.1";
    "tlsrpt.every-result-type": "each type of result", "RFC 8460 §4.3";
    "tlsrpt.two-policies": "DANE and MTA-STS of one domain are reported apart", "RFC 8460 §4.4";
    "tlsrpt.mailto": "a signed message carries it", "RFC 8460 §5.3";
    "tlsrpt.https": "it is posted, compressed", "RFC 8460 §5.4";
    "tlsrpt.no-rua": "nobody asked for reports: none is sent", "RFC 8460 §3";
    "tlsrpt.not-about-reports": "nobody reports about reports", "RFC 8460 §5.3";
    "tlsrpt.delivered-despite-tls-failure": "a report is delivered although TLS fails", "RFC 8460 §3";
    "tlsrpt.exo-layout": "the form of Exchange Online's reports", "exchange.md §5.7";

    // retry: waiting, trying again, restarts
    "retry.schedule": "attempts at 0, 15, 30, 90, 150 minutes and so on, for 24 h", "exchange.md §5.2"
        => deferred { attempts = (3..) }, bounced { attempts = (26..) };
    "retry.expiration-12h": "a tenant's mail expires after 12 h", "exchange.md §5.2";
    "retry.restart": "the engine is killed and started again: same next attempt, nothing lost, nothing twice", "RFC 5321 §4.5.4.1"
        => resumed { message = any }, relayed { attempts = (2..) };
    "retry.crash-after-dot": "killed between the final dot and its reply: one duplicate at most, never a loss", "RFC 1047 §2";
    "retry.greylist": "a server refuses the first attempt on purpose", "RFC 6647 §2";
    "retry.4xx-each-stage": "a temporary refusal at each stage", "RFC 5321 §4.2.1"
        => step { fault = "smtp-reply" }, deferred { stage = any }, relayed { attempts = (2..) };
    "retry.421": "the server is closing down", "RFC 5321 §3.8"
        => step { fault = "smtp-reply" }, deferred { text = (holds "421 ") };
    "retry.refused": "the connection is refused: 4.4.316", "exchange.md §5.6" => deferred { code = "4.4.316" };
    "retry.unreachable": "the host cannot be reached: 4.4.315", "exchange.md §5.6" => deferred { code = "4.4.315" };
    "retry.stall-each-stage": "the server falls silent at each stage: the time-outs of the standard", "RFC 5321 §4.5.3.2"
        => step { fault = "smtp-stalled" }, deferred { stage = any }, relayed { attempts = (2..) };
    "retry.partial-recipients": "some recipients are taken, others wait", "RFC 5321 §4.2.1"
        => relayed { attempts = any }, deferred { stage = "rcpt" }, relayed { attempts = (2..) };
    "retry.many-domains": "a message to several domains", "RFC 5321 §4.5.4.1";

    // ndr: delivery reports
    "ndr.5xx-each-stage": "a final refusal at each stage", "RFC 5321 §4.2.1"
        => step { fault = "smtp-reply" }, bounced { stage = any, ndr = any };
    "ndr.expired-arrow": "the last temporary failure is quoted behind an arrow", "exchange.md §7.3"
        => bounced { text = (holds " -> 4") };
    "ndr.delay-notice": "the author is told that a message is late", "RFC 3464 §2.3.3; exchange.md §7.1"
        => notified { action = "delayed" };
    "ndr.dsn-notify": "NOTIFY, ORCPT, ENVID and RET", "RFC 3461 §4";
    "ndr.null-sender": "there is no NDR about an NDR", "RFC 5321 §4.5.5" => bounced { code = any, ndr = none };
    "ndr.null-mx": "the domain takes no mail: 5.1.10", "RFC 7505 §4.1; exchange.md §7.5"
        => bounced { code = "5.1.10" };
    "ndr.nxdomain": "the domain does not exist: 5.4.310", "exchange.md §7.5" => bounced { code = "5.4.310" };
    "ndr.exo-layout": "the sections of Exchange Online's NDR", "exchange.md §7.2";
    "ndr.delivered": "the NDR itself travels, and is received", "RFC 5321 §6.1"
        => bounced { ndr = any }, accepted { from = "<>" };
    "ndr.each-32x": "5.7.321 to 5.7.325, each", "exchange.md §5.4"
        => bounced { code = ["5.7.321", "5.7.322", "5.7.323", "5.7.324", "5.7.325"], ndr = any };

    // smtp: the protocol
    "smtp.pipelining": "commands in groups", "RFC 2920";
    "smtp.chunking": "BDAT", "RFC 3030 §2";
    "smtp.size": "SIZE, declared and exceeded", "RFC 1870";
    "smtp.8bitmime": "8-bit content to servers with and without the extension", "RFC 6152";
    "smtp.smtputf8": "addresses and headers in UTF-8", "RFC 6531";
    "smtp.dot-stuffing": "lines that begin with a dot", "RFC 5321 §4.5.2";
    "smtp.smuggling": "a bare CR or LF around the dot never ends a message", "CVE-2023-51764; RFC 5321 §4.1.1.4";
    "smtp.starttls-injection": "plain text behind STARTTLS is discarded, and the session ends", "CVE-2011-0411; RFC 3207 §4.2";
    "smtp.long-lines": "lines over 998 octets are refused at submission, never wrapped", "RFC 5322 §2.1.1; exchange.md §7.5";
    "smtp.requiretls": "REQUIRETLS", "RFC 8689 §4";
    "smtp.tls-required-no": "TLS-Required: No", "RFC 8689 §5";
    "smtp.reply-garbage": "what the server says is no reply", "RFC 5321 §4.2"
        => step { fault = "smtp-garbage" }, deferred { code = any };
    "smtp.multiline-replies": "replies of several lines", "RFC 5321 §4.2.1";

    // dkim: signing
    "dkim.custom-domain": "a domain of the tenant's own signs", "exchange.md §4.5";
    "dkim.initial-domain": "the initial domain signs", "exchange.md §4.5";
    "dkim.subdomain": "a subdomain has a configuration of its own", "exchange.md §4.1";
    "dkim.fallback": "signing is off for the domain: the initial domain signs", "exchange.md §4.5";
    "dkim.skipped-intra-org": "mail within the organization is not signed", "exchange.md §4.5"
        => verdict { dkim = "none" }, stamped { value = (holds "dkim=none (message not signed)") };
    "dkim.cname-missing": "the CNAME records are not published: status and text", "exchange.md §4.2";
    "dkim.status-each": "each status", "exchange.md §4.2";
    "dkim.rotate": "the old selector signs until 96 h have passed, then the new", "exchange.md §4.4";
    "dkim.rotate-refused": "a rotation that is not allowed", "exchange.md §4.4";
    "dkim.key-size": "1024 and 2048 bits", "exchange.md §4.3";
    "dkim.canonicalization": "each pair of canonicalizations against each change on the way", "RFC 6376 §3.4";
    "dkim.third-party": "a bulk sender signs for a subdomain", "RFC 6376 §2.2";
    "dkim.double": "two signatures verify, one is aligned", "RFC 6376 §4; RFC 7489 §3.1.1";
    "dkim.not-listed": "what Get- lists before and after New- and Set-", "exchange.md §4.3";
    "dkim.negative-cache": "a CNAME published after a failed check is found when the negative TTL has run out", "RFC 2308 §5";

    // dkim: verification
    "dkim.pass": "a signature verifies", "RFC 6376 §6" => verdict { dkim = "pass", dkim-causes = (holds "pass") };
    "dkim.body-hash": "the body was changed", "RFC 6376 §6.1.3" => verdict { dkim = "fail", dkim-causes = "body-hash" };
    "dkim.bad-signature": "a signed field was changed", "RFC 6376 §6.1.3"
        => verdict { dkim = "fail", dkim-causes = "signature" };
    "dkim.no-key": "there is no key record", "RFC 6376 §6.1.2" => verdict { dkim = "fail", dkim-causes = "no-key" };
    "dkim.key-revoked": "the key record is empty", "RFC 6376 §3.6.1" => verdict { dkim-causes = "key-revoked" };
    "dkim.key-timeout": "DNS does not answer about the key", "RFC 6376 §6.1.2"
        => verdict { dkim = "timeout", dkim-causes = "key-timeout" };
    "dkim.expired": "the signature is past x=", "RFC 6376 §3.5" => verdict { dkim-causes = "expired" };
    "dkim.weak-key": "the key is too short", "RFC 8301 §3.2" => verdict { dkim-causes = "key-weak" };
    "dkim.l-tag": "only a part of the body is signed", "RFC 6376 §8.2"
        => verdict { dkim = "pass", dkim-causes = "pass-in-part" };
    "dkim.many-signatures": "several signatures", "RFC 6376 §4.2"
        => verdict { dkim-signatures = (2..), dkim-causes = any };
    "dkim.ed25519": "Ed25519", "RFC 8463" => verdict { dkim = "pass", dkim-algorithms = "ed25519-sha256" };
    "dkim.from-not-signed": "h= lacks From", "RFC 6376 §5.4" => verdict { dkim-causes = "from-not-signed" };

    // spf: SPF
    "spf.pass": "the client may send for the domain", "RFC 7208 §2.6.3" => verdict { spf = "pass" };
    "spf.fail": "the client may not", "RFC 7208 §2.6.4" => verdict { spf = "fail" };
    "spf.softfail": "the client probably may not", "RFC 7208 §2.6.5" => verdict { spf = "softfail" };
    "spf.neutral": "the domain says nothing of the client", "RFC 7208 §2.6.2" => verdict { spf = "neutral" };
    "spf.none": "the domain has no record", "RFC 7208 §2.6.1" => verdict { spf = "none" };
    "spf.temperror": "DNS does not answer", "RFC 7208 §2.6.6" => verdict { spf = "temperror", spf-problem = any };
    "spf.permerror": "the record cannot be used", "RFC 7208 §2.6.7" => verdict { spf = "permerror", spf-problem = any };
    "spf.helo": "null reverse-path: the name in HELO is judged", "RFC 7208 §2.4"
        => verdict { spf-identity = "helo", spf = "pass" };
    "spf.include": "include", "RFC 7208 §5.2" => verdict { spf = "pass", spf-path = (holds "include:") };
    "spf.redirect": "redirect", "RFC 7208 §6.1" => verdict { spf = "pass", spf-path = (holds "redirect=") };
    "spf.macro": "macros", "RFC 7208 §7" => verdict { spf = "pass", spf-path = (holds "%{") };
    "spf.ptr": "ptr", "RFC 7208 §5.5" => verdict { spf = "pass", spf-path = (holds "ptr") };
    "spf.exists": "exists", "RFC 7208 §5.7" => verdict { spf = "pass", spf-path = (holds "exists:") };
    "spf.ten-lookups": "more than ten terms ask DNS", "RFC 7208 §4.6.4"
        => verdict { spf = "permerror", spf-problem = (holds "terms ask DNS") };
    "spf.void-lookups": "more than two lookups find nothing", "RFC 7208 §4.6.4"
        => verdict { spf = "permerror", spf-problem = (holds "lookups without an answer") };
    "spf.nested-include": "an include in an include", "RFC 7208 §5.2"
        => verdict { spf = "pass", spf-path = (holds " > include:") };
    "spf.two-records": "two records", "RFC 7208 §4.5"
        => verdict { spf = "permerror", spf-problem = (holds "2 SPF records") };

    // dmarc: DMARC
    "dmarc.pass-spf": "SPF passes and is aligned", "RFC 7489 §3.1.2"
        => verdict { dmarc = "pass", dmarc-aligned = "spf" };
    "dmarc.pass-dkim": "a signature verifies and is aligned", "RFC 7489 §3.1.1"
        => verdict { dmarc = "pass", dmarc-aligned = "dkim" };
    "dmarc.relaxed": "relaxed alignment", "RFC 7489 §3.1"
        => verdict { dmarc = "pass", dmarc-spf-mode = "relaxed", dmarc-dkim-mode = "relaxed" };
    "dmarc.strict": "strict alignment", "RFC 7489 §3.1"
        => verdict { dmarc = "fail", spf = "pass", dkim = "pass", dmarc-spf-mode = "strict", dmarc-dkim-mode = "strict" };
    "dmarc.sp": "the policy for subdomains", "RFC 7489 §6.3" => verdict { dmarc = "fail", dmarc-tag = "sp" };
    "dmarc.np": "the policy for subdomains that do not exist", "RFC 9091 §4; RFC 9989"
        => verdict { dmarc = "fail", dmarc-tag = "np" };
    "dmarc.pct": "both sides of the draw", "RFC 7489 §6.6.4"
        => verdict { dmarc = "fail", action = ["pct.quarantine", "pct.reject"] };
    "dmarc.p-each": "each policy", "RFC 7489 §6.3" => verdict { dmarc = "fail", dmarc-tag = "p", dmarc-policy = any };
    "dmarc.bestguesspass": "no record, and the message would pass", "exchange.md §2.3"
        => verdict { dmarc = "bestguesspass" };
    "dmarc.two-records": "two records: as if there were none", "RFC 7489 §6.6.3"
        => verdict { dmarc-problem = (holds "several DMARC records") };
    "dmarc.temperror": "DNS does not answer", "RFC 7489 §6.6.3" => verdict { dmarc = "temperror", dmarc-problem = any };
    "dmarc.permerror": "the record cannot be used", "RFC 7489 §6.6.3"
        => verdict { dmarc = "permerror", dmarc-problem = any };
    "dmarc.tree-walk": "the organizational domain by walking up", "RFC 9989"
        => verdict { dmarc-rules = "rfc9989", dmarc-place = "organization", dmarc-questions = (3..) };
    "dmarc.psl": "the organizational domain by the public suffix list", "RFC 7489 §3.2"
        => verdict { dmarc-rules = "rfc7489", dmarc-place = "organization" };
    "dmarc.t-testing": "t=y", "RFC 9989" => verdict { dmarc = "fail", dmarc-testing = true };
    "dmarc.psd": "a record of a public suffix", "RFC 9989; RFC 9091"
        => verdict { dmarc-rules = "rfc9989", dmarc-place = "suffix" };
    "dmarc.multiple-from": "several authors", "RFC 7489 §6.6.1"
        => verdict { dmarc-rules = "rfc7489", dmarc-authors = (2..) };
    "dmarc.aggregate-report": "a report goes where it was asked for, and arrives", "RFC 7489 §7.2; RFC 9990"
        => reported { kind = "dmarc", form = ["rfc7489", "rfc9990"], rows = (1..) },
           accepted { from = (holds "dmarcreport@") };

    // stamp: header fields that the receiver writes
    "stamp.layout": "Authentication-Results, byte for byte", "exchange.md §1.3"
        => stamped { header = "Authentication-Results", value = any };
    "stamp.old-layout": "the older layout", "exchange.md §1.3"
        => stamped { header = "Authentication-Results", value = (holds ";fabrikam.example; dmarc=") };
    "stamp.spoofed-header-removed": "an Authentication-Results field that came with the message is renamed", "exchange.md §1.5"
        => stamped { header = "Authentication-Results-Original", value = any };
    "stamp.received-spf": "Received-SPF", "exchange.md §1.5" => stamped { header = "Received-SPF", value = any };

    // compauth: composite authentication, by reason
    "compauth.000": "explicit failure: DMARC fails, and the record asks to act", "exchange.md §2.2";
    "compauth.001": "implicit failure: no records, or weak ones", "exchange.md §2.2"
        => verdict { compauth = "fail", reason = "001" };
    "compauth.002": "the tenant forbids this pair", "exchange.md §2.2";
    "compauth.010": "DMARC fails for one of the tenant's own domains", "exchange.md §2.2";
    "compauth.100": "SPF or DKIM passes and is aligned", "exchange.md §2.2"
        => verdict { compauth = "pass", reason = "100" };
    "compauth.101": "the author's domain has signed", "exchange.md §2.2";
    "compauth.102": "SPF passes and is aligned", "exchange.md §2.2";
    "compauth.103": "the author's domain is aligned with the client's PTR", "exchange.md §2.2";
    "compauth.104": "the client's PTR is aligned with the author's domain", "exchange.md §2.2";
    "compauth.108": "DKIM fails because a legitimate hop changed the body", "exchange.md §2.2";
    "compauth.109": "no DMARC record, and the message would pass", "exchange.md §2.2"
        => verdict { compauth = "pass", reason = "109" };
    "compauth.111": "the DMARC record has an error, and SPF or DKIM is aligned", "exchange.md §2.2";
    "compauth.112": "the DMARC record could not be fetched", "exchange.md §2.2";
    "compauth.115": "from an organization in which the author's domain is accepted", "exchange.md §2.2";
    "compauth.116": "the MX of the author's domain is aligned with the client's PTR", "exchange.md §2.2";
    "compauth.130": "a trusted ARC sealer overrides the failure", "exchange.md §2.2";
    "compauth.201": "the PTR of the author's domain is aligned with the subnet of the client's", "exchange.md §2.2";
    "compauth.202": "the author's domain is aligned with that of the client's PTR", "exchange.md §2.2";
    "compauth.3xx": "not checked", "exchange.md §2.2";
    "compauth.4xx": "bypassed: a gateway stands in front (451)", "exchange.md §2.2";
    "compauth.501": "a valid NDR, and both had contact before", "exchange.md §2.2";
    "compauth.502": "a valid NDR for a message of this organization", "exchange.md §2.2";
    "compauth.601": "the author's domain is one of the tenant's own", "exchange.md §2.2";
    "compauth.701": "a history of legitimate mail from that client", "exchange.md §2.2";
    "compauth.905": "complex routing", "exchange.md §2.2";
    "compauth.neutral-all": "SPF ?all: listed clients pass with 109, unknown ones fall to the implicit rules", "exchange.md §2.3";
    "compauth.precedence": "pairs of conditions that hold at once", "exchange.md §2.2";
    "compauth.signals": "each implicit signal moves what its rule says, and the record names it", "exchange.md §2.3";

    // policy: what happens to a message
    "policy.matrix": "spoof intelligence, Honor DMARC and each policy", "exchange.md §2.6";
    "policy.reject-text": "550 5.7.509", "exchange.md §7.5";
    "policy.quarantine": "into quarantine", "exchange.md §2.5";
    "policy.junk": "into junk mail", "exchange.md §2.5" => accepted { folder = "junk" };
    "policy.tabl-allow": "an allowed pair", "exchange.md §2.8";
    "policy.tabl-block": "a blocked pair", "exchange.md §2.8";
    "policy.tabl-ptr": "an entry by PTR", "exchange.md §2.8";
    "policy.tabl-24": "an entry by network", "exchange.md §2.8";
    "policy.tabl-dkim": "an entry by signing domain", "exchange.md §2.8";
    "policy.tabl-wildcard": "an entry with a wildcard", "exchange.md §2.8";
    "policy.block-beats-allow": "a block goes before an allow", "exchange.md §2.8";
    "policy.safe-sender": "a safe sender of the recipient", "exchange.md §2.8";
    "policy.accepted-domain": "an accepted domain in From", "exchange.md §2.6";
    "policy.gateway-mx": "the best MX is a gateway", "exchange.md §2.2";
    "policy.forefront-header": "X-Forefront-Antispam-Report", "exchange.md §2.7";
    "policy.insight-report": "the columns of the spoof intelligence insight", "exchange.md §2.8";

    // hop: hosts on the way that change a message
    "hop.plain-forward": "a forwarder that keeps the envelope sender: SPF breaks", "RFC 7208 §D.3";
    "hop.srs": "a forwarder that rewrites the envelope sender", "RFC 7208 §D.3";
    "hop.list-footer": "a list adds a footer", "RFC 6377 §5";
    "hop.subject-tag": "a list tags the subject", "RFC 6377 §5";
    "hop.disclaimer": "a gateway adds a disclaimer", "RFC 6376 §8";
    "hop.attachment-removed": "a gateway removes an attachment", "RFC 6376 §8";
    "hop.rewrite-from": "a list writes itself into From", "RFC 7960 §4.1.3";
    "hop.header-reorder": "fields change their order", "RFC 6376 §5.4.2";
    "hop.reencode": "a gateway encodes the body anew", "RFC 6376 §5.3";
    "hop.exchange-2016": "an Exchange server on the way", "exchange.md §3.4";
    "hop.two-in-a-row": "two hops", "RFC 8617 §5";
    "hop.five-in-a-row": "five hops", "RFC 8617 §5";

    // arc: ARC
    "arc.seal-verify": "a chain verifies", "RFC 8617 §5.2";
    "arc.cv-fail": "a chain that its sealer found broken", "RFC 8617 §5.1.2";
    "arc.missing-instance": "a set is missing", "RFC 8617 §5.2";
    "arc.broken-seal": "a seal does not verify (48)", "exchange.md §3.4";
    "arc.broken-body": "the body was changed after the newest set (47)", "exchange.md §3.4";
    "arc.aar-unparsable": "the results of a set cannot be read (35)", "exchange.md §3.4";
    "arc.untrusted": "a chain of a sealer that nobody trusts (oda=0)", "exchange.md §3.4";
    "arc.trusted-130": "a trusted sealer: reason 130", "exchange.md §3.6";
    "arc.trusted-list-change": "Set-ArcConfig replaces the list, for the next message", "exchange.md §3.1";
    "arc.trusted-case": "case does not matter", "exchange.md §3.1";
    "arc.sealer-says-fail": "a trusted sealer says fail", "exchange.md §3.2";
    "arc.forged": "an attacker's own chain claims pass", "RFC 8617 §9";
    "arc.trusted-not-newest": "the trusted sealer is not the newest", "exchange.md §3.5";
    "arc.microsoft-hop": "Microsoft's own hop needs no entry", "exchange.md §3.1";
    "arc.aar-layout": "ARC-Authentication-Results, byte for byte", "exchange.md §3.3";
    "arc.fifty-sets": "more than fifty sets", "RFC 8617 §4.2.1";

    // inbound: DANE for a tenant's own domain
    "inbound.enable": "DNSSEC, then DANE: names, records and status", "exchange.md §5.8";
    "inbound.prerequisites": "each refusal", "exchange.md §5.8";
    "inbound.migration": "from the old MX to the new one, step by step, and each step done wrong", "exchange.md §5.8";

    // wire: what everybody on the path sees
    "wire.in-clear": "a message passes without TLS", "RFC 3207" => accepted { tls = false };
};
