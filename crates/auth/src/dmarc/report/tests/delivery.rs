//! Where reports go, and in what form.

use mxlab_mail::headers::Message;

use super::deliver::{Decision, destinations};
use super::*;
use crate::dmarc::Record;

const HOSTS: &str = "
    contoso.example._report._dmarc.analytics.test TXT v=DMARC1
    contoso.example._report._dmarc.elsewhere.test TXT v=DMARC1; rua=mailto:in@elsewhere.test,mailto:also@Elsewhere.test
    contoso.example._report._dmarc.small.test TXT v=DMARC1; rua=mailto:in@small.test!1k
    contoso.example._report._dmarc.thief.test TXT v=DMARC1; rua=mailto:in@victim.test
    contoso.example._report._dmarc.web.test TXT v=DMARC1; rua=https://web.test
    contoso.example._report._dmarc.junk.test TXT hello
    contoso.example._report._dmarc.junk.test TXT v=spf1 -all
    contoso.example._report._dmarc.both.test TXT hello
    contoso.example._report._dmarc.both.test TXT v=DMARC1;
    contoso.example._report._dmarc.spoilt.test TXT v=DMARC1; p=none; p=none
    contoso.example._report._dmarc.slow.test TIMEOUT
    _dmarc.contoso.example TXT v=DMARC1; p=none
    _dmarc.unit.contoso.example TXT v=DMARC1; p=none; psd=n
";

/// The decision about each URI, for a report of 2,000 octets, and the number of questions.
fn decided(rules: Rules, uris: &str) -> (Vec<String>, usize) {
    let record = Record::parse(&format!("v=DMARC1; p=none; rua={uris}"), rules).expect("a record");
    let zone = Zone::new(HOSTS);
    let (destinations, lookups) = now(destinations(&zone, rules, "contoso.example", &record.aggregate, 2_000));
    let words = destinations.iter().map(|destination| match &destination.decision {
        Decision::Send { to } => to.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        Decision::Skip { why } => format!("- {why}"),
    });
    (words.collect(), lookups.len())
}

#[track_caller]
fn check(uri: &str, expected: &str) {
    for rules in [Rules::Rfc7489, Rules::Rfc9989] {
        assert_eq!(decided(rules, uri).0, [expected], "{uri} by {rules:?}");
    }
}

#[test]
fn destinations_of_the_same_organization() {
    check("mailto:d@contoso.example", "d@contoso.example");
    check("mailto:d@Reports.Contoso.example", "d@Reports.Contoso.example");
    assert_eq!(decided(Rules::Rfc7489, "mailto:d@reports.contoso.example").1, 0);
    // By the tree walk a unit may be an organization of its own.
    assert_eq!(decided(Rules::Rfc7489, "mailto:d@unit.contoso.example").0, ["d@unit.contoso.example"]);
    assert_eq!(
        decided(Rules::Rfc9989, "mailto:d@unit.contoso.example").0,
        ["- contoso.example._report._dmarc.unit.contoso.example has no record, so the destination does not agree"]
    );
}

#[test]
fn destinations_elsewhere() {
    let no = |host: &str| {
        format!("- contoso.example._report._dmarc.{host} has no record, so the destination does not agree")
    };
    check("mailto:d@analytics.test", "d@analytics.test");
    check("mailto:d@both.test", "d@both.test");
    check("mailto:d@victim.test", &no("victim.test"));
    check("mailto:d@junk.test", &no("junk.test"));
    check("mailto:d@spoilt.test", &no("spoilt.test"));
    // Its own addresses instead, but not those of others.
    check("mailto:d@elsewhere.test", "in@elsewhere.test also@Elsewhere.test");
    check("mailto:d@thief.test", "- the destination names mailto:in@victim.test, which is at another host");
    check("mailto:d@web.test", "- reports are sent only by mail");
    check("mailto:d@slow.test", "- contoso.example._report._dmarc.slow.test TXT could not be looked up: timeout");
    check("https://contoso.example/reports", "- reports are sent only by mail");
    check("mailto:d@%5B192.0.2.1%5D", "- there is no name that could be asked");
    let long = format!("{0}.{0}.{0}.{1}.test", "a".repeat(60), "b".repeat(50));
    check(&format!("mailto:d@{long}"), "- there is no name that could be asked");
}

#[test]
fn sizes() {
    let by = |rules, uri: &str| decided(rules, uri).0.remove(0);
    let too_large = "- the report has 2000 octets, but at most 1024 are accepted there";
    assert_eq!(by(Rules::Rfc7489, "mailto:d@contoso.example!1k"), too_large);
    assert_eq!(by(Rules::Rfc7489, "mailto:d@contoso.example!2000"), "d@contoso.example");
    assert_eq!(by(Rules::Rfc7489, "mailto:d@analytics.test!1k"), too_large);
    assert_eq!(by(Rules::Rfc7489, "mailto:d@small.test"), too_large);
    // The size is obsolete.
    assert_eq!(by(Rules::Rfc9989, "mailto:d@contoso.example!1k"), "d@contoso.example");
    assert_eq!(by(Rules::Rfc9989, "mailto:d@small.test"), "in@small.test");
}

#[test]
fn destinations_are_bounded() {
    let uris = ["mailto:d@victim.test"; deliver::MAX_DESTINATIONS + 2].join(",");
    let (words, questions) = decided(Rules::Rfc7489, &uris);
    assert_eq!(words.len(), deliver::MAX_DESTINATIONS + 2);
    assert_eq!(words.iter().filter(|words| *words == "- only 10 destinations are used").count(), 2);
    assert_eq!(questions, deliver::MAX_DESTINATIONS);
}

fn finished(form: Form) -> AggregateReport {
    let mut collector = Collector::new(reporter(form));
    let rules = if form == Form::Rfc7489 { Rules::Rfc7489 } else { Rules::Rfc9989 };
    for ip in ["192.0.2.1", "192.0.2.2", "192.0.2.2"] {
        collector.add(at("2026-03-02T12:00:00Z"), &evaluation(rules, "contoso.example", "", 0), &observation(ip));
    }
    collector.finish(at("2026-03-03T00:00:00Z")).remove(0).report
}

#[test]
fn names() {
    let id = "e367f11024f84a0e710ae7320567ec68";
    let older = finished(Form::Rfc7489);
    assert_eq!(older.metadata.report_id, id);
    assert_eq!(
        older.file_name("fabrikam.example"),
        format!("fabrikam.example!contoso.example!1772409600!1772495999!{id}.xml.gz")
    );
    let subject = "Report Domain: contoso.example Submitter: fabrikam.example Report-ID: ";
    assert_eq!(older.subject("fabrikam.example"), format!("{subject}<{id}@fabrikam.example>"));
    let newer = finished(Form::Rfc9990);
    let id = &newer.metadata.report_id;
    assert_eq!(newer.subject("fabrikam.example"), format!("{subject}<{id}>"));
}

#[test]
fn the_message() {
    let report = finished(Form::Rfc7489);
    let reporter = reporter(Form::Rfc7489);
    let attachment = report.attachment(&reporter.domain).expect("memory");
    let to = "dmarc@contoso.example".parse().expect("an address");
    let message = report.to_message(&reporter, &attachment, &to, at("2026-03-03T00:10:00Z"));
    assert_eq!(message, report.to_message(&reporter, &attachment, &to, at("2026-03-03T00:10:00Z")));
    let text = String::from_utf8(message).expect("text");
    assert!(text.lines().all(|line| line.len() <= 120) && !text.replace("\r\n", "").contains(['\r', '\n']));
    let parsed = Message::parse(text.as_bytes()).expect("a message");
    let value = |name: &str| parsed.field(name).map(|field| field.value()).expect("a field");
    assert_eq!(value("From"), "<dmarc@fabrikam.example>");
    assert_eq!(value("To"), "<dmarc@contoso.example>");
    assert_eq!(value("Subject"), report.subject("fabrikam.example"));
    assert_eq!(value("Date"), "Tue, 03 Mar 2026 00:10:00 +0000");
    assert!(parsed.message_id().is_ok());
    let id = &report.metadata.report_id;
    assert_eq!(value("Content-Type"), format!("multipart/mixed; boundary=\"report-{id}\""));
    let body = String::from_utf8_lossy(parsed.body()).into_owned();
    let parts: Vec<_> = body.split(&format!("--report-{id}")).collect();
    assert_eq!(parts.len(), 4, "{body}");
    assert_eq!(parts[3], "--\r\n");
    let words = "This is an aggregate report of DMARC.\r\n\r\nDomain: contoso.example\r\nPeriod: Mon, 02 Mar 2026 00:00:00 +0000 to Mon, 02 Mar 2026 23:59:59 +0000\r\nMessages: 3\r\n";
    assert!(parts[1].contains(words), "{body}");
    let file = Message::parse(parts[2].trim_start().as_bytes()).expect("a part");
    let value = |name: &str| file.field(name).map(|field| field.value()).expect("a field");
    assert_eq!(value("Content-Type"), format!("application/gzip; name=\"{}\"", attachment.file_name));
    assert_eq!(value("Content-Transfer-Encoding"), "base64");
    let encoded: Vec<u8> = file.body().iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
    let octets = data_encoding::BASE64.decode(&encoded).expect("base64");
    assert_eq!(AggregateReport::from_gzip(&octets), Ok(report));
    assert_eq!(attachment.size(), u64::try_from(attachment.encoded.len()).expect("a size"));
}

/// Messages to two addresses are two messages.
#[test]
fn message_ids() {
    let report = finished(Form::Rfc9990);
    let reporter = reporter(Form::Rfc9990);
    let attachment = report.attachment(&reporter.domain).expect("memory");
    let id = |to: &str| {
        let to = to.parse().expect("an address");
        let message = report.to_message(&reporter, &attachment, &to, at("2026-03-03T00:10:00Z"));
        Message::parse(&message).expect("a message").message_id().expect("an id").to_string()
    };
    assert_ne!(id("a@contoso.example"), id("b@contoso.example"));
    assert!(id("a@contoso.example").ends_with("@fabrikam.example>"));
}
