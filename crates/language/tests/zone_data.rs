//! Mistakes in the data of records, each at the line and column of the value, before any world is built. One table of
//! fields in `mxlab-dns` says what each type holds; here every kind of field has a wrong value.

mod common;

use common::{BEHAVIOURS, DELIVERED, ONE_MESSAGE, worlds};
use mxlab_language::read;

/// The first mistake of a file whose zone text is `records`: the text at its place, and the message.
fn mistake(records: &str) -> Option<(String, String)> {
    let text = format!(
        "title = \"A record\"\nworld = \"outbound\"\n[zone.\"fabrikam.example\"]\nrecords = '''\n{records}\n'''\n{ONE_MESSAGE}{DELIVERED}"
    );
    let mistakes = read("example.toml", &text, &worlds(), BEHAVIOURS).err()?;
    let first = mistakes.items().first()?;
    let place = mistakes.sources().position(first.primary.span);
    assert_eq!(place.line, 5, "{records}: {mistakes}");
    assert_eq!(first.code, "zone-syntax", "{mistakes}");
    Some((mistakes.sources().slice(first.primary.span).to_owned(), first.message.clone()))
}

#[test]
fn wrong_values_are_found_at_their_place() {
    let check = |records: &str, place: &str, message: &str| {
        let found = mistake(records);
        let found = found.as_ref().map(|(place, message)| (place.as_str(), message.as_str()));
        assert_eq!(found, Some((place, message)), "{records}");
    };
    check("_25._tcp.mx1 TLSA 3 1 1 abc", "abc", "`abc` is not hexadecimal digits in pairs");
    check("_25._tcp.mx1 TLSA 3 1 1 ab c", "ab c", "`abc` is not hexadecimal digits in pairs");
    check("_25._tcp.mx1 TLSA +3 1 1 ab", "+3", "`+3` is not a certificate usage from 0 to 255");
    check("_25._tcp.mx1 TLSA 3 1 1", "1", "hexadecimal digits in pairs is missing");
    check("_25._tcp.mx1 TLSA 3 1 1 {mx1}", "{mx1}", "`{mx1}` is not hexadecimal digits in pairs");
    check("_25._tcp.mx1 TLSA 3 1 {mx1} ab", "{mx1}", "`{mx1}` is not a matching type from 0 to 255");
    check("x DNSKEY 257 3 13 ===", "===", "`===` is not Base64");
    check("x DNSKEY 257 3 13", "13", "Base64 is missing");
    check("x DNSKEY 257 3 +13 AAAA", "+13", "`+13` is not an algorithm number");
    check("x DS 1 13 2 0g", "0g", "`0g` is not hexadecimal digits in pairs");
    check(
        "x DS {ds:fabrikam.example} 1",
        "{ds:fabrikam.example}",
        "`{ds:fabrikam.example}` is not a key tag from 0 to 65535",
    );
    check("x MX +10 mx1", "+10", "`+10` is not a preference from 0 to 65535");
    check("x MX 10 \"mx1\"", "\"mx1\"", "`mx1` is not the name of a mail host");
    check("x MX 10 mx\\999", "mx\\999", "`mx\\999` is not a name");
    check("x MX 10 {dkim:k}", "{dkim:k}", "`{dkim:k}` is not the name of a mail host");
    check("x\\25 A 192.0.2.1", "x\\25", "`x\\25` is not a name");
    check("x TXT \"\\999\"", "\"\\999\"", "`\\999` is not an escape like \\\" or \\200");
    check("x TXT \"{dkim:k}\"", "\"{dkim:k}\"", "`\"{dkim:k}\"` is a whole record, quotes and all");
    check("x A {name:mx1}", "{name:mx1}", "`{name:mx1}` is not an IPv4 address or {host}");
    check("x AAAA", "AAAA", "an IPv6 address or {host} is missing");
    check("x CNAME {mx1}", "{mx1}", "`{mx1}` is an address");
    check("x SRV 0 0 65536 mx1", "65536", "`65536` is not a port from 0 to 65535");
    check("x CAA 0 is-sue \"ca.example\"", "is-sue", "`is-sue` is not a property tag of letters and digits");
    check("x CAA 0 issue \"\\9\"", "\"\\9\"", "`\\9` is not an escape like \\\" or \\200");
    check("x TYPE65280 \\# 2 01", "2", "`2` is not 1, the number of octets that follow");
    check("x TYPE65280 01", "01", "`01` is not \\# and the data in hexadecimal: TYPE65280 has no text form here");
    check("x TYPE255 \\# 0", "TYPE255", "`TYPE255` is not a type that zones hold");
    check("x TYPE6 \\# 0", "TYPE6", "the world generates the SOA and NS records of a zone");
    let long = "a".repeat(256);
    let strings = "strings of at most 255 octets each: \"…\" \"…\"";
    let message = format!("a string of 256 octets is too long; expected {strings}");
    check(&format!("x TXT \"{long}\""), &format!("\"{long}\""), &message);
    // A name that is too long only within its zone.
    let label = "a".repeat(60);
    let name = [label.as_str(); 4].join(".");
    // A long word is shown in part.
    let message = format!("`{}…` is not a name", &name[..57]);
    check(&format!("{name} A 192.0.2.1"), &name, &message);
    check(&format!("x CNAME {name}"), &name, &message);
}

#[test]
fn right_values_are_read() {
    for records in [
        "_25._tcp.mx1 TLSA 3 1 1 {spki-sha256:mx1}",
        "_25._tcp.mx1 TLSA 3 1 1 ( ab\n cd )",
        "_25._tcp.mx1 TYPE52 \\# 4 03010100",
        "_25._tcp.mx1 TYPE52 3 1 1 00",
        "x DS {ds:fabrikam.example}",
        "x DNSKEY 257 3 13 ( AA\n == )",
        "x MX 10 {mx1}",
        "x MX 10 {name:mx1}",
        "x TXT \"say \\\"hi\\\" \\255\" ip4:{mx1} exists:%{i}",
        "x CAA 0 issue \"ca.example; x\"",
        "x TYPE65280 \\# 0",
    ] {
        assert_eq!(mistake(records), None, "{records}");
    }
}
