use std::net::Ipv4Addr;

use mxlab_auth::dmarc::Policy;
use mxlab_auth::dmarc::report::{AggregateReport, Day, Disposition, DkimAuth, Metadata, PolicyPublished, Row, Scope};
use mxlab_auth::{Data, Dns, DnsError, RecordKind};
use mxlab_mail::smtp::Parameters;
use mxlab_mail::smtp::server::{Delivery, Envelope, Hello};

use super::count::observations;
use super::direct::take_out;
use super::*;
use crate::assess::assess;
use crate::config::{AuthFailAction, RecipientTenant};
use crate::route;

/// Records by name. A name without any does not exist; the name `broken` cannot be looked up.
struct Records(&'static [(&'static str, Record)]);

#[derive(Clone, Copy)]
enum Record {
    Mx(u16, &'static str),
    A(u8),
    Txt(&'static str),
}

impl Dns for Records {
    fn lookup<'a>(&'a self, name: &'a str, kind: RecordKind) -> BoxFuture<'a, Result<Vec<Data>, DnsError>> {
        let here: Vec<Record> = self.0.iter().filter(|(owner, _)| *owner == name).map(|(_, record)| *record).collect();
        let data = |record: &Record| match (*record, kind) {
            (Record::Mx(preference, exchange), RecordKind::Mx) => {
                Some(Data::Mx { preference, exchange: exchange.to_owned() })
            }
            (Record::A(last), RecordKind::A) => Some(Data::A(Ipv4Addr::new(192, 0, 2, last))),
            (Record::Txt(text), RecordKind::Txt) => Some(Data::Txt(text.as_bytes().to_vec())),
            _ => None,
        };
        let answer = match name {
            "broken" => Err(DnsError::Timeout),
            _ if here.is_empty() => Err(DnsError::NxDomain),
            _ => Ok(here.iter().filter_map(data).collect()),
        };
        Box::pin(async move { answer })
    }
}

fn now<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(future)
}

#[test]
fn whether_mail_comes_straight_here() {
    let mut config = crate::stamp::testing::config();
    config.addresses = vec![IpAddr::from([192, 0, 2, 1])];
    let check = |records: &'static [(&'static str, Record)], expected: Result<bool, DnsError>| {
        let expected = match expected {
            Ok(true) => Way::Direct,
            Ok(false) => Way::Elsewhere,
            Err(error) => Way::Unknown { problem: error.to_string() },
        };
        assert_eq!(now(route::way(&Records(records), &config, "fabrikam.example")), expected);
    };
    use Record::{A, Mx};
    check(&[("fabrikam.example", Mx(10, "MX.fabrikam.example"))], Ok(true));
    // Another name of the same server.
    check(&[("fabrikam.example", Mx(10, "alias.example")), ("alias.example", A(1))], Ok(true));
    check(&[("fabrikam.example", Mx(10, "gateway.example")), ("gateway.example", A(2))], Ok(false));
    // Only the most preferred ones count, and any of these does.
    let behind =
        &[("fabrikam.example", Mx(20, "mx.fabrikam.example")), ("fabrikam.example", Mx(10, "gateway.example"))];
    check(behind, Ok(false));
    let beside =
        &[("fabrikam.example", Mx(10, "gateway.example")), ("fabrikam.example", Mx(10, "mx.fabrikam.example"))];
    check(beside, Ok(true));
    // Without MX records the domain is its own exchange; a null MX is not an exchange.
    check(&[("fabrikam.example", A(1))], Ok(true));
    check(&[("fabrikam.example", A(2))], Ok(false));
    check(&[("fabrikam.example", Mx(0, "")), ("fabrikam.example", A(1))], Ok(false));
    check(&[], Ok(false));
    check(&[("fabrikam.example", Mx(10, "broken"))], Err(DnsError::Timeout));
}

/// No gateway is in front of the recipients.
const HERE: (&str, Record) = ("fabrikam.example", Record::Mx(0, "mx.fabrikam.example"));

/// What is counted of a message from `from` that comes to all of `to` at a client that SPF does not know: domain and
/// disposition of each observation.
#[track_caller]
fn check(policy: &'static str, client: u8, to: &[&str], expected: &[(&str, Policy)]) {
    let mut config = crate::stamp::testing::config();
    config.tenants = vec![RecipientTenant::new("fabrikam", vec!["fabrikam.example".into(), "fabrikam.test".into()])];
    config.tenants[0].auth_fail_action = AuthFailAction::Quarantine;
    config.internal = vec![IpAddr::from([192, 0, 2, 5])];
    let records = match policy {
        "reject" => &[
            ("contoso.example", Record::Txt("v=spf1 ip4:192.0.2.10 -all")),
            ("_dmarc.contoso.example", Record::Txt("v=DMARC1; p=reject; rua=mailto:d@contoso.example")),
            HERE,
        ][..],
        "quarantine" => {
            &[("_dmarc.contoso.example", Record::Txt("v=DMARC1; p=quarantine; rua=mailto:d@contoso.example")), HERE][..]
        }
        _ => &[][..],
    };
    let recipient = |to: &&str| (to.parse().expect("an address"), Parameters::new());
    let from = if client == 5 { "cy@fabrikam.example" } else { "ann@contoso.example" };
    let envelope = Envelope {
        hello: Hello { name: "mail.contoso.example".into(), extended: true },
        from: format!("<{from}>").parse().expect("a path"),
        parameters: Parameters::new(),
        recipients: to.iter().map(recipient).collect(),
        tls: true,
    };
    // One signature whose key is missing, and a malformed one.
    let signature = "DKIM-Signature: v=1; a=rsa-sha256; d=contoso.example; s=s1; h=from; bh=YWJj; b=YWJj\r\n";
    let text = format!("From: {from}\r\n{signature}DKIM-Signature: v=1; d=other.example; s=s1\r\n\r\ntext\r\n");
    let delivery = Delivery { envelope, message: text.into_bytes(), bare_lf: false, bare_cr: false };
    let message = Message::parse(&delivery.message).expect("a message");
    let client = IpAddr::from([192, 0, 2, client]);
    let at = "2026-03-02T08:00:00Z".parse().expect("a timestamp");
    let assessed = now(assess(&config, &Records(records), client, at, &delivery, &message)).expect("assessed");
    let own = "dmarcreport@mx.fabrikam.example".parse().expect("an address");
    let observations = observations(&own, client, &delivery.envelope.from, &assessed);
    let shown: Vec<(&str, Policy)> =
        observations.iter().map(|(_, it)| (it.envelope_to.as_deref().unwrap_or_default(), it.disposition)).collect();
    assert_eq!(shown, expected);
    for (evaluation, observation) in &observations {
        assert_eq!(evaluation.author, "contoso.example");
        assert_eq!((observation.source_ip, observation.envelope_from.as_str()), (client, "contoso.example"));
        let dkim = &observation.dkim[..];
        assert!(matches!(dkim, [DkimAuth { domain, .. }] if domain == "contoso.example"), "{dkim:?}");
        assert_eq!(observation.spf.scope, Some(Scope::MailFrom));
    }
}

#[test]
fn what_is_counted() {
    // Two recipients of one domain count as one message; a second domain is counted separately.
    let here = ("fabrikam.example", Policy::None);
    check("reject", 10, &["bo@fabrikam.example", "cy@FABRIKAM.example"], &[here]);
    check("reject", 10, &["bo@fabrikam.example", "bo@fabrikam.test"], &[here, ("fabrikam.test", Policy::None)]);
    check("reject", 11, &["bo@fabrikam.example"], &[("fabrikam.example", Policy::Reject)]);
    check("quarantine", 11, &["bo@fabrikam.example"], &[("fabrikam.example", Policy::Quarantine)]);
    // Quarantined by the composite verdict, not by DMARC.
    check("nothing", 11, &["bo@fabrikam.example"], &[here]);
    // From inside the organization.
    check("reject", 5, &["bo@fabrikam.example"], &[]);
}

/// Whether a message is counted whose return path and author these are; reports come from `d@mx.example`.
#[test]
fn own_reports_are_not_counted() {
    let check = |from: &str, author: &str, counted: bool| {
        let config = crate::stamp::testing::config();
        let tenant = RecipientTenant::new("fabrikam", vec!["fabrikam.example".into()]);
        let config = ReceiverConfig { tenants: vec![tenant], ..config };
        let envelope = Envelope {
            hello: Hello { name: "mx.example".into(), extended: true },
            from: format!("<{from}>").parse().expect("a path"),
            parameters: Parameters::new(),
            recipients: vec![("bo@fabrikam.example".parse().expect("an address"), Parameters::new())],
            tls: true,
        };
        let message = format!("From: {author}\r\n\r\ntext\r\n").into_bytes();
        let delivery = Delivery { envelope, message, bare_lf: false, bare_cr: false };
        let message = Message::parse(&delivery.message).expect("a message");
        let client = IpAddr::from([192, 0, 2, 1]);
        let at = "2026-03-02T08:00:00Z".parse().expect("a timestamp");
        let assessed = now(assess(&config, &Records(&[]), client, at, &delivery, &message)).expect("assessed");
        let own = "d@mx.example".parse().expect("an address");
        assert_eq!(observations(&own, client, &delivery.envelope.from, &assessed).len(), usize::from(counted));
    };
    check("d@mx.example", "d@mx.example", false);
    check("d@MX.example", "e@mx.example", false);
    // Merely using the address as return path does not hide a message.
    check("d@mx.example", "ann@contoso.example", true);
    check("e@mx.example", "d@mx.example", true);
}

#[test]
fn rows_of_recipients_are_taken_out() {
    let row = |to: &str, count| Row { envelope_to: Some(to.to_owned()), count, ..row() };
    let mut report = report(vec![row("a.example", 1), row("b.example", 2), row("a.example", 4)]);
    assert_eq!(take_out(&mut report, "a.example"), 5);
    assert_eq!(report.rows, [row("b.example", 2)]);
    assert_eq!(take_out(&mut report, "a.example"), 0);
}

#[test]
fn who_reports() {
    let mut config = crate::stamp::testing::config();
    let exchange = reporter(&config).expect("a reporter");
    assert_eq!((exchange.org_name.as_str(), exchange.form), ("Enterprise Outlook", Form::Rfc7489));
    assert_eq!(exchange.email.to_string(), format!("dmarcreport@{}", config.name));
    config.profile = Profile::Rfc;
    let standard = reporter(&config).expect("a reporter");
    assert_eq!((standard.org_name, standard.form), (config.name, Form::Rfc9990));
}

fn row() -> Row {
    Row {
        source_ip: IpAddr::from([192, 0, 2, 10]),
        count: 1,
        disposition: Disposition::None,
        dkim: false,
        spf: true,
        reasons: Vec::new(),
        header_from: "contoso.example".to_owned(),
        envelope_from: None,
        envelope_to: None,
        dkim_results: Vec::new(),
        spf_results: Vec::new(),
    }
}

fn report(rows: Vec<Row>) -> AggregateReport {
    let metadata = Metadata {
        org_name: "Fabrikam".to_owned(),
        email: "d@mx.example".to_owned(),
        extra_contact_info: None,
        report_id: "1".to_owned(),
        period: Day::of(Timestamp::UNIX_EPOCH).period(),
        errors: Vec::new(),
        generator: None,
    };
    let policy = PolicyPublished {
        domain: "contoso.example".to_owned(),
        discovery_method: None,
        adkim: None,
        aspf: None,
        policy: Policy::None,
        subdomain: None,
        nonexistent: None,
        percent: None,
        testing: None,
        failure_options: None,
    };
    AggregateReport { form: Form::Rfc7489, metadata, policy, rows }
}
