//! Names, types and master-file text.

use mxlab_dns::*;

use crate::net::{name, rtype};

#[test]
fn names_from_text() {
    let long = "a".repeat(64);
    let longest = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".");
    let too_long = format!("{longest}d");
    for (text, expected) in [
        ("contoso.example", Ok("contoso.example")),
        ("Contoso.EXAMPLE.", Ok("Contoso.EXAMPLE")),
        (".", Ok(".")),
        ("_25._tcp.mx1", Ok("_25._tcp.mx1")),
        ("a\\.b.c", Ok("a\\.b.c")),
        ("a\\032b", Ok("a\\032b")),
        ("\\065bc", Ok("Abc")),
        ("\\255", Ok("\\255")),
        (&longest, Ok(longest.as_str())),
        ("", Err(NameError::EmptyLabel)),
        ("..", Err(NameError::EmptyLabel)),
        (".a", Err(NameError::EmptyLabel)),
        ("a..b", Err(NameError::EmptyLabel)),
        (&long, Err(NameError::LabelTooLong)),
        (&too_long, Err(NameError::NameTooLong)),
        ("a\\", Err(NameError::BadEscape)),
        ("a\\25", Err(NameError::BadEscape)),
        ("a\\256", Err(NameError::BadEscape)),
        ("münchen.example", Err(NameError::NotAscii)),
    ] {
        let parsed = text.parse::<Name>().map(|name| name.to_string());
        assert_eq!(parsed.as_deref(), expected.as_ref().map(|text| *text), "{text}");
    }
}

#[test]
fn names_and_their_relations() {
    let mx = name("mx1.Contoso.example");
    assert_eq!(mx.parent().unwrap().to_string(), "Contoso.example");
    assert_eq!(Name::root().parent(), None);
    assert_eq!(
        mx.ancestors().map(|name| name.to_string()).collect::<Vec<_>>(),
        ["mx1.Contoso.example", "Contoso.example", "example", "."]
    );
    assert_eq!(mx.prepend_label("_tcp").unwrap().prepend_label("_25").unwrap(), name("_25._tcp.mx1.contoso.example"));
    assert_eq!(mx.suffix(1), name("example"));
    assert_eq!(mx.suffix(9), mx);
    for (below, above, expected) in [
        ("mx1.contoso.example", "CONTOSO.example", true),
        ("contoso.example", "contoso.example", true),
        ("contoso.example", ".", true),
        ("notcontoso.example", "contoso.example", false),
        ("example", "contoso.example", false),
        // The octets end alike, but not at a label.
        ("\\007contoso.example", "contoso.example", false),
    ] {
        assert_eq!(name(below).is_subdomain_of(&name(above)), expected, "{below} under {above}");
        assert_eq!(name(below).is_strictly_below(&name(above)), expected && below != above);
    }
    assert_eq!(name("a.b.c").common_ancestor(&name("x.B.c")), name("b.c"));
    assert_eq!(mx.to_lowercase().to_string(), "mx1.contoso.example");
}

#[test]
fn record_types() {
    for (text, number) in [("MX", 15), ("tlsa", 52), ("TYPE15", 15), ("type65280", 65_280), ("CAA", 257)] {
        assert_eq!(rtype(text), RecordType(number));
    }
    for text in ["", "MXX", "TYPE", "TYPE65536", "TYPE+1", "TYPE-1"] {
        assert!(text.parse::<RecordType>().is_err(), "{text}");
    }
    assert_eq!(RecordType(65_280).to_string(), "TYPE65280");
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let entries = zonefile::parse(text, &name("contoso.example"), 300).unwrap();
    let records: Vec<String> = entries.iter().map(|entry| entry.record.to_string()).collect();
    assert_eq!(records.join("\n"), expected, "{text}");
}

#[test]
fn zone_text() {
    for (text, expected) in [
        ("", ""),
        ("; nothing but a comment", ""),
        ("@ MX 10 mx1", "contoso.example. 300 MX 10 mx1.contoso.example."),
        ("mx1 5m IN A 192.0.2.1 ; a comment", "mx1.contoso.example. 300 A 192.0.2.1"),
        ("mx1 IN 1h30m a 192.0.2.1", "mx1.contoso.example. 5400 A 192.0.2.1"),
        ("www.other.example. 0 AAAA 2001:db8::1", "www.other.example. 0 AAAA 2001:db8::1"),
        ("a A 192.0.2.1\n  A 192.0.2.2\n", "a.contoso.example. 300 A 192.0.2.1\na.contoso.example. 300 A 192.0.2.2"),
        (
            "@ SOA ns hostmaster ( 1 ; serial\n 2\n3 4 5 )\n@ NS ns.example.",
            "contoso.example. 300 SOA ns.contoso.example. hostmaster.contoso.example. 1 2 3 4 5\n\
             contoso.example. 300 NS ns.example.",
        ),
        ("@ TXT \"v=spf1 a; -all\" two", "contoso.example. 300 TXT \"v=spf1 a; -all\" \"two\""),
        ("@ TXT \"say \\\"hi\\\" \\255\"", "contoso.example. 300 TXT \"say \\\"hi\\\" \\255\""),
        ("@ TXT \"\"", "contoso.example. 300 TXT \"\""),
        ("_25._tcp.mx1 TLSA 3 1 1 ( AABB\n ccdd )", "_25._tcp.mx1.contoso.example. 300 TLSA 3 1 1 aabbccdd"),
        ("t TLSA 3 1 1", "t.contoso.example. 300 TLSA 3 1 1 "),
        ("t TYPE52 \\# 2 0301", "t.contoso.example. 300 TLSA \\# 2 0301"),
        ("t TYPE65280 \\# 0", "t.contoso.example. 300 TYPE65280 \\# 0 "),
        ("@ CAA 128 issue \"ca.example; x\"", "contoso.example. 300 CAA 128 issue \"ca.example; x\""),
        ("_s._tcp SRV 1 2 3 .", "_s._tcp.contoso.example. 300 SRV 1 2 3 ."),
        ("4 PTR mx1", "4.contoso.example. 300 PTR mx1.contoso.example."),
        ("a DNAME b\r\n", "a.contoso.example. 300 DNAME b.contoso.example."),
        ("d DS 1 13 2 00ff", "d.contoso.example. 300 DS 1 13 2 00ff"),
        (
            "@ RRSIG MX 13 2 300 20260302080000 1772000000 7 @ AA == ; in parts",
            "contoso.example. 300 RRSIG MX 13 2 300 20260302080000 20260225061320 7 contoso.example. AA==",
        ),
        (
            "@ RRSIG A 8 0 0 21060207062816 0 7 . ",
            "contoso.example. 300 RRSIG A 8 0 0 19700101000000 19700101000000 7 . ",
        ),
        ("@ NSEC a.b TYPE65280 MX A", "contoso.example. 300 NSEC a.b.contoso.example. A MX TYPE65280"),
        ("@ NSEC .", "contoso.example. 300 NSEC ."),
        ("h NSEC3 1 1 10 aBcD 2t7b4g4v A RRSIG", "h.contoso.example. 300 NSEC3 1 1 10 abcd 2T7B4G4V A RRSIG"),
        ("h NSEC3 1 0 0 - 2T7B4G4V", "h.contoso.example. 300 NSEC3 1 0 0 - 2T7B4G4V"),
        ("@ NSEC3PARAM 1 0 10 ab", "contoso.example. 300 NSEC3PARAM 1 0 10 ab"),
        // A type may be an owner.
        ("mx MX 0 .", "mx.contoso.example. 300 MX 0 ."),
    ] {
        check(text, expected);
    }
}

/// Every mistake as `start..end: found … expected …`.
#[track_caller]
fn check_mistakes(text: &str, expected: &[(&str, &str)]) {
    let errors = zonefile::parse(text, &name("contoso.example"), 300).unwrap_err();
    let found: Vec<(&str, String)> =
        errors.iter().map(|error| (&text[error.span.clone()], error.to_string())).collect();
    let found: Vec<(&str, &str)> = found.iter().map(|(span, error)| (*span, error.as_str())).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn mistakes_in_zone_text() {
    for (text, span, expected) in [
        ("mx1 A 192.0.2.300", "192.0.2.300", "found `192.0.2.300`, expected an IPv4 address"),
        ("mx1 A", "", "found end of line, expected an IPv4 address"),
        ("mx1 A 192.0.2.1 192.0.2.2", "192.0.2.2", "found `192.0.2.2`, expected the end of the record"),
        ("mx1", "", "found end of line, expected a record type"),
        ("mx1 AA 192.0.2.1", "AA", "found `AA`, expected a record type, or a TTL before it"),
        ("mx1 300 AA 192.0.2.1", "AA", "found `AA`, expected a record type"),
        ("mx1 5min A 192.0.2.1", "5min", "found `5min`, expected a TTL, such as 300 or 5m"),
        ("mx1 99999999999 A 1.2.3.4", "99999999999", "found `99999999999`, expected a TTL, such as 300 or 5m"),
        ("  A 192.0.2.1", "", "found a record without an owner, expected an owner at the beginning of the line"),
        ("$ORIGIN x.", "$ORIGIN", "found `$ORIGIN`, expected a record; there are no directives here"),
        ("@ MX mx1", "mx1", "found `mx1`, expected a preference from 0 to 65535"),
        ("@ MX +1 mx1", "+1", "found `+1`, expected a preference from 0 to 65535"),
        ("@ MX 10 mx..1", "mx..1", "found `mx..1`, expected a name (empty label)"),
        ("@ TXT \"open", "\"open", "found `\"open`, expected a closing quote on the same line"),
        ("@ TXT \"\\999\"", "\"\\999\"", "found `\\999`, expected an escape like \\\" or \\200"),
        ("@ MX 10 ( mx1", "(", "found `(`, expected a closing parenthesis after it"),
        ("@ MX 10 mx1 )", ")", "found `)`, expected an opening parenthesis before it"),
        ("t TLSA 3 1 1 0g", "0g", "found `0g`, expected hexadecimal digits in pairs"),
        ("t TLSA 3 1 1 ab c", "ab c", "found `abc`, expected hexadecimal digits in pairs"),
        ("t TYPE99 \\# 3 00", "3", "found `3`, expected 1, the number of octets that follow"),
        ("t TYPE99 xyz", "xyz", "found `xyz`, expected \\# and the data in hexadecimal: TYPE99 has no text form here"),
        (
            "@ RRSIG A 8 2 1 20261302000000 0 7 . AA==",
            "20261302000000",
            "found `20261302000000`, expected a time as YYYYMMDDHHmmSS or in seconds since 1970",
        ),
        ("@ NSEC a FOO", "FOO", "found `FOO`, expected a record type"),
        ("@ NSEC3 1 0 0 abc 2T7B4G4V", "abc", "found `abc`, expected a salt in hexadecimal, or -"),
        ("@ NSEC3 1 0 0 - wxyz", "wxyz", "found `wxyz`, expected the next hash in Base32"),
        ("@ ANY x", "ANY", "found `ANY`, expected a type that zones hold"),
    ] {
        let errors = zonefile::parse(text, &name("contoso.example"), 300).unwrap_err();
        let ours = errors.iter().any(|error| error.to_string() == expected && &text[error.span.clone()] == span);
        assert!(ours, "{text}: {errors:?}");
    }
    // All at once, in order; a line after a bad owner does not take a wrong one.
    check_mistakes(
        "a..b A 192.0.2.1\n A 192.0.2.2\nmx1 A x\nok A 192.0.2.3\n@ FOO",
        &[
            ("a..b", "found `a..b`, expected a name (empty label)"),
            ("", "found a record without an owner, expected an owner at the beginning of the line"),
            ("x", "found `x`, expected an IPv4 address"),
            ("FOO", "found `FOO`, expected a record type, or a TTL before it"),
        ],
    );
}

#[test]
fn references_are_put_in_place() {
    let text = "mx1 A {mx1}\nmx1 AAAA {mx1}\n{host} TXT \"ip4:{mx1} exists:%{i} -all\" {dkim:k}\nx A {nobody}";
    let mut asked = Vec::new();
    let parsed = zonefile::parse_with(text, &name("contoso.example"), 300, &mut |reference| {
        asked.push((reference.text.to_owned(), reference.rtype, text[reference.span.clone()].to_owned()));
        match (reference.text, reference.rtype) {
            ("mx1", Some(RecordType::AAAA)) => Ok("2001:db8::1".to_owned()),
            ("mx1", _) => Ok("192.0.2.1".to_owned()),
            ("host", None) => Ok("mail".to_owned()),
            ("dkim:k", _) => Ok("\"v=DKIM1; \" \"p=\"".to_owned()),
            _ => Err("the name of a host".to_owned()),
        }
    });
    let errors = parsed.unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].to_string(), "found `{nobody}`, expected the name of a host");
    assert_eq!(&text[errors[0].span.clone()], "{nobody}");
    assert_eq!(asked[0], ("mx1".to_owned(), Some(RecordType::A), "{mx1}".to_owned()));
    assert_eq!(asked[2], ("host".to_owned(), None, "{host}".to_owned()));
    assert_eq!(asked[3], ("mx1".to_owned(), Some(RecordType::TXT), "{mx1}".to_owned()));

    let text = text.rsplit_once('\n').unwrap().0;
    let entries = zonefile::parse_with(text, &name("contoso.example"), 300, &mut |reference| {
        Ok(match (reference.text, reference.rtype) {
            ("mx1", Some(RecordType::AAAA)) => "2001:db8::1".to_owned(),
            ("mx1", _) => "192.0.2.1".to_owned(),
            ("host", _) => "mail".to_owned(),
            _ => "\"v=DKIM1; \" \"p=\"".to_owned(),
        })
    });
    let entries = entries.unwrap();
    let last = &entries[2].record;
    assert_eq!(
        last.to_string(),
        "mail.contoso.example. 300 TXT \"ip4:192.0.2.1 exists:%{i} -all\" \"v=DKIM1; \" \"p=\""
    );
    assert_eq!(entries[1].record.to_string(), "mx1.contoso.example. 300 AAAA 2001:db8::1");
}

#[test]
fn what_a_zone_cannot_hold() {
    for (text, expected) in [
        ("www CNAME a\nwww A 192.0.2.1", "www.contoso.example has a CNAME record and other data"),
        ("www A 192.0.2.1\nwww CNAME a", "www.contoso.example has a CNAME record and other data"),
        ("www CNAME a\nwww CNAME b", "www.contoso.example has two CNAME records"),
        ("x.example. A 192.0.2.1", "x.example is outside the zone contoso.example"),
        ("a SOA a a 1 2 3 4 5", "a.contoso.example is outside the zone contoso.example"),
        ("a NSEC \\# 1 00", "NSEC records are made when the zone is signed"),
        ("* NS ns", "*.contoso.example is a wildcard and cannot have NS records"),
        ("*.w DNAME e", "*.w.contoso.example is a wildcard and cannot have DNAME records"),
        ("d DNAME e\nx.d A 192.0.2.1", "x.d.contoso.example is below the DNAME record of d.contoso.example"),
        ("x.d A 192.0.2.1\nd DNAME e", "x.d.contoso.example is below the DNAME record of d.contoso.example"),
        ("d DNAME e\nd DNAME f", "d.contoso.example has two DNAME records"),
        ("d DNAME e\nd NS f", "d.contoso.example has both DNAME and NS records"),
    ] {
        let mut zone = Zone::new(name("contoso.example"), &[name("ns.contoso.example")], 300);
        let errors = zone.add_text(text, 300).unwrap_err();
        assert_eq!(errors.len(), 1, "{text}");
        let last_line = text.lines().last().unwrap();
        assert_eq!(&text[errors[0].span.clone()], last_line);
        assert_eq!(errors[0].expected, format!("a record that the zone can hold: {expected}"));
    }
}

#[test]
fn zones_change() {
    let mut zone = Zone::new(name("contoso.example"), &[name("ns.contoso.example")], 300);
    zone.add_text("mx1 600 A 192.0.2.1\nmx1 300 A 192.0.2.2\nmx1 A 192.0.2.1\na.b.c TXT x", 300).unwrap();
    let addresses = zone.rrset(&name("MX1.contoso.example"), RecordType::A).unwrap();
    assert_eq!((addresses.ttl, addresses.rdatas.len()), (300, 2));
    assert_eq!(zone.lookup(&name("b.c.contoso.example"), RecordType::A), zone::Lookup::NoData);
    assert!(zone.remove(&name("a.b.c.contoso.example"), None));
    assert!(!zone.remove(&name("a.b.c.contoso.example"), None));
    assert!(matches!(zone.lookup(&name("b.c.contoso.example"), RecordType::A), zone::Lookup::NxDomain { .. }));
    assert!(zone.remove(&name("contoso.example"), None));
    let left: Vec<_> = zone.rrsets().map(|rrset| rrset.rtype).collect();
    assert_eq!(left, [RecordType::SOA, RecordType::A]);
}
