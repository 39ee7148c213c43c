use std::collections::BTreeMap;

use mxlab_auth::dns::BoxFuture;
use mxlab_auth::{Data, DnsError, RecordKind};
use mxlab_mail::smtp::Parameters;
use mxlab_mail::smtp::server::{Envelope, Hello};

use super::*;
use crate::config::RecipientTenant;

/// TXT records, and the MX record of the recipients' domain, which points to the engine.
struct Texts(BTreeMap<&'static str, &'static str>);

impl Dns for Texts {
    fn lookup<'a>(&'a self, name: &'a str, kind: RecordKind) -> BoxFuture<'a, Result<Vec<Data>, DnsError>> {
        let text = self.0.get(name).map(|text| vec![Data::Txt(text.as_bytes().to_vec())]);
        let answer = match (name, kind) {
            (_, RecordKind::Txt) => text.ok_or(DnsError::NxDomain),
            ("fabrikam.example", RecordKind::Mx) => {
                Ok(vec![Data::Mx { preference: 0, exchange: "mx.fabrikam.example".to_owned() }])
            }
            _ => Err(DnsError::NxDomain),
        };
        Box::pin(async move { answer })
    }
}

/// The DNS of these tests answers at once; only the limit on the time of SPF needs a runtime.
fn now<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(future)
}

fn config() -> ReceiverConfig {
    let mut config = crate::stamp::testing::config();
    config.tenants = vec![RecipientTenant::new("fabrikam", vec!["fabrikam.example".into()])];
    config.internal = vec![IpAddr::from([192, 0, 2, 5])];
    config
}

/// Assesses a message with this header, of which `from` is the sender, for one recipient.
fn assessed(
    config: &ReceiverConfig,
    records: &[(&'static str, &'static str)],
    client: u8,
    from: &str,
    header: &str,
) -> Result<Vec<Assessed>, Refusal> {
    let envelope = Envelope {
        hello: Hello { name: "mail.contoso.example".into(), extended: true },
        from: format!("<{from}>").parse().expect("a path"),
        parameters: Parameters::new(),
        recipients: vec![("bo@fabrikam.example".parse().expect("an address"), Parameters::new())],
        tls: true,
    };
    let message = format!("{header}\r\ntext\r\n").into_bytes();
    let delivery = Delivery { envelope, message, bare_lf: false, bare_cr: false };
    let message = Message::parse(&delivery.message).expect("a message");
    let dns = Texts(records.iter().copied().collect());
    let (client, at) = (IpAddr::from([192, 0, 2, client]), "2026-03-02T08:00:00Z".parse().expect("a timestamp"));
    now(assess(config, &dns, client, at, &delivery, &message))
}

/// Assesses a message from `from` (also the author) with this header at `client`; expected are the value of
/// Authentication-Results and the folder, or what is missing.
#[track_caller]
fn check(
    records: &[(&'static str, &'static str)],
    client: u8,
    from: &str,
    header: &str,
    expected: Result<(&str, &str), &str>,
) {
    let header = format!("From: {from}\r\n{header}");
    let outcome = match assessed(&config(), records, client, from, &header) {
        Ok(assessed) => {
            let it = &assessed[0];
            let text = String::from_utf8_lossy(&it.message).into_owned();
            assert!(text.ends_with("text\r\n"), "{text}");
            let stamped = Message::parse(&it.message).expect("a message");
            let results = stamped.field("Authentication-Results").expect("stamped").value();
            assert_eq!(results, it.verdict.results.to_string());
            match &it.verdict.disposition {
                Disposition::Deliver(folder) => Ok((results, folder.word().to_owned())),
                Disposition::Reject(reply) => Ok((results, reply.to_string())),
            }
        }
        Err(Refusal::NotSupported(missing)) => Err(missing.what),
        Err(Refusal::Refused { reply, .. }) => Err(reply.to_string()),
    };
    let expected = expected.map(|(results, folder)| (results.to_owned(), folder.to_owned()));
    assert_eq!(outcome, expected.map_err(str::to_owned));
}

const SPF: (&str, &str) = ("contoso.example", "v=spf1 ip4:192.0.2.10 -all");
const DMARC: (&str, &str) = ("_dmarc.contoso.example", "v=DMARC1; p=reject");

#[test]
fn documented_cases() {
    let none = "spf=none (sender IP is 192.0.2.10) smtp.mailfrom=contoso.example; dkim=none (message not signed) header.d=none;dmarc=none action=none header.from=contoso.example;compauth=fail reason=001";
    check(&[], 10, "ann@contoso.example", "", Ok((none, "junk")));
    let guess = "spf=pass (sender IP is 192.0.2.10) smtp.mailfrom=contoso.example; dkim=none (message not signed) header.d=none;dmarc=bestguesspass action=none header.from=contoso.example;compauth=pass reason=109";
    check(&[SPF], 10, "ann@contoso.example", "", Ok((guess, "inbox")));
    let pass = "spf=pass (sender IP is 192.0.2.10) smtp.mailfrom=contoso.example; dkim=none (message not signed) header.d=none;dmarc=pass action=none header.from=contoso.example;compauth=pass reason=100";
    check(&[SPF, DMARC], 10, "ann@contoso.example", "", Ok((pass, "inbox")));
    let inside = "dkim=none (message not signed) header.d=none;dmarc=none action=none header.from=fabrikam.example;";
    check(&[], 5, "ann@fabrikam.example", "", Ok((inside, "inbox")));
    // Domains keep the case in which they came.
    check(&[], 10, "ann@CONTOSO.example", "", Ok((&none.replace("contoso", "CONTOSO"), "junk")));
}

#[test]
fn a_failure_that_the_owner_wants_refused() {
    let fail = "spf=fail (sender IP is 192.0.2.11) smtp.mailfrom=contoso.example; dkim=none (message not signed) header.d=none;dmarc=fail action=oreject header.from=contoso.example;compauth=fail reason=000";
    let refused = "550 5.7.509 Access denied, sending domain [CONTOSO.EXAMPLE] does not pass DMARC verification and has a DMARC policy of reject.";
    check(&[SPF, DMARC], 11, "ann@contoso.example", "", Ok((fail, refused)));
    let quarantine = ("_dmarc.contoso.example", "v=DMARC1; p=quarantine");
    let fail = fail.replace("oreject", "quarantine");
    check(&[SPF, quarantine], 11, "ann@contoso.example", "", Ok((&fail, "quarantine")));
}

#[test]
fn a_signature_that_cannot_be_read() {
    let results = "spf=pass (sender IP is 192.0.2.10) smtp.mailfrom=contoso.example; dkim=fail (signature did not verify) header.d=none;dmarc=pass action=none header.from=contoso.example;compauth=pass reason=100";
    check(&[SPF, DMARC], 10, "ann@contoso.example", "DKIM-Signature: v=1\r\n", Ok((results, "inbox")));
}

#[test]
fn what_is_not_decided() {
    let own = "the composite reason for spf=none, dmarc=none and an author of the tenant's own domain";
    check(&[], 10, "ann@fabrikam.example", "", Err(own));
    let lenient = ("_dmarc.contoso.example", "v=DMARC1; p=none");
    check(&[SPF, lenient], 11, "ann@contoso.example", "", Err("the composite reason for spf=fail, dmarc=fail"));
}

#[test]
fn nobody_to_authenticate() {
    let check = |from: &str, why: &str| {
        let refusal = |profile| {
            let config = ReceiverConfig { profile, ..config() };
            let refusal = assessed(&config, &[SPF], 10, "ann@contoso.example", &format!("From: {from}\r\n"));
            match refusal.expect_err("a refusal") {
                Refusal::Refused { reply, because } => (reply.to_string(), because),
                Refusal::NotSupported(missing) => (missing.what, Vec::new()),
            }
        };
        let (reply, because) = refusal(Profile::Exo);
        assert_eq!(reply, "550 5.7.512 Access denied, message must be RFC 5322 section 3.6.2 compliant");
        assert_eq!(because, [format!("the author cannot be named: {why}")]);
        let (reply, because) = refusal(Profile::Rfc);
        assert_eq!(reply, format!("550 5.6.0 Message has no author to authenticate: {why}"));
        assert!(because.is_empty());
    };
    check("ann@contoso.example\r\nFrom: x@y.example", "2 From fields");
    let behind = "something behind an address, where only a comma may be in From";
    check("<ann@contoso.example> <x@y.example>", behind);
    check("<ann@contoso.example> x@y.example", behind);
    check("Ann Lee", "a name without an address in From");
    check("ann@contoso.example (", "a comment without end in From");
}

/// Too many domains are not a way around the policy of one of them.
#[test]
fn authors_of_many_domains() {
    let check = |profile, others: usize, expected: &str| {
        let config = ReceiverConfig { profile, ..config() };
        let others: String = (0..others).map(|number| format!(", x@d{number}.example, y@D{number}.example")).collect();
        let header = format!("From: ann@contoso.example, cy@CONTOSO.example{others}\r\n");
        let outcome = match assessed(&config, &[SPF, DMARC], 11, "mallory@woodgrove.example", &header) {
            Ok(assessed) => match &assessed[0].verdict.disposition {
                Disposition::Deliver(folder) => folder.word().to_owned(),
                Disposition::Reject(reply) => reply.to_string(),
            },
            Err(Refusal::NotSupported(missing)) => missing.what,
            Err(Refusal::Refused { reply, .. }) => reply.to_string(),
        };
        assert_eq!(outcome, expected);
    };
    let fails = "550 5.7.509 Access denied, sending domain [CONTOSO.EXAMPLE] does not pass DMARC verification and has a DMARC policy of reject.";
    check(Profile::Exo, dmarc::MAX_AUTHORS - 1, fails);
    // RFC 9989 does not apply DMARC to several authors.
    check(Profile::Rfc, dmarc::MAX_AUTHORS - 1, "inbox");
    let refused = "550 5.6.0 Message has authors of 11 domains in From, more than the 10 authenticated";
    check(Profile::Exo, dmarc::MAX_AUTHORS, refused);
    check(Profile::Rfc, dmarc::MAX_AUTHORS, refused);
}

#[test]
fn one_reply_goes_back_for_all() {
    let author = "ann@contoso.example";
    let it =
        assessed(&config(), &[SPF, DMARC], 10, author, &format!("From: {author}\r\n")).expect("assessed").remove(0);
    let settled = |dispositions: &[Disposition]| {
        let each = dispositions.iter().map(|disposition| {
            let verdict = Verdict { disposition: disposition.clone(), ..it.verdict.clone() };
            Assessed { verdict, ..it.clone() }
        });
        let settled = super::settled(each.collect());
        for it in &settled {
            let instead = it.verdict.because.iter().any(|because| because == QUARANTINED_INSTEAD);
            assert_eq!(instead, it.verdict.disposition == Disposition::Deliver(Folder::Quarantine));
        }
        settled.into_iter().map(|it| it.verdict.disposition).collect::<Vec<_>>()
    };
    let reject = Disposition::Reject("550 5.7.509 No".parse().expect("a reply"));
    let inbox = Disposition::Deliver(Folder::Inbox);
    assert_eq!(settled(&[reject.clone(), reject.clone()]), [reject.clone(), reject.clone()]);
    assert_eq!(settled(&[reject, inbox.clone()]), [Disposition::Deliver(Folder::Quarantine), inbox]);
}
