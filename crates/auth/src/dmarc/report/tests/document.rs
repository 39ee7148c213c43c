//! The document, written and read.

use proptest::option;

use super::*;

fn report(form: Form) -> AggregateReport {
    let older = form == Form::Rfc7489;
    AggregateReport {
        form,
        metadata: Metadata {
            org_name: "Fabrikam & Söhne".to_owned(),
            email: "dmarc@fabrikam.example".to_owned(),
            extra_contact_info: Some("https://fabrikam.example/dmarc?a=1&b=2".to_owned()),
            report_id: "1f2e3d".to_owned(),
            period: Period { begin: 1_772_409_600, end: 1_772_495_999 },
            errors: vec!["\"adkim=<x>\" cannot be understood".to_owned()],
            generator: (!older).then(|| "mxlab".to_owned()),
        },
        policy: PolicyPublished {
            domain: "contoso.example".to_owned(),
            discovery_method: (!older).then_some(DiscoveryMethod::TreeWalk),
            adkim: Some(Mode::Strict),
            aspf: Some(Mode::Relaxed),
            policy: Policy::Reject,
            subdomain: Some(Policy::Quarantine),
            nonexistent: Some(Policy::None),
            percent: older.then_some(50),
            testing: (!older).then_some(true),
            failure_options: Some("1:d".to_owned()),
        },
        rows: vec![Row {
            source_ip: "2001:db8::1".parse().expect("an address"),
            count: 3,
            disposition: Disposition::Quarantine,
            dkim: false,
            spf: false,
            reasons: vec![Reason { kind: ReasonKind::LocalPolicy, comment: Some("arc=pass".to_owned()) }],
            header_from: "mail.contoso.example".to_owned(),
            envelope_from: Some(String::new()),
            envelope_to: Some("fabrikam.example".to_owned()),
            dkim_results: vec![DkimAuth {
                domain: "other.example".to_owned(),
                selector: Some("s1".to_owned()),
                result: DkimWord::Pass,
                human_result: None,
            }],
            spf_results: vec![SpfAuth {
                domain: "out.contoso.example".to_owned(),
                scope: Some(Scope::MailFrom),
                result: SpfWord::SoftFail,
                human_result: Some("~all".to_owned()),
            }],
        }],
    }
}

const RECORD: &str = "  <record>
    <row>
      <source_ip>2001:db8::1</source_ip>
      <count>3</count>
      <policy_evaluated>
        <disposition>quarantine</disposition>
        <dkim>fail</dkim>
        <spf>fail</spf>
        <reason>
          <type>local_policy</type>
          <comment>arc=pass</comment>
        </reason>
      </policy_evaluated>
    </row>
    <identifiers>
      <envelope_to>fabrikam.example</envelope_to>
      <envelope_from></envelope_from>
      <header_from>mail.contoso.example</header_from>
    </identifiers>
    <auth_results>
      <dkim>
        <domain>other.example</domain>
        <selector>s1</selector>
        <result>pass</result>
      </dkim>
      <spf>
        <domain>out.contoso.example</domain>
        <scope>mfrom</scope>
        <result>softfail</result>
        <human_result>~all</human_result>
      </spf>
    </auth_results>
  </record>
</feedback>
";

#[test]
fn in_full_by_rfc7489() {
    let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<feedback>
  <version>1.0</version>
  <report_metadata>
    <org_name>Fabrikam &amp; Söhne</org_name>
    <email>dmarc@fabrikam.example</email>
    <extra_contact_info>https://fabrikam.example/dmarc?a=1&amp;b=2</extra_contact_info>
    <report_id>1f2e3d</report_id>
    <date_range>
      <begin>1772409600</begin>
      <end>1772495999</end>
    </date_range>
    <error>&quot;adkim=&lt;x&gt;&quot; cannot be understood</error>
  </report_metadata>
  <policy_published>
    <domain>contoso.example</domain>
    <adkim>s</adkim>
    <aspf>r</aspf>
    <p>reject</p>
    <sp>quarantine</sp>
    <np>none</np>
    <pct>50</pct>
    <fo>1:d</fo>
  </policy_published>
";
    assert_eq!(report(Form::Rfc7489).to_xml(), format!("{expected}{RECORD}"));
}

#[test]
fn in_full_by_rfc9990() {
    let xml = report(Form::Rfc9990).to_xml();
    let expected = "  <policy_published>
    <domain>contoso.example</domain>
    <discovery_method>treewalk</discovery_method>
    <p>reject</p>
    <sp>quarantine</sp>
    <np>none</np>
    <fo>1:d</fo>
    <adkim>s</adkim>
    <aspf>r</aspf>
    <testing>y</testing>
  </policy_published>
";
    assert!(
        xml.contains("\n<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">\n  <version>1.0</version>\n"),
        "{xml}"
    );
    assert!(xml.contains("    <generator>mxlab</generator>\n  </report_metadata>\n"), "{xml}");
    assert!(xml.ends_with(&format!("{expected}{RECORD}")), "{xml}");
}

#[test]
fn what_others_write() {
    let xml = r#"<?xml version="1.0"?>
        <!-- by hand --> <a:feedback xmlns:a="urn:ietf:params:xml:ns:dmarc-2.0" xmlns:x="urn:x"><a:report_metadata>
        <a:report_id> 7 </a:report_id><a:email>a@b.example</a:email><a:org_name><![CDATA[B & B]]>&#x21;</a:org_name>
        <a:date_range><a:end>20</a:end><a:begin>10</a:begin></a:date_range></a:report_metadata>
        <a:policy_published><a:p>none</a:p><a:domain>contoso.example</a:domain><a:adkim/></a:policy_published>
        <x:extension><x:row>5</x:row></x:extension>
        <a:record><a:row><a:count>1</a:count><a:source_ip>192.0.2.1</a:source_ip><a:policy_evaluated>
        <a:spf>pass</a:spf><a:dkim>fail</a:dkim><a:disposition>pass</a:disposition></a:policy_evaluated></a:row>
        <a:auth_results/><a:identifiers><a:header_from>contoso.example</a:header_from></a:identifiers>
        <x:arc>never</x:arc></a:record></a:feedback> "#;
    let report = AggregateReport::from_xml(xml.as_bytes()).expect("a report");
    assert_eq!(report.form, Form::Rfc9990);
    assert_eq!(report.metadata.org_name, "B & B!");
    assert_eq!(report.metadata.report_id, "7");
    assert_eq!(report.policy.adkim, None);
    let row = &report.rows[0];
    assert_eq!((row.count, row.spf, row.dkim, row.disposition), (1, true, false, Disposition::Pass));
    assert_eq!((row.envelope_from.as_ref(), row.spf_results.len()), (None, 0));
}

#[track_caller]
fn refused(xml: &str, expected: &str) {
    let error = AggregateReport::from_xml(xml.as_bytes()).expect_err("no report");
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[test]
fn what_is_no_report() {
    let good = report(Form::Rfc7489).to_xml();
    let with = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1)
    };
    refused("", "not XML: it ends too early");
    refused("feedback", "not XML");
    refused("<feedback>", "not XML");
    refused("<feedback></feed>", "not XML");
    refused("<feedback/>", "no report_metadata");
    refused("<html/>", "no feedback");
    refused(&with("<feedback>", "<!DOCTYPE feedback [<!ENTITY a \"b\">]><feedback>"), "not XML: a document type");
    refused(&with("Fabrikam &amp;", "Fabrikam &a;"), "not XML: the entity a is not known");
    refused(&with("<begin>1772409600</begin>", ""), "no begin");
    refused(&with("<count>3</count>", "<count>-3</count>"), "count is \"-3\"");
    refused(&with("2001:db8::1", "2001:db8::g"), "source_ip is \"2001:db8::g\"");
    refused(&with("<pct>50</pct>", "<pct>101</pct>"), "pct is \"101\"");
    refused(&with("<p>reject</p>", "<p>maybe</p>"), "p is \"maybe\"");
    refused(&with("<dkim>fail</dkim>", "<dkim>maybe</dkim>"), "dkim is \"maybe\"");
    refused(&with("local_policy", "whim"), "type is \"whim\"");
    assert!(matches!(AggregateReport::from_xml(b"\xff<feedback/>"), Err(ReadError::Xml { .. })));
}

#[test]
fn documents_are_bounded() {
    let deep = format!("<feedback>{}", "<a>".repeat(read::MAX_DEPTH));
    assert_eq!(AggregateReport::from_xml(deep.as_bytes()), Err(ReadError::TooLarge));
    let wide = format!("<feedback>{}</feedback>", "<a/>".repeat(read::MAX_ELEMENTS));
    assert_eq!(AggregateReport::from_xml(wide.as_bytes()), Err(ReadError::TooLarge));
    let long = " ".repeat(read::MAX_DOCUMENT + 1);
    assert_eq!(AggregateReport::from_xml(long.as_bytes()), Err(ReadError::TooLarge));
}

#[test]
fn packed_documents() {
    for form in [Form::Rfc7489, Form::Rfc9990] {
        let report = report(form);
        let attachment = report.attachment("fabrikam.example").expect("memory");
        assert_eq!(AggregateReport::from_gzip(&attachment.octets), Ok(report.clone()));
        assert_eq!(report.attachment("fabrikam.example").expect("memory"), attachment);
        // It contains nothing of the machine: no time, no name, an unknown system.
        assert_eq!(attachment.octets[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
    }
    assert!(matches!(AggregateReport::from_gzip(b"<feedback/>"), Err(ReadError::Gzip { .. })));
    let octets = report(Form::Rfc7489).attachment("fabrikam.example").expect("memory").octets;
    assert!(matches!(AggregateReport::from_gzip(&octets[..octets.len() - 1]), Err(ReadError::Gzip { .. })));
}

/// A file that expands to far more than its size.
#[test]
fn bombs() {
    use std::io::Write as _;
    let mut packer = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::best());
    packer.write_all(&vec![b' '; read::MAX_DOCUMENT + 1_000]).expect("memory");
    let bomb = packer.finish().expect("memory");
    assert!(bomb.len() < 20_000);
    assert_eq!(AggregateReport::from_gzip(&bomb), Err(ReadError::TooLarge));
}

#[test]
fn characters_that_no_document_holds() {
    let mut report = report(Form::Rfc7489);
    report.metadata.org_name = "a\u{0}b\u{1b}c\u{ffff}d\r\n]]>".to_owned();
    let read = AggregateReport::from_xml(report.to_xml().as_bytes()).expect("a report");
    assert_eq!(read.metadata.org_name, "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}\u{fffd}]]>");
}

/// Text as a document keeps it: without blanks at its ends and without characters that it cannot hold.
fn text() -> impl Strategy<Value = String> {
    "[!-~é食]([ -~é食]{0,8}[!-~é食])?"
}

fn policy() -> impl Strategy<Value = Policy> {
    prop_oneof![Just(Policy::None), Just(Policy::Quarantine), Just(Policy::Reject)]
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Relaxed), Just(Mode::Strict)]
}

fn dkim_auth() -> impl Strategy<Value = DkimAuth> {
    let result =
        prop_oneof![Just(DkimWord::None), Just(DkimWord::Pass), Just(DkimWord::Policy), Just(DkimWord::PermError)];
    (text(), option::of(text()), result, option::of(text()))
        .prop_map(|(domain, selector, result, human_result)| DkimAuth { domain, selector, result, human_result })
}

fn spf_auth() -> impl Strategy<Value = SpfAuth> {
    let result =
        prop_oneof![Just(SpfWord::None), Just(SpfWord::Pass), Just(SpfWord::SoftFail), Just(SpfWord::TempError)];
    let scope = option::of(prop_oneof![Just(Scope::Helo), Just(Scope::MailFrom)]);
    (text(), scope, result, option::of(text())).prop_map(|(domain, scope, result, human_result)| SpfAuth {
        domain,
        scope,
        result,
        human_result,
    })
}

fn row() -> impl Strategy<Value = Row> {
    let kind = prop_oneof![Just(ReasonKind::SampledOut), Just(ReasonKind::PolicyTestMode), Just(ReasonKind::Other)];
    let reason = (kind, option::of(text())).prop_map(|(kind, comment)| Reason { kind, comment });
    let disposition = prop_oneof![Just(Disposition::None), Just(Disposition::Pass), Just(Disposition::Reject)];
    let evaluated = (disposition, any::<bool>(), any::<bool>(), proptest::collection::vec(reason, 0..3));
    let identifiers = (text(), option::of(prop_oneof![Just(String::new()), text()]), option::of(text()));
    let results = (proptest::collection::vec(dkim_auth(), 0..3), proptest::collection::vec(spf_auth(), 0..2));
    (any::<IpAddr>(), any::<u64>(), evaluated, identifiers, results).prop_map(
        |(source_ip, count, evaluated, identifiers, results)| {
            let (disposition, dkim, spf, reasons) = evaluated;
            let (header_from, envelope_from, envelope_to) = identifiers;
            let (dkim_results, spf_results) = results;
            Row {
                source_ip,
                count,
                disposition,
                dkim,
                spf,
                reasons,
                header_from,
                envelope_from,
                envelope_to,
                dkim_results,
                spf_results,
            }
        },
    )
}

prop_compose! {
    fn any_report()(
        older in any::<bool>(),
        names in (text(), text(), option::of(text()), text()),
        period in (any::<i64>(), any::<i64>()),
        errors in proptest::collection::vec(text(), 0..3),
        generator in option::of(text()),
        domain in text(),
        modes in (option::of(mode()), option::of(mode())),
        policies in (policy(), option::of(policy()), option::of(policy())),
        percent in option::of(0_u8..=100),
        testing in option::of(any::<bool>()),
        failure_options in option::of(text()),
        rows in proptest::collection::vec(row(), 0..4),
    ) -> AggregateReport {
        let (org_name, email, extra_contact_info, report_id) = names;
        let form = if older { Form::Rfc7489 } else { Form::Rfc9990 };
        AggregateReport {
            form,
            metadata: Metadata {
                org_name,
                email,
                extra_contact_info,
                report_id,
                period: Period { begin: period.0, end: period.1 },
                errors,
                generator: generator.filter(|_| !older),
            },
            policy: PolicyPublished {
                domain,
                discovery_method: (!older).then_some(DiscoveryMethod::Psl),
                adkim: modes.0,
                aspf: modes.1,
                policy: policies.0,
                subdomain: policies.1,
                nonexistent: policies.2,
                percent: percent.filter(|_| older),
                testing: testing.filter(|_| !older),
                failure_options,
            },
            rows,
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(report in any_report()) {
        prop_assert_eq!(AggregateReport::from_xml(report.to_xml().as_bytes()), Ok(report));
    }

    #[test]
    fn never_panics(octets in proptest::collection::vec(any::<u8>(), 0..60), xml in "(<[a-z/!?\\[ ]{0,9}>?|&[a-z#0-9]{0,4};|\\PC){0,20}") {
        let _ = AggregateReport::from_xml(&octets);
        let _ = AggregateReport::from_gzip(&octets);
        let _ = AggregateReport::from_xml(xml.as_bytes());
    }

    /// A damaged document is refused or read as something else; nothing worse happens.
    #[test]
    fn never_panics_on_damage(at in 0_usize..2_000, by in any::<u8>()) {
        let mut octets = report(Form::Rfc9990).to_xml().into_bytes();
        let length = octets.len();
        octets[at % length] = by;
        let _ = AggregateReport::from_xml(&octets);
    }
}
