use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::headers::Message;
use crate::smtp::{Class, EnhancedCode};

const ORIGINAL: &str = "From: Ann <ann@contoso.example>\r\nTo: bo@fabrikam.example\r\nSubject: Lunch\r\nMessage-ID: <m1@contoso.example>\r\nReferences: <m0@contoso.example>\r\n\r\nAt noon?\r\n";

fn report() -> StatusNotification {
    let status = EnhancedCode::new(Class::Permanent, 7, 323);
    let time = |text: &str| text.parse().expect("a timestamp");
    StatusNotification {
        kind: Kind::Failure,
        from: "postmaster@contoso.example".parse().expect("an address"),
        to: "ann@contoso.example".parse().expect("an address"),
        date: time("2026-03-03T08:00:00Z"),
        message_id: "<ndr1@out.contoso.example>".parse().expect("an id"),
        boundary: "_b1_".to_owned(),
        generating_server: "out.contoso.example".to_owned(),
        receiving_server: Some("mx1.fabrikam.example".to_owned()),
        received_from: Some("client.contoso.example".to_owned()),
        arrival: time("2026-03-02T08:00:00Z"),
        envelope_id: None,
        recipients: vec![Failure {
            to: "bo@fabrikam.example".parse().expect("an address"),
            original_recipient: None,
            status,
            diagnostic: "550 5.7.323 tlsa-invalid: The domain failed DANE validation.".to_owned(),
            remote_mta: Some("mx1.fabrikam.example".to_owned()),
            explanation: explanation(status, None),
            answers: vec![
                Answer {
                    at: time("2026-03-03T08:00:00Z"),
                    server: "out.contoso.example".to_owned(),
                    ip: None,
                    text: "550 5.7.323 tlsa-invalid: The domain failed DANE validation.".to_owned(),
                },
                Answer {
                    at: time("2026-03-03T07:30:00Z"),
                    server: "mx1.fabrikam.example".to_owned(),
                    ip: Some([192, 0, 2, 10].into()),
                    text: "450 4.7.323 tlsa-invalid: The domain failed DANE validation.".to_owned(),
                },
            ],
        }],
        original: ORIGINAL.into(),
        return_full: false,
    }
}

#[test]
fn a_failure_in_full() {
    let text = "\
Delivery has failed to these recipients or groups:

bo@fabrikam.example (bo@fabrikam.example)<mailto:bo@fabrikam.example>
Your message couldn't be delivered. Despite repeated attempts to deliver your message, the recipient's domain failed DANE validation.









Diagnostic information for administrators:

Generating server: out.contoso.example
Receiving server: mx1.fabrikam.example

bo@fabrikam.example
3/3/2026 8:00:00 AM - Server at out.contoso.example returned '550 5.7.323 tlsa-invalid: The domain failed DANE validation.'
3/3/2026 7:30:00 AM - Server at mx1.fabrikam.example (192.0.2.10) returned '450 4.7.323 tlsa-invalid: The domain failed DANE validation.'

Original message headers:

From: Ann <ann@contoso.example>
To: bo@fabrikam.example
Subject: Lunch
Message-ID: <m1@contoso.example>
References: <m0@contoso.example>
";
    assert_eq!(report().text(), text);
    let message = String::from_utf8(report().to_message()).expect("text");
    let header = "\
From: <postmaster@contoso.example>\r
To: <ann@contoso.example>\r
Date: Tue, 03 Mar 2026 08:00:00 +0000\r
Subject: Undeliverable: Lunch\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary=\"_b1_\"\r
Content-Language: en-US\r
Message-ID: <ndr1@out.contoso.example>\r
In-Reply-To: <m1@contoso.example>\r
References: <m0@contoso.example> <m1@contoso.example>\r
Auto-Submitted: auto-replied\r
X-MS-Exchange-Message-Is-Ndr:\r
\r
--_b1_\r
Content-Type: multipart/alternative; differences=Content-Type;\r
 boundary=\"_b1_alt\"\r
";
    assert!(message.starts_with(header), "{message}");
    let end = "\
--_b1_\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns;out.contoso.example\r
Received-From-MTA: dns;client.contoso.example\r
Arrival-Date: Mon, 02 Mar 2026 08:00:00 +0000\r
\r
Final-Recipient: rfc822;bo@fabrikam.example\r
Action: failed\r
Status: 5.7.323\r
Diagnostic-Code: smtp;550 5.7.323 tlsa-invalid: The domain failed DANE validation.\r
Remote-MTA: dns;mx1.fabrikam.example\r
X-Display-Name: bo@fabrikam.example\r
\r
--_b1_\r
Content-Type: message/rfc822\r
\r
From: Ann <ann@contoso.example>\r
To: bo@fabrikam.example\r
Subject: Lunch\r
Message-ID: <m1@contoso.example>\r
References: <m0@contoso.example>\r
\r
\r
--_b1_--\r
";
    assert!(message.ends_with(end), "{message}");
    assert!(message.split("\r\n").all(|line| line.len() <= 120 && !line.contains('\n')));
}

#[test]
fn it_reads_back() {
    let built = report();
    let parsed = parse(&built.to_message()).expect("a report");
    assert_eq!(parsed.text.as_deref().map(str::trim_end), Some(built.text().trim_end()));
    let status = &parsed.status;
    assert_eq!(status.reporting_mta, "out.contoso.example");
    assert_eq!(status.received_from_mta.as_deref(), Some("client.contoso.example"));
    assert_eq!(status.arrival, Some(built.arrival));
    let recipient = &status.recipients[0];
    assert_eq!(recipient.final_recipient, "bo@fabrikam.example");
    assert_eq!((recipient.action, recipient.status), (DsnAction::Failed, built.recipients[0].status));
    assert_eq!(recipient.diagnostic.as_deref(), Some(built.recipients[0].diagnostic.as_str()));
    assert_eq!(recipient.remote_mta.as_deref(), Some("mx1.fabrikam.example"));
    let original = parsed.original.expect("the original");
    assert_eq!(
        Message::parse(&original).expect("a header").message_id().expect("an id").as_str(),
        "m1@contoso.example"
    );

    let full = StatusNotification { return_full: true, ..built };
    assert_eq!(parse(&full.to_message()).expect("a report").original.as_deref(), Some(ORIGINAL.as_bytes()));
}

#[test]
fn a_delay() {
    let mut report = report();
    report.kind = Kind::Delay { remaining: Duration::from_secs((43 * 60 + 57) * 60) };
    report.recipients[0].status = EnhancedCode::new(Class::Transient, 4, 7);
    let text = report.text();
    assert!(text.starts_with("Delivery is delayed to these recipients or groups:\n"), "{text}");
    assert!(text.contains("for the next 1 days, 19 hours and 57 minutes. You'll be notified"), "{text}");
    let message = report.to_message();
    assert_eq!(report.subject(), "Delivery delayed: Lunch");
    assert_eq!(parse(&message).expect("a report").status.recipients[0].action, DsnAction::Delayed);
}

#[test]
fn originals_of_any_kind() {
    for original in ["", "no header at all", "Subject: x", "\r\nbody", "Message-ID: none\r\n\r\n"] {
        let report = StatusNotification { original: original.into(), ..report() };
        let message = report.to_message();
        let parsed = parse(&message).expect("a report");
        assert_eq!(parsed.status.recipients.len(), 1, "{original:?}");
    }
}

/// The status part of a real report from 2018, and variations of it.
#[track_caller]
fn status(body: &str, expected: Result<&str, ParseError>) {
    let outcome = parse_status(body.replace('\n', "\r\n").as_bytes()).map(|status| {
        let recipients: Vec<_> = status
            .recipients
            .iter()
            .map(|it| {
                format!(
                    "{} {} {} {}",
                    it.final_recipient,
                    it.action,
                    it.status,
                    it.diagnostic.as_deref().unwrap_or("-")
                )
            })
            .collect();
        format!("{} | {}", status.reporting_mta, recipients.join(" | "))
    });
    assert_eq!(outcome, expected.map(str::to_owned), "{body}");
}

#[test]
fn foreign_status_parts() {
    status(
        "Reporting-MTA: dns;SG2APC01HT226.mail.protection.outlook.com\nReceived-From-MTA: dns;SENDERMBX.PROD.OUTLOOK.COM\nArrival-Date: Wed, 23 May 2018 08:16:15 +0000\n\nFinal-Recipient: rfc822;user@rcpt.example\nAction: failed\nStatus: 5.4.312\nDiagnostic-Code: smtp;550 5.4.312 Message expired, DNS query failed\nX-Display-Name: user@rcpt.example\n\n",
        Ok(
            "SG2APC01HT226.mail.protection.outlook.com | user@rcpt.example failed 5.4.312 550 5.4.312 Message expired, DNS query failed",
        ),
    );
    status(
        "reporting-mta: dns; mx.example\n\n\n\nfinal-recipient: rfc822; a@b.example\naction: Delayed (still)\nstatus: 4.0.0 (x)\n\nFinal-Recipient: c@d.example\nAction: failed\nStatus: 5.1.1\n",
        Ok("mx.example | a@b.example delayed 4.0.0 - | c@d.example failed 5.1.1 -"),
    );
    let missing = |recipient, field| Err(ParseError::Recipient { recipient, field });
    status("", Err(ParseError::NoReportingMta));
    status("Reporting-MTA: dns;a\n\nAction: failed\n", missing(1, "Final-Recipient"));
    status("Reporting-MTA: dns;a\n\nFinal-Recipient: rfc822;a@b\nAction: lost\n", missing(1, "Action"));
    status("Reporting-MTA: dns;a\n\nFinal-Recipient: rfc822;a@b\nAction: failed\nStatus: 5.1\n", missing(1, "Status"));
}

#[test]
fn what_is_no_report() {
    assert_eq!(parse(b"Subject: x\r\n\r\n"), Err(ParseError::NotReport));
    assert_eq!(parse(b"Content-Type: multipart/report\r\n\r\n"), Err(ParseError::NotReport));
    assert_eq!(
        parse(b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\n\r\ntext\r\n--x--\r\n"),
        Err(ParseError::NoStatus)
    );
}

proptest! {
    #[test]
    fn never_panics(body in "(--x(--)?|Reporting-MTA: dns;a|Final-Recipient:|Action: failed|Content-Type: (message/delivery-status|multipart/mixed; boundary=x)|[a: ]{0,5}|\r\n|\n){0,20}") {
        let _ = parse_status(body.as_bytes());
        let _ = parse(format!("Content-Type: multipart/report; boundary=x\r\n\r\n{body}").as_bytes());
    }
}
