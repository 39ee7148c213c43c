//! The fifteen files of the reference are read without mistakes, and mean what the reference says.

mod common;

use common::{BEHAVIOURS, edited, files, worlds};
use mxlab_language::references::Reference;
use mxlab_language::scenario::DEFAULT_EPOCH;
use mxlab_language::script::Action;
use mxlab_language::zone_text::{self, Resolve};
use mxlab_language::{Scenario, WorldSource, read};

#[test]
fn files_of_the_reference_are_read() {
    let mut cells = Vec::new();
    for (name, text) in files() {
        match read(&format!("{name}.toml"), &text, &worlds(), BEHAVIOURS) {
            Ok(loaded) => {
                assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
                cells.push(loaded.cells.len());
            }
            Err(mistakes) => panic!("{mistakes}"),
        }
    }
    assert_eq!(cells, [1, 1, 2, 2, 1, 1, 1, 1, 1, 2, 16, 1, 2, 3, 8]);
}

/// The only cell of a file, or the one with this suffix.
fn cell(number: &str, suffix: &str) -> Scenario {
    let loaded = read("example.toml", &edited(number, &[]), &worlds(), BEHAVIOURS).expect("it is right");
    loaded.cells.into_iter().find(|cell| cell.suffix == suffix).expect("there is such a cell").scenario
}

#[test]
fn axes_put_values_in_place() {
    let cells = read("example.toml", &edited("11", &[]), &worlds(), BEHAVIOURS).expect("it is right").cells;
    assert_eq!(cells[0].suffix, "[spoof=on,honor=on,dmarc=implicit]");
    assert_eq!(cells[1].suffix, "[spoof=on,honor=on,dmarc=none]");
    assert_eq!(cells[15].suffix, "[spoof=off,honor=off,dmarc=reject]");
    let tenant = &cells[15].scenario.tenants["fabrikam"];
    assert!(!tenant.spoof_intelligence() && !tenant.honor_dmarc());
    assert!(tenant.dkim_fallback(), "the default holds");
    let counts: Vec<usize> = cells.iter().map(|cell| cell.scenario.expects.len()).collect();
    assert_eq!(counts, [1; 16], "each cell has its expectation");
    assert!(
        cells[15]
            .scenario
            .zone_text("contoso.example")
            .ends_with("_dmarc.contoso.example. TXT \"v=DMARC1; p=reject\"\n")
    );
    let attack = cell("15", "[attack=downgraded]");
    let Action::Fault(fault) = &attack.at[0].action else { panic!("it is a fault") };
    assert_eq!(fault.version.as_ref().map(|version| version.word()), Some("1.0"));
}

#[test]
fn zones_of_world_and_file_are_merged_by_rrset() {
    let text = cell("01", "").zone_text("fabrikam.example");
    let expected = "fabrikam.example. MX 10 mx1\nmx1.fabrikam.example. A {mx1}\n\
                    _25._tcp.mx1.fabrikam.example. TLSA 3 1 1 {spki-sha256:mx1-2025}\n";
    assert_eq!(text, expected);
    let text = cell("09", "").zone_text("contoso.example");
    assert_eq!(text, "contoso.example. MX 10 mail\nmail.contoso.example. A {mail}\n");
    struct Numbered;
    impl Resolve for Numbered {
        fn resolve(&self, reference: Reference<'_>, ipv6: bool) -> Option<String> {
            Some(match reference {
                Reference::Address(_) if ipv6 => "2001:db8::1".into(),
                Reference::Address(_) => "192.0.2.1".into(),
                Reference::Name(host) => format!("{host}.example"),
                _ => "00".into(),
            })
        }
    }
    let check = |text: &str, expected: &str| assert_eq!(zone_text::substitute(text, &Numbered), expected);
    check("a A {h}\na 5m AAAA {h} ; {h}\n", "a A 192.0.2.1\na 5m AAAA 2001:db8::1 ; {h}\n");
    check(
        "@ MX 10 {h}\n@ MX 10 {name:h}\n@ TXT \"a:{name:h} ip4:{h}\"",
        "@ MX 10 h.example.\n@ MX 10 h.example.\n@ TXT \"a:h.example ip4:192.0.2.1\"",
    );
    check("x TLSA 3 1 1 ( {spki-sha256:c} )", "x TLSA 3 1 1 ( 00 )");
    // An owner that is called like a type.
    check("mx A {h}\naaaa 5m A {h}\n", "mx A 192.0.2.1\naaaa 5m A 192.0.2.1\n");
}

#[test]
fn hosts_have_names_and_addresses() {
    let scenario = cell("12", "");
    let shown: Vec<String> = scenario
        .addressed
        .iter()
        .map(|(short, host)| format!("{short} {} {} {}", host.full_name, host.ipv4, host.ptr.as_deref().unwrap_or("-")))
        .collect();
    let expected = [
        "receiver mx.fabrikam.example 192.0.2.10 mx.fabrikam.example",
        "mail mail.contoso.example 192.0.2.11 mail.contoso.example",
        "bulk smtp.inbound.mailer.example 203.0.113.7 smtp.inbound.mailer.example",
        "no-ptr no-ptr.example 198.51.100.77 -",
        "next-24 next-24.example 198.51.101.77 -",
    ];
    assert_eq!(shown, expected);
    assert_eq!(scenario.host_called("SMTP.inbound.mailer.example"), Some("bulk"));
    let scenario = cell("14", "[trusted=liar]");
    assert_eq!(scenario.addressed["hop3"].full_name, "hop3.example");
    assert_eq!(scenario.addressed["hop3"].ipv4.to_string(), "203.0.113.12");
    assert_eq!(scenario.addressed["hop3"].ipv6.to_string(), "2001:db8::cb00:710c");
    assert!(!scenario.addressed["hop3"].in_zone_text && scenario.addressed["receiver"].in_zone_text);
}

#[test]
fn entries_are_in_order_of_time() {
    let late = edited("08", &[("[[at]]\ntime = \"+10m\"", "[[at]]\ntime = \"+6d\"")]);
    let loaded = read("example.toml", &late, &worlds(), BEHAVIOURS).expect("it is right");
    let times: Vec<_> = loaded.cells[0].scenario.at.iter().map(|entry| entry.time.at(DEFAULT_EPOCH)).collect();
    assert!(times.is_sorted());
    assert_eq!(loaded.warnings.items().len(), 1, "and the reader is told");
    assert_eq!(DEFAULT_EPOCH.to_string(), "2026-03-02T08:00:00Z");
}

#[test]
fn every_world_is_right() {
    for world in worlds().names() {
        let text = format!("title = \"x\"\nworld = \"{world}\"\n[[never]]\nresolved = {{ status = \"bogus\" }}\n");
        if let Err(mistakes) = read("example.toml", &text, &worlds(), BEHAVIOURS) {
            panic!("{world}: {mistakes}");
        }
    }
}
