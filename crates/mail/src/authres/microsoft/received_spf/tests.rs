use proptest::prelude::*;

use super::*;

const PAIRS: &str = " receiver=protection.outlook.com; client-ip=192.0.2.13; helo=mail.small.example;";

/// A result is written as `expected`, and read back as the same.
#[track_caller]
fn check(result: SpfResult, identity: SpfIdentity, expected: Result<&str, &str>) {
    let clause = SpfClause { result, ip: Some([192, 0, 2, 13].into()), identity };
    let outcome = ReceivedSpf::new(&clause, "mail.small.example");
    if let Ok(received) = &outcome {
        assert_eq!((received.result(), received.to_string().parse().as_ref()), (result, Ok(received)));
    }
    let outcome = outcome.map(|received| received.to_string()).map_err(|error| error.to_string());
    assert_eq!(outcome, expected.map(str::to_owned).map_err(str::to_owned));
}

#[test]
fn as_captured() {
    let small = || SpfIdentity::MailFrom("small.example".into());
    let helo = SpfIdentity::Helo("host.sender.example".into());
    let pass = format!(
        "Pass (protection.outlook.com: domain of small.example designates 192.0.2.13 as permitted sender){PAIRS} pr=C"
    );
    check(SpfResult::Pass, small(), Ok(&pass));
    let fail = format!(
        "Fail (protection.outlook.com: domain of small.example does not designate 192.0.2.13 as permitted sender){PAIRS}"
    );
    check(SpfResult::Fail, small(), Ok(&fail));
    let softfail = "SoftFail (protection.outlook.com: domain of transitioning small.example discourages use of 192.0.2.13 as permitted sender)";
    check(SpfResult::SoftFail, small(), Ok(softfail));
    let none = "None (protection.outlook.com: small.example does not designate permitted sender hosts)";
    check(SpfResult::None, small(), Ok(none));
    let none = "None (protection.outlook.com: host.sender.example does not designate permitted sender hosts)";
    check(SpfResult::None, helo, Ok(none));
    let none = "None (protection.outlook.com:  does not designate permitted sender hosts)";
    check(SpfResult::None, SpfIdentity::Null, Ok(none));
    let temperror =
        "TempError (protection.outlook.com: error in processing during lookup of small.example: DNS Timeout)";
    check(SpfResult::TempError, small(), Ok(temperror));
    let neutral =
        "Neutral (protection.outlook.com: 192.0.2.13 is neither permitted nor denied by domain of small.example)";
    check(SpfResult::Neutral, small(), Ok(neutral));
    let permerror = "PermError (protection.outlook.com: domain of small.example used an invalid SPF mechanism)";
    check(SpfResult::PermError, small(), Ok(permerror));
}

#[test]
fn without_an_address() {
    let clause = |result| SpfClause { result, ip: None, identity: SpfIdentity::Null };
    let pass = ReceivedSpf::new(&clause(SpfResult::Pass), "h").map_err(|error| error.to_string());
    assert_eq!(pass, Err("the form of Received-SPF for pass without an address".to_owned()));
    assert_eq!(ReceivedSpf::new(&clause(SpfResult::None), "h"), Ok(ReceivedSpf::None { domain: String::new() }));
}

#[test]
fn a_helo_name_cannot_break_the_value() {
    let client = Client { ip: [192, 0, 2, 1].into(), helo: "a; pr=C\"<\\>".into(), pr: false };
    assert_eq!(client.to_string(), " receiver=protection.outlook.com; client-ip=192.0.2.1; helo=a??pr=C????;");
}

#[track_caller]
fn refused(value: &str, expected: &str) {
    assert_eq!(value.parse::<ReceivedSpf>().map_err(|error| error.to_string()), Err(expected.to_owned()), "{value}");
}

#[test]
fn what_is_not_read() {
    let pass = "Pass (protection.outlook.com: domain of a.example designates 192.0.2.13 as permitted sender)";
    let read = |pairs: &str| format!("{pass}{pairs}").parse::<ReceivedSpf>().is_ok();
    assert!(read(PAIRS) && read(&format!("{PAIRS} pr=C")));
    refused("", "unknown sentence");
    refused("Pass (mx.contoso.example: fine)", "unknown sentence");
    refused("Pass (protection.outlook.com: fine)", "unknown sentence");
    refused("Pass (protection.outlook.com: domain of a.example", "unknown sentence");
    refused("pass (protection.outlook.com: x)", "unknown result \"pass\"");
    refused("Neutral (protection.outlook.com: x)", "unknown sentence");
    refused("Temporary (protection.outlook.com: x)", "unknown result \"Temporary\"");
    refused(pass, "unknown pairs");
    refused(&format!("{pass}{PAIRS} pr=C;"), "unknown pairs");
    refused(&format!("{pass}{PAIRS} pr=D"), "unknown pairs");
    refused(&format!("{pass}{}", PAIRS.replace("192.0.2.13", "192.0.2.14")), "unknown pairs");
    refused(&format!("{pass}{}", PAIRS.replace("protection.outlook.com", "mx.example")), "unknown pairs");
    refused(&format!("{pass}{}", PAIRS.replace("helo=mail.small.example", "helo=")), "bad name \"\"");
    refused(&format!("{}{PAIRS}", pass.replace("a.example", "a b")), "bad name \"a b\"");
    refused(&format!("{}{PAIRS}", pass.replace("192.0.2.13", "x")), "not an address: \"x\"");
    refused(&format!("{}{PAIRS}", pass.replace("192.0.2.13", "")), "not an address: \"\"");
    refused("None (protection.outlook.com: a.example does not designate permitted sender hosts) x", "unknown pairs");
    refused(&"x".repeat(MAX_LENGTH + 1), "value too long");
}

proptest! {
    #[test]
    fn what_is_read_is_written_and_read_again(
        sentence in "(Pass|Fail|SoftFail|None|TempError) \\(protection.outlook.com: (domain of )?(transitioning )?a?(designates|does not designate|discourages use of| )+(1\\.2\\.3\\.4|::ffff:1\\.2\\.3\\.4)?( as permitted sender)?\\)",
        pairs in "( receiver=protection.outlook.com; client-ip=1.2.3.4; helo=[a;]{1,2};( pr=C)?)?",
    ) {
        if let Ok(received) = format!("{sentence}{pairs}").parse::<ReceivedSpf>() {
            prop_assert_eq!(received.to_string().parse(), Ok(received));
        }
    }
}
