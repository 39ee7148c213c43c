use proptest::prelude::*;

use super::*;
use crate::authres::{DkimResult, DmarcAction, DmarcResult, MAX_CLAUSES, MAX_LENGTH, SpfResult};

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

/// Documents print a blank after every semicolon; the results are the same.
#[test]
fn blanks_behind_semicolons() {
    let printed = "spf=pass (sender IP is 198.51.100.10) smtp.mailfrom=bounces.adatum.com; dkim=pass (signature was verified) header.d=adatum.com; dmarc=fail action=oreject header.from=contoso.com;compauth=fail reason=000";
    let parsed: AuthenticationResults = printed.parse().expect(printed);
    assert_eq!(parsed.to_string(), printed.replace("; dmarc", ";dmarc"));
    let expected =
        "Pass 198.51.100.10 MailFrom(\"bounces.adatum.com\") | Pass adatum.com | Fail OReject contoso.com | Fail 000";
    assert_eq!(facts(&parsed), expected);
    let runs = "spf=none (sender IP is  192.0.2.1 )  smtp.mailfrom=a.example ;  dkim=none\t(message not signed) header.d=none; \t dmarc=none action=none  header.from=a.example ;  ";
    let laid_out: LaidOut = runs.parse().expect(runs);
    assert_eq!(
        laid_out.to_string(),
        "spf=none (sender IP is 192.0.2.1) smtp.mailfrom=a.example; dkim=none (message not signed) header.d=none; dmarc=none action=none header.from=a.example; "
    );
}

fn results() -> AuthenticationResults {
    let spf = SpfClause {
        result: SpfResult::None,
        ip: Some([10, 2, 3, 4].into()),
        identity: SpfIdentity::MailFrom("maliciousdomain.com".into()),
    };
    let dkim = DkimClause { result: DkimResult::Pass, domain: Some("maliciousdomain.com".into()) };
    let dmarc = DmarcClause { result: DmarcResult::None, action: DmarcAction::None, header_from: "contoso.com".into() };
    let compauth = CompAuth { result: crate::authres::CompAuthResult::Fail, reason: Reason::new(1) };
    AuthenticationResults { spf: Some(spf), dkim: vec![dkim], dmarc, compauth: Some(compauth) }
}

/// Values that were never read are written in both layouts.
#[test]
fn written_from_results() {
    let inside = AuthenticationResults { spf: None, compauth: None, ..results() };
    let two = AuthenticationResults { dkim: vec![DkimClause::not_signed(); 2], ..results() };
    let check = |results: &AuthenticationResults, current: &str, before: &str| {
        assert_eq!(results.to_string(), current);
        assert_eq!(LaidOut::before_2021(results, "fabrikam.com").to_string(), before);
        let read: LaidOut = before.parse().expect(before);
        assert_eq!((read.recipient(), read.results().as_ref()), (Some("fabrikam.com"), Ok(results)));
        assert_eq!(current.parse::<LaidOut>().expect(current).recipient(), None);
    };
    check(
        &results(),
        "spf=none (sender IP is 10.2.3.4) smtp.mailfrom=maliciousdomain.com; dkim=pass (signature was verified) header.d=maliciousdomain.com;dmarc=none action=none header.from=contoso.com;compauth=fail reason=001",
        "spf=none (sender IP is 10.2.3.4) smtp.mailfrom=maliciousdomain.com; fabrikam.com; dkim=pass (signature was verified) header.d=maliciousdomain.com;fabrikam.com; dmarc=none action=none header.from=contoso.com;compauth=fail reason=001",
    );
    check(
        &inside,
        "dkim=pass (signature was verified) header.d=maliciousdomain.com;dmarc=none action=none header.from=contoso.com;",
        "dkim=pass (signature was verified) header.d=maliciousdomain.com;fabrikam.com; dmarc=none action=none header.from=contoso.com;",
    );
    check(
        &two,
        "spf=none (sender IP is 10.2.3.4) smtp.mailfrom=maliciousdomain.com; dkim=none (message not signed) header.d=none; dkim=none (message not signed) header.d=none;dmarc=none action=none header.from=contoso.com;compauth=fail reason=001",
        "spf=none (sender IP is 10.2.3.4) smtp.mailfrom=maliciousdomain.com; fabrikam.com; dkim=none (message not signed) header.d=none; dkim=none (message not signed) header.d=none;fabrikam.com; dmarc=none action=none header.from=contoso.com;compauth=fail reason=001",
    );
}

#[test]
fn what_stands_behind_clauses() {
    let value = "spf=none (sender IP is ) smtp.mailfrom=<>; b.example; dkim=none (message not signed) header.d=none;dmarc=none action=none header.from=a.example; ";
    let laid_out: LaidOut = value.parse().expect(value);
    let behind: Vec<_> = laid_out.clauses().iter().map(|(_, behind)| behind.clone()).collect();
    assert_eq!(behind, [Behind::BlankRecipient("b.example".into()), Behind::Semicolon, Behind::SemicolonBlank]);
    let field = laid_out.to_field("Authentication-Results-Original");
    let first = "Authentication-Results-Original: spf=none (sender IP is ) smtp.mailfrom=<>;\r\n b.example; ";
    assert!(field.starts_with(first) && field.ends_with("header.from=a.example; \r\n"), "{field}");

    let (spf, dkim) = ("spf=none (sender IP is ) smtp.mailfrom=<>", "dkim=permerror header.d=a.example");
    let clause = |text: &str| text.parse::<Clause>().expect(text);
    let refused = |clauses: Vec<(Clause, Behind)>, expected: &str| {
        assert_eq!(LaidOut::new(clauses).map_err(|error| error.to_string()), Err(expected.to_owned()));
    };
    refused(vec![], "no clause");
    refused(
        vec![(clause(spf), Behind::Nothing), (clause(dkim), Behind::Nothing)],
        "clause \"dkim=permerror header.d=a.example\" out of order",
    );
    refused(
        vec![(clause(spf), Behind::Semicolon), (clause(spf), Behind::Nothing)],
        "clause \"spf=none (sender IP is ) smtp.mailfrom=<>\" out of order",
    );
    refused(vec![(clause(spf), Behind::Recipient("b.example".into()))], "unknown clause \"b.example\"");
    refused(vec![(clause(dkim), Behind::Semicolon); MAX_CLAUSES + 1], "value too long");
    assert!(LaidOut::new(vec![(clause(dkim), Behind::Semicolon); MAX_CLAUSES]).is_ok());
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
    let outcome = value.parse::<LaidOut>().map_err(|error| error.to_string());
    assert_eq!(outcome, Err(expected.to_owned()), "{value}");
}

#[test]
fn what_is_not_read() {
    let (spf, dkim) = ("spf=none (sender IP is ) smtp.mailfrom=<>", "dkim=none (message not signed) header.d=none");
    let dmarc = "dmarc=none action=none header.from=a.example";
    refused("", "no clause");
    refused(";", "unknown clause \"\"");
    refused("mx.google.com; spf=pass", "unknown clause \"mx.google.com\"");
    refused("iprev=pass", "unknown clause \"iprev=pass\"");
    refused(&format!("{spf}; ; {dkim}"), "unknown clause \"dkim=none (message not signed) header.d=none\"");
    refused(&format!("{spf};;"), "unknown clause \"\"");
    // A recipient's domain stands between clauses, once, and is one word.
    refused(&format!("{spf}; a.example"), "unknown clause \"a.example\"");
    refused(&format!("{spf}; a.example;"), "unknown clause \"a.example\"");
    refused(&format!("{spf}; a.example; "), "unknown clause \"a.example\"");
    refused(&format!("{spf}; a.example;{dkim}"), "unknown clause \"a.example\"");
    refused(&format!("{spf}; a.example; b.example; {dkim}"), "unknown clause \"b.example\"");
    refused(&format!("{spf}; a example; {dkim}"), "unknown clause \"a example\"");
    refused(&format!("{dmarc};{dkim}"), "clause \"dkim=none (message not signed) header.d=none\" out of order");
    refused(&format!("{dmarc};{dmarc}"), &format!("clause {dmarc:?} out of order"));
    refused("spf=pass smtp.mailfrom=a.example", "no comment in clause \"spf=pass smtp.mailfrom=a.example\"");
    refused(
        "spf=pass (sender ip is ) smtp.mailfrom=a",
        "unknown comment in clause \"spf=pass (sender ip is ) smtp.mailfrom=a\"",
    );
    refused("spf=pass (sender IP is", "unclosed comment in clause \"spf=pass (sender IP is\"");
    refused(
        "spf=good (sender IP is ) smtp.mailfrom=a",
        "unknown result in clause \"spf=good (sender IP is ) smtp.mailfrom=a\"",
    );
    refused(
        "spf=pass (sender IP is x) smtp.mailfrom=a",
        "not an address in clause \"spf=pass (sender IP is x) smtp.mailfrom=a\"",
    );
    refused(
        "spf=pass (sender IP is ) smtp.mailfrom=",
        "bad name in clause \"spf=pass (sender IP is ) smtp.mailfrom=\"",
    );
    refused("spf=pass (sender IP is ) smtp.helo=<>", "bad name in clause \"spf=pass (sender IP is ) smtp.helo=<>\"");
    refused(
        "spf=pass (sender IP is ) smtp.rcpt=a",
        "unexpected properties in clause \"spf=pass (sender IP is ) smtp.rcpt=a\"",
    );
    refused(
        "dkim=pass (looks fine) header.d=a",
        "unknown result or comment in clause \"dkim=pass (looks fine) header.d=a\"",
    );
    refused("dkim=pass header.d=a", "unknown result or comment in clause \"dkim=pass header.d=a\"");
    refused("dkim=temperror", "unexpected properties in clause \"dkim=temperror\"");
    refused("dkim=temperror x", "property without = in clause \"dkim=temperror x\"");
    refused(
        &format!("{dkim};dmarc=fail action=explode header.from=a"),
        "unknown action in clause \"dmarc=fail action=explode header.from=a\"",
    );
    refused(
        "dmarc=fail (p=none) action=none header.from=a",
        "unexpected comment in clause \"dmarc=fail (p=none) action=none header.from=a\"",
    );
    refused("compauth=pass (x) reason=100", "unexpected comment in clause \"compauth=pass (x) reason=100\"");
    for reason in ["1", "1000", "+10", "-10", "aaa"] {
        let clause = format!("compauth=pass reason={reason}");
        refused(&clause, &format!("reason is not three digits in clause {clause:?}"));
    }
    refused(&"x;".repeat(MAX_LENGTH), "value too long");
    refused(&"dkim=permerror header.d=a;".repeat(MAX_CLAUSES + 1), "value too long");
}

#[test]
fn values_without_all_results() {
    let results = |value: &str| value.parse::<AuthenticationResults>().map_err(|error| error.to_string());
    assert_eq!(results("spf=none (sender IP is ) smtp.mailfrom=<>; "), Err("no dkim clause".to_owned()));
    assert_eq!(results("dkim=permerror header.d=a"), Err("no dmarc clause".to_owned()));
}

/// IPv4 in IPv6 is IPv4.
#[test]
fn mapped_addresses() {
    let clause: SpfClause = "spf=none (sender IP is ::ffff:192.0.2.1) smtp.helo=a".parse().expect("a clause");
    assert_eq!(clause.ip, Some([192, 0, 2, 1].into()));
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
    fn results_are_written_and_read_again(value in "(spf=(pass|none) \\(sender IP is ?(1.2.3.4)?\\) smtp.(mailfrom|helo)=[a<>.]{0,3};)?( ?dkim=(none \\(message not signed\\)|permerror) header.d=[a.none]{0,4};){0,3} ?dmarc=(none|fail) action=none header.from=[a.]{0,3};?(compauth=pass reason=[0-9]{3})?") {
        if let Ok(parsed) = value.parse::<AuthenticationResults>() {
            prop_assert_eq!(parsed.to_string().parse::<AuthenticationResults>(), Ok(parsed));
        }
    }

    #[test]
    fn what_is_read_is_written_and_read_again(value in "((spf=pass \\(sender IP is ?(1.2.3.4|::ffff:1.2.3.4)?\\) smtp.(mailfrom|helo)=[a<>]{1,2}|dkim=(none \\(message not signed\\)|temperror) header.d=(a|none)|dmarc=(none|fail) action=none header.from=a|compauth=pass reason=[0-9]{3}|a\\.b)?(;|; |  ; )?){0,6}") {
        if let Ok(parsed) = value.parse::<LaidOut>() {
            prop_assert_eq!(parsed.to_string().parse::<LaidOut>(), Ok(parsed));
        }
    }
}
