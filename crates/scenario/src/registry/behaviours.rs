//! The table of behaviours.
//!
//! Each row has an id and the events that show it: their kinds, and what their fields must hold:
//!
//! | written | the field |
//! |---|---|
//! | `"text"` | is this text |
//! | `["one", "other"]` | is one of these texts |
//! | `(holds "part")` | is a text that contains this part |
//! | `true`, `false` | is this flag |
//! | `(2..)` | is a number of at least this |
//! | `any` | is there |
//! | `(unlike other)` | differs from the field `other` of the same event |
//! | `changes` | differs from that of another event of the same kind, name and type |

use super::{Behaviour, Evidence, Want};

macro_rules! behaviours {
    ($($id:literal: $($kind:ident { $($field:ident $(- $more:ident)* = $want:tt),+ }),+;)+) => {
        &[$(Behaviour {
            id: $id,
            evidence: &[$(Evidence {
                kind: stringify!($kind),
                fields: &[$((concat!(stringify!($field) $(, "-", stringify!($more))*), want!($want))),+],
            }),+],
        }),+]
    };
}

macro_rules! want {
    (any) => { Want::Any };
    (changes) => { Want::Changes };
    (true) => { Want::Flag(true) };
    (false) => { Want::Flag(false) };
    ((holds $part:literal)) => { Want::Holds($part) };
    ((unlike $field:ident $(- $more:ident)*)) => { Want::Unlike(concat!(stringify!($field) $(, "-", stringify!($more))*)) };
    (($least:literal..)) => { Want::AtLeast($least) };
    ([$($text:literal),+]) => { Want::OneOf(&[$($text),+]) };
    ($text:literal) => { Want::Is($text) };
}

/// Every behaviour that can be shown.
#[rustfmt::skip]
pub(super) const BEHAVIOURS: &[Behaviour] = behaviours! {
    // dane: outbound SMTP DANE
    "dane.ee-match": tried { outcome = "delivered", security = "dane", matched = any };
    "dane.mismatch": deferred { code = "4.7.323", problem = "tlsa-mismatch" };
    "dane.expired": tlsa { decision = "dane" }, deferred { code = "4.7.322", problem = "certificate-expired" };
    "dane.not-yet-valid":
        tlsa { decision = "dane" },
        deferred { code = "4.7.323", problem = "certificate-not-yet-valid" };
    "dane.no-starttls": tlsa { decision = "dane" }, deferred { code = "4.7.321", problem = "starttls-not-offered" };
    "dane.starttls-refused": tlsa { decision = "dane" }, deferred { code = "4.7.321", problem = "starttls-refused" };
    "dane.handshake-fails": tlsa { decision = "dane" }, deferred { code = "4.7.321", problem = "handshake-failed" };
    "dane.unusable-all": tlsa { decision = "unusable" }, relayed { security = "tls" };
    "dane.unusable-all-plain": tlsa { decision = "unusable" }, deferred { code = "4.7.321" };
    "dane.unusable-some": tlsa { decision = "dane", unusable = (1..) }, deferred { problem = "tlsa-mismatch" };
    "dane.rollover": tlsa { decision = "dane", usable = (2..) }, relayed { security = "dane", matched = any };
    "dane.insecure-domain": tlsa { decision = "insecure" }, relayed { security = ["none", "tls"] };
    "dane.no-tlsa": tlsa { decision = "none" }, relayed { security = ["none", "tls"] };
    "dane.tlsa-servfail": tlsa { decision = "failed" }, resolved { type = "TLSA", status = "servfail" };
    "dane.mx-bogus": resolved { type = "MX", status = "bogus" }, deferred { code = ["4.7.324", "4.4.312"] };
    "dane.second-mx": tried { outcome = "failed", code = any }, relayed { attempts = (1..) };
    "dane.repaired": deferred { code = any }, relayed { security = "dane", attempts = (2..) };
    "dane.broken-midway": resolved { status = "secure" }, resolved { status = "bogus" }, deferred { code = "4.7.324" };

    // dnssec: what the validating resolver says
    "dnssec.secure": resolved { status = "secure" };
    "dnssec.insecure-delegation": resolved { status = "insecure", reason = "insecure-delegation" };
    "dnssec.rrsig-expired": resolved { status = "bogus", reason = "rrsig-expired" };
    "dnssec.rrsig-not-yet-valid": resolved { status = "bogus", reason = "rrsig-not-yet-valid" };
    "dnssec.rrsig-missing": resolved { status = "bogus", reason = "rrsig-missing" };
    "dnssec.rrsig-bad": resolved { status = "bogus", reason = "rrsig-bad" };
    "dnssec.key-missing": resolved { status = "bogus", reason = "key-missing" };
    "dnssec.ds-mismatch": resolved { status = "bogus", reason = "ds-mismatch" };
    "dnssec.ds-algorithm-unsupported": resolved { status = "insecure", reason = "ds-algorithm-unsupported" };
    "dnssec.denial-missing": resolved { status = "bogus", reason = "denial-missing" };
    "dnssec.denial-wrong": resolved { status = "bogus", reason = "denial-wrong" };
    "dnssec.nsec3-iterations": resolved { status = "insecure", reason = "nsec3-iterations" };
    "dnssec.servfail": resolved { status = "servfail", reason = "servfail" };
    "dnssec.refused": resolved { status = "servfail", reason = "refused" };
    "dnssec.time-out": resolved { status = "servfail", reason = "time-out" };
    "dnssec.lame": resolved { status = "servfail", reason = "lame" };
    "dnssec.malformed": resolved { status = "servfail", reason = "malformed" };
    "dnssec.alias-loop": resolved { status = "servfail", reason = "alias-loop" };
    "dnssec.truncated": resolved { status = "servfail", reason = "truncated" };
    "dnssec.nsec-nodata": resolved { status = "secure", found = "no-data", proof = "nsec" };
    "dnssec.nsec-nxdomain": resolved { status = "secure", found = "no-name", proof = "nsec" };
    "dnssec.nsec3-nodata": resolved { status = "secure", found = "no-data", proof = "nsec3" };
    "dnssec.nsec3-nxdomain": resolved { status = "secure", found = "no-name", proof = "nsec3" };
    "dnssec.nsec3-optout": resolved { status = "insecure", reason = "nsec3-opt-out" };
    "dnssec.wildcard": resolved { status = "secure", found = "records", wildcard = any, proof = any };
    "dnssec.wildcard-nodata": resolved { status = "secure", found = "no-data", wildcard = any, proof = any };
    "dnssec.ent": resolved { status = "secure", found = "no-data", empty-non-terminal = true };
    "dnssec.cname-chain": resolved { status = "secure", aliases = (2..) };
    "dnssec.dname": resolved { status = "secure", dnames = (1..) };
    "dnssec.split-keys": resolved { status = "secure", key = (unlike ds-key), ds-key = any };
    // A new key signs; or the parent publishes its DS at one server only, and the other one gives it.
    "dnssec.key-rollover": resolved { status = "secure", key = changes };
    "dnssec.key-rollover": resolved { status = "secure", ds-key = changes };
    "dnssec.key-rollover":
        resolved { status = "bogus", reason = "ds-mismatch", type = "DS", server = any },
        resolved { status = "secure" };
    "dnssec.pre-publish":
        step { roll = "add-key" },
        step { roll = "switch-signing" },
        step { roll = "drop-old" },
        resolved { status = "secure", key = changes };
    "dnssec.double-ds":
        step { roll = "add-ds" },
        step { roll = "add-key" },
        step { roll = "drop-old" },
        resolved { status = "secure", ds-key = changes };
    "dnssec.algorithm-rollover": resolved { status = "secure", algorithm = changes };
    "dnssec.truncated-tcp": resolved { status = "secure", transport = "tcp" };
    "dnssec.clock-skew":
        step { fault = "clock-shift" },
        resolved { status = "bogus", reason = ["rrsig-expired", "rrsig-not-yet-valid"] };
    "dnssec.stripping-forwarder":
        resolved { status = "bogus", reason = ["rrsig-missing", "denial-missing"], forwarder = true };
    "dnssec.ttl-vs-rrsig": resolved { status = "secure", expires-by = "signature" };
    "dnssec.keytrap-bounded":
        resolved { status = "bogus", reason = "too-much-work", bound = ["signature-checks", "failed-checks", "keys"] };
    "dnssec.nsec3-bounded": resolved { status = "bogus", reason = "too-much-work", bound = "hashes" };

    // retry, ndr
    "retry.schedule": deferred { attempts = (3..) }, bounced { attempts = (26..) };
    "retry.restart": resumed { message = any }, relayed { attempts = (2..) };
    "retry.refused": deferred { code = "4.4.316" };
    "ndr.each-32x": bounced { code = ["5.7.321", "5.7.322", "5.7.323", "5.7.324", "5.7.325"], ndr = any };
    "ndr.delivered": bounced { ndr = any }, accepted { from = "<>" };
    "ndr.delay-notice": notified { action = "delayed" };

    // dkim: signing
    "dkim.skipped-intra-org": verdict { dkim = "none" }, stamped { value = (holds "dkim=none (message not signed)") };

    // spf
    "spf.pass": verdict { spf = "pass" };
    "spf.fail": verdict { spf = "fail" };
    "spf.softfail": verdict { spf = "softfail" };
    "spf.neutral": verdict { spf = "neutral" };
    "spf.none": verdict { spf = "none" };
    "spf.temperror": verdict { spf = "temperror", spf-problem = any };
    "spf.permerror": verdict { spf = "permerror", spf-problem = any };
    "spf.helo": verdict { spf-identity = "helo", spf = "pass" };
    "spf.include": verdict { spf = "pass", spf-path = (holds "include:") };
    "spf.nested-include": verdict { spf = "pass", spf-path = (holds " > include:") };
    "spf.redirect": verdict { spf = "pass", spf-path = (holds "redirect=") };
    "spf.macro": verdict { spf = "pass", spf-path = (holds "%{") };
    "spf.ptr": verdict { spf = "pass", spf-path = (holds "ptr") };
    "spf.exists": verdict { spf = "pass", spf-path = (holds "exists:") };
    "spf.ten-lookups": verdict { spf = "permerror", spf-problem = (holds "terms ask DNS") };
    "spf.void-lookups": verdict { spf = "permerror", spf-problem = (holds "lookups without an answer") };
    "spf.two-records": verdict { spf = "permerror", spf-problem = (holds "2 SPF records") };

    // dkim: verification
    "dkim.pass": verdict { dkim = "pass", dkim-causes = (holds "pass") };
    "dkim.body-hash": verdict { dkim = "fail", dkim-causes = "body-hash" };
    "dkim.bad-signature": verdict { dkim = "fail", dkim-causes = "signature" };
    "dkim.no-key": verdict { dkim = "fail", dkim-causes = "no-key" };
    "dkim.key-revoked": verdict { dkim-causes = "key-revoked" };
    "dkim.key-timeout": verdict { dkim = "timeout", dkim-causes = "key-timeout" };
    "dkim.expired": verdict { dkim-causes = "expired" };
    "dkim.weak-key": verdict { dkim-causes = "key-weak" };
    "dkim.l-tag": verdict { dkim = "pass", dkim-causes = "pass-in-part" };
    "dkim.many-signatures": verdict { dkim-signatures = (2..), dkim-causes = any };
    "dkim.ed25519": verdict { dkim = "pass", dkim-algorithms = "ed25519-sha256" };
    "dkim.from-not-signed": verdict { dkim-causes = "from-not-signed" };

    // dmarc
    "dmarc.pass-spf": verdict { dmarc = "pass", dmarc-aligned = "spf" };
    "dmarc.pass-dkim": verdict { dmarc = "pass", dmarc-aligned = "dkim" };
    "dmarc.relaxed": verdict { dmarc = "pass", dmarc-spf-mode = "relaxed", dmarc-dkim-mode = "relaxed" };
    "dmarc.strict":
        verdict { dmarc = "fail", spf = "pass", dkim = "pass", dmarc-spf-mode = "strict", dmarc-dkim-mode = "strict" };
    "dmarc.sp": verdict { dmarc = "fail", dmarc-tag = "sp" };
    "dmarc.np": verdict { dmarc = "fail", dmarc-tag = "np" };
    "dmarc.pct": verdict { dmarc = "fail", action = ["pct.quarantine", "pct.reject"] };
    "dmarc.p-each": verdict { dmarc = "fail", dmarc-tag = "p", dmarc-policy = any };
    "dmarc.bestguesspass": verdict { dmarc = "bestguesspass" };
    "dmarc.two-records": verdict { dmarc-problem = (holds "several DMARC records") };
    "dmarc.temperror": verdict { dmarc = "temperror", dmarc-problem = any };
    "dmarc.permerror": verdict { dmarc = "permerror", dmarc-problem = any };
    "dmarc.tree-walk": verdict { dmarc-rules = "rfc9989", dmarc-place = "organization", dmarc-questions = (3..) };
    "dmarc.psl": verdict { dmarc-rules = "rfc7489", dmarc-place = "organization" };
    "dmarc.t-testing": verdict { dmarc = "fail", dmarc-testing = true };
    "dmarc.psd": verdict { dmarc-rules = "rfc9989", dmarc-place = "suffix" };
    "dmarc.multiple-from": verdict { dmarc-rules = "rfc7489", dmarc-authors = (2..) };
    // A report in either form went to where it was asked for, and arrived.
    "dmarc.aggregate-report":
        reported { kind = "dmarc", form = ["rfc7489", "rfc9990"], rows = (1..) },
        accepted { from = (holds "dmarcreport@") };

    // stamps
    "stamp.layout": stamped { header = "Authentication-Results", value = any };
    "stamp.old-layout": stamped { header = "Authentication-Results", value = (holds ";fabrikam.example; dmarc=") };
    "stamp.spoofed-header-removed": stamped { header = "Authentication-Results-Original", value = any };
    "stamp.received-spf": stamped { header = "Received-SPF", value = any };

    // compauth: one a reason
    "compauth.001": verdict { compauth = "fail", reason = "001" };
    "compauth.100": verdict { compauth = "pass", reason = "100" };
    "compauth.109": verdict { compauth = "pass", reason = "109" };
    "policy.junk": accepted { folder = "junk" };

    // what a server without TLS sees
    "wire.in-clear": accepted { tls = false };
};
