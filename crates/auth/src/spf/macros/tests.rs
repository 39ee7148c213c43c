use proptest::prelude::*;

use super::*;

fn facts(ip: &str) -> Facts<'static> {
    Facts {
        ip: ip.parse().expect("an address"),
        local_part: "ann.lee-b",
        sender_domain: "mail.contoso.example",
        helo: "host.fabrikam.example",
        receiver: "mx.adatum.example",
        now: "2026-03-02T08:00:00Z".parse().expect("a timestamp"),
        domain: "_spf.contoso.example",
        validated_name: "host.contoso.example",
    }
}

/// The domain that a text expands to for a client with IPv4, or what is wrong with it.
#[track_caller]
fn check(text: &str, expected: Result<&str, MacroError>) {
    let outcome = DomainSpec::parse(text).map(|spec| spec.expand(&facts("192.0.2.10")));
    assert_eq!(outcome, expected.map(str::to_owned), "{text}");
}

/// The same for the text of an explanation.
#[track_caller]
fn explain(text: &str, expected: Result<Option<&str>, MacroError>) {
    let outcome = ExplainString::parse(text.as_bytes()).map(|it| it.expand(&facts("192.0.2.10")));
    assert_eq!(outcome, expected.map(|text| text.map(str::to_owned)), "{text}");
}

#[test]
fn letters() {
    check("%{s}", Ok("ann.lee-b@mail.contoso.example"));
    check("%{l}", Ok("ann.lee-b"));
    check("%{o}", Ok("mail.contoso.example"));
    check("%{d}", Ok("_spf.contoso.example"));
    check("%{i}", Ok("192.0.2.10"));
    check("%{p}", Ok("host.contoso.example"));
    check("%{v}", Ok("in-addr"));
    check("%{h}", Ok("host.fabrikam.example"));
    let ip6 = facts("2001:db8::cb01");
    let expand = |text: &str| DomainSpec::parse(text).expect("a domain").expand(&ip6);
    assert_eq!(expand("%{v}"), "ip6");
    assert_eq!(
        expand("%{ir}.%{v}.%{d2}"),
        "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6.contoso.example"
    );
    explain("%{c} %{r} %{t}", Ok(Some("192.0.2.10 mx.adatum.example 1772438400")));
    let client = ExplainString::parse(b"%{c}").expect("a text").expand(&ip6);
    assert_eq!(client.as_deref(), Some("2001:db8::cb01"));
}

#[test]
fn transformers() {
    check("%{d1}", Ok("example"));
    check("%{d2}", Ok("contoso.example"));
    check("%{d3}", Ok("_spf.contoso.example"));
    check("%{d127}", Ok("_spf.contoso.example"));
    check("%{d99999999999999999999}", Ok("_spf.contoso.example"));
    check("%{dr}", Ok("example.contoso._spf"));
    check("%{d2R}", Ok("contoso._spf"));
    check("%{ir}.%{v}._spf.%{d2}", Ok("10.2.0.192.in-addr._spf.contoso.example"));
    check("%{l-}", Ok("ann.lee.b"));
    check("%{lr-}", Ok("b.ann.lee"));
    check("%{l1-}", Ok("b"));
    check("%{l1r-}", Ok("ann.lee"));
    check("%{l2r.-}", Ok("lee.ann"));
    check("%{s1@}", Err(MacroError::NotClosed));
    check("%{s+,/_=}", Ok("ann.lee-b@mail.contoso.example"));
    check("%{D2}.test", Ok("contoso.example.test"));
}

#[test]
fn literals_and_escapes() {
    check("contoso.example", Ok("contoso.example"));
    check("contoso.example.", Ok("contoso.example"));
    check("a%%b%_c%-d.example", Ok("a%b c%20d.example"));
    check("odd!#$&*()\\\"/:;<>@[]^`{|}~.example", Ok("odd!#$&*()\\\"/:;<>@[]^`{|}~.example"));
    check("x.%%", Ok("x.%"));
    check("%{d}.test.", Ok("_spf.contoso.example.test"));
    check("a..b.example", Ok("a..b.example"));
    check(".example", Ok(".example"));
    check("x.xn--zckzah", Ok("x.xn--zckzah"));
    check("x.1-2", Ok("x.1-2"));
    // Upper case escapes for URLs, and nothing else.
    explain("%{S} %{L} %{I}", Ok(Some("ann.lee-b%40mail.contoso.example ann.lee-b 192.0.2.10")));
    let mut odd = facts("192.0.2.10");
    odd.local_part = "~a&b=c d\u{fc}%";
    let expand = |text: &[u8]| ExplainString::parse(text).expect("a text").expand(&odd);
    assert_eq!(expand(b"%{L}").as_deref(), Some("~a%26b%3Dc%20d%C3%BC%25"));
    assert_eq!(expand(b"%{l}.").as_deref(), Some("~a&b=c d\u{fc}%."));
}

#[test]
fn what_is_no_macro() {
    check("%a.example", Err(MacroError::Percent));
    check("%(d).example", Err(MacroError::Percent));
    check("a.%", Err(MacroError::Percent));
    check("%{", Err(MacroError::NotClosed));
    check("%{d", Err(MacroError::NotClosed));
    check("%{d2", Err(MacroError::NotClosed));
    check("%{dx}", Err(MacroError::NotClosed));
    check("%{dr2}", Err(MacroError::NotClosed));
    check("%{d-r}", Err(MacroError::NotClosed));
    check("%{}", Err(MacroError::Letter));
    check("%{a}", Err(MacroError::Letter));
    check("%{\u{fc}}", Err(MacroError::Letter));
    check("%{d0}", Err(MacroError::NoParts));
    check("%{d00r}", Err(MacroError::NoParts));
    for text in ["%{c}", "%{R}", "x.%{t}.example"] {
        check(text, Err(MacroError::OnlyInExplanations));
    }
    check("a b.example", Err(MacroError::NotAscii));
    check("a\u{fc}.example", Err(MacroError::NotAscii));
    explain("ok %{x}", Err(MacroError::Letter));
    explain("100%", Err(MacroError::Percent));
    explain("tab\t", Err(MacroError::NotAscii));
    explain("caf\u{e9}", Err(MacroError::NotAscii));
    assert_eq!(ExplainString::parse(b"\xef\xbb\xbfx"), Err(MacroError::NotAscii));
    assert_eq!(ExplainString::parse(b"\x96"), Err(MacroError::NotAscii));
}

#[test]
fn what_is_no_domain() {
    for text in [
        "",
        ".",
        "museum",
        "museum.",
        "%{d}.",
        "%{d}x",
        "x.%{d}com",
        "192.0.2.1",
        "abc.123",
        "x.-com",
        "x.com-",
        "x.c_m",
        "x.com:8080",
        "x.com..",
        "x.",
    ] {
        check(text, Err(MacroError::Domain));
    }
}

#[test]
fn long_domains_lose_labels_from_the_left() {
    let label = "a".repeat(50);
    let of = |count: usize| vec![label.as_str(); count].join(".");
    check(&format!("{}.example", of(4)), Ok(&format!("{}.example", of(4))));
    check(&format!("{}.example", of(5)), Ok(&format!("{}.example", of(4))));
    check(&format!("{}.example.", of(90)), Ok(&format!("{}.example", of(4))));
    check(&format!("x.%{{d}}.{}", of(5)), Ok(&of(4)));
    // At the limit: 253 octets, with and without the final dot.
    let longest = format!("{}.{}.{}.{}.example", "a".repeat(61), "b".repeat(61), "c".repeat(61), "d".repeat(59));
    assert_eq!(longest.len(), MAX_NAME);
    check(&longest, Ok(&longest));
    check(&format!("{longest}."), Ok(&longest));
    check(&format!("x.{longest}"), Ok(&longest));
    check(&format!("x{longest}"), Ok(&longest[62..]));
    // A label is dropped whole, even if only a part of it exceeds the last 253 octets.
    check(&format!("%{{v}}{longest}"), Ok(&longest[62..]));
    check(&format!("%{{v}}{longest}."), Ok(&longest[62..]));
    check(&format!("%{{v}}.{longest}."), Ok(&longest));
    // Nothing can be dropped.
    check(&format!("{}%{{v}}", "a".repeat(300)), Ok(""));
}

#[test]
fn explanations_fit_into_replies() {
    explain("", Ok(Some("")));
    explain(
        "See http://%{d}/why?s=%{S}.",
        Ok(Some("See http://_spf.contoso.example/why?s=ann.lee-b%40mail.contoso.example.")),
    );
    explain(&"x".repeat(MAX_EXPLANATION), Ok(Some(&"x".repeat(MAX_EXPLANATION))));
    explain(&"x".repeat(MAX_EXPLANATION + 1), Ok(None));
    explain(&"%{s}".repeat(1_000), Ok(None));
    let mut lines = facts("192.0.2.10");
    lines.helo = "a\r\n250 ok";
    assert_eq!(ExplainString::parse(b"%{h}").expect("a text").expand(&lines), None);
    assert_eq!(ExplainString::parse(b"%{H}").expect("a text").expand(&lines).as_deref(), Some("a%0D%0A250%20ok"));
}

/// Text with many macros in it.
fn macro_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[!-$&-~]{0,6}",
        "%\\{[slodipvhSLODIPVH](|[1-9][0-9]{0,2})[rR]?[-.+,/_=]{0,3}\\}",
        Just("%%".to_owned()),
        Just("%_".to_owned()),
        Just("%-".to_owned()),
    ];
    (prop::collection::vec(piece, 0..20), prop_oneof![Just(".example"), Just(".test."), Just("%{d}"), Just("")])
        .prop_map(|(pieces, end)| pieces.concat() + end)
}

proptest! {
    #[test]
    fn never_panics(text in "[ -~]{0,40}") {
        let _ = DomainSpec::parse(&text);
        let _ = ExplainString::parse(text.as_bytes());
    }

    #[test]
    fn what_is_printed_is_read_as_the_same(text in macro_text()) {
        let read = MacroString::of_modifier(&text).expect("the text is a macro string");
        prop_assert_eq!(MacroString::of_modifier(&read.to_string()), Ok(read));
        let explanation = ExplainString::parse(text.as_bytes()).expect("an explanation may hold as much");
        prop_assert_eq!(ExplainString::parse(explanation.to_string().as_bytes()), Ok(explanation));
    }

    #[test]
    fn a_domain_is_never_too_long(text in macro_text(), local in ".{0,300}", helo in "[a-z.]{0,600}") {
        let mut facts = facts("2001:db8::1");
        (facts.local_part, facts.helo) = (&local, &helo);
        if let Ok(spec) = DomainSpec::parse(&text) {
            let expanded = spec.expand(&facts);
            prop_assert!(expanded.len() <= MAX_NAME);
            // The text is cut at a dot: the rest is the end of the whole.
            let whole: String = spec.0.0.iter().map(|token| token.expand(&facts).into_owned()).collect();
            let whole = whole.strip_suffix('.').unwrap_or(&whole);
            prop_assert!(whole.ends_with(&expanded));
            let cut = whole.len() - expanded.len();
            prop_assert!(cut == 0 || expanded.is_empty() || whole[..cut].ends_with('.'));
            // No label was dropped needlessly.
            if cut > 0 && !expanded.is_empty() {
                let longer = whole[..cut - 1].rfind('.').map_or(whole.len(), |dot| whole.len() - dot - 1);
                prop_assert!(longer > MAX_NAME);
            }
        }
    }

    #[test]
    fn an_explanation_is_never_too_long(text in macro_text(), helo in ".{0,600}") {
        let mut facts = facts("2001:db8::1");
        facts.helo = &helo;
        if let Some(text) = ExplainString::parse(text.as_bytes()).ok().and_then(|it| it.expand(&facts)) {
            prop_assert!(text.len() <= MAX_EXPLANATION && !text.contains(['\r', '\n']));
        }
    }
}
