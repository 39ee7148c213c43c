use proptest::prelude::*;

use super::*;

/// The record in a few words, defects at the end; or what is wrong with it or its policies.
fn summary(text: &str, rules: Rules) -> Result<String, String> {
    let record = Record::parse(text, rules).map_err(|error| error.to_string())?;
    let policies = record.policies().map_err(|error| error.to_string())?;
    let mut words = vec![format!("p={}", policies.policy.word())];
    let mut push = |name: &str, value: Option<String>| words.extend(value.map(|value| format!("{name}={value}")));
    push("sp", policies.subdomain.map(|policy| policy.word().to_owned()));
    push("np", policies.nonexistent.map(|policy| policy.word().to_owned()));
    push("adkim", (record.adkim == Mode::Strict).then(|| "s".to_owned()));
    push("aspf", (record.aspf == Mode::Strict).then(|| "s".to_owned()));
    push("pct", (record.percent != 100).then(|| record.percent.to_string()));
    push("t", record.testing.then(|| "y".to_owned()));
    push("psd", (record.psd != Psd::Unsaid).then(|| format!("{:?}", record.psd)));
    push("rua", (!record.aggregate.is_empty()).then(|| list(&record.aggregate)));
    push("ruf", (!record.failure.is_empty()).then(|| list(&record.failure)));
    let letters: Vec<_> = record.failure_options.iter().map(|option| option.letter()).collect();
    push("fo", (letters != ["0"]).then(|| letters.join(":")));
    push("rf", (record.failure_formats != ["afrf"]).then(|| record.failure_formats.join(":")));
    push("ri", (record.interval != 86_400).then(|| record.interval.to_string()));
    words.extend(record.defects.iter().map(|defect| format!("!{}", defect.tag)));
    Ok(words.join(" "))
}

fn list(uris: &[ReportUri]) -> String {
    uris.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[track_caller]
fn check(text: &str, older: Result<&str, &str>, newer: Result<&str, &str>) {
    for (rules, expected) in [(Rules::Rfc7489, older), (Rules::Rfc9989, newer)] {
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(summary(text, rules), expected, "{text} by {rules:?}");
    }
}

#[track_caller]
fn both(text: &str, expected: Result<&str, &str>) {
    check(text, expected, expected);
}

#[test]
fn policies() {
    both("v=DMARC1; p=reject", Ok("p=reject"));
    both("v=DMARC1;p=None;sp=QUARANTINE;np=reject;", Ok("p=none sp=quarantine np=reject"));
    both("V = DMARC1\t; P = reject ;; adkim\t=\ts", Ok("p=reject adkim=s"));
    both("v=DMARC1; sp=none; p=reject", Ok("p=reject sp=none"));
    both("v=DMARC1; p=quarantine; adkim=s; aspf=S", Ok("p=quarantine adkim=s aspf=s"));
}

#[test]
fn policies_that_cannot_be_used() {
    both("v=DMARC1", Err("no usable p="));
    both("v=DMARC1; p=maybe", Err("no usable p="));
    both("v=DMARC1; p=", Err("no usable p="));
    both("v=DMARC1; sp=reject", Err("no usable p="));
    both("v=DMARC1; reject", Err("no usable p="));
    both("v=DMARC1; p=reject; sp=maybe", Err("sp= is not valid"));
    both("v=DMARC1; p=reject; np=maybe", Err("np= is not valid"));
    both("v=DMARC1; p=reject; sp=", Err("sp= is not valid"));
    // With an address for reports all of them count as p=none.
    both("v=DMARC1; rua=mailto:a@b.example", Ok("p=none rua=mailto:a@b.example"));
    both("v=DMARC1; sp=reject; rua=mailto:a@b.example", Ok("p=none rua=mailto:a@b.example"));
    both("v=DMARC1; p=maybe; rua=mailto:a@b.example", Ok("p=none rua=mailto:a@b.example !p=maybe"));
    both("v=DMARC1; p=reject; sp=maybe; rua=mailto:a@b.example", Ok("p=none rua=mailto:a@b.example !sp=maybe"));
    both("v=DMARC1; p=reject; np=maybe; rua=https://b.example", Ok("p=none rua=https://b.example !np=maybe"));
    // That address has to be a URI.
    both("v=DMARC1; p=maybe; rua=a@b.example", Err("no usable p="));
    both("v=DMARC1; p=maybe; rua=mailto:a@b.example!x", Err("no usable p="));
}

#[test]
fn tags_of_one_standard() {
    check("v=DMARC1; p=none; pct=20; rf=afrf; ri=3600", Ok("p=none pct=20 ri=3600"), Ok("p=none"));
    check("v=DMARC1; p=none; pct=x; ri=x; rf=x", Ok("p=none !pct=x !ri=x !rf=x"), Ok("p=none"));
    check("v=DMARC1; p=none; rf=iodef:AFRF", Ok("p=none rf=iodef:afrf"), Ok("p=none"));
    check("v=DMARC1; p=reject; t=y; psd=n", Ok("p=reject"), Ok("p=reject t=y psd=No"));
    check("v=DMARC1; p=reject; t=N; psd=Y", Ok("p=reject"), Ok("p=reject psd=Yes"));
    check("v=DMARC1; p=reject; t=x; psd=x", Ok("p=reject"), Ok("p=reject !t=x !psd=x"));
    both("v=DMARC1; p=reject; psd=u", Ok("p=reject"));
    check(
        "v=DMARC1; p=none; rua=mailto:a@b.example!10m",
        Ok("p=none rua=mailto:a@b.example!10485760"),
        Ok("p=none rua=mailto:a@b.example"),
    );
}

#[test]
fn values() {
    let percent = |value: &str| summary(&format!("v=DMARC1; p=none; pct={value}"), Rules::Rfc7489).expect("a record");
    assert_eq!(percent("0"), "p=none pct=0");
    assert_eq!(percent("099"), "p=none pct=99");
    assert_eq!(percent("100"), "p=none");
    for bad in ["101", "0050", "+5", "-5", "5.0", "", "5 0", "5%"] {
        assert_eq!(percent(bad), format!("p=none !{}", format!("pct={bad}").trim()));
    }
    both("v=DMARC1; p=none; fo=1:d:s", Ok("p=none fo=1:d:s"));
    both("v=DMARC1; p=none; fo=D : S", Ok("p=none fo=d:s"));
    check("v=DMARC1; p=none; fo=0:1", Ok("p=none fo=0:1"), Ok("p=none !fo=0:1"));
    check("v=DMARC1; p=none; fo=d:d", Ok("p=none fo=d"), Ok("p=none !fo=d:d"));
    both("v=DMARC1; p=none; fo=2", Ok("p=none !fo=2"));
    both("v=DMARC1; p=none; fo=1:", Ok("p=none !fo=1:"));
    both("v=DMARC1; p=none; adkim=strict; aspf=", Ok("p=none !adkim=strict !aspf="));
    both(
        "v=DMARC1; p=none; rua=mailto:a@b.example , https://c.example; ruf=mailto:d@e.example",
        Ok("p=none rua=mailto:a@b.example,https://c.example ruf=mailto:d@e.example"),
    );
    // One invalid URI does not invalidate the others.
    both(
        "v=DMARC1; p=none; rua=b.example,mailto:a@b.example",
        Ok("p=none rua=mailto:a@b.example !rua=b.example,mailto:a@b.example"),
    );
}

#[test]
fn lists() {
    both("v=DMARC1; p=none; x=y; future=a,b=c", Ok("p=none"));
    both("v=DMARC1; p=none; what is this; =x; a b=c", Ok("p=none !what is this !=x !a b=c"));
    both("v=DMARC1; p=none; p=reject", Err("p= twice"));
    both("v=DMARC1; p=none; P=none", Err("p= twice"));
    both("v=DMARC1; p=none; x=1; x=2", Err("x= twice"));
    both("v=DMARC1; p=none; v=DMARC1", Err("v= twice"));
    both("v=spf1 -all", Err("no v=DMARC1 at the beginning"));
    both(&format!("v=DMARC1; p=none; x={}", "x".repeat(MAX_LENGTH)), Err("longer than 65535 octets"));
    let many = format!("v=DMARC1; p=none; rua={}", vec!["mailto:a@b.example"; MAX_URIS + 1].join(","));
    assert_eq!(Record::parse(&many, Rules::Rfc7489).expect("a record").aggregate.len(), MAX_URIS);
}

#[test]
fn which_texts_are_records() {
    for (text, expected) in [
        ("v=DMARC1; p=none", true),
        ("v = DMARC1;p=none", true),
        ("V=DMARC1", true),
        ("v=DMARC1", true),
        ("v=dmarc1; p=none", false),
        ("v=DMARC10; p=none", false),
        ("v=DMARC1 p=none", false),
        (" v=DMARC1; p=none", false),
        ("v\t= \tDMARC1 ; p=none", true),
        ("v=DMARC1\n; p=none", false),
        ("p=none; v=DMARC1", false),
        ("v", false),
        ("v=", false),
        ("v=spf1 -all", false),
        ("", false),
    ] {
        assert_eq!(is_dmarc(text.as_bytes()), expected, "{text:?}");
    }
    assert!(is_dmarc(b"v=DMARC1; p=none; x=\xff\x00"));
    assert!(!is_dmarc(b"\xffv=DMARC1"));
}

proptest! {
    #[test]
    fn never_panics(text in "v=DMARC1;?\\PC*", octets in proptest::collection::vec(any::<u8>(), 0..60)) {
        is_dmarc(&octets);
        for rules in [Rules::Rfc7489, Rules::Rfc9989] {
            let _ = summary(&text, rules);
        }
    }

    /// An unknown tag changes nothing, anywhere after the version.
    #[test]
    fn unknown_tags_change_nothing(tags in proptest::collection::vec("(p|sp|np|t|pct|adkim)=(none|reject|y|s|7)", 0..5), at in 0_usize..6) {
        let mut with = tags.clone();
        with.insert(at.min(tags.len()), "unknown=reject".to_owned());
        let text = |tags: &[String]| format!("v=DMARC1;{}", tags.join(";"));
        for rules in [Rules::Rfc7489, Rules::Rfc9989] {
            prop_assert_eq!(Record::parse(&text(&with), rules), Record::parse(&text(&tags), rules));
        }
    }
}
