//! Tables of proofs: what a set of records proves about a name, without signatures.

use super::*;
use crate::security::Bound;
use crate::validator::Policy;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn empty() -> Proofs {
    let (spans, hashed) = (Spans::default(), Hashed::new(&name("z")));
    Proofs { spans, hashed, expires: Expiry::never(), key: None, refused: None, texts: Vec::new() }
}

/// Proofs of the zone `z`, each `owner next types…`.
fn proofs(nsecs: &[&str]) -> Proofs {
    let mut proofs = empty();
    for text in nsecs {
        let mut words = text.split(' ');
        let (owner, next) = (name(words.next().unwrap()), name(words.next().unwrap()));
        let types = words.map(|word| word.parse().unwrap()).collect();
        proofs.spans.0.push((owner, Nsec { next, types }));
        proofs.texts.push(text.replacen(' ', " NSEC ", 1));
    }
    proofs
}

fn budget() -> Budget {
    Budget::new(&Policy::default())
}

fn word<T>(proved: Result<T, Reason>) -> &'static str {
    proved.map_or_else(|reason| reason.word(), |_| "proved")
}

#[test]
fn no_data() {
    for (nsecs, owner, rtype, expected) in [
        (&["m.z n.z A"][..], "m.z", "MX", "proved"),
        (&["m.z n.z A"], "M.z", "A", "denial-wrong"),
        (&["m.z n.z CNAME"], "m.z", "MX", "denial-wrong"),
        (&["m.z n.z A"], "n.z", "MX", "denial-wrong"),
        (&[], "m.z", "MX", "denial-missing"),
        // A question for all types is denied only where there are none.
        (&["m.z n.z A RRSIG NSEC"], "m.z", "ANY", "denial-wrong"),
        (&["m.z n.z CNAME RRSIG NSEC"], "m.z", "ANY", "denial-wrong"),
        (&["m.z n.z RRSIG NSEC NXNAME"], "m.z", "ANY", "proved"),
        (&["c.z x.m.z A"], "m.z", "ANY", "proved"),
        // An NSEC at a cut denies only DS, one at an apex everything else.
        (&["m.z n.z NS"], "m.z", "MX", "denial-wrong"),
        (&["m.z n.z NS"], "m.z", "DS", "proved"),
        (&["m.z n.z NS SOA"], "m.z", "MX", "proved"),
        (&["m.z n.z NS SOA"], "m.z", "DS", "denial-wrong"),
        // Empty non-terminals.
        (&["c.z x.m.z A"], "m.z", "A", "proved"),
        (&["c.z m.z A"], "m.z", "A", "denial-wrong"),
        (&["c.z x.y.m.z A"], "y.m.z", "A", "proved"),
        (&["m.z x.m.z A"], "m.z", "A", "denial-wrong"),
        // Below a cut or a DNAME nothing is denied.
        (&["m.z x.y.m.z NS"], "y.m.z", "A", "denial-wrong"),
        (&["m.z x.y.m.z DNAME"], "y.m.z", "A", "denial-wrong"),
        // The wildcard that matches lacks the type, or has it.
        (&["c.z n.z A", "*.z c.z TXT"], "m.z", "A", "proved"),
        (&["c.z n.z A", "*.z c.z A"], "m.z", "A", "denial-wrong"),
        (&["*.z c.z TXT"], "m.z", "A", "denial-wrong"),
        (&["b.c.z n.z A", "*.z c.z TXT"], "m.c.z", "A", "denial-wrong"),
        // So does a wildcard that exists only because names below it do; a wildcard that does not exist decides
        // nothing.
        (&["c.z n.z A", "z a.*.z SOA"], "m.z", "A", "proved"),
        (&["z a.*.z SOA"], "m.z", "A", "denial-wrong"),
        (&["c.z n.z A", "z b.z SOA"], "m.z", "A", "denial-wrong"),
    ] {
        assert_eq!(
            word(proofs(nsecs).no_data(&name(owner), rtype.parse().unwrap(), &mut budget())),
            expected,
            "{nsecs:?} {owner}"
        );
    }
}

#[test]
fn no_name() {
    for (nsecs, owner, expected) in [
        (&["c.z n.z A", "z c.z SOA"][..], "m.z", "proved"),
        // One NSEC for both; the only NSEC of its zone; the last NSEC.
        (&["z c.z SOA NS"], "a.z", "proved"),
        (&["z z SOA NS"], "m.z", "proved"),
        (&["n.z z A", "z c.z SOA NS"], "p.z", "proved"),
        (&["n.z z A", "z c.z SOA NS"], "m.z", "denial-wrong"),
        (&["c.z n.z A"], "m.z", "denial-wrong"),
        (&["z c.z SOA"], "m.z", "denial-wrong"),
        (&[], "m.z", "denial-missing"),
        // Both ends of a span exist.
        (&["c.z n.z A", "z c.z SOA"], "c.z", "denial-wrong"),
        (&["c.z n.z A", "z c.z SOA"], "n.z", "denial-wrong"),
        // So do the ancestors of the next name.
        (&["c.z x.m.z A", "z c.z SOA"], "m.z", "denial-wrong"),
        // The wildcard is that of the closest encloser: here c.z, not z.
        (&["a.c.z n.z A", "z c.z SOA"], "m.c.z", "denial-wrong"),
        (&["a.c.z n.z A", "c.z a.c.z A"], "m.c.z", "proved"),
        // The next name shares more with the name than the owner does: *.m.z is in the same span.
        (&["a.b.z c.m.z A"], "a.m.z", "proved"),
        (&["m.z c.m.z A"], "a.m.z", "proved"),
        // The parent's NSEC at a cut says nothing about names in the child.
        (&["c.z n.z NS", "z c.z SOA"], "m.c.z", "denial-wrong"),
        (&["c.z n.z NS", "z c.z SOA"], "d.z", "proved"),
    ] {
        assert_eq!(
            word(proofs(nsecs).no_name(&name(owner), RecordType::A, &mut budget())),
            expected,
            "{nsecs:?} {owner}"
        );
    }
}

#[test]
fn a_denial_that_fails_shows_all_its_proofs() {
    let failed = |nsecs| proofs(nsecs).no_name(&name("m.z"), RecordType::A, &mut budget()).unwrap_err().to_string();
    assert_eq!(
        failed(&["c.z n.z A", "*.z c.z A"]),
        "the proofs given that there is no A m.z do not prove it: c.z NSEC n.z A; *.z NSEC c.z A"
    );
    assert_eq!(failed(&["c.z n.z A"]), "the proof given that there is no A m.z proves something else: c.z NSEC n.z A");
}

#[test]
fn no_ds() {
    for (nsecs, expected) in [
        (&["m.z n.z NS"][..], Ok(NoDs::Delegation)),
        (&["m.z n.z A"], Ok(NoDs::NotACut)),
        (&["m.z n.z NS DS"], Err("denial-wrong")),
        (&["m.z n.z NS SOA"], Err("denial-wrong")),
        (&["c.z n.z A"], Ok(NoDs::NotACut)),
        (&["c.z x.m.z A"], Ok(NoDs::NotACut)),
        (&["c.z d.z A"], Err("denial-wrong")),
        (&[], Err("denial-missing")),
    ] {
        let proved = proofs(nsecs).no_ds(&name("m.z"), &mut budget()).map_err(|reason| reason.word());
        assert_eq!(proved, expected, "{nsecs:?}");
    }
}

#[test]
fn expanded_from_a_wildcard() {
    for (nsecs, expected) in [
        (&["c.z n.z A"][..], "proved"),
        (&["c.z x.m.z A"], "denial-wrong"),
        (&["a.m.z c.m.z A"], "denial-wrong"),
        (&[], "denial-missing"),
    ] {
        let proved = proofs(nsecs).expanded(&rrset("b.m.z", "A"), &name("z"), &mut budget());
        assert_eq!(word(proved), expected, "{nsecs:?}");
    }
}

fn rrset(owner: &str, rtype: &str) -> RrsetId {
    RrsetId { name: name(owner), rtype: rtype.parse().unwrap() }
}

#[test]
fn compact_denial() {
    let at = &["m.z \\000.m.z RRSIG NSEC NXNAME"][..];
    let denied = proofs(at).no_data(&name("m.z"), RecordType::A, &mut budget()).unwrap();
    assert!(denied.no_name && denied.by == Mechanism::Compact);
    assert!(proofs(at).no_name(&name("m.z"), RecordType::A, &mut budget()).unwrap().no_name);
    // Without NXNAME the name exists; and NXNAME is only about its owner.
    let exists = &["m.z \\000.m.z RRSIG NSEC"][..];
    assert!(!proofs(exists).no_data(&name("m.z"), RecordType::A, &mut budget()).unwrap().no_name);
    assert_eq!(word(proofs(exists).no_name(&name("m.z"), RecordType::A, &mut budget())), "denial-wrong");
    assert_eq!(word(proofs(at).no_name(&name("n.z"), RecordType::A, &mut budget())), "denial-wrong");
}

#[test]
fn compact_denial_by_hash() {
    let at = &["m.z m.z+ NXNAME"][..];
    for rtype in [RecordType::A, RecordType::ANY, RecordType::DS] {
        let denied = hashed(at).no_data(&name("m.z"), rtype, &mut budget()).unwrap();
        assert!(denied.no_name && denied.by == Mechanism::Compact && denied.insecure.is_none(), "{rtype}");
    }
    let denied = hashed(at).no_name(&name("m.z"), RecordType::A, &mut budget()).unwrap();
    assert!(denied.no_name && denied.by == Mechanism::Compact);
    assert_eq!(hashed(at).no_ds(&name("m.z"), &mut budget()), Ok(NoDs::NotACut));
    // It is only about the name, and is not an encloser.
    assert_eq!(how(hashed(at).no_name(&name("n.z"), RecordType::A, &mut budget())), "denial-wrong");
    let below = &["m.z m.z+ NXNAME", "a.m.z- a.m.z+ A", "*.m.z- *.m.z+ A"];
    assert_eq!(how(hashed(below).no_name(&name("a.m.z"), RecordType::A, &mut budget())), "denial-wrong");
    // Without it the name exists.
    assert!(!hashed(&["m.z m.z+ A"]).no_data(&name("m.z"), RecordType::MX, &mut budget()).unwrap().no_name);
}

/// NSEC3 records of the zone `z`, without salt and iterations. A record is `owner next types…`: the first two are names
/// that are hashed, `owner+` is just above that hash, `owner-` just below; `!` before the record is opt-out.
fn hashed(records: &[&str]) -> Proofs {
    let mut proofs = empty();
    for text in records {
        let opt_out = text.starts_with('!');
        let mut words = text.trim_start_matches('!').split(' ');
        let (owner, next) = (near(words.next().unwrap()), near(words.next().unwrap()));
        let types = words.map(|word| word.parse().unwrap()).collect();
        take(&mut proofs, &owner, &next, u8::from(opt_out), 0, types);
    }
    proofs
}

fn take(proofs: &mut Proofs, owner: &[u8; 20], next: &[u8], flags: u8, iterations: u16, types: rdata::TypeBitmap) {
    let owner = name("z").prepend_label(data_encoding::BASE32HEX_NOPAD.encode(owner)).unwrap();
    let nsec3 =
        rdata::Nsec3 { hash_algorithm: 1, flags, iterations, salt: Vec::new(), next_hashed: next.to_vec(), types };
    let rdata = rdata::Rdata::to_rdata(&nsec3);
    proofs.hashed.take(&owner, &[rdata], &Policy::default());
    proofs.texts.push(String::new());
}

fn near(text: &str) -> [u8; 20] {
    let plain = text.trim_end_matches(['+', '-']);
    let mut hash = crate::nsec3::hash(&name(plain), 0, &[]);
    match text.strip_prefix(plain) {
        Some("+") => hash[19] = hash[19].wrapping_add(1),
        Some("-") => hash[19] = hash[19].wrapping_sub(1),
        _ => {}
    }
    hash
}

/// What is proved, or the word of the reason why nothing is.
fn how(proved: Result<Denied, Reason>) -> &'static str {
    match proved {
        Ok(Denied { insecure: Some(reason), .. }) => reason.word(),
        Ok(Denied { wildcard: Some(_), .. }) => "wildcard",
        Ok(Denied { empty_non_terminal: true, .. }) => "empty-non-terminal",
        Ok(_) => "proved",
        Err(reason) => reason.word(),
    }
}

#[test]
fn hashed_no_data() {
    for (records, owner, rtype, expected) in [
        (&["m.z m.z+ A"][..], "m.z", "MX", "proved"),
        (&["m.z m.z+ A"], "M.Z", "A", "denial-wrong"),
        (&["m.z m.z+ CNAME"], "m.z", "MX", "denial-wrong"),
        (&["m.z m.z+"], "m.z", "MX", "empty-non-terminal"),
        (&["m.z m.z+ NS"], "m.z", "MX", "denial-wrong"),
        (&["m.z m.z+ NS"], "m.z", "DS", "proved"),
        (&["m.z m.z+ NS SOA"], "m.z", "DS", "denial-wrong"),
        // The wildcard at the closest encloser; each of the three records is needed.
        (&["z z+ SOA NS", "m.z- m.z+ A", "*.z *.z+ TXT"], "m.z", "A", "wildcard"),
        (&["z z+ SOA NS", "m.z- m.z+ A", "*.z *.z+ A"], "m.z", "A", "denial-wrong"),
        (&["m.z- m.z+ A", "*.z *.z+ TXT"], "m.z", "A", "denial-wrong"),
        (&["z z+ SOA NS", "*.z *.z+ TXT"], "m.z", "A", "denial-wrong"),
        (&["z z+ SOA NS", "m.z- m.z+ A"], "m.z", "A", "denial-wrong"),
        (&["z z+ SOA NS", "m.z- m.z+ A", "*.z *.z+ TXT"], "m.z", "DS", "wildcard"),
        // The next closer name is the one below the encloser, not the name itself.
        (&["z z+ SOA NS", "m.z- m.z+ A", "*.z *.z+ TXT"], "a.b.m.z", "A", "wildcard"),
        (&["z z+ SOA NS", "a.m.z- a.m.z+ A", "*.z *.z+ TXT"], "a.m.z", "A", "denial-wrong"),
        // Opt-out.
        (&["z z+ SOA NS", "!m.z- m.z+ A", "*.z *.z+ TXT"], "m.z", "A", "nsec3-opt-out"),
        (&["z z+ SOA NS", "!m.z- m.z+ A"], "m.z", "DS", "nsec3-opt-out"),
        (&["z z+ SOA NS", "!m.z- m.z+ A", "*.z *.z+ CNAME"], "m.z", "DS", "nsec3-opt-out"),
        (&["z z+ SOA NS", "!m.z- m.z+ A", "*.z *.z+ CNAME"], "m.z", "A", "denial-wrong"),
        (&["z z+ SOA NS", "m.z- m.z+ A"], "m.z", "DS", "denial-wrong"),
        // A cut or a DNAME is not an encloser.
        (&["m.z m.z+ NS", "!a.m.z- a.m.z+ A"], "a.m.z", "DS", "denial-wrong"),
        (&["m.z m.z+ DNAME", "!a.m.z- a.m.z+ A"], "a.m.z", "DS", "denial-wrong"),
        (&[], "m.z", "A", "denial-missing"),
    ] {
        let proved = hashed(records).no_data(&name(owner), rtype.parse().unwrap(), &mut budget());
        assert_eq!(how(proved), expected, "{records:?} {owner} {rtype}");
    }
}

#[test]
fn hashed_no_name() {
    for (records, owner, expected) in [
        (&["z z+ SOA NS", "m.z- m.z+ A", "*.z- *.z+ A"][..], "m.z", "proved"),
        (&["z z+ SOA NS", "m.z- m.z+ A", "*.z- *.z+ A"], "a.m.z", "proved"),
        (&["z z+ SOA NS", "m.z- m.z+ A"], "m.z", "denial-wrong"),
        (&["z z+ SOA NS", "*.z- *.z+ A"], "m.z", "denial-wrong"),
        (&["m.z- m.z+ A", "*.z- *.z+ A"], "m.z", "denial-wrong"),
        // A wildcard that exists answers.
        (&["z z+ SOA NS", "m.z- m.z+ A", "*.z *.z+ A"], "m.z", "denial-wrong"),
        (&["z z+ SOA NS", "m.z- m.z+ A", "*.z *.z- A"], "m.z", "denial-wrong"),
        // The wildcard is that of the closest encloser.
        (&["m.z m.z+ A", "a.m.z- a.m.z+ A", "*.m.z- *.m.z+ A"], "a.m.z", "proved"),
        (&["m.z m.z+ A", "a.m.z- a.m.z+ A", "*.z- *.z+ A"], "a.m.z", "denial-wrong"),
        // A name with a record exists.
        (&["m.z m.z+ A", "z z+ SOA NS", "*.z- *.z+ A"], "m.z", "denial-wrong"),
        // Below cuts nothing is denied.
        (&["m.z m.z+ NS", "a.m.z- a.m.z+ A", "*.m.z- *.m.z+ A"], "a.m.z", "denial-wrong"),
        (&["m.z m.z+ NS SOA", "a.m.z- a.m.z+ A", "*.m.z- *.m.z+ A"], "a.m.z", "proved"),
        (&["z z+ SOA NS", "!m.z- m.z+ A", "*.z- *.z+ A"], "m.z", "nsec3-opt-out"),
        // Opt-out over only the wildcard hides nothing.
        (&["z z+ SOA NS", "m.z- m.z+ A", "!*.z- *.z+ A"], "m.z", "proved"),
        // One record for everything: its span is the whole circle.
        (&["z z SOA NS"], "m.z", "proved"),
        // Both ends of a span exist.
        (&["z z+ SOA NS", "m.z- m.z A", "*.z- *.z+ A"], "m.z", "denial-wrong"),
    ] {
        let proved = hashed(records).no_name(&name(owner), RecordType::A, &mut budget());
        assert_eq!(how(proved), expected, "{records:?} {owner}");
    }
}

#[test]
fn hashed_no_ds() {
    let check = |records: &[&str], expected: Result<NoDs, &str>| {
        let proved = hashed(records).no_ds(&name("m.z"), &mut budget()).map_err(|reason| reason.word());
        assert_eq!(proved, expected, "{records:?}");
    };
    check(&["m.z m.z+ NS"], Ok(NoDs::Delegation));
    check(&["m.z m.z+ A"], Ok(NoDs::NotACut));
    check(&["m.z m.z+"], Ok(NoDs::NotACut));
    check(&["m.z m.z+ NS DS"], Err("denial-wrong"));
    check(&["m.z m.z+ NS SOA"], Err("denial-wrong"));
    check(&["z z+ SOA NS", "m.z- m.z+ A"], Ok(NoDs::NotACut));
    check(&["z z+ SOA NS", "!m.z- m.z+ A"], Ok(NoDs::OptedOut));
    check(&["!m.z- m.z+ A"], Err("denial-wrong"));
    check(&[], Err("denial-missing"));
}

#[test]
fn hashed_expansion() {
    let check = |records: &[&str], expected: &str| {
        let mut proofs = hashed(records);
        assert_eq!(how(proofs.expanded(&rrset("b.m.z", "A"), &name("z"), &mut budget())), expected, "{records:?}");
    };
    check(&["m.z- m.z+ A"], "wildcard");
    check(&["!m.z- m.z+ A"], "nsec3-opt-out");
    check(&["b.m.z- b.m.z+ A"], "denial-wrong");
    check(&["m.z m.z+ A"], "denial-wrong");
}

#[test]
fn records_that_say_nothing_here() {
    let m = || near("m.z");
    let types = || [RecordType::A].into_iter().collect::<rdata::TypeBitmap>();
    let check = |what: &str, next: &[u8], flags: u8, iterations: u16, expected: &str| {
        let mut proofs = empty();
        take(&mut proofs, &crate::nsec3::hash(&name("m.z"), iterations, &[]), next, flags, iterations, types());
        assert_eq!(how(proofs.no_data(&name("m.z"), RecordType::MX, &mut budget())), expected, "{what}");
    };
    check("as it should be", &m(), 0, 0, "proved");
    check("at the limit", &m(), 0, 100, "proved");
    check("above the limit", &m(), 0, 101, "nsec3-iterations");
    check("unknown flag", &m(), 2, 0, "denial-wrong");
    check("short hash", &m()[..19], 0, 0, "denial-wrong");
    // Records with other parameters than the first are ignored.
    let mut proofs = empty();
    take(&mut proofs, &near("c.z"), &near("c.z+"), 0, 1, types());
    take(&mut proofs, &m(), &m(), 0, 0, types());
    assert_eq!(how(proofs.no_data(&name("m.z"), RecordType::MX, &mut budget())), "denial-wrong");
}

#[test]
fn hashing_is_bounded() {
    let deep: String = std::iter::repeat_n("a.", 100).chain(["z"]).collect();
    let mut proofs = hashed(&["z z+ SOA NS"]);
    let mut budget = budget();
    let failed = proofs.no_name(&name(&deep), RecordType::A, &mut budget).unwrap_err();
    assert_eq!((failed.word(), failed.bound(), budget.hashes()), ("too-much-work", Some(Bound::Hashes(64)), 64));
    // No name is hashed twice.
    let mut proofs = hashed(&["z z+ SOA NS", "m.z- m.z+ A", "*.z- *.z+ A"]);
    let mut budget = Budget::new(&Policy::default());
    for _ in 0..10 {
        assert_eq!(how(proofs.no_name(&name("m.z"), RecordType::A, &mut budget)), "proved");
    }
    assert_eq!(budget.hashes(), 3);
}

#[test]
fn hashes_of_names() {
    // RFC 5155 Appendix A.
    for (owner, expected) in [
        ("example", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"),
        ("a.example", "35mthgpgcu1qg68fab165klnsnk3dpvl"),
        ("NS1.example", "2t7b4g4vsa5smi47k61mv5bv1a22bojr"),
        ("*.w.example", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"),
    ] {
        let hash = crate::nsec3::hash(&name(owner), 12, &[0xaa, 0xbb, 0xcc, 0xdd]);
        assert_eq!(data_encoding::BASE32HEX_NOPAD.encode(&hash).to_lowercase(), expected);
    }
}

#[test]
fn what_a_denial_by_nsec_is() {
    let no_data = |nsecs: &[&str], owner: &str| how(proofs(nsecs).no_data(&name(owner), RecordType::A, &mut budget()));
    assert_eq!(no_data(&["c.z x.m.z A"], "m.z"), "empty-non-terminal");
    assert_eq!(no_data(&["c.z n.z A", "*.z c.z TXT"], "m.z"), "wildcard");
    assert_eq!(no_data(&["c.z n.z A", "z a.*.z SOA"], "m.z"), "wildcard");
    assert_eq!(no_data(&["m.z n.z TXT"], "m.z"), "proved");
    // A wildcard that exists matches the name: its own record does not deny it.
    let answered = proofs(&["*.z n.z TXT"]).no_name(&name("m.z"), RecordType::A, &mut budget());
    assert_eq!(how(answered), "denial-wrong");
}

#[test]
fn an_operators_rules_are_followed() {
    let policy = Policy { opt_out_denies_all: false, hashes: 2, ..Policy::default() };
    let mut strict = hashed(&["z z+ SOA NS", "!m.z- m.z+ A"]);
    let mut budget = Budget::new(&Policy { hashes: 9, ..policy.clone() });
    assert_eq!(how(strict.no_data(&name("m.z"), RecordType::A, &mut budget)), "denial-wrong");
    assert_eq!(how(strict.no_data(&name("m.z"), RecordType::DS, &mut budget)), "nsec3-opt-out");
    let mut poor = hashed(&["z z+ SOA NS", "m.z- m.z+ A", "*.z- *.z+ A"]);
    let bounded = poor.no_name(&name("m.z"), RecordType::A, &mut Budget::new(&policy)).unwrap_err();
    assert_eq!(bounded.bound(), Some(Bound::Hashes(2)));
}
