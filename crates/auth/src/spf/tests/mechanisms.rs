//! Selection of the record and the mechanisms one by one.

use super::{check, evaluate};
use crate::spf::SpfResult;

const ZONE: &str = "
    ip.example TXT v=spf1 ip4:192.0.2.10 ip6:2001:db8::/32 -all
    nets.example TXT v=spf1 ip4:192.0.2.0/25 ~ip4:192.0.2.128/25 ?all
    open.example TXT v=spf1 ip4:198.51.100.1
    mapped.example TXT v=spf1 ip6:::ffff:192.0.2.10 -ip4:192.0.2.0/24 ?all
    everything.example TXT v=spf1 -ip4:0.0.0.0/0 ip6:::/0
    none.example TXT hello
    several.example TXT v=spf1 -all
    several.example TXT v=spf1 +all
    two.example TXT v=spf1 -all
    two.example TXT other
    bad.example TXT v=spf1 ip4:1.2.3 -all
    slow.example TIMEOUT
    a.example TXT v=spf1 a -all
    a.example A 192.0.2.10
    a.example AAAA 2001:db8::10
    a24.example TXT v=spf1 a:a.example/24//64 -all
    a0.example TXT v=spf1 a:a.example/0 -a:v6.example/0//0 ?all
    v6.example AAAA 2001:db8::10
    mx.example TXT v=spf1 mx -all
    mx.example MX 20 mx2.example
    mx.example MX 10 mx1.example
    mx1.example A 192.0.2.1
    mx2.example A 192.0.2.10
    mx2.example AAAA 2001:db8::10
    mx16.example TXT v=spf1 mx:mx.example/16 -all
    nomx.example TXT v=spf1 mx -all
    nomx.example A 192.0.2.10
    nullmx.example TXT v=spf1 mx -all
    nullmx.example MX 0 .
    slowmx.example TXT v=spf1 mx -all
    slowmx.example MX 10 slow.example
    slowa.example TXT v=spf1 ip4:192.0.2.10 a:slow.example -all
    exists.example TXT v=spf1 exists:a.example -all
    exists6.example TXT v=spf1 exists:v6.example -all
    slowexists.example TXT v=spf1 exists:slow.example -all
";

#[test]
fn networks() {
    check(ZONE, "192.0.2.10", "x@ip.example", ("pass", "ip4:192.0.2.10 matches 192.0.2.10"));
    check(ZONE, "192.0.2.11", "x@ip.example", ("fail", "-all matches 192.0.2.11"));
    check(ZONE, "2001:db8:1::1", "x@IP.example", ("pass", "ip6:2001:db8::/32 matches 2001:db8:1::1"));
    check(ZONE, "2001:db9::1", "x@ip.example", ("fail", "-all matches 2001:db9::1"));
    check(ZONE, "::ffff:192.0.2.10", "x@ip.example", ("pass", "ip4:192.0.2.10 matches 192.0.2.10"));
    check(ZONE, "::ffff:192.0.2.10", "x@mapped.example", ("fail", "-ip4:192.0.2.0/24 matches 192.0.2.10"));
    check(ZONE, "192.0.2.127", "x@nets.example", ("pass", "ip4:192.0.2.0/25 matches 192.0.2.127"));
    check(ZONE, "192.0.2.128", "x@nets.example", ("softfail", "~ip4:192.0.2.128/25 matches 192.0.2.128"));
    check(ZONE, "192.0.3.1", "x@nets.example", ("neutral", "?all matches 192.0.3.1"));
    check(ZONE, "192.0.2.10", "x@open.example", ("neutral", "no term matches 192.0.2.10"));
    check(ZONE, "203.0.113.9", "x@everything.example", ("fail", "-ip4:0.0.0.0/0 matches 203.0.113.9"));
    check(ZONE, "2001:db8::9", "x@everything.example", ("pass", "ip6:::/0 matches 2001:db8::9"));
}

#[test]
fn selection_of_the_record() {
    check(ZONE, "192.0.2.10", "x@none.example", ("none", "none.example publishes no SPF record"));
    check(ZONE, "192.0.2.10", "x@absent.example", ("none", "absent.example publishes no SPF record"));
    check(ZONE, "192.0.2.10", "x@A.b.absent.example", ("none", "A.b.absent.example publishes no SPF record"));
    check(ZONE, "192.0.2.10", "x@several.example", ("permerror", "several.example publishes 2 SPF records"));
    check(ZONE, "192.0.2.10", "x@two.example", ("fail", "-all matches 192.0.2.10"));
    let malformed = "the record is malformed: no address in ip4:1.2.3";
    check(ZONE, "192.0.2.10", "x@bad.example", ("permerror", malformed));
    check(ZONE, "192.0.2.10", "x@slow.example", ("temperror", "slow.example TXT could not be looked up: timeout"));
    check(ZONE, "192.0.2.10", "x@example", ("none", "example is not a domain name with several labels"));
    check(ZONE, "192.0.2.10", "x@[192.0.2.10]", ("none", "[192.0.2.10] is not a domain name with several labels"));
    check(ZONE, "192.0.2.10", "x@a..example", ("none", "a..example is not a domain name with several labels"));
    check(ZONE, "192.0.2.10", "", ("none", " is not a domain name with several labels"));
}

#[test]
fn addresses_and_mail_hosts() {
    check(ZONE, "192.0.2.10", "x@a.example", ("pass", "a matches 192.0.2.10"));
    check(ZONE, "2001:db8::10", "x@a.example", ("pass", "a matches 2001:db8::10"));
    check(ZONE, "192.0.2.11", "x@a.example", ("fail", "-all matches 192.0.2.11"));
    check(ZONE, "192.0.2.11", "x@a24.example", ("pass", "a:a.example/24//64 matches 192.0.2.11"));
    check(ZONE, "2001:db8::1:2:3:4", "x@a24.example", ("pass", "a:a.example/24//64 matches 2001:db8::1:2:3:4"));
    check(ZONE, "2001:db8:0:1::1", "x@a24.example", ("fail", "-all matches 2001:db8:0:1::1"));
    // A prefix of 0 bits still needs an address of the client's family.
    check(ZONE, "203.0.113.1", "x@a0.example", ("pass", "a:a.example/0 matches 203.0.113.1"));
    check(ZONE, "2001:db9::1", "x@a0.example", ("fail", "-a:v6.example/0//0 matches 2001:db9::1"));
    check(ZONE, "192.0.2.10", "x@mx.example", ("pass", "mx matches 192.0.2.10"));
    check(ZONE, "192.0.2.1", "x@mx.example", ("pass", "mx matches 192.0.2.1"));
    check(ZONE, "192.0.2.2", "x@mx.example", ("fail", "-all matches 192.0.2.2"));
    check(ZONE, "192.0.99.99", "x@mx16.example", ("pass", "mx:mx.example/16 matches 192.0.99.99"));
    // Without MX the domain's own address does not count instead (RFC 7208 §5.4).
    check(ZONE, "192.0.2.10", "x@nomx.example", ("fail", "-all matches 192.0.2.10"));
    check(ZONE, "192.0.2.10", "x@nullmx.example", ("fail", "-all matches 192.0.2.10"));
    check(ZONE, "192.0.2.10", "x@slowmx.example", ("temperror", "slow.example A could not be looked up: timeout"));
    // Terms after the match are not looked up.
    check(ZONE, "192.0.2.10", "x@slowa.example", ("pass", "ip4:192.0.2.10 matches 192.0.2.10"));
    check(ZONE, "192.0.2.9", "x@slowa.example", ("temperror", "slow.example A could not be looked up: timeout"));
}

/// In the order of their preference, up to the one that matches.
#[test]
fn the_order_of_mail_hosts() {
    let zone = "
        a.example TXT v=spf1 mx -all
        a.example MX 30 slow.example
        a.example MX 20 b.example
        a.example MX 10 c.example
        a.example MX 20 a.example
        a.example A 192.0.2.1
        b.example A 192.0.2.2
        c.example A 192.0.2.3
        slow.example TIMEOUT
    ";
    let evaluation = evaluate(zone, "192.0.2.2", "x@a.example");
    assert_eq!(evaluation.result, SpfResult::Pass);
    let hosts: Vec<_> = evaluation.lookups().skip(2).map(|lookup| lookup.name.as_str()).collect();
    assert_eq!(hosts, ["c.example", "a.example", "b.example"]);
}

#[test]
fn exists() {
    check(ZONE, "203.0.113.9", "x@exists.example", ("pass", "exists:a.example matches 203.0.113.9"));
    // An IPv4 address, for clients of both families.
    check(ZONE, "2001:db8::99", "x@exists.example", ("pass", "exists:a.example matches 2001:db8::99"));
    check(ZONE, "2001:db8::10", "x@exists6.example", ("fail", "-all matches 2001:db8::10"));
    let slow = "slow.example A could not be looked up: timeout";
    check(ZONE, "192.0.2.10", "x@slowexists.example", ("temperror", slow));
}

#[test]
fn names_of_the_client() {
    let zone = "
        contoso.example TXT v=spf1 ptr -all
        other.example TXT v=spf1 ptr:contoso.example -all
        10.2.0.192.in-addr.arpa PTR absent.contoso.example
        10.2.0.192.in-addr.arpa PTR .
        10.2.0.192.in-addr.arpa PTR slow.contoso.example
        10.2.0.192.in-addr.arpa PTR Mail.Contoso.example
        slow.contoso.example TIMEOUT
        mail.contoso.example A 192.0.2.9
        mail.contoso.example A 192.0.2.10
        mail.contoso.example AAAA 2001:db8::10
        11.2.0.192.in-addr.arpa PTR mail.contoso.example
        12.2.0.192.in-addr.arpa PTR notcontoso.example
        notcontoso.example A 192.0.2.12
        13.2.0.192.in-addr.arpa TIMEOUT
        14.2.0.192.in-addr.arpa PTR contoso.example
        contoso.example A 192.0.2.14
        0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR mail.contoso.example
    ";
    check(zone, "192.0.2.10", "x@contoso.example", ("pass", "ptr matches 192.0.2.10"));
    check(zone, "192.0.2.10", "x@other.example", ("pass", "ptr:contoso.example matches 192.0.2.10"));
    check(zone, "2001:db8::10", "x@contoso.example", ("pass", "ptr matches 2001:db8::10"));
    check(zone, "192.0.2.14", "x@contoso.example", ("pass", "ptr matches 192.0.2.14"));
    // The name does not lead back to the address, is not part of the domain, or cannot be looked up.
    for ip in ["192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.99"] {
        check(zone, ip, "x@contoso.example", ("fail", &format!("-all matches {ip}")));
    }
}
