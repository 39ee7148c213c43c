use proptest::prelude::*;

use super::*;
use crate::dmarc::Rules;
use crate::testing::{Zone, now};

#[track_caller]
fn walks(domain: &str, expected: &[&str]) {
    assert_eq!(names(domain), expected, "{domain}");
}

#[test]
fn which_names_are_asked() {
    walks("example", &["example"]);
    walks("fabrikam.example", &["fabrikam.example", "example"]);
    walks("1.2.3.4.5.6.7", &["1.2.3.4.5.6.7", "2.3.4.5.6.7", "3.4.5.6.7", "4.5.6.7", "5.6.7", "6.7", "7"]);
    // Eight labels are walked one by one; nine and more are cut to seven after the first question.
    walks(
        "1.2.3.4.5.6.7.8",
        &["1.2.3.4.5.6.7.8", "2.3.4.5.6.7.8", "3.4.5.6.7.8", "4.5.6.7.8", "5.6.7.8", "6.7.8", "7.8", "8"],
    );
    walks(
        "k.l.m.n.o.p.q.r.s.t.mail.fabrikam.example",
        &[
            "k.l.m.n.o.p.q.r.s.t.mail.fabrikam.example",
            "q.r.s.t.mail.fabrikam.example",
            "r.s.t.mail.fabrikam.example",
            "s.t.mail.fabrikam.example",
            "t.mail.fabrikam.example",
            "mail.fabrikam.example",
            "fabrikam.example",
            "example",
        ],
    );
}

#[track_caller]
fn check(zone: &str, domain: &str, expected: &str, questions: usize) {
    let zone = Zone::new(zone);
    let mut published = Published::new(&zone, Rules::Rfc9989);
    let walk = now(walk(&mut published, domain)).expect("no failure");
    assert_eq!(walk.organization().to_string(), expected, "{domain}");
    assert_eq!(published.lookups.len(), questions, "{:?}", published.lookups);
}

#[test]
fn organizational_domains() {
    let all = "
        _dmarc.mail.fabrikam.example TXT v=DMARC1; p=none
        _dmarc.fabrikam.example TXT v=DMARC1; p=none
    ";
    check(all, "a.mail.fabrikam.example", "fabrikam.example (the shortest name with a record)", 4);
    check(all, "fabrikam.example", "fabrikam.example (the shortest name with a record)", 2);
    check(all, "a.contoso.example", "a.contoso.example (which has no record at or above it)", 3);
    let says_no = "
        _dmarc.mail.fabrikam.example TXT v=DMARC1; p=none; psd=n
        _dmarc.fabrikam.example TXT v=DMARC1; p=none
    ";
    check(says_no, "a.mail.fabrikam.example", "mail.fabrikam.example (whose record says psd=n)", 2);
    check(says_no, "mail.fabrikam.example", "mail.fabrikam.example (whose record says psd=n)", 1);
    check(says_no, "b.fabrikam.example", "fabrikam.example (the shortest name with a record)", 3);
    // A top-level domain that says it is a public suffix.
    let top = "_dmarc.example TXT v=DMARC1; p=reject; psd=y";
    check(top, "a.mail.fabrikam.example", "fabrikam.example (one label below example with psd=y)", 4);
    check(top, "fabrikam.example", "fabrikam.example (one label below example with psd=y)", 2);
    // Where the walk starts, psd=y does not make it a suffix of itself.
    check(top, "example", "example (the shortest name with a record)", 1);
    // A record in between does not matter below a public suffix.
    let both = "
        _dmarc.example TXT v=DMARC1; p=reject; psd=y
        _dmarc.mail.fabrikam.example TXT v=DMARC1; p=none
    ";
    check(both, "a.mail.fabrikam.example", "fabrikam.example (one label below example with psd=y)", 4);
    // Nor does anything above a suffix that is found first.
    let low = "
        _dmarc.fabrikam.example TXT v=DMARC1; p=reject; psd=y
        _dmarc.example TXT v=DMARC1; p=none; psd=n
    ";
    check(low, "a.mail.fabrikam.example", "mail.fabrikam.example (one label below fabrikam.example with psd=y)", 3);
    // A top-level domain whose record has no psd= is taken for an organization.
    let silent = "_dmarc.example TXT v=DMARC1; p=reject";
    check(silent, "a.fabrikam.example", "example (the shortest name with a record)", 3);
    // Below a suffix to which the walk jumps.
    let far = "_dmarc.5.6.7.8.9.10.11 TXT v=DMARC1; psd=y";
    check(far, "1.2.3.4.5.6.7.8.9.10.11", "4.5.6.7.8.9.10.11 (one label below 5.6.7.8.9.10.11 with psd=y)", 2);
}

#[test]
fn what_is_no_record_for_a_walk() {
    let zone = "
        _dmarc.a.fabrikam.example TXT v=DMARC1; p=none; psd=n
        _dmarc.a.fabrikam.example TXT v=DMARC1; p=none; psd=n
        _dmarc.fabrikam.example TXT v=DMARC1; psd=n; p=none; p=none
        _dmarc.example TXT v=spf1 psd=n
    ";
    check(zone, "a.fabrikam.example", "a.fabrikam.example (which has no record at or above it)", 3);
    // A record without a policy also counts: p= is recommended, not required.
    check(
        "_dmarc.fabrikam.example TXT v=DMARC1; psd=n",
        "a.fabrikam.example",
        "fabrikam.example (whose record says psd=n)",
        2,
    );
}

#[test]
fn dns_that_fails_ends_a_walk() {
    let zone = Zone::new("_dmarc.fabrikam.example TIMEOUT\n_dmarc.example TXT v=DMARC1; p=none");
    let mut published = Published::new(&zone, Rules::Rfc9989);
    let failed = now(walk(&mut published, "a.fabrikam.example")).expect_err("a failure");
    assert_eq!(failed.reason, "_dmarc.fabrikam.example TXT could not be looked up: timeout");
    assert_eq!(failed.findings.len(), 2);
}

proptest! {
    #[test]
    fn laws(domain in "([a-z]{1,3}\\.){0,20}[a-z]{1,3}") {
        let names = names(&domain);
        prop_assert!(names.len() <= MAX_QUERIES);
        prop_assert_eq!(names.len(), labels(&domain).min(MAX_QUERIES));
        prop_assert_eq!(names.first(), Some(&domain.as_str()));
        // Each name is a parent of the one before; the last is a top-level domain.
        for pair in names.windows(2) {
            let parent = pair[0].ends_with(&format!(".{}", pair[1]));
            prop_assert!(parent, "{:?}", pair);
        }
        prop_assert_eq!(labels(names.last().expect("one")), 1);
    }

    #[test]
    fn never_panics(domain in "[a.]{0,30}") {
        prop_assert!(names(&domain).len() <= MAX_QUERIES);
        suffix(&domain, 0);
    }

    /// An organizational domain is a suffix of its name.
    #[test]
    fn organizations_end_their_names(records in proptest::collection::vec(("([ab]\\.){0,9}c", "(|; psd=y|; psd=n)"), 0..6), domain in "([ab]\\.){0,10}c") {
        let text: String = records.iter().map(|(name, psd)| format!("_dmarc.{name} TXT v=DMARC1{psd}\n")).collect();
        let zone = Zone::new(&text);
        let mut published = Published::new(&zone, Rules::Rfc9989);
        let walk = now(walk(&mut published, &domain)).expect("no failure");
        let organization = walk.organization().domain;
        let below = domain.ends_with(&format!(".{organization}"));
        prop_assert!(domain == organization || below, "{}", organization);
        prop_assert!(published.lookups.len() <= MAX_QUERIES);
    }
}
