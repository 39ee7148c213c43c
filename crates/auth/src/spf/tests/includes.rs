//! `include`, `redirect` and `exp`.

use super::{check, evaluate};
use crate::dns::RecordKind;

const ZONE: &str = "
    pass.example TXT v=spf1 +all
    fail.example TXT v=spf1 -all exp=why.fail.example
    why.fail.example TXT from the include
    softfail.example TXT v=spf1 ~all
    neutral.example TXT v=spf1 ip4:198.51.100.1
    slow.example TIMEOUT
    bad.example TXT v=spf1 moo
    several.example TXT v=spf1 -all
    several.example TXT v=spf1 +all
    text.example TXT hello
    i-pass.example TXT v=spf1 ~include:pass.example -all
    i-fail.example TXT v=spf1 include:fail.example ?all
    i-softfail.example TXT v=spf1 include:softfail.example -all
    i-neutral.example TXT v=spf1 include:neutral.example -all
    i-slow.example TXT v=spf1 include:slow.example +all
    i-bad.example TXT v=spf1 include:bad.example +all
    i-several.example TXT v=spf1 include:several.example +all
    i-text.example TXT v=spf1 include:text.example +all
    i-absent.example TXT v=spf1 include:absent.example +all
    i-i-fail.example TXT v=spf1 include:i-fail-hard.example +all
    i-fail-hard.example TXT v=spf1 include:fail.example -all
    i-i-bad.example TXT v=spf1 include:i-bad.example +all
    i-i-absent.example TXT v=spf1 include:i-absent.example +all
    r-pass.example TXT v=spf1 redirect=pass.example
    r-fail.example TXT v=spf1 redirect=fail.example exp=why.example
    r-slow.example TXT v=spf1 redirect=slow.example
    r-text.example TXT v=spf1 redirect=text.example
    r-r-text.example TXT v=spf1 redirect=r-text.example
    r-unused.example TXT v=spf1 redirect=slow.example -all
    i-r.example TXT v=spf1 include:r-fail.example +all
    why.example TXT from the first record
    implicit.example TXT v=spf1 redirect=a.example
    implicit.example A 192.0.2.10
    a.example TXT v=spf1 a -all
    a.example A 192.0.2.20
    self.example TXT v=spf1 include:self.example -all
    loop.example TXT v=spf1 redirect=loop.example
";

/// The result for 192.0.2.10 and the last reason.
#[track_caller]
fn of(domain: &str, expected: (&str, &str)) {
    check(ZONE, "192.0.2.10", &format!("x@{domain}"), expected);
}

#[test]
fn include() {
    of("i-pass.example", ("softfail", "~include:pass.example matches 192.0.2.10"));
    of("i-fail.example", ("neutral", "?all matches 192.0.2.10"));
    of("i-softfail.example", ("fail", "-all matches 192.0.2.10"));
    of("i-neutral.example", ("fail", "-all matches 192.0.2.10"));
    of("i-slow.example", ("temperror", "slow.example TXT could not be looked up: timeout"));
    of("i-bad.example", ("permerror", "the record of bad.example is malformed: unknown mechanism moo"));
    of("i-several.example", ("permerror", "several.example publishes 2 SPF records"));
    of("i-text.example", ("permerror", "include:text.example leads to no SPF record"));
    of("i-absent.example", ("permerror", "include:absent.example leads to no SPF record"));
    // A pass of the outer record does not help what the inner one denies, and inner errors are not lost.
    of("i-i-fail.example", ("pass", "+all matches 192.0.2.10"));
    of("i-i-bad.example", ("permerror", "the record of bad.example is malformed: unknown mechanism moo"));
    of("i-i-absent.example", ("permerror", "include:absent.example leads to no SPF record"));
}

#[test]
fn redirect() {
    of("r-pass.example", ("pass", "+all matches 192.0.2.10"));
    of("r-fail.example", ("fail", "-all matches 192.0.2.10"));
    of("r-slow.example", ("temperror", "slow.example TXT could not be looked up: timeout"));
    of("r-text.example", ("permerror", "redirect=text.example leads to no SPF record"));
    of("r-r-text.example", ("permerror", "redirect=text.example leads to no SPF record"));
    of("r-unused.example", ("fail", "-all matches 192.0.2.10"));
    of("i-r.example", ("pass", "+all matches 192.0.2.10"));
    // A mechanism without a domain uses the domain of its record.
    of("implicit.example", ("fail", "-all matches 192.0.2.10"));
    check(ZONE, "192.0.2.20", "x@implicit.example", ("pass", "a matches 192.0.2.20"));
}

#[test]
fn records_that_point_at_themselves() {
    of("self.example", ("permerror", "more than 10 terms ask DNS"));
    of("loop.example", ("permerror", "more than 10 terms ask DNS"));
    let evaluation = evaluate(ZONE, "192.0.2.10", "x@self.example");
    assert_eq!(evaluation.lookups().count(), 11);
    assert_eq!(evaluation.steps.last().map(|step| (step.depth, step.terms)), Some((10, 11)));
    // The record is listed once, however often it is read.
    let [record, limit] = evaluation.because().try_into().expect("two reasons");
    assert!(record.starts_with("self.example publishes ") && limit == "more than 10 terms ask DNS");
}

/// The explanation of the failure at a domain.
#[track_caller]
fn explained(zone: &str, from: &str, expected: Option<&str>) {
    let evaluation = evaluate(zone, "192.0.2.10", from);
    assert_eq!(evaluation.explanation.as_deref(), expected, "{}", evaluation.trace().join("\n"));
}

#[test]
fn explanations_come_from_the_record_that_fails() {
    explained(ZONE, "x@fail.example", Some("from the include"));
    explained(ZONE, "x@r-fail.example", Some("from the include"));
    explained(ZONE, "x@i-fail-hard.example", None);
    explained(ZONE, "x@pass.example", None);
    explained(ZONE, "x@bad.example", None);
}

#[test]
fn explanations() {
    let zone = "
        a.example TXT v=spf1 -all exp=%{l}.why.example
        ok.why.example TXT %{i} of %{s} is no host of %{d}; %{c} at %{r}, %{t}
        two.why.example TXT one
        two.why.example TXT two
        other.why.example A 192.0.2.1
        slow.why.example TIMEOUT
        bad.why.example TXT 100% wrong
        name.why.example TXT you are %{p}
        10.2.0.192.in-addr.arpa PTR host.example
        10.2.0.192.in-addr.arpa PTR host.a.example
        host.example A 192.0.2.10
        host.a.example A 192.0.2.10
        pass.example TXT v=spf1 +all exp=ok.why.example
        soft.example TXT v=spf1 ~all exp=ok.why.example
        void.example TXT v=spf1 a:x1.example a:x2.example -all exp=absent.why.example
        many.example TXT v=spf1 a:h.test a:h.test a:h.test a:h.test a:h.test a:h.test a:h.test a:h.test a:h.test a:h.test -all exp=many.why.example
        many.why.example TXT ten terms
        h.test A 192.0.2.77
    ";
    let text = "192.0.2.10 of ok@a.example is no host of a.example; 192.0.2.10 at mx.adatum.example, 1772438400";
    explained(zone, "ok@a.example", Some(text));
    explained(zone, "name@a.example", Some("you are host.a.example"));
    for local_part in ["two", "other", "slow", "bad", "absent", "a..b", "\u{fc}"] {
        explained(zone, &format!("{local_part}@a.example"), None);
    }
    // Of a failure alone.
    explained(zone, "ok@pass.example", None);
    explained(zone, "ok@soft.example", None);
    // It costs nothing.
    check(zone, "192.0.2.10", "x@void.example", ("fail", "-all matches 192.0.2.10"));
    explained(zone, "x@void.example", None);
    explained(zone, "x@many.example", Some("ten terms"));
    // The client's names are looked up only when they are needed.
    let names = |from: &str| {
        evaluate(zone, "192.0.2.10", from).lookups().filter(|lookup| lookup.kind == RecordKind::Ptr).count()
    };
    assert_eq!((names("ok@a.example"), names("name@a.example")), (0, 1));
    let trace = evaluate(zone, "192.0.2.10", "bad@a.example").trace();
    assert_eq!(
        trace,
        [
            "a.example: \"v=spf1 -all exp=%{l}.why.example\"",
            "-all: matches",
            "exp=%{l}.why.example -> bad.why.example: no explanation: a % that does not begin a macro (terms 0/10, void terms 0/2 with 0 void lookups)",
            "  bad.why.example TXT: \"100% wrong\"",
        ]
    );
}
