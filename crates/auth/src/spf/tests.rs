use super::*;
use crate::testing::{Zone, now};

const ZONE: &str = "
    ip.example TXT v=spf1 ip4:192.0.2.10 ip6:2001:db8::/32 -all
    nets.example TXT v=spf1 ip4:192.0.2.0/25 ~ip4:192.0.2.128/25 ?all
    open.example TXT v=spf1 ip4:198.51.100.1
    none.example TXT hello
    several.example TXT v=spf1 -all
    several.example TXT v=spf1 +all
    bad.example TXT v=spf1 ip4:1.2.3 -all
    slow.example TIMEOUT
    a.example TXT v=spf1 a -all
    a.example A 192.0.2.10
    a.example AAAA 2001:db8::10
    a24.example TXT v=spf1 a:a.example/24//64 -all
    mx.example TXT v=spf1 mx -all
    mx.example MX 10 mx1.example
    mx.example MX 20 mx2.example
    mx1.example A 192.0.2.1
    mx2.example A 192.0.2.10
    mx2.example AAAA 2001:db8::10
    nomx.example TXT v=spf1 mx -all
    nomx.example A 192.0.2.10
    nullmx.example TXT v=spf1 mx -all
    nullmx.example MX 0 .
    slowmx.example TXT v=spf1 mx -all
    slowmx.example MX 10 slow.example
    slowa.example TXT v=spf1 ip4:192.0.2.10 a:slow.example -all
    void2.example TXT v=spf1 a:x1.example a:x2.example ?all
    void3.example TXT v=spf1 a:x1.example a:x2.example a:x3.example ?all
    ten.example TXT v=spf1 a:m.example a:m.example a:m.example a:m.example a:m.example a:m.example a:m.example a:m.example a:m.example a:m.example -all
    eleven.example TXT v=spf1 a:m.example a:m.example a:m.example a:m.example a:m.example a:m.example a:m.example a:m.example a:m.example a:m.example a:m.example -all
    m.example A 198.51.100.1
    include.example TXT v=spf1 ip4:192.0.2.10 include:ip.example -all
    mail.helo.example TXT v=spf1 a -all
    mail.helo.example A 192.0.2.10
";

/// The result and the last reason for a client and a MAIL FROM; `helo NAME` stands for the null reverse-path.
#[track_caller]
fn check(ip: &str, from: &str, expected: Result<(&str, &str), &str>) {
    let identity = match from.strip_prefix("helo ") {
        Some(name) => Identity::of(&ReversePath::Null, name),
        None => Identity::of(&ReversePath::Address(from.parse().expect("an address")), "unused.example"),
    };
    let outcome = now(check_host(&Zone::new(ZONE), ip.parse().expect("an address"), identity));
    let seen = outcome.map(|it| (it.result.word().to_owned(), it.because().last().cloned().unwrap_or_default()));
    let expected = expected.map(|(result, reason)| (result.to_owned(), reason.to_owned())).map_err(str::to_owned);
    assert_eq!(seen.map_err(|error| error.what), expected, "{ip} {from}");
}

#[test]
fn networks() {
    check("192.0.2.10", "x@ip.example", Ok(("pass", "ip4:192.0.2.10 matches 192.0.2.10")));
    check("192.0.2.11", "x@ip.example", Ok(("fail", "-all matches 192.0.2.11")));
    check("2001:db8:1::1", "x@IP.example", Ok(("pass", "ip6:2001:db8::/32 matches 2001:db8:1::1")));
    check("2001:db9::1", "x@ip.example", Ok(("fail", "-all matches 2001:db9::1")));
    check("::ffff:192.0.2.10", "x@ip.example", Ok(("pass", "ip4:192.0.2.10 matches 192.0.2.10")));
    check("192.0.2.127", "x@nets.example", Ok(("pass", "ip4:192.0.2.0/25 matches 192.0.2.127")));
    check("192.0.2.128", "x@nets.example", Ok(("softfail", "~ip4:192.0.2.128/25 matches 192.0.2.128")));
    check("192.0.3.1", "x@nets.example", Ok(("neutral", "?all matches 192.0.3.1")));
    check("192.0.2.10", "x@open.example", Ok(("neutral", "no term matches 192.0.2.10")));
}

#[test]
fn selection_of_the_record() {
    check("192.0.2.10", "x@none.example", Ok(("none", "none.example publishes no SPF record")));
    check("192.0.2.10", "x@absent.example", Ok(("none", "absent.example publishes no SPF record")));
    check("192.0.2.10", "x@a.b.absent.example", Ok(("none", "a.b.absent.example publishes no SPF record")));
    check("192.0.2.10", "x@several.example", Ok(("permerror", "several.example publishes 2 SPF records")));
    let malformed = "the record is malformed: no address in ip4:1.2.3";
    check("192.0.2.10", "x@bad.example", Ok(("permerror", malformed)));
    check("192.0.2.10", "x@slow.example", Ok(("temperror", "slow.example TXT could not be looked up: timeout")));
    check("192.0.2.10", "x@example", Ok(("none", "example is no domain name with several labels")));
    check("192.0.2.10", "x@[192.0.2.10]", Ok(("none", "[192.0.2.10] is no domain name with several labels")));
}

#[test]
fn addresses_and_mail_hosts() {
    check("192.0.2.10", "x@a.example", Ok(("pass", "a matches 192.0.2.10")));
    check("2001:db8::10", "x@a.example", Ok(("pass", "a matches 2001:db8::10")));
    check("192.0.2.11", "x@a.example", Ok(("fail", "-all matches 192.0.2.11")));
    check("192.0.2.11", "x@a24.example", Ok(("pass", "a:a.example/24//64 matches 192.0.2.11")));
    check("2001:db8::1:2:3:4", "x@a24.example", Ok(("pass", "a:a.example/24//64 matches 2001:db8::1:2:3:4")));
    check("2001:db8:0:1::1", "x@a24.example", Ok(("fail", "-all matches 2001:db8:0:1::1")));
    check("192.0.2.10", "x@mx.example", Ok(("pass", "mx matches 192.0.2.10")));
    check("192.0.2.1", "x@mx.example", Ok(("pass", "mx matches 192.0.2.1")));
    check("192.0.2.2", "x@mx.example", Ok(("fail", "-all matches 192.0.2.2")));
    // Without MX the domain's own address does not stand in (RFC 7208 §5.4).
    check("192.0.2.10", "x@nomx.example", Ok(("fail", "-all matches 192.0.2.10")));
    check("192.0.2.10", "x@nullmx.example", Ok(("fail", "-all matches 192.0.2.10")));
    check("192.0.2.10", "x@slowmx.example", Ok(("temperror", "slow.example A could not be looked up: timeout")));
    // What stands behind the match is not asked.
    check("192.0.2.10", "x@slowa.example", Ok(("pass", "ip4:192.0.2.10 matches 192.0.2.10")));
}

#[test]
fn limits() {
    check("192.0.2.10", "x@ten.example", Ok(("fail", "-all matches 192.0.2.10")));
    check("192.0.2.10", "x@eleven.example", Ok(("permerror", "more than 10 terms ask DNS")));
    check("192.0.2.10", "x@void2.example", Ok(("neutral", "?all matches 192.0.2.10")));
    check("192.0.2.10", "x@void3.example", Ok(("permerror", "more than 2 lookups without an answer")));
    let hosts = |count: u32| {
        let mut zone = String::from("many.example TXT v=spf1 mx -all\n");
        for host in 0..count {
            zone.push_str(&format!("many.example MX 10 h{host}.example\nh{host}.example A 192.0.2.{host}\n"));
        }
        let identity = Identity::MailFrom("x@many.example".parse().expect("an address"));
        now(check_host(&Zone::new(&zone), [192, 0, 2, 9].into(), identity)).expect("supported").result
    };
    assert_eq!((hosts(10), hosts(11)), (SpfResult::Pass, SpfResult::PermError));
}

#[test]
fn the_null_reverse_path_asks_for_helo() {
    check("192.0.2.10", "helo mail.helo.example", Ok(("pass", "a matches 192.0.2.10")));
    check("192.0.2.11", "helo mail.helo.example", Ok(("fail", "-all matches 192.0.2.11")));
    check("192.0.2.10", "helo localhost", Ok(("none", "localhost is no domain name with several labels")));
    check("192.0.2.10", "helo [192.0.2.10]", Ok(("none", "[192.0.2.10] is no domain name with several labels")));
}

#[test]
fn what_is_not_supported_is_not_guessed() {
    // Not even when a term before it matches.
    check("192.0.2.10", "x@include.example", Err("SPF term include:ip.example in the record of include.example"));
    check("192.0.2.10", "x@źródło.example", Err("SPF for the internationalized domain źródło.example"));
}

#[test]
fn the_evidence_is_complete() {
    let identity = Identity::MailFrom("x@mx.example".parse().expect("an address"));
    let evaluation = now(check_host(&Zone::new(ZONE), [192, 0, 2, 10].into(), identity)).expect("supported");
    let lookups: Vec<_> = evaluation.lookups.iter().map(ToString::to_string).collect();
    assert_eq!(
        lookups,
        [
            "mx.example TXT: \"v=spf1 mx -all\"",
            "mx.example MX: 10 mx1.example, 20 mx2.example",
            "mx1.example A: 192.0.2.1",
            "mx2.example A: 192.0.2.10",
        ]
    );
    assert_eq!(evaluation.because(), ["mx.example publishes \"v=spf1 mx -all\"", "mx matches 192.0.2.10"]);
}
