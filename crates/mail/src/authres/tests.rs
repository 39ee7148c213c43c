use proptest::prelude::*;

use super::*;

/// A value in exactly the layout that is written: reading and writing give it back. Folding and unfolding too.
#[track_caller]
fn exact(value: &str) -> AuthenticationResults {
    let parsed: AuthenticationResults = value.parse().expect(value);
    assert_eq!(parsed.to_string(), value);
    let field = parsed.to_field();
    assert!(field.ends_with("\r\n"));
    let message = crate::headers::Message::parse(field.as_bytes()).expect("a field");
    assert_eq!(message.field("Authentication-Results").expect("it").value(), value);
    parsed
}

/// The facts of a value in one line, so that a table shows that they were really understood.
fn facts(value: &AuthenticationResults) -> String {
    let spf = value.spf.as_ref().map_or("-".to_owned(), |spf| {
        let ip = spf.ip.map_or("-".to_owned(), |ip| ip.to_string());
        format!("{:?} {ip} {:?}", spf.result, spf.identity)
    });
    let dkim: Vec<_> =
        value.dkim.iter().map(|it| format!("{:?} {}", it.result, it.domain.as_deref().unwrap_or("-"))).collect();
    let dmarc = format!("{:?} {:?} {}", value.dmarc.result, value.dmarc.action, value.dmarc.header_from);
    let compauth = value.compauth.map_or("-".to_owned(), |it| format!("{:?} {}", it.result, it.reason));
    format!("{spf} | {} | {dmarc} | {compauth}", dkim.join(", "))
}

#[track_caller]
fn check(value: &str, expected: &str) {
    assert_eq!(facts(&exact(value)), expected, "{value}");
}

#[test]
fn documented_examples() {
    // All three none (reason 001) and an aligned SPF pass without a DMARC record (109), in the current layout.
    check(
        "spf=none (sender IP is 10.2.3.4) smtp.mailfrom=maliciousdomain.com; dkim=none (message not signed) header.d=none;dmarc=none action=none header.from=contoso.com;compauth=fail reason=001",
        "None 10.2.3.4 MailFrom(\"maliciousdomain.com\") | None - | None None contoso.com | Fail 001",
    );
    check(
        "spf=pass (sender IP is 10.2.3.4) smtp.mailfrom=fabrikam.com; dkim=none (message not signed) header.d=none;dmarc=bestguesspass action=none header.from=fabrikam.com;compauth=pass reason=109",
        "Pass 10.2.3.4 MailFrom(\"fabrikam.com\") | None - | BestGuessPass None fabrikam.com | Pass 109",
    );
    check(
        "spf=none (sender IP is 40.95.88.73) smtp.mailfrom=A.onmicrosoft.com; dkim=none (message not signed) header.d=none;dmarc=fail action=oreject header.from=B.onmicrosoft.com;compauth=fail reason=000",
        "None 40.95.88.73 MailFrom(\"A.onmicrosoft.com\") | None - | Fail OReject B.onmicrosoft.com | Fail 000",
    );
    // Inside an organization: no SPF clause, no composite result, a semicolon at the end.
    check(
        "dkim=none (message not signed) header.d=none;dmarc=none action=none header.from=contoso.com;",
        "- | None - | None None contoso.com | -",
    );
    check(
        "spf=fail (sender IP is 10.10.10.10) smtp.mailfrom=contoso.com; dkim=fail (body hash did not verify) header.d=contoso.com;dmarc=fail action=none header.from=contoso.com;compauth=pass reason=130",
        "Fail 10.10.10.10 MailFrom(\"contoso.com\") | FailBodyHash contoso.com | Fail None contoso.com | Pass 130",
    );
}

/// Documents print a blank behind every semicolon; it is read, and not written.
#[test]
fn blanks_behind_semicolons() {
    let printed = "spf=pass (sender IP is 198.51.100.10) smtp.mailfrom=bounces.adatum.com; dkim=pass (signature was verified) header.d=adatum.com; dmarc=fail action=oreject header.from=contoso.com;compauth=fail reason=000";
    let parsed: AuthenticationResults = printed.parse().expect(printed);
    assert_eq!(parsed.to_string(), printed.replace("; dmarc", ";dmarc"));
    let expected =
        "Pass 198.51.100.10 MailFrom(\"bounces.adatum.com\") | Pass adatum.com | Fail OReject contoso.com | Fail 000";
    assert_eq!(facts(&parsed), expected);
}

/// One clause alone, as the documents print most examples.
#[track_caller]
fn clause<T: FromStr<Err = AuthResError> + fmt::Display>(text: &str) {
    assert_eq!(text.parse::<T>().map(|clause| clause.to_string()), Ok(text.to_owned()));
}

#[test]
fn documented_clauses() {
    clause::<SpfClause>("spf=pass (sender IP is 192.168.0.1) smtp.mailfrom=contoso.com");
    clause::<SpfClause>("spf=fail (sender IP is 127.0.0.1) smtp.mailfrom=contoso.com");
    clause::<DkimClause>("dkim=pass (signature was verified) header.d=contoso.com");
    clause::<DkimClause>("dkim=fail (body hash did not verify) header.d=contoso.com");
    clause::<DmarcClause>("dmarc=pass action=none header.from=contoso.com");
    clause::<DmarcClause>("dmarc=bestguesspass action=none header.from=contoso.com");
    clause::<DmarcClause>("dmarc=fail action=none header.from=contoso.com");
    clause::<DmarcClause>("dmarc=fail action=oreject header.from=contoso.com");
    clause::<DmarcClause>("dmarc=fail action=pct.quarantine header.from=contoso.com");
    clause::<CompAuth>("compauth=softpass reason=201");
}

#[test]
fn captures() {
    check(
        "spf=softfail (sender IP is 192.0.2.128) smtp.mailfrom=bounce.example.net; dkim=none (message not signed) header.d=none;dmarc=fail action=oreject header.from=brand.example;compauth=fail reason=000",
        "SoftFail 192.0.2.128 MailFrom(\"bounce.example.net\") | None - | Fail OReject brand.example | Fail 000",
    );
    check(
        "spf=fail (sender IP is 192.0.2.64) smtp.mailfrom=brand.example; dkim=fail (body hash did not verify) header.d=brand.example;dmarc=fail action=oreject header.from=brand.example;compauth=none reason=451",
        "Fail 192.0.2.64 MailFrom(\"brand.example\") | FailBodyHash brand.example | Fail OReject brand.example | None 451",
    );
    check(
        "spf=none (sender IP is 192.0.2.84) smtp.mailfrom=brand-typo.example; dkim=fail (no key for signature) header.d=builder.example;dmarc=none action=none header.from=brand-typo.example;compauth=fail reason=001",
        "None 192.0.2.84 MailFrom(\"brand-typo.example\") | FailNoKey builder.example | None None brand-typo.example | Fail 001",
    );
    check(
        "spf=softfail (sender IP is 192.0.2.22) smtp.mailfrom=mail1.host.example; dkim=fail (body hash did not verify) header.d=mail1.host.example;dmarc=fail action=none header.from=site.host.example;compauth=softpass reason=201",
        "SoftFail 192.0.2.22 MailFrom(\"mail1.host.example\") | FailBodyHash mail1.host.example | Fail None site.host.example | SoftPass 201",
    );
    check(
        "spf=pass (sender IP is 192.0.2.13) smtp.mailfrom=small.example; dkim=fail (no key for signature) header.d=small.example;dmarc=bestguesspass action=none header.from=small.example;compauth=pass reason=109",
        "Pass 192.0.2.13 MailFrom(\"small.example\") | FailNoKey small.example | BestGuessPass None small.example | Pass 109",
    );
    check(
        "spf=softfail (sender IP is 192.0.2.22) smtp.mailfrom=mail1.host.example; dkim=fail (body hash did not verify) header.d=mail1.host.example;dmarc=fail action=none header.from=school.example;compauth=none reason=905",
        "SoftFail 192.0.2.22 MailFrom(\"mail1.host.example\") | FailBodyHash mail1.host.example | Fail None school.example | None 905",
    );
    check(
        "spf=pass (sender IP is 192.0.2.123) smtp.mailfrom=chip.example; dkim=pass (signature was verified) header.d=chip.example;dmarc=pass action=none header.from=chip.example;",
        "Pass 192.0.2.123 MailFrom(\"chip.example\") | Pass chip.example | Pass None chip.example | -",
    );
    check(
        "dkim=none (message not signed) header.d=none;dmarc=none action=none header.from=example.com;compauth=pass reason=115",
        "- | None - | None None example.com | Pass 115",
    );
    check(
        "spf=pass (sender IP is 2001:db8::112d) smtp.mailfrom=gmail.com; dkim=pass (signature was verified) header.d=gmail.com;dmarc=pass action=none header.from=gmail.com;compauth=pass reason=100",
        "Pass 2001:db8::112d MailFrom(\"gmail.com\") | Pass gmail.com | Pass None gmail.com | Pass 100",
    );
    check(
        "spf=none (sender IP is 192.0.2.54) smtp.mailfrom=microsoft.com; dkim=none (message not signed) header.d=none;dmarc=none action=none header.from=microsoft.com;",
        "None 192.0.2.54 MailFrom(\"microsoft.com\") | None - | None None microsoft.com | -",
    );
}

#[test]
fn rare_forms() {
    // The null reverse-path, from inside the service and from outside.
    check(
        "spf=none (sender IP is ) smtp.mailfrom=<>; dkim=none (message not signed) header.d=none;dmarc=none action=none header.from=contoso.example;",
        "None - Null | None - | None None contoso.example | -",
    );
    check(
        "spf=none (sender IP is 192.0.2.202) smtp.helo=host.sender.example; dkim=none (message not signed) header.d=none;dmarc=none action=none header.from=host.sender.example;",
        "None 192.0.2.202 Helo(\"host.sender.example\") | None - | None None host.sender.example | -",
    );
    // Two signatures, and a key that could not be fetched.
    check(
        "spf=pass (sender IP is 192.0.2.224) smtp.mailfrom=inst.example; dkim=fail (body hash did not verify) header.d=a.example; dkim=timeout (key query timeout) header.d=b.example;dmarc=pass action=none header.from=inst.example;",
        "Pass 192.0.2.224 MailFrom(\"inst.example\") | FailBodyHash a.example, Timeout b.example | Pass None inst.example | -",
    );
    check(
        "spf=temperror (sender IP is 192.0.2.17) smtp.mailfrom=GPU.example; dkim=none (message not signed) header.d=none;dmarc=temperror action=none header.from=int;",
        "TempError 192.0.2.17 MailFrom(\"GPU.example\") | None - | TempError None int | -",
    );
}

#[track_caller]
fn refused(value: &str, expected: &str) {
    let outcome = value.parse::<AuthenticationResults>().map_err(|error| error.to_string());
    assert_eq!(outcome, Err(expected.to_owned()), "{value}");
}

#[test]
fn what_is_not_read() {
    let dmarc = "dmarc=none action=none header.from=a.example";
    refused("", "no dkim clause");
    refused("mx.google.com; spf=pass", "unknown clause \"mx.google.com\"");
    refused(
        "spf=none (sender IP is 192.0.2.67) smtp.mailfrom=l.example; corp.example; dkim=none (message not signed) header.d=none;corp.example; dmarc=fail action=none header.from=corp.example;compauth=fail reason=601",
        "unknown clause \"corp.example\"",
    );
    refused(
        &format!("{dmarc};dkim=none (message not signed) header.d=none"),
        "clause \"dkim=none (message not signed) header.d=none\" out of order",
    );
    refused("spf=pass smtp.mailfrom=a.example", "no comment in clause \"spf=pass smtp.mailfrom=a.example\"");
    refused(
        "spf=good (sender IP is ) smtp.mailfrom=a",
        "unknown result in clause \"spf=good (sender IP is ) smtp.mailfrom=a\"",
    );
    refused(
        "spf=pass (sender IP is x) smtp.mailfrom=a",
        "not an address in clause \"spf=pass (sender IP is x) smtp.mailfrom=a\"",
    );
    refused(
        "dkim=pass (looks fine) header.d=a",
        "unknown result or comment in clause \"dkim=pass (looks fine) header.d=a\"",
    );
    refused(
        "dkim=none (message not signed) header.d=none;dmarc=fail action=explode header.from=a",
        "unknown action in clause \"dmarc=fail action=explode header.from=a\"",
    );
    refused(
        &format!("dkim=none (message not signed) header.d=none;{dmarc};compauth=pass reason=1"),
        "reason is not three digits in clause \"compauth=pass reason=1\"",
    );
    refused(&"x;".repeat(MAX_LENGTH), "value too long");
}

#[test]
fn a_helo_name_cannot_break_the_value() {
    let spf = SpfClause { result: SpfResult::None, ip: None, identity: SpfIdentity::Helo("a b;dkim=pass(x)".into()) };
    assert_eq!(spf.to_string(), "spf=none (sender IP is ) smtp.helo=a?b?dkim=pass?x?");
}

#[test]
fn folds_fall_at_blanks_and_continue_with_one() {
    let value = exact(
        "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=contoso.example; dkim=none (message not signed) header.d=none;dmarc=bestguesspass action=none header.from=contoso.example;compauth=pass reason=109",
    );
    assert_eq!(
        value.to_field(),
        "Authentication-Results: spf=pass (sender IP is 192.0.2.1)\r\n smtp.mailfrom=contoso.example; dkim=none (message not signed)\r\n header.d=none;dmarc=bestguesspass action=none\r\n header.from=contoso.example;compauth=pass reason=109\r\n"
    );
}

proptest! {
    #[test]
    fn never_panics(value in "\\PC*") {
        let _ = value.parse::<AuthenticationResults>();
    }

    #[test]
    fn what_is_read_is_written_and_read_again(value in "(spf=(pass|none) \\(sender IP is ?(1.2.3.4)?\\) smtp.(mailfrom|helo)=[a<>.]{0,3};)?( ?dkim=(none \\(message not signed\\)|permerror) header.d=[a.none]{0,4};){0,3} ?dmarc=(none|fail) action=none header.from=[a.]{0,3};?(compauth=pass reason=[0-9]{3})?") {
        if let Ok(parsed) = value.parse::<AuthenticationResults>() {
            prop_assert_eq!(parsed.to_string().parse::<AuthenticationResults>(), Ok(parsed));
        }
    }
}
