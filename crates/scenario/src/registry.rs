//! The behaviour registry: the ids that `covers` may claim, and what the record must hold to show each.
//!
//! A claim is checked: it holds if some entry has the kind and the fields given here. So a scenario cannot claim a
//! behaviour that its run does not show, and an id without evidence here cannot be claimed at all. An id in several
//! rows can be shown in several ways; any of them suffices.

use mxlab_record::{Entry, Value};

/// The required value of a field.
#[derive(Clone, Copy, Debug)]
enum Want {
    /// Exactly this text.
    Is(&'static str),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A text that contains this part.
    Holds(&'static str),
    /// This flag.
    Flag(bool),
    /// A number of at least this.
    AtLeast(i64),
    /// Anything at all.
    Any,
    /// Anything except the value of this other field of the same entry.
    Unlike(&'static str),
    /// A value that differs from that of another entry of the same kind, name and type.
    Changes,
}

use Want::{Any, AtLeast, Changes, Flag, Holds, Is, OneOf, Unlike};

/// An event that shows a behaviour: its kind and fields.
type Evidence = (&'static str, &'static [(&'static str, Want)]);

/// Every behaviour that can be shown, with all the events that it takes.
const BEHAVIOURS: &[(&str, &[Evidence])] = &[
    // dane: outbound SMTP DANE
    ("dane.ee-match", &[("tried", &[("outcome", Is("delivered")), ("security", Is("dane")), ("matched", Any)])]),
    ("dane.mismatch", &[("deferred", &[("code", Is("4.7.323")), ("problem", Is("tlsa-mismatch"))])]),
    (
        "dane.expired",
        &[
            ("tlsa", &[("decision", Is("dane"))]),
            ("deferred", &[("code", Is("4.7.322")), ("problem", Is("certificate-expired"))]),
        ],
    ),
    (
        "dane.not-yet-valid",
        &[
            ("tlsa", &[("decision", Is("dane"))]),
            ("deferred", &[("code", Is("4.7.323")), ("problem", Is("certificate-not-yet-valid"))]),
        ],
    ),
    (
        "dane.no-starttls",
        &[
            ("tlsa", &[("decision", Is("dane"))]),
            ("deferred", &[("code", Is("4.7.321")), ("problem", Is("starttls-not-offered"))]),
        ],
    ),
    (
        "dane.starttls-refused",
        &[
            ("tlsa", &[("decision", Is("dane"))]),
            ("deferred", &[("code", Is("4.7.321")), ("problem", Is("starttls-refused"))]),
        ],
    ),
    (
        "dane.handshake-fails",
        &[
            ("tlsa", &[("decision", Is("dane"))]),
            ("deferred", &[("code", Is("4.7.321")), ("problem", Is("handshake-failed"))]),
        ],
    ),
    ("dane.unusable-all", &[("tlsa", &[("decision", Is("unusable"))]), ("relayed", &[("security", Is("tls"))])]),
    ("dane.unusable-all-plain", &[("tlsa", &[("decision", Is("unusable"))]), ("deferred", &[("code", Is("4.7.321"))])]),
    (
        "dane.unusable-some",
        &[
            ("tlsa", &[("decision", Is("dane")), ("unusable", AtLeast(1))]),
            ("deferred", &[("problem", Is("tlsa-mismatch"))]),
        ],
    ),
    (
        "dane.rollover",
        &[
            ("tlsa", &[("decision", Is("dane")), ("usable", AtLeast(2))]),
            ("relayed", &[("security", Is("dane")), ("matched", Any)]),
        ],
    ),
    (
        "dane.insecure-domain",
        &[("tlsa", &[("decision", Is("insecure"))]), ("relayed", &[("security", OneOf(&["none", "tls"]))])],
    ),
    ("dane.no-tlsa", &[("tlsa", &[("decision", Is("none"))]), ("relayed", &[("security", OneOf(&["none", "tls"]))])]),
    (
        "dane.tlsa-servfail",
        &[("tlsa", &[("decision", Is("failed"))]), ("resolved", &[("type", Is("TLSA")), ("status", Is("servfail"))])],
    ),
    (
        "dane.mx-bogus",
        &[
            ("resolved", &[("type", Is("MX")), ("status", Is("bogus"))]),
            ("deferred", &[("code", OneOf(&["4.7.324", "4.4.312"]))]),
        ],
    ),
    (
        "dane.second-mx",
        &[("tried", &[("outcome", Is("failed")), ("code", Any)]), ("relayed", &[("attempts", AtLeast(1))])],
    ),
    (
        "dane.repaired",
        &[("deferred", &[("code", Any)]), ("relayed", &[("security", Is("dane")), ("attempts", AtLeast(2))])],
    ),
    (
        "dane.broken-midway",
        &[
            ("resolved", &[("status", Is("secure"))]),
            ("resolved", &[("status", Is("bogus"))]),
            ("deferred", &[("code", Is("4.7.324"))]),
        ],
    ),
    // dnssec: what the validating resolver says
    ("dnssec.secure", &[("resolved", &[("status", Is("secure"))])]),
    (
        "dnssec.insecure-delegation",
        &[("resolved", &[("status", Is("insecure")), ("reason", Is("insecure-delegation"))])],
    ),
    ("dnssec.rrsig-expired", &[("resolved", &[("status", Is("bogus")), ("reason", Is("rrsig-expired"))])]),
    ("dnssec.rrsig-not-yet-valid", &[("resolved", &[("status", Is("bogus")), ("reason", Is("rrsig-not-yet-valid"))])]),
    ("dnssec.rrsig-missing", &[("resolved", &[("status", Is("bogus")), ("reason", Is("rrsig-missing"))])]),
    ("dnssec.rrsig-bad", &[("resolved", &[("status", Is("bogus")), ("reason", Is("rrsig-bad"))])]),
    ("dnssec.key-missing", &[("resolved", &[("status", Is("bogus")), ("reason", Is("key-missing"))])]),
    ("dnssec.ds-mismatch", &[("resolved", &[("status", Is("bogus")), ("reason", Is("ds-mismatch"))])]),
    (
        "dnssec.ds-algorithm-unsupported",
        &[("resolved", &[("status", Is("insecure")), ("reason", Is("ds-algorithm-unsupported"))])],
    ),
    ("dnssec.denial-missing", &[("resolved", &[("status", Is("bogus")), ("reason", Is("denial-missing"))])]),
    ("dnssec.denial-wrong", &[("resolved", &[("status", Is("bogus")), ("reason", Is("denial-wrong"))])]),
    ("dnssec.nsec3-iterations", &[("resolved", &[("status", Is("insecure")), ("reason", Is("nsec3-iterations"))])]),
    ("dnssec.servfail", &[("resolved", &[("status", Is("servfail")), ("reason", Is("servfail"))])]),
    ("dnssec.refused", &[("resolved", &[("status", Is("servfail")), ("reason", Is("refused"))])]),
    ("dnssec.time-out", &[("resolved", &[("status", Is("servfail")), ("reason", Is("time-out"))])]),
    ("dnssec.lame", &[("resolved", &[("status", Is("servfail")), ("reason", Is("lame"))])]),
    ("dnssec.malformed", &[("resolved", &[("status", Is("servfail")), ("reason", Is("malformed"))])]),
    ("dnssec.alias-loop", &[("resolved", &[("status", Is("servfail")), ("reason", Is("alias-loop"))])]),
    ("dnssec.truncated", &[("resolved", &[("status", Is("servfail")), ("reason", Is("truncated"))])]),
    (
        "dnssec.nsec-nodata",
        &[("resolved", &[("status", Is("secure")), ("found", Is("no-data")), ("proof", Is("nsec"))])],
    ),
    (
        "dnssec.nsec-nxdomain",
        &[("resolved", &[("status", Is("secure")), ("found", Is("no-name")), ("proof", Is("nsec"))])],
    ),
    (
        "dnssec.nsec3-nodata",
        &[("resolved", &[("status", Is("secure")), ("found", Is("no-data")), ("proof", Is("nsec3"))])],
    ),
    (
        "dnssec.nsec3-nxdomain",
        &[("resolved", &[("status", Is("secure")), ("found", Is("no-name")), ("proof", Is("nsec3"))])],
    ),
    ("dnssec.nsec3-optout", &[("resolved", &[("status", Is("insecure")), ("reason", Is("nsec3-opt-out"))])]),
    (
        "dnssec.wildcard",
        &[("resolved", &[("status", Is("secure")), ("found", Is("records")), ("wildcard", Any), ("proof", Any)])],
    ),
    (
        "dnssec.wildcard-nodata",
        &[("resolved", &[("status", Is("secure")), ("found", Is("no-data")), ("wildcard", Any), ("proof", Any)])],
    ),
    (
        "dnssec.ent",
        &[("resolved", &[("status", Is("secure")), ("found", Is("no-data")), ("empty-non-terminal", Flag(true))])],
    ),
    ("dnssec.cname-chain", &[("resolved", &[("status", Is("secure")), ("aliases", AtLeast(2))])]),
    ("dnssec.dname", &[("resolved", &[("status", Is("secure")), ("dnames", AtLeast(1))])]),
    ("dnssec.split-keys", &[("resolved", &[("status", Is("secure")), ("key", Unlike("ds-key")), ("ds-key", Any)])]),
    // A new key signs; or the parent publishes its DS at one server only, and the other one gives it.
    ("dnssec.key-rollover", &[("resolved", &[("status", Is("secure")), ("key", Changes)])]),
    ("dnssec.key-rollover", &[("resolved", &[("status", Is("secure")), ("ds-key", Changes)])]),
    (
        "dnssec.key-rollover",
        &[
            (
                "resolved",
                &[("status", Is("bogus")), ("reason", Is("ds-mismatch")), ("type", Is("DS")), ("server", Any)],
            ),
            ("resolved", &[("status", Is("secure"))]),
        ],
    ),
    (
        "dnssec.pre-publish",
        &[
            ("step", &[("roll", Is("add-key"))]),
            ("step", &[("roll", Is("switch-signing"))]),
            ("step", &[("roll", Is("drop-old"))]),
            ("resolved", &[("status", Is("secure")), ("key", Changes)]),
        ],
    ),
    (
        "dnssec.double-ds",
        &[
            ("step", &[("roll", Is("add-ds"))]),
            ("step", &[("roll", Is("add-key"))]),
            ("step", &[("roll", Is("drop-old"))]),
            ("resolved", &[("status", Is("secure")), ("ds-key", Changes)]),
        ],
    ),
    ("dnssec.algorithm-rollover", &[("resolved", &[("status", Is("secure")), ("algorithm", Changes)])]),
    ("dnssec.truncated-tcp", &[("resolved", &[("status", Is("secure")), ("transport", Is("tcp"))])]),
    (
        "dnssec.clock-skew",
        &[
            ("step", &[("fault", Is("clock-shift"))]),
            ("resolved", &[("status", Is("bogus")), ("reason", OneOf(&["rrsig-expired", "rrsig-not-yet-valid"]))]),
        ],
    ),
    (
        "dnssec.stripping-forwarder",
        &[(
            "resolved",
            &[
                ("status", Is("bogus")),
                ("reason", OneOf(&["rrsig-missing", "denial-missing"])),
                ("forwarder", Flag(true)),
            ],
        )],
    ),
    ("dnssec.ttl-vs-rrsig", &[("resolved", &[("status", Is("secure")), ("expires-by", Is("signature"))])]),
    (
        "dnssec.keytrap-bounded",
        &[(
            "resolved",
            &[
                ("status", Is("bogus")),
                ("reason", Is("too-much-work")),
                ("bound", OneOf(&["signature-checks", "failed-checks", "keys"])),
            ],
        )],
    ),
    (
        "dnssec.nsec3-bounded",
        &[("resolved", &[("status", Is("bogus")), ("reason", Is("too-much-work")), ("bound", Is("hashes"))])],
    ),
    // retry, ndr
    ("retry.schedule", &[("deferred", &[("attempts", AtLeast(3))]), ("bounced", &[("attempts", AtLeast(26))])]),
    ("retry.restart", &[("resumed", &[("message", Any)]), ("relayed", &[("attempts", AtLeast(2))])]),
    ("retry.refused", &[("deferred", &[("code", Is("4.4.316"))])]),
    (
        "ndr.each-32x",
        &[("bounced", &[("code", OneOf(&["5.7.321", "5.7.322", "5.7.323", "5.7.324", "5.7.325"])), ("ndr", Any)])],
    ),
    ("ndr.delivered", &[("bounced", &[("ndr", Any)]), ("accepted", &[("from", Is("<>"))])]),
    ("ndr.delay-notice", &[("notified", &[("action", Is("delayed"))])]),
    // dkim: signing
    (
        "dkim.skipped-intra-org",
        &[("verdict", &[("dkim", Is("none"))]), ("stamped", &[("value", Holds("dkim=none (message not signed)"))])],
    ),
    // spf
    ("spf.pass", &[("verdict", &[("spf", Is("pass"))])]),
    ("spf.fail", &[("verdict", &[("spf", Is("fail"))])]),
    ("spf.softfail", &[("verdict", &[("spf", Is("softfail"))])]),
    ("spf.neutral", &[("verdict", &[("spf", Is("neutral"))])]),
    ("spf.none", &[("verdict", &[("spf", Is("none"))])]),
    ("spf.temperror", &[("verdict", &[("spf", Is("temperror")), ("spf-problem", Any)])]),
    ("spf.permerror", &[("verdict", &[("spf", Is("permerror")), ("spf-problem", Any)])]),
    ("spf.helo", &[("verdict", &[("spf-identity", Is("helo")), ("spf", Is("pass"))])]),
    ("spf.include", &[("verdict", &[("spf", Is("pass")), ("spf-path", Holds("include:"))])]),
    ("spf.nested-include", &[("verdict", &[("spf", Is("pass")), ("spf-path", Holds(" > include:"))])]),
    ("spf.redirect", &[("verdict", &[("spf", Is("pass")), ("spf-path", Holds("redirect="))])]),
    ("spf.macro", &[("verdict", &[("spf", Is("pass")), ("spf-path", Holds("%{"))])]),
    ("spf.ptr", &[("verdict", &[("spf", Is("pass")), ("spf-path", Holds("ptr"))])]),
    ("spf.exists", &[("verdict", &[("spf", Is("pass")), ("spf-path", Holds("exists:"))])]),
    ("spf.ten-lookups", &[("verdict", &[("spf", Is("permerror")), ("spf-problem", Holds("terms ask DNS"))])]),
    (
        "spf.void-lookups",
        &[("verdict", &[("spf", Is("permerror")), ("spf-problem", Holds("lookups without an answer"))])],
    ),
    ("spf.two-records", &[("verdict", &[("spf", Is("permerror")), ("spf-problem", Holds("2 SPF records"))])]),
    // dkim: verification
    ("dkim.pass", &[("verdict", &[("dkim", Is("pass")), ("dkim-causes", Holds("pass"))])]),
    ("dkim.body-hash", &[("verdict", &[("dkim", Is("fail")), ("dkim-causes", Is("body-hash"))])]),
    ("dkim.bad-signature", &[("verdict", &[("dkim", Is("fail")), ("dkim-causes", Is("signature"))])]),
    ("dkim.no-key", &[("verdict", &[("dkim", Is("fail")), ("dkim-causes", Is("no-key"))])]),
    ("dkim.key-revoked", &[("verdict", &[("dkim-causes", Is("key-revoked"))])]),
    ("dkim.key-timeout", &[("verdict", &[("dkim", Is("timeout")), ("dkim-causes", Is("key-timeout"))])]),
    ("dkim.expired", &[("verdict", &[("dkim-causes", Is("expired"))])]),
    ("dkim.weak-key", &[("verdict", &[("dkim-causes", Is("key-weak"))])]),
    ("dkim.l-tag", &[("verdict", &[("dkim", Is("pass")), ("dkim-causes", Is("pass-in-part"))])]),
    ("dkim.many-signatures", &[("verdict", &[("dkim-signatures", AtLeast(2)), ("dkim-causes", Any)])]),
    ("dkim.ed25519", &[("verdict", &[("dkim", Is("pass")), ("dkim-algorithms", Is("ed25519-sha256"))])]),
    ("dkim.from-not-signed", &[("verdict", &[("dkim-causes", Is("from-not-signed"))])]),
    // dmarc
    ("dmarc.pass-spf", &[("verdict", &[("dmarc", Is("pass")), ("dmarc-aligned", Is("spf"))])]),
    ("dmarc.pass-dkim", &[("verdict", &[("dmarc", Is("pass")), ("dmarc-aligned", Is("dkim"))])]),
    (
        "dmarc.relaxed",
        &[("verdict", &[("dmarc", Is("pass")), ("dmarc-spf-mode", Is("relaxed")), ("dmarc-dkim-mode", Is("relaxed"))])],
    ),
    (
        "dmarc.strict",
        &[(
            "verdict",
            &[
                ("dmarc", Is("fail")),
                ("spf", Is("pass")),
                ("dkim", Is("pass")),
                ("dmarc-spf-mode", Is("strict")),
                ("dmarc-dkim-mode", Is("strict")),
            ],
        )],
    ),
    ("dmarc.sp", &[("verdict", &[("dmarc", Is("fail")), ("dmarc-tag", Is("sp"))])]),
    ("dmarc.np", &[("verdict", &[("dmarc", Is("fail")), ("dmarc-tag", Is("np"))])]),
    ("dmarc.pct", &[("verdict", &[("dmarc", Is("fail")), ("action", OneOf(&["pct.quarantine", "pct.reject"]))])]),
    ("dmarc.p-each", &[("verdict", &[("dmarc", Is("fail")), ("dmarc-tag", Is("p")), ("dmarc-policy", Any)])]),
    ("dmarc.bestguesspass", &[("verdict", &[("dmarc", Is("bestguesspass"))])]),
    ("dmarc.two-records", &[("verdict", &[("dmarc-problem", Holds("several DMARC records"))])]),
    ("dmarc.temperror", &[("verdict", &[("dmarc", Is("temperror")), ("dmarc-problem", Any)])]),
    ("dmarc.permerror", &[("verdict", &[("dmarc", Is("permerror")), ("dmarc-problem", Any)])]),
    (
        "dmarc.tree-walk",
        &[(
            "verdict",
            &[("dmarc-rules", Is("rfc9989")), ("dmarc-place", Is("organization")), ("dmarc-questions", AtLeast(3))],
        )],
    ),
    ("dmarc.psl", &[("verdict", &[("dmarc-rules", Is("rfc7489")), ("dmarc-place", Is("organization"))])]),
    ("dmarc.t-testing", &[("verdict", &[("dmarc", Is("fail")), ("dmarc-testing", Flag(true))])]),
    ("dmarc.psd", &[("verdict", &[("dmarc-rules", Is("rfc9989")), ("dmarc-place", Is("suffix"))])]),
    ("dmarc.multiple-from", &[("verdict", &[("dmarc-rules", Is("rfc7489")), ("dmarc-authors", AtLeast(2))])]),
    // A report in either form went to where it was asked for, and arrived.
    (
        "dmarc.aggregate-report",
        &[
            ("reported", &[("kind", Is("dmarc")), ("form", OneOf(&["rfc7489", "rfc9990"])), ("rows", AtLeast(1))]),
            ("accepted", &[("from", Holds("dmarcreport@"))]),
        ],
    ),
    // stamps
    ("stamp.layout", &[("stamped", &[("header", Is("Authentication-Results")), ("value", Any)])]),
    (
        "stamp.old-layout",
        &[("stamped", &[("header", Is("Authentication-Results")), ("value", Holds(";fabrikam.example; dmarc="))])],
    ),
    (
        "stamp.spoofed-header-removed",
        &[("stamped", &[("header", Is("Authentication-Results-Original")), ("value", Any)])],
    ),
    ("stamp.received-spf", &[("stamped", &[("header", Is("Received-SPF")), ("value", Any)])]),
    // compauth: one a reason
    ("compauth.001", &[("verdict", &[("compauth", Is("fail")), ("reason", Is("001"))])]),
    ("compauth.100", &[("verdict", &[("compauth", Is("pass")), ("reason", Is("100"))])]),
    ("compauth.109", &[("verdict", &[("compauth", Is("pass")), ("reason", Is("109"))])]),
    ("policy.junk", &[("accepted", &[("folder", Is("junk"))])]),
    // what a server without TLS sees
    ("wire.in-clear", &[("accepted", &[("tls", Flag(false))])]),
];

/// All ids, in the order of the registry.
pub fn ids() -> Vec<&'static str> {
    let mut ids: Vec<_> = BEHAVIOURS.iter().map(|(id, _)| *id).collect();
    ids.dedup();
    ids
}

/// What is missing in the record for this claim; none if it is shown. The reader of the file reports unknown ids.
pub fn unshown(id: &str, entries: &[Entry]) -> Option<String> {
    let lacking = |evidence: &'static [Evidence]| {
        evidence.iter().find(|evidence| !entries.iter().any(|entry| shows(evidence, entry, entries)))
    };
    let mut nearest = None;
    for (_, evidence) in BEHAVIOURS.iter().filter(|(known, _)| *known == id) {
        let missing = lacking(evidence)?;
        nearest.get_or_insert(missing);
    }
    nearest.map(|(kind, fields)| {
        let fields: Vec<String> = fields.iter().map(|(field, want)| format!("{field} {}", words(*want))).collect();
        format!("`covers` claims {id}, but the record holds no `{kind}` with {}", fields.join(" and "))
    })
}

fn shows((kind, fields): &Evidence, entry: &Entry, entries: &[Entry]) -> bool {
    entry.kind == *kind && fields.iter().all(|(field, want)| meets(*want, field, entry, entries))
}

fn meets(want: Want, field: &str, entry: &Entry, entries: &[Entry]) -> bool {
    match (want, entry.fields.get(field)) {
        (Is(wanted), Some(Value::Text(text))) => text == wanted,
        (OneOf(words), Some(Value::Text(text))) => words.contains(&text.as_str()),
        (Holds(part), Some(Value::Text(text))) => text.contains(part),
        (Flag(wanted), Some(Value::Flag(flag))) => *flag == wanted,
        (AtLeast(least), Some(Value::Number(number))) => *number >= least,
        (Any, Some(_)) => true,
        (Unlike(other), Some(value)) => entry.fields.get(other).is_some_and(|other| other != value),
        (Changes, Some(value)) => entries.iter().any(|other| {
            let same = |field: &str| other.fields.get(field) == entry.fields.get(field);
            other.kind == entry.kind
                && same("name")
                && same("type")
                && other.fields.get(field).is_some_and(|other| other != value)
        }),
        _ => false,
    }
}

fn words(want: Want) -> String {
    match want {
        Is(text) => format!("= {text}"),
        OneOf(texts) => format!("one of {}", texts.join(", ")),
        Holds(part) => format!("that holds `{part}`"),
        Flag(flag) => format!("= {flag}"),
        AtLeast(least) => format!("of at least {least}"),
        Any => "at all".to_owned(),
        Unlike(other) => format!("other than {other}"),
        Changes => "that changes".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mxlab_record::Fields;

    fn entry(kind: &'static str, fields: Fields) -> Entry {
        Entry {
            at: jiff::Timestamp::UNIX_EPOCH,
            moment: jiff::Timestamp::UNIX_EPOCH,
            rank: Vec::new(),
            actor: "x".into(),
            order: 0,
            sequence: 0,
            cause: None,
            kind,
            fields,
            story: Vec::new(),
            because: Vec::new(),
            state: None,
            again: None,
            artefact: None,
        }
    }

    #[test]
    fn a_claim_needs_all_its_events() {
        let bogus = entry("resolved", Fields::new().with("type", "MX").with("status", "bogus"));
        let deferred = entry("deferred", Fields::new().with("code", "4.7.324"));
        assert_eq!(unshown("dane.mx-bogus", &[bogus.clone(), deferred]), None);
        let missing = unshown("dane.mx-bogus", &[bogus]).unwrap();
        assert!(missing.contains("no `deferred` with code one of 4.7.324, 4.4.312"), "{missing}");
    }

    #[test]
    fn any_row_of_an_id_shows_it() {
        let resolved = |rtype: &str, key: u32, ds_key: u32| {
            let fields = Fields::new().with("name", "fabrikam.example").with("type", rtype).with("status", "secure");
            entry("resolved", fields.with("key", key).with("ds-key", ds_key))
        };
        let check = |entries: &[Entry], shown: bool| {
            assert_eq!(unshown("dnssec.key-rollover", entries).is_none(), shown, "{entries:?}");
        };
        check(&[resolved("MX", 1, 9), resolved("MX", 1, 9)], false);
        check(&[resolved("MX", 1, 9), resolved("MX", 2, 9)], true);
        check(&[resolved("MX", 1, 8), resolved("MX", 1, 9)], true);
        // Another name or type may well have another key.
        check(&[resolved("MX", 1, 9), resolved("A", 2, 9)], false);
        let old_ds = Fields::new().with("type", "DS").with("status", "bogus").with("reason", "ds-mismatch");
        let old_ds = entry("resolved", old_ds.with("server", "192.0.2.1"));
        check(std::slice::from_ref(&old_ds), false);
        check(&[old_ds, resolved("MX", 1, 1)], true);
        assert_eq!(unshown("dnssec.split-keys", &[resolved("MX", 1, 9)]), None);
        let combined = unshown("dnssec.split-keys", &[resolved("MX", 1, 1)]).unwrap();
        assert!(combined.contains("key other than ds-key"), "{combined}");
    }

    #[test]
    fn ids_are_unique_and_have_evidence() {
        let mut ids = ids();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
        assert!(BEHAVIOURS.iter().all(|(_, evidence)| !evidence.is_empty()));
    }
}
