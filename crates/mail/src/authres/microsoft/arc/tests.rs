use proptest::prelude::*;

use super::super::SpfIdentity;
use super::*;
use crate::authres::{DmarcAction, DmarcResult, SpfResult};

const CHECKED: &str = "i=2; mx.microsoft.com 1; spf=pass (sender ip is 192.0.2.1) smtp.rcpttodomain=fabrikam.example smtp.mailfrom=contoso.example; dmarc=pass (p=none sp=quarantine pct=50) action=none header.from=contoso.example; dkim=fail (no key for signature) header.d=a.example; dkim=none (message not signed); arc=pass (0 oda=1 ltdi=0 spf=[1,1,smtp.mailfrom=contoso.example] dkim=[1,2,header.d=a.example] dmarc=[0,1,header.from=contoso.example] 93)";

fn checked() -> ArcAuthenticationResults {
    let previous = |numbers, domain: &str| Some(Previous { numbers, domain: domain.into() });
    ArcAuthenticationResults {
        instance: Instance::new(2).expect("in range"),
        spf: ArcSpf::Checked {
            clause: SpfClause {
                result: SpfResult::Pass,
                ip: Some([192, 0, 2, 1].into()),
                identity: SpfIdentity::MailFrom("contoso.example".into()),
            },
            rcpt_to_domain: Some("fabrikam.example".into()),
        },
        dmarc: ArcDmarc {
            clause: DmarcClause {
                result: DmarcResult::Pass,
                action: DmarcAction::None,
                header_from: "contoso.example".into(),
            },
            policy: Some(PublishedPolicy { p: DmarcPolicy::None, sp: DmarcPolicy::Quarantine, pct: 50 }),
        },
        dkim: vec![
            ArcDkim::Checked(DkimClause { result: DkimResult::FailNoKey, domain: Some("a.example".into()) }),
            ArcDkim::Checked(DkimClause::not_signed()),
        ],
        arc: ArcClause::Pass {
            code: 0,
            oda: true,
            ltdi: false,
            previous: PreviousResults {
                spf: previous([1, 1], "contoso.example"),
                dkim: previous([1, 2], "a.example"),
                dmarc: previous([0, 1], "contoso.example"),
            },
            remark: Some(93),
        },
    }
}

#[test]
fn written_and_read() {
    assert_eq!(checked().to_string(), CHECKED);
    assert_eq!(CHECKED.parse(), Ok(checked()));
    let folded = checked().to_field();
    assert!(folded.starts_with("ARC-Authentication-Results: i=2; mx.microsoft.com 1; spf=pass (sender ip is\r\n 192"));
}

#[test]
fn short_forms() {
    let submitted = "i=1; mx.microsoft.com 1; spf=pass smtp.mailfrom=a.example; dmarc=pass action=none header.from=a.example; dkim=pass header.d=a.example; arc=none";
    let read: ArcAuthenticationResults = submitted.parse().expect(submitted);
    assert_eq!(read.spf, ArcSpf::Submitted { mail_from: "a.example".into() });
    assert_eq!(read.dkim, [ArcDkim::Submitted { domain: "a.example".into() }]);
    assert_eq!(read.arc, ArcClause::None { code: None });
    assert_eq!(read.to_string(), submitted);
    let system = "i=1; mx.microsoft.com 1; spf=none; dmarc=none action=none header.from=a.example; dkim=none (message not signed); arc=none (0)";
    let read: ArcAuthenticationResults = system.parse().expect(system);
    assert_eq!((&read.spf, &read.arc), (&ArcSpf::System, &ArcClause::None { code: Some(0) }));
    assert_eq!(read.to_string(), system);
}

#[track_caller]
fn clause<T: FromStr<Err = AuthResError> + fmt::Display>(text: &str, expected: Result<(), &str>) {
    let written = text.parse::<T>().map(|clause| clause.to_string()).map_err(|error| error.to_string());
    let expected = match expected {
        Ok(()) => Ok(text.to_owned()),
        Err(problem) => Err(format!("{problem} in clause {text:?}")),
    };
    assert_eq!(written, expected);
}

#[test]
fn clauses() {
    clause::<ArcSpf>("spf=none (sender ip is ) smtp.mailfrom=<>", Ok(()));
    clause::<ArcSpf>("spf=fail (sender ip is 2001:db8::1) smtp.rcpttodomain=a smtp.helo=b", Ok(()));
    clause::<ArcSpf>("spf=fail", Err("no comment"));
    clause::<ArcSpf>("spf=fail smtp.mailfrom=a", Err("no comment"));
    clause::<ArcSpf>("spf=none smtp.mailfrom=a", Err("no comment"));
    clause::<ArcSpf>("spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=a", Err("unknown comment"));
    clause::<ArcSpf>("spf=pass (sender ip is 192.0.2.1)", Err("unexpected properties"));
    clause::<ArcSpf>(
        "spf=pass (sender ip is 192.0.2.1) smtp.mailfrom=a smtp.rcpttodomain=b",
        Err("unexpected properties"),
    );
    clause::<ArcDmarc>("dmarc=fail (p=reject sp=none pct=0) action=oreject header.from=a", Ok(()));
    clause::<ArcDmarc>("dmarc=fail (p=reject sp=none) action=oreject header.from=a", Err("unknown policy"));
    clause::<ArcDmarc>("dmarc=fail (p=refuse sp=none pct=1) action=oreject header.from=a", Err("unknown policy"));
    clause::<ArcDmarc>("dmarc=fail (p=none sp=none pct=101) action=none header.from=a", Err("unknown policy"));
    clause::<ArcDmarc>("dmarc=fail (p=none sp=none pct=01) action=none header.from=a", Err("unknown policy"));
    clause::<ArcDmarc>("dmarc=fail (p=none sp=none pct=1 x) action=none header.from=a", Err("unknown policy"));
    clause::<ArcDmarc>("dmarc=fail action=none", Err("unexpected properties"));
    clause::<ArcDkim>("dkim=timeout (key query timeout) header.d=a", Ok(()));
    clause::<ArcDkim>("dkim=temperror header.d=a", Ok(()));
    clause::<ArcDkim>("dkim=none (message not signed) header.d=none", Ok(()));
    clause::<ArcDkim>("dkim=pass", Err("unknown result or comment"));
    clause::<ArcDkim>("dkim=permerror", Err("no header.d"));
    clause::<ArcDkim>("dkim=pass (signature was verified)", Err("no header.d"));
    clause::<ArcDkim>("dkim=pass header.d=a header.s=b", Err("unexpected properties"));
    clause::<ArcClause>("arc=fail (47)", Ok(()));
    clause::<ArcClause>("arc=fail", Err("no comment"));
    clause::<ArcClause>("arc=fail (047)", Err("not a number"));
    clause::<ArcClause>("arc=none (x)", Err("not a number"));
    clause::<ArcClause>("arc=temperror", Err("unknown result"));
    clause::<ArcClause>("arc=none x=y", Err("unexpected properties"));
}

#[test]
fn what_arc_passes_say() {
    for comment in [
        "0 oda=0 ltdi=0",
        "0 oda=0 ltdi=0 93",
        "0 oda=1 ltdi=1 dkim=[1,1,header.d=a.example]",
        "7 oda=1 ltdi=1 spf=[0,10,smtp.mailfrom=a.example] dmarc=[1,1,header.from=a.example] 93",
    ] {
        clause::<ArcClause>(&format!("arc=pass ({comment})"), Ok(()));
    }
    for comment in [
        "",
        "0",
        "0 oda=1",
        "0 oda=2 ltdi=1",
        "0 ltdi=1 oda=1",
        "0 oda=1 ltdi=1 x",
        "0 oda=1 ltdi=1 93 94",
        "0 oda=1 ltdi=1 dmarc=[1,1,header.from=a] spf=[1,1,smtp.mailfrom=a]",
        "0 oda=1 ltdi=1 spf=[1,1,header.d=a]",
        "0 oda=1 ltdi=1 spf=[1,1,smtp.mailfrom=]",
        "0 oda=1 ltdi=1 spf=[1,1,smtp.mailfrom=a,b]",
        "0 oda=1 ltdi=1 spf=[1,smtp.mailfrom=a]",
        "0 oda=1 ltdi=1 spf=[1,x,smtp.mailfrom=a]",
    ] {
        clause::<ArcClause>(&format!("arc=pass ({comment})"), Err("unknown comment"));
    }
}

#[track_caller]
fn refused(value: &str, expected: &str) {
    let outcome = value.parse::<ArcAuthenticationResults>().map_err(|error| error.to_string());
    assert_eq!(outcome, Err(expected.to_owned()), "{value}");
}

#[test]
fn what_is_not_read() {
    refused("", "not of mx.microsoft.com");
    refused("i=1; mx.contoso.example; none", "not of mx.microsoft.com");
    refused("mx.microsoft.com 1; spf=none", "not of mx.microsoft.com");
    refused(&CHECKED.replace("com 1;", "com;"), "not of mx.microsoft.com");
    refused(&CHECKED.replace("i=2", "i=0"), "bad instance");
    refused(&CHECKED.replace("i=2", "i=51"), "bad instance");
    refused(&CHECKED.replace("i=2", "i=02"), "bad instance");
    refused(&CHECKED.replace("i=2", "i=300"), "bad instance");
    refused(&format!("{CHECKED};"), "unknown clause \"\"");
    refused("i=1; mx.microsoft.com 1; spf=none", "no dmarc clause");
    let dmarc = "dmarc=none action=none header.from=a";
    refused(&format!("i=1; mx.microsoft.com 1; spf=none; {dmarc}"), "no arc clause");
    refused(&format!("i=1; mx.microsoft.com 1; spf=none; {dmarc}; arc=none"), "no dkim clause");
    refused(&format!("i=1; mx.microsoft.com 1; {dmarc}; spf=none"), &format!("unknown clause {dmarc:?}"));
    let many = |count: usize| {
        format!("i=1; mx.microsoft.com 1; spf=none; {dmarc}{}; arc=none", "; dkim=permerror header.d=a".repeat(count))
    };
    assert!(many(MAX_CLAUSES - 3).parse::<ArcAuthenticationResults>().is_ok());
    refused(&many(MAX_CLAUSES - 2), "value too long");
    refused(&"x".repeat(MAX_LENGTH + 1), "value too long");
}

#[test]
fn names_cannot_break_the_value() {
    let mut results = checked();
    results.dkim = vec![ArcDkim::Submitted { domain: "a; arc=none".into() }];
    let previous = Previous { numbers: [1, 1], domain: "a]b,c)".into() };
    results.arc = ArcClause::Pass {
        code: 0,
        oda: true,
        ltdi: true,
        previous: PreviousResults { spf: Some(previous), ..PreviousResults::default() },
        remark: None,
    };
    let expected = "dkim=pass header.d=a??arc=none; arc=pass (0 oda=1 ltdi=1 spf=[1,1,smtp.mailfrom=a?b?c?])";
    assert!(results.to_string().ends_with(expected), "{results}");
}

proptest! {
    #[test]
    fn what_is_read_is_written_and_read_again(
        spf in "spf=(none|pass smtp.mailfrom=a|fail \\(sender ip is (::1|::ffff:1.2.3.4|) ?\\)( smtp.rcpttodomain=a)? smtp.(mailfrom|helo)=(a|<>))",
        dmarc in "dmarc=(none|pass)( \\(p=none  sp=reject pct=[01]{1,3}\\))? action=none header.from=[a;]{1,2}",
        dkim in "(; ?dkim=(none \\(message not signed\\)|temperror|pass)( header.d=(a|none))?){0,3}",
        arc in "arc=(none|fail|pass)( \\([0-9]( oda=1 ltdi=0( spf=\\[1,1,smtp.mailfrom=a\\])?( dkim=\\[1,1,header.d=a\\])?( 93)?)?\\))?",
    ) {
        let value = format!("i=1; mx.microsoft.com 1;{spf}; {dmarc}{dkim} ; {arc}");
        if let Ok(read) = value.parse::<ArcAuthenticationResults>() {
            prop_assert_eq!(read.to_string().parse(), Ok(read));
        }
    }
}
