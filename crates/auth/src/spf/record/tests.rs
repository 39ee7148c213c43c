use proptest::prelude::*;

use super::*;

/// The record as it is printed, without its version, or what is wrong with it.
#[track_caller]
fn check(terms: &str, expected: Result<&str, &str>) {
    let outcome = Record::parse(format!("v=spf1 {terms}").as_bytes());
    let outcome = outcome.map(|record| record.to_string().split_off(6).trim_start().to_owned());
    assert_eq!(
        outcome.map_err(|error| error.to_string()),
        expected.map(str::to_owned).map_err(str::to_owned),
        "{terms}"
    );
}

#[test]
fn directives() {
    check("", Ok(""));
    check("-all", Ok("-all"));
    check("+ALL ~all  ?all all ", Ok("all ~all ?all all"));
    check("ip4:192.0.2.1 ip4:192.0.2.0/24 ip4:0.0.0.0/0", Ok("ip4:192.0.2.1 ip4:192.0.2.0/24 ip4:0.0.0.0/0"));
    check("ip4:192.0.2.1/32 IP6:2001:DB8::/128", Ok("ip4:192.0.2.1 ip6:2001:db8::"));
    check("ip6:2001:db8::/32 -ip6:::1 ip6:::ffff:192.0.2.1", Ok("ip6:2001:db8::/32 -ip6:::1 ip6:::ffff:192.0.2.1"));
    check("a a/24 a//64 a/24//64", Ok("a a/24 a//64 a/24//64"));
    check("mx:mail.contoso.example/0//0", Ok("mx:mail.contoso.example/0//0"));
    check("a:contoso.example. A:%{d}/24 mx:%{d/}//64", Ok("a:contoso.example. a:%{d}/24 mx:%{d/}//64"));
    check(
        "a:odd!name.example a:a:b/c.example/24 a:a//b.example",
        Ok("a:odd!name.example a:a:b/c.example/24 a:a//b.example"),
    );
    check("a:x/24.example mx:%{i}/24.example/24", Ok("a:x/24.example mx:%{i}/24.example/24"));
    check("include:a.example -Include:%{d}.b.example", Ok("include:a.example -include:%{d}.b.example"));
    check("ptr ?ptr:a.example exists:%{i}.a.example", Ok("ptr ?ptr:a.example exists:%{i}.a.example"));
}

#[test]
fn modifiers() {
    check("redirect=a.example exp=b.example", Ok("redirect=a.example exp=b.example"));
    check("EXP=b.example -all REDIRECT=%{d}", Ok("-all redirect=%{d} exp=b.example"));
    check("x-y.z_1=man:dog/cat= x= x=", Ok("x-y.z_1=man:dog/cat= x= x="));
    check("a=b all=c default=pass", Ok("a=b all=c default=pass"));
    check("op=%{l}%%", Ok("op=%{l}%%"));
}

#[test]
fn errors() {
    check("foo", Err("unknown mechanism foo"));
    check("-", Err("unknown mechanism -"));
    check("all.", Err("unknown mechanism all."));
    check("--all", Err("unknown mechanism --all"));
    check("redirect:a.example", Err("unknown mechanism redirect:a.example"));
    check("moo/x=y", Err("unknown mechanism moo/x=y"));
    check("all:x", Err("an argument in all:x"));
    check("all/8", Err("an argument in all/8"));
    check("ip4", Err("no address in ip4"));
    check("ip4:", Err("no address in ip4:"));
    check("ip4:192.0.2", Err("no address in ip4:192.0.2"));
    check("ip4:192.0.2.01", Err("no address in ip4:192.0.2.01"));
    check("ip4:192.0.2.256", Err("no address in ip4:192.0.2.256"));
    check("ip4:192.0.2.1:25", Err("no address in ip4:192.0.2.1:25"));
    check("ip4:192.0.2.1/33", Err("a bad prefix length in ip4:192.0.2.1/33"));
    check("ip4:192.0.2.1/024", Err("a bad prefix length in ip4:192.0.2.1/024"));
    check("ip4:192.0.2.1/+8", Err("a bad prefix length in ip4:192.0.2.1/+8"));
    check("ip4:192.0.2.1/", Err("a bad prefix length in ip4:192.0.2.1/"));
    check("ip4:192.0.2.1//24", Err("a bad prefix length in ip4:192.0.2.1//24"));
    check("ip4/24", Err("no address in ip4/24"));
    check("ip6:192.0.2.1", Err("no address in ip6:192.0.2.1"));
    check("ip6:fe80::1%eth0", Err("no address in ip6:fe80::1%eth0"));
    check("ip6:::1/129", Err("a bad prefix length in ip6:::1/129"));
    check("ip6::2001::1", Err("no address in ip6::2001::1"));
    check("a:", Err("a bad domain in a:"));
    check("a:museum", Err("a bad domain in a:museum"));
    check("a:111.222.33.44", Err("a bad domain in a:111.222.33.44"));
    check("a:example.-com", Err("a bad domain in a:example.-com"));
    check("a:example.com:8080", Err("a bad domain in a:example.com:8080"));
    check("a/x", Err("a bad prefix length in a/x"));
    check("a/", Err("a bad prefix length in a/"));
    check("a/33", Err("a bad prefix length in a/33"));
    check("a/24/64", Err("a bad prefix length in a/24/64"));
    check("a/00", Err("a bad prefix length in a/00"));
    check("a///64", Err("a bad prefix length in a///64"));
    check("a:x.example/99999999999999999999", Err("a bad prefix length in a:x.example/99999999999999999999"));
    check("mx//129", Err("a bad prefix length in mx//129"));
    check("mx//24/16", Err("a bad prefix length in mx//24/16"));
    check("include", Err("a bad domain in include"));
    check("include:", Err("a bad domain in include:"));
    check("include/24", Err("a bad argument in include/24"));
    check("include:a.example/24", Err("a bad domain in include:a.example/24"));
    check("exists", Err("a bad domain in exists"));
    check("ptr:", Err("a bad domain in ptr:"));
    check("ptr/0", Err("a bad argument in ptr/0"));
    check("exists:%{c}.a.example", Err("a macro letter that only explanations may have in exists:%{c}.a.example"));
    check("a:%(d)", Err("a % that does not begin a macro in a:%(d)"));
    check("redirect=", Err("a bad domain in redirect="));
    check("exp=-all", Err("a bad domain in exp=-all"));
    check("exp=%{r}.a.example", Err("a macro letter that only explanations may have in exp=%{r}.a.example"));
    check("x=%abc", Err("a % that does not begin a macro in x=%abc"));
    check("redirect=a.example Redirect=a.example", Err("a second redirect="));
    check("exp=a.example -all exp=b.example", Err("a second exp="));
    check("-x=y", Err("not the name of a modifier in -x=y"));
    check("1x=y", Err("not the name of a modifier in 1x=y"));
    check("=y", Err("not the name of a modifier in =y"));
    check("a\u{e9}", Err("not printable US-ASCII"));
    check("a\tmx", Err("not printable US-ASCII"));
    check("a\0", Err("not printable US-ASCII"));
    // Anywhere, even after the deciding term.
    check("ip4:192.0.2.1 all moo", Err("unknown mechanism moo"));
    assert_eq!(Record::parse(b"v=spf1 a\x96 -all"), Err(RecordError::NotAscii));
}

#[test]
fn which_texts_are_records() {
    for (text, expected) in [
        ("v=spf1", true),
        ("V=SPF1 -all", true),
        ("v=spf1  ", true),
        ("v=spf10", false),
        ("v=spf1\t-all", false),
        ("v=spf1mx", false),
        (" v=spf1", false),
        ("v=spf", false),
        ("", false),
    ] {
        assert_eq!(is_spf(text.as_bytes()), expected, "{text:?}");
    }
    assert!(!is_spf(b"\xef\xbb\xbfv=spf1"));
}

/// Terms without syntax errors.
fn term() -> impl Strategy<Value = String> {
    let domain =
        "(:([a-z0-9_:/!]{1,6}|%\\{[slodipvhD][1-9]?r?[-.]?\\}|%%){0,3}(\\.[a-z][a-z0-9]{0,3}\\.?|%\\{[do]\\}))";
    let required = [format!("[-+~?]?include{domain}"), format!("[+?]?EXISTS{domain}")];
    let optional = [
        format!("[-+~?]?ptr{domain}?"),
        format!("[-+~?]?a{domain}?(/[1-9])?(//6[0-9])?"),
        format!("[-+~?]?mx{domain}?(/3[0-2])?(//[0-9])?"),
        "[-+~?]?(all|ip4:192\\.0\\.2\\.[1-9](/2[0-9])?|ip6:2001:db8::[1-9](/12[0-8])?)".to_owned(),
        "[xyz][-a-z0-9_.]{0,4}=[a-z:/=]{0,6}(%\\{[slo]\\})?".to_owned(),
    ];
    let patterns: Vec<String> = required.into_iter().chain(optional).collect();
    prop::sample::select(patterns)
        .prop_flat_map(|pattern| prop::string::string_regex(&pattern).expect("the pattern is right"))
}

proptest! {
    #[test]
    fn never_panics(text in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = Record::parse(&text);
    }

    #[test]
    fn never_panics_on_what_looks_like_terms(
        text in "v=spf1( [-+~?]?(a|mx|ip4|ip6|all|exp|ptr|include|exists|redirect)?[:/=%.{}0-9a-z-]{0,10}){0,5}"
    ) {
        let _ = Record::parse(text.as_bytes());
    }

    #[test]
    fn what_is_printed_is_read_as_the_same(
        terms in prop::collection::vec(term(), 0..8),
        redirect in prop::option::of("redirect=[a-z]{1,5}\\.example"),
        exp in prop::option::of("exp=%\\{d2?\\}"),
    ) {
        let terms: Vec<String> = terms.into_iter().chain(redirect).chain(exp).collect();
        let read = Record::parse(format!("v=spf1 {}", terms.join("  ")).as_bytes());
        let mut read = read.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let mut again = Record::parse(read.to_string().as_bytes()).expect("what is printed is a record");
        // The texts may differ: case, qualifiers, default lengths.
        for record in [&mut read, &mut again] {
            record.directives.iter_mut().for_each(|directive| directive.text.clear());
        }
        prop_assert_eq!(read, again);
    }
}
