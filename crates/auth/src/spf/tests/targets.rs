//! What terms ask DNS for: macros in use, odd names, internationalized senders.

use super::{check, client, evaluate};
use crate::dns::{Data, DnsError, RecordKind};
use crate::spf::{SpfResult, check_host};
use crate::testing::{Zone, now};

#[test]
fn macros_in_use() {
    let zone = "
        contoso.example TXT v=spf1 exists:%{ir}.%{v}.%{l1r-}.%{h}.%{d2} include:i.%{d} -all
        10.2.0.192.in-addr.ann.host.helo.example.contoso.example A 127.0.0.2
        i.contoso.example TXT v=spf1 exists:%{l}.%{o}.%{d} -all
        bo.contoso.example.i.contoso.example A 127.0.0.2
    ";
    let ann = "exists:%{ir}.%{v}.%{l1r-}.%{h}.%{d2} matches 192.0.2.10";
    check(zone, "192.0.2.10", "ann-x@contoso.example", ("pass", ann));
    // An include has its own domain, but the same sender.
    check(zone, "192.0.2.11", "bo@contoso.example", ("pass", "include:i.%{d} matches 192.0.2.11"));
    check(zone, "192.0.2.11", "cy@contoso.example", ("fail", "-all matches 192.0.2.11"));
}

#[test]
fn the_validated_name() {
    let zone = "
        contoso.example TXT v=spf1 exists:%{p}.ok.example -all
        5.2.0.192.in-addr.arpa PTR a.example
        5.2.0.192.in-addr.arpa PTR mail.contoso.example
        5.2.0.192.in-addr.arpa PTR Contoso.example
        6.2.0.192.in-addr.arpa PTR a.example
        6.2.0.192.in-addr.arpa PTR mail.contoso.example
        7.2.0.192.in-addr.arpa PTR b.example
        7.2.0.192.in-addr.arpa PTR a.example
        8.2.0.192.in-addr.arpa TIMEOUT
        9.2.0.192.in-addr.arpa PTR odd\\.name.example
        odd\\.name.example A 192.0.2.9
        a.example A 192.0.2.5
        a.example A 192.0.2.6
        a.example A 192.0.2.7
        mail.contoso.example A 192.0.2.5
        mail.contoso.example A 192.0.2.6
        contoso.example A 192.0.2.5
    ";
    for (ip, name) in [
        ("192.0.2.5", "Contoso.example"),
        ("192.0.2.6", "mail.contoso.example"),
        ("192.0.2.7", "a.example"),
        ("192.0.2.8", "unknown"),
        ("192.0.2.9", "unknown"),
        ("192.0.2.99", "unknown"),
    ] {
        let steps = evaluate(zone, ip, "x@contoso.example").steps;
        let target = steps.get(1).and_then(|step| step.target.clone());
        assert_eq!(target, Some(format!("{name}.ok.example")), "{ip}");
    }
}

#[test]
fn names_that_dns_cannot_hold() {
    let long = "a".repeat(64);
    let zone = format!(
        "a.example TXT v=spf1 a:{long}.example mx:x..example exists:.example ptr:{long}.example -all
         i.example TXT v=spf1 include:{long}.example +all
         r.example TXT v=spf1 redirect=x..example
         h.example TXT v=spf1 include:%{{h}} +all
         s.example TXT v=spf1 redirect=%{{l}}
         localhost TXT v=spf1 +all"
    );
    check(&zone, "192.0.2.10", "x@a.example", ("fail", "-all matches 192.0.2.10"));
    let evaluation = evaluate(&zone, "192.0.2.10", "x@a.example");
    // Nothing was asked, and nothing counts as void.
    assert_eq!(evaluation.lookups().count(), 1);
    assert_eq!(evaluation.steps.last().map(|step| (step.terms, step.void_terms)), Some((4, 0)));
    assert_eq!(evaluation.trace()[2], "mx:x..example: no match, the target is not a name of DNS");
    let include = format!("the target of include:{long}.example is not a name of DNS");
    check(&zone, "192.0.2.10", "x@i.example", ("permerror", &include));
    let redirect = "the target of redirect=x..example is not a name of DNS";
    check(&zone, "192.0.2.10", "x@r.example", ("permerror", redirect));
    // A name of one label has no record (RFC 7208 §4.3).
    check(&zone, "192.0.2.10", "localhost@s.example", ("permerror", "redirect=%{l} leads to no SPF record"));
}

#[test]
fn odd_octets_are_asked_for() {
    let zone = Zone::new(
        "a.example TXT v=spf1 exists:%{l}%_%%%-.test -all
         contoso.example TXT v=spf1 a:foo:bar/baz\"(;).test -all",
    );
    let zone = zone
        .with("\"a\\\\b c\" %%20.test", Data::A([127, 0, 0, 2].into()))
        .with("foo:bar/baz\"(;).test", Data::A([192, 0, 2, 10].into()));
    let result = |from: &str| now(check_host(&zone, &client("192.0.2.10", from))).result;
    assert_eq!(result("\"a\\b c\"@a.example"), SpfResult::Pass);
    assert_eq!(result("\"ab c\"@a.example"), SpfResult::Fail);
    assert_eq!(result("x@contoso.example"), SpfResult::Pass);
}

/// A backslash in the sender stands for itself in the question of every kind of term.
#[test]
fn backslashes_are_escaped_in_questions() {
    let zone = Zone::new("a.example TXT v=spf1 a:%{l}.test mx:%{l}.test include:%{l}.test -all exp=%{l}.why.test")
        .with("b\\\\c.test", Data::A([192, 0, 2, 1].into()))
        .with("b\\\\c.test", Data::Mx { preference: 1, exchange: "b\\\\c.test".to_owned() })
        .with("b\\\\c.test", Data::Txt(b"v=spf1 redirect=%{l}.other.test".to_vec()))
        .with("b\\\\c.other.test", Data::Txt(b"v=spf1 -all".to_vec()))
        .with("b\\\\c.why.test", Data::Txt(b"because".to_vec()));
    let evaluation = now(check_host(&zone, &client("192.0.2.10", "b\\c@a.example")));
    let asked: Vec<_> = evaluation.lookups().map(|lookup| format!("{} {}", lookup.name, lookup.kind)).collect();
    assert_eq!(
        asked,
        [
            "a.example TXT",
            "b\\\\c.test A",
            "b\\\\c.test MX",
            // A host's name comes from DNS, in the form in which it is asked for.
            "b\\\\c.test A",
            "b\\\\c.test TXT",
            "b\\\\c.other.test TXT",
            "b\\\\c.why.test TXT",
        ]
    );
    assert_eq!(evaluation.explanation.as_deref(), Some("because"));
}

#[test]
fn internationalized_senders() {
    let zone = "
        xn--rdo-gna01bwk.example TXT v=spf1 exists:%{l}.%{d} include:%{s} exists:%{o}.test -all exp=%{l}.why.example
        xn--rdo-gna01bwk.example.test A 127.0.0.2
        r.example TXT v=spf1 redirect=%{l}.example
    ";
    // A domain is looked up as A-labels; a target with a local part beyond ASCII does not match (RFC 8616 §4).
    check(zone, "192.0.2.10", "ü@źródło.example", ("pass", "exists:%{o}.test matches 192.0.2.10"));
    let evaluation = evaluate(zone, "192.0.2.10", "ü@ŹRÓDŁO.example.");
    assert_eq!(
        evaluation.because()[0],
        format!("ŹRÓDŁO.example. publishes \"{}\"", evaluation.record.clone().unwrap())
    );
    assert_eq!(
        evaluation.trace()[1..3],
        [
            "exists:%{l}.%{d} -> ü.xn--rdo-gna01bwk.example: no match, the target has characters beyond ASCII",
            "include:%{s} -> ü@xn--rdo-gna01bwk.example: no match, the target has characters beyond ASCII",
        ]
    );
    let beyond = "the target of redirect=%{l}.example has characters beyond ASCII";
    check(zone, "192.0.2.10", "ü@r.example", ("permerror", beyond));
    check(
        zone,
        "192.0.2.10",
        "x@źródło..example",
        ("none", "źródło..example is not a domain name with several labels"),
    );
    let helo = "xn--tda.example TXT v=spf1 exists:%{h}.test -all\nxn--tda.example.test A 127.0.0.2";
    check(helo, "192.0.2.10", "helo ü.example", ("pass", "exists:%{h}.test matches 192.0.2.10"));
}

#[test]
fn final_dots() {
    let zone = "
        a.example TXT v=spf1 include:b.example. a:%{h} -all
        b.example TXT v=spf1 a:c.example. -all
        c.example A 192.0.2.10
        host.helo.example A 192.0.2.11
    ";
    check(zone, "192.0.2.10", "x@a.example.", ("pass", "include:b.example. matches 192.0.2.10"));
    check(zone, "192.0.2.11", "x@a.example", ("pass", "a:%{h} matches 192.0.2.11"));
}

#[test]
fn strings_of_txt_records() {
    let zone = |texts: &[&[u8]]| {
        texts.iter().fold(Zone::new(""), |zone, text| zone.with("a.example", Data::Txt(text.to_vec())))
    };
    let result = |texts: &[&[u8]]| now(check_host(&zone(texts), &client("192.0.2.10", "x@a.example"))).result;
    assert_eq!(result(&[b""]), SpfResult::None);
    assert_eq!(result(&[b"", b"\x00\xff\xfe", b"v=spf1 +all"]), SpfResult::Pass);
    assert_eq!(result(&[b"v=spf1\x00+all"]), SpfResult::None);
    assert_eq!(result(&[b"v=spf1 +all\xff"]), SpfResult::PermError);
    assert_eq!(result(&[b"v=spf1 +all\r\n"]), SpfResult::PermError);
    assert_eq!(result(&[b"\xef\xbb\xbfv=spf1 +all"]), SpfResult::None);
    assert_eq!(result(&[b"v=spf1"]), SpfResult::Neutral);
}

#[test]
fn a_dns_that_answers_something_else() {
    // Data of another kind than was asked for is not taken for it.
    struct Odd;
    impl crate::Dns for Odd {
        fn lookup<'a>(
            &'a self,
            _: &'a str,
            kind: RecordKind,
        ) -> crate::dns::BoxFuture<'a, Result<Vec<Data>, DnsError>> {
            let txt = Data::Txt(b"v=spf1 a mx ptr -all".to_vec());
            Box::pin(
                async move { Ok(if kind == RecordKind::Txt { vec![Data::Ptr("x".into()), txt] } else { vec![txt] }) },
            )
        }
    }
    assert_eq!(now(check_host(&Odd, &client("192.0.2.10", "x@a.example"))).result, SpfResult::Fail);
}
