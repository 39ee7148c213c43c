//! The messages for mistakes in zones, as they are shown: zone text, records that do not go together, faults that a zone cannot
//! have, key changes.

#[macro_use]
mod common;

use common::{DELIVERED, ONE_MESSAGE, edited, rendered, worlds};

#[test]
fn zone_text() {
    check!("zone-syntax", "06", "mta-sts   A    {policy}\n" => "@         MX   mx1\nmta-sts   A    192.0.2.300\n", "_mta-sts  TXT  \"v" => "_mta-sts  TXX  \"v");
    check!("zone-syntax-in-axis", "11", "'_dmarc TXT \"v=DMARC1; p=none\"'" => "'_dmarc TXY \"v=DMARC1; p=none\"'");
}

#[test]
fn more_about_zone_text() {
    let text = |records: &str| edited("06", &[("mta-sts   A    {policy}\n", records)]);
    let shown = |records: &str| rendered(&text(records), &worlds());
    insta::assert_snapshot!(
        "zone-syntax-of-data",
        shown(
            "mta-sts A {policy}\na A\nb MX 10\nc MX 10 d e\nd TLSA 300 1 1 00\ne TLSA 3 1 1 xyz\nf AAAA 192.0.2.1\ng TXT\n\
             h SRV 1 2 3\ni CAA 0 issue\nj TYPE65280 \\# 3 0102\nk SPF \"v\"\nl..m A {policy}\nn CNAME {policy}\n"
        )
    );
    insta::assert_snapshot!(
        "zone-syntax-of-lines",
        shown("mta-sts A {policy}\n@ SOA a b 1 2 3 4 5\n@ NS mx1\n$ORIGIN x.\nowner\n")
    );
    insta::assert_snapshot!("zone-syntax-indented", shown("  mta-sts A {policy}\n"));
    insta::assert_snapshot!("zone-syntax-open", shown("mta-sts A {policy}\nb TXT ( \"a\"\n\"c\n"));
    insta::assert_snapshot!(
        "zone-syntax-of-the-reader",
        shown(
            "mta-sts A {policy}\na 5min A {policy}\nb TXT ( \"a\" ( \"b\" )\nc TXT \"c\" )\n$TTL 5m\nd A {no such}\n"
        )
    );
    let crlf = text("mta-sts A {policy}\n@ MX mx1\n").replace('\n', "\r\n");
    insta::assert_snapshot!("zone-syntax-crlf", rendered(&crlf, &worlds()));
    insta::assert_snapshot!(
        "zone-syntax-not-ascii",
        shown("mta-sts A {policy}\na TXT \"größe\" ; ü\nbüro A {policy}\n")
    );
    check!("zone-syntax-behind-umlauts", "06", "replace = '_mta-sts TXT \"v=STSv1; id=2;\"'" => "replace = 'x TXT \"größe\" TXX {größe}'");
    check!("zone-syntax-with-escapes", "06", "replace = '_mta-sts TXT \"v=STSv1; id=2;\"'" => "replace = \"_mta-sts TXX \\\"v=STSv1; id=2;\\\"\"");
}

#[test]
fn records_that_do_not_go_together() {
    check_text!(
        "zone-content",
        format!(
            "[zone.\"fabrikam.example\"]\nrecords = '''\nmx1 CNAME mail\nmail A {{mx1}}\n     CNAME mx2\nwww CNAME mail\nwww CNAME mx2\n\
             mx3.adatum.example. A 192.0.2.77\nold DNAME @\na.old A 192.0.2.77\nnew.sub A 192.0.2.77\nsub DNAME @\n* DNAME @\n*.x NS mail\n\
             cut NS mail\ncut DNAME @\n*.w MX 10 mail\n'''\n{ONE_MESSAGE}{DELIVERED}"
        )
    );
    check_text!(
        "zone-content-below-a-cut",
        format!(
            "[zone.example]\nrecords = '''\nfabrikam DS 1 13 2 00\nmx9.fabrikam A 192.0.2.77\nadatum NS ns.adatum\n'''\n{ONE_MESSAGE}\
             [[at]]\npublish = {{ zone = \"example\", replace = 'fabrikam DS {{ds:fabrikam.example}}' }}\n{DELIVERED}"
        )
    );
    check_text!(
        "zone-content-published",
        format!(
            "{ONE_MESSAGE}[[at]]\ntime = \"+1h\"\npublish = {{ zone = \"fabrikam.example\", add = '''old DNAME @''' }}\n\
             [[at]]\ntime = \"+2h\"\npublish = {{ zone = \"fabrikam.example\", replace = 'mx1 CNAME mail', add = 'x.old TXT \"x\"' }}\n\
             [[at]]\ntime = \"+3h\"\npublish = {{ zone = \"fabrikam.example\", remove = [\"mx1 A\"] }}\n\
             [[at]]\ntime = \"+4h\"\npublish = {{ zone = \"fabrikam.example\", add = 'mx1 CNAME mail' }}\n{DELIVERED}"
        )
    );
}

#[test]
fn faults_without_effect() {
    let at = |zone: &str, faults: &[&str]| {
        let entries: String = faults.iter().map(|fault| format!("[[at]]\nfault = {{ {fault} }}\n")).collect();
        format!("[zone.\"fabrikam.example\"]\n{zone}\n{entries}{ONE_MESSAGE}{DELIVERED}")
    };
    check_text!(
        "no-effect-unsigned",
        at(
            "signed = false",
            &[
                "kind = \"rrsig-bad\", zone = \"fabrikam.example\"",
                "kind = \"ds-mismatch\", zone = \"Fabrikam.example\"",
                "kind = \"ds-without-key\", zone = \"fabrikam.example\"",
                "kind = \"servfail\", zone = \"fabrikam.example\"",
            ]
        )
    );
    check_text!(
        "no-effect-signed",
        at(
            "delegated = false",
            &[
                "kind = \"ds-without-key\", zone = \"fabrikam.example\"",
                "kind = \"ds-unsupported\", zone = \"fabrikam.example\"",
                "kind = \"ds-mismatch\", zone = \".\"",
                "kind = \"nsec3-iterations\", zone = \"fabrikam.example\", count = 150",
                "kind = \"rrsig-wrong-key\", zone = \"fabrikam.example\"",
                "kind = \"key-missing\", zone = \"example\"",
            ]
        )
    );
    check_text!(
        "bad-fault-counts",
        at(
            "denial = \"nsec3\"",
            &[
                "kind = \"nsec3-iterations\", zone = \"fabrikam.example\", count = 65536",
                "kind = \"many-keys\", zone = \"fabrikam.example\", count = 0",
                "kind = \"many-keys\", zone = \"fabrikam.example\", count = 200",
            ]
        )
    );
    check_text!(
        "dns-slow-needs-delay",
        at(
            "",
            &[
                "kind = \"dns-slow\", zone = \"fabrikam.example\"",
                "kind = \"servfail\", zone = \"example\", delay = \"1s\""
            ]
        )
    );
    check_text!(
        "no-name-server-of-the-zone",
        format!(
            "[zone.example]\nservers = [\"tld\"]\n[zone.\"fabrikam.example\"]\nservers = [\"ns\"]\n[host]\ntld.dns = {{}}\nns.dns = {{}}\n\
             [[at]]\nfault = {{ kind = \"ds-mismatch\", zone = \"fabrikam.example\", server = \"ns\" }}\n\
             [[at]]\nfault = {{ kind = \"ds-mismatch\", zone = \"fabrikam.example\", server = \"tld\" }}\n\
             [[at]]\nfault = {{ kind = \"rrsig-bad\", zone = \"fabrikam.example\", server = \"tld\" }}\n\
             [[at]]\nfault = {{ kind = \"servfail\", zone = \"contoso.example\", server = \"ns\" }}\n\
             [[at]]\npublish = {{ zone = \"fabrikam.example\", signed = false, server = \"tld\" }}\n{ONE_MESSAGE}{DELIVERED}"
        )
    );
    check_text!(
        "unsigned-zone-with-keys",
        at("signed = false\nalgorithm = \"ed25519\"\nkeys = \"split\"\ndenial = \"nsec3\"\ndelegated = false", &[])
    );
}

#[test]
fn key_changes() {
    let rolls = |zone: &str, steps: &[&str]| {
        let step = |(hour, step): (usize, &&str)| {
            format!("[[at]]\ntime = \"+{hour}h\"\npublish = {{ zone = \"fabrikam.example\", {step} }}\n")
        };
        let steps: String = steps.iter().enumerate().map(step).collect();
        format!("[zone.\"fabrikam.example\"]\n{zone}\n{ONE_MESSAGE}{steps}{DELIVERED}")
    };
    check_text!(
        "roll-out-of-order",
        rolls(
            "",
            &[
                "roll = \"switch-signing\"",
                "roll = \"add-key\"",
                "roll = \"add-key\"",
                "roll = \"add-ds\"",
                "roll = \"switch-signing\"",
                "roll = \"switch-signing\"",
                "roll = \"drop-old\"",
                "roll = \"drop-old\"",
            ]
        )
    );
    check_text!(
        "roll-fields",
        rolls(
            "",
            &[
                "algorithm = \"ed25519\", signed = true",
                "role = \"zsk\", signed = true",
                "roll = \"add-key\", role = \"ksk\"",
                "roll = \"add-ds\", algorithm = \"ed25519\"",
            ]
        )
    );
    check_text!(
        "roll-split-keys",
        rolls(
            "keys = \"split\"",
            &[
                "roll = \"add-ds\"",
                "roll = \"add-key\"",
                "roll = \"switch-signing\", role = \"ksk\"",
                "roll = \"drop-old\"",
                "roll = \"add-ds\", role = \"ksk\"",
                "roll = \"drop-old\"",
                "roll = \"add-key\"",
                "roll = \"switch-signing\"",
                "roll = \"drop-old\"",
                "roll = \"add-key\", algorithm = \"ed25519\", role = \"ksk\"",
            ]
        )
    );
    check_text!("roll-unsigned", rolls("signed = false", &["roll = \"add-key\""]));
    check_text!(
        "roll-at-one-server",
        format!("[host.ns.dns]\n{}", rolls("servers = [\"ns\"]", &["roll = \"add-key\", server = \"ns\""]))
    );
}
