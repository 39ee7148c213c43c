//! The limits of RFC 7208 §4.6.4; they hold whatever DNS answers.

use std::sync::Mutex;

use proptest::prelude::*;

use super::{check, client, evaluate};
use crate::dns::{BoxFuture, Data, Dns, DnsError, RecordKind};
use crate::spf::{MAX_LOOKUPS, MAX_MX_HOSTS, MAX_QUERIES, MAX_VOID_TERMS, SpfResult, check_host};
use crate::testing::now;

#[test]
fn terms() {
    let zone = |count: usize, last: &str| {
        let terms = vec!["a:m.example"; count].join(" ");
        format!(
            "t.example TXT v=spf1 {terms} {last}
             m.example A 198.51.100.1
             i.example TXT v=spf1 ip4:192.0.2.10 -all
             i2.example TXT v=spf1 mx:m.example ptr exists:m.example -all
             m.example MX 10 m.example
             10.2.0.192.in-addr.arpa PTR m.example"
        )
    };
    let over = ("permerror", "more than 10 terms ask DNS");
    check(&zone(10, "-all"), "192.0.2.10", "x@t.example", ("fail", "-all matches 192.0.2.10"));
    check(&zone(11, "-all"), "192.0.2.10", "x@t.example", over);
    let many = "ip4:1.1.1.1 ip6:::1 x=%{d} -all exp=m.example";
    check(&zone(10, many), "192.0.2.10", "x@t.example", ("fail", "-all matches 192.0.2.10"));
    check(&zone(9, "include:i.example"), "192.0.2.10", "x@t.example", ("pass", "include:i.example matches 192.0.2.10"));
    check(&zone(10, "include:i.example"), "192.0.2.10", "x@t.example", over);
    check(&zone(9, "redirect=i.example"), "192.0.2.10", "x@t.example", ("pass", "ip4:192.0.2.10 matches 192.0.2.10"));
    check(&zone(10, "redirect=i.example"), "192.0.2.10", "x@t.example", over);
    check(
        &zone(10, "ip4:192.0.2.10 redirect=i.example"),
        "192.0.2.10",
        "x@t.example",
        ("pass", "ip4:192.0.2.10 matches 192.0.2.10"),
    );
    // Terms of included records count; so do mx, ptr and exists.
    check(
        &zone(6, "include:i2.example ?all"),
        "192.0.2.10",
        "x@t.example",
        ("pass", "include:i2.example matches 192.0.2.10"),
    );
    check(&zone(7, "include:i2.example ?all"), "192.0.2.10", "x@t.example", over);
}

#[test]
fn void_lookups() {
    let zone = |terms: &str| {
        format!(
            "t.example TXT v=spf1 {terms} ?all
             x.example A 198.51.100.1
             x.example MX 10 gone1.example
             mx2.example MX 10 gone1.example
             mx2.example MX 20 gone2.example
             mx2.example MX 30 gone3.example
             v6.example AAAA 2001:db8::1
             i.example TXT v=spf1 a:gone.example -all
             12.2.0.192.in-addr.arpa TXT no names
             13.2.0.192.in-addr.arpa TIMEOUT
             11.2.0.192.in-addr.arpa PTR gone1.example
             11.2.0.192.in-addr.arpa PTR gone2.example
             11.2.0.192.in-addr.arpa PTR gone3.example"
        )
    };
    let within =
        |terms: &str, ip: &str| check(&zone(terms), ip, "x@t.example", ("neutral", &format!("?all matches {ip}")));
    let over = |terms: &str, ip: &str| {
        check(&zone(terms), ip, "x@t.example", ("permerror", "more than 2 terms have lookups without an answer"));
    };
    within("a:gone.example a:gone.example", "192.0.2.10");
    over("a:gone.example a:gone.example a:gone.example", "192.0.2.10");
    // The name exists, but nothing of this kind.
    within("a:v6.example exists:v6.example", "192.0.2.10");
    over("a:v6.example mx:v6.example exists:v6.example", "192.0.2.10");
    within("mx:gone.example mx:x.example", "2001:db8::7");
    // However many lookups of a term have no answer, it is one term.
    within("mx:mx2.example", "192.0.2.10");
    within("mx:mx2.example mx:mx2.example", "192.0.2.10");
    over("mx:mx2.example mx:mx2.example mx:mx2.example", "192.0.2.10");
    over("mx:mx2.example include:i.example mx:mx2.example", "192.0.2.10");
    over("include:i.example include:i.example include:i.example", "192.0.2.10");
    // A ptr for a client without names counts, each time.
    within("ptr a:gone.example", "192.0.2.10");
    over("ptr a:gone.example ptr", "192.0.2.10");
    over("ptr a:gone.example ptr", "192.0.2.12");
    // If the names cannot be looked up, it does not: there is no answer.
    within("ptr a:gone.example ptr", "192.0.2.13");
    // Lookups for the client's names are not the domain's fault.
    within("ptr a:gone.example a:gone.example", "192.0.2.11");
    within("exists:%{p}.x.example a:gone.example", "192.0.2.10");
}

#[test]
fn mail_hosts() {
    let result = |count: u32| {
        let mut zone = String::from("many.example TXT v=spf1 mx -all\n");
        for host in 0..count {
            zone.push_str(&format!("many.example MX 10 h{host}.example\nh{host}.example A 192.0.2.{host}\n"));
        }
        evaluate(&zone, "192.0.2.9", "x@many.example").result
    };
    assert_eq!((result(10), result(11)), (SpfResult::Pass, SpfResult::PermError));
}

#[test]
fn names_of_the_client() {
    // Of twelve names ten are used, in the order of the answer.
    let mut zone = String::from("a.example TXT v=spf1 ptr:first.example -ptr:last.example ?all\n");
    for number in 0..12 {
        let below = if number == 11 { "last" } else { "other" };
        zone.push_str(&format!("9.2.0.192.in-addr.arpa PTR h{number}.{below}.example\n"));
        zone.push_str(&format!("h{number}.{below}.example A 192.0.2.9\n"));
    }
    let evaluation = evaluate(&zone, "192.0.2.9", "x@a.example");
    assert_eq!(evaluation.result, SpfResult::Neutral);
    // The record, the names, ten addresses; the second ptr asks no more.
    assert_eq!(evaluation.lookups().count(), 12);
}

/// Answers made from a few draws, always the same to the same question.
struct Drawn {
    draws: Vec<u8>,
    asked: Mutex<usize>,
}

impl Drawn {
    fn answer(&self, name: &str, kind: RecordKind) -> Result<Vec<Data>, DnsError> {
        let mut asked = self.asked.lock().expect("nobody panics with it");
        *asked += 1;
        let position = name.bytes().fold(kind as usize, |sum, octet| sum * 31 % 65_521 + usize::from(octet));
        let draw = |at: usize| self.draws[(position + at) % self.draws.len()];
        let host = |at: usize| format!("h{}.example", draw(at) % 8);
        match draw(0) % 8 {
            0 => return Err(DnsError::NxDomain),
            1 => return Err(DnsError::Temporary { reason: "drawn".to_owned() }),
            2 => return Ok(Vec::new()),
            _ => {}
        }
        let count = usize::from(draw(1) % 13);
        Ok(match kind {
            RecordKind::A => vec![Data::A([192, 0, 2, draw(2) % 4].into())],
            RecordKind::Aaaa => vec![Data::Aaaa([0, 0, 0, 0, 0, 0, 0, u16::from(draw(2) % 4)].into())],
            RecordKind::Mx => (0..count).map(|at| Data::Mx { preference: 1, exchange: host(at) }).collect(),
            RecordKind::Ptr => (0..count).map(|at| Data::Ptr(host(at))).collect(),
            RecordKind::Txt => {
                let terms = (0..count).map(|at| match draw(at + 2) % 9 {
                    0 => "a".to_owned(),
                    1 => format!("mx:{}", host(at)),
                    2 => "ptr".to_owned(),
                    3 => format!("exists:%{{l}}.{}", host(at)),
                    4 | 5 => format!("?include:{}", host(at)),
                    6 => "a:%{p}.%{d}".to_owned(),
                    7 => "-ip4:192.0.2.77".to_owned(),
                    _ => format!("x{at}=y"),
                });
                let terms: Vec<String> = terms.collect();
                vec![Data::Txt(format!("v=spf1 {} redirect={}", terms.join(" "), host(count)).into_bytes())]
            }
        })
    }
}

impl Dns for Drawn {
    fn lookup<'a>(&'a self, name: &'a str, kind: RecordKind) -> BoxFuture<'a, Result<Vec<Data>, DnsError>> {
        let answer = self.answer(name, kind);
        Box::pin(async move { answer })
    }
}

proptest! {
    #[test]
    fn whatever_dns_says(draws in prop::collection::vec(any::<u8>(), 1..400), v6 in any::<bool>()) {
        let dns = Drawn { draws, asked: Mutex::new(0) };
        let ip = if v6 { "2001:db8::1" } else { "192.0.2.3" };
        let evaluation = now(check_host(&dns, &client(ip, "x@h1.example")));
        let asked = *dns.asked.lock().expect("nobody panics with it");
        prop_assert!(asked <= MAX_QUERIES, "{asked} lookups");
        prop_assert_eq!(evaluation.lookups().count(), asked);
        for step in &evaluation.steps {
            // The one that is too many ends the check.
            prop_assert!(step.terms <= MAX_LOOKUPS + 1 && step.void_terms <= MAX_VOID_TERMS + 1);
            prop_assert!(step.void_terms <= step.void_lookups);
            prop_assert!(step.void_lookups <= step.void_terms * (1 + MAX_MX_HOSTS));
            prop_assert!(step.depth <= MAX_LOOKUPS);
        }
        let over = evaluation.steps.last().is_some_and(|it| it.terms > MAX_LOOKUPS || it.void_terms > MAX_VOID_TERMS);
        prop_assert!(!over || evaluation.result == SpfResult::PermError);
        // Everything is recorded, and an error has its reason.
        prop_assert!(evaluation.trace().len() >= evaluation.steps.len());
        let error = matches!(evaluation.result, SpfResult::PermError | SpfResult::TempError);
        prop_assert_eq!(error, evaluation.problem.is_some());
        if let Some(problem) = &evaluation.problem {
            prop_assert_eq!(evaluation.because().last().cloned(), Some(problem.clone()));
        }
        prop_assert_eq!(evaluation.result == SpfResult::None, evaluation.record.is_none() && !error);
    }
}
